package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/store"
)

// feed tells watchers what is new in the store. It looks a little further back than it did
// the time before, because commits of other replicas come late and their clocks differ, and
// remembers what it told.
type feed struct {
	c    *console
	last time.Time            // when it looked; zero before it did
	told map[string]time.Time // by issue and version, or finding

	sources map[string]yagura.SourceTotals // as watchers know them
	asked   time.Time                      // when the books of sources were looked at
}

// The bounds of a look.
const (
	feedBack = 15 * time.Second
	feedMost = 1000
	// Of notices that wait, so many of each sink are looked at: what is told of is that they move.
	feedNotices = 200
	feedGap     = time.Minute // after which watchers read their lists anew
	// A source that is busy changes with every commit: its books are looked at this often.
	sourceEvery = 2 * time.Second
)

// IssueNews is what watchers are told of an issue.
type IssueNews struct {
	ID       string          `json:"id"`
	Version  int64           `json:"version"`
	Status   yagura.Status   `json:"status"`
	Severity yagura.Severity `json:"severity"`
	Updated  time.Time       `json:"updated"`
}

// FindingNews is what watchers are told of a finding.
type FindingNews struct {
	ID       string          `json:"id"`
	IssueID  string          `json:"issue_id,omitempty"`
	Rule     string          `json:"rule"`
	Severity yagura.Severity `json:"severity"`
	Time     time.Time       `json:"time"`
}

// NoticeNews is what watchers are told of a notice: those who see its issue, and of one of no
// issue those who see everything.
type NoticeNews struct {
	ID       string             `json:"id"`
	IssueID  string             `json:"issue_id,omitempty"`
	Sink     string             `json:"sink"`
	Op       yagura.Op          `json:"op"`
	State    yagura.NoticeState `json:"state"`
	Attempts int                `json:"attempts"`
}

// SourceNews is what watchers are told of a source. It is about no account or format, and so
// nothing for those who see a part.
type SourceNews struct {
	Name      string    `json:"name"`
	Received  int64     `json:"received"`
	Judged    int64     `json:"judged"`
	Waiting   int64     `json:"waiting"`
	LastEvent time.Time `json:"last_event,omitzero"`
	Error     string    `json:"error,omitempty"`
}

// News returns what is new since the call before.
func (f *feed) News(ctx context.Context) (news []api.News, lost bool, err error) {
	now := f.c.now()
	first := f.last.IsZero()
	from := f.last.Add(-feedBack)
	if first || now.Sub(f.last) > feedGap || now.Before(f.last) {
		lost = !first
		from = now.Add(-feedBack)
	}
	var issues []yagura.Issue
	var findings []yagura.Filed
	var sources []yagura.SourceTotals
	var notices []movingNotice
	asked := f.asked
	err = f.c.db.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if issues, _, err = latest(ctx, tx, issuesThat(updatedSince(from)), "", feedMost); err != nil {
			return err
		}
		if findings, _, err = tx.FindingsBetween(ctx, from, now.Add(feedGap), "", feedMost); err != nil {
			return err
		}
		if notices, err = f.notices(ctx, tx, from); err != nil {
			return err
		}
		if first || lost || now.Sub(f.asked) >= sourceEvery {
			sources, err = tx.SourceTotals(ctx)
			asked = now
		}
		return err
	})
	if err != nil {
		return nil, false, err
	}
	f.last, f.asked = now, asked
	lost = lost || len(issues) == feedMost || len(findings) == feedMost
	quiet := first || lost
	fresh := func(key string) bool {
		_, known := f.told[key]
		f.told[key] = now
		return !known && !quiet
	}
	tenant := func(account string) string { return f.c.accounts().Lookup(account).Organisation }
	for _, is := range slices.Backward(issues) {
		if fresh(fmt.Sprintf("i%s %d", is.ID, is.Version)) {
			news = append(news, api.News{Event: "issue", Tenant: tenant(is.Account), Account: is.Account, Format: is.Format,
				Data: IssueNews{is.ID, is.Version, is.Status, is.Severity, is.Updated}})
		}
	}
	for _, x := range findings {
		if fresh("f" + x.Finding.ID) {
			account := x.Finding.Event.Account
			news = append(news, api.News{Event: "finding", Tenant: tenant(account), Account: account, Format: x.Finding.Format,
				Data: FindingNews{x.Finding.ID, x.IssueID, x.Finding.Rule.ID, x.Severity, x.Finding.Time}})
		}
	}
	for _, n := range notices {
		o := &n.Owed
		if fresh(fmt.Sprintf("n%s %s %d %d", o.Notice.ID, o.State, o.Attempts, o.Done.UnixNano())) {
			news = append(news, api.News{Event: "notice", Tenant: tenant(n.account), Account: n.account, Format: n.format,
				Data: NoticeNews{o.Notice.ID, o.Notice.IssueID, o.Notice.Sink, o.Notice.Op, o.State, o.Attempts}})
		}
	}
	if f.sources == nil {
		f.sources = map[string]yagura.SourceTotals{}
	}
	for _, s := range sources {
		if s == f.sources[s.Source] {
			continue
		}
		f.sources[s.Source] = s
		if !quiet {
			news = append(news, api.News{Event: "source", Data: SourceNews{s.Source, s.Received, s.Judged, s.Waiting, s.LastEvent, s.LastError}})
		}
	}
	for key, at := range f.told {
		if now.Sub(at) > 2*feedBack {
			delete(f.told, key)
		}
	}
	return news, lost, nil
}

// movingNotice is a notice with whose it is.
type movingNotice struct {
	yagura.Owed
	account, format string
}

// notices are those that may have moved, with the accounts and formats of their issues, which
// never change.
func (f *feed) notices(ctx context.Context, tx *store.Tx, from time.Time) ([]movingNotice, error) {
	list, err := tx.MovingNotices(ctx, from, feedNotices)
	if err != nil {
		return nil, err
	}
	out := make([]movingNotice, 0, len(list))
	for _, o := range list {
		n := movingNotice{Owed: o}
		if is := o.Notice.Issue; is != nil {
			n.account, n.format = is.Account, is.Format
		} else if o.Notice.IssueID != "" {
			is, err := tx.Issue(ctx, o.Notice.IssueID, yagura.LockNone)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			n.account, n.format = is.Account, is.Format
		}
		out = append(out, n)
	}
	return out, nil
}
