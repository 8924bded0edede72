package kql

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind uint8

const (
	kEOF     kind = iota
	kIdent        // name, keyword, also with a - inside for the operators that have one
	kBracket      // ['a name'] or ["a name"]
	kString
	kLong
	kReal
	kSpan  // 1d, 2.5h, 100tick
	kTyped // datetime(…), guid(…), long(…): raw text in brackets
	kPunct
)

// Limits on queries.
const (
	maxQuery = 1 << 20
	maxDepth = 200
)

// Span is a stretch of the query in bytes.
type Span struct{ Start, End int }

type token struct {
	kind kind
	text string // as read: the name, the punctuation, the literal's text
	str  string // the value of a string, the inside of a typed literal
	num  int64
	Span
	nl bool // a line ended before it
}

// typedLiterals are the names whose brackets hold raw text.
var typedLiterals = map[string]string{
	"datetime": "datetime", "date": "datetime", "timespan": "timespan", "time": "timespan",
	"guid": "guid", "uniqueid": "guid", "long": "long", "int": "int", "real": "real", "double": "real",
	"decimal": "decimal", "bool": "bool", "boolean": "bool",
}

type lexer struct {
	src  string
	pos  int
	toks []token
}

// lex cuts a query into tokens. The last one is kEOF.
func lex(src string) ([]token, *Error) {
	if len(src) > maxQuery {
		return nil, newError(src, Span{0, 0}, "queries may have up to 1 MiB", "query of %d bytes is too long", len(src))
	}
	if i := strings.IndexFunc(src, func(r rune) bool { return r == 0 }); i >= 0 {
		return nil, newError(src, Span{i, i + 1}, "take it out", "NUL in query")
	}
	l := &lexer{src: strings.TrimPrefix(src, "\ufeff")}
	if len(l.src) != len(src) {
		l.src = strings.Repeat(" ", 3) + l.src
	}
	for {
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		l.toks = append(l.toks, t)
		if t.kind == kEOF {
			return l.toks, nil
		}
	}
}

func (l *lexer) errf(start int, hint, format string, args ...any) *Error {
	return newError(l.src, Span{start, min(l.pos+1, len(l.src))}, hint, format, args...)
}

func (l *lexer) space() (nl bool) {
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case c == '\n':
			nl = true
			l.pos++
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v':
			l.pos++
		case strings.HasPrefix(l.src[l.pos:], "//"):
			i := strings.IndexByte(l.src[l.pos:], '\n')
			if i < 0 {
				l.pos = len(l.src)
			} else {
				l.pos += i
			}
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(l.src[l.pos:])
			if !unicode.IsSpace(r) && r != '\u200b' && r != '\ufeff' {
				return nl
			}
			l.pos += n
		default:
			return nl
		}
	}
	return nl
}

func isIdentStart(c byte) bool {
	return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isIdent(c byte) bool { return isIdentStart(c) || isDigit(c) }

var puncts = []string{
	"!has_cs", "!hasprefix_cs", "!hasprefix", "!hassuffix_cs", "!hassuffix", "!has",
	"!contains_cs", "!contains", "!startswith_cs", "!startswith", "!endswith_cs", "!endswith",
	"!between", "!in~", "!in", "!like", "!notlike",
	"==", "=~", "!=", "!~", "<>", "<=", ">=", "..", "=>",
	"|", "(", ")", "[", "]", "{", "}", ",", ";", ":", ".", "=", "<", ">", "+", "-", "*", "/", "%", "?", "@", "~", "#",
}

func (l *lexer) next() (token, *Error) {
	nl := l.space()
	start := l.pos
	tok := func(k kind) token {
		return token{kind: k, text: l.src[start:l.pos], Span: Span{start, l.pos}, nl: nl}
	}
	if l.pos >= len(l.src) {
		return tok(kEOF), nil
	}
	c := l.src[l.pos]
	rest := l.src[l.pos:]
	if (c == 'h' || c == 'H') && len(rest) > 1 && (rest[1] == '"' || rest[1] == '\'' || rest[1] == '@' && len(rest) > 2 && (rest[2] == '"' || rest[2] == '\'')) {
		l.pos++
		c, rest = l.src[l.pos], l.src[l.pos:]
	}
	switch {
	case strings.HasPrefix(rest, "```") || strings.HasPrefix(rest, "~~~"):
		end := strings.Index(rest[3:], rest[:3])
		if end < 0 {
			return token{}, l.errf(start, "end it with the same three characters", "text that does not end")
		}
		s := rest[3 : 3+end]
		l.pos += end + 6
		t := tok(kString)
		t.str = s
		return t, nil
	case c == '"' || c == '\'' || c == '@' && len(rest) > 1 && (rest[1] == '"' || rest[1] == '\''):
		s, err := l.str()
		if err != nil {
			return token{}, err
		}
		t := tok(kString)
		t.str = s
		return t, nil
	case c == '[' && len(rest) > 2 && (rest[1] == '\'' || rest[1] == '"'):
		// ['name'] where a name may stand; an index is told apart by the parser.
		save := l.pos
		l.pos++
		s, err := l.str()
		if err == nil {
			l.space()
			if l.pos < len(l.src) && l.src[l.pos] == ']' {
				l.pos++
				t := tok(kBracket)
				t.str = s
				return t, nil
			}
		}
		l.pos = save + 1
		return tok(kPunct), nil
	case isDigit(c):
		return l.number(start, nl)
	case isIdentStart(c):
		for l.pos < len(l.src) && isIdent(l.src[l.pos]) {
			l.pos++
		}
		t := tok(kIdent)
		if base, ok := typedLiterals[strings.ToLower(t.text)]; ok && strings.ToLower(t.text) == t.text {
			if lit, ok, err := l.typed(t, base); err != nil || ok {
				return lit, err
			}
		}
		return t, nil
	}
	for _, p := range puncts {
		if strings.HasPrefix(rest, p) {
			if len(p) > 1 && isIdentStart(p[len(p)-1]) && len(rest) > len(p) && isIdent(rest[len(p)]) {
				continue
			}
			l.pos += len(p)
			return tok(kPunct), nil
		}
	}
	r, n := utf8.DecodeRuneInString(rest)
	if unicode.IsLetter(r) {
		for l.pos < len(l.src) {
			r, n := utf8.DecodeRuneInString(l.src[l.pos:])
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' {
				break
			}
			l.pos += n
		}
		return tok(kIdent), nil
	}
	l.pos += n - 1
	return token{}, l.errf(start, "text is written in quotes", "unexpected %q", string(r))
}

// typed reads datetime(…) and its kin. It is not a literal where the inside is not
// raw text: real(x) is a cast that Kusto refuses, long(null) is a literal.
func (l *lexer) typed(name token, base string) (token, bool, *Error) {
	save := l.pos
	l.space()
	if l.pos >= len(l.src) || l.src[l.pos] != '(' {
		l.pos = save
		return token{}, false, nil
	}
	l.pos++
	end := strings.IndexByte(l.src[l.pos:], ')')
	if end < 0 {
		return token{}, false, l.errf(name.Start, "close the bracket", "%s( without )", name.text)
	}
	in := strings.TrimSpace(l.src[l.pos : l.pos+end])
	if strings.ContainsAny(in, "(;|") {
		l.pos = save
		return token{}, false, nil
	}
	l.pos += end + 1
	if len(in) >= 2 && (in[0] == '"' || in[0] == '\'') && in[len(in)-1] == in[0] {
		in = in[1 : len(in)-1]
	}
	return token{kind: kTyped, text: base, str: in, Span: Span{name.Start, l.pos}, nl: name.nl}, true, nil
}

// str reads a quoted string at the position; @ makes backslashes plain.
func (l *lexer) str() (string, *Error) {
	start := l.pos
	verbatim := l.src[l.pos] == '@'
	if verbatim {
		l.pos++
	}
	q := l.src[l.pos]
	l.pos++
	var b strings.Builder
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case c == q:
			l.pos++
			if verbatim && l.pos < len(l.src) && l.src[l.pos] == q {
				b.WriteByte(q)
				l.pos++
				continue
			}
			return b.String(), nil
		case c == '\n' && !verbatim:
			return "", l.errf(start, "close the quote; text over several lines stands between ```", "text that does not end on its line")
		case c == '\\' && !verbatim:
			if err := l.escape(&b); err != nil {
				return "", err
			}
		default:
			b.WriteByte(c)
			l.pos++
		}
	}
	return "", l.errf(start, "close the quote", "text that does not end")
}

func (l *lexer) escape(b *strings.Builder) *Error {
	start := l.pos
	l.pos++
	if l.pos >= len(l.src) {
		return l.errf(start, "close the quote", "text that does not end")
	}
	c := l.src[l.pos]
	l.pos++
	hex := func(n int) (rune, bool) {
		if l.pos+n > len(l.src) {
			return 0, false
		}
		var v rune
		for i := range n {
			d := strings.IndexByte("0123456789abcdef", l.src[l.pos+i]|0x20)
			if d < 0 {
				return 0, false
			}
			v = v<<4 | rune(d)
		}
		l.pos += n
		return v, true
	}
	switch c {
	case 't':
		b.WriteByte('\t')
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 'a':
		b.WriteByte(7)
	case 'b':
		b.WriteByte(8)
	case 'f':
		b.WriteByte(12)
	case 'v':
		b.WriteByte(11)
	case '0', '1', '2', '3':
		v := rune(c - '0')
		for i := 0; i < 2 && l.pos < len(l.src) && l.src[l.pos] >= '0' && l.src[l.pos] <= '7'; i++ {
			v = v<<3 | rune(l.src[l.pos]-'0')
			l.pos++
		}
		b.WriteRune(v)
	case '\\', '"', '\'', '?', '/':
		b.WriteByte(c)
	case 'x', 'u', 'U':
		n := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
		v, ok := hex(n)
		if !ok {
			return l.errf(start, "\\x takes 2, \\u 4 and \\U 8 hexadecimal digits", "bad escape \\%c", c)
		}
		b.WriteRune(v)
	default:
		return l.errf(start, `write \\ for a backslash, or put @ before the quote`, `unknown escape \%c`, c)
	}
	return nil
}
