// Package schedule runs rules on a schedule: a query over the lake, asked again and again,
// whose rows become findings. It says when a rule runs, over which events, and what its rows
// come to.
//
// It is not the engine that answers queries (an [Engine] is handed in), it does not read rule
// files (rule/sentinel does), and it files nothing itself: findings go, with everything else
// that a run changes, into one transaction of the [Store], where triage takes them as it takes
// those of records that stream by.
//
// # Windows
//
// A rule has windows of event time. They end at whole multiples of its frequency since 1970
// in UTC, whenever the service was started: a rule of every hour ends its windows at the full
// hours. The window that ends at T looks at events from T - period until before T, and its
// query sees T as now(). So what a window says is a function of the events in it and of
// nothing else: not of when it was run, in which order events came, or how often.
//
// # Each event is judged by its arrival
//
// Event time groups, arrival time triggers. A rule's watermark is an arrival time. A pass
// takes the arrivals in (watermark, now - settle] and moves the watermark to its end; in the
// same transaction it notes which windows are to be run:
//
//   - those that ended in that time: they run whether or not anything came, because a rule
//     may ask for silence (a rule of kind NRT runs only where something came);
//   - those that ended before, and have an event in them that came in that time: late data
//     opens its windows again.
//
// Nothing is judged twice in the sense that counts: a window that is run again gives the same
// findings with the same ids, which change nothing where they are the same, are updated where
// they have grown, and are taken back where they do not hold any more. Settle is how long an
// event may take from its arrival until a query sees it; a pass also never goes past what the
// engine says is settled.
//
// Bounds, all of which are said in [Status] and never silent: an event that comes later than
// Late after it happened opens no window (retro is for history); after a long stop the
// windows of the last CatchUp are caught up, in order.
//
// # Ids of findings
//
// The id of a finding is a hash of the rule's id and of
//
//  1. the native id of the event, where the row is about one event (it has one of the columns
//     in [EventColumns]) and the rule groups by cause or by row. The window is not part of
//     it: a period longer than the frequency looks at an event several times, and finds it
//     once. The first window that finds it is the one whose row is shown.
//  2. else the end of the window and the entities of the row, where entities are mapped: rows
//     of one window with the same entities are one finding.
//  3. else the end of the window and the text columns of the row. Numbers, times and lists are
//     left out, because a late event changes them.
//  4. with SingleAlert the end of the window alone.
//
// So an event that comes late and makes a count larger leaves the id as it is. A digest of the
// rows stands in Event.Key: the store tells by it whether a finding has changed.
//
// # Suppression
//
// A window says nothing when a window that ended less than the suppression before it did say
// something. It goes by event time too, so late data can change who was first; what follows
// is then run again.
//
// # A crash
//
// The watermark and the windows that are still to be run are one transaction; each window's
// findings, issues, notices, and its leaving the list are one transaction. Whatever is killed
// between them is run again and comes to the same. One process has the lease of a rule; each
// transaction proves that it still has it.
//
// A window whose query fails is tried again later, and those after it go on: one that cannot be
// asked at all does not blind the rule.
//
// A worked example:
//
//	r := schedule.New(schedule.Options{Rules: rules, Engine: lake, Store: store, Now: time.Now, Owner: "a"})
//	err := r.Run(ctx)
//	// rule "Failed sign-ins", every 1h over 1h. At 10:05 (settle 5m) the pass over arrivals
//	// (09:59, 10:00] runs the window that ends at 10:00: 12 failures of alice, one finding.
//	// At 11:40 a failure of 09:50 arrives: the window of 10:00 runs again, 13 failures, the
//	// same finding is updated.
package schedule
