package app

import (
	"context"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/store"
)

// User returns one user.
func (c *console) User(ctx context.Context, id string) (u *yagura.User, err error) {
	err = c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		if u, err = tx.User(ctx, id, yagura.LockNone); err == nil && u == nil {
			err = store.ErrNotFound
		}
		return err
	})
	return u, err
}

// Token returns one token, without its secret.
func (c *console) Token(ctx context.Context, id string) (t *yagura.Token, err error) {
	err = c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		if t, _, err = tx.Token(ctx, id, yagura.LockNone); err == nil && t == nil {
			err = store.ErrNotFound
		}
		return err
	})
	return t, err
}

// AllSessions returns the sessions of all users that are alive, the latest seen first.
func (c *console) AllSessions(ctx context.Context) ([]yagura.Session, error) {
	var users []yagura.User
	err := c.view(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		users, err = tx.Users(ctx, yagura.LockNone)
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []yagura.Session
	for _, u := range users {
		list, err := c.people.Sessions(ctx, u.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	slices.SortStableFunc(out, func(a, b yagura.Session) int { return b.Seen.Compare(a.Seen) })
	return out, nil
}

// Visit marks when somebody looked last.
func (c *console) Visit(ctx context.Context, userID string, at time.Time) (previous time.Time, err error) {
	err = seen(c.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		previous, err = tx.MarkVisit(ctx, userID, at)
		return err
	}))
	return previous, err
}

var _ api.Register = (*console)(nil)
