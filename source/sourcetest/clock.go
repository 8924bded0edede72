package sourcetest

import (
	"sync"
	"time"
)

// Clock is the time of a test: it stands until Advance moves it. Now and Wake are what
// receivers and fakes take for their own.
type Clock struct {
	mu    sync.Mutex
	now   time.Time
	waits []wait
}

type wait struct {
	at time.Time
	to chan time.Time
}

// NewClock returns a clock that begins at the present second.
func NewClock() *Clock { return &Clock{now: time.Now().UTC().Truncate(time.Second)} }

// Now is the time of the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Wake returns a channel that gets the time once it is at or later. The time is absolute, so
// an Advance between reading the clock and waiting is not lost.
func (c *Clock) Wake(at time.Time) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	to := make(chan time.Time, 1)
	if !at.After(c.now) {
		to <- c.now
		return to
	}
	c.waits = append(c.waits, wait{at, to})
	return to
}

// Advance moves the clock and wakes those whose time has come.
func (c *Clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
	var still []wait
	for _, w := range c.waits {
		if w.at.After(c.now) {
			still = append(still, w)
			continue
		}
		w.to <- c.now
	}
	c.waits = still
}
