package app

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/lake/blob"
)

// lakeCopies has copies of the files of a lake that is in an object store, for the engine,
// which reads files of this machine. Head files are fetched whole; of raw files what a
// question needs of them.
type lakeCopies struct {
	cache *blob.Cache
	hold  time.Duration

	mu   sync.Mutex
	held map[*blob.Copy]bool
}

// fetchAtOnce is how many files are fetched at a time.
const fetchAtOnce = 8

// openLakeCopies opens the cache of a lake in an object store; nil where it is in a folder.
func openLakeCopies(ctx context.Context, cfg *config.Config, o HuntOptions, now func() time.Time) (*lakeCopies, error) {
	s, err := lakeStore(ctx, cfg)
	if err != nil || s == nil {
		return nil, err
	}
	dir := o.Cached
	if dir == "" && cfg.Data != "" {
		dir = filepath.Join(cfg.Data, "cache", "lake")
	}
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(base, "yagura", "lake")
	}
	cache, err := blob.OpenCache(dir, s, blob.CacheOptions{Bytes: int64(cfg.Lake.Cache), Now: now})
	if err != nil {
		return nil, err
	}
	// A question has ended by then: until then what it may read stays.
	return &lakeCopies{cache: cache, hold: cmp.Or(o.Timeout, 10*time.Minute) + time.Minute, held: map[*blob.Copy]bool{}}, nil
}

// dir is where the copies are.
func (l *lakeCopies) dir() string { return l.cache.Dirs()[0] }

// fetch says where the copies of files are. Where raw is false, raw files are not fetched,
// and their path leads nowhere.
func (l *lakeCopies) fetch(ctx context.Context, files []yagura.LakeFile, raw bool, set func(i int, head, raw string)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	heads, raws := make([]string, len(files)), make([]string, len(files))
	var wg sync.WaitGroup
	slots := make(chan struct{}, fetchAtOnce)
	for i, f := range files {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			raws[i] = filepath.Join(l.dir(), "not-fetched")
			var err error
			heads[i], err = l.copy(ctx, blob.File{Key: f.Head, Size: f.HeadSize, Sum: f.HeadSum, Kind: blob.Head})
			if err == nil && raw {
				raws[i], err = l.copy(ctx, blob.File{Key: f.Raw, Size: f.RawSize, Sum: f.RawSum, Kind: blob.Raw})
			}
			if err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	for i := range files {
		set(i, heads[i], raws[i])
	}
	return nil
}

// records gives files their records: whole where most of a file is needed, else a file of
// the row groups that have the rows, which it makes in a folder.
func (l *lakeCopies) records(ctx context.Context, files []hunt.File, rows map[int64][]hunt.Span, dir string) ([]hunt.File, error) {
	out := slices.Clone(files)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	slots := make(chan struct{}, fetchAtOnce)
	for i := range out {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			f := &out[i]
			var err error
			if f.RawPath, err = l.part(ctx, blob.File{Key: f.Raw, Size: f.RawSize, Sum: f.RawSum, Kind: blob.Raw}, rows[f.Number], dir); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return out, context.Cause(ctx)
}

// errMost is that most of a file is needed.
var errMost = errors.New("most of the file is needed")

// part returns the path of a file that has at least the row groups of some rows.
func (l *lakeCopies) part(ctx context.Context, f blob.File, rows []hunt.Span, dir string) (path string, err error) {
	pick := func(g blob.RowGroup) bool {
		return !g.Bounded || slices.ContainsFunc(rows, func(s hunt.Span) bool { return s.First <= g.Max && g.Min < s.End })
	}
	c, err := l.cache.Part(ctx, f, func(r io.ReaderAt) ([]blob.Range, error) {
		ranges, err := blob.RowGroups(r, f.Size, pick)
		var sum int64
		for _, x := range ranges {
			sum += x.Len
		}
		if err == nil && sum > f.Size/2 {
			err = errMost
		}
		return ranges, err
	})
	if errors.Is(err, errMost) {
		return l.copy(ctx, f)
	}
	if err != nil {
		return "", err
	}
	if !c.Sparse {
		return l.keep(c), nil
	}
	defer c.Release()
	in, err := os.Open(c.Path)
	if err != nil {
		return "", err
	}
	defer in.Close() //nolint:errcheck // it is only read
	to, err := os.CreateTemp(dir, "records-*.parquet")
	if err != nil {
		return "", err
	}
	err = blob.Extract(to, in, f.Size, pick)
	if err = errors.Join(err, to.Close()); err != nil {
		return "", errors.Join(err, os.Remove(to.Name()))
	}
	time.AfterFunc(l.hold, func() { _ = os.Remove(to.Name()) }) // it is gone already where the hunter was closed
	return to.Name(), nil
}

// copy returns the path of a copy that stays while a question may read it.
func (l *lakeCopies) copy(ctx context.Context, f blob.File) (string, error) {
	c, err := l.cache.Whole(ctx, f)
	if err != nil {
		return "", err
	}
	return l.keep(c), nil
}

// keep holds a copy while a question may read it, and returns its path.
func (l *lakeCopies) keep(c *blob.Copy) string {
	l.mu.Lock()
	l.held[c] = true
	l.mu.Unlock()
	time.AfterFunc(l.hold, func() {
		c.Release()
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.held, c)
	})
	return c.Path
}

// release gives every copy back.
func (l *lakeCopies) release() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.held {
		c.Release()
	}
	clear(l.held)
}
