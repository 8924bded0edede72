package sentinel

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads the forms in which rules write a stretch of time: 5m, 1h, 14d, 1d2h,
// P14D and PT1H30M, 01:30:00 and 1.00:00:00.
func ParseDuration(s string) (time.Duration, error) {
	text := strings.TrimSpace(s)
	bad := fmt.Errorf("%q is not a stretch of time", s)
	switch {
	case text == "" || len(text) > 32:
		return 0, bad
	case strings.Contains(text, ":"):
		return parseClock(text, bad)
	}
	rest := strings.ToLower(text)
	inTime, iso := true, strings.HasPrefix(rest, "p")
	if iso {
		rest, inTime = rest[1:], false
	}
	var total time.Duration
	parts := 0
	for rest != "" {
		if iso && !inTime && rest[0] == 't' {
			inTime, rest = true, rest[1:]
			continue
		}
		n := 0
		for n < len(rest) && (rest[n] >= '0' && rest[n] <= '9') {
			n++
		}
		if n == 0 || n > 7 || n == len(rest) {
			return 0, bad
		}
		count, err := strconv.Atoi(rest[:n])
		if err != nil {
			return 0, bad
		}
		unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[rest[n]]
		if unit == 0 || iso && inTime == (unit >= 24*time.Hour) {
			return 0, bad // P1M is a month, which has no length
		}
		if time.Duration(count) <= maxPeriod/unit {
			total += time.Duration(count) * unit
		} else {
			total = maxPeriod + 1
		}
		if parts++; parts > 5 || total > maxPeriod {
			return 0, fmt.Errorf("%q is longer than %s", s, maxPeriod)
		}
		rest = rest[n+1:]
	}
	if parts == 0 {
		return 0, bad
	}
	return total, nil
}

// maxPeriod is longer than any lake is kept.
const maxPeriod = 10 * 366 * 24 * time.Hour

func parseClock(text string, bad error) (time.Duration, error) {
	days := 0
	var err error
	if d, rest, ok := strings.Cut(text, "."); ok && !strings.Contains(d, ":") {
		if days, err = strconv.Atoi(d); err != nil || days < 0 || days > 3660 {
			return 0, bad
		}
		text = rest
	}
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return 0, bad
	}
	var n [3]int
	for i, p := range parts {
		if n[i], err = strconv.Atoi(p); err != nil || n[i] < 0 || n[i] > []int{23, 59, 59}[i] {
			return 0, bad
		}
	}
	return time.Duration(days)*24*time.Hour + time.Duration(n[0])*time.Hour + time.Duration(n[1])*time.Minute + time.Duration(n[2])*time.Second, nil
}
