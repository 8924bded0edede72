package lake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/lake/column"
)

// Retention says for how long what is kept. The first entry that a record fits decides; one that
// fits none is kept for good. A hold keeps what it fits, whatever the entries say.
type Retention struct {
	Entries []RetentionEntry
	Holds   []Hold
	// Size is how many bytes there may be at most; the oldest files beyond it go. 0: any.
	Size int64
}

// RetentionEntry is for records of a format and an account, both patterns as of [path.Match];
// "" is any. Head is how long the whole is kept, Raw how long the record as it was received:
// after that its header alone is left. 0 is for good.
type RetentionEntry struct {
	Format, Account string
	Head, Raw       time.Duration
}

// Hold keeps records of a format, an account and a time of events. The zero value of each is any.
type Hold struct {
	Format, Account string
	From, To        time.Time
}

// Retained says what was done.
type Retained struct {
	Dropped   []File // whole
	Rewritten int    // files of which some rows, or the records of some, went
	Rows      int64  // that went with rewritten files
	Freed     int64  // bytes
}

// fits says whether a name is of a pattern.
func fits(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// Check says what is wrong with patterns.
func (r *Retention) Check() error {
	for _, e := range r.Entries {
		if e.Head < 0 || e.Raw < 0 {
			return fmt.Errorf("a time of %v is negative", min(e.Head, e.Raw))
		}
		if err := checkPatterns(e.Format, e.Account); err != nil {
			return err
		}
	}
	for _, h := range r.Holds {
		if err := checkPatterns(h.Format, h.Account); err != nil {
			return err
		}
	}
	return nil
}

func checkPatterns(list ...string) error {
	for _, p := range list {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("pattern %q: %w", p, err)
		}
	}
	return nil
}

// verdict is what becomes of records.
type verdict uint8

const (
	whole  verdict = iota // stay
	header                // lose the record as it was received
	gone
)

// of judges the records of an account in a file. Within a file records are a day apart at most:
// all are as old as the newest.
func (r *Retention) of(f *File, account string, now time.Time) verdict {
	for _, h := range r.Holds {
		if fits(h.Format, f.Format) && fits(h.Account, account) && h.meets(f) {
			return whole
		}
	}
	age := now.Sub(ageOf(f))
	for _, e := range r.Entries {
		if !fits(e.Format, f.Format) || !fits(e.Account, account) {
			continue
		}
		switch {
		case e.Head > 0 && age > e.Head:
			return gone
		case e.Raw > 0 && age > e.Raw:
			return header
		}
		return whole
	}
	return whole
}

// meets says whether a file may have records of the hold's time.
func (h *Hold) meets(f *File) bool {
	if f.Max.IsZero() {
		return true
	}
	return (h.From.IsZero() || !f.Max.Before(h.From)) && (h.To.IsZero() || f.Min.Before(h.To))
}

// mayMatter says whether something of a file can be due, without looking into it.
func (r *Retention) mayMatter(f *File, now time.Time) bool {
	age := now.Sub(ageOf(f))
	return slices.ContainsFunc(r.Entries, func(e RetentionEntry) bool {
		return fits(e.Format, f.Format) && (e.Head > 0 && age > e.Head || e.Raw > 0 && age > e.Raw)
	})
}

// ageOf is when the newest record of a file happened; what does not say so is as old as its
// arrival.
func ageOf(f *File) time.Time {
	if f.Max.IsZero() {
		return f.SeenMax
	}
	return f.Max
}

// Retainer drops what need not be kept any more.
type Retainer struct {
	o RetainOptions
	w *rewriter
	// seen are files of which all that was due has gone, with what becomes of each of their
	// accounts: they are not read again until something else does.
	seen map[int64]string
}

// RetainOptions of a [Retainer]. All but Version are needed.
type RetainOptions struct {
	Catalogue Catalogue
	Blobs     Blobs
	Writer    string
	Version   string
	Now       func() time.Time
}

// NewRetainer returns a retainer. It is for one goroutine.
func NewRetainer(o RetainOptions) (*Retainer, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	w, err := newRewriter(o.Catalogue, o.Blobs, o.Writer, o.Version, o.Now)
	if err != nil {
		return nil, err
	}
	return &Retainer{o: o, w: w, seen: map[int64]string{}}, nil
}

// Run does what a retention asks for now. A file that another process changed meanwhile is left
// to the next run; one that cannot be read is said in the error and ends nothing.
func (k *Retainer) Run(ctx context.Context, r Retention) (Retained, error) {
	var out Retained
	if err := r.Check(); err != nil {
		return out, fmt.Errorf("lake: retention: %w", err)
	}
	files, err := k.o.Catalogue.Files(ctx, Filter{})
	if err != nil {
		return out, fmt.Errorf("lake: %w", err)
	}
	now := k.o.Now()
	var errs []error
	var left []File
	for i := range files {
		f := &files[i]
		if ctx.Err() != nil {
			return out, errors.Join(append(errs, ctx.Err())...)
		}
		stays, err := k.file(ctx, &r, f, now, &out)
		if err != nil && !errors.Is(err, yagura.ErrLakeChanged) {
			errs = append(errs, fmt.Errorf("lake: retention of %s: %w", f.Head, err))
		}
		if stays {
			left = append(left, *f)
		}
	}
	errs = append(errs, k.shrink(ctx, &r, left, &out))
	return out, errors.Join(errs...)
}

// file does what is due of one file, and says whether it is there as it was.
func (k *Retainer) file(ctx context.Context, r *Retention, f *File, now time.Time, out *Retained) (stays bool, err error) {
	if f.Hold || !r.mayMatter(f, now) {
		return true, nil
	}
	accounts, err := k.accounts(ctx, f)
	if err != nil {
		return true, err
	}
	verdicts, least, most := map[string]verdict{}, gone, whole
	sum := make([]byte, 0, len(accounts))
	for _, a := range accounts {
		v := r.of(f, a, now)
		verdicts[a] = v
		least, most = min(least, v), max(most, v)
		sum = append(sum, '0'+byte(v))
	}
	switch {
	case most == whole || k.seen[f.Number] == string(sum):
		return true, nil
	case least == gone:
		if err := k.drop(ctx, []File{*f}); err != nil {
			return true, err
		}
		out.Dropped = append(out.Dropped, *f)
		out.Freed += f.HeadSize + f.RawSize
		return false, nil
	}
	all, err := k.w.read(ctx, []File{*f})
	if err != nil {
		return true, err
	}
	of := func(r *rows, i int) verdict { return verdicts[string(r.head[hAccount].Text.At(i))] }
	bare := func(r *rows, i int) bool { return of(r, i) == header }
	due := false
	for i := range all.n {
		due = due || of(all, i) == gone || bare(all, i) && len(all.raw[1].Text.At(i)) > 0
	}
	if !due {
		k.seen[f.Number] = string(sum)
		return true, nil
	}
	all.strip(bare)
	by, err := k.w.replaceRows(ctx, []File{*f}, all, func(r *rows, i int) bool { return of(r, i) != gone })
	if err != nil {
		return true, err
	}
	out.Rewritten++
	out.Rows += f.Rows
	out.Freed += f.HeadSize + f.RawSize
	if by != nil {
		out.Rows -= by.Rows
		out.Freed -= by.HeadSize + by.RawSize
		k.seen[by.Number] = string(sum)
	}
	return false, k.w.remove(ctx, []File{*f})
}

// accounts returns the accounts of a file's rows, sorted.
func (k *Retainer) accounts(ctx context.Context, f *File) ([]string, error) {
	t, err := openTable(ctx, k.o.Blobs, f.Head)
	if err != nil {
		return nil, err
	}
	defer t.Close() //nolint:errcheck // it is only read
	b := column.New(column.Spec{})
	seen := map[string]struct{}{}
	for g := range t.file.RowGroups() {
		b.Reset()
		if err := t.read(g, "account", b); err != nil {
			return nil, err
		}
		for i := range b.Len() {
			if i == 0 || string(b.Text.At(i)) != string(b.Text.At(i-1)) {
				seen[string(b.Text.At(i))] = struct{}{}
			}
		}
	}
	out := make([]string, 0, len(seen))
	for a := range seen {
		out = append(out, a)
	}
	slices.Sort(out)
	return out, nil
}

// shrink drops the oldest files until there are no more bytes than there may be.
func (k *Retainer) shrink(ctx context.Context, r *Retention, files []File, out *Retained) error {
	if r.Size <= 0 {
		return nil
	}
	var total int64
	for i := range files {
		total += files[i].HeadSize + files[i].RawSize
	}
	slices.SortStableFunc(files, func(a, b File) int { return cmp.Or(ageOf(&a).Compare(ageOf(&b)), cmp.Compare(a.Number, b.Number)) })
	for i := range files {
		f := &files[i]
		if total <= r.Size {
			return nil
		}
		if f.Hold || slices.ContainsFunc(r.Holds, func(h Hold) bool { return fits(h.Format, f.Format) && h.meets(f) }) {
			continue // whole files go here: one that has a row on hold stays whole
		}
		if err := k.drop(ctx, []File{*f}); err != nil {
			return err
		}
		out.Dropped = append(out.Dropped, *f)
		out.Freed += f.HeadSize + f.RawSize
		total -= f.HeadSize + f.RawSize
	}
	return nil
}

// drop removes whole files.
func (k *Retainer) drop(ctx context.Context, files []File) error {
	if err := k.o.Catalogue.Drop(ctx, files); err != nil {
		return err
	}
	return k.w.remove(ctx, files)
}
