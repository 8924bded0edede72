package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/triage"
)

// isolateAfter is how often a commit fails, while the store takes other things, before what
// it refuses is looked for: one finding that it never takes must not hold up all others.
const isolateAfter = 5

// errTried ends a transaction that only tries something.
var errTried = errors.New("tried")

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
	var cases []triage.Found
	var rows []yagura.WindowRow
	var letters []yagura.DeadLetter
	refuse := func(what any, id string, reason error) {
		body, err := json.Marshal(what)
		if err != nil {
			body = fmt.Appendf(nil, "%+v", what)
		}
		in.o.Log.Error("the store refuses a finding: it is kept as a dead letter", "object", x.p.object, "finding", id, "error", reason)
		letters = append(letters, yagura.DeadLetter{ID: hash("refused", x.p.source, x.p.object, id), Source: x.p.source, Object: x.p.object, Record: x.p.from,
			Reason: "the store refused a finding: " + reason.Error(), Bytes: body[:min(len(body), maxDead)], Size: int64(len(body)), At: x.p.seen})
	}
	for _, c := range x.cases {
		err := in.takes(ctx, func(ctx context.Context, tx Tx) error {
			_, err := in.o.Desk.Take(ctx, tx, []triage.Found{c}, true)
			return err
		})
		switch {
		case err == nil:
			cases = append(cases, c)
		case ctx.Err() != nil || !in.alive(ctx):
			return err
		default:
			refuse(&c.Finding, c.Finding.ID, err)
		}
	}
	for i, r := range x.rows {
		err := in.takes(ctx, func(ctx context.Context, tx Tx) error {
			_, err := tx.AddWindowRows(ctx, []yagura.WindowRow{r})
			return err
		})
		switch {
		case err == nil:
			rows = append(rows, r)
		case ctx.Err() != nil || !in.alive(ctx):
			return err
		default:
			refuse(&r, fmt.Sprintf("row %d of %d", i, x.p.from), err)
		}
	}
	for i := range letters {
		cases = append(cases, triage.Found{Finding: refusedFinding(&letters[i]), Generation: x.p.gen})
	}
	x.cases, x.rows, x.p.dead = cases, rows, append(x.p.dead, letters...)
	return nil
}
