package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
)

const (
	readAhead = 256 << 10
	block     = 4096 // what a disk fails to read as a whole
)

// cursor reads the frames of one file.
type cursor struct {
	f      File
	number uint64
	salt   uint32
	salted bool // salt is known
	off    int64
	limit  int64 // nothing is read from here on

	buf  []byte // a window of the file
	base int64  // where it begins
}

// at returns n bytes of the file at off. They are valid until the next call.
func (c *cursor) at(off int64, n int) ([]byte, error) {
	if i := off - c.base; i >= 0 && i+int64(n) <= int64(len(c.buf)) {
		return c.buf[i : i+int64(n)], nil
	}
	size := int(min(int64(max(n, readAhead)), c.limit-off))
	if size < n {
		return nil, io.ErrUnexpectedEOF
	}
	if cap(c.buf) < size || cap(c.buf) > 4*readAhead && size <= readAhead {
		c.buf = make([]byte, max(size, readAhead))
	}
	c.buf, c.base = c.buf[:size], off
	got, err := c.f.ReadAt(c.buf, off)
	c.buf = c.buf[:max(got, 0)]
	if got < n {
		c.buf = c.buf[:0]
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return c.buf[:n], nil
}

// frame checks the frame at off. size is how far its header says it reaches, also when
// its content is damaged; 0 when the header is not one.
func (c *cursor) frame(off int64) (data []byte, size int64, salt uint32, err error) {
	if c.limit-off < FrameOverhead {
		return nil, 0, 0, nil
	}
	head, err := c.at(off, FrameOverhead)
	if err != nil {
		return nil, 0, 0, err
	}
	salt = binary.LittleEndian.Uint32(head[4:])
	if c.salted && salt != c.salt {
		return nil, 0, 0, nil
	}
	length, sum := binary.LittleEndian.Uint32(head), binary.LittleEndian.Uint32(head[8:])
	if length > MaxFrame || headerSum(head, c.number, off) != binary.LittleEndian.Uint32(head[12:]) {
		return nil, 0, 0, nil
	}
	size = FrameOverhead + int64(length)
	if off+size > c.limit {
		return nil, size, salt, nil
	}
	body, err := c.at(off, int(size))
	if err != nil {
		return nil, 0, 0, err
	}
	if data = body[FrameOverhead:]; crc32.Checksum(data, castagnoli) != sum {
		return nil, size, salt, nil
	}
	return data, size, salt, nil
}

// next returns the next frame, a *Damage before which nothing is lost and after which
// reading goes on, or io.EOF.
func (c *cursor) next() (Frame, error) {
	if c.off >= c.limit {
		return Frame{}, io.EOF
	}
	data, size, salt, err := c.frame(c.off)
	d := &Damage{File: FileName(c.number), Number: c.number, From: c.off, Reason: "the checksum is wrong"}
	switch {
	case errors.Is(err, fs.ErrClosed):
		return Frame{}, fmt.Errorf("%s: %w", FileName(c.number), ErrClosed)
	case err != nil:
		// A part of the disk cannot be read.
		d.Reason, size = err.Error(), block-c.off%block
	}
	if data != nil {
		c.salt, c.salted = salt, true
		f := Frame{Position: Position{c.number, c.off}, Data: data}
		c.off += size
		f.End = Position{c.number, c.off}
		return f, nil
	}
	if err == nil && size > 0 && c.off+size > c.limit {
		d.Reason = "the last frame is not whole"
		d.To, d.Tail, c.off = c.limit, true, c.limit
		return Frame{}, d
	}
	if err == nil && size == 0 {
		d.Reason = "no frame begins here"
	}
	to, err := c.search(c.off + max(size, 1))
	if err != nil {
		return Frame{}, fmt.Errorf("%s: %w", FileName(c.number), err)
	}
	d.To, d.Tail, c.off = to, to == c.limit, to
	return Frame{}, d
}

// search returns where the next good frame begins, or the limit. What cannot be read is
// passed over block by block.
func (c *cursor) search(from int64) (int64, error) {
	for off := from; c.limit-off >= FrameOverhead; off++ {
		if c.salted {
			// Most places are ruled out by the number that every frame of the file carries.
			head, err := c.at(off, FrameOverhead)
			if err == nil && binary.LittleEndian.Uint32(head[4:]) != c.salt {
				continue
			}
		}
		data, _, _, err := c.frame(off)
		switch {
		case errors.Is(err, fs.ErrClosed):
			return 0, ErrClosed
		case errors.Is(err, io.ErrUnexpectedEOF):
			return c.limit, nil // the file has become shorter
		case err != nil:
			off |= block - 1
		case data != nil:
			return off, nil
		}
	}
	return c.limit, nil
}
