//go:build cgo

package view_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/lake/view"
	"github.com/yagura-sec/yagura/query/kql"
	"github.com/yagura-sec/yagura/query/kql/fn"
)

const given = "../../../shared/data/rules/sentinel"

// schema shows the tables to the compiler.
type schema struct{}

func (schema) Table(name string) (*kql.Table, bool) {
	t, ok := view.Lookup(name)
	if !ok {
		return nil, false
	}
	out := &kql.Table{Name: t.Name, Time: t.Time}
	for _, c := range t.Columns {
		out.Columns = append(out.Columns, kql.Column{Name: c.Name, Type: fn.Type(c.Type)})
	}
	for _, a := range t.Aliases {
		c, _ := t.Column(a)
		out.Columns = append(out.Columns, kql.Column{Name: a, Type: fn.Type(c.Type), Source: c.Name})
	}
	return out, true
}

// queries reads the given queries, by name; a hunting query has its times filled in as
// Sentinel does it.
func queries(t testing.TB) map[string]string {
	t.Helper()
	if _, err := os.Stat(given); err != nil {
		t.Skip("the given queries are not here: " + given)
	}
	out := map[string]string{}
	err := filepath.WalkDir(given, func(path string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var rule struct{ Query string }
		if err := yaml.Unmarshal(data, &rule); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		rel, err := filepath.Rel(given, path)
		if err != nil {
			return err
		}
		out[strings.TrimSuffix(filepath.ToSlash(rel), ".yaml")] = strings.NewReplacer(
			"{{StartTimeISO}}", huntAt.Add(-24*time.Hour).Format(time.RFC3339), "{{EndTimeISO}}", huntAt.Format(time.RFC3339)).Replace(rule.Query)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestQueries compiles and runs every given query over records that were made for it, and says
// of each that found nothing why. Some can find nothing: they are not whole, or no record fits
// them. Of all others at least nine of ten must find something.
func TestQueries(t *testing.T) {
	text := queries(t)
	only := os.Getenv("QUERY")
	hits := map[string]hit{}
	for _, h := range readHits(t) {
		hits[h.name] = h
	}
	dirs, db := t.TempDir(), openDuck(t)
	engine, err := duck.Open(duck.Options{Threads: 2, Memory: 2 << 30, Dirs: []string{dirs}})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	found, cannot, missed := 0, 0, map[string]string{}
	for i, name := range slices.Sorted(maps.Keys(text)) {
		if !strings.Contains(name, only) {
			continue
		}
		started := time.Now()
		dir := filepath.Join(dirs, strconv.Itoa(i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		n, err := hunt(t, db, engine, dir, text[name], hits[name], only != "")
		switch {
		case err != nil:
			missed[name] = err.Error()
		case n == 0:
			missed[name] = "no row"
		default:
			found++
		}
		if d := time.Since(started); d > 5*time.Second {
			t.Logf("%s took %v", name, d.Round(time.Millisecond))
		}
		if hits[name].skip != "" {
			cannot++
			if missed[name] == "" {
				t.Errorf("%s found something, though %s", name, hits[name].skip)
			}
			missed[name] += " [" + hits[name].skip + "]"
		}
	}
	for _, name := range slices.Sorted(maps.Keys(missed)) {
		t.Logf("%s: %s", name, missed[name])
	}
	all := found + len(missed)
	t.Logf("%d of %d queries found what was made for them; %d can find nothing, by themselves or as they are given", found, all, cannot)
	if only == "" && found*10 < 9*(all-cannot) {
		t.Errorf("%d of %d queries: less than nine of ten", found, all-cannot)
	}
}

// hunt runs one query over a lake of its own.
func hunt(t *testing.T, db *sql.DB, e *duck.Engine, dir, query string, h hit, show bool) (int, error) {
	t.Helper()
	l := &testLake{db: db, dir: dir, rows: map[string][]headRow{}}
	l.add(t, strings.NewReader(strings.Join(h.rows, "\n")), "hit.jsonl")
	l.write(t)
	run := func(p *kql.Plan) ([][]any, error) {
		views, err := l.views(t, p, h, show)
		if err != nil {
			return nil, err
		}
		got, err := e.Query(context.Background(), duck.Request{Views: views, SQL: p.SQL, MaxRows: 1000})
		if err != nil {
			return nil, fmt.Errorf("run: %w", err)
		}
		defer got.Close()
		var out [][]any
		for got.Next() {
			out = append(out, slices.Clone(got.Values()))
		}
		if err := got.Err(); err != nil {
			return nil, fmt.Errorf("run: %w", err)
		}
		return out, nil
	}
	plan, err := kql.Compile(view.Prelude(query)+query, schema{}, kql.Options{
		Now: huntAt,
		Discover: func(p *kql.Plan) ([]string, error) {
			rows, err := run(p)
			var out []string
			for _, r := range rows {
				if s, ok := r[0].(string); ok {
					out = append(out, s)
				}
			}
			return out, err
		},
		External: func(_ []string, _ string, columns int) (*kql.Table, bool) {
			t := &kql.Table{Name: listName}
			for i := range columns {
				typ := fn.Type("string")
				if len(h.list) > 0 && i < len(h.list[0]) && strings.ContainsAny(h.list[0][i][:1], "[{") {
					typ = "dynamic"
				}
				t.Columns = append(t.Columns, kql.Column{Name: "c" + strconv.Itoa(i), Type: typ})
			}
			return t, len(h.list) > 0
		},
	})
	if err != nil {
		return 0, fmt.Errorf("compile: %w", err)
	}
	if show {
		t.Log(plan.SQL)
	}
	rows, err := run(plan)
	if show {
		for _, r := range rows[:min(len(rows), 5)] {
			t.Log(r)
		}
	}
	return len(rows), err
}

// listName is the table of a list that a query names by its address, where the hit has one.
const listName = "a list of the hit"

// views are the tables of a plan.
func (l *testLake) views(t *testing.T, p *kql.Plan, h hit, show bool) ([]duck.View, error) {
	t.Helper()
	var views []duck.View
	for _, u := range p.Tables {
		if u.Table == listName {
			var rows []string
			for _, r := range h.list {
				cells := make([]string, len(r))
				for i, v := range r {
					cells[i] = "'" + strings.ReplaceAll(v, "'", "''") + "'"
					if v != "" && strings.ContainsAny(v[:1], "[{") {
						cells[i] += "::JSON"
					}
				}
				rows = append(rows, "("+strings.Join(cells, ", ")+")")
			}
			var cols []string
			for i := range h.list[0] {
				cols = append(cols, "c"+strconv.Itoa(i))
			}
			views = append(views, duck.View{Name: u.Table, SQL: "SELECT * FROM (VALUES " + strings.Join(rows, ", ") + ") v(" + strings.Join(cols, ", ") + ")"})
			continue
		}
		tab, _ := view.Lookup(u.Table)
		cols := u.Columns
		if len(cols) == 0 {
			cols = []string{tab.Columns[0].Name}
		}
		q, err := tab.Select(cols, l.files, time.Time{}, time.Time{})
		if err != nil {
			return nil, err
		}
		views = append(views, duck.View{Name: u.Table, SQL: q})
		if show {
			all, err := l.query(t, q)
			t.Log(u.Table, u.Columns, err)
			for _, r := range all[:min(len(all), 5)] {
				t.Log("   ", r)
			}
		}
	}
	return views, nil
}
