package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

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
