package app

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/store"
)

// The bounds of the list of events.
const (
	eventsPage    = 10 * time.Second // of a question to the lake, after which a page ends with what was found
	eventsCount   = 10 * time.Second // of a count
	eventsStep    = time.Hour        // of the first look back
	mostOfEvent   = 50               // findings of an event
	mostEventTime = 20               // times at which an event of a key is looked for
)

// eventColumns are what an event is read by, in order.
const eventColumns = "time, seen, key, id, format, source, object, number, account, region, service, action, actor_type, actor_id, actor_name, session_of, access_key, src_ip, user_agent, outcome, error, CAST(targets AS VARCHAR) AS targets, size"

// countryFormats are the formats whose header says the country of the address, as the record has
// it, and their tables. Nothing is looked up.
var countryFormats = []struct{ format, table string }{
	{"entra.signin", "entra_signin"}, {"okta.system", "okta_system"}, {"github.audit", "github_audit"}, {"aws.waf", "aws_waf"},
}

// countryTables is the SELECT of some columns of the events of these formats, with the country
// as the last; "" where the record says none.
func countryTables(columns string) string {
	var parts []string
	for _, f := range countryFormats {
		parts = append(parts, "SELECT "+columns+", CASE WHEN country = '-' THEN '' ELSE coalesce(country, '') END AS country FROM "+f.table)
	}
	return strings.Join(parts, "\nUNION ALL ")
}

// countryEvents is the same of all events.
func countryEvents(columns string) string {
	var formats []string
	for _, f := range countryFormats {
		formats = append(formats, "'"+f.format+"'")
	}
	return "SELECT " + columns + ", '' AS country FROM events WHERE format NOT IN (" + strings.Join(formats, ", ") + ")\nUNION ALL " + countryTables(columns)
}

// lakeSpan is what of the lake's time there is; ok is false for an empty lake.
func (c *console) lakeSpan(ctx context.Context) (from, to time.Time, ok bool, err error) {
	totals, err := c.serve.lake.Totals(ctx)
	for _, t := range totals {
		if t.Min.IsZero() {
			continue
		}
		if !ok || t.Min.Before(from) {
			from = t.Min.UTC()
		}
		to, ok = later(to, t.Max.UTC()), true
	}
	return from, to.Add(time.Millisecond), ok, err
}

// eventCursor is a place in the list of events: behind a row, or behind all of a time.
type eventCursor struct {
	Down   bool   `json:"d,omitempty"`
	At     int64  `json:"t"` // microseconds since 1970
	Key    string `json:"k,omitempty"`
	Object string `json:"o,omitempty"`
	Number int64  `json:"n,omitempty"`
}

func (x eventCursor) String() string {
	data, err := json.Marshal(x)
	if err != nil {
		panic(err) // texts and numbers
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func (x eventCursor) time() time.Time { return time.UnixMicro(x.At).UTC() }

func parseEventCursor(text string, down bool) (*eventCursor, error) {
	if text == "" {
		return nil, nil
	}
	x := &eventCursor{}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(data, x)
	}
	if err != nil || x.Down != down {
		return nil, badCursor()
	}
	return x, nil
}

// behind is the condition that a row comes after a place.
func (e *eventQuestion) behind(x *eventCursor) {
	op := ">"
	if x.Down {
		op = "<"
	}
	at, key, object, number := e.value(x.time()), e.value(x.Key), e.value(x.Object), e.value(x.Number)
	e.where = append(e.where, fmt.Sprintf("(time %[1]s %[2]s OR time = %[2]s AND (key %[1]s %[3]s OR key = %[3]s AND (object %[1]s %[4]s OR object = %[4]s AND number %[1]s %[5]s)))",
		op, at, key, object, number))
}

// sql writes the question for rows of the list.
func (e *eventQuestion) sql(order string) string {
	from := "events"
	with := ""
	if e.country {
		from, with = "known", "WITH known AS ("+countryEvents(strings.ReplaceAll(eventColumns, "CAST(targets AS VARCHAR) AS targets", "targets")+e.raw())+")\n"
	}
	where := ""
	if len(e.where) > 0 {
		where = "\nWHERE " + strings.Join(e.where, " AND ")
	}
	if order == "" {
		return with + fmt.Sprintf("SELECT count(*) AS n FROM (SELECT 1 AS one FROM %s%s LIMIT %d)", from, where, store.MostCounted+1)
	}
	return with + "SELECT " + eventColumns + "\nFROM " + from + where + fmt.Sprintf("\nORDER BY time %[1]s, key %[1]s, object %[1]s, number %[1]s", order)
}

// raw is the column of the record where free text is looked for.
func (e *eventQuestion) raw() string {
	if slices.ContainsFunc(e.where, func(s string) bool { return strings.Contains(s, "coalesce(raw, '')") }) {
		return ", raw"
	}
	return ""
}

// ListEvents implements [api.Events]. It looks at one stretch of time after the other, from the
// end where the list begins, each longer than the one before while little is found: the newest
// events are there at once however large the lake is, and a rare one is found in the end.
func (c *console) ListEvents(ctx context.Context, reach api.Reach, who string, ask api.Ask) (*api.List[api.Event], error) {
	if c.serve == nil || c.serve.lake == nil {
		return nil, onlyServed("yagura hunt asks the lake beside the store", "ストアのそばでは yagura hunt を使ってください")
	}
	question, err := askEvents(ask.Query, c.accounts().List())
	if err != nil {
		return nil, err
	}
	down := ask.Order.Down
	cursor, err := parseEventCursor(ask.After, down)
	if err != nil {
		return nil, err
	}
	out := &api.List[api.Event]{Items: []api.Event{}}
	first, last, ok, err := c.lakeSpan(ctx)
	if err != nil {
		return nil, err
	}
	from, to := later(first, question.from), last
	if !question.to.IsZero() && question.to.Before(to) {
		to = question.to
	}
	if !ok || !from.Before(to) {
		if ask.Total {
			out.Total = &api.Total{Exact: true}
		}
		return out, nil
	}
	done, err := c.serve.hunts.place(ctx, "events "+who)
	if err != nil {
		return nil, err
	}
	defer done()
	if ask.Total {
		if out.Total, err = c.countEventsOf(ctx, reach, question, from, to); err != nil {
			return nil, err
		}
	}
	if cursor != nil {
		question.behind(cursor)
		if down {
			to = earlier(to, cursor.time().Add(time.Microsecond))
		} else {
			from = later(from, cursor.time())
		}
	}
	return out, c.walkEvents(ctx, reach, question, from, to, cmp.Or(ask.Limit, 100), down, out)
}

func onlyServed(hint, hintJA string) error {
	return api.Refuse(api.CodeUnavailable, "only a running service answers this", "稼働中のサービスでのみ利用できます").Hinted(hint, hintJA)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// walkEvents fills a page from one end of a stretch of time to the other.
func (c *console) walkEvents(ctx context.Context, reach api.Reach, q *eventQuestion, from, to time.Time, limit int, down bool, out *api.List[api.Event]) error {
	within, cancel := context.WithTimeout(ctx, eventsPage)
	defer cancel()
	order := "ASC"
	if down {
		order = "DESC"
	}
	text := q.sql(order)
	for step, some := eventsStep, false; from.Before(to); some = true {
		a, b := from, earlier(to, from.Add(step))
		if down {
			a, b = later(from, to.Add(-step)), to
		}
		rows, err := c.askLake(within, reach, text, q.params, a, b, limit-len(out.Items)+1)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if within.Err() == nil || !some {
				return huntProblem(err)
			}
			break // the page ends with what was found so far
		}
		before := len(out.Items)
		for _, v := range rows {
			if len(out.Items) == limit {
				last := &out.Items[limit-1]
				out.Next = eventCursor{Down: down, At: last.Time.UnixMicro(), Key: last.Key.String(), Object: last.Object, Number: last.Record}.String()
				return nil
			}
			e, err := c.eventOf(v)
			if err != nil {
				return err
			}
			out.Items = append(out.Items, e)
		}
		if down {
			to = a
		} else {
			from = b
		}
		if len(out.Items)-before < (limit+1)/2 && step < 1<<20*time.Hour {
			step *= 4
		}
		if within.Err() != nil {
			break
		}
	}
	if from.Before(to) {
		// Behind all of the stretch that was looked at. Keys are digits, so that none is before
		// "" or behind "~".
		at := eventCursor{Down: down, At: from.UnixMicro()}
		if down {
			at.At, at.Key = to.UnixMicro(), ""
		} else {
			at.At--
			at.Key = "~"
		}
		out.Next = at.String()
	}
	return nil
}

// askLake asks the lake and returns the rows.
func (c *console) askLake(ctx context.Context, reach api.Reach, sql string, params map[string]any, from, to time.Time, limit int) (rows [][]any, err error) {
	res, err := c.serve.hunts.hunting.Run(ctx, hunt.Request{Language: hunt.SQL, Text: sql, Params: params, From: from, To: to, Limit: max(limit, 1),
		MaxBytes: consoleBytes, Timeout: eventsPage, Within: c.serve.within(reach)})
	if err != nil {
		return nil, err
	}
	for res.Next() {
		rows = append(rows, slices.Clone(res.Values()))
	}
	return rows, errors.Join(res.Err(), res.Close())
}

// countEventsOf counts what a question asks for; where that takes too long, it is not said.
func (c *console) countEventsOf(ctx context.Context, reach api.Reach, q *eventQuestion, from, to time.Time) (*api.Total, error) {
	within, cancel := context.WithTimeout(ctx, eventsCount)
	defer cancel()
	rows, err := c.askLake(within, reach, q.sql(""), q.params, from, to, 1)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && within.Err() != nil:
		return nil, nil
	case err != nil:
		return nil, huntProblem(err)
	case len(rows) != 1:
		return nil, fmt.Errorf("a count of events has %d rows", len(rows))
	}
	n, ok := rows[0][0].(int64)
	if !ok {
		return nil, fmt.Errorf("a count of events is %T", rows[0][0])
	}
	return &api.Total{N: min(n, store.MostCounted), Exact: n <= store.MostCounted}, nil
}

// eventOf reads a row of [eventColumns].
func (c *console) eventOf(v []any) (e api.Event, err error) {
	i := -1
	next := func() any { i++; return v[i] }
	text := func() string { s, _ := next().(string); return s }
	when := func() time.Time { t, _ := next().(time.Time); return t.UTC() }
	number := func() int64 {
		switch n := next().(type) {
		case int64:
			return n
		case int32:
			return int64(n)
		case int:
			return int64(n)
		}
		return 0
	}
	e.Time, e.Seen = when(), when()
	if err := e.Key.UnmarshalText([]byte(text())); err != nil {
		return e, err
	}
	e.ID, e.Format, e.Source, e.Object, e.Record = text(), text(), text(), text(), number()
	e.Account, e.Region, e.Service, e.Action = text(), text(), text(), text()
	e.Actor = yagura.Actor{Type: text(), ID: text(), Name: text(), SessionOf: text()}
	e.AccessKey, e.SrcIP, e.UserAgent, e.Outcome, e.Error = text(), text(), text(), text(), text()
	if list := text(); list != "" {
		if err := json.Unmarshal([]byte(list), &e.Targets); err != nil {
			return e, fmt.Errorf("targets of event %s: %w", e.Key, err)
		}
	}
	e.Size = number()
	e.AccountName = c.accounts().Lookup(e.Account).Name
	return e, nil
}
