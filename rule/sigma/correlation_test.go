package sigma_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
	"github.com/yagura-sec/yagura/slot"
)

// bases are three rules to build correlations on.
const bases = `title: Failed login
id: 00000000-0000-4000-8000-0000000000f1
name: failed
logsource: {product: aws, service: cloudtrail}
detection:
  s: {eventName: ConsoleLogin, errorMessage: Failed authentication}
  condition: s
level: informational
---
title: Successful login
name: success
logsource: {product: aws, service: cloudtrail}
detection:
  s: {eventName: ConsoleLogin}
  f: {errorMessage: Failed authentication}
  condition: s and not f
---
title: A third rule
logsource: {product: gcp, service: gcp.audit}
detection:
  s: {gcp.audit.method_name: x}
  condition: s
---
`

// shown is a correlation in words.
func shown(r *rule.Rule) string {
	c := r.Correlation
	var b strings.Builder
	fmt.Fprintf(&b, "%s of", c.Type)
	for i, base := range c.Rules {
		fmt.Fprintf(&b, " %s{%v %v}", base.Title, c.Base[i].Group, c.Base[i].Values)
	}
	fmt.Fprintf(&b, " by %v in %s", c.GroupBy, c.Timespan)
	for _, x := range c.Bounds {
		fmt.Fprintf(&b, " %s %g", x.Op, x.Value)
	}
	if len(c.Fields) > 0 {
		fmt.Fprintf(&b, " of %v", c.Fields)
	}
	if c.Percentile > 0 {
		fmt.Fprintf(&b, " at %g", c.Percentile)
	}
	if c.Condition != nil {
		b.WriteString(" when " + condition(c.Condition))
	}
	return b.String()
}

func condition(e query.Expr) string {
	list := func(x []query.Expr, op string) string {
		var parts []string
		for _, y := range x {
			parts = append(parts, condition(y))
		}
		return "(" + strings.Join(parts, op) + ")"
	}
	switch e := e.(type) {
	case *query.And:
		return list(e.X, " and ")
	case *query.Or:
		return list(e.X, " or ")
	case *query.Not:
		return "not " + condition(e.X)
	case *query.Pred:
		return e.Field.Name
	}
	return fmt.Sprint(e)
}

func TestCorrelations(t *testing.T) {
	cases := []struct{ name, correlation, want string }{
		{"event count", "type: event_count\nrules: [failed]\ngroup-by: [userIdentity.arn]\ntimespan: 5m\ncondition: {gte: 10}",
			"event_count of Failed login{[0] []} by [userIdentity.arn] in 5m0s gte 10"},
		{"one rule as text, no group", "type: event_count\nrules: failed\ntimespan: 30s\ncondition: {gt: 1}",
			"event_count of Failed login{[] []} by [] in 30s gt 1"},
		{"group as text", "type: event_count\nrules: failed\ngroup-by: a\ntimespan: 1h\ncondition: {eq: 3}",
			"event_count of Failed login{[0] []} by [a] in 1h0m0s eq 3"},
		{"the field it groups by again", "type: event_count\nrules: [failed]\ngroup-by: [a, b]\ntimespan: 1h\ncondition: {gte: 3, field: a}",
			"event_count of Failed login{[0 1] []} by [a b] in 1h0m0s gte 3"},
		{"range and days", "type: event_count\nrules: [failed]\ngroup-by: [a]\ntimespan: 2d\ncondition: {gt: 100, lte: 200}",
			"event_count of Failed login{[0] []} by [a] in 48h0m0s gt 100 lte 200"},
		{"by id", "type: event_count\nrules: [00000000-0000-4000-8000-0000000000F1]\ntimespan: 1d\ncondition: {neq: 2}",
			"event_count of Failed login{[] []} by [] in 24h0m0s neq 2"},
		{"by title", "type: event_count\nrules: ['A third rule']\ntimespan: 1d\ncondition: {lt: 2}",
			"event_count of A third rule{[] []} by [] in 24h0m0s lt 2"},
		{"value count", "type: value_count\nrules: [failed]\ngroup-by: [a]\ntimespan: 5m\ncondition: {gte: 10, field: b}",
			"value_count of Failed login{[0] [1]} by [a] in 5m0s gte 10 of [b]"},
		{"tuples", "type: value_count\nrules: [failed]\ngroup-by: [a]\ntimespan: 5m\ncondition: {gte: 10, field: [b, a]}",
			"value_count of Failed login{[0] [1 0]} by [a] in 5m0s gte 10 of [b a]"},
		{"sum", "type: value_sum\nrules: [failed]\ntimespan: 5m\ncondition: {gte: 1.5, field: b}",
			"value_sum of Failed login{[] [0]} by [] in 5m0s gte 1.5 of [b]"},
		{"average", "type: value_avg\nrules: [failed]\ntimespan: 5m\ncondition: {lte: 2, field: b}",
			"value_avg of Failed login{[] [0]} by [] in 5m0s lte 2 of [b]"},
		{"percentile", "type: value_percentile\nrules: [failed]\ntimespan: 5m\ncondition: {gte: 2, field: b, percentile: 95}",
			"value_percentile of Failed login{[] [0]} by [] in 5m0s gte 2 of [b] at 95"},
		{"median", "type: value_median\nrules: [failed]\ntimespan: 5m\ncondition: {gte: 2, field: b}",
			"value_median of Failed login{[] [0]} by [] in 5m0s gte 2 of [b]"},
		{"temporal", "type: temporal\nrules: [failed, success]\ngroup-by: [a]\ntimespan: 5m",
			"temporal of Failed login{[0] []} Successful login{[0] []} by [a] in 5m0s"},
		{"temporal of all by count", "type: temporal\nrules: [failed, success]\ntimespan: 5m\ncondition: {gte: 2}",
			"temporal of Failed login{[] []} Successful login{[] []} by [] in 5m0s"},
		{"temporal by count", "type: temporal\nrules: [failed, success, A third rule]\ntimespan: 5m\ncondition: {gte: 2}",
			"temporal of Failed login{[] []} Successful login{[] []} A third rule{[] []} by [] in 5m0s when ((failed and success) or (failed and A third rule) or (success and A third rule))"},
		{"temporal by exact count", "type: temporal\nrules: [failed, success]\ntimespan: 5m\ncondition: {eq: 1}",
			"temporal of Failed login{[] []} Successful login{[] []} by [] in 5m0s when ((failed or success) and not (failed and success))"},
		{"ordered", "type: temporal_ordered\nrules: [failed, success]\ntimespan: 5m",
			"temporal_ordered of Failed login{[] []} Successful login{[] []} by [] in 5m0s"},
		{"ordered by its other name", "type: ordered_temporal\nrules: [failed, success]\ntimespan: 5m",
			"temporal_ordered of Failed login{[] []} Successful login{[] []} by [] in 5m0s"},
		{"extended", "type: temporal\nrules: [failed, success]\ntimespan: 5m\ncondition: failed and not success",
			"temporal of Failed login{[] []} Successful login{[] []} by [] in 5m0s when (failed and not success)"},
		{"extended type name", "type: temporal_ordered_extended\nrules: [failed, success]\ntimespan: 5m\ncondition: failed or success",
			"temporal_ordered of Failed login{[] []} Successful login{[] []} by [] in 5m0s when (failed or success)"},
		{"extended without rules", "type: temporal\ntimespan: 5m\ncondition: failed and (success or not failed)",
			"temporal of Failed login{[] []} Successful login{[] []} by [] in 5m0s when (failed and (success or not failed))"},
		{"aliases", "type: temporal\nrules: [failed, success]\ngroup-by: [who]\ntimespan: 5m\naliases:\n  who:\n    failed: userIdentity.arn\n    success: responseElements.user",
			"temporal of Failed login{[0] []} Successful login{[0] []} by [who] in 5m0s"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := bases + "title: C\nlevel: high\ncorrelation:\n  " + strings.ReplaceAll(c.correlation, "\n", "\n  ") + "\n"
			rules := load(t, text, sigma.Options{Pipelines: shipped})
			last := rules[len(rules)-1]
			if last.Correlation == nil || last.When != nil {
				t.Fatal("not a correlation")
			}
			if diff := cmp.Diff(c.want, shown(last)); diff != "" {
				t.Error(diff)
			}
			for _, r := range last.Correlation.Rules {
				if !r.Silent {
					t.Errorf("%s is not silent", r.Title)
				}
			}
		})
	}
}

// TestCaptures: pipelines map the fields that correlations ask of their base rules,
// aliases name another field in each.
func TestCaptures(t *testing.T) {
	rules := load(t, bases+`title: C
correlation:
  type: temporal
  rules: [failed, A third rule]
  group-by: [who, gcp.audit.service_name]
  timespan: 5m
  aliases:
    who:
      failed: userIdentity.arn
      A third rule: gcp.audit.method_name
`, sigma.Options{Pipelines: shipped})
	paths := func(r *rule.Rule) (out []string) {
		for _, f := range r.Captures {
			for _, p := range f.Paths {
				out = append(out, f.Name+" at "+pathText(p))
			}
		}
		return out
	}
	if diff := cmp.Diff([]string{"userIdentity.arn at userIdentity.arn", "gcp.audit.service_name at gcp.audit.service_name"}, paths(rules[0])); diff != "" {
		t.Error(diff)
	}
	third := paths(rules[2])
	for _, want := range []string{"gcp.audit.method_name at protoPayload.methodName", "gcp.audit.service_name at protoPayload.serviceName"} {
		if !strings.Contains(strings.Join(third, "\n")+"\n", want+"\n") {
			t.Errorf("no %q in %q", want, third)
		}
	}
	if diff := cmp.Diff([]string{"aws.cloudtrail", "gcp.audit"}, rules[3].Formats); diff != "" {
		t.Error(diff)
	}
}

// TestChain: a correlation of a correlation, written before it and in another file.
func TestChain(t *testing.T) {
	files := []rule.File{
		{Path: "b.yml", Data: []byte("title: Brute force\nlevel: high\ncorrelation:\n  type: temporal_ordered\n  rules: [many, success]\n  group-by: [user]\n  timespan: 10m\n  generate: true\n")},
		{Path: "a.yml", Data: []byte("title: Many\nname: many\ncorrelation:\n  type: event_count\n  rules: [failed]\n  group-by: [host, user]\n  timespan: 10m\n  condition: {gte: 10}\n---\n" + bases)},
	}
	rules, refusals := sigma.Load(files, sigma.Options{Pipelines: shipped})
	if len(refusals) > 0 {
		t.Fatal(refusals)
	}
	byTitle := map[string]*rule.Rule{}
	for _, r := range rules {
		byTitle[r.Title] = r
	}
	outer, inner := byTitle["Brute force"], byTitle["Many"]
	if outer.Correlation.Rules[0] != inner || inner.Correlation.Rules[0] != byTitle["Failed login"] {
		t.Error("the chain is not linked")
	}
	if diff := cmp.Diff([]rule.BaseCapture{{Group: []int{1}}, {Group: []int{0}}}, outer.Correlation.Base); diff != "" {
		t.Error(diff)
	}
	if outer.Correlation.Timespan != 10*time.Minute || outer.Severity != yagura.SeverityHigh {
		t.Error(outer)
	}
	if inner.Silent || byTitle["Successful login"].Silent || !byTitle["Failed login"].Silent || outer.Silent {
		t.Error("generate: true makes base rules speak, its absence silences them")
	}
}

// TestCarry: a field that a correlation does not group by is handed on from its
// events, through every correlation between.
func TestCarry(t *testing.T) {
	rules := load(t, bases+`title: Many
name: many
correlation:
  type: event_count
  rules: [failed, success]
  group-by: [host]
  timespan: 10m
  condition: {gte: 10}
  aliases:
    host: {failed: hostname, success: host.name}
    who: {failed: user, success: userIdentity.arn}
---
title: More
name: more
correlation:
  type: value_count
  rules: [many]
  group-by: [site]
  timespan: 1h
  condition: {gte: 2, field: host}
---
title: Outer
correlation:
  type: temporal
  rules: [more, success]
  group-by: [host, who]
  timespan: 1d
  aliases:
    who: {more: who, success: userIdentity.arn}
`, sigma.Options{Pipelines: shipped})
	byTitle := map[string]*rule.Rule{}
	for _, r := range rules {
		byTitle[r.Title] = r
	}
	captures := func(title string) (out []string) {
		for _, f := range byTitle[title].Captures {
			out = append(out, f.Name)
		}
		return out
	}
	if diff := cmp.Diff([]string{"hostname", "site", "user"}, captures("Failed login")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"host.name", "site", "userIdentity.arn", "host"}, captures("Successful login")); diff != "" {
		t.Error(diff)
	}
	want := map[string]struct {
		carry []string
		base  []rule.BaseCapture
	}{
		"Many":  {[]string{"site", "who"}, []rule.BaseCapture{{Group: []int{0}, Carry: []int{1, 2}}, {Group: []int{0}, Carry: []int{1, 2}}}},
		"More":  {[]string{"host", "who"}, []rule.BaseCapture{{Group: []int{1}, Values: []int{0}, Carry: []int{0, 2}}}},
		"Outer": {nil, []rule.BaseCapture{{Group: []int{1, 2}}, {Group: []int{3, 2}}}},
	}
	for title, w := range want {
		c := byTitle[title].Correlation
		if diff := cmp.Diff(w.carry, c.Carry); diff != "" {
			t.Errorf("%s: %s", title, diff)
		}
		if diff := cmp.Diff(w.base, c.Base); diff != "" {
			t.Errorf("%s: %s", title, diff)
		}
	}
}

// TestCapturesOfBags: a field that stands in a list of named values is handed on too.
func TestCapturesOfBags(t *testing.T) {
	opts := sigma.Options{NoRouting: true, Pipelines: pipelines(t, "name: p\npriority: 1\ntransformations:\n"+
		"  - {type: field_name_mapping, mapping: {a: ['p{Name=A}.Value', q], b: 'p{Name=B}.Value'}}\n")}
	rules := load(t, bases+`title: C
correlation:
  type: value_count
  rules: [failed]
  group-by: [a]
  timespan: 5m
  condition: {gte: 2, field: b}
`, opts)
	cases := []struct{ record, a, b string }{
		{`{"p":[{"Name":"A","Value":"x"},{"Name":"B","Value":5}],"q":"y"}`, "y|x", "5"},
		{`{"p":[{"Name":"a","Value":"\"False\""},{"Name":"A","Value":true},{"Name":"B"}]}`, "False|true", ""},
		{`{"p":[{"Name":"A","Value":{"c": 1}},{"Name":"B","Value":[1,"z"]}],"q":{"d":2}}`, `{"d":2}|{"c":1}`, "1|z"},
		{`{"p":[{"Name":"A","Value":{"c":1}}],"q":["",null]}`, "", ""},
		{`{"p":"[{\"Name\":\"B\",\"Value\":\"w\"}, 7]","q":"{not JSON"}`, "{not JSON", "w"},
		{`{"p":{"Name":"B","Value":"v"},"q":-1.5}`, "-1.5", "v"},
		{`{"p":[null,"x",{"Name":null,"Value":"v"},{"Value":"v"}],"q":"null"}`, "null", ""},
		{`{}`, "", ""},
	}
	for _, c := range cases {
		var got []string
		for _, f := range rules[0].Captures {
			got = append(got, strings.Join(valuesOf(t, f, c.record), "|"))
		}
		if diff := cmp.Diff([]string{c.a, c.b}, got); diff != "" {
			t.Errorf("%s: %s", c.record, diff)
		}
	}
}

// valuesOf reads the values of a field.
func valuesOf(t *testing.T, f query.Field, record string) (out []string) {
	t.Helper()
	b := slot.NewBuilder()
	set := query.NewSet(b)
	id, err := set.Field(f)
	if err != nil {
		t.Fatal(err)
	}
	set.Seal()
	plan := b.Plan()
	doc := plan.NewDoc()
	if _, err := plan.Scan([]byte(record), doc); err != nil {
		t.Fatal(err)
	}
	st := set.NewState()
	st.Begin(doc, query.Meta{})
	for _, v := range st.Scalars(id, nil) {
		out = append(out, string(v))
	}
	return out
}

// TestCapturesOfMembers: array selectors in the names of a correlation's fields.
func TestCapturesOfMembers(t *testing.T) {
	text := strings.ReplaceAll(bases, "title: Failed login\n", "title: Failed login\nsigma-version: 3\n") + "title: C\ncorrelation:\n  type: event_count\n  rules: [failed]\n  timespan: 5m\n  condition: {gte: 2}\n" +
		"  group-by: ['a[0].b', 'a[any].c', 'd\\[x\\]']\n"
	r := load(t, text, bare)[0]
	var got []string
	for _, f := range r.Captures {
		got = append(got, strings.Join(valuesOf(t, f, `{"a":[{"b":"1","c":"2"},{"b":"3","c":"4"}],"d[x]":"5"}`), "|"))
	}
	if diff := cmp.Diff([]string{"1", "2|4", "5"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestSilence: a rule that one correlation generates and another does not speaks; a
// refused correlation silences nobody.
func TestSilence(t *testing.T) {
	const c = "---\ntitle: %s\ncorrelation:\n  type: event_count\n  rules: [failed]\n  timespan: %s\n  condition: {gte: 10}\n  generate: %v\n"
	text := strings.TrimSuffix(bases, "---\n")
	rules := load(t, text+fmt.Sprintf(c, "A", "5m", false)+fmt.Sprintf(c, "B", "5m", true), sigma.Options{Pipelines: shipped})
	if rules[0].Silent {
		t.Error("silent though one correlation generates it")
	}
	beside := strings.Replace(fmt.Sprintf(c, "A", "5m", true), "  generate", "generate", 1)
	if rules := load(t, text+beside, sigma.Options{Pipelines: shipped}); rules[0].Silent {
		t.Error("silent though the correlation generates it by a key beside it")
	}
	if _, refusals := sigma.Load([]rule.File{{Path: "r.yml", Data: []byte(text + strings.Replace(beside, "true", "often", 1))}}, sigma.Options{Pipelines: shipped}); len(refusals) != 1 {
		t.Errorf("%v: generate that is no boolean", refusals)
	}
	rules, refusals := sigma.Load([]rule.File{{Path: "r.yml", Data: []byte(text + fmt.Sprintf(c, "A", "5w", false))}}, sigma.Options{Pipelines: shipped})
	if len(refusals) != 1 || rules[0].Silent {
		t.Errorf("%v, silent %v", refusals, rules[0].Silent)
	}
}

func TestFilters(t *testing.T) {
	const filter = "---\ntitle: Filter\nlogsource: %s\nfilter:\n  rules: %s\n  selection: {user|startswith: adm_}\n  condition: not selection\n"
	const two = "title: One\nid: 00000000-0000-4000-8000-0000000000f1\nname: one\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  selection: {a: x}\n  other: {b: x}\n  condition: [selection, 1 of other*]\n" +
		"---\ntitle: Two\nlogsource: {product: aws}\ndetection:\n  selection: {a: x}\n  condition: selection\n"
	cases := []struct {
		logsource, rules string
		filtered         [2]bool
	}{
		{"{product: aws, service: cloudtrail}", "[one]", [2]bool{true, false}},
		{"{product: aws, service: cloudtrail}", "one", [2]bool{true, false}},
		{"{product: aws, service: cloudtrail}", "[00000000-0000-4000-8000-0000000000F1]", [2]bool{true, false}},
		{"{product: aws}", "[One, Two]", [2]bool{true, true}},
		{"{product: aws}", "any", [2]bool{true, true}},
		{"{product: aws}", "all", [2]bool{true, true}},
		{"{product: aws}", "[]", [2]bool{true, true}},
		{"{product: aws, service: cloudtrail}", "any", [2]bool{true, false}},
		{"{product: gcp}", "any", [2]bool{false, false}},
		{"{product: gcp}", "[one]", [2]bool{false, false}},
	}
	for _, c := range cases {
		t.Run(c.logsource+c.rules, func(t *testing.T) {
			rules := load(t, two+fmt.Sprintf(filter, c.logsource, c.rules), bare)
			if len(rules) != 2 {
				t.Fatalf("%d rules", len(rules))
			}
			for i, r := range rules {
				m := newMatcher(t, r.When)
				if !m.match(t, `{"a":"x","user":"mary"}`) {
					t.Errorf("%s does not fire", r.Title)
				}
				if got := !m.match(t, `{"a":"x","user":"adm_1"}`); got != c.filtered[i] {
					t.Errorf("%s: filtered %v", r.Title, got)
				}
				if i == 0 && !m.match(t, `{"b":"x"}`) {
					t.Error("the second condition is lost")
				}
			}
		})
	}
}

// TestFilterMapsFields: a filter's fields are mapped as those of the rule it joins.
func TestFilterMapsFields(t *testing.T) {
	rules := load(t, "title: One\nlogsource: {product: gcp, service: gcp.audit}\ndetection:\n  s: {gcp.audit.method_name: x}\n  condition: s\n"+
		"---\ntitle: F\nlogsource: {product: gcp}\nfilter:\n  rules: any\n  s: {gcp.audit.service_name: y}\n  condition: not s\n", sigma.Options{Pipelines: shipped})
	m := newMatcher(t, rules[0].When)
	if !m.match(t, `{"protoPayload":{"methodName":"x"}}`) || m.match(t, `{"protoPayload":{"methodName":"x","serviceName":"y"}}`) {
		t.Error("the filter's field is not mapped")
	}
}

// TestManyFilters: a rule may have more filters than an expression may have levels.
func TestManyFilters(t *testing.T) {
	var b strings.Builder
	b.WriteString("title: Rule\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}\n")
	for i := range 1500 {
		fmt.Fprintf(&b, "---\ntitle: Filter %d\nlogsource: {product: aws}\nfilter: {rules: any, f: {b: v%d}, condition: not f}\n", i, i)
	}
	rules, refusals := sigma.Load([]rule.File{{Path: "r.yml", Data: []byte(b.String())}}, sigma.Options{NoRouting: true})
	if len(refusals) > 0 {
		t.Fatal(refusals[0].Error())
	}
	if got := len(rules[0].When.(*query.And).X); got != 1501 {
		t.Errorf("%d terms", got)
	}
}
