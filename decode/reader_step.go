package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/yagura-sec/yagura/slot"
)

// step reads up to the next record, which is then in r.rec (bad and err nil), or to
// the next broken place.
func (r *Reader) step() (bad *RecordError, err error) {
	for {
		s, bad, err := r.current()
		if bad != nil || err != nil {
			return bad, err
		}
		done, bad, err := r.advance(s)
		if done || bad != nil || err != nil {
			return bad, err
		}
	}
}

// current returns the stream to read from: the innermost payload that is not read
// yet, or the file.
func (r *Reader) current() (*stream, *RecordError, error) {
	for {
		if len(r.levels) == 0 {
			r.levels = append(r.levels, &stream{limit: r.d.maxRecord + 1, usage: &r.usage})
		}
		s := r.levels[r.depth]
		if s.open {
			return s, nil, nil
		}
		if r.depth == 0 {
			s.around = r.around
			bad, err := r.unpack.next(s)
			if bad != nil || err != nil {
				return nil, bad, err
			}
			continue
		}
		if len(s.queue) == 0 {
			r.depth--
			continue
		}
		data := s.queue[0]
		s.queue = s.queue[1:]
		s.payload(data, r.levels[r.depth-1])
		if bad := r.unpack.payload(s, data); bad != nil {
			s.open = false
			bad.Num = r.number(s)
			return nil, bad, nil
		}
	}
}

// number counts one more record of the file.
func (r *Reader) number(s *stream) uint64 {
	r.levels[0].num++
	return r.levels[0].num
}

// quiet says that the next broken record is counted only, so that nobody reads what is
// said of it.
func (r *Reader) quiet() bool { return r.streak >= maxStreak }

// bad makes the error of a record that starts at the unread bytes.
func (r *Reader) bad(s *stream, reason, hint string) *RecordError {
	if r.quiet() {
		return &RecordError{File: s.file, Offset: s.offset(), Num: r.number(s)}
	}
	return &RecordError{File: s.file, Offset: s.offset(), Num: r.number(s), Reason: reason, Hint: hint, Bytes: s.sample()}
}

// advance goes on in s by one token: done when that made a record.
func (r *Reader) advance(s *stream) (done bool, bad *RecordError, err error) {
	if s.lost != nil {
		s.resync()
	}
	if s.cut {
		s.cut = false
		return false, r.cutList(s), nil
	}
	f := &s.frames[len(s.frames)-1]
	c, ok := s.peek()
	if !ok {
		bad, err := r.ended(s)
		return false, bad, err
	}
	if c == separator && f.kind != top {
		return false, r.cutList(s), nil
	}
	switch f.kind {
	case top:
		if c == separator {
			s.pos++
			return false, nil, nil
		}
		if c == 0xef && s.have(3) && bytes.HasPrefix(s.unread(), utf8BOM) {
			s.pos += 3
			return false, nil, nil
		}
		if c != '{' && c != '[' || s.lines != nil && s.lines.owns(c) {
			if bad, taken := r.textLine(s); taken {
				return false, bad, nil
			}
		}
	case array:
		switch {
		case c == ']' && f.torn && !s.listEnds():
			s.lose(0) // of a list in the broken record, which was reported
			return false, nil, nil
		case c == ']':
			s.pos++
			s.pop()
			return false, nil, nil
		case f.after && c == ',':
			s.pos++
			f.after = false
			if c, ok = s.peek(); ok && c == ']' {
				return false, r.bad(s, "a comma before the end of a list", ""), nil
			}
			return false, nil, nil
		case !f.after && c == ',':
			bad := r.bad(s, "a record of a list is missing before a comma", "")
			for ok && c == ',' { // however many there are
				s.pos++
				c, ok = s.peek()
			}
			return false, bad, nil
		case f.after && s.cutBefore():
			return false, r.cutList(s), nil
		case f.after:
			bad := r.bad(s, "a comma or closing bracket should follow a record of a list", "")
			f.after = false
			if c != '{' {
				s.lose(0)
			}
			return false, bad, nil
		}
	case object:
		return false, r.member(s, f, c), nil
	}
	return r.value(s, f, c)
}

// pop leaves the innermost frame.
func (s *stream) pop() {
	s.frames = s.frames[:len(s.frames)-1]
	f := &s.frames[len(s.frames)-1]
	f.after, f.direct = true, false
}

// ended closes a stream whose text is at its end.
func (r *Reader) ended(s *stream) (*RecordError, error) {
	s.open = false
	var fatal error
	if r.depth == 0 {
		fatal = r.unpack.failed()
	}
	reason, hint := "", ""
	switch {
	case fatal != nil:
		return nil, fatal
	case s.err != nil:
		reason, hint = s.err.Error(), hintOf(s.err)
	case len(s.frames) > 1 && s.lost == nil:
		reason, hint = "the text ends inside a list of records", "the file is cut short"
	default:
		return nil, nil
	}
	return r.bad(s, reason, hint), nil
}

// cutList leaves a list that was cut short at the end of the line before.
func (r *Reader) cutList(s *stream) *RecordError {
	s.toTop()
	return r.bad(s, "the line before ends inside a list of records", "the file is cut short there")
}

// member reads one member of the object around a list: the list itself is entered,
// anything else passed over.
func (r *Reader) member(s *stream, f *frame, c byte) *RecordError {
	switch {
	case c == '}':
		s.pos++
		s.pop()
		return nil
	case f.after && c == ',':
		s.pos++
		f.after = false
		return nil
	case s.cutBefore():
		return r.cutList(s)
	case f.after || c != '"':
		bad := r.bad(s, "an object around a list of records is broken", "")
		s.frames = s.frames[:1]
		s.lose(0)
		return bad
	}
	for {
		i, name, err := memberOf(s.unread(), 0)
		weak, list := listKeys[string(name)]
		if err == nil && s.buf[s.pos+i-1] == '\n' && s.nextDocument(i) {
			s.pos += i
			return r.cutList(s)
		}
		if err == nil && list && !weak && s.unread()[i] == '[' && len(s.frames) <= MaxEnvelopes {
			s.pos += i + 1
			s.frames = append(s.frames, frame{kind: array})
			return nil
		}
		if err == nil {
			var n int
			if n, err = slot.Skip(s.unread()[i:]); err == nil {
				s.pos += i + n
				f.after = true
				return nil
			}
		}
		if errors.Is(err, slot.ErrShort) && s.more() {
			continue
		}
		bad := r.broken(s, err)
		s.frames = s.frames[:1]
		return bad
	}
}

// value reads the value that starts at the unread bytes with c.
func (r *Reader) value(s *stream, f *frame, c byte) (done bool, bad *RecordError, err error) {
	s.begun = true
	if c == '[' && len(s.frames) <= MaxEnvelopes {
		if s.cutBefore() {
			return false, r.cutList(s), nil
		}
		s.pos++
		f.direct = false
		s.frames = append(s.frames, frame{kind: array})
		return false, nil, nil
	}
	if c == '{' && !f.direct && r.enter(s) {
		return false, nil, nil
	}
	walked := false
	for {
		base := s.base
		n, err := r.scan(s.guess, s.unread())
		if err == nil && s.pos+n == s.end && c != '{' && c != '[' && c != '"' && s.more() {
			continue // a number may go on
		}
		if err == nil && n > r.d.maxRecord {
			err = errTooLong
		}
		if err == nil && c != '{' && c != '[' {
			err = s.alone(f, n)
		}
		if err == nil && s.base != base {
			continue // reading on behind a scalar has moved it from where it was scanned
		}
		if err == nil {
			return r.found(s, f, n)
		}
		if !errors.Is(err, slot.ErrShort) {
			return false, r.broken(s, err), nil
		}
		if f.direct && c == '{' && !walked {
			walked = true
			have := s.end - s.pos
			if r.enter(s) {
				f.direct = false
				return false, nil, nil
			}
			if s.end-s.pos > have {
				continue
			}
		}
		if !s.more() {
			if err := r.fatal(); err != nil && s.eof {
				return false, nil, err
			}
			return false, r.broken(s, err), nil
		}
	}
}

func (r *Reader) fatal() error {
	if r.depth == 0 {
		return r.unpack.failed()
	}
	return nil
}

var errTooLong = errors.New("too long")

// alone says whether the scalar in the first n unread bytes stands by itself: in
// lines of text a number or word may start what is not JSON.
func (s *stream) alone(f *frame, n int) error {
	if f.kind != top {
		return nil
	}
	for i := n; ; i++ {
		if s.pos+i == s.end && !s.more() {
			return nil
		}
		switch s.buf[s.pos+i] {
		case ' ', '\t', '\r':
			continue
		case '\n', separator:
			return nil
		}
		return &slot.SyntaxError{Offset: int64(i), Msg: "text after a value"}
	}
}

// broken makes the error of a record that could not be scanned, and marks the place
// as one to find the way from.
func (r *Reader) broken(s *stream, err error) *RecordError {
	var bad *slot.SyntaxError
	at := 0
	reason, hint := "", ""
	switch {
	case errors.As(err, &bad) && bad.Offset < int64(r.d.maxRecord):
		at = int(bad.Offset)
		if r.quiet() {
			break
		}
		reason = fmt.Sprintf("%s (byte %d of the record)", bad.Msg, at)
		if c := s.buf[s.pos]; at == 0 && c != '{' && c != '[' {
			reason = "this is not JSON"
		}
	case bad != nil || errors.Is(err, errTooLong) || s.full():
		reason = fmt.Sprintf("the record is longer than %d bytes", r.d.maxRecord)
	case s.err != nil:
		reason, hint = s.err.Error(), hintOf(s.err)
		s.err = nil
	default:
		reason, hint = "the text ends inside a record", "the file is cut short"
	}
	e := r.bad(s, reason, hint)
	s.lose(at)
	return e
}

// scan reads the record at the start of text with plan k.
func (r *Reader) scan(k int, text []byte) (n int, err error) {
	d := r.doc(k) // first: it makes the plan
	return r.d.plans[k].Scan(text, d)
}

func (r *Reader) doc(k int) *slot.Doc {
	if r.docs[k] == nil {
		r.docs[k] = r.d.newDoc(k)
	}
	return r.docs[k]
}

// found recognises the record of n bytes that was scanned with the plan of s.guess.
func (r *Reader) found(s *stream, f *frame, n int) (done bool, bad *RecordError, err error) {
	k := r.recognise(s.guess)
	last := len(r.d.formats) - 1
	if k < 0 && s.guess != last {
		s.guess = last
		if _, err := r.scan(last, s.unread()); err != nil {
			return false, r.broken(s, err), nil
		}
		k = r.recognise(last)
	}
	if k < 0 {
		k = last
		if f.direct && s.buf[s.pos] == '{' {
			if r.enter(s) {
				return false, nil, nil
			}
			if r.looked {
				// A list that is a field of the record was looked at with the record's Doc.
				if _, err := r.scan(last, s.unread()); err != nil {
					return false, r.broken(s, err), nil
				}
			}
		}
		if r.depth < MaxEnvelopes {
			if opened, bad := r.unwrap(s, n); opened || bad != nil {
				s.pos += n
				f.after, f.direct = true, true
				return false, bad, nil
			}
		}
	}
	if k != s.guess {
		s.guess = k
		if _, err := r.scan(k, s.unread()); err != nil {
			return false, r.broken(s, err), nil
		}
	}
	r.rec = Record{Format: r.d.formats[k], Doc: r.doc(k), Num: r.number(s), Offset: s.offset(), File: s.file,
		slots: r.d.plans[k].slots[k], words: &r.words, detail: r.d.plans[k].detail}
	key, content, ok := r.rec.Format.Key(&r.rec)
	if !ok {
		key = placeKey(r.rec.File, r.rec.Num)
	}
	r.rec.Key, r.rec.Content, r.rec.Keyed = key, content, ok
	if also := r.rec.Format.Also; also != nil {
		r.judgeAlso(k, also(&r.rec))
	}
	if !f.direct {
		s.remember()
	}
	s.pos += n
	f.after, f.direct = true, true
	return true, nil, nil
}

// judgeAlso puts members behind those of the record that was scanned with plan k. Where
// the two together cannot be read, the record stays alone.
func (r *Reader) judgeAlso(k int, members []byte) {
	raw := r.rec.Doc.Record()
	if len(members) == 0 || len(raw) < 2 || raw[len(raw)-1] != '}' {
		return
	}
	r.also = append(append(append(append(r.also[:0], raw[:len(raw)-1]...), ','), members...), '}')
	if _, err := r.scan(k, r.also); err != nil {
		if _, err := r.scan(k, raw); err == nil {
			return
		}
	}
	r.rec.raw = raw
}

// recognise asks the formats of plan k whether its Doc holds a record of theirs; the
// last resort is not asked. It returns the number of the format, negative for none.
func (r *Reader) recognise(k int) int {
	p := r.d.plans[k]
	rec := &r.rec
	*rec = Record{Doc: r.doc(k)}
	for _, j := range p.ask {
		if j == len(r.d.formats)-1 {
			break
		}
		rec.Format, rec.slots = r.d.formats[j], p.slots[j]
		if rec.Format.Is(rec) {
			return j
		}
	}
	return -1
}

// unwrap opens the record of n bytes in the Doc of the last plan where it is an
// envelope: its payloads are then the next level to read.
func (r *Reader) unwrap(s *stream, n int) (opened bool, bad *RecordError) {
	last := len(r.d.plans) - 1
	p := r.d.plans[last]
	rec := &r.rec
	for i := range envelopes {
		e := &envelopes[i]
		*rec = Record{Doc: r.doc(last), slots: p.envelopes[i], File: s.file, Offset: s.offset()}
		if !e.Is(rec) {
			continue
		}
		in := r.inner(s)
		in.guess = s.guess
		err := e.Open(rec, func(payload []byte) {
			from := len(in.arena)
			in.arena = append(in.arena, payload...)
			in.queue = append(in.queue, in.arena[from:len(in.arena):len(in.arena)])
		})
		in.count(cap(in.arena))
		if err != nil {
			return false, r.bad(s, e.Name+": "+err.Error(), "")
		}
		if e.OnlyKnown && !(len(in.queue) == 1 && r.known(in.queue[0])) {
			// The payload was looked at with the same Doc.
			_, _ = r.scan(last, s.unread()[:n])
			continue
		}
		r.depth++
		return true, nil
	}
	return false, nil
}

// known says whether a payload is a record of a format.
func (r *Reader) known(payload []byte) bool {
	last := len(r.d.plans) - 1
	if textual(payload, true) {
		return true
	}
	_, err := r.scan(last, payload)
	return err == nil && r.recognise(last) >= 0
}

// errHinted is an error with advice.
type errHinted struct {
	error
	hint string
}

func hintOf(err error) string {
	if h, ok := errors.AsType[errHinted](err); ok {
		return h.hint
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "the file is cut short"
	}
	return ""
}
