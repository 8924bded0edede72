package github_test

import (
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify/github/githubtest"
	"github.com/yagura-sec/yagura/notify/notifytest"
)

// TestMadeAfterLooking: what was looked for twice and not found is made again without an
// answer, and lists do not show it yet. That it was not there before says nothing any more:
// it is looked for from the beginning.
func TestMadeAfterLooking(t *testing.T) {
	for _, op := range []yagura.Op{yagura.OpOpen, yagura.OpComment} {
		t.Run(string(op), func(t *testing.T) {
			b := newBench(t, githubtest.Options{ListDelay: 20 * time.Second}, nil)
			s := notifytest.NewStory(b, 1)
			if op != yagura.OpOpen {
				s.Tell(t, yagura.OpOpen)
			}
			before := len(b.Made())
			o := s.Next(op)
			only := "/issues"
			if op == yagura.OpComment {
				only = "/comments"
			}
			fail := func(f githubtest.Fault, wait time.Duration) {
				t.Helper()
				f.Only = only
				b.gh.Fail(f, 1)
				if err := o.Attempt(t.Context(), b); err == nil {
					t.Fatal("the fault went unnoticed")
				}
				b.gh.Fail(githubtest.Fault{}, 0)
				b.Advance(wait)
			}
			fail(githubtest.Fault{Status: 503}, time.Second)
			fail(githubtest.Fault{}, 30*time.Second) // looks, and finds nothing
			fail(githubtest.Fault{Lose: true}, 5*time.Second)
			o.Deliver(t, b)
			if n := len(b.Made()) - before; n != 1 {
				t.Errorf("%d things stand there, want 1", n)
			}
		})
	}
}

// TestHalfDone: a comment is made, and then the limit keeps the issue from being closed. The
// next attempt knows that it may be there.
func TestHalfDone(t *testing.T) {
	for _, f := range []githubtest.Fault{{Limit: true, RetryAfter: time.Second}, {Status: 403}, {Status: 503}} {
		b := newBench(t, githubtest.Options{}, nil)
		s := notifytest.NewStory(b, 1)
		s.Tell(t, yagura.OpOpen)
		o := s.Next(yagura.OpClose)
		f.Only = "/issues/1"
		b.gh.Fail(f, 1)
		if err := o.Attempt(t.Context(), b); err == nil {
			t.Fatalf("%+v: it went unnoticed", f)
		}
		b.gh.Fail(githubtest.Fault{}, 0)
		if n := count(b, o.ID); n != 1 {
			t.Fatalf("%+v: %d comments before the issue is closed", f, n)
		}
		b.Advance(11 * time.Minute)
		o.Deliver(t, b)
		if n := count(b, o.ID); n != 1 {
			t.Errorf("%+v: %d comments of one notice", f, n)
		}
	}
}

func count(b *bench, notice string) (n int) {
	for _, th := range b.Made() {
		if th.Notice == notice {
			n++
		}
	}
	return n
}
