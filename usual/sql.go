package usual

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Query is one SELECT over the tables of hunts, with the values of its parameters.
type Query struct {
	SQL    string
	Params map[string]any
}

// countries are the formats whose records name a country, in a column of their own.
var countries = []string{"aws.waf", "entra.signin", "github.audit", "okta.system"}

// head are the columns of every table that queries here may need.
var head = []string{"time", "id", "format", "account", "region", "service", "action", "actor_type", "actor_id", "actor_name", "session_of",
	"access_key", "src_ip", "user_agent", "outcome", "error", "target_type", "target_id"}

// tableOf is the table that has the records of a format.
func tableOf(format string) string { return strings.ReplaceAll(format, ".", "_") }

// source is what stands after FROM: the records of some formats, none means all. country adds
// the column country, which is empty where records have none.
func source(formats []string, country bool) string {
	switch {
	case country: // no table has the column for all formats
	case len(formats) == 0:
		return "events"
	case len(formats) == 1:
		return tableOf(formats[0])
	}
	var parts []string
	add := func(from string, says bool) { // whether records there say a country
		columns := strings.Join(head, ", ")
		switch {
		case says:
			columns += ", country"
		case country:
			columns += ", '' AS country"
		}
		parts = append(parts, "SELECT "+columns+" FROM "+from)
	}
	if len(formats) == 0 {
		add("events WHERE format NOT IN ('"+strings.Join(countries, "', '")+"')", false)
		formats = countries
	}
	for _, f := range formats {
		add(tableOf(f), country && slices.Contains(countries, f))
	}
	return "(" + strings.Join(parts, "\n  UNION ALL ") + ")"
}

// actor is [ActorOf] in SQL.
const actor = "CASE WHEN session_of = '' OR contains(session_of, '" + ssoRole + "') AND actor_id <> '' THEN actor_id ELSE session_of END"

// who is the expression that names the entity of an event. Names of actors are compared
// without regard to case: directories write one name in several ways.
func (k Kind) who() string {
	switch k {
	case AccessKey:
		return "access_key"
	case OfAccount:
		return "account"
	case Address:
		return "src_ip"
	}
	return "lower(" + actor + ")"
}

// fold is an entity's id as who has it.
func (k Kind) fold(id string) string {
	id = strings.ReplaceAll(id, "\x00", "")
	switch k {
	case Actor:
		return strings.ToLower(id)
	case Address:
		if a, ok := ParseAddress(id); ok {
			return a.String()
		}
	}
	return id
}

// addressMark stands before an address where there may be a country: not every source address
// is one, and the name of a service is no country.
const addressMark = "@"

// raw is the expression of what a value is made of. [Values.Of] makes the value, once for
// each that is different.
func (d Dimension) raw() string {
	switch d {
	case Network:
		return "src_ip"
	case Country:
		return "CASE WHEN country <> '' THEN country ELSE '" + addressMark + "' || src_ip END"
	case Agent:
		return "user_agent"
	case API:
		return "CASE WHEN action = '' THEN '' ELSE service || chr(31) || action END"
	case Hour, Weekday:
		return "CAST(epoch_us(time) // 900000000 AS VARCHAR)"
	case Resource:
		return "target_id"
	case Region:
		return "region"
	}
	return "account"
}

// literal is a constant text.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// span is a constant stretch of time.
func span(d time.Duration) string {
	return "to_microseconds(" + strconv.FormatInt(d.Microseconds(), 10) + ")"
}

// MaxQuestions bounds the questions of one query.
const MaxQuestions = 300

// MaxRows bounds the rows of one query.
const MaxRows = 10_000

// answerColumns are the columns of the rows that [Ask] gives, in order.
var answerColumns = []string{"n", "value", "count", "total", "days", "known_days", "values_", "fresh", "since", "log_since", "last", "peers", "peers_with"}

// Judge makes answers of the rows of [Ask]. A value of a row is nil, string, int64 or
// time.Time; its columns are [answerColumns].
func Judge(questions []Question, b Bounds, rows [][]any) ([]Answer, error) {
	b = b.Filled()
	out := make([]Answer, len(questions))
	seen := make([]bool, len(questions))
	for _, row := range rows {
		if len(row) != len(answerColumns) {
			return nil, fmt.Errorf("a row of %d columns, not %d", len(row), len(answerColumns))
		}
		n := whole(row[0])
		if n < 0 || n >= int64(len(questions)) || seen[n] {
			return nil, fmt.Errorf("a row for question %d, which was not asked once", n)
		}
		seen[n] = true
		value, _ := row[1].(string)
		a := Answer{Question: questions[n], Count: whole(row[2]), Total: whole(row[3]), Days: int(whole(row[4])), KnownDays: int(whole(row[5])), Values: int(whole(row[6])), Fresh: int(whole(row[7])),
			Since: moment(row[8]), LogSince: moment(row[9]), Last: moment(row[10]), Peers: int(whole(row[11])), PeersWith: int(whole(row[12])), Bounds: b}
		if value == "" {
			a.Unknown = true
		} else {
			a.Value = value
		}
		out[n] = a.judged(b)
	}
	for i, ok := range seen {
		if !ok {
			return nil, fmt.Errorf("no row answers question %d", i)
		}
	}
	return out, nil
}

// maxHours is at how many hours of the day somebody may be active and still have some at which
// it is unusual to be.
const maxHours = 12

// judged says what the numbers come to.
func (a Answer) judged(b Bounds) Answer {
	a.First, a.Rare = false, false
	a.Learning = a.Since.IsZero() || a.Since.After(a.Before.Add(-b.Learning)) || a.Total < b.Events
	a.Restless = !a.Learning && (a.Fresh > b.Restless || a.Of == Hour && a.Values > maxHours)
	if a.Learning || a.Restless || a.Unknown {
		return a
	}
	a.First = a.Count == 0
	a.Rare = !a.First && a.Days < b.Days && float64(a.Count) < b.Share*float64(a.Total)
	return a
}

func whole(v any) int64 {
	n, _ := v.(int64)
	return n
}

func moment(v any) time.Time {
	t, _ := v.(time.Time)
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}
