package detect

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/rule"
)

func TestExclusive(t *testing.T) {
	a, b := &rule.Rule{Title: "a", Exclusive: "falco"}, &rule.Rule{Title: "b", Exclusive: "falco"}
	other, free := &rule.Rule{Title: "other", Exclusive: "x"}, &rule.Rule{Title: "free"}
	found := func(rules ...*rule.Rule) (hits []Hit) {
		for _, r := range rules {
			hits = append(hits, Hit{Rule: r, Finds: true})
		}
		return hits
	}
	for _, c := range []struct {
		name string
		hits []Hit
		want []string
	}{
		{"the first of a group alone", found(a, b), []string{"a"}},
		{"whatever stands between", found(free, b, other, a, free), []string{"free", "b", "other", "free"}},
		{"without groups all", found(free, free), []string{"free", "free"}},
		{"a silent rule is not the first", []Hit{{Rule: a, Feeds: true}, {Rule: b, Finds: true}}, []string{"a (silent)", "b"}},
		{"what feeds goes on", []Hit{{Rule: a, Finds: true}, {Rule: b, Finds: true, Feeds: true}}, []string{"a", "b (silent)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, h := range exclusive(c.hits) {
				name := h.Rule.Title
				if !h.Finds {
					name += " (silent)"
				}
				got = append(got, name)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("hits (-want +got):\n%s", diff)
			}
		})
	}
}
