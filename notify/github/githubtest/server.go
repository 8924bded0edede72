package githubtest

import (
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options configure a [Server].
type Options struct {
	Now func() time.Time // nil is time.Now
	// ListDelay is how long lists do not show what is new.
	ListDelay time.Duration
	// RequestsPerHour, ContentPerMinute and ContentPerHour are the limits of an account; 0
	// are GitHub's 5000, 80 and 500, negative are none.
	RequestsPerHour, ContentPerMinute, ContentPerHour int
	// SilentLimit leaves Retry-After out of refusals for the secondary limit, as GitHub
	// often does.
	SilentLimit bool
}

// Repo says what a repository is like.
type Repo struct {
	Private, Archived, NoIssues bool
	// Collaborators can be assigned; the accounts of tokens can be, too.
	Collaborators []string
}

// App is a GitHub App that is registered at the server.
type App struct {
	ID   string
	Slug string
	Key  *rsa.PublicKey
	// Owners are those for whom it is installed.
	Owners []string
}

// Server is a GitHub on loopback.
type Server struct {
	URL string // of the API

	o    Options
	http *httptest.Server

	mu       sync.Mutex
	ids      int64
	repos    map[string]*repo // by the present name, lower case
	moved    map[string]int64 // former names → id
	tokens   map[string]*principal
	app      *App
	installs map[int64]string // id → owner
	faults   []fault
	hooks    []hook
	queue    []queued
	refused  []string
	requests []Request
	gates    []func(r *http.Request) int
}

// Request is one request that came, for tests that look at them.
type Request struct {
	Method, Path, Query, Auth string
	Status                    int
	Body                      string
}

// principal is who acts: an account by token, or an App's bot.
type principal struct {
	login    string
	id       int64
	bot      bool
	readOnly bool
	expires  time.Time // of an installation's token
	owner    string    // the only one whose repositories it sees; "" is all
	used     int       // requests in this hour
	reset    time.Time
	content  []time.Time
}

type repo struct {
	Repo
	id     int64
	name   string // owner/name
	next   int
	issues map[int]*issue
	labels map[string]*label // by lower case
	gone   map[int]string    // deleted: "", transferred: path of the new
}

type label struct {
	id                        int64
	name, colour, description string
}

type issue struct {
	repo            *repo
	id              int64
	number          int
	title, body     string
	open            bool
	reason          string
	locked          bool
	user            *principal
	labels          []string // lower-case keys of the repository's labels
	assignees       []string
	comments        []*comment
	events          []*event
	created         time.Time
	updated, closed time.Time
}

type comment struct {
	id               int64
	body             string
	user             *principal
	created, updated time.Time
}

type event struct {
	id       int64
	kind     string
	actor    *principal
	at       time.Time
	label    string
	assignee string
	reason   string
}

// New starts a server that ends with the test.
func New(t testing.TB, o Options) *Server {
	s := Start(o)
	t.Cleanup(s.Stop)
	return s
}

// Start starts a server; the caller stops it.
func Start(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	pick := func(v *int, standard int) {
		if *v == 0 {
			*v = standard
		}
	}
	pick(&o.RequestsPerHour, 5000)
	pick(&o.ContentPerMinute, 80)
	pick(&o.ContentPerHour, 500)
	s := &Server{o: o, ids: 1000, repos: map[string]*repo{}, moved: map[string]int64{}, tokens: map[string]*principal{}, installs: map[int64]string{}}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = s.http.URL
	return s
}

// Stop ends the server and what hangs in it.
func (s *Server) Stop() {
	s.http.CloseClientConnections()
	s.http.Close()
}

func (s *Server) now() time.Time { return s.o.Now().UTC().Truncate(time.Second) }

func (s *Server) id() int64 {
	s.ids++
	return s.ids
}

// AddRepo adds a repository with GitHub's first labels.
func (s *Server) AddRepo(name string, r Repo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := &repo{Repo: r, id: s.id(), name: name, next: 1, issues: map[int]*issue{}, labels: map[string]*label{}, gone: map[int]string{}}
	for _, l := range []string{"bug", "enhancement"} {
		n.labels[l] = &label{id: s.id(), name: l, colour: "ededed"}
	}
	s.repos[strings.ToLower(name)] = n
}

// SetRepo changes what a repository is like.
func (s *Server) SetRepo(name string, change func(*Repo)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.repos[strings.ToLower(name)].Repo)
}

// RenameRepo moves a repository to another name; the old one redirects.
func (s *Server) RenameRepo(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repos[strings.ToLower(from)]
	delete(s.repos, strings.ToLower(from))
	s.moved[strings.ToLower(from)] = r.id
	r.name = to
	s.repos[strings.ToLower(to)] = r
}

// AddToken lets a token act as an account, with all that it may.
func (s *Server) AddToken(token, login string) { s.addToken(token, login, false) }

// AddReadToken lets a token act as an account that may only read.
func (s *Server) AddReadToken(token, login string) { s.addToken(token, login, true) }

func (s *Server) addToken(token, login string, readOnly bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[token] = &principal{login: login, id: s.id(), readOnly: readOnly}
}

// Revoke makes a token worthless.
func (s *Server) Revoke(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, token)
}

// RevokeInstallations makes all tokens of the App's installations worthless.
func (s *Server) RevokeInstallations() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t, p := range s.tokens {
		if p.bot {
			delete(s.tokens, t)
		}
	}
}

// AddApp registers an App.
func (s *Server) AddApp(a App) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app = &a
	for _, o := range a.Owners {
		s.installs[s.id()] = strings.ToLower(o)
	}
}

// Issue is an issue as it stands.
type Issue struct {
	ID          int64
	Repo        string
	Number      int
	Title, Body string
	Open        bool
	Reason      string
	User        string
	Labels      []string
	Assignees   []string
	Comments    []Comment
	Events      []string // "closed mary"
	Created     time.Time
}

// Comment is a comment as it stands.
type Comment struct {
	ID   int64
	User string
	Body string
}

// Issues lists the issues of a repository by number.
func (s *Server) Issues(name string) []Issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repos[strings.ToLower(name)]
	if r == nil {
		return nil
	}
	var out []Issue
	for _, i := range r.sorted() {
		v := Issue{ID: i.id, Repo: r.name, Number: i.number, Title: i.title, Body: i.body, Open: i.open, Reason: i.reason, User: i.user.login,
			Assignees: slices.Clone(i.assignees), Created: i.created}
		for _, l := range i.labels {
			v.Labels = append(v.Labels, r.labels[l].name)
		}
		for _, c := range i.comments {
			v.Comments = append(v.Comments, Comment{c.id, c.user.login, c.body})
		}
		for _, e := range i.events {
			v.Events = append(v.Events, strings.TrimSpace(e.kind+" "+e.actor.login+" "+e.label+e.assignee))
		}
		out = append(out, v)
	}
	return out
}

// Labels lists the labels of a repository with their colours.
func (s *Server) Labels(name string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]string{}
	for _, l := range s.repos[strings.ToLower(name)].labels {
		out[l.name] = l.colour
	}
	return out
}

func (r *repo) sorted() []*issue {
	out := make([]*issue, 0, len(r.issues))
	for _, i := range r.issues {
		out = append(out, i)
	}
	slices.SortFunc(out, func(a, b *issue) int { return a.number - b.number })
	return out
}

// Requests returns the requests that came since the last call.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.requests
	s.requests = nil
	return out
}

func (s *Server) find(name string, number int) *issue {
	r := s.repos[strings.ToLower(name)]
	if r == nil || r.issues[number] == nil {
		panic(fmt.Sprintf("githubtest: no issue %s#%d", name, number))
	}
	return r.issues[number]
}

// human is a person who acts in the browser.
func (s *Server) human(login string) *principal {
	for _, p := range s.tokens {
		if p.login == login {
			return p
		}
	}
	return &principal{login: login, id: int64(len(login)) + 9000}
}

// act runs what a person does in the browser.
func (s *Server) act(name string, number int, login string, do func(*issue, *principal)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s.find(name, number), s.human(login))
}

// Close closes an issue as a person; reason is "completed", "not_planned" or "duplicate".
func (s *Server) Close(name string, number int, login, reason string) {
	s.act(name, number, login, func(i *issue, p *principal) { s.setOpen(i, p, false, reason) })
}

// Reopen re-opens an issue as a person.
func (s *Server) Reopen(name string, number int, login string) {
	s.act(name, number, login, func(i *issue, p *principal) { s.setOpen(i, p, true, "reopened") })
}

// Comment comments as a person.
func (s *Server) Comment(name string, number int, login, body string) {
	s.act(name, number, login, func(i *issue, p *principal) { s.addComment(i, p, body) })
}

// Label puts a label on as a person; it is made when it is missing.
func (s *Server) Label(name string, number int, login, l string) {
	s.act(name, number, login, func(i *issue, p *principal) { s.addLabel(i, p, l) })
}

// Unlabel takes a label off as a person.
func (s *Server) Unlabel(name string, number int, login, l string) {
	s.act(name, number, login, func(i *issue, p *principal) { s.dropLabel(i, p, l) })
}

// Assign assigns somebody as a person.
func (s *Server) Assign(name string, number int, login, to string) {
	s.act(name, number, login, func(i *issue, p *principal) { s.assign(i, p, to) })
}

// Unassign takes an assignee away as a person.
func (s *Server) Unassign(name string, number int, login, to string) {
	s.act(name, number, login, func(i *issue, p *principal) { s.unassign(i, p, to) })
}

// EditBody replaces the body as a person.
func (s *Server) EditBody(name string, number int, login, body string) {
	s.act(name, number, login, func(i *issue, p *principal) {
		i.body, i.updated = body, s.now()
		s.tell("issues", "edited", i, p, nil)
	})
}

// DeleteComment deletes a comment as a person.
func (s *Server) DeleteComment(name string, number int, login string, id int64) {
	s.act(name, number, login, func(i *issue, _ *principal) {
		i.comments = slices.DeleteFunc(i.comments, func(c *comment) bool { return c.id == id })
	})
}

// Lock locks the conversation of an issue.
func (s *Server) Lock(name string, number int) {
	s.act(name, number, "mary", func(i *issue, _ *principal) { i.locked = true })
}

// Delete deletes an issue as a person: it answers 410 from now on.
func (s *Server) Delete(name string, number int, login string) {
	s.act(name, number, login, func(i *issue, p *principal) {
		s.tell("issues", "deleted", i, p, nil)
		i.repo.gone[number] = ""
		delete(i.repo.issues, number)
	})
}

// Transfer moves an issue to another repository as a person and returns its new number.
func (s *Server) Transfer(name string, number int, login, to string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, target := s.find(name, number), s.repos[strings.ToLower(to)]
	n := *i
	n.repo, n.number, n.labels = target, target.next, nil
	target.next++
	// Labels go along when the target has them.
	for _, l := range i.labels {
		if target.labels[l] != nil {
			n.labels = append(n.labels, l)
		}
	}
	target.issues[n.number] = &n
	s.tell("issues", "transferred", i, s.human(login), map[string]any{"changes": map[string]any{
		"new_issue": s.issueJSON(&n), "new_repository": s.repoJSON(target, nil)}})
	i.repo.gone[number] = fmt.Sprintf("/repositories/%d/issues/%d", target.id, n.number)
	delete(i.repo.issues, number)
	return n.number
}

// Copy makes an issue a second time, as a commit that shows late does: number, body and
// author are the same but for the number.
func (s *Server) Copy(name string, number int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(name, number)
	n := *i
	n.id, n.number, n.comments, n.events = s.id(), i.repo.next, nil, nil
	n.labels, n.assignees = slices.Clone(i.labels), slices.Clone(i.assignees)
	n.created, n.updated = s.now(), s.now()
	i.repo.next++
	i.repo.issues[n.number] = &n
	return n.number
}

func (s *Server) note(i *issue, p *principal, kind string) *event {
	e := &event{id: s.id(), kind: kind, actor: p, at: s.now()}
	i.events = append(i.events, e)
	i.updated = e.at
	return e
}

func (s *Server) setOpen(i *issue, p *principal, open bool, reason string) {
	if i.open == open {
		return
	}
	i.open, i.reason = open, reason
	kind := "reopened"
	if open {
		i.closed = time.Time{}
	} else {
		kind, i.closed = "closed", s.now()
		if reason == "" || reason == "reopened" {
			i.reason = "completed"
		}
	}
	s.note(i, p, kind).reason = i.reason
	s.tell("issues", kind, i, p, nil)
}

func (s *Server) addComment(i *issue, p *principal, body string) *comment {
	c := &comment{id: s.id(), body: body, user: p, created: s.now(), updated: s.now()}
	i.comments = append(i.comments, c)
	i.updated = c.created
	s.tell("issue_comment", "created", i, p, map[string]any{"comment": s.commentJSON(i, c)})
	return c
}

func (s *Server) addLabel(i *issue, p *principal, name string) {
	key := strings.ToLower(name)
	if i.repo.labels[key] == nil {
		i.repo.labels[key] = &label{id: s.id(), name: name, colour: "ededed"}
	}
	if slices.Contains(i.labels, key) {
		return
	}
	i.labels = append(i.labels, key)
	s.note(i, p, "labeled").label = i.repo.labels[key].name
	s.tell("issues", "labeled", i, p, map[string]any{"label": s.labelJSON(i.repo, i.repo.labels[key])})
}

func (s *Server) dropLabel(i *issue, p *principal, name string) bool {
	key := strings.ToLower(name)
	k := slices.Index(i.labels, key)
	if k < 0 {
		return false
	}
	i.labels = slices.Delete(i.labels, k, k+1)
	s.note(i, p, "unlabeled").label = i.repo.labels[key].name
	s.tell("issues", "unlabeled", i, p, map[string]any{"label": s.labelJSON(i.repo, i.repo.labels[key])})
	return true
}

func fold(list []string, v string) int {
	return slices.IndexFunc(list, func(o string) bool { return strings.EqualFold(o, v) })
}

func (s *Server) assign(i *issue, p *principal, login string) {
	if fold(i.assignees, login) >= 0 || len(i.assignees) >= 10 {
		return
	}
	i.assignees = append(i.assignees, login)
	s.note(i, p, "assigned").assignee = login
	s.tell("issues", "assigned", i, p, map[string]any{"assignee": s.userJSON(s.human(login))})
}

func (s *Server) unassign(i *issue, p *principal, login string) {
	k := fold(i.assignees, login)
	if k < 0 {
		return
	}
	i.assignees = slices.Delete(i.assignees, k, k+1)
	s.note(i, p, "unassigned").assignee = login
	s.tell("issues", "unassigned", i, p, map[string]any{"assignee": s.userJSON(s.human(login))})
}
