package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

var findingCases = []testCase{
	{"findings/filed once", testFindings},
	{"findings/pages", testFindingPages},
	{"kept and seen", testKept},
	{"received", testReceived},
}

func file(t *testing.T, db *store.DB, list ...yagura.Filed) (states []yagura.FiledState) {
	t.Helper()
	update(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
		states, err = tx.PutFindings(ctx, list)
		return err
	})
	return states
}

func testFindings(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	one, two, window := Filed("1", "i"), Filed("2", ""), Filed("w", "i")
	same(t, "new", []yagura.FiledState{yagura.FiledNew, yagura.FiledNew, yagura.FiledKnown, yagura.FiledNew}, file(t, db, one, two, one, window))
	// The same event by another way is the same finding.
	again := one
	again.Finding.Source, again.Finding.Rule.Title, again.Seen = "sqs", "Renamed", at(9)
	grown := window
	grown.Finding.Events, grown.Finding.Time, grown.Episode, grown.Seen = []string{"e-w", "e-x"}, at(3), 2, at(9)
	same(t, "again", []yagura.FiledState{yagura.FiledKnown, yagura.FiledChanged}, file(t, db, again, grown))
	same(t, "once more", []yagura.FiledState{yagura.FiledKnown, yagura.FiledKnown}, file(t, db, again, grown))
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.Finding(ctx, "1")
		same(t, "the first", one, got)
		if err != nil {
			return err
		}
		grown.Seen = window.Seen
		got, err = tx.Finding(ctx, "w")
		same(t, "the window", grown, got)
		if _, err := tx.Finding(ctx, "none"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a finding that is not there: %v", err)
		}
		return err
	})
	// What was known to be usual is part of the finding; it makes no finding another one.
	known, more := Filed("u", "i"), Filed("n\x00", "i")
	known.Finding.Usual = []yagura.Usual{{Of: "network", Value: "203.0.113.0/24", Before: at(1), First: true}, {Of: "api", Unknown: "the lake is away"}}
	more.Finding.Usual = []yagura.Usual{{Of: "hour", Value: "03", Before: at(1)}}
	file(t, db, known, more)
	other := known
	other.Finding.Usual = nil
	same(t, "otherwise known", []yagura.FiledState{yagura.FiledKnown}, file(t, db, other))
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.FiledUsual(ctx, []string{"1", "u", "none", "n\x00"})
		same(t, "usual", map[string][]yagura.Usual{"u": known.Finding.Usual, "n\x00": more.Finding.Usual}, got)
		return err
	})
	bad := Filed("3", "")
	bad.Severity = 0
	if err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.PutFindings(ctx, []yagura.Filed{bad})
		return err
	}); err == nil {
		t.Error("a finding without severity is filed")
	}
}

func testFindingPages(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	var list []yagura.Filed
	for i := range 700 { // more than any chunk of rows
		f := Filed(name("f", i), "even")
		if i%2 == 1 {
			f.IssueID = "odd"
		}
		f.Seen = at(i / 10)
		list = append(list, f)
	}
	for i, s := range file(t, db, list...) {
		if s != yagura.FiledNew {
			t.Fatalf("finding %d: state %d", i, s)
		}
	}
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		n := 0
		for after := ""; ; {
			page, next, err := tx.Findings(ctx, "odd", after, 33)
			if err != nil {
				return err
			}
			for _, f := range page {
				if want := name("f", 2*n+1); f.Finding.ID != want {
					t.Fatalf("finding %s, want %s", f.Finding.ID, want)
				}
				n++
			}
			if after = next; next == "" {
				break
			}
		}
		same(t, "findings of an issue", 350, n)
		n = 100
		for after := ""; ; {
			page, next, err := tx.FindingsBetween(ctx, at(10), at(20), after, 7)
			if err != nil {
				return err
			}
			for _, f := range page {
				if want := name("f", n); f.Finding.ID != want {
					t.Fatalf("finding %s, want %s", f.Finding.ID, want)
				}
				n++
			}
			if after = next; next == "" {
				break
			}
		}
		same(t, "findings between", 200, n)
		if _, _, err := tx.Findings(ctx, "odd", "not a cursor", 1); err == nil {
			t.Error("any text is taken for a cursor")
		}
		return nil
	})
}

func testKept(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	ranges := []yagura.KeptRange{
		{Source: "s", Object: "o", Format: "aws.cloudtrail", First: 10, Count: 5, File: "f2", Offset: 1, Length: 2, Min: at(0), Max: at(1), Checksum: [32]byte{1, 31: 9}},
		{Source: "s", Object: "o", Format: "aws.cloudtrail", First: 0, Count: 10, File: "f1", Length: 7}}
	letters := []yagura.DeadLetter{{ID: "d1", Source: "s", Object: "o\x00", Record: 3, Offset: 9, Reason: "bad json", Bytes: []byte{0, 0xff}, Size: 2, At: at(1)},
		{ID: "d2", Source: "s", Object: "o", Reason: "panic", Bytes: []byte{}, At: at(1)}}
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.PutKept(ctx, append(ranges, ranges[0])); err != nil {
			return err
		}
		if err := tx.PutDead(ctx, append(letters, letters[0])); err != nil {
			return err
		}
		return tx.PutDead(ctx, letters)
	})
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.MarkRetried(ctx, "d1", at(5)); err != nil {
			return err
		}
		if err := tx.MarkRetried(ctx, "d1", at(6)); err != nil {
			return err
		}
		if err := tx.MarkRetried(ctx, "d9", at(6)); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a letter that is not there is retried: %v", err)
		}
		fresh, err := tx.SeenChange(ctx, "github", "c1", at(1))
		if !fresh || err != nil {
			t.Errorf("a new change: %v, %v", fresh, err)
		}
		fresh, err = tx.SeenChange(ctx, "github", "c1", at(2))
		if fresh || err != nil {
			t.Errorf("a change that was seen: %v, %v", fresh, err)
		}
		if fresh, _ := tx.SeenChange(ctx, "slack", "c1", at(2)); !fresh {
			t.Errorf("the change of another sink is taken for it")
		}
		for i := range 3 {
			if _, err := tx.SeenChange(ctx, "received/in", fmt.Sprint(i), at(i)); err != nil {
				return err
			}
		}
		n, err := tx.PrunePushed(ctx, at(2), 10)
		same(t, "old ids of what was pushed", int64(2), n)
		if err != nil {
			return err
		}
		for _, c := range []struct {
			via, id string
			fresh   bool
		}{{"received/in", "2", false}, {"received/in", "1", true}, {"github", "c1", false}} {
			if fresh, _ := tx.SeenChange(ctx, c.via, c.id, at(3)); fresh != c.fresh {
				t.Errorf("%s %s is new: %v", c.via, c.id, fresh)
			}
		}
		if err := tx.PutState(ctx, "cursor", []byte("x")); err != nil {
			return err
		}
		return tx.PutState(ctx, "cursor", []byte{})
	})
	update(t, open(t, store.Options{Replica: "another"}), func(ctx context.Context, tx *store.Tx) error {
		return tx.PutKept(ctx, []yagura.KeptRange{{Source: "s", Object: "other", File: "f9", Count: 1}})
	})
	for i, want := range []int64{1, 1, 0} {
		if err := db.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if i == 0 {
				if err := tx.PutKept(ctx, []yagura.KeptRange{{Source: "s", Object: "p", File: "f0", Count: 1}, {Source: "s", Object: "p", First: 1, File: "f0", Count: 1}}); err != nil {
					return err
				}
			}
			n, err := tx.PruneKept(ctx, "f1", 1)
			same(t, "ranges in files that are gone", want, n)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		for object, want := range map[string]int{"o": 2, "p": 0, "other": 1} {
			got, err := tx.Kept(ctx, "s", object)
			if err != nil {
				return err
			}
			same(t, "kept of "+object, want, len(got))
		}
		return nil
	})
	letters[0].Retried = at(5)
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.Kept(ctx, "s", "o")
		same(t, "kept", []yagura.KeptRange{ranges[1], ranges[0]}, got)
		if err != nil {
			return err
		}
		all, err := tx.DeadLetters(ctx, false, "", 10)
		same(t, "dead", letters, all)
		if err != nil {
			return err
		}
		waiting, err := tx.DeadLetters(ctx, true, "", 10)
		same(t, "waiting", letters[1:], waiting)
		if err != nil {
			return err
		}
		w, n, err := tx.DeadTotals(ctx)
		same(t, "totals", []int64{1, 2}, []int64{w, n})
		if err != nil {
			return err
		}
		value, ok, err := tx.State(ctx, "cursor")
		if !ok || len(value) != 0 {
			t.Errorf("state: %q, %v", value, ok)
		}
		return err
	})
}

func testReceived(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	take := func(owner string, second, limit int) (ids []int64, bodies string) {
		t.Helper()
		update(t, db, func(ctx context.Context, tx *store.Tx) error {
			list, err := tx.LeaseReceived(ctx, "push", owner, at(second), at(second+10), limit)
			ids, bodies = nil, ""
			for _, r := range list {
				ids, bodies = append(ids, r.ID), bodies+string(r.Body)
				if !r.At.Equal(at(0)) {
					t.Errorf("received at %v", r.At)
				}
			}
			return err
		})
		return ids, bodies
	}
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.AppendReceived(ctx, "push", [][]byte{[]byte("a"), []byte("b"), nil, []byte("c")}, at(0)); err != nil {
			return err
		}
		return tx.AppendReceived(ctx, "other", [][]byte{[]byte("x")}, at(0))
	})
	ids, bodies := take("w1", 0, 3)
	same(t, "first", "ab", bodies)
	_, bodies = take("w2", 0, 3)
	same(t, "what the other left", "c", bodies)
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.ExtendReceived(ctx, ids, "w1", at(30)); err != nil {
			return err
		}
		if err := tx.AckReceived(ctx, ids[:1]); err != nil {
			return err
		}
		return tx.ReleaseReceived(ctx, ids[1], at(3))
	})
	_, bodies = take("w1", 3, 10)
	same(t, "given back", "b", bodies)
	_, bodies = take("w1", 10, 10)
	same(t, "the lease ran out", "c", bodies)
	if err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error { return tx.ExtendReceived(ctx, ids, "w1", at(40)) }); !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("what was acknowledged is extended: %v", err)
	}
}
