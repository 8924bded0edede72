// Package app wires the rooms together: it turns paths into sources, rule files into
// an engine, and runs a scan from the first byte to the last finding. It is the only
// room that knows all the others, and it decides nothing that another room could.
//
// # How a scan runs
//
// Each worker takes a whole object: it opens, unpacks, decodes and matches in one
// goroutine, so that no record is handed over. What it hands over are batches: the keys
// of up to 16,384 records, and what the rules said of them. One sequencer takes the
// batches in the order of the objects, whichever worker made them, and there decides
// what is a repeat, what is found, and in which order it is said. So the number of
// workers changes the speed and nothing else. A worker that is far ahead of the sequencer
// waits, and few at once hold records of many megabytes.
//
// A worked example:
//
//	rules, err := app.LoadRules(app.RuleOptions{Paths: []string{"rules/"}})
//	scan, err := app.NewScan(rules, app.ScanOptions{})
//	sum, err := scan.Run(ctx, file.New(file.Options{}, "trail/"), writer)
package app
