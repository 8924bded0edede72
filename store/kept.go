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

// SeenChange says whether a change that a person made is met for the first time, and
// remembers it.
func (tx *Tx) SeenChange(ctx context.Context, via, id string, now time.Time) (fresh bool, err error) {
	n, err := tx.exec(ctx, `INSERT INTO change_seen (via, id, at) VALUES (?, ?, ?) ON CONFLICT (via, id) DO NOTHING`, key(via), key(id), ns(now))
	return n > 0, err
}

// PrunePushed forgets ids of what was pushed (SeenChange via "received/…") before a time, at
// most limit of them, and says how many. Ids of what people did are kept for good.
func (tx *Tx) PrunePushed(ctx context.Context, before time.Time, limit int) (int64, error) {
	return tx.exec(ctx, `DELETE FROM change_seen WHERE (via, id) IN (SELECT via, id FROM change_seen
		WHERE via > 'received/' AND via < 'received0' AND at < ? ORDER BY at LIMIT ? {skip locked})`, ns(before), int64(bound(limit)))
}

// The names of counters.
const (
	countDead    = "dead letters"
	countRetried = "dead letters retried"
)

// PutDead keeps records that could not be judged, each once by its id.
func (tx *Tx) PutDead(ctx context.Context, letters []yagura.DeadLetter) error {
	var ids []string
	var bodies, records [][]byte
	v := numbers{names: []string{"retried"}}
	seen := map[string]bool{}
	for _, l := range letters {
		id := key(l.ID)
		if seen[id] {
			continue
		}
		seen[id] = true
		record, retried := l.Bytes, l.Retried
		l.Bytes, l.Retried = nil, time.Time{}
		body, err := json.Marshal(l)
		if err != nil {
			return tx.fail(fmt.Errorf("dead letter %q: %w", cut(l.ID, 64), err))
		}
		ids, bodies, records = append(ids, id), append(bodies, body), append(records, record)
		v.add(ns(retried))
	}
	_, err := tx.many(ctx, `INSERT INTO dead_letter (id, retried, body, record) SELECT i, retried, body, record FROM d WHERE true
		ON CONFLICT (id) DO NOTHING RETURNING retried`,
		append([]column{textColumn("i", ids), blobColumn("body", bodies), blobColumn("record", records)}, v.columns()...), func(rows *sql.Rows) error {
			var retried int64
			err := rows.Scan(&retried)
			tx.count(countDead, 1)
			tx.count(countRetried, flag(retried != 0))
			return err
		})
	return err
}

func (tx *Tx) deadLetters(ctx context.Context, q string, args ...any) ([]yagura.DeadLetter, error) {
	var out []yagura.DeadLetter
	err := tx.each(ctx, q, args, func(rows *sql.Rows) error {
		var l yagura.DeadLetter
		var body, record []byte
		var retried int64
		if err := rows.Scan(&body, &record, &retried); err != nil {
			return err
		}
		err := json.Unmarshal(body, &l)
		l.Bytes, l.Retried = append([]byte{}, record...), at(retried)
		out = append(out, l)
		return err
	})
	return out, err
}

// DeadLetters returns dead letters in the order of their ids, those behind after.
func (tx *Tx) DeadLetters(ctx context.Context, waitingOnly bool, after string, limit int) ([]yagura.DeadLetter, error) {
	q := `SELECT body, record, retried FROM dead_letter WHERE id > ?`
	if waitingOnly {
		q += ` AND retried = 0`
	}
	return tx.deadLetters(ctx, q+` ORDER BY id LIMIT ?`, key(after), int64(bound(limit)))
}

// DeadLetter returns one dead letter, or [ErrNotFound].
func (tx *Tx) DeadLetter(ctx context.Context, id string) (yagura.DeadLetter, error) {
	list, err := tx.deadLetters(ctx, `SELECT body, record, retried FROM dead_letter WHERE id = ?`, key(id))
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("dead letter %q: %w", cut(id, 64), ErrNotFound)
	}
	if err != nil {
		return yagura.DeadLetter{}, err
	}
	return list[0], nil
}

// MarkRetried says that a dead letter was judged after all. It is no error when it was so
// already.
func (tx *Tx) MarkRetried(ctx context.Context, id string, now time.Time) error {
	n, err := tx.exec(ctx, `UPDATE dead_letter SET retried = ? WHERE id = ? AND retried = 0`, ns(now), key(id))
	if err != nil {
		return err
	}
	tx.count(countRetried, n)
	if n == 0 {
		_, err = tx.DeadLetter(ctx, id)
	}
	return err
}

// DeadTotals says how many dead letters wait, and how many there are.
func (tx *Tx) DeadTotals(ctx context.Context) (waiting, all int64, err error) {
	if err := tx.flushIfWriting(ctx); err != nil {
		return 0, 0, err
	}
	err = tx.each(ctx, `SELECT name, n FROM counter`, nil, func(rows *sql.Rows) error {
		var name string
		var n int64
		err := rows.Scan(&name, &n)
		switch name {
		case countDead:
			all += n
			waiting += n
		case countRetried:
			waiting -= n
		}
		return err
	})
	return waiting, all, err
}

// PutKept writes down where records are kept. A range that begins at the same record of
// the same object replaces what was written of it.
func (tx *Tx) PutKept(ctx context.Context, ranges []yagura.KeptRange) error {
	type place struct {
		source, object string
		first          int64
	}
	last := make(map[place]int, len(ranges))
	for i, r := range ranges {
		last[place{r.Source, r.Object, r.First}] = i
	}
	var sources, objects, formats, files []string
	var sums [][]byte
	v := numbers{names: []string{"first", "records", "start", "length", "min_time", "max_time"}}
	for i, r := range ranges {
		if last[place{r.Source, r.Object, r.First}] != i {
			continue
		}
		sources, objects, formats, files = append(sources, key(r.Source)), append(objects, key(r.Object)), append(formats, clean(r.Format)), append(files, clean(r.File))
		sums = append(sums, r.Checksum[:])
		v.add(r.First, r.Count, r.Offset, r.Length, ns(r.Min), ns(r.Max))
	}
	_, err := tx.many(ctx, `INSERT INTO kept_range (source, object, first, records, format, file, start, length, min_time, max_time, checksum, replica)
		SELECT source, object, first, records, format, file, start, length, min_time, max_time, checksum, CAST(? AS TEXT) FROM d ORDER BY source, object, first
		ON CONFLICT (source, object, first) DO UPDATE SET records = excluded.records, format = excluded.format, file = excluded.file, start = excluded.start,
			length = excluded.length, min_time = excluded.min_time, max_time = excluded.max_time, checksum = excluded.checksum, replica = excluded.replica`,
		append([]column{textColumn("source", sources), textColumn("object", objects), textColumn("format", formats), textColumn("file", files), blobColumn("checksum", sums)}, v.columns()...), nil, tx.keeper())
	return err
}

// keeper names whose files records are in: with SQLite there is one process, under whatever
// name.
func (tx *Tx) keeper() string {
	if !tx.s.d.postgres {
		return ""
	}
	return key(tx.db.replica)
}

// PruneKept forgets where records are kept that were in files of this process before one, by
// name, at most limit ranges, and says how many.
func (tx *Tx) PruneKept(ctx context.Context, file string, limit int) (n int64, err error) {
	names := []string{""}
	if k := tx.keeper(); k != "" {
		names = append(names, k)
	}
	for _, name := range names {
		some, err := tx.exec(ctx, `DELETE FROM kept_range WHERE (source, object, first) IN (SELECT source, object, first FROM kept_range
			WHERE replica = ? AND file < ? ORDER BY file LIMIT ? {skip locked})`, name, clean(file), int64(bound(limit))-n)
		if n += some; err != nil || n >= int64(bound(limit)) {
			return n, err
		}
	}
	return n, nil
}

// Kept returns where the records of an object are kept, in the order of records.
func (tx *Tx) Kept(ctx context.Context, source, object string) ([]yagura.KeptRange, error) {
	var out []yagura.KeptRange
	err := tx.each(ctx, `SELECT first, records, format, file, start, length, min_time, max_time, checksum FROM kept_range
		WHERE source = ? AND object = ? ORDER BY first`, []any{key(source), key(object)}, func(rows *sql.Rows) error {
		r := yagura.KeptRange{Source: source, Object: object}
		var format, file string
		var sum []byte
		var first, last int64
		if err := rows.Scan(&r.First, &r.Count, &format, &file, &r.Offset, &r.Length, &first, &last, &sum); err != nil {
			return err
		}
		r.Format, r.File, r.Min, r.Max = unclean(format), unclean(file), at(first), at(last)
		copy(r.Checksum[:], sum)
		out = append(out, r)
		return nil
	})
	return out, err
}

// State returns what was put under a name.
func (tx *Tx) State(ctx context.Context, name string) (value []byte, ok bool, err error) {
	err = tx.one(ctx, `SELECT value FROM state WHERE name = ?`, []any{key(name)}, &value)
	if errors.Is(err, ErrNotFound) {
		return nil, false, nil
	}
	return value, err == nil, err
}

// HoldState is State for a value that is changed by what it was: another transaction that
// holds the same name waits until this one ends, also when there is nothing under it yet. A
// name is held before any row is locked.
func (tx *Tx) HoldState(ctx context.Context, name string) (value []byte, ok bool, err error) {
	if tx.s.d.postgres { // SQLite has one writer at a time
		if _, err := tx.exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('yagura/' || current_schema() || '/state/' || ?, 0))`, key(name)); err != nil {
			return nil, false, err
		}
	}
	return tx.State(ctx, name)
}

// PutState puts a small value under a name; nil takes it away.
func (tx *Tx) PutState(ctx context.Context, name string, value []byte) error {
	if value == nil {
		_, err := tx.exec(ctx, `DELETE FROM state WHERE name = ?`, key(name))
		return err
	}
	_, err := tx.exec(ctx, `INSERT INTO state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, key(name), value)
	return err
}
