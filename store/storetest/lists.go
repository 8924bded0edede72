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

var listCases = []testCase{
	{"lists/issues", testFindIssues},
	{"lists/issue-scopes", testIssueScopes},
	{"lists/issue-text", testIssueText},
	{"lists/findings", testFindFindings},
	{"lists/finding-changes", testFindingChanges},
}

// listIssues are issues that differ in everything that a list can be asked by.
func listIssues() []*yagura.Issue {
	titles := [][2]string{{"Root signed in", "ルートがサインインした"}, {"Log was stopped", "監査ログが停止された"}, {"Bucket is public", "バケットの権限が公開になった"}, {"100%_odd \\ title", ""}}
	var out []*yagura.Issue
	for i := range 40 {
		x := Issue(name("cause", i))
		x.ID = fmt.Sprintf("01J%023d", i)
		x.Title, x.TitleJA = titles[i%4][0], titles[i%4][1]
		x.Rule = yagura.RuleRef{ID: name("rule", i%4), Title: titles[i%4][0], Engine: []yagura.Engine{yagura.EngineSigma, yagura.EngineKQL}[i%2], Tags: []string{"attack.t1078.004", []string{"attack.t1098", "attack.persistence"}[i%2]}}
		x.Severity = yagura.Severities()[i%5]
		x.Status = []yagura.Status{yagura.StatusOpen, yagura.StatusAcknowledged, yagura.StatusClosed}[i%3]
		x.Kind = []yagura.Kind{yagura.Posture, yagura.Behaviour}[i%2]
		x.Episode = 1 + i%3
		x.Format = []string{"aws.cloudtrail", "aws.guardduty", "gcp.audit"}[i%3]
		x.Account = []string{"111122223333", "Project-X", ""}[i%3]
		if x.Account != "" {
			x.AccountInfo = yagura.AccountInfo{ID: x.Account, Name: "本番 " + x.Account, Organisation: []string{"acme", "globex"}[i%2], Owner: "Payments", Environment: []string{"prod", ""}[i%2]}
		}
		x.Actor = yagura.Actor{ID: "AIDA" + fmt.Sprint(i%7), Name: "mary"}
		x.Entities = []yagura.Entity{{Type: "user", ID: "Mary_" + fmt.Sprint(i%7)}, {Type: "ip", ID: fmt.Sprintf("203.0.113.%d", i)}, {Type: "resource", ID: "arn:aws:s3:::Bucket"}}
		if i%4 == 0 {
			x.Entities = append(x.Entities, yagura.Entity{Type: "ip", ID: "2001:db8::1"})
			x.Labels = []string{"Known", "漏洩"}
			x.Assignee = "user:Mary@example.com"
			x.Conclusion, x.CloseReason = yagura.ConcludedBenign, yagura.ClosedByHuman
			x.Acked, x.Closed = at(100+i), at(200+i)
			x.SuppressedUntil = at([]int{-5, 5000}[i/4%2])
			x.Routes = []string{"slack", "github"}
			x.Flapping = true
			x.Umbrella = "01J00000000000000000000001"
		}
		x.Opened, x.Updated, x.FirstSeen, x.LastSeen = at(i*7%40), at(i*11%40), at(i*13%40), at(1000+i*3%40)
		x.Count = uint64(i * 17 % 40)
		x.Latest = &yagura.Finding{Rule: x.Rule, Severity: x.Severity, Event: yagura.EventRef{Region: []string{"eu-west-1", "ap-northeast-1"}[i%2], SrcIP: "198.51.100." + fmt.Sprint(i)}, Entities: []yagura.Entity{}, Why: []yagura.Why{}}
		out = append(out, x)
	}
	return out
}

// issueRow gives the cells of an issue by what the fields of [filter.Issues] mean.
func issueRow(x *yagura.Issue, now time.Time) filter.Row {
	return func(field string) []any {
		texts := func(list ...string) (out []any) {
			for _, s := range list {
				out = append(out, s)
			}
			return out
		}
		switch field {
		case "":
			out := texts(x.ID, x.Title, x.TitleJA, x.CauseKey, x.Rule.ID, x.Rule.Title, x.Account, x.AccountInfo.Name, x.Actor.ID, x.Actor.Name, x.Assignee)
			for _, e := range x.Entities {
				out = append(out, e.ID)
			}
			return append(out, texts(x.Labels...)...)
		case "id":
			return texts(x.ID)
		case "status":
			if x.Status == yagura.StatusOpen && x.Episode > 1 {
				return texts("open", "reopened")
			}
			return texts(string(x.Status))
		case "severity":
			return []any{x.Severity}
		case "conclusion":
			return texts(string(x.Conclusion))
		case "kind":
			return texts(string(x.Kind))
		case "engine":
			return texts(string(x.Rule.Engine))
		case "account":
			return texts(x.Account, x.AccountInfo.Name)
		case "tenant":
			return texts(x.AccountInfo.Organisation)
		case "owner":
			return texts(x.AccountInfo.Owner)
		case "environment":
			return texts(x.AccountInfo.Environment)
		case "rule":
			return texts(x.Rule.ID, x.Rule.Title)
		case "technique":
			out := []any{}
			for _, tag := range x.Rule.Tags {
				if strings.HasPrefix(tag, "attack.t1") {
					out = append(out, strings.TrimPrefix(tag, "attack."))
				}
			}
			return out
		case "format":
			return texts(x.Format)
		case "title":
			return texts(x.Title, x.TitleJA)
		case "entity":
			var out []any
			for _, e := range x.Entities {
				out = append(out, e)
			}
			return out
		case "actor":
			return texts(x.Actor.ID, x.Actor.Name)
		case "ip":
			out := texts(x.Latest.Event.SrcIP)
			for _, e := range x.Entities {
				if e.Type == "ip" {
					out = append(out, e.ID)
				}
			}
			return out
		case "region":
			return texts(x.Latest.Event.Region)
		case "label":
			return texts(x.Labels...)
		case "assignee":
			return texts(x.Assignee)
		case "seen":
			return []any{x.LastSeen}
		case "first":
			return []any{x.FirstSeen}
		case "opened":
			return []any{x.Opened}
		case "updated":
			return []any{x.Updated}
		case "acked":
			return []any{x.Acked}
		case "closed":
			return []any{x.Closed}
		case "count":
			return []any{x.Count}
		case "episode":
			return []any{x.Episode}
		case "reason":
			return texts(string(x.CloseReason))
		case "suppressed":
			return []any{x.SuppressedUntil.After(now)}
		case "flapping":
			return []any{x.Flapping}
		case "cause":
			return texts(x.CauseKey)
		case "umbrella":
			return texts(x.Umbrella)
		case "sink":
			return texts(x.Routes...)
		}
		return nil
	}
}

// samples are queries of a field, by its kind, made of values that rows have.
func samples(f *filter.Field, rows []filter.Row) []string {
	out := []string{f.Name + ":*", f.Name + ":none"}
	quote := func(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
	met := map[string]bool{}
	add := func(q string) {
		if !met[q] && len(met) < 40 {
			met[q] = true
			out = append(out, q)
		}
	}
	for _, row := range rows {
		for _, cell := range row(f.Name) {
			switch c := cell.(type) {
			case time.Time:
				if !c.IsZero() {
					s := c.Format("2006-01-02T15:04:05Z")
					add(f.Name + ":>" + s)
					add(f.Name + ":<=" + s)
					add(f.Name + ":" + s)
				}
			case yagura.Severity:
				add(f.Name + ":>=" + c.String())
				add(f.Name + ":" + c.String())
			case yagura.Entity:
				add(f.Name + ":" + quote(c.ID))
				add(f.Name + ":" + c.Type + "=" + quote(c.ID))
				add(f.Name + ":" + c.ID[:3] + "*")
			case bool:
				add(f.Name + ":yes")
				add(f.Name + ":no")
			case string:
				if c == "" {
					continue
				}
				add(f.Name + ":" + quote(c))
				add(f.Name + ":" + quote(strings.ToUpper(c)))
				if f.Kind == filter.Text || f.Kind == filter.Address {
					r := []rune(c)
					add(f.Name + ":" + quote(string(r[:len(r)/2])) + "*")
					add(f.Name + ":*" + quote(string(r[len(r)/3:])))
				}
				if f.Under != "" {
					before, _, _ := strings.Cut(c, f.Under)
					add(f.Name + ":" + quote(before))
				}
			default:
				add(fmt.Sprintf("%s:%v", f.Name, c))
				add(fmt.Sprintf("%s:>%v", f.Name, c))
				add(fmt.Sprintf("%s:%v..30", f.Name, c))
			}
		}
	}
	if f.Kind == filter.Address {
		add(f.Name + ":203.0.113.0/28")
		add(f.Name + ":2001:db8::/32")
		add(f.Name + ":198.51.0.0/16")
	}
	var negated []string
	for _, q := range out {
		negated = append(negated, "-"+q)
	}
	return append(out, negated...)
}

// parse reads a query that is asked at the epoch of the tests. A value that the field does not
// take is skipped.
func parse(t *testing.T, l *filter.List, text string) *filter.Query {
	t.Helper()
	q, err := filter.Parse(l, text)
	if err != nil {
		return nil
	}
	return q.At(at(3000), time.UTC)
}

func fileIssues(t *testing.T, db *store.DB) []*yagura.Issue {
	t.Helper()
	issues := listIssues()
	update(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.PutIssues(ctx, issues) })
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.IndexIssues(ctx, 20) // one half
		return err
	})
	return issues
}

// testFindIssues asks by every field of the list, in every order, and wants what filter says.
func testFindIssues(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(3000)})
	issues := fileIssues(t, db)
	rows := make([]filter.Row, len(issues))
	for i, x := range issues {
		rows[i] = issueRow(x, at(3000))
	}
	all := 0
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		for i := range filter.Issues.Fields {
			f := &filter.Issues.Fields[i]
			asked := 0
			for _, text := range samples(f, rows) {
				q := parse(t, filter.Issues, text)
				if q == nil {
					continue
				}
				asked++
				var want, got []string
				for j, x := range issues {
					if q.Match(rows[j]) {
						want = append(want, x.ID)
					}
				}
				list, next, err := tx.FindIssues(ctx, nil, true, q, "", "", 1000)
				if err != nil || next != "" {
					t.Fatalf("%s: %v, next %q", text, err, next)
				}
				for _, x := range list {
					got = append(got, x.ID)
				}
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("%s: got %d, want %d: %v, %v", text, len(got), len(want), got, want)
				}
				n, exact, err := tx.CountIssues(ctx, nil, true, q, 10000)
				if n != int64(len(want)) || !exact || err != nil {
					t.Errorf("%s: counted %d, want %d (%v)", text, n, len(want), err)
				}
			}
			if asked < 4 {
				t.Errorf("%s: only %d queries could be asked", f.Name, asked)
			}
			all += asked
		}
		return nil
	})
	t.Logf("%d queries", all)
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		for _, usual := range filter.Issues.Sorts {
			for _, sort := range []string{strings.TrimPrefix(usual, "-"), "-" + strings.TrimPrefix(usual, "-")} {
				for _, text := range []string{"", "severity:>=low"} {
					whole, _, err := tx.FindIssues(ctx, nil, true, parse(t, filter.Issues, text), sort, "", 1000)
					if err != nil {
						t.Fatalf("%s: %v", sort, err)
					}
					var paged []yagura.Issue
					for after := ""; ; {
						list, next, err := tx.FindIssues(ctx, nil, true, parse(t, filter.Issues, text), sort, after, 7)
						if err != nil {
							t.Fatalf("%s: %v", sort, err)
						}
						paged = append(paged, list...)
						if after = next; next == "" {
							break
						}
					}
					if len(paged) != len(whole) || text == "" && len(whole) != len(issues) {
						t.Errorf("%s %q: %d in pages, %d at once", sort, text, len(paged), len(whole))
						continue
					}
					for i := range whole {
						if whole[i].ID != paged[i].ID {
							t.Errorf("%s %q: row %d differs", sort, text, i)
							break
						}
					}
					if !slices.IsSortedFunc(whole, issueOrder(sort)) {
						t.Errorf("%s %q: not in order", sort, text)
					}
				}
			}
		}
		if _, _, err := tx.FindIssues(ctx, nil, true, nil, "-severity", "bm9uZQ", 7); err == nil {
			t.Error("a cursor that is none")
		}
		facets, err := tx.IssueFacets(ctx, nil, true, parse(t, filter.Issues, "account:111122223333"))
		if err != nil {
			return err
		}
		if len(facets.Account) != 1 || facets.Account[0].Value != "111122223333" || facets.Account[0].N != 14 || len(facets.Rule) != 4 || facets.Rule[0].Title == "" || len(facets.Severity) != 5 || facets.Status[0].Value != "open" {
			t.Errorf("facets: %+v", facets)
		}
		return nil
	})
}

func issueOrder(sort string) func(a, b yagura.Issue) int {
	key, down := strings.CutPrefix(sort, "-")
	return func(a, b yagura.Issue) int {
		c := 0
		switch key {
		case "updated":
			c = a.Updated.Compare(b.Updated)
		case "severity":
			c = int(a.Severity) - int(b.Severity)
		case "seen":
			c = a.LastSeen.Compare(b.LastSeen)
		case "first":
			c = a.FirstSeen.Compare(b.FirstSeen)
		case "opened":
			c = a.Opened.Compare(b.Opened)
		case "count":
			c = int(a.Count) - int(b.Count)
		case "status":
			rank := map[yagura.Status]int{"open": 0, "acknowledged": 1, "closed": 2}
			c = rank[a.Status] - rank[b.Status]
		case "title":
			c = strings.Compare(filter.Fold(a.Title), filter.Fold(b.Title))
		case "account":
			c = strings.Compare(filter.Fold(a.Account), filter.Fold(b.Account))
		case "rule":
			c = strings.Compare(a.Rule.ID, b.Rule.ID)
		case "assignee":
			c = strings.Compare(filter.Fold(a.Assignee), filter.Fold(b.Assignee))
		}
		if down {
			return -c
		}
		return c
	}
}

// scopeCases are scopes, with what within them is of the accounts and formats of the tests.
var scopeCases = []struct {
	name   string
	scopes []yagura.Scope
	holds  func(account, format string) bool
}{
	{"nothing", nil, func(string, string) bool { return false }},
	{"an account", []yagura.Scope{{Accounts: []string{"111122223333"}}}, func(a, _ string) bool { return a == "111122223333" }},
	{"an account in other letters", []yagura.Scope{{Accounts: []string{"project-x"}}}, func(a, _ string) bool { return a == "project-x" }},
	{"no account", []yagura.Scope{{Accounts: []string{""}}}, func(string, string) bool { return false }},
	{"a tenant without accounts", []yagura.Scope{{Tenants: []string{"acme"}}}, func(string, string) bool { return false }},
	{"a format", []yagura.Scope{{Formats: []string{"gcp.audit"}}}, func(_, f string) bool { return f == "gcp.audit" }},
	{"part of a format", []yagura.Scope{{Formats: []string{"aws"}}}, func(string, string) bool { return false }},
	{"an account and a format", []yagura.Scope{{Accounts: []string{"Project-X"}, Formats: []string{"aws.guardduty"}}}, func(a, f string) bool { return a == "Project-X" && f == "aws.guardduty" }},
	{"either of two", []yagura.Scope{{Accounts: []string{"Project-X"}}, {Formats: []string{"gcp.audit"}}}, func(a, f string) bool { return a == "Project-X" || f == "gcp.audit" }},
}

// widening are queries that try to see more than a scope allows.
var widening = []string{"", "account:*", "account:none", "-account:111122223333", "account:none,*,Project-X", "format:aws,gcp", "-format:nothing", `"1' OR 1=1 --"`,
	`-"') OR (1=1"`, "entity:*", "-entity:none", "severity:>=none", "title:*", "-rule:x", "ip:0.0.0.0/0", "tenant:acme,globex", "-tenant:none", `-"1111"`, `"a"`}

// testIssueScopes: whatever is asked, what is out of the scopes is not seen, counted, or a
// facet.
func testIssueScopes(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(3000)})
	issues := fileIssues(t, db)
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		for _, c := range scopeCases {
			for _, text := range widening {
				q := parse(t, filter.Issues, text)
				if q == nil {
					t.Fatalf("%s is no query", text)
				}
				want := 0
				for _, x := range issues {
					if c.holds(x.Account, x.Format) && q.Match(issueRow(x, at(3000))) {
						want++
					}
				}
				list, _, err := tx.FindIssues(ctx, c.scopes, false, q, "", "", 1000)
				if err != nil {
					t.Fatalf("%s: %s: %v", c.name, text, err)
				}
				for _, x := range list {
					if !c.holds(x.Account, x.Format) {
						t.Errorf("%s: %s: issue of %q, %s is seen", c.name, text, x.Account, x.Format)
					}
				}
				n, _, err := tx.CountIssues(ctx, c.scopes, false, q, 1000)
				if len(list) != want || n != int64(want) || err != nil {
					t.Errorf("%s: %s: %d listed, %d counted, want %d (%v)", c.name, text, len(list), n, want, err)
				}
				facets, err := tx.IssueFacets(ctx, c.scopes, false, q)
				sum := int64(0)
				for _, f := range facets.Severity {
					sum += f.N
				}
				if sum != int64(want) || err != nil {
					t.Errorf("%s: %s: facets of %d, want %d (%v)", c.name, text, sum, want, err)
				}
			}
		}
		return nil
	})
}

// testIssueText: free text finds any part of any text, whether it is indexed yet or not.
func testIssueText(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(3000)})
	issues := fileIssues(t, db)
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddEntries(ctx, []yagura.Entry{
			{IssueID: issues[1].ID, What: yagura.EntryNote, At: at(0), Text: "顧客情報の漏洩ではなかった。ＡＷＳに確認済み"},
			{IssueID: issues[30].ID, What: yagura.EntryNote, At: at(0), Text: "Rotated AKIAIOSFODNN7EXAMPLE by hand"},
			{IssueID: "of no issue", What: yagura.EntryNote, At: at(0), Text: "lost"},
		})
	})
	ask := func(text string, want int) {
		t.Helper()
		view(t, db, func(ctx context.Context, tx *store.Tx) error {
			q := parse(t, filter.Issues, text)
			list, _, err := tx.FindIssues(ctx, nil, true, q, "", "", 1000)
			if len(list) != want || err != nil {
				t.Errorf("%s: %d found, want %d (%v)", text, len(list), want, err)
			}
			return nil
		})
	}
	for range 2 {
		ask("権限", 10)
		ask("監査", 10)
		ask("漏洩", 11) // ten labels and a note
		ask("aws", 40)
		ask(`"ａｗｓに確認"`, 1)
		ask("akiaiosfodnn7", 1)
		ask("FODNN7EX", 1)
		ask("AKIAIOSFODNN8", 0)
		ask("公", 10)
		ask(`"100%_odd \\ t"`, 10)
		ask("停止 log", 10)
		ask("-停止", 30)
		ask("lost", 0)
		update(t, db, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.IndexIssues(ctx, 1000)
			return err
		})
	}
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		x, err := tx.Issue(ctx, issues[2].ID, store.Change)
		if err != nil {
			return err
		}
		x.Title, x.TitleJA, x.Version = "Renamed", "改名された", x.Version+1
		return tx.PutIssue(ctx, x)
	})
	for range 2 {
		ask("権限", 9)
		ask("改名", 1)
		update(t, db, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.IndexIssues(ctx, 1000)
			return err
		})
	}
}
