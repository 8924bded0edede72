package slack_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/notifytest"
)

// TestActual reads many threads back: which are there, what they show, what people wrote.
func TestActual(t *testing.T) {
	b := newBench(t)
	var refs []string
	issue := map[string]*notifytest.Story{}
	for k := range 60 {
		s := notifytest.NewStory(b, k+1)
		s.Tell(t, yagura.OpOpen)
		s.Tell(t, yagura.OpAck)
		refs, issue[s.Ref] = append(refs, s.Ref), s
		b.Advance(time.Minute)
	}
	issue[refs[3]].Tell(t, yagura.OpClose)
	del := func(k int) { _, ts, _ := strings.Cut(refs[k], ":"); b.fake.Delete(b.soc, ts) }
	del(5) // leaves a tombstone
	gone := notifytest.NewStory(b, 100)
	gone.Tell(t, yagura.OpOpen)
	refs = append(refs, gone.Ref)
	del(len(refs) - 1) // leaves nothing
	b.Advance(time.Minute)
	since := b.Now()
	b.Advance(time.Minute)
	_, ts, _ := strings.Cut(refs[7], ":")
	if _, err := b.fake.Say(t.Context(), b.mary, b.soc, ts, "seen"); err != nil {
		t.Fatal(err)
	}
	read := func(since time.Time) map[string]notify.Ticket {
		t.Helper()
		all := map[string]notify.Ticket{}
		if err := b.sink.Actual(t.Context(), since, refs, func(tk notify.Ticket) error { all[tk.Ref] = tk; return nil }); err != nil {
			t.Fatal(err)
		}
		return all
	}
	all := read(time.Time{})
	if len(all) != 61 {
		t.Fatalf("%d tickets", len(all))
	}
	for k, ref := range refs {
		tk := all[ref]
		if dead := k == 5 || k == 60; tk.Gone != dead {
			t.Errorf("%d: gone %v", k, tk.Gone)
		} else if !dead && (tk.IssueID != issue[ref].Issue().ID || tk.Open != (k != 3) || len(tk.Notices) < 2 || tk.Updated.IsZero() || tk.URL == "") {
			t.Errorf("%d: %+v", k, tk)
		}
		if want := k == 7; (len(tk.Changes) == 1) != want {
			t.Errorf("%d: %+v", k, tk.Changes)
		}
	}
	before := b.fake.Calls("conversations.replies")
	some := read(since)
	if d := cmp.Diff([]bool{true, true, true}, []bool{some[refs[5]].Gone, some[refs[60]].Gone, len(some[refs[7]].Changes) == 1}); d != "" || len(some) != 61 {
		t.Errorf("since: %d tickets, %s", len(some), d)
	}
	if tk := some[refs[3]]; tk.Open || tk.IssueID != issue[refs[3]].Issue().ID || !some[refs[4]].Open {
		t.Errorf("a thread that nobody touched is read as %+v", tk)
	}
	if n := b.fake.Calls("conversations.replies") - before; n > 1 {
		t.Errorf("%d threads were read for one comment", n)
	}
	// A limit is waited for.
	b.fake.Fail("conversations.history", 1, 429, 1)
	stop := errors.New("enough")
	if err := b.sink.Actual(t.Context(), since, refs, func(notify.Ticket) error { return stop }); err != nil && !errors.Is(err, stop) {
		if _, ok := errors.AsType[*notify.Error](err); !ok {
			t.Error(err)
		}
	}
	b.Advance(time.Minute)
	b.fake.Kick(b.soc)
	if all := read(time.Time{}); len(all) != 61 || !all[refs[0]].Gone {
		t.Errorf("out of the channel: %d", len(all))
	}
	if err := b.sink.Actual(t.Context(), since, []string{"#12"}, nil); err == nil {
		t.Error("a reference of GitHub's was read")
	}
}

// TestActualSparse: two threads far apart in a busy channel are not looked for page by page.
func TestActualSparse(t *testing.T) {
	b := newBench(t)
	one, two := notifytest.NewStory(b, 1), notifytest.NewStory(b, 2)
	one.Tell(t, yagura.OpOpen)
	for range 5000 {
		if _, err := b.fake.Say(t.Context(), b.mary, b.soc, "", "chat"); err != nil {
			t.Fatal(err)
		}
	}
	two.Tell(t, yagura.OpOpen)
	n := 0
	if err := b.sink.Actual(t.Context(), time.Time{}, []string{one.Ref, two.Ref}, func(tk notify.Ticket) error {
		n++
		if tk.Gone || tk.IssueID == "" {
			t.Errorf("%+v", tk)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if calls := b.fake.Calls("conversations.history"); n != 2 || calls > 10 {
		t.Errorf("%d tickets, %d calls", n, calls)
	}
}
