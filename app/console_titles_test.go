package app

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/filter"
)

// TestTitlesJapanese: wherever the console names a rule it has the title in Japanese too, of a
// rule that is loaded and of a vendor's alert; severities and states have their own order.
func TestTitlesJapanese(t *testing.T) {
	s := newStand(t)
	began := time.Now()
	s.clock = func() time.Time { return time.Date(2026, 3, 2, 18, 0, 0, 0, time.UTC).Add(time.Since(began)) }
	s.start()
	s.post(trail("2026-03-02T09:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"a"}`), trail("2026-03-02T09:01:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"b"}`),
		guardDutyAlert("2026-03-02T09:05:00.000Z", 5, false))
	s.settled()
	c, ctx := s.serve.newConsole(), t.Context()
	const trailJA, alertJA = "CloudTrail ログ記録の無効化", "GuardDuty のアラート: A port scan"
	ask := func(list *filter.List, text string) api.Ask {
		q, err := filter.Parse(list, text)
		if err != nil {
			t.Fatal(err)
		}
		return api.Ask{Query: q.At(s.clock(), time.UTC), Limit: 100}
	}
	want := func(where, id, got string) {
		t.Helper()
		ja := trailJA
		if strings.HasPrefix(id, "alert-") {
			ja = alertJA
		}
		if got != ja {
			t.Errorf("%s: %s is %q in Japanese, want %q", where, id, got, ja)
		}
	}
	counts, err := c.CountIssues(ctx, everything, ask(filter.Issues, ""))
	if err != nil || len(counts.Rule) != 2 {
		t.Fatalf("%v %+v", err, counts)
	}
	for _, r := range counts.Rule {
		want("facets", r.ID, r.NameJA)
	}
	findings, err := c.ListFindings(ctx, everything, ask(filter.Findings, ""))
	if err != nil || len(findings.Items) != 3 {
		t.Fatalf("%v %+v", err, findings)
	}
	for _, f := range findings.Items {
		want("findings", f.Rule.ID, f.RuleTitleJA)
		page, err := c.Issue(ctx, everything, f.IssueID)
		if err != nil {
			t.Fatal(err)
		}
		want("issue", page.Rule.ID, page.RuleTitleJA)
	}
	notices, err := c.ListNotices(ctx, everything, ask(filter.Notices, ""))
	if err != nil || len(notices.Items) == 0 {
		t.Fatalf("%v %+v", err, notices)
	}
	for _, n := range notices.Items {
		if n.Title == "" || n.TitleJA != trailJA && n.TitleJA != alertJA {
			t.Errorf("notice of %q, in Japanese %q", n.Title, n.TitleJA)
		}
	}
	policy := &consolePolicy{s.serve}
	replay, err := policy.ReplayPolicy(ctx, api.PolicyTrial{Text: "version: 1\nclauses:\n  - name: all\n    level: none\n"})
	if err != nil || len(replay.Changed) < 2 {
		t.Fatalf("%v %+v", err, replay)
	}
	for _, r := range replay.Changed {
		want("replay", r.Rule, r.TitleJA)
	}
	id := counts.Rule[slices.IndexFunc(counts.Rule, func(r api.Counted) bool { return !strings.HasPrefix(r.ID, "alert-") })].ID
	quiet, err := policy.ReplaySuppression(ctx, everything, api.SuppressionTrial{Rule: id})
	if err != nil || len(quiet.Rules) == 0 {
		t.Fatalf("%v %+v", err, quiet)
	}
	want("replay of a suppression", quiet.Rules[0].Rule, quiet.Rules[0].TitleJA)
	made, err := policy.Suppress(ctx, everything, "user:mary", api.SuppressionIn{Rule: id, Until: s.clock().Add(time.Hour), Reason: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	want("suppression", made.Rule, made.TitleJA)
	overview, err := c.Overview(ctx, everything, time.Time{})
	if err != nil || len(overview.Noisy) != 2 {
		t.Fatalf("%v %+v", err, overview.Noisy)
	}
	for _, r := range overview.Noisy {
		want("overview", r.Rule.ID, r.Rule.TitleJA)
	}
}

// TestFacetsInOrder: severities stand from the most serious and states in the order of a life,
// however many issues have them; the others by how many.
func TestFacetsInOrder(t *testing.T) {
	s := newStand(t)
	s.start()
	for i, severity := range []float64{2, 2, 2, 5, 5, 8, 9.5} {
		s.post(strings.ReplaceAll(guardDutyAlert("2026-03-02T09:05:00.000Z", severity, false), "f1", "f1"+string(rune('a'+i))))
	}
	s.settled()
	c := s.serve.newConsole()
	for i, is := range s.issues() {
		change := yagura.Change{IssueID: is.ID, Who: "user:mary", Via: "api", ID: is.ID + "-" + string(rune('a'+i)), At: s.serve.o.Now(), What: yagura.ChangeClose, Text: "a test"}
		switch {
		case i == 0:
			continue
		case i < 3:
			change.What, change.Text = yagura.ChangeAck, ""
		}
		if _, _, err := c.Change(t.Context(), everything, change); err != nil {
			t.Fatal(err)
		}
	}
	q, err := filter.Parse(filter.Issues, "")
	if err != nil {
		t.Fatal(err)
	}
	counts, err := c.CountIssues(t.Context(), everything, api.Ask{Query: q})
	if err != nil {
		t.Fatal(err)
	}
	ids := func(list []api.Counted) string {
		var out []string
		for _, x := range list {
			out = append(out, x.ID)
		}
		return strings.Join(out, " ")
	}
	if got := ids(counts.Severity); got != "critical high medium low" {
		t.Errorf("severities: %s", got)
	}
	if got := ids(counts.Status); got != "open acknowledged closed" {
		t.Errorf("states: %s", got)
	}
	if !slices.IsSortedFunc(counts.Rule, func(a, b api.Counted) int { return cmp.Compare(b.N, a.N) }) {
		t.Errorf("rules: %+v", counts.Rule)
	}
}
