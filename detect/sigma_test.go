package detect

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
)

const sigmaBase = `
title: Logon failed
id: 00000000-0000-4000-8000-000000000001
name: failed
status: test
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: ConsoleLogin, outcome: Failure}, condition: s}
level: low
---
title: Logon succeeded
id: 00000000-0000-4000-8000-000000000002
name: succeeded
status: test
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: ConsoleLogin, outcome: Success}, condition: s}
level: low
---
title: Key made
id: 00000000-0000-4000-8000-000000000003
name: key_made
status: test
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: CreateAccessKey}, condition: s}
level: low
`

// TestSigmaCorrelations runs correlations as they are written in Sigma over events
// `seconds name field=value…`.
func TestSigmaCorrelations(t *testing.T) {
	cases := []struct {
		name, yaml string
		events     []string
		want       []string
	}{
		{"event_count", `
title: Many failures
id: 00000000-0000-4000-8000-000000000011
correlation: {type: event_count, rules: [failed], group-by: [user], timespan: 5m, condition: {gte: 3}}
level: high
`, []string{"0 fail user=a", "10 fail user=a", "20 fail user=b", "300 fail user=a", "301 fail user=a"}, []string{"Many failures: 0,10,300"}},
		{"generate", `
title: Many failures
id: 00000000-0000-4000-8000-000000000011
correlation: {type: event_count, rules: [failed], group-by: [user], timespan: 5m, condition: {gte: 2}, generate: true}
level: high
`, []string{"0 fail user=a", "10 fail user=a"}, []string{"Logon failed: 0", "Logon failed: 10", "Many failures: 0,10"}},
		{"value_count of tuples", `
title: Many users
id: 00000000-0000-4000-8000-000000000012
correlation: {type: value_count, rules: ["Logon failed"], group-by: [ip], timespan: 1h, condition: {gte: 3, field: [user, region]}}
level: high
`, []string{"0 fail user=a region=x ip=1", "1 fail user=a region=x ip=1", "2 fail user=a region=y ip=1", "3 fail user=b ip=1", "4 fail user=b region=y ip=1"},
			[]string{"Many users: 0,1,2,4"}},
		{"aliases and order", `
title: Failures and then a success
id: 00000000-0000-4000-8000-000000000013
correlation:
  type: temporal_ordered
  rules: [failed, succeeded]
  group-by: [who]
  timespan: 1m
  aliases: {who: {failed: user, succeeded: login}}
level: high
`, []string{"0 ok login=a", "10 fail user=a", "15 ok login=b", "20 ok login=a"}, []string{"Failures and then a success: 10,20"}},
		{"chain", `
title: Many failures
id: 00000000-0000-4000-8000-000000000014
name: many_failures
correlation: {type: event_count, rules: [failed], group-by: [user], timespan: 1m, condition: {gte: 2}}
level: high
---
title: Brute force with success
id: 00000000-0000-4000-8000-000000000015
correlation: {type: temporal_ordered, rules: [many_failures, succeeded], group-by: [user], timespan: 10m}
level: critical
`, []string{"0 fail user=a", "1 fail user=a", "2 fail user=b", "100 ok user=a", "101 ok user=b"}, []string{"Brute force with success: 0,1,100"}},
		{"no group-by", `
title: Many failures
id: 00000000-0000-4000-8000-000000000016
correlation: {type: event_count, rules: [00000000-0000-4000-8000-000000000001], timespan: 1d, condition: {gt: 1}}
level: high
`, []string{"0 fail user=a", "86400 fail"}, []string{"Many failures: 0,86400"}},
		{"value_avg", `
title: Large on average
id: 00000000-0000-4000-8000-000000000017
correlation: {type: value_avg, rules: [failed], group-by: [user], timespan: 1m, condition: {gt: 5, field: bytes}}
level: high
`, []string{"0 fail user=a bytes=4", "1 fail user=a bytes=8", "2 fail user=b bytes=5"}, []string{"Large on average: 0,1"}},
	}
	for _, c := range cases {
		var events []sigmaEvent
		for _, line := range c.events {
			parts := strings.Fields(line)
			rec := map[string]string{"fail": `{"eventName":"ConsoleLogin","outcome":"Failure"`, "ok": `{"eventName":"ConsoleLogin","outcome":"Success"`}[parts[1]]
			for _, p := range parts[2:] {
				k, v, _ := strings.Cut(p, "=")
				rec += fmt.Sprintf(",%q:%q", k, v)
			}
			var at int
			fmt.Sscan(parts[0], &at)
			events = append(events, sigmaEvent{at, rec + "}"})
		}
		var got []string
		for _, f := range runSigma(t, sigmaBase+"---"+c.yaml, events) {
			got = append(got, f.Rule.Title+": "+strings.Join(f.Events, ","))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// sigmaEvent is a record with its time in seconds, which is its id too.
type sigmaEvent struct {
	at     int
	record string
}

// runSigma loads rules of any logsource and returns their findings, those of windows
// last.
func runSigma(t *testing.T, yaml string, events []sigmaEvent) []yagura.Finding {
	t.Helper()
	rules, refusals := sigma.Load([]rule.File{{Path: "a.yml", Data: []byte(yaml)}}, sigma.Options{NoRouting: true})
	for _, r := range refusals {
		t.Fatalf("%v\n%s", r.Error(), yaml)
	}
	correlated := map[*rule.Rule]bool{}
	for _, r := range rules {
		if r.Correlation != nil {
			for _, b := range r.Correlation.Rules {
				correlated[b] = true
			}
		}
	}
	// Rules that no correlation uses are in the file for other cases.
	rules = slices.DeleteFunc(rules, func(r *rule.Rule) bool { return r.Correlation == nil && !correlated[r] })
	s := newStand(t, Options{}, rules...)
	w := s.e.NewWindows()
	var out []yagura.Finding
	for i, x := range events {
		ev := &yagura.Event{ID: fmt.Sprint(x.at), Key: yagura.Key{byte(i >> 8), byte(i), 1}, Format: testFormat, Time: time.Unix(int64(x.at), 0).UTC()}
		for _, h := range s.match(x.record) {
			if h.Finds {
				out = append(out, s.m.finding(h, s.m.st, ev))
			}
			if err := w.Add(s.m.Base(h, ev)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Finish(func(f yagura.Finding) error { out = append(out, f); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	return out
}

// TestDeepCondition: as deep as a condition over rules may be written, it can be
// evaluated. A refusal here would be one of all rules.
func TestDeepCondition(t *testing.T) {
	const deep = 198
	text := sigmaBase + `---
title: Deep
id: 00000000-0000-4000-8000-000000000011
correlation:
  type: temporal
  rules: [failed, succeeded]
  timespan: 5m
  condition: ` + strings.Repeat("(failed or succeeded and ", deep) + "failed" + strings.Repeat(")", deep) + "\n"
	rules, refusals := sigma.Load([]rule.File{{Path: "r.yml", Data: []byte(text)}}, sigma.Options{})
	if len(refusals) > 0 {
		t.Fatal(refusals[0].Error())
	}
	if _, err := New(rules, Options{}); err != nil {
		t.Error(err)
	}
}
