package segment_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/yagura-sec/yagura/segment"
	"github.com/yagura-sec/yagura/segment/segtest"
)

// TestDamage damages a file everywhere, one place at a time: the damage is said with its
// place, and every frame that it does not touch is handed out.
func TestDamage(t *testing.T) {
	for _, how := range []string{"flip", "zero"} {
		for at := range int64(400) {
			disk := segtest.New(1)
			l := open(t, "d", segment.Options{FS: disk})
			var want []string
			var spans []segment.Span
			for i := range 10 {
				data := fmt.Sprintf("frame %d of the log", i)
				span, err := l.Append([]byte(data))
				if err != nil {
					t.Fatal(err)
				}
				want, spans = append(want, data), append(spans, span)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			size := spans[9].End.Offset
			if at >= size {
				break
			}
			end := at + 1
			if err := disk.Damage("d/"+segment.FileName(1), func(b []byte) []byte {
				if how == "flip" {
					b[at] ^= 0x40
				} else {
					end = min(at+50, size)
					clear(b[at:end])
				}
				return b
			}); err != nil {
				t.Fatal(err)
			}
			l = open(t, "d", segment.Options{FS: disk})
			got, damage := readAll(t, l, segment.Position{})
			var left []string
			tail := false
			for i, s := range spans {
				if at < s.End.Offset && s.First.Offset < end {
					tail = i == 9
					continue
				}
				left = append(left, want[i])
			}
			if !slices.Equal(got, left) {
				t.Fatalf("%s at %d: read %q, want %q", how, at, got, left)
			}
			rec := l.Recovered()
			switch {
			case len(damage) == 0 && !(tail && rec.Cut > 0):
				t.Fatalf("%s at %d: nothing was said, recovered %+v", how, at, rec)
			case len(damage) > 0 && (damage[0].From > at || damage[len(damage)-1].To < min(end, size-rec.Cut)):
				t.Fatalf("%s at %d to %d: damage %v", how, at, end, damage)
			}
			if _, err := l.Append([]byte("more")); err != nil {
				t.Fatal(err)
			}
			if got, _ := readAll(t, l, segment.Position{}); got[len(got)-1] != "more" {
				t.Fatalf("%s at %d: after an append %q", how, at, got)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestCopiedFrame: a frame that stands in another frame's content, or was moved, is not
// taken for a frame.
func TestCopiedFrame(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, segment.Options{})
	if _, err := l.Append([]byte("the first")); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, segment.FileName(1))
	image, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	hostile := append([]byte("x"), image[segment.FileOverhead:]...)
	span, err := l.Append(hostile)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	image, err = os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	image[span.First.Offset] ^= 1 // the header of the frame that holds the copy
	if err := os.WriteFile(name, image, 0o600); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, segment.Options{})
	got, _ := readAll(t, l, segment.Position{})
	if !slices.Equal(got, []string{"the first"}) {
		t.Errorf("read %q", got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestMissingFile says which file is missing, and reads the others.
func TestMissingFile(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, segment.Options{MaxBytes: 100})
	for i := range 10 {
		if _, err := l.Append(fmt.Appendf(nil, "a frame that fills most of a file: %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, segment.FileName(4))); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, segment.Options{MaxBytes: 100})
	got, damage := readAll(t, l, segment.Position{})
	if len(got) != len(l.Files()) || len(damage) != 1 || damage[0].Number != 4 || damage[0].To != 0 {
		t.Errorf("%d frames in %d files, damage %v", len(got), len(l.Files()), damage)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFollow reads along while frames are appended over many files.
func TestFollow(t *testing.T) {
	l := open(t, t.TempDir(), segment.Options{MaxBytes: 300})
	const n = 500
	go func() {
		for i := range n {
			if _, err := l.Append(fmt.Appendf(nil, "frame %d", i)); err != nil {
				t.Error(err)
			}
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	i := 0
	var last error
	for f, err := range l.Follow(ctx, segment.Position{}) {
		if last = err; err != nil {
			continue
		}
		if want := fmt.Sprintf("frame %d", i); string(f.Data) != want {
			t.Fatalf("%q, want %q", f.Data, want)
		}
		if i++; i == n {
			cancel()
		}
	}
	if i != n || !errors.Is(last, context.Canceled) {
		t.Errorf("%d frames, then %v", i, last)
	}
	ended := make(chan bool)
	go func() {
		for range l.Follow(context.Background(), l.End()) {
			t.Error("a frame behind the end")
		}
		close(ended)
	}()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	<-ended
	if _, err := l.Append(nil); !errors.Is(err, segment.ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
}

// TestReaderBesideWriter reads without a lock while frames are appended: whole frames
// only, and no damage.
func TestReaderBesideWriter(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, segment.Options{MaxBytes: 10_000})
	done := make(chan bool)
	go func() {
		defer close(done)
		r := rand.New(rand.NewPCG(1, 1))
		for i := range 2000 {
			if _, err := l.Append(append(fmt.Appendf(nil, "%d:", i), make([]byte, r.IntN(300))...)); err != nil {
				t.Error(err)
			}
		}
	}()
	reader := segment.NewReader(dir, nil)
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		i := 0
		for f, err := range reader.Read(segment.Position{}) {
			if err != nil {
				t.Fatal(err)
			}
			var n int
			if _, err := fmt.Sscanf(string(f.Data), "%d:", &n); err != nil || n != i {
				t.Fatalf("frame %d is %q", i, f.Data)
			}
			i++
		}
		if !running && i != 2000 {
			t.Errorf("%d frames", i)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// FuzzOpen opens and reads a log whose file is anything: nothing of it crashes, a second
// opening finds nothing more to mend, and the log goes on.
func FuzzOpen(f *testing.F) {
	disk := segtest.New(1)
	l := open(f, "d", segment.Options{FS: disk})
	for _, s := range []string{"one", "", "three three three"} {
		if _, err := l.Append([]byte(s)); err != nil {
			f.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	var image []byte
	if err := disk.Damage("d/"+segment.FileName(1), func(b []byte) []byte { image = slices.Clone(b); return b }); err != nil {
		f.Fatal(err)
	}
	f.Add(image, image[:40])
	f.Add(image[:70], image)
	f.Add(append(slices.Clone(image), image[segment.FileOverhead:]...), []byte{})
	f.Add([]byte("YGSEG"), make([]byte, 100))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		disk := segtest.New(1)
		for i, data := range [][]byte{first, second} {
			file, err := disk.OpenFile("d/"+segment.FileName(uint64(i)+1), os.O_CREATE|os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := file.WriteAt(data, 0); err != nil {
				t.Fatal(err)
			}
		}
		for range segment.NewReader("d", disk).Read(segment.Position{}) {
			continue
		}
		l, err := segment.Open("d", segment.Options{FS: disk})
		if err != nil {
			return // a file of another version, or under another name
		}
		before, _ := readAll(t, l, segment.Position{})
		if _, err := l.Append([]byte("more")); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open(t, "d", segment.Options{FS: disk})
		after, _ := readAll(t, l, segment.Position{})
		if !slices.Equal(append(before, "more"), after) || l.Recovered().Cut > 0 {
			t.Errorf("%q, then %q, recovered %+v", before, after, l.Recovered())
		}
	})
}
