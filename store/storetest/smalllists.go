package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/store"
)

var smallListCases = []testCase{
	{"lists/small", testSmallLists},
	{"lists/overview", testOverview},
}

// testSmallLists asks every list that is read in the order of its ids by every field and in
// every order, through pages.
func testSmallLists(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(3000)})
	issues := fileIssues(t, db)
	update(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
		for i := range 12 {
			u := person(name("u", i), fmt.Sprintf("p%02d@example.com", i*5%12))
			u.SignedIn, u.Created, u.Disabled, u.Groups, u.Via = at(i*7%12), at(i), i%3 == 0, []string{"sec"}, []string{"local", "okta"}[i%2]
			k := yagura.Token{ID: name("t", i), Name: fmt.Sprint("ci-", i*5%12), Bindings: u.Bindings, Created: at(i), CreatedBy: "user:mary", Expires: at(2990 + 2*i), Used: at(i * 7 % 12)}
			if i == 3 {
				k.Revoked, k.Certificate = at(1), "c"
			}
			v := yagura.View{ID: name("v", i), Name: fmt.Sprint("view ", i*5%12), List: "issues", Query: "漏洩", Owner: []string{"u", "w"}[i%2], Shared: i%4 == 1, Updated: at(i)}
			d := yagura.DeadLetter{ID: name("d", i), Source: []string{"hub", "trail"}[i%2], Object: "o", Format: []string{"gcp.audit", "aws.config", ""}[i%3], Reason: "eventTime: 壊れた", Bytes: []byte(fmt.Sprintf(`{"権限":%d}`, i)), Size: int64(i * 5 % 12), At: at(i)}
			n := Notice("slack", issues[i], yagura.OpOpen, "")
			n.ID, n.Created = fmt.Sprintf("01J%023d", i), at(i)
			err = errors.Join(err, tx.PutUser(ctx, &u), tx.AddToken(ctx, store.Secret{byte(i)}, &k), tx.PutView(ctx, &v), tx.PutDead(ctx, []yagura.DeadLetter{d}), tx.Owe(ctx, []yagura.Notice{n}),
				tx.AddAudit(ctx, &yagura.Audit{Who: "user:mary@example.com", What: []string{"issue.close", "sign_in"}[i%2], On: fmt.Sprint("issue/", i), Outcome: "done", From: fmt.Sprint("192.0.2.", i), Detail: "監査"}))
		}
		return errors.Join(err, tx.Owe(ctx, []yagura.Notice{Notice("slack", nil, yagura.OpDigest, "digest")}))
	})
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		nowhere := []yagura.Scope{{Accounts: []string{"999"}}}
		own := []yagura.Scope{{Accounts: []string{"111122223333"}}}
		gcp := []yagura.Scope{{Formats: []string{"gcp.audit"}}}
		finds := map[*filter.List]func(q *filter.Query, sort, after string, limit int) ([]string, string, error){
			filter.Users: func(q *filter.Query, sort, after string, limit int) ([]string, string, error) {
				list, next, err := tx.FindUsers(ctx, q, sort, after, limit)
				return idsOf(list, func(u yagura.User) string { return u.ID }), next, err
			},
			filter.Tokens: func(q *filter.Query, sort, after string, limit int) ([]string, string, error) {
				list, next, err := tx.FindTokens(ctx, q, sort, after, limit)
				return idsOf(list, func(u yagura.Token) string { return u.ID }), next, err
			},
			filter.Views: func(q *filter.Query, sort, after string, limit int) ([]string, string, error) {
				list, next, err := tx.FindViews(ctx, "u", q, sort, after, limit)
				return idsOf(list, func(u yagura.View) string { return u.ID }), next, err
			},
			filter.AuditTrail: func(q *filter.Query, sort, after string, limit int) ([]string, string, error) {
				list, next, err := tx.FindAudit(ctx, q, sort, after, limit)
				return idsOf(list, func(u yagura.Audit) string { return fmt.Sprintf("%05d", u.Seq) }), next, err
			},
			filter.Notices: func(q *filter.Query, sort, after string, limit int) ([]string, string, error) {
				list, next, err := tx.FindNotices(ctx, nil, true, q, sort, after, limit)
				return idsOf(list, func(u yagura.Owed) string { return u.Notice.ID }), next, err
			},
			filter.DeadLetters: func(q *filter.Query, sort, after string, limit int) ([]string, string, error) {
				list, next, err := tx.FindDeadLetters(ctx, nil, true, q, sort, after, limit)
				return idsOf(list, func(u yagura.DeadLetter) string { return u.ID }), next, err
			},
		}
		sizes := map[*filter.List]int{filter.Users: 12, filter.Tokens: 12, filter.Views: 9, filter.AuditTrail: 12, filter.Notices: 13, filter.DeadLetters: 12}
		for l, find := range finds {
			for _, usual := range l.Sorts {
				var down, up []string
				for _, sort := range []string{"-" + strings.TrimPrefix(usual, "-"), strings.TrimPrefix(usual, "-")} {
					var paged []string
					for after := ""; ; {
						ids, next, err := find(nil, sort, after, 5)
						if err != nil {
							t.Fatalf("%s by %s: %v", l.Name, sort, err)
						}
						paged = append(paged, ids...)
						if after = next; next == "" {
							break
						}
					}
					if len(paged) != sizes[l] || len(slices.Compact(slices.Sorted(slices.Values(paged)))) != sizes[l] {
						t.Errorf("%s by %s: %v, want %d", l.Name, sort, paged, sizes[l])
					}
					down, up = up, paged
				}
				slices.Reverse(up)
				if !slices.Equal(down, up) {
					t.Errorf("%s by %s: one direction is not the other turned round", l.Name, usual)
				}
			}
			// Of each field somebody has a value, or nobody has: together they are all.
			for i := range l.Fields {
				f := l.Fields[i].Name
				sum := 0
				for _, text := range []string{f + ":*", "-" + f + ":*"} {
					ids, _, err := find(parse(t, l, text), "", "", 1000)
					if err != nil {
						t.Errorf("%s %s: %v", l.Name, text, err)
					}
					if sum += len(ids); text[0] != '-' && len(ids) == 0 && l != filter.Notices && f != "email" && f != "request" && f != "created" {
						t.Errorf("%s: nobody has a value of %s", l.Name, f)
					}
				}
				if sum != sizes[l] {
					t.Errorf("%s: %s and its opposite hold for %d, want %d", l.Name, f, sum, sizes[l])
				}
			}
			if _, _, err := find(nil, "", "bm9uZQ", 5); err == nil {
				t.Errorf("%s: a cursor that is none", l.Name)
			}
		}
		for _, c := range []struct {
			l    *filter.List
			text string
			want int
		}{
			{filter.Users, "name:p05@example.com", 1}, {filter.Users, "role:analyst via:okta", 6}, {filter.Users, "監査", 12}, {filter.Users, "disabled:yes", 4},
			{filter.Tokens, "state:revoked", 1}, {filter.Tokens, "state:expired", 5}, {filter.Tokens, "state:active", 6}, {filter.Tokens, "bound:yes by:mary", 1},
			{filter.Views, "漏洩", 9}, {filter.Views, "shared:yes", 3}, {filter.AuditTrail, "what:issue", 6}, {filter.AuditTrail, "who:mary@example.com from:192.0.2.0/30", 4},
			{filter.Notices, "state:waiting", 13}, {filter.Notices, "op:digest", 1}, {filter.Notices, "issue:" + issues[3].ID, 1},
			{filter.DeadLetters, `"権限\":7"`, 1}, {filter.DeadLetters, "source:hub retried:no", 6}, {filter.DeadLetters, "size:>=10", 2},
		} {
			q := parse(t, c.l, c.text)
			if q == nil {
				t.Fatalf("%s is no query", c.text)
			}
			ids, _, err := finds[c.l](q, "", "", 100)
			if len(ids) != c.want || err != nil {
				t.Errorf("%s %s: %v, want %d (%v)", c.l.Name, c.text, ids, c.want, err)
			}
		}
		for _, c := range []struct {
			scopes        []yagura.Scope
			notices, dead int
		}{{nil, 0, 0}, {nowhere, 0, 0}, {own, 4, 0}, {gcp, 4, 4}, {append(slices.Clone(own), gcp...), 8, 4}} {
			notices, _, err := tx.FindNotices(ctx, c.scopes, false, nil, "", "", 100)
			dead, _, err2 := tx.FindDeadLetters(ctx, c.scopes, false, nil, "", "", 100)
			if len(notices) != c.notices || len(dead) != c.dead || err != nil || err2 != nil {
				t.Errorf("%+v: %d notices, %d dead letters, want %d and %d (%v, %v)", c.scopes, len(notices), len(dead), c.notices, c.dead, err, err2)
			}
		}
		return nil
	})
}

func idsOf[T any](list []T, id func(T) string) (out []string) {
	for _, x := range list {
		out = append(out, id(x))
	}
	return out
}

// testOverview adds up what the first page of the console shows, beside what was put there.
func testOverview(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(3000)})
	issues := fileIssues(t, db)
	filed := listFindings(1024 + 50)
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.PutFindings(ctx, filed)
		return err
	})
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.IndexFindings(ctx)
		return err
	})
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		for _, c := range scopeCases {
			var open, acknowledged, quiet, since, took, found int64
			for _, x := range issues {
				if !c.holds(x.Account, x.Format) {
					continue
				}
				switch x.Status {
				case yagura.StatusOpen:
					open++
				case yagura.StatusAcknowledged:
					acknowledged++
				}
				if x.Status != yagura.StatusClosed && x.SuppressedUntil.After(at(3000)) {
					quiet++
				}
				if !x.Opened.Before(at(20)) {
					since++
				}
				if !x.Acked.Before(at(110)) {
					took++
				}
			}
			for i := range filed {
				if c.holds(filed[i].Finding.Event.Account, filed[i].Finding.Format) {
					found++
				}
			}
			counts, err := tx.OpenCounts(ctx, c.scopes, false)
			var sum store.OpenCount
			for _, n := range counts {
				sum.Open, sum.Acknowledged, sum.Suppressed = sum.Open+n.Open, sum.Acknowledged+n.Acknowledged, sum.Suppressed+n.Suppressed
			}
			if len(counts) != 5 || counts[0].Severity != yagura.SeverityCritical || sum.Open != open || sum.Acknowledged != acknowledged || sum.Suppressed != quiet || err != nil {
				t.Errorf("%s: %+v, want %d open, %d acknowledged, %d quiet (%v)", c.name, counts, open, acknowledged, quiet, err)
			}
			if n, err := tx.OpenedSince(ctx, c.scopes, false, at(20)); n != since || err != nil {
				t.Errorf("%s: %d opened since, want %d (%v)", c.name, n, since, err)
			}
			times, err := tx.AckTimes(ctx, c.scopes, false, at(110))
			if len(times) != 6 || times[0].N != took || err != nil {
				t.Errorf("%s: %+v, want %d (%v)", c.name, times, took, err)
			}
			hours, err := tx.FindingHours(ctx, c.scopes, false, at(-86400), at(86400))
			n := int64(0)
			for _, h := range hours {
				n += h.N
			}
			if n != found || err != nil {
				t.Errorf("%s: %d findings by the hour, want %d (%v)", c.name, n, found, err)
			}
			rules, err := tx.FindingRules(ctx, c.scopes, false, at(-86400).Truncate(24*time.Hour))
			n = 0
			for _, r := range rules {
				n += r.Findings
			}
			if n != found || err != nil {
				t.Errorf("%s: %d findings by rule, want %d (%v)", c.name, n, found, err)
			}
			accounts, err := tx.AccountCounts(ctx, c.scopes, false, at(-86400).Truncate(24*time.Hour))
			n = 0
			for i, a := range accounts {
				if n, open = n+a.Findings, open-a.Open; i > 0 && a.Account <= accounts[i-1].Account {
					t.Errorf("%s: account %q stands behind %q", c.name, a.Account, accounts[i-1].Account)
				}
			}
			if open += acknowledged; n != found || open != 0 || err != nil {
				t.Errorf("%s: %d findings by account, want %d, and %d open issues too few (%v)", c.name, n, found, open, err)
			}
		}
		times, err := tx.AckTimes(ctx, nil, true, at(0))
		// Ten were taken on, the i-th a hundred seconds and i after the epoch.
		var took []time.Duration
		for _, x := range issues {
			if !x.Acked.IsZero() {
				took = append(took, x.Acked.Sub(x.Opened))
			}
		}
		slices.Sort(took)
		if times[0].Median != took[4] || times[0].P90 != took[8] || err != nil {
			t.Errorf("times to take on: %+v, want %v and %v of %v (%v)", times[0], took[4], took[8], took, err)
		}
		return nil
	})
	// A finding that changes, or is taken back, is not counted again.
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		grown := filed[3]
		grown.Finding.Events = append(slices.Clone(grown.Finding.Events), "more")
		if _, err := tx.PutFindings(ctx, []yagura.Filed{grown}); err != nil {
			return err
		}
		hours, err := tx.FindingHours(ctx, nil, true, at(-86400), at(86400))
		n := int64(0)
		for _, h := range hours {
			n += h.N
		}
		if n != int64(len(filed)) {
			t.Errorf("%d findings by the hour, want %d", n, len(filed))
		}
		return err
	})
}
