package source_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
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
