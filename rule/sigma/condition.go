package sigma

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/query"
)

// cond is a condition over search identifiers: condAnd, condOr, condNot, condName
// or condOf.
type cond any

type (
	condAnd  []cond
	condOr   []cond
	condNot  struct{ x cond }
	condName string
	// condOf holds when at least count of names hold.
	condOf struct {
		count int
		names []string
	}
)

const (
	maxCondition = 64 << 10
	maxCondDepth = 200
)

// token is a word or a parenthesis of a condition.
type token struct {
	text string
	pos  int // in bytes
}

type condParser struct {
	tokens []token
	next   int
	depth  int
	at     query.Span
	skip   int // columns before the text; negative when it does not stand on the line of its key
	total  int // names that patterns stood for
	kind   string
	names  []string
	// words is true for conditions over names alone, without "1 of".
	words bool
}

// parseCondition reads a condition over search identifiers.
func parseCondition(n *yaml.Node, names []string) (cond, *fault) {
	return parseCond(n, "search identifier", names, false)
}

// parseExtended reads an extended condition of a correlation or a pipeline: names,
// and, or, not and parentheses.
func parseExtended(n *yaml.Node, kind string, names []string) (cond, *fault) {
	return parseCond(n, kind, names, true)
}

func parseCond(n *yaml.Node, kind string, names []string, words bool) (cond, *fault) {
	s, at := n.Value, spanOf(n)
	p := &condParser{at: at, kind: kind, names: names, words: words}
	switch {
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		p.skip = 1 // the quote
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || strings.Contains(s, "\n"):
		p.skip = -1
	}
	if len(s) > maxCondition {
		return nil, faultAt(at, "", "the condition has %d bytes; at most %d are read", len(s), maxCondition)
	}
	if f := p.scan(s); f != nil {
		return nil, f
	}
	if len(p.tokens) == 0 {
		return nil, faultAt(at, "write the names of search identifiers", "the condition is empty")
	}
	x, f := p.or()
	if f != nil {
		return nil, f
	}
	if t := p.peek(); t.text != "" {
		if t.text == ")" {
			return nil, p.fault(t, "", "a closing parenthesis without an opening one")
		}
		return nil, p.fault(t, "join the parts with and, or", "%q where the condition should end", t.text)
	}
	return x, nil
}

func (p *condParser) scan(s string) *fault {
	start := -1
	word := func(end int) {
		if start >= 0 {
			p.tokens = append(p.tokens, token{s[start:end], start})
			start = -1
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\n', '\r':
			word(i)
		case '(', ')':
			word(i)
			p.tokens = append(p.tokens, token{s[i : i+1], i})
		case '|':
			return p.fault(token{pos: i}, "write a correlation rule (type: event_count, value_count, temporal …) that refers to this rule",
				"an aggregation behind | is the syntax of before Sigma 2")
		default:
			if start < 0 {
				start = i
			}
		}
	}
	word(len(s))
	return nil
}

// fault places a reason at a token: conditions mostly stand on the line of their key.
func (p *condParser) fault(t token, hint, format string, args ...any) *fault {
	at := p.at
	if at.Column > 0 && p.skip >= 0 {
		at.Column += p.skip + t.pos
	}
	return faultAt(at, hint, format, args...)
}

func (p *condParser) peek() token {
	if p.next < len(p.tokens) {
		return p.tokens[p.next]
	}
	return token{}
}

// operator takes the next token when it is the operator, in lower or upper case.
func (p *condParser) operator(name string) bool {
	t := p.peek().text
	if t != name && t != strings.ToUpper(name) || (t != name && p.known(t)) {
		return false
	}
	p.next++
	return true
}

func (p *condParser) known(name string) bool {
	return slices.Contains(p.names, name)
}

func (p *condParser) or() (cond, *fault) {
	return p.join("or", p.and, func(list []cond) cond { return condOr(list) })
}

func (p *condParser) and() (cond, *fault) {
	return p.join("and", p.not, func(list []cond) cond { return condAnd(list) })
}

func (p *condParser) join(op string, operand func() (cond, *fault), make func([]cond) cond) (cond, *fault) {
	var list []cond
	for {
		x, f := operand()
		if f != nil {
			return nil, f
		}
		list = append(list, x)
		if !p.operator(op) {
			break
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return make(list), nil
}

func (p *condParser) not() (cond, *fault) {
	t := p.peek()
	if !p.operator("not") {
		return p.primary()
	}
	if p.depth++; p.depth > maxCondDepth {
		return nil, p.fault(t, "", "the condition is nested more than %d levels deep", maxCondDepth)
	}
	x, f := p.not()
	p.depth--
	return condNot{x}, f
}

func (p *condParser) primary() (cond, *fault) {
	t := p.peek()
	p.next++
	switch {
	case t.text == "":
		return nil, faultAt(p.at, "write a search identifier there", "the condition ends where a search identifier should stand")
	case t.text == ")":
		return nil, p.fault(t, "write a search identifier before it", "a closing parenthesis where a search identifier should stand")
	case t.text == "(":
		if p.depth++; p.depth > maxCondDepth {
			return nil, p.fault(t, "", "the condition is nested more than %d levels deep", maxCondDepth)
		}
		x, f := p.or()
		if f != nil {
			return nil, f
		}
		p.depth--
		if p.peek().text != ")" {
			return nil, p.fault(t, "close it with )", "a parenthesis is not closed")
		}
		p.next++
		return x, nil
	}
	if of := p.peek().text; !p.words && (of == "of" || of == "OF") {
		if x, f, ok := p.quantifier(t); ok {
			return x, f
		}
	}
	if !p.known(t.text) {
		hint := nearest(t.text, p.names)
		switch strings.ToLower(t.text) {
		case "and", "or", "not":
			hint = "an operator stands between search identifiers"
		}
		if hint == "" && strings.Contains(t.text, "*") {
			hint = "write 1 of " + t.text + " or all of " + t.text
		}
		if hint == "" {
			hint = "there is " + strings.Join(p.names, ", ")
		}
		return nil, p.fault(t, hint, "no %s is called %q", p.kind, t.text)
	}
	return condName(t.text), nil
}

// quantifier reads "1 of selection*", "all of them" and their kin. ok is false
// when the word before "of" is no count.
func (p *condParser) quantifier(t token) (cond, *fault, bool) {
	count, all := 1, false
	switch word := strings.ToLower(t.text); word {
	case "any":
	case "all":
		all = true
	default:
		n, err := strconv.Atoi(word)
		if err != nil {
			return nil, nil, false
		}
		if n < 1 {
			return nil, p.fault(t, "write 1 of, or not 1 of", "\"%s of\" asks for nothing", t.text), true
		}
		count = n
	}
	p.next++ // of
	pattern := p.peek()
	p.next++
	if pattern.text == "" || pattern.text == "(" || pattern.text == ")" {
		return nil, p.fault(pattern, "write them, or a pattern such as selection*", "%q does not say of what", t.text+" of"), true
	}
	var names []string
	them := strings.EqualFold(pattern.text, "them") && !p.known(pattern.text)
	for _, n := range p.names {
		if them && !strings.HasPrefix(n, "_") || !them && matchName(pattern.text, n) {
			names = append(names, n)
		}
	}
	if p.total += len(names); p.total > maxExpr {
		return nil, p.fault(t, "", "the condition names search identifiers more than %d times", maxExpr), true
	}
	if len(names) == 0 {
		return nil, p.fault(pattern, "there is "+strings.Join(p.names, ", "), "%q matches no search identifier", pattern.text), true
	}
	if all {
		count = len(names)
	}
	if count > len(names) {
		return nil, p.fault(t, "", "%q: %d match", t.text+" of "+pattern.text, len(names)), true
	}
	return condOf{count, names}, nil, true
}

// matchName matches a name with a pattern whose stars stand for any text.
func matchName(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return pattern == name
	}
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(name, p)
		if i < 0 {
			return false
		}
		name = name[i+len(p):]
	}
	return true
}

// maxOf bounds the combinations that "n of" may stand for.
const maxOf = 2000

// atLeast says that n of list hold, written out.
func atLeast(n int, list []query.Expr) (query.Expr, error) {
	switch {
	case n == 1:
		return or(list), nil
	case n == len(list):
		return and(list), nil
	}
	if combinations(len(list), n) > maxOf {
		return nil, fmt.Errorf("%d of %d search identifiers are more than %d combinations", n, len(list), maxOf)
	}
	var out []query.Expr
	pick := make([]query.Expr, 0, n)
	var choose func(from int)
	choose = func(from int) {
		if len(pick) == n {
			out = append(out, and(append([]query.Expr(nil), pick...)))
			return
		}
		for i := from; i <= len(list)-(n-len(pick)); i++ {
			pick = append(pick, list[i])
			choose(i + 1)
			pick = pick[:len(pick)-1]
		}
	}
	choose(0)
	return or(out), nil
}

func combinations(k, n int) int {
	c := 1
	for i := 1; i <= n; i++ {
		if c = c * (k - n + i) / i; c > maxOf {
			return c
		}
	}
	return c
}

// and joins expressions; one stands for itself.
func and(list []query.Expr) query.Expr {
	if len(list) == 1 {
		return list[0]
	}
	return &query.And{X: list}
}

// or joins expressions; one stands for itself.
func or(list []query.Expr) query.Expr {
	if len(list) == 1 {
		return list[0]
	}
	return &query.Or{X: list}
}
