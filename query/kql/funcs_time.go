package kql

import (
	"strings"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

func funcsTime() []Func {
	s, l, r, dt, ts := fn.String, fn.Long, fn.Real, fn.Datetime, fn.Timespan
	out := []Func{
		{Name: "bin_at", Min: 3, Max: 3, FirstName: true, Bind: binAt},
		tried(Func{Name: "datetime_add", Min: 3, Max: 3, Bind: datetimeAdd}, 1),
		{Name: "datetime_diff", Min: 3, Max: 3, Bind: datetimeDiff},
		{Name: "datetime_part", Min: 2, Max: 2, Bind: datetimePart},
		{Name: "datepart", Min: 2, Max: 2, Bind: datetimePart},
		Tmpl("dayofweek", ts, "(dayofweek($1) * 864000000000)", dt),
		Tmpl("dayofmonth", fn.Int, "CAST(day($1) AS INTEGER)", dt),
		Tmpl("dayofyear", fn.Int, "CAST(dayofyear($1) AS INTEGER)", dt),
		Tmpl("hourofday", fn.Int, "CAST(hour($1) AS INTEGER)", dt),
		{Name: "format_datetime", Min: 2, Max: 2, Bind: formatDatetime},
		Tmpl("format_timespan", s, "kql_format_timespan($1, $2)", ts, s),
		madeOf(optional("make_datetime", dt, "kql_make_datetime($1, $2, $3, $4, $5, $6)", 3, []Type{l, l, l, l, l, r}, "0", "0", "0"), dt),
		madeOf(tried(Func{Name: "make_timespan", Min: 2, Max: 4, Bind: makeTimespan}, 0, 1, 2, 3), ts),
		tried(Tmpl("datetime_utc_to_local", dt, "kql_utc_to_local($1, $2)", dt, s), 1),
		tried(Tmpl("datetime_local_to_utc", dt, "kql_local_to_utc($1, $2)", dt, s), 1),
		{Name: "range", Min: 2, Max: 3, Bind: rangeOf},
		tried(Func{Name: "around", Min: 3, Max: 3, Bind: around}, 0, 1, 2),
	}
	out = append(out, alias(Func{Name: "bin", Min: 2, Max: 2, FirstName: true, Bind: binOf}, "floor")...)
	out = append(out, alias(Tmpl("monthofyear", fn.Int, "CAST(month($1) AS INTEGER)", dt), "getmonth")...)
	out = append(out, alias(Tmpl("getyear", fn.Int, "CAST(year($1) AS INTEGER)", dt))...)
	out = append(out, alias(Tmpl("week_of_year", l, "CAST(weekofyear($1) AS BIGINT)", dt), "weekofyear")...)
	for _, p := range []string{"day", "week", "month", "year"} {
		for _, e := range []string{"startof", "endof"} {
			out = append(out, tried(optional(e+p, dt, "kql_"+e+p+"($1, $2)", 1, []Type{dt, l}, "0"), 1))
		}
	}
	for _, u := range []struct {
		name, sql string
	}{
		{"seconds", "CAST(round($1 * 1000000) AS BIGINT)"}, {"milliseconds", "CAST(round($1 * 1000) AS BIGINT)"},
		{"microseconds", "CAST($1 AS BIGINT)"}, {"nanoseconds", "CAST($1 AS BIGINT) // 1000"},
	} {
		out = append(out, Func{Name: "unixtime_" + u.name + "_todatetime", Min: 1, Max: 1, Bind: func(c *Call) (*Expr, error) {
			t := l
			if c.Args[0].Type != fn.Long && c.Args[0].Type != fn.Int && (u.name == "seconds" || u.name == "milliseconds") {
				t = r
			}
			x, err := c.Arg(0, t)
			if err != nil {
				return nil, err
			}
			return orNull(E(dt, "make_timestamp(", fill(u.sql, []*Expr{x}), ")"), x), nil
		}})
	}
	return out
}

// binOf is bin(value, size) of numbers, times and spans.
func binOf(c *Call) (*Expr, error) {
	x, by := c.Args[0], c.Args[1]
	if x.Type == fn.Dynamic {
		switch by.Type {
		case fn.Timespan:
			x = convert(x, fn.Datetime)
		default:
			x = convert(x, by.Type)
		}
	}
	switch {
	case x.Type == fn.Datetime:
		b, err := c.Arg(1, fn.Timespan)
		if err != nil {
			return nil, err
		}
		if v := b.Const; v != nil && !v.Null {
			if part := whole(v.Int); part != "" {
				return E(fn.Datetime, "CAST(date_trunc('"+part+"', ", x, ") AS TIMESTAMP)"), nil
			}
		}
		return E(fn.Datetime, "kql_bin_datetime(", x, ", ", b, ")"), nil
	case x.Type == fn.Timespan:
		b, err := c.Arg(1, fn.Timespan)
		if err != nil {
			return nil, err
		}
		return orNull(E(fn.Timespan, "kql_bin_long(", x, ", ", b, ")"), x, b), nil
	case (x.Type == fn.Long || x.Type == fn.Int) && (by.Type == fn.Long || by.Type == fn.Int || by.Type == fn.Timespan):
		return orNull(E(fn.Long, "kql_bin_long(", convert(x, fn.Long), ", ", convert(by, fn.Long), ")"), x, by), nil
	case isNumber(x.Type) && isNumber(by.Type):
		return E(fn.Real, "kql_bin_real(", convert(x, fn.Real), ", ", convert(by, fn.Real), ")"), nil
	}
	return nil, c.Errorf(0, "", "%s() cannot round a %s to a %s", c.Name, x.Type, by.Type)
}

func binAt(c *Call) (*Expr, error) {
	x := c.Args[0]
	switch {
	case x.Type == fn.Datetime || x.Type == fn.Dynamic && c.Args[1].Type == fn.Timespan:
		as, err := c.As(fn.Datetime, fn.Timespan, fn.Datetime)
		if err != nil {
			return nil, err
		}
		return E(fn.Datetime, fill("kql_bin_at_datetime($1, $2, $3)", as)), nil
	case x.Type == fn.Timespan:
		as, err := c.As(fn.Timespan)
		if err != nil {
			return nil, err
		}
		return orNull(E(fn.Timespan, fill("kql_bin_at_long($1, $2, $3)", as)), as...), nil
	case x.Type == fn.Real || c.Args[1].Type == fn.Real || c.Args[2].Type == fn.Real:
		as, err := c.As(fn.Real)
		if err != nil {
			return nil, err
		}
		return E(fn.Real, fill("kql_bin_at_real($1, $2, $3)", as)), nil
	}
	as, err := c.As(fn.Long)
	if err != nil {
		return nil, err
	}
	return orNull(E(fn.Long, fill("kql_bin_at_long($1, $2, $3)", as)), as...), nil
}

// period reads the name of a period, which is a constant.
func (c *Call) period(i int) (string, error) {
	v, err := c.Lit(i)
	if err != nil {
		return "", err
	}
	return strings.ToLower(v.Str), nil
}

func datetimeAdd(c *Call) (*Expr, error) {
	p, err := c.period(0)
	if err != nil {
		return nil, err
	}
	n, err := c.Arg(1, fn.Long)
	if err != nil {
		return nil, err
	}
	d, err := c.Arg(2, fn.Datetime)
	if err != nil {
		return nil, err
	}
	as := []*Expr{n, d}
	sql := map[string]string{
		"year":        "CAST($2 + to_years(CAST($1 AS INTEGER)) AS TIMESTAMP)",
		"quarter":     "CAST($2 + to_months(CAST(3 * $1 AS INTEGER)) AS TIMESTAMP)",
		"month":       "CAST($2 + to_months(CAST($1 AS INTEGER)) AS TIMESTAMP)",
		"week":        "kql_datetime_add_span($2, $1 * 604800000000)",
		"day":         "kql_datetime_add_span($2, $1 * 86400000000)",
		"hour":        "kql_datetime_add_span($2, $1 * 3600000000)",
		"minute":      "kql_datetime_add_span($2, $1 * 60000000)",
		"second":      "kql_datetime_add_span($2, $1 * 1000000)",
		"millisecond": "kql_datetime_add_span($2, $1 * 1000)",
		"microsecond": "kql_datetime_add_span($2, $1)",
		"nanosecond":  "kql_datetime_add_span($2, $1 // 1000)",
	}[p]
	if sql == "" {
		return nil, c.Errorf(0, "such as 'day' or 'month'", "no period %q", p)
	}
	return E(fn.Datetime, fill(sql, as)), nil
}

func datetimeDiff(c *Call) (*Expr, error) {
	p, err := c.period(0)
	if err != nil {
		return nil, err
	}
	a, err := c.Arg(1, fn.Datetime)
	if err != nil {
		return nil, err
	}
	b, err := c.Arg(2, fn.Datetime)
	if err != nil {
		return nil, err
	}
	switch p {
	case "year", "quarter", "month", "day", "hour", "minute", "second", "millisecond", "microsecond":
		return E(fn.Long, "date_diff('"+p+"', ", b, ", ", a, ")"), nil
	case "week":
		return E(fn.Long, "kql_week_diff(", a, ", ", b, ")"), nil
	case "nanosecond":
		// What is known now is known to the tick; columns hold microseconds.
		if x, y := c.Args[1].Const, c.Args[2].Const; x != nil && y != nil && !x.Null && !y.Null && c.Args[1].Type == fn.Datetime && c.Args[2].Type == fn.Datetime {
			return constExpr(fn.Long, &Value{Int: x.Time.Sub(y.Time).Nanoseconds()}), nil
		}
		return E(fn.Long, "((epoch_us(", a, ") - epoch_us(", b, ")) * 1000)"), nil
	}
	return nil, c.Errorf(0, "such as 'day' or 'month'", "no period %q", p)
}

func datetimePart(c *Call) (*Expr, error) {
	p, err := c.period(0)
	if err != nil {
		return nil, err
	}
	d, err := c.Arg(1, fn.Datetime)
	if err != nil {
		return nil, err
	}
	if x := c.Args[1].Const; p == "nanosecond" && x != nil && !x.Null && c.Args[1].Type == fn.Datetime {
		return constExpr(fn.Int, &Value{Int: int64(x.Time.Nanosecond())}), nil
	}
	sql := map[string]string{
		"year": "year($1)", "quarter": "quarter($1)", "month": "month($1)", "day": "day($1)", "hour": "hour($1)", "minute": "minute($1)", "second": "second($1)",
		"dayofyear": "dayofyear($1)", "day_of_year": "dayofyear($1)", "weekofyear": "weekofyear($1)", "week_of_year": "weekofyear($1)",
		"millisecond": "(millisecond($1) % 1000)", "microsecond": "(microsecond($1) % 1000000)", "nanosecond": "(microsecond($1) % 1000000 * 1000)",
	}[p]
	if sql == "" {
		return nil, c.Errorf(0, "such as 'day' or 'month'", "no part %q", p)
	}
	return E(fn.Int, "CAST(", fill(sql, []*Expr{d}), " AS INTEGER)"), nil
}

// madeOf also takes a single value of any type, as todatetime() and totimespan()
// do: Kusto has that form of make_datetime() and make_timespan() too.
func madeOf(f Func, t Type) Func {
	parts := f
	f.Min = 1
	f.OnlyName = true
	f.Bind = func(c *Call) (*Expr, error) {
		if len(c.Args) == 1 {
			x := *convert(c.Args[0], t)
			return &x, nil
		}
		if len(c.Args) < parts.Min {
			return nil, c.b.errAt(c.node.Span, "", "%s() takes 1 or %d to %d arguments, not %d", f.Name, parts.Min, parts.Max, len(c.Args))
		}
		return parts.Bind(c)
	}
	return f
}

// makeTimespan is (hour, minute), (hour, minute, second) or (day, hour, minute,
// second).
func makeTimespan(c *Call) (*Expr, error) {
	zero := E(fn.Long, "0")
	args := c.Args
	types := []Type{fn.Long, fn.Long, fn.Real}
	if len(args) == 4 {
		types = []Type{fn.Long, fn.Long, fn.Long, fn.Real}
	}
	as := make([]*Expr, 0, 4)
	if len(args) < 4 {
		as = append(as, zero)
	}
	for i := range args {
		x, err := c.Arg(i, types[i])
		if err != nil {
			return nil, err
		}
		as = append(as, x)
	}
	if len(args) == 2 {
		as = append(as, E(fn.Real, "0.0"))
	}
	return E(fn.Timespan, fill("kql_make_timespan($1, $2, $3, $4)", as)), nil
}

func rangeOf(c *Call) (*Expr, error) {
	t := fn.Long
	for _, a := range c.Args {
		switch {
		case a.Type == fn.Datetime:
			t = fn.Datetime
		case a.Type == fn.Timespan && t != fn.Datetime:
			t = fn.Timespan
		case (a.Type == fn.Real || a.Type == fn.Decimal) && t == fn.Long:
			t = fn.Real
		}
	}
	step, by := E(fn.Long, "1"), t
	if t == fn.Datetime {
		by = fn.Timespan
	}
	if by == fn.Timespan {
		step = E(by, "36000000000")
	}
	a, err := c.Arg(0, t)
	if err != nil {
		return nil, err
	}
	b, err := c.Arg(1, t)
	if err != nil {
		return nil, err
	}
	if len(c.Args) == 3 {
		if step, err = c.Arg(2, by); err != nil {
			return nil, err
		}
	}
	return E(fn.Dynamic, "kql_range_"+string(t)+"(", a, ", ", b, ", ", step, ")"), nil
}

func around(c *Call) (*Expr, error) {
	if c.Args[0].Type == fn.Datetime {
		as, err := c.As(fn.Datetime, fn.Datetime, fn.Timespan)
		if err != nil {
			return nil, err
		}
		return E(fn.Bool, "(", fill("kql_around($1, $2, $3)", as), ")"), nil
	}
	if x := c.Args[0].Type; !isNumber(x) && x != fn.Timespan {
		return nil, c.Errorf(0, "", "%s() needs a number or a time, not %s", c.Name, x)
	}
	as, err := c.As(c.Args[0].Type)
	if err != nil {
		return nil, err
	}
	return E(fn.Bool, "(", fill("$1 BETWEEN $2 - $3 AND $2 + $3", as), ")"), nil
}

// formats are the parts of a format that the engine writes in the same way.
var formats = map[string]string{
	"yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d", "HH": "%H", "hh": "%I", "mm": "%M", "ss": "%S", "tt": "%p", "fff": "%g", "ffffff": "%f",
}

// strftime is a format of Kusto as one of the engine, which is faster; ok is
// false where a part of it has no equal.
func strftime(format string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(format); {
		j := i + 1
		for j < len(format) && format[j] == format[i] {
			j++
		}
		run := format[i:j]
		switch c := format[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			f, ok := formats[run]
			if !ok {
				return "", false
			}
			b.WriteString(f)
		case c == '%' || c >= 128:
			return "", false
		default:
			b.WriteString(run)
		}
		i = j
	}
	return b.String(), true
}

func formatDatetime(c *Call) (*Expr, error) {
	as, err := c.As(fn.Datetime, fn.String)
	if err != nil {
		return nil, err
	}
	if v := as[1].Const; v != nil {
		if f, ok := strftime(v.Str); ok {
			return str("strftime(", as[0], ", ", QuoteString(f), ")"), nil
		}
	}
	return str(fill("kql_format_datetime($1, $2)", as)), nil
}

// whole is the part of a time that a span of so many ticks is, where bins of it begin with
// it: the engine cuts times there faster than it counts. "" for other spans.
func whole(ticks int64) string {
	switch ticks {
	case tickSecond:
		return "second"
	case tickMinute:
		return "minute"
	case tickHour:
		return "hour"
	case tickDay:
		return "day"
	}
	return ""
}
