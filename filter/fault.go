package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Fault is one thing that is wrong with the text of a query.
type Fault struct {
	Span
	// Line and Column are where it begins, from 1, in characters.
	Line, Column int
	// Text and Japanese say what is wrong and what was expected.
	Text, Japanese string
	// Hint and HintJapanese say what to write instead; "" where nothing is known.
	Hint, HintJapanese string
}

// String returns the fault in English, as "1:12: … (hint: …)".
func (f Fault) String() string { return f.In(false) }

// In returns the fault in English or in Japanese.
func (f Fault) In(japanese bool) string {
	text, hint := f.Text, f.Hint
	open, shut := " (hint: ", ")"
	if japanese {
		text, hint, open, shut = f.Japanese, f.HintJapanese, "（ヒント: ", "）"
	}
	if hint != "" {
		text += open + hint + shut
	}
	return fmt.Sprintf("%d:%d: %s", f.Line, f.Column, text)
}

// Error is all that is wrong with a query, in the order of its text. There is at least one
// fault.
type Error struct{ Faults []Fault }

// Error returns all faults in English.
func (e *Error) Error() string { return e.In(false) }

// In returns all faults in English or in Japanese.
func (e *Error) In(japanese bool) string {
	said := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		said[i] = f.In(japanese)
	}
	return strings.Join(said, "; ")
}

// said is what is wrong somewhere, in both languages.
type said struct{ text, japanese, hint, hintJA string }

// hinted returns s with a hint, which is code and so the same in both languages.
func (s said) hinted(code string) said {
	if code != "" {
		s.hint, s.hintJA = "did you mean "+code+"?", code+" ですか？"
	}
	return s
}

// advised returns s with what to do.
func (s said) advised(hint, japanese string) said {
	s.hint, s.hintJA = hint, japanese
	return s
}

func saidf(english, japanese string, args ...any) said {
	return said{text: fmt.Sprintf(english, args...), japanese: fmt.Sprintf(japanese, args...)}
}

// place returns line and column of a byte of a text, from 1, in characters.
func place(text string, at int) (line, column int) {
	before := text[:min(at, len(text))]
	line = 1 + strings.Count(before, "\n")
	return line, 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
}

// nearest returns which of words somebody most likely meant, "" if none is near.
func nearest(word string, words []string) string {
	word = Fold(word)
	best, least := "", 1+max(1, utf8.RuneCountInString(word)/3)
	for _, w := range words {
		if d := distance([]rune(word), []rune(Fold(w)), least); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance returns how many characters have to be added, dropped, exchanged or swapped with
// their neighbour to make b of a; most, where it is that or more.
func distance(a, b []rune, most int) int {
	if len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
	}
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return min(row[len(b)], most)
}
