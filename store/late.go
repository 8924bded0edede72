package store

import (
	"context"
	"maps"
	"slices"

	"github.com/yagura-sec/yagura"
)

// late is what a transaction writes last, just before its commit: counters and the marks
// of window groups. Every replica writes to these rows all the time, so they are locked
// for as short as can be, and always in the same order.
type late struct {
	groups   map[string]*groupChange // by window_group.grp
	settled  map[string]settledGroup // the same
	sources  map[string]*sourceChange
	sinks    map[string]*sinkChange
	counters map[string]int64
}

type groupChange struct {
	corr  yagura.Key
	name  []byte
	rows  int64 // added, less those that were dropped
	dirty bool  // rows were added or changed
}

type sourceChange struct {
	objects, objectsDone, received, judged, kept, repeats, broken, own, findings int64
	lastEvent                                                                    int64
	lastError                                                                    string
	told                                                                         int64 // when lastError was learnt; 0 leaves it as it is
}

type sinkChange struct {
	owed, delivered, dead, folded, doubled int64
	lastError                              string
	told                                   int64
}

func entryOf[K comparable, V any](m *map[K]*V, k K) *V {
	if *m == nil {
		*m = map[K]*V{}
	}
	v := (*m)[k]
	if v == nil {
		v = new(V)
		(*m)[k] = v
	}
	return v
}

func (tx *Tx) group(grp string) *groupChange      { return entryOf(&tx.late.groups, grp) }
func (tx *Tx) source(name string) *sourceChange   { return entryOf(&tx.late.sources, name) }
func (tx *Tx) sinkChange(name string) *sinkChange { return entryOf(&tx.late.sinks, name) }

func (tx *Tx) count(name string, n int64) {
	if tx.late.counters == nil {
		tx.late.counters = map[string]int64{}
	}
	tx.late.counters[name] += n
}

// flush writes what is late. Methods that read such rows call it first.
func (tx *Tx) flush(ctx context.Context) error {
	l := tx.late
	tx.late = late{}
	if err := tx.holdGroups(ctx, l); err != nil {
		return err
	}
	if err := tx.flushGroups(ctx, l.groups); err != nil {
		return err
	}
	if err := tx.flushSettled(ctx, l.settled); err != nil {
		return err
	}
	if err := tx.flushSources(ctx, l.sources); err != nil {
		return err
	}
	if err := tx.flushSinks(ctx, l.sinks); err != nil {
		return err
	}
	var names []string
	var shard, n []int64
	for _, name := range slices.Sorted(maps.Keys(l.counters)) {
		names, shard, n = append(names, name), append(shard, tx.db.shard), append(n, l.counters[name])
	}
	_, err := tx.many(ctx, `INSERT INTO counter (name, shard, n) SELECT name, shard, n FROM d WHERE true
		ON CONFLICT (name, shard) DO UPDATE SET n = counter.n + excluded.n`,
		[]column{textColumn("name", names), intColumn("shard", shard), intColumn("n", n)}, nil)
	return err
}

// numbers gathers the integer columns of many rows.
type numbers struct {
	names []string
	rows  [][]int64
}

func (n *numbers) add(row ...int64) { n.rows = append(n.rows, row) }

func (n *numbers) columns() []column {
	cols := make([]column, len(n.names))
	for i, name := range n.names {
		v := make([]int64, len(n.rows))
		for j := range n.rows {
			v[j] = n.rows[j][i]
		}
		cols[i] = intColumn(name, v)
	}
	return cols
}

func (tx *Tx) flushSources(ctx context.Context, changes map[string]*sourceChange) error {
	var sources, lastErrors []string
	v := numbers{names: []string{"shard", "objects", "objects_done", "received", "judged", "kept", "repeats", "broken", "own", "findings", "last_event", "told"}}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		c := changes[name]
		if *c == (sourceChange{}) {
			continue
		}
		sources, lastErrors = append(sources, key(name)), append(lastErrors, clean(c.lastError))
		v.add(tx.db.shard, c.objects, c.objectsDone, c.received, c.judged, c.kept, c.repeats, c.broken, c.own, c.findings, c.lastEvent, c.told)
	}
	_, err := tx.many(ctx, `INSERT INTO source_total (source, last_error, shard, objects, objects_done, received, judged, kept, repeats, broken, own, findings, last_event, told)
		SELECT source, last_error, shard, objects, objects_done, received, judged, kept, repeats, broken, own, findings, last_event, told FROM d WHERE true
		ON CONFLICT (source, shard) DO UPDATE SET objects = source_total.objects + excluded.objects,
			objects_done = source_total.objects_done + excluded.objects_done, received = source_total.received + excluded.received,
			judged = source_total.judged + excluded.judged, kept = source_total.kept + excluded.kept,
			repeats = source_total.repeats + excluded.repeats, broken = source_total.broken + excluded.broken,
			own = source_total.own + excluded.own, findings = source_total.findings + excluded.findings,
			last_event = {greatest}(source_total.last_event, excluded.last_event),
			last_error = CASE WHEN excluded.told > 0 THEN excluded.last_error ELSE source_total.last_error END,
			told = CASE WHEN excluded.told > 0 THEN excluded.told ELSE source_total.told END`,
		append([]column{textColumn("source", sources), textColumn("last_error", lastErrors)}, v.columns()...), nil)
	return err
}

func (tx *Tx) flushSinks(ctx context.Context, changes map[string]*sinkChange) error {
	var sinks, lastErrors []string
	v := numbers{names: []string{"shard", "owed", "delivered", "dead", "folded", "doubled", "told"}}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		c := changes[name]
		if *c == (sinkChange{}) {
			continue
		}
		sinks, lastErrors = append(sinks, key(name)), append(lastErrors, clean(c.lastError))
		v.add(tx.db.shard, c.owed, c.delivered, c.dead, c.folded, c.doubled, c.told)
	}
	_, err := tx.many(ctx, `INSERT INTO sink_total (sink, last_error, shard, owed, delivered, dead, folded, doubled, told)
		SELECT sink, last_error, shard, owed, delivered, dead, folded, doubled, told FROM d WHERE true
		ON CONFLICT (sink, shard) DO UPDATE SET owed = sink_total.owed + excluded.owed,
			delivered = sink_total.delivered + excluded.delivered, dead = sink_total.dead + excluded.dead,
			folded = sink_total.folded + excluded.folded, doubled = sink_total.doubled + excluded.doubled,
			last_error = CASE WHEN excluded.told > 0 THEN excluded.last_error ELSE sink_total.last_error END,
			told = CASE WHEN excluded.told > 0 THEN excluded.told ELSE sink_total.told END`,
		append([]column{textColumn("sink", sinks), textColumn("last_error", lastErrors)}, v.columns()...), nil)
	return err
}
