package decode

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// TestAsk: a Reader asks before it holds much, once for the most that it ever holds.
func TestAsk(t *testing.T) {
	long := func(n int) string { return `{"a":"` + strings.Repeat("x", n) + "\"}\n" }
	pack := func(window int, text string) string {
		var b bytes.Buffer
		w, err := zstd.NewWriter(&b, zstd.WithWindowSize(window))
		if err != nil {
			t.Fatal(err)
		}
		// In pieces, so that the encoder does not know how little there is.
		for part := range strings.SplitAfterSeq(text, "\n") {
			if _, err := io.WriteString(w, part); err != nil {
				t.Fatal(err)
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	d, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text        string
		least, most int64
	}{
		"short records":    {strings.Repeat(long(1000), 5000), 0, 0},
		"long records":     {strings.Repeat(long(5<<20), 4), 5 << 20, 20 << 20},
		"too long a one":   {long(40<<20) + long(3), 32 << 20, 40 << 20},
		"a usual window":   {pack(1<<20, strings.Repeat(long(1000), 100)), 0, 0},
		"a great window":   {pack(16<<20, strings.Repeat(long(1000), 100)), 16 << 20, 16 << 20},
		"packed long ones": {pack(1<<20, strings.Repeat(long(3<<20), 3)), 3 << 20, 12 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 { // memory that goes from one Reader to the next is not taken for granted
				var asked int64
				r := d.NewReader(strings.NewReader(c.text), "a")
				r.Ask(func(bytes int64) { asked += bytes })
				for {
					_, err := r.Next()
					if bad := (*RecordError)(nil); err != nil && !errors.As(err, &bad) {
						break
					}
				}
				if asked < c.least || asked > c.most {
					t.Errorf("asked for %d bytes, want %d to %d", asked, c.least, c.most)
				}
			}
		})
	}
}
