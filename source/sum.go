package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
)

// Copies is where copies of objects are kept.
type Copies interface {
	// TempCopy makes a file for bytes of which it is not known yet what they will be.
	TempCopy() (*os.File, error)
	// KeepCopy returns once the size bytes of r, whose SHA-256 in hexadecimal digits is sum, are
	// kept durably. That they were kept before is no error, and costs nothing.
	KeepCopy(ctx context.Context, sum string, r io.ReaderAt, size int64) error
}

// Sum takes the SHA-256 of an object while it is read, so that what was kept of it can be
// compared with the original for as long as that is there; and a copy of it where one is
// wanted.
type Sum struct {
	body   io.Reader
	hash   hash.Hash
	hashed int64 // bytes from the start
	at     int64 // where the body is read next
	copies Copies
	temp   *os.File // has what was hashed, where a copy is wanted of what is read once only
}

// NewSum returns the sum of what a body will have given.
func NewSum(body io.Reader) *Sum { return &Sum{body: body, hash: sha256.New()} }

// Copy has [Sum.Keep] keep a copy. It is called before anything is read.
func (s *Sum) Copy(to Copies) (err error) {
	s.copies = to
	if _, ok := s.body.(file); !ok { // a file is copied from where it lies
		s.temp, err = to.TempCopy()
	}
	return copyError(err)
}

// ErrCopy says that a copy could not be kept, and nothing about the object itself.
var ErrCopy = errors.New("the copy of the original")

// copyError says that an error is about the copy, and not about the object.
func copyError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrCopy, err)
}

// Close removes what was only for a while.
func (s *Sum) Close() error {
	if s.temp == nil {
		return nil
	}
	err := s.temp.Close()
	if rerr := os.Remove(s.temp.Name()); !errors.Is(rerr, fs.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	return err
}

// file is a body that can be read from any place.
type file interface {
	io.Reader
	io.ReaderAt
	io.Seeker
}

// Reader returns what is to be read in place of the body. A file stays one: archives are read
// in place there.
func (s *Sum) Reader() io.Reader {
	if f, ok := s.body.(file); ok {
		return hashedFile{s, f}
	}
	return hashed{s}
}

type hashed struct{ *Sum }

func (h hashed) Read(p []byte) (int, error) {
	n, err := h.body.Read(p)
	if fresh := h.at + int64(n) - h.hashed; h.at <= h.hashed && fresh > 0 {
		some := p[int64(n)-fresh : n]
		h.hash.Write(some)
		h.hashed += fresh
		if h.temp != nil {
			if _, werr := h.temp.Write(some); werr != nil {
				return 0, copyError(werr)
			}
		}
	}
	h.at += int64(n)
	return n, err
}

type hashedFile struct {
	*Sum
	file
}

func (h hashedFile) Read(p []byte) (int, error) { return hashed{h.Sum}.Read(p) }

func (h hashedFile) Seek(offset int64, whence int) (int64, error) {
	at, err := h.file.Seek(offset, whence)
	if err == nil {
		h.at = at
	}
	return at, err
}

// Text returns the sum in hexadecimal digits once the body was read. What was not read from
// the start on, as behind the last record or of an archive, is read for it.
func (s *Sum) Text() (string, error) {
	if f, ok := s.body.(file); ok {
		end, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			return "", err
		}
		n, err := io.Copy(s.hash, io.NewSectionReader(f, s.hashed, end-s.hashed))
		if err != nil {
			return "", err
		}
		if s.hashed += n; s.hashed != end {
			return "", errors.New("it was cut while it was read")
		}
	} else if _, err := io.Copy(io.Discard, hashed{s}); err != nil {
		return "", err
	}
	return hex.EncodeToString(s.hash.Sum(nil)), nil
}

// Keep is [Sum.Text] for whoever is about to acknowledge the object: where a copy is wanted, it
// is kept when there is no error.
func (s *Sum) Keep(ctx context.Context) (string, error) {
	text, err := s.Text()
	if err != nil || s.copies == nil {
		return text, err
	}
	var from io.ReaderAt = s.temp
	if f, ok := s.body.(file); ok {
		from = f
	}
	return text, copyError(s.copies.KeepCopy(ctx, text, from, s.hashed))
}
