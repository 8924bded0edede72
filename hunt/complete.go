package hunt

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/yagura-sec/yagura/query/kql"
)

// Item is something that may be written at a place of a question.
type Item struct {
	Text string
	Kind string // "table", "column", "operator", "function", "aggregate", "keyword", "hunt"
	Doc  string
}

// Completion is what may stand in place of a part of a text, in bytes.
type Completion struct {
	From, To int
	Items    []Item
}

// maxItems bounds a completion.
const maxItems = 200

// keywords are those of SQL that a question is made of.
var keywords = []string{"SELECT", "FROM", "WHERE", "GROUP BY", "GROUP BY ALL", "ORDER BY", "ORDER BY ALL", "HAVING", "LIMIT", "OFFSET", "JOIN", "LEFT JOIN", "ON", "USING",
	"UNION ALL", "WITH", "AS", "AND", "OR", "NOT", "IN", "LIKE", "ILIKE", "BETWEEN", "IS NULL", "IS NOT NULL", "CASE", "WHEN", "THEN", "ELSE", "END", "DISTINCT",
	"ASC", "DESC", "QUALIFY", "OVER", "PARTITION BY", "INTERVAL", "TIMESTAMP"}

// sqlFunctions are those of SQL that questions over logs are made of.
var sqlFunctions = []string{"count", "sum", "min", "max", "avg", "median", "approx_count_distinct", "quantile_cont", "arg_min", "arg_max", "first", "last", "list", "string_agg",
	"mode", "date_trunc", "time_bucket", "date_part", "date_diff", "now", "epoch", "strftime", "strptime", "lower", "upper", "length", "trim", "substr", "replace",
	"split_part", "string_split", "contains", "starts_with", "ends_with", "regexp_matches", "regexp_extract", "regexp_replace", "concat", "concat_ws", "coalesce",
	"nullif", "json_extract", "json_extract_string", "json_array_length", "json_keys", "unnest", "list_contains", "row_number", "rank", "lag", "lead", "round", "abs"}

// Complete says what may stand at a byte of a question: tables where one is wanted, operators
// behind a pipe, else the columns of the tables that the question names, and functions.
func Complete(tables []Table, saved []*Saved, language Language, text string, at int) Completion {
	at = min(max(at, 0), len(text))
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	c := Completion{From: at, To: at}
	for c.From > 0 && ofName(text[c.From-1]) {
		c.From--
	}
	for c.To < len(text) && ofName(text[c.To]) {
		c.To++
	}
	before := strings.TrimRight(text[:c.From], " \t\r\n")
	if inText(text[:c.From]) {
		return c
	}
	word := strings.ToLower(text[c.From:at])
	last := strings.ToLower(before[strings.LastIndexAny(before, " \t\r\n(|;,")+1:])
	add := func(kind string, list ...Item) {
		for _, x := range list {
			if x.Kind = kind; strings.Contains(strings.ToLower(x.Text), word) {
				c.Items = append(c.Items, x)
			}
		}
	}
	words := func(kind string, list []string) {
		for _, s := range list {
			add(kind, Item{Text: s})
		}
	}
	if language == "" {
		language = Guess(text)
	}
	switch {
	case strings.TrimSpace(before) == "":
		if language == KQL || text[c.From:c.To] == strings.TrimSpace(text) {
			addTables(tables, KQL, add)
		}
		if language == SQL || text[c.From:c.To] == strings.TrimSpace(text) {
			words("keyword", []string{"SELECT", "FROM", "WITH"})
		}
		for _, s := range saved {
			add("hunt", Item{Text: s.Name, Doc: s.Title.In(false)})
		}
	case language == KQL && strings.HasSuffix(before, "|"):
		words("operator", kql.Operators())
	case language == KQL && (strings.HasSuffix(before, ";") || slices.Contains([]string{"union", "join", "lookup", "in"}, last)):
		addTables(tables, KQL, add)
	case language == SQL && (last == "from" || last == "join"):
		addTables(tables, SQL, add)
	default:
		for _, t := range tables {
			if !names(text, t.Name) {
				continue
			}
			for _, x := range t.Columns {
				add("column", Item{Text: x.Name, Doc: x.Type + ", " + t.Name})
			}
		}
		if language == SQL {
			words("function", sqlFunctions)
			words("keyword", keywords)
			break
		}
		scalar, aggregate := kql.Functions()
		if strings.LastIndex(strings.ToLower(before), "summarize") > strings.LastIndex(before, "|") {
			words("aggregate", aggregate)
		}
		words("function", scalar)
	}
	slices.SortStableFunc(c.Items, func(a, b Item) int { return cmp.Compare(rank(a.Text, word), rank(b.Text, word)) })
	c.Items = c.Items[:min(len(c.Items), maxItems)]
	return c
}

// addTables adds tables as a language names them.
func addTables(tables []Table, language Language, add func(kind string, list ...Item)) {
	for _, t := range tables {
		name := t.Name
		if language == KQL && t.Group == "watchlist" {
			name = "_GetWatchlist('" + strings.ReplaceAll(strings.TrimPrefix(name, "watchlist_"), "_", "-") + "')"
		}
		add("table", Item{Text: name, Doc: t.Title})
	}
}

// rank puts what begins with the word before what has it.
func rank(text, word string) int {
	if strings.HasPrefix(strings.ToLower(text), word) {
		return 0
	}
	return 1
}

func ofName(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}

// names reports whether a text has a name as a word.
func names(text, name string) bool {
	for rest, off := strings.ToLower(text), 0; ; {
		i := strings.Index(rest[off:], strings.ToLower(name))
		if i < 0 {
			return false
		}
		i += off
		end := i + len(name)
		if (i == 0 || !ofName(rest[i-1])) && (end == len(rest) || !ofName(rest[end])) {
			return true
		}
		off = end
	}
}

// inText reports whether the end of a text is within quotes of its last line.
func inText(text string) bool {
	line := text[strings.LastIndexByte(text, '\n')+1:]
	var open byte
	for i := 0; i < len(line); i++ {
		switch b := line[i]; {
		case open == 0 && (b == '\'' || b == '"'):
			open = b
		case b == open:
			open = 0
		case open != 0 && b == '\\':
			i++
		}
	}
	return open != 0
}
