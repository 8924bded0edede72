package sql

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/yagura-sec/yagura/query"
)

// Limits of one expression.
const (
	maxNodes = 1 << 14
	maxDepth = 200
	maxText  = 4 << 20 // bytes of the SQL
)

// Options say what the SQL is written over.
type Options struct {
	// Raw is the SQL of the text column that holds the record; "" means raw.
	Raw string
	// Narrow is a condition that holds wherever the expression does, as [Narrow] writes
	// it; where it is FALSE the record is not read. "" is none.
	Narrow string
}

// Predicate is a condition in SQL.
type Predicate struct {
	// SQL is an expression of type BOOLEAN: TRUE, FALSE, or NULL where SQL cannot say.
	SQL string
}

// Refusal says why a condition has no SQL that is exactly it.
type Refusal struct {
	Span   query.Span
	Field  string
	Reason string
	Hint   string
}

// Error writes the refusal as line:column: field: reason (hint: …).
func (r *Refusal) Error() string {
	var b strings.Builder
	if r.Span.Line > 0 {
		fmt.Fprintf(&b, "%d:%d: ", r.Span.Line, max(r.Span.Column, 1))
	}
	if r.Field != "" {
		fmt.Fprintf(&b, "field %q: ", r.Field)
	}
	b.WriteString(r.Reason)
	if r.Hint != "" {
		fmt.Fprintf(&b, " (hint: %s)", r.Hint)
	}
	return b.String()
}

const hintRetro = "run the rule over the lake's records with yagura retro"

// Compile writes expr as SQL. The error is a [*Refusal] where SQL cannot say what the
// expression says, and another error where the expression is malformed.
func Compile(expr query.Expr, o Options) (*Predicate, error) {
	if err := query.Check(expr); err != nil {
		return nil, err
	}
	w := &writer{}
	raw := o.Raw
	if raw == "" {
		raw = "raw"
	}
	text, err := w.expr(expr, scope{doc: raw, raw: raw}, 0)
	if err != nil {
		return nil, err
	}
	if o.Narrow != "" {
		text = "(CASE WHEN " + o.Narrow + " THEN " + text + " ELSE false END)"
	}
	if len(text) > maxText {
		return nil, &Refusal{Reason: fmt.Sprintf("the condition is %d bytes of SQL, more than %d", len(text), maxText), Hint: hintRetro}
	}
	return &Predicate{SQL: text}, nil
}

// scope is what a field's paths start at.
type scope struct {
	doc    string // SQL of the record or member as JSON text
	raw    string // SQL of the whole record, where numbers stand as they were written
	member bool
}

// writer writes one expression.
type writer struct {
	nodes int
	vars  int
	size  int
}

// name returns a variable for a lambda that no other has.
func (w *writer) name() string {
	w.vars++
	return fmt.Sprintf("yv%d", w.vars)
}

func (w *writer) expr(expr query.Expr, s scope, depth int) (string, error) {
	if w.nodes++; w.nodes > maxNodes {
		return "", &Refusal{Reason: fmt.Sprintf("more than %d terms", maxNodes), Hint: hintRetro}
	}
	if depth > maxDepth {
		return "", &Refusal{Reason: fmt.Sprintf("nested deeper than %d", maxDepth), Hint: hintRetro}
	}
	text, err := w.node(expr, s, depth)
	if err == nil {
		if _, leaf := expr.(*query.Pred); leaf {
			w.size += len(text)
		}
		if w.size > maxText {
			err = &Refusal{Reason: fmt.Sprintf("the condition is more than %d bytes of SQL", maxText), Hint: hintRetro}
		}
	}
	return text, err
}

func (w *writer) node(expr query.Expr, s scope, depth int) (string, error) {
	switch x := expr.(type) {
	case *query.And:
		return w.list(x.X, " AND ", "true", s, depth)
	case *query.Or:
		return w.list(x.X, " OR ", "false", s, depth)
	case *query.Not:
		kid, err := w.expr(x.X, s, depth+1)
		return "(NOT " + kid + ")", err
	case query.Const:
		if x {
			return "true", nil
		}
		return "false", nil
	case *query.Pred:
		text, err := w.pred(x, s)
		return text, placed(err, x.Span, x.Field.Name)
	case *query.Each:
		text, err := w.each(x, s, depth)
		return text, placed(err, x.Span, x.Field.Name)
	}
	return "", fmt.Errorf("unknown expression %T", expr)
}

// placed gives a refusal without a place the one of the predicate that it is about.
func placed(err error, span query.Span, field string) error {
	if r := (*Refusal)(nil); errors.As(err, &r) && r.Span.Line == 0 {
		r.Span = span
		if r.Field == "" {
			r.Field = field
		}
	}
	return err
}

func (w *writer) list(terms []query.Expr, op, empty string, s scope, depth int) (string, error) {
	if len(terms) == 0 {
		return empty, nil
	}
	kids := make([]string, len(terms))
	for i, x := range terms {
		kid, err := w.expr(x, s, depth+1)
		if err != nil {
			return "", err
		}
		kids[i] = kid
	}
	return "(" + strings.Join(kids, op) + ")", nil
}

// each asks about the members of a field's arrays.
func (w *writer) each(x *query.Each, s scope, depth int) (string, error) {
	if x.Field.Derive != nil {
		return "", computed(x.Field)
	}
	reached, err := w.reached(x.Field.Paths, s)
	if err != nil {
		return "", err
	}
	v := w.name()
	// A member is a record of its own: its text is what DuckDB writes of it, in which a
	// number may be written anew; the raw record says how it was.
	where, err := w.expr(x.Where, scope{doc: v + "::VARCHAR", raw: s.raw, member: true}, depth+1)
	if err != nil {
		return "", err
	}
	any := func(members, cond string) string {
		return "yagura_any(list_transform(" + members + ", lambda " + v + ": yagura_say(CASE WHEN " + v + " IS NULL THEN NULL ELSE " + cond + " END)))"
	}
	members := "yagura_each(" + reached + ")"
	switch x.Quant {
	case query.EachAny:
		return any(members, where), nil
	case query.EachNone:
		return "(NOT " + any(members, where) + ")", nil
	case query.EachAllOrEmpty:
		return "(NOT " + any(members, "NOT "+where) + ")", nil
	}
	list := w.name()
	return "(list_transform([" + members + "], lambda " + list + ": len(" + list + ") > 0 AND NOT " + any(list, "NOT "+where) + ")[1])", nil
}

func computed(f query.Field) *Refusal {
	return &Refusal{Field: f.Name, Reason: "is computed from other fields, which SQL cannot do exactly", Hint: hintRetro}
}

// literal writes text as a SQL string. Control characters are written by number: a
// parser of SQL may end at a NUL.
func literal(text string) (string, error) {
	if !utf8.ValidString(text) {
		return "", &Refusal{Reason: "a value is not UTF-8, and no text in DuckDB can be compared with it", Hint: hintRetro}
	}
	var b strings.Builder
	open, parts := false, 0
	for _, r := range text {
		if r < ' ' || r == 0x7f {
			if open {
				b.WriteString("'")
				open = false
			}
			if parts > 0 {
				b.WriteString(" || ")
			}
			fmt.Fprintf(&b, "chr(%d)", r)
			parts++
			continue
		}
		if !open {
			if parts > 0 {
				b.WriteString(" || ")
			}
			b.WriteString("'")
			open = true
			parts++
		}
		if r == '\'' {
			b.WriteByte('\'')
		}
		b.WriteRune(r)
	}
	switch {
	case parts == 0:
		return "''", nil
	case open:
		b.WriteString("'")
	}
	if parts > 1 {
		return "(" + b.String() + ")", nil
	}
	return b.String(), nil
}
