package slot

import (
	"unsafe"
)

// Doc holds the values of one record.
type Doc struct {
	plan *Plan // whose NewDoc made it

	// What is being read: the record, or the text of a string in it.
	p     unsafe.Pointer
	n     int
	src   int32 // 0 for the record, else 1 + the number in texts
	level int   // of strings entered

	buf    []byte
	record []byte
	begin  int // of the record in buf
	values []value
	heads  []head
	filled []ID
	gen    uint32
	seen   []uint32 // the gen in which a node of an Exact path was reached
	// after has for each key of the plan the key that followed it last time: records of
	// one kind have their keys in one order, so that it will mostly follow again.
	after []*entry

	texts [][]byte // texts of strings that were entered, escapes resolved
	memo  [][]byte // texts that Text computed
	arena []byte   // what texts and memo lie in
	key   []byte
	lower []byte
}

// value is one value in a slot. Positions count in the record or in texts[src-1].
type value struct {
	start, end uint32
	next       Value
	src        int32
	memo       int32 // 1 + number in Doc.memo, 0 when Text was not asked
	kind       Kind
	esc        bool
}

// head is the list of a slot, where gen is that of the Doc.
type head struct {
	gen         uint32
	first, last Value
}

// Value is the number of a value in a Doc; negative means none.
type Value int32

// maxKept is how many bytes of one record's texts are kept as room for the next one's.
const maxKept = 1 << 20

// reset empties d for the next record of p.
func (d *Doc) reset(p *Plan) {
	if len(d.heads) != p.slots || len(d.seen) != p.exact {
		panic("slot: a Doc of another plan")
	}
	d.gen++
	if d.gen == 0 {
		clear(d.heads)
		clear(d.seen)
		d.gen = 1
	}
	d.src, d.level = 0, 0
	d.values, d.filled = d.values[:0], d.filled[:0]
	d.texts, d.memo, d.arena = d.texts[:0], d.memo[:0], d.arena[:0]
	if cap(d.arena) > maxKept {
		d.arena = nil
	}
	d.buf, d.record = nil, nil
}

// add appends a value to a slot.
func (d *Doc) add(id ID, start, end int, k Kind, esc bool) {
	v := len(d.values)
	if v < cap(d.values) {
		d.values = d.values[:v+1]
	} else {
		d.values = append(d.values, value{})
	}
	// Written field by field: a value put together elsewhere and copied here makes the
	// processor wait for its small fields.
	x := &d.values[v]
	x.start, x.end, x.next, x.src, x.memo, x.kind, x.esc = uint32(start), uint32(end), -1, d.src, 0, k, esc
	h := &d.heads[id]
	if h.gen != d.gen {
		h.gen, h.first = d.gen, Value(v)
		d.filled = append(d.filled, id)
	} else {
		d.values[h.last].next = Value(v)
	}
	h.last = Value(v)
}

// First returns the first value of a slot, negative when it is absent.
func (d *Doc) First(s ID) Value {
	if h := &d.heads[s]; h.gen == d.gen {
		return h.first
	}
	return -1
}

// Next returns the value after v in the same slot, negative at the end.
func (d *Doc) Next(v Value) Value { return d.values[v].next }

// Only returns the text of the value of a slot that has one value, a string.
func (d *Doc) Only(s ID) (text []byte, ok bool) {
	h := &d.heads[s]
	if h.gen != d.gen || h.first < 0 {
		return nil, false
	}
	if x := &d.values[h.first]; x.kind != String || x.next >= 0 {
		return nil, false
	}
	return d.Text(h.first), true
}

// Kind returns the JSON type of v.
func (d *Doc) Kind(v Value) Kind {
	if v < 0 {
		return Absent
	}
	return d.values[v].kind
}

// Raw returns the bytes of v as they stand in the record: for a string what is
// between its quotes, escapes and all. Of a value inside the text of a string it
// returns the bytes as they stand in that text.
func (d *Doc) Raw(v Value) []byte {
	x := &d.values[v]
	from := d.buf
	if x.src != 0 {
		from = d.texts[x.src-1]
	}
	return from[x.start:x.end:x.end]
}

// Text returns v as text: a string with its escapes resolved (a lone surrogate
// becomes U+FFFD, invalid UTF-8 stays as it is), an object or array as compact
// JSON, anything else as written. It is computed once and valid until the next Scan.
func (d *Doc) Text(v Value) []byte {
	x := &d.values[v]
	if x.kind < Object && !x.esc {
		return d.Raw(v)
	}
	if x.memo != 0 {
		return d.memo[x.memo-1]
	}
	raw := d.Raw(v)
	mark := len(d.arena)
	if x.kind == String {
		d.arena = Unescape(d.arena, raw)
	} else {
		d.arena = Compact(d.arena, raw)
	}
	d.memo = append(d.memo, d.arena[mark:len(d.arena):len(d.arena)])
	x.memo = int32(len(d.memo))
	return d.memo[x.memo-1]
}

// Record returns the bytes of the whole record.
func (d *Doc) Record() []byte { return d.record }

// Plan returns the plan that fills d.
func (d *Doc) Plan() *Plan { return d.plan }

// Span says where v, no string, stands in [Doc.Record]; it does not where v lies inside
// the text of a string.
func (d *Doc) Span(v Value) (start, end int, ok bool) {
	x := &d.values[v]
	return int(x.start) - d.begin, int(x.end) - d.begin, x.src == 0 && x.kind != String
}

// Filled lists the slots that have a value, in no order.
func (d *Doc) Filled() []ID { return d.filled }

// Inside reports whether v lies inside outer, both of the same text.
func (d *Doc) Inside(v, outer Value) bool {
	a, b := &d.values[v], &d.values[outer]
	return a.src == b.src && a.start >= b.start && a.end <= b.end
}

// JSON returns the bytes of v as a JSON value: like [Doc.Raw], but a string with its
// quotes.
func (d *Doc) JSON(v Value) []byte {
	x := &d.values[v]
	from := d.buf
	if x.src != 0 {
		from = d.texts[x.src-1]
	}
	if x.kind == String {
		return from[x.start-1 : x.end+1 : x.end+1]
	}
	return from[x.start:x.end:x.end]
}
