package sigma

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// document is one YAML document: a detection rule, a correlation or a filter.
type document struct {
	file string
	node *yaml.Node
	at   query.Span
	meta meta

	proven bool // it is of a tree: its rule is known to compile

	logsource logsource
	det       *detections // of a detection rule
	arrays    bool

	// What pipelines know and say of a detection rule.
	pass       *pass
	attributes map[string][]string
	mappers    []func(names []string, arrays bool) []string

	corr *correlation // of a correlation
	rule *rule.Rule   // compiled; nil when it was refused
}

// meta is what all documents have.
type meta struct {
	id, name, title string
	tags            []string
	severity        yagura.Severity
	level           string
}

// label is the name under which people know a document.
func (d *document) label() string {
	for _, s := range []string{d.meta.title, d.meta.name, d.meta.id} {
		if s != "" {
			return s
		}
	}
	return ""
}

// is says whether a reference means the document: its id, name or title.
func (d *document) is(ref string) bool {
	return ref != "" && (ref == d.meta.name || strings.EqualFold(ref, d.meta.id) || ref == d.meta.title)
}

// walk calls f for every item of the rule outside array blocks, walkAll for those
// inside too.
func (d *document) walk(f func(*item))    { d.each(false, f) }
func (d *document) walkAll(f func(*item)) { d.each(true, f) }

func (d *document) each(blocks bool, f func(*item)) {
	for _, name := range d.det.names {
		walk(d.det.byName[name], blocks, f)
	}
}

// walkBlocks calls f for every array block that is in no other.
func (d *document) walkBlocks(f func(*block)) {
	var visit func(n node)
	visit = func(n node) {
		switch n := n.(type) {
		case *block:
			f(n)
		case *group:
			for _, x := range n.nodes {
				visit(x)
			}
		}
	}
	for _, name := range d.det.names {
		visit(d.det.byName[name])
	}
}

// mapped returns what pipelines make of a field's name in the events of this rule.
func (d *document) mapped(name string, arrays bool) []string {
	names := []string{name}
	for _, m := range d.mappers {
		names = m(names, arrays)
	}
	return names
}

// folds says whether field names of the rule are found without regard to case.
func (d *document) folds() bool {
	set := d.attributes[attrFold]
	return len(set) == 1 && set[0] == "true"
}

// knownKeys are the keys of the specification, for the hint at a misspelt one.
var knownKeys = []string{"title", "id", "name", "related", "taxonomy", "status", "description", "license", "author",
	"references", "date", "modified", "logsource", "detection", "correlation", "filter", "fields", "falsepositives",
	"level", "tags", "scope", "action", "generate", "sigma-version", "yagura"}

// typos are the keys whose misspelling would change what a rule finds.
var typos = []string{"logsource", "detection", "correlation", "filter", "level", "title", "name", "sigma-version", "yagura"}

// readMeta reads what all documents have and warns of keys that look misspelt.
func readMeta(d *document) (warnings []*fault, f *fault) {
	n := d.node
	m := &d.meta
	m.id, m.name, m.title = text(get(n, "id")), text(get(n, "name")), text(get(n, "title"))
	for _, key := range []string{"id", "name", "title", "level", "status", "description", "license", "taxonomy", "sigma-version"} {
		if v := get(n, key); v != nil && v.Kind != yaml.ScalarNode {
			return nil, faultNode(v, "write one text", "%s is not text", key)
		}
	}
	for _, key := range []string{"tags", "references", "falsepositives", "author"} {
		if v := get(n, key); v != nil && !isNull(v) && len(texts(v)) != size(v) {
			warnings = append(warnings, faultNode(v, "write a list of texts", "what is not text in %s is left out", key))
		}
	}
	m.tags = texts(get(n, "tags"))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if slices.Contains(knownKeys, key.Value) || len(key.Value) < 4 {
			continue
		}
		for _, k := range typos {
			if get(n, k) == nil && nearest(key.Value, []string{k}) != "" && rule.Distance(strings.ToLower(key.Value), k, 3) < 3 {
				warnings = append(warnings, faultNode(key, "did you mean "+k+"?", "unknown key %q is taken as a custom attribute", key.Value))
			}
		}
	}
	if v := get(n, "taxonomy"); text(v) != "" && text(v) != "sigma" {
		warnings = append(warnings, faultNode(v, "give a pipeline that maps its fields", "taxonomy %q is known only to pipelines that ask for it", text(v)))
	}
	if d.label() == "" {
		return warnings, faultAt(d.at, "write a title", "the document has neither title nor name nor id")
	}
	m.level = text(get(n, "level"))
	switch strings.ToLower(m.level) {
	case "":
		m.severity = yagura.SeverityLow
	case "informational":
		m.severity = yagura.SeverityNone
	case "low":
		m.severity = yagura.SeverityLow
	case "medium":
		m.severity = yagura.SeverityMedium
	case "high":
		m.severity = yagura.SeverityHigh
	case "critical":
		m.severity = yagura.SeverityCritical
	default:
		hint := nearest(m.level, levels)
		if hint == "" {
			hint = "write informational, low, medium, high or critical"
		}
		return warnings, faultNode(get(n, "level"), hint, "unknown level %q", m.level)
	}
	switch v := text(get(n, "sigma-version")); {
	case v == "":
	case strings.HasPrefix(v, "1.") || v == "1" || strings.HasPrefix(v, "2.") || v == "2":
	case strings.HasPrefix(v, "3.") || v == "3":
		d.arrays = true
	default:
		return warnings, faultNode(get(n, "sigma-version"), "write 2 or 3", "sigma-version %q is not known", v)
	}
	return warnings, nil
}

// newRule makes the rule of a document but for what it matches.
func (d *document) newRule() *rule.Rule {
	n := d.node
	return &rule.Rule{
		ID: d.meta.id, Name: d.meta.name, Title: d.label(), Engine: yagura.EngineSigma, File: d.file, Line: d.at.Line,
		Tags: d.meta.tags, Severity: d.meta.severity, SeverityOriginal: d.meta.level,
		Description: text(get(n, "description")), Author: strings.Join(texts(get(n, "author")), ", "),
		License: text(get(n, "license")), Status: text(get(n, "status")),
		References: texts(get(n, "references")), FalsePositives: texts(get(n, "falsepositives")),
	}
}

// logsourceKeys are what says which logs a rule is for, and what explains it.
var logsourceKeys = []string{"category", "product", "service", "definition"}

// logsourceWarnings tells of keys of a logsource that mean nothing.
func logsourceWarnings(n *yaml.Node) (out []*fault) {
	l := get(n, "logsource")
	if l == nil || l.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(l.Content); i += 2 {
		if key := l.Content[i]; !slices.Contains(logsourceKeys, key.Value) {
			out = append(out, faultNode(key, nearest(key.Value, logsourceKeys), "unknown key %q of the logsource is not looked at", key.Value))
		}
	}
	return out
}

// readLogsource reads the logsource of a rule or filter.
func readLogsource(n *yaml.Node) (logsource, *fault) {
	l := get(n, "logsource")
	switch {
	case l == nil:
		return logsource{}, faultNode(n, "write logsource: and product, service or category", "the rule has no logsource")
	case l.Kind != yaml.MappingNode:
		return logsource{}, faultNode(l, "write product, service or category below it", "logsource is not a map")
	}
	for _, key := range []string{"category", "product", "service"} {
		if v := get(l, key); v != nil && v.Kind != yaml.ScalarNode {
			return logsource{}, faultNode(v, "write one name", "%s of the logsource is not text", key)
		}
	}
	out := logsource{text(get(l, "category")), text(get(l, "product")), text(get(l, "service"))}
	if out == (logsource{}) {
		hint := "write product, service or category"
		for i := 0; i+1 < len(l.Content); i += 2 {
			if m := nearest(l.Content[i].Value, []string{"category", "product", "service"}); m != "" {
				hint = m
			}
		}
		return out, faultNode(l, hint, "the logsource names neither product nor service nor category")
	}
	return out, nil
}

// merge joins legacy documents: what b says wins, maps are joined key by key.
func merge(a, b *yaml.Node) *yaml.Node {
	if a == nil || b == nil || a.Kind != yaml.MappingNode || b.Kind != yaml.MappingNode {
		if b == nil {
			return a
		}
		return b
	}
	out := *b
	out.Content = slices.Clone(a.Content)
	for i := 0; i+1 < len(b.Content); i += 2 {
		found := false
		for j := 0; j+1 < len(out.Content); j += 2 {
			if out.Content[j].Value == b.Content[i].Value {
				out.Content[j], out.Content[j+1] = b.Content[i], merge(out.Content[j+1], b.Content[i+1])
				found = true
			}
		}
		if !found {
			out.Content = append(out.Content, b.Content[i], b.Content[i+1])
		}
	}
	return &out
}

// legacy resolves the `action` documents of before Sigma 2: global is joined into
// all that follow, reset forgets it, repeat joins into the document before.
func legacy(docs []parsed) []parsed {
	var out []parsed
	var global, previous *yaml.Node
	for _, d := range docs {
		n := d.root
		if d.fault != nil {
			out = append(out, d)
			continue
		}
		action := get(n, "action")
		if action == nil || n.Kind != yaml.MappingNode {
			if global != nil {
				n = merge(global, n)
			}
			previous = n
			out = append(out, parsed{root: n})
			continue
		}
		n = without(n, "action")
		wrong := func(hint, format string, args ...any) {
			out = append(out, parsed{root: n, fault: faultNode(action, hint, format, args...)})
		}
		switch action.Value {
		case "global":
			global = merge(global, n)
		case "reset":
			global = nil
			if len(n.Content) > 0 {
				wrong("put it in a document of its own", "what stands beside action: reset is not read")
			}
		case "repeat":
			if previous == nil {
				wrong("", "action: repeat without a document before it")
				continue
			}
			previous = merge(previous, n)
			out = append(out, parsed{root: previous})
		default:
			wrong("write global, reset or repeat", "unknown action %q", action.Value)
		}
	}
	return out
}

func without(n *yaml.Node, key string) *yaml.Node {
	out := *n
	out.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != key {
			out.Content = append(out.Content, n.Content[i], n.Content[i+1])
		}
	}
	return &out
}
