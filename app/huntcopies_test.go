package app

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/lake/blob"
	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/lake/proof"
	"github.com/yagura-sec/yagura/store"
)

// bucket is an S3 server that counts what is read of it.
type bucket struct {
	http.Handler
	back *s3mem.Backend

	mu    sync.Mutex
	reads map[string]int   // by .head. and .raw.
	bytes map[string]int64 // that were sent
}

// sent counts what is written of a body.
type sent struct {
	http.ResponseWriter
	n int64
}

func (s *sent) Write(p []byte) (int, error) {
	n, err := s.ResponseWriter.Write(p)
	s.n += int64(n)
	return n, err
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		b.mu.Lock()
		for _, kind := range []string{".head.", ".raw."} {
			if strings.Contains(r.URL.Path, kind) {
				b.reads[kind]++
			}
		}
		b.mu.Unlock()
		s := &sent{ResponseWriter: w}
		w = s
		defer func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			for kind := range b.bytes {
				if strings.Contains(r.URL.Path, kind) {
					b.bytes[kind] += s.n
				}
			}
		}()
	}
	b.Handler.ServeHTTP(w, r)
}

func (b *bucket) read(kind string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reads[kind]
}

// lakeInBucket makes a bucket and a lake that is in it.
func lakeInBucket(t *testing.T, now func() time.Time) (*bucket, *config.Config, *Books, store.Lake) {
	t.Helper()
	b := &bucket{back: s3mem.New(), reads: map[string]int{}, bytes: map[string]int64{".head.": 0, ".raw.": 0}}
	if err := b.back.CreateBucket("lake"); err != nil {
		t.Fatal(err)
	}
	b.Handler = gofakes3.New(b.back).Server()
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	cfg := &config.Config{Data: t.TempDir(), S3: config.S3{Region: "eu-west-1", Endpoint: srv.URL, AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "example"}}
	cfg.Lake.Dir = "s3://lake/yagura"
	books, err := OpenBooks(t.Context(), cfg, store.Serve, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { books.DB.Close() }) //nolint:errcheck // a test
	catalogue, _, err := LakeCatalogue(t.Context(), cfg, books.DB, true)
	if err != nil {
		t.Fatal(err)
	}
	return b, cfg, books, catalogue
}

// TestLakeInBucket keeps, hunts and verifies a lake in an S3 bucket. A question that asks
// for no record reads no raw byte, with nothing in the cache.
func TestLakeInBucket(t *testing.T) {
	ctx := t.Context()
	clock := time.Date(2026, 5, 1, 9, 10, 0, 0, time.UTC)
	now := func() time.Time { return clock }
	b, cfg, books, catalogue := lakeInBucket(t, now)
	dir := t.TempDir()
	var lines []string
	for i := range 30 {
		lines = append(lines, event(i, i, []string{"StopLogging", "DeleteTrail", "DescribeTrails"}[i%3], "alice"))
	}
	writeFile(t, filepath.Join(dir, "a.jsonl"), lines...)
	importInto(t, cfg, books, ImportOptions{Now: now, Problem: func(err error) { t.Error(err) }}, dir)
	files, err := catalogue.Files(ctx, yagura.LakeFilter{})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}

	clock = clock.Add(2 * time.Hour)
	if err := (&lakeChain{cfg: cfg, now: now}).seal(ctx, catalogue); err != nil {
		t.Fatal(err)
	}
	verify := func() (faults []string) {
		t.Helper()
		sum, err := VerifyLake(ctx, cfg, books.DB, LakeVerifyOptions{}, func(r proof.Result) error {
			if r.Status.Fault() {
				faults = append(faults, r.String())
			}
			return nil
		})
		if err != nil || sum.Manifests == 0 {
			t.Fatalf("%+v %v", sum, err)
		}
		return faults
	}
	if got := verify(); len(got) > 0 {
		t.Error(got)
	}

	if duck.Available {
		hunts(t, cfg, books, b, now)
	}

	// One flipped bit in the bucket, with metadata that was left as it was.
	key := "yagura/" + files[0].Raw
	obj, err := b.back.GetObject("lake", key, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(obj.Contents)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/3] ^= 1
	if _, err := b.back.PutObject("lake", key, obj.Metadata, bytes.NewReader(data), int64(len(data)), nil); err != nil {
		t.Fatal(err)
	}
	if got := verify(); len(got) != 1 || !strings.Contains(got[0], "altered") || !strings.Contains(got[0], files[0].Raw) {
		t.Error(got)
	}
}

func hunts(t *testing.T, cfg *config.Config, books *Books, b *bucket, now func() time.Time) {
	t.Helper()
	h, err := OpenHunting(t.Context(), cfg, books, HuntOptions{Threads: 1, Memory: 256 << 20, Timeout: time.Minute}, now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}()
	ask := func(text string) (rows []string) {
		t.Helper()
		r, err := h.Run(t.Context(), hunt.Request{Language: "kql", Text: text, From: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), Now: now()})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		defer r.Close() //nolint:errcheck // a test
		for r.Next() {
			rows = append(rows, fmt.Sprint(r.Values()))
		}
		if err := r.Err(); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return rows
	}
	b.mu.Lock()
	clear(b.reads) // verify reads everything
	b.mu.Unlock()
	if rows := ask("AWSCloudTrail | summarize n = count() by EventName | sort by EventName asc"); len(rows) != 3 || !strings.Contains(rows[0], "DeleteTrail 10") {
		t.Errorf("%q", rows)
	}
	if b.read(".head.") == 0 || b.read(".raw.") != 0 {
		t.Errorf("a question about columns read %d head and %d raw objects", b.read(".head."), b.read(".raw."))
	}
	st := h.copies.cache.Stats()
	if st.Fetched[blob.Head] == 0 || st.Fetched[blob.Raw] != 0 {
		t.Errorf("%+v", st)
	}
	heads := b.read(".head.")
	if rows := ask("AWSCloudTrail | where EventName == 'StopLogging' | project EventName, RequestParameters"); len(rows) != 10 {
		t.Errorf("%q", rows)
	}
	if b.read(".head.") != heads || b.read(".raw.") == 0 {
		t.Errorf("a question about records read %d more head and %d raw objects", b.read(".head.")-heads, b.read(".raw."))
	}
}
