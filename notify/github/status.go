package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// state brings all that is edited in place to what the notice says: first the status
// comment, which also records the wish, then labels, assignee, title and a lost marker.
func (d *delivery) state(ctx context.Context, r ref, i *apiIssue, open bool) error {
	old, before, err := d.statusComment(ctx, r)
	if err != nil {
		return err
	}
	want := wanted(d.n.Issue)
	login := d.login(d.n.Issue.Assignee)
	if old == nil {
		if before, err = d.filed(ctx, r, i, want, login); err != nil {
			return err
		}
	}
	add, remove := labelChange(i.Labels, want, before)
	if login == "" {
		d.unknown = d.text.Assignee
	}
	title, err := d.title()
	if err != nil {
		return err
	}
	next := wish{Seq: d.n.Seq, Open: open, Title: title, Labels: want, Assignee: login, Drop: remove, Entries: before.Entries, Turned: before.Turned}
	if open != before.Open {
		next.Turned = d.o.Now().Unix()
	}
	for _, gone := range append([]string{before.Assignee}, before.Leave...) {
		if gone != "" && !strings.EqualFold(gone, login) && i.assigned(gone) {
			next.Leave = append(next.Leave, gone)
		}
	}
	if e := d.n.Entry; e != nil {
		next.add(e.Seq, notify.EntryLine(e, notify.TextOptions{Lang: d.o.Lang, Zone: d.o.Zone}))
	}
	if err := d.writeStatus(ctx, r, old, next); err != nil {
		return err
	}
	if room := maxLabels - len(i.Labels) + len(remove); room < len(add) {
		d.say("%d labels had no room", len(add)-max(0, room))
	}
	if err := d.setLabels(ctx, r, len(i.Labels), add, remove); err != nil {
		return fmt.Errorf("labels: %w", err)
	}
	known, err := d.setAssignee(ctx, r, i, login, before)
	if err != nil {
		return fmt.Errorf("assignee: %w", err)
	}
	if !known {
		d.say("assignee %s was not taken", login)
	}
	return d.edit(ctx, r, i, title, before)
}

// filed is the wish that an issue was filed with, as its events tell. They are asked for only
// where something of it may be wanted no more.
func (d *delivery) filed(ctx context.Context, r ref, i *apiIssue, want []string, login string) (w wish, err error) {
	if !slices.ContainsFunc(i.Labels, func(l apiLabel) bool { return !isManaged(l.Name) && !fold(want, l.Name) }) &&
		!slices.ContainsFunc(i.Assignees, func(u apiUser) bool { return !strings.EqualFold(u.Login, login) }) {
		return w, nil
	}
	events, err := d.events(ctx, r, i.CreatedAt)
	if err != nil {
		return w, fmt.Errorf("events of %s: %w", r, err)
	}
	for _, e := range events {
		switch ours := d.ours(e.Actor.Login) && !e.CreatedAt.After(i.CreatedAt.Add(filing)); {
		case ours && e.Event == "labeled":
			w.Labels = append(w.Labels, e.Label.Name)
		case ours && e.Event == "assigned":
			w.Assignee = e.Assignee.Login
		}
	}
	return w, nil
}

// edit changes title and body where they need it: the title follows the severity unless a
// person changed it; a marker that was edited away comes back.
func (d *delivery) edit(ctx context.Context, r ref, i *apiIssue, title string, before wish) error {
	change := map[string]any{}
	if i.Title != title && (before.Title == "" && d.sameIssue(i.Title) || before.Title == i.Title) {
		change["title"] = title
	}
	if readMarks(i.Body).issue == "" {
		head := issueMarks(d.n.Issue.ID, "restored", r.refiled) + "\n"
		change["body"] = head + fit(i.Body, maxBody-1000-len(head), d.text.Words)
		d.say("put the marker back")
	}
	if len(change) == 0 {
		return nil
	}
	if _, err := d.patchIssue(ctx, r, change); err != nil {
		return fmt.Errorf("edit: %w", err)
	}
	return nil
}

// sameIssue says whether a title is one that we may have set before there was a status
// comment: it ends with the issue's title.
func (d *delivery) sameIssue(title string) bool {
	return strings.HasSuffix(title, plainTitle(d.text.Title))
}

// statusComment finds the status comment of an issue and the wish in it. Without one there
// is no wish.
func (d *delivery) statusComment(ctx context.Context, r ref) (*apiComment, wish, error) {
	d.mu.Lock()
	id := d.status[r.String()]
	d.mu.Unlock()
	if id != 0 {
		var c apiComment
		err := d.do(ctx, call{method: http.MethodGet, path: fmt.Sprintf("/repos/%s/issues/comments/%d", r.repo, id), repo: r.repo}, &c)
		var e *apiError
		switch {
		case errors.As(err, &e) && (e.status == http.StatusNotFound || e.status == http.StatusGone):
			d.remember(r, 0)
		case err != nil:
			return nil, wish{}, err
		default:
			w, _ := readWish(c.Body)
			return &c, w, nil
		}
	}
	var found []apiComment
	err := d.comments(ctx, r, time.Time{}, false, func(c apiComment) error {
		if d.ours(c.User.Login) && readMarks(c.Body).status == d.n.Issue.ID {
			found = append(found, c)
		}
		return nil
	})
	if err != nil {
		return nil, wish{}, fmt.Errorf("look for the status comment: %w", err)
	}
	if len(found) == 0 {
		if d.n.Uncertain {
			if err := d.settle("the status comment for " + d.n.ID); err != nil {
				return nil, wish{}, err
			}
		}
		return nil, wish{}, nil
	}
	slices.SortFunc(found, func(a, b apiComment) int { return int(min(max(a.ID-b.ID, -1), 1)) })
	for _, twice := range found[1:] {
		// Only we read it, and what it says is in the first.
		c := call{method: http.MethodDelete, path: fmt.Sprintf("/repos/%s/issues/comments/%d", r.repo, twice.ID), repo: r.repo, safe: true}
		if err := d.do(ctx, c, nil); err != nil {
			return nil, wish{}, err
		}
		d.doubled = true
		d.mu.Lock()
		d.stats.Duplicates++
		d.mu.Unlock()
	}
	d.remember(r, found[0].ID)
	w, _ := readWish(found[0].Body)
	return &found[0], w, nil
}

func (s *Sink) remember(r ref, id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == 0 {
		delete(s.status, r.String())
		return
	}
	if len(s.status) > 50_000 {
		clear(s.status)
	}
	s.status[r.String()] = id
}

// writeStatus writes the status comment, where it differs.
func (d *delivery) writeStatus(ctx context.Context, r ref, old *apiComment, next wish) error {
	p := &page{Text: d.text, Unknown: d.unknown}
	for _, v := range slices.Backward(next.Entries) {
		p.Timeline = append(p.Timeline, v.Text)
	}
	body, err := d.templates.RenderData("status", p)
	if err != nil {
		return notify.Permanent("template: %w", err)
	}
	head, tail := statusMark(d.n.Issue.ID)+"\n", "\n\n"+next.line()+"\n"
	body = head + fit(body, maxBody-1000-len(head)-len(tail), d.text.Words) + tail
	if old != nil {
		if strings.TrimSpace(old.Body) == strings.TrimSpace(body) {
			d.say("the status is as it was")
			return nil
		}
		var c apiComment
		err := d.do(ctx, call{method: http.MethodPatch, path: fmt.Sprintf("/repos/%s/issues/comments/%d", r.repo, old.ID), body: map[string]any{"body": body}, repo: r.repo}, &c)
		if err != nil {
			return fmt.Errorf("status comment: %w", err)
		}
		d.say("updated the status")
		return nil
	}
	c, err := d.postComment(ctx, r, body)
	if err != nil {
		return fmt.Errorf("status comment: %w", err)
	}
	d.remember(r, c.ID)
	d.say("made the status comment")
	return nil
}

// closeDouble closes an issue that is there twice, names the one that stays, and takes its
// marker away so that nothing takes it for the issue again.
func (s *Sink) closeDouble(ctx context.Context, repo string, double, stays *apiIssue) error {
	r := ref{repo: repo, number: double.Number}
	m := readMarks(double.Body)
	told := false
	err := s.comments(ctx, r, double.CreatedAt.Add(-slack), false, func(c apiComment) error {
		told = told || s.ours(c.User.Login) && readMarks(c.Body).duplicate != ""
		return nil
	})
	if err != nil {
		return err
	}
	if !told {
		text := notify.NewText(&yagura.Notice{Op: yagura.OpUpdate}, notify.TextOptions{Lang: s.o.Lang, Zone: s.o.Zone})
		text.Title, text.To = "#"+itoa(stays.Number), stays.HTMLURL
		body, err := s.templates.RenderData("duplicate", &page{Text: text})
		if err != nil {
			return notify.Permanent("template: %w", err)
		}
		if _, err := s.postComment(ctx, r, "<!-- yagura:duplicate="+m.issue+" -->\n"+body); err != nil {
			return fmt.Errorf("comment on the double: %w", err)
		}
	}
	_, rest, _ := strings.Cut(double.Body, "\n")
	change := map[string]any{"body": "<!-- yagura:duplicate=" + m.issue + " of=" + itoa(stays.Number) + " -->\n" + rest}
	if double.open() {
		change["state"], change["state_reason"] = "closed", "not_planned"
	}
	if _, err := s.patchIssue(ctx, r, change); err != nil {
		return fmt.Errorf("close the double: %w", err)
	}
	s.mu.Lock()
	s.stats.Duplicates++
	s.mu.Unlock()
	return nil
}
