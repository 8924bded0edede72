package schedule

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule/sentinel"
)

// ask runs a rule's query over one window.
func ask(ctx context.Context, e Engine, r *sentinel.Rule, end time.Time) ([]yagura.Finding, error) {
	w := WindowAt(r.Schedule, end)
	rows, err := e.Query(ctx, QueryRequest{Language: r.Language, Text: r.Query, From: w.From, To: w.To, Now: w.To, MaxRows: maxRows})
	if err != nil {
		return nil, err
	}
	return Judge(r, w, rows), nil
}

// window runs one window and commits what it comes to.
func (u *run) window(ctx context.Context, end time.Time) error {
	limited, cancel := context.WithTimeout(ctx, queryLimit)
	found, err := ask(limited, u.o.Engine, u.rule, end)
	cancel()
	if err != nil {
		return err
	}
	if u.o.Learn != nil && len(found) > 0 {
		u.o.Learn(ctx, found)
	}
	var next run
	var notices int
	err = u.o.Store.Update(ctx, func(ctx context.Context, tx Tx) (err error) {
		next, notices = *u, 0
		next.state.Pending = slices.Clone(u.state.Pending)
		notices, err = next.commit(ctx, tx, end, found)
		return err
	})
	if err != nil {
		return err
	}
	u.state, u.row = next.state, next.row
	if notices > 0 {
		u.o.Committed()
	}
	return nil
}

// commit is the transaction of one window.
func (u *run) commit(ctx context.Context, tx Tx, end time.Time, found []yagura.Finding) (notices int, err error) {
	id := u.rule.ID
	before, err := tx.WindowFindings(ctx, id, end, end.Add(time.Second))
	if err != nil {
		return 0, err
	}
	suppressed, err := u.suppressed(ctx, tx, end)
	if err != nil {
		return 0, err
	}
	now := make([]string, 0, len(found))
	for i := range found {
		now = append(now, found[i].ID)
	}
	if suppressed && len(found) > 0 {
		now, found = []string{""}, nil
	}
	u.state.drop(end)
	if err := tx.PutWindowFindings(ctx, id, end, now); err != nil {
		return 0, err
	}
	if u.rule.Suppress > 0 && said(before) != (len(found) > 0) {
		if err := u.reconsider(ctx, tx, end); err != nil {
			return 0, err
		}
	}
	gone, err := u.gone(ctx, tx, end, before, now)
	if err != nil {
		return 0, err
	}
	var file []yagura.Finding
	for _, f := range found {
		first, ok, err := tx.FirstWindow(ctx, id, f.ID)
		if err != nil {
			return 0, err
		}
		if !ok || !first.Before(end) { // an earlier window has said it
			file = append(file, f)
		}
	}
	u.state.Ran, u.state.Failures = end.Unix(), 0
	if u.state.forget(end); len(u.state.Aside) == 0 { // what is wrong is said until all windows are run
		u.state.Error, u.state.ErrorAt = "", 0
	}
	u.state.Runs++
	if len(found) > 0 && u.rule.Suppress > 0 {
		u.state.Suppressed = max(u.state.Suppressed, end.Add(u.rule.Suppress).Unix())
	}
	if len(gone) > 0 {
		if err := tx.Supersede(ctx, gone); err != nil {
			return 0, err
		}
	}
	fresh := 0
	if len(file) > 0 {
		if fresh, notices, err = tx.Take(ctx, file); err != nil {
			return 0, err
		}
	}
	u.state.Findings += int64(fresh)
	return notices, u.put(ctx, tx)
}

// said reports whether a window said something that was not suppressed.
func said(list []yagura.WindowFinding) bool {
	return slices.ContainsFunc(list, func(w yagura.WindowFinding) bool { return w.Finding != "" })
}

// suppressed reports whether a window before has said something and silences this one.
func (u *run) suppressed(ctx context.Context, tx Tx, end time.Time) (bool, error) {
	if u.rule.Suppress == 0 {
		return false, nil
	}
	list, err := tx.WindowFindings(ctx, u.rule.ID, end.Add(-u.rule.Suppress).Add(time.Second), end)
	return said(list), err
}

// reconsider has the windows run again whose suppression hangs on one that has changed.
func (u *run) reconsider(ctx context.Context, tx Tx, end time.Time) error {
	list, err := tx.WindowFindings(ctx, u.rule.ID, end.Add(time.Second), end.Add(u.rule.Suppress))
	if err != nil {
		return err
	}
	var again []time.Time
	for _, w := range list {
		again = append(again, w.Window)
	}
	u.state.setPending(merge(u.state.pending(), again))
	return nil
}

// gone lists the findings that a window said and says no more, and that no other window says.
// One that a later window says too is that one's from now on: it is run again.
func (u *run) gone(ctx context.Context, tx Tx, end time.Time, before []yagura.WindowFinding, now []string) (gone []string, err error) {
	for _, w := range before {
		if w.Finding == "" || slices.Contains(now, w.Finding) {
			continue
		}
		first, ok, err := tx.FirstWindow(ctx, u.rule.ID, w.Finding)
		switch {
		case err != nil:
			return nil, err
		case !ok:
			gone = append(gone, w.Finding)
		case first.After(end):
			u.state.setPending(merge(u.state.pending(), []time.Time{first}))
		}
	}
	return gone, nil
}

// Over runs a rule over the windows that end in (from, to], in order, and hands out its
// findings, each once: what the runner would have filed, if all events had come in time.
func Over(ctx context.Context, e Engine, r *sentinel.Rule, from, to time.Time, yield func(yagura.Finding) error) (windows int, err error) {
	if r.Schedule == nil {
		return 0, fmt.Errorf("rule %q has no schedule (hint: yagura hunt runs a hunting query)", r.Title)
	}
	ends, left := Ends(r.Schedule, from, to, maxPending)
	if r.Schedule.Near { // it runs where there is something
		if ends, err = touched(ctx, e, r, from, to); err != nil {
			return 0, fmt.Errorf("rule %q: %w", r.Title, err)
		}
		left = max(0, int64(len(ends)-maxPending))
	}
	if left > 0 {
		return 0, fmt.Errorf("rule %q has %d windows in this time, more than %d (hint: a shorter time)", r.Title, left+maxPending, maxPending)
	}
	seen := map[string]bool{}
	var spoke time.Time
	for _, end := range ends {
		found, err := ask(ctx, e, r, end)
		if err != nil {
			return windows, fmt.Errorf("rule %q, window that ends %s: %w", r.Title, end.Format(time.RFC3339), err)
		}
		windows++
		if len(found) == 0 || r.Suppress > 0 && !spoke.IsZero() && end.Sub(spoke) < r.Suppress {
			continue
		}
		spoke = end
		for _, f := range found {
			if !seen[f.ID] {
				seen[f.ID] = true
				if err := yield(f); err != nil {
					return windows, err
				}
			}
		}
	}
	return windows, nil
}

// touched lists the ends, in (from, to], of the windows of a rule that have an event in them.
func touched(ctx context.Context, e Engine, r *sentinel.Rule, from, to time.Time) ([]time.Time, error) {
	times, err := e.Arrived(ctx, ArrivalRequest{Tables: r.Tables, Language: r.Language, To: time.Date(2190, 1, 1, 0, 0, 0, 0, time.UTC), Grain: time.Minute,
		EventFrom: from.Add(-r.Schedule.Period - time.Minute), EventTo: to})
	if err != nil {
		return nil, err
	}
	var ends [][]time.Time
	for _, t := range times {
		if until := t.Add(time.Minute - time.Microsecond); until.Add(r.Schedule.Period).After(from) && t.Before(to) {
			ends = append(ends, Touched(r.Schedule, t, until, from, to))
		}
	}
	return merge(ends...), nil
}
