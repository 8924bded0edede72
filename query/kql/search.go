package kql

import (
	"fmt"
	"github.com/yagura-sec/yagura/query/kql/fn"
	"slices"
	"strings"
)

// invoke calls a function of a let with the relation as its first argument.
func (b *binder) invoke(r *rel, op *opNode, e *env) (*rel, error) {
	n := op.x.(*callNode)
	v := e.find(n.name.text)
	if v == nil || v.fun == nil {
		return nil, b.errAt(n.name.Span, b.near(n.name.text, &scope{env: e}), "there is no function '%s'", n.name.text)
	}
	w := e.with("$invoked")
	w.rel = b.share(r, "invoked")
	m := *n
	m.args = append([]*item{{Span: n.Span, value: &nameNode{n.Span, "$invoked"}}}, n.args...)
	out, _, err := b.apply(v, &m, w, nil)
	if err != nil {
		return nil, err
	}
	if out == nil {
		return nil, b.errAt(n.Span, "", "function %s gives no table", n.name.text)
	}
	return out, nil
}

// search finds rows in which a condition holds, where a text alone is a term in
// any column.
func (b *binder) search(r *rel, op *opNode, e *env) (*rel, error) {
	x := terms(op.x)
	if r != nil {
		return b.where(r, x, &scope{env: e, rel: r, win: true})
	}
	legs := op.legs
	if len(legs) == 0 {
		if legs = wherever(op.Span, x); legs == nil {
			return nil, b.errAt(op.Span, "search in (Table) \"text\", or search Column == value", "search for a text over every table of the lake is not supported")
		}
	}
	return b.overTables(op, legs, x, "$table", e)
}

// wherever stands for the tables that have a column of the condition. It is nil for a
// condition on every column, which would read the whole lake.
func wherever(sp Span, x node) []node {
	if everywhere(x) || len(names(x)) == 0 {
		return nil
	}
	return []node{&nameNode{sp, "*"}}
}

func (b *binder) overTables(op *opNode, legs []node, x node, tag string, e *env) (*rel, error) {
	rels, _, err := b.matching(legs, x, e)
	if err != nil {
		return nil, err
	}
	return b.append(rels, tag, false), nil
}

// terms makes * has "text" of a text that stands where a condition does.
func terms(n node) node {
	switch x := n.(type) {
	case *litNode:
		if x.kind == kString {
			op := "has"
			t := *x
			switch {
			case strings.HasPrefix(t.str, "*") && strings.HasSuffix(t.str, "*") && len(t.str) > 2:
				t.str, op = strings.Trim(t.str, "*"), "contains"
			case strings.HasSuffix(t.str, "*"):
				t.str, op = strings.TrimSuffix(t.str, "*"), "hasprefix"
			case strings.HasPrefix(t.str, "*"):
				t.str, op = strings.TrimPrefix(t.str, "*"), "hassuffix"
			}
			return &binNode{Span: x.Span, op: op, l: &starNode{x.Span}, r: &t}
		}
	case *binNode:
		if x.op == "and" || x.op == "or" {
			y := *x
			y.l, y.r = terms(x.l), terms(x.r)
			return &y
		}
	}
	return n
}

// topNested binds top-nested: for each level the best values inside the values of
// the level before.
func (b *binder) topNested(r *rel, op *opNode, e *env) (*rel, error) {
	src := b.share(r, "nested")
	src.mat = true
	var acc *rel // the levels so far, one column for each key and each aggregate
	for i, it := range op.items {
		if it.others != nil {
			return nil, b.errAt(it.Span, "leave it out", "top-nested with others is not supported")
		}
		in, err := b.use(src, op.Span)
		if err != nil {
			return nil, err
		}
		g := &group{in: in}
		lvl := &rel{op: g}
		row := &scope{env: e, rel: in}
		for j := range i + 1 {
			x, err := b.expr(op.items[j].value, row)
			if err != nil {
				return nil, err
			}
			name := x.Name
			if len(op.items[j].names) > 0 {
				name = op.items[j].names[0]
			}
			if name == "" {
				name = fmt.Sprintf("Column%d", j+1)
			}
			k := b.computed(name, x)
			g.keys = append(g.keys, k)
			lvl.fields = append(lvl.fields, field{lvl.fresh(name), k})
		}
		kn := lvl.fields[i].name
		ns, err := b.aggItems(&item{names: it.sub.names, value: it.sub.value, Span: it.Span}, &scope{env: e, rel: in, agg: true, keys: g.keys})
		if err != nil {
			return nil, err
		}
		an := "aggregated_" + kn
		if len(it.sub.names) > 0 {
			an = it.sub.names[0]
		}
		a := b.computed(an, ns[0].expr)
		g.aggs = append(g.aggs, a)
		lvl.fields = append(lvl.fields, field{lvl.fresh(an), a})
		cur := lvl
		if acc != nil { // only inside what the level before kept
			var on []*Expr
			for j := range i {
				on = append(on, E(fn.Bool, "(", acc.fields[2*j].col, " IS NOT DISTINCT FROM ", lvl.fields[j].col, ")"))
			}
			j := &join{kind: "INNER", left: acc, right: lvl, on: List(" AND ", on)}
			cur = &rel{op: j, fields: append(slices.Clone(acc.fields), lvl.fields[i], lvl.fields[len(lvl.fields)-1])}
		}
		if it.sub.others != nil {
			n, err := b.scalar(it.sub.others, e)
			if err != nil {
				return nil, err
			}
			f := Frag{"row_number() OVER ("}
			for j := range i {
				if j == 0 {
					f = append(f, "PARTITION BY ")
				} else {
					f = append(f, ", ")
				}
				f = append(f, cur.fields[2*j].col)
			}
			f = append(f, " ORDER BY ", a)
			if !it.asc {
				f = append(f, " DESC")
			}
			f = append(f, " NULLS LAST)")
			rn := b.computed("n", &Expr{Type: fn.Long, SQL: f})
			w := b.windowed(cur, []*column{rn})
			q := *w
			q.op = &filter{in: w, where: S("(", rn, " <= ", convert(n, fn.Long), ")")}
			cur = &q
		}
		acc = cur
	}
	return acc, nil
}
