package store_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/store/storetest"
)

// released pins the migrations that were released. A line is added with each new one, and
// none ever changes.
var released = map[string]string{
	"0001_base.sql":         "31bc76e6329eb5b7e7aec31441e5418af6998ebb87ca29781ddbada8250fab75",
	"0002_pushed.sql":       "869844a850fa4903bc1e948b616555c8cd3b05c5c715153ee2223c0a8712a77e",
	"0003_kept.sql":         "eb2d7bca0e9d4643b980c357f33a4d4e09329853aefb61b5dbb4301c438aef1f",
	"0004_recheck.sql":      "f742294377ad53141588858dc40543b397132855f311face3c8999462cf127a8",
	"0005_lake.sql":         "0fc499f30cbdd0402baa6011b14fd75347646562c809cb661a0ae308cf1f9c4e",
	"0006_schedule.sql":     "4020dbf1e4d5ee6784b71997a46aee9b7d5fd28bc5916afe94d3d66d439a9fcb",
	"0007_lake_compact.sql": "b795c103d9d767aafbb9dfd7dcffc674aa32d843bb33e8af2f9aa90a1782558f",
	"0008_original.sql":     "d10ca4c1e4e643c507c7d1a054cb31d6c6ea0c344aea1aa01d3f39fd1e7b0a3b",
	"0009_lake_copy.sql":    "103666461fdfdf2ce299112ceb03afc76d026972ad4b893bf4e0b7983b0d41c0",
	"0010_console.sql":      "210b4eaec3cf2ac6fd8b4bc1b14dd993e2bc845f9795de198539c877d3e53638",
	"0011_lists.sql":        "7aee5f8475a51ca097cb570c01fce1917f2edea9c2d933b61df4b49ca83057d2",
	"0012_counts.sql":       "810858f665d9b2a7ed0924ad55b8c0e3dfe6184960561ba4c88cc4dd754a3c58",
	"0013_orders.sql":       "64b2df873200f757073f5cc1c94079e525f18be52763b370f86a5bfe7f65b029",
	"0014_notice_done.sql":  "0b1a218f69277e135677c29d58c59068d2fe62fead38008afeb88c9f63f56e9a",
	"0015_open.sql":         "782ec710316ead175dfd643e8ed7bd31a585f35296c113c9e0b01a5b650cfd64",
	"0016_names.sql":        "5a126e7fada089562ada693c984ff8636fd6b1f6e71dc2f91cb7a407f4b4b2be",
}

func TestReleasedMigrations(t *testing.T) {
	sums, err := store.Checksums()
	if err != nil {
		t.Fatal(err)
	}
	for name, sum := range sums {
		if released[name] != sum {
			t.Errorf("migration %s has the checksum %s, want %s: a released migration does not change, add another", name, sum, released[name])
		}
	}
	if len(sums) != len(released) {
		t.Errorf("%d migrations, %d pinned", len(sums), len(released))
	}
}

// onBoth runs a test on a new database of each dialect.
func onBoth(t *testing.T, run func(t *testing.T, o store.Options)) {
	t.Run("sqlite", func(t *testing.T) { run(t, store.Options{Dir: t.TempDir(), AcceptLoss: true, Now: storetest.Clock(0)}) })
	t.Run("postgres", func(t *testing.T) { run(t, store.Options{URL: storetest.Postgres(t), Now: storetest.Clock(0)}) })
}

// stepFiles returns the program's migrations with others behind them.
func stepFiles(t *testing.T, more ...string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(store.MigrationFiles, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(store.MigrationFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	for i, text := range more {
		files[fmt.Sprintf("migrations/%04d_more.sql", len(names)+1+i)] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

const (
	addColumn = "ALTER TABLE ticket ADD COLUMN kind {text} NOT NULL DEFAULT 'none';\n-- a comment at the end\n"
	addTable  = "CREATE TABLE more (id {id}, body {bytes} NOT NULL);\nUPDATE ticket SET kind = 'old';\n"
)

func openWith(t *testing.T, o store.Options, files fs.FS) (*store.DB, error) {
	t.Helper()
	return store.OpenWith(context.Background(), o, files)
}

func mustOpen(t *testing.T, o store.Options, files fs.FS) *store.DB {
	t.Helper()
	db, err := openWith(t, o, files)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestMigrations(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		db := mustOpen(t, o, stepFiles(t))
		storetest.Fill(t, db)
		var old bytes.Buffer
		if err := db.Backup(context.Background(), &old); err != nil {
			t.Fatal(err)
		}
		db.Close()

		first := len(stepFiles(t)) + 1 // of the later steps
		// A step that fails leaves everything as it was.
		if _, err := openWith(t, o, stepFiles(t, addColumn, "CREATE TABLE half (id {id});\nCREATE TABLE ticket (id {id});\n")); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%04d_more.sql", first+1)) {
			t.Errorf("a step that fails: %v", err)
		}
		db = mustOpen(t, o, stepFiles(t))
		db.Close()

		// Later steps find the rows there.
		db = mustOpen(t, o, stepFiles(t, addColumn, addTable))
		storetest.Check(t, db, false)
		var now bytes.Buffer
		if err := db.Backup(context.Background(), &now); err != nil {
			t.Fatal(err)
		}
		db.Close()

		// An older program refuses it, and so does one whose steps are others.
		_, err := openWith(t, o, stepFiles(t))
		if err == nil || !strings.Contains(err.Error(), "newer than this program") {
			t.Errorf("an older program: %v", err)
		}
		_, err = openWith(t, o, stepFiles(t, addColumn+"\n-- changed\n", addTable))
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%04d_more.sql is not the one that made this database", first)) {
			t.Errorf("a changed step: %v", err)
		}
		_, err = openWith(t, o, fstest.MapFS{"migrations/0002_a.sql": {Data: []byte("x")}})
		if err == nil {
			t.Error("a step is missing, and nobody says so")
		}

		// An old backup is restored into the new schema, of either dialect; a new one not
		// into the old.
		onBoth(t, func(t *testing.T, o store.Options) {
			older := mustOpen(t, o, stepFiles(t))
			defer older.Close()
			if err := older.Restore(context.Background(), bytes.NewReader(now.Bytes())); err == nil || !strings.Contains(err.Error(), "newer one") {
				t.Errorf("a backup of a newer program: %v", err)
			}
		})
		onBoth(t, func(t *testing.T, o store.Options) {
			for _, backup := range [][]byte{now.Bytes(), old.Bytes()} {
				if o.URL != "" {
					o.URL = storetest.Postgres(t)
				} else {
					o.Dir = t.TempDir()
				}
				newer := mustOpen(t, o, stepFiles(t, addColumn, addTable))
				if err := newer.Restore(context.Background(), bytes.NewReader(backup)); err != nil {
					t.Fatal(err)
				}
				if bytes.Equal(backup, old.Bytes()) {
					storetest.Check(t, newer, true)
				}
				newer.Close()
			}
		})
	})
}

func TestOpenAtOnce(t *testing.T) {
	url := storetest.Postgres(t)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			db, err := openWith(t, store.Options{URL: url}, stepFiles(t, addColumn, addTable))
			if err != nil {
				t.Error(err)
				return
			}
			db.Close()
		})
	}
	wg.Wait()
}

// TestBackupAcross: what one dialect backed up the other restores, and the backup of that
// is the same again.
func TestBackupAcross(t *testing.T) {
	first := opens(t, store.Options{Dir: t.TempDir(), AcceptLoss: true, Now: storetest.Clock(0)})
	storetest.Fill(t, first)
	var backup bytes.Buffer
	if err := first.Backup(context.Background(), &backup); err != nil {
		t.Fatal(err)
	}
	second := opens(t, store.Options{URL: storetest.Postgres(t), Now: storetest.Clock(0)})
	if err := second.Restore(context.Background(), bytes.NewReader(backup.Bytes())); err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := second.Backup(context.Background(), &again); err != nil {
		t.Fatal(err)
	}
	third := opens(t, store.Options{Dir: t.TempDir(), AcceptLoss: true, Now: storetest.Clock(0)})
	if err := third.Restore(context.Background(), bytes.NewReader(again.Bytes())); err != nil {
		t.Fatal(err)
	}
	storetest.Check(t, second, true)
	storetest.Check(t, third, true)
}
