//go:build unix

package repeat

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// allocate maps zeroed words outside the garbage-collected heap. Pages take memory
// only once they are written.
func allocate(words int) ([]uint64, func() error) {
	mem, err := unix.Mmap(-1, 0, words*8, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		// A system that forbids the mapping (a tight address-space limit) may still grant heap.
		return make([]uint64, words), func() error { return nil }
	}
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(mem))), words),
		func() error { return unix.Munmap(mem) }
}
