package query

import (
	"net/netip"
	"regexp/syntax"
	"slices"

	"github.com/yagura-sec/yagura/slot"
)

// A group judges all predicates that look for texts in one field, together, the
// first time that one of them is asked of a record: a table for whole texts, one each
// for starts and ends, and one search for all texts inside. So the cost of a field
// does not grow with the number of rules that read it.
//
// A predicate that is more than a literal (a pattern, a regular expression) joins
// with a literal that must occur where it holds, and is asked itself only then.
type group struct {
	field FieldID
	fold  bool
	exact map[string][]PredID
	// decimals finds numbers by value; typed has those of them that a text may equal.
	decimals map[string][]PredID
	typed    map[string][]PredID
	starts   lengthTable
	ends     lengthTable
	inside   finder
	nets     map[netip.Prefix][]PredID
	bits4    []int // lengths of the prefixes in nets, longest first
	bits6    []int
	// lits are collected before Seal.
	lits []literal
}

type groupKey struct {
	field FieldID
	fold  bool
}

// anchor says where in the text a literal must stand.
type anchor uint8

const (
	anywhere anchor = iota
	atStart
	atEnd
	whole
)

// literal is a text that must occur where pred holds; unless verify it is enough.
type literal struct {
	text   []byte
	at     anchor
	pred   PredID
	verify bool
}

// join puts a predicate into its group if all its arguments have a literal.
func (s *Set) join(id PredID) {
	p := &s.preds[id]
	if s.alone || p.ref != noRef || len(p.args) == 0 {
		return
	}
	fold := p.fold
	var lits []literal
	var nets []netip.Prefix
	for i := range p.args {
		a := &p.args[i]
		l := literal{pred: id, text: a.text}
		switch p.op {
		case Eq:
			l.at = whole
		case Prefix:
			l.at = atStart
		case Suffix:
			l.at = atEnd
		case Contains:
		case Glob, Keyword:
			if a.glob == nil {
				break // a keyword without wildcards is contained
			}
			op, text, ok := a.src.Pattern.Literal()
			if !ok {
				l.text, l.at = a.glob.literal()
				l.verify = true
				break
			}
			l.text = []byte(text)
			if fold {
				l.text = AppendFold(nil, l.text)
			}
			l.at = [...]anchor{Eq: whole, Prefix: atStart, Suffix: atEnd, Contains: anywhere}[op]
		case Regex:
			text, folded, ok := requiredLiteral(a.src.Regexp.String())
			if !ok || i > 0 && folded != fold {
				return
			}
			fold = folded
			if l.text, l.verify = []byte(text), true; fold {
				l.text = AppendFold(nil, l.text)
			}
		case CIDR:
			nets = append(nets, a.net)
			continue
		default:
			return
		}
		if len(l.text) == 0 && l.at != whole {
			return
		}
		lits = append(lits, l)
	}
	key := groupKey{field: p.field, fold: fold}
	g, ok := s.groupIDs[key]
	if !ok {
		g = int32(len(s.groups))
		s.groupIDs[key] = g
		s.groups = append(s.groups, &group{field: p.field, fold: fold})
	}
	p.group = g
	gr := s.groups[g]
	gr.lits = append(gr.lits, lits...)
	for _, n := range nets {
		if gr.nets == nil {
			gr.nets = map[netip.Prefix][]PredID{}
		}
		gr.nets[n] = append(gr.nets[n], id)
	}
	for i := range p.args {
		if d := p.args[i].decimal; d != nil && p.op == Eq {
			gr.decimals = addTo(gr.decimals, string(d), id)
			if p.args[i].src.Number {
				gr.typed = addTo(gr.typed, string(d), id)
			}
		}
	}
}

func addTo(m map[string][]PredID, text string, id PredID) map[string][]PredID {
	if m == nil {
		m = map[string][]PredID{}
	}
	if !slices.Contains(m[text], id) {
		m[text] = append(m[text], id)
	}
	return m
}

// seal builds the tables from lits.
func (g *group) seal(s *Set) {
	var starts, ends, inside []literal
	for _, l := range g.lits {
		switch l.at {
		case whole:
			g.exact = addTo(g.exact, string(l.text), l.pred)
		case atStart:
			starts = append(starts, l)
		case atEnd:
			ends = append(ends, l)
		default:
			inside = append(inside, l)
		}
		if l.verify {
			s.preds[l.pred].verify = true
		}
	}
	g.lits = nil
	g.starts.build(starts)
	g.ends.build(ends)
	g.inside.build(inside)
	for n := range g.nets {
		if n.Addr().Is4() {
			g.bits4 = append(g.bits4, n.Bits())
		} else {
			g.bits6 = append(g.bits6, n.Bits())
		}
	}
	slices.Sort(g.bits4)
	slices.Sort(g.bits6)
	g.bits4, g.bits6 = slices.Compact(g.bits4), slices.Compact(g.bits6)
}

// judge asks the group about one item of its field and marks what holds.
func (g *group) judge(st *State, it *item) {
	if it.kind == slot.Null {
		return
	}
	text := it.form(st, g.fold)
	if g.exact != nil {
		g.found(st, g.exact[string(text)], it)
	}
	if g.decimals != nil {
		table := g.decimals
		if it.kind != slot.Number {
			table = g.typed
		}
		if table != nil && len(text) > 0 && (text[0] <= '9') {
			if d, ok := appendDecimal(st.num[:0], text); ok {
				st.num = d
				g.found(st, table[string(d)], it)
			}
		}
	}
	if g.nets != nil {
		g.judgeAddr(st, text, it)
	}
	g.parts(st, text, it)
	if it.kind >= slot.Object {
		if alt := it.resolved(st, g.fold); alt != nil {
			g.parts(st, alt, it)
		}
	}
}

func (g *group) parts(st *State, text []byte, it *item) {
	if g.starts.size > 0 {
		g.starts.prefixes(text, func(l *literal) { g.hit(st, l.pred, it) })
	}
	if g.ends.size > 0 {
		g.ends.suffixes(text, func(l *literal) { g.hit(st, l.pred, it) })
	}
	g.inside.find(st, g, text, it)
}

func (g *group) judgeAddr(st *State, text []byte, it *item) {
	addr, ok := parseAddr(text)
	if !ok {
		return
	}
	g.inNets(st, addr, it)
	if addr.Is4In6() {
		g.inNets(st, addr.Unmap(), it)
	}
}

func (g *group) inNets(st *State, addr netip.Addr, it *item) {
	bits := g.bits6
	if addr.Is4() {
		bits = g.bits4
	}
	for _, n := range bits {
		p, err := addr.Prefix(n)
		if err == nil {
			g.found(st, g.nets[p], it)
		}
	}
}

func (g *group) found(st *State, preds []PredID, it *item) {
	for _, p := range preds {
		g.hit(st, p, it)
	}
}

// hit marks a predicate whose literal was found.
func (g *group) hit(st *State, p PredID, it *item) {
	if st.memo[p] == st.yes {
		return
	}
	if x := &st.set.preds[p]; x.verify && x.one(st, it) < 0 {
		return
	}
	st.mark(p)
}

// lengthTable finds which of many texts another text starts (or ends) with: one look
// into a table for each length that occurs, where the text has one of the right bytes
// at both ends of that length.
type lengthTable struct {
	size    int
	lengths []lengthMark
	table   map[string][]literal
}

// lengthMark is one length with the bytes that texts of it start and end with.
type lengthMark struct {
	n           int
	first, last [4]uint64
}

func (m *lengthMark) may(part []byte) bool {
	a, b := part[0], part[len(part)-1]
	return m.first[a>>6]&(1<<(a&63)) != 0 && m.last[b>>6]&(1<<(b&63)) != 0
}

func (t *lengthTable) build(lits []literal) {
	t.size = len(lits)
	if t.size == 0 {
		return
	}
	t.table = map[string][]literal{}
	for _, l := range lits {
		t.table[string(l.text)] = append(t.table[string(l.text)], l)
		i, ok := slices.BinarySearchFunc(t.lengths, len(l.text), func(m lengthMark, n int) int { return m.n - n })
		if !ok {
			t.lengths = slices.Insert(t.lengths, i, lengthMark{n: len(l.text)})
		}
		if len(l.text) > 0 {
			a, b := l.text[0], l.text[len(l.text)-1]
			t.lengths[i].first[a>>6] |= 1 << (a & 63)
			t.lengths[i].last[b>>6] |= 1 << (b & 63)
		}
	}
}

func (t *lengthTable) prefixes(text []byte, f func(*literal)) {
	for i := range t.lengths {
		m := &t.lengths[i]
		if m.n > len(text) {
			return
		}
		t.look(m, text[:m.n], f)
	}
}

func (t *lengthTable) suffixes(text []byte, f func(*literal)) {
	for i := range t.lengths {
		m := &t.lengths[i]
		if m.n > len(text) {
			return
		}
		t.look(m, text[len(text)-m.n:], f)
	}
}

func (t *lengthTable) look(m *lengthMark, part []byte, f func(*literal)) {
	if len(part) > 0 && !m.may(part) {
		return
	}
	lits := t.table[string(part)]
	for i := range lits {
		f(&lits[i])
	}
}

// requiredLiteral returns the longest text that every match of a regular expression
// holds; folded says that it occurs in any case.
func requiredLiteral(expr string) (text string, folded, ok bool) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return "", false, false
	}
	best := longestLiteral(re)
	if best == nil || len(best.Rune) == 0 {
		return "", false, false
	}
	return string(best.Rune), best.Flags&syntax.FoldCase != 0, true
}

func longestLiteral(re *syntax.Regexp) *syntax.Regexp {
	switch re.Op {
	case syntax.OpLiteral:
		if slices.Contains(re.Rune, '\uFFFD') {
			return nil // which also matches bytes that are not UTF-8
		}
		return re
	case syntax.OpConcat:
		var best *syntax.Regexp
		for _, sub := range re.Sub {
			if l := longestLiteral(sub); l != nil && (best == nil || len(l.Rune) > len(best.Rune)) {
				best = l
			}
		}
		return best
	case syntax.OpCapture, syntax.OpPlus:
		return longestLiteral(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return longestLiteral(re.Sub[0])
		}
	}
	return nil
}
