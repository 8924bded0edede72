package lake

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/lake/column"
)

// rewriter makes one file of several of the same partition, sorted, without the rows that are
// not wanted any more.
type rewriter struct {
	cat     Catalogue
	blobs   Blobs
	name    string // of the writer in the catalogue
	version string
	now     func() time.Time
	enc     *column.Encoder
}

func newRewriter(cat Catalogue, blobs Blobs, name, version string, now func() time.Time) (*rewriter, error) {
	enc, err := column.NewEncoder(zstd.SpeedBetterCompression)
	if err != nil {
		return nil, err
	}
	return &rewriter{cat: cat, blobs: blobs, name: name + compactedBy, version: version, now: now, enc: enc}, nil
}

// compactedBy ends the name of the writer of files that were made of others. No server's
// name ends so.
const compactedBy = "/compact"

// replace writes the rows of files that keep takes (nil: all) as one file and puts it in the
// place of them, in one step of the catalogue. It returns nil where no row is left. The files
// that were replaced are still there; [rewriter.remove] removes them.
func (w *rewriter) replace(ctx context.Context, files []File, keep func(r *rows, i int) bool) (*File, error) {
	r, err := w.read(ctx, files)
	if err != nil {
		return nil, err
	}
	return w.replaceRows(ctx, files, r, keep)
}

// replaceRows is [rewriter.replace] of files that were read.
func (w *rewriter) replaceRows(ctx context.Context, files []File, r *rows, keep func(r *rows, i int) bool) (*File, error) {
	order := r.order(keep)
	if len(order) == 0 {
		_, err := w.cat.Replace(ctx, files, nil)
		return nil, err
	}
	list := []File{{Format: files[0].Format, Day: files[0].Day, Hold: files[0].Hold, Writer: w.name, Created: w.now()}}
	f := &list[0]
	w.describe(f, files, r, order)
	f.Bare = r.bare(order)
	if err := w.cat.Begin(ctx, list, name); err != nil {
		return nil, err
	}
	if err := w.write(ctx, f, r, order); err != nil {
		return nil, errors.Join(err, w.undo(f))
	}
	var err error
	if f.Seq, err = w.cat.Replace(ctx, files, f); err != nil {
		if live, lerr := w.live(ctx, f); lerr != nil || !live {
			// Where the catalogue cannot say what happened the files stay: they are live, or the
			// next one who cleans up finds them.
			if lerr == nil {
				lerr = w.undo(f)
			}
			return nil, errors.Join(err, lerr)
		}
	}
	return f, nil
}

// undo takes back a file that did not become live, even when the work was cancelled.
func (w *rewriter) undo(f *File) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return w.remove(ctx, []File{*f})
}

// clean removes what a crash of this rewriter left behind.
func (w *rewriter) clean(ctx context.Context) error {
	list, err := w.cat.Orphans(ctx, w.name, time.Time{})
	if err != nil {
		return fmt.Errorf("lake: what a crash left behind: %w", err)
	}
	return w.remove(ctx, list)
}

// remove removes files that are not live.
func (w *rewriter) remove(ctx context.Context, files []File) error {
	return removeFiles(ctx, w.cat, w.blobs, files)
}

func (w *rewriter) live(ctx context.Context, f *File) (bool, error) {
	list, err := w.cat.Files(context.WithoutCancel(ctx), Filter{Formats: []string{f.Format}, Day: f.Day})
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(list, func(have File) bool {
		if have.Number == f.Number {
			f.Seq = have.Seq
			return true
		}
		return false
	}), nil
}

// describe fills in what the catalogue says of a file that is made of others.
func (w *rewriter) describe(f *File, files []File, r *rows, order []int) {
	f.Rows = int64(len(order))
	lo, hi, seenLo, seenHi := int64(column.Null), int64(column.Null), int64(0), int64(0)
	for n, i := range order {
		f.RawBytes += r.head[hSize].Ints[i]
		if t := r.head[hTime].Ints[i]; t != column.Null {
			if lo == column.Null || t < lo {
				lo = t
			}
			hi = max(hi, t)
		}
		s := r.head[hSeen].Ints[i]
		if n == 0 || s < seenLo {
			seenLo = s
		}
		if n == 0 || s > seenHi {
			seenHi = s
		}
	}
	if hi != column.Null {
		f.Min, f.Max = time.UnixMicro(lo).UTC(), time.UnixMicro(hi).UTC()
	}
	f.SeenMin, f.SeenMax = time.UnixMicro(seenLo).UTC(), time.UnixMicro(seenHi).UTC()
	for i := range files {
		f.Repeats += files[i].Repeats
	}
}

// read reads whole files, their checksums verified.
func (w *rewriter) read(ctx context.Context, files []File) (*rows, error) {
	reader := NewReader(w.cat, w.blobs)
	var r *rows
	for i := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		head, err := reader.open(ctx, files[i].Head, files[i].HeadSum)
		if err != nil {
			return nil, err
		}
		if r == nil {
			r = newRows(nil)
		}
		err = r.readHead(head)
		if err = errors.Join(err, head.Close()); err != nil {
			return nil, err
		}
		raw, err := reader.open(ctx, files[i].Raw, files[i].RawSum)
		if err != nil {
			return nil, err
		}
		before := r.n
		r.n = r.head[hRow].Len()
		err = r.readRaw(raw, before)
		if err = errors.Join(err, raw.Close()); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// readHead appends the rows of a head file. Columns that only some of the files have are
// empty in the others.
func (r *rows) readHead(t *table) error {
	before := r.head[hRow].Len()
	columns := t.file.Schema().Columns()
	for _, path := range columns {
		if len(path) != 1 {
			return fmt.Errorf("lake: %s: column %v is not flat", t.name, path)
		}
		name := path[0]
		if slices.ContainsFunc(r.head, func(b *column.Buffer) bool { return b.Name == name }) {
			continue
		}
		b := column.New(column.Spec{Name: name})
		for range before {
			b.Text.Append("")
		}
		r.more, r.head = append(r.more, name), append(r.head, b)
	}
	for g, group := range t.file.RowGroups() {
		n := before + int(group.NumRows())
		for _, b := range r.head {
			if _, ok := t.file.Schema().Lookup(b.Name); !ok {
				fill(b, n-before)
				continue
			}
			if err := t.read(g, b.Name, b); err != nil {
				return err
			}
		}
		for _, b := range r.head {
			if b.Len() != n {
				return fmt.Errorf("lake: %s: column %s has %d rows of %d", t.name, b.Name, b.Len(), n)
			}
		}
		before = n
	}
	return nil
}

// fill appends rows that a file says nothing of.
func fill(b *column.Buffer, n int) {
	for range n {
		switch b.Kind {
		case column.Text, column.Bytes:
			b.Text.Append("")
		case column.UUID:
			b.Keys = append(b.Keys, [16]byte{})
		case column.Time:
			b.Ints = append(b.Ints, column.Null)
		default:
			b.Ints = append(b.Ints, 0)
		}
	}
}

// readRaw appends the records of the rows from one on, and holds them to their numbers.
func (r *rows) readRaw(t *table, from int) error {
	for g := range t.file.RowGroups() {
		for _, b := range r.raw {
			if err := t.read(g, b.Name, b); err != nil {
				return err
			}
		}
	}
	if len(r.raw[0].Ints) != r.n || r.raw[1].Len() != r.n || r.raw[2].Len() != r.n {
		return fmt.Errorf("lake: %s: %d records of %d", t.name, len(r.raw[0].Ints)-from, r.n-from)
	}
	for i := from; i < r.n; i++ {
		if r.raw[0].Ints[i] != r.head[hRow].Ints[i] {
			return fmt.Errorf("lake: %s: record %d stands where the head has %d", t.name, r.raw[0].Ints[i], r.head[hRow].Ints[i])
		}
	}
	return nil
}

// order returns the rows that keep takes, sorted by action, account, actor and time: records
// of one action look alike, and compress best side by side. A record that is there twice is
// taken once.
func (r *rows) order(keep func(r *rows, i int) bool) []int {
	out := make([]int, 0, r.n)
	clear(r.ids)
	for i := range r.n {
		id := ident{r.head[hKey].Keys[i], uint32(r.head[hContent].Ints[i])}
		if _, ok := r.ids[id]; ok || keep != nil && !keep(r, i) {
			continue
		}
		r.ids[id] = struct{}{}
		out = append(out, i)
	}
	account, action, actor := r.head[hAccount].Text.Ranks(), r.head[hAction].Text.Ranks(), r.head[hActorID].Text.Ranks()
	when := r.head[hTime].Ints
	slices.SortFunc(out, func(a, b int) int {
		return cmp.Or(cmp.Compare(action[a], action[b]), cmp.Compare(account[a], account[b]), cmp.Compare(actor[a], actor[b]),
			cmp.Compare(when[a], when[b]), cmp.Compare(a, b))
	})
	return out
}

// write writes rows in an order as both halves of a file.
func (w *rewriter) write(ctx context.Context, f *File, r *rows, order []int) error {
	o := column.Options{Encoder: w.enc, CreatedBy: "yagura " + w.version, PageBytes: groupBytes}
	var head, raw bytes.Buffer
	hw := column.NewWriter(&head, o, r.head...)
	group := newRows(r.more)
	for at := 0; at < len(order); at += groupRows {
		some := order[at:min(at+groupRows, len(order))]
		for i, b := range group.head {
			b.Reset()
			if i != hRow {
				b.Pick(r.head[i], some)
			}
		}
		group.number(group.head[hRow], f.Number, at, len(some))
		if err := errors.Join(ctx.Err(), hw.RowsOf(group.head, 0, len(some))); err != nil {
			return err
		}
	}
	if err := hw.Close(); err != nil {
		return err
	}
	rw := column.NewWriter(&raw, o, r.raw...)
	from, size := 0, int64(0)
	for i, row := range order {
		if size += r.head[hSize].Ints[row]; size < groupBytes && i+1 < len(order) {
			continue
		}
		some := order[from : i+1]
		for c, b := range group.raw {
			b.Reset()
			if c != 0 {
				b.Pick(r.raw[c], some)
			}
		}
		group.number(group.raw[0], f.Number, from, len(some))
		if err := errors.Join(ctx.Err(), rw.RowsOf(group.raw, 0, len(some))); err != nil {
			return err
		}
		from, size = i+1, 0
	}
	if err := rw.Close(); err != nil {
		return err
	}
	f.HeadSize, f.RawSize = int64(head.Len()), int64(raw.Len())
	f.HeadSum, f.RawSum = sha256.Sum256(head.Bytes()), sha256.Sum256(raw.Bytes())
	if err := w.blobs.Put(ctx, f.Raw, raw.Bytes()); err != nil {
		return err
	}
	return w.blobs.Put(ctx, f.Head, head.Bytes())
}

// number fills the column row of n rows from a place in a file on.
func (r *rows) number(b *column.Buffer, file int64, at, n int) {
	b.Ints = b.Ints[:0]
	for i := range n {
		b.Ints = append(b.Ints, file<<RowBits|int64(at+i))
	}
}

// bare returns the objects of rows that none of the rows in an order has a record of as it was
// received.
func (r *rows) bare(order []int) (out []yagura.ObjectRef) {
	source, object := r.head[hSource].Text, r.head[hObject].Text
	sources, objects := source.Ranks(), object.Ranks()
	left := map[[2]uint32]bool{}
	for _, i := range order {
		if len(r.raw[1].Text.At(i)) > 0 {
			left[[2]uint32{sources[i], objects[i]}] = true
		}
	}
	for i := range r.n {
		if k := [2]uint32{sources[i], objects[i]}; !left[k] {
			left[k] = true
			out = append(out, yagura.ObjectRef{Source: string(source.At(i)), Object: string(object.At(i))})
		}
	}
	return out
}

// strip takes away the records of rows. Their headers stay, with the size that the record had.
func (r *rows) strip(bare func(r *rows, i int) bool) {
	for c := 1; c < len(r.raw); c++ {
		from := r.raw[c]
		to := column.New(from.Spec)
		for i := range r.n {
			if bare(r, i) {
				to.Text.Append("")
			} else {
				to.Text.AppendBytes(from.Text.At(i))
			}
		}
		r.raw[c] = to
	}
}
