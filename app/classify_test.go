package app

import "testing"

func TestClassify(t *testing.T) {
	for text, want := range map[string]content{
		"title: a\nlogsource: {product: aws}\ndetection: {s: {a: b}, condition: s}\n": contentSigma,
		"title: a\nlogsource: {product: aws}\n":                                       contentSigma,
		"correlation: {type: event_count}\n":                                          contentSigma,
		"filter: {rules: [a]}\nlogsource: {product: aws}\n":                           contentSigma,
		"action: global\ntitle: a\n---\ndetection: {}\n":                              contentSigma,
		"# a comment\n---\n---\ndetection: {}\n":                                      contentSigma,
		"title: a\ndetection:\n  s: [\n":                                              contentSigma, // broken, but plainly meant so
		"- rule: a\n  condition: b\n":                                                 contentFalco,
		"- required_engine_version: 0.26.0\n- list: a\n  items: []\n":                 contentFalco,
		"- macro: [\n":                              contentFalco,
		"overlay: {rules: [a]}\n":                   contentOverlay,
		"name: p\ntransformations: []\n":            contentPipeline,
		"rules_files: [a]\n":                        contentFalcoConfig,
		"fires: [{event: {}}]\nnear_misses: []\n":   contentUnknown,
		"kind: Unusual\nnew: network\n":             contentSentinel,
		"kind: Scheduled\nname: a\nquery: T\n":      contentSentinel,
		"kind: Scheduled\nname: a\n":                contentUnknown,
		"name: a\nkind: unusual\nnew: [\n":          contentSentinel,
		"kind: Deployment\nmetadata: {}\n":          contentUnknown,
		"":                                          contentUnknown,
		"just text":                                 contentUnknown,
		"- a\n- b\n":                                contentUnknown,
		"{\"title\": \"a\", \"detection\": {}}":     contentSigma,
		"a: [\n":                                    contentBroken,
		"\x00\x01":                                  contentBroken,
		"action: run\ntitle: something else\n":      contentSigma,
		"action: deploy\nhosts: [rule]\n":           contentUnknown,
		"rule: not a list\nmacro: neither\n":        contentUnknown,
		"- rules: [a]\n- hosts: all\n  tasks: []\n": contentUnknown,
	} {
		if got := classify([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add([]byte("- rule: a\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("detection: {\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c := classify(data); c < contentUnknown || c > contentFalcoConfig {
			t.Errorf("%d", c)
		}
	})
}
