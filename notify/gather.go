package notify

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Gather makes one call of many that come at about the same time, for sinks whose service
// takes batches: Do hands in one item and returns what became of it. It is used by value of
// its pointer, from any number of goroutines; its fields are set before the first Do.
type Gather[T any] struct {
	// Window is how long the first item of a batch waits for others (0: 20 ms).
	Window time.Duration
	// MaxItems and MaxSize bound a batch; an item that would pass them opens the next one.
	MaxItems, MaxSize int
	// Timeout bounds one call of Send (0: 30 s).
	Timeout time.Duration
	// Send brings a batch to the service and returns one error per item, nil for one that
	// arrived. Its context ends with Timeout, and when nobody waits for the batch any more.
	Send func(ctx context.Context, items []T) []error

	mu   sync.Mutex
	open map[string]*batch[T]
}

type batch[T any] struct {
	items   []T
	calls   []*call
	keys    map[string]bool
	size    int
	timer   *time.Timer
	sent    bool
	waiting int                // callers that still wait
	cancel  context.CancelFunc // set when sent
}

type call struct {
	done chan struct{}
	err  error
	gone bool // its caller left before the batch was sent
}

// Do adds an item to the batch of a destination and waits for what became of it. Two items
// of one key never share a batch. When ctx ends before the batch was sent, the item is
// taken out and the error is an [*Error] with NotSent; when it ends later, the outcome is
// uncertain.
func (g *Gather[T]) Do(ctx context.Context, destination, key string, item T, size int) error {
	if err := ctx.Err(); err != nil {
		return &Error{NotSent: true, Err: err}
	}
	b, c := g.join(destination, key, item, size)
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-c.done: // both at once: what is known goes before
		return c.err
	default:
	}
	if b.waiting--; !b.sent {
		c.gone = true
		return &Error{NotSent: true, Err: ctx.Err()}
	}
	if b.waiting == 0 {
		b.cancel()
	}
	return &Error{Err: ctx.Err()}
}

func (g *Gather[T]) join(destination, key string, item T, size int) (*batch[T], *call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.open[destination]
	if b != nil && (b.keys[key] || len(b.items) >= g.MaxItems || b.size+size > g.MaxSize) {
		g.send(destination, b)
		b = nil
	}
	if b == nil {
		b = &batch[T]{keys: map[string]bool{}}
		if g.open == nil {
			g.open = map[string]*batch[T]{}
		}
		g.open[destination] = b
		window := g.Window
		if window <= 0 {
			window = 20 * time.Millisecond
		}
		b.timer = time.AfterFunc(window, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.send(destination, b)
		})
	}
	c := &call{done: make(chan struct{})}
	b.items, b.calls, b.size = append(b.items, item), append(b.calls, c), b.size+size
	b.keys[key] = true
	if b.waiting++; len(b.items) >= g.MaxItems || b.size >= g.MaxSize {
		g.send(destination, b)
	}
	return b, c
}

// send closes a batch and brings it away. g.mu is held.
func (g *Gather[T]) send(destination string, b *batch[T]) {
	if b.sent {
		return
	}
	b.sent = true
	b.timer.Stop()
	if g.open[destination] == b {
		delete(g.open, destination)
	}
	var items []T
	var calls []*call
	for i, c := range b.calls {
		if !c.gone {
			items, calls = append(items, b.items[i]), append(calls, c)
		}
	}
	if len(items) == 0 {
		return
	}
	timeout := g.Timeout
	if timeout <= 0 {
		timeout = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	b.cancel = cancel
	go func() {
		defer cancel()
		errs := g.Send(ctx, items)
		for i, c := range calls {
			if i < len(errs) {
				c.err = errs[i]
			} else {
				c.err = &Error{Err: errors.New("the batch was sent without an answer for this item")}
			}
			close(c.done)
		}
	}()
}
