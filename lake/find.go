package lake

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/lake/column"
)

// Find hands out the records of a file that somebody wants by their key or native id, in the
// order of their rows. A file without any costs two columns of its head; of one with some, the
// records are read up to the last.
func (r *Reader) Find(ctx context.Context, f File, want func(key yagura.Key, id []byte) bool) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		rows, err := r.wanted(ctx, &f, want)
		if err != nil {
			yield(nil, err)
			return
		}
		if len(rows) == 0 {
			return
		}
		for e, err := range r.Records(ctx, f) {
			if err == nil && !rows[e.Row] {
				continue
			}
			if err == nil {
				delete(rows, e.Row)
			}
			if !yield(e, err) || err != nil || len(rows) == 0 {
				return
			}
		}
	}
}

// wanted lists the rows of a file that are wanted.
func (r *Reader) wanted(ctx context.Context, f *File, want func(key yagura.Key, id []byte) bool) (map[int64]bool, error) {
	t, err := r.open(ctx, f.Head, f.HeadSum)
	if err != nil {
		return nil, err
	}
	defer t.Close() //nolint:errcheck // it is only read
	row, key, id := column.New(column.Spec{Kind: column.Int64}), column.New(column.Spec{Kind: column.UUID}), column.New(column.Spec{Plain: true})
	rows := map[int64]bool{}
	for g := range t.file.RowGroups() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		row.Reset()
		key.Reset()
		id.Reset()
		if err := errors.Join(t.read(g, "row", row), t.read(g, "key", key), t.read(g, "id", id)); err != nil {
			return nil, err
		}
		if key.Len() != row.Len() || id.Len() != row.Len() {
			return nil, fmt.Errorf("lake: %s: its columns are of different lengths", f.Head)
		}
		for i := range row.Len() {
			if want(yagura.Key(key.Keys[i]), id.Text.At(i)) {
				rows[row.Ints[i]] = true
			}
		}
	}
	return rows, nil
}
