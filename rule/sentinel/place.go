package sentinel

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// place is where a text of a file begins, and how its lines lie in the file.
type place struct {
	line, column int // of the text's first character
	indent       int // that every line of a block has before it
	block        bool
	exact        bool // lines and columns of the text can be counted on from there
}

// placeOf finds the place of a scalar.
func placeOf(n *yaml.Node, data []byte) place {
	p := place{line: n.Line, column: n.Column}
	switch {
	case n.Style&yaml.LiteralStyle != 0:
		p.line, p.block, p.exact = n.Line+1, true, true
		p.indent = indentOf(data, p.line)
		p.column = p.indent + 1
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		p.column++
		p.exact = !strings.ContainsAny(n.Value, "\n\t\"'\\")
	case n.Style&yaml.FoldedStyle == 0:
		p.exact = !strings.Contains(n.Value, "\n")
	}
	return p
}

// at is where a line and column of the text stand in the file. ok is false when that
// cannot be said: the text is folded or has escapes.
func (p place) at(line, column int) (int, int, bool) {
	switch {
	case line < 1 || !p.exact:
		return p.line, p.column, line < 1
	case p.block:
		return p.line + line - 1, p.indent + max(column, 1), true
	}
	return p.line, p.column + max(column, 1) - 1, true
}

// indentOf is the indent of the first line from a line on that is not blank.
func indentOf(data []byte, line int) int {
	for i := 1; len(data) > 0; i++ {
		row, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		if i < line || len(bytes.TrimSpace(row)) == 0 {
			continue
		}
		return utf8.RuneCount(row) - utf8.RuneCount(bytes.TrimLeft(row, " "))
	}
	return 0
}
