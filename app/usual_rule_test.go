//go:build cgo

package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/detections"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sentinel"
	"github.com/yagura-sec/yagura/schedule"
)

const newNetwork = `
id: unusual-network
name: An actor came from a new network
kind: Unusual
severity: Low
tactics: [InitialAccess]
relevantTechniques: [T1078]
entity: actor
new: network
queryFrequency: 3h
period: 30d
learning: 14d
formats: [aws.cloudtrail]
`

// over runs the first rule of a house over a time.
func over(t *testing.T, h *lakeHouse, from, to time.Time) (out []yagura.Finding) {
	t.Helper()
	if _, err := schedule.Over(t.Context(), h.engine, h.rules[0], from, to, func(f yagura.Finding) error {
		out = append(out, f)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(out, func(a, b yagura.Finding) int { return strings.Compare(a.Event.ID, b.Event.ID) })
	return out
}

// TestUsualFinding: a finding is about the first event with the new value, says why in words,
// and who it is about.
func TestUsualFinding(t *testing.T) {
	engine, dir := testEngine(t)
	h, calls, end := usualHouse(t, engine, dir, newNetwork)
	h.deliver(append(calls, call{at: end.Add(-time.Minute), id: 5003, user: "alice", name: "ListUsers", ip: "203.0.113.77"}))
	list := over(t, h, begun, end.Add(12*time.Hour))
	if len(list) != 2 {
		t.Fatalf("%d findings: %+v", len(list), list)
	}
	f := list[0]
	words := "first time from 203.0.113.0/24 in 30 days; known since 2026-03-02 with 80 events on 20 days, from 1 network; none of its 2 peers came from there"
	if f.Event.ID != "00000000-0000-4000-8000-000000005000" || !f.Time.Equal(end.Add(-time.Hour)) || f.Event.Actor.ID != who("alice").ID || f.Event.SrcIP != "203.0.113.9" || f.Event.Region != "us-east-1" ||
		f.Output != "An actor came from a new network: "+words || f.CauseKey != "111122223333 unusual-network user=arn:aws:iam::111122223333:user/alice" || f.Format != "aws.cloudtrail" {
		t.Errorf("%+v", f)
	}
	if !slices.ContainsFunc(f.Why, func(w yagura.Why) bool { return w.Field == "unusual" && w.Actual == words }) {
		t.Errorf("%+v", f.Why)
	}
	if g := list[1]; g.Event.ID != "00000000-0000-4000-8000-000000005001" || !strings.Contains(g.Output, "first time from 2001:db8::/48") {
		t.Errorf("%+v", g)
	}
}

// packRule returns a rule of the pack by the name of its file.
func packRule(t *testing.T, name string) string {
	t.Helper()
	files, err := detections.Unusual()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Path, "/"+name+".yaml") {
			return string(f.Data)
		}
	}
	t.Fatalf("there is no %s in the pack", name)
	return ""
}

// TestUsualPack: each rule of the pack finds what it is for, and none of the near misses.
func TestUsualPack(t *testing.T) {
	engine, dir := placesEngine(t)
	const days = 30
	end := begun.Add(days * 24 * time.Hour)
	at := func(h float64) time.Time { return end.Add(time.Duration(h * float64(time.Hour))) }
	with := func(list []call, change func(*call)) []call {
		list = slices.Clone(list)
		for i := range list {
			change(&list[i])
		}
		return list
	}
	alice := habits("alice", "192.0.2", days, 4, 1)
	young := habits("young", "192.0.2", 10, 8, 10_000) // known since 10 days only
	for i := range young {
		young[i].at = young[i].at.Add((days - 10) * 24 * time.Hour)
	}
	for name, c := range map[string]struct {
		baseline, hits, misses []call
		words                  string
		until                  time.Time
	}{
		"new-country": {slices.Concat(alice, young),
			[]call{{at: at(1), user: "alice", name: "ListUsers", ip: "203.0.113.5"}},
			[]call{{at: at(1), user: "alice", name: "ListUsers", ip: "198.51.100.5"}, // another network of the same country
				{at: at(0.5), user: "alice", name: "ListUsers", ip: "203.0.113.5", error: "AccessDenied"}, // refused
				{at: at(1), user: "young", name: "ListUsers", ip: "203.0.113.5"}, {at: at(3), user: "alice", name: "ListUsers", ip: "203.0.113.6"}, {at: at(1), user: "alice", name: "Decrypt", ip: "kms.amazonaws.com"}},
			"first time from the country BR in 90 days; known since 2026-03-02 with 121 events on 31 days, from 2 countries; its one peer never did", at(10)},
		"new-network-sensitive": {slices.Concat(alice, young),
			[]call{{at: at(1.5), user: "alice", name: "CreateUser", ip: "203.0.113.5"}},
			[]call{{at: at(0.5), user: "alice", name: "GetCallerIdentity", service: "sts.amazonaws.com", ip: "203.0.113.5", read: true}, // it looks around first
				{at: at(2), user: "alice", name: "CreateUser", ip: "192.0.2.77"}, {at: at(2), user: "young", name: "CreateUser", ip: "203.0.113.5"}, {at: at(4), user: "alice", name: "DeleteUser", ip: "203.0.113.5"},
				{at: at(1), user: "alice", name: "ListRoles", ip: "198.51.100.5", read: true}, {at: at(30), user: "alice", name: "CreateUser", ip: "198.51.100.5"}}, // a day later it is no new network
			"first time from AS64501 Away in 90 days", at(32)},
		"new-agent-of-a-key": {slices.Concat(with(alice, func(c *call) { c.key = "AKIAIOSFODNN7EXAMPLE" }), with(habits("bob", "192.0.2", days, 4, 20_000), func(c *call) { c.key = "ASIAIOSFODNN7EXAMPLE" })),
			[]call{{at: at(1), user: "alice", name: "ListUsers", ip: "192.0.2.1", key: "AKIAIOSFODNN7EXAMPLE", agent: "python-requests/2.31"}},
			[]call{{at: at(1), user: "alice", name: "ListUsers", ip: "192.0.2.1", key: "AKIAIOSFODNN7EXAMPLE", agent: "aws-cli/3.0.0 new"}, {at: at(1), user: "bob", name: "ListUsers", ip: "192.0.2.1", key: "ASIAIOSFODNN7EXAMPLE", agent: "python-requests/2.31"}},
			"first time with python-requests", at(10)},
		"new-region-of-an-account": {with(alice, func(c *call) { c.read, c.name = false, "RunInstances" }),
			[]call{{at: at(1), user: "eve", name: "RunInstances", region: "sa-east-1"}},
			[]call{{at: at(0.2), user: "eve", name: "DescribeInstances", region: "sa-east-1", read: true}, {at: at(1), user: "eve", name: "RunInstances"}, {at: at(1), user: "eve", name: "RunInstances", region: "us-west-1", error: "UnauthorizedOperation"}, {at: at(2), user: "eve", name: "RunInstances", region: "sa-east-1"}},
			"first time in sa-east-1", at(10)},
		"console-hour": {with(habits("alice", "192.0.2", days, 1, 1), func(c *call) { c.name, c.read = "ConsoleLogin", false }),
			[]call{{at: at(3), user: "alice", name: "ConsoleLogin", ip: "192.0.2.1"}},
			[]call{{at: at(9.2), user: "alice", name: "ConsoleLogin", ip: "192.0.2.1"}, {at: at(4), user: "alice", name: "ConsoleLogin", ip: "192.0.2.1", error: "Failed"}, {at: at(5), user: "alice", name: "ListUsers", ip: "192.0.2.1"}},
			"first time at 03 o'clock", at(10)},
		"impossible-travel": {slices.Concat(alice, habits("a", "203.0.113", days, 1, 30_000)),
			[]call{{at: at(2), user: "alice", name: "ListUsers", ip: "203.0.113.5"}},
			[]call{{at: at(1.9), user: "alice", name: "ListUsers", ip: "192.0.2.1"},
				{at: at(2.5), user: "alice", name: "ListUsers", ip: "192.0.2.1"},                                                          // and back: the same way
				{at: at(1), user: "b", name: "ListUsers", ip: "192.0.2.1"}, {at: at(23), user: "b", name: "ListUsers", ip: "203.0.113.5"}, // a night in an airliner
				{at: at(1), user: "c", name: "ListUsers", ip: "192.0.2.1"}, {at: at(1.1), user: "c", name: "ListUsers", ip: "198.51.100.5"}, // the next town
				{at: at(1), user: "d", name: "ListUsers", ip: "192.0.2.1"}, {at: at(1.1), user: "d", name: "ListUsers", ip: "203.0.113.200"}, // the VPN
				{at: at(1), user: "e", name: "ListUsers", ip: "192.0.2.1"}, {at: at(1.1), user: "e", name: "Decrypt", ip: "kms.amazonaws.com"}}, // a service
			"km from 192.0.2.1 to 203.0.113.5 in 6 minutes", at(24)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newLakeHouse(t, engine, dir, packRule(t, name))
			id := 50_000
			number := func(list []call) []call {
				for i := range list {
					id++
					list[i].id = id
					if list[i].ip == "" {
						list[i].ip = "192.0.2.1"
					}
				}
				return list
			}
			hits := number(c.hits)
			h.deliver(slices.Concat(c.baseline, hits, number(c.misses)))
			var got []string
			list := over(t, h, end, c.until)
			for _, f := range list {
				got = append(got, f.Event.ID)
				if !strings.Contains(f.Output, c.words) {
					t.Errorf("says %q, not %q", f.Output, c.words)
				}
				if f.Rule.Tags == nil || f.Severity > yagura.SeverityMedium || f.Severity < yagura.SeverityLow {
					t.Errorf("%v %v", f.Rule.Tags, f.Severity)
				}
			}
			var want []string
			for _, x := range hits {
				want = append(want, fmt.Sprintf("00000000-0000-4000-8000-%012d", x.id))
			}
			if !slices.Equal(got, want) {
				t.Errorf("found %v, want %v", got, want)
				for _, f := range list {
					t.Log(f.Time, f.Output)
				}
			}
		})
	}
}

// TestUsualPackLoads: every file of the pack is loaded whole, has a Japanese title and a case
// above.
func TestUsualPackLoads(t *testing.T) {
	rules, err := LoadRules(RuleOptions{Paths: []string{Unusual}})
	if err != nil {
		t.Fatal(err)
	}
	if len(rules.Refusals) > 0 || len(rules.Scheduled) != 6 {
		t.Errorf("%d rules, %v", len(rules.Scheduled), rules.Refusals)
	}
	for _, x := range rules.Scheduled {
		if x.Unusual == nil || x.Japanese.Title == "" || x.Language != sentinel.SQL || x.Schedule.Period <= x.Schedule.Every || len(x.Tags) < 2 || x.SideCar.Kind != yagura.Behaviour {
			t.Errorf("%s: %+v", x.File, x)
		}
	}
}

// TestUsualUnion: a rule over several log types, and one about countries over all of them, give
// queries that the engine takes.
func TestUsualUnion(t *testing.T) {
	engine, dir := testEngine(t)
	for _, change := range []string{"new: country\nformats: [aws.cloudtrail, okta.system]", "new: country", "new: hour", "rare: {of: resource}\nformats: [gcp.audit, aws.cloudtrail]", "travel: true", "entity: access_key\ntravel: {speed: 100}", "entity: address\nnew: agent", "entity: account\nrare: {of: weekday}"} {
		h := newLakeHouse(t, engine, dir, "id: x\nname: X\nkind: Unusual\nseverity: Low\n"+change+"\n")
		h.deliver(habits("alice", "192.0.2", 3, 2, 1))
		if list := over(t, h, begun, begun.Add(2*time.Hour)); len(list) > 0 {
			t.Errorf("%s: %+v", change, list)
		}
	}
}

// TestUsualCondition: what is wrong in a condition and only the engine can tell is said when
// the rule runs.
func TestUsualCondition(t *testing.T) {
	engine, dir := testEngine(t)
	h := newLakeHouse(t, engine, dir, newNetwork+"where: servic = 'x'\n")
	h.deliver(habits("alice", "192.0.2", 3, 2, 1))
	_, err := schedule.Over(t.Context(), h.engine, h.rules[0], begun, begun.Add(3*time.Hour), func(yagura.Finding) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "servic") {
		t.Error(err)
	}
	_, refusals := sentinel.Load([]rule.File{{Path: "x.yaml", Data: []byte(newNetwork + "where: read_text('/etc/passwd') = ''\n")}}, sentinel.Options{Check: queryChecker()})
	if len(refusals) > 0 {
		t.Fatal(refusals)
	}
	h = newLakeHouse(t, engine, dir, newNetwork+"where: action IN (SELECT content FROM read_text('/etc/passwd'))\n")
	h.deliver(habits("alice", "192.0.2", 3, 2, 1))
	if _, err := schedule.Over(t.Context(), h.engine, h.rules[0], begun, begun.Add(3*time.Hour), func(yagura.Finding) error { return nil }); err == nil || !strings.Contains(err.Error(), "read_text") {
		t.Error(err)
	}
}
