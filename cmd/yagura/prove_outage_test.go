//go:build unix

package main

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/notify/github/githubtest"
	"github.com/yagura-sec/yagura/notify/securityhub/securityhubtest"
	"github.com/yagura-sec/yagura/notify/webhook/webhooktest"
)

// outageEvents open and close security groups, so that every issue has several notices.
func outageEvents(first, groups int) (open, shut []byte) {
	var a, b strings.Builder
	for g := range groups {
		entry := fmt.Sprintf(`{"groupId":"sg-%d","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"toPort":22,"groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}`, g)
		a.WriteString(trailEvent(first+2*g, trafficStart.Add(time.Duration(first)*time.Minute), "dev", "198.51.100.7", "ec2", "AuthorizeSecurityGroupIngress", entry, "") + "\n")
		b.WriteString(trailEvent(first+2*g+1, trafficStart.Add(time.Duration(first+10)*time.Minute), "dev", "198.51.100.7", "ec2", "RevokeSecurityGroupIngress", entry, "") + "\n")
	}
	return []byte(a.String()), []byte(b.String())
}

// TestOutage: sinks answer with errors, take without an answer and are silent, while issues
// open, close and open again. What is owed comes in order once they are well.
func TestOutage(t *testing.T) {
	t.Parallel()
	l := newLab(t, true)
	p := l.start(0)
	posted := int64(0)
	post := func(body []byte) {
		t.Helper()
		if !l.push(p.addr, body) {
			t.Fatal("a push was refused")
		}
		posted += int64(strings.Count(string(body), "\n"))
		l.until("what was posted is judged", time.Minute, func() bool {
			led := l.ledger()
			return len(led.Sources) == 1 && led.Sources[0].Judged == posted && led.Sources[0].Waiting == 0
		})
	}
	var sick atomic.Int64
	sick.Store(1)
	var calls atomic.Int64
	l.hook.SetFault(func() webhooktest.Fault {
		if sick.Load() == 0 {
			return webhooktest.Fault{}
		}
		switch calls.Add(1) % 4 {
		case 0:
			return webhooktest.Fault{Status: 503}
		case 1:
			return webhooktest.Fault{Lose: true}
		case 2:
			return webhooktest.Fault{Status: 429, RetryAfter: "1"}
		}
		return webhooktest.Fault{Cut: true}
	})
	l.hub.SetFault(func(string) securityhubtest.Fault {
		if sick.Load() == 0 {
			return securityhubtest.Fault{}
		}
		if calls.Add(1)%2 == 0 {
			return securityhubtest.Fault{Lose: true}
		}
		return securityhubtest.Fault{Status: 500}
	})
	l.gh.Fail(githubtest.Fault{Status: 502}, 3)
	l.pd.Lose(2)
	l.slack.Lose("chat.*", 2)
	open, shut := outageEvents(1, 4)
	post(open)
	time.Sleep(2 * time.Second)
	l.gh.Fail(githubtest.Fault{Lose: true}, 2)
	l.pd.Fail(3, 429, "1")
	l.slack.Fail("chat.*", 3, 503, 0)
	post(shut)
	again, _ := outageEvents(101, 4)
	post(again)
	time.Sleep(3 * time.Second)
	sick.Store(0)
	l.gh.Fail(githubtest.Fault{}, 0)
	l.pd.Heal()
	l.slack.Heal()
	l.delivered(4 * time.Minute)
	l.checkSinks()
	for _, is := range l.gh.Issues(labRepo) {
		if !is.Open {
			t.Errorf("issue %d at GitHub is closed: %v", is.Number, is.Events)
		}
	}

	// What a sink refuses for good is a dead letter, and another sink says so.
	l.hook.SetFault(func() webhooktest.Fault { return webhooktest.Fault{Status: 410} })
	other := trailEvent(9001, trafficStart, "dev", "198.51.100.7", "cloudtrail", "StopLogging", `{"name":"audit"}`, "")
	post([]byte(other + "\n"))
	l.delivered(2 * time.Minute)
	found := false
	for _, is := range l.issues() {
		if is.Rule.ID == "yagura-notice-refused" {
			found = true
			for _, sink := range is.Told {
				if sink == "hook" {
					t.Error("the sink that refuses is told of it")
				}
			}
			if len(is.Told) < 3 {
				t.Errorf("told: %v", is.Told)
			}
		}
	}
	if !found {
		for _, n := range l.notices("hook") {
			t.Logf("%s %d %s: %s %s", n.Notice.IssueID, n.Notice.Seq, n.State, n.Detail, n.LastError)
		}
		t.Error("no finding says that a sink refused")
	}
	l.term(0)
}

// TestLoop: the only sink is our own endpoint. What comes back is ours: it is counted and
// not judged, so the count is finite, and equal.
func TestLoop(t *testing.T) {
	t.Parallel()
	n := 300
	if long() {
		n = 10_000
	}
	l := newLab(t, false)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.listen, l.loop = free.Addr().String(), true
	free.Close()
	p := l.start(0)
	for from := 0; from < n; from += 100 {
		var b strings.Builder
		for k := range 100 {
			b.WriteString(trailEvent(from+k+1, trafficStart.Add(time.Duration(from+k)*time.Second), "dev", "198.51.100.7", "iam", "CreateUser", fmt.Sprintf(`{"userName":"u%d"}`, from+k), "") + "\n")
		}
		if !l.push(p.addr, []byte(b.String())) {
			t.Fatal("a push was refused")
		}
	}
	began := time.Now()
	settled := func() bool {
		led := l.ledger()
		var own int64
		for _, s := range led.Sources {
			if s.Waiting > 0 {
				return false
			}
			if s.Source == "back" {
				own = s.Own
			}
		}
		return len(led.Sinks) == 1 && led.Sinks[0].Waiting == 0 && led.Sinks[0].Delivered == int64(n) && own == int64(n)
	}
	l.until("every finding came back once", 10*time.Minute, settled)
	t.Logf("%d findings, and back, in %v", n, time.Since(began).Round(time.Millisecond))
	time.Sleep(3 * time.Second)
	if !settled() {
		t.Error("it goes on")
	}
	if got := len(l.found()); got != n {
		t.Errorf("%d findings, want %d", got, n)
	}
	if got := len(l.issues()); got != n {
		t.Errorf("%d issues, want %d", got, n)
	}
	l.term(0)
}
