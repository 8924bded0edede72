package filter

import (
	"fmt"
	"slices"
)

// HasField reports whether a term of the query asks a field.
func (q *Query) HasField(name string) bool {
	return slices.ContainsFunc(q.Terms, func(t Term) bool { return t.Field != nil && t.Field.Name == name })
}

// With returns the query that holds for a value of a field too, as the link of a facet adds it:
// beside the values that the query names already, or as a term of its own. The value is no
// text of a query but what a row has, "" where it has none; of what can be compared it may have
// an operator or be a range.
func (q *Query) With(field, value string) (*Query, error) { return q.add(false, field, value) }

// Except returns the query that does not hold for a value of a field.
func (q *Query) Except(field, value string) (*Query, error) { return q.add(true, field, value) }

func (q *Query) add(not bool, field, value string) (*Query, error) {
	f, v, err := q.valueOf(field, value)
	if err != nil {
		return nil, err
	}
	terms := slices.Clone(q.Terms)
	i := slices.IndexFunc(terms, func(t Term) bool { return t.Field == f && t.Not == not })
	switch {
	case i < 0:
		terms = append(terms, Term{Not: not, Field: f, Values: []Value{v}})
	case !holds(terms[i].Values, f, v):
		terms[i].Values = append(slices.Clone(terms[i].Values), v)
	}
	return q.made(terms)
}

// Without returns the query that does not ask for values of a field, and for none given not for
// the field at all. Terms with - are left where values are given.
func (q *Query) Without(field string, values ...string) (*Query, error) {
	f := q.List.Field(field)
	if f == nil {
		return nil, q.List.noField(field)
	}
	var drop []Value
	for _, value := range values {
		_, v, err := q.valueOf(field, value)
		if err != nil {
			return nil, err
		}
		drop = append(drop, v)
	}
	var terms []Term
	for _, t := range q.Terms {
		if t.Field == f && (len(values) == 0 || !t.Not) {
			t.Values = slices.DeleteFunc(slices.Clone(t.Values), func(v Value) bool { return len(values) == 0 || holds(drop, f, v) })
			if len(t.Values) == 0 {
				continue
			}
		}
		terms = append(terms, t)
	}
	return q.made(terms)
}

// made returns the query of terms, read from its text as any other: places are of that text, and
// what At and As did has to be done again.
func (q *Query) made(terms []Term) (*Query, error) {
	return Parse(q.List, (&Query{List: q.List, Terms: terms}).String())
}

func holds(values []Value, f *Field, v Value) bool {
	return slices.ContainsFunc(values, func(o Value) bool { return o.print(f) == v.print(f) })
}

// valueOf makes a value of a field from what a row has there.
func (q *Query) valueOf(field, text string) (*Field, Value, error) {
	f := q.List.Field(field)
	if f == nil {
		return nil, Value{}, q.List.noField(field)
	}
	p := &parser{list: q.List, text: text}
	v, ok := Value{}, true
	switch {
	case text == "":
		if f.choice("none") != "" || f.Kind == Flag {
			return nil, v, fmt.Errorf("%s always has a value", f.Name)
		}
		v = Value{Op: Lacks, Text: "none"}
	case f.Kind.ordered():
		if v, ok = p.value(f); ok && p.at < len(text) {
			return nil, v, fmt.Errorf("%q is more than one value of %s", text, f.Name)
		}
	default:
		if f.Kind == Entity {
			v.Entity = p.entityType(f)
		}
		c := piece{text: text[p.at:], parts: []string{text[p.at:]}, quoted: true}
		if what, at := v.read(f, c, piece{}); what.text != "" {
			p.fault(at, what)
			ok = false
		}
	}
	if !ok {
		return nil, v, &Error{Faults: p.faults}
	}
	return f, v, nil
}
