package kql

import "github.com/yagura-sec/yagura/query/kql/fn"

// funcsCore are the functions that concern types and conditions.
func funcsCore() []Func {
	conv := func(name string, t Type) Func {
		return Func{Name: name, Min: 1, Max: 1, FirstName: true, Bind: func(c *Call) (*Expr, error) {
			y := *convert(c.Args[0], t)
			return &y, nil
		}}
	}
	return []Func{
		conv("tostring", fn.String), conv("toint", fn.Int), conv("tolong", fn.Long), conv("toreal", fn.Real),
		conv("todouble", fn.Real), conv("todecimal", fn.Decimal), conv("tobool", fn.Bool), conv("toboolean", fn.Bool),
		conv("todatetime", fn.Datetime), conv("totimespan", fn.Timespan), conv("totime", fn.Timespan), conv("toguid", fn.GUID),
		{Name: "parse_json", Min: 1, Max: 1, FirstName: true, Bind: parseJSON},
		{Name: "todynamic", Min: 1, Max: 1, FirstName: true, Bind: parseJSON},
		{Name: "toobject", Min: 1, Max: 1, FirstName: true, Bind: parseJSON},
		{Name: "parsejson", Min: 1, Max: 1, FirstName: true, Bind: parseJSON},
		{Name: "iff", Min: 3, Max: 3, Bind: iff},
		{Name: "iif", Min: 3, Max: 3, Bind: iff},
		{Name: "case", Min: 3, Max: -1, Bind: caseOf},
		{Name: "coalesce", Min: 1, Max: -1, Bind: coalesce},
		{Name: "not", Min: 1, Max: 1, Bind: func(c *Call) (*Expr, error) {
			x, err := c.Cond(0)
			if err != nil {
				return nil, err
			}
			e := E(fn.Bool, "(NOT ", x, ")")
			e.NonNull = x.NonNull
			return e, nil
		}},
		{Name: "assert", Min: 2, Max: 2, Bind: func(c *Call) (*Expr, error) { return c.Cond(0) }},
		{Name: "max_of", Min: 1, Max: -1, Bind: extreme("greatest(")},
		{Name: "min_of", Min: 1, Max: -1, Bind: extreme("least(")},
		Tmpl("geo_distance_2points", fn.Real, "kql_geo_distance($1, $2, $3, $4)", fn.Real, fn.Real, fn.Real, fn.Real),
		{Name: "gettype", Min: 1, Max: 1, Bind: func(c *Call) (*Expr, error) {
			x := c.Args[0]
			if x.Type == fn.Dynamic {
				return E(fn.String, "kql_gettype(", x, ")").NotNull(), nil
			}
			return E(fn.String, "CASE WHEN (", x, ") IS NULL THEN 'null' ELSE '"+string(x.Type)+"' END").NotNull(), nil
		}},
	}
}

// parseJSON is a text as dynamic: a text that is no JSON stays a text. A path into
// it is read from the text itself.
func parseJSON(c *Call) (*Expr, error) {
	x := c.Args[0]
	e, err := parsed(x)
	if err == nil && e != x && e.Const == nil {
		e.from = origin(x)
	}
	return e, err
}

// parsed is x, where it is text, as the JSON that it holds.
func parsed(x *Expr) (*Expr, error) {
	switch {
	case x.Type == fn.Dynamic:
		if x.Const != nil || x.base == nil {
			e := E(fn.Dynamic, "kql_reparse(", x, ")")
			if x.base == nil && x.col == nil {
				e = &Expr{Type: fn.Dynamic, SQL: x.SQL, Const: x.Const}
			}
			return e, nil
		}
		return E(fn.Dynamic, "kql_reparse(", x, ")"), nil
	case x.Type == fn.String:
		e := E(fn.Dynamic, "kql_parse_json(", x, ")")
		e.base, e.text = x, true
		return e, nil
	}
	return convert(x, fn.Dynamic), nil
}

// unify finds one type for values that stand for each other.
func unify(xs []*Expr) (Type, bool) {
	var t Type
	for _, x := range xs {
		if x.Const != nil && x.Const.Null && x.Type != fn.String {
			if t == "" {
				continue
			}
		}
		switch {
		case t == "" || t == x.Type:
			t = x.Type
		case isNumber(t) && isNumber(x.Type):
			c, _ := common(&Expr{Type: t}, &Expr{Type: x.Type})
			t = c
		case t == fn.Dynamic && x.Type == fn.String, t == fn.String && x.Type == fn.Dynamic:
			t = fn.String
		case t == fn.Dynamic || x.Type == fn.Dynamic:
			if t == fn.Dynamic {
				t = x.Type
			}
		case t == fn.String && x.Type == fn.GUID || t == fn.GUID && x.Type == fn.String:
			t = fn.String
		default:
			return "", false
		}
	}
	if t == "" {
		t = xs[0].Type
	}
	return t, true
}

func iff(c *Call) (*Expr, error) {
	p, err := c.Cond(0)
	if err != nil {
		return nil, err
	}
	t, ok := unify(c.Args[1:])
	if !ok {
		return nil, c.Errorf(2, "convert one of them", "the branches of iff() are %s and %s", c.Args[1].Type, c.Args[2].Type)
	}
	a, d := convert(c.Args[1], t), convert(c.Args[2], t)
	e := E(t, "CASE WHEN ", p, " THEN ", a, " ELSE ", d, " END")
	e.SQL = S("(", e.SQL, ")")
	e.NonNull = a.NonNull && d.NonNull
	return e, nil
}

func caseOf(c *Call) (*Expr, error) {
	if len(c.Args)%2 == 0 {
		return nil, c.Errorf(-1, "end with the value for every other case", "case() takes pairs of condition and value, and a last value")
	}
	var vals []*Expr
	for i := 1; i < len(c.Args); i += 2 {
		vals = append(vals, c.Args[i])
	}
	vals = append(vals, c.Args[len(c.Args)-1])
	t, ok := unify(vals)
	if !ok {
		return nil, c.Errorf(-1, "convert them to one type", "the values of case() have several types")
	}
	f := Frag{"(CASE"}
	nonnull := true
	for i := 0; i+1 < len(c.Args); i += 2 {
		p, err := c.Cond(i)
		if err != nil {
			return nil, err
		}
		v := convert(c.Args[i+1], t)
		nonnull = nonnull && v.NonNull
		f = append(f, S(" WHEN ", p, " THEN ", v)...)
	}
	last := convert(c.Args[len(c.Args)-1], t)
	f = append(f, S(" ELSE ", last, " END)")...)
	return &Expr{Type: t, SQL: f, NonNull: nonnull && last.NonNull}, nil
}

// coalesce is the first value that is not null; of strings, not empty.
func coalesce(c *Call) (*Expr, error) {
	t, ok := unify(c.Args)
	if !ok {
		return nil, c.Errorf(-1, "convert them to one type", "the values of coalesce() have several types")
	}
	var xs []*Expr
	for _, a := range c.Args {
		x := convert(a, t)
		switch {
		case t == fn.String:
			x = E(t, "nullif(", x, ",'')")
		case t == fn.Dynamic:
			x = E(t, "nullif(", x, ",'null')")
		}
		xs = append(xs, x)
	}
	if t == fn.String {
		return str("coalesce(", List(", ", xs), ")"), nil
	}
	return E(t, "coalesce(", List(", ", xs), ")"), nil
}

func extreme(f string) func(c *Call) (*Expr, error) {
	return func(c *Call) (*Expr, error) {
		t, ok := unify(c.Args)
		if !ok {
			return nil, c.Errorf(-1, "convert them to one type", "the values have several types")
		}
		var xs []*Expr
		for _, a := range c.Args {
			xs = append(xs, convert(a, t))
		}
		return E(t, f, List(", ", xs), ")"), nil
	}
}
