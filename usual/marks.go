package usual

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// marks are values that questions ask about, of one dimension. A number for each event says
// which of them it has: bit 0 that it has a value at all, and the bit behind the place of an
// entry that it has that. The numbers of a peer's events, or-ed, say what the peer had.
type marks struct {
	of      Dimension
	entries []string
	// cut says that entries are whole APIs: how one that is so long that it was cut was made of
	// a service and an action cannot be told.
	cut bool
}

// mostMarks is how many entries have a bit of a number.
const mostMarks = 62

// serviceOf is the expression for the service in an API: a separator in it would end it.
const serviceOf = "translate(service, chr(31), ' ')"

// The halves of an API, which are marked apart: each is one column.
const (
	serviceHalf Dimension = "api.service"
	actionHalf  Dimension = "api.action"
)

// marked is what is compared with entries: for halves of an API what stands before and after
// the separator of an entry.
func (v *Values) marked(of Dimension, x string) string {
	switch of {
	case actionHalf:
		return clean(x)
	case serviceHalf:
		if x = clean(x); x != "" {
			x = strings.TrimSuffix(x, ".amazonaws.com") + ":"
		}
		return x
	}
	return v.Of(of, x)
}

// entriesOf are the entries for the value of a question: one, or for an API each way in which a
// service and an action may have made it.
func entriesOf(x Question) (entries []string, cut bool) {
	raw := rawOf(x)
	if x.Of != API {
		return []string{raw}, false
	}
	if len(raw) > maxValue-utf8.UTFMax || strings.Count(raw, ":") > 8 {
		return []string{raw}, true
	}
	entries = []string{"\x1f" + raw}
	for i := range len(raw) {
		if raw[i] == ':' {
			entries = append(entries, raw[:i+1]+"\x1f"+raw[i+1:])
		}
	}
	return entries, false
}

// mark finds a column for the value of a question, and its bits there.
func (a *ask) mark(x Question) (column int, bits int64) {
	entries, cut := entriesOf(x)
	i := slices.IndexFunc(a.marks, func(m marks) bool {
		return m.of == x.Of && m.cut == cut && (len(m.entries)+len(entries) <= mostMarks || slices.Contains(m.entries, entries[0]))
	})
	if i < 0 {
		i = len(a.marks)
		a.marks = append(a.marks, marks{of: x.Of, cut: cut})
	}
	m := &a.marks[i]
	for _, e := range entries {
		at := slices.Index(m.entries, e)
		if at < 0 {
			at = len(m.entries)
			m.entries = append(m.entries, e)
		}
		bits |= 2 << at
	}
	return i, bits
}

// expression is what marks an event by columns of it; list is the parameter that has the
// entries. It is "" where a table has the marks of each quarter of an hour.
func (m *marks) expression(list string) string {
	call := func(of Dimension, x string) string {
		return "CAST(usual_marks('" + string(of) + "', " + x + ", $" + list + ") AS BIGINT)"
	}
	switch {
	case m.of == Hour || m.of == Weekday:
		return ""
	case m.of == API && m.cut:
		return call(API, "CASE WHEN action = '' THEN '' ELSE "+serviceOf+" || chr(31) || action END")
	case m.of == API:
		return call(serviceHalf, "service") + " & " + call(actionHalf, "action")
	}
	return m.of.each(call(m.of, "%s"))
}

// peers writes what the peers did, and how many of them did what is asked about. Marks are made
// before anything is joined: a join would leave no column as the file has it.
func (a *ask) peers(params map[string]any) string {
	var made, sums []string
	tables, joins, choose := "", "", "CASE q.marks"
	day := func(edge string) string {
		return "date_diff('day', DATE '1970-01-01', DATE '" + edge[:len("2006-01-02")] + "')"
	}
	for i := range a.marks {
		m, c, list := &a.marks[i], "m"+strconv.Itoa(i), fmt.Sprintf("marks%s_%d", a.s, i)
		text, _ := json.Marshal(m.entries) // texts are always marshalled
		params[list] = string(text)
		if e := m.expression(list); e != "" {
			made = append(made, e+" AS "+c)
		} else {
			table := "z" + a.s + "_" + strconv.Itoa(i)
			tables += fmt.Sprintf("%s AS (SELECT day * 96 + part AS quarter, CAST(usual_marks('%s', CAST(day * 96 + part AS VARCHAR), $%s) AS BIGINT) AS %s\n  FROM (SELECT unnest(range(%s, %s + 1)) AS day), (SELECT unnest(range(0, 96)) AS part)),\n",
				table, m.of, list, c, day(a.edges[0]), day(a.edges[len(a.edges)-1]))
			joins += " JOIN " + table + " ON " + table + ".quarter = e.quarter"
		}
		sums = append(sums, "bit_or("+c+") AS "+c)
		choose += fmt.Sprintf(" WHEN %d THEN %s", i, c)
	}
	if joins != "" {
		made = append(made, quarterOf+" AS quarter")
	}
	return strings.NewReplacer("{made}", strings.Join(made, ", "), "{sums}", strings.Join(sums, ", "), "{tables}", tables, "{joins}", joins, "{choose}", choose+" END").Replace(peersSQL)
}

const peersSQL = `{tables}o{s} AS (SELECT of_account, of_type, actor_id, session_of, bucket, {sums}
  FROM (SELECT account, actor_type, actor_id, session_of, {bucket} AS bucket, {made} FROM {src} WHERE {within}) e
  JOIN (SELECT DISTINCT of_account, of_type FROM c{s}) c ON account = of_account AND actor_type = of_type{joins} GROUP BY ALL),
oo{s} AS (SELECT of_account, of_type, {who} AS peer, bucket, {sums} FROM o{s} GROUP BY ALL),
op{s} AS (SELECT who, cutoff, peer, {sums} FROM oo{s} o JOIN c{s} c ON o.of_account = c.of_account AND o.of_type = c.of_type AND bucket >= lo AND bucket < hi
  WHERE peer <> who AND peer <> '' GROUP BY ALL),
p{s} AS (SELECT n, count(*) FILTER (had & 1 <> 0) AS peers, count(*) FILTER (had & bits <> 0) AS peers_with
  FROM (SELECT n, bits, {choose} AS had FROM op{s} p JOIN (SELECT unnest($n{s})::BIGINT AS n, unnest($marks{s})::INTEGER AS marks, unnest($bits{s})::BIGINT AS bits, unnest($who{s}) AS who, unnest($before{s})::TIMESTAMP AS cutoff) q
    ON p.who = q.who AND p.cutoff = q.cutoff) GROUP BY n),`

// index is the bits of the values that entries come to.
func (v *Values) index(of Dimension, list string) map[string]int64 {
	var entries []string
	if json.Unmarshal([]byte(list), &entries) != nil {
		return nil
	}
	out := make(map[string]int64, len(entries))
	for i, e := range entries[:min(len(entries), mostMarks)] {
		before, after, _ := strings.Cut(e, "\x1f")
		switch of {
		case serviceHalf:
			out[before] |= 2 << i
		case actionHalf:
			out[after] |= 2 << i
		default:
			out[v.Of(of, e)] |= 2 << i
		}
	}
	return out
}

// marker marks what events have. It is for one [Values], and may be used from several threads.
type marker struct {
	values *Values
	mu     sync.Mutex
	last   [16]atomic.Pointer[entryIndex] // the newest ones
	next   int
}

// entryIndex is the number, as text, for each value of a list of entries.
type entryIndex struct {
	of   Dimension
	list string
	bits map[string]string
	// networks has the same for the networks among the values, where networks are what addresses
	// come to: it spares their texts.
	networks map[netip.Prefix]string
}

// of is the number that marks x, as text.
func (m *marker) of(of Dimension, x, list string) string {
	index, value := m.index(of, list), ""
	if of == Network && index.networks != nil {
		if a, ok := ParseAddress(x); ok {
			return cmp.Or(index.networks[prefixOf(a)], "1")
		}
	}
	if value = m.values.marked(of, x); value == "" && of != serviceHalf {
		return "0"
	}
	return cmp.Or(index.bits[value], "1")
}

// index remembers the lists of entries that were used last: a query has a few, and a call of
// the function for each text of a column.
func (m *marker) index(of Dimension, list string) *entryIndex {
	for i := range m.last {
		if x := m.last[i].Load(); x != nil && x.of == of && x.list == list {
			return x
		}
	}
	x := &entryIndex{of: Dimension(strings.Clone(string(of))), list: strings.Clone(list), bits: map[string]string{}}
	if of == Network && m.values.Places == nil {
		x.networks = map[netip.Prefix]string{}
	}
	for value, n := range m.values.index(of, list) {
		x.bits[value] = strconv.FormatInt(1|n, 10)
		if p, err := netip.ParsePrefix(value); err == nil && x.networks != nil {
			x.networks[p] = x.bits[value]
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last[m.next].Store(x)
	m.next = (m.next + 1) % len(m.last)
	return x
}
