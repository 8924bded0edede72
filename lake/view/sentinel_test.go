//go:build cgo

package view_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
// of each whether it found something. At least nine of ten must.
func TestQueries(t *testing.T) {
	text := queries(t)
	only := os.Getenv("QUERY")
	hits := map[string]hit{}
	for _, h := range readHits(t) {
		hits[h.name] = h
	}
	found, missed := 0, map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(text)) {
		if !strings.Contains(name, only) {
			continue
		}
		n, err := hunt(t, text[name], hits[name].rows, only != "")
		switch {
		case err != nil:
			missed[name] = err.Error()
		case n == 0:
			missed[name] = "no row"
		default:
			found++
		}
		if missed[name] != "" && hits[name].skip != "" {
			missed[name] += " [" + hits[name].skip + "]"
		}
	}
	for _, name := range slices.Sorted(maps.Keys(missed)) {
		t.Logf("%s: %s", name, missed[name])
	}
	t.Logf("%d of %d queries found what was made for them", found, found+len(missed))
	if only == "" && found*10 < 9*(found+len(missed)) {
		t.Errorf("%d of %d queries: less than nine of ten", found, found+len(missed))
	}
}

// hunt runs one query over a lake of its own.
func hunt(t *testing.T, query string, rows []string, show bool) (int, error) {
	t.Helper()
	plan, err := kql.Compile(view.Prelude(query)+query, schema{}, kql.Options{Now: huntAt})
	if err != nil {
		var e *kql.Error
		if errors.As(err, &e) {
			return 0, fmt.Errorf("compile: %w", e)
		}
		return 0, fmt.Errorf("compile: %w", err)
	}
	l := newLake(t)
	l.add(t, strings.NewReader(strings.Join(rows, "\n")), "hit.jsonl")
	l.write(t)
	if show {
		t.Log(plan.SQL)
	}
	var views []duck.View
	for _, u := range plan.Tables {
		tab, _ := view.Lookup(u.Table)
		cols := u.Columns
		if len(cols) == 0 {
			cols = []string{tab.Columns[0].Name}
		}
		q, err := tab.Select(cols, l.files, time.Time{}, time.Time{})
		if err != nil {
			return 0, err
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
	e, err := duck.Open(duck.Options{Threads: 2, Memory: 2 << 30, Dirs: []string{l.dir}})
	if err != nil {
		return 0, err
	}
	defer e.Close()
	got, err := e.Query(context.Background(), duck.Request{Views: views, SQL: plan.SQL, MaxRows: 1000})
	if err != nil {
		return 0, fmt.Errorf("run: %w", err)
	}
	defer got.Close()
	n := 0
	for got.Next() {
		if show && n < 5 {
			t.Log(got.Values())
		}
		n++
	}
	if err := got.Err(); err != nil {
		return n, fmt.Errorf("run: %w", err)
	}
	return n, nil
}
