package lake

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/yagura-sec/yagura/lake/blob"
)

// Blobs is where the files lie. A name is a path below the lake, with slashes.
type Blobs interface {
	// Put makes a file with this content, durably, or does nothing. It is an error when there
	// is one of that name.
	Put(ctx context.Context, name string, content []byte) error
	// PutFrom is Put for the size bytes of r, which need not fit into memory. It is an error when
	// sum is not their SHA-256.
	PutFrom(ctx context.Context, name string, r io.ReaderAt, size int64, sum [32]byte) error
	// Get opens a file for reading. An error for one that is not there is fs.ErrNotExist.
	Get(ctx context.Context, name string) (Opened, error)
	// Delete removes a file. It is no error when there is none.
	Delete(ctx context.Context, name string) error
}

// Opened is an opened file.
type Opened interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Disk is a folder of this machine.
type Disk string

// path returns where a file is. Names are ours; a catalogue that somebody wrote into must not
// lead out of the folder all the same.
func (d Disk) path(name string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) || strings.Contains(name, "\\") {
		return "", fmt.Errorf("lake: %q is no name of a file below the lake", name)
	}
	return filepath.Join(string(d), filepath.FromSlash(name)), nil
}

// tempPrefix begins the names of files that are not finished.
const tempPrefix = "tmp-"

// Put writes to a file beside, brings it to the disk, and gives it its name. Of two who put a file
// of one name at once one gets an error that there is one, where the file system has hard links.
func (d Disk) Put(_ context.Context, name string, content []byte) error {
	return d.write(name, bytes.NewReader(content), named)
}

// named gives a file its name where none has it.
func named(temp, path string) error {
	if os.Link(temp, path) == nil {
		return os.Remove(temp)
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("lake: %s: %w", path, fs.ErrExist)
	}
	return os.Rename(temp, path) // there are no hard links here
}

// PutFrom writes a file as Put does. What was read is hashed, and not what might have been.
func (d Disk) PutFrom(ctx context.Context, name string, r io.ReaderAt, size int64, sum [32]byte) error {
	h := sha256.New()
	return d.write(name, io.TeeReader(untilDone{ctx, io.NewSectionReader(r, 0, size)}, h), func(temp, path string) error {
		if got := [32]byte(h.Sum(nil)); got != sum {
			return fmt.Errorf("lake: %s: %w: it is %x", name, blob.ErrChecksum, got)
		}
		return named(temp, path)
	})
}

// untilDone is a reader that ends with a context.
type untilDone struct {
	ctx context.Context //nolint:containedctx // io.Reader has none
	r   io.Reader
}

// Read reads on.
func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

// Replace writes a file as Put does, and in the place of the one of that name if there is one.
func (d Disk) Replace(_ context.Context, name string, content []byte) error {
	return d.write(name, bytes.NewReader(content), os.Rename)
}

// write writes to a file beside, brings it to the disk, and gives it its name by a function.
func (d Disk) write(name string, content io.Reader, give func(temp, path string) error) (err error) {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := makeDirs(dir); err != nil {
		return err
	}
	var random [8]byte
	rand.Read(random[:]) //nolint:errcheck // it never fails
	temp := filepath.Join(dir, tempPrefix+hex.EncodeToString(random[:])+"-"+filepath.Base(path))
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			if rerr := os.Remove(temp); !errors.Is(rerr, fs.ErrNotExist) {
				err = errors.Join(err, rerr)
			}
		}
	}()
	_, err = io.Copy(f, content)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := give(temp, path); err != nil {
		return err
	}
	return syncDir(dir)
}

// makeDirs makes a folder and those above it, durably.
func makeDirs(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDirs(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrInvalid) {
		return nil // not every system can
	}
	return err
}

type diskFile struct {
	*os.File
	size int64
}

// Size returns the length of the file.
func (f diskFile) Size() int64 { return f.size }

// Get opens a file.
func (d Disk) Get(_ context.Context, name string) (Opened, error) {
	path, err := d.path(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return diskFile{f, info.Size()}, nil
}

// Delete removes a file, and what was left half written of it.
func (d Disk) Delete(_ context.Context, name string) error {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	half, err := filepath.Glob(filepath.Join(filepath.Dir(path), tempPrefix+"*-"+filepath.Base(path)))
	if err != nil {
		return err
	}
	for _, p := range append(half, path) {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
