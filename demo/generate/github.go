package generate

import (
	"strings"
	"time"
)

var repositories = []string{"shop-web", "shop-infra", "order-worker", "recommend", "handbook"}

// github is the audit log of the organisation: clones, pushes, pull requests, runs.
func (g *gen) github() {
	for _, p := range g.c.team("platform", "shop", "data") {
		for range g.some(1.5 * bustle(g.from)) {
			t := g.moment()
			repo := one(g, repositories)
			action := one(g, []string{"git.fetch", "git.fetch", "git.push", "pull_request.create", "pull_request.merge", "git.clone"})
			g.hub(t, handle(p), g.place(p, t), action, repo)
		}
	}
	for range g.some(1 + 5*bustle(g.from)) {
		g.hub(g.moment(), "github-actions[bot]", buildRunner, one(g, []string{"workflows.completed_workflow_run", "workflows.created_workflow_run"}), one(g, repositories), "conclusion", "success", "event", "push")
	}
}

// handle is what a person is called at GitHub.
func handle(p *person) string { return strings.ReplaceAll(p.name, ".", "-") + "-kgr" }

// hub writes a record, with further members.
func (g *gen) hub(t time.Time, actor, ip, action, repo string, more ...any) {
	kind := "access"
	if !strings.HasPrefix(action, "git.") {
		kind = "modify"
	}
	m := []any{"@timestamp", t.UnixMilli(), "_document_id", g.letters("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 22), "action", action, "actor", actor, "actor_id", int64(pickNumber(actor)), "actor_ip", ip, "actor_is_bot", strings.HasSuffix(actor, "[bot]"), "actor_location", doc("country_code", "JP"),
		"org", githubOrg, "org_id", 90010001, "created_at", t.UnixMilli(), "operation_type", kind, "user_agent", "git/2.51.0", "repo", githubOrg + "/" + repo, "repository_public", false}
	g.put(GitHub, "", t, []byte(doc(append(m, more...)...)))
}

func pickNumber(name string) int {
	n := 41000000
	for _, b := range []byte(pick("", name, hexDigits, 6)) {
		n = n*7%98999999 + int(b)
	}
	return n
}
