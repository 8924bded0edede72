package kql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// evaluate binds plugins. Those whose columns depend on the data need them said:
// evaluate pivot(…) : (name:type, …).
func (b *binder) evaluate(r *rel, op *opNode, e *env) (*rel, error) {
	n := op.x.(*callNode)
	switch n.name.text {
	case "narrow":
		return b.narrow(r)
	case "bag_unpack":
		return b.bagUnpack(r, op, n, e)
	case "pivot":
		return b.pivot(r, op, n, e)
	case "ipv4_lookup":
		return b.ipLookup(r, n, e, "kql_ipv4_is_in_range(")
	case "ipv6_lookup":
		return b.ipLookup(r, n, e, "kql_ipv6_is_in_range(")
	case "basket":
		return b.basket(r, n, e)
	case "autocluster":
		return b.autocluster(r, n, e)
	case "sequence_detect":
		return b.sequenceDetect(r, n, e)
	case "rolling_percentile":
		return b.rollingPercentile(r, n, e)
	case "dcount_intersect":
		return b.dcountIntersect(r, n, e)
	}
	hint := "the plugins are autocluster, bag_unpack, basket, dcount_intersect, ipv4_lookup, ipv6_lookup, narrow, pivot, rolling_percentile and sequence_detect"
	if n.name.text == "diffpatterns" {
		hint = "use basket(), or summarize count() by the columns that may matter, and top"
	}
	return nil, b.errAt(n.name.Span, hint, "plugin %s is not supported", n.name.text)
}

// narrow turns each row into one row for each of its columns.
func (b *binder) narrow(r *rel) (*rel, error) {
	num := b.computed("Row", E(fn.Long, "(row_number() OVER () - 1)"))
	f := Frag{"to_json(["}
	for i, c := range r.fields {
		if i > 0 {
			f = append(f, ", ")
		}
		f = append(f, "json_object('c', "+QuoteString(c.name)+", 'v', ")
		f = append(f, convert(ref(c.col), fn.String).SQL...)
		f = append(f, ")")
	}
	f = append(f, "])")
	all := b.computed("cells", &Expr{Type: fn.Dynamic, SQL: f})
	in := &rel{op: &calc{in: r, defs: []*column{num, all}, win: true}, fields: []field{{"Row", num}, {"cells", all}}}
	ex, q, err := b.expandItems(in, &opNode{items: []*item{{names: []string{"cell"}, value: &nameNode{name: "cells"}}}}, &scope{rel: in})
	if err != nil {
		return nil, err
	}
	cell := ref(ex.elems[0])
	c := b.computed("Column", str("json_extract_string(", cell, ", '$.c')"))
	v := b.computed("Value", str("json_extract_string(", cell, ", '$.v')"))
	return &rel{op: &calc{in: q, defs: []*column{c, v}}, fields: []field{{"Row", num}, {"Column", c}, {"Value", v}}}, nil
}

// bagUnpack makes columns of the keys of a bag. The keys are those that the query
// says, or those of the bag where it was packed by name in the query.
func (b *binder) bagUnpack(r *rel, op *opNode, n *callNode, e *env) (*rel, error) {
	if len(n.args) < 1 {
		return nil, b.errAt(n.Span, "", "bag_unpack() takes a column")
	}
	x, err := b.expr(n.args[0].value, &scope{env: e, rel: r})
	if err != nil {
		return nil, err
	}
	if x.col == nil || x.Type != fn.Dynamic {
		return nil, b.errAt(n.args[0].Span, "extend it first", "bag_unpack() takes a dynamic column")
	}
	u, err := b.unpackArgs(n, e)
	if err != nil {
		return nil, err
	}
	var keys []key
	for _, d := range op.cols {
		if !slices.Contains(u.ignored, strings.TrimPrefix(d.name, u.prefix)) {
			keys = append(keys, key{d.name, d.typ})
		}
	}
	switch {
	case op.cols != nil:
	case b.o.Discover == nil:
		// The keys are not known: a name that is no column is a key of the bag.
		q := *r
		q.bag, q.prefix = x.col, u.prefix
		return &q, nil
	default:
		if keys, err = b.discoverKeys(r, x, n.Span, u.ignored); err != nil {
			return nil, err
		}
		for i := range keys {
			keys[i].name = u.prefix + keys[i].name
		}
	}
	c := &calc{in: r}
	q := &rel{op: c}
	for _, f := range r.fields {
		if f.col != x.col {
			q.fields = append(q.fields, f)
		}
	}
	for _, k := range keys {
		at := slices.IndexFunc(q.fields, func(f field) bool { return f.name == k.name })
		if at >= 0 && u.conflict != "replace_source" {
			switch {
			case u.conflict == "error":
				return nil, b.errAt(n.Span, "columnsConflict='keep_source' or 'replace_source'", "a key of bag_unpack() is called %s as a column is", k.name)
			case op.cols != nil || u.conflict == "keep_source":
				continue
			}
		}
		m, err := b.member(ref(x.col), step{key: strings.TrimPrefix(k.name, u.prefix), isKey: true}, n.Span)
		if err != nil {
			return nil, err
		}
		t := k.typ
		if t == "" {
			t = fn.Dynamic
		}
		d := b.computed(k.name, convert(m, t))
		c.defs = append(c.defs, d)
		if at >= 0 && u.conflict == "replace_source" {
			q.fields[at].col = d
		} else {
			q.fields = append(q.fields, field{q.fresh(k.name), d})
		}
	}
	return q, nil
}

// pivot turns the values of a column into columns.
func (b *binder) pivot(r *rel, op *opNode, n *callNode, e *env) (*rel, error) {
	if len(n.args) < 1 {
		return nil, b.errAt(n.Span, "", "pivot() takes a column")
	}
	row := &scope{env: e, rel: r}
	x, err := b.expr(n.args[0].value, row)
	if err != nil {
		return nil, err
	}
	agg := &item{value: &callNode{Span: n.Span, name: token{kind: kIdent, text: "count", Span: n.Span}}}
	if len(n.args) > 1 {
		agg = n.args[1]
	}
	g := &group{}
	q := &rel{op: g}
	var used []*column
	if c, ok := agg.value.(*callNode); ok {
		for _, a := range c.args {
			if v, err := b.expr(a.value, row); err == nil && v.col != nil {
				used = append(used, v.col)
			}
		}
	}
	var by []field
	var byExpr []*Expr
	if len(n.args) > 2 {
		for _, a := range n.args[2:] {
			v, err := b.expr(a.value, row)
			if err != nil {
				return nil, err
			}
			by = append(by, field{v.Name, nil})
			byExpr = append(byExpr, v)
		}
	} else {
		for _, f := range r.fields {
			if f.col != x.col && !slices.Contains(used, f.col) {
				by = append(by, f)
				byExpr = append(byExpr, ref(f.col))
			}
		}
	}
	known := true
	var vals []string
	types := map[string]Type{}
	if op.cols != nil {
		for _, d := range op.cols {
			if !slices.ContainsFunc(by, func(f field) bool { return f.name == d.name }) {
				vals = append(vals, d.name)
				types[d.name] = d.typ
			}
		}
	} else if b.o.Discover == nil {
		known = false
	} else if vals, err = b.discover(r, convert(x, fn.String).SQL, n.Span, "pivot"); err != nil {
		return nil, err
	}
	// First one row for each key and value, then the values side by side.
	first := &group{in: r}
	mid := &rel{op: first}
	for i, f := range by {
		k := b.computed(f.name, byExpr[i])
		first.keys = append(first.keys, k)
		mid.fields = append(mid.fields, field{mid.fresh(f.name), k})
	}
	text := b.computed("pivot", convert(x, fn.String))
	first.keys = append(first.keys, text)
	ns, err := b.aggItems(agg, &scope{env: e, rel: r, agg: true, keys: first.keys})
	if err != nil {
		return nil, err
	}
	if !ns[0].expr.agg {
		return nil, b.errAt(agg.Span, "such as count() or sum(x)", "pivot() takes an aggregate")
	}
	val := b.computed("value", ns[0].expr)
	val.nonull = false
	first.aggs = []*column{val}
	mid.hidden = []*column{text, val}
	g.in = mid
	for _, f := range mid.fields {
		k := b.computed(f.name, ref(f.col))
		g.keys = append(g.keys, k)
		q.fields = append(q.fields, field{q.fresh(f.name), k})
	}
	zero := false
	if c, ok := agg.value.(*callNode); ok {
		zero = slices.Contains([]string{"count", "countif", "dcount", "dcountif", "sum", "sumif"}, c.name.text)
	}
	add := func(v string) (*column, error) {
		z := E(val.typ, "any_value(", val, ") FILTER (WHERE ", text, " = ", QuoteString(v), ")")
		switch {
		case val.typ == fn.String:
			z = str(z)
		case zero && isNumber(val.typ):
			z = E(val.typ, "coalesce(", z, ", 0)")
		}
		if t := types[v]; t != "" {
			z = convert(z, t)
		}
		c := b.computed(v, z)
		g.aggs = append(g.aggs, c)
		return c, nil
	}
	if !known {
		// The values are not known: a name that is no column is one of them.
		q.late, q.at = new([]*column), n.Span
		made := map[string]*column{}
		q.open = func(v string) (*column, error) {
			if c := made[v]; c != nil {
				return c, nil
			}
			c, err := add(v)
			if err == nil {
				made[v] = c
				*q.late = append(*q.late, c)
			}
			return c, err
		}
	}
	for _, v := range vals {
		c, err := add(v)
		if err != nil {
			return nil, err
		}
		q.fields = append(q.fields, field{q.fresh(v), c})
	}
	return q, nil
}

// ipLookup joins with a table of networks: the rows of the networks that an address
// is in.
func (b *binder) ipLookup(r *rel, n *callNode, e *env, within string) (*rel, error) {
	if len(n.args) < 3 {
		return nil, b.errAt(n.Span, "", "%s() takes a table, a column of addresses and a column of networks", n.name.text)
	}
	nets, err := b.tabular(n.args[0].value, e)
	if err != nil {
		return nil, err
	}
	row := &scope{env: e, rel: r}
	addr, err := b.expr(n.args[1].value, row)
	if err != nil {
		return nil, err
	}
	net, err := b.expr(n.args[2].value, &scope{env: e, rel: nets})
	if err != nil {
		return nil, err
	}
	kind := "INNER"
	on := S(within, convert(addr, fn.String), ", ", convert(net, fn.String), ")")
	for _, a := range n.args[3:] {
		if len(a.names) == 1 && a.names[0] == "return_unmatched" || len(a.names) == 0 && isBool(a.value) {
			if v, ok := a.value.(*boolNode); ok && v.val {
				kind = "LEFT"
			}
			continue
		}
		x, err := b.expr(a.value, row)
		if err != nil {
			return nil, err
		}
		y, err := b.expr(a.value, &scope{env: e, rel: nets})
		if err != nil {
			return nil, err
		}
		c, err := b.compare("==", x, y, a.Span)
		if err != nil {
			return nil, err
		}
		on = S(on, " AND ", c.loose())
	}
	// Kusto shows the columns of the networks behind those of the table, but ipv6_lookup()
	// before them.
	j := &join{kind: kind, left: r, right: nets, on: on}
	q := &rel{op: j, fields: slices.Clone(r.fields)}
	for _, f := range nets.fields {
		c := f.col
		if kind == "LEFT" && c.typ == fn.String {
			c = b.computed(c.name, str(f.col))
			j.fill = append(j.fill, c)
		}
		q.fields = append(q.fields, field{q.fresh(f.name), c})
	}
	if n.name.text == "ipv6_lookup" {
		q.fields = slices.Concat(q.fields[len(r.fields):], q.fields[:len(r.fields)])
	}
	return q, nil
}

func isBool(n node) bool {
	_, ok := n.(*boolNode)
	return ok
}

// discover asks the data for the names of columns, where the caller gave a way.
func (b *binder) discover(r *rel, x Frag, sp Span, plugin string) ([]string, error) {
	if b.o.Discover == nil {
		return nil, b.errAt(sp, "say them: evaluate "+plugin+"(…) : (name:type, …)", "the columns of %s() depend on the data", plugin)
	}
	// The query so far is compiled by itself, so that the marks of the whole are
	// not touched: the plan is written twice.
	d := b.computed("name", &Expr{Type: fn.String, SQL: x})
	g := &group{in: &rel{op: &calc{in: r, defs: []*column{d}, win: true}, fields: []field{{"name", d}}}}
	k := b.computed("name", str(d))
	g.keys = []*column{k}
	q := &rel{op: g, fields: []field{{"name", k}}, order: []sortKey{{col: k, nulls: "FIRST"}}}
	p, err := b.plan(q)
	if err != nil {
		return nil, err
	}
	p.SQL += " LIMIT 500"
	names, err := b.o.Discover(p)
	if err != nil {
		return nil, fmt.Errorf("columns of %s(): %w", plugin, err)
	}
	return slices.DeleteFunc(names, func(s string) bool { return s == "" }), nil
}
