package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/store/storetest"
)

// BenchmarkRates measures rows per second of the statements that have to be fast, each
// group committed durably (PostgreSQL with fsync on), and the processor time that this
// process spends for a row, which a busy machine changes less.
func BenchmarkRates(b *testing.B) {
	for _, dialect := range []string{"sqlite", "postgres"} {
		open := func(b *testing.B) *store.DB {
			b.Helper()
			o := store.Options{Dir: b.TempDir(), AcceptLoss: true}
			if dialect == "postgres" {
				server := storetest.Start(b)
				server.Exec(b, "ALTER SYSTEM SET fsync = on")
				server.Exec(b, "ALTER SYSTEM SET full_page_writes = on")
				server.Exec(b, "SELECT pg_reload_conf()")
				o = store.Options{URL: server.Database(b)}
				storetest.Wait(b, "fsync", func() bool { return server.Show(b, "fsync") == "on" })
			}
			db, err := store.Open(context.Background(), o)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { db.Close() })
			return db
		}
		measure := func(name string, rows int, fn func(ctx context.Context, tx *store.Tx, n int) error) {
			b.Run(dialect+"/"+name, func(b *testing.B) {
				db := open(b)
				b.ResetTimer()
				start, used := time.Now(), processTime()
				for n := range b.N {
					if err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error { return fn(ctx, tx, n) }); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(rows*b.N)/time.Since(start).Seconds(), "rows/s")
				b.ReportMetric(float64((processTime()-used).Microseconds())/float64(rows*b.N), "cpu-µs/row")
			})
		}
		measure("findings", 500, func(ctx context.Context, tx *store.Tx, n int) error {
			var list []yagura.Filed
			for i := range 500 {
				f := storetest.Filed(fmt.Sprintf("%016x", uint64(n*500+i)*0x9e3779b97f4a7c15), "issue")
				f.Finding.Output = strings.Repeat("text of a finding ", 40)
				list = append(list, f)
			}
			_, err := tx.PutFindings(ctx, list)
			return err
		})
		measure("window rows", 2000, func(ctx context.Context, tx *store.Tx, n int) error {
			var list []yagura.WindowRow
			for i := range 2000 {
				list = append(list, yagura.WindowRow{Group: fmt.Appendf(nil, "group %d", i%200), Sort: fmt.Appendf(nil, "%012d %06d", n, i), Body: make([]byte, 120)})
			}
			_, err := tx.AddWindowRows(ctx, list)
			return err
		})
		measure("deliveries", 500, func(ctx context.Context, tx *store.Tx, n int) error {
			var list []yagura.Delivery
			var names []string
			for i := range 500 {
				o := fmt.Sprintf("s3://bucket/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/04/%08d-%03d.json.gz#etag", n, i)
				names = append(names, o)
				list = append(list, yagura.Delivery{Source: "s3", Object: o, Received: time.Unix(int64(n), 0), Judged: 100, Total: 100})
			}
			if _, err := tx.Deliveries(ctx, "s3", names); err != nil {
				return err
			}
			return tx.PutDeliveries(ctx, list)
		})
		measure("counts of 200 issues", 200, func(ctx context.Context, tx *store.Tx, n int) error {
			var list []yagura.Count
			for i := range 200 {
				list = append(list, yagura.Count{IssueID: fmt.Sprint("i", i), Findings: 5})
			}
			if err := tx.AddCounts(ctx, list); err != nil {
				return err
			}
			_, err := tx.FoldCounts(ctx, 200)
			return err
		})
		measure("new issues with entry and notice", 50, func(ctx context.Context, tx *store.Tx, n int) error {
			var issues []*yagura.Issue
			var keys []string
			for i := range 50 {
				keys = append(keys, fmt.Sprintf("cause %d/%d", n, i))
				issues = append(issues, storetest.Issue(keys[i]))
			}
			if _, err := tx.IssuesByCause(ctx, keys, store.Change); err != nil {
				return err
			}
			if err := tx.PutIssues(ctx, issues); err != nil {
				return err
			}
			var entries []yagura.Entry
			var notices []yagura.Notice
			for _, x := range issues {
				entries = append(entries, yagura.Entry{IssueID: x.ID, What: yagura.EntryOpened})
				notices = append(notices, storetest.Notice("sink", x, yagura.OpOpen, ""))
			}
			if err := tx.AddEntries(ctx, entries); err != nil {
				return err
			}
			return tx.Owe(ctx, notices)
		})
		measure("notices owed, leased and settled together", 100, func(ctx context.Context, tx *store.Tx, n int) error {
			var list []yagura.Notice
			for i := range 100 {
				list = append(list, storetest.Notice("sink", storetest.Issue(fmt.Sprintf("%d/%d", n, i)), yagura.OpOpen, ""))
			}
			if err := tx.Owe(ctx, list); err != nil {
				return err
			}
			now := time.Now()
			got, err := tx.LeaseNotices(ctx, "sink", "w", now, now.Add(time.Minute), 100)
			if err != nil || len(got) != 100 {
				return fmt.Errorf("%d leased: %v", len(got), err)
			}
			for _, x := range got {
				if err := tx.SettleNotice(ctx, x.ID, "w", yagura.Receipt{Ref: "1"}, now); err != nil {
					return err
				}
			}
			return nil
		})
		measure("single commits", 1, func(ctx context.Context, tx *store.Tx, n int) error {
			return tx.PutState(ctx, "k", fmt.Append(nil, n))
		})
	}
}
