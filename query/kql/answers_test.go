//go:build cgo

package kql_test

import (
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/query/kql"
)

// answers are queries with the rows they must give, one line for each row: what
// Kusto's documentation says of nulls, of numbers that do not fit, and of names and
// texts with signs in them. They say nothing of the SQL, unlike the goldens.
var answers = []struct{ name, query, rows string }{
	{"a bag is expanded whatever its keys are", `print d = dynamic({"q\"x": 2, "b\\s": 3, "a.b": 4}) | mv-expand d`, `{"q\"x":2}
{"b\\s":3}
{"a.b":4}`},
	{"a bag is expanded to pairs whatever its keys are", `print d = dynamic({"q\"x": 2}) | mv-expand kind=array d`, `["q\"x",2]`},
	{"sessions", `range i from 0 to 5 step 1 | extend t = datetime(2024-01-01) + i * i * 1m | sort by t asc | extend s = row_window_session(t, 1h, 6m) | summarize n = count() by s | sort by s asc`,
		"2024-01-01T00:00:00.000000 | 4\n2024-01-01T00:16:00.000000 | 1\n2024-01-01T00:25:00.000000 | 1"},
}

func TestAnswers(t *testing.T) {
	e := engine(t)
	for _, c := range answers {
		t.Run(c.name, func(t *testing.T) {
			p, err := kql.Compile(c.query, smallSchema, kql.Options{Now: time.Date(2024, 5, 15, 12, 0, 0, 0, time.UTC)})
			if err != nil {
				t.Fatal(err)
			}
			rows, err := run(t, e, p, views...)
			if err != nil {
				t.Fatalf("%v\n%s", err, p.SQL)
			}
			var lines []string
			for _, r := range rows {
				var cells []string
				for i, v := range r {
					cells = append(cells, normal(v, p.Columns[i].Type))
				}
				lines = append(lines, strings.Join(cells, " | "))
			}
			if got := strings.Join(lines, "\n"); got != c.rows {
				t.Errorf("%s\ngot\n%s\nwant\n%s\n%s", c.query, got, c.rows, p.SQL)
			}
		})
	}
}
