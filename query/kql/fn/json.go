package fn

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// kind says what a value of JSON is.
type kind uint8

const (
	isNull kind = iota
	isBool
	isNumber
	isText
	isArray
	isBag
)

// value is one value of JSON. Numbers keep their spelling and bags their order,
// because Kusto prints both as they came.
type value struct {
	kind kind
	yes  bool
	text string // of isText decoded; of isNumber as spelled
	list []value
	bag  []member
}

type member struct {
	key string
	val value
}

var nothing = value{}

func textValue(s string) value   { return value{kind: isText, text: s} }
func boolValue(b bool) value     { return value{kind: isBool, yes: b} }
func longValue(n int64) value    { return value{kind: isNumber, text: strconv.FormatInt(n, 10)} }
func arrayValue(l []value) value { return value{kind: isArray, list: l} }
func bagValue(m ...member) value { return value{kind: isBag, bag: m} }
func pair(k, v string) member    { return member{k, textValue(v)} }

// realValue spells f so that it reads back as a real, or null where JSON has no
// spelling for it.
func realValue(f float64) value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		if math.IsNaN(f) {
			return textValue("NaN")
		}
		if f > 0 {
			return textValue("Infinity")
		}
		return textValue("-Infinity")
	}
	return value{kind: isNumber, text: spellReal(f)}
}

// spellReal writes f shortest, with a fraction or an exponent always.
func spellReal(f float64) string {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if a := math.Abs(f); a >= 1e-5 && a < 1e15 || f == 0 {
		s = strconv.FormatFloat(f, 'f', -1, 64)
	}
	if !strings.ContainsAny(s, ".eE") {
		s += ".0"
	}
	return s
}

// real is the number v holds; text that spells a number counts.
func (v value) real() (float64, bool) {
	switch v.kind {
	case isNumber, isText:
		if f, err := strconv.ParseFloat(strings.TrimSpace(v.text), 64); err == nil {
			return f, true
		}
	case isBool:
		if v.yes {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func (v value) whole() bool {
	return v.kind == isNumber && !strings.ContainsAny(v.text, ".eE")
}

func (v value) long() (int64, bool) {
	if v.kind == isNumber {
		if n, err := strconv.ParseInt(v.text, 10, 64); err == nil {
			return n, true
		}
		if f, ok := v.real(); ok && math.Abs(f) < 1<<63 {
			return int64(f), true
		}
	}
	return 0, false
}

// parse reads one JSON text. It refuses what is not JSON and what is deeper
// than maxDepth.
func parse(s string) (value, bool) {
	p := reader{s: s}
	v, ok := p.value(0)
	if !ok {
		return nothing, false
	}
	p.space()
	return v, p.at == len(p.s)
}

// dyn is argument i as a value; null where it is NULL or not JSON.
func (r row) dyn(i int) value {
	if r.null(i) {
		return nothing
	}
	v, ok := parse(r.text(i))
	if !ok {
		return nothing
	}
	return v
}

type reader struct {
	s  string
	at int
}

func (p *reader) space() {
	for p.at < len(p.s) {
		switch p.s[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *reader) value(depth int) (value, bool) {
	p.space()
	if p.at >= len(p.s) || depth > maxDepth {
		return nothing, false
	}
	switch c := p.s[p.at]; c {
	case '{':
		return p.bag(depth)
	case '[':
		return p.array(depth)
	case '"':
		s, ok := p.string()
		return textValue(s), ok
	case 't':
		return boolValue(true), p.word("true")
	case 'f':
		return boolValue(false), p.word("false")
	case 'n':
		return nothing, p.word("null")
	default:
		return p.number()
	}
}

func (p *reader) word(w string) bool {
	if !strings.HasPrefix(p.s[p.at:], w) {
		return false
	}
	p.at += len(w)
	return true
}

func (p *reader) number() (value, bool) {
	from := p.at
	digits := func() bool {
		n := p.at
		for p.at < len(p.s) && p.s[p.at] >= '0' && p.s[p.at] <= '9' {
			p.at++
		}
		return p.at > n
	}
	if p.s[p.at] == '-' {
		p.at++
	}
	if !digits() {
		return nothing, false
	}
	if p.at < len(p.s) && p.s[p.at] == '.' {
		p.at++
		if !digits() {
			return nothing, false
		}
	}
	if p.at < len(p.s) && (p.s[p.at] == 'e' || p.s[p.at] == 'E') {
		p.at++
		if p.at < len(p.s) && (p.s[p.at] == '+' || p.s[p.at] == '-') {
			p.at++
		}
		if !digits() {
			return nothing, false
		}
	}
	return value{kind: isNumber, text: p.s[from:p.at]}, true
}

func (p *reader) array(depth int) (value, bool) {
	p.at++
	v := value{kind: isArray}
	p.space()
	if p.at < len(p.s) && p.s[p.at] == ']' {
		p.at++
		return v, true
	}
	for {
		e, ok := p.value(depth + 1)
		if !ok || len(v.list) >= maxItems {
			return nothing, false
		}
		v.list = append(v.list, e)
		p.space()
		if p.at >= len(p.s) {
			return nothing, false
		}
		p.at++
		switch p.s[p.at-1] {
		case ',':
		case ']':
			return v, true
		default:
			return nothing, false
		}
	}
}

func (p *reader) bag(depth int) (value, bool) {
	p.at++
	v := value{kind: isBag}
	p.space()
	if p.at < len(p.s) && p.s[p.at] == '}' {
		p.at++
		return v, true
	}
	for {
		p.space()
		if p.at >= len(p.s) || p.s[p.at] != '"' {
			return nothing, false
		}
		k, ok := p.string()
		if !ok {
			return nothing, false
		}
		p.space()
		if p.at >= len(p.s) || p.s[p.at] != ':' {
			return nothing, false
		}
		p.at++
		e, ok := p.value(depth + 1)
		if !ok || len(v.bag) >= maxItems {
			return nothing, false
		}
		v.bag = append(v.bag, member{k, e})
		p.space()
		if p.at >= len(p.s) {
			return nothing, false
		}
		p.at++
		switch p.s[p.at-1] {
		case ',':
		case '}':
			return v, true
		default:
			return nothing, false
		}
	}
}

func (p *reader) string() (string, bool) {
	p.at++
	from := p.at
	for p.at < len(p.s) && p.s[p.at] != '"' && p.s[p.at] != '\\' {
		p.at++
	}
	if p.at < len(p.s) && p.s[p.at] == '"' {
		p.at++
		return p.s[from : p.at-1], true
	}
	b := []byte(p.s[from:p.at])
	for p.at < len(p.s) {
		c := p.s[p.at]
		p.at++
		switch c {
		case '"':
			return string(b), true
		case '\\':
			if p.at >= len(p.s) {
				return "", false
			}
			e := p.s[p.at]
			p.at++
			switch e {
			case 'n':
				b = append(b, '\n')
			case 't':
				b = append(b, '\t')
			case 'r':
				b = append(b, '\r')
			case 'b':
				b = append(b, '\b')
			case 'f':
				b = append(b, '\f')
			case '"', '\\', '/':
				b = append(b, e)
			case 'u':
				r, ok := p.hex4()
				if !ok {
					return "", false
				}
				if utf16.IsSurrogate(r) && strings.HasPrefix(p.s[p.at:], `\u`) {
					back := p.at
					p.at += 2
					low, ok := p.hex4()
					if both := utf16.DecodeRune(r, low); ok && both != utf8.RuneError {
						r = both
					} else {
						p.at = back
					}
				}
				b = utf8.AppendRune(b, r)
			default:
				return "", false
			}
		default:
			b = append(b, c)
		}
	}
	return "", false
}

func (p *reader) hex4() (rune, bool) {
	if p.at+4 > len(p.s) {
		return 0, false
	}
	n, err := strconv.ParseUint(p.s[p.at:p.at+4], 16, 32)
	p.at += 4
	return rune(n), err == nil
}

// json writes v compact.
func (v value) json() string {
	return string(v.append(nil))
}

// result is v as a Go function answers it: nil for null.
func (v value) result() any {
	if v.kind == isNull {
		return nil
	}
	b := v.append(nil)
	if len(b) > maxText {
		return nil
	}
	return string(b)
}

// string is tostring(v): text as it is, anything else compact, null empty.
func (v value) string() string {
	switch v.kind {
	case isNull:
		return ""
	case isText:
		return v.text
	case isBool:
		if v.yes {
			return "true"
		}
		return "false"
	}
	return v.json()
}

func (v value) append(b []byte) []byte {
	switch v.kind {
	case isNull:
		return append(b, "null"...)
	case isBool:
		return strconv.AppendBool(b, v.yes)
	case isNumber:
		return append(b, v.text...)
	case isText:
		return appendQuoted(b, v.text)
	case isArray:
		b = append(b, '[')
		for i, e := range v.list {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.append(b)
		}
		return append(b, ']')
	}
	b = append(b, '{')
	for i, m := range v.bag {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(b, m.key)
		b = append(b, ':')
		b = m.val.append(b)
	}
	return append(b, '}')
}

func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c == '\b':
			b = append(b, '\\', 'b')
		case c == '\f':
			b = append(b, '\\', 'f')
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += n
			continue
		}
		i++
	}
	return append(b, '"')
}

// same says whether two values are equal: numbers by value, bags without order.
func same(a, b value) bool {
	if a.kind == isNumber && b.kind == isNumber {
		if a.text == b.text {
			return true
		}
		if a.whole() && b.whole() {
			return false
		}
		x, _ := a.real()
		y, _ := b.real()
		return x == y
	}
	return canon(a) == canon(b)
}

// canon is a text that two equal values share.
func canon(v value) string {
	if v.kind == isNumber {
		if v.whole() {
			return v.text
		}
		f, _ := v.real()
		if f == math.Trunc(f) && math.Abs(f) < 1e15 {
			return strconv.FormatInt(int64(f), 10)
		}
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	if v.kind == isArray || v.kind == isBag {
		return sorted(v).json()
	}
	return v.json()
}
