package kql

import (
	"github.com/yagura-sec/yagura/query/kql/fn"
	"strings"
)

func (p *parser) multi(op *opNode) {
	apply := strings.HasSuffix(op.name, "apply")
	op.name = "mv-expand"
	if apply {
		op.name = "mv-apply"
	}
	p.options(op, "bagexpansion", "with_itemindex", "kind")
	for {
		it := p.named()
		if p.accept("to") {
			p.expect("typeof", "to typeof(type)")
			p.expect("(", "")
			it.typ = p.typeName()
			p.expect(")", "")
		}
		op.items = append(op.items, it)
		if !p.accept(",") {
			break
		}
	}
	if p.accept("limit") {
		op.x = p.expr(0)
	}
	if apply {
		p.expect("on", "mv-apply takes: column on ( operators )")
		p.expect("(", "")
		p.subOps(op)
		p.expect(")", "")
	}
}

// parseOp reads parse [kind=…] [flags=…] x with "text" column:type * …
// Each item is a text (step), a column (names, typ) or a star (wild).
func (p *parser) parseOp(op *opNode) {
	p.options(op, "kind", "flags")
	op.x = p.expr(0)
	p.expect("with", "parse takes: column with \"text\" name:type …")
	for !p.endOfOp() {
		t := p.peek()
		it := &item{Span: t.Span, typ: fn.String}
		switch {
		case t.kind == kString:
			p.next()
			it.step = t.str
			it.nulls = "text"
		case p.is("*"):
			p.next()
			it.wild = "*"
		default:
			it.names = []string{p.ident("a column, a text or *").text}
			if p.accept(":") {
				it.typ = p.typeName()
			}
		}
		op.items = append(op.items, it)
		p.accept(",")
	}
	if len(op.items) == 0 {
		p.fail(p.peek().Span, "", "parse has no pattern")
	}
}

func (p *parser) topNested(op *opNode) {
	for {
		it := &item{Span: p.peek().Span}
		if !p.word("of") {
			it.step = "n"
			n := p.expr(0)
			it.sub = &item{others: n}
		} else {
			it.sub = &item{}
		}
		p.expect("of", "top-nested takes: count of column by aggregate")
		v := p.named()
		it.names, it.value = v.names, v.value
		if p.accept("with") {
			p.expect("others", "")
			p.expect("=", "")
			it.others = p.expr(0)
		}
		p.expect("by", "top-nested takes: count of column by aggregate")
		s := p.sortItem()
		it.sub.names, it.sub.value, it.desc, it.asc = s.names, s.value, s.desc, s.asc
		op.items = append(op.items, it)
		if !p.accept(",") {
			return
		}
		if p.word("top") && p.isAt(1, "-") && p.at(2).text == "nested" {
			p.pos += 3
		}
	}
}

// datatable reads (columns) [values].
func (p *parser) datatable(op *opNode) {
	op.cols = p.schema()
	if t := p.peek(); t.kind == kBracket {
		p.next()
		t.kind = kString
		op.items = []*item{{Span: t.Span, value: &litNode{t}}}
		return
	}
	p.expect("[", "the values of datatable stand in [ ]")
	for !p.is("]") {
		v := p.expr(0)
		op.items = append(op.items, &item{Span: v.span(), value: v})
		if !p.accept(",") {
			break
		}
		if len(op.items) > 200_000 {
			p.fail(p.peek().Span, "keep it as a watchlist", "more than 200,000 values")
		}
	}
	p.expect("]", "values are separated by commas")
	if len(op.cols) == 0 || len(op.items)%len(op.cols) != 0 {
		p.fail(op.Span, "", "datatable has %d values, which is no multiple of its %d columns", len(op.items), len(op.cols))
	}
}

// external reads (columns) [addresses] with (options).
func (p *parser) external(op *opNode) {
	op.cols = p.schema()
	if t := p.peek(); t.kind == kBracket {
		p.next()
		op.items = append(op.items, &item{Span: t.Span, step: t.str})
	} else {
		p.expect("[", "the addresses stand in [ ]")
		for !p.is("]") {
			t := p.next()
			if t.kind != kString {
				p.fail(t.Span, "", "expected an address in quotes, not %s", describe(t))
			}
			op.items = append(op.items, &item{Span: t.Span, step: t.str})
			if !p.accept(",") {
				break
			}
		}
		p.expect("]", "")
	}
	if p.accept("with") {
		p.withOptions(op)
	}
	if len(op.items) == 0 {
		p.fail(op.Span, "", "externaldata has no address")
	}
}

// makeSeries reads items [default = x] on time [from a to b] step s [by …]. The
// legs are: time, from, to, step; from and to may be nil.
func (p *parser) makeSeries(op *opNode) {
	p.options(op, "kind")
	for {
		it := p.named()
		if p.accept("default") {
			p.expect("=", "")
			it.others = p.expr(0)
		}
		op.items = append(op.items, it)
		if !p.accept(",") {
			break
		}
	}
	p.expect("on", "make-series takes: aggregate on column from start to end step by")
	axis := &item{}
	if p.peek().kind == kIdent && p.isAt(1, "=") {
		axis.names = []string{p.ident("a name").text}
		p.next()
	}
	axis.value = p.expr(bindOrder)
	var from, to, step node
	if p.accept("in") {
		p.expect("range", "")
		p.expect("(", "")
		from = p.expr(0)
		p.expect(",", "")
		to = p.expr(0)
		p.expect(",", "")
		step = p.expr(0)
		p.expect(")", "")
		op.num = 1 // the end is inside
	} else {
		if p.accept("from") {
			from = p.expr(0)
		}
		if p.accept("to") {
			to = p.expr(0)
		}
		p.expect("step", "make-series needs a step")
		step = p.expr(0)
	}
	op.cols = nil
	op.legs = []node{axis.value, from, to, step}
	op.opts2(axis)
	if p.accept("by") {
		op.by = p.namedList()
	}
}

// opts2 keeps the name of the axis.
func (op *opNode) opts2(axis *item) {
	if len(axis.names) == 0 {
		return
	}
	if op.opts == nil {
		op.opts = map[string]string{}
	}
	op.opts["axis"] = axis.names[0]
}

func (p *parser) find(op *opNode) {
	p.options(op, "withsource", "datascope")
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
	p.accept("where")
	op.x = p.searchExpr(0)
	if p.accept("project") {
		for {
			it := p.named()
			if p.accept(":") {
				it.typ = p.typeName()
			}
			op.items = append(op.items, it)
			if !p.accept(",") {
				break
			}
		}
	}
}

// searchExpr reads the predicate of search and find: text alone is a term.
func (p *parser) searchExpr(least int) node {
	old := p.terms
	p.terms = true
	defer func() { p.terms = old }()
	return p.expr(least)
}

// scan reads the columns that are declared, and the steps: an item each, with its
// assignments as a chain of subs.
func (p *parser) scan(op *opNode) {
	p.options(op, "with_match_id")
	if p.accept("declare") {
		p.expect("(", "")
		for {
			n := p.ident("a name")
			p.expect(":", "")
			op.cols = append(op.cols, colDecl{n.Span, n.text, p.typeName()})
			var def node
			if p.accept("=") {
				def = p.expr(0)
			}
			op.legs = append(op.legs, def)
			if !p.accept(",") {
				break
			}
		}
		p.expect(")", "")
	}
	const form = "scan takes: with (step name: condition => column = value;)"
	p.expect("with", form)
	p.expect("(", form)
	for !p.is(")") {
		p.expect("step", form)
		n := p.ident("the name of a step")
		it := &item{Span: n.Span, step: n.text}
		if p.accept("output") {
			p.expect("=", "")
			o := p.ident("all, last or none")
			if o.text != "all" && o.text != "last" && o.text != "none" {
				p.fail(o.Span, "all, last or none", "output = %s is not supported", o.text)
			}
			it.output = o.text
		}
		p.expect(":", form)
		it.value = p.expr(0)
		if p.is("=>") {
			p.next()
			last := it
			for {
				a := p.named()
				if len(a.names) != 1 {
					p.fail(a.Span, "such as => n = n + 1", "a step assigns values to columns")
				}
				last.sub, last = a, a
				if !p.accept(",") {
					break
				}
			}
		}
		op.items = append(op.items, it)
		p.expect(";", "a step ends with ;")
	}
	if len(op.items) == 0 {
		p.fail(p.peek().Span, form, "scan has no step")
	}
	p.expect(")", "")
}
