package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
)

// States of a file of the lake.
const (
	lakeWriting = "writing"
	lakeLive    = "live"
	lakeDropped = "dropped" // its files are to be removed
)

// Lake is the catalogue of the lake at one place.
type Lake struct {
	db    *DB
	place string
}

// Lake returns the catalogue of the lake in the folder of this database's data: with PostgreSQL
// each replica has such a folder, and a lake, of its own.
func (db *DB) Lake() Lake {
	if db.dialect.postgres {
		return db.LakeAt("replica/" + db.home)
	}
	return db.LakeAt("")
}

// LakeAt returns the catalogue of the lake at a place that replicas share, by the place's own
// name. Lakes at other places are not seen.
func (db *DB) LakeAt(place string) Lake { return Lake{db, clean(place)} }

// lakeCounter takes the next n of a counter that is held until the transaction ends, and
// returns the first of them.
func (tx *Tx) lakeCounter(ctx context.Context, name string, n int64) (int64, error) {
	value, _, err := tx.HoldState(ctx, name)
	if err != nil {
		return 0, err
	}
	last, err := counted(name, value)
	if err != nil {
		return 0, err
	}
	return last + 1, tx.PutState(ctx, name, binary.BigEndian.AppendUint64(nil, uint64(last+n)))
}

// counted reads a counter; where there is none yet it is 0.
func counted(name string, value []byte) (int64, error) {
	switch len(value) {
	case 0:
		return 0, nil
	case 8:
		return int64(binary.BigEndian.Uint64(value)), nil
	}
	return 0, fmt.Errorf("the counter %s has %d bytes", name, len(value))
}

// lakeSeq counts the changes of what is live in lakes.
const lakeSeq = "lake/seq"

// LakeSeq is a number that is another one whenever what is live in a lake may have changed.
func (db *DB) LakeSeq(ctx context.Context) (seq int64, err error) {
	err = db.View(ctx, func(ctx context.Context, tx *Tx) error {
		value, _, err := tx.State(ctx, lakeSeq)
		if err == nil {
			seq, err = counted(lakeSeq, value)
		}
		return err
	})
	return seq, err
}

// Begin writes down that a writer is about to write files. It fills in their numbers, and
// their names by what name makes of a file.
func (l Lake) Begin(ctx context.Context, files []yagura.LakeFile, name func(*yagura.LakeFile)) error {
	return l.db.Update(ctx, func(ctx context.Context, tx *Tx) error {
		first, err := tx.lakeCounter(ctx, "lake/number", int64(len(files)))
		if err != nil {
			return err
		}
		for i := range files {
			files[i].Number = first + int64(i)
			name(&files[i])
		}
		return tx.putLakeFiles(ctx, l.place, files, lakeWriting, 0)
	})
}

func (tx *Tx) putLakeFiles(ctx context.Context, place string, files []yagura.LakeFile, state string, seq int64) error {
	var places, states, writers, formats, days, heads, raws []string
	var headSums, rawSums [][]byte
	v := numbers{names: []string{"number", "seq", "hold", "row_count", "repeats", "raw_bytes", "head_size", "raw_size", "min_time", "max_time", "min_seen", "max_seen", "created"}}
	for i := range files {
		f := &files[i]
		places, states, writers, formats, days = append(places, place), append(states, state), append(writers, clean(f.Writer)), append(formats, key(f.Format)), append(days, clean(f.Day))
		heads, raws = append(heads, clean(f.Head)), append(raws, clean(f.Raw))
		headSums, rawSums = append(headSums, f.HeadSum[:]), append(rawSums, f.RawSum[:])
		v.add(f.Number, seq, flag(f.Hold), f.Rows, f.Repeats, f.RawBytes, f.HeadSize, f.RawSize, ns(f.Min), ns(f.Max), ns(f.SeenMin), ns(f.SeenMax), ns(f.Created))
	}
	const cols = `number, place, seq, state, hold, writer, format, day, head, raw, row_count, repeats, raw_bytes, head_size, raw_size, min_time, max_time, min_seen, max_seen, head_sum, raw_sum, created`
	_, err := tx.many(ctx, `INSERT INTO lake_file (`+cols+`) SELECT `+cols+` FROM d WHERE true ON CONFLICT (number) DO UPDATE SET seq = excluded.seq, state = excluded.state,
		row_count = excluded.row_count, repeats = excluded.repeats, raw_bytes = excluded.raw_bytes, head_size = excluded.head_size, raw_size = excluded.raw_size,
		min_time = excluded.min_time, max_time = excluded.max_time, min_seen = excluded.min_seen, max_seen = excluded.max_seen, head_sum = excluded.head_sum, raw_sum = excluded.raw_sum`,
		append([]column{textColumn("place", places), textColumn("state", states), textColumn("writer", writers), textColumn("format", formats), textColumn("day", days),
			textColumn("head", heads), textColumn("raw", raws), blobColumn("head_sum", headSums), blobColumn("raw_sum", rawSums)}, v.columns()...), nil)
	return err
}

// Commit makes files live, and what else became true with them. Where files of others of one of
// the partitions were committed since Checked nothing is done: they are returned, to be
// searched for repeats first.
func (l Lake) Commit(ctx context.Context, c yagura.LakeCommit) (newer []yagura.LakeFile, seq int64, err error) {
	err = l.db.Update(ctx, func(ctx context.Context, tx *Tx) error {
		newer = nil
		var err error
		if seq, err = tx.lakeCounter(ctx, lakeSeq, 1); err != nil {
			return err
		}
		for i := range c.Files {
			f := &c.Files[i]
			more, err := tx.lakeFiles(ctx, l.place, yagura.LakeFilter{Formats: []string{f.Format}, Day: f.Day, After: f.Checked})
			if err != nil {
				return err
			}
			for i := range more {
				if more[i].Writer != f.Writer { // a writer knows what it wrote itself
					newer = append(newer, more[i])
				}
			}
		}
		if len(newer) > 0 {
			return nil
		}
		if err := tx.lakeWriters(ctx, c.Files); err != nil {
			return err
		}
		if err := tx.putLakeFiles(ctx, l.place, c.Files, lakeLive, seq); err != nil {
			return err
		}
		if err := tx.PutKept(ctx, c.Ranges); err != nil {
			return err
		}
		if err := tx.addLakeRepeats(ctx, l.place, c.Repeats); err != nil {
			return err
		}
		return tx.putLakeObjects(ctx, l.place, c.Objects)
	})
	return newer, seq, err
}

// lakeWriters refuses files of which this database does not know that they were being written:
// somebody took them for what a crash left behind, and removed them.
func (tx *Tx) lakeWriters(ctx context.Context, files []yagura.LakeFile) error {
	for i := range files {
		var state string
		if err := tx.one(ctx, `SELECT state FROM lake_file WHERE number = ? {for update}`, []any{files[i].Number}, &state); err != nil {
			return fmt.Errorf("lake file %d: %w", files[i].Number, err)
		}
		if state != lakeWriting {
			return fmt.Errorf("lake file %d is %s and cannot be committed", files[i].Number, state)
		}
	}
	return nil
}

func (tx *Tx) addLakeRepeats(ctx context.Context, place string, list []yagura.LakeRepeats) error {
	var formats, days []string
	v := numbers{names: []string{"n"}}
	at := map[[2]string]int{}
	var sums []int64
	for _, r := range list {
		k := [2]string{key(r.Format), clean(r.Day)}
		i, ok := at[k]
		if !ok {
			i = len(sums)
			at[k] = i
			sums, formats, days = append(sums, 0), append(formats, k[0]), append(days, k[1])
		}
		sums[i] += r.Count
	}
	for _, n := range sums {
		v.add(n)
	}
	_, err := tx.many(ctx, `INSERT INTO lake_repeats (place, format, day, n) SELECT CAST(? AS TEXT), format, day, n FROM d WHERE true
		ON CONFLICT (place, format, day) DO UPDATE SET n = lake_repeats.n + excluded.n`,
		append([]column{textColumn("format", formats), textColumn("day", days)}, v.columns()...), nil, place)
	return err
}

func (tx *Tx) putLakeObjects(ctx context.Context, place string, list []yagura.LakeObject) error {
	var sources, objects, names, sums []string
	v := numbers{names: []string{"records", "at"}}
	for _, o := range list {
		sources, objects, sums = append(sources, key(o.Source)), append(objects, key(o.Object)), append(sums, o.Sum)
		names = append(names, key(cmp.Or(o.Rows, o.Object)))
		v.add(o.Records, ns(o.At))
	}
	// What is read again gets the sum that it was read without, and nothing else.
	_, err := tx.many(ctx, `INSERT INTO lake_object (place, source, object, row_object, records, at, sum) SELECT CAST(? AS TEXT), source, object, row_object, records, at, sum FROM d WHERE true
		ON CONFLICT (place, source, object) DO UPDATE SET row_object = excluded.row_object, sum = CASE WHEN lake_object.sum = '' THEN excluded.sum ELSE lake_object.sum END`,
		append([]column{textColumn("source", sources), textColumn("object", objects), textColumn("row_object", names), textColumn("sum", sums)}, v.columns()...), nil, place)
	return err
}

// Objects says which of some objects are in the lake with all their records.
func (l Lake) Objects(ctx context.Context, source string, objects []string) (done map[string]bool, err error) {
	err = l.db.View(ctx, func(ctx context.Context, tx *Tx) error {
		done = map[string]bool{}
		for _, o := range objects {
			var n int64
			if err := tx.one(ctx, `SELECT count(*) FROM lake_object WHERE place = ? AND source = ? AND object = ?`, []any{l.place, key(source), key(o)}, &n); err != nil {
				return err
			}
			done[o] = n > 0
		}
		return nil
	})
	return done, err
}

// Files lists what is live, in the order of their numbers.
func (l Lake) Files(ctx context.Context, f yagura.LakeFilter) (out []yagura.LakeFile, err error) {
	err = l.db.View(ctx, func(ctx context.Context, tx *Tx) error {
		out, err = tx.lakeFiles(ctx, l.place, f)
		return err
	})
	return out, err
}

const lakeColumns = `number, seq, hold, writer, format, day, head, raw, row_count, repeats, raw_bytes, head_size, raw_size, min_time, max_time, min_seen, max_seen, head_sum, raw_sum, created`

func (tx *Tx) lakeFiles(ctx context.Context, place string, f yagura.LakeFilter) (out []yagura.LakeFile, err error) {
	q, args := `SELECT `+lakeColumns+` FROM lake_file WHERE place = ? AND state = 'live' AND seq > ?`, []any{place, f.After}
	if !f.From.IsZero() {
		q, args = q+` AND max_time >= ?`, append(args, ns(f.From))
	}
	if !f.To.IsZero() {
		q, args = q+` AND min_time < ? AND max_time <> 0`, append(args, ns(f.To))
	}
	if f.Day != "" {
		q, args = q+` AND day = ?`, append(args, clean(f.Day))
	}
	if len(f.Formats) == 0 {
		return tx.lakeRows(ctx, q+` ORDER BY number`, args)
	}
	for _, format := range f.Formats {
		some, err := tx.lakeRows(ctx, q+` AND format = ? ORDER BY number`, append(slices.Clip(args), key(format)))
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

func (tx *Tx) lakeRows(ctx context.Context, q string, args []any) (out []yagura.LakeFile, err error) {
	err = tx.each(ctx, q, args, func(rows *sql.Rows) error {
		var f yagura.LakeFile
		var hold, lo, hi, seenLo, seenHi, created int64
		var headSum, rawSum []byte
		if err := rows.Scan(&f.Number, &f.Seq, &hold, &f.Writer, &f.Format, &f.Day, &f.Head, &f.Raw, &f.Rows, &f.Repeats, &f.RawBytes, &f.HeadSize, &f.RawSize,
			&lo, &hi, &seenLo, &seenHi, &headSum, &rawSum, &created); err != nil {
			return err
		}
		f.Hold, f.Min, f.Max, f.SeenMin, f.SeenMax, f.Created = hold != 0, at(lo), at(hi), at(seenLo), at(seenHi), at(created)
		f.Writer, f.Format, f.Day, f.Head, f.Raw = unclean(f.Writer), unclean(f.Format), unclean(f.Day), unclean(f.Head), unclean(f.Raw)
		copy(f.HeadSum[:], headSum)
		copy(f.RawSum[:], rawSum)
		out = append(out, f)
		return nil
	})
	return out, err
}

// Orphans lists what a writer that is dead was writing, and what anybody began to write
// before a time and never committed.
func (l Lake) Orphans(ctx context.Context, writer string, before time.Time) (out []yagura.LakeFile, err error) {
	err = l.db.View(ctx, func(ctx context.Context, tx *Tx) error {
		out, err = tx.lakeRows(ctx, `SELECT `+lakeColumns+` FROM lake_file WHERE place = ? AND state IN ('writing', 'dropped') AND (writer = ? OR created < ?) ORDER BY number`, []any{l.place, clean(writer), ns(before)})
		return err
	})
	return out, err
}

// Drop takes live files that are not on hold out of every list. Their rows stay, so that
// whoever removes the files themselves knows their names, until they are forgotten.
func (l Lake) Drop(ctx context.Context, files []yagura.LakeFile) error {
	var dropped []int64
	var raws []string
	for i := range files {
		dropped, raws = append(dropped, files[i].Number), append(raws, clean(files[i].Raw))
	}
	return l.db.Update(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.lakeCounter(ctx, lakeSeq, 1); err != nil {
			return err
		}
		n, err := tx.many(ctx, `UPDATE lake_file SET state = '`+lakeDropped+`' WHERE state = 'live' AND hold = 0 AND number IN (SELECT n FROM d)`, []column{intColumn("n", dropped)}, nil)
		if err != nil {
			return err
		}
		if n != int64(len(files)) {
			return tx.fail(fmt.Errorf("lake: %d of %d files may be dropped: the others are on hold or gone", n, len(files)))
		}
		if err := tx.lookAtCopies(ctx, l.place, "k.file IN (SELECT f FROM d)", textColumn("f", raws)); err != nil {
			return err
		}
		_, err = tx.many(ctx, `DELETE FROM kept_range WHERE file IN (SELECT f FROM d)`, []column{textColumn("f", raws)}, nil)
		return err
	})
}

// Forget takes files out of the catalogue that are not live.
func (l Lake) Forget(ctx context.Context, numbers []int64) error {
	return l.db.Update(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.many(ctx, `DELETE FROM lake_file WHERE state <> 'live' AND number IN (SELECT n FROM d)`, []column{intColumn("n", numbers)}, nil)
		return err
	})
}

// Totals sums the lake up, by format and day.
func (l Lake) Totals(ctx context.Context) (out []yagura.LakeTotal, err error) {
	err = l.db.View(ctx, func(ctx context.Context, tx *Tx) error {
		out = nil
		repeats := map[[2]string]int64{}
		err := tx.each(ctx, `SELECT format, day, n FROM lake_repeats WHERE place = ?`, []any{l.place}, func(rows *sql.Rows) error {
			var format, day string
			var n int64
			err := rows.Scan(&format, &day, &n)
			repeats[[2]string{format, day}] = n
			return err
		})
		if err != nil {
			return err
		}
		return tx.each(ctx, `SELECT format, day, count(*), CAST(sum(row_count) AS BIGINT), CAST(sum(repeats) AS BIGINT), CAST(sum(raw_bytes) AS BIGINT), CAST(sum(head_size) AS BIGINT), CAST(sum(raw_size) AS BIGINT), min(min_time), max(max_time)
			FROM lake_file WHERE place = ? AND state = 'live' GROUP BY format, day ORDER BY format, day`, []any{l.place}, func(rows *sql.Rows) error {
			var t yagura.LakeTotal
			var lo, hi int64
			if err := rows.Scan(&t.Format, &t.Day, &t.Files, &t.Rows, &t.Repeats, &t.RawBytes, &t.HeadSize, &t.RawSize, &lo, &hi); err != nil {
				return err
			}
			t.Repeats += repeats[[2]string{t.Format, t.Day}]
			t.Format, t.Day, t.Min, t.Max = unclean(t.Format), unclean(t.Day), at(lo), at(hi)
			out = append(out, t)
			return nil
		})
	})
	return out, err
}
