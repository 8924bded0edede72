package app

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/proof"
	"github.com/yagura-sec/yagura/source/file"
	"github.com/yagura-sec/yagura/store"
)

// TestLakeChain follows a lake through arrival, sealing, compaction and retention: the
// chain holds through all of it, and one flipped bit is found at every step.
func TestLakeChain(t *testing.T) {
	ctx := t.Context()
	clock := time.Date(2026, 5, 1, 9, 10, 0, 0, time.UTC)
	now := func() time.Time { return clock }
	cfg := &config.Config{Data: t.TempDir()}
	cfg.Lake.Seal = "hmac-sha256:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	books, err := OpenBooks(ctx, cfg, store.Serve, now)
	if err != nil {
		t.Fatal(err)
	}
	defer books.DB.Close() //nolint:errcheck // a test
	catalogue, _, err := LakeCatalogue(ctx, cfg, books.DB, true)
	if err != nil {
		t.Fatal(err)
	}
	chain := &lakeChain{cfg: cfg, now: now}
	verify := func() ([]string, proof.Summary) {
		t.Helper()
		var out []string
		sum, err := VerifyLake(ctx, cfg, books.DB, LakeVerifyOptions{}, func(r proof.Result) error {
			if r.Status.Fault() {
				out = append(out, r.String())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out, sum
	}
	whole := func(step string) proof.Summary {
		t.Helper()
		if got, sum := verify(); len(got) > 0 || !sum.OK() {
			t.Fatalf("%s: %v %+v", step, got, sum)
		}
		// Each file with one flipped bit.
		n := 0
		err := filepath.WalkDir(LakeDir(cfg), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(p, ".parquet") {
				return err
			}
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			at := (n*131 + 7) % len(data)
			data[at] ^= 1 << (n % 8)
			if err := os.WriteFile(p, data, 0o600); err != nil {
				return err
			}
			if got, _ := verify(); len(got) != 1 || !strings.Contains(got[0], "altered") {
				t.Errorf("%s: %s, byte %d: %v", step, filepath.Base(p), at, got)
			}
			data[at] ^= 1 << (n % 8)
			n++
			return os.WriteFile(p, data, 0o600)
		})
		if err != nil || n == 0 {
			t.Fatalf("%d files, %v", n, err)
		}
		_, sum := verify()
		return sum
	}
	if err := chain.seal(ctx, catalogue); err != nil { // a chain begins before anything came
		t.Fatal(err)
	}
	for i := range 3 {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, fmt.Sprintf("%d.jsonl", i)), event(2*i, 2*i, "StopLogging", "alice"), event(2*i+1, 2*i+1, "DeleteTrail", "carol"))
		l, err := OpenLake(ctx, cfg, books.DB, nil, now)
		if err != nil {
			t.Fatal(err)
		}
		im, err := NewImport(l, l.Catalogue(), ImportOptions{Now: now, Problem: func(err error) { t.Error(err) }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := im.Run(ctx, file.New(file.Options{}, dir)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if sum := whole("not sealed"); sum.Unsealed != 1 || sum.Manifests != 1 {
				t.Errorf("%+v", sum)
			}
		}
		clock = clock.Add(time.Hour)
		if err := chain.seal(ctx, catalogue); err != nil {
			t.Fatal(err)
		}
	}
	if sum := whole("sealed"); sum.Unsealed != 0 || sum.Manifests != 4 || sum.Files != 6 {
		t.Errorf("%+v", sum)
	}

	o, err := CompactOptions(ctx, cfg, books.DB, "compact", now)
	if err != nil {
		t.Fatal(err)
	}
	o.Settled = -1
	k, err := lake.NewCompactor(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Clean(ctx); err != nil {
		t.Fatal(err)
	}
	if st, err := k.Run(ctx); err != nil || st.Files != 3 {
		t.Fatalf("%+v %v", st, err)
	}
	whole("compacted")
	clock = clock.Add(time.Hour)
	if err := chain.seal(ctx, catalogue); err != nil {
		t.Fatal(err)
	}
	if sum := whole("compacted and sealed"); sum.Unsealed != 0 || sum.Files != 2 {
		t.Errorf("%+v", sum)
	}

	// What is taken away behind the chain's back is missed, from the catalogue as well.
	files, err := catalogue.Files(ctx, yagura.LakeFilter{})
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	raw := filepath.Join(LakeDir(cfg), filepath.FromSlash(files[0].Raw))
	if err := os.Rename(raw, raw+".away"); err != nil {
		t.Fatal(err)
	}
	if got, _ := verify(); len(got) != 1 || !strings.Contains(got[0], "missing") {
		t.Error(got)
	}
	if err := os.Rename(raw+".away", raw); err != nil {
		t.Fatal(err)
	}

	l, err := OpenLake(ctx, cfg, books.DB, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	if gone, err := l.Drop(ctx, clock, 0); err != nil || len(gone) != 1 {
		t.Fatalf("%d files, %v", len(gone), err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got, sum := verify(); len(got) > 0 || sum.ByStatus[proof.Expired] == 0 {
		t.Errorf("%v %+v", got, sum)
	}
	if _, err := SealKey(context.Background(), "hunter2"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}
