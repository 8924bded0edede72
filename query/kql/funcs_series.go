package kql

import (
	"github.com/yagura-sec/yagura/query/kql/fn"
)

// part is one column of a function that gives several.
type part struct {
	name string
	typ  Type
}

// several are functions whose answer is a bag, one column for each key of it.
type several struct {
	sql     string // the bag, of the arguments $1 …
	least   int
	types   []Type
	missing []string
	parts   []part
}

func severals() map[string]several {
	l, r, d, s := fn.Long, fn.Real, fn.Dynamic, fn.String
	reals := func(names ...string) []part {
		var out []part
		for _, n := range names {
			out = append(out, part{n, r})
		}
		return out
	}
	line := append(reals("rsquare", "slope", "variance", "rvariance", "interception"), part{"line_fit", d})
	two := append([]part{{"rsquare", r}, {"split_idx", l}, {"variance", r}, {"rvariance", r}, {"line_fit", d}},
		reals("right_rsquare", "right_slope", "right_interception", "right_variance", "right_rvariance",
			"left_rsquare", "left_slope", "left_interception", "left_variance", "left_rvariance")...)
	stats := []part{{"min", r}, {"min_idx", l}, {"max", r}, {"max_idx", l}, {"avg", r}, {"stdev", r}, {"variance", r}}
	return map[string]several{
		"series_fit_line":   {"kql_series_fit_line($1)", 1, []Type{d}, nil, line},
		"series_fit_2lines": {"kql_series_fit_2lines($1)", 1, []Type{d}, nil, two},
		"series_stats":      {"kql_series_stats($1)", 1, []Type{d, fn.Bool}, []string{"true"}, stats},
		"series_decompose": {"kql_series_decompose($1, $2, $3, $4, $5)", 1, []Type{d, l, s, l, r}, []string{"-1", "'avg'", "0", "0.6"},
			[]part{{"baseline", d}, {"seasonal", d}, {"trend", d}, {"residual", d}}},
		"series_decompose_forecast": {"kql_series_decompose_forecast($1, $2, $3, $4, $5)", 2, []Type{d, l, l, s, r}, []string{"-1", "'linefit'", "0.6"},
			[]part{{"forecast", d}, {"seasonal", d}, {"trend", d}, {"residual", d}}},
		"series_decompose_anomalies": {"kql_series_decompose_anomalies($1, $2, $3, $4, $5, $6, $7)", 1, []Type{d, r, l, s, l, s, r}, []string{"1.5", "-1", "'avg'", "0", "'ctukey'", "0.6"},
			[]part{{"ad_flag", d}, {"ad_score", d}, {"baseline", d}}},
		"series_periods_detect": {"kql_series_periods_detect($1, $2, $3, $4)", 4, []Type{d, r, r, l}, nil, []part{{"periods", d}, {"scores", d}}},
	}
}

// columns are the parts of the answer.
func (m several) columns(c *Call, name string) ([]Out, error) {
	bag, err := optional(name, fn.Dynamic, m.sql, m.least, m.types, m.missing...).Bind(c)
	if err != nil {
		return nil, err
	}
	var outs []Out
	for _, p := range m.parts {
		x := E(fn.Dynamic, "kql_key(", bag, ", '"+p.name+"')")
		outs = append(outs, Out{Name: name + "_" + c.Args[0].Name + "_" + p.name, Expr: convert(x, p.typ)})
	}
	return outs, nil
}

const periodsValidate, mostPeriods = "series_periods_validate", 16

// validated are the columns of series_periods_validate(series, period, …): the periods and
// their scores.
func validated(c *Call) ([]Out, error) {
	s, err := c.Arg(0, fn.Dynamic)
	if err != nil {
		return nil, err
	}
	var ps []*Expr
	for i := range c.Args[1:] {
		p, err := c.Arg(i+1, fn.Real)
		if err != nil {
			return nil, err
		}
		ps = append(ps, p)
	}
	bag := E(fn.Dynamic, "kql_"+periodsValidate+"(", s, ", to_json([", List(", ", ps), "]))")
	var outs []Out
	for _, k := range []string{"periods", "scores"} {
		outs = append(outs, Out{Name: periodsValidate + "_" + c.Args[0].Name + "_" + k, Expr: E(fn.Dynamic, "kql_key(", bag, ", '"+k+"')")})
	}
	return outs, nil
}

func init() {
	multiFuncs[periodsValidate] = func(b *binder, n *callNode, s *scope) ([]Out, error) {
		c, err := b.bindCall(n, s, 2, mostPeriods+1)
		if err != nil {
			return nil, err
		}
		return validated(c)
	}
	for name, m := range severals() {
		multiFuncs[name] = func(b *binder, n *callNode, s *scope) ([]Out, error) {
			c, err := b.bindCall(n, s, m.least, len(m.types))
			if err != nil {
				return nil, err
			}
			return m.columns(c, name)
		}
	}
}

func funcsSeries() []Func {
	r, d, l, b := fn.Real, fn.Dynamic, fn.Long, fn.Bool
	var out []Func
	for name, m := range severals() {
		// Where one value is wanted it is an array of the columns.
		out = append(out, Func{Name: name, Min: m.least, Max: len(m.types), Bind: func(c *Call) (*Expr, error) {
			outs, err := m.columns(c, name)
			if err != nil {
				return nil, err
			}
			var xs []*Expr
			for _, o := range outs {
				xs = append(xs, asDynamic(o.Expr))
			}
			return E(d, "json_array(", List(", ", xs), ")"), nil
		}})
		switch name {
		case "series_fit_line", "series_fit_2lines", "series_stats":
			f := optional(name+"_dynamic", d, m.sql, m.least, m.types, m.missing...)
			out = append(out, f)
		}
	}
	for _, n := range []string{"add", "subtract", "multiply", "divide", "pow", "greater", "greater_equals", "less", "less_equals", "equals", "not_equals"} {
		out = append(out, Func{Name: "series_" + n, Min: 2, Max: 2, Bind: func(c *Call) (*Expr, error) {
			return E(d, "kql_series_pair('"+n+"', ", asDynamic(c.Args[0]), ", ", asDynamic(c.Args[1]), ")"), nil
		}})
	}
	for _, n := range []string{"abs", "acos", "asin", "atan", "ceiling", "cos", "exp", "floor", "log", "sign", "sin", "tan"} {
		out = append(out, Tmpl("series_"+n, d, "kql_series_each('"+n+"', $1)", d))
	}
	out = append(out, Func{Name: periodsValidate, Min: 2, Max: mostPeriods + 1, Bind: func(c *Call) (*Expr, error) {
		outs, err := validated(c)
		if err != nil {
			return nil, err
		}
		return E(d, "json_array(", outs[0].Expr, ", ", outs[1].Expr, ")"), nil
	}})
	return append(out,
		Tmpl("series_sum", r, "kql_series_sum($1)", d),
		Tmpl("series_product", r, "kql_series_product($1)", d),
		Tmpl("series_magnitude", r, "kql_series_magnitude($1)", d),
		Tmpl("series_dot_product", r, "kql_series_dot_product($1, $2)", d, d),
		Tmpl("series_cosine_similarity", r, "kql_series_cosine_similarity($1, $2)", d, d),
		Tmpl("series_pearson_correlation", r, "kql_series_pearson_correlation($1, $2)", d, d),
		optional("series_fill_forward", d, "kql_series_fill('forward', $1, NULL, $2, true)", 1, []Type{d, d}, "CAST(NULL AS JSON)"),
		optional("series_fill_backward", d, "kql_series_fill('backward', $1, NULL, $2, true)", 1, []Type{d, d}, "CAST(NULL AS JSON)"),
		optional("series_fill_linear", d, "kql_series_fill('linear', $1, $4, $2, $3)", 1, []Type{d, d, b, d}, "CAST(NULL AS JSON)", "true", "'0.0'::JSON"),
		optional("series_fill_const", d, "kql_series_fill('const', $1, $2, $3, true)", 2, []Type{d, d, d}, "CAST(NULL AS JSON)"),
		optional("series_fir", d, "kql_series_fir($1, $2, $3, $4)", 2, []Type{d, d, b, b}, "true", "false"),
		Tmpl("series_iir", d, "kql_series_iir($1, $2, $3)", d, d, d),
		Func{Name: "series_outliers", Min: 1, Max: 5, Bind: seriesOutliers},
		optional("series_seasonal", d, "kql_series_seasonal($1, $2)", 1, []Type{d, l}, "-1"),
	)
}

// seriesOutliers is series_outliers(series [, kind, ignored value, low, high]).
func seriesOutliers(c *Call) (*Expr, error) {
	lo, hi := E(fn.Real, "10.0"), E(fn.Real, "90.0")
	if len(c.Args) > 1 {
		v, err := c.Lit(1)
		if err != nil {
			return nil, err
		}
		switch v.Str {
		case "ctukey":
		case "tukey":
			lo, hi = E(fn.Real, "25.0"), E(fn.Real, "75.0")
		default:
			return nil, c.Errorf(1, "'tukey' or 'ctukey'", "series_outliers() has no kind %q", v.Str)
		}
	}
	if len(c.Args) == 5 {
		var err error
		if lo, err = c.Arg(3, fn.Real); err != nil {
			return nil, err
		}
		if hi, err = c.Arg(4, fn.Real); err != nil {
			return nil, err
		}
	}
	return E(fn.Dynamic, "kql_series_outliers(", asDynamic(c.Args[0]), ", ", lo, ", ", hi, ")"), nil
}
