package app

import "sync"

// unit is one object on its way: a worker pushes batches, the sequencer takes them.
type unit struct {
	job    job
	queue  []*batch
	closed bool
}

// flow carries batches from the workers to the sequencer and holds back a worker that
// is far ahead. The worker whose object the sequencer is at is held back only by the
// sequencer itself, so that there is always one who can go on.
type flow struct {
	mu      sync.Mutex
	changed sync.Cond
	head    *unit
	waiting int64 // bytes of the batches of all units but the head
	limit   int64
}

// headQueue is how many batches may wait for the sequencer at its own unit.
const headQueue = 8

func newFlow(limit int64) *flow {
	f := &flow{limit: limit}
	f.changed.L = &f.mu
	return f
}

// push hands over a batch of u, waiting while there is no room.
func (f *flow) push(u *unit, b *batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		if u == f.head && len(u.queue) < headQueue {
			break
		}
		if u != f.head && (f.waiting == 0 || f.waiting+b.bytes <= f.limit) {
			f.waiting += b.bytes
			break
		}
		f.changed.Wait()
	}
	u.queue = append(u.queue, b)
	f.changed.Broadcast()
}

// end says that no further batch of u comes.
func (f *flow) end(u *unit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u.closed = true
	f.changed.Broadcast()
}

// begin makes u the unit that the sequencer is at.
func (f *flow) begin(u *unit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.head = u
	for _, b := range u.queue {
		f.waiting -= b.bytes
	}
	f.changed.Broadcast()
}

// next returns the next batch of the head, nil when there is none left.
func (f *flow) next(u *unit) *batch {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(u.queue) == 0 {
		if u.closed {
			return nil
		}
		f.changed.Wait()
	}
	b := u.queue[0]
	u.queue[0] = nil
	u.queue = u.queue[1:]
	f.changed.Broadcast()
	return b
}
