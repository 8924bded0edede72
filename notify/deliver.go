package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yagura-sec/yagura"
)

// ErrLeaseLost says that the lease of a notice ran out and somebody else has it, or had it
// and is done: what became of it is theirs to write down.
var ErrLeaseLost = errors.New("somebody else has the notice")

// Outbox is what the delivery needs of the store; every method is one transaction. Those
// that finish a notice return [ErrLeaseLost] when owner has it no more.
type Outbox interface {
	// LeaseNotices returns notices that are due, of each issue only the first that is owed,
	// and counts an attempt of each.
	LeaseNotices(ctx context.Context, sink, owner string, now, until time.Time, limit int) ([]yagura.Notice, error)
	SettleNotice(ctx context.Context, id, owner string, r yagura.Receipt, now time.Time) error
	// RetryNotice gives a notice back; notSent says that the sink surely did not act on it.
	RetryNotice(ctx context.Context, id, owner string, due time.Time, reason string, notSent bool) error
	// KillNotice makes a notice a dead letter and raises the finding that says so.
	KillNotice(ctx context.Context, n yagura.Notice, owner, reason string, now time.Time) error
	// HastenNotices makes the notices of a sink that wait to be tried again due now.
	HastenNotices(ctx context.Context, sink string, now time.Time) error
}

// The pace of the delivery.
const (
	leaseFor      = 5 * time.Minute
	deliverWithin = 2 * time.Minute // less than leaseFor: nobody else takes what is under way
	atOnce        = 8
	pollEvery     = time.Second
	firstBackoff  = time.Second
	maxBackoff    = 5 * time.Minute
	maxAfter      = 6 * time.Hour
	maxHold       = time.Minute // of a sink that does not say for how long
	hastenEvery   = time.Minute
	probeEvery    = time.Minute
)

// Deliverer brings the notices of one sink to it, those of one issue strictly in order.
type Deliverer struct {
	Sink   Sink
	Outbox Outbox
	Owner  string
	Now    func() time.Time
	Log    *slog.Logger
	// Wait waits; nil waits on the clock of the world. It returns early, true, when wake is
	// ready, and false when ctx ends.
	Wait func(ctx context.Context, d time.Duration, wake <-chan struct{}) bool
	// Trace is told when the delivery of a notice begins; what it returns is called at its
	// end; nil: nobody is. Both must be quick.
	Trace func(ctx context.Context, kind string, n *yagura.Notice) (context.Context, func(r yagura.Receipt, err error))

	wake chan struct{}
	once sync.Once
	hold atomic.Int64 // until when the whole sink asked to be left alone, in nanoseconds

	mu       sync.Mutex
	state    State
	unwell   bool      // a delivery failed, and those that failed were not hastened since
	hastened time.Time // when they were last
	probe    time.Time // when one of those that failed is tried next
}

// State is how a sink is doing in this process.
type State struct {
	Delivered, Failed, Dead uint64
	LastError               string
	LastErrorAt             time.Time
	LastDelivered           time.Time
	HeldUntil               time.Time
}

// State says how the sink is doing.
func (d *Deliverer) State() State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}

// Wake says that notices were owed.
func (d *Deliverer) Wake() {
	d.init()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *Deliverer) init() {
	d.once.Do(func() {
		d.wake = make(chan struct{}, 1)
		if d.Wait == nil {
			d.Wait = wait
		}
	})
}

func wait(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-t.C:
	}
	return true
}

// Run delivers until ctx ends. A delivery that is under way then is finished, so that its
// outcome is known.
func (d *Deliverer) Run(ctx context.Context) {
	d.init()
	slots := make(chan struct{}, atOnce)
	var running sync.WaitGroup
	defer running.Wait()
	for {
		if held := time.Unix(0, d.hold.Load()).Sub(d.Now()); held > 0 {
			if !d.Wait(ctx, min(held, time.Minute), nil) {
				return
			}
			continue
		}
		n, err := d.lease(ctx, slots, &running)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			d.Log.Error("notices could not be leased: they stay owed", "sink", d.Sink.Name(), "error", err)
			if !d.Wait(ctx, 5*time.Second, nil) {
				return
			}
			continue
		}
		if n == 0 && !d.Wait(ctx, pollEvery, d.wake) {
			return
		}
	}
}

// Drain delivers what is due now, and returns once nothing is: for whoever walks the clock
// and so does not run it.
func (d *Deliverer) Drain(ctx context.Context) error {
	d.init()
	slots := make(chan struct{}, atOnce)
	for {
		var running sync.WaitGroup
		n, err := d.lease(ctx, slots, &running)
		running.Wait()
		if err != nil || n == 0 {
			return err
		}
	}
}

// lease takes what is due and there is room for, and starts its delivery.
func (d *Deliverer) lease(ctx context.Context, slots chan struct{}, running *sync.WaitGroup) (int, error) {
	select {
	case slots <- struct{}{}: // at least one
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	free := 1
	for free < atOnce {
		select {
		case slots <- struct{}{}:
			free++
			continue
		default:
		}
		break
	}
	now := d.Now()
	list, err := d.Outbox.LeaseNotices(ctx, d.Sink.Name(), d.Owner, now, now.Add(leaseFor), free)
	for range free - len(list) {
		<-slots
	}
	if err != nil {
		return 0, err
	}
	for _, n := range list {
		running.Go(func() {
			defer func() { <-slots; d.Wake() }()
			d.one(context.WithoutCancel(ctx), n)
		})
	}
	return len(list), nil
}

// one delivers one notice and writes down what came of it.
func (d *Deliverer) one(ctx context.Context, n yagura.Notice) {
	dctx, cancel := context.WithTimeout(ctx, deliverWithin)
	end := func(yagura.Receipt, error) {}
	if d.Trace != nil {
		dctx, end = d.Trace(dctx, d.Sink.Kind(), &n)
	}
	receipt, err := d.deliver(dctx, &n)
	cancel()
	end(receipt, err)
	now := d.Now()
	switch fault := (*Error)(nil); {
	case err == nil:
		d.note(func(s *State) { s.Delivered++; s.LastDelivered = now })
		d.write(ctx, n, func(ctx context.Context) error { return d.Outbox.SettleNotice(ctx, n.ID, d.Owner, receipt, now) })
		d.hasten(ctx, now)
	case errors.As(err, &fault) && fault.Permanent:
		d.note(func(s *State) { s.Dead++; s.LastError, s.LastErrorAt = err.Error(), now })
		d.Log.Error("a sink refused a notice for good", "sink", n.Sink, "notice", n.ID, "issue", n.IssueID, "error", err)
		d.write(ctx, n, func(ctx context.Context) error { return d.Outbox.KillNotice(ctx, n, d.Owner, err.Error(), now) })
	default:
		if fault == nil {
			fault = &Error{Err: err}
		}
		pause := d.pause(now, n.Attempts, fault.After)
		var until time.Time
		if fault.All {
			until = d.holdFor(now, fault.After, pause)
		}
		d.note(func(s *State) {
			d.unwell = true
			s.Failed++
			s.LastError, s.LastErrorAt = err.Error(), now
			if until.After(s.HeldUntil) {
				s.HeldUntil = until
			}
		})
		d.Log.Warn("a notice was not delivered: it is tried again", "sink", n.Sink, "notice", n.ID, "attempt", n.Attempts+1, "error", err, "again_in", pause)
		d.write(ctx, n, func(ctx context.Context) error {
			return d.Outbox.RetryNotice(ctx, n.ID, d.Owner, now.Add(pause), err.Error(), fault.NotSent)
		})
	}
}

// holdFor leaves the whole sink alone for as long as it asked, or for a while when it did
// not say. How often this notice was tried says nothing about the others.
func (d *Deliverer) holdFor(now time.Time, after, pause time.Duration) time.Time {
	if after <= 0 {
		after = min(pause, maxHold)
	}
	until := now.Add(min(after, maxAfter))
	for {
		have := d.hold.Load()
		if have >= until.UnixNano() {
			return time.Unix(0, have)
		}
		if d.hold.CompareAndSwap(have, until.UnixNano()) {
			return until
		}
	}
}

// hasten has what waits after a failure tried now, since a delivery shows that the sink is
// well again: otherwise the last would come minutes after that. What fails for a reason of
// its own is so tried once more a minute at the most.
func (d *Deliverer) hasten(ctx context.Context, now time.Time) {
	d.mu.Lock()
	due := d.unwell && now.Sub(d.hastened) >= hastenEvery
	if due {
		d.unwell, d.hastened = false, now
	}
	d.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, leaseFor-deliverWithin)
	defer cancel()
	if err := d.Outbox.HastenNotices(ctx, d.Sink.Name(), now); err != nil {
		d.Log.Warn("a sink is well again, and what waits for it waits on", "sink", d.Sink.Name(), "error", err)
	}
}

// deliver calls the sink; one that panics has refused nothing and is tried again.
func (d *Deliverer) deliver(ctx context.Context, n *yagura.Notice) (r yagura.Receipt, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("sink %s stopped: %v", d.Sink.Kind(), p)
		}
	}()
	return d.Sink.Deliver(ctx, n)
}

func (d *Deliverer) note(f func(*State)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(&d.state)
}

// write writes an outcome down. When the store does not take it, the lease runs out and
// the notice is tried again as one whose outcome is uncertain, which is what it is.
func (d *Deliverer) write(ctx context.Context, n yagura.Notice, f func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, leaseFor-deliverWithin)
	defer cancel()
	pause := 50 * time.Millisecond
	for {
		err := f(ctx)
		if err == nil {
			return
		}
		if errors.Is(err, ErrLeaseLost) {
			d.Log.Warn("a delivery took longer than its lease: somebody else has the notice", "sink", n.Sink, "notice", n.ID)
			return
		}
		d.Log.Error("the outcome of a delivery could not be written down", "sink", n.Sink, "notice", n.ID, "error", err)
		if !d.Wait(ctx, pause, nil) {
			return
		}
		pause = min(2*pause, 10*time.Second)
	}
}

// pause is how long a notice waits after some attempts. One of those that wait for an
// unwell sink is tried every minute, unless the sink asked for more time, so that it is
// known soon when the sink is well.
func (d *Deliverer) pause(now time.Time, attempts int, after time.Duration) time.Duration {
	wait := backoff(attempts, after)
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.probe.After(now) {
		wait = max(min(wait, probeEvery), min(after, maxAfter))
	}
	if due := now.Add(wait); !d.probe.After(now) || due.Before(d.probe) {
		d.probe = due
	}
	return wait
}

// backoff is how long to wait after some attempts: twice as long each time, with a
// quarter of chance, and no shorter than the sink asked for.
func backoff(attempts int, after time.Duration) time.Duration {
	d := maxBackoff
	if attempts < 9 {
		d = min(firstBackoff<<attempts, maxBackoff)
	}
	d += time.Duration((rand.Float64() - 0.5) / 2 * float64(d)) //nolint:gosec // chance, not a secret
	return max(d, min(after, maxAfter))
}
