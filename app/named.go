package app

import (
	"fmt"
	"slices"

	"github.com/yagura-sec/yagura/rule"
)

// Unknown warns of the rules that side-cars and overlays name and that are not loaded, each
// place once: what resolves, notes or joins nothing is a mistake that no finding would show.
func (r *Rules) Unknown() ([]rule.Refusal, error) {
	all := slices.Concat(r.Rules, r.Disabled)
	known := wordsOf(all)
	var shipped map[string]bool
	var out []rule.Refusal
	seen := map[rule.Named]bool{}
	for _, x := range all {
		for _, n := range x.SideCar.Named {
			if known[n.Rule] || seen[n] {
				continue
			}
			seen[n] = true
			if shipped == nil {
				ours, err := LoadRules(RuleOptions{Placeholders: ExamplePlaceholders(nil)})
				if err != nil {
					return nil, err
				}
				shipped = wordsOf(slices.Concat(ours.Rules, ours.Disabled))
			}
			w := rule.Refusal{File: n.File, Line: n.Line, Column: n.Column, Rule: x.Title, Warning: true,
				Reason: fmt.Sprintf("%s names %q, which is no loaded rule", n.Key, n.Rule), Hint: "use the rule's id or exact title"}
			if shipped[n.Rule] {
				w.Reason = fmt.Sprintf("%s names %q, a shipped rule, which is not loaded here", n.Key, n.Rule)
				w.Hint = "name shipped beside your own rules, here and where they run"
			}
			out = append(out, w)
		}
	}
	return out, nil
}

// wordsOf are the ids and titles of rules.
func wordsOf(rules []*rule.Rule) map[string]bool {
	out := map[string]bool{}
	for _, r := range rules {
		out[r.ID], out[r.Title] = true, true
	}
	return out
}
