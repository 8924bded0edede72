package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

var noticeCases = []testCase{
	{"notices/order", testNoticeOrder},
	{"notices/fold", testNoticeFold},
	{"notices/uncertain", testNoticeUncertain},
	{"notices/dead", testNoticeDead},
	{"notices/books", testNoticeBooks},
	{"notices/lost lease", testNoticeLostLease},
	{"notices/hasten", testNoticeHasten},
}

// lease takes notices at a second for ten seconds and returns their texts.
func lease(t *testing.T, db *store.DB, sink, owner string, second int) (list []yagura.Notice, texts []string) {
	t.Helper()
	update(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
		list, err = tx.LeaseNotices(ctx, sink, owner, at(second), at(second+10), 100)
		return err
	})
	for _, n := range list {
		texts = append(texts, n.Text)
	}
	return list, texts
}

func owe(t *testing.T, db *store.DB, list ...yagura.Notice) []yagura.Notice {
	t.Helper()
	update(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.Owe(ctx, list) })
	return list
}

func settle(t *testing.T, db *store.DB, n yagura.Notice, owner string, r yagura.Receipt, second int) {
	t.Helper()
	update(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.SettleNotice(ctx, n.ID, owner, r, at(second)) })
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func testNoticeOrder(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	a, b := Issue("a"), Issue("b")
	given := owe(t, db, Notice("s", a, yagura.OpOpen, "a1"), Notice("s", b, yagura.OpOpen, "b1"), Notice("s", a, yagura.OpRise, "a2"),
		Notice("s", a, yagura.OpClose, "a3"), Notice("other", a, yagura.OpOpen, "o1"), Notice("s", nil, yagura.OpTest, "t1"), Notice("s", nil, yagura.OpTest, "t2"))
	var seqs []int64
	for _, n := range given {
		seqs = append(seqs, n.Seq)
	}
	same(t, "seq", []int64{1, 1, 2, 3, 1, 1, 1}, seqs)

	list, texts := lease(t, db, "s", "w1", 0)
	same(t, "first lease", []string{"a1", "b1", "t1", "t2"}, texts)
	if !list[0].FirstTried.Equal(at(0)) || list[0].Attempts != 0 || list[0].Uncertain || list[0].Issue == nil {
		t.Errorf("first lease: %+v", list[0])
	}
	if _, texts := lease(t, db, "s", "w2", 1); texts != nil {
		t.Errorf("leased twice: %v", texts)
	}
	settle(t, db, list[0], "w1", yagura.Receipt{Ref: "12", URL: "https://tickets/12", Detail: "created #12"}, 2)
	list, texts = lease(t, db, "s", "w1", 3)
	same(t, "second of a", []string{"a2"}, texts)
	same(t, "ref of the ticket", "12", list[0].Ref)
	settle(t, db, list[0], "w1", yagura.Receipt{}, 4)
	// What comes later is behind what waits.
	owe(t, db, Notice("s", a, yagura.OpReopen, "a4"))
	_, texts = lease(t, db, "s", "w1", 5)
	same(t, "third of a", []string{"a3"}, texts)

	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		x, err := tx.TicketsOf(ctx, a.ID)
		same(t, "tickets", []yagura.TicketRef{{IssueID: a.ID, Sink: "s", Ref: "12", URL: "https://tickets/12"}}, x)
		return err
	})
}

func testNoticeFold(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	a := Issue("a")
	given := owe(t, db, Notice("s", a, yagura.OpOpen, "open"), Notice("s", a, yagura.OpUpdate, "u1"), Notice("s", a, yagura.OpUpdate, "u2"))
	if given[1].ID != given[2].ID || given[2].Seq != 2 {
		t.Errorf("updates given together: %q seq %d, %q seq %d", given[1].ID, given[1].Seq, given[2].ID, given[2].Seq)
	}
	third := owe(t, db, Notice("s", a, yagura.OpUpdate, "u3"))
	if third[0].ID != given[2].ID || third[0].Seq != 2 {
		t.Errorf("an update behind one that waits: %q seq %d, want %q seq 2", third[0].ID, third[0].Seq, given[2].ID)
	}
	list, _ := lease(t, db, "s", "w", 0)
	settle(t, db, list[0], "w", yagura.Receipt{}, 1)
	list, texts := lease(t, db, "s", "w", 1)
	same(t, "the folded update", []string{"u3"}, texts)
	// One that somebody began to deliver is left as it is.
	later := owe(t, db, Notice("s", a, yagura.OpUpdate, "u4"))
	same(t, "seq of an update behind one in delivery", int64(3), later[0].Seq)
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		return tx.RetryNotice(ctx, list[0].ID, "w", at(2), "busy", true)
	})
	owe(t, db, Notice("s", a, yagura.OpComment, "c"), Notice("s", a, yagura.OpUpdate, "u5"))
	_, texts = lease(t, db, "s", "w", 2)
	same(t, "the update that was tried", []string{"u3"}, texts)
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		totals, err := tx.SinkTotals(ctx)
		same(t, "totals", []yagura.SinkTotals{{Sink: "s", Owed: 5, Delivered: 1, Waiting: 4, Folded: 2, Oldest: epoch, LastError: "busy"}}, totals)
		return err
	})
}

func testNoticeUncertain(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	owe(t, db, Notice("s", Issue("a"), yagura.OpOpen, "open"))
	step := func(second int, attempts int, uncertain bool) yagura.Notice {
		t.Helper()
		list, _ := lease(t, db, "s", "w", second)
		if len(list) != 1 {
			t.Fatalf("second %d: %d notices leased", second, len(list))
		}
		if n := list[0]; n.Attempts != attempts || n.Uncertain != uncertain || !n.FirstTried.Equal(at(0)) {
			t.Fatalf("second %d: attempts %d, uncertain %v, first tried %v", second, n.Attempts, n.Uncertain, n.FirstTried)
		}
		return list[0]
	}
	n := step(0, 0, false)
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		return tx.RetryNotice(ctx, n.ID, "w", at(1), "refused", true)
	})
	step(1, 1, false) // surely not sent before
	// The process crashes here: the lease runs out.
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		due, ok, err := tx.NextNotice(ctx, "s")
		if !ok || !due.Equal(at(11)) {
			t.Errorf("next notice: %v, %v", due, ok)
		}
		return err
	})
	if list, _ := lease(t, db, "s", "w", 10); list != nil {
		t.Errorf("leased before the lease ran out")
	}
	n = step(11, 2, true)
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		return tx.RetryNotice(ctx, n.ID, "w", at(12), "limit", true)
	})
	step(12, 3, true) // the doubt of the second attempt stays
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		return tx.SettleNotice(ctx, n.ID, "w", yagura.Receipt{Doubled: true}, at(13))
	})
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		_, ok, err := tx.NextNotice(ctx, "s")
		if ok {
			t.Errorf("there is a next notice after the last")
		}
		return err
	})
}

func testNoticeDead(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(20)})
	a := Issue("a")
	owe(t, db, Notice("s", a, yagura.OpOpen, "a1"), Notice("s", a, yagura.OpRise, "a2"), Notice("s", a, yagura.OpClose, "a3"))
	kill := func(n yagura.Notice) {
		t.Helper()
		update(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.KillNotice(ctx, n.ID, "w", "forbidden", at(21))
		})
	}
	revive := func(n yagura.Notice) {
		t.Helper()
		update(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.ReviveNotice(ctx, n.ID) })
	}
	list, _ := lease(t, db, "s", "w", 20)
	first := list[0]
	kill(first)
	list, texts := lease(t, db, "s", "w", 20)
	same(t, "behind a dead one", []string{"a2"}, texts)
	// Revived while the second is being delivered: it waits for that one, and no longer.
	revive(first)
	if _, texts := lease(t, db, "s", "w", 20); texts != nil {
		t.Errorf("two of one issue are out at once: %v", texts)
	}
	second := list[0]
	kill(second)
	list, texts = lease(t, db, "s", "w", 20)
	same(t, "the revived one", []string{"a1"}, texts)
	if !list[0].Uncertain {
		t.Errorf("a revived notice whose attempt had no clear end is not uncertain")
	}
	settle(t, db, list[0], "w", yagura.Receipt{}, 22)
	// Revived while nothing is out: it goes before the third.
	revive(second)
	list, texts = lease(t, db, "s", "w", 22)
	same(t, "the second revived one", []string{"a2"}, texts)
	settle(t, db, list[0], "w", yagura.Receipt{}, 23)
	_, texts = lease(t, db, "s", "w", 23)
	same(t, "the last", []string{"a3"}, texts)
	err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error { return tx.ReviveNotice(ctx, second.ID) })
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a delivered notice is revived: %v", err)
	}
}

func testNoticeBooks(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	a, b := Issue("a"), Issue("b")
	owe(t, db, Notice("s", a, yagura.OpOpen, "a1"), Notice("s", b, yagura.OpOpen, "b1"), Notice("r", b, yagura.OpOpen, "b1"), Notice("s", b, yagura.OpClose, "b2"))
	list, _ := lease(t, db, "s", "w", 0)
	settle(t, db, list[0], "w", yagura.Receipt{Doubled: true, Detail: "done"}, 1)
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		return tx.KillNotice(ctx, list[1].ID, "w", "gone", at(2))
	})
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		totals, err := tx.SinkTotals(ctx)
		same(t, "totals", []yagura.SinkTotals{
			{Sink: "r", Owed: 1, Waiting: 1, Oldest: epoch},
			{Sink: "s", Owed: 3, Delivered: 1, Dead: 1, Waiting: 1, Doubled: 1, Oldest: epoch, LastError: "gone"}}, totals)
		if err != nil {
			return err
		}
		texts := func(sink, issue string, states ...yagura.NoticeState) (all []string) {
			for after := ""; ; {
				page, next, err := tx.Notices(ctx, sink, issue, states, after, 2)
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range page {
					all = append(all, o.Notice.Sink+" "+o.Notice.Text+" "+string(o.State))
				}
				if next == "" {
					return all
				}
				after = next
			}
		}
		same(t, "all", []string{"s a1 delivered", "s b1 dead", "r b1 waiting", "s b2 waiting"}, texts("", ""))
		same(t, "of a sink", []string{"s a1 delivered", "s b1 dead", "s b2 waiting"}, texts("s", ""))
		same(t, "of an issue", []string{"s b1 dead", "r b1 waiting", "s b2 waiting"}, texts("", b.ID))
		same(t, "of both, waiting", []string{"s b2 waiting"}, texts("s", b.ID, yagura.NoticeWaiting))
		same(t, "dead", []string{"s b1 dead"}, texts("", "", yagura.NoticeDead))
		moving := func(since, limit int) (out []string) {
			list, err := tx.MovingNotices(ctx, at(since), limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range list {
				out = append(out, o.Notice.Sink+" "+o.Notice.Text+" "+string(o.State))
			}
			return out
		}
		same(t, "moving", []string{"s b1 dead", "s a1 delivered", "r b1 waiting", "s b2 waiting"}, moving(1, 10))
		same(t, "moving of late", []string{"s b1 dead", "r b1 waiting", "s b2 waiting"}, moving(2, 10))
		same(t, "moving, few of a sort", []string{"s b1 dead", "r b1 waiting", "s b2 waiting"}, moving(0, 1))
		same(t, "moving in future", []string{"r b1 waiting", "s b2 waiting"}, moving(3, 10))
		if o, err := tx.Owed(ctx, list[1].ID); err != nil || o.State != yagura.NoticeDead || o.LastError != "gone" || o.Notice.ID != list[1].ID {
			t.Errorf("owed: %+v, %v", o, err)
		}
		if _, err := tx.Owed(ctx, "nobody's"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a notice that is not there: %v", err)
		}
		page, _, err := tx.Notices(ctx, "s", a.ID, nil, "", 0)
		if o := page[0]; o.Detail != "done" || !o.Done.Equal(at(1)) || o.Attempts != 1 {
			t.Errorf("delivered: %+v", o)
		}
		return err
	})
}

func testNoticeLostLease(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	owe(t, db, Notice("s", Issue("a"), yagura.OpOpen, "a1"))
	list, _ := lease(t, db, "s", "w1", 0)
	lease(t, db, "s", "w2", 10)
	for what, fn := range map[string]func(ctx context.Context, tx *store.Tx) error{
		"settle": func(ctx context.Context, tx *store.Tx) error {
			return tx.SettleNotice(ctx, list[0].ID, "w1", yagura.Receipt{}, at(11))
		},
		"retry": func(ctx context.Context, tx *store.Tx) error {
			return tx.RetryNotice(ctx, list[0].ID, "w1", at(11), "", false)
		},
		"kill": func(ctx context.Context, tx *store.Tx) error { return tx.KillNotice(ctx, list[0].ID, "w1", "", at(11)) },
	} {
		if err := db.Update(context.Background(), fn); !errors.Is(err, store.ErrLeaseLost) {
			t.Errorf("%s by who lost the lease: %v", what, err)
		}
	}
	settle(t, db, list[0], "w2", yagura.Receipt{}, 12)
	if err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		return tx.SettleNotice(ctx, list[0].ID, "w2", yagura.Receipt{}, at(13))
	}); !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("settled twice: %v", err)
	}
}

func testNoticeHasten(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	a, b, c := Issue("a"), Issue("b"), Issue("c")
	owe(t, db, Notice("s", a, yagura.OpOpen, "a1"), Notice("s", a, yagura.OpClose, "a2"), Notice("s", b, yagura.OpOpen, "b1"), Notice("other", c, yagura.OpOpen, "c1"))
	list, _ := lease(t, db, "s", "w", 1)
	lease(t, db, "other", "w", 1)
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		return tx.RetryNotice(ctx, list[0].ID, "w", at(300), "busy", false)
	})
	update(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.HastenNotices(ctx, "s", at(2)) })
	// What somebody has is not taken from them, what stands behind another waits, and other
	// sinks are as they were.
	_, texts := lease(t, db, "s", "v", 2)
	same(t, "due after it was hastened", []string{list[0].Text}, texts)
	_, texts = lease(t, db, "other", "v", 2)
	same(t, "due at another sink", []string(nil), texts)
	settle(t, db, list[0], "v", yagura.Receipt{}, 3)
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		last, err := tx.LastDelivered(ctx, "s", list[0].IssueID)
		same(t, "the sink was told last", at(3).UTC(), last.UTC())
		if never, nerr := tx.LastDelivered(ctx, "s", "nobody"); nerr != nil || !never.IsZero() {
			t.Errorf("of no issue: %v, %v", never, nerr)
		}
		return err
	})
}
