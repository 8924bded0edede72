package intake

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"runtime/debug"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/detect"
	"github.com/yagura-sec/yagura/triage"
)

// The pace of the evaluation of windows.
const (
	evaluateEvery = 500 * time.Millisecond
	groupLease    = time.Minute
	groupsAtOnce  = 200
	// rowsPerSecond paces large groups: one of n rows is not evaluated again before
	// n/rowsPerSecond seconds have passed, or else a flood would be read again and again.
	rowsPerSecond = 50_000
	longestPace   = time.Minute
)

// wakeWindows says that base matches were added.
func (in *Intake) wakeWindows(list []prepared) {
	for i := range list {
		if len(list[i].rows) > 0 {
			select {
			case in.wake <- struct{}{}:
			default:
			}
			return
		}
	}
}

// evaluate evaluates the groups that changed, or whose windows have ended, until ctx ends.
func (in *Intake) evaluate(ctx context.Context) {
	paced := map[string]time.Time{}
	for ctx.Err() == nil {
		n, err := in.evaluateSome(ctx, paced)
		switch {
		case err != nil && ctx.Err() == nil:
			in.o.Log.Error("windows could not be evaluated: they are tried again", "error", err)
			if !sleep(ctx, 5*time.Second) {
				return
			}
		case n >= groupsAtOnce:
		default:
			select {
			case <-ctx.Done():
				return
			case <-in.wake:
				if !sleep(ctx, evaluateEvery/5) { // let what comes together be evaluated together
					return
				}
			case <-time.After(evaluateEvery):
			}
		}
	}
}

// Evaluate evaluates all groups that changed or whose windows have ended by now, for whoever
// walks the clock ([Options.Stepped]).
func (in *Intake) Evaluate(ctx context.Context) error {
	for {
		n, err := in.evaluateSome(ctx, map[string]time.Time{})
		if err != nil || n == 0 {
			return err
		}
	}
}

func (in *Intake) evaluateSome(ctx context.Context, paced map[string]time.Time) (int, error) {
	now := in.o.Now()
	var groups []yagura.WindowGroup
	err := in.o.Store.Update(ctx, func(ctx context.Context, tx Tx) (err error) {
		groups, err = tx.LeaseWindowGroups(ctx, in.o.Owner, now, now.Add(groupLease), groupsAtOnce)
		return err
	})
	if err != nil {
		return 0, err
	}
	for key, at := range paced {
		if !at.After(now) {
			delete(paced, key)
		}
	}
	var errs []error
	var due []yagura.WindowGroup
	for _, g := range groups {
		if at := paced[paceKey(g)]; at.After(now) {
			errs = append(errs, in.settleGroup(ctx, g, at))
			continue
		}
		due = append(due, g)
	}
	for len(due) > 0 {
		gen := in.o.Generation()
		n := together(gen.Engine, due)
		errs = append(errs, in.evaluateTogether(ctx, gen, due[:n], now, paced))
		due = due[n:]
	}
	return len(groups), errors.Join(errs...)
}

func paceKey(g yagura.WindowGroup) string { return string(g.Corr[:]) + string(g.Group) }

// The bounds of what is evaluated on one snapshot and written in one transaction. A commit
// costs an answer of the disk, which many small groups share; whoever else writes waits for
// it, so it is not to become long.
const (
	groupsTogether  = 64
	rowsTogether    = 10_000
	windowsTogether = 512
)

// together says how many of the groups, from the first on, are evaluated together. One that
// another feeds is left for later: what that one finds is written by then.
func together(e *detect.Engine, groups []yagura.WindowGroup) int {
	var rows int64
	fed := map[yagura.Key]bool{}
	for i, g := range groups {
		rows += g.Rows
		if i > 0 && (i == groupsTogether || rows > rowsTogether || fed[g.Corr]) {
			return i
		}
		for _, k := range e.FedBy(g.Corr) {
			fed[k] = true
		}
	}
	return len(groups)
}

// evaluated is a group with what it came to.
type evaluated struct {
	group yagura.WindowGroup
	detect.Evaluated
}

// evaluateTogether evaluates groups on one snapshot and files what they find in as few
// transactions as there may be. What goes wrong with one of them has each of its transaction
// evaluated again alone, so that it holds up no other.
func (in *Intake) evaluateTogether(ctx context.Context, gen *Generation, groups []yagura.WindowGroup, now time.Time, paced map[string]time.Time) error {
	list, alone := in.look(ctx, gen, groups, now)
	for len(list) > 0 {
		n, windows := 1, len(list[0].Windows)
		for n < len(list) && windows+len(list[n].Windows) <= windowsTogether {
			windows += len(list[n].Windows)
			n++
		}
		cases := casesOf(gen, list[:n])
		in.o.Desk.Learn(ctx, cases)
		err := in.fileGroups(ctx, gen, list[:n], cases, nil)
		switch {
		case err == nil:
			in.Stats.Evaluated.Add(uint64(n)) //nolint:gosec // at most groupsTogether
		case ctx.Err() != nil:
			return err
		default:
			for _, x := range list[:n] {
				alone = append(alone, x.group)
			}
		}
		list = list[n:]
	}
	var errs []error
	for _, g := range alone {
		rows, err := in.evaluateGroup(ctx, gen, g, now)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if pace := min(time.Duration(rows)*time.Second/rowsPerSecond, longestPace); pace >= evaluateEvery {
			paced[paceKey(g)] = now.Add(pace)
		}
	}
	return errors.Join(errs...)
}

// look evaluates groups on one snapshot. alone are those that need more than to be filed, and
// all of them where the snapshot breaks off. One group is evaluated alone anyway.
func (in *Intake) look(ctx context.Context, gen *Generation, groups []yagura.WindowGroup, now time.Time) (list []evaluated, alone []yagura.WindowGroup) {
	if len(groups) == 1 {
		return nil, groups
	}
	err := in.o.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		for _, g := range groups {
			out, known, _, err := in.windowsIn(ctx, tx, gen, g, now)
			if err != nil || !known {
				alone = append(alone, g)
				continue
			}
			list = append(list, evaluated{g, out})
		}
		return nil
	})
	if err != nil {
		return nil, groups
	}
	return list, alone
}

// casesOf are the findings of windows.
func casesOf(gen *Generation, list []evaluated) (cases []triage.Found) {
	for i := range list {
		for k := range list[i].Windows {
			if w := &list[i].Windows[k]; w.Finds {
				cases = append(cases, triage.Found{Finding: w.Finding, Generation: gen.Hash})
			}
		}
	}
	return cases
}

// reported is what a group has said that may still change.
type reported struct {
	IDs []string `json:"ids"`
}

func reportedKey(g yagura.WindowGroup) string {
	return "window/" + hash(string(g.Corr[:]), string(g.Group))
}

// evaluateGroup runs a correlation over one group and files what it finds. What the group
// found before and does not find any more is superseded: a match that came late has moved
// its window. What is refused for good becomes a dead letter, and holds up no group.
func (in *Intake) evaluateGroup(ctx context.Context, gen *Generation, g yagura.WindowGroup, now time.Time) (rows int, err error) {
	r := refused{like: yagura.DeadLetter{Source: windowSource, Object: hex.EncodeToString(g.Corr[:]), At: now}}
	out, known, latest, err := in.windowsOf(ctx, gen, g, now)
	if p := (*stopped)(nil); errors.As(err, &p) {
		r.refuse(g, string(g.Group), err)
		return buriedRows, in.buryGroup(ctx, gen, g, &r)
	}
	if err != nil {
		return 0, err
	}
	in.Stats.Evaluated.Add(1)
	if !known {
		return 0, in.unknownGroup(ctx, g, now, latest)
	}
	one := []evaluated{{g, out}}
	cases := casesOf(gen, one)
	in.o.Desk.Learn(ctx, cases)
	err = in.fileGroups(ctx, gen, one, cases, nil)
	if err == nil || ctx.Err() != nil || !in.alive(ctx) {
		return out.Rows, err
	}
	if cases, err = in.pareCases(ctx, cases, &r); err != nil {
		return out.Rows, err
	}
	err = in.fileGroups(ctx, gen, one, append(cases, r.cases(gen.Hash)...), r.letters)
	if err != nil && ctx.Err() == nil && in.alive(ctx) {
		r.refuse(g, string(g.Group), err)
		return buriedRows, in.buryGroup(ctx, gen, g, &r)
	}
	if err == nil {
		in.tell(&r)
	}
	return out.Rows, err
}

// windowSource is what stands for the source of a dead letter that no one record makes.
const windowSource = "windows"

// windowsOf evaluates a group. latest is when a row came last of a group that no rule here
// knows.
func (in *Intake) windowsOf(ctx context.Context, gen *Generation, g yagura.WindowGroup, now time.Time) (out detect.Evaluated, known bool, latest time.Time, err error) {
	err = in.o.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		out, known, latest, err = in.windowsIn(ctx, tx, gen, g, now)
		return err
	})
	return out, known, latest, err
}

// windowsIn evaluates a group on a snapshot. What panics is an error.
func (in *Intake) windowsIn(ctx context.Context, tx Tx, gen *Generation, g yagura.WindowGroup, now time.Time) (out detect.Evaluated, known bool, latest time.Time, err error) {
	defer func() {
		if p := recover(); p != nil {
			in.o.Log.Error("the evaluation of windows panicked", "error", p, "stack", string(debug.Stack()))
			err = &stopped{"the evaluation of windows", p}
		}
	}()
	out, known, err = gen.Engine.EvaluateGroup(g.Corr, g.Group, g.Sealed, detect.Lateness{Now: now, After: in.o.Lateness}, func(yield func(yagura.WindowRow) error) error {
		return tx.WindowRows(ctx, g.Corr, g.Group, nil, yield)
	})
	if err != nil || known {
		return out, known, latest, err
	}
	err = tx.WindowRows(ctx, g.Corr, g.Group, nil, func(r yagura.WindowRow) error {
		if r.Arrived.After(latest) {
			latest = r.Arrived
		}
		return nil
	})
	return out, known, latest, err
}

// fileGroups writes what groups came to.
func (in *Intake) fileGroups(ctx context.Context, gen *Generation, list []evaluated, cases []triage.Found, dead []yagura.DeadLetter) error {
	var taken triage.Taken
	err := filing(func(force bool) error {
		return in.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
			for i := range list {
				if err := in.settleEvaluated(ctx, tx, gen, &list[i]); err != nil {
					return err
				}
			}
			var err error
			if taken, err = in.fileFound(ctx, tx, cases, force); err != nil || len(dead) == 0 {
				return err
			}
			return tx.PutDead(ctx, dead)
		})
	})
	if err != nil {
		return err
	}
	if taken.Notices > 0 {
		in.o.Committed()
	}
	in.Stats.Findings.Add(uint64(taken.Fresh))
	return nil
}

// settleEvaluated gives a group back that was evaluated, with what it says to others.
func (in *Intake) settleEvaluated(ctx context.Context, tx Tx, gen *Generation, x *evaluated) error {
	if err := in.chain(ctx, tx, gen, x); err != nil {
		return err
	}
	if !x.KeepFrom.IsZero() {
		upTo := binary.BigEndian.AppendUint64(nil, uint64(x.KeepFrom.UnixNano())^1<<63)
		if err := tx.DropWindowRows(ctx, x.group.Corr, x.group.Group, upTo); err != nil {
			return err
		}
	}
	return tx.SettleWindowGroup(ctx, x.group, in.o.Owner, x.Sealed, x.Due)
}

// buriedFor is how long a group is put off that cannot be evaluated: other rules, or another
// version, may be able to.
const buriedFor = time.Hour

// buriedRows makes the pace of such a group the slowest, when rows are added to it.
const buriedRows = int(longestPace/time.Second) * rowsPerSecond

// buryGroup puts a group off that cannot be evaluated or filed, and says so. Its rows stay.
func (in *Intake) buryGroup(ctx context.Context, gen *Generation, g yagura.WindowGroup, r *refused) error {
	err := filing(func(force bool) error {
		return in.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
			if err := tx.SettleWindowGroup(ctx, g, in.o.Owner, g.Sealed, r.like.At.Add(buriedFor)); err != nil {
				return err
			}
			if _, err := in.fileFound(ctx, tx, r.cases(gen.Hash), force); err != nil {
				return err
			}
			return tx.PutDead(ctx, r.letters)
		})
	})
	if err == nil {
		in.tell(r)
		in.o.Committed()
	}
	return err
}

// unknownFor is how long rows are kept of a correlation that no rule here makes.
const unknownFor = 24 * time.Hour

// unknownGroup puts a group off whose rule is gone or means something else now. Another
// replica may have read newer rules already, or this one may have read a broken file: so its
// rows are dropped only when none has come for a day.
func (in *Intake) unknownGroup(ctx context.Context, g yagura.WindowGroup, now, latest time.Time) error {
	age := now.Sub(latest)
	if age < unknownFor {
		return in.settleGroup(ctx, g, now.Add(min(max(age/4, time.Minute), time.Hour)))
	}
	return in.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.DropWindowRows(ctx, g.Corr, g.Group, []byte{0xFF}); err != nil {
			return err
		}
		return tx.SettleWindowGroup(ctx, g, in.o.Owner, g.Sealed, time.Time{})
	})
}

// chain hands the findings to the correlations that are built on this one, and takes back
// what does not hold any more.
func (in *Intake) chain(ctx context.Context, tx Tx, gen *Generation, x *evaluated) error {
	key := reportedKey(x.group)
	var before reported
	data, ok, err := tx.State(ctx, key)
	if err != nil {
		return err
	}
	if ok {
		if err := json.Unmarshal(data, &before); err != nil {
			return err
		}
	}
	gone := map[string]bool{}
	for _, id := range before.IDs {
		gone[id] = true
	}
	var after reported
	origins := before.IDs
	rows := map[yagura.Key][]yagura.WindowRow{}
	for i := range x.Windows {
		w := &x.Windows[i]
		delete(gone, w.Finding.ID)
		if !w.Final {
			after.IDs = append(after.IDs, w.Finding.ID)
		}
		origins = append(origins, w.Finding.ID)
		for _, r := range w.Chain {
			rows[r.Corr] = append(rows[r.Corr], r)
		}
	}
	var superseded []string
	for _, id := range before.IDs {
		if gone[id] {
			superseded = append(superseded, id)
		}
	}
	if len(superseded) > 0 {
		if err := tx.Supersede(ctx, superseded); err != nil {
			return err
		}
	}
	for _, corr := range gen.Engine.FedBy(x.group.Corr) {
		if err := tx.ReplaceOrigin(ctx, corr, origins, rows[corr]); err != nil {
			return err
		}
	}
	if len(before.IDs) == 0 && len(after.IDs) == 0 {
		return nil
	}
	if len(after.IDs) == 0 {
		return tx.PutState(ctx, key, nil)
	}
	data, err = json.Marshal(after)
	if err != nil {
		return err
	}
	return tx.PutState(ctx, key, data)
}

// settleGroup puts a group off.
func (in *Intake) settleGroup(ctx context.Context, g yagura.WindowGroup, due time.Time) error {
	return in.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
		return tx.SettleWindowGroup(ctx, g, in.o.Owner, g.Sealed, due)
	})
}
