package app

import (
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/store/storetest"
)

// TestNameTaken: a process whose name another one took while its connection was broken ends,
// and says why.
func TestNameTaken(t *testing.T) {
	s := newStand(t)
	s.cfg.Store = config.Secret(storetest.Postgres(t))
	s.start()
	s.cancel = nil // it ends by itself
	db, err := sql.Open("pgx", s.cfg.Store.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	storetest.Wait(t, "a second process", func() bool {
		if _, err := db.Exec(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); err != nil {
			t.Fatal(err)
		}
		second, err := store.Open(t.Context(), store.Options{URL: s.cfg.Store.Reveal(), Replica: s.serve.db.Replica(), Patience: time.Millisecond})
		if err == nil {
			t.Cleanup(func() { second.Close() })
		}
		return err == nil
	})
	if err := <-s.done; !errors.Is(err, store.ErrNameTaken) {
		t.Errorf("it ends with %v", err)
	}
}
