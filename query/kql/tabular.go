package kql

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// tabular binds a node that gives a relation.
func (b *binder) tabular(n node, e *env) (*rel, error) {
	if err := b.enter(n.span()); err != nil {
		return nil, err
	}
	defer func() { b.depth-- }()
	switch n := n.(type) {
	case *pipeNode:
		ops := n.ops
		var r *rel
		var err error
		if n.src != nil {
			r, err = b.tabular(n.src, e)
		} else {
			r, err = b.sourceOp(ops[0], e)
			ops = ops[1:]
		}
		if err != nil {
			return nil, err
		}
		r, _, err = b.pipeline(r, ops, e)
		return r, err
	case *nameNode:
		return b.tableName(n, e)
	case *callNode:
		return b.tableCall(n, e)
	case *memberNode:
		// database("x").Table and workspace("x").Table are the table.
		if c, ok := n.base.(*callNode); ok && (c.name.text == "database" || c.name.text == "workspace" || c.name.text == "cluster") {
			return b.tableName(&nameNode{n.Span, n.key}, e)
		}
	}
	return nil, b.errAt(n.span(), "a query begins with a table", "this is a value, not a table")
}

func (b *binder) pipeline(r *rel, ops []*opNode, e *env) (*rel, *env, error) {
	for _, op := range ops {
		if err := b.count(op.Span); err != nil {
			return nil, nil, err
		}
		var err error
		if op.name == "as" {
			n := e.with(op.items[0].names[0])
			n.rel = b.share(r, n.name)
			e = n
			if r, err = b.use(n.rel, op.Span); err != nil {
				return nil, nil, err
			}
			r.label = op.items[0].names[0]
			continue
		}
		if r, err = b.operator(r, op, e); err != nil {
			return nil, nil, err
		}
	}
	return r, e, nil
}

// share gives a relation a name.
func (b *binder) share(r *rel, label string) *shared {
	b.ctes++
	s := &shared{b: b, in: r, name: fmt.Sprintf("t%d_%s", b.ctes, plainName(label)), label: label}
	b.shared = append(b.shared, s)
	return s
}

func plainName(s string) string {
	if len(s) > 40 {
		s = s[:40]
	}
	return strings.Map(func(r rune) rune {
		if r < 128 && isIdent(byte(r)) {
			return r
		}
		return '_'
	}, s)
}

// use is one use of a shared relation.
func (b *binder) use(s *shared, sp Span) (*rel, error) {
	if s.in == nil {
		return nil, b.errAt(sp, "", "a table is not known here")
	}
	s.uses++
	a := &again{of: s}
	m := map[*column]*column{}
	alias := func(c *column) *column {
		if x, ok := m[c]; ok {
			return x
		}
		x := b.newColumn(c.name, c.typ)
		x.deps, x.nonull = []*column{c}, c.nonull
		m[c] = x
		a.cols = append(a.cols, x)
		return x
	}
	r := &rel{op: a, serial: s.in.serial, label: s.label}
	for _, f := range s.in.fields {
		r.fields = append(r.fields, field{f.name, alias(f.col)})
	}
	for _, k := range s.in.order {
		k.col = alias(k.col)
		r.order = append(r.order, k)
		r.hidden = append(r.hidden, k.col)
	}
	if len(a.cols) > 20_000 {
		return nil, b.errAt(sp, "", "table is too wide")
	}
	return r, nil
}

func (b *binder) tableName(n *nameNode, e *env) (*rel, error) {
	if v := e.find(n.name); v != nil {
		switch {
		case v.rel != nil:
			return b.use(v.rel, n.Span)
		case v.lazy != nil:
			if v.busy {
				break
			}
			v.busy = true
			defer func() { v.busy = false }()
			mat := false
			lazy := v.lazy
			if c, ok := lazy.(*callNode); ok && c.name.text == "materialize" && len(c.args) == 1 {
				mat, lazy = true, c.args[0].value
			}
			r, err := b.tabular(lazy, v.in)
			if err != nil {
				return nil, err
			}
			v.rel = b.share(r, n.name)
			v.rel.mat = mat
			return b.use(v.rel, n.Span)
		case v.fun != nil && len(v.fun.params) == 0:
			return b.tableCall(&callNode{Span: n.Span, name: token{kind: kIdent, text: n.name, Span: n.Span}}, e)
		}
		if v.scalar != nil || v.fun != nil {
			return nil, b.errAt(n.Span, "", "%s is no table", n.name)
		}
	}
	t, ok := b.schema.Table(n.name)
	if !ok {
		hint := ""
		if s, ok := b.schema.(interface{ Names() []string }); ok {
			if m := nearest(n.name, s.Names()); m != "" {
				hint = "did you mean " + m + "?"
			}
		} else if s, ok := b.schema.(Tables); ok {
			var names []string
			for _, t := range s {
				names = append(names, t.Name)
			}
			if m := nearest(n.name, names); m != "" {
				hint = "did you mean " + m + "?"
			}
		}
		return nil, &missingTable{newError(b.src, n.Span, hint, "there is no table '%s'", n.name), n.name}
	}
	return b.scanTable(t), nil
}

// missingTable is the error that union with isfuzzy forgives.
type missingTable struct {
	err  *Error
	name string
}

func (m *missingTable) Error() string { return m.err.Error() }
func (m *missingTable) Unwrap() error { return m.err }

func (b *binder) scanTable(t *Table) *rel {
	s := &scan{table: t}
	r := &rel{op: s, label: t.Name}
	for _, c := range t.Columns {
		x := b.newColumn(c.Name, c.Type)
		x.source = cmp.Or(c.Source, c.Name)
		s.cols = append(s.cols, x)
		r.fields = append(r.fields, field{c.Name, x})
	}
	b.scans = append(b.scans, s)
	return r
}

// tableCall binds a call that gives a relation.
func (b *binder) tableCall(n *callNode, e *env) (*rel, error) {
	if v := e.find(n.name.text); v != nil && v.fun != nil {
		r, _, err := b.apply(v, n, e, nil)
		if err != nil {
			return nil, err
		}
		if r == nil {
			return nil, b.errAt(n.Span, "", "function %s gives a value, not a table", n.name.text)
		}
		if r.label == "" || v.fun.view {
			r.label = n.name.text
		}
		return r, nil
	}
	switch n.name.text {
	case "materialize":
		if len(n.args) != 1 {
			break
		}
		r, err := b.tabular(n.args[0].value, e)
		if err != nil {
			return nil, err
		}
		s := b.share(r, "materialized")
		s.mat = true
		return b.use(s, n.Span)
	case "table", "view":
		if len(n.args) < 1 {
			break
		}
		x, err := b.scalar(n.args[0].value, e)
		if err != nil {
			return nil, err
		}
		if x.Const == nil || x.Type != fn.String {
			return nil, b.errAt(n.Span, "write its name", "the name of the table must be a constant")
		}
		return b.tableName(&nameNode{n.args[0].Span, x.Const.Str}, e)
	case "_GetWatchlist":
		if len(n.args) < 1 {
			break
		}
		x, err := b.scalar(n.args[0].value, e)
		if err != nil {
			return nil, err
		}
		if x.Const == nil {
			return nil, b.errAt(n.Span, "", "the name of the watchlist must be a constant")
		}
		t, ok := b.schema.Table("_GetWatchlist('" + x.Const.Str + "')")
		if !ok {
			return nil, &missingTable{newError(b.src, n.args[0].Span, "import it: yagura watchlist import", "there is no watchlist '%s'", x.Const.Str), x.Const.Str}
		}
		return b.scanTable(t), nil
	case "cluster", "database", "workspace", "adx", "arg", "external_table", "materialized_view", "externaldata":
		return nil, b.errAt(n.Span, "a hunt reads the tables of this lake", "%s() reaches outside and is not supported", n.name.text)
	}
	if t, ok := b.schema.Table(n.name.text); ok { // functions such as _Im_Authentication() that are tables here
		return b.filtered(b.scanTable(t), n, e)
	}
	hint := b.near(n.name.text, &scope{env: e})
	return nil, &missingTable{newError(b.src, n.name.Span, hint, "there is no function '%s' that gives a table", n.name.text), n.name.text}
}

// apply writes out a call of a function that a let made.
func (b *binder) apply(v *env, n *callNode, e *env, s *scope) (*rel, *Expr, error) {
	if v.busy {
		return nil, nil, b.errAt(n.Span, "", "function %s calls itself", n.name.text)
	}
	if err := b.enter(n.Span); err != nil {
		return nil, nil, err
	}
	v.busy = true
	defer func() { v.busy = false; b.depth-- }()
	in := v.in
	if len(n.args) > len(v.fun.params) {
		return nil, nil, b.errAt(n.Span, "", "%s takes %d arguments, not %d", n.name.text, len(v.fun.params), len(n.args))
	}
	for i, p := range v.fun.params {
		w := in.with(p.name)
		var arg node
		for j, a := range n.args {
			if len(a.names) == 1 && a.names[0] == p.name || len(a.names) == 0 && j == i {
				arg = a.value
			}
		}
		switch {
		case p.table:
			if arg == nil {
				return nil, nil, b.errAt(n.Span, "", "%s needs a table as argument %s", n.name.text, p.name)
			}
			r, err := b.tabular(arg, e)
			if err != nil {
				return nil, nil, err
			}
			for _, c := range p.cols {
				if r.find(c.name) == nil {
					return nil, nil, b.errAt(arg.span(), "", "the table has no column '%s' that %s() needs", c.name, n.name.text)
				}
			}
			w.rel = b.share(r, p.name)
		default:
			var x *Expr
			var err error
			switch {
			case arg != nil:
				sc := s
				if sc == nil {
					sc = &scope{env: e}
				}
				if x, err = b.expr(arg, sc); err != nil {
					return nil, nil, err
				}
			case p.def != nil:
				if x, err = b.scalar(p.def, v.in); err != nil {
					return nil, nil, err
				}
			default:
				return nil, nil, b.errAt(n.Span, "", "%s needs argument %s", n.name.text, p.name)
			}
			y, ok := implicit(x, p.typ)
			if !ok {
				y = convert(x, p.typ)
			}
			w.scalar = y
		}
		in = w
	}
	return b.body(v.fun.body, in, s)
}

// body binds the statements of a function; a scalar one is written into the row of
// its caller.
func (b *binder) body(list []stmt, e *env, s *scope) (*rel, *Expr, error) {
	for i, st := range list {
		if st.let != "" {
			w := e.with(st.let)
			if f, ok := st.value.(*funcNode); ok {
				w.fun, w.in = f, e
			} else if !b.looksTabular(st.value, e) {
				// A value of the function's arguments, which may be columns.
				x, err := b.expr(st.value, &scope{env: e})
				if err != nil {
					return nil, nil, err
				}
				w.scalar = x
			} else {
				w.lazy, w.in = st.value, e
			}
			e = w
			continue
		}
		if st.value == nil {
			continue
		}
		if i != len(list)-1 {
			return nil, nil, b.errAt(st.Span, "", "a function ends with one expression")
		}
		if s == nil || b.looksTabular(st.value, e) {
			return b.either(st.value, e)
		}
		x, err := b.expr(st.value, &scope{env: e, agg: s.agg, win: s.win, order: s.order})
		return nil, x, err
	}
	return nil, nil, b.errAt(list[len(list)-1].Span, "", "a function ends with one expression")
}
