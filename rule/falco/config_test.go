package falco

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/rule"
)

func parseTestConfig(t *testing.T, text string) (*Config, []rule.Refusal) {
	t.Helper()
	return ParseConfig(rule.File{Path: "/etc/falco/falco.yaml", Data: []byte(text)})
}

func TestConfig(t *testing.T) {
	c, refusals := parseTestConfig(t, `
rules_files:
  - /etc/falco/first.yaml
  - /etc/falco/rules.d
plugins:
  - name: cloudtrail
    library_path: libcloudtrail.so
rule_matching: first
priority: debug
json_output: true
`)
	if len(refusals) != 0 {
		t.Errorf("%v", refusals)
	}
	want := &Config{File: "/etc/falco/falco.yaml", RulesFiles: []string{"/etc/falco/first.yaml", "/etc/falco/rules.d"}, FirstMatch: true}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
	for name, text := range map[string]string{"empty": "", "old key": "rules_file: [a.yaml]\n", "one file": "rules_files: a.yaml\n", "all": "rule_matching: all\n"} {
		if c, refusals := parseTestConfig(t, text); c == nil || len(refusals) != 0 || c.FirstMatch {
			t.Errorf("%s: %v %v", name, c, refusals)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	for text, want := range map[string]string{
		"priority: warning\n":              "/etc/falco/falco.yaml:1:1: the key 'priority' is not honoured (hint: choose by severity when reading the findings)",
		"rule_matching: some\n":            "/etc/falco/falco.yaml:1:16: rule_matching 'some' (hint: write first or all)",
		"rules_files:\n  - {a: b}\n":       "/etc/falco/falco.yaml:2:5: rules_files holds something other than a path",
		"- a\n":                            "/etc/falco/falco.yaml:1:1: falco.yaml is not a mapping",
		"a: [\n":                           "/etc/falco/falco.yaml:1:1: yaml: did not find expected node content",
		"rules:\n  - disable: {rule: x}\n": "/etc/falco/falco.yaml:1:1: the key 'rules' is not honoured (hint: rules are enabled and disabled in rule files)",
		"\n\nappend_output:\n  - {extra_output: '%x.y'}\n": "/etc/falco/falco.yaml:3:1: the key 'append_output' is not honoured (hint: output is what the rule says)",
	} {
		_, refusals := parseTestConfig(t, text)
		if len(refusals) != 1 || refusals[0].Error() != want {
			t.Errorf("%q: %v, want %s", text, refusals, want)
		}
	}
}

func TestConfigOrder(t *testing.T) {
	var files []rule.File
	for _, p := range []string{"rules/d/b.yaml", "rules/d/a.yaml", "rules/other.yaml", "rules/first.yaml"} {
		files = append(files, rule.File{Path: p})
	}
	var said []string
	c := &Config{RulesFiles: []string{"/etc/falco/first.yaml", "/etc/falco/d/", "/etc/falco/none.yaml"}}
	var got []string
	for _, f := range c.order(files, func(msg string, _ place) { said = append(said, msg) }) {
		got = append(got, f.Path)
	}
	if diff := cmp.Diff([]string{"rules/first.yaml", "rules/d/a.yaml", "rules/d/b.yaml", "rules/other.yaml"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"rules_files names '/etc/falco/none.yaml', which is not among the rule files"}, said); diff != "" {
		t.Error(diff)
	}
}

// TestConfigDecides shows that the order of files decides which definition counts,
// and that rule_matching: first marks the rules.
func TestConfigDecides(t *testing.T) {
	rule1 := ruleText("ct.name=first", "x", "aws_cloudtrail")
	rule2 := strings.ReplaceAll(rule1, "first", "second")
	files := []rule.File{{Path: "b.yaml", Data: []byte(rule2)}, {Path: "a.yaml", Data: []byte(rule1)}}
	for _, c := range []struct {
		config *Config
		want   string // the event name that the rule asks for
	}{
		{nil, "first"},
		{&Config{RulesFiles: []string{"a.yaml", "b.yaml"}, FirstMatch: true}, "second"},
	} {
		rules, refusals := Load(files, Options{Config: c.config})
		if len(rules) != 1 || len(refusals) != 0 {
			t.Fatalf("%d rules, %v", len(rules), refusals)
		}
		j := newJudge(t, rules, "aws.cloudtrail")
		if len(j.fire(t, []byte(`{"eventName":"`+c.want+`"}`), testMeta("aws.cloudtrail"))) != 1 {
			t.Errorf("the rule does not ask for %s", c.want)
		}
		if (rules[0].Exclusive != "") != (c.config != nil) {
			t.Errorf("Exclusive = %q", rules[0].Exclusive)
		}
	}
}
