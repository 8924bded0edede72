package storetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

var deliveryCases = []testCase{
	{"deliveries/joined", testDeliveriesJoined},
	{"deliveries/books", testDeliveryBooks},
	{"deliveries/names", testDeliveryNames},
	{"transactions/rolled back", testRolledBack},
	{"transactions/ended by a statement", testEnded},
}

func put(t *testing.T, db *store.DB, list ...yagura.Delivery) {
	t.Helper()
	update(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.PutDeliveries(ctx, list) })
}

func totals(t *testing.T, db *store.DB) []yagura.SourceTotals {
	t.Helper()
	var out []yagura.SourceTotals
	view(t, db, func(ctx context.Context, tx *store.Tx) (err error) { out, err = tx.SourceTotals(ctx); return err })
	return out
}

func testDeliveriesJoined(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	first := yagura.Delivery{Source: "s3", Object: "o1", Received: at(5), Judged: 10, Total: -1, Repeats: 1, Attempts: 1, Error: "reset", First: at(-50), Last: at(-40)}
	put(t, db, first)
	// One transaction judged, another kept; neither knows what the other wrote.
	put(t, db, yagura.Delivery{Source: "s3", Object: "o1", Received: at(6), Judged: 30, Total: 30, Repeats: 2, Attempts: 2, Findings: 3, First: at(-60), Last: at(-45)})
	put(t, db, yagura.Delivery{Source: "s3", Object: "o1", Received: at(5), Judged: 10, Kept: 30, Total: -1, Attempts: 1, Done: at(9)})
	want := yagura.Delivery{Source: "s3", Object: "o1", Received: at(5), Judged: 30, Kept: 30, Total: 30, Repeats: 2, Attempts: 2, Findings: 3, Done: at(9), First: at(-60), Last: at(-40)}
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.Deliveries(ctx, "s3", []string{"o1", "o1", "o2"})
		same(t, "deliveries", map[string]yagura.Delivery{"o1": want}, got)
		return err
	})
	// The same object twice in one call is joined as well.
	put(t, db, yagura.Delivery{Source: "s3", Object: "o3", Received: at(7), Total: 5, Judged: 2}, yagura.Delivery{Source: "s3", Object: "o3", Received: at(7), Total: 5, Kept: 4, Judged: 1})
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.WaitingDeliveries(ctx, "s3", "", 10)
		same(t, "waiting", []yagura.Delivery{{Source: "s3", Object: "o3", Received: at(7), Total: 5, Kept: 4, Judged: 2}}, got)
		return err
	})
}

func testDeliveryBooks(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0), Replica: "r1"})
	other := open(t, store.Options{Now: Clock(1), Replica: "r2"})
	put(t, db, yagura.Delivery{Source: "a", Object: "1", Received: at(1), Judged: 4, Total: -1, Error: "reset"},
		yagura.Delivery{Source: "a", Object: "2", Received: at(0), Judged: 7, Kept: 7, Total: 7, Own: 1, Broken: 2, Findings: 3, Done: at(3), Last: at(-9)},
		yagura.Delivery{Source: "b", Object: "1", Received: at(2)})
	put(t, other, yagura.Delivery{Source: "a", Object: "1", Received: at(1), Judged: 6, Total: 10, Attempts: 2, Error: "gone"})
	want := []yagura.SourceTotals{
		{Source: "a", Objects: 2, ObjectsDone: 1, Received: 17, Judged: 13, Kept: 7, Waiting: 4, Own: 1, Broken: 2, Findings: 3, Oldest: at(1), LastEvent: at(-9), LastError: "gone"},
		{Source: "b", Objects: 1, Oldest: at(2)}}
	same(t, "books", want, totals(t, db))
	// Writing the same again changes nothing; the end of the object clears the error.
	put(t, db, yagura.Delivery{Source: "b", Object: "1", Received: at(2)})
	put(t, other, yagura.Delivery{Source: "a", Object: "1", Received: at(1), Judged: 10, Kept: 10, Total: 10, Attempts: 2, Done: at(4)})
	want[0].Waiting, want[0].Judged, want[0].Kept, want[0].ObjectsDone, want[0].Oldest, want[0].LastError = 0, 17, 17, 2, time.Time{}, ""
	same(t, "books at the end", want, totals(t, other))
	// Within the transaction the books are those of the transaction.
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.PutDeliveries(ctx, []yagura.Delivery{{Source: "c", Object: "1", Total: 3, Received: at(1)}}); err != nil {
			return err
		}
		got, err := tx.SourceTotals(ctx)
		same(t, "books within", append(want[:2:2], yagura.SourceTotals{Source: "c", Objects: 1, Received: 3, Waiting: 3, Oldest: at(1)}), got)
		return err
	})
}

// hostile are strings that logs bring: not UTF-8, with NUL, the escape itself, very long.
var hostile = []string{"plain", "é\u3042", "nul\x00nul", "not utf-8 \xff\xfe", "escape \x10 \x1000", "percent %_'\";--", strings.Repeat("long ", 1000), strings.Repeat("long ", 1000) + "x", strings.Repeat("\xff", 3000), strings.Repeat("あ", 900)}

func testDeliveryNames(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	var list []yagura.Delivery
	want := map[string]yagura.Delivery{}
	for i, s := range hostile {
		d := yagura.Delivery{Source: "s", Object: s, Received: at(i), Error: s, Total: int64(i)}
		list = append(list, d)
		want[s] = d
	}
	put(t, db, list...)
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.Deliveries(ctx, "s", hostile)
		same(t, "deliveries", want, got)
		if err != nil {
			return err
		}
		seen := map[string]yagura.Delivery{}
		for after := ""; ; {
			page, err := tx.WaitingDeliveries(ctx, "s", after, 3)
			if err != nil {
				return err
			}
			for _, d := range page {
				if _, twice := seen[d.Object]; twice {
					t.Errorf("%.20q comes twice", d.Object)
				}
				seen[d.Object] = d
				after = d.Object
			}
			if len(page) < 3 {
				break
			}
		}
		same(t, "waiting", want, seen)
		return nil
	})
}

func testRolledBack(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	stop := errors.New("stop")
	ran := 0
	err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		ran++
		if err := tx.PutDeliveries(ctx, []yagura.Delivery{{Source: "s", Object: "o", Total: 3}}); err != nil {
			return err
		}
		if err := tx.PutState(ctx, "k", []byte("v")); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) || ran != 1 {
		t.Errorf("error %v, ran %d times", err, ran)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err = db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.PutState(ctx, "k", []byte("v")); err != nil {
			return err
		}
		cancel()
		return tx.PutState(ctx, "k", []byte("w"))
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ended: %v", err)
	}
	func() {
		defer func() { recover() }()
		_ = db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			if err := tx.PutState(ctx, "k", []byte("v")); err != nil {
				return err
			}
			panic("a rule")
		})
	}()
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		if _, ok, err := tx.State(ctx, "k"); ok || err != nil {
			t.Errorf("state: %v, %v", ok, err)
		}
		return nil
	})
	if err := db.View(context.Background(), func(ctx context.Context, tx *store.Tx) error { return tx.PutState(ctx, "k", []byte("v")) }); err == nil {
		t.Error("a change within View is taken")
	}
	if got := totals(t, db); got != nil {
		t.Errorf("books: %v", got)
	}
}

func testEnded(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	x := Issue("a")
	update(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.PutIssue(ctx, x) })
	// A statement fails, and the function says nothing of it.
	err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		if err := tx.PutState(ctx, "k", []byte("v")); err != nil {
			return err
		}
		stale := *x
		stale.Version = 7
		if err := tx.PutIssue(ctx, &stale); err == nil {
			t.Error("a version out of order is taken")
		}
		return nil
	})
	if !errors.Is(err, store.ErrMoved) {
		t.Errorf("the transaction was committed: %v", err)
	}
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		_, ok, err := tx.State(ctx, "k")
		if ok {
			t.Error("a part of it was committed")
		}
		return err
	})
}
