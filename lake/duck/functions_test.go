//go:build cgo

package duck_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/query/kql/fn"
)

var record = flag.Bool("record", false, "write testdata/functions.txt anew; read the diff")

// TestFunctionsAreReviewed holds the list of the engine's functions, and whether a
// hunt may call them, to a file that a person has read. A new version of the engine
// brings functions that nobody has looked at: this test then fails.
func TestFunctionsAreReviewed(t *testing.T) {
	e := start(t, duck.Options{})
	_, rows, _, err := all(t, e, duck.Request{Views: []duck.View{{Name: "f", SQL: "SELECT DISTINCT function_name AS name, function_type IN ('table', 'table_macro', 'pragma') AS rows FROM duckdb_functions() WHERE regexp_matches(function_name, '^[a-z_0-9]+$') AND NOT starts_with(function_name, 'kql') AND NOT starts_with(function_name, 'icu_collate')"}},
		SQL: "SELECT name, rows FROM f ORDER BY ALL"})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range rows {
		sql, kind := fmt.Sprintf("SELECT %s()", r[0]), "value"
		if r[1] == true {
			sql, kind = fmt.Sprintf("SELECT * FROM %s()", r[0]), "table"
		}
		verdict := "allowed"
		// Most do not take no arguments; what counts is whether the guard lets them pass.
		_, _, _, err := all(t, e, duck.Request{SQL: sql})
		var why *duck.Error
		if errors.As(err, &why) && why.Kind == duck.KindRefused {
			verdict = "refused"
		}
		fmt.Fprintf(&b, "%s %s %s\n", verdict, kind, r[0])
	}
	const path = "testdata/functions.txt"
	if *record {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}

// TestFunctionsOfTexts: a function of texts is called for rows from several threads, takes NULL for an empty
// text, and what goes wrong in it ends the query and not the process.
func TestFunctionsOfTexts(t *testing.T) {
	text := []fn.Type{fn.String, fn.String}
	e := start(t, duck.Options{Threads: 2, Functions: []fn.Func{
		{Name: "joined", Args: text, Result: fn.String, Texts: func(a []string) string { return a[0] + "-" + a[1] }},
		{Name: "fails", Args: text, Result: fn.String, Texts: func(a []string) string { panic("no " + a[0]) }},
	}})
	_, rows, _, err := all(t, e, duck.Request{SQL: "SELECT count(DISTINCT j), min(j), max(length(j)), joined(NULL, 'é'), joined('a', repeat('x', 100)) = 'a-' || repeat('x', 100) FROM (SELECT joined('n', CAST(n AS VARCHAR)) AS j FROM range(500000) t(n))"})
	if err != nil || len(rows) != 1 || !cmp.Equal(rows[0], []any{int64(500000), "n-0", int64(8), "-é", true}) {
		t.Errorf("%v %v", rows, err)
	}
	if _, _, _, err := all(t, e, duck.Request{SQL: "SELECT fails('x', CAST(n AS VARCHAR)) FROM range(10) t(n)"}); err == nil || !strings.Contains(err.Error(), "fails: no x") {
		t.Errorf("%v", err)
	}
}
