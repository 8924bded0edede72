package store

import (
	"strings"
	"unicode/utf8"
)

// A text is cut into pieces in the same way when it is kept and when it is looked for: two and
// three letters in a row that are ASCII, two that are not (so 権限 is one piece), and where it is
// to tell long texts apart five that are ASCII. Any text that holds another holds all its pieces.
// Hashes of pieces stand in indexes, which so only say where a text may be: whoever asks looks
// at the text itself.

// piece hashes.
const (
	pieceSeed  = 14695981039346656037
	piecePrime = 1099511628211
)

// eachPiece calls yield with the hash of every piece of a text that was folded, and of how many
// letters it is. Pieces do not go over the end of a line.
func eachPiece(s string, long bool, yield func(h uint64, letters int)) {
	var last [5]rune // the letters before, the newest first
	n := 0           // how many of them go together
	for _, r := range s {
		if r == '\n' {
			n = 0
			continue
		}
		if n > 0 && (r < utf8.RuneSelf) != (last[0] < utf8.RuneSelf) {
			n = 0
		}
		last[4], last[3], last[2], last[1], last[0] = last[3], last[2], last[1], last[0], r
		n = min(n+1, 5)
		if n >= 2 {
			yield(pieceHash(0, 0, 0, last[1], r), 2)
		}
		if r >= utf8.RuneSelf {
			continue
		}
		if n >= 3 {
			yield(pieceHash(0, 0, last[2], last[1], r), 3)
		}
		if n >= 5 && long {
			yield(pieceHash(last[4], last[3], last[2], last[1], r), 5)
		}
	}
}

func pieceHash(letters ...rune) uint64 {
	h := uint64(pieceSeed)
	for _, r := range letters {
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
		eachPiece(s, false, func(h uint64, _ int) { out[h] = struct{}{} })
	}
	return out
}

// mostAsked is how many pieces of a text are looked up: more tell little that is new.
const mostAsked = 8

// askedPieces returns pieces that any text holds which holds s; none where s is too short.
func askedPieces(s string, long bool) []uint64 {
	var all []uint64
	seen := map[uint64]bool{}
	most := 0
	eachPiece(s, long, func(_ uint64, letters int) { most = max(most, letters) })
	eachPiece(s, long, func(h uint64, letters int) {
		// Short pieces within long ones tell nothing that these do not; those beside them do.
		if letters == 2 && most > 2 && isASCII(s) || letters == 3 && most > 3 && isASCII(s) {
			return
		}
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

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
