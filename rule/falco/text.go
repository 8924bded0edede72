package falco

import (
	"bytes"
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

// glue puts a text together from many pieces, in time that grows with their bytes.
type glue struct {
	s  []byte
	at []place // one for each byte of s
}

func glued(t text) glue {
	var g glue
	g.join(t)
	return g
}

// add appends s, all of it from the same place.
func (g *glue) add(s string, at place) {
	g.s = append(g.s, s...)
	for range len(s) {
		g.at = append(g.at, at)
	}
}

// join appends a text.
func (g *glue) join(t text) {
	g.s = append(g.s, t.s...)
	g.at = append(g.at, t.at...)
}

// then appends a text behind a blank.
func (g *glue) then(t text) {
	g.add(" ", t.place(0))
	g.join(t)
}

func (g *glue) text() text { return text{string(g.s), g.at} }

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
	quoted := make([]string, len(items))
	for i, item := range items {
		quoted[i] = quoteItem(item)
	}
	sub := strings.Join(quoted, ", ")
	var done glue // t up to copied, with the items put in
	is := func(set string, i int) bool { return strings.IndexByte(set, t.s[i]) >= 0 }
	copied, used := 0, false
	for from := 0; from <= len(t.s) && len(done.s) <= maxCondition; {
		i := strings.Index(t.s[from:], name)
		if i < 0 {
			break
		}
		start := from + i
		end := start + len(name)
		from = start + 1
		// What comes before a mention that follows another is the blank after that.
		if start > copied && !is(listDelims, start-1) || end < len(t.s) && !is(listDelims, end) {
			continue
		}
		begin := start
		for begin > copied && is(listBlanks, begin-1) {
			begin--
		}
		for end < len(t.s) && is(listBlanks, end) {
			end++
		}
		done.join(t.slice(copied, begin))
		if begin == copied {
			done.s = bytes.TrimRight(done.s, listBlanks)
		}
		if sub == "" {
			// An empty list takes a comma with it.
			if rest, ok := bytes.CutSuffix(done.s, []byte(",")); ok {
				done.s = rest
			} else if end < len(t.s) && t.s[end] == ',' {
				end++
			}
		}
		from, done.at = end, done.at[:len(done.s)]
		if len(done.s) > 0 {
			done.add(" ", t.place(start))
		} else {
			from++
		}
		done.add(sub+" ", t.place(start))
		copied, used = end, true
	}
	if used {
		done.join(t.slice(copied, len(t.s)))
		*t = done.text()
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
