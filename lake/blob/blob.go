package blob

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // for transfers
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Store holds objects by their keys. All methods may be called at once. Implementations
// are [Disk], [S3], [GCS] and [Azure]; blobtest is what each of them must pass.
type Store interface {
	// Put writes the size bytes of r as one object. It appears whole or not at all. r is
	// read again when a request is repeated.
	Put(ctx context.Context, key string, r io.ReaderAt, size int64, o PutOptions) (Info, error)
	// Get reads a whole object. A content that is not what was put (as far as its size and
	// checksum are known) is an error of the read that would end it, in place of io.EOF.
	Get(ctx context.Context, key string) (io.ReadCloser, Info, error)
	// ReadRange fills p with the bytes from off on. Fewer is an error that wraps
	// io.ErrUnexpectedEOF.
	ReadRange(ctx context.Context, key string, off int64, p []byte) error
	// Stat describes an object. The error wraps [ErrNotFound] when there is none.
	Stat(ctx context.Context, key string) (Info, error)
	// List returns the objects whose key begins with prefix and is greater than after, in
	// the order of their keys; at most limit of them (0: as many as the store gives at once).
	List(ctx context.Context, prefix, after string, limit int) (Page, error)
	// Delete removes an object. That there is none is no error.
	Delete(ctx context.Context, key string) error
	// String says where it is, for people; it holds no secret.
	String() string
}

// PutOptions say how to write.
type PutOptions struct {
	// IfAbsent refuses with [ErrExists] where an object of the key exists.
	IfAbsent bool
	// Sum is the SHA-256 of the content; the zero value has it computed. Content that does
	// not have the sum is refused with [ErrChecksum] and not written.
	Sum [32]byte
}

// Info describes an object.
type Info struct {
	Key      string
	Size     int64
	Modified time.Time
	Version  string   // the store's own name of this content: ETag, generation; may be ""
	Sum      [32]byte // SHA-256 as it was put; zero where the store did not say
	mark     string   // of the write that made it
}

// Page is a part of a listing.
type Page struct {
	Objects []Info // Sum and Version may be absent
	More    bool   // there are objects behind the last one
}

// The kinds of failure, as errors.Is knows them.
var (
	ErrNotFound = errors.New("there is no such object")
	ErrExists   = errors.New("the object exists already")
	ErrChecksum = errors.New("the content is not what its checksum says")
	ErrDenied   = errors.New("access is denied")
	// ErrUnknown is a write of which it is not known whether it was done.
	ErrUnknown = errors.New("it is not known whether the object was written")
)

// Error is a failure at an object.
type Error struct {
	Op   string // put, get, read, stat, list, delete
	Name string // the store and the key
	Err  error
	Hint string
}

// Error returns what happened and where.
func (e *Error) Error() string {
	s := "blob " + e.Op + " " + e.Name + ": " + e.Err.Error()
	if e.Hint != "" {
		s += " (hint: " + e.Hint + ")"
	}
	return s
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// MaxObject is how large an object may be: what one conditional request writes in every store.
const MaxObject = 5<<30 - 1

// The bounds of a key and of a listing.
const (
	maxKey  = 900
	maxList = 1000
)

// CheckKey says what is wrong with a key. A key is a relative path of parts between
// slashes that every store and file system can hold: no empty part, no "." or "..", none
// that begins with a dot (those are the stores' own), no control character, no backslash.
func CheckKey(key string) error {
	switch {
	case key == "":
		return errors.New("the key is empty")
	case len(key) > maxKey:
		return fmt.Errorf("the key has more than %d bytes", maxKey)
	case !utf8.ValidString(key):
		return errors.New("the key is not UTF-8")
	}
	for part := range strings.SplitSeq(key, "/") {
		switch {
		case part == "":
			return fmt.Errorf("key %q has an empty part", key)
		case part[0] == '.':
			return fmt.Errorf("key %q has a part that begins with a dot", key)
		case len(part) > 200:
			return fmt.Errorf("key %q has a part of more than 200 bytes", key)
		}
	}
	for _, r := range key {
		if unicode.IsControl(r) || r == '\\' || r == unicode.ReplacementChar {
			return fmt.Errorf("key %q has a character that is not allowed", key)
		}
	}
	return nil
}

// checkPrefix does the same for the beginning of a key.
func checkPrefix(p string) error {
	if p == "" {
		return nil
	}
	return CheckKey(strings.TrimSuffix(p, "/") + "x")
}

// PutBytes writes data as one object.
func PutBytes(ctx context.Context, s Store, key string, data []byte, o PutOptions) (Info, error) {
	return s.Put(ctx, key, bytes.NewReader(data), int64(len(data)), o)
}

// ReadAll reads a whole object of at most limit bytes.
func ReadAll(ctx context.Context, s Store, key string, limit int64) ([]byte, Info, error) {
	r, info, err := s.Get(ctx, key)
	if err != nil {
		return nil, info, err
	}
	defer r.Close() //nolint:errcheck // it was only read
	if info.Size > limit {
		return nil, info, &Error{Op: "get", Name: s.String() + "/" + key, Err: fmt.Errorf("it has %d bytes, more than %d", info.Size, limit)}
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = &Error{Op: "get", Name: s.String() + "/" + key, Err: fmt.Errorf("it has more than %d bytes", limit)}
	}
	return data, info, err
}

// All walks over every object below a prefix, page by page.
func All(ctx context.Context, s Store, prefix string) func(yield func(Info, error) bool) {
	return func(yield func(Info, error) bool) {
		for after := ""; ; {
			page, err := s.List(ctx, prefix, after, 0)
			if err != nil {
				yield(Info{}, err)
				return
			}
			for _, o := range page.Objects {
				if !yield(o, nil) {
					return
				}
				after = o.Key
			}
			if !page.More || len(page.Objects) == 0 {
				return
			}
		}
	}
}

// sumsOf are the SHA-256 and MD5 of a content, the former checked against what is expected.
func sumsOf(r io.ReaderAt, size int64, want [32]byte) (sum [32]byte, five [16]byte, err error) {
	h, h5 := sha256.New(), md5.New() //nolint:gosec // MD5 is what stores check a transfer with
	n, err := io.Copy(io.MultiWriter(h, h5), io.NewSectionReader(r, 0, size))
	if err != nil {
		return sum, five, fmt.Errorf("reading what is to be written: %w", err)
	}
	if n != size {
		return sum, five, fmt.Errorf("reading what is to be written: %d of %d bytes: %w", n, size, io.ErrUnexpectedEOF)
	}
	h.Sum(sum[:0])
	h5.Sum(five[:0])
	if want != ([32]byte{}) && want != sum {
		return sum, five, fmt.Errorf("%w: sha256 is %x, not %x", ErrChecksum, sum, want)
	}
	return sum, five, nil
}

// hashAll is the SHA-256 of what is left of a reader.
func hashAll(r io.Reader) (sum [32]byte, n int64, err error) {
	h := sha256.New()
	n, err = io.Copy(h, r)
	h.Sum(sum[:0])
	return sum, n, err
}

// verified passes a content on and compares it, at its end, with what was put.
type verified struct {
	r    io.ReadCloser
	info Info
	name string
	h    interface {
		io.Writer
		Sum([]byte) []byte
	}
	n int64
}

func verify(r io.ReadCloser, info Info, name string) io.ReadCloser {
	return &verified{r: r, info: info, name: name, h: sha256.New()}
}

// Read reads on.
func (v *verified) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	v.h.Write(p[:n]) //nolint:errcheck // a hash returns no error
	v.n += int64(n)
	switch {
	case v.n > v.info.Size:
		return n, &Error{Op: "get", Name: v.name, Err: fmt.Errorf("%w: more than its %d bytes came", ErrChecksum, v.info.Size)}
	case !errors.Is(err, io.EOF):
		if err != nil {
			err = &Error{Op: "get", Name: v.name, Err: err}
		}
		return n, err
	case v.n < v.info.Size:
		return n, &Error{Op: "get", Name: v.name, Err: fmt.Errorf("%d of %d bytes came: %w", v.n, v.info.Size, io.ErrUnexpectedEOF)}
	}
	var sum [32]byte
	v.h.Sum(sum[:0])
	if v.info.Sum != ([32]byte{}) && sum != v.info.Sum {
		return n, &Error{Op: "get", Name: v.name, Err: fmt.Errorf("%w: sha256 is %x, not %x", ErrChecksum, sum, v.info.Sum), Hint: "the object was altered behind the lake's back"}
	}
	return n, io.EOF
}

// Close ends the reading.
func (v *verified) Close() error { return v.r.Close() }
