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

// Secret is the SHA-256 of what a cookie or a token holds. The secret itself is not kept.
type Secret = [32]byte

func (tx *Tx) sessions(ctx context.Context, q string, args ...any) (out []yagura.Session, err error) {
	err = tx.each(ctx, `SELECT id, body, seen FROM console_session WHERE `+q, args, func(rows *sql.Rows) error {
		var id string
		var body []byte
		var seen int64
		if err := rows.Scan(&id, &body, &seen); err != nil {
			return err
		}
		var s yagura.Session
		if err := json.Unmarshal(body, &s); err != nil {
			return fmt.Errorf("session %s: %w", id, err)
		}
		s.Seen = at(seen)
		out = append(out, s)
		return nil
	})
	return out, err
}

// AddSession writes a new session, which a cookie with the secret is known by.
func (tx *Tx) AddSession(ctx context.Context, secret Secret, s *yagura.Session) error {
	if s.ID == "" || s.UserID == "" || s.Expires.IsZero() {
		return errors.New("session: want an id, a user and an end")
	}
	body, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("session %s: %w", s.ID, err)
	}
	_, err = tx.exec(ctx, `INSERT INTO console_session (id, secret, user_id, seen, expires, body) VALUES (?, ?, ?, ?, ?, ?)`,
		key(s.ID), secret[:], key(s.UserID), ns(s.Seen), ns(s.Expires), body)
	return err
}

// SessionBySecret returns the session of a cookie, or nil. It may be over: whoever asks has
// to look.
func (tx *Tx) SessionBySecret(ctx context.Context, secret Secret) (*yagura.Session, error) {
	return first(tx.sessions(ctx, `secret = ?`, secret[:]))
}

// SeeSession notes when a session was seen last. Once a minute is often enough.
func (tx *Tx) SeeSession(ctx context.Context, id string, seen time.Time) error {
	_, err := tx.exec(ctx, `UPDATE console_session SET seen = ? WHERE id = ? AND seen < ?`, ns(seen), key(id), ns(seen))
	return err
}

// SessionsOf returns the sessions of a user ("" for everybody's), the newest first.
func (tx *Tx) SessionsOf(ctx context.Context, userID string) ([]yagura.Session, error) {
	if userID == "" {
		return tx.sessions(ctx, `true ORDER BY id DESC LIMIT ?`, int64(mostLimit))
	}
	return tx.sessions(ctx, `user_id = ? ORDER BY id DESC`, key(userID))
}

// EndSession ends a session of a user ("" for whoever's it is), and says whether it was there.
func (tx *Tx) EndSession(ctx context.Context, id, userID string) (bool, error) {
	n, err := tx.exec(ctx, `DELETE FROM console_session WHERE id = ? AND (? = '' OR user_id = ?)`, key(id), key(userID), key(userID))
	return n > 0, err
}

// EndSessions ends the sessions of a user ("" for everybody's), all but one ("" for all), and
// says how many.
func (tx *Tx) EndSessions(ctx context.Context, userID, but string) (int, error) {
	n, err := tx.exec(ctx, `DELETE FROM console_session WHERE (? = '' OR user_id = ?) AND id <> ?`, key(userID), key(userID), key(but))
	return int(n), err
}

// SweepSessions removes sessions that were over before now, or were seen last before idle.
func (tx *Tx) SweepSessions(ctx context.Context, now, idle time.Time) (int, error) {
	n, err := tx.exec(ctx, `DELETE FROM console_session WHERE expires < ? OR seen < ?`, ns(now), ns(idle))
	return int(n), err
}

// AddToken writes a new token, which is known by its id and the sum of its secret.
func (tx *Tx) AddToken(ctx context.Context, secret Secret, t *yagura.Token) error {
	if t.ID == "" || t.Name == "" {
		return errors.New("token: want an id and a name")
	}
	body, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("token %q: %w", cut(t.Name, 64), err)
	}
	_, err = tx.exec(ctx, `INSERT INTO token (id, secret, expires, used, revoked, body) VALUES (?, ?, ?, ?, ?, ?)`,
		key(t.ID), secret[:], ns(t.Expires), ns(t.Used), ns(t.Revoked), body)
	return err
}

// Token returns a token and the sum of its secret, or nil. It may be over or revoked: whoever
// asks has to look, and can say so.
func (tx *Tx) Token(ctx context.Context, id string, lock Lock) (t *yagura.Token, secret Secret, err error) {
	err = tx.each(ctx, `SELECT secret, body FROM token WHERE id = ?`+locking(lock), []any{key(id)}, func(rows *sql.Rows) error {
		var sum, body []byte
		if err := rows.Scan(&sum, &body); err != nil {
			return err
		}
		if len(sum) != len(secret) {
			return fmt.Errorf("token %s: the sum of its secret has %d bytes", cut(id, 64), len(sum))
		}
		copy(secret[:], sum)
		t = new(yagura.Token)
		return json.Unmarshal(body, t)
	})
	if err != nil {
		return nil, Secret{}, err
	}
	return t, secret, nil
}

// Tokens returns tokens by their ids, those behind after.
func (tx *Tx) Tokens(ctx context.Context, after string, limit int) (out []yagura.Token, err error) {
	err = tx.each(ctx, `SELECT body FROM token WHERE id > ? ORDER BY id LIMIT ?`, []any{key(after), int64(bound(limit))}, func(rows *sql.Rows) error {
		var t yagura.Token
		err := scanJSON(rows, &t)
		out = append(out, t)
		return err
	})
	return out, err
}

// PutToken replaces what is known of a token, but for its secret. One that is not there gives
// [ErrNotFound].
func (tx *Tx) PutToken(ctx context.Context, t *yagura.Token) error {
	body, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("token %q: %w", cut(t.Name, 64), err)
	}
	n, err := tx.exec(ctx, `UPDATE token SET expires = ?, used = ?, revoked = ?, body = ? WHERE id = ?`, ns(t.Expires), ns(t.Used), ns(t.Revoked), body, key(t.ID))
	if err == nil && n == 0 {
		err = fmt.Errorf("token %q: %w", cut(t.ID, 64), ErrNotFound)
	}
	return err
}

// TakeOnce takes an id of a kind (of an assertion, say) until a time, behind which it must not
// be accepted for other reasons. It is false when it was taken already, also when two take it
// at once.
func (tx *Tx) TakeOnce(ctx context.Context, kind, id string, until time.Time) (bool, error) {
	n, err := tx.exec(ctx, `INSERT INTO once (kind, id, until) VALUES (?, ?, ?) ON CONFLICT (kind, id) DO NOTHING`, key(kind), key(id), ns(until))
	return n > 0, err
}

// SweepOnce forgets what was taken until before now.
func (tx *Tx) SweepOnce(ctx context.Context, now time.Time) (int, error) {
	n, err := tx.exec(ctx, `DELETE FROM once WHERE until < ?`, ns(now))
	return int(n), err
}
