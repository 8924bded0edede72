//go:build cgo

package app

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule/sentinel"
	"github.com/yagura-sec/yagura/schedule"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

var errKilled = errors.New("killed")

// dyingStore ends transactions as a process that is killed does: before the commit, or after
// it with nobody left to hear of it.
type dyingStore struct {
	scheduleStore
	r      *rand.Rand
	kills  int
	before int
	after  int
}

func (d *dyingStore) Update(ctx context.Context, fn func(ctx context.Context, tx schedule.Tx) error) error {
	switch {
	case d.kills > 0 && d.r.IntN(3) == 0:
		d.kills--
		d.before++
		err := d.scheduleStore.Update(ctx, func(ctx context.Context, tx schedule.Tx) error {
			if err := fn(ctx, tx); err != nil {
				return err
			}
			return errKilled
		})
		return err
	case d.kills > 0 && d.r.IntN(3) == 0:
		d.kills--
		d.after++
		if err := d.scheduleStore.Update(ctx, fn); err != nil {
			return err
		}
		return errKilled
	}
	return d.scheduleStore.Update(ctx, fn)
}

// TestScheduleKilled: a runner that is killed before or after any commit, again and again,
// comes to the same findings and issues as one that never is; none is lost or doubled.
func TestScheduleKilled(t *testing.T) {
	engine, dir := testEngine(t)
	r := rand.New(rand.NewPCG(4, 4))
	calls := history(r, 1)
	end := begun.Add(48 * time.Hour)
	run := func(kills int) ([]yagura.Finding, []string) {
		h := newLakeHouse(t, engine, dir, failuresSQL, quietSQL, newcomerKQL)
		clock := h.now.get
		desk := &triage.Desk{Policy: triage.DefaultPolicy, Account: func(string) yagura.AccountInfo { return yagura.AccountInfo{} },
			Counter: func(string) bool { return false }, Now: clock, NewID: NewID(clock)}
		d := &dyingStore{scheduleStore: scheduleStore{h.db, desk, func() string { return "g" }}, r: rand.New(rand.NewPCG(9, 9)), kills: kills}
		rest := calls
		for h.now.set(begun); h.now.get().Before(end); h.now.set(h.now.get().Add(6 * time.Hour)) {
			n := 0
			for n < len(rest) && rest[n].at.Before(h.now.get()) {
				n++
			}
			if n > 0 {
				h.deliver(rest[:n])
			}
			rest = rest[n:]
			h.now.set(h.now.get().Add(5 * time.Minute))
			for tries := 0; ; tries++ {
				// Each try is another process of the same name.
				runner := schedule.New(schedule.Options{Rules: func() []*sentinel.Rule { return h.rules }, Engine: h.engine, Store: d, Now: clock, Owner: "me", Begin: begun})
				more, err := runner.Pass(t.Context())
				if err != nil && !errors.Is(err, errKilled) {
					t.Fatal(err)
				}
				if err == nil && !more {
					break
				}
				if tries > 300 {
					t.Fatal("it never ends")
				}
				h.now.set(h.now.get().Add(time.Hour / 300)) // a rule that failed waits a little
			}
			h.now.set(h.now.get().Truncate(6 * time.Hour))
		}
		h.now.set(end)
		if kills > 0 && (d.before == 0 || d.after == 0) {
			t.Fatalf("killed %d times before and %d times after a commit", d.before, d.after)
		}
		var issues []string
		err := h.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			seen := map[string]bool{}
			for _, f := range h.found() {
				key := triage.CauseKey("", &f, "")
				if seen[key] {
					continue
				}
				seen[key] = true
				list, err := tx.IssuesByCause(ctx, []string{key}, yagura.LockNone)
				if err != nil {
					return err
				}
				if is := list[key]; is != nil {
					issues = append(issues, is.CauseKey)
				} else {
					t.Errorf("no issue of %s", key)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(issues)
		return h.found(), issues
	}
	want, wantIssues := run(0)
	got, gotIssues := run(60)
	if len(want) < 5 {
		t.Fatalf("only %d findings", len(want))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("findings (-whole +killed):\n%.3000s", d)
	}
	if d := cmp.Diff(wantIssues, gotIssues); d != "" {
		t.Errorf("issues (-whole +killed):\n%s", d)
	}
}
