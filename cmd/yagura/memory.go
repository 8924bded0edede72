package main

import (
	"runtime"
	"runtime/debug"
)

const (
	loadPercent = 200       // while rules are read
	gcPercent   = 400       // garbage is cheap to keep beside what a scan keeps anyway
	heapLimit   = 240 << 20 // up to here; beyond it the collector works harder
)

// tuneMemory trades memory for speed within the bounds that docs/performance.md
// promises, unless GOGC or GOMEMLIMIT say otherwise. It is called once the rules are
// compiled, so that a great set of rules has room of its own.
func tuneMemory(env *environment) {
	if env.getenv("GOGC") != "" || env.getenv("GOMEMLIMIT") != "" {
		return
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(max(heapLimit, 2*int64(m.HeapAlloc)))
}

// serveLimit is what the service's own memory, with what waits for the lake, is held to: with the key window's filters,
// which are beside it, it stays below what docs/performance.md promises.
const serveLimit = 320 << 20

// tuneServe holds the memory of the service, unless GOGC or GOMEMLIMIT say otherwise.
func tuneServe(env *environment) {
	if env.getenv("GOGC") == "" && env.getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(100)
		debug.SetMemoryLimit(serveLimit)
	}
}

// fillLimit is what a demo takes while it is filled, which is for seconds.
const (
	fillPercent = 400
	fillLimit   = 600 << 20
)

// tuneFill trades memory for speed, until [tuneServe].
func tuneFill(env *environment) {
	if env.getenv("GOGC") == "" && env.getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(fillPercent)
		debug.SetMemoryLimit(fillLimit)
	}
}

// importLimit is what an import's memory is held to: most of it is what waits to be written.
const (
	importPercent = 150
	importLimit   = 800 << 20
)

// tuneImport trades memory for speed as tuneMemory does, for a process that holds the lake's
// buffers.
func tuneImport(env *environment) {
	if env.getenv("GOGC") == "" && env.getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(importPercent)
		debug.SetMemoryLimit(importLimit)
	}
}
