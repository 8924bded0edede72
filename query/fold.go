package query

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// AppendFold appends the folded form of text to dst. Two texts are equal without
// regard to case exactly when their folded forms are equal: every character is
// replaced by one fixed member of its class under Unicode simple folding, which for
// a class with ASCII letters is the lower-case one. Bytes that are not UTF-8 stay
// as they are and equal only themselves.
func AppendFold(dst, text []byte) []byte {
	for len(text) >= 8 {
		w := binary.LittleEndian.Uint64(text)
		if w&high != 0 {
			break
		}
		dst = binary.LittleEndian.AppendUint64(dst, w|capitals(w)>>2)
		text = text[8:]
	}
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, c)
		} else {
			dst = utf8.AppendRune(dst, foldRune(r))
		}
		i += n
	}
	return dst
}

const high, ones = 0x8080808080808080, 0x0101010101010101

// capitals returns the top bit of every byte of w, which is ASCII, that is a capital.
func capitals(w uint64) uint64 {
	// The top bit of the first sum is set from 'A' up, of the second from 'Z'+1 up.
	return (w + ones*(0x80-'A')) &^ (w + ones*(0x80-'Z'-1)) & high
}

// foldRune returns the member of r's folding class that stands for all of them.
func foldRune(r rune) rune {
	least := r
	for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
		least = min(least, o)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}

// isFolded reports whether text is ASCII without capitals, so that its folded form
// is itself.
func isFolded(text []byte) bool {
	for len(text) >= 8 {
		w := binary.LittleEndian.Uint64(text)
		if w&high != 0 || capitals(w) != 0 {
			return false
		}
		text = text[8:]
	}
	for _, c := range text {
		if c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}
