package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura"
)

// FindingFact is what is counted of a finding.
type FindingFact struct {
	Rule, Account, Format string
	Severity              yagura.Severity
	Suppressed            bool
	Seen                  time.Time
}

// FindingFacts returns what is counted of the findings that were judged behind a cursor, in the
// order of that; "" begins at a time. next is the cursor behind the last, which may be given
// again for what is judged later; it is after where there was none.
func (tx *Tx) FindingFacts(ctx context.Context, from time.Time, after string, until time.Time, limit int) (list []FindingFact, next string, err error) {
	n, id, err := parseCursor(after)
	if err != nil {
		return nil, "", err
	}
	if after == "" {
		n, id = ns(from)-1, "\U0010ffff"
	}
	next = after
	err = tx.each(ctx, `SELECT id, rule_id, severity, suppressed, seen, body FROM finding WHERE (seen, id) > (?, ?) AND seen < ? AND superseded = 0 ORDER BY seen, id LIMIT ?`,
		[]any{n, id, ns(until), int64(limit)}, func(rows *sql.Rows) error {
			var id, rule string
			var severity, suppressed, seen int64
			var body []byte
			if err := rows.Scan(&id, &rule, &severity, &suppressed, &seen, &body); err != nil {
				return err
			}
			var f struct {
				Format string `json:"format"`
				Event  struct {
					Account string `json:"account"`
				} `json:"event"`
			}
			if err := json.Unmarshal(body, &f); err != nil {
				return fmt.Errorf("finding %s: %w", id, err)
			}
			list = append(list, FindingFact{Rule: unclean(rule), Account: f.Event.Account, Format: f.Format, Severity: yagura.Severity(severity), Suppressed: suppressed != 0, Seen: at(seen)})
			next = cursor(seen, id)
			return nil
		})
	return list, next, err
}

// NewestFindings returns when the last but so many of the findings was judged that were judged
// from one time until before another; from where there are not more.
func (tx *Tx) NewestFindings(ctx context.Context, from, to time.Time, n int) (time.Time, error) {
	var seen int64
	err := tx.one(ctx, `SELECT seen FROM finding WHERE seen >= ? AND seen < ? ORDER BY seen DESC, id DESC LIMIT 1 OFFSET ?`, []any{ns(from), ns(to), int64(n)}, &seen)
	if errors.Is(err, ErrNotFound) {
		return from, nil
	}
	return at(seen), err
}
