// Package query is the expression form that every rule language is compiled to.
// Rules in Sigma, in Falco's language and (on the lake) in KQL differ in syntax
// and in small print; what remains of each is an [Expr]: and, or, not over
// predicates on fields, with the place in the rule's file that each came from.
//
// It has two back ends. [Compile] makes a [Program], which judges one record in
// the slots of a [slot.Doc] without allocating, and explains afterwards why it
// matched. Room query/sql writes the same condition as SQL over the lake's records. It
// does no I/O and takes no clock.
//
// The small print of a language lives in the Expr, never in the back end: whether
// text compares by case, how null and numbers become text, what an absent field
// means. See [Conv] and [Pred].
//
// A worked example, the Sigma selection `eventName: StopLogging`:
//
//	expr := &query.Pred{Field: query.Field{Name: "eventName", Paths: …}, Op: query.Eq,
//		Args: []query.Arg{{Text: "StopLogging"}}, Fold: true}
//	b := slot.NewBuilder()
//	prog, err := query.Compile(expr, b)
//	// b.Plan() scans records into doc
//	st := prog.NewState() // one per goroutine, reused
//	prog.Match(doc, st)   // true
//	prog.Explain(doc, st) // [{eventName equals StopLogging StopLogging}]
//
// Many programs over the same records are compiled into one [Set], which judges what
// they have in common once a record.
package query
