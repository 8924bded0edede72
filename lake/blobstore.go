package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/yagura-sec/yagura/lake/blob"
)

// Stored has the files of a lake lie in an object store.
func Stored(s blob.Store) Blobs { return stored{s} }

type stored struct{ s blob.Store }

// notThere says of an error that it is about a file which is not there, or is there already, in
// the words of io/fs.
func notThere(err error) error {
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case errors.Is(err, blob.ErrExists):
		return fmt.Errorf("%w: %w", fs.ErrExist, err)
	}
	return err
}

// Put writes a file unless there is one of that name. Whether a write was done whose answer was
// lost is found out by writing the same again.
func (b stored) Put(ctx context.Context, name string, content []byte) error {
	return b.put(ctx, name, bytes.NewReader(content), int64(len(content)), [32]byte{})
}

// most is how large a file may be.
func (stored) most() int64 { return blob.MaxObject }

// PutFrom writes a file as Put does.
func (b stored) PutFrom(ctx context.Context, name string, r io.ReaderAt, size int64, sum [32]byte) error {
	return b.put(ctx, name, r, size, sum)
}

func (b stored) put(ctx context.Context, name string, r io.ReaderAt, size int64, sum [32]byte) error {
	_, err := b.s.Put(ctx, name, r, size, blob.PutOptions{IfAbsent: true, Sum: sum})
	if errors.Is(err, blob.ErrUnknown) {
		_, err = b.s.Put(ctx, name, r, size, blob.PutOptions{IfAbsent: true, Sum: sum})
	}
	return notThere(err)
}

// Replace writes a file, in the place of the one of that name if there is one.
func (b stored) Replace(ctx context.Context, name string, content []byte) error {
	_, err := blob.PutBytes(ctx, b.s, name, content, blob.PutOptions{})
	return err
}

// Get opens a file. Its parts are fetched as they are read.
func (b stored) Get(ctx context.Context, name string) (Opened, error) {
	info, err := b.s.Stat(ctx, name)
	if err != nil {
		return nil, notThere(err)
	}
	if info.Size <= wholeFile {
		data := make([]byte, info.Size)
		if len(data) > 0 {
			if err := b.s.ReadRange(ctx, name, 0, data); err != nil {
				return nil, notThere(err)
			}
		}
		return fetched{bytes.NewReader(data)}, nil
	}
	return &remote{ctx, b.s, name, info.Size}, nil
}

// wholeFile is the size up to which a file is fetched at once: one request instead of many.
const wholeFile = 64 << 20

type fetched struct{ *bytes.Reader }

// Close does nothing: there is nothing open.
func (fetched) Close() error { return nil }

// remote is a file that is fetched in parts.
type remote struct {
	ctx  context.Context //nolint:containedctx // io.ReaderAt has none; it is that of who opened the file
	s    blob.Store
	name string
	size int64
}

// Size returns the length of the file.
func (r *remote) Size() int64 { return r.size }

// Close does nothing: there is nothing open.
func (r *remote) Close() error { return nil }

// ReadAt fetches a part.
func (r *remote) ReadAt(p []byte, off int64) (int, error) {
	short := false
	if off >= r.size {
		return 0, io.EOF
	}
	if off+int64(len(p)) > r.size {
		p, short = p[:r.size-off], true
	}
	if err := r.s.ReadRange(r.ctx, r.name, off, p); err != nil {
		return 0, notThere(err)
	}
	if short {
		return len(p), io.EOF
	}
	return len(p), nil
}

// Delete removes a file.
func (b stored) Delete(ctx context.Context, name string) error { return b.s.Delete(ctx, name) }
