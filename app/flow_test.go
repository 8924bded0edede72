package app

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
)

// TestFlow lets workers of all speeds push units of all sizes: the sequencer sees
// every batch once and in order, nobody waits for ever, and what waits is bounded.
func TestFlow(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			const limit = 1000
			f := newFlow(limit, limit)
			order, todo := make(chan *unit, 4), make(chan *unit)
			sizes := make([]int, 60)
			for i := range sizes {
				sizes[i] = r.IntN(40)
			}
			go func() {
				for range sizes {
					u := &unit{}
					order <- u
					todo <- u
				}
				close(order)
				close(todo)
			}()
			var wg sync.WaitGroup
			var mu sync.Mutex
			next := 0
			for range 1 + r.IntN(6) {
				wg.Go(func() {
					for u := range todo {
						mu.Lock()
						n := next
						next++
						mu.Unlock()
						for i := range sizes[n] {
							if (n+i)%5 == 0 {
								f.ask(u, int64(100+i))
							}
							f.push(u, &batch{read: int64(n), decoded: int64(i), bytes: 100 + int64(i)})
						}
						f.end(u)
					}
				})
			}
			n, most := 0, int64(0)
			for u := range order {
				f.begin(u)
				i := int64(0)
				for b := f.next(u); b != nil; b = f.next(u) {
					f.mu.Lock()
					waiting, queued, held := f.waiting, len(u.queue), f.large
					f.mu.Unlock()
					if held > limit+140*8 { // beyond it only who holds all of it alone
						t.Fatalf("seed %d: readers hold %d bytes", seed, held)
					}
					if b.decoded != i || queued > 60 {
						t.Fatalf("seed %d: batch %d of unit %d stands at %d, %d are queued", seed, b.decoded, n, i, queued)
					}
					i++
					most = max(most, waiting)
				}
				if int(i) > 40 {
					t.Fatal("too many")
				}
				n++
			}
			wg.Wait()
			if n != len(sizes) || most > limit || f.waiting != 0 || f.large != 0 {
				t.Errorf("seed %d: %d units, at most %d bytes waiting, %d left and %d held", seed, n, most, f.waiting, f.large)
			}
		})
	}
}
