package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
)

// AccountCount is how much there is of an account. Open are issues that are not closed.
type AccountCount struct {
	Account        string
	Open, Findings int64
}

// AccountCounts counts by account, in the order of their ids: the issues within scopes that are
// not closed, and the findings that were judged on days (UTC) that begin at from or later.
// Findings that were taken back later are counted.
func (tx *Tx) AccountCounts(ctx context.Context, scopes []yagura.Scope, all bool, from time.Time) ([]AccountCount, error) {
	within := reach(scopes, all, "f.account", "f.format")
	sums := map[string]*AccountCount{}
	of := func(account string) *AccountCount {
		a := sums[account]
		if a == nil {
			a = &AccountCount{Account: unclean(account)}
			sums[account] = a
		}
		return a
	}
	open, err := tx.openBy(ctx, "account", within)
	if err != nil {
		return nil, err
	}
	for account, n := range open {
		of(account).Open = n
	}
	err = tx.each(ctx, `SELECT f.account, CAST(sum(f.n) AS BIGINT) FROM finding_day f WHERE f.day >= ? AND `+within.sql+` GROUP BY f.account`, append([]any{ns(from)}, within.args...), func(rows *sql.Rows) error {
		var account string
		var n int64
		err := rows.Scan(&account, &n)
		of(account).Findings = n
		return err
	})
	if err != nil {
		return nil, err
	}
	_, days, err := tx.waitingCounts(ctx, scopes, all)
	if err != nil {
		return nil, err
	}
	for k, n := range days {
		if k.at >= ns(from) {
			of(k.account).Findings += n
		}
	}
	out := make([]AccountCount, 0, len(sums))
	for _, a := range sums {
		out = append(out, *a)
	}
	slices.SortFunc(out, func(a, b AccountCount) int { return cmp.Compare(a.Account, b.Account) })
	return out, nil
}
