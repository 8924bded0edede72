package falco

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/yagura-sec/yagura/rule"
)

func parseTestConfig(t *testing.T, text string) (*Config, []rule.Refusal) {
	t.Helper()
	return ParseConfig(rule.File{Path: "/etc/falco/falco.yaml", Data: []byte(text)})
}

var visible = cmpopts.IgnoreUnexported(Config{}, Selection{}, ExtraOutput{})

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
	want := &Config{File: "/etc/falco/falco.yaml", RulesFiles: []string{"/etc/falco/first.yaml", "/etc/falco/rules.d"}, FirstMatch: true, Priority: "debug"}
	if diff := cmp.Diff(want, c, visible); diff != "" {
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
		"priority: loud\n":           "/etc/falco/falco.yaml:1:11: priority 'loud' (hint: write debug, informational, notice, warning, error, critical, alert or emergency)",
		"rule_matching: some\n":      "/etc/falco/falco.yaml:1:16: rule_matching 'some' (hint: write first or all)",
		"rules_files:\n  - {a: b}\n": "/etc/falco/falco.yaml:2:5: rules_files holds something other than a path",
		"- a\n":                      "/etc/falco/falco.yaml:1:1: falco.yaml is not a mapping",
		"a: [\n":                     "/etc/falco/falco.yaml:1:1: yaml: did not find expected node content",
		"rules:\n  - disable: x\n":   "/etc/falco/falco.yaml:2:5: an entry of rules without enable or disable of a rule or tag (hint: write enable: {rule: name} or disable: {tag: name})",
		"\n\nappend_output:\n  - extra_fields: [ct.id]\n": "/etc/falco/falco.yaml:4:5: extra_fields of append_output are not shown (hint: a finding has its event's id and header; write the fields into extra_output)",
		"config_files: [{strategy: append}]\n":            "/etc/falco/falco.yaml:1:16: config_files holds something other than a path",
		"config_files: [{path: a, strategy: mix}]\n":      "/etc/falco/falco.yaml:1:36: strategy 'mix' (hint: write append, override or add-only)",
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

func configPart(path, strategy, text string) ConfigPart {
	return ConfigPart{rule.File{Path: path, Data: []byte(text)}, strategy}
}

func TestConfigParts(t *testing.T) {
	main := rule.File{Path: "falco.yaml", Data: []byte("config_files: [d, {path: e.yaml, strategy: override}]\nrules_files: [a.yaml]\nrule_matching: first\n")}
	if diff := cmp.Diff([]ConfigFile{{Path: "d"}, {Path: "e.yaml", Strategy: "override"}}, ConfigFiles(main)); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		strategy string
		files    []string
		first    bool
	}{
		{"", []string{"a.yaml", "b.yaml"}, false},
		{"append", []string{"a.yaml", "b.yaml"}, false},
		{"override", []string{"b.yaml"}, false},
		{"add-only", []string{"a.yaml"}, true},
	} {
		cfg, refusals := ParseConfig(main, configPart("d/1.yaml", c.strategy, "rules_files: [b.yaml]\nrule_matching: all\npriority: error\n"))
		want := &Config{File: "falco.yaml", RulesFiles: c.files, FirstMatch: c.first, Priority: "error"}
		if diff := cmp.Diff(want, cfg, visible); diff != "" || len(refusals) > 0 {
			t.Errorf("%s: %v %s", c.strategy, refusals, diff)
		}
	}
	_, refusals := ParseConfig(main, configPart("d/1.yaml", "", "config_files: [x]\n"))
	if len(refusals) != 1 || refusals[0].File != "d/1.yaml" {
		t.Errorf("%v", refusals)
	}
}

// TestConfigChooses shows which rules the keys rules and priority of falco.yaml leave.
func TestConfigChooses(t *testing.T) {
	const rules = `
- {rule: Alpha one, desc: d, condition: ct.name=a, output: o, priority: ERROR, source: aws_cloudtrail, tags: [iam]}
- {rule: Alpha two, desc: d, condition: ct.name=b, output: o, priority: INFO, source: aws_cloudtrail, tags: [iam, s3]}
- {rule: Beta, desc: d, condition: ct.name=c, output: o, priority: WARNING, source: aws_cloudtrail, enabled: false}
`
	for _, c := range []struct{ config, want, said string }{
		{"", "Alpha one, Alpha two", ""},
		{"rules: [{disable: {rule: Alpha one}}]", "Alpha two", ""},
		{"rules: [{disable: {rule: Alpha}}]", "Alpha one, Alpha two", "falco.yaml:1:26: no rule has the name 'Alpha' that falco.yaml names"},
		{"rules: [{disable: {rule: '*'}}, {enable: {rule: 'B*t*a'}}]", "Beta", ""},
		{"rules: [{disable: {tag: iam}}, {enable: {tag: s3}}]", "Alpha two", ""},
		{"rules: [{enable: {rule: '*a'}}]\npriority: warning", "Alpha one, Beta", "falco.yaml:2:11: priority 'warning' leaves out 1 less severe rule"},
		{"priority: informational", "Alpha one, Alpha two", ""},
	} {
		cfg, refusals := ParseConfig(rule.File{Path: "falco.yaml", Data: []byte(c.config)})
		loaded, more := Load([]rule.File{{Path: "r.yaml", Data: []byte(rules)}}, Options{Config: cfg})
		var names, said []string
		for _, r := range loaded {
			if !r.Disabled {
				names = append(names, r.Title)
			}
		}
		for _, r := range append(refusals, more...) {
			said = append(said, r.Error())
		}
		if strings.Join(names, ", ") != c.want || strings.Join(said, "; ") != c.said {
			t.Errorf("%s: %q, said %q", c.config, names, said)
		}
	}
}

func TestConfigAppendsOutput(t *testing.T) {
	cfg, refusals := ParseConfig(rule.File{Path: "falco.yaml", Data: []byte(`
append_output:
  - suggested_output: true
  - {match: {source: aws_cloudtrail}, extra_output: "src=%ct.src"}
  - {match: {source: okta}, extra_output: "%okta.app"}
  - {match: {tags: [a, b], rule: r}, extra_output: "two tags"}
  - {match: {tags: [a, c]}, extra_output: "other tags"}
  - {match: {rule: r2}, extra_output: "%no.such"}
`)})
	if len(refusals) > 0 {
		t.Errorf("%v", refusals)
	}
	file := rule.File{Path: "r.yaml", Data: []byte(`
- {rule: r, desc: d, condition: ct.name=a, output: "name=%ct.name", priority: ERROR, source: aws_cloudtrail, tags: [b, a]}
- {rule: r2, desc: d, condition: ct.name=a, output: o, priority: ERROR, source: aws_cloudtrail}
`)}
	rules, bad := Load([]rule.File{file}, Options{Config: cfg})
	if len(rules) != 1 || len(bad) != 1 || bad[0].File != "falco.yaml" || bad[0].Line != 8 || bad[0].Rule != "r2" {
		t.Fatalf("%d rules, %v", len(rules), bad)
	}
	got := newJudge(t, rules, "aws.cloudtrail").fire(t, []byte(`{"eventName":"a","eventSource":"s"}`), testMeta("aws.cloudtrail"))
	if diff := cmp.Diff([]alert{{"r", "name=a src=s two tags"}}, got, cmp.AllowUnexported(alert{})); diff != "" {
		t.Error(diff)
	}
}
