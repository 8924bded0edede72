package notify

import (
	"time"

	"github.com/yagura-sec/yagura"
)

// Sample returns a notice with something in every piece, to try a template or a sink with.
// Nothing in it is of a real cloud.
func Sample(op yagura.Op) *yagura.Notice {
	at := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	f := &yagura.Finding{V: 1, ID: "sample-finding", CauseKey: "sample", Kind: yagura.Behaviour,
		Rule:     yagura.RuleRef{ID: "sample-rule", Title: "Trail stopped", Engine: yagura.EngineSigma, File: "sample.yml", Tags: []string{"attack.defense_evasion", "attack.t1562.008"}},
		Severity: yagura.SeverityHigh, SeverityOriginal: "medium", Format: "aws.cloudtrail", Source: "sample", Time: at.Add(-time.Minute),
		Event: yagura.EventRef{ID: "e1", Time: at.Add(-time.Minute), Account: "111122223333", Region: "eu-central-1", Action: "StopLogging",
			Actor: yagura.Actor{Type: yagura.EntityUser, ID: "arn:aws:iam::111122223333:user/mary", Name: "mary", SessionOf: "arn:aws:iam::111122223333:role/admin"}, SrcIP: "192.0.2.7", Outcome: yagura.OutcomeSuccess},
		Events: []string{"e1"}, Entities: []yagura.Entity{{Type: yagura.EntityUser, ID: "mary"}, {Type: yagura.EntityResource, ID: "arn:aws:cloudtrail:eu-central-1:111122223333:trail/main"}},
		Why:    []yagura.Why{{Field: "eventName", Op: "equals", Value: "StopLogging", Actual: "StopLogging"}},
		Output: "mary stopped the trail main", Caps: []string{"only the first 100 events are listed"}}
	i := &yagura.Issue{V: 1, ID: "01JDP5X0000000000000000000", CauseKey: "sample", Kind: yagura.Behaviour, Title: "Trail stopped", TitleJA: "証跡の停止", Runbook: &yagura.Runbook{Check: []string{"Ask mary whether she did it."}, Do: []string{"Start the trail again."},
		CheckJA: []string{"mary に本人の操作か確認する。"}, DoJA: []string{"証跡を再開する。"}},
		Rule: f.Rule, Format: f.Format, Severity: yagura.SeverityHigh, SeverityOriginal: "medium", Status: yagura.StatusOpen, Episode: 2,
		Opened: at, Updated: at, FirstSeen: at.Add(-time.Hour), LastSeen: at, Count: 3, Account: "111122223333",
		AccountInfo: yagura.AccountInfo{ID: "111122223333", Name: "payments", Organisation: "shop", Owner: "team-payments", Environment: "production", Listed: true},
		Actor:       f.Event.Actor, Entities: f.Entities, Assignee: "mary", Labels: []string{"team/payments"},
		Links: []yagura.Link{{Title: "Runbook", URL: "https://example.com/runbook"}}, Announced: yagura.SeverityMedium, Latest: f, Version: 4}
	n := &yagura.Notice{ID: "01JDP5X0000000000000000001", IssueID: i.ID, Sink: "sample", Seq: 1, Op: op, Created: at, Issue: i, Finding: f,
		Entry: &yagura.Entry{IssueID: i.ID, Seq: 4, At: at, EventTime: at.Add(-time.Minute), Who: "github:mary", What: yagura.EntryNote, Text: "we are looking at it"}}
	switch op {
	case yagura.OpClose:
		i.Status, i.Closed, i.CloseReason, i.Conclusion = yagura.StatusClosed, at, yagura.ClosedByHuman, yagura.ConcludedTruePositive
	case yagura.OpAck:
		i.Status, i.Acked = yagura.StatusAcknowledged, at
	case yagura.OpDigest, yagura.OpTest:
		n.IssueID, n.Issue, n.Finding, n.Entry, n.Text = "", nil, nil, nil, "first line\nsecond line"
	case yagura.OpAsk:
		n.To = "mary@example.com"
	}
	return n
}
