package sigma

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// logsource says what a rule is meant for.
type logsource struct{ category, product, service string }

func (l logsource) String() string {
	var out []string
	for _, s := range []string{l.product, l.service, l.category} {
		if s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, "/")
}

// logsourceMatch tests a logsource for the parts that are given, without regard to
// case: the specification writes the names in lower case, and the rules that do not
// mean the same logs. A part given as an empty text must be missing, which pySigma
// never finds: so "a rule that names no service" can be said.
func logsourceMatch(p *params) func(logsource) bool {
	var tests []func(logsource) bool
	for _, key := range []string{"category", "product", "service"} {
		n := p.get(key)
		if n == nil || isNull(n) {
			continue
		}
		if n.Kind != yaml.ScalarNode {
			p.r.refuse(n, "write one name", "%q is not text", key)
		}
		want := n.Value
		tests = append(tests, func(l logsource) bool {
			switch key {
			case "category":
				return strings.EqualFold(l.category, want)
			case "product":
				return strings.EqualFold(l.product, want)
			}
			return strings.EqualFold(l.service, want)
		})
	}
	if len(tests) == 0 {
		p.r.refuse(p.n, "write category, product or service", "a condition on the logsource that asks for nothing")
	}
	return func(l logsource) bool {
		return !slices.ContainsFunc(tests, func(t func(logsource) bool) bool { return !t(l) })
	}
}

// ruleCondition reads a condition on a rule.
func ruleCondition(p *params, kind string) func(*document) bool {
	switch kind {
	case "logsource":
		match := logsourceMatch(p)
		return func(d *document) bool { return match(d.logsource) }
	case "contains_field":
		field := p.text("field")
		return func(d *document) bool {
			found := false
			d.walk(func(it *item) { found = found || !it.keyword && slices.Contains(it.fields, field) })
			return found
		}
	case "contains_detection_item":
		field, want := p.text("field"), p.text("value")
		return func(d *document) bool {
			found := false
			d.walk(func(it *item) {
				found = found || !it.keyword && slices.Contains(it.fields, field) &&
					slices.ContainsFunc(it.values, func(v value) bool { return valueText(v) == want })
			})
			return found
		}
	case "processing_item_applied":
		id := p.text("processing_item_id")
		return func(d *document) bool { return d.pass.applied[id] }
	case "processing_state":
		test := stateCondition(p)
		return func(d *document) bool { return test(d) }
	case "is_sigma_rule":
		return func(*document) bool { return true }
	case "is_sigma_correlation_rule":
		return func(*document) bool { return false } // a correlation is mapped through its base rules
	case "rule_attribute":
		return attributeCondition(p)
	case "tag":
		tag := strings.ToLower(p.text("tag"))
		return func(d *document) bool {
			return slices.ContainsFunc(d.meta.tags, func(t string) bool { return strings.ToLower(t) == tag })
		}
	}
	return nil
}

func valueText(v value) string {
	switch v.kind {
	case valueStr:
		return v.str.String()
	case valueBool:
		return truthText(v.truth)
	case valueNum:
		return v.text
	}
	return v.shown
}

func stateCondition(p *params) func(*document) bool {
	key, want, op := p.text("key"), p.text("val"), p.optional("op")
	if op != "" && op != "eq" && op != "ne" {
		p.r.refuse(p.n, "write eq or ne", "operator %q of processing_state", op)
	}
	return func(d *document) bool {
		have, ok := d.pass.state[key]
		return (ok && have == want) != (op == "ne")
	}
}

var levels = []string{"informational", "low", "medium", "high", "critical"}

// attributeCondition compares an attribute of a rule.
func attributeCondition(p *params) func(*document) bool {
	name, want, op := p.text("attribute"), p.text("value"), p.optional("op")
	if op == "" {
		op = "eq"
	}
	if !slices.Contains([]string{"eq", "ne", "gte", "gt", "lte", "lt", "in", "not_in"}, op) {
		p.r.refuse(p.n, "write eq, ne, gt, gte, lt, lte, in or not_in", "operator %q of rule_attribute", op)
	}
	return func(d *document) bool {
		list, ok := d.attributes[name]
		if n := get(d.node, name); n != nil {
			list, ok = texts(n), true
		}
		if !ok {
			return false
		}
		if op == "in" || op == "not_in" {
			return slices.Contains(list, want) == (op == "in")
		}
		if len(list) != 1 {
			return op == "ne"
		}
		have := list[0]
		order := strings.Compare(have, want)
		if a, b := slices.Index(levels, have), slices.Index(levels, want); name == "level" && a >= 0 && b >= 0 {
			order = a - b
		} else if x, err := strconv.ParseFloat(have, 64); err == nil {
			if y, err := strconv.ParseFloat(want, 64); err == nil {
				order = 0
				if x < y {
					order = -1
				} else if x > y {
					order = 1
				}
			}
		}
		switch op {
		case "eq":
			return strings.EqualFold(have, want)
		case "ne":
			return !strings.EqualFold(have, want)
		case "gt":
			return order > 0
		case "gte":
			return order >= 0
		case "lt":
			return order < 0
		}
		return order <= 0
	}
}

// itemCondition reads a condition on the values of an item.
func itemCondition(p *params, kind string) func(*item) bool {
	all := func(test func(value) bool) func(*item) bool {
		mode := p.optional("cond")
		if mode != "any" && mode != "all" && mode != "" {
			p.r.refuse(p.n, "write any or all", "cond %q", mode)
		}
		return func(it *item) bool {
			values := flatten(it.values)
			if mode == "all" {
				return !slices.ContainsFunc(values, func(v value) bool { return !test(v) })
			}
			return slices.ContainsFunc(values, test)
		}
	}
	switch kind {
	case "match_string":
		re, negate := p.pattern(p.text("pattern")), p.flag("negate")
		return all(func(v value) bool { return (v.kind == valueStr && re.MatchString(v.str.String())) != negate })
	case "match_value":
		want := p.text("value")
		return all(func(v value) bool { return valueText(v) == want })
	case "contains_wildcard":
		return all(func(v value) bool { return v.kind == valueStr && v.str.has(partStar, partMark) })
	case "is_null":
		return all(func(v value) bool { return v.kind == valueNull })
	case "processing_item_applied":
		id := p.text("processing_item_id")
		return func(it *item) bool { return it.applied[id] }
	case "processing_state":
		test := stateCondition(p)
		return func(it *item) bool { return it.doc != nil && test(it.doc) }
	}
	return nil
}

// nameCondition reads a condition on a field's name.
func nameCondition(p *params, kind string) func(fieldName) bool {
	switch kind {
	case "include_fields", "exclude_fields":
		fields, mode := p.texts("fields"), p.optional("mode")
		match := func(f fieldName) bool {
			if f.doc != nil && f.doc.folds() {
				return slices.ContainsFunc(fields, func(x string) bool { return strings.EqualFold(x, f.name) })
			}
			return slices.Contains(fields, f.name)
		}
		switch mode {
		case "", "plain":
		case "re":
			var list []func(string) bool
			for _, f := range fields {
				list = append(list, p.pattern(f).MatchString)
			}
			match = func(f fieldName) bool {
				return slices.ContainsFunc(list, func(m func(string) bool) bool { return m(f.name) })
			}
		default:
			p.r.refuse(p.n, "write plain or re", "mode %q", mode)
		}
		if kind == "include_fields" {
			return match
		}
		return func(f fieldName) bool { return !match(f) }
	case "processing_item_applied":
		id := p.text("processing_item_id")
		return func(f fieldName) bool { return f.item != nil && f.item.applied[id] }
	case "processing_state":
		test := stateCondition(p)
		return func(f fieldName) bool { return f.doc != nil && test(f.doc) }
	}
	return nil
}
