package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/yagura-sec/yagura"
)

const deliveryColumns = `source, object, name, received, judged, kept, total, repeats, broken, own, findings, attempts, error, done, first_event, last_event, sum`

func scanDelivery(rows *sql.Rows) (d yagura.Delivery, short string, err error) {
	var source, name, lastError, sum string
	var received, done, first, last int64
	err = rows.Scan(&source, &short, &name, &received, &d.Judged, &d.Kept, &d.Total, &d.Repeats, &d.Broken, &d.Own, &d.Findings,
		&d.Attempts, &lastError, &done, &first, &last, &sum)
	if name == "" {
		name = short
	}
	d.Source, d.Object, d.Error, d.Sum = unclean(source), unclean(name), unclean(lastError), sum
	d.Received, d.Done, d.First, d.Last = at(received), at(done), at(first), at(last)
	return d, short, err
}

// Deliveries returns the records of objects, by their names; those that are new are not
// in it.
func (tx *Tx) Deliveries(ctx context.Context, source string, objects []string) (map[string]yagura.Delivery, error) {
	out := make(map[string]yagura.Delivery, len(objects))
	keys := make([]string, len(objects))
	for i, o := range objects {
		keys[i] = key(o)
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	_, err := tx.many(ctx, `SELECT `+deliveryColumns+` FROM delivery WHERE source = ? AND object IN (SELECT object FROM d)`,
		[]column{textColumn("object", keys)}, func(rows *sql.Rows) error {
			d, _, err := scanDelivery(rows)
			out[d.Object] = d
			return err
		}, key(source))
	return out, err
}

// deliveryKey is the primary key of a delivery, as columns hold it.
type deliveryKey struct{ source, object string }

// PutDeliveries writes delivery records. What is there already and what is given are
// joined: counts, Total and Attempts only grow, Received stays the earliest, Done stays
// once it is set, First and Last widen; Error is the given one, Sum too where there is one. So a transaction that
// judges and one that keeps may write the same record without knowing of each other.
func (tx *Tx) PutDeliveries(ctx context.Context, deliveries []yagura.Delivery) error {
	// The same object given twice is joined here.
	given := make(map[deliveryKey]yagura.Delivery, len(deliveries))
	order := make([]deliveryKey, 0, len(deliveries))
	for _, d := range deliveries {
		k := deliveryKey{key(d.Source), key(d.Object)}
		if old, ok := given[k]; ok {
			d = joinDeliveries(old, d)
		} else {
			order = append(order, k)
		}
		given[k] = d
	}
	slices.SortFunc(order, func(a, b deliveryKey) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.object, b.object))
	})
	fresh := make(map[deliveryKey]bool, len(order))
	_, err := tx.many(ctx, `INSERT INTO delivery (`+deliveryColumns+`) SELECT `+deliveryColumns+` FROM d WHERE true
		ON CONFLICT (source, object) DO NOTHING RETURNING source, object`, deliveryRows(order, given), func(rows *sql.Rows) error {
		var k deliveryKey
		err := rows.Scan(&k.source, &k.object)
		fresh[k] = true
		return err
	})
	if err != nil {
		return err
	}
	known := order[:0:0]
	for _, k := range order {
		if fresh[k] {
			tx.bookDelivery(yagura.Delivery{}, given[k], true)
		} else {
			known = append(known, k)
		}
	}
	if len(known) == 0 {
		return nil
	}
	var sources, objects []string
	for _, k := range known {
		sources, objects = append(sources, k.source), append(objects, k.object)
	}
	var changed []deliveryKey
	_, err = tx.many(ctx, `SELECT `+deliveryColumns+` FROM delivery WHERE (source, object) IN (SELECT source, object FROM d)
		ORDER BY source, object {for change}`, []column{textColumn("source", sources), textColumn("object", objects)},
		func(rows *sql.Rows) error {
			old, short, err := scanDelivery(rows)
			if err != nil {
				return err
			}
			k := deliveryKey{key(old.Source), short}
			joined := joinDeliveries(old, given[k])
			if joined != old {
				tx.bookDelivery(old, joined, false)
				given[k] = joined
				changed = append(changed, k)
			}
			return nil
		})
	if err != nil {
		return err
	}
	_, err = tx.many(ctx, `UPDATE delivery SET received = d.received, judged = d.judged, kept = d.kept, total = d.total,
			repeats = d.repeats, broken = d.broken, own = d.own, findings = d.findings, attempts = d.attempts, error = d.error,
			done = d.done, first_event = d.first_event, last_event = d.last_event, sum = d.sum
		FROM d WHERE delivery.source = d.source AND delivery.object = d.object`, deliveryRows(changed, given), nil)
	return err
}

func deliveryRows(keys []deliveryKey, all map[deliveryKey]yagura.Delivery) []column {
	var sources, objects, names, errs, sums []string
	v := numbers{names: []string{"received", "judged", "kept", "total", "repeats", "broken", "own", "findings", "attempts", "done", "first_event", "last_event"}}
	for _, k := range keys {
		d := all[k]
		sources, objects, names, errs = append(sources, k.source), append(objects, k.object), append(names, long(d.Object)), append(errs, clean(d.Error))
		sums = append(sums, d.Sum)
		v.add(ns(d.Received), d.Judged, d.Kept, d.Total, d.Repeats, d.Broken, d.Own, d.Findings, int64(d.Attempts), ns(d.Done), ns(d.First), ns(d.Last))
	}
	return append([]column{textColumn("source", sources), textColumn("object", objects), textColumn("name", names), textColumn("error", errs), textColumn("sum", sums)}, v.columns()...)
}

func joinDeliveries(a, b yagura.Delivery) yagura.Delivery {
	return yagura.Delivery{
		Source: a.Source, Object: a.Object,
		Received: at(earlier(ns(a.Received), ns(b.Received))),
		Judged:   max(a.Judged, b.Judged), Kept: max(a.Kept, b.Kept), Total: max(a.Total, b.Total),
		Repeats: max(a.Repeats, b.Repeats), Broken: max(a.Broken, b.Broken), Own: max(a.Own, b.Own),
		Findings: max(a.Findings, b.Findings), Attempts: max(a.Attempts, b.Attempts), Error: b.Error,
		Done:  at(later(ns(a.Done), ns(b.Done))),
		First: at(earlier(ns(a.First), ns(b.First))), Last: at(later(ns(a.Last), ns(b.Last))),
		Sum: cmp.Or(b.Sum, a.Sum),
	}
}

// receivedRecords is what a delivery adds to the records of its source that were
// received: all of them once its end was read, before that those that were judged.
func receivedRecords(d yagura.Delivery) int64 { return max(d.Total, d.Judged) }

// bookDelivery adds the change of one delivery to the books of its source.
func (tx *Tx) bookDelivery(old, d yagura.Delivery, fresh bool) {
	c := tx.source(d.Source)
	c.objects += flag(fresh)
	done := !d.Done.IsZero() && (fresh || old.Done.IsZero())
	c.objectsDone += flag(done)
	c.received += receivedRecords(d) - receivedRecords(old)
	c.judged += d.Judged - old.Judged
	c.kept += d.Kept - old.Kept
	c.repeats += d.Repeats - old.Repeats
	c.broken += d.Broken - old.Broken
	c.own += d.Own - old.Own
	c.findings += d.Findings - old.Findings
	c.lastEvent = later(c.lastEvent, ns(d.Last))
	if d.Error != "" || done {
		c.lastError, c.told = d.Error, ns(tx.now)
	}
}

// WaitingDeliveries returns deliveries that are not done, in the order of their objects'
// names, those behind after.
func (tx *Tx) WaitingDeliveries(ctx context.Context, source, after string, limit int) ([]yagura.Delivery, error) {
	var out []yagura.Delivery
	err := tx.each(ctx, `SELECT `+deliveryColumns+` FROM delivery WHERE source = ? AND done = 0 AND object > ? ORDER BY object LIMIT ?`,
		[]any{key(source), key(after), int64(bound(limit))}, func(rows *sql.Rows) error {
			d, _, err := scanDelivery(rows)
			out = append(out, d)
			return err
		})
	return out, err
}

// SourceTotals returns the books of all sources, by name. LastError is that of the last
// attempt, "" when that one succeeded. The books of one source balance: Received is
// Judged + Waiting, where an object whose end was not read yet counts as what was judged
// of it.
func (tx *Tx) SourceTotals(ctx context.Context) ([]yagura.SourceTotals, error) {
	if err := tx.flushIfWriting(ctx); err != nil {
		return nil, err
	}
	var out []yagura.SourceTotals
	told := int64(0)
	err := tx.each(ctx, `SELECT source, objects, objects_done, received, judged, kept, repeats, broken, own, findings, last_event, last_error, told
		FROM source_total ORDER BY source, shard`, nil, func(rows *sql.Rows) error {
		var source, lastError string
		var s yagura.SourceTotals
		var lastEvent, when int64
		if err := rows.Scan(&source, &s.Objects, &s.ObjectsDone, &s.Received, &s.Judged, &s.Kept, &s.Repeats, &s.Broken, &s.Own, &s.Findings,
			&lastEvent, &lastError, &when); err != nil {
			return err
		}
		source = unclean(source)
		if n := len(out); n == 0 || out[n-1].Source != source {
			out, told = append(out, yagura.SourceTotals{Source: source}), 0
		}
		t := &out[len(out)-1]
		t.Objects += s.Objects
		t.ObjectsDone += s.ObjectsDone
		t.Received += s.Received
		t.Judged += s.Judged
		t.Kept += s.Kept
		t.Repeats += s.Repeats
		t.Broken += s.Broken
		t.Own += s.Own
		t.Findings += s.Findings
		t.LastEvent = at(later(ns(t.LastEvent), lastEvent))
		if when > told {
			told, t.LastError = when, unclean(lastError)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range out {
		t := &out[i]
		t.Waiting = t.Received - t.Judged
		var oldest int64
		if err := tx.one(ctx, `SELECT coalesce(min(received), 0) FROM delivery WHERE source = ? AND done = 0`, []any{key(t.Source)}, &oldest); err != nil {
			return nil, err
		}
		t.Oldest = at(oldest)
	}
	return out, nil
}

func (tx *Tx) flushIfWriting(ctx context.Context) error {
	if !tx.write {
		return nil
	}
	return tx.flush(ctx)
}

// The limits of lists.
const (
	usualLimit = 100
	mostLimit  = 10_000
)

func bound(limit int) int {
	if limit <= 0 {
		return usualLimit
	}
	return min(limit, mostLimit)
}
