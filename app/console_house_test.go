package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

// Two accounts, of two organisations, with an issue each: whoever is bound to the first must
// meet nothing of the second.
const (
	ourAccount, ourFormat     = "111122223333", "aws.cloudtrail"
	theirAccount, theirFormat = "foreign-444455556666", "gcp.audit"
)

// cheap is what a password costs in tests: room auth proves the usual cost.
var cheap = auth.Cost{Memory: 64, Time: 1, Threads: 1}

// badge is a gate of a test: whoever shows a name has its bindings. It takes over what the real
// one does for strangers and writes, which has tests of its own.
type badge struct {
	mu    sync.Mutex
	named map[string]*auth.Identity
	write error // of CheckWrite
}

func (b *badge) Identify(r *http.Request) (*auth.Identity, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if id := b.named[r.Header.Get("X-Badge")]; id != nil {
		own := *id
		return &own, nil
	}
	return nil, auth.ErrNobody
}

func (b *badge) CheckWrite(*http.Request, *auth.Identity) error { return b.write }
func (b *badge) CheckNetwork(*http.Request) error               { return nil }
func (b *badge) From(*http.Request) string                      { return "192.0.2.7" }

// consoleHouse is the API over a real store, with what a test needs to know of it.
type consoleHouse struct {
	t      *testing.T
	c      *console
	api    *api.API
	hub    *api.Hub
	gate   *badge
	server *httptest.Server
	mine   yagura.Issue // of ours
	theirs yagura.Issue
	now    func() time.Time
}

func newConsoleHouse(t *testing.T) *consoleHouse {
	t.Helper()
	h := &consoleHouse{t: t, now: time.Now, gate: &badge{named: map[string]*auth.Identity{}}}
	cfg := &config.Config{Data: t.TempDir(), AcceptLoss: true, Tenant: "acme", Sinks: []config.Sink{{Name: "hook"}}}
	db, err := store.Open(t.Context(), store.Options{Dir: cfg.Data, AcceptLoss: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	policy, err := LoadPolicy(cfg)
	if err != nil {
		t.Fatal(err)
	}
	accounts := triage.NewAccounts([]yagura.AccountInfo{{ID: ourAccount, Name: "ours", Organisation: "home", Listed: true}, {ID: theirAccount, Name: "foreign", Organisation: "abroad", Listed: true}})
	desk := &triage.Desk{Policy: func() *triage.Policy { return policy }, Account: accounts.Lookup, Now: h.now, NewID: NewID(h.now),
		Routes: func([]string) []string { return []string{"hook"} }}
	gate, err := newGate(cfg, auth.Options{Store: gateStore{db}, Now: h.now, Cost: cheap})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	h.c = &console{inbox: inbox{db: db, desk: desk}, cfg: cfg, accounts: func() *triage.Accounts { return accounts }, version: "test", now: h.now, log: log, people: gate}
	h.hub = api.NewHub("boot")
	h.api, err = api.New(api.Options{Gate: h.gate, Parts: h.c.parts(), Hub: h.hub, Log: log, Now: h.now, NewID: NewID(h.now), Rates: api.NoRates})
	if err != nil {
		t.Fatal(err)
	}
	h.server = httptest.NewServer(h.api)
	t.Cleanup(h.server.Close)
	t.Cleanup(h.hub.Close)
	h.mine = h.find(ourAccount, ourFormat, "alice")
	h.theirs = h.find(theirAccount, theirFormat, "foreign-bob")
	return h
}

// find files a finding and returns its issue.
func (h *consoleHouse) find(account, format, actor string) yagura.Issue {
	h.t.Helper()
	f := yagura.Finding{V: 1, ID: "f-" + account + "-" + actor, CauseKey: account + " r1 " + actor, Kind: yagura.Behaviour,
		Rule:     yagura.RuleRef{ID: "r1", Title: "Trail stopped", Engine: yagura.EngineSigma, File: "r1.yml", Tags: []string{"attack.t1562.008"}},
		Severity: yagura.SeverityHigh, SeverityOriginal: "high", Format: format, Source: "in", Time: h.now().UTC().Add(-time.Minute),
		Event: yagura.EventRef{ID: "e-" + actor, Key: yagura.Key{1, byte(len(actor))}, Time: h.now().UTC().Add(-time.Minute), Account: account, Action: "StopLogging",
			Actor: yagura.Actor{Type: yagura.EntityUser, ID: actor, Name: actor}, SrcIP: "198.51.100.7", Outcome: yagura.OutcomeSuccess},
		Events: []string{"e-" + actor}, Entities: []yagura.Entity{{Type: yagura.EntityUser, ID: actor}, {Type: yagura.EntityAccount, ID: account}, {Type: yagura.EntityIP, ID: "198.51.100.7"}},
		Why: []yagura.Why{{Field: "eventName", Op: "equals", Value: "StopLogging", Actual: "StopLogging"}}, Output: "stopped"}
	var is *yagura.Issue
	for force := false; ; force = true {
		err := h.c.db.Update(h.t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if _, err := h.c.desk.Take(ctx, bookTx{tx}, []triage.Found{{Finding: f}}, force); err != nil {
				return err
			}
			kept, err := tx.Finding(ctx, f.ID)
			if err == nil {
				is, err = tx.Issue(ctx, kept.IssueID, yagura.LockNone)
			}
			return err
		})
		if err == nil {
			return *is
		}
		if !errors.Is(err, triage.ErrUpgrade) {
			h.t.Fatal(err)
		}
	}
}

// badgeOf gives somebody a badge and returns the caller.
func (h *consoleHouse) badgeOf(name string, bindings ...yagura.Binding) *caller {
	h.t.Helper()
	id := &auth.Identity{Who: "user:" + name, Bindings: bindings, From: "192.0.2.7"}
	id.User = h.user(name, bindings...)
	h.gate.mu.Lock()
	h.gate.named[name] = id
	h.gate.mu.Unlock()
	return &caller{t: h.t, client: h.server.Client(), base: h.server.URL + api.Prefix, header: http.Header{"X-Badge": {name}}}
}

func (h *consoleHouse) user(name string, bindings ...yagura.Binding) *yagura.User {
	h.t.Helper()
	u := &yagura.User{ID: h.c.desk.NewID(), Name: name, Display: name, Via: "local", Bindings: bindings, Created: h.now().UTC(), Version: 1}
	if err := h.c.db.Update(h.t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.PutUser(ctx, u) }); err != nil {
		h.t.Fatal(err)
	}
	return u
}

func (h *consoleHouse) stranger() *caller {
	return &caller{t: h.t, client: h.server.Client(), base: h.server.URL + api.Prefix, header: http.Header{}}
}

// described checks answers against the description of the API.
type described struct {
	t        *testing.T
	compiler *jsonschema.Compiler
	doc      map[string]any
	made     map[string]*jsonschema.Schema
}

func newDescribed(t *testing.T, routes []api.Route) *described {
	t.Helper()
	text, err := api.OpenAPI(routes)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	d := &described{t: t, compiler: jsonschema.NewCompiler(), doc: doc.(map[string]any), made: map[string]*jsonschema.Schema{}}
	d.compiler.AssertFormat()
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	if err := d.compiler.AddResource("api.json", doc); err != nil {
		t.Fatal(err)
	}
	return d
}

// check holds an answer to its schema.
func (d *described) check(r *api.Route, resp *http.Response, body []byte) {
	d.t.Helper()
	place := ""
	switch {
	case resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified:
		return
	case resp.StatusCode >= 400:
		place = "#/components/schemas/Problem"
		if kind := resp.Header.Get("Content-Type"); kind != "application/problem+json; charset=utf-8" {
			d.t.Errorf("%s: a refusal of type %q", r.ID, kind)
		}
	case strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json"):
		path := strings.ReplaceAll(r.Path, "...}", "}")
		path = strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(path)
		place = "#/paths/" + path + "/" + strings.ToLower(r.Method) + "/responses/200/content/application~1json/schema"
	default:
		return
	}
	s := d.made[place]
	if s == nil {
		var err error
		if s, err = d.compiler.Compile("api.json" + place); err != nil {
			d.t.Fatalf("%s: %v", r.ID, err)
		}
		d.made[place] = s
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(body)))
	if err != nil {
		d.t.Errorf("%s: %v: %s", r.ID, err, body)
		return
	}
	if err := s.Validate(value); err != nil {
		d.t.Errorf("%s answered what its description does not say: %v\n%s", r.ID, err, body[:min(len(body), 2000)])
	}
}

func (h *consoleHouse) update(fn func(ctx context.Context, tx *store.Tx) error) {
	h.t.Helper()
	if err := h.c.db.Update(h.t.Context(), fn); err != nil {
		h.t.Fatal(err)
	}
}
