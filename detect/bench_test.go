package detect

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
)

// benchRecords returns the CloudTrail records to measure with: the given ones where
// they are, else invented ones.
func benchRecords(b *testing.B) [][]byte {
	path := filepath.Join("..", "..", "shared", "data", "aws", "cloudtrail")
	if _, err := os.Stat(path); err != nil {
		records, _ := synthRecords(1000, 1)
		return records
	}
	ids, records := givenTrail(b)
	var out [][]byte
	for _, id := range ids {
		out = append(out, compact(b, records[id]))
	}
	return out
}

func compact(b *testing.B, raw []byte) []byte {
	var v json.RawMessage
	if err := json.Unmarshal(raw, &v); err != nil {
		b.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// eventNames lists the event names of records.
func eventNames(records [][]byte) []string {
	var names []string
	seen := map[string]bool{}
	for _, r := range records {
		var head struct{ EventName string }
		if json.Unmarshal(r, &head) == nil && !seen[head.EventName] {
			seen[head.EventName] = true
			names = append(names, head.EventName)
		}
	}
	return names
}

// benchMatch measures the whole way of a record: the pass over its JSON and all
// rules. It reports how often rules were tried.
func benchMatch(b *testing.B, rules []*rule.Rule, records [][]byte) {
	s := newStand(b, Options{}, rules...)
	bytes := 0
	for _, r := range records {
		bytes += len(r)
		s.match(string(r))
	}
	hits := 0
	b.ReportAllocs()
	b.ResetTimer()
	n := 0
	for b.Loop() {
		r := records[n%len(records)]
		n++
		if _, err := s.plan.Scan(r, s.doc); err != nil {
			b.Fatal(err)
		}
		hits += len(s.m.Match(testFormat, s.doc, query.Meta{}))
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(hits)/float64(n), "hits/event")
	b.ReportMetric(float64(bytes)/float64(len(records)), "bytes/event")
}

func BenchmarkMatch57(b *testing.B) {
	rules := givenRules(b, "data/rules/sigma/rules/cloud/aws", sigma.Options{NoRouting: true})
	benchMatch(b, rules, benchRecords(b))
}

func BenchmarkMatch3000(b *testing.B)  { benchSynth(b, 3000) }
func BenchmarkMatch10000(b *testing.B) { benchSynth(b, 10000) }

func benchSynth(b *testing.B, n int) {
	records := benchRecords(b)
	benchMatch(b, synthRules(n, 1, eventNames(records)), records)
}

// BenchmarkMutated measures rules made from SigmaHQ's AWS rules by changing the
// values that they ask for, so that their forms and fields are those of real rules.
func BenchmarkMutated(b *testing.B) {
	for _, n := range []int{3000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			records := benchRecords(b)
			base := givenRules(b, "data/rules/sigma/rules/cloud/aws", sigma.Options{NoRouting: true})
			var rules []*rule.Rule
			for i := range n {
				r := *base[i%len(base)]
				r.ID = fmt.Sprint(r.ID, "-", i)
				if i >= len(base) {
					r.When = mutate(r.When, i)
				}
				rules = append(rules, &r)
			}
			benchMatch(b, rules, records)
		})
	}
}

// mutate changes one text in three of a condition, but leaves services and yes or no
// as they are.
func mutate(x query.Expr, seed int) query.Expr {
	list := func(in []query.Expr) []query.Expr {
		var out []query.Expr
		for i, x := range in {
			out = append(out, mutate(x, seed+i))
		}
		return out
	}
	switch x := x.(type) {
	case *query.And:
		return &query.And{X: list(x.X)}
	case *query.Or:
		return &query.Or{X: list(x.X)}
	case *query.Not:
		return &query.Not{X: mutate(x.X, seed)}
	case *query.Pred:
		p := *x
		p.Args = append([]query.Arg(nil), x.Args...)
		for i := range p.Args {
			a := &p.Args[i]
			if a.Text == "" || len(a.Text) < 4 || strings.HasSuffix(a.Text, ".com") || (seed+i)%3 == 0 {
				continue
			}
			a.Text += fmt.Sprint(seed % 997)
		}
		return &p
	}
	return x
}

// BenchmarkFloor is what encoding/json takes to read the same records into maps.
func BenchmarkFloor(b *testing.B) {
	records := benchRecords(b)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		var m map[string]any
		if err := json.Unmarshal(records[n%len(records)], &m); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkScan is the pass over the bytes alone, with the slots of the AWS rules.
func BenchmarkScan(b *testing.B) {
	rules := givenRules(b, "data/rules/sigma/rules/cloud/aws", sigma.Options{NoRouting: true})
	records := benchRecords(b)
	s := newStand(b, Options{}, rules...)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.plan.Scan(records[n%len(records)], s.doc); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkHard measures sets of 3,000 rules that are hard to find by a name.
func BenchmarkHard(b *testing.B) {
	records := benchRecords(b)
	names := eventNames(records)
	g := &synth{rand.New(rand.NewPCG(5, 5)), names}
	forms := map[string]func() query.Expr{
		"contains": func() query.Expr {
			return pred(field(pick(g, []string{"userAgent", "requestParameters", "errorMessage"})), query.Contains, g.word())
		},
		"contains-all": func() query.Expr {
			return &query.And{X: []query.Expr{pred(field("requestParameters"), query.Contains, g.word()), pred(field("requestParameters"), query.Contains, `"`)}}
		},
		"hot-name": func() query.Expr {
			return &query.And{X: []query.Expr{pred(field("eventName"), query.Eq, names[0], names[1], names[2]), pred(field("userAgent"), query.Contains, g.word())}}
		},
		"hot-name-not": func() query.Expr {
			return &query.And{X: []query.Expr{pred(field("eventName"), query.Eq, names[g.IntN(20)]), pred(field("userIdentity", "userName"), query.Eq, g.word()),
				&query.Not{X: pred(field("userAgent"), query.Contains, g.word())}}}
		},
		"or": func() query.Expr {
			return &query.Or{X: []query.Expr{pred(field("userAgent"), query.Contains, g.word()), pred(field("userIdentity", "arn"), query.Suffix, g.word()), pred(field("errorCode"), query.Eq, g.word())}}
		},
		"numbers": func() query.Expr {
			return &query.And{X: []query.Expr{pred(field("eventSource"), query.Eq, pick(g, synthServices)+".amazonaws.com"), &query.Pred{Field: field("requestParameters", "maxResults"), Op: query.Gte, Args: []query.Arg{{Num: float64(g.IntN(1 << 20))}}}}}
		},
	}
	for _, name := range []string{"contains", "contains-all", "hot-name", "hot-name-not", "or", "numbers"} {
		b.Run(name, func(b *testing.B) {
			var rules []*rule.Rule
			for i := range 3000 {
				rules = append(rules, simple(fmt.Sprint(name, "-", i), forms[name]()))
			}
			benchMatch(b, rules, records)
		})
	}
}

// BenchmarkFinding is what it takes to write a hit as a finding.
func BenchmarkFinding(b *testing.B) {
	rules := givenRules(b, "data/rules/sigma/rules/cloud/aws", sigma.Options{NoRouting: true})
	records := benchRecords(b)
	s := newStand(b, Options{}, rules...)
	ev := &yagura.Event{ID: "aaaaaaaa-bbbb-4ccc-8ddd-000000000001", Key: yagura.Key{1}, Format: testFormat, Source: "file", Time: time.Unix(1e9, 0).UTC(),
		Account: "111122223333", Region: "eu-west-1", Action: "AssumeRole", SrcIP: "192.0.2.1", Outcome: yagura.OutcomeSuccess,
		Actor:   yagura.Actor{Type: yagura.EntitySession, ID: "arn:aws:sts::111122223333:assumed-role/deploy/alice", Name: "alice", SessionOf: "arn:aws:iam::111122223333:role/deploy"},
		Targets: []yagura.Entity{{Type: yagura.EntityRole, ID: "arn:aws:iam::111122223333:role/admin"}}, Entities: []yagura.Entity{{Type: yagura.EntityKey, ID: "ASIAEXAMPLE000001"}}}
	n, found := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		for found == 0 || len(s.m.hits) == 0 {
			if _, err := s.plan.Scan(records[n%len(records)], s.doc); err != nil {
				b.Fatal(err)
			}
			n++
			if len(s.m.Match(testFormat, s.doc, query.Meta{})) > 0 {
				break
			}
		}
		f := s.m.finding(s.m.hits[0], s.m.st, ev)
		found += len(f.ID)
		if found%64 == 0 {
			s.m.hits = s.m.hits[:0]
		}
	}
}
