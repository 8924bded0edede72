package app

import (
	"context"
	"errors"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/store"
)

// countPages counts a small list by walking it, as far as lists are counted exactly.
func countPages[T any](find func(after string, limit int) ([]T, string, error)) (n int64, exact bool, err error) {
	for after := ""; ; {
		list, next, err := find(after, 1000)
		if err != nil {
			return n, false, err
		}
		n += int64(len(list))
		if next == "" {
			return n, true, nil
		}
		if n >= store.MostCounted {
			return store.MostCounted, false, nil
		}
		after = next
	}
}

// small reads a page of a list that is not bound to scopes.
func small[T, U any](ctx context.Context, c *console, ask api.Ask, of func(U) T, find func(tx *store.Tx, sort, after string, limit int) ([]U, string, error)) (*api.List[T], error) {
	return listed(ctx, c, ask, of, func(_ context.Context, tx *store.Tx, sort string) ([]U, string, error) {
		return find(tx, sort, ask.After, ask.Limit)
	}, func(_ context.Context, tx *store.Tx) (int64, bool, error) {
		return countPages(func(after string, limit int) ([]U, string, error) { return find(tx, "", after, limit) })
	})
}

// ListUsers returns a page of users.
func (c *console) ListUsers(ctx context.Context, ask api.Ask) (*api.List[yagura.User], error) {
	return small(ctx, c, ask, itself, func(tx *store.Tx, sort, after string, limit int) ([]yagura.User, string, error) {
		return tx.FindUsers(ctx, ask.Query, sort, after, limit)
	})
}

// ListTokens returns a page of tokens.
func (c *console) ListTokens(ctx context.Context, ask api.Ask) (*api.List[yagura.Token], error) {
	return small(ctx, c, ask, itself, func(tx *store.Tx, sort, after string, limit int) ([]yagura.Token, string, error) {
		return tx.FindTokens(ctx, ask.Query, sort, after, limit)
	})
}

// ListAudit returns a page of the audit trail.
func (c *console) ListAudit(ctx context.Context, ask api.Ask) (*api.List[yagura.Audit], error) {
	return small(ctx, c, ask, itself, func(tx *store.Tx, sort, after string, limit int) ([]yagura.Audit, string, error) {
		return tx.FindAudit(ctx, ask.Query, sort, after, limit)
	})
}

// CheckAudit walks along the audit trail. A trail that is broken is an answer and no error.
func (c *console) CheckAudit(ctx context.Context) (*api.AuditCheck, error) {
	out := &api.AuditCheck{At: c.now().UTC()}
	err := c.view(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if _, out.Head, err = tx.AuditHead(ctx); err == nil {
			out.Lines, err = tx.VerifyAudit(ctx)
		}
		return err
	})
	if errors.Is(err, store.ErrAuditBroken) {
		out.BrokenAt, out.Reason, err = out.Lines+1, err.Error(), nil
	}
	out.OK = out.BrokenAt == 0
	return out, err
}

// ListNotices returns a page of what is owed to sinks, and was.
func (c *console) ListNotices(ctx context.Context, reach api.Reach, ask api.Ask) (*api.List[api.Notice], error) {
	scopes, all := c.within(reach)
	return small(ctx, c, ask, noticeOf, func(tx *store.Tx, sort, after string, limit int) ([]yagura.Owed, string, error) {
		return tx.FindNotices(ctx, scopes, all, ask.Query, sort, after, limit)
	})
}
