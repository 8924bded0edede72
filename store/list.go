package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
)

// mostIssues is the longest page of a list of issues.
const mostIssues = 1000

// listed is an issue with its place in a list.
type listed struct {
	x       *yagura.Issue
	updated int64
	id      string
}

// ListIssues returns issues as a filter says, the latest updated first. next is the
// cursor of the page behind, "" at the end. An issue that changes while pages are read
// moves to the front: it is not met twice, and not missed by who reads the front again.
func (tx *Tx) ListIssues(ctx context.Context, f yagura.IssueFilter) (list []yagura.Issue, next string, err error) {
	n, id, err := parseCursor(f.After)
	if err != nil {
		return nil, "", err
	}
	if f.After == "" {
		n, id = 1<<63-1, "\U0010ffff"
	}
	limit := f.Limit
	if limit <= 0 {
		limit = usualLimit
	}
	limit = min(limit, mostIssues)
	where := "(updated, id) < (?, ?)"
	args := []any{n, id}
	if !f.Since.IsZero() {
		where += " AND updated >= ?"
		args = append(args, ns(f.Since))
	}
	if len(f.Rules) > 0 {
		where += " AND rule_id IN (?" + strings.Repeat(", ?", len(f.Rules)-1) + ")"
		for _, id := range f.Rules {
			args = append(args, key(id))
		}
	}
	if f.Text != "" {
		text := key(strings.ToLower(f.Text))
		if len(f.Text) == 26 && isULID(f.Text) {
			where += " AND id = ?"
			args = append(args, strings.ToUpper(f.Text))
		} else {
			start := strings.ToUpper(text)
			where += " AND ({instr}(search, ?) > 0 OR id >= ? AND id < ?)"
			args = append(args, text, start, start+"\U0010ffff")
		}
	}
	statuses, severities := f.Status, f.Severity
	if len(statuses) == 0 {
		statuses = []yagura.Status{yagura.StatusOpen, yagura.StatusAcknowledged, yagura.StatusClosed}
	}
	if len(severities) == 0 {
		severities = yagura.Severities()
	}
	var all []listed
	if f.Account != "" {
		// The issues of one account are few: they are read in order and looked at.
		where += " AND account = ? AND status IN (?" + strings.Repeat(", ?", len(statuses)-1) + ") AND severity IN (?" + strings.Repeat(", ?", len(severities)-1) + ")"
		args = append(args, key(f.Account))
		for _, s := range statuses {
			args = append(args, key(string(s)))
		}
		for _, s := range severities {
			args = append(args, int64(s))
		}
		all, err = tx.issuesWhere(ctx, where, args, limit)
	} else {
		// One walk along the index per status and severity; the pages are merged.
		for _, status := range unique(statuses) {
			for _, severity := range unique(severities) {
				part, err := tx.issuesWhere(ctx, "status = ? AND severity = ? AND "+where,
					append([]any{key(string(status)), int64(severity)}, args...), limit)
				if err != nil {
					return nil, "", err
				}
				all = append(all, part...)
			}
		}
		slices.SortFunc(all, func(a, b listed) int { return cmp.Or(cmp.Compare(b.updated, a.updated), cmp.Compare(b.id, a.id)) })
		all = all[:min(limit, len(all))]
	}
	if err != nil {
		return nil, "", err
	}
	if len(all) == limit {
		next = cursor(all[limit-1].updated, all[limit-1].id)
	}
	list, err = tx.whole(ctx, all)
	return list, next, err
}

// SimilarIssues returns issues that findings of the same rule opened, the latest updated
// first.
func (tx *Tx) SimilarIssues(ctx context.Context, ruleID string, limit int) ([]yagura.Issue, error) {
	all, err := tx.issuesWhere(ctx, "rule_id = ?", []any{key(ruleID)}, min(bound(limit), mostIssues))
	if err != nil {
		return nil, err
	}
	return tx.whole(ctx, all)
}

// IssuesUnder returns the issues that an umbrella issue covers, the latest updated first.
func (tx *Tx) IssuesUnder(ctx context.Context, umbrella string, limit int) ([]yagura.Issue, error) {
	all, err := tx.issuesWhere(ctx, "umbrella = ? AND umbrella <> ''", []any{key(umbrella)}, min(bound(limit), mostIssues))
	if err != nil {
		return nil, err
	}
	return tx.whole(ctx, all)
}

func (tx *Tx) issuesWhere(ctx context.Context, where string, args []any, limit int) ([]listed, error) {
	var out []listed
	err := tx.each(ctx, `SELECT id, body, updated FROM issue WHERE `+where+` ORDER BY updated DESC, id DESC LIMIT ?`,
		append(slices.Clip(args), int64(limit)), func(rows *sql.Rows) error {
			var l listed
			var err error
			if l.x, err = scanIssue(rows, &l.updated); err != nil {
				return fmt.Errorf("list: %w", err)
			}
			l.id = key(l.x.ID)
			out = append(out, l)
			return nil
		})
	return out, err
}

func (tx *Tx) whole(ctx context.Context, all []listed) ([]yagura.Issue, error) {
	pointers := make([]*yagura.Issue, len(all))
	for i := range all {
		pointers[i] = all[i].x
	}
	if err := tx.counts(ctx, pointers); err != nil {
		return nil, err
	}
	list := make([]yagura.Issue, len(all))
	for i, x := range pointers {
		list[i] = *x
	}
	return list, nil
}

func unique[T comparable](list []T) []T {
	var out []T
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func isULID(s string) bool {
	for _, r := range strings.ToUpper(s) {
		if !strings.ContainsRune("0123456789ABCDEFGHJKMNPQRSTVWXYZ", r) {
			return false
		}
	}
	return true
}
