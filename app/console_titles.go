package app

import (
	"cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/rule"
)

// titlesOf are the titles of rules in both languages, by the names that addresses and findings
// have for them.
func titlesOf(rules []*rule.Rule) map[string]api.NamedRule {
	out := make(map[string]api.NamedRule, len(rules))
	for _, r := range rules {
		out[ruleID(r)] = api.NamedRule{ID: ruleID(r), Title: r.Title, TitleJA: r.Japanese.Title}
	}
	return out
}

// named is a rule by its id and the title that is known of it, "" for none. Titles are those
// of the rules that are loaded, of the product's own, and of the alerts of vendors.
func (s *Serve) named(id, title string) api.NamedRule {
	var n api.NamedRule
	if s != nil {
		n = s.rules.Load().titles[cmp.Or(id, title)]
	}
	n.ID, n.Title = cmp.Or(n.ID, id, title), cmp.Or(n.Title, title)
	if n.TitleJA == "" && n.Title != "" {
		n.TitleJA = builtinJapanese(yagura.RuleRef{ID: id, Title: n.Title, Engine: yagura.EngineBuiltin})
	}
	return n
}

// titleJA is the title of the rule of a finding in Japanese, "" where it has none.
func (c *console) titleJA(ref yagura.RuleRef) string { return c.serve.named(ref.ID, ref.Title).TitleJA }
