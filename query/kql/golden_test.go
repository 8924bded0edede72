//go:build cgo

package kql_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/query/kql"
)

var record = flag.Bool("record", false, "rewrite the goldens")

// prelude is the data of the goldens: null, empty, mixed case, repeated keys, and
// in dynamic columns keys that are missing.
const prelude = `let P = datatable(Id:long, Name:string, Team:string, Age:int, Score:real, At:datetime, Took:timespan, Data:dynamic) [
  1, "Alice", "red",  30,        1.5,        datetime(2024-05-14 10:00), 1h,             dynamic({"ip":"192.0.2.1","tags":["a","b"],"n":{"x":1}}),
  2, "alice", "Red",  int(null), real(null), datetime(2024-05-14 11:30), timespan(null), dynamic({"ip":"192.0.2.2","tags":[]}),
  3, "",      "",     41,        -2.5,       datetime(null),             30m,            dynamic(null),
  4, "carol", "blue", 25,        0.0,        datetime(2024-05-15 09:00), 2d,             dynamic({"tags":["a",null,{"k":"v"}],"n":{"x":null}}),
  5, "carol", "blue", 25,        7.25,       datetime(2024-05-15 09:30), 0s,             dynamic("text"),
  6, "CAROL", "blue", int(null), real(null), datetime(2024-05-15 10:00), 1ms,            dynamic([1,2.5,"3"])
];
let Q = datatable(Name:string, Id:long, Role:string) [
  "alice", 2, "dev", "carol", 4, "ops", "carol", 5, "lead", "", 9, "none", "dave", 7, ""
];
`

// TestGolden compiles and runs the queries of testdata/golden over the prelude. Files
// called rows-… have each feature once over all rows of the prelude and once with a column
// that is not there, and are without the SQL.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	e := engine(t)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, part := range strings.Split(string(b), "=== ")[1:] {
			head, _, _ := strings.Cut(part, "\n--- ")
			name, q, _ := strings.Cut(head, "\n")
			q = strings.TrimSpace(q)
			fmt.Fprintf(&out, "=== %s\n%s\n", name, q)
			p, err := kql.Compile(prelude+q, smallSchema, kql.Options{Now: time.Date(2024, 5, 15, 12, 0, 0, 0, time.UTC)})
			if err != nil {
				fmt.Fprintf(&out, "--- error\n%v\n\n", err)
				continue
			}
			sql := p.SQL
			if i := strings.LastIndex(sql, "::JSON)) AS t("); i >= 0 && strings.Contains(q, "P") {
				sql = strings.ReplaceAll(sql, preludeSQL(t, "P"), "‹P›")
				sql = strings.ReplaceAll(sql, preludeSQL(t, "Q"), "‹Q›")
			}
			if strings.HasPrefix(filepath.Base(f), "rows-") {
				fmt.Fprint(&out, "--- rows\n")
			} else {
				fmt.Fprintf(&out, "--- sql\n%s\n--- rows\n", sql)
			}
			var names []string
			for _, c := range p.Columns {
				names = append(names, c.Name+":"+string(c.Type))
			}
			fmt.Fprintln(&out, strings.Join(names, " | "))
			rows, err := run(t, e, p)
			if err != nil {
				t.Errorf("%s: %s: the engine refuses it: %v\n%s", f, name, err, p.SQL)
				continue
			}
			for _, r := range rows {
				var cells []string
				for i, v := range r {
					s := normal(v, p.Columns[i].Type)
					if p.Columns[i].Type == "timespan" && v != nil {
						s = kql.FormatTimespan(v.(int64))
					}
					if v == "" {
						s = "''"
					}
					cells = append(cells, s)
				}
				fmt.Fprintln(&out, strings.Join(cells, " | "))
			}
			fmt.Fprintln(&out)
		}
		if *record {
			if err := os.WriteFile(f, []byte(out.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if d := cmp.Diff(string(b), out.String()); d != "" {
			t.Errorf("%s (-golden +now):\n%s", f, d)
		}
	}
}

// preludeSQL is the SQL of a table of the prelude, which goldens leave out.
func preludeSQL(t *testing.T, name string) string {
	t.Helper()
	p, err := kql.Compile(prelude+name, smallSchema, kql.Options{Now: time.Date(2024, 5, 15, 12, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	_, from, _ := strings.Cut(p.SQL, " FROM ")
	i := strings.Index(from, " FROM (VALUES ")
	j := strings.LastIndex(from, ") AS t(")
	return from[i:j]
}
