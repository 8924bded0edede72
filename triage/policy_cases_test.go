package triage

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

const portPolicy = head + `clauses:
  - name: production is one level up
    when: account.environment == "prod" && finding.severity == "medium"
    raise: 1
    label: [prod]
  - name: denied is nothing
    when: event.errorCode == "AccessDenied"
    level: none
`

func TestCases(t *testing.T) {
	p := parse(t, portPolicy)
	cases, problems := ParseCases("policy_test.yaml", []byte(`
tests:
  - name: an open port in production pages
    finding: {severity: 中, rule: {title: Admin port open}, event: {account: 111122223333, src_ip: 203.0.113.7}}
    event: {eventName: AuthorizeSecurityGroupIngress, big: 12345678901234567890123, half: 0.5, no: null, list: [1, yes, "2"]}
    expect: {severity: high, routes: [pagerduty, github], suppressed: false, labels: [prod], assignee: "", fold: "", clauses: [production is one level up]}
  - name: denied
    account: {environment: dev}
    event: '{"errorCode": "AccessDenied"}'
    expect: {severity: none, routes: []}
  - name: wrong in all
    finding: {kind: posture}
    account: "444455556666"
    issue: {status: closed, count: 3}
    now: 2026-11-27T03:00:00Z
    expect: {severity: low, suppressed: true, routes: [slack], labels: [x], assignee: a, fold: f, ask: b, clauses: [nothing]}
`))
	if len(problems) > 0 {
		t.Fatal(said(problems))
	}
	got := p.Test(cases, NewAccounts([]yagura.AccountInfo{{ID: "111122223333", Environment: "prod"}}))
	want := []CaseResult{
		{Name: "an open port in production pages", Place: "policy_test.yaml:3:5", Differences: []Difference{}, Decisions: []string{
			"policy.yaml:4:5: production is one level up: severity medium → high",
			"policy.yaml:4:5: production is one level up: labelled prod"}},
		{Name: "denied", Place: "policy_test.yaml:7:5", Differences: []Difference{}, Decisions: []string{
			"policy.yaml:8:5: denied is nothing: severity medium → none", "routes: none: recorded, never pushed"}},
		{Name: "wrong in all", Place: "policy_test.yaml:11:5", Decisions: []string{"account: account 444455556666 is not in the registry: what clauses ask of it is empty"},
			Differences: []Difference{
				{"ask", "policy_test.yaml:16:100", "b", ""},
				{"assignee", "policy_test.yaml:16:80", "a", ""},
				{"clauses", "policy_test.yaml:16:112", "nothing", ""},
				{"fold", "policy_test.yaml:16:89", "f", ""},
				{"labels", "policy_test.yaml:16:65", "x", "none"},
				{"routes", "policy_test.yaml:16:48", "slack", "github"},
				{"severity", "policy_test.yaml:16:24", "low", "medium"},
				{"suppressed", "policy_test.yaml:16:41", "true", "false"},
			}},
	}
	for i := range got {
		for k := range got[i].Differences { // columns are looked at once, lines always
			if d := &got[i].Differences[k]; !strings.HasPrefix(d.Place, "policy_test.yaml:16:") {
				t.Errorf("place %s", d.Place)
			}
			got[i].Differences[k].Place, want[i].Differences[k].Place = "", ""
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if s := string(cases[0].Input.Event); s != `{"big":12345678901234567890123,"eventName":"AuthorizeSecurityGroupIngress","half":0.5,"list":[1,"yes","2"],"no":null}` {
		t.Errorf("event: %s", s)
	}
}

func TestCasesRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   `t: there are no tests (hint: write tests: and a list of cases)`,
		"tests: []":                          `t:1:1: there are no tests (hint: write tests: and a list of cases)`,
		"test: []":                           `t:1:1: the file has no key "test" (hint: did you mean tests?)`,
		"tests: [{expect: {severity: hi}}]":  `t:1:29: expect.severity: there is no severity "hi" (hint: want critical, high, medium, low or none (緊急, 高, 中, 低, 対応不要))`,
		"tests: [{expect: {severity: }}]":    `t:1:29: expect.severity is empty (hint: want critical, high, medium, low or none (緊急, 高, 中, 低, 対応不要))`,
		"tests: [{name: x}]":                 `t:1:9: the test expects nothing (hint: write expect: {severity: high})`,
		"tests: [{expect: {}}]":              `t:1:18: the test expects nothing (hint: write expect: {severity: high})`,
		"tests: [{expect: {sevrity: high}}]": `t:1:19: expect has no key "sevrity" (hint: did you mean severity?)`,
		"tests: [{finding: {rul: {}}, expect: {severity: low}}]":    `t:1:25: finding.rul: unknown field "rul" (hint: the names are those of docs/contracts.md)`,
		"tests: [{finding: {severity: }, expect: {severity: low}}]": `t:1:30: finding.severity is empty (hint: write a value, or leave the key out)`,
		"tests: [{event: '{', expect: {severity: low}}]":            `t:1:17: event is no JSON`,
	} {
		cases, problems := ParseCases("t", []byte(text))
		if got := strings.Join(said(problems), "\n"); cases != nil || got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}
