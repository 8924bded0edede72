package blob

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Range is a part of a file.
type Range struct {
	Off, Len int64
}

const (
	haveSuffix = ".have"
	// One request asks for at most fetchBytes; gaps of up to joinBytes between ranges are
	// fetched with them, because a request costs more; what is read in small pieces is
	// fetched in whole blocks.
	fetchBytes = 8 << 20
	joinBytes  = 64 << 10
	blockBytes = 64 << 10
	maxRanges  = 1 << 20
)

// Part returns a sparse copy of an object: a file of the right size in which at least the
// ranges that need returns are filled, and zeros where nothing was asked for. need may read
// what it has to know (the footer, say) through r; what it reads is fetched and filled too.
// What was filled once is not fetched again.
func (c *Cache) Part(ctx context.Context, f File, need func(r io.ReaderAt) ([]Range, error)) (*Copy, error) {
	if err := c.check(f); err != nil {
		return nil, err
	}
	if copy, ok, err := c.local(f); ok {
		return copy, err
	}
	// The name differs from that of a whole copy, which is used where there is one.
	name := "p" + nameOf(f)[1:]
	land, err := c.fly(ctx, name)
	if err != nil {
		return nil, err
	}
	defer land()
	if copy, err := c.hold(nameOf(f)); err == nil {
		if c.trusted(nameOf(f), f) == nil {
			c.hit(true)
			return copy, nil
		}
		copy.Release()
	}
	unlock, err := c.lock(ctx, name) // one process fills it at a time
	if err != nil {
		return nil, err
	}
	defer unlock()
	for range 8 {
		copy, err := c.hold(name)
		if errors.Is(err, fs.ErrNotExist) {
			if err = c.makeSparse(name, f); err == nil {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		if err := c.fill(ctx, name, f, need); err != nil {
			copy.Release()
			return nil, err
		}
		copy.Sparse = true
		return copy, nil
	}
	return nil, &Error{Op: "get", Name: c.path(name), Err: errors.New("the copy goes away again and again")}
}

// makeSparse makes an empty copy of the right size.
func (c *Cache) makeSparse(name string, f File) error {
	t, err := c.temp()
	if err != nil {
		return err
	}
	err = t.Truncate(f.Size)
	if err = errors.Join(err, t.Close()); err == nil {
		if err = os.Remove(c.path(name) + haveSuffix); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		err = os.Rename(t.Name(), c.path(name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(t.Name()))
	}
	return nil
}

// fill fetches what is needed and not there.
func (c *Cache) fill(ctx context.Context, name string, f File, need func(io.ReaderAt) ([]Range, error)) error {
	w, err := os.OpenFile(c.path(name), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	s := &sparse{c: c, ctx: ctx, f: f, w: w, name: name}
	err = s.load()
	if err == nil {
		var ranges []Range
		if ranges, err = need(s); err == nil {
			err = s.want(ranges)
		}
	}
	// What came is kept, also when something else went wrong.
	if s.fetched > 0 {
		err = errors.Join(err, s.save())
	}
	c.hit(s.fetched == 0)
	if err == nil {
		err = c.note(name, "")
	}
	return errors.Join(err, w.Close())
}

// sparse is a copy that is being filled.
type sparse struct {
	c    *Cache
	ctx  context.Context //nolint:containedctx // io.ReaderAt has none; it lives as long as the call
	f    File
	w    *os.File
	name string

	mu      sync.Mutex
	have    []Range // sorted, apart from one another
	fetched int64
}

// load reads what is filled. The note is written after the bytes are on the disk.
func (s *sparse) load() error {
	data, err := os.ReadFile(s.c.path(s.name) + haveSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var have []Range
	if json.Unmarshal(data, &have) != nil || len(have) > maxRanges {
		return nil // it tells nothing: everything is fetched anew
	}
	for _, r := range have {
		if r.Off < 0 || r.Len < 0 || r.Off > s.f.Size || r.Len > s.f.Size-r.Off {
			return nil
		}
	}
	s.have = merge(have, 0)
	return nil
}

func (s *sparse) save() error {
	if err := s.w.Sync(); err != nil {
		return err
	}
	data, err := json.Marshal(s.have)
	if err != nil {
		return err
	}
	t, err := s.c.temp()
	if err != nil {
		return err
	}
	_, err = t.Write(data)
	if err == nil {
		err = t.Sync()
	}
	if err = errors.Join(err, t.Close()); err == nil {
		err = os.Rename(t.Name(), s.c.path(s.name)+haveSuffix)
	}
	if err != nil {
		return errors.Join(err, os.Remove(t.Name()))
	}
	return nil
}

// merge sorts ranges and joins those that touch or are at most gap apart.
func merge(ranges []Range, gap int64) []Range {
	ranges = slices.DeleteFunc(slices.Clone(ranges), func(r Range) bool { return r.Len <= 0 })
	slices.SortFunc(ranges, func(a, b Range) int { return int(min(max(a.Off-b.Off, -1), 1)) })
	var out []Range
	for _, r := range ranges {
		if n := len(out); n > 0 && r.Off <= out[n-1].Off+out[n-1].Len+gap {
			out[n-1].Len = max(out[n-1].Len, r.Off+r.Len-out[n-1].Off)
			continue
		}
		out = append(out, r)
	}
	return out
}

// missing is what of a range is not filled.
func missing(have []Range, r Range) []Range {
	var out []Range
	at, end := r.Off, r.Off+r.Len
	for _, h := range have {
		if h.Off+h.Len <= at {
			continue
		}
		if h.Off >= end {
			break
		}
		if h.Off > at {
			out = append(out, Range{at, h.Off - at})
		}
		at = h.Off + h.Len
	}
	if at < end {
		out = append(out, Range{at, end - at})
	}
	return out
}

// ReadAt reads, and fetches whole blocks of what is missing.
func (s *sparse) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off > s.f.Size {
		return 0, fmt.Errorf("offset %d of %d", off, s.f.Size)
	}
	n := min(int64(len(p)), s.f.Size-off)
	first := off / blockBytes * blockBytes
	last := min((off+n+blockBytes-1)/blockBytes*blockBytes, s.f.Size)
	if n > 0 {
		if err := s.want([]Range{{first, last - first}}); err != nil {
			return 0, err
		}
	}
	k, err := s.w.ReadAt(p[:n], off)
	if errors.Is(err, io.EOF) && int64(k) == n {
		err = nil
	}
	if err == nil && n < int64(len(p)) {
		err = io.EOF
	}
	return k, err
}

// want fills ranges, four requests at once.
func (s *sparse) want(ranges []Range) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var gaps []Range
	for _, r := range merge(ranges, joinBytes) {
		if r.Off < 0 || r.Off > s.f.Size || r.Len > s.f.Size-r.Off {
			return fmt.Errorf("blob cache: %s: bytes %d–%d of a file of %d", s.f.Key, r.Off, r.Off+r.Len, s.f.Size)
		}
		gaps = append(gaps, missing(s.have, r)...)
	}
	var todo []Range
	var total int64
	for _, g := range gaps {
		for ; g.Len > 0; g.Off, g.Len = g.Off+fetchBytes, g.Len-fetchBytes {
			todo = append(todo, Range{g.Off, min(g.Len, fetchBytes)})
			total += min(g.Len, fetchBytes)
		}
	}
	if len(todo) == 0 {
		return nil
	}
	if err := s.c.reserve(total); err != nil {
		return &Error{Op: "get", Name: s.c.dir, Err: err, Hint: "give the cache more bytes, or ask for less at once"}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	slots := make(chan struct{}, 4)
	for _, r := range todo {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			mu.Lock()
			stop := failed != nil
			mu.Unlock()
			if stop {
				return
			}
			p := make([]byte, r.Len)
			err := s.c.store.ReadRange(s.ctx, s.f.Key, r.Off, p)
			if err == nil {
				s.c.fetched(s.f.Kind, r.Len)
				_, err = s.w.WriteAt(p, r.Off)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = errors.Join(failed, err)
				return
			}
			s.have = append(s.have, r)
			s.fetched += r.Len
		})
	}
	wg.Wait()
	s.have = merge(s.have, 0)
	return failed
}

// Clear removes every copy that nobody uses.
func (c *Cache) Clear() error {
	entries, _, err := c.look()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := c.drop(e.name); err != nil && !errors.Is(err, errInUse) {
			return err
		}
	}
	// Notes whose copy is gone.
	dir := filepath.Join(c.dir, copiesDir)
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range list {
		base := strings.TrimSuffix(strings.TrimSuffix(e.Name(), useSuffix), haveSuffix)
		if base == e.Name() {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, base)); errors.Is(err, fs.ErrNotExist) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked = false
	return nil
}
