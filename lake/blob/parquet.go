package blob

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
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
	_, groups, err := footer(r, size)
	if err != nil {
		return nil, err
	}
	var all []Range
	for _, g := range groups {
		all = append(all, g.columns...)
		if pick(g.RowGroup) {
			ranges = append(ranges, g.columns...)
		}
	}
	return append(ranges, missing(merge(all, 0), Range{0, size})...), nil
}

// group is a row group with where its columns lie.
type group struct {
	RowGroup
	columns []Range
}

// footer reads the footer of a Parquet file.
func footer(r io.ReaderAt, size int64) (meta *format.FileMetaData, groups []group, err error) {
	defer func() { // a footer that somebody made up may do what its parser does not expect
		if p := recover(); p != nil {
			meta, groups, err = nil, nil, fmt.Errorf("blob: the footer of the Parquet file cannot be read: %v", p)
		}
	}()
	// The parser believes the length of the footer that the last bytes say, and allocates it.
	var end [8]byte
	if size < 12 {
		return nil, nil, errors.New("blob: too short for a Parquet file")
	}
	if _, err := r.ReadAt(end[:], size-8); err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	if n := int64(binary.LittleEndian.Uint32(end[:])); n > size-12 || n > maxFooter {
		return nil, nil, fmt.Errorf("blob: the footer of the Parquet file: %d bytes in a file of %d", n, size)
	}
	f, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, nil, fmt.Errorf("blob: the footer of the Parquet file: %w", err)
	}
	first := int64(0)
	for i, g := range f.Metadata().RowGroups {
		one := group{RowGroup: RowGroup{Index: i, FirstRow: first, Rows: g.NumRows}}
		first += g.NumRows
		for _, c := range g.Columns {
			m := c.MetaData
			off := start(&m)
			if off < 0 || m.TotalCompressedSize < 0 || off > size || m.TotalCompressedSize > size-off {
				return nil, nil, fmt.Errorf("blob: the footer of the Parquet file: row group %d lies outside of it", i)
			}
			one.columns = append(one.columns, Range{off, m.TotalCompressedSize})
			if s := m.Statistics; !one.Bounded && m.Type.String() == "INT64" && len(s.MinValue) == 8 && len(s.MaxValue) == 8 {
				one.Min, one.Max, one.Bounded = int64(binary.LittleEndian.Uint64(s.MinValue)), int64(binary.LittleEndian.Uint64(s.MaxValue)), true //nolint:gosec // bits
			}
		}
		groups = append(groups, one)
	}
	return f.Metadata(), groups, nil
}

// start is where the pages of a column begin.
func start(m *format.ColumnMetaData) int64 {
	if m.DictionaryPageOffset > 0 && m.DictionaryPageOffset < m.DataPageOffset {
		return m.DictionaryPageOffset
	}
	return m.DataPageOffset
}

// Extract writes a Parquet file of some row groups of another: what [Cache.Part] has of one
// becomes a file that an engine may read whole. It has no indexes and no filters.
func Extract(w io.Writer, r io.ReaderAt, size int64, pick func(RowGroup) bool) error {
	meta, groups, err := footer(r, size)
	if err != nil {
		return err
	}
	const magic = "PAR1"
	if _, err := io.WriteString(w, magic); err != nil {
		return err
	}
	at := int64(len(magic))
	out := *meta
	out.RowGroups, out.NumRows = nil, 0
	for i, g := range groups {
		if !pick(g.RowGroup) {
			continue
		}
		one := meta.RowGroups[i]
		one.Columns = slices.Clone(one.Columns)
		one.FileOffset, one.Ordinal = at, int16(len(out.RowGroups)) //nolint:gosec // no more than there are in the file
		for j, from := range g.columns {
			c := &one.Columns[j]
			moved := at - from.Off
			c.FileOffset = 0
			c.OffsetIndexOffset, c.OffsetIndexLength, c.ColumnIndexOffset, c.ColumnIndexLength = 0, 0, 0, 0
			c.MetaData.BloomFilterOffset, c.MetaData.BloomFilterLength = 0, 0
			c.MetaData.DataPageOffset += moved
			if c.MetaData.DictionaryPageOffset > 0 {
				c.MetaData.DictionaryPageOffset += moved
			}
			n, err := io.Copy(w, io.NewSectionReader(r, from.Off, from.Len))
			if err != nil {
				return err
			}
			at += n
		}
		out.RowGroups = append(out.RowGroups, one)
		out.NumRows += one.NumRows
	}
	foot, err := thrift.Marshal(&thrift.CompactProtocol{}, out)
	if err != nil {
		return err
	}
	foot = binary.LittleEndian.AppendUint32(foot, uint32(len(foot))) //nolint:gosec // it was bounded when it was read
	_, err = w.Write(append(foot, magic...))
	return err
}
