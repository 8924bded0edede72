package bound_test

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/yagura-sec/yagura/bound"
)

func TestBody(t *testing.T) {
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"as it comes":                 func(r io.Reader) io.Reader { return r },
		"by the byte":                 iotest.OneByteReader,
		"the end with the last bytes": iotest.DataErrReader,
	} {
		body := func() io.ReadCloser { return io.NopCloser(wrap(strings.NewReader("whole"))) }
		if got, err := io.ReadAll(bound.Body(body(), 5)); err != nil || string(got) != "whole" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		got, err := io.ReadAll(bound.Body(body(), 4))
		if err == nil || err.Error() != "the answer has more than 4 bytes" || len(got) > 4 {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		// Whoever reads on after the error gets nothing of the rest.
		b := bound.Body(body(), 2)
		for range 10 {
			if _, err = io.ReadAll(b); err == nil {
				t.Errorf("%s: it ends as if it were whole", name)
			}
		}
	}
}
