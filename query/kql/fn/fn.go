package fn

import (
	"slices"
	"time"
)

// Type is a type of Kusto as its documentation spells it.
type Type string

// The types of Kusto.
const (
	Bool     Type = "bool"
	Int      Type = "int"
	Long     Type = "long"
	Real     Type = "real"
	Decimal  Type = "decimal"
	String   Type = "string"
	GUID     Type = "guid"
	Datetime Type = "datetime"
	Timespan Type = "timespan"
	Dynamic  Type = "dynamic"
)

// SQL is the type of DuckDB that holds values of the type.
func (t Type) SQL() string {
	switch t {
	case Bool:
		return "BOOLEAN"
	case Int:
		return "INTEGER"
	case Long, Timespan:
		return "BIGINT"
	case Real:
		return "DOUBLE"
	case Decimal:
		return "DECIMAL(38,18)"
	case Datetime:
		return "TIMESTAMP"
	case Dynamic:
		return "JSON"
	default:
		return "VARCHAR"
	}
}

// Func is a function in Go that the engine registers under its name.
//
// Call gets one value for each argument: nil for NULL, else bool, int32, int64
// (also timespan, in ticks), float64, string (also guid and dynamic, the latter
// as JSON text) or time.Time in UTC. It answers in the same types and with nil
// for NULL. It must be registered so that it sees NULL (special null handling).
// A result of type Dynamic is JSON text: the macros cast it.
//
// Call is safe for use by several goroutines. It returns an error for nothing a
// record can contain.
type Func struct {
	Name     string
	Args     []Type
	Result   Type
	Volatile bool // gives another value for each row
	Call     func(args []any) (any, error)
	// Texts is what takes the place of Call in a function of texts that gives a text, and is
	// called very often. The arguments are only there while it runs: it keeps nothing of them.
	// The driver takes no subquery that looks outside for an argument of such a function.
	Texts func(args []string) string
}

// Macros are the CREATE MACRO statements, in an order in which each uses only
// what stands before it and the functions of Funcs.
func Macros() []string {
	var out []string
	for _, f := range Funcs() {
		out = append(out, wrap(f))
	}
	return slices.Concat(out,
		macrosTerm(), macrosText(), macrosConvert(), macrosTime(), macrosNumber(),
		macrosDynamic(), macrosPlan(),
	)
}

// Funcs are the functions in Go. They are to be registered before the macros.
func Funcs() []Func {
	return slices.Concat(
		funcsText(), funcsParse(), funcsCodec(), funcsTime(), funcsNumber(),
		funcsAddress(), funcsDynamic(), funcsSeries(),
	)
}

// Limits on what a function takes and makes.
const (
	maxText  = 16 << 20 // bytes of text taken or made
	maxDepth = 64       // levels of JSON
	maxItems = 1 << 20  // elements of an array that is made
)

// row gives the arguments of one call in their Go types.
type row []any

// null reports whether argument i is missing or NULL.
func (r row) null(i int) bool { return i >= len(r) || r[i] == nil }

// text is argument i; the empty string where it is NULL or longer than a
// function may take.
func (r row) text(i int) string {
	if r.null(i) {
		return ""
	}
	s, _ := r[i].(string)
	if len(s) > maxText {
		return ""
	}
	return s
}

// long is argument i as a whole number, or def where it is NULL.
func (r row) long(i int, def int64) int64 {
	if r.null(i) {
		return def
	}
	switch v := r[i].(type) {
	case int64:
		return v
	case int32:
		return int64(v)
	}
	return def
}

// real is argument i as a real number, or def where it is NULL.
func (r row) real(i int, def float64) float64 {
	if r.null(i) {
		return def
	}
	switch v := r[i].(type) {
	case float64:
		return v
	case int64:
		return float64(v)
	case int32:
		return float64(v)
	}
	return def
}

// flag is argument i as a truth value, or def where it is NULL.
func (r row) flag(i int, def bool) bool {
	if r.null(i) {
		return def
	}
	if v, ok := r[i].(bool); ok {
		return v
	}
	return def
}

// when is argument i as a time, and whether it is one.
func (r row) when(i int) (time.Time, bool) {
	if r.null(i) {
		return time.Time{}, false
	}
	t, ok := r[i].(time.Time)
	return t.UTC(), ok
}

// total makes a Func of a Go function that has no errors.
func total(name string, args []Type, result Type, call func(row) any) Func {
	return Func{Name: "kqlg_" + name, Args: args, Result: result, Call: func(a []any) (any, error) {
		v := call(row(a))
		if s, ok := v.(string); ok && len(s) > maxText {
			if result == String {
				return "", nil
			}
			return nil, nil
		}
		return v, nil
	}}
}
