package detect

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
)

// sortBytes is the length of a row's Sort: time, event key and base.
const sortBytes = 8 + 16 + 2

// correlationKey names a correlation for as long as it means the same: rows that were kept
// under another key are not mixed with those of a rule that was changed.
func (e *Engine) correlationKey(c *correlation) yagura.Key {
	text := fmt.Appendf(nil, "%s|%s|%q|%q|%q|%d|%v|%v|%q|%q|", e.info[c.num].key, c.Type, c.GroupBy, c.Fields, c.Carry,
		c.Timespan, c.Bounds, c.Percentile, c.RuleNames, conditionText(c))
	for _, base := range c.Rules {
		text = fmt.Appendf(text, "%q %q %q,", base.ID, base.File, base.Title)
	}
	return digest("correlation", text)
}

func conditionText(c *correlation) string {
	if c.Condition == nil {
		return ""
	}
	return fmt.Sprintf("%v", c.positive)
}

// keys returns the correlations of e by their keys.
func (e *Engine) keys() map[yagura.Key]int {
	e.keyOnce.Do(func() {
		e.byKey = make(map[yagura.Key]int, len(e.corrs))
		e.corrKeys = make([]yagura.Key, len(e.corrs))
		for i, c := range e.corrs {
			k := e.correlationKey(c)
			e.byKey[k], e.corrKeys[i] = i, k
		}
	})
	return e.byKey
}

// FedBy lists the correlations that are built on another.
func (e *Engine) FedBy(key yagura.Key) []yagura.Key {
	i, ok := e.keys()[key]
	if !ok {
		return nil
	}
	var out []yagura.Key
	for _, fd := range e.info[e.corrs[i].num].feeds {
		if k := e.corrKeys[fd.corr]; !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// Rows returns a base match as rows for a store; [Engine.EvaluateGroup] reads them back.
func (e *Engine) Rows(b *BaseMatch) []yagura.WindowRow {
	if b == nil {
		return nil
	}
	e.keys()
	rows := make([]yagura.WindowRow, 0, len(b.records))
	for _, rec := range b.records {
		rows = append(rows, e.row(rec))
	}
	return rows
}

// row takes a record apart.
func (e *Engine) row(rec []byte) yagura.WindowRow {
	i := corrOf(rec)
	rest := rec[4:]
	n := tupleSize(rest, len(e.corrs[i].GroupBy))
	return yagura.WindowRow{Corr: e.corrKeys[i], Group: rest[:n], Sort: rest[n : n+sortBytes], Body: rest[n+sortBytes:]}
}

// Evaluated is what one group of a correlation came to.
type Evaluated struct {
	// Windows are those that hold, in the order of time.
	Windows []LiveWindow
	// Sealed is the Sort of the last row that no row which is not there yet can concern, nil
	// for none: rows up to it need not be read again, but for those that KeepFrom says.
	Sealed []byte
	// KeepFrom is the time from which on rows must be kept.
	KeepFrom time.Time
	// Due is when the group must be looked at again although no row comes: something in it was
	// not settled yet. Zero: never.
	Due  time.Time
	Rows int
}

// Lateness says what may still come. What has come within After may be a part of more that
// is on its way (a bucket that is read from its beginning, a queue that is catched up): no
// row from before the earliest event of these is settled.
type Lateness struct {
	Now   time.Time
	After time.Duration
}

// LiveWindow is one window that holds.
type LiveWindow struct {
	Finding yagura.Finding
	Finds   bool               // the rule makes findings of its own
	Chain   []yagura.WindowRow // what the finding says to the correlations built on this one
	Final   bool               // it is settled: it will not change
}

// EvaluateGroup runs a correlation over the rows of one group, in the order of their Sort.
// rows must give all that are kept. Rows up to sealed have been judged for good. The horizon
// is the event time before which nothing new is expected: After ago, and not later than
// the earliest event that came within After. A window that is judged at its end is left out
// until the horizon has passed that end. known is false when the engine has no such
// correlation: its rule is gone, or was changed.
//
// The result is a function of the rows, of sealed and of late alone, and without sealed it is
// what [Windows] finds once the horizon has passed everything.
func (e *Engine) EvaluateGroup(key yagura.Key, group []byte, sealed []byte, late Lateness,
	rows func(yield func(yagura.WindowRow) error) error) (out Evaluated, known bool, err error) {
	i, known := e.keys()[key]
	if !known {
		return out, false, nil
	}
	c := e.corrs[i]
	w := e.NewWindows()
	defer func() {
		if cerr := w.Close(); err == nil {
			err = cerr
		}
	}()
	late.After += behind(c.rule, late.After)
	l := &live{c: c, span: int64(c.Timespan), late: late, horizon: late.Now.Add(-late.After).UnixNano(), first: math.MaxInt64, sealed: sealed}
	err = rows(func(r yagura.WindowRow) error {
		if len(r.Sort) != sortBytes {
			return errRecord
		}
		if !l.takes(r) {
			return nil
		}
		rec := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(group)+len(r.Sort)+len(r.Body)), uint32(i))
		rec = append(append(append(rec, group...), r.Sort...), r.Body...)
		return w.in.add(rec)
	})
	if err != nil {
		return out, true, fmt.Errorf("windows: %w", err)
	}
	l.look()
	direct, err := w.in.sorted()
	if err != nil {
		return out, true, fmt.Errorf("windows: %w", err)
	}
	in := &e.info[c.num]
	err = w.evaluate(i, c, direct, nil, func(win *window) error {
		end := win.start + l.span
		final := end < l.horizon
		if !final && c.shape != sliding {
			l.wait(win.start)
			return nil
		}
		f, g, err := w.finding(c, in, win)
		if err != nil {
			return err
		}
		lw := LiveWindow{Finding: f, Finds: in.finds, Final: final}
		for _, fd := range in.feeds {
			err := w.chain(c, fd, &f, g, win, func(rec []byte) error {
				row := e.row(rec)
				row.Origin, row.Arrived = f.ID, late.Now
				lw.Chain = append(lw.Chain, row)
				return nil
			})
			if err != nil {
				return err
			}
		}
		if final {
			l.spent = append(binary.BigEndian.AppendUint64(nil, uint64(win.last)^1<<63), win.lastKey...)
			l.spent = append(l.spent, 0xFF, 0xFF)
		} else {
			l.wait(win.start)
		}
		out.Windows = append(out.Windows, lw)
		return nil
	})
	if err != nil {
		return out, true, fmt.Errorf("windows: %w", err)
	}
	out.Rows = l.n
	l.end(&out)
	return out, true, nil
}

// behind is how much later than events findings can come that a correlation counts: a
// window of a correlation below it may change until it has ended, and is evaluated after
// that, for which as much time is allowed again.
func behind(r *rule.Rule, after time.Duration) (most time.Duration) {
	for _, base := range r.Correlation.Rules {
		if base.Correlation != nil {
			most = max(most, base.Correlation.Timespan+after+behind(base, after))
		}
	}
	return most
}

// live watches the rows of one group go by, to say what of them is settled.
type live struct {
	c       *correlation
	span    int64
	late    Lateness
	horizon int64
	sealed  []byte
	n       int

	rows    [][sortBytes]byte // that are not sealed
	arrived int64             // of the last of them
	first   int64             // start of the first window that is not final
	start   int64             // of the tumbling window that is open
	open    bool
	settled []byte // last row of the last tumbling window that is final
	spent   []byte // no row up to here is in another window than those that are final
	last    []byte
	lastAt  int64
}

// takes reports whether a row is still of interest.
func (l *live) takes(r yagura.WindowRow) bool {
	t := int64(binary.BigEndian.Uint64(r.Sort) ^ 1<<63)
	if l.sealed != nil && bytes.Compare(r.Sort, l.sealed) <= 0 {
		// What must not occur counts for a timespan after it.
		base := int(binary.BigEndian.Uint16(r.Sort[24:]))
		return l.c.shape == absence && base < len(l.c.positive) && !l.c.positive[base]
	}
	l.n++
	l.rows = append(l.rows, [sortBytes]byte(r.Sort))
	if a := r.Arrived; !a.IsZero() {
		l.arrived = max(l.arrived, a.UnixNano())
		if l.late.Now.Sub(a) < l.late.After {
			l.horizon = min(l.horizon, t)
		}
	}
	return true
}

// look goes through the rows once the horizon is known.
func (l *live) look() {
	for i := range l.rows {
		l.row(l.rows[i][:])
	}
}

func (l *live) row(sort []byte) {
	t := int64(binary.BigEndian.Uint64(sort) ^ 1<<63)
	if l.c.shape == tumbling {
		if l.open && t-l.start > l.span {
			if l.start+l.span < l.horizon {
				l.settled = l.last
			}
			l.open = false
		}
		if !l.open {
			l.start, l.open = t, true
		}
	}
	l.last, l.lastAt = sort, t
}

// wait notes a window that is not final.
func (l *live) wait(start int64) { l.first = min(l.first, start) }

func (l *live) end(out *Evaluated) {
	out.Sealed = l.sealed
	switch l.c.shape {
	case tumbling:
		if l.open && l.start+l.span < l.horizon {
			l.settled = l.last
		}
		if l.settled != nil {
			out.Sealed = l.settled
		}
	default:
		for i := range l.rows {
			t := int64(binary.BigEndian.Uint64(l.rows[i][:]) ^ 1<<63)
			if t >= l.first || t+l.span >= l.horizon {
				break
			}
			out.Sealed = l.rows[i][:]
		}
		if bytes.Compare(l.spent, out.Sealed) > 0 {
			out.Sealed = l.spent
		}
	}
	if out.Sealed != nil {
		at := int64(binary.BigEndian.Uint64(out.Sealed) ^ 1<<63)
		if l.c.shape == absence {
			at -= l.span
		}
		out.KeepFrom = time.Unix(0, at).UTC()
	}
	out.Sealed = bytes.Clone(out.Sealed)
	if l.n > 0 && !bytes.Equal(out.Sealed, l.last) {
		// Something is not settled: it is once its time has passed, and nothing comes any more.
		out.Due = time.Unix(0, max(l.lastAt+l.span, l.arrived)).Add(l.late.After + time.Second).UTC()
	}
}
