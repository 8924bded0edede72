package slack_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/notifytest"
	"github.com/yagura-sec/yagura/notify/slack"
	"github.com/yagura-sec/yagura/notify/slack/slacktest"
)

// thread lists the messages of a thread, its first message first.
func thread(t *testing.T, b *bench, ref string) []slacktest.Message {
	t.Helper()
	channel, ts, _ := strings.Cut(ref, ":")
	var all []slacktest.Message
	for _, m := range b.fake.Messages(channel) {
		if m.TS == ts || m.Thread == ts {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		t.Fatalf("no thread %s", ref)
	}
	return all
}

// TestThread: one thread for one issue, the state in its first message, what happened below.
func TestThread(t *testing.T) {
	b := newBench(t)
	s := notifytest.NewStory(b, 1)
	open := s.Tell(t, yagura.OpOpen)
	m := thread(t, b, s.Ref)[0]
	if d := cmp.Diff([]string{"yagura_ack", "yagura_close", "yagura_suppress", "yagura_open"}, m.Buttons()); d != "" {
		t.Error(d)
	}
	if m.Unfurl || m.Metadata.EventType != "yagura_notice" || m.Payload("issue_id") != s.Issue().ID || m.Payload("notice_id") != open.ID || m.Payload("status") != "open" {
		t.Errorf("unfurl %v, %+v", m.Unfurl, m.Metadata)
	}
	if want := "/archives/" + b.soc + "/p" + strings.Replace(m.TS, ".", "", 1); !strings.HasSuffix(open.Done.URL, want) {
		t.Errorf("URL %q, want …%q", open.Done.URL, want)
	}
	update := s.Tell(t, yagura.OpUpdate)
	rise := s.Tell(t, yagura.OpRise)
	s.Tell(t, yagura.OpAck)
	s.Tell(t, yagura.OpComment)
	s.Tell(t, yagura.OpClose)
	all := thread(t, b, s.Ref)
	if len(all) != 5 {
		t.Fatalf("%d messages, want the first and 4 replies", len(all))
	}
	m = all[0]
	if m.Edits != 5 || m.Payload("first_notice_id") != open.ID || m.Payload("status") != "closed" || !strings.Contains(string(m.Blocks), "✅") {
		t.Errorf("edits %d, metadata %+v", m.Edits, m.Metadata)
	}
	if d := cmp.Diff([]string{"yagura_open"}, m.Buttons()); d != "" {
		t.Errorf("a closed issue has buttons: %s", d)
	}
	if m.Parsed {
		t.Error("an edit has Slack parse the text")
	}
	for k, r := range all[1:] {
		if r.Payload("part") != "reply" || r.Broadcast != (r.Payload("notice_id") == rise.ID) || r.Unfurl || r.Parsed {
			t.Errorf("reply %d: %+v, broadcast %v", k, r.Metadata, r.Broadcast)
		}
	}
	if slices.ContainsFunc(all, func(m slacktest.Message) bool { return m.Payload("notice_id") == update.ID }) {
		t.Error("an update was posted; it only edits")
	}
	s.Tell(t, yagura.OpReopen)
	if m = thread(t, b, s.Ref)[0]; m.Payload("status") != "open" || len(m.Buttons()) != 4 {
		t.Errorf("re-opened: %+v %v", m.Metadata, m.Buttons())
	}
}

// TestChannels: the account's channel, then the severity's, then the default; by id or name.
func TestChannels(t *testing.T) {
	var payments, urgent string
	b := newBench(t, func(b *bench, o *slack.Options) {
		for range 7 {
			b.fake.AddChannel("other", true)
		}
		payments, urgent = b.fake.AddChannel("payments", true), b.fake.AddChannel("urgent", true)
		b.fake.Pages(2)
		o.BySeverity = map[yagura.Severity]string{yagura.SeverityCritical: urgent}
	})
	for k, c := range []struct {
		account string
		level   yagura.Severity
		want    string
	}{
		{"#payments", yagura.SeverityCritical, payments},
		{"", yagura.SeverityCritical, urgent},
		{"", yagura.SeverityHigh, b.soc},
	} {
		s := notifytest.NewStory(b, k+1)
		s.Issue().AccountInfo.Channel, s.Issue().Severity = c.account, c.level
		s.Tell(t, yagura.OpOpen)
		if !strings.HasPrefix(s.Ref, c.want+":") {
			t.Errorf("%+v went to %s", c, s.Ref)
		}
		// The thread stays where it is, whatever the account says later.
		s.Issue().AccountInfo.Channel = b.soc
		ref := s.Ref
		if s.Tell(t, yagura.OpRise); s.Ref != ref {
			t.Errorf("%s became %s", ref, s.Ref)
		}
	}
	s := notifytest.NewStory(b, 9)
	s.Issue().AccountInfo.Channel = "nowhere"
	err := s.Next(yagura.OpOpen).Attempt(t.Context(), b)
	var e *notify.Error
	if !errors.As(err, &e) || !e.Permanent || !strings.Contains(err.Error(), `no channel "nowhere"`) || !strings.Contains(err.Error(), "hint") {
		t.Errorf("a channel that is not there: %v", err)
	}
}

// TestThreadGone: a thread whose first message was deleted goes on in a new one, once, with
// a link to the history.
func TestThreadGone(t *testing.T) {
	for _, op := range []yagura.Op{yagura.OpComment, yagura.OpUpdate} {
		for _, replied := range []bool{true, false} {
			b := newBench(t)
			s := notifytest.NewStory(b, 1)
			s.Tell(t, yagura.OpOpen)
			if replied {
				s.Tell(t, yagura.OpAck)
			}
			old := s.Ref
			_, ts, _ := strings.Cut(old, ":")
			b.fake.Delete(b.soc, ts)
			b.Advance(time.Hour)
			b.fake.Lose("chat.postMessage", 3)
			o := s.Tell(t, op)
			if s.Ref == old || o.Attempts < 2 {
				t.Fatalf("%s: ref %s after %d attempts", op, s.Ref, o.Attempts)
			}
			all := thread(t, b, s.Ref)
			want := 2
			if op == yagura.OpUpdate {
				want = 1
			}
			if len(all) != want || all[0].Payload("first_notice_id") != o.ID {
				t.Errorf("%s: %d messages, want %d; made by %q", op, len(all), want, all[0].Payload("first_notice_id"))
			}
			if !slices.ContainsFunc(all[0].Controls(), func(c string) bool {
				return strings.Contains(c, "/archives/"+b.soc+"/p"+strings.Replace(ts, ".", "", 1))
			}) {
				t.Errorf("%s: no link to the history: %v", op, all[0].Controls())
			}
			heads := 0
			for _, m := range b.fake.Messages(b.soc) {
				if m.Payload("part") == "thread" {
					heads++
				}
			}
			if heads != 1 {
				t.Errorf("%s: %d threads", op, heads)
			}
			s.Tell(t, yagura.OpClose)
			if m := thread(t, b, s.Ref)[0]; m.Payload("status") != "closed" || m.Payload("first_notice_id") != o.ID {
				t.Errorf("%s: then closed: %+v", op, m.Metadata)
			}
		}
	}
}

// TestChannelGone: an archived channel is a dead letter, until the registry names another.
func TestChannelGone(t *testing.T) {
	b := newBench(t)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	b.fake.Archive(b.soc)
	var e *notify.Error
	if err := s.Next(yagura.OpAck).Attempt(t.Context(), b); !errors.As(err, &e) || !e.Permanent || !strings.Contains(err.Error(), "is_archived") {
		t.Fatalf("%v", err)
	}
	fresh := b.fake.AddChannel("fresh", true)
	s.Issue().AccountInfo.Channel = "fresh"
	if s.Tell(t, yagura.OpAck); !strings.HasPrefix(s.Ref, fresh+":") {
		t.Errorf("the thread is %s", s.Ref)
	}
}

// TestFrozen: where messages cannot be edited any more, what happens is still told.
func TestFrozen(t *testing.T) {
	b := newBench(t)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	b.fake.Freeze(true)
	if o := s.Tell(t, yagura.OpUpdate); !strings.Contains(o.Done.Detail, "no longer be edited") {
		t.Error(o.Done.Detail)
	}
	s.Tell(t, yagura.OpClose)
	if all := thread(t, b, s.Ref); len(all) != 2 {
		t.Errorf("%d messages", len(all))
	}
}

// TestErrors sorts what Slack says.
func TestErrors(t *testing.T) {
	b := newBench(t)
	for code, want := range map[string]struct {
		permanent, notSent bool
		text               string
	}{
		"channel_not_found": {true, true, "hint"}, "not_in_channel": {true, true, "/invite"}, "invalid_auth": {true, true, "install the app again"},
		"token_revoked": {true, true, "hint"}, "account_inactive": {true, true, "hint"}, "is_archived": {true, true, "another"},
		"missing_scope": {true, true, "manifest"}, "internal_error": {false, false, ""}, "fatal_error": {false, false, ""},
		"request_timeout": {false, false, ""}, "service_unavailable": {false, false, ""}, "an_error_of_2031": {false, false, ""},
		"message_limit_exceeded": {false, true, ""},
	} {
		b.fake.Refuse("chat.postMessage", 1, code)
		err := notifytest.NewStory(b, 1).Next(yagura.OpOpen).Attempt(t.Context(), b)
		var e *notify.Error
		if !errors.As(err, &e) || e.Permanent != want.permanent || e.NotSent != want.notSent || !strings.Contains(err.Error(), code) || !strings.Contains(err.Error(), want.text) {
			t.Errorf("%s: %+v", code, e)
		}
	}
	b.fake.Scopes("chat:write", "channels:history")
	s := notifytest.NewStory(b, 2)
	s.Issue().AccountInfo.Channel = "soc"
	if err := s.Next(yagura.OpOpen).Attempt(t.Context(), b); err == nil || !strings.Contains(err.Error(), "needs channels:read") {
		t.Errorf("missing scope: %v", err)
	}
	// A reply that was posted, and an edit that follows later, must never be told twice.
	b = newBench(t)
	s = notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	b.fake.Fail("chat.update", 1, http.StatusForbidden, 0)
	b.fake.Fail("chat.postMessage", 1, http.StatusTooManyRequests, 9)
	b.fake.Lose("chat.postMessage", 1)
	s.Tell(t, yagura.OpComment)
	for what, n := range b.fake.Copies() {
		if n != 1 {
			t.Errorf("%s is there %d times", what, n)
		}
	}
}

// TestLimit: Retry-After is kept per method and channel, without asking Slack again.
func TestLimit(t *testing.T) {
	var other string
	b := newBench(t, func(b *bench, _ *slack.Options) { other = b.fake.AddChannel("other", true) })
	b.fake.Fail("chat.postMessage", 1, http.StatusTooManyRequests, 20)
	s := notifytest.NewStory(b, 1)
	o := s.Next(yagura.OpOpen)
	var e *notify.Error
	if err := o.Attempt(t.Context(), b); !errors.As(err, &e) || e.After != 20*time.Second || !e.All || !e.NotSent {
		t.Fatalf("%+v", e)
	}
	b.Advance(5 * time.Second)
	calls := b.fake.Calls("chat.postMessage")
	if err := o.Attempt(t.Context(), b); !errors.As(err, &e) || e.After != 15*time.Second || b.fake.Calls("chat.postMessage") != calls {
		t.Errorf("%+v, %d calls", e, b.fake.Calls("chat.postMessage")-calls)
	}
	two := notifytest.NewStory(b, 2)
	two.Issue().AccountInfo.Channel = other
	if err := two.Next(yagura.OpOpen).Attempt(t.Context(), b); err != nil {
		t.Errorf("another channel: %v", err)
	}
	b.Advance(15 * time.Second)
	if err := o.Attempt(t.Context(), b); err != nil {
		t.Error(err)
	}
}

// TestTurns: three at once, then one a second, per channel; a turn too far away is not taken.
func TestTurns(t *testing.T) {
	now := time.Unix(1000, 0)
	reserve := slack.Reserve(time.Second, func() time.Time { return now })
	var waits []time.Duration
	for range 6 {
		waits = append(waits, max(0, reserve("C1")))
	}
	if d := cmp.Diff([]time.Duration{0, 0, 0, time.Second, 2 * time.Second, 3 * time.Second}, waits); d != "" {
		t.Error(d)
	}
	if w := reserve("C2"); w > 0 {
		t.Errorf("another channel waits %v", w)
	}
	for range 100 {
		reserve("C1")
	}
	if w := reserve("C1"); w > 17*time.Second {
		t.Errorf("turns that nobody took count: %v", w)
	}
	now = now.Add(time.Hour)
	if w := reserve("C1"); w > 0 {
		t.Errorf("after an hour: %v", w)
	}
}

// TestRate: a burst at a Slack that limits arrives whole, once and in order.
func TestRate(t *testing.T) {
	b := newBench(t)
	b.fake.Limit(time.Second)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	for range 12 {
		s.Tell(t, yagura.OpComment)
	}
	all := thread(t, b, s.Ref)
	if len(all) != 13 || !slices.IsSortedFunc(all[1:], func(x, y slacktest.Message) int {
		return strings.Compare(x.Payload("notice_id"), y.Payload("notice_id"))
	}) {
		t.Errorf("%d messages", len(all))
	}
}

// TestDoubled: a sink that finds a message twice says so. What another app wrote is not ours,
// whatever its metadata claims.
func TestDoubled(t *testing.T) {
	b := newBench(t)
	s := notifytest.NewStory(b, 1)
	o := s.Next(yagura.OpOpen)
	forged := slacktest.Message{User: "U0000OTHER", Bot: "B0000OTHER", Text: "x", Metadata: &slacktest.Metadata{EventType: "yagura_notice",
		Payload: map[string]any{"issue_id": s.Issue().ID, "notice_id": o.ID, "first_notice_id": o.ID, "part": "thread"}}}
	b.fake.Inject(b.soc, forged)
	o.Uncertain, o.FirstTried = true, b.Now()
	o.Deliver(t, b)
	first := o.Ref
	if m := thread(t, b, first)[0]; m.Bot != b.fake.Bot || o.Done.Doubled {
		t.Errorf("taken for ours: %+v", m)
	}
	own := forged
	own.User, own.Bot = b.fake.BotUser, b.fake.Bot
	b.fake.Inject(b.soc, own)
	o.Ref = ""
	if o.Deliver(t, b); o.Ref != first || !o.Done.Doubled {
		t.Errorf("ref %s, want %s; doubled %v", o.Ref, first, o.Done.Doubled)
	}
}

// TestLong: a text that one message does not hold is several, each there once, whatever is lost.
func TestLong(t *testing.T) {
	b := newBench(t)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	o := s.Next(yagura.OpComment)
	o.Entry.Text = strings.Repeat("<@U1> & `x` 長い\n", 1500)
	b.fake.Lose("chat.postMessage", 2)
	b.fake.Fail("chat.postMessage", 1, http.StatusTooManyRequests, 3)
	o.Deliver(t, b)
	all := thread(t, b, s.Ref)[1:]
	if len(all) < 3 {
		t.Fatalf("%d parts", len(all))
	}
	for what, n := range b.fake.Copies() {
		if n != 1 {
			t.Errorf("%s is there %d times", what, n)
		}
	}
	for _, m := range all {
		if len(m.Controls()) > 0 {
			t.Errorf("%v", m.Controls())
		}
	}
}

// TestDigest goes to its own channel and is looked for when it is uncertain.
func TestDigest(t *testing.T) {
	var digest string
	b := newBench(t, func(b *bench, o *slack.Options) {
		digest = b.fake.AddChannel("digest", true)
		o.DigestChannel = "digest"
	})
	n := notify.Sample(yagura.OpDigest)
	n.Text = strings.Repeat("an issue of low severity\n", 400)
	o := &notifytest.Owed{Notice: n}
	b.fake.Lose("chat.postMessage", 1)
	o.Deliver(t, b)
	if all := b.fake.Messages(digest); len(all) < 1 || len(b.fake.Copies()) != len(all) {
		t.Errorf("%d messages, %v", len(all), b.fake.Copies())
	}
}

// TestTemplate: a block of the user's replaces ours, with everything escaped all the same.
func TestTemplate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "slack.tmpl")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{{define "body"}}Mine: {{.Title}} {{code .Account}}{{end}}`)
	b := newBench(t, func(_ *bench, o *slack.Options) { o.Template = file })
	s := notifytest.NewStory(b, 1)
	s.Issue().Title = "<!channel> *bold*"
	s.Tell(t, yagura.OpOpen)
	if m := thread(t, b, s.Ref)[0]; len(m.Controls()) > 0 || !strings.Contains(string(m.Blocks), `Mine: \u0026lt;!channel\u0026gt; ∗bold∗`) {
		t.Errorf("%v %s", m.Controls(), m.Blocks)
	}
	write(`{{define "body"}}{{.Tittle}}{{end}}`)
	_, err := slack.New(slack.Options{Name: "soc", Token: b.fake.Token, Channel: b.soc, Template: file})
	if err == nil || !strings.Contains(err.Error(), "slack.tmpl:1") {
		t.Error(err)
	}
}

// TestOptions refuses what cannot work.
func TestOptions(t *testing.T) {
	good := slack.Options{Name: "soc", Token: "xoxb-1", Channel: "C0123456789"}
	for want, change := range map[string]func(*slack.Options){
		"name":                    func(o *slack.Options) { o.Name = "" },
		"bot token":               func(o *slack.Options) { o.Token = "xoxp-secret" },
		"app-level token":         func(o *slack.Options) { o.AppToken = "xoxb-secret" },
		"signing secret":          func(o *slack.Options) { o.SigningSecret = "secret" },
		`channel "Big Channel"`:   func(o *slack.Options) { o.Channel = "Big Channel" },
		`channel ""`:              func(o *slack.Options) { o.Channel = "" },
		`channel "<!here>"`:       func(o *slack.Options) { o.BySeverity = map[yagura.Severity]string{yagura.SeverityHigh: "<!here>"} },
		"want an http":            func(o *slack.Options) { o.API = "slack.com/api" },
		"want an http or https U": func(o *slack.Options) { o.Hooks = "https://user@hooks.slack.com" },
		"language":                func(o *slack.Options) { o.Language = "fr" },
		"template file":           func(o *slack.Options) { o.Template = "/does/not/exist" },
	} {
		o := good
		change(&o)
		if _, err := slack.New(o); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret ") && strings.Contains(err.Error(), "-secret") {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := slack.New(good); err != nil {
		t.Error(err)
	}
}

// TestTester names what is missing.
func TestTester(t *testing.T) {
	b := newBench(t)
	if err := b.sink.Test(t.Context()); err != nil || len(b.fake.Messages(b.soc)) > 0 {
		t.Errorf("%v", err)
	}
	check := func(want string) {
		t.Helper()
		if err := b.sink.Test(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	b.fake.Kick(b.soc)
	check("not_in_channel")
	b.fake.Invite(b.soc)
	b.fake.Archive(b.soc)
	check("is_archived")
	b.fake.Scopes("chat:write", "channels:history", "channels:read", "users:read")
	check("im:write")
	b.fake.Token = "xoxb-another"
	check("invalid_auth")
}

// TestWaiting ends with its context.
func TestWaiting(t *testing.T) {
	b := newBench(t, func(_ *bench, o *slack.Options) { o.Every = time.Hour })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var last error
	for k := range 4 {
		last = notifytest.NewStory(b, k+1).Next(yagura.OpOpen).Attempt(ctx, b)
	}
	var e *notify.Error
	if !errors.As(last, &e) || !e.NotSent || e.After < 50*time.Minute {
		t.Errorf("%v", last)
	}
}
