package schedule

import (
	"slices"
	"time"

	"github.com/yagura-sec/yagura/rule/sentinel"
)

// Window is one window of a rule: events from From until before To, which the query sees as
// now.
type Window struct{ From, To time.Time }

// WindowAt is the window of a schedule that ends at a time.
func WindowAt(s *sentinel.Schedule, end time.Time) Window {
	return Window{end.Add(-s.Period), end.UTC()}
}

// floor is the last multiple of every, since 1970, that is not after t.
func floor(t time.Time, every time.Duration) time.Time {
	n := t.UnixNano()
	rest := n % int64(every)
	if rest < 0 {
		rest += int64(every)
	}
	return time.Unix(0, n-rest).UTC()
}

// Ends lists the ends of windows in (after, to], ascending. When there are more than limit the
// first ones are left out, and counted.
func Ends(s *sentinel.Schedule, after, to time.Time, limit int) (ends []time.Time, left int64) {
	last := floor(to, s.Every)
	n := int64(last.Sub(floor(after, s.Every)) / s.Every)
	if n <= 0 {
		return nil, 0
	}
	left = max(0, n-int64(limit))
	for i := n - left - 1; i >= 0; i-- {
		ends = append(ends, last.Add(-time.Duration(i)*s.Every))
	}
	return ends, left
}

// Touched lists the ends, in (oldest, to], of the windows that an event in [from, until] is in,
// ascending.
func Touched(s *sentinel.Schedule, from, until, oldest, to time.Time) []time.Time {
	// [T-period, T) holds t: T in (t, t+period].
	end := until.Add(s.Period)
	if end.After(to) {
		end = to
	}
	if from.Before(oldest) {
		from = oldest
	}
	ends, _ := Ends(s, from, end, int(maxPending)+1)
	return ends
}

// merge joins sorted lists of ends, each end once.
func merge(lists ...[]time.Time) []time.Time {
	all := slices.Concat(lists...)
	slices.SortFunc(all, time.Time.Compare)
	return slices.CompactFunc(all, time.Time.Equal)
}
