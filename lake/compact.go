package lake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// CompactOptions of a [Compactor]. Catalogue, Blobs and Writer are needed.
type CompactOptions struct {
	Catalogue Catalogue
	Blobs     Blobs
	Writer    string
	Version   string
	// Bytes of records that one file holds at most: they are all in memory while it is made, and
	// a file takes about a sixth of it. 0: 512 MB.
	Bytes int64
	// Settled is for how long nothing must have come for a partition. 0: an hour; negative: it
	// may be written to right now.
	Settled time.Duration
	// Grace is for how long replaced files stay for queries that were begun before.
	Grace time.Duration
	// Formats that are looked at; nil: all.
	Formats []string
	Now     func() time.Time
	// Progress, if set, is called after each file.
	Progress func(CompactStats)
}

// CompactStats say what was done.
type CompactStats struct {
	Partitions        int // that had something to do
	Files, Into       int
	Rows              int64
	Before, After     int64 // bytes on disk of what was replaced, and of what took its place
	Skipped           int   // that another process changed meanwhile
	Pending, PendingB int64 // files that are still to be merged and their bytes on disk
}

// Compactor makes few sorted files of the many that a partition is written as.
type Compactor struct {
	o CompactOptions
	w *rewriter
	// replaced are files that are not live any more, and since when.
	replaced []replaced
}

type replaced struct {
	files []File
	at    time.Time
}

// NewCompactor returns a compactor. It is for one goroutine.
func NewCompactor(o CompactOptions) (*Compactor, error) {
	if o.Bytes <= 0 {
		o.Bytes = 512 << 20
	}
	if o.Settled == 0 {
		o.Settled = time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	w, err := newRewriter(o.Catalogue, o.Blobs, o.Writer, o.Version, o.Now)
	if err != nil {
		return nil, err
	}
	return &Compactor{o: o, w: w}, nil
}

// Clean removes what a crash of this compactor left behind: files that it was writing, and
// files that it had replaced. It is called before the first Run.
func (c *Compactor) Clean(ctx context.Context) error { return c.w.clean(ctx) }

// Run merges what there is to merge, partition by partition, and removes files that were
// replaced long enough ago. A partition that cannot be read is said in the error and ends
// nothing.
func (c *Compactor) Run(ctx context.Context) (CompactStats, error) {
	var s CompactStats
	files, err := c.o.Catalogue.Files(ctx, Filter{Formats: c.o.Formats})
	if err != nil {
		return s, fmt.Errorf("lake: %w", err)
	}
	var jobs [][]File
	for _, part := range partitionsOf(files) {
		groups := c.groups(part)
		if len(groups) > 0 {
			s.Partitions++
		}
		jobs = append(jobs, groups...)
	}
	for _, g := range jobs {
		for i := range g {
			s.Pending++
			s.PendingB += g[i].HeadSize + g[i].RawSize
		}
	}
	var errs []error
	for _, g := range jobs {
		if ctx.Err() != nil {
			errs = append(errs, ctx.Err())
			break
		}
		into, err := c.w.replace(ctx, g, nil)
		for i := range g {
			s.Pending--
			s.PendingB -= g[i].HeadSize + g[i].RawSize
		}
		switch {
		case errors.Is(err, yagura.ErrLakeChanged):
			s.Skipped++
		case err != nil:
			errs = append(errs, fmt.Errorf("lake: compact %s of %s: %w", g[0].Format, g[0].Day, err))
		default:
			for i := range g {
				s.Files++
				s.Before += g[i].HeadSize + g[i].RawSize
			}
			if into != nil {
				s.Into++
				s.Rows += into.Rows
				s.After += into.HeadSize + into.RawSize
			}
			c.replaced = append(c.replaced, replaced{g, c.o.Now()})
		}
		errs = append(errs, c.sweep(ctx))
		if c.o.Progress != nil {
			c.o.Progress(s)
		}
	}
	return s, errors.Join(append(errs, c.sweep(ctx))...)
}

// sweep removes replaced files whose time has come.
func (c *Compactor) sweep(ctx context.Context) error {
	for len(c.replaced) > 0 {
		if first := &c.replaced[0]; c.o.Now().Sub(first.at) < c.o.Grace {
			return nil
		} else if err := c.w.remove(ctx, first.files); err != nil {
			return err
		}
		c.replaced = c.replaced[1:]
	}
	return nil
}

// partitionsOf splits files by partition, in the order of format and day.
func partitionsOf(files []File) [][]File {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b File) int {
		return cmp.Or(strings.Compare(a.Format, b.Format), strings.Compare(a.Day, b.Day))
	})
	var out [][]File
	for at := 0; at < len(files); {
		n := at + 1
		for n < len(files) && files[n].Format == files[at].Format && files[n].Day == files[at].Day {
			n++
		}
		out = append(out, files[at:n])
		at = n
	}
	return out
}

// The shape of what is merged.
const (
	// manySmall is how many small files are merged into a large one that they hardly add to.
	manySmall = 8
	// maxMerged bounds the rows of one file.
	maxMerged = 8 << 20
)

// compacted says whether a file was made of others.
func compacted(f *File) bool { return strings.HasSuffix(f.Writer, compactedBy) }

// groups says which files of a partition become one each. A file that is large enough and
// sorted stays as it is; so does one that what came later would hardly change, until there
// is more of that.
func (c *Compactor) groups(files []File) [][]File {
	newest := time.Time{}
	for i := range files {
		if files[i].Created.After(newest) {
			newest = files[i].Created
		}
	}
	if c.o.Settled > 0 && c.o.Now().Sub(newest) < c.o.Settled {
		return nil
	}
	var out [][]File
	for _, hold := range []bool{false, true} {
		var list []File
		for i := range files {
			f := &files[i]
			if f.Hold == hold && f.RawSize > 0 && !(compacted(f) && f.RawBytes >= c.o.Bytes/2) {
				list = append(list, *f)
			}
		}
		out = append(out, c.pack(list)...)
	}
	return out
}

// pack fills groups up to the size of a file, largest files first.
func (c *Compactor) pack(list []File) [][]File {
	slices.SortStableFunc(list, func(a, b File) int { return cmp.Compare(b.RawBytes, a.RawBytes) })
	type group struct {
		files       []File
		bytes, rows int64
	}
	var groups []group
	for _, f := range list {
		i := slices.IndexFunc(groups, func(g group) bool { return g.bytes+f.RawBytes <= c.o.Bytes && g.rows+f.Rows <= maxMerged })
		if i < 0 {
			i = len(groups)
			groups = append(groups, group{})
		}
		g := &groups[i]
		g.files, g.bytes, g.rows = append(g.files, f), g.bytes+f.RawBytes, g.rows+f.Rows
	}
	var out [][]File
	for _, g := range groups {
		first := &g.files[0]
		if compacted(first) && (len(g.files) == 1 || len(g.files) <= manySmall && (g.bytes-first.RawBytes)*4 < first.RawBytes) {
			continue
		}
		out = append(out, g.files)
	}
	return out
}
