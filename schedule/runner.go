package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule/sentinel"
)

// Options are what a runner is made of.
type Options struct {
	// Rules are those of now; disabled rules and hunting queries are passed over.
	Rules  func() []*sentinel.Rule
	Engine Engine
	Store  Store
	Now    func() time.Time
	Owner  string
	Log    *slog.Logger
	// Learn finds out what the store should know of findings before it takes them, and writes
	// it into them; nil: nothing. It is called outside of transactions, and comes back soon.
	Learn func(ctx context.Context, findings []yagura.Finding)
	// Committed is called after notices were owed.
	Committed func()
	// Settle is how long an event may take from its arrival until a query sees it.
	Settle time.Duration
	// Late is how long after it happened an event may come and open its windows again.
	Late time.Duration
	// CatchUp is how far back windows that were missed are run.
	CatchUp time.Duration
	// Begin is where a rule begins that was never run; zero: now. It is for tests and replays.
	Begin time.Time
	// Windows is how many windows of one rule are run in one pass.
	Windows int
}

// The defaults of Options.
const (
	DefaultSettle  = 3 * time.Minute
	DefaultLate    = 14 * 24 * time.Hour
	DefaultCatchUp = 7 * 24 * time.Hour
	defaultWindows = 50
	maxRows        = 10_001 // one more than a threshold may ask for
	leaseFor       = 2 * time.Minute
	passEvery      = 20 * time.Second
	queryLimit     = 100 * time.Second // below the lease
	ahead          = 24 * time.Hour    // clocks of sources that go before ours
	longestWait    = 5 * time.Minute   // between looks at what arrived for a rule that has no window to run
	longestPause   = time.Hour         // of a rule, or a window, that failed
	maxAside       = 100               // windows of a rule that failed, and are passed over meanwhile
	failuresAtOnce = 3                 // of a rule in one pass
)

// Runner runs the rules.
type Runner struct {
	o      Options
	mu     sync.Mutex
	next   map[string]time.Time // when a rule is looked at again
	events map[string]time.Time // latest event time that arrived, by table list
}

// New makes a runner.
func New(o Options) *Runner {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Committed == nil {
		o.Committed = func() {}
	}
	for _, d := range []struct {
		to *time.Duration
		v  time.Duration
	}{{&o.Settle, DefaultSettle}, {&o.Late, DefaultLate}, {&o.CatchUp, DefaultCatchUp}} {
		if *d.to == 0 {
			*d.to = d.v
		}
	}
	if o.Windows == 0 {
		o.Windows = defaultWindows
	}
	return &Runner{o: o, next: map[string]time.Time{}, events: map[string]time.Time{}}
}

// Run makes passes until ctx ends.
func (r *Runner) Run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := passEvery
		more, err := r.Pass(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			r.o.Log.Error("rules on a schedule could not all be run: they are tried again", "error", err)
		case more:
			wait = 0
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
		case <-t.C:
		}
	}
}

// Pass looks at every rule once. more says that windows wait which could be run at once.
func (r *Runner) Pass(ctx context.Context) (more bool, err error) {
	now := r.o.Now().UTC()
	upTo := now.Add(-r.o.Settle)
	settled, err := r.o.Engine.Settled(ctx, now)
	if err != nil {
		return false, fmt.Errorf("schedule: what has settled: %w", err)
	}
	if settled.Before(upTo) {
		upTo = settled
	}
	upTo = upTo.Truncate(time.Second)
	p := &pass{Runner: r, now: now, upTo: upTo, arrived: map[string][]time.Time{}}
	var errs []error
	for _, x := range r.o.Rules() {
		if ctx.Err() != nil {
			break
		}
		if x.Schedule == nil || x.Disabled || !r.due(x, now) {
			continue
		}
		waiting, err := p.rule(ctx, x)
		if err != nil && ctx.Err() == nil {
			errs = append(errs, fmt.Errorf("schedule: rule %q: %w", x.Title, err))
		}
		more = more || waiting
	}
	return more, errors.Join(errs...)
}

// due reports whether a rule is to be looked at.
func (r *Runner) due(x *sentinel.Rule, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.next[x.ID]
	return !next.After(now) || next.Sub(now) > longestPause+time.Minute // or the clock went back
}

func (r *Runner) wait(rule string, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next[rule] = until
}

// pass is one pass; what arrived is asked for once for all rules that ask for the same.
type pass struct {
	*Runner
	now, upTo time.Time
	arrived   map[string][]time.Time
}

// run is one rule in a pass, while its lease lasts.
type run struct {
	*pass
	rule  *sentinel.Rule
	row   yagura.ScheduleState
	state state
}

// rule takes the lease of a rule, accounts for what arrived, and runs windows.
func (p *pass) rule(ctx context.Context, x *sentinel.Rule) (more bool, err error) {
	u := &run{pass: p, rule: x}
	begin := p.o.Begin
	if begin.IsZero() {
		begin = p.upTo
	}
	ok := false
	err = p.o.Store.Update(ctx, func(ctx context.Context, tx Tx) (err error) {
		u.row, ok, err = tx.LeaseSchedule(ctx, x.ID, p.o.Owner, p.now, p.now.Add(leaseFor), begin)
		return err
	})
	if err != nil || !ok {
		return false, err
	}
	if u.state, err = readState(u.row); err != nil {
		return false, err
	}
	if again := time.Unix(u.state.ErrorAt, 0).Add(pause(u.state.Failures)); u.state.Failures > 0 && p.now.Before(again) {
		p.wait(x.ID, again)
		return false, nil
	}
	if err := u.account(ctx); err != nil {
		return false, u.failed(ctx, err)
	}
	var errs []error
	for n := 0; n < p.o.Windows; n++ {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		end, ok := u.ready()
		if !ok {
			break
		}
		if err := u.window(ctx, end); err != nil {
			err = fmt.Errorf("the window that ends %s: %w", end.Format(time.RFC3339), err)
			if len(u.state.Aside) >= maxAside && u.state.Aside[end.Unix()].Tries == 0 {
				return false, errors.Join(append(errs, u.failed(ctx, err))...) // it is not about some windows
			}
			errs = append(errs, err)
			if err := u.aside(ctx, end, err); err != nil {
				return false, errors.Join(append(errs, err)...)
			}
			if len(errs) == failuresAtOnce {
				break
			}
		}
	}
	if _, more = u.ready(); !more {
		// A window that ends is run at once; for late data that comes in between it is enough
		// to look now and then.
		next := floor(p.upTo, x.Schedule.Every).Add(x.Schedule.Every).Add(p.now.Sub(p.upTo))
		if look := p.now.Add(longestWait); look.Before(next) {
			next = look
		}
		for _, a := range u.state.Aside {
			if again := a.again(); again.Before(next) {
				next = again
			}
		}
		p.wait(x.ID, next)
	}
	return more, errors.Join(errs...)
}

// ready is the first window that is to be run and has ended, then those that failed and are to
// be tried again: whoever floods an hour, so that its query ends at the limits, does not blind
// the rule for the hours that follow.
func (u *run) ready() (end time.Time, ok bool) {
	for _, n := range u.state.Pending {
		at := time.Unix(n, 0).UTC()
		if at.After(u.row.Watermark) {
			break
		}
		a, failed := u.state.Aside[n]
		if !failed {
			return at, true
		}
		if !ok && !a.again().After(u.now) {
			end, ok = at, true
		}
	}
	return end, ok
}

// aside notes that a window failed, and when it is tried again.
func (u *run) aside(ctx context.Context, end time.Time, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	at := u.o.Now().Unix()
	u.state.Error, u.state.ErrorAt = plain(cause.Error(), 2000), at
	u.state.setAside(end, at)
	return u.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error { return u.put(ctx, tx) })
}

// pause is how long a rule waits after it failed.
func pause(failures int) time.Duration {
	return min(30*time.Second<<min(max(failures-1, 0), 10), longestPause)
}

// failed notes why a rule failed. The watermark stays where it is.
func (u *run) failed(ctx context.Context, cause error) error {
	if ctx.Err() != nil {
		return cause
	}
	u.state.Error, u.state.ErrorAt = plain(cause.Error(), 2000), u.now.Unix()
	u.state.Failures++
	err := u.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error { return u.put(ctx, tx) })
	return errors.Join(cause, err)
}

// put writes the rule's row, which proves that the lease is still ours.
func (u *run) put(ctx context.Context, tx Tx) error {
	u.row.Lease, u.row.Body = u.o.Now().Add(leaseFor), u.state.write()
	return tx.PutSchedule(ctx, u.row)
}

// account moves the watermark to the end of the pass and notes which windows are to be run.
func (u *run) account(ctx context.Context) error {
	s, from := u.rule.Schedule, u.row.Watermark
	if from.After(u.now) {
		// The clock went back. What came since then arrived before the watermark: it and a while
		// before it are accounted for again, which changes nothing where it is the same.
		from = u.upTo.Add(-longestPause)
		u.o.Log.Warn("a rule is ahead of the clock, which went back: what arrived within the last hour is looked at again", "rule", u.rule.Title, "until", u.row.Watermark)
		u.row.Watermark = from
	}
	if !u.upTo.After(from) {
		return nil
	}
	times, err := u.arrivals(ctx, from)
	if err != nil {
		return fmt.Errorf("what arrived: %w", err)
	}
	st := u.state
	oldest := u.upTo.Add(-u.o.Late)
	to := from  // windows that end later are run anyhow
	if s.Near { // unless only what came counts
		to = u.upTo.Add(s.Period + ahead)
	}
	grain := u.grain()
	var again [][]time.Time
	for _, t := range times {
		if t.Before(oldest) {
			st.Late++
		}
		again = append(again, Touched(s, t, t.Add(grain-time.Microsecond), oldest, to))
	}
	opened := merge(again...)
	var ended []time.Time
	if !s.Near {
		start := from
		if least := u.upTo.Add(-u.o.CatchUp); start.Before(least) {
			_, all := Ends(s, start, least, 0)
			st.Skipped += all
			start = least
		}
		var left int64
		ended, left = Ends(s, start, u.upTo, maxPending/2)
		st.Skipped += left
	}
	pending := merge(st.pending(), opened, ended)
	if n := len(pending); n > maxPending {
		st.Skipped += int64(n - maxPending)
		pending = pending[n-maxPending:]
	}
	if !s.Near {
		st.Reopened += int64(len(opened))
	}
	st.setPending(pending)
	row := u.row
	row.Watermark = u.upTo
	kept := *u
	kept.state, kept.row = st, row
	err = u.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
		if err := kept.put(ctx, tx); err != nil {
			return err
		}
		return tx.DropWindowFindings(ctx, u.rule.ID, oldest.Add(-s.Period-u.rule.Suppress))
	})
	if err != nil {
		return err
	}
	skipped := u.state.Skipped
	u.state, u.row = st, kept.row
	if n := kept.state.Skipped - skipped; n > 0 {
		u.o.Log.Warn("windows of a rule are older than what is caught up: they are not run (hint: yagura retro runs a rule over history)", "rule", u.rule.Title, "windows", n)
	}
	return nil
}

// grain is how exact the times of arrivals must be: a rule whose windows end every day need
// not know the minute.
func (u *run) grain() time.Duration {
	if u.rule.Schedule.Every >= time.Hour {
		return 5 * time.Minute
	}
	return time.Minute
}

// arrivals returns the event times of what arrived for the rule's tables.
func (u *run) arrivals(ctx context.Context, from time.Time) ([]time.Time, error) {
	a := ArrivalRequest{Tables: u.rule.Tables, Language: u.rule.Language, From: from, To: u.upTo, Grain: u.grain()}
	name := fmt.Sprintf("%q %s %d %d", a.Tables, a.Language, a.From.UnixNano(), a.Grain)
	if times, ok := u.arrived[name]; ok {
		return times, nil
	}
	times, err := u.o.Engine.Arrived(ctx, a)
	if err == nil {
		u.arrived[name] = times
	}
	return times, err
}

// Status says how far the rules are.
func (r *Runner) Status(ctx context.Context) ([]Status, error) {
	rules := map[string]*sentinel.Rule{}
	for _, x := range r.o.Rules() {
		if x.Schedule != nil && !x.Disabled {
			rules[x.ID] = x
		}
	}
	now := r.o.Now()
	var out []Status
	err := r.o.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		out = nil
		for after := ""; ; {
			page, err := tx.Schedules(ctx, after, 500)
			if err != nil {
				return err
			}
			for _, s := range page {
				after = s.Rule
				x := rules[s.Rule]
				if x == nil {
					continue // of rules that are not loaded now
				}
				st, err := statusOf(s, now)
				if err != nil {
					return err
				}
				st.Title, st.Every, st.Period = x.Title, x.Schedule.Every.String(), x.Schedule.Period.String()
				out = append(out, st)
			}
			if len(page) < 500 {
				return nil
			}
		}
	})
	return out, err
}
