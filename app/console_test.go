package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/store"
)

// caller is a browser, or a program, in front of the API.
type caller struct {
	t      *testing.T
	client *http.Client
	base   string
	header http.Header
}

// do calls and returns status and body.
func (c *caller) do(method, path, body string, header ...string) (*http.Response, []byte) {
	c.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, r)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = c.header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it is read to its end
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp, data
}

// call calls, wants a status, and reads the answer.
func (c *caller) call(want int, method, path, body string, to any, header ...string) *http.Response {
	c.t.Helper()
	resp, data := c.do(method, path, body, header...)
	if resp.StatusCode != want {
		c.t.Fatalf("%s %s: %d %s, want %d", method, path, resp.StatusCode, data, want)
	}
	if to != nil {
		if err := json.Unmarshal(data, to); err != nil {
			c.t.Fatalf("%s %s: %v: %s", method, path, err, data)
		}
	}
	return resp
}

// TestConsoleServes: a service makes its first admin by the set-up link, who then works on an
// issue; every step is in the audit trail.
func TestConsoleServes(t *testing.T) {
	s := newStand(t)
	s.start()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{t: t, client: &http.Client{Jar: jar}, base: "http://" + s.serve.Addr() + api.Prefix}
	var p api.Problem
	c.call(401, "GET", "/session", "", &p)
	if p.Code != api.CodeUnauthenticated || p.Request == "" {
		t.Errorf("%+v", p)
	}
	var offer api.Offer
	c.call(200, "GET", "/sign-in", "", &offer)
	if !offer.SetUp || !offer.Local {
		t.Errorf("%+v", offer)
	}
	key, err := s.serve.gate.SetUpKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	in, err := json.Marshal(map[string]string{"key": key, "name": "mary@example.com", "display": "Mary", "password": "a quiet harbour at dusk"})
	if err != nil {
		t.Fatal(err)
	}
	var who api.SignedIn
	c.call(200, "POST", "/setup", string(in), &who)
	var session api.SessionPage
	c.call(200, "GET", "/session", "", &session)
	if session.Who != "user:mary@example.com" || session.CSRF != who.CSRF || len(session.Permissions) != 6 || session.Scopes != nil {
		t.Errorf("%+v", session)
	}
	c.call(403, "POST", "/sign-out", "", &p)
	if p.Code != api.CodeCSRF {
		t.Errorf("a write without a token: %+v", p)
	}
	s.post(trail("2026-03-02T12:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`))
	id := s.issue("CloudTrail logging disabled").ID
	c.header = http.Header{"X-Csrf-Token": {who.CSRF}}
	var changed api.Changed
	c.call(200, "POST", "/issues/"+id+"/changes", `{"what":"acknowledge","text":"on it","id":"1"}`, &changed)
	if changed.Issue.Status != yagura.StatusAcknowledged || !changed.Done {
		t.Errorf("%+v", changed)
	}
	c.call(200, "POST", "/issues/"+id+"/changes", `{"what":"acknowledge","text":"on it","id":"1"}`, &changed)
	if changed.Done {
		t.Error("the same change was applied twice")
	}
	c.call(409, "POST", "/issues/"+id+"/changes", `{"what":"suppress","text":"noise"}`, &p)
	var page api.IssuePage
	resp := c.call(200, "GET", "/issues/"+id, "", &page)
	if len(page.Episodes) != 1 || len(page.Permissions) != 6 {
		t.Errorf("%+v", page)
	}
	if resp, _ := c.do("GET", "/issues/"+id, "", "If-None-Match", resp.Header.Get("ETag")); resp.StatusCode != 304 {
		t.Errorf("the same again: %d", resp.StatusCode)
	}
	var timeline api.List[yagura.Entry]
	c.call(200, "GET", "/issues/"+id+"/timeline?limit=1", "", &timeline)
	if len(timeline.Items) != 1 || timeline.Next != "1" {
		t.Errorf("%+v", timeline)
	}
	var findings api.List[api.FindingRow]
	c.call(200, "GET", "/issues/"+id+"/findings", "", &findings)
	if len(findings.Items) != 1 || findings.Items[0].IssueID != id {
		t.Errorf("%+v", findings)
	}
	resp, csv := c.do("GET", "/issues/"+id+"/timeline", "", "Accept", "text/csv")
	if resp.Header.Get("Content-Type") != "text/csv; charset=utf-8; header=present" || !bytes.Contains(csv, []byte("acknowledged")) {
		t.Errorf("%v %s", resp.Header, csv)
	}
	var lines []string
	for _, line := range auditLines(t, s.serve.db) {
		lines = append(lines, line.Who+" "+line.What+" "+line.Outcome)
		if line.Request == "" {
			t.Errorf("%+v: no id of the request", line)
		}
	}
	got := strings.Join(lines, "\n")
	for _, want := range []string{"user:mary@example.com sign_out refused", "user:mary@example.com issue.acknowledge done", "user:mary@example.com issue.suppress refused"} {
		if !strings.Contains(got, want) {
			t.Errorf("the trail lacks %q:\n%s", want, got)
		}
	}
}

// auditLines is the audit trail.
func auditLines(t *testing.T, db *store.DB) (out []yagura.Audit) {
	t.Helper()
	err := db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		out = nil
		for after := int64(0); ; {
			list, err := tx.AuditTrail(ctx, after, 1000)
			if out = append(out, list...); err != nil || len(list) == 0 {
				return err
			}
			after = list[len(list)-1].Seq
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
