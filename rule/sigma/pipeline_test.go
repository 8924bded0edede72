package sigma_test

import (
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
)

func pipelines(t testing.TB, texts ...string) []*sigma.Pipeline {
	t.Helper()
	out := []*sigma.Pipeline{}
	for _, text := range texts {
		p, refusals := sigma.ParsePipeline(rule.File{Path: "p.yml", Data: []byte(text)})
		if p == nil {
			t.Fatalf("%v\n%s", refusals[0].Error(), text)
		}
		out = append(out, p)
	}
	return out
}

// TestTransformations runs one transformation over a rule with the selection
// `a: x` and more, and judges records.
func TestTransformations(t *testing.T) {
	cases := []struct {
		name, transformation, selection string
		hold, not                       []string
	}{
		{"mapping", "{type: field_name_mapping, mapping: {a: p.q}}", "a: x", []string{`{"p":{"q":"x"}}`}, []string{`{"a":"x"}`}},
		{"mapping to aliases", "{type: field_name_mapping, mapping: {a: [p, a]}}", "a: x", []string{`{"p":"x"}`, `{"a":"x"}`}, []string{`{}`}},
		{"null in aliases", "{type: field_name_mapping, mapping: {a: [p, a]}}", "a: null", []string{`{}`, `{"a":null}`}, []string{`{"p":"x"}`, `{"a":"x"}`}},
		{"mapping of a reference", "{type: field_name_mapping, mapping: {b: q}}", "a|fieldref: b", []string{`{"a":"x","q":"x"}`}, []string{`{"a":"x","b":"x"}`}},
		{"mapping of keywords", "{type: field_name_mapping, mapping: {null: message}}", "[x]", []string{`{"message":"x"}`}, []string{`{"a":"x"}`}},
		{"prefix mapping", "{type: field_name_prefix_mapping, mapping: {a.: [p., q.]}}", "a.b: x", []string{`{"p":{"b":"x"}}`, `{"q":{"b":"x"}}`}, []string{`{"a":{"b":"x"}}`}},
		{"prefix", "{type: field_name_prefix, prefix: p.}", "a: x", []string{`{"p":{"a":"x"}}`}, []string{`{"a":"x"}`}},
		{"suffix", "{type: field_name_suffix, suffix: .keyword}", "a: x", []string{`{"a":{"keyword":"x"}}`}, []string{`{"a":"x"}`}},
		{"bag", "{type: field_name_mapping, mapping: {a: ['p{Name=A}.Value', a]}}", "a: x", []string{`{"p":[{"Name":"B","Value":"y"},{"Name":"a","Value":"X"}]}`, `{"a":"x"}`, `{"p":[{"Name":"A","Value":"\"x\""}]}`}, []string{`{"p":[{"Name":"B","Value":"x"},{"Name":"A","Value":"y"}]}`}},
		{"bag all", "{type: field_name_mapping, mapping: {a: 'p{Name=A}.Value'}}", "a|contains|all: [x, y]", []string{`{"p":[{"Name":"A","Value":"xy"}]}`}, []string{`{"p":[{"Name":"A","Value":"x"}]}`}},
		{"bag null", "{type: field_name_mapping, mapping: {a: ['p{Name=A}.Value', a]}}", "a: null", []string{`{}`, `{"p":[{"Name":"B","Value":"x"}]}`, `{"p":[{"Name":"A"}]}`}, []string{`{"p":[{"Name":"A","Value":"x"}]}`, `{"a":"x"}`}},
		{"bag null or text", "{type: field_name_mapping, mapping: {a: ['p{Name=A}.Value', a]}}", "a: [null, x]", []string{`{}`, `{"a":"x"}`}, []string{`{"a":"y"}`}},
		{"bag of quoted text", "{type: field_name_mapping, mapping: {a: 'p{Name=A}.Value'}}", "a|re: '^x+$'", []string{`{"p":[{"Name":"A","Value":"\"xx\""}]}`, `{"p":[{"Name":"A","Value":"x"}]}`}, []string{`{"p":[{"Name":"A","Value":"\"y\""}]}`}},
		{"bag of quoted pattern", "{type: field_name_mapping, mapping: {a: 'p{Name=A}.Value'}}", "a: 'x?z*z'", []string{`{"p":[{"Name":"A","Value":"\"xyzz\""}]}`}, []string{`{"p":[{"Name":"B","Value":"xyzz"}]}`}},
		{"bag of quoted number", "{type: field_name_mapping, mapping: {a: 'p{Name=A}.Value'}}", "a|gt: 5", []string{`{"p":[{"Name":"A","Value":"\"6\""}]}`, `{"p":[{"Name":"A","Value":7}]}`}, []string{`{"p":[{"Name":"A","Value":"\"5\""}]}`}},
		{"bag folded", "{type: field_name_prefix_mapping, mapping: {p.: [p., 'p{Name=*}.Value']}}", "p.For.To: x", []string{`{"p":[{"Name":"B","Value":"y"},{"Name":"for.to","Value":"x"}]}`, `{"p":{"For":{"To":"x"}}}`, `{"p":"[{\"Name\":\"For.To\",\"Value\":\"x\"}]"}`}, []string{`{"p":[{"Name":"For.To","Value":"y"},{"Name":"To","Value":"x"}]}`}},
		{"bag folded with values", "{type: field_name_prefix_mapping, mapping: {p.: [p., 'p{Name=*}.*']}}", "p.Role.Name.NewValue: x", []string{`{"p":[{"Name":"Role.Name","NewValue":"x","OldValue":"y"}]}`, `{"p":[{"Name":"Role.Name","NewValue":"\"x\""}]}`}, []string{`{"p":[{"Name":"Role.Name","NewValue":"y","OldValue":"x"}]}`}},
		{"bag folded, escaped", "{type: field_name_prefix_mapping, mapping: {p.: [p., 'p{Name=*}.*']}}", "p.Role\\.Name.NewValue: x", []string{`{"p":[{"Name":"Role.Name","NewValue":"x"}]}`}, []string{`{"p":[{"Name":"Role","NewValue":"x"}]}`}},
		{"bag folded without value", "{type: field_name_prefix_mapping, mapping: {p.: [p., 'p{Name=*}.*']}}", "p.NewValue: x", []string{`{"p":[{"Name":"A","NewValue":"x"}]}`}, []string{`{"p":[{"Name":"NewValue","OldValue":"x"}]}`}},
		{"suffix", "{type: optional_suffix, suffix: .}", "a: [x, y., z*, '*w']", []string{`{"a":"x"}`, `{"a":"x."}`, `{"a":"y"}`, `{"a":"y."}`, `{"a":"zz"}`, `{"a":"vw."}`}, []string{`{"a":"x.."}`, `{"a":"xy"}`}},
		{"dot of a key", "{type: field_name_mapping, mapping: {a: 'p.x\\.y.z'}}", "a: v", []string{`{"p":{"x.y":{"z":"v"}}}`}, []string{`{"p":{"x":{"y":{"z":"v"}}}}`}},
		{"bag exists", "{type: field_name_mapping, mapping: {a: 'p{Name=A}.Value'}}", "a|exists: true", []string{`{"p":[{"Name":"A","Value":"6"}]}`}, []string{`{"p":[{"Name":"B","Value":"6"}]}`}},
		{"bag refers to a field", "{type: field_name_mapping, mapping: {a: 'p{Name=A}.Value'}}", "a|fieldref: b", []string{`{"p":[{"Name":"B","Value":"y"},{"Name":"A","Value":"x"}],"b":"X"}`, `{"p":"[{\"Name\":\"A\",\"Value\":\"x\"}]","b":"x"}`}, []string{`{"p":[{"Name":"B","Value":"x"}],"b":"x"}`, `{"p":[{"Name":"A","Value":"x"}]}`}},
		{"field refers to a bag", "{type: field_name_mapping, mapping: {b: ['p{Name=A}.Value', q]}}", "a|fieldref: b", []string{`{"p":[{"Name":"a","Value":"\"x\""}],"a":"x"}`, `{"q":[1,"x"],"a":"x"}`}, []string{`{"p":[{"Name":"B","Value":"x"}],"a":"x"}`, `{"q":null,"a":"null"}`}},
		{"bags refer to each other", "{type: field_name_mapping, mapping: {a: 'p{Name=A}.Value', b: 'p{Name=B}.Value'}}", "a|fieldref|startswith: b", []string{`{"p":[{"Name":"B","Value":"x"},{"Name":"A","Value":"xy"}]}`}, []string{`{"p":[{"Name":"B","Value":"xy"},{"Name":"A","Value":"x"}]}`}},
		{"bag differs from a field", "{type: field_name_mapping, mapping: {a: 'p{Name=A}.Value'}}", "a|fieldref|neq: b", []string{`{"p":[{"Name":"A","Value":"x"}],"b":"y"}`, `{"b":"y"}`}, []string{`{"p":[{"Name":"A","Value":"x"}],"b":"x"}`}},
		{"keywords in a bag", "{type: field_name_mapping, mapping: {null: 'p{Name=A}.Value'}}", "[x]", []string{`{"p":[{"Name":"A","Value":"x"}]}`}, []string{`{"p":[{"Name":"B","Value":"x"}]}`}},
		{"braces that a rule writes", "{type: field_name_mapping, mapping: {q: r}}", "'p{a=b}.c': x", []string{`{"p{a=b}":{"c":"x"}}`}, []string{`{"p":[{"a":"b","c":"x"}]}`}},

		{"add condition", "{type: add_condition, conditions: {b: y}}", "a: x", []string{`{"a":"x","b":"y"}`}, []string{`{"a":"x"}`}},
		{"add negated condition", "{type: add_condition, conditions: {b: y}, negated: true}", "a: x", []string{`{"a":"x"}`}, []string{`{"a":"x","b":"y"}`}},
		{"add template", "{type: add_condition, conditions: {b: 'is $product'}, template: true}", "a: x", []string{`{"a":"x","b":"is x"}`}, []string{`{"a":"x","b":"is $product"}`}},
		{"drop item", "{type: drop_detection_item, field_name_conditions: [{type: include_fields, fields: [b]}]}", "a: x\nb: y", []string{`{"a":"x"}`}, []string{`{"b":"y"}`}},
		{"map string", "{type: map_string, mapping: {x: [y, 'z*']}}", "a: [x, w]", []string{`{"a":"y"}`, `{"a":"zz"}`, `{"a":"w"}`}, []string{`{"a":"x"}`}},
		{"map string under all", "{type: map_string, mapping: {x: [y, z]}}", "a|all: [x, w]", []string{`{"a":["z","w"]}`}, []string{`{"a":["y","z"]}`}},
		{"replace string", `{type: replace_string, regex: '^(.)(.)$', replacement: '\2\1'}`, "a: xy", []string{`{"a":"yx"}`}, []string{`{"a":"xy"}`}},
		{"replace keeps wildcards", `{type: replace_string, regex: 'b', replacement: 'c'}`, "a|contains: b", []string{`{"a":"xcx"}`}, []string{`{"a":"xbx"}`}},
		{"replace skips special", `{type: replace_string, regex: '\*', replacement: 'c', skip_special: true}`, `a: 'x*'`, []string{`{"a":"xy"}`}, []string{`{"a":"c"}`}},
		{"replace number", `{type: replace_string, regex: '^', replacement: '0'}`, "a: 5", []string{`{"a":"05"}`}, []string{`{"a":"5"}`}},
		{"set value", "{type: set_value, value: z}", "a: x", []string{`{"a":"z"}`}, []string{`{"a":"x"}`}},
		{"set number", "{type: set_value, value: '7', force_type: num}", "a: x", []string{`{"a":7.0}`}, []string{`{"a":"x"}`}},
		{"convert to text", "{type: convert_type, target_type: str}", "a: 5", []string{`{"a":"5"}`}, []string{`{"a":"5.0"}`}},
		{"convert to number", "{type: convert_type, target_type: num}", "a: '5'", []string{`{"a":"5.0"}`}, []string{`{"a":"6"}`}},
		{"case", "{type: case, method: upper}", "a|cased: x", []string{`{"a":"X"}`}, []string{`{"a":"x"}`}},
		{"value placeholders", "{type: value_placeholders, include: [v]}", "a|expand: '%v%'", []string{`{"a":"one"}`, `{"a":"two"}`}, []string{`{"a":"v"}`}},
		{"wildcard placeholders", "{type: wildcard_placeholders, exclude: [v]}", "a|expand: 'x%any%'", []string{`{"a":"xyz"}`}, []string{`{"a":"yz"}`}},
		{"without case by regex", "{type: regex}", "a|cased: x", []string{`{"a":"X"}`}, []string{`{"a":"xx"}`}},
		{"with case by regex", "{type: regex, method: plain}", "a|contains: x", []string{`{"a":"zx"}`}, []string{`{"a":"zX"}`}},
		{"regex of a list", "{type: regex, method: plain}", "a: [x, 'y*', 5, null]", []string{`{"a":"x"}`, `{"a":"yY"}`, `{"a":5.0}`, `{}`}, []string{`{"a":"X"}`, `{"a":"Yy"}`}},
		{"strict mapping", "{type: nest, items: [{type: field_name_mapping, mapping: {a: p, b: b}}, {type: add_condition, conditions: {c: z}}, {type: strict_field_mapping_failure}]}", "a: x\nb: y", []string{`{"p":"x","b":"y","c":"z"}`}, nil},
		{"custom attribute", "{type: nest, items: [{type: set_custom_attribute, attribute: k, value: 7}, {type: set_value, value: z, rule_conditions: [{type: rule_attribute, attribute: k, op: gte, value: 5}]}]}", "a: x", []string{`{"a":"z"}`}, []string{`{"a":"x"}`}},
		{"not the custom attribute", "{type: nest, items: [{type: set_custom_attribute, attribute: k, value: 7}, {type: set_value, value: z, rule_conditions: [{type: rule_attribute, attribute: k, op: lt, value: 5}]}]}", "a: x", []string{`{"a":"x"}`}, []string{`{"a":"z"}`}},
		{"converted and marked", "{type: nest, items: [{id: one, type: convert_type, target_type: str}, {type: set_value, value: z, detection_item_conditions: [{type: processing_item_applied, processing_item_id: one}]}]}", "a: 5", []string{`{"a":"z"}`}, []string{`{"a":"5"}`}},
		{"nest", "{type: nest, items: [{type: field_name_mapping, mapping: {a: p}}, {type: field_name_mapping, mapping: {p: q}}]}", "a: x", []string{`{"q":"x"}`}, []string{`{"a":"x"}`}},
		{"no-op lists", "{type: add_field, field: z}", "a: x", []string{`{"a":"x"}`}, nil},

		{"rule condition holds", "{type: set_value, value: z, rule_conditions: [{type: logsource, product: x}]}", "a: x", []string{`{"a":"z"}`}, nil},
		{"rule condition fails", "{type: set_value, value: z, rule_conditions: [{type: logsource, product: y}]}", "a: x", []string{`{"a":"x"}`}, nil},
		{"rule conditions or", "{type: set_value, value: z, rule_conditions: [{type: logsource, product: y}, {type: tag, tag: attack.t1078}], rule_cond_op: or}", "a: x", []string{`{"a":"z"}`}, nil},
		{"rule conditions not", "{type: set_value, value: z, rule_conditions: [{type: logsource, product: y}], rule_cond_not: true}", "a: x", []string{`{"a":"z"}`}, nil},
		{"rule condition expression", "{type: set_value, value: z, rule_conditions: {one: {type: logsource, product: y}, two: {type: contains_field, field: a}}, rule_cond_expr: not one and two}", "a: x", []string{`{"a":"z"}`}, nil},
		{"rule with item", "{type: set_value, value: z, rule_conditions: [{type: contains_detection_item, field: a, value: x}]}", "a: x", []string{`{"a":"z"}`}, nil},
		{"attribute", "{type: set_value, value: z, rule_conditions: [{type: rule_attribute, attribute: level, op: gte, value: medium}]}", "a: x", []string{`{"a":"z"}`}, nil},
		{"attribute text", "{type: set_value, value: z, rule_conditions: [{type: rule_attribute, attribute: custom, value: other}]}", "a: x", []string{`{"a":"x"}`}, nil},
		{"attribute text in other case", "{type: set_value, value: z, rule_conditions: [{type: rule_attribute, attribute: custom, value: Kept}]}", "a: x", []string{`{"a":"z"}`}, nil},
		{"not the attribute text in other case", "{type: set_value, value: z, rule_conditions: [{type: rule_attribute, attribute: custom, op: ne, value: Kept}]}", "a: x", []string{`{"a":"x"}`}, []string{`{"a":"z"}`}},
		{"attribute list", "{type: set_value, value: z, rule_conditions: [{type: rule_attribute, attribute: tags, op: in, value: attack.t1078}]}", "a: x", []string{`{"a":"z"}`}, nil},
		{"excluded field", "{type: set_value, value: z, field_name_conditions: [{type: exclude_fields, fields: [b]}]}", "a: x\nb: y", []string{`{"a":"z","b":"y"}`}, nil},
		{"field pattern", "{type: set_value, value: z, field_name_conditions: [{type: include_fields, fields: ['a'], mode: re}]}", "ab: x\nba: y", []string{`{"ab":"z","ba":"y"}`}, nil},
		{"string matches", "{type: set_value, value: z, detection_item_conditions: [{type: match_string, pattern: '^x', cond: any}]}", "a: xx\nb: yx", []string{`{"a":"z","b":"yx"}`}, nil},
		{"string does not match", "{type: set_value, value: z, detection_item_conditions: [{type: match_string, pattern: '^x', cond: any, negate: true}]}", "a: xx\nb: yx", []string{`{"a":"xx","b":"z"}`}, nil},
		{"all values match", "{type: set_value, value: z, detection_item_conditions: [{type: match_string, pattern: x, cond: all}]}", "a: [x, y]", []string{`{"a":"y"}`}, nil},
		{"wildcard in value", "{type: set_value, value: z, detection_item_conditions: [{type: contains_wildcard, cond: any}]}", "a: 'x*'\nb: y", []string{`{"a":"z","b":"y"}`}, nil},
		{"null value", "{type: set_value, value: z, detection_item_conditions: [{type: is_null, cond: any}]}", "a: null", []string{`{"a":"z"}`}, []string{`{}`}},
		{"exact value", "{type: set_value, value: z, detection_item_conditions: [{type: match_value, value: 5, cond: any}]}", "a: 5\nb: 6", []string{`{"a":"z","b":6}`}, nil},
		{"logsource is changed", "{type: nest, items: [{type: change_logsource, product: new}, {type: set_value, value: z, rule_conditions: [{type: logsource, product: new}]}]}", "a: x", []string{`{"a":"z"}`}, nil},
		{"state", "{type: nest, items: [{type: set_state, key: k, val: v}, {type: set_value, value: z, rule_conditions: [{type: processing_state, key: k, val: v}]}]}", "a: x", []string{`{"a":"z"}`}, nil},
		{"applied to the rule", "{type: nest, items: [{id: one, type: set_state, key: k, val: v}, {type: set_value, value: z, rule_conditions: [{type: processing_item_applied, processing_item_id: one}]}]}", "a: x", []string{`{"a":"z"}`}, nil},
		{"applied to the item", "{type: nest, items: [{id: one, type: field_name_mapping, mapping: {a: p}}, {type: set_value, value: z, detection_item_conditions: [{type: processing_item_applied, processing_item_id: one}]}]}", "a: x\nb: y", []string{`{"p":"z","b":"y"}`}, nil},
		{"applied to the field", "{type: nest, items: [{id: one, type: field_name_mapping, mapping: {a: p}}, {type: field_name_prefix, prefix: q., field_name_conditions: [{type: processing_item_applied, processing_item_id: one}], field_name_cond_not: true}]}", "a: x\nb: y", []string{`{"p":"x","q":{"b":"y"}}`}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			opts := bare
			opts.Pipelines = pipelines(t, "name: p\npriority: 1\nvars: {v: [one, two], n: 5}\ntransformations:\n  - "+c.transformation+"\n")
			selection := "\n    " + strings.ReplaceAll(c.selection, "\n", "\n    ")
			if c.selection[0] == '[' {
				selection = " " + c.selection
			}
			r := one(t, head+"level: medium\ncustom: kept\ntags: [attack.t1078]\ndetection:\n  selection:"+selection+"\n  condition: selection\n", opts)
			m := newMatcher(t, r.When)
			for _, rec := range c.hold {
				if !m.match(t, rec) {
					t.Errorf("does not hold for %s", rec)
				}
			}
			for _, rec := range c.not {
				if m.match(t, rec) {
					t.Errorf("holds for %s", rec)
				}
			}
		})
	}
}

// TestPipelineOrder: pipelines run by priority, the later sees what the earlier did.
func TestPipelineOrder(t *testing.T) {
	opts := sigma.Options{Pipelines: pipelines(t,
		"name: second\npriority: 20\ntransformations:\n  - {type: field_name_mapping, mapping: {p: q}}\n  - {type: set_custom_attribute, attribute: yagura.formats, value: [b]}\n",
		"name: first\npriority: 10\ntransformations:\n  - {type: field_name_mapping, mapping: {a: p}}\n  - {type: set_custom_attribute, attribute: yagura.formats, value: [a]}\n  - {type: set_custom_attribute, attribute: yagura.fold_fields, value: true}\n")}
	r := one(t, head+"detection:\n  s: {a: x}\n  condition: s\n", opts)
	if len(r.Formats) != 1 || r.Formats[0] != "b" {
		t.Error(r.Formats)
	}
	if m := newMatcher(t, r.When); !m.match(t, `{"Q":"x"}`) {
		t.Error("not mapped in order, or case of the field is regarded")
	}
}

// TestPipelineFailures: rules that a pipeline refuses name the pipeline.
func TestPipelineFailures(t *testing.T) {
	cases := []struct{ transformation, want string }{
		{"{type: rule_failure, message: not for this log}", `r.yml:1:1: rule "T": pipeline p (p.yml:4): not for this log`},
		{"{type: detection_item_failure, message: no such field, field_name_conditions: [{type: include_fields, fields: [a]}]}", `r.yml:4:7: rule "T": pipeline p (p.yml:4): no such field`},
		{"{type: strict_field_mapping_failure}", `r.yml:4:7: rule "T": pipeline p (p.yml:4): no pipeline maps a (hint: map it in a pipeline before)`},
		{"{type: nest, items: [{type: field_name_mapping, mapping: {b: c}}, {type: strict_field_mapping_failure}]}", `r.yml:4:7: rule "T": pipeline p (p.yml:4): no pipeline maps a (hint: map it in a pipeline before)`},
		{"{type: drop_detection_item}", `r.yml:1:1: rule "T": pipeline p (p.yml:4): dropping items leaves nothing of the search identifier "s"`},
		{"{type: convert_type, target_type: num}", `r.yml:4:10: rule "T": pipeline p (p.yml:4): "x" is not a number`},
	}
	for _, c := range cases {
		opts := sigma.Options{Pipelines: pipelines(t, "name: p\npriority: 1\ntransformations:\n  - "+c.transformation+"\n")}
		rules, refusals := sigma.Load([]rule.File{{Path: "r.yml", Data: []byte(head + "detection:\n  s: {a: x}\n  condition: s\n")}}, opts)
		if len(rules) != 0 || len(refusals) != 1 || refusals[0].Error() != c.want {
			t.Errorf("%v\nwant %s", lines(refusals), c.want)
		}
	}
}

// TestShippedPipelines: all parse, none changes what it is given twice.
func TestShippedPipelines(t *testing.T) {
	names := map[string]bool{}
	for _, p := range sigma.ShippedPipelines() {
		names[p.Name] = true
	}
	for _, n := range []string{"aws", "azure", "gcp", "google_workspace", "m365", "okta", "github", "kubernetes", "bitbucket", "onelogin", "duo"} {
		if !names[n] {
			t.Errorf("no pipeline %s", n)
		}
	}
}

// TestShippedAliases pins shapes that rules of each product must be found in.
func TestShippedAliases(t *testing.T) {
	cases := []struct{ name, logsource, selection, hold, not string }{
		{"Entra by Event Hub", "{product: azure, service: auditlogs}", "properties.message: Add user", `{"operationName":"Add user","category":"AuditLogs"}`, `{"operationName":"Delete user"}`},
		{"an address of Entra in a table", "{product: azure, service: signinlogs}", "callerIpAddress: 192.0.2.7", `{"IPAddress":"192.0.2.7"}`, `{"IPAddress":"192.0.2.8"}`},
		{"an address of Entra by Graph", "{product: azure, service: signinlogs}", "callerIpAddress: 192.0.2.7", `{"ipAddress":"192.0.2.7"}`, `{"ipAddress":"192.0.2.8"}`},
		{"an address of Entra from an event hub", "{product: azure, service: signinlogs}", "properties.ipAddress: 192.0.2.7", `{"callerIpAddress":"192.0.2.7"}`, `{"callerIpAddress":"192.0.2.8"}`},
		{"an address of Entra's audit log", "{product: azure, service: auditlogs}", "callerIpAddress: 192.0.2.7",
			`{"initiatedBy":{"user":{"ipAddress":"192.0.2.7"}}}`, `{"initiatedBy":{"user":{"ipAddress":"192.0.2.8"}}}`},
		{"Entra by Graph", "{product: azure, service: auditlogs}", "OperationName: Add user", `{"activityDisplayName":"Add user"}`, `{"activityDisplayName":"x"}`},
		{"Entra by table", "{product: azure, service: auditlogs}", "Category: Policy", `{"Category":"Policy"}`, `{"Category":"x"}`},
		{"Entra category below properties", "{product: azure, service: auditlogs}", "Category: Policy", `{"category":"AuditLogs","properties":{"category":"Policy"}}`, `{"category":"AuditLogs"}`},
		{"Entra role request", "{product: azure, service: auditlogs}", "properties.message: Request Approved/Denied", `{"operationName":"Add member to role request denied (PIM activation)"}`, `{"operationName":"Add member to role requested (PIM activation)"}`},
		{"Entra elevation", "{product: azure, service: auditlogs}", "Category: Administrative\nOperationName: Assigns the caller to user access admin", `{"category":"AuditLogs","operationName":"User has elevated their access to User Access Administrator for their Azure Resources","properties":{"category":"AzureRBACRoleManagementElevateAccess"}}`, `{"category":"AuditLogs","operationName":"The role assignment of User Access Administrator has been removed from the user","properties":{"category":"AzureRBACRoleManagementElevateAccess"}}`},
		{"Entra eligible member", "{product: azure, service: auditlogs}", "properties.message: Add eligible member (permanent)", `{"activityDisplayName":"Add eligible member to role in PIM completed (permanent)"}`, `{"activityDisplayName":"Add eligible member to role in PIM requested (permanent)"}`},
		{"Entra targets", "{product: azure, service: auditlogs}", "TargetResources.ModifiedProperties.NewValue|contains: 'State\":0'", `{"properties":{"targetResources":[{"modifiedProperties":[{"newValue":"[{\"State\":0}]"}]}]}}`, `{"properties":{"targetResources":[]}}`},
		{"Entra targets in a table's text", "{product: azure, service: auditlogs}", "TargetResources.type: Service Principal", `{"TargetResources":"[{\"type\":\"ServicePrincipal\"}]"}`, `{"TargetResources":"[{\"type\":\"User\"}]"}`},
		{"Entra consent", "{product: azure, service: auditlogs}", "ConsentContext.IsAdminConsent: 'false'", `{"properties":{"targetResources":[{"modifiedProperties":[{"displayName":"ConsentContext.IsAdminConsent","newValue":"\"False\""}]}]}}`, `{"properties":{"targetResources":[{"modifiedProperties":[{"displayName":"ConsentContext.IsAppOnly","newValue":"\"False\""}]}]}}`},
		{"Entra guest to member", "{product: azure, service: auditlogs}", `properties.message: '"displayName":"UserType","oldValue":"[\"Guest\"]","newValue":"[\"Member\"]"'`, `{"properties":{"targetResources":[{"modifiedProperties":[{"displayName":"UserType","oldValue":"[\"Guest\"]","newValue":"[\"Member\"]"}]}]}}`, `{"properties":{"targetResources":[{"modifiedProperties":[{"displayName":"UserType","oldValue":"[\"Member\"]","newValue":"[\"Guest\"]"}]}]}}`},
		{"PIM by Graph", "{product: azure, service: pim}", "riskEventType: rolesAssignedOutsidePrivilegedIdentityManagementAlertConfiguration", `{"@odata.type":"#microsoft.graph.rolesAssignedOutsidePrivilegedIdentityManagementAlertIncident"}`, `{"@odata.type":"#microsoft.graph.staleSignInAlertIncident"}`},
		{"PIM as a risk", "{product: azure, service: pim}", "riskEventType: staleSignInAlertIncident", `{"riskEventType":"staleSignInAlertIncident"}`, `{"riskEventType":"invalidLicenseAlertIncident"}`},
		{"sign-in number", "{product: azure, service: signinlogs}", "ResultType: 50057", `{"resultType":"50057"}`, `{"resultType":"0"}`},
		{"sign-in error code", "{product: azure, service: signinlogs}", "ResultType: 50057", `{"status":{"errorCode":50057}}`, `{"status":{"errorCode":0}}`},
		{"sign-in protocol", "{product: azure, service: signinlogs}", "properties.message: Device Code", `{"properties":{"authenticationProtocol":"deviceCode"}}`, `{"properties":{"authenticationProtocol":"none"}}`},
		{"sign-in networks", "{product: azure, service: signinlogs}", "NetworkLocationDetails: '[]'", `{"properties":{"networkLocationDetails":[]}}`, `{"properties":{"networkLocationDetails":[{"networkType":"trusted"}]}}`},
		{"sign-in device", "{product: azure, service: signinlogs}", "DeviceDetail.deviceId: ''", `{"properties":{"deviceDetail":{"deviceId":""}}}`, `{"properties":{"deviceDetail":{"deviceId":"d"}}}`},
		{"Azure activity", "{product: azure, service: activitylogs}", "operationName|endswith: /WRITE", `{"operationName":{"value":"Microsoft.X/y/write","localizedValue":"Write"}}`, `{"operationName":{"value":"Microsoft.X/y/delete"}}`},
		{"Google method", "{product: gcp, service: gcp.audit}", "gcp.audit.method_name: 'v*.Compute.Firewalls.Delete'", `{"protoPayload":{"methodName":"v1.compute.firewalls.delete"}}`, `{"protoPayload":{"methodName":"v1.compute.firewalls.get"}}`},
		{"Google envelope", "{product: gcp, service: gcp.audit}", "data.protoPayload.serviceName: x", `{"protoPayload":{"serviceName":"x"}}`, `{"protoPayload":{"serviceName":"y"}}`},
		{"Google log name", "{product: gcp, service: gcp.audit}", "data.protoPayload.logName: cloudaudit.googleapis.com%2Factivity", `{"logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity"}`, `{"logName":"projects/p/logs/cloudaudit.googleapis.com%2Fdata_access"}`},
		{"Google method with a version", "{product: gcp, service: gcp.audit}", "gcp.audit.method_name: compute.vpnTunnels.delete", `{"protoPayload":{"methodName":"v1.compute.vpnTunnels.delete"}}`, `{"protoPayload":{"methodName":"v1.compute.vpnTunnels.list"}}`},
		{"Google method by its service", "{product: gcp, service: gcp.audit}", "gcp.audit.method_name: projects.content.reidentify", `{"protoPayload":{"methodName":"google.privacy.dlp.v2.DlpService.ReidentifyContent"}}`, `{"protoPayload":{"methodName":"google.privacy.dlp.v2.DlpService.InspectContent"}}`},
		{"Google permission as method", "{product: gcp, service: gcp.audit}", "gcp.audit.method_name|endswith: [.serviceAccounts.disable, .serviceAccounts.delete]", `{"protoPayload":{"methodName":"google.iam.admin.v1.DisableServiceAccount"}}`, `{"protoPayload":{"methodName":"google.iam.admin.v1.DisableServiceAccountKey"}}`},
		{"Google Kubernetes webhook", "{product: gcp, service: gcp.audit}", "gcp.audit.method_name|startswith: admissionregistration.k8s.io.v", `{"protoPayload":{"methodName":"io.k8s.admissionregistration.v1.mutatingwebhookconfigurations.create"}}`, `{"protoPayload":{"methodName":"io.k8s.core.v1.pods.create"}}`},
		{"Google Kubernetes job", "{product: gcp, service: gcp.audit}", "gcp.audit.method_name: 'io.k8s.api.batch.v*.Job'", `{"protoPayload":{"methodName":"io.k8s.batch.v1.jobs.create"}}`, `{"protoPayload":{"methodName":"io.k8s.batch.v1.jobs.list"}}`},
		{"Workspace by Logging", "{product: gcp, service: google_workspace.admin}", "eventService: admin.googleapis.com\nnew_value: 'false'", `{"protoPayload":{"serviceName":"admin.googleapis.com","metadata":{"event":[{"parameter":[{"name":"NEW_VALUE","value":"false"}]}]}}}`, `{"protoPayload":{"serviceName":"admin.googleapis.com","metadata":{"event":[{"parameter":[{"name":"OLD_VALUE","value":"false"}]}]}}}`},
		{"Workspace by Reports", "{product: gcp, service: google_workspace.admin}", "eventService: admin.googleapis.com\neventName: DELETE_ROLE", `{"id":{"applicationName":"admin"},"events":[{"name":"DELETE_ROLE"}]}`, `{"id":{"applicationName":"login"},"events":[{"name":"DELETE_ROLE"}]}`},
		{"Microsoft 365 bag", "{product: m365, service: audit}", "RequestType: 'Cmsi:Cmsi'", `{"ExtendedProperties":[{"Name":"RequestType","Value":"Cmsi:Cmsi"}]}`, `{"ExtendedProperties":[{"Name":"UserAgent","Value":"Cmsi:Cmsi"}]}`},
		{"Microsoft 365 export", "{product: m365, service: audit}", "Operation: Set-Mailbox", `{"AuditData":"{\"Operation\":\"Set-Mailbox\"}"}`, `{"AuditData":"{\"Operation\":\"x\"}"}`},
		{"Microsoft 365 status", "{product: m365, service: exchange}", "eventSource: Exchange\nstatus: success", `{"Workload":"Exchange","ResultStatus":"True"}`, `{"Workload":"Exchange","ResultStatus":"False"}`},
		{"Okta in capitals", "{product: okta, service: okta}", "eventtype: zone.delete", `{"eventType":"zone.delete"}`, `{"eventType":"x"}`},
		{"Okta target list", "{product: okta, service: okta}", "target.displayName: Okta Admin Console", `{"target":[{"displayName":"x"},{"displayName":"Okta Admin Console"}]}`, `{"target":[]}`},
		{"Kubernetes group", "{product: kubernetes, service: audit}", "apiGroup: apps", `{"objectRef":{"apiGroup":"apps"}}`, `{"objectRef":{"apiGroup":"x"}}`},
		{"Kubernetes host path", "{product: kubernetes, service: audit}", "hostPath: '*'", `{"requestObject":{"spec":{"volumes":[{"name":"x"},{"hostPath":{"path":"/"}}]}}}`, `{"requestObject":{"spec":{"volumes":[{"name":"x"}]}}}`},
		{"Kubernetes decision", "{product: kubernetes, service: audit}", "responseStatus.code: ALLOW", `{"annotations":{"authorization.k8s.io/decision":"allow"},"responseStatus":{"code":200}}`, `{"annotations":{"authorization.k8s.io/decision":"forbid"}}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := one(t, "title: T\nlogsource: "+c.logsource+"\ndetection:\n  s:\n    "+strings.ReplaceAll(c.selection, "\n", "\n    ")+"\n  condition: s\n", sigma.Options{Pipelines: shipped})
			m := newMatcher(t, r.When)
			if !m.match(t, c.hold) {
				t.Errorf("does not hold for %s", c.hold)
			}
			if m.match(t, c.not) {
				t.Errorf("holds for %s", c.not)
			}
		})
	}
}
