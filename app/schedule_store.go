package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/schedule"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

// scheduleStore shows the store to the rules on a schedule. Their findings go the way of all
// findings: through the desk, in the transaction that moves the rule on.
type scheduleStore struct {
	db         *store.DB
	desk       *triage.Desk
	generation func() string
}

var _ schedule.Store = scheduleStore{}

// Update runs a write transaction; one that needs locks which it did not take runs once more
// and takes them.
func (s scheduleStore) Update(ctx context.Context, fn func(ctx context.Context, tx schedule.Tx) error) error {
	for force := false; ; force = true {
		err := s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
			return fn(ctx, scheduleTx{bookTx{tx}, s, force})
		})
		if force || !errors.Is(err, triage.ErrUpgrade) {
			return err
		}
	}
}

// View runs a read transaction.
func (s scheduleStore) View(ctx context.Context, fn func(ctx context.Context, tx schedule.Tx) error) error {
	return s.db.View(ctx, func(ctx context.Context, tx *store.Tx) error { return fn(ctx, scheduleTx{bookTx{tx}, s, false}) })
}

// learnAll has a desk find out what it wants to know of findings.
func learnAll(desk *triage.Desk) func(ctx context.Context, findings []yagura.Finding) {
	return func(ctx context.Context, findings []yagura.Finding) {
		cases := make([]triage.Found, len(findings))
		for i := range findings {
			cases[i].Finding = findings[i]
		}
		desk.Learn(ctx, cases)
		for i := range findings {
			findings[i].Usual = cases[i].Finding.Usual
		}
	}
}

type scheduleTx struct {
	bookTx
	s     scheduleStore
	force bool
}

// Supersede takes findings back, and says so at their issues, in the timeline and to the sinks:
// an issue stays open until a person closes it, who should know why nothing of it is left.
func (t scheduleTx) Supersede(ctx context.Context, findings []string) error {
	issues, err := t.IssuesOf(ctx, findings)
	if err != nil {
		return err
	}
	if err := t.bookTx.Supersede(ctx, findings); err != nil {
		return err
	}
	now := t.s.desk.Now()
	for _, id := range issues {
		left, _, err := t.Findings(ctx, id, "", 1)
		if err != nil {
			return err
		}
		text := "Events that came late changed what a rule on a schedule finds: a finding of this issue does not hold any more."
		if len(left) == 0 {
			text += " No other is left: if nothing was done about it, it can be closed."
		}
		c := yagura.Change{ID: fmt.Sprintf("%s %d %s", id, now.UnixNano(), findings[0]), Via: "schedule", IssueID: id, Who: "yagura", At: now, What: yagura.ChangeComment, Text: text}
		if _, _, err := t.s.desk.Apply(ctx, t.bookTx, c); err != nil && !errors.Is(err, triage.ErrNoIssue) {
			return err
		}
	}
	return nil
}

// Take has findings judged and filed.
func (t scheduleTx) Take(ctx context.Context, findings []yagura.Finding) (fresh, notices int, err error) {
	cases := make([]triage.Found, len(findings))
	for i, f := range findings {
		cases[i] = triage.Found{Finding: f, Generation: t.s.generation()}
	}
	taken, err := t.s.desk.Take(ctx, t.bookTx, cases, t.force)
	return taken.Fresh, taken.Notices, err
}
