package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

// Open opens a database for a test. The first call within a test makes an empty one; later
// calls open the same again, as another replica.
type Open func(t *testing.T, o store.Options) *store.DB

// Run holds what make returns to the contract. make is called once per test.
func Run(t *testing.T, make func(t *testing.T) Open) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, make(t))
		})
	}
}

type testCase struct {
	name string
	run  func(t *testing.T, open Open)
}

var cases = slicesOf(deliveryCases, findingCases, windowCases, issueCases, noticeCases, backupCases, concurrentCases, lakeCases, scheduleCases, consoleCases, listCases, entityCases, smallListCases)

func slicesOf(lists ...[]testCase) (all []testCase) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// epoch is when tests happen.
var epoch = time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)

func update(t testing.TB, db *store.DB, fn func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := db.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, db *store.DB, fn func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := db.View(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// Issue returns a new issue of a cause, as triage would make it.
func Issue(cause string) *yagura.Issue {
	return &yagura.Issue{V: 1, ID: ulid.Make().String(), CauseKey: cause, Kind: yagura.Behaviour, Title: "Title of " + cause,
		Rule: yagura.RuleRef{ID: "rule", Title: "Rule", Engine: yagura.EngineSigma, Tags: []string{}}, Format: "aws.cloudtrail",
		Severity: yagura.SeverityHigh, SeverityOriginal: "high", Status: yagura.StatusOpen, Episode: 1, Opened: epoch, Updated: epoch,
		Account: "111122223333", Entities: []yagura.Entity{}, Version: 1}
}

// Filed returns a finding of an issue, as triage would file it.
func Filed(id, issue string) yagura.Filed {
	return yagura.Filed{Finding: yagura.Finding{V: 1, ID: id, CauseKey: "cause", Kind: yagura.Behaviour,
		Rule:     yagura.RuleRef{ID: "rule", Title: "Rule", Engine: yagura.EngineSigma, Tags: []string{}},
		Severity: yagura.SeverityHigh, SeverityOriginal: "high", Format: "aws.cloudtrail", Source: "trail", Time: epoch,
		Event: yagura.EventRef{ID: "e-" + id, Time: epoch, Account: "111122223333"}, Events: []string{"e-" + id},
		Entities: []yagura.Entity{}, Why: []yagura.Why{}, Output: "somebody did " + id},
		IssueID: issue, Episode: 1, Severity: yagura.SeverityHigh, Generation: "g1", Seen: epoch, Clauses: []string{"default"}}
}

// Notice returns a notice that is owed to a sink.
func Notice(sink string, x *yagura.Issue, op yagura.Op, text string) yagura.Notice {
	n := yagura.Notice{ID: ulid.Make().String(), Sink: sink, Op: op, Created: epoch, Text: text}
	if x != nil {
		n.IssueID, n.Issue = x.ID, x
	}
	return n
}

func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

func name(prefix string, i int) string { return fmt.Sprintf("%s%05d", prefix, i) }

// Clock returns a clock that stands at a second.
func Clock(second int) func() time.Time { return func() time.Time { return at(second) } }
