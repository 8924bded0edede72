package detect

import (
	"cmp"
	"slices"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
)

// aside gives the hits of rules that join whatever else the event is an issue of
// (rule.JoinsSharper, rule.JoinsEvent) the hit whose cause is theirs too: of those that are
// findings at their level or above, of a rule that joins nothing before a general one, the
// most severe. What has none keeps its own cause. General rules come after the others, and
// after them the rules that say how it was done: an issue is opened, and named, by the rule
// that says most of the deed.
func aside(hits []Hit) []Hit {
	if !slices.ContainsFunc(hits, func(h Hit) bool { return h.rank() > 0 }) {
		return hits
	}
	slices.SortStableFunc(hits, func(a, b Hit) int {
		if c := cmp.Compare(a.rank(), b.rank()); c != 0 || a.rank() == 0 {
			return c
		}
		return cmp.Compare(b.Rule.EffectiveSeverity(), a.Rule.EffectiveSeverity())
	})
	for i := range hits {
		h := &hits[i]
		if !h.Finds || h.rank() == 0 {
			continue
		}
		rank, level := 0, yagura.Severity(0)
		for k, o := range hits[:i] {
			if !o.Finds || o.host > 0 || o.Rule.SideCar.Mode == rule.ModeCount || o.Rule.EffectiveSeverity() < h.Rule.EffectiveSeverity() {
				continue
			}
			if h.host == 0 || o.rank() == rank && o.Rule.EffectiveSeverity() > level {
				rank, level, h.host = o.rank(), o.Rule.EffectiveSeverity(), k+1
			}
		}
	}
	return hits
}

// rank is 0 for a rule whose findings are of its own issue, 1 for a general one and 2 for
// one that says how something was done.
func (h Hit) rank() int {
	switch h.Rule.SideCar.Joins {
	case rule.JoinsSharper:
		return 1
	case rule.JoinsEvent:
		return 2
	}
	return 0
}
