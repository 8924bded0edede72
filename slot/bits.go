package slot

// Bits is a set of small numbers, such as slots. It tells in one look at little memory
// what a table of lists would tell with a look at much.
type Bits []uint64

// Add puts n into the set.
func (b *Bits) Add(n int) {
	for len(*b) <= n>>6 {
		*b = append(*b, 0)
	}
	(*b)[n>>6] |= 1 << (n & 63)
}

// Has reports whether n is in the set.
func (b Bits) Has(n int) bool { return n>>6 < len(b) && b[n>>6]>>(n&63)&1 != 0 }
