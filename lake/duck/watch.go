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
}

// room is what the process may grow beyond the engine's limit.
const room = 512 << 20

// enter begins to watch for a query; the function that it returns ends that.
func (w *watch) enter(kill func(error)) (leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queries == nil {
		w.queries = map[int]func(error){}
	}
	w.next++
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
		if grown := resident() - before; grown > w.limit+room {
			w.mu.Lock()
			for _, kill := range w.queries {
				kill(&Error{Kind: KindLimit, Message: fmt.Sprintf("the query was ended: the program grew by %d MB, %d MB are allowed", grown>>20, (w.limit+room)>>20), Hint: "make less text of one row"})
			}
			w.mu.Unlock()
		}
	}
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
