package app

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/file"
	"github.com/yagura-sec/yagura/store"
)

// importInto brings files and folders into the lake of a configuration. Problems are logged where
// nobody else wants them.
func importInto(t testing.TB, cfg *config.Config, books *Books, o ImportOptions, paths ...string) *ImportSummary {
	t.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Problem == nil {
		o.Problem = func(err error) { t.Log(err) }
	}
	l, err := OpenLake(t.Context(), cfg, books.DB, nil, o.Now)
	if err != nil {
		t.Fatal(err)
	}
	im, err := NewImport(l, l.Catalogue(), o)
	if err != nil {
		t.Fatal(err)
	}
	var sources []source.Source
	for _, p := range paths {
		sources = append(sources, file.New(file.Options{}, p))
	}
	sum, err := im.Run(t.Context(), sources...)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// TestImportGrown imports files that are still being written to, a compressed one that is cut
// short among them, and imports them again when they are whole: what was not there the first
// time comes, what was there comes once, and then there is nothing to read.
func TestImportGrown(t *testing.T) {
	const records = 200
	var lines []string
	for i := range records {
		lines = append(lines, event(i, i, "DescribeTrails", "alice"))
	}
	text := strings.Join(lines, "\n") + "\n"
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, whole := range map[string][]byte{"a.jsonl": []byte(text), "a.jsonl.gz": packed.Bytes()} {
		t.Run(name, func(t *testing.T) {
			cfg := &config.Config{Data: t.TempDir()}
			books, err := OpenBooks(t.Context(), cfg, store.Serve, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { books.DB.Close() })
			dir := t.TempDir()
			put := func(n int) {
				if err := os.WriteFile(filepath.Join(dir, name), whole[:n], 0o644); err != nil {
					t.Fatal(err)
				}
			}
			put(len(whole) / 2)
			if first := importInto(t, cfg, books, ImportOptions{}, dir); first.Lake.Rows == 0 || first.Lake.Rows == records {
				t.Fatalf("%d rows of half a file", first.Lake.Rows)
			}
			put(len(whole))
			importInto(t, cfg, books, ImportOptions{}, dir)
			if last := importInto(t, cfg, books, ImportOptions{}, dir); last.Skipped != 1 || last.Objects != 0 {
				t.Errorf("a file that did not change is read again: %+v", last)
			}
			catalogue, blobs, err := LakeCatalogue(t.Context(), cfg, books.DB, false)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int{}
			for e, err := range lake.NewReader(catalogue, blobs).All(t.Context(), lake.Filter{}) {
				if err != nil {
					t.Fatal(err)
				}
				got[string(e.Raw)]++
			}
			for _, line := range lines {
				if got[line] != 1 {
					t.Fatalf("%d times in the lake: %s", got[line], line)
				}
			}
		})
	}
}
