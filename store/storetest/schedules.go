package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

var scheduleCases = []testCase{
	{"schedules/leases", testScheduleLeases},
	{"schedules/windows", testScheduleWindows},
}

func leaseSchedule(t *testing.T, db *store.DB, rule, owner string, now, until int) (s yagura.ScheduleState, ok bool) {
	t.Helper()
	update(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
		s, ok, err = tx.LeaseSchedule(ctx, rule, owner, at(now), at(until), at(-100))
		return err
	})
	return s, ok
}

func testScheduleLeases(t *testing.T, open Open) {
	db := open(t, store.Options{})
	other := db
	s, ok := leaseSchedule(t, db, "r", "a", 0, 10)
	if !ok || !s.Watermark.Equal(at(-100)) || len(s.Body) != 0 {
		t.Fatalf("a rule that is new: %+v, %v", s, ok)
	}
	if _, ok := leaseSchedule(t, other, "r", "b", 5, 15); ok {
		t.Error("two owners have a rule at once")
	}
	s.Watermark, s.Body, s.Lease = at(3), []byte("body"), at(12)
	update(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.PutSchedule(ctx, s) })
	if _, ok := leaseSchedule(t, other, "r", "b", 11, 20); ok {
		t.Error("a lease that was made longer ended all the same")
	}
	got, ok := leaseSchedule(t, other, "r", "b", 12, 20)
	want := yagura.ScheduleState{Rule: "r", Owner: "b", Lease: at(20), Watermark: at(3), Body: []byte("body")}
	if d := cmp.Diff(want, got); !ok || d != "" {
		t.Errorf("a lease that ended: %v %s", ok, d)
	}
	err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error { return tx.PutSchedule(ctx, s) })
	if !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("an owner that lost the rule writes: %v", err)
	}
	leaseSchedule(t, db, "s\x00", "a", 0, 10)
	var list []string
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		for after := ""; ; {
			page, err := tx.Schedules(ctx, after, 1)
			if err != nil || len(page) == 0 {
				return err
			}
			after = page[0].Rule
			list = append(list, after)
			if after == "s\x00" {
				return nil
			}
		}
	})
	if d := cmp.Diff([]string{"r", "s\x00"}, list); d != "" {
		t.Error(d)
	}
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.PutWindowFindings(ctx, "r", at(1), []string{"f"}); err != nil {
			return err
		}
		return tx.DropSchedules(ctx, []string{"r"})
	})
	if s, ok := leaseSchedule(t, db, "r", "c", 0, 10); !ok || !s.Watermark.Equal(at(-100)) {
		t.Errorf("a rule that was dropped: %+v, %v", s, ok)
	}
	if got := windowFindings(t, db, "r", 0, 100); got != "" {
		t.Errorf("findings of a rule that was dropped: %s", got)
	}
}

func windowFindings(t *testing.T, db *store.DB, rule string, from, to int) (out string) {
	t.Helper()
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		list, err := tx.WindowFindings(ctx, rule, at(from), at(to))
		for _, w := range list {
			out += fmt.Sprintf("%d=%s ", w.Window.Sub(epoch)/time.Second, w.Finding)
		}
		return err
	})
	return out
}

func testScheduleWindows(t *testing.T, open Open) {
	db := open(t, store.Options{})
	put := func(rule string, window int, findings ...string) {
		update(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.PutWindowFindings(ctx, rule, at(window), findings)
		})
	}
	first := func(finding string) (out string) {
		view(t, db, func(ctx context.Context, tx *store.Tx) error {
			end, ok, err := tx.FirstWindow(ctx, "r", finding)
			out = fmt.Sprint(ok)
			if ok {
				out = fmt.Sprint(int(end.Sub(epoch) / time.Second))
			}
			return err
		})
		return out
	}
	put("r", 20, "x", "y", "y")
	put("r", 10, "x")
	put("r", 30, "")
	put("q", 10, "z")
	for _, c := range []struct{ got, want string }{
		{windowFindings(t, db, "r", 0, 100), "10=x 20=x 20=y 30= "},
		{windowFindings(t, db, "r", 10, 20), "10=x "},
		{windowFindings(t, db, "q", 0, 100), "10=z "},
		{first("x"), "10"}, {first("y"), "20"}, {first("z"), "false"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	put("r", 10)
	if got := first("x"); got != "20" {
		t.Errorf("a window that says nothing any more: %s", got)
	}
	update(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.DropWindowFindings(ctx, "r", at(30)) })
	if got := windowFindings(t, db, "r", 0, 100) + windowFindings(t, db, "q", 0, 100); got != "30= 10=z " {
		t.Errorf("after the drop: %q", got)
	}
}
