package kql

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// formatSpan writes ticks as Kusto does: [-][d.]hh:mm:ss[.fffffff].
func formatSpan(v int64) string {
	neg := v < 0
	u := uint64(v)
	if neg {
		u = -u
	}
	d, u := u/tickDay, u%tickDay
	h, u := u/tickHour, u%tickHour
	m, u := u/tickMinute, u%tickMinute
	s, f := u/tickSecond, u%tickSecond
	var b strings.Builder
	if neg {
		b.WriteByte('-')
	}
	if d > 0 {
		fmt.Fprintf(&b, "%d.", d)
	}
	fmt.Fprintf(&b, "%02d:%02d:%02d", h, m, s)
	if f > 0 {
		fmt.Fprintf(&b, ".%07d", f)
	}
	return b.String()
}

// literal is the value of a literal token.
func literal(t token) (*Value, bool) {
	switch t.kind {
	case kString:
		return &Value{Str: t.str}, true
	case kLong:
		return &Value{Int: t.num}, true
	case kSpan:
		return &Value{Int: t.num}, true
	case kReal:
		f, err := strconv.ParseFloat(t.text, 64)
		return &Value{Real: f}, err == nil
	}
	s := t.str
	if s == "null" {
		return &Value{Null: true}, true
	}
	switch t.text {
	case "datetime":
		if s == "min" {
			return &Value{Time: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)}, true
		}
		if s == "max" {
			return &Value{Time: time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)}, true
		}
		v, ok := parseTime(s)
		return &Value{Time: v}, ok
	case "timespan":
		if s == "min" {
			return &Value{Int: math.MinInt64}, true
		}
		if s == "max" {
			return &Value{Int: math.MaxInt64}, true
		}
		v, ok := parseSpan(s)
		return &Value{Int: v}, ok
	case "guid":
		g, ok := parseGUID(s)
		return &Value{Str: g}, ok
	case "long", "int":
		v, err := strconv.ParseInt(s, 0, 64)
		if t.text == "int" && (v > math.MaxInt32 || v < math.MinInt32) {
			return nil, false
		}
		return &Value{Int: v}, err == nil
	case "real":
		switch s {
		case "+inf", "inf":
			return &Value{Real: math.Inf(1)}, true
		case "-inf":
			return &Value{Real: math.Inf(-1)}, true
		case "nan":
			return &Value{Real: math.NaN()}, true
		}
		v, err := strconv.ParseFloat(s, 64)
		return &Value{Real: v}, err == nil
	case "decimal":
		if _, err := strconv.ParseFloat(s, 64); err != nil || len(s) > 60 {
			return nil, false
		}
		return &Value{Str: s}, true
	case "bool":
		switch strings.ToLower(s) {
		case "true":
			return &Value{Bool: true}, true
		case "false":
			return &Value{}, true
		}
		v, err := strconv.ParseInt(s, 10, 64)
		return &Value{Bool: v != 0}, err == nil
	}
	return nil, false
}

// parseGUID reads a guid with or without dashes and brackets.
func parseGUID(s string) (string, bool) {
	s = strings.ToLower(strings.Trim(strings.TrimSpace(s), "{}()"))
	h := strings.ReplaceAll(s, "-", "")
	if len(h) != 32 || strings.Trim(h, "0123456789abcdef") != "" {
		return "", false
	}
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], true
}

// typeOfLiteral is the type of a literal token.
func typeOfLiteral(t token) Type {
	switch t.kind {
	case kString:
		return fn.String
	case kLong:
		return fn.Long
	case kReal:
		return fn.Real
	case kSpan:
		return fn.Timespan
	}
	return typeNames[t.text]
}

// constExpr writes a value as SQL.
func constExpr(t Type, v *Value) *Expr {
	e := &Expr{Type: t, Const: v, NonNull: !v.Null}
	if v.Null {
		if t == fn.String {
			e.SQL, e.Const, e.NonNull = S("''"), &Value{}, true
			return e
		}
		e.SQL = S("CAST(NULL AS ", t.SQL(), ")")
		return e
	}
	switch t {
	case fn.Bool:
		e.SQL = S(strconv.FormatBool(v.Bool))
	case fn.Int:
		e.SQL = S("CAST(", strconv.FormatInt(v.Int, 10), " AS INTEGER)")
	case fn.Long, fn.Timespan:
		switch {
		case v.Int == math.MinInt64:
			e.SQL = S("(-9223372036854775807-1)")
		case v.Int > math.MaxInt32 || v.Int < math.MinInt32:
			e.SQL = S(strconv.FormatInt(v.Int, 10))
			if v.Int < 0 {
				e.SQL = S("(", e.SQL, ")")
			}
		default:
			e.SQL = S("CAST(", strconv.FormatInt(v.Int, 10), " AS BIGINT)")
		}
	case fn.Real:
		switch {
		case math.IsNaN(v.Real):
			e.SQL = S("CAST('nan' AS DOUBLE)")
		case math.IsInf(v.Real, 0):
			e.SQL = S("CAST('", strconv.FormatFloat(v.Real, 'g', -1, 64), "' AS DOUBLE)")
		default:
			e.SQL = S("CAST('", strconv.FormatFloat(v.Real, 'g', -1, 64), "' AS DOUBLE)")
		}
	case fn.Decimal:
		e.SQL = S("CAST(", QuoteString(v.Str), " AS DECIMAL(38,18))")
	case fn.Datetime:
		e.SQL = S("TIMESTAMP '", v.Time.UTC().Format("2006-01-02 15:04:05.999999"), "'")
	case fn.Dynamic:
		if v.Str == "null" {
			e.SQL, e.NonNull = S("CAST(NULL AS JSON)"), false
			break
		}
		e.SQL = S(QuoteString(v.Str), "::JSON")
	default:
		e.SQL = S(QuoteString(v.Str))
	}
	return e
}
