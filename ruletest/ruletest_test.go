package ruletest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/falco"
	"github.com/yagura-sec/yagura/rule/sigma"
	"github.com/yagura-sec/yagura/ruletest"
)

const rules = `title: Trail stopped
id: 11111111-1111-4111-8111-111111111111
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventSource: cloudtrail.amazonaws.com, eventName: StopLogging, errorCode: null}
  condition: selection
level: high
yagura:
  kind: posture
  cause_key: [requestParameters.name]
  resolved_by: 22222222-2222-4222-8222-222222222222
  entities: [{type: resource, field: requestParameters.name}]
`

const counter = `title: Trail started
id: 22222222-2222-4222-8222-222222222222
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventSource: cloudtrail.amazonaws.com, eventName: StartLogging}
  condition: selection
level: informational
yagura: {kind: posture, cause_key: [requestParameters.name], mode: count}
`

const burst = `title: Trails listed often
name: burst
correlation:
  type: event_count
  rules: [listed]
  group-by: [userIdentity.arn]
  timespan: 1m
  condition: {gte: 5}
level: medium
---
title: Trails listed
name: listed
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: ListTrails}
  condition: selection
`

const event = `{eventVersion: '1.11', eventID: 00000000-0000-4000-8000-000000000001, eventTime: '2026-03-02T09:15:00Z', eventSource: cloudtrail.amazonaws.com, eventName: StopLogging, awsRegion: eu-west-1, sourceIPAddress: 198.51.100.7, userIdentity: {type: IAMUser, arn: 'arn:aws:iam::111122223333:user/alice', accountId: '111122223333', userName: alice}, requestParameters: {name: audit}, recipientAccountId: '111122223333', eventType: AwsApiCall}`

var (
	started = strings.Replace(strings.Replace(event, "StopLogging", "StartLogging", 1), "000001", "000002", 1)
	listed  = strings.Replace(strings.Replace(event, "StopLogging", "ListTrails", 1), "eventID: 00000000-0000-4000-8000-000000000001", "eventID: '00000000-0000-4000-8000-0000000{n}'", 1)
)

func load(t testing.TB) []*rule.Rule {
	t.Helper()
	out, refusals := sigma.Load([]rule.File{
		{Path: "r/stop/rule.yml", Data: []byte(rules)},
		{Path: "r/start/rule.yml", Data: []byte(counter)},
		{Path: "r/burst/rule.yml", Data: []byte(burst)},
	}, sigma.Options{})
	for i := range refusals {
		if !refusals[i].Warning {
			t.Fatal(&refusals[i])
		}
	}
	return out
}

func run(t testing.TB, folder, text string) ruletest.Report {
	t.Helper()
	return ruletest.Run(load(t), []rule.File{{Path: "r/" + folder + "/test.yml", Data: []byte(text)}}, ruletest.Options{})
}

func TestRun(t *testing.T) {
	for folder, text := range map[string]string{
		"stop": `
fires:
  - name: stopped
    severity: high
    count: 1
    entities: [{type: resource, id: audit}, {type: ip, id: 198.51.100.7}]
    cause_key: 111122223333 11111111-1111-4111-8111-111111111111 requestParameters.name=audit
    output: Trail stopped
    event: ` + event + `
  - name: stopped, pasted as JSON
    event: '{"eventVersion":"1.11","eventID":"e","eventTime":"2026-03-02T09:15:00Z","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","awsRegion":"eu-west-1","userIdentity":{"type":"Root"},"requestParameters":{"name":"audit"},"recipientAccountId":"111122223333"}'
near_misses:
  - {name: denied, of: stopped, set: {errorCode: AccessDenied}}
  - {name: elsewhere, of: stopped, set: {eventSource: example.amazonaws.com}}
  - name: a whole event
    of: stopped
    event: ` + strings.Replace(event, "StopLogging", "GetTrail", 1) + `
resolves:
  - {name: started, of: stopped, event: ` + started + `}
quiet:
  - {name: started, event: ` + started + `}
`,
		"burst": `
fires:
  - name: five in a minute
    repeat: {times: 5, step: 10s, time: eventTime}
    event: ` + listed + `
near_misses:
  - {name: one of them by another call, set: {"[4].eventName": DescribeTrails}}
  - {name: one of them by nobody, unset: "[0].userIdentity.arn"}
quiet:
  - name: too slow
    repeat: {times: 5, step: 16s, time: eventTime}
    event: ` + listed + `
`,
	} {
		rep := run(t, folder, text)
		for _, f := range rep.Failures {
			t.Errorf("%s: %v", folder, f)
		}
		if rep.Rules != 1 || rep.Cases < 3 {
			t.Errorf("%s: %d rules, %d cases", folder, rep.Rules, rep.Cases)
		}
	}
}

func TestFailures(t *testing.T) {
	fires := "fires:\n  - {name: a, event: " + event + "}\n"
	for _, tt := range []struct{ name, folder, text, want string }{
		{"does not fire", "stop", "fires:\n  - {name: a, event: " + started + "}\n", `r/stop/test.yml:2:5: rule "Trail stopped": case "a": the rule did not fire`},
		{"severity", "stop", "fires:\n  - {name: a, severity: low, event: " + event + "}\n", `severity is high, want low`},
		{"count", "stop", "fires:\n  - {name: a, count: 2, event: " + event + "}\n", `1 findings, want 2`},
		{"entity", "stop", "fires:\n  - {name: a, entities: [{type: user, id: bob}], event: " + event + "}\n", `no entity user "bob"`},
		{"cause key", "stop", "fires:\n  - {name: a, cause_key: x, event: " + event + "}\n", `cause key is "111122223333 11111111`},
		{"output", "stop", "fires:\n  - {name: a, output: x, event: " + event + "}\n", `output is "Trail stopped", want "x"`},
		{"near miss fires", "stop", fires + "near_misses:\n  - {name: b, set: {awsRegion: us-east-1}}\n", `:4:5: rule "Trail stopped": case "b": the rule fired on a near miss (hint: it held because eventSource equals`},
		{"no difference", "stop", fires + "near_misses:\n  - {name: b, set: {eventName: StopLogging}}\n", `does not differ from the firing case`},
		{"two differences", "stop", fires + "near_misses:\n  - {name: b, event: " + started + "}\n", `differs from the firing case in eventID, eventName`},
		{"two fields", "stop", fires + "near_misses:\n  - {name: b, set: {eventName: x, errorCode: y}}\n", `changes exactly one field`},
		{"no such field", "stop", fires + "near_misses:\n  - {name: b, unset: requestParameters.x}\n", `requestParameters.x: there is no "x" to remove`},
		{"below a text", "stop", fires + "near_misses:\n  - {name: b, set: {eventName.x: 1}}\n", `eventName.x: no "x" in a value that is neither`},
		{"no such event", "stop", fires + "near_misses:\n  - {name: b, set: {'[1].eventName': x}}\n", `the firing case has no event 1`},
		{"of nothing", "stop", fires + "near_misses:\n  - {name: b, of: z, set: {eventName: x}}\n", `there is no firing case "z"`},
		{"quiet", "stop", fires + "quiet:\n  - {name: b, event: " + event + "}\n", `fired where it must be quiet`},
		{"resolver does not fire", "stop", fires + "resolves:\n  - {name: b, event: " + event + "}\n", `"Trail started", did not fire`},
		{"other cause", "stop", fires + "resolves:\n  - {name: b, event: " + strings.Replace(started, "audit", "other", 1) + "}\n", `the cause keys differ: opened "111122223333 11111111-1111-4111-8111-111111111111 requestParameters.name=audit", resolved "111122223333 11111111-1111-4111-8111-111111111111 requestParameters.name=other"`},
		{"nothing resolves", "start", "fires:\n  - {name: a, event: " + started + "}\nresolves:\n  - {name: b, event: " + started + "}\n", `names no rule that resolves it`},
		{"other log", "stop", "fires:\n  - {name: a, event: {eventName: StopLogging}}\n", `the event was taken for json, but the rule judges aws.cloudtrail`},
		{"envelope", "stop", "fires:\n  - {name: a, event: {Records: [" + event + ", " + started + "]}}\n", `the decoder made 2 records of 1 events`},
		{"no rule", "gone", fires, `there is no loaded rule in the folder`},
		{"other rule", "stop", "rule: x\n" + fires, `no loaded rule is called "x"`},
		{"no cases", "stop", "near_misses: []\n", `no event that must fire`},
		{"empty", "stop", "", `the file holds no tests`},
		{"not YAML", "stop", "fires: [\n", `r/stop/test.yml:`},
		{"unknown key", "stop", "fire: []\n", `:1:1: unknown key "fire" in the test file (hint: one of rule, fires`},
		{"unknown key of a case", "stop", "fires:\n  - {name: a, events_: []}\n", `unknown key "events_" in a case`},
		{"no event", "stop", "fires:\n  - {name: a}\n", `case "a" has no event`},
		{"no name", "stop", "fires:\n  - {event: " + event + "}\n", `a case without a name`},
		{"names twice", "stop", fires + "  - {name: a, event: " + event + "}\n", `two cases are called "a"`},
		{"bad JSON", "stop", "fires:\n  - {name: a, event: '{\"a\":'}\n", `the event is not JSON`},
		{"odd number", "stop", "fires:\n  - {name: a, event: {a: 0x10}}\n", `"0x10" is not a number in JSON (hint: put it in quotes`},
		{"repeat of nothing", "stop", "fires:\n  - {name: a, repeat: {times: 2, step: 1s, time: when}, event: " + event + "}\n", `time when: there is no such field`},
		{"repeat", "stop", "fires:\n  - {name: a, repeat: {times: 0}, event: " + event + "}\n", `times is 0`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep := run(t, tt.folder, tt.text)
			if len(rep.Failures) == 0 {
				t.Fatal("passed")
			}
			if !slices.ContainsFunc(rep.Failures, func(f ruletest.Failure) bool { return strings.Contains(f.String(), tt.want) }) {
				t.Errorf("got  %v\nwant %s", rep.Failures, tt.want)
			}
		})
	}
}

// TestFalco tests one rule of a file with many.
func TestFalco(t *testing.T) {
	loaded, refusals := falco.Load([]rule.File{{Path: "f/rules.yaml", Data: []byte(`
- rule: Trail Stopped
  desc: d
  condition: ct.name="StopLogging" and not ct.error exists
  output: stopped %json.value[/requestParameters/name]
  priority: WARNING
  source: aws_cloudtrail
- rule: Anything
  desc: d
  condition: ct.name exists
  output: x
  priority: DEBUG
  source: aws_cloudtrail
`)}}, falco.Options{})
	if len(loaded) != 2 {
		t.Fatal(refusals)
	}
	rep := ruletest.Run(loaded, []rule.File{{Path: "f/test.yml", Data: []byte(`
rule: Trail Stopped
fires:
  - {name: a, severity: medium, output: stopped audit, event: ` + event + `}
near_misses:
  - {name: b, set: {errorCode: AccessDenied}}
---
rule: Anything
fires:
  - {name: a, event: ` + event + `}
`)}}, ruletest.Options{})
	for _, f := range rep.Failures {
		t.Error(f)
	}
	if rep.Rules != 2 || rep.Cases != 3 {
		t.Errorf("%d rules, %d cases", rep.Rules, rep.Cases)
	}
	rep = ruletest.Run(loaded, []rule.File{{Path: "f/test.yml", Data: []byte("fires:\n  - {name: a, event: " + event + "}\n")}}, ruletest.Options{})
	if len(rep.Failures) != 1 || !strings.Contains(rep.Failures[0].String(), "the folder holds 2 rules (hint: name the one that is meant") {
		t.Error(rep.Failures)
	}
}

func TestIsTest(t *testing.T) {
	for name, want := range map[string]bool{
		"test.yml": true, "a/b/test.yaml": true, `a\test.yml`: true, "stop_test.yml": true, "stop.test.yaml": true,
		"rule.yml": false, "latest.yml": false, "test.json": false, "test/rule.yml": false,
	} {
		if got := ruletest.IsTest(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
