package blob

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Kind is what a file holds; what was fetched is counted by it.
type Kind string

// The two files of a lake file.
const (
	Head Kind = "head"
	Raw  Kind = "raw"
)

// File is an object as the catalogue knows it.
type File struct {
	Key  string
	Size int64
	Sum  [32]byte // SHA-256; a copy that has another is not given out
	Kind Kind
}

// CacheOptions bound a cache.
type CacheOptions struct {
	Bytes int64 // that all copies together may take; 0: 10 GB
	Now   func() time.Time
}

// ErrFull is a cache all of whose files are in use.
var ErrFull = errors.New("the cache is full of files that are in use")

// Stats counts what a cache did since it was opened.
type Stats struct {
	Hits, Misses int64
	Fetched      map[Kind]int64 // bytes that came from the store
	Requests     map[Kind]int64
	Evicted      int64 // files
}

// Cache is a directory of copies.
type Cache struct {
	dir   string
	store Store
	o     CacheOptions

	mu     sync.Mutex
	stats  Stats
	flying map[string]chan struct{} // names that are being made in this process
	held   map[string]*held
	used   int64 // by the last look, and what was added since
	added  int64 // since the last look
	looked bool
}

// held is a copy that somebody uses: as long as its file is open and locked, no process
// evicts it.
type held struct {
	f    *os.File
	refs int
}

// Copy is a local copy. It stays until it is released.
type Copy struct {
	Path    string
	Sparse  bool // only what was asked for is there
	release func()
	once    sync.Once
}

// Release gives the copy back.
func (c *Copy) Release() {
	if c != nil && c.release != nil {
		c.once.Do(c.release)
	}
}

// The parts of a cache's directory.
const (
	copiesDir = "copies"
	tempsDir  = "temp"
	locksDir  = "locks"
	useSuffix = ".use"
)

// OpenCache opens a directory, which is made where it is missing.
func OpenCache(dir string, s Store, o CacheOptions) (*Cache, error) {
	o.Bytes = cmp.Or(o.Bytes, 10<<30)
	if o.Now == nil {
		o.Now = time.Now
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for _, d := range []string{copiesDir, tempsDir, locksDir} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, err
		}
	}
	c := &Cache{dir: dir, store: s, o: o, flying: map[string]chan struct{}{}, held: map[string]*held{},
		stats: Stats{Fetched: map[Kind]int64{}, Requests: map[Kind]int64{}}}
	return c, c.sweep()
}

// sweep removes what downloads that were killed left behind: a file of an hour ago that
// nobody has locked.
func (c *Cache) sweep() error {
	entries, err := os.ReadDir(filepath.Join(c.dir, tempsDir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(c.dir, tempsDir, e.Name())
		info, err := e.Info()
		if err != nil || c.o.Now().Sub(info.ModTime()) < time.Hour {
			continue
		}
		if err := removeUnused(name); err != nil && !errors.Is(err, errInUse) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Stats returns the counters.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Fetched, s.Requests = maps.Clone(c.stats.Fetched), maps.Clone(c.stats.Requests)
	return s
}

// Dirs are the directories in which copies lie, for an engine that reads from listed
// directories alone.
func (c *Cache) Dirs() []string { return []string{filepath.Join(c.dir, copiesDir)} }

func (c *Cache) fetched(k Kind, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Fetched[k] += n
	c.stats.Requests[k]++
}

// nameOf is a copy's name: another content of the same key is another copy.
func nameOf(f File) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %x %s", f.Size, f.Sum, f.Key)
	return hex.EncodeToString(h.Sum(nil)[:20]) + ".parquet"
}

func (c *Cache) check(f File) error {
	if f.Size < 0 || f.Kind != Head && f.Kind != Raw {
		return fmt.Errorf("blob cache: %s: size %d, kind %q", f.Key, f.Size, f.Kind)
	}
	return CheckKey(f.Key)
}

// local returns the path of a file that lies on this machine anyway.
func (c *Cache) local(f File) (*Copy, bool, error) {
	d, ok := c.store.(interface {
		Path(key string) (string, error)
	})
	if !ok {
		return nil, false, nil
	}
	p, err := d.Path(f.Key)
	if err != nil {
		return nil, true, err
	}
	if _, err := os.Stat(p); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = ErrNotFound
		}
		return nil, true, &Error{Op: "get", Name: p, Err: err}
	}
	return &Copy{Path: p}, true, nil
}

// Whole returns a copy of a whole object, fetched if need be and verified by its checksum.
// Of several that ask for it at once, in this process or others, one fetches it.
func (c *Cache) Whole(ctx context.Context, f File) (*Copy, error) {
	if err := c.check(f); err != nil {
		return nil, err
	}
	if copy, ok, err := c.local(f); ok {
		return copy, err
	}
	name := nameOf(f)
	land, err := c.fly(ctx, name)
	if err != nil {
		return nil, err
	}
	defer land()
	for range 8 {
		copy, err := c.hold(name)
		if err == nil {
			if c.trusted(name, f) == nil {
				c.hit(true)
				return copy, nil
			}
			copy.Release()
			// It is not what it was: away with it, unless somebody reads it this moment.
			if err := c.drop(name); err != nil {
				return nil, &Error{Op: "get", Name: c.path(name), Err: fmt.Errorf("%w, and it is in use: %w", ErrChecksum, err)}
			}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		unlock, err := c.lock(ctx, name)
		if err != nil {
			return nil, err
		}
		if _, err = os.Stat(c.path(name)); errors.Is(err, fs.ErrNotExist) { // no other process made it meanwhile
			c.hit(false)
			err = c.fetch(ctx, name, f)
		}
		unlock()
		if err != nil {
			return nil, err
		}
	}
	return nil, &Error{Op: "get", Name: c.path(name), Err: errors.New("the copy goes away again and again")}
}

func (c *Cache) hit(yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if yes {
		c.stats.Hits++
	} else {
		c.stats.Misses++
	}
}

func (c *Cache) path(name string) string { return filepath.Join(c.dir, copiesDir, name) }

// fly waits until nobody else in this process makes the copy of a name.
func (c *Cache) fly(ctx context.Context, name string) (land func(), err error) {
	for {
		c.mu.Lock()
		other := c.flying[name]
		if other == nil {
			mine := make(chan struct{})
			c.flying[name] = mine
			c.mu.Unlock()
			return func() {
				c.mu.Lock()
				delete(c.flying, name)
				c.mu.Unlock()
				close(mine)
			}, nil
		}
		c.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// lock keeps other processes from making the copy of a name. There are 128 locks, so that
// the directory holds no file per copy for it.
func (c *Cache) lock(ctx context.Context, name string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(c.dir, locksDir, lockOf(name)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := tryLock(f, true)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if ok {
			return func() { _ = f.Close() }, nil // closing it lets the lock go
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		}
	}
}

// lockOf is the lock of a name: 64 for whole copies, 64 for parts.
func lockOf(name string) string {
	kind := "w"
	if name[0] == 'p' {
		kind = "p"
	}
	return kind + name[1:2] + string("0123"[name[2]%4])
}

// hold opens a copy so that nobody evicts it.
func (c *Cache) hold(name string) (*Copy, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.held[name]
	if h == nil {
		f, err := os.Open(c.path(name))
		if err != nil {
			return nil, err
		}
		ok, err := tryLock(f, false)
		if err == nil && ok {
			// It may have been evicted between the two: then the path is another file's, or none.
			var a, b fs.FileInfo
			if a, err = f.Stat(); err == nil {
				if b, err = os.Stat(c.path(name)); err == nil && !os.SameFile(a, b) {
					err = fs.ErrNotExist
				}
			}
		} else if err == nil {
			err = fs.ErrNotExist // it is being evicted
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		h = &held{f: f}
		c.held[name] = h
	}
	h.refs++
	return &Copy{Path: c.path(name), release: func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if h.refs--; h.refs == 0 {
			_ = h.f.Close() // it was only read
			delete(c.held, name)
		}
	}}, nil
}

// trusted says whether a copy is what it should be: by the note of an earlier look where
// the file has not changed since, else by its checksum. It notes the use.
func (c *Cache) trusted(name string, f File) error {
	path := c.path(name)
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() != f.Size {
		return ErrChecksum
	}
	note := fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
	if old, err := os.ReadFile(path + useSuffix); err == nil && string(old) == note {
		now := c.o.Now()
		_ = os.Chtimes(path+useSuffix, now, now) // the order of eviction is no promise
		return nil
	}
	if f.Sum != [32]byte{} {
		r, err := os.Open(path)
		if err != nil {
			return err
		}
		sum, _, err := hashAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
		if sum != f.Sum {
			return ErrChecksum
		}
	}
	return c.note(name, note)
}

func (c *Cache) note(name, note string) error {
	path := c.path(name) + useSuffix
	if err := os.WriteFile(path, []byte(note), 0o600); err != nil {
		return err
	}
	now := c.o.Now()
	return os.Chtimes(path, now, now)
}

// drop removes a copy that nobody uses.
func (c *Cache) drop(name string) error {
	c.mu.Lock()
	inUse := c.held[name] != nil
	c.mu.Unlock()
	if inUse {
		return errInUse
	}
	path := c.path(name)
	if err := removeUnused(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, s := range []string{useSuffix, haveSuffix} {
		if err := os.Remove(path + s); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

var errInUse = errors.New("it is in use")

// removeUnused removes a file that nobody has locked.
func removeUnused(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	ok, err := tryLock(f, true)
	if err == nil && !ok {
		err = errInUse
	}
	if err == nil && !removeOpen {
		err = f.Close()
	}
	if err == nil {
		err = os.Remove(path)
	}
	if cerr := f.Close(); cerr != nil && !errors.Is(cerr, os.ErrClosed) {
		err = errors.Join(err, cerr)
	}
	return err
}

func (c *Cache) temp() (*os.File, error) {
	var random [12]byte
	rand.Read(random[:]) //nolint:errcheck // it never fails
	f, err := os.OpenFile(filepath.Join(c.dir, tempsDir, hex.EncodeToString(random[:])), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := tryLock(f, true); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return f, nil
}

// fetch makes the copy of a whole object: verified, on the disk, then by its name.
func (c *Cache) fetch(ctx context.Context, name string, f File) error {
	if err := c.reserve(f.Size); err != nil {
		return &Error{Op: "get", Name: c.dir, Err: err, Hint: "give the cache more bytes, or ask for less at once"}
	}
	t, err := c.temp()
	if err != nil {
		return err
	}
	sum, n, err := c.download(ctx, t, f)
	if err == nil && (n != f.Size || f.Sum != [32]byte{} && sum != f.Sum) {
		err = &Error{Op: "get", Name: c.store.String() + "/" + f.Key, Err: fmt.Errorf("%w: %d bytes with sha256 %x, not %d with %x", ErrChecksum, n, sum, f.Size, f.Sum)}
	}
	if err == nil {
		err = t.Sync()
	}
	if err = errors.Join(err, t.Close()); err == nil {
		err = os.Rename(t.Name(), c.path(name))
	}
	if err != nil {
		if rm := os.Remove(t.Name()); rm != nil && !errors.Is(rm, fs.ErrNotExist) {
			err = errors.Join(err, rm)
		}
		return err
	}
	info, err := os.Stat(c.path(name))
	if err != nil {
		return nil //nolint:nilerr // evicted already: the caller sees it and begins anew
	}
	return c.note(name, fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano()))
}

func (c *Cache) download(ctx context.Context, w io.Writer, f File) (sum [32]byte, n int64, err error) {
	in, _, err := c.store.Get(ctx, f.Key)
	if err != nil {
		return sum, 0, err
	}
	h := sha256.New()
	n, err = copyCancel(ctx, io.MultiWriter(w, h), io.LimitReader(in, f.Size+1))
	c.fetched(f.Kind, n)
	h.Sum(sum[:0])
	return sum, n, errors.Join(err, in.Close())
}

func isCopy(name string) bool { return strings.HasSuffix(name, ".parquet") }
