package decode

import (
	"bytes"

	"github.com/yagura-sec/yagura/slot"
)

// After a broken record the reader looks for where the next one starts. It walks
// the text byte by byte with an eye on strings and brackets and never goes back, so
// that the work is bounded by the length of the text. It keeps nothing but a line that
// may be the next record, which is looked at as a whole.

// lost is the search for the next record.
type lost struct {
	left     int64 // bytes up to where the fault was found
	first    bool  // at the first byte of the broken record
	brackets bool  // the record starts with a bracket: it ends where they balance
	inString bool
	escaped  bool
	depth    int
	kinds    [16]uint64 // one bit a level: set for an object
	p1, p2   byte       // the last two bytes that are not white space
	prev     byte       // the last byte
	sign     []byte     // how the broken record starts, up to its first colon
}

// lose says that the value at the unread bytes is broken, at by its at-th byte.
func (s *stream) lose(at int) {
	s.lost = &lost{left: int64(at), first: true, sign: signOf(nil, s.unread()[:min(at, s.end-s.pos)])}
	s.frames[len(s.frames)-1].torn = true
}

// resync moves to where reading can go on, or to the end of the text.
func (s *stream) resync() {
	l := s.lost
	s.lost = nil
	f := &s.frames[len(s.frames)-1]
	for {
		for s.pos < s.end {
			c := s.buf[s.pos]
			past := !l.first && l.left <= 0
			if past && c == separator { // no JSON holds it: what comes next is another text
				s.toTop()
				return
			}
			if f.kind != top && l.prev == '\n' && s.nextDocument(0) {
				s.toTop()
				return
			}
			if past && s.resume(l, f, c) || !past && c == '{' && l.prev == '\n' && s.ranInto(l, f) {
				return
			}
			if past && f.kind == top && s.leap(l) {
				continue
			}
			l.see(c)
			s.pos++
			if past && f.kind == top && l.brackets && l.depth == 0 && !l.inString && (c == '}' || c == ']') {
				return
			}
		}
		if !s.more() {
			// The rest belongs to the broken record: what is open stays open.
			s.frames = s.frames[:1]
			return
		}
	}
}

// leap goes over bytes between lines that change nothing: all but line ends and separators
// where the record has no brackets to balance, and the inside of strings.
func (s *stream) leap(l *lost) bool {
	u := s.unread()
	n := 0
	switch {
	case !l.brackets:
		if n = bytes.IndexByte(u, '\n'); n < 0 {
			n = len(u)
		}
		if by := bytes.IndexByte(u[:n], separator); by >= 0 {
			n = by
		}
	case l.inString && !l.escaped:
		for n < len(u) && u[n] != '"' && u[n] != '\\' && u[n] != '\n' && u[n] != separator {
			n++
		}
	}
	if n == 0 {
		return false
	}
	l.left -= int64(n)
	l.prev = u[n-1]
	s.pos += n
	return true
}

// resume says whether reading can go on at the next byte, c.
func (s *stream) resume(l *lost, f *frame, c byte) bool {
	if f.kind == top {
		// Records stand in lines of their own; lines inside a record are indented.
		return l.prev == '\n' && (c == '{' || c == '[' || !l.brackets && c > ' ' && s.textStarts())
	}
	if c == '{' && l.p1 == ',' && (s.signed(l) || l.p2 == '}' && s.boundary(l) || l.prev == '\n' && s.wholeMember()) {
		f.after = false
		return true
	}
	if l.depth == 0 && !l.inString && (c == ',' && s.memberNext() || c == ']' && s.listEnds()) {
		f.after = true
		return true
	}
	return false
}

// ranInto says whether the broken record, whose fault is further on, was cut short and has
// run into the next, which is the line at the unread bytes.
func (s *stream) ranInto(l *lost, f *frame) bool {
	if f.kind == top {
		return s.wholeLine(0)
	}
	if l.p1 != ',' || !s.signed(l) || !s.wholeMember() {
		return false
	}
	f.after = false
	return true
}

// wholeLine says whether a line that is one JSON value starts at i of the unread bytes. Where
// the fault is further on, a record that was cut short has run into the next: what
// belongs to a record whose fault is there goes on after such a line, or is indented.
func (s *stream) wholeLine(i int) bool {
	rest, ok := s.valueOfLine(i)
	return ok && len(rest) == 0
}

// wholeMember says whether the line at the unread bytes starts with a whole member of a list.
func (s *stream) wholeMember() bool {
	rest, ok := s.valueOfLine(0)
	return ok && (len(rest) == 0 || rest[0] == ',' || rest[0] == ']')
}

// valueOfLine returns what follows the JSON value in the line at i of the unread bytes,
// without white space before it; ok when the line starts with a whole value.
func (s *stream) valueOfLine(i int) (rest []byte, ok bool) {
	n := i
	for {
		if end := bytes.IndexByte(s.unread()[n:], '\n'); end >= 0 {
			n += end
			break
		}
		n = s.end - s.pos
		if !s.more() {
			break
		}
	}
	line := s.unread()[i:n]
	m, err := slot.Skip(line)
	return line[skipSpace(line, m):], err == nil
}

// nextDocument says of a line that starts at i of the unread bytes, where a list or the
// object around it is open, whether it has nothing to do with them: the line is a whole
// value, and what follows it does not go on with them. Then they were cut short in a line
// before.
func (s *stream) nextDocument(i int) bool {
	if c := s.unread()[i]; c != '{' && c != '[' || !s.wholeLine(i) {
		return false
	}
	n := bytes.IndexByte(s.unread()[i:], '\n')
	if n < 0 {
		return true // the last line
	}
	n += i
	for {
		if n = skipSpace(s.unread(), n); n < s.end-s.pos {
			c := s.unread()[n]
			return c == '{' || c == '[' || c == separator
		}
		if !s.more() {
			return !s.full()
		}
	}
}

// cutBefore says whether what was open was cut short before the unread bytes: they are
// the next document.
func (s *stream) cutBefore() bool {
	return len(s.frames) > 1 && s.line == s.base+int64(s.pos) && s.nextDocument(0)
}

// toTop leaves every frame but the outermost.
func (s *stream) toTop() {
	s.frames = s.frames[:1]
	s.frames[0].direct = false
}

// memberNext says whether what follows the comma at the unread bytes may be the next
// member of a list. Where its members are objects, a scalar is what is left of a broken
// one.
func (s *stream) memberNext() bool {
	if len(s.sign) == 0 {
		return true
	}
	u := s.ahead()
	i := skipSpace(u, 1)
	return i >= len(u) || u[i] == '{' || u[i] == '[' || u[i] == ']' || u[i] == ','
}

// listEnds says whether the bracket at the unread bytes may be the end of the innermost
// list, by what follows it. Where quotes were out of step it may be that of a list in the
// broken record.
func (s *stream) listEnds() bool {
	u := s.ahead()
	i := skipSpace(u, 1)
	outer := s.frames[len(s.frames)-2].kind
	if outer == object && i < len(u) && u[i] == '}' {
		i = skipSpace(u, i+1)
		outer = s.frames[len(s.frames)-3].kind
	}
	if i >= len(u) {
		return true
	}
	goesOn := u[i] == ',' || u[i] == ']' // with what is inside another list
	switch outer {
	case top:
		return !goesOn && u[i] != '}' && u[i] != ':'
	case array:
		return goesOn
	}
	if u[i] != ',' {
		return false
	}
	if i = skipSpace(u, i+1); i >= len(u) || u[i] != '"' {
		return true
	}
	_, name, err := memberOf(u, i)
	return err != nil || beside(name)
}

// boundary says whether the brace at the unread bytes, behind a brace and a comma, starts
// a record though it does not start as the records before it do. It stands where a
// string should go on, so that the quotes are out of step; or at the start of a line,
// as the members of a list do; or, where no record was read yet, where a key should
// follow, so that a closing brace is missing.
func (s *stream) boundary(l *lost) bool {
	return (l.inString || l.prev == '\n' || len(s.sign) == 0 && l.inObject()) && s.key()
}

// inObject says whether the innermost open bracket is that of an object.
func (l *lost) inObject() bool {
	d := l.depth - 1
	return d >= 0 && d/64 < len(l.kinds) && l.kinds[d/64]>>(d%64)&1 != 0
}

// see follows strings and brackets over c.
func (l *lost) see(c byte) {
	if l.first {
		l.brackets = c == '{' || c == '['
		l.first = false
	}
	l.left--
	l.prev = c
	if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
		if c == '\n' {
			l.inString, l.escaped = false, false // no string goes over a line
		}
		return
	}
	l.p1, l.p2 = c, l.p1
	switch {
	case l.escaped:
		l.escaped = false
	case l.inString:
		l.escaped = c == '\\'
		l.inString = c != '"'
	case c == '"':
		l.inString = true
	case c == '{' || c == '[':
		if w := l.depth / 64; w < len(l.kinds) {
			if c == '{' {
				l.kinds[w] |= 1 << (l.depth % 64)
			} else {
				l.kinds[w] &^= 1 << (l.depth % 64)
			}
		}
		l.depth++
	case c == '}' || c == ']':
		l.shut(c == '}')
	}
}

// shut closes the innermost open bracket of a kind, and with it what was left open inside.
func (l *lost) shut(brace bool) {
	for d := l.depth; d > 0; d-- {
		w := (d - 1) / 64
		if w >= len(l.kinds) || l.kinds[w]>>((d-1)%64)&1 != 0 == brace {
			l.depth = d - 1
			return
		}
	}
}

// maxSign bounds what is kept of how a record starts.
const maxSign = 64

// remember keeps how the record at the unread bytes starts.
func (s *stream) remember() { s.sign = signOf(s.sign[:0], s.unread()) }

// signOf appends the first key of the record at the start of text, quotes included.
func signOf(to, text []byte) []byte {
	i := skipSpace(text, 1)
	if i < len(text) && text[0] == '{' && text[i] == '"' {
		if n := bytes.IndexByte(text[i+1:min(len(text), i+maxSign)], '"'); n >= 0 {
			return append(to, text[i:i+n+2]...)
		}
	}
	return to
}

// ahead returns the next few bytes, as many however the text comes.
func (s *stream) ahead() []byte {
	s.have(2 * maxSign)
	u := s.unread()
	return u[:min(len(u), 2*maxSign)]
}

// signed says whether the object at the unread bytes starts with the first key of the
// records before it, or of the broken one.
func (s *stream) signed(l *lost) bool {
	u := s.ahead()
	u = u[skipSpace(u, 1):]
	return len(s.sign) > 0 && bytes.HasPrefix(u, s.sign) || len(l.sign) > 0 && bytes.HasPrefix(u, l.sign)
}

// key says whether a quote or closing brace follows the brace at the unread bytes.
func (s *stream) key() bool {
	u := s.ahead()
	i := skipSpace(u, 1)
	return i < len(u) && (u[i] == '"' || u[i] == '}')
}
