//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/notify/cloudwatch/cloudwatchtest"
	"github.com/yagura-sec/yagura/notify/securityhub/securityhubtest"
)

const labGroup = "/security/yagura"

// TestEverySinkBack: what every sink holds comes back to a source in the form in which its
// service hands it on: the bodies of webhooks, findings of Security Hub as EventBridge
// tells of them, log lines of a subscription, webhooks of GitHub. Each is known as our own
// and counted; nothing is found in it, however often it comes.
func TestEverySinkBack(t *testing.T) {
	t.Parallel()
	n := 40
	if long() {
		n = 10_000
	}
	l := newLab(t, true)
	l.logs = cloudwatchtest.New(nil)
	t.Cleanup(l.logs.Close)
	l.logs.AddGroup(labGroup)
	p := l.start(0)
	var events []string
	for k := range n {
		events = append(events, trailEvent(k+1, trafficStart.Add(time.Duration(k)*time.Second), "dev", "198.51.100.7", "cloudtrail", "StopLogging", fmt.Sprintf(`{"name":"t%d"}`, k), ""))
	}
	post := func(records []string) {
		t.Helper()
		for part := range slices.Chunk(records, 100) {
			if !l.push(p.addr, []byte(strings.Join(part, "\n")+"\n")) {
				t.Fatal("a push was refused")
			}
		}
	}
	judged := func(want int) (own int64) {
		t.Helper()
		l.until("all is judged and kept", 5*time.Minute, func() bool {
			s := l.ledger().Sources
			return len(s) == 1 && s[0].Judged >= int64(want) && s[0].Waiting == 0
		})
		return l.ledger().Sources[0].Own
	}
	post(events)
	judged(n)
	l.delivered(30 * time.Minute)
	l.checkSinks()
	issues, found := len(l.issues()), len(l.found())
	back, marked := l.heldBySinks()
	if issues != n || found != n || marked < 4*n {
		t.Fatalf("%d issues and %d findings of %d events, %d marked records at the sinks", issues, found, n, marked)
	}
	sum := n
	for round := 1; round <= 2; round++ {
		post(back)
		sum += marked
		own := judged(sum)
		if round == 1 && own != int64(marked) {
			t.Errorf("%d records of ours came back, %d are known as such", marked, own)
		}
		time.Sleep(2 * time.Second)
		l.delivered(5 * time.Minute)
		if a, b := len(l.issues()), len(l.found()); a != issues || b != found {
			t.Errorf("round %d: %d issues and %d findings, before %d and %d", round, a, b, issues, found)
		}
		if again, _ := l.heldBySinks(); len(again) != len(back) {
			t.Errorf("round %d: the sinks hold %d records, before %d", round, len(again), len(back))
		}
	}
	t.Logf("%d findings, %d records back from the sinks, twice", n, marked)
	l.term(0)
}

// heldBySinks is what the services would hand on of what they hold, one JSON value each, and
// how many records of ours are in it.
func (l *lab) heldBySinks() (bodies []string, records int) {
	l.t.Helper()
	add := func(v any, n int) {
		body, err := json.Marshal(v)
		if err != nil {
			l.t.Fatal(err)
		}
		bodies, records = append(bodies, string(body)), records+n
	}
	for _, q := range l.hook.Requests() {
		add(json.RawMessage(q.Body), 1)
	}
	for k, f := range l.hub.Findings() {
		add(map[string]any{"version": "0", "id": fmt.Sprintf("00000000-0000-4000-8000-%012d", k), "detail-type": "Security Hub Findings - Imported", "source": "aws.securityhub",
			"account": securityhubtest.Account, "time": f["UpdatedAt"], "region": securityhubtest.Region, "resources": []string{}, "detail": map[string]any{"findings": []any{f}}}, 1)
	}
	var lines []map[string]any
	for k, e := range l.logs.Events(labGroup, "yagura") {
		lines = append(lines, map[string]any{"id": fmt.Sprintf("%056d", k), "timestamp": e.At.UnixMilli(), "message": e.Message})
	}
	for part := range slices.Chunk(lines, 50) {
		add(map[string]any{"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": labGroup, "logStream": "yagura", "subscriptionFilters": []string{"all"}, "logEvents": part}, len(part))
	}
	repo := map[string]any{"full_name": labRepo, "id": 1, "name": "security", "private": true, "owner": map[string]any{"login": "acme", "id": 2}}
	sender := map[string]any{"login": "yagura-bot", "id": 3, "type": "User"}
	for _, is := range l.gh.Issues(labRepo) {
		issue := map[string]any{"number": is.Number, "title": is.Title, "body": is.Body, "state": "open", "user": sender}
		add(map[string]any{"action": "opened", "issue": issue, "repository": repo, "sender": sender}, 1)
		for _, c := range is.Comments {
			add(map[string]any{"action": "created", "issue": issue, "comment": map[string]any{"id": c.ID, "body": c.Body, "user": sender}, "repository": repo, "sender": sender}, 1)
		}
	}
	return bodies, records
}
