package decode

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const (
	// MaxContainers is how many compressions and archives may lie in one another.
	MaxContainers = 4
	// A file may grow by any factor up to expandFree bytes, and by maxRatio beyond.
	// Logs are seen to grow by 50, repeated lines by some hundreds.
	expandFree = 256 << 20
	maxRatio   = 1000
	// maxWindow bounds the memory that a zstd stream may ask for.
	maxWindow = 32 << 20
)

var (
	utf8BOM = []byte{0xef, 0xbb, 0xbf}

	magicGzip = []byte{0x1f, 0x8b}
	magicZstd = []byte{0x28, 0xb5, 0x2f, 0xfd}
	magicZip  = []byte("PK\x03\x04")
	emptyZip  = []byte("PK\x05\x06")
	magicTar  = []byte("ustar") // at byte 257
)

// foreign are the marks of what is not read, to say so in words.
var foreign = []struct {
	magic []byte
	name  string
}{
	{[]byte("BZh"), "bzip2"},
	{[]byte("\xfd7zXZ\x00"), "xz"},
	{[]byte("7z\xbc\xaf\x27\x1c"), "7-Zip"},
	{[]byte("\x04\x22\x4d\x18"), "LZ4"},
	{[]byte("PAR1"), "Parquet"},
	{[]byte("Obj\x01"), "Avro"},
	{[]byte("SQLite format 3\x00"), "SQLite"},
}

var errExpands = errors.New("the file grows out of all proportion when unpacked")

// unpacker opens the containers of a file one after the other and gives a stream the
// text in them.
type unpacker struct {
	r      *Reader
	base   io.Reader
	file   string
	fresh  bool // nothing was opened yet
	size   int64
	err    error // the failure of base
	layers []layer
	total  int64 // bytes out of all decompressors
	over   bool  // the file grows out of all proportion
	spool  int64 // bytes of zip archives held in memory

	tools [MaxContainers + 1]tools // by level
	inner []tools                  // by depth of envelope
}

// tools is what is used again for each container of a level.
type tools struct {
	head []byte
	gz   *gzipReader
	buf  *bufio.Reader // of zs
	zs   *zstd.Decoder
	held int64 // bytes of its window, when that is large
}

// layer is an archive that is open.
type layer struct {
	next func() (name string, src io.Reader, err error) // io.EOF after the last member
	// spoilt says that the archive itself cannot be read on.
	spoilt func() error
	name   string
	level  int
}

func (u *unpacker) start(r *Reader, src io.Reader, file string) {
	u.r, u.base, u.file, u.fresh = r, src, file, true
	u.size, u.err, u.total, u.over, u.spool = 0, nil, 0, false, 0
	u.layers = u.layers[:0]
}

func (u *unpacker) close() {
	u.base, u.r = nil, nil
	clear(u.layers[:cap(u.layers)])
	u.layers = u.layers[:0]
	for i := range u.tools {
		u.tools[i].close()
	}
	for i := range u.inner {
		u.inner[i].close()
	}
}

func (t *tools) close() {
	if t.gz != nil {
		t.gz.close()
	}
	if t.buf != nil {
		t.buf.Reset(nil)
	}
	switch {
	case t.held > 0:
		t.zs.Close() // it would keep its memory
		t.zs, t.held = nil, 0
	case t.zs != nil:
		_ = t.zs.Reset(nil)
	}
}

// failed returns the error of the underlying reader.
func (u *unpacker) failed() error { return u.err }

// Read reads the file as given and counts.
func (u *unpacker) Read(p []byte) (int, error) {
	n, err := u.base.Read(p)
	u.r.read.Add(int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		u.err = err
	}
	return n, err
}

// next opens the next text of the file for s; io.EOF when there is no more.
func (u *unpacker) next(s *stream) (*RecordError, error) {
	if u.fresh {
		u.fresh = false
		return u.opened(s, u, u.file, 0)
	}
	for len(u.layers) > 0 {
		l := &u.layers[len(u.layers)-1]
		if u.over || u.err != nil {
			break
		}
		if l.spoilt() == nil {
			name, src, err := l.next()
			if err == nil {
				return u.opened(s, src, l.name+"!"+name, l.level)
			}
			if u.err != nil {
				break
			}
			if !errors.Is(err, io.EOF) {
				if one, ok := errors.AsType[errMember](err); ok {
					return &RecordError{File: l.name + "!" + one.name, Reason: one.Error(), Hint: hintOf(err)}, nil
				}
				bad := &RecordError{File: l.name, Reason: err.Error(), Hint: hintOf(err)}
				u.layers = u.layers[:len(u.layers)-1]
				return bad, nil
			}
		}
		u.layers = u.layers[:len(u.layers)-1]
	}
	if u.err != nil {
		return nil, u.err
	}
	return nil, io.EOF
}

// errMember is a member of an archive that cannot be read; the others can.
type errMember struct {
	name string
	error
}

// opened is open where the underlying reader may have failed meanwhile. What was
// read before is still decoded.
func (u *unpacker) opened(s *stream, src io.Reader, name string, level int) (*RecordError, error) {
	bad := u.open(s, src, name, level)
	if u.err != nil && !s.open {
		return nil, u.err
	}
	return bad, nil
}

// open looks at the start of src and opens what it is: an archive becomes a layer, a
// compression is undone and looked at again, text is given to s.
func (u *unpacker) open(s *stream, src io.Reader, name string, level int) *RecordError {
	for {
		t := &u.tools[level]
		var err error
		var head []byte
		whole := src
		if d, ok := src.(direct); ok {
			head = d.peek()
		} else {
			head, err = sniff(src, t.head)
			t.head = head
			if err != nil {
				src = failing{err}
			}
			whole = &prefixed{head: head, src: src}
		}
		kind := kindOf(head)
		if kind == text {
			s.text(head, whole, name, level > 0)
			return nil
		}
		fail := func(reason, hint string) *RecordError {
			return &RecordError{File: name, Reason: reason, Hint: hint, Bytes: bytes.Clone(head[:min(len(head), maxShown)])}
		}
		if level >= MaxContainers {
			return fail(fmt.Sprintf("more than %d compressions and archives lie in one another", MaxContainers), "")
		}
		switch kind {
		case inGzip, inZstd:
			src, err = t.unpack(kind, head, whole, &u.r.usage)
			if err != nil {
				return fail(err.Error(), hintOf(err))
			}
			src = u.metered(src, true)
			level++
			continue
		case inTar:
			u.layers = append(u.layers, tarLayer(u, whole, name, level+1))
		case inZip:
			l, err := u.zipLayer(whole, name, level+1)
			if err != nil {
				return fail(err.Error(), hintOf(err))
			}
			u.layers = append(u.layers, l)
		default:
			for _, f := range foreign {
				if bytes.HasPrefix(head, f.magic) {
					return fail(f.name+" files are not read", "unpack or convert it to JSON first")
				}
			}
		}
		return nil
	}
}

// text gives s the text in src, from UTF-16 where its first bytes say so.
func (s *stream) text(head []byte, src io.Reader, name string, bulk bool) {
	order := utf16Order(head)
	if order != nil {
		src = &utf16Reader{src: bufio.NewReader(src), order: order}
	}
	s.reset(src, name)
	s.bulk = bulk
	if d, ok := src.(direct); ok {
		s.direct = d
		s.end = copy(s.buf, d.peek())
	}
}

// payload gives s the payload of an envelope, which may be compressed.
func (u *unpacker) payload(s *stream, data []byte) *RecordError {
	kind := kindOf(data)
	if kind != inGzip && kind != inZstd {
		return nil
	}
	for len(u.inner) <= u.r.depth {
		u.inner = append(u.inner, tools{})
	}
	fixed, guess, file := s.fixed, s.guess, s.file
	src, err := u.inner[u.r.depth].unpack(kind, data, bytes.NewReader(data), &u.r.usage)
	if err != nil {
		return &RecordError{File: file, Offset: fixed, Reason: "payload: " + err.Error(), Hint: hintOf(err)}
	}
	s.text(nil, u.metered(src, false), file, true)
	s.fixed, s.guess = fixed, guess
	return nil
}

type contentKind uint8

const (
	text contentKind = iota
	inGzip
	inZstd
	inTar
	inZip
	inForeign
)

// kindOf recognises a container by its first bytes.
func kindOf(head []byte) contentKind {
	switch {
	case bytes.HasPrefix(head, magicGzip):
		return inGzip
	case bytes.HasPrefix(head, magicZstd),
		len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}): // a skippable frame
		return inZstd
	case bytes.HasPrefix(head, magicZip), bytes.HasPrefix(head, emptyZip):
		return inZip
	case len(head) >= 512 && bytes.Equal(head[257:262], magicTar) && !startsJSON(head):
		return inTar
	}
	for _, f := range foreign {
		if bytes.HasPrefix(head, f.magic) {
			return inForeign
		}
	}
	return text
}

// startsJSON says by the first two bytes whether text is JSON. The first bytes of a tar
// archive are the name of a member, which may start with a bracket too.
func startsJSON(head []byte) bool {
	if len(head) < 2 {
		return false
	}
	c := head[1]
	blank := c == ' ' || c == '\n' || c == '\r' || c == '\t'
	switch head[0] {
	case '{':
		return blank || c == '"'
	case '[':
		return blank || c == '{'
	case ' ', '\n':
		return blank || c == '{' || c == '['
	}
	return false
}

// sniff reads the first bytes of src: few where they look like text, so that a pipe
// is not waited for, and else as many as a tar archive shows itself by.
func sniff(src io.Reader, buf []byte) ([]byte, error) {
	if cap(buf) < 4096 {
		buf = make([]byte, 4096)
	}
	buf = buf[:cap(buf)]
	n, idle := 0, 0
	for n < 512 {
		k, err := src.Read(buf[n:])
		n += k
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return buf[:n], err
		}
		if k == 0 {
			if idle++; idle > 100 {
				return buf[:n], io.ErrNoProgress
			}
			continue
		}
		if startsJSON(buf[:n]) {
			break
		}
	}
	return buf[:n], nil
}

// prefixed gives head and then src.
type prefixed struct {
	head []byte
	src  io.Reader
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	return p.src.Read(b)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// windowOf returns how large a window zstd text asks for, when that is large.
func windowOf(head []byte) int64 {
	const usual = 8 << 20 // what every decoder should allow
	var h zstd.Header
	if err := h.Decode(head); err != nil || h.WindowSize <= usual {
		return 0
	}
	return int64(min(h.WindowSize, maxWindow))
}

// unpack starts to undo a compression. head is the start of src.
func (t *tools) unpack(kind contentKind, head []byte, src io.Reader, usage *usage) (io.Reader, error) {
	if kind == inGzip {
		if t.gz == nil {
			t.gz = new(gzipReader)
		}
		return t.gz, t.gz.start(src)
	}
	if t.buf == nil {
		t.buf = bufio.NewReaderSize(src, 64<<10)
	} else {
		t.buf.Reset(src)
	}
	if t.zs == nil {
		zs, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("zstd: %w", err)
		}
		t.zs = zs
	}
	window := windowOf(head)
	usage.add(window - t.held)
	t.held = window
	if err := t.zs.Reset(t.buf); err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return named{"zstd", t.zs}, nil
}

// named puts the name of the compression before its errors.
type named struct {
	name string
	src  io.Reader
}

func (n named) Read(p []byte) (int, error) {
	k, err := n.src.Read(p)
	switch {
	case err == nil || errors.Is(err, io.EOF):
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		err = errHinted{fmt.Errorf("%s: its window is larger than %d MB", n.name, maxWindow>>20), "pack it again without --long and --ultra"}
	default:
		err = prefix(n.name, err)
	}
	return k, err
}

// prefix puts the name of the compression before an error that does not have it yet.
func prefix(name string, err error) error {
	if strings.HasPrefix(err.Error(), name+": ") {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// meter counts what comes out of a decompressor and stops what grows out of all
// proportion.
type meter struct {
	src   io.Reader
	u     *unpacker
	shown bool // counts for BytesDecoded
}

// metered puts a meter behind a decompressor.
func (u *unpacker) metered(src io.Reader, shown bool) io.Reader {
	m := meter{src: src, u: u, shown: shown}
	if d, ok := src.(direct); ok {
		return &directMeter{meter: m, d: d}
	}
	return &m
}

func (m *meter) Read(p []byte) (int, error) {
	if m.u.over {
		return 0, errExpands
	}
	n, err := m.src.Read(p)
	return n, m.count(n, err)
}

func (m *meter) count(n int, err error) error {
	u := m.u
	u.total += int64(n)
	if m.shown {
		u.r.decoded.Add(int64(n))
	}
	if u.total > expandFree && u.total/maxRatio > max(u.size, u.r.read.Load()) {
		u.over = true
		return errHinted{errExpands, fmt.Sprintf("over %d bytes out of one, after the first %d MB", maxRatio, expandFree>>20)}
	}
	return err
}

// directMeter is a meter of a source that is [direct] itself.
type directMeter struct {
	meter
	d       direct
	counted int // of what peek returned, what Read has yet to give
}

// peek implements [direct].
func (m *directMeter) peek() []byte {
	head := m.d.peek()
	if m.counted == 0 {
		m.counted = len(head)
		_ = m.count(len(head), nil)
	}
	return head
}

func (m *directMeter) Read(p []byte) (int, error) {
	if m.u.over {
		return 0, errExpands
	}
	n, err := m.src.Read(p)
	again := min(n, m.counted)
	m.counted -= again
	return n, m.count(n-again, err)
}

func (m *directMeter) into(out []byte, end int) (int, error) {
	if m.u.over {
		return end, errExpands
	}
	to, err := m.d.into(out, end)
	return to, m.count(to-end, err)
}
