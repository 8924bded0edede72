package falco

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// source is one rule file, or a part of one that had to be read alone because the
// file as a whole is not YAML.
type source struct {
	path string
	data []byte
	line int // number of lines of the file before data

	starts []int // of the lines in data; see lines
}

// lines returns where each line of data starts.
func (s *source) lines() []int {
	if s.starts == nil {
		s.starts = []int{0}
		for i, c := range s.data {
			if c == '\n' {
				s.starts = append(s.starts, i+1)
			}
		}
	}
	return s.starts
}

// where returns the line and column (in characters, from 1) of a place.
func (p place) where() (line, column int) {
	if p.frag == nil || p.frag.node == nil {
		return 0, 0
	}
	n := p.frag.node
	if o, ok := p.frag.offset(p.off); ok {
		starts := p.frag.file.lines()
		line, _ = slices.BinarySearch(starts, o+1) // the lines that start at o or before
		column = utf8.RuneCount(p.frag.file.data[starts[line-1]:o]) + 1
		return line + p.frag.file.line, column
	}
	return n.Line + p.frag.file.line, n.Column
}

// nodeAt returns the place of a node in a file.
func (s *source) nodeAt(n *yaml.Node) place {
	return place{frag: &fragment{file: s, node: n}}
}

// offset finds byte off of the scalar's value in the bytes of the file. YAML folds
// lines, drops indentation and resolves escapes, but keeps every other character in
// order, so value and file are read side by side, white space in either skipped.
// It reports false when they do not agree.
func (f *fragment) offset(off int) (int, bool) {
	pos, ok := f.start()
	if !ok {
		return 0, false
	}
	data, style := f.file.data, f.node.Style
	block := style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
	switch {
	case style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		pos++
	case block:
		// The text begins on the line after the indicator.
		i := bytes.IndexByte(data[pos:], '\n')
		if i < 0 {
			return 0, false
		}
		pos += i + 1
	}
	v := f.value
	for i := 0; ; {
		if i >= len(v) {
			return pos, true
		}
		for i < len(v) && i < off && isBlank(v[i]) {
			i++
		}
		for pos < len(data) && isBlank(data[pos]) {
			pos++
		}
		coded := style&yaml.DoubleQuotedStyle != 0 && pos < len(data) && data[pos] == '\\'
		n, size, blank := 0, 0, false
		if coded {
			n, size, blank = escape(data[pos:])
		}
		switch {
		case i >= len(v), i >= off && !blank:
			return min(pos, len(data)), true
		case pos >= len(data):
			return 0, false
		case coded:
			if pos += n; !blank {
				i += size
			}
			continue
		}
		if data[pos] != v[i] {
			return 0, false
		}
		if style&yaml.SingleQuotedStyle != 0 && data[pos] == '\'' {
			pos++
		}
		pos++
		i++
	}
}

// start returns the offset of the node's first byte.
func (f *fragment) start() (int, bool) {
	if f.node == nil || f.node.Line < 1 || f.file == nil {
		return 0, false
	}
	data, starts := f.file.data, f.file.lines()
	if f.node.Line > len(starts) {
		return 0, false
	}
	pos := starts[f.node.Line-1]
	for range f.node.Column - 1 {
		if pos >= len(data) || data[pos] == '\n' {
			return 0, false
		}
		_, size := utf8.DecodeRune(data[pos:])
		pos += size
	}
	// A tag or an anchor stands before the scalar.
	for pos < len(data) && (data[pos] == '!' || data[pos] == '&') {
		i := bytes.IndexAny(data[pos:], " \t\n")
		if i < 0 {
			return 0, false
		}
		pos += i
		for pos < len(data) && isBlank(data[pos]) {
			pos++
		}
	}
	return pos, pos < len(data)
}

// escape reads one escape of a double-quoted scalar: its length in the file, the
// bytes that it stands for, and whether it stands for white space or nothing.
func escape(b []byte) (n, size int, blank bool) {
	if len(b) < 2 {
		return 1, 0, true
	}
	switch b[1] {
	case 'x', 'u', 'U':
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[b[1]]
		r := rune(0)
		for i := 2; i < 2+digits && i < len(b); i++ {
			r = r<<4 | rune(max(strings.IndexByte("0123456789abcdef", b[i]|0x20), 0))
		}
		return min(2+digits, len(b)), max(utf8.RuneLen(r), 1), r < 0x80 && isBlank(byte(r))
	case 'n', 't', 'r', ' ', '\t', '\n', '\r':
		return 2, 1, true
	case 'N', '_':
		return 2, 2, false
	case 'L', 'P':
		return 2, 3, false
	}
	return 2, 1, false
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
