package pagerduty_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/notifytest"
	"github.com/yagura-sec/yagura/notify/pagerduty"
	"github.com/yagura-sec/yagura/notify/pagerduty/pagerdutytest"
)

// inbox applies each id once, as the contract says.
type inbox struct {
	mu      sync.Mutex
	seen    map[string]bool
	changes []yagura.Change
	err     error
}

func (i *inbox) Apply(_ context.Context, c yagura.Change) (bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return false, i.err
	}
	if i.seen == nil {
		i.seen = map[string]bool{}
	}
	if i.seen[c.Via+c.ID] {
		return false, nil
	}
	i.seen[c.Via+c.ID] = true
	i.changes = append(i.changes, c)
	return true, nil
}

func (i *inbox) Find(context.Context, string, yagura.Status, int) ([]yagura.Issue, error) {
	return nil, nil
}

func TestWebhook(t *testing.T) {
	b := newBench(t)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	in := &inbox{}
	h := b.sink.Handler(in)
	for _, kind := range []string{"acknowledged", "reassigned", "annotated", "resolved", "reopened"} {
		body := b.fake.Webhook(kind, 0, mary, "looked into it, it was me")
		if w := post(t, h, body, pagerdutytest.Sign(body, "another-secret-that-is-being-rotated", secret)); w.Code != http.StatusAccepted {
			t.Fatalf("%s: %d %s", kind, w.Code, w.Body)
		}
		// The same webhook again, as PagerDuty does when it saw no answer, or as a replay.
		if w := post(t, h, body, pagerdutytest.Sign(body, secret)); w.Code != http.StatusAccepted {
			t.Fatalf("%s again: %d %s", kind, w.Code, w.Body)
		}
	}
	who := "pagerduty:PMARY01 (Mary Smith)"
	want := []yagura.Change{
		{What: yagura.ChangeAck}, {What: yagura.ChangeAssign, To: who}, {What: yagura.ChangeComment, Text: "looked into it, it was me"},
		{What: yagura.ChangeClose, Text: "resolved at PagerDuty"}, {What: yagura.ChangeReopen},
	}
	for k := range want {
		want[k].Via, want[k].Who, want[k].IssueID, want[k].At = "oncall", who, s.Issue().ID, b.Now()
		want[k].ID = in.changes[k].ID
	}
	if d := cmp.Diff(want, in.changes); d != "" {
		t.Error(d)
	}
}

// TestWebhookIgnored: what is not a person's word on an issue of ours changes nothing, and
// is accepted, so that PagerDuty does not switch the subscription off.
func TestWebhookIgnored(t *testing.T) {
	b := newBench(t)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	in := &inbox{}
	h := b.sink.Handler(in)
	own := b.fake.Webhook("resolved", 0, nil, "")
	old := b.fake.Webhook("resolved", 0, mary, "")
	other := []byte(strings.Replace(string(old), "yagura:", "nagios:", 1))
	for name, body := range map[string][]byte{
		"of our own integration": own,
		"another's incident":     other,
		"a ping":                 []byte(`{"event":{"id":"x","event_type":"pagey.ping","data":{"message":"Hello"}}}`),
		"another kind":           []byte(strings.Replace(string(old), "incident.resolved", "incident.priority_updated", 1)),
	} {
		if w := post(t, h, body, pagerdutytest.Sign(body, secret)); w.Code != http.StatusAccepted {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	b.Advance(25 * time.Hour)
	if w := post(t, h, old, pagerdutytest.Sign(old, secret)); w.Code != http.StatusAccepted || !strings.Contains(w.Body.String(), "not of today") {
		t.Errorf("an old one: %d %s", w.Code, w.Body)
	}
	if len(in.changes) != 0 {
		t.Errorf("%+v", in.changes)
	}
	in.err = &notify.Unknown{What: "x"}
	body := b.fake.Webhook("resolved", 0, mary, "")
	if w := post(t, h, body, pagerdutytest.Sign(body, secret)); w.Code != http.StatusAccepted {
		t.Errorf("an issue that is not there: %d", w.Code)
	}
	in.err = errors.New("the store is down")
	if w := post(t, h, body, pagerdutytest.Sign(body, secret)); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "store") {
		t.Errorf("not applied: %d %s", w.Code, w.Body)
	}
	in.err = nil
	if w := post(t, h, body, pagerdutytest.Sign(body, secret)); w.Code != http.StatusAccepted || len(in.changes) != 1 {
		t.Errorf("tried again: %d, %d changes", w.Code, len(in.changes))
	}
}

// TestWebhookRefused: what PagerDuty did not send is refused.
func TestWebhookRefused(t *testing.T) {
	b := newBench(t)
	notifytest.NewStory(b, 1).Tell(t, yagura.OpOpen)
	in := &inbox{}
	h := b.sink.Handler(in)
	body := b.fake.Webhook("resolved", 0, mary, "")
	sig := pagerdutytest.Sign(body, secret)
	for name, c := range map[string]struct {
		body []byte
		sig  string
		want int
	}{
		"no signature":     {body, "", http.StatusForbidden},
		"another secret":   {body, pagerdutytest.Sign(body, "guess"), http.StatusForbidden},
		"another body":     {append(body, ' '), sig, http.StatusForbidden},
		"another version":  {body, strings.Replace(sig, "v1", "v0", 1), http.StatusForbidden},
		"no hex":           {body, "v1=zz", http.StatusForbidden},
		"an empty one":     {body, "v1=", http.StatusForbidden},
		"too many":         {body, strings.Repeat("v1=00,", 1000) + sig, http.StatusForbidden},
		"too large":        {make([]byte, 600<<10), sig, http.StatusRequestEntityTooLarge},
		"signed, no JSON":  {[]byte("{"), pagerdutytest.Sign([]byte("{"), secret), http.StatusBadRequest},
		"signed, no event": {[]byte("{}"), pagerdutytest.Sign([]byte("{}"), secret), http.StatusBadRequest},
	} {
		if w := post(t, h, c.body, c.sig); w.Code != c.want {
			t.Errorf("%s: %d, want %d", name, w.Code, c.want)
		}
	}
	form := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form.Header.Set("X-PagerDuty-Signature", sig)
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, form); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("a form: %d", w.Code)
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d", w.Code)
	}
	if len(in.changes) != 0 {
		t.Errorf("%+v", in.changes)
	}
	if newBench(t, func(o *pagerduty.Options) { o.WebhookSecrets = nil }).sink.Handler(in) != nil {
		t.Error("a handler without a secret")
	}
}

// TestNoteAfterRestart: a note's webhook does not name the key; the REST API does.
func TestNoteAfterRestart(t *testing.T) {
	b := newBench(t, func(o *pagerduty.Options) { o.APIToken = "read-only-token" })
	b.fake.Token("read-only-token")
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	in := &inbox{}
	body := b.fake.Webhook("annotated", 0, mary, "a note")
	if w := post(t, b.sink.Handler(in), body, pagerdutytest.Sign(body, secret)); w.Code != http.StatusAccepted || len(in.changes) != 1 || in.changes[0].IssueID != s.Issue().ID {
		t.Errorf("%d %s %+v", w.Code, w.Body, in.changes)
	}
	b.fake.Token("another")
	b.sink.Handler(in)
	fresh := newBench(t, func(o *pagerduty.Options) { o.APIToken, o.API = "read-only-token", b.fake.URL() })
	if w := post(t, fresh.sink.Handler(in), body, pagerdutytest.Sign(body, secret)); w.Code != http.StatusServiceUnavailable {
		t.Errorf("the look-up failed: %d", w.Code)
	}
	none := newBench(t)
	if w := post(t, none.sink.Handler(in), body, pagerdutytest.Sign(body, secret)); w.Code != http.StatusAccepted || len(in.changes) != 1 {
		t.Errorf("no token: %d", w.Code)
	}
}

// FuzzWebhook: no body makes the handler crash or apply what a person did not do.
func FuzzWebhook(f *testing.F) {
	fake := pagerdutytest.New(mainKey)
	defer fake.Close()
	sink, err := pagerduty.New(pagerduty.Options{Name: "oncall", RoutingKey: mainKey, WebhookSecrets: []string{secret}, Endpoint: fake.Endpoint(), API: fake.URL(),
		Now: func() time.Time { return time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC) }})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"event":{"id":"1","event_type":"incident.resolved","occurred_at":"2026-11-27T09:00:00Z","agent":{"id":"P1","type":"user_reference"},"data":{"id":"Q1","type":"incident","incident_key":"yagura:01J"}}}`), "v1=00")
	f.Add([]byte(`{"event":{"id":"2","event_type":"incident.annotated","occurred_at":"2026-11-27T09:00:00Z","agent":{"type":"user_reference"},"data":{"content":"x","incident":{"id":"Q1"}}}}`), "v1=,v2=ab")
	f.Fuzz(func(t *testing.T, body []byte, header string) {
		in := &inbox{}
		h := sink.Handler(in)
		if w := post(t, h, body, header); header != pagerdutytest.Sign(body, secret) && w.Code == http.StatusAccepted {
			t.Fatalf("accepted with signature %q", header)
		}
		w := post(t, h, body, pagerdutytest.Sign(body, secret))
		if w.Code != http.StatusAccepted && w.Code != http.StatusBadRequest {
			t.Fatalf("%d", w.Code)
		}
		for _, c := range in.changes {
			if c.ID == "" || c.IssueID == "" || !strings.HasPrefix(c.Who, "pagerduty:") || c.At.IsZero() || c.What == "" {
				t.Fatalf("%+v", c)
			}
		}
	})
}
