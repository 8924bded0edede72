package kql

import (
	"encoding/json"
	"strconv"
	"strings"
)

// How tightly operators bind.
const (
	bindOr = 1 + iota
	bindAnd
	bindEqual
	bindOrder
	bindAdd
	bindMul
	bindString
	bindUnary
)

var binary = map[string]int{
	"or": bindOr, "and": bindAnd,
	"==": bindEqual, "!=": bindEqual, "<>": bindEqual, "between": bindEqual, "!between": bindEqual,
	"in": bindEqual, "!in": bindEqual, "in~": bindEqual, "!in~": bindEqual, "has_any": bindEqual, "has_all": bindEqual,
	"<": bindOrder, ">": bindOrder, "<=": bindOrder, ">=": bindOrder,
	"+": bindAdd, "-": bindAdd, "*": bindMul, "/": bindMul, "%": bindMul,
	"=~": bindString, "!~": bindString, "matches": bindString,
}

func init2() map[string]string {
	m := map[string]string{}
	for _, w := range []string{"has", "hasprefix", "hassuffix", "contains", "startswith", "endswith"} {
		for _, n := range []string{"", "!"} {
			for _, c := range []string{"", "_cs"} {
				m[n+w+c] = n + w + c
			}
		}
	}
	m["notcontains"], m["notcontainscs"], m["containscs"] = "!contains", "!contains_cs", "contains_cs"
	return m
}

// stringOps are the operators on text that are spelled as words.
var stringOps = init2()

// operatorAt is the operator at the position: its name, how it binds, how many
// tokens it has.
func (p *parser) operatorAt() (string, int, int) {
	t := p.peek()
	if t.kind != kIdent && t.kind != kPunct {
		return "", 0, 0
	}
	op := t.text
	if t.kind == kIdent && op == "in" && p.isAt(1, "~") && p.at(1).Start == t.End {
		return "in~", bindEqual, 2
	}
	if op == "matches" {
		if p.at(1).text != "regex" {
			return "", 0, 0
		}
		return "matches regex", bindString, 2
	}
	if op == ":" && p.terms {
		return "has", bindString, 1
	}
	if s, ok := stringOps[op]; ok {
		return s, bindString, 1
	}
	if b, ok := binary[op]; ok {
		return op, b, 1
	}
	return "", 0, 0
}

// expr reads an expression whose operators bind at least as tightly as min.
func (p *parser) expr(least int) node {
	p.enter()
	defer p.leave()
	l := p.unary()
	for {
		op, bind, n := p.operatorAt()
		if op == "" || bind < least {
			return l
		}
		p.pos += n
		switch op {
		case "in", "!in", "in~", "!in~", "has_any", "has_all":
			list, end := p.list()
			l = &inNode{Span: l.span().to(end), op: op, x: l, list: list}
		case "between", "!between":
			p.expect("(", "between takes (low .. high)")
			lo := p.expr(0)
			p.expect("..", "between takes (low .. high)")
			hi := p.expr(0)
			e := p.expect(")", "")
			l = &betweenNode{Span: l.span().to(e.Span), not: op[0] == '!', x: l, lo: lo, hi: hi}
		default:
			r := p.expr(bind + 1)
			l = &binNode{Span: l.span().to(r.span()), op: op, l: l, r: r}
		}
	}
}

// list reads (a, b, c); each may be a query of its own.
func (p *parser) list() ([]node, Span) {
	if !p.is("(") {
		x := p.expr(bindUnary)
		return []node{x}, x.span()
	}
	p.next()
	var out []node
	for !p.is(")") {
		out = append(out, p.pipe())
		if !p.accept(",") {
			break
		}
	}
	e := p.expect(")", "a list is written (a, b)")
	return out, e.Span
}

func (p *parser) unary() node {
	t := p.peek()
	if p.is("-") || p.is("+") {
		p.next()
		p.enter()
		x := p.unary()
		p.leave()
		if t.text == "+" {
			return x
		}
		return &unaryNode{Span: t.to(x.span()), op: "-", x: x}
	}
	return p.postfix(p.primary())
}

func (p *parser) postfix(x node) node {
	for {
		t := p.peek()
		switch {
		case t.kind == kBracket:
			p.next()
			x = &memberNode{Span: x.span().to(t.Span), base: x, key: t.str}
		case p.is("."):
			p.next()
			k := p.peek()
			if p.is("[") { // a.[0] is a[0]
				continue
			}
			if k.kind == kLong { // x.0 is not KQL, but x.2fa is met
				p.fail(k.Span, "an index is written [0]", "expected a name after the point")
			}
			k = p.ident("a name after the point")
			if p.is("(") {
				x = p.call(k)
				continue
			}
			x = &memberNode{Span: x.span().to(k.Span), base: x, key: k.text}
		case p.is("["):
			p.next()
			i := p.expr(0)
			e := p.expect("]", "")
			x = &indexNode{Span: x.span().to(e.Span), base: x, index: i}
		default:
			return x
		}
	}
}

func (p *parser) primary() node {
	t := p.peek()
	switch t.kind {
	case kString:
		p.next()
		// Strings that follow each other are one string.
		for p.peek().kind == kString {
			n := p.next()
			t.str += n.str
			t.End = n.End
		}
		return &litNode{t}
	case kLong, kReal, kSpan, kTyped:
		p.next()
		return &litNode{t}
	case kBracket:
		p.next()
		if p.is("(") {
			t.text = t.str
			return p.call(t)
		}
		return &nameNode{Span: t.Span, name: t.str}
	case kPunct:
		switch t.text {
		case "(":
			p.next()
			x := p.pipe()
			e := p.expect(")", "close the bracket")
			if pn, ok := x.(*pipeNode); ok {
				pn.Span = t.to(e.Span)
			}
			return x
		case "*":
			p.next()
			return &starNode{t.Span}
		}
	case kIdent:
		switch {
		case t.text == "true" || t.text == "false":
			p.next()
			if p.is("(") {
				p.fail(t.Span, "", "unexpected bracket after %s", t.text)
			}
			return &boolNode{t.Span, t.text == "true"}
		case t.text == "dynamic" && p.isAt(1, "("):
			p.next()
			p.next()
			v := p.dynamicValue()
			e := p.expect(")", "dynamic( holds one JSON value")
			return &dynNode{Span: t.to(e.Span), json: v}
		case p.isAt(1, "(") && !(t.text == "and" || t.text == "or" || t.text == "by"):
			p.next()
			return p.call(t)
		}
		if op, _, _ := p.operatorAt(); op == "" || t.text == "has" || t.text == "contains" {
			p.next()
			return &nameNode{Span: t.Span, name: t.text}
		}
	}
	p.fail(t.Span, "", "expected an expression, not %s", describe(t))
	return nil
}

// call reads the arguments of a call whose name is read.
func (p *parser) call(name token) node {
	p.expect("(", "")
	c := &callNode{name: name}
	for !p.is(")") {
		it := &item{Span: p.peek().Span}
		if (p.peek().kind == kIdent || p.peek().kind == kBracket) && p.isAt(1, "=") {
			it.names = []string{p.ident("a name").text}
			p.next()
		}
		it.value = p.pipe()
		it.Span = it.to(it.value.span())
		c.args = append(c.args, it)
		if !p.accept(",") {
			break
		}
	}
	e := p.expect(")", "arguments are separated by commas")
	c.Span = name.to(e.Span)
	return c
}

// dynamicValue reads one value inside dynamic(…) and gives it as JSON.
func (p *parser) dynamicValue() string {
	p.enter()
	defer p.leave()
	t := p.next()
	js := func(s string) string {
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if enc.Encode(s) != nil {
			return `""`
		}
		return strings.TrimSuffix(b.String(), "\n")
	}
	switch t.kind {
	case kString:
		return js(t.str)
	case kLong:
		return strconv.FormatInt(t.num, 10)
	case kReal:
		return t.text
	case kSpan:
		return js(formatSpan(t.num))
	case kBracket:
		return "[" + js(t.str) + "]"
	case kTyped:
		if v, ok := literal(t); ok && !v.Null {
			switch t.text {
			case "datetime":
				return js(v.Time.Format("2006-01-02T15:04:05.0000000Z"))
			case "timespan":
				return js(formatSpan(v.Int))
			case "guid":
				return js(v.Str)
			case "bool":
				return strconv.FormatBool(v.Bool)
			case "real":
				return strconv.FormatFloat(v.Real, 'g', -1, 64)
			case "decimal":
				return v.Str
			}
			return strconv.FormatInt(v.Int, 10)
		}
		return "null"
	case kIdent:
		switch t.text {
		case "null", "true", "false":
			return t.text
		case "dynamic":
			p.expect("(", "")
			v := p.dynamicValue()
			p.expect(")", "")
			return v
		}
	case kPunct:
		switch t.text {
		case "-":
			if n := p.peek(); n.kind == kLong || n.kind == kReal {
				return "-" + p.dynamicValue()
			}
		case "[":
			return "[" + p.dynamicList("]") + "]"
		case "{":
			return "{" + p.dynamicList("}") + "}"
		}
	}
	p.fail(t.Span, "dynamic( holds JSON", "unexpected %s in a dynamic value", describe(t))
	return ""
}

func (p *parser) dynamicList(end string) string {
	var b strings.Builder
	for !p.is(end) {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		if end == "}" {
			k := p.next()
			switch k.kind {
			case kString:
			case kIdent:
				k.str = k.text
			default:
				p.fail(k.Span, "", "expected a key in quotes, not %s", describe(k))
			}
			kb, _ := json.Marshal(k.str)
			b.Write(kb)
			p.expect(":", "")
			b.WriteByte(':')
		}
		b.WriteString(p.dynamicValue())
		if !p.accept(",") {
			break
		}
	}
	p.expect(end, "")
	return b.String()
}
