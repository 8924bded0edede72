package query

import (
	"math"
	"slices"

	"github.com/yagura-sec/yagura/slot"
)

// Witness is a condition that must be met wherever a program holds, so that the
// program need only be asked where it is met. It is met when one of Preds holds or
// one of Slots has a value.
type Witness struct {
	// Always says that there is no such condition, Never that the program holds nowhere.
	Always, Never bool
	Preds         []PredID
	Slots         []slot.ID
	// Guard is one more predicate that must hold, negative for none: the next cheapest.
	Guard PredID
	// Cost guesses how often the witness is met, from 0 to 1.
	Cost float64
}

// weights are what witnesses are chosen by: how often rules ask for a text, against all
// that they ask for in its field. What many rules ask for is likely often there, and a
// field with a thousand names in the rules (eventName) tells records apart better than
// one with three (userIdentity.type).
type weights struct {
	texts   []map[string]int // by group: programs that ask for a whole text
	total   []int            // by group: the sum of texts
	literal []float64
	// scan has the groups whose search is worth its cost on every record that has the
	// field; nil means all.
	scan []bool
}

// What things cost on a record, in nanoseconds: to ask a rule, and to search a text
// for parts (a short one is mostly known already, an object's is long).
const (
	askCost  = 80
	scanCost = 60
)

// fewTexts is the least number that the uses of one text are compared with: a field that
// one rule asks for one text is no coin.
const fewTexts = 20

// chooseScans finds the groups where searching every record's text for parts saves
// more than it costs: a few rules with something better to go by are not worth it.
func (w *weights) chooseScans(s *Set) {
	saved := make([]float64, len(s.groups))
	none := make([]bool, len(s.groups))
	for _, p := range s.programs {
		best := s.witness(&p.root, true, w)
		w.scan = none
		plain := s.witness(&p.root, true, w)
		w.scan = nil
		for _, id := range best.Preds {
			saved[s.preds[id].group] += (plain.Cost - best.Cost) * askCost
		}
	}
	w.scan = none
	for i := range s.groups {
		w.scan[i] = saved[i] > scanCost
	}
}

// Witnesses chooses a witness for every program of s, in the order of Add, and
// watches its predicates. It must be called before Seal.
func (s *Set) Witnesses() []Witness {
	w := s.weigh()
	w.chooseScans(s)
	out := make([]Witness, len(s.programs))
	for i, p := range s.programs {
		wit := s.witness(&p.root, true, w)
		wit.Guard = -1
		if !wit.Always && !wit.Never {
			wit.Guard = s.guard(&p.root, wit, w)
		}
		slices.Sort(wit.Preds)
		wit.Preds = slices.Compact(wit.Preds)
		slices.Sort(wit.Slots)
		wit.Slots = slices.Compact(wit.Slots)
		for _, id := range wit.Preds {
			s.watched[s.preds[id].group] = true
		}
		out[i] = wit
	}
	return out
}

func (s *Set) weigh() *weights {
	w := &weights{texts: make([]map[string]int, len(s.groups)), total: make([]int, len(s.groups)), literal: make([]float64, len(s.preds))}
	uses := s.uses()
	for i, g := range s.groups {
		w.texts[i] = map[string]int{}
		for _, l := range g.lits {
			if l.at == whole {
				w.texts[i][string(l.text)] += uses[l.pred]
				w.total[i] += uses[l.pred]
				continue
			}
			// A part of a text is met more often the shorter it is.
			base := 0.5
			if l.at != anywhere {
				base = 0.6
			}
			w.literal[l.pred] += max(math.Pow(base, float64(len(l.text))), 0.01)
		}
	}
	return w
}

// uses counts the programs that ask each predicate.
func (s *Set) uses() []int {
	uses := make([]int, len(s.preds))
	seen := make([]int, len(s.preds)) // 1 + the program that was counted last
	var count func(n *node, program int)
	count = func(n *node, program int) {
		if n.op == nodePred && seen[n.pred] != program {
			seen[n.pred] = program
			uses[n.pred]++
		}
		for i := range n.kids {
			count(&n.kids[i], program)
		}
	}
	for i, p := range s.programs {
		count(&p.root, i+1)
	}
	return uses
}

// witness returns a condition that must be met wherever n answers as held says.
func (s *Set) witness(n *node, held bool, w *weights) Witness {
	switch n.op {
	case nodeTrue, nodeFalse:
		if held == (n.op == nodeTrue) {
			return Witness{Always: true, Cost: 1}
		}
		return Witness{Never: true}
	case nodeNot:
		return s.witness(&n.kids[0], !held, w)
	case nodePred:
		return s.predWitness(n.pred, held, w)
	}
	if held == (n.op == nodeAnd) {
		best := Witness{Always: true, Cost: 1}
		for i := range n.kids {
			if x := s.witness(&n.kids[i], held, w); x.Never || !x.Always && (best.Always || x.Cost < best.Cost) {
				best = x
				if x.Never {
					break
				}
			}
		}
		return best
	}
	all := Witness{Never: true}
	for i := range n.kids {
		x := s.witness(&n.kids[i], held, w)
		switch {
		case x.Always:
			return x
		case x.Never:
			continue
		}
		all.Never = false
		all.Cost = min(all.Cost+x.Cost, 1)
		all.Preds = append(all.Preds, x.Preds...)
		all.Slots = append(all.Slots, x.Slots...)
	}
	return all
}

// guard returns the cheapest predicate among the terms of an And that all must hold,
// the witness excepted.
func (s *Set) guard(root *node, wit Witness, w *weights) PredID {
	if root.op != nodeAnd {
		return -1
	}
	best, cost := PredID(-1), 2.0
	for i := range root.kids {
		k := &root.kids[i]
		if k.op != nodePred || slices.Contains(wit.Preds, k.pred) {
			continue
		}
		c := s.predWitness(k.pred, true, w).Cost
		if g := s.preds[k.pred].group; g < 0 {
			c += 0.5 // asked one by one
		}
		if c < cost {
			best, cost = k.pred, c
		}
	}
	return best
}

func (s *Set) predWitness(id PredID, held bool, w *weights) Witness {
	p := &s.preds[id]
	always := Witness{Always: true, Cost: 1}
	present := always
	if p.field >= 0 && s.fields[p.field].derive == nil {
		present = Witness{Slots: []slot.ID{s.fields[p.field].slot}, Cost: s.presence(p.field)}
	}
	switch p.op {
	case Exists:
		if held == (len(p.args) == 0 || p.args[0].src.Bool) {
			return present
		}
		return always
	case IsNull:
		if held {
			return always
		}
		return present
	case ListFunc:
		return always
	case opEach:
		if held == (p.each.quant == EachAny || p.each.quant == EachAll) {
			return present
		}
		return always
	}
	if !held {
		return always
	}
	if len(p.args) == 0 && p.ref == noRef && p.op != Func {
		return Witness{Never: true}
	}
	if p.group < 0 || w.scan != nil && !w.scan[p.group] && w.literal[id] > 0 {
		return present
	}
	cost := w.literal[id]
	for i := range p.args {
		if p.op == Eq || p.op == Glob && p.args[i].glob.closed() {
			cost += float64(w.texts[p.group][string(p.args[i].text)]) / float64(max(w.total[p.group], fewTexts))
		}
	}
	if p.op == CIDR {
		cost += 0.05
	}
	if p.op == Keyword {
		cost += 0.5 // the whole record is searched
	} else {
		cost *= s.presence(p.field)
		if s.fields[p.field].derive != nil {
			cost += 0.01
		}
	}
	return Witness{Preds: []PredID{id}, Cost: min(cost, 1)}
}

func (c *pattern) closed() bool {
	return !c.openStart && !c.openEnd && len(c.pieces) <= 1 && (len(c.pieces) == 0 || c.pieces[0].any == nil)
}

// presence guesses how often a field has a value: the deeper, the rarer. Records that
// have it are mostly many, so that a predicate on it, where there is one, goes before.
func (s *Set) presence(f FieldID) float64 {
	if f < 0 || s.fields[f].derive != nil {
		return 1
	}
	best := 0.0
	for _, d := range s.fields[f].depths {
		best = max(best, [...]float64{1, 0.95, 0.7, 0.5, 0.4}[min(d, 4)])
	}
	return best
}
