package app

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/lake/duck"
)

func (s *stand) ask(list *filter.List, text string) api.Ask {
	s.t.Helper()
	q, err := filter.Parse(list, text)
	if err != nil {
		s.t.Fatal(err)
	}
	order, err := list.Sort("")
	if err != nil {
		s.t.Fatal(err)
	}
	return api.Ask{Query: q.At(s.clock(), time.UTC), Order: order, Total: true}
}

func listRules(c *consoleRules, ctx context.Context, reach api.Reach, ask api.Ask) ([]api.Rule, string, *api.Total, error) {
	l, err := c.ListRules(ctx, reach, ask)
	if err != nil {
		return nil, "", nil, err
	}
	return l.Items, l.Next, l.Total, nil
}

// TestRulesListed: what was found is counted by rule, and only where who asks may see it.
func TestRulesListed(t *testing.T) {
	s := consoleStand(t)
	c := &consoleRules{s.serve}
	const stopped = "CloudTrail logging disabled"
	s.until("the findings are counted", func() bool {
		list, _, _, err := listRules(c, t.Context(), everything, s.ask(filter.Rules, `title:"`+stopped+`"`))
		return err == nil && len(list) == 1 && list[0].Findings == 2
	})
	list, _, total, err := listRules(c, t.Context(), ofAccount("111122223333"), s.ask(filter.Rules, `title:"`+stopped+`" findings:>0 state:on fired:<24h`))
	if err != nil || len(list) != 1 || list[0].Findings != 1 || total.N != 1 || !list[0].Shipped || len(list[0].Techniques) == 0 {
		t.Fatalf("%v %+v", err, list)
	}
	if list[0].LastFired.IsZero() {
		t.Error("it is not said when the rule found something last in one's own account")
	}
	if l, _, _, err := listRules(c, t.Context(), ofAccount("000000000000"), s.ask(filter.Rules, `title:"`+stopped+`"`)); err != nil || len(l) != 1 || l[0].Findings != 0 || !l[0].LastFired.IsZero() {
		t.Errorf("who sees no account of it learns when it found something: %v %+v", err, l)
	}
	for q, want := range map[string]int{`title:"` + stopped + `" state:off`: 0, `engine:falco`: 0, `"cloudtrail logging dis"`: 1, `-shipped:yes`: 0, `rule:"` + list[0].ID + `"`: 1, `technique:T1562 title:"` + stopped + `"`: 1, `title:ルール名にない`: 0} {
		if got, _, _, err := listRules(c, t.Context(), everything, s.ask(filter.Rules, q)); err != nil || len(got) != want {
			t.Errorf("%s: %d, want %d (%v)", q, len(got), want, err)
		}
	}
	// Pages have each rule once, in the order that was asked for.
	ask := s.ask(filter.Rules, "")
	ask.Limit, ask.Order = 7, filter.Order{Key: "severity", Down: true}
	seen := map[string]bool{}
	for pages := 0; ; pages++ {
		got, next, n, err := listRules(c, t.Context(), everything, ask)
		if err != nil || pages > 1000 {
			t.Fatal(err)
		}
		for _, x := range got {
			if seen[x.ID+x.File] {
				t.Errorf("%s is there twice", x.ID)
			}
			seen[x.ID+x.File] = true
		}
		if ask.After = next; next == "" {
			if int64(len(seen)) != n.N {
				t.Errorf("%d of %d", len(seen), n.N)
			}
			break
		}
	}
	one, err := c.Rule(t.Context(), everything, list[0].ID)
	if err != nil || !strings.Contains(one.Text, "StopLogging") || one.Runbook == nil || one.LastFired.IsZero() {
		t.Errorf("%v %+v", err, one)
	}
	if _, err := c.Rule(t.Context(), everything, "no such rule"); !errors.Is(err, api.NotFound) {
		t.Error(err)
	}
	cover, err := c.Coverage(t.Context(), everything)
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for _, x := range cover.Techniques {
		n[x.State]++
		if x.ID == "T1562.008" && x.Findings < 2 {
			t.Errorf("%+v", x)
		}
	}
	if n["covered"] < 20 || n["no_rule"] == 0 {
		t.Errorf("%v", n)
	}
	// The counts outlive the service.
	s.stop()
	s.start()
	if list, _, _, err := listRules(&consoleRules{s.serve}, t.Context(), everything, s.ask(filter.Rules, `title:"`+stopped+`"`)); err != nil || list[0].Findings != 2 {
		t.Errorf("after a restart: %v %+v", err, list)
	}
}

// TestTune: a rule that is switched off finds nothing, until it is switched on again, and a
// change that cannot hold leaves everything as it was.
func TestTune(t *testing.T) {
	s := newStand(t)
	s.start()
	s.clock = time.Now
	c := &consoleRules{s.serve}
	ctx := t.Context()
	const title = "CloudTrail logging disabled"
	list, _, _, err := listRules(c, ctx, everything, s.ask(filter.Rules, `title:"`+title+`"`))
	if err != nil || len(list) != 1 {
		t.Fatal(err, list)
	}
	id := list[0].ID
	off, low, count, none := false, "low", "count", ""
	stop := func(at string) int {
		before := len(s.issues())
		s.post(trail(at, "cloudtrail.amazonaws.com", "StopLogging", `{"name":"`+at+`"}`))
		return len(s.issues()) - before
	}
	got, err := c.TuneRule(ctx, "user:mary", id, api.RuleTuning{Enabled: &off, Reason: "a storm of it"})
	if err != nil || got.Enabled || got.State != "off" || got.Tuned == nil || got.Tuned.By != "user:mary" || got.Tuned.Reason != "a storm of it" || got.Tuned.At.IsZero() {
		t.Fatalf("%v %+v", err, got)
	}
	if n := stop("2026-03-02T09:00:00Z"); n != 0 {
		t.Errorf("%d issues by a rule that is off", n)
	}
	s.stop()
	s.start() // the file holds
	c = &consoleRules{s.serve}
	if got, err := c.Rule(ctx, everything, id); err != nil || got.Enabled {
		t.Fatalf("after a restart: %v %+v", err, got)
	}
	on := true
	if got, err = c.TuneRule(ctx, "user:mary", id, api.RuleTuning{Enabled: &on, Severity: &low, Reason: "it is a test account"}); err != nil || !got.Enabled || got.Severity != "low" {
		t.Fatalf("%v %+v", err, got)
	}
	if n := stop("2026-03-02T10:00:00Z"); n != 1 || s.issue(title).Severity.String() != "low" {
		t.Errorf("%d %+v", n, s.issue(title))
	}
	if got, err = c.TuneRule(ctx, "user:mary", id, api.RuleTuning{Severity: &none, Mode: &count}); err != nil || got.Severity == "low" || got.Mode != "count" {
		t.Fatalf("%v %+v", err, got)
	}
	var p *api.Problem
	bad := "urgent"
	for _, x := range []api.RuleTuning{{Severity: &bad, Reason: "x"}, {Severity: &low}, {Mode: &bad}, {Enabled: &on, Reason: strings.Repeat("x", 1000)}} {
		if _, err := c.TuneRule(ctx, "user:mary", id, x); !errors.As(err, &p) || p.Code != api.CodeUnprocessable {
			t.Errorf("%+v: %v", x, err)
		}
	}
	if _, err := c.TuneRule(ctx, "user:mary", "nothing", api.RuleTuning{Enabled: &off}); !errors.Is(err, api.NotFound) {
		t.Error(err)
	}

	// A rule of the team's own.
	const own = `title: Somebody lists users
id: own-list-users
logsource: {product: aws, service: cloudtrail}
detection:
  sel: {eventName: ListUsers}
  condition: sel
level: medium
`
	if _, err := c.PutRule(ctx, "user:mary", "own-list-users", strings.Replace(own, "condition: sel", "condition: nothing", 1)); !errors.As(err, &p) || len(p.Problems) == 0 || p.Problems[0].Line == 0 {
		t.Errorf("a rule with a fault: %v %+v", err, p)
	}
	if _, err := c.PutRule(ctx, "user:mary", "another", own); !errors.As(err, &p) || p.Code != api.CodeUnprocessable {
		t.Errorf("another id: %v", err)
	}
	if _, err := c.PutRule(ctx, "user:mary", id, own); !errors.As(err, &p) || p.Code != api.CodeConflict {
		t.Errorf("a shipped rule: %v", err)
	}
	if got, err := c.PutRule(ctx, "user:mary", "own-list-users", own); err != nil || !got.Own || got.State != "on" || got.Text != own {
		t.Fatalf("%v %+v", err, got)
	}
	before := len(s.issues())
	s.post(trail("2026-03-02T11:00:00Z", "iam.amazonaws.com", "ListUsers", `{}`))
	if n := len(s.issues()) - before; n != 1 {
		t.Errorf("%d issues by the rule", n)
	}
	if err := c.DeleteRule(ctx, "user:mary", id); !errors.As(err, &p) || p.Code != api.CodeConflict {
		t.Errorf("a shipped rule: %v", err)
	}
	if err := c.DeleteRule(ctx, "user:mary", "own-list-users"); err != nil {
		t.Error(err)
	}
	if _, err := c.Rule(ctx, everything, "own-list-users"); !errors.Is(err, api.NotFound) {
		t.Error(err)
	}
	// A file that somebody broke by hand keeps the edit from holding, and the old ones judge.
	generation := s.serve.rules.Load().Hash
	if err := os.WriteFile(TunedRules(s.cfg.Data), []byte("overlay: {rules: [x], enabled: maybe}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.serve.edit(ctx, fileEdit{path: OwnRules(s.cfg.Data) + "/x.yaml", data: []byte(own)}); !errors.As(err, &p) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(OwnRules(s.cfg.Data) + "/x.yaml"); err == nil || s.serve.rules.Load().Hash != generation {
		t.Error("what was refused was kept")
	}
}

// TestRuleTried: the text of a rule judges what is stored, or says where it is wrong.
func TestRuleTried(t *testing.T) {
	if !duck.Available {
		t.Skip(duck.ErrNoEngine)
	}
	s := consoleStand(t)
	c := &consoleRules{s.serve}
	const sigma = "title: T\nid: t1\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  sel: {eventName: StopLogging}\n  condition: sel\nlevel: high\n"
	const kql = "id: t2\nname: K\nkind: Scheduled\nseverity: High\nqueryFrequency: 1h\nqueryPeriod: 1h\ntriggerOperator: gt\ntriggerThreshold: 0\nquery: |\n  AWSCloudTrail | where EventName == 'StopLogging' | project TimeGenerated, UserIdentityArn, RecipientAccountId\nentityMappings:\n  - entityType: Account\n    fieldMappings: [{identifier: FullName, columnName: UserIdentityArn}]\n"
	const correlation = sigma + "---\ntitle: C\nid: c1\ncorrelation: {type: event_count, rules: [t1], group-by: [eventName], timespan: 1d, condition: {gte: 2}}\nlevel: high\n"
	for _, x := range []struct {
		what, text string
		reach      api.Reach
		hits       int
		wrong      int // line of the refusal
	}{
		{"sigma", sigma, everything, 2, 0},
		{"sigma, one account", sigma, ofAccount("111122223333"), 1, 0},
		{"sigma, nothing", sigma, api.Reach{}, 0, 0},
		{"near miss", strings.Replace(sigma, "StopLogging", "StartLogging", 1), everything, 0, 0},
		{"a fault", strings.Replace(sigma, "condition: sel", "condition: sell", 1), everything, 0, 6},
		{"no rule", "hello: world\n", everything, 0, 1},
		{"kql", kql, everything, 2, 0},
		{"kql with a fault", strings.Replace(kql, "project TimeGenerated", "project Nothing", 1), everything, 0, 10},
		{"correlation", correlation, everything, 1, 0},
	} {
		got, err := c.TestRule(t.Context(), x.reach, api.RuleTrial{Text: x.text})
		if err != nil {
			t.Errorf("%s: %v", x.what, err)
			continue
		}
		if len(got.Hits) < x.hits || x.hits == 0 && len(got.Hits) > 0 || got.Total != len(got.Hits) {
			t.Errorf("%s: %d hits, want %d: %+v", x.what, len(got.Hits), x.hits, got.Refusals)
		}
		if x.wrong > 0 && (len(got.Refusals) == 0 || got.Refusals[0].File != trialFile || got.Refusals[0].Line != x.wrong && x.what != "no rule") {
			t.Errorf("%s: %+v", x.what, got.Refusals)
		}
	}
	if _, err := c.TestRule(t.Context(), ofAccount("111122223333"), api.RuleTrial{Text: correlation}); err == nil {
		t.Error("a correlation within one account")
	}
	got, err := c.TestRule(t.Context(), everything, api.RuleTrial{Text: sigma, Limit: 1})
	if err != nil || len(got.Hits) != 1 || got.Total != 2 || len(got.Hits[0].Finding.Why) == 0 {
		t.Errorf("%v %+v", err, got)
	}
}
