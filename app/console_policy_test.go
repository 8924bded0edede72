package app

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/rule"
)

func anyTag(string) error { return nil }

// TestPolicyWritten: what is written holds at once and after a restart, what is refused does
// not, and what held before can be gone back to.
func TestPolicyWritten(t *testing.T) {
	s := newStand(t)
	s.start()
	s.clock = time.Now
	c, ctx := &consolePolicy{s.serve}, t.Context()
	first, err := c.Policy(ctx)
	if err != nil || !first.Shipped || !strings.Contains(first.Text, "routes:") {
		t.Fatalf("%v %+v", err, first)
	}
	var p *api.Problem
	if _, err := c.PutPolicy(ctx, "user:mary", api.PolicyPut{Text: "version: 1\nclauses:\n  - name: x\n    lvel: low\n"}, anyTag); !errors.As(err, &p) || p.Code != api.CodeUnprocessable || len(p.Problems) == 0 || p.Problems[0].Line != 4 || p.Problems[0].Hint == "" {
		t.Errorf("a fault: %v %+v", err, p)
	}
	checked, err := c.CheckPolicy(ctx, "version: 1\nclauses:\n  - name: x\n    when: finding.rule.title == \"CloudTrail logging disabled\"\n    level: low\n    route: {add: [nosuchsink]}\n")
	if err != nil || checked.Refused || checked.Clauses != 1 || len(checked.Problems) == 0 || !checked.Problems[0].Warning {
		t.Errorf("%v %+v", err, checked)
	}
	low := "version: 1\nclauses:\n  - name: quiet trails\n    when: finding.rule.title == \"CloudTrail logging disabled\"\n    level: low\n"
	s.post(trail("2026-03-02T09:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"a"}`))
	got, err := c.ReplayPolicy(ctx, api.PolicyTrial{Text: low})
	if err != nil || got.Judged != 1 || len(got.Changed) != 1 || got.Changed[0].After != "low" || got.Changed[0].Before != "high" && got.Changed[0].Before != "critical" || len(got.Changed[0].Issues) != 1 || got.BySeverity.After["low"] != 1 {
		t.Fatalf("%v %+v", err, got)
	}
	told := 0
	for _, x := range got.Sinks {
		told += x.Notices.Before - x.Notices.After
	}
	if told == 0 {
		t.Errorf("nobody would be told less: %+v", got.Sinks)
	}
	refuse := errors.New("stale")
	if _, err := c.PutPolicy(ctx, "user:mary", api.PolicyPut{Text: low}, func(tag string) error {
		if tag != first.ETag {
			t.Errorf("tag %s, want %s", tag, first.ETag)
		}
		return refuse
	}); !errors.Is(err, refuse) {
		t.Errorf("%v", err)
	}
	second, err := c.PutPolicy(ctx, "user:mary", api.PolicyPut{Text: low, Reason: "trails of tests"}, anyTag)
	if err != nil || second.Shipped || second.Text != low || second.ETag == first.ETag {
		t.Fatalf("%v %+v", err, second)
	}
	judged := func(name string) yagura.Severity {
		s.post(trail("2026-03-02T10:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"`+name+`"}`))
		for _, is := range s.issues() {
			if strings.Contains(is.CauseKey, name) {
				return is.Severity
			}
		}
		t.Fatalf("no issue of %s", name)
		return 0
	}
	if sev := judged("second"); sev != yagura.SeverityLow {
		t.Errorf("%v after the policy was written", sev)
	}
	s.stop()
	s.start()
	c = &consolePolicy{s.serve}
	if sev := judged("third"); sev != yagura.SeverityLow {
		t.Errorf("%v after a restart", sev)
	}
	list, err := c.PolicyVersions(ctx)
	if err != nil || len(list) != 1 || list[0].By != "user:mary" || list[0].Reason != "trails of tests" || list[0].At.IsZero() || list[0].Text != "" {
		t.Fatalf("%v %+v", err, list)
	}
	was, err := c.PolicyVersion(ctx, list[0].ID)
	if err != nil || was.Text != first.Text {
		t.Fatalf("%v %+v", err, was)
	}
	for _, id := range []string{"", "../../yagura", "x", list[0].ID + "/../" + list[0].ID} {
		if _, err := c.PolicyVersion(ctx, id); !errors.Is(err, api.NotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := c.PutPolicy(ctx, "user:joe", api.PolicyPut{Text: was.Text, Reason: "back"}, anyTag); err != nil {
		t.Fatal(err)
	}
	if sev := judged("fourth"); sev < yagura.SeverityHigh {
		t.Errorf("%v after going back", sev)
	}
}

// TestSuppress: what is suppressed tells nobody until it is lifted, whoever asks keeps to their
// accounts, and the decisions of the issue say why.
func TestSuppress(t *testing.T) {
	s := newStand(t)
	// The rules are read anew with every suppression: one is enough.
	s.rules = RuleOptions{Files: []rule.File{{Path: "stopped.yml", Data: []byte("title: CloudTrail logging disabled\nid: trail-stopped\nlogsource: {product: aws, service: cloudtrail}\n" +
		"detection:\n  sel: {eventName: StopLogging}\n  condition: sel\nlevel: high\nyagura:\n  kind: behaviour\n  cause_key: [requestParameters.name]\n  reason: The trail says who did what.\n")}}}
	s.start()
	s.clock = time.Now
	c, ctx := &consolePolicy{s.serve}, t.Context()
	stop := func(name string) *yagura.Issue {
		s.post(trail("2026-03-02T10:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"`+name+`"}`))
		s.settled()
		for _, is := range s.issues() {
			if strings.Contains(is.CauseKey, name) {
				return &is
			}
		}
		t.Fatalf("no issue of %s", name)
		return nil
	}
	loud := stop("loud")
	if len(s.gh.Issues("acme/security")) != 1 {
		t.Fatal("the first is not told")
	}
	week := time.Now().Add(7 * 24 * time.Hour)
	const query = `rule:"CloudTrail logging disabled" account:111122223333 ip:198.51.100.0/24 actor:*bob -region:us-east-1 severity:>=low`
	tried, err := c.ReplaySuppression(ctx, everything, api.SuppressionTrial{Query: query})
	if err != nil || tried.Judged != 1 || tried.Quiet != 1 || len(tried.Issues) != 1 || tried.Issues[0] != loud.ID {
		t.Fatalf("%v %+v", err, tried)
	}
	if other, err := c.ReplaySuppression(ctx, everything, api.SuppressionTrial{Query: "account:999988887777"}); err != nil || other.Judged != 1 || other.Quiet != 0 {
		t.Errorf("%v %+v", err, other)
	}
	if other, err := c.ReplaySuppression(ctx, ofAccount("999988887777"), api.SuppressionTrial{Rule: loud.Rule.ID}); err != nil || other.Judged != 0 {
		t.Errorf("another's findings: %v %+v", err, other)
	}
	var p *api.Problem
	for what, in := range map[string]api.SuppressionIn{
		"no reason":     {Rule: "x", Until: week},
		"the past":      {Rule: "x", Until: time.Now().Add(-time.Hour), Reason: "r"},
		"for ever":      {Rule: "x", Until: time.Now().AddDate(2, 0, 0), Reason: "r"},
		"everything":    {Query: "  ", Until: week, Reason: "r"},
		"both":          {Rule: "x", Query: "rule:x", Until: week, Reason: "r"},
		"free text":     {Query: `"hello"`, Until: week, Reason: "r"},
		"of issues":     {Query: "assignee:me", Until: week, Reason: "r"},
		"no such field": {Query: "nothing:x", Until: week, Reason: "r"},
	} {
		if _, err := c.Suppress(ctx, everything, "user:mary", in); !errors.As(err, &p) {
			t.Errorf("%s: %v", what, err)
		}
	}
	made, err := c.Suppress(ctx, everything, "user:mary", api.SuppressionIn{Query: query, Until: week, Reason: "maintenance \"of\" trails: # 保守"})
	if err != nil || made.By != "user:mary" || made.State != "active" || made.Query != query || made.Created.IsZero() || made.Reason != `maintenance "of" trails: # 保守` {
		t.Fatalf("%v %+v", err, made)
	}
	quiet := stop("quiet")
	if n := len(s.gh.Issues("acme/security")); n != 1 {
		t.Errorf("%d are told", n)
	}
	if quiet.SuppressedUntil.IsZero() {
		t.Errorf("%+v", quiet)
	}
	// It holds after a restart, beside another, and the first is lifted.
	second, err := c.Suppress(ctx, ofAccount("111122223333"), "user:joe", api.SuppressionIn{Rule: "another-rule", Until: week, Reason: "second"})
	if err != nil || !strings.Contains(second.When, `finding.event.account in ["111122223333"]`) {
		t.Fatalf("%v %+v", err, second)
	}
	s.stop()
	s.start()
	c = &consolePolicy{s.serve}
	list, err := c.ListSuppressions(ctx, everything, s.ask(filter.Suppressions, "by:user:mary state:active"))
	if err != nil || len(list.Items) != 1 || list.Items[0].ID != made.ID || !strings.Contains(list.Items[0].Place, "suppressions.yaml:") {
		t.Fatalf("%v %+v", err, list)
	}
	if list, err := c.ListSuppressions(ctx, ofAccount("999988887777"), s.ask(filter.Suppressions, "")); err != nil || len(list.Items) != 0 {
		t.Errorf("another's: %v %+v", err, list)
	}
	if list, err := c.ListSuppressions(ctx, everything, s.ask(filter.Suppressions, "")); err != nil || len(list.Items) != 3 { // and the issue
		t.Errorf("%v %+v", err, list)
	}
	if _, err := c.Suppress(ctx, api.Reach{}, "user:nobody", api.SuppressionIn{Rule: "x", Until: week, Reason: "r"}); !errors.As(err, &p) || p.Code != api.CodeForbidden {
		t.Errorf("nowhere: %v", err)
	}
	if err := c.LiftSuppression(ctx, ofAccount("111122223333"), "user:joe", made.ID); !errors.Is(err, api.NotFound) {
		t.Errorf("one that holds everywhere, by somebody of one account: %v", err)
	}
	if err := c.LiftSuppression(ctx, everything, "user:mary", made.ID); err != nil {
		t.Fatal(err)
	}
	stop("again")
	if n := len(s.gh.Issues("acme/security")); n != 2 {
		t.Errorf("%d are told after it was lifted", n)
	}
	if err := c.LiftSuppression(ctx, ofAccount("111122223333"), "user:joe", second.ID); err != nil {
		t.Error(err)
	}

	// Who sees one format suppresses and lifts within it, and nobody lifts what holds for more
	// than they see.
	ofFormat := api.Reach{Scopes: []yagura.Scope{{Formats: []string{"aws.cloudtrail"}}}}
	both := api.Reach{Scopes: []yagura.Scope{{Accounts: []string{"111122223333"}, Formats: []string{"aws.cloudtrail"}}}}
	listed := func(reach api.Reach) int {
		l, err := c.ListSuppressions(ctx, reach, s.ask(filter.Suppressions, "rule:another-rule"))
		if err != nil {
			t.Fatal(err)
		}
		return len(l.Items)
	}
	third, err := c.Suppress(ctx, ofFormat, "user:ann", api.SuppressionIn{Rule: "another-rule", Until: week, Reason: "third"})
	if err != nil || !strings.Contains(third.When, `finding.format in ["aws.cloudtrail"]`) || strings.Contains(third.When, "account") {
		t.Fatalf("%v %+v", err, third)
	}
	fourth, err := c.Suppress(ctx, both, "user:ann", api.SuppressionIn{Rule: "another-rule", Until: week, Reason: "fourth"})
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		reach api.Reach
		sees  int
	}{"format": {ofFormat, 2}, "account": {ofAccount("111122223333"), 1}, "both": {both, 1}, "everything": {everything, 2}, "nothing": {api.Reach{}, 0}} {
		if n := listed(x.reach); n != x.sees {
			t.Errorf("%s sees %d suppressions, want %d", name, n, x.sees)
		}
	}
	for name, reach := range map[string]api.Reach{"account": ofAccount("111122223333"), "both": both} {
		if err := c.LiftSuppression(ctx, reach, "user:joe", third.ID); !errors.Is(err, api.NotFound) {
			t.Errorf("one that holds for a format, by who sees %s: %v", name, err)
		}
	}
	for id, reach := range map[string]api.Reach{third.ID: ofFormat, fourth.ID: ofAccount("111122223333")} {
		if err := c.LiftSuppression(ctx, reach, "user:ann", id); err != nil {
			t.Error(err)
		}
	}

	// What ends a line in YAML and not in JSON writes no clause of its own, and what YAML
	// refuses is no fault of the file.
	for _, end := range []string{"\u0085", "\u2028", "\u2029", "\x7f", "\u009b", "\ufeff", "\n", "\r"} {
		evil := "x" + end + "- {name: evil, when: 'true', suppress: {until: 2026-12-31T00:00:00Z, reason: x}}" + end + "# "
		made, err := c.Suppress(ctx, both, "user:ann", api.SuppressionIn{Rule: evil, Until: week, Reason: "r"})
		if err != nil || made.Rule != evil {
			t.Errorf("%q: %v %+v", end, err, made)
			continue
		}
		if clauses, err := s.serve.readSuppressions(); err != nil || len(clauses) != 1 || clauses[0].Name == "evil" {
			t.Errorf("%q: %v %+v", end, err, clauses)
		}
		if err := c.LiftSuppression(ctx, both, "user:ann", made.ID); err != nil {
			t.Errorf("%q: %v", end, err)
		}
	}
	if _, err := os.Stat(SuppressionFile(s.cfg.Data)); err == nil {
		t.Error("an empty file stays")
	}
}
