package falco

import (
	"fmt"
	"strings"
)

// maxNesting bounds the levels of one condition, macros included.
const maxNesting = 500

// syntaxError is what is wrong with a condition or an output, in Falco's words.
type syntaxError struct {
	msg  string
	at   place
	hint string
}

func (e *syntaxError) Error() string { return e.msg }

// Operators in the order in which they are tried. A space at the end asks for a
// blank after the operator.
func unaryOps() []string  { return []string{"exists"} }
func numberOps() []string { return []string{"<=", "<", ">=", ">"} }
func listOps() []string   { return []string{"intersects", "in", "pmatch"} }
func modifiers() []string { return []string{"oneof", "anyof", "allof"} }
func transNames() []string {
	return []string{"tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt"}
}

func stringOps() []string {
	return []string{
		"==", "=", "!=", "glob ", "iglob ", "contains ", "icontains ", "bcontains ",
		"startswith ", "bstartswith ", "endswith ", "regex ",
	}
}

// operators lists every operator as the error message does.
func operators() []string {
	var all []string
	for _, ops := range [][]string{unaryOps(), numberOps(), stringOps(), listOps()} {
		for _, op := range ops {
			all = append(all, strings.TrimSpace(op))
		}
	}
	return all
}

// quotedList writes 'a', 'b', 'c'.
func quotedList(words []string) string { return "'" + strings.Join(words, "', '") + "'" }

func transformerList() string { return quotedList(append([]string{"val"}, transNames()...)) }

// parser reads conditions by the grammar of Falco's filters. It follows the order
// in which Falco tries its tokens, so that what is accepted, and what is said about
// what is not, are the same.
type parser struct {
	text   text
	s      string
	pos    int
	last   string // the last token that was read
	seen   int    // the last byte that had a say in the result
	closed int    // the byte after the outermost transformer
	depth  int
}

func newParser(t text) *parser { return &parser{text: t, s: t.s} }

// parseCondition reads a whole condition.
func parseCondition(t text) (node, *syntaxError) {
	p := newParser(t)
	if p.s == "" {
		return nil, p.fail("filter input string is empty")
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.pos != len(p.s) {
		e := p.fail("unexpected token after '%s', expecting 'or', 'and'", p.last)
		e.hint = p.joinHint()
		return nil, e
	}
	return n, nil
}

func (p *parser) fail(format string, args ...any) *syntaxError {
	return &syntaxError{msg: fmt.Sprintf(format, args...), at: p.here()}
}

func (p *parser) here() place { return p.text.place(p.pos) }

func (p *parser) peek() byte {
	p.seen = max(p.seen, p.pos+1)
	if p.pos < len(p.s) {
		return p.s[p.pos]
	}
	return 0
}

// enter counts one level of nesting.
func (p *parser) enter() *syntaxError {
	if p.depth++; p.depth > maxNesting {
		return p.fail("exceeded max depth limit of %d", maxNesting)
	}
	return nil
}

func (p *parser) or() (node, *syntaxError)  { return p.series("or", p.and) }
func (p *parser) and() (node, *syntaxError) { return p.series("and", p.not) }

func (p *parser) series(word string, next func() (node, *syntaxError)) (node, *syntaxError) {
	at := p.here()
	p.blank()
	first, err := next()
	if err != nil {
		return nil, err
	}
	kids := []node{first}
	p.blank()
	for p.word(word) {
		var kid node
		if p.blank() {
			kid, err = next()
		} else if p.word("(") {
			kid, err = p.embedded()
		} else {
			err = p.fail("expected blank or '(' after '%s'", word)
		}
		if err != nil {
			return nil, err
		}
		kids = append(kids, kid)
		p.blank()
	}
	if len(kids) == 1 {
		return first, nil
	}
	return &boolean{word == "or", kids, at}, nil
}

func (p *parser) not() (node, *syntaxError) {
	at := p.here()
	p.blank()
	negated := false
	for p.notBlank() {
		negated = !negated
	}
	var kid node
	var err *syntaxError
	if p.word("not(") {
		negated = !negated
		kid, err = p.embedded()
	} else {
		kid, err = p.check()
	}
	if err != nil || !negated {
		return kid, err
	}
	return &negation{kid, at}, nil
}

// embedded reads the rest of an expression after its opening parenthesis.
func (p *parser) embedded() (node, *syntaxError) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	p.blank()
	kid, err := p.or()
	if err != nil {
		return nil, err
	}
	p.blank()
	if !p.word(")") {
		return nil, p.fail("expected a ')' token")
	}
	return kid, nil
}

func (p *parser) check() (node, *syntaxError) {
	at := p.here()
	p.blank()
	if p.word("(") {
		return p.embedded()
	}
	left, err := p.fieldOrTransformer()
	if err != nil {
		return nil, err
	}
	if left != nil {
		return p.condition(left, at)
	}
	if p.ident() {
		return &identifier{p.last, at}, nil
	}
	e := p.fail("expected a '(' token, a field check, or an identifier")
	if p.peek() == '!' {
		e.hint = "write not"
	}
	return nil, e
}

// fieldOrTransformer reads a field or a transformer other than val; nil if there is none.
func (p *parser) fieldOrTransformer() (operand, *syntaxError) {
	at := p.here()
	if p.fieldName() {
		return p.fieldRest(p.last, at)
	}
	if p.transformer() {
		return p.transformerRest(strings.TrimSuffix(p.last, "("), at)
	}
	return nil, nil
}

func (p *parser) fieldRest(name string, at place) (operand, *syntaxError) {
	f := &fieldRef{name: name, at: at}
	if !p.word("[") {
		return f, nil
	}
	ok, err := p.quoted()
	if err != nil {
		return nil, err
	}
	if !ok && !p.bareArg() {
		return nil, p.fail("expected a valid field argument: a quoted string or a bare string")
	}
	f.arg = p.last
	if !p.word("]") {
		return nil, p.fail("expected a ']' token")
	}
	return f, nil
}

// transformerRest reads the arguments of a transformer after its opening parenthesis.
func (p *parser) transformerRest(name string, at place) (operand, *syntaxError) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	t := &transform{name: name, at: at}
	for {
		p.blank()
		arg, err := p.transformerArg()
		if err != nil {
			return nil, err
		}
		t.args = append(t.args, arg)
		p.blank()
		if !p.word(",") {
			break
		}
	}
	if !p.word(")") {
		return nil, p.fail("expected a ')' token closing the transformer")
	}
	if p.depth == 1 {
		p.closed = p.pos
	}
	if p.peek() == '[' && (name == "join" || name == "concat" || name == "getopt") {
		ref, err := p.fieldRest(name, at)
		if err != nil {
			return nil, err
		}
		t.arg = &ref.(*fieldRef).arg
	}
	return t, nil
}

func (p *parser) transformerArg() (operand, *syntaxError) {
	at := p.here()
	if p.hex() || p.number() {
		return &literal{p.last, at}, nil
	}
	if ok, err := p.quoted(); err != nil || ok {
		return &literal{p.last, at}, err
	}
	if p.word("(") {
		return p.tuple(at)
	}
	arg, err := p.fieldOrTransformer()
	if err == nil && arg == nil {
		err = p.fail("expected field transformer argument: field, transformer, quoted string, number, or transformer list")
	}
	return arg, err
}

func (p *parser) tuple(at place) (operand, *syntaxError) {
	t := &tuple{at: at}
	p.blank()
	if p.word(")") {
		return t, nil
	}
	for {
		p.blank()
		item, err := p.fieldOrTransformer()
		if err != nil {
			return nil, err
		}
		if item == nil {
			at := p.here()
			ok, err := p.quoted()
			if err != nil {
				return nil, err
			}
			if !ok && !p.hex() && !p.number() {
				return nil, p.fail("expected transformer list argument: field, transformer, quoted string, or number")
			}
			item = &literal{p.last, at}
		}
		t.items = append(t.items, item)
		p.blank()
		if !p.word(",") {
			break
		}
	}
	if !p.word(")") {
		return nil, p.fail("expected ')'")
	}
	return t, nil
}

// condition reads operator and right side.
func (p *parser) condition(left operand, at place) (node, *syntaxError) {
	p.blank()
	if p.operator(unaryOps()) {
		return &check{left: left, op: p.last, at: at}, nil
	}
	c := &check{left: left, at: at}
	var err *syntaxError
	switch {
	case p.operator(numberOps()):
		c.op = p.last
		c.right, err = p.numberValue()
	case p.operator(stringOps()):
		c.op = p.last
		if p.modifier() {
			c.mod = p.last
			c.right, err = p.listValue()
		} else {
			c.right, err = p.stringValue()
		}
	case p.operator(listOps()):
		c.op = p.last
		c.right, err = p.listValue()
	default:
		err = p.fail("expected a valid check operator: one of %s", quotedList(operators()))
		err.hint = p.operatorHint()
	}
	if c.op == "==" {
		c.op = "="
	}
	return c, err
}

func (p *parser) numberValue() (operand, *syntaxError) {
	p.blank()
	at := p.here()
	if o, err := p.valOrTransformer(); err != nil || o != nil {
		return o, err
	}
	if p.hex() || p.number() {
		return &literal{p.last, at}, nil
	}
	e := p.fail("expected a number value or a field with a valid transformer: %s", transformerList())
	e.hint = p.openHint()
	if e.hint == "" {
		e.hint = "< and > take a number"
	}
	return nil, e
}

func (p *parser) stringValue() (operand, *syntaxError) {
	p.blank()
	at := p.here()
	if o, err := p.valOrTransformer(); err != nil || o != nil {
		return o, err
	}
	if ok, err := p.quoted(); err != nil || ok || p.bare() {
		return &literal{p.last, at}, err
	}
	e := p.fail("expected a string value or a field with a valid transformer: %s", transformerList())
	e.hint = p.openHint()
	if p.peek() == '(' {
		e.hint = "write in (…), or a modifier as in: startswith anyof (…)"
	}
	return nil, e
}

func (p *parser) listValue() (operand, *syntaxError) {
	p.blank()
	at := p.here()
	if p.word("(") {
		l := &literals{at: at}
		p.blank()
		for first := true; ; first = false {
			p.blank()
			at := p.here()
			ok, err := p.quoted()
			if err != nil {
				return nil, err
			}
			if !ok && !p.bare() {
				if first {
					break
				}
				return nil, p.fail("expected a string value")
			}
			l.values = append(l.values, literal{p.last, at})
			p.blank()
			if !p.word(",") {
				break
			}
		}
		if !p.word(")") {
			return nil, p.fail("expected a ')' token")
		}
		return l, nil
	}
	if o, err := p.valOrTransformer(); err != nil || o != nil {
		return o, err
	}
	if p.ident() {
		return &literal{p.last, at}, nil
	}
	e := p.fail("expected a list, an identifier, or a field with a valid transformer: %s", transformerList())
	e.hint = "values stand in parentheses: (a, b)"
	return nil, e
}

// valOrTransformer reads val(field) or a transformer; nil if there is neither.
func (p *parser) valOrTransformer() (operand, *syntaxError) {
	p.blank()
	at := p.here()
	if p.word("val(") {
		p.blank()
		fieldAt := p.here()
		if !p.fieldName() {
			return nil, p.fail("expected a field within 'val' transformer")
		}
		f, err := p.fieldRest(p.last, fieldAt)
		if err != nil {
			return nil, err
		}
		p.blank()
		if !p.word(")") {
			return nil, p.fail("expected a ')' token closing the transformer")
		}
		return &transform{name: "val", args: []operand{f}, at: at}, nil
	}
	if p.transformer() {
		p.blank()
		return p.transformerRest(strings.TrimSuffix(p.last, "("), at)
	}
	return nil, nil
}
