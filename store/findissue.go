package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
)

// issueFields say how each field of [filter.Issues] is asked. f is issue_fact, t issue_tally.
func (tx *Tx) issueFields(q *filter.Query) map[string]asked {
	now := ns(tx.when(q))
	word := func(column string) func(string) cond {
		return func(w string) cond { return is("f."+column+" = ?", w) }
	}
	text := func(columns ...string) asked {
		for i := range columns {
			columns[i] = "f." + columns[i]
		}
		return asked{texts: columns}
	}
	number := func(column string) asked { return asked{number: column} }
	moment := func(column string) asked { return asked{number: column, lacks: true} }
	return map[string]asked{
		"id": text("issue_id"),
		"status": {words: func(w string) cond {
			switch w {
			case "reopened":
				return is("(f.status = 0 AND f.episode > 1)")
			case "":
				return never
			}
			return is("f.status = ?", statusRanks[yagura.Status(w)])
		}},
		"severity": number("f.severity"), "conclusion": {words: word("conclusion")}, "kind": {words: word("kind")}, "engine": {words: word("engine")},
		"account": text("account_id", "account_name"), "tenant": text("tenant"), "owner": text("owner"), "environment": text("environment"),
		"rule": text("rule", "rule_title"), "technique": {field: valueTechnique}, "format": text("log_type"), "title": text("title", "title_ja"),
		"entity": {field: valueEntity}, "actor": text("actor", "actor_name"), "ip": {field: valueAddress}, "region": text("region"),
		"label": {field: valueLabel}, "assignee": text("assignee"),
		"seen": moment("t.last_seen"), "first": moment("t.first_seen"), "opened": moment("f.opened"), "updated": moment("f.updated"), "acked": moment("f.acked"), "closed": moment("f.closed"),
		"count": number("t.findings"), "episode": number("f.episode"), "reason": {words: word("reason")},
		"suppressed": {flag: fmt.Sprintf("f.suppressed > %d", now)}, "flapping": {flag: "f.flapping = 1"},
		"cause": text("cause"), "umbrella": text("umbrella"), "sink": {field: valueSink},
	}
}

// issueID folds to lower case and ids are ULIDs in upper case: they are compared so.
func issueIDHolds(v *filter.Value) cond {
	switch {
	case v.Op == filter.Has:
		return always
	case v.Op == filter.Lacks:
		return never
	case v.Parts != nil:
		return is(`lower(f.issue_id) LIKE ? ESCAPE '\'`, like(folded(v.Parts)))
	}
	return oneOf("f.issue_id", []string{v.Text, strings.ToUpper(v.Text), strings.ToLower(v.Text)})
}

// textThere is the condition that an issue holds a free text.
func textThere(text string) cond {
	want := clean(filter.Fold(text))
	if want == "" {
		return always
	}
	return is("EXISTS (SELECT 1 FROM issue_text x WHERE x.n = f.n AND ({instr}(x.base, ?) > 0 OR {instr}(x.notes, ?) > 0))", want, want)
}

// textMay is a condition that all issues meet which hold texts, by the index.
func (tx *Tx) textMay(texts ...string) cond {
	var asked []uint64
	for _, text := range texts {
		asked = append(asked, askedPieces(clean(filter.Fold(text)), false)...)
	}
	if len(asked) == 0 {
		return always
	}
	if tx.s.d.postgres {
		grams := make([]int64, len(asked))
		for i, h := range asked {
			grams[i] = pieceNumber(h)
		}
		return is("f.n IN (SELECT g.n FROM issue_gram g WHERE g.grams @> ? UNION ALL SELECT x.n FROM issue_text x WHERE x.indexed = 0)", grams)
	}
	var b strings.Builder
	for i, h := range asked {
		if i > 0 {
			b.WriteString(" AND ")
		}
		pieceWord(&b, h)
	}
	return is("f.n IN (SELECT g.rowid FROM issue_gram g WHERE g.issue_gram MATCH ? UNION ALL SELECT x.n FROM issue_text x WHERE x.indexed = 0)", b.String())
}

// whereIssues is the condition of a query within scopes. Scopes are a condition of their own,
// and-ed with all that a query can say. may holds wherever where does, by the index of texts: it
// is asked too where all issues are looked at.
func (tx *Tx) whereIssues(scopes []yagura.Scope, all bool, q *filter.Query) (where, may cond, err error) {
	list := []cond{reach(scopes, all, "f.account", "f.format")}
	may = always
	mayHold := func(t *filter.Term, texts ...string) {
		if c := tx.textMay(texts...); !t.Not && c.sql != always.sql {
			may = allOf(may, c)
			if strings.HasPrefix(may.sql, "(1 = 1 AND ") {
				may = c
			}
		}
	}
	if q != nil {
		if q.List != nil && q.List.Name != "issues" {
			return where, may, fmt.Errorf("a query of %s asks for issues", q.List.Name)
		}
		fields := tx.issueFields(q)
		for _, t := range q.Terms {
			var c cond
			switch {
			case t.Field == nil:
				for _, v := range t.Values {
					c = textThere(v.Text)
					mayHold(&t, v.Text)
				}
			default:
				a, ok := fields[t.Field.Name]
				if !ok {
					return where, may, fmt.Errorf("issues cannot be asked by %s", t.Field.Name)
				}
				var values []cond
				for i := range t.Values {
					if t.Field.Name == "id" {
						values = append(values, issueIDHolds(&t.Values[i]))
					} else {
						values = append(values, a.holds(t.Field, &t.Values[i]))
					}
				}
				c = anyOf(values...)
				if v := t.Values[0]; len(t.Values) == 1 && v.Parts != nil && t.Field.Name == "entity" {
					mayHold(&t, v.Parts...)
				}
			}
			if t.Not {
				c = not(c)
			}
			list = append(list, c)
		}
	}
	return allOf(list...), may, nil
}

// An order of a list is columns that are read in one direction; the last is n, so that no two
// rows are alike.
var issueOrders = map[string][]string{
	"updated":  {"f.updated", "f.n"},
	"severity": {"f.severity", "f.updated", "f.n"},
	"opened":   {"f.opened", "f.n"},
	"status":   {"f.status", "f.updated", "f.n"},
	"title":    {"f.title", "f.updated", "f.n"},
	"account":  {"f.account_id", "f.updated", "f.n"},
	"rule":     {"f.rule", "f.updated", "f.n"},
	"assignee": {"f.assignee", "f.updated", "f.n"},
	"seen":     {"t.last_seen", "f.n"},
	"first":    {"t.first_seen", "f.n"},
	"count":    {"t.findings", "f.n"},
}

// walkable are the orders that an index is in.
var walkable = map[string]bool{"updated": true, "severity": true, "opened": true, "account": true, "rule": true, "title": true, "assignee": true, "status": true}

// mostWalked is how many rows are looked at in the order of an index before all rows are, in
// the order of the table, and sorted: a filter that holds for few would walk along the whole
// index, which is many times slower.
const (
	mostWalked     = 8000
	mostTextWalked = 2000 // of a query for texts
)

// keyCursor names the place behind a row in an order.
type keyCursor struct {
	Sort string `json:"s"`
	Keys []any  `json:"k"`
}

func (c keyCursor) String() string {
	b, _ := json.Marshal(c) // strings and numbers
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseKeyCursor(s, sort string, columns []string, texts map[string]bool) ([]any, error) {
	if s == "" {
		return nil, nil
	}
	bad := fmt.Errorf("cursor %q: %w for this order", cut(s, 64), ErrCursor)
	text, err := base64.RawURLEncoding.DecodeString(s)
	var c struct {
		Sort string            `json:"s"`
		Keys []json.RawMessage `json:"k"`
	}
	if err != nil || json.Unmarshal(text, &c) != nil || c.Sort != sort || len(c.Keys) != len(columns) {
		return nil, bad
	}
	out := make([]any, len(columns))
	for i, column := range columns {
		if texts[column] {
			var s string
			if json.Unmarshal(c.Keys[i], &s) != nil || clean(s) != s && strings.IndexByte(s, 0) >= 0 {
				return nil, bad
			}
			out[i] = s
			continue
		}
		var n int64
		if json.Unmarshal(c.Keys[i], &n) != nil {
			return nil, bad
		}
		out[i] = n
	}
	return out, nil
}

var issueTextKeys = map[string]bool{"f.title": true, "f.account_id": true, "f.rule": true, "f.assignee": true}

// FindIssues returns issues as a query says, within scopes (all: everywhere), in an order of
// [filter.Issues] ("": the usual one). next is the cursor of the page behind, "" at the end.
// q has been asked At a time; nil asks for everything.
func (tx *Tx) FindIssues(ctx context.Context, scopes []yagura.Scope, all bool, q *filter.Query, sort, after string, limit int) (list []yagura.Issue, next string, err error) {
	order, err := filter.Issues.Sort(sort)
	if err != nil {
		return nil, "", err
	}
	where, may, err := tx.whereIssues(scopes, all, q)
	if err != nil {
		return nil, "", err
	}
	columns := issueOrders[order.Key]
	from, err := parseKeyCursor(after, order.String(), columns, issueTextKeys)
	if err != nil {
		return nil, "", err
	}
	limit = min(bound(limit), mostIssues)
	tally := strings.Contains(where.sql, "t.") || strings.HasPrefix(columns[0], "t.")
	keys, err := tx.issueKeys(ctx, where, may, boundOf(q, order, columns[0]), tally, order, columns, from, limit)
	if err != nil {
		return nil, "", err
	}
	var ns []int64
	for _, k := range keys {
		ns = append(ns, k[len(k)-1].(int64))
	}
	byN := make(map[int64]*yagura.Issue, len(ns))
	var bare []*yagura.Issue
	_, err = tx.many(ctx, `SELECT i.id, i.body, f.n FROM issue_fact f JOIN issue i ON i.id = f.issue_id WHERE f.n IN (SELECT n FROM d)`, []column{intColumn("n", ns)}, func(rows *sql.Rows) error {
		var n int64
		x, err := scanIssue(rows, &n)
		byN[n] = x
		bare = append(bare, x)
		return err
	})
	if err == nil {
		err = tx.counts(ctx, bare)
	}
	if err != nil {
		return nil, "", err
	}
	for _, n := range ns {
		if x := byN[n]; x != nil {
			list = append(list, *x)
		}
	}
	if len(keys) == limit {
		next = keyCursor{order.String(), keys[limit-1]}.String()
	}
	return list, next, nil
}

// boundOf is what a query says of the time that its order is by, so that a walk along the index
// ends there: who asks for what changed a moment ago does not look at thousands of rows.
func boundOf(q *filter.Query, order filter.Order, column string) cond {
	if q != nil {
		for _, t := range q.Terms {
			if !t.Not && t.Field != nil && t.Field.Kind == filter.Time && t.Field.Name == order.Key && len(t.Values) == 1 && t.Values[0].Op != filter.Lacks {
				return timeHolds(column, &t.Values[0])
			}
		}
	}
	return always
}

// issueKeys returns the keys of a page.
func (tx *Tx) issueKeys(ctx context.Context, where, may, ends cond, tally bool, order filter.Order, columns []string, from []any, limit int) ([][]any, error) {
	compare, direction := ">", ""
	if order.Down {
		compare, direction = "<", " DESC"
	}
	behind := always
	if from != nil {
		behind = is("("+strings.Join(columns, ", ")+") "+compare+" ("+strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ")+")", from...)
	}
	tables, counted := "issue_fact f", ""
	if tally {
		counted = " JOIN issue_tally t ON t.issue_id = f.issue_id"
	}
	read := func(q string, args ...any) (out [][]any, err error) {
		err = tx.each(ctx, q, args, func(rows *sql.Rows) error {
			keys, into := make([]any, len(columns)), make([]any, len(columns))
			for i, c := range columns {
				if issueTextKeys[c] {
					into[i] = new(string)
				} else {
					into[i] = new(int64)
				}
			}
			err := rows.Scan(into...)
			for i := range into {
				switch p := into[i].(type) {
				case *string:
					keys[i] = *p
				case *int64:
					keys[i] = *p
				}
			}
			out = append(out, keys)
			return err
		})
		return out, err
	}
	sorted := strings.Join(columns, direction+", ") + direction
	list := strings.Join(columns, ", ")
	if walkable[order.Key] && !tx.s.d.postgres && where.sql != always.sql {
		most := int64(mostWalked)
		if may.sql != always.sql {
			most = mostTextWalked
		}
		// A few rows along the index, all of which are looked at in their order.
		out, err := read(`SELECT `+list+` FROM (SELECT f.n AS m FROM issue_fact f WHERE `+behind.sql+` AND `+ends.sql+` ORDER BY `+sorted+` LIMIT ?) w JOIN `+tables+` ON f.n = w.m`+counted+
			` WHERE `+where.sql+` ORDER BY `+sorted+` LIMIT ?`, slices.Concat(behind.args, ends.args, []any{most}, where.args, []any{int64(limit)})...)
		if err != nil || len(out) == limit {
			return out, err
		}
		// In place of the index the planner is to take what the filter says.
		for i := range columns {
			sorted = strings.ReplaceAll(sorted, columns[i], "+"+columns[i])
		}
	}
	where = allOf(may, where)
	return read(`SELECT `+list+` FROM `+tables+counted+` WHERE `+behind.sql+` AND `+where.sql+` ORDER BY `+sorted+` LIMIT ?`, slices.Concat(behind.args, where.args, []any{int64(limit)})...)
}

// MostCounted is up to how many rows are counted exactly.
const MostCounted = 10000

// CountIssues counts the issues of a query, exactly up to most.
func (tx *Tx) CountIssues(ctx context.Context, scopes []yagura.Scope, all bool, q *filter.Query, most int64) (n int64, exact bool, err error) {
	where, may, err := tx.whereIssues(scopes, all, q)
	if err != nil {
		return 0, false, err
	}
	where = allOf(may, where)
	tables := "issue_fact f"
	if strings.Contains(where.sql, "t.") {
		tables += " JOIN issue_tally t ON t.issue_id = f.issue_id"
	}
	err = tx.one(ctx, `SELECT count(*) FROM (SELECT 1 FROM `+tables+` WHERE `+where.sql+` LIMIT ?) c`, append(where.args, most+1), &n)
	return min(n, most), n <= most, err
}

// Facet is a value of a field, with how many issues have it.
type Facet struct {
	Value string `json:"value"`
	Title string `json:"title,omitempty"`
	N     int64  `json:"n"`
}

// IssueFacets are the values of a few fields that the issues of a query have, the most
// frequent first.
type IssueFacets struct {
	Severity, Status, Rule, Account, Assignee []Facet
	// Exact is false where there are more issues than are counted.
	Exact bool
}

// mostFaceted is of how many issues values are counted.
const mostFaceted = 20000

// mostFacets bounds the values of a field.
const mostFacets = 50

// IssueFacets counts the issues of a query by severity, status, rule, account and assignee, up
// to 20,000 of them.
func (tx *Tx) IssueFacets(ctx context.Context, scopes []yagura.Scope, all bool, q *filter.Query) (out IssueFacets, err error) {
	where, may, err := tx.whereIssues(scopes, all, q)
	if err != nil {
		return out, err
	}
	where = allOf(may, where)
	tables := "issue_fact f"
	if strings.Contains(where.sql, "t.") {
		tables += " JOIN issue_tally t ON t.issue_id = f.issue_id"
	}
	// One pass: the rows are few kinds of combinations.
	type sums = map[string]*Facet
	severity, status, rule, account, assignee := sums{}, sums{}, sums{}, sums{}, sums{}
	add := func(m sums, value, title string, n int64) {
		f := m[value]
		if f == nil {
			f = &Facet{Value: value}
			m[value] = f
		}
		if title != "" {
			f.Title = title
		}
		f.N += n
	}
	names := map[int64]string{0: string(yagura.StatusOpen), 1: string(yagura.StatusAcknowledged), 2: string(yagura.StatusClosed)}
	counted := int64(0)
	err = tx.each(ctx, `SELECT f.severity, f.status, f.rule, f.account, f.account_name, f.assignee FROM `+tables+` WHERE `+where.sql+` LIMIT ?`,
		append(where.args, int64(mostFaceted)+1), func(rows *sql.Rows) error {
			var sev, st int64
			var r, a, name, who string
			if err := rows.Scan(&sev, &st, &r, &a, &name, &who); err != nil {
				return err
			}
			const n = 1
			if counted++; counted > mostFaceted {
				return nil
			}
			add(severity, yagura.Severity(sev).String(), "", n)
			add(status, names[st], "", n)
			add(rule, unclean(r), "", n)
			add(account, unclean(a), unclean(name), n)
			add(assignee, unclean(who), "", n)
			return nil
		})
	if err != nil {
		return out, err
	}
	most := func(m sums) []Facet {
		list := make([]Facet, 0, len(m))
		for _, f := range m {
			list = append(list, *f)
		}
		slices.SortFunc(list, func(a, b Facet) int {
			if a.N != b.N {
				return int(b.N - a.N)
			}
			return strings.Compare(a.Value, b.Value)
		})
		return list[:min(len(list), mostFacets)]
	}
	out = IssueFacets{most(severity), most(status), most(rule), most(account), most(assignee), counted <= mostFaceted}
	// Titles of the few that are shown, in the words of one of the issues.
	for i := range out.Rule {
		r := &out.Rule[i]
		var body []byte
		err := tx.one(ctx, `SELECT i.body FROM issue_fact f JOIN issue i ON i.id = f.issue_id WHERE f.rule = ? ORDER BY f.updated DESC LIMIT 1`, []any{key(r.Value)}, &body)
		var x struct {
			Rule yagura.RuleRef `json:"rule"`
		}
		if err == nil {
			err = json.Unmarshal(body, &x)
		}
		if err != nil {
			return out, err
		}
		r.Value, r.Title = x.Rule.ID, x.Rule.Title
	}
	return out, nil
}
