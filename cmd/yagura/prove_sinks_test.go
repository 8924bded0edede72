//go:build unix

package main

import (
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
)

// checkSinks holds every fake to the guarantee of its kind, once nothing is owed.
func (l *lab) checkSinks() {
	l.t.Helper()
	t := l.t
	told := map[string]map[string]bool{} // sink, issue
	for _, is := range l.issues() {
		for _, sink := range is.Told {
			if told[sink] == nil {
				told[sink] = map[string]bool{}
			}
			told[sink][is.ID] = true
		}
	}
	// GitHub: one issue per issue, and what a notice made stands once.
	marks := map[string]int{}
	tickets := map[string]int{}
	for _, is := range l.gh.Issues(labRepo) {
		tickets[mark(is.Body, "yagura:issue=")]++
		for _, c := range is.Comments {
			if id := mark(c.Body, "yagura:notice="); id != "" {
				marks[id]++
			}
		}
	}
	for id := range told["github"] {
		if tickets[id] != 1 {
			t.Errorf("issue %s stands %d times at GitHub", id, tickets[id])
		}
	}
	if len(tickets) != len(told["github"]) {
		t.Errorf("%d issues at GitHub, %d are told to it", len(tickets), len(told["github"]))
	}
	for id, n := range marks {
		if n > 1 {
			t.Errorf("notice %s made %d comments at GitHub", id, n)
		}
	}
	// Slack: one thread per issue, every part of a notice once.
	threads := map[string]int{}
	for _, m := range l.slack.Messages(l.channel) {
		if m.Metadata != nil && m.Payload("part") == "thread" {
			threads[m.Payload("issue_id")]++
		}
	}
	for id := range told["slack"] {
		if threads[id] != 1 {
			t.Errorf("issue %s has %d threads at Slack", id, threads[id])
		}
	}
	for part, n := range l.slack.Copies() {
		if n > 1 {
			t.Errorf("%s stands %d times at Slack", part, n)
		}
	}
	// PagerDuty: one incident per key and episode.
	episodes := map[string]int{}
	for _, is := range l.issues() {
		episodes["yagura:"+is.ID] = is.Episode
	}
	keys := map[string]int{}
	for _, in := range l.pd.Incidents() {
		keys[in.Key]++
	}
	for key, n := range keys {
		if n != episodes[key] {
			t.Errorf("%d incidents of key %s, which has %d episodes", n, key, episodes[key])
		}
	}
	if len(keys) != len(told["pagerduty"]) {
		t.Errorf("%d incidents, %d issues are told to PagerDuty", len(keys), len(told["pagerduty"]))
	}
	// Webhook: every notice at least once, in order per issue, doubles counted.
	notices := l.notices("hook")
	byID := map[string]yagura.Owed{}
	taken := l.hook.IDs()
	doubles := int64(0)
	for _, n := range notices {
		byID[n.Notice.ID] = n
		if n.State != yagura.NoticeDelivered {
			t.Errorf("notice %s is %s", n.Notice.ID, n.State)
		}
		if taken[n.Notice.ID] == 0 && !strings.Contains(n.Detail, "fold") {
			t.Errorf("notice %s (%s) never came to the webhook: %s", n.Notice.ID, n.Notice.Op, n.Detail)
		}
	}
	for _, n := range taken {
		doubles += int64(n - 1)
	}
	for _, s := range l.ledger().Sinks {
		if s.Sink == "hook" && s.Doubled < doubles {
			t.Errorf("%d doubles at the webhook, %d counted", doubles, s.Doubled)
		}
		if s.Dead != 0 {
			t.Errorf("%d notices of %s are dead: %s", s.Dead, s.Sink, s.LastError)
		}
	}
	seq := map[string]int64{}
	var seen []string
	for _, q := range l.hook.Requests() {
		n, ok := byID[q.ID]
		if !ok {
			t.Errorf("the webhook got %s, which nobody owed", q.ID)
			continue
		}
		if slices.Contains(seen, q.ID) {
			continue // once more
		}
		seen = append(seen, q.ID)
		if n.Notice.Seq <= seq[n.Notice.IssueID] {
			t.Errorf("the webhook got notice %d of issue %s after %d", n.Notice.Seq, n.Notice.IssueID, seq[n.Notice.IssueID])
		}
		seq[n.Notice.IssueID] = n.Notice.Seq
	}
	for _, refused := range [][]string{l.hook.Refused(), l.pd.Refused(), l.hub.Stats().Refused} {
		if len(refused) > 0 {
			t.Errorf("refused by a sink: %v", refused[:min(len(refused), 3)])
		}
	}
	// Security Hub: one finding per issue.
	if n := len(l.hub.Findings()); n != len(told["hub"]) {
		t.Errorf("%d findings at Security Hub, %d issues are told to it", n, len(told["hub"]))
	}
}

// mark reads a hidden marker of a text.
func mark(body, name string) string {
	line, _, _ := strings.Cut(body, "\n")
	_, rest, ok := strings.Cut(line, name)
	if !ok {
		return ""
	}
	word, _, _ := strings.Cut(rest, " ")
	return word
}
