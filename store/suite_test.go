package store_test

import (
	"context"
	"testing"

	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/store/storetest"
)

// onSQLite opens SQLite in a directory of the test's own. Another replica of the same
// test opens it beside the first.
func onSQLite(t *testing.T) storetest.Open {
	dir, opened := t.TempDir(), false
	return func(t *testing.T, o store.Options) *store.DB {
		t.Helper()
		o.Dir, o.AcceptLoss = dir, true // the directory may be in memory
		if opened && o.Mode == store.Serve {
			o.Mode = store.Shared
		}
		opened = true
		return opens(t, o)
	}
}

func onPostgres(t *testing.T) storetest.Open {
	url := storetest.Postgres(t)
	return func(t *testing.T, o store.Options) *store.DB {
		t.Helper()
		o.URL = url
		return opens(t, o)
	}
}

func opens(t *testing.T, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestSQLite(t *testing.T)   { storetest.Run(t, onSQLite) }
func TestPostgres(t *testing.T) { storetest.Run(t, onPostgres) }
