package slack

import (
	"sync"
	"time"
)

// cache remembers a bounded number of things for a while (0: until there is no room). It
// holds nothing that could not be asked for again.
type cache[V any] struct {
	mu    sync.Mutex
	limit int
	ttl   time.Duration
	now   func() time.Time
	m     map[string]cached[V]
	order []string
}

type cached[V any] struct {
	v    V
	till time.Time
}

func newCache[V any](limit int, ttl time.Duration, now func() time.Time) *cache[V] {
	return &cache[V]{limit: limit, ttl: ttl, now: now, m: map[string]cached[V]{}}
}

func (c *cache[V]) get(key string) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.look(key)
}

func (c *cache[V]) look(key string) (v V, ok bool) {
	e, ok := c.m[key]
	if !ok || !e.till.IsZero() && !c.now().Before(e.till) {
		return v, false
	}
	return e.v, true
}

func (c *cache[V]) put(key string, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(key, v)
}

func (c *cache[V]) set(key string, v V) {
	e := cached[V]{v: v}
	if c.ttl > 0 {
		e.till = c.now().Add(c.ttl)
	}
	if _, ok := c.m[key]; !ok {
		for len(c.order) > 0 && len(c.m) >= c.limit {
			delete(c.m, c.order[0])
			c.order = c.order[1:]
		}
		c.order = append(c.order, key)
	}
	c.m[key] = e
}

// add puts what is not there and says whether it was new.
func (c *cache[V]) add(key string, v V) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.look(key); ok {
		return false
	}
	c.set(key, v)
	return true
}

func (c *cache[V]) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.m[key]; ok {
		// The place in the order stays until its turn comes.
		e.till = time.Unix(0, 1)
		c.m[key] = e
	}
}
