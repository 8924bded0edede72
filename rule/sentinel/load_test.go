package sentinel_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sentinel"
)

const whole = `id: 11111111-2222-4333-8444-555555555555
name: Many refused calls
description: |
  'Somebody tries what is not allowed.'
severity: Medium
requiredDataConnectors:
  - connectorId: AWS
    dataTypes: [AWSCloudTrail]
queryFrequency: 1h
queryPeriod: P1D
triggerOperator: gt
triggerThreshold: 3
suppressionDuration: PT5H
suppressionEnabled: true
tactics: [PrivilegeEscalation, "Credential Access"]
relevantTechniques: [T1098, T1078.004]
tags: [Example, {Schema: X, SchemaVersion: 0.1.0}]
query: |
  AWSCloudTrail
  | where ErrorCode == "AccessDenied"
  | summarize n = count() by UserIdentityArn, SourceIpAddress
entityMappings:
  - entityType: Account
    fieldMappings:
      - identifier: FullName
        columnName: UserIdentityArn
customDetails:
  Calls: n
alertDetailsOverride:
  alertDisplayNameFormat: '{{n}} calls of {{UserIdentityArn}}'
eventGroupingSettings:
  aggregationKind: AlertPerResult
incidentConfiguration:
  createIncident: true
  groupingConfiguration: {enabled: true, matchingMethod: Selected, groupByEntities: [Account], groupByCustomDetails: [Calls]}
version: 1.0.0
kind: Scheduled
`

func load(t *testing.T, text string, check sentinel.Checker) ([]*sentinel.Rule, []string) {
	t.Helper()
	rules, refusals := sentinel.Load([]rule.File{{Path: "r.yaml", Data: []byte(text)}}, sentinel.Options{Check: check})
	var out []string
	for i := range refusals {
		s := refusals[i].Error()
		if refusals[i].Warning {
			s = "warning " + s
		}
		out = append(out, s)
	}
	return rules, out
}

func TestWhole(t *testing.T) {
	rules, refusals := load(t, whole, nil)
	if len(rules) != 1 || refusals != nil {
		t.Fatalf("%d rules, %q", len(rules), refusals)
	}
	r := rules[0]
	got := []any{r.ID, r.Title, r.Description, r.Severity, r.Tags, *r.Schedule, r.Suppress, r.Entities, r.Details, r.Alert.Name, r.Grouping, r.Incident}
	want := []any{"11111111-2222-4333-8444-555555555555", "Many refused calls", "Somebody tries what is not allowed.", yagura.SeverityMedium,
		[]string{"attack.privilege-escalation", "attack.credential-access", "attack.t1098", "attack.t1078.004", "Example"},
		sentinel.Schedule{Every: time.Hour, Period: 24 * time.Hour, Trigger: sentinel.Greater, Threshold: 3}, 5 * time.Hour,
		[]sentinel.Entity{{Type: "Account", Fields: []sentinel.EntityField{{Identifier: "FullName", Column: "UserIdentityArn"}}}}, []sentinel.Detail{{Name: "Calls", Column: "n"}},
		"{{n}} calls of {{UserIdentityArn}}", sentinel.PerRow, sentinel.Incident{Create: true, Match: sentinel.Selected, Entities: []string{"Account"}, Details: []string{"Calls"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestRefused: what cannot be honoured is refused at its place, with a hint.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"queryFrequency: 1h", "queryFrequency: 1x", `r.yaml:9:17: rule "Many refused calls": queryFrequency: "1x" is not a stretch of time (hint: 5m, 1h, 14d, or PT5M, P14D)`},
		{"queryFrequency: 1h", "queryFrequency: 2d", `r.yaml:10:14: rule "Many refused calls": queryPeriod P1D is shorter than queryFrequency 2d (hint: events between two runs would never be looked at)`},
		{"severity: Medium", "severity: Grave", `r.yaml:5:11: rule "Many refused calls": unknown severity "Grave" (hint: High, Medium, Low or Informational)`},
		{"triggerOperator: gt", "triggerOperator: over", `r.yaml:11:18: rule "Many refused calls": unknown triggerOperator "over" (hint: gt, lt, eq, ne, or GreaterThan, LessThan, Equal, NotEqual)`},
		{"entityType: Account", "entityType: Acount", `r.yaml:23:17: rule "Many refused calls": unknown entityType "Acount" (hint: docs/sentinel-rules.md lists them)`},
		{"version: 1.0.0", "querryPeriod: 1d", `r.yaml:36:1: rule "Many refused calls": unknown key "querryPeriod" in the rule (hint: did you mean queryPeriod?)`},
		{"kind: Scheduled", "kind: Fusion", `kind fusion has no query: only Microsoft's service can judge it`},
		{"kind: Scheduled", "kind: NRT", `a rule of kind NRT has no schedule of its own`},
		{"groupByEntities: [Account]", "groupByEntities: [Host]", `groupByEntities names "Host", which no entity mapping has`},
		{"name: Many refused calls", "name: [", "r.yaml:"},
	} {
		text := strings.Replace(whole, c.from, c.to, 1)
		rules, refusals := load(t, text, nil)
		if len(rules) != 0 || !strings.Contains(strings.Join(refusals, "\n"), c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.to, refusals, c.want)
		}
	}
}

// TestPlaces: what the compiler says of a query stands at its place in the file.
func TestPlaces(t *testing.T) {
	fault := func(line, column int) sentinel.Checker {
		return func(sentinel.Language, string) (sentinel.Checked, *sentinel.Fault) {
			return sentinel.Checked{}, &sentinel.Fault{Line: line, Column: column, Reason: "bad", Hint: "good"}
		}
	}
	for _, c := range []struct {
		text         string
		line, column int
		want         string
	}{
		{whole, 2, 9, `r.yaml:20:11: rule "Many refused calls": bad (hint: good)`},
		{"name: A\ntactics: []\nquery: |\n\n    T\n    | x\n", 3, 3, `r.yaml:6:7: rule "A": bad (hint: good)`},
		{"name: A\ntactics: []\nquery: T | x\n", 1, 5, `r.yaml:3:12: rule "A": bad (hint: good)`},
		{"name: A\ntactics: []\nquery: 'T | x'\n", 1, 5, `r.yaml:3:13: rule "A": bad (hint: good)`},
		{"{\"kind\": \"Scheduled\", \"name\": \"n\", \"properties\": {\"displayName\": \"A\", \"severity\": \"Low\", \"queryFrequency\": \"PT1H\",\n \"query\": \"T\\n| x\"}}", 2, 3,
			`r.yaml:2:12: rule "A": query line 2, column 3: bad (hint: good)`},
	} {
		if _, got := load(t, c.text, fault(c.line, c.column)); len(got) != 1 || got[0] != c.want {
			t.Errorf("got %q\nwant %q", got, c.want)
		}
	}
}

// TestTemplate: an ARM template has any number of rules.
func TestTemplate(t *testing.T) {
	text := `{"$schema": "x", "resources": [
 {"type": "Microsoft.OperationalInsights/workspaces/providers/alertRules", "name": "[concat('a', 'b')]", "kind": "Scheduled", "properties": {
  "displayName": "One", "severity": "High", "enabled": true, "query": "T", "queryFrequency": "PT5M", "queryPeriod": "PT30M", "triggerOperator": "GreaterThan",
  "triggerThreshold": 0, "suppressionDuration": "PT5H", "suppressionEnabled": false, "alertRuleTemplateName": "t-1", "alertDetailsOverride": null, "templateVersion": "1.0.0"}},
 {"type": "Microsoft.OperationalInsights/workspaces/providers/alertRules", "name": "n/two", "kind": "Scheduled", "properties": {
  "displayName": "Two", "severity": "Low", "enabled": false, "query": "T", "queryFrequency": "PT5M", "queryPeriod": "PT30M"}},
 {"type": "Microsoft.OperationalInsights/workspaces/providers/alertRules", "kind": "MLBehaviorAnalytics", "properties": {"enabled": true}},
 {"type": "Microsoft.Web/sites", "properties": {"query": "no"}}]}`
	rules, refusals := load(t, text, nil)
	if len(rules) != 2 || len(refusals) != 2 {
		t.Fatalf("%d rules, %q", len(rules), refusals)
	}
	if rules[0].ID != "t-1" || rules[0].Suppress != 0 || rules[0].Schedule.Period != 30*time.Minute || rules[1].ID != "two" || !rules[1].Disabled {
		t.Errorf("%+v %+v", rules[0], rules[1])
	}
}

// TestConventions: without mappings, entities are read off the names of columns.
func TestConventions(t *testing.T) {
	check := func(sentinel.Language, string) (sentinel.Checked, *sentinel.Fault) {
		return sentinel.Checked{Columns: []string{"x", "AccountCustomEntity", "Host_0_HostName", "Host_0_DnsDomain", "Foo_0_Bar"}}, nil
	}
	rules, refusals := load(t, "name: A\ntactics: []\nquery: T\n", check)
	if len(rules) != 1 || refusals != nil {
		t.Fatal(refusals)
	}
	want := []sentinel.Entity{{Type: "Account", Fields: []sentinel.EntityField{{Identifier: "FullName", Column: "AccountCustomEntity"}}},
		{Type: "Host", Fields: []sentinel.EntityField{{Identifier: "HostName", Column: "Host_0_HostName"}, {Identifier: "DnsDomain", Column: "Host_0_DnsDomain"}}}}
	if d := cmp.Diff(want, rules[0].Entities); d != "" {
		t.Error(d)
	}
	if rules[0].Schedule != nil {
		t.Error("a hunting query has a schedule")
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"5m": 5 * time.Minute, "1h": time.Hour, "14d": 14 * 24 * time.Hour, "P14D": 14 * 24 * time.Hour,
		"PT1H30M": 90 * time.Minute, "P1DT1H": 25 * time.Hour, "1.02:00:00": 26 * time.Hour, "00:05:00": 5 * time.Minute, "1d2h": 26 * time.Hour, "P1W": 7 * 24 * time.Hour} {
		if got, err := sentinel.ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "h", "1", "1y", "P1M", "PT1D", "-1h", "1h ", "9999999d", "25:00:00", "P", "PT", strings.Repeat("1h", 20)} {
		if got, err := sentinel.ParseDuration(text); err == nil && text != "1h " {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("{\"resources\":[{\"type\":\"x/alertRules\",\"properties\":{\"query\":\"T\"}}]}"))
	f.Add([]byte("name: &a [*a]\nquery: *a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rules, _ := sentinel.Load([]rule.File{{Path: "f", Data: data}}, sentinel.Options{})
		for _, r := range rules {
			if r.ID == "" || r.Title == "" || r.Query == "" || r.Severity == 0 {
				t.Errorf("a rule that is not whole: %+v", r)
			}
		}
	})
}
