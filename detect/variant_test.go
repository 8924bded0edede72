package detect

import (
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/slot"
)

// says is an output of one field.
type says struct{ f query.Field }

func (s says) Fields() []query.Field { return []query.Field{s.f} }
func (s says) Render(in query.Input) string {
	if in.Dep(0).Len() == 0 {
		return "nothing"
	}
	return string(in.Dep(0).At(0))
}

// TestVariant judges two formats by one rule whose field stands elsewhere in the second.
func TestVariant(t *testing.T) {
	here, there := field("verb"), query.Field{Name: "verb", Paths: []slot.Path{slot.Keys("payload", "method")}}
	r := simple("r", pred(here, query.Eq, "delete"))
	r.Formats, r.Fields, r.Output = []string{"a", "b"}, []query.Field{here}, says{here}
	r.Variants = map[string]rule.Variant{"b": {When: pred(there, query.Eq, "delete"), Fields: []query.Field{there}, Output: says{there}}}
	e, err := New([]*rule.Rule{r}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const record = `{"verb":"delete","payload":{"method":"DELETE"}}`
	for format, want := range map[string]string{"a": "delete", "b": "DELETE"} {
		b := slot.NewBuilder()
		e.Want(format, b)
		doc := b.Plan().NewDoc()
		if _, err := b.Plan().Scan([]byte(record), doc); err != nil {
			t.Fatal(err)
		}
		m := e.NewMatcher()
		hits := m.Match(format, doc, query.Meta{})
		if len(hits) != 1 || m.finding(hits[0], m.st, &yagura.Event{Format: format}).Output != want {
			t.Errorf("%s: %v", format, hits)
		}
	}
	bad := simple("bad", pred(here, query.Eq, "x"))
	bad.Variants = map[string]rule.Variant{"b": {When: &query.Pred{Field: here, Op: query.Regex, Args: []query.Arg{{}}}}}
	if _, err := New([]*rule.Rule{bad}, Options{}); err == nil {
		t.Error("a variant that cannot be compiled is taken")
	}
}
