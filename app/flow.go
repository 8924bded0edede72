package app

import "sync"

// unit is one object on its way: a worker pushes batches, the sequencer takes them.
type unit struct {
	job    job
	queue  []*batch
	closed bool
	large  int64 // bytes that its reader holds beyond the usual
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
	large   int64 // bytes that the readers of all units but the head hold beyond the usual
	room    int64 // how many they may
}

// headQueue is how many batches may wait for the sequencer at its own unit.
const headQueue = 8

func newFlow(limit, room int64) *flow {
	f := &flow{limit: limit, room: room}
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
	if u != f.head {
		f.large -= u.large
	}
	u.large = 0
	f.changed.Broadcast()
}

// ask lets the reader of u hold more bytes than usual, waiting while those of other units
// hold many: otherwise memory would grow with the number of workers. The one that the
// sequencer is at does not wait, for the others may be waiting for it.
func (f *flow) ask(u *unit, bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for u != f.head && f.large > u.large && f.large+bytes > f.room {
		f.changed.Wait()
	}
	u.large += bytes
	if u != f.head {
		f.large += bytes
	}
}

// begin makes u the unit that the sequencer is at.
func (f *flow) begin(u *unit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.head = u
	f.large -= u.large
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
