package query

import (
	"bytes"
	"encoding/binary"
)

// recall remembers what a group said of the texts it saw last. Names of calls, regions
// and user agents come again and again, and to find the same text costs a fraction of
// searching it. Where texts hardly repeat, it rests.
type recall struct {
	said  []said // a power of two; by hash, the later text replaces the earlier
	asked int
	known int
	rest  int // texts to come that are not looked up
}

// said is what a group said of one text: these predicates hold.
type said struct {
	text  []byte
	preds []PredID
	used  bool
}

const (
	recallBits  = 7
	recallSize  = 1 << recallBits
	recallText  = 512  // bytes of the longest text that is remembered
	recallTrial = 512  // texts after which the share of known ones is looked at
	recallRest  = 8192 // texts that are not looked up after fewer than half were known
)

// look returns the place of text and whether what was said of it is there; nil where
// text is not to be remembered.
func (r *recall) look(text []byte) (*said, bool) {
	if len(text) > recallText {
		return nil, false
	}
	if r.rest > 0 {
		r.rest--
		return nil, false
	}
	if r.said == nil {
		r.said = make([]said, recallSize)
	}
	if r.asked == recallTrial {
		if r.known < recallTrial/2 {
			r.rest = recallRest
		}
		r.asked, r.known = 0, 0
	}
	r.asked++
	s := &r.said[place(text)]
	if s.used && bytes.Equal(s.text, text) {
		r.known++
		return s, true
	}
	return s, false
}

// place hashes the length of text and its bytes at the start, in the middle and at the
// end. Texts that differ elsewhere share a place and drive each other out.
func place(text []byte) int {
	n := len(text)
	var a, b, c uint64
	if n >= 8 {
		a = binary.LittleEndian.Uint64(text)
		b = binary.LittleEndian.Uint64(text[n/2-4:])
		c = binary.LittleEndian.Uint64(text[n-8:])
	} else {
		for _, x := range text {
			a = a<<8 | uint64(x)
		}
	}
	h := (a ^ b*0x9E3779B97F4A7C15 ^ c*0xC2B2AE3D27D4EB4F ^ uint64(n)) * 0xD6E8FEB86659FD93
	return int(h >> (64 - recallBits))
}

func (s *said) keep(text []byte, preds []PredID) {
	s.text, s.preds, s.used = append(s.text[:0], text...), append(s.preds[:0], preds...), true
}

// only returns the text of a field that has one value, a string, as its group judges it.
func (st *State) only(f FieldID) ([]byte, bool) {
	fd := &st.set.fields[f]
	if fd.derive != nil {
		return nil, false
	}
	text, ok := st.doc.Only(fd.slot)
	if !ok {
		return nil, false
	}
	if fd.conv != ConvAny {
		text = cutNUL(text)
	}
	return text, true
}
