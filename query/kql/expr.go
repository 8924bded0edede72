package kql

import (
	"fmt"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// Frag is a piece of SQL: strings, and columns whose names are written at the
// end. It is made by S and is not changed afterwards.
type Frag []any // string | *column | *subquery

// S joins strings, fragments and expressions to a fragment.
func S(parts ...any) Frag {
	var f Frag
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			f = append(f, p)
		case *column:
			f = append(f, p)
		case *subquery:
			f = append(f, p)
		case Frag:
			f = append(f, p...)
		case *Expr:
			f = append(f, p.SQL...)
		default:
			f = append(f, fmt.Sprint(p))
		}
	}
	return f
}

// List joins expressions with a separator.
func List(sep string, args []*Expr) Frag {
	var f Frag
	for i, a := range args {
		if i > 0 {
			f = append(f, sep)
		}
		f = append(f, a.SQL...)
	}
	return f
}

// String writes the fragment.
func (f Frag) String() string {
	var b strings.Builder
	for _, p := range f {
		switch p := p.(type) {
		case *column:
			b.WriteString(quote(p.sql))
		case *subquery:
			p.write(&b)
		case string:
			b.WriteString(p)
		}
	}
	return b.String()
}

// Expr is a typed scalar expression with its SQL.
//
// The SQL stands by itself in any place of an expression: what is not a name, a
// literal or a call is in brackets.
type Expr struct {
	Type Type
	SQL  Frag
	// Const is the value where it is known now: literals, let constants, now().
	Const *Value
	// NonNull says that the SQL is never NULL. Every string must be.
	NonNull bool
	// Loose, where set, is the same value cheaper. Of a string it is NULL where SQL
	// is '', which comparisons with text that is not empty use; of a condition it
	// may be NULL where SQL is false, which is the same to where.
	Loose Frag
	// Name is the name that the column gets when the query gives none; "" lets
	// the operator choose.
	Name string

	col   *column // the expression is exactly this column
	base  *Expr   // dynamic: the expression is path inside base
	path  []step
	text  bool    // dynamic: base is text that may not be JSON
	texts Frag    // dynamic: the list of texts that it is the JSON of
	lower bool    // text: it is in lower case already
	from  *column // a part of the text of this column of a table, as it stands there
	holds []hold  // a condition: true only where one of these texts is there
	agg   bool    // contains an aggregate
	win   bool    // contains a window function
	free  string  // the name of an unknown column or table that is looked at by its caller
}

// Value is a value known at compile time.
type Value struct {
	Null bool
	Bool bool
	Int  int64     // int, long; timespan in ticks
	Real float64   // real
	Str  string    // string, guid; decimal as digits; dynamic as JSON text
	Time time.Time // datetime
}

// step is one step of a path into a dynamic value.
type step struct {
	key   string
	index int64
	isKey bool
}

// loose is the cheaper SQL for a place where NULL is as good as ” or false.
func (e *Expr) loose() Frag {
	if e.Loose != nil {
		return e.Loose
	}
	return e.SQL
}

// E makes an expression of a type from parts, as S does.
func E(t Type, parts ...any) *Expr { return &Expr{Type: t, SQL: S(parts...)} }

// NotNull says that the expression is never NULL.
func (e *Expr) NotNull() *Expr { e.NonNull = true; return e }

// str makes a string expression: where f may be NULL it becomes ”.
func str(parts ...any) *Expr {
	f := S(parts...)
	return &Expr{Type: fn.String, SQL: S("coalesce(", f, ",'')"), NonNull: true, Loose: f}
}

// isNumber says whether arithmetic is possible with the type.
func isNumber(t Type) bool {
	return t == fn.Int || t == fn.Long || t == fn.Real || t == fn.Decimal
}
