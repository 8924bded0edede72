package sigma

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/rule"
)

// pipeReader reads a pipeline.
type pipeReader struct {
	file     string
	name     string
	refusals []rule.Refusal
}

func (r *pipeReader) refuse(n *yaml.Node, hint, format string, args ...any) {
	f := faultNode(n, hint, format, args...)
	r.refusals = append(r.refusals, f.refusal(r.file, ""))
}

// ParsePipeline reads a pipeline. It returns nil and the refusals when one of its
// transformations is not supported: a rule rewritten by half would mean something
// else than its author wrote.
func ParsePipeline(f rule.File) (*Pipeline, []rule.Refusal) {
	r := &pipeReader{file: f.Path}
	docs, flt := documents(f.Data)
	if flt != nil {
		return nil, []rule.Refusal{flt.refusal(f.Path, "")}
	}
	if len(docs) == 1 && docs[0].fault != nil {
		return nil, []rule.Refusal{docs[0].fault.refusal(f.Path, "")}
	}
	if len(docs) != 1 || docs[0].root.Kind != yaml.MappingNode {
		return nil, []rule.Refusal{{File: f.Path, Reason: "a pipeline is one YAML map", Hint: "write name, priority and transformations"}}
	}
	root := docs[0].root
	p := &Pipeline{File: f.Path, Name: text(get(root, "name")), vars: map[string][]string{}}
	if p.Name == "" {
		p.Name = strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))
	}
	r.name = p.Name
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, n := root.Content[i], root.Content[i+1]
		switch key.Value {
		case "name", "description", "author":
		case "allowed_backends":
			if list := names(n); len(list) != size(n) || len(list) > 0 && !slices.Contains(list, backend) {
				r.refuse(n, "add "+backend+" to it where its field names are those of the logs, or drop it", "the pipeline is for %s only", strings.Join(list, ", "))
			}
		case "priority":
			v, err := strconv.Atoi(n.Value)
			if err != nil {
				r.refuse(n, "write a whole number", "priority %q is not a number", n.Value)
			}
			p.Priority = v
		case "vars":
			if n.Kind != yaml.MappingNode {
				r.refuse(n, "", "vars is not a map")
				continue
			}
			for j := 0; j+1 < len(n.Content); j += 2 {
				values := names(n.Content[j+1])
				if len(values) == 0 || len(values) != size(n.Content[j+1]) {
					r.refuse(n.Content[j+1], "write a text, a number or a list of them", "the variable %q is not a list of texts", n.Content[j].Value)
				}
				p.vars[n.Content[j].Value] = values
			}
		case "transformations":
			p.items = r.list(n)
		case "postprocessing", "finalizers":
			if len(n.Content) > 0 {
				r.refuse(key, "drop it: there is no query text here", "%s rewrites the text of queries", key.Value)
			}
		default:
			r.refuse(key, nearest(key.Value, []string{"name", "priority", "transformations", "vars"}), "unknown key %q of a pipeline", key.Value)
		}
	}
	if len(r.refusals) > 0 {
		return nil, r.refusals
	}
	return p, nil
}

func (r *pipeReader) list(n *yaml.Node) []*pipeItem {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.refuse(n, "write a list", "transformations is not a list")
		return nil
	}
	var out []*pipeItem
	for _, c := range n.Content {
		if it := r.item(c); it != nil {
			out = append(out, it)
		}
	}
	return out
}

// condKeys are the keys of an item that are not its transformation's own.
var condKeys = []string{"id", "type", "rule_conditions", "rule_cond_op", "rule_cond_not", "rule_cond_expr",
	"detection_item_conditions", "detection_item_cond_op", "detection_item_cond_not", "detection_item_cond_expr",
	"field_name_conditions", "field_name_cond_op", "field_name_cond_not", "field_name_cond_expr"}

func (r *pipeReader) item(n *yaml.Node) *pipeItem {
	if n.Kind != yaml.MappingNode {
		r.refuse(n, "write a map with a type", "a transformation is not a map")
		return nil
	}
	kind := text(get(n, "type"))
	it := &pipeItem{id: text(get(n, "id"))}
	it.place = fmt.Sprintf("pipeline %s (%s:%d)", r.name, r.file, n.Line)
	it.rules = readConds(r, n, "rule", ruleCondition)
	it.details = readConds(r, n, "detection_item", itemCondition)
	it.names = readConds(r, n, "field_name", nameCondition)
	params := &params{r: r, n: n, used: slices.Clone(condKeys)}
	known := transformations()
	build, ok := known[kind]
	switch {
	case kind == "":
		r.refuse(n, "", "a transformation without a type")
		return nil
	case !ok && notHere[kind] != "":
		r.refuse(get(n, "type"), "", "transformation %q is not supported: %s", kind, notHere[kind])
		return nil
	case !ok:
		r.refuse(get(n, "type"), nearest(kind, slices.Sorted(maps.Keys(known))), "unknown transformation %q", kind)
		return nil
	}
	if ofRules[kind] {
		for _, key := range condKeys {
			if key[0] != 'r' && strings.Contains(key, "_cond") && get(n, key) != nil {
				r.refuse(get(n, key), "use rule_conditions, or put the conditions on the transformations inside nest", "transformation %q changes a rule, not its items: %s means nothing", kind, key)
			}
		}
	}
	before := len(r.refusals)
	it.apply = build(params, it)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; len(r.refusals) == before && !slices.Contains(params.used, key.Value) {
			r.refuse(key, nearest(key.Value, params.used), "unknown key %q of transformation %q", key.Value, kind)
		}
	}
	return it
}

// readConds reads the conditions of one sort.
func readConds[T any](r *pipeReader, n *yaml.Node, sort string, read func(*params, string) func(T) bool) condSet[T] {
	var s condSet[T]
	switch op := text(get(n, sort+"_cond_op")); op {
	case "", "and":
	case "or":
		s.any = true
	default:
		r.refuse(get(n, sort+"_cond_op"), "write and, or", "%s_cond_op %q", sort, op)
	}
	s.not = r.flag(n, sort+"_cond_not")
	list := get(n, sort+"_conditions")
	if list == nil || isNull(list) {
		for _, key := range []string{"_cond_op", "_cond_not", "_cond_expr"} {
			if x := get(n, sort+key); x != nil && !isNull(x) && x.Value != "and" && x.Value != "false" {
				r.refuse(x, "write "+sort+"_conditions too", "%s without %s_conditions", sort+key, sort)
			}
		}
		return s
	}
	one := func(name string, c *yaml.Node) {
		kind := text(get(c, "type"))
		p := &params{r: r, n: c, used: []string{"type"}}
		if f := read(p, kind); f != nil {
			s.list = append(s.list, f)
			s.names = append(s.names, name)
			for i := 0; i+1 < len(c.Content); i += 2 {
				if key := c.Content[i]; !slices.Contains(p.used, key.Value) {
					r.refuse(key, nearest(key.Value, p.used), "unknown key %q of condition %q", key.Value, kind)
				}
			}
		} else {
			r.refuse(c, "", "unknown condition %q in %s_conditions", kind, sort)
		}
	}
	switch list.Kind {
	case yaml.SequenceNode:
		for i, c := range list.Content {
			one(strconv.Itoa(i+1), c)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(list.Content); i += 2 {
			one(list.Content[i].Value, list.Content[i+1])
		}
	default:
		r.refuse(list, "write a list", "%s_conditions is not a list", sort)
	}
	if e := get(n, sort+"_cond_expr"); e != nil && !isNull(e) {
		if op := get(n, sort+"_cond_op"); op != nil {
			r.refuse(op, "write one of them", "%s_cond_op beside %s_cond_expr", sort, sort)
		}
		x, f := parseExtended(e, "condition", s.names)
		if f != nil {
			r.refusals = append(r.refusals, f.refusal(r.file, ""))
		}
		s.expr = x
	}
	return s
}

// params reads the parameters of a transformation or condition.
type params struct {
	r    *pipeReader
	n    *yaml.Node
	used []string
}

func (p *params) get(key string) *yaml.Node {
	p.used = append(p.used, key)
	return get(p.n, key)
}

// text returns a parameter that must be there.
func (p *params) text(key string) string {
	n := p.get(key)
	if n == nil || n.Kind != yaml.ScalarNode {
		p.r.refuse(p.n, "", "%q is missing", key)
		return ""
	}
	return n.Value
}

// optional returns a parameter that may be missing.
func (p *params) optional(key string) string {
	n := p.get(key)
	if n != nil && n.Kind != yaml.ScalarNode {
		p.r.refuse(n, "write one text", "%q is not text", key)
	}
	return text(n)
}

func (p *params) flag(key string) bool {
	p.used = append(p.used, key)
	return p.r.flag(p.n, key)
}

// flag reads true or false; what is missing is false.
func (r *pipeReader) flag(n *yaml.Node, key string) bool {
	v := get(n, key)
	if v == nil || isNull(v) {
		return false
	}
	b, ok := boolOf(v.Value)
	if !ok || v.Kind != yaml.ScalarNode {
		r.refuse(v, "write true or false", "%q is neither true nor false", key)
	}
	return b
}

// texts returns a list of texts that must be there.
func (p *params) texts(key string) []string {
	n := p.get(key)
	if n == nil {
		p.r.refuse(p.n, "", "%q is missing", key)
		return nil
	}
	out := names(n)
	if len(out) != size(n) {
		p.r.refuse(n, "write one text or a list of texts", "%q is not a list of texts", key)
	}
	return out
}

// mapping reads a map of texts to one or several texts. A null key is "".
func (p *params) mapping(key string) map[string][]string {
	n := p.get(key)
	if n == nil || n.Kind != yaml.MappingNode {
		p.r.refuse(p.n, "write a map", "%q is not a map", key)
		return nil
	}
	out := make(map[string][]string, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i].Value
		if isNull(n.Content[i]) {
			k = ""
		}
		if out[k] = names(n.Content[i+1]); len(out[k]) == 0 || len(out[k]) != size(n.Content[i+1]) {
			p.r.refuse(n.Content[i+1], "write one name or a list", "%q maps to nothing, or to what is no name", k)
		}
	}
	return out
}

// names reads one name or a list of names; unlike [texts] a name may be empty.
func names(n *yaml.Node) []string {
	list := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		list = n.Content
	}
	var out []string
	for _, c := range list {
		if c.Kind == yaml.ScalarNode && !isNull(c) {
			out = append(out, c.Value)
		}
	}
	return out
}

// pattern compiles a regular expression that matches from the start of a text.
func (p *params) pattern(source string) *regexp.Regexp {
	re, err := compileRegex(source, "", true, false)
	if err != nil {
		p.r.refuse(p.n, "", "regular expression %q: %v", source, err)
		return regexp.MustCompile(`[^\s\S]`)
	}
	return re
}
