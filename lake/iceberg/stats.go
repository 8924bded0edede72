package iceberg

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go/format"

	"github.com/yagura-sec/yagura/lake"
)

// stats says what is in the columns of a file. The footer of a head file is read for it; of a raw
// file the catalogue knows all there is to say: a text of a megabyte has no useful bounds.
func (p *publisher) stats(ctx context.Context, f *lake.File, name string, size int64) (*stats, error) {
	s := &stats{sizes: map[int]int64{}, values: map[int]int64{}, nulls: map[int]int64{}, lower: map[int][]byte{}, upper: map[int][]byte{}}
	if p.table == "raw" {
		for _, c := range p.layout.columns {
			id := p.schema.find(c.Name).ID
			s.values[id], s.nulls[id] = f.Rows, 0
		}
		if f.Rows > 0 {
			id := p.schema.find("row").ID
			first, last := lake.RowRange(f)
			s.lower[id] = binary.LittleEndian.AppendUint64(nil, uint64(first)) //nolint:gosec // bits
			s.upper[id] = binary.LittleEndian.AppendUint64(nil, uint64(last))  //nolint:gosec // bits
		}
		return s, nil
	}
	foot, err := lake.Footer(ctx, p.o.Place, name, size)
	if err != nil {
		return nil, err
	}
	if foot.NumRows != f.Rows {
		return nil, fmt.Errorf("%s has %d rows, and the catalogue says %d", name, foot.NumRows, f.Rows)
	}
	for i := range foot.RowGroups {
		g := &foot.RowGroups[i]
		for j := range g.Columns {
			if err := p.chunk(s, &g.Columns[j].MetaData, i == 0, foot); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		if first := g.Columns[0].MetaData; first.DictionaryPageOffset > 0 && first.DictionaryPageOffset < first.DataPageOffset {
			s.offsets = append(s.offsets, first.DictionaryPageOffset)
		} else {
			s.offsets = append(s.offsets, first.DataPageOffset)
		}
	}
	return s, nil
}

// chunk adds what a row group says of a column.
func (p *publisher) chunk(s *stats, c *format.ColumnMetaData, first bool, foot *format.FileMetaData) error {
	if len(c.PathInSchema) != 1 {
		return fmt.Errorf("a column is called %v", c.PathInSchema)
	}
	x := p.schema.find(c.PathInSchema[0])
	if x == nil {
		x = p.column(c.PathInSchema[0], kindOf(c.PathInSchema[0], foot))
	}
	s.sizes[x.ID] += c.TotalCompressedSize
	s.values[x.ID] += c.NumValues
	s.nulls[x.ID] += c.Statistics.NullCount
	lo, hi := bounds(x.Type, c)
	_, bounded := s.upper[x.ID]
	switch {
	case hi == nil, !first && !bounded:
		delete(s.lower, x.ID) // a row group of which nothing is known makes the file so
		delete(s.upper, x.ID)
	case first:
		s.lower[x.ID], s.upper[x.ID] = lo, hi
	default:
		if less(x.Type, lo, s.lower[x.ID]) {
			s.lower[x.ID] = lo
		}
		if less(x.Type, s.upper[x.ID], hi) {
			s.upper[x.ID] = hi
		}
	}
	return nil
}

// kindOf says what a column that is not among the common ones is, by the footer.
func kindOf(name string, foot *format.FileMetaData) string {
	for _, e := range foot.Schema {
		if t, ok := e.Type.Get(); ok && e.Name == name {
			switch t {
			case format.Int64:
				return "long"
			case format.Int32:
				return "int"
			}
		}
	}
	return fieldString
}

// bounds returns the bounds of a column as Iceberg writes them; nil where none are known. For
// numbers and times they are what Parquet writes. Where the greatest text is empty it cannot be
// told from no bound.
func bounds(kind string, c *format.ColumnMetaData) (lo, hi []byte) {
	lo, hi = c.Statistics.MinValue, c.Statistics.MaxValue
	switch kind {
	case "long", "timestamp":
		if len(lo) == 8 && len(hi) == 8 {
			return lo, hi
		}
	case "int":
		if len(lo) == 4 && len(hi) == 4 {
			return lo, hi
		}
	case fieldString:
		if len(hi) > 0 {
			if hi = above(hi); hi != nil {
				return append([]byte{}, below(lo)...), hi
			}
		}
	}
	return nil, nil
}

// maxBound is how long a bound of a text is at most.
const maxBound = 32

// below cuts a text to a shorter one that is not greater.
func below(v []byte) []byte {
	if len(v) <= maxBound {
		return v
	}
	n := maxBound
	for n > 0 && !utf8.RuneStart(v[n]) {
		n--
	}
	return v[:n]
}

// above cuts a text to a shorter one that is not less; nil: there is none.
func above(v []byte) []byte {
	if len(v) <= maxBound {
		return v
	}
	cut := bytes.Clone(below(v))
	for len(cut) > 0 {
		r, n := utf8.DecodeLastRune(cut)
		cut = cut[:len(cut)-n]
		if r++; r == 0xD800 { // surrogates are no characters
			r = 0xE000
		}
		if r <= utf8.MaxRune && n > 0 {
			return utf8.AppendRune(cut, r)
		}
	}
	return nil
}

// less compares two bounds.
func less(kind string, a, b []byte) bool {
	switch kind {
	case "long", "timestamp":
		return int64(binary.LittleEndian.Uint64(a)) < int64(binary.LittleEndian.Uint64(b)) //nolint:gosec // bits
	case "int":
		return int32(binary.LittleEndian.Uint32(a)) < int32(binary.LittleEndian.Uint32(b)) //nolint:gosec // bits
	}
	return bytes.Compare(a, b) < 0
}
