package ocsf

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The bounds of a tree. What lies beyond is not read; it is still in raw_data.
const (
	maxNodes = 100_000
	maxDepth = 200
)

// tree is a record read into nodes, for the fields that the mapping asks for. It is used
// for one event after another, so that it allocates once.
type tree struct{ nodes []node }

type kind uint8

const (
	absent kind = iota
	null
	truth
	number
	text
	list
	object
)

// node is one JSON value. Members and elements of one container are linked by next, the
// first of them is child; 0 is none, because node 0 stands for what is absent.
type node struct {
	key, text   string // text of a string, number or truth value
	kind        kind
	parsed      bool // a text that was tried as JSON
	next, child int32
}

// value is a node of a tree, or nothing at all: whatever is asked of nothing is nothing.
type value struct {
	t *tree
	n int32
}

// read reads a record. A record that is no JSON is nothing, and so is the rest of one that
// is broken or beyond the bounds.
func (t *tree) read(s string) value {
	if cap(t.nodes) > 4*4096 {
		t.nodes = nil // one huge record must not be remembered for all that follow
	}
	t.nodes = append(t.nodes[:0], node{})
	p := parser{t: t, s: s}
	return value{t, p.value(0)}
}

type parser struct {
	t *tree
	s string
	i int
}

func (p *parser) space() byte {
	for p.i < len(p.s) {
		if c := p.s[p.i]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		p.i++
	}
	return 0
}

func (p *parser) add(n node) int32 {
	if len(p.t.nodes) >= maxNodes {
		return 0
	}
	p.t.nodes = append(p.t.nodes, n)
	return int32(len(p.t.nodes) - 1) //nolint:gosec // below maxNodes
}

// value reads one value and returns its node, 0 where there is none.
func (p *parser) value(depth int) int32 {
	if depth > maxDepth {
		return 0
	}
	switch c := p.space(); {
	case c == '{' || c == '[':
		return p.container(c, depth)
	case c == '"':
		s, ok := p.str()
		if !ok {
			return 0
		}
		return p.add(node{kind: text, text: s})
	default:
		start := p.i
		for p.i < len(p.s) && strings.IndexByte(",]} \n\t\r:\"", p.s[p.i]) < 0 {
			p.i++
		}
		switch word := p.s[start:p.i]; word {
		case "":
			return 0
		case "null":
			return p.add(node{kind: null})
		case "true", "false":
			return p.add(node{kind: truth, text: word})
		default:
			if f, err := strconv.ParseFloat(word, 64); err != nil || math.IsInf(f, 0) || math.IsNaN(f) || !isNumber(word) {
				return p.add(node{kind: text, text: word})
			}
			return p.add(node{kind: number, text: word})
		}
	}
}

// isNumber says whether a word that is a number elsewhere is one in JSON: no sign +, no
// hexadecimal, no zeros in front, digits on both sides of the point.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	digits := func() bool {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		zero := n > 1 && s[0] == '0'
		s = s[n:]
		return n > 0 && !zero
	}
	if !digits() {
		return false
	}
	if rest, ok := strings.CutPrefix(s, "."); ok {
		s = "1" + rest // zeros may stand in front here
		if len(rest) == 0 || rest[0] < '0' || rest[0] > '9' || !digits() {
			return false
		}
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		s = "1" + s
		if len(s) == 1 || !digits() {
			return false
		}
	}
	return s == ""
}

func (p *parser) container(open byte, depth int) int32 {
	k, end := list, byte(']')
	if open == '{' {
		k, end = object, '}'
	}
	at := p.add(node{kind: k})
	if at == 0 {
		return 0
	}
	p.i++
	last := int32(0)
	for {
		switch p.space() {
		case end:
			p.i++
			return at
		case ',':
			p.i++
			continue
		case 0:
			return at
		}
		var key string
		if open == '{' {
			name, ok := p.str()
			if !ok || p.space() != ':' {
				p.i = len(p.s)
				return at
			}
			key = name
			p.i++
		}
		n := p.value(depth + 1)
		if n == 0 {
			p.i = len(p.s)
			return at
		}
		p.t.nodes[n].key = key
		if last == 0 {
			p.t.nodes[at].child = n
		} else {
			p.t.nodes[last].next = n
		}
		last = n
	}
}

// str reads a string. One without escapes is a part of the record, not a copy.
func (p *parser) str() (string, bool) {
	if p.space() != '"' {
		return "", false
	}
	p.i++
	start := p.i
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case '"':
			p.i++
			return p.s[start : p.i-1], true
		case '\\':
			return p.escaped(start)
		}
		p.i++
	}
	return "", false
}

func (p *parser) escaped(start int) (string, bool) {
	var b strings.Builder
	b.WriteString(p.s[start:p.i])
	for p.i < len(p.s) {
		c := p.s[p.i]
		p.i++
		if c == '"' {
			return b.String(), true
		}
		if c != '\\' {
			b.WriteByte(c)
			continue
		}
		if p.i >= len(p.s) {
			return "", false
		}
		c = p.s[p.i]
		p.i++
		switch c {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			r := p.hex()
			if utf16.IsSurrogate(r) {
				if strings.HasPrefix(p.s[p.i:], `\u`) {
					was := p.i
					p.i += 2
					if pair := utf16.DecodeRune(r, p.hex()); pair != utf8.RuneError {
						b.WriteRune(pair)
						continue
					}
					p.i = was
				}
				r = utf8.RuneError
			}
			b.WriteRune(r)
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

func (p *parser) hex() rune {
	end := min(p.i+4, len(p.s))
	n, err := strconv.ParseUint(p.s[p.i:end], 16, 16)
	p.i = end
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

func (v value) node() *node {
	if v.t == nil {
		return &node{}
	}
	return &v.t.nodes[v.n]
}

func (v value) kind() kind { return v.node().kind }

// empty says whether there is nothing: no value, null, an empty text, list or object.
func (v value) empty() bool {
	n := v.node()
	switch n.kind {
	case absent, null:
		return true
	case text:
		return n.text == ""
	case list, object:
		return n.child == 0
	}
	return false
}

// opened returns a text that holds an object or a list as what it holds, as the columns of
// tables do, and anything else as it is.
func (v value) opened() value {
	n := v.node()
	if n.kind != text || len(n.text) < 2 || n.text[0] != '{' && n.text[0] != '[' {
		return v
	}
	if !n.parsed {
		p := parser{t: v.t, s: n.text}
		inner := p.value(maxDepth / 2)
		complete := inner != 0 && p.space() == 0 && p.i == len(p.s)
		n = v.node() // the nodes may have moved
		n.parsed = true
		if complete {
			n.child = inner
		}
	}
	if n.child == 0 {
		return v
	}
	return value{v.t, n.child}
}

// get returns the member of an object by its name: as it is written, else without regard to
// case. Of a list it is that of the first element.
func (v value) get(name string) value {
	v = v.opened()
	if v.kind() == list {
		v = value{v.t, v.node().child}.opened()
	}
	if v.kind() != object {
		return value{}
	}
	folded := int32(0)
	for i := v.node().child; i != 0; i = v.t.nodes[i].next {
		key := v.t.nodes[i].key
		if key == name {
			return value{v.t, i}
		}
		if folded == 0 && len(key) == len(name) && strings.EqualFold(key, name) {
			folded = i
		}
	}
	return value{v.t, folded}
}

// at follows a path of names that dots divide.
func (v value) at(path string) value {
	for path != "" && v.t != nil {
		var name string
		name, path, _ = strings.Cut(path, ".")
		v = v.get(name)
		if v.n == 0 {
			return value{}
		}
	}
	return v
}

// any returns the first of some paths that has a value.
func (v value) any(paths ...string) value {
	for _, p := range paths {
		if w := v.at(p); !w.empty() {
			return w
		}
	}
	return value{}
}

// str returns the text of a scalar at the first of some paths that has one; "" is none.
func (v value) str(paths ...string) string {
	for _, p := range paths {
		if s := v.at(p).scalar(); s != "" {
			return s
		}
	}
	return ""
}

// scalar returns the text of a string, number or truth value, of a list that of its first.
func (v value) scalar() string {
	n := v.node()
	if n.kind == list && n.child != 0 {
		n = &v.t.nodes[n.child]
	}
	switch n.kind {
	case text, number, truth:
		return n.text
	}
	return ""
}

// num returns a whole number at the first of some paths that has one, nil for none.
func (v value) num(paths ...string) any {
	s := v.str(paths...)
	if n, err := strconv.ParseInt(s, 10, 53); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f)
	}
	return nil
}

// flag returns a truth value at the first of some paths that has one, nil for none.
func (v value) flag(paths ...string) any {
	switch strings.ToLower(v.str(paths...)) {
	case "true", "yes":
		return true
	case "false", "no":
		return false
	}
	return nil
}

// each calls f for the elements of a list, or for the one value that is there.
func (v value) each(f func(value) bool) {
	v = v.opened()
	if v.kind() != list {
		if v.n != 0 && v.kind() != null {
			f(v)
		}
		return
	}
	for i := v.node().child; i != 0; i = v.t.nodes[i].next {
		if !f(value{v.t, i}) {
			return
		}
	}
}

// strings returns the texts of a list, at most limit.
func (v value) strings(limit int) []string {
	var out []string
	v.each(func(x value) bool {
		if s := x.scalar(); s != "" {
			out = append(out, s)
		}
		return len(out) < limit
	})
	return out
}

// append appends the value as JSON, on one line.
func (v value) append(b []byte) []byte {
	n := v.node()
	switch n.kind {
	case text:
		return appendText(b, n.text)
	case number, truth:
		return append(b, n.text...)
	case list, object:
		open, end := byte('['), byte(']')
		if n.kind == object {
			open, end = '{', '}'
		}
		b = append(b, open)
		for i := n.child; i != 0; i = v.t.nodes[i].next {
			if i != n.child {
				b = append(b, ',')
			}
			if end == '}' {
				b = append(appendText(b, v.t.nodes[i].key), ':')
			}
			b = value{v.t, i}.append(b)
		}
		return append(b, end)
	}
	return append(b, "null"...)
}
