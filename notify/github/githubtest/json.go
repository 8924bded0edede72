package githubtest

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// The objects as the API shows them, with all that its schema requires.

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

func node(kind string, id int64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s%d", kind, id))
}

func (s *Server) userJSON(p *principal) map[string]any {
	u := s.URL + "/users/" + p.login
	kind := "User"
	if p.bot {
		kind = "Bot"
	}
	return map[string]any{"login": p.login, "id": p.id, "node_id": node("U", p.id), "avatar_url": u + "/avatar", "gravatar_id": "", "url": u,
		"html_url": s.URL + "/" + p.login, "followers_url": u + "/followers", "following_url": u + "/following{/other_user}",
		"gists_url": u + "/gists{/gist_id}", "starred_url": u + "/starred{/owner}{/repo}", "subscriptions_url": u + "/subscriptions",
		"organizations_url": u + "/orgs", "repos_url": u + "/repos", "events_url": u + "/events{/privacy}",
		"received_events_url": u + "/received_events", "type": kind, "site_admin": false}
}

func (s *Server) labelJSON(r *repo, l *label) map[string]any {
	var about any
	if l.description != "" {
		about = l.description
	}
	return map[string]any{"id": l.id, "node_id": node("LA", l.id), "url": s.URL + "/repos/" + r.name + "/labels/" + l.name,
		"name": l.name, "color": l.colour, "default": l.name == "bug" || l.name == "enhancement", "description": about}
}

func (s *Server) repoJSON(r *repo, p *principal) map[string]any {
	owner, name, _ := strings.Cut(r.name, "/")
	visibility := "public"
	if r.Private {
		visibility = "private"
	}
	u := s.URL + "/repos/" + r.name
	out := map[string]any{"id": r.id, "node_id": node("R", r.id), "name": name, "full_name": r.name,
		"owner": s.userJSON(&principal{login: owner, id: 1}), "private": r.Private, "visibility": visibility, "html_url": s.URL + "/" + r.name,
		"description": nil, "fork": false, "url": u, "archived": r.Archived, "disabled": false, "has_issues": !r.NoIssues,
		"has_downloads": true, "topics": []string{}, "has_projects": false, "has_wiki": false, "has_pages": false, "has_discussions": false, "homepage": nil, "language": nil,
		"mirror_url": nil, "open_issues": len(r.issues), "open_issues_count": len(r.issues), "license": nil, "size": 1,
		"stargazers_count": 0, "watchers": 0, "watchers_count": 0, "forks": 0, "forks_count": 0, "network_count": 0, "subscribers_count": 0,
		"default_branch": "main", "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "pushed_at": "2026-01-01T00:00:00Z"}
	for _, k := range []string{"archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents",
		"contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks", "issue_comment",
		"issue_events", "issues", "keys", "labels", "languages", "merges", "milestones", "notifications", "pulls", "releases", "stargazers",
		"statuses", "subscribers", "subscription", "tags", "teams", "trees", "git", "ssh", "clone", "svn"} {
		out[k+"_url"] = u + "/" + k
	}
	if p != nil && !p.bot {
		out["permissions"] = map[string]bool{"admin": false, "maintain": false, "push": !p.readOnly, "triage": !p.readOnly, "pull": true}
	}
	return out
}

func (s *Server) issueJSON(i *issue) map[string]any {
	u := fmt.Sprintf("%s/repos/%s/issues/%d", s.URL, i.repo.name, i.number)
	state := "closed"
	if i.open {
		state = "open"
	}
	var reason any
	if i.reason != "" {
		reason = i.reason
	}
	labels, assignees := []any{}, []any{}
	for _, l := range i.labels {
		labels = append(labels, s.labelJSON(i.repo, i.repo.labels[l]))
	}
	for _, a := range i.assignees {
		assignees = append(assignees, s.userJSON(s.human(a)))
	}
	var first any
	if len(assignees) > 0 {
		first = assignees[0]
	}
	var app any
	if i.user.bot {
		app = s.appJSON()
	}
	return map[string]any{"id": i.id, "node_id": node("I", i.id), "url": u, "repository_url": s.URL + "/repos/" + i.repo.name,
		"labels_url": u + "/labels{/name}", "comments_url": u + "/comments", "events_url": u + "/events", "timeline_url": u + "/timeline",
		"html_url": fmt.Sprintf("%s/%s/issues/%d", s.URL, i.repo.name, i.number), "number": i.number, "state": state, "state_reason": reason,
		"title": i.title, "body": i.body, "user": s.userJSON(i.user), "labels": labels, "assignee": first, "assignees": assignees,
		"milestone": nil, "locked": i.locked, "active_lock_reason": nil, "comments": len(i.comments), "closed_at": stamp(i.closed),
		"created_at": stamp(i.created), "updated_at": stamp(i.updated), "author_association": "MEMBER", "performed_via_github_app": app,
		"reactions": reactions(u)}
}

// reactions are those of nobody.
func reactions(url string) map[string]any {
	return map[string]any{"url": url + "/reactions", "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "hooray": 0, "confused": 0, "heart": 0, "rocket": 0, "eyes": 0}
}

func (s *Server) commentJSON(i *issue, c *comment) map[string]any {
	u := fmt.Sprintf("%s/repos/%s/issues/comments/%d", s.URL, i.repo.name, c.id)
	var app any
	if c.user.bot {
		app = s.appJSON()
	}
	return map[string]any{"id": c.id, "node_id": node("IC", c.id), "url": u,
		"html_url":  fmt.Sprintf("%s/%s/issues/%d#issuecomment-%d", s.URL, i.repo.name, i.number, c.id),
		"issue_url": fmt.Sprintf("%s/repos/%s/issues/%d", s.URL, i.repo.name, i.number), "body": c.body, "user": s.userJSON(c.user),
		"created_at": stamp(c.created), "updated_at": stamp(c.updated), "author_association": "MEMBER", "performed_via_github_app": app,
		"reactions": reactions(u)}
}

func (s *Server) eventJSON(i *issue, e *event) map[string]any {
	out := map[string]any{"id": e.id, "node_id": node("E", e.id), "url": fmt.Sprintf("%s/repos/%s/issues/events/%d", s.URL, i.repo.name, e.id),
		"actor": s.userJSON(e.actor), "event": e.kind, "commit_id": nil, "commit_url": nil, "created_at": stamp(e.at), "performed_via_github_app": nil}
	if e.actor.bot {
		out["performed_via_github_app"] = s.appJSON()
	}
	if e.label != "" {
		out["label"] = map[string]any{"name": e.label, "color": "ededed"}
	}
	if e.assignee != "" {
		out["assignee"] = s.userJSON(s.human(e.assignee))
		out["assigner"] = s.userJSON(e.actor)
	}
	if e.kind == "closed" && e.reason != "" {
		out["state_reason"] = e.reason
	}
	return out
}

func (s *Server) appJSON() map[string]any {
	if s.app == nil {
		return nil
	}
	return map[string]any{"id": 1, "slug": s.app.Slug, "node_id": node("A", 1), "client_id": s.app.ID, "owner": s.userJSON(&principal{login: "acme", id: 1}),
		"name": s.app.Slug, "description": nil, "external_url": "https://example.com", "html_url": s.URL + "/apps/" + s.app.Slug,
		"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "permissions": map[string]string{"issues": "write", "metadata": "read"},
		"events": []string{"issues", "issue_comment"}}
}
