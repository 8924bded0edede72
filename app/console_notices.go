package app

import (
	"context"
	"slices"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
)

// RetryNotice implements [api.Outbox]. A notice belongs to whoever sees its issue, and one of no
// issue to those who see everything.
func (c *console) RetryNotice(ctx context.Context, reach api.Reach, id string) (*api.Notice, bool, error) {
	var out api.Notice
	done := false
	err := c.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		done = false
		o, err := tx.Owed(ctx, id)
		if err != nil {
			return err
		}
		if err := c.seesNotice(ctx, tx, reach, &o.Notice); err != nil {
			return err
		}
		switch sink := o.Notice.Sink; {
		case o.State == yagura.NoticeDelivered:
			return api.Refuse(api.CodeConflict, "it was delivered", "配信済みです")
		case !slices.ContainsFunc(c.cfg.Sinks, func(s config.Sink) bool { return s.Name == sink }):
			return api.Refuse(api.CodeConflict, "there is no sink "+sink+" any more", "通知先 "+sink+" はもうありません").
				Hinted("put it back into the configuration", "設定に戻してください")
		case o.State == yagura.NoticeDead:
			if err := tx.ReviveNotice(ctx, id); err != nil {
				return err
			}
			done = true
			if o, err = tx.Owed(ctx, id); err != nil {
				return err
			}
		}
		out = noticeOf(o)
		return nil
	})
	if err == nil && done && c.serve != nil {
		c.serve.wake()
	}
	return &out, done, err
}

// seesNotice refuses a notice of an issue beyond reach, as one that is not there.
func (c *console) seesNotice(ctx context.Context, tx *store.Tx, reach api.Reach, n *yagura.Notice) error {
	if reach.All {
		return nil
	}
	if n.IssueID == "" {
		return store.ErrNotFound
	}
	_, err := c.issue(ctx, tx, reach, n.IssueID, yagura.LockNone)
	return err
}
