package decode

import (
	"encoding/binary"
	"errors"
	"io"
)

// inflater undoes DEFLATE (RFC 1951) straight into the buffer that records are read
// from. General-purpose readers keep a window of their own and copy out of it, and
// take their input byte by byte; reading logs is mostly unpacking, so that both
// shows.
type inflater struct {
	src    io.Reader
	in     []byte // in[ip:ie] is unread input
	ip, ie int
	eof    bool
	srcErr error // how src ended, where that is not io.EOF

	// hold has the next n bits of the input, the first lowest. What stands above
	// them is zero or the bits that follow.
	hold uint64
	n    uint

	mode  inflateMode
	final bool
	left  int   // bytes left of a stored block
	total int64 // bytes out of this stream: how far back a copy may reach
	fixed bool  // the tables are those of the fixed codes

	lit  [litSize]uint32
	dist [distSize]uint32
	lens [maxLit + maxDist]uint8
}

type inflateMode uint8

const (
	atBlock inflateMode = iota
	inHuffman
	inStored
	atEnd
)

const (
	maxLit  = 286 // codes of literals and lengths
	maxDist = 30  // codes of distances
	maxBits = 15

	litBits  = 11 // bits that the first lookup takes
	distBits = 9
	litSize  = 4096 // of the tables with those of the second lookups
	distSize = 1024

	window = 32 << 10
	// outMargin is how much room into needs: the longest copy, three literals and what
	// a copy by words may write too much.
	outMargin = 258 + 3 + 32
	// inMargin is how much input the fast loop loads at most in one turn.
	inMargin = 24
)

var errDeflate = errors.New("corrupt compressed data")

// start makes z read from src.
func (z *inflater) start(src io.Reader) {
	if z.in == nil {
		z.in = make([]byte, 64<<10)
	}
	z.src, z.ip, z.ie, z.eof, z.srcErr = src, 0, 0, false, nil
	z.begin()
}

// begin starts a stream at the unread input.
func (z *inflater) begin() {
	z.hold, z.n, z.mode, z.final, z.total = 0, 0, atBlock, false, 0
}

// fill reads on until at least want bytes of input are unread, or the input ends.
func (z *inflater) fill(want int) {
	if z.ie-z.ip >= want || z.eof {
		return
	}
	// Up to eight bytes before the unread ones may have to go back.
	from := max(0, z.ip-8)
	z.ie = copy(z.in, z.in[from:z.ie])
	z.ip -= from
	want += z.ip
	for idle := 0; z.ie < want; {
		n, err := z.src.Read(z.in[z.ie:])
		z.ie += n
		if err != nil {
			z.eof = true
			if !errors.Is(err, io.EOF) {
				z.srcErr = err
			}
			return
		}
		if n > 0 {
			idle = 0
		} else if idle++; idle > 100 {
			z.eof, z.srcErr = true, io.ErrNoProgress
			return
		}
	}
}

// short is the error of input that ends too soon.
func (z *inflater) short() error {
	if z.srcErr != nil {
		return z.srcErr
	}
	return io.ErrUnexpectedEOF
}

// need makes at least k bits ready, k up to 56; false when the input ends before.
func (z *inflater) need(k uint) bool {
	for z.n < k {
		if z.ip == z.ie {
			if z.fill(1); z.ip == z.ie {
				return false
			}
		}
		z.hold |= uint64(z.in[z.ip]) << (z.n & 63)
		z.ip++
		z.n += 8
	}
	return true
}

func (z *inflater) drop(k uint) {
	z.hold >>= k & 63
	z.n -= k
}

func (z *inflater) take(k uint) uint {
	v := uint(z.hold & (1<<(k&63) - 1))
	z.drop(k)
	return v
}

// into writes what comes next to out[end:], with out[:end] before it, and returns the
// new end. It stops when less than outMargin bytes of out are free. The error is
// io.EOF at the end of the stream.
func (z *inflater) into(out []byte, end int) (int, error) {
	start := end
	defer func() { z.total += int64(end - start) }()
	for end+outMargin <= len(out) {
		var err error
		switch z.mode {
		case atBlock:
			if z.final {
				// The bytes that were looked at too early go back.
				z.ip -= int(z.n / 8)
				z.hold, z.n, z.mode = 0, 0, atEnd
				continue
			}
			err = z.block()
		case inStored:
			end, err = z.stored(out, end)
		case inHuffman:
			low := max(0, end-int(min(z.total+int64(end-start), int64(end))))
			end, err = z.symbols(out, end, low)
		case atEnd:
			return end, io.EOF
		}
		if err != nil {
			return end, err
		}
	}
	return end, nil
}

// block reads the header of a block.
func (z *inflater) block() error {
	if !z.need(3) {
		return z.short()
	}
	z.final = z.take(1) == 1
	switch z.take(2) {
	case 0:
		z.drop(z.n % 8)
		if !z.need(32) {
			return z.short()
		}
		size, not := z.take(16), z.take(16)
		if size != ^not&0xffff {
			return errDeflate
		}
		z.ip -= int(z.n / 8)
		z.hold, z.n = 0, 0
		z.left, z.mode = int(size), inStored
		return nil
	case 1:
		if !z.fixed {
			var lit [288]uint8
			for i := range lit {
				switch {
				case i < 144, i >= 280:
					lit[i] = 8
				case i < 256:
					lit[i] = 9
				default:
					lit[i] = 7
				}
			}
			var dist [32]uint8
			for i := range dist {
				dist[i] = 5
			}
			z.fixed = build(z.lit[:], litBits, lit[:], &litEntries) && build(z.dist[:], distBits, dist[:], &distEntries)
		}
		z.mode = inHuffman
		return nil
	case 2:
		return z.dynamic()
	}
	return errDeflate
}

// dynamic reads the codes of a block.
func (z *inflater) dynamic() error {
	if !z.need(14) {
		return z.short()
	}
	nlit, ndist, ncode := int(z.take(5))+257, int(z.take(5))+1, int(z.take(4))+4
	if nlit > maxLit || ndist > maxDist {
		return errDeflate
	}
	var codes [19]uint8
	for i := range ncode {
		if !z.need(3) {
			return z.short()
		}
		codes[codeOrder[i]] = uint8(z.take(3))
	}
	// The code of the lengths is short and used little: it has a table of its own kind.
	var table [128]uint32
	if !build(table[:], 7, codes[:], &codeEntries) {
		return errDeflate
	}
	for i := 0; i < nlit+ndist; {
		e := uint32(isBad)
		if z.need(7) || z.n > 0 {
			e = table[z.hold&127]
		}
		if k := uint(e & 0xff); e&special != 0 || k == 0 {
			if z.n < 7 {
				return z.short()
			}
			return errDeflate
		} else if k > z.n {
			return z.short()
		}
		z.drop(uint(e & 0xff))
		sym := uint8(e >> 16)
		if sym < 16 {
			z.lens[i] = sym
			i++
			continue
		}
		var repeat int
		var with uint8
		if !z.need(7) && z.n < [3]uint{2, 3, 7}[sym-16] {
			return z.short()
		}
		switch sym {
		case 16:
			if i == 0 {
				return errDeflate
			}
			repeat, with = 3+int(z.take(2)), z.lens[i-1]
		case 17:
			repeat = 3 + int(z.take(3))
		default:
			repeat = 11 + int(z.take(7))
		}
		if i+repeat > nlit+ndist {
			return errDeflate
		}
		for range repeat {
			z.lens[i] = with
			i++
		}
	}
	z.fixed = false
	if !build(z.lit[:], litBits, z.lens[:nlit], &litEntries) || !build(z.dist[:], distBits, z.lens[nlit:nlit+ndist], &distEntries) {
		return errDeflate
	}
	z.mode = inHuffman
	return nil
}

// stored copies a block that is not compressed.
func (z *inflater) stored(out []byte, end int) (int, error) {
	for z.left > 0 && end+outMargin <= len(out) {
		if z.ip == z.ie {
			if z.fill(1); z.ip == z.ie {
				return end, z.short()
			}
		}
		n := copy(out[end:], z.in[z.ip:min(z.ie, z.ip+z.left)])
		end += n
		z.ip += n
		z.left -= n
	}
	if z.left == 0 {
		z.mode = atBlock
	}
	return end, nil
}

// symbols decodes the symbols of a block. out[low:end] is what copies may reach.
func (z *inflater) symbols(out []byte, end, low int) (int, error) {
	for end+outMargin <= len(out) {
		z.fill(inMargin)
		if z.ie-z.ip >= inMargin {
			var ok bool
			end, ok = z.fast(out, end, low)
			if !ok {
				return end, errDeflate
			}
			if z.mode != inHuffman {
				return end, nil
			}
			continue
		}
		// The input ends here: one symbol at a time.
		var err error
		if end, err = z.slow(out, end, low); err != nil || z.mode != inHuffman {
			return end, err
		}
	}
	return end, nil
}

// fast decodes while there is plenty of input and room. It is false for corrupt data.
func (z *inflater) fast(out []byte, o, low int) (int, bool) {
	in := z.in
	ip, last := z.ip, z.ie-inMargin
	outLast := len(out) - outMargin
	hold, n := z.hold, z.n
	good := true
	lit, dist := &z.lit, &z.dist
	for ip <= last && o <= outLast {
		hold |= binary.LittleEndian.Uint64(in[ip:]) << (n & 63)
		ip += int((63 - n) >> 3)
		n |= 56
		e := lit[hold&(1<<litBits-1)]
		if e&isLiteral != 0 {
			hold >>= e & 63
			n -= uint(e & 0xff)
			out[o] = byte(e >> 16)
			o++
			if e = lit[hold&(1<<litBits-1)]; e&isLiteral != 0 {
				hold >>= e & 63
				n -= uint(e & 0xff)
				out[o] = byte(e >> 16)
				o++
				if e = lit[hold&(1<<litBits-1)]; e&isLiteral != 0 {
					hold >>= e & 63
					n -= uint(e & 0xff)
					out[o] = byte(e >> 16)
					o++
					continue
				}
			}
			// At most 22 of 56 bits are gone: a length takes 20 at most.
		}
		if e&special != 0 {
			if e&isTable != 0 {
				e = lit[(e>>16+uint32(hold>>litBits)&(1<<(e>>8&15)-1))%litSize]
			}
			if e&isLiteral != 0 {
				hold >>= e & 63
				n -= uint(e & 0xff)
				out[o] = byte(e >> 16)
				o++
				continue
			}
			if e&special != 0 {
				if good = e&isEnd != 0; good {
					hold >>= e & 63
					n -= uint(e & 0xff)
					z.mode = atBlock
				}
				break
			}
		}
		length := int(e>>16) + int(hold&(1<<(e&63)-1)>>(e>>8&15))
		hold >>= e & 63
		n -= uint(e & 0xff)

		hold |= binary.LittleEndian.Uint64(in[ip:]) << (n & 63)
		ip += int((63 - n) >> 3)
		n |= 56
		e = dist[hold&(1<<distBits-1)]
		if e&special != 0 {
			if e&isTable != 0 {
				e = dist[(e>>16+uint32(hold>>distBits)&(1<<(e>>8&15)-1))%distSize]
			}
			if e&special != 0 {
				good = false
				break
			}
		}
		back := int(e>>16) + int(hold&(1<<(e&63)-1)>>(e>>8&15))
		hold >>= e & 63
		n -= uint(e & 0xff)
		if back > o-low {
			good = false
			break
		}
		// Words may go past the end of the copy: there is room, and what comes next is
		// written over them.
		from, end := o-back, o+length
		switch {
		case back >= 16:
			for to := o; to < end; to += 16 {
				d, c := out[to:to+16:to+16], out[from:from+16:from+16]
				x, y := binary.LittleEndian.Uint64(c), binary.LittleEndian.Uint64(c[8:])
				binary.LittleEndian.PutUint64(d, x)
				binary.LittleEndian.PutUint64(d[8:], y)
				from += 16
			}
		case back >= 8:
			for to := o; to < end; to += 8 {
				binary.LittleEndian.PutUint64(out[to:], binary.LittleEndian.Uint64(out[from:]))
				from += 8
			}
		default:
			// The copy reads what it has written itself, twice as much each time.
			for to := o; to < end; {
				to += copy(out[to:end], out[from:to])
			}
		}
		o = end
	}
	z.ip, z.hold, z.n = ip, hold, n
	return o, good
}

// slow decodes one symbol, of which the input may hold less than all.
func (z *inflater) slow(out []byte, end, low int) (int, error) {
	z.need(48) // as many as there are
	hold, used := z.hold, uint(0)
	e := z.lit[hold&(1<<litBits-1)]
	if e&isTable != 0 {
		e = z.lit[(e>>16+uint32(hold>>litBits)&(1<<(e>>8&15)-1))%litSize]
	}
	if used = uint(e & 0xff); used > z.n {
		return end, z.short()
	}
	switch {
	case e&isLiteral != 0:
		z.drop(used)
		out[end] = byte(e >> 16)
		return end + 1, nil
	case e&isEnd != 0:
		z.drop(used)
		z.mode = atBlock
		return end, nil
	case e&special != 0:
		if z.n < maxBits {
			return end, z.short()
		}
		return end, errDeflate
	}
	length := int(e>>16) + int(hold&(1<<(e&63)-1)>>(e>>8&15))
	hold >>= e & 63
	e = z.dist[hold&(1<<distBits-1)]
	if e&isTable != 0 {
		e = z.dist[(e>>16+uint32(hold>>distBits)&(1<<(e>>8&15)-1))%distSize]
	}
	if used += uint(e & 0xff); used > z.n {
		return end, z.short()
	}
	if e&special != 0 {
		if z.n-used < maxBits {
			return end, z.short()
		}
		return end, errDeflate
	}
	back := int(e>>16) + int(hold&(1<<(e&63)-1)>>(e>>8&15))
	if back > end-low {
		return end, errDeflate
	}
	z.drop(used)
	for range length {
		out[end] = out[end-back]
		end++
	}
	return end, nil
}
