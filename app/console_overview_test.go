package app

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/store"
)

// openNow is how many issues of a severity an overview says are open.
func openNow(o api.Overview, s yagura.Severity) (open, acked int64) {
	for _, l := range o.Open {
		if l.Severity == s {
			return l.Open, l.Acknowledged
		}
	}
	return -1, -1
}

// TestOverview: the numbers are those of the store, for who sees everything and for who sees a
// part, and the list behind each has as many items.
func TestOverview(t *testing.T) {
	h := newConsoleHouse(t) // an issue of high severity in each of two accounts
	carol := h.find(ourAccount, ourFormat, "carol")
	h.find(ourAccount, ourFormat, "dave")
	ctx := t.Context()
	for _, change := range []yagura.Change{{ID: "1", IssueID: carol.ID, What: yagura.ChangeAck, Who: "mary", Via: "api", At: h.now()},
		{ID: "2", IssueID: carol.ID, What: yagura.ChangeAssign, To: "mary", Who: "mary", Via: "api", At: h.now()}} {
		if _, done, err := h.c.apply(ctx, change); err != nil || !done {
			t.Fatal(done, err)
		}
	}
	h.update(func(ctx context.Context, tx *store.Tx) error {
		return tx.PutDead(ctx, []yagura.DeadLetter{{ID: "d1", Source: "a", Reason: "x", At: h.now()}, {ID: "d2", Source: "a", Reason: "y", At: h.now(), Retried: h.now(), Format: ourFormat},
			{ID: "d3", Source: "a", Reason: "z", At: h.now().Add(-30 * 24 * time.Hour), Format: ourFormat}})
	})
	h.index()
	now := h.now()
	var clock atomic.Pointer[time.Time] // it is read by what makes sums behind
	set := func(at time.Time) { now = at; clock.Store(&at) }
	set(now)
	h.c.now = func() time.Time { return *clock.Load() }
	whole := h.badgeOf("whole", yagura.Binding{Role: yagura.RoleViewer})
	part := h.badgeOf("part", yagura.Binding{Role: yagura.RoleViewer, Scope: yagura.Scope{Accounts: []string{ourAccount}}})
	logs := h.badgeOf("logs", yagura.Binding{Role: yagura.RoleViewer, Scope: yagura.Scope{Formats: []string{ourFormat}}})

	sum := func(o api.Overview) (findings, broken int64) {
		for _, x := range o.Hours {
			findings, broken = findings+x.Findings, broken+x.Broken
		}
		return findings, broken
	}
	for _, x := range []struct {
		who                                 *caller
		open, acked, fresh, unassigned      int64
		findings, broken, dead, issuesNoisy int64
		flows                               bool
	}{
		{whole, 3, 1, 4, 3, 4, 2, 2, 4, true},
		{part, 2, 1, 3, 2, 3, 0, 0, 3, false},
		{logs, 2, 1, 3, 2, 3, 1, 1, 3, false},
	} {
		name := x.who.header.Get("X-Badge")
		o := fetched[api.Overview](t, x.who, http.MethodGet, "/overview?since="+url.QueryEscape(now.Add(-time.Hour).UTC().Format(time.RFC3339)))
		if open, acked := openNow(o, yagura.SeverityHigh); open != x.open || acked != x.acked || len(o.Open) != 5 || o.Open[0].Severity != yagura.SeverityCritical {
			t.Errorf("%s: open %d, acknowledged %d: %+v", name, open, acked, o.Open)
		}
		if o.NewSince.N != x.fresh || o.Unassigned.N != x.unassigned || o.Suppressed.N != 0 || o.DeadLetters.N != x.dead {
			t.Errorf("%s: new %+v, nobody's %+v, dead %+v", name, o.NewSince, o.Unassigned, o.DeadLetters)
		}
		if findings, broken := sum(o); findings != x.findings || broken != x.broken || len(o.Hours) != 7*24 || o.EventsKnown {
			t.Errorf("%s: %d findings, %d broken in %d hours", name, findings, broken, len(o.Hours))
		}
		if len(o.Noisy) != 1 || o.Noisy[0].Rule.ID != "r1" || o.Noisy[0].Rule.Title != "Trail stopped" || o.Noisy[0].Findings != x.findings || o.Noisy[0].Issues != x.issuesNoisy {
			t.Errorf("%s: %+v", name, o.Noisy)
		}
		if a := o.Acknowledge; a.N != 1 || len(a.BySeverity) != 1 || a.BySeverity[0].Severity != yagura.SeverityHigh {
			t.Errorf("%s: %+v", name, a)
		}
		if (len(o.Sinks) == 1) != x.flows || o.Attack != nil || o.Lake != nil {
			t.Errorf("%s: sinks %+v, attack %+v", name, o.Sinks, o.Attack)
		}
		// The list behind a number has as many items.
		for _, b := range []struct {
			list string
			q    string
			n    int64
		}{{"issues", o.NewSince.Q, o.NewSince.N}, {"issues", o.Unassigned.Q, o.Unassigned.N}, {"issues", o.Suppressed.Q, 0}, {"issues", o.Open[1].Q, o.Open[1].Open + o.Open[1].Acknowledged},
			{"findings", o.Noisy[0].Q, o.Noisy[0].Findings}, {"dead-letters", o.DeadLetters.Q, o.DeadLetters.N}} {
			l := fetched[api.List[struct{}]](t, x.who, http.MethodGet, fmt.Sprintf("/%s?total=1&q=%s", b.list, url.QueryEscape(b.q)))
			if l.Total == nil || l.Total.N != b.n {
				t.Errorf("%s: %s %s: %+v, want %d", name, b.list, b.q, l.Total, b.n)
			}
		}
	}

	// For a minute sums are what they were; issues are always counted as of now.
	h.find(ourAccount, ourFormat, "erin-later")
	h.index()
	o := fetched[api.Overview](t, whole, http.MethodGet, "/overview")
	if open, _ := openNow(o, yagura.SeverityHigh); open != 4 || o.NewSince.N != 5 || o.Noisy[0].Findings != 4 {
		t.Errorf("within a minute: %d, new %d", open, o.NewSince.N)
	}
	set(now.Add(time.Minute))
	if o = fetched[api.Overview](t, whole, http.MethodGet, "/overview"); !o.At.Equal(now) {
		t.Errorf("after a minute it is of %s", o.At)
	} else if o.Noisy[0].Findings != 5 {
		t.Errorf("after a minute: %+v", o.Noisy)
	}

	// Where somebody makes sums behind, what is a little old is answered, and then the new.
	set(now.Add(time.Minute))
	running, stop := context.WithCancel(ctx)
	made := make(chan struct{})
	go func() { defer close(made); h.c.keepSums(running) }()
	for deadline := time.Now().Add(10 * time.Second); ; {
		if _, _, behind := h.c.sums.last("", now); behind {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody makes sums")
		}
		runtime.Gosched()
	}
	if o = fetched[api.Overview](t, whole, http.MethodGet, "/overview"); o.At.Equal(now) {
		t.Error("an answer waited for sums")
	}
	for deadline := time.Now().Add(10 * time.Second); !o.At.Equal(now); o = fetched[api.Overview](t, whole, http.MethodGet, "/overview") {
		if time.Now().After(deadline) {
			t.Fatalf("the sums are still of %s", o.At)
		}
	}
	// What is old is waited for.
	set(now.Add(time.Hour))
	if o = fetched[api.Overview](t, whole, http.MethodGet, "/overview"); !o.At.Equal(now) {
		t.Errorf("after an hour it is of %s", o.At)
	}
	stop()
	<-made
}

// index brings what lists are asked by up to date, as the service does once a second.
func (h *consoleHouse) index() {
	h.t.Helper()
	h.update(func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.IndexFindings(ctx); err != nil {
			return err
		}
		_, err := tx.IndexIssues(ctx, 1000)
		return err
	})
}

// TestOverviewOfService: a service adds the events of its lake and what its rules look for, of
// accounts within reach alone.
func TestOverviewOfService(t *testing.T) {
	s := consoleStand(t)
	c := s.serve.console
	if c == nil {
		c = s.serve.newConsole()
	}
	hours := func(o *api.Overview) map[string]int64 {
		out := map[string]int64{}
		for _, x := range o.Hours {
			if x.Events > 0 {
				out[x.At.Format("15")] = x.Events
			}
		}
		return out
	}
	o, err := c.Overview(t.Context(), everything, s.clock().Add(-24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if o.Attack == nil || len(o.Sources) != 1 || len(o.Sinks) != 2 || o.Lake == nil || o.Lake.Records != 2 || o.Sources[0].State != "ok" {
		t.Fatalf("%+v", o)
	}
	var found, issues int64
	for _, x := range o.Attack.Techniques {
		if x.Rules == 0 {
			t.Errorf("%+v", x)
		}
		found, issues = found+x.Findings, issues+x.Issues
	}
	if found == 0 || issues == 0 {
		t.Errorf("%d findings and %d issues of all techniques", found, issues)
	}
	if o.EventsKnown {
		if got := hours(o); got["09"] != 1 || got["10"] != 1 || len(got) != 2 {
			t.Errorf("%v", got)
		}
	}
	mine, err := c.Overview(t.Context(), ofAccount("111122223333"), s.clock().Add(-24*time.Hour))
	if err != nil || mine.Sources != nil || mine.Sinks != nil || mine.Lake != nil {
		t.Fatalf("%v %+v", err, mine)
	}
	if got := hours(mine); mine.EventsKnown != o.EventsKnown || o.EventsKnown && (got["09"] != 1 || len(got) != 1) {
		t.Errorf("of one account: %v", got)
	}
	if all, own := openSum(o), openSum(mine); own == 0 || own >= all {
		t.Errorf("open: %d of %d", own, all)
	}
}

func openSum(o *api.Overview) (n int64) {
	for _, l := range o.Open {
		n += l.Open + l.Acknowledged
	}
	return n
}
