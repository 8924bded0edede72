package app

import (
	"context"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/store"
)

// accountDays is how far back the findings of accounts are counted, today with it.
const accountDays = 7

// ListAccounts implements [api.Accounts]: the accounts of the registry, those that send, and
// those that issues and findings are of, as far as the caller sees them.
func (c *console) ListAccounts(ctx context.Context, reach api.Reach, ask api.Ask) (*api.List[api.Account], error) {
	scopes, all := c.within(reach)
	now := c.now().UTC()
	var counts []store.AccountCount
	rhythms := map[string]map[string]*rhythm{}
	err := c.view(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if counts, err = tx.AccountCounts(ctx, scopes, all, now.Truncate(24*time.Hour).Add(-(accountDays-1)*24*time.Hour)); err != nil {
			return err
		}
		for i := range c.cfg.Sources {
			of := map[string]*rhythm{}
			name := c.cfg.Sources[i].Name
			if err := readState(ctx, tx.State, "rhythm/"+name, &of); err != nil {
				return err
			}
			rhythms[name] = of
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	// Who is bound to formats as well sees a part of an account, and not when others came.
	whole := func(id string) bool {
		return all || slices.ContainsFunc(scopes, func(s yagura.Scope) bool { return len(s.Formats) == 0 && s.Holds("", id, "") })
	}
	found := map[string]*api.Account{}
	of := func(id string) *api.Account {
		a := found[id]
		if a == nil {
			i := c.accounts().Lookup(id)
			a = &api.Account{ID: id, Name: i.Name, Cloud: i.Cloud, Tenant: i.Organisation, Owner: i.Owner, Environment: i.Environment, Tags: append([]string{}, i.Tags...),
				Listed: i.Listed, Sources: []string{}}
			found[id] = a
		}
		return a
	}
	for _, i := range c.accounts().List() {
		if i.ID != "" && (whole(i.ID) || slices.ContainsFunc(scopes, func(s yagura.Scope) bool { return slices.Contains(s.Accounts, i.ID) })) {
			of(i.ID)
		}
	}
	for _, n := range counts {
		if n.Account != "" { // what is of no account has none to be listed
			a := of(n.Account)
			a.Issues, a.Findings = n.Open, n.Findings
		}
	}
	for i := range c.cfg.Sources {
		source := c.cfg.Sources[i].Name
		for id, r := range rhythms[source] {
			if id == "" || !whole(id) {
				continue
			}
			a := of(id)
			a.Sources = append(a.Sources, source)
			if a.FirstSeen.IsZero() || r.First.Before(a.FirstSeen) {
				a.FirstSeen = r.First.UTC()
			}
			a.LastSeen = later(a.LastSeen, r.Last.UTC())
			// Who comes by several is silent where none of them hears it.
			_, silent := r.silent(now)
			a.Silent = silent && (a.Silent || len(a.Sources) == 1)
		}
	}
	list := make([]api.Account, 0, len(found))
	for _, a := range found {
		list = append(list, *a)
	}
	return page(ask, list, accountRow)
}

func accountRow(a *api.Account) row {
	return row{id: a.ID, texts: append([]string{a.ID, a.Name, a.Owner, a.Tenant}, a.Tags...), values: map[string]any{"id": a.ID, "name": a.Name, "cloud": a.Cloud, "tenant": a.Tenant,
		"owner": a.Owner, "environment": a.Environment, "tag": a.Tags, "listed": a.Listed, "issues": a.Issues, "findings": a.Findings, "seen": a.LastSeen, "source": a.Sources}}
}
