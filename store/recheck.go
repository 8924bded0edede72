package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Rechecks adds to out when issues that were looked at in the cloud are to be looked at
// again, those behind after, and returns the last of them; "" when there are no more.
func (tx *Tx) Rechecks(ctx context.Context, after string, limit int, out map[string]time.Time) (last string, err error) {
	n := 0
	err = tx.each(ctx, `SELECT issue_id, due FROM recheck WHERE issue_id > ? ORDER BY issue_id LIMIT ?`, []any{after, int64(bound(limit))}, func(rows *sql.Rows) error {
		var due int64
		err := rows.Scan(&last, &due)
		out[last] = at(due)
		n++
		return err
	})
	if n < bound(limit) {
		last = ""
	}
	return last, err
}

// ClaimRecheck takes the look at an issue that is due, until another time; ok is false when
// it is not due, or somebody else has it.
func (tx *Tx) ClaimRecheck(ctx context.Context, issueID string, now, until time.Time) (ok bool, err error) {
	n, err := tx.exec(ctx, `INSERT INTO recheck (issue_id, due, body) VALUES (?, ?, ?)
		ON CONFLICT (issue_id) DO UPDATE SET due = excluded.due WHERE recheck.due <= ?`, key(issueID), ns(until), []byte{}, ns(now))
	return n > 0, err
}

// Recheck returns what was noted of the looks at an issue, nil for nothing.
func (tx *Tx) Recheck(ctx context.Context, issueID string) (body []byte, err error) {
	err = tx.one(ctx, `SELECT body FROM recheck WHERE issue_id = ?`, []any{key(issueID)}, &body)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return body, err
}

// PutRecheck notes what was seen, and when to look again. A row that was dropped meanwhile
// stays dropped.
func (tx *Tx) PutRecheck(ctx context.Context, issueID string, due time.Time, body []byte) error {
	_, err := tx.exec(ctx, `UPDATE recheck SET due = ?, body = ? WHERE issue_id = ?`, ns(due), body, key(issueID))
	return err
}

// DropRechecks forgets the looks at issues.
func (tx *Tx) DropRechecks(ctx context.Context, issueIDs []string) error {
	_, err := tx.many(ctx, `DELETE FROM recheck WHERE issue_id IN (SELECT i FROM d)`, []column{textColumn("i", issueIDs)}, nil)
	return err
}
