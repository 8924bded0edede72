package sigma

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// correlationTypes maps every name of a type; extended says that the name asks for
// a condition over rules.
var correlationTypes = map[string]struct {
	kind     rule.CorrelationType
	extended bool
}{
	"event_count": {rule.EventCount, false}, "value_count": {rule.ValueCount, false}, "value_sum": {rule.ValueSum, false},
	"value_avg": {rule.ValueAvg, false}, "value_percentile": {rule.ValuePercentile, false}, "value_median": {rule.ValueMedian, false},
	"temporal": {rule.Temporal, false}, "temporal_ordered": {rule.TemporalOrdered, false}, "ordered_temporal": {rule.TemporalOrdered, false},
	"temporal_extended": {rule.Temporal, true}, "temporal_ordered_extended": {rule.TemporalOrdered, true},
}

var correlationKeys = []string{"type", "rules", "group-by", "timespan", "condition", "aliases", "generate"}

// correlation is a correlation on its way: read, then bound to its base rules.
type correlation struct {
	doc      *document
	node     *yaml.Node
	kind     rule.CorrelationType
	refs     []reference
	groupBy  []reference
	fields   []reference
	timespan time.Duration
	bounds   []rule.Bound
	percent  float64
	// condText is an extended condition.
	condText *yaml.Node
	aliases  []alias
	generate bool

	bases  []*document
	owners map[*document]map[string]string // by base rule: the field behind each alias
	state  bindState
}

type bindState uint8

const (
	unbound bindState = iota
	binding
	bound
	failed
)

// alias gives a field of the group another name in the events of each rule.
type alias struct {
	name string
	at   query.Span
	of   []aliasOf
}

type aliasOf struct {
	rule  reference
	field string
}

// correlate reads the correlations and binds them to their rules.
func (l *loader) correlate() {
	all := map[*document]*correlation{}
	var order []*correlation
	for _, d := range l.docs {
		if d.det != nil {
			continue
		}
		c, f := readCorrelation(d)
		if f != nil {
			l.refuse(d, f)
			continue
		}
		for _, w := range c.unusedAliases() {
			l.warn(d, w)
		}
		all[d], d.corr = c, c
		order = append(order, c)
	}
	// A refused correlation is found by its name still: it is in l.refused.
	l.docs = slices.DeleteFunc(l.docs, func(d *document) bool { return d.det == nil && all[d] == nil || d.det != nil && d.rule == nil })
	for _, c := range order {
		l.bind(c, all)
	}
	l.docs = slices.DeleteFunc(l.docs, func(d *document) bool { return d.rule == nil })
	generated := map[*rule.Rule]bool{}
	for _, c := range order {
		for _, b := range c.bases {
			if c.state == bound {
				b.rule.Silent = true
				generated[b.rule] = generated[b.rule] || c.generate
			}
		}
	}
	for r, yes := range generated {
		if yes {
			r.Silent = false
		}
	}
}

// readCorrelation reads a correlation without looking at its rules.
func readCorrelation(d *document) (*correlation, *fault) {
	n := get(d.node, "correlation")
	if n.Kind != yaml.MappingNode {
		return nil, faultNode(n, "write type, rules and timespan below it", "correlation is not a map")
	}
	c := &correlation{doc: d, node: n}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; !slices.Contains(correlationKeys, key.Value) {
			hint := nearest(key.Value, correlationKeys)
			if key.Value == "timeframe" { // the name of before Sigma 2
				hint = "did you mean timespan?"
			}
			return nil, faultNode(key, hint, "unknown key %q of a correlation", key.Value)
		}
	}
	t := get(n, "type")
	if t == nil {
		return nil, faultNode(n, "write type: event_count, value_count, temporal …", "the correlation has no type")
	}
	known, ok := correlationTypes[t.Value]
	if !ok {
		return nil, faultNode(t, nearest(t.Value, slices.Sorted(maps.Keys(correlationTypes))), "unknown correlation type %q", t.Value)
	}
	c.kind = known.kind
	steps := []func() *fault{c.readRules, c.readTimespan, c.readGroupBy, c.readAliases, c.readGenerate,
		func() *fault { return c.readCondition(known.extended) }}
	for _, step := range steps {
		if f := step(); f != nil {
			return nil, f
		}
	}
	return c, nil
}

func (c *correlation) temporal() bool {
	return c.kind == rule.Temporal || c.kind == rule.TemporalOrdered
}

func (c *correlation) readRules() *fault {
	n := get(c.node, "rules")
	c.refs = references(n)
	switch {
	case n == nil && c.temporal():
	case len(c.refs) == 0 || len(c.refs) != size(n):
		at := n
		if n == nil {
			at = c.node
		}
		return faultNode(at, "write rules: and ids, names or titles of rules", "the correlation names no rules")
	}
	return nil
}

var timespanForm = regexp.MustCompile(`^([0-9]{1,9})([a-zA-Z]+)$`)

func (c *correlation) readTimespan() *fault {
	n := get(c.node, "timespan")
	if n == nil {
		return faultNode(c.node, "write timespan: 5m", "the correlation has no timespan")
	}
	m := timespanForm.FindStringSubmatch(n.Value)
	if m == nil || n.Kind != yaml.ScalarNode {
		return faultNode(n, "write a number and s, m, h or d, such as 90m", "timespan %q", n.Value)
	}
	count, _ := strconv.Atoi(m[1]) // nine digits at most
	unit, ok := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[2]]
	if !ok {
		hint := map[string]string{"w": "write 7d for a week", "M": "write 30d for a month; minutes are m", "y": "write 365d for a year",
			"S": "write s", "H": "write h", "D": "write d", "min": "write m"}[m[2]]
		if hint == "" {
			hint = "units are s, m, h and d"
		}
		return faultNode(n, hint, "unknown unit in timespan %q", n.Value)
	}
	if count == 0 {
		return faultNode(n, "", "timespan %q is nothing", n.Value)
	}
	if int64(count) > math.MaxInt64/int64(unit) {
		return faultNode(n, "", "timespan %q is too long", n.Value)
	}
	c.timespan = time.Duration(count) * unit
	return nil
}

func (c *correlation) readGroupBy() *fault {
	n := get(c.node, "group-by")
	if n == nil || isNull(n) {
		return nil
	}
	c.groupBy = references(n)
	if len(c.groupBy) != size(n) {
		return faultNode(n, "write one field or a list of fields", "group-by is not a list of fields")
	}
	for i, g := range c.groupBy {
		if slices.ContainsFunc(c.groupBy[:i], func(o reference) bool { return o.name == g.name }) {
			return faultAt(g.at, "", "group-by names %q twice", g.name)
		}
	}
	return nil
}

// groups says whether group-by names a field.
func (c *correlation) groups(name string) bool {
	return slices.ContainsFunc(c.groupBy, func(g reference) bool { return g.name == name })
}

// unusedAliases tells of aliases that neither group-by nor field names.
func (c *correlation) unusedAliases() (out []*fault) {
	for _, a := range c.aliases {
		if !slices.ContainsFunc(slices.Concat(c.groupBy, c.fields), func(r reference) bool { return r.name == a.name }) {
			out = append(out, faultAt(a.at, "name it in group-by, or drop it", "neither group-by nor field names the alias %q", a.name))
		}
	}
	return out
}

func (c *correlation) readAliases() *fault {
	n := get(c.node, "aliases")
	if n == nil || isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return faultNode(n, "write alias: {rule: field}", "aliases is not a map")
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, m := n.Content[i], n.Content[i+1]
		if m.Kind != yaml.MappingNode {
			return faultNode(m, "write the field of each rule: {rule: field}", "the alias %q is not a map", key.Value)
		}
		if len(m.Content) == 0 {
			return faultNode(m, "write the field of each rule: {rule: field}", "the alias %q has no fields", key.Value)
		}
		a := alias{name: key.Value, at: spanOf(key)}
		for j := 0; j+1 < len(m.Content); j += 2 {
			if text(m.Content[j+1]) == "" {
				return faultNode(m.Content[j+1], "write the name of a field", "the alias %q has no field for %q", key.Value, m.Content[j].Value)
			}
			a.of = append(a.of, aliasOf{reference{m.Content[j].Value, spanOf(m.Content[j])}, m.Content[j+1].Value})
		}
		c.aliases = append(c.aliases, a)
	}
	return nil
}

// readGenerate reads whether the rules speak for themselves too. The schema of the
// specification has the key beside correlation, pySigma has it below.
func (c *correlation) readGenerate() *fault {
	for _, in := range []*yaml.Node{c.doc.node, c.node} {
		n := get(in, "generate")
		if n == nil {
			continue
		}
		v, ok := boolOf(n.Value)
		if !ok || n.Kind != yaml.ScalarNode {
			return faultNode(n, "write true or false", "generate %q", n.Value)
		}
		c.generate = c.generate || v
	}
	return nil
}

var boundOps = []string{"gt", "gte", "lt", "lte", "eq", "neq"}

func (c *correlation) readCondition(extended bool) *fault {
	n := get(c.node, "condition")
	switch {
	case n == nil && c.temporal() && !extended:
		if len(c.refs) == 0 {
			return faultNode(c.node, "write rules: and ids, names or titles of rules", "the correlation names no rules")
		}
		return nil // every rule must match
	case n == nil:
		return faultNode(c.node, "write condition: {gte: 10}", "the correlation has no condition")
	case n.Kind == yaml.ScalarNode:
		if !c.temporal() {
			return faultNode(n, "write condition: {gte: 10}; a condition over rules is for temporal and temporal_ordered", "the condition of %s is not a map", c.kind)
		}
		c.condText = n
		return nil
	case n.Kind != yaml.MappingNode || extended:
		return faultNode(n, "write text such as rule_a and not rule_b", "the condition is not text over the rules")
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		switch {
		case slices.Contains(boundOps, key.Value):
			num, _, ok := numberOf(v.Value)
			if v.Kind != yaml.ScalarNode || !ok {
				return faultNode(v, "write a number", "%s: %q is not a number", key.Value, v.Value)
			}
			c.bounds = append(c.bounds, rule.Bound{Op: key.Value, Value: num})
		case key.Value == "field":
			c.fields = references(v)
			if len(c.fields) == 0 || len(c.fields) != size(v) {
				return faultNode(v, "write one field or a list of fields", "field is not the name of a field")
			}
		case key.Value == "percentile":
			num, _, ok := numberOf(v.Value)
			if !ok || num < 0 || num > 100 {
				return faultNode(v, "write a number from 0 to 100", "percentile %q", v.Value)
			}
			c.percent = num
		default:
			return faultNode(key, nearest(key.Value, append(boundOps, "field", "percentile")), "unknown key %q of a correlation's condition", key.Value)
		}
	}
	return c.checkCondition(n)
}

// neverWithin says whether no number satisfies two comparisons.
func neverWithin(bounds []rule.Bound) bool {
	low, high, open := math.Inf(-1), math.Inf(1), false
	for _, b := range bounds {
		switch b.Op {
		case "gt", "gte":
			low = max(low, b.Value)
		case "lt", "lte":
			high = min(high, b.Value)
		case "eq":
			low, high = max(low, b.Value), min(high, b.Value)
		}
	}
	for _, b := range bounds {
		end := b.Op == "gt" && b.Value == low || b.Op == "lt" && b.Value == high || b.Op == "neq" && b.Value == low
		open = open || end
	}
	return low > high || low == high && open
}

// checkCondition compares a condition with what the type needs.
func (c *correlation) checkCondition(n *yaml.Node) *fault {
	values := strings.HasPrefix(string(c.kind), "value_")
	if c.kind == rule.EventCount && !slices.ContainsFunc(c.fields, func(x reference) bool { return !c.groups(x.name) }) {
		c.fields = nil // some write the field that they group by here too
	}
	switch {
	case len(c.bounds) == 0:
		return faultNode(n, "write gte: 10", "the condition has none of gt, gte, lt, lte, eq, neq")
	case len(c.bounds) > 2:
		return faultNode(n, "write one, or two for a range", "the condition has %d comparisons", len(c.bounds))
	case neverWithin(c.bounds):
		return faultNode(n, "give a range with its lower end first", "no number meets the condition")
	case values && len(c.fields) == 0:
		return faultNode(n, "write field: and the name of a field", "%s needs a field", c.kind)
	case !values && len(c.fields) > 0:
		return faultAt(c.fields[0].at, "did you mean type: value_count?", "%s has no field", c.kind)
	case c.kind != rule.ValueCount && len(c.fields) > 1:
		return faultAt(c.fields[1].at, "write one field", "%s takes one field", c.kind)
	case c.kind == rule.ValuePercentile && get(n, "percentile") == nil:
		return faultNode(n, "write percentile: 95", "value_percentile needs a percentile")
	case c.kind != rule.ValuePercentile && get(n, "percentile") != nil:
		return faultNode(get(n, "percentile"), "did you mean type: value_percentile?", "%s has no percentile", c.kind)
	}
	return nil
}
