//go:build cgo

package app

import (
	"fmt"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sentinel"
	"github.com/yagura-sec/yagura/schedule"
	"github.com/yagura-sec/yagura/usual"
)

const arnOf = "arn:aws:iam::111122223333:user/"

// habits make calls of an actor over days: some each day from one network, in working hours.
func habits(user, net string, days, perDay, id int) (out []call) {
	for d := range days {
		for i := range perDay {
			out = append(out, call{at: begun.Add(time.Duration(d)*24*time.Hour + 9*time.Hour + time.Duration(i)*17*time.Minute), id: id, user: user, name: "ListUsers", ip: fmt.Sprintf("%s.%d", net, 1+i%3)})
			id++
		}
	}
	return out
}

func TestUsualAsk(t *testing.T) {
	engine, dir := testEngine(t)
	h := newLakeHouse(t, engine, dir)
	h.deliver(habits("alice", "192.0.2", 20, 4, 1))
	h.deliver(habits("carol", "198.51.100", 20, 4, 1001))
	h.deliver(habits("dave", "198.51.100", 5, 4, 2001))
	end := begun.Add(20 * 24 * time.Hour)
	h.deliver([]call{{at: end.Add(-time.Hour), id: 5000, user: "alice", name: "CreateAccessKey", ip: "203.0.113.9"}})
	asker := &UsualAsker{Hunter: h.engine.hunter}
	who := func(name string) yagura.Entity { return yagura.Entity{Type: yagura.EntityUser, ID: arnOf + name} }
	questions := []usual.Question{
		{Entity: who("alice"), Of: usual.Network, Value: "198.51.100.77", Before: end},
		{Entity: who("ALICE"), Of: usual.Network, Value: "192.0.2.200", Before: end},
		{Entity: who("alice"), Of: usual.Network, Value: "203.0.113.9", Before: end.Add(-time.Hour)},
		{Entity: who("alice"), Of: usual.Network, Value: "203.0.113.9", Before: end},
		{Entity: who("dave"), Of: usual.Network, Value: "203.0.113.9", Before: end},
		{Entity: who("nobody"), Of: usual.API, Value: "iam:ListUsers", Before: end},
		{Entity: who("alice"), Of: usual.API, Value: "iam:ListUsers", Before: end},
		{Entity: who("alice"), Of: usual.Country, Value: "203.0.113.9", Before: end},
		{Entity: yagura.Entity{Type: yagura.EntityAccount, ID: "111122223333"}, Of: usual.Region, Value: "us-east-1", Before: end},
		{Entity: who("alice"), Of: usual.Hour, Value: end.Add(3 * time.Hour).Format(time.RFC3339), Before: end},
	}
	got, err := asker.Ask(t.Context(), questions)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range got {
		t.Log(i, a.Words("en"))
		t.Log(i, a.Words("ja"))
	}
}

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
learning: 12h
events: 10
formats: [aws.cloudtrail]
`

func TestUsualRule(t *testing.T) {
	engine, dir := testEngine(t)
	h := newLakeHouse(t, engine, dir, newNetwork)
	h.deliver(habits("alice", "192.0.2", 20, 4, 1))
	h.deliver(habits("carol", "198.51.100", 20, 4, 1001))
	end := begun.Add(20 * 24 * time.Hour)
	h.deliver([]call{{at: end.Add(-time.Hour), id: 5000, user: "alice", name: "CreateAccessKey", ip: "203.0.113.9"}})
	_, err := schedule.Over(t.Context(), h.engine, h.rules[0], begun, end.Add(time.Hour), func(f yagura.Finding) error {
		t.Logf("%+v", f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = rule.File{}
	_ = sentinel.SQL
}
