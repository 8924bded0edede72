package triage

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
)

func TestReplay(t *testing.T) {
	filed := func(n int, cause string, level yagura.Severity, mode string) yagura.Filed {
		f := *openTrail()
		f.ID, f.CauseKey, f.Severity, f.Mode = fmt.Sprint("f", n), "111122223333 rule-1 trail="+cause, level, mode
		return yagura.Filed{Finding: f, Severity: level, IssueID: "I" + cause, Seen: testNow.Add(time.Duration(n) * time.Hour)}
	}
	list := []yagura.Filed{
		filed(1, "a", yagura.SeverityMedium, ""),
		filed(2, "a", yagura.SeverityMedium, ""),
		filed(3, "a", yagura.SeverityHigh, ""), // a rise
		filed(4, "b", yagura.SeverityMedium, ""),
		filed(5, "c", yagura.SeverityLow, ""),
		filed(6, "d", yagura.SeverityLow, "count"),
	}
	findings := func(yield func(yagura.Filed) error) error {
		for _, f := range list {
			if err := yield(f); err != nil {
				return err
			}
		}
		return nil
	}
	before := parse(t, head)
	after := parse(t, head+`clauses:
  - name: one level up
    when: finding.cause_key.endsWith("=b")
    raise: 1
  - name: quiet
    when: finding.cause_key.endsWith("=c")
    suppress: {until: 2027-01-01, reason: r}
  - name: broken
    when: event.size > "a"
    raise: 1
  - name: one
    when: finding.severity == medium
    fold: [account]
`)
	accounts := NewAccounts([]yagura.AccountInfo{{ID: "111122223333"}})
	got, err := Replay(findings, before, after, ReplayOptions{Accounts: accounts, Event: func(f *yagura.Filed) ([]byte, error) {
		if f.Finding.ID == "f1" {
			return nil, nil
		}
		return []byte(`{"size": 3}`), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := &Comparison{Findings: 6, First: testNow.Add(time.Hour), Last: testNow.Add(6 * time.Hour), NoRecord: 1,
		Levels: []LevelChange{
			{yagura.SeverityCritical, Change{}, Change{}},
			{yagura.SeverityHigh, Change{1, 2}, Change{1, 2}},
			{yagura.SeverityMedium, Change{3, 2}, Change{1, 0}},
			{yagura.SeverityLow, Change{2, 2}, Change{1, 1}},
			{yagura.SeverityNone, Change{}, Change{}},
		},
		Moves: []Move{
			{From: "low", To: "low suppressed", Findings: 1, Causes: 1, Examples: []Example{{Finding: "f5", Rule: "CloudTrail logging disabled", Account: "111122223333",
				CauseKey: "v1|-|111122223333|rule-1 trail=c"}}},
			{From: "medium", To: "high", Findings: 1, Causes: 1, Examples: []Example{{Finding: "f4", Rule: "CloudTrail logging disabled", Account: "111122223333",
				CauseKey: "v1|-|111122223333|fold:"}}},
		},
		Rules: []RuleMove{
			{Rule: "rule-1", Title: "CloudTrail logging disabled", From: "low", To: "low suppressed", Findings: 1, Issues: []string{"Ic"}},
			{Rule: "rule-1", Title: "CloudTrail logging disabled", From: "medium", To: "high", Findings: 1, Issues: []string{"Ib"}},
		},
		// By the edited policy: a and b are one, told as medium by f1 and risen by f4; f3 is a cause of its own.
		Sinks: []SinkChange{
			{"github", Change{2, 2}, Change{1, 1}},
			{"pagerduty", Change{1, 2}, Change{0, 0}},
			{"slack", Change{1, 0}, Change{}},
		},
		Causes: Change{3, 3}, Suppressed: Change{0, 1}, Errors: 5}
	for i := range got.Moves {
		for k := range got.Moves[i].Examples {
			if len(got.Moves[i].Examples[k].Clauses) == 0 {
				t.Error("an example without what was decided")
			}
			got.Moves[i].Examples[k].Clauses = nil
		}
	}
	for i := range got.Rules {
		if len(got.Rules[i].Clauses) == 0 {
			t.Error("a rule without what was decided")
		}
		got.Rules[i].Clauses = nil
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}

	// Without a policy before, what was filed counts.
	got, err = Replay(findings, nil, before, ReplayOptions{Accounts: accounts})
	if err != nil || len(got.Moves) != 0 || got.Causes != (Change{3, 3}) || got.Levels[1].Findings != (Change{1, 1}) {
		t.Errorf("%+v %v", got, err)
	}
	boom := errors.New("boom")
	if _, err := Replay(func(func(yagura.Filed) error) error { return boom }, nil, before, ReplayOptions{}); !errors.Is(err, boom) {
		t.Errorf("the error is lost: %v", err)
	}
}
