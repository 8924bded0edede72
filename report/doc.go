// Package report writes findings and events for people and for machines: a table
// grouped by cause, JSON lines (the contract of docs/contracts.md), OCSF and SARIF.
//
// It judges nothing and opens nothing: it is handed findings in their final order and
// an io.Writer. Every string in a log was written by somebody else, so whatever goes
// to a terminal passes [Escape] first. What it keeps in memory is bounded, and a bound
// that was reached is said in the output.
//
// A worked example:
//
//	w, err := report.New("table", os.Stdout, report.Options{Explain: true})
//	w.Write(report.Item{Finding: f, File: "trail.json.gz", Offset: 4711})
//	w.Close() // the table is printed here; JSON lines are printed as they come
package report
