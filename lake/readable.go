package lake

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf16"
)

// readable returns a record as everybody who reads JSON takes it: half of a surrogate pair
// (\ud800 alone) becomes \ufffd, which it means to us anyway. Some readers, and the hunting
// engine is one, take it for a fault of the whole record, so that whoever gets one into a
// field would hide all others. It is the record itself where there is none.
func readable(rec []byte) []byte {
	if !bytes.Contains(rec, []byte(`\ud`)) && !bytes.Contains(rec, []byte(`\uD`)) {
		return rec
	}
	out := rec
	for i := 0; ; {
		k := bytes.IndexByte(rec[i:], '\\')
		if k < 0 {
			return out
		}
		i += k
		r := escape(rec[i:])
		switch {
		case r < 0:
			i += 2
			if i > len(rec) {
				return out
			}
			continue
		case utf16.IsSurrogate(r) && utf16.DecodeRune(r, escape(rec[i+6:])) != '\ufffd':
			i += 6 // and the other half
		case utf16.IsSurrogate(r):
			if &out[0] == &rec[0] {
				out = slices.Clone(rec)
			}
			copy(out[i:], `\ufffd`)
		}
		i += 6
	}
}

// escape is the unit of UTF-16 that a text begins with as \uXXXX, or -1.
func escape(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}
