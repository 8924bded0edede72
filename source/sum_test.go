package source_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/yagura-sec/yagura/source"
)

// TestSum: however far a reader went, the sum is that of the whole body.
func TestSum(t *testing.T) {
	text := strings.Repeat("record\n", 1000)
	h := sha256.Sum256([]byte(text))
	want := hex.EncodeToString(h[:])
	for name, body := range map[string]io.Reader{
		"stream":       struct{ io.Reader }{strings.NewReader(text)},
		"file":         strings.NewReader(text),
		"drop by drop": iotest.OneByteReader(strings.NewReader(text)),
	} {
		for _, n := range []int64{0, 10, int64(len(text))} {
			s := source.NewSum(body)
			if seeker, ok := body.(io.Seeker); ok {
				if _, err := seeker.Seek(0, io.SeekStart); err != nil {
					t.Fatal(err)
				}
			} else if n > 0 {
				continue // it is read once only
			}
			if _, err := io.CopyN(io.Discard, s.Reader(), n); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Text(); err != nil || got != want {
				t.Errorf("%s, %d bytes read: %s, %v", name, n, got, err)
			}
		}
	}
	// A file that is recognised first: its beginning is read twice, its end before the middle.
	f := &counting{Reader: strings.NewReader(text)}
	s := source.NewSum(f)
	r := s.Reader().(io.ReadSeeker)
	for _, at := range []int64{0, 0, 3000, 50} {
		if _, err := r.Seek(at, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, r, 100); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Text(); err != nil || got != want {
		t.Errorf("a file that was read back and forth: %s, %v", got, err)
	}
	if f.at > 0 {
		t.Errorf("%d bytes of a file that was read to its end were read again", f.at)
	}
	broken := errors.New("the connection broke")
	s = source.NewSum(io.MultiReader(bytes.NewReader([]byte(text)), iotest.ErrReader(broken)))
	if got, err := s.Text(); !errors.Is(err, broken) || got != "" {
		t.Errorf("%q, %v", got, err)
	}
}

// counting is a file that counts what is read of it at places.
type counting struct {
	*strings.Reader
	at int
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.Reader.ReadAt(p, off)
	c.at += n
	return n, err
}

// shelf keeps copies in memory.
type shelf struct {
	dir  string
	full bool // for what is kept
	kept map[string]string
}

func (s *shelf) TempCopy() (*os.File, error) { return os.CreateTemp(s.dir, "") }

func (s *shelf) KeepCopy(_ context.Context, sum string, r io.ReaderAt, size int64) error {
	if s.full {
		return syscall.ENOSPC
	}
	text, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	s.kept[sum] = string(text)
	return err
}

// TestSumCopies: what is kept are the bytes of the whole body, however it was read and however
// far, and nothing stays of what was only for a while.
func TestSumCopies(t *testing.T) {
	text := strings.Repeat("record\n", 10_000)
	h := sha256.Sum256([]byte(text))
	want := hex.EncodeToString(h[:])
	for name, open := range map[string]func() io.Reader{
		"stream": func() io.Reader { return struct{ io.Reader }{strings.NewReader(text)} },
		"file":   func() io.Reader { return strings.NewReader(text) },
	} {
		for _, read := range []int64{0, 10, int64(len(text))} {
			s := &shelf{dir: t.TempDir(), kept: map[string]string{}}
			sum := source.NewSum(open())
			if err := sum.Copy(s); err != nil {
				t.Fatal(err)
			}
			if _, err := io.CopyN(io.Discard, sum.Reader(), read); err != nil {
				t.Fatal(err)
			}
			if got, err := sum.Keep(t.Context()); err != nil || got != want || s.kept[want] != text {
				t.Errorf("%s, %d bytes read: %s, %v, %d bytes kept", name, read, got, err, len(s.kept[want]))
			}
			if err := sum.Close(); err != nil {
				t.Error(err)
			}
			if left, err := os.ReadDir(s.dir); err != nil || len(left) > 0 {
				t.Errorf("%s: %v are left, %v", name, left, err)
			}
			s.full = true
			sum = source.NewSum(open())
			if err := sum.Copy(s); err != nil {
				t.Fatal(err)
			}
			if _, err := sum.Keep(t.Context()); !errors.Is(err, source.ErrCopy) || !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("%s: %v", name, err)
			}
			if err := sum.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	// A body that breaks off is kept by nobody, and its error is its own.
	s := &shelf{dir: t.TempDir(), kept: map[string]string{}}
	sum := source.NewSum(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	if err := sum.Copy(s); err != nil {
		t.Fatal(err)
	}
	if _, err := sum.Keep(t.Context()); !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, source.ErrCopy) || len(s.kept) > 0 {
		t.Errorf("%v, %v", err, s.kept)
	}
	if err := sum.Close(); err != nil {
		t.Error(err)
	}
	// A disk that takes no more ends the reading.
	sum = source.NewSum(struct{ io.Reader }{strings.NewReader(text)})
	if err := sum.Copy(fullShelf{dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, sum.Reader()); n > 0 || !errors.Is(err, source.ErrCopy) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := sum.Close(); err != nil {
		t.Error(err)
	}
}

// fullShelf gives out files that take nothing.
type fullShelf struct {
	source.Copies
	dir string
}

func (f fullShelf) TempCopy() (*os.File, error) {
	name := filepath.Join(f.dir, "taken")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		return nil, err
	}
	return os.Open(name) // for reading alone
}
