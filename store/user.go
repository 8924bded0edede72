package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura"
)

// locking is the end of a statement that reads rows and holds them.
func locking(lock Lock) string {
	switch lock {
	case Share:
		return ` {for share}`
	case Change:
		return ` {for change}`
	}
	return ""
}

func (tx *Tx) users(ctx context.Context, q string, args ...any) (out []yagura.User, err error) {
	err = tx.each(ctx, `SELECT body FROM console_user WHERE `+q, args, func(rows *sql.Rows) error {
		var u yagura.User
		err := scanJSON(rows, &u)
		out = append(out, u)
		return err
	})
	return out, err
}

// first returns the first of what was read, or nil.
func first[T any](list []T, err error) (*T, error) {
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// User returns one user, or nil.
func (tx *Tx) User(ctx context.Context, id string, lock Lock) (*yagura.User, error) {
	return first(tx.users(ctx, `id = ?`+locking(lock), key(id)))
}

// UserByName returns the user who signs in by a name, or nil. Names are in lower case.
func (tx *Tx) UserByName(ctx context.Context, name string, lock Lock) (*yagura.User, error) {
	return first(tx.users(ctx, `name = ?`+locking(lock), key(name)))
}

// UserBySubject returns the user whom an identity provider calls so, or nil.
func (tx *Tx) UserBySubject(ctx context.Context, via, subject string, lock Lock) (*yagura.User, error) {
	return first(tx.users(ctx, `via = ? AND subject = ? AND subject <> ''`+locking(lock), key(via), key(subject)))
}

// Users returns all users in the order of their ids, in which they are locked.
func (tx *Tx) Users(ctx context.Context, lock Lock) ([]yagura.User, error) {
	return tx.users(ctx, `true ORDER BY id`+locking(lock))
}

// PutUser makes a user, or replaces the one whose Version is that of u or the one before; where
// it is another, the transaction runs again, and gets [ErrMoved] in the end. [ErrUserTaken]
// says that the name or the subject is of another user; the transaction can go on behind it.
func (tx *Tx) PutUser(ctx context.Context, u *yagura.User) error {
	if u.ID == "" || u.Name == "" || u.Version < 1 {
		return fmt.Errorf("user %q: want an id, a name and a version", cut(u.Name, 64))
	}
	body, err := json.Marshal(u)
	if err != nil {
		return fmt.Errorf("user %q: %w", cut(u.Name, 64), err)
	}
	var other string
	err = tx.one(ctx, `SELECT id FROM console_user WHERE id <> ? AND (name = ? OR via = ? AND subject = ? AND subject <> '')`,
		[]any{key(u.ID), key(u.Name), key(u.Via), key(u.Subject)}, &other)
	if err == nil {
		return fmt.Errorf("user %q: %w", cut(u.Name, 64), ErrUserTaken)
	}
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	// Who takes the name at this moment is met by the index: the transaction runs again and
	// finds it above.
	n, err := tx.exec(ctx, `INSERT INTO console_user (id, name, via, subject, version, signed_in, visited, body) VALUES (?, ?, ?, ?, ?, ?, 0, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, via = excluded.via, subject = excluded.subject, version = excluded.version,
			signed_in = excluded.signed_in, body = excluded.body
		WHERE console_user.version = excluded.version OR console_user.version = excluded.version - 1`,
		key(u.ID), key(u.Name), key(u.Via), key(u.Subject), u.Version, ns(u.SignedIn), body)
	if err == nil && n == 0 {
		err = tx.fail(fmt.Errorf("user %q: %w", cut(u.Name, 64), ErrMoved))
	}
	return err
}

// DropUser removes a user with its secrets, its sessions and the views that are its alone.
// What it did stays in timelines and the audit trail.
func (tx *Tx) DropUser(ctx context.Context, id string) error {
	for _, q := range []string{
		`DELETE FROM console_user WHERE id = ?`,
		`DELETE FROM user_secret WHERE user_id = ?`,
		`DELETE FROM console_session WHERE user_id = ?`,
		`DELETE FROM saved_view WHERE owner = ? AND shared = 0`,
	} {
		if _, err := tx.exec(ctx, q, key(id)); err != nil {
			return err
		}
	}
	return nil
}

// UserSecrets returns what proves a user, as it was put; nil where there is nothing.
func (tx *Tx) UserSecrets(ctx context.Context, id string) (body []byte, err error) {
	err = tx.one(ctx, `SELECT body FROM user_secret WHERE user_id = ?`, []any{key(id)}, &body)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return body, err
}

// PutUserSecrets keeps what proves a user, in place of what is there.
func (tx *Tx) PutUserSecrets(ctx context.Context, id string, body []byte) error {
	if body == nil {
		body = []byte{}
	}
	_, err := tx.exec(ctx, `INSERT INTO user_secret (user_id, body) VALUES (?, ?) ON CONFLICT (user_id) DO UPDATE SET body = excluded.body`, key(id), body)
	return err
}

// MarkVisit notes that a user looks at the console, and returns when it did before; zero for
// the first time.
func (tx *Tx) MarkVisit(ctx context.Context, id string, when time.Time) (previous time.Time, err error) {
	var n int64
	if err = tx.one(ctx, `SELECT visited FROM console_user WHERE id = ? {for update}`, []any{key(id)}, &n); err != nil {
		return previous, fmt.Errorf("user %q: %w", cut(id, 64), err)
	}
	_, err = tx.exec(ctx, `UPDATE console_user SET visited = ? WHERE id = ? AND visited < ?`, ns(when), key(id), ns(when))
	return at(n), err
}
