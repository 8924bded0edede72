package github_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/github/githubtest"
	"github.com/yagura-sec/yagura/notify/notifytest"
)

// inbox applies every change once, by its id.
type inbox struct {
	mu      sync.Mutex
	seen    map[string]bool
	changes []yagura.Change
	err     error
}

func (i *inbox) Apply(_ context.Context, c yagura.Change) (bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return false, i.err
	}
	if i.seen[c.Via+c.ID] {
		return false, nil
	}
	if i.seen == nil {
		i.seen = map[string]bool{}
	}
	i.seen[c.Via+c.ID] = true
	i.changes = append(i.changes, c)
	return true, nil
}

func (i *inbox) Find(context.Context, string, yagura.Status, int) ([]yagura.Issue, error) {
	return nil, nil
}

// take returns what was applied since the last call, in short.
func (i *inbox) take() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var out []string
	for _, c := range i.changes {
		s := string(c.What) + " " + c.Who
		for _, more := range []string{strings.Join(c.Labels, ","), c.To, string(c.Verdict), c.Text} {
			if more != "" {
				s += " " + more
			}
		}
		out = append(out, s)
	}
	i.changes = nil
	return out
}

// wire gives the sink a webhook at the fake.
func (b *bench) wire(in notify.Inbox) {
	b.t.Helper()
	srv := httptest.NewServer(b.sink.Handler(in))
	b.t.Cleanup(srv.Close)
	b.gh.AddHook(srv.URL, secret)
}

// reconcile reads back and applies what people did.
func (b *bench) reconcile(in notify.Inbox, since time.Time, refs ...string) []notify.Ticket {
	b.t.Helper()
	var out []notify.Ticket
	err := b.sink.Actual(b.t.Context(), since, refs, func(t notify.Ticket) error {
		out = append(out, t)
		for _, c := range t.Changes {
			if _, err := in.Apply(b.t.Context(), c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// sendHooks sends the webhooks and wants all of them answered with 200.
func (b *bench) sendHooks() {
	b.t.Helper()
	for _, d := range b.gh.SendHooks() {
		if d.Status != 200 {
			b.t.Errorf("webhook %s: %d %s", d.Event, d.Status, d.Answer)
		}
	}
}

// acts are what a person does, and what Yagura shall learn of it.
var acts = []struct {
	name string
	do   func(gh *githubtest.Server, who string)
	want []string // WHO is the person
}{
	{"close", func(gh *githubtest.Server, who string) { gh.Close(repoName, 1, who, "not_planned") },
		[]string{"close github:WHO closed at GitHub as not planned"}},
	{"close and re-open", func(gh *githubtest.Server, who string) {
		gh.Close(repoName, 1, who, "completed")
		gh.Reopen(repoName, 1, who)
	}, []string{"close github:WHO closed at GitHub as completed", "reopen github:WHO re-opened at GitHub"}},
	{"label", func(gh *githubtest.Server, who string) {
		gh.Label(repoName, 1, who, "incident")
		gh.Label(repoName, 1, who, "severity/low") // follows the issue by itself
		gh.Unlabel(repoName, 1, who, "incident")
	}, []string{"label github:WHO incident", "unlabel github:WHO incident"}},
	{"conclude", func(gh *githubtest.Server, who string) {
		gh.Label(repoName, 1, who, "conclusion/false_positive")
		gh.Close(repoName, 1, who, "completed")
	}, []string{"conclude github:WHO false_positive", "close github:WHO false_positive closed at GitHub as completed"}},
	{"assign", func(gh *githubtest.Server, who string) {
		gh.Assign(repoName, 1, who, "mary")
		gh.Unassign(repoName, 1, who, "mary")
	}, []string{"assign github:WHO github:mary", "assign github:WHO"}},
	{"comment", func(gh *githubtest.Server, who string) { gh.Comment(repoName, 1, who, "we know\u202e this one") },
		[]string{`comment github:WHO we know\u202e this one`}},
}

// TestHumanOnce has people act, and wants each act once: by webhook, by the reconciler, and
// by both in either order.
func TestHumanOnce(t *testing.T) {
	for _, way := range []string{"webhook", "reconciler", "webhook, then reconciler", "reconciler, then webhook", "webhook sent twice"} {
		for _, act := range acts {
			t.Run(way+"/"+act.name, func(t *testing.T) {
				b := newBench(t, githubtest.Options{}, nil)
				in := &inbox{}
				b.wire(in)
				s := notifytest.NewStory(b, 1)
				s.Tell(t, yagura.OpOpen)
				s.Tell(t, yagura.OpUpdate)
				b.sendHooks()
				if got := in.take(); len(got) > 0 {
					t.Fatalf("our own doing came back: %q", got)
				}
				b.Advance(time.Hour)
				start := b.Now()
				act.do(b.gh, "mary")
				b.Advance(20 * time.Second)
				for step := range strings.SplitSeq(way, ", then ") {
					switch step {
					case "webhook":
						b.sendHooks()
					case "webhook sent twice":
						b.sendHooks()
						b.restart()
						b.sendHooks()
					case "reconciler":
						tickets := b.reconcile(in, start)
						if len(tickets) != 1 || tickets[0].IssueID != s.Issue().ID || tickets[0].Ref != s.Ref {
							t.Errorf("tickets %+v", tickets)
						}
					}
				}
				var want []string
				for _, w := range act.want {
					want = append(want, strings.ReplaceAll(w, "WHO", "mary"))
				}
				if d := cmp.Diff(want, in.take()); d != "" {
					t.Errorf("applied (-want +got)\n%s", d)
				}
				for _, c := range in.changes {
					if c.IssueID != s.Issue().ID {
						t.Errorf("change of issue %q", c.IssueID)
					}
				}
				// What the reconciler reads an hour later is known.
				b.Advance(time.Hour)
				b.reconcile(in, time.Time{}, s.Ref)
				if got := in.take(); len(got) > 0 {
					t.Errorf("applied again: %q", got)
				}
			})
		}
	}
}

// TestOwnDoing tells a whole story and wants nothing of it back, by webhook or reconciler,
// from this process or after a restart.
func TestOwnDoing(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	in := &inbox{}
	b.wire(in)
	s := notifytest.NewStory(b, 1)
	s.Issue().Assignee = "mary"
	for k, op := range []yagura.Op{yagura.OpOpen, yagura.OpUpdate, yagura.OpRise, yagura.OpAck, yagura.OpComment, yagura.OpClose, yagura.OpReopen, yagura.OpUpdate, yagura.OpClose} {
		switch k {
		case 3:
			s.Issue().Labels = []string{"one", "two"}
		case 4:
			s.Issue().Assignee = "yagura-user"
		case 7:
			s.Issue().Labels, s.Issue().Assignee = []string{"two"}, ""
		}
		s.Tell(t, op)
		if k%2 == 0 {
			b.restart()
		}
		b.Advance(time.Minute)
		if k%3 == 0 {
			b.sendHooks() // others come late, in a heap
		}
	}
	b.sendHooks()
	b.reconcile(in, time.Time{}, s.Ref)
	if got := in.take(); len(got) > 0 {
		t.Errorf("our own doing came back: %q", got)
	}
	i := b.gh.Issues(repoName)[0]
	slices.Sort(i.Labels)
	if d := cmp.Diff([]string{"attack/T1562.008", "cloud/aws", "severity/critical", "two", "yagura"}, i.Labels); d != "" {
		t.Errorf("labels (-want +got)\n%s", d)
	}
	if len(i.Assignees) > 0 {
		t.Errorf("assignees %v", i.Assignees)
	}
}

// TestSameAccount has a person act with the account that the token is of.
func TestSameAccount(t *testing.T) {
	for _, act := range acts {
		for _, way := range []string{"webhook", "reconciler"} {
			for _, told := range []bool{false, true} {
				t.Run(act.name+"/"+way+map[bool]string{true: "/after an update"}[told], func(t *testing.T) {
					b := newBench(t, githubtest.Options{}, nil)
					in := &inbox{}
					b.wire(in)
					s := notifytest.NewStory(b, 1)
					s.Tell(t, yagura.OpOpen)
					if told {
						s.Tell(t, yagura.OpUpdate)
					}
					b.sendHooks()
					b.Advance(time.Hour)
					b.restart()
					start := b.Now()
					act.do(b.gh, selfName)
					if way == "webhook" {
						b.sendHooks()
					} else {
						b.reconcile(in, start)
					}
					var want []string
					switch act.name {
					case "close and re-open", "assign", "label":
						// What was undone again at once cannot be told from our own doing, and changes
						// nothing. Before the first update there is no wish to compare with, and some is.
						in.take()
					default:
						for _, w := range act.want {
							want = append(want, strings.ReplaceAll(w, "WHO", selfName))
						}
					}
					if d := cmp.Diff(strings.Join(want, "\n"), strings.Join(in.take(), "\n")); d != "" {
						t.Errorf("applied (-want +got)\n%s", d)
					}
				})
			}
		}
	}
}

// TestEventShowsLate: the webhook comes before GitHub's list has the event.
func TestEventShowsLate(t *testing.T) {
	b := newBench(t, githubtest.Options{ListDelay: 2 * time.Second}, nil)
	in := &inbox{}
	b.wire(in)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	b.Advance(time.Hour)
	b.sendHooks()
	b.gh.Close(repoName, 1, "mary", "completed")
	b.sendHooks() // the handler waits by moving the clock
	if got := in.take(); len(got) != 1 {
		t.Errorf("applied %q", got)
	}
}

// TestInboxDown: a change that could not be taken is not lost.
func TestInboxDown(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	in := &inbox{}
	b.wire(in)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	b.sendHooks()
	b.Advance(time.Hour)
	b.gh.Close(repoName, 1, "mary", "completed")
	in.err = context.DeadlineExceeded
	for _, d := range b.gh.SendHooks() {
		if d.Status != 503 {
			t.Errorf("answered %d", d.Status)
		}
	}
	in.err = nil
	b.reconcile(in, b.Now().Add(-10*time.Minute))
	if got := in.take(); len(got) != 1 {
		t.Errorf("applied %q", got)
	}
}

// TestForeign: issues that are not ours, pull requests and forged markers are left alone.
func TestForeign(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	in := &inbox{}
	b.wire(in)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	ours := b.gh.Issues(repoName)[0]
	// Somebody copies our body, marker and all, into an issue and a comment of their own.
	b.gh.AddToken("evil-token", "eve")
	post(t, b.gh.URL+"/repos/"+repoName+"/issues", "evil-token", map[string]any{"title": ours.Title, "body": ours.Body})
	b.gh.Label(repoName, 2, "eve", "yagura")
	b.gh.Close(repoName, 2, "eve", "completed")
	b.sendHooks()
	b.reconcile(in, time.Time{}, s.Ref)
	if got := in.take(); len(got) > 0 {
		t.Errorf("applied %q", got)
	}
	if is := b.gh.Issues(repoName); !is[0].Open || is[1].Reason == "duplicate" {
		t.Errorf("issues %+v", is)
	}
	b.gh.Comment(repoName, 1, "eve", "<!-- yagura:notice=01FORGED -->\nhello")
	b.sendHooks()
	if got := in.take(); len(got) != 1 {
		t.Errorf("a comment with a forged marker: %q", got)
	}
}
