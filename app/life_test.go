package app

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
)

// shifted is a clock that a test moves on.
type shifted struct{ by atomic.Int64 }

func (c *shifted) now() time.Time          { return time.Now().Add(time.Duration(c.by.Load())) }
func (c *shifted) advance(d time.Duration) { c.by.Add(int64(d)) }

func (s *stand) change(c yagura.Change) {
	s.t.Helper()
	eventNumber++
	c.ID, c.Via, c.Who = fmt.Sprint(eventNumber), "cli", "cli:mary"
	if _, err := s.serve.inbox().Apply(s.t.Context(), c); err != nil {
		s.t.Fatal(err)
	}
}

// TestStorm: of many new issues at once the first are told one by one, and one umbrella issue
// tells of all the others; none is dropped.
func TestStorm(t *testing.T) {
	s := newStand(t)
	s.cfg.Storm = 5
	s.start()
	var records []string
	for i := range 30 {
		records = append(records, trail("2026-03-02T12:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", fmt.Sprintf(`{"name":"trail-%d"}`, i)))
	}
	s.post(records...)
	s.settled()
	under, told := 0, 0
	umbrella := s.issue("Many new issues at once")
	for _, is := range s.issues() {
		switch {
		case is.ID == umbrella.ID:
		case is.Umbrella == umbrella.ID:
			under++
		case len(is.Told) > 0:
			told++
		}
	}
	if told != 5 || under != 25 {
		t.Errorf("%d told, %d under the umbrella", told, under)
	}
	if n := len(s.gh.Issues("acme/security")); n != 6 {
		t.Errorf("%d issues at GitHub", n)
	}
	listed := 0
	for _, what := range s.story(umbrella.ID) {
		if what == string(yagura.EntryStorm) {
			listed++
		}
	}
	if listed != 25 || umbrella.Severity != yagura.SeverityHigh {
		t.Errorf("%d listed, severity %s", listed, umbrella.Severity)
	}
}

// TestPolicy: a policy of one's own lowers, suppresses and labels; the suppression is warned
// of, ends, and then tells.
func TestPolicy(t *testing.T) {
	clock := &shifted{}
	s := newStand(t)
	s.clock = clock.now
	file := filepath.Join(t.TempDir(), "policy.yaml")
	until := time.Now().Add(10 * 24 * time.Hour).UTC().Format(time.RFC3339)
	err := os.WriteFile(file, []byte(`version: 1
routes: {critical: [github, pagerduty], high: [github, pagerduty], medium: [github], low: [], none: []}
clauses:
  - name: the drill
    when: finding.cause_key.contains("drill")
    suppress: {until: `+until+`, reason: drill of the year}
  - name: bob is known
    when: finding.event.actor.id.contains("bob") && !finding.cause_key.contains("drill")
    level: medium
    label: [known]
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s.cfg.Policy = file
	s.start()
	s.post(trail("2026-03-02T12:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`),
		trail("2026-03-02T12:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"drill"}`))
	s.settled()
	var known, drill yagura.Issue
	for _, is := range s.issues() {
		if strings.Contains(is.CauseKey, "drill") {
			drill = is
		} else {
			known = is
		}
	}
	if known.Severity != yagura.SeverityMedium || !slices.Contains(known.Labels, "known") || !slices.Equal(known.Told, []string{"github"}) {
		t.Errorf("%+v", known)
	}
	if drill.SuppressedUntil.IsZero() || drill.SuppressReason != "drill of the year" || len(drill.Told) != 0 {
		t.Errorf("%+v", drill)
	}
	if n := len(s.gh.Issues("acme/security")); n != 1 {
		t.Errorf("%d issues at GitHub", n)
	}
	clock.advance(8 * 24 * time.Hour)
	s.tick()
	s.tick()
	warned := 0
	for _, what := range s.story(drill.ID) {
		if what == string(yagura.EntrySuppressed) {
			warned++
		}
	}
	if warned != 2 { // that it is, and once that it ends
		t.Errorf("%d entries about the suppression", warned)
	}
	// It was never told, so the warning goes where it would be, and pages nobody.
	gh := s.gh.Issues("acme/security")
	if len(gh) != 2 || !strings.Contains(gh[1].Body, "Suppressed until ") {
		t.Errorf("the end of the suppression is not announced: %+v", gh)
	}
	if n := len(s.pd.Incidents()); n != 0 {
		t.Errorf("%d incidents while it is suppressed", n)
	}
	clock.advance(3 * 24 * time.Hour)
	s.tick()
	if n := len(s.pd.Incidents()); n != 1 {
		t.Errorf("%d incidents after the suppression", n)
	}
	if n := len(s.gh.Issues("acme/security")); n != 2 {
		t.Errorf("%d issues at GitHub after the suppression", n)
	}
}

// TestYes: a yes of the person concerned lowers what is low or medium where the policy says
// so, at once; high it leaves as it is, and without a yes nothing goes down.
func TestYes(t *testing.T) {
	s := newStand(t)
	s.cfg.Policy = filepath.Join(t.TempDir(), "policy.yaml")
	text := "version: 1\nclauses:\n  - name: it was them\n    when: issue.labels.exists(l, l == \"answered:yes\")\n    lower: 2\n"
	if err := os.WriteFile(s.cfg.Policy, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.post(trail("2026-03-02T12:00:00Z", "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`))
	is := s.one()
	s.change(yagura.Change{IssueID: is.ID, What: yagura.ChangeAnswer, Yes: true})
	s.settled()
	if is = s.one(); is.Severity != yagura.SeverityNone || is.Status != yagura.StatusOpen || !slices.Contains(s.story(is.ID), string(yagura.EntrySeverity)) {
		t.Errorf("%+v", is)
	}
	s.post(trail("2026-03-02T14:00:00Z", "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`))
	if is = s.one(); is.Severity != yagura.SeverityNone || is.Count != 2 {
		t.Errorf("%+v", is)
	}
	s.post(trail("2026-03-02T15:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`))
	high := s.issue("CloudTrail logging disabled")
	s.change(yagura.Change{IssueID: high.ID, What: yagura.ChangeAnswer, Yes: true})
	s.post(trail("2026-03-02T16:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`))
	if high = s.issue("CloudTrail logging disabled"); high.Severity != yagura.SeverityHigh {
		t.Errorf("%+v", high)
	}
}

// TestPeople: acknowledge, label, note, suppress, conclude; a rise pierces a suppression; an
// answer of no raises; what is overdue reminds once.
func TestPeople(t *testing.T) {
	clock := &shifted{}
	s := newStand(t)
	s.clock = clock.now
	s.cfg.Targets = map[string]config.Target{"high": {Acknowledge: config.Duration(15 * time.Minute)}, "medium": {Acknowledge: config.Duration(time.Hour)}}
	s.start()
	s.post(trail("2026-03-02T12:00:00Z", "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`))
	s.settled()
	is := s.one()
	if is.Severity != yagura.SeverityMedium {
		t.Fatalf("%+v", is)
	}
	s.change(yagura.Change{IssueID: is.ID, What: yagura.ChangeAck})
	s.change(yagura.Change{IssueID: is.ID, What: yagura.ChangeLabel, Labels: []string{"ours"}})
	s.change(yagura.Change{IssueID: is.ID, What: yagura.ChangeComment, Text: "asked eve"})
	s.settled()
	if is = s.one(); is.Status != yagura.StatusAcknowledged || !slices.Contains(is.Labels, "ours") {
		t.Errorf("%+v", is)
	}
	if n := len(s.pd.Incidents()); n != 0 {
		t.Errorf("%d incidents of a medium issue", n)
	}
	s.change(yagura.Change{IssueID: is.ID, What: yagura.ChangeAnswer, Yes: false})
	s.settled()
	if is = s.one(); is.Severity != yagura.SeverityHigh {
		t.Errorf("%+v", is)
	}
	if n := len(s.pd.Incidents()); n != 1 {
		t.Errorf("%d incidents after the rise", n)
	}
	s.change(yagura.Change{IssueID: is.ID, What: yagura.ChangeClose, Verdict: yagura.ConcludedTruePositive, Text: "removed"})
	s.settled()
	is = s.one()
	if is.Status != yagura.StatusClosed || is.Conclusion != yagura.ConcludedTruePositive {
		t.Errorf("%+v", is)
	}
	// What comes late from before the close re-opens nothing, what is new does.
	s.post(trail("2026-03-02T11:00:00Z", "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`))
	if s.one().Status != yagura.StatusClosed {
		t.Error("a late finding re-opened it")
	}
	s.post(trail("2026-03-02T14:00:00Z", "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`))
	s.settled()
	if is = s.one(); is.Status != yagura.StatusOpen || is.Episode != 2 || is.Count != 3 {
		t.Errorf("%+v", is)
	}
	clock.advance(2 * time.Hour)
	s.tick()
	s.tick()
	overdue := 0
	for _, what := range s.story(is.ID) {
		if what == string(yagura.EntryOverdue) {
			overdue++
		}
	}
	if overdue != 1 {
		t.Errorf("reminded %d times", overdue)
	}
}

// TestFlapping: a posture that comes and goes is held open, and closed when it stays fixed.
// Its times are those of today, because the service looks by itself whether it stayed fixed.
func TestFlapping(t *testing.T) {
	clock := &shifted{}
	s := newStand(t)
	s.clock = clock.now
	s.start()
	const open = "Remote administration port opened to the internet"
	begin := clock.now().UTC().Add(-5 * time.Hour)
	for i := range 4 {
		opened := begin.Add(time.Duration(i) * time.Hour)
		fixed := opened.Add(30 * time.Minute)
		if i == 3 { // times of logs are seconds
			fixed = opened
		}
		s.post(trail(opened.Format(time.RFC3339), "ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", ingress("0.0.0.0/0")))
		s.post(trail(fixed.Format(time.RFC3339), "ec2.amazonaws.com", "RevokeSecurityGroupIngress", ingress("0.0.0.0/0")))
	}
	s.tick()
	is := s.issue(open)
	if !is.Flapping || is.Status == yagura.StatusClosed {
		t.Fatalf("%+v", is)
	}
	clock.advance(7 * time.Hour)
	s.tick()
	if is = s.issue(open); is.Flapping || is.Status != yagura.StatusClosed {
		t.Errorf("%+v", is)
	}
}

// TestDigest: once a day the low and none issues are told together, in the sink's language.
func TestDigest(t *testing.T) {
	list := []yagura.Issue{{Title: "A user was listed", TitleJA: "ユーザー一覧の取得", Severity: yagura.SeverityLow, Count: 3, Account: "111122223333"}}
	now := time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)
	if got, want := digestText(list, 1, now, false), "Low and none of the 24 hours to 2026-03-02 08:30 UTC: 1\n[low] A user was listed ×3 111122223333\n"; got != want {
		t.Errorf("%q", got)
	}
	if got, want := digestText(list, 1, now, true), "2026-03-02 08:30 UTC までの 24 時間の低・対応不要の課題: 1 件\n[低] ユーザー一覧の取得 ×3 111122223333\n"; got != want {
		t.Errorf("%q", got)
	}
}

// TestRhythm: an account that is silent for longer than it ever was is silent; one that is
// heard of for less than a day is not known well enough.
func TestRhythm(t *testing.T) {
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	r := &rhythm{}
	for range 200 {
		r.heard(at)
		at = at.Add(15 * time.Minute)
	}
	last := at.Add(-15 * time.Minute)
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{30 * time.Minute, false}, {39 * time.Minute, false}, {41 * time.Minute, true}, {48 * time.Hour, true}} {
		if _, got := r.silent(last.Add(c.after)); got != c.want {
			t.Errorf("after %s: %v", c.after, got)
		}
	}
	young := &rhythm{}
	young.heard(at)
	young.heard(at.Add(time.Hour))
	if _, silent := young.silent(at.Add(20 * time.Hour)); silent {
		t.Error("an account that is new is silent already")
	}
	// A long pause of two weeks ago is forgotten.
	slow := &rhythm{}
	slow.heard(at)
	slow.heard(at.Add(10 * time.Hour))
	for i := range 15 * 48 {
		slow.heard(at.Add(10*time.Hour + time.Duration(i)*30*time.Minute))
	}
	if limit, _ := slow.silent(at); limit > 2*time.Hour {
		t.Errorf("the limit is still %s", limit)
	}
}
