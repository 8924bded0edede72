package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/triage"
)

// begun is when the tests' time begins.
var begun = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// answering is a baseline whose answers a test decides.
type answering struct {
	mu     sync.Mutex
	asked  []string
	answer func(ctx context.Context, q yagura.Usual) (yagura.Usual, error)
}

// Questions asks for the network and the hour; a finding of the rule "wrong" makes it panic.
func (h *answering) Questions(c *triage.Found) []yagura.Usual {
	f := &c.Finding
	if f.Rule.ID == "wrong" {
		panic("wrong")
	}
	if f.Event.SrcIP == "" {
		return nil
	}
	e := yagura.Entity{Type: "user", ID: f.Event.Actor.ID}
	before := f.Time.Truncate(time.Hour)
	return []yagura.Usual{{Of: "network", Entity: e, Value: f.Event.SrcIP, Before: before}, {Of: "hour", Entity: e, Value: fmt.Sprintf("%02d", f.Time.Hour()), Before: before}}
}

// Answer notes what it is asked.
func (h *answering) Answer(ctx context.Context, list []yagura.Usual) ([]yagura.Usual, error) {
	h.mu.Lock()
	var said []string
	for _, q := range list {
		said = append(said, q.Of+"="+q.Value)
	}
	h.asked = append(h.asked, strings.Join(said, " "))
	answer := h.answer
	h.mu.Unlock()
	out := make([]yagura.Usual, len(list))
	for i, q := range list {
		var err error
		if out[i], err = answer(ctx, q); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (h *answering) took() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.asked
	h.asked = nil
	return out
}

func firsts(_ context.Context, q yagura.Usual) (yagura.Usual, error) {
	q.First, q.Text = true, "first time from "+q.Value
	return q, nil
}

func asks(id, ip string, at time.Time) *triage.Found {
	return &triage.Found{Finding: yagura.Finding{ID: id, Time: at, Event: yagura.EventRef{SrcIP: ip, Actor: yagura.Actor{ID: "alice"}}}}
}

func usualSaid(list ...*triage.Found) (out []string) {
	for _, c := range list {
		for _, u := range c.Finding.Usual {
			s := c.Finding.ID + " " + u.Of + "=" + u.Value
			switch {
			case u.Unknown != "":
				s += " unknown: " + u.Unknown
			case u.First:
				s += " first"
			}
			out = append(out, s)
		}
	}
	return out
}

// TestBaselinesAsk: one batch is one ask, each question once; what is known is not asked
// again, not by findings that are filed already either.
func TestBaselinesAsk(t *testing.T) {
	h := &answering{answer: firsts}
	now := begun
	b := newBaselines(h, time.Minute, 0, func() time.Time { return now }, nil)
	var read [][]string
	filed := map[string][]yagura.Usual{}
	b.filed = func(_ context.Context, ids []string) (map[string][]yagura.Usual, error) {
		read = append(read, ids)
		return filed, nil
	}
	one, two, none := asks("1", "192.0.2.1", begun), asks("2", "192.0.2.1", begun.Add(59*time.Minute)), asks("3", "", begun)
	b.Learn(t.Context(), []*triage.Found{one, two, none}, []string{"network"})
	if d := cmp.Diff([]string{"1 network=192.0.2.1 first", "2 network=192.0.2.1 first"}, usualSaid(one, two, none)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"network=192.0.2.1"}, h.took()); d != "" {
		t.Error(d)
	}
	// What the finding says itself stands; another dimension and another hour are asked.
	later := asks("4", "192.0.2.1", begun.Add(time.Hour))
	b.Learn(t.Context(), []*triage.Found{one, later}, []string{"hour", "network"})
	if d := cmp.Diff([]string{"1 network=192.0.2.1 first", "1 hour=00 first", "4 network=192.0.2.1 first", "4 hour=01 first"}, usualSaid(one, later)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"hour=00 network=192.0.2.1 hour=01"}, h.took()); d != "" {
		t.Error(d)
	}
	// A finding that is filed is judged by what was known then, also where the value that was
	// asked stands for another.
	filed["5"] = []yagura.Usual{{Of: "network", Entity: yagura.Entity{Type: "user", ID: "alice"}, Value: "198.51.100.0/24", Asked: "198.51.100.7", Before: begun, Count: 9}}
	known, fresh := asks("5", "198.51.100.7", begun), asks("6", "198.51.100.8", begun)
	b.Learn(t.Context(), []*triage.Found{known, fresh}, []string{"network"})
	if d := cmp.Diff([]string{"5 network=198.51.100.0/24", "6 network=198.51.100.8 first"}, usualSaid(known, fresh)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"network=198.51.100.8"}, h.took()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([][]string{{"1", "2"}, {"1", "4"}, {"5", "6"}}, read); d != "" {
		t.Error(d)
	}
	if s := &b.stats; s.filed.Load() != 1 || s.remembered.Load() != 0 || s.lake.Load() != 6 || s.unknown.Load() != 0 {
		t.Errorf("filed %d, remembered %d, lake %d, unknown %d", s.filed.Load(), s.remembered.Load(), s.lake.Load(), s.unknown.Load())
	}
	again := asks("7", "198.51.100.8", begun)
	b.Learn(t.Context(), []*triage.Found{again}, []string{"network"})
	if got := h.took(); got != nil || b.stats.remembered.Load() != 1 {
		t.Errorf("what is remembered was asked: %v", got)
	}
}

// TestBaselinesBound: no more is asked at once than may be, and what is left says so.
func TestBaselinesBound(t *testing.T) {
	h := &answering{answer: firsts}
	b := newBaselines(h, time.Minute, 3, func() time.Time { return begun }, nil)
	var list []*triage.Found
	for i := range 5 {
		list = append(list, asks(fmt.Sprint(i), fmt.Sprintf("192.0.2.%d", i), begun))
	}
	b.Learn(t.Context(), list, []string{"network"})
	want := []string{"0 network=192.0.2.0 first", "1 network=192.0.2.1 first", "2 network=192.0.2.2 first",
		"3 network=192.0.2.3 unknown: more than 3 questions at once", "4 network=192.0.2.4 unknown: more than 3 questions at once"}
	if d := cmp.Diff(want, usualSaid(list...)); d != "" {
		t.Error(d)
	}
	b.Learn(t.Context(), list, []string{"network"})
	if d := cmp.Diff([]string{"network=192.0.2.0 network=192.0.2.1 network=192.0.2.2", "network=192.0.2.3 network=192.0.2.4"}, h.took()); d != "" {
		t.Error(d)
	}
	many := map[usualKey]bool{}
	for i := range 2*usualCached + 10 {
		k := usualKey{value: fmt.Sprint(i)}
		many[k] = true
		b.remember(k, yagura.Usual{})
	}
	b.remember(usualKey{value: strings.Repeat("a", 2*usualLong)}, yagura.Usual{})
	if n := len(b.cache[0]) + len(b.cache[1]); n > 2*usualCached {
		t.Errorf("%d answers are remembered", n)
	}
}

// TestBaselinesTrouble: an engine that fails, hangs, answers too little or panics holds
// nothing up. For a while nobody asks it then, and it is logged once a minute at most.
func TestBaselinesTrouble(t *testing.T) {
	for _, x := range []struct {
		name   string
		answer func(ctx context.Context, q yagura.Usual) (yagura.Usual, error)
		want   string
	}{
		{"fails", func(context.Context, yagura.Usual) (yagura.Usual, error) {
			return yagura.Usual{}, errors.New("the disk\nis gone")
		}, "the disk is gone"},
		{"panics", func(context.Context, yagura.Usual) (yagura.Usual, error) { panic("oh") }, "asking the lake panicked: oh"},
		{"hangs", func(ctx context.Context, q yagura.Usual) (yagura.Usual, error) {
			<-ctx.Done()
			return q, ctx.Err()
		}, "the lake did not answer within 20ms"},
		{"hangs for ever", func(context.Context, yagura.Usual) (yagura.Usual, error) {
			select {}
		}, "the lake did not answer within 20ms"},
	} {
		t.Run(x.name, func(t *testing.T) {
			h := &answering{answer: x.answer}
			now := begun
			var log strings.Builder
			limit := time.Minute
			if strings.HasPrefix(x.name, "hangs") {
				limit = 20 * time.Millisecond
			}
			b := newBaselines(h, limit, 0, func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)))
			ask := func(id string) {
				t.Helper()
				c := asks(id, "192.0.2.1", begun)
				b.Learn(t.Context(), []*triage.Found{c}, []string{"network"})
				if d := cmp.Diff([]string{id + " network=192.0.2.1 unknown: " + x.want}, usualSaid(c)); d != "" {
					t.Error(d)
				}
			}
			ask("1")
			ask("2")
			if got := len(h.took()); got != 1 {
				t.Errorf("asked %d times in a pause", got)
			}
			now = now.Add(usualPause)
			ask("3")
			now = now.Add(usualPause)
			ask("4") // the pause is longer now
			if got := len(h.took()); got != 1 {
				t.Errorf("asked %d times after a pause", got)
			}
			now = now.Add(2 * time.Minute)
			ask("5") // of an engine that never comes back there is no third ask
			if got := strings.Count(log.String(), "it is not known what is usual"); got != 2 {
				t.Errorf("logged %d times:\n%s", got, log.String())
			}
			if got := b.stats.unknown.Load(); got != 5 {
				t.Errorf("%d counted", got)
			}
			if x.name == "hangs for ever" {
				return
			}
			h.mu.Lock()
			h.answer = firsts
			h.mu.Unlock()
			now = now.Add(2 * time.Minute)
			c := asks("6", "192.0.2.1", begun)
			b.Learn(t.Context(), []*triage.Found{c}, []string{"network"})
			if d := cmp.Diff([]string{"6 network=192.0.2.1 first"}, usualSaid(c)); d != "" {
				t.Error(d)
			}
		})
	}
	b := newBaselines(&answering{answer: firsts}, time.Minute, 0, func() time.Time { return begun }, nil)
	wrong, right := asks("1", "192.0.2.1", begun), asks("2", "192.0.2.1", begun)
	wrong.Finding.Rule.ID = "wrong"
	b.Learn(t.Context(), []*triage.Found{wrong, right}, []string{"network"})
	if d := cmp.Diff([]string{"2 network=192.0.2.1 first"}, usualSaid(wrong, right)); d != "" {
		t.Error(d)
	}
}
