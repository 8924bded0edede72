package usual

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Spec is a rule about what is unusual, as its file has it.
type Spec struct {
	Kind Kind
	Of   Dimension // "" for travel
	Rare bool      // values that are rare, and not only new ones
	Bounds
	// Every is how often the rule runs: what happened in that time is judged by what happened
	// in the rest of the period.
	Every time.Duration
	// Fresh is how long a value counts as new after it was first seen: an event that meets Where
	// is found within it.
	Fresh time.Duration
	// Where is a condition that an event must meet to be found; Among is one that all events
	// must meet, also those that make the baseline. Both are SQL over the head columns.
	Where, Among string
	Formats      []string
	// Travel is for impossible travel.
	Travel          bool
	Speed, Distance float64
	Shared          int
}

// DefaultFresh is how long a value counts as new.
const DefaultFresh = 24 * time.Hour

// Tables are the tables that the rule names by its formats.
func (s *Spec) Tables() []string {
	out := make([]string, len(s.Formats))
	for i, f := range s.Formats {
		out[i] = tableOf(f)
	}
	return out
}

// CheckCondition says why a text is not one condition of SQL: what is wrong in it, and where,
// in bytes. The engine says the rest when the rule runs.
func CheckCondition(text string) (at int, err error) {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\'', '"':
			n := strings.IndexByte(text[i+1:], c)
			if n < 0 {
				return i, fmt.Errorf("the quote %c is not closed", c)
			}
			i += n + 1
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return i, fmt.Errorf("the bracket %c closes nothing", c)
			}
		case ';', '$', 0:
			return i, fmt.Errorf("the character %q is not part of a condition", c)
		case '-', '/':
			if strings.HasPrefix(text[i:], "--") || strings.HasPrefix(text[i:], "/*") {
				return i, fmt.Errorf("a condition has no comments")
			}
		}
	}
	if depth > 0 {
		return len(text), fmt.Errorf("%d brackets are not closed", depth)
	}
	return 0, nil
}

func condition(s string) string {
	if strings.TrimSpace(s) == "" {
		return "true"
	}
	return "(" + strings.TrimSpace(s) + ")"
}

// RuleColumns are the columns of the rows that the query of a rule about new or rare values
// gives.
var RuleColumns = []string{"event_id", "time", "actor", "account", "region", "action", "src_ip", "access_key", "user_agent", "target_id", "value", "first_seen", "count", "total", "days",
	"known_days", "values_known", "since", "last", "peers", "peers_with", "unusual"}

// TravelColumns are those of a rule about impossible travel.
var TravelColumns = []string{"event_id", "time", "actor", "account", "region", "action", "src_ip", "access_key", "user_agent", "from_ip", "from_time", "from_place", "to_place", "km", "minutes", "kmh", "unusual"}

// Query writes the rule's query. It sees now() as the end of a window.
func (s *Spec) Query() string {
	if s.Travel {
		return s.travel()
	}
	b := s.Filled()
	found := "v.hit = v.window_hit AND v.hit < v.first + " + span(positive(s.Fresh, DefaultFresh))
	words := "'first'"
	if s.Rare {
		found = "(v.n = 0 OR v.n < " + strconv.FormatFloat(b.Share, 'g', -1, 64) + " * t.total AND v.days < " + strconv.Itoa(b.Days) + ")"
		words = "CASE WHEN v.n = 0 THEN 'first' ELSE 'rare' END"
	}
	if s.Of == Hour {
		found += " AND t.known_values <= " + strconv.Itoa(maxHours)
	}
	return strings.NewReplacer("{src}", source(s.Formats, s.Of == Country), "{who}", s.Kind.who(), "{raw}", s.Of.raw(), "{of}", literal(string(s.Of)),
		"{every}", span(s.Every), "{among}", condition(s.Among), "{where}", condition(s.Where), "{found}", found, "{learning}", span(b.Learning), "{restless}", strconv.Itoa(b.Restless),
		"{events}", strconv.FormatInt(b.Events, 10), "{words}", words, "{days}", strconv.Itoa(daysOf(b.Period))).Replace(ruleSQL)
}

// ruleSQL groups before it joins, and writes no star: all columns are the records, too. The id
// of an event, the largest column, is read for the events of the window alone.
const ruleSQL = `WITH g AS (
  SELECT {who} AS who, account, format, actor_type, {raw} AS said, date_trunc('day', time) AS day, count(*) FILTER (WHERE time < now() - {every}) AS n, min(time) AS first,
    max(time) FILTER (WHERE time < now() - {every}) AS last, min(time) FILTER (WHERE {where}) AS hit, min(time) FILTER (WHERE time >= now() - {every} AND {where}) AS window_hit
  FROM {src} WHERE {who} <> '' AND {raw} <> '' AND {among} GROUP BY ALL
), m AS (SELECT said, usual_value({of}, said) AS value FROM (SELECT DISTINCT said FROM g)
), h AS (SELECT who, account, format, actor_type, day, n, first, last, hit, window_hit, value FROM g JOIN m ON g.said = m.said WHERE value <> ''
), v AS (SELECT who, value, CAST(sum(n) AS BIGINT) AS n, count(DISTINCT day) FILTER (WHERE n > 0) AS days, min(first) AS first, max(last) AS last, min(hit) AS hit, min(window_hit) AS window_hit FROM h GROUP BY ALL
), t AS (SELECT who, CAST(sum(n) AS BIGINT) AS total, count(DISTINCT day) FILTER (WHERE n > 0) AS known_days, count(DISTINCT value) FILTER (WHERE n > 0) AS known_values, min(first) AS since FROM h GROUP BY ALL
), n AS (SELECT who, count(*) AS fresh FROM v WHERE v.n > 0 AND v.first >= now() - {every} - {learning} GROUP BY ALL
), c AS (
  SELECT v.who, v.value, v.n, v.days, v.first, v.last, v.window_hit AS hit, t.total, t.known_days, t.known_values, t.since
  FROM v JOIN t ON v.who = t.who LEFT JOIN n ON v.who = n.who
  WHERE v.window_hit IS NOT NULL AND {found} AND coalesce(n.fresh, 0) <= {restless} AND t.total >= {events} AND t.since <= v.window_hit - {learning}
), logs AS (SELECT account, format, min(first) AS log_since FROM h GROUP BY ALL
), w AS (
  SELECT e.id, e.time, e.account, e.region, e.action, e.actor_type, e.actor_id, e.session_of, e.access_key, e.src_ip, e.user_agent, e.target_id, e.who, c.value, c.n, c.days, c.first, c.last, c.total, c.known_days, c.known_values, c.since
  FROM (SELECT id, time, account, format, region, action, actor_type, actor_id, session_of, access_key, src_ip, user_agent, target_id, {who} AS who, {raw} AS said
    FROM {src} WHERE time >= now() - {every} AND {who} <> '' AND {raw} <> '' AND {among} AND {where}) e
  JOIN c ON e.who = c.who AND e.time = c.hit
  JOIN m ON e.said = m.said AND m.value = c.value
  JOIN logs ON e.account = logs.account AND e.format = logs.format
  WHERE logs.log_since <= e.time - {learning}
  QUALIFY row_number() OVER (PARTITION BY e.who, c.value ORDER BY e.id, e.account, e.format, e.action, e.src_ip, e.user_agent, e.target_id) = 1
), pr AS (
  SELECT w.who, w.value, h.who AS peer, bool_or(h.value = w.value) AS has
  FROM w JOIN (SELECT DISTINCT account, actor_type, who, value FROM h WHERE n > 0) h ON h.account = w.account AND h.actor_type = w.actor_type AND h.who <> w.who GROUP BY ALL
), p AS (SELECT who, value, count(*) AS peers, count(*) FILTER (WHERE has) AS peers_with FROM pr GROUP BY ALL
), f AS (
  SELECT id, time, account, region, action, actor_id, session_of, access_key, src_ip, user_agent, target_id, w.value, n, days, first, last, total, known_days, known_values, since, coalesce(p.peers, 0) AS peers, coalesce(p.peers_with, 0) AS peers_with FROM w LEFT JOIN p ON p.who = w.who AND p.value = w.value
)
SELECT id AS event_id, time, ` + actor + ` AS actor, account, region, action, src_ip, access_key, user_agent, target_id, value, first AS first_seen,
  n AS count, total, days, known_days, known_values AS values_known, since, last, peers, peers_with,
  usual_words({of}, value, {words}, n, total, days, known_days, known_values, epoch_us(since), epoch_us(last), peers, peers_with, {days}) AS unusual
FROM f v ORDER BY time, event_id, actor, value`

func (s *Spec) travel() string {
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	return strings.NewReplacer("{event}", "who, id, time, account, region, action, actor_id, session_of, access_key, src_ip, user_agent, hit", "{src}", source(s.Formats, false), "{who}", s.Kind.who(), "{every}", span(s.Every), "{among}", condition(s.Among), "{where}", condition(s.Where),
		"{speed}", number(positive(s.Speed, DefaultSpeed)), "{distance}", number(positive(s.Distance, DefaultDistance)), "{shared}", strconv.Itoa(positive(s.Shared, DefaultShared))).Replace(travelSQL)
}

// travelSQL follows each actor from address to address. A pair of networks between which it
// went before is usual, however far apart: somebody works through a VPN or another machine.
const travelSQL = `WITH a AS (
  SELECT src_ip, usual_place(src_ip) AS place, usual_value('network', src_ip) AS network FROM {src}
  WHERE {who} <> '' AND src_ip <> '' AND {among} GROUP BY src_ip HAVING count(DISTINCT {who}) <= {shared}
), e AS (
  SELECT who, id, time, account, region, action, actor_id, session_of, access_key, s.src_ip, user_agent, hit, place, network
  FROM (SELECT {who} AS who, id, time, account, region, action, actor_id, session_of, access_key, src_ip, user_agent, {where} AS hit
    FROM {src} WHERE {who} <> '' AND src_ip <> '' AND {among}) s JOIN a ON s.src_ip = a.src_ip WHERE place <> ''
), j AS (
  SELECT {event}, place, network, lag(place) OVER o AS from_place, lag(src_ip) OVER o AS from_ip, lag(network) OVER o AS from_network, lag(time) OVER o AS from_time
  FROM e WINDOW o AS (PARTITION BY who ORDER BY time, id, src_ip, action)
), k AS (
  SELECT {event}, place, from_place, from_ip, from_time, usual_km(from_place, place) AS km, (epoch_us(time) - epoch_us(from_time)) / 3600000000.0 AS hours, least(network, from_network) || ' ' || greatest(network, from_network) AS way
  FROM j WHERE from_place IS NOT NULL AND from_place <> place
), x AS (
  SELECT {event}, place, from_place, from_ip, from_time, km, hours FROM k WHERE km > {distance} AND km > {speed} * hours
  QUALIFY row_number() OVER (PARTITION BY who, way ORDER BY time, id, src_ip, action) = 1
)
SELECT id AS event_id, time, ` + actor + ` AS actor, account, region, action, src_ip, access_key, user_agent, from_ip, from_time, from_place, place AS to_place,
  CAST(round(km) AS BIGINT) AS km, CAST(round(hours * 60) AS BIGINT) AS minutes, CASE WHEN hours > 0 THEN CAST(round(km / hours) AS BIGINT) END AS kmh,
  CAST(round(km) AS BIGINT) || ' km from ' || from_ip || ' to ' || src_ip || ' in ' || CAST(round(hours * 60) AS BIGINT) || ' minutes' AS unusual
FROM x WHERE time >= now() - {every} AND hit ORDER BY time, event_id, actor`
