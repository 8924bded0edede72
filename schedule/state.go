package schedule

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
)

// maxPending bounds the windows of one rule that are still to be run.
const maxPending = 20_000

// state is what is kept of a rule beside its watermark.
type state struct {
	Pending []int64 `json:"pending,omitempty"` // ends of windows that are to be run, ascending, in seconds since 1970
	// Ran is the end of the last window that was run, Runs how many were.
	Ran  int64 `json:"ran,omitempty"`
	Runs int64 `json:"runs,omitempty"`
	// Reopened counts windows that late data opened, Late events' windows that were too old
	// for it, and Skipped windows that were not caught up after a stop.
	Reopened int64 `json:"reopened,omitempty"`
	Late     int64 `json:"late,omitempty"`
	Skipped  int64 `json:"skipped,omitempty"`
	Findings int64 `json:"findings,omitempty"`
	// Error is why the last try failed, with its time and how many failed in a row.
	Error    string `json:"error,omitempty"`
	ErrorAt  int64  `json:"error_at,omitempty"`
	Failures int    `json:"failures,omitempty"`
	// Aside are windows that failed, by their ends: they are tried again later, and the windows
	// after them go on.
	Aside map[int64]aside `json:"aside,omitempty"`
	// Suppressed is until when the rule says nothing, by event time.
	Suppressed int64 `json:"suppressed,omitempty"`
}

func readState(s yagura.ScheduleState) (out state, err error) {
	if len(s.Body) > 0 {
		if err := json.Unmarshal(s.Body, &out); err != nil {
			return out, fmt.Errorf("schedule of %q: %w", s.Rule, err)
		}
	}
	return out, nil
}

func (s *state) write() []byte {
	b, err := json.Marshal(s)
	if err != nil { // it is numbers and a text
		panic(err)
	}
	return b
}

func (s *state) pending() []time.Time {
	out := make([]time.Time, len(s.Pending))
	for i, n := range s.Pending {
		out[i] = time.Unix(n, 0).UTC()
	}
	return out
}

func (s *state) setPending(ends []time.Time) {
	s.Pending = make([]int64, len(ends))
	for i, t := range ends {
		s.Pending[i] = t.Unix()
	}
}

// aside is a window that failed.
type aside struct {
	Tries int   `json:"tries"`
	At    int64 `json:"at"`
}

// again is when the window is tried again.
func (a aside) again() time.Time { return time.Unix(a.At, 0).Add(pause(a.Tries)) }

// setAside notes that a window failed at a time. Maps are shared by copies of a state, so it
// makes another one.
func (s *state) setAside(end time.Time, at int64) {
	tries := s.Aside[end.Unix()].Tries + 1
	s.forget(end)
	if s.Aside == nil {
		s.Aside = map[int64]aside{}
	}
	s.Aside[end.Unix()] = aside{tries, at}
}

// forget takes a window off those that failed, and with it those that are not to be run.
func (s *state) forget(end time.Time) {
	var out map[int64]aside
	for n, a := range s.Aside {
		if n != end.Unix() && slices.Contains(s.Pending, n) {
			if out == nil {
				out = map[int64]aside{}
			}
			out[n] = a
		}
	}
	s.Aside = out
}

// drop takes one window off the list.
func (s *state) drop(end time.Time) {
	out := s.Pending[:0:0]
	for _, n := range s.Pending {
		if n != end.Unix() {
			out = append(out, n)
		}
	}
	s.Pending = out
}

// Status is how far one rule is.
type Status struct {
	Rule      string        `json:"rule"`
	Title     string        `json:"title,omitempty"`
	Every     string        `json:"every,omitempty"`
	Period    string        `json:"period,omitempty"`
	Owner     string        `json:"owner,omitempty"`
	Watermark time.Time     `json:"watermark"`
	Lag       time.Duration `json:"-"`
	LagS      float64       `json:"lag_seconds"`
	LastRun   time.Time     `json:"last_window,omitzero"`
	Waiting   int           `json:"waiting_windows"`
	Runs      int64         `json:"runs"`
	Reopened  int64         `json:"reopened_windows"`
	Late      int64         `json:"too_late_windows"`
	Skipped   int64         `json:"skipped_windows"`
	Findings  int64         `json:"findings"`
	// SuppressedUntil is until when, by event time, the rule says nothing.
	SuppressedUntil time.Time `json:"suppressed_until,omitzero"`
	Error           string    `json:"error,omitempty"`
	ErrorAt         time.Time `json:"error_at,omitzero"`
}

func statusOf(s yagura.ScheduleState, now time.Time) (Status, error) {
	st, err := readState(s)
	out := Status{Rule: s.Rule, Owner: s.Owner, Watermark: s.Watermark, Lag: now.Sub(s.Watermark), Waiting: len(st.Pending), Runs: st.Runs,
		Reopened: st.Reopened, Late: st.Late, Skipped: st.Skipped, Findings: st.Findings, Error: st.Error}
	out.LagS = out.Lag.Seconds()
	for n, to := range map[int64]*time.Time{st.Ran: &out.LastRun, st.Suppressed: &out.SuppressedUntil, st.ErrorAt: &out.ErrorAt} {
		if n != 0 {
			*to = time.Unix(n, 0).UTC()
		}
	}
	return out, err
}
