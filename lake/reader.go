package lake

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/lake/column"
)

// Reader reads records back. It writes nothing and may be used beside any writer.
type Reader struct {
	cat   Catalogue
	blobs Blobs
}

// NewReader returns a reader of a lake.
func NewReader(cat Catalogue, blobs Blobs) *Reader { return &Reader{cat, blobs} }

// Reader returns a reader of this lake.
func (l *Lake) Reader() *Reader { return NewReader(l.o.Catalogue, l.o.Blobs) }

// memoryFile is how large a file is read into memory whole; a larger one is read twice, for
// its checksum and then for its content.
const memoryFile = 64 << 20

// open opens a half of a file once its checksum was found right.
func (r *Reader) open(ctx context.Context, name string, sum [32]byte) (*table, error) {
	f, err := r.blobs.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	if f.Size() > memoryFile {
		h := sha256.New()
		if _, err := io.Copy(h, io.NewSectionReader(f, 0, f.Size())); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if [32]byte(h.Sum(nil)) != sum {
			return nil, errors.Join(fmt.Errorf("lake: %s: %w", name, keep.ErrChecksum), f.Close())
		}
		return newTable(f, f, f.Size(), name)
	}
	data := make([]byte, f.Size())
	_, err = io.ReadFull(io.NewSectionReader(f, 0, f.Size()), data)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("lake: %s: %w", name, err)
	}
	if sha256.Sum256(data) != sum {
		return nil, fmt.Errorf("lake: %s: %w", name, keep.ErrChecksum)
	}
	return newTable(io.NopCloser(nil), bytes.NewReader(data), int64(len(data)), name)
}

// errStop ends a reading that nobody wants more of.
var errStop = errors.New("stop")

// Raw calls fn with the records of a file in the order of their rows, and reads nothing of its
// head. raw is valid until fn returns. An error of fn ends the reading and is returned.
func (r *Reader) Raw(ctx context.Context, f *File, fn func(row int64, raw []byte) error) error {
	t, err := r.open(ctx, f.Raw, f.RawSum)
	if err != nil {
		return err
	}
	defer t.Close() //nolint:errcheck // it is only read
	at := f.Number << RowBits
	rows := column.New(column.Spec{Kind: column.Int64})
	exact := column.New(column.Spec{Kind: column.Bytes})
	raw, err := t.index("raw")
	if err != nil {
		return err
	}
	for g := range t.file.RowGroups() {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows.Reset()
		exact.Reset()
		if err := errors.Join(t.read(g, "row", rows), t.read(g, "bytes", exact)); err != nil {
			return err
		}
		i := 0
		err := t.pages(g, raw, func(p parquet.Page) error {
			return texts(p, func(b []byte) error {
				if i >= len(rows.Ints) || i >= exact.Len() {
					return fmt.Errorf("lake: %s: its columns are of different lengths", f.Raw)
				}
				if own := exact.Text.At(i); len(own) > 0 {
					b = own
				}
				at = rows.Ints[i]
				i++
				return fn(at, b)
			})
		})
		if err != nil {
			return err
		}
		if i != len(rows.Ints) {
			return fmt.Errorf("lake: %s: its columns are of different lengths", f.Raw)
		}
	}
	return nil
}

// Entry is one record as it is read back, with what the lake knows of it beside.
type Entry struct {
	keep.Entry
	Row  int64
	Seen time.Time
	ID   string
}

// heads reads the head of a file along with its records, a row group at a time.
type heads struct {
	t     *table
	group int
	at, n int
	row, when, seen, number,
	key, id, source, object *column.Buffer
}

func newHeads(t *table) *heads {
	text := func(plain bool) *column.Buffer { return column.New(column.Spec{Plain: plain}) }
	return &heads{t: t, row: column.New(column.Spec{Kind: column.Int64}), when: column.New(column.Spec{Kind: column.Time, Nullable: true}),
		seen: column.New(column.Spec{Kind: column.Time}), number: column.New(column.Spec{Kind: column.Int64}), key: column.New(column.Spec{Kind: column.UUID}),
		id: text(true), source: text(false), object: text(false)}
}

// next moves on to the next row.
func (h *heads) next() error {
	h.at++
	for h.at >= h.n {
		if h.group >= len(h.t.file.RowGroups()) {
			return fmt.Errorf("lake: %s: it has fewer rows than the records", h.t.name)
		}
		var errs []error
		for _, c := range []struct {
			name string
			to   *column.Buffer
		}{{"row", h.row}, {"time", h.when}, {"seen", h.seen}, {"number", h.number}, {"key", h.key}, {"id", h.id}, {"source", h.source}, {"object", h.object}} {
			c.to.Reset()
			errs = append(errs, h.t.read(h.group, c.name, c.to))
			if c.to.Len() != h.row.Len() {
				errs = append(errs, fmt.Errorf("lake: %s: its columns are of different lengths", h.t.name))
			}
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
		h.group, h.at, h.n = h.group+1, 0, h.row.Len()
	}
	return nil
}

func timeOf(micros int64) time.Time {
	if micros == column.Null {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// Records hands out the records of a file in the order of their rows, both checksums verified.
// An entry's bytes are valid until the next one is asked for.
func (r *Reader) Records(ctx context.Context, f File) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		t, err := r.open(ctx, f.Head, f.HeadSum)
		if err != nil {
			yield(nil, err)
			return
		}
		defer t.Close() //nolint:errcheck // it is only read
		h := newHeads(t)
		var e Entry
		err = r.Raw(ctx, &f, func(row int64, raw []byte) error {
			if err := h.next(); err != nil {
				return err
			}
			if len(raw) == 0 {
				return nil // its time has come: the header alone is left
			}
			i := h.at
			if h.row.Ints[i] != row {
				return fmt.Errorf("lake: %s: row %d stands where the records have %d", f.Head, h.row.Ints[i], row)
			}
			e = Entry{Row: row, Seen: timeOf(h.seen.Ints[i]), ID: string(h.id.Text.At(i)), Entry: keep.Entry{Source: string(h.source.Text.At(i)), Object: string(h.object.Text.At(i)),
				Format: f.Format, Number: h.number.Ints[i], Record: keep.Record{Raw: raw, Time: timeOf(h.when.Ints[i]), Key: yagura.Key(h.key.Keys[i])}}}
			if !yield(&e, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(nil, err)
		}
	}
}

// All hands out the records of all files that a filter takes, those of its times alone: records
// that do not say their time pass. A file that cannot be read is an error of its own and ends
// nothing; a catalogue that cannot be asked does.
func (r *Reader) All(ctx context.Context, f Filter) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		files, err := r.cat.Files(ctx, f)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, file := range files {
			for e, err := range r.Records(ctx, file) {
				if err == nil && !e.Time.IsZero() && (!f.From.IsZero() && e.Time.Before(f.From) || !f.To.IsZero() && !e.Time.Before(f.To)) {
					continue
				}
				if !yield(e, err) {
					return
				}
				if err != nil {
					if ctx.Err() != nil {
						return
					}
					break
				}
			}
		}
	}
}

// Read hands out the records of a range of an object, in the order of their numbers. Those that
// were repeats when they came are where they were first.
func (r *Reader) Read(ctx context.Context, k yagura.KeptRange) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		files, err := r.cat.Files(ctx, Filter{Formats: []string{k.Format}})
		if err != nil {
			yield(nil, err)
			return
		}
		for _, f := range files {
			if f.Raw != k.File {
				continue
			}
			r.ofRange(ctx, f, k, yield)
			return
		}
		yield(nil, fmt.Errorf("lake: %s is in the catalogue no more", k.File))
	}
}

// ofRange hands out the records of a range that are in a file, by their numbers: a file that was
// made of others has them in another order.
func (r *Reader) ofRange(ctx context.Context, f File, k yagura.KeptRange, yield func(*Entry, error) bool) {
	var held []Entry
	for e, err := range r.Records(ctx, f) {
		switch {
		case err != nil:
			yield(nil, err)
			return
		case e.Source != k.Source || e.Object != k.Object || e.Number < k.First || e.Number >= k.First+k.Count:
		case compacted(&f):
			own := *e
			own.Raw = bytes.Clone(e.Raw)
			held = append(held, own)
		case !yield(e, nil):
			return
		}
	}
	slices.SortFunc(held, func(a, b Entry) int { return cmp.Compare(a.Number, b.Number) })
	for i := range held {
		if !yield(&held[i], nil) {
			return
		}
	}
}
