package detect

import (
	"slices"
	"strings"
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

const testFormat = "aws.cloudtrail"

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
	if len(hits) != 1 || hits[0].Rule != r || !hits[0].Finds || hits[0].Feeds {
		t.Fatalf("hits %+v", hits)
	}
	ev := &yagura.Event{ID: "e-1", Key: yagura.Key{1}, Format: testFormat, Source: "file", Time: time.Unix(1e9, 0).UTC(),
		Account: "111122223333", Region: "eu-west-1", Action: "StopLogging", SrcIP: "192.0.2.1",
		Actor: yagura.Actor{Type: yagura.EntityUser, ID: "alice"}, Outcome: yagura.OutcomeSuccess}
	want := yagura.Finding{V: 1, ID: s.m.finding(hits[0], s.m.st, ev).ID, CauseKey: `111122223333 r1 region=eu-west-1 requestParameters.name="my trail"`,
		Kind: yagura.Posture, Rule: yagura.RuleRef{ID: "r1", Title: "Title of r1", Engine: yagura.EngineSigma, File: "r1.yml", Tags: []string{}},
		Severity: yagura.SeverityCritical, SeverityOriginal: "high", Format: testFormat, Source: "file", Time: ev.Time,
		Event: ev.Ref(), Events: []string{"e-1"}, Mode: "count", Output: "Title of r1",
		Entities: []yagura.Entity{{Type: "user", ID: "alice"}, {Type: "ip", ID: "192.0.2.1"}, {Type: "account", ID: "111122223333"}, {Type: "resource", ID: "my trail"}},
		Why: []yagura.Why{{Field: "eventName", Op: "equals", Value: "StopLogging", Actual: "stoplogging"},
			{Field: "userAgent", Op: "not contains", Value: "terraform"}}}
	if diff := cmp.Diff(want, s.m.finding(hits[0], s.m.st, ev)); diff != "" {
		t.Error(diff)
	}
	other := *ev
	other.Key = yagura.Key{2}
	if s.m.finding(hits[0], s.m.st, &other).ID == want.ID || len(want.ID) != 32 {
		t.Errorf("id %q", want.ID)
	}
}

// TestCauseKey: the order and the number of a record's values make no other cause, and
// of parts with one word the first counts that the record has.
func TestCauseKey(t *testing.T) {
	r := simple("r", query.Const(true))
	r.SideCar = rule.SideCar{CauseKey: []string{"port=port", "port=permissions.port", "permissions.cidr", "none"}}
	r.SideFields = []query.Field{{Name: "permissions.cidr", Paths: []slot.Path{slot.Keys("permissions", "cidr"), slot.Keys("permissions", "address")}}}
	s := newStand(t, Options{}, r)
	for record, want := range map[string]string{
		`{"permissions":[{"port":22,"cidr":"b"},{"port":21,"cidr":"a"},{"port":22,"cidr":"b"}]}`: "- r port=21,22 permissions.cidr=a,b",
		`{"port":22,"permissions":[{"port":80,"address":"a"}]}`:                                  "- r port=22 permissions.cidr=a",
	} {
		if got := s.m.finding(s.match(record)[0], s.m.st, &yagura.Event{}).CauseKey; got != want {
			t.Errorf("%s: %s, want %s", record, got, want)
		}
	}
}

// TestFormerKeys: a finding has the keys that former templates of its rule would have made.
func TestFormerKeys(t *testing.T) {
	r := simple("r", query.Const(true))
	r.SideCar = rule.SideCar{CauseKey: []string{"bucket=name"}, FormerCauseKeys: [][]string{{"name", "region"}, nil}}
	s := newStand(t, Options{}, r)
	f := s.m.finding(s.match(`{"name":"logs"}`)[0], s.m.st, &yagura.Event{Account: "1", Region: "eu", Actor: yagura.Actor{ID: "alice"}})
	if want := []string{"1 r name=logs region=eu", "1 r actor=alice target="}; f.CauseKey != "1 r bucket=logs" || !slices.Equal(f.FormerKeys, want) {
		t.Errorf("%s, former %q, want %q", f.CauseKey, f.FormerKeys, want)
	}
}

// TestActorName: a new session of a role is no new actor, and no new cause.
func TestActorName(t *testing.T) {
	for _, c := range []struct {
		actor yagura.Actor
		want  string
	}{
		{yagura.Actor{Type: "session", ID: "arn:aws:sts::1:assumed-role/Deploy/s-1", SessionOf: "arn:aws:iam::1:role/a/Deploy"}, "arn:aws:iam::1:role/a/Deploy"},
		{yagura.Actor{Type: "session", ID: "arn:aws:sts::1:assumed-role/Deploy/botocore-session-1700000001"}, "arn:aws:sts::1:assumed-role/Deploy"},
		{yagura.Actor{Type: "session", ID: "arn:aws:sts::1:assumed-role/Deploy"}, "arn:aws:sts::1:assumed-role/Deploy"},
		{yagura.Actor{Type: "user", ID: "arn:aws:iam::1:user/alice", Name: "alice"}, "arn:aws:iam::1:user/alice"},
		{yagura.Actor{Name: "alice"}, "alice"},
	} {
		if got := actorName(c.actor); got != c.want {
			t.Errorf("%+v: %s, want %s", c.actor, got, c.want)
		}
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

func TestUnseen(t *testing.T) {
	read := func(id string, fields ...query.Field) *rule.Rule {
		r := simple(id, pred(fields[0], query.Eq, "x"))
		r.Fields = fields
		return r
	}
	whole, part, other := read("whole", field("a")), read("part", field("a"), field("b", "c")), read("other", field("a"))
	other.Formats = []string{"no.such"}
	s := newStand(t, Options{}, whole, part, other)
	s.m.Track()
	s.match(`{"b":{"d":1}}`)
	s.match(`{"a":null}`)
	want := []Unseen{{Rule: part, Records: 2, Fields: []string{"b.c"}}, {Rule: other}}
	if diff := cmp.Diff(want, s.e.Unseen(s.m), cmp.Comparer(func(a, b *rule.Rule) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	s.match(`{"b":[{"c":""}]}`)
	if got := s.e.Unseen(s.m); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

// TestManyFormats judges records of two formats by one matcher in turn.
func TestManyFormats(t *testing.T) {
	one, both := simple("one", pred(field("a"), query.Eq, "x")), simple("both", pred(field("b"), query.Eq, "y"))
	one.Formats = []string{"f1"}
	e, err := New([]*rule.Rule{one, both}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := e.NewMatcher()
	for range 2 {
		for _, format := range []string{"f1", "f2"} {
			b := slot.NewBuilder()
			b.Slot(slot.Field{Paths: []slot.Path{slot.Keys(format)}}) // so that numbers differ
			if m.cur == nil || m.states[format] == nil {
				e.Want(format, b)
			} else {
				continue
			}
			plan := b.Plan()
			doc := plan.NewDoc()
			if _, err := plan.Scan([]byte(`{"a":"x","b":"y"}`), doc); err != nil {
				t.Fatal(err)
			}
			want := 1
			if format == "f1" {
				want = 2
			}
			if hits := m.Match(format, doc, query.Meta{}); len(hits) != want {
				t.Errorf("%s: %d hits", format, len(hits))
			}
		}
	}
}

// TestListsInSideCar: a list is its members, in a cause key in any order.
func TestListsInSideCar(t *testing.T) {
	r := simple("r", pred(field("eventName"), query.Eq, "StopLogging"))
	r.SideCar.Entities = []rule.EntityField{{Type: yagura.EntityIP, Field: "ips"}}
	r.SideCar.CauseKey = []string{"ips"}
	s := newStand(t, Options{}, r)
	var causes []string
	for _, ips := range []string{`["192.0.2.1","192.0.2.2"]`, `["192.0.2.2","192.0.2.1"]`} {
		for _, h := range s.match(`{"eventName":"StopLogging","ips":` + ips + `}`) {
			f := s.m.finding(h, s.m.st, &yagura.Event{})
			causes = append(causes, f.CauseKey)
			if len(f.Entities) != 2 || len(f.Entities[0].ID) != len("192.0.2.1") {
				t.Errorf("%s: about %v", ips, f.Entities)
			}
		}
	}
	if len(causes) != 2 || causes[0] != causes[1] || !strings.HasSuffix(causes[0], "ips=192.0.2.1,192.0.2.2") {
		t.Errorf("causes %q", causes)
	}
}

// TestEntitiesAreNotShared: findings of one event do not write into each other's lists.
func TestEntitiesAreNotShared(t *testing.T) {
	a := simple("a", pred(field("eventName"), query.Eq, "StopLogging"))
	a.SideCar.Entities = []rule.EntityField{{Type: yagura.EntityResource, Field: "x"}}
	b := simple("b", a.When)
	b.SideCar.Entities = []rule.EntityField{{Type: yagura.EntityResource, Field: "y"}, {Type: yagura.EntityUser, Field: "user"}}
	s := newStand(t, Options{}, a, b, simple("c", a.When))
	hits := s.match(`{"eventName":"StopLogging","x":"x-1","y":"y-1","user":"alice"}`)
	ev := &yagura.Event{Entities: append(make([]yagura.Entity, 0, 8), yagura.Entity{Type: yagura.EntityUser, ID: "alice"})}
	var got [][]yagura.Entity
	for _, h := range hits {
		got = append(got, s.m.finding(h, s.m.st, ev).Entities)
	}
	alice := yagura.Entity{Type: yagura.EntityUser, ID: "alice"}
	want := [][]yagura.Entity{{alice, {Type: yagura.EntityResource, ID: "x-1"}}, {alice, {Type: yagura.EntityResource, ID: "y-1"}}, {alice}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
