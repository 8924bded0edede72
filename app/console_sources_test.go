package app

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
)

// fetched calls an endpoint that must answer.
func fetched[T any](t *testing.T, c *caller, method, path string) (out T) {
	t.Helper()
	c.call(http.StatusOK, method, path, "", &out)
	return out
}

// TestSourcesListed: what the books, the replicas and the rhythm of accounts know of sources is
// one list, with the figures that were written.
func TestSourcesListed(t *testing.T) {
	h := newConsoleHouse(t)
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	h.c.now = func() time.Time { return now }
	h.c.cfg.Sources = []config.Source{{Name: "trail", SQS: &config.SQSSource{}}, {Name: "drop", Folder: &config.FolderSource{}}, {Name: "hush", Push: &config.PushSource{}},
		{Name: "new", Push: &config.PushSource{}}, {Name: "bad", Bucket: &config.BucketSource{}}}
	done := yagura.Delivery{Source: "drop", Object: "a", Received: now.Add(-time.Hour), Judged: 7, Kept: 7, Total: 7, Repeats: 2, Broken: 1, Own: 1, Findings: 3, Done: now.Add(-time.Hour),
		First: now.Add(-2 * time.Hour), Last: now.Add(-90 * time.Minute)}
	half := yagura.Delivery{Source: "trail", Object: "b", Received: now.Add(-30 * time.Minute), Judged: 4, Total: 10, Last: now.Add(-40 * time.Minute)}
	gone := done
	gone.Source = "gone"
	heard := func(last time.Time) *rhythm { return &rhythm{First: last.Add(-48 * time.Hour), Last: last} }
	states := func(replica string, at time.Time, list ...SourceState) {
		for i := range list {
			list[i].Replica, list[i].At = replica, at
		}
		h.update(func(ctx context.Context, tx *store.Tx) error { return putState(ctx, tx, statusKey(replica), list) })
	}
	h.update(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.PutDeliveries(ctx, []yagura.Delivery{done, half, gone}); err != nil {
			return err
		}
		if err := putState(ctx, tx, "rhythm/hush", map[string]*rhythm{ourAccount: heard(now.Add(-2 * time.Hour))}); err != nil {
			return err
		}
		if err := putState(ctx, tx, "rhythm/drop", map[string]*rhythm{ourAccount: heard(now.Add(-time.Minute)), theirAccount: heard(now.Add(-3 * time.Hour))}); err != nil {
			return err
		}
		return putState(ctx, tx, "replicas", map[string]time.Time{"r1": now, "r2": now})
	})
	states("r1", now, SourceState{Source: "trail", Waiting: 5, Oldest: now.Add(-10 * time.Minute)}, SourceState{Source: "bad", Waiting: -1, Error: "access denied", ErrorAt: now.Add(-time.Minute), LastEvent: now.Add(-time.Hour)})
	// A replica that is gone said so last long ago, and is not heard any more.
	states("r2", now.Add(-time.Hour), SourceState{Source: "trail", Waiting: 500, Error: "gone", Oldest: now.Add(-9 * time.Hour)})

	who := h.badgeOf("viewer", yagura.Binding{Role: yagura.RoleViewer})
	got := map[string]api.Source{}
	list := fetched[api.List[api.Source]](t, who, http.MethodGet, "/sources?total=1")
	for _, x := range list.Items {
		got[x.Name] = x
	}
	if len(got) != 6 || list.Total == nil || list.Total.N != 6 {
		t.Fatalf("%+v", list)
	}
	for name, want := range map[string]string{"trail": "late", "drop": "ok", "hush": "silent", "new": "waiting", "bad": "failing", "gone": "ok"} {
		if got[name].State != want {
			t.Errorf("%s is %s, want %s: %+v", name, got[name].State, want, got[name])
		}
	}
	if x := got["trail"]; x.Received != 10 || x.Judged != 4 || x.Waiting != 6 || x.Lag != 1800 || x.Queued == nil || *x.Queued != 5 || x.Kind != "sqs" || x.Error != "" || !x.Oldest.Equal(now.Add(-30*time.Minute)) {
		t.Errorf("%+v", x)
	}
	if x := got["drop"]; x.Received != 7 || x.Kept != 7 || x.Repeats != 2 || x.Broken != 1 || x.Own != 1 || x.Findings != 3 || x.Objects != 1 || x.ObjectsDone != 1 || x.Lag != 0 ||
		!x.LastEvent.Equal(now.Add(-90*time.Minute)) || len(x.Accounts) != 2 || x.Accounts[0].Name != "ours" || x.Accounts[0].Silent || !x.Accounts[1].Silent {
		t.Errorf("%+v", x)
	}
	if x := got["bad"]; x.Error != "access denied" || x.Queued != nil || x.ErrorAt.IsZero() {
		t.Errorf("%+v", x)
	}
	if got["gone"].Kind != "" {
		t.Errorf("a source that is not configured has the kind %q", got["gone"].Kind)
	}
	for q, want := range map[string]int{"state:failing,silent,late": 3, "broken:%3E0": 2, "lag:%3E20m": 1, "account:" + ourAccount: 2, "waiting:6": 1, "denied": 1, "kind:push": 2} {
		if n := len(fetched[api.List[api.Source]](t, who, http.MethodGet, "/sources?q="+q).Items); n != want {
			t.Errorf("%s: %d, want %d", q, n, want)
		}
	}
}

// TestLedgerAnswered: the books are those of the store, added up; a test of a sink is owed in
// them, and who is bound to a part is shown none of it.
func TestLedgerAnswered(t *testing.T) {
	h := newConsoleHouse(t) // which owes hook one notice for each of two issues
	h.update(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.PutDeliveries(ctx, []yagura.Delivery{{Source: "a", Object: "1", Judged: 5, Kept: 5, Total: 5, Done: h.now(), Findings: 2}, {Source: "b", Object: "1", Judged: 1, Total: 4, Received: h.now()}}); err != nil {
			return err
		}
		return tx.PutDead(ctx, []yagura.DeadLetter{{ID: "d1", Source: "a", Reason: "x", At: h.now()}, {ID: "d2", Source: "a", Reason: "y", At: h.now(), Retried: h.now()}})
	})
	admin := h.badgeOf("admin", yagura.Binding{Role: yagura.RoleAdmin})
	l := fetched[api.Ledger](t, admin, http.MethodGet, "/ledger")
	if want := (api.LedgerTotal{Received: 9, Judged: 6, Waiting: 3, Owed: 2, WaitingNotices: 2}); l.Total != want || !l.Checked || len(l.Sources) != 2 || len(l.Sinks) != 1 {
		t.Fatalf("%+v", l)
	}
	if l.DeadLetters != (api.LedgerDead{N: 2, Retried: 1}) || !l.Sources[1].Balanced || l.Sources[1].Waiting != 3 || l.Sources[0].Findings != 2 {
		t.Errorf("%+v", l)
	}

	test := fetched[api.SinkTest](t, admin, http.MethodPost, "/sinks/hook/test")
	notices := fetched[api.List[api.Notice]](t, admin, http.MethodGet, "/notices?q=op:test")
	if len(notices.Items) != 1 || notices.Items[0].ID != test.ID {
		t.Errorf("%+v, want %s", notices.Items, test.ID)
	}
	if l = fetched[api.Ledger](t, admin, http.MethodGet, "/ledger"); l.Total.Owed != 3 || l.Total.WaitingNotices != 3 {
		t.Errorf("after the test: %+v", l.Total)
	}
	lines := auditLines(t, h.c.db)
	if last := lines[len(lines)-1]; last.What != "sink.test" || last.On != "sink/hook" || last.Outcome != "done" {
		t.Errorf("%+v", last)
	}
	if resp, body := admin.do(http.MethodPost, "/sinks/nobody/test", ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a sink that is not there: %d %s", resp.StatusCode, body)
	}
	// The oldest notice has waited for ten minutes.
	if x := fetched[api.List[api.Sink]](t, admin, http.MethodGet, "/sinks").Items; len(x) != 1 || x[0].State != "ok" || x[0].Owed != 3 || x[0].Oldest.IsZero() {
		t.Errorf("%+v", x)
	}
	h.c.now = func() time.Time { return time.Now().Add(11 * time.Minute) }
	if x := fetched[api.List[api.Sink]](t, admin, http.MethodGet, "/sinks?q=state:late%20waiting:3").Items; len(x) != 1 {
		t.Errorf("%+v", x)
	}
	part := h.badgeOf("part", yagura.Binding{Role: yagura.RoleAdmin, Scope: yagura.Scope{Accounts: []string{ourAccount}}})
	for _, path := range []string{"/ledger", "/sources", "/sinks"} {
		if resp, body := part.do(http.MethodGet, path, ""); resp.StatusCode != http.StatusForbidden || strings.Contains(string(body), "hook") {
			t.Errorf("%s of a part: %d %s", path, resp.StatusCode, body)
		}
	}
}
