package detect

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/yagura-sec/yagura/rule"
)

// measure keeps what a correlation measures of a window while base matches enter it
// and leave it at the other end. Its memory does not grow with their number.
type measure interface {
	push(r *record)
	pop(r *record)
	reset()
	// full says that there is no room for the values of r.
	full(r *record) bool
	// value is what the bounds compare; of the temporal types it is not used.
	value() float64
	// complete answers a temporal type for a window from a time on.
	complete(from int64) bool
}

// unbounded is a measure that is never full, numeric one of no temporal type.
type (
	unbounded struct{}
	numeric   struct{}
)

func (unbounded) full(*record) bool { return false }
func (numeric) complete(int64) bool { return false }

// mostValues is how many values of a window are told apart, or ranked. Beyond as many as
// the bounds compare with, more different values change no answer.
func (c *correlation) mostValues(o WindowOptions) int {
	if c.Type == rule.ValueMedian || c.Type == rule.ValuePercentile {
		return 20 * o.MaxWindow
	}
	most := o.MaxWindow
	for _, b := range c.Bounds {
		if b.Value < 1<<31 {
			most = max(most, int(b.Value)+1)
		}
	}
	return most
}

func (c *correlation) newMeasure(o WindowOptions) measure {
	switch c.Type {
	case rule.ValueCount:
		return &distinct{seen: map[string]int{}, most: c.mostValues(o)}
	case rule.ValueSum, rule.ValueAvg:
		return &sum{avg: c.Type == rule.ValueAvg}
	case rule.ValueMedian:
		return &rank{p: 50, most: c.mostValues(o)}
	case rule.ValuePercentile:
		return &rank{p: c.Percentile, most: c.mostValues(o)}
	case rule.Temporal:
		return &presence{c: c, n: make([]int, len(c.Rules))}
	case rule.TemporalOrdered:
		return newOrder(len(c.Rules))
	}
	return &counter{}
}

type counter struct {
	unbounded
	numeric
	n int
}

func (m *counter) push(*record)   { m.n++ }
func (m *counter) pop(*record)    { m.n-- }
func (m *counter) reset()         { m.n = 0 }
func (m *counter) value() float64 { return float64(m.n) }

// distinct counts different values, or tuples of values.
type distinct struct {
	numeric
	seen map[string]int
	most int
}

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

func (m *distinct) reset() {
	if len(m.seen) > 1<<12 {
		m.seen = map[string]int{} // a map that has been great stays so, and is slow to clear
		return
	}
	clear(m.seen)
}
func (m *distinct) value() float64 { return float64(len(m.seen)) }

func (m *distinct) full(r *record) bool {
	if len(m.seen) < m.most {
		return false
	}
	return slices.ContainsFunc(r.values, func(v []byte) bool { return m.seen[string(v)] == 0 })
}

// sum adds in twice the precision of a float64, so that values may leave again
// without a trace.
type sum struct {
	unbounded
	numeric
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

func (m *sum) reset() { m.hi, m.lo, m.n = 0, 0, 0 }
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
	numeric
	p      float64
	values []float64
	most   int
}

func (m *rank) push(r *record) {
	for _, v := range r.values {
		m.values = append(m.values, decodeFloat(v))
	}
}

func (m *rank) pop(*record) {}
func (m *rank) reset() {
	if cap(m.values) > 1<<16 {
		m.values = nil
	}
	m.values = m.values[:0]
}
func (m *rank) full(*record) bool { return len(m.values) >= m.most }
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
	unbounded
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
	unbounded
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
