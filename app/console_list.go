package app

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/filter"
)

// row is what a list that is in memory knows of an item: its values by the names of fields
// (string, []string, int64, float64, bool, time.Time, time.Duration, yagura.Severity), and the
// texts that free text is looked for in.
type row struct {
	id     string
	values map[string]any
	texts  []string
}

// page answers a question to a list that is in memory. Sorts are names of fields.
func page[T any](ask api.Ask, items []T, rowOf func(*T) row) (*api.List[T], error) {
	type held struct {
		item T
		row
	}
	var all []held
	for i := range items {
		if r := rowOf(&items[i]); rowHolds(ask.Query, r) {
			all = append(all, held{items[i], r})
		}
	}
	slices.SortStableFunc(all, func(a, b held) int {
		c := compare(a.values[ask.Order.Key], b.values[ask.Order.Key])
		if ask.Order.Down {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(a.id, b.id))
	})
	from := 0
	if ask.After != "" {
		// The item that was the last of the page before; where it is gone, its place.
		text, err := base64.RawURLEncoding.DecodeString(ask.After)
		number, id, ok := strings.Cut(string(text), " ")
		n, err2 := strconv.Atoi(number)
		if err != nil || err2 != nil || !ok || n < 0 {
			return nil, api.Refuse(api.CodeBadRequest, "cursor: it is not one that was given out", "cursor の値が正しくありません")
		}
		if from = slices.IndexFunc(all, func(h held) bool { return h.id == id }) + 1; from == 0 {
			from = min(n, len(all))
		}
	}
	limit := cmp.Or(ask.Limit, 100)
	out := &api.List[T]{Items: []T{}}
	for _, h := range all[from:min(from+limit, len(all))] {
		out.Items = append(out.Items, h.item)
	}
	if end := from + len(out.Items); end < len(all) {
		out.Next = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(end) + " " + all[end-1].id))
	}
	if ask.Total {
		out.Total = &api.Total{N: int64(len(all)), Exact: true}
	}
	return out, nil
}

// compare orders values of one type; what is not there is the least.
func compare(a, b any) int {
	switch x := a.(type) {
	case nil:
		if b == nil {
			return 0
		}
		return -1
	case string:
		y, _ := b.(string)
		return cmp.Compare(filter.Fold(x), filter.Fold(y))
	case int64:
		y, _ := b.(int64)
		return cmp.Compare(x, y)
	case float64:
		y, _ := b.(float64)
		return cmp.Compare(x, y)
	case bool:
		y, _ := b.(bool)
		return cmp.Compare(btoi(x), btoi(y))
	case time.Time:
		y, _ := b.(time.Time)
		return x.Compare(y)
	case time.Duration:
		y, _ := b.(time.Duration)
		return cmp.Compare(x, y)
	case yagura.Severity:
		y, _ := b.(yagura.Severity)
		return cmp.Compare(x, y)
	}
	return 0
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// rowHolds reports whether a row is what a query asks for; nil asks for everything.
func rowHolds(q *filter.Query, r row) bool {
	if q == nil {
		return true
	}
	for i := range q.Terms {
		if t := &q.Terms[i]; termHolds(t, r) == t.Not {
			return false
		}
	}
	return true
}

func termHolds(t *filter.Term, r row) bool {
	if t.Field == nil {
		return slices.ContainsFunc(r.texts, func(s string) bool { return textHolds(&filter.Field{Within: true}, &t.Values[0], s) })
	}
	v := r.values[t.Field.Name]
	return slices.ContainsFunc(t.Values, func(x filter.Value) bool { return valueHolds(t.Field, &x, v) })
}

// valueHolds reports whether a value of a row is what is asked for.
func valueHolds(f *filter.Field, x *filter.Value, v any) bool {
	switch x.Op {
	case filter.Has:
		return !absent(v)
	case filter.Lacks:
		return absent(v)
	}
	switch v := v.(type) {
	case string:
		return v != "" && textHolds(f, x, v)
	case []string:
		return slices.ContainsFunc(v, func(s string) bool { return textHolds(f, x, s) })
	case int64:
		return v >= x.Number && v <= x.To
	case float64:
		return v >= float64(x.Number) && v <= float64(x.To)
	case bool:
		return int64(btoi(v)) == x.Number
	case time.Duration:
		return int64(v) >= x.Number && int64(v) <= x.To
	case yagura.Severity:
		return v != 0 && int64(v) >= x.Number && int64(v) <= x.To
	case time.Time:
		return !v.IsZero() && (x.Time.IsZero() || !v.Before(x.Time)) && (x.End.IsZero() || v.Before(x.End))
	}
	return false
}

func absent(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []string:
		return len(v) == 0
	case time.Time:
		return v.IsZero()
	}
	return false
}

// textHolds compares a text without regard to case.
func textHolds(f *filter.Field, x *filter.Value, s string) bool {
	s = filter.Fold(s)
	if x.Parts != nil {
		return starred(x.Parts, s, f.Within)
	}
	want := filter.Fold(x.Text)
	switch {
	case f.Within:
		return strings.Contains(s, want)
	case f.Under != "" && strings.HasPrefix(s, want+f.Under):
		return true
	}
	return s == want
}

// starred reports whether a folded text is made of parts with anything between them.
func starred(parts []string, s string, within bool) bool {
	for i, p := range parts {
		p = filter.Fold(p)
		last := i == len(parts)-1
		switch {
		case i == 0 && !within:
			if !strings.HasPrefix(s, p) {
				return false
			}
			s = s[len(p):]
		case last && !within:
			return strings.HasSuffix(s, p)
		default:
			at := strings.Index(s, p)
			if at < 0 {
				return false
			}
			s = s[at+len(p):]
		}
	}
	return true
}
