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
	return l.received(ctx, `SELECT source, object, kept, done, sum FROM delivery WHERE done >= ? AND done < ?
		UNION ALL SELECT source, object, records, at, sum FROM lake_object WHERE place = ? AND at >= ? AND at < ? ORDER BY 1, 2`,
		ns(from), ns(to), l.place, ns(from), ns(to))
}

// Originals lists the objects that were received whole and whose bytes had a SHA-256 (in
// hexadecimal digits), the first received first.
func (l Lake) Originals(ctx context.Context, sum string) (out []yagura.LakeObject, err error) {
	return l.received(ctx, `SELECT source, coalesce(nullif(name, ''), object), kept, done, sum FROM delivery WHERE sum = ? AND sum <> '' AND done > 0
		UNION ALL SELECT source, object, records, at, sum FROM lake_object WHERE sum = ? AND sum <> '' AND place = ? ORDER BY 4, 1, 2`, sum, sum, l.place)
}

func (l Lake) received(ctx context.Context, query string, args ...any) (out []yagura.LakeObject, err error) {
	err = l.db.View(ctx, func(ctx context.Context, tx *Tx) error {
		out = nil
		return tx.each(ctx, query, args, func(rows *sql.Rows) error {
			var r yagura.LakeObject
			var when int64
			if err := rows.Scan(&r.Source, &r.Object, &r.Records, &when, &r.Sum); err != nil {
				return err
			}
			r.Source, r.Object, r.At = unclean(r.Source), unclean(r.Object), at(when)
			out = append(out, r)
			return nil
		})
	})
	return out, err
}
