package decode

import (
	"bytes"
	"time"
)

// parseTime reads a time as logs write it and returns nanoseconds since 1970. It
// reads, without allocating:
//
//   - RFC 3339 with a fraction of any length (digits beyond nanoseconds are cut), with
//     "T" or a space between day and time; without a zone it is UTC
//   - seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by
//     size, with or without a fraction
//   - the form of Log Analytics exports, "8/21/2023, 1:05:33.123 PM", in UTC
//   - "/Date(1728344797000)/"
//   - "Mar  5 2024 10:00:00", with or without a fraction and a zone
//   - the form of web servers, "05/Mar/2024:10:00:00 +0000"
//
// Years before 1678 and after 2261 (Azure's 0001-01-01 among them) do not fit and
// are not times.
func parseTime(text []byte) (ns int64, ok bool) {
	t := bytes.TrimSpace(text)
	if len(t) < 8 || len(t) > 64 {
		return 0, false
	}
	if ns, ok := parseRFC3339(t); ok {
		return ns, true
	}
	if inner, found := bytes.CutPrefix(t, []byte("/Date(")); found {
		inner, found = bytes.CutSuffix(inner, []byte(")/"))
		if !found {
			return 0, false
		}
		return parseEpoch(inner)
	}
	if c := t[0] | 0x20; c >= 'a' && c <= 'z' {
		return parseMonthFirst(t, 0)
	}
	if ns := parseCLF(t); ns != 0 {
		return ns, true
	}
	if bytes.IndexByte(t[:min(len(t), 3)], '/') > 0 {
		return parseUS(t)
	}
	return parseEpoch(t)
}

// timeIn is the first time that one of some header fields holds, 0 for none.
func timeIn(r *Record, fields ...int) int64 {
	for _, i := range fields {
		if ns := nanos(r.scalar(i)); ns != 0 {
			return ns
		}
	}
	return 0
}

// nanos is [parseTime] with 0 for what is not a time.
func nanos(text []byte) int64 {
	ns, ok := parseTime(text)
	if !ok {
		return 0
	}
	return ns
}

// timeOf returns ns as a time in UTC, the zero time for 0.
func timeOf(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// digits reads exactly n digits.
func digits(t []byte, n int) (v int, ok bool) {
	if len(t) < n {
		return 0, false
	}
	for _, c := range t[:n] {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}

// fraction reads the digits of a fraction of a second and returns it in
// nanoseconds with the rest of t.
func fraction(t []byte) (ns int64, rest []byte) {
	scale := int64(1e8)
	i := 0
	for ; i < len(t) && t[i] >= '0' && t[i] <= '9'; i++ {
		ns += int64(t[i]-'0') * scale
		scale /= 10
	}
	return ns, t[i:]
}

func parseRFC3339(t []byte) (int64, bool) {
	if len(t) < 18 || t[4] != '-' || t[7] != '-' {
		return 0, false
	}
	hours := 2
	if t[12] == ':' { // ID Protection writes 2022-09-09T8:48:50Z
		hours = 1
	}
	at := 11 + hours
	if len(t) < at+6 || t[at] != ':' || t[at+3] != ':' {
		return 0, false
	}
	if c := t[10]; c != 'T' && c != 't' && c != ' ' {
		return 0, false
	}
	year, ok1 := digits(t, 4)
	month, ok2 := digits(t[5:], 2)
	day, ok3 := digits(t[8:], 2)
	hour, ok4 := digits(t[11:], hours)
	minute, ok5 := digits(t[at+1:], 2)
	second, ok6 := digits(t[at+4:], 2)
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) {
		return 0, false
	}
	var frac int64
	rest := t[at+6:]
	if len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') && rest[1] >= '0' && rest[1] <= '9' {
		frac, rest = fraction(rest[1:])
	}
	offset, ok := zone(rest)
	if !ok {
		return 0, false
	}
	return assemble(year, month, day, hour, minute, second, frac, offset)
}

// zone reads what follows the second of a time: nothing, Z, UTC, +hh:mm, +hhmm or
// +hh. It returns the offset in seconds east of UTC.
func zone(t []byte) (offset int64, ok bool) {
	t = bytes.TrimLeft(t, " ")
	switch {
	case len(t) == 0, len(t) == 1 && t[0]|0x20 == 'z', string(t) == "UTC":
		return 0, true
	case t[0] != '+' && t[0] != '-':
		return 0, false
	}
	sign := int64(1)
	if t[0] == '-' {
		sign = -1
	}
	hours, ok := digits(t[1:], 2)
	if !ok || hours > 23 {
		return 0, false
	}
	minutes := 0
	switch rest := t[3:]; {
	case len(rest) == 0:
	case len(rest) == 3 && rest[0] == ':':
		minutes, ok = digits(rest[1:], 2)
	case len(rest) == 2:
		minutes, ok = digits(rest, 2)
	default:
		return 0, false
	}
	if !ok || minutes > 59 {
		return 0, false
	}
	return sign * int64(hours*3600+minutes*60), true
}

// parseUS reads "8/21/2023, 1:05:33.123 PM", with or without the comma, the
// seconds, the fraction, AM or PM, and a zone.
func parseUS(t []byte) (int64, bool) {
	var n [6]int
	var frac int64
	seps := [6]byte{'/', '/', ' ', ':', ':', 0}
	for i := range n {
		width := 0
		for width < len(t) && width < 4 && t[width] >= '0' && t[width] <= '9' {
			n[i] = n[i]*10 + int(t[width]-'0')
			width++
		}
		if width == 0 && i == 5 && (len(t) == 0 || t[0] == ' ') {
			break // without seconds
		}
		if width == 0 {
			return 0, false
		}
		t = t[width:]
		switch seps[i] {
		case 0:
		case ' ':
			t = bytes.TrimPrefix(t, []byte{','})
			rest := bytes.TrimLeft(t, " ")
			if len(rest) == len(t) {
				return 0, false
			}
			t = rest
		default:
			if i == 4 && (len(t) == 0 || t[0] == ' ') {
				continue
			}
			if len(t) == 0 || t[0] != seps[i] {
				return 0, false
			}
			t = t[1:]
		}
	}
	if len(t) > 1 && t[0] == '.' {
		frac, t = fraction(t[1:])
	}
	month, day, year, hour, minute, second := n[0], n[1], n[2], n[3], n[4], n[5]
	t = bytes.TrimLeft(t, " ")
	if len(t) >= 2 && t[1]|0x20 == 'm' && (t[0]|0x20 == 'a' || t[0]|0x20 == 'p') {
		if hour < 1 || hour > 12 {
			return 0, false
		}
		hour %= 12
		if t[0]|0x20 == 'p' {
			hour += 12
		}
		t = t[2:]
	}
	offset, ok := zone(t)
	if !ok {
		return 0, false
	}
	return assemble(year, month, day, hour, minute, second, frac, offset)
}

// parseCLF reads "05/Mar/2024:10:00:00 +0000", also in its brackets; 0 for what is not such a
// time.
func parseCLF(t []byte) int64 {
	t = bytes.TrimSuffix(bytes.TrimPrefix(t, []byte{'['}), []byte{']'})
	if len(t) < 20 || t[2] != '/' || t[6] != '/' || t[11] != ':' || t[14] != ':' || t[17] != ':' {
		return 0
	}
	day, ok1 := digits(t, 2)
	month := monthOf(t[3:6])
	year, ok2 := digits(t[7:], 4)
	hour, ok3 := digits(t[12:], 2)
	minute, ok4 := digits(t[15:], 2)
	second, ok5 := digits(t[18:], 2)
	offset, ok6 := zone(t[20:])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || month == 0 {
		return 0
	}
	ns, _ := assemble(year, month, day, hour, minute, second, 0, offset)
	return ns
}

const monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"

// monthOf returns the number of a month by its English name of three letters, 0 for none.
func monthOf(name []byte) int {
	for i := 0; i < len(monthNames); i += 3 {
		if len(name) == 3 && hasPrefixFold(name, monthNames[i:i+3]) {
			return i/3 + 1
		}
	}
	return 0
}

// parseEpoch reads a count since 1970 of at least eight digits.
func parseEpoch(t []byte) (int64, bool) {
	var n int64
	i := 0
	for ; i < len(t) && t[i] >= '0' && t[i] <= '9'; i++ {
		if n >= 922337203685477580 { // the next digit could pass the largest int64
			return 0, false
		}
		n = n*10 + int64(t[i]-'0')
	}
	if i < 8 {
		return 0, false
	}
	var frac int64 // in billionths of the unit
	if i < len(t) {
		if t[i] != '.' || i+1 == len(t) {
			return 0, false
		}
		var rest []byte
		if frac, rest = fraction(t[i+1:]); len(rest) > 0 {
			return 0, false
		}
	}
	switch {
	case n < 1e11:
		if n > 9e9 { // beyond 2255: not seconds that nanoseconds can hold
			return 0, false
		}
		return n*1e9 + frac, true
	case n < 1e14:
		if n > 9e12 {
			return 0, false
		}
		return n*1e6 + frac/1e3, true
	case n < 1e17:
		if n > 9e15 {
			return 0, false
		}
		return n*1e3 + frac/1e6, true
	}
	return n, true
}

var monthDays = [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// assemble makes nanoseconds since 1970 of the parts of a time.
func assemble(year, month, day, hour, minute, second int, frac, offset int64) (int64, bool) {
	if year < 1678 || year > 2261 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	leap := year%4 == 0 && (year%100 != 0 || year%400 == 0)
	if last := monthDays[month-1]; day > last && !(month == 2 && leap && day == 29) {
		return 0, false
	}
	// Days since 1970-01-01 in the proleptic Gregorian calendar, with the year taken
	// to start in March so that the leap day is its last.
	y, m := int64(year), int64(month)
	if m <= 2 {
		y--
		m += 12
	}
	days := 365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + int64(day) - 1 - 719468
	seconds := days*86400 + int64(hour*3600+minute*60+second) - offset
	return seconds*1e9 + frac, true
}

// parseMonthFirst reads "Mar  5 10:00:00", "Mar 05 2024 10:00:00.123 UTC" and the like. year is
// that of a time that has none; with 0 such a time is none.
func parseMonthFirst(t []byte, year int) (int64, bool) {
	if len(t) < 15 || monthOf(t[:3]) == 0 || t[3] != ' ' {
		return 0, false
	}
	month := monthOf(t[:3])
	rest := bytes.TrimLeft(t[4:], " ")
	n := 1
	if len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9' {
		n = 2
	}
	day, ok := digits(rest, n)
	if rest = rest[min(n, len(rest)):]; !ok || len(rest) == 0 {
		return 0, false
	}
	rest = bytes.TrimLeft(rest, " ,")
	if len(rest) > 5 && rest[4] == ' ' {
		if year, ok = digits(rest, 4); !ok {
			return 0, false
		}
		rest = rest[5:]
	}
	if len(rest) < 8 || rest[2] != ':' || rest[5] != ':' || year == 0 {
		return 0, false
	}
	hour, ok1 := digits(rest, 2)
	minute, ok2 := digits(rest[3:], 2)
	second, ok3 := digits(rest[6:], 2)
	var frac int64
	if rest = rest[8:]; len(rest) > 1 && (rest[0] == '.' || rest[0] == ',' || rest[0] == ':') && rest[1] >= '0' && rest[1] <= '9' {
		frac, rest = fraction(rest[1:])
	}
	rest = bytes.TrimLeft(rest, " ")
	if len(rest) == 4 && rest[0] == '2' { // "Mar  5 10:00:00 2024"
		if y, ok := digits(rest, 4); ok {
			year, rest = y, nil
		}
	}
	offset, ok4 := zone(bytes.TrimPrefix(rest, []byte("GMT")))
	if !ok4 {
		offset, ok4 = namedZone(rest)
	}
	if !(ok1 && ok2 && ok3 && ok4) {
		return 0, false
	}
	return assemble(year, month, day, hour, minute, second, frac, offset)
}

// namedZone returns the offset of a zone that devices name by its letters, in seconds east of UTC.
func namedZone(name []byte) (offset int64, ok bool) {
	hours, ok := map[string]int64{"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
		"WET": 0, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11}[string(name)]
	return hours * 3600, ok
}
