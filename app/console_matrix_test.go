package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/store"
)

// example is how an endpoint is called in the matrix.
type example struct {
	// path is the address below the prefix; mine says whether it is about what the scoped
	// callers may see. "": the path of the route, which then has no {…}.
	path func(h *consoleHouse, mine bool) string
	body string
	// also are statuses that an allowed call may be answered with beside 2xx: a refusal that
	// has another reason than who calls.
	also []int
	// global says that a thing of the path belongs to nobody: all who may call see it.
	global bool
	header []string
}

func issuePath(format string) func(h *consoleHouse, mine bool) string {
	return func(h *consoleHouse, mine bool) string {
		if mine {
			return fmt.Sprintf(format, h.mine.ID)
		}
		return fmt.Sprintf(format, h.theirs.ID)
	}
}

func findingPath(h *consoleHouse, mine bool) string {
	if mine {
		return "/findings/" + h.mine.Latest.ID
	}
	return "/findings/" + h.theirs.Latest.ID
}

// entityPath names an entity that ours alone, or theirs alone, has.
func entityPath(rest string) func(h *consoleHouse, mine bool) string {
	return func(_ *consoleHouse, mine bool) string {
		if mine {
			return "/entities/user/alice" + rest
		}
		return "/entities/user/foreign-bob" + rest
	}
}

// fresh makes a user, a session, a token or a view for a call that uses it up.
func freshUser(format string) func(h *consoleHouse, mine bool) string {
	return func(h *consoleHouse, _ bool) string {
		return fmt.Sprintf(format, h.user("u"+strings.ToLower(h.c.desk.NewID())).ID)
	}
}

func freshSession(h *consoleHouse, _ bool) string {
	u := h.user("s" + strings.ToLower(h.c.desk.NewID()))
	s := &yagura.Session{ID: h.c.desk.NewID(), UserID: u.ID, Created: h.now().UTC(), Seen: h.now().UTC(), Expires: h.now().UTC().Add(time.Hour), Via: "local"}
	h.update(func(ctx context.Context, tx *store.Tx) error {
		return tx.AddSession(ctx, auth.Sum(sha256.Sum256([]byte(s.ID))), s)
	})
	return "/sessions/" + s.ID
}

func freshToken(h *consoleHouse, _ bool) string {
	k := &yagura.Token{ID: h.c.desk.NewID(), Name: "ci", Created: h.now().UTC(), CreatedBy: "cli:test", Expires: h.now().UTC().Add(time.Hour),
		Bindings: []yagura.Binding{{Role: yagura.RoleViewer}}}
	h.update(func(ctx context.Context, tx *store.Tx) error {
		return tx.AddToken(ctx, auth.Sum(sha256.Sum256([]byte(k.ID))), k)
	})
	return "/tokens/" + k.ID
}

func freshView(h *consoleHouse, _ bool) string {
	v := &yagura.View{ID: h.c.desk.NewID(), Name: "v", List: "issues", Owner: "somebody", Shared: true, Created: h.now().UTC(), Updated: h.now().UTC()}
	h.update(func(ctx context.Context, tx *store.Tx) error { return tx.PutView(ctx, v) })
	return "/views/" + v.ID
}

func (h *consoleHouse) update(fn func(ctx context.Context, tx *store.Tx) error) {
	h.t.Helper()
	if err := h.c.db.Update(h.t.Context(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func freshDead(format string) func(h *consoleHouse, mine bool) string {
	return func(h *consoleHouse, mine bool) string {
		d := yagura.DeadLetter{ID: h.c.desk.NewID(), Source: "in", Format: ourFormat, Reason: "cut off", Bytes: []byte("{"), Size: 1, At: h.now().UTC()}
		if !mine {
			d.Format, d.Object = theirFormat, "foreign"
		}
		h.update(func(ctx context.Context, tx *store.Tx) error { return tx.PutDead(ctx, []yagura.DeadLetter{d}) })
		return fmt.Sprintf(format, d.ID)
	}
}

const anyView = `{"name":"v","list":"issues","query":"status:open"}`

// examples are the calls of endpoints that need more than their path. Whoever adds an endpoint
// with a {…} or a body adds one here.
var examples = map[string]example{
	"signIn":            {body: `{"name":"nobody","password":"x"}`, also: []int{401, 429}},
	"setUp":             {body: `{"key":"x","name":"n","password":"a quiet harbour at dusk"}`, also: []int{401, 403, 422, 429}},
	"changeMe":          {body: `{"lang":"en"}`},
	"changePassword":    {body: `{"old":"x","new":"y"}`, also: []int{403, 422}},
	"startTotp":         {also: []int{403}},
	"confirmTotp":       {body: `{"code":"123456"}`, also: []int{403, 422}},
	"removeTotp":        {body: `{"password":"x"}`, also: []int{403, 422}},
	"endMySession":      {path: freshSessionOf("/me"), also: []int{404}, global: true},
	"getIssue":          {path: issuePath("/issues/%s")},
	"listTimeline":      {path: issuePath("/issues/%s/timeline")},
	"listIssueFindings": {path: issuePath("/issues/%s/findings")},
	"listIssueNotices":  {path: issuePath("/issues/%s/notices")},
	"getRelated":        {path: issuePath("/issues/%s/related")},
	"getIssueGraph":     {path: issuePath("/issues/%s/graph")},
	"listIssueEvents":   {path: issuePath("/issues/%s/events")},
	"getEvidence":       {path: issuePath("/issues/%s/evidence")},
	"changeIssue":       {path: issuePath("/issues/%s/changes"), body: `{"what":"comment","text":"looked at it"}`},
	"changeIssues":      {body: `{"ids":["01M8HFSKZJZPKZZ80W226V7WDV"],"change":{"what":"comment","text":"x"}}`},
	"getFinding":        {path: findingPath},
	"getEntity":         {path: entityPath("")},
	"getEntityGraph":    {path: entityPath("/graph")},
	"checkQuery":        {path: fixed("/query/check?list=issues&q=status:opne")},
	"completeQuery":     {path: fixed("/query/complete?list=issues&q=sta&at=3")},
	"search":            {path: fixed("/search?q=198.51.100.7")},
	"getView":           {path: freshView, global: true},
	"addView":           {body: anyView},
	"setView":           {path: freshView, body: anyView, global: true, also: []int{403}, header: []string{"If-Match", "*"}},
	"deleteView":        {path: freshView, global: true, also: []int{403}},
	"addUser":           {body: `{"name":"new@example.com","bindings":[]}`, also: []int{409, 422}},
	"getUser":           {path: freshUser("/users/%s")},
	"changeUser":        {path: freshUser("/users/%s"), body: `{"display":"x"}`, header: []string{"If-Match", "*"}},
	"removeUser":        {path: freshUser("/users/%s")},
	"inviteUser":        {path: freshUser("/users/%s/invite")},
	"listUserSessions":  {path: freshUser("/users/%s/sessions")},
	"endUserSessions":   {path: freshUser("/users/%s/sessions")},
	"endSession":        {path: freshSession},
	"addToken":          {body: `{"name":"ci","bindings":[{"role":"viewer"}],"expires":"2026-01-01T00:00:00Z"}`, also: []int{422}},
	"getToken":          {path: freshToken},
	"revokeToken":       {path: freshToken},

	"testSink": {path: fixed("/sinks/hook/test")},
	// A record that could not be read is of no account: who is bound to one does not see it.
	"getDeadLetter":   {path: freshDead("/dead-letters/%s"), also: []int{404}},
	"retryDeadLetter": {path: freshDead("/dead-letters/%s/retry"), also: []int{503}},

	// What a running service answers; beside a store alone it is unavailable to those who may.
	"hunt":               ofService("", `{"text":"events | count"}`),
	"checkHunt":          ofService("", `{"text":"events | count"}`),
	"completeHunt":       ofService("", `{"text":"ev","at":2}`),
	"exportHunt":         ofService("", `{"text":"events | count"}`),
	"listHuntTables":     ofService("", ""),
	"listHuntHistory":    ofService("", ""),
	"listHunts":          ofService("", ""),
	"getHunt":            ofService("/hunts/x", ""),
	"addHunt":            ofService("", `{"name":"x","lang":"kql","text":"events","title":{}}`),
	"setHunt":            ofService("/hunts/x", `{"name":"x","lang":"kql","text":"events","title":{}}`),
	"deleteHunt":         ofService("/hunts/x", ""),
	"scheduleHunt":       ofService("/hunts/x/schedule", `{"severity":"low","every":"1h"}`),
	"listRules":          ofService("", ""),
	"getRule":            ofService("/rules/x", ""),
	"testRule":           ofService("", `{"text":"title: x"}`),
	"tuneRule":           ofService("/rules/x", `{"enabled":false}`),
	"putRule":            ofService("/rules/x", `{"text":"title: x"}`),
	"deleteRule":         ofService("/rules/x", ""),
	"getCoverage":        ofService("", ""),
	"getPolicy":          ofService("", ""),
	"putPolicy":          ofService("", `{"text":"version: 1"}`),
	"checkPolicy":        ofService("", `{"text":"version: 1"}`),
	"replayPolicy":       ofService("", `{"text":"version: 1"}`),
	"getPolicyVersion":   ofService("/policy/versions/x", ""),
	"listPolicyVersions": ofService("", ""),
	"listSuppressions":   ofService("", ""),
	"suppress":           ofService("", `{"rule":"x","until":"2027-01-01T00:00:00Z","reason":"r"}`),
	"replaySuppression":  ofService("", `{"rule":"x"}`),
	"liftSuppression":    ofService("/suppressions/x", ""),
	"listDocuments":      ofService("", ""),
	"getSettings":        ofService("", ""),
	"checkDocument":      ofService("", `{"path":"a.md","text":"# A"}`),
	"getDocument":        ofService("/documents/runbooks/a.md", ""),
	"putDocument":        ofService("/documents/runbooks/a.md", `{"text":"# A"}`),
	"deleteDocument":     ofService("/documents/runbooks/a.md", ""),
}

// ofService is a call of what a running service answers.
func ofService(path, body string) example {
	x := example{body: body, also: []int{http.StatusServiceUnavailable}, global: true}
	if path != "" {
		x.path = fixed(path)
	}
	return x
}

func fixed(path string) func(*consoleHouse, bool) string {
	return func(*consoleHouse, bool) string { return path }
}

func freshSessionOf(prefix string) func(*consoleHouse, bool) string {
	return func(h *consoleHouse, mine bool) string { return prefix + freshSession(h, mine) }
}

// streams do not end by themselves: TestStreamMatrix calls them.
var streams = map[string]bool{"stream": true}

// TestMatrix calls every endpoint as every role, without a scope and within one, and as a
// stranger: who may is answered as the description says, who may not is refused, and who may
// see a part meets nothing of the rest.
func TestMatrix(t *testing.T) {
	h := newConsoleHouse(t)
	routes := h.api.Routes()
	d := newDescribed(t, routes)
	scope := yagura.Scope{Accounts: []string{ourAccount}}
	type who struct {
		role   yagura.Role
		scoped bool
		*caller
	}
	var people []who
	for _, role := range yagura.Roles() {
		people = append(people, who{role, false, h.badgeOf("all-"+string(role), yagura.Binding{Role: role})},
			who{role, true, h.badgeOf("part-"+string(role), yagura.Binding{Role: role, Scope: scope})},
			who{role, true, h.badgeOf("home-"+string(role), yagura.Binding{Role: role, Scope: yagura.Scope{Tenants: []string{"home"}}})},
			who{role, true, h.badgeOf("logs-"+string(role), yagura.Binding{Role: role, Scope: yagura.Scope{Formats: []string{ourFormat}}})})
	}
	for i := range routes {
		r := &routes[i]
		x, ok := examples[r.ID]
		if x.path == nil {
			if strings.Contains(r.Path, "{") {
				t.Errorf("%s: the matrix has no example of it", r.ID)
				continue
			}
			x.path = fixed(r.Path)
		}
		if !ok && r.TakesBody() {
			t.Errorf("%s: the matrix has no example of its body", r.ID)
			continue
		}
		if streams[r.ID] {
			continue
		}
		t.Run(r.ID, func(t *testing.T) {
			resp, body := h.stranger().do(r.Method, x.path(h, true), x.body, x.header...)
			d.check(r, resp, body)
			if public := r.Access == api.Public; public != (resp.StatusCode != http.StatusUnauthorized || contains(x.also, 401)) {
				t.Errorf("a stranger: %d %s", resp.StatusCode, body)
			}
			for _, p := range people {
				for _, mine := range []bool{true, false} {
					before := len(auditLines(t, h.c.db))
					resp, body := p.do(r.Method, x.path(h, mine), x.body, x.header...)
					d.check(r, resp, body)
					name := fmt.Sprintf("%s, scoped %v, own %v: %d %s", p.role, p.scoped, mine, resp.StatusCode, body)
					may := r.Access == api.Public || r.Access == api.Self || p.role.Permits(yagura.Permission(r.Access))
					switch {
					case !may || r.NeedsWhole() && p.scoped:
						if resp.StatusCode != http.StatusForbidden || !bytes.Contains(body, []byte(`"code":"forbidden"`)) {
							t.Errorf("not refused: %s", name)
						}
					case p.scoped && !mine && strings.Contains(r.Path, "{") && !x.global && !r.NeedsWhole():
						if resp.StatusCode != http.StatusNotFound {
							t.Errorf("beyond the scope and not hidden: %s", name)
						}
					case resp.StatusCode/100 != 2 && !contains(x.also, resp.StatusCode):
						t.Errorf("refused: %s", name)
					}
					if p.scoped && (bytes.Contains(body, []byte("foreign")) || bytes.Contains(body, []byte(theirAccount))) && !bytes.Contains([]byte(x.path(h, mine)), []byte("foreign")) {
						t.Errorf("tells of what lies beyond the scope: %s", name)
					}
					if !r.ReadsOnly() && resp.StatusCode == http.StatusForbidden && r.Access != api.Public && len(auditLines(t, h.c.db)) == before {
						t.Errorf("a refused write leaves no line in the audit trail: %s", name)
					}
				}
			}
		})
	}
}

func contains(list []int, n int) bool {
	for _, x := range list {
		if x == n {
			return true
		}
	}
	return false
}
