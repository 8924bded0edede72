package hunt

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Chart says how a result is drawn.
type Chart struct {
	Kind string // as render has it: barchart, columnchart, piechart, timechart, linechart …
}

// Draw draws rows with characters, width columns wide: a line of blocks for each
// series where the first column is a time, else a bar for each row. It returns ""
// where there is nothing to draw: no rows, or no numbers.
func Draw(columns []Column, rows [][]any, width int, widthOf func(string) int) string {
	if len(rows) == 0 {
		return ""
	}
	var numbers []int
	x := -1
	for i := range columns {
		if isNumber(rows, i) {
			numbers = append(numbers, i)
		} else if x < 0 {
			x = i
		}
	}
	if len(numbers) == 0 {
		return ""
	}
	if x < 0 && len(numbers) > 1 {
		x, numbers = numbers[0], numbers[1:]
	}
	if t := timeColumn(rows, len(columns)); t >= 0 {
		return lines(columns, rows, t, numbers, width)
	}
	return bars(columns, rows, x, numbers[len(numbers)-1], width, widthOf)
}

func isNumber(rows [][]any, i int) bool {
	some := false
	for _, r := range rows {
		if r[i] == nil {
			continue
		}
		if _, ok := number(r[i]); !ok {
			return false
		}
		some = true
	}
	return some
}

func timeColumn(rows [][]any, n int) int {
	for i := range n {
		if _, ok := rows[0][i].(time.Time); ok {
			return i
		}
	}
	return -1
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	return 0, false
}

const blocks = "▁▂▃▄▅▆▇█"

// lines draws a sparkline for each series; a text column beside the time divides
// the rows into series.
func lines(columns []Column, rows [][]any, t int, numbers []int, width int) string {
	group := -1
	for i := range columns {
		if i != t {
			if _, ok := rows[0][i].(string); ok {
				group = i
				break
			}
		}
	}
	first, last := time.Time{}, time.Time{}
	for _, r := range rows {
		at, ok := r[t].(time.Time)
		if !ok {
			continue
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
	}
	type series struct {
		name string
		sums []float64
	}
	var order []*series
	byName := map[string]*series{}
	cells := max(min(width-30, 100), 10)
	for _, r := range rows {
		at, ok := r[t].(time.Time)
		if !ok {
			continue
		}
		for _, n := range numbers {
			name := columns[n].Name
			if group >= 0 {
				name = fmt.Sprint(r[group])
				if len(numbers) > 1 {
					name += " " + columns[n].Name
				}
			}
			s := byName[name]
			if s == nil {
				if len(order) >= 20 {
					continue
				}
				s = &series{name: name, sums: make([]float64, cells)}
				byName[name] = s
				order = append(order, s)
			}
			cell := 0
			if d := last.Sub(first); d > 0 {
				cell = int(float64(at.Sub(first)) / float64(d) * float64(cells-1))
			}
			v, _ := number(r[n])
			s.sums[cell] += v
		}
	}
	var b strings.Builder
	for _, s := range order {
		high := 0.0
		for _, v := range s.sums {
			high = max(high, v)
		}
		for _, v := range s.sums {
			switch {
			case v <= 0 || high == 0:
				b.WriteByte(' ')
			default:
				b.WriteRune([]rune(blocks)[min(int(v/high*8), 7)])
			}
		}
		fmt.Fprintf(&b, "  %s (max %s)\n", s.name, short(high))
	}
	fmt.Fprintf(&b, "%s … %s\n", first.Format(time.RFC3339), last.Format(time.RFC3339))
	return b.String()
}

// bars draws a bar for each row.
func bars(columns []Column, rows [][]any, x, n, width int, widthOf func(string) int) string {
	const most = 60
	var b strings.Builder
	high, label := 0.0, 0
	shown := rows[:min(len(rows), most)]
	labels := make([]string, len(shown))
	for i, r := range shown {
		if x >= 0 {
			labels[i] = cut(fmt.Sprint(r[x]), 40)
		} else {
			labels[i] = columns[n].Name
		}
		label = max(label, widthOf(labels[i]))
		v, _ := number(r[n])
		high = max(high, math.Abs(v))
	}
	room := max(width-label-14, 10)
	for i, r := range shown {
		v, _ := number(r[n])
		length := 0.0
		if high > 0 {
			length = math.Abs(v) / high * float64(room)
		}
		full := int(length)
		bar := strings.Repeat("█", full)
		if part := int((length - float64(full)) * 8); part > 0 {
			bar += string([]rune("▏▎▍▌▋▊▉")[part-1])
		}
		fmt.Fprintf(&b, "%s%s  %s %s\n", labels[i], strings.Repeat(" ", label-widthOf(labels[i])), bar, short(v))
	}
	if len(rows) > most {
		fmt.Fprintf(&b, "… %d more\n", len(rows)-most)
	}
	return b.String()
}

func cut(s string, n int) string {
	r := []rune(strings.ReplaceAll(s, "\n", " "))
	if len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return string(r)
}

func short(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatInt(int64(v), 10)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
