package app

import (
	"context"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/store"
)

// deadPreview is how much of a dead letter a list shows, in characters.
const deadPreview = 200

func deadOf(d yagura.DeadLetter) api.DeadLetter {
	head := d.Bytes[:min(len(d.Bytes), 4*deadPreview)]
	text := []rune(strings.ToValidUTF8(string(head), "�"))
	return api.DeadLetter{ID: d.ID, Source: d.Source, Object: d.Object, Record: d.Record, Offset: d.Offset, Format: d.Format, Reason: d.Reason,
		Preview: string(text[:min(len(text), deadPreview)]), Size: d.Size, At: d.At, Retried: d.Retried}
}

// ListDeadLetters implements [api.DeadLetters].
func (c *console) ListDeadLetters(ctx context.Context, reach api.Reach, ask api.Ask) (*api.List[api.DeadLetter], error) {
	scopes, all := c.within(reach)
	return small(ctx, c, ask, deadOf, func(tx *store.Tx, sort, after string, limit int) ([]yagura.DeadLetter, string, error) {
		return tx.FindDeadLetters(ctx, scopes, all, ask.Query, sort, after, limit)
	})
}

// DeadLetter implements [api.DeadLetters].
func (c *console) DeadLetter(ctx context.Context, reach api.Reach, id string) (*api.DeadLetterBytes, error) {
	d, err := c.dead(ctx, id)
	if err != nil {
		return nil, err
	}
	// As the list has it: a record that could not be read is of no account.
	scopes, all := c.within(reach)
	if !all && !slices.ContainsFunc(scopes, func(s yagura.Scope) bool { return len(s.Tenants)+len(s.Accounts) == 0 && s.Holds("", "", d.Format) }) {
		return nil, api.NotFound
	}
	return &api.DeadLetterBytes{DeadLetter: deadOf(d), Bytes: d.Bytes, Truncated: d.Size > int64(len(d.Bytes))}, nil
}

func (c *console) dead(ctx context.Context, id string) (d yagura.DeadLetter, err error) {
	err = c.view(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		d, err = tx.DeadLetter(ctx, id)
		return err
	})
	return d, err
}

// RetryDeadLetter implements [api.DeadLetters]. Beside a server there are no rules to judge by.
func (c *console) RetryDeadLetter(ctx context.Context, id string) (*api.DeadLetterRetried, error) {
	if c.serve == nil {
		return nil, api.Refuse(api.CodeUnavailable, "only a running service answers this", "稼働中のサービスでのみ利用できます").
			Hinted("yagura dead retry does it beside the store", "ストアのそばでは yagura dead retry を使ってください")
	}
	d, err := c.dead(ctx, id)
	if err != nil {
		return nil, err
	}
	if !d.Retried.IsZero() {
		return nil, api.Refuse(api.CodeConflict, "a retry judged it already", "再試行で判定済みです")
	}
	got := (&Books{DB: c.db, inbox: c.inbox}).RetryDead(ctx, &Retrier{c.serve.rules.Load()}, d, c.now())
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	out := &api.DeadLetterRetried{Done: got.Err == nil, Records: got.Records, Findings: got.Findings}
	if got.Err != nil {
		out.Reason = got.Err.Error()
	} else {
		c.serve.wake()
	}
	return out, nil
}
