package sigma

import (
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/slot"
)

// bind resolves the rules of a correlation, those it is built on first.
func (l *loader) bind(c *correlation, all map[*document]*correlation) {
	if c.state != unbound {
		return
	}
	c.state = binding
	f := l.bindRules(c, all)
	if f == nil {
		f = l.makeCorrelation(c)
	}
	if f != nil {
		c.state, c.bases, c.doc.rule = failed, nil, nil
		l.refuse(c.doc, f)
		return
	}
	c.state = bound
}

func (l *loader) bindRules(c *correlation, all map[*document]*correlation) *fault {
	if len(c.refs) == 0 {
		c.refs = condNames(c.condText)
	}
	for _, ref := range c.refs {
		d, f := l.refers(ref.name, ref.at)
		if f != nil {
			return f
		}
		if d == c.doc {
			return faultAt(ref.at, "", "the correlation refers to itself")
		}
		if inner := all[d]; inner != nil {
			l.bind(inner, all)
			switch inner.state {
			case binding:
				return faultAt(ref.at, "", "the correlations %q and %q refer to each other", c.doc.label(), d.label())
			case failed:
				return faultAt(ref.at, "mend that rule first", "the rule %q was refused (%s:%d)", ref.name, d.file, d.at.Line)
			}
		}
		if slices.Contains(c.bases, d) {
			return faultAt(ref.at, "name it once", "the correlation names the rule %q twice", d.label())
		}
		c.bases = append(c.bases, d)
	}
	return nil
}

// condNames lists the names of an extended condition that has no list of rules.
func condNames(n *yaml.Node) []reference {
	var out []reference
	for _, w := range strings.FieldsFunc(n.Value, func(r rune) bool { return strings.ContainsRune(" \t\r\n()", r) }) {
		switch strings.ToLower(w) {
		case "and", "or", "not":
			continue
		}
		if !slices.ContainsFunc(out, func(o reference) bool { return o.name == w }) {
			out = append(out, reference{w, spanOf(n)})
		}
	}
	return out
}

// makeCorrelation makes the rule of a correlation whose base rules stand.
func (l *loader) makeCorrelation(c *correlation) *fault {
	r := c.doc.newRule()
	out := &rule.Correlation{Type: c.kind, Timespan: c.timespan, Bounds: c.bounds, Percentile: c.percent}
	for _, g := range c.groupBy {
		out.GroupBy = append(out.GroupBy, g.name)
	}
	for _, x := range c.fields {
		out.Fields = append(out.Fields, x.name)
	}
	for i, ref := range c.refs {
		out.Rules = append(out.Rules, c.bases[i].rule)
		out.RuleNames = append(out.RuleNames, ref.name)
	}
	switch {
	case c.condText != nil:
		if f := c.extended(out); f != nil {
			return f
		}
	case c.temporal() && len(c.bounds) > 0:
		if f := c.counted(out); f != nil {
			return f
		}
	}
	var f *fault
	if c.owners, f = l.aliasOwners(c); f != nil {
		return f
	}
	for i := range c.bases {
		var at rule.BaseCapture
		for _, g := range c.groupBy {
			k, f := c.capture(i, g)
			if f != nil {
				return f
			}
			at.Group = append(at.Group, k)
		}
		for _, x := range c.fields {
			k, f := c.capture(i, x)
			if f != nil {
				return f
			}
			if inner := c.bases[i].rule.Correlation; inner != nil && c.kind != rule.ValueCount && k >= len(inner.GroupBy) {
				return faultAt(x.at, "add it to the group-by of that correlation, or count the values", "the correlation %q does not group by %q: its findings have no one number there", c.bases[i].label(), x.name)
			}
			at.Values = append(at.Values, k)
		}
		out.Base = append(out.Base, at)
	}
	if f := l.sideCar(c.doc, r); f != nil {
		return f
	}
	if f := checkSideCar(c, r); f != nil {
		return f
	}
	r.Correlation = out
	r.Formats = formatsOf(out.Rules)
	c.doc.rule = r
	return nil
}

// extended reads a condition over rules: `a and not b`. Each rule is asked for as
// a field of its name that must exist.
func (c *correlation) extended(out *rule.Correlation) *fault {
	names := slices.Clone(out.RuleNames)
	index := map[string]int{}
	for i, n := range out.RuleNames {
		if _, ok := index[n]; !ok {
			index[n] = i
		}
	}
	for i, d := range c.bases {
		for _, n := range []string{d.meta.name, d.meta.id, d.meta.title} {
			if _, ok := index[n]; !ok && n != "" {
				index[n] = i
				names = append(names, n)
			}
		}
	}
	x, f := parseExtended(c.condText, "rule of the correlation", names)
	if f != nil {
		return f
	}
	used := map[int]bool{}
	var build func(x cond) query.Expr
	list := func(in []cond) []query.Expr {
		exprs := make([]query.Expr, len(in))
		for i, y := range in {
			exprs[i] = build(y)
		}
		return exprs
	}
	build = func(x cond) query.Expr {
		switch x := x.(type) {
		case condAnd:
			return and(list(x))
		case condOr:
			return or(list(x))
		case condNot:
			return &query.Not{X: build(x.x)}
		case condName:
			i := index[string(x)]
			used[i] = true
			return c.matched(out.RuleNames[i])
		}
		return query.Const(false)
	}
	out.Condition = build(x)
	if f := checkOccurs(out.Condition, spanOf(c.condText)); f != nil {
		return f
	}
	for i, n := range out.RuleNames {
		if !used[i] && index[n] == i {
			return faultAt(c.refs[i].at, "name it in the condition, or take it from the list", "the condition does not name the rule %q", n)
		}
	}
	return nil
}

// matched asks whether a base rule matched in the window.
func (c *correlation) matched(name string) query.Expr {
	return &query.Pred{Field: query.Field{Name: name}, Op: query.Exists, Args: []query.Arg{{Bool: true}}, OpName: "matched", Span: spanOf(get(c.node, "condition"))}
}

// counted makes a condition of how many of the rules must match: {gte: 2}.
func (c *correlation) counted(out *rule.Correlation) *fault {
	var list []query.Expr
	var seen []*rule.Rule
	for i, r := range out.Rules {
		if !slices.Contains(seen, r) {
			seen = append(seen, r)
			list = append(list, c.matched(out.RuleNames[i]))
		}
	}
	at := spanOf(get(c.node, "condition"))
	var wrong error
	least := func(n float64) query.Expr {
		switch {
		case n <= 0:
			return query.Const(true)
		case n > float64(len(list)):
			return query.Const(false)
		}
		e, err := atLeast(int(n), list)
		if err != nil {
			wrong = err
		}
		return e
	}
	var terms []query.Expr
	for _, b := range c.bounds {
		next := math.Floor(b.Value) + 1
		switch whole := math.Ceil(b.Value); b.Op {
		case "gte":
			terms = append(terms, least(whole))
		case "gt":
			terms = append(terms, least(next))
		case "lt":
			terms = append(terms, &query.Not{X: least(whole)})
		case "lte":
			terms = append(terms, &query.Not{X: least(next)})
		case "eq":
			terms = append(terms, least(b.Value), &query.Not{X: least(next)})
		case "neq":
			terms = append(terms, &query.Or{X: []query.Expr{&query.Not{X: least(b.Value)}, least(next)}})
		}
	}
	if wrong != nil {
		return faultAt(at, "write a condition over the rules", "%v", wrong)
	}
	out.Bounds, out.Condition = nil, and(terms)
	if len(c.bounds) == 1 && c.bounds[0].Op == "gte" && c.bounds[0].Value == float64(len(list)) {
		out.Condition = nil // every rule must match: what a window without condition asks
	}
	return checkOccurs(out.Condition, at)
}

// checkOccurs refuses a condition that no event is needed for, or that no event can meet.
func checkOccurs(e query.Expr, at query.Span) *fault {
	var eval func(e query.Expr, occurred bool) (held, certain bool)
	eval = func(e query.Expr, occurred bool) (bool, bool) {
		switch e := e.(type) {
		case query.Const:
			return bool(e), true
		case *query.Not:
			held, certain := eval(e.X, occurred)
			return !held, certain
		case *query.And, *query.Or:
			list, all := []query.Expr(nil), true
			if o, ok := e.(*query.Or); ok {
				list, all = o.X, false
			} else {
				list = e.(*query.And).X
			}
			result, sure := all, true
			for _, x := range list {
				held, certain := eval(x, occurred)
				if held != all {
					result = !all
					if certain {
						return !all, true
					}
				}
				sure = sure && certain
			}
			return result, sure
		}
		return occurred, false
	}
	if e == nil {
		return nil
	}
	if held, _ := eval(e, false); held {
		return faultAt(at, "name a rule that must match, or give a lower bound", "the condition holds without any event")
	}
	if held, certain := eval(e, true); !held && certain {
		return faultAt(at, "ask for fewer rules", "the condition can never hold")
	}
	return nil
}

// checkSideCar compares the side-car of a correlation with what its findings carry.
func checkSideCar(c *correlation, r *rule.Rule) *fault {
	at := spanOf(get(c.doc.node, "yagura"))
	for _, entry := range r.SideCar.CauseKey {
		_, name := rule.CausePart(entry)
		if !slices.Contains(rule.HeaderWords(), name) && !c.groups(name) {
			return faultAt(at, "name group-by fields, or words such as account", "cause_key names %q, which the correlation does not group by", name)
		}
	}
	if r.SideCar.Entries != nil || r.SideCar.CauseAlias != nil {
		return faultAt(at, "give them to the base rules", "entries and cause_alias are of rules that judge one record, not of a correlation")
	}
	for _, x := range r.SideCar.Entities {
		if !c.groups(x.Field) {
			return faultAt(at, "name group-by fields", "entities names %q, which the correlation does not group by", x.Field)
		}
	}
	return nil
}

// aliasOwners resolves the rules that aliases name.
func (l *loader) aliasOwners(c *correlation) (map[*document]map[string]string, *fault) {
	out := map[*document]map[string]string{}
	for _, a := range c.aliases {
		for _, of := range a.of {
			d, f := l.refers(of.rule.name, of.rule.at)
			if f != nil {
				return nil, f
			}
			if !slices.Contains(c.bases, d) {
				return nil, faultAt(of.rule.at, "", "the alias %q names the rule %q, which the correlation does not refer to", a.name, of.rule.name)
			}
			if out[d] == nil {
				out[d] = map[string]string{}
			}
			out[d][a.name] = of.field
		}
		for _, d := range c.bases {
			if out[d][a.name] == "" {
				return nil, faultAt(a.at, "write the field of every rule", "the alias %q has no field for the rule %q", a.name, d.label())
			}
		}
	}
	return out, nil
}

// capture makes base rule number i hand on a field and returns where it stands: among
// the captures of a rule; of a correlation among its group-by fields, or behind them
// among those that its findings carry from their events.
func (c *correlation) capture(i int, field reference) (int, *fault) {
	base := c.bases[i]
	name := field.name
	if to := c.owners[base][name]; to != "" {
		name = to
	}
	if inner := base.rule.Correlation; inner != nil {
		if k := slices.Index(inner.GroupBy, name); k >= 0 {
			return k, nil
		}
		k := slices.Index(inner.Carry, name)
		if k < 0 {
			var at []int
			for j := range base.corr.bases {
				x, f := base.corr.capture(j, reference{name, field.at})
				if f != nil {
					return 0, f
				}
				at = append(at, x)
			}
			k = len(inner.Carry)
			inner.Carry = append(inner.Carry, name)
			for j, x := range at {
				inner.Base[j].Carry = append(inner.Base[j].Carry, x)
			}
		}
		return len(inner.GroupBy) + k, nil
	}
	r := base.rule
	for k, f := range r.Captures {
		if f.Name == name {
			return k, nil
		}
	}
	captured, f := base.captured(name, field.at, c.doc.arrays)
	if f != nil {
		return 0, f
	}
	r.Captures = append(r.Captures, captured)
	return len(r.Captures) - 1, nil
}

// captured is a field of the events of a rule, by the name that a correlation gives it.
func (d *document) captured(name string, at query.Span, arrays bool) (query.Field, *fault) {
	arrays = arrays || d.arrays
	places := d.mapped(name, arrays)
	if field, ok := permissionField(name, places, d.folds()); ok {
		return field, nil
	}
	plain, bags := splitBags(places, name)
	if !arrays {
		return fieldOf(name, plain, bags, d.folds()), nil
	}
	if _, rest := splitSelector(name); rest != "" && len(bags) > 0 {
		return query.Field{}, faultAt(at, "name the field without selectors", "%q stands in a list of named values, which has no members to select", name)
	}
	var found [][]slot.Seg
	for _, n := range plain {
		steps, f := parseSelectors(n, at)
		if f != nil {
			return query.Field{}, f
		}
		var segs []slot.Seg
		for _, s := range steps {
			if s.each && s.quant != query.EachAny {
				return query.Field{}, faultAt(at, "name it with [any], a number, or without selectors", "%q asks all members at once, which gives no value", n)
			}
			segs = append(segs, s.segs...)
		}
		found = append(found, segs)
	}
	return fieldAt(name, found, bags, d.folds()), nil
}

// formatsOf joins the formats of rules; nil when one judges every format.
func formatsOf(rules []*rule.Rule) []string {
	out := []string{}
	for _, r := range rules {
		if r.Formats == nil {
			return nil
		}
		for _, f := range r.Formats {
			if !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	}
	return out
}
