package segtest

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/yagura-sec/yagura/segment"
)

// FS is a file system in memory. It may be used by many goroutines.
type FS struct {
	mu     sync.Mutex
	rand   *rand.Rand
	names  map[string]*node // as a running process sees them
	stable map[string]*node // as they would be found after a loss of power
	locks  map[string]bool
	room   int64 // bytes that can still be written; below zero: no limit
	fail   func(op, name string) error
	dead   bool
}

type node struct {
	data   []byte
	stable []byte
}

// New returns an empty file system whose chances follow a seed.
func New(seed uint64) *FS {
	return &FS{rand: rand.New(rand.NewPCG(seed, 1)), names: map[string]*node{}, stable: map[string]*node{}, locks: map[string]bool{}, room: -1}
}

// SetRoom says how many more bytes fit; below zero there is no limit.
func (d *FS) SetRoom(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = bytes
}

// SetFail makes operations fail: f is asked before each one (its name is that of the
// method: "OpenFile", "WriteAt", "Sync", "SyncDir", …). nil ends it.
func (d *FS) SetFail(f func(op, name string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = f
}

// Crash ends this file system (everything fails from now on) and returns what a
// restarted machine finds: what was fsynced, and of the rest some, none or all.
func (d *FS) Crash() *FS {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	n := New(d.rand.Uint64())
	names := map[string]*node{}
	maps.Copy(names, d.stable)
	for name, f := range d.names { // a name that was made but not fsynced may be there
		if d.stable[name] != f && d.rand.IntN(2) == 0 {
			names[name] = f
		}
	}
	for name, f := range d.stable { // and one that was removed may be gone
		if d.names[name] != f && names[name] == f && d.rand.IntN(2) == 0 {
			delete(names, name)
			if now := d.names[name]; now != nil {
				names[name] = now
			}
		}
	}
	for name, f := range names {
		data := slices.Clone(f.stable)
		switch d.rand.IntN(4) {
		case 0:
			data = slices.Clone(f.data)
		case 1: // a part was written, up to some place
			if len(f.data) > len(data) {
				data = append(data, f.data[len(data):len(data)+d.rand.IntN(len(f.data)-len(data)+1)]...)
			}
		case 2: // the size was written, of the blocks only some
			if len(f.data) > len(data) {
				old := len(data)
				data = append(data, make([]byte, len(f.data)-old)...)
				for at := old; at < len(data); at += 512 {
					if d.rand.IntN(2) == 0 {
						copy(data[at:min(at+512, len(data))], f.data[at:])
					}
				}
			}
		}
		n.names[name] = &node{data: data, stable: slices.Clone(data)}
	}
	maps.Copy(n.stable, n.names)
	return n
}

// Kill ends this file system and returns what the next process finds: everything that
// was written.
func (d *FS) Kill() *FS {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	n := New(d.rand.Uint64())
	for name, f := range d.names {
		n.names[name] = &node{data: slices.Clone(f.data), stable: slices.Clone(f.stable)}
	}
	for name, f := range d.stable {
		if g := n.names[name]; g != nil && d.names[name] == f {
			n.stable[name] = g
		} else {
			n.stable[name] = &node{data: slices.Clone(f.data), stable: slices.Clone(f.stable)}
		}
	}
	return n
}

// Damage changes the bytes of a file, durably.
func (d *FS) Damage(name string, f func(data []byte) []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.names[name]
	if n == nil {
		return fs.ErrNotExist
	}
	n.data = f(n.data)
	n.stable = slices.Clone(n.data)
	return nil
}

// Names lists all files.
func (d *FS) Names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for name := range d.names {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// ask says whether an operation fails. The lock is held.
func (d *FS) ask(op, name string) error {
	if d.dead {
		return errors.New("the machine is down")
	}
	if d.fail != nil {
		return d.fail(op, name)
	}
	return nil
}

// OpenFile is os.OpenFile.
func (d *FS) OpenFile(name string, flag int, _ fs.FileMode) (segment.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("OpenFile", name); err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	f := d.names[name]
	switch {
	case f == nil && flag&os.O_CREATE == 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case f == nil:
		f = &node{}
		d.names[name] = f
	case flag&os.O_EXCL != 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
	case flag&os.O_TRUNC != 0:
		f.data = nil
	}
	return &file{fs: d, name: name, n: f}, nil
}

// ReadDir returns the names in a directory, sorted.
func (d *FS) ReadDir(dir string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("ReadDir", dir); err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: dir, Err: err}
	}
	var names []string
	for name := range d.names {
		if filepath.Dir(name) == filepath.Clean(dir) {
			names = append(names, filepath.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

// MkdirAll does nothing: every directory is there.
func (d *FS) MkdirAll(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ask("MkdirAll", dir)
}

// Remove removes a file.
func (d *FS) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("Remove", name); err != nil {
		return &fs.PathError{Op: "remove", Path: name, Err: err}
	}
	f := d.names[name]
	if f == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if d.room >= 0 {
		d.room += int64(len(f.data))
	}
	delete(d.names, name)
	return nil
}

// Rename renames a file.
func (d *FS) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("Rename", from); err != nil {
		return &fs.PathError{Op: "rename", Path: from, Err: err}
	}
	f := d.names[from]
	if f == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	delete(d.names, from)
	d.names[to] = f
	return nil
}

// SyncDir makes the names of a directory durable.
func (d *FS) SyncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("SyncDir", dir); err != nil {
		return &fs.PathError{Op: "sync", Path: dir, Err: err}
	}
	for name := range d.stable {
		if filepath.Dir(name) == filepath.Clean(dir) {
			delete(d.stable, name)
		}
	}
	for name, f := range d.names {
		if filepath.Dir(name) == filepath.Clean(dir) {
			d.stable[name] = f
		}
	}
	return nil
}

type lock struct {
	fs   *FS
	name string
}

// Close gives the lock free.
func (l *lock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	delete(l.fs.locks, l.name)
	return nil
}

// Lock takes a lock, or says that it is taken.
func (d *FS) Lock(name string) (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("Lock", name); err != nil {
		return nil, err
	}
	if d.locks[name] {
		return nil, segment.ErrLocked
	}
	d.locks[name] = true
	return &lock{d, name}, nil
}

type file struct {
	fs     *FS
	name   string
	n      *node
	closed bool
}

func (f *file) ask(op string) error {
	if f.closed {
		return fs.ErrClosed
	}
	if err := f.fs.ask(op, f.name); err != nil {
		return &fs.PathError{Op: op, Path: f.name, Err: err}
	}
	return nil
}

// ReadAt reads at an offset.
func (f *file) ReadAt(b []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.ask("ReadAt"); err != nil {
		return 0, err
	}
	if off >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.n.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes at an offset, as much as there is room for.
func (f *file) WriteAt(b []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.ask("WriteAt"); err != nil {
		return 0, err
	}
	n := len(b)
	if grow := off + int64(n) - int64(len(f.n.data)); grow > 0 && f.fs.room >= 0 {
		if grow > f.fs.room {
			n = max(0, n-int(grow-f.fs.room))
			grow = f.fs.room
		}
		f.fs.room -= grow
	}
	if end := off + int64(n); end > int64(len(f.n.data)) {
		f.n.data = append(f.n.data, make([]byte, end-int64(len(f.n.data)))...)
	}
	copy(f.n.data[off:], b[:n])
	if n < len(b) {
		return n, &fs.PathError{Op: "write", Path: f.name, Err: syscall.ENOSPC}
	}
	return n, nil
}

// Truncate sets the size.
func (f *file) Truncate(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.ask("Truncate"); err != nil {
		return err
	}
	if was := int64(len(f.n.data)); size <= was {
		f.n.data = f.n.data[:size:size]
		if f.fs.room >= 0 {
			f.fs.room += was - size
		}
	} else {
		f.n.data = append(f.n.data, make([]byte, size-was)...)
	}
	return nil
}

// Sync makes the content durable.
func (f *file) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.ask("Sync"); err != nil {
		return err
	}
	f.n.stable = slices.Clone(f.n.data)
	return nil
}

// Size returns the size.
func (f *file) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.ask("Size"); err != nil {
		return 0, err
	}
	return int64(len(f.n.data)), nil
}

// Close closes the file.
func (f *file) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return fs.ErrClosed
	}
	f.closed = true
	return nil
}
