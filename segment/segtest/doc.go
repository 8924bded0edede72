// Package segtest is a file system in memory for tests of durable files: it knows
// what a loss of power would leave, and when the disk is full.
//
// It is not a mock that is told what to answer: it keeps for every file what was
// fsynced and what was only written, and for every directory which names are durable.
// [FS.Crash] throws away what was not durable, by chance wholly or in part, as a disk
// with a cache does.
//
// A worked example:
//
//	disk := segtest.New(1)
//	l, err := segment.Open("d", segment.Options{FS: disk})
//	…
//	disk = disk.Crash() // what a restarted machine would find
//	l, err = segment.Open("d", segment.Options{FS: disk})
package segtest
