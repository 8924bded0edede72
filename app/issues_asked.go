package app

import (
	"context"
	"math"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/store"
)

// issuesThat is a question of the program itself to the list of issues. It is
// made of terms and not of a text that is read: a value may be whatever a log holds.
func issuesThat(terms ...filter.Term) *filter.Query {
	return &filter.Query{List: filter.Issues, Terms: terms}
}

// being is the term that a field of text or of words is one of some values.
func being(field string, values ...string) filter.Term {
	t := filter.Term{Field: filter.Issues.Field(field)}
	for _, v := range values {
		t.Values = append(t.Values, filter.Value{Text: v, Number: math.MinInt64, To: math.MaxInt64})
	}
	return t
}

// notClosed is the term that an issue is worked on, or waits to be.
func notClosed() filter.Term {
	return being("status", string(yagura.StatusOpen), string(yagura.StatusAcknowledged))
}

// ofSeverity is the term that an issue has one of some severities.
func ofSeverity(levels ...yagura.Severity) filter.Term {
	t := filter.Term{Field: filter.Issues.Field("severity")}
	for _, s := range levels {
		t.Values = append(t.Values, filter.Value{Text: s.String(), Number: int64(s), To: int64(s)})
	}
	return t
}

// updatedSince is the term that an issue was changed at a time or later.
func updatedSince(at time.Time) filter.Term {
	return filter.Term{Field: filter.Issues.Field("updated"), Values: []filter.Value{{Op: filter.AtLeast, Time: at}}}
}

// holding is the term that a text stands somewhere in what is known of an issue.
func holding(text string) filter.Term { return filter.Term{Values: []filter.Value{{Text: text}}} }

// issuePage is how many issues are read in one transaction.
const issuePage = 1000

// eachPage calls f with the issues of a question, the latest updated first, page by page and
// each in a transaction of its own: an issue that changes meanwhile is not met twice.
func eachPage(ctx context.Context, db *store.DB, q *filter.Query, f func([]yagura.Issue) error) error {
	for after := ""; ; {
		var page []yagura.Issue
		err := db.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			page, after, err = latest(ctx, tx, q, after, issuePage)
			return err
		})
		if err == nil {
			err = f(page)
		}
		if err != nil || after == "" {
			return err
		}
	}
}

// latest returns the issues of a question, the latest updated first, wherever they are.
func latest(ctx context.Context, tx *store.Tx, q *filter.Query, after string, limit int) ([]yagura.Issue, string, error) {
	return tx.FindIssues(ctx, nil, true, q, "-updated", after, limit)
}
