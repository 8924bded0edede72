package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/store"
)

var entityCases = []testCase{
	{"lists/entities", testFindEntities},
}

// entityFacts is what issues say of an entity, added up here by what the fields mean.
type entityFacts struct {
	store.EntityRow
	names, tenants []string
}

func entitiesOf(issues []*yagura.Issue, within func(*yagura.Issue) bool) map[yagura.Entity]*entityFacts {
	out := map[yagura.Entity]*entityFacts{}
	add := func(list *[]string, s string) {
		if s != "" && !slices.Contains(*list, s) {
			*list = append(*list, s)
		}
	}
	for _, x := range issues {
		if !within(x) {
			continue
		}
		for _, e := range x.Entities {
			f := out[e]
			if f == nil {
				f = &entityFacts{EntityRow: store.EntityRow{Entity: e, First: x.FirstSeen}}
				out[e] = f
			}
			f.Issues++
			f.Findings += int64(x.Count)
			if x.FirstSeen.Before(f.First) {
				f.First = x.FirstSeen
			}
			if x.LastSeen.After(f.Last) {
				f.Last = x.LastSeen
			}
			if x.Status != yagura.StatusClosed {
				f.Worst = max(f.Worst, x.Severity)
			}
			add(&f.Accounts, x.Account)
			add(&f.names, x.AccountInfo.Name)
			add(&f.tenants, x.AccountInfo.Organisation)
		}
	}
	return out
}

func (f *entityFacts) cells(field string) []any {
	texts := func(list []string) (out []any) {
		for _, s := range list {
			out = append(out, s)
		}
		return out
	}
	switch field {
	case "", "id":
		return []any{f.Entity.ID}
	case "type":
		return []any{f.Entity.Type}
	case "entity":
		return []any{f.Entity}
	case "ip":
		if f.Entity.Type == yagura.EntityIP {
			return []any{f.Entity.ID}
		}
		return nil
	case "seen":
		return []any{f.Last}
	case "first":
		return []any{f.First}
	case "issues":
		return []any{f.Issues}
	case "findings":
		return []any{f.Findings}
	case "severity":
		return []any{f.Worst}
	case "account":
		return texts(append(slices.Clone(f.Accounts), f.names...))
	case "tenant":
		return texts(f.tenants)
	}
	panic("entities have no field " + field)
}

// testFindEntities asks by every field, in every order and by pages, and wants what the issues
// say.
func testFindEntities(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(3000)})
	issues := fileIssues(t, db)
	facts := entitiesOf(issues, func(*yagura.Issue) bool { return true })
	var rows []filter.Row
	for _, f := range facts {
		rows = append(rows, f.cells)
	}
	check := func(name string, list []store.EntityRow, want map[yagura.Entity]*entityFacts) {
		t.Helper()
		if len(list) != len(want) {
			t.Errorf("%s: %d entities, want %d", name, len(list), len(want))
		}
		for _, e := range list {
			f := want[e.Entity]
			if f == nil {
				t.Errorf("%s: %v does not belong there", name, e.Entity)
				continue
			}
			slices.Sort(f.Accounts)
			if e.Issues != f.Issues || e.Findings != f.Findings || !e.First.Equal(f.First) || !e.Last.Equal(f.Last) || e.Worst != f.Worst || !slices.Equal(e.Accounts, f.Accounts) {
				t.Errorf("%s: %+v\nwant %+v", name, e, f.EntityRow)
			}
		}
	}
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		texts := []string{"", "mary", "-bucket", "203.0.113.1*", "ip:203.0.113.0/28", "ip:2001:db8::1", "-ip:2001:db8::/32", "entity:user=mary_3", "entity:user=nobody", "id:arn*", "id:ARN:aws:s3:::bucket", "id:Mary_1,Mary_2 -account:project-x"}
		for i := range filter.Entities.Fields {
			texts = append(texts, samples(&filter.Entities.Fields[i], rows)...)
		}
		asked := 0
		for _, text := range texts {
			q := parse(t, filter.Entities, text)
			if q == nil {
				continue
			}
			asked++
			want := map[yagura.Entity]*entityFacts{}
			for e, f := range facts {
				if q.Match(f.cells) {
					want[e] = f
				}
			}
			list, next, n, cut, err := tx.FindEntities(ctx, nil, true, q, "", "", 1000)
			if err != nil || next != "" || cut || n != int64(len(want)) {
				t.Fatalf("%s: %d, want %d, next %q, cut %v: %v", text, n, len(want), next, cut, err)
			}
			check(text, list, want)
		}
		t.Logf("%d queries", asked)
		for _, usual := range filter.Entities.Sorts {
			for _, sort := range []string{strings.TrimPrefix(usual, "-"), "-" + strings.TrimPrefix(usual, "-")} {
				whole, _, _, _, err := tx.FindEntities(ctx, nil, true, nil, sort, "", 1000)
				if err != nil {
					t.Fatalf("%s: %v", sort, err)
				}
				var paged []store.EntityRow
				for after := ""; ; {
					list, next, n, _, err := tx.FindEntities(ctx, nil, true, nil, sort, after, 7)
					if err != nil || n != int64(len(facts)) {
						t.Fatalf("%s: %d entities, %v", sort, n, err)
					}
					paged = append(paged, list...)
					if after = next; next == "" {
						break
					}
				}
				if !slices.EqualFunc(whole, paged, func(a, b store.EntityRow) bool { return a.Entity == b.Entity }) {
					t.Errorf("%s: pages are not the whole", sort)
				}
				if !slices.IsSortedFunc(whole, entityOrder(sort)) {
					t.Errorf("%s: not in order", sort)
				}
			}
		}
		for _, c := range []struct {
			scopes []yagura.Scope
			within func(*yagura.Issue) bool
		}{
			{nil, func(*yagura.Issue) bool { return false }},
			{[]yagura.Scope{{Tenants: []string{"acme"}}}, func(*yagura.Issue) bool { return false }}, // not expanded
			{[]yagura.Scope{{Accounts: []string{"Project-X"}}}, func(x *yagura.Issue) bool { return x.Account == "Project-X" }},
			{[]yagura.Scope{{Accounts: []string{"111122223333"}, Formats: []string{"aws.cloudtrail"}}, {Formats: []string{"gcp.audit"}}}, func(x *yagura.Issue) bool {
				return x.Account == "111122223333" && x.Format == "aws.cloudtrail" || x.Format == "gcp.audit"
			}},
		} {
			want := entitiesOf(issues, c.within)
			list, _, _, _, err := tx.FindEntities(ctx, c.scopes, false, nil, "", "", 1000)
			if err != nil {
				return err
			}
			check("within a scope", list, want)
			// A query by which fewer issues are looked at keeps within, too.
			list, _, _, _, err = tx.FindEntities(ctx, c.scopes, false, parse(t, filter.Entities, "entity:ip=203.0.113.0,203.0.113.1,203.0.113.2"), "", "", 1000)
			for _, e := range list {
				if want[e.Entity] == nil {
					t.Errorf("%v is told of within %v", e.Entity, c.scopes)
				}
			}
			if err != nil {
				return err
			}
		}
		if _, _, _, _, err := tx.FindEntities(ctx, nil, true, nil, "-seen", "bm9uZQ", 7); !errors.Is(err, store.ErrCursor) {
			t.Errorf("a cursor that is none: %v", err)
		}
		if _, _, _, _, err := tx.FindEntities(ctx, nil, true, parse(t, filter.Issues, "status:open"), "", "", 7); err == nil {
			t.Error("a query of issues asks for entities")
		}
		return nil
	})
}

// entityOrder compares by what a sort says alone.
func entityOrder(sort string) func(a, b store.EntityRow) int {
	name := strings.TrimPrefix(sort, "-")
	return func(a, b store.EntityRow) int {
		if name != sort {
			a, b = b, a
		}
		switch name {
		case "seen":
			return a.Last.Compare(b.Last)
		case "first":
			return a.First.Compare(b.First)
		case "issues":
			return int(a.Issues - b.Issues)
		case "findings":
			return int(a.Findings - b.Findings)
		case "type":
			return strings.Compare(a.Entity.Type, b.Entity.Type)
		}
		return strings.Compare(filter.Fold(a.Entity.ID), filter.Fold(b.Entity.ID))
	}
}
