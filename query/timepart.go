package query

import "time"

// parseTime reads a time: RFC 3339 (also with a space for the T, without seconds,
// without a zone, which means UTC, or a date alone), or a number of seconds,
// milliseconds, microseconds or nanoseconds since 1970, told apart by its size.
func parseTime(text []byte) (time.Time, bool) {
	none := time.Time{}
	if isNumber(text) {
		f, ok := parseNumber(text)
		if !ok || f < 0 || f >= 1e19 {
			return none, false
		}
		sec := f
		for range 3 {
			if sec >= 1e11 {
				sec /= 1e3
			}
		}
		return time.Unix(int64(sec), 0).UTC(), true
	}
	num := func(n, lo, hi int) (int, bool) {
		if len(text) < n {
			return 0, false
		}
		v := 0
		for _, c := range text[:n] {
			if c < '0' || c > '9' {
				return 0, false
			}
			v = v*10 + int(c-'0')
		}
		text = text[n:]
		return v, lo <= v && v <= hi
	}
	sep := func(c byte) bool {
		if len(text) == 0 || text[0] != c {
			return false
		}
		text = text[1:]
		return true
	}
	y, ok := num(4, 0, 9999)
	if !ok || !sep('-') {
		return none, false
	}
	mo, ok := num(2, 1, 12)
	if !ok || !sep('-') {
		return none, false
	}
	d, ok := num(2, 1, 31)
	if !ok {
		return none, false
	}
	var h, mi, s, off int
	if len(text) > 0 {
		if !sep('T') && !sep('t') && !sep(' ') {
			return none, false
		}
		if h, ok = num(2, 0, 23); !ok || !sep(':') {
			return none, false
		}
		if mi, ok = num(2, 0, 59); !ok {
			return none, false
		}
		if sep(':') {
			if s, ok = num(2, 0, 60); !ok {
				return none, false
			}
			if sep('.') || sep(',') {
				from := len(text)
				for len(text) > 0 && '0' <= text[0] && text[0] <= '9' {
					text = text[1:]
				}
				if len(text) == from {
					return none, false
				}
			}
		}
		sep(' ')
		if plus := sep('+'); plus || sep('-') {
			oh, ok := num(2, 0, 23)
			if !ok {
				return none, false
			}
			sep(':')
			om, ok := num(2, 0, 59)
			if !ok {
				return none, false
			}
			if off = oh*3600 + om*60; !plus {
				off = -off
			}
		} else if !sep('Z') {
			sep('z')
		}
		if len(text) > 0 {
			return none, false
		}
	}
	t := time.Date(y, time.Month(mo), d, h, mi, s, 0, time.UTC)
	if t.Day() != d {
		return none, false
	}
	return t.Add(-time.Duration(off) * time.Second), true
}

// partOf returns one part of t.
func partOf(t time.Time, unit TimeUnit) float64 {
	switch unit {
	case Minute:
		return float64(t.Minute())
	case Hour:
		return float64(t.Hour())
	case Day:
		return float64(t.Day())
	case Week:
		_, w := t.ISOWeek()
		return float64(w)
	case Month:
		return float64(t.Month())
	default:
		return float64(t.Year())
	}
}
