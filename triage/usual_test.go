package triage

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

// strange is what is known of an address that nobody came from before.
func strange() yagura.Usual {
	return yagura.Usual{Of: "network", Entity: yagura.Entity{Type: "role", ID: "Admin"}, Value: "203.0.113.0/24", Before: testNow.Truncate(time.Hour), First: true,
		Total: 412, KnownDays: 90, Since: testNow.AddDate(0, 0, -90), Peers: 7, Text: "first time from 203.0.113.0/24 in 90 days (412 events before)"}
}

func TestUsualConditions(t *testing.T) {
	known := strange()
	other := yagura.Usual{Of: "network", Value: "198.51.100.0/24", Count: 3, Days: 2, Total: 412, KnownDays: 90}
	hour := yagura.Usual{Of: "hour", Value: "3", Learning: true, KnownDays: 2}
	down := yagura.Usual{Of: "agent", Value: "curl", Unknown: "the lake is away", First: true}
	for condition, want := range map[string]bool{
		`usual.network.first`:                                      true,
		`usual.network.first && finding.kind == "behaviour"`:       true,
		`usual.network.value == "203.0.113.0/24"`:                  true,
		`usual.network.total - usual.network.count > 411`:          true,
		`usual.network.known_days >= 90`:                           true,
		`usual.network.since < timestamp("2026-10-01T00:00:00Z")`:  true,
		`usual.network.peers_with == 0 && usual.network.peers > 5`: true,
		`usual.network.rare || usual.network.learning`:             false,
		`usual.hour.learning`:                                      true,
		`has(usual.network) && !has(usual.country)`:                true,
		`usual.country.first || usual.country.rare`:                false,
		`usual.country.value == "" && usual.country.count == 0`:    true,
		`usual.agent.first || has(usual.agent)`:                    false, // what is not known is empty
		`[usual].exists(u, u.network.first)`:                       true,
		`usual == usual`:                                           true,
	} {
		t.Run(condition, func(t *testing.T) {
			p := parse(t, head+"clauses:\n  - name: x\n    when: |\n      "+condition+"\n    label: [yes]\n")
			in := input()
			in.Finding.Usual = []yagura.Usual{other, known, hour, down}
			c := p.run(in)
			if got := len(c.Labels) == 1; got != want || c.failed > 0 {
				t.Errorf("%v: %+v", got, c.Clauses)
			}
		})
	}
}

func TestUsualRefused(t *testing.T) {
	for condition, want := range map[string]string{
		`usual.netwrk.first`:          `policy.yaml:5:17: clause "x": when: usual has no field "netwrk" (hint: did you mean network?)`,
		`usual.network.frist`:         `policy.yaml:5:25: clause "x": when: baseline has no field "frist" (hint: did you mean first?)`,
		`has(usual.hours)`:            `policy.yaml:5:15: clause "x": when: usual has no field "hours" (hint: did you mean hour?)`,
		`usual.network`:               `policy.yaml:5:11: clause "x": when is a baseline, and must be a bool`,
		`usual.network.count > "3"`:   `policy.yaml:5:31: clause "x": when: > does not take (int, string)`,
		`usual["network"].first`:      `policy.yaml:5:16: clause "x": when: _[_] does not take (usual, string)`,
		`usual.network == "10.0.0.0"`: `policy.yaml:5:25: clause "x": when: == does not take (baseline, string)`,
	} {
		_, problems := ParsePolicy("policy.yaml", []byte(head+"clauses:\n  - name: x\n    when: "+condition+"\n    raise: 1\n"), PolicyOptions{Now: testNow})
		if got := strings.Join(said(problems), "\n"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", condition, got, want)
		}
	}
	_, problems := ParsePolicy("policy.yaml", []byte(head+"clauses:\n  - {name: x, fold: [account, usual.network.value]}\n"), PolicyOptions{Now: testNow})
	if got := strings.Join(said(problems), "\n"); !strings.Contains(got, "fold: usual.network.value is empty when the lake does not answer") {
		t.Errorf("a cause hangs on the lake: %s", got)
	}
}

// TestUsualNamed: what is asked of the lake is what the clauses name, and no more.
func TestUsualNamed(t *testing.T) {
	for clauses, want := range map[string][]string{
		"- raise: 1": nil,
		"- {when: usual.network.first, raise: 1}\n  - {when: usual.api.rare || usual.network.rare, label: [{from: usual.hour.value}]}": {"api", "hour", "network"},
		"- {when: has(usual.region), raise: 1}":               {"region"},
		"- {when: '[usual].exists(u, u.api.rare)', raise: 1}": {"agent", "api", "country", "hour", "network", "region", "resource"},
	} {
		if d := cmp.Diff(want, parse(t, head+"clauses:\n  "+clauses+"\n").Usual()); d != "" {
			t.Errorf("%s: %s", clauses, d)
		}
	}
}

// TestUsualSaid: the decision of a clause says what is usual, once, and on one line whatever
// the value holds; what is not known is said too.
func TestUsualSaid(t *testing.T) {
	p := parse(t, head+`clauses:
  - name: a new network
    because: nobody works from there
    when: usual.network.first && finding.kind == "behaviour"
    raise: 1
    label: [new-network]
  - name: a strange tool
    when: usual.agent.first || usual.api.first
    raise: 1
  - name: watched
    when: finding.severity == medium
    label: [watched]
`)
	in := input()
	hostile := yagura.Usual{Of: "agent", Value: "x", First: true, Text: "first use of evil\x1b[31m\n\n# <script>\u2028" + strings.Repeat("a", 1000)}
	in.Finding.Usual = []yagura.Usual{strange(), hostile, {Of: "api", Unknown: "the lake did not answer within 2s\x00"}}
	c := p.run(in)
	var got []string
	for _, d := range c.Clauses {
		got = append(got, explain(d))
	}
	const shown = "first use of evil [31m  # <script> "
	want := []string{
		"not known what is usual (api): the lake did not answer within 2s",
		"a new network: severity medium → high: nobody works from there; first time from 203.0.113.0/24 in 90 days (412 events before)",
		"a new network: labelled new-network: nobody works from there",
		"a strange tool: severity high → critical; " + shown + strings.Repeat("a", maxUsualText-1-len(shown)) + "…",
		"watched: labelled watched",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if s := decisive(c.Judgement); s != want[3] {
		t.Errorf("the reason of the level is %q", s)
	}
	in.Finding.Usual = nil
	if c := p.run(in); len(c.Clauses) != 1 || c.Severity != yagura.SeverityMedium {
		t.Errorf("nothing was asked: %+v", c.Judgement)
	}
}

// TestUsualCases: a test of a policy says what is usual.
func TestUsualCases(t *testing.T) {
	p := parse(t, head+"clauses:\n  - {name: new, when: usual.network.first && usual.hour.count < 3, raise: 1}\n")
	cases, problems := ParseCases("t", []byte(`tests:
  - name: a new network
    usual: {network: {first: true, value: 203.0.113.0/24, known_days: 90, total: 412}, hour: {value: 3, count: 2, since: 2026-01-01T00:00:00Z}}
    expect: {severity: high, clauses: [new]}
  - name: the lake is away
    usual: {network: {unknown: the lake is away}}
    expect: {severity: medium}
`))
	if len(problems) > 0 {
		t.Fatal(said(problems))
	}
	got := p.Test(cases, nil)
	if len(got) != 2 || len(got[0].Differences)+len(got[1].Differences) > 0 {
		t.Fatalf("%+v", got)
	}
	if d := cmp.Diff([]string{"t:1:1", `policy.yaml:4:5: new: severity medium → high; hour 3: usual; network 203.0.113.0/24: first`}, append([]string{"t:1:1"}, got[0].Decisions...)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"policy: not known what is usual (network): the lake is away"}, got[1].Decisions); d != "" {
		t.Error(d)
	}
	for text, want := range map[string]string{
		`usual: {netwrk: {first: true}}`:            `t:1:18: usual has no key "netwrk" (hint: did you mean network?)`,
		`usual: {network: {frist: true}}`:           `t:1:28: usual.network has no key "frist" (hint: did you mean first?)`,
		`usual: {network: first}`:                   `t:1:27: usual.network is one value (hint: write key: value pairs)`,
		`usual: {network: {first: 3}}`:              `t:1:35: usual.network.first: cannot unmarshal string into Go struct field Usual.first of type bool (hint: the names are those of docs/contracts.md)`,
		`usual: {network: {of: hour, first: true}}`: `t:1:28: usual.network has no key "of" (hint: known here: count, days, first, known_days, last, learning, peers, peers_with, rare, since, total, value, unknown)`,
	} {
		_, problems := ParseCases("t", []byte("tests: [{"+text+", expect: {severity: low}}]"))
		if got := strings.Join(said(problems), "\n"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

// TestLearn: the desk asks for what its policy names, for all findings at once, and not where
// the policy names nothing.
func TestLearn(t *testing.T) {
	p := parse(t, head+"clauses:\n  - {name: new, when: usual.network.first, raise: 1}\n")
	var asked []string
	d := &Desk{Policy: func() *Policy { return p }, Usual: func(_ context.Context, cases []*Found, of []string) {
		for _, c := range cases {
			asked = append(asked, c.Finding.ID+" "+strings.Join(of, ","))
			c.Finding.Usual = []yagura.Usual{strange()}
		}
	}}
	a, b := []Found{{Finding: yagura.Finding{ID: "1"}}, {Finding: yagura.Finding{ID: "2"}}}, []Found{{Finding: yagura.Finding{ID: "3"}}}
	d.Learn(t.Context(), a, nil, b)
	if got := strings.Join(asked, " "); got != "1 network 2 network 3 network" || !b[0].Finding.Usual[0].First {
		t.Errorf("%s %+v", got, b)
	}
	asked = nil
	d.Learn(t.Context(), nil)
	p = DefaultPolicy()
	d.Learn(t.Context(), a)
	if asked != nil {
		t.Errorf("asked for nothing: %v", asked)
	}
}
