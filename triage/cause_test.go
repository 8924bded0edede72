package triage_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/detections"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
	"github.com/yagura-sec/yagura/triage"
)

func TestCauseKey(t *testing.T) {
	for _, c := range []struct{ tenant, account, key, fold, want string }{
		{"", "1", "1 rule-1 trail=main", "", "v1|-|1|rule-1 trail=main"},
		{"acme", "1", "1 rule-1", "", "v1|acme|1|rule-1"},
		{"", "", "- rule-1 actor=x target=y", "", "v1|-|-|rule-1 actor=x target=y"},
		{"", "1", "1 rule-1 trail=main", "* fold: finding.event.src_ip=203.0.113.7", "v1|-|*|fold: finding.event.src_ip=203.0.113.7"},
		{"", "1", "1 rule-1", "1 fold:", "v1|-|1|fold:"},
		{"", "a b", `"a b" "r 1" x="c d"`, "", `v1|-|"a b"|"r 1" x="c d"`},
		{"t|1", "a|b", `a|b rule x=1`, "", `v1|t%7C1|a%7Cb|rule x=1`},
		{"", "1", "opaque", "", "v1|-|1|opaque"}, // of a source that makes keys of its own
		{"", "1", "", "", `v1|-|1|""`},
		{"", "1", `"broken`, "", `v1|-|1|"\"broken"`},
		{"", "1", triage.AlertKey("1", "aws.guardduty", "abc def"), "", `v1|-|1|alert: format=aws.guardduty id="abc def"`},
	} {
		f := &yagura.Finding{CauseKey: c.key, Event: yagura.EventRef{Account: c.account}}
		if got := triage.CauseKey(c.tenant, f, c.fold); got != c.want {
			t.Errorf("%q %q: got %s, want %s", c.key, c.fold, got, c.want)
		}
	}
}

// FuzzCauseKey: no two keys of findings, folds or accounts may be one after all.
func FuzzCauseKey(f *testing.F) {
	f.Add("1", "rule-1 a=b", "1|x", "y")
	f.Add(`"a b"`, "r", `a`, `"b" r`)
	f.Fuzz(func(t *testing.T, account, rest, account2, rest2 string) {
		key := func(account, rest string) (string, bool) {
			if account == "" || rest == "" || strings.ContainsAny(account, ` "`) {
				return "", false // detect quotes these
			}
			return triage.CauseKey("", &yagura.Finding{CauseKey: account + " " + rest, Event: yagura.EventRef{Account: account}}, ""), true
		}
		a, ok := key(account, rest)
		b, ok2 := key(account2, rest2)
		if ok && ok2 && (a == b) != (account == account2 && rest == rest2) {
			t.Errorf("%q %q and %q %q: %s, %s", account, rest, account2, rest2, a, b)
		}
	})
}

func TestTemplateChanges(t *testing.T) {
	r := func(id string, parts ...string) *rule.Rule {
		return &rule.Rule{ID: id, Title: "t", File: "f.yml", SideCar: rule.SideCar{CauseKey: parts}}
	}
	stored := map[string]triage.Template{}
	for _, x := range []*rule.Rule{r("a", "bucket"), r("b"), r("c", "x", "y"), r("", "z")} {
		tpl := triage.TemplateOf(x)
		stored[tpl.Rule] = tpl
	}
	got := triage.TemplateChanges(stored, []*rule.Rule{r("a", "bucket"), r("b", "actor"), r("c", "xy"), r("", "z", "region"), r("new", "q")})
	want := []triage.TemplateChange{
		{Template: triage.Template{Rule: "b", Parts: []string{"actor"}}},
		{Template: triage.Template{Rule: "c", Parts: []string{"xy"}}, Former: []string{"x", "y"}},
		{Template: triage.Template{Rule: "f.yml#t", Parts: []string{"z", "region"}}, Former: []string{"z"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestFindIssue(t *testing.T) {
	issues := map[string]string{"old": "I1", "older": "I2"}
	lookup := func(key string) (string, error) {
		if key == "broken" {
			return "", errors.New("no store")
		}
		return issues[key], nil
	}
	for _, c := range []struct {
		key    string
		former []string
		want   string
		alias  *triage.Alias
		err    bool
	}{
		{"old", []string{"older"}, "I1", nil, false},
		{"new", nil, "", nil, false},
		{"new", []string{"new", "gone"}, "", nil, false},
		{"new", []string{"gone", "older"}, "I2", &triage.Alias{Key: "new", IssueID: "I2"}, false},
		{"broken", nil, "", nil, true},
		{"new", []string{"broken"}, "", nil, true},
	} {
		id, alias, err := triage.FindIssue(c.key, c.former, lookup)
		if d := cmp.Diff(c.alias, alias); id != c.want || d != "" || (err != nil) != c.err {
			t.Errorf("%s %v: %q %v %v", c.key, c.former, id, alias, err)
		}
	}
}

func TestRekey(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	issue := func(id, key string, seen int) yagura.Issue {
		return yagura.Issue{ID: id, CauseKey: key, FirstSeen: day(seen), Latest: &yagura.Finding{ID: id}}
	}
	issues := []yagura.Issue{issue("late", "v1|-|1|r x=1 y=2", 3), issue("early", "v1|-|1|r x=1 y=1", 1), issue("same", "v1|-|1|r x=2", 1),
		issue("folded", "v1|-|1|fold: a=b", 1), issue("gone", "v1|-|1|r x=3 y=1", 1), {ID: "none", CauseKey: "v1|-|1|q"}}
	now := map[string]string{"late": "1 r x=1", "early": "1 r x=1", "same": "1 r x=2", "folded": "1 r x=9"}
	aliases, taken, err := triage.Rekey("", issues, func(f *yagura.Finding) (*yagura.Finding, error) {
		if now[f.ID] == "" {
			return nil, nil
		}
		return &yagura.Finding{CauseKey: now[f.ID], Event: yagura.EventRef{Account: "1"}}, nil
	})
	if d := cmp.Diff([]triage.Alias{{Key: "v1|-|1|r x=1", IssueID: "early"}}, aliases); d != "" || err != nil || !cmp.Equal(taken, []string{"late"}) {
		t.Error(d, taken, err)
	}
	boom := errors.New("boom")
	if _, _, err := triage.Rekey("", issues, func(*yagura.Finding) (*yagura.Finding, error) { return nil, boom }); !errors.Is(err, boom) {
		t.Errorf("the error is lost: %v", err)
	}
}

// TestShippedTemplates: no template of a shipped rule names what is another in every record.
func TestShippedTemplates(t *testing.T) {
	files, err := detections.Files()
	if err != nil {
		t.Fatal(err)
	}
	rules, refusals := sigma.Load(files, sigma.Options{})
	if len(rules) < 100 {
		t.Fatalf("%d rules: %v", len(rules), refusals)
	}
	ids := map[string]bool{}
	for _, r := range rules {
		tpl := triage.TemplateOf(r)
		if bad := triage.PassingParts(tpl.Parts); len(bad) > 0 && !r.Silent {
			t.Errorf("%s: %v", r.File, bad)
		}
		if r.ID == "" || ids[tpl.Rule] {
			t.Errorf("%s: without an id of its own its keys change with its file", r.File)
		}
		ids[tpl.Rule] = true
	}
	for _, p := range []string{"requestID", "event=eventID", "protoPayload.insertId", "activityDateTime", "responseElements.eventTime", "userIdentity.arn"} {
		if len(triage.PassingParts([]string{p})) == 0 {
			t.Errorf("%s passes", p)
		}
	}
	for _, p := range []string{"requestParameters.bucketName", "account", "targetResources.id", "requestParameters.keyId"} {
		if len(triage.PassingParts([]string{p})) != 0 {
			t.Errorf("%s does not pass", p)
		}
	}
}
