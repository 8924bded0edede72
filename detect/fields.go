package detect

import (
	"slices"

	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/slot"
)

// Track makes m note which fields the records that it judges have, for
// [Engine.Unseen]. It costs a little on every record.
func (m *Matcher) Track() { m.track = true }

// note notes which slots a record fills.
func (s *formatState) note(doc *slot.Doc) {
	s.records++
	if s.filled == nil {
		s.filled = map[slot.ID]bool{}
	}
	for _, id := range doc.Filled() {
		if !s.filled[id] {
			s.filled[id] = true
		}
	}
}

// Unseen says what of a rule no record had.
type Unseen struct {
	Rule *rule.Rule
	// Records is how many records the rule judged. With none, Fields is empty: nothing
	// can be said.
	Records int
	// Fields are the names of fields that none of those records had, as the rule writes
	// them.
	Fields []string
}

// Unseen lists the rules that judged no record, or that read fields which no record
// had that they judged, by what some matchers tracked. Correlations are left out:
// their base rules are looked at.
func (e *Engine) Unseen(matchers ...*Matcher) []Unseen {
	type state struct {
		records int
		missing []bool
	}
	states := make([]state, len(e.rules))
	for i, r := range e.rules {
		states[i].missing = slices.Repeat([]bool{true}, len(r.Fields))
	}
	for _, m := range matchers {
		for _, f := range m.states {
			for i := range f.rules {
				c := &f.rules[i]
				st := &states[c.num]
				st.records += f.records
				for k, id := range c.fields {
					if slices.ContainsFunc(f.set.Slots(id), func(s slot.ID) bool { return f.filled[s] }) {
						st.missing[k] = false
					}
				}
			}
		}
	}
	var out []Unseen
	for i, r := range e.rules {
		if r.Correlation != nil {
			continue
		}
		u := Unseen{Rule: r, Records: states[i].records}
		for k, missing := range states[i].missing {
			if missing && u.Records > 0 && !slices.Contains(u.Fields, r.Fields[k].Name) {
				u.Fields = append(u.Fields, r.Fields[k].Name)
			}
		}
		if u.Records == 0 || len(u.Fields) > 0 {
			out = append(out, u)
		}
	}
	return out
}
