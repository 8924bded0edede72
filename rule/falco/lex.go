package falco

import "strings"

// blank skips white space and says whether there was any.
func (p *parser) blank() bool {
	start := p.pos
	for {
		switch p.peek() {
		case ' ', '\t', '\b', '\r', '\n':
			if p.pos < len(p.s) {
				p.pos++
				continue
			}
		}
		return p.pos > start
	}
}

// word reads exactly w.
func (p *parser) word(w string) bool {
	p.seen = max(p.seen, p.pos+len(w))
	if !strings.HasPrefix(p.s[p.pos:], w) {
		return false
	}
	p.take(len(w))
	return true
}

// take makes the next n bytes the last token.
func (p *parser) take(n int) {
	p.last = p.s[p.pos : p.pos+n]
	p.pos += n
	p.seen = max(p.seen, p.pos+1)
}

// operator reads one of ops. An operator that asks for a blank after it and finds
// none is read all the same, and no other is tried.
func (p *parser) operator(ops []string) bool {
	for _, op := range ops {
		trimmed := strings.TrimSuffix(op, " ")
		if p.word(trimmed) {
			return trimmed == op || p.blank()
		}
	}
	return false
}

// modifier reads oneof, anyof or allof if a list can follow.
func (p *parser) modifier() bool {
	p.blank()
	for _, m := range modifiers() {
		rest, ok := strings.CutPrefix(p.s[p.pos:], m)
		p.seen = max(p.seen, p.pos+len(m)+1)
		if ok && rest != "" && strings.IndexByte(" \t\b\r\n(", rest[0]) >= 0 {
			p.take(len(m))
			return true
		}
	}
	return false
}

func (p *parser) transformer() bool {
	for _, t := range transNames() {
		if p.word(t + "(") {
			return true
		}
	}
	return false
}

// run returns the end of the run of bytes from i that satisfy is.
func (p *parser) run(i int, is func(byte) bool) int {
	for i < len(p.s) && is(p.s[i]) {
		i++
	}
	p.seen = max(p.seen, i+1)
	return i
}

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isWord(c byte) bool  { return isAlpha(c) || isDigit(c) || c == '_' }

// isSpace is [[:space:]] of a POSIX expression.
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// notBlank reads "not" and the white space after it.
func (p *parser) notBlank() bool {
	p.seen = max(p.seen, p.pos+4)
	if !strings.HasPrefix(p.s[p.pos:], "not") {
		return false
	}
	end := p.run(p.pos+3, isSpace)
	if end == p.pos+3 {
		return false
	}
	p.take(end - p.pos)
	return true
}

// identEnd returns the end of an identifier at i, or i.
func (p *parser) identEnd(i int) int {
	if i >= len(p.s) || !isAlpha(p.s[i]) {
		p.seen = max(p.seen, i+1)
		return i
	}
	return p.run(i, isWord)
}

func (p *parser) ident() bool {
	end := p.identEnd(p.pos)
	if end == p.pos {
		return false
	}
	p.take(end - p.pos)
	return true
}

// fieldName reads two and more identifiers with dots between them.
func (p *parser) fieldName() bool {
	end := p.identEnd(p.pos)
	if end == p.pos {
		return false
	}
	parts := 1
	for end < len(p.s) && p.s[end] == '.' {
		next := p.identEnd(end + 1)
		if next == end+1 {
			break
		}
		end, parts = next, parts+1
	}
	if parts < 2 {
		return false
	}
	p.take(end - p.pos)
	return true
}

func (p *parser) bareArg() bool {
	return p.runToken(func(c byte) bool { return !isSpace(c) && strings.IndexByte(`[]"'`, c) < 0 })
}

func (p *parser) bare() bool {
	return p.runToken(func(c byte) bool { return !isSpace(c) && strings.IndexByte(`()"'=,`, c) < 0 })
}

func (p *parser) runToken(is func(byte) bool) bool {
	end := p.run(p.pos, is)
	if end == p.pos {
		return false
	}
	p.take(end - p.pos)
	return true
}

func (p *parser) hex() bool {
	s := p.s[p.pos:]
	p.seen = max(p.seen, p.pos+3)
	if len(s) < 3 || s[0] != '0' || s[1]|0x20 != 'x' {
		return false
	}
	end := p.run(p.pos+2, func(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' })
	if end == p.pos+2 {
		return false
	}
	p.take(end - p.pos)
	return true
}

// number reads digits with an optional sign, fraction and signed exponent.
func (p *parser) number() bool {
	i := p.pos
	if c := p.peek(); c == '+' || c == '-' {
		i++
	}
	end := p.run(i, isDigit)
	if end == i {
		return false
	}
	if end < len(p.s) && p.s[end] == '.' {
		end++
	}
	end = p.run(end, isDigit)
	if end+2 < len(p.s) && p.s[end]|0x20 == 'e' && (p.s[end+1] == '+' || p.s[end+1] == '-') {
		if exp := p.run(end+2, isDigit); exp > end+2 {
			end = exp
		}
	}
	p.seen = max(p.seen, end+3)
	p.take(end - p.pos)
	return true
}

// quoted reads a string in quotes and resolves its escapes.
func (p *parser) quoted() (bool, *syntaxError) {
	delim := p.peek()
	if delim != '"' && delim != '\'' {
		return false, nil
	}
	prev := byte('\\')
	for i := p.pos; i < len(p.s); i++ {
		if p.s[i] == delim && prev != '\\' {
			start := p.pos
			body := p.s[start+1 : i]
			p.take(i + 1 - start)
			s, msg := unescape(body, delim)
			if msg != "" {
				hint := `write \\ for a backslash; a regex has [0-9] for \d, [[:space:]] for \s, [[:alnum:]_] for \w`
				if strings.HasPrefix(msg, "invalid") {
					hint = "a quote of the other kind stands without a backslash"
				}
				return false, &syntaxError{msg: msg, at: p.text.place(start), hint: hint}
			}
			p.last = s
			return true, nil
		}
		prev = p.s[i]
	}
	p.last = p.s[p.pos:]
	p.seen = len(p.s) + 1
	return false, nil
}

// unescape resolves the escapes of a quoted string, or says what is wrong with one.
func unescape(s string, delim byte) (string, string) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, ""
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i >= len(s) {
			break
		}
		switch c := s[i]; c {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case ' ', '\\':
			b.WriteByte('\\')
		case '/':
			b.WriteByte('/')
		case '"', '\'':
			if c != delim {
				if c == '"' {
					return "", `invalid \" escape in '-quoted string`
				}
				return "", `invalid \' escape in "-quoted string`
			}
			b.WriteByte(c)
		default:
			return "", `unsupported string escape sequence: \` + string(rune(c))
		}
	}
	return b.String(), ""
}
