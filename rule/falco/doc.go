// Package falco reads rules in Falco's language, for JSON sources: lists, macros,
// rules with append, override and exceptions, conditions with every operator and
// transformer, and output templates. It stands in for Falco's engine 0.62.0 with
// the plugins cloudtrail, gcpaudit, github, json, k8saudit and okta, and compiles
// each rule to a [rule.Rule].
//
// It is not an evaluator: what a condition means is written down in the
// [query.Expr] that it compiles to, down to the small print (an absent field makes
// every comparison false, null is present as "" in a ct. field). It does no I/O:
// the caller hands in files that it has read, and falco.yaml too if there is one.
//
// Where Falco refuses a whole file for its first fault, this package refuses the
// one rule and says every fault, with Falco's code and words. docs/falco.md lists
// what is supported and each difference from Falco with its reason.
//
// A worked example:
//
//	files := []rule.File{{Path: "trail.yaml", Data: []byte(`
//	- rule: Trail stopped
//	  desc: somebody stopped a trail
//	  condition: ct.name=StopLogging and not ct.error exists
//	  output: trail %ct.request.name stopped by %ct.user
//	  priority: CRITICAL
//	  source: aws_cloudtrail
//	`)}}
//	rules, refusals := falco.Load(files, falco.Options{})
//	rules[0].Formats // ["aws.cloudtrail"]
package falco
