package api

import (
	chain "container/list"
	"sync"
	"time"
)

// Rate is how often something may happen: Burst at once, and one more every Every.
type Rate struct {
	Burst int
	Every time.Duration
}

// buckets are token buckets by name. There are at most as many as most: the one that was
// asked for longest ago is forgotten, which lets it begin anew.
type buckets struct {
	rate Rate
	most int
	now  func() time.Time

	mu    sync.Mutex
	named map[string]*chain.Element
	order *chain.List // the latest used first
}

type bucket struct {
	name string
	left float64
	at   time.Time
}

func newBuckets(r Rate, most int, now func() time.Time) *buckets {
	return &buckets{rate: r, most: most, now: now, named: map[string]*chain.Element{}, order: chain.New()}
}

// take takes one token. wait is how long until there is one, 0 where there was.
func (b *buckets) take(name string) (wait time.Duration) {
	if b.rate.Burst <= 0 {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	e, ok := b.named[name]
	if !ok {
		for len(b.named) >= b.most {
			last := b.order.Back()
			delete(b.named, b.order.Remove(last).(*bucket).name)
		}
		e = b.order.PushFront(&bucket{name: name, left: float64(b.rate.Burst), at: now})
		b.named[name] = e
	}
	b.order.MoveToFront(e)
	x := e.Value.(*bucket)
	if passed := now.Sub(x.at); passed > 0 {
		x.left = min(float64(b.rate.Burst), x.left+float64(passed)/float64(b.rate.Every))
		x.at = now
	}
	if x.left < 1 {
		return time.Duration((1 - x.left) * float64(b.rate.Every))
	}
	x.left--
	return 0
}
