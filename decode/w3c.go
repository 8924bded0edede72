package decode

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Extended log files of the W3C: lines of directives, of which #Fields names the fields of
// the lines behind it. CloudFront writes tabs between the fields, web servers blanks.

// w3cLines reads the lines behind a #Fields directive.
type w3cLines struct {
	oneLine
	names []string
	tab   bool
	// loose says that the names are not from the text: a line may have fewer or more fields.
	loose bool
}

// startW3C takes a #Fields directive, or one that stands before it.
func startW3C(l firstLine) lineReader {
	if l.line[0] != '#' {
		return nil
	}
	if names := w3cNames(l.line); names != nil {
		return &w3cLines{names: names}
	}
	for rest := l.next(); len(rest) > 0 && rest[0] == '#'; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		if w3cNames(trimCR(line)) != nil {
			return &w3cLines{}
		}
	}
	return nil
}

// w3cNames returns the names of a #Fields directive, nil for any other line.
func w3cNames(line []byte) []string {
	rest, ok := bytes.CutPrefix(line, []byte("#Fields:"))
	if !ok {
		return nil
	}
	names := strings.Fields(string(rest))
	if len(names) < 2 || len(names) > maxColumns {
		return nil
	}
	return names
}

func (w *w3cLines) read(dst, line []byte) ([]byte, error) {
	if line[0] == '#' {
		if names := w3cNames(line); names != nil {
			w.names, w.loose, w.tab = names, false, false
		}
		return dst, nil
	}
	start := len(dst)
	if f := startCloudFront(firstLine{line: line}); w.loose && (f == nil || f.(*w3cLines).names[0] != w.names[0]) {
		return dst, errors.New("a line is not of the log that the lines before it are of")
	}
	sep := byte(' ')
	if w.tab = w.tab || bytes.Count(line, []byte{'\t'}) >= len(w.names)/2 && bytes.IndexByte(line, '\t') > 0; w.tab {
		sep = '\t'
	}
	at := 0
	for rest, more := line, true; more; at++ {
		var v []byte
		v, rest, more = bytes.Cut(rest, []byte{sep})
		switch {
		case at >= len(w.names) && !w.loose:
			return dst[:start], fmt.Errorf("a line has more fields than the %d that its header names", len(w.names))
		case at >= len(w.names):
			dst = appendMember(dst, extraName(at), v)
		case w.names[at] == "cs(User-Agent)" || w.names[at] == "cs-user-agent":
			dst = appendMember(dst, w.names[at], unescapeAgent(v, !w.tab))
		default:
			dst = appendMember(dst, w.names[at], v)
		}
	}
	if w.loose && at < 12 || !w.loose && at < len(w.names) {
		return dst[:start], fmt.Errorf("a line has %d fields, and its header names %d", at, len(w.names))
	}
	return closeObject(dst), nil
}

// unescapeAgent undoes the percent encoding of a user agent, which CloudFront has applied up
// to twice, and the plus signs that web servers write for blanks.
func unescapeAgent(v []byte, plus bool) []byte {
	if plus {
		return bytes.ReplaceAll(v, []byte{'+'}, []byte{' '})
	}
	for range 2 {
		if bytes.IndexByte(v, '%') < 0 {
			break
		}
		v = unescapePercent(v)
	}
	return v
}

// unescapePercent undoes percent encoding; what is none stays.
func unescapePercent(v []byte) []byte {
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		if v[i] == '%' && i+2 < len(v) {
			if hi, lo := unhex(v[i+1]), unhex(v[i+2]); hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		out = append(out, v[i])
	}
	return out
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// commented passes over comments, which some files have between lines of other forms.
type commented struct{ lineReader }

// startCommented takes a comment behind which a line of another form stands.
func startCommented(l firstLine) lineReader {
	if l.line[0] != '#' {
		return nil
	}
	rest := l.next()
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		if line = trimCR(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		if r := startLines(firstLine{line: line, next: func() []byte { return rest }, top: l.top, around: l.around}, false); r != nil {
			return commented{r}
		}
		return nil
	}
	return nil
}

func (c commented) read(dst, record []byte) ([]byte, error) {
	if record[0] == '#' {
		return dst, nil
	}
	return c.lineReader.read(dst, record)
}
