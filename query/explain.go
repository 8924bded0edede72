package query

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/slot"
)

// Bounds of an explanation. What is left out is said in the explanation itself.
const (
	maxActual   = 1024 // bytes of one value
	maxWhys     = 64   // clauses
	maxOrShown  = 20   // terms of one Or
	maxValueLen = 256  // bytes of what a rule asks for, where it lists alternatives
)

// why is a clause with its place, by which clauses are sorted.
type why struct {
	yagura.Why
	span Span
}

// Explain judges one record apart from others and returns what [Program.Why] does. A
// nil st makes a new one.
func (p *Program) Explain(doc *slot.Doc, st *State) []yagura.Why {
	if st == nil {
		st = p.NewState()
	}
	st.Begin(doc, Meta{})
	return p.Why(st)
}

// Why returns the clauses of p that held for the record that st has begun, in the
// order of the rule: all terms of an And, of an Or those that hold. A predicate
// under a Not is shown with its operator negated and what the field holds instead.
// Values are cut at 1 KB and bytes that are not UTF-8 replaced. It returns nil when p
// does not hold.
func (p *Program) Why(st *State) []yagura.Why {
	if !p.Holds(st) {
		return nil
	}
	whys := st.whys[:0]
	st.explain(&p.root, true, &whys)
	defer func() {
		clear(whys)
		st.whys = whys[:0]
	}()
	slices.SortStableFunc(whys, func(a, b why) int {
		if a.span.Line != b.span.Line {
			return a.span.Line - b.span.Line
		}
		return a.span.Column - b.span.Column
	})
	out := make([]yagura.Why, 0, min(len(whys), maxWhys))
	for i, w := range whys {
		if i == maxWhys {
			out = append(out, yagura.Why{Field: "…", Op: "more", Value: strconv.Itoa(len(whys)-i) + " more clauses"})
			break
		}
		out = append(out, w.Why)
	}
	return out
}

// explain appends why n answers as held says.
func (st *State) explain(n *node, held bool, out *[]why) {
	switch n.op {
	case nodePred:
		st.explainPred(n, held, out)
	case nodeNot:
		st.explain(&n.kids[0], !held, out)
	case nodeAnd, nodeOr:
		if held == (n.op == nodeAnd) {
			for i := range n.kids {
				st.explain(&n.kids[i], held, out)
			}
			return
		}
		// One term is enough; show those that agree.
		shown, more := 0, 0
		var last Span
		for i := range n.kids {
			if st.node(&n.kids[i]) != held {
				continue
			}
			if shown == maxOrShown {
				more++
				continue
			}
			from := len(*out)
			st.explain(&n.kids[i], held, out)
			if len(*out) > from {
				last = (*out)[len(*out)-1].span
			}
			shown++
		}
		if more > 0 {
			*out = append(*out, why{yagura.Why{Field: "…", Op: "more", Value: strconv.Itoa(more) + " more alternatives held"}, last})
		}
	}
}

func (st *State) explainPred(n *node, held bool, out *[]why) {
	p := &st.set.preds[n.pred]
	if p.op == opEach {
		st.explainEach(n.pred, p, held, out)
		return
	}
	src := n.src
	w := why{span: src.Span}
	w.Field, w.Op = src.Field.Name, src.OpName
	if w.Op == "" {
		w.Op = opName(p.op)
	}
	switch p.op {
	case Keyword:
		w.Field = "(record)"
	case Exists:
		must := len(src.Args) == 0 || src.Args[0].Bool
		w.Op, w.Value = "exists", strconv.FormatBool(must == held)
		w.Actual = shown(st.first(p.field))
		*out = append(*out, w)
		return
	case IsNull:
		if !held {
			w.Op = "not " + w.Op
			w.Actual = shown(st.first(p.field))
		}
		*out = append(*out, w)
		return
	}
	if !held {
		w.Op = "not " + w.Op
		w.Value = allArgs(src)
		if p.op != Keyword {
			w.Actual = shown(st.first(p.field))
		}
		*out = append(*out, w)
		return
	}
	i, actual := st.satisfied(p)
	switch {
	case src.Ref != nil:
		w.Actual = shown(actual)
		_, b, _ := st.pair(p)
		w.Value = src.Ref.Name + " = " + shown(b)
		*out = append(*out, w)
		return
	case i >= 0 && i < len(p.args):
		// The pred may be another rule's equal one: its own words are looked up.
		w.Value = argShown(p.op, ownArg(src, p, i))
	default:
		w.Value = allArgs(src)
	}
	if w.Actual = w.Value; string(actual) != w.Value || len(actual) > maxActual {
		w.Actual = shown(actual)
	}
	*out = append(*out, w)
}

// ownArg returns the argument of src that equals the i-th of p, which may have been
// compiled from another rule.
func ownArg(src *Pred, p *pred, i int) *Arg {
	if src == p.src {
		return &src.Args[i]
	}
	if a := p.args[i].src; i < len(src.Args) && src.Args[i].Text == a.Text && a.Text != "" && src.Args[i].Pattern == a.Pattern {
		return &src.Args[i]
	}
	for j := range src.Args {
		own := pred{op: p.op, args: []arg{newArg(&src.Args[j], src)}}
		its := pred{op: p.op, args: p.args[i : i+1]}
		a, _ := own.identity()
		if b, _ := its.identity(); a == b {
			return &src.Args[j]
		}
	}
	return p.args[i].src
}

// satisfied returns the first argument and value that satisfy p.
func (st *State) satisfied(p *pred) (i int, actual []byte) {
	i = -1
	if p.op == Keyword {
		st.words(func(it *item) bool {
			if i = p.one(st, it); i >= 0 {
				actual = slices.Clone(it.text)
			}
			return i < 0
		})
		return i, actual
	}
	if p.op == ListFunc {
		var all []string
		l := st.texts(p.field)
		for k := range min(l.Len(), maxOrShown) {
			all = append(all, string(l.At(k)))
		}
		return -1, []byte(strings.Join(all, ", "))
	}
	if p.ref != noRef {
		actual, _, _ = st.pair(p)
		return -1, actual
	}
	l := st.list(p.field)
	for {
		for k := range l.items {
			it := &l.items[k]
			if i = p.one(st, it); i < 0 {
				continue
			}
			if i < len(p.args) && it.kind >= slot.Object && it.inner != nil && it.inner.text != nil && !p.args[i].holds(st, p.op, it, it.form(st, p.fold && p.op != Regex)) {
				return i, it.inner.text
			}
			return i, it.text
		}
		if !st.more(p.field, l) {
			return -1, nil
		}
	}
}

// first returns the text of a field's first value, nil when it is absent.
func (st *State) first(f FieldID) []byte {
	l := st.list(f)
	if len(l.items) == 0 {
		return nil
	}
	if l.items[0].kind == slot.Null {
		return []byte("null")
	}
	return l.items[0].text
}

var quantNames = [...]string{EachAny: "any", EachAll: "all", EachAllOrEmpty: "all_or_empty", EachNone: "none"}

func (st *State) explainEach(id PredID, p *pred, held bool, out *[]why) {
	e := p.each
	name := e.src.Field.Name
	op := quantNames[e.quant] + " member"
	if !held {
		op = "not " + op
	}
	w := why{span: e.src.Span}
	w.Field, w.Op = name, op
	w.Actual = shown(st.first(p.field))
	*out = append(*out, w)
	es := st.eaches[id]
	st.askEach(es, p, func(memberHeld bool) {
		var inner []why
		es.st.explain(&e.prog.root, memberHeld, &inner)
		for _, x := range inner {
			x.Field = memberName(name, x.Field)
			if x.span == (Span{}) {
				x.span = e.src.Span
			}
			*out = append(*out, x)
		}
	})
}

// memberName is the name of a member's field for people. A list that the rule names
// with its selector needs no brackets of ours; the member itself has no name, or a dot.
func memberName(list, field string) string {
	if !strings.HasSuffix(list, "]") {
		list += "[]"
	}
	if field == "" || field == "." {
		return list
	}
	return list + "." + field
}

// shown makes a text from a log fit for people: cut, and in valid UTF-8.
func shown(text []byte) string {
	if len(text) <= maxActual {
		if !utf8.Valid(text) {
			text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
		}
		return string(text)
	}
	cut := maxActual
	for cut > maxActual-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strings.ToValidUTF8(string(text[:cut]), "\uFFFD") + "…"
}

// allArgs lists what a predicate asks for.
func allArgs(src *Pred) string {
	if src.Ref != nil {
		return src.Ref.Name
	}
	var b strings.Builder
	for i := range src.Args {
		if b.Len() > maxValueLen {
			fmt.Fprintf(&b, ", … (%d more)", len(src.Args)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(argShown(src.Op, &src.Args[i]))
	}
	return b.String()
}

// argShown writes one argument as the rule does.
func argShown(op Op, a *Arg) string {
	if a.Shown != "" {
		return a.Shown
	}
	switch op {
	case Glob, Keyword:
		if a.Pattern != nil {
			return a.Pattern.String()
		}
	case Regex:
		return a.Regexp.String()
	case CIDR:
		return a.Net.String()
	case Lt, Lte, Gt, Gte:
		if a.Text == "" {
			return strconv.FormatFloat(a.Num, 'g', -1, 64)
		}
	case TimePart:
		s := unitNames[a.Unit] + " "
		if a.Cmp != Eq {
			s += opName(a.Cmp) + " "
		}
		return s + strconv.FormatFloat(a.Num, 'g', -1, 64)
	}
	return a.Text
}

// String writes p with its wildcards; a character that stands for itself but looks
// like a wildcard gets a backslash.
func (p *Pattern) String() string {
	var b strings.Builder
	if p.OpenStart {
		b.WriteByte('*')
	}
	for i, piece := range p.Pieces {
		if i > 0 {
			b.WriteByte('*')
		}
		for j, r := range piece.Runes {
			switch {
			case piece.Any[j]:
				b.WriteByte('?')
				continue
			case r == '*' || r == '?' || r == '\\':
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
	}
	if p.OpenEnd && (len(p.Pieces) > 0 || !p.OpenStart) {
		b.WriteByte('*')
	}
	return b.String()
}

var opNames = [...]string{
	Eq: "equals", Prefix: "startswith", Suffix: "endswith", Contains: "contains", Glob: "matches", Regex: "re",
	CIDR: "cidr", Lt: "lt", Lte: "lte", Gt: "gt", Gte: "gte", StrLt: "<", StrLte: "<=", StrGt: ">", StrGte: ">=",
	Exists: "exists", IsNull: "is null", TimePart: "time part", Func: "test", ListFunc: "test", Keyword: "keyword",
}

// opName returns the name of an operator in explanations.
func opName(op Op) string {
	if int(op) < len(opNames) {
		return opNames[op]
	}
	return "each"
}

var unitNames = [...]string{Minute: "minute", Hour: "hour", Day: "day", Week: "week", Month: "month", Year: "year"}
