package slot

import (
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Paths become a trie of nodes; the sets of nodes that one place of a record can
// stand for become states, so that scanning is a walk over states without choices.

// node is one step of one or more paths that agree in Fold and Exact.
type node struct {
	num   int32
	exact int32 // number among the nodes of Exact paths, -1 for others
	fold  bool
	slots []ID
	steps map[string]*node // by the keys of the paths, one segment each
	idx   map[int]*node
	// keys has what a key of the record leads to: several nodes where a key with dots
	// stands for several segments as well as for one.
	keys map[string][]*node
	// spelling holds the keys as paths write them, which fold keys alone lose.
	spelling map[string]bool
}

func (n *node) isExact() bool { return n.exact >= 0 }

// An item is a node with what is no longer possible there.
type item struct {
	n      *node
	member bool // reached as the member of an array: index steps are spent
	inner  bool // inside a string's text: the value itself was the string
}

// state is a set of items: everything that one place of a record stands for.
type state struct {
	slots []ID // fed by the value here
	*keyTable
	num int32 // place in Doc.after for the first key of an object
	// Arrays: what a member stands for; at has the members with a state of their own.
	member *state
	at     map[int]*state
	last   int // highest index in at, -1 for none
	// inner is what the text of a string here stands for; nil when nothing below is wanted.
	inner *state
}

// keyTable says where the keys of an object lead.
type keyTable struct {
	// tab maps the hash of a key to 1 + its entry, 0 is a miss.
	tab     []uint32
	shift   uint8
	mul     uint64
	entries []entry
	fold    map[string]*target // by lower-case key, asked when tab misses
}

// entry is one key of a state, with its ends as numbers so that most keys are
// compared without a loop.
type entry struct {
	lo, hi uint64
	key    string
	// plain says that the key stands in a record as it is, without escapes.
	plain bool
	num   int32 // place in Doc.after
	target
}

// target is where a key leads.
type target struct {
	st *state
	// once are the nodes of Exact paths in st, which only the first of duplicate keys
	// reaches; without has the state less the nodes of each subset of once.
	once    []int32
	without []*state
}

type compiler struct {
	nodes  []*node
	keys   int // number of places in Doc.after
	exact  int
	states map[string]*state
	tables map[string]*keyTable // by the nodes of a state
}

func compile(fields []Field) (root *state, exact, keys int) {
	c := &compiler{states: map[string]*state{}, tables: map[string]*keyTable{}}
	roots := map[[2]bool]*node{}
	var items []item
	for id, f := range fields {
		for _, p := range f.Paths {
			mode := [2]bool{p.Fold, p.Exact}
			r := roots[mode]
			if r == nil {
				r = c.node(p)
				roots[mode] = r
				items = append(items, item{n: r})
			}
			c.add(r, p, ID(id))
		}
	}
	root = c.state(items)
	return root, c.exact, c.keys
}

func (c *compiler) node(p Path) *node {
	n := &node{num: int32(len(c.nodes)), exact: -1, fold: p.Fold,
		steps: map[string]*node{}, idx: map[int]*node{}, keys: map[string][]*node{}, spelling: map[string]bool{}}
	if p.Exact {
		n.exact = int32(c.exact)
		c.exact++
	}
	c.nodes = append(c.nodes, n)
	return n
}

// maxDotted is how many steps of a path one key of a record may be written for.
const maxDotted = 32

// add puts path p below root r.
func (c *compiler) add(r *node, p Path, id ID) {
	chain := []*node{r}
	n := r
	for _, seg := range p.Segs {
		var next *node
		if seg.IsIndex {
			if next = n.idx[seg.Index]; next == nil {
				next = c.node(p)
				n.idx[seg.Index] = next
			}
		} else {
			key := seg.Key
			if p.Fold {
				key = lower(key)
			}
			if next = n.steps[key]; next == nil {
				next = c.node(p)
				n.steps[key] = next
			}
			n.link(seg.Key, next)
		}
		n = next
		chain = append(chain, n)
	}
	if !slices.Contains(n.slots, id) {
		n.slots = append(n.slots, id)
	}
	if p.Exact {
		return
	}
	for i := range p.Segs {
		name := ""
		for j := i; j < min(len(p.Segs), i+maxDotted) && !p.Segs[j].IsIndex; j++ {
			if name += p.Segs[j].Key; j > i {
				chain[i].link(name, chain[j+1])
			}
			name += "."
		}
	}
}

// link makes a key of the record lead to a node.
func (n *node) link(key string, to *node) {
	n.spelling[key] = true
	if n.fold {
		key = lower(key)
	}
	if !slices.Contains(n.keys[key], to) {
		n.keys[key] = append(n.keys[key], to)
	}
}

// state returns the state for a set of items, nil for the empty set.
func (c *compiler) state(items []item) *state {
	if len(items) == 0 {
		return nil
	}
	slices.SortFunc(items, func(a, b item) int { return a.order() - b.order() })
	items = slices.Compact(items)
	var sb strings.Builder
	for _, it := range items {
		sb.WriteString(strconv.Itoa(it.order()))
		sb.WriteByte(' ')
	}
	if s, ok := c.states[sb.String()]; ok {
		return s
	}
	s := &state{last: -1, num: int32(c.keys)}
	c.keys++
	c.states[sb.String()] = s
	for _, it := range items {
		if it.inner {
			continue
		}
		for _, id := range it.n.slots {
			if !slices.Contains(s.slots, id) {
				s.slots = append(s.slots, id)
			}
		}
	}
	slices.Sort(s.slots)
	s.keyTable = c.objects(items)
	c.arrays(s, items)
	c.strings(s, items)
	return s
}

func (it item) order() int {
	o := int(it.n.num) << 2
	if it.member {
		o |= 1
	}
	if it.inner {
		o |= 2
	}
	return o
}

// objects makes the table of keys. It depends on the nodes only: the states of members
// and of the texts of strings share it.
func (c *compiler) objects(items []item) *keyTable {
	var sb strings.Builder
	for i, it := range items { // in the order of their nodes
		if i == 0 || it.n != items[i-1].n {
			sb.WriteString(strconv.Itoa(int(it.n.num)))
			sb.WriteByte(' ')
		}
	}
	if s := c.tables[sb.String()]; s != nil {
		return s
	}
	s := &keyTable{}
	c.tables[sb.String()] = s
	plain, folded := map[string]bool{}, map[string]bool{}
	for _, it := range items {
		for key := range it.n.spelling {
			plain[key] = true
			if it.n.fold {
				folded[lower(key)] = true
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(plain)) {
		e := entry{key: key, target: c.target(items, key, false)}
		if e.st == nil {
			continue
		}
		e.lo, e.hi = ends(key)
		e.plain = strings.IndexFunc(key, func(r rune) bool { return r < 0x20 || r == '"' || r == '\\' }) < 0
		e.num = int32(c.keys)
		c.keys++
		s.entries = append(s.entries, e)
	}
	s.index()
	for _, key := range slices.Sorted(maps.Keys(folded)) {
		t := c.target(items, key, true)
		if t.st != nil {
			if s.fold == nil {
				s.fold = map[string]*target{}
			}
			s.fold[key] = &t
		}
	}
	return s
}

// target follows a key from every item; only folded ones where foldOnly is set.
func (c *compiler) target(items []item, key string, foldOnly bool) target {
	var to []item
	for _, it := range items {
		k := key
		if it.n.fold {
			k = lower(key)
		} else if foldOnly {
			continue
		}
		for _, n := range it.n.keys[k] {
			to = append(to, item{n: n})
		}
	}
	t := target{st: c.state(slices.Clone(to))}
	for _, it := range to {
		if it.n.isExact() {
			t.once = append(t.once, it.n.exact)
		}
	}
	if len(t.once) == 0 {
		return t
	}
	for drop := range 1 << len(t.once) {
		var rest []item
		for _, it := range to {
			if k := slices.Index(t.once, it.n.exact); k < 0 || drop>>k&1 == 0 {
				rest = append(rest, it)
			}
		}
		t.without = append(t.without, c.state(rest))
	}
	return t
}

func (c *compiler) arrays(s *state, items []item) {
	var all []item
	own := map[int][]item{}
	for _, it := range items {
		n := it.n
		if !n.isExact() {
			// A member that ends no path and goes on by index only is of no use.
			if len(n.keys) > 0 || len(n.slots) > 0 && !it.inner {
				all = append(all, item{n: n, member: true, inner: it.inner})
			}
			if it.member {
				continue
			}
		}
		for i, next := range n.idx {
			own[i] = append(own[i], item{n: next})
		}
		if n.isExact() {
			for key, next := range n.keys {
				if i, err := strconv.Atoi(key); err == nil && i >= 0 && strconv.Itoa(i) == key {
					for _, to := range next {
						own[i] = append(own[i], item{n: to})
					}
				}
			}
		}
	}
	s.member = c.state(slices.Clone(all))
	for i, to := range own {
		if i < 0 {
			continue
		}
		if s.at == nil {
			s.at = map[int]*state{}
		}
		s.at[i] = c.state(append(to, all...))
		s.last = max(s.last, i)
	}
}

func (c *compiler) strings(s *state, items []item) {
	var in []item
	for _, it := range items {
		if it.n.isExact() || len(it.n.keys) == 0 && (it.member || len(it.n.idx) == 0) {
			continue
		}
		in = append(in, item{n: it.n, member: it.member, inner: true})
	}
	s.inner = c.state(in)
}

// ends returns the first and the last eight bytes of a key as numbers; a shorter
// key is filled up with zeros, and its second number is 0.
func ends(key string) (lo, hi uint64) {
	if len(key) >= 8 {
		return binary.LittleEndian.Uint64([]byte(key)), binary.LittleEndian.Uint64([]byte(key[len(key)-8:]))
	}
	var b [8]byte
	copy(b[:], key)
	return binary.LittleEndian.Uint64(b[:]), 0
}

// hash mixes the ends and the length of a key.
func hash(lo, hi uint64, n int, mul uint64) uint64 {
	return (lo ^ hi>>3 ^ hi<<29 ^ uint64(n)) * mul
}

// index fills tab, with the multiplier out of a fixed series that leaves the
// fewest keys sharing a place.
func (s *keyTable) index() {
	if len(s.entries) == 0 {
		return
	}
	size := 4
	for size < 4*len(s.entries) {
		size *= 2
	}
	shift := uint8(64)
	for 1<<(64-shift) < size {
		shift--
	}
	best := len(s.entries) + 1
	mul := uint64(0x9e3779b97f4a7c15)
	used := make([]bool, size)
	for range 200 {
		clear(used)
		shared := 0
		for _, e := range s.entries {
			h := hash(e.lo, e.hi, len(e.key), mul) >> shift
			if used[h] {
				shared++
			}
			used[h] = true
		}
		if shared < best {
			best, s.mul = shared, mul
		}
		if shared == 0 {
			break
		}
		mul = mul*6364136223846793005 + 1442695040888963407 | 1
	}
	s.shift = shift
	s.tab = make([]uint32, size)
	for i, e := range s.entries {
		h := hash(e.lo, e.hi, len(e.key), s.mul) >> shift
		for s.tab[h] != 0 {
			h = (h + 1) & uint64(size-1)
		}
		s.tab[h] = uint32(i + 1)
	}
}

// lower returns s with its ASCII capitals in lower case.
func lower(s string) string { return string(appendLower(nil, []byte(s))) }

func appendLower(dst, src []byte) []byte {
	for _, c := range src {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
