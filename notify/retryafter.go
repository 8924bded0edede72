package notify

import (
	"net/http"
	"strconv"
	"time"
)

// RetryAfter reads the header of that name, seconds or a date: how long to wait from now,
// at most an hour. Without the header, or with one that says nothing, it is otherwise.
func RetryAfter(h http.Header, now time.Time, otherwise time.Duration) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.ParseInt(v, 10, 64); err == nil && n >= 0 {
		return time.Duration(min(n, 3600)) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(t.Sub(now), 0), time.Hour)
	}
	return otherwise
}
