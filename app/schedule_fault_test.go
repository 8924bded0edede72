//go:build cgo

package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/schedule"
	"github.com/yagura-sec/yagura/store"
)

// flooded is an engine whose queries over some windows end at the limits.
type flooded struct {
	schedule.Engine
	ends map[time.Time]bool
}

func (f *flooded) Query(ctx context.Context, q schedule.QueryRequest) (*schedule.Rows, error) {
	if f.ends[q.To] {
		return nil, errors.New("the query was ended after 1m40s")
	}
	return f.Engine.Query(ctx, q)
}

// TestScheduleFloodedWindows: windows that no query can be asked of do not blind a rule for the
// windows that come after them; they are run once they can be, and find what they would have found.
func TestScheduleFloodedWindows(t *testing.T) {
	engine, dir := testEngine(t)
	h, plain := newLakeHouse(t, engine, dir, eachSQL), newLakeHouse(t, engine, dir, eachSQL)
	bad := &flooded{h.engine, map[time.Time]bool{}}
	for i := range 4 {
		bad.ends[begun.Add(time.Duration(i+1)*6*time.Hour).Truncate(6*time.Hour)] = true
	}
	h.plan(bad)
	var calls []call
	for i := range 8 {
		calls = append(calls, call{at: begun.Add(time.Duration(i)*6*time.Hour + time.Hour), id: i, user: "alice", name: "CreateAccessKey", ip: "192.0.2.1"})
	}
	for _, x := range []*lakeHouse{h, plain} {
		x.deliver(calls)
		x.now.set(begun.Add(72 * time.Hour))
	}
	plain.pass()
	var failed error
	for range 4 {
		_, err := h.runner.Pass(t.Context())
		failed = errors.Join(failed, err)
		h.now.set(h.now.get().Add(10 * time.Minute))
	}
	if failed == nil || !strings.Contains(failed.Error(), "ended after") {
		t.Errorf("nothing is said of what failed: %v", failed)
	}
	if want, got := len(plain.found()), len(h.found()); got < want-1 {
		t.Errorf("%d findings of %d while some windows fail", got, want)
	}
	st, err := h.runner.Status(t.Context())
	if err != nil || len(st) != 1 || st[0].Error == "" || st[0].Waiting != 4 {
		t.Errorf("%+v, %v", st, err)
	}
	clear(bad.ends)
	h.now.set(h.now.get().Add(3 * time.Hour))
	h.pass()
	ids := func(list []yagura.Finding) (out []string) {
		for _, f := range list {
			out = append(out, f.ID+" "+strings.Join(f.Events, " "))
		}
		return out
	}
	if want, got := ids(plain.found()), ids(h.found()); !slices.Equal(want, got) {
		t.Errorf("%q, want %q", got, want)
	}
	if st, err = h.runner.Status(t.Context()); err != nil || st[0].Error != "" || st[0].Waiting != 0 {
		t.Errorf("%+v, %v", st, err)
	}
}

// TestScheduleClockBack: a clock that was ahead and is set right does not make a rule deaf until
// it is that late again.
func TestScheduleClockBack(t *testing.T) {
	engine, dir := testEngine(t)
	h := newLakeHouse(t, engine, dir, eachSQL)
	h.now.set(begun.Add(40 * 24 * time.Hour))
	h.pass()
	h.now.set(begun.Add(7 * time.Hour))
	h.deliver([]call{{at: begun.Add(time.Hour), id: 1, user: "alice", name: "CreateAccessKey", ip: "192.0.2.1"}})
	h.now.set(begun.Add(8 * time.Hour))
	h.pass()
	if got := h.found(); len(got) != 1 {
		t.Errorf("%d findings of one event", len(got))
	}
}

// TestArrivedMany: where more arrived at once than is looked at, what happened lately is among it,
// and a time that is asked for is answered whole or not at all.
func TestArrivedMany(t *testing.T) {
	engine, dir := testEngine(t)
	h := newLakeHouse(t, engine, dir, eachSQL)
	h.engine.most = 10
	var calls []call
	for i := range 30 {
		calls = append(calls, call{at: begun.Add(time.Duration(i) * time.Hour), id: i, user: "alice", name: "CreateAccessKey", ip: "192.0.2.1"})
	}
	h.deliver(calls)
	ask := schedule.ArrivalRequest{To: begun.Add(1000 * time.Hour), Grain: time.Minute}
	got, err := h.engine.Arrived(t.Context(), ask)
	if err != nil || len(got) != 10 || !got[9].Equal(calls[29].at) || !got[0].Equal(calls[20].at) {
		t.Errorf("%v, %v", got, err)
	}
	ask.EventFrom, ask.EventTo = calls[5].at, calls[8].at
	if got, err = h.engine.Arrived(t.Context(), ask); err != nil || len(got) != 3 || !got[0].Equal(calls[5].at) {
		t.Errorf("%v, %v", got, err)
	}
	ask.EventTo = calls[25].at
	if got, err = h.engine.Arrived(t.Context(), ask); err == nil {
		t.Errorf("%d times of 20 without an error", len(got))
	}
}

const silentSQL = `
id: sql-silent
name: Nobody signed in
severity: Medium
kind: Scheduled
language: sql
queryFrequency: 6h
queryPeriod: 6h
triggerOperator: lt
triggerThreshold: 1
query: |
  SELECT id AS event_id FROM events WHERE action = 'ConsoleLogin'
`

// TestScheduleTakenBack: a silence that was none, as what broke it came late, is taken back, and
// its issue says so, once.
func TestScheduleTakenBack(t *testing.T) {
	engine, dir := testEngine(t)
	h := newLakeHouse(t, engine, dir, silentSQL)
	h.now.set(begun.Add(6*time.Hour + 10*time.Minute))
	h.pass()
	issue := func() (is yagura.Issue, entries []yagura.Entry) {
		t.Helper()
		err := h.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			list, _, err := latest(ctx, tx, issuesThat(), "", 10)
			if err == nil && len(list) != 1 {
				err = fmt.Errorf("%d issues", len(list))
			}
			if err != nil {
				return err
			}
			is = list[0]
			entries, err = tx.Entries(ctx, is.ID, 0, 100)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return is, entries
	}
	if is, _ := issue(); is.Count != 1 || len(h.found()) != 1 {
		t.Fatalf("%d findings of a silence, the issue counts %d", len(h.found()), is.Count)
	}
	h.now.set(begun.Add(7 * time.Hour))
	h.deliver([]call{{at: begun.Add(time.Hour), id: 1, user: "alice", name: "ConsoleLogin", ip: "192.0.2.1"}})
	said := 0
	for range 3 {
		h.now.set(h.now.get().Add(10 * time.Minute))
		h.pass()
		is, entries := issue()
		if is.Count != 0 || len(h.found()) != 0 || is.Status != yagura.StatusOpen {
			t.Errorf("%d findings hold, the issue counts %d and is %s", len(h.found()), is.Count, is.Status)
		}
		said = 0
		for _, e := range entries {
			if strings.Contains(e.Text, "does not hold any more") {
				said++
			}
		}
	}
	if said != 1 {
		t.Errorf("the issue says %d times that its finding was taken back", said)
	}
}
