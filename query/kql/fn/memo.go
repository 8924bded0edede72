package fn

import "sync/atomic"

// memo keeps what the last text of an argument was made into. A list that a query
// holds comes again with every row; it is read once.
type memo[T any] struct {
	last atomic.Pointer[made[T]]
}

type made[T any] struct {
	text string
	val  T
}

// get is what of makes of s.
func (m *memo[T]) get(s string, of func(string) T) T {
	if l := m.last.Load(); l != nil && l.text == s {
		return l.val
	}
	v := of(s)
	m.last.Store(&made[T]{s, v})
	return v
}

// listed reads a JSON list of texts.
func listed(fold bool) func(string) []string {
	return func(s string) []string {
		v, _ := parse(s)
		return wants(v, fold)
	}
}
