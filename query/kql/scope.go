package kql

import (
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// scope is what an expression can name.
type scope struct {
	env   *env
	rel   *rel // the columns of the row; nil outside of rows
	right *rel // join: $right
	agg   bool // aggregates are allowed
	order Frag // "ORDER BY …" of the rows that an aggregate reads
	keys  []*column
	steps map[string]map[string]*Expr // scan: step.column
	win   bool                        // window functions are allowed
	pre   [][]*column                 // columns to compute before, layer by layer
}

// maxFrag limits the pieces of one expression after functions are written out.
const maxFrag = 100_000

// expr binds an expression.
func (b *binder) expr(n node, s *scope) (*Expr, error) {
	x, err := b.bindExpr(n, s)
	if err == nil && len(x.SQL) > maxFrag {
		return nil, b.errAt(n.span(), "extend a column and use it twice", "the expression is too large when functions are written out")
	}
	return x, err
}

func (b *binder) bindExpr(n node, s *scope) (*Expr, error) {
	if err := b.enter(n.span()); err != nil {
		return nil, err
	}
	defer func() { b.depth-- }()
	switch n := n.(type) {
	case *litNode:
		v, ok := literal(n.token)
		if !ok {
			if n.kind == kTyped && n.text != "decimal" {
				if n.text == "datetime" || n.text == "guid" || n.text == "timespan" {
					return nil, b.errAt(n.Span, "such as "+map[string]string{"datetime": "datetime(2024-01-31 10:00)", "guid": "guid(01234567-89ab-cdef-0123-456789abcdef)", "timespan": "timespan(1.02:03:04)"}[n.text], "%s(%s) is no %s", n.text, n.str, n.text)
				}
				// int(x) with an expression inside is a cast that Kusto knows too.
				if x, err := b.cast(n, s); x != nil || err != nil {
					return x, err
				}
			}
			return nil, b.errAt(n.Span, "", "%s(%s) is no literal of type %s", n.text, n.str, n.text)
		}
		return constExpr(typeOfLiteral(n.token), v), nil
	case *boolNode:
		return constExpr(fn.Bool, &Value{Bool: n.val}), nil
	case *dynNode:
		return constExpr(fn.Dynamic, &Value{Str: n.json}), nil
	case *nameNode:
		return b.name(n, s)
	case *memberNode:
		if base, ok := n.base.(*nameNode); ok && s.rel != nil && (base.name == "$left" || base.name == "$right") {
			r := s.rel
			if base.name == "$right" {
				r = s.right
			}
			if r == nil {
				return nil, b.errAt(n.Span, "$right is for join", "there is no right side here")
			}
			if c := r.find(n.key); c != nil {
				return ref(c), nil
			}
			return nil, b.noColumn(n.key, Span{n.End - len(n.key), n.End}, r)
		}
		if base, ok := n.base.(*nameNode); ok && s.steps[base.name][n.key] != nil {
			return s.steps[base.name][n.key], nil
		}
		x, err := b.expr(n.base, s)
		if err != nil {
			return nil, err
		}
		return b.member(x, step{key: n.key, isKey: true}, n.Span)
	case *indexNode:
		x, err := b.expr(n.base, s)
		if err != nil {
			return nil, err
		}
		i, err := b.expr(n.index, s)
		if err != nil {
			return nil, err
		}
		if v := i.Const; v != nil && !v.Null {
			switch i.Type {
			case fn.String:
				return b.member(x, step{key: v.Str, isKey: true}, n.Span)
			case fn.Long, fn.Int:
				return b.member(x, step{index: v.Int}, n.Span)
			}
		}
		base := asDynamic(x)
		var e *Expr
		switch i.Type {
		case fn.String, fn.Dynamic:
			e = E(fn.Dynamic, "kql_key(", base, ",", convert(i, fn.String), ")")
		default:
			e = E(fn.Dynamic, "kql_index(", base, ",", convert(i, fn.Long), ")")
		}
		e.Name = x.Name
		return e, nil
	case *callNode:
		return b.call(n, s)
	case *unaryNode:
		x, err := b.expr(n.x, s)
		if err != nil {
			return nil, err
		}
		return b.negate(x, n.Span)
	case *binNode:
		return b.binary(n, s)
	case *inNode:
		return b.in(n, s)
	case *betweenNode:
		return b.between(n, s)
	case *starNode:
		return nil, b.errAt(n.Span, "name the columns", "* is not possible here")
	case *pipeNode:
		// A query where a scalar is wanted has one row and one column.
		return b.toscalar(n, s)
	case *funcNode:
		return nil, b.errAt(n.Span, "give it a name with let", "a function cannot stand here")
	}
	return nil, b.errAt(n.span(), "", "unexpected expression")
}

// cast reads long(x) and its kin where x is no literal.
func (b *binder) cast(n *litNode, s *scope) (*Expr, error) {
	q, err := Parse(n.str)
	if err != nil || len(q.stmts) != 1 || q.stmts[0].value == nil {
		return nil, nil
	}
	old := b.src
	x, err := b.expr(q.stmts[0].value, s)
	b.src = old
	if err != nil {
		return nil, b.errAt(n.Span, "use to"+n.text+"()", "%s(%s) is no literal", n.text, n.str)
	}
	return convert(x, typeOfLiteral(n.token)), nil
}

func (b *binder) name(n *nameNode, s *scope) (*Expr, error) {
	if s.rel != nil {
		if c := s.rel.find(n.name); c != nil {
			x := ref(c)
			x.Name = n.name
			s.rel.through(x)
			return x, nil
		}
	}
	if v := s.env.find(n.name); v != nil {
		switch {
		case v.scalar != nil:
			x := *v.scalar
			x.Name = n.name
			return &x, nil
		case v.rel != nil:
			return b.toscalar(n, s)
		case v.fun != nil:
			if len(v.fun.params) == 0 {
				return b.call(&callNode{Span: n.Span, name: token{kind: kIdent, text: n.name, Span: n.Span}}, s)
			}
			return nil, b.errAt(n.Span, "call it with ()", "%s is a function", n.name)
		case v.lazy != nil:
			if v.busy {
				return nil, b.errAt(n.Span, "", "%s is defined by itself", n.name)
			}
			v.busy = true
			defer func() { v.busy = false }()
			if b.looksTabular(v.lazy, v.in) {
				return b.toscalar(n, s)
			}
			x, err := b.scalar(v.lazy, v.in)
			if err != nil {
				return nil, err
			}
			v.scalar = x
			y := *x
			y.Name = n.name
			return &y, nil
		}
	}
	if s.right != nil {
		if c := s.right.find(n.name); c != nil {
			return ref(c), nil
		}
	}
	switch n.name {
	case "True", "TRUE":
		return constExpr(fn.Bool, &Value{Bool: true}), nil
	case "False", "FALSE":
		return constExpr(fn.Bool, &Value{}), nil
	}
	if s.rel != nil && s.rel.open != nil {
		c, err := s.rel.open(n.name)
		if err != nil {
			return nil, err
		}
		return ref(c), nil
	}
	if s.rel != nil && s.rel.bag != nil {
		x, err := b.member(ref(s.rel.bag), step{key: strings.TrimPrefix(n.name, s.rel.prefix), isKey: true}, n.Span)
		if err == nil {
			x.Name = n.name
		}
		return x, err
	}
	if n.name == "null" {
		return nil, b.errAt(n.Span, "write int(null), dynamic(null) … with the type", "null has no type here")
	}
	if s.rel == nil {
		if _, ok := b.schema.Table(n.name); ok {
			return b.toscalar(n, s)
		}
		return nil, b.errAt(n.Span, b.near(n.name, s), "unknown name '%s'", n.name)
	}
	return nil, b.noColumn(n.name, n.Span, s.rel)
}

// through lets a path into a column that is itself a path, or text read as JSON, be
// read in one step from where that begins, if it is still at hand.
func (r *rel) through(x *Expr) {
	d := x.col.def
	if d == nil || d.base == nil || d.agg || d.win {
		return
	}
	have := r.columns()
	for _, p := range d.base.SQL {
		switch p := p.(type) {
		case *column:
			if !slices.Contains(have, p) {
				return
			}
		case *subquery:
			return
		}
	}
	x.base, x.path, x.text = d.base, d.path, d.text
}

func (b *binder) near(name string, s *scope) string {
	var names []string
	for e := s.env; e != nil; e = e.parent {
		names = append(names, e.name)
	}
	if t := nearest(name, names); t != "" {
		return "did you mean " + t + "?"
	}
	return ""
}

func (b *binder) noColumn(name string, sp Span, r *rel) error {
	var names []string
	for _, f := range r.fields {
		names = append(names, f.name)
	}
	hint := ""
	if n := nearest(name, names); n != "" {
		hint = "did you mean " + n + "?"
	} else if len(names) > 0 {
		if len(names) > 12 {
			names = append(slices.Clone(names[:12]), "…")
		}
		hint = "the columns here are " + strings.Join(names, ", ")
	}
	return b.errAt(sp, hint, "there is no column '%s'", name)
}

// toscalar makes a subquery of one value.
func (b *binder) toscalar(n node, s *scope) (*Expr, error) {
	r, err := b.tabular(n, s.env)
	if err != nil {
		return nil, err
	}
	if len(r.fields) == 0 {
		return nil, b.errAt(n.span(), "", "the query has no column")
	}
	sub := &subquery{in: r, first: true}
	c := r.fields[0].col
	e := &Expr{Type: c.typ, SQL: Frag{sub}}
	if c.typ == fn.String {
		e.SQL = Frag{"coalesce(", sub, ",'')"}
		e.NonNull = true
	}
	return e, nil
}
