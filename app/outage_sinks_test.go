package app

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/cloudwatch"
	"github.com/yagura-sec/yagura/notify/cloudwatch/cloudwatchtest"
	"github.com/yagura-sec/yagura/notify/github"
	"github.com/yagura-sec/yagura/notify/github/githubtest"
	"github.com/yagura-sec/yagura/notify/pagerduty"
	"github.com/yagura-sec/yagura/notify/pagerduty/pagerdutytest"
	"github.com/yagura-sec/yagura/notify/securityhub"
	"github.com/yagura-sec/yagura/notify/securityhub/securityhubtest"
	"github.com/yagura-sec/yagura/notify/slack"
	"github.com/yagura-sec/yagura/notify/slack/slacktest"
	"github.com/yagura-sec/yagura/notify/webhook"
	"github.com/yagura-sec/yagura/notify/webhook/webhooktest"
)

const (
	yardRepo  = "acme/security"
	yardGroup = "security/yagura"
)

// yard is one honest service of each kind, all by one clock.
type yard struct {
	t     *testing.T
	now   func() time.Time
	gh    *githubtest.Server
	pd    *pagerdutytest.Server
	slack *slacktest.Server
	hub   *securityhubtest.Server
	log   *cloudwatchtest.Server
	hook  *webhooktest.Server

	channel   string
	transport http.RoundTripper   // of all sinks; nil: each has its own
	pause     func(time.Duration) // lets time pass for who reads back; the test's goroutine calls it
}

func newYard(t *testing.T, now func() time.Time) *yard {
	y := &yard{t: t, now: now, gh: githubtest.New(t, githubtest.Options{Now: now, ListDelay: 10 * time.Second}), pd: pagerdutytest.New(testRouting), slack: slacktest.New(),
		hub: securityhubtest.New(), log: cloudwatchtest.New(now), hook: webhooktest.New(now, webhooktest.CheckOCSF)}
	y.hub.Now = now
	y.pd.Clock(now)
	y.slack.Clock(now)
	y.hook.Start()
	for _, end := range []func(){y.pd.Close, y.slack.Close, y.hub.Close, y.log.Close, y.hook.Close} {
		t.Cleanup(end)
	}
	y.gh.AddRepo(yardRepo, githubtest.Repo{Private: true})
	y.gh.AddToken("ghp_secret0123456789", "yagura-bot")
	y.log.AddGroup(yardGroup)
	y.channel = y.slack.AddChannel("soc", true)
	return y
}

// patience is how long, by the clock of the machine, a sink waits for an answer.
const patience = 3 * time.Second

// sinks makes one sink of each kind, as a new process would.
func (y *yard) sinks() []notify.Sink {
	y.t.Helper()
	own := func() *http.Client {
		if y.transport != nil {
			return &http.Client{Timeout: patience, Transport: y.transport}
		}
		transport := http.DefaultTransport.(*http.Transport).Clone()
		y.t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Timeout: patience, Transport: transport}
	}
	mine := func(c aws.Config) aws.Config { c.HTTPClient = own(); return c }
	var all []notify.Sink
	add := func(s notify.Sink, err error) {
		if err != nil {
			y.t.Fatal(err)
		}
		all = append(all, s)
	}
	gh, err := github.New(github.Options{Name: "github", Repository: yardRepo, BaseURL: y.gh.URL, Token: "ghp_secret0123456789", HTTP: own(), Now: y.now,
		Pause: func(ctx context.Context, d time.Duration) error { y.pause(d); return ctx.Err() }})
	add(gh, err)
	pd, err := pagerduty.New(pagerduty.Options{Name: "pagerduty", RoutingKey: testRouting, Endpoint: y.pd.Endpoint(), HTTP: own(), Now: y.now})
	add(pd, err)
	sl, err := slack.New(slack.Options{Name: "slack", Token: y.slack.Token, Channel: y.channel, API: y.slack.API(), HTTP: own(), Now: y.now, Every: time.Nanosecond})
	add(sl, err)
	hub, err := securityhub.New(securityhub.Options{Name: "hub", AWS: mine(y.hub.Config(securityhubtest.Account)), Window: time.Millisecond, Timeout: patience, Now: y.now})
	add(hub, err)
	log, err := cloudwatch.New(cloudwatch.Options{Name: "log", AWS: mine(y.log.Config()), Group: yardGroup, Window: time.Millisecond, Timeout: patience, Now: y.now})
	add(log, err)
	hook, err := webhook.New(webhook.Options{Name: "hook", URL: y.hook.URL + "/hook", AllowHTTP: true, AllowPrivate: true, Timeout: patience, Now: y.now})
	add(hook, err)
	return all
}

// sickness is how all sinks are unwell for a while.
type sickness int

const (
	well      sickness = iota
	broken             // 500, 502, 503
	losing             // everything is done, and the connection breaks before the answer
	limiting           // 429, with and without Retry-After; GitHub's secondary limit; throttling
	forbidden          // 403, as a proxy or GitHub words it
	cutting            // the connection breaks, and what was asked is done or not, by turns
	hanging            // a few get no answer, and the others 503
)

// fall makes all services unwell in one way.
func (y *yard) fall(how sickness) {
	const all = 1 << 30
	y.gh.Fail(githubtest.Fault{}, 0)
	y.pd.Heal()
	y.slack.Heal()
	var turns atomic.Int64 // of three services
	status := func() int { return []int{500, 502, 503}[turns.Add(1)%3] }
	hub := func() securityhubtest.Fault { return securityhubtest.Fault{} }
	switch how {
	case broken:
		y.gh.Fail(githubtest.Fault{Status: 502}, all)
		y.pd.Fail(all, 500, "")
		y.slack.Fail("chat.*", all, 503, 0)
		hub = func() securityhubtest.Fault { return securityhubtest.Fault{Status: status()} }
	case losing:
		y.gh.Fail(githubtest.Fault{Lose: true}, all)
		y.pd.Lose(all)
		y.slack.Lose("chat.*", all)
		hub = func() securityhubtest.Fault { return securityhubtest.Fault{Lose: true} }
	case limiting:
		y.gh.Fail(githubtest.Fault{Limit: true, RetryAfter: 40 * time.Second}, 3)
		y.gh.Fail(githubtest.Fault{Limit: true}, all)
		y.pd.Fail(all, 429, "")
		y.slack.Fail("chat.*", 20, 429, 20)
		y.slack.Fail("chat.*", all, 429, 0)
		hub = func() securityhubtest.Fault {
			if turns.Add(1)%2 == 0 {
				return securityhubtest.Fault{Status: 429, Code: "TooManyRequestsException", RetryAfter: "7"}
			}
			return securityhubtest.Fault{Status: 429, Code: "TooManyRequestsException"}
		}
	case forbidden:
		y.gh.Fail(githubtest.Fault{Status: 403, RetryAfter: 30 * time.Second}, all)
		y.pd.Fail(all, 403, "")
		y.slack.Fail("chat.*", all, 403, 0)
		hub = func() securityhubtest.Fault { return securityhubtest.Fault{Status: 403, Code: "AccessDeniedException"} }
	case cutting:
		y.gh.Fail(githubtest.Fault{Lose: true, Pass: 1}, all)
		y.pd.Lose(all)
		y.slack.Lose("chat.postMessage", all)
		hub = func() securityhubtest.Fault {
			turn := turns.Add(1)
			return securityhubtest.Fault{Cut: turn%2 == 0, Lose: turn%2 == 1}
		}
	case hanging:
		y.gh.Fail(githubtest.Fault{Hang: true}, 2)
		y.gh.Fail(githubtest.Fault{Status: 503}, all)
		y.pd.Hang(2)
		y.slack.Hang("chat.*", 2)
		y.slack.Fail("chat.*", all, 503, 0)
		hub = func() securityhubtest.Fault {
			if turns.Add(1) <= 3 {
				return securityhubtest.Fault{Hang: true}
			}
			return securityhubtest.Fault{Status: 503}
		}
	}
	if how == well {
		y.hub.SetFault(nil)
		y.log.SetFault(nil)
		y.hook.SetFault(nil)
		return
	}
	y.hub.SetFault(func(action string) securityhubtest.Fault {
		if action != "BatchImportFindings" {
			return securityhubtest.Fault{}
		}
		return hub()
	})
	y.log.SetFault(func(action string) cloudwatchtest.Fault {
		if action != "PutLogEvents" {
			return cloudwatchtest.Fault{}
		}
		f := hub()
		return cloudwatchtest.Fault{Status: f.Status, Code: strings.ReplaceAll(f.Code, "TooManyRequests", "Throttling"), RetryAfter: f.RetryAfter, Lose: f.Lose, Cut: f.Cut, Hang: f.Hang}
	})
	y.hook.SetFault(func() webhooktest.Fault {
		f := hub()
		return webhooktest.Fault{Status: f.Status, RetryAfter: f.RetryAfter, Lose: f.Lose, Cut: f.Cut, Hang: f.Hang}
	})
}

// told is what one sink was owed of one issue, in order.
type told map[string][]yagura.Owed

// check holds every service to the guarantee of its kind, once nothing is owed. notices
// are those of a sink, by issue.
func (y *yard) check(issues []yagura.Issue, notices map[string]told, totals []yagura.SinkTotals) {
	y.t.Helper()
	for sink, byIssue := range notices {
		for id, list := range byIssue {
			for i, n := range list {
				if n.State != yagura.NoticeDelivered {
					y.t.Errorf("%s: notice %d of %s is %s: %s", sink, n.Notice.Seq, id, n.State, n.LastError)
				}
				if n.Notice.Seq != int64(i+1) {
					y.t.Errorf("%s: notice %d of %s stands in place %d", sink, n.Notice.Seq, id, i+1)
				}
				if i > 0 && n.Done.Before(list[i-1].Done) {
					y.t.Errorf("%s: notice %d of %s was done before the one in front of it", sink, n.Notice.Seq, id)
				}
			}
		}
	}
	open := map[string]yagura.Issue{}
	for _, is := range issues {
		open[is.ID] = is
	}
	y.checkGitHub(open, notices["github"])
	y.checkSlack(open, notices["slack"])
	y.checkPagerDuty(open, notices["pagerduty"])
	y.checkHub(open, notices["hub"])
	var log, hook []string
	for _, e := range y.log.Events(yardGroup, "yagura") {
		id, _ := cloudwatch.Own([]byte(e.Message))
		log = append(log, id)
	}
	for _, r := range y.hook.Requests() {
		hook = append(hook, r.ID)
	}
	y.checkStream("log", log, notices["log"], totals)
	y.checkStream("hook", hook, notices["hook"], totals)
	for _, refused := range [][]string{y.hook.Refused(), y.pd.Refused(), y.hub.Stats().Refused, y.log.Stats().Refused} {
		if len(refused) > 0 {
			y.t.Errorf("refused by a service: %v", refused[:min(len(refused), 3)])
		}
	}
}

// in says whether the ids that stand at a service are those wanted, each once, in order.
func (y *yard) in(what string, got, want []string) {
	y.t.Helper()
	if !slices.Equal(got, want) {
		y.t.Errorf("%s: there stand\n%v\nwant\n%v", what, got, want)
	}
}

// noticeIDs lists the notices of some operations.
func noticeIDs(list []yagura.Owed, ops ...yagura.Op) (out []string) {
	for _, n := range list {
		if slices.Contains(ops, n.Notice.Op) {
			out = append(out, n.Notice.ID)
		}
	}
	return out
}

func (y *yard) checkGitHub(issues map[string]yagura.Issue, notices told) {
	y.t.Helper()
	seen := map[string]bool{}
	for _, at := range y.gh.Issues(yardRepo) {
		id := marker(at.Body, "yagura:issue=")
		if seen[id] || id == "" {
			y.t.Errorf("GitHub: #%d is of issue %q, as another is", at.Number, id)
		}
		seen[id] = true
		if is := issues[id]; at.Open != (is.Status != yagura.StatusClosed) {
			y.t.Errorf("GitHub: #%d is open %v, the issue %s", at.Number, at.Open, is.Status)
		}
		var made []string
		for _, c := range at.Comments {
			if notice := marker(c.Body, "yagura:notice="); notice != "" {
				made = append(made, notice)
			}
		}
		y.in(fmt.Sprintf("GitHub #%d", at.Number), made, noticeIDs(notices[id], yagura.OpRise, yagura.OpComment, yagura.OpClose, yagura.OpReopen))
	}
	if len(seen) != len(issues) {
		y.t.Errorf("GitHub: %d issues, want %d", len(seen), len(issues))
	}
}

func (y *yard) checkSlack(issues map[string]yagura.Issue, notices told) {
	y.t.Helper()
	threads, replies := map[string]string{}, map[string][]string{}
	all := y.slack.Messages(y.channel)
	slices.SortStableFunc(all, func(a, b slacktest.Message) int { return cmp.Compare(a.TS, b.TS) })
	for _, m := range all {
		id := m.Payload("issue_id")
		switch m.Payload("part") {
		case "thread":
			if threads[id] != "" {
				y.t.Errorf("Slack: issue %s has two threads", id)
			}
			threads[id] = m.TS
			if is := issues[id]; (m.Payload("status") == "closed") != (is.Status == yagura.StatusClosed) {
				y.t.Errorf("Slack: the thread of %s says %s, the issue is %s", id, m.Payload("status"), is.Status)
			}
		case "reply":
			replies[id] = append(replies[id], m.Payload("notice_id"))
		}
	}
	if len(threads) != len(issues) {
		y.t.Errorf("Slack: %d threads, want %d", len(threads), len(issues))
	}
	for id := range issues {
		y.in("Slack "+id, replies[id], noticeIDs(notices[id], yagura.OpRise, yagura.OpAck, yagura.OpComment, yagura.OpClose, yagura.OpReopen))
	}
}

func (y *yard) checkPagerDuty(issues map[string]yagura.Issue, notices told) {
	y.t.Helper()
	made, status := map[string][]string{}, map[string]string{}
	for _, in := range y.pd.Incidents() {
		id := strings.TrimPrefix(in.Key, "yagura:")
		made[id], status[id] = append(made[id], in.Notice), in.Status
	}
	if len(made) != len(issues) {
		y.t.Errorf("PagerDuty: incidents of %d issues, want %d", len(made), len(issues))
	}
	for id, is := range issues {
		y.in("PagerDuty "+id, made[id], noticeIDs(notices[id], yagura.OpOpen, yagura.OpReopen))
		if len(made[id]) != is.Episode {
			y.t.Errorf("PagerDuty: %d incidents of %s, which has %d episodes", len(made[id]), id, is.Episode)
		}
		if (status[id] == "resolved") != (is.Status == yagura.StatusClosed) {
			y.t.Errorf("PagerDuty: the incident of %s is %s, the issue %s", id, status[id], is.Status)
		}
	}
}

func (y *yard) checkHub(issues map[string]yagura.Issue, notices told) {
	y.t.Helper()
	found := y.hub.Findings()
	if len(found) != len(issues) {
		y.t.Errorf("Security Hub: %d findings, want %d", len(found), len(issues))
	}
	for _, f := range found {
		id := strings.TrimPrefix(f["Id"].(string), "yagura/issue/")
		is, list := issues[id], notices[id]
		if active := f["RecordState"] == "ACTIVE"; active != (is.Status != yagura.StatusClosed) {
			y.t.Errorf("Security Hub: %s is %s, the issue %s", id, f["RecordState"], is.Status)
		}
		last := ""
		if len(list) > 0 {
			last = list[len(list)-1].Notice.ID
		}
		if got := f["ProductFields"].(map[string]any)["yagura/notice"]; got != last {
			y.t.Errorf("Security Hub: %s has notice %v, want %s", id, got, last)
		}
	}
}

// checkStream holds a sink that gets every notice at least once: none is missing, those of
// an issue came in order, and what came twice was counted.
func (y *yard) checkStream(sink string, got []string, notices told, totals []yagura.SinkTotals) {
	y.t.Helper()
	times, place := map[string]int{}, map[string]int{}
	for i, id := range got {
		if times[id]++; times[id] == 1 {
			place[id] = i
		}
	}
	doubles, owed := int64(0), 0
	for issue, list := range notices {
		for i, n := range list {
			owed++
			if times[n.Notice.ID] == 0 {
				y.t.Errorf("%s never got notice %d (%s) of %s: %s", sink, n.Notice.Seq, n.Notice.Op, issue, n.Detail)
			}
			doubles += int64(times[n.Notice.ID] - 1)
			if i > 0 && place[n.Notice.ID] < place[list[i-1].Notice.ID] {
				y.t.Errorf("%s got notice %d of %s before the one in front of it", sink, n.Notice.Seq, issue)
			}
		}
	}
	if len(times) != owed {
		y.t.Errorf("%s has %d notices, %d were owed", sink, len(times), owed)
	}
	for _, s := range totals {
		if s.Sink == sink {
			y.t.Logf("%s: %d notices came %d times; %d possible doubles are counted", sink, owed, len(got), s.Doubled)
			if s.Doubled < doubles {
				y.t.Errorf("%s: %d doubles, %d counted", sink, doubles, s.Doubled)
			}
		}
	}
}

// marker reads a hidden marker from the first line of a text.
func marker(body, name string) string {
	line, _, _ := strings.Cut(body, "\n")
	_, rest, _ := strings.Cut(line, name)
	word, _, _ := strings.Cut(rest, " ")
	return word
}
