package filter

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Item is one thing that may be written at a place.
type Item struct {
	Text string `json:"text"` // what stands in place of [Completion.From] to To
	Doc  string `json:"doc"`  // what it is, for people
	Kind string `json:"kind"` // "field", "value", "operator", "example" or "term", a field with a value
}

// Completion is what may be written at a place of a text.
type Completion struct {
	From  int    `json:"from"` // bytes of the text that an item takes the place of
	To    int    `json:"to"`
	Items []Item `json:"items"`
}

// Help is what [Complete] is given beside the text.
type Help struct {
	Japanese bool // in which language items are described
	// Values returns values of a field that begin with, or hold, a prefix, as rows have them:
	// names of accounts, ids of rules. It may be nil.
	Values func(field, prefix string) []string
	// Said says what such a value is, for people: the name of an account. It may be nil.
	Said func(field, value string) string
}

// mostItems is the longest list of a completion.
const mostItems = 60

// Complete says what may be written at a place of a text that need not be whole: fields, or the
// values of the one that stands before the place.
func Complete(list *List, text string, at int, help Help) Completion {
	at = max(0, min(at, len(text)))
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	p := &parser{list: list, text: text}
	c := completer{Completion: Completion{From: at, To: at, Items: []Item{}}, Help: help}
	field, start, shut := p.before(at)
	if field == nil {
		c.From = start
		p.at = at
		for !p.ended() && isName(p.next()) {
			p.skip()
		}
		if isColon(p.next()) {
			p.skip()
		}
		c.To = p.at
		c.fields(list, text[start:at])
	} else {
		p.at = start
		op := p.compare()
		typed := text[min(p.at, at):at]
		c.From, p.at = start, at
		if i := strings.IndexAny(text[at:], shut); i >= 0 {
			p.at += i // to the end of the quotes
		}
		for !p.ended() && !isComma(p.next()) {
			p.skip()
		}
		c.To = p.at
		c.values(field, op, text[start:max(start, at-len(typed))], typed)
	}
	c.Items = c.Items[:min(len(c.Items), mostItems)]
	return c.Completion
}

// before says what is being written before a place: a value of a field, from start on, or where
// the field is nil a word, from start on. Where the place is in quotes, shut is what ends them.
func (p *parser) before(at int) (f *Field, start int, shut string) {
	last := ' ' // before the character
	for p.at < at {
		r, here := p.next(), p.at
		p.skip()
		switch {
		case shut != "":
			if r == '\\' && p.at < at {
				p.skip()
			} else if strings.ContainsRune(shut, r) {
				shut = ""
			}
		case unicode.IsSpace(r):
			f, start = nil, p.at
		case closers(r) != "" && (here == start || isColon(last) || isComma(last) || isCompare(last) || last == '.'):
			shut = closers(r)
		case isMinus(r) && here == start && f == nil:
			start = p.at
		case f == nil && (isColon(r) || isCompare(r)):
			if f = p.list.Field(p.text[start:here]); f != nil {
				start = p.at
				if isCompare(r) {
					start = here
				}
			}
		case f != nil && isComma(r):
			start = p.at
		}
		last = r
	}
	return f, start, shut
}

type completer struct {
	Completion
	Help
}

func (c *completer) add(kind, text, doc, docJA string) {
	if c.Japanese {
		doc = docJA
	}
	if !slices.ContainsFunc(c.Items, func(i Item) bool { return i.Text == text }) {
		c.Items = append(c.Items, Item{Text: text, Doc: doc, Kind: kind})
	}
}

// fields offers the fields that a prefix begins, then those that hold it, then the words that
// it begins with their field.
func (c *completer) fields(l *List, typed string) {
	if closers(firstRune(typed)) != "" {
		return
	}
	prefix := Fold(typed)
	for _, fits := range []func(string) bool{
		func(s string) bool { return strings.HasPrefix(s, prefix) },
		// Two letters are within half of all names; two of another script are a word.
		func(s string) bool {
			return strings.Contains(s, prefix) && len(prefix) > 2
		},
	} {
		for i := range l.Fields {
			f := &l.Fields[i]
			for _, n := range append([]string{f.Name, f.Japanese}, f.Aliases...) {
				if n != "" && fits(Fold(n)) {
					c.add("field", f.Name+":", f.Doc, label(f.Japanese, f.DocJA))
					break
				}
			}
		}
	}
	for i := range l.Fields {
		f := &l.Fields[i]
		if prefix == "" || f.Kind == Flag || f.Kind == Entity {
			continue
		}
		for _, w := range f.Words {
			if strings.HasPrefix(Fold(w.Name), prefix) || w.Japanese != "" && strings.HasPrefix(Fold(w.Japanese), prefix) {
				c.add("term", f.Name+":"+w.Name, f.Doc, label(w.Japanese, f.DocJA))
			}
		}
	}
}

func label(name, doc string) string {
	if name == "" {
		return doc
	}
	return name + "：" + doc
}

func firstRune(s string) rune {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return 0
	}
	return r
}

// Times that are offered; a length is made longer or shorter from there.
var (
	exampleTimes = []struct{ text, doc, docJA string }{
		{"today", "today", "今日"},
		{"yesterday", "yesterday", "昨日"},
		{"<1h", "less than an hour ago", "1 時間以内"},
		{"<24h", "less than a day ago", "24 時間以内"},
		{"<7d", "less than a week ago", "7 日以内"},
		{">30d", "more than 30 days ago", "30 日より前"},
		{"7d..24h", "between a week and a day ago", "7 日前から 24 時間前まで"},
		{"2026-05-01..2026-05-07", "from one day to another", "ある日からある日まで"},
	}
	exampleAhead = []struct{ text, doc, docJA string }{
		{"<24h", "within a day", "24 時間以内"},
		{"<7d", "within a week", "7 日以内"},
		{">30d", "more than 30 days ahead", "30 日より先"},
		{"today", "today", "今日"},
	}
	exampleLengths = []struct{ text, doc, docJA string }{
		{">1m", "more than a minute", "1 分を超える"},
		{">15m", "more than a quarter of an hour", "15 分を超える"},
		{">1h", "more than an hour", "1 時間を超える"},
	}
	operators = []struct{ text, doc, docJA string }{
		{">=", "at least", "以上"},
		{"<=", "at most", "以下"},
		{">", "more than", "より大きい"},
		{"<", "less than", "より小さい"},
	}
)

// values offers values of a field. sign is the operator that stands there already.
func (c *completer) values(f *Field, op Op, sign, typed string) {
	prefix := strings.TrimPrefix(typed, string(firstRune(typed)))
	if closers(firstRune(typed)) == "" {
		prefix = typed
	}
	folded := Fold(prefix)
	begins := func(s string) bool { return s != "" && strings.HasPrefix(Fold(s), folded) }
	switch f.Kind {
	case Word, Severity, Flag:
		for _, w := range f.Words {
			if begins(w.Name) || begins(w.Japanese) {
				c.add("value", sign+w.Name, "", w.Japanese)
			}
		}
	case Time, Length:
		examples := exampleTimes
		if f.Kind == Length {
			examples = exampleLengths
		} else if f.Ahead {
			examples = exampleAhead
		}
		for _, x := range examples {
			if strings.HasPrefix(x.text, sign+folded) {
				c.add("example", x.text, x.doc, x.docJA)
			}
		}
		for _, of := range []string{"1h", "24h", "7d", "30d"} {
			if sign != "" && begins(of) {
				c.add("example", sign+of, "", "")
			}
		}
	case Number:
		if sign+prefix == "" {
			c.add("example", "1..9", "from one number to another", "ある数からある数まで")
		}
	}
	if f.Kind.ordered() && sign+prefix == "" {
		for _, o := range operators {
			c.add("operator", o.text, o.doc, o.docJA)
		}
	}
	if f.Kind == Entity {
		for _, w := range f.Words {
			if begins(w.Name) || begins(w.Japanese) {
				c.add("value", w.Name+"=", w.Name, w.Japanese)
			}
		}
	}
	if op != Is {
		return
	}
	if f.Me && begins("me") {
		c.add("value", "me", "whoever asks", "自分")
	}
	if c.Values != nil && (f.Kind == Text || f.Kind == Entity || f.Kind == Address) {
		for _, s := range c.Values(f.Name, prefix) {
			v, said := Value{}, ""
			if c.Said != nil {
				said = c.Said(f.Name, s)
			}
			if f.Kind == Entity {
				p := &parser{text: s}
				v.Entity = p.entityType(f)
				s = s[p.at:]
			}
			v.Text = s
			c.add("value", v.print(f), said, said)
		}
	}
	if f.Kind != Severity && f.Kind != Flag && f.choice("none") == "" && begins("none") && prefix != "" || f.Me && prefix == "" {
		c.add("value", "none", "no value", "値なし")
	}
}
