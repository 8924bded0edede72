package detect

import (
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
)

// chainLimit is how many bytes of memory one correlation may use for the findings of
// others: they share what SpillBytes allows.
func (w *Windows) chainLimit() int64 {
	outer := map[int]bool{}
	for _, c := range w.e.corrs {
		for _, fd := range w.e.info[c.num].feeds {
			outer[fd.corr] = true
		}
	}
	return w.o.SpillBytes / int64(max(1, len(outer)))
}

// chain makes base matches of a finding of the correlation c, for one that is built on
// it: one for each group that the finding is in. To a temporal type it happened at
// two times, when it was known to hold and when its last event did; to the others at
// the latter.
func (w *Windows) chain(c *correlation, fd feed, f *yagura.Finding, group []string, win *window, add func(rec []byte) error) error {
	outer := w.e.corrs[fd.corr]
	groups, err := w.chainGroups(c, outer, outer.Base[fd.base], group, win)
	if err != nil || len(groups) == 0 {
		return err
	}
	times := []int64{win.last}
	at := win.last
	if outer.temporal() && win.held < win.last {
		times = append(times, win.held)
		at = win.held
	}
	var key yagura.Key
	hex.Decode(key[:], []byte(f.ID))
	held := binary.BigEndian.AppendUint64(nil, uint64(at)^1<<63)
	head := appendHead(nil, f.Event, f.Format, f.Source, f.Events, win.total, f.Entities)
	for _, g := range groups {
		for _, t := range times {
			rec := append(encodeKey(nil, fd, g.tuple, t, key), held...)
			rec = appendList(rec, g.values)
			if len(outer.Carry) > 0 {
				rec = appendList(rec, g.rows)
			}
			if err := add(append(rec, head...)); err != nil {
				return err
			}
		}
	}
	return nil
}

// chainGroup is one group of a correlation that a finding of another is in.
type chainGroup struct {
	tuple  []byte
	values [][]byte
	rows   [][]byte
}

// chainer sorts the rows of a window into the groups of the correlation outer.
type chainer struct {
	outer   *correlation
	at      rule.BaseCapture
	stats   *Stats
	groups  []*chainGroup
	byTuple map[string]*chainGroup
	seen    map[string]bool // what was added to a group
	// grouped and valued say that some row was in a group, and that one had what outer measures.
	grouped, valued bool
}

// chainGroups lists the groups that a window of c is in for the correlation outer. The
// values that are not in the window's own group are those of its events, row by row.
func (w *Windows) chainGroups(c, outer *correlation, at rule.BaseCapture, group []string, win *window) ([]*chainGroup, error) {
	ch := &chainer{outer: outer, at: at, stats: &w.stats, byTuple: map[string]*chainGroup{}, seen: map[string]bool{}}
	own := make([][][]byte, len(group), len(group)+len(c.Carry))
	for i, v := range group {
		own[i] = [][]byte{appendPart(nil, []byte(v))}
	}
	if len(win.rows) == 0 {
		ch.take(append(own, make([][][]byte, len(c.Carry))...), group)
	}
	for _, row := range win.rows {
		carried, err := decodeRow(row, len(c.Carry))
		if err != nil {
			return nil, err
		}
		ch.take(append(slices.Clip(own), carried...), group)
	}
	switch {
	case !ch.grouped:
		w.stats.NoGroup++
	case !ch.valued:
		w.stats.NoValue++
	}
	return ch.groups, nil
}

// take adds a row: the values of the window's own group, whose texts are group, and then
// those of the fields that it carries.
func (ch *chainer) take(parts [][][]byte, group []string) {
	pick := func(at []int) [][][]byte {
		out := make([][][]byte, len(at))
		for i, k := range at {
			out[i] = parts[k]
		}
		return out
	}
	in := tuples(pick(ch.at.Group), maxGroups, ch.stats)
	ch.grouped = ch.grouped || len(in) > 0
	var values [][]byte
	if ch.outer.Type == rule.ValueCount {
		values = digests(slices.Clone(tuples(pick(ch.at.Values), maxValues, ch.stats)))
	} else if ch.outer.valued() {
		if n, ok := number(group[ch.at.Values[0]]); ok {
			values = [][]byte{appendFloat(nil, n)}
		}
	}
	if ch.outer.valued() && len(values) == 0 {
		return
	}
	ch.valued = ch.valued || len(in) > 0
	for _, tuple := range in {
		g := ch.group(tuple)
		if g == nil {
			continue
		}
		for _, v := range values {
			g.values = ch.add(g.values, 'v', tuple, v)
		}
		if len(ch.outer.Carry) > 0 {
			g.rows = ch.add(g.rows, 'r', tuple, encodeRow(pick(ch.at.Carry)))
		}
	}
}

// group returns the group with a tuple; nil when there are too many.
func (ch *chainer) group(tuple []byte) *chainGroup {
	g := ch.byTuple[string(tuple)]
	if g != nil {
		return g
	}
	if len(ch.groups) == maxRows {
		ch.stats.Cut++
		return nil
	}
	g = &chainGroup{tuple: tuple}
	ch.byTuple[string(tuple)] = g
	ch.groups = append(ch.groups, g)
	return g
}

// add appends a part to a list of the group with a tuple, unless it is there already.
func (ch *chainer) add(list [][]byte, kind byte, tuple, part []byte) [][]byte {
	k := string(appendPart(append([]byte{kind}, tuple...), part))
	switch {
	case ch.seen[k]:
		return list
	case len(list) == maxRows:
		ch.stats.Cut++
		return list
	}
	ch.seen[k] = true
	return append(list, part)
}
