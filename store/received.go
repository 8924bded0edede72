package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// Received is something that was pushed to us and waits to be judged. The table of them
// is the received-log with PostgreSQL, where any replica may judge what another received.
type Received struct {
	ID       int64
	Body     []byte
	At       time.Time
	Attempts int // leases before this one
}

// AppendReceived adds bodies in the order in which they are given.
func (tx *Tx) AppendReceived(ctx context.Context, source string, bodies [][]byte, now time.Time) error {
	places := make([]int64, len(bodies))
	for i := range places {
		places[i] = int64(i)
	}
	_, err := tx.many(ctx, `INSERT INTO received (source, at, due, owner, attempts, body) SELECT ?, CAST(? AS BIGINT), CAST(? AS BIGINT), '', 0, body FROM d ORDER BY place`,
		[]column{intColumn("place", places), blobColumn("body", slices.Clone(bodies))}, nil, key(source), ns(now), ns(now))
	return err
}

// LeaseReceived hands out what waits and is due, the longest due first. Nobody else gets it
// until the lease ends.
func (tx *Tx) LeaseReceived(ctx context.Context, source, owner string, now, until time.Time, limit int) ([]Received, error) {
	var ids []int64
	place := map[int64]int{}
	err := tx.each(ctx, `SELECT id FROM received WHERE source = ? AND due <= ? ORDER BY due, id LIMIT ? {skip locked}`,
		[]any{key(source), ns(now), int64(bound(limit))}, func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			place[id] = len(ids)
			ids = append(ids, id)
			return err
		})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	out := make([]Received, len(ids))
	_, err = tx.many(ctx, `UPDATE received SET owner = ?, due = ?, attempts = attempts + 1 FROM d WHERE received.id = d.i RETURNING id, body, at, attempts`,
		[]column{intColumn("i", ids)}, func(rows *sql.Rows) error {
			var r Received
			var when int64
			err := rows.Scan(&r.ID, &r.Body, &when, &r.Attempts)
			r.At = at(when)
			r.Attempts--
			out[place[r.ID]] = r
			return err
		}, clean(owner), ns(until))
	return out, err
}

// ExtendReceived moves the end of a lease. It returns [ErrLeaseLost] when owner does not
// have all of them any more; those that it has are extended.
func (tx *Tx) ExtendReceived(ctx context.Context, ids []int64, owner string, until time.Time) error {
	n, err := tx.many(ctx, `UPDATE received SET due = ? FROM d WHERE received.id = d.i AND received.owner = ?`, []column{intColumn("i", slices.Clone(ids))}, nil, ns(until), clean(owner))
	if err == nil && n != int64(len(ids)) {
		err = fmt.Errorf("extend: %d of %d: %w", int64(len(ids))-n, len(ids), ErrLeaseLost)
	}
	return err
}

// AckReceived removes what is judged and kept.
func (tx *Tx) AckReceived(ctx context.Context, ids []int64) error {
	_, err := tx.many(ctx, `DELETE FROM received WHERE id IN (SELECT i FROM d)`, []column{intColumn("i", slices.Clone(ids))}, nil)
	return err
}

// ReleaseReceived gives something back unfinished, to be handed out again at due.
func (tx *Tx) ReleaseReceived(ctx context.Context, id int64, due time.Time) error {
	_, err := tx.exec(ctx, `UPDATE received SET owner = '', due = ? WHERE id = ?`, ns(due), id)
	return err
}

// LagReceived says how much of a source waits, and since when the oldest does.
func (tx *Tx) LagReceived(ctx context.Context, source string) (waiting int64, oldest time.Time, err error) {
	var first int64
	err = tx.one(ctx, `SELECT count(*), coalesce(min(at), 0) FROM received WHERE source = ?`, []any{key(source)}, &waiting, &first)
	return waiting, at(first), err
}
