// Package sigma reads rules written in Sigma 2.1 — detection rules, correlations
// and filters — and compiles them to [rule.Rule] and [query.Expr].
//
// It is three steps, one after the other. A document is read into a tree in which
// the modifiers of every value have been applied, so that `a|contains: x` and
// `a: '*x*'` are the same. Processing pipelines in pySigma's YAML then rewrite the
// tree: they say which field names a log really has and which log formats a
// logsource means. What remains is compiled to an expression with a place in the
// file for every predicate.
//
// A rule is compiled whole or refused with the place, the reason and a hint. This
// package does no I/O; it does not know how records are matched, and it holds
// nothing that belongs to one log format but the pipelines, which are data.
//
// A worked example:
//
//	rules, refusals := sigma.Load([]rule.File{{Path: "stop.yml", Data: data}}, sigma.Options{})
//	rules[0].Formats // ["aws.cloudtrail"], by the shipped pipeline aws.yml
//	rules[0].When    // And{eventSource equals …, eventName equals StopLogging}
//
// docs/sigma.md lists what is supported and every documented difference.
package sigma
