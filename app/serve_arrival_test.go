package app

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/source"
)

// TestSlowObject: records of an object that takes long to be read arrive when they are there,
// and not when the object began to come. Rules on a schedule have passed that time already, and
// would never look at them.
func TestSlowObject(t *testing.T) {
	q := newHandQueue("hand")
	s := queued(t, q)
	clock := &shifted{}
	s.clock = clock.now
	s.start()
	record := trail("2026-03-02T12:00:00Z", "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`)
	var began time.Time
	q.put(&source.Message{ID: "slow", Objects: []source.Object{{Source: "s3", Name: "s3://logs/slow", Open: func(context.Context) (io.ReadCloser, error) {
		began = clock.now()
		return io.NopCloser(io.MultiReader(strings.NewReader(record[:40]), waits{func() { clock.advance(10 * time.Minute) }}, strings.NewReader(record[40:]))), nil
	}}}})
	s.until("the message is acknowledged", func() bool { return q.done.Load() == 1 })
	files, err := s.serve.lake.Files(t.Context(), yagura.LakeFilter{})
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	if late := files[0].SeenMin.Sub(began); late < 10*time.Minute {
		t.Errorf("a record that came ten minutes after its object began arrived after %v", late)
	}
}

// waits is a part of a body that has no bytes and takes time.
type waits struct{ wait func() }

// Read waits.
func (w waits) Read([]byte) (int, error) {
	w.wait()
	return 0, io.EOF
}
