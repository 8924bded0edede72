package view

import (
	"slices"
	"strings"
)

// Within says which rows may be seen at all, whatever is asked: those of one of its Bounds.
// Nil is every row, and one without Bounds is none.
type Within struct{ Bounds []Bound }

// Bound is a part of the rows: those of some accounts and of some formats. An empty list is
// no bound.
type Bound struct{ Accounts, Formats []string }

// Holds reports whether a row of an account and format may be seen.
func (w *Within) Holds(account, format string) bool {
	return w == nil || slices.ContainsFunc(w.Bounds, func(b Bound) bool {
		return (len(b.Accounts) == 0 || slices.Contains(b.Accounts, account)) && (len(b.Formats) == 0 || slices.Contains(b.Formats, format))
	})
}

// Format reports whether any row of a format may be seen.
func (w *Within) Format(format string) bool {
	return w == nil || slices.ContainsFunc(w.Bounds, func(b Bound) bool { return len(b.Formats) == 0 || slices.Contains(b.Formats, format) })
}

// cond is the condition over the head h, "" where every row may be seen. It is true or false,
// and never NULL.
func (w *Within) cond() string {
	if w == nil {
		return ""
	}
	var any []string
	for _, b := range w.Bounds {
		var all []string
		if len(b.Accounts) > 0 {
			all = append(all, in(`h."account"`, b.Accounts))
		}
		if len(b.Formats) > 0 {
			all = append(all, in(`h."format"`, b.Formats))
		}
		if len(all) == 0 {
			return ""
		}
		any = append(any, strings.Join(all, " AND "))
	}
	if len(any) == 0 {
		return "false"
	}
	return "(" + strings.Join(any, " OR ") + ")"
}

func in(column string, values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quote(v)
	}
	return "coalesce(" + column + ", '') IN (" + strings.Join(quoted, ", ") + ")"
}

// masked is an expression of a row that may not be seen: NULL. The condition alone would not
// do. The engine tests conditions in whatever order it likes, so that one of the question is
// met by rows that the condition takes away later, and where a cast fails the error says what
// could not be cast.
func masked(cond, expr string) string {
	if cond == "" {
		return expr
	}
	return "CASE WHEN " + cond + " THEN " + expr + " END"
}
