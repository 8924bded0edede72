package detect

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
)

// window is a stretch of one group's base matches that a finding is about.
type window struct {
	group       []byte
	start, last int64
	held        int64 // when it was known to hold
	count       int   // base matches
	total       int   // events behind them
	ids         []string
	named       map[string]bool // the same, when they are many
	entities    entitySet
	lastHead    []byte
	byBase      []int
	trimmed     int
	actual      float64 // what the bounds were compared with
	// rows are the different rows of values to hand on, in the order in which they came;
	// cut is how many were left out.
	rows  [][]byte
	known map[string]bool
	cut   int
	// chained has the keys of the findings of other correlations that were taken.
	chained map[string]bool
}

// take adds a base match to the window's account.
func (win *window) take(r *record, o WindowOptions) error {
	h, err := decodeHead(r.head, r.time)
	if err != nil {
		return err
	}
	if win.count == 0 {
		win.start = r.time
	}
	if r.time >= win.last || win.lastHead == nil {
		win.last, win.lastHead = r.time, r.head
	}
	if r.chained {
		if win.chained[string(r.key)] {
			return nil // the same finding, at its end
		}
		if win.chained == nil {
			win.chained = map[string]bool{}
		}
		win.chained[string(r.key)] = true
	}
	win.count++
	win.total += h.total
	win.byBase[r.base]++
	win.carry(r.rows)
	for _, id := range h.ids {
		if len(win.ids) < o.MaxEvents && !win.names(id) {
			win.ids = append(win.ids, id)
		}
	}
	for _, x := range h.entities {
		win.entities.add(x.Type, x.ID)
	}
	return nil
}

// names reports whether an event is among ids already.
func (win *window) names(id string) bool {
	if len(win.ids) < few {
		return slices.Contains(win.ids, id)
	}
	if win.named == nil {
		win.named = make(map[string]bool, 2*few)
		for _, x := range win.ids {
			win.named[x] = true
		}
	}
	if win.named[id] {
		return true
	}
	win.named[id] = true
	return false
}

// carry keeps rows of values to hand on.
func (win *window) carry(rows [][]byte) {
	for _, row := range rows {
		switch {
		case win.known[string(row)]:
		case len(win.rows) == maxRows:
			win.cut++
		default:
			if win.known == nil {
				win.known = map[string]bool{}
			}
			win.known[string(row)] = true
			win.rows = append(win.rows, row)
		}
	}
}

// finding writes a window as a finding, and returns the values of its group.
func (w *Windows) finding(c *correlation, in *ruleInfo, win *window) (yagura.Finding, []string, error) {
	h, err := decodeHead(win.lastHead, win.last)
	if err != nil {
		return yagura.Finding{}, nil, err
	}
	group, _ := splitTuple(win.group, len(c.GroupBy))
	shownGroup := make([]string, len(group))
	for i, v := range group {
		shownGroup[i] = strings.ToValidUTF8(v, "\uFFFD")
	}
	f := newFinding(c.rule, in, h.format, h.source)
	f.ID = windowFindingID(in.key, win.group, epoch(win.start, c.Timespan))
	f.Time = h.ref.Time
	f.Event = h.ref
	if f.Events = win.ids; f.Events == nil {
		f.Events = []string{}
	}
	f.Why = c.why(win, shownGroup)
	f.Output = c.output(win, shownGroup)
	for _, x := range c.rule.SideCar.Entities {
		win.entities.add(x.Type, shownGroup[slices.Index(c.GroupBy, x.Field)])
	}
	if win.total > len(win.ids) && len(win.ids) >= w.o.MaxEvents {
		f.Caps = append(f.Caps, fmt.Sprintf("events: the first %d of %d are named", len(win.ids), win.total))
	}
	if win.trimmed > 0 {
		f.Caps = append(f.Caps, fmt.Sprintf("window: it holds more than %d base matches; %d were left out", w.o.MaxWindow, win.trimmed))
	}
	f.Entities, f.Caps = win.entities.list(f.Caps)
	key := newCause(nil, h.ref.Account, in.scope)
	parts := c.rule.SideCar.CauseKey
	if len(parts) == 0 {
		parts = c.GroupBy
	}
	for _, entry := range parts {
		word, name := rule.CausePart(entry)
		if i := slices.Index(c.GroupBy, name); i >= 0 {
			key.part(word, shownGroup[i])
		} else if name != "account" {
			key.part(name, headerWord(name, &yagura.Event{Region: h.ref.Region, Action: h.ref.Action, SrcIP: h.ref.SrcIP, Actor: h.ref.Actor}))
		}
	}
	f.CauseKey = string(key)
	return f, group, nil
}

// epoch is the part of a window's id that stands for its place in time: the number
// of its start counted in timespans. Two windows of a group start more than a
// timespan apart, so no two have the same; and a late event that moves the start a
// little leaves it as it is, as does one that makes the window grow.
func epoch(start int64, span time.Duration) []byte {
	n := start / int64(span)
	if start%int64(span) < 0 {
		n--
	}
	return binary.BigEndian.AppendUint64(nil, uint64(n))
}

func (c *correlation) why(win *window, group []string) []yagura.Why {
	out := []yagura.Why{}
	for i, name := range c.GroupBy {
		out = append(out, yagura.Why{Field: name, Op: "group-by", Value: name, Actual: group[i]})
	}
	for _, b := range c.Bounds {
		out = append(out, yagura.Why{Field: string(c.Type), Op: b.Op, Value: float(b.Value), Actual: float(win.actual)})
	}
	if c.temporal() {
		for i, r := range c.Rules {
			name := r.Title
			if i < len(c.RuleNames) && c.RuleNames[i] != "" {
				name = c.RuleNames[i]
			}
			switch {
			case win.byBase[i] > 0:
				out = append(out, yagura.Why{Field: name, Op: "occurs", Value: string(c.Type), Actual: strconv.Itoa(win.byBase[i])})
			case !c.positive[i]:
				out = append(out, yagura.Why{Field: name, Op: "not occurs", Value: string(c.Type), Actual: "0"})
			}
		}
	}
	return append(out, yagura.Why{Field: "timespan", Op: "within", Value: c.Timespan.String(),
		Actual: time.Duration(win.last - win.start).String()})
}

func (c *correlation) output(win *window, group []string) string {
	var b strings.Builder
	b.WriteString(c.rule.Title)
	fmt.Fprintf(&b, ": %d event", win.total)
	if win.total != 1 {
		b.WriteByte('s')
	}
	fmt.Fprintf(&b, " in %s", time.Duration(win.last-win.start))
	for i, name := range c.GroupBy {
		b.WriteString(", " + name + "=" + string(appendQuoted(nil, group[i])))
	}
	return b.String()
}

func float(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func appendFloat(dst []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(v))
}

// within reports whether a value satisfies all bounds.
func (c *correlation) within(v float64) bool {
	for _, b := range c.Bounds {
		var ok bool
		switch b.Op {
		case "gt":
			ok = v > b.Value
		case "gte":
			ok = v >= b.Value
		case "lt":
			ok = v < b.Value
		case "lte":
			ok = v <= b.Value
		case "eq":
			ok = v == b.Value
		case "neq":
			ok = v != b.Value
		}
		if !ok {
			return false
		}
	}
	return true
}

// measure keeps what a correlation measures of a window while base matches enter it
// and leave it at the other end.
type measure interface {
	push(r *record)
	pop(r *record)
	reset()
	// value is what the bounds compare; of the temporal types it is not used.
	value() float64
	// complete answers a temporal type for a window from a time on.
	complete(from int64) bool
}

func (c *correlation) newMeasure() measure {
	switch c.Type {
	case rule.ValueCount:
		return &distinct{seen: map[string]int{}}
	case rule.ValueSum, rule.ValueAvg:
		return &sum{avg: c.Type == rule.ValueAvg}
	case rule.ValueMedian:
		return &rank{p: 50}
	case rule.ValuePercentile:
		return &rank{p: c.Percentile}
	case rule.Temporal:
		return &presence{c: c, n: make([]int, len(c.Rules))}
	case rule.TemporalOrdered:
		return newOrder(len(c.Rules))
	}
	return &counter{}
}

type counter struct{ n int }

func (m *counter) push(*record)        { m.n++ }
func (m *counter) pop(*record)         { m.n-- }
func (m *counter) reset()              { m.n = 0 }
func (m *counter) value() float64      { return float64(m.n) }
func (m *counter) complete(int64) bool { return false }

// distinct counts different values, or tuples of values.
type distinct struct{ seen map[string]int }

func (m *distinct) push(r *record) {
	for _, v := range r.values {
		m.seen[string(v)]++
	}
}

func (m *distinct) pop(r *record) {
	for _, v := range r.values {
		if m.seen[string(v)]--; m.seen[string(v)] == 0 {
			delete(m.seen, string(v))
		}
	}
}

func (m *distinct) reset()              { clear(m.seen) }
func (m *distinct) value() float64      { return float64(len(m.seen)) }
func (m *distinct) complete(int64) bool { return false }

// sum adds in twice the precision of a float64, so that values may leave again
// without a trace.
type sum struct {
	hi, lo float64
	n      int
	avg    bool
}

func (m *sum) add(v float64) {
	s := m.hi + v
	b := s - m.hi
	lo := m.lo + ((m.hi - (s - b)) + (v - b))
	m.hi = s + lo
	m.lo = lo - (m.hi - s)
}

func (m *sum) push(r *record) {
	for _, v := range r.values {
		m.add(decodeFloat(v))
		m.n++
	}
}

func (m *sum) pop(r *record) {
	for _, v := range r.values {
		m.add(-decodeFloat(v))
		m.n--
	}
}

func (m *sum) reset()              { m.hi, m.lo, m.n = 0, 0, 0 }
func (m *sum) complete(int64) bool { return false }
func (m *sum) value() float64 {
	if m.avg {
		return m.hi / float64(max(m.n, 1))
	}
	return m.hi
}

func decodeFloat(b []byte) float64 {
	if len(b) != 8 {
		return 0
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b))
}

// rank finds a percentile, between two values by linear interpolation as SQL's
// PERCENTILE_CONT does. The median is percentile 50.
type rank struct {
	p      float64
	values []float64
}

func (m *rank) push(r *record) {
	for _, v := range r.values {
		m.values = append(m.values, decodeFloat(v))
	}
}

func (m *rank) pop(*record)         {}
func (m *rank) reset()              { m.values = m.values[:0] }
func (m *rank) complete(int64) bool { return false }
func (m *rank) value() float64 {
	if len(m.values) == 0 {
		return math.NaN()
	}
	slices.Sort(m.values)
	at := m.p / 100 * float64(len(m.values)-1)
	i := int(at)
	if i+1 >= len(m.values) {
		return m.values[len(m.values)-1]
	}
	return m.values[i] + (at-float64(i))*(m.values[i+1]-m.values[i])
}

// presence answers which base rules occur.
type presence struct {
	c *correlation
	n []int
}

func (m *presence) push(r *record) { m.n[r.base]++ }
func (m *presence) pop(r *record)  { m.n[r.base]-- }
func (m *presence) reset()         { clear(m.n) }
func (m *presence) value() float64 { return 0 }
func (m *presence) complete(int64) bool {
	return m.c.cond(func(base int) bool { return m.n[base] > 0 })
}

// order answers whether the base rules occur one after the other. latest has, for
// each rule, the latest start of a chain of the rules up to it. Events at the same
// time follow one another in whatever order completes a chain: logs with a resolution
// of a second tell no more.
type order struct {
	latest []int64
	now    int64
	here   []bool // base rules that occur at now
}

func newOrder(n int) *order {
	m := &order{latest: make([]int64, n), here: make([]bool, n)}
	m.reset()
	return m
}

func (m *order) push(r *record) {
	if r.time != m.now {
		clear(m.here)
		m.now = r.time
	}
	m.here[r.base] = true
	for k, here := range m.here {
		if !here {
			continue
		}
		if k == 0 {
			m.latest[0] = r.time
		} else {
			m.latest[k] = max(m.latest[k], m.latest[k-1])
		}
	}
}

func (m *order) pop(*record) {}

func (m *order) reset() {
	clear(m.here)
	for i := range m.latest {
		m.latest[i] = math.MinInt64
	}
	m.now = math.MinInt64
}

func (m *order) value() float64           { return 0 }
func (m *order) complete(from int64) bool { return m.latest[len(m.latest)-1] >= from }
