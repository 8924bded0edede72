package kql

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error says what is wrong with a query and where. Line and Col count from 1; Col
// counts characters.
type Error struct {
	Line, Col int
	Span      Span
	Message   string
	Hint      string
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Message)
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

func newError(src string, sp Span, hint, format string, args ...any) *Error {
	at := min(sp.Start, len(src))
	line := 1 + strings.Count(src[:at], "\n")
	col := 1 + utf8.RuneCountInString(src[strings.LastIndexByte(src[:at], '\n')+1:at])
	return &Error{Line: line, Col: col, Span: sp, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// nearest is the name in names that is spelled most like s, or "".
func nearest(s string, names []string) string {
	best, found := 1+len(s)/3, ""
	low := strings.ToLower(s)
	for _, n := range names {
		if d := distance(low, strings.ToLower(n), best+1); d < best || d == best && (found == "" || n < found) {
			best, found = d, n
		}
	}
	return found
}

// distance counts the letters to change, up to a limit.
func distance(a, b string, limit int) int {
	if len(a) > 64 || len(b) > 64 || len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit
	}
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range len(a) {
		cur := make([]int, len(b)+1)
		cur[0] = i + 1
		for j := range len(b) {
			c := prev[j]
			if a[i] != b[j] {
				c++
			}
			cur[j+1] = min(c, prev[j+1]+1, cur[j]+1)
		}
		prev = cur
	}
	return min(prev[len(b)], limit)
}
