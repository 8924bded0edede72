package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of a query: a longer one is refused.
const (
	MaxText   = 4096 // bytes
	MaxTerms  = 64
	MaxValues = 256 // of all terms together
	maxFaults = 16  // that are told of one text
)

// Parse reads the text of a query. Where it is not one, the error is an [*Error] that says all
// that is wrong with it.
func Parse(list *List, text string) (*Query, error) {
	p := &parser{list: list, text: text}
	switch i := invalid(text); {
	case len(text) > MaxText:
		p.fault(Span{MaxText, len(text)}, saidf("a query has at most %d bytes, this one has %d", "クエリは %d バイトまでですが、%d バイトあります", MaxText, len(text)))
	case i >= 0:
		p.fault(Span{i, i + 1}, saidf("this is not UTF-8", "UTF-8 ではありません"))
	default:
		p.terms()
	}
	if len(p.faults) > 0 {
		return nil, &Error{Faults: p.faults}
	}
	return &Query{List: list, Text: text, Terms: p.out}, nil
}

func invalid(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(text[i:]); n == 1 {
				return i
			}
		}
	}
	return -1
}

// parser reads a text from at on.
type parser struct {
	list   *List
	text   string
	at     int
	out    []Term
	values int
	faults []Fault
}

func (p *parser) fault(s Span, what said) {
	if len(p.faults) < maxFaults {
		line, column := place(p.text, s.Start)
		p.faults = append(p.faults, Fault{Span: s, Line: line, Column: column,
			Text: what.text, Japanese: what.japanese, Hint: what.hint, HintJapanese: what.hintJA})
	}
}

// next returns the character at the place, 0 at the end of the text.
func (p *parser) next() rune {
	if p.at >= len(p.text) {
		return 0
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return r
}

// skip goes over the character at the place.
func (p *parser) skip() {
	_, n := utf8.DecodeRuneInString(p.text[p.at:])
	p.at += n
}

// ended reports whether a word ends here.
func (p *parser) ended() bool { return p.at >= len(p.text) || unicode.IsSpace(p.next()) }

// toEnd goes to the end of the word, but not into what is quoted in it.
func (p *parser) toEnd() {
	for !p.ended() {
		p.skip()
	}
}

// The characters that mean something, with the forms that Japanese input methods give them.
func isColon(r rune) bool { return r == ':' || r == '：' }
func isComma(r rune) bool { return r == ',' || r == '，' || r == '、' }
func isMinus(r rune) bool { return r == '-' || r == '－' || r == '−' }
func isStar(r rune) bool  { return r == '*' || r == '＊' }
func isWave(r rune) bool  { return r == '〜' || r == '～' } // 1〜5 is 1..5

// closers returns what ends what a quotation mark begins, "" where it is none. An input method
// may write the same mark at both ends.
func closers(r rune) string {
	switch r {
	case '"', '＂':
		return `"＂`
	case '“', '”':
		return "”“"
	case '\'':
		return "'"
	case '‘', '’':
		return "’‘"
	case '「':
		return "」"
	case '『':
		return "』"
	}
	return ""
}

// terms reads the whole text.
func (p *parser) terms() {
	for {
		for p.at < len(p.text) && p.ended() {
			p.skip()
		}
		if p.at >= len(p.text) {
			return
		}
		start, faults := p.at, len(p.faults)
		t, ok := p.term()
		t.Span = Span{start, p.at}
		switch {
		case !ok || len(p.faults) > faults:
		case len(p.out) == MaxTerms:
			p.fault(t.Span, saidf("a query has at most %d terms", "条件は %d 個までです", MaxTerms))
			return
		case p.values+len(t.Values) > MaxValues:
			p.fault(t.Span, saidf("a query has at most %d values", "値は全部で %d 個までです", MaxValues))
			return
		default:
			p.values += len(t.Values)
			p.out = append(p.out, t)
		}
	}
}

// term reads one condition. It is not ok where there is a fault, or where a star alone asks for
// nothing.
func (p *parser) term() (t Term, ok bool) {
	start := p.at
	if isMinus(p.next()) {
		p.skip()
		if p.ended() {
			p.fault(Span{start, p.at}, saidf("a - stands before what must not be", "- は除く条件のすぐ前に書きます").advised("put what you look for in quotes", "探す文字なら引用符で囲んでください"))
			return t, false
		}
		t.Not = true
	}
	head := p.at
	if closers(p.next()) != "" {
		v, ok := p.quoted()
		if ok && !p.ended() {
			p.fault(Span{p.at, p.at}, spaceAfterQuote)
			p.toEnd()
			return t, false
		}
		return p.free(t, v.text, head, ok)
	}
	for !p.ended() && isName(p.next()) {
		p.skip()
	}
	name := p.text[head:p.at]
	field := p.list.Field(name)
	switch r := p.next(); {
	case field != nil && isColon(r):
		p.skip()
	case field != nil && isCompare(r): // count>=5 is count:>=5
	case field == nil && isColon(r) && fieldLike(name) && !p.wholeIsText(head):
		p.fault(Span{head, p.at}, p.noField(name))
		p.past(func(rune) bool { return false })
		return t, false
	default:
		p.at = head
		return p.word(t)
	}
	t.Field = field
	whole := true
	for {
		v, fine := p.value(field)
		if fine {
			t.Values = append(t.Values, v)
		} else {
			p.past(isComma) // the values behind may have faults of their own
		}
		whole = whole && fine
		if !isComma(p.next()) {
			return t, whole
		}
		p.skip()
	}
}

// isName reports whether a character may be in the name of a field.
func isName(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || r == '_' || r == '-' || r == '.'
}

// fieldLike reports whether somebody who writes a name before a colon means a field by it.
func fieldLike(name string) bool {
	r, _ := utf8.DecodeRuneInString(name)
	return unicode.IsLetter(r)
}

// wholeIsText reports whether a word with a colon in it is no field and its value but something
// that is pasted as it stands: an ARN, a URL, a digest, a name in Kubernetes, an address of version 6.
func (p *parser) wholeIsText(start int) bool {
	at := p.at
	defer func() { p.at = at }()
	p.at = start
	p.toEnd()
	word := strings.ToLower(p.text[start:p.at])
	for _, scheme := range []string{"arn:", "urn:", "system:", "serviceaccount:", "sha256:", "sha1:", "md5:"} {
		if strings.HasPrefix(word, scheme) {
			return true
		}
	}
	_, address := parseBlock(word)
	return address || strings.HasPrefix(p.text[at:], "://")
}

func (p *parser) noField(name string) said {
	s := said{text: p.list.noField(name).Error(), japanese: p.list.Japanese + "に「" + name + "」という項目はありません"}
	if near := nearest(name, p.list.names()); near != "" {
		return s.hinted(near + ":")
	}
	return s.advised("put it in quotes to look for it as text", "文字として探すなら引用符で囲んでください")
}

// past goes to the end of a term in which a fault is, or to where a function says, over what is
// quoted in it.
func (p *parser) past(stop func(rune) bool) {
	before := rune(':')
	for !p.ended() && !stop(p.next()) {
		r := p.next()
		p.skip()
		if shut := closers(r); shut != "" && (isColon(before) || isComma(before) || isCompare(before)) {
			if i := strings.IndexAny(p.text[p.at:], shut); i >= 0 {
				p.at += i
				p.skip()
			}
		}
		before = r
	}
}

// word reads free text that is not in quotes.
func (p *parser) word(t Term) (Term, bool) {
	start := p.at
	b := p.bare(false, func(rune) bool { return false })
	span := Span{start, p.at}
	word := p.text[start:p.at]
	switch word {
	case "AND", "&&":
		p.fault(span, saidf("all terms must hold anyway", "条件はすべて満たすものとして扱われます").advised("leave out "+word, word+" は要りません"))
	case "OR", "||":
		p.fault(span, saidf("alternatives are the values of one field", "どちらかを満たす条件は 1 つの項目の値として書きます").advised("write them with commas: status:open,acknowledged", "コンマで並べてください: status:open,acknowledged"))
	case "NOT", "!":
		p.fault(span, saidf("what must not be has a - before it", "除く条件には - を付けます").advised("-status:closed", "-status:closed"))
	}
	if rest := strings.TrimLeft(word, "(!（！"); rest != word {
		if name, _, found := cutColon(rest); found && p.list.Field(name) != nil {
			p.fault(span, saidf("there are no brackets and no ! in a query", "クエリに括弧や ! はありません").advised("all terms must hold; - before one turns it round, commas are between alternatives", "条件はすべて満たすもの、- は除外、コンマはどれかを表します"))
		}
	}
	parts := b.parts
	for len(parts) > 1 && parts[0] == "" {
		parts = parts[1:]
	}
	for len(parts) > 1 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	if len(parts) > 1 {
		p.fault(span, saidf("free text has no * within", "検索語の途中に * は使えません").advised("write two words, or put it in quotes", "2 語に分けるか、引用符で囲んでください"))
	}
	if parts[0] == "" {
		return t, false // stars alone: any text
	}
	return p.free(t, parts[0], start, true)
}

func cutColon(s string) (before, after string, found bool) {
	i := strings.IndexFunc(s, isColon)
	if i < 0 {
		return s, "", false
	}
	_, n := utf8.DecodeRuneInString(s[i:])
	return s[:i], s[i+n:], true
}

// free makes a term of free text.
func (p *parser) free(t Term, text string, start int, ok bool) (Term, bool) {
	if ok && strings.TrimSpace(Fold(text)) == "" {
		p.fault(Span{start, p.at}, saidf("there is nothing in the quotes", "引用符の中が空です"))
		ok = false
	}
	t.Values = []Value{{Span: Span{start, p.at}, Text: text}}
	return t, ok
}
