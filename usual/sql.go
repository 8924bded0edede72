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
const MaxQuestions = 100

// MaxRows bounds the rows of one query.
const MaxRows = 10_000

// answerColumns are the columns of the rows that [Ask] gives, in order.
var answerColumns = []string{"n", "value", "count", "total", "days", "known_days", "values_", "fresh", "since", "log_since", "last", "peers", "peers_with"}

// Ask writes the one query that answers questions, and says from when until when it looks at
// events. There are at most [MaxQuestions] of them.
func Ask(questions []Question, b Bounds) (q Query, from, to time.Time, err error) {
	if len(questions) == 0 || len(questions) > MaxQuestions {
		return Query{}, from, to, fmt.Errorf("%d questions, not from 1 to %d", len(questions), MaxQuestions)
	}
	b = b.Filled()
	var order []Kind
	members := map[Kind][]int{}
	for i, x := range questions {
		k := KindOf(x.Entity)
		if k == "" || !slices.Contains(Dimensions(), x.Of) {
			return Query{}, from, to, fmt.Errorf("question %d: an entity of the type %q has no %q", i, x.Entity.Type, x.Of)
		}
		if x.Before.IsZero() {
			return Query{}, from, to, fmt.Errorf("question %d has no time", i)
		}
		if to.IsZero() || x.Before.After(to) {
			to = x.Before
		}
		if start := x.Before.Add(-b.Period); from.IsZero() || start.Before(from) {
			from = start
		}
		if members[k] == nil {
			order = append(order, k)
		}
		members[k] = append(members[k], i)
	}
	q.Params = map[string]any{}
	var with, selects []string
	for i, k := range order {
		var n, who, of, raw, before []string
		var dimensions []Dimension
		for _, j := range members[k] {
			x := questions[j]
			n = append(n, strconv.Itoa(j))
			who = append(who, k.fold(x.Entity.ID))
			of = append(of, string(x.Of))
			raw = append(raw, rawOf(x))
			before = append(before, x.Before.UTC().Format("2006-01-02 15:04:05.999999"))
			if !slices.Contains(dimensions, x.Of) {
				dimensions = append(dimensions, x.Of)
			}
		}
		s := strconv.Itoa(i)
		q.Params["n"+s], q.Params["who"+s], q.Params["of"+s], q.Params["raw"+s], q.Params["before"+s] = n, who, of, raw, before
		with = append(with, askKind(s, k, dimensions, b))
		selects = append(selects, "SELECT * FROM r"+s)
	}
	q.SQL = "WITH " + strings.Join(with, ",\n") + "\n" + strings.Join(selects, "\nUNION ALL ") + "\nORDER BY n"
	return q, from, to, nil
}

// rawOf is what the value of a question is made of.
func rawOf(x Question) string {
	switch x.Of {
	case Hour, Weekday:
		return x.Value // it is a value already: Values.Of takes it as it is
	case API:
		return clean(x.Value)
	}
	return strings.ReplaceAll(x.Value, "\x00", "")
}

// askKind are the common table expressions for the questions about entities of one kind. What
// the entities did is read once for all dimensions, and what their peers did once more.
func askKind(s string, k Kind, dimensions []Dimension, b Bounds) string {
	var columns, grouping, raws, sets, peerSets, habits, peers []string
	for i, d := range dimensions {
		r := "r" + strconv.Itoa(i)
		columns = append(columns, r)
		grouping = append(grouping, "grouping("+r+") AS g"+strconv.Itoa(i))
		raws = append(raws, d.raw()+" AS "+r)
		sets = append(sets, "(who, cutoff, account, format, actor_type, day, "+r+")")
		peerSets = append(peerSets, "(who, cutoff, peer, "+r+")")
		habits = append(habits, fmt.Sprintf("SELECT who, cutoff, account, actor_type, day, n, first, last, %s AS of, %s AS raw FROM g%s WHERE g%d = 0 AND %s <> ''", literal(string(d)), r, s, i, r))
		peers = append(peers, fmt.Sprintf("SELECT who, cutoff, peer, %s AS of, %s AS raw FROM o%s WHERE g%d = 0 AND %s <> ''", literal(string(d)), r, s, i, r))
	}
	text := askSQL
	if k != Actor { // nobody else is like an account
		text = strings.Replace(text, peersSQL, noPeersSQL, 1)
	}
	return strings.NewReplacer("{s}", s, "{src}", source(nil, slices.Contains(dimensions, Country)), "{who}", k.who(), "{raws}", strings.Join(raws, ", "), "{columns}", strings.Join(columns, ", "),
		"{grouping}", strings.Join(grouping, ", "), "{sets}", strings.Join(sets, ", "), "{peersets}", strings.Join(peerSets, ", "), "{habits}", strings.Join(habits, "\n  UNION ALL "),
		"{peers}", strings.Join(peers, "\n  UNION ALL "), "{period}", span(b.Period), "{learning}", span(b.Learning)).Replace(text)
}

const (
	askSQL = `q{s} AS (SELECT CAST(n AS BIGINT) AS n, who, of, usual_value(of, raw) AS value, CAST(cutoff AS TIMESTAMP) AS cutoff
  FROM (SELECT unnest($n{s}) AS n, unnest($who{s}) AS who, unnest($of{s}) AS of, unnest($raw{s}) AS raw, unnest($before{s}) AS cutoff)),
w{s} AS (SELECT DISTINCT who, cutoff FROM q{s}),
g{s} AS (SELECT who, cutoff, account, format, actor_type, day, {columns}, {grouping}, count(*) AS n, min(time) AS first, max(time) AS last
  FROM (SELECT w.who, w.cutoff, account, format, actor_type, time, date_trunc('day', time) AS day, {raws} FROM {src} e JOIN w{s} w ON {who} = w.who
    WHERE time < w.cutoff AND time >= w.cutoff - {period})
  GROUP BY GROUPING SETS ({sets})),
d{s} AS ({habits}),
m{s} AS (SELECT of, raw, usual_value(of, raw) AS value FROM (SELECT DISTINCT of, raw FROM d{s})),
h{s} AS (SELECT d.* EXCLUDE (raw), value FROM d{s} d JOIN m{s} m ON d.of = m.of AND d.raw = m.raw WHERE value <> ''),
v{s} AS (SELECT who, cutoff, of, value, sum(n) AS n, count(DISTINCT day) AS days, min(first) AS first, max(last) AS last FROM h{s} GROUP BY ALL),
f{s} AS (SELECT who, cutoff, of, count(*) AS fresh FROM v{s} WHERE first >= cutoff - {learning} GROUP BY ALL),
t{s} AS (SELECT who, cutoff, of, sum(n) AS total, count(DISTINCT day) AS known_days, count(DISTINCT value) AS values_, min(first) AS since FROM h{s} GROUP BY ALL),
c{s} AS (SELECT DISTINCT who, cutoff, account AS of_account, actor_type AS of_type FROM h{s}),
l{s} AS (SELECT c.who, c.cutoff, min(time) AS log_since FROM {src} e JOIN (SELECT DISTINCT who, cutoff, of_account FROM c{s}) c ON e.account = c.of_account
  WHERE time < c.cutoff AND time >= c.cutoff - {period} GROUP BY ALL),
` + peersSQL + `
pp{s} AS (SELECT who, cutoff, of, count(DISTINCT peer) AS peers FROM p{s} GROUP BY ALL),
pv{s} AS (SELECT who, cutoff, of, value, count(DISTINCT peer) AS peers_with FROM p{s} GROUP BY ALL),
r{s} AS (SELECT q.n, q.value, CAST(coalesce(v.n, 0) AS BIGINT) AS count, CAST(coalesce(t.total, 0) AS BIGINT) AS total, coalesce(v.days, 0) AS days, coalesce(t.known_days, 0) AS known_days,
    coalesce(t.values_, 0) AS values_, coalesce(f.fresh, 0) AS fresh, t.since, l.log_since, v.last, coalesce(pp.peers, 0) AS peers, coalesce(pv.peers_with, 0) AS peers_with
  FROM q{s} q LEFT JOIN v{s} v ON v.who = q.who AND v.cutoff = q.cutoff AND v.of = q.of AND v.value = q.value LEFT JOIN t{s} t ON t.who = q.who AND t.cutoff = q.cutoff AND t.of = q.of
  LEFT JOIN f{s} f ON f.who = q.who AND f.cutoff = q.cutoff AND f.of = q.of LEFT JOIN l{s} l ON l.who = q.who AND l.cutoff = q.cutoff
  LEFT JOIN pp{s} pp ON pp.who = q.who AND pp.cutoff = q.cutoff AND pp.of = q.of
  LEFT JOIN pv{s} pv ON pv.who = q.who AND pv.cutoff = q.cutoff AND pv.of = q.of AND pv.value = q.value)`

	peersSQL = `o{s} AS (SELECT who, cutoff, peer, {columns}, {grouping}
  FROM (SELECT c.who, c.cutoff, {who} AS peer, {raws} FROM {src} e JOIN c{s} c ON e.account = c.of_account AND e.actor_type = c.of_type
    WHERE time < c.cutoff AND time >= c.cutoff - {period})
  WHERE peer <> who AND peer <> ''
  GROUP BY GROUPING SETS ({peersets})),
pd{s} AS ({peers}),
p{s} AS (SELECT who, cutoff, peer, d.of, value FROM pd{s} d JOIN (SELECT of, raw, usual_value(of, raw) AS value FROM (SELECT DISTINCT of, raw FROM pd{s})) m ON d.of = m.of AND d.raw = m.raw WHERE value <> ''),`
	noPeersSQL = `p{s} AS (SELECT '' AS who, TIMESTAMP '1970-01-01' AS cutoff, '' AS peer, '' AS of, '' AS value WHERE false),`
)

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
