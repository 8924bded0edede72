package kql

// A scalar function of Kusto is one Func; an aggregate is one Agg. The tables are
// made by functions named funcs… and aggs… in files funcs_*.go and aggs_*.go and
// are put together in functions() and aggregates() (funcs.go).

// Func says how calls of one scalar function are typed and written.
type Func struct {
	Name     string
	Min, Max int // number of arguments; Max < 0: any
	// FirstName says that an unnamed column computed by the function is named
	// after the first argument, as Kusto does for tostring(x), bin(x, 1d) …
	FirstName bool
	// OnlyName says the same of a call that has no other argument.
	OnlyName bool
	// Prefix, where set, stands before the name of the first argument: strlen_x.
	Prefix string
	Bind   func(c *Call) (*Expr, error)
}

// Call is one call of a function while it is bound.
type Call struct {
	Name string
	Args []*Expr
	b    *binder
	node *callNode
}

// Tmpl is a function with fixed argument types whose SQL is a template: $1 … are
// the arguments, converted to the types. A string result may be NULL in SQL: it
// is wrapped.
func Tmpl(name string, result Type, sql string, args ...Type) Func {
	return Func{Name: name, Min: len(args), Max: len(args), Bind: func(c *Call) (*Expr, error) {
		as, err := c.As(args...)
		if err != nil {
			return nil, err
		}
		f := fill(sql, as)
		if result == "string" {
			return str(f), nil
		}
		return &Expr{Type: result, SQL: f}, nil
	}}
}

// fill puts arguments into a template.
func fill(sql string, as []*Expr) Frag {
	var f Frag
	start := 0
	for i := 0; i+1 < len(sql); i++ {
		if sql[i] != '$' || sql[i+1] < '1' || sql[i+1] > '9' || int(sql[i+1]-'1') >= len(as) {
			continue
		}
		f = append(f, sql[start:i])
		f = append(f, as[sql[i+1]-'1'].SQL...)
		start = i + 2
	}
	return append(f, sql[start:])
}

// As converts the arguments to types in the way Kusto does without being asked: a
// dynamic value becomes what is wanted, an int a long or a real, a constant string
// a datetime or guid. The last type stands for all further arguments.
func (c *Call) As(types ...Type) ([]*Expr, error) {
	out := make([]*Expr, len(c.Args))
	for i := range c.Args {
		e, err := c.Arg(i, types[min(i, len(types)-1)])
		if err != nil {
			return nil, err
		}
		out[i] = e
	}
	return out, nil
}

// Arg is argument i converted to t.
func (c *Call) Arg(i int, t Type) (*Expr, error) {
	e, ok := implicit(c.Args[i], t)
	if !ok {
		return nil, c.Errorf(i, "convert it with to"+string(t)+"()", "%s() needs %s as argument %d, not %s", c.Name, t, i+1, c.Args[i].Type)
	}
	return e, nil
}

// Lit is argument i where it must be known before the query runs.
func (c *Call) Lit(i int) (*Value, error) {
	if v := c.Args[i].Const; v != nil {
		return v, nil
	}
	return nil, c.Errorf(i, "write a literal or a let of one", "argument %d of %s() must be a constant", i+1, c.Name)
}

// Errorf is an error at argument i; at the function's name if i is negative.
func (c *Call) Errorf(i int, hint, format string, args ...any) error {
	sp := c.node.name.Span
	if i >= 0 && i < len(c.node.args) {
		sp = c.node.args[i].value.span()
	}
	return c.b.errAt(sp, hint, format, args...)
}

// Convert is e as type t as the to…() functions do: what cannot be converted is
// null.
func (c *Call) Convert(e *Expr, t Type) *Expr { return convert(e, t) }

// Agg says how calls of one aggregate are typed and written.
type Agg struct {
	Name     string
	Min, Max int
	// Prefix and the first argument's name make the name of the column: avg_x.
	Prefix string
	Bind   func(c *AggCall) ([]Out, error)
}

// Out is one column that an aggregate makes. An empty name lets summarize choose.
type Out struct {
	Name string
	Expr *Expr
}

// AggCall is one call of an aggregate.
type AggCall struct {
	Call
	// Order is "ORDER BY …" when the rows come sorted, for aggregates whose
	// result depends on the order: list($1 $ORDER).
	Order Frag
	// Star says that the last argument was *: Rest are all columns of the input
	// that are neither a group key nor an argument.
	Star bool
	Rest []*Expr // with Name set
}

// AggTmpl is an aggregate with fixed argument types and one result.
func AggTmpl(name, prefix string, result Type, sql string, args ...Type) Agg {
	return Agg{Name: name, Prefix: prefix, Min: len(args), Max: len(args), Bind: func(c *AggCall) ([]Out, error) {
		as, err := c.As(args...)
		if err != nil {
			return nil, err
		}
		f := fill(sql, as)
		if result == "string" {
			return []Out{{Expr: str(f)}}, nil
		}
		return []Out{{Expr: &Expr{Type: result, SQL: f}}}, nil
	}}
}

// tableOf puts lists together. What is listed later replaces what is listed before.
func tableOf[T any](lists [][]T, name func(T) string) map[string]T {
	m := map[string]T{}
	for _, l := range lists {
		for _, f := range l {
			m[name(f)] = f
		}
	}
	return m
}
