package app

import (
	"context"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/store"
)

// gateStore is the store as the gate asks for it.
type gateStore struct{ db *store.DB }

// View runs fn on one snapshot.
func (s gateStore) View(ctx context.Context, fn func(ctx context.Context, tx auth.Tx) error) error {
	return s.db.View(ctx, func(ctx context.Context, tx *store.Tx) error { return fn(ctx, gateTx{tx}) })
}

// Update runs fn in one write transaction.
func (s gateStore) Update(ctx context.Context, fn func(ctx context.Context, tx auth.Tx) error) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return fn(ctx, gateTx{tx}) })
}

type gateTx struct{ *store.Tx }

// State reads what is kept by a name, nil for nothing.
func (tx gateTx) State(ctx context.Context, name string, lock yagura.Lock) (value []byte, err error) {
	if lock == yagura.LockNone {
		value, _, err = tx.Tx.State(ctx, name)
	} else {
		value, _, err = tx.Tx.HoldState(ctx, name)
	}
	return value, err
}
