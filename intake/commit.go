package intake

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/repeat"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/triage"
)

// The bounds of one commit. What waits when the one before has ended goes together.
const (
	commitPieces  = 512
	commitRecords = 1 << 16
	commitCases   = 2000
)

// keptNote says that records of an object are durable.
type keptNote struct {
	p      *piece
	ranges []yagura.KeptRange
	err    error
}

// progress is how far one object is in this process.
type progress struct {
	msg    *message
	source string
	id     string
	judged int64
	kept   int64
	total  int64 // -1 until the end was read
	err    error // what ended the reading
}

// commit is the one committer: it takes what is there, and writes it in one transaction.
func (in *Intake) commit(ctx context.Context) error {
	objects := map[*message]map[string]*progress{}
	mark := in.o.Mark
	pieces := in.pieces
	for pieces != nil || in.unkept(objects) {
		var batch []*piece
		var notes []keptNote
		select {
		case p, ok := <-pieces:
			if !ok {
				pieces = nil
				continue
			}
			batch = append(batch, p)
		case n := <-in.kept:
			notes = append(notes, n)
		case <-ctx.Done():
			return nil
		}
		batch, notes, pieces = in.gather(batch, notes, pieces)
		mark++
		if err := in.commitBatch(ctx, mark, batch, notes); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		in.settle(ctx, objects, batch, notes)
	}
	return nil
}

// unkept reports whether records wait to be durable.
func (in *Intake) unkept(objects map[*message]map[string]*progress) bool {
	for _, m := range objects {
		for _, p := range m {
			if p.total >= 0 && p.kept < p.total && p.err == nil {
				return true
			}
		}
	}
	return false
}

// gather takes what else is there.
func (in *Intake) gather(batch []*piece, notes []keptNote, pieces chan *piece) ([]*piece, []keptNote, chan *piece) {
	records, cases := 0, 0
	for _, p := range batch {
		records, cases = records+len(p.items), cases+len(p.cases)
	}
	for len(batch) < commitPieces && records < commitRecords && cases < commitCases && len(notes) < commitPieces {
		select {
		case p, ok := <-pieces:
			if !ok {
				return batch, notes, nil
			}
			batch = append(batch, p)
			records, cases = records+int(p.to-p.from), cases+len(p.cases)
		case n := <-in.kept:
			notes = append(notes, n)
		default:
			return batch, notes, pieces
		}
	}
	return batch, notes, pieces
}

// prepared is a piece after the key window was asked.
type prepared struct {
	p       *piece
	repeats int64
	cases   []triage.Found
	rows    []yagura.WindowRow
}

// commitBatch writes one batch; it tries until it is written or ctx ends.
func (in *Intake) commitBatch(ctx context.Context, mark uint64, batch []*piece, notes []keptNote) error {
	list, err := in.sift(ctx, mark, batch)
	if err != nil {
		return err
	}
	found := make([][]triage.Found, len(list))
	for i := range list {
		found[i] = list[i].cases
	}
	in.o.Desk.Learn(ctx, found...)
	span := in.traceCommit(batch)
	end := func(e End) {
		if span != nil {
			for _, p := range batch {
				e.Records += int(p.to - p.from)
			}
			span.End(e)
		}
	}
	pause := 50 * time.Millisecond
	for try := 1; ; try++ {
		taken, err := in.commitOnce(ctx, mark, list, notes)
		if err != nil && try >= isolateAfter && ctx.Err() == nil && in.alive(ctx) {
			err = in.isolate(ctx, mark, list, notes)
		}
		if err == nil {
			in.stuck.Store(nil)
			end(End{Findings: taken.Fresh, Notices: taken.Notices, Attempts: try})
			return nil
		}
		in.Stats.Retries.Add(1)
		in.stuck.Store(&err)
		in.o.Log.Error("the store did not take a commit: nothing is acknowledged until it does", "error", err, "again_in", pause)
		if !sleep(ctx, pause) {
			end(End{Err: err, Attempts: try})
			return ctx.Err()
		}
		pause = min(2*pause, 10*time.Second)
	}
}

// commitOnce tries to write pieces in one transaction. A mark of 0 is not written: the key
// window must not take what is still to be written for committed.
func (in *Intake) commitOnce(ctx context.Context, mark uint64, list []prepared, notes []keptNote) (taken triage.Taken, err error) {
	err = filing(func(force bool) error {
		return in.o.Store.Update(ctx, func(ctx context.Context, tx Tx) (err error) {
			taken, err = in.write(ctx, tx, mark, list, notes, force)
			return err
		})
	})
	if err != nil {
		return taken, err
	}
	if mark != 0 {
		in.o.Keys.Committed(mark)
	}
	in.Stats.Commits.Add(1)
	in.Stats.Findings.Add(uint64(taken.Fresh))
	if taken.Notices > 0 {
		in.o.Committed()
	}
	in.wakeWindows(list)
	return taken, nil
}

// traceCommit begins the span of a commit; nil when nobody traces.
func (in *Intake) traceCommit(batch []*piece) Span {
	if in.o.Trace == nil {
		return nil
	}
	b := Begin{Name: "commit"}
	seen := map[*message]bool{}
	for _, p := range batch {
		if p.msg != nil && p.msg.span != nil && !seen[p.msg] {
			seen[p.msg] = true
			b.From = append(b.From, p.msg.span)
		}
	}
	return in.o.Trace(b)
}

// insist tries the key window until it takes what it is given or ctx ends: when its disk is
// full that is waited out, as a store that is away is.
func (in *Intake) insist(ctx context.Context, try func() error) error {
	pause := 50 * time.Millisecond
	for {
		err := try()
		if err == nil {
			return nil
		}
		err = fmt.Errorf("key window: %w", err)
		in.Stats.Retries.Add(1)
		in.stuck.Store(&err)
		in.o.Log.Error("the key window did not take a batch: nothing is judged until it does", "error", err, "again_in", pause)
		if !sleep(ctx, pause) {
			return err
		}
		pause = min(2*pause, 10*time.Second)
	}
}

// sift asks the key window about every record, and leaves out what repeats say. A piece that
// was judged is not asked about again when a later one fails: all of it would be a repeat.
func (in *Intake) sift(ctx context.Context, mark uint64, batch []*piece) ([]prepared, error) {
	list := make([]prepared, len(batch))
	var verdicts []repeat.Verdict
	asked := false
	for i, p := range batch {
		x := &list[i]
		x.p = p
		if cap(verdicts) < len(p.items) {
			verdicts = make([]repeat.Verdict, max(len(p.items), pieceRecords))
		}
		verdicts = verdicts[:len(p.items)]
		if len(p.items) > 0 {
			asked = true
			if err := in.insist(ctx, func() error { return in.o.Keys.Judge(p.items, verdicts, mark) }); err != nil {
				return nil, err
			}
		}
		for k, v := range verdicts {
			switch v {
			case repeat.Repeat:
				x.repeats++
			case repeat.Conflict:
				x.cases = append(x.cases, triage.Found{Finding: conflictFinding(p.source, p.object, p.place(k), p.items[k].Key, p.items[k].Content, p.seen), Generation: p.gen})
			}
		}
		for _, c := range p.cases {
			if c.item < 0 || verdicts[c.item] != repeat.Repeat {
				x.cases = append(x.cases, c.c)
			}
		}
		for _, b := range p.bases {
			if b.item < 0 || verdicts[b.item] != repeat.Repeat {
				x.rows = append(x.rows, b.rows...)
			}
		}
	}
	if !asked {
		return list, nil
	}
	return list, in.insist(ctx, in.o.Keys.Sync)
}

// place returns what is known of an item's event.
func (p *piece) place(item int) itemPlace {
	for _, x := range p.itemAt {
		if x.item == item {
			return x
		}
	}
	return itemPlace{item: item}
}

// write is the transaction.
func (in *Intake) write(ctx context.Context, tx Tx, mark uint64, list []prepared, notes []keptNote, force bool) (triage.Taken, error) {
	var taken triage.Taken
	rows, order, err := in.deliveries(ctx, tx, list, notes)
	if err != nil {
		return taken, err
	}
	var cases []triage.Found
	var bases []yagura.WindowRow
	var dead []yagura.DeadLetter
	for i := range list {
		x := &list[i]
		p := x.p
		d := rows[[2]string{p.source, p.object}]
		if p.err != nil {
			d.Error, d.Attempts = p.err.Error(), d.Attempts+1
			if p.hopeless() {
				letter := yagura.DeadLetter{ID: letterID(p.source, p.object, -1), Source: p.source, Object: p.object, Record: p.to, Reason: p.err.Error(), At: p.seen}
				dead = append(dead, letter)
				cases = append(cases, triage.Found{Finding: unreadFinding(&letter), Generation: p.gen})
			}
		}
		if p.message {
			cases = append(cases, triage.Found{Finding: messageFinding(&p.dead[0]), Generation: p.gen})
		}
		cases = append(cases, x.cases...)
		bases = append(bases, x.rows...)
		dead = append(dead, p.dead...)
		d.add(p, x.repeats, int64(len(x.cases)))
	}
	var kept []yagura.KeptRange
	for _, n := range notes {
		kept = append(kept, n.ranges...)
		if n.err == nil {
			d := rows[[2]string{n.p.source, n.p.object}]
			if n.p.from <= d.Kept { // nothing before it failed
				d.Kept = max(d.Kept, n.p.to)
			}
		}
	}
	now := in.o.Now()
	puts := make([]yagura.Delivery, 0, len(order))
	for _, k := range order {
		d := rows[k]
		if d.Done.IsZero() && d.Total >= 0 && d.Judged >= d.Total && d.Kept >= d.Total {
			d.Done, d.Error = now, ""
		}
		puts = append(puts, d.Delivery)
	}
	if err := tx.PutDeliveries(ctx, puts); err != nil {
		return taken, err
	}
	if len(bases) > 0 {
		if _, err := tx.AddWindowRows(ctx, bases); err != nil {
			return taken, err
		}
	}
	if taken, err = in.fileFound(ctx, tx, cases, force); err != nil {
		return taken, err
	}
	if len(dead) > 0 {
		if err := tx.PutDead(ctx, dead); err != nil {
			return taken, err
		}
	}
	if len(kept) > 0 {
		if err := tx.PutKept(ctx, kept); err != nil {
			return taken, err
		}
	}
	if mark == 0 {
		return taken, nil
	}
	return taken, tx.PutState(ctx, in.o.MarkKey, binary.BigEndian.AppendUint64(nil, mark))
}

// hopeless reports whether an object was tried often enough, or will never be there.
func (p *piece) hopeless() bool {
	switch {
	case p.err == nil || errors.Is(p.err, context.Canceled):
		return false
	case errors.Is(p.err, source.ErrGone):
		return true
	}
	return p.attempts >= maxTries && (!p.away || p.seen.Sub(p.since) >= maxAway)
}
