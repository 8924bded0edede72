package query

import (
	"bytes"

	"github.com/yagura-sec/yagura/slot"
)

func (st *State) node(n *node) bool {
	switch n.op {
	case nodePred:
		return st.holds(n.pred)
	case nodeAnd:
		for i := range n.kids {
			if !st.node(&n.kids[i]) {
				return false
			}
		}
		return true
	case nodeOr:
		for i := range n.kids {
			if st.node(&n.kids[i]) {
				return true
			}
		}
		return false
	case nodeNot:
		return !st.node(&n.kids[0])
	case nodeTrue:
		return true
	}
	return false
}

// Pred reports whether a predicate holds for the record.
func (st *State) Pred(p PredID) bool { return st.holds(p) }

// holds answers a predicate once a record.
func (st *State) holds(id PredID) bool {
	switch st.memo[id] {
	case st.yes:
		return true
	case st.no:
		return false
	}
	p := &st.set.preds[id]
	if p.group >= 0 {
		if st.judged[p.group] == st.yes {
			return false
		}
		st.judge(p.group)
		return st.memo[id] == st.yes
	}
	if st.ask(id, p) {
		st.memo[id] = st.yes
		return true
	}
	st.memo[id] = st.no
	return false
}

// judge asks all predicates of a group.
func (st *State) judge(g int32) {
	if st.judged[g] == st.yes {
		return
	}
	st.judged[g] = st.yes
	gr := st.set.groups[g]
	if gr.field == wholeRecord {
		st.words(func(it *item) bool {
			gr.judge(st, it)
			return true
		})
		return
	}
	if !st.present(gr.field) {
		return
	}
	var place *said
	text, single := st.only(gr.field)
	if single {
		var known bool
		if place, known = st.recalls[g].look(st.seed, text); known {
			for _, p := range place.preds {
				st.mark(p)
			}
			return
		}
	}
	before := len(st.trues)
	l := st.list(gr.field)
	for {
		for i := range l.items {
			gr.judge(st, &l.items[i])
		}
		if !st.more(gr.field, l) {
			break
		}
	}
	if place != nil {
		place.keep(text, st.trues[before:])
	}
}

// mark notes that a predicate of a group holds.
func (st *State) mark(p PredID) {
	st.memo[p] = st.yes
	st.trues = append(st.trues, p)
}

// ask answers a predicate that is in no group.
func (st *State) ask(id PredID, p *pred) bool {
	switch p.op {
	case Exists:
		return st.present(p.field) == (len(p.args) == 0 || p.args[0].src.Bool)
	case IsNull:
		return st.null(p.field)
	case ListFunc:
		return p.src.ListTest(st.texts(p.field))
	case opEach:
		return st.askEach(st.eaches[id], p, nil)
	case Keyword:
		held := false
		st.words(func(it *item) bool {
			held = p.one(st, it) >= 0
			return !held
		})
		return held
	}
	if p.ref != noRef {
		_, _, ok := st.pair(p)
		return ok
	}
	l := st.list(p.field)
	for {
		for i := range l.items {
			if p.one(st, &l.items[i]) >= 0 {
				return true
			}
		}
		if !st.more(p.field, l) {
			return false
		}
	}
}

// present reports whether a field has a value.
func (st *State) present(f FieldID) bool {
	if fd := &st.set.fields[f]; fd.derive == nil {
		return st.doc.First(fd.slot) >= 0
	}
	return len(st.list(f).items) > 0
}

// null reports whether a field is absent or one of its values is null.
func (st *State) null(f FieldID) bool {
	if !st.present(f) {
		return true
	}
	fd := &st.set.fields[f]
	if fd.derive != nil {
		return false
	}
	for v := st.doc.First(fd.slot); v >= 0; v = st.doc.Next(v) {
		if st.doc.Kind(v) == slot.Null {
			return true
		}
	}
	return false
}

// one asks p of one value. It returns the number of the argument that satisfies it
// (0 for an operator without arguments), or -1.
func (p *pred) one(st *State, it *item) int {
	if it.kind == slot.Null {
		return -1
	}
	if p.op == Func {
		if p.src.Test(it.text) {
			return 0
		}
		return -1
	}
	text := it.text
	if p.fold && p.op != Regex {
		text = it.form(st, true)
	}
	for i := range p.args {
		if p.args[i].holds(st, p.op, it, text) {
			return i
		}
	}
	if p.op > Regex || it.kind < slot.Object || p.op == Eq {
		return -1
	}
	if alt := it.resolved(st, p.fold && p.op != Regex); alt != nil {
		for i := range p.args {
			if p.args[i].holds(st, p.op, it, alt) {
				return i
			}
		}
	}
	return -1
}

func (a *arg) holds(st *State, op Op, it *item, text []byte) bool {
	switch op {
	case Eq:
		if bytes.Equal(text, a.text) {
			return true
		}
		if a.decimal == nil || it.kind != slot.Number && !a.src.Number {
			return false
		}
		d, ok := appendDecimal(st.num[:0], text)
		if !ok {
			return false
		}
		st.num = d
		return bytes.Equal(d, a.decimal)
	case Prefix:
		return bytes.HasPrefix(text, a.text)
	case Suffix:
		return bytes.HasSuffix(text, a.text)
	case Contains:
		return bytes.Contains(text, a.text)
	case Glob, Keyword:
		if a.glob == nil {
			return bytes.Contains(text, a.text)
		}
		return a.glob.match(text)
	case Regex:
		return a.src.Regexp.Match(text)
	case CIDR:
		addr, ok := parseAddr(text)
		return ok && inNet(a.net, addr)
	case Lt, Lte, Gt, Gte:
		f, ok := parseNumber(text)
		if ok && f == a.src.Num && a.decimal != nil {
			return st.compareExact(op, text, a.decimal)
		}
		return ok && compare(op, f, a.src.Num)
	case StrLt, StrLte, StrGt, StrGte:
		return compare(op-StrLt+Lt, float64(bytes.Compare(text, a.text)), 0)
	case TimePart:
		t, ok := parseTime(text)
		return ok && compare(a.src.Cmp, partOf(t, a.src.Unit), a.src.Num)
	}
	return false
}

func compare(op Op, a, b float64) bool {
	switch op {
	case Lt:
		return a < b
	case Lte:
		return a <= b
	case Gt:
		return a > b
	case Gte:
		return a >= b
	}
	return a == b
}

// compareExact compares two numbers that are one float64, digit by digit:
// 9007199254740992 is less than 9007199254740993.
func (st *State) compareExact(op Op, a, b []byte) bool {
	d, ok := appendDecimal(st.num[:0], a)
	n := len(d)
	if ok {
		d, ok = appendDecimal(d, b)
	}
	st.num = d
	if !ok {
		return compare(op, 0, 0)
	}
	return compare(op, float64(compareDecimal(d[:n], d[n:])), 0)
}

// pair looks for a value of p's field and one of its reference that satisfy p.
func (st *State) pair(p *pred) (a, b []byte, ok bool) {
	refs := st.texts(p.ref)
	if refs.Len() == 0 {
		return nil, nil, false
	}
	l := st.list(p.field)
	for {
		for i := range l.items {
			it := &l.items[i]
			if it.kind == slot.Null {
				continue
			}
			for j := range refs.Len() {
				if st.related(p, it, refs.texts[j], refs.kinds[j] == slot.Number) {
					return it.text, refs.texts[j], true
				}
			}
		}
		if !st.more(p.field, l) {
			return nil, nil, false
		}
	}
}

// related reports whether a value and one of the reference satisfy p; number says that
// the latter is a JSON number.
func (st *State) related(p *pred, it *item, ref []byte, number bool) bool {
	text := it.form(st, p.fold)
	if p.fold {
		mark := len(st.arena)
		defer func() { st.arena = st.arena[:mark] }()
		ref = st.fold(ref)
	}
	switch p.op {
	case Eq:
		if bytes.Equal(text, ref) {
			return true
		}
		if it.kind != slot.Number && !number {
			return false
		}
		d, ok := appendDecimal(st.num[:0], text)
		if !ok {
			return false
		}
		n := len(d)
		d, ok = appendDecimal(d, ref)
		st.num = d
		return ok && bytes.Equal(d[:n], d[n:])
	case Prefix:
		return bytes.HasPrefix(text, ref)
	case Suffix:
		return bytes.HasSuffix(text, ref)
	case Contains:
		return bytes.Contains(text, ref)
	case Lt, Lte, Gt, Gte:
		x, ok := parseNumber(text)
		y, ok2 := parseNumber(ref)
		if ok && ok2 && x == y {
			return st.compareExact(p.op, text, ref)
		}
		return ok && ok2 && compare(p.op, x, y)
	case StrLt, StrLte, StrGt, StrGte:
		return compare(p.op-StrLt+Lt, float64(bytes.Compare(text, ref)), 0)
	}
	return false
}

// words calls f for every scalar and every key of the record, until f returns false.
// Keys are texts of their own; a string's escapes are resolved.
func (st *State) words(f func(it *item) bool) {
	rec := st.doc.Record()
	mark := len(st.arena)
	for i := 0; i < len(rec); {
		c := rec[i]
		it := &st.word
		switch {
		case c == '"':
			end, esc := i+1, false
			for rec[end] != '"' {
				if rec[end] == '\\' {
					esc = true
					end++
				}
				end++
			}
			*it = item{kind: slot.String, text: rec[i+1 : end]}
			if esc {
				st.arena = slot.Unescape(st.arena[:mark], it.text)
				it.text = st.arena[mark:len(st.arena):len(st.arena)]
			}
			i = end + 1
		case c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z':
			end := i + 1
			for end < len(rec) && isWord(rec[end]) {
				end++
			}
			*it = item{kind: slot.Number, text: rec[i:end]}
			switch c {
			case 't', 'f':
				it.kind = slot.Bool
			case 'n':
				it.kind = slot.Null
			}
			i = end
		default:
			i++
			continue
		}
		if it.kind == slot.Null {
			continue
		}
		ok := f(it)
		st.arena = st.arena[:mark]
		if !ok {
			return
		}
	}
}

func isWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '+' || c == '.'
}
