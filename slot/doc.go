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
package slot
