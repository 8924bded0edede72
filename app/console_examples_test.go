package app

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

// example is how an endpoint is called in the matrix.
type example struct {
	// path is the address below the prefix; nil is that of the route. of is one that is about a
	// side: it is called for each, and is not there for who does not see the side.
	path func(h *serviceHouse) string
	of   func(h *serviceHouse, s *side) string
	// body is sent; FRESH in it becomes a name that nothing has.
	body string
	// shows is what an answer must say of each side that is seen, "" for nothing.
	shows func(s *side) string
	// sees says who sees which side, where that is not what the scope says.
	sees func(kind string, s *side) bool
	// also are statuses that an allowed call may be answered with beside 2xx: a refusal that
	// has another reason than who calls.
	also   []int
	header []string
	// ends says that the call ends the session that it comes with, and service that only a
	// running service answers it.
	ends, service bool
}

func fixed(path string) func(*serviceHouse) string {
	return func(*serviceHouse) string { return path }
}

func ofIssue(rest string) func(*serviceHouse, *side) string {
	return func(_ *serviceHouse, s *side) string { return "/issues/" + s.issue.ID + rest }
}

func ofActor(rest string) func(*serviceHouse, *side) string {
	return func(_ *serviceHouse, s *side) string {
		return "/entities/" + s.actor.Type + "/" + url.PathEscape(s.actor.ID) + rest
	}
}

func mark(s *side) string { return s.mark() }

func issueID(s *side) string { return s.issue.ID }

// ofLogs is shows of the sides whose records are of our format alone.
func ofLogs(shows func(*side) string) func(*side) string {
	return func(s *side) string {
		if s.format != ourFormat {
			return ""
		}
		return shows(s)
	}
}

// A record that could not be read is of no account: who is bound to one does not see it.
func seesDead(kind string, s *side) bool {
	return kind == "all" || kind == "logs" && s.format == ourFormat
}

func ofDead(rest string) func(*serviceHouse, *side) string {
	return func(h *serviceHouse, s *side) string {
		d := yagura.DeadLetter{ID: h.c.desk.NewID(), Source: "in", Format: s.format, Object: s.mark() + ".json", Reason: "cut off", Bytes: []byte(`{"` + s.mark()), Size: 9, At: h.now().UTC()}
		h.update(func(ctx context.Context, tx *store.Tx) error { return tx.PutDead(ctx, []yagura.DeadLetter{d}) })
		return "/dead-letters/" + d.ID + rest
	}
}

// ofDeadNotice makes one of a side's issue.
func ofDeadNotice(h *serviceHouse, s *side) string {
	n := yagura.Notice{ID: h.c.desk.NewID(), Sink: "gone", Op: yagura.OpComment, Created: h.now().UTC(), IssueID: s.issue.ID, Issue: &s.issue}
	h.update(func(ctx context.Context, tx *store.Tx) error { return tx.Owe(ctx, []yagura.Notice{n}) })
	h.update(func(ctx context.Context, tx *store.Tx) error {
		list, err := tx.LeaseNotices(ctx, n.Sink, "w", h.now().Add(time.Minute), h.now().Add(time.Hour), 100)
		for i := range list {
			if err == nil {
				err = tx.KillNotice(ctx, list[i].ID, "w", "the sink is gone", h.now())
			}
		}
		return err
	})
	return "/notices/" + n.ID + "/retry"
}

// freshUser makes a user for a call that uses it up; the others make what their names say.
func freshUser(format string) func(*serviceHouse) string {
	return func(h *serviceHouse) string { return fmt.Sprintf(format, h.user("u-"+h.fresh()).ID) }
}

func freshSession(prefix string) func(*serviceHouse) string {
	return func(h *serviceHouse) string {
		u := h.user("s-" + h.fresh())
		s := &yagura.Session{ID: h.c.desk.NewID(), UserID: u.ID, Created: h.now().UTC(), Seen: h.now().UTC(), Expires: h.now().UTC().Add(time.Hour), Via: "local"}
		h.update(func(ctx context.Context, tx *store.Tx) error {
			return tx.AddSession(ctx, auth.Sum(sha256.Sum256([]byte(s.ID))), s)
		})
		return prefix + s.ID
	}
}

func freshToken(h *serviceHouse) string {
	k := &yagura.Token{ID: h.c.desk.NewID(), Name: "ci", Created: h.now().UTC(), CreatedBy: "cli:test", Expires: h.now().UTC().Add(time.Hour),
		Bindings: []yagura.Binding{{Role: yagura.RoleViewer}}}
	h.update(func(ctx context.Context, tx *store.Tx) error {
		return tx.AddToken(ctx, auth.Sum(sha256.Sum256([]byte(k.ID))), k)
	})
	return "/tokens/" + k.ID
}

func freshView(h *serviceHouse) string {
	v := &yagura.View{ID: h.c.desk.NewID(), Name: "v", List: "issues", Owner: "somebody", Shared: true, Created: h.now().UTC(), Updated: h.now().UTC()}
	h.update(func(ctx context.Context, tx *store.Tx) error { return tx.PutView(ctx, v) })
	return "/views/" + v.ID
}

func freshHunt(rest string) func(*serviceHouse) string {
	return func(h *serviceHouse) string {
		name := h.fresh()
		if _, err := h.stand.serve.hunts.SaveHunt(h.t.Context(), api.SavedHunt{Name: name, Lang: "kql", Text: "AWSCloudTrail | where EventName == 'NothingIsCalledThis'"}, false); err != nil {
			h.t.Fatal(err)
		}
		return "/hunts/" + name + rest
	}
}

// freshRule makes a rule where it will be needed: that has all rules read anew.
func freshRule(h *serviceHouse) string {
	id := "own-" + h.fresh()
	if h.may {
		text := "title: " + id + "\nid: " + id + "\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  sel: {eventName: NothingIsCalledThis}\n  condition: sel\nlevel: low\n"
		if _, err := (&consoleRules{h.stand.serve}).PutRule(h.t.Context(), "user:test", id, text); err != nil {
			h.t.Fatal(err)
		}
	}
	return "/rules/" + id
}

func policyVersion(h *serviceHouse) string {
	c := &consolePolicy{h.stand.serve}
	list, err := c.PolicyVersions(h.t.Context())
	if err == nil && len(list) == 0 {
		if _, err = c.PutPolicy(h.t.Context(), "user:test", api.PolicyPut{Text: triage.DefaultPolicyText() + "\n# changed\n"}, anyTag); err == nil {
			list, err = c.PolicyVersions(h.t.Context())
		}
	}
	if err != nil || len(list) == 0 {
		h.t.Fatal(list, err)
	}
	return "/policy/versions/" + list[0].ID
}

// ofSuppression makes one that holds for a side's account, and for all its formats.
func ofSuppression(h *serviceHouse, s *side) string {
	if !h.may {
		return "/suppressions/x"
	}
	made, err := (&consolePolicy{h.stand.serve}).Suppress(h.t.Context(), ofAccount(s.account), "user:test", api.SuppressionIn{Rule: "matrix-spare", Until: h.now().Add(time.Hour), Reason: "matrix"})
	if err != nil {
		h.t.Fatal(err)
	}
	return "/suppressions/" + made.ID
}

func freshDocument(h *serviceHouse) string {
	path := "runbooks/" + h.fresh() + ".md"
	if h.may {
		if _, err := (&consoleDocuments{s: h.stand.serve}).PutDocument(h.t.Context(), path, "# A\n", true, nil); err != nil {
			h.t.Fatal(err)
		}
	}
	return "/documents/" + path
}

func quoted(text string) string {
	out, _ := json.Marshal(text) // a string is always JSON
	return string(out)
}

const (
	anyView  = `{"name":"v","list":"issues","query":"status:open"}`
	ourRule  = "title: x\nid: x\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  sel: {eventName: StopLogging}\n  condition: sel\nlevel: high\n"
	lowered  = "version: 1\nclauses:\n  - name: less\n    when: finding.rule.title != \"\"\n    level: low\n"
	anyHunt  = `{"name":"FRESH","lang":"kql","text":"events","title":{"en":"x"}}`
	allRows  = `{"text":"events | project account, raw","from":"2026-03-01T00:00:00Z"}`
	ifMatch  = "If-Match"
	anything = "*"
)

// examples are the calls of all endpoints. Whoever adds an endpoint adds one here.
var examples = map[string]example{
	"describe":       {},
	"getOffer":       {},
	"signIn":         {body: `{"name":"nobody","password":"x"}`, also: []int{401, 429}},
	"setUp":          {body: `{"key":"x","name":"n","password":"a quiet harbour at dusk"}`, also: []int{401, 403, 422, 429}},
	"getSession":     {},
	"signOut":        {ends: true},
	"changeMe":       {body: `{"lang":"en"}`},
	"changePassword": {body: `{"old":"x","new":"y"}`, also: []int{403, 422, 429}},
	"startTotp":      {},
	"confirmTotp":    {body: `{"code":"123456"}`, also: []int{403, 422}},
	"removeTotp":     {body: `{"password":"x"}`, also: []int{403, 422, 429}},
	"listMySessions": {},
	"endMySession":   {path: freshSession("/me/sessions/"), also: []int{404}},
	"visit":          {},

	"listIssues":        {shows: issueID},
	"countIssues":       {shows: func(s *side) string { return s.account }},
	"changeIssues":      {body: `{"ids":["01M8HFSKZJZPKZZ80W226V7WDV"],"change":{"what":"comment","text":"x"}}`},
	"getIssue":          {of: ofIssue(""), shows: mark},
	"listTimeline":      {of: ofIssue("/timeline"), shows: issueID},
	"listIssueFindings": {of: ofIssue("/findings"), shows: mark},
	"listIssueNotices":  {of: ofIssue("/notices")},
	"getRelated":        {of: ofIssue("/related")},
	"getIssueGraph":     {of: ofIssue("/graph?depth=3"), shows: mark},
	"listIssueEvents":   {of: ofIssue("/events"), shows: mark},
	"getEvidence":       {of: ofIssue("/evidence"), shows: mark},
	"changeIssue":       {of: ofIssue("/changes"), body: `{"what":"comment","text":"looked at it","id":"FRESH"}`, shows: issueID},
	"listFindings":      {shows: mark},
	"getFinding":        {of: func(_ *serviceHouse, s *side) string { return "/findings/" + url.PathEscape(s.issue.Latest.ID) }, shows: mark},
	"listNotices": {shows: func(s *side) string {
		if s.notices == 0 {
			return ""
		}
		return s.issue.ID
	}},
	// A notice whose sink is gone cannot be retried, by whoever sees it.
	"retryNotice":    {of: ofDeadNotice, also: []int{409}},
	"listEvents":     {shows: mark, service: true},
	"getEvent":       {of: func(_ *serviceHouse, s *side) string { return "/events/" + s.issue.Latest.Event.Key.String() }, shows: mark},
	"listAccounts":   {shows: func(s *side) string { return s.account }},
	"listEntities":   {path: fixed("/entities?limit=500"), shows: mark},
	"getEntity":      {of: ofActor(""), shows: mark},
	"getEntityGraph": {of: ofActor("/graph?depth=3"), shows: issueID},

	"listLists":     {},
	"checkQuery":    {path: fixed("/query/check?list=issues&q=status:opne")},
	"completeQuery": {path: fixed("/query/complete?list=issues&q=account:&at=8")},
	"search":        {path: fixed("/search?q=mark"), shows: mark},
	"listViews":     {},
	"getView":       {path: freshView},
	"addView":       {body: anyView, also: []int{403}},
	"setView":       {path: freshView, body: anyView, also: []int{403}, header: []string{ifMatch, anything}},
	"deleteView":    {path: freshView, also: []int{403}},

	"listUsers":        {},
	"addUser":          {body: `{"name":"FRESH@example.com","bindings":[]}`},
	"getUser":          {path: freshUser("/users/%s")},
	"changeUser":       {path: freshUser("/users/%s"), body: `{"display":"x"}`, header: []string{ifMatch, anything}},
	"removeUser":       {path: freshUser("/users/%s")},
	"inviteUser":       {path: freshUser("/users/%s/invite")},
	"listUserSessions": {path: freshUser("/users/%s/sessions")},
	"endUserSessions":  {path: freshUser("/users/%s/sessions")},
	"listSessions":     {},
	"endSession":       {path: freshSession("/sessions/")},
	"listTokens":       {},
	"addToken":         {body: `{"name":"ci","bindings":[{"role":"viewer"}],"expires":"2026-03-02T18:50:00Z"}`},
	"getToken":         {path: freshToken},
	"revokeToken":      {path: freshToken},
	"listAudit":        {},
	"checkAudit":       {},

	"hunt":            {body: allRows, shows: mark, service: true},
	"checkHunt":       {body: `{"text":"events | count"}`, service: true},
	"completeHunt":    {body: `{"text":"ev","at":2}`, service: true},
	"exportHunt":      {body: allRows, shows: mark, service: true},
	"listHuntTables":  {service: true},
	"listHuntHistory": {service: true},
	"listHunts":       {service: true},
	"getHunt":         {path: freshHunt(""), service: true},
	"addHunt":         {body: anyHunt, service: true},
	"setHunt":         {path: freshHunt(""), body: `{"lang":"kql","text":"events","title":{"en":"x"}}`, service: true},
	"deleteHunt":      {path: freshHunt(""), service: true},
	"scheduleHunt":    {path: freshHunt("/schedule"), body: `{"severity":"low","every":"1h"}`, service: true},

	"listRules":   {service: true},
	"getRule":     {path: fixed("/rules/matrix-stop"), service: true},
	"testRule":    {body: `{"hours":48,"text":` + quoted(ourRule) + `}`, shows: ofLogs(mark), service: true},
	"tuneRule":    {path: fixed("/rules/matrix-spare"), body: `{"enabled":false,"reason":"matrix"}`, service: true},
	"putRule":     {path: fixed("/rules/x"), body: `{"text":` + quoted(ourRule) + `}`, service: true},
	"deleteRule":  {path: freshRule, service: true},
	"getCoverage": {service: true},

	"getPolicy":          {service: true},
	"putPolicy":          {body: `{"reason":"matrix","text":` + quoted(triage.DefaultPolicyText()+"\n# FRESH\n") + `}`, header: []string{ifMatch, anything}, service: true},
	"checkPolicy":        {body: `{"text":"version: 1"}`, service: true},
	"replayPolicy":       {body: `{"text":` + quoted(lowered) + `}`, shows: issueID, service: true},
	"getPolicyVersion":   {path: policyVersion, service: true},
	"listPolicyVersions": {service: true},
	"listSuppressions":   {shows: issueID, service: true},
	"suppress":           {body: `{"rule":"matrix-spare","until":"2026-03-09T00:00:00Z","reason":"matrix"}`, service: true},
	"replaySuppression":  {body: `{"rule":"matrix-stop"}`, shows: ofLogs(issueID), service: true},
	"liftSuppression": {of: ofSuppression, sees: func(kind string, s *side) bool {
		return kind == "all" || kind != "logs" && s.account == ourAccount // who sees one format does not see the whole account
	}, service: true},

	"getOverview": {},
	"listSources": {},
	"listSinks":   {},
	"testSink":    {path: fixed("/sinks/pagerduty/test")},
	"getLedger":   {},
	"listDeadLetters": {path: func(h *serviceHouse) string {
		for _, s := range h.sides {
			ofDead("")(h, s)
		}
		return "/dead-letters"
	}, shows: mark, sees: seesDead},
	"getDeadLetter": {of: ofDead(""), shows: mark, sees: seesDead},
	// Whoever may retry sees everything, and the letters are cut off.
	"retryDeadLetter": {of: ofDead("/retry"), sees: seesDead},

	"listDocuments":  {service: true},
	"checkDocument":  {body: `{"path":"a.md","text":"# A"}`, service: true},
	"getDocument":    {path: func(h *serviceHouse) string { h.may = true; return freshDocument(h) }, service: true},
	"putDocument":    {path: freshDocument, body: `{"text":"# B"}`, header: []string{ifMatch, anything}, service: true},
	"deleteDocument": {path: freshDocument, header: []string{ifMatch, anything}, service: true},
	"getSettings":    {service: true},
	"getTeamFile":    {path: fixed("/team-files/notifications"), service: true},
	"checkTeamFile":  {path: fixed("/team-files/notifications/check"), body: `{"text":"storm: 9"}`, service: true},
	"putTeamFile":    {path: fixed("/team-files/notifications"), body: `{"text":"storm: 9 # FRESH\n"}`, header: []string{ifMatch, anything}, service: true},
}
