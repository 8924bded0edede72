package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/store"
)

// listFindings are findings that differ in everything that a list can be asked by.
func listFindings(n int) []yagura.Filed {
	issues := listIssues()
	var out []yagura.Filed
	for i := range n {
		x := issues[i%len(issues)]
		f := Filed(fmt.Sprintf("f%04dA", i), []string{x.ID, ""}[i%2])
		f.Finding.Rule, f.Finding.Format, f.Severity, f.Suppressed = x.Rule, x.Format, x.Severity, i%5 == 0
		f.Finding.Kind, f.Finding.Retro, f.Finding.Mode = x.Kind, i%7 == 0, []string{"", "count"}[i%2]
		f.Finding.Source = []string{"trail", "hub"}[i%2]
		f.Finding.Event = yagura.EventRef{ID: fmt.Sprint("E-", i), Key: yagura.Key{byte(i), byte(i >> 8)}, Account: x.Account, Region: x.Latest.Event.Region,
			Action: []string{"ConsoleLogin", "StopLogging"}[i%2], Actor: x.Actor, SrcIP: fmt.Sprintf("198.51.100.%d", i%256), Outcome: []string{"success", "failure"}[i%2]}
		f.Finding.Events = []string{f.Finding.Event.ID, fmt.Sprint("second-", i)}
		f.Finding.Entities = x.Entities
		f.Finding.Output = fmt.Sprintf("%s by Mary from %s: 監査 %d", x.Title, f.Finding.Event.SrcIP, i)
		f.Finding.Why = []yagura.Why{{Field: "eventName", Op: "equals", Value: "v", Actual: fmt.Sprintf("権限 %d", i%3)}}
		f.Finding.Time, f.Seen = at(i*7%n), at(i*3%n)
		out = append(out, f)
	}
	return out
}

// findingRow gives the cells of a finding by what the fields of [filter.Findings] mean.
func findingRow(f *yagura.Filed, info yagura.AccountInfo) filter.Row {
	x := &f.Finding
	is := &yagura.Issue{Rule: x.Rule, Account: x.Event.Account, Actor: x.Event.Actor, Entities: x.Entities, Format: x.Format, Severity: f.Severity, Kind: x.Kind,
		AccountInfo: info, Latest: &yagura.Finding{Event: x.Event}}
	return func(field string) []any {
		switch field {
		case "":
			out := []any{x.ID, x.Rule.ID, x.Rule.Title, x.Event.Account, x.Event.Actor.ID, x.Event.Actor.Name, x.Event.Action, x.Output, x.Event.ID, x.Event.Key.String(), f.IssueID}
			for _, w := range x.Why {
				out = append(out, w.Value, w.Actual)
			}
			for _, id := range x.Events {
				out = append(out, id)
			}
			for _, e := range x.Entities {
				out = append(out, e.ID)
			}
			return out
		case "id":
			return []any{x.ID}
		case "source":
			return []any{x.Source}
		case "time":
			return []any{x.Time}
		case "seen":
			return []any{f.Seen}
		case "action":
			return []any{x.Event.Action}
		case "outcome":
			return []any{x.Event.Outcome}
		case "title":
			return []any{x.Rule.Title}
		case "issue":
			return []any{f.IssueID}
		case "event":
			out := []any{x.Event.ID, x.Event.Key.String()}
			for _, id := range x.Events {
				out = append(out, id)
			}
			return out
		case "mode":
			if x.Mode == "" {
				return []any{"notify"}
			}
			return []any{x.Mode}
		case "suppressed":
			return []any{f.Suppressed}
		case "retro":
			return []any{x.Retro}
		}
		return issueRow(is, at(3000))(field)
	}
}

// testFindFindings asks by every field of the list, in every order, with findings on shelves,
// in blocks and waiting, and wants what filter says.
func testFindFindings(t *testing.T, open Open) {
	const all = 1024 + 96
	db := open(t, store.Options{Now: Clock(3000)})
	issues := fileIssues(t, db)
	infos := map[string]yagura.AccountInfo{}
	latest := map[string]time.Time{}
	for _, x := range issues {
		if x.Updated.After(latest[x.Account]) || latest[x.Account].IsZero() {
			infos[x.Account], latest[x.Account] = x.AccountInfo, x.Updated
		}
	}
	filed := listFindings(all)
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.PutFindings(ctx, filed)
		return err
	})
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		for i, want := range []int{1024, 0} {
			if n, err := tx.IndexFindings(ctx); n != want || err != nil {
				t.Errorf("block %d of %d findings: %v", i, n, err)
			}
		}
		return nil
	})
	rows := make([]filter.Row, all)
	for i := range filed {
		rows[i] = findingRow(&filed[i], infos[filed[i].Finding.Event.Account])
	}
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		check := func(text string) bool {
			q := parse(t, filter.Findings, text)
			if q == nil {
				return false
			}
			var want, got []string
			for i := range filed {
				if q.Match(rows[i]) {
					want = append(want, filed[i].Finding.ID)
				}
			}
			for after := ""; ; {
				list, next, err := tx.FindFindings(ctx, nil, true, q, "", after, 1000)
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				for _, f := range list {
					got = append(got, f.Finding.ID)
				}
				if after = next; next == "" {
					break
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: got %d, want %d", text, len(got), len(want))
			}
			if n, exact, err := tx.CountFindings(ctx, nil, true, q, 10000); n != int64(len(want)) || !exact || err != nil {
				t.Errorf("%s: counted %d, want %d (%v)", text, n, len(want), err)
			}
			return true
		}
		for i := range filter.Findings.Fields {
			f := &filter.Findings.Fields[i]
			asked := 0
			list := samples(f, rows[1010:1040])
			if len(list) > 16 {
				list = append(list[:10:10], list[len(list)-6:]...)
			}
			for _, text := range list {
				if check(text) {
					asked++
				}
			}
			if asked < 4 {
				t.Errorf("%s: only %d queries could be asked", f.Name, asked)
			}
		}
		for _, text := range []string{"権限", "監査", `"監査 77"`, `-"権限 1"`, "mary", `"from 198.51.100.7:"`, "e-55", "f0012a", `"s3:::bucket"`, "x", "severity:>=high 権限 account:111122223333 -retro:yes"} {
			if !check(text) {
				t.Errorf("%s: is no query", text)
			}
		}
		return nil
	})
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		for _, usual := range filter.Findings.Sorts {
			for _, sort := range []string{strings.TrimPrefix(usual, "-"), "-" + strings.TrimPrefix(usual, "-")} {
				var paged []yagura.Filed
				met := map[string]bool{}
				for after := ""; ; {
					list, next, err := tx.FindFindings(ctx, nil, true, parse(t, filter.Findings, "action:StopLogging"), sort, after, 150)
					if err != nil {
						t.Fatalf("%s: %v", sort, err)
					}
					for _, f := range list {
						met[f.Finding.ID] = true
					}
					paged = append(paged, list...)
					if after = next; next == "" {
						break
					}
				}
				if len(paged) != all/2 || len(met) != all/2 {
					t.Errorf("%s: %d in pages, %d different, want %d", sort, len(paged), len(met), all/2)
				}
				if !slices.IsSortedFunc(paged, findingOrder(sort)) {
					t.Errorf("%s: not in order", sort)
				}
			}
		}
		for _, c := range scopeCases {
			for _, text := range widening {
				q := parse(t, filter.Findings, text)
				if q == nil {
					t.Fatalf("%s is no query", text)
				}
				want := int64(0)
				for i := range filed {
					if x := &filed[i].Finding; c.holds(x.Event.Account, x.Format) && q.Match(rows[i]) {
						want++
					}
				}
				list, _, err := tx.FindFindings(ctx, c.scopes, false, q, "", "", 100)
				if err != nil {
					t.Fatalf("%s: %s: %v", c.name, text, err)
				}
				for _, f := range list {
					if !c.holds(f.Finding.Event.Account, f.Finding.Format) {
						t.Errorf("%s: %s: finding of %q, %s is seen", c.name, text, f.Finding.Event.Account, f.Finding.Format)
					}
				}
				n, _, err := tx.CountFindings(ctx, c.scopes, false, q, 10000)
				if int64(len(list)) != min(want, 100) || n != want || err != nil {
					t.Errorf("%s: %s: %d listed, %d counted, want %d (%v)", c.name, text, len(list), n, want, err)
				}
			}
		}
		return nil
	})
}

func findingOrder(sort string) func(a, b yagura.Filed) int {
	key, down := strings.CutPrefix(sort, "-")
	return func(a, b yagura.Filed) int {
		c := 0
		switch key {
		case "seen":
			c = a.Seen.Compare(b.Seen)
		case "time":
			c = a.Finding.Time.Compare(b.Finding.Time)
		case "severity":
			c = int(a.Severity) - int(b.Severity)
		case "rule":
			c = strings.Compare(a.Finding.Rule.ID, b.Finding.Rule.ID)
		case "account":
			c = strings.Compare(filter.Fold(a.Finding.Event.Account), filter.Fold(b.Finding.Event.Account))
		}
		if down {
			return -c
		}
		return c
	}
}

// testFindingChanges: a finding that grew, was taken back or holds again is listed as it is.
func testFindingChanges(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(3000)})
	filed := listFindings(1024)
	put := func(list ...yagura.Filed) {
		update(t, db, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PutFindings(ctx, list)
			return err
		})
	}
	seal := func() {
		update(t, db, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.IndexFindings(ctx)
			return err
		})
	}
	check := func(text string, want int) {
		t.Helper()
		view(t, db, func(ctx context.Context, tx *store.Tx) error {
			list, _, err := tx.FindFindings(ctx, nil, true, parse(t, filter.Findings, text), "", "", 1000)
			n, _, err2 := tx.CountFindings(ctx, nil, true, parse(t, filter.Findings, text), 10000)
			if len(list) != want || n != int64(want) || err != nil || err2 != nil {
				t.Errorf("%s: %d listed, %d counted, want %d (%v, %v)", text, len(list), n, want, err, err2)
			}
			return nil
		})
	}
	put(filed...)
	seal()
	grown := filed[5]
	grown.Finding.Output, grown.Finding.Events = "grown into ウィンドウ", append(slices.Clone(grown.Finding.Events), "more")
	put(grown)
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		return tx.Supersede(ctx, []string{filed[6].Finding.ID, filed[7].Finding.ID})
	})
	put(filed[7])
	filed2 := listFindings(1024 + 1030)[1024:]
	checkAll := func() {
		t.Helper()
		check("ウィン", 1)
		check("id:f0005a", 1)
		check("id:f0006a", 0)
		check("id:f0007a", 1)
		check(`"監査 5"`, 110)
	}
	checkAll()
	put(filed2...)
	seal()
	checkAll()
}
