package usual

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Ask writes the one query that answers questions, and says from when until when it looks at
// events. There are at most [MaxQuestions] of them.
//
// The events of all periods are read three times, whatever the number of questions: for what
// the entities did, for since when the logs of their accounts are known, and for what their
// peers did. Values are made of columns that the lake's files have as dictionaries, so that
// the engine makes each value once for a file and not for a row.
func Ask(questions []Question, b Bounds) (q Query, from, to time.Time, err error) {
	if len(questions) == 0 || len(questions) > MaxQuestions {
		return Query{}, from, to, fmt.Errorf("%d questions, not from 1 to %d", len(questions), MaxQuestions)
	}
	b = b.Filled()
	var order []Kind
	asks := map[Kind]*ask{}
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
		if asks[k] == nil {
			asks[k] = &ask{kind: k, bounds: b, s: strconv.Itoa(len(order))}
			order = append(order, k)
		}
		asks[k].add(i, x)
	}
	q.Params = map[string]any{}
	var with, selects []string
	for _, k := range order {
		a := asks[k]
		with = append(with, a.write(q.Params))
		selects = append(selects, "SELECT "+strings.Join(answerColumns, ", ")+" FROM r"+a.s)
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

// ask is the questions about entities of one kind.
type ask struct {
	kind       Kind
	bounds     Bounds
	s          string // what the names of its tables and parameters end in
	n          []int  // numbers of the questions
	questions  []Question
	dimensions []Dimension
	edges      []string // where periods begin and end
	marks      []marks
}

func (a *ask) add(n int, x Question) {
	a.n, a.questions = append(a.n, n), append(a.questions, x)
	if !slices.Contains(a.dimensions, x.Of) {
		a.dimensions = append(a.dimensions, x.Of)
	}
	for _, t := range []time.Time{x.Before, x.Before.Add(-a.bounds.Period)} {
		if e := edge(t); !slices.Contains(a.edges, e) {
			a.edges = append(a.edges, e)
		}
	}
}

// edge is a time as text, such that texts sort as times do.
func edge(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000000") }

// bucket is the expression for how many edges, and how many below them, are not after an
// event. The event is in a period when that is not less than it is for the period's first
// moment, and less than for its end.
func bucket(edges []string, below int) string {
	if len(edges) == 0 {
		return strconv.Itoa(below)
	}
	m := len(edges) / 2
	return "CASE WHEN time < TIMESTAMP '" + edges[m] + "' THEN " + bucket(edges[:m], below) + " ELSE " + bucket(edges[m+1:], below+m+1) + " END"
}

// write writes the common table expressions, of which r has the rows that answer.
func (a *ask) write(params map[string]any) string {
	slices.Sort(a.edges)
	rank := func(t time.Time) string { return strconv.Itoa(1 + slices.Index(a.edges, edge(t))) }
	var n, who, dim, of, said, before, lo, hi, column, bits []string
	for i, x := range a.questions {
		n, who, said = append(n, strconv.Itoa(a.n[i])), append(who, a.kind.fold(x.Entity.ID)), append(said, rawOf(x))
		dim, of = append(dim, strconv.Itoa(slices.Index(a.dimensions, x.Of))), append(of, string(x.Of))
		before, lo, hi = append(before, edge(x.Before)), append(lo, rank(x.Before.Add(-a.bounds.Period))), append(hi, rank(x.Before))
		if a.kind == Actor {
			c, b := a.mark(x)
			column, bits = append(column, strconv.Itoa(c)), append(bits, strconv.FormatInt(b, 10))
		}
	}
	for name, list := range map[string][]string{"n": n, "who": who, "dim": dim, "of": of, "said": said, "before": before, "lo": lo, "hi": hi, "marks": column, "bits": bits} {
		params[name+a.s] = list
	}
	var reads, habits []string
	for i, d := range a.dimensions {
		read, by, made := d.counted("x" + strconv.Itoa(i))
		reads = append(reads, read)
		habits = append(habits, fmt.Sprintf("SELECT who, bucket, day, %d AS dim, %s AS value, n, first, last FROM (SELECT who, bucket, day, %s, count(*) AS n, min(time) AS first, max(time) AS last FROM b%s GROUP BY ALL)", i, made, by, a.s))
	}
	text := askSQL
	if a.kind == Actor {
		text = strings.Replace(text, noPeersSQL, a.peers(params), 1)
	}
	first, last := a.edges[0], a.edges[len(a.edges)-1]
	return strings.NewReplacer("{s}", a.s, "{src}", source(nil, slices.Contains(a.dimensions, Country)), "{who}", a.kind.who(), "{reads}", strings.Join(reads, ", "),
		"{habits}", strings.Join(habits, "\n  UNION ALL "), "{bucket}", bucket(a.edges[1:len(a.edges)-1], 1), "{learning}", span(a.bounds.Learning),
		"{within}", "time >= TIMESTAMP '"+first+"' AND time < TIMESTAMP '"+last+"'").Replace(text)
}

// quarterOf is the quarter of an hour of an event.
const quarterOf = "epoch_us(time) // 900000000"

// counted is how the values of a dimension are counted: the columns under a name that are read
// of an event, those by which events are counted, and what makes the value of them.
func (d Dimension) counted(name string) (read, by, made string) {
	switch d {
	case API:
		return serviceOf + " AS " + name + "s, action AS " + name + "a", name + "s, " + name + "a",
			"usual_of('api', CASE WHEN " + name + "a = '' THEN '' ELSE " + name + "s || chr(31) || " + name + "a END)"
	case Hour, Weekday:
		return quarterOf + " AS " + name, name, "usual_of('" + string(d) + "', CAST(" + name + " AS VARCHAR))"
	case Country:
		return d.each("usual_of('country', %s)") + " AS " + name, name, name
	}
	return d.each("usual_of('"+string(d)+"', %s)") + " AS " + name, name, name
}

// each puts what the values of a dimension are made of into a call of a function of one text.
// The engine calls such a function once for each different text of a file's column, and not for
// each row: so it is one column that is put there.
func (d Dimension) each(call string) string {
	if d == Country {
		return "CASE WHEN country <> '' THEN " + fmt.Sprintf(call, "country") + " ELSE " + fmt.Sprintf(call, "'"+addressMark+"' || src_ip") + " END"
	}
	return fmt.Sprintf(call, d.raw())
}

const (
	askSQL = `q{s} AS (SELECT CAST(n AS BIGINT) AS n, who, CAST(dim AS INTEGER) AS dim, usual_of(of, said) AS value, CAST(cutoff AS TIMESTAMP) AS cutoff, CAST(lo AS INTEGER) AS lo, CAST(hi AS INTEGER) AS hi
  FROM (SELECT unnest($n{s}) AS n, unnest($who{s}) AS who, unnest($dim{s}) AS dim, unnest($of{s}) AS of, unnest($said{s}) AS said, unnest($before{s}) AS cutoff, unnest($lo{s}) AS lo, unnest($hi{s}) AS hi)),
w{s} AS (SELECT DISTINCT who, cutoff, lo, hi FROM q{s}),
b{s} AS (SELECT {who} AS who, account, actor_type, time, {bucket} AS bucket, CAST(time AS DATE) AS day, {reads} FROM {src}
  WHERE {who} IN (SELECT unnest($who{s})) AND {within}),
d{s} AS ({habits}),
h{s} AS (SELECT w.who, w.cutoff, dim, value, day, n, first, last FROM d{s} d JOIN w{s} w ON d.who = w.who AND bucket >= w.lo AND bucket < w.hi WHERE value <> ''),
v{s} AS (SELECT who, cutoff, dim, value, sum(n) AS n, count(DISTINCT day) AS days, min(first) AS first, max(last) AS last FROM h{s} GROUP BY ALL),
k{s} AS (SELECT who, cutoff, dim, count(DISTINCT day) AS known_days FROM h{s} GROUP BY ALL),
t{s} AS (SELECT who, cutoff, dim, sum(n) AS total, count(*) AS values_, count(*) FILTER (WHERE first >= cutoff - {learning}) AS fresh, min(first) AS since FROM v{s} GROUP BY ALL),
c{s} AS (SELECT DISTINCT w.who, w.cutoff, w.lo, w.hi, account AS of_account, actor_type AS of_type
  FROM (SELECT DISTINCT who, bucket, account, actor_type FROM b{s}) b JOIN w{s} w ON b.who = w.who AND bucket >= w.lo AND bucket < w.hi),
s{s} AS (SELECT of_account, {bucket} AS bucket, min(time) AS first FROM events e JOIN (SELECT DISTINCT of_account FROM c{s}) c ON account = of_account WHERE {within} GROUP BY ALL),
l{s} AS (SELECT who, cutoff, min(first) AS log_since FROM s{s} s JOIN c{s} c ON s.of_account = c.of_account AND bucket >= lo AND bucket < hi GROUP BY ALL),
` + noPeersSQL + `
r{s} AS (SELECT q.n, q.value, CAST(coalesce(v.n, 0) AS BIGINT) AS count, CAST(coalesce(t.total, 0) AS BIGINT) AS total, coalesce(v.days, 0) AS days, coalesce(k.known_days, 0) AS known_days,
    coalesce(t.values_, 0) AS values_, coalesce(t.fresh, 0) AS fresh, t.since, l.log_since, v.last, coalesce(p.peers, 0) AS peers, coalesce(p.peers_with, 0) AS peers_with
  FROM q{s} q LEFT JOIN v{s} v ON v.who = q.who AND v.cutoff = q.cutoff AND v.dim = q.dim AND v.value = q.value LEFT JOIN t{s} t ON t.who = q.who AND t.cutoff = q.cutoff AND t.dim = q.dim
  LEFT JOIN k{s} k ON k.who = q.who AND k.cutoff = q.cutoff AND k.dim = q.dim LEFT JOIN l{s} l ON l.who = q.who AND l.cutoff = q.cutoff LEFT JOIN p{s} p ON p.n = q.n)`

	noPeersSQL = `p{s} AS (SELECT 0 AS n, 0 AS peers, 0 AS peers_with WHERE false),` // nobody else is like an account
)
