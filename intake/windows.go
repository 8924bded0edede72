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
	for _, g := range groups {
		k := string(g.Corr[:]) + string(g.Group)
		if at := paced[k]; at.After(now) {
			errs = append(errs, in.settleGroup(ctx, g, at))
			continue
		}
		rows, err := in.evaluateGroup(ctx, g, now)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if pace := min(time.Duration(rows)*time.Second/rowsPerSecond, longestPace); pace >= evaluateEvery {
			paced[k] = now.Add(pace)
		}
	}
	return len(groups), errors.Join(errs...)
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
func (in *Intake) evaluateGroup(ctx context.Context, g yagura.WindowGroup, now time.Time) (rows int, err error) {
	gen := in.o.Generation()
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
	var cases []triage.Found
	for i := range out.Windows {
		if w := &out.Windows[i]; w.Finds {
			cases = append(cases, triage.Found{Finding: w.Finding, Generation: gen.Hash})
		}
	}
	in.o.Desk.Learn(ctx, cases)
	err = in.fileGroup(ctx, g, &out, cases, nil)
	if err == nil || ctx.Err() != nil || !in.alive(ctx) {
		return out.Rows, err
	}
	if cases, err = in.pareCases(ctx, cases, &r); err != nil {
		return out.Rows, err
	}
	err = in.fileGroup(ctx, g, &out, append(cases, r.cases(gen.Hash)...), r.letters)
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
	defer func() {
		if p := recover(); p != nil {
			in.o.Log.Error("the evaluation of windows panicked", "error", p, "stack", string(debug.Stack()))
			err = &stopped{"the evaluation of windows", p}
		}
	}()
	err = in.o.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		out, known, err = gen.Engine.EvaluateGroup(g.Corr, g.Group, g.Sealed, detect.Lateness{Now: now, After: in.o.Lateness}, func(yield func(yagura.WindowRow) error) error {
			return tx.WindowRows(ctx, g.Corr, g.Group, nil, yield)
		})
		if err != nil || known {
			return err
		}
		return tx.WindowRows(ctx, g.Corr, g.Group, nil, func(r yagura.WindowRow) error {
			if r.Arrived.After(latest) {
				latest = r.Arrived
			}
			return nil
		})
	})
	return out, known, latest, err
}

// fileGroup writes what a group came to.
func (in *Intake) fileGroup(ctx context.Context, g yagura.WindowGroup, out *detect.Evaluated, cases []triage.Found, dead []yagura.DeadLetter) error {
	var taken triage.Taken
	err := filing(func(force bool) error {
		return in.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
			if err := in.chain(ctx, tx, g, out); err != nil {
				return err
			}
			if !out.KeepFrom.IsZero() {
				upTo := binary.BigEndian.AppendUint64(nil, uint64(out.KeepFrom.UnixNano())^1<<63)
				if err := tx.DropWindowRows(ctx, g.Corr, g.Group, upTo); err != nil {
					return err
				}
			}
			if err := tx.SettleWindowGroup(ctx, g, in.o.Owner, out.Sealed, out.Due); err != nil {
				return err
			}
			var err error
			if taken, err = in.fileFound(ctx, tx, cases, force); err != nil || len(dead) == 0 {
				return err
			}
			return tx.PutDead(ctx, dead)
		})
	})
	if err == nil && taken.Notices > 0 {
		in.o.Committed()
	}
	in.Stats.Findings.Add(uint64(taken.Fresh))
	return err
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
func (in *Intake) chain(ctx context.Context, tx Tx, g yagura.WindowGroup, out *detect.Evaluated) error {
	key := reportedKey(g)
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
	for i := range out.Windows {
		w := &out.Windows[i]
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
	for _, corr := range in.o.Generation().Engine.FedBy(g.Corr) {
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
