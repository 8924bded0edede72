package app

import (
	"context"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/store"
)

// Values offers values of a list's field, from what is at hand without a walk through its rows.
func (c *console) Values(ctx context.Context, reach api.Reach, _, field, typed string, limit int) ([]string, error) {
	var all []string
	switch field {
	case "account":
		for _, a := range c.accounts().List() {
			if c.holds(reach, a.ID, "") || slices.ContainsFunc(reach.Scopes, func(s yagura.Scope) bool { return slices.Contains(s.Accounts, a.ID) }) {
				all = append(all, a.ID, a.Name)
			}
		}
	case "format":
		for _, s := range reach.Scopes {
			all = append(all, s.Formats...)
		}
		if len(all) == 0 {
			for _, f := range decode.Formats() {
				all = append(all, f.Name)
			}
		}
	case "source":
		for _, s := range c.cfg.Sources {
			all = append(all, s.Name)
		}
	case "sink":
		for _, s := range c.cfg.Sinks {
			all = append(all, s.Name)
		}
	case "assignee", "owner", "who":
		err := c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
			users, err := tx.Users(ctx, yagura.LockNone)
			for _, u := range users {
				all = append(all, u.Name)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	want := filter.Fold(typed)
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" || !strings.Contains(filter.Fold(s), want) })
	slices.Sort(all)
	all = slices.Compact(all)
	slices.SortStableFunc(all, func(a, b string) int {
		return boolInt(!strings.HasPrefix(filter.Fold(a), want)) - boolInt(!strings.HasPrefix(filter.Fold(b), want))
	})
	return all[:min(len(all), limit)], nil
}

// Said names the account of an id.
func (c *console) Said(field, value string) string {
	if field != "account" {
		return ""
	}
	return c.accounts().Lookup(value).Name
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
