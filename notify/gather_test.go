package notify_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yagura-sec/yagura/notify"
)

// TestGatherBatches holds the bounds of a batch and that everybody gets the answer of the
// own item.
func TestGatherBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var batches [][]int
		odd := errors.New("odd")
		g := &notify.Gather[int]{Window: time.Second, MaxItems: 10, MaxSize: 100,
			Send: func(_ context.Context, items []int) []error {
				mu.Lock()
				defer mu.Unlock()
				batches = append(batches, items)
				errs := make([]error, len(items))
				for i, n := range items {
					if n%2 == 1 {
						errs[i] = odd
					}
				}
				return errs
			}}
		var wg sync.WaitGroup
		for n := range 25 {
			wg.Go(func() {
				err := g.Do(t.Context(), "", string(rune('a'+n)), n, 1)
				if (err != nil) != (n%2 == 1) {
					t.Errorf("item %d: %v", n, err)
				}
			})
		}
		wg.Wait()
		if len(batches) != 3 {
			t.Errorf("%d batches of 25 items, want 3: %v", len(batches), batches)
		}
		total := 0
		for _, b := range batches {
			total += len(b)
			if len(b) > 10 {
				t.Errorf("a batch of %d items", len(b))
			}
		}
		if total != 25 {
			t.Errorf("%d items were sent, want 25", total)
		}
	})
}

// TestGatherKeysAndSizes: one key never twice in a batch, and no batch beyond its size.
func TestGatherKeysAndSizes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		sizes := map[int]int{}
		g := &notify.Gather[string]{MaxItems: 100, MaxSize: 100,
			Send: func(_ context.Context, items []string) []error {
				mu.Lock()
				defer mu.Unlock()
				sizes[len(items)]++
				return make([]error, len(items))
			}}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := g.Do(t.Context(), "a", "same", "x", 1); err != nil {
					t.Error(err)
				}
			})
		}
		for _, key := range []string{"1", "2"} {
			wg.Go(func() {
				if err := g.Do(t.Context(), "b", key, "x", 60); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if sizes[1] != 5 || len(sizes) != 1 {
			t.Errorf("batches by number of items: %v, want five of one", sizes)
		}
	})
}

// TestGatherCallerLeaves: an item whose caller left before the batch was sent is not sent,
// one whose caller left later is uncertain, and Send ends when nobody waits.
func TestGatherCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := make(chan []string, 1)
		ended := make(chan error, 1)
		g := &notify.Gather[string]{Window: time.Second, MaxItems: 100, MaxSize: 100,
			Send: func(ctx context.Context, items []string) []error {
				sent <- items
				<-ctx.Done()
				ended <- ctx.Err()
				return make([]error, len(items))
			}}
		early, cancelEarly := context.WithTimeout(t.Context(), time.Second/2)
		defer cancelEarly()
		late, cancelLate := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancelLate()
		var wg sync.WaitGroup
		wg.Go(func() {
			err := g.Do(early, "", "1", "early", 1)
			if e := (*notify.Error)(nil); !errors.As(err, &e) || !e.NotSent {
				t.Errorf("the early one: %v, want an error that says it was not sent", err)
			}
		})
		wg.Go(func() {
			err := g.Do(late, "", "2", "late", 1)
			if e := (*notify.Error)(nil); !errors.As(err, &e) || e.NotSent {
				t.Errorf("the late one: %v, want an error that leaves it open", err)
			}
		})
		wg.Wait()
		if items := <-sent; len(items) != 1 || items[0] != "late" {
			t.Errorf("sent %q", items)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Send ended with %v", err)
		}
		if err := g.Do(early, "", "3", "dead", 1); err == nil {
			t.Error("an ended context was not noticed")
		}
	})
}
