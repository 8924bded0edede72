package app

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/store"
)

// simulated is a clock that moves only when a test moves it, and the senders that wait on
// it. It moves when nothing is under way: what takes a minute takes it exactly.
type simulated struct {
	t    *testing.T
	mu   sync.Mutex
	stir *sync.Cond
	at   time.Time
	all  []*sender
}

// sender is a Deliverer that waits on a simulated clock.
type sender struct {
	*notify.Deliverer
	c   *simulated
	out notify.Outbox

	// What follows is guarded by c.mu.
	running   int  // leased, and the outcome not written down
	finished  bool // since the last look for what is due
	waits     bool // in Run's own wait
	held      bool // the whole sink is left alone: it looks for nothing
	until     time.Time
	fire      chan struct{}
	dead      bool // the process dies: what comes of deliveries is not written down any more
	unwritten int  // outcomes that the death lost
	done      chan struct{}
	stop      context.CancelFunc
}

func newSimulated(t *testing.T) *simulated {
	c := &simulated{t: t, at: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)}
	c.stir = sync.NewCond(&c.mu)
	return c
}

func (c *simulated) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (s *sender) LeaseNotices(ctx context.Context, sink, owner string, now, until time.Time, limit int) ([]yagura.Notice, error) {
	s.c.mu.Lock()
	s.finished = false
	s.c.mu.Unlock()
	list, err := s.out.LeaseNotices(ctx, sink, owner, now, until, limit)
	s.c.mu.Lock()
	s.running += len(list)
	s.c.mu.Unlock()
	return list, err
}

// written is the end of a delivery.
func (s *sender) written(write func() error) error {
	s.c.mu.Lock()
	dead := s.dead
	if dead {
		s.unwritten++
	}
	s.c.mu.Unlock()
	var err error
	if !dead {
		err = write()
	}
	if err == nil || errors.Is(err, store.ErrLeaseLost) {
		s.c.mu.Lock()
		s.running, s.finished = s.running-1, true
		s.c.stir.Broadcast()
		s.c.mu.Unlock()
	}
	return err
}

func (s *sender) SettleNotice(ctx context.Context, id, owner string, r yagura.Receipt, now time.Time) error {
	return s.written(func() error { return s.out.SettleNotice(ctx, id, owner, r, now) })
}

func (s *sender) RetryNotice(ctx context.Context, id, owner string, due time.Time, reason string, notSent bool) error {
	return s.written(func() error { return s.out.RetryNotice(ctx, id, owner, due, reason, notSent) })
}

func (s *sender) KillNotice(ctx context.Context, n yagura.Notice, owner, reason string, now time.Time) error {
	return s.written(func() error { return s.out.KillNotice(ctx, n, owner, reason, now) })
}

func (s *sender) HastenNotices(ctx context.Context, sink string, now time.Time) error {
	return s.out.HastenNotices(ctx, sink, now)
}

// wait is the Deliverer's.
func (s *sender) wait(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	c := s.c
	c.mu.Lock()
	if _, ok := ctx.Deadline(); ok { // an outcome that cannot be written down
		c.mu.Unlock()
		c.t.Errorf("%s waits %v to write an outcome down", s.Sink.Name(), d)
		return false
	}
	fire := make(chan struct{})
	s.fire, s.until, s.waits, s.held = fire, c.at.Add(d), true, wake == nil
	c.stir.Broadcast()
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		s.waits = false
		c.mu.Unlock()
	}()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-fire:
	}
	return true
}

// start begins to deliver.
func (c *simulated) start(d *notify.Deliverer) *sender {
	s := &sender{Deliverer: d, c: c, out: d.Outbox, done: make(chan struct{})}
	d.Outbox, d.Now, d.Wait = s, c.now, s.wait
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	c.mu.Lock()
	c.all = append(c.all, s)
	c.mu.Unlock()
	go func() { d.Run(ctx); close(s.done) }()
	return s
}

// end ends all senders and says how many outcomes were not written down.
func (c *simulated) end() (unwritten int) {
	c.mu.Lock()
	all := c.all
	c.all = nil
	c.mu.Unlock()
	for _, s := range all {
		s.stop()
		<-s.done
		unwritten += s.unwritten
	}
	return unwritten
}

// settle returns when no delivery is under way and nothing that is due was not looked at.
func (c *simulated) settle() {
	c.t.Helper()
	late := false
	guard := time.AfterFunc(time.Minute, func() {
		c.mu.Lock()
		late = true
		c.stir.Broadcast()
		c.mu.Unlock()
	})
	defer guard.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !late && slices.ContainsFunc(c.all, func(s *sender) bool { return s.running > 0 || !s.waits || s.finished && !s.held }) {
		c.stir.Wait()
	}
	if late {
		for _, s := range c.all {
			c.t.Logf("%s: running %d, finished %v, waits %v until %v", s.Sink.Name(), s.running, s.finished, s.waits, s.until)
		}
		c.t.Fatal("the senders never came to rest")
	}
}

// advance moves the clock and lets those go on whose wait is over.
func (c *simulated) advance(d time.Duration) {
	c.t.Helper()
	c.settle()
	c.mu.Lock()
	c.at = c.at.Add(d)
	for _, s := range c.all {
		if s.waits && !s.until.After(c.at) {
			s.waits = false
			close(s.fire)
		}
	}
	c.mu.Unlock()
	c.settle()
}
