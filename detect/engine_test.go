package detect

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/slot"
)

func field(keys ...string) query.Field {
	name := ""
	for i, k := range keys {
		if i > 0 {
			name += "."
		}
		name += k
	}
	return query.Field{Name: name, Paths: []slot.Path{slot.Keys(keys...)}}
}

func pred(f query.Field, op query.Op, values ...string) *query.Pred {
	p := &query.Pred{Field: f, Op: op, Fold: true}
	for _, v := range values {
		p.Args = append(p.Args, query.Arg{Text: v})
	}
	return p
}

func simple(id string, when query.Expr) *rule.Rule {
	return &rule.Rule{ID: id, Title: "Title of " + id, Engine: yagura.EngineSigma, File: id + ".yml",
		Severity: yagura.SeverityHigh, SeverityOriginal: "high", When: when}
}

// bench is an engine with a plan for one format.
type stand struct {
	t    testing.TB
	e    *Engine
	m    *Matcher
	plan *slot.Plan
	doc  *slot.Doc
}

const testFormat = "test.log"

func newStand(t testing.TB, o Options, rules ...*rule.Rule) *stand {
	t.Helper()
	e, err := New(rules, o)
	if err != nil {
		t.Fatal(err)
	}
	b := slot.NewBuilder()
	e.Want(testFormat, b)
	s := &stand{t: t, e: e, m: e.NewMatcher(), plan: b.Plan()}
	s.doc = s.plan.NewDoc()
	return s
}

func (s *stand) match(record string) []Hit {
	s.t.Helper()
	if _, err := s.plan.Scan([]byte(record), s.doc); err != nil {
		s.t.Fatalf("%s: %v", record, err)
	}
	return s.m.Match(testFormat, s.doc, query.Meta{Format: testFormat})
}

func TestFinding(t *testing.T) {
	r := simple("r1", &query.And{X: []query.Expr{
		pred(field("eventName"), query.Eq, "StopLogging"),
		&query.Not{X: pred(field("userAgent"), query.Contains, "terraform")},
	}})
	r.SideCar = rule.SideCar{Kind: yagura.Posture, CauseKey: []string{"region", "requestParameters.name"}, Mode: rule.ModeCount,
		Severity: yagura.SeverityCritical, Entities: []rule.EntityField{{Type: yagura.EntityResource, Field: "requestParameters.name"}}}
	s := newStand(t, Options{}, simple("other", pred(field("eventName"), query.Eq, "Other")), r)
	if hits := s.match(`{"eventName":"StopLogging","userAgent":"Terraform/1"}`); len(hits) != 0 {
		t.Fatalf("hits %v", hits)
	}
	hits := s.match(`{"eventName":"stoplogging","requestParameters":{"name":"my trail"}}`)
	if len(hits) != 1 || hits[0].Rule != r || !hits[0].Alerts || hits[0].Feeds {
		t.Fatalf("hits %+v", hits)
	}
	ev := &yagura.Event{ID: "e-1", Key: yagura.Key{1}, Format: testFormat, Source: "file", Time: time.Unix(1e9, 0).UTC(),
		Account: "111122223333", Region: "eu-west-1", Action: "StopLogging", SrcIP: "192.0.2.1",
		Actor: yagura.Actor{Type: yagura.EntityUser, ID: "alice"}, Outcome: yagura.OutcomeSuccess}
	want := yagura.Finding{V: 1, ID: s.m.Finding(hits[0], ev).ID, CauseKey: `111122223333 r1 region=eu-west-1 requestParameters.name="my trail"`,
		Kind: yagura.Posture, Rule: yagura.RuleRef{ID: "r1", Title: "Title of r1", Engine: yagura.EngineSigma, File: "r1.yml", Tags: []string{}},
		Severity: yagura.SeverityCritical, SeverityOriginal: "high", Format: testFormat, Source: "file", Time: ev.Time,
		Event: ev.Ref(), Events: []string{"e-1"}, Mode: "count", Output: "Title of r1",
		Entities: []yagura.Entity{{Type: "user", ID: "alice"}, {Type: "ip", ID: "192.0.2.1"}, {Type: "account", ID: "111122223333"}, {Type: "resource", ID: "my trail"}},
		Why: []yagura.Why{{Field: "eventName", Op: "equals", Value: "StopLogging", Actual: "stoplogging"},
			{Field: "userAgent", Op: "not contains", Value: "terraform"}}}
	if diff := cmp.Diff(want, s.m.Finding(hits[0], ev)); diff != "" {
		t.Error(diff)
	}
	other := *ev
	other.Key = yagura.Key{2}
	if s.m.Finding(hits[0], &other).ID == want.ID || len(want.ID) != 32 {
		t.Errorf("id %q", want.ID)
	}
}

func TestUnknownFormat(t *testing.T) {
	s := newStand(t, Options{}, simple("r", query.Const(true)))
	if hits := s.match(`{}`); len(hits) != 1 {
		t.Errorf("hits %v", hits)
	}
	if hits := s.m.Match("no.such", s.doc, query.Meta{}); len(hits) != 0 {
		t.Errorf("hits %v", hits)
	}
	if hits := s.match(`{"a":1}`); len(hits) != 1 {
		t.Errorf("hits %v", hits)
	}
}
