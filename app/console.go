package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
	"github.com/yagura-sec/yagura/web"
)

// console is what the API asks: the store, and of a running service what it knows beyond it.
// The command line has one beside the store, without a service.
type console struct {
	inbox
	cfg      *config.Config // with references in place of secrets
	accounts func() *triage.Accounts
	version  string
	now      func() time.Time
	log      *slog.Logger
	people   api.People
	serve    *Serve // nil beside a server
	sums     overviews
}

// parts shows the console to the API.
func (c *console) parts() api.Parts {
	p := api.Parts{Trail: c, Server: c, People: c.people, Register: c, Issues: c, Desk: c, Findings: c, Records: c, Lists: c, Registers: c, Entities: c, Events: c, Views: c, Searcher: c, Values: c, Flows: c, Overviews: c, Dead: c, Accounts: c, Outbox: c}
	if s := c.serve; s != nil {
		p.Documents, p.Configuration, p.TeamFiles = &consoleDocuments{s: s}, &consoleSettings{s}, &consoleTeamFiles{s}
		p.Hunts, p.Rules, p.Policy, p.Suppressions = s.hunts, &consoleRules{s}, &consolePolicy{s}, &consolePolicy{s}
	}
	return p
}

// API is the API over the store as the command line opened it. Whoever has the files of the
// store may do everything, so who says only whom the timelines and the audit trail name.
func (b *Books) API(who, version string, now func() time.Time) (*api.API, error) {
	gate, err := newGate(b.cfg, auth.Options{Store: gateStore{b.db}, Now: now})
	if err != nil {
		return nil, err
	}
	c := &console{inbox: b.inbox, cfg: b.cfg, accounts: func() *triage.Accounts { return b.accounts }, version: version, now: now, log: slog.New(slog.DiscardHandler), people: gate}
	return api.New(api.Options{Gate: api.Beside(who), Parts: c.parts(), Log: c.log, Now: now, NewID: NewID(now), Zone: b.cfg.Timezone, Rates: api.NoRates})
}

// newConsole is the console of the running service.
func (s *Serve) newConsole() *console {
	return &console{inbox: s.inbox(), cfg: s.written, accounts: s.registry.load, version: s.o.Version, now: s.o.Now, log: s.log, serve: s}
}

// About says what this server is.
func (c *console) About(context.Context) (*api.About, error) {
	return &api.About{Version: c.version, Tenant: c.cfg.Tenant, Zone: c.cfg.Timezone, Time: c.now().UTC(), Build: web.Build(), Demo: c.serve != nil && c.serve.o.Demo != nil}, nil
}

// within writes a reach in accounts and formats alone: an organisation is the accounts that
// the registry lists for it. A scope of which nothing is left holds nothing and is left out.
func (c *console) within(reach api.Reach) (scopes []yagura.Scope, all bool) {
	if reach.All {
		return nil, true
	}
	for _, s := range reach.Scopes {
		if len(s.Tenants) > 0 {
			ids := slices.Clone(s.Accounts)
			for _, a := range c.accounts().List() {
				if slices.Contains(s.Tenants, a.Organisation) && a.ID != "" && !slices.Contains(ids, a.ID) {
					ids = append(ids, a.ID)
				}
			}
			if len(ids) == 0 {
				continue
			}
			s = yagura.Scope{Accounts: ids, Formats: s.Formats}
		}
		scopes = append(scopes, s)
	}
	return scopes, false
}

// holds says whether something is within a reach, as lists are bound to it.
func (c *console) holds(reach api.Reach, account, format string) bool {
	scopes, all := c.within(reach)
	return all || slices.ContainsFunc(scopes, func(s yagura.Scope) bool { return s.Holds("", account, format) })
}

// view reads, and says of what is not there what the API says.
func (c *console) view(ctx context.Context, fn func(ctx context.Context, tx *store.Tx) error) error {
	return seen(c.db.View(ctx, fn))
}

func seen(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return api.NotFound
	case errors.Is(err, store.ErrCursor):
		return badCursor()
	case errors.Is(err, store.ErrMoved):
		return api.Refuse(api.CodeConflict, "somebody else changed it at the same time", "同時にほかの人が変更しました")
	}
	return err
}

// update writes, with the line of the audit trail in the same transaction.
func (c *console) update(ctx context.Context, fn func(ctx context.Context, tx *store.Tx) error) error {
	entry := api.EntryOf(ctx)
	err := c.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := fn(ctx, tx); err != nil || entry == nil {
			return err
		}
		line := entry.Line()
		return tx.AddAudit(ctx, &line)
	})
	if err == nil {
		entry.Written()
	}
	return seen(err)
}

// Audit adds a line to the trail by itself.
func (c *console) Audit(ctx context.Context, line yagura.Audit) error {
	return c.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.AddAudit(ctx, &line) })
}
