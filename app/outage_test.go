package app

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/store/storetest"
	"github.com/yagura-sec/yagura/triage"
)

// watch is a service without sources on a simulated clock, with a sink of each kind.
type watch struct {
	t     *testing.T
	clock *simulated
	yard  *yard
	cfg   *config.Config
	serve *Serve
	told  int // changes and findings
}

func newWatch(t *testing.T, url string) *watch {
	clock := newSimulated(t)
	w := &watch{t: t, clock: clock, yard: newYard(t, clock.now), cfg: &config.Config{Data: t.TempDir(), Store: config.Secret(url), AcceptLoss: true, Storm: 100_000, Lake: config.Lake{Flush: config.Duration(10 * time.Millisecond)}}}
	w.yard.pause = clock.advance
	t.Cleanup(func() { w.end() })
	w.begin()
	return w
}

const watchPolicy = `version: 1
routes: {critical: [github, pagerduty, slack, hub, log, hook], high: [github, pagerduty, slack, hub, log, hook], medium: [github, pagerduty, slack, hub, log, hook], low: [], none: []}
`

// begin starts a process.
func (w *watch) begin() {
	w.t.Helper()
	serve, err := NewServe(w.t.Context(), ServeOptions{Config: w.cfg, Now: w.clock.now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	policy, problems := triage.ParsePolicy("policy.yaml", []byte(watchPolicy), triage.PolicyOptions{})
	if triage.Refused(problems) {
		w.t.Fatal(problems)
	}
	w.serve = serve
	var names []triage.SinkName
	for _, sink := range w.yard.sinks() {
		names = append(names, triage.SinkName{Name: sink.Name(), Kind: sink.Kind()})
		serve.sinks = append(serve.sinks, sink)
		d := &notify.Deliverer{Sink: sink, Outbox: outbox{serve.db, serve.desk, serve.wake}, Owner: serve.db.Replica(), Log: serve.log}
		w.clock.start(d)
		serve.senders = append(serve.senders, d)
	}
	serve.policy.Store(policy.For(names))
}

// end ends the process.
func (w *watch) end() (unwritten int) {
	if w.serve == nil {
		return 0
	}
	unwritten = w.clock.end()
	if err := w.serve.close(); err != nil {
		w.t.Errorf("close: %v", err)
	}
	w.serve = nil
	return unwritten
}

var outageRule = yagura.RuleRef{ID: "outage", Title: "Something happened", Engine: yagura.EngineBuiltin, Tags: []string{}}

func (w *watch) find(cause int, sev yagura.Severity) {
	w.t.Helper()
	w.told++
	f := builtinFinding(outageRule, sev, fmt.Sprint("finding ", w.told), fmt.Sprintf("cause=%04d", cause), fmt.Sprintf("number %d of cause %d", w.told, cause), w.clock.now())
	if err := w.serve.take(w.t.Context(), f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *watch) change(cause int, what yagura.ChangeKind) {
	w.t.Helper()
	w.told++
	c := yagura.Change{ID: fmt.Sprint(w.told), Via: "cli", IssueID: w.issue(cause).ID, Who: "cli:mary", What: what, Text: fmt.Sprintf("change %d", w.told)}
	if _, err := w.serve.inbox().Apply(w.t.Context(), c); err != nil {
		w.t.Fatal(err)
	}
}

func (w *watch) issue(cause int) (is *yagura.Issue) {
	w.t.Helper()
	key := fmt.Sprintf("cause=%04d", cause)
	for _, x := range w.issues() {
		if strings.HasSuffix(x.CauseKey, key) {
			return &x
		}
	}
	w.t.Fatalf("no issue of %s", key)
	return nil
}

func (w *watch) view(f func(ctx context.Context, tx *store.Tx) error) {
	w.t.Helper()
	if err := w.serve.db.View(w.t.Context(), f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *watch) issues() (all []yagura.Issue) {
	w.t.Helper()
	w.view(func(ctx context.Context, tx *store.Tx) error {
		for after := ""; ; {
			list, next, err := latest(ctx, tx, issuesThat(), after, issuePage)
			all = append(all, list...)
			if after = next; err != nil || next == "" {
				return err
			}
		}
	})
	return all
}

func (w *watch) totals() (list []yagura.SinkTotals) {
	w.t.Helper()
	l, err := (&Books{DB: w.serve.db}).Ledger(w.t.Context(), w.clock.now())
	if err != nil {
		w.t.Fatal(err)
	}
	if !l.Balanced {
		w.t.Fatalf("the books do not balance: %v", l.Faults)
	}
	return l.Sinks
}

// waiting counts what is owed, by sink.
func (w *watch) waiting() map[string]int64 {
	w.t.Helper()
	out := map[string]int64{}
	w.view(func(ctx context.Context, tx *store.Tx) error {
		list, err := tx.SinkTotals(ctx)
		for _, s := range list {
			if s.Waiting > 0 {
				out[s.Sink] = s.Waiting
			}
		}
		return err
	})
	return out
}

// check holds everything to the guarantees.
func (w *watch) check() {
	w.t.Helper()
	notices := map[string]told{}
	w.view(func(ctx context.Context, tx *store.Tx) error {
		for _, sink := range w.serve.sinks {
			byIssue := told{}
			for after := ""; ; {
				list, next, err := tx.Notices(ctx, sink.Name(), "", nil, after, 1000)
				for _, n := range list {
					byIssue[n.Notice.IssueID] = append(byIssue[n.Notice.IssueID], n)
				}
				if err != nil {
					return err
				}
				if after = next; after == "" {
					break
				}
			}
			for _, list := range byIssue {
				slices.SortFunc(list, func(a, b yagura.Owed) int { return int(a.Notice.Seq - b.Notice.Seq) })
			}
			notices[sink.Name()] = byIssue
		}
		return nil
	})
	totals := w.totals()
	for _, s := range totals {
		if s.Dead != 0 {
			w.t.Errorf("%d notices of %s are dead: %s", s.Dead, s.Sink, s.LastError)
		}
	}
	w.yard.check(w.issues(), notices, totals)
}

// reconcile does what the house does every ten minutes. A service that is unwell may not
// be read; it is read the next time.
func (w *watch) reconcile(must bool) {
	w.t.Helper()
	for _, sink := range w.serve.sinks {
		if r, ok := sink.(notify.Reader); ok {
			if err := w.serve.reconcile(w.t.Context(), sink, r, w.clock.now()); err != nil && must {
				w.t.Fatal(err)
			}
		}
	}
}

// step is one thing that happens to an issue.
type step struct {
	minute int
	do     func()
}

// lives makes up what happens to issues within an hour.
func (w *watch) lives(n int) []step {
	r := rand.New(rand.NewPCG(3, 1)) //nolint:gosec // chance, and the same each time
	var all []step
	for cause := range n {
		at := 1 + r.IntN(25)
		add := func(do func()) { all = append(all, step{at, do}); at += 1 + r.IntN(12) }
		add(func() { w.find(cause, yagura.SeverityMedium) })
		for _, do := range []func(){
			func() { w.find(cause, yagura.SeverityMedium) },
			func() { w.change(cause, yagura.ChangeAck) },
			func() { w.change(cause, yagura.ChangeComment) },
			func() { w.find(cause, yagura.SeverityHigh) },
		} {
			if r.IntN(2) == 0 {
				add(do)
			}
		}
		add(func() { w.change(cause, yagura.ChangeClose) })
		if cause%3 == 0 {
			continue
		}
		add(func() { w.find(cause, yagura.SeverityHigh) }) // it happens again: the same issue
		if cause%3 == 1 {
			add(func() { w.change(cause, yagura.ChangeComment) })
			add(func() { w.change(cause, yagura.ChangeClose) })
		}
	}
	slices.SortStableFunc(all, func(a, b step) int { return a.minute - b.minute })
	return all
}

// TestOutageHour: all sinks are unwell for an hour in every way that there is, while issues
// open, rise, close, open again and are talked about; in the middle the process dies between
// sending and writing down. Then they are well: what is owed comes, in order, nothing is
// lost, nothing stands twice where that is promised, and doubles are counted elsewhere.
func TestOutageHour(t *testing.T) {
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 50
			if os.Getenv("YAGURA_PROVE") != "" {
				n = 200
			}
			url := ""
			if name == "postgres" {
				url = storetest.Postgres(t)
			}
			outageHour(t, newWatch(t, url), n)
		})
	}
}

func outageHour(t *testing.T, w *watch, n int) {
	began := time.Now()
	course := []sickness{broken, losing, limiting, forbidden, cutting, hanging, losing, broken, cutting, limiting, forbidden, losing}
	rest := w.lives(n)
	const pace = 10 * time.Second
	for minute := range 60 {
		if minute%5 == 0 {
			w.yard.fall(course[minute/5])
		}
		for len(rest) > 0 && rest[0].minute <= minute {
			rest[0].do()
			rest = rest[1:]
		}
		if minute%10 == 3 {
			w.reconcile(false)
		}
		if minute == 8 || minute == 37 { // everything is done, and nothing answered
			lost := w.die(pace)
			t.Logf("minute %d: the process died with %d outcomes not written down", minute, lost)
		}
		for range time.Minute / pace {
			w.clock.advance(pace)
		}
	}
	for _, s := range rest {
		s.do()
	}
	owed := w.waiting()
	t.Logf("an hour of outage in %v; owed: %v", time.Since(began).Round(time.Millisecond), owed)
	if len(owed) != 6 {
		t.Errorf("not every sink was kept from its notices: %v", owed)
	}
	w.yard.fall(well)
	for sink, took := range w.catchUp() {
		limit := 2 * time.Minute
		if sink == "github" {
			// It lets 500 things be made in an hour, and 375 evenly.
			limit = 5*time.Minute + time.Duration(owed[sink])*time.Hour/375
		}
		if took > limit {
			t.Errorf("%s had everything %v after it was well", sink, took)
		}
	}
	w.check()
	w.reconcile(true)
	w.catchUp()
	w.check()
	t.Logf("in all %v", time.Since(began).Round(time.Millisecond))
}

// die has the process die between sending and writing down, and another begin.
func (w *watch) die(pace time.Duration) (unwritten int) {
	w.t.Helper()
	w.clock.mu.Lock()
	for _, s := range w.clock.all {
		s.dead = true
	}
	w.clock.mu.Unlock()
	for range 60 {
		w.clock.advance(pace)
		n := 0
		w.clock.mu.Lock()
		for _, s := range w.clock.all {
			n += s.unwritten
		}
		w.clock.mu.Unlock()
		if n > 6 {
			break
		}
	}
	unwritten = w.end()
	w.begin()
	return unwritten
}

// catchUp lets time pass until nothing is owed and says when each sink had everything.
func (w *watch) catchUp() map[string]time.Duration {
	w.t.Helper()
	from, took := w.clock.now(), map[string]time.Duration{}
	before := w.waiting()
	for {
		owed := w.waiting()
		for sink := range before {
			if owed[sink] == 0 {
				took[sink] = w.clock.now().Sub(from)
			}
		}
		if before = owed; len(owed) == 0 {
			w.t.Logf("caught up after %v", took)
			return took
		}
		if w.clock.now().Sub(from) > 12*time.Hour {
			for _, s := range w.totals() {
				w.t.Logf("%s: %d owed: %s", s.Sink, s.Waiting, s.LastError)
			}
			w.t.Fatalf("still owed: %v", owed)
		}
		pace := time.Second
		if w.clock.now().Sub(from) > 10*time.Minute {
			pace = 10 * time.Second
		}
		w.clock.advance(pace)
	}
}

// TestLeaseTaken: every sink has a message, and the replica that sent it never says so. Another
// takes the notices when their leases have run out, and not before; it doubles nothing where
// that is promised.
func TestLeaseTaken(t *testing.T) {
	w := newWatch(t, "")
	w.clock.mu.Lock()
	for _, s := range w.clock.all {
		s.dead = true
	}
	w.clock.mu.Unlock()
	for cause := range 8 {
		w.find(cause, yagura.SeverityHigh)
	}
	w.clock.advance(2 * time.Second)
	for _, sink := range w.yard.sinks() {
		w.clock.start(&notify.Deliverer{Sink: sink, Outbox: outbox{w.serve.db, w.serve.desk, w.serve.wake}, Owner: "another", Log: w.serve.log})
	}
	for range 4 {
		w.clock.advance(time.Minute)
	}
	if owed := w.waiting(); len(owed) != 6 {
		t.Errorf("notices were taken while somebody had them: %v", owed)
	}
	// The first is gone for good.
	var gone []*sender
	w.clock.mu.Lock()
	w.clock.all = slices.DeleteFunc(w.clock.all, func(s *sender) bool {
		if s.Owner != "another" {
			gone = append(gone, s)
		}
		return s.Owner != "another"
	})
	w.clock.mu.Unlock()
	for _, s := range gone {
		s.stop()
		<-s.done
	}
	w.clock.advance(2 * time.Minute)
	w.catchUp()
	w.check()
}
