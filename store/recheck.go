package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Rechecks returns when each issue that was looked at in the cloud is to be looked at again.
func (tx *Tx) Rechecks(ctx context.Context) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := tx.each(ctx, `SELECT issue_id, due FROM recheck`, nil, func(rows *sql.Rows) error {
		var id string
		var due int64
		err := rows.Scan(&id, &due)
		out[id] = at(due)
		return err
	})
	return out, err
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
