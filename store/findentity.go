package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
)

// EntityRow is an entity with what the issues that name it say of it.
type EntityRow struct {
	Entity           yagura.Entity
	Issues, Findings int64           // findings are all of these issues
	First, Last      time.Time       // of these issues
	Worst            yagura.Severity // of an issue that is not closed; 0 where all are
	Accounts         []string
	tenants          []string
	accountNames     []string
	value            string // as issue_value has it
	newest           int64  // an issue that names it
}

// entityIssues is of how many issues entities are listed.
const entityIssues = 3000

// entityBetween stands between the values of an issue: [clean] leaves no escape without two
// digits behind it, so no value has it.
const entityBetween = string(escape) + "|"

// entityNarrows is the condition that an issue names an entity as a query wants it, as far as
// an index tells: with it fewer issues are looked at, and none that matters is left out.
func (tx *Tx) entityNarrows(q *filter.Query) cond {
	if q == nil {
		return always
	}
	var list []cond
	for i := range q.Terms {
		t := &q.Terms[i]
		if t.Not {
			continue
		}
		if t.Field == nil {
			list = append(list, tx.textMay(t.Values[0].Text), textThere(t.Values[0].Text))
			continue
		}
		field, kind := valueEntity, filter.Entity
		switch t.Field.Name {
		case "ip":
			field, kind = valueAddress, filter.Address
		case "entity", "id":
		default:
			continue
		}
		var values []cond
		for j := range t.Values {
			v := &t.Values[j]
			if v.Op == filter.Has || v.Op == filter.Lacks || v.Parts != nil {
				values = nil
				break
			}
			values = append(values, asked{field: field}.holds(&filter.Field{Kind: kind}, v))
		}
		if values != nil {
			list = append(list, anyOf(values...))
		}
	}
	list = slices.DeleteFunc(list, func(c cond) bool { return c.sql == always.sql })
	return allOf(list...)
}

// cells answers what an entity has in a field of [filter.Entities].
func (e *EntityRow) cells(field string) []any {
	texts := func(lists ...[]string) (out []any) {
		for _, list := range lists {
			for _, s := range list {
				out = append(out, s)
			}
		}
		return out
	}
	switch field {
	case "":
		return []any{e.Entity.ID}
	case "type":
		return []any{e.Entity.Type}
	case "id":
		return []any{e.Entity.ID}
	case "entity":
		return []any{e.Entity}
	case "ip":
		if e.Entity.Type == yagura.EntityIP {
			return []any{e.Entity.ID}
		}
	case "seen":
		return []any{e.Last}
	case "first":
		return []any{e.First}
	case "issues":
		return []any{e.Issues}
	case "findings":
		return []any{e.Findings}
	case "severity":
		return []any{e.Worst}
	case "account":
		return texts(e.Accounts, e.accountNames)
	case "tenant":
		return texts(e.tenants)
	}
	return nil
}

// entityKeyed is an entity with what it is put in order by: a number or a text, and then the
// value, which no two have in common.
type entityKeyed struct {
	row  *EntityRow
	n    int64
	text string
}

// The orders of entities: what is compared before the value.
var entityOrders = map[string]func(*EntityRow) (n int64, text string){
	"seen":     func(e *EntityRow) (int64, string) { return ns(e.Last), "" },
	"first":    func(e *EntityRow) (int64, string) { return ns(e.First), "" },
	"issues":   func(e *EntityRow) (int64, string) { return e.Issues, "" },
	"findings": func(e *EntityRow) (int64, string) { return e.Findings, "" },
	"type":     func(e *EntityRow) (int64, string) { return 0, e.Entity.Type },
	"id":       func(e *EntityRow) (int64, string) { return 0, e.value },
}

func (a entityKeyed) compare(n int64, text, value string) int {
	return cmp.Or(cmp.Compare(a.n, n), strings.Compare(a.text, text), strings.Compare(a.row.value, value))
}

// FindEntities returns entities that issues within scopes (all: everywhere) name, as a query
// says, in an order of [filter.Entities] ("": the usual one), with how many there are. It looks
// at the 3,000 issues that changed last, of those that a query for an id, an address or a text
// leaves; cut says that there are more: what only those name is missing, and numbers and times
// are of the ones that were looked at. next is the cursor of the page behind, "" at the end.
func (tx *Tx) FindEntities(ctx context.Context, scopes []yagura.Scope, all bool, q *filter.Query, sort, after string, limit int) (list []EntityRow, next string, total int64, cut bool, err error) {
	order, err := filter.Entities.Sort(sort)
	if err != nil {
		return nil, "", 0, false, err
	}
	if q != nil && q.List != nil && q.List != filter.Entities {
		return nil, "", 0, false, fmt.Errorf("a query of %s asks for entities", q.List.Name)
	}
	if q != nil && q.Now.IsZero() {
		q = q.At(tx.now, tx.now.Location())
	}
	of, columns := entityOrders[order.Key], []string{"key", "value"}
	texts := order.Key == "type" || order.Key == "id"
	from, err := parseKeyCursor(after, order.String(), columns, map[string]bool{"key": texts, "value": true})
	if err != nil {
		return nil, "", 0, false, err
	}
	rows, cut, err := tx.entityRows(ctx, scopes, all, q)
	if err != nil {
		return nil, "", 0, false, err
	}
	var found []entityKeyed
	asked := q != nil && len(q.Terms) > 0
	for i := range rows {
		if e := &rows[i]; !asked || q.Match(e.cells) {
			n, text := of(e)
			found = append(found, entityKeyed{e, n, text})
		}
	}
	total = int64(len(found))
	sign := 1
	if order.Down {
		sign = -1
	}
	if from != nil {
		n, _ := from[0].(int64)
		text, _ := from[0].(string)
		value := from[1].(string)
		found = slices.DeleteFunc(found, func(k entityKeyed) bool { return sign*k.compare(n, text, value) <= 0 })
	}
	slices.SortFunc(found, func(a, b entityKeyed) int { return sign * a.compare(b.n, b.text, b.row.value) })
	if limit = bound(limit); len(found) > limit {
		found = found[:limit]
		last := found[limit-1]
		key := any(last.n)
		if texts {
			key = last.text
		}
		next = keyCursor{order.String(), []any{key, last.row.value}}.String()
	}
	for _, k := range found {
		list = append(list, *k.row)
	}
	return list, next, total, cut, tx.spellEntities(ctx, list)
}

// entityRows adds up what issues say of entities. Ids are folded.
func (tx *Tx) entityRows(ctx context.Context, scopes []yagura.Scope, all bool, q *filter.Query) (out []EntityRow, cut bool, err error) {
	where, by := reach(scopes, all, "f.account", "f.format"), "f.updated DESC, f.n DESC"
	if narrow := tx.entityNarrows(q); narrow.sql != always.sql {
		where = allOf(where, narrow)
		by = "+f.updated DESC, f.n DESC" // few are left: the planner is to begin with them
	}
	var n int64
	if err := tx.one(ctx, `SELECT count(*) FROM (SELECT 1 FROM issue_fact f WHERE `+where.sql+` LIMIT ?) c`, append(slices.Clone(where.args), int64(entityIssues)+1), &n); err != nil {
		return nil, false, err
	}
	place := map[string]int{}
	// One row for each issue: a row for each name would be several times as many.
	err = tx.each(ctx, `SELECT f.n, f.account, f.account_name, f.tenant, f.status, f.severity, t.findings, t.first_seen, t.last_seen,
		(SELECT {joined}(v.value, ?) FROM issue_value v WHERE v.n = f.n AND v.field = ?)
		FROM (SELECT f.n, f.issue_id, f.account, f.account_name, f.tenant, f.status, f.severity FROM issue_fact f WHERE `+where.sql+` ORDER BY `+by+` LIMIT ?) f
		JOIN issue_tally t ON t.issue_id = f.issue_id`,
		slices.Concat([]any{entityBetween, valueEntity}, where.args, []any{int64(entityIssues)}), func(rows *sql.Rows) error {
			var account, name, tenant string
			var values sql.NullString
			var issue, status, severity, findings, first, last int64
			if err := rows.Scan(&issue, &account, &name, &tenant, &status, &severity, &findings, &first, &last, &values); err != nil || !values.Valid {
				return err
			}
			if status == statusRanks[yagura.StatusClosed] {
				severity = 0
			}
			account, name, tenant = unclean(account), unclean(name), unclean(tenant)
			for value := range strings.SplitSeq(values.String, entityBetween) {
				i, known := place[value]
				if !known {
					i = len(out)
					place[value] = i
					id, typ, _ := strings.Cut(value, entityMark)
					out = append(out, EntityRow{value: value, Entity: yagura.Entity{Type: typ, ID: unclean(id)}})
				}
				e := &out[i]
				e.Issues, e.Findings = e.Issues+1, e.Findings+findings
				e.Worst, e.newest = max(e.Worst, yagura.Severity(severity)), max(e.newest, issue)
				if first != 0 && (e.First.IsZero() || first < ns(e.First)) {
					e.First = at(first)
				}
				if e.Last.IsZero() || last > ns(e.Last) {
					e.Last = at(last)
				}
				e.Accounts, e.accountNames, e.tenants = with(e.Accounts, account), with(e.accountNames, name), with(e.tenants, tenant)
			}
			return nil
		})
	return out, n > entityIssues, err
}

// with adds a text to a small set.
func with(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// spellEntities writes ids as an issue spells them.
func (tx *Tx) spellEntities(ctx context.Context, list []EntityRow) error {
	var ns []int64
	rowOf := map[string]*EntityRow{}
	for i := range list {
		ns = append(ns, list[i].newest)
		rowOf[list[i].value] = &list[i]
		slices.Sort(list[i].Accounts)
	}
	ns = unique(ns)
	_, err := tx.many(ctx, `SELECT i.body FROM issue_fact f JOIN issue i ON i.id = f.issue_id WHERE f.n IN (SELECT n FROM d)`, []column{intColumn("n", ns)}, func(rows *sql.Rows) error {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return err
		}
		var x struct {
			Entities []yagura.Entity `json:"entities"`
		}
		if err := json.Unmarshal(body, &x); err != nil {
			return err
		}
		for _, e := range x.Entities {
			if row := rowOf[entityKey(e.Type, e.ID)]; row != nil {
				row.Entity = e
			}
		}
		return nil
	})
	return err
}
