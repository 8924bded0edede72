package app

import (
	"context"
	"errors"

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

type scheduleTx struct {
	bookTx
	s     scheduleStore
	force bool
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
