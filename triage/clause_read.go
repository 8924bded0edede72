package triage

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"go.yaml.in/yaml/v3"
)

var clauseKeys = []string{"name", "because", "when", "level", "raise", "lower", "keep", "suppress", "fold", "route", "assign", "label", "ask", "stop"}

// clauses reads the list of clauses.
func (r *reader) clauses(p *Policy, n *yaml.Node, o PolicyOptions) {
	if n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.SequenceNode {
		r.fault(n, "clauses is "+kindName(n), "write a list: each clause begins with a dash")
		return
	}
	if len(n.Content) > maxClauses {
		r.fault(n, fmt.Sprintf("there are %d clauses, more than %d", len(n.Content), maxClauses), "")
		return
	}
	names := map[string]*clause{}
	for i, item := range n.Content {
		c := &clause{name: fmt.Sprintf("clause %d", i+1), place: r.place(item), line: item.Line, column: item.Column}
		r.clauseOf(p, c, item, o)
		r.clause = ""
		if before := names[c.name]; before != nil {
			r.fault(item, fmt.Sprintf("clause %q is there twice, first in line %d", c.name, before.line), "give each a name of its own")
		}
		names[c.name] = c
		p.clauses = append(p.clauses, c)
	}
}

func (r *reader) clauseOf(p *Policy, c *clause, n *yaml.Node, o PolicyOptions) {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == "name" { // first, since the other faults name it
				if s := r.text(n.Content[i+1], "name", maxText); s != "" {
					c.name = s
				}
			}
		}
	}
	r.clause = c.name
	var levels []string
	acts := false
	ok := r.mapping(n, "a clause", clauseKeys, func(key, v *yaml.Node) {
		acts = acts || key.Value != "name" && key.Value != "because" && key.Value != "when"
		switch key.Value {
		case "because":
			c.because = r.text(v, "because", maxText)
		case "when":
			if c.when = r.expression(v, "when", cel.BoolType); c.when != nil && isTrue(c.when) {
				c.when = nil
			}
		case "level":
			c.level = r.severity(v, "level")
		case "raise":
			c.raise = r.number(v, "raise", 4)
		case "lower":
			c.lower = r.number(v, "lower", 4)
		case "keep":
			if c.keep = true; v.Value != "source" {
				r.fault(v, fmt.Sprintf("keep is %q", v.Value), "write keep: source")
			}
		case "suppress":
			c.pause = r.suppression(p, v, o)
		case "fold":
			c.fold = r.fold(v)
		case "route":
			c.route = r.route(v)
		case "assign":
			c.assign = r.value(v, "assign", maxText)
		case "label":
			for _, item := range r.items(v, "label") {
				if x := r.value(item, "label", 4*maxLabel); x != nil {
					if utf8.RuneCountInString(x.text) > maxLabel {
						r.fault(item, fmt.Sprintf("label %q has more than %d characters", x.text, maxLabel), "GitHub takes no longer ones")
					}
					c.labels = append(c.labels, *x)
				}
			}
		case "ask":
			r.askOf(c, v)
		case "stop":
			c.stop = r.flag(v, "stop")
		}
		if slices.Contains([]string{"level", "raise", "lower", "keep"}, key.Value) {
			levels = append(levels, key.Value)
		}
	})
	switch {
	case !ok:
	case len(levels) > 1:
		r.fault(n, strings.Join(levels, " and ")+" are in one clause", "keep one, or write two clauses")
	case !acts:
		r.fault(n, "the clause does nothing", "give it one of "+strings.Join(clauseKeys[3:], ", "))
	}
}

func isTrue(x *expr) bool {
	return strings.TrimSpace(x.text) == "true"
}

// suppression reads a date and a reason; both are required.
func (r *reader) suppression(p *Policy, n *yaml.Node, o PolicyOptions) *suppression {
	s := &suppression{node: n}
	var until *yaml.Node
	if !r.mapping(n, "suppress", []string{"until", "reason"}, func(key, v *yaml.Node) {
		switch key.Value {
		case "until":
			until = v
		case "reason":
			s.reason = r.text(v, "reason", maxText)
		}
	}) {
		return nil
	}
	if !hasKey(n, "reason") {
		r.fault(n, "suppress has no reason", "write reason: why nobody needs to be told")
	}
	if until == nil {
		r.fault(n, "suppress has no end", "write until: 2027-01-31 (at most a year from now)")
		return s
	}
	s.node = until
	s.until = r.date(until, p.zone)
	if !s.until.IsZero() && !o.Now.IsZero() && s.until.Sub(o.Now) > maxPause {
		r.fault(until, "suppress until "+until.Value+" is more than a year from now", "write a date that somebody will look at, and renew it then")
	}
	return s
}

func hasKey(n *yaml.Node, name string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return true
		}
	}
	return false
}

// date reads 2027-01-31, which is to the end of that day, or a time by RFC 3339.
func (r *reader) date(n *yaml.Node, zone *time.Location) time.Time {
	if d, err := time.ParseInLocation(time.DateOnly, n.Value, zone); err == nil {
		return d.AddDate(0, 0, 1)
	}
	if t, err := time.Parse(time.RFC3339, n.Value); err == nil {
		return t
	}
	r.fault(n, fmt.Sprintf("until is %q", n.Value), "write a date like 2027-01-31, or a time like 2027-01-31T18:00:00+09:00")
	return time.Time{}
}

// ephemeral are fields whose value is another for every finding, or which the issue
// itself decides: what is folded by them is folded by nothing.
var ephemeral = []string{"finding.id", "finding.time", "finding.event.id", "finding.event.time", "finding.events",
	"finding.event", "finding", "event", "now", "issue", "severity", "finding.output", "finding.caps", "entities", "finding.entities", "finding.why"}

func (r *reader) fold(n *yaml.Node) []foldPart {
	var out []foldPart
	for _, item := range r.items(n, "fold") {
		if item.Kind == yaml.ScalarNode && item.Value == "account" {
			out = append(out, foldPart{name: "account"})
			continue
		}
		x := r.expression(item, "fold", nil)
		if x == nil {
			continue
		}
		switch t := x.ast.OutputType(); {
		case slices.Contains(ephemeral, x.text), slices.Contains(x.roots, "issue"), slices.Contains(x.roots, "now"), slices.Contains(x.roots, "severity"),
			t.IsExactType(cel.TimestampType):
			r.fault(item, fmt.Sprintf("fold: %s is another for every finding, or is decided later", x.text), "fold by who or what it is about: account, finding.rule.id, finding.event.actor.id …")
		case len(x.usual) > 0:
			r.fault(item, fmt.Sprintf("fold: %s is empty when the lake does not answer", x.text), "what is one cause must not hang on it; ask usual in when, and fold by what the finding is about")
		case t.IsExactType(cel.StringType), t.IsExactType(cel.IntType), t.IsExactType(cel.BoolType), t.Kind() == types.DynKind,
			t.IsExactType(cel.ListType(cel.StringType)), t.IsExactType(severityType), t.IsExactType(cel.ListType(cel.DynType)):
			out = append(out, foldPart{name: x.text, from: x})
		default:
			r.fault(item, fmt.Sprintf("fold: %s is a %s", x.text, cel.FormatCELType(t)), "want text, a number, true or false, or a list of texts")
		}
	}
	if len(out) == 0 && !Refused(r.problems) {
		r.fault(n, "fold names nothing", "write keys like [account, finding.rule.id]")
	}
	return out
}

func (r *reader) route(n *yaml.Node) *routes {
	if n.Kind != yaml.MappingNode {
		w := r.words(n, "route")
		return &routes{set: w.list, words: w}
	}
	out := &routes{}
	r.mapping(n, "route", []string{"set", "add", "remove"}, func(key, v *yaml.Node) {
		w := r.words(v, "route."+key.Value)
		switch key.Value {
		case "set":
			out.set = w.list
		case "add":
			out.add = w.list
		case "remove":
			out.remove = w.list
		}
		out.words.list = append(out.words.list, w.list...)
		out.words.nodes = append(out.words.nodes, w.nodes...)
	})
	if len(n.Content) == 0 {
		r.fault(n, "route changes nothing", "write set, add or remove")
	}
	return out
}

// value reads a text, or {from: expression}.
func (r *reader) value(n *yaml.Node, what string, most int) *value {
	if n.Kind != yaml.MappingNode {
		if s := r.text(n, what, most); s != "" {
			return &value{text: s}
		}
		return nil
	}
	v := &value{}
	r.mapping(n, what, []string{"from"}, func(_, x *yaml.Node) { v.from = r.expression(x, what+".from", cel.StringType) })
	if len(n.Content) == 0 {
		r.fault(n, what+" is empty", "write text, or from: and an expression")
	}
	if v.from == nil {
		return nil
	}
	return v
}

func (r *reader) askOf(c *clause, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Value == "actor" {
		c.askActor = true
		return
	}
	c.ask = r.value(n, "ask", maxText)
}
