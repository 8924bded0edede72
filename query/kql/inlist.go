package kql

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// in binds x in (…), has_any and has_all. The list holds values, dynamic arrays
// or one query of one column.
func (b *binder) in(n *inNode, s *scope) (*Expr, error) {
	var x *Expr
	var err error
	if star, ok := n.x.(*starNode); ok && s.rel != nil {
		var parts []*Expr
		for _, f := range s.rel.fields {
			if f.col.typ != fn.String {
				continue
			}
			m := *n
			m.x = &nameNode{star.Span, f.name}
			e, err := b.in(&m, s)
			if err != nil {
				return nil, err
			}
			parts = append(parts, e)
		}
		if len(parts) == 0 {
			return constExpr(fn.Bool, &Value{}), nil
		}
		return E(fn.Bool, "(", List(" OR ", parts), ")"), nil
	}
	if x, err = b.expr(n.x, s); err != nil {
		return nil, err
	}
	held, queried := x, false // queried: some values are known only when the query runs
	op := strings.TrimPrefix(n.op, "!")
	not := op != n.op
	fold := op == "in~"
	term := op == "has_any" || op == "has_all"
	if term || fold {
		y, ok := textOf(x)
		if !ok {
			return nil, b.errAt(n.Span, "convert it with tostring()", "%s needs text, not %s", n.op, x.Type)
		}
		x = y
	}
	var consts []*Expr
	var parts []*Expr // conditions
	for _, l := range n.list {
		if b.looksTabular(l, s.env) && !(s.rel != nil && isColumn(l, s.rel)) {
			e, err := b.inQuery(x, l, op, s)
			if err != nil {
				return nil, err
			}
			parts, queried = append(parts, e), true
			continue
		}
		v, err := b.expr(l, s)
		if err != nil {
			return nil, err
		}
		if v.Type == fn.Dynamic && !(x.Type == fn.Dynamic && len(n.list) > 1) {
			if v.Const != nil {
				vs, ok := elements(v.Const.Str)
				if ok {
					consts = append(consts, vs...)
					continue
				}
			}
			parts, queried = append(parts, inArray(x, v, op)), true
			continue
		}
		if v.Const != nil && v.Type == fn.String && v.Const.Str == "" && term {
			continue
		}
		consts = append(consts, v)
	}
	if term {
		ts, err := b.terms(op, x, consts, n.Span)
		if err != nil {
			return nil, err
		}
		parts = append(parts, ts...)
	} else if len(consts) > 0 {
		e, err := b.inValues(x, consts, fold, n.Span)
		if err != nil {
			return nil, err
		}
		parts = append(parts, e)
	}
	if len(parts) == 0 {
		return constExpr(fn.Bool, &Value{Bool: not}), nil
	}
	sep := " OR "
	if op == "has_all" {
		sep = " AND "
	}
	f := parts[0].SQL
	nonnull := parts[0].NonNull
	if len(parts) > 1 {
		f = S("(", List(sep, parts), ")")
		for _, p := range parts {
			nonnull = nonnull && p.NonNull
		}
	}
	plain := f
	if !nonnull {
		f = S("coalesce(", f, ", false)")
	}
	if not {
		f = S("(NOT ", f, ")")
		plain = f
	}
	e := E(fn.Bool, f).NotNull()
	e.Loose = plain
	if !not && !queried && len(consts) > 0 {
		if op == "has_all" {
			consts = []*Expr{slices.MaxFunc(consts, func(a, c *Expr) int { return cmp.Compare(constLen(a), constLen(c)) })}
		}
		e.holding(held, consts...)
	}
	e.agg, e.win = x.agg, x.win
	return e, nil
}

// constLen is how long a text is that is known.
func constLen(x *Expr) int {
	if x.Const == nil {
		return 0
	}
	return len(x.Const.Str)
}

func isColumn(n node, r *rel) bool {
	m, ok := n.(*nameNode)
	return ok && r.find(m.name) != nil
}

// elements are the values of a constant array.
func elements(js string) ([]*Expr, bool) {
	var vs []any
	d := json.NewDecoder(strings.NewReader(js))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	switch v := v.(type) {
	case []any:
		vs = v
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			vs = append(vs, k)
		}
	case nil:
		return nil, true
	default:
		vs = []any{v}
	}
	var out []*Expr
	for _, v := range vs {
		switch v := v.(type) {
		case string:
			out = append(out, constExpr(fn.String, &Value{Str: v}))
		case json.Number:
			if i, err := v.Int64(); err == nil {
				out = append(out, constExpr(fn.Long, &Value{Int: i}))
			} else if f, err := v.Float64(); err == nil {
				out = append(out, constExpr(fn.Real, &Value{Real: f}))
			}
		case bool:
			out = append(out, constExpr(fn.Bool, &Value{Bool: v}))
		}
	}
	return out, true
}

// inValues is x in (a, b): one IN where the types allow it.
func (b *binder) inValues(x *Expr, vs []*Expr, fold bool, sp Span) (*Expr, error) {
	t := x.Type
	if t == fn.Dynamic {
		t = vs[0].Type
		for _, v := range vs {
			if v.Type != t {
				t = fn.String
			}
		}
		if t == fn.Dynamic {
			t = fn.String
		}
		x = convert(x, t)
	}
	var list []*Expr
	for _, v := range vs {
		switch {
		case v.Type == t:
		case isNumber(t) && isNumber(v.Type):
		case fold || t == fn.String:
			v = convert(v, fn.String)
		default:
			w, ok := implicit(v, t)
			if !ok {
				if v.Type != fn.String {
					return nil, b.errAt(sp, "convert one of them", "a %s cannot be compared with a %s", t, v.Type)
				}
				w = convert(v, t)
			}
			v = w
		}
		if fold {
			if v.Const != nil {
				v = constExpr(fn.String, &Value{Str: strings.ToLower(v.Const.Str)})
			} else {
				v = E(fn.String, "lower(", v, ")").NotNull()
			}
		}
		list = append(list, v)
	}
	f := x.SQL
	if x.Loose != nil {
		empty := false
		for _, v := range list {
			if v.Const == nil || v.Const.Str == "" {
				empty = true
			}
		}
		if !empty {
			f = S("coalesce(", x.Loose, ",'')")
		}
	}
	if fold {
		f = S("lower(", f, ")")
	}
	e := E(fn.Bool, "(", f, " IN (", List(", ", list), "))")
	e.NonNull = x.NonNull
	return e, nil
}

// inQuery is x in (query).
func (b *binder) inQuery(x *Expr, n node, op string, s *scope) (*Expr, error) {
	r, err := b.tabular(n, s.env)
	if err != nil {
		return nil, err
	}
	if len(r.fields) == 0 {
		return nil, b.errAt(n.span(), "", "the query has no column")
	}
	c := r.fields[0].col
	v := ref(c)
	if c.typ == fn.Dynamic {
		// One array, or a column of values: its elements count.
		one := &subquery{in: r, first: true}
		return inArray(x, &Expr{Type: fn.Dynamic, SQL: Frag{one}}, op), nil
	}
	if op == "in" && x.Type == v.Type {
		e := E(fn.Bool, "(", x, " IN ", &subquery{in: r}, ")")
		e.NonNull = x.NonNull && v.NonNull
		return e, nil
	}
	t := x.Type
	if op != "in" || t == fn.Dynamic {
		t = fn.String
		if x.Type == fn.Dynamic && c.typ != fn.String {
			t = c.typ
		}
	}
	if x.Type != t {
		x = convert(x, t)
	}
	v = convert(v, t)
	switch op {
	case "in~":
		v = E(fn.String, "lower(", v, ")").NotNull()
		x = E(fn.String, "lower(", x, ")").NotNull()
	}
	d := b.computed("v", v)
	q := &rel{op: &calc{in: r, defs: []*column{d}}, fields: []field{{"v", d}}}
	if op == "has_any" || op == "has_all" {
		w := b.newColumn("w", fn.String)
		cond := S("EXISTS (SELECT 1 FROM ", &subquery{in: q}, " AS hq(", w, ") WHERE ", w, " <> '' AND kql_term(lower(", x, "), lower(", w, "), true, true))")
		if op == "has_all" {
			cond = S("NOT EXISTS (SELECT 1 FROM ", &subquery{in: q}, " AS hq(", w, ") WHERE NOT kql_term(lower(", x, "), lower(", w, "), true, true))")
		}
		return E(fn.Bool, "(", cond, ")").NotNull(), nil
	}
	e := E(fn.Bool, "(", x, " IN ", &subquery{in: q}, ")")
	e.NonNull = x.NonNull && v.NonNull
	return e, nil
}

// inArray is x in (array) where the array is known only when the query runs.
func inArray(x, arr *Expr, op string) *Expr {
	t := convert(x, fn.String)
	if op == "has_all" || op == "has_any" {
		return E(fn.Bool, "kqlg_", op, "(", t, ", ", arr, ", false)").NotNull()
	}
	list := S("coalesce(kql_texts(", arr, "), CAST([] AS VARCHAR[]))")
	if op == "in" {
		return E(fn.Bool, "list_contains(", list, ", ", t, ")").NotNull()
	}
	return E(fn.Bool, "list_contains(list_transform(", list, ", lambda e : lower(e)), lower(", t, "))").NotNull()
}

// terms are the conditions of has_any and has_all over values. Many constant
// terms become one regular expression.
func (b *binder) terms(op string, x *Expr, vs []*Expr, sp Span) ([]*Expr, error) {
	var pats, words []string
	simple := op == "has_any" && len(vs) > 1
	for _, v := range vs {
		if v.Const == nil || v.Type != fn.String {
			simple = false
			break
		}
		t := strings.ToLower(v.Const.Str)
		if left, right := fn.Borders(t); !left || !right {
			simple = false
			break
		}
		pats, words = append(pats, regexp.QuoteMeta(t)), append(words, t)
	}
	if simple {
		list, err := json.Marshal(words)
		if err != nil {
			return nil, err
		}
		exact := S("kqlg_has_any(", x, ", ", QuoteString(string(list)), ", false)")
		p := borderLeft + "(?:" + strings.Join(pats, "|") + ")" + borderRight
		return []*Expr{E(fn.Bool, inASCII(x.SQL, p, false, exact)).NotNull()}, nil
	}
	var out []*Expr
	for _, v := range vs {
		e, err := b.textOp("has", x, v, sp)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	if op == "has_any" && len(out) > 1 {
		return []*Expr{E(fn.Bool, "(", List(" OR ", out), ")").NotNull()}, nil
	}
	return out, nil
}
