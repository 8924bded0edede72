package lake

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/yagura-sec/yagura/lake/column"
)

// table is an opened Parquet file.
type table struct {
	io.Closer
	file *parquet.File
	name string
}

// openTable opens a Parquet file of the lake.
func openTable(ctx context.Context, b Blobs, name string) (*table, error) {
	f, err := b.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	return newTable(f, f, f.Size(), name)
}

func newTable(c io.Closer, r io.ReaderAt, size int64, name string, more ...parquet.FileOption) (t *table, err error) {
	defer func() { // a damaged file must not end the process
		if p := recover(); p != nil {
			t, err = nil, errors.Join(fmt.Errorf("lake: %s: it is damaged: %v", name, p), c.Close())
		}
	}()
	options := append([]parquet.FileOption{parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.FileReadMode(parquet.ReadModeSync)}, more...)
	file, err := parquet.OpenFile(r, size, options...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lake: %s: %w", name, err), c.Close())
	}
	return &table{c, file, name}, nil
}

// Footer reads the footer of a Parquet file, and nothing of its columns.
func Footer(ctx context.Context, b Blobs, name string, size int64) (_ *format.FileMetaData, err error) {
	var f Opened
	if s, ok := b.(stored); ok { // Get would fetch a small file whole
		f = &remote{ctx, s.s, name, size}
	} else if f, err = b.Get(ctx, name); err != nil {
		return nil, err
	}
	if f.Size() != size {
		return nil, errors.Join(fmt.Errorf("lake: %s: it has %d bytes, and the catalogue says %d", name, f.Size(), size), f.Close())
	}
	t, err := newTable(f, f, size, name, parquet.SkipMagicBytes(true), parquet.OptimisticRead(true), parquet.ReadBufferSize(footerGuess))
	if err != nil {
		return nil, err
	}
	return t.file.Metadata(), t.Close()
}

// footerGuess is how much of the end of a file is fetched at once: the footer is mostly less.
const footerGuess = 64 << 10

// index returns the number of a column.
func (t *table) index(column string) (int, error) {
	leaf, ok := t.file.Schema().Lookup(column)
	if !ok {
		return 0, fmt.Errorf("lake: %s: it has no column %s", t.name, column)
	}
	return leaf.ColumnIndex, nil
}

// pages calls fn with every page of a column in a row group.
func (t *table) pages(group, column int, fn func(parquet.Page) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("lake: %s: it is damaged: %v", t.name, p)
		}
	}()
	pages := t.file.RowGroups()[group].ColumnChunks()[column].Pages()
	defer pages.Close() //nolint:errcheck // it is only read
	for {
		p, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("lake: %s: %w", t.name, err)
		}
		err = fn(p)
		parquet.Release(p)
		if err != nil {
			return err
		}
	}
}

// read appends the rows of a column in a row group to a buffer of its kind.
func (t *table) read(group int, name string, to *column.Buffer) error {
	i, err := t.index(name)
	if err != nil {
		return err
	}
	return t.pages(group, i, func(p parquet.Page) error { return readPage(p, to) })
}

// readPage appends the values of a page.
func readPage(p parquet.Page, to *column.Buffer) error {
	data := p.Data()
	switch to.Kind {
	case column.Int64, column.Time:
		if !to.Nullable {
			to.Ints = append(to.Ints, data.Int64()...)
			return nil
		}
		values := make([]parquet.Value, 512)
		for r := p.Values(); ; {
			n, err := r.ReadValues(values)
			for _, v := range values[:n] {
				if v.IsNull() {
					to.Ints = append(to.Ints, column.Null)
				} else {
					to.Ints = append(to.Ints, v.Int64())
				}
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
		}
	case column.Int32:
		for _, v := range data.Int32() {
			to.Ints = append(to.Ints, int64(v))
		}
	case column.UUID:
		keys, size := data.FixedLenByteArray()
		if size != 16 {
			return fmt.Errorf("a key has %d bytes", size)
		}
		for ; len(keys) >= 16; keys = keys[16:] {
			to.Keys = append(to.Keys, [16]byte(keys[:16]))
		}
	default:
		if d := p.Dictionary(); d != nil {
			for _, id := range data.Int32() {
				to.Text.AppendBytes(d.Index(id).ByteArray())
			}
			return nil
		}
		return texts(p, func(b []byte) error { to.Text.AppendBytes(b); return nil })
	}
	return nil
}

// texts calls fn with the texts of a page without a dictionary.
func texts(p parquet.Page, fn func([]byte) error) error {
	values := p.Data()
	data, offsets := values.ByteArray()
	for i := 0; i+1 < len(offsets); i++ {
		if err := fn(data[offsets[i]:offsets[i+1]]); err != nil {
			return err
		}
	}
	return nil
}

// idents reads which records a head file has.
func (l *Lake) idents(ctx context.Context, head string) ([]ident, error) {
	t, err := openTable(ctx, l.o.Blobs, head)
	if err != nil {
		return nil, err
	}
	defer t.Close() //nolint:errcheck // it is only read
	keys, contents := column.New(column.Spec{Kind: column.UUID}), column.New(column.Spec{Kind: column.Int32})
	for g := range t.file.RowGroups() {
		if err := errors.Join(t.read(g, "key", keys), t.read(g, "content", contents)); err != nil {
			return nil, err
		}
	}
	if len(keys.Keys) != len(contents.Ints) {
		return nil, fmt.Errorf("lake: %s: %d keys and %d contents", head, len(keys.Keys), len(contents.Ints))
	}
	out := make([]ident, len(keys.Keys))
	for i := range out {
		out[i] = ident{keys.Keys[i], uint32(contents.Ints[i])}
	}
	return out, nil
}

// RowBits are the bits of the column row that tell the row's place in its file; those above are
// the file's number.
const RowBits = 24

// RowRange returns the numbers of the first and the last row of a file that has any.
func RowRange(f *File) (first, last int64) {
	return f.Number << RowBits, f.Number<<RowBits + f.Rows - 1
}
