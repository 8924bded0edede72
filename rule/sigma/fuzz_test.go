package sigma

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/rule"
)

// FuzzParseCondition reads any text as a condition. What is read is written down
// and read again to the same.
func FuzzParseCondition(f *testing.F) {
	for _, s := range []string{"sel_a", "sel_a and not 1 of sel_*", "(all of them or 2 of *) AND NOT not sel_b", "1 of", ")(", "sel_a | count() > 5", "1 of them of", "((((sel_a))))"} {
		f.Add(s)
	}
	names := []string{"sel_a", "sel_b", "_c", "and", "1"}
	f.Fuzz(func(t *testing.T, s string) {
		x, flt := parseCondition(&yaml.Node{Value: s, Line: 1, Column: 1}, names)
		if flt != nil {
			if flt.reason == "" || strings.Contains(flt.reason, "%!") && !strings.Contains(s, "%!") {
				t.Fatalf("%q: %q", s, flt.reason)
			}
			return
		}
		again, flt := parseCondition(&yaml.Node{Value: written(x)}, names)
		if flt != nil {
			t.Fatalf("%q is read as %q, which is refused: %s", s, written(x), flt.reason)
		}
		if written(again) != written(x) {
			t.Fatalf("%q: %q, then %q", s, written(x), written(again))
		}
	})
}

// written writes a condition with names, and, or, not and parentheses only.
func written(x cond) string {
	join := func(list []cond, op string) string {
		var parts []string
		for _, y := range list {
			parts = append(parts, written(y))
		}
		return "(" + strings.Join(parts, " "+op+" ") + ")"
	}
	switch x := x.(type) {
	case condAnd:
		return join(x, "and")
	case condOr:
		return join(x, "or")
	case condNot:
		return "not " + written(x.x)
	case condOf:
		if len(x.names) == 1 {
			return x.names[0]
		}
		op := " or "
		if x.count == len(x.names) {
			op = " and "
		}
		return "(" + strings.Join(x.names, op) + ")"
	}
	return string(x.(condName))
}

// FuzzLoad reads any bytes as a rule file with the shipped pipelines: every document
// is loaded or refused with a reason, and what is loaded is whole.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.yml", "testdata/good/*.yml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			f.Fatal(pattern, err)
		}
		for _, p := range paths {
			data, err := os.ReadFile(p)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	pipelines := ShippedPipelines()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		rules, refusals := Load([]rule.File{{Path: "f.yml", Data: data}}, Options{Pipelines: pipelines, Placeholders: map[string][]string{"x": {"y", "z*"}}})
		for _, r := range rules {
			if (r.When == nil) == (r.Correlation == nil) || r.Severity == 0 || r.Title == "" || r.Formats == nil && r.Correlation == nil {
				t.Fatalf("%+v", r)
			}
			if c := r.Correlation; c != nil && (len(c.Rules) == 0 || len(c.Base) != len(c.Rules) || len(c.RuleNames) != len(c.Rules) || c.Timespan <= 0) {
				t.Fatalf("%+v", c)
			}
		}
		for _, x := range refusals {
			if x.Reason == "" || strings.Contains(x.Error(), "%!") && !strings.Contains(string(data), "%!") {
				t.Fatalf("%+v", x)
			}
		}
	})
}

// FuzzParsePipeline reads any bytes as a pipeline and runs what is read.
func FuzzParsePipeline(f *testing.F) {
	for _, x := range ShippedPipelineFiles() {
		f.Add(x.Data)
	}
	paths, _ := filepath.Glob("testdata/bad/pipeline_*.yml")
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	example := []rule.File{{Path: "r.yml", Data: []byte("title: T\nlogsource: {product: azure, service: auditlogs}\ndetection:\n  s: {a|contains: x, b: 5, 'c|expand': '%x%', d: null}\n  k: [word]\n  condition: s or k\n")}}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		p, refusals := ParsePipeline(rule.File{Path: "p.yml", Data: data})
		if (p == nil) == (len(refusals) == 0) {
			t.Fatalf("pipeline %v, refusals %v", p, refusals)
		}
		if p != nil {
			Load(example, Options{Pipelines: []*Pipeline{p}})
		}
	})
}
