package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

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
		return writeJSONL(env.stdout, r)
	case "csv":
		return writeCSV(env.stdout, r)
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
			s := []rune(report.Escape(textOf(v, columns[i].Type)))
			if len(s) > maxCell {
				s = append(s[:maxCell-1:maxCell-1], '…')
			}
			line[i] = string(s)
		}
		cells = append(cells, line)
	}
	return report.WriteColumns(w, cells)
}

// textOf is a value as people and CSV read it.
func textOf(v any, typ string) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		if typ == "timespan" {
			return timespan(v)
		}
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.999999Z")
	}
	return fmt.Sprint(v)
}

// timespan writes ticks of 100 ns as Kusto does: 1.02:03:04.0000005.
func timespan(ticks int64) string {
	sign, u := "", uint64(ticks)
	if ticks < 0 {
		sign, u = "-", uint64(-ticks)
	}
	const second = 10_000_000
	days, rest := u/(86400*second), u%(86400*second)
	s := fmt.Sprintf("%02d:%02d:%02d", rest/(3600*second), rest/(60*second)%60, rest/second%60)
	if days > 0 {
		s = fmt.Sprintf("%d.%s", days, s)
	}
	if f := rest % second; f > 0 {
		s += fmt.Sprintf(".%07d", f)
	}
	return sign + s
}

func writeCSV(w io.Writer, r *hunt.Result) error {
	out := csv.NewWriter(w)
	columns := r.Columns()
	line := make([]string, len(columns))
	for i, c := range columns {
		line[i] = safeCell(c.Name)
	}
	if err := out.Write(line); err != nil {
		return err
	}
	for r.Next() {
		for i, v := range r.Values() {
			line[i] = textOf(v, columns[i].Type)
			if _, text := v.(string); text {
				line[i] = safeCell(line[i])
			}
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return errors.Join(r.Err(), out.Error())
}

// safeCell keeps a text from being a formula where the file is opened as a sheet, and
// from steering the terminal where it is shown on one. Lines and tabs stay.
func safeCell(s string) string {
	formula := s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0]))
	var b strings.Builder
	for {
		i := strings.IndexAny(s, "\n\r\t")
		if i < 0 {
			break
		}
		b.WriteString(report.Escape(s[:i]))
		b.WriteByte(s[i])
		s = s[i+1:]
	}
	b.WriteString(report.Escape(s))
	if formula {
		return "'" + b.String()
	}
	return b.String()
}

func writeJSONL(w io.Writer, r *hunt.Result) error {
	out := bufio.NewWriter(w)
	columns := r.Columns()
	names := make([]string, len(columns))
	seen := map[string]int{}
	for i, c := range columns {
		name := c.Name
		if seen[name]++; seen[name] > 1 {
			name += "_" + strconv.Itoa(seen[name]-1) // an object has each name once
		}
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		names[i] = string(key)
	}
	for r.Next() {
		_ = out.WriteByte('{')
		for i, v := range r.Values() {
			if i > 0 {
				_ = out.WriteByte(',')
			}
			text, err := jsonOf(v, columns[i].Type)
			if err != nil {
				return fmt.Errorf("column %s: %w", columns[i].Name, err)
			}
			_, _ = out.WriteString(names[i] + ":" + text)
		}
		if _, err := out.WriteString("}\n"); err != nil {
			return err
		}
	}
	return errors.Join(r.Err(), out.Flush())
}

func jsonOf(v any, typ string) (string, error) {
	switch x := v.(type) {
	case string:
		if (typ == "JSON" || typ == "dynamic") && json.Valid([]byte(x)) {
			return x, nil
		}
	case time.Time:
		v = x.UTC().Format("2006-01-02T15:04:05.999999Z")
	case int64:
		if typ == "timespan" {
			v = timespan(x)
		}
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return strconv.Quote(strconv.FormatFloat(x, 'g', -1, 64)), nil
		}
	case json.Number:
		return x.String(), nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}
