package query

import (
	"fmt"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/slot"
)

// TestExactComparisons: numbers beyond the integers of a float64 are compared by every
// digit, against a value and against another field.
func TestExactComparisons(t *testing.T) {
	for _, c := range []struct {
		record, bound string
		value         float64
		want          string // the operators that hold
	}{
		{"9007199254740992", "9007199254740993", 9007199254740992, "lt lte"},
		{"9007199254740993", "9007199254740993", 9007199254740992, "lte gte"},
		{"9007199254740994", "9007199254740993", 9007199254740992, "gt gte"},
		{"9007199254740993.0", "9007199254740993", 9007199254740992, "lte gte"},
		{"9007199254740993", "9007199254740992", 9007199254740992, "gt gte"},
		{`"9007199254740992"`, "9007199254740993", 9007199254740992, "lt lte"},
		{"-9007199254740993", "-9007199254740992", -9007199254740992, "lt lte"},
		{"1e16", "10000000000000001", 1e16, "lt lte"},
		{"18446744073709551615", "18446744073709551616", 18446744073709551616, "lt lte"},
		{"0.1", "0.10000000000000000001", 0.1, "lt lte"},
		{"403.0", "403", 403, "lte gte"},
		{"-0", "0", 0, "lte gte"},
		{"7", "", 7, "lte gte"}, // a bound without its text
		{"402", "403", 403, "lt lte"},
	} {
		for op, name := range map[Op]string{Lt: "lt", Lte: "lte", Gt: "gt", Gte: "gte"} {
			want := false
			for w := range strings.FieldsSeq(c.want) {
				want = want || w == name
			}
			ref := f("b")
			for kind, p := range map[string]*Pred{
				"value": {Field: f("a"), Op: op, Args: []Arg{{Text: c.bound, Num: c.value}}},
				"field": {Field: f("a"), Op: op, Ref: &ref},
			} {
				bound := c.bound
				if bound == "" {
					bound = "7"
				}
				record := fmt.Sprintf(`{"a":%s,"b":%s}`, c.record, bound)
				b := slot.NewBuilder()
				prog, err := Compile(p, b)
				if err != nil {
					t.Fatal(err)
				}
				plan := b.Plan()
				doc, st := plan.NewDoc(), prog.NewState()
				if _, err := plan.Scan([]byte(record), doc); err != nil {
					t.Fatal(err)
				}
				if got := prog.Match(doc, st); got != want {
					t.Errorf("%s: a %s the %s: got %v", record, name, kind, got)
				}
				if n := testing.AllocsPerRun(10, func() { prog.Match(doc, st) }); n != 0 && !allocates {
					t.Errorf("%s: a %s the %s: %v allocations", record, name, kind, n)
				}
			}
		}
	}
}

// TestBoundsOfOneFloat: two bounds that are one float64 are two questions.
func TestBoundsOfOneFloat(t *testing.T) {
	lt := func(s string) Expr {
		return &Pred{Field: f("a"), Op: Lt, Args: []Arg{{Text: s, Num: 9007199254740992}}}
	}
	b := slot.NewBuilder()
	prog, err := Compile(&And{[]Expr{lt("9007199254740993"), &Not{lt("9007199254740992")}}}, b)
	if err != nil {
		t.Fatal(err)
	}
	plan := b.Plan()
	doc := plan.NewDoc()
	if _, err := plan.Scan([]byte(`{"a":9007199254740992}`), doc); err != nil {
		t.Fatal(err)
	}
	if !prog.Match(doc, nil) {
		t.Error("the two bounds are taken for one")
	}
}
