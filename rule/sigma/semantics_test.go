package sigma_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
	"github.com/yagura-sec/yagura/slot"
)

const head = "title: T\nlogsource: {product: x}\n"

// load reads one file that must hold rules and no faults.
func load(t testing.TB, text string, opts sigma.Options) []*rule.Rule {
	t.Helper()
	rules, refusals := sigma.Load([]rule.File{{Path: "r.yml", Data: []byte(text)}}, opts)
	for i := range refusals {
		if !refusals[i].Warning {
			t.Fatalf("%v\n%s", refusals[i].Error(), text)
		}
	}
	return rules
}

// one reads a file with one rule.
func one(t testing.TB, text string, opts sigma.Options) *rule.Rule {
	t.Helper()
	rules := load(t, text, opts)
	if len(rules) != 1 {
		t.Fatalf("%d rules", len(rules))
	}
	return rules[0]
}

// bare options: no pipelines, every log.
var bare = sigma.Options{Pipelines: []*sigma.Pipeline{}, NoRouting: true}

// TestSelections judges records by one selection.
func TestSelections(t *testing.T) {
	cases := []struct {
		name, selection string
		hold, not       []string
	}{
		{"text", `a: Stop`, []string{`{"a":"stop"}`, `{"a":["x","STOP"]}`}, []string{`{"a":"stopp"}`, `{"b":"stop"}`, `{"a":null}`, `{}`}},
		{"list is or", `a: [x, y]`, []string{`{"a":"y"}`}, []string{`{"a":"z"}`}},
		{"map is and", "a: x\nb: y", []string{`{"a":"x","b":"y"}`}, []string{`{"a":"x"}`}},
		{"list of maps is or", "- a: x\n- b: y\n  c: z", []string{`{"a":"x"}`, `{"b":"y","c":"z"}`}, []string{`{"b":"y"}`}},
		{"nested field", `a.b.c: x`, []string{`{"a":{"b":{"c":"x"}}}`, `{"a":[{"b":{"c":"x"}}]}`, `{"a.b":{"c":"x"}}`}, []string{`{"a":{"c":"x"}}`}},
		{"JSON in text", `a.b: x`, []string{`{"a":"{\"b\":\"x\"}"}`}, []string{`{"a":"b: x"}`}},
		{"percent-encoded JSON in text", `a.b: x`, []string{`{"a":"%7B%22b%22%3A%22x%22%7D"}`}, []string{`{"a":"%7B%22b%22%3A%22y%22%7D"}`, `{"a":"%7B%22b%22%3A%22x%22"}`}},

		{"star", `a: 'v*.Delete'`, []string{`{"a":"v1.delete"}`, `{"a":"v.Delete"}`, "{\"a\":\"v\\n.Delete\"}"}, []string{`{"a":"xv.Delete"}`, `{"a":"v.Deletes"}`}},
		{"mark", `a: 'v?'`, []string{`{"a":"v1"}`, `{"a":"vü"}`}, []string{`{"a":"v"}`, `{"a":"v12"}`}},
		{"star alone is present", `a: '*'`, []string{`{"a":"x"}`, `{"a":""}`, `{"a":0}`, `{"a":{"b":1}}`, `{"a":[]}`}, []string{`{}`, `{"a":null}`}},
		{"contains star is present", `a|contains: '*'`, []string{`{"a":"x"}`}, []string{`{}`, `{"a":null}`}},
		{"escaped star", `a: 'a\*b'`, []string{`{"a":"a*b"}`}, []string{`{"a":"axb"}`}},
		{"escaped mark", `a|contains: '\?'`, []string{`{"a":"x?"}`}, []string{`{"a":"xy"}`}},
		{"one backslash", `a: 'c:\dir'`, []string{`{"a":"C:\\dir"}`}, []string{`{"a":"c:dir"}`}},
		{"two backslashes are one", `a: 'c:\\dir'`, []string{`{"a":"c:\\dir"}`}, []string{`{"a":"c:\\\\dir"}`}},
		{"four backslashes are two", `a: 'c:\\\\dir'`, []string{`{"a":"c:\\\\dir"}`}, []string{`{"a":"c:\\dir"}`}},
		{"backslash and star", `a: 'c:\\*'`, []string{`{"a":"c:\\x"}`}, []string{`{"a":"c:*"}`}},
		{"backslash and escaped star", `a: 'c:\\\*'`, []string{`{"a":"c:\\*"}`}, []string{`{"a":"c:\\x"}`}},
		{"last backslash", `a: 'c:\'`, []string{`{"a":"c:\\"}`}, []string{`{"a":"c:"}`}},

		{"number by text", `a: 403`, []string{`{"a":403}`, `{"a":"403"}`, `{"a":403.0}`, `{"a":"403.0"}`}, []string{`{"a":4030}`, `{"a":"403x"}`}},
		{"text by number", `a: '403'`, []string{`{"a":403}`, `{"a":"403"}`, `{"a":403.0}`}, []string{`{"a":404}`}},
		{"large number", `a: 12345678901234567890`, []string{`{"a":12345678901234567890}`}, []string{`{"a":12345678901234567891}`}},
		{"hexadecimal number", `a: 0x10`, []string{`{"a":16}`}, []string{`{"a":10}`}},
		{"leading zero", `a: 010`, []string{`{"a":10}`}, []string{`{"a":8}`}},
		{"truth", `a: true`, []string{`{"a":true}`, `{"a":"True"}`}, []string{`{"a":1}`}},
		{"text of truth", `a: 'false'`, []string{`{"a":false}`}, []string{`{"a":0}`}},
		{"YAML 1.2 text", `a: [y, on, 2026-01-02, 1_000]`, []string{`{"a":"Y"}`, `{"a":"on"}`, `{"a":"2026-01-02"}`, `{"a":"1_000"}`}, []string{`{"a":true}`, `{"a":1000}`}},
		{"number as key", `1: x`, []string{`{"1":"x"}`}, []string{`{"a":"x"}`}},

		{"null", `a: null`, []string{`{}`, `{"a":null}`}, []string{`{"a":""}`, `{"a":"null"}`}},
		{"tilde", `a: ~`, []string{`{}`}, []string{`{"a":"~"}`}},
		{"null or text", `a: [null, Success]`, []string{`{}`, `{"a":"success"}`}, []string{`{"a":"x"}`}},
		{"empty", `a: ''`, []string{`{"a":""}`}, []string{`{}`, `{"a":null}`, `{"a":"x"}`}},
		{"exists", `a|exists: true`, []string{`{"a":null}`, `{"a":""}`}, []string{`{"b":1}`}},
		{"exists not", `a|exists: false`, []string{`{"b":1}`}, []string{`{"a":null}`}},

		{"startswith", `a|startswith: ab`, []string{`{"a":"ABc"}`}, []string{`{"a":"xab"}`}},
		{"endswith", `a|endswith: ab`, []string{`{"a":"xAB"}`}, []string{`{"a":"abx"}`}},
		{"startswith endswith", `a|startswith|endswith: ab`, []string{`{"a":"xabx"}`}, []string{`{"a":"a b"}`}},
		{"wildcard inside contains", `a|contains: 'a*c'`, []string{`{"a":"xabcx"}`}, []string{`{"a":"ca"}`}},
		{"contains number", `a|contains: 40`, []string{`{"a":1403}`, `{"a":"x40"}`}, []string{`{"a":4}`}},
		{"contains all", `a|contains|all: [x, y]`, []string{`{"a":"ayx"}`, `{"a":["x","y"]}`}, []string{`{"a":"x"}`}},
		{"all of one", `a|all: [x]`, []string{`{"a":"x"}`}, []string{`{"a":"y"}`}},
		{"cased", `a|cased: Foo`, []string{`{"a":"Foo"}`}, []string{`{"a":"foo"}`}},
		{"contains cased", `a|contains|cased: Foo`, []string{`{"a":"xFoo"}`}, []string{`{"a":"xfoo"}`}},
		{"cased star", `a|cased: 'F*'`, []string{`{"a":"Foo"}`}, []string{`{"a":"foo"}`}},
		{"unicode case", `a: 'STRASSE Ω'`, []string{`{"a":"strasse ω"}`}, []string{`{"a":"straße ω"}`}},
		{"neq", `a|neq: x`, []string{`{"a":"y"}`, `{}`}, []string{`{"a":"X"}`, `{"a":["y","x"]}`}},
		{"neq list", `a|neq: [x, y]`, []string{`{"a":"z"}`}, []string{`{"a":"y"}`}},
		{"neq contains", `a|contains|neq: x`, []string{`{"a":"y"}`}, []string{`{"a":"axb"}`}},
		{"neq null", `a|neq: null`, []string{`{"a":"y"}`}, []string{`{}`}},
		{"neq fieldref", `a|fieldref|neq: b`, []string{`{"a":"1","b":"2"}`, `{"a":"1"}`}, []string{`{"a":"x","b":"X"}`}},

		{"re", `a|re: '^AB.c$'`, []string{`{"a":"ABxc"}`}, []string{`{"a":"abxc"}`, `{"a":"xABxc"}`}},
		{"re is a search", `a|re: 'B'`, []string{`{"a":"aBc"}`}, []string{`{"a":"abc"}`}},
		{"re number", `a|re: '^4\d\d$'`, []string{`{"a":404}`}, []string{`{"a":500}`}},
		{"re i", `a|re|i: 'ab'`, []string{`{"a":"xAB"}`}, []string{`{"a":"x"}`}},
		{"re ignorecase", `a|re|ignorecase: 'ab'`, []string{`{"a":"xAB"}`}, nil},
		{"re m", `a|re|m: '^b$'`, []string{`{"a":"a\nb"}`}, []string{`{"a":"ab"}`}},
		{"re multiline", `a|re|multiline: '^b$'`, []string{`{"a":"a\nb"}`}, nil},
		{"re s", `a|re|s: 'a.b'`, []string{`{"a":"a\nb"}`}, nil},
		{"re dotall i", `a|re|dotall|i: 'A.B'`, []string{`{"a":"a\nb"}`}, nil},
		{"re without s", `a|re: 'a.b'`, []string{`{"a":"axb"}`}, []string{`{"a":"a\nb"}`}},
		{"re startswith", `a|re|startswith: 'a|b'`, []string{`{"a":"bx"}`}, []string{`{"a":"xb"}`}},
		{"re endswith", `a|re|endswith: 'a|b'`, []string{`{"a":"xa"}`}, []string{`{"a":"ax"}`}},
		{"re list all", `a|re|all: ['a', 'b']`, []string{`{"a":"ab"}`}, []string{`{"a":"a"}`}},
		{"re escapes", `a|re: 'a\_\-\/\h[]x]\Z'`, []string{`{"a":"a_-/ ]"}`, `{"a":"a_-/\tx\n"}`}, []string{`{"a":"a_-/ y"}`}},
		{"re comment", `a|re: 'a(?#x)b'`, []string{`{"a":"ab"}`}, nil},

		{"cidr", `a|cidr: [10.0.0.0/8, '2001:db8::/32', 192.0.2.1]`, []string{`{"a":"10.9.9.9"}`, `{"a":"2001:DB8::9"}`, `{"a":"192.0.2.1"}`}, []string{`{"a":"11.0.0.1"}`, `{"a":"x"}`, `{"a":"192.0.2.2"}`}},
		{"gt", `a|gt: 5`, []string{`{"a":6}`, `{"a":"5.5"}`, `{"a":[1,9]}`}, []string{`{"a":5}`, `{"a":"many"}`, `{}`}},
		{"gte", `a|gte: 5`, []string{`{"a":5}`}, []string{`{"a":4.99}`}},
		{"lt", `a|lt: -1.5`, []string{`{"a":-2}`}, []string{`{"a":0}`}},
		{"lte", `a|lte: '5'`, []string{`{"a":5}`}, []string{`{"a":6}`}},
		{"fieldref", `a|fieldref: b`, []string{`{"a":"x","b":"X"}`, `{"a":["p","q"],"b":"q"}`}, []string{`{"a":"x"}`, `{"a":"x","b":"y"}`, `{}`, `{"a":null,"b":null}`}},
		{"fieldref startswith", `a|fieldref|startswith: b`, []string{`{"a":"xy","b":"X"}`}, []string{`{"a":"yx","b":"x"}`}},
		{"fieldref endswith", `a|fieldref|endswith: b`, []string{`{"a":"yx","b":"x"}`}, []string{`{"a":"xy","b":"x"}`}},
		{"fieldref contains", `a|fieldref|contains: b.c`, []string{`{"a":"yxy","b":{"c":"x"}}`}, []string{`{"a":"y","b":{"c":"x"}}`}},
		{"fieldref cased", `a|fieldref|cased: b`, []string{`{"a":"x","b":"x"}`}, []string{`{"a":"x","b":"X"}`}},
		{"cased fieldref", `a|cased|fieldref: b`, []string{`{"a":"x","b":"x"}`}, []string{`{"a":"x","b":"X"}`}},

		{"hour", `a|hour: 3`, []string{`{"a":"2026-01-01T03:59:59Z"}`, `{"a":"2026-01-01T05:30:00+02:00"}`}, []string{`{"a":"2026-01-01T04:00:00Z"}`, `{"a":"x"}`}},
		{"hour range", `a|hour|gte: 22`, []string{`{"a":"2026-01-01T23:00:00Z"}`}, []string{`{"a":"2026-01-01T21:00:00Z"}`}},
		{"lt hour", `a|lt|hour: 6`, []string{`{"a":"2026-01-01T05:00:00Z"}`}, []string{`{"a":"2026-01-01T06:00:00Z"}`}},
		{"minute", `a|minute: 4`, []string{`{"a":"2026-01-01T03:04:05Z"}`}, []string{`{"a":"2026-01-01T04:03:05Z"}`}},
		{"day", `a|day: 2`, []string{`{"a":"2026-01-02T00:00:00Z"}`}, []string{`{"a":"2026-02-01T00:00:00Z"}`}},
		{"week", `a|week: 1`, []string{`{"a":"2026-01-01T00:00:00Z"}`}, []string{`{"a":"2026-01-05T00:00:00Z"}`}},
		{"month", `a|month: [11, 12]`, []string{`{"a":"2026-12-01T00:00:00Z"}`}, []string{`{"a":"2026-01-12T00:00:00Z"}`}},
		{"year", `a|year: 2026`, []string{`{"a":"2026-12-01"}`}, []string{`{"a":"2025-12-01"}`}},

		{"base64", `a|base64: foobar`, []string{`{"a":"Zm9vYmFy"}`}, []string{`{"a":"foobar"}`}},
		{"base64 contains", `a|base64|contains: foobar`, []string{`{"a":"x Zm9vYmFy"}`}, nil},
		{"base64offset", `a|base64offset|contains: '/bin/bash'`, []string{`{"a":"L2Jpbi9iYXNo"}`, `{"a":"xL2Jpbi9iYXNo"}`, `{"a":"eC9iaW4vYmFzaA=="}`, `{"a":"eHgvYmluL2Jhc2g="}`}, []string{`{"a":"/bin/bash"}`}},
		{"wide base64", `a|wide|base64: ping`, []string{`{"a":"cABpAG4AZwA="}`}, nil},
		{"utf16be base64", `a|utf16be|base64: ping`, []string{`{"a":"AHAAaQBuAGc="}`}, nil},
		{"utf16 base64", `a|utf16|base64: ping`, []string{`{"a":"//5wAGkAbgBnAA=="}`}, nil},
		{"utf16le base64offset", `a|utf16le|base64offset|contains: ünö`, []string{`{"a":"/ABuAPYA"}`}, nil},
		{"wide of ASCII", `a|wide|contains: ab`, []string{"{\"a\":\"xa\\u0000b\\u0000\"}"}, []string{`{"a":"ab"}`}},
		{"windash", `a|windash|contains: ' -enc '`, []string{`{"a":"p -enc x"}`, `{"a":"p /enc x"}`, `{"a":"p –enc x"}`, `{"a":"p —ENC x"}`, `{"a":"p ―enc x"}`}, []string{`{"a":"p enc x"}`}},
		{"windash keeps dashes in words", `a|windash: '-a-b'`, []string{`{"a":"/a-b"}`}, []string{`{"a":"/a/b"}`}},
		{"windash all", `a|contains|windash|all: [' -a', ' -b']`, []string{`{"a":"x /a -b"}`}, []string{`{"a":"x /a"}`}},
		{"windash of many", `a|windash: '-a -b -c -d -e'`, []string{`{"a":"/A –b —c -d ―e"}`}, []string{`{"a":"a -b -c -d -e"}`}},
		{"windash base64", `a|windash|base64: '-a'`, []string{`{"a":"L2E="}`, `{"a":"LWE="}`}, nil},

		{"object as text", `a|contains: '"k":"v"'`, []string{`{"a":{"k": "V"}}`, `{"a":[{"k":"v"}]}`}, []string{`{"a":{"k":"w"}}`}},
		{"document in an object", `a|contains|all: ['"s3:GetObject"', '"Allow"']`, []string{`{"a":{"policy":"{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\"}"}}`, `{"a":{"p":{"Effect":"Allow","Action":["s3:GetObject"]}}}`}, []string{`{"a":{"p":"Allow"}}`}},
		{"empty list as text", `a: '[]'`, []string{`{"a":[]}`}, []string{`{"a":[1]}`, `{}`}},
		{"percent without expand", `a: '%x%'`, []string{`{"a":"%x%"}`}, []string{`{"a":"x"}`}},

		{"keyword", "- break-glass\n- 'x*y'", []string{`{"a":{"b":["BREAK-GLASS"]}}`, `{"c":"pxqyr"}`, `{"break-glass":1}`}, []string{`{"a":"break"}`}},
		{"keyword number", "- 4625", []string{`{"a":4625}`, `{"a":"id 4625"}`}, []string{`{"a":462}`}},
		{"keywords all", "'|all': [foo, bar]", []string{`{"a":"foo","b":"xbar"}`}, []string{`{"a":"foo"}`}},
		{"keyword contains", "'|contains': foo", []string{`{"a":"xfoox"}`}, []string{`{"a":"f"}`}},
		{"keyword cased", "'|cased': Foo", []string{`{"a":"xFoo"}`}, []string{`{"a":"foo"}`}},
		{"keyword re", "'|re': 'fo{2}b'", []string{`{"a":{"b":"xfoob"}}`}, []string{`{"a":"fob"}`}},
		{"keywords and maps", "- foo\n- a: x", []string{`{"z":"foo"}`, `{"a":"x"}`}, []string{`{"a":"y"}`}},
		{"keyword base64", "'|base64offset': foobar", []string{`{"z":"xxZm9vYmFy"}`}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := head + "detection:\n  selection:\n    " + strings.ReplaceAll(c.selection, "\n", "\n    ") + "\n  condition: selection\n"
			m := newMatcher(t, one(t, text, bare).When)
			for _, rec := range c.hold {
				if !m.match(t, rec) {
					t.Errorf("%s does not hold for %s", c.selection, rec)
				}
			}
			for _, rec := range c.not {
				if m.match(t, rec) {
					t.Errorf("%s holds for %s", c.selection, rec)
				}
			}
		})
	}
}

// TestConditions judges records by conditions over four selections, of which a
// record meets those that it names.
func TestConditions(t *testing.T) {
	cases := []struct {
		condition string
		hold, not string // space between records, each the letters of its selections
	}{
		{"sel_a", "a ab", "b -"},
		{"sel_a and sel_b", "ab", "a b"},
		{"sel_a or sel_b and sel_c", "a bc", "b c"},
		{"(sel_a or sel_b) and sel_c", "ac bc", "a ab"},
		{"not sel_a or sel_b", "- b ab", "a"},
		{"not not sel_a", "a", "b"},
		{"not (sel_a or sel_b)", "- c", "a b"},
		{"sel_a AND NOT sel_b", "a", "ab"},
		{"1 of sel_*", "a b c", "- d"},
		{"all of sel_*", "abc", "ab"},
		{"2 of sel_*", "ab bc abc", "a b -"},
		{"any of sel_*", "b", "-"},
		{"1 of them", "a", "d -"},
		{"all of them", "abc", "ab"},
		{"1 of *_b", "b", "a"},
		{"1 of sel_a", "a", "b"},
		{"1 of *", "d", "-"},
		{"1 OF SEL_* or 1 of sel_a", "", ""},
		{"sel_a and 1 of sel_* and not all of sel_*", "a ab", "abc b"},
		{"[sel_a, sel_b and sel_c]", "a bc", "b c"},
		{"not 1 of sel_*", "- d", "a"},
		{"( ( sel_a ) )", "a", "b"},
	}
	for _, c := range cases {
		t.Run(c.condition, func(t *testing.T) {
			text := head + "detection:\n  sel_a: {a: 1}\n  sel_b: {b: 1}\n  sel_c: {c: 1}\n  _d: {d: 1}\n  condition: " + c.condition + "\n"
			if c.hold == "" {
				if rules, _ := sigma.Load([]rule.File{{Path: "r.yml", Data: []byte(text)}}, bare); len(rules) != 0 {
					t.Error("loaded: names are told apart by case")
				}
				return
			}
			m := newMatcher(t, one(t, text, bare).When)
			for i, list := range []string{c.hold, c.not} {
				for rec := range strings.FieldsSeq(list) {
					var parts []string
					for _, letter := range strings.Trim(rec, "-") {
						parts = append(parts, `"`+string(letter)+`":1`)
					}
					if got := m.match(t, "{"+strings.Join(parts, ",")+"}"); got != (i == 0) {
						t.Errorf("%q: %v", rec, got)
					}
				}
			}
		})
	}
}

// TestArrays judges records by the array forms of sigma-version 3.
func TestArrays(t *testing.T) {
	cases := []struct {
		name, selection string
		hold, not       []string
	}{
		{"any", `'a[any].b': x`, []string{`{"a":[{"b":"y"},{"b":"x"}]}`}, []string{`{"a":[{"b":"y"}]}`, `{"a":[]}`, `{}`}},
		{"all", `'a[all].b': x`, []string{`{"a":[{"b":"x"},{"b":"X"}]}`}, []string{`{"a":[{"b":"x"},{"b":"y"}]}`, `{"a":[]}`, `{}`}},
		{"all or empty", `'a[all_or_empty].b': x`, []string{`{"a":[{"b":"x"}]}`, `{"a":[]}`, `{}`}, []string{`{"a":[{"b":"y"}]}`}},
		{"none", `'a[none].b': x`, []string{`{"a":[{"b":"y"}]}`, `{"a":[]}`, `{}`}, []string{`{"a":[{"b":"y"},{"b":"x"}]}`}},
		{"members", `'a[all]|startswith': '10.'`, []string{`{"a":["10.1","10.2"]}`}, []string{`{"a":["10.1","11.2"]}`}},
		{"members all", `'a[any]|contains|all': [x, y]`, []string{`{"a":["xy"]}`}, []string{`{"a":["x","y"]}`}},
		{"any unlike", `'a[any].b|neq': x`, []string{`{"a":[{"b":"x"},{"b":"y"}]}`, `{"a":[{"c":"x"}]}`}, []string{`{"a":[{"b":"x"}]}`, `{"a":[]}`, `{}`}},
		{"all unlike", `'a[all].b|neq': [x, z]`, []string{`{"a":[{"b":"y"},{"c":"x"}]}`}, []string{`{"a":[{"b":"x"},{"b":"y"}]}`, `{"a":[]}`}},
		{"unlike as a block", "a[all]:\n  b|neq: x", []string{`{"a":[{"b":"y"},{"c":"x"}]}`}, []string{`{"a":[{"b":"x"},{"b":"y"}]}`, `{"a":[]}`}},
		{"none unlike", `'a[none]|neq': x`, []string{`{"a":["x","X"]}`, `{}`}, []string{`{"a":["x","y"]}`}},
		{"position unlike", `'a[1]|neq': x`, []string{`{"a":["x","y"]}`, `{"a":["x"]}`}, []string{`{"a":["y","x"]}`}},
		{"position", `'a[1].b': x`, []string{`{"a":[{"b":"y"},{"b":"x"}]}`}, []string{`{"a":[{"b":"x"},{"b":"y"}]}`, `{"a":[{"b":"x"}]}`}},
		{"last position", `'a[0]': x`, []string{`{"a":["x","y"]}`}, []string{`{"a":["y","x"]}`}},
		{"one member", "a[any]:\n  b: x\n  c: y", []string{`{"a":[{"b":"x","c":"y"}]}`}, []string{`{"a":[{"b":"x","c":"z"},{"b":"z","c":"y"}]}`}},
		{"implicit any member", "a.b: x\na.c: y", []string{`{"a":[{"b":"x","c":"z"},{"b":"z","c":"y"}]}`}, nil},
		{"one of maps", "a[any]:\n  - b: x\n    c: y\n  - d: z", []string{`{"a":[{"d":"z"}]}`, `{"a":[{"b":"x","c":"y"}]}`}, []string{`{"a":[{"b":"x"},{"c":"y"}]}`}},
		{"extended body", "a[any]:\n  condition: in and not tcp\n  in:\n    ip|cidr: 198.51.100.0/24\n  tcp:\n    proto: tcp", []string{`{"a":[{"ip":"10.0.0.1","proto":"tcp"},{"ip":"198.51.100.9","proto":"udp"}]}`}, []string{`{"a":[{"ip":"10.0.0.1","proto":"udp"},{"ip":"198.51.100.9","proto":"tcp"}]}`}},
		{"extended scalars", "a[any]:\n  condition: big and not odd\n  big:\n    .|gte: 500\n  odd:\n    .: 504", []string{`{"a":[200,503]}`}, []string{`{"a":[200,504]}`}},
		{"nested blocks", "a[any]:\n  type: allow\n  ip[all]|startswith: '10.'", []string{`{"a":[{"type":"allow","ip":["10.1","10.2"]}]}`}, []string{`{"a":[{"type":"allow","ip":["10.1","11.2"]},{"type":"deny","ip":["10.1"]}]}`}},
		{"nested selectors", `'a[any].b[all].c': x`, []string{`{"a":[{"b":[{"c":"x"}]}]}`}, []string{`{"a":[{"b":[{"c":"x"},{"c":"y"}]}]}`}},
		{"escaped brackets", `'a\[any\]': x`, []string{`{"a[any]":"x"}`}, []string{`{"a":["x"]}`}},
		{"a field named condition", "a[any]:\n  condition: x", []string{`{"a":[{"condition":"x"}]}`}, []string{`{"a":[{"b":"x"}]}`}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := head + "sigma-version: 3\ndetection:\n  selection:\n    " + strings.ReplaceAll(c.selection, "\n", "\n    ") + "\n  condition: selection\n"
			m := newMatcher(t, one(t, text, bare).When)
			for _, rec := range c.hold {
				if !m.match(t, rec) {
					t.Errorf("%s does not hold for %s", c.selection, rec)
				}
			}
			for _, rec := range c.not {
				if m.match(t, rec) {
					t.Errorf("%s holds for %s", c.selection, rec)
				}
			}
		})
	}
	// Without sigma-version 3 a bracket is a bracket.
	m := newMatcher(t, one(t, head+"detection:\n  s: {'a[any]': x}\n  condition: s\n", bare).When)
	if m.match(t, `{"a":["x"]}`) || !m.match(t, `{"a[any]":"x"}`) {
		t.Error("brackets without sigma-version 3 select")
	}
}

// TestPlaceholders fills %name% under expand.
func TestPlaceholders(t *testing.T) {
	opts := bare
	opts.Placeholders = map[string][]string{"admins": {"mary", "svc-*"}, "domain": {"example.com"}, "nets": {"10.0.0.0/8", "192.0.2.0/24"}, "net": {"10.0.0.0"}, "none": {}}
	cases := []struct {
		selection string
		hold, not []string
	}{
		{`a|expand: '%admins%'`, []string{`{"a":"Mary"}`, `{"a":"svc-x"}`}, []string{`{"a":"%admins%"}`}},
		{`a|contains|expand: '%admins%@%domain%'`, []string{`{"a":"x mary@example.com"}`}, []string{`{"a":"mary"}`}},
		{`a|expand|contains: '%domain%'`, []string{`{"a":"x.example.com."}`}, nil},
		{`a|expand: '\%admins%domain%'`, []string{`{"a":"%adminsexample.com"}`}, nil},
		{`a|expand|cidr: '%nets%'`, []string{`{"a":"192.0.2.9"}`}, []string{`{"a":"192.0.3.9"}`}},
		{`a|cidr|expand: '%nets%'`, []string{`{"a":"192.0.2.9"}`, `{"a":"10.9.9.9"}`}, []string{`{"a":"192.0.3.9"}`}},
		{`a|cidr|expand: ['%nets%', 198.51.100.0/24]`, []string{`{"a":"192.0.2.9"}`, `{"a":"198.51.100.7"}`}, []string{`{"a":"192.0.3.9"}`}},
		{`a|cidr|expand: 10.0.0.0/8`, []string{`{"a":"10.0.0.9"}`}, []string{`{"a":"11.0.0.9"}`}},
		{`a|cidr|expand: '%net%/8'`, []string{`{"a":"10.0.0.9"}`}, []string{`{"a":"11.0.0.9"}`}},
		{`a|cidr|expand|all: ['%nets%', 10.0.0.0/16]`, []string{`{"a":"10.0.3.3"}`}, []string{`{"a":"10.1.3.3"}`, `{"a":"192.0.2.9"}`}},
		{`a|cidr|expand: '%domain%'`, nil, nil},
		{`a|cidr|contains|expand: '%nets%'`, nil, nil},
		{`a|base64|expand: '%domain%'`, nil, nil},
		{`a|re|expand: '^%domain%$'`, []string{`{"a":"example.com"}`}, []string{`{"a":"exampleXcom"}`}},
		{`a|expand|base64: '%domain%'`, []string{`{"a":"ZXhhbXBsZS5jb20="}`}, nil},
		{`a|contains|all|expand: ['%admins%', x]`, []string{`{"a":"x mary"}`}, []string{`{"a":"mary"}`}},
	}
	for _, c := range cases {
		t.Run(c.selection, func(t *testing.T) {
			text := head + "detection:\n  s: {" + c.selection + "}\n  condition: s\n"
			if c.hold == nil {
				if rules, _ := sigma.Load([]rule.File{{Path: "r.yml", Data: []byte(text)}}, opts); len(rules) > 0 {
					t.Error("loaded")
				}
				return
			}
			m := newMatcher(t, one(t, text, opts).When)
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
	added := opts
	added.Pipelines = pipelines(t, "name: p\ntransformations:\n  - {type: add_condition, conditions: {b|expand: '%domain%'}}\n")
	if m := newMatcher(t, one(t, head+"detection:\n  s: {a: x}\n  condition: s\n", added).When); !m.match(t, `{"a":"x","b":"example.com"}`) || m.match(t, `{"a":"x"}`) {
		t.Error("a placeholder in a condition that a pipeline adds")
	}
	if rules, refusals := sigma.Load([]rule.File{{Path: "r.yml", Data: []byte(head + "detection:\n  s: {a|expand: '%none%'}\n  condition: s\n")}}, opts); len(rules) > 0 || len(refusals) != 1 {
		t.Error("a placeholder without values was taken")
	}
}

// TestArrayNames holds the names under which a finding shows members of arrays.
func TestArrayNames(t *testing.T) {
	cases := []struct {
		name, selection, record string
		want                    []string
	}{
		{"dots", `'a[any].b.c[any]|contains': x`, `{"a":[{"b":{"c":["xy"]}}]}`,
			[]string{"a[any]", "a[any].b.c[any]", "a[any].b.c[any]"}},
		{"block", "a[any]:\n  b: x\n  '.|exists': true", `{"a":[{"b":"x"}]}`,
			[]string{"a[any]", "a[any].b", "a[any]"}},
		{"block in a block", "a[any]:\n  b[any]:\n    c: x", `{"a":[{"b":[{"c":"x"}]}]}`,
			[]string{"a[any]", "a[any].b[any]", "a[any].b[any].c"}},
		{"position", `'a[1].b[any].c': x`, `{"a":[0,{"b":[{"c":"x"}]}]}`, []string{"a[1].b[any]", "a[1].b[any].c"}},
		{"brackets of a name", `'a\[0\].b[any].c': x`, `{"a[0]":{"b":[{"c":"x"}]}}`, []string{`a\[0\].b[any]`, `a\[0\].b[any].c`}},
		{"selectors of a pipeline", `mapped: x`, `{"p":[{"q":[{"r":"x"}]}]}`, []string{"mapped", "mapped[].q[any]", "mapped[].q[any].r"}},
	}
	opts := bare
	opts.Pipelines = pipelines(t, "name: p\ntransformations:\n  - {type: field_name_mapping, mapping: {mapped: 'p[any].q[any].r'}}\n")
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := one(t, head+"sigma-version: 3\ndetection:\n  s:\n    "+strings.ReplaceAll(c.selection, "\n", "\n    ")+"\n  condition: s\n", opts)
			b := slot.NewBuilder()
			p, err := query.Compile(r.When, b)
			if err != nil {
				t.Fatal(err)
			}
			plan := b.Plan()
			doc := plan.NewDoc()
			if _, err := plan.Scan([]byte(c.record), doc); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range p.Explain(doc, nil) {
				got = append(got, w.Field)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestOptionalPlaceholders: a rule whose optional placeholder has no value is whole and
// disabled, and so is a correlation on it; a value wakes both. Other placeholders refuse.
func TestOptionalPlaceholders(t *testing.T) {
	text := `title: other
id: other
name: other
logsource: {product: aws, service: cloudtrail}
detection:
  s: {eventName: Stop}
  inside: {sourceIPAddress|expand|cidr: '%nets%'}
  by: {userIdentity.arn|expand: '%roles%'}
  condition: s and not inside and not by
---
title: many
id: many
correlation: {type: event_count, rules: [other], group-by: [userIdentity.arn], timespan: 1h, condition: {gte: 2}}
---
title: plain
id: plain
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: '%roles%'}, condition: s}
---
title: filtered
id: filtered
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: Stop}, condition: s}
---
title: a filter does not make its rule wait
id: filter
logsource: {product: aws, service: cloudtrail}
filter: {rules: [filtered], inside: {userIdentity.arn|expand: '%nets%'}, condition: not inside}
`
	opts := sigma.Options{Optional: []string{"nets", "roles"}, Placeholders: map[string][]string{"roles": {"arn:*"}}}
	rules, refusals := sigma.Load([]rule.File{{Path: "o.yml", Data: []byte(text)}}, opts)
	if len(refusals) > 0 || len(rules) != 4 {
		t.Fatalf("%d rules, %v", len(rules), refusals)
	}
	for i, want := range []bool{true, true, false, false} {
		if rules[i].Disabled != want || (len(rules[i].Waits) > 0) != want {
			t.Errorf("%s: disabled %v, waits %q", rules[i].Title, rules[i].Disabled, rules[i].Waits)
		}
	}
	opts.Placeholders["nets"] = []string{"192.0.2.0/24"}
	rules, _ = sigma.Load([]rule.File{{Path: "o.yml", Data: []byte(text)}}, opts)
	for _, r := range rules {
		if r.Disabled {
			t.Errorf("%s is disabled although its placeholders have values", r.Title)
		}
	}
	_, refusals = sigma.Load([]rule.File{{Path: "o.yml", Data: []byte(text)}}, sigma.Options{})
	if len(refusals) == 0 {
		t.Error("placeholders without values were taken")
	}
}
