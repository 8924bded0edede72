package query

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"

	"github.com/yagura-sec/yagura/slot"
)

// Limits of one expression, so that no rule can exhaust the stack or the memory.
const (
	maxDepth = 1000
	maxNodes = 1 << 20
)

// Set is a set of programs over records of one kind. Predicates and fields that
// programs share are judged once a record. Add everything, then Seal; a sealed Set
// is immutable and safe for concurrent use, each goroutine with its own [State].
type Set struct {
	b        *slot.Builder
	fields   []field
	fieldIDs map[string]FieldID
	preds    []pred
	predIDs  map[string]PredID
	groups   []*group
	groupIDs map[groupKey]int32
	programs []*Program
	watched  map[int32]bool
	always   []int32   // watched groups to judge on every record
	bySlot   [][]int32 // watched groups by slot
	slots    slot.Bits // that have watched groups
	sealed   bool
	alone    bool // no groups: every predicate is asked by itself; tests compare
}

// FieldID numbers a field within one Set.
type FieldID int32

// PredID numbers a predicate within one Set.
type PredID int32

// wholeRecord is the field of a keyword search.
const wholeRecord FieldID = -1

// field is what predicates read. Either slot or derive is set.
type field struct {
	slot   slot.ID
	depths []int // of its paths
	conv   Conv
	derive *Derived
	deps   []FieldID
}

// pred is one predicate, ready to be asked.
type pred struct {
	src   *Pred
	op    Op
	fold  bool
	field FieldID
	ref   FieldID
	group int32 // that judges it, or -1
	// verify: the group finds only what must be there; then the pred itself is asked.
	verify bool
	args   []arg
	each   *each
}

// opEach is the operator of a pred that stands for an [Each].
const opEach Op = math.MaxUint8

const noRef FieldID = -2

// arg is an Arg with what can be computed before any record is seen.
type arg struct {
	src     *Arg
	text    []byte // folded where the pred folds
	decimal []byte // the form of appendDecimal, nil for text that is no number
	glob    *pattern
	net     netip.Prefix
}

// Program is one compiled expression of a Set.
type Program struct {
	set  *Set
	root node
	size int
}

// node is one node of an expression, its predicates replaced by their numbers.
type node struct {
	op   nodeOp
	pred PredID
	kids []node
	src  *Pred // as this rule writes it, for explanations; nil for an Each
}

type nodeOp uint8

const (
	nodePred nodeOp = iota
	nodeAnd
	nodeOr
	nodeNot
	nodeTrue
	nodeFalse
)

// NewSet returns an empty Set whose programs read the slots of b.
func NewSet(b *slot.Builder) *Set {
	return &Set{b: b, fieldIDs: map[string]FieldID{}, predIDs: map[string]PredID{},
		groupIDs: map[groupKey]int32{}, watched: map[int32]bool{}}
}

// Compile compiles one expression alone: a Set of one program, sealed. The program
// reads records that the plan of b scanned.
func Compile(expr Expr, b *slot.Builder) (*Program, error) {
	s := NewSet(b)
	p, err := s.Add(expr)
	if err != nil {
		return nil, err
	}
	s.Seal()
	return p, nil
}

// Add compiles one expression. The error names the place in the rule where it is known.
func (s *Set) Add(expr Expr) (*Program, error) {
	if s.sealed {
		return nil, fmt.Errorf("the set is sealed")
	}
	p := &Program{set: s}
	root, err := p.compile(expr, 0)
	if err != nil {
		return nil, err
	}
	p.root = root
	s.programs = append(s.programs, p)
	return p, nil
}

// Field asks for a field apart from any predicate, to be read with [State.Texts].
func (s *Set) Field(f Field) (FieldID, error) {
	if s.sealed {
		return 0, fmt.Errorf("the set is sealed")
	}
	return s.field(f, 0)
}

// Slots returns the slots that a field is read from: several for a derived field.
func (s *Set) Slots(f FieldID) []slot.ID {
	fd := &s.fields[f]
	if fd.derive == nil {
		return []slot.ID{fd.slot}
	}
	var out []slot.ID
	for _, d := range fd.deps {
		out = append(out, s.Slots(d)...)
	}
	return out
}

// Check says whether an expression can be compiled, without compiling it for any plan.
func Check(expr Expr) error {
	_, err := NewSet(slot.NewBuilder()).Add(expr)
	return err
}

func (p *Program) compile(expr Expr, depth int) (node, error) {
	if p.size++; p.size > maxNodes {
		return node{}, fmt.Errorf("more than %d terms", maxNodes)
	}
	if depth > maxDepth {
		return node{}, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	switch x := expr.(type) {
	case *And:
		return p.list(nodeAnd, x.X, depth)
	case *Or:
		return p.list(nodeOr, x.X, depth)
	case *Not:
		kid, err := p.compile(x.X, depth+1)
		if err != nil {
			return node{}, err
		}
		switch kid.op {
		case nodeNot:
			return kid.kids[0], nil
		case nodeTrue:
			return node{op: nodeFalse}, nil
		case nodeFalse:
			return node{op: nodeTrue}, nil
		}
		return node{op: nodeNot, kids: []node{kid}}, nil
	case Const:
		if x {
			return node{op: nodeTrue}, nil
		}
		return node{op: nodeFalse}, nil
	case *Pred:
		id, err := p.set.pred(x)
		if err != nil {
			return node{}, at(x.Span, x.Field.Name, err)
		}
		return node{op: nodePred, pred: id, src: x}, nil
	case *Each:
		id, err := p.set.each(x)
		if err != nil {
			return node{}, at(x.Span, x.Field.Name, err)
		}
		return node{op: nodePred, pred: id}, nil
	}
	return node{}, fmt.Errorf("unknown expression %T", expr)
}

func at(s Span, field string, err error) error {
	if s.Line > 0 {
		return fmt.Errorf("%d:%d: field %q: %w", s.Line, max(s.Column, 1), field, err)
	}
	return fmt.Errorf("field %q: %w", field, err)
}

// list compiles the terms of an And or Or: nested lists of the same kind become one,
// constants vanish, and cheap terms come first.
func (p *Program) list(op nodeOp, terms []Expr, depth int) (node, error) {
	neutral, final := nodeTrue, nodeFalse
	if op == nodeOr {
		neutral, final = nodeFalse, nodeTrue
	}
	var kids []node
	decided := false
	for _, x := range terms {
		kid, err := p.compile(x, depth+1)
		if err != nil {
			return node{}, err
		}
		switch kid.op {
		case neutral:
		case final:
			decided = true
		case op:
			kids = append(kids, kid.kids...)
		default:
			kids = append(kids, kid)
		}
	}
	if decided {
		return node{op: final}, nil
	}
	switch len(kids) {
	case 0:
		return node{op: neutral}, nil
	case 1:
		return kids[0], nil
	}
	slices.SortStableFunc(kids, func(a, b node) int { return p.set.cost(&a) - p.set.cost(&b) })
	return node{op: op, kids: kids}, nil
}

// cost guesses what it takes to judge a node, in no unit.
func (s *Set) cost(n *node) int {
	if n.op != nodePred {
		c := 1
		for i := range n.kids {
			c = min(c+s.cost(&n.kids[i]), 1<<20)
		}
		return c
	}
	p := &s.preds[n.pred]
	c := 2
	switch p.op {
	case Exists, IsNull:
		c = 1
	case Contains, Glob, Func, ListFunc, TimePart, CIDR:
		c = 6
	case Regex:
		c = 20
	case Keyword:
		c = 200
	case opEach:
		c = 100
	}
	if p.field >= 0 && s.fields[p.field].derive != nil {
		c += 10
	}
	return c
}

// field returns the number of a field, the same one for fields that hold the same values.
func (s *Set) field(f Field, depth int) (FieldID, error) {
	if depth > maxDepth {
		return 0, fmt.Errorf("derived fields nested deeper than %d", maxDepth)
	}
	if f.Derive != nil {
		if f.Derive.Fn == nil {
			return 0, fmt.Errorf("derived field %q has no function", f.Derive.Name)
		}
		key := "d" + f.Derive.Name
		if id, ok := s.fieldIDs[key]; ok {
			return id, nil
		}
		var deps []FieldID
		for _, d := range f.Derive.Deps {
			id, err := s.field(d, depth+1)
			if err != nil {
				return 0, err
			}
			deps = append(deps, id)
		}
		id := FieldID(len(s.fields))
		s.fieldIDs[key] = id
		s.fields = append(s.fields, field{slot: -1, derive: f.Derive, deps: deps})
		return id, nil
	}
	sl := s.b.Slot(slot.Field{Paths: f.Paths})
	key := "s" + strconv.Itoa(int(sl)) + "," + strconv.Itoa(int(f.Conv))
	if id, ok := s.fieldIDs[key]; ok {
		return id, nil
	}
	id := FieldID(len(s.fields))
	s.fieldIDs[key] = id
	fd := field{slot: sl, conv: f.Conv}
	for _, p := range f.Paths {
		fd.depths = append(fd.depths, len(p.Segs))
	}
	s.fields = append(s.fields, fd)
	return id, nil
}

// pred returns the number of a predicate, the same one for equal questions.
func (s *Set) pred(x *Pred) (PredID, error) {
	p := pred{src: x, op: x.Op, fold: x.Fold, field: wholeRecord, ref: noRef, group: -1}
	if x.Op != Keyword {
		id, err := s.field(x.Field, 0)
		if err != nil {
			return 0, err
		}
		p.field = id
	}
	if x.Ref != nil {
		id, err := s.field(*x.Ref, 0)
		if err != nil {
			return 0, err
		}
		p.ref = id
	}
	if err := p.check(); err != nil {
		return 0, err
	}
	for i := range x.Args {
		p.args = append(p.args, newArg(&x.Args[i], x))
	}
	key, shared := p.identity()
	if shared {
		if id, ok := s.predIDs[key]; ok {
			return id, nil
		}
	}
	id := PredID(len(s.preds))
	s.preds = append(s.preds, p)
	if shared {
		s.predIDs[key] = id
	}
	s.join(id)
	return id, nil
}

func newArg(src *Arg, x *Pred) arg {
	a := arg{src: src, text: []byte(src.Text)}
	if x.Fold {
		a.text = AppendFold(nil, a.text)
	}
	if x.Op == Eq && x.Field.Conv == ConvAny {
		if d, ok := appendDecimal(nil, a.text); ok {
			a.decimal = d
		}
	}
	if Lt <= x.Op && x.Op <= Gte {
		// Without its text the number is what the float64 says.
		if f, ok := parseNumber(a.text); ok && f == src.Num {
			a.decimal, _ = appendDecimal(nil, a.text)
		}
	}
	if src.Pattern != nil && (x.Op == Glob || x.Op == Keyword) {
		a.glob = compilePattern(src.Pattern, x.Fold)
	}
	if x.Op == CIDR {
		a.net = plainNet(src.Net)
	}
	return a
}

// check refuses what no front end may ask.
func (p *pred) check() error {
	x := p.src
	ref := x.Ref != nil
	for i := range x.Args {
		a := &x.Args[i]
		switch {
		case x.Op == Glob && a.Pattern == nil:
			return fmt.Errorf("glob without a pattern")
		case x.Op == Regex && a.Regexp == nil:
			return fmt.Errorf("regular expression missing")
		case x.Op == CIDR && !a.Net.IsValid():
			return fmt.Errorf("network missing")
		case x.Op == TimePart && a.Cmp != Eq && (a.Cmp < Lt || a.Cmp > Gte):
			return fmt.Errorf("unknown comparison of a time part")
		case a.Pattern != nil:
			for _, piece := range a.Pattern.Pieces {
				if len(piece.Runes) == 0 || len(piece.Any) != len(piece.Runes) {
					return fmt.Errorf("malformed pattern")
				}
			}
		}
	}
	switch x.Op {
	case Eq, Prefix, Suffix, Contains, Lt, Lte, Gt, Gte, StrLt, StrLte, StrGt, StrGte:
		return nil
	case Func:
		if x.Test == nil {
			return fmt.Errorf("test missing")
		}
	case ListFunc:
		if x.ListTest == nil {
			return fmt.Errorf("test missing")
		}
	case Glob, Regex, CIDR, Exists, IsNull, TimePart, Keyword:
	default:
		return fmt.Errorf("unknown operator %d", x.Op)
	}
	if ref {
		return fmt.Errorf("operator %s takes no field reference", opName(x.Op))
	}
	return nil
}

// identity returns a text that is equal for equal questions; ok is false for those
// that cannot be compared.
func (p *pred) identity() (key string, ok bool) {
	if p.op == Func || p.op == ListFunc {
		return "", false
	}
	args := make([]string, 0, len(p.args))
	for i := range p.args {
		args = append(args, string(p.argIdentity(&p.args[i])))
	}
	slices.Sort(args)
	b := make([]byte, 0, 64)
	for _, n := range []int{int(p.op), int(p.field), int(p.ref)} {
		b = append(strconv.AppendInt(b, int64(n), 10), ',')
	}
	b = strconv.AppendBool(b, p.fold)
	for _, k := range slices.Compact(args) {
		b = appendSized(append(b, '|'), k)
	}
	return string(b), true
}

func (p *pred) argIdentity(a *arg) []byte {
	switch p.op {
	case Glob, Keyword:
		if a.glob == nil {
			return appendSized(nil, string(a.text))
		}
		k := fmt.Appendf(nil, "%v,%v", a.glob.openStart, a.glob.openEnd)
		for _, piece := range a.glob.pieces {
			k = fmt.Appendf(k, ",%q%q%v", piece.text, piece.runes, piece.any)
		}
		return k
	case Regex:
		return []byte(a.src.Regexp.String())
	case CIDR:
		return []byte(a.net.String())
	case Lt, Lte, Gt, Gte:
		return append(strconv.AppendFloat(nil, a.src.Num, 'g', -1, 64), ","+string(a.decimal)...)
	case TimePart:
		return fmt.Appendf(nil, "%d,%d,%v", a.src.Unit, a.src.Cmp, a.src.Num)
	case Exists:
		return strconv.AppendBool(nil, a.src.Bool)
	case IsNull:
		return nil
	}
	if a.src.Number {
		return appendSized([]byte{'n'}, string(a.text))
	}
	return appendSized(nil, string(a.text))
}

// appendSized appends text with its length before it, so that what follows it cannot be
// taken for a part of it.
func appendSized(dst []byte, text string) []byte {
	dst = append(strconv.AppendInt(dst, int64(len(text)), 10), ':')
	return append(dst, text...)
}
