package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// box is an outbox in memory, of notices that are each of an issue of their own.
type box struct {
	mu     sync.Mutex
	list   []*boxed
	writes int // outcomes that were to be written down
}

type boxed struct {
	n     yagura.Notice
	due   time.Time
	owner string
	done  time.Time
}

func newBox(n int) *box {
	b := &box{}
	for i := range n {
		b.list = append(b.list, &boxed{n: yagura.Notice{ID: fmt.Sprint("n", i), IssueID: fmt.Sprint("i", i), Op: yagura.OpOpen}})
	}
	return b
}

func (b *box) LeaseNotices(_ context.Context, _, owner string, now, until time.Time, limit int) (out []yagura.Notice, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range b.list {
		if x.done.IsZero() && !x.due.After(now) && len(out) < limit {
			x.owner, x.due = owner, until
			out = append(out, x.n)
			x.n.Attempts++
		}
	}
	return out, nil
}

func (b *box) write(id, owner string, f func(*boxed)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writes++
	for _, x := range b.list {
		if x.n.ID == id && x.done.IsZero() && x.owner == owner {
			x.owner = ""
			f(x)
			return nil
		}
	}
	return fmt.Errorf("notice %s: %w", id, notify.ErrLeaseLost)
}

func (b *box) SettleNotice(_ context.Context, id, owner string, _ yagura.Receipt, now time.Time) error {
	return b.write(id, owner, func(x *boxed) { x.done = now })
}

func (b *box) RetryNotice(_ context.Context, id, owner string, due time.Time, _ string, _ bool) error {
	return b.write(id, owner, func(x *boxed) { x.due = due })
}

func (b *box) KillNotice(_ context.Context, n yagura.Notice, owner, _ string, now time.Time) error {
	return b.write(n.ID, owner, func(x *boxed) { x.done = now })
}

func (b *box) HastenNotices(_ context.Context, _ string, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range b.list {
		if x.owner == "" && x.due.After(now) {
			x.due = now
		}
	}
	return nil
}

// last is when the last notice was delivered; zero while one is owed.
func (b *box) last() (at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range b.list {
		if x.done.IsZero() {
			return time.Time{}
		}
		if x.done.After(at) {
			at = x.done
		}
	}
	return at
}

// sinkOf is a sink that does what a function says.
type sinkOf func(ctx context.Context, n *yagura.Notice) error

func (sinkOf) Name() string { return "s" }
func (sinkOf) Kind() string { return "test" }
func (f sinkOf) Deliver(ctx context.Context, n *yagura.Notice) (yagura.Receipt, error) {
	return yagura.Receipt{}, f(ctx, n)
}

func run(t *testing.T, b *box, owner string, s sinkOf) *notify.Deliverer {
	d := &notify.Deliverer{Sink: s, Outbox: b, Owner: owner, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { d.Run(ctx); close(ended) }()
	t.Cleanup(func() { stop(); <-ended })
	return d
}

// TestCatchUp: after an hour in which a sink was unwell, everything that is owed is there
// soon after it is well, in whatever way it was unwell.
func TestCatchUp(t *testing.T) {
	for name, c := range map[string]struct {
		n     int
		fault error
		limit time.Duration
	}{
		"errors":                 {50, errors.New("503"), 65 * time.Second}, // some issue is tried at least this often
		"one that waits alone":   {1, errors.New("503"), 65 * time.Second},
		"a limit of ten seconds": {50, &notify.Error{NotSent: true, All: true, After: 10 * time.Second, Err: errors.New("429")}, 15 * time.Second},
		"a limit without a word": {50, &notify.Error{NotSent: true, All: true, Err: errors.New("429")}, 65 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				well := time.Now().Add(time.Hour)
				b := newBox(c.n)
				run(t, b, "a", func(context.Context, *yagura.Notice) error {
					if time.Now().Before(well) {
						return c.fault
					}
					return nil
				})
				time.Sleep(time.Hour + 10*time.Minute)
				last := b.last()
				if last.IsZero() || last.Sub(well) > c.limit {
					t.Errorf("the last came %v after the sink was well, want %v at most", last.Sub(well), c.limit)
				}
				t.Logf("the last came %v after the sink was well", last.Sub(well))
			})
		})
	}
}

// TestOneFails: a notice that fails for a reason of its own is not tried at every success of
// others, and holds none of them up.
func TestOneFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tried, worst := 0, time.Duration(0)
		var mu sync.Mutex
		b := newBox(1)
		d := run(t, b, "a", func(_ context.Context, n *yagura.Notice) error {
			mu.Lock()
			defer mu.Unlock()
			if n.ID == "n0" {
				tried++
				return errors.New("500")
			}
			worst = max(worst, time.Since(n.Created))
			return nil
		})
		for i := range 3600 {
			b.mu.Lock()
			b.list = append(b.list, &boxed{n: yagura.Notice{ID: fmt.Sprint("m", i), IssueID: fmt.Sprint("m", i), Created: time.Now()}})
			b.mu.Unlock()
			d.Wake()
			time.Sleep(time.Second)
		}
		mu.Lock()
		defer mu.Unlock()
		if tried > 100 || worst > time.Second {
			t.Errorf("it was tried %d times in an hour, another waited %v", tried, worst)
		}
	})
}

// TestLeaseRanOut: a delivery takes longer than its lease, and another replica takes the
// notice. The first accepts that at once: it neither tries to write its outcome again and
// again nor keeps the place of others.
func TestLeaseRanOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(8)
		release := make(chan struct{})
		slow := run(t, b, "a", func(context.Context, *yagura.Notice) error { <-release; return nil }) // deaf to its context
		time.Sleep(6 * time.Minute)
		run(t, b, "b", func(context.Context, *yagura.Notice) error { return nil })
		time.Sleep(2 * time.Second)
		if b.last().IsZero() {
			t.Fatal("the other replica did not take them")
		}
		b.mu.Lock()
		before := b.writes
		b.mu.Unlock()
		close(release)
		time.Sleep(4 * time.Minute)
		b.mu.Lock()
		again := b.writes - before
		b.mu.Unlock()
		if again != 8 {
			t.Errorf("8 outcomes that were somebody else's were written %d times", again)
		}
		if s := slow.State(); s.Delivered != 8 {
			t.Errorf("%+v", s)
		}
	})
}
