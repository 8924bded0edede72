package triage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/yagura-sec/yagura"
)

var testNow = time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)

const head = "version: 1\nroutes: {critical: [github, pagerduty], high: [github, pagerduty], medium: [github], low: [slack]}\n"

var testSinks = []SinkName{{"issues", "github"}, {"pager", "pagerduty"}, {"chat", "slack"}, {"chat-prod", "slack"}}

func parse(t *testing.T, text string) *Policy {
	t.Helper()
	p, problems := ParsePolicy("policy.yaml", []byte(text), PolicyOptions{Now: testNow})
	if Refused(problems) {
		t.Fatal(said(problems))
	}
	return p
}

func said(problems []Problem) (out []string) {
	for i := range problems {
		out = append(out, problems[i].Error())
	}
	return out
}

// openTrail is a finding like those of the shipped detections.
func openTrail() *yagura.Finding {
	return &yagura.Finding{V: 1, ID: "f1", CauseKey: "111122223333 rule-1 trail=main", Kind: yagura.Behaviour,
		Rule:     yagura.RuleRef{ID: "rule-1", Title: "CloudTrail logging disabled", Engine: yagura.EngineSigma, Tags: []string{"attack.t1562.008"}},
		Severity: yagura.SeverityMedium, SeverityOriginal: "medium", Format: "aws.cloudtrail", Source: "file",
		Time: testNow.Add(-time.Minute),
		Event: yagura.EventRef{ID: "e1", Time: testNow.Add(-time.Minute), Account: "111122223333", Region: "ap-northeast-1", Action: "StopLogging",
			Actor: yagura.Actor{Type: "session", ID: "arn:aws:sts::111122223333:assumed-role/Admin/mary@example.com", Name: "mary@example.com",
				SessionOf: "arn:aws:iam::111122223333:role/Admin"}, SrcIP: "203.0.113.7", Outcome: "success"},
		Events: []string{"e1"}, Entities: []yagura.Entity{{Type: "role", ID: "Admin"}, {Type: "ip", ID: "203.0.113.7"}}}
}

const trailEvent = `{"eventName":"StopLogging","userAgent":"aws-cli/2","requestParameters":{"name":"main","tags":[{"k":"a","v":1},{"k":"b","v":2}]},"responseElements":null}`

func prod() yagura.AccountInfo {
	return yagura.AccountInfo{ID: "111122223333", Name: "shop", Owner: "platform", Environment: "prod", Tags: []string{"pci"}, Listed: true}
}

func input() Input {
	return Input{Finding: openTrail(), Event: []byte(trailEvent), Account: prod(), Now: testNow}
}

// TestConditions asks conditions about one finding.
func TestConditions(t *testing.T) {
	for condition, want := range map[string]bool{
		`true`:                                  true,
		`finding.severity >= medium`:            true,
		`finding.severity > medium`:             false,
		`finding.severity == "中"`:               true,
		`finding.severity in ["low", "medium"]`: true,
		`"high" > finding.severity`:             true,
		`severity == medium`:                    true,
		`issue.severity < none`:                 true, // there is no issue
		`has(issue.id)`:                         false,
		`issue.count == 0`:                      true,
		`account.environment == "prod" && finding.severity == "medium"`: true,
		`"pci" in account.tags`:                                         true,
		`finding.event.src_ip in cidr("203.0.113.0/24")`:                true,
		`finding.event.src_ip in cidr(["10.0.0.0/8", "2001:db8::/32"])`: false,
		`finding.event.region in cidr("0.0.0.0/0")`:                     false,
		`finding.event.action.glob("Stop*")`:                            true,
		`finding.event.action.lower().glob(["x", "stop?ogging"])`:       true,
		`finding.event.actor.id.email() == "mary@example.com"`:          true,
		`entities.exists(e, e.type == "ip" && e.id.startsWith("203."))`: true,
		`finding.entities.exists(e, e.type == "host")`:                  false,
		`entities[0].type == "role"`:                                    true,
		`finding.rule.tags.exists(t, t.startsWith("attack.t1562"))`:     true,
		`finding.rule.title.matches("(?i)cloudtrail")`:                  true,
		`has(finding.mode)`:                                             false,
		`has(finding.event.src_ip)`:                                     true,
		`has(finding.event.actor)`:                                      true,
		`event.eventName == "StopLogging"`:                              true,
		`event.requestParameters.name == "main"`:                        true,
		`event.requestParameters.tags.exists(x, x.v == 2)`:              true,
		`event.values("requestParameters.tags.v") == ["1", "2"]`:        true,
		`event.text("requestParameters.name") == "main"`:                true,
		`event.text("no.such") == ""`:                                   true,
		`event.errorCode == "AccessDenied"`:                             false, // absent: does not match
		`event.errorCode != "AccessDenied"`:                             false, // and neither does this
		`!has(event.errorCode)`:                                         true,
		`!has(event.responseElements)`:                                  true, // null
		`event.?errorCode.orValue("") != "AccessDenied"`:                true,
		`event.errorCode == "x" || event.eventName == "StopLogging"`:    true,
		`event["eventName"] == "StopLogging"`:                           true,
		`has(intel.indicator) || has(usual.hour)`:                       false,
		`now.between("12:00", "13:00", "Asia/Tokyo")`:                   true,
		`now.between("22:00", "06:00", "UTC")`:                          true,
		`now.between("22:00", "03:00", "UTC")`:                          false,
		`now.weekday("UTC") in ["fri"]`:                                 true,
		`now - finding.time < duration("5m")`:                           true,
		`finding.time > timestamp("2026-11-01T00:00:00Z")`:              true,
		`string(finding.severity) == "medium"`:                          true,
	} {
		t.Run(condition, func(t *testing.T) {
			p := parse(t, head+"clauses:\n  - name: x\n    when: |\n      "+condition+"\n    label: [yes]\n")
			j := p.Judge(input())
			if got := len(j.Labels) == 1; got != want {
				t.Errorf("got %v, want %v: %+v", got, want, j.Clauses)
			}
			for _, d := range j.Clauses {
				if strings.Contains(d.Text, "evaluated") {
					t.Errorf("an error: %s", d.Text)
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		clause string
		want   []string
	}{
		"field":         {`when: finding.sevrity == "high"`, []string{`policy.yaml:6:19: clause "x": when: finding has no field "sevrity" (hint: did you mean severity?)`}},
		"inner field":   {`when: 1 == 1 && finding.event.actr.id == ""`, []string{`policy.yaml:6:35: clause "x": when: event_header has no field "actr" (hint: did you mean actor?)`}},
		"name":          {`when: findng.severity == high`, []string{`policy.yaml:6:11: clause "x": when: there is no "findng" (hint: did you mean finding?)`}},
		"level":         {`when: finding.severity >= "hgih"`, []string{`policy.yaml:6:31: clause "x": there is no severity "hgih" (hint: did you mean high?)`}},
		"list of level": {`when: severity in ["high", "x y"]`, []string{`policy.yaml:6:32: clause "x": there is no severity "x y" (hint: known here: critical, high, medium, low, none)`}},
		"types":         {`when: finding.severity >= 3`, []string{`policy.yaml:6:28: clause "x": when: >= does not take (severity, int) (hint: compare a severity with none, low, medium, high or critical)`}},
		"no condition":  {`when: finding.event.region`, []string{`policy.yaml:6:11: clause "x": when is a string, and must be a bool`}},
		"cidr":          {`when: finding.event.src_ip in cidr("203.0.113.7/24")`, []string{`policy.yaml:6:40: clause "x": "203.0.113.7/24" has bits beyond its length: did you mean 203.0.113.0/24?`}},
		"time of day":   {`when: now.between("9:00", "24:01", "Asia/Tokio")`, []string{`policy.yaml:6:23: clause "x": "9:00" is no time of day: want one like 08:30`, `policy.yaml:6:31: clause "x": "24:01" is no time of day: want one like 08:30`, `policy.yaml:6:40: clause "x": there is no time zone "Asia/Tokio"`}},
		"regex":         {`when: finding.output.matches("(a")`, []string{"policy.yaml:6:34: clause \"x\": when: invalid matches argument"}},
		"syntax":        {`when: finding.severity >=`, []string{"policy.yaml:6:30: clause \"x\": when: syntax: mismatched input '<EOF>'"}},
		"block": {"when: >\n      finding.severity == high &&\n\n        finding.sevrity == low", []string{
			`policy.yaml:9:17: clause "x": when: finding has no field "sevrity" (hint: did you mean severity?)`}},
		"literal": {"when: |-\n      // why\n      finding.severity == high &&\n      finding.sevrity == low", []string{
			`policy.yaml:9:15: clause "x": when: finding has no field "sevrity" (hint: did you mean severity?)`}},
		"single quotes": {`when: 'finding.rule.id == ''a'' && finding.sevrity == low'`, []string{
			`policy.yaml:6:48: clause "x": when: finding has no field "sevrity" (hint: did you mean severity?)`}},
		"double quotes": {`when: "finding.rule.id == \"\u0061\" && finding.sevrity == low"`, []string{
			`policy.yaml:6:53: clause "x": when: finding has no field "sevrity" (hint: did you mean severity?)`}},
		"plain on lines": {"when: finding.severity == high &&\n      finding.sevrity == low", []string{
			`policy.yaml:7:15: clause "x": when: finding has no field "sevrity" (hint: did you mean severity?)`}},
		"Japanese before": {`when: finding.rule.title == "停止" && finding.sevrity == low`, []string{
			`policy.yaml:6:49: clause "x": when: finding has no field "sevrity" (hint: did you mean severity?)`}},
		"key":            {`wen: true`, []string{`policy.yaml:6:5: clause "x": a clause has no key "wen" (hint: did you mean when?)`}},
		"empty level":    {`level:`, []string{`policy.yaml:6:11: clause "x": level is empty (hint: want critical, high, medium, low or none (緊急, 高, 中, 低, 対応不要))`}},
		"empty level 2":  {`level: ""`, []string{`policy.yaml:6:12: clause "x": level is empty (hint: want critical, high, medium, low or none (緊急, 高, 中, 低, 対応不要))`}},
		"no level":       {`level: urgent`, []string{`policy.yaml:6:12: clause "x": level: there is no severity "urgent" (hint: want critical, high, medium, low or none (緊急, 高, 中, 低, 対応不要))`}},
		"two levels":     {"level: high\n    raise: 1", []string{`policy.yaml:5:5: clause "x": level and raise are in one clause (hint: keep one, or write two clauses)`}},
		"raise":          {`raise: 9`, []string{`policy.yaml:6:12: clause "x": raise is "9" (hint: write a whole number from 1 to 4)`}},
		"keep":           {`keep: rule`, []string{`policy.yaml:6:11: clause "x": keep is "rule" (hint: write keep: source)`}},
		"no end":         {`suppress: {reason: r}`, []string{`policy.yaml:6:15: clause "x": suppress has no end (hint: write until: 2027-01-31 (at most a year from now))`}},
		"no reason":      {`suppress: {until: 2027-01-31}`, []string{`policy.yaml:6:15: clause "x": suppress has no reason (hint: write reason: why nobody needs to be told)`}},
		"far end":        {`suppress: {until: 2028-01-31, reason: r}`, []string{`policy.yaml:6:23: clause "x": suppress until 2028-01-31 is more than a year from now (hint: write a date that somebody will look at, and renew it then)`}},
		"no date":        {`suppress: {until: never, reason: r}`, []string{`policy.yaml:6:23: clause "x": until is "never" (hint: write a date like 2027-01-31, or a time like 2027-01-31T18:00:00+09:00)`}},
		"fold by time":   {`fold: [account, finding.time]`, []string{`policy.yaml:6:21: clause "x": fold: finding.time is another for every finding, or is decided later (hint: fold by who or what it is about: account, finding.rule.id, finding.event.actor.id …)`}},
		"fold by object": {`fold: [finding.rule]`, []string{`policy.yaml:6:12: clause "x": fold: finding.rule is a rule (hint: want text, a number, true or false, or a list of texts)`}},
		"nothing":        {`because: y`, []string{`policy.yaml:5:5: clause "x": the clause does nothing (hint: give it one of level, raise, lower, keep, suppress, fold, route, assign, label, ask, stop)`}},
		"label":          {`label: [` + strings.Repeat("x", 51) + `]`, []string{`policy.yaml:6:13: clause "x": label "` + strings.Repeat("x", 51) + `" has more than 50 characters (hint: GitHub takes no longer ones)`}},
		"assign":         {`assign: {from: finding.severity}`, []string{`policy.yaml:6:20: clause "x": assign.from is a severity, and must be a string`}},
		"alias":          {"label: &a [x]\n    route: *a", []string{`policy.yaml:7:12: clause "x": aliases are not read here (hint: write the value out)`}},
		"nothing folded": {`fold: []`, []string{`policy.yaml:6:11: clause "x": fold names nothing (hint: write keys like [account, finding.rule.id])`}},
		"object":         {`when: finding == finding{}`, []string{`policy.yaml:6:29: clause "x": a condition makes no objects`}},
	} {
		t.Run(name, func(t *testing.T) {
			act := "\n    label: [y]"
			if name == "nothing" || strings.Contains(c.clause, "label:") {
				act = ""
			}
			p, problems := ParsePolicy("policy.yaml", []byte("version: 1\nroutes: {critical: [], high: [],\n  medium: [], low: []}\nclauses:\n  - name: x\n    "+c.clause+act+"\n"), PolicyOptions{Now: testNow})
			if p != nil || len(problems) == 0 {
				t.Fatal("accepted")
			}
			got := said(problems)
			for i := range got {
				if i < len(c.want) && strings.HasPrefix(got[i], c.want[i]) && (strings.Contains(c.want[i], "syntax") || strings.Contains(c.want[i], "invalid matches")) {
					got[i] = c.want[i] // what follows is CEL's
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRefusedOutside(t *testing.T) {
	for text, want := range map[string]string{
		"":                            `p: the policy is empty (hint: yagura policy default prints the one that holds without a file)`,
		"clauses: []":                 `p:1:1: the policy does not say its version (hint: write version: 1 at its top)`,
		"version: 2":                  `p:1:10: version is "2" (hint: this program reads version 1)`,
		"version: 1\nclause: []":      `p:2:1: the policy has no key "clause" (hint: did you mean clauses?)`,
		"version: 1\nzone: local":     `p:2:7: there is no time zone "local" (hint: write a name like Asia/Tokyo, or UTC)`,
		"version: 1\nversion: 1":      `p:2:1: version is there twice (hint: keep one)`,
		"version: 1\n---\nversion: 1": `p:2:1: there is a second document (hint: keep one)`,
		"version: 1\nclauses: {a: b}": `p:2:10: clauses is a mapping (hint: write a list: each clause begins with a dash)`,
		"version: 1\nclauses:\n- a":   `p:3:3: clause "clause 1": a clause is one value (hint: write key: value pairs)`,
		"version: 1\nroutes: {none: [x], critical: [], high: [], medium: [], low: []}": `p:2:16: routes.none names a sink (hint: what is none is recorded and never pushed; use low)`,
		"version: 1\nroutes: {critical: [], 高: [], medium: []}":                        `p:2:9: routes does not say where low goes (hint: add low: [names or kinds of sinks], or [] for nobody)`,
		"version: 1\nroutes: {critical: [], 高: [], high: [], medium: [], low: []}":     `p:2:31: routes has high twice (hint: keep one)`,
		"version: 1\nroutes: {\"\": [], critical: [], high: [], medium: [], low: []}":  `p:2:10: routes is empty (hint: want critical, high, medium, low or none (緊急, 高, 中, 低, 対応不要))`,
		"a: [": `p:1:1: did not find expected node content`,
		"version: 1\nclauses:\n- {name: a, stop: true}\n- {name: a, stop: true}": `p:4:3: clause "a" is there twice, first in line 3 (hint: give each a name of its own)`,
	} {
		p, problems := ParsePolicy("p", []byte(text), PolicyOptions{})
		if got := strings.Join(said(problems), "\n"); p != nil || got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestJudge(t *testing.T) {
	p := parse(t, head+`
zone: Asia/Tokyo
clauses:
  - name: production
    because: production account
    when: account.environment == "prod" && finding.severity == "medium"
    raise: 1
    assign: {from: account.owner}
    label: [prod, {from: '"team:" + account.owner'}]
  - name: never here
    when: finding.format == "gcp.audit"
    level: none
    stop: true
  - name: by actor
    fold: [account, finding.event.actor.session_of]
    ask: actor
  - name: scanners
    when: finding.event.src_ip in cidr("203.0.113.0/24")
    suppress: {until: 2027-01-31, reason: pentest CHG-12}
  - name: paging off
    when: severity == high
    route: {add: [slack], remove: [pagerduty]}
    stop: true
  - name: unreached
    level: critical
`).For(testSinks)
	got := p.Judge(input())
	jst := time.FixedZone("", 9*3600)
	want := Judgement{Severity: yagura.SeverityHigh,
		SuppressUntil: time.Date(2027, 2, 1, 0, 0, 0, 0, jst), SuppressReason: "pentest CHG-12",
		Fold:   "111122223333 fold: finding.event.actor.session_of=arn:aws:iam::111122223333:role/Admin",
		Routes: []string{"issues", "chat", "chat-prod"}, Assignee: "platform", Labels: []string{"prod", "team:platform"}, Ask: "mary@example.com",
		Clauses: []Decision{
			{"policy", "production", "policy.yaml:6:5", "severity medium → high: production account"},
			{"policy", "production", "policy.yaml:6:5", "assigned to platform: production account"},
			{"policy", "production", "policy.yaml:6:5", "labelled prod, team:platform: production account"},
			{"policy", "by actor", "policy.yaml:16:5", "mary@example.com is asked"},
			{"policy", "paging off", "policy.yaml:22:5", "no later clause is asked"},
			{"suppression", "scanners", "policy.yaml:19:5", "suppressed until 2027-02-01T00:00:00+09:00: pentest CHG-12"},
			{"fold", "by actor", "policy.yaml:16:5", "one cause with all of 111122223333 fold: finding.event.actor.session_of=arn:aws:iam::111122223333:role/Admin"},
			{"routes", "paging off", "policy.yaml:22:5", "told: issues, chat, chat-prod"},
		}}
	if d := cmp.Diff(want, got, cmpopts.EquateApproxTime(0)); d != "" {
		t.Error(d)
	}
	in := input()
	in.Now = time.Date(2027, 1, 31, 15, 0, 0, 0, time.UTC) // the day has ended in Tokyo
	if j := p.Judge(in); !j.SuppressUntil.IsZero() {
		t.Error("suppressed beyond its end")
	}
}

func TestDefaultPolicy(t *testing.T) {
	p := DefaultPolicy()
	for level, want := range map[yagura.Severity]string{
		yagura.SeverityCritical: "issues pager chat chat-prod", yagura.SeverityHigh: "issues pager chat chat-prod",
		yagura.SeverityMedium: "issues chat chat-prod", yagura.SeverityLow: "chat chat-prod", yagura.SeverityNone: ""} {
		in := input()
		in.Finding.Severity = level
		j := p.For(testSinks).Judge(in)
		if got := strings.Join(j.Routes, " "); got != want || j.Severity != level {
			t.Errorf("%s: told %q as %s, want %q", level, got, j.Severity, want)
		}
	}
	// A policy without routes has those of the shipped one.
	if j := parse(t, "version: 1\n").Judge(input()); strings.Join(j.Routes, " ") != "github slack securityhub cloudwatch webhook falcosidekick" {
		t.Errorf("routes: %q", j.Routes)
	}
}

func TestLevels(t *testing.T) {
	for action, want := range map[string]string{
		"level: 緊急": "critical", "level: 対応不要": "none", "raise: 4": "critical", "lower: 1": "low", "lower: 4": "none",
	} {
		p := parse(t, head+"clauses:\n  - {name: first, level: high}\n  - {name: back, keep: source}\n  - name: x\n    "+action)
		if got := p.Judge(input()).Severity.String(); got != want {
			t.Errorf("%s: %s, want %s", action, got, want)
		}
	}
}

func ExamplePolicy_Judge() {
	p, problems := ParsePolicy("policy.yaml", []byte(`
version: 1
clauses:
  - name: production is one level up
    when: account.environment == "prod"
    raise: 1
`), PolicyOptions{})
	if Refused(problems) {
		fmt.Println(problems[0].Error())
		return
	}
	f := &yagura.Finding{Severity: yagura.SeverityMedium}
	j := p.Judge(Input{Finding: f, Account: yagura.AccountInfo{ID: "111122223333", Environment: "prod", Listed: true}})
	fmt.Println(j.Severity, j.Clauses[0].Place, j.Clauses[0].Text)
	// Output: high policy.yaml:4:5 severity medium → high
}
