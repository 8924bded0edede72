package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/lake/blob"
)

// Manifests is where a chain is kept: names and contents, which are never changed.
type Manifests interface {
	// Append writes a new content; where there is one of that name, the error wraps
	// fs.ErrExist, and exactly one of several writers gets none.
	Append(ctx context.Context, name string, data []byte) error
	// Read returns a content; the error wraps fs.ErrNotExist where there is none.
	Read(ctx context.Context, name string) ([]byte, error)
	// Names calls f with all names in their order.
	Names(ctx context.Context, f func(name string) error) error
}

// InStore keeps a chain beside the lake files, below the given prefix.
func InStore(s blob.Store, prefix string) Manifests {
	return inStore{s, strings.Trim(prefix, "/") + "/"}
}

type inStore struct {
	s      blob.Store
	prefix string
}

// Append writes a manifest.
func (i inStore) Append(ctx context.Context, name string, data []byte) error {
	_, err := blob.PutBytes(ctx, i.s, i.prefix+name, data, blob.PutOptions{IfAbsent: true})
	if errors.Is(err, blob.ErrExists) {
		err = fmt.Errorf("%w: %w", fs.ErrExist, err)
	}
	return err
}

// Read reads a manifest.
func (i inStore) Read(ctx context.Context, name string) ([]byte, error) {
	data, _, err := blob.ReadAll(ctx, i.s, i.prefix+name, maxManifest)
	if errors.Is(err, blob.ErrNotFound) {
		err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return data, err
}

// Names lists the manifests.
func (i inStore) Names(ctx context.Context, f func(string) error) error {
	for o, err := range blob.All(ctx, i.s, i.prefix) {
		if err != nil {
			return err
		}
		if err := f(strings.TrimPrefix(o.Key, i.prefix)); err != nil {
			return err
		}
	}
	return nil
}

// InFolder reads a chain from a folder, and changes nothing there.
func InFolder(dir string) Manifests { return inFolder(dir) }

type inFolder string

// Append is refused.
func (inFolder) Append(context.Context, string, []byte) error {
	return errors.New("proof: this chain is only read")
}

// Read reads a manifest.
func (f inFolder) Read(_ context.Context, name string) ([]byte, error) {
	r, err := os.Open(filepath.Join(string(f), filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	return data, err
}

// Names lists the manifests; a folder that is not there has none.
func (f inFolder) Names(ctx context.Context, each func(string) error) error {
	err := Folder(f).All(ctx, each)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// nameOf is a manifest's name: by its number, so that two writers cannot both append.
func nameOf(number int64) string { return fmt.Sprintf("%06d/%012d.json", number/1000, number) }

// Arrived is what a seal asks the catalogue for.
type Arrived interface {
	// FilesAfter lists the files that were committed behind seq, and the last commit.
	FilesAfter(ctx context.Context, seq int64) (files []yagura.LakeFile, last int64, err error)
	// ObjectsBetween lists the objects that were received whole in a time (its end is not in it).
	ObjectsBetween(ctx context.Context, from, to time.Time) ([]Object, error)
}

// Chain appends to a chain of manifests. Several processes may append to one.
type Chain struct {
	m    Manifests
	key  Key
	last *Sealed
}

// OpenChain finds the end of a chain. key seals what is appended; nil does not.
func OpenChain(ctx context.Context, m Manifests, key Key) (*Chain, error) {
	c := &Chain{m: m, key: key}
	last := ""
	err := m.Names(ctx, func(name string) error {
		if name > last && numbered(name) {
			last = name
		}
		return nil
	})
	if err != nil || last == "" {
		return c, err
	}
	return c, c.take(ctx, last)
}

func numbered(name string) bool {
	return len(path.Base(name)) == 17 && strings.HasSuffix(name, ".json")
}

func (c *Chain) take(ctx context.Context, name string) error {
	data, err := c.m.Read(ctx, name)
	if err != nil {
		return err
	}
	s, err := Decode(data)
	if err != nil {
		return fmt.Errorf("proof: manifest %s: %w (hint: lake verify tells what is wrong with the chain)", name, err)
	}
	c.last = s
	return nil
}

// Head is the newest manifest's number and hash: kept elsewhere, it shows later that the
// chain's end was not cut off.
func (c *Chain) Head() (number int64, hash string) {
	if c.last == nil {
		return 0, ""
	}
	return c.last.Number, c.last.Hash
}

// Refresh takes over what other processes appended.
func (c *Chain) Refresh(ctx context.Context) error {
	n, _ := c.Head()
	for {
		n++
		if err := c.take(ctx, nameOf(n)); errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// append seals a manifest behind the last one. When another process was faster, its
// manifests are taken over, and again is true: what was to be said may be said already.
func (c *Chain) append(ctx context.Context, m Manifest) (again bool, err error) {
	s, err := Seal(m, c.last, c.key)
	if err != nil {
		return false, err
	}
	data, err := s.Encode()
	if err != nil {
		return false, err
	}
	if len(data) > maxManifest {
		return false, fmt.Errorf("proof: a manifest of %d MB", len(data)>>20)
	}
	err = c.m.Append(ctx, nameOf(s.Number), data)
	if errors.Is(err, fs.ErrExist) {
		return true, c.Refresh(ctx)
	}
	if err != nil {
		return false, err
	}
	c.last = s
	return false, nil
}

// SealUntil appends the manifests of all UTC hours that ended before now, and returns how
// many were appended. Hours in which nothing arrived are in the manifest of the next
// hour in which something did, or in one manifest up to now. The first manifest of a
// chain begins with the hour before now and names all files that there are.
func (c *Chain) SealUntil(ctx context.Context, a Arrived, now time.Time) (int, error) {
	end := now.UTC().Truncate(time.Hour)
	done := 0
	for {
		from, seq := end.Add(-time.Hour), int64(0)
		if c.last != nil {
			from, seq = c.last.To, c.last.Seq
		}
		if !from.Before(end) {
			return done, nil
		}
		files, last, err := a.FilesAfter(ctx, seq)
		if err != nil {
			return done, err
		}
		// Files are told by their commit, objects by the hour; a backlog of hours becomes one
		// manifest for each hour with objects.
		to := from.Truncate(time.Hour).Add(time.Hour)
		objects, err := a.ObjectsBetween(ctx, from, to)
		if err != nil {
			return done, err
		}
		for len(objects) == 0 && to.Before(end) {
			to = to.Add(time.Hour)
			if objects, err = a.ObjectsBetween(ctx, to.Add(-time.Hour), to); err != nil {
				return done, err
			}
		}
		// Where another process was faster, the next round sees what is left to say.
		n, err := c.spread(ctx, objects, files, from, to, seq, last)
		done += n
		if err != nil {
			return done, err
		}
	}
}

// spread appends one time's manifests: mostly one, more where there is very much. All but
// the last end where they begin and leave the commit where it was, so that after a crash in
// between everything is named again rather than not at all.
func (c *Chain) spread(ctx context.Context, objects []Object, files []yagura.LakeFile, from, to time.Time, seq, last int64) (n int, err error) {
	for {
		m := Manifest{From: from, To: from, Seq: seq}
		k := min(len(objects), perManifest)
		m.Objects, objects = objects[:k], objects[k:]
		k = min(len(files), perManifest)
		for _, f := range files[:k] {
			m.Files = append(m.Files, EntryOf(f))
		}
		files = files[k:]
		if len(objects) == 0 && len(files) == 0 {
			m.To, m.Seq = to, max(last, seq)
		}
		if again, err := c.append(ctx, m); err != nil || again {
			return n, err
		}
		n++
		if len(objects) == 0 && len(files) == 0 {
			return n, nil
		}
	}
}

// Drop says that files are about to be removed on purpose. It is called before they are:
// a file that is gone and of which the chain says nothing counts as missing.
func (c *Chain) Drop(ctx context.Context, drops []Drop, now time.Time) error {
	for len(drops) > 0 {
		k := min(len(drops), perManifest)
		m := Manifest{From: now.UTC().Truncate(time.Hour), Dropped: drops[:k]}
		if m.To = m.From; c.last != nil {
			m.To, m.Seq = c.last.To, c.last.Seq
		}
		again, err := c.append(ctx, m)
		if err != nil {
			return err
		}
		if !again {
			drops = drops[k:]
		}
	}
	return nil
}
