package column

import (
	"bytes"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
)

// Values is a column of text. Unless it is plain each distinct value is held once.
type Values struct {
	data  []byte
	ends  []uint32 // of the distinct values in data; of all rows where plain
	ids   []uint32 // of rows; nil where plain
	table []uint32 // id + 1 by hash, a power of two long
	plain bool
	any   bool // bytes that need not be UTF-8
}

// maxData bounds the bytes of one column: offsets are 32 bits.
const maxData = math.MaxUint32

// Append adds the value of one more row.
func (t *Values) Append(s string) {
	if t.plain {
		if !t.any && !utf8.ValidString(s) {
			s = strings.ToValidUTF8(s, "\uFFFD")
		}
		t.data = append(t.data, s...)
		t.ends = append(t.ends, uint32(len(t.data)))
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

// AppendBytes is [Values.Append] for bytes.
func (t *Values) AppendBytes(b []byte) {
	if t.plain {
		if !t.any && !utf8.Valid(b) {
			b = bytes.ToValidUTF8(b, []byte("\uFFFD"))
		}
		t.data = append(t.data, b...)
		t.ends = append(t.ends, uint32(len(t.data)))
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

// value returns the value with an id; of a plain column that of a row.
func (t *Values) value(id uint32) []byte {
	from := uint32(0)
	if id > 0 {
		from = t.ends[id-1]
	}
	return t.data[from:t.ends[id]]
}

// At returns the value of a row. It is valid until the column is reset.
func (t *Values) At(row int) []byte {
	if t.plain {
		return t.value(uint32(row))
	}
	return t.value(t.ids[row])
}

// Len returns the number of rows.
func (t *Values) Len() int {
	if t.plain {
		return len(t.ends)
	}
	return len(t.ids)
}

// bytes says how much memory is in use.
func (t *Values) bytes() int { return len(t.data) + 4*(len(t.ends)+len(t.ids)+len(t.table)) }

func (t *Values) reset() {
	t.data, t.ends, t.ids = t.data[:0], t.ends[:0], t.ids[:0]
	clear(t.table)
}
