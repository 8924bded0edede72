package kql

import (
	"encoding/json"
	"slices"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// fnPackColumns is bag_pack_columns(a, b): a bag of the columns that are named.
func fnPackColumns(b *binder, n *callNode, s *scope) (*Expr, error) {
	if len(n.args) == 0 {
		return nil, b.errAt(n.Span, "pack_all() packs all columns", "bag_pack_columns() takes columns")
	}
	f := Frag{"json_object("}
	e := E(fn.Dynamic)
	for i, a := range n.args {
		x, err := b.expr(a.value, s)
		if err != nil {
			return nil, err
		}
		name := x.Name
		if v, ok := a.value.(*nameNode); ok {
			name = v.name
		}
		if name == "" {
			return nil, b.errAt(a.Span, "bag_pack() takes names and values", "bag_pack_columns() takes columns")
		}
		if i > 0 {
			f = append(f, ", ")
		}
		f = append(f, QuoteString(name), ", ")
		f = append(f, asDynamic(x).SQL...)
		e.agg, e.win = e.agg || x.agg, e.win || x.win
	}
	e.SQL = append(f, ")")
	return e, nil
}

// fnColumnNames is column_names_of(T): the names of a table's columns, known now.
func fnColumnNames(b *binder, n *callNode, s *scope) (*Expr, error) {
	if len(n.args) != 1 {
		return nil, b.errAt(n.Span, "", "column_names_of() takes a table")
	}
	r, err := b.tabular(n.args[0].value, s.env)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(r.fields))
	for i, f := range r.fields {
		names[i] = f.name
	}
	text, err := json.Marshal(names)
	if err != nil {
		return nil, b.errAt(n.Span, "", "column_names_of(): %v", err)
	}
	return constExpr(fn.Dynamic, &Value{Str: string(text)}), nil
}

// fnColumnExists is the old iscolumnexists("name").
func fnColumnExists(b *binder, n *callNode, s *scope) (*Expr, error) {
	if len(n.args) != 1 || s.rel == nil {
		return nil, b.errAt(n.Span, "", "iscolumnexists() takes the name of a column")
	}
	name, err := b.columnName(n.args[0], s)
	if err != nil {
		return nil, err
	}
	return constExpr(fn.Bool, &Value{Bool: s.rel.find(name) != nil}), nil
}

// fnDataSize is estimate_data_size(a, b) or estimate_data_size(*): the bytes that columns
// take. A dynamic value takes the bytes of its text and as many more as a number.
func fnDataSize(b *binder, n *callNode, s *scope) (*Expr, error) {
	if len(n.args) == 0 || s.rel == nil {
		return nil, b.errAt(n.Span, "estimate_data_size(*) takes all", "estimate_data_size() takes columns")
	}
	var xs []*Expr
	for _, a := range n.args {
		if _, ok := a.value.(*starNode); ok {
			for _, f := range s.rel.fields {
				xs = append(xs, ref(f.col))
			}
			continue
		}
		x, err := b.expr(a.value, s)
		if err != nil {
			return nil, err
		}
		xs = append(xs, x)
	}
	e := E(fn.Long)
	sum := S("0")
	for _, x := range xs {
		sum = S(sum, " + ")
		switch x.Type {
		case fn.String:
			sum = S(sum, "strlen(", x, ")")
		case fn.Dynamic:
			sum = S(sum, "coalesce(strlen(CAST(", x, " AS VARCHAR)), 0) + 8")
		case fn.Bool:
			sum = S(sum, "1")
		case fn.Int:
			sum = S(sum, "4")
		case fn.GUID, fn.Decimal:
			sum = S(sum, "16")
		default:
			sum = S(sum, "8")
		}
		e.agg, e.win = e.agg || x.agg, e.win || x.win
	}
	e.SQL = S("CAST(", sum, " AS BIGINT)")
	return e, nil
}

// projectByNames binds project-by-names: texts, dynamic arrays of texts and patterns
// that are known now. A name that is no column is left out, as Kusto does.
func (b *binder) projectByNames(r *rel, op *opNode, s *scope) (*rel, error) {
	q := *r
	q.fields = nil
	for _, it := range op.items {
		x, err := b.expr(it.value, s)
		if err != nil {
			return nil, err
		}
		if x.Const == nil || x.Type != fn.String && x.Type != fn.Dynamic {
			return nil, b.errAt(it.Span, `such as "Name", "A*" or dynamic(["Name"])`, "project-by-names takes names that are known before the query runs")
		}
		names := []string{x.Const.Str}
		if x.Type == fn.Dynamic {
			names = nil
			if json.Unmarshal([]byte(x.Const.Str), &names) != nil {
				return nil, b.errAt(it.Span, `such as dynamic(["Name", "City"])`, "project-by-names takes an array of names")
			}
		}
		for _, name := range names {
			for _, f := range r.fields {
				if (f.name == name || matchName(name, f.name)) && !slices.ContainsFunc(q.fields, func(g field) bool { return g.name == f.name }) {
					q.fields = append(q.fields, f)
				}
			}
		}
	}
	q.hidden = keepOrder(&q)
	return &q, nil
}

// topHitters binds top-hitters: the values that most rows have, or whose sum is largest.
func (b *binder) topHitters(r *rel, op *opNode, e *env) (*rel, error) {
	sum, top, err := b.hitters(r, op, e)
	if err != nil {
		return nil, err
	}
	q, err := b.summarize(r, sum, e)
	if err != nil {
		return nil, err
	}
	return b.operator(q, top, e)
}

// hitters says top-hitters by two other operators.
func (b *binder) hitters(r *rel, op *opNode, e *env) (sum, top *opNode, err error) {
	x, err := b.expr(op.items[0].value, &scope{env: e, rel: r})
	if err != nil {
		return nil, nil, err
	}
	name := x.Name
	if len(op.items[0].names) > 0 {
		name = op.items[0].names[0]
	}
	call := func(f string, args ...*item) *callNode {
		return &callNode{Span: op.Span, name: token{kind: kIdent, text: f, Span: op.Span}, args: args}
	}
	agg := &item{Span: op.Span, names: []string{"approximate_count_" + name}, value: call("count")}
	if len(op.by) > 0 {
		agg = &item{Span: op.Span, names: []string{"approximate_sum_" + name}, value: call("sum", op.by[0])}
	}
	sum = &opNode{Span: op.Span, name: "summarize", items: []*item{agg}, by: op.items}
	few := *op
	few.name, few.by = "top", nil
	few.items = []*item{{Span: op.Span, value: &nameNode{op.Span, agg.names[0]}}}
	return sum, &few, nil
}

// fnBinAuto is bin_auto(x): bin_at() with the width and the place that set statements
// name.
func fnBinAuto(b *binder, n *callNode, s *scope) (*Expr, error) {
	if len(n.args) != 1 {
		return nil, b.errAt(n.Span, "", "bin_auto() takes one value")
	}
	size, at := b.set["query_bin_auto_size"], b.set["query_bin_auto_at"]
	if size == nil {
		return nil, b.errAt(n.Span, "set query_bin_auto_size = 1h; at the start, or bin() with the width", "the width of bin_auto() is not set")
	}
	call := &callNode{Span: n.Span, name: token{kind: kIdent, text: "bin", Span: n.name.Span}, args: []*item{n.args[0], {Span: size.span(), value: size}}}
	if at != nil {
		call.name.text = "bin_at"
		call.args = append(call.args, &item{Span: at.span(), value: at})
	}
	return b.call(call, s)
}
