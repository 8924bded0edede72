package falco

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yagura-sec/yagura/rule"
)

// TestPlaces writes conditions in every form of YAML. Each names a macro WRONG that
// is not there, and the refusal must point at the word.
func TestPlaces(t *testing.T) {
	const head = "- rule: r\n  desc: d\n  output: x\n  priority: INFO\n  source: aws_cloudtrail\n"
	for name, text := range map[string]string{
		"plain":               head + "  condition: ct.name=x and WRONG\n",
		"plain over lines":    head + "  condition: ct.name=x\n    and\n\n    (ct.src=y or WRONG)\n",
		"after a blank line":  head + "  condition:\n\n    ct.name=x and WRONG\n",
		"single quotes":       head + "  condition: 'ct.name=''it'' and WRONG'\n",
		"single over lines":   head + "  condition: 'ct.name=''a\n\n    b'' and WRONG'\n",
		"double quotes":       head + `  condition: "ct.name=\"櫓\\\\.\" and\tWRONG"` + "\n",
		"double with codes":   head + `  condition: "ct.name=\x41\u6AD3\U0001F600\N and WRONG"` + "\n",
		"double over lines":   head + "  condition: \"ct.name=x \\\n    and\n    WRONG\"\n",
		"folded":              head + "  condition: >\n    ct.name=x\n    and (ct.src=y\n      or WRONG)\n",
		"folded, stripped":    head + "  condition: >-\n    ct.name=x and\n    WRONG\n",
		"folded, indented":    head + "  condition: >2\n      ct.name=x and\n      WRONG\n",
		"literal":             head + "  condition: |\n    ct.name=x and\n\n    WRONG\n",
		"literal, kept":       head + "  condition: |+\n    ct.name=x and\n    WRONG\n\n",
		"with comment":        head + "  condition: | # a comment\n    ct.name=x and WRONG\n",
		"behind a tag":        head + "  condition: !!str ct.name=x and WRONG\n",
		"behind an anchor":    head + "  condition: &c ct.name=x and WRONG\n",
		"in a flow":           "- {rule: r, desc: d, output: x, priority: INFO, source: aws_cloudtrail, condition: ct.name=x and WRONG}\n",
		"wide characters":     head + "  condition: ct.name='見張り' and ct.src='🗼' and WRONG\n",
		"carriage returns":    strings.ReplaceAll(head+"  condition: >\n    ct.name=x\n    and WRONG\n", "\n", "\r\n"),
		"appended":            head + "  condition: ct.name=x\n- rule: r\n  condition: >\n    and ct.src=y\n    and WRONG\n  override: {condition: append}\n",
		"before what follows": head + "  condition: ct.name=x or WRONG\n- rule: r\n  condition: and ct.src=y\n  override: {condition: append}\n",
		"after a list":        "- list: l\n  items: [a, b, c]\n" + head + "  condition: ct.name in (l, d) and WRONG\n",
		"in a macro":          "- macro: m\n  condition: ct.name=x or WRONG\n",
		"after exceptions":    head + "  condition: ct.name=x and WRONG\n  exceptions:\n    - {name: e, fields: [ct.user], values: [[x]]}\n",
		"in a second file":    "---\n" + head + "  condition: ct.name=x\n---\n- macro: m\n  condition: WRONG\n",
		"in a broken file":    "- rule: no\n  desc: \"open\n" + head + "  condition: >\n    ct.name=x and\n    WRONG\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, refusals := Load([]rule.File{{Path: "f.yaml", Data: []byte(text)}}, Options{})
			before, _, _ := strings.Cut(text, "WRONG")
			line := strings.Count(before, "\n") + 1
			column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
			for _, r := range refusals {
				if strings.Contains(r.Reason, "WRONG") {
					if r.File != "f.yaml" || r.Line != line || r.Column != column {
						t.Errorf("%s, want %d:%d", r.Error(), line, column)
					}
					return
				}
			}
			t.Errorf("WRONG is not refused: %v", refusals)
		})
	}
}

// TestPlacesInLists points at the list where it is named, for a fault in its items.
func TestPlacesInLists(t *testing.T) {
	text := "- list: l\n  items: ['\"a']\n- rule: r\n  desc: d\n  condition: ct.name=x and ct.user in (l)\n  output: x\n  priority: INFO\n  source: aws_cloudtrail\n"
	_, refusals := Load([]rule.File{{Path: "f.yaml", Data: []byte(text)}}, Options{})
	if len(refusals) != 1 || refusals[0].Line != 5 || refusals[0].Column != 40 {
		t.Errorf("%v", refusals)
	}
}
