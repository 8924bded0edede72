package githubtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

const docs = "https://docs.github.com/rest"

func fail(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]any{"message": message, "documentation_url": docs, "status": strconv.Itoa(status)})
}

func invalid(w http.ResponseWriter, resource, field, code, message string) {
	e := map[string]any{"resource": resource, "field": field, "code": code}
	if message != "" {
		e["message"] = message
	}
	answer(w, http.StatusUnprocessableEntity, map[string]any{"message": "Validation Failed", "errors": []any{e}, "documentation_url": docs, "status": "422"})
}

func malformed(w http.ResponseWriter, text string) {
	answer(w, http.StatusUnprocessableEntity, map[string]any{"message": "Invalid request.\n\n" + text, "documentation_url": docs, "status": "422"})
}

// route answers one request; the server is locked.
func (s *Server) route(w http.ResponseWriter, r *http.Request, body []byte) {
	if v := r.Header.Get("X-GitHub-Api-Version"); v != "" && v != "2022-11-28" {
		fail(w, http.StatusBadRequest, "The API version "+v+" is not supported")
		return
	}
	if t := r.Header.Get("Accept"); t != "" && !strings.Contains(t, "json") && !strings.Contains(t, "*/*") {
		fail(w, http.StatusUnsupportedMediaType, "Unsupported 'Accept' header: "+t)
		return
	}
	if r.Header.Get("User-Agent") == "" {
		fail(w, http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.")
		return
	}
	path := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	for k := range path {
		path[k], _ = url.PathUnescape(path[k])
	}
	credential, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		if credential, ok = strings.CutPrefix(r.Header.Get("Authorization"), "token "); !ok {
			fail(w, http.StatusUnauthorized, "Requires authentication")
			return
		}
	}
	if path[0] == "app" || len(path) == 4 && path[0] == "repos" && path[3] == "installation" {
		s.routeApp(w, r, path, credential, body)
		return
	}
	p := s.tokens[credential]
	if p == nil || !p.expires.IsZero() && !s.o.Now().Before(p.expires) {
		fail(w, http.StatusUnauthorized, "Bad credentials")
		return
	}
	content := r.Method == http.MethodPost && len(path) > 3 && (path[len(path)-1] == "issues" || path[len(path)-1] == "comments")
	if !s.admit(w, r, p, content) {
		return
	}
	if len(path) == 1 && path[0] == "user" && r.Method == http.MethodGet {
		if p.bot {
			fail(w, http.StatusForbidden, "Resource not accessible by integration")
			return
		}
		u := s.userJSON(p)
		maps.Copy(u, map[string]any{"name": nil, "company": nil, "blog": "", "location": nil, "email": nil, "hireable": nil, "bio": nil,
			"public_repos": 0, "public_gists": 0, "followers": 0, "following": 0, "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"})
		answer(w, http.StatusOK, u)
		return
	}
	var rp *repo
	var rest []string
	switch {
	case path[0] == "repos" && len(path) >= 3:
		rp = s.repos[strings.ToLower(path[1]+"/"+path[2])]
		rest = path[3:]
		if id, ok := s.moved[strings.ToLower(path[1]+"/"+path[2])]; rp == nil && ok {
			to := fmt.Sprintf("/repositories/%d", id)
			if len(rest) > 0 {
				to += "/" + strings.Join(rest, "/")
			}
			s.redirect(w, r, to)
			return
		}
	case path[0] == "repositories" && len(path) >= 2:
		id, _ := strconv.ParseInt(path[1], 10, 64)
		for _, one := range s.repos {
			if one.id == id {
				rp = one
			}
		}
		rest = path[2:]
	}
	if rp == nil {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	if owner, _, _ := strings.Cut(strings.ToLower(rp.name), "/"); p.owner != "" && p.owner != owner && rp.Private {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	if r.Method != http.MethodGet {
		switch {
		case rp.Archived:
			fail(w, http.StatusForbidden, "Repository was archived so is read-only.")
			return
		case p.readOnly:
			fail(w, http.StatusForbidden, "Resource not accessible by personal access token")
			return
		}
	}
	s.routeRepo(w, r, rp, p, rest, body)
}

func (s *Server) redirect(w http.ResponseWriter, r *http.Request, to string) {
	status := http.StatusMovedPermanently
	if r.Method != http.MethodGet {
		status = http.StatusTemporaryRedirect
	}
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", s.URL+to)
	answer(w, status, map[string]any{"message": "Moved Permanently", "url": s.URL + to, "documentation_url": docs})
}

func (s *Server) routeRepo(w http.ResponseWriter, r *http.Request, rp *repo, p *principal, rest []string, body []byte) {
	at := func(method string, parts ...string) bool {
		if r.Method != method || len(rest) != len(parts) {
			return false
		}
		for k, part := range parts {
			if part != "*" && rest[k] != part {
				return false
			}
		}
		return true
	}
	if len(rest) == 0 && r.Method == http.MethodGet {
		answer(w, http.StatusOK, s.repoJSON(rp, p))
		return
	}
	if at("GET", "labels") {
		keys := make([]string, 0)
		for k := range rp.labels {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		var all []any
		for _, k := range keys {
			all = append(all, s.labelJSON(rp, rp.labels[k]))
		}
		s.page(w, r, all)
		return
	}
	if at("POST", "labels") {
		s.postLabel(w, rp, body)
		return
	}
	if len(rest) == 0 || rest[0] != "issues" {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	if rp.NoIssues {
		fail(w, http.StatusGone, "Issues are disabled for this repo")
		return
	}
	switch {
	case at("GET", "issues"):
		s.listIssues(w, r, rp)
		return
	case at("POST", "issues"):
		s.postIssue(w, rp, p, body)
		return
	case len(rest) == 3 && rest[1] == "comments":
		s.oneComment(w, r, rp, p, rest[2], body)
		return
	}
	if len(rest) < 2 {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	n, err := strconv.Atoi(rest[1])
	if err != nil {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	if to, gone := rp.gone[n]; gone {
		if to == "" {
			fail(w, http.StatusGone, "This issue was deleted")
			return
		}
		if len(rest) > 2 {
			to += "/" + strings.Join(rest[2:], "/")
		}
		s.redirect(w, r, to)
		return
	}
	i := rp.issues[n]
	if i == nil {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	rest[1] = "N"
	switch {
	case at("GET", "issues", "N"):
		answer(w, http.StatusOK, s.issueJSON(i))
	case at("PATCH", "issues", "N"):
		s.patchIssue(w, i, p, body)
	case at("GET", "issues", "N", "comments"):
		s.listComments(w, r, i)
	case at("POST", "issues", "N", "comments"):
		s.postComment(w, i, p, body)
	case at("GET", "issues", "N", "events"):
		var all []any
		for _, e := range i.events {
			if s.shown(e.at) {
				all = append(all, s.eventJSON(i, e))
			}
		}
		s.page(w, r, all)
	case at("GET", "issues", "N", "timeline"):
		s.timeline(w, r, i)
	case at("POST", "issues", "N", "labels"):
		s.postLabels(w, i, p, body)
	case at("DELETE", "issues", "N", "labels", "*"):
		if !s.dropLabel(i, p, rest[3]) {
			fail(w, http.StatusNotFound, "Label does not exist")
			return
		}
		answer(w, http.StatusOK, s.issueJSON(i)["labels"])
	case at("POST", "issues", "N", "assignees"), at("DELETE", "issues", "N", "assignees"):
		s.changeAssignees(w, r, i, p, body)
	default:
		fail(w, http.StatusNotFound, "Not Found")
	}
}

// shown says whether lists show what was made at a time.
func (s *Server) shown(at time.Time) bool {
	return s.o.ListDelay == 0 || !s.o.Now().Before(at.Add(s.o.ListDelay))
}

// page answers one page of a list, with Link.
func (s *Server) page(w http.ResponseWriter, r *http.Request, all []any) {
	q := r.URL.Query()
	per, page := 30, 1
	if n, err := strconv.Atoi(q.Get("per_page")); err == nil && n > 0 {
		per = min(n, 100)
	}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 0 {
		page = n
	}
	last := max((len(all)+per-1)/per, 1)
	var links []string
	add := func(rel string, n int) {
		q.Set("page", strconv.Itoa(n))
		links = append(links, fmt.Sprintf(`<%s%s?%s>; rel="%s"`, s.URL, r.URL.Path, q.Encode(), rel))
	}
	if page > 1 {
		add("prev", page-1)
	}
	if page < last {
		add("next", page+1)
		add("last", last)
	}
	if page > 1 {
		add("first", 1)
	}
	if len(links) > 0 {
		w.Header().Set("Link", strings.Join(links, ", "))
	}
	from := min((page-1)*per, len(all))
	answer(w, http.StatusOK, append([]any{}, all[from:min(from+per, len(all))]...))
}

// enum answers 422 for a value that is none of those allowed.
func enum(w http.ResponseWriter, q url.Values, name string, allowed ...string) bool {
	v := q.Get(name)
	if v == "" || slices.Contains(allowed, v) {
		return true
	}
	invalid(w, "Issue", name, "invalid", "")
	return false
}

func since(w http.ResponseWriter, q url.Values) (time.Time, bool) {
	v := q.Get("since")
	if v == "" {
		return time.Time{}, true
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		invalid(w, "Issue", "since", "invalid", "")
		return t, false
	}
	return t, true
}

func (s *Server) listIssues(w http.ResponseWriter, r *http.Request, rp *repo) {
	q := r.URL.Query()
	if !enum(w, q, "state", "open", "closed", "all") || !enum(w, q, "sort", "created", "updated", "comments") || !enum(w, q, "direction", "asc", "desc") {
		return
	}
	from, ok := since(w, q)
	if !ok {
		return
	}
	list := rp.sorted()
	by := func(a, b *issue) int { return a.number - b.number }
	if q.Get("sort") == "updated" {
		by = func(a, b *issue) int { return a.updated.Compare(b.updated) }
	}
	slices.SortStableFunc(list, by)
	if q.Get("direction") != "asc" {
		slices.Reverse(list)
	}
	var all []any
next:
	for _, i := range list {
		state := q.Get("state")
		if !s.shown(i.created) || i.updated.Before(from) || state == "closed" && i.open || (state == "open" || state == "") && !i.open {
			continue
		}
		if want := q.Get("labels"); want != "" {
			for l := range strings.SplitSeq(want, ",") {
				if !slices.Contains(i.labels, strings.ToLower(strings.TrimSpace(l))) {
					continue next
				}
			}
		}
		all = append(all, s.issueJSON(i))
	}
	s.page(w, r, all)
}

func (s *Server) listComments(w http.ResponseWriter, r *http.Request, i *issue) {
	from, ok := since(w, r.URL.Query())
	if !ok {
		return
	}
	var all []any
	for _, c := range i.comments {
		if s.shown(c.created) && !c.updated.Before(from) {
			all = append(all, s.commentJSON(i, c))
		}
	}
	s.page(w, r, all)
}

func (s *Server) timeline(w http.ResponseWriter, r *http.Request, i *issue) {
	type item struct {
		at time.Time
		v  map[string]any
	}
	var items []item
	for _, e := range i.events {
		items = append(items, item{e.at, s.eventJSON(i, e)})
	}
	for _, c := range i.comments {
		v := s.commentJSON(i, c)
		v["event"], v["actor"] = "commented", v["user"]
		items = append(items, item{c.created, v})
	}
	slices.SortStableFunc(items, func(a, b item) int { return a.at.Compare(b.at) })
	var all []any
	for _, it := range items {
		if s.shown(it.at) {
			all = append(all, it.v)
		}
	}
	s.page(w, r, all)
}

// fields reads a JSON object and checks the types of the fields that are known: "s" string,
// "s?" string or null, "l" list of strings. Unknown fields are ignored, as GitHub does.
func fields(w http.ResponseWriter, body []byte, types map[string]string) (map[string]any, bool) {
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil || m == nil {
		fail(w, http.StatusBadRequest, "Problems parsing JSON")
		return nil, false
	}
	for name, kind := range types {
		v, there := m[name]
		if !there {
			continue
		}
		good := false
		switch kind {
		case "s", "s?":
			_, good = v.(string)
			good = good || v == nil && kind == "s?"
		case "l":
			list, ok := v.([]any)
			good = ok
			for _, e := range list {
				if _, ok := e.(string); !ok {
					good = false
				}
			}
		}
		if !good {
			malformed(w, fmt.Sprintf("For 'properties/%s', %v is not of the right type.", name, v))
			return nil, false
		}
	}
	return m, true
}

func texts(v any) []string {
	var out []string
	list, _ := v.([]any)
	for _, e := range list {
		s, _ := e.(string)
		out = append(out, s)
	}
	return out
}

func text(v any) string { s, _ := v.(string); return s }

// lengths checks title and body; GitHub counts characters.
func lengths(w http.ResponseWriter, m map[string]any) bool {
	if t, ok := m["title"].(string); ok {
		if strings.TrimSpace(t) == "" {
			invalid(w, "Issue", "title", "missing_field", "")
			return false
		}
		if utf8.RuneCountInString(t) > 256 {
			invalid(w, "Issue", "title", "custom", "title is too long (maximum is 256 characters)")
			return false
		}
	}
	if utf8.RuneCountInString(text(m["body"])) > 65536 {
		invalid(w, "Issue", "body", "custom", "body is too long (maximum is 65536 characters)")
		return false
	}
	return true
}

func (s *Server) assignable(rp *repo, login string) bool {
	if fold(rp.Collaborators, login) >= 0 {
		return true
	}
	for _, p := range s.tokens {
		if !p.bot && strings.EqualFold(p.login, login) {
			return true
		}
	}
	return false
}

func labelNames(w http.ResponseWriter, list []string) bool {
	for _, l := range list {
		if n := utf8.RuneCountInString(l); n > 50 {
			invalid(w, "Label", "name", "custom", "name is too long (maximum is 50 characters)")
			return false
		} else if strings.TrimSpace(l) == "" {
			invalid(w, "Label", "name", "missing_field", "")
			return false
		}
	}
	return true
}

// labelCount holds an issue to 100 labels.
func labelCount(w http.ResponseWriter, n int) bool {
	if n > 100 {
		invalid(w, "Issue", "labels", "custom", "an issue may have 100 labels")
	}
	return n <= 100
}

// assignees holds an issue to 10 people who can be assigned.
func (s *Server) assignees(w http.ResponseWriter, rp *repo, list []string) bool {
	for k, a := range list {
		if k >= 10 || !s.assignable(rp, a) {
			answer(w, http.StatusUnprocessableEntity, map[string]any{"message": "Validation Failed", "documentation_url": docs, "status": "422",
				"errors": []any{map[string]any{"value": a, "resource": "Issue", "field": "assignees", "code": "invalid"}}})
			return false
		}
	}
	return true
}

func (s *Server) postIssue(w http.ResponseWriter, rp *repo, p *principal, body []byte) {
	m, ok := fields(w, body, map[string]string{"title": "s", "body": "s", "labels": "l", "assignees": "l", "assignee": "s?"})
	if !ok {
		return
	}
	if _, ok := m["title"]; !ok {
		malformed(w, `"title" wasn't supplied.`)
		return
	}
	if !lengths(w, m) || !labelNames(w, texts(m["labels"])) || !labelCount(w, len(texts(m["labels"]))) || !s.assignees(w, rp, texts(m["assignees"])) {
		return
	}
	i := &issue{repo: rp, id: s.id(), number: rp.next, title: text(m["title"]), body: text(m["body"]), open: true, user: p, created: s.now(), updated: s.now()}
	rp.next++
	rp.issues[i.number] = i
	s.tell("issues", "opened", i, p, nil)
	for _, l := range texts(m["labels"]) {
		s.addLabel(i, p, l)
	}
	for _, a := range texts(m["assignees"]) {
		s.assign(i, p, a)
	}
	answer(w, http.StatusCreated, s.issueJSON(i))
}

func (s *Server) patchIssue(w http.ResponseWriter, i *issue, p *principal, body []byte) {
	m, ok := fields(w, body, map[string]string{"title": "s?", "body": "s?", "state": "s", "state_reason": "s?", "labels": "l", "assignees": "l"})
	if !ok || !lengths(w, m) || !labelNames(w, texts(m["labels"])) || !labelCount(w, len(texts(m["labels"]))) || !s.assignees(w, i.repo, texts(m["assignees"])) {
		return
	}
	state, reason := text(m["state"]), text(m["state_reason"])
	if _, there := m["state"]; there && state != "open" && state != "closed" {
		malformed(w, "For 'properties/state', "+state+" is not a member of [\"open\", \"closed\"].")
		return
	}
	if reason != "" && !slices.Contains([]string{"completed", "not_planned", "duplicate", "reopened"}, reason) {
		malformed(w, "For 'properties/state_reason', "+reason+" is not a member of the list.")
		return
	}
	if t := text(m["title"]); t != "" && t != i.title {
		i.title = t
		s.note(i, p, "renamed")
		s.tell("issues", "edited", i, p, nil)
	}
	if b, there := m["body"]; there && text(b) != i.body {
		i.body, i.updated = text(b), s.now()
		s.tell("issues", "edited", i, p, nil)
	}
	if list, there := m["labels"]; there {
		for _, l := range slices.Clone(i.labels) {
			if fold(texts(list), l) < 0 {
				s.dropLabel(i, p, l)
			}
		}
		for _, l := range texts(list) {
			s.addLabel(i, p, l)
		}
	}
	if state != "" {
		s.setOpen(i, p, state == "open", reason)
	}
	answer(w, http.StatusOK, s.issueJSON(i))
}

func (s *Server) postComment(w http.ResponseWriter, i *issue, p *principal, body []byte) {
	m, ok := fields(w, body, map[string]string{"body": "s"})
	if !ok {
		return
	}
	if _, there := m["body"]; !there {
		malformed(w, `"body" wasn't supplied.`)
		return
	}
	if strings.TrimSpace(text(m["body"])) == "" {
		invalid(w, "IssueComment", "body", "missing_field", "")
		return
	}
	if utf8.RuneCountInString(text(m["body"])) > 65536 {
		invalid(w, "IssueComment", "body", "custom", "body is too long (maximum is 65536 characters)")
		return
	}
	if i.locked {
		fail(w, http.StatusForbidden, "Unable to create comment because issue is locked.")
		return
	}
	answer(w, http.StatusCreated, s.commentJSON(i, s.addComment(i, p, text(m["body"]))))
}

func (s *Server) oneComment(w http.ResponseWriter, r *http.Request, rp *repo, p *principal, id string, body []byte) {
	for _, i := range rp.issues {
		for k, c := range i.comments {
			if strconv.FormatInt(c.id, 10) != id {
				continue
			}
			switch r.Method {
			case http.MethodGet:
				answer(w, http.StatusOK, s.commentJSON(i, c))
			case http.MethodPatch:
				m, ok := fields(w, body, map[string]string{"body": "s"})
				if !ok {
					return
				}
				if utf8.RuneCountInString(text(m["body"])) > 65536 || strings.TrimSpace(text(m["body"])) == "" {
					invalid(w, "IssueComment", "body", "custom", "body is too long (maximum is 65536 characters)")
					return
				}
				c.body, c.updated, i.updated = text(m["body"]), s.now(), s.now()
				s.tell("issue_comment", "edited", i, p, map[string]any{"comment": s.commentJSON(i, c), "changes": map[string]any{}})
				answer(w, http.StatusOK, s.commentJSON(i, c))
			case http.MethodDelete:
				i.comments = slices.Delete(i.comments, k, k+1)
				s.tell("issue_comment", "deleted", i, p, map[string]any{"comment": s.commentJSON(i, c)})
				w.WriteHeader(http.StatusNoContent)
			default:
				fail(w, http.StatusNotFound, "Not Found")
			}
			return
		}
	}
	fail(w, http.StatusNotFound, "Not Found")
}

func (s *Server) postLabel(w http.ResponseWriter, rp *repo, body []byte) {
	m, ok := fields(w, body, map[string]string{"name": "s", "color": "s", "description": "s"})
	if !ok {
		return
	}
	name, colour := text(m["name"]), text(m["color"])
	if _, there := m["name"]; !there {
		malformed(w, `"name" wasn't supplied.`)
		return
	}
	if !labelNames(w, []string{name}) {
		return
	}
	if len(colour) != 6 || strings.Trim(strings.ToLower(colour), "0123456789abcdef") != "" {
		invalid(w, "Label", "color", "invalid", "")
		return
	}
	if utf8.RuneCountInString(text(m["description"])) > 100 {
		invalid(w, "Label", "description", "custom", "description is too long (maximum is 100 characters)")
		return
	}
	if rp.labels[strings.ToLower(name)] != nil {
		invalid(w, "Label", "name", "already_exists", "")
		return
	}
	l := &label{id: s.id(), name: name, colour: colour, description: text(m["description"])}
	rp.labels[strings.ToLower(name)] = l
	answer(w, http.StatusCreated, s.labelJSON(rp, l))
}

func (s *Server) postLabels(w http.ResponseWriter, i *issue, p *principal, body []byte) {
	m, ok := fields(w, body, map[string]string{"labels": "l"})
	if !ok || !labelNames(w, texts(m["labels"])) {
		return
	}
	if len(texts(m["labels"])) == 0 {
		malformed(w, "For 'properties/labels', [] is too short.")
		return
	}
	fresh := 0
	for _, l := range texts(m["labels"]) {
		if !slices.Contains(i.labels, strings.ToLower(l)) {
			fresh++
		}
	}
	if !labelCount(w, len(i.labels)+fresh) {
		return
	}
	for _, l := range texts(m["labels"]) {
		s.addLabel(i, p, l)
	}
	answer(w, http.StatusOK, s.issueJSON(i)["labels"])
}

func (s *Server) changeAssignees(w http.ResponseWriter, r *http.Request, i *issue, p *principal, body []byte) {
	m, ok := fields(w, body, map[string]string{"assignees": "l"})
	if !ok {
		return
	}
	for _, a := range texts(m["assignees"]) {
		if r.Method == http.MethodDelete {
			s.unassign(i, p, a)
		} else if s.assignable(i.repo, a) {
			s.assign(i, p, a)
		}
	}
	status := http.StatusOK
	if r.Method == http.MethodPost {
		status = http.StatusCreated
	}
	answer(w, status, s.issueJSON(i))
}
