package sigma

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/query"
)

// node is a part of a search identifier: an [*item], a [*group] or a [*block].
type node interface{ clone() node }

// item asks for the values of one field, or for keywords when keyword is set.
type item struct {
	field   string
	keyword bool
	fields  []string // what the field is called in the log: aliases, mapping applied
	mods    []string
	values  []value
	arrays  bool // brackets in the names select array members
	all     bool // every value must be found, not one of them
	negated bool // the item must not hold (neq)
	moved   bool // keywords that a pipeline looks for in a field
	added   bool // a pipeline asks for it, not the rule
	at      query.Span
	doc     *document // whose item it is, while pipelines run
	// applied names the items of pipelines that changed this one.
	applied map[string]bool
}

// group joins nodes: and, or with any.
type group struct {
	nodes []node
	any   bool
}

// block judges the members of an array one by one: `field[any]: {…}`.
type block struct {
	field  string
	fields []string    // as in item
	body   *detections // its condition is over the members
	at     query.Span
}

// written is the name of the field as the rule writes it, "" where it names none.
func (it *item) written() string {
	if it.moved {
		return ""
	}
	return it.field
}

func (it *item) clone() node {
	c := *it
	c.fields = slices.Clone(it.fields)
	c.values = slices.Clone(it.values)
	for i := range c.values {
		c.values[i] = c.values[i].clone()
	}
	c.applied = nil
	return &c
}

func (g *group) clone() node {
	c := &group{any: g.any, nodes: make([]node, len(g.nodes))}
	for i, n := range g.nodes {
		c.nodes[i] = n.clone()
	}
	return c
}

func (b *block) clone() node {
	c := *b
	c.fields = slices.Clone(b.fields)
	c.body = b.body.clone()
	return &c
}

// detections are the search identifiers of a rule and its conditions.
type detections struct {
	names      []string
	byName     map[string]node
	conditions []condition
}

// condition is one condition with its place.
type condition struct {
	expr cond
	at   query.Span
}

func (d *detections) clone() *detections {
	c := &detections{names: slices.Clone(d.names), byName: make(map[string]node, len(d.byName)), conditions: slices.Clone(d.conditions)}
	for name, n := range d.byName {
		c.byName[name] = n.clone()
	}
	return c
}

// add puts a search identifier under a name.
func (d *detections) add(name string, n node) {
	if d.byName == nil {
		d.byName = map[string]node{}
	}
	if d.byName[name] == nil {
		d.names = append(d.names, name)
	}
	d.byName[name] = n
}

// reader reads detections.
type reader struct {
	arrays       bool // the rule declares sigma-version 3: brackets select array members
	placeholders map[string][]string
	warnings     []*fault
}

// detections reads a mapping of search identifiers and its condition. skip names
// keys that are neither.
func (r *reader) detections(n *yaml.Node, what string, skip ...string) (*detections, *fault) {
	if n.Kind != yaml.MappingNode {
		return nil, faultNode(n, "write search identifiers and a condition", "%s is not a map", what)
	}
	d := &detections{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Value == "condition" || slices.Contains(skip, key.Value) {
			continue
		}
		x, f := r.definition(value, key)
		if f != nil {
			return nil, f
		}
		d.add(key.Value, x)
	}
	c := get(n, "condition")
	if c == nil {
		hint := "write condition: and the names of search identifiers"
		for _, name := range d.names {
			if m := nearest(name, []string{"condition"}); m != "" {
				hint = m
			}
		}
		return nil, faultNode(n, hint, "%s has no condition", what)
	}
	if len(d.names) == 0 {
		return nil, faultNode(n, "write a search identifier such as selection", "%s has no search identifier", what)
	}
	list := []*yaml.Node{c}
	if c.Kind == yaml.SequenceNode {
		if list = c.Content; len(list) == 0 {
			return nil, faultNode(c, "", "the list of conditions is empty")
		}
	}
	for _, x := range list {
		if x.Kind != yaml.ScalarNode || isNull(x) {
			return nil, faultNode(x, "write text such as selection and not filter", "a condition is not text")
		}
		expr, f := parseCondition(x, d.names)
		if f != nil {
			return nil, f
		}
		d.conditions = append(d.conditions, condition{expr, spanOf(x)})
	}
	r.unused(n, d)
	return d, nil
}

// unused notes the search identifiers that no condition names. Those with a leading
// underscore are there to be left out.
func (r *reader) unused(n *yaml.Node, d *detections) {
	used := map[string]bool{}
	var visit func(x cond)
	visit = func(x cond) {
		switch x := x.(type) {
		case condAnd:
			for _, y := range x {
				visit(y)
			}
		case condOr:
			for _, y := range x {
				visit(y)
			}
		case condNot:
			visit(x.x)
		case condName:
			used[string(x)] = true
		case condOf:
			for _, y := range x.names {
				used[y] = true
			}
		}
	}
	for _, c := range d.conditions {
		visit(c.expr)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; d.byName[key.Value] != nil && !used[key.Value] && !strings.HasPrefix(key.Value, "_") {
			r.warnings = append(r.warnings, faultNode(key, "name it in the condition, or drop it", "the condition does not name the search identifier %q", key.Value))
		}
	}
}

// definition reads one search identifier: a map, a list of maps, keywords, or a mix.
func (r *reader) definition(n, key *yaml.Node) (node, *fault) {
	switch n.Kind {
	case yaml.MappingNode:
		return r.fields(n)
	case yaml.SequenceNode:
		if len(n.Content) == 0 {
			return nil, faultNode(n, "", "the list %s is empty", key.Value)
		}
		g := &group{any: true}
		var words *item
		for _, c := range n.Content {
			switch c.Kind {
			case yaml.ScalarNode:
				if words == nil {
					words = &item{keyword: true, at: spanOf(c)}
					g.nodes = append(g.nodes, words)
				}
				v, f := keyword(c)
				if f != nil {
					return nil, f
				}
				words.values = append(words.values, v)
			default:
				x, f := r.definition(c, key)
				if f != nil {
					return nil, f
				}
				g.nodes = append(g.nodes, x)
			}
		}
		if len(g.nodes) == 1 {
			return g.nodes[0], nil
		}
		return g, nil
	}
	v, f := keyword(n)
	if f != nil {
		return nil, f
	}
	return &item{keyword: true, at: spanOf(n), values: []value{v}}, nil
}

func keyword(n *yaml.Node) (value, *fault) {
	v := scalarValue(n)
	if v.kind == valueNull || n.Value == "" {
		return v, faultNode(n, "a keyword is text", "an empty keyword")
	}
	return v, nil
}

// fields reads a map of fields: all of them must hold.
func (r *reader) fields(n *yaml.Node) (node, *fault) {
	if len(n.Content) == 0 {
		return nil, faultNode(n, "", "a map without fields")
	}
	g := &group{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		x, f := r.field(n.Content[i], n.Content[i+1])
		if f != nil {
			return nil, f
		}
		g.nodes = append(g.nodes, x)
	}
	if len(g.nodes) == 1 {
		return g.nodes[0], nil
	}
	return g, nil
}

// field reads one key with its values.
func (r *reader) field(key, n *yaml.Node) (node, *fault) {
	name, mods := key.Value, []string(nil)
	if i := strings.IndexByte(name, '|'); i >= 0 {
		mods = strings.Split(name[i+1:], "|")
		name = name[:i]
	}
	it := &item{field: name, keyword: name == "", fields: []string{name}, mods: mods, arrays: r.arrays, at: spanOf(key)}
	if r.arrays && !it.keyword {
		if _, f := parseSelectors(name, it.at); f != nil {
			return nil, f
		}
	}
	switch n.Kind {
	case yaml.MappingNode:
		return r.block(it, n)
	case yaml.SequenceNode:
		if len(n.Content) == 0 {
			return nil, faultNode(n, "write a value, or null for an absent field", "the list of values of %q is empty", key.Value)
		}
		maps := 0
		for _, c := range n.Content {
			switch c.Kind {
			case yaml.ScalarNode:
				it.values = append(it.values, scalarValue(c))
			case yaml.MappingNode:
				maps++
			default:
				return nil, faultNode(c, "write one flat list", "a list inside the values of %q", key.Value)
			}
		}
		if maps > 0 && maps == len(n.Content) {
			return r.blocks(it, n)
		}
		if maps > 0 {
			return nil, faultNode(n, "write one flat list", "maps and values mixed in %q", key.Value)
		}
	default:
		it.values = []value{scalarValue(n)}
	}
	if it.keyword {
		for _, v := range it.values {
			if v.kind == valueNull || v.shown == "" {
				return nil, faultAt(v.at, "a keyword is text", "an empty keyword")
			}
		}
	}
	c := &chain{at: it.at, keyword: it.keyword, placeholders: r.placeholders}
	if f := c.apply(it); f != nil {
		return nil, f
	}
	return it, nil
}

// blocks reads a list of maps behind an array selector: one of them must hold.
func (r *reader) blocks(it *item, n *yaml.Node) (node, *fault) {
	b, f := r.arrayBlock(it, n)
	if f != nil {
		return nil, f
	}
	body, f := r.definition(n, &yaml.Node{Value: it.field})
	if f != nil {
		return nil, f
	}
	b.body = implicit(body)
	return b, nil
}

// block reads a map behind an array selector: the basic body, whose fields must
// all hold for one member, or the extended one with a condition of its own.
func (r *reader) block(it *item, n *yaml.Node) (node, *fault) {
	b, f := r.arrayBlock(it, n)
	if f != nil {
		return nil, f
	}
	if c := get(n, "condition"); c != nil && c.Kind != yaml.MappingNode && r.isExtended(n) {
		b.body, f = r.detections(n, "the block "+it.field)
		return b, f
	}
	body, f := r.fields(n)
	if f != nil {
		return nil, f
	}
	b.body = implicit(body)
	return b, nil
}

// isExtended tells an extended body, where all else are search identifiers, from a
// basic one with a field that is called condition.
func (r *reader) isExtended(n *yaml.Node) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "condition" && n.Content[i+1].Kind == yaml.ScalarNode {
			return false
		}
	}
	return len(n.Content) > 2
}

func (r *reader) arrayBlock(it *item, n *yaml.Node) (*block, *fault) {
	if !r.arrays {
		return nil, faultNode(n, "name nested fields with dots (a.b); blocks need sigma-version: 3", "a map as the value of %q", it.field)
	}
	if len(it.mods) > 0 {
		return nil, faultAt(it.at, "put the modifiers on the fields inside", "modifiers on the block %q", it.field)
	}
	sel, f := parseSelectors(it.field, it.at)
	if f != nil {
		return nil, f
	}
	last := sel[len(sel)-1]
	if !last.each {
		return nil, faultAt(it.at, "write "+it.field+"[any]: and the fields of a member below it", "a map as the value of %q, which selects no members", it.field)
	}
	return &block{field: it.field, fields: it.fields, at: it.at}, nil
}

// implicit makes a body of one node, with the condition that it holds.
func implicit(n node) *detections {
	d := &detections{conditions: []condition{{expr: condName("")}}}
	d.add("", n)
	return d
}

// walk calls f for every item below n, those in blocks too when blocks is set.
func walk(n node, blocks bool, f func(*item)) {
	switch n := n.(type) {
	case *item:
		f(n)
	case *group:
		for _, x := range n.nodes {
			walk(x, blocks, f)
		}
	case *block:
		if blocks {
			for _, name := range n.body.names {
				walk(n.body.byName[name], blocks, f)
			}
		}
	}
}
