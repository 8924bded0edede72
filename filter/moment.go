package filter

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// moment is a time as it was written, which means an instant only to somebody who knows what
// time it is, and where.
type moment struct {
	kind momentKind
	ago  time.Duration // of a length
	// text is the length or the name as it is printed.
	text string
	// civil is what a clock shows, in UTC whatever the zone, and for how long it shows that:
	// one of the units below.
	civil time.Time
	unit  unit
	// offset, where fixed is set, is how far ahead of UTC the clock is, in seconds.
	fixed  bool
	offset int
}

type momentKind uint8

const (
	noMoment momentKind = iota
	length              // so long before now
	now
	today
	yesterday
	civil
)

// unit is how exactly a time is written.
type unit uint8

const (
	year unit = iota
	month
	day
	hour
	minute
	second
	fraction
)

// The layouts of times by their unit; "T" may be a space.
var layouts = [...]string{
	year: "2006", month: "2006-01", day: "2006-01-02", hour: "2006-01-02T15",
	minute: "2006-01-02T15:04", second: "2006-01-02T15:04:05", fraction: "2006-01-02T15:04:05.999999999",
}

var namedMoments = []Choice{{"now", "現在"}, {"today", "今日"}, {"yesterday", "昨日"}}

// lengthUnits are the units of lengths of time, with the words that are read as them.
var lengthUnits = []struct {
	name  string
	words []string
	of    time.Duration
}{
	{"y", []string{"年"}, 365 * 24 * time.Hour},
	{"w", []string{"週間", "週"}, 7 * 24 * time.Hour},
	{"d", []string{"日間", "日"}, 24 * time.Hour},
	{"h", []string{"時間"}, time.Hour},
	{"m", []string{"分間", "分", "min"}, time.Minute},
	{"s", []string{"秒間", "秒", "sec"}, time.Second},
}

// parseLength reads a length of time in one unit: "24h", "7d", "2週". It returns how it is
// printed.
func parseLength(text string) (d time.Duration, printed string, ok bool) {
	digits := 0
	for digits < len(text) && '0' <= text[digits] && text[digits] <= '9' {
		digits++
	}
	n, err := strconv.ParseInt(text[:digits], 10, 64)
	if err != nil {
		return 0, "", false
	}
	name := strings.TrimSuffix(text[digits:], "前") // 3日前: three days ago
	for _, u := range lengthUnits {
		match := name == u.name
		for _, w := range u.words {
			match = match || name == w
		}
		if match {
			if n > int64(math.MaxInt64/u.of) {
				return 0, "", false
			}
			return time.Duration(n) * u.of, strconv.FormatInt(n, 10) + u.name, true
		}
	}
	return 0, "", false
}

// printLength returns the text of a length in the greatest unit that it is whole in.
func printLength(d time.Duration) string {
	for _, u := range lengthUnits[2:] {
		if d%u.of == 0 {
			return strconv.FormatInt(int64(d/u.of), 10) + u.name
		}
	}
	return d.String() // no length that was parsed is less than whole seconds
}

// parseMoment reads a time as somebody writes it.
func parseMoment(text string) (moment, bool) {
	text = narrow(strings.TrimSpace(text))
	for i, w := range namedMoments {
		if strings.EqualFold(text, w.Name) || text == w.Japanese {
			return moment{kind: now + momentKind(i), text: w.Name}, true
		}
	}
	if d, printed, ok := parseLength(strings.ToLower(text)); ok {
		return moment{kind: length, ago: d, text: printed}, true
	}
	m := moment{kind: civil}
	clock := strings.ReplaceAll(text, "/", "-")
	if i := strings.IndexAny(clock, "Tt "); i >= 0 {
		clock = clock[:i] + "T" + clock[i+1:]
		// The offset from UTC stands behind the time of day.
		if z := strings.IndexAny(clock[i:], "Zz+"); z > 0 {
			m.fixed = true
			m.offset, clock = zone(clock[i+z:]), clock[:i+z]
		} else if z := strings.LastIndexByte(clock[i:], '-'); z > 0 {
			m.fixed = true
			m.offset, clock = zone(clock[i+z:]), clock[:i+z]
		}
		if m.offset == noZone {
			return moment{}, false
		}
	}
	for u, layout := range layouts {
		if t, err := time.Parse(layout, clock); err == nil && t.Year() > 0 {
			m.civil, m.unit = t, unit(u)
			if t.Nanosecond() > 0 {
				m.unit = fraction
			}
			return m, true
		}
	}
	return moment{}, false
}

const noZone = math.MinInt

// zone reads an offset from UTC: "Z", "+09:00", "-0500"; noZone where it is none.
func zone(text string) int {
	for _, layout := range []string{"Z07:00", "Z0700", "Z07"} {
		if t, err := time.Parse(layout, strings.ToUpper(text)); err == nil {
			_, offset := t.Zone()
			return offset
		}
	}
	return noZone
}

// String returns the moment as it is printed; [parseMoment] reads it.
func (m moment) String() string {
	if m.kind != civil {
		return m.text
	}
	s := m.civil.Format(layouts[m.unit])
	switch {
	case !m.fixed:
		return s
	case m.offset == 0:
		return s + "Z"
	}
	sign, n := "+", m.offset
	if n < 0 {
		sign, n = "-", -n
	}
	return s + fmt.Sprintf("%s%02d:%02d", sign, n/3600, n/60%60)
}

// readTime reads a time or a range of them.
func (v *Value) readTime(f *Field, from, until piece) (said, Span) {
	end := func(c piece) (moment, said) {
		if c.text == "" && v.Op == Between && !c.quoted {
			return moment{}, said{}
		}
		m, ok := parseMoment(c.text)
		if !ok {
			s := saidf("%q is no time", "「%s」は日時ではありません", c.text).expecting(f)
			var names []string
			for _, w := range namedMoments {
				names = append(names, w.Name, w.Japanese)
			}
			return m, s.hinted(nearest(c.text, names))
		}
		return m, said{}
	}
	var what said
	if v.from, what = end(from); what.text != "" {
		return what, from.Span
	}
	v.Text = v.from.String()
	if v.Op != Between {
		return said{}, Span{}
	}
	if v.until, what = end(until); what.text != "" {
		return what, until.Span
	}
	a, b := v.from, v.until
	switch {
	case a.kind == noMoment && b.kind == noMoment:
		return saidf("a range has an end", "範囲には端が要ります").expecting(f), v.Span
	case b.kind == noMoment:
		v.Op, v.until = AtLeast, moment{}
	case a.kind == noMoment:
		v.Op, v.from, v.until = AtMost, b, moment{}
	case a.kind == civil && b.kind == civil && a.fixed == b.fixed && !a.fixed && a.civil.After(b.civil):
		return saidf("the range ends before it begins", "範囲の終わりが始まりより前です").advised("turn it round", "順序を入れ替えてください"), v.Span
	}
	v.Text = v.from.String()
	// An open end is one in the order of time, but the operators on a length are about how
	// long ago it is.
	if v.from.kind == length && !f.Ahead {
		switch v.Op {
		case AtLeast:
			v.Op = AtMost
		case AtMost:
			v.Op = AtLeast
		}
	}
	return said{}, Span{}
}

// interval returns the time that a moment is about: of a date its whole day, of a length the
// one instant.
func (m moment) interval(at time.Time, loc *time.Location, ahead bool) (from, until time.Time) {
	switch m.kind {
	case length:
		if ahead {
			return at.Add(m.ago), at.Add(m.ago)
		}
		return at.Add(-m.ago), at.Add(-m.ago)
	case now:
		return at, at
	case today, yesterday:
		y, mon, d := at.In(loc).Date()
		if m.kind == yesterday {
			d--
		}
		return time.Date(y, mon, d, 0, 0, 0, 0, loc), time.Date(y, mon, d+1, 0, 0, 0, 0, loc)
	}
	if m.fixed {
		loc = time.FixedZone("", m.offset)
	}
	c := m.civil
	date := func(years, months, days int) time.Time {
		return time.Date(c.Year()+years, c.Month()+time.Month(months), c.Day()+days, c.Hour(), c.Minute(), c.Second(), c.Nanosecond(), loc)
	}
	from = date(0, 0, 0)
	switch m.unit {
	case year:
		return from, date(1, 0, 0)
	case month:
		return from, date(0, 1, 0)
	case day:
		return from, date(0, 0, 1)
	}
	return from, from.Add([...]time.Duration{hour: time.Hour, minute: time.Minute, second: time.Second, fraction: 1}[m.unit])
}

// at sets what a value of a Time holds for.
func (v *Value) at(t time.Time, loc *time.Location, ahead bool) {
	v.Time, v.End = time.Time{}, time.Time{}
	if v.Op == Has || v.Op == Lacks {
		return
	}
	from, until := v.from.interval(t, loc, ahead)
	ago := v.from.kind == length
	switch op := v.Op; {
	case op == Between:
		a, b := v.until.interval(t, loc, ahead)
		if ago && v.until.kind == length && a.Before(from) {
			from, b = a, until // 24h..7d and 7d..24h are the same
		}
		v.Time, v.End = from, b
	case ago && !ahead && (op == Is || op == Less || op == AtMost):
		v.Time = from // less long ago
	case ago && !ahead:
		v.End = from
	case ago && op == Is: // within the next days
		v.Time, v.End = t, until
	case op == Is:
		v.Time, v.End = from, until
		if from.Equal(until) {
			v.End = from.Add(1)
		}
	case op == Less:
		v.End = from
	case op == AtMost:
		v.End = until
	case op == More:
		v.Time = until
	case op == AtLeast:
		v.Time = from
	}
}

// At returns the query as it is asked at a time by somebody in a zone: all values of times
// have their Time and End.
func (q *Query) At(t time.Time, loc *time.Location) *Query {
	return q.each(t, func(f *Field, v *Value) {
		if f != nil && f.Kind == Time {
			v.at(t, loc, f.Ahead)
		}
	})
}

// As returns the query as somebody asks it: where a value is "me" it is that name.
func (q *Query) As(name string) *Query {
	return q.each(q.Now, func(_ *Field, v *Value) {
		if v.Me {
			v.Text = name
		}
	})
}

// each returns a copy of the query in which a function has changed the values.
func (q *Query) each(at time.Time, change func(*Field, *Value)) *Query {
	to := *q
	to.Now = at
	to.Terms = make([]Term, len(q.Terms))
	for i, t := range q.Terms {
		t.Values = append([]Value(nil), t.Values...)
		for j := range t.Values {
			change(t.Field, &t.Values[j])
		}
		to.Terms[i] = t
	}
	return &to
}
