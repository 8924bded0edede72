package kql

import (
	"slices"
	"strings"
)

// opNames are the operators as a query spells them.
var opNames = []string{
	"where", "filter", "extend", "project", "project-away", "project-keep", "project-rename", "project-reorder",
	"project-smart", "summarize", "join", "lookup", "union", "mv-expand", "mvexpand", "mv-apply", "mvapply", "parse", "parse-where",
	"parse-kv", "distinct", "sort", "order", "top", "top-nested", "take", "limit", "sample", "sample-distinct",
	"count", "range", "print", "datatable", "make-series", "serialize", "evaluate", "render", "as", "getschema",
	"search", "find", "facet", "invoke", "partition", "reduce", "scan", "consume", "externaldata", "external_data", "fork",
	"top-hitters", "make-graph", "graph-match", "graph-to-table", "macro-expand", "assert-schema", "execute_and_cache",
	"project-by-names",
}

// refused are the operators that exist and are not done here, with what to do.
var refused = map[string]string{
	"reduce":     "summarize by a text that replace_regex() has made coarser",
	"fork":       "run the legs as queries of their own, or union them",
	"make-graph": "use join", "graph-match": "use join", "graph-to-table": "use join", "macro-expand": "write the query out",
	"assert-schema": "leave it out", "execute_and_cache": "use materialize()",
}

// opName reads an operator's name; its parts may be joined by -.
func (p *parser) opName() token {
	t := p.peek()
	if t.kind != kIdent {
		p.fail(t.Span, "such as where, summarize or project", "expected an operator after |, not %s", describe(t))
	}
	p.next()
	for p.is("-") && p.peek().Start == t.End && p.at(1).kind == kIdent && p.at(1).Start == p.peek().End {
		p.next()
		n := p.next()
		t.text += "-" + n.text
		t.End = n.End
	}
	return t
}

// options reads name = value pairs that stand before an operator's operands. Names
// that are not listed end them, except hints.
func (p *parser) options(op *opNode, known ...string) {
	for {
		t := p.peek()
		if t.kind != kIdent {
			return
		}
		n := 1
		name := t.text
		for p.isAt(n, ".") && p.at(n+1).kind == kIdent && (name == "hint" || strings.HasPrefix(name, "hint.")) {
			name += "." + p.at(n+1).text
			n += 2
		}
		if !p.isAt(n, "=") || !strings.HasPrefix(name, "hint.") && !slices.Contains(known, name) {
			return
		}
		p.pos += n + 1
		v := p.next()
		text := v.text
		if v.kind == kString {
			text = v.str
		}
		if v.kind == kPunct && v.text == "(" {
			for !p.is(")") && p.peek().kind != kEOF {
				p.next()
			}
			p.next()
		}
		if op.opts == nil {
			op.opts, op.optAt = map[string]string{}, map[string]Span{}
		}
		op.opts[name], op.optAt[name] = text, v.Span
		if len(p.toks) > p.pos && p.is(",") && strings.HasPrefix(name, "hint.") {
			p.next()
		}
	}
}

// named reads name = expression, (a, b) = expression, or an expression.
func (p *parser) named() *item {
	it := &item{Span: p.peek().Span}
	t := p.peek()
	switch {
	case (t.kind == kIdent || t.kind == kBracket) && p.isAt(1, "="):
		it.names = []string{p.ident("a name").text}
		p.next()
	case p.is("("):
		if n := p.tuple(); n > 0 {
			p.next()
			for !p.is(")") {
				it.names = append(it.names, p.ident("a name").text)
				p.accept(",")
			}
			p.next()
			p.next()
			if len(it.names) == 1 {
				it.names = append(it.names, "")
			}
		}
	}
	it.value = p.expr(0)
	it.Span = it.to(it.value.span())
	return it
}

// tuple looks whether (a, b) = stands here.
func (p *parser) tuple() int {
	i := 1
	for {
		t := p.at(i)
		if t.kind != kIdent && t.kind != kBracket {
			return 0
		}
		if p.isAt(i+1, ")") {
			if p.isAt(i+2, "=") {
				return i
			}
			return 0
		}
		if !p.isAt(i+1, ",") {
			return 0
		}
		i += 2
	}
}

func (p *parser) namedList(stop ...string) []*item {
	var out []*item
	for {
		out = append(out, p.named())
		if !p.accept(",") {
			return out
		}
		if len(out) > 2000 {
			p.fail(p.peek().Span, "", "more than 2,000 expressions")
		}
	}
}

// endOfOp says that nothing of an operator follows.
func (p *parser) endOfOp() bool {
	t := p.peek()
	return t.kind == kEOF || t.kind == kPunct && (t.text == "|" || t.text == ")" || t.text == ";" || t.text == "}")
}

// pattern reads a column's name with wildcards: a, a*, *b*.
func (p *parser) pattern() *item {
	t := p.peek()
	it := &item{Span: t.Span}
	if t.kind == kBracket {
		p.next()
		it.names, it.value = []string{t.str}, &nameNode{t.Span, t.str}
		return it
	}
	var b strings.Builder
	end := t.Start
	for {
		n := p.peek()
		if !(n.kind == kIdent || n.kind == kLong || n.kind == kPunct && (n.text == "*" || n.text == "_")) || b.Len() > 0 && n.Start != end {
			break
		}
		b.WriteString(n.text)
		end = n.End
		p.next()
	}
	if b.Len() == 0 {
		p.fail(t.Span, "", "expected the name of a column, not %s", describe(t))
	}
	it.End = end
	if s := b.String(); strings.Contains(s, "*") {
		it.wild = s
	} else {
		it.value = &nameNode{it.Span, s}
		if p.is(".") { // a path in a dynamic column
			it.value = p.postfix(it.value)
		}
	}
	return it
}

// sortItem reads an expression with asc, desc and nulls.
func (p *parser) sortItem() *item {
	it := p.named()
	p.sortOrder(it)
	return it
}

func (p *parser) sortOrder(it *item) {
	switch {
	case p.accept("asc"):
		it.asc = true
	case p.accept("desc"):
		it.desc = true
	}
	if p.accept("nulls") {
		t := p.ident("first or last")
		if t.text != "first" && t.text != "last" {
			p.fail(t.Span, "", "expected first or last, not %s", describe(t))
		}
		it.nulls = t.text
	}
}

func (p *parser) sortList() []*item {
	var out []*item
	for {
		out = append(out, p.sortItem())
		if !p.accept(",") {
			return out
		}
	}
}

func (p *parser) operator() *opNode {
	p.enter()
	defer p.leave()
	name := p.opName()
	op := &opNode{Span: name.Span, name: name.text}
	defer func() { op.End = max(op.End, p.toks[max(p.pos-1, 0)].End) }()
	switch name.text {
	case "where", "filter":
		op.name = "where"
		p.options(op)
		op.x = p.expr(0)
	case "extend", "project", "print":
		p.options(op)
		if !(name.text == "project" && p.endOfOp()) {
			op.items = p.namedList()
		}
	case "serialize":
		p.options(op)
		if !p.endOfOp() {
			op.items = p.namedList()
		}
	case "project-rename", "project-by-names":
		op.items = p.namedList()
	case "project-away", "project-keep", "project-reorder":
		for {
			it := p.pattern()
			if name.text == "project-reorder" {
				if p.word("granny") && p.isAt(1, "-") {
					p.next()
					p.next()
				}
				p.sortOrder(it)
			}
			op.items = append(op.items, it)
			if !p.accept(",") {
				break
			}
		}
	case "summarize":
		p.options(op)
		if !p.word("by") && !p.endOfOp() {
			op.items = p.namedList()
		}
		if p.accept("by") {
			op.num = 1
			if !p.endOfOp() {
				op.by = p.namedList()
			}
		}
	case "distinct":
		p.options(op)
		op.items = p.namedList()
	case "join", "lookup":
		p.options(op, "kind", "withsource")
		if p.is("(") {
			p.next()
			op.legs = []node{p.pipe()}
			p.expect(")", "the right side of join stands in brackets")
		} else {
			op.legs = []node{p.expr(bindUnary)}
		}
		t := p.peek()
		if t.text == "where" {
			p.fail(t.Span, "use on", "join where is not supported")
		}
		if p.accept("on") {
			for {
				op.items = append(op.items, &item{value: p.expr(0)})
				if !p.accept(",") {
					break
				}
			}
		}
		for _, it := range op.items {
			it.Span = it.value.span()
		}
	case "union":
		p.options(op, "kind", "withsource", "isfuzzy")
		p.accept(",")
		for !p.endOfOp() {
			op.legs = append(op.legs, p.leg())
			if !p.accept(",") {
				break
			}
		}
	case "mv-expand", "mvexpand", "mv-apply", "mvapply":
		p.multi(op)
	case "parse", "parse-where":
		p.parseOp(op)
	case "parse-kv":
		op.x = p.expr(0)
		p.expect("as", "parse-kv takes: column as (name:type, …) with (…)")
		op.cols = p.schema()
		if p.accept("with") {
			p.withOptions(op)
		}
	case "sort", "order":
		op.name = "sort"
		p.options(op)
		p.expect("by", "")
		op.items = p.sortList()
	case "top":
		p.options(op)
		op.x = p.expr(0)
		p.expect("by", "top takes: count by column")
		op.items = p.sortList()
	case "top-nested":
		p.topNested(op)
	case "take", "limit", "sample":
		if op.name == "limit" {
			op.name = "take"
		}
		op.x = p.expr(0)
	case "sample-distinct":
		op.x = p.expr(0)
		p.expect("of", "sample-distinct takes: count of column")
		op.items = []*item{p.named()}
	case "top-hitters":
		op.x = p.expr(0)
		p.expect("of", "top-hitters takes: count of column")
		op.items = []*item{p.named()}
		if p.accept("by") {
			op.by = []*item{p.named()}
		}
	case "count":
		if p.accept("as") {
			op.items = []*item{{names: []string{p.ident("a name").text}}}
		}
	case "range":
		op.items = []*item{{names: []string{p.ident("the name of the column").text}}}
		p.expect("from", "range takes: column from start to end step by")
		op.legs = append(op.legs, p.expr(0))
		p.expect("to", "range takes: column from start to end step by")
		op.legs = append(op.legs, p.expr(0))
		p.expect("step", "range takes: column from start to end step by")
		op.legs = append(op.legs, p.expr(0))
	case "datatable":
		p.datatable(op)
	case "externaldata", "external_data":
		op.name = "externaldata"
		p.external(op)
	case "make-series":
		p.makeSeries(op)
	case "evaluate", "invoke":
		p.options(op)
		t := p.ident("the name of a function")
		for p.is(".") {
			p.next()
			t = p.ident("the name of a function")
		}
		op.x = p.call(t)
		if p.accept(":") {
			op.cols = p.schemaStar()
		}
	case "render":
		t := p.ident("a kind of chart")
		op.opts = map[string]string{"kind": t.text}
		if p.accept("with") {
			p.withOptions(op)
		} else {
			p.options(op, "title", "kind", "xcolumn", "ycolumns", "series", "legend", "xaxis", "yaxis", "xtitle", "ytitle", "ysplit", "accumulate", "ymin", "ymax", "xmin", "xmax", "by")
		}
	case "as":
		p.options(op)
		op.items = []*item{{names: []string{p.ident("a name").text}}}
	case "getschema", "consume":
		p.options(op, "decodeblocks")
	case "search":
		p.options(op, "kind")
		if p.accept("in") {
			p.expect("(", "")
			for {
				op.legs = append(op.legs, p.leg())
				if !p.accept(",") {
					break
				}
			}
			p.expect(")", "")
		}
		p.options(op, "kind")
		op.x = p.searchExpr(0)
	case "find":
		p.find(op)
	case "scan":
		p.scan(op)
	case "facet":
		p.expect("by", "")
		op.items = p.namedList()
		if p.accept("with") {
			p.expect("(", "")
			p.subOps(op)
			p.expect(")", "")
		}
	case "partition":
		p.options(op)
		p.accept("by")
		// The operators stand in brackets behind the column: it is no call.
		col := p.ident("a column")
		var by node = &nameNode{col.Span, col.text}
		for p.is(".") || p.is("[") {
			by = p.postfix(by)
		}
		op.items = []*item{{Span: by.span(), value: by}}
		if p.is("(") || p.is("{") {
			end := map[string]string{"(": ")", "{": "}"}[p.next().text]
			p.subOps(op)
			p.expect(end, "")
		}
	default:
		if h, ok := refused[name.text]; ok {
			p.fail(name.Span, h, "%s is not supported", name.text)
		}
		hint := "such as where, summarize or project"
		if n := nearest(name.text, opNames); n != "" {
			hint = "did you mean " + n + "?"
		}
		p.fail(name.Span, hint, "unknown operator '%s'", name.text)
	}
	return op
}

func (p *parser) schemaStar() []colDecl {
	if p.isAt(1, "*") {
		p.next()
		p.next()
		if p.accept(",") {
			p.pos--
			p.toks[p.pos] = token{kind: kPunct, text: "(", Span: p.toks[p.pos].Span}
			return p.schema()
		}
		p.expect(")", "")
		return nil
	}
	return p.schema()
}

// leg reads one leg of a union: a table, maybe with a wildcard, or a query.
func (p *parser) leg() node {
	t := p.peek()
	if t.kind == kIdent && p.isAt(1, "*") && p.at(1).Start == t.End || p.is("*") {
		it := p.pattern()
		return &nameNode{Span: it.Span, name: it.wild}
	}
	if p.is("(") {
		p.next()
		n := p.pipe()
		p.expect(")", "")
		return n
	}
	return p.expr(bindUnary)
}

// withOptions reads (a = b, c = "d").
func (p *parser) withOptions(op *opNode) {
	p.expect("(", "")
	if op.opts == nil {
		op.opts = map[string]string{}
	}
	for !p.is(")") {
		k := p.ident("an option")
		p.expect("=", "")
		v := p.next()
		s := v.text
		if v.kind == kString {
			s = v.str
		}
		op.opts["with "+k.text] = s
		for !p.is(",") && !p.is(")") && p.peek().kind != kEOF {
			p.next()
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect(")", "")
}

// subOps reads the operators of a query without a source.
func (p *parser) subOps(op *opNode) {
	op.sub = append(op.sub, p.operator())
	op.sub = append(op.sub, p.ops()...)
}
