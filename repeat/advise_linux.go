package repeat

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// advise asks for huge pages: the table is read at random, and each look-up would
// otherwise miss the address cache twice. A system without them is only slower.
func advise(words []uint64) {
	const huge = 2 << 20
	at := uintptr(unsafe.Pointer(unsafe.SliceData(words)))
	skip := (huge - at%huge) % huge / 8
	if uintptr(len(words)) < skip+huge/8 {
		return
	}
	part := words[skip:]
	_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(part))), len(part)*8), unix.MADV_HUGEPAGE)
}
