package kql

import (
	"github.com/yagura-sec/yagura/query/kql/fn"
	"math"
	"strings"
)

// asDynamic is x as dynamic.
func asDynamic(x *Expr) *Expr { return convert(x, fn.Dynamic) }

// convert is x as type t, as Kusto's to…() do: what cannot be converted is null.
func convert(x *Expr, t Type) *Expr {
	if x.Type == t {
		return x
	}
	if x.Const != nil {
		if v, ok := convertConst(x.Const, x.Type, t); ok {
			e := constExpr(t, v)
			e.Name = x.Name
			return e
		}
	}
	e := convertSQL(x, t)
	if t == fn.String || t == fn.Dynamic {
		e.from = origin(x)
	}
	e.Name, e.agg, e.win = x.Name, x.agg, x.win
	return e
}

func convertConst(v *Value, from, t Type) (*Value, bool) {
	if v.Null {
		return &Value{Null: true}, t != fn.String && t != fn.Dynamic
	}
	switch {
	case (from == fn.Int || from == fn.Long) && (t == fn.Long || t == fn.Int && v.Int >= math.MinInt32 && v.Int <= math.MaxInt32):
		return v, true
	case (from == fn.Int || from == fn.Long) && t == fn.Real:
		return &Value{Real: float64(v.Int)}, true
	case from == fn.String && t == fn.Datetime:
		w, ok := parseTime(v.Str)
		return &Value{Time: w}, ok
	case from == fn.String && t == fn.Timespan:
		w, ok := parseSpan(v.Str)
		return &Value{Int: w}, ok
	case from == fn.String && t == fn.GUID:
		w, ok := parseGUID(v.Str)
		return &Value{Str: w}, ok
	case from == fn.Timespan && t == fn.String:
		return &Value{Str: formatSpan(v.Int)}, true
	case (from == fn.Int || from == fn.Long) && t == fn.String:
		return &Value{Str: itoa(int(v.Int))}, true
	case from == fn.Dynamic && t == fn.String:
		if s := v.Str; !strings.HasPrefix(s, `"`) && !strings.HasPrefix(s, `{`) && !strings.HasPrefix(s, `[`) && s != "null" {
			return &Value{Str: s}, s != "true" && s != "false"
		}
	}
	return nil, false
}

func convertSQL(x *Expr, t Type) *Expr {
	// A dynamic value is read as text first: "5" and 5 are both five.
	dynText := func() Frag {
		if x.base != nil && len(x.path) == 1 && x.base.texts != nil && !x.path[0].isKey {
			i := x.path[0].index
			if i >= 0 {
				i++ // lists count from one, and from the end as paths do
			}
			return S(x.base.texts, "["+itoa(int(i))+"]")
		}
		if x.base != nil && len(x.path) > 0 {
			return pathSQL("json_extract_string", x.base, x.path, x.text)
		}
		return S("json_extract_string(", x, ",'$')")
	}
	switch t {
	case fn.Bool:
		switch x.Type {
		case fn.Dynamic:
			return E(t, "kql_tobool_text(", dynText(), ")")
		case fn.String:
			return E(t, "kql_tobool_text(", x, ")")
		case fn.Int, fn.Long, fn.Real, fn.Decimal:
			return E(t, "(", x, " <> 0)")
		}
	case fn.Int, fn.Long:
		switch x.Type {
		case fn.Dynamic:
			return E(t, "kql_to", string(t), "_text(", dynText(), ")")
		case fn.String:
			return E(t, "kql_to", string(t), "_text(", x, ")")
		case fn.Real, fn.Decimal:
			return E(t, "TRY_CAST(trunc(", x, ") AS ", t.SQL(), ")")
		case fn.Datetime:
			return E(fn.Long, "((epoch_us(", x, ") + 62135596800000000) * 10)")
		case fn.Timespan, fn.Int, fn.Long, fn.Bool:
			return E(t, "TRY_CAST(", x, " AS ", t.SQL(), ")")
		}
	case fn.Real, fn.Decimal:
		switch x.Type {
		case fn.Dynamic:
			return E(t, "TRY_CAST(", dynText(), " AS ", t.SQL(), ")")
		case fn.Timespan:
			return E(t, "CAST(", x, " AS ", t.SQL(), ")")
		default:
			return E(t, "TRY_CAST(", x, " AS ", t.SQL(), ")")
		}
	case fn.String:
		switch x.Type {
		case fn.Dynamic:
			f := dynText()
			e := str(f)
			return e
		case fn.Bool:
			return str("CASE ", x, " WHEN true THEN 'True' WHEN false THEN 'False' END")
		case fn.Int, fn.Long:
			return str("CAST(", x, " AS VARCHAR)")
		case fn.Real:
			return str("kql_real_text(", x, ")")
		case fn.Decimal:
			return str("kql_decimal_text(", x, ")")
		case fn.Datetime:
			return str("kql_datetime_text(", x, ")")
		case fn.Timespan:
			return str("kql_timespan_text(", x, ")")
		case fn.GUID:
			return str(x)
		}
	case fn.GUID:
		if x.Type == fn.Dynamic {
			return E(t, "kql_toguid(", dynText(), ")")
		}
		return E(t, "kql_toguid(", convert(x, fn.String), ")")
	case fn.Datetime:
		switch x.Type {
		case fn.Dynamic:
			return E(t, "kql_todatetime(", dynText(), ")")
		case fn.String:
			return E(t, "kql_todatetime(", x, ")")
		case fn.Int, fn.Long:
			return E(t, "kql_from_ticks(CAST(", x, " AS BIGINT))")
		}
	case fn.Timespan:
		switch x.Type {
		case fn.Dynamic:
			return E(t, "kql_totimespan(", dynText(), ")")
		case fn.String:
			return E(t, "kql_totimespan(", x, ")")
		case fn.Int, fn.Long:
			return E(t, "CAST(", x, " AS BIGINT)")
		case fn.Real:
			return E(t, "TRY_CAST(", x, " * 864000000000 AS BIGINT)")
		}
	case fn.Dynamic:
		switch x.Type {
		case fn.Datetime, fn.Timespan, fn.GUID:
			s := convert(x, fn.String)
			f := s.SQL
			if s.Loose != nil {
				f = s.Loose
			}
			if x.Type == fn.Datetime {
				f = S("kql_datetime_json_text(", x, ")")
			}
			return E(t, "to_json(", f, ")")
		case fn.Decimal:
			return E(t, "to_json(CAST(", x, " AS DOUBLE))")
		case fn.Real:
			return E(t, "kql_real_json(", x, ")")
		default:
			return E(t, "to_json(", x, ")")
		}
	}
	return E(t, "CAST(NULL AS ", t.SQL(), ")")
}

// implicit is x where t is wanted, if Kusto allows it without a call.
func implicit(x *Expr, t Type) (*Expr, bool) {
	if x.Type == t {
		return x, true
	}
	switch {
	case x.Type == fn.Dynamic, t == fn.Dynamic:
		return convert(x, t), true
	case isNumber(x.Type) && isNumber(t):
		if x.Type == fn.Int || x.Type == fn.Long || t == fn.Real {
			return convert(x, t), true
		}
		return convert(x, t), true
	case x.Type == fn.String && x.Const != nil && (t == fn.Datetime || t == fn.Timespan || t == fn.GUID):
		return convert(x, t), true
	case x.Type == fn.GUID && t == fn.String, x.Type == fn.String && t == fn.GUID:
		return convert(x, t), true
	case x.Const != nil && x.Const.Null:
		return constExpr(t, x.Const), true
	case x.Type == fn.Bool && (t == fn.Long || t == fn.Int), t == fn.Bool && (x.Type == fn.Long || x.Type == fn.Int):
		return convert(x, t), true
	}
	return nil, false
}

// truth is x as a condition.
func truth(x *Expr) (*Expr, bool) {
	switch {
	case x.Type == fn.Bool:
		return x, true
	case x.Type == fn.Dynamic || x.Type == fn.Long || x.Type == fn.Int:
		return convert(x, fn.Bool), true
	}
	return nil, false
}
