package file

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/source"
)

func names(t *testing.T, f *Files) (got []string) {
	t.Helper()
	for o, err := range f.Objects(t.Context()) {
		if err != nil {
			got = append(got, "error: "+err.Error())
			continue
		}
		got = append(got, o.Name)
	}
	return got
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWalk(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, p := range []string{"logs/b.json", "logs/a.json", "logs/.hidden", "logs/.git/x", "logs/sub/c.json", ".named", "other/d.json"} {
		write(t, p, p)
	}
	for link, to := range map[string]string{"logs/loop": "..", "logs/sub/self": ".", "logs/z": "../other", "logs/gone": "nowhere"} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	got := names(t, New(Options{}, "logs", ".named"))
	want := []string{"logs/a.json", "logs/b.json", "error: logs/gone: no such file or directory",
		// the link to the parent leads to what else is there, and the link to that is not needed
		"logs/loop/other/d.json",
		"logs/sub/c.json", ".named"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestLinks: whatever links there are, each file is read once.
func TestLinks(t *testing.T) {
	for name, c := range map[string]struct {
		files, links, paths, want []string
	}{
		"to a file beside":          {files: []string{"d/b"}, links: []string{"d/a>b"}, paths: []string{"d"}, want: []string{"d/b"}},
		"to a file before":          {files: []string{"d/a"}, links: []string{"d/b>a"}, paths: []string{"d"}, want: []string{"d/a"}},
		"two to one file outside":   {files: []string{"x"}, links: []string{"d/a>../x", "d/b>../x"}, paths: []string{"d"}, want: []string{"d/a"}},
		"to a file and its folder":  {files: []string{"x/f"}, links: []string{"d/a>../x/f", "d/b>../x"}, paths: []string{"d"}, want: []string{"d/a"}},
		"to a folder and its file":  {files: []string{"x/f", "x/g"}, links: []string{"d/a>../x", "d/b>../x/f"}, paths: []string{"d"}, want: []string{"d/a/f", "d/a/g"}},
		"to a folder and one in it": {files: []string{"x/y/f", "x/g"}, links: []string{"d/a>../x/y", "d/b>../x"}, paths: []string{"d"}, want: []string{"d/a/f", "d/b/g"}},
		"each to each":              {files: []string{"d/1/f", "d/2/f", "d/3/f"}, links: []string{"d/1/2>../2", "d/1/3>../3", "d/2/1>../1", "d/2/3>../3", "d/3/1>../1", "d/3/2>../2"}, paths: []string{"d"}, want: []string{"d/1/f", "d/2/f", "d/3/f"}},
		"each to each outside":      {files: []string{"1/f", "2/f"}, links: []string{"d/1>../1", "d/2>../2", "1/2>../2", "2/1>../1"}, paths: []string{"d"}, want: []string{"d/1/2/f", "d/1/f"}},
		"in two folders to a third": {files: []string{"x/f"}, links: []string{"d/x>../x", "e/x>../x"}, paths: []string{"d", "e"}, want: []string{"d/x/f"}},
		"to another that is named":  {files: []string{"e/f"}, links: []string{"d/e>../e"}, paths: []string{"d", "e"}, want: []string{"e/f"}},
		"into a hidden folder":      {files: []string{"d/.now/f", "d/.now/g"}, links: []string{"d/.data>.now", "d/f>.data/f", "d/g>.data/g", "d/h>.data/g"}, paths: []string{"d"}, want: []string{"d/f", "d/g"}},
		"a named link":              {files: []string{"x/f"}, links: []string{"d>x"}, paths: []string{"d"}, want: []string{"d/f"}},
		"named twice":               {files: []string{"d/e/f"}, paths: []string{"d", "d/e", "d/e/f", "d"}, want: []string{"d/e/f", "d/e/f", "d/e/f", "d/e/f"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for _, f := range c.files {
				write(t, f, f)
			}
			for _, l := range c.links {
				from, to, _ := strings.Cut(l, ">")
				if err := os.MkdirAll(filepath.Dir(from), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(to, from); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(c.want, names(t, New(Options{}, c.paths...))); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	var e *source.Error
	for _, err := range New(Options{}, filepath.Join(t.TempDir(), "no")).Objects(t.Context()) {
		if !errors.As(err, &e) || !errors.Is(err, os.ErrNotExist) || e.Hint == "" {
			t.Errorf("got %v", err)
		}
		return
	}
	t.Error("nothing was said about a path that does not exist")
}

func TestSince(t *testing.T) {
	dir := t.TempDir()
	old, recent := filepath.Join(dir, "old"), filepath.Join(dir, "recent")
	write(t, old, "")
	write(t, recent, "")
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(old, day, day.Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{recent}, names(t, New(Options{Since: day}, dir))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{old}, names(t, New(Options{Since: day}, old))); d != "" {
		t.Errorf("a file that is named is read, however old: %s", d)
	}
	later := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	if d := cmp.Diff([]string{"error: " + dir + ": no file in it was written since 2100-01-01T00:00:00Z"}, names(t, New(Options{Since: later}, dir))); d != "" {
		t.Errorf("of a folder whose files are all too old: %s", d)
	}
}

func TestOpen(t *testing.T) {
	p := filepath.Join(t.TempDir(), "a")
	write(t, p, "text")
	for o, err := range New(Options{Stdin: strings.NewReader("typed")}, p, "-").Objects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		want := map[string]string{"file": "text", "stdin": "typed"}[o.Source]
		if err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", o.Name, b, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestInterrupt reads from a pipe that nobody closes: cancelling ends the read, and
// what had arrived before is not lost.
func TestInterrupt(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r := Interruptible(ctx, in)
	go func() { _, _ = out.Write([]byte("one")) }()
	b := make([]byte, 2)
	for _, want := range []string{"on", "e"} {
		n, err := r.Read(b)
		if err != nil || string(b[:n]) != want {
			t.Fatalf("read %q, %v, want %q", b[:n], err, want)
		}
	}
	cancel()
	if n, err := r.Read(b); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %d, %v", n, err)
	}
}

func TestInterruptibleLong(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 100_000)
	b, err := io.ReadAll(Interruptible(t.Context(), strings.NewReader(text)))
	if err != nil || string(b) != text {
		t.Errorf("%d bytes of %d, %v", len(b), len(text), err)
	}
}
