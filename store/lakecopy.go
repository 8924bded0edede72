package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura"
)

// BeginCopy writes down that a copy of an original is about to be written, and gives it its
// number, and its name by what name makes of it. Where there is a copy of these bytes it says
// so, and the copy is as young as what was given.
func (l Lake) BeginCopy(ctx context.Context, c *yagura.LakeCopy, name func(*yagura.LakeCopy)) (there bool, err error) {
	err = l.db.Update(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `UPDATE lake_copy SET seen = {greatest}(seen, ?) WHERE place = ? AND state = 'live' AND sum = ?`, ns(c.Seen), l.place, c.Sum)
		if there = n > 0; there || err != nil {
			return err
		}
		if c.Number, err = tx.lakeCounter(ctx, "lake/number", 1); err != nil {
			return err
		}
		name(c)
		_, err = tx.exec(ctx, `INSERT INTO lake_copy (number, place, sum, size, name, state, writer, seen, due) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)`,
			c.Number, l.place, c.Sum, c.Size, clean(c.Name), lakeWriting, clean(c.Writer), ns(c.Seen))
		return err
	})
	return there, err
}

// CommitCopy makes a copy live that is written. Where another one of these bytes became live
// meanwhile it says so, and this one is to be removed. due is when it is first looked at
// whether a record is there that came from it.
func (l Lake) CommitCopy(ctx context.Context, c *yagura.LakeCopy, due time.Time) (there bool, err error) {
	err = l.db.Update(ctx, func(ctx context.Context, tx *Tx) error {
		if _, _, err := tx.HoldState(ctx, "lake/number"); err != nil { // of two who commit at once one sees the other
			return err
		}
		var number int64
		err := tx.one(ctx, `SELECT number FROM lake_copy WHERE place = ? AND state = 'live' AND sum = ?`, []any{l.place, c.Sum}, &number)
		if there = err == nil && number != c.Number; there || err == nil {
			return nil
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		n, err := tx.exec(ctx, `UPDATE lake_copy SET state = 'live', due = ? WHERE number = ? AND state = 'writing'`, ns(due), c.Number)
		if err == nil && n == 0 {
			err = tx.fail(fmt.Errorf("copy %d is not being written any more and cannot be committed", c.Number))
		}
		return err
	})
	return there, err
}

const copyColumns = `number, sum, size, name, writer, seen`

func (tx *Tx) copies(ctx context.Context, where string, args ...any) (out []yagura.LakeCopy, err error) {
	err = tx.each(ctx, `SELECT `+copyColumns+` FROM lake_copy WHERE `+where, args, func(rows *sql.Rows) error {
		var c yagura.LakeCopy
		var seen int64
		err := rows.Scan(&c.Number, &c.Sum, &c.Size, &c.Name, &c.Writer, &seen)
		c.Name, c.Writer, c.Seen = unclean(c.Name), unclean(c.Writer), at(seen)
		out = append(out, c)
		return err
	})
	return out, err
}

// Copies lists the copies of originals; sum is "" for all of them, or the one of these bytes.
func (l Lake) Copies(ctx context.Context, sum string) (out []yagura.LakeCopy, err error) {
	err = l.db.View(ctx, func(ctx context.Context, tx *Tx) error {
		if sum == "" {
			out, err = tx.copies(ctx, `place = ? AND state = 'live' ORDER BY number`, l.place)
		} else {
			out, err = tx.copies(ctx, `place = ? AND state = 'live' AND sum = ?`, l.place, sum)
		}
		return err
	})
	return out, err
}

// CopyTotals sums up the copies, and apart those that records are known to have come from.
func (l Lake) CopyTotals(ctx context.Context) (all, used yagura.LakeCopies, err error) {
	err = l.db.View(ctx, func(ctx context.Context, tx *Tx) error {
		return tx.one(ctx, `SELECT count(*), CAST(coalesce(sum(size), 0) AS BIGINT), coalesce(sum(CASE WHEN due = 0 THEN 1 ELSE 0 END), 0), CAST(coalesce(sum(CASE WHEN due = 0 THEN size ELSE 0 END), 0) AS BIGINT)
			FROM lake_copy WHERE place = ? AND state = 'live'`, []any{l.place}, &all.Copies, &all.Bytes, &used.Copies, &used.Bytes)
	})
	return all, used, err
}

// UndoCopy drops a copy that is not live, so that nobody makes it live any more, and says
// whether it is.
func (l Lake) UndoCopy(ctx context.Context, number int64) (live bool, err error) {
	err = l.db.Update(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.exec(ctx, `UPDATE lake_copy SET state = 'dropped' WHERE number = ? AND state = 'writing'`, number); err != nil {
			return err
		}
		list, err := tx.copies(ctx, `number = ? AND state = 'live'`, number)
		live = len(list) > 0
		return err
	})
	return live, err
}

// DroppedCopies lists copies that are to be removed, after it dropped those that a writer that
// is dead was writing ("": none), and those that anybody began before a time.
func (l Lake) DroppedCopies(ctx context.Context, writer string, before time.Time) (out []yagura.LakeCopy, err error) {
	const others = `place = ? AND state <> 'live'`
	err = l.db.View(ctx, func(ctx context.Context, tx *Tx) error {
		out, err = tx.copies(ctx, others+` ORDER BY number`, l.place)
		return err
	})
	if err != nil || len(out) == 0 { // as nearly always
		return nil, err
	}
	err = l.db.Update(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.exec(ctx, `UPDATE lake_copy SET state = 'dropped' WHERE `+others+` AND (writer = ? AND writer <> '' OR seen < ?)`, l.place, clean(writer), ns(before)); err != nil {
			return err
		}
		out, err = tx.copies(ctx, others+` AND state = 'dropped' ORDER BY number`, l.place)
		return err
	})
	return out, err
}

// ForgetCopies takes copies out that are not live.
func (l Lake) ForgetCopies(ctx context.Context, numbers []int64) error {
	return l.db.Update(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.many(ctx, `DELETE FROM lake_copy WHERE state <> 'live' AND number IN (SELECT n FROM d)`, []column{intColumn("n", numbers)}, nil)
		return err
	})
}

// rowsOf is a condition: a record is in the lake that came from an object with a copy's bytes.
const rowsOf = `(EXISTS (SELECT 1 FROM delivery o JOIN kept_range k ON k.source = o.source AND k.object = o.object WHERE o.sum = lake_copy.sum AND o.sum <> '')
	OR EXISTS (SELECT 1 FROM lake_object o JOIN kept_range k ON k.source = o.source AND k.object = o.row_object WHERE o.sum = lake_copy.sum AND o.sum <> '' AND o.place = lake_copy.place))`

// DropUnusedCopies looks at copies that are due, at most limit of them: those that no record is
// left of are dropped, unless their bytes came since a time; then they are looked at again when
// that much has passed. It says how many it looked at, and how large those are that no record
// is left of.
func (l Lake) DropUnusedCopies(ctx context.Context, now, since time.Time, limit int) (looked int, unused yagura.LakeCopies, err error) {
	err = l.db.Update(ctx, func(ctx context.Context, tx *Tx) error {
		unused = yagura.LakeCopies{}
		list, err := tx.copies(ctx, `place = ? AND state = 'live' AND due > 0 AND due <= ? ORDER BY due LIMIT ? {for update}`, l.place, ns(now), int64(bound(limit)))
		if looked = len(list); err != nil || looked == 0 {
			return err
		}
		var numbers []int64
		for _, c := range list {
			numbers = append(numbers, c.Number)
		}
		cols := []column{intColumn("n", numbers)}
		if _, err := tx.many(ctx, `UPDATE lake_copy SET due = 0 WHERE number IN (SELECT n FROM d) AND `+rowsOf, cols, nil); err != nil {
			return err
		}
		_, err = tx.many(ctx, `UPDATE lake_copy SET state = CASE WHEN seen <= ? THEN 'dropped' ELSE state END, due = seen + ?
			WHERE number IN (SELECT n FROM d) AND due > 0 RETURNING size`, cols, func(rows *sql.Rows) error {
			var size int64
			err := rows.Scan(&size)
			unused.Copies, unused.Bytes = unused.Copies+1, unused.Bytes+size
			return err
		}, ns(since), now.Sub(since).Nanoseconds())
		return err
	})
	return looked, unused, err
}

// lookAtCopies makes copies due that records came from which are about to go: those of ranges,
// k, that a condition over the rows of cols, d, takes.
func (tx *Tx) lookAtCopies(ctx context.Context, place, condition string, cols ...column) error {
	var one int64
	if err := tx.one(ctx, `SELECT 1 FROM lake_copy WHERE place = ? AND state = 'live' LIMIT 1`, []any{place}, &one); err != nil {
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	}
	sums := map[string]bool{}
	note := func(rows *sql.Rows) error {
		var sum string
		err := rows.Scan(&sum)
		sums[sum] = true
		return err
	}
	for _, q := range []string{
		`SELECT DISTINCT o.sum FROM kept_range k JOIN delivery o ON o.source = k.source AND o.object = k.object WHERE o.sum <> '' AND `,
		`SELECT DISTINCT o.sum FROM kept_range k JOIN lake_object o ON o.source = k.source AND o.row_object = k.object WHERE o.sum <> '' AND `} {
		if _, err := tx.many(ctx, q+condition, cols, note); err != nil {
			return err
		}
	}
	var list []string
	for sum := range sums {
		list = append(list, sum)
	}
	_, err := tx.many(ctx, `UPDATE lake_copy SET due = 1 WHERE place = ? AND state = 'live' AND sum IN (SELECT s FROM d)`, []column{textColumn("s", list)}, nil, place)
	return err
}

// OriginalSums returns the SHA-256 of what was received under a name: the identity of an object,
// or its name without the tag that tells its versions apart. What came last is first.
func (l Lake) OriginalSums(ctx context.Context, name string) (out []string, err error) {
	from, to := key(name+"#"), key(name+"$") // '$' is the character behind '#'
	list, err := l.received(ctx, `SELECT source, object, kept, done, sum FROM delivery WHERE source IN (SELECT DISTINCT source FROM source_total) AND (object = ? OR object >= ? AND object < ?) AND done > 0 AND sum <> ''
		UNION ALL SELECT source, object, records, at, sum FROM lake_object WHERE place = ? AND source IN ('file', 's3') AND (object = ? OR object >= ? AND object < ?) AND sum <> '' ORDER BY 4 DESC`,
		key(name), from, to, l.place, key(name), from, to)
	seen := map[string]bool{}
	for _, o := range list {
		if !seen[o.Sum] {
			seen[o.Sum] = true
			out = append(out, o.Sum)
		}
	}
	return out, err
}
