// Package detect is the engine: it judges records by rules.
//
// Rules are found through an index, so that the cost of a record grows far slower
// than the number of rules: every rule has a witness, the cheapest condition that
// must hold for the rule to match (a text, prefix, suffix or part of one field, a
// network, the presence of a field), and only rules whose witness is met are asked.
// What many rules ask is judged once a record. [Options.NoIndex] switches the index
// off; the hits are the same, and tests hold them against each other.
//
// It does no I/O but for the spill file of base matches, and takes no clock.
//
// A worked example:
//
//	eng, err := detect.New(rules, detect.Options{})
//	dec, err := decode.New(decode.Options{Want: eng.Want}) // one pass serves both
//	win := eng.NewWindows()
//	m := eng.NewMatcher()                                   // one per goroutine
//	for _, hit := range m.Match(rec.Format.Name, rec.Doc, meta) {
//		if hit.Finds {
//			for f := range m.Findings(hit, event) { … } // with its why; one for each entry
//		}
//		if hit.Feeds {
//			err := win.Add(m.Base(hit, event)) // unless the event is a repeat
//		}
//	}
//	err := win.Finish(func(f yagura.Finding) error { … }) // correlations
//
// # Windows
//
// A correlation is a pure function of the set of its base matches. A base match is
// one event, one base rule and one group. It does not matter in which order, from
// which files or through how many workers base matches come.
//
// Groups. The values of the group-by fields are compared as they are, with case. A
// record with several values in a field belongs to each group; a list has the values of
// its members, and objects are values only where there is no other. A base match that
// lacks a group-by field, or has null or a list without members there, is in no group: it
// is not counted, and [Stats] says how many there were. Without group-by all base matches
// are one group. Groups never mix.
//
// Time is event time, ties broken by event key. A base match without a time, or with one
// before 1900 or after 2190, is in no window, and counted in Stats. A repeat (the same
// event key and content, rule and group) counts once; an event that several base rules
// match counts once, except that the temporal types see each rule.
//
// A window starts at a base match and takes all of its group that come within
// timespan of it, the one at exactly timespan included; it is never longer.
//
//   - event_count, value_count and value_sum with gt or gte, and temporal and
//     temporal_ordered, are sliding: the first window that holds is a finding, and the
//     search goes on after its last base match. No base match is in two findings of a
//     group.
//   - Comparisons with lt, lte, eq and neq, ranges, and value_avg, value_median and
//     value_percentile are judged when the window has ended, and windows follow one
//     another: the next starts at the first base match after the end, whether or not
//     the condition held. So the tail of a burst never counts as a quiet window. A
//     window without any base match does not exist: silence is not found.
//   - temporal with a rule that must not occur (`a and b and not c`) slides over the
//     rules that may occur; what must not occur must be absent from every timespan
//     around the window: from a timespan before its last base match to a timespan after
//     its first. Base matches at one time start a window together.
//
// temporal_ordered wants the rules in the order in which they are listed, others in
// between allowed; its windows start at a base match of the first rule that occurs. Equal
// times count as in order, since many logs know seconds only.
// value_count counts different values, or different tuples of several fields. Sums
// are kept in twice the precision of a float64. A percentile between two values is
// interpolated linearly, as SQL's PERCENTILE_CONT does; the median is percentile 50.
// A base match without a value (or number) is not counted.
//
// The finding of a correlation happened when the last event of its window did. It is
// itself a base match of the correlations that are built on it. There it is in the
// group of its own values; a field that it is not grouped by has the values of all the
// window's events, event by event, so that the finding may be in many groups. To the
// temporal types it happened twice, when the sliding window was known to hold and at
// its last event: a burst of failures that goes on after the success comes before the
// success all the same. It counts once.
//
// The id of a window's finding is made of rule, group and epoch: the number of the
// window's start counted in timespans since 1970. Windows of one group start more
// than a timespan apart, so no two share an epoch; an event that comes late and makes
// the window grow leaves the id as it is. docs/adr/0002-windows.md has the reasons.
//
// A window may be of any number of base matches: those that memory does not hold wait
// in a temporary file, and each is looked at a bounded number of times. Bounds are never
// silent: a finding that names only some of its events, or whose window has more
// different values (200,000, or as many as the rule counts to) or more numbers to rank
// (four million) than are measured, says so in Finding.Caps, and Stats counts the rest. A
// window hands on up to 1000 different values to the correlations built on it.
package detect
