package sigma

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/query"
)

type applyFunc = func(p *pass, d *document, it *pipeItem) *fault

// notHere lists transformations of pySigma that are refused, with the reason.
var notHere = map[string]string{
	"query_expression_placeholders": "it makes query text",
	"template":                      "it makes query text",
	"hashes_fields":                 "it is for the field Hashes of Sysmon, which no log here has",
	"field_name_transform":          "it calls code",
	"include":                       "a pipeline is one file; give each file by itself",
	"file_placeholders":             "it reads files while rules are loaded; write the values under vars",
	"http_placeholders":             "it asks other hosts while rules are loaded; write the values under vars",
	"command_placeholders":          "it runs commands while rules are loaded; write the values under vars",
}

// ofRules are the transformations that change a rule as a whole: conditions on items
// and on field names mean nothing to them.
var ofRules = map[string]bool{"add_condition": true, "change_logsource": true, "set_state": true, "set_custom_attribute": true,
	"add_field": true, "remove_field": true, "set_field": true, "rule_failure": true, "strict_field_mapping_failure": true, "nest": true}

// transformations builds each supported transformation from its parameters.
func transformations() map[string]func(*params, *pipeItem) applyFunc {
	return map[string]func(*params, *pipeItem) applyFunc{
		"field_name_mapping":        func(p *params, it *pipeItem) applyFunc { return rename(it, mappingOf(p, false)) },
		"field_name_prefix_mapping": func(p *params, it *pipeItem) applyFunc { return rename(it, mappingOf(p, true)) },
		"field_name_prefix": func(p *params, it *pipeItem) applyFunc {
			prefix := p.text("prefix")
			return rename(it, func(name string, _ bool) []string { return []string{prefix + name} })
		},
		"field_name_suffix": func(p *params, it *pipeItem) applyFunc {
			suffix := p.text("suffix")
			return rename(it, func(name string, _ bool) []string { return []string{name + suffix} })
		},
		"drop_detection_item": func(*params, *pipeItem) applyFunc { return dropItems },
		"add_condition":       addCondition,
		"change_logsource": func(p *params, _ *pipeItem) applyFunc {
			l := logsource{p.optional("category"), p.optional("product"), p.optional("service")}
			return func(_ *pass, d *document, _ *pipeItem) *fault { d.logsource = l; return nil }
		},
		"set_state": func(p *params, _ *pipeItem) applyFunc {
			key, val := p.text("key"), p.text("val")
			return func(p *pass, _ *document, _ *pipeItem) *fault { p.state[key] = val; return nil }
		},
		"set_custom_attribute": func(p *params, _ *pipeItem) applyFunc {
			name, val := p.text("attribute"), p.texts("value")
			if name == attrFold && (len(val) != 1 || val[0] != "true" && val[0] != "false") {
				p.r.refuse(p.n, "write value: true or value: false", "%s is neither true nor false", attrFold)
			}
			return func(_ *pass, d *document, _ *pipeItem) *fault { d.attributes[name] = val; return nil }
		},
		"add_field":    fieldList("field"),
		"remove_field": fieldList("field"),
		"set_field":    fieldList("fields"),
		"rule_failure": func(p *params, _ *pipeItem) applyFunc {
			message := p.text("message")
			return func(*pass, *document, *pipeItem) *fault { return spanless("%s", message) }
		},
		"detection_item_failure": func(p *params, _ *pipeItem) applyFunc {
			message := p.text("message")
			return func(_ *pass, d *document, it *pipeItem) *fault {
				var f *fault
				d.walk(func(x *item) {
					if f == nil && it.matches(x, d) {
						f = faultAt(x.at, "", "%s", message)
					}
				})
				return f
			}
		},
		"strict_field_mapping_failure": func(*params, *pipeItem) applyFunc { return strictMapping },
		"regex":                        caseOfText,
		"value_placeholders": func(p *params, it *pipeItem) applyFunc {
			handled := handledHoles(p)
			return fillHoles(func(pass *pass, name string, regex bool) ([]str, bool) {
				values, ok := pass.vars[name]
				if !ok || len(values) == 0 || !handled(name) {
					return nil, false
				}
				return fillers(values, regex), true
			})
		},
		"wildcard_placeholders": func(p *params, it *pipeItem) applyFunc {
			handled := handledHoles(p)
			return fillHoles(func(_ *pass, name string, regex bool) ([]str, bool) {
				return fillers([]string{"*"}, regex), handled(name)
			})
		},
		"map_string": func(p *params, _ *pipeItem) applyFunc {
			mapping := p.mapping("mapping")
			return mapStrings(func(s str) ([]str, *fault) {
				to, ok := mapping[s.String()]
				if !ok {
					return []str{s}, nil
				}
				var out []str
				for _, t := range to {
					x := parseStr(t)
					x.cased = s.cased
					out = append(out, x)
				}
				return out, nil
			}, false)
		},
		"replace_string":  replaceString,
		"optional_suffix": optionalSuffix,
		"case": func(p *params, _ *pipeItem) applyFunc {
			method := p.optional("method")
			change := strings.ToLower
			switch method {
			case "", "lower":
			case "upper":
				change = strings.ToUpper
			default:
				p.r.refuse(p.n, "write lower or upper", "method %q of case", method)
			}
			return mapStrings(func(s str) ([]str, *fault) {
				return []str{s.mapText(func(t string) []part { return []part{{partText, change(t)}} })}, nil
			}, false)
		},
		"set_value":    setValue,
		"convert_type": convertType,
		"nest":         nest,
	}
}

func nest(p *params, it *pipeItem) applyFunc {
	n := p.get("items")
	if n == nil {
		p.r.refuse(p.n, "", "\"items\" is missing")
		return nil
	}
	it.children = p.r.list(n)
	return func(p *pass, d *document, it *pipeItem) *fault { return p.items(it.children, d) }
}

// fieldList stands for the transformations of the list `fields` of a rule, which
// says what to show and matches nothing.
func fieldList(key string) func(*params, *pipeItem) applyFunc {
	return func(p *params, _ *pipeItem) applyFunc {
		p.texts(key)
		return func(*pass, *document, *pipeItem) *fault { return nil }
	}
}

// matches says whether an item meets the conditions of a transformation.
func (it *pipeItem) matches(x *item, d *document) bool {
	x.doc = d
	if !it.details.match(x) {
		return false
	}
	if x.keyword {
		return it.names.match(fieldName{"", x, d})
	}
	return slices.ContainsFunc(x.fields, func(name string) bool { return it.names.match(fieldName{name, x, d}) })
}

// mark notes that a transformation changed an item.
func (it *pipeItem) mark(x *item) {
	if it.id != "" {
		if x.applied == nil {
			x.applied = map[string]bool{}
		}
		x.applied[it.id] = true
	}
}

// mappingOf reads a mapping of names, or of their prefixes. Where the fields of a
// logsource are found without regard to case, so are the names of the mapping.
func mappingOf(p *params, prefixes bool) func(name string, fold bool) []string {
	mapping := p.mapping("mapping")
	keys := slices.Sorted(maps.Keys(mapping))
	for _, k := range keys {
		for _, to := range mapping[k] {
			_, bag := parseBag(to)
			_, permission := parsePermission(to)
			if !bag && !permission && !prefixes && strings.Contains(to, "{") {
				p.r.refuse(get(get(p.n, "mapping"), k), "write list{Key=name}.value", "%q is no complete name of a value in a list", to)
			}
		}
	}
	slices.SortStableFunc(keys, func(a, b string) int { return len(b) - len(a) }) // the longest prefix first
	return func(name string, fold bool) []string {
		if !prefixes {
			if to, ok := mapping[name]; ok || !fold || name == "" {
				return to
			}
		}
		for _, k := range keys {
			if len(k) > len(name) || name == "" || !prefixes && len(k) != len(name) ||
				name[:len(k)] != k && (!fold || !strings.EqualFold(name[:len(k)], k)) {
				continue
			}
			out := make([]string, 0, len(mapping[k]))
			for _, to := range mapping[k] {
				if !prefixes || !strings.Contains(to, "=*}.") {
					out = append(out, to+name[len(k):])
				} else if in, ok := folded(to, name[len(k):]); ok {
					out = append(out, in)
				}
			}
			return out
		}
		return nil
	}
}

// rename maps names of fields. Several names for one field are its aliases: the
// field has the values of all of them.
func rename(it *pipeItem, to func(name string, fold bool) []string) applyFunc {
	return func(p *pass, d *document, it *pipeItem) *fault {
		one := func(name string, x *item, arrays bool) []string {
			if !it.names.match(fieldName{name, x, d}) {
				return nil
			}
			out := to(name, d.folds())
			if out == nil && arrays && name != "" {
				if base, rest := splitSelector(name); rest != "" {
					out = slices.Clone(to(base, d.folds()))
					for i := range out {
						out[i] += rest
					}
				}
			}
			if out != nil {
				p.mapped[name] = true
			}
			for _, o := range out {
				p.mapped[o] = true
			}
			return out
		}
		each := func(names []string, x *item, arrays bool) ([]string, bool) {
			var out []string
			changed := false
			for _, name := range names {
				mapped := one(name, x, arrays)
				if mapped == nil {
					mapped = []string{name}
				} else {
					changed = true
				}
				for _, m := range mapped {
					if !slices.Contains(out, m) {
						out = append(out, m)
					}
				}
			}
			return out, changed
		}
		d.walk(func(x *item) {
			x.doc = d
			if !it.details.match(x) {
				return
			}
			changed := false
			if x.keyword {
				if names := one("", x, false); names != nil {
					x.keyword, x.moved, x.field, x.fields = false, true, names[0], names
					changed = true
				}
			} else {
				x.fields, changed = each(x.fields, x, x.arrays)
			}
			for i := range x.values {
				if x.values[i].kind == valueRef {
					x.values[i].refs, _ = each(x.values[i].refs, x, x.arrays)
				}
			}
			if changed {
				it.mark(x)
			}
		})
		d.walkBlocks(func(b *block) { b.fields, _ = each(b.fields, nil, true) })
		if len(it.details.list) == 0 {
			d.mappers = append(d.mappers, func(names []string, arrays bool) []string {
				out, _ := each(names, nil, arrays)
				return out
			})
		}
		return nil
	}
}

// strictMapping refuses a rule with a field that no transformation before has mapped.
// Fields that a pipeline itself asks for are left alone.
func strictMapping(p *pass, d *document, _ *pipeItem) *fault {
	var names []string
	var at query.Span
	check := func(fields []string, span query.Span) {
		for _, name := range fields {
			if p.mapped[name] || slices.Contains(names, name) {
				continue
			}
			if names = append(names, name); at.Line == 0 {
				at = span
			}
		}
	}
	d.walk(func(x *item) {
		if x.added {
			return
		}
		if !x.keyword {
			check(x.fields, x.at)
		}
		for _, v := range x.values {
			check(v.refs, v.at)
		}
	})
	d.walkBlocks(func(b *block) { check(b.fields, b.at) })
	if len(names) > 0 {
		return faultAt(at, "map it in a pipeline before", "no pipeline maps %s", strings.Join(names, ", "))
	}
	return nil
}

func dropItems(_ *pass, d *document, it *pipeItem) *fault {
	var prune func(n node) node
	prune = func(n node) node {
		switch n := n.(type) {
		case *item:
			if it.matches(n, d) {
				return nil
			}
		case *group:
			kept := n.nodes[:0]
			for _, x := range n.nodes {
				if y := prune(x); y != nil {
					kept = append(kept, y)
				}
			}
			if n.nodes = kept; len(kept) == 0 {
				return nil
			}
		}
		return n
	}
	for _, name := range d.det.names {
		n := prune(d.det.byName[name])
		if n == nil {
			return spanless("dropping items leaves nothing of the search identifier %q", name)
		}
		d.det.byName[name] = n
	}
	return nil
}

// addCondition joins every condition of a rule with one more.
func addCondition(p *params, _ *pipeItem) applyFunc {
	n, name := p.get("conditions"), p.optional("name")
	template, negated := p.flag("template"), p.flag("negated")
	if n == nil || n.Kind != yaml.MappingNode {
		p.r.refuse(p.n, "write fields and values", "\"conditions\" is not a map")
		return nil
	}
	if _, f := (&reader{}).fields(n); f != nil {
		p.r.refusals = append(p.r.refusals, f.refusal(p.r.file, ""))
	}
	return func(pass *pass, d *document, _ *pipeItem) *fault {
		n := n
		if template {
			n = fillTemplate(n, strings.NewReplacer("$category", d.logsource.category, "$product", d.logsource.product,
				"$service", d.logsource.service, "${category}", d.logsource.category, "${product}", d.logsource.product,
				"${service}", d.logsource.service))
		}
		x, f := (&reader{placeholders: pass.placeholders}).fields(n)
		if f != nil {
			return spanless("%s", f.reason)
		}
		name := name
		for i := 1; name == "" || d.det.byName[name] != nil; i++ {
			name = fmt.Sprintf("_cond_%d", i)
		}
		walk(x, true, func(it *item) { it.added = true })
		d.det.add(name, x)
		var added cond = condName(name)
		if negated {
			added = condNot{added}
		}
		for i := range d.det.conditions {
			d.det.conditions[i].expr = condAnd{added, d.det.conditions[i].expr}
		}
		return nil
	}
}

func fillTemplate(n *yaml.Node, r *strings.Replacer) *yaml.Node {
	c := *n
	if n.Kind == yaml.ScalarNode {
		c.Value = r.Replace(n.Value)
		return &c
	}
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, x := range n.Content {
		if c.Content[i] = x; n.Kind != yaml.MappingNode || i%2 == 1 {
			c.Content[i] = fillTemplate(x, r)
		}
	}
	return &c
}

// spanless is a fault that takes the place of the rule.
func spanless(format string, args ...any) *fault {
	return faultAt(query.Span{}, "", format, args...)
}
