package kql

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// ticks of 100 ns.
const (
	tickMicro  = 10
	tickMilli  = 10_000
	tickSecond = 10_000_000
	tickMinute = 60 * tickSecond
	tickHour   = 60 * tickMinute
	tickDay    = 24 * tickHour
)

var spanUnits = map[string]int64{
	"d": tickDay, "day": tickDay, "days": tickDay,
	"h": tickHour, "hr": tickHour, "hrs": tickHour, "hour": tickHour, "hours": tickHour,
	"m": tickMinute, "min": tickMinute, "minute": tickMinute, "minutes": tickMinute,
	"s": tickSecond, "sec": tickSecond, "second": tickSecond, "seconds": tickSecond,
	"ms": tickMilli, "milli": tickMilli, "millis": tickMilli, "millisec": tickMilli, "millisecond": tickMilli, "milliseconds": tickMilli,
	"micro": tickMicro, "micros": tickMicro, "microsec": tickMicro, "microsecond": tickMicro, "microseconds": tickMicro,
	"tick": 1, "ticks": 1,
}

func (l *lexer) number(start int, nl bool) (token, *Error) {
	mk := func(k kind) token {
		return token{kind: k, text: l.src[start:l.pos], Span: Span{start, l.pos}, nl: nl}
	}
	rest := l.src[start:]
	if len(rest) > 2 && rest[0] == '0' && (rest[1] == 'x' || rest[1] == 'X') {
		l.pos += 2
		for l.pos < len(l.src) && strings.IndexByte("0123456789abcdefABCDEF", l.src[l.pos]) >= 0 {
			l.pos++
		}
		v, err := strconv.ParseUint(l.src[start+2:l.pos], 16, 64)
		if err != nil {
			return token{}, l.errf(start, "up to 16 digits", "bad hexadecimal number")
		}
		t := mk(kLong)
		t.num = int64(v)
		return t, nil
	}
	for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
		l.pos++
	}
	real := false
	if l.pos+1 < len(l.src) && l.src[l.pos] == '.' && isDigit(l.src[l.pos+1]) {
		real = true
		l.pos++
		for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
			l.pos++
		}
	}
	if l.pos < len(l.src) && (l.src[l.pos] == 'e' || l.src[l.pos] == 'E') {
		p := l.pos + 1
		if p < len(l.src) && (l.src[p] == '+' || l.src[p] == '-') {
			p++
		}
		if p < len(l.src) && isDigit(l.src[p]) {
			for p < len(l.src) && isDigit(l.src[p]) {
				p++
			}
			real = true
			l.pos = p
		}
	}
	num := l.src[start:l.pos]
	w := l.pos
	for w < len(l.src) && isIdent(l.src[w]) {
		w++
	}
	if unit := l.src[l.pos:w]; unit != "" {
		mul, ok := spanUnits[unit]
		if !ok {
			// A name may begin with digits in Kusto; they are not met in practice.
			l.pos = w
			t := mk(kIdent)
			return t, nil
		}
		l.pos = w
		t := mk(kSpan)
		f, err := strconv.ParseFloat(num, 64)
		if v := math.Round(f * float64(mul)); err == nil && v < math.MaxInt64 {
			t.num = int64(v)
			if i, err := strconv.ParseInt(num, 10, 64); err == nil && !real && i <= math.MaxInt64/mul {
				t.num = i * mul
			}
			return t, nil
		}
		return token{}, l.errf(start, "a timespan holds up to 10675199 days", "timespan out of range")
	}
	if real {
		return mk(kReal), nil
	}
	t := mk(kLong)
	v, err := strconv.ParseInt(num, 10, 64)
	if err != nil {
		return token{}, l.errf(start, "a long holds up to 9223372036854775807; decimal() holds more", "number out of range")
	}
	t.num = v
	return t, nil
}

// parseSpan reads [-][d.]hh:mm[:ss[.fffffff]], a number of days, or 1.5h.
func parseSpan(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	sign := func(v int64) (int64, bool) {
		if neg {
			v = -v
		}
		return v, true
	}
	if s == "" {
		return 0, false
	}
	if !strings.Contains(s, ":") {
		i := 0
		for i < len(s) && (isDigit(s[i]) || s[i] == '.') {
			i++
		}
		f, err := strconv.ParseFloat(s[:i], 64)
		if err != nil {
			return 0, false
		}
		mul := int64(tickDay)
		if u := strings.TrimSpace(s[i:]); u != "" {
			m, ok := spanUnits[u]
			if !ok {
				return 0, false
			}
			mul = m
		}
		if f*float64(mul) > 9.2e18 {
			return 0, false
		}
		return sign(int64(math.Round(f * float64(mul))))
	}
	parts := strings.Split(s, ":")
	if len(parts) > 4 || len(parts) < 2 {
		return 0, false
	}
	var days int64
	head := parts[0]
	if d, h, ok := strings.Cut(head, "."); ok {
		v, err := strconv.ParseInt(d, 10, 32)
		if err != nil {
			return 0, false
		}
		days, head = v, h
	} else if len(parts) == 4 {
		v, err := strconv.ParseInt(head, 10, 32)
		if err != nil {
			return 0, false
		}
		days, head, parts = v, parts[1], parts[1:]
	}
	h, err1 := strconv.ParseInt(head, 10, 32)
	m, err2 := strconv.ParseInt(parts[1], 10, 32)
	if err1 != nil || err2 != nil || h > 23 || m > 59 || h < 0 || m < 0 {
		return 0, false
	}
	v := days*tickDay + h*tickHour + m*tickMinute
	if len(parts) == 3 {
		sec, frac, _ := strings.Cut(parts[2], ".")
		n, err := strconv.ParseInt(sec, 10, 32)
		if err != nil || n > 59 || n < 0 || len(frac) > 7 {
			return 0, false
		}
		v += n * tickSecond
		if frac != "" {
			n, err := strconv.ParseInt((frac + "0000000")[:7], 10, 32)
			if err != nil {
				return 0, false
			}
			v += n
		}
	}
	return sign(v)
}

var timeLayouts = []string{
	"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04",
	"2006-01-02T15", "2006-01-02 15",
	"2006-1-2 15:4:5", "2006-1-2 15:4", "2006-1-2", "2006-01", "2006",
	"20060102", "20060102T150405", "20060102T150405Z", "2006.01.02", "2006/01/02", "2006/1/2 15:4:5",
	"1/2/2006 3:4:5 PM", "1/2/2006 15:4:5", "1/2/2006 15:4", "1/2/2006", "1-2-2006", "1-2-2006 15:4:5",
	"Monday, 02-Jan-06 15:04:05 MST", "Mon, 02 Jan 2006 15:04:05 MST", "Mon, 2 Jan 06 15:04:05 MST", "02 Jan 2006 15:04:05",
	"2 Jan 2006 15:04:05", "2 Jan 2006", "Jan 2 2006", "Monday, January 2, 2006 3:04:05 PM", "Mon Jan 2 15:04:05 2006",
	"2006-01-02 15:04:05.999999999 Z07:00", "2006-01-02 15:04:05 -0700", "2006, 1, 2", "2006,1,2", "2006-1-2 3:4:5 PM", "Jan _2, 2006", "January 2, 2006",
}

// parseTime reads a datetime in the forms that Kusto documents.
func parseTime(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	for _, l := range timeLayouts {
		if t, err := time.Parse(l, s); err == nil {
			return t.UTC(), true
		}
	}
	return fn.ParseDatetime(s)
}

// ParseTimespan reads a timespan as Kusto prints it, in ticks of 100 ns.
func ParseTimespan(s string) (int64, bool) { return parseSpan(s) }

// FormatTimespan writes ticks of 100 ns as Kusto prints a timespan.
func FormatTimespan(ticks int64) string { return formatSpan(ticks) }
