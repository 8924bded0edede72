package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/store/storetest"
)

// TestOneName: with PostgreSQL a copied data directory, which has the name of its original,
// is refused as long as the original serves.
func TestOneName(t *testing.T) {
	o := store.Options{URL: storetest.Postgres(t), Replica: "r", Patience: time.Millisecond}
	put := func(db *store.DB) error {
		return db.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.PutState(ctx, "k", []byte("v")) })
	}
	first, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := store.Open(t.Context(), o); !errors.Is(err, store.ErrNameTaken) || !strings.Contains(err.Error(), "hint: ") {
		t.Fatalf("a second process of one name: %v %v", second, err)
	}
	other := o
	other.Replica = "s"
	opens(t, other)
	beside := o
	beside.Mode = store.Shared
	if err := put(opens(t, beside)); err != nil { // the command line
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := opens(t, o)
	if err := put(second); err != nil {
		t.Fatal(err)
	}

	// The connection that holds the lock is lost, and the lock is taken again.
	db := admin(t, o.URL)
	run(t, db,
		`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	locks := func() (n int) {
		if err := db.QueryRow(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	storetest.Wait(t, "the locks to go", func() bool { return locks() == 0 })
	storetest.Wait(t, "the lock again", func() bool { second.Beat(); return locks() > 0 })
	if _, err := store.Open(t.Context(), o); !errors.Is(err, store.ErrNameTaken) {
		t.Fatalf("a third process of one name: %v", err)
	}
	if err := put(second); err != nil {
		t.Error(err)
	}

	// It is lost again, and a third process is faster.
	run(t, db, `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	storetest.Wait(t, "the lock to go", func() bool { return locks() == 0 })
	third := opens(t, o)
	if err := put(second); !errors.Is(err, store.ErrNameTaken) {
		t.Errorf("a process whose name was taken commits: %v", err)
	}
	select {
	case <-second.Lost():
	default:
		t.Error("the process is not told")
	}
	if err := put(third); err != nil {
		t.Error(err)
	}
}

// TestNameWatched: a process that commits nothing learns that its name was taken.
func TestNameWatched(t *testing.T) {
	o := store.Options{URL: storetest.Postgres(t), Replica: "r", Patience: time.Minute}
	first := opens(t, o)
	db := admin(t, o.URL)
	storetest.Wait(t, "a second process", func() bool {
		run(t, db, `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
		again := o
		again.Patience = time.Millisecond
		second, err := store.Open(t.Context(), again)
		if err == nil {
			t.Cleanup(func() { second.Close() })
		}
		return err == nil
	})
	storetest.Wait(t, "the word", func() bool {
		first.Beat()
		select {
		case <-first.Lost():
			return true
		default:
			return false
		}
	})
}
