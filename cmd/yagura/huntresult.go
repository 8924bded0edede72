package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/report"
)

// write writes a result in the form that was asked for.
func (c *huntAskCmd) write(env *environment, r *hunt.Result, ja bool) error {
	format := c.Format
	if format == "" {
		format = "table"
		if r.Chart() != nil && r.Chart().Kind != "table" {
			format = "chart"
		}
	}
	switch format {
	case "jsonl":
		return app.WriteHuntJSONL(env.stdout, r)
	case "csv":
		return app.WriteHuntCSV(env.stdout, r)
	}
	columns := r.Columns()
	var rows [][]any
	for r.Next() {
		rows = append(rows, r.Values())
	}
	if err := r.Err(); err != nil {
		return err
	}
	if format == "chart" {
		width := 80
		if f, ok := env.stdout.(*os.File); ok {
			if w := terminalWidth(f); w > 0 {
				width = w
			}
		}
		if drawn := hunt.Draw(columns, rows, width, report.Width); drawn != "" {
			// Names and texts of other people stand in it.
			for line := range strings.Lines(drawn) {
				if _, err := fmt.Fprintln(env.stdout, report.Escape(strings.TrimSuffix(line, "\n"))); err != nil {
					return err
				}
			}
			return nil
		}
		fmt.Fprintln(env.stderr, in(ja, "there is nothing to draw: a chart needs a column of numbers", "描けるものがありません: 数値の列が必要です"))
	}
	return writeTable(env.stdout, columns, rows)
}

// maxCell is how much of a value a table shows.
const maxCell = 120

func writeTable(w io.Writer, columns []hunt.Column, rows [][]any) error {
	head := make([]string, len(columns))
	for i, c := range columns {
		head[i] = report.Escape(c.Name)
	}
	cells := [][]string{head}
	for _, row := range rows {
		line := make([]string, len(row))
		for i, v := range row {
			s := []rune(report.Escape(app.HuntText(v, columns[i].Type)))
			if len(s) > maxCell {
				s = append(s[:maxCell-1:maxCell-1], '…')
			}
			line[i] = string(s)
		}
		cells = append(cells, line)
	}
	return report.WriteColumns(w, cells)
}
