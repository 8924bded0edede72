package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/store"
)

// streams do not end by themselves: TestStreamMatrix calls them.
var streams = map[string]bool{"stream": true}

// guards are headers of every answer: nothing keeps it, no page of another site reads, frames or
// runs it, and it is what it says it is.
var guards = map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	"Cross-Origin-Resource-Policy": "same-origin", "Referrer-Policy": "no-referrer", "Access-Control-Allow-Origin": "", "Access-Control-Allow-Credentials": ""}

// TestMatrix calls every endpoint of a running service as every role, bound to nothing, to an
// account, to an organisation and to a format, and as a stranger and a machine. Who may is
// answered as the description says, with what is within the scope; who may not is refused, and
// nobody is told of what lies beyond, whatever id of it they ask for.
func TestMatrix(t *testing.T) {
	h := newServiceHouse(t)
	routes := h.c.routes(t)
	d := newDescribed(t, routes)
	people := h.people()
	left := maps.Clone(examples)
	for i := range routes {
		r := &routes[i]
		x, ok := examples[r.ID]
		delete(left, r.ID)
		if streams[r.ID] {
			continue
		}
		if !ok {
			t.Errorf("%s: the matrix has no example of it", r.ID)
			continue
		}
		if r.TakesBody() != (x.body != "") {
			t.Errorf("%s: takes a body: %v; the example has %q", r.ID, r.TakesBody(), x.body)
		}
		if x.path == nil && x.of == nil {
			if strings.Contains(r.Path, "{") {
				t.Errorf("%s: the example has no path", r.ID)
				continue
			}
			x.path = fixed(r.Path)
		}
		t.Run(r.ID, func(t *testing.T) { h.row(t, r, x, d, people) })
	}
	for id := range left {
		t.Errorf("%s: there is no such endpoint", id)
	}
	if !t.Failed() {
		t.Run("queries", func(t *testing.T) { h.queries(t, routes, people) })
	}
}

// routes are the endpoints of a console.
func (c *console) routes(t *testing.T) []api.Route {
	t.Helper()
	a, err := api.New(api.Options{Gate: api.Beside("cli:test"), Parts: c.parts(), Now: c.now, NewID: NewID(c.now)})
	if err != nil {
		t.Fatal(err)
	}
	return a.Routes()
}

// row calls one endpoint as everybody, about every side that its path can be about.
func (h *serviceHouse) row(t *testing.T, r *api.Route, x example, d *described, people []*person) {
	sides := h.sides
	if x.of == nil {
		sides = []*side{nil} // it is about none
	}
	call := func(c *caller, s *side) (*http.Response, []byte) {
		path := ""
		if s == nil {
			path = x.path(h)
		} else {
			path = x.of(h, s)
		}
		return c.do(r.Method, path, strings.ReplaceAll(x.body, "FRESH", h.fresh()), x.header...)
	}
	h.may = false
	resp, body := call(h.from(), sides[0])
	d.check(r, resp, body)
	if public := r.Access == api.Public; public != (resp.StatusCode != http.StatusUnauthorized || slices.Contains(x.also, 401)) {
		t.Errorf("a stranger: %d %s", resp.StatusCode, body)
	}
	for _, p := range people {
		for _, s := range sides {
			h.may = r.Access == api.Public || r.Access == api.Self || p.role.Permits(yagura.Permission(r.Access)) && (p.kind == "all" || !r.NeedsWhole())
			sees := func(s *side) bool { return p.sees[s.name] }
			if x.sees != nil {
				sees = func(s *side) bool { return x.sees(p.kind, s) }
			}
			c := p.caller
			if x.ends && !p.machine {
				c = h.signIn(p.user)
			}
			may := h.may
			before := h.lastLine()
			resp, body := call(c, s)
			d.check(r, resp, body)
			name := fmt.Sprintf("%s of %s: %d %.600s", p.name, r.ID, resp.StatusCode, body)
			if s != nil {
				name = s.name + " by " + name
			}
			switch {
			case !may:
				if resp.StatusCode != http.StatusForbidden || !bytes.Contains(body, []byte(`"code":"forbidden"`)) {
					t.Errorf("not refused: %s", name)
				}
			case s != nil && !sees(s):
				if resp.StatusCode != http.StatusNotFound || !bytes.Contains(body, []byte(`"code":"not_found"`)) {
					t.Errorf("beyond the scope and not hidden: %s", name)
				}
			case p.machine && r.Access == api.Self && resp.StatusCode == http.StatusForbidden: // it is about people
			case resp.StatusCode/100 != 2 && !slices.Contains(x.also, resp.StatusCode):
				t.Errorf("refused: %s", name)
			case resp.StatusCode/100 == 2 && x.shows != nil:
				said := allOf(t, resp, body)
				for _, o := range h.sides {
					if want := x.shows(o); want != "" && sees(o) && (s == nil || s == o) && !bytes.Contains(said, []byte(want)) {
						t.Errorf("%s (%q) is missing: %s", o.name, want, name)
					}
				}
			}
			said := allOf(t, resp, body)
			for _, secret := range h.hidden(sees) {
				if bytes.Contains(said, []byte(secret)) {
					t.Errorf("tells of %q: %s", secret, name)
				}
			}
			for header, want := range guards {
				if resp.Header.Get(header) != want {
					t.Errorf("%s: %q: %s", header, resp.Header.Get(header), name)
				}
			}
			if !r.ReadsOnly() && r.Access != api.Public && !may && h.lastLine() == before {
				t.Errorf("a refused write leaves no line in the audit trail: %s", name)
			}
		}
	}
	h.forged(t, r, x, people[len(people)-2], call, sides[0])
}

// forged sends a write as another site would make a browser send it: the session's cookie is
// there, and nothing that only our own pages have.
func (h *serviceHouse) forged(t *testing.T, r *api.Route, x example, p *person, call func(*caller, *side) (*http.Response, []byte), s *side) {
	if r.Method == http.MethodGet {
		return
	}
	h.may = false
	for what, change := range map[string]func(http.Header){
		"no token":        func(h http.Header) { h.Del("X-Csrf-Token") },
		"another token":   func(h http.Header) { h.Set("X-Csrf-Token", strings.Repeat("A", 43)) },
		"another origin":  func(h http.Header) { h.Set("Origin", "https://evil.example") },
		"no origin":       func(h http.Header) { h.Set("Origin", "null") },
		"another site":    func(h http.Header) { h.Set("Sec-Fetch-Site", "cross-site") },
		"a sibling's":     func(h http.Header) { h.Set("Sec-Fetch-Site", "same-site") },
		"plain http page": func(h http.Header) { h.Set("Origin", "http://yagura.example.com") },
	} {
		c := *p.caller
		c.header = p.header.Clone()
		if change(c.header); r.Access == api.Public && strings.Contains(what, "token") {
			continue // who signs in has no session yet
		}
		c.header.Set("X-Forwarded-For", h.from().header.Get("X-Forwarded-For")) // where nobody was too often yet
		resp, body := call(&c, s)
		if resp.StatusCode != http.StatusForbidden || !bytes.Contains(body, []byte(`"code":"csrf"`)) {
			t.Errorf("%s with %s: %d %.300s", r.ID, what, resp.StatusCode, body)
		}
	}
}

// queries asks every list for what lies beyond a scope by its marks, by words and by a cursor
// that somebody else was given.
func (h *serviceHouse) queries(t *testing.T, routes []api.Route, people []*person) {
	whole := people[len(people)-1]
	type answer struct {
		Items []json.RawMessage `json:"items"`
		Next  string            `json:"next"`
		Total *api.Total        `json:"total"`
	}
	asked := 0
	for i := range routes {
		r := &routes[i]
		if r.Method != http.MethodGet || strings.Contains(r.Path, "{") || r.NeedsWhole() {
			continue
		}
		if resp, _ := whole.do(r.Method, r.Path+"?q=&limit=1&total=1", ""); resp.StatusCode != 200 {
			continue // it is no list
		}
		asked++
		first := fetched[answer](t, whole.caller, http.MethodGet, r.Path+"?q=&limit=1")
		for _, p := range people {
			if p.role != yagura.RoleViewer || p.kind == "all" {
				continue
			}
			ask := func(query string) (a answer) {
				resp, body := p.do(http.MethodGet, r.Path+query, "")
				for _, secret := range h.hidden(func(s *side) bool { return p.sees[s.name] }) {
					if bytes.Contains(allOf(t, resp, body), []byte(secret)) {
						t.Errorf("%s%s tells %s of %q: %.600s", r.Path, query, p.name, secret, body)
					}
				}
				if resp.StatusCode == 200 {
					_ = json.Unmarshal(body, &a)
				}
				return a
			}
			for _, s := range h.sides {
				if p.sees[s.name] {
					continue
				}
				if a := ask("?q=" + s.mark() + "&limit=100&total=1"); len(a.Items) > 0 || a.Total != nil && a.Total.N > 0 {
					t.Errorf("%s asked for %s by %s: %d items, %+v", r.Path, s.mark(), p.name, len(a.Items), a.Total)
				}
				ask("?q=account:" + s.account + "&limit=100")
			}
			if first.Next != "" {
				ask("?q=&limit=1&cursor=" + first.Next)
			}
			ask("?q=&limit=100&total=1")
		}
	}
	if asked < 8 {
		t.Errorf("only %d lists were asked", asked)
	}
	// One page has as many issues and findings as the scope has.
	for _, p := range people {
		for _, path := range []string{"/issues", "/findings"} {
			a := fetched[answer](t, p.caller, http.MethodGet, path+"?q=rule:matrix-stop,matrix-access,\"alert-guardduty/Recon:EC2/Portscan\"&total=1")
			if len(a.Items) != len(p.sees) || a.Total == nil || a.Total.N != int64(len(p.sees)) {
				t.Errorf("%s of %s: %d items, %+v, want %d", path, p.name, len(a.Items), a.Total, len(p.sees))
			}
		}
	}
}

// lastLine is the number of the last line of the audit trail.
func (h *serviceHouse) lastLine() (n int64) {
	h.t.Helper()
	err := h.c.db.View(h.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for after := h.seen; ; {
			list, err := tx.AuditTrail(ctx, after, 1000)
			if n = after; err != nil || len(list) == 0 {
				return err
			}
			after = list[len(list)-1].Seq
		}
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.seen = n
	return n
}

// TestBesideStore: what needs a running service is unavailable beside a store alone, and what
// does not is answered.
func TestBesideStore(t *testing.T) {
	h := newConsoleHouse(t)
	c := h.badgeOf("admin", yagura.Binding{Role: yagura.RoleAdmin})
	routes := h.api.Routes()
	d := newDescribed(t, routes)
	n := 0
	for i := range routes {
		r := &routes[i]
		x := examples[r.ID]
		if !x.service {
			continue
		}
		n++
		path := r.Path
		for _, part := range []string{"{id}", "{name}", "{path...}", "{key}"} {
			path = strings.ReplaceAll(path, part, "x.md")
		}
		resp, body := c.do(r.Method, path, strings.ReplaceAll(x.body, "FRESH", "x"), x.header...)
		d.check(r, resp, body)
		if resp.StatusCode != http.StatusServiceUnavailable || !bytes.Contains(body, []byte(`"code":"unavailable"`)) {
			t.Errorf("%s: %d %s", r.ID, resp.StatusCode, body)
		}
	}
	if n < 25 {
		t.Errorf("%d endpoints of a service", n)
	}
	for _, path := range []string{"/overview", "/issues", "/findings", "/sources", "/sinks", "/ledger", "/dead-letters", "/audit", "/users"} {
		c.call(200, http.MethodGet, path, "", nil)
	}
}
