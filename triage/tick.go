package triage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura"
)

// ErrNoIssue says that a change is about no issue.
var ErrNoIssue = errors.New("no such issue")

// Apply applies what a person did, once; done is false when it was applied before.
func (d *Desk) Apply(ctx context.Context, b Book, c yagura.Change) (is *yagura.Issue, done bool, err error) {
	now := d.Now()
	fresh, err := b.SeenChange(ctx, c.Via, c.ID, now)
	if err != nil {
		return nil, false, err
	}
	is, ok, err := b.Issue(ctx, c.IssueID, yagura.LockChange)
	switch {
	case err != nil:
		return nil, false, err
	case !ok:
		return nil, false, ErrNoIssue
	case !fresh:
		return is, false, nil
	}
	t := &turn{now: now, newID: d.NewID, who: c.Who, is: is}
	if c.What == yagura.ChangeAnswer && !c.Yes && is.Latest != nil && is.Severity < yagura.SeverityHigh {
		// What a high issue is told to is asked of the policy, as for a finding.
		f := *is.Latest
		f.Severity = yagura.SeverityHigh
		j := d.Policy().Judge(Input{Finding: &f, Account: is.AccountInfo, Issue: is, Now: now})
		if d.Routes != nil {
			j.Routes = d.Routes(j.Routes)
		}
		for _, r := range j.Routes {
			is.Routes = appendNew(is.Routes, r)
		}
	}
	if err := t.change(c); err != nil {
		return is, false, err
	}
	if c.What == yagura.ChangeAnswer && c.Yes && is.Latest != nil {
		t.lower(d.Policy().Judge(Input{Finding: is.Latest, Account: is.AccountInfo, Issue: is, Now: now}))
	}
	t.settle()
	return is, true, write(ctx, b, []*turn{t})
}

// Targets are how long a level may wait for a person, and for its end; 0 is forever.
type Targets map[yagura.Severity]Target

// Target is of one level.
type Target struct{ Acknowledge, Close time.Duration }

// Tick does what time alone brings to one issue: the end of a suppression and the warning
// before it, the end of flapping, and the reminder of what is overdue. It changes nothing
// when there is nothing to do. marks remembers what was reminded of already.
func (d *Desk) Tick(ctx context.Context, b Book, id string, targets Targets, marks Marks) error {
	now := d.Now()
	is, ok, err := b.Issue(ctx, id, yagura.LockChange)
	if err != nil || !ok {
		return err
	}
	t := &turn{now: now, newID: d.NewID, who: "yagura", is: is}
	if err := t.tick(ctx, targets, marks); err != nil {
		return err
	}
	t.settle()
	return write(ctx, b, []*turn{t})
}

// plainly writes a length of time as a configuration does: 3d, 36h, 15m.
func plainly(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		word string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if d >= u.unit && d%u.unit == 0 {
			return fmt.Sprintf("%d%s", d/u.unit, u.word)
		}
	}
	return d.String()
}

// Marks remembers, in the transaction, that something was done once.
type Marks interface {
	Once(ctx context.Context, key string) (first bool, err error)
}

// warnBefore is how long before the end of a suppression it is warned of.
const warnBefore = 3 * 24 * time.Hour

func (t *turn) tick(ctx context.Context, targets Targets, marks Marks) error {
	is := t.is
	once := func(what string) (bool, error) {
		return marks.Once(ctx, fmt.Sprintf("%s/%d/%s", is.ID, is.Episode, what))
	}
	if until := is.SuppressedUntil; !until.IsZero() {
		switch {
		case !until.After(t.now):
			t.entry(yagura.EntrySuppressed, "the suppression has ended: "+is.SuppressReason)
			is.SuppressedUntil, is.SuppressReason, t.changed = time.Time{}, "", true
			if is.Status != yagura.StatusClosed {
				t.tell(yagura.OpUpdate, nil)
			}
		case until.Sub(t.now) <= warnBefore && is.Status != yagura.StatusClosed:
			first, err := once("suppress " + until.UTC().Format(time.RFC3339))
			if err != nil {
				return err
			}
			if first {
				t.changed = true
				e := *t.entry(yagura.EntrySuppressed, fmt.Sprintf("the suppression ends on %s: %s", until.UTC().Format(time.RFC3339), is.SuppressReason))
				// An issue that was quiet from the first was never told: the warning goes where
				// it would be, and what it is told there at the end is still owed.
				sinks := is.Told
				if is.Umbrella == "" {
					sinks = union(is.Told, is.Routes)
				}
				t.owe(owed{op: yagura.OpComment, sinks: sinks, entry: &e})
			}
		}
	}
	if is.Flapping && is.Status != yagura.StatusClosed && is.Kind == yagura.Posture && !is.Fixed.Before(is.LastSeen) && t.now.Sub(is.Fixed) >= settleFlap {
		is.Flapping = false
		reason := yagura.ClosedFixed
		if isAlert(is.CauseKey) {
			reason = yagura.ClosedBySource
		}
		t.close(reason, "yagura", fmt.Sprintf("it has stayed fixed for %d hours", int(settleFlap.Hours())))
	}
	if is.Status == yagura.StatusClosed || t.muted() {
		return nil
	}
	target := targets[is.Severity]
	for _, x := range []struct {
		what  string
		limit time.Duration
		holds bool
	}{
		{"acknowledged", target.Acknowledge, is.Status == yagura.StatusOpen},
		{"closed", target.Close, true},
	} {
		if x.limit <= 0 || !x.holds || t.now.Sub(is.Opened) < x.limit {
			continue
		}
		first, err := once("overdue " + x.what)
		if err != nil {
			return err
		}
		if first {
			t.changed = true
			e := *t.entry(yagura.EntryOverdue, fmt.Sprintf("not %s within %s", x.what, plainly(x.limit)))
			t.owe(owed{op: yagura.OpComment, sinks: is.Told, entry: &e})
		}
	}
	return nil
}

// TimeMatters reports whether Tick may have something to do for an issue.
func TimeMatters(is *yagura.Issue, targets Targets, now time.Time) bool {
	if !is.SuppressedUntil.IsZero() && is.SuppressedUntil.Sub(now) <= warnBefore || is.Flapping {
		return true
	}
	target := targets[is.Severity]
	since := now.Sub(is.Opened)
	return target.Acknowledge > 0 && is.Status == yagura.StatusOpen && since >= target.Acknowledge || target.Close > 0 && since >= target.Close
}
