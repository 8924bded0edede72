package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
)

// digest is a hash of what changes when the window of a finding grows: its events and the
// last of them. Of a finding about one event it is always the same, whatever way that
// event came.
func digest(f *yagura.Finding) []byte {
	h := sha256.New()
	var n [8]byte
	part := func(s string) {
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	part(strconv.FormatInt(ns(f.Time), 10))
	h.Write(f.Event.Key[:])
	for _, list := range [][]string{f.Events, f.Caps} {
		part(strconv.Itoa(len(list)))
		for _, s := range list {
			part(s)
		}
	}
	return h.Sum(nil)[:16]
}

// PutFindings files findings, each once by its id, and says for each what that came to. A
// finding about a window that has grown replaces what was filed (but Seen stays). When the
// same id is given twice, the later one is what is filed, and the first tells what that
// came to.
func (tx *Tx) PutFindings(ctx context.Context, filed []yagura.Filed) ([]yagura.FiledState, error) {
	states := make([]yagura.FiledState, len(filed))
	last := make(map[string]int, len(filed)) // where the id is given last
	first := make(map[string]int, len(filed))
	for i := range filed {
		id := key(filed[i].Finding.ID)
		if _, ok := first[id]; !ok {
			first[id] = i
		}
		last[id] = i
		states[i] = yagura.FiledKnown
	}
	rows := make([]*findingRow, 0, len(last))
	for id, i := range last {
		row, err := newFindingRow(id, i, &filed[i])
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b *findingRow) int { return cmp.Compare(a.id, b.id) })
	fresh := make(map[string]bool, len(rows))
	_, err := tx.many(ctx, `INSERT INTO finding (id, issue_id, episode, severity, rule_id, account, format, suppressed, generation, seen, clauses, digest, body)
		SELECT id, issue_id, episode, severity, rule_id, account, format, suppressed, generation, seen, clauses, digest, body FROM d WHERE true
		ON CONFLICT (id) DO NOTHING RETURNING id`, findingColumns(rows), func(r *sql.Rows) error {
		var id string
		err := r.Scan(&id)
		fresh[id] = true
		return err
	})
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*findingRow, len(rows))
	var known []string
	for _, r := range rows {
		if fresh[r.id] {
			states[first[r.id]] = yagura.FiledNew
		} else {
			known = append(known, r.id)
			byID[r.id] = r
		}
	}
	// A finding that was taken back and holds again counts as a new one.
	revived := map[string]bool{}
	_, err = tx.many(ctx, `UPDATE finding SET superseded = 0 FROM d WHERE finding.id = d.id AND finding.superseded = 1 RETURNING finding.id`,
		[]column{textColumn("id", known)}, func(rows *sql.Rows) error {
			var id string
			err := rows.Scan(&id)
			revived[id] = true
			states[first[id]] = yagura.FiledNew
			return err
		})
	if err != nil {
		return nil, err
	}
	var changed []*findingRow
	_, err = tx.many(ctx, `SELECT id, digest FROM finding WHERE id IN (SELECT id FROM d) ORDER BY id {for change}`,
		[]column{textColumn("id", known)}, func(rows *sql.Rows) error {
			var id string
			var sum []byte
			if err := rows.Scan(&id, &sum); err != nil {
				return err
			}
			if r := byID[id]; !bytes.Equal(sum, r.digest) {
				changed = append(changed, r)
				if !revived[id] {
					states[first[id]] = yagura.FiledChanged
				}
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	_, err = tx.many(ctx, `UPDATE finding SET issue_id = d.issue_id, episode = d.episode, severity = d.severity, rule_id = d.rule_id,
			account = d.account, format = d.format, suppressed = d.suppressed, generation = d.generation, clauses = d.clauses, digest = d.digest, body = d.body, superseded = 0
		FROM d WHERE finding.id = d.id`, findingColumns(changed), nil)
	if err != nil {
		return nil, err
	}
	var news []string
	var again []int64
	for _, r := range rows {
		switch {
		case fresh[r.id]:
			news, again = append(news, r.id), append(again, 0)
		case revived[r.id] || slices.Contains(changed, r):
			news, again = append(news, r.id), append(again, 1)
		}
	}
	return states, tx.noteNew(ctx, news, again)
}

// noteNew notes findings that lists have to learn of.
func (tx *Tx) noteNew(ctx context.Context, ids []string, again []int64) error {
	_, err := tx.many(ctx, `INSERT INTO finding_new (id, again) SELECT id, again FROM d`, []column{textColumn("id", ids), intColumn("again", again)}, nil)
	return err
}

type findingRow struct {
	id      string
	f       *yagura.Filed
	clauses []byte
	digest  []byte
	body    []byte
}

func newFindingRow(id string, i int, f *yagura.Filed) (*findingRow, error) {
	r := &findingRow{id: id, f: f, digest: digest(&f.Finding)}
	var err error
	if f.Finding.ID == "" {
		err = fmt.Errorf("it has no id")
	} else if f.Severity.String() == "" {
		err = fmt.Errorf("its severity is empty")
	} else if r.body, err = json.Marshal(&f.Finding); err == nil {
		r.clauses, err = json.Marshal(f.Clauses)
	}
	if err != nil {
		return nil, fmt.Errorf("finding %d of the batch (%q): %w", i, cut(f.Finding.ID, 64), err)
	}
	return r, nil
}

func findingColumns(rows []*findingRow) []column {
	var ids, issues, rules, generations, accounts, formats []string
	var clauses, digests, bodies [][]byte
	v := numbers{names: []string{"episode", "severity", "suppressed", "seen"}}
	for _, r := range rows {
		ids, issues, rules, generations = append(ids, r.id), append(issues, key(r.f.IssueID)), append(rules, key(r.f.Finding.Rule.ID)), append(generations, clean(r.f.Generation))
		accounts, formats = append(accounts, key(r.f.Finding.Event.Account)), append(formats, key(r.f.Finding.Format))
		clauses, digests, bodies = append(clauses, r.clauses), append(digests, r.digest), append(bodies, r.body)
		v.add(int64(r.f.Episode), int64(r.f.Severity), flag(r.f.Suppressed), ns(r.f.Seen))
	}
	return append([]column{textColumn("id", ids), textColumn("issue_id", issues), textColumn("rule_id", rules), textColumn("generation", generations),
		textColumn("account", accounts), textColumn("format", formats),
		blobColumn("clauses", clauses), blobColumn("digest", digests), blobColumn("body", bodies)}, v.columns()...)
}

const filedColumns = `id, issue_id, episode, severity, suppressed, generation, seen, clauses, body`

func scanFiled(rows *sql.Rows, before ...any) (f yagura.Filed, id string, seen int64, err error) {
	var issue, generation string
	var severity, suppressed int64
	var clauses, body []byte
	if err = rows.Scan(append(before, &id, &issue, &f.Episode, &severity, &suppressed, &generation, &seen, &clauses, &body)...); err != nil {
		return f, id, seen, err
	}
	f.IssueID, f.Generation, f.Seen = unclean(issue), unclean(generation), at(seen)
	f.Severity, f.Suppressed = yagura.Severity(severity), suppressed != 0
	if err = json.Unmarshal(body, &f.Finding); err == nil {
		err = json.Unmarshal(clauses, &f.Clauses)
	}
	if err != nil {
		err = fmt.Errorf("finding %s: %w", id, err)
	}
	return f, id, seen, err
}

// Finding returns one finding, or [ErrNotFound].
func (tx *Tx) Finding(ctx context.Context, id string) (yagura.Filed, error) {
	list, _, err := tx.findings(ctx, 1, `SELECT `+filedColumns+` FROM finding WHERE id = ?`, key(id))
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("finding %q: %w", cut(id, 64), ErrNotFound)
	}
	if err != nil {
		return yagura.Filed{}, err
	}
	return list[0], nil
}

// FiledUsual returns what was known to be usual when findings were filed, by their ids. Of
// those that are not filed, or were without, there is none.
func (tx *Tx) FiledUsual(ctx context.Context, ids []string) (map[string][]yagura.Usual, error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = key(id)
	}
	out := map[string][]yagura.Usual{}
	_, err := tx.many(ctx, `SELECT id, body FROM finding WHERE id IN (SELECT id FROM d)`, []column{textColumn("id", keys)}, func(rows *sql.Rows) error {
		var id string
		var body []byte
		if err := rows.Scan(&id, &body); err != nil {
			return err
		}
		var f struct {
			ID    string         `json:"id"`
			Usual []yagura.Usual `json:"usual"`
		}
		if err := json.Unmarshal(body, &f); err != nil {
			return fmt.Errorf("finding %s: %w", id, err)
		}
		if len(f.Usual) > 0 {
			out[f.ID] = f.Usual
		}
		return nil
	})
	return out, err
}

// Findings returns the findings of an issue, those that were judged first first. next is
// the cursor of the page behind, "" at the end.
func (tx *Tx) Findings(ctx context.Context, issueID, after string, limit int) (list []yagura.Filed, next string, err error) {
	if issueID == "" {
		return nil, "", nil
	}
	n, id, err := parseCursor(after)
	if err != nil {
		return nil, "", err
	}
	limit = bound(limit)
	return tx.findings(ctx, limit, `SELECT `+filedColumns+` FROM finding WHERE issue_id = ? AND issue_id <> '' AND superseded = 0 AND (seen, id) > (?, ?)
		ORDER BY seen, id LIMIT ?`, key(issueID), n, id, int64(limit))
}

// FindingsBetween returns the findings that were judged from one time until before
// another, in the order of it.
func (tx *Tx) FindingsBetween(ctx context.Context, from, to time.Time, after string, limit int) (list []yagura.Filed, next string, err error) {
	n, id, err := parseCursor(after)
	if err != nil {
		return nil, "", err
	}
	if after == "" {
		n = ns(from) - 1
		id = "\U0010ffff"
	}
	limit = bound(limit)
	return tx.findings(ctx, limit, `SELECT `+filedColumns+` FROM finding WHERE (seen, id) > (?, ?) AND seen < ? AND superseded = 0 ORDER BY seen, id LIMIT ?`,
		n, id, ns(to), int64(limit))
}

func (tx *Tx) findings(ctx context.Context, limit int, q string, args ...any) (list []yagura.Filed, next string, err error) {
	var lastID string
	var lastSeen int64
	err = tx.each(ctx, q, args, func(rows *sql.Rows) error {
		f, id, seen, err := scanFiled(rows)
		list, lastID, lastSeen = append(list, f), id, seen
		return err
	})
	if len(list) == limit {
		next = cursor(lastSeen, lastID)
	}
	return list, next, err
}

// cursor names a place in a list that is sorted by a number and a text.
func cursor(n int64, id string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", n, id))
}

func parseCursor(s string) (int64, string, error) {
	if s == "" {
		return -1 << 63, "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(s)
	number, id, ok := strings.Cut(string(text), " ")
	n, err2 := strconv.ParseInt(number, 10, 64)
	if err != nil || !ok || err2 != nil || !utf8.ValidString(id) || strings.IndexByte(id, 0) >= 0 {
		return 0, "", fmt.Errorf("cursor %q: %w", cut(s, 64), ErrCursor)
	}
	return n, id, nil
}
