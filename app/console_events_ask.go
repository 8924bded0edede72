package app

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/filter"
)

// eventQuestion is a question to the list of events as one to the lake: a condition over the
// table of events, with its parameters, and the times that it can be true in.
type eventQuestion struct {
	where  []string
	params map[string]any
	from   time.Time // zero: no bound
	to     time.Time
	// country says that it names countries, which are columns of a few formats.
	country bool
}

// askEvents writes a query in SQL. Texts are compared without case, as the engine folds it.
func askEvents(q *filter.Query, accounts []yagura.AccountInfo) (*eventQuestion, error) {
	e := &eventQuestion{params: map[string]any{}}
	if q == nil {
		return e, nil
	}
	for i := range q.Terms {
		t := &q.Terms[i]
		cond, err := e.term(t, accounts)
		if err != nil {
			return nil, err
		}
		if t.Not {
			cond = "NOT " + cond
		} else if t.Field != nil && t.Field.Name == "time" {
			e.narrow(t)
		}
		e.where = append(e.where, cond)
	}
	return e, nil
}

// narrow takes the bounds of a term of times.
func (e *eventQuestion) narrow(t *filter.Term) {
	var from, to time.Time
	for i, v := range t.Values {
		if v.Op == filter.Has {
			return
		}
		if i == 0 || v.Time.Before(from) {
			from = v.Time // the zero time, which is no bound, is before all others
		}
		if i == 0 || !to.IsZero() && (v.End.IsZero() || v.End.After(to)) {
			to = v.End
		}
	}
	e.from = later(e.from, from)
	if !to.IsZero() && (e.to.IsZero() || to.Before(e.to)) {
		e.to = to
	}
}

// value makes a parameter and returns what stands for it.
func (e *eventQuestion) value(v any) string {
	name := fmt.Sprintf("p%d", len(e.params))
	e.params[name] = v
	return "$" + name
}

func (e *eventQuestion) term(t *filter.Term, accounts []yagura.AccountInfo) (string, error) {
	var any []string
	for i := range t.Values {
		cond, err := e.holds(t, &t.Values[i], accounts)
		if err != nil {
			return "", err
		}
		any = append(any, cond)
	}
	return "(" + strings.Join(any, " OR ") + ")", nil
}

// eventTexts are the columns of the fields that are texts.
var eventTexts = map[string][]string{
	"id": {"id"}, "key": {"key"}, "format": {"format"}, "source": {"source"}, "object": {"object"}, "region": {"region"}, "service": {"service"}, "action": {"action"},
	"actor": {"actor_id", "actor_name"}, "actor_type": {"actor_type"}, "session_of": {"session_of"}, "access_key": {"access_key"}, "agent": {"user_agent"},
	"outcome": {"outcome"}, "error": {"error"},
}

// holds is the condition that an event has a value. It is true or false, and never NULL.
func (e *eventQuestion) holds(t *filter.Term, v *filter.Value, accounts []yagura.AccountInfo) (string, error) {
	if t.Field == nil {
		return e.text(&filter.Field{Within: true}, v, "coalesce(raw, '')"), nil
	}
	switch f := t.Field; f.Name {
	case "account":
		list := []string{e.text(f, v, "account")}
		if v.Op != filter.Has && v.Op != filter.Lacks {
			list = append(list, e.among(t, v, accounts, func(a *yagura.AccountInfo) string { return a.Name }))
		}
		return anyOf(list), nil
	case "tenant":
		return e.among(t, v, accounts, func(a *yagura.AccountInfo) string { return a.Organisation }), nil
	case "owner":
		return e.among(t, v, accounts, func(a *yagura.AccountInfo) string { return a.Owner }), nil
	case "environment":
		return e.among(t, v, accounts, func(a *yagura.AccountInfo) string { return a.Environment }), nil
	case "country":
		e.country = true
		return e.countryHolds(f, v), nil
	case "time", "seen":
		return e.timeHolds(f, v)
	case "size":
		return e.numberHolds(v), nil
	case "ip":
		return e.addressHolds(f, v), nil
	case "target":
		return e.targetHolds(f, v), nil
	case "entity":
		return e.entityHolds(f, v), nil
	default:
		columns := eventTexts[f.Name]
		if columns == nil {
			return "", fmt.Errorf("events cannot be asked by %q", f.Name)
		}
		return e.text(f, v, columns...), nil
	}
}

func anyOf(list []string) string { return "(" + strings.Join(list, " OR ") + ")" }

// text is the condition that one of some columns meets a value; with none, that all are empty.
func (e *eventQuestion) text(f *filter.Field, v *filter.Value, columns ...string) string {
	var list []string
	for _, c := range columns {
		switch {
		case v.Op == filter.Has:
			list = append(list, c+" <> ''")
		case v.Op == filter.Lacks:
			list = append(list, c+" = ''")
		default:
			list = append(list, e.textIs(f, v, "lower("+c+")"))
		}
	}
	if v.Op == filter.Lacks {
		return "(" + strings.Join(list, " AND ") + ")"
	}
	return anyOf(list)
}

// textIs compares a text in small letters. The engine knows no NFKC: a value is looked for as it
// was written, and as lists of the store fold it.
func (e *eventQuestion) textIs(f *filter.Field, v *filter.Value, column string) string {
	var list []string
	for _, fold := range []func(string) string{strings.ToLower, filter.Fold} {
		var cond string
		switch {
		case v.Parts != nil:
			parts := make([]string, len(v.Parts))
			for i, p := range v.Parts {
				parts[i] = likeSigns.Replace(fold(p))
			}
			pattern := strings.Join(parts, "%")
			if f.Within {
				pattern = "%" + pattern + "%"
			}
			cond = column + " LIKE " + e.value(pattern) + ` ESCAPE '\'`
		case f.Within:
			cond = "contains(" + column + ", " + e.value(fold(v.Text)) + ")"
		default:
			cond = column + " = " + e.value(fold(v.Text))
			if f.Under != "" {
				cond = "(" + cond + " OR starts_with(" + column + ", " + e.value(fold(v.Text)+f.Under) + "))"
			}
		}
		list = append(list, cond)
		if isASCII(v.Text) {
			break // both are the same
		}
	}
	return anyOf(list)
}

var likeSigns = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

// among is the condition that the account is one of those of the registry of which something
// meets a value. What is not in the registry has no such thing.
func (e *eventQuestion) among(t *filter.Term, v *filter.Value, accounts []yagura.AccountInfo, of func(*yagura.AccountInfo) string) string {
	one := &filter.Query{List: filter.Events, Terms: []filter.Term{{Field: t.Field, Values: []filter.Value{*v}}}}
	not := ""
	if v.Op == filter.Lacks {
		one.Terms[0].Values[0].Op, not = filter.Has, "NOT "
	}
	var ids []string
	for i := range accounts {
		a := &accounts[i]
		if a.ID != "" && one.Match(func(string) []any { return []any{of(a)} }) {
			ids = append(ids, e.value(a.ID))
		}
	}
	if len(ids) == 0 {
		return "(" + not + "false)"
	}
	return "(account " + not + "IN (" + strings.Join(ids, ", ") + "))"
}

func (e *eventQuestion) timeHolds(f *filter.Field, v *filter.Value) (string, error) {
	switch {
	case v.Op == filter.Has:
		return "true", nil
	case v.Op == filter.Lacks && f.Name == "time":
		return "", api.Refuse(api.CodeBadQuery, "events that do not say their time are not listed", "発生時刻のないイベントは一覧に出ません").
			Hinted("open one by its key, or hunt", "キーで開くか、ハントを使ってください").At(api.Place{Line: 1, Column: v.Start + 1, Start: v.Start, End: v.Span.End})
	case v.Op == filter.Lacks:
		return "false", nil
	}
	list := []string{"true"}
	if !v.Time.IsZero() {
		list = append(list, f.Name+" >= "+e.value(v.Time.UTC()))
	}
	if !v.End.IsZero() {
		list = append(list, f.Name+" < "+e.value(v.End.UTC()))
	}
	return "coalesce(" + strings.Join(list, " AND ") + ", false)", nil
}

func (e *eventQuestion) numberHolds(v *filter.Value) string {
	list := []string{fmt.Sprint(v.Op != filter.Lacks)}
	if v.Op != filter.Has && v.Op != filter.Lacks {
		if v.Number != math.MinInt64 {
			list = append(list, "size >= "+e.value(v.Number))
		}
		if v.To != math.MaxInt64 {
			list = append(list, "size <= "+e.value(v.To))
		}
	}
	return "(" + strings.Join(list, " AND ") + ")"
}

func (e *eventQuestion) addressHolds(f *filter.Field, v *filter.Value) string {
	b := v.Block
	if v.Op == filter.Has || v.Op == filter.Lacks || !b.IsValid() {
		return e.text(f, v, "src_ip")
	}
	if b.IsSingleIP() {
		return "(lower(src_ip) IN (" + e.value(strings.ToLower(v.Text)) + ", " + e.value(b.Addr().String()) + "))"
	}
	return "coalesce(" + within4or6(b) + "(src_ip, " + e.value(b.Masked().String()) + "), false)"
}

func within4or6(b netip.Prefix) string {
	if b.Addr().Is4() {
		return "kql_ipv4_is_in_range"
	}
	return "kql_ipv6_is_in_range"
}

// targetHolds looks into the list of targets.
func (e *eventQuestion) targetHolds(f *filter.Field, v *filter.Value) string {
	const n = "coalesce(len(from_json(targets, '[{\"type\":\"VARCHAR\",\"id\":\"VARCHAR\"}]')), 0)"
	switch v.Op {
	case filter.Has:
		return "(" + n + " > 0)"
	case filter.Lacks:
		return "(" + n + " = 0)"
	}
	cond := e.textIs(&filter.Field{}, v, "lower(x.id)")
	if v.Entity != "" {
		cond = "x.type = " + e.value(v.Entity) + " AND " + cond
	}
	return "(coalesce(len(list_filter(from_json(targets, '[{\"type\":\"VARCHAR\",\"id\":\"VARCHAR\"}]'), x -> " + cond + ")), 0) > 0)"
}

// entityHolds is the condition that an event is about an entity, whichever part it has.
func (e *eventQuestion) entityHolds(f *filter.Field, v *filter.Value) string {
	if v.Op == filter.Has || v.Op == filter.Lacks {
		has := "(actor_id <> '' OR src_ip <> '' OR account <> '' OR " + e.targetHolds(f, &filter.Value{Op: filter.Has}) + ")"
		if v.Op == filter.Lacks {
			return "NOT " + has
		}
		return has
	}
	plain := &filter.Field{}
	actor := e.text(plain, v, "actor_id", "actor_name")
	if v.Entity != "" {
		actor = "(actor_type = " + e.value(v.Entity) + " AND " + actor + ")"
	}
	list := []string{actor, e.targetHolds(f, v)}
	for _, c := range []struct {
		column string
		types  []string
	}{
		{"session_of", []string{yagura.EntityUser, yagura.EntityRole}}, {"src_ip", []string{yagura.EntityIP}},
		{"access_key", []string{yagura.EntityKey}}, {"account", []string{yagura.EntityAccount}},
	} {
		if v.Entity == "" || slices.Contains(c.types, v.Entity) {
			list = append(list, e.text(plain, v, c.column))
		}
	}
	return anyOf(list)
}

// countryHolds is the condition that the record says a country: by its code, or by its name in
// English, as some logs have it.
func (e *eventQuestion) countryHolds(f *filter.Field, v *filter.Value) string {
	code := ""
	if v.Parts == nil && v.Op != filter.Has && v.Op != filter.Lacks {
		code = countryCode(v.Text)
	}
	if len(code) != 2 {
		return e.text(f, v, "country")
	}
	var list []string
	for _, s := range countrySpellings(code) {
		list = append(list, e.value(s))
	}
	return "(lower(country) IN (" + strings.Join(list, ", ") + "))"
}
