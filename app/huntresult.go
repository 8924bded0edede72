package app

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/query/kql"
	"github.com/yagura-sec/yagura/report"
)

// HuntText is a value of a hunt as people and CSV read it.
func HuntText(v any, typ string) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		if typ == "timespan" {
			return kql.FormatTimespan(v)
		}
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.999999Z")
	}
	return fmt.Sprint(v)
}

// WriteHuntCSV writes a result as CSV.
func WriteHuntCSV(w io.Writer, r *hunt.Result) error {
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
			line[i] = HuntText(v, columns[i].Type)
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

// WriteHuntJSONL writes a result as one JSON object a line.
func WriteHuntJSONL(w io.Writer, r *hunt.Result) error {
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
			text, err := huntJSON(v, columns[i].Type)
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

func huntJSON(v any, typ string) (string, error) {
	switch x := v.(type) {
	case string:
		if (typ == "JSON" || typ == "dynamic") && json.Valid([]byte(x)) {
			return x, nil
		}
	case time.Time:
		v = x.UTC().Format("2006-01-02T15:04:05.999999Z")
	case int64:
		if typ == "timespan" {
			v = kql.FormatTimespan(x)
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
