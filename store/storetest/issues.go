package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/store"
)

var issueCases = []testCase{
	{"issues/life", testIssueLife},
	{"issues/aliases", testAliases},
	{"issues/counters", testCounters},
	{"issues/counts", testCounts},
	{"issues/list", testList},
	{"issues/timeline", testTimeline},
	{"issues/hostile text", testHostileIssues},
}

func putIssues(t *testing.T, db *store.DB, list ...*yagura.Issue) {
	t.Helper()
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		for _, x := range list {
			if err := tx.PutIssue(ctx, x); err != nil {
				return err
			}
		}
		return nil
	})
}

func issueOf(t *testing.T, db *store.DB, id string) (x *yagura.Issue) {
	t.Helper()
	view(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
		x, err = tx.Issue(ctx, id, store.NoLock)
		return err
	})
	return x
}

func testIssueLife(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	x := Issue("a")
	x.Count, x.FirstSeen, x.LastSeen = 2, at(1), at(2)
	f := Filed("1", x.ID).Finding
	x.Latest = &f
	putIssues(t, db, x)
	same(t, "new", x, issueOf(t, db, x.ID))

	// What is counted apart is not taken from the issue.
	next := *x
	next.Version, next.Status, next.Closed, next.CloseReason, next.Count, next.LastSeen = 2, yagura.StatusClosed, at(5), yagura.ClosedFixed, 99, at(99)
	putIssues(t, db, &next)
	next.Count, next.LastSeen = 2, at(2)
	same(t, "closed", &next, issueOf(t, db, x.ID))

	stale := *x
	stale.Version = 2
	err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error { return tx.PutIssue(ctx, &stale) })
	if !errors.Is(err, store.ErrMoved) {
		t.Errorf("a version that is there already: %v", err)
	}
	// One cause has one issue for its life, whatever its status.
	err = db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error { return tx.PutIssue(ctx, Issue("a")) })
	if err == nil {
		t.Error("a second issue of the cause is made")
	}
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		for _, lock := range []store.Lock{store.NoLock} {
			got, err := tx.IssuesByCause(ctx, []string{"a", "b", "a"}, lock)
			same(t, "by cause", map[string]*yagura.Issue{"a": &next}, got)
			if err != nil {
				return err
			}
		}
		if _, err := tx.Issue(ctx, "none", store.NoLock); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an issue that is not there: %v", err)
		}
		if _, err := tx.IssueByTicket(ctx, "s", "1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a ticket that is not there: %v", err)
		}
		return nil
	})
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.PutTicket(ctx, yagura.TicketRef{IssueID: x.ID, Sink: "s", Ref: "1", URL: "https://t/1"}); err != nil {
			return err
		}
		if err := tx.PutTicket(ctx, yagura.TicketRef{IssueID: x.ID, Sink: "s", Ref: "1"}); err != nil {
			return err
		}
		got, err := tx.IssueByTicket(ctx, "s", "1")
		same(t, "by ticket", &next, got)
		if err != nil {
			return err
		}
		ticket := []yagura.TicketRef{{IssueID: x.ID, Sink: "s", Ref: "1", URL: "https://t/1"}}
		list, err := tx.LiveTickets(ctx, "s", next.Updated.Add(time.Second), "", 5)
		same(t, "tickets of an issue that is long closed", []yagura.TicketRef(nil), list)
		if err != nil {
			return err
		}
		list, err = tx.LiveTickets(ctx, "s", next.Updated, "", 5)
		same(t, "tickets of an issue that was closed just now", ticket, list)
		if err != nil {
			return err
		}
		opened := next
		opened.Version, opened.Status = next.Version+1, yagura.StatusOpen
		if err := tx.PutIssue(ctx, &opened); err != nil {
			return err
		}
		list, err = tx.LiveTickets(ctx, "s", opened.Updated.Add(time.Second), "", 5)
		same(t, "tickets", ticket, list)
		return err
	})
	for i, bad := range []yagura.Issue{{CauseKey: "k", Version: 1, Severity: 1}, {ID: "i", Version: 1, Severity: 1}, {ID: "i", CauseKey: "k", Severity: 1}, {ID: "i", CauseKey: "k", Version: 1}} {
		if err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error { return tx.PutIssue(ctx, &bad) }); err == nil {
			t.Errorf("issue %d is taken", i)
		}
	}
}

// testCounters: the latest counter-event counts, and who asked for one holds its key, so
// that of two transactions at one moment the second knows what the first wrote.
func testCounters(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	last := func(ctx context.Context, tx *store.Tx, want time.Time) error {
		got, err := tx.LastCounter(ctx, "c")
		if err == nil && !got.Equal(want) {
			t.Errorf("the last was at %s, want %s", got, want)
		}
		return err
	}
	update(t, db, func(ctx context.Context, tx *store.Tx) error { return last(ctx, tx, time.Time{}) })
	update(t, db, func(ctx context.Context, tx *store.Tx) error { return last(ctx, tx, time.Time{}) })
	for _, when := range []time.Time{epoch.Add(time.Hour), epoch} {
		update(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.NoteCounter(ctx, "c", when) })
	}
	update(t, db, func(ctx context.Context, tx *store.Tx) error { return last(ctx, tx, epoch.Add(time.Hour)) })

	const rounds = 20
	for i := range rounds {
		when := epoch.Add(time.Duration(i+2) * time.Hour)
		cause := fmt.Sprintf("cause %d", i)
		var begun sync.WaitGroup
		begun.Add(1)
		done := make(chan error, 1)
		go func() {
			begun.Wait()
			done <- db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
				got, err := tx.LastCounter(ctx, "c")
				if err != nil {
					return err
				}
				known, err := tx.IssuesByCause(ctx, []string{cause}, store.NoLock)
				if !got.Equal(when) || known[cause] == nil {
					err = errors.Join(err, fmt.Errorf("round %d: it went on with the counter-event of %s, and the issue known: %t", i, got, known[cause] != nil))
				}
				return err
			})
		}()
		first := true
		update(t, db, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.LastCounter(ctx, "c"); err != nil {
				return err
			}
			if first {
				begun.Done()
				first = false
			}
			if err := tx.NoteCounter(ctx, "c", when); err != nil {
				return err
			}
			return tx.PutIssue(ctx, Issue(cause))
		})
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func testAliases(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	a, b := Issue("v2/a"), Issue("v2/b")
	putIssues(t, db, a, b)
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.PutAlias(ctx, "v1/a", a.ID); err != nil {
			return err
		}
		return tx.PutAlias(ctx, "v1/a", a.ID)
	})
	for old, id := range map[string]string{"v1/a": b.ID, "v2/a": b.ID} {
		if err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error { return tx.PutAlias(ctx, old, id) }); !errors.Is(err, store.ErrTaken) {
			t.Errorf("alias %s: %v", old, err)
		}
	}
	if err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error { return tx.PutIssue(ctx, Issue("v1/a")) }); err == nil {
		t.Error("an alias becomes the key of a second issue")
	}
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		for _, lock := range []store.Lock{store.NoLock, store.Share, store.Change} {
			got, err := tx.IssuesByCause(ctx, []string{"v1/a", "v2/a", "v2/b", "v3"}, lock)
			if err != nil {
				return err
			}
			if len(got) != 3 || got["v1/a"] != got["v2/a"] || got["v1/a"].ID != a.ID || got["v2/b"].ID != b.ID {
				t.Errorf("by cause: %v", got)
			}
		}
		return nil
	})
}

func testCounts(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	x := Issue("a")
	x.Count, x.FirstSeen, x.LastSeen = 1, at(10), at(10)
	putIssues(t, db, x)
	count := func(want uint64, first, last int) {
		t.Helper()
		got := issueOf(t, db, x.ID)
		if got.Count != want || !got.FirstSeen.Equal(at(first)) || !got.LastSeen.Equal(at(last)) {
			t.Errorf("count %d from %v to %v", got.Count, got.FirstSeen, got.LastSeen)
		}
	}
	add := func(list ...yagura.Count) {
		t.Helper()
		update(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.AddCounts(ctx, list) })
	}
	fold := func(limit int) (n int) {
		t.Helper()
		update(t, db, func(ctx context.Context, tx *store.Tx) (err error) { n, err = tx.FoldCounts(ctx, limit); return err })
		return n
	}
	add(yagura.Count{IssueID: x.ID, Findings: 2, First: at(8), Last: at(9)}, yagura.Count{IssueID: x.ID, Findings: 3, First: at(9), Last: at(30)})
	add(yagura.Count{IssueID: x.ID, Findings: 4}, yagura.Count{IssueID: "never came", Findings: 7, First: at(1), Last: at(2)})
	count(10, 8, 30)
	for range 4 {
		fold(1)
		count(10, 8, 30)
	}
	add(yagura.Count{IssueID: x.ID, Findings: 5, First: at(7), Last: at(7)})
	same(t, "folded", 1, fold(100))
	same(t, "folded at the end", 0, fold(100))
	count(15, 7, 30)
	// Counts of an issue that comes later are not lost.
	late := Issue("late")
	late.ID = "never came"
	putIssues(t, db, late)
	if got := issueOf(t, db, "never came"); got.Count != 7 {
		t.Errorf("count of an issue that came late: %d", got.Count)
	}
}

func testList(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	var list []*yagura.Issue
	statuses := []yagura.Status{yagura.StatusOpen, yagura.StatusAcknowledged, yagura.StatusClosed}
	for i := range 60 {
		x := Issue(name("cause", i))
		x.Status, x.Severity, x.Updated = statuses[i%3], yagura.Severity(1+i%5), at(i/2)
		x.Account = []string{"111122223333", "acc"}[i%2]
		x.Entities = []yagura.Entity{{Type: yagura.EntityUser, ID: name("User", i)}}
		x.Rule.ID = name("rule", i%4)
		list = append(list, x)
	}
	putIssues(t, db, list...)
	slices.SortFunc(list, func(a, b *yagura.Issue) int {
		if c := b.Updated.Compare(a.Updated); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	all := func(q *filter.Query, limit int) (ids []string) {
		view(t, db, func(ctx context.Context, tx *store.Tx) error {
			for after := ""; ; {
				page, next, err := tx.FindIssues(ctx, nil, true, q, "-updated", after, limit)
				if err != nil {
					return err
				}
				for _, x := range page {
					ids = append(ids, x.ID)
				}
				if after = next; next == "" {
					return nil
				}
			}
		})
		return ids
	}
	// A query that the program makes may hold any text, also such as no query that is typed does.
	for what, c := range map[string]struct {
		terms []filter.Term
		want  func(x *yagura.Issue) bool
	}{
		"all":              {nil, func(*yagura.Issue) bool { return true }},
		"status":           {[]filter.Term{term("status", "open", "acknowledged")}, func(x *yagura.Issue) bool { return x.Status != yagura.StatusClosed }},
		"account":          {[]filter.Term{term("account", "acc"), term("status", "closed")}, func(x *yagura.Issue) bool { return x.Account == "acc" && x.Status == yagura.StatusClosed }},
		"rules":            {[]filter.Term{term("rule", name("rule", 1), name("rule", 3))}, func(x *yagura.Issue) bool { return x.Rule.ID == name("rule", 1) || x.Rule.ID == name("rule", 3) }},
		"rule and account": {[]filter.Term{term("rule", name("rule", 1)), term("account", "acc")}, func(x *yagura.Issue) bool { return x.Rule.ID == name("rule", 1) && x.Account == "acc" }},
		"since":            {[]filter.Term{{Field: filter.Issues.Field("updated"), Values: []filter.Value{{Op: filter.AtLeast, Time: at(20)}}}}, func(x *yagura.Issue) bool { return !x.Updated.Before(at(20)) }},
		"since, of an account": {[]filter.Term{term("account", "acc"), {Field: filter.Issues.Field("updated"), Values: []filter.Value{{Op: filter.AtLeast, Time: at(20)}}}},
			func(x *yagura.Issue) bool { return !x.Updated.Before(at(20)) && x.Account == "acc" }},
		"text in entity":   {[]filter.Term{text("uSER0003")}, func(x *yagura.Issue) bool { return strings.HasPrefix(x.Entities[0].ID, "User0003") }},
		"text in title":    {[]filter.Term{text("of cause00007")}, func(x *yagura.Issue) bool { return x.CauseKey == "cause00007" }},
		"beginning of id":  {[]filter.Term{text(strings.ToLower(list[5].ID[:24]))}, func(x *yagura.Issue) bool { return strings.HasPrefix(x.ID, list[5].ID[:24]) }},
		"id":               {[]filter.Term{text(strings.ToLower(list[5].ID))}, func(x *yagura.Issue) bool { return x.ID == list[5].ID }},
		"no wildcard":      {[]filter.Term{text("cause%7")}, func(*yagura.Issue) bool { return false }},
		"hostile text":     {[]filter.Term{text("a\x00\xff' OR 1=1 --")}, func(*yagura.Issue) bool { return false }},
		"hostile account":  {[]filter.Term{term("account", "a\x00\xff")}, func(*yagura.Issue) bool { return false }},
		"text and account": {[]filter.Term{text("user"), term("account", "acc")}, func(x *yagura.Issue) bool { return x.Account == "acc" }},
	} {
		var want []string
		for _, x := range list {
			if c.want(x) {
				want = append(want, x.ID)
			}
		}
		for _, limit := range []int{0, 7} {
			if d := cmp.Diff(want, all(&filter.Query{List: filter.Issues, Terms: c.terms}, limit)); d != "" {
				t.Errorf("%s, pages of %d:\n%s", what, limit, d)
			}
		}
	}
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		similar, err := tx.SimilarIssues(ctx, "rule00001", 3)
		if len(similar) != 3 || similar[0].Rule.ID != "rule00001" || similar[0].Updated.Before(similar[2].Updated) {
			t.Errorf("similar: %v", similar)
		}
		return err
	})
}

// term is the term that a field of text or words is one of some values.
func term(field string, values ...string) filter.Term {
	t := filter.Term{Field: filter.Issues.Field(field)}
	for _, v := range values {
		t.Values = append(t.Values, filter.Value{Text: v})
	}
	return t
}

// text is the term of free text.
func text(s string) filter.Term { return filter.Term{Values: []filter.Value{{Text: s}}} }

func testTimeline(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	entries := []yagura.Entry{
		{IssueID: "a", At: at(1), Who: "yagura", What: yagura.EntryOpened, Text: "nul \x00"},
		{IssueID: "b", At: at(1), Who: "yagura", What: yagura.EntryOpened},
		{IssueID: "a", At: at(2), Who: "github:mary", What: yagura.EntryClosed}}
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.AddEntries(ctx, entries); err != nil {
			return err
		}
		return tx.AddEntries(ctx, []yagura.Entry{{IssueID: "a", At: at(3), Who: "yagura", What: yagura.EntryReopened}})
	})
	same(t, "seq", []int64{1, 1, 2}, []int64{entries[0].Seq, entries[1].Seq, entries[2].Seq})
	e1, e2 := yagura.Episode{IssueID: "a", N: 1, Opened: at(1)}, yagura.Episode{IssueID: "a", N: 2, Opened: at(3)}
	update(t, db, func(ctx context.Context, tx *store.Tx) error {
		for _, e := range []yagura.Episode{e2, e1, {IssueID: "b", N: 1, Opened: at(1)}} {
			if err := tx.PutEpisode(ctx, e); err != nil {
				return err
			}
		}
		e1.Closed, e1.CloseReason = at(2), yagura.ClosedByHuman
		return tx.PutEpisode(ctx, e1)
	})
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.Entries(ctx, "a", 0, 2)
		same(t, "entries", []yagura.Entry{entries[0], entries[2]}, got)
		if err != nil {
			return err
		}
		got, err = tx.Entries(ctx, "a", 2, 10)
		if len(got) != 1 || got[0].Seq != 3 || got[0].What != yagura.EntryReopened {
			t.Errorf("entries behind 2: %v", got)
		}
		if err != nil {
			return err
		}
		episodes, err := tx.Episodes(ctx, "a")
		same(t, "episodes", []yagura.Episode{e1, e2}, episodes)
		return err
	})
}

func testHostileIssues(t *testing.T, open Open) {
	db := open(t, store.Options{Now: Clock(0)})
	want := map[string]string{}
	for _, s := range hostile {
		x := Issue(s)
		x.Title, x.Account, x.Rule.ID = s, s, s
		putIssues(t, db, x)
		want[s] = x.ID
	}
	view(t, db, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.IssuesByCause(ctx, hostile, store.NoLock)
		ids := map[string]string{}
		for k, x := range got {
			ids[k] = x.ID
		}
		same(t, "by cause", want, ids)
		if err != nil {
			return err
		}
		for _, s := range hostile {
			list, _, err := tx.FindIssues(ctx, nil, true, &filter.Query{List: filter.Issues, Terms: []filter.Term{term("account", s)}}, "", "", 0)
			alike := 0 // the letters of an account may be large or small
			for _, other := range hostile {
				if filter.Fold(other) == filter.Fold(s) {
					alike++
				}
			}
			if len(list) != alike || !slices.ContainsFunc(list, func(x yagura.Issue) bool { return x.ID == want[s] }) {
				t.Errorf("account %.20q: %d issues, want %d", s, len(list), alike)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
