package kql

import (
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

type parser struct {
	src   string
	toks  []token
	pos   int
	depth int
	terms bool // search: column:"text" is a condition
}

// Parse reads a query without looking at tables or types.
func Parse(src string) (*Query, error) {
	toks, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{src: src, toks: toks}
	var q *Query
	if err := p.catch(func() { q = &Query{src: src, stmts: p.statements("")} }); err != nil {
		return nil, err
	}
	return q, nil
}

// catch turns the panic by which the parser leaves its recursion into an error.
func (p *parser) catch(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			err = e
		}
	}()
	f()
	return nil
}

func (p *parser) fail(sp Span, hint, format string, args ...any) {
	panic(newError(p.src, sp, hint, format, args...))
}

func (p *parser) peek() token { return p.toks[p.pos] }
func (p *parser) at(n int) token {
	return p.toks[min(p.pos+n, len(p.toks)-1)]
}
func (p *parser) next() token {
	t := p.toks[p.pos]
	if t.kind != kEOF {
		p.pos++
	}
	return t
}
func (p *parser) is(s string) bool {
	t := p.peek()
	return t.kind == kPunct && t.text == s
}
func (p *parser) isAt(n int, s string) bool {
	t := p.at(n)
	return t.kind == kPunct && t.text == s
}
func (p *parser) word(s string) bool {
	t := p.peek()
	return t.kind == kIdent && t.text == s
}
func (p *parser) accept(s string) bool {
	t := p.peek()
	if (t.kind == kPunct || t.kind == kIdent) && t.text == s {
		p.pos++
		return true
	}
	return false
}

func describe(t token) string {
	switch t.kind {
	case kEOF:
		return "the end of the query"
	case kString:
		return "text"
	}
	s := t.text
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return "'" + s + "'"
}

func (p *parser) expect(s, where string) token {
	t := p.peek()
	if (t.kind == kPunct || t.kind == kIdent) && t.text == s {
		return p.next()
	}
	p.fail(t.Span, where, "expected '%s', not %s", s, describe(t))
	return t
}

func (p *parser) ident(what string) token {
	t := p.peek()
	switch t.kind {
	case kIdent:
		return p.next()
	case kBracket:
		p.pos++
		t.text = t.str
		return t
	}
	p.fail(t.Span, "a name with other signs is written ['like this']", "expected %s, not %s", what, describe(t))
	return t
}

func (p *parser) enter() {
	p.depth++
	if p.depth > maxDepth {
		p.fail(p.peek().Span, "take it apart with let", "query is nested deeper than %d", maxDepth)
	}
}
func (p *parser) leave() { p.depth-- }

// statements reads statements up to end: "" for the end of the query, or "}".
func (p *parser) statements(end string) []stmt {
	var out []stmt
	p.enter()
	defer p.leave()
	done := func() bool {
		if end == "" {
			return p.peek().kind == kEOF
		}
		return p.is(end)
	}
	for {
		for p.accept(";") {
		}
		if done() {
			break
		}
		out = append(out, p.statement())
		if len(out) > 2000 {
			p.fail(p.peek().Span, "", "more than 2,000 statements")
		}
		if done() {
			break
		}
		if !p.is(";") {
			t := p.peek()
			hint := "statements end with ;"
			if t.kind == kIdent && slices.Contains(opNames, t.text) {
				hint = "an operator follows a |"
			}
			p.fail(t.Span, hint, "unexpected %s after the end of an expression", describe(t))
		}
	}
	if len(out) == 0 && end == "" {
		p.fail(p.peek().Span, "a query begins with the name of a table", "query is empty")
	}
	return out
}

func (p *parser) statement() stmt {
	t := p.peek()
	if t.kind == kIdent {
		n := p.at(1)
		switch {
		case t.text == "let" && (n.kind == kIdent || n.kind == kBracket) && p.isAt(2, "="):
			p.next()
			name := p.ident("a name")
			p.expect("=", "")
			return stmt{Span: name.Span, let: name.text, value: p.letValue()}
		case t.text == "set" && n.kind == kIdent:
			p.next()
			name := p.next()
			s := stmt{Span: t.Span, set: true, option: name.text}
			if p.accept("=") {
				s.value = p.expr(0)
			}
			return s
		case t.text == "declare" && n.text == "query_parameters":
			p.next()
			p.next()
			return stmt{Span: t.Span, decl: p.params()}
		case t.text == "declare" || t.text == "alias" || t.text == "restrict" && n.text == "access":
			p.fail(t.Span, "leave it out", "statement %s is not supported", t.text)
		}
	}
	v := p.pipe()
	return stmt{Span: v.span(), value: v}
}

func (p *parser) letValue() node {
	t := p.peek()
	view := false
	if p.word("view") && p.isAt(1, "(") {
		p.next()
		view = true
	}
	if p.is("(") && p.lambda() {
		ps := p.params()
		p.expect("{", "")
		body := p.statements("}")
		e := p.expect("}", "")
		if len(body) == 0 {
			p.fail(e.Span, "", "function has no body")
		}
		return &funcNode{Span: t.to(e.Span), params: ps, body: body, view: view}
	}
	return p.pipe()
}

func (t token) to(s Span) Span { return t.Span.to(s) }

// lambda looks whether the bracket here closes before a brace.
func (p *parser) lambda() bool {
	d := 0
	for i := p.pos; i < len(p.toks); i++ {
		t := p.toks[i]
		if t.kind != kPunct {
			continue
		}
		switch t.text {
		case "(":
			d++
		case ")":
			d--
			if d == 0 {
				n := p.toks[i+1]
				return n.kind == kPunct && n.text == "{"
			}
		}
	}
	return false
}

func (p *parser) params() []param {
	p.expect("(", "")
	var out []param
	for !p.is(")") {
		name := p.ident("the name of a parameter")
		pr := param{Span: name.Span, name: name.text, typ: fn.Dynamic}
		p.expect(":", "a parameter is written name:type")
		if p.is("(") {
			pr.table = true
			if p.isAt(1, "*") {
				p.next()
				p.next()
				p.expect(")", "")
			} else {
				pr.cols = p.schema()
			}
		} else {
			pr.typ = p.typeName()
		}
		if p.accept("=") {
			pr.def = p.expr(0)
		}
		out = append(out, pr)
		if !p.accept(",") {
			break
		}
	}
	p.expect(")", "")
	return out
}

var typeNames = map[string]Type{
	"bool": fn.Bool, "boolean": fn.Bool, "int": fn.Int, "int32": fn.Int, "long": fn.Long, "int64": fn.Long,
	"real": fn.Real, "double": fn.Real, "float": fn.Real, "decimal": fn.Decimal, "string": fn.String,
	"guid": fn.GUID, "uuid": fn.GUID, "uniqueid": fn.GUID, "datetime": fn.Datetime, "date": fn.Datetime,
	"timespan": fn.Timespan, "time": fn.Timespan, "dynamic": fn.Dynamic, "object": fn.Dynamic,
}

func (p *parser) typeName() Type {
	t := p.ident("a type")
	ty, ok := typeNames[strings.ToLower(t.text)]
	if !ok {
		p.fail(t.Span, "the types are bool, int, long, real, decimal, string, guid, datetime, timespan and dynamic", "unknown type '%s'", t.text)
	}
	return ty
}

// schema reads (a:string, b:long).
func (p *parser) schema() []colDecl {
	p.expect("(", "")
	var out []colDecl
	for !p.is(")") {
		n := p.peek()
		if n.kind == kString {
			p.next()
			n.text = n.str
		} else {
			n = p.ident("the name of a column")
		}
		p.expect(":", "a column is written name:type")
		out = append(out, colDecl{Span: n.Span, name: n.text, typ: p.typeName()})
		if !p.accept(",") {
			break
		}
	}
	p.expect(")", "")
	return out
}

// pipe reads a source and its operators; without operators just the expression.
func (p *parser) pipe() node {
	p.enter()
	defer p.leave()
	src := p.source()
	if !p.is("|") {
		return src
	}
	n := &pipeNode{Span: src.span(), src: src}
	n.ops = p.ops()
	n.Span = n.to(n.ops[len(n.ops)-1].Span)
	return n
}

// ops reads the operators of a pipe.
func (p *parser) ops() []*opNode {
	var out []*opNode
	for p.accept("|") {
		out = append(out, p.operator())
		if len(out) > 1000 {
			p.fail(p.peek().Span, "", "more than 1,000 operators")
		}
	}
	return out
}

// source reads what may begin a pipe.
func (p *parser) source() node {
	t := p.peek()
	if t.kind != kIdent {
		return p.expr(0)
	}
	n := p.at(1)
	ends := n.kind == kEOF || n.kind == kPunct && strings.Contains("| ) ; , = . + - * /", n.text) && n.text != "" && n.text != "("
	switch t.text {
	case "print", "union":
		if n.kind == kPunct && (n.text == "|" || n.text == "=" || n.text == ".") {
			break
		}
		return p.opSource()
	case "range":
		if n.kind == kIdent || n.kind == kBracket {
			return p.opSource()
		}
	case "datatable":
		if n.kind == kPunct && n.text == "(" {
			return p.opSource()
		}
	case "externaldata", "external_data":
		return p.opSource()
	case "search", "find", "evaluate":
		if !ends {
			return p.opSource()
		}
	}
	return p.expr(0)
}

// opSource wraps an operator that needs no input.
func (p *parser) opSource() node {
	op := p.operator()
	return &pipeNode{Span: op.Span, ops: []*opNode{op}}
}
