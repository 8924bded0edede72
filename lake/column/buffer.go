package column

import "math"

// Kind is what a column holds.
type Kind uint8

// The kinds.
const (
	Text  Kind = iota // UTF-8; what is not becomes U+FFFD
	Bytes             // of any kind
	Int64             // whole numbers
	Int32
	Time // microseconds since 1970, UTC; [Null] where there is none
	UUID // 16 bytes
)

// Null is the time of a row without one.
const Null = math.MinInt64

// Spec says what a column is.
type Spec struct {
	Name  string
	Kind  Kind
	Bloom bool // a filter by which a reader can pass over row groups
	// Plain is of text that hardly ever comes twice, such as ids: it is not looked up in a
	// dictionary.
	Plain bool
	// Nullable is of a time that may be absent. Other columns always have a value.
	Nullable bool
}

// Buffer is one column in memory. Which field its rows are in follows from the kind.
type Buffer struct {
	Spec
	Text Values
	Ints []int64 // of Int64, Int32, Time
	Keys [][16]byte
}

// New returns an empty column.
func New(s Spec) *Buffer {
	b := &Buffer{Spec: s}
	b.Text.plain, b.Text.any = s.Plain, s.Kind == Bytes
	return b
}

// Len returns the number of rows.
func (b *Buffer) Len() int {
	switch b.Kind {
	case Text, Bytes:
		return b.Text.Len()
	case UUID:
		return len(b.Keys)
	}
	return len(b.Ints)
}

// Bytes says about how much memory the rows take.
func (b *Buffer) Bytes() int { return b.Text.bytes() + 8*len(b.Ints) + 16*len(b.Keys) }

// Reset takes all rows away and keeps the memory.
func (b *Buffer) Reset() {
	b.Text.reset()
	b.Ints, b.Keys = b.Ints[:0], b.Keys[:0]
}

// Pick appends rows of another buffer of the same kind, in the order given.
func (b *Buffer) Pick(from *Buffer, rows []int) {
	for _, r := range rows {
		switch b.Kind {
		case Text, Bytes:
			b.Text.AppendBytes(from.Text.At(r))
		case UUID:
			b.Keys = append(b.Keys, from.Keys[r])
		default:
			b.Ints = append(b.Ints, from.Ints[r])
		}
	}
}
