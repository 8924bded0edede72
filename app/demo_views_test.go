package app

import (
	"slices"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/demo/generate"
	"github.com/yagura-sec/yagura/filter"
)

// TestDemoViews: every view that the invented company keeps is of a list that there is, and its
// query and order are of that list's grammar; its owner is one of the company's people, and
// they give the labels that it asks for.
func TestDemoViews(t *testing.T) {
	now := time.Date(2026, 5, 15, 12, 0, 0, 0, time.UTC)
	week := generate.New(generate.Options{Seed: 1, End: now})
	labels := map[string]bool{}
	for _, a := range week.Acts() {
		for _, l := range a.Labels {
			labels[l] = true
		}
	}
	for _, v := range demoViews {
		list := filter.Named(v.list)
		if list == nil {
			t.Errorf("%s: there is no list %q", v.name, v.list)
			continue
		}
		q, err := filter.Parse(list, v.query)
		if err != nil {
			t.Errorf("%s: %v", v.name, err)
			continue
		}
		if text := q.At(now, time.UTC).String(); len(q.Terms) == 0 || text == "" {
			t.Errorf("%s asks for nothing: %q", v.name, text)
		}
		for _, term := range q.Terms {
			for _, value := range term.Values {
				if term.Field != nil && term.Field.Name == "label" && !labels[value.Text] {
					t.Errorf("%s asks for the label %q, which nobody gives", v.name, value.Text)
				}
			}
		}
		if _, err := list.Sort(v.sort); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		if !slices.ContainsFunc(week.Members(), func(m generate.Member) bool { return m.Name == v.owner }) {
			t.Errorf("%s: nobody is called %s", v.name, v.owner)
		}
	}
}
