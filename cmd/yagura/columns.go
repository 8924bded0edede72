package main

import (
	"bytes"
	"io"
	"strings"

	"github.com/yagura-sec/yagura/report"
)

// columnWriter puts cells that tabs divide under one another, as a terminal shows them: a
// Japanese character takes two columns, which text/tabwriter does not know. A line without a
// tab stands for itself and ends the table before it.
type columnWriter struct {
	w   io.Writer
	buf bytes.Buffer
}

// Write takes text over.
func (c *columnWriter) Write(p []byte) (int, error) { return c.buf.Write(p) }

// Flush writes what was taken over.
func (c *columnWriter) Flush() error {
	var rows [][]string
	table := func() error {
		err := report.WriteColumns(c.w, rows)
		rows = nil
		return err
	}
	for line := range strings.Lines(c.buf.String()) {
		row := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(row) > 1 {
			rows = append(rows, trimRow(row))
			continue
		}
		if err := table(); err != nil {
			return err
		}
		if _, err := io.WriteString(c.w, line); err != nil {
			return err
		}
	}
	c.buf.Reset()
	return table()
}
