package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/notify"
)

// The parts of GitHub's objects that are read.

type apiUser struct {
	Login string `json:"login"`
	Type  string `json:"type"`
}

type apiLabel struct {
	Name string `json:"name"`
}

type apiIssue struct {
	ID          int64      `json:"id"`
	Number      int        `json:"number"`
	Title       string     `json:"title"`
	Body        string     `json:"body"`
	State       string     `json:"state"`
	StateReason string     `json:"state_reason"`
	Locked      bool       `json:"locked"`
	User        apiUser    `json:"user"`
	Labels      []apiLabel `json:"labels"`
	Assignees   []apiUser  `json:"assignees"`
	HTMLURL     string     `json:"html_url"`
	RepoURL     string     `json:"repository_url"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	ClosedAt    time.Time  `json:"closed_at"`
	PullRequest *struct{}  `json:"pull_request"`
}

func (i *apiIssue) open() bool { return i.State == "open" }

func (i *apiIssue) label(name string) bool {
	for _, l := range i.Labels {
		if strings.EqualFold(l.Name, name) {
			return true
		}
	}
	return false
}

func (i *apiIssue) assigned(login string) bool {
	for _, a := range i.Assignees {
		if strings.EqualFold(a.Login, login) {
			return true
		}
	}
	return false
}

// repo is owner/name as the issue's own address says.
func (i *apiIssue) repo() string {
	if _, name, ok := strings.Cut(i.RepoURL, "/repos/"); ok && validRepo(name) {
		return name
	}
	return ""
}

type apiComment struct {
	ID        int64     `json:"id"`
	Body      string    `json:"body"`
	User      apiUser   `json:"user"`
	HTMLURL   string    `json:"html_url"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

type apiEvent struct {
	ID        int64     `json:"id"`
	Event     string    `json:"event"`
	Actor     apiUser   `json:"actor"`
	CreatedAt time.Time `json:"created_at"`
	Label     apiLabel  `json:"label"`
	Assignee  apiUser   `json:"assignee"`
	// StateReason is on events of closing, where GitHub says it.
	StateReason string `json:"state_reason"`
}

// repoInfo is what matters of a repository.
type repoInfo struct {
	name     string // as GitHub calls it now
	public   bool
	archived bool
	noIssues bool
	noPush   bool // GitHub said that the credential may not write
	at       time.Time
}

// repoTTL is how long it is believed that a repository is private.
const repoTTL = 10 * time.Minute

// repo looks at a repository, where it is now.
func (s *Sink) repo(ctx context.Context, name string, fresh bool) (repoInfo, error) {
	key := strings.ToLower(name)
	s.mu.Lock()
	info, ok := s.repos[key]
	s.mu.Unlock()
	if ok && !fresh && s.o.Now().Sub(info.at) < repoTTL {
		return info, nil
	}
	var r struct {
		FullName    string          `json:"full_name"`
		Private     *bool           `json:"private"`
		Visibility  string          `json:"visibility"`
		Archived    bool            `json:"archived"`
		HasIssues   *bool           `json:"has_issues"`
		Permissions map[string]bool `json:"permissions"`
	}
	if err := s.follow(ctx, call{method: http.MethodGet, path: "/repos/" + name, repo: name}, &r); err != nil {
		return repoInfo{}, err
	}
	if !validRepo(r.FullName) {
		return repoInfo{}, notify.Permanent("repository %s: the answer names none", name)
	}
	// What does not say that it is private is public.
	info = repoInfo{name: r.FullName, public: r.Private == nil || !*r.Private || r.Visibility == "public", archived: r.Archived,
		noIssues: r.HasIssues != nil && !*r.HasIssues, at: s.o.Now()}
	if p := r.Permissions; len(p) > 0 && s.o.App == nil {
		info.noPush = !p["admin"] && !p["maintain"] && !p["push"] && !p["triage"]
	}
	s.mu.Lock()
	s.repos[key], s.repos[strings.ToLower(info.name)] = info, info
	s.mu.Unlock()
	return info, nil
}

// usable refuses repositories in which nothing may or can be filed.
func (s *Sink) usable(r repoInfo) error {
	switch {
	case r.public && !s.o.AllowPublic:
		return notify.Permanent("repository %s is public: everybody would read the issues (hint: make it private, or set allow_public: true)", r.name)
	case r.archived:
		return notify.Permanent("repository %s is archived (hint: unarchive it or name another)", r.name)
	case r.noIssues:
		return notify.Permanent("repository %s has issues switched off (hint: switch them on in its settings)", r.name)
	}
	return nil
}

// repository is repo for writing: an unusable one is an error.
func (s *Sink) repository(ctx context.Context, name string) (repoInfo, error) {
	info, err := s.repo(ctx, name, false)
	if err != nil {
		return info, fmt.Errorf("look at repository %s: %w", name, err)
	}
	return info, s.usable(info)
}

// get reads an issue where it is now; gone is true when it was deleted, or is where we
// cannot see it while its repository is.
func (s *Sink) get(ctx context.Context, r ref, background bool) (i *apiIssue, now ref, gone bool, err error) {
	i = &apiIssue{}
	err = s.follow(ctx, call{method: http.MethodGet, path: r.path(), repo: r.repo, background: background}, i)
	var e *apiError
	if errors.As(err, &e) && (e.status == http.StatusGone || e.status == http.StatusNotFound) {
		if e.status == http.StatusNotFound {
			// Not there, or not for us? A repository that we see tells.
			if _, rerr := s.repo(ctx, r.repo, true); rerr != nil {
				return nil, r, false, rerr
			}
		}
		return nil, r, true, nil
	}
	if err != nil {
		return nil, r, false, err
	}
	now = ref{repo: i.repo(), number: i.Number, refiled: r.refiled}
	if now.repo == "" {
		now.repo = r.repo
	}
	return i, now, false, nil
}

// comments lists the comments of an issue that changed since a time.
func (s *Sink) comments(ctx context.Context, r ref, since time.Time, background bool, each func(apiComment) error) error {
	q := url.Values{"per_page": {"100"}}
	if !since.IsZero() {
		q.Set("since", since.UTC().Format(time.RFC3339))
	}
	c := call{method: http.MethodGet, path: r.path() + "/comments", query: q, repo: r.repo, background: background}
	return pages(ctx, s, c, func(list []apiComment) (bool, error) {
		for _, one := range list {
			if err := each(one); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// list lists the issues of a repository with our label, those that we wrote.
func (s *Sink) list(ctx context.Context, repo string, since time.Time, background bool, each func(apiIssue) error) error {
	q := url.Values{"labels": {ourLabel}, "state": {"all"}, "per_page": {"100"}, "sort": {"created"}, "direction": {"asc"}}
	if !since.IsZero() {
		q.Set("since", since.UTC().Format(time.RFC3339))
	}
	c := call{method: http.MethodGet, path: "/repos/" + repo + "/issues", query: q, repo: repo, background: background}
	return pages(ctx, s, c, func(list []apiIssue) (bool, error) {
		for _, i := range list {
			if i.PullRequest != nil || !s.ours(i.User.Login) {
				continue
			}
			if err := each(i); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

func (s *Sink) patchIssue(ctx context.Context, r ref, body map[string]any) (*apiIssue, error) {
	var i apiIssue
	err := s.do(ctx, call{method: http.MethodPatch, path: r.path(), body: body, repo: r.repo}, &i)
	return &i, err
}

func (s *Sink) postComment(ctx context.Context, r ref, body string) (*apiComment, error) {
	var c apiComment
	err := s.do(ctx, call{method: http.MethodPost, path: r.path() + "/comments", body: map[string]any{"body": body}, repo: r.repo, content: true}, &c)
	return &c, err
}
