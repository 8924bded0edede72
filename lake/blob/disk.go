package blob

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// Disk is a folder. A file appears by its name when its content is on the disk, and the
// name is on the disk when Put returns. Several processes may use one folder, also over a
// network file system that keeps what fsync promises.
type Disk struct {
	root *os.Root
	dir  string
}

// tempDir holds files that are being written. Its name is none that a key could have.
const tempDir = ".writing"

// OpenDisk opens a folder, which is made where it is missing. What writers that ended long
// ago left half written is removed.
func OpenDisk(dir string, now time.Time) (*Disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	d := &Disk{root: root, dir: dir}
	err = root.Mkdir(tempDir, 0o700)
	if err == nil {
		err = d.syncDir(".")
	} else if errors.Is(err, fs.ErrExist) {
		err = d.sweep(now.Add(-24 * time.Hour))
	}
	if err != nil {
		return nil, errors.Join(&Error{Op: "open", Name: dir, Err: err}, root.Close())
	}
	return d, nil
}

// Close lets the folder go.
func (d *Disk) Close() error { return d.root.Close() }

// String is the folder.
func (d *Disk) String() string { return d.dir }

// sweep removes half-written files that are older than a time.
func (d *Disk) sweep(before time.Time) error {
	entries, err := fs.ReadDir(d.root.FS(), tempDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.ModTime().Before(before) {
			continue // gone meanwhile, or somebody's who is at work
		}
		if err := d.root.Remove(tempDir + "/" + e.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (d *Disk) fail(op, key string, err error) error {
	hint := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		err = ErrNotFound
	case errors.Is(err, fs.ErrExist):
		err = ErrExists
	case errors.Is(err, fs.ErrPermission):
		err, hint = errors.Join(ErrDenied, err), "the folder must be readable and writable for this user"
	}
	return &Error{Op: op, Name: path.Join(d.dir, key), Err: err, Hint: hint}
}

// Put writes a file.
func (d *Disk) Put(ctx context.Context, key string, r io.ReaderAt, size int64, o PutOptions) (Info, error) {
	info, err := d.put(ctx, key, r, size, o)
	return info, d.fail("put", key, err)
}

func (d *Disk) put(ctx context.Context, key string, r io.ReaderAt, size int64, o PutOptions) (Info, error) {
	if err := checkPut(ctx, key, size); err != nil {
		return Info{}, err
	}
	sum, _, err := sumsOf(r, size, o.Sum)
	if err != nil {
		return Info{}, err
	}
	if o.IfAbsent { // the common case of a repeated write, before anything is written
		if _, err := d.root.Lstat(key); err == nil {
			return Info{}, ErrExists
		}
	}
	var random [12]byte
	rand.Read(random[:]) //nolint:errcheck // it never fails
	temp := tempDir + "/" + hex.EncodeToString(random[:])
	if err := d.writeTemp(ctx, temp, r, size); err != nil {
		return Info{}, errors.Join(err, d.drop(temp))
	}
	if err := d.name(temp, key, o.IfAbsent); err != nil {
		return Info{}, errors.Join(err, d.drop(temp))
	}
	info, err := d.root.Stat(key)
	if errors.Is(err, fs.ErrNotExist) { // deleted already, which is none of this write's faults
		return Info{Key: key, Size: size, Sum: sum}, nil
	}
	if err != nil {
		return Info{}, err
	}
	return Info{Key: key, Size: size, Sum: sum, Modified: info.ModTime()}, nil
}

func checkPut(ctx context.Context, key string, size int64) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	if size < 0 || size > MaxObject {
		return fmt.Errorf("an object of %d bytes: it may have up to %d", size, int64(MaxObject))
	}
	return ctx.Err()
}

func (d *Disk) drop(temp string) error {
	if err := d.root.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (d *Disk) writeTemp(ctx context.Context, temp string, r io.ReaderAt, size int64) error {
	f, err := d.root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n, err := copyCancel(ctx, f, io.NewSectionReader(r, 0, size))
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// name gives a written file its name. A link refuses a name that is taken; a rename takes
// its place. Somebody who deletes the last file of a folder may take the folder away
// between its making and the naming: then it is made again.
func (d *Disk) name(temp, key string, absent bool) error {
	for range 16 {
		if err := d.makeDirs(path.Dir(key)); err != nil {
			return err
		}
		var err error
		if absent {
			err = d.root.Link(temp, key)
		} else {
			err = d.root.Rename(temp, key)
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			if absent && !errors.Is(err, fs.ErrExist) {
				err = fmt.Errorf("%w (hint: the file system must know hard links)", err)
			}
			return err
		}
		if absent {
			err = d.drop(temp)
		}
		return errors.Join(err, d.syncDir(path.Dir(key)))
	}
	return errors.New("its folder goes away again and again")
}

// makeDirs makes a folder and those above, each durable.
func (d *Disk) makeDirs(dir string) error {
	if dir == "." {
		return nil
	}
	if _, err := d.root.Stat(dir); err == nil {
		return nil
	}
	if err := d.makeDirs(path.Dir(dir)); err != nil {
		return err
	}
	if err := d.root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.syncDir(path.Dir(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (d *Disk) syncDir(dir string) error {
	f, err := d.root.Open(dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrInvalid) || noDirSync {
		err = nil // this system keeps names by itself
	}
	return errors.Join(err, f.Close())
}

func copyCancel(ctx context.Context, w io.Writer, r io.Reader) (int64, error) {
	buf := make([]byte, 256<<10)
	var n int64
	for {
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		k, err := r.Read(buf)
		if k > 0 {
			if _, werr := w.Write(buf[:k]); werr != nil {
				return n, werr
			}
		}
		n += int64(k)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

func (d *Disk) open(ctx context.Context, key string) (*os.File, Info, error) {
	if err := errors.Join(CheckKey(key), ctx.Err()); err != nil {
		return nil, Info{}, err
	}
	f, err := d.root.Open(key)
	if err != nil {
		return nil, Info{}, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, Info{}, errors.Join(err, f.Close())
	}
	return f, Info{Key: key, Size: info.Size(), Modified: info.ModTime()}, nil
}

// Get opens a file. A folder keeps no checksums beside its files: the reader knows the
// size alone.
func (d *Disk) Get(ctx context.Context, key string) (io.ReadCloser, Info, error) {
	f, info, err := d.open(ctx, key)
	if err != nil {
		return nil, Info{}, d.fail("get", key, err)
	}
	return verify(f, info, path.Join(d.dir, key)), info, nil
}

// ReadRange reads a part of a file.
func (d *Disk) ReadRange(ctx context.Context, key string, off int64, p []byte) error {
	f, _, err := d.open(ctx, key)
	if err != nil {
		return d.fail("read", key, err)
	}
	_, err = io.ReadFull(io.NewSectionReader(f, off, int64(len(p))), p)
	if errors.Is(err, io.EOF) && len(p) > 0 {
		err = io.ErrUnexpectedEOF
	}
	return d.fail("read", key, errors.Join(err, f.Close()))
}

// Stat describes a file.
func (d *Disk) Stat(ctx context.Context, key string) (Info, error) {
	if err := errors.Join(CheckKey(key), ctx.Err()); err != nil {
		return Info{}, d.fail("stat", key, err)
	}
	info, err := d.root.Stat(key)
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return Info{}, d.fail("stat", key, err)
	}
	return Info{Key: key, Size: info.Size(), Modified: info.ModTime()}, nil
}

// Path returns where a file lies, for readers that want a path.
func (d *Disk) Path(key string) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", err
	}
	return path.Join(d.dir, key), nil
}

// List lists files in the order of their keys.
func (d *Disk) List(ctx context.Context, prefix, after string, limit int) (Page, error) {
	if err := checkPrefix(prefix); err != nil {
		return Page{}, d.fail("list", prefix, err)
	}
	if limit <= 0 || limit > maxList {
		limit = maxList
	}
	l := &lister{d: d, ctx: ctx, prefix: prefix, after: after, limit: limit}
	err := l.walk(".")
	if errors.Is(err, errFull) {
		err = nil
	}
	return l.page, d.fail("list", prefix, err)
}

var errFull = errors.New("the page is full")

type lister struct {
	d             *Disk
	ctx           context.Context //nolint:containedctx // it lives as long as the call
	prefix, after string
	limit         int
	page          Page
}

// walk goes through a folder in the order of the keys below it, for which a folder sorts as
// its name with a slash behind.
func (l *lister) walk(dir string) error {
	if l.ctx.Err() != nil {
		return l.ctx.Err()
	}
	entries, err := fs.ReadDir(l.d.root.FS(), dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	keys := make([]string, 0, len(entries))
	for _, e := range entries {
		name := e.Name()
		if name[0] == '.' {
			continue
		}
		key := path.Join(dir, name)
		switch {
		case e.IsDir():
			key += "/"
			// Everything below begins with key: it is worth a look when that may begin with the
			// prefix and may lie behind after.
			if !strings.HasPrefix(key, l.prefix) && !strings.HasPrefix(l.prefix, key) {
				continue
			}
			if key <= l.after && !strings.HasPrefix(l.after, key) {
				continue
			}
		case !e.Type().IsRegular() || !strings.HasPrefix(key, l.prefix) || key <= l.after || CheckKey(key) != nil:
			continue
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if sub, ok := strings.CutSuffix(key, "/"); ok {
			if err := l.walk(sub); err != nil {
				return err
			}
			continue
		}
		if len(l.page.Objects) == l.limit {
			l.page.More = true
			return errFull
		}
		info, err := l.d.root.Stat(key)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		l.page.Objects = append(l.page.Objects, Info{Key: key, Size: info.Size(), Modified: info.ModTime()})
	}
	return nil
}

// Delete removes a file, and the folders that are empty then.
func (d *Disk) Delete(ctx context.Context, key string) error {
	if err := errors.Join(CheckKey(key), ctx.Err()); err != nil {
		return d.fail("delete", key, err)
	}
	err := d.root.Remove(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return d.fail("delete", key, err)
	}
	dir := path.Dir(key)
	for dir != "." && d.root.Remove(dir) == nil {
		dir = path.Dir(dir)
	}
	if err := d.syncDir(dir); !errors.Is(err, fs.ErrNotExist) {
		return d.fail("delete", key, err)
	}
	return nil
}
