package filter

import (
	"math"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// Row answers what a row of a list that lies in memory has in a field: texts, numbers, times,
// severities, truths, lengths or entities. What is empty is no value. For "" it answers the
// texts in which free text is looked for.
type Row func(field string) []any

// Match reports whether a row answers the query. A query that asks for times has to be resolved
// by [Query.At] before; it panics where it was not.
func (q *Query) Match(row Row) bool {
	for _, t := range q.Terms {
		if t.Field != nil && t.Field.Kind == Time && q.Now.IsZero() {
			panic("filter: Match of times before At")
		}
		if t.match(row) == t.Not {
			return false
		}
	}
	return true
}

func (t *Term) match(row Row) bool {
	if t.Field == nil {
		want := Fold(t.Values[0].Text)
		for _, c := range row("") {
			if strings.Contains(Fold(text(c)), want) {
				return true
			}
		}
		return false
	}
	var cells []any
	for _, c := range row(t.Field.Name) {
		if !empty(c) {
			cells = append(cells, c)
		}
	}
	for i := range t.Values {
		switch v := &t.Values[i]; {
		case v.Op == Has:
			if len(cells) > 0 {
				return true
			}
		case v.Op == Lacks:
			if len(cells) == 0 {
				return true
			}
		case t.Field.Kind == Flag:
			yes := false
			for _, c := range cells {
				yes = yes || reflect.ValueOf(c).Kind() == reflect.Bool && reflect.ValueOf(c).Bool()
			}
			if yes == (v.Number == 1) {
				return true
			}
		default:
			for _, c := range cells {
				if v.match(t.Field, c) {
					return true
				}
			}
		}
	}
	return false
}

// empty reports whether a cell is no value. A number that is 0 is one.
func empty(c any) bool {
	switch c := c.(type) {
	case nil:
		return true
	case string:
		return c == ""
	case time.Time:
		return c.IsZero()
	case yagura.Severity:
		return c == 0
	case yagura.Entity:
		return c.ID == ""
	}
	v := reflect.ValueOf(c)
	return v.Kind() == reflect.String && v.Len() == 0
}

// match reports whether a value holds for a cell.
func (v *Value) match(f *Field, c any) bool {
	switch f.Kind {
	case Number, Severity, Length:
		n, ok := number(c)
		return ok && v.Number <= n && n <= v.To
	case Time:
		t, ok := c.(time.Time)
		return ok && !t.Before(v.Time) && (v.End.IsZero() || t.Before(v.End))
	case Address:
		if v.Block.IsValid() {
			a, err := netip.ParseAddr(text(c))
			return err == nil && v.Block.Contains(a.Unmap())
		}
	case Entity:
		if e, ok := c.(yagura.Entity); ok {
			return (v.Entity == "" || v.Entity == e.Type) && v.matchText(f, e.ID)
		}
		return v.Entity == "" && v.matchText(f, text(c))
	}
	return v.matchText(f, text(c))
}

// matchText reports whether a value holds for a text.
func (v *Value) matchText(f *Field, s string) bool {
	s = Fold(s)
	parts := v.Parts
	if parts == nil {
		want := Fold(v.Text)
		if f.Within {
			return strings.Contains(s, want)
		}
		return s == want || f.Under != "" && strings.HasPrefix(s, want+f.Under)
	}
	if !f.Within {
		first, last := Fold(parts[0]), Fold(parts[len(parts)-1])
		if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
			return false
		}
		s, parts = s[len(first):len(s)-len(last)], parts[1:len(parts)-1]
	}
	for _, p := range parts {
		p = Fold(p)
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return true
}

// text returns a cell as text; named strings are texts as well.
func text(c any) string {
	switch c := c.(type) {
	case string:
		return c
	case yagura.Entity:
		return c.ID
	}
	if v := reflect.ValueOf(c); v.Kind() == reflect.String {
		return v.String()
	}
	return ""
}

// number returns a cell as a number.
func number(c any) (int64, bool) {
	switch v := reflect.ValueOf(c); {
	case v.CanInt():
		return v.Int(), true
	case v.CanUint():
		return int64(min(v.Uint(), math.MaxInt64)), true
	case v.CanFloat():
		return int64(v.Float()), true
	}
	return 0, false
}
