//go:build cgo

package hunts_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/hunts"
	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/source/file"
	"github.com/yagura-sec/yagura/store"
)

// example is what stands in testdata for a hunt: records, some of which it must find, and
// how many rows that makes.
type example struct {
	Rows    int               `yaml:"rows"`
	Params  map[string]string `yaml:"params"`
	Records []string          `yaml:"records"`
}

// now is after all records of testdata.
var now = time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)

func shipped(t *testing.T) []*hunt.Saved {
	t.Helper()
	list, err := hunt.ReadAll(hunts.FS, "hunts", true)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestHunts runs every shipped hunt on the engine, over records that it must find and
// records that it must not.
func TestHunts(t *testing.T) {
	if errors.Is(duckMissing(), hunt.ErrNoEngine) {
		t.Skip("there is no hunting engine in this build")
	}
	for _, s := range shipped(t) {
		t.Run(s.Name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", s.Name+".yaml"))
			if err != nil {
				t.Fatalf("a hunt comes with records that it finds: %v", err)
			}
			var ex example
			if err := yaml.Unmarshal(data, &ex); err != nil {
				t.Fatal(err)
			}
			if ex.Rows == 0 || len(ex.Records) <= 1 {
				t.Fatal("the example shows nothing")
			}
			got := run(t, s, &ex)
			if len(got) != ex.Rows {
				t.Errorf("%d rows, want %d:", len(got), ex.Rows)
				for _, row := range got {
					t.Log(row)
				}
			}
		})
	}
}

func duckMissing() error {
	e, err := duck.Open(duck.Options{})
	if err == nil {
		err = e.Close()
	}
	return err
}

// run brings the records into a lake and asks.
func run(t *testing.T, s *hunt.Saved, ex *example) [][]any {
	t.Helper()
	cfg := &config.Config{Data: t.TempDir()}
	clock := func() time.Time { return now }
	books, err := app.OpenBooks(t.Context(), cfg, store.Serve, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer books.DB.Close()
	logs := filepath.Join(t.TempDir(), "log.jsonl")
	if err := os.WriteFile(logs, []byte(strings.Join(ex.Records, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := app.OpenLake(t.Context(), cfg, books.DB, nil, clock)
	if err != nil {
		t.Fatal(err)
	}
	im, err := app.NewImport(l, l.Catalogue(), app.ImportOptions{Problem: func(err error) { t.Error(err) }, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := im.Run(t.Context(), file.New(file.Options{}, logs))
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	if sum.Records == 0 {
		t.Fatal("no record was recognised")
	}
	h, err := app.OpenHunting(t.Context(), cfg, books, app.HuntOptions{Threads: 1}, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	params, err := s.Bind(ex.Params)
	if err != nil {
		t.Fatal(err)
	}
	res, err := h.Run(t.Context(), hunt.Request{Language: s.Language, Text: s.Query, Params: params, Last: s.Range})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	var rows [][]any
	for res.Next() {
		rows = append(rows, append([]any(nil), res.Values()...))
	}
	if err := res.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}
