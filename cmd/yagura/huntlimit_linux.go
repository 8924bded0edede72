package main

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// huntRoom is what a process that hunts may take beyond its engine's memory: for the
// program itself, and for text that functions make and the engine does not count.
const huntRoom = 1 << 30

// limitMemory has the system refuse memory to this process beyond what it has, what
// its engine may take, and some room. A query that makes gigabytes of text between
// two looks of the engine's watch then ends with an error instead of the machine's
// memory. It is for a process that hunts and ends.
func limitMemory(engine int64) error {
	have, err := dataSize()
	if err != nil {
		return nil //nolint:nilerr // without /proc there is no limit
	}
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_DATA, &l); err != nil {
		return err
	}
	want := uint64(have + engine + huntRoom)
	if l.Cur <= want {
		return nil
	}
	l.Cur = want
	return unix.Setrlimit(unix.RLIMIT_DATA, &l)
}

// dataSize is the private writable memory that the process has mapped.
func dataSize() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmData:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return n << 10, err
		}
	}
	return 0, os.ErrNotExist
}
