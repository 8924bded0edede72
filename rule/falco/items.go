package falco

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// listDef is a list, as its definitions and appends made it.
type listDef struct {
	name              string
	items             []string
	index, visibility int
	at                place
	used              bool
}

// macroDef is a macro. Its condition is glued from definition and appends.
type macroDef struct {
	name              string
	cond              glue
	index, visibility int
	at                place
	used              bool
	body              node // without the macros in it
	bad               bool
}

// ruleDef is a rule, as its definition and overrides made it.
type ruleDef struct {
	name       string
	cond       glue
	output     glue
	desc       string
	priority   string
	source     string
	enabled    bool
	skip       bool // skip-if-unknown-filter
	tags       []string
	exceptions []exception
	at         place
	sourceAt   place
	hasSource  bool
	car        *yaml.Node // the side-car, under the key yagura
	from       *source
	bad        bool // a refusal was made already
}

// exception is a named exception of a rule.
type exception struct {
	name   string
	fields values
	comps  values
	vals   []values
	at     place
}

// values is a scalar or a list of values.
type values struct {
	list bool
	item string
	at   place
	sub  []values
}

func (v values) valid() bool {
	if v.list {
		return len(v.sub) > 0
	}
	return v.item != ""
}

// update is what an append or override gives; nil parts are not touched.
type update struct {
	cond, output *text
	desc         *string
	tags         *[]string
	exceptions   *[]exception
	priority     *string
	enabled      *bool
	skip         *bool
	other        bool // a key that means nothing here
	at           place
}

func (u *update) empty() bool {
	return u.cond == nil && u.output == nil && u.desc == nil && u.tags == nil && u.exceptions == nil &&
		u.priority == nil && u.enabled == nil && u.skip == nil && !u.other
}

// Keys of the three kinds of items.
func ruleKeys() []string {
	return []string{
		"rule", "desc", "condition", "output", "priority", "source", "enabled", "tags", "exceptions", "override",
		"append", "warn_evttypes", "skip-if-unknown-filter", "capture", "capture_duration", "yagura",
	}
}
func macroKeys() []string { return []string{"macro", "condition", "append", "override"} }
func listKeys() []string  { return []string{"list", "items", "append", "override"} }

func appendable() []string { return []string{"condition", "output", "desc", "tags", "exceptions"} }
func replaceable() []string {
	return append(appendable(), "priority", "enabled", "warn_evttypes", "skip-if-unknown-filter", "capture", "capture_duration")
}

// values reads a value of an exception: a scalar, or a list of values.
func (r reader) values(n *yaml.Node, depth int) values {
	n = deref(n)
	v := values{at: r.src.nodeAt(n)}
	switch {
	case depth > 4:
		r.fail(codeYAMLValidate, n, "exception values are nested too deep")
	case n.Kind == yaml.ScalarNode:
		if n.Value == "" {
			r.fail(codeYAMLValidate, n, "Value must be non-empty")
		}
		v.item = n.Value
	case n.Kind == yaml.SequenceNode:
		v.list = true
		for _, kid := range n.Content {
			v.sub = append(v.sub, r.values(kid, depth+1))
		}
	}
	return v
}

// exceptions reads the exceptions of a rule. With partial they may lack their fields.
func (r reader) exceptions(partial bool, warn func(code, msg, hint string, at place)) []exception {
	_, list := get(r.item, "exceptions")
	if isNull(list) {
		return nil
	}
	if list.Kind != yaml.SequenceNode {
		r.fail(codeYAMLValidate, list, "Rule exceptions must be a sequence")
	}
	var out []exception
	for _, n := range list.Content {
		n = deref(n)
		if n.Kind != yaml.MappingNode {
			r.fail(codeYAMLValidate, n, "Rule exception must be a mapping")
		}
		x := reader{r.src, n}
		e := exception{name: x.string("name"), at: r.src.nodeAt(n)}
		if slices.ContainsFunc(out, func(o exception) bool { return o.name == e.name }) {
			warn(codeExceptionName, "Multiple definitions of exception '"+e.name+"' in the same rule", "", e.at)
		}
		_, fields := get(n, "fields")
		if fields == nil && !partial {
			r.fail(codeYAMLValidate, n, "Item has no mapping for key 'fields'")
		}
		if fields != nil {
			e.fields = r.values(fields, 0)
		}
		if _, comps := get(n, "comps"); comps != nil {
			e.comps = r.values(comps, 0)
		}
		_, vals := get(n, "values")
		switch {
		case vals != nil:
			if vals.Kind != yaml.SequenceNode {
				r.fail(codeYAMLValidate, vals, "Rule exception values must be a sequence")
			}
			for _, v := range vals.Content {
				e.vals = append(e.vals, r.values(v, 0))
			}
		case partial:
			warn(codeNoValues, "Overriding/appending exception with no values", "", e.at)
		}
		for i := 0; i < len(n.Content); i += 2 {
			if k := deref(n.Content[i]); !slices.Contains([]string{"name", "fields", "comps", "values"}, k.Value) {
				warn("", "unknown key '"+k.Value+"' in an exception is ignored", "an exception has name, fields, comps and values", r.src.nodeAt(k))
			}
		}
		out = append(out, e)
	}
	return out
}

// overrides reads the key override: which keys are appended to, which replaced.
func (r reader) overrides(mayAppend, mayReplace []string) (appends, replaces map[string]bool) {
	_, o := get(r.item, "override")
	appends, replaces = map[string]bool{}, map[string]bool{}
	if isNull(o) {
		return
	}
	if o.Kind != yaml.MappingNode {
		r.fail(codeYAMLValidate, o, "override is not a mapping")
	}
	for i := 0; i+1 < len(o.Content); i += 2 {
		k, v := deref(o.Content[i]), deref(o.Content[i+1])
		canAppend, canReplace := slices.Contains(mayAppend, k.Value), slices.Contains(mayReplace, k.Value)
		switch v.Value {
		case "append":
			if !canAppend {
				r.fail(codeYAMLValidate, k, "Key '%s' cannot be appended to, use 'replace' instead", k.Value)
			}
			appends[k.Value] = true
		case "replace":
			if !canReplace {
				r.fail(codeYAMLValidate, k, "Key '%s' cannot be replaced", k.Value)
			}
			replaces[k.Value] = true
		default:
			allowed := ""
			if canAppend {
				allowed += "append "
			}
			if canReplace {
				allowed += "replace "
			}
			r.fail(codeYAMLValidate, v, "Invalid override operation for key '%s': '%s'. Allowed values are: %s", k.Value, v.Value, allowed)
		}
	}
	return
}

// expect says whether an override names a key, which then must be there, and strikes
// it off the list of keys that wait for their override.
func (r reader) expect(keys map[string]bool, named map[string]bool, kind, key string) bool {
	if !named[key] {
		return false
	}
	if !r.has(key) || !keys[key] {
		r.fail(codeYAMLValidate, r.item, "An %s override for '%s' was specified but '%s' is not defined", kind, key, key)
	}
	delete(keys, key)
	return true
}

// priorities in Falco's order, with their names in lower case.
func priorities() []string {
	return []string{"emergency", "alert", "critical", "error", "warning", "notice", "informational", "info", "debug"}
}

func (r reader) priority() string {
	f := r.scalar("priority")
	if !slices.Contains(priorities(), strings.ToLower(f.value)) {
		panic(&fault{
			code: codeYAMLValidate, msg: "Invalid priority", at: r.src.nodeAt(f.node),
			hint: "write one of " + strings.ToUpper(strings.Join(priorities(), ", ")),
		})
	}
	return f.value
}
