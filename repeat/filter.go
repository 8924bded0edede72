package repeat

import (
	"math"
	"math/bits"
)

// A filter says of a key that it is certainly not in a file, or that it may be. It is a
// Bloom filter in blocks of a cache line: one miss of the cache for each question.
const (
	blockWords = 8
	blockBits  = 64 * blockWords
	maxProbes  = 7 // nine bits of a hash each
)

// filterShape returns the blocks and the probes for n keys at so many bits per key.
func filterShape(n int64, bitsPerKey float64) (blocks int64, probes int) {
	if n <= 0 {
		return 0, 0
	}
	blocks = int64(math.Ceil(float64(n) * bitsPerKey / blockBits))
	probes = int(math.Round(bitsPerKey * math.Ln2))
	return max(blocks, 1), min(max(probes, 1), maxProbes)
}

// filterPlace returns the first word of the block of an entry, and the hash that its
// bits are taken from.
func filterPlace(e entry, blocks uint64) (word, hash uint64) {
	block, _ := bits.Mul64(e.a*0x9e3779b97f4a7c15, blocks)
	return block * blockWords, (e.tag >> 32) * 0xd6e8feb86659fd93
}

func filterAdd(filter []uint64, probes int, e entry) {
	word, h := filterPlace(e, uint64(len(filter))/blockWords)
	b := filter[word : word+blockWords : word+blockWords]
	for range probes {
		b[h>>61] |= 1 << (h >> 55 & 63)
		h <<= 9
	}
}

func filterMay(filter []uint64, probes int, e entry) bool {
	word, h := filterPlace(e, uint64(len(filter))/blockWords)
	b := filter[word : word+blockWords : word+blockWords]
	for range probes {
		if b[h>>61]&(1<<(h>>55&63)) == 0 {
			return false
		}
		h <<= 9
	}
	return true
}
