package app

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/lake/duck"
)

// TestRecordsByRange: a question for few records of a lake in a bucket reads the row groups
// that have them and not the file, once; a question for none reads none.
func TestRecordsByRange(t *testing.T) {
	if !duck.Available {
		t.Skip(duck.ErrNoEngine)
	}
	ctx := t.Context()
	now := func() time.Time { return time.Date(2026, 5, 1, 9, 10, 0, 0, time.UTC) }
	b, cfg, books, catalogue := lakeInBucket(t, now)
	// Records that do not become small, so that there are many row groups.
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	var lines []string
	noise := make([]byte, 120<<10)
	for i := range 160 {
		for j := range noise {
			noise[j] = byte(random.Uint32())
		}
		lines = append(lines, fmt.Sprintf(`{"eventVersion":"1.08","eventID":"%08d-0000-4000-8000-000000000000","eventTime":"2026-05-01T08:%02d:%02dZ","eventSource":"iam.amazonaws.com","eventName":"GetRole","awsRegion":"us-east-1","recipientAccountId":"111122223333","requestParameters":{"n":%d},"responseElements":"%s"}`,
			i, i/60, i%60, i, hex.EncodeToString(noise)))
	}
	writeFile(t, filepath.Join(dir, "a.jsonl"), lines...)
	importInto(t, cfg, books, ImportOptions{Now: now, Problem: func(err error) { t.Error(err) }}, dir)
	files, err := catalogue.Files(ctx, yagura.LakeFilter{})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var whole int64
	for _, f := range files {
		whole += f.RawSize
	}
	h, err := OpenHunting(ctx, cfg, books, HuntOptions{Threads: 1, Memory: 256 << 20, Timeout: time.Minute}, now)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close() //nolint:errcheck // a test
	first, last := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name     string
		r        hunt.Request
		rows     string
		from, to int64 // bytes of records that are read, in hundredths of the files
	}{
		{"columns", hunt.Request{Text: "AWSCloudTrail | summarize count() by EventName"}, "[[GetRole 160]]", 0, 0},
		{"no record", hunt.Request{Text: "AWSCloudTrail | where AwsEventId == 'none' | project RequestParameters"}, "[]", 0, 0},
		{"one record", hunt.Request{Text: "AWSCloudTrail | where AwsEventId startswith '00000007' | project RequestParameters"}, `[[{"n":7}]]`, 1, 40},
		{"the same record", hunt.Request{Text: "AWSCloudTrail | where AwsEventId startswith '00000007' | project RequestParameters, ResponseElements | project RequestParameters"}, `[[{"n":7}]]`, 0, 0},
		{"a short time", hunt.Request{Text: "SELECT RequestParameters FROM AWSCloudTrail", From: time.Date(2026, 5, 1, 8, 2, 39, 0, time.UTC)}, `[[{"n":159}]]`, 1, 40},
		{"by the record", hunt.Request{Text: "AWSCloudTrail | where RequestParameters == '{\"n\":80}' | project RequestParameters"}, `[[{"n":80}]]`, 10, 110},
		{"and then", hunt.Request{Text: "AWSCloudTrail | where AwsEventId startswith '00000100' | project RequestParameters"}, `[[{"n":100}]]`, 0, 0},
	} {
		b.mu.Lock()
		before := b.bytes[".raw."]
		b.mu.Unlock()
		if c.r.From.IsZero() {
			c.r.From = first
		}
		c.r.To = last
		r, err := h.Run(ctx, c.r)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		rows := [][]any{}
		for r.Next() {
			rows = append(rows, r.Values())
		}
		if err := r.Err(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		b.mu.Lock()
		read := b.bytes[".raw."] - before
		b.mu.Unlock()
		if fmt.Sprint(rows) != c.rows {
			t.Errorf("%s: %v", c.name, rows)
		}
		if read*100 < whole*c.from || read*100 > whole*c.to {
			t.Errorf("%s: %d bytes of records were read, of %d", c.name, read, whole)
		}
	}
	scratch, err := h.engine.scratch()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(scratch); !strings.Contains(scratch, "hunt-") || err == nil {
		t.Errorf("%s is left", scratch)
	}
}
