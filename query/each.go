package query

import (
	"fmt"

	"github.com/yagura-sec/yagura/slot"
)

// each is a question about the members of arrays.
type each struct {
	quant Quant
	src   *Each
	plan  *slot.Plan
	prog  *Program
}

// eachState is the memory for judging one member.
type eachState struct {
	doc *slot.Doc
	st  *State
}

// each compiles a question about members.
func (s *Set) each(x *Each) (PredID, error) {
	if x.Quant > EachNone {
		return 0, fmt.Errorf("unknown quantifier %d", x.Quant)
	}
	f, err := s.field(x.Field, 0)
	if err != nil {
		return 0, err
	}
	if s.fields[f].derive != nil {
		return 0, fmt.Errorf("a derived field has no members")
	}
	b := slot.NewBuilder()
	prog, err := Compile(x.Where, b)
	if err != nil {
		return 0, err
	}
	id := PredID(len(s.preds))
	s.preds = append(s.preds, pred{op: opEach, field: f, ref: noRef, group: -1,
		each: &each{quant: x.Quant, src: x, plan: b.Plan(), prog: prog}})
	return id, nil
}

// askEach judges the members of a field's arrays. It calls seen, if given, for the
// first member that decides, with es.st set to it.
func (st *State) askEach(es *eachState, p *pred, seen func(held bool)) bool {
	slotID := st.set.fields[p.field].slot
	count, all, found := 0, true, false
	decided := false
	member := func(raw []byte) bool {
		count++
		n, err := p.each.plan.Scan(raw, es.doc)
		held := false
		if err == nil && n > 0 {
			es.st.Begin(es.doc, st.meta)
			held = p.each.prog.Holds(es.st)
		}
		if held {
			found = true
		} else {
			all = false
		}
		// any and none are decided by a member that holds, all by one that does not.
		decided = held == (p.each.quant == EachAny || p.each.quant == EachNone)
		if decided && seen != nil {
			seen(held)
		}
		return !decided
	}
	array := slot.Value(-1)
	for v := st.doc.First(slotID); v >= 0 && !decided; v = st.doc.Next(v) {
		if array >= 0 && st.doc.Inside(v, array) {
			continue // a member of the array before
		}
		switch st.doc.Kind(v) {
		case slot.Null:
		case slot.Array:
			array = v
			members(st.doc.Raw(v), member)
		default:
			member(st.doc.JSON(v))
		}
	}
	switch p.each.quant {
	case EachAny:
		return found
	case EachAll:
		return count > 0 && all
	case EachAllOrEmpty:
		return all
	default:
		return !found
	}
}

// members calls f for the bytes of every member of a valid JSON array until f
// returns false.
func members(array []byte, f func(raw []byte) bool) {
	depth, from := 0, -1
	for i := 0; i < len(array); i++ {
		switch c := array[i]; c {
		case '"':
			if depth == 1 && from < 0 {
				from = i
			}
			for i++; array[i] != '"'; i++ {
				if array[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			if depth == 1 && from < 0 {
				from = i
			}
			depth++
		case ']', '}':
			depth--
			if depth == 0 && from >= 0 {
				f(array[from:i])
				return
			}
		case ',':
			if depth == 1 {
				if !f(array[from:i]) {
					return
				}
				from = -1
			}
		case ' ', '\t', '\n', '\r':
		default:
			if depth == 1 && from < 0 {
				from = i
			}
		}
	}
}
