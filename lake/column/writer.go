package column

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/format"

	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// Options of a [Writer]. The zero value is ready to use.
type Options struct {
	Encoder  *Encoder // nil: one of its own, at the fastest level
	PageRows int      // rows of a page; 0: 32,768
	// PageBytes is where a page of text is cut beside; 0: 1 MB.
	PageBytes int
	CreatedBy string
}

const magic = "PAR1"

// Writer writes one file.
type Writer struct {
	w       io.Writer
	o       Options
	cols    []*Buffer
	at      int64
	err     error
	groups  thrift.Slice[format.RowGroup]
	rows    int64
	filters []filter
	e       *Encoder
}

// filter is a bloom filter that is written at the end.
type filter struct {
	group, column int
	blocks        bloom.SplitBlockFilter
}

// NewWriter begins a file of these columns.
func NewWriter(w io.Writer, o Options, cols ...*Buffer) *Writer {
	if o.PageRows <= 0 {
		o.PageRows = 32 << 10
	}
	if o.PageBytes <= 0 {
		o.PageBytes = 1 << 20
	}
	wr := &Writer{w: w, o: o, cols: cols, e: o.Encoder}
	if wr.e == nil {
		wr.e, wr.err = NewEncoder(zstd.SpeedFastest)
	}
	wr.write([]byte(magic))
	return wr
}

func (w *Writer) write(b []byte) {
	if w.err != nil {
		return
	}
	n, err := w.w.Write(b)
	w.at += int64(n)
	w.err = err
}

// Rows writes the rows from one to before another, of all columns, as a row group. The
// buffers may be reset, or others of the same kinds put in their place, between two calls.
func (w *Writer) Rows(from, to int) error { return w.RowsOf(w.cols, from, to) }

// RowsOf is [Writer.Rows] of other buffers with the same columns.
func (w *Writer) RowsOf(cols []*Buffer, from, to int) error {
	if w.err != nil || from >= to {
		return w.err
	}
	g := format.RowGroup{NumRows: int64(to - from), FileOffset: w.at, Ordinal: int16(len(w.groups))}
	for i, c := range cols {
		if len(c.Text.data) >= maxData {
			w.err = fmt.Errorf("column %s holds more than 4 GB", c.Name)
			return w.err
		}
		chunk, blocks, err := w.chunk(c, from, to)
		if err != nil {
			w.err = errors.Join(w.err, fmt.Errorf("column %s: %w", c.Name, err))
			return w.err
		}
		g.Columns = append(g.Columns, chunk)
		g.TotalByteSize += chunk.MetaData.TotalUncompressedSize
		g.TotalCompressedSize += chunk.MetaData.TotalCompressedSize
		if blocks != nil {
			w.filters = append(w.filters, filter{len(w.groups), i, blocks})
		}
	}
	w.groups = append(w.groups, g)
	w.rows += g.NumRows
	return w.err
}

// Filter returns the bits of the bloom filters of a column that were written so far, by
// row group, as [bloom.MakeSplitBlockFilter] takes them.
func (w *Writer) Filter(name string) []bloom.SplitBlockFilter {
	var out []bloom.SplitBlockFilter
	for _, f := range w.filters {
		if w.cols[f.column].Name == name {
			out = append(out, f.blocks)
		}
	}
	return out
}

// Size returns how many bytes were written.
func (w *Writer) Size() int64 { return w.at }

// Close writes the filters and the footer. It does not close what is written to.
func (w *Writer) Close() error {
	for _, f := range w.filters {
		raw := f.blocks.Bytes()
		head, err := thrift.Marshal(&thrift.CompactProtocol{}, format.BloomFilterHeader{NumBytes: int32(len(raw)),
			Algorithm:   format.BloomFilterAlgorithm{Value: &format.SplitBlockAlgorithm{}},
			Hash:        format.BloomFilterHash{Value: &format.XxHash{}},
			Compression: format.BloomFilterCompression{Value: &format.BloomFilterUncompressed{}}})
		if err != nil {
			return err
		}
		m := &w.groups[f.group].Columns[f.column].MetaData
		m.BloomFilterOffset, m.BloomFilterLength = w.at, int32(len(head)+len(raw))
		w.write(head)
		w.write(raw)
	}
	foot, err := thrift.Marshal(&thrift.CompactProtocol{}, w.meta())
	if err != nil {
		return err
	}
	w.write(foot)
	w.write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(foot))), magic...))
	return w.err
}

// meta is the footer.
func (w *Writer) meta() format.FileMetaData {
	n := int32(len(w.cols))
	m := format.FileMetaData{Version: 1, NumRows: w.rows, RowGroups: w.groups, CreatedBy: w.o.CreatedBy,
		Schema: thrift.Slice[format.SchemaElement]{{Name: "schema", NumChildren: thrift.New(n)}}}
	for _, c := range w.cols {
		m.Schema = append(m.Schema, element(c.Spec))
		m.ColumnOrders = append(m.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	return m
}

func element(s Spec) format.SchemaElement {
	e := format.SchemaElement{Name: s.Name, RepetitionType: thrift.New(format.Required), Type: thrift.New(physical(s.Kind))}
	switch s.Kind {
	case Text:
		e.LogicalType = format.LogicalType{Value: &format.StringType{}}
		e.ConvertedType = thrift.New(convertedUTF8)
	case UUID:
		e.TypeLength = thrift.New(int32(16))
		e.LogicalType = format.LogicalType{Value: &format.UUIDType{}}
	case Time:
		// Engines give a time that is not "adjusted" as it is, without the time zone of
		// whoever asks. All times are UTC.
		e.LogicalType = format.LogicalType{Value: &format.TimestampType{Unit: format.TimeUnit{Value: &format.MicroSeconds{}}}}
		if s.Nullable {
			e.RepetitionType = thrift.New(format.Optional)
		}
	}
	return e
}

func physical(k Kind) format.Type {
	switch k {
	case Text, Bytes:
		return format.ByteArray
	case UUID:
		return format.FixedLenByteArray
	case Int32:
		return format.Int32
	}
	return format.Int64
}
