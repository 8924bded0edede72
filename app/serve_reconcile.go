package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

// reconcile compares what a sink has with what it should have. What people did there and
// no webhook told is applied; what the sink lost, or shows otherwise than it should, is
// owed again. An issue with notices under way is left for the next time.
func (s *Serve) reconcile(ctx context.Context, sink notify.Sink, r notify.Reader, now time.Time) error {
	key := "reconcile/" + sink.Name()
	var since time.Time
	var refs []string
	err := s.db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		data, ok, err := tx.State(ctx, key)
		if err != nil {
			return err
		}
		if ok {
			if err := json.Unmarshal(data, &since); err != nil {
				return fmt.Errorf("state %s: %w", key, err)
			}
		}
		refs, err = openTickets(ctx, tx, sink.Name())
		return err
	})
	if err != nil {
		return err
	}
	var errs []error
	err = r.Actual(ctx, since, refs, func(t notify.Ticket) error {
		if err := s.reconcileTicket(ctx, sink, t, now); err != nil {
			errs = append(errs, fmt.Errorf("ticket %s: %w", t.Ref, err))
		}
		return ctx.Err()
	})
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	if len(errs) > 0 {
		return errors.Join(errs...) // the same stretch is looked at again
	}
	s.wake()
	return s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		data, err := json.Marshal(now.Add(-2 * time.Minute))
		if err != nil {
			return err
		}
		return tx.PutState(ctx, key, data)
	})
}

// openTickets lists what a sink calls the tickets of the issues that are not closed.
func openTickets(ctx context.Context, tx *store.Tx, sink string) ([]string, error) {
	var refs []string
	after := ""
	for {
		list, err := tx.OpenTickets(ctx, sink, after, 1000)
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			refs = append(refs, t.Ref)
		}
		if len(list) < 1000 {
			return refs, nil
		}
		after = list[len(list)-1].IssueID
	}
}

func (s *Serve) reconcileTicket(ctx context.Context, sink notify.Sink, t notify.Ticket, now time.Time) error {
	in := s.inbox()
	for _, c := range t.Changes {
		c.Via = sink.Name()
		if c.IssueID == "" && c.Ref == "" {
			c.IssueID, c.Ref = t.IssueID, t.Ref
		}
		var unknown *notify.Unknown
		var refused *triage.RefusedChange
		switch _, err := in.Apply(ctx, c); {
		case err == nil, errors.As(err, &unknown):
		case errors.As(err, &refused):
			s.log.Warn("a change at a sink was refused", "sink", sink.Name(), "ticket", t.Ref, "change", c.What, "error", err)
		default:
			return err // what a person did there must not be undone before it was taken
		}
	}
	return s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		is, err := bookTx{tx}.ticketIssue(ctx, sink.Name(), t)
		if err != nil || is == nil {
			return err
		}
		waiting, _, err := tx.Notices(ctx, sink.Name(), is.ID, []yagura.NoticeState{yagura.NoticeWaiting}, "", 1)
		if err != nil || len(waiting) > 0 {
			return err
		}
		open := is.Status != yagura.StatusClosed
		op := yagura.Op("")
		switch {
		case t.Gone && open:
			first, err := bookTx{tx}.Once(ctx, "refiled/"+sink.Name()+"/"+is.ID+"/"+t.Ref)
			if err != nil || !first {
				return err
			}
			if err := tx.PutTicket(ctx, yagura.TicketRef{IssueID: is.ID, Sink: sink.Name()}); err != nil {
				return err
			}
			op = yagura.OpOpen
		case t.Gone:
			return nil
		case open && !t.Open:
			op = yagura.OpReopen
		case !open && t.Open:
			op = yagura.OpClose
		default:
			return nil
		}
		s.log.Warn("a sink shows an issue otherwise than it is: it is told again", "sink", sink.Name(), "issue", is.ID, "ticket", t.Ref, "op", op)
		return tx.Owe(ctx, []yagura.Notice{{ID: s.desk.NewID(), IssueID: is.ID, Sink: sink.Name(), Op: op, Created: now, Issue: is}})
	})
}
