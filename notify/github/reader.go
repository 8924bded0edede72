package github

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/notify"
)

// overlap is how much more than asked is read back, for clocks that differ.
const overlap = 5 * time.Minute

// Actual reads back what GitHub has of our issues: those that changed since a time, those of
// refs as they stand, without looking into the ones that did not change, and which of refs
// are gone. Doubles that it meets are closed; the issue of refs stays, or
// the lower number. It leaves the last tenth of the hour's requests to deliveries.
func (s *Sink) Actual(ctx context.Context, since time.Time, refs []string, yield func(notify.Ticket) error) error {
	err := s.actual(ctx, since, refs, yield)
	if own, ok := errors.AsType[*yieldError](err); ok {
		return own.err
	}
	if err != nil {
		return fmt.Errorf("github: read back: %w", err)
	}
	return nil
}

// yieldError is an error of the caller's.
type yieldError struct{ err error }

func (y *yieldError) Error() string { return y.err.Error() }

func (s *Sink) actual(ctx context.Context, since time.Time, refs []string, yield func(notify.Ticket) error) error {
	known := map[string]ref{} // by repo#number, lower case
	repos := map[string]bool{}
	if s.o.Repository != "" {
		repos[strings.ToLower(s.o.Repository)] = true
	}
	for _, text := range refs {
		r, err := parseRef(text)
		if err != nil {
			return notify.Permanent("%w", err)
		}
		known[strings.ToLower(ref{repo: r.repo, number: r.number}.String())] = r
		repos[strings.ToLower(r.repo)] = true
	}
	s.mu.Lock()
	for _, info := range s.repos {
		repos[strings.ToLower(info.name)] = true
	}
	s.mu.Unlock()
	names := make([]string, 0, len(repos))
	for name := range repos {
		names = append(names, name)
	}
	slices.Sort(names)
	from := since
	if !from.IsZero() {
		from = from.Add(-overlap)
	}
	listed := map[string]bool{}
	done := map[string]bool{} // repositories by the name they have now
	for _, name := range names {
		if _, err := s.whoami(ctx, name); err != nil {
			return err
		}
		info, err := s.repo(ctx, name, false)
		if err != nil {
			// One repository that is gone must not hide the others; its refs are asked one by one.
			var e *apiError
			if errors.As(err, &e) && e.status < 500 {
				continue
			}
			return err
		}
		if done[strings.ToLower(info.name)] {
			continue
		}
		done[strings.ToLower(info.name)] = true
		if err := s.actualRepo(ctx, info.name, from, known, listed, yield); err != nil {
			return err
		}
	}
	return s.missing(ctx, known, listed, from, yield)
}

// entry is what is kept of a listed issue while its repository is read.
type entry struct {
	issue apiIssue
	marks marks
}

// actualRepo reads one repository. All of our issues are listed, because a deleted one
// shows in no list of changes; only those that changed are looked into.
func (s *Sink) actualRepo(ctx context.Context, repo string, since time.Time, known map[string]ref, listed map[string]bool, yield func(notify.Ticket) error) error {
	byIssue := map[string][]entry{}
	listSince := since
	if len(known) > 0 {
		listSince = time.Time{}
	}
	err := s.list(ctx, repo, listSince, true, func(i apiIssue) error {
		listed[strings.ToLower(ref{repo: repo, number: i.Number}.String())] = true
		m := readMarks(i.Body)
		if m.duplicate != "" {
			return nil
		}
		if m.issue == "" {
			if _, ok := known[strings.ToLower(ref{repo: repo, number: i.Number}.String())]; !ok {
				return nil
			}
		}
		if i.UpdatedAt.Before(since) {
			i.Body = "" // it is kept for the search of doubles only
		}
		key := m.issue + "/" + itoa(m.refiled)
		if m.issue == "" {
			key = "#" + itoa(i.Number)
		}
		byIssue[key] = append(byIssue[key], entry{i, m})
		return nil
	})
	if err != nil {
		return fmt.Errorf("list %s: %w", repo, err)
	}
	keys := make([]string, 0, len(byIssue))
	for k := range byIssue {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, key := range keys {
		all := byIssue[key]
		slices.SortFunc(all, func(a, b entry) int { return a.issue.Number - b.issue.Number })
		stays := 0
		for k, e := range all {
			if _, ok := known[strings.ToLower(ref{repo: repo, number: e.issue.Number}.String())]; ok {
				stays = k
				break
			}
		}
		for k := range all {
			if k == stays {
				continue
			}
			double, _, gone, err := s.get(ctx, ref{repo: repo, number: all[k].issue.Number}, true)
			if err != nil {
				return err
			}
			if gone || readMarks(double.Body).issue == "" {
				continue
			}
			if err := s.closeDouble(ctx, repo, double, &all[stays].issue); err != nil {
				return err
			}
		}
		e := all[stays]
		if e.issue.UpdatedAt.Before(since) {
			// Nothing was done there, and that may be what is wrong with it.
			at := ref{repo: repo, number: e.issue.Number, refiled: e.marks.refiled}
			if _, ok := known[strings.ToLower(ref{repo: repo, number: e.issue.Number}.String())]; !ok {
				continue
			}
			if err := yield(glance(at, &e.issue, e.marks)); err != nil {
				return &yieldError{err}
			}
			continue
		}
		if err := s.ticket(ctx, ref{repo: repo, number: e.issue.Number, refiled: e.marks.refiled}, &e.issue, since, yield); err != nil {
			return err
		}
	}
	return nil
}

// glance is a ticket without what people did there.
func glance(r ref, i *apiIssue, m marks) notify.Ticket {
	return notify.Ticket{IssueID: m.issue, Ref: r.String(), URL: i.HTMLURL, Open: i.open(), Updated: i.UpdatedAt}
}

// ticket looks into one issue and yields it.
func (s *Sink) ticket(ctx context.Context, r ref, i *apiIssue, since time.Time, yield func(notify.Ticket) error) error {
	a, err := s.acts(ctx, r, i, since)
	if err != nil {
		return err
	}
	m := readMarks(i.Body)
	t := glance(r, i, m)
	t.Changes = a.changes
	if len(i.Assignees) > 0 {
		t.Assignee = who(i.Assignees[0])
	}
	for _, l := range i.Labels {
		if !isManaged(l.Name) && !strings.HasPrefix(strings.ToLower(l.Name), conclusionLabel) {
			t.Labels = append(t.Labels, l.Name)
		}
	}
	if m.notice != "" {
		t.Notices = append(t.Notices, m.notice)
	}
	t.Notices = append(t.Notices, a.notices...)
	if err := yield(t); err != nil {
		return &yieldError{err}
	}
	return nil
}

// missing asks for those of refs that no list showed: deleted, transferred, or without our
// label since somebody took it off.
func (s *Sink) missing(ctx context.Context, known map[string]ref, listed map[string]bool, since time.Time, yield func(notify.Ticket) error) error {
	keys := make([]string, 0, len(known))
	for k := range known {
		if !listed[k] {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		r := known[key]
		i, now, gone, err := s.get(ctx, r, true)
		if err != nil {
			// A repository that we do not see any more: what is in it is gone for us.
			var e *apiError
			if !errors.As(err, &e) || e.status >= 500 || e.status == 401 {
				return err
			}
			gone = true
		}
		if gone {
			if err := yield(notify.Ticket{Ref: r.String(), Gone: true}); err != nil {
				return &yieldError{err}
			}
			continue
		}
		if listed[strings.ToLower(ref{repo: now.repo, number: now.number}.String())] {
			continue
		}
		if now == r && i.UpdatedAt.Before(since) {
			if err := yield(glance(now, i, readMarks(i.Body))); err != nil {
				return &yieldError{err}
			}
			continue
		}
		if err := s.ticket(ctx, now, i, since, yield); err != nil {
			return err
		}
	}
	return nil
}
