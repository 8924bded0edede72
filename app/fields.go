package app

import (
	"context"
	"slices"

	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/slot"
	"github.com/yagura-sec/yagura/source"
)

// Unseen is a rule with fields that no event carried.
type Unseen struct {
	Rule   *rule.Rule
	Fields []string
	Events uint64 // of the rule's log types that were looked at
	Never  bool   // without the fields the rule cannot fire; one that asks for their absence can
}

// UnseenFields reads logs and says which fields of the rules no event of their log
// types carried, and whether a rule can fire on such logs. Rules whose log types did not
// occur at all are in unjudged. Of logs that were not read to their end, which the
// summary says, it says nothing.
func UnseenFields(ctx context.Context, rules []*rule.Rule, o DecodeOptions, sources ...source.Source) (unseen []Unseen, unjudged []*rule.Rule, sum *Summary, err error) {
	c := &carried{want: map[string][]wanted{}, rules: rules, seen: map[wantedKey]bool{}}
	decoder, err := decode.New(decode.Options{Formats: o.Formats, Want: c.ask})
	if err != nil {
		return nil, nil, nil, err
	}
	r := &reading{o: o, decoder: decoder, each: c.record}
	if sum, err = r.run(ctx, sources); err != nil || sum.Interrupted {
		return nil, nil, sum, err
	}
	for i, r := range rules {
		u := Unseen{Rule: r}
		formats := r.WholeFormats()
		for name, n := range sum.Formats {
			if formats == nil || slices.Contains(formats, name) {
				u.Events += n
			}
		}
		if u.Events == 0 {
			unjudged = append(unjudged, r)
			continue
		}
		for _, name := range fieldNames(r) {
			if !c.seen[wantedKey{i, name}] {
				u.Fields = append(u.Fields, name)
			}
		}
		if u.Fields != nil {
			may, _ := without(u.Fields, r.When)
			u.Never = !may
			unseen = append(unseen, u)
		}
	}
	return unseen, unjudged, sum, nil
}

// without says whether a condition may hold of an event that lacks some fields, and
// whether it may fail. What cannot be known may do both.
func without(fields []string, e query.Expr) (may, fail bool) {
	lacks := func(f query.Field) bool { return f.Derive == nil && slices.Contains(fields, f.Name) }
	switch x := e.(type) {
	case query.Const:
		return bool(x), !bool(x)
	case *query.Not:
		may, fail = without(fields, x.X)
		return fail, may
	case *query.And:
		may = true
		for _, part := range x.X {
			m, f := without(fields, part)
			may, fail = may && m, fail || f
		}
		return may, fail
	case *query.Or:
		fail = true
		for _, part := range x.X {
			m, f := without(fields, part)
			may, fail = may || m, fail && f
		}
		return may, fail
	case *query.Each:
		if lacks(x.Field) {
			may = x.Quant == query.EachAllOrEmpty || x.Quant == query.EachNone
			return may, !may
		}
	case *query.Pred:
		switch {
		case x.Op == query.Keyword, x.Op == query.ListFunc: // of the whole record; asked without values too
		case !lacks(x.Field):
			if x.Ref != nil && lacks(*x.Ref) {
				return false, true
			}
		case x.Op == query.IsNull:
			return true, false
		case x.Op == query.Exists:
			may = len(x.Args) > 0 && !x.Args[0].Bool
			return may, !may
		default:
			return false, true
		}
	}
	return true, true
}

// carried notes which fields had a value.
type carried struct {
	rules []*rule.Rule
	want  map[string][]wanted // by format
	seen  map[wantedKey]bool
}

type wantedKey struct {
	rule  int
	field string
}

// wanted is a slot and the fields that are carried when it is filled.
type wanted struct {
	slot slot.ID
	keys []wantedKey
	done bool
}

// ask asks for the fields of the rules of a format.
func (c *carried) ask(format string, b *slot.Builder) {
	bySlot := map[slot.ID]*wanted{}
	var order []slot.ID
	var add func(key wantedKey, f query.Field)
	add = func(key wantedKey, f query.Field) {
		if f.Derive != nil {
			for _, d := range f.Derive.Deps {
				add(key, d)
			}
			if len(f.Derive.Deps) == 0 {
				c.seen[key] = true // it is made of what every record has
			}
			return
		}
		id := b.Slot(slot.Field{Paths: f.Paths})
		if bySlot[id] == nil {
			bySlot[id] = &wanted{slot: id}
			order = append(order, id)
		}
		bySlot[id].keys = append(bySlot[id].keys, key)
	}
	for i, r := range c.rules {
		if formats := r.WholeFormats(); formats != nil && !slices.Contains(formats, format) {
			continue
		}
		for _, f := range r.Fields {
			add(wantedKey{i, f.Name}, f)
		}
	}
	for _, id := range order {
		c.want[format] = append(c.want[format], *bySlot[id])
	}
}

// record notes the fields that a record carries.
func (c *carried) record(_ source.Object, rec *decode.Record) error {
	all := c.want[rec.Format.Name]
	for i := range all {
		w := &all[i]
		if !w.done && rec.Doc.First(w.slot) >= 0 {
			w.done = true
			for _, k := range w.keys {
				c.seen[k] = true
			}
		}
	}
	return nil
}
