package kql

import (
	"slices"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// find gives the rows of tables for which a condition holds: with the columns that
// project names, or with those that the condition names or all tables have, and the
// rest of each row in a bag.
func (b *binder) find(op *opNode, e *env) (*rel, error) {
	legs := op.legs
	if len(legs) == 0 {
		if legs = wherever(op.Span, terms(op.x)); legs == nil {
			return nil, b.errAt(op.Span, "find in (Table, …) where …, or find where Column == value", "find for a text over every table of the lake is not supported")
		}
	}
	tag := op.opts["withsource"]
	if tag == "" {
		tag = "source_"
	}
	rels, asked, err := b.matching(legs, terms(op.x), e)
	if err != nil {
		return nil, err
	}
	type shown struct {
		name string
		typ  Type
	}
	var show []shown
	pack := len(op.items) == 0
	for _, it := range op.items {
		if c, ok := it.value.(*callNode); ok && c.name.text == "pack_all" {
			pack = true
			continue
		}
		n, ok := it.value.(*nameNode)
		if !ok {
			return nil, b.errAt(it.Span, "name them, and pack_all() for the rest", "find projects columns")
		}
		if !slices.ContainsFunc(rels, func(r *rel) bool { return r.find(n.name) != nil }) {
			return nil, b.noColumn(n.name, n.Span, rels[0])
		}
		show = append(show, shown{n.name, it.typ})
	}
	if len(op.items) == 0 {
		for _, f := range rels[0].fields {
			shared := !slices.ContainsFunc(rels, func(r *rel) bool { return r.find(f.name) == nil })
			if shared || slices.Contains(asked, f.name) {
				show = append(show, shown{f.name, ""})
			}
		}
		for _, n := range asked {
			if !slices.ContainsFunc(show, func(s shown) bool { return s.name == n }) {
				show = append(show, shown{n, ""})
			}
		}
	}
	out := make([]*rel, len(rels))
	for i, r := range rels {
		c := &calc{in: r}
		q := &rel{op: c, label: r.label}
		for _, s := range show {
			col := r.find(s.name)
			if col == nil { // null, so that the columns keep their order
				j := slices.IndexFunc(rels, func(o *rel) bool { return o.find(s.name) != nil })
				col = b.computed(s.name, constExpr(rels[j].find(s.name).typ, &Value{Null: true}))
				c.defs = append(c.defs, col)
			}
			if s.typ != "" && s.typ != col.typ {
				col = b.computed(s.name, convert(ref(col), s.typ))
				c.defs = append(c.defs, col)
			}
			q.fields = append(q.fields, field{s.name, col})
		}
		if pack {
			f := Frag{"json_object("}
			for _, x := range r.fields {
				if q.find(x.name) != nil {
					continue
				}
				if len(f) > 1 {
					f = append(f, ", ")
				}
				f = S(f, QuoteString(x.name), ", ", asDynamic(ref(x.col)))
			}
			bag := b.computed("pack_", E(fn.Dynamic, append(f, ")")))
			c.defs = append(c.defs, bag)
			q.fields = append(q.fields, field{q.fresh("pack_"), bag})
		}
		out[i] = q
	}
	return b.append(out, tag, false), nil
}

// matching gives the rows of each table for which a condition holds, and the columns
// that the condition names. A column that a table lacks and another has is null there;
// a table that has none of them is left out.
func (b *binder) matching(legs []node, x node, e *env) ([]*rel, []string, error) {
	var all []*rel
	for _, l := range legs {
		if m, ok := l.(*nameNode); ok && hasStar(m.name) {
			found, err := b.likeNamed(m, e)
			if err != nil {
				return nil, nil, err
			}
			if len(found) == 0 {
				return nil, nil, b.noneLike(m)
			}
			all = append(all, found...)
			continue
		}
		t, err := b.tabular(l, e)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, t)
	}
	types := map[string]Type{}
	var asked []string
	for _, n := range names(x) {
		for _, r := range all {
			if c := r.find(n); c != nil && types[n] == "" {
				types[n], asked = c.typ, append(asked, n)
			}
		}
	}
	var out []*rel
	for _, t := range all {
		in := *t
		fill := &calc{in: t}
		for _, n := range asked {
			if t.find(n) == nil {
				c := b.computed(n, constExpr(types[n], &Value{Null: true}))
				fill.defs = append(fill.defs, c)
				in.fields = append(slices.Clone(in.fields), field{n, c})
			}
		}
		if len(asked) > 0 && len(fill.defs) == len(asked) && len(all) > 1 && !everywhere(x) {
			continue
		}
		if len(fill.defs) > 0 {
			in.op = fill
		}
		y, err := b.where(&in, x, &scope{env: e, rel: &in})
		if err != nil {
			return nil, nil, err
		}
		q := *y
		q.fields, q.label = t.fields, t.label
		out = append(out, &q)
	}
	if len(out) == 0 {
		return nil, nil, b.errAt(x.span(), "", "no table has the columns of the condition")
	}
	return out, asked, nil
}

// names are the names in a condition that may be columns, each once.
func names(n node) []string {
	var out []string
	walk(n, func(n node) {
		if x, ok := n.(*nameNode); ok && !slices.Contains(out, x.name) {
			out = append(out, x.name)
		}
	})
	return out
}

// walk visits the parts of an expression.
func walk(n node, visit func(node)) {
	visit(n)
	switch x := n.(type) {
	case *memberNode:
		walk(x.base, visit)
	case *indexNode:
		walk(x.base, visit)
		walk(x.index, visit)
	case *callNode:
		for _, a := range x.args {
			walk(a.value, visit)
		}
	case *binNode:
		walk(x.l, visit)
		walk(x.r, visit)
	case *unaryNode:
		walk(x.x, visit)
	case *inNode:
		walk(x.x, visit)
		for _, l := range x.list {
			walk(l, visit)
		}
	case *betweenNode:
		walk(x.x, visit)
		walk(x.lo, visit)
		walk(x.hi, visit)
	}
}

// everywhere says whether a condition looks for text in every column.
func everywhere(n node) bool {
	found := false
	walk(n, func(n node) {
		if _, ok := n.(*starNode); ok {
			found = true
		}
	})
	return found
}
