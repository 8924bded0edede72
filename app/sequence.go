package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/detect"
	"github.com/yagura-sec/yagura/repeat"
	"github.com/yagura-sec/yagura/report"
)

// The bounds of what is said one by one; beyond them it is counted.
const (
	maxProblems  = 20   // broken records of one object, and files that are not JSON
	maxConflicts = 1000 // findings about ids that have several contents
)

// sequencer takes the batches of all units in the order of the units. It alone
// decides what is a repeat and what is said.
type sequencer struct {
	scan      *Scan
	out       report.Writer
	window    *repeat.Window
	windows   *detect.Windows
	sum       *Summary
	unit      *unit
	verdicts  []repeat.Verdict
	broken    uint64 // records of this unit
	first     *decode.RecordError
	conflicts []conflict // those with the least keys, at least maxConflicts of them
	named     int        // ids that had several contents
	err       error      // of out: nothing more is written
	lost      error      // of windows: no correlation is judged
}

// conflict is an event whose id was there before with other content.
type conflict struct {
	nth    int // in the order in which they were met
	item   repeat.Item
	job    job
	file   string
	num    uint64
	format *decode.Format
}

// begin turns to the next unit.
func (q *sequencer) begin(u *unit) {
	q.endUnit()
	q.unit = u
}

// endUnit says what could only be said once the whole object was read.
func (q *sequencer) endUnit() {
	if q.broken > 0 {
		if q.broken > maxProblems {
			q.scan.o.Problem(&Problem{q.unit.job.object.Name, moreBroken(q.broken - maxProblems)})
		}
		q.write(brokenFinding(q.unit.job.object, q.first, q.broken))
	}
	q.broken, q.first = 0, nil
}

// batch takes one batch of the unit. The error is that of the output.
func (q *sequencer) batch(b *batch) error {
	if q.err != nil {
		return q.err
	}
	s := q.sum
	s.BytesRead += b.read
	s.BytesLogs += b.decoded
	s.TooOld += b.tooOld
	if b.opened {
		s.Objects++
	}
	for name, n := range b.counts {
		s.Formats[name] += n
		s.Events += n
	}
	q.judge(b)
	for i := range b.hits {
		h := &b.hits[i]
		if h.item >= 0 && q.verdicts[h.item] == repeat.Repeat {
			continue
		}
		if h.finding != nil {
			q.write(h.finding)
		} else if q.lost == nil {
			q.lost = q.windows.Add(h.base)
		}
	}
	for _, bad := range b.broken {
		if q.first == nil {
			q.first = bad
		}
		n := max(bad.Records, 1)
		s.Broken += n
		if q.broken += n; q.broken <= maxProblems {
			q.scan.o.Problem(bad)
		}
	}
	for _, foreign := range b.foreign {
		if s.Unsupported++; s.Unsupported <= maxProblems {
			q.scan.o.Problem(foreign)
		}
	}
	if b.unread != nil {
		s.unreadable(b.unread)
		q.scan.o.Problem(b.unread)
	}
	if q.unit.job.object.Streaming && q.err == nil {
		q.err = q.out.Flush()
	}
	if cap(b.items) == batchRecords {
		q.scan.items.Put(b.items[:0]) //nolint:staticcheck // see worker.flush
	}
	return q.err
}

// judge asks the repeat window about every item.
func (q *sequencer) judge(b *batch) {
	if cap(q.verdicts) < len(b.items) {
		q.verdicts = make([]repeat.Verdict, max(len(b.items), batchRecords))
	}
	q.verdicts = q.verdicts[:len(b.items)]
	q.window.Judge(b.items, q.verdicts)
	for i, v := range q.verdicts {
		switch v {
		case repeat.Repeat:
			q.sum.Repeats++
		case repeat.Conflict, repeat.ConflictAgain:
			q.sum.Conflicts++
			if v == repeat.Conflict {
				q.conflicts = append(q.conflicts, q.place(b, i))
				q.named++
				if len(q.conflicts) >= 2*maxConflicts {
					q.fewerConflicts()
				}
			}
		}
	}
}

// fewerConflicts keeps the conflicts that are said one by one, in the order in which
// they were met. They are those with the least keys, so that another order of the
// files names the same.
func (q *sequencer) fewerConflicts() {
	if len(q.conflicts) > maxConflicts {
		slices.SortFunc(q.conflicts, func(a, b conflict) int { return bytes.Compare(a.item.Key[:], b.item.Key[:]) })
		clear(q.conflicts[maxConflicts:])
		q.conflicts = q.conflicts[:maxConflicts]
	}
	slices.SortFunc(q.conflicts, func(a, b conflict) int { return cmp.Compare(a.nth, b.nth) })
}

// place finds the record of an item.
func (q *sequencer) place(b *batch, item int) conflict {
	at := b.places[0]
	for _, p := range b.places {
		if p.item > item {
			break
		}
		at = p
	}
	return conflict{nth: q.named, item: b.items[item], job: q.unit.job, file: at.file, format: at.format, num: at.num + uint64(item-at.item)}
}

// write counts a finding and hands it to the output.
func (q *sequencer) write(it *report.Item) {
	f := it.Finding
	if q.err != nil {
		return
	}
	if f.Mode == "" {
		q.sum.Worst = max(q.sum.Worst, f.Severity)
	}
	if f.Severity < q.scan.o.MinSeverity {
		q.sum.Hidden++
		return
	}
	q.sum.Findings[f.Severity]++
	q.scan.progress.findings.Add(1)
	q.err = q.out.Write(*it)
}

// end says what is known only at the end and closes the output.
func (q *sequencer) end(ctx context.Context) error {
	q.endUnit()
	if more := q.sum.Unsupported - maxProblems; more > 0 {
		q.scan.o.Problem(moreUnsupported(more))
	}
	q.sum.Forgotten = q.window.Evicted()
	q.writeConflicts(ctx)
	if q.err == nil && q.lost == nil {
		err := q.windows.Finish(func(f yagura.Finding) error {
			q.write(&report.Item{Finding: &f, Offset: -1})
			return q.err
		})
		if q.err == nil {
			q.lost = err
		}
	}
	q.sum.Windows = q.windows.Stats()
	if q.lost != nil {
		q.lost = fmt.Errorf("the correlations could not be judged: %w (hint: what memory does not hold goes to the folder that TMPDIR names)", q.lost)
	}
	if q.err != nil {
		return errors.Join(q.err, q.lost, q.windows.Close())
	}
	return errors.Join(q.out.Close(), q.lost, q.windows.Close())
}
