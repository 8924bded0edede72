package store_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/store/storetest"
)

// FuzzRestore: whatever is restored, the database is sound and usable afterwards.
func FuzzRestore(f *testing.F) {
	dir := f.TempDir()
	filled, err := store.Open(context.Background(), store.Options{Dir: dir, AcceptLoss: true, Now: storetest.Clock(0)})
	if err != nil {
		f.Fatal(err)
	}
	defer filled.Close()
	var empty, full bytes.Buffer
	for _, b := range []*bytes.Buffer{&empty, &full} {
		if err := filled.Backup(context.Background(), b); err != nil {
			f.Fatal(err)
		}
		z, err := zstd.NewReader(b)
		if err != nil {
			f.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		if b == &empty {
			if err := filled.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
				if err := tx.AppendReceived(ctx, "s", [][]byte{{1}}, storetest.Clock(0)()); err != nil {
					return err
				}
				return tx.PutState(ctx, "name", []byte("value"))
			}); err != nil {
				f.Fatal(err)
			}
		}
	}
	f.Add([]byte(`{"format":"yagura-backup","v":1,"schema":1,"dialect":"sqlite","at":"2026-01-02T03:04:05Z"}` + "\n" +
		`{"table":"state","columns":["name","value"],"kinds":"tb"}` + "\n" + `["a","AA=="]` + "\n" + `["a","AA=="]` + "\n" + `{"rows":2}` + "\n"))
	db, err := store.Open(context.Background(), store.Options{Dir: f.TempDir(), AcceptLoss: true})
	if err != nil {
		f.Fatal(err)
	}
	defer db.Close()
	f.Fuzz(func(t *testing.T, text []byte) {
		_ = db.TryRestore(context.Background(), bytes.NewReader(text))
		if err := db.View(context.Background(), func(ctx context.Context, tx *store.Tx) error { _, err := tx.SourceTotals(ctx); return err }); err != nil {
			t.Error(err)
		}
	})
}
