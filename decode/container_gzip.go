package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// direct is a source that writes into a buffer behind what it wrote there before,
// of which it needs the last 32 KB, instead of copying out of one of its own.
type direct interface {
	// into writes to out[end:], stops when less than outMargin bytes of out are free,
	// and returns the new end.
	into(out []byte, end int) (int, error)
	// peek returns the first bytes, once. They count as written: a Read gives them
	// again, and a caller that goes on with into has to have them before end.
	peek() []byte
}

// gzipReader reads gzip files (RFC 1952), all members one after the other. Zeros
// after the last one are padding; anything else is reported.
type gzipReader struct {
	z    inflater
	crc  uint32
	size uint32
	open bool // inside a member
	err  error

	own      []byte // for Read: what it has not given yet, and the window before
	pos, end int
}

var (
	errGzipHeader   = errors.New("gzip: not a gzip header")
	errGzipChecksum = errors.New("gzip: wrong checksum")
	errGzipTail     = errHinted{errors.New("gzip: bytes after the end of the compressed data"), "all records before them were read"}
)

// start reads the header of the first member.
func (g *gzipReader) start(src io.Reader) error {
	g.z.start(src)
	g.pos, g.end, g.open, g.err = 0, 0, false, nil
	g.err = g.header()
	return g.err
}

// close forgets what was read.
func (g *gzipReader) close() {
	g.z.src, g.err = nil, io.EOF
	g.pos, g.end = 0, 0
}

// bytes reads n bytes of the input, at most 16.
func (g *gzipReader) bytes(n int) ([]byte, error) {
	if g.z.fill(n); g.z.ie-g.z.ip < n {
		return nil, fmt.Errorf("gzip: %w", g.z.short())
	}
	b := g.z.in[g.z.ip : g.z.ip+n]
	g.z.ip += n
	return b, nil
}

// header reads the header of a member.
func (g *gzipReader) header() error {
	b, err := g.bytes(10)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(b, magicGzip) || b[2] != 8 {
		return errGzipHeader
	}
	const (
		hasSum = 1 << (1 + iota)
		hasExtra
		hasName
		hasComment
	)
	flags := b[3]
	if flags&hasExtra != 0 {
		b, err := g.bytes(2)
		if err != nil {
			return err
		}
		for range binary.LittleEndian.Uint16(b) {
			if _, err := g.bytes(1); err != nil {
				return err
			}
		}
	}
	for _, text := range [...]byte{hasName, hasComment} {
		for flags&text != 0 {
			b, err := g.bytes(1)
			if err != nil {
				return err
			}
			if b[0] == 0 {
				break
			}
		}
	}
	if flags&hasSum != 0 {
		if _, err := g.bytes(2); err != nil {
			return err
		}
	}
	g.z.begin()
	g.crc, g.size, g.open = 0, 0, true
	return nil
}

// into implements [direct].
func (g *gzipReader) into(out []byte, end int) (int, error) {
	from := end
	for g.err == nil {
		if !g.open {
			g.err = g.nextMember()
			continue
		}
		at := end
		var err error
		end, err = g.z.into(out, end)
		g.crc = crc32.Update(g.crc, crc32.IEEETable, out[at:end])
		g.size += uint32(end - at)
		switch {
		case errors.Is(err, io.EOF):
			g.open = false
			g.err = g.trailer()
		case err != nil:
			g.err = fmt.Errorf("gzip: %w", err)
		case end > from:
			return end, nil
		}
		if end > from {
			return end, nil
		}
	}
	return end, g.err
}

// trailer checks the sums at the end of a member.
func (g *gzipReader) trailer() error {
	b, err := g.bytes(8)
	if err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(b) != g.crc || binary.LittleEndian.Uint32(b[4:]) != g.size {
		return errGzipChecksum
	}
	return nil
}

// nextMember goes on to the next member; io.EOF when there is none.
func (g *gzipReader) nextMember() error {
	z := &g.z
	if z.fill(2); z.ie-z.ip >= 2 && bytes.HasPrefix(z.in[z.ip:z.ie], magicGzip) {
		return g.header()
	}
	for {
		for ; z.ip < z.ie; z.ip++ {
			if z.in[z.ip] != 0 {
				return errGzipTail
			}
		}
		if z.fill(1); z.ip == z.ie {
			if z.srcErr != nil {
				return fmt.Errorf("gzip: %w", z.srcErr)
			}
			return io.EOF
		}
	}
}

// more makes room in own and reads into it.
func (g *gzipReader) more() {
	const size = window + 32<<10
	if g.own == nil {
		g.own = make([]byte, size+outMargin)
	}
	keep := min(g.end, window)
	copy(g.own, g.own[g.end-keep:g.end])
	g.pos = keep
	g.end, _ = g.into(g.own, keep)
}

// peek implements [direct].
func (g *gzipReader) peek() []byte {
	for g.end < 512 && g.err == nil {
		pos := g.pos
		g.more()
		g.pos = pos // nothing was given yet
	}
	return g.own[:g.end]
}

// Read implements io.Reader.
func (g *gzipReader) Read(p []byte) (int, error) {
	if g.pos == g.end {
		if g.err != nil {
			return 0, g.err
		}
		if g.more(); g.pos == g.end {
			return 0, g.err
		}
	}
	n := copy(p, g.own[g.pos:g.end])
	g.pos += n
	return n, nil
}
