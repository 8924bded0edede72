package falco

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// The rule that the tests below change.
const base = `
- rule: r
  desc: Something happened.
  condition: ct.name=Base
  output: base %ct.user
  priority: WARNING
  source: aws_cloudtrail
  tags: [b, a, b]
`

// TestDefinitions loads files that define and change rules, and asks on which of the
// events A B C D Base the rules fire, as "rule:event" or "rule:event=output".
func TestDefinitions(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"one rule":                {[]string{base}, "r:Base"},
		"later definition counts": {[]string{base, strings.ReplaceAll(base, "Base", "A")}, "r:A"},
		"append condition":        {[]string{base, "- rule: r\n  condition: or ct.name=A\n  override: {condition: append}\n"}, "r:A r:Base"},
		"append, old form":        {[]string{base, "- rule: r\n  condition: or ct.name=A\n  append: true\n"}, "r:A r:Base"},
		"replace condition":       {[]string{base, "- rule: r\n  condition: ct.name=A\n  override: {condition: replace}\n"}, "r:A"},
		"override output": {
			[]string{base, "- rule: r\n  output: more %ct.name\n  override: {output: append}\n"},
			"r:Base=base u more Base",
		},
		"override many": {
			[]string{base, "- rule: r\n  condition: or ct.name=A\n  output: new %ct.name\n  override: {condition: append, output: replace}\n"},
			"r:A=new A r:Base=new Base",
		},
		"disabled":                {[]string{base + "  enabled: false\n"}, ""},
		"disabled later":          {[]string{base, "- rule: r\n  enabled: false\n  override: {enabled: replace}\n"}, ""},
		"disabled, old form":      {[]string{base, "- rule: r\n  enabled: false\n"}, ""},
		"enabled later":           {[]string{base + "  enabled: no\n", "- rule: r\n  enabled: yes\n  override: {enabled: replace}\n"}, "r:Base"},
		"macro":                   {[]string{"- macro: m\n  condition: ct.name=A or ct.name=B\n", base + "- rule: r\n  condition: or (m and not ct.name=B)\n  append: true\n"}, "r:A r:Base"},
		"macro keeps together":    {[]string{"- macro: m\n  condition: ct.name=A or ct.name=B\n", base + "- rule: r\n  condition: m and ct.name=B\n  override: {condition: replace}\n"}, "r:B"},
		"macro defined later":     {[]string{base + "- rule: r\n  condition: m\n  override: {condition: replace}\n", "- macro: m\n  condition: ct.name=A\n"}, "r:A"},
		"macro redefined":         {[]string{"- macro: m\n  condition: ct.name=A\n", base + "- rule: r\n  condition: or m\n  append: true\n", "- macro: m\n  condition: ct.name=B\n"}, "r:B r:Base"},
		"macro appended":          {[]string{"- macro: m\n  condition: ct.name=A\n", base + "- rule: r\n  condition: or m\n  append: true\n", "- macro: m\n  condition: or ct.name=B\n  override: {condition: append}\n"}, "r:A r:B r:Base"},
		"macro in macro":          {[]string{"- macro: m\n  condition: ct.name=A\n- macro: n\n  condition: m or ct.name=B\n", base + "- rule: r\n  condition: or n\n  append: true\n"}, "r:A r:B r:Base"},
		"macro before its source": {[]string{"- macro: m\n  condition: ct.name=A\n- macro: n\n  condition: m or ct.name=B\n- macro: m\n  condition: ct.name=C\n", base + "- rule: r\n  condition: or n\n  append: true\n"}, "r:B r:Base r:C"},
		"list":                    {[]string{"- list: l\n  items: [A, B]\n", base + "- rule: r\n  condition: or ct.name in (l)\n  append: true\n"}, "r:A r:B r:Base"},
		"list appended":           {[]string{"- list: l\n  items: [A]\n", base + "- rule: r\n  condition: or ct.name in (l)\n  append: true\n", "- list: l\n  items: [B]\n  append: true\n"}, "r:A r:B r:Base"},
		"list replaced":           {[]string{"- list: l\n  items: [A]\n", base + "- rule: r\n  condition: or ct.name in (l)\n  append: true\n", "- list: l\n  items: [B]\n  override: {items: replace}\n"}, "r:B r:Base"},
		"list in list":            {[]string{"- list: l\n  items: [A]\n- list: m\n  items: [l, B]\n", base + "- rule: r\n  condition: or ct.name in (m, C)\n  append: true\n"}, "r:A r:B r:Base r:C"},
		"list of one as value":    {[]string{"- list: l\n  items: [A]\n", base + "- rule: r\n  condition: or ct.name = l\n  append: true\n"}, "r:A r:Base"},
		"list in quotes":          {[]string{"- list: l\n  items: [A]\n", base + "- rule: r\n  condition: or ct.name in (\"l\")\n  append: true\n"}, "r:Base"},
		"empty list":              {[]string{"- list: l\n  items: []\n", base + "- rule: r\n  condition: or ct.name in (A, l, B) or ct.name in (l)\n  append: true\n"}, "r:A r:B r:Base"},
		"exception": {[]string{strings.ReplaceAll(base, "ct.name=Base", "ct.user=u") +
			"  exceptions:\n    - {name: e, fields: [ct.name, ct.src], comps: [in, =], values: [[[A, B], s], [[C], other]]}\n"}, "r:Base r:C r:D"},
		"exception, one field": {[]string{strings.ReplaceAll(base, "ct.name=Base", "ct.user=u") +
			"  exceptions:\n    - {name: e, fields: ct.name, values: [A, B]}\n    - {name: p, fields: ct.name, comps: pmatch, values: [C]}\n"}, "r:Base r:D"},
		"exception, default operators": {[]string{strings.ReplaceAll(base, "ct.name=Base", "ct.user=u") +
			"  exceptions:\n    - {name: e, fields: [ct.name, ct.src], values: [[A, s], [B, s], [C, x]]}\n"}, "r:Base r:C r:D"},
		"exception without values": {[]string{base + "  exceptions:\n    - {name: e, fields: [ct.name]}\n"}, "r:Base"},
		"exception appended": {[]string{
			strings.ReplaceAll(base, "ct.name=Base", "ct.user=u") + "  exceptions:\n    - {name: e, fields: [ct.name]}\n",
			"- rule: r\n  exceptions:\n    - {name: e, values: [[A]]}\n    - {name: f, fields: ct.name, values: [B]}\n  override: {exceptions: append}\n",
		}, "r:Base r:C r:D"},
		"exception replaced": {[]string{
			strings.ReplaceAll(base, "ct.name=Base", "ct.user=u") + "  exceptions:\n    - {name: e, fields: [ct.name], values: [[A]]}\n",
			"- rule: r\n  exceptions:\n    - {name: f, fields: ct.name, values: [B]}\n  override: {exceptions: replace}\n",
		}, "r:A r:Base r:C r:D"},
		"exception with a modifier": {[]string{strings.ReplaceAll(base, "ct.name=Base", "ct.user=u") +
			"  exceptions:\n    - {name: e, fields: ct.name, comps: startswith anyof, values: [A, Ba]}\n"}, "r:B r:C r:D"},
		"exception binds last": {[]string{base + "  exceptions:\n    - {name: e, fields: ct.name, values: [A]}\n- rule: r\n  condition: or ct.name=A or ct.name=B\n  append: true\n"}, "r:B r:Base"},
		"good engine":          {[]string{"- required_engine_version: 0.57.0\n- required_engine_version: 15\n" + base}, "r:Base"},
		"good plugins": {[]string{"- required_plugin_versions:\n  - {name: cloudtrail, version: 0.13.0}\n  - {name: json, version: 0.7.4}\n" +
			"  - {name: k8saudit, version: 0.7.0, alternatives: [{name: k8saudit-eks, version: 0.2.0}]}\n  - {name: ocean, version: 1.0.0, alternatives: [{name: okta, version: 0.5.0}]}\n" + base}, "r:Base"},
		"bad engine elsewhere": {[]string{"- required_engine_version: 9.0.0\n- rule: other\n  desc: d\n  condition: ct.name=A\n  output: x\n  priority: INFO\n  source: aws_cloudtrail\n", base}, "r:Base"},
		"keys for other uses":  {[]string{base + "  warn_evttypes: false\n  capture: true\n  capture_duration: 5\n  skip-if-unknown-filter: true\n"}, "r:Base"},
		"anchors":              {[]string{"- list: l\n  items: &i [A, B]\n- list: m\n  items: *i\n", base + "- rule: r\n  condition: or ct.name in (m)\n  append: true\n"}, "r:A r:B r:Base"},
		"nothing":              {[]string{"", "# comment\n", "---\n---\n", "[]\n", "- \n"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var files []rule.File
			for i, f := range c.files {
				files = append(files, rule.File{Path: fmt.Sprint(i, ".yaml"), Data: []byte(f)})
			}
			rules, _ := Load(files, Options{})
			j := newJudge(t, rules, "aws.cloudtrail")
			var got []string
			for _, event := range []string{"A", "B", "Base", "C", "D"} {
				record := `{"eventName":"` + event + `","eventSource":"s","userIdentity":{"type":"IAMUser","userName":"u"}}`
				for _, a := range j.fire(t, []byte(record), testMeta("aws.cloudtrail")) {
					if strings.Contains(c.want, "=") {
						event += "=" + a.output
					}
					got = append(got, a.rule+":"+event)
				}
			}
			if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMetadata(t *testing.T) {
	r := loadOne(t, base[1:]+"  yagura:\n    kind: behaviour\n")
	if r.ID != "r" || r.Title != "r" || r.Engine != yagura.EngineFalco || r.File != "r.yaml" || r.Line != 1 ||
		r.Description != "Something happened." || !slices.Equal(r.Tags, []string{"a", "b"}) || r.SideCar.Kind != yagura.Behaviour ||
		r.Severity != yagura.SeverityMedium || r.SeverityOriginal != "WARNING" || !slices.Equal(r.Formats, []string{"aws.cloudtrail"}) || r.Exclusive != "" {
		t.Errorf("%+v", r)
	}
	var fields []string
	for _, f := range r.Fields {
		fields = append(fields, f.Name)
	}
	if diff := cmp.Diff([]string{"ct.name", "ct.user"}, fields); diff != "" {
		t.Error(diff)
	}
}

func TestPriorities(t *testing.T) {
	for priority, want := range map[string]yagura.Severity{
		"DEBUG": yagura.SeverityNone, "debug": yagura.SeverityNone, "INFO": yagura.SeverityNone, "Informational": yagura.SeverityNone,
		"NOTICE": yagura.SeverityLow, "Notice": yagura.SeverityLow, "WARNING": yagura.SeverityMedium, "ERROR": yagura.SeverityHigh,
		"CRITICAL": yagura.SeverityCritical, "ALERT": yagura.SeverityCritical, "eMergency": yagura.SeverityCritical,
	} {
		r := loadOne(t, strings.ReplaceAll(base, "WARNING", priority))
		if r.Severity != want || r.SeverityOriginal != priority {
			t.Errorf("%s: %v %q", priority, r.Severity, r.SeverityOriginal)
		}
	}
}

func TestCountOverTime(t *testing.T) {
	r := loadOne(t, ruleText("okta.mfa.failure.countlast[90] >= 3 and okta.actor.Type=User", "%okta.actor.name", "okta"))
	c := r.Correlation
	if c == nil || r.When != nil || r.Output != nil || len(c.Rules) != 1 || !c.Rules[0].Silent {
		t.Fatalf("%+v", r)
	}
	want := rule.Correlation{
		Type: rule.ValueCount, Rules: c.Rules, RuleNames: c.RuleNames, GroupBy: []string{"okta.evt.type", "okta.actor.id"},
		Fields: []string{"okta.published"}, Base: c.Base, Timespan: 90 * time.Second, Bounds: []rule.Bound{{Op: "gte", Value: 3}},
	}
	if diff := cmp.Diff(want.Bounds, c.Bounds); diff != "" || want.Type != c.Type || want.Timespan != c.Timespan ||
		!slices.Equal(want.GroupBy, c.GroupBy) || !slices.Equal(want.Fields, c.Fields) {
		t.Errorf("%+v", c)
	}
	j := newJudge(t, c.Rules, "okta.system")
	for record, want := range map[string]int{
		`{"eventType":"user.mfa.okta_verify.deny_push","actor":{"type":"User"}}`:                                  1,
		`{"eventType":"user.mfa.okta_verify.deny_push","actor":{"type":"App"}}`:                                   0,
		`{"eventType":"user.authentication.auth_via_mfa","outcome":{"result":"FAILURE"},"actor":{"type":"User"}}`: 1,
		`{"eventType":"user.authentication.auth_via_mfa","outcome":{"result":"SUCCESS"},"actor":{"type":"User"}}`: 0,
		`{"eventType":"user.session.start","outcome":{"result":"FAILURE"},"actor":{"type":"User"}}`:               0,
	} {
		if got := len(j.fire(t, []byte(record), testMeta("okta.system"))); got != want {
			t.Errorf("%s: %d", record, got)
		}
	}
}

// TestStrict refuses a whole file, as Falco does.
func TestStrict(t *testing.T) {
	text := base + strings.ReplaceAll(strings.ReplaceAll(base, "rule: r", "rule: s"), "ct.name=Base", "ct.nam=x")
	file := []rule.File{{Path: "f.yaml", Data: []byte(text)}}
	if rules, refusals := Load(file, Options{Strict: true}); len(rules) != 0 || len(refusals) != 1 {
		t.Errorf("%d rules, %v", len(rules), refusals)
	}
	if rules, refusals := Load(file, Options{}); len(rules) != 1 || len(refusals) != 1 {
		t.Errorf("%d rules, %v", len(rules), refusals)
	}
}

// TestHostile: files that would grow without bound are refused before they have.
func TestHostile(t *testing.T) {
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i, i+1)
		}
		return b.String()
	}
	with := func(condition string) string { return strings.ReplaceAll(base, "ct.name=Base", condition) }
	doubling := "- macro: m0\n  condition: ct.name=x\n" + many(40, "- macro: m%[2]d\n  condition: m%[1]d or m%[1]d\n")
	bomb := "- list: l0\n  items: &l0 [x]\n" + many(9, "- &l%[2]d ["+strings.Repeat("*l%[1]d, ", 10)+"]\n")
	for name, text := range map[string]string{
		"parentheses":   with(strings.Repeat("(", 5000) + "ct.name=x" + strings.Repeat(")", 5000)),
		"transformers":  with(strings.Repeat("tolower(", 5000) + "ct.name" + strings.Repeat(")", 5000) + "=x"),
		"long":          with(strings.Repeat("ct.name=x or ", 100_000) + "ct.name=x"),
		"nodes":         with(strings.Repeat("ct.name=x or ", 60_000) + "ct.name=x"),
		"doubling":      doubling + with("m40"),
		"aliases":       bomb + with("ct.nam=x"),
		"itself":        "- &a [*a]\n" + with("ct.nam=x"),
		"list in lists": "- list: a\n  items: [" + strings.Repeat("x,", 5000) + "]\n- list: b\n  items: [" + strings.Repeat("a,", 5000) + "]\n" + with("ct.name in (b)"),
		"list again":    "- list: a\n  items: [" + strings.Repeat("x,", 5000) + "]\n" + with("ct.name in ("+strings.Repeat("a,", 5000)+"a)"),
		"glob":          with(`ct.name glob "` + strings.Repeat("[", 100_000) + `[:alpha:]"`),
		"pmatch":        with(`ct.name pmatch ("` + strings.Repeat("[", 100_000) + `[:alpha:]")`),
		"regex":         with(`ct.name regex "((((a{900}){900}){900}){900})"`),
		"output":        strings.ReplaceAll(base, "%ct.user", strings.Repeat("%ct.user", 10_000)),
		"output fields": strings.ReplaceAll(base, "%ct.user", strings.Repeat("%", 60_000)+"x"),
		"names":         many(10_010, "- list: l%[2]d\n  items: [x]\n") + with("ct.name in (l10005)x"),
		"flow":          strings.Repeat("[", 20_000),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			rules, refusals := Load([]rule.File{{Path: "f.yaml", Data: []byte(text)}}, Options{})
			runtime.ReadMemStats(&after)
			if len(rules) != 0 || len(refusals) == 0 {
				t.Errorf("%d rules", len(rules))
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 512<<20 {
				t.Errorf("took %d MB", took>>20)
			}
		})
	}
}

// TestEarlyChanges says where a thing is defined that was changed before: in a folder
// falco_rules.local.yaml comes before falco_rules.yaml.
func TestEarlyChanges(t *testing.T) {
	change := rule.File{Path: "a.local.yaml", Data: []byte(`
- {rule: r, condition: and ct.src=x, override: {condition: append}}
- {list: l, items: [b], append: true}
- {macro: m, condition: or ct.name=b, append: true}
- {rule: never, condition: and ct.src=x, override: {condition: append}}
- {macro: here, condition: or ct.name=b, append: true}
- {macro: here, condition: ct.name=a}
`)}
	define := rule.File{Path: "a.yaml", Data: []byte("- {list: l, items: [a]}\n- {macro: m, condition: ct.name in (l)}\n" + ruleText("m", "x", "aws_cloudtrail"))}
	_, refusals := Load([]rule.File{change, define}, Options{})
	later := "it is defined in a.yaml, which is read later: a folder is read in the order of its names; name the files one by one, or give a falco.yaml"
	var hints []string
	for _, r := range refusals {
		if !r.Warning {
			hints = append(hints, r.Hint)
		}
	}
	if diff := cmp.Diff([]string{later, later, later, "", "it is defined further down"}, hints); diff != "" {
		t.Error(diff)
	}
	if _, refusals = Load([]rule.File{define, change}, Options{}); refusals[0].Hint != "" {
		t.Errorf("%v", refusals)
	}
}

// TestManyPieces loads a rule that is glued from very many pieces: what it takes must
// grow with their bytes, and not with their bytes times their number.
func TestManyPieces(t *testing.T) {
	const n = 8_000
	var b strings.Builder
	b.WriteString("- rule: r\n  desc: d\n  condition: ct.name=A\n  output: o\n  priority: INFO\n  source: aws_cloudtrail\n" +
		"  exceptions:\n    - name: e\n      fields: [ct.user, ct.srcip]\n      comps: [=, =]\n      values:\n")
	for i := range n {
		fmt.Fprintf(&b, "        - [user%d, 192.0.2.1]\n", i)
	}
	for i := range n {
		fmt.Fprintf(&b, "- rule: r\n  override: {condition: append}\n  condition: and not ct.src=s%d\n", i)
	}
	rules, refusals := Load([]rule.File{{Path: "a.yaml", Data: []byte(b.String())}}, Options{})
	if len(rules) != 1 || len(refusals) != 0 {
		t.Fatalf("%d rules, refusals %v", len(rules), refusals)
	}
	terms := rules[0].When.(*query.And).X[0].(*query.And).X // before the exceptions
	if len(terms) != n+1 {
		t.Fatalf("%d terms", len(terms))
	}
	last := terms[n].(*query.Not).X.(*query.Pred)
	if want := (query.Span{Line: 11 + n + 3*n, Column: 22}); last.Span != want {
		t.Errorf("the last appended term stands at %v, want %v", last.Span, want)
	}
}

// TestLongCondition: a condition is refused for its length whether or not there is a list.
func TestLongCondition(t *testing.T) {
	long := "- rule: r\n  desc: d\n  condition: ct.name in (" + strings.Repeat("name0123456789, ", maxCondition/16) + "last)\n" +
		"  output: o\n  priority: INFO\n  source: aws_cloudtrail\n"
	for _, before := range []string{"", "- list: other\n  items: [a]\n"} {
		rules, refusals := Load([]rule.File{{Path: "a.yaml", Data: []byte(before + long)}}, Options{})
		if len(rules) != 0 || len(refusals) != 1 || !strings.Contains(refusals[0].Reason, "longer than") {
			t.Errorf("with %q before: %d rules, refusals %v", before, len(rules), refusals)
		}
	}
}
