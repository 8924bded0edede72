package detect

import (
	"slices"

	"github.com/yagura-sec/yagura/rule"
)

// evaluator cuts the base matches of one group into windows. It is given them in
// order of time, and calls done for each window that holds.
type evaluator interface {
	begin(group []byte)
	add(r *record) error
	end() error
}

func newEvaluator(c *correlation, o WindowOptions, stats *Stats, done func(*window) error) evaluator {
	hold := o.MaxWindow
	for _, b := range c.Bounds {
		if b.Value < 1<<31 {
			hold = max(hold, int(b.Value)+1)
		}
	}
	cut := cutter{c: c, o: o, span: int64(c.Timespan), hold: hold, stats: stats, done: done}
	switch c.shape {
	case tumbling:
		return &tumblingEval{cutter: cut, m: c.newMeasure()}
	case absence:
		return &absenceEval{cutter: cut}
	}
	return &slidingEval{cutter: cut, m: c.newMeasure()}
}

// cutter is what evaluators have in common.
type cutter struct {
	c       *correlation
	o       WindowOptions
	span    int64
	hold    int
	stats   *Stats
	done    func(*window) error
	group   []byte
	trimmed int
}

func (c *cutter) window() *window {
	return &window{group: c.group, byBase: make([]int, len(c.c.Rules)), trimmed: c.trimmed}
}

// slidingEval finds the earliest base match from which on a timespan holds, takes
// all of that timespan, and goes on after it. As more base matches never undo what
// holds, that is the first window that holds when looking back from each one.
type slidingEval struct {
	cutter
	m    measure
	held []*record
	open *window
	peak float64 // the most that was measured since the window held
}

func (e *slidingEval) begin(group []byte) {
	e.group, e.trimmed, e.open = group, 0, nil
	e.held = e.held[:0]
	e.m.reset()
}

func (e *slidingEval) add(r *record) error {
	if e.open != nil {
		if r.time-e.open.start <= e.span {
			if d, ok := e.m.(*distinct); ok && len(d.seen) >= e.hold {
				e.open.trimmed++ // it is known that the window holds; the count need not go on
				e.stats.Trimmed++
			} else {
				e.m.push(r)
				e.peak = max(e.peak, e.m.value())
			}
			return e.open.take(r, e.o)
		}
		if err := e.close(); err != nil {
			return err
		}
	}
	n := 0
	for n < len(e.held) && r.time-e.held[n].time > e.span {
		e.m.pop(e.held[n])
		n++
	}
	if n == len(e.held) {
		e.trimmed = 0
	}
	e.held = append(e.held[n:], r)
	e.m.push(r)
	if len(e.held) > e.hold {
		e.m.pop(e.held[0])
		e.held = e.held[1:]
		e.trimmed++
		e.stats.Trimmed++
	}
	if e.c.temporal() && !e.m.complete(e.held[0].time) || !e.c.temporal() && !e.c.within(e.m.value()) {
		return nil
	}
	if e.c.Type == rule.TemporalOrdered {
		// What comes before the first of the listed rules has no part in the order.
		if first := slices.IndexFunc(e.held, func(x *record) bool { return x.base == 0 }); first > 0 {
			start := e.held[first].time
			for e.held[0].time < start {
				e.held = e.held[1:]
			}
		}
	}
	e.open, e.peak = e.window(), e.m.value()
	e.open.held = r.time
	for _, x := range e.held {
		if err := e.open.take(x, e.o); err != nil {
			return err
		}
	}
	e.held = nil
	return nil
}

func (e *slidingEval) close() error {
	win := e.open
	win.actual = e.peak // negative numbers may have lowered a sum since
	e.open, e.trimmed = nil, 0
	e.m.reset()
	return e.done(win)
}

func (e *slidingEval) end() error {
	if e.open == nil {
		return nil
	}
	return e.close()
}

// tumblingEval cuts a group into windows that each start at the first base match
// after the one before, and judges each when it has ended.
type tumblingEval struct {
	cutter
	m    measure
	open *window
}

func (e *tumblingEval) begin(group []byte) {
	e.group, e.trimmed, e.open = group, 0, nil
	e.m.reset()
}

func (e *tumblingEval) add(r *record) error {
	if e.open != nil && r.time-e.open.start > e.span {
		if err := e.end(); err != nil {
			return err
		}
	}
	if e.open == nil {
		e.open = e.window()
	}
	if e.open.count >= e.hold && e.c.valued() {
		e.open.trimmed++
		e.stats.Trimmed++
		return nil
	}
	e.m.push(r)
	return e.open.take(r, e.o)
}

func (e *tumblingEval) end() error {
	win := e.open
	if win == nil {
		return nil
	}
	win.actual = e.m.value()
	e.open = nil
	e.m.reset()
	if !e.c.within(win.actual) {
		return nil
	}
	win.held = win.last
	return e.done(win)
}

// absenceEval judges temporal conditions in which a rule must not occur. A window
// starts at a base match that may occur and takes those within a timespan. What must
// not occur must be absent from every timespan around it: from a timespan before the
// window's last base match to a timespan after its first. Otherwise the tail of a
// window that does not hold would make one that does.
type absenceEval struct {
	cutter
	yes []*record // base matches that may occur, from the first that may start a window
	no  []*record // those that must not
}

func (e *absenceEval) begin(group []byte) {
	e.group, e.trimmed = group, 0
	e.yes, e.no = nil, nil
}

func (e *absenceEval) add(r *record) error {
	for len(e.yes) > 0 && r.time-e.yes[0].time > e.span {
		if err := e.judge(); err != nil {
			return err
		}
	}
	list := &e.no
	if e.c.positive[r.base] {
		list = &e.yes
	}
	*list = append(*list, r)
	if len(*list) > e.hold {
		*list = slices.Delete(*list, 0, 1)
		e.trimmed++
		e.stats.Trimmed++
	}
	// What lies more than a timespan before all that can still come is of no use.
	oldest := r.time
	if len(e.yes) > 0 {
		oldest = e.yes[0].time
	}
	n := 0
	for n < len(e.no) && e.no[n].time < oldest-e.span {
		n++
	}
	e.no = e.no[n:]
	return nil
}

// judge decides the window that starts at the first of yes. All that is within a
// timespan of it has come.
func (e *absenceEval) judge() error {
	start := e.yes[0].time
	n := 0
	occurred := make([]bool, len(e.c.Rules))
	for n < len(e.yes) && e.yes[n].time-start <= e.span {
		occurred[e.yes[n].base] = true
		n++
	}
	last := e.yes[n-1].time
	for _, r := range e.no {
		if r.time >= last-e.span && r.time <= start+e.span {
			occurred[r.base] = true
		}
	}
	if !e.c.cond(func(base int) bool { return occurred[base] }) || !e.inOrder(e.yes[:n]) {
		e.yes = e.yes[1:]
		return nil
	}
	win := e.window()
	for _, r := range e.yes[:n] {
		if err := win.take(r, e.o); err != nil {
			return err
		}
	}
	e.yes, e.trimmed = e.yes[n:], 0
	win.held = win.last
	return e.done(win)
}

// inOrder reports whether, of an ordered type, the base rules that occur do so in the
// order in which the correlation lists them.
func (e *absenceEval) inOrder(list []*record) bool {
	if e.c.Type != rule.TemporalOrdered {
		return true
	}
	// Only the rules that occur take part: they are numbered anew.
	number := make([]int, len(e.c.Rules))
	occurs := make([]bool, len(e.c.Rules))
	for _, r := range list {
		occurs[r.base] = true
	}
	n := 0
	for i, o := range occurs {
		if o {
			number[i] = n
			n++
		}
	}
	m := newOrder(n)
	for _, r := range list {
		m.push(&record{time: r.time, base: number[r.base]})
	}
	return m.complete(list[0].time)
}

func (e *absenceEval) end() error {
	for len(e.yes) > 0 {
		if err := e.judge(); err != nil {
			return err
		}
	}
	return nil
}
