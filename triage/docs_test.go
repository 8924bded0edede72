package triage

import (
	"os"
	"strings"
	"testing"
)

// TestDocs: what the references show as whole files is read, and the fields and functions
// that they list are those that there are.
func TestDocs(t *testing.T) {
	page := func(name string) string {
		data, err := os.ReadFile("../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	read := map[string]int{}
	for _, name := range []string{"policy.md", "accounts.md"} {
		for i, block := range strings.Split(page(name), "```yaml\n") {
			block, _, _ = strings.Cut(block, "```")
			var problems []Problem
			kind, _, _ := strings.Cut(block, ":")
			switch {
			case i == 0:
				continue
			case kind == "version":
				_, problems = ParsePolicy(name, []byte(block), PolicyOptions{Now: testNow})
			case kind == "tests":
				_, problems = ParseCases(name, []byte(block))
			case kind == "organisation":
				_, problems = ParseAccounts(name, []byte(block))
			case strings.HasPrefix(block, "  - name"):
				kind = "clauses"
				_, problems = ParsePolicy(name, []byte("version: 1\nclauses:\n"+block), PolicyOptions{Now: testNow})
			case kind == "organizations":
				continue // a part of the configuration, whose own test reads it
			default:
				t.Errorf("%s: what is %q?", name, kind)
			}
			if len(problems) > 0 {
				t.Errorf("%s: %v", name, said(problems))
			}
			read[kind]++
		}
	}
	if read["version"] == 0 || read["tests"] == 0 || read["organisation"] == 0 || read["clauses"] == 0 {
		t.Errorf("not all kinds of files are shown: %v", read)
	}
	policy := page("policy.md")
	for typ, fields := range objects {
		for name := range fields {
			if !strings.Contains(policy, "`"+name+"`") {
				t.Errorf("docs/policy.md does not name %s of %s", name, typ)
			}
		}
	}
	for _, name := range append(append(functionNames[:8:8], variableNames...), clauseKeys...) {
		if !strings.Contains(policy, name) {
			t.Errorf("docs/policy.md does not name %s", name)
		}
	}
}
