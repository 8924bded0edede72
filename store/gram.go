package store

import (
	"strings"
	"unicode/utf8"
)

// A text is cut into pieces in the same way when it is kept and when it is looked for: three
// letters in a row that are ASCII, two that are not (so 権限 is one piece). Any text that holds
// another holds all its pieces. Hashes of pieces stand in indexes, which so only say where a
// text may be: whoever asks looks at the text itself.

// piece hashes.
const (
	pieceSeed  = 14695981039346656037
	piecePrime = 1099511628211
)

// eachPiece calls yield with the hash of every piece of a text that was folded. Pieces do not
// go over the end of a line.
func eachPiece(s string, yield func(h uint64)) {
	var a, b rune // the two before, 0 where they do not go together
	for _, r := range s {
		switch {
		case r == '\n':
			a, b = 0, 0
			continue
		case r < utf8.RuneSelf:
			if b >= utf8.RuneSelf {
				a, b = 0, 0
			}
			if a != 0 {
				yield(pieceHash(a, b, r))
			}
			a, b = b, r
		default:
			if b >= utf8.RuneSelf {
				yield(pieceHash(0, b, r))
			}
			a, b = 0, r
		}
	}
}

func pieceHash(a, b, c rune) uint64 {
	h := uint64(pieceSeed)
	for _, r := range [...]rune{a, b, c} {
		h = (h ^ uint64(r)) * piecePrime
		h ^= h >> 29
	}
	return h
}

// tokenHash is the hash of a whole value of a field.
func tokenHash(field, value string) uint64 {
	h := uint64(pieceSeed ^ 0x5bd1e995)
	for _, s := range [...]string{field, "\x00", value} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * piecePrime
		}
	}
	return h ^ h>>31
}

// pieces returns the different pieces of a text that was folded.
func pieces(texts ...string) map[uint64]struct{} {
	out := map[uint64]struct{}{}
	for _, s := range texts {
		eachPiece(s, func(h uint64) { out[h] = struct{}{} })
	}
	return out
}

// mostAsked is how many pieces of a text are looked up: more tell little that is new.
const mostAsked = 8

// askedPieces returns pieces that any text holds which holds s; none where s is too short.
func askedPieces(s string) []uint64 {
	var all []uint64
	seen := map[uint64]bool{}
	eachPiece(s, func(h uint64) {
		if !seen[h] {
			seen[h] = true
			all = append(all, h)
		}
	})
	if len(all) <= mostAsked {
		return all
	}
	out := make([]uint64, mostAsked)
	for i := range out {
		out[i] = all[i*(len(all)-1)/(mostAsked-1)]
	}
	return out
}

const pieceDigits = "0123456789abcdefghijklmnopqrstuv"

// pieceWord writes a hash as a word of FTS5: 40 bits of it.
func pieceWord(b *strings.Builder, h uint64) {
	for range 8 {
		b.WriteByte(pieceDigits[h&31])
		h >>= 5
	}
}

// pieceNumber is a hash as PostgreSQL keeps it: the same 40 bits.
func pieceNumber(h uint64) int64 { return int64(h & (1<<40 - 1)) }
