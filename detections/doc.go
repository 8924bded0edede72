// Package detections holds the rules that ship with Yagura, as data: one folder
// for each, detections/<vendor>/<name>, with rule.yml (a Sigma rule with its
// side-car under the key `yagura`) and test.yml (events that must fire, near
// misses that differ in one field). docs/detections.md says how to write one.
//
// The folders are embedded in the binary: `yagura scan` without --rules judges by
// them. This room holds no code that knows a rule; rule/sigma reads them like
// anybody's rules.
//
// A worked example:
//
//	files, err := detections.Files()
//	rules, refusals := sigma.Load(files, sigma.Options{})
package detections
