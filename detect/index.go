package detect

import (
	"slices"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/slot"
)

// index finds the rules that may match a record.
type index struct {
	all    bool // no index: every rule is a candidate
	byPred [][]cluster
	bySlot [][]cluster
	preds  slot.Bits // that have clusters
	slots  slot.Bits
	always []cluster
}

// cluster is the rules that have a witness and a guard in common: none of them can
// match unless the guard holds.
type cluster struct {
	guard query.PredID // negative for none
	rules []int32      // positions in formatRules.rules
}

func newIndex(f *formatRules, off bool) index {
	x := index{all: off}
	if off {
		return x
	}
	for i, w := range f.set.Witnesses() {
		n := int32(i)
		switch {
		case w.Never:
		case w.Always:
			x.always = put(x.always, w.Guard, n)
		default:
			for _, p := range w.Preds {
				x.byPred = grow(x.byPred, int(p))
				x.byPred[p] = put(x.byPred[p], w.Guard, n)
				x.preds.Add(int(p))
			}
			for _, s := range w.Slots {
				x.bySlot = grow(x.bySlot, int(s))
				x.bySlot[s] = put(x.bySlot[s], w.Guard, n)
				x.slots.Add(int(s))
			}
		}
	}
	return x
}

func grow(list [][]cluster, n int) [][]cluster {
	if n < len(list) {
		return list
	}
	return append(list, make([][]cluster, n+1-len(list))...)
}

func put(list []cluster, guard query.PredID, n int32) []cluster {
	i := slices.IndexFunc(list, func(c cluster) bool { return c.guard == guard })
	if i < 0 {
		i = len(list)
		list = append(list, cluster{guard: guard})
	}
	list[i].rules = append(list[i].rules, n)
	return list
}

// candidates calls m.try for every rule whose witness is met.
func (x *index) candidates(m *Matcher, doc *slot.Doc) {
	if x.all {
		for i := range m.cur.rules {
			m.try(int32(i))
		}
		return
	}
	m.tryAll(x.always)
	for _, p := range m.st.Fired() {
		if x.preds.Has(int(p)) {
			m.tryAll(x.byPred[p])
		}
	}
	for _, s := range doc.Filled() {
		if x.slots.Has(int(s)) {
			m.tryAll(x.bySlot[s])
		}
	}
}
