package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/store/storetest"
)

// TestListsOfBefore: what a database held before it had tables for lists is in the lists
// afterwards, also when the process was killed while it was brought up, and after a restore.
func TestListsOfBefore(t *testing.T) {
	onBoth(t, func(t *testing.T, o store.Options) {
		before := fstest.MapFS{}
		for name, file := range stepFiles(t) {
			if name < "migrations/0011" {
				before[name] = file
			}
		}
		db := mustOpen(t, o, before)
		const findings, issues = 3000, 700
		err := db.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for i := range issues {
				x := storetest.Issue(fmt.Sprint("cause ", i))
				x.TitleJA = "権限の変更"
				if err := tx.PutOldIssue(ctx, x, "漏洩の調査"); err != nil {
					return err
				}
			}
			for i := range findings {
				if err := tx.PutOldFinding(ctx, storetest.Filed(fmt.Sprintf("f%04d", i), "")); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var backup bytes.Buffer
		if err := db.Backup(t.Context(), &backup); err != nil {
			t.Fatal(err)
		}
		db.Close()

		// The process is killed when it has done a part.
		killed, stop := context.WithCancel(t.Context())
		said := 0
		dying := o
		dying.Progress = func(what string, done, left int64) {
			said++
			stop()
		}
		if _, err := store.Open(killed, dying); !errors.Is(err, context.Canceled) || said != 1 {
			t.Fatalf("killed half way: %v, told %d times", err, said)
		}
		check := func(db *store.DB) {
			t.Helper()
			err := db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				for _, text := range []string{"権限", "漏洩", "severity:high", "cause:\"cause 33\""} {
					q, err := filter.Parse(filter.Issues, text)
					if err != nil {
						return err
					}
					want := int64(issues)
					if text[0] == 'c' {
						want = 1
					}
					if n, _, err := tx.CountIssues(ctx, nil, true, q.At(time.Now(), time.UTC), 10000); n != want || err != nil {
						t.Errorf("%s: %d issues, want %d (%v)", text, n, want, err)
					}
				}
				q, err := filter.Parse(filter.Findings, "somebody")
				if err != nil {
					return err
				}
				scope := []yagura.Scope{{Accounts: []string{"111122223333"}}}
				if n, exact, err := tx.CountFindings(ctx, scope, false, q, 10000); n != findings || !exact || err != nil {
					t.Errorf("%d findings, want %d (%v)", n, findings, err)
				}
				list, _, err := tx.FindFindings(ctx, scope, false, q, "", "", 1000)
				if len(list) == 0 {
					t.Error("no finding of before is within the scope of its account")
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		db = opens(t, o)
		check(db)
		n, m := 0, 0
		if err := db.Update(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
			n, err = tx.IndexFindings(ctx)
			if err == nil {
				m, err = tx.IndexIssues(ctx, 10)
			}
			return err
		}); n+m != 0 || err != nil {
			t.Errorf("when it was open %d findings and %d issues were left to do (%v)", n, m, err)
		}
		var later bytes.Buffer
		if err := db.Backup(t.Context(), &later); err != nil {
			t.Fatal(err)
		}
		onBoth(t, func(t *testing.T, o store.Options) {
			for _, b := range [][]byte{backup.Bytes(), later.Bytes()} {
				if o.URL != "" {
					o.URL = storetest.Postgres(t)
				} else {
					o.Dir = t.TempDir()
				}
				db := opens(t, o)
				if err := db.Restore(t.Context(), bytes.NewReader(b)); err != nil {
					t.Fatal(err)
				}
				check(db)
			}
		})
	})
}
