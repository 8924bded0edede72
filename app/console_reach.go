package app

import (
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/lake/view"
)

// seesOf says of an account and format whether something of them is within reach.
func (s *Serve) seesOf(reach api.Reach) func(account, format string) bool {
	return s.within(reach).Holds
}

// within is a reach as the lake has it.
func (s *Serve) within(reach api.Reach) *view.Within {
	scopes, all := (&console{accounts: s.registry.load}).within(reach)
	if all {
		return nil
	}
	out := &view.Within{}
	for _, sc := range scopes {
		out.Bounds = append(out.Bounds, view.Bound{Accounts: sc.Accounts, Formats: sc.Formats})
	}
	return out
}
