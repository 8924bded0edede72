// Package ruletest runs the tests that stand beside rules, ours and everybody's:
// `yagura rule test PATH…`, and the test of the shipped detections.
//
// A test file (test.yml, or a name that ends in _test.yml) says which events must
// make a rule fire, which near misses must not, and which counter-events must end
// what the rule opened. A near miss differs from a firing event in exactly one
// field, which is verified, so that every one of them proves one word of the rule.
// Events go through the real decoder and the real engine. docs/detections.md is the
// reference of the form.
//
// It is not a loader of rules and does no I/O: whoever calls it has loaded the
// rules and read the test files.
//
// A worked example:
//
//	rules, refusals := sigma.Load(files, sigma.Options{})
//	report := ruletest.Run(rules, tests, ruletest.Options{})
//	for _, f := range report.Failures {
//		fmt.Println(f) // rules/stop/test.yml:12:5: "trail stopped": the rule did not fire (hint: …)
//	}
package ruletest
