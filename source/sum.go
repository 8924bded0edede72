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
	body   io.Reader
	hash   hash.Hash
	hashed int64 // bytes from the start
	at     int64 // where the body is read next
}

// NewSum returns the sum of what a body will have given.
func NewSum(body io.Reader) *Sum { return &Sum{body: body, hash: sha256.New()} }

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
		h.hash.Write(p[int64(n)-fresh : n])
		h.hashed += fresh
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
