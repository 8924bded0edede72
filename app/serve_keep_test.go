package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/store"
)

// TestOriginalsServed: what a source delivered is known by the SHA-256 of its bytes.
func TestOriginalsServed(t *testing.T) {
	s := newStand(t)
	s.start()
	body := trail("2026-05-01T10:00:00Z", "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`)
	s.post(body)
	sum := sha256.Sum256([]byte(body))
	var got []yagura.LakeObject
	s.until("the object is received whole", func() bool {
		var err error
		if got, err = s.serve.db.Lake().Originals(t.Context(), hex.EncodeToString(sum[:])); err != nil {
			t.Fatal(err)
		}
		return len(got) > 0
	})
	if len(got) != 1 || got[0].Records != 1 || !strings.HasPrefix(got[0].Object, "push:") {
		t.Errorf("%+v", got)
	}
}

// TestKeptGoesWithItsFiles: when a file of the lake is dropped, the store forgets what was in it,
// and nothing else; the limits are looked at more often than once an hour.
func TestKeptGoesWithItsFiles(t *testing.T) {
	clock := &shifted{}
	s := newStand(t)
	s.clock = clock.now
	s.cfg.Keep.Age = config.Duration(24 * time.Hour)
	s.start()
	for i, j := range s.serve.house.jobs {
		if j.name == "drop kept records" && j.every > time.Minute {
			t.Errorf("limits are looked at every %s", j.every)
		} else if j.name == "drop kept records" {
			break
		} else if i == len(s.serve.house.jobs)-1 {
			t.Error("limits are never looked at")
		}
	}
	create := func() {
		s.post(trail(clock.now().UTC().Format(time.RFC3339), "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`))
	}
	create()
	clock.advance(25 * time.Hour)
	create()
	clock.advance(time.Hour)
	drop := func() {
		t.Helper()
		if err := s.serve.house.dropKept(t.Context(), clock.now()); err != nil {
			t.Fatal(err)
		}
	}
	// kept says how many files there are, and of how many of the objects that were ever in one the
	// store knows where they are.
	objects := map[[2]string]bool{}
	kept := func() (files, known int) {
		t.Helper()
		list, err := s.serve.lake.Files(t.Context(), lake.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			for e, err := range s.serve.lake.Reader().Records(t.Context(), f) {
				if err != nil {
					t.Fatal(err)
				}
				objects[[2]string{e.Source, e.Object}] = true
			}
		}
		err = s.serve.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for o := range objects {
				ranges, err := tx.Kept(ctx, o[0], o[1])
				if err != nil {
					return err
				}
				known += len(ranges)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return len(list), known
	}
	s.until("both records are in the lake", func() bool { files, known := kept(); return files == 2 && known == 2 })
	drop() // of the first more than a day has passed since it happened, by then
	if files, known := kept(); files != 1 || known != 1 {
		t.Fatalf("%d files and %d ranges, want the younger one", files, known)
	}
	clock.advance(24 * time.Hour)
	drop()
	if files, known := kept(); files != 0 || known != 0 {
		t.Errorf("%d files and %d ranges are left of records that are too old", files, known)
	}
}

// TestIceberg: the tables that others read follow what comes in and what is dropped.
func TestIceberg(t *testing.T) {
	clock := &shifted{}
	s := newStand(t)
	s.clock = clock.now
	s.cfg.Keep.Age, s.cfg.Lake.Iceberg = config.Duration(24*time.Hour), true
	s.start()
	job := s.serve.house.jobs[len(s.serve.house.jobs)-1]
	for _, j := range s.serve.house.jobs {
		if strings.Contains(j.name, "Iceberg") {
			job = j
		}
	}
	if !strings.Contains(job.name, "Iceberg") || job.every >= compactGrace {
		t.Fatalf("the tables follow every %v (%s)", job.every, job.name)
	}
	s.post(trail(clock.now().UTC().Format(time.RFC3339), "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`))
	summary := func() string {
		t.Helper()
		hint, err := os.ReadFile(filepath.Join(s.cfg.Data, "lake/head/metadata/version-hint.text"))
		if err != nil {
			return err.Error()
		}
		b, err := os.ReadFile(filepath.Join(s.cfg.Data, "lake/head/metadata/v"+string(hint)+".metadata.json"))
		if err != nil {
			t.Fatal(err)
		}
		var m struct {
			Snapshots []struct{ Summary map[string]string }
		}
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		if len(m.Snapshots) == 0 {
			return "none"
		}
		return m.Snapshots[len(m.Snapshots)-1].Summary["total-records"]
	}
	s.until("the record is in the table", func() bool {
		if err := job.do(t.Context(), clock.now()); err != nil {
			t.Fatal(err)
		}
		return summary() == "1"
	})
	// The lake did not change: no file of the tables is read, so that it does not matter that
	// they are not there.
	metadata := filepath.Join(s.cfg.Data, "lake/head/metadata")
	if err := os.Rename(metadata, metadata+".away"); err != nil {
		t.Fatal(err)
	}
	if err := job.do(t.Context(), clock.now()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(metadata); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the tables of a lake that did not change were published: %v", err)
	}
	if err := os.Rename(metadata+".away", metadata); err != nil {
		t.Fatal(err)
	}
	clock.advance(50 * time.Hour)
	if err := s.serve.house.dropKept(t.Context(), clock.now()); err != nil {
		t.Fatal(err)
	}
	if got := summary(); got != "0" {
		t.Errorf("%s records are in the table, and the file is dropped", got)
	}
}
