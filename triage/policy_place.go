package triage

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// spot is a place in a file: line and column from 1, columns in characters.
type spot struct{ line, column int }

// source is the text of a YAML file, for finding the place of a character of a scalar.
type source struct{ lines [][]rune }

// lineBreaks are what YAML takes for the end of a line.
var lineBreaks = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

func newSource(data []byte) *source {
	s := &source{}
	for line := range strings.SplitSeq(lineBreaks.Replace(string(data)), "\n") {
		s.lines = append(s.lines, []rune(line))
	}
	return s
}

// spots returns the place of every character of a scalar's value, and of its end. YAML
// folds lines, strips indentation and unescapes, and it does all this without changing
// the order of what is not white space: so the characters of the value are met again in
// the file one by one, and white space is where the character before it ends.
func (s *source) spots(n *yaml.Node) []spot {
	value := []rune(n.Value)
	out := make([]spot, 0, len(value)+1)
	at := spot{n.Line, n.Column}
	quote := rune(0)
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		quote = '"'
	case n.Style&yaml.SingleQuotedStyle != 0:
		quote = '\''
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		at = spot{n.Line + 1, 1}
	}
	if quote != 0 {
		// A tag or an anchor may stand before the quote.
		for r := s.rune(at); r != quote; r = s.rune(at) {
			if r == 0 {
				break
			}
			at.column++
		}
		at.column++
	}
	last := at
	for _, r := range value {
		if unicode.IsSpace(r) {
			out = append(out, last)
			if s.rune(last) == r {
				last.column++
			}
			continue
		}
		at = s.skip(at, quote)
		out = append(out, at)
		at.column += s.width(at, quote)
		last = at
	}
	return append(out, last)
}

// rune returns the character at a place, 0 at the end of its line.
func (s *source) rune(at spot) rune {
	if at.line < 1 || at.line > len(s.lines) || at.column < 1 || at.column > len(s.lines[at.line-1]) {
		return 0
	}
	return s.lines[at.line-1][at.column-1]
}

// skip goes on to the next character that stands for no white space.
func (s *source) skip(at spot, quote rune) spot {
	for at.line <= len(s.lines) {
		r := s.rune(at)
		switch {
		case r == 0:
			at = spot{at.line + 1, 1}
		case unicode.IsSpace(r):
			at.column++
		case quote == '"' && r == '\\' && s.blank(at):
			at.column += s.width(at, quote)
		default:
			return at
		}
	}
	return at
}

// blank reports whether the escape at a place stands for white space, or for nothing.
func (s *source) blank(at spot) bool {
	switch s.rune(spot{at.line, at.column + 1}) {
	case 0, 't', '\t', 'n', 'v', 'f', 'r', ' ', 'N', '_', 'L', 'P':
		return true
	}
	return false
}

// width is how many characters of the file make the one of the value that starts there.
func (s *source) width(at spot, quote rune) int {
	r := s.rune(at)
	switch {
	case quote == '\'' && r == '\'':
		return 2
	case quote == '"' && r == '\\':
		switch s.rune(spot{at.line, at.column + 1}) {
		case 'x':
			return 4
		case 'u':
			return 6
		case 'U':
			return 10
		}
		return 2
	}
	return 1
}

// runeOffset returns the number of the character that a line (from 1) and a column (from
// 0, in characters) of a text mean.
func runeOffset(text string, line, column int) int {
	offset := 0
	for range line - 1 {
		i := strings.IndexByte(text, '\n')
		if i < 0 {
			break
		}
		offset += utf8.RuneCountInString(text[:i+1])
		text = text[i+1:]
	}
	return offset + column
}
