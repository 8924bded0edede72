package app

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/intake"
	"github.com/yagura-sec/yagura/store"
)

// keptBook remembers what was written down as kept.
type keptBook struct {
	mu     sync.Mutex
	ranges []yagura.KeptRange
}

type keptStore struct {
	intake.Store
	book *keptBook
}

func (k keptStore) Update(ctx context.Context, fn func(ctx context.Context, tx intake.Tx) error) error {
	return k.Store.Update(ctx, func(ctx context.Context, tx intake.Tx) error { return fn(ctx, keptTx{tx, k.book}) })
}

type keptTx struct {
	intake.Tx
	book *keptBook
}

func (k keptTx) PutKept(ctx context.Context, rows []yagura.KeptRange) error {
	k.book.mu.Lock()
	k.book.ranges = append(k.book.ranges, rows...)
	k.book.mu.Unlock()
	return k.Tx.PutKept(ctx, rows)
}

// TestKeptGoesWithItsFiles: when a file of kept records is dropped, the store forgets what was
// in it, and nothing else; the limits are looked at more often than once an hour.
func TestKeptGoesWithItsFiles(t *testing.T) {
	clock := &shifted{}
	s := newStand(t)
	s.clock = clock.now
	s.cfg.Keep.Age = config.Duration(24 * time.Hour)
	book := &keptBook{}
	s.alter = func(serve *Serve) {
		o := serve.intakeOptions(serve.receivers, 0)
		o.Store = keptStore{o.Store, book}
		serve.in = intake.New(o)
	}
	s.start()
	for i, j := range s.serve.house.jobs {
		if j.name == "drop kept records" && j.every > time.Minute {
			t.Errorf("limits are looked at every %s", j.every)
		} else if j.name == "drop kept records" {
			break
		} else if i == len(s.serve.house.jobs)-1 {
			t.Error("limits are never looked at")
		}
	}
	create := func() {
		s.post(trail(clock.now().UTC().Format(time.RFC3339), "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`))
	}
	create()
	clock.advance(25 * time.Hour)
	create()
	clock.advance(time.Hour)
	drop := func() {
		t.Helper()
		if err := s.serve.house.dropKept(t.Context(), clock.now()); err != nil {
			t.Fatal(err)
		}
	}
	kept := func() (n int) {
		err := s.serve.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			book.mu.Lock()
			defer book.mu.Unlock()
			for _, r := range book.ranges {
				ranges, err := tx.Kept(ctx, r.Source, r.Object)
				if err != nil {
					return err
				}
				n += len(ranges)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := kept(); n != 2 {
		t.Fatalf("%d ranges, want 2", n)
	}
	drop() // the first file was ended less than a day ago
	if n := kept(); n != 2 {
		t.Fatalf("%d ranges, want 2", n)
	}
	clock.advance(24 * time.Hour)
	drop()
	if n := kept(); n != 1 {
		t.Errorf("%d ranges are known of records that are gone or kept, want 1", n)
	}
}
