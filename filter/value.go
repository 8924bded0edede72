package filter

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"
)

var spaceAfterQuote = saidf("a space or a comma is missing after the quotes", "引用符の後に空白かコンマが要ります")

// piece is a text as it was read: in quotes, or bare, with stars.
type piece struct {
	Span
	text   string
	parts  []string // of a bare text what stands between its stars: one where there is none
	quoted bool
}

func isCompare(r rune) bool { return strings.ContainsRune("<>=＜＞＝≦≧", r) }

// isQuotable reports whether a backslash before a character takes its meaning away. Before any
// other it is a backslash, so that DOMAIN\user can be written as it is.
func isQuotable(r rune) bool {
	return r == '\\' || closers(r) != "" || r == '」' || r == '』' || isStar(r) || isComma(r) || unicode.IsSpace(r)
}

// quoted reads what is in quotes.
func (p *parser) quoted() (piece, bool) {
	start := p.at
	shut := closers(p.next())
	p.skip()
	var b strings.Builder
	for p.at < len(p.text) {
		r := p.next()
		p.skip()
		if strings.ContainsRune(shut, r) {
			s := b.String()
			return piece{Span{start, p.at}, s, []string{s}, true}, true
		}
		if n := p.next(); r == '\\' && (n == '\\' || closers(n) != "" || strings.ContainsRune(shut, n) && n != 0) {
			r = n
			p.skip()
		}
		b.WriteRune(r)
	}
	p.fault(Span{start, len(p.text)}, saidf("the quotes are not closed", "引用符が閉じていません"))
	return piece{}, false
}

// bare reads what is not in quotes, to a space or where a function says; a value also to a
// comma.
func (p *parser) bare(value bool, stop func(rune) bool) piece {
	start := p.at
	var b, part strings.Builder
	var parts []string
	for !p.ended() {
		r := p.next()
		if value && isComma(r) || stop(r) {
			break
		}
		p.skip()
		if n := p.next(); r == '\\' && p.at < len(p.text) && isQuotable(n) {
			r = n
			p.skip()
		} else if isStar(r) {
			parts = append(parts, part.String())
			part.Reset()
			b.WriteByte('*')
			continue
		}
		b.WriteRune(r)
		part.WriteRune(r)
	}
	return piece{Span{start, p.at}, b.String(), append(parts, part.String()), false}
}

// piece reads one text of a value.
func (p *parser) piece(stop func(rune) bool) (piece, bool) {
	if closers(p.next()) == "" {
		return p.bare(true, stop), true
	}
	c, ok := p.quoted()
	if ok && !p.ended() && !isComma(p.next()) && !stop(p.next()) {
		p.fault(Span{p.at, p.at}, spaceAfterQuote)
		ok = false
	}
	return c, ok
}

// compare reads an operator.
func (p *parser) compare() Op {
	r := p.next()
	if !isCompare(r) {
		return Is
	}
	p.skip()
	equal := false
	if n := p.next(); (n == '=' || n == '＝') && strings.ContainsRune("<>＜＞", r) {
		equal = true
		p.skip()
	}
	switch {
	case r == '≧' || strings.ContainsRune(">＞", r) && equal:
		return AtLeast
	case r == '≦' || strings.ContainsRune("<＜", r) && equal:
		return AtMost
	case strings.ContainsRune(">＞", r):
		return More
	case strings.ContainsRune("<＜", r):
		return Less
	}
	return Is
}

// value reads one value of a field.
func (p *parser) value(f *Field) (Value, bool) {
	v := Value{Span: Span{Start: p.at}}
	refuse := func(s Span, what said) (Value, bool) {
		p.fault(s, what)
		return v, false
	}
	v.Op = p.compare()
	if v.Op != Is && !f.Kind.ordered() {
		return refuse(Span{v.Start, p.at}, f.saidf("%s cannot be compared", "「%s」は大小を比べられません").advised("leave out < and >", "< や > を外してください"))
	}
	if p.ended() || isComma(p.next()) {
		s := f.saidf("a value of %s is missing", "「%s」の値がありません")
		if p.at < len(p.text) && !isComma(p.next()) {
			s = s.advised("there is no space before a value", "値の前に空白は置きません")
		}
		return refuse(Span{v.Start, p.at}, s.expecting(f))
	}
	if f.Kind == Entity && v.Op == Is {
		v.Entity = p.entityType(f)
	}
	from, ok := p.piece(func(r rune) bool { return f.Kind.ordered() && (p.atRange() || isWave(r)) })
	if !ok {
		return v, false
	}
	until := piece{Span: Span{p.at, p.at}}
	if isRange := f.Kind.ordered() && !p.ended() && !isComma(p.next()); isRange {
		if v.Op != Is {
			return refuse(Span{v.Start, p.at}, saidf("a range has no operator", "範囲に演算子は付けません"))
		}
		v.Op = Between
		p.overRange()
		if until, ok = p.piece(func(rune) bool { return false }); !ok {
			return v, false
		}
	}
	v.Span.End = p.at
	if v.Op == Is && !from.quoted {
		if len(from.parts) > 1 && strings.Join(from.parts, "") == "" && v.Entity == "" {
			v.Op = Has
			v.Text = "*"
			return v, true
		}
		if t := Fold(from.text); (t == "none" || t == "なし") && v.Entity == "" && f.Kind != Severity && f.Kind != Flag && f.choice(t) == "" {
			v.Op = Lacks
			v.Text = "none"
			return v, true
		}
	}
	if what, at := v.read(f, from, until); what.text != "" {
		return refuse(at, what)
	}
	return v, true
}

// atRange reports whether the two dots of a range stand here.
func (p *parser) atRange() bool { return strings.HasPrefix(p.text[p.at:], "..") }

func (p *parser) overRange() {
	if p.atRange() {
		p.at += 2
	} else {
		p.skip()
	}
}

// entityType reads "user=" before the id of an entity, and goes back where there is no type.
func (p *parser) entityType(f *Field) string {
	start := p.at
	for !p.ended() && isName(p.next()) {
		p.skip()
	}
	if r := p.next(); r == '=' || r == '＝' {
		if typ := f.choice(p.text[start:p.at]); typ != "" {
			p.skip()
			return typ
		}
	}
	p.at = start
	return ""
}

// read reads the texts of a value as the field has them. Where it is none, it says what is
// wrong, and where.
func (v *Value) read(f *Field, from, until piece) (said, Span) {
	texts := f.Kind == Text || f.Kind == Entity || f.Kind == Address
	if !texts && (len(from.parts) > 1 || len(until.parts) > 1) {
		return f.saidf("%s has no values with a *", "「%s」の値に * は使えません").expecting(f), v.Span
	}
	v.Text = from.text
	if len(from.parts) > 1 {
		v.Parts = from.parts
	}
	if v.Text == "" && f.Kind != Text && v.Op != Between {
		return f.saidf("a value of %s is empty", "「%s」の値が空です").expecting(f), v.Span
	}
	switch f.Kind {
	case Text:
		v.Me = f.Me && !from.quoted && (Fold(v.Text) == "me" || v.Text == "自分")
		if v.Me {
			v.Text = "me"
		}
	case Word, Flag:
		return v.readWord(f, from)
	case Address:
		if v.Parts == nil {
			return v.readAddress(from)
		}
	case Number, Severity, Length:
		return v.readNumber(f, from, until)
	case Time:
		return v.readTime(f, from, until)
	}
	return said{}, Span{}
}

func (v *Value) readWord(f *Field, from piece) (said, Span) {
	w := f.choice(from.text)
	if f.Kind == Flag && w == "" {
		switch Fold(from.text) {
		case "true", "y", "1", "on":
			w = "yes"
		case "false", "n", "0", "off":
			w = "no"
		}
	}
	if w == "" {
		return f.noWord(from.text), from.Span
	}
	v.Text = w
	if w == "yes" {
		v.Number = 1
	}
	v.To = v.Number
	return said{}, Span{}
}

// inJapanese returns the name of the field in Japanese.
func (f *Field) inJapanese() string {
	if f.Japanese == "" {
		return strings.ToUpper(f.Name) // id
	}
	return f.Japanese
}

// saidf returns what is wrong with a field, whose name both texts have.
func (f *Field) saidf(english, japanese string) said {
	return said{text: fmt.Sprintf(english, f.Name), japanese: fmt.Sprintf(japanese, f.inJapanese())}
}

// noWord says that a text is none of the field's words.
func (f *Field) noWord(text string) said {
	var names []string
	for _, w := range f.Words {
		names = append(names, w.Name)
		if w.Japanese != "" {
			names = append(names, w.Japanese)
		}
	}
	s := said{text: fmt.Sprintf("%q is no %s", text, f.Name), japanese: f.inJapanese() + "に「" + text + "」はありません"}.expecting(f)
	near := nearest(text, names)
	if rest := strings.TrimLeft(text, "-!"); near == "" || rest != text {
		if w := f.choice(strings.TrimLeft(rest, "=")); w != "" {
			near = "-" + f.Name + ":" + w
		}
	}
	return s.hinted(near)
}

// expecting returns s with what the values of a field are.
func (s said) expecting(f *Field) said {
	var want, ja string
	switch f.Kind {
	case Word, Severity, Flag:
		var names, japanese []string
		for _, w := range f.Words {
			names = append(names, w.Name)
			if w.Japanese == "" {
				w.Japanese = w.Name
			}
			japanese = append(japanese, w.Japanese)
		}
		last := len(names) - 1
		want, ja = strings.Join(names[:last], ", ")+" or "+names[last], strings.Join(japanese, "、")+"のどれか"
	case Number:
		want, ja = "a number, >5 or 1..9", "数（5、>5、1..9 など）"
	case Length:
		want, ja = "a length with < or >, such as >5m", "<、> と長さ（>5m など）"
	case Time:
		want, ja = "a date, a time or how long ago: 2026-05-01, today, <24h, 2026-05-01..2026-05-07", "日付、時刻、または何時間・何日前か（2026-05-01、today、<24h、2026-05-01..2026-05-07）"
	case Entity:
		want, ja = "an id, or type=id", "ID または type=ID"
	case Address:
		want, ja = "an address or a block, 203.0.113.7 or 203.0.113.0/24", "アドレスまたは範囲（203.0.113.7、203.0.113.0/24）"
	default:
		return s
	}
	s.text += ": want " + want
	s.japanese += "。" + ja + "を書いてください"
	return s
}

func (v *Value) readAddress(from piece) (said, Span) {
	text := strings.ToLower(narrow(v.Text))
	block, ok := parseBlock(text)
	switch {
	case ok:
		v.Block, v.Text = block.Masked(), block.Masked().String()
		if block.IsSingleIP() {
			v.Text = block.Addr().String()
		}
	case !from.quoted && strings.Trim(text, "0123456789./") == "":
		return saidf("%q is no address", "「%s」はアドレスではありません", v.Text).expecting(&Field{Kind: Address}).advised("for the beginning of one write 203.0.113.*", "前方一致は 203.0.113.* と書きます"), from.Span
	}
	return said{}, Span{}
}

// parseBlock reads an address or a block of them in CIDR notation.
func parseBlock(text string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	block, err := netip.ParsePrefix(text)
	return block, err == nil
}
