package app

import (
	"context"
	"slices"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/store"
)

// listed reads a page of a list in one snapshot, and counts the list where that is asked.
func listed[T, U any](ctx context.Context, c *console, ask api.Ask, of func(U) T,
	find func(ctx context.Context, tx *store.Tx, sort string) ([]U, string, error),
	count func(ctx context.Context, tx *store.Tx) (int64, bool, error)) (*api.List[T], error) {
	out := &api.List[T]{}
	err := c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, next, err := find(ctx, tx, ask.Order.String())
		if err != nil {
			return err
		}
		out.Next = next
		out.Items = make([]T, len(list))
		for i := range list {
			out.Items[i] = of(list[i])
		}
		if !ask.Total {
			return nil
		}
		n, exact, err := count(ctx, tx)
		out.Total = &api.Total{N: n, Exact: exact}
		return err
	})
	return out, err
}

func itself[T any](x T) T { return x }

// ListIssues returns a page of issues.
func (c *console) ListIssues(ctx context.Context, reach api.Reach, ask api.Ask) (*api.List[yagura.Issue], error) {
	scopes, all := c.within(reach)
	return listed(ctx, c, ask, itself, func(ctx context.Context, tx *store.Tx, sort string) ([]yagura.Issue, string, error) {
		return tx.FindIssues(ctx, scopes, all, ask.Query, sort, ask.After, ask.Limit)
	}, func(ctx context.Context, tx *store.Tx) (int64, bool, error) {
		return tx.CountIssues(ctx, scopes, all, ask.Query, store.MostCounted)
	})
}

// CountIssues counts issues by their values, each with the query that asks for it alone.
func (c *console) CountIssues(ctx context.Context, reach api.Reach, ask api.Ask) (*api.IssueCounts, error) {
	scopes, all := c.within(reach)
	var facets store.IssueFacets
	err := c.view(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		facets, err = tx.IssueFacets(ctx, scopes, all, ask.Query)
		return err
	})
	if err != nil {
		return nil, err
	}
	inOrder(facets.Severity, yagura.Severities(), func(s yagura.Severity) string { return s.String() })
	inOrder(facets.Status, []yagura.Status{yagura.StatusOpen, yagura.StatusAcknowledged, yagura.StatusClosed}, func(s yagura.Status) string { return string(s) })
	part := func(field string, list []store.Facet) []api.Counted {
		out := []api.Counted{}
		for _, f := range list {
			x := api.Counted{ID: f.Value, Name: f.Title, N: f.N}
			switch {
			case field == "account" && f.Value != "":
				x.Name = c.accounts().Lookup(f.Value).Name
			case field == "rule":
				x.NameJA = c.serve.named(f.Value, f.Title).TitleJA
			}
			if q, err := ask.Query.Without(field); err == nil {
				if q, err = q.With(field, f.Value); err == nil {
					x.Q = q.String()
				}
			}
			out = append(out, x)
		}
		return out
	}
	return &api.IssueCounts{Severity: part("severity", facets.Severity), Status: part("status", facets.Status), Rule: part("rule", facets.Rule),
		Account: part("account", facets.Account), Assignee: part("assignee", facets.Assignee), Exact: true}, nil
}

// inOrder sorts values that have an order of their own.
func inOrder[T any](list []store.Facet, order []T, word func(T) string) {
	at := func(f store.Facet) int {
		return slices.IndexFunc(order, func(x T) bool { return word(x) == f.Value })
	}
	slices.SortStableFunc(list, func(a, b store.Facet) int { return at(a) - at(b) })
}

// ListFindings returns a page of findings.
func (c *console) ListFindings(ctx context.Context, reach api.Reach, ask api.Ask) (*api.List[api.FindingRow], error) {
	scopes, all := c.within(reach)
	return listed(ctx, c, ask, c.findingOf, func(ctx context.Context, tx *store.Tx, sort string) ([]yagura.Filed, string, error) {
		return tx.FindFindings(ctx, scopes, all, ask.Query, sort, ask.After, ask.Limit)
	}, func(ctx context.Context, tx *store.Tx) (int64, bool, error) {
		return tx.CountFindings(ctx, scopes, all, ask.Query, store.MostCounted)
	})
}

// ListEntities returns a page of the entities of the newest issues within reach.
func (c *console) ListEntities(ctx context.Context, reach api.Reach, ask api.Ask) (*api.List[api.EntityRow], error) {
	scopes, all := c.within(reach)
	out := &api.List[api.EntityRow]{Items: []api.EntityRow{}}
	err := c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, next, n, cut, err := tx.FindEntities(ctx, scopes, all, ask.Query, ask.Order.String(), ask.After, ask.Limit)
		for _, e := range list {
			out.Items = append(out.Items, api.EntityRow{Type: e.Entity.Type, ID: e.Entity.ID, FirstSeen: e.First, LastSeen: e.Last,
				Issues: e.Issues, Findings: e.Findings, Worst: e.Worst, Accounts: e.Accounts})
		}
		out.Next, out.Cut = next, cut
		if ask.Total {
			out.Total = &api.Total{N: n, Exact: !cut}
		}
		return err
	})
	return out, err
}

// about is the query of a list for an entity.
func about(l *filter.List, e yagura.Entity) (*filter.Query, error) {
	q, err := filter.Parse(l, "")
	if err != nil {
		return nil, err
	}
	return q.With("entity", e.Type+"="+e.ID)
}
