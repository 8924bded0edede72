package app

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

// issue reads one issue within reach.
func (c *console) issue(ctx context.Context, tx *store.Tx, reach api.Reach, id string, lock yagura.Lock) (*yagura.Issue, error) {
	is, err := tx.Issue(ctx, id, lock)
	if err != nil {
		return nil, err
	}
	if !c.holds(reach, is.Account, is.Format) {
		return nil, store.ErrNotFound
	}
	return is, nil
}

// Issue returns an issue with what stands beside it.
func (c *console) Issue(ctx context.Context, reach api.Reach, id string) (*api.IssuePage, error) {
	page := &api.IssuePage{}
	err := c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		is, err := c.issue(ctx, tx, reach, id, yagura.LockNone)
		if err != nil {
			return err
		}
		page.Issue, page.RuleTitleJA = *is, c.titleJA(is.Rule)
		if page.Episodes, err = tx.Episodes(ctx, id); err != nil {
			return err
		}
		tickets, err := tx.TicketsOf(ctx, id)
		for _, t := range tickets {
			page.Tickets = append(page.Tickets, api.Ticket{Sink: t.Sink, Ref: t.Ref, URL: t.URL})
		}
		return err
	})
	return page, err
}

// Timeline returns lines of an issue's timeline; the cursor is the number of a line.
func (c *console) Timeline(ctx context.Context, reach api.Reach, id string, ask api.Ask) (*api.List[yagura.Entry], error) {
	out := &api.List[yagura.Entry]{}
	after, err := strconv.ParseInt(ask.After, 10, 64)
	if err != nil && ask.After != "" {
		return nil, badCursor()
	}
	err = c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := c.issue(ctx, tx, reach, id, yagura.LockNone); err != nil {
			return err
		}
		var err error
		out.Items, err = tx.Entries(ctx, id, after, ask.Limit)
		return err
	})
	if len(out.Items) == ask.Limit {
		out.Next = strconv.FormatInt(out.Items[len(out.Items)-1].Seq, 10)
	}
	return out, err
}

func badCursor() error {
	return api.Refuse(api.CodeBadRequest, "cursor: it is not one that was given out", "cursor が正しくありません")
}

func (c *console) findingOf(f yagura.Filed) api.FindingRow {
	return api.FindingRow{Finding: f.Finding, RuleTitleJA: c.titleJA(f.Finding.Rule), IssueID: f.IssueID, Episode: f.Episode, Judged: f.Severity, Suppressed: f.Suppressed, Seen: f.Seen, Decided: f.Clauses}
}

// IssueFindings returns the findings of an issue in the order in which they were judged.
func (c *console) IssueFindings(ctx context.Context, reach api.Reach, id string, ask api.Ask) (*api.List[api.FindingRow], error) {
	out := &api.List[api.FindingRow]{}
	err := c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := c.issue(ctx, tx, reach, id, yagura.LockNone); err != nil {
			return err
		}
		list, next, err := tx.Findings(ctx, id, ask.After, ask.Limit)
		out.Next = next
		for _, f := range list {
			if c.holds(reach, f.Finding.Event.Account, f.Finding.Format) {
				out.Items = append(out.Items, c.findingOf(f))
			}
		}
		return err
	})
	return out, err
}

func noticeOf(o yagura.Owed) api.Notice {
	n := api.Notice{ID: o.Notice.ID, IssueID: o.Notice.IssueID, Sink: o.Notice.Sink, Seq: o.Notice.Seq, Op: o.Notice.Op, State: o.State, Attempts: o.Attempts,
		Created: o.Notice.Created, Due: o.Due, Done: o.Done, Detail: o.Detail, Error: o.LastError}
	if is := o.Notice.Issue; is != nil {
		n.Title, n.TitleJA = is.Title, is.TitleJA
	}
	return n
}

// IssueNotices returns what sinks were told of an issue.
func (c *console) IssueNotices(ctx context.Context, reach api.Reach, id string, ask api.Ask) (*api.List[api.Notice], error) {
	out := &api.List[api.Notice]{}
	err := c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := c.issue(ctx, tx, reach, id, yagura.LockNone); err != nil {
			return err
		}
		list, next, err := tx.Notices(ctx, "", id, nil, ask.After, ask.Limit)
		out.Next = next
		for _, o := range list {
			out.Items = append(out.Items, noticeOf(o))
		}
		return err
	})
	return out, err
}

func likeOf(is *yagura.Issue, why, whyJA string) api.RelatedIssue {
	return api.RelatedIssue{ID: is.ID, Severity: is.Severity, Status: is.Status, Title: is.Title, TitleJA: is.TitleJA, Conclusion: is.Conclusion,
		Why: why, WhyJA: whyJA, LastSeen: is.LastSeen}
}

// RelatedIssues returns the issues around one, as far as they are within reach.
func (c *console) RelatedIssues(ctx context.Context, reach api.Reach, id string) (*api.Related, error) {
	out := &api.Related{}
	err := c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		is, err := c.issue(ctx, tx, reach, id, yagura.LockNone)
		if err != nil {
			return err
		}
		r, err := relatedTo(ctx, tx, is, func(x *yagura.Issue) bool { return c.holds(reach, x.Account, x.Format) })
		if err != nil {
			return err
		}
		for i := range r.SameActor {
			out.SameActor = append(out.SameActor, likeOf(&r.SameActor[i], "", ""))
		}
		for i := range r.Similar {
			out.Similar = append(out.Similar, likeOf(&r.Similar[i].Issue, r.Similar[i].Why, r.Similar[i].WhyJA))
		}
		return nil
	})
	return out, err
}

// Change applies what somebody did with an issue within reach.
func (c *console) Change(ctx context.Context, reach api.Reach, change yagura.Change) (is *yagura.Issue, done bool, err error) {
	err = c.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := c.issue(ctx, tx, reach, change.IssueID, yagura.LockChange); err != nil {
			return err
		}
		is, done, err = c.desk.Apply(ctx, bookTx{tx}, change)
		return err
	})
	if r := (*triage.Refusal)(nil); errors.As(err, &r) {
		return nil, false, api.Refuse(api.CodeConflict, r.Text, r.Japanese)
	}
	if err == nil && done && c.wake != nil {
		c.wake()
	}
	return is, done, err
}

// ListViews returns the views that somebody may use.
func (c *console) ListViews(ctx context.Context, owner, list string) (out []yagura.View, err error) {
	err = c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		out, err = tx.Views(ctx, owner, list, 1000)
		return err
	})
	return out, err
}

// View returns one that somebody may use.
func (c *console) View(ctx context.Context, owner, id string) (v *yagura.View, err error) {
	err = c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		if v, err = tx.SavedView(ctx, id, yagura.LockNone); err == nil && (v == nil || v.Owner != owner && !v.Shared) {
			err = store.ErrNotFound
		}
		return err
	})
	return v, err
}

// mostViews is how many views one owner may keep.
const mostViews = 200

// PutView writes a view.
func (c *console) PutView(ctx context.Context, v *yagura.View) error {
	return c.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err := tx.Views(ctx, v.Owner, "", 1000)
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(x yagura.View) bool { return x.Owner != v.Owner || x.ID == v.ID })
		if len(list) >= mostViews {
			return api.Refuse(api.CodeConflict, "there are 200 views already", "ビューは 200 件までです")
		}
		return tx.PutView(ctx, v)
	})
}

// DeleteView removes a view.
func (c *console) DeleteView(ctx context.Context, id string) error {
	return c.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		there, err := tx.DeleteView(ctx, id)
		if err == nil && !there {
			err = store.ErrNotFound
		}
		return err
	})
}
