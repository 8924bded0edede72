package app

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
)

// deadNotice owes a notice of an issue (nil: of none) and gives it up.
func (h *consoleHouse) deadNotice(is *yagura.Issue) yagura.Notice {
	h.t.Helper()
	n := yagura.Notice{ID: h.c.desk.NewID(), Sink: "hook", Op: yagura.OpTest, Created: h.now().UTC(), Text: "a test"}
	if is != nil {
		n.Op, n.IssueID, n.Issue, n.Text = yagura.OpUpdate, is.ID, is, ""
	}
	h.update(func(ctx context.Context, tx *store.Tx) error { return tx.Owe(ctx, []yagura.Notice{n}) })
	for { // those before it go first, and are dead as well
		h.settle(func(ctx context.Context, tx *store.Tx, id string) error {
			return tx.KillNotice(ctx, id, "w", "the sink said no", h.now())
		})
		if h.owed(n.ID).State == yagura.NoticeDead {
			return n
		}
	}
}

// settle ends the notices of the sink that are due.
func (h *consoleHouse) settle(end func(ctx context.Context, tx *store.Tx, id string) error) {
	h.t.Helper()
	h.update(func(ctx context.Context, tx *store.Tx) error {
		list, err := tx.LeaseNotices(ctx, "hook", "w", h.now().Add(time.Minute), h.now().Add(time.Hour), 100)
		for i := range list {
			if err == nil {
				err = end(ctx, tx, list[i].ID)
			}
		}
		return err
	})
}

func (h *consoleHouse) owed(id string) (o yagura.Owed) {
	h.t.Helper()
	if err := h.c.db.View(h.t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		o, err = tx.Owed(ctx, id)
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	return o
}

// TestRetryNotice: a dead notice waits again, once, in a line of the audit trail; what was
// delivered is refused, and what the caller does not see is not there.
func TestRetryNotice(t *testing.T) {
	h := newConsoleHouse(t)
	scope := yagura.Scope{Accounts: []string{ourAccount}}
	whole := h.badgeOf("whole", yagura.Binding{Role: yagura.RoleResponder})
	part := h.badgeOf("part", yagura.Binding{Role: yagura.RoleResponder, Scope: scope})
	reader := h.badgeOf("reader", yagura.Binding{Role: yagura.RoleAnalyst})
	retry := func(c *caller, id string) (int, api.NoticeRetried, string) {
		t.Helper()
		resp, body := c.do(http.MethodPost, "/notices/"+id+"/retry", "")
		var out api.NoticeRetried
		_ = json.Unmarshal(body, &out) // of a refusal it says nothing
		return resp.StatusCode, out, string(body)
	}
	mine, theirs, test := h.deadNotice(&h.mine), h.deadNotice(&h.theirs), h.deadNotice(nil)
	for _, id := range []string{theirs.ID, test.ID, "01NOTHERE"} {
		if code, _, body := retry(part, id); code != http.StatusNotFound {
			t.Errorf("beyond the scope: %d %s", code, body)
		}
	}
	if code, _, body := retry(reader, mine.ID); code != http.StatusForbidden {
		t.Errorf("an analyst: %d %s", code, body)
	}
	if h.owed(mine.ID).State != yagura.NoticeDead || h.owed(theirs.ID).State != yagura.NoticeDead {
		t.Fatal("a refused retry did something")
	}
	for i, c := range []*caller{part, whole, part} {
		before := len(auditLines(t, h.c.db))
		code, out, body := retry(c, mine.ID)
		if code != 200 || out.Done != (i == 0) || out.Notice.State != yagura.NoticeWaiting || out.Notice.ID != mine.ID {
			t.Errorf("%d: %d %s", i, code, body)
		}
		lines := auditLines(t, h.c.db)
		if last := lines[len(lines)-1]; len(lines) != before+1 || last.What != "notice.retry" || last.On != "notice/"+mine.ID || last.Outcome != "done" {
			t.Errorf("%d: %+v", i, last)
		}
	}
	if code, out, body := retry(whole, test.ID); code != 200 || !out.Done {
		t.Errorf("a test: %d %s", code, body)
	}
	if o := h.owed(mine.ID); o.State != yagura.NoticeWaiting || o.Due.After(h.now()) {
		t.Errorf("%+v", o)
	}
	h.settle(func(ctx context.Context, tx *store.Tx, id string) error {
		return tx.SettleNotice(ctx, id, "w", yagura.Receipt{Detail: "taken"}, h.now())
	})
	if code, _, body := retry(part, mine.ID); code != http.StatusConflict || !strings.Contains(body, "delivered") {
		t.Errorf("one that was delivered: %d %s", code, body)
	}
	// A sink that is gone would never take it.
	h.c.cfg.Sinks = nil
	if code, _, body := retry(whole, theirs.ID); code != http.StatusConflict || h.owed(theirs.ID).State != yagura.NoticeDead {
		t.Errorf("of a sink that is gone: %d %s", code, body)
	}
}

// TestNoticeStream: who watches learns how notices of the issues that they see get on, each move
// once.
func TestNoticeStream(t *testing.T) {
	h := newConsoleHouse(t)
	ctx, stop := context.WithCancel(t.Context())
	tick, done := make(chan time.Time), make(chan struct{})
	go func() {
		defer close(done)
		h.hub.Run(ctx, &feed{c: h.c, told: map[string]time.Time{}}, tick, func(err error) { t.Error(err) })
	}()
	defer func() { stop(); <-done }()
	a := h.watch(h.badgeOf("whole", yagura.Binding{Role: yagura.RoleViewer}), "")
	b := h.watch(h.badgeOf("part", yagura.Binding{Role: yagura.RoleViewer, Scope: yagura.Scope{Accounts: []string{ourAccount}}}), "")
	c := h.watch(h.badgeOf("logs", yagura.Binding{Role: yagura.RoleViewer, Scope: yagura.Scope{Formats: []string{ourFormat}}}), "")
	for _, w := range []*watching{a, b, c} {
		if _, event, _ := w.next(); event != "hello" {
			t.Fatal(event)
		}
	}
	tick <- time.Time{} // it looks for the first time: nothing is new
	tick <- time.Time{}
	next := func(w *watching) (n NoticeNews) {
		t.Helper()
		_, event, data := w.next()
		if event != "notice" {
			t.Fatalf("%s %s", event, data)
		}
		if err := json.Unmarshal([]byte(data), &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	owe := func(is *yagura.Issue) string {
		n := yagura.Notice{ID: h.c.desk.NewID(), Sink: "hook", Op: yagura.OpTest, Created: h.now().UTC()}
		if is != nil {
			n.Op, n.IssueID, n.Issue = yagura.OpComment, is.ID, is
		}
		h.update(func(ctx context.Context, tx *store.Tx) error { return tx.Owe(ctx, []yagura.Notice{n}) })
		return n.ID
	}
	foreign, test, own := owe(&h.theirs), owe(nil), owe(&h.mine)
	h.hub.Wake()
	got := map[string]yagura.NoticeState{}
	for range 3 {
		n := next(a)
		got[n.ID] = n.State
	}
	if len(got) != 3 || got[foreign] != yagura.NoticeWaiting || got[test] != yagura.NoticeWaiting || got[own] != yagura.NoticeWaiting {
		t.Errorf("who sees everything: %v", got)
	}
	for name, w := range map[string]*watching{"an account": b, "a format": c} {
		if n := next(w); n.ID != own || n.IssueID != h.mine.ID || n.Sink != "hook" || n.Op != yagura.OpComment {
			t.Errorf("%s: %+v", name, n)
		}
	}
	// It fails once, and is delivered then: two moves.
	h.settle(func(ctx context.Context, tx *store.Tx, id string) error {
		if id != own {
			return tx.KillNotice(ctx, id, "w", "no", h.now())
		}
		return tx.RetryNotice(ctx, id, "w", h.now(), "not now", true)
	})
	for h.owed(own).Attempts == 0 { // those of its issue that wait before it go first
		h.settle(func(ctx context.Context, tx *store.Tx, id string) error {
			if id != own {
				return tx.KillNotice(ctx, id, "w", "no", h.now())
			}
			return tx.RetryNotice(ctx, id, "w", h.now(), "not now", true)
		})
	}
	h.hub.Wake()
	for n := next(b); n.ID != own; n = next(b) {
		if n.IssueID != h.mine.ID {
			t.Errorf("of another issue: %+v", n)
		}
	}
	h.settle(func(ctx context.Context, tx *store.Tx, id string) error {
		return tx.SettleNotice(ctx, id, "w", yagura.Receipt{}, h.now())
	})
	h.hub.Wake()
	if n := next(b); n.ID != own || n.State != yagura.NoticeDelivered || n.Attempts < 2 {
		t.Errorf("%+v", n)
	}
	// What stands still is not told of again.
	tick <- time.Time{}
	tick <- time.Time{}
	last := owe(&h.mine)
	h.hub.Wake()
	if n := next(b); n.ID != last {
		t.Errorf("%+v", n)
	}
}

// TestAccounts: those of the registry, those that send and those that something was found in are
// listed as far as the caller sees them, and are asked in the grammar.
func TestAccounts(t *testing.T) {
	h := newConsoleHouse(t)
	h.find("555566667777", ourFormat, "stray")
	h.index()
	at := h.now().UTC().Add(-time.Hour).Truncate(time.Second)
	h.update(func(ctx context.Context, tx *store.Tx) error {
		return putState(ctx, tx, "rhythm/in", map[string]*rhythm{ourAccount: {First: at.Add(-48 * time.Hour), Last: at}, "quiet": {First: at.Add(-48 * time.Hour), Last: at.Add(-24 * time.Hour)}})
	})
	h.update(func(ctx context.Context, tx *store.Tx) error {
		return putState(ctx, tx, "rhythm/other", map[string]*rhythm{ourAccount: {First: at, Last: at.Add(time.Hour)}})
	})
	h.c.cfg.Sources = []config.Source{{Name: "in"}, {Name: "other"}}
	list := func(c *caller, q string) string {
		t.Helper()
		l := fetched[api.List[api.Account]](t, c, http.MethodGet, "/accounts?total=1&q="+q)
		var out []string
		for _, a := range l.Items {
			out = append(out, a.ID)
		}
		if l.Total.N != int64(len(out)) {
			t.Errorf("%s: %+v of %v", q, l.Total, out)
		}
		return strings.Join(out, " ")
	}
	whole := h.badgeOf("whole", yagura.Binding{Role: yagura.RoleViewer})
	for q, want := range map[string]string{"": ourAccount + " 555566667777 " + theirAccount + " quiet", "listed:no": "555566667777 quiet", "name:ours": ourAccount, "tenant:abroad": theirAccount,
		"issues:0": "quiet", "seen:*": ourAccount + " quiet", "findings:%3E0%20-listed:yes": "555566667777", "OURS": ourAccount, "source:in": ourAccount + " quiet"} {
		if got := list(whole, q); got != want {
			t.Errorf("%s: %s, want %s", q, got, want)
		}
	}
	own := fetched[api.List[api.Account]](t, h.badgeOf("part", yagura.Binding{Role: yagura.RoleViewer, Scope: yagura.Scope{Tenants: []string{"home"}}}), http.MethodGet, "/accounts")
	if len(own.Items) != 1 || own.Items[0].ID != ourAccount || own.Items[0].Name != "ours" || own.Items[0].Issues != 1 || own.Items[0].Findings != 1 || !own.Items[0].LastSeen.Equal(at.Add(time.Hour)) || own.Items[0].Silent || len(own.Items[0].Sources) != 2 {
		t.Errorf("%+v", own.Items)
	}
	if l := fetched[api.List[api.Account]](t, whole, http.MethodGet, "/accounts?q=id:quiet"); len(l.Items) != 1 || !l.Items[0].Silent {
		t.Errorf("one that is silent: %+v", l.Items)
	}
	// Where a query asks for an account, its name stands beside its id.
	if l := fetched[api.Completion](t, whole, http.MethodGet, "/query/complete?list=issues&q=account:1111&at=12"); len(l.Items) != 1 || l.Items[0].Text != ourAccount || l.Items[0].Doc != "ours" {
		t.Errorf("completion: %+v", l.Items)
	}
	// Who sees a format sees what was found in it, and not when accounts sent.
	logs := fetched[api.List[api.Account]](t, h.badgeOf("logs", yagura.Binding{Role: yagura.RoleViewer, Scope: yagura.Scope{Formats: []string{ourFormat}}}), http.MethodGet, "/accounts?sort=id")
	if len(logs.Items) != 2 || logs.Items[0].ID != ourAccount || !logs.Items[0].LastSeen.IsZero() || len(logs.Items[0].Sources) != 0 || logs.Items[1].ID != "555566667777" {
		t.Errorf("%+v", logs.Items)
	}
}
