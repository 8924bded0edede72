package app

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/duck"
)

// interrupted is a lake in which something happens after its files were listed for the
// first time.
type interrupted struct {
	hunt.Lake
	then func()
}

func (l *interrupted) Files(ctx context.Context, formats []string, from, to time.Time, raw bool) ([]hunt.File, error) {
	files, err := l.Lake.Files(ctx, formats, from, to, raw)
	if l.then != nil {
		l.then()
		l.then = nil
	}
	return files, err
}

// TestHuntWhileFilesAreReplaced: compaction takes the files of a question away before the
// engine opens them, and the question is answered all the same.
func TestHuntWhileFilesAreReplaced(t *testing.T) {
	if !duck.Available {
		t.Skip(duck.ErrNoEngine)
	}
	ctx := t.Context()
	dir := t.TempDir()
	var lines []string
	for i := range 30 {
		lines = append(lines, event(i, i, "StopLogging", "alice"))
	}
	writeFile(t, filepath.Join(dir, "a.jsonl"), lines...)
	cfg, books := lakeOf(t, dir)
	h, err := OpenHunting(ctx, cfg, books, HuntOptions{Threads: 1, Memory: 256 << 20}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close() //nolint:errcheck // a test
	heads := func() []string {
		list, err := filepath.Glob(filepath.Join(LakeDir(cfg), "head", "*", "*", "*.parquet"))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	before := heads()
	h.Lake = &interrupted{Lake: h.Lake, then: func() {
		clock := time.Now()
		o, err := CompactOptions(ctx, cfg, books.DB, "test", func() time.Time { return clock })
		if err != nil {
			t.Fatal(err)
		}
		o.Settled, o.Grace = -1, time.Minute
		c, err := lake.NewCompactor(o)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second run removes what the first replaced
			s, err := c.Run(ctx)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", s)
			clock = clock.Add(time.Hour)
		}
		if len(before) == 0 {
			t.Fatal("there was no file")
		}
		for _, f := range before {
			if _, err := os.Stat(f); err == nil {
				t.Fatalf("%s is still there", f)
			}
		}
	}}
	r, err := h.Run(ctx, hunt.Request{Text: "SELECT action, raw FROM events", From: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // a test
	n := 0
	for r.Next() {
		n++
	}
	if r.Err() != nil || n != 30 {
		t.Errorf("%d rows, %v", n, r.Err())
	}
}
