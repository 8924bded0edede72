package store

import (
	"context"
)

// listStep is the migration that made the tables of lists.
const listStep = 12

// catchUp makes what lists are asked by for what was there before the tables of lists were, or
// was restored. Each part is a transaction of its own: a process that ends half way goes on
// where it was when it starts again. Of replicas that start at once each does some of it.
func (db *DB) catchUp(ctx context.Context) error {
	tell := func(what string, done, left int64) {
		if db.told != nil && done > 0 {
			db.told(what, done, left)
		}
	}
	var issues, findings int64
	left := func(q string) (n int64, err error) {
		err = db.View(ctx, func(ctx context.Context, tx *Tx) error { return tx.one(ctx, q, nil, &n) })
		return n, err
	}
	missing, err := left(`SELECT (SELECT count(*) FROM issue) - (SELECT count(*) FROM issue_fact)`)
	if err != nil {
		return err
	}
	for after, all := "", missing; missing > 0; {
		var n int
		last := after
		err := db.Update(ctx, func(ctx context.Context, tx *Tx) (err error) {
			n, last, err = tx.factMissing(ctx, after, 500)
			return err
		})
		if err != nil {
			return err
		}
		if after = last; n == 0 {
			break
		}
		issues += int64(n)
		tell("issues", issues, max(all-issues, 0))
	}
	for {
		var n int
		err := db.Update(ctx, func(ctx context.Context, tx *Tx) (err error) {
			n, err = tx.IndexIssues(ctx, 500)
			return err
		})
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	waiting, err := left(`SELECT count(*) FROM finding_new`)
	if err != nil {
		return err
	}
	for waiting >= blockRows {
		var n int
		err := db.Update(ctx, func(ctx context.Context, tx *Tx) (err error) {
			n, err = tx.IndexFindings(ctx)
			return err
		})
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		if findings += int64(n); findings/int64(n)%32 == 0 {
			tell("findings", findings, max(waiting-findings, 0))
		}
	}
	return nil
}
