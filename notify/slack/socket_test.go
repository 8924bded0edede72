package slack_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify/notifytest"
)

func connected(t *testing.T, b *bench, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := b.fake.Connected(ctx, n); err != nil {
		t.Fatal(err)
	}
}

// TestRefresh: the next connection is there before the old one is left, and nothing of
// either is lost.
func TestRefresh(t *testing.T) {
	b, in := newBench(t), &inbox{}
	listen(t, b, in)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	for k := range 3 {
		b.fake.Disconnect([]string{"warning", "refresh_requested", "refresh_requested"}[k])
		connected(t, b, 1)
		// The fake uses the oldest connection that is still open: the one that is left.
		press(t, b, b.mary, s.Ref, "yagura_ack")
	}
	b.fake.Drop()
	connected(t, b, 1)
	press(t, b, b.mary, s.Ref, "yagura_ack")
	if n := len(in.taken()); n != 4 || b.fake.Late() != 0 {
		t.Errorf("%d changes, %d late", n, b.fake.Late())
	}
}

// TestOldConnectionEnds when its time is up.
func TestOldConnectionEnds(t *testing.T) {
	b, in := newBench(t), &inbox{}
	b.sink.Hurry(2*time.Second, time.Minute, time.Minute, time.Millisecond)
	listen(t, b, in)
	b.fake.Disconnect("refresh_requested")
	connected(t, b, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := b.fake.Open(ctx, 1); err != nil {
		t.Error(err)
	}
}

// TestReconnect comes back after refusals, broken connections and bad frames.
func TestReconnect(t *testing.T) {
	b, in := newBench(t), &inbox{}
	b.sink.Hurry(2*time.Second, time.Minute, time.Minute, time.Minute)
	b.fake.Fail("apps.connections.open", 2, 503, 0)
	b.fake.Refuse("apps.connections.open", 1, "internal_error")
	listen(t, b, in)
	for range 3 {
		b.fake.Drop()
		connected(t, b, 0)
		connected(t, b, 1)
	}
	b.fake.Raw("{")
	b.fake.Raw(`{"type":42}`)
	b.fake.Raw(`{"type":"interactive","envelope_id":""}`)
	b.fake.Raw(`{"type":"interactive","envelope_id":"x1","payload":{"type":"block_actions"}}`)
	b.fake.Raw(`{"type":"something_new","envelope_id":"x2"}`)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	press(t, b, b.mary, s.Ref, "yagura_ack")
	if len(in.taken()) != 1 {
		t.Errorf("%v", in.taken())
	}
}

// TestStalled finds a connection that is dead without saying so, by its missing pongs.
func TestStalled(t *testing.T) {
	b, in := newBench(t), &inbox{}
	b.sink.Hurry(2*time.Second, 20*time.Millisecond, 50*time.Millisecond, time.Minute)
	b.fake.Stall(true)
	listen(t, b, in)
	b.fake.Stall(false)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := b.fake.Links(ctx, 2); err != nil {
		t.Error(err)
	}
}

// TestSwitchedOff: what waiting does not change ends Listen.
func TestSwitchedOff(t *testing.T) {
	b := newBench(t)
	done := make(chan error, 1)
	go func() { done <- b.sink.Listen(t.Context(), &inbox{}) }()
	connected(t, b, 1)
	b.fake.Disconnect("link_disabled")
	if err := <-done; err == nil || !strings.Contains(err.Error(), "switched off") {
		t.Error(err)
	}
	b.fake.AppToken = "xapp-another"
	if err := b.sink.Listen(t.Context(), &inbox{}); err == nil || !strings.Contains(err.Error(), "invalid_auth") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.sink.Listen(ctx, &inbox{}); err != nil {
		t.Error(err)
	}
}

// TestSlowInbox: an envelope is acknowledged in time although the work takes longer, and the
// answer follows.
func TestSlowInbox(t *testing.T) {
	b, in := newBench(t), &inbox{gate: make(chan struct{})}
	b.sink.Hurry(20*time.Millisecond, time.Minute, time.Minute, time.Minute)
	listen(t, b, in)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	press(t, b, b.mary, s.Ref, "yagura_ack")
	in.issues = []yagura.Issue{{ID: s.Issue().ID, Severity: yagura.SeverityHigh, Status: yagura.StatusOpen}}
	if a, err := b.fake.Command(t.Context(), b.mary, "mute "+s.Issue().ID+" 1h because"); err != nil || len(a.Payload) > 0 {
		t.Fatalf("%v %s", err, a.Payload)
	}
	if len(in.taken()) != 0 || len(b.fake.Told(b.mary)) != 0 {
		t.Fatal("the gate is open")
	}
	close(in.gate)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := b.fake.WaitTold(ctx, b.mary, 2); err != nil {
		t.Error(err)
	}
	if len(in.taken()) != 2 || b.fake.Late() != 0 {
		t.Errorf("%v, %d late", in.taken(), b.fake.Late())
	}
}

// TestManyAtOnce: a hundred people at once are each heard once.
func TestManyAtOnce(t *testing.T) {
	b, in := newBench(t), &inbox{}
	listen(t, b, in)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	channel, ts, _ := strings.Cut(s.Ref, ":")
	errs := make(chan error)
	for k := range 100 {
		user := b.fake.AddUser(fmt.Sprintf("P%d", k), "")
		go func() {
			_, err := b.fake.Press(t.Context(), user, channel, ts, "yagura_ack")
			errs <- err
		}()
	}
	for range 100 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if len(in.taken()) != 100 {
		t.Errorf("%d changes", len(in.taken()))
	}
}
