package column

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const convertedUTF8 = deprecated.UTF8

// filterBits is how many bits of a bloom filter a value takes.
const filterBits = 12

// maxStat is how long a text may be that is written as minimum or maximum.
const maxStat = 256

// Encoder is the memory of a [Writer], which may go from one to the next.
type Encoder struct {
	zstd   *zstd.Encoder
	page   []byte // uncompressed
	packed []byte
	out    []byte // the chunk
	local  []uint32
	order  []uint32 // ids in the order of their first row
	ids    []int32
	ints   []int64
	small  []int32
	hashes []uint64
}

// NewEncoder returns the memory of writers, which one after the other may use.
func NewEncoder(l zstd.EncoderLevel) (*Encoder, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(l), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	return &Encoder{zstd: z}, nil
}

// chunk writes rows of one column.
func (w *Writer) chunk(c *Buffer, from, to int) (format.ColumnChunk, bloom.SplitBlockFilter, error) {
	e := w.e
	e.out, e.hashes = e.out[:0], e.hashes[:0]
	m := format.ColumnMetaData{Type: physical(c.Kind), PathInSchema: thrift.Slice[string]{c.Name}, Codec: format.Zstd, NumValues: int64(to - from)}
	var err error
	switch c.Kind {
	case Text, Bytes:
		w.text(c, from, to, &m)
	case UUID:
		w.keys(c, from, to, &m)
	default:
		err = w.ints(c, from, to, &m)
	}
	if err != nil {
		return format.ColumnChunk{}, nil, err
	}
	m.DataPageOffset += w.at
	if m.DictionaryPageOffset != 0 {
		m.DictionaryPageOffset = w.at
	}
	m.TotalCompressedSize = int64(len(e.out))
	var blocks bloom.SplitBlockFilter
	if c.Bloom {
		blocks = make(bloom.SplitBlockFilter, max(1, bloom.NumSplitBlocksOf(int64(len(e.hashes)), filterBits)))
		blocks.InsertBulk(e.hashes)
	}
	chunk := format.ColumnChunk{FileOffset: w.at, MetaData: m}
	w.write(e.out)
	return chunk, blocks, w.err
}

// pageOf appends the page in e.page to the chunk: a dictionary, or data with an encoding.
func (e *Encoder) pageOf(m *format.ColumnMetaData, values int, enc format.Encoding, dictionary bool) {
	e.packed = e.zstd.EncodeAll(e.page, e.packed[:0])
	before := len(e.out)
	h := header{e.out, 0}
	if dictionary {
		h.i32(1, int32(format.DictionaryPage))
	} else {
		h.i32(1, int32(format.DataPage))
	}
	h.i32(2, int32(len(e.page)))
	h.i32(3, int32(len(e.packed)))
	if dictionary {
		h.open(7)
		h.i32(1, int32(values))
		h.i32(2, int32(format.Plain))
	} else {
		h.open(5)
		h.i32(1, int32(values))
		h.i32(2, int32(enc))
		h.i32(3, int32(format.RLE))
		h.i32(4, int32(format.RLE))
	}
	e.out = append(h.b, 0, 0)
	m.TotalUncompressedSize += int64(len(e.out)-before) + int64(len(e.page))
	e.out = append(e.out, e.packed...)
}

// header writes a page header in thrift's compact protocol. It holds whole numbers only, so that
// it takes a few lines here where the general encoder would allocate for every page.
type header struct {
	b    []byte
	last int
}

func (h *header) i32(field int, v int32) {
	h.b = append(h.b, byte(field-h.last)<<4|5)
	h.b = binary.AppendVarint(h.b, int64(v))
	h.last = field
}

func (h *header) open(field int) {
	h.b = append(h.b, byte(field-h.last)<<4|12)
	h.last = 0
}

// text writes rows of text.
func (w *Writer) text(c *Buffer, from, to int, m *format.ColumnMetaData) {
	e, t := w.e, &c.Text
	if t.plain || !w.dictionary(c, from, to, m) {
		w.plainText(c, from, to, m)
		return
	}
	width := max(1, bits.Len(uint(len(e.order)-1)))
	m.Encoding = thrift.Slice[format.Encoding]{format.Plain, format.RLE, format.RLEDictionary}
	m.DataPageOffset = int64(len(e.out))
	pack := rle.Encoding{BitWidth: width}
	for at := 0; at < len(e.ids); at += w.o.PageRows {
		rows := e.ids[at:min(at+w.o.PageRows, len(e.ids))]
		e.page = append(e.page[:0], byte(width))
		body, _ := pack.EncodeInt32(e.packed[:0], rows) // fails for a width beyond 32 only
		e.page = append(e.page, body...)
		e.pageOf(m, len(rows), format.RLEDictionary, false)
	}
}

// dictionary gives the values of the rows ids in the order in which they come first, and
// writes the dictionary. It is false where that would be no smaller than the values.
func (w *Writer) dictionary(c *Buffer, from, to int, m *format.ColumnMetaData) bool {
	e, t := w.e, &c.Text
	if cap(e.local) < len(t.ends) {
		e.local = make([]uint32, len(t.ends)+len(t.ends)/2)
	}
	local := e.local[:len(t.ends)]
	clear(local)
	e.order, e.ids = e.order[:0], e.ids[:0]
	size, plain := 0, 0
	for _, id := range t.ids[from:to] {
		n := 4 + len(t.value(id))
		plain += n
		if local[id] == 0 {
			e.order = append(e.order, id)
			local[id] = uint32(len(e.order))
			size += n
		}
		e.ids = append(e.ids, int32(local[id]-1))
	}
	if width := bits.Len(uint(len(e.order) - 1)); len(e.order) > math.MaxInt16*8 || size+(to-from)*width/8 > plain*9/10 {
		return false
	}
	e.page = e.page[:0]
	var lo, hi []byte
	for i, id := range e.order {
		v := t.value(id)
		e.page = append(binary.LittleEndian.AppendUint32(e.page, uint32(len(v))), v...)
		if i == 0 || bytes.Compare(v, lo) < 0 {
			lo = v
		}
		if i == 0 || bytes.Compare(v, hi) > 0 {
			hi = v
		}
		if c.Bloom {
			e.hashes = append(e.hashes, xxhash.Sum64(v))
		}
	}
	stats(m, lo, hi)
	m.DictionaryPageOffset = 1
	e.pageOf(m, len(e.order), format.Plain, true)
	return true
}

func stats(m *format.ColumnMetaData, lo, hi []byte) {
	if len(lo) <= maxStat && len(hi) <= maxStat {
		m.Statistics.MinValue, m.Statistics.MaxValue = bytes.Clone(lo), bytes.Clone(hi)
	}
}

func (w *Writer) plainText(c *Buffer, from, to int, m *format.ColumnMetaData) {
	e, t := w.e, &c.Text
	m.Encoding = thrift.Slice[format.Encoding]{format.Plain, format.RLE}
	m.DataPageOffset = int64(len(e.out))
	e.page = e.page[:0]
	var lo, hi []byte
	rows := 0
	for r := from; r < to; r++ {
		v := t.At(r)
		e.page = append(binary.LittleEndian.AppendUint32(e.page, uint32(len(v))), v...)
		if len(v) <= maxStat || len(lo) <= maxStat && len(hi) <= maxStat {
			if r == from || bytes.Compare(v, lo) < 0 {
				lo = v
			}
			if r == from || bytes.Compare(v, hi) > 0 {
				hi = v
			}
		}
		if c.Bloom {
			e.hashes = append(e.hashes, xxhash.Sum64(v))
		}
		if rows++; rows == w.o.PageRows || len(e.page) >= w.o.PageBytes || r+1 == to {
			e.pageOf(m, rows, format.Plain, false)
			e.page, rows = e.page[:0], 0
		}
	}
	stats(m, lo, hi)
}

func (w *Writer) keys(c *Buffer, from, to int, m *format.ColumnMetaData) {
	e := w.e
	m.Encoding = thrift.Slice[format.Encoding]{format.Plain, format.RLE}
	m.DataPageOffset = int64(len(e.out))
	for at := from; at < to; at += w.o.PageRows {
		rows := c.Keys[at:min(at+w.o.PageRows, to)]
		e.page = e.page[:0]
		for i := range rows {
			e.page = append(e.page, rows[i][:]...)
			if c.Bloom {
				e.hashes = append(e.hashes, xxhash.Sum64(rows[i][:]))
			}
		}
		e.pageOf(m, len(rows), format.Plain, false)
	}
}

func (w *Writer) ints(c *Buffer, from, to int, m *format.ColumnMetaData) error {
	e := w.e
	m.Encoding = thrift.Slice[format.Encoding]{format.DeltaBinaryPacked, format.RLE}
	m.DataPageOffset = int64(len(e.out))
	var pack delta.BinaryPackedEncoding
	lo, hi, nulls := int64(math.MaxInt64), int64(math.MinInt64), int64(0)
	for at := from; at < to; at += w.o.PageRows {
		rows := c.Ints[at:min(at+w.o.PageRows, to)]
		e.page, e.ints, e.small = e.page[:0], e.ints[:0], e.small[:0]
		for _, v := range rows {
			if c.Nullable && v == Null {
				nulls++
				continue
			}
			lo, hi = min(lo, v), max(hi, v)
			if c.Kind == Int32 {
				e.small = append(e.small, int32(v))
			} else {
				e.ints = append(e.ints, v)
			}
		}
		if c.Nullable {
			e.levels(rows)
		}
		var body []byte
		var err error
		if c.Kind == Int32 {
			body, err = pack.EncodeInt32(e.packed[:0], e.small)
		} else {
			body, err = pack.EncodeInt64(e.packed[:0], e.ints)
		}
		if err != nil {
			return err
		}
		e.page = append(e.page, body...)
		e.pageOf(m, len(rows), format.DeltaBinaryPacked, false)
	}
	m.Statistics.NullCount = nulls
	if lo <= hi {
		if c.Kind == Int32 {
			m.Statistics.MinValue = binary.LittleEndian.AppendUint32(nil, uint32(lo))
			m.Statistics.MaxValue = binary.LittleEndian.AppendUint32(nil, uint32(hi))
		} else {
			m.Statistics.MinValue = binary.LittleEndian.AppendUint64(nil, uint64(lo))
			m.Statistics.MaxValue = binary.LittleEndian.AppendUint64(nil, uint64(hi))
		}
	}
	return nil
}

// levels writes which rows have a value, as runs, with the length in front.
func (e *Encoder) levels(rows []int64) {
	e.page = append(e.page, 0, 0, 0, 0)
	for i := 0; i < len(rows); {
		n := 1
		for i+n < len(rows) && (rows[i+n] == Null) == (rows[i] == Null) {
			n++
		}
		level := byte(1)
		if rows[i] == Null {
			level = 0
		}
		e.page = append(binary.AppendUvarint(e.page, uint64(n)<<1), level)
		i += n
	}
	binary.LittleEndian.PutUint32(e.page, uint32(len(e.page)-4))
}
