// Package detect is the engine: it judges records by rules.
//
// Rules are found through an index, so that the cost of a record grows far slower
// than the number of rules: every rule has a witness, the cheapest condition that
// must hold for the rule to match (an exact value, a prefix, suffix or substring of
// one field, the presence of a field), and only rules whose witness is met are
// evaluated. Matches of the base rules of correlations are collected, and windows
// are evaluated as a pure function of the set of base matches in event-time order:
// the same findings whatever the order, the split or the number of workers.
//
// It does no I/O but for the spill file of base matches, and takes no clock.
//
// A worked example:
//
//	eng, err := detect.New(rules, detect.Options{})
//	dec, err := decode.New(decode.Options{Want: eng.Want}) // one pass serves both
//	m := eng.NewMatcher()                                   // one per goroutine
//	for _, hit := range m.Match(rec.Format.Name, rec.Doc, meta) {
//		f := m.Finding(hit, event) // with its why
//	}
package detect
