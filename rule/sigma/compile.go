package sigma

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/slot"
)

// compiler makes an expression of detections.
type compiler struct {
	fold   bool // field names are found without regard to case
	fields map[string]query.Field
	order  []string
	clause string
	nodes  int
}

// maxExpr bounds the values that one rule asks for: a search identifier is written
// out wherever a condition names it.
const maxExpr = 100_000

// compile joins the conditions of d: one of them must hold.
func (c *compiler) compile(d *detections) (query.Expr, *fault) {
	var list []query.Expr
	for _, x := range d.conditions {
		e, f := c.cond(x.expr, d, x.at)
		if f != nil {
			return nil, f
		}
		list = append(list, e)
	}
	return or(list), nil
}

func (c *compiler) cond(x cond, d *detections, at query.Span) (query.Expr, *fault) {
	each := func(list []cond) ([]query.Expr, *fault) {
		out := make([]query.Expr, 0, len(list))
		for _, y := range list {
			e, f := c.cond(y, d, at)
			if f != nil {
				return nil, f
			}
			out = append(out, e)
		}
		return out, nil
	}
	switch x := x.(type) {
	case condAnd:
		list, f := each(x)
		return and(list), f
	case condOr:
		list, f := each(x)
		return or(list), f
	case condNot:
		e, f := c.cond(x.x, d, at)
		return &query.Not{X: e}, f
	case condOf:
		list := make([]query.Expr, 0, len(x.names))
		for _, name := range x.names {
			e, f := c.named(name, d)
			if f != nil {
				return nil, f
			}
			list = append(list, e)
		}
		e, err := atLeast(x.count, list)
		if err != nil {
			return nil, faultAt(at, "write the combinations that matter", "%v", err)
		}
		return e, nil
	case condName:
		return c.named(string(x), d)
	}
	return nil, faultAt(at, "", "a condition of an unknown kind")
}

func (c *compiler) named(name string, d *detections) (query.Expr, *fault) {
	before := c.clause
	if name != "" {
		c.clause = name
	}
	e, f := c.node(d.byName[name])
	c.clause = before
	return e, f
}

func (c *compiler) node(n node) (query.Expr, *fault) {
	switch n := n.(type) {
	case *item:
		return c.item(n)
	case *block:
		return c.block(n)
	case *group:
		list := make([]query.Expr, 0, len(n.nodes))
		for _, x := range n.nodes {
			e, f := c.node(x)
			if f != nil {
				return nil, f
			}
			list = append(list, e)
		}
		if n.any {
			return or(list), nil
		}
		return and(list), nil
	}
	return nil, faultAt(query.Span{}, "", "an empty search identifier")
}

// paths returns where the names of a field stand, with the selectors that follow.
func (c *compiler) paths(names []string, arrays bool, at query.Span) (paths []slot.Path, each bool, quant query.Quant, rest []step, f *fault) {
	for i, name := range names {
		if !arrays {
			paths = append(paths, slot.Path{Segs: segments(name), Fold: c.fold})
			continue
		}
		steps, f := parseSelectors(name, at)
		if f != nil {
			return nil, false, 0, nil, f
		}
		if i > 0 && (steps[0].each != each || steps[0].quant != quant || !slices.EqualFunc(steps[1:], rest, sameStep)) {
			return nil, false, 0, nil, faultAt(at, "give the aliases of the field the same selectors", "%q and %q select array members in different ways", names[0], name)
		}
		each, quant, rest = steps[0].each, steps[0].quant, steps[1:]
		paths = append(paths, slot.Path{Segs: steps[0].segs, Fold: c.fold})
	}
	return paths, each, quant, rest, nil
}

func sameStep(a, b step) bool {
	return a.each == b.each && a.quant == b.quant && slices.Equal(a.segs, b.segs)
}

// within makes what leaf says of a field hold for the members that its selectors
// choose.
func (c *compiler) within(name string, names []string, arrays bool, at query.Span, leaf func(query.Field) (query.Expr, *fault)) (query.Expr, *fault) {
	paths, each, quant, rest, f := c.paths(names, arrays, at)
	if f != nil {
		return nil, f
	}
	field := query.Field{Name: name, Paths: paths}
	c.note(field)
	if !each {
		return leaf(field)
	}
	said, f := parseSelectors(name, at)
	if f != nil {
		return nil, f
	}
	field.Name = said[0].said // the other names may be a pipeline's
	return c.steps(field, quant, rest, at, leaf)
}

// note keeps a field for the list of those that the rule reads.
func (c *compiler) note(f query.Field) {
	if _, seen := c.fields[f.Name]; seen {
		return
	}
	if c.fields == nil {
		c.fields = map[string]query.Field{}
	}
	c.fields[f.Name] = f
	c.order = append(c.order, f.Name)
}

// steps asks for members of field, and what the further steps and leaf ask of each.
func (c *compiler) steps(field query.Field, quant query.Quant, rest []step, at query.Span, leaf func(query.Field) (query.Expr, *fault)) (query.Expr, *fault) {
	member := query.Field{Paths: []slot.Path{{Fold: c.fold}}}
	if len(rest) > 0 {
		member.Name, member.Paths[0].Segs = rest[0].said, rest[0].segs
	}
	var where query.Expr
	var f *fault
	if len(rest) > 0 && rest[0].each {
		where, f = c.steps(member, rest[0].quant, rest[1:], at, leaf)
	} else {
		where, f = leaf(member)
	}
	if f != nil {
		return nil, f
	}
	return &query.Each{Field: field, Quant: quant, Where: where, Span: at}, nil
}

func (c *compiler) block(b *block) (query.Expr, *fault) {
	if _, bags := splitBags(b.fields, b.field); len(bags) > 0 {
		return nil, faultAt(b.at, "name the field without selectors", "%q stands in a list of named values, which has no members to select", b.field)
	}
	return c.within(b.field, b.fields, true, b.at, func(member query.Field) (query.Expr, *fault) {
		inner := &compiler{fold: c.fold, clause: c.clause, nodes: c.nodes}
		e, f := inner.compile(b.body)
		c.nodes = inner.nodes
		return e, f
	})
}

func (c *compiler) item(it *item) (query.Expr, *fault) {
	if !it.keyword {
		return c.field(it)
	}
	e, f := c.values(it, query.Field{})
	return it.sign(e), f
}

// sign is what the item says of a field in which its values ask for e: under neq the
// opposite. A selector goes before it: it chooses the members that are asked.
func (it *item) sign(e query.Expr) query.Expr {
	if it.negated && e != nil {
		return &query.Not{X: e}
	}
	return e
}

// values asks for the values of an item in a field: for one of them, or for all.
func (c *compiler) values(it *item, field query.Field) (query.Expr, *fault) {
	if it.all && len(it.values) > 1 {
		list := make([]query.Expr, 0, len(it.values))
		for _, v := range it.values {
			e, f := c.anyOf(it, []value{v}, field)
			if f != nil {
				return nil, f
			}
			list = append(list, e)
		}
		return and(list), nil
	}
	return c.anyOf(it, it.values, field)
}

// anyOf makes one predicate for every operator that the values need.
func (c *compiler) anyOf(it *item, values []value, field query.Field) (query.Expr, *fault) {
	var list []query.Expr
	preds := map[predKind]*query.Pred{}
	add := func(op query.Op, fold bool, at query.Span, arg query.Arg) {
		kind := predKind{op, fold}
		p := preds[kind]
		if p == nil {
			p = c.pred(it, field, op, fold, at)
			preds[kind] = p
			list = append(list, p)
		}
		p.Args = append(p.Args, arg)
		c.nodes++
	}
	for _, v := range flatten(values) {
		if c.nodes >= maxExpr {
			return nil, faultAt(it.at, "name search identifiers fewer times in the condition, or split the rule", "the rule asks for more than %d values", maxExpr)
		}
		switch v.kind {
		case valueStr:
			if f := c.str(v, it.keyword, add); f != nil {
				return nil, f
			}
		case valueNum:
			if it.keyword {
				add(query.Keyword, true, v.at, query.Arg{Text: v.shown})
			} else {
				add(query.Eq, true, v.at, query.Arg{Text: v.text, Shown: v.shown, Number: true, Num: v.num})
			}
		case valueBool:
			op := query.Eq
			if it.keyword {
				op = query.Keyword
			}
			add(op, true, v.at, query.Arg{Text: truthText(v.truth), Bool: v.truth})
		case valueNull:
			add(query.IsNull, false, v.at, query.Arg{Shown: "null"})
		case valueRegex:
			re, f := regexOf(v)
			if f != nil {
				return nil, f
			}
			if it.keyword { // the compact JSON of the record
				field = query.Field{Name: "record", Paths: []slot.Path{{}}}
			}
			add(query.Regex, false, v.at, query.Arg{Text: v.str.String(), Shown: v.shown, Regexp: re})
		case valueCIDR:
			if v.str.has(partHole) {
				return nil, holeFault(v)
			}
			if !v.net.IsValid() {
				x, f := parseNet(v)
				if f != nil {
					return nil, f
				}
				v = x
			}
			add(query.CIDR, false, v.at, query.Arg{Text: v.net.String(), Net: v.net})
		case valueExists:
			add(query.Exists, false, v.at, query.Arg{Text: truthText(v.truth), Bool: v.truth})
		case valueCompare:
			add(v.cmp, false, v.at, query.Arg{Text: v.text, Shown: v.shown, Num: v.num})
		case valueTime:
			add(query.TimePart, false, v.at, query.Arg{Text: v.text, Shown: v.shown, Num: v.num, Unit: v.unit, Cmp: v.cmp})
		case valueRef:
			c.nodes++
			e, f := c.ref(it, field, v)
			if f != nil {
				return nil, f
			}
			list = append(list, e)
		}
	}
	return or(list), nil
}

type predKind struct {
	op   query.Op
	fold bool
}

func (c *compiler) pred(it *item, field query.Field, op query.Op, fold bool, at query.Span) *query.Pred {
	return &query.Pred{Field: field, Op: op, Fold: fold, OpName: opName(it, op), Clause: c.clause, Span: at}
}

// opName is the operator in the words of the rule: its modifiers, or what a value
// without modifiers means.
func opName(it *item, op query.Op) string {
	var mods []string
	for _, m := range it.mods {
		if m != "all" && m != "neq" && m != "expand" {
			mods = append(mods, m)
		}
	}
	switch {
	case len(mods) > 0:
		return strings.Join(mods, "|")
	case op == query.Keyword:
		return "keyword"
	case op == query.IsNull:
		return "is null"
	case op == query.Eq:
		return "equals"
	}
	return "matches"
}

func flatten(values []value) []value {
	if !slices.ContainsFunc(values, func(v value) bool { return v.kind == valueExpansion }) {
		return values
	}
	var out []value
	for _, v := range values {
		if v.kind == valueExpansion {
			out = append(out, flatten(v.each)...)
		} else {
			out = append(out, v)
		}
	}
	return out
}

func holeFault(v value) *fault {
	for _, p := range v.str.parts {
		if p.kind == partHole {
			return faultAt(v.at, "give its values under placeholders."+p.text+" in the configuration", "placeholder %%%s%% has no value", p.text)
		}
	}
	return nil
}

// dashesWritten bounds the combinations of windash that are written out: up to
// three dashes. More become a regular expression.
const dashesWritten = 5 * 5 * 5

// str asks for a text, by the plainest operator that does.
func (c *compiler) str(v value, keyword bool, add func(query.Op, bool, query.Span, query.Arg)) *fault {
	if f := holeFault(v); f != nil {
		return f
	}
	for _, p := range v.str.parts {
		if !utf8.ValidString(p.text) {
			return faultAt(v.at, "follow it with base64 or base64offset", "UTF-16 of %q is not text that a log can hold", v.shown)
		}
	}
	fold := !v.str.cased
	if v.str.has(partDash) {
		list, ok := v.str.variants()
		if !ok || len(list) > dashesWritten {
			if keyword {
				return faultAt(v.at, "split the keyword", "more than three dashes under windash in a keyword")
			}
			re, err := v.str.regexp(fold)
			if err != nil {
				return faultAt(v.at, "", "%v", err)
			}
			add(query.Regex, false, v.at, query.Arg{Text: v.str.String(), Shown: v.shown, Regexp: re})
			return nil
		}
		for _, s := range list {
			x := v
			x.str = s
			if f := c.str(x, keyword, add); f != nil {
				return f
			}
		}
		return nil
	}
	op, arg := textArg(v.str)
	arg.Shown = v.shown
	if keyword {
		op = query.Keyword
		s := v.str.with([]part{{kind: partStar}}, []part{{kind: partStar}})
		if len(s.parts) == 3 && s.parts[1].kind == partText {
			arg.Text, arg.Pattern = s.parts[1].text, nil
		} else {
			arg.Text, arg.Pattern = v.str.String(), s.pattern()
		}
	}
	if arg.Shown == arg.Text {
		arg.Shown = ""
	}
	add(op, fold, v.at, arg)
	return nil
}

// textArg chooses the operator for a text with wildcards.
func textArg(s str) (query.Op, query.Arg) {
	kinds := make([]partKind, len(s.parts))
	for i, p := range s.parts {
		kinds[i] = p.kind
	}
	switch {
	case len(kinds) == 0:
		return query.Eq, query.Arg{}
	case slices.Equal(kinds, []partKind{partText}):
		return query.Eq, query.Arg{Text: s.parts[0].text}
	case slices.Equal(kinds, []partKind{partText, partStar}):
		return query.Prefix, query.Arg{Text: s.parts[0].text}
	case slices.Equal(kinds, []partKind{partStar, partText}):
		return query.Suffix, query.Arg{Text: s.parts[1].text}
	case slices.Equal(kinds, []partKind{partStar, partText, partStar}):
		return query.Contains, query.Arg{Text: s.parts[1].text}
	}
	return query.Glob, query.Arg{Text: s.String(), Pattern: s.pattern()}
}

func regexOf(v value) (*regexp.Regexp, *fault) {
	if f := holeFault(v); f != nil {
		return nil, f
	}
	re, err := compileRegex(v.str.String(), v.flags, v.prefix, v.suffix)
	if err != nil {
		return nil, faultAt(v.at, "write it without, or as contains, startswith and endswith", "regular expression %s: %v", quoted(v.shown), err)
	}
	return re, nil
}

// ref compares with another field.
func (c *compiler) ref(it *item, field query.Field, v value) (query.Expr, *fault) {
	op := query.Eq
	switch {
	case v.prefix && v.suffix:
		op = query.Contains
	case v.prefix:
		op = query.Prefix
	case v.suffix:
		op = query.Suffix
	}
	p := c.pred(it, field, op, !v.cased, v.at)
	p.Args = nil
	plain, bags := splitBags(v.refs, v.text)
	if len(bags) == 0 || len(plain) > 0 {
		paths, each, _, _, f := c.paths(plain, it.arrays, v.at)
		if f != nil {
			return nil, f
		}
		if each {
			return nil, faultAt(v.at, "refer to a field without selectors", "the referenced field %q selects array members", v.text)
		}
		p.Ref = &query.Field{Name: v.text, Paths: paths}
	}
	if len(bags) > 0 {
		other := fieldOf(v.text, plain, bags, c.fold)
		p.Ref = &other
	}
	c.note(*p.Ref)
	return p, nil
}
