package app

import (
	"fmt"
	"slices"

	"github.com/yagura-sec/yagura/rule"
)

// Unknown warns of the rules that side-cars and overlays name and that are not loaded, each
// place once: what resolves, notes or joins nothing is a mistake that no finding would show.
func (r *Rules) Unknown() ([]rule.Refusal, error) {
	all := r.All()
	known := byWord(all)
	var shipped map[string]*rule.Rule
	var out []rule.Refusal
	seen := map[rule.Named]bool{}
	for _, x := range all {
		for _, n := range x.SideCar.Named {
			if known[n.Rule] != nil || seen[n] {
				continue
			}
			seen[n] = true
			if shipped == nil {
				ours, err := LoadRules(RuleOptions{Placeholders: ExamplePlaceholders(nil)})
				if err != nil {
					return nil, err
				}
				shipped = byWord(slices.Concat(ours.Rules, ours.Disabled))
			}
			w := rule.Refusal{File: n.File, Line: n.Line, Column: n.Column, Rule: x.Title, Warning: true,
				Reason: fmt.Sprintf("%s names %q, which is no loaded rule", n.Key, n.Rule), Hint: "use the rule's id or exact title"}
			if shipped[n.Rule] != nil {
				w.Reason = fmt.Sprintf("%s names %q, a shipped rule, which is not loaded here", n.Key, n.Rule)
				w.Hint = "name shipped beside your own rules, here and where they run"
			}
			out = append(out, w)
		}
	}
	return out, nil
}

// byWord finds rules by what others name them by: id and title.
func byWord(rules []*rule.Rule) map[string]*rule.Rule {
	out := map[string]*rule.Rule{}
	for _, r := range rules {
		out[r.ID], out[r.Title] = r, r
	}
	return out
}
