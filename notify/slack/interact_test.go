package slack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/notifytest"
	"github.com/yagura-sec/yagura/notify/slack"
	"github.com/yagura-sec/yagura/notify/slack/slacktest"
)

// inbox applies each id once and finds issues, as the contract says.
type inbox struct {
	mu      sync.Mutex
	seen    map[string]bool
	changes []yagura.Change
	issues  []yagura.Issue
	err     error
	gate    chan struct{} // when not nil, Apply waits for it
}

func (i *inbox) Apply(ctx context.Context, c yagura.Change) (bool, error) {
	if i.gate != nil {
		select {
		case <-i.gate:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return false, i.err
	}
	if i.seen == nil {
		i.seen = map[string]bool{}
	}
	if i.seen[c.Via+" "+c.ID] {
		return false, nil
	}
	i.seen[c.Via+" "+c.ID] = true
	i.changes = append(i.changes, c)
	return true, nil
}

func (i *inbox) Find(_ context.Context, text string, status yagura.Status, limit int) (all []yagura.Issue, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return nil, i.err
	}
	for _, is := range i.issues {
		if (status == "" || is.Status == status) && (strings.HasPrefix(is.ID, text) || strings.Contains(is.Title, text)) && len(all) < limit {
			all = append(all, is)
		}
	}
	return all, nil
}

func (i *inbox) taken() []yagura.Change {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]yagura.Change(nil), i.changes...)
}

// listen starts Socket Mode and waits for its connection.
func listen(t *testing.T, b *bench, in notify.Inbox) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.sink.Listen(ctx, in) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Listen: %v", err)
		}
	})
	wctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	if err := b.fake.Connected(wctx, 1); err != nil {
		t.Fatal(err)
	}
}

// both runs a test by Socket Mode and by signed HTTP.
func both(t *testing.T, f func(t *testing.T, b *bench, in *inbox), change ...func(*bench, *slack.Options)) {
	t.Helper()
	t.Run("socket", func(t *testing.T) {
		b, in := newBench(t, change...), &inbox{}
		listen(t, b, in)
		f(t, b, in)
	})
	t.Run("http", func(t *testing.T) {
		b, in := newBench(t, change...), &inbox{}
		srv := httptest.NewServer(b.sink.Handler(in))
		t.Cleanup(srv.Close)
		b.fake.ViaHTTP(srv.URL)
		f(t, b, in)
	})
}

func last[T any](t *testing.T, all []T) T {
	t.Helper()
	if len(all) == 0 {
		t.Fatal("there is none")
	}
	return all[len(all)-1]
}

func press(t *testing.T, b *bench, user, ref, action string, forge ...func(map[string]any)) *slacktest.Answer {
	t.Helper()
	channel, ts, _ := strings.Cut(ref, ":")
	a, err := b.fake.Press(t.Context(), user, channel, ts, action, forge...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestButtons(t *testing.T) {
	both(t, func(t *testing.T, b *bench, in *inbox) {
		s := notifytest.NewStory(b, 1)
		s.Tell(t, yagura.OpOpen)
		posts := b.fake.Calls("chat.postMessage") + b.fake.Calls("chat.update")
		if a := press(t, b, b.mary, s.Ref, "yagura_ack"); a.Status != 200 || len(a.Payload) > 0 {
			t.Errorf("answer %+v", a)
		}
		if told := last(t, b.fake.Told(b.mary)); !strings.HasPrefix(told, "Done") {
			t.Errorf("told %q", told)
		}

		a := press(t, b, b.mary, s.Ref, "yagura_close")
		if a.View == nil {
			t.Fatal("no modal was opened")
		}
		bad, err := b.fake.Submit(t.Context(), a.View, map[string]string{"reason": "  "})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(map[string]string{"reason": "Please give a reason.", "conclusion": "Please choose a conclusion."}, bad.Errors()); d != "" {
			t.Error(d)
		}
		for range 2 { // a double click
			if ok, err := b.fake.Submit(t.Context(), a.View, map[string]string{"reason": "was planned <!here>", "conclusion": "benign"}); err != nil || ok.Errors() != nil {
				t.Fatalf("%v %v", err, ok.Errors())
			}
		}

		a = press(t, b, b.mary, s.Ref, "yagura_suppress")
		for date, want := range map[string]string{"": "Please choose a day.", "2026-11-26": "Please choose a day from today on.", "2028-01-01": "At most a year from now.", "soon": "Please choose a day."} {
			bad, err := b.fake.Submit(t.Context(), a.View, map[string]string{"reason": "x", "until": date})
			if err != nil || bad.Errors()["until"] != want {
				t.Errorf("%q: %v %v", date, bad.Errors(), err)
			}
		}
		if ok, err := b.fake.Submit(t.Context(), a.View, map[string]string{"reason": "migration", "until": "2026-11-27"}); err != nil || ok.Errors() != nil {
			t.Fatalf("%v %v", err, ok.Errors())
		}
		press(t, b, b.mary, s.Ref, "yagura_open") // a link: nothing to do

		who := "slack:" + b.mary + " (Mary)"
		want := []yagura.Change{
			{What: yagura.ChangeAck},
			{What: yagura.ChangeClose, Verdict: yagura.ConcludedBenign, Text: "was planned <!here>"},
			{What: yagura.ChangeSuppress, Until: time.Date(2026, 11, 27, 15, 0, 0, 0, time.UTC), Text: "migration"},
		}
		for k := range want {
			want[k].Via, want[k].Who, want[k].IssueID = "soc", who, s.Issue().ID
		}
		got := in.taken()
		if d := cmp.Diff(want, got, cmpopts.IgnoreFields(yagura.Change{}, "ID", "At")); d != "" {
			t.Error(d)
		}
		for _, c := range got {
			if c.ID == "" || c.At.Sub(b.Now()).Abs() > time.Minute {
				t.Errorf("id %q at %v", c.ID, c.At)
			}
		}
		if now := b.fake.Calls("chat.postMessage") + b.fake.Calls("chat.update"); now != posts {
			t.Errorf("the handler wrote to the channel: %d calls", now-posts)
		}
	}, func(_ *bench, o *slack.Options) { o.Zone = time.FixedZone("JST", 9*3600) })
}

// TestAsk: only the person who was asked can answer, once.
func TestAsk(t *testing.T) {
	both(t, func(t *testing.T, b *bench, in *inbox) {
		eve := b.fake.AddUser("Eve", "eve@example.com")
		s := notifytest.NewStory(b, 1)
		s.Tell(t, yagura.OpOpen)
		o := s.Tell(t, yagura.OpAsk)
		im := b.fake.IM(b.mary)
		q := last(t, b.fake.Messages(im))
		ref := im + ":" + q.TS
		if d := cmp.Diff([]string{"yagura_yes", "yagura_no"}, q.Buttons()); d != "" || o.Ref != s.Ref {
			t.Fatalf("%s, ref %s", d, o.Ref)
		}
		if !strings.Contains(string(q.Blocks), "StopLogging") {
			t.Errorf("the question does not say what was done: %s", q.Blocks)
		}
		// Eve's click does not count, and whatever else a payload claims does not help.
		press(t, b, eve, ref, "yagura_yes")
		press(t, b, eve, ref, "yagura_yes", func(p map[string]any) {
			a := p["actions"].([]any)[0].(map[string]any)
			a["value"] = strings.Replace(a["value"].(string), ".", "x.", 1)
		})
		press(t, b, eve, ref, "yagura_yes", func(p map[string]any) {
			a := p["actions"].([]any)[0].(map[string]any)
			other, err := slack.New(slack.Options{Name: "x", Token: "xoxb-guess", Channel: "C0123456789"})
			if err != nil {
				t.Fatal(err)
			}
			a["value"] = other.Seal(o.ID, s.Issue().ID, eve)
		})
		press(t, b, eve, ref, "yagura_yes", func(p map[string]any) {
			p["actions"].([]any)[0].(map[string]any)["value"] = s.Issue().ID
		})
		if told := b.fake.Told(eve); len(in.taken()) != 0 || len(told) != 4 || !strings.Contains(told[0], "somebody else") || !strings.Contains(told[3], "not valid") {
			t.Fatalf("%v, told %q", in.taken(), told)
		}
		press(t, b, b.mary, ref, "yagura_no")
		if q = last(t, b.fake.Messages(im)); len(q.Buttons()) != 0 || !strings.Contains(q.Text, "was not you") {
			t.Errorf("after the answer: %v %q", q.Buttons(), q.Text)
		}
		want := []yagura.Change{{ID: "ask:" + o.ID, Via: "soc", IssueID: s.Issue().ID, Who: "slack:" + b.mary + " (Mary)", What: yagura.ChangeAnswer}}
		if d := cmp.Diff(want, in.taken(), cmpopts.IgnoreFields(yagura.Change{}, "At")); d != "" {
			t.Error(d)
		}
	})
}

// TestAskAgain: the second answer, of a client that still shows the buttons, is told so.
func TestAskAgain(t *testing.T) {
	b, in := newBench(t), &inbox{}
	listen(t, b, in)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	o := s.Next(yagura.OpAsk)
	b.fake.Lose("chat.postMessage", 2)
	o.Deliver(t, b)
	im := b.fake.IM(b.mary)
	if all := b.fake.Messages(im); len(all) != 1 {
		t.Fatalf("asked %d times", len(all))
	}
	q := b.fake.Messages(im)[0]
	value := ""
	in.issues = []yagura.Issue{{ID: s.Issue().ID, Status: yagura.StatusClosed}}
	press(t, b, b.mary, im+":"+q.TS, "yagura_yes", func(p map[string]any) {
		value = p["actions"].([]any)[0].(map[string]any)["value"].(string)
	})
	if q = b.fake.Messages(im)[0]; !strings.Contains(q.Text, "was you") || !strings.Contains(q.Text, "closed already") {
		t.Errorf("%q", q.Text)
	}
	ack := press(t, b, b.mary, s.Ref, "yagura_ack", func(p map[string]any) {
		a := p["actions"].([]any)[0].(map[string]any)
		a["action_id"], a["value"] = "yagura_no", value
	})
	if told := last(t, b.fake.Told(b.mary)); ack.Status != 200 || !strings.Contains(told, "answered before") {
		t.Errorf("%q", told)
	}
	if got := in.taken(); len(got) != 1 || !got[0].Yes {
		t.Errorf("%+v", got)
	}
	if notice, issue, user, ok := b.sink.Unseal(value); !ok || notice != o.ID || issue != s.Issue().ID || user != b.mary {
		t.Errorf("%s %s %s %v", notice, issue, user, ok)
	}
}

// TestAskNobody: where nobody can be asked, the receipt and the thread say so.
func TestAskNobody(t *testing.T) {
	b := newBench(t)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	gone := b.fake.AddUser("Gone", "")
	b.fake.SetUser(gone, func(u *slacktest.User) { u.Deleted = true })
	for _, to := range []string{"nobody@example.com", "", "arn:aws:iam::1:user/x", "U99999999", gone} {
		o := s.Next(yagura.OpAsk)
		o.To = to
		r := o.Deliver(t, b)
		all := thread(t, b, s.Ref)
		if !strings.HasPrefix(r.Detail, "nobody was asked") || all[len(all)-1].Payload("notice_id") != o.ID {
			t.Errorf("%q: %q", to, r.Detail)
		}
	}
	o := s.Next(yagura.OpAsk)
	o.To = "slack:" + b.mary + " (Mary)"
	if r := o.Deliver(t, b); !strings.HasPrefix(r.Detail, "asked slack:"+b.mary) {
		t.Errorf("by id: %q", r.Detail)
	}
}

// TestComments: what a person writes in a thread is a change, by the event and by reading
// back the same one.
func TestComments(t *testing.T) {
	both(t, func(t *testing.T, b *bench, in *inbox) {
		s := notifytest.NewStory(b, 1)
		s.Tell(t, yagura.OpOpen)
		channel, ts, _ := strings.Cut(s.Ref, ":")
		said, err := b.fake.Say(t.Context(), b.mary, channel, ts, "it was me &amp; <@U123> <https://x.example|see>")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.fake.Say(t.Context(), b.mary, channel, "", "not in a thread"); err != nil {
			t.Fatal(err)
		}
		want := yagura.Change{ID: channel + ":" + said, Via: "soc", Ref: s.Ref, Who: "slack:" + b.mary + " (Mary)", What: yagura.ChangeComment, Text: "it was me & @U123 see (https://x.example)"}
		got := in.taken()
		if d := cmp.Diff([]yagura.Change{want}, got, cmpopts.IgnoreFields(yagura.Change{}, "At")); d != "" {
			t.Fatal(d)
		}
		var tickets []notify.Ticket
		if err := b.sink.Actual(t.Context(), time.Time{}, []string{s.Ref}, func(tk notify.Ticket) error { tickets = append(tickets, tk); return nil }); err != nil {
			t.Fatal(err)
		}
		if len(tickets) != 1 || len(tickets[0].Changes) != 1 {
			t.Fatalf("%+v", tickets)
		}
		if d := cmp.Diff(got[0], tickets[0].Changes[0], cmpopts.IgnoreFields(yagura.Change{}, "IssueID")); d != "" {
			t.Error(d)
		}
		in.mu.Lock()
		in.err = &notify.Unknown{What: "x"}
		in.mu.Unlock()
		if _, err := b.fake.Say(t.Context(), b.mary, channel, "1.000001", "in a thread of somebody else"); err != nil {
			t.Error(err)
		}
	})
}

func TestCommands(t *testing.T) {
	both(t, func(t *testing.T, b *bench, in *inbox) {
		say := func(text string) string {
			t.Helper()
			a, err := b.fake.Command(t.Context(), b.mary, text)
			if err != nil || a.Status != 200 {
				t.Fatalf("%v %+v", err, a)
			}
			var p struct {
				Type   string `json:"response_type"`
				Blocks []any  `json:"blocks"`
			}
			if err := json.Unmarshal(a.Payload, &p); err != nil || p.Type != "ephemeral" || len(p.Blocks) == 0 {
				t.Fatalf("%s: %v", a.Payload, err)
			}
			var out bytes.Buffer
			enc := json.NewEncoder(&out)
			enc.SetEscapeHTML(false)
			_ = enc.Encode(p.Blocks)
			return out.String()
		}
		contains := func(text, out string, want ...string) {
			t.Helper()
			for _, w := range want {
				if no, not := strings.CutPrefix(w, "!"); not == strings.Contains(out, no) {
					t.Errorf("/yagura %s: want %q in %s", text, w, out)
				}
			}
		}
		mine := "slack:" + b.mary + " (Mary)"
		in.issues = []yagura.Issue{
			{ID: "01JDAAA1", Title: "Port <!channel> open", Severity: yagura.SeverityCritical, Status: yagura.StatusOpen, Account: "111"},
			{ID: "01JDAAA2", Title: "Trail stopped", Severity: yagura.SeverityMedium, Status: yagura.StatusAcknowledged, Assignee: mine},
			{ID: "01JDBBB3", Title: "Old", Severity: yagura.SeverityHigh, Status: yagura.StatusClosed, Assignee: mine},
		}
		for text, want := range map[string][]string{
			"":                      {"/yagura &lt;text or id&gt;"},
			"help":                  {"mute"},
			"list":                  {"01JDAAA1", "01JDAAA2", "!01JDBBB3", "&lt;!channel&gt;", "!<!"},
			"list high":             {"01JDAAA1", "!01JDAAA2", "!01JDBBB3"},
			"list open":             {"01JDAAA1", "!01JDAAA2"},
			"list closed":           {"01JDBBB3", "!01JDAAA1"},
			"LIST Mine":             {"01JDAAA2", "!01JDAAA1", "!01JDBBB3"},
			"list everything":       {"I do not know this list"},
			"Trail":                 {"01JDAAA2", "!01JDAAA1"},
			"01JDB":                 {"01JDBBB3"},
			"nothing like this":     {"Nothing was found"},
			"mute":                  {"/yagura mute &lt;id&gt;"},
			"mute 01JDAAA1 3d":      {"/yagura mute &lt;id&gt;"},
			"mute 01JDAAA1 3y x":    {"The duration is not valid"},
			"mute 01JDAAA1 400d x":  {"The duration is not valid"},
			"mute 01JDAAA 3d x":     {"2 issues begin like this", "01JDAAA1", "01JDAAA2"},
			"mute Trail 3d reason":  {"does not know this issue"},
			"mute 01jdbbb3 3d x":    {"does not know this issue"}, // this inbox finds upper case only
			"mute 01JDB 12h a b  c": {"`01JDBBB3` is suppressed until"},
		} {
			contains(text, say(text), want...)
		}
		want := []yagura.Change{{Via: "soc", IssueID: "01JDBBB3", Who: mine, What: yagura.ChangeSuppress, Until: b.Now().Add(12 * time.Hour), Text: "a b c", At: b.Now()}}
		if d := cmp.Diff(want, in.taken(), cmpopts.IgnoreFields(yagura.Change{}, "ID")); d != "" {
			t.Error(d)
		}
		for k := range 40 {
			in.issues = append(in.issues, yagura.Issue{ID: "01JDCCC" + string(rune('A'+k)), Title: strings.Repeat("長い題 ", 40), Severity: yagura.SeverityLow, Status: yagura.StatusOpen})
		}
		contains("list", say("list"), "27 more")
		in.mu.Lock()
		in.err = errors.New("the store is down")
		in.mu.Unlock()
		contains("list", say("list"), "could not answer", "!store")
	})
}

// TestStrangers: people of other companies in a shared channel are not heard.
func TestStrangers(t *testing.T) {
	both(t, func(t *testing.T, b *bench, in *inbox) {
		eve := b.fake.AddUser("Eve", "eve@other.example")
		b.fake.SetUser(eve, func(u *slacktest.User) { u.Team = "T0000OTHER" })
		bob := b.fake.AddUser("Bob", "bob@sister.example")
		b.fake.SetUser(bob, func(u *slacktest.User) { u.Team = "T000SISTER" })
		s := notifytest.NewStory(b, 1)
		s.Tell(t, yagura.OpOpen)
		press(t, b, eve, s.Ref, "yagura_ack")
		if a, err := b.fake.Command(t.Context(), eve, "list"); err != nil || len(a.Payload) > 0 {
			t.Errorf("%v %s", err, a.Payload)
		}
		if len(in.taken()) != 0 {
			t.Fatal("a stranger was heard")
		}
		press(t, b, bob, s.Ref, "yagura_ack")
		if len(in.taken()) != 1 {
			t.Error("a member of a sister workspace was not heard")
		}
	}, func(_ *bench, o *slack.Options) { o.Teams = []string{"T000SISTER"} })
}

// TestNotApplied: what could not be taken down is not said to be.
func TestNotApplied(t *testing.T) {
	both(t, func(t *testing.T, b *bench, in *inbox) {
		s := notifytest.NewStory(b, 1)
		s.Tell(t, yagura.OpOpen)
		in.err = errors.New("the store is down")
		a := press(t, b, b.mary, s.Ref, "yagura_ack")
		if told := last(t, b.fake.Told(b.mary)); !strings.Contains(told, "try again") || strings.Contains(told, "store") {
			t.Errorf("%d, told %q", a.Status, told)
		}
		v := press(t, b, b.mary, s.Ref, "yagura_close").View
		if bad, err := b.fake.Submit(t.Context(), v, map[string]string{"reason": "x", "conclusion": "benign"}); err != nil || !strings.Contains(bad.Errors()["reason"], "try again") {
			t.Errorf("%v %v", bad, err)
		}
		in.err = &notify.Unknown{What: "x"}
		press(t, b, b.mary, s.Ref, "yagura_ack")
		if told := last(t, b.fake.Told(b.mary)); !strings.Contains(told, "does not know this issue") {
			t.Errorf("told %q", told)
		}
		in.err = nil
		if ok, err := b.fake.Submit(t.Context(), v, map[string]string{"reason": "x", "conclusion": "benign"}); err != nil || ok.Errors() != nil || len(in.taken()) != 1 {
			t.Errorf("again: %v, %v", err, in.taken())
		}
	})
}

// TestHTTPRefused: what Slack did not send is refused, with the right status.
func TestHTTPRefused(t *testing.T) {
	b, in := newBench(t), &inbox{}
	h := b.sink.Handler(in)
	form := func(v url.Values) []byte { return []byte(v.Encode()) }
	const formType, jsonType = "application/x-www-form-urlencoded", "application/json"
	ack := `{"type":"block_actions","user":{"id":"U000000001"},"actions":[{"action_id":"yagura_ack","value":"01JD","action_ts":"1795770000.000100"}]}`
	good := form(url.Values{"payload": {ack}})
	do := func(body []byte, contentType string, change func(http.Header)) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		slacktest.Sign(r.Header, b.fake.SigningSecret, b.Now(), body)
		if change != nil {
			change(r.Header)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for name, c := range map[string]struct {
		body        []byte
		contentType string
		change      func(http.Header)
		want        int
	}{
		"no signature":    {good, formType, func(h http.Header) { h.Del("X-Slack-Signature") }, 401},
		"no time":         {good, formType, func(h http.Header) { h.Del("X-Slack-Request-Timestamp") }, 401},
		"another secret":  {good, formType, func(h http.Header) { slacktest.Sign(h, "guess", b.Now(), good) }, 401},
		"another time":    {good, formType, func(h http.Header) { h.Set("X-Slack-Request-Timestamp", "1795770001") }, 401},
		"old":             {good, formType, func(h http.Header) { slacktest.Sign(h, b.fake.SigningSecret, b.Now().Add(-6*time.Minute), good) }, 401},
		"from the future": {good, formType, func(h http.Header) { slacktest.Sign(h, b.fake.SigningSecret, b.Now().Add(6*time.Minute), good) }, 401},
		"no hex":          {good, formType, func(h http.Header) { h.Set("X-Slack-Signature", "v0=zz") }, 401},
		"v1": {good, formType, func(h http.Header) {
			h.Set("X-Slack-Signature", strings.Replace(h.Get("X-Slack-Signature"), "v0", "v1", 1))
		}, 401},
		"too large":      {make([]byte, 2<<20), formType, nil, 413},
		"no form":        {[]byte("%zz"), formType, nil, 400},
		"an empty form":  {[]byte("a=b"), formType, nil, 400},
		"no JSON":        {[]byte("{"), jsonType, nil, 400},
		"XML":            {[]byte("<a/>"), "text/xml", nil, 415},
		"no type":        {good, "", nil, 415},
		"no user":        {form(url.Values{"payload": {`{"type":"block_actions"}`}}), formType, nil, 400},
		"no time of act": {form(url.Values{"payload": {strings.Replace(ack, "1795770000.000100", "now", 1)}}), formType, nil, 400},
	} {
		if w := do(c.body, c.contentType, c.change); w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.want)
		}
	}
	if len(in.taken()) != 0 {
		t.Fatalf("%+v", in.taken())
	}
	if w := do(good, formType, nil); w.Code != 200 || len(in.taken()) != 1 {
		t.Errorf("the real one: %d %s", w.Code, w.Body)
	}
	if w := do(good, formType, nil); w.Code != http.StatusConflict || len(in.taken()) != 1 {
		t.Errorf("a replay: %d", w.Code)
	}
	if w := do([]byte(`{"type":"url_verification","challenge":"abc123"}`), jsonType, nil); w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"challenge":"abc123"}` {
		t.Errorf("challenge: %d %s", w.Code, w.Body)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
	if newBench(t, func(_ *bench, o *slack.Options) { o.SigningSecret = "" }).sink.Handler(in) != nil {
		t.Error("a handler without a secret")
	}
}

// TestHooks: confirmations go to Slack's own host and nowhere else.
func TestHooks(t *testing.T) {
	hits := 0
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits++ }))
	defer thief.Close()
	b, in := newBench(t), &inbox{}
	listen(t, b, in)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	fake, _ := url.Parse(b.fake.Hooks())
	for _, to := range []string{thief.URL, thief.URL + "/hooks/x", "http://" + fake.Host + "@" + strings.TrimPrefix(thief.URL, "http://") + "/hooks/", b.fake.Hooks() + "../api/auth.test", "file:///etc/passwd", ":"} {
		press(t, b, b.mary, s.Ref, "yagura_ack", func(p map[string]any) { p["response_url"] = to })
	}
	if hits != 0 || len(b.fake.Told(b.mary)) != 0 || len(in.taken()) != 6 {
		t.Errorf("%d hits, %d changes", hits, len(in.taken()))
	}
}

// FuzzHandler: no signed request makes the handler crash or apply what nobody did.
func FuzzHandler(f *testing.F) {
	fake := slacktest.New()
	defer fake.Close()
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	sink, err := slack.New(slack.Options{Name: "soc", Token: fake.Token, SigningSecret: fake.SigningSecret, Channel: "C000000001", API: fake.API(), Hooks: fake.Hooks(), Now: func() time.Time { return now }})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("application/x-www-form-urlencoded", "payload="+url.QueryEscape(`{"type":"block_actions","user":{"id":"U000000001"},"actions":[{"action_id":"yagura_ack","value":"01JD","action_ts":"1795770000.000100"}]}`), "v0=00", "1795770000")
	f.Add("application/x-www-form-urlencoded", "payload="+url.QueryEscape(`{"type":"view_submission","user":{"id":"U000000001"},"view":{"id":"V1","callback_id":"yagura_close","private_metadata":"{\"i\":\"01JD\"}","state":{"values":{"reason":{"value":{"value":"x"}},"conclusion":{"value":{"selected_option":{"value":"benign"}}}}}}}`), "", "")
	f.Add("application/x-www-form-urlencoded", "command=%2Fyagura&text=mute+01JD+3d+x&user_id=U000000001&trigger_id=1.2", "", "")
	f.Add("application/json", `{"type":"event_callback","event":{"type":"message","channel":"C000000001","user":"U000000001","text":"hello","ts":"1.000002","thread_ts":"1.000001"}}`, "", "")
	f.Add("application/json", `{"type":"url_verification","challenge":"x"}`, "", "")
	f.Fuzz(func(t *testing.T, contentType, body, signature, stamp string) {
		in := &inbox{issues: []yagura.Issue{{ID: "01JD", Title: "x", Severity: yagura.SeverityHigh, Status: yagura.StatusOpen}}}
		h := sink.Handler(in)
		send := func(sign bool) int {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			r.Header.Set("Content-Type", contentType)
			r.Header.Set("X-Slack-Signature", signature)
			r.Header.Set("X-Slack-Request-Timestamp", stamp)
			if sign {
				slacktest.Sign(r.Header, fake.SigningSecret, now, []byte(body))
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Code
		}
		if code := send(false); code != http.StatusUnauthorized {
			t.Fatalf("unsigned: %d", code)
		}
		switch code := send(true); code {
		case 200, 400, 409, 415:
		default:
			t.Fatalf("%d", code)
		}
		for _, c := range in.changes {
			if c.ID == "" || c.Via != "soc" || !strings.HasPrefix(c.Who, "slack:") || c.IssueID == "" && c.Ref == "" || c.What == "" {
				t.Fatalf("%+v", c)
			}
		}
	})
}
