package decode

import (
	"bytes"
	"errors"
	"io"
)

// stream is a run of JSON text: a file after unpacking, or the payload of an
// envelope. Values are read in place from buf.
type stream struct {
	buf      []byte
	pos, end int   // buf[pos:end] is unread
	base     int64 // offset of buf[0] in the text
	line     int64 // where the last line starts that started between two values
	src      io.Reader
	direct   direct // src, where it writes into buf itself
	bulk     bool   // src gives as much as is asked for without waiting
	eof      bool   // src is at its end
	err      error  // how it ended, where that is not the plain end
	limit    int    // how large buf may grow

	file   string
	num    uint64 // number of the last record
	fixed  int64  // offset that all records of a payload have, -1 for a file
	open   bool
	guess  int // number of the plan that the last record had
	frames []frame
	lost   *lost
	cut    bool       // the open list was cut short before the unread bytes
	sign   []byte     // how the last record started, up to its first colon
	around int64      // when the text was written; 0 when nobody knows
	lines  lineReader // reads the lines of the text, nil while no form knows them
	begun  bool       // something was read of the text
	flat   bool       // a payload is one object that was made of a line

	own   []byte   // the buffer that is kept from one file to the next
	usage *usage   // what large buffers are counted in
	large int64    // bytes of buf and of arena that are
	queue [][]byte // payloads that are still to be read
	arena []byte   // what queue lies in
	at    int64    // offset of the envelope that queue came from
}

// separator stands before each text of a sequence of RFC 7464, and in none of them.
const separator = 0x1e

const startBuffer = 256 << 10

// slack is how much larger than its text a buffer is, for a direct source.
const slack = window + outMargin

// frame is a container that a stream stands in.
type frame struct {
	kind frameKind
	// after says that a member was read and a comma or the end should follow.
	after bool
	// direct says that the last member was itself a record: the next is first taken
	// for one, before it is looked at as an envelope.
	direct bool
	// torn says that a member was broken: reading may have gone on inside it.
	torn bool
}

type frameKind uint8

const (
	top    frameKind = iota // values one after the other
	array                   // inside the brackets of a list of records
	object                  // inside the braces around such a list
)

// reset makes s read text from src. What is in buf[:n] already comes first.
func (s *stream) reset(src io.Reader, file string) {
	if s.own == nil {
		s.own = make([]byte, startBuffer+slack)
	}
	s.count(0)
	*s = stream{own: s.own, usage: s.usage, buf: s.own, src: src, file: file, fixed: -1, open: true,
		frames: append(s.frames[:0], frame{kind: top}), sign: s.sign[:0], queue: s.queue, arena: s.arena, at: s.at, limit: s.limit, around: s.around}
}

// payload makes s read the text of an envelope's payload.
func (s *stream) payload(data []byte, outer *stream) {
	*s = stream{own: s.own, usage: s.usage, large: s.large, buf: data, end: len(data), eof: true, file: outer.file, fixed: s.at, open: true,
		frames: append(s.frames[:0], frame{kind: top, direct: s.flat}), sign: s.sign[:0], queue: s.queue, arena: s.arena, at: s.at,
		limit: s.limit, guess: s.guess, flat: s.flat, around: outer.around}
}

// rest forgets what s refers to and keeps its memory, unless it is large.
func (s *stream) rest() {
	s.count(0)
	*s = stream{own: s.own, usage: s.usage, limit: s.limit, frames: s.frames[:0], sign: s.sign[:0], queue: s.queue[:0], arena: s.arena[:0]}
	if cap(s.arena) > 4*startBuffer {
		s.arena = nil
	}
	clear(s.queue[:cap(s.queue)])
}

// unread returns what is in the buffer.
func (s *stream) unread() []byte { return s.buf[s.pos:s.end] }

// offset returns where in the text the unread bytes start.
func (s *stream) offset() int64 {
	if s.fixed >= 0 {
		return s.fixed
	}
	return s.base + int64(s.pos)
}

// more reads on behind the unread bytes. It reports whether there is anything new;
// not, when the text is at its end or the unread bytes are as many as may be (full).
func (s *stream) more() bool {
	if s.eof || s.full() {
		return false
	}
	if s.direct != nil {
		return s.inflate()
	}
	s.shift(s.end - s.pos)
	if s.end == len(s.buf) {
		s.grow()
	}
	// What is there is looked at again with every call, so that the more there is the
	// more has to come. A source that may keep us waiting is not asked for more than
	// it has while that is little.
	want := 1
	if s.bulk {
		want = len(s.buf) - s.end
	} else if s.end > 16<<10 {
		want = s.end / 2
	}
	want = min(want, len(s.buf)-s.end)
	from, idle := s.end, 0
	for s.end < from+want {
		n, err := s.src.Read(s.buf[s.end:])
		s.end += n
		if err != nil {
			s.stop(err)
			break
		}
		if n > 0 {
			idle = 0
		} else if idle++; idle > 100 {
			s.stop(io.ErrNoProgress)
			break
		}
	}
	return s.end > from
}

// stop notes how the source ended.
func (s *stream) stop(err error) {
	s.eof = true
	if !errors.Is(err, io.EOF) {
		s.err = err
	}
}

// inflate is more for a direct source.
func (s *stream) inflate() bool {
	s.shift(max(s.end-s.pos, min(s.end, window)))
	if len(s.buf)-s.end < len(s.buf)/4 {
		s.grow()
	}
	from := s.end
	for s.end+outMargin <= len(s.buf) && !s.eof {
		var err error
		if s.end, err = s.direct.into(s.buf, s.end); err != nil {
			s.stop(err)
		}
	}
	return s.end > from
}

// shift moves the last keep bytes of the buffer to its start.
func (s *stream) shift(keep int) {
	if by := s.end - keep; by > 0 {
		copy(s.buf, s.buf[by:s.end])
		s.base += int64(by)
		s.pos -= by
		s.end = keep
	}
}

// grow doubles the buffer.
func (s *stream) grow() {
	size := min(2*len(s.buf), max(s.limit, startBuffer)+slack)
	s.count(size)
	bigger := make([]byte, size)
	copy(bigger, s.buf[:s.end])
	s.buf = bigger
}

// count notes how large the memory of s is, before it is.
func (s *stream) count(size int) {
	n := int64(size)
	if size <= 4*startBuffer+slack {
		n = 0
	}
	by := n - s.large
	s.large = n
	s.usage.add(by)
}

// usage is how many bytes a Reader holds beyond the little that each one does.
type usage struct {
	now, most int64
	ask       func(bytes int64) // nil when nobody wants to know
}

// add notes that more bytes are needed, or fewer. It waits for the consent of whoever
// is asked.
func (u *usage) add(by int64) {
	if u == nil || by == 0 {
		return
	}
	u.now += by
	if more := u.now - u.most; more > 0 {
		if u.ask != nil {
			u.ask(more)
		}
		u.most = u.now
	}
}

// full reports whether the unread bytes fill the largest buffer there may be.
func (s *stream) full() bool { return s.end-s.pos >= s.limit }

// peek skips white space and returns the next byte; false at the end of the text.
func (s *stream) peek() (byte, bool) {
	for {
		for ; s.pos < s.end; s.pos++ {
			switch c := s.buf[s.pos]; c {
			case '\n':
				s.line = s.base + int64(s.pos) + 1
			case ' ', '\t', '\r':
			default:
				return c, true
			}
		}
		if !s.more() {
			return 0, false
		}
	}
}

// have reads on until n bytes are unread, where the text has so many.
func (s *stream) have(n int) bool {
	for s.end-s.pos < n {
		if !s.more() {
			return false
		}
	}
	return true
}

// sample copies the start of the unread bytes for a RecordError.
func (s *stream) sample() []byte {
	u := s.unread()
	return bytes.Clone(u[:min(len(u), maxShown)])
}
