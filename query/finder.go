package query

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
)

// finder looks for many texts inside another in one pass. Each text is known by four
// of its bytes in a row, the rarest among all texts; a bit per hash of four bytes
// says in about a nanosecond a place whether any text can stand there.
type finder struct {
	// few are looked for one by one: texts shorter than four bytes, or all when there are
	// not many.
	few []found
	// many are sorted by gram; table has 1 + the first of each gram.
	many  []found
	bits  []uint64
	shift uint8 // of the hash, for bits
	table []int32
	tsh   uint8 // of the hash, for table
}

// found is a text and the predicates that its presence satisfies (or lets ask).
type found struct {
	text  []byte
	gram  uint32
	off   int // of gram in text
	preds []PredID
}

const gramMul = 0x9E3779B1

func (f *finder) build(lits []literal) {
	slices.SortStableFunc(lits, func(a, b literal) int { return bytes.Compare(a.text, b.text) })
	var all []found
	for _, l := range lits {
		if n := len(all); n > 0 && bytes.Equal(all[n-1].text, l.text) {
			if !slices.Contains(all[n-1].preds, l.pred) {
				all[n-1].preds = append(all[n-1].preds, l.pred)
			}
			continue
		}
		all = append(all, found{text: l.text, preds: []PredID{l.pred}})
	}
	counts := map[uint32]int{}
	for _, x := range all {
		for i := 0; i+4 <= len(x.text); i++ {
			counts[binary.LittleEndian.Uint32(x.text[i:])]++
		}
	}
	for _, x := range all {
		if len(x.text) < 4 || len(all) <= 3 {
			f.few = append(f.few, x)
			continue
		}
		best := len(lits)*1000 + 1
		for i := 0; i+4 <= len(x.text); i++ {
			g := binary.LittleEndian.Uint32(x.text[i:])
			if c := counts[g]; c < best {
				best, x.gram, x.off = c, g, i
			}
		}
		f.many = append(f.many, x)
	}
	if len(f.many) == 0 {
		return
	}
	slices.SortStableFunc(f.many, func(a, b found) int {
		if a.gram != b.gram {
			return int(int64(a.gram) - int64(b.gram))
		}
		return strings.Compare(string(a.text), string(b.text))
	})
	log := func(n int) uint8 { return uint8(bits.Len(uint(n - 1))) }
	size := min(max(log(len(f.many)*32), 8), 18)
	f.shift = 32 - size
	f.bits = make([]uint64, 1<<size/64)
	tsize := log(len(f.many)*2) + 1
	f.tsh = 32 - tsize
	f.table = make([]int32, 1<<tsize)
	for i, x := range f.many {
		h := x.gram * gramMul
		f.bits[h>>f.shift>>6] |= 1 << (h >> f.shift & 63)
		if i > 0 && f.many[i-1].gram == x.gram {
			continue
		}
		k := h >> f.tsh
		for f.table[k] != 0 {
			k = (k + 1) & uint32(len(f.table)-1)
		}
		f.table[k] = int32(i + 1)
	}
}

// find marks the predicates of every text that occurs in text.
func (f *finder) find(st *State, g *group, text []byte, it *item) {
	for i := range f.few {
		if x := &f.few[i]; bytes.Contains(text, x.text) {
			g.found(st, x.preds, it)
		}
	}
	if len(f.many) == 0 || len(text) < 4 {
		return
	}
	set, shift := f.bits, f.shift
	for i := 0; i+4 <= len(text); i++ {
		w := binary.LittleEndian.Uint32(text[i:])
		h := w * gramMul >> shift
		if set[h>>6]>>(h&63)&1 != 0 {
			f.at(st, g, text, i, w, it)
		}
	}
}

// at looks at the texts whose gram is w, which stands at i.
func (f *finder) at(st *State, g *group, text []byte, i int, w uint32, it *item) {
	k := w * gramMul >> f.tsh
	for {
		n := f.table[k]
		if n == 0 {
			return
		}
		if f.many[n-1].gram == w {
			for j := int(n - 1); j < len(f.many) && f.many[j].gram == w; j++ {
				x := &f.many[j]
				from := i - x.off
				if from >= 0 && from+len(x.text) <= len(text) && string(text[from:from+len(x.text)]) == string(x.text) {
					g.found(st, x.preds, it)
				}
			}
			return
		}
		k = (k + 1) & uint32(len(f.table)-1)
	}
}
