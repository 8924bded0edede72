package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
)

// NoteCounter notes that the counter-event of a cause happened at a time.
func (tx *Tx) NoteCounter(ctx context.Context, causeKey string, when time.Time) error {
	_, err := tx.exec(ctx, `INSERT INTO counter_event (cause_key, at) VALUES (?, ?)
		ON CONFLICT (cause_key) DO UPDATE SET at = excluded.at WHERE excluded.at > counter_event.at`, key(causeKey), ns(when))
	return err
}

// LastCounter returns when the counter-event of a cause happened last, zero where none was
// noted. It waits for whoever notes one at this moment, and holds up whoever comes to note
// one until the end of the transaction.
func (tx *Tx) LastCounter(ctx context.Context, causeKey string) (time.Time, error) {
	var n int64
	var err error
	if tx.s.d.postgres {
		_, err = tx.many(ctx, `INSERT INTO counter_event (cause_key, at) SELECT k, 0 FROM d WHERE true
			ON CONFLICT (cause_key) DO UPDATE SET at = counter_event.at RETURNING at`, []column{textColumn("k", []string{key(causeKey)})},
			func(rows *sql.Rows) error { return rows.Scan(&n) })
	} else if err = tx.one(ctx, `SELECT at FROM counter_event WHERE cause_key = ?`, []any{key(causeKey)}, &n); errors.Is(err, ErrNotFound) {
		return time.Time{}, nil
	}
	if err != nil || n == 0 {
		return time.Time{}, err
	}
	return at(n), nil
}

// Supersede takes findings about windows back that do not hold any more, because a match
// that came late has moved them. They stay on record, are no longer listed, and are taken
// off the counts of their issues; one that is filed again holds again.
func (tx *Tx) Supersede(ctx context.Context, findings []string) error {
	ids := make([]string, len(findings))
	for i, id := range findings {
		ids[i] = key(id)
	}
	var issues, gone []string
	_, err := tx.many(ctx, `UPDATE finding SET superseded = 1 FROM d WHERE finding.id = d.id AND finding.superseded = 0 RETURNING finding.issue_id, finding.id`,
		[]column{textColumn("id", ids)}, func(rows *sql.Rows) error {
			var issue, id string
			err := rows.Scan(&issue, &id)
			gone = append(gone, id)
			if issue != "" {
				issues = append(issues, issue)
			}
			return err
		})
	if err != nil {
		return err
	}
	again := make([]int64, len(gone))
	for i := range again {
		again[i] = 1
	}
	if err := tx.noteNew(ctx, gone, again); err != nil {
		return err
	}
	for _, issue := range issues {
		if _, err := tx.exec(ctx, `INSERT INTO issue_count (issue_id, findings, first_seen, last_seen) VALUES (?, -1, 0, 0)`, issue); err != nil {
			return err
		}
	}
	return nil
}

// IssuesOf lists the issues of findings that hold, each once, in their order.
func (tx *Tx) IssuesOf(ctx context.Context, findings []string) (issues []string, err error) {
	ids := make([]string, len(findings))
	for i, id := range findings {
		ids[i] = key(id)
	}
	_, err = tx.many(ctx, `SELECT DISTINCT issue_id FROM finding WHERE id IN (SELECT id FROM d) AND superseded = 0 AND issue_id <> ''`,
		[]column{textColumn("id", ids)}, func(rows *sql.Rows) error {
			var issue string
			err := rows.Scan(&issue)
			issues = append(issues, unclean(issue))
			return err
		})
	slices.Sort(issues)
	return slices.Compact(issues), err
}

// OpenIssues counts the issues that are not closed, by severity.
func (tx *Tx) OpenIssues(ctx context.Context) (map[yagura.Severity]int64, error) {
	out := map[yagura.Severity]int64{}
	for _, sev := range yagura.Severities() {
		var n int64
		err := tx.one(ctx, `SELECT count(*) FROM issue WHERE status IN (?, ?) AND severity = ?`,
			[]any{string(yagura.StatusOpen), string(yagura.StatusAcknowledged), int64(sev)}, &n)
		if err != nil {
			return nil, err
		}
		out[sev] = n
	}
	return out, nil
}
