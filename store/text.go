package store

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// escape begins an escaped byte in a text column: NUL, bytes that are not UTF-8, and
// escape itself, each as escape and two digits.
const escape = '\x10'

// keyLimit is the longest text that an index holds; both dialects take more.
const keyLimit = 600

// clean returns s as a text column keeps it. It is injective; [unclean] is its inverse.
func clean(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 && strings.IndexByte(s, escape) < 0 {
		return s
	}
	b := make([]byte, 0, len(s)+16)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r == 0 || r == escape {
			b = append(b, escape)
			b = hex.AppendEncode(b, []byte{s[i]})
		} else {
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return string(b)
}

// unclean returns what clean was given.
func unclean(s string) string {
	if strings.IndexByte(s, escape) < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == escape && i+2 < len(s) {
			if x, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b = append(b, x[0])
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// key returns s as an indexed column keeps it: clean, and where that is too long its
// beginning and a hash of the whole.
func key(s string) string {
	c := clean(s)
	if len(c) <= keyLimit {
		return c
	}
	sum := sha256.Sum256([]byte(s))
	return cut(c, keyLimit-68) + string(escape) + "+" + hex.EncodeToString(sum[:])
}

// cut returns at most n bytes of s, and no half character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// long returns s, clean, where key does not hold the whole of it, else "".
func long(s string) string {
	if c := clean(s); len(c) > keyLimit {
		return c
	}
	return ""
}

// ns returns a time as a column holds it.
func ns(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	switch s := t.Unix(); {
	case s <= math.MinInt64/1_000_000_000:
		return math.MinInt64
	case s >= math.MaxInt64/1_000_000_000:
		return math.MaxInt64
	}
	if n := t.UnixNano(); n != 0 {
		return n
	}
	return 1 // 0 is none
}

// at returns the time that a column holds.
func at(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// earlier and later choose between times of columns; 0 is none and never chosen.
func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func later(a, b int64) int64 {
	if a == 0 || b != 0 && b > a {
		return b
	}
	return a
}
