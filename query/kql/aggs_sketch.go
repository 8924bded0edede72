package kql

import (
	"encoding/json"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// Kusto keeps what is needed to count distinct values later, or to take percentiles
// later, in sketches of its own form. Here hll() keeps the hashes of all values and
// tdigest() all values with their weights, so what is taken from them is exact; the form
// is not Kusto's, and nothing can be read from one that Kusto has written. Of no value
// the sketch is null, as Kusto's is.
func aggsSketch() []Agg {
	hll := func(c *AggCall, a []*Expr, f Frag) ([]Out, error) {
		x := a[0]
		some, err := c.some(x, f != nil)
		if err != nil {
			return nil, err
		}
		return one(E(fn.Dynamic, "to_json(list_sort(list(DISTINCT ", hashOf(x), ")", some, "))"))
	}
	merge := func(t string) func(c *AggCall) ([]Out, error) {
		return func(c *AggCall) ([]Out, error) {
			f := "flatten(list(TRY_CAST("
			x := asDynamic(c.Args[0])
			if t == "BIGINT" {
				return one(E(fn.Dynamic, "to_json(list_sort(list_distinct("+f, x, " AS BIGINT[])) FILTER (WHERE ", x, " IS NOT NULL)))))"))
			}
			return one(E(fn.Dynamic, "to_json("+f, x, " AS "+t+"[])) FILTER (WHERE ", x, " IS NOT NULL)))"))
		}
	}
	out := both("hll", "hll_if", "hll_", "hll_if_", 1, 1, hll)
	out = append(out,
		Agg{Name: "hll_merge", Min: 1, Max: 1, Prefix: "hll_merge_", Bind: merge("BIGINT")},
		Agg{Name: "tdigest", Min: 1, Max: 2, Prefix: "tdigest_", Bind: func(c *AggCall) ([]Out, error) {
			x := c.Args[0]
			if !isNumber(x.Type) && x.Type != fn.Datetime && x.Type != fn.Timespan && x.Type != fn.Dynamic {
				return nil, c.Errorf(0, "", "%s() needs a number or a time, not %s", c.Name, x.Type)
			}
			w := E(fn.Long, "1")
			if len(c.Args) > 1 {
				var err error
				if w, err = c.Arg(1, fn.Long); err != nil {
					return nil, err
				}
			}
			return one(E(fn.Dynamic, "to_json(list(json_array(", asDynamic(x), ", ", w, ")) FILTER (WHERE ", x, " IS NOT NULL))"))
		}})
	for _, n := range []string{"tdigest_merge", "merge_tdigest", "merge_tdigests"} {
		out = append(out, Agg{Name: n, Min: 1, Max: 1, Prefix: n + "_", Bind: merge("JSON")})
	}
	return out
}

// hashOf hashes a value to a whole number that JSON holds exactly.
func hashOf(x *Expr) Frag {
	if isNumber(x.Type) && x.Type != fn.Real && x.Type != fn.Decimal {
		x = convert(x, fn.Long)
	}
	return S("CAST(hash(CAST(", x, " AS VARCHAR)) >> 1 AS BIGINT)")
}

// funcsSketch read sketches and join them.
func funcsSketch() []Func {
	d := fn.Dynamic
	concat := func(of string) func(c *Call) (*Expr, error) {
		return func(c *Call) (*Expr, error) {
			as, err := c.As(d)
			if err != nil {
				return nil, err
			}
			var l []*Expr
			for _, a := range as {
				l = append(l, E(d, "coalesce(TRY_CAST(", a, " AS "+of+"[]), [])"))
			}
			if of == "BIGINT" {
				return E(d, "to_json(list_sort(list_distinct(list_concat(", List(", ", l), "))))"), nil
			}
			return E(d, "to_json(list_concat(", List(", ", l), "))"), nil
		}
	}
	out := []Func{
		Tmpl("dcount_hll", fn.Long, "coalesce(len(list_distinct(TRY_CAST($1 AS BIGINT[]))), 0)", d),
		{Name: "hll_merge", Min: 2, Max: 64, Bind: concat("BIGINT")},
		Tmpl("hll_isvalid", fn.Bool, "(TRY_CAST($1 AS BIGINT[]) IS NOT NULL)", d),
		Tmpl("tdigest_isvalid", fn.Bool, "(TRY_CAST($1 AS JSON[2][]) IS NOT NULL)", d),
		{Name: "percentile_tdigest", Min: 2, Max: 3, Bind: func(c *Call) (*Expr, error) {
			p, err := c.Arg(1, fn.Real)
			if err != nil {
				return nil, err
			}
			td, err := c.Arg(0, d)
			if err != nil {
				return nil, err
			}
			x := E(d, "kql_percentile_tdigest(", td, ", ", p, ")")
			if len(c.Args) == 3 {
				t, err := c.Lit(2)
				if err != nil {
					return nil, err
				}
				if _, ok := typeNames[t.Str]; !ok {
					return nil, c.Errorf(2, "such as typeof(long)", "%s() takes a type as argument 3", c.Name)
				}
				return convert(x, Type(t.Str)), nil
			}
			return x, nil
		}},
		{Name: "percentiles_array_tdigest", Min: 2, Max: -1, Bind: func(c *Call) (*Expr, error) {
			td, err := c.Arg(0, d)
			if err != nil {
				return nil, err
			}
			ps := c.Args[1:]
			if len(ps) == 1 && ps[0].Type == d {
				var l []float64
				if ps[0].Const == nil || json.Unmarshal([]byte(ps[0].Const.Str), &l) != nil {
					return nil, c.Errorf(1, "such as dynamic([50, 95])", "the percentiles of %s() must be constants", c.Name)
				}
				ps = nil
				for _, p := range l {
					ps = append(ps, constExpr(fn.Real, &Value{Real: p}))
				}
			}
			var l []*Expr
			for _, p := range ps {
				l = append(l, E(d, "kql_percentile_tdigest(", td, ", ", convert(p, fn.Real), ")"))
			}
			return E(d, "json_array(", List(", ", l), ")"), nil
		}},
	}
	for n, percent := range map[string]string{"rank_tdigest": "false", "percentrank_tdigest": "true"} {
		out = append(out, Func{Name: n, Min: 2, Max: 2, Bind: func(c *Call) (*Expr, error) {
			td, err := c.Arg(0, d)
			if err != nil {
				return nil, err
			}
			return E(fn.Real, "kql_rank_tdigest(", td, ", ", asDynamic(c.Args[1]), ", "+percent+")"), nil
		}})
	}
	for _, n := range []string{"tdigest_merge", "merge_tdigest"} {
		out = append(out, Func{Name: n, Min: 2, Max: 64, Bind: concat("JSON")})
	}
	return out
}
