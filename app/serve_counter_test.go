package app

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/store/storetest"
	"github.com/yagura-sec/yagura/triage"
)

// TestCounterRace: a posture and its counter-event that two replicas judge at the same moment
// end as a closed issue, whoever commits first.
func TestCounterRace(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	db, err := store.Open(t.Context(), store.Options{URL: storetest.Postgres(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	desk := &triage.Desk{Policy: triage.DefaultPolicy, Account: func(string) yagura.AccountInfo { return yagura.AccountInfo{} },
		Counter: func(id string) bool { return id == "closed" }, Now: time.Now, NewID: NewID(time.Now)}
	found := func(rule, cause string, at time.Time) triage.Found {
		f := builtinFinding(yagura.RuleRef{ID: rule, Title: rule, Engine: yagura.EngineBuiltin, Tags: []string{}}, yagura.SeverityMedium, rule+cause, "", rule, at)
		f.CauseKey, f.Kind = "- port "+cause, yagura.Posture
		return triage.Found{Finding: f}
	}
	take := func(c triage.Found, before func()) error {
		force := false
		for {
			err := db.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
				_, err := desk.Take(ctx, bookTx{tx}, []triage.Found{c}, force)
				if err == nil && before != nil {
					before()
					before = nil
				}
				return err
			})
			if !errors.Is(err, triage.ErrUpgrade) {
				return err
			}
			force = true
		}
	}
	for _, first := range []string{"opened", "closed"} {
		a, b := found("opened", first, now), found("closed", first, now.Add(time.Minute))
		if first == "closed" {
			a, b = b, a
		}
		second := make(chan error, 1)
		err := take(a, func() {
			go func() { second <- take(b, nil) }()
			select { // it ends, or it waits for the commit of the first
			case err := <-second:
				second <- err
			case <-time.After(time.Second):
			}
		})
		if err = errors.Join(err, <-second); err != nil {
			t.Fatal(err)
		}
		err = db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			key := triage.CauseKey("", &a.Finding, "")
			list, err := tx.IssuesByCause(ctx, []string{key}, yagura.LockNone)
			if is := list[key]; err == nil && (is == nil || is.Status != yagura.StatusClosed) {
				t.Errorf("%s first: %+v", first, is)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
