//go:build cgo

package view_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/lake/view"
)

const fixtures = "../../decode/testdata"

// TestGolden reads the fixtures of every format, in all shapes in which its records come, and
// holds the rows of every table to what they were.
func TestGolden(t *testing.T) {
	l := newLake(t)
	for _, f := range decode.Formats() {
		files, err := filepath.Glob(filepath.Join(fixtures, f.Name, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			if !strings.HasSuffix(path, ".golden.jsonl") {
				l.addFile(t, path)
			}
		}
	}
	l.addFile(t, "testdata/rows.jsonl")
	l.write(t)
	for _, tab := range view.All() {
		if tab.Group == "house" && tab.Name != "events" && tab.Name != "aws_cloudtrail" && tab.Name != "entra_signin" {
			continue // the same words for every format
		}
		if tab.Group == "asim" && !strings.HasPrefix(tab.Name, "_Im_") {
			continue // other names of the same tables
		}
		t.Run(tab.Name, func(t *testing.T) {
			q, err := tab.Select(nil, l.files, time.Time{}, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			rows, err := l.query(t, q)
			if err != nil {
				t.Fatalf("%v\n%s", err, q)
			}
			var lines []string
			for _, r := range rows {
				for _, same := range []string{"_TimeReceived", "seen", "_BilledSize", "size", "_ItemId", "key", "row", "number", "object", "source", "EventUid"} {
					delete(r, same) // of the file and of the test
				}
				if tab.Group == "house" {
					delete(r, "raw")
				}
				var b bytes.Buffer
				e := json.NewEncoder(&b)
				e.SetEscapeHTML(false)
				if err := e.Encode(r); err != nil {
					t.Fatal(err)
				}
				lines = append(lines, b.String())
			}
			slices.Sort(lines)
			got := strings.Join(lines, "")
			path := filepath.Join("testdata", "golden", tab.Name+".jsonl")
			if len(rows) == 0 {
				if _, err := os.Stat(path); err == nil {
					t.Error("no row, and there is a golden")
				}
				return
			}
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Error(d)
			}
		})
	}
}
