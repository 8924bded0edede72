package app

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/store"
)

// TestDeadLetters: a list shows the beginning as text whatever the bytes are, and one by itself
// has them all; who is bound to an account sees none, who is bound to a format those of it.
func TestDeadLetters(t *testing.T) {
	h := newConsoleHouse(t)
	raw := []byte("{\"a\":\xff\xfe" + strings.Repeat("あ", 5000))
	h.update(func(ctx context.Context, tx *store.Tx) error {
		return tx.PutDead(ctx, []yagura.DeadLetter{{ID: "d1", Source: "in", Object: "s3://b/k", Record: 3, Offset: 99, Format: ourFormat, Reason: "cut off", Bytes: raw, Size: 2 << 20, At: h.now()},
			{ID: "d2", Source: "other", Reason: "no format", Bytes: []byte("x"), Size: 1, At: h.now(), Retried: h.now()}})
	})
	whole := h.badgeOf("whole", yagura.Binding{Role: yagura.RoleAdmin})
	list := fetched[api.List[api.DeadLetter]](t, whole, http.MethodGet, "/dead-letters?q=retried:no&total=1").Items
	if len(list) != 1 || list[0].ID != "d1" || list[0].Record != 3 || list[0].Offset != 99 || list[0].Size != 2<<20 {
		t.Fatalf("%+v", list)
	}
	if p := list[0].Preview; !utf8.ValidString(p) || utf8.RuneCountInString(p) != 200 || !strings.HasPrefix(p, "{\"a\":\uFFFDあ") {
		t.Errorf("%q", p)
	}
	one := fetched[api.DeadLetterBytes](t, whole, http.MethodGet, "/dead-letters/d1")
	if string(one.Bytes) != string(raw) || !one.Truncated || one.Preview != list[0].Preview {
		t.Errorf("%d bytes, truncated %v", len(one.Bytes), one.Truncated)
	}
	if two := fetched[api.DeadLetterBytes](t, whole, http.MethodGet, "/dead-letters/d2"); two.Truncated || two.Retried.IsZero() {
		t.Errorf("%+v", two)
	}
	account := h.badgeOf("account", yagura.Binding{Role: yagura.RoleViewer, Scope: yagura.Scope{Accounts: []string{ourAccount}}})
	logs := h.badgeOf("logs", yagura.Binding{Role: yagura.RoleViewer, Scope: yagura.Scope{Formats: []string{ourFormat}}})
	for _, x := range []struct {
		who    *caller
		listed int
		d1, d2 int
	}{{whole, 2, 200, 200}, {account, 0, 404, 404}, {logs, 1, 200, 404}} {
		name := x.who.header.Get("X-Badge")
		if l := fetched[api.List[api.DeadLetter]](t, x.who, http.MethodGet, "/dead-letters").Items; len(l) != x.listed {
			t.Errorf("%s: %+v", name, l)
		}
		for path, want := range map[string]int{"/dead-letters/d1": x.d1, "/dead-letters/d2": x.d2, "/dead-letters/d3": 404} {
			if resp, body := x.who.do(http.MethodGet, path, ""); resp.StatusCode != want {
				t.Errorf("%s: %s: %d %s", name, path, resp.StatusCode, body)
			}
		}
	}
	// Beside a server there are no rules to judge by.
	if resp, body := whole.do(http.MethodPost, "/dead-letters/d1/retry", ""); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// TestDeadLetterRetried: what can be read by now is judged once, with the findings that it
// would have had; what cannot stays, and why is said.
func TestDeadLetterRetried(t *testing.T) {
	s := consoleStand(t)
	c := s.serve.console
	if c == nil {
		c = s.serve.newConsole()
	}
	good := []byte(strings.ReplaceAll(trail("2026-03-02T11:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"third"}`), "user/bob", "user/late"))
	err := s.serve.db.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.PutDead(ctx, []yagura.DeadLetter{{ID: "good", Source: "push", Object: "o", Bytes: good, Size: int64(len(good)), Reason: "a rule stopped", At: s.clock()},
			{ID: "bad", Source: "push", Object: "o", Bytes: []byte("{\"a\":"), Size: 5, Reason: "cut off", At: s.clock()}})
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.RetryDeadLetter(t.Context(), "good")
	if err != nil || !got.Done || got.Records != 1 || got.Findings == 0 || got.Reason != "" {
		t.Fatalf("%v %+v", err, got)
	}
	if _, err := c.RetryDeadLetter(t.Context(), "good"); err == nil {
		t.Error("it was judged twice")
	}
	got, err = c.RetryDeadLetter(t.Context(), "bad")
	if err != nil || got.Done || got.Reason == "" {
		t.Errorf("%v %+v", err, got)
	}
	if _, err := c.RetryDeadLetter(t.Context(), "nothing"); err != api.NotFound {
		t.Errorf("%v", err)
	}
	left, err := c.dead(t.Context(), "bad")
	if err != nil || !left.Retried.IsZero() {
		t.Errorf("%v %+v", err, left)
	}
}
