package detect

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// Bounds of one base match. Groups beyond them are counted in Stats.Cut.
const (
	maxGroups       = 64  // groups of one record
	maxBaseEntities = 20  // entities that a base match carries
	maxBaseText     = 512 // bytes of one text that a base match carries
)

// maxValues bounds the values, or tuples of values, of one record. What goes beyond is
// counted in Stats.Cut.
const maxValues = 1000

// maxRows bounds the different rows of values that the finding of one window hands on
// to the correlations built on it, and the groups that it is in there. What goes
// beyond is counted in Stats.Cut.
const (
	maxRows     = 1000
	maxRowBytes = 4 << 20
)

// BaseMatch is what a hit says to the correlations that count it. It holds no
// reference to the record, so it may be kept, and handed to [Windows.Add] or dropped
// (a repeat), later and on another goroutine.
type BaseMatch struct {
	records [][]byte
	stats   Stats
}

// Size is about how many bytes of memory b takes.
func (b *BaseMatch) Size() int {
	n := 128
	for _, rec := range b.records {
		n += len(rec) + 24
	}
	return n
}

// Stats count what correlations were given.
type Stats struct {
	Matches int   // base matches counted, by group
	Repeats int   // base matches of an event that was already counted
	NoTime  int   // base matches without an event time: they are in no window
	NoGroup int   // base matches without one of the group-by fields: they are in no group
	NoValue int   // base matches without a value, or not a number where one is needed
	Cut     int   // groups or values left out of records that have too many of them
	Trimmed int   // base matches that a window counted and did not measure, see WindowOptions.MaxWindow
	Spilled int64 // bytes written to temporary files
}

func (s *Stats) add(o Stats) {
	s.Matches += o.Matches
	s.Repeats += o.Repeats
	s.NoTime += o.NoTime
	s.NoGroup += o.NoGroup
	s.NoValue += o.NoValue
	s.Cut += o.Cut
	s.Trimmed += o.Trimmed
	s.Spilled += o.Spilled
}

// baseMemory is what making a base match needs, kept from one to the next.
type baseMemory struct {
	texts        [][]byte
	group, tuple tuple
	values, head []byte
}

// tuple is the one combination of values that most records have.
type tuple struct {
	text []byte
	list [1][]byte
}

// combine is [combine]; what it returns is valid until t is used again.
func (mem *baseMemory) combine(t *tuple, st *query.State, c *compiled, captures []int, most int, stats *Stats) [][]byte {
	t.text = t.text[:0]
	for _, k := range captures {
		mem.texts = st.Scalars(c.captures[k], mem.texts[:0])
		if len(mem.texts) != 1 {
			return combine(st, c, captures, most, stats)
		}
		t.text = appendPart(t.text, mem.texts[0])
	}
	t.list[0] = t.text
	return t.list[:]
}

// Base returns what a hit on the record judged last, whose event is ev, says to
// correlations; nil when no correlation counts the rule.
func (m *Matcher) Base(h Hit, ev *yagura.Event) *BaseMatch {
	in := &m.e.info[h.num]
	if len(in.feeds) == 0 {
		return nil
	}
	b := &BaseMatch{}
	t, ok := nanos(ev.Time)
	if !ok {
		b.stats.NoTime++
		return b
	}
	c := &m.cur.rules[h.pos]
	mem := &m.base
	var head []byte // written once
	for _, fd := range in.feeds {
		corr := m.e.corrs[fd.corr]
		at := corr.Base[fd.base]
		groups := mem.combine(&mem.group, m.st, c, at.Group, maxGroups, &b.stats)
		if len(groups) == 0 {
			b.stats.NoGroup++
			continue
		}
		values, ok := corr.values(mem, m.st, c, at.Values, &b.stats)
		if !ok {
			b.stats.NoValue++
			continue
		}
		if head == nil {
			mem.head = encodeHead(mem.head[:0], ev)
			head = mem.head
		}
		if len(corr.Carry) > 0 {
			values = appendList(values, [][]byte{encodeRow(partsOf(m.st, c, at.Carry, maxGroups, &b.stats))})
		}
		for _, g := range groups {
			rec := make([]byte, 0, keySize+len(g)+len(values)+len(head))
			rec = encodeKey(rec, fd, g, t, identity(ev))
			rec = append(append(rec, values...), head...)
			b.records = append(b.records, rec)
		}
	}
	return b
}

// identity tells events apart: by their key, and those with one key by their content.
func identity(ev *yagura.Event) yagura.Key {
	k := ev.Key
	binary.BigEndian.PutUint64(k[8:], binary.BigEndian.Uint64(k[8:])^ev.Content)
	return k
}

// nanos returns a time in nanoseconds since 1970; false when it has none. The years are
// those between any two of which a span of nanoseconds fits into 63 bits.
func nanos(t time.Time) (int64, bool) {
	if t.IsZero() || t.Year() < 1900 || t.Year() > 2190 {
		return 0, false
	}
	return t.UnixNano(), true
}

// combine returns all combinations of the values of some captures, each as a text
// that sorts like the values and from which [splitTuple] gets them back. It returns
// nothing when a capture has no value, and one empty text for no captures. most bounds
// the values of a capture and the combinations.
func combine(st *query.State, c *compiled, captures []int, most int, stats *Stats) [][]byte {
	return tuples(partsOf(st, c, captures, most, stats), most, stats)
}

// partsOf returns the different values of each of some captures, as parts of tuples.
func partsOf(st *query.State, c *compiled, captures []int, most int, stats *Stats) [][][]byte {
	lists := make([][][]byte, len(captures))
	for i, k := range captures {
		values := st.Scalars(c.captures[k], nil)
		if len(values) == 1 {
			lists[i] = [][]byte{appendPart(nil, values[0])}
			continue
		}
		seen := map[string]bool{}
		for _, v := range values {
			if seen[string(v)] {
				continue
			}
			seen[string(v)] = true
			if len(lists[i]) == most {
				stats.Cut++
				continue
			}
			lists[i] = append(lists[i], appendPart(nil, v))
		}
	}
	return lists
}

// tuples returns all combinations of parts.
func tuples(lists [][][]byte, most int, stats *Stats) [][]byte {
	out := [][]byte{nil}
	for i, parts := range lists {
		if len(parts) == 0 {
			return nil
		}
		if i == 0 {
			out = parts
			continue
		}
		next := make([][]byte, 0, min(len(out)*len(parts), most))
		for _, p := range parts {
			for _, o := range out {
				if len(next) == most {
					stats.Cut++
					break
				}
				next = append(next, append(slices.Clip(o), p...))
			}
		}
		out = next
	}
	return out
}

// values returns the encoded values of a base match: tuples for value_count, numbers
// for the other types. ok is false when it has none and needs one.
func (c *correlation) values(mem *baseMemory, st *query.State, from *compiled, captures []int, stats *Stats) (enc []byte, ok bool) {
	if !c.valued() {
		mem.values = append(mem.values[:0], 0)
		return mem.values, true
	}
	if c.Type == rule.ValueCount {
		tuples := mem.combine(&mem.tuple, st, from, captures, maxValues, stats)
		if len(tuples) == 0 {
			return nil, false
		}
		mem.values = appendList(mem.values[:0], digests(tuples))
		return mem.values, true
	}
	var numbers [][]byte
	for _, text := range st.Scalars(from.captures[captures[0]], nil) {
		n, ok := number(string(text))
		switch {
		case !ok:
		case len(numbers) == maxValues:
			stats.Cut++
		default:
			numbers = append(numbers, appendFloat(nil, n))
		}
	}
	if len(numbers) == 0 {
		return nil, false
	}
	return appendList(nil, numbers), true
}

// digests makes what counts different tuples short: a long one is stood for by a hash,
// whose length no other has. It replaces them in the list.
func digests(tuples [][]byte) [][]byte {
	const short = 24
	for i, v := range tuples {
		if len(v) > short {
			sum := sha256.Sum256(v)
			tuples[i] = append([]byte{0}, sum[:short]...)
		}
	}
	return tuples
}

// maxNumber bounds what is measured, so that no sum overflows.
const maxNumber = 1e290

func number(text string) (float64, bool) {
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && math.Abs(f) <= maxNumber
}
