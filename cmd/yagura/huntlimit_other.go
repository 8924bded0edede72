//go:build !linux

package main

// limitMemory does nothing on systems that do not limit the memory of a process.
func limitMemory(int64) error { return nil }
