package filter

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold returns text as texts are compared and searched: in Unicode's NFKC, so that full-width
// letters and half-width kana find their like, and without case. Bytes that are not UTF-8 become
// U+FFFD. What is folded once stays as it is.
//
// It is the one normalisation of the product: a search column holds what it returned, and a
// query looks for what it returns.
func Fold(text string) string {
	if isASCII(text) {
		return strings.ToLower(text)
	}
	text = norm.NFKC.String(strings.ToValidUTF8(text, string(utf8.RuneError)))
	if isEastAsian(text) {
		return strings.ToLower(text)
	}
	// Folding may undo a composition and composing may bring back a capital, but rarely: two
	// rounds are enough for all but texts that are made to need a third.
	for range 4 {
		folded := norm.NFKC.String(cases.Fold().String(norm.NFKC.String(text)))
		if folded == text {
			break
		}
		text = folded
	}
	return text
}

// isEastAsian reports whether all of a text is ASCII, or of the scripts from CJK's radicals to
// Vai, none of which has case.
func isEastAsian(s string) bool {
	for _, r := range s {
		if r >= utf8.RuneSelf && (r < '\u2e80' || r > '\ua63f') {
			return false
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// narrow returns text with full-width letters, digits and signs as their usual forms.
func narrow(text string) string {
	if isASCII(text) {
		return text
	}
	return norm.NFKC.String(text)
}
