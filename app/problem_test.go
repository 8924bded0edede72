package app

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/source"
)

// TestProblem: a problem says the name of its object once.
func TestProblem(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("no more"), "x: no more"},
		{&fs.PathError{Op: "read", Path: "x", Err: errors.New("input/output error")}, "x: input/output error"},
		{&source.Error{Name: "x", Err: errors.New("access denied"), Hint: "ask"}, "x: access denied (hint: ask)"},
		{&decode.RecordError{File: "x!y", Offset: 3, Reason: "bad"}, "x!y: byte 3: bad"},
	} {
		if got := (&Problem{"x", c.err}).Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
