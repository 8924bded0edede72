package sigma

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/rule"
)

// noValue stands in for a placeholder that has none, so that its rule compiles, as a text
// and as a network. What reads it does not run.
const noValue = "192.0.2.0/32"

// optional gives placeholders that may be without a value one.
func (l *loader) optional() {
	for _, name := range l.opts.Optional {
		if len(l.opts.Placeholders[name]) == 0 {
			l.unset = append(l.unset, name)
		}
	}
	if len(l.unset) == 0 {
		return
	}
	l.opts.Placeholders = maps.Clone(l.opts.Placeholders)
	if l.opts.Placeholders == nil {
		l.opts.Placeholders = map[string][]string{}
	}
	for _, name := range l.unset {
		l.opts.Placeholders[name] = []string{noValue}
	}
}

// waits lists the placeholders without a value that values of expand hold.
func (l *loader) waits(n *yaml.Node) (names []string) {
	if len(l.unset) == 0 {
		return nil
	}
	var walk func(n *yaml.Node, expand bool, depth int)
	walk = func(n *yaml.Node, expand bool, depth int) {
		if n == nil || depth > maxDepth {
			return
		}
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				walk(n.Content[i+1], expand || strings.Contains(n.Content[i].Value, "|expand"), depth+1)
			}
		case yaml.ScalarNode:
			for _, name := range l.unset {
				if expand && strings.Contains(n.Value, "%"+name+"%") && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		default:
			for _, x := range n.Content {
				walk(x, expand, depth+1)
			}
		}
	}
	walk(n, false, 0)
	return names
}

// wait disables correlations with a base that waits.
func (l *loader) wait() {
	var waits func(r *rule.Rule, depth int) []string
	waits = func(r *rule.Rule, depth int) (names []string) {
		if r.Correlation == nil || depth > maxDepth {
			return r.Waits
		}
		for _, base := range r.Correlation.Rules {
			names = append(names, waits(base, depth+1)...)
		}
		return names
	}
	for _, d := range l.docs {
		if d.rule == nil || d.rule.Correlation == nil {
			continue
		}
		names := waits(d.rule, 0)
		slices.Sort(names)
		d.rule.Waits = slices.Compact(names)
		d.rule.Disabled = d.rule.Disabled || len(names) > 0
	}
}
