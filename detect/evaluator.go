package detect

import (
	"math"

	"github.com/yagura-sec/yagura/rule"
)

// evaluator cuts the base matches of one group into windows. It is given them in
// order of time, and calls done for each window that holds. Each base match is looked
// at a bounded number of times, however many others are near it.
type evaluator interface {
	begin(group []byte)
	add(r *record) error
	end() error
}

func newEvaluator(c *correlation, o WindowOptions, stats *Stats, held *queue, done func(*window) error) evaluator {
	cut := cutter{c: c, o: o, span: int64(c.Timespan), stats: stats, done: done}
	switch c.shape {
	case tumbling:
		return &tumblingEval{cutter: cut, m: c.newMeasure(o)}
	case absence:
		n := len(c.Rules)
		return &absenceEval{cutter: cut, yes: held, n: make([]int, n), no: make([]int64, n), at: make([]moments, n)}
	}
	return &slidingEval{cutter: cut, m: c.newMeasure(o), held: held}
}

// cutter is what evaluators have in common.
type cutter struct {
	c     *correlation
	o     WindowOptions
	span  int64
	stats *Stats
	done  func(*window) error
	group []byte
}

func (c *cutter) window() *window {
	return &window{group: c.group, byBase: make([]int, len(c.c.Rules))}
}

// take adds a base match to an open window and, where there is room, measures it.
func (c *cutter) take(win *window, m measure, r *record) error {
	if m.full(r) {
		win.trimmed++
		c.stats.Trimmed++
	} else {
		m.push(r)
	}
	return win.take(r, c.o)
}

// slidingEval finds the earliest base match from which on a timespan holds, takes
// all of that timespan, and goes on after it. As more base matches never undo what
// holds, that is the first window that holds when looking back from each one. Only of
// a sum they may, by negative numbers: there a window is also judged when its first
// base match leaves.
type slidingEval struct {
	cutter
	m    measure
	held *queue
	open *window
	peak float64 // the most that was measured since the window held
}

func (e *slidingEval) begin(group []byte) {
	e.group, e.open = group, nil
	e.held.reset()
	e.m.reset()
}

func (e *slidingEval) add(r *record) error {
	if e.open != nil {
		if r.time-e.open.start <= e.span {
			err := e.take(e.open, e.m, r)
			e.peak = max(e.peak, e.m.value())
			return err
		}
		if err := e.close(); err != nil {
			return err
		}
	}
	from, err := e.since(r.time)
	if err != nil {
		return err
	}
	if err := e.held.push(r); err != nil {
		return err
	}
	e.m.push(r)
	if e.c.temporal() && !e.m.complete(min(from, r.time)) || !e.c.temporal() && !e.c.within(e.m.value()) {
		return nil
	}
	start := int64(math.MinInt64)
	if e.c.Type == rule.TemporalOrdered {
		// What comes before the first of the listed rules has no part in the order.
		first, err := e.held.find(func(x *record) bool { return x.base == 0 })
		if err != nil {
			return err
		}
		if first != nil {
			start = first.time
		}
	}
	e.open, e.peak = e.window(), e.m.value()
	e.open.held = r.time
	return e.held.drain(func(x *record) error {
		if x.time < start {
			return nil
		}
		return e.open.take(x, e.o)
	})
}

// since drops what is more than a timespan before a time, and returns the time of the
// first base match that is left, math.MaxInt64 for none.
func (e *slidingEval) since(t int64) (int64, error) {
	for {
		first, err := e.held.first()
		if err != nil {
			return 0, err
		}
		if first == nil {
			return math.MaxInt64, nil
		}
		if t-first.time <= e.span {
			return first.time, nil
		}
		if err := e.leave(first); err != nil {
			return 0, err
		}
	}
}

// leave lets the first held base match go. A negative number that went before it may
// have kept the sum of the rest down: then the window that starts here holds.
func (e *slidingEval) leave(first *record) error {
	if e.c.Type != rule.ValueSum || !e.c.within(e.m.value()) {
		e.m.pop(first)
		e.held.pop()
		return nil
	}
	e.open, e.peak = e.window(), e.m.value()
	if err := e.held.drain(func(x *record) error { return e.open.take(x, e.o) }); err != nil {
		return err
	}
	e.open.held = e.open.last
	return e.close()
}

func (e *slidingEval) close() error {
	win := e.open
	win.actual = e.peak // negative numbers may have lowered a sum since
	e.open = nil
	e.m.reset()
	return e.done(win)
}

func (e *slidingEval) end() error {
	if e.open != nil {
		return e.close()
	}
	if e.c.Type != rule.ValueSum {
		return nil // without its first base matches nothing holds that did not with them
	}
	for {
		first, err := e.held.first()
		if first == nil || err != nil {
			return err
		}
		if err := e.leave(first); err != nil {
			return err
		}
	}
}

// tumblingEval cuts a group into windows that each start at the first base match
// after the one before, and judges each when it has ended.
type tumblingEval struct {
	cutter
	m    measure
	open *window
}

func (e *tumblingEval) begin(group []byte) {
	e.group, e.open = group, nil
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
	return e.take(e.open, e.m, r)
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

// absenceEval judges temporal conditions in which a rule must not occur, and ordered
// ones in which not every rule must. A window starts at a base match that may occur and
// takes those within a timespan. What must not occur must be absent from every timespan
// around it: from a timespan before the window's last base match to a timespan after
// its first. Otherwise the tail of a window that does not hold would make one that does.
type absenceEval struct {
	cutter
	yes  *queue // base matches that may occur, from the first that may start a window
	n    []int  // of them, by base rule
	last int64  // time of the newest
	no   []int64
	at   []moments // of an ordered type, by base rule
}

func (e *absenceEval) begin(group []byte) {
	e.group = group
	e.clear()
	for i := range e.no {
		e.no[i] = math.MinInt64
	}
}

func (e *absenceEval) clear() {
	e.yes.reset()
	clear(e.n)
	for i := range e.at {
		e.at[i].reset()
	}
}

func (e *absenceEval) add(r *record) error {
	for {
		first, err := e.yes.first()
		if err != nil {
			return err
		}
		if first == nil || r.time-first.time <= e.span {
			break
		}
		if err := e.judge(first.time); err != nil {
			return err
		}
	}
	if !e.c.positive[r.base] {
		e.no[r.base] = r.time
		return nil
	}
	e.n[r.base]++
	e.last = r.time
	if e.c.Type == rule.TemporalOrdered {
		e.at[r.base].add(r.time)
	}
	return e.yes.push(r)
}

// judge decides the window that starts at a time, that of the first of yes. All that is
// within a timespan of it has come, and nothing else: yes is the window, and no excluded
// base match is too late to count.
func (e *absenceEval) judge(start int64) error {
	occurred := func(base int) bool {
		return e.n[base] > 0 || e.no[base] != math.MinInt64 && e.last-e.no[base] <= e.span
	}
	if !e.c.cond(occurred) || !e.inOrder(start) {
		return e.drop(start)
	}
	win := e.window()
	if err := e.yes.drain(func(r *record) error { return win.take(r, e.o) }); err != nil {
		return err
	}
	e.clear()
	win.held = win.last
	return e.done(win)
}

// drop gives up the base matches at a time, the first of yes: no window starts there.
func (e *absenceEval) drop(start int64) error {
	for i := range e.at {
		e.at[i].drop(start)
	}
	for {
		first, err := e.yes.first()
		if first == nil || err != nil || first.time != start {
			return err
		}
		e.n[first.base]--
		e.yes.pop()
	}
}

// inOrder reports whether, of an ordered type, the base rules that occur do so in the
// order in which the correlation lists them, from the start of the window on.
func (e *absenceEval) inOrder(start int64) bool {
	if e.c.Type != rule.TemporalOrdered {
		return true
	}
	t, first := start, true
	for base, n := range e.n {
		if n == 0 {
			continue
		}
		t = e.at[base].from(t)
		if t == math.MaxInt64 || first && t != start {
			return false
		}
		first = false
	}
	return true
}

func (e *absenceEval) end() error {
	for {
		first, err := e.yes.first()
		if first == nil || err != nil {
			return err
		}
		if err := e.judge(first.time); err != nil {
			return err
		}
	}
}
