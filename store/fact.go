package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
)

// fold is a text as indexed columns of lists hold it.
func fold(s string) string { return key(filter.Fold(s)) }

// statusRanks are the statuses in the order of lists.
var statusRanks = map[yagura.Status]int64{yagura.StatusOpen: 0, yagura.StatusAcknowledged: 1, yagura.StatusClosed: 2}

// techniques returns the ATT&CK techniques among the tags of a rule, folded.
func techniques(tags []string) []string {
	var out []string
	for _, tag := range tags {
		t := filter.Fold(tag)
		if rest, ok := strings.CutPrefix(t, "attack."); ok {
			t = rest
		}
		if len(t) > 4 && t[0] == 't' && t[1] >= '0' && t[1] <= '9' {
			out = append(out, key(t))
		}
	}
	return unique(out)
}

type issueValue struct {
	field int64
	value string
}

// issueValues are what an issue has several of.
func issueValues(x *yagura.Issue) []issueValue {
	var out []issueValue
	add := func(field int64, value string) { out = append(out, issueValue{field, value}) }
	address := func(s string) {
		if s == "" {
			return
		}
		add(valueAddress, fold(s))
		if k, ok := addressKey(s); ok {
			add(valueAddressKeys, k)
		}
	}
	for _, e := range x.Entities {
		add(valueEntity, entityKey(e.Type, e.ID))
		if e.Type == yagura.EntityIP {
			address(e.ID)
		}
	}
	for _, l := range x.Labels {
		add(valueLabel, fold(l))
	}
	for _, t := range techniques(x.Rule.Tags) {
		add(valueTechnique, t)
	}
	for _, s := range x.Routes {
		add(valueSink, fold(s))
	}
	if x.Latest != nil {
		address(x.Latest.Event.SrcIP)
	}
	return unique(out)
}

// issueText is what free text is looked for in, but for notes.
func issueText(x *yagura.Issue) string {
	var b strings.Builder
	add := func(parts ...string) {
		for _, p := range parts {
			if p != "" && b.Len() < searchLimit {
				b.WriteString(cut(p, 1024))
				b.WriteByte('\n')
			}
		}
	}
	add(x.ID, x.Title, x.TitleJA, x.CauseKey, x.Rule.ID, x.Rule.Title, x.Account, x.AccountInfo.Name, x.Actor.ID, x.Actor.Name, x.Assignee)
	for _, l := range x.Labels {
		add(l)
	}
	for _, e := range x.Entities {
		add(e.ID)
	}
	return clean(filter.Fold(b.String()))
}

var factTexts = []string{"issue_id", "account", "format", "conclusion", "kind", "engine", "reason", "account_id", "account_name", "tenant", "owner", "environment",
	"rule", "rule_title", "log_type", "title", "title_ja", "actor", "actor_name", "region", "assignee", "cause", "umbrella"}

var factNumbers = []string{"status", "episode", "severity", "opened", "updated", "acked", "closed", "suppressed", "flapping"}

var putFacts = func() string {
	all := slices.Concat(factTexts, factNumbers)
	set := make([]string, 0, len(all))
	for _, c := range all[1:] {
		set = append(set, c+" = excluded."+c)
	}
	list := strings.Join(all, ", ")
	return `INSERT INTO issue_fact (` + list + `) SELECT ` + list + ` FROM d WHERE true ON CONFLICT (issue_id) DO UPDATE SET ` + strings.Join(set, ", ") + ` RETURNING n, issue_id`
}()

func factColumns(list []*yagura.Issue) []column {
	texts := make([][]string, len(factTexts))
	v := numbers{names: factNumbers}
	for _, x := range list {
		region := ""
		if x.Latest != nil {
			region = x.Latest.Event.Region
		}
		a := x.AccountInfo
		for i, s := range []string{key(x.ID), key(x.Account), key(x.Format), key(string(x.Conclusion)), key(string(x.Kind)), key(string(x.Rule.Engine)), key(string(x.CloseReason)),
			fold(x.Account), fold(a.Name), fold(a.Organisation), fold(a.Owner), fold(a.Environment), fold(x.Rule.ID), fold(x.Rule.Title), fold(x.Format),
			clean(filter.Fold(cut(x.Title, 1024))), clean(filter.Fold(cut(x.TitleJA, 1024))), fold(x.Actor.ID), fold(x.Actor.Name), fold(region), fold(x.Assignee),
			fold(x.CauseKey), fold(x.Umbrella)} {
			texts[i] = append(texts[i], s)
		}
		v.add(statusRanks[x.Status], int64(x.Episode), int64(x.Severity), ns(x.Opened), ns(x.Updated), ns(x.Acked), ns(x.Closed), ns(x.SuppressedUntil), flag(x.Flapping))
	}
	cols := v.columns()
	for i, name := range factTexts {
		cols = append(cols, textColumn(name, texts[i]))
	}
	return cols
}

// putFacts writes what issues can be asked by. Their rows are locked by whoever calls, or new.
func (tx *Tx) putFacts(ctx context.Context, list []*yagura.Issue) error {
	if len(list) == 0 {
		return nil
	}
	byID := make(map[string]*yagura.Issue, len(list))
	for _, x := range list {
		byID[key(x.ID)] = x
	}
	of := make(map[int64]*yagura.Issue, len(list))
	var ns []int64
	_, err := tx.many(ctx, putFacts, factColumns(list), func(rows *sql.Rows) error {
		var n int64
		var id string
		err := rows.Scan(&n, &id)
		of[n] = byID[id]
		ns = append(ns, n)
		return err
	})
	if err != nil {
		return err
	}
	have := map[int64]map[issueValue]bool{}
	if _, err := tx.many(ctx, `SELECT n, field, value FROM issue_value WHERE n IN (SELECT n FROM d)`, []column{intColumn("n", ns)}, func(rows *sql.Rows) error {
		var n int64
		var v issueValue
		err := rows.Scan(&n, &v.field, &v.value)
		if have[n] == nil {
			have[n] = map[issueValue]bool{}
		}
		have[n][v] = true
		return err
	}); err != nil {
		return err
	}
	// Most changes of an issue change none of its values: only differences are written.
	put, drop := newValues(), newValues()
	var bases []string
	for _, n := range ns {
		x := of[n]
		for _, v := range issueValues(x) {
			if !have[n][v] {
				put.add(n, v)
			}
			delete(have[n], v)
		}
		for v := range have[n] {
			drop.add(n, v)
		}
		bases = append(bases, issueText(x))
	}
	if _, err := tx.many(ctx, `DELETE FROM issue_value WHERE (field, value, n) IN (SELECT field, value, n FROM d)`, drop.columns(), nil); err != nil {
		return err
	}
	if _, err := tx.many(ctx, `INSERT INTO issue_value (field, value, n) SELECT field, value, n FROM d WHERE true ON CONFLICT (field, value, n) DO NOTHING`, put.columns(), nil); err != nil {
		return err
	}
	_, err = tx.many(ctx, `INSERT INTO issue_text (n, indexed, base, notes) SELECT n, 0, base, '' FROM d WHERE true
		ON CONFLICT (n) DO UPDATE SET base = excluded.base, indexed = 0 WHERE issue_text.base <> excluded.base`, []column{intColumn("n", ns), textColumn("base", bases)}, nil)
	return err
}

type values struct {
	fields, ns []int64
	values     []string
}

func newValues() *values { return &values{} }

func (l *values) add(n int64, v issueValue) {
	l.fields, l.ns, l.values = append(l.fields, v.field), append(l.ns, n), append(l.values, v.value)
}

func (l *values) columns() []column {
	return []column{intColumn("field", l.fields), textColumn("value", l.values), intColumn("n", l.ns)}
}

// notesLimit is how much of the notes of an issue is searched.
const notesLimit = 64 << 10

// noteText is what of an entry of a timeline free text is looked for in.
func noteText(e *yagura.Entry) string {
	if e.What != yagura.EntryNote && e.What != yagura.EntryAnswer && e.What != yagura.EntryConcluded {
		return ""
	}
	return clean(filter.Fold(cut(e.Text, 8<<10)))
}

// addNotes adds notes of timelines to what is searched.
func (tx *Tx) addNotes(ctx context.Context, entries []yagura.Entry) error {
	byID := map[string]string{}
	var ids, notes []string
	for i := range entries {
		if t := noteText(&entries[i]); t != "" {
			id := key(entries[i].IssueID)
			if _, ok := byID[id]; !ok {
				ids = append(ids, id)
			}
			byID[id] += t + "\n"
		}
	}
	for _, id := range ids {
		notes = append(notes, byID[id])
	}
	_, err := tx.many(ctx, fmt.Sprintf(`UPDATE issue_text SET notes = substr(issue_text.notes || d.note, 1, %d), indexed = 0
		FROM d, issue_fact f WHERE f.issue_id = d.i AND issue_text.n = f.n`, notesLimit), []column{textColumn("i", ids), textColumn("note", notes)}, nil)
	return err
}

// IndexIssues brings up to limit issues whose texts are new into the index of texts, and says
// how many. Lists are right without: what is not indexed yet is looked through.
func (tx *Tx) IndexIssues(ctx context.Context, limit int) (int, error) {
	var ns []int64
	var words []string
	var grams [][]int64
	err := tx.each(ctx, `SELECT n, base, notes FROM issue_text WHERE indexed = 0 ORDER BY n LIMIT ? {skip locked}`, []any{int64(bound(limit))}, func(rows *sql.Rows) error {
		var n int64
		var base, notes string
		if err := rows.Scan(&n, &base, &notes); err != nil {
			return err
		}
		ns = append(ns, n)
		set := pieces(base, notes)
		if tx.s.d.postgres {
			list := make([]int64, 0, len(set))
			for h := range set {
				list = append(list, pieceNumber(h))
			}
			grams = append(grams, list)
			return nil
		}
		var b strings.Builder
		for h := range set {
			pieceWord(&b, h)
			b.WriteByte(' ')
		}
		words = append(words, b.String())
		return nil
	})
	if err != nil || len(ns) == 0 {
		return 0, err
	}
	if tx.s.d.postgres {
		for i, n := range ns {
			if _, err := tx.exec(ctx, `INSERT INTO issue_gram (n, grams) VALUES (?, ?) ON CONFLICT (n) DO UPDATE SET grams = excluded.grams`, n, grams[i]); err != nil {
				return 0, err
			}
		}
	} else {
		for i, n := range ns {
			if _, err := tx.exec(ctx, `INSERT OR REPLACE INTO issue_gram (rowid, grams) VALUES (?, ?)`, n, words[i]); err != nil {
				return 0, err
			}
		}
	}
	_, err = tx.many(ctx, `UPDATE issue_text SET indexed = 1 FROM d WHERE issue_text.n = d.n`, []column{intColumn("n", ns)}, nil)
	return len(ns), err
}

// factMissing makes the facts of up to limit issues that have none, which are those of before
// there were facts, and says how many.
func (tx *Tx) factMissing(ctx context.Context, after string, limit int) (n int, last string, err error) {
	var list []*yagura.Issue
	err = tx.each(ctx, `SELECT id, body FROM issue WHERE id > ? AND NOT EXISTS (SELECT 1 FROM issue_fact f WHERE f.issue_id = issue.id) ORDER BY id LIMIT ?`,
		[]any{after, int64(limit)}, func(rows *sql.Rows) error {
			x, err := scanIssue(rows)
			list = append(list, x)
			return err
		})
	if err != nil || len(list) == 0 {
		return 0, after, err
	}
	if err := tx.putFacts(ctx, list); err != nil {
		return 0, after, err
	}
	var ids []string
	for _, x := range list {
		ids = append(ids, key(x.ID))
	}
	var entries []yagura.Entry
	_, err = tx.many(ctx, `SELECT body FROM entry WHERE issue_id IN (SELECT i FROM d) ORDER BY issue_id, seq`, []column{textColumn("i", ids)}, func(rows *sql.Rows) error {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return err
		}
		var e yagura.Entry
		err := json.Unmarshal(body, &e)
		if noteText(&e) != "" {
			entries = append(entries, e)
		}
		return err
	})
	if err == nil {
		err = tx.addNotes(ctx, entries)
	}
	return len(list), ids[len(ids)-1], err
}
