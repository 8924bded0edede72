package github

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// maxText is the most runes of a person's comment that are taken over.
const maxText = 20_000

// acts are what happened to an issue at GitHub since a time, apart from our own doing.
type acts struct {
	changes []yagura.Change
	// seen are the ids of the events and comments that were read, ours too.
	seen map[string]bool
	// notices are the ids of the notices whose comments were read.
	notices []string
	events  []apiEvent
}

func eventID(id int64) string   { return fmt.Sprintf("event:%d", id) }
func commentID(id int64) string { return fmt.Sprintf("comment:%d", id) }

// acts reads the events and comments of an issue since a time. The ids of the changes are
// those of GitHub's events and comments: whoever reads them gives one act one id.
func (s *Sink) acts(ctx context.Context, r ref, i *apiIssue, since time.Time) (acts, error) {
	a := acts{seen: map[string]bool{}}
	issue := readMarks(i.Body).issue
	var before wish
	known := false
	err := s.comments(ctx, r, since, true, func(c apiComment) error {
		a.seen[commentID(c.ID)] = true
		m := readMarks(c.Body)
		if s.ours(c.User.Login) && (m.notice != "" || m.status != "" || m.duplicate != "") {
			if m.notice != "" {
				a.notices = append(a.notices, m.notice)
			}
			if m.status != "" {
				before, known = readWish(c.Body)
			}
			return nil
		}
		if c.CreatedAt.Before(since) || s.botOf(c.User.Login) {
			return nil // an old comment that was edited, or our bot by another way
		}
		a.changes = append(a.changes, yagura.Change{ID: commentID(c.ID), Via: s.o.Name, IssueID: issue, Ref: r.String(), Who: who(c.User),
			At: c.CreatedAt, What: yagura.ChangeComment, Text: notify.Words(s.o.Lang).Cut(notify.Visible(c.Body), maxText)})
		return nil
	})
	if err != nil {
		return a, fmt.Errorf("comments of %s: %w", r, err)
	}
	events, err := s.events(ctx, r, since)
	if err != nil {
		return a, fmt.Errorf("events of %s: %w", r, err)
	}
	a.events = events
	own := slices.ContainsFunc(events, func(e apiEvent) bool { return s.ours(e.Actor.Login) && !s.botOf(e.Actor.Login) })
	if own && !known {
		// The account is a human's too, maybe: the wish tells. It may be older than since.
		err := s.comments(ctx, r, time.Time{}, true, func(c apiComment) error {
			if s.ours(c.User.Login) && readMarks(c.Body).status != "" {
				before, known = readWish(c.Body)
			}
			return nil
		})
		if err != nil {
			return a, fmt.Errorf("status comment of %s: %w", r, err)
		}
	}
	for k, e := range events {
		a.seen[eventID(e.ID)] = true
		if s.ours(e.Actor.Login) && (s.botOf(e.Actor.Login) || !contradicts(e, events[k+1:], i, before, known)) {
			continue
		}
		if c, ok := s.change(e, i); ok {
			c.IssueID, c.Ref = issue, r.String()
			a.changes = append(a.changes, c)
		}
	}
	slices.SortStableFunc(a.changes, func(x, y yagura.Change) int {
		return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.ID, y.ID))
	})
	return a, nil
}

func who(u apiUser) string { return "github:" + or(u.Login, "ghost") }

// botOf says whether a login is the bot of our App, as which no human acts.
func (s *Sink) botOf(login string) bool {
	return s.ours(login) && strings.HasSuffix(login, "[bot]")
}

// events reads the events of an issue since a time, the oldest first. GitHub lists them from
// the beginning, so the last page is read first.
func (s *Sink) events(ctx context.Context, r ref, since time.Time) ([]apiEvent, error) {
	c := call{method: http.MethodGet, path: r.path() + "/events", query: url.Values{"per_page": {"100"}}, repo: r.repo, background: true}
	var head http.Header
	c.header = &head
	var first []apiEvent
	if err := s.follow(ctx, c, &first); err != nil {
		return nil, err
	}
	all := first
	page := link(head, "last")
	var later []apiEvent
	for n := 0; page != "" && n < 100; n++ {
		u, err := s.base.Parse(page)
		if err != nil || u.Host != s.base.Host || u.Scheme != s.base.Scheme {
			return nil, notify.Permanent("events of %s: the last page is on another host", r)
		}
		if u.Query().Get("page") == "1" {
			break
		}
		var list []apiEvent
		c.url = u.String()
		if err := s.follow(ctx, c, &list); err != nil {
			return nil, err
		}
		later = append(list, later...)
		if len(list) > 0 && list[0].CreatedAt.Before(since) {
			all = nil // the first page is older still
			break
		}
		page = link(head, "prev")
	}
	all = append(all, later...)
	return slices.DeleteFunc(all, func(e apiEvent) bool { return e.CreatedAt.Before(since) }), nil
}

// filing is how long after an issue was made GitHub may still note what it was made with.
const filing = 5 * time.Second

// contradicts says whether an event of an account that we write as cannot be our doing:
// nothing later undid it, it shows in the issue, and it is not what we last wanted. later
// are the events behind it.
func contradicts(e apiEvent, later []apiEvent, i *apiIssue, w wish, known bool) bool {
	for _, l := range later {
		switch e.Event {
		case "closed", "reopened":
			if l.Event == "closed" || l.Event == "reopened" {
				return false
			}
		case "labeled", "unlabeled":
			if (l.Event == "labeled" || l.Event == "unlabeled") && strings.EqualFold(l.Label.Name, e.Label.Name) {
				return false
			}
		case "assigned", "unassigned":
			if (l.Event == "assigned" || l.Event == "unassigned") && strings.EqualFold(l.Assignee.Login, e.Assignee.Login) {
				return false
			}
		}
	}
	if !known {
		// Filed, and never touched by us since: what came later is not ours.
		if !e.CreatedAt.After(i.CreatedAt.Add(filing)) {
			return false
		}
		w = wish{Open: true, Labels: nil}
		if e.Event == "unlabeled" || e.Event == "unassigned" {
			return true
		}
	}
	switch e.Event {
	case "closed", "reopened":
		// From before we wanted it otherwise: GitHub has not done what it said it did.
		if w.Turned > 0 && e.CreatedAt.Before(time.Unix(w.Turned, 0).Add(-time.Minute)) {
			return false
		}
		return i.open() == (e.Event == "reopened") && w.Open != i.open()
	case "labeled":
		return i.label(e.Label.Name) && !fold(w.Labels, e.Label.Name)
	case "unlabeled":
		return !i.label(e.Label.Name) && fold(w.Labels, e.Label.Name)
	case "assigned":
		return i.assigned(e.Assignee.Login) && !strings.EqualFold(w.Assignee, e.Assignee.Login)
	case "unassigned":
		return !i.assigned(e.Assignee.Login) && strings.EqualFold(w.Assignee, e.Assignee.Login)
	}
	return false
}

// change turns an event into a change; ok is false for events that mean nothing to us.
func (s *Sink) change(e apiEvent, i *apiIssue) (yagura.Change, bool) {
	c := yagura.Change{ID: eventID(e.ID), Via: s.o.Name, Who: who(e.Actor), At: e.CreatedAt}
	switch e.Event {
	case "closed":
		c.What, c.Verdict = yagura.ChangeClose, verdictOf(i)
		c.Text = "closed at GitHub"
		if reason := or(e.StateReason, i.StateReason); reason != "" {
			c.Text += " as " + strings.ReplaceAll(notify.Line(reason), "_", " ")
		}
	case "reopened":
		c.What, c.Text = yagura.ChangeReopen, "re-opened at GitHub"
	case "assigned":
		c.What, c.To = yagura.ChangeAssign, who(e.Assignee)
	case "unassigned":
		c.What = yagura.ChangeAssign
	case "labeled", "unlabeled":
		if verdict, ok := conclusionOf(e.Label.Name); ok {
			if e.Event == "unlabeled" {
				return c, false
			}
			c.What, c.Verdict = yagura.ChangeConclude, verdict
			return c, true
		}
		if isManaged(e.Label.Name) {
			return c, false
		}
		c.What, c.Labels = yagura.ChangeLabel, []string{e.Label.Name}
		if e.Event == "unlabeled" {
			c.What = yagura.ChangeUnlabel
		}
	default:
		return c, false
	}
	return c, true
}

// verdictOf is what people's labels say that an issue was found to be.
func verdictOf(i *apiIssue) yagura.Conclusion {
	for _, l := range i.Labels {
		if v, ok := conclusionOf(l.Name); ok {
			return v
		}
	}
	return yagura.ConcludedNothing
}

func conclusionOf(label string) (yagura.Conclusion, bool) {
	name, ok := strings.CutPrefix(strings.ToLower(label), conclusionLabel)
	if !ok || name == "" {
		return "", false
	}
	v, err := yagura.ParseConclusion(name)
	return v, err == nil
}
