package sigma_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
)

func TestMeta(t *testing.T) {
	r := one(t, `title: A title
id: 00000000-0000-4000-8000-000000000001
name: a_name
status: experimental
description: What it finds
license: DRL-1.1
author: Mary, John
references: [https://example.com/a, https://example.com/b]
falsepositives: [Maintenance]
tags: [attack.t1562.008, attack.defense-evasion]
level: high
custom: kept
logsource: {product: aws, service: cloudtrail}
detection:
  selection:
    eventSource: cloudtrail.amazonaws.com
    eventName: StopLogging
  condition: selection
`, sigma.Options{Pipelines: shipped})
	want := &rule.Rule{ID: "00000000-0000-4000-8000-000000000001", Name: "a_name", Title: "A title", Engine: yagura.EngineSigma, File: "r.yml", Line: 1,
		Tags: []string{"attack.t1562.008", "attack.defense-evasion"}, Severity: yagura.SeverityHigh, SeverityOriginal: "high",
		Description: "What it finds", Author: "Mary, John", License: "DRL-1.1", Status: "experimental",
		References: []string{"https://example.com/a", "https://example.com/b"}, FalsePositives: []string{"Maintenance"}, Formats: []string{"aws.cloudtrail"}, Checked: true}
	got := *r
	got.When, got.Fields = nil, nil
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Error(diff)
	}
	var fields []string
	for _, f := range r.Fields {
		fields = append(fields, f.Name)
	}
	if diff := cmp.Diff([]string{"eventSource", "eventName"}, fields); diff != "" {
		t.Error(diff)
	}
	p := r.When.(*query.And).X[1].(*query.Pred)
	if p.Clause != "selection" || p.Span.Line != 17 || p.Span.Column != 16 || p.OpName != "equals" || p.Field.Name != "eventName" {
		t.Errorf("%+v", p)
	}
}

func TestLevels(t *testing.T) {
	for level, want := range map[string]yagura.Severity{"informational": yagura.SeverityNone, "low": yagura.SeverityLow, "medium": yagura.SeverityMedium,
		"high": yagura.SeverityHigh, "critical": yagura.SeverityCritical, "High": yagura.SeverityHigh, "": yagura.SeverityLow} {
		r := one(t, head+"level: "+level+"\ndetection:\n  s: {a: b}\n  condition: s\n", bare)
		if r.Severity != want || r.SeverityOriginal != level {
			t.Errorf("level %q: %s, %q", level, r.Severity, r.SeverityOriginal)
		}
	}
}

func TestSideCar(t *testing.T) {
	r := one(t, head+"yagura:\n  kind: posture\n  ja: {title: 題, description: 説明}\ndetection:\n  s: {a: b}\n  condition: s\n", bare)
	if r.SideCar.Kind != yagura.Posture || r.Japanese.Title != "題" {
		t.Errorf("%+v %+v", r.SideCar, r.Japanese)
	}
}

// TestRouting: which formats a logsource judges.
func TestRouting(t *testing.T) {
	cases := []struct {
		logsource string
		formats   []string
	}{
		{"{product: aws, service: cloudtrail}", []string{"aws.cloudtrail"}},
		{"{product: aws}", []string{"aws.cloudtrail"}},
		{"{product: AWS, service: CloudTrail}", []string{"aws.cloudtrail"}},
		{"{product: aws, service: route53}", []string{"aws.route53"}},
		{"{product: aws, service: vpcflow}", []string{"aws.vpcflow"}},
		{"{product: aws, service: alb}", []string{"aws.elb"}},
		{"{product: aws, service: cloudfront}", []string{"aws.cloudfront"}},
		{"{product: aws, service: s3access}", []string{"aws.s3access"}},
		{"{category: webserver}", []string{"aws.elb", "aws.cloudfront", "aws.s3access"}},
		{"{product: linux, service: sshd}", []string{"syslog"}},
		{"{product: cef}", []string{"cef"}},
		{"{category: firewall}", []string{"cef", "leef", "aws.vpcflow"}},
		{"{product: aws, service: config}", []string{"aws.config"}},
		{"{product: aws, service: appmesh}", []string{}},
		{"{product: azure, service: auditlogs}", []string{"entra.audit", "m365.audit"}},
		{"{product: azure, service: signinlogs}", []string{"entra.signin", "m365.audit"}},
		{"{product: azure, service: activitylogs}", []string{"azure.activity"}},
		{"{product: azure, service: azure.auditlogs}", []string{"entra.audit", "m365.audit"}},
		{"{product: azure, service: azure.signinlogs}", []string{"entra.signin", "m365.audit"}},
		{"{product: azure, service: azure.activitylogs}", []string{"azure.activity"}},
		{"{product: azure, service: AzureActivity}", []string{"azure.activity"}},
		{"{product: azure, service: riskdetection}", []string{"entra.risk"}},
		{"{product: azure, service: pim}", []string{"entra.risk"}},
		{"{product: azure, service: microsoftgraphactivitylogs}", []string{"microsoft.graph_activity"}},
		{"{product: azure, service: provisioninglogs}", []string{"entra.provisioning"}},
		{"{product: azure, service: keyvault}", []string{"azure.resource"}},
		{"{product: azure, service: nsgflow}", []string{"azure.nsgflow"}},
		{"{product: microsoft, service: alert}", []string{"microsoft.alert"}},
		{"{product: slack, service: audit}", []string{"slack.audit"}},
		{"{product: cloudflare, service: audit}", []string{"cloudflare.audit"}},
		{"{product: cloudflare, service: gateway}", []string{"cloudflare.gateway"}},
		{"{product: ocsf, service: event}", []string{"ocsf.event"}},
		{"{product: prowler, service: finding}", []string{"prowler.finding"}},
		{"{product: datadog, service: audit}", []string{"datadog.audit"}},
		{"{product: azure}", []string{"entra.audit", "entra.signin", "entra.risk", "azure.activity", "m365.audit"}},
		{"{product: gcp, service: gcp.audit}", []string{"gcp.audit"}},
		{"{product: gcp}", []string{"gcp.audit", "google_workspace.audit"}},
		{"{product: gcp, service: google_workspace.admin}", []string{"google_workspace.audit"}},
		{"{product: google_workspace}", []string{"google_workspace.audit"}},
		{"{product: m365, service: exchange}", []string{"m365.audit"}},
		{"{product: m365, category: ThreatManagement}", []string{"m365.audit"}},
		{"{product: okta, service: okta}", []string{"okta.system"}},
		{"{product: github, service: audit}", []string{"github.audit"}},
		{"{product: github, service: webhook}", []string{"github.webhook"}},
		{"{product: kubernetes, service: audit}", []string{"kubernetes.audit"}},
		{"{category: application, product: kubernetes, service: audit}", []string{"kubernetes.audit"}},
		{"{product: bitbucket, service: audit}", []string{"bitbucket.audit"}},
		{"{product: onelogin, service: onelogin.events}", []string{"onelogin.events"}},
		{"{product: cisco, service: duo}", []string{"duo.auth", "duo.admin", "duo.activity"}},
		{"{product: cisco, service: aaa}", []string{}},
		{"{product: windows, category: process_creation}", []string{}},
		{"{category: proxy}", []string{"cef", "leef"}},
		{"{category: antivirus}", []string{}},
	}
	for _, c := range cases {
		text := "title: T\nlogsource: " + c.logsource + "\ndetection:\n  s: {a: b}\n  condition: s\n"
		rules, refusals := sigma.Load([]rule.File{{Path: "r.yml", Data: []byte(text)}}, sigma.Options{Pipelines: shipped})
		if len(rules) != 1 {
			t.Fatal(refusals)
		}
		if diff := cmp.Diff(c.formats, rules[0].Formats); diff != "" {
			t.Errorf("%s: %s", c.logsource, diff)
		}
		if warned := len(refusals) == 1 && refusals[0].Warning && strings.Contains(refusals[0].Reason, "judges no log"); warned != (len(c.formats) == 0) {
			t.Errorf("%s: %v", c.logsource, refusals)
		}
		if r := one(t, text, sigma.Options{NoRouting: true, Pipelines: shipped}); r.Formats != nil {
			t.Errorf("%s: formats without routing: %v", c.logsource, r.Formats)
		}
	}
}

func TestLegacyActions(t *testing.T) {
	rules := load(t, `action: global
title: Common
logsource: {product: aws, service: cloudtrail}
detection:
  condition: selection
level: high
---
detection:
  selection: {a: one}
---
detection:
  selection: {a: two}
level: low
---
action: repeat
detection:
  selection: {b: more}
---
action: reset
---
title: Alone
logsource: {product: gcp, service: gcp.audit}
detection:
  selection: {a: three}
  condition: selection
`, sigma.Options{Pipelines: shipped})
	var got []string
	for _, r := range rules {
		got = append(got, r.Title+" "+r.SeverityOriginal+" "+r.Formats[0])
	}
	want := []string{"Common high aws.cloudtrail", "Common low aws.cloudtrail", "Common low aws.cloudtrail", "Alone  gcp.audit"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	if m := newMatcher(t, rules[2].When); m.match(t, `{"a":"two"}`) || !m.match(t, `{"a":"two","b":"more"}`) {
		t.Error("repeat does not join the document before it")
	}
}

func TestYAMLForms(t *testing.T) {
	r := one(t, "---\n# a comment\ntitle: T\nx: &common {a: b, c: d}\nlogsource: {product: x}\ndetection:\n  s: {<<: *common, c: e}\n  condition: s\n---\n", bare)
	if m := newMatcher(t, r.When); !m.match(t, `{"a":"b","c":"e"}`) || m.match(t, `{"a":"b","c":"d"}`) {
		t.Error("aliases and merge keys")
	}
	if rules, refusals := sigma.Load([]rule.File{{Path: "big.yml", Data: make([]byte, 4<<20+1)}}, bare); len(rules) > 0 || len(refusals) != 1 || !strings.Contains(refusals[0].Reason, "at most") {
		t.Error(refusals)
	}
}

// TestDuplicateIDs: both rules are loaded, and the second is told.
func TestDuplicateIDs(t *testing.T) {
	const text = "title: %T\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {product: x}\ndetection:\n  s: {a: b}\n  condition: s\n"
	rules, refusals := sigma.Load([]rule.File{
		{Path: "a.yml", Data: []byte(strings.Replace(text, "%T", "A", 1))},
		{Path: "b.yml", Data: []byte(strings.Replace(text, "%T", "B", 1))}}, bare)
	if len(rules) != 2 || len(refusals) != 1 || !refusals[0].Warning || refusals[0].File != "b.yml" {
		t.Errorf("%d rules, %v", len(rules), refusals)
	}
}

// TestHostile: files that would grow without bound are refused, each soon.
func TestHostile(t *testing.T) {
	many := func(n int, f func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(f(i))
		}
		return b.String()
	}
	number := func(i int) string {
		return string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26))
	}
	cases := map[string]string{
		"patterns":  head + "detection:\n" + many(5000, func(i int) string { return "  " + number(i) + ": {a: b}\n" }) + "  condition: " + strings.Repeat("1 of * or ", 5000) + "1 of *\n",
		"repeats":   head + "detection:\n  s: {a: [" + strings.Repeat("x, ", 1000) + "x]}\n  condition: " + strings.Repeat("s or ", 1000) + "s\n",
		"windash":   head + "detection:\n  s: {a|windash|base64: [" + strings.Repeat("' -a -b -c -d -e', ", 500) + "x]}\n  condition: s\n",
		"nesting":   head + "detection:\n  s: {a: b}\n  condition: " + strings.Repeat("(", 5000) + "s" + strings.Repeat(")", 5000) + "\n",
		"nots":      head + "detection:\n  s: {a: b}\n  condition: " + strings.Repeat("not ", 5000) + "s\n",
		"n of":      head + "detection:\n" + many(60, func(i int) string { return "  " + number(i) + ": {a: b}\n" }) + "  condition: 30 of *\n",
		"flow":      head + "x: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "\n",
		"regex":     head + "detection:\n  s: {a|re: '((((a{1000}){1000}){1000}){1000})'}\n  condition: s\n",
		"condition": head + "detection:\n  s: {a: b}\n  condition: " + strings.Repeat("s and ", 20000) + "s\n",
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			rules, refusals := sigma.Load([]rule.File{{Path: "r.yml", Data: []byte(text)}}, bare)
			if len(rules) != 0 || len(refusals) == 0 {
				t.Errorf("%d rules", len(rules))
			}
		})
	}
}

// TestSideFields: a side-car means by a field's name what the rule means by it, in every
// shape of the log, whether the rule reads the field or not.
func TestSideFields(t *testing.T) {
	const text = `
title: t
logsource: {product: azure, service: auditlogs}
detection: {s: {operationName: x}, condition: s}
yagura: {kind: behaviour, cause_key: [operationName, properties.targetResources.id]}
`
	r := one(t, text, sigma.Options{SideFields: []string{"properties.result"}})
	var names []string
	for _, f := range r.SideFields {
		names = append(names, f.Name)
		if len(f.Paths) < 2 {
			t.Errorf("%s is looked for in %d places", f.Name, len(f.Paths))
		}
	}
	if d := cmp.Diff([]string{"properties.targetResources.id", "properties.result"}, names); d != "" {
		t.Error(d)
	}
}

// TestSideFieldsFold: where names are found without regard to case, those of a side-car
// are, too.
func TestSideFieldsFold(t *testing.T) {
	const text = `
title: t
logsource: {product: kubernetes, service: audit}
detection: {s: {verb: create}, condition: s}
yagura: {kind: behaviour, cause_key: [objectRef.name]}
`
	r := one(t, text, sigma.Options{})
	if len(r.SideFields) != 1 || !r.SideFields[0].Paths[0].Fold {
		t.Errorf("got %+v", r.SideFields)
	}
}

// TestManyValues: the bound on the values of a rule is the one that is named.
func TestManyValues(t *testing.T) {
	text := func(n int) string {
		return head + "detection:\n  s:\n    a:\n" + strings.Repeat("      - x\n", n) + "  condition: s\n"
	}
	one(t, text(100_000), bare)
	_, refusals := sigma.Load([]rule.File{{Path: "r.yml", Data: []byte(text(100_001))}}, bare)
	if len(refusals) != 1 || !strings.Contains(refusals[0].Reason, "more than 100000 values") {
		t.Error(refusals)
	}
}
