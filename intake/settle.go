package intake

import (
	"context"
	"errors"
	"time"

	"github.com/yagura-sec/yagura"
)

// delivery is a delivery record as the transaction changes it.
type delivery struct{ yagura.Delivery }

// deliveries reads the records of all objects of a transaction; those that are new begin.
func (in *Intake) deliveries(ctx context.Context, tx Tx, list []prepared, notes []keptNote) (map[[2]string]*delivery, [][2]string, error) {
	bySource := map[string][]string{}
	seen := map[[2]string]time.Time{}
	var order [][2]string
	note := func(p *piece) {
		k := [2]string{p.source, p.object}
		if _, ok := seen[k]; !ok {
			seen[k] = p.seen
			order = append(order, k)
			bySource[p.source] = append(bySource[p.source], p.object)
		}
	}
	for i := range list {
		note(list[i].p)
	}
	for _, n := range notes {
		note(n.p)
	}
	out := map[[2]string]*delivery{}
	for source, objects := range bySource {
		rows, err := tx.Deliveries(ctx, source, objects)
		if err != nil {
			return nil, nil, err
		}
		for id, d := range rows {
			out[[2]string{source, id}] = &delivery{d}
		}
	}
	for _, k := range order {
		if out[k] == nil {
			out[k] = &delivery{yagura.Delivery{Source: k[0], Object: k[1], Received: seen[k], Total: -1}}
		}
	}
	return out, order, nil
}

// add counts a piece. Of one that was counted before, by another process at the same
// object, nothing counts twice.
func (d *delivery) add(p *piece, repeats, findings int64) {
	if p.to > d.Judged && p.from <= d.Judged {
		d.Repeats += repeats
		d.Broken += p.broken
		d.Own += p.own
		d.Findings += findings
		d.Judged = p.to
		if !p.first.IsZero() && (d.First.IsZero() || p.first.Before(d.First)) {
			d.First = p.first
		}
		if p.latest.After(d.Last) {
			d.Last = p.latest
		}
	}
	switch {
	case p.message:
		d.Judged, d.Kept, d.Total, d.Broken = 1, 1, 1, 1
	case p.last && (p.err == nil || p.hopeless()):
		d.Total = p.to
		if p.sum != "" {
			d.Sum = p.sum
		}
	}
}

// settle follows the objects of a batch, and finishes those that are judged and kept.
func (in *Intake) settle(ctx context.Context, objects map[*message]map[string]*progress, batch []*piece, notes []keptNote) {
	at := func(p *piece) *progress {
		m := objects[p.msg]
		if m == nil {
			m = map[string]*progress{}
			objects[p.msg] = m
		}
		if m[p.object] == nil {
			m[p.object] = &progress{msg: p.msg, source: p.source, id: p.object, total: -1}
		}
		return m[p.object]
	}
	touched := map[*progress]bool{}
	for _, p := range batch {
		x := at(p)
		touched[x] = true
		x.judged = max(x.judged, p.to)
		if p.unkept != nil {
			x.err = errors.Join(x.err, p.unkept)
		}
		if p.last {
			x.total = p.to
			if p.err != nil && !p.hopeless() {
				x.err = p.err
			}
		}
		in.count(p)
		in.room.give(p.bytes)
		if p.last && in.o.Judged != nil {
			in.o.Judged(p.source, p.object, p.err)
		}
	}
	for _, n := range notes {
		if in.finished(n.p.msg) {
			continue // it was given back meanwhile
		}
		x := at(n.p)
		touched[x] = true
		if n.err != nil {
			x.err = errors.Join(x.err, n.err)
			continue
		}
		if n.p.from <= x.kept {
			x.kept = max(x.kept, n.p.to)
		}
	}
	for x := range touched {
		if x.total < 0 || x.err == nil && x.kept < x.total {
			continue
		}
		delete(objects[x.msg], x.id)
		if len(objects[x.msg]) == 0 {
			delete(objects, x.msg)
		}
		in.release(ctx, x.source, x.id, x.err)
		if x.err != nil {
			go in.fail(x.msg, x.err) //nolint:gosec // giving back may take its time, and is bounded
			continue
		}
		go in.done(ctx, x.msg)
	}
}

func (in *Intake) finished(msg *message) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return msg.dead
}

func (in *Intake) count(p *piece) {
	in.Stats.Records.Add(uint64(p.events))
	in.Stats.Broken.Add(uint64(p.broken))
	in.Stats.Own.Add(uint64(p.own))
	in.Stats.Bytes.Add(uint64(p.bytes))
	in.mu.Lock()
	defer in.mu.Unlock()
	for account := range p.accounts {
		if in.accounts[p.source] == nil {
			in.accounts[p.source] = map[string]time.Time{}
		}
		in.accounts[p.source][account] = p.seen
	}
	if p.latest.IsZero() {
		return
	}
	if s := in.sources[p.source]; s != nil && p.latest.After(s.LastEvent) {
		s.LastEvent = p.latest
	}
}
