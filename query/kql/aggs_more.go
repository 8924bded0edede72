package kql

import (
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// filter is the condition that stands at argument i of an aggregate whose name
// ends in if.
func (c *AggCall) filter(i int) (Frag, error) {
	if i < 0 {
		return nil, nil
	}
	p, err := c.Cond(i)
	if err != nil {
		return nil, err
	}
	return S(" FILTER (WHERE ", p, ")"), nil
}

// some is a filter for rows in which x has a value and that, where the call has one, meet the
// condition after the first argument.
func (c *AggCall) some(x *Expr, filtered bool) (Frag, error) {
	if !filtered {
		return S(" FILTER (WHERE ", x, " IS NOT NULL)"), nil
	}
	p, err := c.Cond(1)
	if err != nil {
		return nil, err
	}
	return S(" FILTER (WHERE ", x, " IS NOT NULL AND (", p, "))"), nil
}

// both is an aggregate with its form for rows that meet a condition. at is the
// number of arguments before the condition.
func both(name, ifName, prefix, ifPrefix string, at, more int, bind func(c *AggCall, args []*Expr, filter Frag) ([]Out, error)) []Agg {
	return []Agg{
		{Name: name, Min: at, Max: at + more, Prefix: prefix, Bind: func(c *AggCall) ([]Out, error) { return bind(c, c.Args, nil) }},
		{Name: ifName, Min: at + 1, Max: at + 1 + more, Prefix: ifPrefix, Bind: func(c *AggCall) ([]Out, error) {
			f, err := c.filter(at)
			if err != nil {
				return nil, err
			}
			args := append(append([]*Expr(nil), c.Args[:at]...), c.Args[at+1:]...)
			return bind(c, args, f)
		}},
	}
}

func one(x *Expr) ([]Out, error) { return []Out{{Expr: x}}, nil }

// number is an argument of an aggregate over numbers.
func (c *AggCall) number(x *Expr) (*Expr, error) {
	switch {
	case x.Type == fn.Dynamic:
		return convert(x, fn.Real), nil
	case isNumber(x.Type), x.Type == fn.Timespan:
		return x, nil
	case x.Type == fn.Bool:
		return convert(x, fn.Long), nil
	}
	return nil, c.Errorf(0, "convert it with toreal()", "%s() needs a number, not %s", c.Name, x.Type)
}

func aggsMore() []Agg {
	l, r := fn.Long, fn.Real
	var out []Agg
	add := func(a ...Agg) { out = append(out, a...) }

	add(both("sum", "sumif", "sum_", "sumif_", 1, 0, func(c *AggCall, a []*Expr, f Frag) ([]Out, error) {
		x, err := c.number(a[0])
		if err != nil {
			return nil, err
		}
		t := x.Type
		if t == fn.Int {
			t = l
		}
		return one(E(t, "TRY_CAST(coalesce(sum(", x, ")", f, ", 0) AS "+t.SQL()+")"))
	})...)
	add(both("avg", "avgif", "avg_", "avgif_", 1, 0, func(c *AggCall, a []*Expr, f Frag) ([]Out, error) {
		if a[0].Type == fn.Datetime {
			return one(E(fn.Datetime, "make_timestamp(CAST(avg(epoch_us(", a[0], "))", f, " AS BIGINT))"))
		}
		x, err := c.number(a[0])
		if err != nil {
			return nil, err
		}
		if x.Type == fn.Timespan {
			return one(E(fn.Timespan, "CAST(avg(", x, ")", f, " AS BIGINT)"))
		}
		return one(E(r, "coalesce(avg(", convert(x, r), ")", f, ", 'nan'::DOUBLE)"))
	})...)
	for _, k := range []struct{ name, sql string }{{"stdev", "stddev_samp"}, {"stdevp", "stddev_pop"}, {"variance", "var_samp"}, {"variancep", "var_pop"}} {
		add(both(k.name, k.name+"if", k.name+"_", k.name+"if_", 1, 0, func(c *AggCall, a []*Expr, f Frag) ([]Out, error) {
			x, err := c.number(a[0])
			if err != nil {
				return nil, err
			}
			// The engine ends the query where squares are too large for it; Kusto gives NaN.
			x = convert(x, r)
			return one(E(r, "CASE WHEN bool_or(abs(", x, ") > 1e150)", f, " THEN 'nan'::DOUBLE ELSE coalesce("+k.sql+"(CASE WHEN abs(", x, ") <= 1e150 THEN ", x, " END)", f, ", 0.0) END"))
		})...)
	}
	for _, k := range []struct{ name, sql string }{{"covariance", "covar_samp"}, {"covariancep", "covar_pop"}} {
		add(both(k.name, k.name+"if", "", "", 2, 0, func(c *AggCall, a []*Expr, f Frag) ([]Out, error) {
			x, err := c.number(a[0])
			if err != nil {
				return nil, err
			}
			y, err := c.number(a[1])
			if err != nil {
				return nil, err
			}
			e := E(r, k.sql+"(", convert(x, r), ", ", convert(y, r), ")", f)
			return []Out{{Name: c.Name + "_" + a[0].Name + "_" + a[1].Name, Expr: e}}, nil
		})...)
	}
	distinct := func(c *AggCall, a []*Expr, f Frag) ([]Out, error) {
		return one(E(l, "count(DISTINCT ", a[0], ")", f).NotNull())
	}
	add(both("dcount", "dcountif", "dcount_", "dcountif_", 1, 1, distinct)...)
	add(both("count_distinct", "count_distinctif", "count_distinct_", "count_distinctif_", 1, 0, distinct)...)
	for _, m := range []string{"max", "min"} {
		add(Agg{Name: m + "if", Min: 2, Max: 2, Prefix: m + "if_", Bind: func(c *AggCall) ([]Out, error) {
			f, err := c.filter(1)
			if err != nil {
				return nil, err
			}
			x := c.Args[0]
			switch x.Type {
			case fn.String:
				return one(str(m+"(", x, ")", f))
			case fn.Dynamic:
				return one(E(fn.Dynamic, "kql_dynamic_"+m+"(list(", x, ")", f, ")"))
			}
			return one(E(x.Type, m+"(", x, ")", f))
		}})
	}
	anyIf := func(c *AggCall) ([]Out, error) {
		f, err := c.filter(1)
		if err != nil {
			return nil, err
		}
		x := c.Args[0]
		if x.Type == fn.String {
			return one(str("any_value(nullif(", x, ", ''))", f))
		}
		return one(E(x.Type, "any_value(", x, ")", f))
	}
	add(Agg{Name: "take_anyif", Min: 2, Max: 2, Bind: anyIf}, Agg{Name: "anyif", Min: 2, Max: 2, Prefix: "anyif_", Bind: anyIf})
	for _, k := range []string{"and", "or", "xor"} {
		add(Agg{Name: "binary_all_" + k, Min: 1, Max: 1, Prefix: "binary_all_" + k + "_", Bind: func(c *AggCall) ([]Out, error) {
			x, err := c.Arg(0, l)
			if err != nil {
				return nil, err
			}
			return one(E(l, "bit_"+k+"(", x, ")"))
		}})
	}

	add(both("make_list", "make_list_if", "list_", "list_", 1, 1, makeList(false))...)
	add(Agg{Name: "makelist", Min: 1, Max: 2, Prefix: "list_", Bind: func(c *AggCall) ([]Out, error) { return makeList(false)(c, c.Args, nil) }})
	add(Agg{Name: "make_list_with_nulls", Min: 1, Max: 2, Prefix: "list_", Bind: func(c *AggCall) ([]Out, error) { return makeList(true)(c, c.Args, nil) }})
	add(both("make_set", "make_set_if", "set_", "set_", 1, 1, makeSet)...)
	add(Agg{Name: "makeset", Min: 1, Max: 2, Prefix: "set_", Bind: func(c *AggCall) ([]Out, error) { return makeSet(c, c.Args, nil) }})
	bag := func(c *AggCall, a []*Expr, f Frag) ([]Out, error) {
		x := asDynamic(a[0])
		return one(E(fn.Dynamic, "coalesce(kql_bag_merge(to_json(list(", x, c.order(), ")", f, ")), '{}'::JSON)"))
	}
	add(both("make_bag", "make_bag_if", "bag_", "bag_", 1, 1, bag)...)
	add(Agg{Name: "make_dictionary", Min: 1, Max: 2, Prefix: "dictionary_", Bind: func(c *AggCall) ([]Out, error) { return bag(c, c.Args, nil) }})
	add(Agg{Name: "buildschema", Min: 1, Max: 1, Prefix: "schema_", Bind: func(c *AggCall) ([]Out, error) {
		return one(E(fn.Dynamic, "kql_buildschema(to_json(list(", asDynamic(c.Args[0]), ")))"))
	}})

	add(Agg{Name: "percentile", Min: 2, Max: 2, Bind: percentiles(false)}, Agg{Name: "percentiles", Min: 2, Max: -1, Bind: percentiles(false)},
		Agg{Name: "percentilew", Min: 3, Max: 3, Bind: percentiles(true)}, Agg{Name: "percentilesw", Min: 3, Max: -1, Bind: percentiles(true)},
		Agg{Name: "percentiles_array", Min: 2, Max: -1, Bind: percentilesArray(false)}, Agg{Name: "percentilesw_array", Min: 3, Max: -1, Bind: percentilesArray(true)})
	return out
}

// order is the order of the rows as an aggregate writes it, with the space before.
func (c *AggCall) order() Frag {
	if len(c.Order) == 0 {
		return nil
	}
	return S(" ", c.Order)
}

// The most elements of a collection; makelist and makeset, the old names, stop
// sooner.
const (
	mostElements    = 1048576
	mostOldElements = 128
)

// most is the limit on elements at argument i.
func (c *AggCall) most(args []*Expr) (string, error) {
	if len(args) < 2 {
		if c.Name == "makelist" || c.Name == "makeset" {
			return strconv.Itoa(mostOldElements), nil
		}
		return strconv.Itoa(mostElements), nil
	}
	v := args[1].Const
	if v == nil || v.Int < 0 {
		return "", c.Errorf(1, "such as 100", "the largest size of %s() must be a constant", c.Name)
	}
	return strconv.FormatInt(min(v.Int, mostElements), 10), nil
}

// plainJSON says whether values of the type become JSON in a list at once.
func plainJSON(t Type) bool {
	return t == fn.String || t == fn.Int || t == fn.Long || t == fn.Bool || t == fn.Dynamic
}

func makeList(nulls bool) func(c *AggCall, a []*Expr, f Frag) ([]Out, error) {
	return func(c *AggCall, a []*Expr, f Frag) ([]Out, error) {
		n, err := c.most(a)
		if err != nil {
			return nil, err
		}
		x := a[0]
		if !plainJSON(x.Type) {
			x = asDynamic(x)
		}
		if !nulls && !x.NonNull {
			if f, err = c.some(x, f != nil); err != nil {
				return nil, err
			}
		}
		return one(E(fn.Dynamic, "coalesce(to_json(list(", x, c.order(), ")", f, "[1:"+n+"]), '[]'::JSON)").NotNull())
	}
}

// makeSet lists the distinct values, in order; of arrays, their elements.
func makeSet(c *AggCall, a []*Expr, f Frag) ([]Out, error) {
	n, err := c.most(a)
	if err != nil {
		return nil, err
	}
	x := a[0]
	if x.Type == fn.Dynamic {
		return one(E(fn.Dynamic, "coalesce(kql_distinct(kql_array_concat(to_json(list(DISTINCT ", x, ")", f, ")), "+n+"), '[]'::JSON)").NotNull())
	}
	if !plainJSON(x.Type) {
		x = asDynamic(x)
	}
	return one(E(fn.Dynamic, "coalesce(to_json(list_sort(list_filter(list(DISTINCT ", x, ")", f, ", lambda e : e IS NOT NULL))[1:"+n+"]), '[]'::JSON)").NotNull())
}

// percentileArgs are the value, its weight and the percentiles of a call.
func (c *AggCall) percentileArgs(weighted bool) (x, w *Expr, ps []*Expr, err error) {
	x = c.Args[0]
	if x.Type == fn.Dynamic || x.Type == fn.Bool {
		x = convert(x, fn.Real)
	}
	if !isNumber(x.Type) && x.Type != fn.Timespan && x.Type != fn.Datetime {
		return nil, nil, nil, c.Errorf(0, "", "%s() needs a number or a time, not %s", c.Name, x.Type)
	}
	ps = c.Args[1:]
	if weighted {
		if w, err = c.Arg(1, fn.Long); err != nil {
			return nil, nil, nil, err
		}
		ps = c.Args[2:]
	}
	return x, w, ps, nil
}

// percentile is the smallest value that p percent of the rows do not exceed.
func (c *AggCall) percentile(x, w *Expr, p *Expr) *Expr {
	if w == nil {
		f := "quantile_disc("
		return E(x.Type, f, x, ", greatest(0.0, least(1.0, ", convert(p, fn.Real), " / 100.0)))")
	}
	v := x
	if x.Type == fn.Datetime {
		v = E(fn.Long, "epoch_us(", x, ")")
	}
	num := E(fn.Real, "kql_percentile_weighted(to_json(list([CAST(", v, " AS DOUBLE), CAST(", w, " AS DOUBLE)])), ", convert(p, fn.Real), ")")
	if x.Type == fn.Datetime {
		return E(x.Type, "make_timestamp(CAST(", num, " AS BIGINT))")
	}
	return E(x.Type, "TRY_CAST(", num, " AS "+x.Type.SQL()+")")
}

// percentText is a constant percentile as it stands in the name of a column.
func percentText(p *Expr) string {
	if p.Type == fn.Real {
		return strings.ReplaceAll(strconv.FormatFloat(p.Const.Real, 'f', -1, 64), ".", "_")
	}
	return strconv.FormatInt(p.Const.Int, 10)
}

func percentiles(weighted bool) func(c *AggCall) ([]Out, error) {
	return func(c *AggCall) ([]Out, error) {
		x, w, ps, err := c.percentileArgs(weighted)
		if err != nil {
			return nil, err
		}
		var outs []Out
		for _, p := range ps {
			if p.Const == nil {
				return nil, c.Errorf(len(c.Args)-1, "such as 95", "the percentiles of %s() must be constants", c.Name)
			}
			outs = append(outs, Out{Name: "percentile_" + c.Args[0].Name + "_" + percentText(p), Expr: c.percentile(x, w, p)})
		}
		return outs, nil
	}
}

func percentilesArray(weighted bool) func(c *AggCall) ([]Out, error) {
	return func(c *AggCall) ([]Out, error) {
		x, w, ps, err := c.percentileArgs(weighted)
		if err != nil {
			return nil, err
		}
		if len(ps) == 1 && ps[0].Type == fn.Dynamic {
			if ps[0].Const == nil {
				return nil, c.Errorf(len(c.Args)-1, "such as dynamic([50, 95])", "the percentiles of %s() must be constants", c.Name)
			}
			list := strings.Split(strings.Trim(ps[0].Const.Str, "[] \n\t"), ",")
			ps = nil
			for _, t := range list {
				f, err := strconv.ParseFloat(strings.TrimSpace(t), 64)
				if err != nil {
					return nil, c.Errorf(len(c.Args)-1, "such as dynamic([50, 95])", "%q is no percentile", t)
				}
				ps = append(ps, constExpr(fn.Real, &Value{Real: f}))
			}
		}
		var xs []*Expr
		for _, p := range ps {
			if p.Const == nil || !isNumber(p.Type) {
				return nil, c.Errorf(len(c.Args)-1, "such as dynamic([50, 95])", "the percentiles of %s() must be constants", c.Name)
			}
			xs = append(xs, asDynamic(c.percentile(x, w, p)))
		}
		return []Out{{Name: "percentiles_" + c.Args[0].Name, Expr: E(fn.Dynamic, "json_array(", List(", ", xs), ")")}}, nil
	}
}
