package kql

import (
	"fmt"
	"strings"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// binder gives expressions their types and makes the plan.
type binder struct {
	src     string
	schema  Schema
	o       Options
	sqlName map[string]bool // names in use, lower case
	nodes   int
	depth   int
	scans   []*scan
	shared  []*shared
	missing []string
	chart   string
	ctes    int
	set     map[string]node // what set statements say
}

// env is a chain of names made by let, parameters and as.
type env struct {
	parent *env
	name   string
	// One of these is set.
	scalar *Expr
	rel    *shared
	fun    *funcNode
	// A let is bound when it is first used.
	lazy node
	in   *env
	busy bool
}

func (e *env) find(name string) *env {
	for ; e != nil; e = e.parent {
		if e.name == name {
			return e
		}
	}
	return nil
}

func (e *env) with(name string) *env { return &env{parent: e, name: name} }

func (b *binder) errAt(sp Span, hint, format string, args ...any) error {
	return newError(b.src, sp, hint, format, args...)
}

// count limits the size of what functions and lets expand to.
func (b *binder) count(sp Span) error {
	b.nodes++
	limit := b.o.MaxNodes
	if limit == 0 {
		limit = 50_000
	}
	if b.nodes > limit {
		return b.errAt(sp, "use fewer functions inside functions, or materialize()", "query is larger than %d parts when functions are written out", limit)
	}
	return nil
}

func (b *binder) enter(sp Span) error {
	b.depth++
	if b.depth > maxDepth*2 {
		return b.errAt(sp, "take it apart", "functions or queries are nested deeper than %d", maxDepth*2)
	}
	return b.count(sp)
}

// newColumn makes a column with a name of its own in SQL.
func (b *binder) newColumn(name string, t Type) *column {
	c := &column{name: name, typ: t}
	s := name
	if len(s) > 60 || s == "" {
		s = fmt.Sprintf("c%d", len(b.sqlName))
	}
	s = strings.ReplaceAll(s, "\x00", "")
	base := s
	for i := 2; b.sqlName[strings.ToLower(s)]; i++ {
		s = fmt.Sprintf("%s_%d", base, i)
		if i > 20 { // many of one name: no need to try all numbers
			s = fmt.Sprintf("%s_c%d", base, len(b.sqlName))
		}
	}
	b.sqlName[strings.ToLower(s)] = true
	c.sql = s
	return c
}

// computed makes a column that is computed from e.
func (b *binder) computed(name string, e *Expr) *column {
	c := b.newColumn(name, e.Type)
	c.def = e
	c.nonull = e.NonNull
	return c
}

// ref is the expression that is a column.
func ref(c *column) *Expr {
	return &Expr{Type: c.typ, SQL: S(c), Name: c.name, NonNull: c.nonull || c.typ == fn.String, col: c}
}

// Compile types a query and writes its plan. It reads nothing but the schema.
func Compile(src string, schema Schema, o Options) (*Plan, error) {
	q, err := Parse(src)
	if err != nil {
		return nil, err
	}
	return q.Compile(schema, o)
}

// Compile types the query and writes its plan.
func (q *Query) Compile(schema Schema, o Options) (*Plan, error) {
	b := &binder{src: q.src, schema: schema, o: o, sqlName: map[string]bool{}, set: map[string]node{}}
	if o.Now.IsZero() {
		return nil, fmt.Errorf("kql: Options.Now is not set")
	}
	r, _, err := b.statements(q.stmts, nil, true)
	if err != nil {
		return nil, err
	}
	if r.open != nil && len(*r.late) == 0 {
		return nil, b.errAt(r.at, "say them: evaluate pivot(…) : (name:type, …)", "the columns of pivot() depend on the data, and the query names none")
	}
	return b.plan(r)
}

// statements binds statements and answers with the last expression: a relation or
// a scalar.
func (b *binder) statements(list []stmt, e *env, top bool) (*rel, *Expr, error) {
	var last node
	lastEnv := e
	for i, s := range list {
		switch {
		case s.set:
			if s.value != nil {
				b.set[s.option] = s.value
			}
		case s.decl != nil:
			for _, p := range s.decl {
				x, err := b.parameter(p, e)
				if err != nil {
					return nil, nil, err
				}
				n := e.with(p.name)
				n.scalar = x
				e = n
			}
		case s.let != "":
			n := e.with(s.let)
			if f, ok := s.value.(*funcNode); ok {
				n.fun, n.in = f, e
			} else {
				n.lazy, n.in = s.value, e
			}
			e = n
		default:
			if last != nil {
				return nil, nil, b.errAt(s.Span, "run one query at a time", "a second query in one text")
			}
			last, lastEnv = s.value, e
		}
		if i == len(list)-1 && last == nil {
			return nil, nil, b.errAt(s.Span, "end with the query to run", "the last statement is no query")
		}
	}
	if last == nil {
		return nil, nil, b.errAt(Span{}, "end with the query to run", "there is no query")
	}
	e = lastEnv
	if top {
		r, err := b.tabular(last, e)
		if err == nil {
			return r, nil, nil
		}
		// Kusto lets a scalar stand alone: print.
		if x, err2 := b.scalar(last, e); err2 == nil {
			r := b.oneRow()
			c := b.computed("print_0", x)
			r = &rel{op: &calc{in: r, defs: []*column{c}}, fields: []field{{"print_0", c}}}
			return r, nil, nil
		}
		return nil, nil, err
	}
	return b.either(last, e)
}

// parameter is the value of a declared query parameter.
func (b *binder) parameter(p param, e *env) (*Expr, error) {
	text, ok := b.o.Params[p.name]
	if !ok {
		if p.def == nil {
			return nil, b.errAt(p.Span, "give it with --param "+p.name+"=…", "parameter %s has no value", p.name)
		}
		x, err := b.scalar(p.def, e)
		if err != nil {
			return nil, err
		}
		if y, ok := implicit(x, p.typ); ok {
			return y, nil
		}
		return convert(x, p.typ), nil
	}
	if x, ok := paramLiteral(text, p.typ); ok {
		return x, nil
	}
	return nil, b.errAt(p.Span, "write it as KQL does", "value of parameter %s is no %s", p.name, p.typ)
}

// paramLiteral reads the value of a parameter: a KQL literal, or bare text.
func paramLiteral(text string, t Type) (*Expr, bool) {
	if t == fn.String {
		if toks, err := lex(text); err == nil && len(toks) == 2 && toks[0].kind == kString {
			text = toks[0].str
		}
		return constExpr(t, &Value{Str: text}), true
	}
	p := &parser{src: text}
	toks, err := lex(text)
	if err != nil || len(toks) < 2 {
		toks = nil
	}
	p.toks = toks
	if t == fn.Dynamic && toks != nil {
		var v string
		if p.catch(func() {
			if p.word("dynamic") {
				p.next()
				p.expect("(", "")
			}
			v = p.dynamicValue()
		}) == nil {
			return constExpr(t, &Value{Str: v}), true
		}
		return nil, false
	}
	if len(toks) == 2 && toks[0].kind != kIdent {
		if v, ok := literal(toks[0]); ok && typeOfLiteral(toks[0]) != fn.String {
			if x, ok := implicit(constExpr(typeOfLiteral(toks[0]), v), t); ok {
				return x, true
			}
		}
	}
	names := map[Type]string{fn.Bool: "bool", fn.Int: "int", fn.Long: "long", fn.Real: "real", fn.Decimal: "decimal", fn.GUID: "guid", fn.Datetime: "datetime", fn.Timespan: "timespan"}
	v, ok := literal(token{kind: kTyped, text: names[t], str: strings.Trim(strings.TrimSpace(text), `"'`)})
	if !ok {
		return nil, false
	}
	return constExpr(t, v), true
}

// either binds a node that may be a relation or a scalar.
func (b *binder) either(n node, e *env) (*rel, *Expr, error) {
	if b.looksTabular(n, e) {
		r, err := b.tabular(n, e)
		return r, nil, err
	}
	x, err := b.scalar(n, e)
	return nil, x, err
}

// looksTabular says whether a node is a relation, by its form and by what its
// names stand for.
func (b *binder) looksTabular(n node, e *env) bool {
	for range maxDepth {
		switch x := n.(type) {
		case *pipeNode:
			return true
		case *nameNode:
			v := e.find(x.name)
			switch {
			case v == nil:
				_, ok := b.schema.Table(x.name)
				return ok
			case v.rel != nil:
				return true
			case v.lazy != nil:
				n, e = v.lazy, v.in
				continue
			}
			return false
		case *callNode:
			if v := e.find(x.name.text); v != nil && v.fun != nil {
				body := v.fun.body
				in := v.in
				for _, s := range body {
					if s.let != "" {
						w := in.with(s.let)
						if f, ok := s.value.(*funcNode); ok {
							w.fun, w.in = f, in
						} else {
							w.lazy, w.in = s.value, in
						}
						in = w
					}
				}
				for _, p := range v.fun.params {
					w := in.with(p.name)
					if p.table {
						w.rel = &shared{}
					} else {
						w.scalar = &Expr{}
					}
					in = w
				}
				n, e = body[len(body)-1].value, in
				if n == nil {
					return false
				}
				continue
			}
			if x.name.text == "materialize" && len(x.args) == 1 {
				n = x.args[0].value
				continue
			}
			if _, ok := tabularCalls[x.name.text]; ok {
				return true
			}
			if _, ok := scalars[x.name.text]; ok {
				return false
			}
			_, ok := b.schema.Table(x.name.text)
			return ok
		default:
			return false
		}
	}
	return false
}

// tabularCalls are calls that give a relation.
var tabularCalls = map[string]bool{"table": true, "_GetWatchlist": true, "workspace": true, "cluster": true, "database": true, "view": true, "adx": true, "arg": true}

// scalar binds an expression outside of any row.
func (b *binder) scalar(n node, e *env) (*Expr, error) {
	return b.expr(n, &scope{env: e})
}
