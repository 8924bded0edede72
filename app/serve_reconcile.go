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

const (
	// readLag is how old what a sink lets us read may be.
	readLag = time.Minute
	// lookAfter is how long the ticket of an issue is looked at after it was closed.
	lookAfter = 24 * time.Hour
)

// reconcile compares what a sink has with what it should have. What people did there and
// no webhook told is applied; what the sink lost, or shows otherwise than it should, is
// owed again, once a day for each version of an issue. An issue that was told to the sink
// while it was read, or is to be told, is left for the next time.
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
		refs, err = liveTickets(ctx, tx, sink.Name(), now)
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

// liveTickets lists what a sink calls the tickets of the issues that are not closed, or
// were not long ago.
func liveTickets(ctx context.Context, tx *store.Tx, sink string, now time.Time) ([]string, error) {
	var refs []string
	after := ""
	for {
		list, err := tx.LiveTickets(ctx, sink, now.Add(-lookAfter), after, 1000)
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
		var refused *triage.Refusal
		switch _, err := in.Apply(ctx, c); {
		case err == nil, errors.As(err, &unknown):
		case errors.As(err, &refused):
			s.log.Warn("a change at a sink was refused", "sink", sink.Name(), "ticket", t.Ref, "change", c.What, "error", err)
		default:
			return err // what a person did there must not be undone before it was taken
		}
	}
	if t.IssueID != "" && !t.Gone {
		// Most tickets are as they should be: that is found out without a lock.
		differs := false
		err := s.db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
			is, ok, err := bookTx{tx}.Issue(ctx, t.IssueID, yagura.LockNone)
			differs = !ok || missing(is, t) != ""
			return err
		})
		if err != nil || !differs {
			return err
		}
	}
	return s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		is, err := bookTx{tx}.ticketIssue(ctx, sink.Name(), t)
		if err != nil || is == nil {
			return err
		}
		op := missing(is, t)
		if op == "" {
			return nil
		}
		waiting, _, err := tx.Notices(ctx, sink.Name(), is.ID, []yagura.NoticeState{yagura.NoticeWaiting}, "", 1)
		if err != nil || len(waiting) > 0 {
			return err
		}
		// What was delivered a moment ago may not have been there yet when the sink was read.
		last, err := tx.LastDelivered(ctx, sink.Name(), is.ID)
		if err != nil || last.After(now.Add(-readLag)) {
			return err
		}
		once := fmt.Sprintf("retold/%s/%s/%s/%d/%s", sink.Name(), is.ID, op, is.Version, day(now))
		if op == yagura.OpOpen {
			once = "refiled/" + sink.Name() + "/" + is.ID + "/" + t.Ref
		}
		first, err := bookTx{tx}.Once(ctx, once)
		if err != nil || !first {
			return err
		}
		if op == yagura.OpOpen {
			if err := tx.PutTicket(ctx, yagura.TicketRef{IssueID: is.ID, Sink: sink.Name()}); err != nil {
				return err
			}
		}
		s.log.Warn("a sink shows an issue otherwise than it is: it is told again", "sink", sink.Name(), "issue", is.ID, "ticket", t.Ref, "op", op)
		return tx.Owe(ctx, []yagura.Notice{{ID: s.desk.NewID(), IssueID: is.ID, Sink: sink.Name(), Op: op, Created: now, Issue: is}})
	})
}

// missing is the operation that a ticket lacks to show its issue as it is, "" when it does.
func missing(is *yagura.Issue, t notify.Ticket) yagura.Op {
	switch open := is.Status != yagura.StatusClosed; {
	case t.Gone && open:
		return yagura.OpOpen
	case t.Gone, open == t.Open:
		return ""
	case open:
		return yagura.OpReopen
	default:
		return yagura.OpClose
	}
}
