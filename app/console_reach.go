package app

import (
	"slices"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/lake/view"
	"github.com/yagura-sec/yagura/triage"
)

// sees reports whether something of an account and format is within reach.
func (s *Serve) sees(reach api.Reach, account, format string) bool {
	return reach.All || reach.Holds(s.registry.load().Lookup(account).Organisation, account, format)
}

// within is a reach as the lake has it.
func (s *Serve) within(reach api.Reach) *view.Within {
	if reach.All {
		return nil
	}
	return withinOf(reach.Scopes, s.registry.load())
}

// withinOf writes scopes as the lake has them, with the accounts of tenants as the registry
// lists them. A scope of a tenant without accounts is none, and not one without a bound.
func withinOf(scopes []yagura.Scope, registry *triage.Accounts) *view.Within {
	out := &view.Within{}
	for _, sc := range scopes {
		ids := slices.Clone(sc.Accounts)
		if len(sc.Tenants) > 0 {
			for _, a := range registry.List() {
				if a.Organisation != "" && slices.Contains(sc.Tenants, a.Organisation) {
					ids = append(ids, a.ID)
				}
			}
		}
		if len(ids) == 0 && len(sc.Tenants)+len(sc.Accounts) > 0 {
			continue
		}
		out.Bounds = append(out.Bounds, view.Bound{Accounts: ids, Formats: sc.Formats})
	}
	return out
}
