package app

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/intake"
	"github.com/yagura-sec/yagura/store"
)

// refusingStore never takes the finding of one action or rule, as a store does whose limits it
// breaks.
type refusingStore struct {
	intake.Store
	action string
	cause  string // a part of it; "": any
}

func (r refusingStore) Update(ctx context.Context, fn func(ctx context.Context, tx intake.Tx) error) error {
	return r.Store.Update(ctx, func(ctx context.Context, tx intake.Tx) error { return fn(ctx, refusingTx{tx, r}) })
}

type refusingTx struct {
	intake.Tx
	r refusingStore
}

func (r refusingTx) PutFindings(ctx context.Context, rows []yagura.Filed) ([]yagura.FiledState, error) {
	for i := range rows {
		if f := &rows[i].Finding; (r.r.action == f.Event.Action || r.r.action == f.Rule.Title) && strings.Contains(f.CauseKey, r.r.cause) {
			return nil, errors.New("value too long")
		}
	}
	return r.Tx.PutFindings(ctx, rows)
}

// TestRefusedFinding: a finding that the store never takes is kept as a dead letter, is said,
// and holds up neither its neighbours nor what comes after it.
func TestRefusedFinding(t *testing.T) {
	s := newStand(t)
	s.alter = func(serve *Serve) {
		o := serve.intakeOptions(serve.receivers, 0)
		o.Store = refusingStore{Store: o.Store, action: "StopLogging"}
		serve.in = intake.New(o)
	}
	s.start()
	s.post(trail("2026-03-02T12:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`),
		trail("2026-03-02T12:01:00Z", "ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", ingress("0.0.0.0/0")))
	s.post(trail("2026-03-02T12:02:00Z", "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`))
	s.issue("Remote administration port opened to the internet")
	s.issue("IAM user created")
	if is := s.issue(intake.RefusedRule.Title); is.Severity != yagura.SeverityHigh || is.Count != 1 {
		t.Errorf("%+v", is)
	}
	if l := s.ledger(); l.DeadAll != 1 {
		t.Errorf("%d dead letters, want 1", l.DeadAll)
	}
}

// panickingStore panics in the middle of reading the rows of a window.
type panickingStore struct{ intake.Store }

func (p panickingStore) View(ctx context.Context, fn func(ctx context.Context, tx intake.Tx) error) error {
	return p.Store.View(ctx, func(ctx context.Context, tx intake.Tx) error { return fn(ctx, panickingTx{tx}) })
}

type panickingTx struct{ intake.Tx }

func (p panickingTx) WindowRows(ctx context.Context, corr yagura.Key, group, after []byte, yield func(yagura.WindowRow) error) error {
	return p.Tx.WindowRows(ctx, corr, group, after, func(yagura.WindowRow) error { panic("no such row") })
}

// TestRefusedWindow: what a correlation finds and the store never takes, and a group that
// cannot be evaluated, become a dead letter, are said once, and hold up nothing.
func TestRefusedWindow(t *testing.T) {
	for name, alter := range map[string]func(intake.Store) intake.Store{
		"the store refuses the finding": func(s intake.Store) intake.Store { return refusingStore{Store: s, action: "Many users created"} },
		"the evaluation panics":         func(s intake.Store) intake.Store { return panickingStore{s} },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "rule.yml"), countRules)
			s := newStand(t)
			s.rules = RuleOptions{Paths: []string{filepath.Join(dir, "rule.yml")}}
			s.alter = func(serve *Serve) {
				o := serve.intakeOptions(serve.receivers, 0)
				o.Store = alter(o.Store)
				serve.in = intake.New(o)
			}
			s.start()
			var records []string
			for range 4 {
				records = append(records, trail(time.Now().UTC().Format(time.RFC3339), "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`))
			}
			s.post(records...)
			s.until("it is said", func() bool { return s.ledger().DeadAll == 1 })
			if is := s.issue(intake.RefusedRule.Title); is.Severity != yagura.SeverityHigh || is.Count != 1 {
				t.Errorf("%+v", is)
			}
			due := 0
			err := s.serve.db.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				groups, err := tx.LeaseWindowGroups(ctx, "test", time.Now().Add(5*time.Minute), time.Now(), 10)
				due = len(groups)
				return err
			})
			if err != nil || due != 0 {
				t.Errorf("%d groups wait to be evaluated within minutes: %v", due, err)
			}
		})
	}
}

// TestChorePanics: a chore that panics is an error of the chore, is counted, and is said by
// one finding.
func TestChorePanics(t *testing.T) {
	s := newStand(t)
	s.start()
	h := s.serve.house
	for range 2 {
		if err := h.safely(t.Context(), chore{name: "fall", do: func(context.Context, time.Time) error { panic("over") }}); err == nil {
			t.Error("a panic is no error")
		}
		if err := h.tellStopped(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if is := s.issue(stoppedRule.Title); is.Count != 1 || is.Severity != yagura.SeverityHigh {
		t.Errorf("%+v", is)
	}
	if n := s.serve.stops.total.Load(); n != 2 {
		t.Errorf("%d panics counted, want 2", n)
	}
}
