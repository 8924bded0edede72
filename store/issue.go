package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Lock says how rows are held until the end of the transaction.
type Lock = yagura.Lock

// The locks, under the names of this room.
const (
	NoLock = yagura.LockNone   // read them as they are
	Share  = yagura.LockShare  // nobody changes them
	Change = yagura.LockChange // nobody changes them, or holds them by Share or Change
)

// scanIssue reads an issue's body; [Tx.counts] adds what is counted apart.
func scanIssue(rows *sql.Rows, more ...any) (*yagura.Issue, error) {
	var id string
	var body []byte
	if err := rows.Scan(append([]any{&id, &body}, more...)...); err != nil {
		return nil, err
	}
	x := new(yagura.Issue)
	if err := json.Unmarshal(body, x); err != nil {
		return nil, fmt.Errorf("issue %s: %w", id, err)
	}
	return x, nil
}

// IssuesByCause returns the issues of cause keys, through aliases, by the key that was
// asked for; keys without an issue are not in it. Two keys of one issue give one pointer.
// Rows are locked in the order of the issues' cause keys.
func (tx *Tx) IssuesByCause(ctx context.Context, keys []string, lock Lock) (map[string]*yagura.Issue, error) {
	out := make(map[string]*yagura.Issue, len(keys))
	asked := make(map[string][]string, len(keys)) // by the key as the column holds it
	for _, k := range keys {
		c := key(k)
		if !slices.Contains(asked[c], k) {
			asked[c] = append(asked[c], k)
		}
	}
	wanted := make([]string, 0, len(asked))
	for c := range asked {
		wanted = append(wanted, c)
	}
	slices.Sort(wanted)
	of := map[string][]string{} // issue id → asked keys
	var ids []string
	_, err := tx.many(ctx, `SELECT cause_key, issue_id FROM cause WHERE cause_key IN (SELECT k FROM d)`, []column{textColumn("k", wanted)},
		func(rows *sql.Rows) error {
			var k, id string
			if err := rows.Scan(&k, &id); err != nil {
				return err
			}
			if of[id] == nil {
				ids = append(ids, id)
			}
			of[id] = append(of[id], asked[k]...)
			return nil
		})
	if err != nil {
		return nil, err
	}
	list, err := tx.issuesByID(ctx, ids, lock)
	for _, x := range list {
		for _, k := range of[key(x.ID)] {
			out[k] = x
		}
	}
	return out, err
}

// issuesByID returns issues, locked in the order of their cause keys.
func (tx *Tx) issuesByID(ctx context.Context, ids []string, lock Lock) ([]*yagura.Issue, error) {
	slices.Sort(ids)
	list, err := tx.lockedIssues(ctx, ids, lock)
	if err != nil {
		return nil, err
	}
	// Counts are read by a statement of their own: one that had to wait for a lock would
	// see the counts of before it.
	return list, tx.counts(ctx, list)
}

func (tx *Tx) readIssues(ctx context.Context, ids []string, clause string) (list []*yagura.Issue, err error) {
	_, err = tx.many(ctx, `SELECT id, body FROM issue WHERE id IN (SELECT i FROM d) ORDER BY cause_key`+clause, []column{textColumn("i", ids)},
		func(rows *sql.Rows) error {
			x, err := scanIssue(rows)
			list = append(list, x)
			return err
		})
	return list, err
}

// gateClass is the first number of the advisory locks that are gates, and gates is how
// many of them there are.
const (
	gateClass = 0x79616775
	gates     = 256
)

// lockedIssues reads and locks the rows of issues.
//
// A row lock of PostgreSQL is not fair: while transactions that overlap hold a row by
// Share, one that wants to change it never gets it. So whoever shares takes a gate first,
// an advisory lock (which is fair) that many issues have in common; whoever wants to change
// and finds a row held closes its gate, and waits for those who share to go.
func (tx *Tx) lockedIssues(ctx context.Context, ids []string, lock Lock) ([]*yagura.Issue, error) {
	if lock == NoLock || !tx.s.d.postgres || len(ids) == 0 {
		return tx.readIssues(ctx, ids, "")
	}
	if !tx.write {
		return nil, tx.fail(errReadOnly)
	}
	if lock == Share {
		if err := tx.gate(ctx, "pg_advisory_xact_lock_shared", ids); err != nil {
			return nil, err
		}
		return tx.readIssues(ctx, ids, " {for share}")
	}
	if _, err := tx.exec(ctx, "SAVEPOINT held"); err != nil {
		return nil, err
	}
	list, err := tx.readIssues(ctx, ids, " {for change} SKIP LOCKED")
	if err != nil {
		return nil, err
	}
	if len(list) == len(ids) {
		_, err := tx.exec(ctx, "RELEASE SAVEPOINT held")
		return list, err
	}
	// What was got is let go of, so that all is locked in order.
	if _, err := tx.exec(ctx, "ROLLBACK TO SAVEPOINT held"); err != nil {
		return nil, err
	}
	for _, x := range list {
		ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == key(x.ID) })
	}
	if err := tx.gate(ctx, "pg_advisory_xact_lock", ids); err != nil {
		return nil, err
	}
	for _, x := range list {
		ids = append(ids, key(x.ID))
	}
	return tx.readIssues(ctx, ids, " {for change}")
}

// gate takes the gates of issues, in order.
func (tx *Tx) gate(ctx context.Context, take string, ids []string) error {
	numbers := make([]int64, len(ids))
	for i, id := range ids {
		h := fnv.New32a()
		h.Write([]byte(id))
		numbers[i] = int64(h.Sum32() % gates)
	}
	slices.Sort(numbers)
	_, err := tx.many(ctx, "SELECT "+take+"("+strconv.Itoa(gateClass)+", g::int)::text FROM d", []column{intColumn("g", slices.Compact(numbers))},
		func(*sql.Rows) error { return nil })
	return err
}

// counts fills in what is counted apart from the rows of issues, folded or not.
func (tx *Tx) counts(ctx context.Context, list []*yagura.Issue) error {
	ids := make([]string, 0, len(list))
	byID := make(map[string]*yagura.Issue, len(list))
	for _, x := range list {
		x.Count, x.FirstSeen, x.LastSeen = 0, at(0), at(0)
		ids, byID[key(x.ID)] = append(ids, key(x.ID)), x
	}
	_, err := tx.many(ctx, `SELECT issue_id, findings, first_seen, last_seen FROM issue_tally WHERE issue_id IN (SELECT i FROM d)
		UNION ALL SELECT issue_id, CAST(sum(findings) AS BIGINT), min(CASE WHEN first_seen = 0 THEN 9223372036854775807 ELSE first_seen END), max(last_seen)
			FROM issue_count WHERE issue_id IN (SELECT i FROM d) GROUP BY issue_id`,
		[]column{textColumn("i", ids)}, func(rows *sql.Rows) error {
			var id string
			var n, first, last int64
			if err := rows.Scan(&id, &n, &first, &last); err != nil {
				return err
			}
			if first == 1<<63-1 {
				first = 0
			}
			x := byID[id]
			x.Count += uint64(n)
			x.FirstSeen = at(earlier(ns(x.FirstSeen), first))
			x.LastSeen = at(later(ns(x.LastSeen), last))
			return nil
		})
	return err
}

// Issue returns one issue, or [ErrNotFound].
func (tx *Tx) Issue(ctx context.Context, id string, lock Lock) (*yagura.Issue, error) {
	list, err := tx.issuesByID(ctx, []string{key(id)}, lock)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("issue %q: %w", cut(id, 64), ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// IssueByTicket returns the issue whose ticket a sink calls ref, or [ErrNotFound].
func (tx *Tx) IssueByTicket(ctx context.Context, sink, ref string) (*yagura.Issue, error) {
	var id string
	err := tx.one(ctx, `SELECT issue_id FROM ticket WHERE sink = ? AND ref = ? ORDER BY issue_id LIMIT 1`, []any{key(sink), key(ref)}, &id)
	if err != nil {
		return nil, fmt.Errorf("ticket %q of %s: %w", cut(ref, 64), sink, err)
	}
	return tx.Issue(ctx, unclean(id), NoLock)
}

// PutIssue writes one issue; see [Tx.PutIssues].
func (tx *Tx) PutIssue(ctx context.Context, x *yagura.Issue) error {
	return tx.PutIssues(ctx, []*yagura.Issue{x})
}

// PutIssues writes issues. One whose Version is 1 is new: its cause key is taken for
// good, and Count, FirstSeen and LastSeen are where its counts begin. Another replaces
// the version before; those three fields of it are not looked at ([Tx.AddCounts] moves
// them). The transaction runs again when somebody else made the issue first, or changed
// it meanwhile ([ErrMoved] in the end).
func (tx *Tx) PutIssues(ctx context.Context, issues []*yagura.Issue) error {
	var fresh, changed []*yagura.Issue
	for _, x := range issues {
		if x.ID == "" || x.CauseKey == "" || x.Version < 1 || x.Severity.String() == "" {
			return fmt.Errorf("issue %q: want an id, a cause key, a severity and a version", cut(x.ID, 64))
		}
		if x.Version == 1 {
			fresh = append(fresh, x)
		} else {
			changed = append(changed, x)
		}
	}
	for _, list := range [][]*yagura.Issue{fresh, changed} {
		slices.SortFunc(list, func(a, b *yagura.Issue) int { return cmp.Compare(key(a.CauseKey), key(b.CauseKey)) })
	}
	if err := tx.insertIssues(ctx, fresh); err != nil {
		return err
	}
	cols, err := issueColumns(changed)
	if err != nil {
		return err
	}
	n, err := tx.many(ctx, `UPDATE issue SET version = d.version, status = d.status, severity = d.severity, account = d.account, rule_id = d.rule_id,
			umbrella = d.umbrella, updated = d.updated, search = d.search, body = d.body
		FROM d WHERE issue.id = d.id AND issue.version = d.version - 1 AND issue.cause_key = d.cause_key`, cols, nil)
	if err == nil && n != int64(len(changed)) {
		err = tx.fail(fmt.Errorf("put issue: %w", ErrMoved))
	}
	if err != nil {
		return err
	}
	return tx.putFacts(ctx, issues)
}

func (tx *Tx) insertIssues(ctx context.Context, fresh []*yagura.Issue) error {
	var keys, ids []string
	v := numbers{names: []string{"findings", "first_seen", "last_seen"}}
	for _, x := range fresh {
		keys, ids = append(keys, key(x.CauseKey)), append(ids, key(x.ID))
		v.add(int64(x.Count), ns(x.FirstSeen), ns(x.LastSeen))
	}
	n, err := tx.many(ctx, `INSERT INTO cause (cause_key, issue_id) SELECT k, i FROM d WHERE true ON CONFLICT (cause_key) DO NOTHING`,
		[]column{textColumn("k", keys), textColumn("i", ids)}, nil)
	if err != nil {
		return err
	}
	if n != int64(len(fresh)) {
		// Somebody made an issue of the same cause: the transaction will find it.
		return tx.fail(fmt.Errorf("put issue: the cause has an issue: %w", errAgain))
	}
	cols, err := issueColumns(fresh)
	if err != nil {
		return err
	}
	if _, err = tx.many(ctx, `INSERT INTO issue (id, cause_key, version, status, severity, account, rule_id, umbrella, updated, search, body)
		SELECT id, cause_key, version, status, severity, account, rule_id, umbrella, updated, search, body FROM d`, cols, nil); err != nil {
		return err
	}
	_, err = tx.many(ctx, `INSERT INTO issue_tally (issue_id, findings, first_seen, last_seen, entries)
		SELECT i, findings, first_seen, last_seen, 0 FROM d WHERE true ON CONFLICT (issue_id) DO UPDATE SET findings = issue_tally.findings + excluded.findings,
			first_seen = CASE WHEN issue_tally.first_seen = 0 OR excluded.first_seen <> 0 AND excluded.first_seen < issue_tally.first_seen THEN excluded.first_seen ELSE issue_tally.first_seen END,
			last_seen = CASE WHEN issue_tally.last_seen = 0 OR excluded.last_seen > issue_tally.last_seen THEN excluded.last_seen ELSE issue_tally.last_seen END`,
		append([]column{textColumn("i", ids)}, v.columns()...), nil)
	return err
}

// searchLimit is how much of an issue's text is searched.
const searchLimit = 8 << 10

// searchText is what Text of a filter is looked for in, in lower case; the id has its own
// column.
func searchText(x *yagura.Issue) string {
	var b strings.Builder
	add := func(parts ...string) {
		for _, p := range parts {
			if p != "" && b.Len() < searchLimit {
				b.WriteByte('\n')
				b.WriteString(cut(p, 1024))
			}
		}
	}
	add(x.Title, x.TitleJA, x.CauseKey, x.Account, x.AccountInfo.Name, x.Actor.ID, x.Actor.Name)
	for _, e := range x.Entities {
		add(e.ID)
	}
	return cut(clean(strings.ToLower(b.String())), searchLimit)
}

func issueColumns(list []*yagura.Issue) ([]column, error) {
	t := make([][]string, 7)
	var bodies [][]byte
	v := numbers{names: []string{"version", "severity", "updated"}}
	for _, x := range list {
		body, err := json.Marshal(x)
		if err != nil {
			return nil, fmt.Errorf("issue %q: %w", cut(x.ID, 64), err)
		}
		bodies = append(bodies, body)
		for i, s := range []string{key(x.ID), key(x.CauseKey), key(string(x.Status)), key(x.Account), key(x.Rule.ID), key(x.Umbrella), searchText(x)} {
			t[i] = append(t[i], s)
		}
		v.add(x.Version, int64(x.Severity), ns(x.Updated))
	}
	cols := v.columns()
	for i, name := range []string{"id", "cause_key", "status", "account", "rule_id", "umbrella", "search"} {
		cols = append(cols, textColumn(name, t[i]))
	}
	return append(cols, blobColumn("body", bodies)), nil
}

// PutAlias makes a cause key another name of an issue, for good. It is no error when it
// is so already; [ErrTaken] when it is the key of another issue.
func (tx *Tx) PutAlias(ctx context.Context, oldKey, issueID string) error {
	n, err := tx.exec(ctx, `INSERT INTO cause (cause_key, issue_id) VALUES (?, ?) ON CONFLICT (cause_key) DO NOTHING`, key(oldKey), key(issueID))
	if err != nil || n > 0 {
		return err
	}
	var id string
	if err := tx.one(ctx, `SELECT issue_id FROM cause WHERE cause_key = ?`, []any{key(oldKey)}, &id); err != nil {
		return err
	}
	if id != key(issueID) {
		return fmt.Errorf("alias %q: %w (%s)", cut(oldKey, 200), ErrTaken, id)
	}
	return nil
}
