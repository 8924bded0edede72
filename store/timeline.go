package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/yagura-sec/yagura"
)

// AddCounts adds findings to issues without touching their rows, so that many may add to
// one at once.
func (tx *Tx) AddCounts(ctx context.Context, counts []yagura.Count) error {
	sums := map[string]*yagura.Count{}
	var ids []string
	for _, c := range counts {
		id := key(c.IssueID)
		s := sums[id]
		if s == nil {
			s = new(yagura.Count)
			sums[id] = s
			ids = append(ids, id)
		}
		s.Findings += c.Findings
		s.First, s.Last = at(earlier(ns(s.First), ns(c.First))), at(later(ns(s.Last), ns(c.Last)))
	}
	slices.Sort(ids)
	v := numbers{names: []string{"findings", "first_seen", "last_seen"}}
	for _, id := range ids {
		s := sums[id]
		v.add(int64(s.Findings), ns(s.First), ns(s.Last))
	}
	_, err := tx.many(ctx, `INSERT INTO issue_count (issue_id, findings, first_seen, last_seen) SELECT i, findings, first_seen, last_seen FROM d`,
		append([]column{textColumn("i", ids)}, v.columns()...), nil)
	return err
}

// FoldCounts adds up to limit of the added counts to the totals of their issues, and says
// how many. What another transaction is folding, or holds, is left for later.
func (tx *Tx) FoldCounts(ctx context.Context, limit int) (int, error) {
	type added struct {
		seq int64
		id  string
	}
	var list []added
	err := tx.each(ctx, `SELECT seq, issue_id FROM issue_count ORDER BY seq LIMIT ? {skip locked}`, []any{int64(bound(limit))}, func(rows *sql.Rows) error {
		var a added
		err := rows.Scan(&a.seq, &a.id)
		list = append(list, a)
		return err
	})
	if err != nil || len(list) == 0 {
		return 0, err
	}
	var ids []string
	for _, a := range list {
		ids = append(ids, a.id)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	held, err := tx.holdTallies(ctx, ids)
	if err != nil {
		return 0, err
	}
	var seqs []int64
	for _, a := range list {
		if held[a.id] {
			seqs = append(seqs, a.seq)
		}
	}
	sums := map[string]*yagura.Count{}
	_, err = tx.many(ctx, `DELETE FROM issue_count WHERE seq IN (SELECT s FROM d) RETURNING issue_id, findings, first_seen, last_seen`,
		[]column{intColumn("s", seqs)}, func(rows *sql.Rows) error {
			var id string
			var n, first, last int64
			if err := rows.Scan(&id, &n, &first, &last); err != nil {
				return err
			}
			s := sums[id]
			if s == nil {
				s = new(yagura.Count)
				sums[id] = s
			}
			s.Findings += uint64(n)
			s.First, s.Last = at(earlier(ns(s.First), first)), at(later(ns(s.Last), last))
			return nil
		})
	if err != nil {
		return 0, err
	}
	ids = slices.Sorted(maps.Keys(sums))
	v := numbers{names: []string{"findings", "first_seen", "last_seen"}}
	for _, id := range ids {
		v.add(int64(sums[id].Findings), ns(sums[id].First), ns(sums[id].Last))
	}
	_, err = tx.many(ctx, `UPDATE issue_tally SET findings = issue_tally.findings + d.findings,
			first_seen = CASE WHEN issue_tally.first_seen = 0 OR d.first_seen <> 0 AND d.first_seen < issue_tally.first_seen THEN d.first_seen ELSE issue_tally.first_seen END,
			last_seen = CASE WHEN issue_tally.last_seen = 0 OR d.last_seen <> 0 AND d.last_seen > issue_tally.last_seen THEN d.last_seen ELSE issue_tally.last_seen END
		FROM d WHERE issue_tally.issue_id = d.i`, append([]column{textColumn("i", ids)}, v.columns()...), nil)
	return len(seqs), err
}

// holdTallies locks the totals of issues, without waiting for whoever adds entries to a
// timeline and so holds one, and says which it got.
func (tx *Tx) holdTallies(ctx context.Context, ids []string) (map[string]bool, error) {
	held := make(map[string]bool, len(ids))
	got := func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		held[id] = true
		return err
	}
	_, err := tx.many(ctx, `SELECT issue_id FROM issue_tally WHERE issue_id IN (SELECT i FROM d) ORDER BY issue_id {skip locked}`,
		[]column{textColumn("i", ids)}, got)
	if err != nil {
		return nil, err
	}
	// What is not held is held by somebody else, or it is of an issue that never came.
	missing := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return held[id] })
	_, err = tx.many(ctx, `INSERT INTO issue_tally (issue_id, findings, first_seen, last_seen, entries) SELECT i, 0, 0, 0, 0 FROM d
		WHERE NOT EXISTS (SELECT 1 FROM issue_tally WHERE issue_id = d.i) ON CONFLICT (issue_id) DO NOTHING RETURNING issue_id`,
		[]column{textColumn("i", missing)}, got)
	return held, err
}

// PutEpisode writes an episode of an issue, in place of what is there of it.
func (tx *Tx) PutEpisode(ctx context.Context, e yagura.Episode) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("episode %d of issue %q: %w", e.N, cut(e.IssueID, 64), err)
	}
	_, err = tx.exec(ctx, `INSERT INTO episode (issue_id, n, body) VALUES (?, ?, ?) ON CONFLICT (issue_id, n) DO UPDATE SET body = excluded.body`,
		key(e.IssueID), int64(e.N), body)
	return err
}

// Episodes returns the episodes of an issue, the first first.
func (tx *Tx) Episodes(ctx context.Context, issueID string) ([]yagura.Episode, error) {
	var out []yagura.Episode
	err := tx.each(ctx, `SELECT body FROM episode WHERE issue_id = ? ORDER BY n`, []any{key(issueID)}, func(rows *sql.Rows) error {
		var e yagura.Episode
		err := scanJSON(rows, &e)
		out = append(out, e)
		return err
	})
	return out, err
}

func scanJSON(rows *sql.Rows, v any) error {
	var body []byte
	if err := rows.Scan(&body); err != nil {
		return err
	}
	return json.Unmarshal(body, v)
}

// AddEntries adds lines to the timelines of issues, in the order in which they are given,
// and fills in their Seq: from 1, without gaps, per issue.
func (tx *Tx) AddEntries(ctx context.Context, entries []yagura.Entry) error {
	sizes := map[string]int64{}
	for i := range entries {
		if entries[i].IssueID == "" {
			return fmt.Errorf("entry %d of the batch is of no issue", i)
		}
		sizes[key(entries[i].IssueID)]++
	}
	ids := slices.Sorted(maps.Keys(sizes))
	v := numbers{names: []string{"entries"}}
	for _, id := range ids {
		v.add(sizes[id])
	}
	last := make(map[string]int64, len(ids))
	_, err := tx.many(ctx, `INSERT INTO issue_tally (issue_id, findings, first_seen, last_seen, entries) SELECT i, 0, 0, 0, entries FROM d WHERE true
		ON CONFLICT (issue_id) DO UPDATE SET entries = issue_tally.entries + excluded.entries RETURNING issue_id, entries`,
		append([]column{textColumn("i", ids)}, v.columns()...), func(rows *sql.Rows) error {
			var id string
			var n int64
			err := rows.Scan(&id, &n)
			last[id] = n - sizes[id]
			return err
		})
	if err != nil {
		return err
	}
	keys, seqs, bodies := make([]string, len(entries)), make([]int64, len(entries)), make([][]byte, len(entries))
	for i := range entries {
		e := &entries[i]
		keys[i] = key(e.IssueID)
		last[keys[i]]++
		e.Seq = last[keys[i]]
		seqs[i] = e.Seq
		if bodies[i], err = json.Marshal(e); err != nil {
			return tx.fail(fmt.Errorf("entry %d of the batch: %w", i, err))
		}
	}
	_, err = tx.many(ctx, `INSERT INTO entry (issue_id, seq, body) SELECT i, seq, body FROM d`,
		[]column{textColumn("i", keys), intColumn("seq", seqs), blobColumn("body", bodies)}, nil)
	if err != nil {
		return err
	}
	return tx.addNotes(ctx, entries)
}

// Entries returns lines of an issue's timeline in the order of Seq, those behind after.
func (tx *Tx) Entries(ctx context.Context, issueID string, after int64, limit int) ([]yagura.Entry, error) {
	var out []yagura.Entry
	err := tx.each(ctx, `SELECT body FROM entry WHERE issue_id = ? AND seq > ? ORDER BY seq LIMIT ?`, []any{key(issueID), after, int64(bound(limit))},
		func(rows *sql.Rows) error {
			var e yagura.Entry
			err := scanJSON(rows, &e)
			out = append(out, e)
			return err
		})
	return out, err
}
