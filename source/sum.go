package source

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
)

// Sum takes the SHA-256 of an object while it is read, so that what was kept of it can be
// compared with the original for as long as that is there.
type Sum struct {
	body io.Reader
	hash hash.Hash
}

// file is a body that can be read from any place.
type file interface {
	io.Reader
	io.ReaderAt
	io.Seeker
}

// NewSum returns the sum of what a body will have given.
func NewSum(body io.Reader) *Sum { return &Sum{body: body, hash: sha256.New()} }

// Reader returns what is to be read in place of the body. A file stays one: archives are read
// in place there, and the sum is taken of it in the end.
func (s *Sum) Reader() io.Reader {
	if f, ok := s.body.(file); ok {
		return f
	}
	return hashed{s}
}

type hashed struct{ *Sum }

func (h hashed) Read(p []byte) (int, error) {
	n, err := h.body.Read(p)
	h.hash.Write(p[:n])
	return n, err
}

// Text returns the sum in hexadecimal digits once the body was read. What a reader left behind
// its last record is read for it.
func (s *Sum) Text() (string, error) {
	if f, ok := s.body.(file); ok {
		end, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			return "", err
		}
		if n, err := io.Copy(s.hash, io.NewSectionReader(f, 0, end)); err != nil || n != end {
			return "", errors.Join(err, shorter(n, end))
		}
	} else if _, err := io.Copy(io.Discard, hashed{s}); err != nil {
		return "", err
	}
	return hex.EncodeToString(s.hash.Sum(nil)), nil
}

func shorter(n, end int64) error {
	if n != end {
		return errors.New("it was cut while it was read")
	}
	return nil
}
