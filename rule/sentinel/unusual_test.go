package sentinel

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/usual"
)

const unusualHead = "id: x\nname: X\nkind: Unusual\nseverity: Low\n"

func loadUnusual(t *testing.T, text string) ([]*Rule, []rule.Refusal) {
	t.Helper()
	return Load([]rule.File{{Path: "a.yaml", Data: []byte(unusualHead + text)}}, Options{Check: func(l Language, q string) (Checked, *Fault) {
		if l != SQL {
			t.Errorf("checked as %s", l)
		}
		out := Checked{Tables: []string{}}
		for _, table := range []string{"aws_cloudtrail", "okta_system", "events"} {
			if strings.Contains(q, table) {
				out.Tables = append(out.Tables, table)
			}
		}
		return out, nil
	}})
}

func TestUnusual(t *testing.T) {
	rules, refusals := loadUnusual(t, `
entity: access_key
rare: {of: agent, below: 0.05, days: 4}
queryFrequency: 2h
period: 30d
learning: 7d
events: 20
fresh: 6h
restless: 3
among: outcome = 'success'
where: |
  service = 'iam.amazonaws.com'
  OR service = 'kms.amazonaws.com'
formats: [aws.cloudtrail]
tactics: [InitialAccess]
customDetails: {where: region}
yagura: {kind: behaviour, severity: {level: medium, reason: a key is worth more}}
`)
	for i := range refusals {
		t.Error(&refusals[i])
	}
	if len(rules) != 1 {
		t.Fatal("no rule")
	}
	r := rules[0]
	s := r.Unusual
	if s.Kind != usual.AccessKey || s.Of != usual.Agent || !s.Rare || s.Share != 0.05 || s.Days != 4 || s.Every != 2*time.Hour || s.Period != 30*24*time.Hour || s.Learning != 7*24*time.Hour || s.Events != 20 || s.Fresh != 6*time.Hour || s.Restless != 3 {
		t.Errorf("%+v", s)
	}
	if *r.Schedule != (Schedule{Every: 2 * time.Hour, Period: 30 * 24 * time.Hour, Trigger: Greater}) || r.Language != SQL || r.EffectiveSeverity() != yagura.SeverityMedium ||
		!slices.Equal(r.SideCar.CauseKey, []string{"access_key"}) || r.Details[0] != (Detail{"unusual", "unusual"}) || r.Alert.Description != "{{unusual}}" {
		t.Errorf("%+v", r)
	}
	for _, part := range []string{"usual_value('agent', said)", "FROM aws_cloudtrail", "outcome = 'success'", "access_key AS who", "0.05 * t.total"} {
		if !strings.Contains(r.Query, part) {
			t.Errorf("the query lacks %s:\n%s", part, r.Query)
		}
	}
	if rules, refusals := loadUnusual(t, "new: network\n"); len(refusals) > 0 || len(rules) != 1 || rules[0].Unusual.Kind != usual.Actor || rules[0].Schedule.Every != time.Hour || rules[0].Schedule.Period != usual.DefaultPeriod || rules[0].SideCar.CauseKey != nil {
		t.Errorf("%v %+v", refusals, rules)
	}
}

// TestUnusualRefused: what such a rule cannot mean is refused, at its place.
func TestUnusualRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                                    "a.yaml:1:1: rule \"X\": the rule has 0 of new, rare and travel",
		"new: network\nrare: {of: api}":                       "a.yaml:5:6: rule \"X\": the rule has 2 of new, rare and travel",
		"new: shoes":                                          `a.yaml:5:6: rule "X": new: "shoes" is no dimension`,
		"new: network\nentity: dog":                           `a.yaml:6:9: rule "X": unknown entity "dog"`,
		"new: network\nquery: SELECT 1":                       `a.yaml:6:8: rule "X": a rule of kind Unusual has no query`,
		"new: network\nnwe: api":                              `a.yaml:6:1: rule "X": unknown key "nwe" in the rule`,
		"rare: {below: 0.1}":                                  `a.yaml:5:7: rule "X": rare names no dimension`,
		"rare: {of: api, below: 7}":                           `a.yaml:5:24: rule "X": below "7" is no number from 0 to 1`,
		"rare: {of: api, below: NaN}":                         `a.yaml:5:24: rule "X": below "NaN" is no number`,
		"rare: {of: api, days: 0}":                            `a.yaml:5:23: rule "X": days "0" is no number`,
		"travel: false":                                       `a.yaml:5:9: rule "X": travel is false`,
		"travel: {speed: fast}":                               `a.yaml:5:17: rule "X": speed "fast" is no number`,
		"travel: true\nentity: account":                       `a.yaml:6:9: rule "X": an entity of the kind account does not travel`,
		"new: account\nentity: account":                       `a.yaml:5:6: rule "X": an entity of the kind account has one account`,
		"new: network\nperiod: 2d":                            `a.yaml:6:9: rule "X": the period of 48h0m0s is not longer than learning`,
		"new: network\nevents: many":                          `a.yaml:6:9: rule "X": events "many" is no number`,
		"new: network\nformats: [aws.cloudtrai]":              `a.yaml:6:10: rule "X": unknown format "aws.cloudtrai"`,
		"new: network\nwhere: |\n  a = 1\n  AND b = 2) OR (c": `a.yaml:8:12: rule "X": where: the bracket ) closes nothing`,
		"new: network\namong: a = 1 -- b":                     `a.yaml:6:14: rule "X": among: a condition has no comments`,
		"new: network\nqueryFrequency: 1s":                    `a.yaml:6:17: rule "X": queryFrequency`,
	} {
		rules, refusals := loadUnusual(t, text+"\n")
		if len(rules) != 0 || len(refusals) == 0 {
			t.Errorf("%q was loaded: %v", text, refusals)
			continue
		}
		if got := refusals[0].Error(); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	// The keys of the kind are of no other.
	_, refusals := Load([]rule.File{{Path: "a.yaml", Data: []byte("id: x\nname: X\nkind: Scheduled\nseverity: Low\nqueryFrequency: 1h\nquery: events\nnew: network\n")}}, Options{})
	if len(refusals) != 1 || !strings.Contains(refusals[0].Error(), `unknown key "new"`) {
		t.Error(refusals)
	}
	if _, refusals := Load([]rule.File{{Path: "a.yaml", Data: []byte("id: x\nname: X\nkind: Unusual\nnew: network\n")}}, Options{}); len(refusals) != 1 || !strings.Contains(refusals[0].Error(), "no severity") {
		t.Error(refusals)
	}
}
