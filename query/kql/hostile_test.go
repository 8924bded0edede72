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

// hostile asks a table H of what somebody may put into a log to end queries over it.
type hostile struct {
	t    *testing.T
	e    *duck.Engine
	view duck.View
}

func newHostile(t *testing.T) *hostile { return &hostile{t, engine(t), hostileRows()} }

func (h *hostile) compile(q string) (*kql.Plan, error) {
	return kql.Compile(q, kql.Tables{{Name: "H", Time: "t", Columns: []kql.Column{{Name: "s", Type: "string"}, {Name: "d", Type: "dynamic"}, {Name: "n", Type: "long"},
		{Name: "r", Type: "real"}, {Name: "t", Type: "datetime"}, {Name: "b", Type: "bool"}}}}, kql.Options{Now: time.Date(2024, 5, 15, 12, 0, 0, 0, time.UTC)})
}

func (h *hostile) ask(q string) error {
	p, err := h.compile(q)
	if err == nil {
		_, err = run(h.t, h.e, p, h.view)
	}
	return err
}

func hostileRows() duck.View {
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
	h := newHostile(t)
	args := []string{"s", "d", "n", "r", "t", "b", `"a"`, "1", "3h", `dynamic(["a"])`}
	var lists []string
	for _, a := range args {
		lists = append(lists, a)
		for _, b := range args {
			lists = append(lists, a+", "+b)
			for _, c := range []string{"s", "n"} {
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
				if _, err := h.compile(fmt.Sprintf(form, "x = "+call)); err == nil {
					calls = append(calls, fmt.Sprintf("x%d = %s", len(calls), call))
				}
				if len(calls) == 20 {
					break
				}
			}
			if len(calls) == 0 {
				continue
			}
			called, functions = called+len(calls), functions+1
			if h.ask(fmt.Sprintf(form, strings.Join(calls, ", "))) == nil {
				continue
			}
			for _, c := range calls {
				err := h.ask(fmt.Sprintf(form, c))
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

// TestHostileOperators is the same for operators: of values, and of tables.
func TestHostileOperators(t *testing.T) {
	h := newHostile(t)
	values := []string{"s", "d", "n", "r", "t", "b", "d.a", "d[0]", `"a"`, "3", "3h", "2.5", "datetime(2024-05-01)"}
	asked := 0
	each := func(exprs []string) {
		var cols []string
		for _, x := range exprs {
			if _, err := h.compile("H | project x = " + x); err == nil {
				cols = append(cols, fmt.Sprintf("x%d = %s", len(cols), x))
			}
		}
		asked += len(cols)
		if len(cols) == 0 || h.ask("H | project "+strings.Join(cols, ", ")) == nil {
			return
		}
		for _, c := range cols {
			if err := h.ask("H | project " + c); err != nil {
				t.Errorf("%s: %v", c, err)
			}
		}
	}
	for _, l := range values[:8] {
		for _, op := range []string{"+", "-", "*", "/", "%", "==", "!=", "<", ">=", "=~", "has", "contains", "startswith", "endswith_cs", "hasprefix", "in", "has_any", "matches regex", "between"} {
			var exprs []string
			for _, r := range values {
				switch op {
				case "in", "has_any":
					r = "(" + r + ", " + r + ")"
				case "between":
					r = "(" + r + " .. " + r + ")"
				}
				exprs = append(exprs, l+" "+op+" "+r)
			}
			each(exprs)
		}
		each([]string{"-" + l, "not(" + l + ")"})
	}
	if asked < 600 {
		t.Errorf("only %d expressions were asked", asked)
	}
	for _, q := range []string{
		"H | mv-expand d", "H | mv-expand d to typeof(long)", "H | mv-expand x = pack_array(n, r)", "H | mv-apply d on (summarize count())", `H | parse s with * "a" x:long "b" y:datetime *`,
		"H | parse-kv s as (a:long, b:datetime) with (pair_delimiter=',', kv_delimiter=':')", "H | where t > ago(1d) or n > 3", "H | where d.a == 1 or d[0] == 'a'",
		"H | summarize count() by bin(t, 1d)", "H | summarize count() by bin(n, 7), bin(r, 0.5)", "H | make-series sum(n) on t from datetime(2024-02-01) to datetime(2024-03-01) step 1d",
		"H | summarize sum(n), avg(n), min(n), max(n), sum(r), avg(r), min(t), max(t), dcount(d), make_set(d), make_list(s), make_bag(d), arg_max(n, *)", "H | sort by t, n, r, s | extend p = prev(n), c = row_cumsum(n)",
		"H | evaluate bag_unpack(d)", "H | distinct *", "H | union (H | extend z = n + 1)", "H | extend x = t + totimespan(s), y = t - t, z = n * n * n, w = datetime_add('day', n, t), v = datetime_diff('second', t, now())",
		"H | search 'a'", "H | where * has 'a'", "H | top-hitters 3 of s", "H | sample 3", "H | sort by n | extend x = row_rank_dense(n)", "H | project-away s | take 3", "H | evaluate narrow()", "H | getschema",
		"H | top 3 by r", "H | summarize n = count() by r", "H | summarize n = count() by tostring(d)", "H | join kind=inner (H | project k = n) on $left.n == $right.k",
	} {
		if err := h.ask(q); err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
}
