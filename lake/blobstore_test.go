package lake_test

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/blob"
)

// TestStored keeps a lake in an object store.
func TestStored(t *testing.T) {
	p := newPond(t)
	s, err := blob.Open(t.Context(), t.TempDir(), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := lake.Stored(s)
	l := p.open(lake.Options{Blobs: b, Flush: time.Hour})
	big := record("b", monday)
	big.Raw = []byte(strings.Repeat("x", 100_000))
	put(t, l, "o1", 0, nil, record("a", monday), big)
	if err := l.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, l, "o2", 0, nil, record("a", monday), record("c", monday))
	if err := l.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`o1/0 {"id":"a"}`, "o1/1 " + string(big.Raw), `o2/1 {"id":"c"}`}, all(t, l)); diff != "" {
		t.Error(diff)
	}
	if _, err := b.Get(t.Context(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	files, err := l.Files(t.Context(), lake.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []lake.Blobs{b, p.blobs()} {
		if at != b { // the same file in a folder
			f, err := b.Get(t.Context(), files[0].Raw)
			if err != nil {
				t.Fatal(err)
			}
			content := make([]byte, f.Size())
			if _, err := f.ReadAt(content, 0); err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			if err := at.Put(t.Context(), files[0].Raw, content); err != nil {
				t.Fatal(err)
			}
			if err := at.Put(t.Context(), files[0].Raw, content); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%v", err)
			}
		}
		foot, err := lake.Footer(t.Context(), at, files[0].Raw, files[0].RawSize)
		if err != nil || foot.NumRows != files[0].Rows {
			t.Errorf("%v, %v", foot, err)
		}
		if _, err := lake.Footer(t.Context(), at, files[0].Raw, files[0].RawSize-1); err == nil {
			t.Error("a file that is longer than the catalogue says is read")
		}
	}
	if err := b.Put(t.Context(), files[0].Head, []byte("other")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
	if gone, err := l.Drop(t.Context(), monday.Add(time.Hour), 0); err != nil || len(gone) != 2 {
		t.Errorf("%v, %v", gone, err)
	}
	if _, err := b.Get(t.Context(), files[0].Head); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a dropped file is there: %v", err)
	}
	name, err := lake.Place(t.Context(), b, true)
	if again, err2 := lake.Place(t.Context(), b, true); err != nil || err2 != nil || name != again {
		t.Errorf("%q %q %v %v", name, again, err, err2)
	}
}
