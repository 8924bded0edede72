package decode

import (
	"bytes"
	"errors"
	"slices"
	"unicode/utf8"
)

// Logs that are text. A line of a known form is read as one flat JSON object with the
// vendor's own names for the fields and their values as they are written, "-" and empty
// ones left out. That object is the record: the slots are filled from it, and it is what
// an event keeps, so that it can be decoded again without the file that it stood in.

// lineForm is one form of text log.
type lineForm struct {
	name string
	// weak says that a line may look so by chance: where a line of text stands in a record
	// of its own, such as a message beside other fields, it does not replace that record.
	weak bool
	// start looks at a line that no form has claimed yet, and returns what reads it and the
	// lines after it, or nil.
	start func(l firstLine) lineReader
}

// firstLine is what a form decides by.
type firstLine struct {
	line []byte
	// next returns the lines that follow, as far as they are at hand, nil at the end.
	next func() []byte
	// top says that nothing stands before the line, so that it may be the names of columns.
	top bool
	// around is when the text was written, in nanoseconds since 1970; 0 when nobody knows.
	around int64
}

// lineReader reads the lines of one text in order. It belongs to that text.
type lineReader interface {
	// open is given each line of a record with its end, the first one too, and says whether
	// the record goes on in the next.
	open(line []byte) bool
	// read appends the JSON object of a record to dst, or nothing for a line that is no
	// record, such as a header.
	read(dst, record []byte) ([]byte, error)
	// owns says whether a line that starts with a bracket or brace is text all the same.
	owns(c byte) bool
}

// oneLine is the part of a lineReader whose records are single lines.
type oneLine struct{}

func (oneLine) open([]byte) bool { return false }
func (oneLine) owns(byte) bool   { return false }

// lineForms lists the forms in the order in which they are asked.
func lineForms() []lineForm {
	return []lineForm{
		{name: "W3C extended log", start: startW3C},
		{name: "CEF or LEEF", start: startEvent},
		{name: "VPC flow log", start: startFlow},
		{name: "load balancer log", start: startELB},
		{name: "S3 access log", start: startS3Access},
		{name: "CloudFront log", start: startCloudFront},
		{name: "Route 53 query log", start: startRoute53},
		{name: "line with a time before it", start: startStamped},
		{name: "syslog", weak: true, start: startSyslog},
		{name: "CSV", weak: true, start: startCSV},
		{name: "comment", start: startCommented},
	}
}

// startLines returns what reads a run of lines that starts with l, nil when no form
// knows it.
func startLines(l firstLine, strong bool) lineReader {
	if len(l.line) < 8 && (len(l.line) == 0 || l.line[0] != '#') {
		return nil
	}
	for _, form := range lineForms() {
		if strong && form.weak {
			continue
		}
		if r := form.start(l); r != nil {
			return r
		}
	}
	return nil
}

// textual says whether text, a payload, is lines of a known form; strong leaves out the
// forms that a line may have by chance.
func textual(text []byte, strong bool) bool {
	l, ok := firstOf(text)
	return ok && startLines(l, strong) != nil
}

// firstOf returns the first line of text that is not empty.
func firstOf(text []byte) (firstLine, bool) {
	text = bytes.TrimPrefix(text, utf8BOM)
	text = text[skipSpace(text, 0):]
	if len(text) == 0 || text[0] == '{' || text[0] == '[' {
		return firstLine{}, false
	}
	line, rest, _ := bytes.Cut(text, []byte{'\n'})
	if len(line) > maxLine {
		return firstLine{}, false
	}
	return firstLine{line: trimCR(line), next: func() []byte { return rest }, top: true}, true
}

// carries reports whether text is what an envelope may carry: JSON, or lines of a known form.
func carries(text []byte) bool { return opens(text) || textual(text, false) }

const (
	// maxLine bounds a record of text in bytes.
	maxLine = 4 << 20
	// maxColumns bounds the names that a header may have.
	maxColumns = 2000
)

// Textual says whether data starts with a line of a text log that is known.
func Textual(data []byte) bool { return textual(data, false) }

// After tells r how the text starts that it reads a later part of, so that the names of a
// header hold for its lines. It changes nothing where head is no header, or only a part of one.
func (r *Reader) After(head []byte) {
	end := bytes.LastIndexByte(head, '\n')
	l, ok := firstOf(head[:end+1])
	if !ok {
		return
	}
	l.around = r.around
	lines := startLines(l, false)
	if lines == nil {
		return
	}
	for rest, n := head[:end+1], 0; len(rest) > 0 && n < 64; n++ {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		if line = trimCR(bytes.TrimPrefix(line, utf8BOM)); len(line) == 0 {
			continue
		}
		object, err := lines.read(nil, line)
		if err != nil {
			return
		}
		if len(object) > 0 {
			break
		}
	}
	r.after = lines
}

// textLine reads the line at the unread bytes as text. taken is false, and nothing
// is read, where no form knows it.
func (r *Reader) textLine(s *stream) (bad *RecordError, taken bool) {
	n, ok := s.lineEnd(0)
	if !ok {
		if s.lines == nil {
			return nil, false
		}
		return r.badLine(s, n, errLongLine), true
	}
	if s.lines == nil && r.after != nil && r.depth == 0 {
		s.lines, r.after, s.begun = r.after, nil, true
	}
	if s.lines == nil && s.err != nil && s.pos+n == s.end {
		return nil, false // cut off inside its first line
	}
	if s.lines == nil {
		top := !s.begun
		s.begun = true
		if s.lines = s.startLines(n, top); s.lines == nil {
			return nil, false
		}
	}
	if s.err != nil && s.pos+n == s.end { // the line was cut off
		err := s.err
		s.err = nil
		return r.badLine(s, n, err), true
	}
	whole := n
	for s.lines.open(s.line0(whole)) {
		from := whole + 1
		end, ok := s.lineEnd(from)
		if !ok || s.pos+from >= s.end {
			s.lines.open(nil)
			return r.badLine(s, n, errUnclosed), true
		}
		whole = end
	}
	in := r.inner(s)
	record := trimCR(s.unread()[:whole])
	object, err := s.lines.read(in.arena, record)
	if err != nil {
		if other := s.startLines(n, false); other != nil {
			s.lines = other
			object, err = other.read(in.arena[:0], trimCR(s.unread()[:n]))
			whole = n
		}
	}
	if err == nil && len(object) > r.d.maxRecord {
		err = errLongLine
	}
	in.arena = object
	in.count(cap(in.arena))
	switch {
	case err != nil:
		return r.badLine(s, n, err), true
	case len(object) == 0:
		s.pos += whole
		return nil, true
	case r.depth > MaxEnvelopes:
		return r.badLine(s, whole, errors.New("too many envelopes lie in one another")), true
	}
	in.queue = append(in.queue, slices.Clip(object))
	in.flat = true
	s.pos += whole
	r.depth++
	return nil, true
}

var (
	errLongLine = errors.New("the line is too long")
	errUnclosed = errors.New("a quotation mark is not closed")
	errNoStamp  = errors.New("behind the time of a line stands no record that is known")
)

// badLine reports the line of n bytes at the unread bytes and goes on behind it.
func (r *Reader) badLine(s *stream, n int, err error) *RecordError {
	bad := r.bad(s, err.Error(), hintOf(err))
	if errors.Is(err, errLongLine) {
		s.lose(0)
	} else {
		s.pos += n
	}
	return bad
}

// inner returns the stream for what the record at the unread bytes of s carries.
func (r *Reader) inner(s *stream) *stream {
	if len(r.levels) == r.depth+1 {
		r.levels = append(r.levels, &stream{limit: r.d.maxRecord + 1, usage: &r.usage})
	}
	in := r.levels[r.depth+1]
	in.queue, in.arena, in.at, in.open, in.flat = in.queue[:0], in.arena[:0], s.offset(), false, false
	return in
}

// lineEnd returns where the line at byte from of the unread bytes ends, reading on as it
// must; ok is false when it is too long.
func (s *stream) lineEnd(from int) (n int, ok bool) {
	at := from
	for {
		if i := bytes.IndexByte(s.unread()[min(at, s.end-s.pos):], '\n'); i >= 0 {
			return at + i, true
		}
		at = max(from, s.end-s.pos)
		if at-from > maxLine || at > maxLine {
			return at, false
		}
		if !s.more() {
			return at, !s.full()
		}
	}
}

// line0 returns the last line of the first n unread bytes, with its end.
func (s *stream) line0(n int) []byte {
	u := s.unread()
	from := bytes.LastIndexByte(u[:n], '\n') + 1
	return u[from:min(n+1, len(u))]
}

// startLines asks the forms for the line of n unread bytes.
func (s *stream) startLines(n int, top bool) lineReader {
	return startLines(firstLine{line: trimCR(s.unread()[:n]), top: top, around: s.around, next: func() []byte {
		s.lineEnd(n + 1)
		u := s.unread()
		return u[min(n+1, len(u)):]
	}}, false)
}

// textStarts says whether the line at the unread bytes, behind lines of no known form, is of
// one.
func (s *stream) textStarts() bool {
	if s.lines != nil {
		return true
	}
	n, ok := s.lineEnd(0)
	if !ok {
		return false
	}
	s.lines = s.startLines(n, false)
	return s.lines != nil
}

func trimCR(line []byte) []byte { return bytes.TrimSuffix(line, []byte{'\r'}) }

// appendName appends a name and its colon to the object that dst ends in.
func appendName(dst []byte, name string) []byte {
	if len(dst) == 0 {
		dst = append(dst, '{')
	} else {
		dst = append(dst, ',')
	}
	return append(appendQuoted(dst, name), ':')
}

// appendMember appends a name and its text to the object in dst, unless there is no
// text: empty, or a dash.
func appendMember(dst []byte, name string, text []byte) []byte {
	if len(text) == 0 || len(text) == 1 && text[0] == '-' {
		return dst
	}
	return appendQuoted(appendName(dst, name), text)
}

// closeObject ends the object in dst, which may have no members.
func closeObject(dst []byte) []byte {
	if len(dst) == 0 {
		dst = append(dst, '{')
	}
	return append(dst, '}')
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends text as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendQuoted[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			_, n := utf8.DecodeRuneInString(string(text[i:min(i+utf8.UTFMax, len(text))]))
			if n > 1 {
				i += n
				continue
			}
			dst = append(append(dst, text[from:i]...), "\uFFFD"...)
			i++
			from = i
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, text[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\r':
			dst = append(dst, '\\', 'r')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	return append(append(dst, text[from:]...), '"')
}
