package blob

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// maxFooter bounds a footer; that of a file with ten thousand row groups has some megabytes.
const maxFooter = 64 << 20

// RowGroup is a row group of a Parquet file.
type RowGroup struct {
	Index    int
	FirstRow int64 // of the file
	Rows     int64
	// Min and Max are the bounds of the first column of 64-bit integers (the column row in
	// a lake file); Bounded says whether the file has them.
	Min, Max int64
	Bounded  bool
}

// RowGroups returns the ranges of a Parquet file that a reader of the picked row groups
// needs: their columns, and everything that is not part of any row group (the footer, the
// indexes). It reads the footer through r; it is what [Cache.Part] is mostly given.
//
//	copy, err := cache.Part(ctx, file, func(r io.ReaderAt) ([]blob.Range, error) {
//		return blob.RowGroups(r, file.Size, func(g blob.RowGroup) bool { return g.Min <= row && row <= g.Max })
//	})
func RowGroups(r io.ReaderAt, size int64, pick func(RowGroup) bool) (ranges []Range, err error) {
	defer func() { // a footer that somebody made up may do what its parser does not expect
		if p := recover(); p != nil {
			ranges, err = nil, fmt.Errorf("blob: the footer of the Parquet file cannot be read: %v", p)
		}
	}()
	// The parser believes the length of the footer that the last bytes say, and allocates it.
	var end [8]byte
	if size < 12 {
		return nil, errors.New("blob: too short for a Parquet file")
	}
	if _, err := r.ReadAt(end[:], size-8); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if n := int64(binary.LittleEndian.Uint32(end[:])); n > size-12 || n > maxFooter {
		return nil, fmt.Errorf("blob: the footer of the Parquet file: %d bytes in a file of %d", n, size)
	}
	f, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("blob: the footer of the Parquet file: %w", err)
	}
	var all []Range
	first := int64(0)
	for i, g := range f.Metadata().RowGroups {
		one := RowGroup{Index: i, FirstRow: first, Rows: g.NumRows}
		first += g.NumRows
		var columns []Range
		for _, c := range g.Columns {
			m := c.MetaData
			off := m.DataPageOffset
			if m.DictionaryPageOffset > 0 && m.DictionaryPageOffset < off {
				off = m.DictionaryPageOffset
			}
			if off < 0 || m.TotalCompressedSize < 0 || off > size || m.TotalCompressedSize > size-off {
				return nil, fmt.Errorf("blob: the footer of the Parquet file: row group %d lies outside of it", i)
			}
			columns = append(columns, Range{off, m.TotalCompressedSize})
			if s := m.Statistics; !one.Bounded && m.Type.String() == "INT64" && len(s.MinValue) == 8 && len(s.MaxValue) == 8 {
				one.Min, one.Max, one.Bounded = int64(binary.LittleEndian.Uint64(s.MinValue)), int64(binary.LittleEndian.Uint64(s.MaxValue)), true //nolint:gosec // bits
			}
		}
		all = append(all, columns...)
		if pick(one) {
			ranges = append(ranges, columns...)
		}
	}
	return append(ranges, missing(merge(all, 0), Range{0, size})...), nil
}
