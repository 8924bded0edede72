// Package slot reads one JSON record in a single pass over its bytes: it
// validates the record and fills a slot for every field that somebody asked for,
// and builds nothing else. There is no map and no tree per event, and no
// allocation once a [Doc] is warm.
//
// It knows no log format and no rule language. decode asks for the header fields
// of a format, query asks for the fields of the rules; both ask the same
// [Builder], so that one pass serves both.
//
// A worked example:
//
//	b := slot.NewBuilder()
//	name := b.Slot(slot.Field{Paths: []slot.Path{slot.Keys("eventName")}})
//	plan := b.Plan()
//	doc := plan.NewDoc()
//	n, err := plan.Scan([]byte(`{"eventName":"StopLogging"}`), doc)
//	doc.Text(doc.First(name)) // "StopLogging"
//
// What is defined beyond RFC 8259: invalid UTF-8 is accepted and kept, a lone
// surrogate becomes U+FFFD, numbers stay text of any length, duplicate keys are kept
// (see [Path]), and more than [MaxDepth] levels are a [SyntaxError].
//
// To judge the members of an array as records of their own, scan [Doc.JSON] of each
// with a plan for it.
package slot
