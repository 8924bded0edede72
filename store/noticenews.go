package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/yagura-sec/yagura"
)

// Owed returns a notice with its delivery record.
func (tx *Tx) Owed(ctx context.Context, id string) (yagura.Owed, error) {
	var out yagura.Owed
	found := false
	err := tx.each(ctx, `SELECT `+owedColumns+` FROM notice WHERE id = ?`, []any{key(id)}, func(rows *sql.Rows) (err error) {
		found = true
		out, err = scanOwed(rows)
		return err
	})
	if err == nil && !found {
		err = ErrNotFound
	}
	return out, err
}

// MovingNotices returns the notices that may have moved since a time, at most limit of each sort:
// those that were delivered or given up at that time or later, and of those that wait the ones
// that were owed last, and for each sink those that are to be tried next. Who asks again and
// again compares them with what it knows.
func (tx *Tx) MovingNotices(ctx context.Context, since time.Time, limit int) ([]yagura.Owed, error) {
	sinks, err := tx.sinks(ctx)
	if err != nil {
		return nil, err
	}
	var out []yagura.Owed
	seen := map[string]bool{}
	scan := func(rows *sql.Rows) error {
		o, err := scanOwed(rows)
		if err == nil && !seen[o.Notice.ID] {
			seen[o.Notice.ID] = true
			out = append(out, o)
		}
		return err
	}
	n := int64(bound(limit))
	if err := tx.each(ctx, `SELECT `+owedColumns+` FROM notice WHERE state <> 0 AND done >= ? ORDER BY done DESC LIMIT ?`, []any{ns(since), n}, scan); err != nil {
		return nil, err
	}
	for _, s := range sinks {
		if err := tx.each(ctx, `SELECT `+owedColumns+` FROM notice WHERE sink = ? AND state = 0 ORDER BY id DESC LIMIT ?`, []any{s, n}, scan); err != nil {
			return nil, err
		}
		if err := tx.each(ctx, `SELECT `+owedColumns+` FROM notice WHERE sink = ? AND state = 0 AND head = 1 ORDER BY due, id LIMIT ?`, []any{s, n}, scan); err != nil {
			return nil, err
		}
	}
	return out, nil
}
