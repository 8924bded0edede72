package hunt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/lake/view"
	"github.com/yagura-sec/yagura/query/kql"
)

// schema is what KQL sees of the tables.
type schema struct{ set *tableSet }

// Table finds a table. KQL compares names with regard to case.
func (s schema) Table(name string) (*kql.Table, bool) {
	if alias, ok := strings.CutPrefix(name, "_GetWatchlist('"); ok {
		name = "_GetWatchlist('" + WatchlistName(strings.TrimSuffix(alias, "')")) + "')"
	}
	if e, ok := s.set.named(name); ok && (e.Name == name || e.KQL == name) {
		t := &kql.Table{Name: e.Name, Time: e.Time}
		for _, c := range e.Columns {
			t.Columns = append(t.Columns, kql.Column{Name: c.Name, Type: kql.Type(c.Type)})
		}
		return t, true
	}
	v, ok := ofLake(name)
	if !ok || v.Name != name {
		return nil, false
	}
	t := &kql.Table{Name: v.Name, SQL: apart(v.Name), Time: v.Time}
	for _, c := range v.Columns {
		t.Columns = append(t.Columns, kql.Column{Name: c.Name, Type: kql.Type(c.Type)})
	}
	for _, a := range v.Aliases {
		if c, ok := v.Column(a); ok {
			t.Columns = append(t.Columns, kql.Column{Name: a, Type: kql.Type(c.Type), Source: c.Name})
		}
	}
	return t, true
}

// apart is the name in SQL of a table of the lake whose name another's differs from in case
// alone (Sentinel's Syslog is not syslog), "" for every other: one question may read both.
func apart(name string) string {
	n := 1
	for _, t := range view.All() {
		switch {
		case t.Name == name && n == 1:
			return ""
		case t.Name == name:
			return fmt.Sprintf("%s %d", name, n)
		case strings.EqualFold(t.Name, name):
			n++
		}
	}
	return ""
}

// external is the watchlist that was imported for the addresses of externaldata.
func (s schema) external(addresses []string, _ string, _ int) (*kql.Table, bool) {
	e, ok := s.set.external(addresses)
	if !ok {
		return nil, false
	}
	t := &kql.Table{Name: e.Name}
	for _, name := range e.Listed {
		t.Columns = append(t.Columns, kql.Column{Name: name, Type: "string"})
	}
	return t, true
}

// Names are the names of all tables.
func (s schema) Names() []string {
	var out []string
	for _, t := range view.All() {
		out = append(out, t.Name)
	}
	for _, e := range s.set.extra {
		out = append(out, cmp.Or(e.KQL, e.Name))
	}
	return out
}

// maxDiscovered is how many columns a plugin may make of values.
const maxDiscovered = 2000

// discover runs a plan of one column of text and returns its values: columns of pivot and
// bag_unpack are named by what is in the table.
func (h *Hunter) discover(ctx context.Context, k *kql.Plan, r Request, rng Range, set *tableSet) (out []string, err error) {
	_, rows, err := h.ask(ctx, func() (*Plan, error) {
		p := &Plan{within: r.Within, Language: KQL, Stats: Stats{Range: rng}, Query: Query{SQL: k.SQL, Now: r.Now, MaxRows: maxDiscovered, MaxBytes: r.MaxBytes, Timeout: r.Timeout}}
		return p, h.views(ctx, p, usesOf(k), set, rng)
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if v, ok := rows.Values()[0].(string); ok {
			out = append(out, v)
		}
	}
	return out, rows.Err()
}

func usesOf(k *kql.Plan) []Use {
	var uses []Use
	for _, t := range k.Tables {
		u := Use{Table: t.Table, Name: t.SQL, Columns: t.Columns}
		for _, c := range t.Where {
			u.Where = append(u.Where, Cond(c))
		}
		for _, x := range t.Holds {
			var h view.Hold
			for _, one := range x.Any {
				h.Any = append(h.Any, view.Text(one))
			}
			u.Holds = append(u.Holds, h)
		}
		uses = append(uses, u)
	}
	return uses
}

// compileKQL writes the question as SQL into the plan and says what it uses. Tables that the
// question does not bound itself are bounded by rng; all are read for the range read.
func (h *Hunter) compileKQL(ctx context.Context, p *Plan, r Request, rng, read Range, set *tableSet) ([]Use, error) {
	params := map[string]string{}
	for name, v := range r.Params {
		s, err := literal(v, declared(r.Text, name))
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		params[name] = s
	}
	// ASIM's functions that the query calls stand in a line before it.
	before := view.Prelude(r.Text)
	k, err := kql.Compile(before+r.Text, schema{set}, kql.Options{Now: r.Now, From: rng.From, To: rng.To, Params: params, External: schema{set}.external,
		Discover: func(k *kql.Plan) ([]string, error) { return h.discover(ctx, k, r, read, set) }})
	if err != nil {
		if e, ok := errors.AsType[*kql.Error](err); ok {
			return nil, &Error{Line: e.Line - strings.Count(before, "\n"), Col: e.Col, Message: e.Message, Hint: e.Hint}
		}
		return nil, err
	}
	p.Query.SQL, p.Query.Params = k.SQL, nil
	for _, c := range k.Columns {
		p.Columns = append(p.Columns, Column{Name: c.Name, Type: string(c.Type)})
	}
	if k.Chart != "" {
		p.Chart = &Chart{Kind: k.Chart}
	}
	p.Stats.Missing = k.Missing
	return usesOf(k), nil
}

// declared is the type of a parameter in declare query_parameters, "" if none.
func declared(text, name string) string {
	m := regexp.MustCompile(`(?s)\bdeclare\s+query_parameters\s*\(.*?\b` + regexp.QuoteMeta(name) + `\s*:\s*(\w+)`).FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return m[1]
}

// literal writes a value as KQL has it.
func literal(v any, typ string) (string, error) {
	switch v := v.(type) {
	case string:
		switch typ {
		case "int", "long", "real", "double", "decimal", "bool", "datetime", "timespan", "guid", "dynamic":
			if strings.ContainsAny(v, "()|;\"'\n") && typ != "dynamic" {
				return "", fmt.Errorf("%q is no %s", v, typ)
			}
			return typ + "(" + v + ")", nil
		}
		return quoteKQL(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return "long(" + strconv.FormatInt(v, 10) + ")", nil
	case float64:
		return "real(" + strconv.FormatFloat(v, 'g', -1, 64) + ")", nil
	case bool:
		return strconv.FormatBool(v), nil
	case time.Time:
		return "datetime(" + v.UTC().Format("2006-01-02T15:04:05.9999999Z") + ")", nil
	case time.Duration:
		return "time(" + strconv.FormatInt(int64(v/100), 10) + "tick)", nil
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = quoteKQL(s)
		}
		return "dynamic([" + strings.Join(quoted, ", ") + "])", nil
	}
	return "", fmt.Errorf("a value of the type %T", v)
}

func quoteKQL(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
