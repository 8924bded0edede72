package query

import (
	"bytes"
	"hash/maphash"

	"github.com/yagura-sec/yagura/slot"
)

// State is what judging one record needs, reused from record to record without
// allocating. It belongs to one goroutine.
type State struct {
	set  *Set
	doc  *slot.Doc
	meta Meta
	// no and yes are the marks of this record in memo; any other value means not asked.
	no, yes uint32
	memo    []uint32
	judged  []uint32 // per group: yes when it was judged
	recalls []recall // per group
	seed    maphash.Seed
	trues   []PredID // predicates of groups that hold, in the order they were found
	lists   []list
	derived []derived // by field; empty for fields that are not derived
	eaches  map[PredID]*eachState
	arena   []byte // folded and resolved texts
	inners  []inner
	num     []byte
	word    item
	whys    []why
}

// list holds the values of one field. Of a field with very many values it holds a
// window that moves, so that memory stays bounded.
type list struct {
	stamp uint32
	items []item
	first slot.Value // of the window
	rest  slot.Value // after the window, negative for none
	texts [][]byte
	kinds []slot.Kind // of texts
	have  uint32      // stamp of texts
}

// window is how many values of a field are held at a time.
const window = 512

// item is one value of a field, with its texts as far as they were asked for.
type item struct {
	kind   slot.Kind
	text   []byte
	folded []byte // nil when it was not asked for
	inner  *inner // the same, of an object or array
}

// inner is the text of an object or array with the escapes of its strings resolved,
// nil when there are none.
type inner struct {
	text   []byte
	folded []byte
}

type derived struct {
	out *Values
	in  *fieldsInput
}

// Seal ends the building of s.
func (s *Set) Seal() {
	if s.sealed {
		return
	}
	s.sealed = true
	for i, g := range s.groups {
		g.seal(s)
		if !s.watched[int32(i)] {
			continue
		}
		if g.field == wholeRecord || s.fields[g.field].derive != nil {
			s.always = append(s.always, int32(i))
			continue
		}
		sl := int(s.fields[g.field].slot)
		for len(s.bySlot) <= sl {
			s.bySlot = append(s.bySlot, nil)
		}
		s.bySlot[sl] = append(s.bySlot[sl], int32(i))
		s.slots.Add(sl)
	}
}

// NewState returns a State for the programs of s, which must be sealed.
func (s *Set) NewState() *State {
	if !s.sealed {
		panic("query: NewState before Seal")
	}
	st := &State{set: s, no: 0, yes: 1,
		memo:   make([]uint32, len(s.preds)),
		judged: make([]uint32, len(s.groups)), recalls: make([]recall, len(s.groups)), seed: maphash.MakeSeed(),
		lists: make([]list, len(s.fields))}
	for i := range s.fields {
		f := &s.fields[i]
		if f.derive == nil {
			continue
		}
		if st.derived == nil {
			st.derived = make([]derived, len(s.fields))
		}
		st.derived[i] = derived{out: &Values{}, in: &fieldsInput{st: st, fields: f.deps}}
	}
	for i := range s.preds {
		if e := s.preds[i].each; e != nil {
			if st.eaches == nil {
				st.eaches = map[PredID]*eachState{}
			}
			st.eaches[PredID(i)] = &eachState{doc: e.plan.NewDoc(), st: e.prog.set.NewState()}
		}
	}
	return st
}

// NewState returns a State for the programs of p's Set.
func (p *Program) NewState() *State { return p.set.NewState() }

// Begin starts the judging of a record. doc must stay as it is until the next Begin.
func (st *State) Begin(doc *slot.Doc, meta Meta) {
	if st.yes >= 1<<32-4 {
		clear(st.memo)
		clear(st.judged)
		for i := range st.lists {
			st.lists[i].stamp, st.lists[i].have = 0, 0
		}
		st.no, st.yes = 0, 1
	}
	st.no += 2
	st.yes += 2
	st.doc, st.meta = doc, meta
	st.trues, st.arena, st.inners = st.trues[:0], st.arena[:0], st.inners[:0]
	if cap(st.arena) > maxKept {
		st.arena = nil
	}
}

// maxKept is how many bytes of one record's texts are kept as room for the next one's.
const maxKept = 1 << 20

// Meta returns what [State.Begin] or [State.SetMeta] was given.
func (st *State) Meta() Meta { return st.meta }

// SetMeta replaces what [State.Begin] was given. It comes before anything is asked
// that is computed from it.
func (st *State) SetMeta(meta Meta) { st.meta = meta }

// list returns the values of a field, positioned at the first ones.
func (st *State) list(f FieldID) *list {
	l := &st.lists[f]
	if l.stamp == st.yes {
		if l.first >= 0 {
			st.load(f, l, l.first)
		}
		return l
	}
	l.stamp, l.items, l.first, l.rest = st.yes, l.items[:0], -1, -1
	if fd := &st.set.fields[f]; fd.derive != nil {
		st.compute(f, fd)
		out := st.derived[f].out
		for i := range out.Len() {
			l.items = append(l.items, item{kind: slot.String, text: out.At(i)})
		}
		return l
	}
	v := st.doc.First(st.set.fields[f].slot)
	st.load(f, l, v)
	if l.rest >= 0 {
		l.first = v
	}
	return l
}

// load fills the window of l from v on.
func (st *State) load(f FieldID, l *list, v slot.Value) {
	doc, conv := st.doc, st.set.fields[f].conv
	l.items = l.items[:0]
	for ; v >= 0 && len(l.items) < window; v = doc.Next(v) {
		it := item{kind: doc.Kind(v)}
		switch {
		case conv == ConvString && it.kind != slot.String:
			it.kind = slot.String
		case conv == ConvString || conv == ConvRaw:
			it.text, it.kind = cutNUL(doc.Text(v)), slot.String
		case it.kind != slot.Null:
			it.text = doc.Text(v)
		}
		l.items = append(l.items, it)
	}
	l.rest = v
}

// cutNUL cuts text at its first NUL, as ConvString and ConvRaw do.
func cutNUL(text []byte) []byte {
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return text[:i]
	}
	return text
}

// more moves the window of l on; false at the end.
func (st *State) more(f FieldID, l *list) bool {
	if l.rest < 0 {
		return false
	}
	st.load(f, l, l.rest)
	return true
}

func (st *State) compute(f FieldID, fd *field) {
	d := &st.derived[f]
	d.out.Reset()
	fd.derive.Fn(d.in, d.out)
}

// form returns the text of an item, folded where fold is set.
func (it *item) form(st *State, fold bool) []byte {
	if !fold {
		return it.text
	}
	if it.folded == nil {
		it.folded = st.fold(it.text)
	}
	return it.folded
}

// resolved returns the text of an object or array with the escapes of its strings
// resolved, so that JSON inside a string reads as JSON; nil when there are none.
func (it *item) resolved(st *State, fold bool) []byte {
	if it.inner == nil {
		if len(st.inners) < cap(st.inners) {
			st.inners = st.inners[:len(st.inners)+1]
		} else {
			st.inners = append(st.inners, inner{}) // what items point to stays where it is
		}
		it.inner = &st.inners[len(st.inners)-1]
		*it.inner = inner{}
		if bytes.IndexByte(it.text, '\\') >= 0 {
			mark := len(st.arena)
			st.arena = slot.Unescape(st.arena, it.text)
			it.inner.text = st.arena[mark:len(st.arena):len(st.arena)]
		}
	}
	if !fold || it.inner.text == nil {
		return it.inner.text
	}
	if it.inner.folded == nil {
		it.inner.folded = st.fold(it.inner.text)
	}
	return it.inner.folded
}

func (st *State) fold(text []byte) []byte {
	if isFolded(text) {
		return text
	}
	mark := len(st.arena)
	st.arena = AppendFold(st.arena, text)
	return st.arena[mark:len(st.arena):len(st.arena)]
}

// Texts returns the texts of a field's values, converted by its Conv; null values of
// ConvAny have none. What it returns is valid until the next Begin.
func (st *State) Texts(f FieldID) Texts { return st.texts(f) }

func (st *State) texts(f FieldID) *list {
	l := st.list(f)
	if l.have == st.yes {
		return l
	}
	l.have, l.texts, l.kinds = st.yes, l.texts[:0], l.kinds[:0]
	for {
		for i := range l.items {
			if l.items[i].kind != slot.Null {
				l.texts = append(l.texts, l.items[i].text)
				l.kinds = append(l.kinds, l.items[i].kind)
			}
		}
		if !st.more(f, l) {
			return l
		}
	}
}

// Scalars appends the texts of a field's values that are no objects, null left out, to
// dst; where there are none but objects, theirs. An array has the values of its members.
// What it returns is valid until the next Begin.
func (st *State) Scalars(f FieldID, dst [][]byte) [][]byte {
	from := len(dst)
	for _, objects := range []bool{false, true} {
		l := st.list(f)
		for {
			for i := range l.items {
				it := &l.items[i]
				if it.kind != slot.Null && it.kind != slot.Array && it.kind == slot.Object == objects {
					dst = append(dst, it.text)
				}
			}
			if !st.more(f, l) {
				break
			}
		}
		if len(dst) > from {
			break
		}
	}
	return dst
}

// Len returns the number of texts.
func (l *list) Len() int { return len(l.texts) }

// At returns the i-th text.
func (l *list) At(i int) []byte { return l.texts[i] }

// Input returns an Input whose Dep(i) holds the values of fields[i].
func (st *State) Input(fields []FieldID) Input { return &fieldsInput{st: st, fields: fields} }

type fieldsInput struct {
	st     *State
	fields []FieldID
}

func (in *fieldsInput) Dep(i int) Texts { return in.st.texts(in.fields[i]) }
func (in *fieldsInput) Meta() Meta      { return in.st.meta }

// Holds reports whether the question of p is answered yes for the record that st
// has begun.
func (p *Program) Holds(st *State) bool { return st.node(&p.root) }

// Match judges one record apart from others: Begin and Holds in one. A nil st makes
// a new one.
func (p *Program) Match(doc *slot.Doc, st *State) bool {
	if st == nil {
		st = p.NewState()
	}
	st.Begin(doc, Meta{})
	return p.Holds(st)
}

// Fired returns the predicates of witnesses that hold, and maybe others that do. It
// is valid until the next Begin.
func (st *State) Fired() []PredID {
	for _, g := range st.set.always {
		st.judge(g)
	}
	for _, sl := range st.doc.Filled() {
		if st.set.slots.Has(int(sl)) {
			for _, g := range st.set.bySlot[sl] {
				st.judge(g)
			}
		}
	}
	return st.trues
}
