package falco

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxCondition bounds the text of one condition after lists are put in, in bytes.
const maxCondition = 1 << 20

// fragment is one scalar of a rule file that text came from.
type fragment struct {
	file  *source
	node  *yaml.Node
	value string // of the scalar, as YAML reads it
}

// place is one byte of a fragment.
type place struct {
	frag *fragment
	off  int
}

// text is condition or output text that remembers where each byte came from. It may
// be glued from several scalars: appended conditions, exceptions, lists.
type text struct {
	s  string
	at []place // one for each byte of s
}

func newText(f *fragment) text {
	t := text{s: f.value, at: make([]place, len(f.value))}
	for i := range t.at {
		t.at[i] = place{f, i}
	}
	return t
}

// add appends s, all of it from the same place.
func (t *text) add(s string, at place) {
	t.s += s
	for range len(s) {
		t.at = append(t.at, at)
	}
}

// join appends another text.
func (t *text) join(o text) {
	t.s += o.s
	t.at = append(t.at, o.at...)
}

// slice returns the bytes from i to j.
func (t text) slice(i, j int) text { return text{t.s[i:j], t.at[i:j]} }

// place returns where byte i came from; past the end it is the end.
func (t text) place(i int) place {
	switch {
	case len(t.at) == 0:
		return place{}
	case i < 0:
		return t.at[0]
	case i >= len(t.at):
		last := t.at[len(t.at)-1]
		return place{last.frag, last.off + 1}
	}
	return t.at[i]
}

// trim drops white space at both ends.
func (t text) trim() text {
	const blank = " \t\n\r\f\v"
	left := len(t.s) - len(strings.TrimLeft(t.s, blank))
	right := len(strings.TrimRight(t.s, blank))
	if left >= right {
		return text{}
	}
	return t.slice(left, right)
}

// Blanks and delimiters around the name of a list.
const (
	listBlanks = " \t\n\r"
	listDelims = listBlanks + "(),="
)

// putList replaces each mention of a list in t by the items of the list: plain
// text, as Falco does it, so that `in (names)` works, `= names` works for a list of
// one, and a quoted mention between delimiters is replaced too. It says whether
// there was a mention.
func (t *text) putList(name string, items []string) bool {
	if name == "" || !strings.Contains(t.s, name) {
		return false
	}
	used := false
	for start := strings.Index(t.s, name); start >= 0; {
		end := start + len(name)
		if (start == 0 || strings.IndexByte(listDelims, t.s[start-1]) >= 0) &&
			(end >= len(t.s) || strings.IndexByte(listDelims, t.s[end]) >= 0) {
			at := t.place(start)
			for start > 0 && strings.IndexByte(listBlanks, t.s[start-1]) >= 0 {
				start--
			}
			for end < len(t.s) && strings.IndexByte(listBlanks, t.s[end]) >= 0 {
				end++
			}
			sub := strings.Builder{}
			for i, item := range items {
				if i > 0 {
					sub.WriteString(", ")
				}
				sub.WriteString(quoteItem(item))
			}
			if sub.Len() == 0 {
				// An empty list takes a comma with it.
				if start > 0 && t.s[start-1] == ',' {
					start--
				} else if end < len(t.s) && t.s[end] == ',' {
					end++
				}
			}
			next := text{}
			if start > 0 {
				next.join(t.slice(0, start))
				next.add(" ", at)
			}
			next.add(sub.String()+" ", at)
			next.join(t.slice(end, len(t.s)))
			*t = next
			start += sub.Len() + 1
			used = true
		}
		if start+1 > len(t.s) || len(t.s) > maxCondition {
			break
		}
		i := strings.Index(t.s[start+1:], name)
		if i < 0 {
			break
		}
		start += 1 + i
	}
	return used
}

// quoteItem puts quotes around an item with a space that has none.
func quoteItem(s string) string {
	if strings.Contains(s, " ") && s[0] != '"' && s[0] != '\'' {
		return `"` + s + `"`
	}
	return s
}

// parenItem puts parentheses around an item that has none.
func parenItem(s string) string {
	if !strings.HasPrefix(s, "(") {
		return "(" + s + ")"
	}
	return s
}
