package repeat

import "unsafe"

// halves returns words as twice as many of 32 bits.
func halves(words []uint64) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(words))), 2*len(words))
}
