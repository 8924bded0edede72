package app

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/store"
)

// side is one part of what a service has: records of one account and one format, in whose
// names a mark stands that stands nowhere else.
type side struct {
	name, account, format string
	issue                 yagura.Issue
	actor                 yagura.Entity // of its entities, one that is marked
	notices               int
}

func (s *side) mark() string { return s.name + "mark" }

// scopesOfMatrix are what people are bound to: everything, an account, an organisation, a
// format; with the sides that they see.
var scopesOfMatrix = []struct {
	kind  string
	scope yagura.Scope
	sees  []string
}{
	{"all", yagura.Scope{}, []string{"own", "beside", "near", "far"}},
	{"part", yagura.Scope{Accounts: []string{ourAccount}}, []string{"own", "beside"}},
	{"home", yagura.Scope{Tenants: []string{"home"}}, []string{"own", "beside"}},
	{"logs", yagura.Scope{Formats: []string{ourFormat}}, []string{"own", "near"}},
}

// serviceHouse is a running service with records of four sides: our account, another format of
// it, the same format of another organisation's account, and that organisation's project in
// another cloud. People come to it as in production: with sessions, through a gateway that
// terminates TLS.
type serviceHouse struct {
	*consoleHouse
	stand *stand
	sides []*side
	may   bool // whether who calls next is let in, for what must be made for the call
	n     int
	seen  int64 // a line of the audit trail that is there
}

const matrixRules = `title: A trail was stopped
id: matrix-stop
logsource: {product: aws, service: cloudtrail}
detection:
  sel: {eventName: StopLogging}
  condition: sel
level: high
---
title: Access to a project was changed
id: matrix-access
logsource: {product: gcp, service: gcp.audit}
detection:
  sel: {protoPayload.methodName: SetIamPolicy}
  condition: sel
level: high
---
title: One that finds nothing
id: matrix-spare
logsource: {product: aws, service: cloudtrail}
detection:
  sel: {eventName: NothingIsCalledThis}
  condition: sel
level: low
`

func newServiceHouse(t *testing.T) *serviceHouse {
	t.Helper()
	s := newStand(t)
	began := time.Now()
	s.clock = func() time.Time { return time.Date(2026, 3, 2, 18, 0, 0, 0, time.UTC).Add(time.Since(began)) }
	s.rules = RuleOptions{Files: []rule.File{{Path: "matrix.yml", Data: []byte(matrixRules)}}}
	s.cfg.Tenant = "acme"
	s.cfg.Sinks = s.cfg.Sinks[1:] // the first one writes only so much in a minute
	s.cfg.Console.URL = "https://yagura.example.com"
	s.cfg.Console.Gateways = []string{"127.0.0.1"}
	s.cfg.Registry = filepath.Join(t.TempDir(), "accounts.yaml")
	registry := `accounts:
  "111122223333": {name: shop, organisation: home}
  "999988887777": {name: nearmark shop, organisation: abroad}
  farmark-project: {name: farmark shop, cloud: gcp, organisation: abroad}
`
	if err := os.WriteFile(s.cfg.Registry, []byte(registry), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()

	h := &serviceHouse{stand: s, sides: []*side{{name: "own", account: ourAccount, format: ourFormat}, {name: "beside", account: ourAccount, format: "aws.guardduty"},
		{name: "near", account: "999988887777", format: ourFormat}, {name: "far", account: "farmark-project", format: "gcp.audit"}}}
	c := s.serve.console
	h.consoleHouse = &consoleHouse{t: t, c: c, now: s.clock}
	stopped := func(of *side) string {
		record := trail("2026-03-02T09:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"`+of.mark()+`-trail"}`)
		return strings.NewReplacer("user/bob", "user/"+of.mark()+"-bob", `"bob"`, `"`+of.mark()+`-bob"`, ourAccount, of.account).Replace(record)
	}
	s.post(stopped(h.side("own")), stopped(h.side("near")),
		strings.NewReplacer("i-0aa11bb22cc33dd44", "i-besidemark", "A port scan", "besidemark: a port scan").Replace(guardDutyAlert("2026-03-02T09:05:00.000Z", 8, false)),
		`{"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","authenticationInfo":{"principalEmail":"farmark-eve@example.com"},"requestMetadata":{"callerIp":"198.51.100.7"},`+
			`"serviceName":"cloudresourcemanager.googleapis.com","methodName":"SetIamPolicy","resourceName":"projects/farmark-project"},"insertId":"m1","resource":{"type":"project","labels":{"project_id":"farmark-project"}},`+
			`"timestamp":"2026-03-02T09:10:00Z","logName":"projects/farmark-project/logs/cloudaudit.googleapis.com%2Factivity"}`)
	s.settled()
	issues := s.issues()
	for _, of := range h.sides {
		for _, is := range issues {
			if is.Account == of.account && is.Format == of.format {
				of.issue = is
				of.actor = is.Entities[max(0, slices.IndexFunc(is.Entities, func(e yagura.Entity) bool { return strings.Contains(e.ID, of.mark()) }))]
			}
		}
		if !strings.Contains(of.actor.ID, of.mark()) {
			t.Fatalf("%s has no issue, or nothing of it is marked: %+v", of.name, issues)
		}
		// What somebody suppressed is a list of its own.
		if _, done, err := c.apply(t.Context(), yagura.Change{ID: "quiet-" + of.name, IssueID: of.issue.ID, What: yagura.ChangeSuppress, Who: "user:cli", Via: "cli", At: h.now(), Text: "matrix", Until: h.now().Add(24 * time.Hour)}); err != nil || !done {
			t.Fatal(done, err)
		}
		h.update(func(ctx context.Context, tx *store.Tx) error {
			list, _, err := tx.Notices(ctx, "", of.issue.ID, nil, "", 100)
			of.notices = len(list)
			return err
		})
	}
	h.index()
	return h
}

func (h *serviceHouse) side(name string) *side {
	for _, s := range h.sides {
		if s.name == name {
			return s
		}
	}
	h.t.Fatalf("there is no side %s", name)
	return nil
}

// fresh is a name that nothing has yet.
func (h *serviceHouse) fresh() string {
	h.n++
	return fmt.Sprintf("m%d", h.n)
}

// person is somebody who is signed in, or a machine with a token.
type person struct {
	name, kind string
	role       yagura.Role
	sees       map[string]bool
	machine    bool
	user       *yagura.User
	*caller
}

// from is a caller at an address of its own behind the gateway.
func (h *serviceHouse) from() *caller {
	h.n++
	return &caller{t: h.t, client: http.DefaultClient, base: "http://" + h.stand.serve.Addr() + api.Prefix,
		header: http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-For": {fmt.Sprintf("198.18.%d.%d", h.n/250, h.n%250+1)}}}
}

// signIn gives a user another session, and returns its browser.
func (h *serviceHouse) signIn(u *yagura.User) *caller {
	h.t.Helper()
	c := h.from()
	secret := strings.Repeat("x", 32) + h.c.desk.NewID()
	s := &yagura.Session{ID: h.c.desk.NewID(), UserID: u.ID, Created: h.now().UTC(), Seen: h.now().UTC(), Expires: h.now().UTC().Add(time.Hour), Via: "local"}
	h.update(func(ctx context.Context, tx *store.Tx) error {
		return tx.AddSession(ctx, auth.Sum(sha256.Sum256([]byte(secret))), s)
	})
	c.header.Set("Cookie", "__Host-yagura="+secret)
	var page api.SessionPage
	c.call(200, http.MethodGet, "/session", "", &page)
	c.header.Set("X-Csrf-Token", page.CSRF)
	return c
}

// people are one of every role and scope, and a machine that may do everything.
func (h *serviceHouse) people() (out []*person) {
	for _, role := range yagura.Roles() {
		for _, x := range scopesOfMatrix {
			p := &person{name: x.kind + "-" + string(role), kind: x.kind, role: role, sees: map[string]bool{}}
			for _, name := range x.sees {
				p.sees[name] = true
			}
			p.user = h.user(p.name, yagura.Binding{Role: role, Scope: x.scope})
			p.caller = h.signIn(p.user)
			out = append(out, p)
		}
	}
	_, text, err := h.stand.serve.gate.AddToken(h.t.Context(), &auth.Identity{Who: "cli:test", Bindings: []yagura.Binding{{Role: yagura.RoleAdmin}}}, auth.NewToken{Name: "machine",
		Bindings: []yagura.Binding{{Role: yagura.RoleAdmin}}, Expires: h.now().Add(time.Hour)})
	if err != nil {
		h.t.Fatal(err)
	}
	m := &person{name: "machine", kind: "all", role: yagura.RoleAdmin, machine: true, sees: out[0].sees, caller: h.from()}
	m.header.Set("Authorization", "Bearer "+text)
	return append(out, m)
}

// hidden returns what a person must not be told: marks and accounts of what is not seen.
func (h *serviceHouse) hidden(sees func(*side) bool) (out []string) {
	known := map[string]bool{}
	for _, s := range h.sides {
		if sees(s) {
			known[s.account] = true
		}
	}
	for _, s := range h.sides {
		if !sees(s) {
			out = append(out, s.mark(), s.issue.ID)
			if !known[s.account] {
				out = append(out, s.account)
			}
		}
	}
	return out
}

// allOf is everything that an answer says: its header, and its body, of an archive what is in it.
func allOf(t *testing.T, resp *http.Response, body []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	_ = resp.Header.Write(&out)
	if resp.Header.Get("Content-Type") != "application/zip" {
		out.Write(body)
		return out.Bytes()
	}
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(f.Name)
		if _, err := io.Copy(&out, r); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}
