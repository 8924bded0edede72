//go:build cgo

package duck

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ending ends a query within a vector of 2,048 rows, where functions of Go are at work on
// them: the engine itself looks only between vectors. The driver has a context for such
// functions, but gives it from several threads at once without a lock. What a function asks
// here is whether any query should have ended and has not. Then its rows fail, whichever
// query they are of; a query that was not meant runs again when the other has ended.
type ending struct {
	late atomic.Int32 // queries that should have ended

	mu    sync.Mutex
	times int           // that one was late
	calm  chan struct{} // closed when none is late any more
}

// grace is the time in which the engine ends nearly all queries by itself.
const grace = 250 * time.Millisecond

var errEnding = errors.New("rows were given up because a query is ended")

// enter waits with a query for the end of its context; the function that it returns says that
// the query has ended.
func (x *ending) enter(ctx context.Context) (leave func()) {
	done := make(chan struct{})
	go func() {
		select {
		case <-done:
			return
		case <-ctx.Done():
		}
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-done:
			return
		case <-timer.C:
		}
		x.change(1)
		<-done
		x.change(-1)
	}()
	return func() { close(done) }
}

func (x *ending) change(by int32) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch n := x.late.Add(by); {
	case n == 0:
		close(x.calm)
	case n == by: // the first
		x.times++
		x.calm = make(chan struct{})
	}
}

// begun is how often queries were late until now.
func (x *ending) begun() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.times
}

// again reports whether a query failed because another was late since begun was asked, and
// waits until none is.
func (x *ending) again(ctx context.Context, err error, begun int) bool {
	if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), errEnding.Error()) {
		return false
	}
	x.mu.Lock()
	since, calm := x.times-begun, x.calm
	late := x.late.Load() > 0
	x.mu.Unlock()
	if since == 0 && !late {
		return false // somebody wrote that text
	}
	if late {
		select {
		case <-calm:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}
