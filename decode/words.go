package decode

import "github.com/cespare/xxhash/v2"

// words gives texts that come again and again one string, so that the headers of a run
// of records, which name the same accounts, actors and addresses, cost little memory.
// It holds a bounded number of short texts, the latest of those that share a place.
type words struct{ last [1 << wordBits]string }

const (
	wordBits = 10
	maxWord  = 256 // bytes of a text that is worth keeping
)

// string returns text as a string.
func (w *words) string(text []byte) string {
	if w == nil || len(text) == 0 || len(text) > maxWord {
		return string(text)
	}
	s := &w.last[xxhash.Sum64(text)>>(64-wordBits)]
	if *s != string(text) {
		*s = string(text)
	}
	return *s
}
