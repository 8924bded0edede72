package lake_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/blob"
	"github.com/yagura-sec/yagura/lake/blob/blobtest"
)

func sumOf(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

func keepCopy(t *testing.T, l *lake.Lake, text string) {
	t.Helper()
	if err := l.KeepCopy(t.Context(), sumOf(text), strings.NewReader(text), int64(len(text))); err != nil {
		t.Fatal(err)
	}
}

// copied returns what copies hold, by their SHA-256, read from where they lie.
func copied(t *testing.T, cat lake.Catalogue, blobs lake.Blobs) map[string]string {
	t.Helper()
	list, err := cat.Copies(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, c := range list {
		f, err := blobs.Get(t.Context(), c.Name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		if sumOf(string(text)) != c.Sum || int64(len(text)) != c.Size {
			t.Errorf("%s holds %.100q", c.Name, text)
		}
		out[c.Sum] = string(text)
	}
	return out
}

// TestCopies keeps copies in every kind of place: each content once, whoever brings it again and
// however many at one time.
func TestCopies(t *testing.T) {
	serve := func(t *testing.T, h http.Handler) string {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		return srv.URL
	}
	for name, open := range map[string]func(t *testing.T) (lake.Blobs, error){
		"folder": func(t *testing.T) (lake.Blobs, error) { return lake.Disk(t.TempDir()), nil },
		"s3": func(t *testing.T) (lake.Blobs, error) {
			back := s3mem.New()
			if err := back.CreateBucket("lake"); err != nil {
				return nil, err
			}
			s, err := blob.NewS3(t.Context(), blob.S3Options{Bucket: "lake", Endpoint: serve(t, gofakes3.New(back).Server()), Region: "eu-west-1", AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"})
			return lake.Stored(s), err
		},
		"gcs": func(t *testing.T) (lake.Blobs, error) {
			s, err := blob.NewGCS(blob.GCSOptions{Bucket: "lake", HTTPOptions: blob.HTTPOptions{Endpoint: serve(t, blobtest.NewGCS("lake"))}})
			return lake.Stored(s), err
		},
		"azure": func(t *testing.T) (lake.Blobs, error) {
			s, err := blob.NewAzure(blob.AzureOptions{Account: "acct1", Container: "lake", HTTPOptions: blob.HTTPOptions{Endpoint: serve(t, blobtest.NewAzure("lake"))}})
			return lake.Stored(s), err
		},
	} {
		t.Run(name, func(t *testing.T) {
			blobs, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			p := newPond(t)
			l := p.open(lake.Options{Blobs: blobs, Writer: "w1"})
			other := p.open(lake.Options{Blobs: blobs, Writer: "w2"})
			long := strings.Repeat("\x1f\x8b0123456789", 200_000)
			var all sync.WaitGroup
			for i := range 8 {
				at := []*lake.Lake{l, other}[i%2]
				all.Go(func() {
					for _, text := range []string{"one", long, ""} {
						if err := at.KeepCopy(context.Background(), sumOf(text), strings.NewReader(text), int64(len(text))); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			keepCopy(t, l, "one")
			want := map[string]string{sumOf("one"): "one", sumOf(long): long, sumOf(""): ""}
			if diff := cmp.Diff(want, copied(t, l.Catalogue(), blobs)); diff != "" {
				t.Errorf("%.500s", diff)
			}
			if err := l.KeepCopy(t.Context(), sumOf("said"), strings.NewReader("else"), 4); !errors.Is(err, blob.ErrChecksum) {
				t.Errorf("other bytes than were said: %v", err)
			}
			if err := l.KeepCopy(t.Context(), sumOf("short"), strings.NewReader("sho"), 5); err == nil {
				t.Error("fewer bytes than were said were kept")
			}
			if left, err := p.db.LakeAt("here").DroppedCopies(t.Context(), "", time.Now().Add(time.Hour)); err != nil || len(left) > 0 {
				t.Errorf("left over: %v, %v", left, err)
			}
			if d, ok := blobs.(lake.Disk); ok {
				if n := files(t, string(d)); n != len(want) {
					t.Errorf("%d files of %d copies", n, len(want))
				}
			}
		})
	}
}

// files counts the files below a folder.
func files(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// receive puts records of an object with a copy of its bytes, and says that it was received whole.
func (h *house) receive(l *lake.Lake, object, text string, from, n int) {
	h.t.Helper()
	if n > 0 {
		h.put(l, object, from, n)
	}
	keepCopy(h.t, l, text)
	c := lake.Commit{Objects: []yagura.LakeObject{{Source: "s", Object: object + "#" + sumOf(text), Rows: object, Records: int64(n), At: h.now, Sum: sumOf(text)}}}
	if _, _, err := h.db.Lake().Commit(h.t.Context(), c); err != nil {
		h.t.Fatal(err)
	}
}

// copies returns what the copies hold.
func (h *house) copies() string {
	h.t.Helper()
	var out []string
	all := copied(h.t, h.db.Lake(), h.Blobs)
	for _, text := range []string{"A", "B", "AB", "repeats", "lost"} {
		if _, ok := all[sumOf(text)]; ok {
			out = append(out, text)
		}
	}
	if len(out) != len(all) {
		h.t.Errorf("%d copies, and of them %v", len(all), out)
	}
	return strings.Join(out, " ")
}

// TestCopiesRetained: a copy is there as long as the record of one row is that came from its
// bytes, whatever takes records away, and goes with the last.
func TestCopiesRetained(t *testing.T) {
	const day = 24 * time.Hour
	later := start.Add(99 * day)
	// a has records 0 and 1 of the first of May, b 2 to 7 of the second. The accounts of a are …30
	// and …31, those of b also …32. The bytes of ab came as an object of the first of May and one
	// of the second, c's records were all there before, and of d nobody knows that it was received.
	cases := []struct {
		name string
		now  time.Time
		r    lake.Retention
		want string
	}{
		{"nothing said", later, lake.Retention{}, "A B AB"},
		{"all too young", start.Add(9 * day), lake.Retention{Entries: []lake.RetentionEntry{{Head: 10 * day}}}, "A B AB"},
		{"a day old enough", start.Add(10*day + 6*time.Hour), lake.Retention{Entries: []lake.RetentionEntry{{Head: 10 * day}}}, "B AB"},
		{"all old enough", later, lake.Retention{Entries: []lake.RetentionEntry{{Head: 10 * day}}}, ""},
		{"records before headers", later, lake.Retention{Entries: []lake.RetentionEntry{{Head: 999 * day, Raw: 30 * day}}}, ""},
		{"records of a day", start.Add(30*day + 6*time.Hour), lake.Retention{Entries: []lake.RetentionEntry{{Raw: 30 * day}}}, "B AB"},
		{"one of three accounts", later, lake.Retention{Entries: []lake.RetentionEntry{{Account: "*0", Head: day}}}, "A B AB"},
		{"all accounts of one object", later, lake.Retention{Entries: []lake.RetentionEntry{{Account: "*0", Head: day}, {Account: "*1", Raw: day}}}, "B AB"},
		{"another log type", later, lake.Retention{Entries: []lake.RetentionEntry{{Format: "gcp.*", Head: day}}}, "A B AB"},
		{"a hold", later, lake.Retention{Entries: []lake.RetentionEntry{{Head: day}}, Holds: []lake.Hold{{Account: "*2"}}}, "B AB"},
		{"a hold of a day", later, lake.Retention{Entries: []lake.RetentionEntry{{Raw: day}},
			Holds: []lake.Hold{{To: time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)}}}, "A AB"},
		{"a size", later, lake.Retention{Size: 1}, ""},
		{"a size and a hold", later, lake.Retention{Size: 1, Holds: []lake.Hold{{To: time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)}}}, "A AB"},
	}
	for _, c := range cases {
		for _, compacted := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, " ", compacted), func(t *testing.T) {
				h := newHouse(t)
				h.now = start.Add(day)
				l := h.open(h.Blobs)
				h.receive(l, "a", "A", 0, 2)
				h.receive(l, "b", "B", 2, 6)
				h.receive(l, "o1", "AB", 0, 2)
				h.receive(l, "o2", "AB", 2, 6)
				h.receive(l, "a", "repeats of a", 0, 0) // as a file that was read before it was whole
				h.receive(l, "c", "repeats", 0, 0)
				keepCopy(t, l, "lost")
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				if compacted {
					if s, err := h.compactor(h.db.Lake(), h.Blobs).Run(t.Context()); err != nil || s.Files == 0 {
						t.Fatal(s, err)
					}
				}
				h.now = c.now
				h.retain(c.r)
				got := copied(t, h.db.Lake(), h.Blobs)
				if _, ok := got[sumOf("repeats of a")]; ok != strings.HasPrefix(c.want, "A ") {
					t.Errorf("the older version of a: %v", ok)
				}
				var words []string
				for _, text := range []string{"A", "B", "AB", "repeats", "lost"} {
					if _, ok := got[sumOf(text)]; ok {
						words = append(words, text)
					}
				}
				if s := strings.Join(words, " "); s != c.want {
					t.Errorf("copies of %q, want %q", s, c.want)
				}
				h.retain(c.r)
				if again := copied(t, h.db.Lake(), h.Blobs); len(again) != len(got) {
					t.Errorf("%d copies after a second run, %d before", len(again), len(got))
				}
			})
		}
	}
}

// tidy compares what lies there with what the catalogue names.
func (h *house) tidy() {
	h.t.Helper()
	want := h.named()
	list, err := h.db.Lake().Copies(h.t.Context(), "")
	if err != nil {
		h.t.Fatal(err)
	}
	for _, c := range list {
		want = append(want, c.Name)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, h.stored()); diff != "" {
		h.t.Errorf("files beside those that the catalogue names (-named +stored)\n%s", diff)
	}
}

// TestCopiesYoung: what came lately stays, as its records may be on their way, and what comes
// again is as young as what comes.
func TestCopiesYoung(t *testing.T) {
	h := newHouse(t)
	h.now = start
	l := h.open(h.Blobs)
	defer l.Close() //nolint:errcheck // the test is over
	keepCopy(t, l, "A")
	keepCopy(t, l, "B")
	sweep := func(after time.Duration, want string) {
		t.Helper()
		h.now = start.Add(after)
		if _, err := l.SweepCopies(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := h.copies(); got != want {
			t.Errorf("after %v: %q, want %q", after, got, want)
		}
	}
	sweep(time.Minute, "A B")
	sweep(20*time.Minute, "A B")
	h.now = start.Add(20 * time.Hour)
	keepCopy(t, l, "B")
	sweep(23*time.Hour, "A B")
	sweep(25*time.Hour, "B")
	h.receive(l, "b", "B", 0, 2)
	sweep(30*time.Hour, "B")
	sweep(99*time.Hour, "B") // it has rows now
	if _, used, err := h.db.Lake().CopyTotals(t.Context()); err != nil || used.Copies != 1 {
		t.Errorf("%+v, %v", used, err)
	}
	keepCopy(t, l, "A") // bytes that had a copy before get another
	sweep(100*time.Hour, "A B")
	h.tidy()
}

// TestCopiesSize: copies count for the size that a lake may have, and no more files go than
// must when copies go with them.
func TestCopiesSize(t *testing.T) {
	h := newHouse(t)
	h.now = start
	l := h.open(h.Blobs)
	for i, day := range []int{0, 24, 48, 72} {
		h.receive(l, fmt.Sprint("o", i), strings.Repeat(fmt.Sprint(i), 100_000), 2+day, 1)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	h.now = start.Add(99 * 24 * time.Hour)
	h.retain(lake.Retention{}) // looks at those that are new
	plan, err := lake.NewRetainer(lake.RetainOptions{Catalogue: h.db.Lake(), Blobs: h.Blobs, Writer: "r", Now: h.clock, Plan: true})
	if err != nil {
		t.Fatal(err)
	}
	r := lake.Retention{Size: 250_000}
	if out, err := plan.Run(t.Context(), r); err != nil || len(out.Dropped) != 2 {
		t.Errorf("planned: %d files, %v", len(out.Dropped), err)
	}
	if out := h.retain(r); len(out.Dropped) != 2 || out.Copies != (yagura.LakeCopies{Copies: 2, Bytes: 200_000}) {
		t.Errorf("%d files, %+v", len(out.Dropped), out.Copies)
	}
	if out := h.retain(r); len(out.Dropped) != 0 {
		t.Errorf("a second run dropped %d", len(out.Dropped))
	}
}

// TestCopiesFullDisk keeps a copy on a disk without room, with some, and with enough.
func TestCopiesFullDisk(t *testing.T) {
	h := newHouse(t)
	d := &fullDisk{Disk: h.Blobs.(lake.Disk)}
	l := h.open(d)
	defer l.Close() //nolint:errcheck // the test is over
	text := strings.Repeat("A", 1000)
	for room := int64(0); ; room += 300 {
		d.free, d.hits = room, 0
		err := l.KeepCopy(t.Context(), sumOf(text), strings.NewReader(text), int64(len(text)))
		h.tidy()
		if d.hits == 0 {
			if err != nil || room < 1000 || d.free != room-1000 {
				t.Errorf("%d bytes of room: %v, %d left", room, err, d.free)
			}
			break
		}
		if !errors.Is(err, syscall.ENOSPC) || d.free != room || len(copied(t, h.db.Lake(), h.Blobs)) > 0 {
			t.Fatalf("%d bytes of room: %v, %d left", room, err, d.free)
		}
	}
	keepCopy(t, l, text) // a second one takes no room
	if left, err := h.db.Lake().DroppedCopies(t.Context(), "w", h.now.Add(time.Hour)); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// PutFrom writes until there is no room.
func (d *fullDisk) PutFrom(ctx context.Context, name string, r io.ReaderAt, size int64, sum [32]byte) error {
	if size > d.free {
		d.hits++
		return d.Disk.PutFrom(ctx, name, torn{r, d.free}, size, sum)
	}
	d.free -= size
	return d.Disk.PutFrom(ctx, name, r, size, sum)
}

// torn is a content of which the disk takes so much.
type torn struct {
	io.ReaderAt
	room int64
}

func (r torn) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > r.room {
		return 0, &fs.PathError{Op: "write", Path: "copy", Err: syscall.ENOSPC}
	}
	return r.ReaderAt.ReadAt(p, off)
}

// TestCopiesCrashed: what a crash leaves at any moment is removed when the writer is opened
// again, or after a day; what is live stays.
func TestCopiesCrashed(t *testing.T) {
	h := newHouse(t)
	h.now = start
	h.receive(h.open(h.Blobs), "a", "A", 0, 2)
	cat := h.db.Lake()
	var begun []lake.Copy
	named := func(c *lake.Copy) { c.Name = fmt.Sprintf("originals/sha256/%s/%s.%d", c.Sum[:2], c.Sum, c.Number) }
	for _, writer := range []string{"w", "x"} {
		for _, state := range []string{"begun", "half", "written", "dropped"} {
			c := lake.Copy{Sum: sumOf(writer + state), Size: 1, Writer: writer, Seen: start}
			if there, err := cat.BeginCopy(t.Context(), &c, named); there || err != nil {
				t.Fatal(there, err)
			}
			begun = append(begun, c)
			path := filepath.Join(string(h.Blobs.(lake.Disk)), c.Name)
			if state == "half" {
				path = filepath.Join(filepath.Dir(path), "tmp-1-"+filepath.Base(path))
			}
			if state != "begun" {
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if state == "dropped" {
				if _, err := cat.CommitCopy(t.Context(), &c, start); err != nil {
					t.Fatal(err)
				}
				if n, _, err := cat.DropUnusedCopies(t.Context(), start, start, 10); err != nil || n != 1 {
					t.Fatal(n, err)
				}
			}
		}
	}
	temp := t.TempDir()
	for name, age := range map[string]time.Duration{"original-old": 25 * time.Hour, "original-young": time.Hour, "other": 99 * time.Hour} {
		path := filepath.Join(temp, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, start.Add(-age), start.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	l, err := lake.Open(t.Context(), lake.Options{Catalogue: cat, Blobs: h.Blobs, Writer: "w", Now: h.clock, Temp: temp})
	if err != nil {
		t.Fatal(err)
	}
	if n := l.Stats().Orphans; n != 5 { // also the one of x that was dropped
		t.Errorf("%d were removed", n)
	}
	if n := files(t, temp); n != 2 {
		t.Errorf("%d files are left in the folder for a while", n)
	}
	// The copy of a, and what another writer may still be writing.
	for _, c := range []struct{ hours, files int }{{23, 3}, {25, 1}} {
		h.now = start.Add(time.Duration(c.hours) * time.Hour)
		if _, err := l.SweepCopies(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := files(t, filepath.Join(string(h.Blobs.(lake.Disk)), "originals")); n != c.files {
			t.Errorf("after %d hours: %d files, want %d", c.hours, n, c.files)
		}
	}
	for i := range begun {
		if _, err := cat.CommitCopy(t.Context(), &begun[i], start); err == nil {
			t.Errorf("%s was committed after it was removed", begun[i].Name)
		}
	}
	if got := h.copies(); got != "A" {
		t.Errorf("copies of %q", got)
	}
	h.tidy()
	f, err := l.TempCopy()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(bytes.Repeat([]byte("x"), 1<<20)); err != nil {
		t.Error(err)
	}
	if err := errors.Join(f.Close(), l.Close()); err != nil {
		t.Error(err)
	}
}

// unsure is a catalogue that does what it is asked and then says that it did not.
type unsure struct{ lake.Catalogue }

func (u unsure) CommitCopy(ctx context.Context, c *lake.Copy, due time.Time) (bool, error) {
	_, err := u.Catalogue.CommitCopy(ctx, c, due)
	return false, errors.Join(err, errors.New("the answer was lost"))
}

// TestCopiesAnswerLost: a copy that became live is not taken back because nobody heard of it.
func TestCopiesAnswerLost(t *testing.T) {
	h := newHouse(t)
	l, err := lake.Open(t.Context(), lake.Options{Catalogue: unsure{h.db.Lake()}, Blobs: h.Blobs, Writer: "w", Now: h.clock})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the test is over
	keepCopy(t, l, "A")
	if got := h.copies(); got != "A" {
		t.Errorf("copies of %q", got)
	}
	h.tidy()
}
