package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Escape makes a string from a log safe to show: control characters (among them
// those that drive a terminal), marks that turn the direction of text or hide it, line
// separators and bytes that are not UTF-8 are written out as \x1b, \u202e and so on.
func Escape(s string) string {
	if clean(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case !harmful(r):
			b.WriteString(s[i : i+n])
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += n
	}
	return b.String()
}

func clean(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return utf8.ValidString(s) && strings.IndexFunc(s, harmful) < 0
		}
	}
	return true
}

// harmful says whether a rune changes how its neighbours are shown or is not shown
// itself: controls, formats (bidirectional marks, zero-width), separators, tags.
func harmful(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) || r == '\u034f' || r == '\u115f' || r == '\u3164'
}

// Columns counts the columns that s takes in a terminal.
func Columns(s string) int { return columns(s) }

// columns counts the terminal columns of s.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// fit pads s to n columns, or cuts it with an ellipsis.
func fit(s string, n int) string {
	have := columns(s)
	if have <= n {
		return s + strings.Repeat(" ", n-have)
	}
	if n <= 1 {
		return strings.Repeat("…", max(n, 0))
	}
	var b strings.Builder
	at := 0
	for _, r := range s {
		w := runeColumns(r)
		if at+w > n-1 {
			break
		}
		b.WriteRune(r)
		at += w
	}
	return b.String() + "…" + strings.Repeat(" ", n-1-at)
}

// fitEnd is fit for the name of a file, whose end says the most.
func fitEnd(s string, n int) string {
	over := columns(s) - n
	if over <= 0 || n <= 1 {
		return fit(s, n)
	}
	for i, r := range s {
		if over < 0 {
			return fit("…"+s[i:], n)
		}
		over -= runeColumns(r)
	}
	return fit("…", n)
}
