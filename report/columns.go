package report

import (
	"bufio"
	"io"
	"strings"
)

// WriteColumns writes rows with their cells under one another, as a terminal shows
// them: a character of Chinese or Japanese takes two columns. The text is written as
// it is; what comes from elsewhere goes through [Escape] first.
func WriteColumns(w io.Writer, rows [][]string) error {
	var widths []int
	for _, row := range rows {
		for j, cell := range row {
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], columns(cell))
		}
	}
	out := bufio.NewWriter(w)
	for _, row := range rows {
		for j, cell := range row {
			out.WriteString(cell)
			if j < len(row)-1 {
				out.WriteString(strings.Repeat(" ", widths[j]-columns(cell)+2))
			}
		}
		out.WriteByte('\n')
	}
	return out.Flush()
}

// Width is how many columns of a terminal a text takes.
func Width(s string) int { return columns(s) }
