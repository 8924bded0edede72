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
