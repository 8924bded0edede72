package kql

import (
	"fmt"
	"slices"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

func (b *binder) summarize(r *rel, op *opNode, e *env) (*rel, error) {
	g := &group{in: r}
	q := &rel{op: g}
	row := &scope{env: e, rel: r}
	auto := 0
	for _, it := range op.by {
		xs, err := b.items(it, row)
		if err != nil {
			return nil, err
		}
		for _, x := range xs {
			name := x.name
			if name == "" {
				auto++
				name = fmt.Sprintf("Column%d", auto)
			}
			k := b.computed(name, x.expr)
			g.keys = append(g.keys, k)
			q.fields = append(q.fields, field{q.fresh(name), k})
		}
	}
	s := &scope{env: e, rel: r, agg: true, keys: g.keys}
	if len(r.order) > 0 {
		s.order = orderClause(r.order)
	}
	for _, it := range op.items {
		ns, err := b.aggItems(it, s)
		if err != nil {
			return nil, err
		}
		for _, x := range ns {
			if !x.expr.agg {
				return nil, b.errAt(it.Span, "use any(), max() … or put it after by", "summarize takes aggregates")
			}
			name := x.name
			if name == "" {
				auto++
				name = fmt.Sprintf("Column%d", auto)
			}
			c := b.computed(name, x.expr)
			g.aggs = append(g.aggs, c)
			q.fields = append(q.fields, field{q.fresh(name), c})
		}
	}
	if len(g.keys) == 0 && len(g.aggs) == 0 {
		return nil, b.errAt(op.Span, "summarize count() by column", "summarize has nothing to do")
	}
	return q, nil
}

// aggItems binds one aggregate expression of a list; arg_max and its kin give
// several columns.
func (b *binder) aggItems(it *item, s *scope) ([]named, error) {
	if c, ok := it.value.(*callNode); ok && s.env.find(c.name.text) == nil {
		if a, ok := aggs[c.name.text]; ok {
			outs, err := b.aggregate(a, c, s)
			if err != nil {
				return nil, err
			}
			var list []named
			for i, o := range outs {
				n := named{name: o.Name, expr: o.Expr, auto: true}
				if i < len(it.names) && it.names[i] != "" {
					n.name, n.auto = it.names[i], false
				}
				list = append(list, n)
			}
			return list, nil
		}
	}
	x, err := b.expr(it.value, s)
	if err != nil {
		return nil, err
	}
	if len(it.names) > 0 {
		return []named{{name: it.names[0], expr: x}}, nil
	}
	return []named{{name: x.Name, auto: true, expr: x}}, nil
}

// aggsCore are the aggregates that every query needs.
func aggsCore() []Agg {
	return []Agg{
		{Name: "count", Min: 0, Max: 1, Prefix: "count_", Bind: func(c *AggCall) ([]Out, error) {
			return []Out{{Expr: E(fn.Long, "count(*)").NotNull()}}, nil
		}},
		{Name: "countif", Min: 1, Max: 1, Bind: func(c *AggCall) ([]Out, error) {
			p, err := c.Cond(0)
			if err != nil {
				return nil, err
			}
			return []Out{{Name: "countif_", Expr: E(fn.Long, "count(*) FILTER (WHERE ", p, ")").NotNull()}}, nil
		}},
		{Name: "arg_max", Min: 1, Max: -1, Bind: aggArg("arg_max", " DESC")},
		{Name: "arg_min", Min: 1, Max: -1, Bind: aggArg("arg_min", "")},
		{Name: "argmax", Min: 1, Max: -1, Bind: aggArg("arg_max", " DESC")},
		{Name: "argmin", Min: 1, Max: -1, Bind: aggArg("arg_min", "")},
		{Name: "take_any", Min: 1, Max: -1, Bind: aggAny("")},
		{Name: "any", Min: 1, Max: -1, Bind: aggAny("any_")},
		{Name: "max", Min: 1, Max: 1, Prefix: "max_", Bind: aggMinMax("max")},
		{Name: "min", Min: 1, Max: 1, Prefix: "min_", Bind: aggMinMax("min")},
	}
}

// Cond is argument i as a condition.
func (c *Call) Cond(i int) (*Expr, error) {
	x, ok := truth(c.Args[i])
	if !ok {
		return nil, c.Errorf(i, "compare it with something", "%s() needs a condition as argument %d, not %s", c.Name, i+1, c.Args[i].Type)
	}
	return x, nil
}

func aggMinMax(f string) func(c *AggCall) ([]Out, error) {
	return func(c *AggCall) ([]Out, error) {
		x := c.Args[0]
		if x.Type == fn.Dynamic {
			// Numbers among themselves, else as text.
			return []Out{{Expr: E(fn.Dynamic, "kql_dynamic_"+f+"(list(", x, "))")}}, nil
		}
		if x.Type == fn.String {
			return []Out{{Expr: str(f+"(", x, ")")}}, nil
		}
		if x.Type == fn.Bool {
			return []Out{{Expr: E(fn.Bool, f+"(", x, ")")}}, nil
		}
		return []Out{{Expr: E(x.Type, f+"(", x, ")")}}, nil
	}
}

// behind is a value that no other stands behind, for arg_max and arg_min.
var behind = map[string]string{
	"arg_max datetime": "TIMESTAMP '-infinity'", "arg_min datetime": "TIMESTAMP 'infinity'",
	"arg_max real": "CAST('-inf' AS DOUBLE)", "arg_min real": "CAST('inf' AS DOUBLE)",
	"arg_max long": "(-9223372036854775807-1)", "arg_min long": "9223372036854775807",
	"arg_max timespan": "(-9223372036854775807-1)", "arg_min timespan": "9223372036854775807",
	"arg_max int": "-2147483648", "arg_min int": "2147483647",
}

// aggArg is arg_max and arg_min: the row in which the first argument is largest or
// smallest. The other columns are kept together so that they come of one row.
func aggArg(f, desc string) func(c *AggCall) ([]Out, error) {
	return func(c *AggCall) ([]Out, error) {
		by := c.Args[0]
		name := by.Name
		if name == "" {
			name = f[4:] + "_"
		}
		outs := []Out{{Name: name}}
		vals := slices.Concat(c.Args[1:], c.Rest)
		if by.Type == fn.Dynamic {
			by = convert(by, fn.String)
		}
		st := Frag{"{'k': "}
		st = append(st, by.SQL...)
		for i, v := range vals {
			if !v.NonNull {
				st = append(st, fmt.Sprintf(", 'v%d': ", i))
				st = append(st, v.SQL...)
			}
		}
		st = append(st, "}")
		// Where the value is null in every row, any row will do: null stands behind
		// every value.
		row := S("coalesce("+f+"(", st, ", ", by, "), first(", st, "))")
		var key Frag
		if worst, ok := behind[f+" "+string(by.Type)]; by.NonNull {
			key = by.SQL
		} else if ok {
			key = S("coalesce(", by, ", "+worst+")")
		}
		if key != nil {
			row = S(f+"(", st, ", ", key, ")")
		} else {
			for i, v := range vals {
				if v.NonNull {
					st = S(st[:len(st)-1], fmt.Sprintf(", 'v%d': ", i), v, "}")
				}
			}
			row = S("coalesce("+f+"(", st, ", ", by, "), first(", st, "))")
		}
		get := func(k string, t Type) *Expr {
			if t == fn.String {
				return str("(", row, ").", k)
			}
			return E(t, "(", row, ").", k)
		}
		outs[0].Expr = get("k", by.Type)
		if key != nil {
			outs[0].Expr = E(by.Type, f[4:]+"(", by, ")")
			if by.Type == fn.String {
				outs[0].Expr = str(outs[0].Expr)
			}
		}
		for i, v := range vals {
			n := v.Name
			if key != nil && v.NonNull {
				// A value that is never null can be kept by itself: the aggregates
				// see the rows in one order and agree on the row.
				x := E(v.Type, f+"(", v, ", ", key, ")")
				if v.Type == fn.String {
					x = str(x)
				}
				outs = append(outs, Out{Name: n, Expr: x})
				continue
			}
			outs = append(outs, Out{Name: n, Expr: get(fmt.Sprintf("v%d", i), v.Type)})
		}
		return outs, nil
	}
}

// aggAny is take_any and any: the columns of some row.
func aggAny(prefix string) func(c *AggCall) ([]Out, error) {
	return func(c *AggCall) ([]Out, error) {
		vals := slices.Concat(c.Args, c.Rest)
		var outs []Out
		if len(vals) == 1 {
			v := vals[0]
			x := E(v.Type, "any_value(", v, ")")
			if v.Type == fn.String {
				x = str("coalesce(any_value(nullif(", v, ", '')), '')")
			}
			return []Out{{Name: prefix + v.Name, Expr: x}}, nil
		}
		st := Frag{"{"}
		for i, v := range vals {
			if i > 0 {
				st = append(st, ", ")
			}
			st = append(st, fmt.Sprintf("'v%d': ", i))
			st = append(st, v.SQL...)
		}
		st = append(st, "}")
		for i, v := range vals {
			x := E(v.Type, "(first(", st, fmt.Sprintf(")).v%d", i))
			if v.Type == fn.String {
				x = str(x)
			}
			outs = append(outs, Out{Name: prefix + v.Name, Expr: x})
		}
		return outs, nil
	}
}
