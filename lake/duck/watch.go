//go:build cgo

package duck

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

// watch looks at the memory of the process while queries run. What functions
// make of text and lists is not counted by the engine; when the process has
// grown by more than the limit and some room, all queries are ended.
type watch struct {
	limit int64

	mu      sync.Mutex
	next    int
	queries map[int]func(error)
	stop    chan struct{}
	entered int // queries that ever came in
}

// enter begins to watch for a query; the function that it returns ends that.
func (w *watch) enter(kill func(error)) (leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queries == nil {
		w.queries = map[int]func(error){}
	}
	w.next++
	w.entered++
	id := w.next
	w.queries[id] = kill
	if w.stop == nil {
		w.stop = make(chan struct{})
		go w.look(w.stop, resident())
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.queries, id)
		if len(w.queries) == 0 && w.stop != nil {
			close(w.stop)
			w.stop = nil
		}
	}
}

func (w *watch) look(stop chan struct{}, before int64) {
	if before == 0 {
		return // not on this system
	}
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		if grown := resident() - before; grown > w.limit+Room {
			w.mu.Lock()
			for _, kill := range w.queries {
				kill(&Error{Kind: KindLimit, Message: fmt.Sprintf("the query was ended: the program grew by %d MB, %d MB are allowed", grown>>20, (w.limit+Room)>>20), Hint: "make less text of one row"})
			}
			w.mu.Unlock()
		}
	}
}

// reading is what the process has read so far, for a query that begins.
type reading struct {
	bytes   int64
	entered int
	alone   bool
}

// begin notes what has been read when a query begins. It is to be called when the
// query has entered.
func (w *watch) begin() reading {
	w.mu.Lock()
	defer w.mu.Unlock()
	return reading{bytes: readSoFar(), entered: w.entered, alone: len(w.queries) == 1}
}

// end is how many bytes were read since, and whether they were this query's alone.
func (w *watch) end(r reading) (int64, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return readSoFar() - r.bytes, r.alone && r.bytes > 0 && w.entered == r.entered
}

// readSoFar is how many bytes the process has read by system calls; 0 where it
// cannot be known.
func readSoFar() int64 {
	data, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	rest, ok := bytes.CutPrefix(data, []byte("rchar: "))
	if !ok {
		return 0
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	n, err := strconv.ParseInt(string(line), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// resident is the memory of the process; 0 where it cannot be known.
func resident() int64 {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(data)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
