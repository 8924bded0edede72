package app

import (
	"testing"

	"github.com/yagura-sec/yagura/query"
)

// TestWithout says of conditions whether they may hold of events that lack a field.
func TestWithout(t *testing.T) {
	pred := func(name string, op query.Op) *query.Pred {
		return &query.Pred{Field: query.Field{Name: name}, Op: op, Args: []query.Arg{{Text: "x"}}}
	}
	there := func(must bool) *query.Pred {
		return &query.Pred{Field: query.Field{Name: "gone"}, Op: query.Exists, Args: []query.Arg{{Bool: must}}}
	}
	gone, other := pred("gone", query.Eq), pred("other", query.Eq)
	derived := pred("gone", query.Eq)
	derived.Field.Derive = &query.Derived{}
	equal := pred("other", query.Eq)
	equal.Ref = &query.Field{Name: "gone"}
	each := func(q query.Quant) *query.Each {
		return &query.Each{Field: query.Field{Name: "gone"}, Quant: q, Where: other}
	}
	for name, c := range map[string]struct {
		e         query.Expr
		may, fail bool
	}{
		"equal":                  {gone, false, true},
		"unequal":                {&query.Not{X: gone}, true, false},
		"another field":          {other, true, true},
		"null":                   {pred("gone", query.IsNull), true, false},
		"present":                {there(true), false, true},
		"absent":                 {there(false), true, false},
		"one of all":             {&query.And{X: []query.Expr{other, gone}}, false, true},
		"one of several":         {&query.Or{X: []query.Expr{gone, other}}, true, true},
		"none of several":        {&query.Or{X: []query.Expr{gone, gone}}, false, true},
		"not both":               {&query.Not{X: &query.And{X: []query.Expr{other, gone}}}, true, false},
		"no part":                {&query.And{}, true, false},
		"compared":               {equal, false, true},
		"computed":               {derived, true, true},
		"keyword":                {pred("gone", query.Keyword), true, true},
		"asked of the whole":     {pred("gone", query.ListFunc), true, true},
		"any member":             {each(query.EachAny), false, true},
		"every member":           {each(query.EachAll), false, true},
		"every member, or empty": {each(query.EachAllOrEmpty), true, false},
		"no member":              {each(query.EachNone), true, false},
		"never":                  {query.Const(false), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			if may, fail := without([]string{"gone"}, c.e); may != c.may || fail != c.fail {
				t.Errorf("may hold %v, may fail %v; want %v, %v", may, fail, c.may, c.fail)
			}
		})
	}
}
