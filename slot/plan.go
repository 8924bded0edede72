package slot

import (
	"slices"
	"strconv"
	"strings"
)

// ID numbers a slot within one Plan.
type ID int32

// Builder collects the fields that are wanted of one kind of record.
type Builder struct {
	fields []Field
	ids    map[string]ID
	key    []byte // memory of identity
}

// NewBuilder returns an empty Builder.
func NewBuilder() *Builder { return &Builder{ids: map[string]ID{}} }

// Slot returns the slot for f, the same one for equal fields. The order of a
// field's paths does not matter.
func (b *Builder) Slot(f Field) ID {
	key := b.identity(f)
	if id, ok := b.ids[string(key)]; ok {
		return id
	}
	id := ID(len(b.fields))
	b.ids[string(key)] = id
	own := Field{Paths: make([]Path, len(f.Paths))}
	for i, p := range f.Paths {
		p.Segs = slices.Clone(p.Segs)
		own.Paths[i] = p
	}
	b.fields = append(b.fields, own)
	return id
}

// identity writes f as text that is equal for equal fields only, valid until the next call.
func (b *Builder) identity(f Field) []byte {
	if len(f.Paths) == 1 {
		b.key = f.Paths[0].identity(b.key[:0])
		return b.key
	}
	paths := make([]string, len(f.Paths))
	for i, p := range f.Paths {
		paths[i] = string(p.identity(nil))
	}
	slices.Sort(paths)
	return []byte(strings.Join(slices.Compact(paths), "|"))
}

// identity appends a text to dst that is equal for equal paths only.
func (p Path) identity(dst []byte) []byte {
	if p.Fold {
		dst = append(dst, 'f')
	}
	if p.Exact {
		dst = append(dst, 'x')
	}
	for _, seg := range p.Segs {
		if seg.IsIndex {
			dst = strconv.AppendInt(append(dst, '['), int64(seg.Index), 10)
			continue
		}
		key := seg.Key
		if p.Fold {
			key = lower(key)
		}
		dst = strconv.AppendInt(append(dst, '/'), int64(len(key)), 10)
		dst = append(append(dst, ':'), key...)
	}
	return dst
}

// Len returns the number of slots asked for so far.
func (b *Builder) Len() int { return len(b.fields) }

// Plan compiles what was asked so far. It is immutable and safe for concurrent use.
func (b *Builder) Plan() *Plan {
	root, exact, keys := compile(b.fields)
	return &Plan{root: root, slots: len(b.fields), exact: exact, keys: keys}
}

// Plan reads records into a [Doc].
type Plan struct {
	root  *state
	slots int // number of slots
	exact int // number of places on Exact paths
	keys  int // number of keys, and of states, that another key can follow
}

// Len returns the number of slots.
func (p *Plan) Len() int { return p.slots }

// NewDoc returns a Doc for this plan. A Doc is for one goroutine.
func (p *Plan) NewDoc() *Doc {
	return &Doc{plan: p, heads: make([]head, p.slots), seen: make([]uint32, p.exact), after: make([]*entry, p.keys)}
}

// Scan reads one JSON value from the start of buf (white space before it is
// skipped) and fills doc with its slots, dropping what doc held. It returns the
// number of bytes read. The error is [ErrShort] when buf ends inside the value
// and a [*SyntaxError] when the value is not JSON; doc is then empty.
// A number that ends where buf ends is whole.
// doc refers to buf until the next Scan. It must come from this plan's NewDoc.
func (p *Plan) Scan(buf []byte, doc *Doc) (n int, err error) {
	if uint64(len(buf)) > maxBuffer {
		buf = buf[:maxBuffer]
	}
	doc.reset(p)
	doc.p, doc.n = start(buf)
	i := space(doc.p, 0, doc.n)
	if i >= doc.n {
		return i, ErrShort
	}
	begin := i
	var c code
	if p.root == nil {
		i, c = skip(doc.p, i, doc.n, 0)
	} else {
		i, c = doc.value(i, p.root, 0)
	}
	if c != ok {
		doc.reset(p)
		return i, c.err(i)
	}
	doc.buf, doc.record, doc.begin = buf, buf[begin:i:i], begin
	return i, nil
}

// maxBuffer bounds the positions in a value: a Doc counts bytes in 32 bits.
const maxBuffer = 1<<32 - 1
