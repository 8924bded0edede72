package triage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
)

// FuzzParsePolicy: whatever the file, there is a policy or a problem with a place, and a
// policy can be checked and judges.
func FuzzParsePolicy(f *testing.F) {
	f.Add(defaultPolicy)
	f.Add(portPolicy)
	f.Add(head + "clauses:\n- {when: event.a.b[0] > 3 || finding.severity in ['高'], fold: [event.x, account], ask: actor, assign: {from: event.text('a')}}")
	f.Add(head + "clauses:\n- when: |\n    entities.all(e, e.id.matches('^a+$'))\n  suppress: {until: 2027-01-01, reason: x}\n  stop: true")
	f.Add(head + "clauses:\n- {when: usual.network.first && usual.hour.count < 3 || has(usual.api), raise: 1, label: [{from: usual.agent.value}]}\n- {when: '[usual].exists(u, u.region == usual.region)', label: [x]}")
	f.Add("version: 1\nclauses: [{when: \"\\u0061 \\\n  b\", label: x}]")
	f.Fuzz(func(t *testing.T, text string) {
		p, problems := ParsePolicy("f", []byte(text), PolicyOptions{Now: testNow, Sinks: testSinks})
		if (p == nil) != Refused(problems) {
			t.Fatalf("policy %v, problems %v", p, said(problems))
		}
		lines := len(newSource([]byte(text)).lines)
		for _, x := range problems {
			if x.Reason == "" || x.Line > lines || strings.ContainsRune(x.Error(), '\n') && !strings.Contains(x.Reason, "\n") {
				t.Errorf("a bad problem: %+v", x)
			}
		}
		if p == nil {
			return
		}
		p.Check(CheckOptions{Now: testNow, Sinks: testSinks, Accounts: NewAccounts(nil)})
		p.Check(CheckOptions{Unusual: "there is no lake"})
		in := input()
		in.Finding.Usual = []yagura.Usual{strange(), {Of: "agent", Value: "a\n\x00", Rare: true}, {Of: "api", Unknown: "away"}}
		j := p.Judge(in)
		if j.Severity < 1 || j.Severity > 5 {
			t.Errorf("severity %d", j.Severity)
		}
	})
}

const readingPolicy = head + `clauses:
  - {name: a, when: 'event.a.b.c == "x" || event.a[0] > 3', raise: 1}
  - {name: b, when: 'event.values("a.b.c").exists(v, v.glob("*x*"))', label: [b]}
  - {name: c, when: 'event.exists(k, k.matches("^(a+)+$"))', label: [c]}
  - {name: d, when: 'event.a.all(x, x.all(y, y == x))', label: [d]}
  - {name: e, when: 'event == event || event.a == event.b', label: [e]}
  - {name: f, when: 'string(event.a).lower().contains(event.b)', label: [{from: event.text("a")}]}
  - {name: g, fold: [account, event.a], assign: {from: 'event.text("b")'}, ask: {from: event.a}}
  - {name: h, when: 'event.a', raise: 1}
  - {name: i, when: 'event.?a.?b.orValue(1) in [1, 2.5, "x"]', raise: 1}
`

// FuzzEvent: whatever the record, a judgement comes back soon, and its texts are clean.
func FuzzEvent(f *testing.F) {
	p, problems := ParsePolicy("f", []byte(readingPolicy), PolicyOptions{Now: testNow})
	if Refused(problems) {
		f.Fatal(said(problems))
	}
	f.Add([]byte(trailEvent))
	f.Add([]byte(`{"a":{"b":{"c":"x"}},"a":[1e999,-0,12345678901234567890,0.1]}`))
	f.Add([]byte(`{"a":"` + strings.Repeat("a", 3000) + `!","b":"\u0000\u2028\ud800"}`))
	f.Add([]byte(strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300)))
	f.Fuzz(func(t *testing.T, event []byte) {
		in := input()
		in.Event = event
		start := time.Now()
		j := p.Judge(in)
		if d := time.Since(start); d > 20*time.Second { // a stall, even on a busy machine
			t.Errorf("took %v", d)
		}
		texts := append([]string{j.Assignee, j.Ask, j.Fold}, j.Labels...)
		for _, d := range j.Clauses {
			texts = append(texts, d.Text)
		}
		for _, s := range texts {
			if strings.ContainsFunc(s, func(r rune) bool { return r == '\n' || unicode.Is(unicode.Cc, r) }) {
				t.Errorf("%q", s)
			}
		}
	})
}

// FuzzSpots: the characters of a text stand where it is said that they stand.
func FuzzSpots(f *testing.F) {
	f.Add("a && b", 0)
	f.Add("a\n\n  b 高\n", 1)
	f.Add("it's", 2)
	f.Add("\"\\\t\u00a0x", 3)
	styles := []yaml.Style{0, yaml.LiteralStyle, yaml.FoldedStyle, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle}
	f.Fuzz(func(t *testing.T, text string, style int) {
		var b bytes.Buffer
		enc := yaml.NewEncoder(&b)
		doc := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "when"},
			{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Style: styles[(style%5+5)%5]}}}
		if enc.Encode(doc) != nil {
			return
		}
		var back yaml.Node
		if yaml.Unmarshal(b.Bytes(), &back) != nil || len(back.Content) == 0 || len(back.Content[0].Content) != 2 {
			return
		}
		n := back.Content[0].Content[1]
		src := newSource(b.Bytes())
		spots := src.spots(n)
		value := []rune(n.Value)
		if len(spots) != len(value)+1 {
			t.Fatalf("%d places for %d characters", len(spots), len(value))
		}
		for i, r := range value {
			if unicode.IsSpace(r) || n.Style&yaml.DoubleQuotedStyle != 0 && (r < ' ' || r > '~' || r == '"' || r == '\\') {
				continue
			}
			if got := src.rune(spots[i]); got != r {
				t.Fatalf("%q as\n%s\ncharacter %d %q is at %v, where %q is", text, b.String(), i, r, spots[i], got)
			}
		}
	})
}

func TestHostileEvents(t *testing.T) {
	p := parse(t, readingPolicy)
	deep := strings.Repeat(`{"a":[`, 60) + "1" + strings.Repeat("]}", 60)
	wide := `{"a":[` + strings.Repeat("[1,2,3,4,5,6,7,8,9],", 50_000) + `[1]]}`
	long := `{"a":"` + strings.Repeat("a", 1_000_000) + `!","b":"b"}`
	many := `{` + strings.Repeat(`"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!":1,`, 1000) + `"z":1}`
	for name, event := range map[string]string{
		"deep": deep, "too deep": strings.Repeat(`[`, 100_000), "deep object": `{"a":` + strings.Repeat(`[`, 5000) + strings.Repeat(`]`, 5000) + `}`,
		"wide": wide, "long": long, "keys": many, "numbers": `{"a":[1e400,-1e400,1E-400,123456789012345678901234567890,-0]}`,
		"twice": `{"a":{"b":{"c":"x"}},"a":{"b":{"c":"y"}}}`, "list": `[1]`, "text": `"x"`, "null": `null`, "empty": ``, "cut": `{"a":`,
		"large": `{"a":"` + strings.Repeat("a", maxEvent) + `"}`, "not UTF-8": "{\"a\":\"\xff\xfe\",\"b\":\"\xc0\"}",
	} {
		in := input()
		in.Event = []byte(event)
		start := time.Now()
		c := p.run(in)
		t.Logf("%s: %d bytes, %v, %d steps", name, len(event), time.Since(start).Round(time.Microsecond), c.spent)
		if c.spent > maxTotal+2*maxCost { // one condition may go beyond its bound by its last step
			t.Errorf("%s: %d steps", name, c.spent)
		}
		if c.Severity == 0 {
			t.Errorf("%s: no severity", name)
		}
	}
	// Loops over what is large end by their cost and not by their patience.
	for _, when := range []string{
		`event.a.all(x, event.a.exists(y, y != y) == false)`,
		`event.a.all(x, event == event)`,
		`event.a.all(x, event.a in [event.a])`,
		`event.a.all(x, event.values("a.b").size() >= 0)`,
		`event.a.map(x, event.a.map(y, y + y)).size() > 0`,
	} {
		p := parse(t, head+"clauses:\n  - {name: x, when: '"+when+"', level: none}\n")
		in := input()
		in.Event = []byte(wide)
		start := time.Now()
		c := p.run(in)
		t.Logf("%s: %v, %d steps", when, time.Since(start).Round(time.Microsecond), c.spent)
		if c.Severity != openTrail().Severity || len(c.Clauses) != 1 || c.failed != 1 {
			t.Errorf("%s: %+v", when, c.Judgement)
		}
	}
	m, err := decodeEvent([]byte(`{"a":{"x":1},"a":{"y":[1,2.5,1e3,1e400,12345678901234567890,null]},"n":null}`))
	if got := fmt.Sprint(m); err != nil || got != "map[a:map[y:[1 2.5 1000 1e400 1.2345678901234567e+19 <nil>]]]" {
		t.Errorf("%s %v", got, err)
	}
}

// FuzzCases: tests of a policy are read or refused with a place.
func FuzzCases(f *testing.F) {
	f.Add("tests: [{finding: {severity: low, rule: {id: x}}, event: {a: [1, 0x10, .inf, ~]}, expect: {severity: low}}]")
	f.Add("tests: [{usual: {network: {first: true, count: 3, since: 2026-01-01T00:00:00Z}, hour: {unknown: x}}, expect: {severity: low}}]")
	f.Add("tests:\n- {issue: {status: open, count: -1}, account: 1, now: x, expect: {routes: []}}")
	f.Fuzz(func(t *testing.T, text string) {
		cases, problems := ParseCases("f", []byte(text))
		if (cases == nil) != Refused(problems) {
			t.Fatalf("cases %v, problems %v", cases, said(problems))
		}
		for _, r := range DefaultPolicy().Test(cases, nil) {
			if _, err := json.Marshal(r); err != nil {
				t.Error(err)
			}
		}
	})
}

// FuzzAccounts: a registry is read or refused, and answers.
func FuzzAccounts(f *testing.F) {
	f.Add("organisation: x\naccounts: {a: {owner: b, tags: [c]}, b: }\npatterns: [{match: 'a*', listed: true}]", "abc")
	f.Add("patterns: [{match: '*a*b*c\\\\*'}]", "aabbcc*")
	f.Fuzz(func(t *testing.T, text, id string) {
		a, problems := ParseAccounts("f", []byte(text))
		if (a == nil) != Refused(problems) {
			t.Fatalf("%v", said(problems))
		}
		if got := a.Lookup(id); got.ID != id {
			t.Errorf("%+v", got)
		}
	})
}
