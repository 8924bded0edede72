package query

import (
	"bytes"
	"hash/maphash"
)

// recall remembers what a group said of the texts it saw last. Names of calls, regions
// and user agents come again and again, and to find the same text costs a fraction of
// searching it. Where texts hardly repeat, it rests.
type recall struct {
	said  []said // by hash; the later text replaces the earlier
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
	recallSize  = 256   // a power of two
	recallText  = 512   // bytes of the longest text that is remembered
	recallTrial = 1024  // texts after which the share of known ones is looked at
	recallRest  = 16384 // texts that are not looked up after fewer than half were known
)

// look returns the place of text and whether what was said of it is there; nil where
// text is not to be remembered.
func (r *recall) look(seed maphash.Seed, text []byte) (*said, bool) {
	if len(text) > recallText {
		return nil, false
	}
	if r.rest > 0 {
		r.rest--
		return nil, false
	}
	if r.asked == recallTrial {
		known := r.known
		r.asked, r.known = 0, 0
		if known < recallTrial/2 {
			*r = recall{rest: recallRest}
			return nil, false
		}
	}
	r.asked++
	if r.said == nil {
		r.said = make([]said, recallSize)
	}
	s := &r.said[maphash.Bytes(seed, text)%recallSize]
	if s.used && bytes.Equal(s.text, text) {
		r.known++
		return s, true
	}
	return s, false
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
