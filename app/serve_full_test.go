package app

import (
	"errors"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/yagura-sec/yagura/intake"
	"github.com/yagura-sec/yagura/repeat"
)

// fullKeys is a key window on a disk that is full for a while.
type fullKeys struct {
	intake.Keys
	judges, syncs atomic.Int64 // how many calls still find no room
}

func (k *fullKeys) Judge(items []repeat.Item, out []repeat.Verdict, mark uint64) error {
	if k.judges.Add(-1) >= 0 {
		return syscall.ENOSPC
	}
	return k.Keys.Judge(items, out, mark)
}

func (k *fullKeys) Sync() error {
	if k.syncs.Add(-1) >= 0 {
		return errors.Join(errors.New("fsync"), syscall.ENOSPC)
	}
	return k.Keys.Sync()
}

func (s *stand) ready() int {
	resp, err := http.Get("http://" + s.serve.Addr() + "/readyz")
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// TestFullKeyWindow: while the key window has no room nothing is judged, and when there is room
// again everything is, once; the service does not end, and does not stand still either.
func TestFullKeyWindow(t *testing.T) {
	keys := &fullKeys{}
	keys.judges.Store(1 << 40)
	keys.syncs.Store(3)
	s := newStand(t)
	s.alter = func(serve *Serve) {
		o := serve.intakeOptions(serve.receivers, 0)
		keys.Keys, o.Keys = o.Keys, keys
		serve.in = intake.New(o)
	}
	s.start()
	stop := trail("2026-03-02T12:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`)
	go func() {
		for s.ready() == http.StatusOK { // until it is said that nothing can be judged
		}
		keys.judges.Store(0)
	}()
	s.post(stop)
	s.until("/readyz answers 200 with room again", func() bool { return s.ready() == http.StatusOK })
	s.post(stop, trail("2026-03-02T12:02:00Z", "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`))
	if is := s.issue("CloudTrail logging disabled"); is.Count != 1 {
		t.Errorf("%d findings of one event", is.Count)
	}
	s.issue("IAM user created")
}
