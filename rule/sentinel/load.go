package sentinel

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/rule"
)

// The bounds of a file.
const (
	maxFile   = 16 << 20
	maxRules  = 20_000
	maxQuery  = 1 << 20
	maxText   = 64 << 10
	maxList   = 500
	maxFields = 50
)

// Load reads rules. Every refusal but a warning is of a rule, or file, that was not loaded.
func Load(files []rule.File, o Options) ([]*Rule, []rule.Refusal) {
	var rules []*Rule
	var refusals []rule.Refusal
	for _, f := range files {
		list, bad := loadFile(f, o)
		rules, refusals = append(rules, list...), append(refusals, bad...)
	}
	first := map[string]*Rule{}
	rules = slices.DeleteFunc(rules, func(r *Rule) bool {
		have := first[r.ID]
		if have != nil && r.template { // made from a template that is loaded too
			sum := sha256.Sum256([]byte(r.Title + "\x00" + r.Query))
			r.ID += "-" + hex.EncodeToString(sum[:4])
			have = first[r.ID]
		}
		if have == nil {
			first[r.ID] = r
			return false
		}
		refusals = append(refusals, rule.Refusal{File: r.File, Line: r.Line, Column: 1, Rule: r.Title, Reason: fmt.Sprintf("id %s is that of the rule in %s:%d", r.ID, have.File, have.Line),
			Hint: "two rules with one id would write over each other's findings; give one of them an id of its own"})
		return true
	})
	return rules, refusals
}

func loadFile(f rule.File, o Options) (rules []*Rule, refusals []rule.Refusal) {
	whole := func(line int, reason, hint string) []rule.Refusal {
		return []rule.Refusal{{File: f.Path, Line: line, Column: min(line, 1), Reason: reason, Hint: hint}}
	}
	if len(f.Data) > maxFile {
		return nil, whole(0, fmt.Sprintf("%d bytes are more than the limit of %d for a rule file", len(f.Data), maxFile), "")
	}
	dec := yaml.NewDecoder(bytes.NewReader(f.Data))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		switch {
		case errors.Is(err, io.EOF):
			return rules, refusals
		case err != nil:
			line := 0
			if _, e := fmt.Sscanf(err.Error(), "yaml: line %d:", &line); e != nil {
				line = 1
			}
			return rules, append(refusals, whole(line, strings.TrimPrefix(err.Error(), "yaml: "), "")...)
		case len(doc.Content) == 0:
			continue
		}
		list, bad := documents(doc.Content[0], f)
		refusals = append(refusals, bad...)
		for _, d := range list {
			if len(rules) >= maxRules {
				return rules, append(refusals, whole(d.node.Line, fmt.Sprintf("more than %d rules in one file", maxRules), "")...)
			}
			r, bad := d.read(o)
			refusals = append(refusals, bad...)
			if r != nil {
				rules = append(rules, r)
			}
		}
	}
}

// document is one rule as it stands in a file.
type document struct {
	file rule.File
	node *yaml.Node
	kind string // of an exported rule, whose kind stands beside its properties
	name string // of an exported rule
	at   *yaml.Node
	arm  bool
}

// documents finds the rules of a YAML document.
func documents(n *yaml.Node, f rule.File) (out []document, refusals []rule.Refusal) {
	switch {
	case n.Kind == yaml.SequenceNode: // rules exported together
		for _, item := range n.Content {
			list, bad := documents(resolved(item), f)
			out, refusals = append(out, list...), append(refusals, bad...)
		}
		return out, refusals
	case n.Kind != yaml.MappingNode:
		return nil, []rule.Refusal{{File: f.Path, Line: n.Line, Column: n.Column, Reason: "neither a rule nor a template with rules", Hint: "a rule has name: and query:"}}
	}
	if resources := value(n, "resources"); resources != nil && resources.Kind == yaml.SequenceNode {
		for _, item := range resources.Content {
			if item = resolved(item); item.Kind != yaml.MappingNode {
				continue
			}
			if kind := strings.ToLower(scalar(item, "type")); strings.HasSuffix(kind, "alertrules") {
				out = append(out, exported(item, f))
			}
		}
		if out == nil {
			return nil, []rule.Refusal{{File: f.Path, Line: n.Line, Column: n.Column, Reason: "there is no analytic rule among the resources of this template", Hint: "an analytic rule has the type …/alertRules"}}
		}
		return out, nil
	}
	if list := value(n, "value"); list != nil && list.Kind == yaml.SequenceNode && value(n, "query") == nil { // the answer of the management API
		return documents(list, f)
	}
	if p := value(n, "properties"); p != nil && p.Kind == yaml.MappingNode {
		return []document{exported(n, f)}, nil
	}
	return []document{{file: f, node: n, at: n}}, nil
}

func exported(n *yaml.Node, f rule.File) document {
	d := document{file: f, node: value(n, "properties"), kind: scalar(n, "kind"), name: scalar(n, "name"), at: n, arm: true}
	if d.node == nil || d.node.Kind != yaml.MappingNode {
		d.node = n
	}
	return d
}

// reader reads one rule, and collects what is wrong with it.
type reader struct {
	document
	keys     map[string]*yaml.Node
	title    string
	refusals []rule.Refusal
}

func (d document) read(o Options) (*Rule, []rule.Refusal) {
	p := &reader{document: d}
	r := p.rule(o)
	if slices.ContainsFunc(p.refusals, notWarning) {
		return nil, p.refusals
	}
	return r, p.refusals
}

func notWarning(r rule.Refusal) bool { return !r.Warning }

func (p *reader) refuse(n *yaml.Node, reason, hint string) { p.add(n, reason, hint, false) }
func (p *reader) warn(n *yaml.Node, reason, hint string)   { p.add(n, reason, hint, true) }

func (p *reader) add(n *yaml.Node, reason, hint string, warning bool) {
	if n == nil {
		n = p.at
	}
	p.refusals = append(p.refusals, rule.Refusal{File: p.file.Path, Line: n.Line, Column: n.Column, Rule: p.title, Reason: reason, Hint: hint, Warning: warning})
}

// mapping returns the keys of a mapping that are allowed, by lower-case name: exports do not
// spell them alike.
func (p *reader) mapping(n *yaml.Node, what string, allowed []string) map[string]*yaml.Node {
	out := map[string]*yaml.Node{}
	if n = resolved(n); n == nil || n.Tag == "!!null" {
		return out
	}
	if n.Kind != yaml.MappingNode {
		p.refuse(n, what+" is not a mapping", "")
		return out
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], resolved(n.Content[i+1])
		name := ""
		for _, a := range allowed {
			if strings.EqualFold(a, key.Value) {
				name = a
			}
		}
		switch {
		case key.Kind != yaml.ScalarNode || name == "":
			p.refuse(key, fmt.Sprintf("unknown key %q in %s", cut(key.Value), what), nearest(key.Value, allowed))
		case out[name] != nil:
			p.refuse(key, fmt.Sprintf("key %q appears twice in %s", name, what), "keep one of them")
		case v.Tag == "!!null":
		default:
			out[name] = v
		}
	}
	return out
}

// text returns a scalar.
func (p *reader) text(n *yaml.Node, what string) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode {
		p.refuse(n, what+" is not text", "")
		return ""
	}
	if len(n.Value) > maxText && what != "query" {
		p.refuse(n, fmt.Sprintf("%s has %d bytes, more than %d", what, len(n.Value), maxText), "")
		return ""
	}
	return strings.TrimSpace(n.Value)
}

// texts returns a list of scalars; one scalar stands for a list of one.
func (p *reader) texts(n *yaml.Node, what string) (out []string) {
	for _, item := range p.items(n, what) {
		if s := p.text(item, "an entry of "+what); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func (p *reader) items(n *yaml.Node, what string) (out []*yaml.Node) {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		return []*yaml.Node{n}
	}
	if len(n.Content) > maxList {
		p.refuse(n, fmt.Sprintf("%s has %d entries, more than %d", what, len(n.Content), maxList), "")
		return nil
	}
	for _, item := range n.Content {
		if item = resolved(item); item.Tag != "!!null" {
			out = append(out, item)
		}
	}
	return out
}

func (p *reader) boolean(n *yaml.Node, what string, otherwise bool) bool {
	if n == nil {
		return otherwise
	}
	switch strings.ToLower(p.text(n, what)) {
	case "true":
		return true
	case "false":
		return false
	}
	p.refuse(n, fmt.Sprintf("%s is %q, neither true nor false", what, cut(n.Value)), "")
	return otherwise
}

// value returns what a mapping has under a key, whatever the key's case.
func value(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if strings.EqualFold(n.Content[i].Value, key) {
			return resolved(n.Content[i+1])
		}
	}
	return nil
}

func scalar(n *yaml.Node, key string) string {
	if v := value(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

func resolved(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func cut(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}

// nearest returns a hint with the word nearest to got.
func nearest(got string, words []string) string {
	best, dist := "", 4
	for _, w := range words {
		if d := rule.Distance(strings.ToLower(got), strings.ToLower(w), dist); d < dist {
			best, dist = w, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "known are " + strings.Join(words, ", ")
}
