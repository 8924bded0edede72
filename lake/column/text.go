package column

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
)

// Values is a column of text. Unless it is plain each distinct value is held once.
type Values struct {
	data  []byte
	ends  []uint32 // of the distinct values in data
	ids   []uint32 // of rows
	table []uint32 // id + 1 by hash, a power of two long

	// A plain column holds the value of every row, in parts, so that growing copies nothing.
	plain bool
	any   bool // bytes that need not be UTF-8
	parts [][]byte
	used  int     // parts that are in use
	rows  []place // where each value ends
}

type place struct{ part, end uint32 }

// partBytes is how large a part is, unless one value is larger.
const partBytes = 1 << 20

// maxData bounds the bytes of one column: offsets are 32 bits.
const maxData = math.MaxUint32

// Append adds the value of one more row.
func (t *Values) Append(s string) {
	if t.plain {
		if !t.any && !utf8.ValidString(s) {
			s = strings.ToValidUTF8(s, "\uFFFD")
		}
		p := t.part(len(s))
		*p = append(*p, s...)
		t.rows = append(t.rows, place{uint32(t.used - 1), uint32(len(*p))})
		return
	}
	if n := len(t.ids); n > 0 {
		if last := t.ids[n-1]; string(t.value(last)) == s {
			t.ids = append(t.ids, last)
			return
		}
	}
	t.ids = append(t.ids, t.intern(s))
}

// part returns the part that has room for n more bytes.
func (t *Values) part(n int) *[]byte {
	if t.used > 0 {
		if p := &t.parts[t.used-1]; cap(*p)-len(*p) >= n {
			return p
		}
	}
	if t.used < len(t.parts) && cap(t.parts[t.used]) >= n {
		t.used++
		return &t.parts[t.used-1]
	}
	size := partBytes
	if t.used == 0 {
		size = 16 << 10 // a column of few rows takes little
	}
	t.parts = append(t.parts[:t.used], make([]byte, 0, max(size, n)))
	t.used++
	return &t.parts[t.used-1]
}

// AppendBytes is [Values.Append] for bytes.
func (t *Values) AppendBytes(b []byte) {
	if t.plain {
		if !t.any && !utf8.Valid(b) {
			b = bytes.ToValidUTF8(b, []byte("\uFFFD"))
		}
		p := t.part(len(b))
		*p = append(*p, b...)
		t.rows = append(t.rows, place{uint32(t.used - 1), uint32(len(*p))})
		return
	}
	t.ids = append(t.ids, t.intern(string(b)))
}

// intern returns the id of a value.
func (t *Values) intern(s string) uint32 {
	if 2*len(t.ends) >= len(t.table) {
		t.grow()
	}
	mask := uint64(len(t.table) - 1)
	for i := xxhash.Sum64String(s) & mask; ; i = (i + 1) & mask {
		id := t.table[i]
		if id == 0 {
			if !t.any && !utf8.ValidString(s) {
				return t.intern(strings.ToValidUTF8(s, "\uFFFD"))
			}
			t.data = append(t.data, s...)
			t.ends = append(t.ends, uint32(len(t.data)))
			t.table[i] = uint32(len(t.ends))
			return uint32(len(t.ends) - 1)
		}
		if string(t.value(id-1)) == s {
			return id - 1
		}
	}
}

func (t *Values) grow() {
	t.table = make([]uint32, max(64, 4*len(t.table)))
	mask := uint64(len(t.table) - 1)
	for id := range t.ends {
		i := xxhash.Sum64(t.value(uint32(id))) & mask
		for t.table[i] != 0 {
			i = (i + 1) & mask
		}
		t.table[i] = uint32(id + 1)
	}
}

// value returns the value with an id.
func (t *Values) value(id uint32) []byte {
	from := uint32(0)
	if id > 0 {
		from = t.ends[id-1]
	}
	return t.data[from:t.ends[id]]
}

// At returns the value of a row. It is valid until the column is reset.
func (t *Values) At(row int) []byte {
	if !t.plain {
		return t.value(t.ids[row])
	}
	p, from := t.rows[row], uint32(0)
	if row > 0 && t.rows[row-1].part == p.part {
		from = t.rows[row-1].end
	}
	return t.parts[p.part][from:p.end]
}

// Len returns the number of rows.
func (t *Values) Len() int {
	if t.plain {
		return len(t.rows)
	}
	return len(t.ids)
}

// bytes says how much memory is in use.
func (t *Values) bytes() int {
	n := len(t.data) + 4*(len(t.ends)+len(t.ids)+len(t.table)) + 8*len(t.rows)
	for _, p := range t.parts[:t.used] {
		n += len(p)
	}
	return n
}

func (t *Values) reset() {
	t.data, t.ends, t.ids, t.rows = t.data[:0], t.ends[:0], t.ids[:0], t.rows[:0]
	clear(t.table)
	for i := range t.parts {
		t.parts[i] = t.parts[i][:0]
	}
	t.used = 0
}

// Ranks returns for every row the place of its value among the distinct values in the order of
// their bytes, so that rows are sorted by comparing numbers. The column is not plain.
func (t *Values) Ranks() []uint32 {
	order := make([]uint32, len(t.ends))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return bytes.Compare(t.value(a), t.value(b)) })
	rank := make([]uint32, len(order))
	for place, id := range order {
		rank[id] = uint32(place)
	}
	out := make([]uint32, len(t.ids))
	for i, id := range t.ids {
		out[i] = rank[id]
	}
	return out
}
