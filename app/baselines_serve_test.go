//go:build cgo

package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

const strangePolicy = `version: 1
routes: {critical: [github, pagerduty], high: [github, pagerduty], medium: [github], low: []}
clauses:
  - name: a new network
    when: usual.network.first && finding.kind == "behaviour"
    raise: 1
  - name: still learning
    when: usual.network.learning
    label: [learning]
  - name: a new program
    when: usual.agent.first
    label: [new-program]
  - name: it was them
    when: usual.network.learning && issue.labels.exists(l, l == "answered:yes")
    lower: 1
`

// newStrange is a stand whose policy asks what is usual, and whose lake knows alice for
// twenty days, from one network.
func newStrange(t *testing.T) *stand {
	t.Helper()
	s := newStand(t)
	s.cfg.Policy = filepath.Join(t.TempDir(), "policy.yaml")
	s.cfg.Usual.Timeout = config.Duration(20 * time.Second) // the machine may be busy
	if err := os.WriteFile(s.cfg.Policy, []byte(strangePolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

func alice(at time.Time, ip, name, parameters string) string {
	return by("alice", at, ip, name, parameters)
}

func by(user string, at time.Time, ip, name, parameters string) string {
	return strings.NewReplacer("bob", user, "BOB", strings.ToUpper(user), "198.51.100.7", ip).Replace(trail(at.UTC().Format(time.RFC3339), "iam.amazonaws.com", name, parameters))
}

func (s *stand) history() {
	s.t.Helper()
	var records []string
	for day := range 20 {
		for i := range 4 {
			records = append(records, alice(begun.AddDate(0, 0, day).Add(time.Duration(9+i)*time.Hour), "192.0.2.7", "ListUsers", "null"))
		}
		if day > 16 {
			records = append(records, by("carol", begun.AddDate(0, 0, day).Add(9*time.Hour), "192.0.2.9", "ListUsers", "null"))
		}
	}
	s.post(records...)
}

// filed lists the findings that hold, by the name of the user whom they are about.
func (s *stand) filed() map[string]yagura.Filed {
	s.t.Helper()
	out := map[string]yagura.Filed{}
	err := s.serve.db.View(s.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		list, _, err := tx.FindingsBetween(ctx, time.Unix(0, 0), time.Now().Add(time.Hour), "", 1000)
		for _, f := range list {
			_, name, ok := strings.Cut(f.Finding.CauseKey, "new-")
			if name, _, _ = strings.Cut(name, " "); !ok {
				continue
			}
			if _, twice := out[name]; twice {
				return fmt.Errorf("%s is there twice", name)
			}
			out[name] = f
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func made(name string) string { return `{"userName":"new-` + name + `"}` }

// TestServeUsual: a call from a new network is raised and says why, one from a usual network
// is not, and neither is one of an actor who is still being learned. A delivery that comes
// again, and the past judged anew, say what was said first.
func TestServeUsual(t *testing.T) {
	s := newStrange(t)
	s.start()
	s.history()
	day := begun.AddDate(0, 0, 20)
	strange := alice(day.Add(10*time.Hour+5*time.Minute), "203.0.113.9", "CreateUser", made("strange"))
	s.post(strange,
		alice(day.Add(10*time.Hour+6*time.Minute), "192.0.2.99", "CreateUser", made("usual")),
		by("carol", day.Add(10*time.Hour), "203.0.113.9", "CreateUser", made("learning")))
	got := s.filed()
	plain := got["usual"].Finding.Severity
	for name, want := range map[string]struct {
		severity yagura.Severity
		said     string
	}{
		"strange":  {plain + 1, "a new network: severity " + plain.String() + " → " + (plain + 1).String() + "; first time from 203.0.113.0/24 in 90 days; known since 2026-03-02 with 80 events on 20 days, from 1 network"},
		"usual":    {plain, ""},
		"learning": {plain, "still learning: labelled learning; first time from 203.0.113.0/24, but still learning"},
	} {
		f, ok := got[name]
		if !ok || f.Severity != want.severity || f.Finding.Severity != plain {
			t.Errorf("%s: %+v", name, f)
		}
		if text := strings.Join(f.Clauses, "\n"); !strings.Contains(text, want.said) || (want.said == "") != (text == "") {
			t.Errorf("%s: decided %q, want %q", name, text, want.said)
		}
	}
	u := got["strange"].Finding.Usual
	if len(u) != 2 || u[0].Of != "network" || u[0].Value != "203.0.113.0/24" || u[0].Asked != "203.0.113.9" || !u[0].First || !u[0].Before.Equal(day.Add(10*time.Hour)) || u[1].Of != "agent" || u[1].First {
		t.Errorf("%+v", u)
	}
	var is yagura.Issue
	for _, x := range s.issues() {
		if x.ID == got["strange"].IssueID {
			is = x
		}
	}
	if !slices.ContainsFunc(is.Explained, func(x string) bool { return strings.Contains(x, "first time from 203.0.113.0/24") }) || len(is.Latest.Usual) != 2 {
		t.Errorf("the issue does not say it: %+v", is)
	}
	// A person's answer is judged by what was known of the finding.
	s.change(yagura.Change{IssueID: got["learning"].IssueID, What: yagura.ChangeAnswer, Yes: true})
	for _, x := range s.issues() {
		if x.ID == got["learning"].IssueID && x.Severity != plain-1 {
			t.Errorf("after a yes: %+v", x)
		}
	}
	// From here on the lake knows the network, and the keys of events are forgotten: all of it
	// comes again as if it had never come, and changes nothing.
	s.post(alice(day.Add(11*time.Hour), "203.0.113.9", "ListUsers", "null"), alice(day.Add(9*time.Hour), "203.0.113.9", "ListUsers", "null"))
	s.settled()
	s.stop()
	if err := os.RemoveAll(filepath.Join(s.cfg.Data, "keys")); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.post(strange)
	again := s.filed()["strange"]
	if again.Severity != plain+1 || !slices.Equal(again.Clauses, got["strange"].Clauses) || !slices.Equal(again.Finding.Usual, u) {
		t.Errorf("it is judged otherwise: %+v", again)
	}
	if st := &s.serve.baselines.stats; st.lake.Load() != 0 || st.filed.Load() != 2 {
		t.Errorf("the lake was asked %d questions again, %d were filed", st.lake.Load(), st.filed.Load())
	}
	b := &Books{DB: s.serve.db, cfg: s.cfg, data: s.cfg.Data, inbox: inbox{db: s.serve.db, desk: s.serve.desk}}
	past := got["strange"].Finding
	past.Usual = nil
	if kept, err := b.Keep(t.Context(), []yagura.Finding{past}, nil, &Rules{Hash: "g"}, true); err != nil || kept.Fresh != 0 || kept.Issues != 0 || kept.Notices != 0 {
		t.Errorf("%+v %v", kept, err)
	}
	if got := s.filed()["strange"]; got.Severity != plain+1 {
		t.Errorf("%+v", got)
	}
	// The next day the network is known. What rises later says in its timeline why.
	s.post(alice(day.Add(34*time.Hour), "203.0.113.9", "CreateUser", made("later")))
	if f := s.filed()["later"]; f.Severity != plain {
		t.Errorf("%+v", f)
	}
	s.post(alice(day.Add(35*time.Hour), "198.18.0.7", "CreateUser", made("usual")))
	var story []string
	err := s.serve.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		list, err := tx.Entries(ctx, got["usual"].IssueID, 0, 1000)
		for _, e := range list {
			story = append(story, e.Text)
		}
		return err
	})
	if err != nil || !slices.ContainsFunc(story, func(x string) bool {
		return strings.Contains(x, "a new network: severity") && strings.Contains(x, "first time from 198.18.0.0/24")
	}) {
		t.Errorf("%v %q", err, story)
	}
}

// TestLearning: a policy that asks what is usual is replayed over findings that were filed
// without knowing it: the lake says what was usual before each of them.
func TestLearning(t *testing.T) {
	s := newStand(t)
	s.start()
	s.history()
	day := begun.AddDate(0, 0, 20)
	s.post(alice(day.Add(10*time.Hour), "203.0.113.9", "CreateUser", made("strange")), alice(day.Add(10*time.Hour), "192.0.2.99", "CreateUser", made("usual")))
	s.post(alice(day.Add(11*time.Hour), "203.0.113.9", "ListUsers", "null"))
	before := s.filed()["strange"]
	if before.Finding.Usual != nil || s.serve.baselines.stats.lake.Load() != 0 {
		t.Errorf("something was asked for nobody: %+v", before.Finding.Usual)
	}
	b := &Books{DB: s.serve.db, cfg: s.serve.o.Config, data: s.cfg.Data, inbox: inbox{db: s.serve.db, desk: s.serve.desk}}
	past := b.Since(time.Unix(0, 0))
	records, err := past.Records(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	baselines, err := b.OpenBaselines(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer baselines.Close()
	after, problems := triage.ParsePolicy("p", []byte(strangePolicy), triage.PolicyOptions{})
	if after == nil {
		t.Fatal(problems)
	}
	from := Learning{From: past, Baselines: baselines, Of: after.Usual(), Event: records}
	got, err := triage.Replay(func(yield func(yagura.Filed) error) error { return from.Filed(t.Context(), yield) }, s.serve.policy.Load(), after, triage.ReplayOptions{})
	if err != nil || got.Findings != 2 || got.NoUsual != 0 || len(got.Moves) != 1 || got.Moves[0].Findings != 1 ||
		!strings.Contains(strings.Join(got.Moves[0].Examples[0].Clauses, "\n"), "first time from 203.0.113.0/24 in 90 days") {
		t.Errorf("%v %+v", err, got)
	}
	from.Event = nil // the program that called is in the record
	got, err = triage.Replay(func(yield func(yagura.Filed) error) error { return from.Filed(t.Context(), yield) }, s.serve.policy.Load(), after, triage.ReplayOptions{})
	if err != nil || got.NoUsual != 2 || len(got.Moves) != 1 {
		t.Errorf("%v %+v", err, got)
	}
}

// TestScheduledUsual: findings of rules on a schedule are judged by what is usual, too. Such a
// finding has no record, so what is read from one is not known, and that is said.
func TestScheduledUsual(t *testing.T) {
	engine, dir := testEngine(t)
	h := newLakeHouse(t, engine, dir, eachSQL+"entityMappings:\n  - entityType: Account\n    fieldMappings:\n      - {identifier: FullName, columnName: actor_id}\n")
	policy, problems := triage.ParsePolicy("p", []byte(strangePolicy), triage.PolicyOptions{})
	if policy == nil {
		t.Fatal(problems)
	}
	h.desk.Policy = func() *triage.Policy { return policy }
	b := newBaselines(asking{func() (*decode.Decoder, error) { return h.dec, nil }, &UsualAsker{Hunter: h.engine.hunter}}, time.Minute, 0, h.now.get, nil)
	h.desk.Usual = b.Learn
	h.deliver(habits("alice", "192.0.2", 20, 4, 1))
	day := begun.AddDate(0, 0, 20)
	h.now.set(day)
	h.deliver([]call{{at: day.Add(time.Hour), id: 9001, user: "alice", name: "CreateAccessKey", ip: "203.0.113.9"}, {at: day.Add(time.Hour), id: 9002, user: "alice", name: "CreateAccessKey", ip: "192.0.2.1"}})
	h.now.set(day.Add(30 * time.Hour))
	h.pass()
	var got []string
	err := h.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		list, _, err := tx.FindingsBetween(ctx, begun, begun.AddDate(1, 0, 0), "", 100)
		for _, f := range list {
			said := strings.Join(f.Clauses, " | ")
			got = append(got, fmt.Sprint(f.Finding.Event.SrcIP, " ", f.Severity, " ", strings.Contains(said, "first time from 203.0.113.0/24"), " ", strings.Contains(said, "not known what is usual (agent): the finding has no one record at hand")))
		}
		return err
	})
	slices.Sort(got)
	if want := []string{"192.0.2.1 high false true", "203.0.113.9 critical true true"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v\n got %q\nwant %q", err, got, want)
	}
}

// TestServeUsualAway: where the lake fails or hangs, findings are judged and filed, each once,
// and it is said that it was not known what is usual.
func TestServeUsualAway(t *testing.T) {
	for name, x := range map[string]struct {
		answer  func(ctx context.Context, q yagura.Usual) (yagura.Usual, error)
		timeout time.Duration
		want    string
	}{
		"fails": {func(context.Context, yagura.Usual) (yagura.Usual, error) {
			return yagura.Usual{}, errors.New("the disk is gone")
		}, 30 * time.Second, "the disk is gone"},
		"hangs": {func(context.Context, yagura.Usual) (yagura.Usual, error) { select {} }, 50 * time.Millisecond, "the lake did not answer within 50ms"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStrange(t)
			s.cfg.Usual.Timeout = config.Duration(x.timeout)
			s.alter = func(serve *Serve) {
				serve.baselines.ask = away{serve.baselines.ask, &answering{answer: x.answer}}
			}
			s.start()
			s.post(alice(begun, "203.0.113.9", "CreateUser", made("one")), alice(begun, "203.0.113.9", "CreateUser", made("two")))
			s.post(alice(begun, "203.0.113.9", "CreateUser", made("three")))
			got := s.filed()
			for _, name := range []string{"one", "two", "three"} {
				f, ok := got[name]
				if want := "not known what is usual (agent, network): " + x.want; !ok || f.Severity != f.Finding.Severity || !slices.Equal(f.Clauses, []string{want}) {
					t.Errorf("%s: %+v", name, f)
				}
			}
			s.settled()
			resp, err := http.Get("http://" + s.serve.Addr() + "/metrics")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			page, err := io.ReadAll(resp.Body)
			if err != nil || !strings.Contains(string(page), `yagura_usual_questions_total{answer="unknown"} 6`) {
				t.Errorf("%v\n%s", err, page)
			}
		})
	}
}

// away asks the questions of one baseline of another.
type away struct {
	baseline
	other baseline
}

// Answer asks the other.
func (a away) Answer(ctx context.Context, list []yagura.Usual) ([]yagura.Usual, error) {
	return a.other.Answer(ctx, list)
}
