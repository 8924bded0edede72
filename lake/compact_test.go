package lake_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/store"
)

var start = time.Date(2026, 5, 1, 22, 0, 0, 0, time.UTC)

// house is a lake with its catalogue in a folder of the test.
type house struct {
	t   *testing.T
	db  *store.DB
	now time.Time
	lake.Blobs
}

func newHouse(t *testing.T) *house {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{Dir: filepath.Join(dir, "data"), AcceptLoss: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &house{t: t, db: db, now: start.Add(1000 * time.Hour), Blobs: lake.Disk(filepath.Join(dir, "lake"))}
}

func (h *house) clock() time.Time { return h.now }

func (h *house) open(blobs lake.Blobs) *lake.Lake {
	h.t.Helper()
	l, err := lake.Open(h.t.Context(), lake.Options{Catalogue: h.db.Lake(), Blobs: blobs, Writer: "w", Flush: time.Hour, Now: h.clock})
	if err != nil {
		h.t.Fatal(err)
	}
	return l
}

// put puts records of one object, one per hour, and writes them.
func (h *house) put(l *lake.Lake, object string, from, n int) {
	h.t.Helper()
	run := keep.Run{Format: "aws.cloudtrail", First: int64(from)}
	for i := from; i < from+n; i++ {
		e := &yagura.Event{ID: fmt.Sprintf("%s-%d", object, i), Account: fmt.Sprint("11112222333", i%3), Action: []string{"GetObject", "AssumeRole"}[i%2],
			Actor: yagura.Actor{Type: "user", ID: fmt.Sprint("alice", i%5)}, Time: start.Add(time.Duration(i) * time.Hour), Content: uint64(i)}
		r := keep.Record{Raw: fmt.Appendf(nil, `{"object":%q,"n":%d}`, object, i), Time: e.Time, Event: e, Keyed: true}
		copy(r.Key[:], fmt.Sprintf("%-10s%06d", object, i))
		run.Records = append(run.Records, r)
	}
	failed := make(chan error, 1)
	if err := l.Put(h.t.Context(), &keep.Batch{Source: "s", Object: object, Runs: []keep.Run{run}, Done: func(_ []yagura.KeptRange, err error) { failed <- err }}); err != nil {
		h.t.Fatal(err)
	}
	if err := l.Sync(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	if err := <-failed; err != nil {
		h.t.Fatal(err)
	}
}

// all returns every record of the lake as a line, sorted.
func (h *house) all() []string {
	h.t.Helper()
	var out []string
	for e, err := range lake.NewReader(h.db.Lake(), h.Blobs).All(h.t.Context(), lake.Filter{}) {
		if err != nil {
			h.t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %s %s %d %s %s %s", e.Source, e.Object, e.Format, e.Number, e.Time.Format(time.RFC3339), e.Key, e.Raw))
	}
	sort.Strings(out)
	return out
}

func (h *house) files() []lake.File {
	h.t.Helper()
	list, err := h.db.Lake().Files(h.t.Context(), lake.Filter{})
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

func (h *house) compactor(cat lake.Catalogue, blobs lake.Blobs) *lake.Compactor {
	h.t.Helper()
	c, err := lake.NewCompactor(lake.CompactOptions{Catalogue: cat, Blobs: blobs, Writer: "w", Settled: -1, Now: h.clock})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// stored returns the names of all files below the lake.
func (h *house) stored() []string {
	h.t.Helper()
	var out []string
	root := string(h.Blobs.(lake.Disk))
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, rerr := filepath.Rel(root, path)
			out, err = append(out, filepath.ToSlash(name)), rerr
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// named returns the names that the catalogue has of live files.
func (h *house) named() []string {
	h.t.Helper()
	var out []string
	for _, f := range h.files() {
		out = append(out, f.Head, f.Raw)
	}
	slices.Sort(out)
	return out
}

func TestCompact(t *testing.T) {
	h := newHouse(t)
	l := h.open(h.Blobs)
	for i := range 6 {
		h.put(l, fmt.Sprint("o", i), 0, 30) // two hours of the first day, a whole second one, four of the third
	}
	before := h.all()
	if len(before) != 180 || len(h.files()) != 18 {
		t.Fatalf("%d records in %d files", len(before), len(h.files()))
	}
	s, err := h.compactor(h.db.Lake(), h.Blobs).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Files != 18 || s.Into != 3 || s.Rows != 180 || s.Pending != 0 || s.PendingB != 0 || s.Partitions != 3 {
		t.Errorf("it says %+v", s)
	}
	if diff := cmp.Diff(before, h.all()); diff != "" {
		t.Errorf("records changed (-before +after)\n%s", diff)
	}
	if diff := cmp.Diff(h.named(), h.stored()); diff != "" {
		t.Errorf("files beside those that the catalogue names (-named +stored)\n%s", diff)
	}
	for _, f := range h.files() {
		var last string
		for e, err := range l.Reader().Records(t.Context(), f) {
			if err != nil {
				t.Fatal(err)
			}
			i := int(e.Number)
			this := fmt.Sprintf("%s %d %s", []string{"GetObject", "AssumeRole"}[i%2], i%3, fmt.Sprint("alice", i%5))
			if this < last {
				t.Errorf("%s: %q stands behind %q", f.Raw, this, last)
			}
			last = this
		}
	}
	// What is known of where records are went along.
	var ranges []yagura.KeptRange
	if err := h.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		ranges, err = tx.Kept(ctx, "s", "o3")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var numbers []int64
	for _, k := range ranges {
		for e, err := range l.Reader().Read(t.Context(), k) {
			if err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, e.Number)
		}
	}
	want := make([]int64, 30)
	for i := range want {
		want[i] = int64(i)
	}
	if diff := cmp.Diff(want, numbers); diff != "" {
		t.Errorf("an object read back (-want +got)\n%s", diff)
	}
	// The writer that knew the old files finds the repeats in the new ones.
	h.put(l, "o2", 0, 33)
	if got := len(h.all()); got != 183 {
		t.Errorf("%d records after a repeat, want 183", got)
	}
	// A few late records are not worth writing the day again; many files of them are.
	if s, err := h.compactor(h.db.Lake(), h.Blobs).Run(t.Context()); err != nil || s.Files != 0 {
		t.Errorf("a few late records: %+v, %v", s, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// errFault is what a faulty part returns.
var errFault = errors.New("the disk is on fire")

// fault breaks the nth call of any kind, before it or after.
type fault struct {
	lake.Catalogue
	lake.Blobs
	left  int
	after bool
}

func (f *fault) call(do func() error) error {
	f.left--
	if f.left == 0 && !f.after {
		return errFault
	}
	if err := do(); err != nil {
		return err
	}
	if f.left == 0 {
		return errFault
	}
	return nil
}

func (f *fault) Begin(ctx context.Context, files []lake.File, name func(*lake.File)) error {
	return f.call(func() error { return f.Catalogue.Begin(ctx, files, name) })
}

func (f *fault) Replace(ctx context.Context, old []lake.File, by *lake.File) (seq int64, err error) {
	err = f.call(func() (err error) { seq, err = f.Catalogue.Replace(ctx, old, by); return err })
	return seq, err
}

func (f *fault) Forget(ctx context.Context, numbers []int64) error {
	return f.call(func() error { return f.Catalogue.Forget(ctx, numbers) })
}

func (f *fault) Put(ctx context.Context, name string, content []byte) error {
	return f.call(func() error { return f.Blobs.Put(ctx, name, content) })
}

func (f *fault) Delete(ctx context.Context, name string) error {
	return f.call(func() error { return f.Blobs.Delete(ctx, name) })
}

// TestCompactFaults breaks every call that compaction makes, before it is done and after, and
// holds that no record is lost or doubled, and that the next run cleans up.
func TestCompactFaults(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			h := newHouse(t)
			l := h.open(h.Blobs)
			for i := range 3 {
				h.put(l, fmt.Sprint("o", i), 0, 2)
			}
			before := h.all()
			f := &fault{Catalogue: h.db.Lake(), Blobs: h.Blobs, left: n, after: after}
			_, err := h.compactor(f, f).Run(t.Context())
			broke := f.left <= 0
			if broke && err != nil && !strings.Contains(err.Error(), errFault.Error()) {
				t.Errorf("call %d: %v", n, err)
			}
			if diff := cmp.Diff(before, h.all()); diff != "" {
				t.Errorf("call %d, after %v: records changed (-before +after)\n%s", n, after, diff)
			}
			c := h.compactor(h.db.Lake(), h.Blobs)
			if err := c.Clean(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, h.all()); diff != "" {
				t.Errorf("call %d, after %v: records changed by the next run (-before +after)\n%s", n, after, diff)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			h.open(h.Blobs).Close() //nolint:errcheck // it removes what the writer itself replaced
			if diff := cmp.Diff(h.named(), h.stored()); diff != "" {
				t.Errorf("call %d, after %v: files are left over (-named +stored)\n%s", n, after, diff)
			}
			if !broke {
				break
			}
		}
	}
}
