package iceberg_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/iceberg"
)

// broken is a place that does something in the middle.
type broken struct {
	lake.Disk
	put, replace func(name string) error
}

func (b broken) Put(ctx context.Context, name string, content []byte) error {
	if b.put != nil {
		if err := b.put(name); err != nil {
			return err
		}
	}
	return b.Disk.Put(ctx, name, content)
}

func (b broken) Replace(ctx context.Context, name string, content []byte) error {
	if b.replace != nil {
		if err := b.replace(name); err != nil {
			return err
		}
	}
	return b.Disk.Replace(ctx, name, content)
}

func TestInterrupted(t *testing.T) {
	s := newShore(t)
	s.put("a", 3)
	s.publish()
	s.put("b", 3)
	crash := errors.New("crash")
	o := s.options()

	// Before the version is there nothing has happened, and nothing is left.
	o.Place = broken{Disk: s.disk, put: func(name string) error {
		if strings.Contains(name, "snap-") {
			return crash
		}
		return nil
	}}
	if _, err := iceberg.Publish(t.Context(), o); !errors.Is(err, crash) {
		t.Fatal(err)
	}
	s.load("head")

	// Behind it the hint is old, and the next one goes on from what is there.
	o.Place = broken{Disk: s.disk, replace: func(string) error { return crash }}
	if _, err := iceberg.Publish(t.Context(), o); !errors.Is(err, crash) {
		t.Fatal(err)
	}
	s.put("c", 3)
	if tables := s.publish(); tables[0].Version != 3 || tables[0].Rows != 9 || tables[0].Added != 2 {
		t.Errorf("%+v", tables)
	}
}

func TestConcurrent(t *testing.T) {
	s := newShore(t)
	s.put("a", 3)
	o := s.options()
	once := false
	o.Place = broken{Disk: s.disk, put: func(name string) error {
		if strings.HasSuffix(name, ".metadata.json") && !once {
			once = true
			if _, err := iceberg.Publish(t.Context(), s.options()); err != nil { // another one is faster
				t.Error(err)
			}
		}
		return nil
	}}
	if _, err := iceberg.Publish(t.Context(), o); !errors.Is(err, iceberg.ErrConcurrent) {
		t.Fatal(err)
	}
	s.check("head")
	s.check("raw")
	if tables := s.publish(); tables[0].Version != 1 || tables[0].Added != 0 {
		t.Errorf("%+v", tables)
	}
}

// TestMoved publishes for other engines, that spell the place otherwise.
func TestMoved(t *testing.T) {
	s := newShore(t)
	s.put("a", 3)
	s.publish()
	ids := s.load("head").ids
	o := s.options()
	o.Location = "s3://bucket/lake/"
	tables, err := iceberg.Publish(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if tables[0].Metadata != "s3://bucket/lake/head/metadata/v2.metadata.json" || tables[0].Added != 2 || tables[0].Removed != 0 {
		t.Errorf("%+v", tables)
	}
	text, err := os.ReadFile(filepath.Join(string(s.disk), "head/metadata/v2.metadata.json"))
	if err != nil || strings.Contains(string(text), string(s.disk)) {
		t.Errorf("%v: %s", err, text)
	}
	s.publish() // and back
	if diff := cmp.Diff(ids, s.load("head").ids); diff != "" {
		t.Error(diff)
	}
}

func TestNotOurs(t *testing.T) {
	for content, want := range map[string]string{
		"x":  "does not say a version",
		"-1": "does not say a version",
		"7":  "v7.metadata.json is not there",
	} {
		s := newShore(t)
		s.put("a", 3)
		s.publish()
		if err := s.disk.Replace(t.Context(), "head/metadata/version-hint.text", []byte(content)); err != nil {
			t.Fatal(err)
		}
		if _, err := iceberg.Publish(t.Context(), s.options()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", content, err)
		}
	}
	s := newShore(t)
	s.put("a", 3)
	s.publish()
	name := "head/metadata/v1.metadata.json"
	text := strings.Replace(string(s.read(filepath.Join(string(s.disk), name))), `"yagura.table":"lake"`, `"a":"b"`, 1)
	if err := s.disk.Replace(t.Context(), name, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if _, err := iceberg.Publish(t.Context(), s.options()); err == nil || !strings.Contains(err.Error(), "not ours") {
		t.Error(err)
	}
}

// TestDamaged has every prefix and many changed bytes of the Avro files be refused or read, and
// never end the process.
func TestDamaged(t *testing.T) {
	s := newShore(t)
	s.put("a", 3)
	s.publish()
	st := s.load("head")
	s.put("b", 3)
	for _, path := range []string{st.snapshot["manifest-list"].(string), st.manifests[0]["manifest_path"].(string)} {
		good := s.read(path)
		for i := 0; i < len(good); i += 13 {
			for _, bad := range [][]byte{good[:i], slices.Concat(good[:i], []byte{good[i] ^ 0x55}, good[i+1:])} {
				if err := os.WriteFile(path, bad, 0o600); err != nil {
					t.Fatal(err)
				}
				o := s.options()
				o.Place = broken{Disk: s.disk, put: func(string) error { return errors.New("not now") }}
				if _, err := iceberg.Publish(t.Context(), o); err == nil {
					t.Fatal("what could not be written was")
				}
			}
		}
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.publish()
}
