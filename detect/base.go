package detect

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// Bounds of one base match. A record that goes beyond them is counted in Stats.Cut.
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
	var head []byte
	for _, fd := range in.feeds {
		corr := m.e.corrs[fd.corr]
		at := corr.Base[fd.base]
		groups := combine(m.st, c, at.Group, maxGroups, &b.stats)
		if len(groups) == 0 {
			b.stats.NoGroup++
			continue
		}
		values, ok := corr.values(m.st, c, at.Values, &b.stats)
		if !ok {
			b.stats.NoValue++
			continue
		}
		if head == nil {
			head = encodeHead(nil, ev)
		}
		if len(corr.Carry) > 0 {
			values = appendRows(values, [][]byte{encodeRow(partsOf(m.st, c, at.Carry, maxGroups, &b.stats))})
		}
		for _, g := range groups {
			rec := encodeKey(nil, fd, g, t, identity(ev))
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

// appendPart appends one value of a tuple: zeros are escaped, and a zero and a one
// end it. A very long value is cut and closed by a hash of the whole.
func appendPart(dst, v []byte) []byte {
	if len(v) > 2*maxBaseText {
		sum := sha256.Sum256(v)
		v = append(append(v[:maxBaseText:maxBaseText], "…"...), hex.EncodeToString(sum[:16])...)
	}
	for _, c := range v {
		dst = append(dst, c)
		if c == 0 {
			dst = append(dst, 0xFF)
		}
	}
	return append(dst, 0, 1)
}

// splitTuple is the reverse of appendPart over n values. It returns the number of
// bytes read.
func splitTuple(src []byte, n int) (parts []string, size int) {
	i := 0
	for range n {
		var part []byte
		for i+1 < len(src) {
			c := src[i]
			i++
			if c != 0 {
				part = append(part, c)
				continue
			}
			end := src[i] == 1
			i++
			if end {
				break
			}
			part = append(part, 0)
		}
		parts = append(parts, string(part))
	}
	return parts, i
}

// values returns the encoded values of a base match: tuples for value_count, numbers
// for the other types. ok is false when it has none and needs one.
func (c *correlation) values(st *query.State, from *compiled, captures []int, stats *Stats) (enc []byte, ok bool) {
	if !c.valued() {
		return []byte{0}, true
	}
	if c.Type == rule.ValueCount {
		tuples := combine(st, from, captures, maxValues, stats)
		if len(tuples) == 0 {
			return nil, false
		}
		return encodeValues(digests(tuples)), true
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
	return encodeValues(numbers), true
}

// digests makes what counts different tuples short: a long one is stood for by a hash,
// whose length no other has.
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

// A record is a key, by which records sort, and what a finding needs:
// correlation (4 bytes), group, time (8), event key (16), base (2), for a finding of
// another correlation when it was known to hold (8), values, the rows of values to hand
// on where the correlation carries any, head.

func encodeKey(dst []byte, fd feed, group []byte, t int64, key yagura.Key) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(fd.corr))
	dst = append(dst, group...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(t)^1<<63)
	dst = append(dst, key[:]...)
	return binary.BigEndian.AppendUint16(dst, uint16(fd.base))
}

func appendFloat(dst []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(v))
}

func encodeValues(values [][]byte) []byte {
	dst := binary.AppendUvarint(nil, uint64(len(values)))
	for _, v := range values {
		dst = appendBytes(dst, v)
	}
	return dst
}

// appendRows appends rows of values to hand on.
func appendRows(dst []byte, rows [][]byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(rows)))
	for _, row := range rows {
		dst = appendBytes(dst, row)
	}
	return dst
}

// decodeList reads what encodeValues or appendRows wrote; it returns what follows.
func decodeList(dst [][]byte, b []byte) (list [][]byte, rest []byte, ok bool) {
	count, size := binary.Uvarint(b)
	if size <= 0 || count > maxRows {
		return nil, nil, false
	}
	b = b[size:]
	for range count {
		n, size := binary.Uvarint(b)
		if size <= 0 || uint64(len(b)-size) < n {
			return nil, nil, false
		}
		dst = append(dst, b[size:size+int(n)])
		b = b[size+int(n):]
	}
	return dst, b, true
}

// encodeRow writes the values of some fields of one event.
func encodeRow(lists [][][]byte) []byte {
	var row []byte
	for _, parts := range lists {
		row = appendRows(row, parts)
	}
	return row
}

// decodeRow reads a row of n fields: the values of each, as parts of tuples.
func decodeRow(row []byte, n int) ([][][]byte, error) {
	lists := make([][][]byte, n)
	for i := range lists {
		var ok bool
		if lists[i], row, ok = decodeList(nil, row); !ok {
			return nil, errRecord
		}
	}
	return lists, nil
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

func appendText(dst []byte, s string) []byte {
	if len(s) > maxBaseText {
		s = s[:maxBaseText]
	}
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// encodeHead appends what a window's finding needs of an event.
func encodeHead(dst []byte, ev *yagura.Event) []byte {
	return appendHead(dst, ev.Ref(), ev.Format, ev.Source, []string{nameOf(ev)}, 1, func() []yagura.Entity {
		var set entitySet
		set.event(ev)
		out, _ := set.list(nil)
		return out
	}())
}

func appendHead(dst []byte, ref yagura.EventRef, format, source string, ids []string, total int, entities []yagura.Entity) []byte {
	for _, s := range []string{ref.ID, ref.Account, ref.Region, ref.Action, ref.Actor.Type, ref.Actor.ID, ref.Actor.Name,
		ref.Actor.SessionOf, ref.SrcIP, ref.Outcome, format, source} {
		dst = appendText(dst, s)
	}
	dst = append(dst, ref.Key[:]...)
	dst = binary.AppendUvarint(dst, uint64(total))
	dst = binary.AppendUvarint(dst, uint64(len(ids)))
	for _, id := range ids {
		dst = appendText(dst, id)
	}
	entities = entities[:min(len(entities), maxBaseEntities)]
	dst = binary.AppendUvarint(dst, uint64(len(entities)))
	for _, x := range entities {
		dst = appendText(appendText(dst, x.Type), x.ID)
	}
	return dst
}

// record is a decoded base match; group and the slices point into its bytes.
type record struct {
	raw    []byte
	corr   int
	group  []byte
	time   int64
	key    []byte
	base   int
	values [][]byte
	rows   [][]byte // values to hand on, see encodeRow
	head   []byte
	// chained says that it is a finding of another correlation, which held first at held.
	chained bool
	held    int64
}

var errRecord = fmt.Errorf("a base match in the spill file is damaged")

// decodeRecord reads a record's key and values; widths has the number of group
// fields by correlation.
func decodeRecord(b []byte, corrs []*correlation, r *record) error {
	if len(b) < 4 {
		return errRecord
	}
	r.raw = b
	r.corr = int(binary.BigEndian.Uint32(b))
	if r.corr >= len(corrs) {
		return errRecord
	}
	b = b[4:]
	n := tupleSize(b, len(corrs[r.corr].GroupBy))
	if len(b) < n+26 {
		return errRecord
	}
	r.group, b = b[:n], b[n:]
	r.time = int64(binary.BigEndian.Uint64(b) ^ 1<<63)
	r.key = b[8:24]
	if r.base = int(binary.BigEndian.Uint16(b[24:])); r.base >= len(corrs[r.corr].Rules) {
		return errRecord
	}
	base := corrs[r.corr].Rules[r.base]
	r.chained = base != nil && base.Correlation != nil
	b = b[26:]
	if r.chained {
		if len(b) < 8 {
			return errRecord
		}
		r.held, b = int64(binary.BigEndian.Uint64(b)^1<<63), b[8:]
	}
	var ok bool
	if r.values, b, ok = decodeList(r.values[:0], b); !ok {
		return errRecord
	}
	r.rows = nil
	if len(corrs[r.corr].Carry) > 0 {
		if r.rows, b, ok = decodeList(nil, b); !ok {
			return errRecord
		}
	}
	r.head = b
	return nil
}

// tupleSize returns the number of bytes of n values of a tuple.
func tupleSize(b []byte, n int) int {
	i := 0
	for range n {
		for i+1 < len(b) {
			if b[i] != 0 {
				i++
				continue
			}
			i += 2
			if b[i-1] == 1 {
				break
			}
		}
	}
	return i
}

// head is the decoded head of a record.
type head struct {
	ref            yagura.EventRef
	format, source string
	total          int
	ids            []string
	entities       []yagura.Entity
}

func decodeHead(b []byte, t int64) (head, error) {
	var h head
	var bad bool
	number := func() int {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > 1<<40 {
			bad = true
			return 0
		}
		b = b[size:]
		return int(n)
	}
	text := func() string {
		n := number()
		if bad || n > len(b) {
			bad = true
			return ""
		}
		s := string(b[:n])
		b = b[n:]
		return s
	}
	for _, p := range []*string{&h.ref.ID, &h.ref.Account, &h.ref.Region, &h.ref.Action, &h.ref.Actor.Type, &h.ref.Actor.ID,
		&h.ref.Actor.Name, &h.ref.Actor.SessionOf, &h.ref.SrcIP, &h.ref.Outcome, &h.format, &h.source} {
		*p = text()
	}
	if len(b) < len(h.ref.Key) {
		return h, errRecord
	}
	b = b[copy(h.ref.Key[:], b):]
	h.ref.Time = time.Unix(0, t).UTC()
	h.total = number()
	for n := number(); n > 0 && !bad; n-- {
		h.ids = append(h.ids, text())
	}
	for n := number(); n > 0 && !bad; n-- {
		typ := text()
		h.entities = append(h.entities, yagura.Entity{Type: typ, ID: text()})
	}
	if bad {
		return h, errRecord
	}
	return h, nil
}
