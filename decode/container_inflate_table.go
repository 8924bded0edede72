package decode

import "math/bits"

// A table entry has in its low byte how many bits to take, extra bits included; then
// four bits with the length of the code itself; then flags; and above the literal,
// the base of a length or distance, or the start of a second table.
const (
	isLiteral = 1 << 12
	isTable   = 1 << 13
	isEnd     = 1 << 14
	isBad     = 1 << 15
	special   = isTable | isEnd | isBad
)

var (
	lengthBase  = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBase    = [30]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distExtra   = [30]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
	codeOrder   = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

// What the symbols of the three codes stand for, as table entries without the bits of
// the code.
var litEntries, distEntries, codeEntries = func() (lit, dist, code [288]uint32) {
	for sym := range lit {
		switch {
		case sym < 256:
			lit[sym] = uint32(sym)<<16 | isLiteral
		case sym == 256:
			lit[sym] = isEnd
		case sym < 257+len(lengthBase):
			lit[sym] = uint32(lengthBase[sym-257])<<16 | uint32(lengthExtra[sym-257])
		default:
			lit[sym] = isBad
		}
		code[sym] = uint32(sym) << 16
		dist[sym] = isBad
		if sym < len(distBase) {
			dist[sym] = uint32(distBase[sym])<<16 | uint32(distExtra[sym])
		}
	}
	return lit, dist, code
}()

// build makes the table of a canonical Huffman code out of the lengths of its codes,
// with the first lookup taking first bits. It is false for a code that is
// over-subscribed, or that leaves bits unused and is not the single code of one bit
// that encoders write where one code is enough. An empty code is fine as long as it
// is not used.
func build(table []uint32, first uint, lens []uint8, entries *[288]uint32) bool {
	var count, next [maxBits + 1]uint
	longest := uint(0)
	for _, n := range lens {
		count[n]++
		longest = max(longest, uint(n))
	}
	count[0] = 0
	code := uint(0)
	for n := uint(1); n <= longest; n++ {
		code = (code + count[n-1]) << 1
		next[n] = code
	}
	for i := range table[:1<<first] {
		table[i] = isBad
	}
	if longest == 0 {
		return true
	}
	if total := next[longest] + count[longest]; total != 1<<longest && !(total == 1 && longest == 1) {
		return false
	}
	// The codes longer than the first lookup: how long those behind each prefix are.
	var codes [288]uint16
	var deepest [1 << litBits]uint8
	for sym, n := range lens {
		if n == 0 {
			continue
		}
		codes[sym] = bits.Reverse16(uint16(next[n])) >> (16 - n)
		next[n]++
		if uint(n) > first {
			head := codes[sym] & (1<<first - 1)
			deepest[head] = max(deepest[head], n)
		}
	}
	used := uint(1) << first
	for sym, n8 := range lens {
		n, at := uint(n8), uint(codes[sym])
		if n == 0 {
			continue
		}
		e := entries[sym]
		e += uint32(n)<<8 | uint32(n)
		if n <= first {
			for i := at; i < 1<<first; i += 1 << n {
				table[i] = e
			}
			continue
		}
		head := at & (1<<first - 1)
		size := uint(deepest[head]) - first
		if table[head]&isTable == 0 {
			if used+(1<<size) > uint(len(table)) {
				return false
			}
			table[head] = uint32(used)<<16 | isTable | uint32(size)<<8
			for i := range uint(1) << size {
				table[used+i] = isBad
			}
			used += 1 << size
		}
		sub := uint(table[head] >> 16)
		for i := at >> first; i < 1<<size; i += 1 << (n - first) {
			table[sub+i] = e
		}
	}
	return true
}
