package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/yagura-sec/yagura"
)

// Received lists the objects that were received whole in a time (its end is not in it):
// those that sources delivered, and those that an import read.
func (l Lake) Received(ctx context.Context, from, to time.Time) (out []yagura.LakeObject, err error) {
	err = l.db.View(ctx, func(ctx context.Context, tx *Tx) error {
		out = nil
		return tx.each(ctx, `SELECT source, object, kept, done FROM delivery WHERE done >= ? AND done < ?
			UNION ALL SELECT source, object, records, at FROM lake_object WHERE place = ? AND at >= ? AND at < ? ORDER BY 1, 2`,
			[]any{ns(from), ns(to), l.place, ns(from), ns(to)}, func(rows *sql.Rows) error {
				var r yagura.LakeObject
				var when int64
				if err := rows.Scan(&r.Source, &r.Object, &r.Records, &when); err != nil {
					return err
				}
				r.Source, r.Object, r.At = unclean(r.Source), unclean(r.Object), at(when)
				out = append(out, r)
				return nil
			})
	})
	return out, err
}
