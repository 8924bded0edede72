//go:build !linux

package repeat

func advise([]uint64) {}
