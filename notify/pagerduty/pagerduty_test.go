package pagerduty_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/notifytest"
	"github.com/yagura-sec/yagura/notify/pagerduty"
	"github.com/yagura-sec/yagura/notify/pagerduty/pagerdutytest"
)

// TestLife: one key for the issue's whole life; a re-opening after a close is a new incident.
func TestLife(t *testing.T) {
	b := newBench(t)
	s := notifytest.NewStory(b, 1)
	s.Issue().Severity, s.Issue().Announced = yagura.SeverityMedium, yagura.SeverityMedium
	s.Tell(t, yagura.OpOpen)
	if in := b.fake.Incidents()[0]; in.Severity != "warning" || in.Urgency != "low" || in.Pages != 1 || in.Key != "yagura:"+s.Issue().ID {
		t.Fatalf("opened: %+v", in)
	}
	s.Tell(t, yagura.OpRise)
	if in := b.fake.Incidents()[0]; in.Severity != "error" || in.Urgency != "high" || in.Pages != 2 || in.Triggers != 2 {
		t.Errorf("a rise from low urgency pages once more: %+v", in)
	}
	s.Tell(t, yagura.OpAck)
	if o := s.Tell(t, yagura.OpRise); !strings.Contains(o.Done.Detail, "pages nobody") {
		t.Errorf("a rise of an acknowledged incident: %q", o.Done.Detail)
	}
	for _, op := range []yagura.Op{yagura.OpUpdate, yagura.OpComment} {
		before := b.fake.Accepted()
		if o := s.Tell(t, op); b.fake.Accepted() != before || !strings.Contains(o.Done.Detail, "nothing to send") {
			t.Errorf("%s sent an event: %q", op, o.Done.Detail)
		}
	}
	s.Tell(t, yagura.OpClose)
	s.Tell(t, yagura.OpReopen)
	s.Tell(t, yagura.OpClose)
	all := b.fake.Incidents()
	if len(all) != 2 || all[0].Key != all[1].Key || all[0].Status != "resolved" || all[1].Status != "resolved" || b.fake.Dropped() != 0 {
		t.Errorf("incidents: %+v, dropped %d", all, b.fake.Dropped())
	}
}

// TestSeverities holds the table of levels.
func TestSeverities(t *testing.T) {
	b := newBench(t)
	got := map[string]string{}
	for k, level := range yagura.Severities() {
		s := notifytest.NewStory(b, k+1)
		s.Issue().Severity = level
		s.Tell(t, yagura.OpOpen)
		got[level.String()] = b.fake.Incidents()[k].Severity
	}
	if d := cmp.Diff(map[string]string{"critical": "critical", "high": "error", "medium": "warning", "low": "info", "none": "info"}, got); d != "" {
		t.Error(d)
	}
}

// TestTeams: a team's own key is kept for the ticket, even when the account changes hands:
// PagerDuty drops what comes through another key.
func TestTeams(t *testing.T) {
	b := newBench(t)
	s := notifytest.NewStory(b, 1)
	s.Issue().AccountInfo.Owner = "payments"
	o := s.Tell(t, yagura.OpOpen)
	if in := b.fake.Incidents()[0]; in.Routing != teamKey {
		t.Fatalf("routed to %s", in.Routing)
	}
	s.Issue().AccountInfo.Owner = "platform"
	s.Tell(t, yagura.OpAck)
	s.Tell(t, yagura.OpClose)
	if in := b.fake.Incidents(); len(in) != 1 || in[0].Status != "resolved" || b.fake.Dropped() != 0 {
		t.Errorf("%+v, dropped %d", in, b.fake.Dropped())
	}
	gone := newBench(t, func(o *pagerduty.Options) { o.Teams = nil })
	n := notifytest.NewStory(gone, 1).Next(yagura.OpClose)
	n.Ref = o.Ref
	if r := n.Deliver(t, gone); !strings.Contains(r.Detail, `team "payments" has no routing key any more`) {
		t.Errorf("%q", r.Detail)
	}
}

// TestUncertain: an answer that was lost is one incident, and one page.
func TestUncertain(t *testing.T) {
	b := newBench(t)
	b.fake.Lose(3)
	s := notifytest.NewStory(b, 1)
	if o := s.Tell(t, yagura.OpOpen); o.Attempts != 4 {
		t.Errorf("%d attempts", o.Attempts)
	}
	if in := b.fake.Incidents(); len(in) != 1 || in[0].Triggers != 4 || in[0].Pages != 1 {
		t.Errorf("%+v", in)
	}
}

// TestErrors sorts answers.
func TestErrors(t *testing.T) {
	b := newBench(t, func(o *pagerduty.Options) { o.RoutingKey = "ffffffffffffffffffffffffffffffff" })
	err := notifytest.NewStory(b, 1).Next(yagura.OpOpen).Attempt(t.Context(), b)
	var e *notify.Error
	if !errors.As(err, &e) || !e.Permanent || !strings.Contains(err.Error(), "Invalid routing key") || strings.Contains(err.Error(), "ffffff") {
		t.Errorf("a wrong key: %v", err)
	}
	b = newBench(t)
	for _, c := range []struct {
		status             int
		retry              string
		permanent, notSent bool
		after              time.Duration
	}{
		{429, "7", false, true, 7 * time.Second},
		{429, "", false, true, time.Minute},
		{429, b.Now().Add(90 * time.Second).Format(http.TimeFormat), false, true, 90 * time.Second},
		{429, "999999999", false, true, time.Hour},
		{500, "", false, false, 0},
		{503, "12", false, false, 12 * time.Second},
		{403, "", false, true, 30 * time.Second},
		{302, "", false, true, 30 * time.Second},
		{400, "", true, true, 0},
	} {
		b.fake.Fail(1, c.status, c.retry)
		err := notifytest.NewStory(b, 1).Next(yagura.OpOpen).Attempt(t.Context(), b)
		if !errors.As(err, &e) || e.Permanent != c.permanent || e.NotSent != c.notSent || e.After != c.after {
			t.Errorf("%d %q: %+v", c.status, c.retry, e)
		}
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	b = newBench(t, func(o *pagerduty.Options) { o.Endpoint = closed.URL })
	if err := notifytest.NewStory(b, 1).Next(yagura.OpOpen).Attempt(t.Context(), b); !errors.As(err, &e) || !e.NotSent || e.Permanent {
		t.Errorf("a refused connection: %+v", e)
	}
}

// TestLarge: whatever an issue holds, the event is within PagerDuty's limits.
func TestLarge(t *testing.T) {
	b := newBench(t)
	s := notifytest.NewStory(b, 1)
	i := s.Issue()
	i.Title = strings.Repeat("長い題", 2000)
	for range 5000 {
		i.Entities = append(i.Entities, yagura.Entity{Type: "resource", ID: strings.Repeat("arn:aws:s3:::", 1000)})
		i.Labels = append(i.Labels, strings.Repeat("label", 1000))
		i.Links = append(i.Links, yagura.Link{Title: strings.Repeat("t", 5000), URL: "https://example.com/" + strings.Repeat("x", 1000)}, yagura.Link{Title: "bad", URL: "javascript:alert(1)"})
	}
	s.Finding().Output = strings.Repeat("\"\\<>&", 1<<20)
	s.Tell(t, yagura.OpOpen)
	in := b.fake.Incidents()[0]
	if len(in.Body) > 512_000 || strings.Contains(string(in.Body), "javascript:") {
		t.Errorf("%d bytes", len(in.Body))
	}
	if n := len([]rune(in.Summary)); n > 1024 {
		t.Errorf("summary has %d characters", n)
	}
}

// TestTester tells nobody and finds a wrong key.
func TestTester(t *testing.T) {
	b := newBench(t)
	if err := b.sink.Test(t.Context()); err != nil || len(b.fake.Incidents()) != 0 {
		t.Errorf("%v, %d incidents", err, len(b.fake.Incidents()))
	}
	b = newBench(t, func(o *pagerduty.Options) {
		o.Teams = map[string]string{"payments": "ffffffffffffffffffffffffffffffff"}
	})
	if err := b.sink.Test(t.Context()); err == nil || !strings.Contains(err.Error(), `team "payments"`) {
		t.Error(err)
	}
}

// TestOptions refuses what cannot work, and shows no secret.
func TestOptions(t *testing.T) {
	for want, o := range map[string]pagerduty.Options{
		"name":                      {RoutingKey: mainKey},
		"has 3 characters":          {Name: "x", RoutingKey: "abc"},
		"letters and digits":        {Name: "x", RoutingKey: mainKey[:31] + "-"},
		`region "jp"`:               {Name: "x", RoutingKey: mainKey, Region: "jp"},
		`language "fr"`:             {Name: "x", RoutingKey: mainKey, Language: "fr"},
		`routing key of team "t"`:   {Name: "x", RoutingKey: mainKey, Teams: map[string]string{"t": "abc"}},
		"want an http or https URL": {Name: "x", RoutingKey: mainKey, Endpoint: "events.pagerduty.com"},
		"shorter than 16":           {Name: "x", RoutingKey: mainKey, WebhookSecrets: []string{"abc"}},
	} {
		if _, err := pagerduty.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestJapanese: the words are those of the language, the keys stay.
func TestJapanese(t *testing.T) {
	b := newBench(t, func(o *pagerduty.Options) { o.Language = notify.Japanese })
	s := notifytest.NewStory(b, 1)
	s.Issue().TitleJA = "証跡が停止されました"
	s.Tell(t, yagura.OpOpen)
	in := b.fake.Incidents()[0]
	if !strings.HasPrefix(in.Summary, "[高] 証跡が停止されました") {
		t.Errorf("summary %q", in.Summary)
	}
	var e struct {
		Client    string `json:"client"`
		ClientURL string `json:"client_url"`
	}
	if err := json.Unmarshal(in.Body, &e); err != nil || e.Client != "Yagura" || e.ClientURL != "https://yagura.example/issues/"+s.Issue().ID {
		t.Errorf("%+v %v", e, err)
	}
	if in.Details["status"] != "未対応" || in.Details["level"] != "high" || in.Details["issue_id"] != s.Issue().ID {
		t.Errorf("details %v", in.Details)
	}
}

func post(t *testing.T, h http.Handler, body []byte, signature string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
	if signature != "" {
		r.Header.Set("X-PagerDuty-Signature", signature)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var mary = &pagerdutytest.User{ID: "PMARY01", Name: "Mary Smith"}
