package yagura

import "time"

// ScheduleState is how far a rule on a schedule has come.
type ScheduleState struct {
	Rule string
	// Owner runs the rule until Lease has passed; "" and zero: nobody does.
	Owner string
	Lease time.Time
	// Watermark is the arrival time up to which all events are accounted for: they were
	// judged, or their windows are among those that Body says are still to be run.
	Watermark time.Time
	Body      []byte
}

// WindowFinding says that a window of a rule on a schedule says a finding. One without an id
// says that the window holds and is suppressed.
type WindowFinding struct {
	Window  time.Time // its end
	Finding string
}
