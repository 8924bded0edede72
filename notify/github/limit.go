package github

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// bucket lets at most limit things through in any period, and smooths them: a quarter may
// go at once, the rest comes back evenly.
type bucket struct {
	limit  float64
	period time.Duration
	level  float64
	at     time.Time
}

func (b *bucket) fill(now time.Time) {
	burst := b.limit / 4
	if b.at.IsZero() {
		b.level = burst
	} else if d := now.Sub(b.at); d > 0 {
		b.level = min(burst, b.level+float64(d)/float64(b.period)*(b.limit-burst))
	}
	if now.After(b.at) {
		b.at = now
	}
}

// wait is how long until n are there.
func (b *bucket) wait(n float64) time.Duration {
	burst := b.limit / 4
	n = min(n, burst)
	if b.level >= n {
		return 0
	}
	return time.Duration((n-b.level)/(b.limit-burst)*float64(b.period)) + time.Millisecond
}

// limits are the budgets of one credential, as GitHub states them and as it answers.
type limits struct {
	now func() time.Time

	mu                   sync.Mutex
	minute, hour, points bucket
	blocked              time.Time // nothing is sent before
	grows                time.Duration
	// What the answers said of the hour's requests.
	remaining, limit int
	reset            time.Time
}

func newLimits(o Options) *limits {
	pick := func(n, standard int) float64 {
		if n <= 0 {
			n = standard
		}
		return float64(max(n, 4))
	}
	return &limits{now: o.Now, remaining: -1,
		minute: bucket{limit: pick(o.ContentPerMinute, 80), period: time.Minute},
		hour:   bucket{limit: pick(o.ContentPerHour, 500), period: time.Hour},
		points: bucket{limit: pick(o.PointsPerMinute, 900), period: time.Minute}}
}

// limited says that a request has to wait; it was not sent, or was refused unread.
type limited struct {
	after time.Duration
	why   string
}

func (l *limited) Error() string {
	return fmt.Sprintf("%s: wait %s", l.why, l.after.Round(time.Second))
}

// deliveryPoints is what one delivery may need, labels that have to be made included.
const deliveryPoints = 80

// ready says whether a delivery may begin: one that stops half-way has used its requests for
// nothing.
func (l *limits) ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.points.fill(now)
	if now.Before(l.blocked) {
		return &limited{l.blocked.Sub(now), "GitHub asked to wait"}
	}
	if wait := l.points.wait(deliveryPoints); wait > 0 {
		return &limited{wait, "too many requests in this minute"}
	}
	return nil
}

// take takes a request's share or says how long to wait. background is a read that leaves
// the last tenth of the hour's requests to deliveries.
func (l *limits) take(method string, content, background bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Before(l.blocked) {
		return &limited{l.blocked.Sub(now), "GitHub asked to wait"}
	}
	if l.remaining >= 0 && now.Before(l.reset) && (l.remaining == 0 || background && l.remaining < l.limit/10) {
		return &limited{l.reset.Sub(now), "the hour's requests are used"}
	}
	points := 5.0
	if method == http.MethodGet {
		points = 1
	}
	l.minute.fill(now)
	l.hour.fill(now)
	l.points.fill(now)
	var wait time.Duration
	why := "too many requests in this minute"
	if l.points.level < points {
		// Not for this request alone: what goes on too early stops half-way again.
		wait = l.points.wait(deliveryPoints)
	}
	if content {
		if w := l.minute.wait(1); w > wait {
			wait, why = w, "80 things were created in this minute"
		}
		if w := l.hour.wait(1); w > wait {
			wait, why = w, "as many things were created in this hour as GitHub lets"
		}
	}
	if wait > 0 {
		return &limited{wait, why}
	}
	l.points.level -= points
	if content {
		l.minute.level--
		l.hour.level--
	}
	return nil
}

// answered notes what an answer says of the limits; it returns a limited error for one that
// refuses because of them.
func (l *limits) answered(method string, status int, h http.Header, message string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	core := h.Get("X-RateLimit-Resource") == "" || h.Get("X-RateLimit-Resource") == "core"
	if n, err := strconv.Atoi(h.Get("X-RateLimit-Remaining")); err == nil && core {
		l.remaining = n
		l.limit, _ = strconv.Atoi(h.Get("X-RateLimit-Limit"))
		if sec, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			l.reset = time.Unix(sec, 0)
		}
	}
	after, stated := retryAfter(h, now)
	refused := status == http.StatusTooManyRequests ||
		status == http.StatusForbidden && (stated || h.Get("X-RateLimit-Remaining") == "0" || limitWords(message)) ||
		status == http.StatusUnprocessableEntity && limitWords(message)
	if !refused {
		// The secondary limit holds for what is written: only a write that was taken ends it.
		if status < 300 && method != http.MethodGet {
			l.grows = 0
		}
		return nil
	}
	why := "GitHub's limit"
	switch {
	case stated:
	case h.Get("X-RateLimit-Remaining") == "0" && l.reset.After(now):
		after = l.reset.Sub(now) + time.Second
		why = "the hour's requests are used"
	default:
		// Neither is said: at least a minute, and longer each time.
		l.grows = min(max(2*l.grows, time.Minute), 16*time.Minute)
		after = l.grows
		why = "GitHub's secondary limit"
	}
	after = min(max(after, time.Second), 2*time.Hour)
	if until := now.Add(after); until.After(l.blocked) {
		l.blocked = until
	}
	return &limited{after, why}
}

// retryAfter reads the header, in seconds or as a date.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := h.Get("Retry-After")
	if sec, err := strconv.Atoi(v); err == nil && sec >= 0 {
		return time.Duration(min(sec, 86400)) * time.Second, true
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}
