//go:build cgo

package kql_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/query/kql"
)

// hostile is a table of what somebody may put into a log to end queries over it.
func hostile() duck.View {
	texts := []string{
		"", "a", strings.Repeat("x", 1000), "a\x00b", `{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, `{"a":"\ud800"}`, "{",
		"9999999999999999999999999", "-1", "1e400", "NaN", "0x", "2024-13-45T99:99:99Z", "9999-12-31T23:59:59.9999999Z", "1.2.3.4", "1.2.3.4/99", "::1",
		"::ffff:1.2.3.4", "%zz", "xn--a", "http://[::1", "aGVsbG8", "////", "\u202e", "(((", "[a-", `\`, strings.Repeat("(a*)*", 50), strings.Repeat("%", 1000),
	}
	longs := []string{"0", "'-9223372036854775808'", "9223372036854775807", "NULL", "1", "-1", "64", "1000000000"}
	reals := []string{"0", "'nan'", "'inf'", "'-inf'", "1e308", "-1e308", "NULL", "1e-320", "0.5"}
	times := []string{"TIMESTAMP '0001-01-01 00:00:00'", "TIMESTAMP '9999-12-31 23:59:59.999999'", "NULL", "TIMESTAMP '2024-02-29 00:00:00'"}
	rows := make([]string, len(texts))
	for i, x := range texts {
		text := "'" + strings.ReplaceAll(strings.ReplaceAll(x, "'", "''"), "\x00", "' || chr(0) || '") + "'"
		value := "to_json(" + text + ")"
		switch {
		case i == 4:
			value = text + "::JSON"
		case i%5 == 1:
			value = `'[1,"a",null,{"a":[]}]'::JSON`
		case i%5 == 2:
			value = "NULL::JSON"
		}
		rows[i] = fmt.Sprintf("SELECT %s AS s, %s AS d, CAST(%s AS BIGINT) AS n, CAST(%s AS DOUBLE) AS r, CAST(%s AS TIMESTAMP) AS t, %v AS b",
			text, value, longs[i%len(longs)], reals[i%len(reals)], times[i%len(times)], i%2 == 0)
	}
	return duck.View{Name: "H", SQL: strings.Join(rows, " UNION ALL ")}
}

// ownFault are functions that end a query over what nobody takes from a log: a pattern, or
// the name of a time zone.
var ownFault = map[string]bool{"trim": true, "trim_start": true, "trim_end": true, "replace": true, "replace_regex": true, "datetime_utc_to_local": true, "datetime_local_to_utc": true}

// TestHostileValues calls every function with columns of such a table, in every way that
// compiles. None ends the query with an error: who can write into a log cannot hide it.
func TestHostileValues(t *testing.T) {
	page, err := os.ReadFile("../../docs/kql-functions.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile("`([a-z_0-9]+)`").FindAllStringSubmatch(string(page), -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	names = slices.Compact(names)
	schema := kql.Tables{{Name: "H", Columns: []kql.Column{{Name: "s", Type: "string"}, {Name: "d", Type: "dynamic"}, {Name: "n", Type: "long"}, {Name: "r", Type: "real"}, {Name: "t", Type: "datetime"}, {Name: "b", Type: "bool"}}}}
	o := kql.Options{Now: time.Date(2024, 5, 15, 12, 0, 0, 0, time.UTC)}
	e, view := engine(t), hostile()
	args := []string{"s", "d", "n", "r", "t", "b", `"a"`, "1", "3h", `dynamic(["a"])`}
	var lists []string
	for _, a := range args {
		lists = append(lists, a)
		for _, b := range args {
			lists = append(lists, a+", "+b)
			for _, c := range []string{"s", "n", `"a"`, b} {
				lists = append(lists, a+", "+b+", "+c)
			}
		}
	}
	called, functions := 0, 0
	for _, name := range names {
		for _, form := range []string{"H | extend %s", "H | summarize %s"} {
			var calls []string
			for _, l := range lists {
				call := name + "(" + l + ")"
				if _, err := kql.Compile(fmt.Sprintf(form, "x = "+call), schema, o); err == nil && len(calls) < 24 {
					calls = append(calls, fmt.Sprintf("x%d = %s", len(calls), call))
				}
			}
			if len(calls) == 0 {
				continue
			}
			called, functions = called+len(calls), functions+1
			ask := func(calls ...string) error {
				p, err := kql.Compile(fmt.Sprintf(form, strings.Join(calls, ", ")), schema, o)
				if err == nil {
					_, err = run(t, e, p, view)
				}
				return err
			}
			if ask(calls...) == nil {
				continue
			}
			for _, c := range calls {
				err := ask(c)
				if limit, ok := errors.AsType[*duck.Error](err); err != nil && (!ok || limit.Kind != duck.KindLimit) && !ownFault[name] {
					t.Errorf("%s: %v", fmt.Sprintf(form, c), err)
				}
			}
		}
	}
	t.Logf("%d calls of %d functions", called, functions)
	if functions < 300 {
		t.Errorf("only %d functions were called", functions)
	}
}
