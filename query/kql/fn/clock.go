package fn

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
)

// Ticks of 100 ns in longer spans.
const (
	ticksMicro  = 10
	ticksMilli  = 10_000
	ticksSecond = 10_000_000
	ticksMinute = 60 * ticksSecond
	ticksHour   = 60 * ticksMinute
	ticksDay    = 24 * ticksHour
)

// epochTicks are the ticks from year 1, where Kusto counts from, to 1970.
const epochTicks = 621355968000000000

func ticksOf(t time.Time) int64 {
	return epochTicks + t.Unix()*ticksSecond + int64(t.Nanosecond())/100
}

func floatBits(f float64) uint64 { return math.Float64bits(f) }

func funcsTime() []Func {
	return []Func{
		total("datetime_parse", []Type{String}, Datetime, func(r row) any {
			if t, ok := parseTime(r.text(0)); ok {
				return t
			}
			return nil
		}),
		total("timespan_parse", []Type{String}, Timespan, func(r row) any {
			if n, ok := ParseTimespan(r.text(0)); ok {
				return n
			}
			return nil
		}),
		total("timespan_text", []Type{Timespan}, String, func(r row) any {
			if r.null(0) {
				return ""
			}
			return timespanText(r.long(0, 0))
		}),
		total("format_datetime", []Type{Datetime, String}, String, func(r row) any {
			t, ok := r.when(0)
			if !ok {
				return ""
			}
			return formatDatetime(t, r.text(1))
		}),
		total("format_timespan", []Type{Timespan, String}, String, func(r row) any {
			if r.null(0) {
				return ""
			}
			return formatTimespan(r.long(0, 0), r.text(1))
		}),
		total("range_long", []Type{Long, Long, Long}, Dynamic, func(r row) any {
			if r.null(0) || r.null(1) || r.null(2) {
				return nil
			}
			return rangeLong(r.long(0, 0), r.long(1, 0), r.long(2, 1), func(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) })
		}),
		total("range_timespan", []Type{Timespan, Timespan, Timespan}, Dynamic, func(r row) any {
			if r.null(0) || r.null(1) || r.null(2) {
				return nil
			}
			return rangeLong(r.long(0, 0), r.long(1, 0), r.long(2, 1), func(b []byte, n int64) []byte { return appendQuoted(b, timespanText(n)) })
		}),
		total("range_datetime", []Type{Datetime, Datetime, Timespan}, Dynamic, func(r row) any {
			from, ok := r.when(0)
			to, ok2 := r.when(1)
			if !ok || !ok2 || r.null(2) {
				return nil
			}
			return rangeLong(ticksOf(from), ticksOf(to), r.long(2, 1), func(b []byte, n int64) []byte {
				return append(appendDatetime(append(b, '"'), n), '"') // nothing in it is to be escaped
			})
		}),
		total("range_real", []Type{Real, Real, Real}, Dynamic, func(r row) any {
			if r.null(0) || r.null(1) || r.null(2) {
				return nil
			}
			from, to, step := r.real(0, 0), r.real(1, 0), r.real(2, 1)
			if step == 0 || math.IsNaN(step+from+to) || math.IsInf(from, 0) || math.IsInf(step, 0) {
				return nil
			}
			b := []byte{'['}
			for i := range maxItems {
				x := from + float64(i)*step
				if step > 0 && x > to || step < 0 && x < to || len(b) >= maxText {
					break
				}
				if i > 0 {
					b = append(b, ',')
				}
				b = realValue(x).append(b)
			}
			return rangeText(b)
		}),
	}
}

// rangeLong writes the numbers of a range as a JSON array, up to the limits on
// elements and text. It does not go through values: a range may be long.
func rangeLong(from, to, step int64, show func([]byte, int64) []byte) any {
	if step == 0 {
		return nil
	}
	b := []byte{'['}
	for x, n := from, 0; n < maxItems && len(b) < maxText && (step > 0 && x <= to || step < 0 && x >= to); n++ {
		if n > 0 {
			b = append(b, ',')
		}
		b = show(b, x)
		next := x + step
		if (next > x) != (step > 0) {
			break
		}
		x = next
	}
	return rangeText(b)
}

// rangeText ends an array; one that is longer than a text may be is cut at its
// last whole element.
func rangeText(b []byte) any {
	if len(b) >= maxText {
		b = b[:maxText-1]
		b = b[:bytes.LastIndexByte(b, ',')]
	}
	return string(append(b, ']'))
}

// appendDatetime writes ticks since year 1 as Kusto prints a datetime.
func appendDatetime(b []byte, ticks int64) []byte {
	ticks -= epochTicks
	sec, rest := ticks/ticksSecond, ticks%ticksSecond
	if rest < 0 {
		sec, rest = sec-1, rest+ticksSecond
	}
	return time.Unix(sec, rest*100).UTC().AppendFormat(b, "2006-01-02T15:04:05.0000000Z")
}

// The forms of a time in text, most used first. Go reads a fraction of seconds
// behind any 05.
var timeForms = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05",
	"2006-01-02", "2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04",
	"2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05 Z07:00", "2006-01-02 15:04:05 Z07:00",
	"2006-01-02T15", "2006-01-02 15", "2006-1-2", "2006-1-2 15:4:5", "2006/1/2", "2006/1/2 15:4:5", "2006-01", "2006", "20060102", "20060102T150405Z", "20060102150405",
	"1/2/2006", "1/2/2006 15:4:5", "1/2/2006 15:4", "1/2/2006 3:4:5 PM", "1/2/2006 3:4 PM", "1/2/06 15:4:5", "1/2/06",
	"1-2-2006", "1-2-2006 15:4:5", "1-2-2006 15:4", "1-2-2006 3:4:5 PM",
	"1/2/2006T15:4:5", "1/2/2006 15:4:5 Z07:00", "1/2/2006 3:4:5 PM Z07:00",
	"Mon, 2 Jan 2006 15:04:05 MST", "Mon, 2 Jan 2006 15:04:05", "Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 06 15:04:05 MST", "Mon, 2 Jan 06 15:04:05", "Mon, 2 Jan 06 15:04 MST", "Mon, 2 Jan 06 15:04",
	"2 Jan 2006 15:04:05 MST", "2 Jan 2006 15:04:05", "2 Jan 2006 15:04:05 -0700", "2 Jan 06 15:04:05", "2 Jan 06 15:04:05 MST", "2 Jan 06 15:04 MST", "2 Jan 06 15:04", "2 Jan 2006", "2 Jan 06", "2 January 2006", "2 January 2006 15:04:05",
	"Monday, 02-Jan-06 15:04:05 MST", "Monday, 02-Jan-06 15:04:05", "Monday, 02-Jan-06 15:04 MST", "Monday, 02-Jan-06 15:04", "02-Jan-06 15:04:05 MST", "02-Jan-06 15:04:05", "02-Jan-2006", "2-Jan-2006 15:04:05", "02-Jan-06 15:04 MST", "02-Jan-06 15:04",
	"2006-1-2 15:04:05 MST", "2006-1-2 15:04 MST", "2006-1-2T15:04:05 MST", "2006-1-2T15:04 MST",
	"Mon Jan _2 15:04:05 2006", "Mon Jan _2 15:04:05 MST 2006", "Jan 2, 2006", "Jan 2, 2006 15:04:05", "Jan 2, 2006 3:04:05 PM", "January 2, 2006", "January 2, 2006 15:04:05",
}

const longestTime = 64

// ParseDatetime reads a time from text in the forms Kusto accepts; without a
// zone it is UTC.
func ParseDatetime(s string) (time.Time, bool) { return parseTime(s) }

func parseTime(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > longestTime {
		return time.Time{}, false
	}
	for _, form := range timeForms {
		if t, err := time.Parse(form, s); err == nil {
			t = t.UTC()
			if t.Year() < 1 || t.Year() > 9999 {
				return time.Time{}, false
			}
			return t, true
		}
	}
	return time.Time{}, false
}

var spanUnits = []struct {
	name  string
	ticks float64
}{
	{"microseconds", ticksMicro}, {"microsecond", ticksMicro}, {"milliseconds", ticksMilli}, {"millisecond", ticksMilli},
	{"seconds", ticksSecond}, {"second", ticksSecond}, {"minutes", ticksMinute}, {"minute", ticksMinute},
	{"hours", ticksHour}, {"hour", ticksHour}, {"hrs", ticksHour}, {"hr", ticksHour}, {"days", ticksDay}, {"day", ticksDay},
	{"ticks", 1}, {"tick", 1}, {"min", ticksMinute}, {"sec", ticksSecond}, {"ms", ticksMilli},
	{"d", ticksDay}, {"h", ticksHour}, {"m", ticksMinute}, {"s", ticksSecond},
}

// ParseTimespan reads a span: [-][d.]hh:mm[:ss[.fffffff]], a number of days, or
// a number with a unit as literals have it. It answers in ticks.
func ParseTimespan(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > longestTime {
		return 0, false
	}
	sign := int64(1)
	if s[0] == '-' {
		sign, s = -1, s[1:]
	}
	if !strings.Contains(s, ":") {
		for _, u := range spanUnits {
			if num, ok := strings.CutSuffix(s, u.name); ok {
				f, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
				f *= u.ticks
				if err != nil || !(math.Abs(f) < 1<<63) {
					return 0, false
				}
				return sign * int64(math.Round(f)), true
			}
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/ticksDay {
			return 0, false
		}
		return sign * n * ticksDay, true
	}
	var days, frac int64
	parts := strings.Split(s, ":")
	if len(parts) > 4 {
		return 0, false
	}
	digits := func(s string, most int64) (int64, bool) {
		if s == "" || s[0] == '+' || s[0] == '-' {
			return 0, false
		}
		n, err := strconv.ParseInt(s, 10, 64)
		return n, err == nil && n >= 0 && n <= most
	}
	ok := true
	if len(parts) == 4 {
		days, ok = digits(parts[0], 10675199)
		parts = parts[1:]
	} else if d, h, cut := strings.Cut(parts[0], "."); cut {
		days, ok = digits(d, 10675199)
		parts[0] = h
	}
	if !ok {
		return 0, false
	}
	h, ok1 := digits(parts[0], 23)
	m, ok2 := digits(parts[1], 59)
	var sec int64
	ok3 := true
	if len(parts) == 3 {
		whole, f, cut := strings.Cut(parts[2], ".")
		sec, ok3 = digits(whole, 59)
		if cut && ok3 {
			if len(f) > 7 {
				f = f[:7]
			}
			frac, ok3 = digits(f+"0000000"[len(f):], ticksSecond-1)
		}
	}
	if !ok1 || !ok2 || !ok3 {
		return 0, false
	}
	total := days*ticksDay + h*ticksHour + m*ticksMinute + sec*ticksSecond + frac
	if total < 0 {
		return 0, false
	}
	return sign * total, true
}

// timespanText writes a span as Kusto does: days and a fraction only where they
// are not zero.
func timespanText(n int64) string {
	var b strings.Builder
	u := uint64(n) //nolint:gosec // the sign is taken off next
	if n < 0 {
		b.WriteByte('-')
		u = -u
	}
	two := func(x uint64) {
		b.WriteByte(byte('0' + x/10))
		b.WriteByte(byte('0' + x%10))
	}
	if d := u / ticksDay; d > 0 {
		b.WriteString(strconv.FormatUint(d, 10))
		b.WriteByte('.')
	}
	two(u / ticksHour % 24)
	b.WriteByte(':')
	two(u / ticksMinute % 60)
	b.WriteByte(':')
	two(u / ticksSecond % 60)
	if f := u % ticksSecond; f > 0 {
		b.WriteByte('.')
		b.WriteString(padded(int64(f), 7))
	}
	return b.String()
}

func padded(n int64, width int) string {
	s := strconv.FormatInt(n, 10)
	if len(s) < width {
		s = strings.Repeat("0", width-len(s)) + s
	}
	return s
}

// eachRun calls part for every run of one letter in a format.
func eachRun(format string, part func(c byte, n int)) {
	for i := 0; i < len(format); {
		j := i + 1
		for j < len(format) && format[j] == format[i] {
			j++
		}
		part(format[i], j-i)
		i = j
	}
}

// fraction writes the first n digits of a fraction given in ticks; the digits
// after the last that is not zero are left out where trim is set.
func fraction(ticks int64, n int, trim bool) string {
	s := padded(ticks, 7)[:min(n, 7)]
	if trim {
		s = strings.TrimRight(s, "0")
	}
	return s
}

func formatDatetime(t time.Time, format string) string {
	if len(format) > 256 {
		return ""
	}
	var b strings.Builder
	num := func(v, n int) {
		if n > 1 {
			b.WriteString(padded(int64(v), 2))
		} else {
			b.WriteString(strconv.Itoa(v))
		}
	}
	eachRun(format, func(c byte, n int) {
		switch c {
		case 'y':
			if n <= 2 {
				num(t.Year()%100, n)
			} else {
				b.WriteString(padded(int64(t.Year()), 4))
			}
		case 'M':
			switch n {
			case 3:
				b.WriteString(t.Month().String()[:3])
			case 4:
				b.WriteString(t.Month().String())
			default:
				num(int(t.Month()), n)
			}
		case 'd':
			switch n {
			case 3:
				b.WriteString(t.Weekday().String()[:3])
			case 4:
				b.WriteString(t.Weekday().String())
			default:
				num(t.Day(), n)
			}
		case 'H':
			num(t.Hour(), n)
		case 'h':
			num((t.Hour()+11)%12+1, n)
		case 'm':
			num(t.Minute(), n)
		case 's':
			num(t.Second(), n)
		case 'f', 'F':
			b.WriteString(fraction(int64(t.Nanosecond()/100), n, c == 'F'))
		case 't':
			s := "AM"
			if t.Hour() >= 12 {
				s = "PM"
			}
			b.WriteString(s[:min(n, 2)])
		default:
			for range n {
				b.WriteByte(c)
			}
		}
	})
	return b.String()
}

func formatTimespan(ticks int64, format string) string {
	if len(format) > 256 {
		return ""
	}
	if ticks < 0 {
		if ticks == math.MinInt64 {
			return ""
		}
		ticks = -ticks
	}
	var b strings.Builder
	eachRun(format, func(c byte, n int) {
		var v int64
		switch c {
		case 'd':
			v = ticks / ticksDay
		case 'H', 'h':
			v = ticks / ticksHour % 24
		case 'm':
			v = ticks / ticksMinute % 60
		case 's':
			v = ticks / ticksSecond % 60
		case 'f', 'F':
			b.WriteString(fraction(ticks%ticksSecond, n, c == 'F'))
			return
		default:
			for range n {
				b.WriteByte(c)
			}
			return
		}
		b.WriteString(padded(v, n))
	})
	return b.String()
}
