package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

var windowCases = []testCase{
	{"windows/rows", testWindowRows},
	{"windows/leases", testWindowLeases},
	{"windows/origins", testWindowOrigins},
}

var corr = yagura.Key{7, 15: 1}

func row(group, sort, body string) yagura.WindowRow {
	return yagura.WindowRow{Corr: corr, Group: []byte(group), Sort: []byte(sort), Body: []byte(body)}
}

func add(t *testing.T, db *store.DB, rows ...yagura.WindowRow) (fresh int64) {
	t.Helper()
	update(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
		fresh, err = tx.AddWindowRows(ctx, rows)
		return err
	})
	return fresh
}

func rowsOf(t *testing.T, db *store.DB, group string, after string) (out []string) {
	t.Helper()
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		var behind []byte
		if after != "" {
			behind = []byte(after)
		}
		return tx.WindowRows(ctx, corr, []byte(group), behind, func(r yagura.WindowRow) error {
			out = append(out, string(r.Sort)+"="+string(r.Body))
			return nil
		})
	})
	return out
}

func leaseGroups(t *testing.T, db *store.DB, owner string, second, limit int) (list []yagura.WindowGroup, groups string) {
	t.Helper()
	update(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
		list, err = tx.LeaseWindowGroups(ctx, owner, at(second), at(second+10), limit)
		return err
	})
	for _, g := range list {
		groups += fmt.Sprintf("%s/%d ", g.Group, g.Rows)
	}
	return list, groups
}

func testWindowRows(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	same(t, "fresh", int64(3), add(t, db, row("g", "2", "b"), row("g", "1", "a"), row("h", "1", "x"), row("g", "2", "b")))
	same(t, "fresh again", int64(1), add(t, db, row("g", "2", "other"), row("g", "3\x00\xff", "c")))
	same(t, "rows", []string{"1=a", "2=b", "3\x00\xff=c"}, rowsOf(t, db, "g", ""))
	same(t, "rows behind", []string{"3\x00\xff=c"}, rowsOf(t, db, "g", "2"))
	var many []yagura.WindowRow
	for i := range 2500 { // more than one page
		many = append(many, row("many", name("s", i), "y"))
	}
	same(t, "many", int64(2500), add(t, db, many...))
	same(t, "many read", 2500, len(rowsOf(t, db, "many", "")))
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		return tx.DropWindowRows(ctx, corr, []byte("many"), []byte(name("s", 2399)))
	})
	same(t, "what was not dropped", 100, len(rowsOf(t, db, "many", "")))
	_, groups := leaseGroups(t, db, "w", 0, 10)
	if len(groups) != len("g/3 h/1 many/100 ") {
		t.Errorf("groups: %s", groups)
	}
	// Groups are told apart by correlation, and a long group is a group.
	long := yagura.WindowRow{Corr: yagura.Key{8}, Group: make([]byte, 100_000), Sort: []byte("1"), Body: nil}
	same(t, "another correlation", int64(1), add(t, db, long))
	for _, bad := range []int{0, 513} {
		if err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.AddWindowRows(ctx, []yagura.WindowRow{{Sort: make([]byte, bad)}})
			return err
		}); err == nil {
			t.Errorf("a sort of %d bytes is taken", bad)
		}
	}
}

func testWindowLeases(t *testing.T, open Open) {
	second := 0
	db := open(t, store.Options{Now: func() time.Time { return at(second) }})
	add(t, db, row("g", "1", "a"))
	second = 1
	add(t, db, row("h", "1", "a"))
	list, groups := leaseGroups(t, db, "w1", 1, 1)
	same(t, "oldest first", "g/1 ", groups)
	g := list[0]
	_, groups = leaseGroups(t, db, "w2", 1, 10)
	same(t, "what the other left", "h/1 ", groups)
	// A row comes while the group is out: nobody else gets it, but it stays dirty.
	second = 2
	add(t, db, row("g", "2", "b"))
	if _, groups := leaseGroups(t, db, "w2", 2, 10); groups != "" {
		t.Errorf("a leased group is handed out: %s", groups)
	}
	done := func(g yagura.WindowGroup, owner string, sealed string, due time.Time) error {
		return db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			return tx.SettleWindowGroup(ctx, g, owner, []byte(sealed), due)
		})
	}
	if err := done(g, "w1", "1", time.Time{}); err != nil {
		t.Fatal(err)
	}
	list, groups = leaseGroups(t, db, "w2", 2, 10)
	same(t, "dirty still", "g/2 ", groups)
	same(t, "sealed", "1", string(list[0].Sealed))
	if err := done(g, "w1", "1", time.Time{}); !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("settled by who does not have it: %v", err)
	}
	if err := done(list[0], "w2", "2", at(50)); err != nil {
		t.Fatal(err)
	}
	_, groups = leaseGroups(t, db, "w2", 12, 10)
	same(t, "the lease of h ran out; g is not due", "h/1 ", groups)
	list, groups = leaseGroups(t, db, "w2", 50, 1)
	same(t, "g is due", "h/1 ", groups) // its lease ran out at 22
	if err := done(list[0], "w2", "", time.Time{}); err != nil {
		t.Fatal(err)
	}
	list, groups = leaseGroups(t, db, "w2", 50, 10)
	same(t, "g is due", "g/2 ", groups)
	if err := done(list[0], "w2", "2", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, groups := leaseGroups(t, db, "w2", 1000, 10); groups != "" {
		t.Errorf("clean groups are handed out: %s", groups)
	}
	// Rows that were there already make nothing dirty; groups without rows are forgotten.
	add(t, db, row("g", "2", "b"))
	if _, groups := leaseGroups(t, db, "w2", 1000, 10); groups != "" {
		t.Errorf("a known row made a group dirty: %s", groups)
	}
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.DropWindowRows(ctx, corr, []byte("g"), []byte("9")); err != nil {
			return err
		}
		n, err := tx.PruneWindowGroups(ctx, at(60), 1)
		same(t, "forgotten", int64(1), n)
		return err
	})
	// A settled group has kept its last rows; they go with it.
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.PruneWindowGroups(ctx, at(60), 10)
		same(t, "forgotten", int64(1), n)
		return err
	})
	add(t, db, row("h", "1", "a"))
	_, groups = leaseGroups(t, db, "w2", 1000, 10)
	same(t, "a forgotten group begins anew", "h/1 ", groups)
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.PruneWindowGroups(ctx, at(60), 10)
		same(t, "forgotten of what is dirty", int64(0), n)
		return err
	})
}

func testWindowOrigins(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	of := func(origin string, r yagura.WindowRow) yagura.WindowRow { r.Origin = origin; return r }
	replace := func(origins []string, rows ...yagura.WindowRow) {
		t.Helper()
		update(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.ReplaceOrigin(ctx, corr, origins, rows) })
	}
	dirty := func() string {
		t.Helper()
		list, groups := leaseGroups(t, db, "w", 0, 10)
		for _, g := range list {
			update(t, db, func(ctx context.Context, tx *store.Tx) error {
				return tx.SettleWindowGroup(ctx, g, "w", nil, time.Time{})
			})
		}
		return groups
	}
	add(t, db, row("g", "0", "direct"))
	replace([]string{"f1", "f2"}, of("f1", row("g", "1", "a")), of("f2", row("h", "2", "b")))
	dirty()
	replace([]string{"f1", "f2"}, of("f1", row("g", "1", "a")), of("f2", row("h", "2", "b")))
	same(t, "dirty after the same", "", dirty())
	replace([]string{"f1"}, of("f1", row("g", "3", "a")))
	same(t, "dirty after a move", "g/2 ", dirty())
	same(t, "rows", []string{"0=direct", "3=a"}, rowsOf(t, db, "g", ""))
	replace([]string{"f1", "f2"}, of("f1", row("g", "3", "changed")))
	same(t, "rows of g", []string{"0=direct", "3=changed"}, rowsOf(t, db, "g", ""))
	same(t, "rows of h", 0, len(rowsOf(t, db, "h", "")))
	if _, groups := leaseGroups(t, db, "w", 0, 10); groups != "g/2 h/0 " && groups != "h/0 g/2 " {
		t.Errorf("dirty after a change and a loss: %s", groups)
	}
	if err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		return tx.ReplaceOrigin(ctx, corr, []string{"f1"}, []yagura.WindowRow{of("f3", row("g", "9", "x"))})
	}); err == nil {
		t.Error("a row of another origin is taken")
	}
}
