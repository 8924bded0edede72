package triage

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

func TestCheck(t *testing.T) {
	p := parse(t, `version: 1
routes: {critical: [github, pager], high: [github], medium: [chatt], low: []}
clauses:
  - name: intel alone
    when: has(intel.indicators) && finding.severity >= low
    raise: 1
  - name: intel too
    when: intel.score > 3 || finding.severity == high
    raise: 1
  - name: false
    when: 1 == 2 && finding.severity == high
    raise: 1
  - name: kind
    when: finding.kind == "postur" || entities.exists(e, e.type in ["ip", "hots"])
    raise: 1
  - name: accounts
    when: account.id in ["111122223333", "9"] || "8" == finding.event.account
    raise: 1
  - name: ends
    when: finding.severity == low
    suppress: {until: 2026-12-01, reason: soon}
  - name: ended
    when: finding.severity == low
    suppress: {until: 2026-11-26T00:00:00Z, reason: over}
  - name: routes
    when: finding.severity == low
    route: [webhook, chat]
  - name: keys
    when: finding.severity == low
    fold: [account, event.requestID]
  - name: all
    when: severity >= none || true
    stop: true
  - name: behind
    when: has(usual.hour)
    raise: 1
  - name: habits
    when: usual.network.first || finding.severity == high
    raise: 1
`)
	var got []string
	for _, x := range p.Check(CheckOptions{Now: testNow, Sinks: []SinkName{{"issues", "github"}, {"chat", "slack"}},
		Accounts: NewAccounts([]yagura.AccountInfo{{ID: "111122223333"}})}) {
		got = append(got, x.Code+" "+x.Error())
		if !x.Warning {
			t.Errorf("no warning: %s", x.Error())
		}
	}
	want := []string{
		`nobody policy.yaml: nobody is told of medium: no sink is configured that chatt mean`,
		`sink policy.yaml:2:29: routes.critical: there is no sink "pager" (hint: known here: github, pagerduty, slack, securityhub, cloudwatch, webhook, falcosidekick, issues, chat)`,
		`sink policy.yaml:2:62: routes.medium: there is no sink "chatt" (hint: did you mean chat?)`,
		`never policy.yaml:5:11: clause "intel alone": cannot match: it asks intel, which is always empty as yet`,
		`empty policy.yaml:8:11: clause "intel too": asks intel, which is always empty as yet (hint: the rest of the condition decides alone)`,
		`never policy.yaml:11:11: clause "false": can never hold: its condition is false whatever the finding`,
		`never policy.yaml:14:27: clause "kind": finding.kind is never "postur" (hint: did you mean posture?)`,
		`never policy.yaml:14:75: clause "kind": the type of an entity is never "hots" (hint: did you mean host?)`,
		`account policy.yaml:17:42: clause "accounts": account "9" is not in the registry`,
		`account policy.yaml:17:50: clause "accounts": account "8" is not in the registry`,
		`ending policy.yaml:21:23: clause "ends": its suppression (soon) ends at 2026-12-02T00:00:00Z`,
		`ended policy.yaml:24:23: clause "ended": its suppression (over) has ended at 2026-11-26T00:00:00Z (hint: remove the clause, or renew it)`,
		`sink policy.yaml:27:13: clause "routes": route: no sink of kind webhook is configured`,
		`fold policy.yaml:30:21: clause "keys": folds by event.requestID, which is another in every record (hint: every finding opens an issue of its own)`,
		`shadowed policy.yaml:34:5: clause "behind": is never asked: clause "all" always holds and says stop (hint: put it before that one, or give that one a condition)`,
		`shadowed policy.yaml:37:5: clause "habits": is never asked: clause "all" always holds and says stop (hint: put it before that one, or give that one a condition)`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got = nil
	for _, x := range p.Check(CheckOptions{Unusual: "there is no lake"}) {
		if x.Line >= 35 {
			got = append(got, x.Code+" "+x.Error())
		}
	}
	want = []string{
		`never policy.yaml:35:11: clause "behind": cannot match: it asks usual, which is empty: there is no lake`,
		`shadowed policy.yaml:37:5: clause "habits": is never asked: clause "all" always holds and says stop (hint: put it before that one, or give that one a condition)`,
		`empty policy.yaml:38:11: clause "habits": asks usual, which is empty: there is no lake (hint: the rest of the condition decides alone)`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := DefaultPolicy().Check(CheckOptions{Now: testNow, Sinks: []SinkName{{"issues", "github"}}}); len(got) != 1 || got[0].Code != "nobody" {
		t.Errorf("the shipped policy with GitHub alone: %v", said(got)) // low is for Slack
	}
	if got := DefaultPolicy().Check(CheckOptions{Now: testNow, Sinks: testSinks}); len(got) != 0 {
		t.Errorf("the shipped policy: %v", said(got))
	}
	far, problems := ParsePolicy("p", []byte("version: 1\nclauses: [{suppress: {until: 2030-01-01, reason: r}}]"), PolicyOptions{})
	if Refused(problems) {
		t.Fatal(said(problems))
	}
	if got := far.Check(CheckOptions{Now: testNow}); len(got) != 1 || got[0].Warning || got[0].Code != "far" {
		t.Errorf("a suppression without end: %v", said(got))
	}
	if got := far.Check(CheckOptions{Now: time.Date(2029, 12, 1, 0, 0, 0, 0, time.UTC)}); len(got) != 0 {
		t.Errorf("years later: %v", said(got))
	}
}
