package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/intake"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

// txStore shows the store to the intake.
type txStore struct{ db *store.DB }

// Update runs a write transaction.
func (t txStore) Update(ctx context.Context, fn func(ctx context.Context, tx intake.Tx) error) error {
	return t.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return fn(ctx, bookTx{tx}) })
}

// View runs a read transaction.
func (t txStore) View(ctx context.Context, fn func(ctx context.Context, tx intake.Tx) error) error {
	return t.db.View(ctx, func(ctx context.Context, tx *store.Tx) error { return fn(ctx, bookTx{tx}) })
}

// outbox shows the store to the senders.
type outbox struct {
	db   *store.DB
	desk *triage.Desk
	wake func()
}

// LeaseNotices returns notices that are due.
func (o outbox) LeaseNotices(ctx context.Context, sink, owner string, now, until time.Time, limit int) (list []yagura.Notice, err error) {
	due := false
	err = o.db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		at, ok, err := tx.NextNotice(ctx, sink)
		due = ok && !at.After(now)
		return err
	})
	if err != nil || !due {
		return nil, err // looking costs no write
	}
	err = o.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err = tx.LeaseNotices(ctx, sink, owner, now, until, limit)
		return err
	})
	return list, err
}

// lost translates the store's word for a lease that is lost.
func lost(err error) error {
	if errors.Is(err, store.ErrLeaseLost) {
		return fmt.Errorf("%w: %w", notify.ErrLeaseLost, err)
	}
	return err
}

// SettleNotice writes down that a notice was delivered.
func (o outbox) SettleNotice(ctx context.Context, id, owner string, r yagura.Receipt, now time.Time) error {
	return lost(o.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.SettleNotice(ctx, id, owner, r, now) }))
}

// HastenNotices makes what waits to be tried again due.
func (o outbox) HastenNotices(ctx context.Context, sink string, now time.Time) error {
	return o.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.HastenNotices(ctx, sink, now) })
}

// RetryNotice gives a notice back.
func (o outbox) RetryNotice(ctx context.Context, id, owner string, due time.Time, reason string, notSent bool) error {
	return lost(o.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.RetryNotice(ctx, id, owner, due, reason, notSent)
	}))
}

// deadNotice is the rule of findings about notices that a sink refused.
var deadNotice = yagura.RuleRef{ID: "yagura-notice-refused", Title: "A sink refused a notice", Engine: yagura.EngineBuiltin, Tags: []string{}}

// KillNotice makes a notice a dead letter. The finding that says so is told through the
// other sinks.
func (o outbox) KillNotice(ctx context.Context, n yagura.Notice, owner, reason string, now time.Time) error {
	f := builtinFinding(deadNotice, yagura.SeverityHigh, "notice "+n.ID, "sink="+n.Sink,
		fmt.Sprintf("sink %s refused the notice %s (%s of issue %s) for good: %s", n.Sink, n.ID, n.Op, n.IssueID, notify.Mask(reason)), now)
	force := false
	for {
		err := o.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.KillNotice(ctx, n.ID, owner, reason, now); err != nil {
				return err
			}
			_, err := o.desk.Take(ctx, bookTx{tx}, []triage.Found{{Finding: f, Avoid: n.Sink}}, force)
			return err
		})
		if errors.Is(err, triage.ErrUpgrade) {
			force = true
			continue
		}
		if err == nil {
			o.wake()
		}
		return lost(err)
	}
}

// inbox takes what people do.
type inbox struct {
	db   *store.DB
	desk *triage.Desk
	wake func()
}

func (s *Serve) inbox() inbox { return inbox{s.db, s.desk, s.wake} }

// Apply applies a change once.
func (in inbox) Apply(ctx context.Context, c yagura.Change) (done bool, err error) {
	_, done, err = in.apply(ctx, c)
	return done, err
}

func (in inbox) apply(ctx context.Context, c yagura.Change) (is *yagura.Issue, done bool, err error) {
	err = in.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		c := c
		if c.IssueID == "" {
			found, err := tx.IssueByTicket(ctx, c.Via, c.Ref)
			if errors.Is(err, store.ErrNotFound) {
				return &notify.Unknown{What: c.Ref}
			}
			if err != nil {
				return err
			}
			c.IssueID = found.ID
		}
		is, done, err = in.desk.Apply(ctx, bookTx{tx}, c)
		if errors.Is(err, triage.ErrNoIssue) {
			return &notify.Unknown{What: c.IssueID}
		}
		return err
	})
	if err == nil && done && in.wake != nil {
		in.wake()
	}
	return is, done, err
}

// Find lists issues for people who ask.
func (in inbox) Find(ctx context.Context, text string, status yagura.Status, limit int) (list []yagura.Issue, err error) {
	var terms []filter.Term
	if text != "" {
		terms = append(terms, holding(text))
	}
	if status != "" {
		terms = append(terms, being("status", string(status)))
	}
	err = in.db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, _, err = latest(ctx, tx, issuesThat(terms...), "", limit)
		return err
	})
	return list, err
}

// builtinFinding is a finding of the service about itself.
func builtinFinding(rule yagura.RuleRef, severity yagura.Severity, id, cause, output string, now time.Time) yagura.Finding {
	return yagura.Finding{V: 1, ID: builtinID(rule.ID, id), CauseKey: "- " + rule.ID + " " + cause, Kind: yagura.Behaviour, Rule: rule,
		Severity: severity, SeverityOriginal: severity.String(), Source: "yagura", Time: now, Event: yagura.EventRef{Outcome: yagura.OutcomeUnknown},
		Events: []string{}, Entities: []yagura.Entity{}, Why: []yagura.Why{}, Output: output}
}

// bookTx is a transaction as triage and intake see it.
type bookTx struct{ *store.Tx }

// Issue returns an issue; ok is false when there is none.
func (b bookTx) Issue(ctx context.Context, id string, lock yagura.Lock) (*yagura.Issue, bool, error) {
	is, err := b.Tx.Issue(ctx, id, lock)
	if errors.Is(err, store.ErrNotFound) {
		return nil, false, nil
	}
	return is, err == nil, err
}

// PutAlias gives an issue another key.
func (b bookTx) PutAlias(ctx context.Context, key, issueID string) error {
	err := b.Tx.PutAlias(ctx, key, issueID)
	if errors.Is(err, store.ErrTaken) {
		err = fmt.Errorf("%w: %w", triage.ErrTaken, err)
	}
	return err
}

// Once reports whether something is done for the first time, and remembers it.
func (b bookTx) Once(ctx context.Context, key string) (bool, error) {
	return b.SeenChange(ctx, "once", key, b.Now())
}

// ticketIssue finds the issue of a ticket, nil when it is none of ours.
func (b bookTx) ticketIssue(ctx context.Context, sink string, t notify.Ticket) (*yagura.Issue, error) {
	if t.IssueID != "" {
		if is, ok, err := b.Issue(ctx, t.IssueID, yagura.LockChange); err != nil || ok {
			return is, err
		}
	}
	is, err := b.IssueByTicket(ctx, sink, t.Ref)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return is, err
}
