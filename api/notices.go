package api

import "context"

// Outbox has notices delivered anew.
type Outbox interface {
	// RetryNotice makes a dead notice wait again. done is false where it waits already. One that
	// was delivered is a conflict.
	RetryNotice(ctx context.Context, reach Reach, id string) (n *Notice, done bool, err error)
}

// NoticeRetried is a notice that is to be tried again.
type NoticeRetried struct {
	Done   bool   `json:"done" doc:"It was dead and waits again; false: it waited already."`
	Notice Notice `json:"notice"`
}

type noticesIn struct{ ListIn }

func (a *API) notices(ctx context.Context, c *Call[noticesIn]) (*List[Notice], error) {
	return a.parts.Registers.ListNotices(ctx, c.Reach, c.Ask)
}

type noticeIn struct {
	ID string `path:"id" doc:"Id of the notice."`
}

func (a *API) retryNotice(ctx context.Context, c *Call[noticeIn]) (*NoticeRetried, error) {
	on := "notice/" + c.In.ID
	c.Did("notice.retry", on, "")
	n, done, err := a.parts.Outbox.RetryNotice(ctx, c.Reach, c.In.ID)
	if err != nil {
		return nil, err
	}
	if !done {
		c.Did("notice.retry", on, "it waited already")
	}
	return &NoticeRetried{Done: done, Notice: *n}, nil
}
