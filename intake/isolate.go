package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/triage"
)

// isolateAfter is how often a commit fails, while the store takes other things, before what
// it refuses is looked for: one finding that it never takes must not hold up all others.
const isolateAfter = 5

// errTried ends a transaction that only tries something.
var errTried = errors.New("tried")

// stopped is the error of something that panicked. It does not end the process.
type stopped struct {
	what  string
	cause any
}

// Error says what stopped.
func (s *stopped) Error() string { return fmt.Sprintf("%s panicked: %v", s.what, s.cause) }

// fileFound has findings judged and filed. What panics there is an error of the transaction.
func (in *Intake) fileFound(ctx context.Context, tx Tx, cases []triage.Found, force bool) (taken triage.Taken, err error) {
	defer func() {
		if p := recover(); p != nil {
			in.o.Log.Error("what judges a finding panicked", "error", p, "stack", string(debug.Stack()))
			err = &stopped{"what judges a finding", p}
		}
	}()
	return in.o.Desk.Take(ctx, tx, cases, force)
}

// filing runs a transaction that files findings. One that needs locks which it did not take
// runs once more, by force, and takes them.
func filing(try func(force bool) error) error {
	err := try(false)
	if errors.Is(err, triage.ErrUpgrade) {
		err = try(true)
	}
	return err
}

// alive reports whether the store takes writes.
func (in *Intake) alive(ctx context.Context) bool { return in.takes(ctx, nil) == nil }

// takes says why the store refuses something, and leaves nothing of it behind. nil tries a
// write that nothing can be wrong with.
func (in *Intake) takes(ctx context.Context, try func(ctx context.Context, tx Tx) error) error {
	err := in.o.Store.Update(ctx, func(ctx context.Context, tx Tx) error {
		if try == nil {
			return tx.PutState(ctx, "alive/"+in.o.Owner, []byte{1})
		}
		if err := try(ctx, tx); err != nil {
			return err
		}
		return errTried
	})
	if errors.Is(err, errTried) {
		return nil
	}
	return err
}

// isolate commits pieces one by one. Of one that is refused alone, what the store does not
// take becomes a dead letter with a finding that says so, and the rest is committed.
func (in *Intake) isolate(ctx context.Context, mark uint64, list []prepared, notes []keptNote) error {
	for i := range list {
		one := list[i : i+1]
		if _, err := in.commitOnce(ctx, 0, one, nil); err == nil {
			continue
		}
		if err := in.pare(ctx, &list[i]); err != nil {
			return err
		}
		if _, err := in.commitOnce(ctx, 0, one, nil); err != nil {
			return fmt.Errorf("%s: %w", list[i].p.object, err)
		}
	}
	_, err := in.commitOnce(ctx, mark, nil, notes)
	return err
}

// pare takes out of a piece what the store refuses.
func (in *Intake) pare(ctx context.Context, x *prepared) error {
	var rows []yagura.WindowRow
	r := refused{like: yagura.DeadLetter{Source: x.p.source, Object: x.p.object, Record: x.p.from, At: x.p.seen}}
	cases, err := in.pareCases(ctx, x.cases, &r)
	if err != nil {
		return err
	}
	for i, row := range x.rows {
		err := in.takes(ctx, func(ctx context.Context, tx Tx) error {
			_, err := tx.AddWindowRows(ctx, []yagura.WindowRow{row})
			return err
		})
		switch {
		case err == nil:
			rows = append(rows, row)
		case ctx.Err() != nil || !in.alive(ctx):
			return err
		default:
			r.refuse(&row, fmt.Sprintf("row %d of %d", i, x.p.from), err)
		}
	}
	in.tell(&r)
	x.cases, x.rows, x.p.dead = append(cases, r.cases(x.p.gen)...), rows, append(x.p.dead, r.letters...)
	return nil
}

// refused are the dead letters of what is refused; like is what they have in common.
type refused struct {
	like    yagura.DeadLetter
	letters []yagura.DeadLetter
}

// cases are the findings that tell of the letters.
func (r *refused) cases(generation string) (out []triage.Found) {
	for i := range r.letters {
		out = append(out, triage.Found{Finding: refusedFinding(&r.letters[i]), Generation: generation})
	}
	return out
}

// refuse makes a dead letter of something.
func (r *refused) refuse(what any, id string, reason error) {
	body, err := json.Marshal(what)
	if err != nil {
		body = fmt.Appendf(nil, "%+v", what)
	}
	d := r.like
	d.ID, d.Reason, d.Bytes, d.Size = hash("refused", d.Source, d.Object, id), "the store refused a finding: "+reason.Error(), body[:min(len(body), maxDead)], int64(len(body))
	if p := (*stopped)(nil); errors.As(reason, &p) {
		d.Reason = p.Error()
	}
	r.letters = append(r.letters, d)
}

// tell logs what is kept as a dead letter.
func (in *Intake) tell(r *refused) {
	for i := range r.letters {
		d := &r.letters[i]
		in.o.Log.Error("a finding cannot be filed: it is kept as a dead letter", "object", d.Object, "letter", d.ID, "error", d.Reason)
	}
}

// pareCases returns the findings that the store takes; of the others r has the letters.
func (in *Intake) pareCases(ctx context.Context, list []triage.Found, r *refused) (cases []triage.Found, err error) {
	for _, c := range list {
		err := in.takes(ctx, func(ctx context.Context, tx Tx) error {
			_, err := in.fileFound(ctx, tx, []triage.Found{c}, true)
			return err
		})
		switch {
		case err == nil:
			cases = append(cases, c)
		case ctx.Err() != nil || !in.alive(ctx):
			return nil, err
		default:
			r.refuse(&c.Finding, c.Finding.ID, err)
		}
	}
	return cases, nil
}
