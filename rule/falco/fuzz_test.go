package falco

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/rule"
)

// wholeText is a text with a place for each byte.
func wholeText(s string) text { return newText(&fragment{value: s}) }

// FuzzParseCondition reads any text as a condition. What is read has its parts inside
// the text, and compiles or is refused with a reason.
func FuzzParseCondition(f *testing.F) {
	for _, s := range []string{
		"ct.name=x", "ct.name in (a, \"b c\", 'd') and not (ct.src!=x or ct.user exists)", "not not(ct.name=val(ct.src))",
		`join(",", (ct.name, tolower(ct.src), "x", 0x1F)) startswith anyof (a, b)`, `getopt(("-a", ct.name), "ab:")[b] = x`,
		`json.value["/a~1b/0"] regex "[[:alpha:]]+(x|y){2,3}"`, "ec2.imageids[1] intersects (a) and s3.bytes >= 1e+5", "macro and macro", "(((", "ct.name=", "ct.name pmatch (/a/*/b, [a-z])",
	} {
		f.Add(s)
	}
	src := eventSources(Options{})["aws_cloudtrail"]
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1<<14 {
			return
		}
		n, err := parseCondition(wholeText(s))
		if err == nil {
			c := newCompiler(src, &memory{})
			if _, err = c.expr(n); err == nil {
				return
			}
		}
		if err.msg == "" || err.at.off < 0 || err.at.off > len(s) {
			t.Fatalf("%q: %+v", s, err)
		}
	})
}

// FuzzOutputTemplate reads any text as an output and renders what is read.
func FuzzOutputTemplate(f *testing.F) {
	for _, s := range []string{"plain", "%ct.name", "*%ct.user from %20ct.srcip, %tolower(ct.name)!", "%json.value[/a/b]%ec2.imageids[0]", "100%", "%%", "%5", "%ct.", "%concat(ct.name, \"%ct.name\")", "%s3.bytes.in"} {
		f.Add(s)
	}
	src := eventSources(Options{})["aws_cloudtrail"]
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1<<12 {
			return
		}
		c := newCompiler(src, &memory{})
		out, err := c.output(wholeText(s).trim())
		if err != nil {
			if err.msg == "" || err.at.off > len(s) {
				t.Fatalf("%q: %+v", s, err)
			}
			return
		}
		j := newJudge(t, []*rule.Rule{{Title: "r", Formats: []string{"x"}, When: always(c), Output: out}}, "x")
		got := j.fire(t, []byte(trailRecord), testMeta("aws.cloudtrail"))
		if len(got) != 1 {
			t.Fatalf("%q: %v", s, got)
		}
		if !strings.Contains(s, "%") && got[0].output != strings.TrimPrefix(strings.Trim(s, " \t\n\r\f\v"), "*") {
			t.Fatalf("%q: %q", s, got[0].output)
		}
	})
}

// FuzzLoad reads any bytes as a rule file: every item is loaded or refused with a
// reason and a place, and what is loaded is whole.
func FuzzLoad(f *testing.F) {
	paths, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(paths) == 0 {
		f.Fatal("no files", err)
	}
	for _, p := range paths {
		f.Add(readFile(f, p))
	}
	f.Add([]byte(base))
	record := []byte(trailRecord)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		rules, refusals := Load([]rule.File{{Path: "f.yaml", Data: data}}, Options{})
		for _, r := range rules {
			if (r.When == nil) == (r.Correlation == nil) || r.Severity == 0 || r.Title == "" || len(r.Formats) == 0 || len(r.Formats) > 2 || r.Line < 1 {
				t.Fatalf("%+v", r)
			}
		}
		for _, x := range refusals {
			if x.Reason == "" || x.File != "f.yaml" || x.Line < 1 || x.Column < 1 || strings.Contains(x.Error(), "%!") && !strings.Contains(string(data), "%!") {
				t.Fatalf("%+v", x)
			}
		}
		if len(rules) < 50 {
			newJudge(t, rules, "aws.cloudtrail").fire(t, record, testMeta("aws.cloudtrail"))
		}
	})
}

// FuzzConfig reads any bytes as falco.yaml and as a part of it: what is wrong is said
// with its place, and rules can be loaded by what was read.
func FuzzConfig(f *testing.F) {
	for _, text := range []string{
		"rules_files: [a.yaml, b/]\nrule_matching: first\npriority: error\n",
		"rules:\n  - enable: {rule: '*'}\n  - disable: {tag: t}\n",
		"append_output:\n  - {match: {source: aws_cloudtrail, tags: [t]}, extra_output: ' %ct.name', extra_fields: [ct.id]}\n",
		"config_files: [d, {path: e, strategy: override}]\n", "a: &x [*x]\n", "[]", "rules: {enable: {rule: [x]}}\n", "append_output: [{match: [], extra_output: {}}]",
	} {
		f.Add([]byte(text), []byte("rules_files: [c.yaml]\n"), "append")
	}
	f.Fuzz(func(t *testing.T, main, part []byte, strategy string) {
		if len(main)+len(part) > 1<<14 {
			return
		}
		ConfigFiles(rule.File{Path: "f.yaml", Data: main})
		c, refusals := ParseConfig(rule.File{Path: "f.yaml", Data: main}, ConfigPart{rule.File{Path: "g.yaml", Data: part}, strategy})
		if c != nil {
			_, more := Load([]rule.File{{Path: "r.yaml", Data: []byte(base)}}, Options{Config: c})
			refusals = append(refusals, more...)
		}
		for _, x := range refusals {
			if x.Reason == "" || x.File == "" || x.Line < 1 || x.Column < 1 {
				t.Fatalf("%+v", x)
			}
		}
	})
}
