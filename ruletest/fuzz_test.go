package ruletest

import (
	"encoding/json"
	"testing"

	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
)

// FuzzTestFile reads hostile test files and runs what can be read of them.
func FuzzTestFile(f *testing.F) {
	const event = `{eventID: 'e{n}', eventTime: '2026-03-02T09:15:00Z', eventSource: a.amazonaws.com, eventName: x, awsRegion: r, userIdentity: {type: Root}}`
	f.Add("fires:\n  - {name: a, event: " + event + "}\nnear_misses:\n  - {name: b, set: {a.b.0: [1]}}\n")
	f.Add("fires:\n  - {name: a, repeat: {times: 3, step: 1s, time: eventTime}, event: " + event + "}\nquiet:\n  - {name: q, event: '{\"a\":[1,{}]}'}")
	f.Add("rule: z\nfires: &a [*a]")
	f.Add("fires:\n  - {name: a, event: &x {a: [*x, *x]}}")
	rules, _ := sigma.Load([]rule.File{{Path: "r/rule.yml", Data: []byte("title: x\nlogsource: {product: aws, service: cloudtrail}\ndetection: {s: {eventName: x}, condition: s}\n")}}, sigma.Options{})
	b, err := newBench(rules, Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		suites, flt := parse(rule.File{Path: "r/test.yml", Data: []byte(text)})
		if flt != nil {
			if flt.reason == "" {
				t.Fatal("a fault without a reason")
			}
			return
		}
		var rep Report
		for _, s := range suites {
			for _, c := range s.fires {
				for _, e := range c.events {
					if !json.Valid(e.appendJSON(nil)) {
						t.Fatalf("an event that is not JSON: %s", e.appendJSON(nil))
					}
					if d := differences(e, e.clone(), "", 3); len(d) > 0 {
						t.Fatalf("an event differs from itself in %v", d)
					}
				}
			}
			rep.suite(rules, s, b, Options{})
		}
		if rep.Cases == 0 && len(rep.Failures) == 0 {
			t.Fatal("nothing was tested and nothing failed")
		}
	})
}
