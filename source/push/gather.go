package push

import (
	"context"
	"errors"
	"sync"
	"time"
)

// What is stored together at most.
const (
	gatherCount  = 512
	gatherBytes  = 512 << 10 // and one more
	joinBytes    = 240 << 10 // of one object that is made of several requests
	joinEach     = 64 << 10
	commitWithin = 30 * time.Second
)

// pending is a request that waits until it is durable.
type pending struct {
	identity string
	received time.Time
	payload  []byte
	// joins says that the payload is whole JSON texts and may share an entry.
	joins bool
	done  chan outcome
}

type outcome struct {
	known bool
	err   error
}

// gather brings the requests of a moment to the log in one Append: while one is being
// made durable, the next ones come together.
type gather struct {
	log  Log
	wake func() // after entries were stored
	in   chan *pending
	done chan struct{}
	buf  []byte

	mu     sync.RWMutex // held for reading while something is handed to in
	closed bool
}

func newGather(log Log, wake func()) *gather {
	g := &gather{log: log, wake: wake, in: make(chan *pending, gatherCount), done: make(chan struct{})}
	go g.run()
	return g
}

var errClosed = errors.New("the source is closed")

// store returns when p is durable, and only then lets go of its payload.
func (g *gather) store(p *pending) (known bool, err error) {
	g.mu.RLock()
	if g.closed {
		g.mu.RUnlock()
		return false, errClosed
	}
	g.in <- p
	g.mu.RUnlock()
	o := <-p.done
	return o.known, o.err
}

// close stores what waits, and ends.
func (g *gather) close() {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		close(g.in)
	}
	g.mu.Unlock()
	<-g.done
}

func (g *gather) run() {
	defer close(g.done)
	batch := make([]*pending, 0, gatherCount)
	for p := range g.in {
		batch = append(batch[:0], p)
	more:
		for size := len(p.payload); len(batch) < gatherCount && size < gatherBytes; {
			select {
			case p, ok := <-g.in:
				if !ok {
					break more
				}
				batch = append(batch, p)
				size += len(p.payload)
			default:
				break more
			}
		}
		g.commit(batch)
		clear(batch)
	}
}

func (g *gather) commit(batch []*pending) {
	entries, of := g.seal(batch)
	ctx, cancel := context.WithTimeout(context.Background(), commitWithin)
	known, err := g.log.Append(ctx, entries)
	cancel()
	if err == nil {
		g.wake()
	}
	for i, p := range batch {
		p.done <- outcome{known: err == nil && of[i] < len(known) && known[of[i]], err: err}
	}
}

// seal makes the entries of a batch: payloads without an identity that are whole JSON
// texts share one. of says which entry a request went to. The bodies lie in one buffer,
// which is used again after the Append.
func (g *gather) seal(batch []*pending) (entries []Entry, of []int) {
	of = make([]int, len(batch))
	entries = make([]Entry, 0, len(batch))
	size := 0
	for _, p := range batch {
		size += len(p.payload) + len(p.identity) + 16
	}
	if cap(g.buf) < size {
		g.buf = make([]byte, 0, size)
	}
	b := g.buf[:0]
	if cap(b) > 4*gatherBytes {
		g.buf = nil
	}
	for i, p := range batch {
		if of[i] = -1; !p.joins {
			of[i] = len(entries)
			start := len(b)
			b = append(sealMessage(b, p.identity), p.payload...)
			entries = append(entries, Entry{Identity: p.identity, Received: p.received, Body: b[start:len(b):len(b)]})
		}
	}
	start, first := 0, true
	for i, p := range batch {
		if of[i] >= 0 {
			continue
		}
		if first || len(b)-start+len(p.payload) > joinBytes {
			first, start = false, len(b)
			b = sealMessage(b, "")
			entries = append(entries, Entry{Received: p.received})
		} else {
			b = append(b, '\n')
		}
		b = append(b, p.payload...)
		of[i] = len(entries) - 1
		entries[of[i]].Body = b[start:len(b):len(b)]
	}
	return entries, of
}
