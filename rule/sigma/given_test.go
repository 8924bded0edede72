package sigma_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
	"github.com/yagura-sec/yagura/slot"
)

// shared returns a path of the material that is given beside the repository, and
// skips the test where there is none.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	p := filepath.Join(dir, "..", "shared", name)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("%s is not here: %v", name, err)
	}
	return p
}

// ruleFiles reads the rule files below a folder.
func ruleFiles(t testing.TB, dir string) []rule.File {
	t.Helper()
	var files []rule.File
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".yml") {
			return err
		}
		data, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		files = append(files, rule.File{Path: rel, Data: data})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// shipped are the shipped pipelines, parsed once for tests that load many files.
var shipped = sigma.ShippedPipelines()

// matcher judges records by one rule.
type matcher struct {
	prog *query.Program
	plan *slot.Plan
	doc  *slot.Doc
	st   *query.State
}

func newMatcher(t testing.TB, expr query.Expr) *matcher {
	t.Helper()
	b := slot.NewBuilder()
	prog, err := query.Compile(expr, b)
	if err != nil {
		t.Fatal(err)
	}
	m := &matcher{prog: prog, plan: b.Plan()}
	m.doc, m.st = m.plan.NewDoc(), prog.NewState()
	return m
}

func (m *matcher) match(t testing.TB, record string) bool {
	t.Helper()
	if _, err := m.plan.Scan([]byte(record), m.doc); err != nil {
		t.Fatalf("%s: %v", record, err)
	}
	return m.prog.Match(m.doc, m.st)
}

// TestSemantics holds the given cases of the specification against the engine.
func TestSemantics(t *testing.T) {
	data, err := os.ReadFile(shared(t, "data/oracle/sigma/semantics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Rule, Event string
		Want              bool
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			rules, refusals := sigma.Load([]rule.File{{Path: "r.yml", Data: []byte(c.Rule)}}, sigma.Options{NoRouting: true, Pipelines: shipped})
			if len(rules) != 1 || len(refusals) != 0 {
				t.Fatalf("%d rules, refusals %v", len(rules), refusals)
			}
			if got := newMatcher(t, rules[0].When).match(t, c.Event); got != c.Want {
				t.Errorf("%s on %s: %v, want %v", c.Rule, c.Event, got, c.Want)
			}
		})
	}
}

// TestGivenRulesLoad loads all rules that are given.
func TestGivenRulesLoad(t *testing.T) {
	files := ruleFiles(t, shared(t, "data/rules/sigma"))
	rules, refusals := sigma.Load(files, sigma.Options{})
	for _, x := range refusals {
		t.Error(x.Error())
	}
	if len(rules) != len(files) {
		t.Errorf("%d rules of %d files", len(rules), len(files))
	}
	for _, r := range rules {
		if len(r.Formats) == 0 {
			t.Errorf("%s judges no format", r.File)
		}
	}
}
