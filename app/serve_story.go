package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

// The bounds of stories.
const (
	storyEvery = 5 * time.Second
	// storyWithin is how far from each other two things that an actor did may be.
	storyWithin = time.Hour
	// storyIssues is how many other issues of its actor a new issue is told of.
	storyIssues = 50
	// storyLines is how long a timeline may be that lines of other issues are added to.
	storyLines = 500
)

// story writes into the timeline of every new issue what else its actor did within an hour
// of it, and into those other issues that this came before or after: who reads of an
// escalation sees how it began and what followed. It looks at issues that were opened since
// the last time, beside the way of the data, so that a flood does not wait for it.
func (h *house) story(ctx context.Context, now time.Time) error {
	const key = "story"
	s := h.s
	var since time.Time
	err := s.db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		data, ok, err := tx.State(ctx, key)
		if err != nil || !ok {
			return err
		}
		return json.Unmarshal(data, &since)
	})
	if err != nil {
		return err
	}
	fresh := map[actorOf][]yagura.Issue{}
	err = eachPage(ctx, s.db, issuesThat(updatedSince(since)), func(list []yagura.Issue) error {
		for _, is := range list {
			if is.Actor.ID != "" && !is.Opened.Before(since) && !h.storied[is.ID].Equal(is.Opened) {
				who := actorOf{is.Account, is.Actor.ID}
				fresh[who] = append(fresh[who], is)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var errs []error
	for who, list := range fresh {
		if err := h.storiesOf(ctx, who, list, now); err != nil {
			errs = append(errs, err)
			continue
		}
		for i := range list {
			h.storied[list[i].ID] = list[i].Opened
		}
	}
	maps.DeleteFunc(h.storied, func(_ string, opened time.Time) bool { return opened.Before(since) })
	if err := errors.Join(errs...); err != nil {
		return err // the same stretch is looked at again
	}
	return s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		// Transactions that began before now may commit after it.
		data, err := json.Marshal(now.Add(-time.Minute))
		if err != nil {
			return err
		}
		return tx.PutState(ctx, key, data)
	})
}

// actorOf is somebody in an account.
type actorOf struct{ account, id string }

// storiesOf tells the stories of new issues of one actor, who is looked up once for all.
func (h *house) storiesOf(ctx context.Context, who actorOf, fresh []yagura.Issue, now time.Time) error {
	var all []yagura.Issue
	err := h.s.db.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		all, _, err = latest(ctx, tx, issuesThat(being("account", who.account), being("actor", who.id)), "", lookedAt)
		return err
	})
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(x yagura.Issue) bool { return x.Actor.ID != who.id || x.Account != who.account })
	for i := range fresh {
		if err := h.storyOf(ctx, &fresh[i], all, now); err != nil {
			return err
		}
	}
	return nil
}

// storyOf tells an issue and those of the same actor of each other, each pair once.
func (h *house) storyOf(ctx context.Context, is *yagura.Issue, all []yagura.Issue, now time.Time) error {
	var near []yagura.Issue
	for _, x := range all {
		if x.ID != is.ID && gap(is, &x) <= storyWithin {
			near = append(near, x)
		}
	}
	if len(near) == 0 {
		return nil
	}
	slices.SortStableFunc(near, func(a, b yagura.Issue) int { return cmp.Compare(gap(is, &a), gap(is, &b)) })
	near = near[:min(len(near), storyIssues)]
	slices.SortStableFunc(near, func(a, b yagura.Issue) int { return a.FirstSeen.Compare(b.FirstSeen) })
	return h.s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		var entries []yagura.Entry
		tell := func(to, of *yagura.Issue) error {
			first, err := bookTx{tx}.Once(ctx, "story/"+to.ID+"/"+of.ID)
			if err != nil || !first {
				return err
			}
			long, err := tx.Entries(ctx, to.ID, storyLines, 1)
			if err != nil || len(long) > 0 {
				return err
			}
			entries = append(entries, related(to, of, now))
			return nil
		}
		for i := range near {
			if err := errors.Join(tell(is, &near[i]), tell(&near[i], is)); err != nil {
				return err
			}
		}
		if len(entries) == 0 {
			return nil
		}
		return tx.AddEntries(ctx, entries)
	})
}

// gap is how long the time between what two issues are about is; 0 where they overlap.
func gap(a, b *yagura.Issue) time.Duration {
	return max(a.FirstSeen.Sub(b.LastSeen), b.FirstSeen.Sub(a.LastSeen), 0)
}

// related is the line of one issue about another.
func related(to, of *yagura.Issue, now time.Time) yagura.Entry {
	when := "at the same time"
	switch d := of.FirstSeen.Sub(to.FirstSeen).Round(time.Second); {
	case d < 0:
		when = fmt.Sprintf("%v before", -d)
	case d > 0:
		when = fmt.Sprintf("%v after", d)
	}
	e := yagura.Entry{IssueID: to.ID, At: now, EventTime: of.FirstSeen, Who: "yagura", What: yagura.EntryRelated, Rule: of.Rule.Title,
		Text: fmt.Sprintf("the same actor, %s: [%s] %s (issue %s)", when, of.Severity, of.Title, of.ID)}
	if of.Latest != nil {
		e.FindingID = of.Latest.ID
		if of.Latest.Output != "" {
			e.Text += ": " + of.Latest.Output
		}
	}
	return e
}
