package kql

import (
	"github.com/yagura-sec/yagura/query/kql/fn"
)

// wave is a function of an angle, which the engine refuses to take of an infinite one.
func wave(name, sql string) Func {
	return Tmpl(name, fn.Real, "CASE WHEN isfinite($1) THEN "+sql+" WHEN $1 IS NOT NULL THEN 'nan'::DOUBLE END", fn.Real)
}

func funcsNumber() []Func {
	s, l, r, b, d := fn.String, fn.Long, fn.Real, fn.Bool, fn.Dynamic
	out := []Func{
		{Name: "abs", Min: 1, Max: 1, Bind: sameNumber("abs(")},
		{Name: "round", Min: 1, Max: 2, FirstName: true, Bind: func(c *Call) (*Expr, error) {
			n := E(l, "0")
			if len(c.Args) == 2 {
				var err error
				if n, err = c.Arg(1, l); err != nil {
					return nil, err
				}
			}
			x, err := c.Arg(0, r)
			if err != nil {
				return nil, err
			}
			return E(r, "kql_round(", x, ", ", n, ")"), nil
		}},
		Tmpl("sign", r, "CAST(sign($1) AS DOUBLE)", r),
		Tmpl("sqrt", r, "CASE WHEN $1 >= 0 THEN sqrt($1) END", r),
		Tmpl("pow", r, "pow($1, $2)", r, r),
		Tmpl("exp", r, "exp($1)", r),
		Tmpl("exp2", r, "pow(2, $1)", r),
		Tmpl("exp10", r, "pow(10, $1)", r),
		Tmpl("log", r, "CASE WHEN $1 > 0 THEN ln($1) WHEN $1 = 0 THEN '-inf'::DOUBLE WHEN $1 < 0 THEN 'nan'::DOUBLE END", r),
		Tmpl("log10", r, "CASE WHEN $1 > 0 THEN log10($1) WHEN $1 = 0 THEN '-inf'::DOUBLE WHEN $1 < 0 THEN 'nan'::DOUBLE END", r),
		Tmpl("log2", r, "CASE WHEN $1 > 0 THEN log2($1) WHEN $1 = 0 THEN '-inf'::DOUBLE WHEN $1 < 0 THEN 'nan'::DOUBLE END", r),
		Tmpl("gamma", r, "kql_gamma($1)", r),
		Tmpl("loggamma", r, "kql_loggamma($1)", r),
		Tmpl("erf", r, "kql_erf($1)", r),
		Tmpl("erfc", r, "kql_erfc($1)", r),
		Tmpl("beta_cdf", r, "kql_beta_cdf($1, $2, $3)", r, r, r),
		Tmpl("beta_inv", r, "kql_beta_inv($1, $2, $3)", r, r, r),
		Tmpl("beta_pdf", r, "kql_beta_pdf($1, $2, $3)", r, r, r),
		welchTest(),
		wave("sin", "sin($1)"),
		wave("cos", "cos($1)"),
		wave("tan", "tan($1)"),
		wave("cot", "(1 / tan($1))"),
		Tmpl("asin", r, "CASE WHEN abs($1) <= 1 THEN asin($1) END", r),
		Tmpl("acos", r, "CASE WHEN abs($1) <= 1 THEN acos($1) END", r),
		Tmpl("atan", r, "atan($1)", r),
		Tmpl("atan2", r, "atan2($1, $2)", r, r),
		Tmpl("pi", r, "pi()"),
		Tmpl("degrees", r, "degrees($1)", r),
		Tmpl("radians", r, "radians($1)", r),
		Tmpl("isnan", b, "coalesce(isnan($1), false)", r),
		Tmpl("isinf", b, "coalesce(isinf($1), false)", r),
		Tmpl("isfinite", b, "coalesce(isfinite($1), false)", r),
		{Name: "rand", Min: 0, Max: 1, Bind: func(c *Call) (*Expr, error) {
			if len(c.Args) == 0 {
				return E(r, "random()"), nil
			}
			n, err := c.Arg(0, l)
			if err != nil {
				return nil, err
			}
			return E(l, "CAST(floor(random() * ", n, ") AS BIGINT)"), nil
		}},
		Tmpl("binary_and", l, "($1 & $2)", l, l),
		Tmpl("binary_or", l, "($1 | $2)", l, l),
		Tmpl("binary_xor", l, "xor($1, $2)", l, l),
		Tmpl("binary_not", l, "(~$1)", l),
		Tmpl("binary_shift_left", l, "kql_shift_left($1, $2)", l, l),
		Tmpl("binary_shift_right", l, "kql_shift_right($1, $2)", l, l),
		Tmpl("bitset_count_ones", l, "CAST(bit_count($1) AS BIGINT)", l),
		optional("format_bytes", s, "kql_format_bytes($1, $2, $3)", 1, []Type{r, l, s}, "0", "''"),
		// Addresses.
		Tmpl("parse_ipv4", l, "kql_ipv4_masked($1, kql_ipv4_suffix($1))", s),
		Tmpl("parse_ipv4_mask", l, "kql_ipv4_masked($1, $2)", s, l),
		Tmpl("ipv4_netmask_suffix", l, "kql_ipv4_suffix($1)", s),
		optional("ipv4_compare", l, "kql_ipv4_compare($1, $2, $3)", 2, []Type{s, s, l}, "32"),
		optional("ipv4_is_match", b, "(kql_ipv4_compare($1, $2, $3) = 0)", 2, []Type{s, s, l}, "32"),
		Tmpl("ipv4_is_in_range", b, "kql_ipv4_is_in_range($1, $2)", s, s),
		{Name: "ipv4_is_in_any_range", Min: 2, Max: -1, Bind: anyRange("kql_ipv4_is_in_any_range")},
		Tmpl("ipv4_is_private", b, "kql_ipv4_is_private($1)", s),
		{Name: "format_ipv4", Min: 1, Max: 2, Bind: formatIPv4("kql_format_ipv4")},
		{Name: "format_ipv4_mask", Min: 1, Max: 2, Bind: formatIPv4("kql_format_ipv4_mask")},
		Tmpl("ipv4_range_to_cidr_list", d, "kql_ipv4_range_to_cidr_list($1, $2)", s, s),
		Tmpl("parse_ipv6", s, "kql_parse_ipv6($1)", s),
		Tmpl("parse_ipv6_mask", s, "kql_parse_ipv6_mask($1, $2)", s, l),
		optional("ipv6_compare", l, "kql_ipv6_compare($1, $2, $3)", 2, []Type{s, s, l}, "128"),
		optional("ipv6_is_match", b, "(kql_ipv6_compare($1, $2, $3) = 0)", 2, []Type{s, s, l}, "128"),
		Tmpl("ipv6_is_in_range", b, "kql_ipv6_is_in_range($1, $2)", s, s),
		{Name: "ipv6_is_in_any_range", Min: 2, Max: -1, Bind: anyRange("kql_ipv6_is_in_any_range")},
	}
	out = append(out, alias(Func{Name: "ceiling", Min: 1, Max: 1, Bind: sameNumber("ceil(")})...)
	for _, k := range []string{"angle", "energy", "force", "length", "mass", "speed", "temperature", "volume"} {
		out = append(out, Tmpl("convert_"+k, r, "kql_convert('"+k+"', $1, $2, $3)", r, s, s))
	}
	return out
}

// sameNumber is a function that answers in the type of its argument.
func sameNumber(f string) func(c *Call) (*Expr, error) {
	return func(c *Call) (*Expr, error) {
		x := c.Args[0]
		if x.Type == fn.Dynamic {
			x = convert(x, fn.Real)
		}
		if !isNumber(x.Type) && x.Type != fn.Timespan {
			return nil, c.Errorf(0, "", "%s() needs a number, not %s", c.Name, x.Type)
		}
		if x.Type == fn.Long || x.Type == fn.Timespan {
			return E(x.Type, fits(f, x, ")")), nil
		}
		return E(x.Type, "CAST("+f, x, ") AS "+x.Type.SQL()+")"), nil
	}
}

func anyRange(f string) func(c *Call) (*Expr, error) {
	return func(c *Call) (*Expr, error) {
		x, err := c.Arg(0, fn.String)
		if err != nil {
			return nil, err
		}
		return E(fn.Bool, f+"(", x, ", ", c.list(1), ")"), nil
	}
}

func formatIPv4(f string) func(c *Call) (*Expr, error) {
	return func(c *Call) (*Expr, error) {
		n := E(fn.Long, "CAST(NULL AS BIGINT)")
		if len(c.Args) == 2 {
			var err error
			if n, err = c.Arg(1, fn.Long); err != nil {
				return nil, err
			}
		}
		return str(f+"(", convert(c.Args[0], fn.String), ", ", n, ")"), nil
	}
}

// welchTest is welch_test(mean1, variance1, count1, mean2, variance2, count2): the
// probability, two-tailed, that two samples of unequal variance have the same mean.
func welchTest() Func {
	r := fn.Real
	return Func{Name: "welch_test", Min: 6, Max: 6, Bind: func(c *Call) (*Expr, error) {
		a, err := c.As(r, r, r, r, r, r)
		if err != nil {
			return nil, err
		}
		one, two := S("(", a[1], " / ", a[2], ")"), S("(", a[4], " / ", a[5], ")")
		sum := S("(", one, " + ", two, ")")
		free := S("(pow(", sum, ", 2) / (pow(", one, ", 2) / (", a[2], " - 1) + pow(", two, ", 2) / (", a[5], " - 1)))")
		t2 := S("(pow(", a[0], " - ", a[3], ", 2) / ", sum, ")")
		// The tails of Student's distribution are a beta distribution of n / (n + t²).
		return E(r, "kql_beta_cdf(", free, " / (", free, " + ", t2, "), ", free, " / 2, 0.5::DOUBLE)"), nil
	}}
}
