package keep

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/segment"
)

const (
	version = 1
	// maxBody is how much a frame may hold before compression. A frame that does not shrink
	// must still fit into a segment frame.
	maxBody = segment.MaxFrame - 1<<20
	// maxName is the longest source, object or format name.
	maxName = 64 << 10
	maxRuns = 1 << 20
	// recordOverhead is the most that a record takes in a body beside its bytes.
	recordOverhead = 16 + 3*binary.MaxVarintLen64
)

// part is a run, or a stretch of one, in a frame.
type part struct {
	format       string
	first, count int64
	timeless     int64 // records that do not say their time
	min, max     time.Time
}

// encoder collects records into frames. It is for one goroutine.
type encoder struct {
	z      *zstd.Encoder
	source string
	object string
	target int

	parts []part
	meta  []byte
	raw   []byte
	last  int64 // seconds of the record before

	frames [][]byte
	ranges []yagura.KeptRange // without place and checksum
	owner  []int              // frame of each range
}

func (e *encoder) batch(b *Batch) error {
	for _, name := range []string{b.Source, b.Object} {
		if len(name) > maxName {
			return fmt.Errorf("a name of %d bytes: at most %d", len(name), maxName)
		}
	}
	e.source, e.object = b.Source, b.Object
	for i := range b.Runs {
		r := &b.Runs[i]
		if r.First < 0 || len(r.Format) > maxName {
			return fmt.Errorf("run %d: first record %d, format of %d bytes", i, r.First, len(r.Format))
		}
		fresh := true
		for j := range r.Records {
			rec := &r.Records[j]
			size := len(rec.Raw) + recordOverhead
			if size > maxBody {
				return fmt.Errorf("record %d has %d bytes: at most %d", r.First+int64(j), len(rec.Raw), maxBody-recordOverhead)
			}
			if now := len(e.meta) + len(e.raw); now > 0 && now+size > e.target {
				e.flush()
				fresh = true
			}
			if fresh {
				e.parts = append(e.parts, part{format: r.Format, first: r.First + int64(j)})
				fresh = false
			}
			e.add(&e.parts[len(e.parts)-1], rec)
		}
	}
	e.flush()
	return nil
}

func (e *encoder) add(p *part, rec *Record) {
	p.count++
	if rec.Time.IsZero() {
		p.timeless++
	} else {
		if p.min.IsZero() || rec.Time.Before(p.min) {
			p.min = rec.Time
		}
		if p.max.IsZero() || rec.Time.After(p.max) {
			p.max = rec.Time
		}
	}
	sec := rec.Time.Unix()
	e.meta = append(e.meta, rec.Key[:]...)
	e.meta = binary.AppendVarint(e.meta, sec-e.last)
	e.meta = binary.AppendUvarint(e.meta, uint64(rec.Time.Nanosecond()))
	e.meta = binary.AppendUvarint(e.meta, uint64(len(rec.Raw)))
	e.raw = append(e.raw, rec.Raw...)
	e.last = sec
}

func (e *encoder) flush() {
	if len(e.parts) == 0 {
		return
	}
	body := len(e.meta) + len(e.raw)
	b := make([]byte, 0, 256+body/6)
	b = append(b, version)
	b = appendString(b, e.source)
	b = appendString(b, e.object)
	b = binary.AppendUvarint(b, uint64(len(e.parts)))
	for _, p := range e.parts {
		b = appendString(b, p.format)
		b = binary.AppendUvarint(b, uint64(p.first))
		b = binary.AppendUvarint(b, uint64(p.count))
		b = binary.AppendUvarint(b, uint64(p.timeless))
		b = appendTime(appendTime(b, p.min), p.max)
		e.ranges = append(e.ranges, yagura.KeptRange{Source: e.source, Object: e.object, Format: p.format,
			First: p.first, Count: p.count, Min: utc(p.min), Max: utc(p.max)})
		e.owner = append(e.owner, len(e.frames))
	}
	b = binary.AppendUvarint(b, uint64(body))
	b = e.z.EncodeAll(append(e.meta, e.raw...), b)
	e.frames = append(e.frames, b)
	e.parts, e.meta, e.raw, e.last = e.parts[:0], e.meta[:0], e.raw[:0], 0
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTime(b []byte, t time.Time) []byte {
	return binary.AppendUvarint(binary.AppendVarint(b, t.Unix()), uint64(t.Nanosecond()))
}

// head is the part of a frame that is in the clear.
type head struct {
	source, object string
	parts          []part
	body           int // bytes before compression
	rest           []byte
}

var errFrame = errors.New("this is not a frame of records")

// scanner reads the numbers of a frame; after a mistake it reads zeros.
type scanner struct {
	b   []byte
	bad bool
}

func (s *scanner) uvarint(most uint64) uint64 {
	v, n := binary.Uvarint(s.b)
	if n <= 0 || v > most {
		s.bad, s.b = true, nil
		return 0
	}
	s.b = s.b[n:]
	return v
}

func (s *scanner) varint() int64 {
	v, n := binary.Varint(s.b)
	if n <= 0 {
		s.bad, s.b = true, nil
		return 0
	}
	s.b = s.b[n:]
	return v
}

func (s *scanner) bytes(n uint64) []byte {
	if n > uint64(len(s.b)) {
		s.bad, s.b = true, nil
		return nil
	}
	b := s.b[:n]
	s.b = s.b[n:]
	return b
}

func (s *scanner) string() string { return string(s.bytes(s.uvarint(maxName))) }

func (s *scanner) time() time.Time {
	sec, nsec := s.varint(), s.uvarint(999_999_999)
	return time.Unix(sec, int64(nsec)).UTC()
}

func parseHead(b []byte) (head, error) {
	if len(b) == 0 {
		return head{}, errFrame
	}
	if b[0] != version {
		return head{}, fmt.Errorf("%w: version %d", errFrame, b[0])
	}
	s := scanner{b: b[1:]}
	h := head{source: s.string(), object: s.string()}
	var records uint64
	for n := s.uvarint(maxRuns); n > 0 && !s.bad; n-- {
		p := part{format: s.string(), first: int64(s.uvarint(math.MaxInt64))}
		p.count = int64(s.uvarint(maxBody))
		p.timeless = int64(s.uvarint(uint64(p.count)))
		p.min, p.max = s.time(), s.time()
		h.parts = append(h.parts, p)
		if records += uint64(p.count); p.first > math.MaxInt64-p.count {
			s.bad = true
		}
	}
	h.body = int(s.uvarint(maxBody))
	h.rest = s.b
	// A record takes at least its key and three bytes.
	if s.bad || records > uint64(h.body)/19 {
		return head{}, errFrame
	}
	return h, nil
}

// decoder turns frames into records. It is for one goroutine.
type decoder struct {
	z   *zstd.Decoder
	buf []byte
}

func newDecoder() (*decoder, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(2*segment.MaxFrame), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return &decoder{z: z}, nil
}

func (d *decoder) close() { d.z.Close() }

// records hands out the records of a frame; it returns false when no more are wanted.
func (d *decoder) records(h head, want func(p *part, number int64) bool, yield func(Entry) bool) (bool, error) {
	var zh zstd.Header
	if err := zh.Decode(h.rest); err != nil {
		return true, fmt.Errorf("%w: %w", errFrame, err)
	}
	// What says that it is larger than its head says is not unpacked at all.
	if zh.HasFCS && zh.FrameContentSize != uint64(h.body) {
		return true, fmt.Errorf("%w: %d bytes, %d by its head", errFrame, zh.FrameContentSize, h.body)
	}
	d.buf = slices.Grow(d.buf[:0], h.body)
	body, err := d.z.DecodeAll(h.rest, d.buf[:0])
	if err != nil {
		return true, fmt.Errorf("%w: %w", errFrame, err)
	}
	if d.buf = body; len(body) != h.body {
		return true, fmt.Errorf("%w: %d bytes, %d by its head", errFrame, len(body), h.body)
	}
	s := scanner{b: body}
	type meta struct {
		rec  Record
		size uint64
	}
	var records int64
	for _, p := range h.parts {
		records += p.count
	}
	all := make([]meta, 0, records)
	var total uint64
	var last int64
	for range records {
		var m meta
		copy(m.rec.Key[:], s.bytes(16))
		last += s.varint()
		nsec := s.uvarint(999_999_999)
		m.rec.Time = time.Unix(last, int64(nsec)).UTC()
		m.size = s.uvarint(maxBody)
		total += m.size
		all = append(all, m)
	}
	if s.bad || total != uint64(len(s.b)) {
		return true, errFrame
	}
	i := 0
	for k := range h.parts {
		p := &h.parts[k]
		for n := range p.count {
			m := &all[i]
			i++
			m.rec.Raw = s.bytes(m.size)
			if !want(p, p.first+n) {
				continue
			}
			if !yield(Entry{Source: h.source, Object: h.object, Format: p.format, Number: p.first + n, Record: m.rec}) {
				return false, nil
			}
		}
	}
	return true, nil
}
