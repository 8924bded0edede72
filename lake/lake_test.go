package lake_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/store"
)

var monday = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// pond is a lake in a folder with a real catalogue.
type pond struct {
	t   testing.TB
	dir string
	db  *store.DB
}

func newPond(t testing.TB) *pond {
	t.Helper()
	p := &pond{t: t, dir: t.TempDir()}
	db, err := store.Open(t.Context(), store.Options{Dir: p.dir, AcceptLoss: true})
	if err != nil {
		t.Fatal(err)
	}
	p.db = db
	t.Cleanup(func() { db.Close() }) //nolint:errcheck // the test is over
	return p
}

func (p *pond) blobs() lake.Disk { return lake.Disk(filepath.Join(p.dir, "lake")) }

func (p *pond) open(o lake.Options) *lake.Lake {
	p.t.Helper()
	if o.Blobs == nil {
		o.Blobs = p.blobs()
	}
	if o.Catalogue == nil {
		o.Catalogue = p.db.LakeAt("here")
	}
	if o.Writer == "" {
		o.Writer = "w1"
	}
	if o.Columns == nil {
		o.Columns = func(string) []string { return []string{"colour"} }
	}
	l, err := lake.Open(p.t.Context(), o)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { l.Close() }) //nolint:errcheck // the test is over
	return l
}

// record makes a record with a native id.
func record(id string, at time.Time) keep.Record {
	var key yagura.Key
	copy(key[:], id)
	return keep.Record{Raw: []byte(`{"id":"` + id + `"}`), Time: at, Key: key, Keyed: true, Event: &yagura.Event{ID: id, Action: "Do", Time: at, Account: "111122223333", SrcIP: "192.0.2.1",
		Targets: []yagura.Entity{{Type: "role", ID: "a\"\n"}}, Outcome: yagura.OutcomeSuccess, Detail: yagura.Detail{Service: "iam", More: []yagura.Column{{Name: "colour", Value: "red"}}}}}
}

// called is who was called back, in order.
type called struct {
	mu   sync.Mutex
	list []string
	errs []error
}

func (c *called) back(name string) func([]yagura.KeptRange, error) {
	return func(_ []yagura.KeptRange, err error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.list = append(c.list, name)
		c.errs = append(c.errs, err)
	}
}

func (c *called) names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string{}, c.list...)
}

func put(t *testing.T, l *lake.Lake, object string, first int64, done func([]yagura.KeptRange, error), records ...keep.Record) {
	t.Helper()
	if err := l.Put(t.Context(), &keep.Batch{Source: "test", Object: object, Seen: monday, Runs: []keep.Run{{Format: "aws.cloudtrail", First: first, Records: records}}, Done: done}); err != nil {
		t.Fatal(err)
	}
}

// all reads everything, as "object/number raw".
func all(t *testing.T, l *lake.Lake) []string {
	t.Helper()
	var out []string
	for e, err := range l.Reader().All(t.Context(), lake.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s/%d %s", e.Object, e.Number, e.Raw))
	}
	return out
}

// TestWrittenAndRead: what was put is read back as it was, by day, and everybody is called back.
func TestWrittenAndRead(t *testing.T) {
	p := newPond(t)
	l := p.open(lake.Options{Flush: time.Hour})
	var c called
	put(t, l, "o1", 10, c.back("first"), record("a", monday), record("b", monday.Add(24*time.Hour)), record("c", monday))
	none := record("d", time.Time{})
	none.Raw = []byte("not \xff UTF-8")
	put(t, l, "o1", 13, c.back("second"), none)
	if got := c.names(); len(got) > 0 {
		t.Fatalf("%v were called back before anything was written", got)
	}
	if s := l.Stats(); s.Oldest.IsZero() || s.Memory == 0 {
		t.Errorf("%+v: something waits", s)
	}
	if err := l.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"first", "second"}, c.names()); diff != "" {
		t.Error(diff)
	}
	want := []string{`o1/10 {"id":"a"}`, `o1/12 {"id":"c"}`, `o1/11 {"id":"b"}`, "o1/13 not \xff UTF-8"}
	files, err := l.Files(t.Context(), lake.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	days := map[string]int64{}
	for _, f := range files {
		days[f.Day] = f.Rows
		if f.Seq == 0 || f.Number == 0 || f.HeadSize == 0 || f.RawSize == 0 || f.SeenMin != monday || !strings.HasPrefix(f.Head, "head/log=aws.cloudtrail/day=") {
			t.Errorf("%+v", f)
		}
	}
	if diff := cmp.Diff(map[string]int64{"2026-05-04": 2, "2026-05-05": 1, "unknown": 1}, days); diff != "" {
		t.Error(diff)
	}
	got := all(t, l)
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for _, w := range want {
		found := false
		for _, g := range got {
			found = found || g == w
		}
		if !found {
			t.Errorf("%q is not in %q", w, got)
		}
	}
	tuesday, err := l.Files(t.Context(), lake.Filter{Formats: []string{"aws.cloudtrail"}, From: monday.Add(12 * time.Hour), To: monday.Add(48 * time.Hour)})
	if err != nil || len(tuesday) != 1 || tuesday[0].Day != "2026-05-05" {
		t.Errorf("%+v, %v", tuesday, err)
	}
	// The range of an object leads to its records.
	var kept []yagura.KeptRange
	err = p.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		kept, err = tx.Kept(ctx, "test", "o1")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var numbers []int64
	for _, k := range kept {
		for e, err := range l.Reader().Read(t.Context(), k) {
			if err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, e.Number)
		}
	}
	if diff := cmp.Diff([]int64{10, 11, 12, 13}, numbers); diff != "" {
		t.Error(diff)
	}
	if s := l.Stats(); s.Rows != 4 || s.Repeats != 0 || s.Memory != 0 || !s.Oldest.IsZero() || s.LastError != "" {
		t.Errorf("%+v", s)
	}
}

// TestRepeats: a record that is in the lake is not there twice, whichever way it comes again;
// others with its key and another content are.
func TestRepeats(t *testing.T) {
	p := newPond(t)
	l := p.open(lake.Options{Flush: time.Hour})
	var c called
	other := record("a", monday)
	other.Event.Content = 77
	put(t, l, "o1", 0, c.back("1"), record("a", monday), record("a", monday), other, record("b", monday)) // within a batch
	put(t, l, "o2", 0, c.back("2"), record("b", monday))                                                  // across batches of a buffer
	sync := func(l *lake.Lake) {
		t.Helper()
		if err := l.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sync(l)
	put(t, l, "o3", 0, c.back("3"), record("a", monday), record("c", monday)) // against a file of this process
	sync(l)
	put(t, l, "o4", 0, c.back("4"), record("c", monday)) // nothing is left of it
	sync(l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = p.open(lake.Options{Flush: time.Hour})
	put(t, l, "o5", 0, c.back("5"), record("a", monday), other, record("b", monday), record("c", monday), record("d", monday)) // against files of another
	sync(l)
	if diff := cmp.Diff([]string{`o1/0 {"id":"a"}`, `o1/2 {"id":"a"}`, `o1/3 {"id":"b"}`, `o3/1 {"id":"c"}`, `o5/4 {"id":"d"}`}, all(t, l)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1", "2", "3", "4", "5"}, c.names()); diff != "" {
		t.Error(diff)
	}
	totals, err := l.Totals(t.Context())
	if err != nil || len(totals) != 1 || totals[0].Rows != 5 || totals[0].Repeats != 1+1+1+1+4 {
		t.Errorf("%+v, %v", totals, err)
	}
}

// TestPlace: records without an id are known by their place and bytes: two equal lines are two
// records, and a second delivery of the object none.
func TestPlace(t *testing.T) {
	p := newPond(t)
	l := p.open(lake.Options{Flush: time.Hour})
	line := func(object string, n int) keep.Record {
		var key yagura.Key
		copy(key[:], object)
		binary.BigEndian.PutUint64(key[8:], uint64(n))
		return keep.Record{Raw: []byte("the same line"), Key: key}
	}
	put(t, l, "o1", 0, nil, line("o1", 1), line("o1", 2))
	put(t, l, "o1", 0, nil, line("o1", 1), line("o1", 2))
	put(t, l, "o2", 0, nil, line("o2", 1))
	changed := line("o1", 2)
	changed.Raw = []byte("the object holds something else by now")
	put(t, l, "o1", 0, nil, line("o1", 1), changed)
	if err := l.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := all(t, l); len(got) != 4 {
		t.Errorf("%q", got)
	}
}

// TestTwoWriters: two processes that write the same records at one time, each without knowing of
// the other's, write each record once.
func TestTwoWriters(t *testing.T) {
	p := newPond(t)
	a, b := p.open(lake.Options{Writer: "a", Flush: time.Hour}), p.open(lake.Options{Writer: "b", Flush: time.Hour})
	put(t, a, "o1", 0, nil, record("a", monday), record("b", monday), record("c", monday))
	put(t, b, "o2", 0, nil, record("b", monday), record("c", monday), record("d", monday), record("d2", monday))
	put(t, b, "o3", 0, nil, record("a", monday), record("b", monday.Add(24*time.Hour)))
	for _, l := range []*lake.Lake{a, b} {
		if err := l.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{`o1/0 {"id":"a"}`, `o1/1 {"id":"b"}`, `o1/2 {"id":"c"}`, `o2/2 {"id":"d"}`, `o2/3 {"id":"d2"}`, `o3/1 {"id":"b"}`}, sorted(all(t, a))); diff != "" {
		t.Error(diff)
	}
	// A range of what was left says so, and the files on disk are those of the catalogue.
	p.onDisk(a)
	put(t, a, "o9", 0, nil, record("d", monday))
	if err := a.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, a, "o9", 1, nil, record("e", monday))
	if err := a.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := all(t, a); len(got) != 7 {
		t.Errorf("%q", got)
	}
}

func sorted(list []string) []string {
	for i := range list {
		for j := i; j > 0 && list[j] < list[j-1]; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	return list
}

// onDisk says whether the files below the lake are those of the catalogue.
func (p *pond) onDisk(l *lake.Lake) {
	p.t.Helper()
	want := map[string]bool{}
	files, err := l.Files(context.Background(), lake.Filter{})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range files {
		want[f.Head], want[f.Raw] = true, true
	}
	copies, err := l.Catalogue().Copies(context.Background(), "")
	if err != nil {
		p.t.Fatal(err)
	}
	for _, c := range copies {
		want[c.Name] = true
	}
	err = filepath.WalkDir(string(p.blobs()), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(string(p.blobs()), path)
		if name = filepath.ToSlash(name); !want[name] {
			p.t.Errorf("%s is in no catalogue", name)
		}
		delete(want, name)
		return nil
	})
	if err != nil {
		p.t.Error(err)
	}
	for name := range want {
		p.t.Errorf("%s is not there", name)
	}
}

// refusing is a disk that is full, or a catalogue that is away, for so many calls.
type refusing struct {
	lake.Blobs
	lake.Catalogue
	mu           sync.Mutex
	puts, commit int
	lost         int // commits whose answer is lost
	refused      chan struct{}
}

var errFull = errors.New("no space left on device")

func (r *refusing) count(n *int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if *n == 0 {
		return false
	}
	*n--
	select {
	case r.refused <- struct{}{}:
	default:
	}
	return true
}

func (r *refusing) Put(ctx context.Context, name string, content []byte) error {
	if r.count(&r.puts) {
		return errFull
	}
	return r.Blobs.Put(ctx, name, content)
}

func (r *refusing) Commit(ctx context.Context, c lake.Commit) ([]lake.File, int64, error) {
	if r.count(&r.commit) {
		return nil, 0, errors.New("the catalogue is away")
	}
	newer, seq, err := r.Catalogue.Commit(ctx, c)
	if r.count(&r.lost) {
		return nil, 0, errors.New("the answer was lost")
	}
	return newer, seq, err
}

// TestRefused: what the disk or the catalogue does not take is written in the end, once; nobody
// is called back before; what is in doubt is looked up.
func TestRefused(t *testing.T) {
	for name, r := range map[string]*refusing{"disk": {puts: 3}, "catalogue": {commit: 2}, "answer": {lost: 1}} {
		t.Run(name, func(t *testing.T) {
			p := newPond(t)
			r.Blobs, r.Catalogue, r.refused = p.blobs(), p.db.LakeAt("here"), make(chan struct{}, 1)
			l := p.open(lake.Options{Blobs: r, Catalogue: r, Flush: time.Hour})
			var c called
			put(t, l, "o1", 0, c.back("1"), record("a", monday), record("b", monday))
			l.Flush()
			<-r.refused
			if name != "answer" && len(c.names()) > 0 {
				t.Error("somebody was called back for what is not written")
			}
			put(t, l, "o2", 0, c.back("2"), record("a", monday), record("c", monday)) // the first is on its way
			if err := l.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{`o1/0 {"id":"a"}`, `o1/1 {"id":"b"}`, `o2/1 {"id":"c"}`}, sorted(all(t, l))); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]error{nil, nil}, c.errs, cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) })); diff != "" {
				t.Error(diff)
			}
			if s := l.Stats(); s.LastError != "" {
				t.Errorf("it still says %s", s.LastError)
			}
			p.onDisk(l)
		})
	}
}

// TestEnds: what cannot be written by the end gets an error, and nothing of it counts.
func TestEnds(t *testing.T) {
	p := newPond(t)
	r := &refusing{Blobs: p.blobs(), Catalogue: p.db.LakeAt("here"), puts: 1 << 30, refused: make(chan struct{}, 1)}
	l := p.open(lake.Options{Blobs: r, Catalogue: r, Flush: time.Hour})
	var c called
	put(t, l, "o1", 0, c.back("1"), record("a", monday))
	l.Flush()
	<-r.refused
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if len(c.errs) != 1 || !errors.Is(c.errs[0], errFull) {
		t.Errorf("%v", c.errs)
	}
	if err := l.Put(t.Context(), &keep.Batch{}); !errors.Is(err, keep.ErrClosed) {
		t.Errorf("%v", err)
	}
	l = p.open(lake.Options{})
	if got := all(t, l); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// TestPressure: Put waits for memory, and goes on when the largest buffer is written.
func TestPressure(t *testing.T) {
	p := newPond(t)
	l := p.open(lake.Options{Flush: time.Hour, Memory: 1 << 20})
	for i := range 200 {
		r := record(fmt.Sprint("r", i), monday.Add(time.Duration(i%3)*24*time.Hour))
		r.Raw = []byte(`{"pad":"` + strings.Repeat(fmt.Sprint(i), 10_000) + `"}`)
		put(t, l, "o1", int64(i), nil, r)
		if m := l.Stats().Memory; m > 3<<20 {
			t.Fatalf("%d bytes wait", m)
		}
	}
	if l.Stats().Files == 0 {
		t.Error("nothing was written for want of memory")
	}
	if err := l.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := all(t, l); len(got) != 200 {
		t.Errorf("%d records", len(got))
	}
}

// TestDue: a record waits no longer than it may, by the clock that is given.
func TestDue(t *testing.T) {
	p := newPond(t)
	var mu sync.Mutex
	now := monday
	l := p.open(lake.Options{Flush: time.Minute, Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	done := make(chan struct{})
	put(t, l, "o1", 0, func([]yagura.KeptRange, error) { close(done) }, record("a", monday))
	mu.Lock()
	now = now.Add(61 * time.Second)
	mu.Unlock()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("it was not written")
	}
}

// TestDamage: one flipped bit anywhere in a file is noticed.
func TestDamage(t *testing.T) {
	p := newPond(t)
	l := p.open(lake.Options{Flush: time.Hour})
	put(t, l, "o1", 0, nil, record("a", monday), record("b", monday))
	if err := l.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := l.Files(t.Context(), lake.Filter{})
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range []string{files[0].Head, files[0].Raw} {
		path := filepath.Join(string(p.blobs()), filepath.FromSlash(name))
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(good); at += len(good)/50 + 1 {
			bad := append([]byte{}, good...)
			bad[at] ^= 1 << (at % 8)
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			var last error
			for _, err := range l.Reader().Records(t.Context(), files[0]) {
				last = err
			}
			if !errors.Is(last, keep.ErrChecksum) {
				t.Fatalf("%s, byte %d: %v", name, at, last)
			}
		}
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := all(t, l); len(got) != 2 {
		t.Errorf("%q", got)
	}
}

// TestOrphans: what a crash left behind is removed when its writer opens the lake again, or by
// anybody once it is old; what another writes at the moment is not.
func TestOrphans(t *testing.T) {
	p := newPond(t)
	ctx := t.Context()
	cat := p.db.LakeAt("here")
	begin := func(writer string, at time.Time) lake.File {
		files := []lake.File{{Format: "json", Day: "unknown", Writer: writer, Created: at}}
		err := cat.Begin(ctx, files, func(f *lake.File) {
			f.Head, f.Raw = fmt.Sprintf("json/unknown/%d.head.parquet", f.Number), fmt.Sprintf("json/unknown/%d.raw.parquet", f.Number)
		})
		if err == nil {
			err = errors.Join(p.blobs().Put(ctx, files[0].Head, []byte("x")), p.blobs().Put(ctx, files[0].Raw, []byte("x")))
		}
		if err != nil {
			t.Fatal(err)
		}
		return files[0]
	}
	mine, others, old := begin("w1", monday), begin("w2", monday), begin("w3", monday.Add(-48*time.Hour))
	half := filepath.Join(string(p.blobs()), "json/unknown", "tmp-0011223344556677-"+filepath.Base(mine.Raw))
	if err := os.WriteFile(half, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := p.open(lake.Options{Now: func() time.Time { return monday.Add(time.Hour) }})
	for f, want := range map[*lake.File]bool{&mine: false, &others: true, &old: false} {
		if _, err := os.Stat(filepath.Join(string(p.blobs()), f.Head)); (err == nil) != want {
			t.Errorf("file of %s: %v", f.Writer, err)
		}
	}
	if _, err := os.Stat(half); err == nil {
		t.Error("half a file was left")
	}
	if s := l.Stats(); s.Orphans != 2 {
		t.Errorf("%+v", s)
	}
	// Whose file was taken for an orphan cannot commit it.
	if _, _, err := cat.Commit(ctx, lake.Commit{Files: []lake.File{mine}}); err == nil {
		t.Error("a file that was removed is live")
	}
}

// TestPlaceName: a place keeps its name, and has none before it is given one.
func TestPlaceName(t *testing.T) {
	d := lake.Disk(filepath.Join(t.TempDir(), "lake"))
	if name, err := lake.Place(t.Context(), d, false); name != "" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
	first, err := lake.Place(t.Context(), d, true)
	if err != nil || len(first) != 32 {
		t.Fatalf("%q, %v", first, err)
	}
	if again, err := lake.Place(t.Context(), d, true); again != first || err != nil {
		t.Errorf("%q, %v", again, err)
	}
	if _, err := d.Get(t.Context(), "../x"); err == nil {
		t.Error("a name led out of the lake")
	}
}
