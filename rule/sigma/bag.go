package sigma

import (
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/slot"
)

// bag is a field that logs keep in a list of named values, such as
// [{"Name":"RequestType","Value":"Cmsi:Cmsi"}]. A pipeline maps a field to
// `ExtendedProperties{Name=RequestType}.Value`.
type bag struct {
	list  []slot.Seg // where the list stands
	key   []slot.Seg // the member's name, without regard to case
	name  string
	value []slot.Seg
}

// parseBag reads the name of a field in a bag.
func parseBag(name string) (bag, bool) {
	list, rest, ok := strings.Cut(name, "{")
	if !ok {
		return bag{}, false
	}
	test, value, ok := strings.Cut(rest, "}.")
	if !ok {
		return bag{}, false
	}
	key, want, ok := strings.Cut(test, "=")
	if !ok || list == "" || key == "" || value == "" {
		return bag{}, false
	}
	return bag{segments(list), segments(key), want, segments(value)}, true
}

// folded completes the name of a value in a list for all names, such as
// `Parameters{Name=*}.Value`, with the rest of a field's name: the star is the member's
// name. Where a second star stands for the value, as in `ModifiedProperties{Name=*}.*`,
// that is the last key of the rest. ok is false for a rest that names no value there.
func folded(to, rest string) (name string, ok bool) {
	list, value, _ := strings.Cut(to, "=*}.")
	if value == "*" {
		i := strings.LastIndexByte(rest, '.')
		if i < 0 {
			return "", false
		}
		rest, value = rest[:i], rest[i+1:]
	}
	rest = strings.ReplaceAll(rest, `\.`, ".")
	if rest == "" || value == "" || strings.ContainsAny(rest, "{}") || strings.ContainsAny(value, "[]") || strings.HasPrefix(rest, "[") {
		return "", false
	}
	return list + "=" + rest + "}." + value, true
}

// dotted is the name of what stands below segs.
func dotted(segs []slot.Seg) string {
	keys := make([]string, len(segs))
	for i, s := range segs {
		keys[i] = s.Key
	}
	return strings.Join(keys, ".")
}

// splitBags parts the names that a pipeline gave a field into plain names and bags.
// A name that the rule itself writes is plain.
func splitBags(names []string, written string) (plain []string, bags []bag) {
	for _, n := range names {
		if b, ok := parseBag(n); ok && n != written {
			bags = append(bags, b)
		} else {
			plain = append(plain, n)
		}
	}
	return plain, bags
}

// field compiles an item with a field: what its values ask must hold in one of the
// places that the field may have, and absence in all of them.
func (c *compiler) field(it *item) (query.Expr, *fault) {
	if field, ok := permissionField(it.field, it.fields, c.fold); ok {
		c.note(field)
		e, f := c.values(it, field)
		return it.sign(e), f
	}
	plain, bags := splitBags(it.fields, it.written())
	if len(bags) == 0 {
		return c.within(it.field, plain, it.arrays, it.at, func(field query.Field) (query.Expr, *fault) {
			e, f := c.values(it, field)
			return it.sign(e), f
		})
	}
	if it.arrays {
		if _, rest := splitSelector(it.field); rest != "" {
			return nil, faultAt(it.at, "name the field without selectors", "%q stands in a list of named values, which has no members to select", it.field)
		}
	}
	all := fieldOf(it.field, plain, bags, c.fold)
	c.note(all)
	one := func(v []value) (query.Expr, *fault) {
		if v[0].kind == valueRef {
			return c.anyOf(it, v, all)
		}
		absence := v[0].kind == valueNull || v[0].kind == valueExists && !v[0].truth
		part := *it
		part.values = v
		var list []query.Expr
		if len(plain) > 0 {
			e, f := c.within(it.field, plain, it.arrays, it.at, func(field query.Field) (query.Expr, *fault) {
				return c.anyOf(&part, v, field)
			})
			if f != nil {
				return nil, f
			}
			list = append(list, e)
		}
		for _, b := range bags {
			e, f := c.bag(&part, b, absence)
			if f != nil {
				return nil, f
			}
			list = append(list, e)
		}
		if absence {
			return and(list), nil
		}
		return or(list), nil
	}
	var list []query.Expr
	for _, values := range groups(it) {
		e, f := one(values)
		if f != nil {
			return nil, f
		}
		list = append(list, e)
	}
	if it.all {
		return it.sign(and(list)), nil
	}
	return it.sign(or(list)), nil
}

// groups parts the values of an item: one by one when all must hold, when they ask
// for absence or refer to another field, else together.
func groups(it *item) [][]value {
	var out [][]value
	together := -1
	for _, v := range it.values {
		alone := v.kind == valueNull || v.kind == valueExists || v.kind == valueRef
		switch {
		case it.all || alone:
			out = append(out, []value{v})
		case together < 0:
			together = len(out)
			out = append(out, []value{v})
		default:
			out[together] = append(out[together], v)
		}
	}
	return out
}

// bag asks for values in a bag.
func (c *compiler) bag(it *item, b bag, absence bool) (query.Expr, *fault) {
	list := query.Field{Name: it.field, Paths: []slot.Path{{Segs: b.list, Fold: c.fold}}}
	value := query.Field{Name: dotted(b.value), Paths: []slot.Path{{Segs: b.value, Fold: c.fold}}}
	ask, f := c.anyOf(it, it.values, value)
	if f != nil {
		return nil, f
	}
	if absence {
		ask = &query.Not{X: ask}
	} else {
		ask = orUnquoted(ask, unquoted(value))
	}
	named := &query.Pred{Field: query.Field{Name: dotted(b.key), Paths: []slot.Path{{Segs: b.key, Fold: c.fold}}},
		Op: query.Eq, Fold: true, Args: []query.Arg{{Text: b.name}}, OpName: "equals", Clause: c.clause, Span: it.at}
	var e query.Expr = &query.Each{Field: list, Quant: query.EachAny, Where: &query.And{X: []query.Expr{named, ask}}, Span: it.at}
	if absence {
		e = &query.Not{X: e}
	}
	return e, nil
}

// orUnquoted lets a question also hold for a value that is a JSON string inside a
// string: Entra writes modifiedProperties[].newValue so ("\"False\""). Plain texts are
// looked for with the quotes; other questions are put to the value without them.
func orUnquoted(e query.Expr, value query.Field) query.Expr {
	switch e := e.(type) {
	case *query.Or:
		for i, x := range e.X {
			e.X[i] = orUnquoted(x, value)
		}
	case *query.And:
		for i, x := range e.X {
			e.X[i] = orUnquoted(x, value)
		}
	case *query.Pred:
		before, after := "", ""
		switch e.Op {
		case query.Eq:
			before, after = `"`, `"`
		case query.Prefix:
			before = `"`
		case query.Suffix:
			after = `"`
		case query.Contains, query.Exists:
			return e
		default:
			other := *e
			other.Field = value
			return &query.Or{X: []query.Expr{e, &other}}
		}
		for _, a := range slices.Clone(e.Args) {
			if a.Shown == "" {
				a.Shown = a.Text
			}
			a.Text, a.Number = before+a.Text+after, false
			e.Args = append(e.Args, a)
		}
	}
	return e
}
