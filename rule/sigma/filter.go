package sigma

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/query"
)

// reference names a rule, with its place.
type reference struct {
	name string
	at   query.Span
}

// readFilter reads a filter document: its detections, joined with the rules that
// it names.
func (l *loader) readFilter(d *document) *fault {
	n := get(d.node, "filter")
	if n.Kind != yaml.MappingNode {
		return faultNode(n, "write rules, search identifiers and a condition", "filter is not a map")
	}
	var f *fault
	if d.logsource, f = readLogsource(d.node); f != nil {
		return f
	}
	rules := get(n, "rules")
	if rules == nil || isNull(rules) {
		return faultNode(n, "write rules: any, or ids or names of rules", "the filter names no rules")
	}
	if refs := references(rules); len(refs) != size(rules) || rules.Kind == yaml.MappingNode {
		return faultNode(rules, "write rules: any, or ids or names of rules", "the rules of the filter are not a list of names")
	}
	r := &reader{arrays: d.arrays, placeholders: l.opts.Placeholders}
	if d.det, f = r.detections(n, "filter", "rules"); f != nil {
		return f
	}
	if len(d.det.conditions) != 1 {
		return faultNode(get(n, "condition"), "join them with or", "a filter has one condition")
	}
	for _, w := range append(r.warnings, logsourceWarnings(d.node)...) {
		l.warn(d, w)
	}
	if c := d.det.conditions[0]; !d.takesOut(c.expr) {
		// The specification's own example reads as if it took out what it selects.
		l.warn(d, faultAt(c.at, "write not before it to take out what it matches", "the filter keeps only what its condition matches: the rules say nothing of the rest"))
	}
	return nil
}

// takesOut says whether a filter's condition holds for what something does not match.
func (d *document) takesOut(x cond) bool {
	switch x := x.(type) {
	case condAnd:
		return slices.ContainsFunc(x, d.takesOut)
	case condOr:
		return slices.ContainsFunc(x, d.takesOut)
	case condNot:
		return true
	case condOf:
		return slices.ContainsFunc(x.names, func(n string) bool { return d.takesOut(condName(n)) })
	case condName:
		found := false
		walk(d.det.byName[string(x)], true, func(it *item) {
			found = found || it.negated || slices.ContainsFunc(it.values, func(v value) bool {
				return v.kind == valueNull || v.kind == valueExists && !v.truth
			})
		})
		return found
	}
	return false
}

// filter joins every filter with its rules.
func (l *loader) filter() {
	for _, d := range l.filters {
		n := get(get(d.node, "filter"), "rules")
		if everyRule(n) {
			found := false
			for _, x := range l.docs {
				if x.det != nil && within(x.logsource, d.logsource) {
					x.join(d)
					found = true
				}
			}
			if !found {
				l.warn(d, faultNode(n, "load the files of the rules too", "no rule of the logsource %s is loaded: the filter changes nothing", d.logsource))
			}
			continue
		}
		for _, ref := range references(n) {
			found := l.find(ref.name)
			if len(found) == 0 {
				_, f := l.refers(ref.name, ref.at)
				l.warn(d, f)
			}
			for _, x := range found {
				switch {
				case x.det == nil:
					l.warn(d, faultAt(ref.at, "name the rules that it is built on", "%q is a correlation; filters are for rules", ref.name))
				case !within(x.logsource, d.logsource):
					l.warn(d, faultAt(ref.at, "give the filter the logsource of the rule", "%q is of another logsource (%s)", ref.name, x.logsource))
				default:
					x.join(d)
				}
			}
		}
	}
}

// everyRule says whether a filter is for all rules of its logsource.
func everyRule(n *yaml.Node) bool {
	if n.Kind == yaml.SequenceNode {
		return len(n.Content) == 0 || len(n.Content) == 1 && everyRule(n.Content[0])
	}
	return n.Kind == yaml.ScalarNode && (strings.EqualFold(n.Value, "any") || strings.EqualFold(n.Value, "all"))
}

// references reads one reference or a list of them.
func references(n *yaml.Node) []reference {
	if n == nil {
		return nil
	}
	list := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		list = n.Content
	}
	var out []reference
	for _, x := range list {
		if x.Kind == yaml.ScalarNode && !isNull(x) && x.Value != "" {
			out = append(out, reference{x.Value, spanOf(x)})
		}
	}
	return out
}

// within says whether a logsource is what of says, or more special.
func within(l, of logsource) bool {
	part := func(of, have string) bool { return of == "" || strings.EqualFold(of, have) }
	return part(of.category, l.category) && part(of.product, l.product) && part(of.service, l.service)
}

// join adds a filter to a rule: its conditions hold only when the filter's holds too.
func (d *document) join(filter *document) {
	d.proven = d.proven && filter.proven
	copied := filter.det.clone()
	rename := map[string]string{}
	for _, name := range copied.names {
		to := filter.label() + "." + name
		for d.det.byName[to] != nil {
			to += "'"
		}
		rename[name] = to
		d.det.add(to, copied.byName[name])
	}
	added := renamed(copied.conditions[0].expr, rename)
	d.det.conditions = slices.Clone(d.det.conditions)
	for i := range d.det.conditions {
		x := &d.det.conditions[i].expr
		if list, ok := (*x).(condAnd); ok { // a thousand filters nest no deeper than one
			*x = append(slices.Clip(list), added)
		} else {
			*x = condAnd{*x, added}
		}
	}
}

// renamed puts other names into a condition.
func renamed(x cond, to map[string]string) cond {
	list := func(in []cond) []cond {
		out := make([]cond, len(in))
		for i, y := range in {
			out[i] = renamed(y, to)
		}
		return out
	}
	switch x := x.(type) {
	case condAnd:
		return condAnd(list(x))
	case condOr:
		return condOr(list(x))
	case condNot:
		return condNot{renamed(x.x, to)}
	case condName:
		return condName(to[string(x)])
	case condOf:
		names := make([]string, len(x.names))
		for i, n := range x.names {
			names[i] = to[n]
		}
		return condOf{x.count, names}
	}
	return x
}
