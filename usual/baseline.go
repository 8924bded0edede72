package usual

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// Habit is one value of a baseline.
type Habit struct {
	Of    Dimension `json:"of"`
	Value string    `json:"value"`
	Times int64     `json:"times"`
	Days  int       `json:"days"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Recent is the value's first event within the recent time, zero where it has none.
	Recent time.Time `json:"recent,omitzero"`
}

// maxHabits bounds the values of one dimension of a baseline: the most recent ones, then the
// most frequent.
const maxHabits = 500

// Baseline writes the query for what an entity did in [before - period, before), in some
// dimensions. What it did in the last of it, recent, is marked.
func Baseline(entity yagura.Entity, dimensions []Dimension, before time.Time, b Bounds, recent time.Duration) (q Query, from, to time.Time, err error) {
	k := KindOf(entity)
	if k == "" || len(dimensions) == 0 {
		return q, from, to, fmt.Errorf("an entity of the type %q has no habits", entity.Type)
	}
	b = b.Filled()
	q.Params = map[string]any{"id": k.fold(entity.ID), "recent": before.Add(-recent)}
	var with, selects []string
	for i, of := range dimensions {
		if !slices.Contains(Dimensions(), of) {
			return q, from, to, fmt.Errorf("%q is no dimension", of)
		}
		s := strconv.Itoa(i)
		r := strings.NewReplacer("{s}", s, "{src}", source(nil, of == Country), "{who}", k.who(), "{raw}", of.raw(), "{of}", literal(string(of)), "{most}", strconv.Itoa(maxHabits))
		with = append(with, r.Replace(`g{s} AS (SELECT {raw} AS said, date_trunc('day', time) AS day, count(*) AS n, min(time) AS first, max(time) AS last, min(time) FILTER (WHERE time >= $recent) AS recent
  FROM {src} WHERE {who} = $id AND {raw} <> '' GROUP BY ALL),
v{s} AS (SELECT value, CAST(sum(n) AS BIGINT) AS times, count(DISTINCT day) AS days, min(first) AS first, max(last) AS last, min(recent) AS recent
  FROM g{s} g JOIN (SELECT said, usual_value({of}, said) AS value FROM (SELECT DISTINCT said FROM g{s})) m ON g.said = m.said WHERE value <> '' GROUP BY ALL
  ORDER BY min(recent) IS NULL, times DESC, value LIMIT {most})`))
		selects = append(selects, r.Replace("SELECT "+s+" AS n, value, times, days, first, last, recent FROM v{s}"))
	}
	q.SQL = "WITH " + strings.Join(with, ",\n") + "\nSELECT n, value, times, days, first, last, recent FROM (" + strings.Join(selects, "\nUNION ALL ") + ") ORDER BY n, times DESC, value"
	return q, before.Add(-b.Period), before, nil
}

// Habits reads the rows of [Baseline].
func Habits(dimensions []Dimension, rows [][]any) ([]Habit, error) {
	out := make([]Habit, 0, len(rows))
	for _, row := range rows {
		if len(row) != 7 {
			return nil, fmt.Errorf("a row of %d columns, not 7", len(row))
		}
		n := whole(row[0])
		if n < 0 || n >= int64(len(dimensions)) {
			return nil, fmt.Errorf("a row for dimension %d of %d", n, len(dimensions))
		}
		value, _ := row[1].(string)
		out = append(out, Habit{Of: dimensions[n], Value: value, Times: whole(row[2]), Days: int(whole(row[3])), First: moment(row[4]), Last: moment(row[5]), Recent: moment(row[6])})
	}
	return out, nil
}

// Candidate is an entity that a name may mean.
type Candidate struct {
	Entity yagura.Entity
	Events int64
}

// Named writes the query for the entities that a name may mean, of any kind: an actor also by
// the name that people know, or by the id of a session.
func Named(name string, before time.Time, b Bounds) (q Query, from, to time.Time) {
	name = strings.ReplaceAll(name, "\x00", "")
	q.Params = map[string]any{"id": name, "folded": Actor.fold(name), "address": Address.fold(name)}
	q.SQL = `SELECT kind, who, max(type) AS type, CAST(sum(n) AS BIGINT) AS n FROM (
  SELECT 'actor' AS kind, ` + Actor.who() + ` AS who, actor_type AS type, count(*) AS n FROM events
    WHERE lower(actor_id) = $folded OR lower(actor_name) = $folded OR lower(session_of) = $folded GROUP BY ALL
  UNION ALL SELECT 'access_key', access_key, '', count(*) FROM events WHERE access_key = $id GROUP BY ALL
  UNION ALL SELECT 'account', account, '', count(*) FROM events WHERE account = $id GROUP BY ALL
  UNION ALL SELECT 'address', src_ip, '', count(*) FROM events WHERE src_ip = $address OR src_ip = $id GROUP BY ALL
) WHERE who <> '' GROUP BY ALL ORDER BY n DESC, kind, who`
	return q, before.Add(-b.Filled().Period), before
}

// Candidates reads the rows of [Named].
func Candidates(rows [][]any) (out []Candidate, err error) {
	for _, row := range rows {
		if len(row) != 4 {
			return nil, fmt.Errorf("a row of %d columns, not 4", len(row))
		}
		kind, _ := row[0].(string)
		id, _ := row[1].(string)
		typ, _ := row[2].(string)
		e := yagura.Entity{ID: id}
		switch Kind(kind) {
		case AccessKey:
			e.Type = yagura.EntityKey
		case OfAccount:
			e.Type = yagura.EntityAccount
		case Address:
			e.Type = yagura.EntityIP
		default:
			if e.Type = typ; KindOf(e) != Actor {
				e.Type = yagura.EntityUser
			}
		}
		out = append(out, Candidate{Entity: e, Events: whole(row[3])})
	}
	return out, nil
}
