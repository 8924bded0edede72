package lake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
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
	Freed     int64  // bytes; of a plan those of whole files alone
	// Copies are the copies of originals that no record is left of. Their bytes are no part of
	// Freed. A plan does not know them.
	Copies yagura.LakeCopies
	// Parts are what it came to by log type and account, in their order.
	Parts []RetainedPart
	parts map[[2]string]*RetainedPart
}

// RetainedPart is what retention came to for the records of a log type and an account.
type RetainedPart struct {
	Format  string
	Account string // "" where whole files went for their size
	Gone    int64  // rows
	Bare    int64  // rows that lost the record as it was received
	Held    int64  // rows that would have gone or lost it, and are on hold
}

// part returns the part of a log type and an account, to be added to.
func (r *Retained) part(format, account string) *RetainedPart {
	at := [2]string{format, account}
	if r.parts == nil {
		r.parts = map[[2]string]*RetainedPart{}
	}
	if r.parts[at] == nil {
		r.parts[at] = &RetainedPart{Format: format, Account: account}
	}
	return r.parts[at]
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

// RetainOptions of a [Retainer]. Catalogue, Blobs and Writer are needed.
type RetainOptions struct {
	Catalogue Catalogue
	Blobs     Blobs
	Writer    string
	Version   string
	Now       func() time.Time
	// Plan says what would be done and changes nothing.
	Plan bool
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
	errs = append(errs, k.copies(ctx, &out), k.shrink(ctx, &r, left, &out))
	for _, p := range out.parts {
		out.Parts = append(out.Parts, *p)
	}
	slices.SortFunc(out.Parts, func(a, b RetainedPart) int {
		return cmp.Or(cmp.Compare(a.Format, b.Format), cmp.Compare(a.Account, b.Account))
	})
	return out, errors.Join(errs...)
}

// Clean removes what a crash of this retainer left behind. It is called before the first Run.
func (k *Retainer) Clean(ctx context.Context) error { return k.w.clean(ctx) }

// file does what is due of one file, and says whether it is there as it was.
func (k *Retainer) file(ctx context.Context, r *Retention, f *File, now time.Time, out *Retained) (stays bool, err error) {
	if f.Hold || !r.mayMatter(f, now) {
		return true, nil
	}
	counts, err := k.accounts(ctx, f)
	if err != nil {
		return true, err
	}
	accounts := slices.Sorted(maps.Keys(counts))
	verdicts, least, most := map[string]verdict{}, gone, whole
	sum := make([]byte, 0, len(accounts))
	free := Retention{Entries: r.Entries}
	for _, a := range accounts {
		v := r.of(f, a, now)
		verdicts[a] = v
		least, most = min(least, v), max(most, v)
		sum = append(sum, '0'+byte(v))
		if v == whole && free.of(f, a, now) != whole {
			out.part(f.Format, a).Held += counts[a]
		}
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
		for a, n := range counts {
			out.part(f.Format, a).Gone += n
		}
		return false, nil
	}
	all, err := k.w.read(ctx, []File{*f})
	if err != nil {
		return true, err
	}
	account := func(r *rows, i int) string { return string(r.head[hAccount].Text.At(i)) }
	went := map[string]RetainedPart{}
	for i := range all.n {
		a := account(all, i)
		p := went[a]
		switch v := verdicts[a]; {
		case v == gone:
			p.Gone++
		case v == header && len(all.raw[1].Text.At(i)) > 0:
			p.Bare++
		default:
			continue
		}
		went[a] = p
	}
	if len(went) == 0 {
		k.seen[f.Number] = string(sum)
		return true, nil
	}
	var by *File
	if !k.o.Plan {
		all.strip(func(r *rows, i int) bool { return verdicts[account(r, i)] == header })
		by, err = k.w.replaceRows(ctx, []File{*f}, all, func(r *rows, i int) bool { return verdicts[account(r, i)] != gone })
		if err != nil {
			return true, err
		}
		out.Freed += f.HeadSize + f.RawSize
		if by != nil {
			out.Freed -= by.HeadSize + by.RawSize
			k.seen[by.Number] = string(sum)
		}
	}
	out.Rewritten++
	for a, p := range went {
		part := out.part(f.Format, a)
		part.Gone, part.Bare, out.Rows = part.Gone+p.Gone, part.Bare+p.Bare, out.Rows+p.Gone
	}
	if k.o.Plan {
		return false, nil
	}
	return false, k.w.remove(ctx, []File{*f})
}

// accounts returns the accounts of a file's rows, and how many rows each has.
func (k *Retainer) accounts(ctx context.Context, f *File) (map[string]int64, error) {
	t, err := openTable(ctx, k.o.Blobs, f.Head)
	if err != nil {
		return nil, err
	}
	defer t.Close() //nolint:errcheck // it is only read
	b := column.New(column.Spec{})
	out := map[string]int64{}
	for g := range t.file.RowGroups() {
		b.Reset()
		if err := t.read(g, "account", b); err != nil {
			return nil, err
		}
		for i := range b.Len() {
			out[string(b.Text.At(i))]++
		}
	}
	return out, nil
}

// copies drops the copies of originals that no record is left of.
func (k *Retainer) copies(ctx context.Context, out *Retained) error {
	if k.o.Plan {
		return nil
	}
	gone, err := SweepCopies(ctx, k.o.Catalogue, k.o.Blobs, k.o.Now())
	out.Copies.Copies, out.Copies.Bytes = out.Copies.Copies+gone.Copies, out.Copies.Bytes+gone.Bytes
	return err
}

// shrink drops the oldest files until there are no more bytes than there may be. Copies of
// originals count, and go with the last file that has a record of theirs.
func (k *Retainer) shrink(ctx context.Context, r *Retention, files []File, out *Retained) error {
	if r.Size <= 0 {
		return nil
	}
	var total int64
	for i := range files {
		total += files[i].HeadSize + files[i].RawSize
	}
	_, used, err := k.o.Catalogue.CopyTotals(ctx)
	if err != nil {
		return fmt.Errorf("lake: %w", err)
	}
	perByte := float64(used.Bytes) / float64(max(total, 1)) // of a file: a plan takes copies for spread evenly
	total += used.Bytes
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
		out.part(f.Format, "").Gone += f.Rows
		total -= f.HeadSize + f.RawSize
		if k.o.Plan {
			total -= int64(perByte * float64(f.HeadSize+f.RawSize))
			continue
		}
		before := out.Copies.Bytes
		if err := k.copies(ctx, out); err != nil {
			return err
		}
		total -= out.Copies.Bytes - before
	}
	return nil
}

// drop removes whole files.
func (k *Retainer) drop(ctx context.Context, files []File) error {
	if k.o.Plan {
		return nil
	}
	if err := k.o.Catalogue.Drop(ctx, files); err != nil {
		return err
	}
	return k.w.remove(ctx, files)
}
