package blob

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// entry is a copy as eviction sees it.
type entry struct {
	name string
	size int64 // what it takes of the disk
	used time.Time
}

// reserve makes room for n bytes. What other processes add is seen at the next look, which
// comes after a sixteenth of the bound at the latest.
func (c *Cache) reserve(n int64) error {
	if n > c.o.Bytes {
		return ErrFull
	}
	c.mu.Lock()
	fits := c.looked && c.used+n <= c.o.Bytes && c.added+n <= c.o.Bytes/16
	if fits {
		c.used += n
		c.added += n
	}
	c.mu.Unlock()
	if fits {
		return nil
	}
	entries, total, err := c.look()
	if err != nil {
		return err
	}
	if total+n > c.o.Bytes {
		// A little more than needed goes, so that not every miss has to look.
		want := max(c.o.Bytes-n-c.o.Bytes/16, 0)
		slices.SortFunc(entries, func(a, b entry) int { return a.used.Compare(b.used) })
		for _, e := range entries {
			if total <= want {
				break
			}
			switch err := c.drop(e.name); {
			case errors.Is(err, errInUse):
				continue
			case err != nil:
				return err
			}
			total -= e.size
			c.mu.Lock()
			c.stats.Evicted++
			c.mu.Unlock()
		}
		if total+n > c.o.Bytes {
			return ErrFull
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used, c.added, c.looked = total+n, n, true
	return nil
}

// look lists the copies. A note of a use without its copy is removed on the way.
func (c *Cache) look() ([]entry, int64, error) {
	dir := filepath.Join(c.dir, copiesDir)
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, err
	}
	var out []entry
	var total int64
	for _, e := range list {
		if !isCopy(e.Name()) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		one := entry{name: e.Name(), size: allocated(info), used: info.ModTime()}
		if use, err := os.Stat(filepath.Join(dir, e.Name()+useSuffix)); err == nil {
			one.used = use.ModTime()
		}
		total += one.size
		out = append(out, one)
	}
	return out, total, nil
}
