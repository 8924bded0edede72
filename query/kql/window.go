package kql

import "github.com/yagura-sec/yagura/query/kql/fn"

// over is OVER (…) in the order of the rows, up to the row itself.
func (s *scope) over(partition Frag) Frag {
	return append(s.window(partition), " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)")
}

// overPlain is OVER (…) in the order of the rows.
func (s *scope) overPlain() Frag { return append(s.window(nil), ")") }

// window begins OVER (…). Within partition and mv-apply no window reaches beyond its part.
func (s *scope) window(partition Frag) Frag {
	f := Frag{" OVER ("}
	var by Frag
	if s.rel.part != nil {
		by = Frag{s.rel.part}
	}
	if partition != nil {
		if by != nil {
			by = append(by, ", ")
		}
		by = append(by, partition...)
	}
	if by != nil {
		f = append(f, "PARTITION BY ")
		f = append(f, by...)
	}
	if len(s.rel.order) > 0 {
		if by != nil {
			f = append(f, " ")
		}
		f = append(f, orderClause(s.rel.order)...)
	}
	return f
}

// windowArgs binds the arguments of a window function; arguments that are window
// functions themselves become columns that are computed before.
func (b *binder) windowArgs(n *callNode, s *scope, least, most int) (*Call, error) {
	if s.rel == nil || !s.win {
		return nil, b.errAt(n.name.Span, "use it in extend, project or where after sort or serialize", "%s() is not possible here", n.name.text)
	}
	if len(s.rel.order) == 0 && !s.rel.serial {
		return nil, b.errAt(n.name.Span, "put sort or serialize before", "%s() needs rows in an order", n.name.text)
	}
	c, err := b.bindCall(n, s, least, most)
	if err != nil {
		return nil, err
	}
	for i, x := range c.Args {
		if x.win {
			c.Args[i] = b.before(s, x)
		}
	}
	return c, nil
}

// before computes an expression in a layer of its own.
func (b *binder) before(s *scope, x *Expr) *Expr {
	col := b.computed("w", x)
	s.pre = append(s.pre, []*column{col})
	y := ref(col)
	y.Name = x.Name
	return y
}

func fnRowNumber(b *binder, n *callNode, s *scope) (*Expr, error) {
	c, err := b.windowArgs(n, s, 0, 2)
	if err != nil {
		return nil, err
	}
	start := constExpr(fn.Long, &Value{Int: 1})
	if len(c.Args) > 0 {
		if start, err = c.Arg(0, fn.Long); err != nil {
			return nil, err
		}
	}
	over := s.overPlain()
	if len(c.Args) == 2 {
		grp, err := b.restarts(c, 1, s)
		if err != nil {
			return nil, err
		}
		over = s.over(grp.SQL)
	}
	e := E(fn.Long, "(row_number()", over, " + ", start, " - 1)")
	e.win = true
	return e, nil
}

// restarts numbers the stretches that a condition begins.
func (b *binder) restarts(c *Call, i int, s *scope) (*Expr, error) {
	x, ok := truth(c.Args[i])
	if !ok {
		return nil, c.Errorf(i, "", "%s() restarts on a bool", c.Name)
	}
	g := E(fn.Long, "sum(CASE WHEN ", x, " THEN 1 ELSE 0 END)", s.over(nil))
	g.win = true
	return b.before(s, g), nil
}

func fnPrevNext(b *binder, n *callNode, s *scope) (*Expr, error) {
	c, err := b.windowArgs(n, s, 1, 3)
	if err != nil {
		return nil, err
	}
	f := "lag("
	if n.name.text == "next" {
		f = "lead("
	}
	x := c.Args[0]
	by := "1"
	if len(c.Args) > 1 {
		v, err := c.Lit(1)
		if err != nil {
			return nil, err
		}
		by = itoa(int(v.Int))
	}
	parts := Frag{f}
	parts = append(parts, x.SQL...)
	parts = append(parts, ", "+by)
	if len(c.Args) > 2 {
		d, err := c.Arg(2, x.Type)
		if err != nil {
			return nil, err
		}
		parts = append(parts, ", ")
		parts = append(parts, d.SQL...)
	}
	parts = append(parts, ")")
	parts = append(parts, s.overPlain()...)
	e := &Expr{Type: x.Type, SQL: parts}
	if x.Type == fn.String {
		e = str(parts)
	}
	e.win = true
	return e, nil
}

func fnCumsum(b *binder, n *callNode, s *scope) (*Expr, error) {
	c, err := b.windowArgs(n, s, 1, 2)
	if err != nil {
		return nil, err
	}
	x := c.Args[0]
	if x.Type == fn.Dynamic {
		x = convert(x, fn.Real)
	}
	if !isNumber(x.Type) && x.Type != fn.Timespan {
		return nil, c.Errorf(0, "", "row_cumsum() adds numbers, not %s", x.Type)
	}
	t := x.Type
	over := s.over(nil)
	if len(c.Args) == 2 {
		grp, err := b.restarts(c, 1, s)
		if err != nil {
			return nil, err
		}
		over = s.over(grp.SQL)
	}
	e := E(t, "TRY_CAST(sum(", x, ")", over, " AS ", t.SQL(), ")")
	e.win = true
	return e, nil
}

// fnRank is row_rank_dense and row_rank_min: the rows are sorted by the value
// already, so a rank changes where the value does.
func fnRank(b *binder, n *callNode, s *scope) (*Expr, error) {
	c, err := b.windowArgs(n, s, 1, 2)
	if err != nil {
		return nil, err
	}
	x := c.Args[0]
	var part Frag
	if len(c.Args) == 2 {
		grp, err := b.restarts(c, 1, s)
		if err != nil {
			return nil, err
		}
		part = grp.SQL
	}
	prev := E(x.Type, "lag(", x, ")", s.over(part))
	num := E(fn.Long, "row_number()", s.over(part))
	prev.win, num.win = true, true
	pv, nv := b.computed("w", prev), b.computed("w", num)
	s.pre = append(s.pre, []*column{pv, nv})
	isNew := S("(", nv, " = 1 OR ", x, " IS DISTINCT FROM ", pv, ")")
	var e *Expr
	if n.name.text != "row_rank_min" {
		e = E(fn.Long, "CAST(sum(CASE WHEN ", isNew, " THEN 1 ELSE 0 END)", s.over(part), " AS BIGINT)")
	} else {
		e = E(fn.Long, "max(CASE WHEN ", isNew, " THEN ", nv, " END)", s.over(part))
	}
	e.win = true
	return e, nil
}

// fnSession is row_window_session(time, most from first, most from neighbour,
// restart): the start of the session that the row belongs to.
func fnSession(b *binder, n *callNode, s *scope) (*Expr, error) {
	c, err := b.windowArgs(n, s, 3, 4)
	if err != nil {
		return nil, err
	}
	x, err := c.Arg(0, fn.Datetime)
	if err != nil {
		return nil, err
	}
	first, err := c.Arg(1, fn.Timespan)
	if err != nil {
		return nil, err
	}
	beside, err := c.Arg(2, fn.Timespan)
	if err != nil {
		return nil, err
	}
	var part Frag
	if len(c.Args) == 4 {
		grp, err := b.restarts(c, 3, s)
		if err != nil {
			return nil, err
		}
		part = grp.SQL
	}
	// The rows before are folded: s is the start of the session, t the last time.
	all := E(fn.Dynamic, "list({'s': epoch_us(", x, "), 't': epoch_us(", x, ")})", s.over(part))
	all.win = true
	col := b.computed("w", all)
	s.pre = append(s.pre, []*column{col})
	e := E(fn.Datetime, "kql_session(", col, ", ", first, ", ", beside, ")")
	e.win = true
	return e, nil
}
