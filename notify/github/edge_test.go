package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/github"
	"github.com/yagura-sec/yagura/notify/github/githubtest"
	"github.com/yagura-sec/yagura/notify/notifytest"
)

// refusal attempts once and returns the error.
func refusal(t *testing.T, b *bench, o *notifytest.Owed) *notify.Error {
	t.Helper()
	err := o.Attempt(t.Context(), b)
	var e *notify.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: %v", o.Op, err)
	}
	return e
}

// TestIssue looks at what was filed and what a status comment holds.
func TestIssue(t *testing.T) {
	b := newBench(t, githubtest.Options{}, func(o *github.Options) { o.Lang = notify.Japanese })
	s := notifytest.NewStory(b, 1)
	s.Issue().Assignee, s.Issue().Labels = "mary", []string{"team/payments", "severity/low"}
	s.Tell(t, yagura.OpOpen)
	b.Advance(time.Minute)
	s.Tell(t, yagura.OpRise)
	s.Issue().Conclusion = yagura.ConcludedFalsePositive
	s.Tell(t, yagura.OpClose)
	i := b.gh.Issues(repoName)[0]
	if i.Title != "[緊急] 証跡の停止" || i.Open || i.Reason != "not_planned" || i.User != selfName {
		t.Errorf("title %q, open %v, reason %q, user %q", i.Title, i.Open, i.Reason, i.User)
	}
	if !strings.HasPrefix(i.Body, "<!-- yagura:issue="+s.Issue().ID+" v=1 --><!-- yagura:notice=") || !strings.Contains(i.Body, "**実行者**: `mary (arn:aws:iam::111122223333:user/mary)`") {
		t.Errorf("body\n%s", i.Body)
	}
	if d := cmp.Diff([]string{"mary"}, i.Assignees); d != "" {
		t.Error(d)
	}
	if len(i.Comments) != 3 || !strings.Contains(i.Comments[0].Body, "### 状態: 完了") || !strings.Contains(i.Comments[0].Body, "### タイムライン") {
		t.Fatalf("comments %+v", i.Comments)
	}
	if got := b.gh.Labels(repoName); got["severity/critical"] != "b60205" || got["yagura"] != "1d3557" || got["attack/T1562.008"] != "d4c5f9" || got["conclusion/false_positive"] == "" {
		t.Errorf("labels of the repository %v", got)
	}
	// Nobody's search was used, and no secret stands in a path.
	for _, r := range b.gh.Requests() {
		if strings.Contains(r.Path, "search") || strings.Contains(r.Path+r.Query, token) {
			t.Errorf("request %+v", r)
		}
	}
}

// TestLongStory: the one status comment is edited in place and stays bounded.
func TestLongStory(t *testing.T) {
	b := newBench(t, githubtest.Options{ContentPerMinute: -1, ContentPerHour: -1}, nil)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	for k := range 120 {
		// People talk in between: the status comment is found among more than a page.
		b.gh.Comment(repoName, 1, "mary", fmt.Sprint("word ", k))
	}
	for k := range 40 {
		o := s.Next(yagura.OpUpdate)
		o.Entry.Text = strings.Repeat("長い説明", 200) + fmt.Sprint(k)
		o.Deliver(t, b)
		if k%10 == 0 {
			b.restart()
		}
		b.Advance(time.Minute)
	}
	i := b.gh.Issues(repoName)[0]
	if len(i.Comments) != 121 {
		t.Fatalf("%d comments", len(i.Comments))
	}
	body := i.Comments[120].Body
	if len(body) > 65536 || strings.Count(body, "長い説明") == 0 {
		t.Errorf("status of %d bytes", len(body))
	}
}

// TestLateCommit: GitHub makes an issue long after the answer was lost and two looks found
// nothing. The double is found, closed visibly and counted, and nothing takes it for ours.
func TestLateCommit(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	in := &inbox{}
	b.wire(in)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	s.Tell(t, yagura.OpUpdate)
	b.Advance(time.Hour)
	double := b.gh.Copy(repoName, 1)
	b.sendHooks()
	b.reconcile(in, b.Now().Add(-10*time.Minute), s.Ref)
	is := b.gh.Issues(repoName)
	if is[1].Number != double || is[1].Open || len(is[1].Comments) != 1 || !strings.Contains(is[1].Comments[0].Body, "/issues/1)") {
		t.Fatalf("the double: %+v", is[1])
	}
	if !is[0].Open || b.sink.Stats().Duplicates != 1 {
		t.Errorf("survivor open %v, counted %d", is[0].Open, b.sink.Stats().Duplicates)
	}
	b.sendHooks()
	b.Advance(time.Hour)
	if ts := b.reconcile(in, time.Time{}, s.Ref); len(ts) != 1 || ts[0].Ref != s.Ref {
		t.Errorf("tickets %+v", ts)
	}
	b.gh.Reopen(repoName, double, "mary")
	b.gh.Comment(repoName, double, "mary", "why?")
	b.sendHooks()
	if got := in.take(); len(got) > 0 {
		t.Errorf("the double spoke: %q", got)
	}
	if b.sink.Stats().Duplicates != 1 {
		t.Errorf("counted %d", b.sink.Stats().Duplicates)
	}
}

// TestUncertainDouble: the look after an attempt without an answer finds two.
func TestUncertainDouble(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	s := notifytest.NewStory(b, 1)
	o := s.Next(yagura.OpOpen)
	o.Deliver(t, b)
	b.gh.Copy(repoName, 1)
	o.Ref, o.Uncertain = "", true
	if r := o.Deliver(t, b); r.Ref != repoName+"#1" || !r.Doubled {
		t.Errorf("receipt %+v", r)
	}
	if is := b.gh.Issues(repoName); !is[0].Open || is[1].Open {
		t.Errorf("issues %+v", is)
	}
}

// TestCrash: a new process after an attempt without an answer looks twice before it files.
func TestCrash(t *testing.T) {
	for _, committed := range []bool{true, false} {
		b := newBench(t, githubtest.Options{ListDelay: 25 * time.Second}, nil)
		s := notifytest.NewStory(b, 1)
		o := s.Next(yagura.OpOpen)
		o.FirstTried = b.Now()
		if committed {
			b.gh.Fail(githubtest.Fault{Lose: true, Only: "/issues"}, 1)
			refusal(t, b, o)
		}
		o.Uncertain = true
		b.restart()
		if e := refusal(t, b, o); e.After <= 0 || e.NotSent || e.Permanent {
			t.Errorf("committed %v: first look: %+v", committed, e)
		}
		b.restart()
		b.Advance(10 * time.Second)
		o.Deliver(t, b)
		if n := len(b.gh.Issues(repoName)); n != 1 {
			t.Errorf("committed %v: %d issues", committed, n)
		}
	}
}

func TestMoved(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	in := &inbox{}
	b.wire(in)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	b.sendHooks()
	b.gh.RenameRepo(repoName, "acme/alerts")
	o := s.Tell(t, yagura.OpUpdate)
	if o.Ref != "acme/alerts#1" {
		t.Errorf("after the repository moved: %s", o.Ref)
	}
	// A create meets the redirect, with what was known of the repository still believed.
	two := notifytest.NewStory(b, 2)
	if o := two.Tell(t, yagura.OpOpen); o.Ref != "acme/alerts#2" {
		t.Errorf("a new issue: %s", o.Ref)
	}
	b.gh.AddRepo("acme/other", githubtest.Repo{Private: true})
	n := b.gh.Transfer("acme/alerts", 1, "mary", "acme/other")
	b.sendHooks()
	if got := in.take(); len(got) != 1 || !strings.Contains(got[0], "transferred at GitHub: acme/alerts#1 is acme/other#1 now") {
		t.Errorf("told of the transfer: %q", got)
	}
	ts := b.reconcile(in, b.Now().Add(-time.Hour), s.Ref, two.Ref)
	if len(ts) != 2 || ts[1].Ref != "acme/other#1" || ts[1].Gone || ts[1].IssueID != s.Issue().ID {
		t.Errorf("tickets %+v", ts)
	}
	b.Advance(time.Minute)
	if o := s.Tell(t, yagura.OpClose); o.Ref != "acme/other#1" {
		t.Errorf("after the transfer: %s", o.Ref)
	}
	if i := b.gh.Issues("acme/other")[n-1]; i.Open || !strings.Contains(strings.Join(i.Labels, " "), "yagura") {
		t.Errorf("issue %+v", i)
	}
	// Where it went is public: nothing more is written.
	b.gh.AddRepo("acme/open", githubtest.Repo{})
	b.gh.Transfer("acme/other", 1, "mary", "acme/open")
	if e := refusal(t, b, s.Next(yagura.OpReopen)); !e.Permanent || !strings.Contains(e.Error(), "acme/open is public") {
		t.Errorf("into a public repository: %v", e)
	}
}

func TestDeleted(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	in := &inbox{}
	b.wire(in)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	b.gh.Delete(repoName, 1, "mary")
	b.sendHooks()
	if got := in.take(); len(got) != 1 || got[0] != "comment github:mary deleted at GitHub: acme/security#1" {
		t.Errorf("told %q", got)
	}
	if ts := b.reconcile(in, b.Now(), s.Ref); len(ts) != 1 || !ts[0].Gone || ts[0].Ref != s.Ref {
		t.Errorf("tickets %+v", ts)
	}
	if r := s.Next(yagura.OpAck).Deliver(t, b); !strings.Contains(r.Detail, "deleted") {
		t.Errorf("acknowledged: %+v", r)
	}
	o := s.Tell(t, yagura.OpRise)
	if o.Ref != repoName+"#2+1" || b.sink.Stats().Refiled != 1 {
		t.Fatalf("filed again as %s", o.Ref)
	}
	i := b.gh.Issues(repoName)[0]
	if !strings.Contains(i.Body, "refiled=1") || !strings.Contains(i.Body, "`acme/security#1`") {
		t.Errorf("body\n%s", i.Body)
	}
	s.Tell(t, yagura.OpUpdate)
	b.Advance(time.Minute)
	b.gh.Close(repoName, 2, "mary", "completed")
	b.sendHooks()
	if len(in.changes) != 1 || in.changes[0].Ref != o.Ref {
		t.Errorf("a change there: %+v", in.changes)
	}
	b.gh.Delete(repoName, 2, "mary")
	if e := refusal(t, b, s.Next(yagura.OpUpdate)); !e.Permanent {
		t.Errorf("deleted twice: %v", e)
	}
}

func TestRefiledUncertain(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	b.gh.Delete(repoName, 1, "mary")
	o := s.Next(yagura.OpComment)
	b.gh.Fail(githubtest.Fault{Lose: true, Only: "/issues"}, 1)
	refusal(t, b, o)
	b.Advance(time.Minute)
	o.Deliver(t, b)
	if is := b.gh.Issues(repoName); len(is) != 1 || o.Ref != repoName+"#2+1" {
		t.Errorf("%d issues, ref %s", len(is), o.Ref)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name      string
		prepare   func(b *bench)
		permanent bool
		want      string
	}{
		{"public", func(b *bench) { b.gh.SetRepo(repoName, func(r *githubtest.Repo) { r.Private = false }) }, true, "is public"},
		{"archived", func(b *bench) { b.gh.SetRepo(repoName, func(r *githubtest.Repo) { r.Archived = true }) }, true, "is archived"},
		{"issues off", func(b *bench) { b.gh.SetRepo(repoName, func(r *githubtest.Repo) { r.NoIssues = true }) }, true, "issues switched off"},
		{"bad token", func(b *bench) { b.gh.Revoke(token) }, false, "credential is not taken"},
		{"may only read", func(b *bench) { b.gh.Revoke(token); b.gh.AddReadToken(token, selfName) }, false, "not permitted"},
		{"no repository", func(b *bench) { b.o.Repository = "acme/none"; b.restart() }, false, "not there"},
		{"check fails", func(b *bench) {
			b.gh.Gate(func(r *http.Request) int {
				if r.URL.Path == "/repos/"+repoName {
					return 500
				}
				return 0
			})
		}, false, "look at repository"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, githubtest.Options{}, nil)
			c.prepare(b)
			e := refusal(t, b, notifytest.NewStory(b, 1).Next(yagura.OpOpen))
			if e.Permanent != c.permanent || !strings.Contains(e.Error(), c.want) || strings.Contains(e.Error(), token) {
				t.Errorf("permanent %v: %v", e.Permanent, e)
			}
			if !c.permanent && !e.NotSent {
				t.Errorf("nothing was sent, and the error does not say so: %v", e)
			}
			if n := len(b.gh.Issues(repoName)); n > 0 {
				t.Errorf("%d issues", n)
			}
			if err := b.sink.Test(t.Context()); err == nil || strings.Contains(err.Error(), token) {
				t.Errorf("Test: %v", err)
			}
		})
	}
	b := newBench(t, githubtest.Options{}, func(o *github.Options) { o.AllowPublic = true })
	b.gh.SetRepo(repoName, func(r *githubtest.Repo) { r.Private = false })
	notifytest.NewStory(b, 1).Tell(t, yagura.OpOpen)
}

// TestMadePublic: a repository that becomes public is noticed within ten minutes.
func TestMadePublic(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	b.gh.SetRepo(repoName, func(r *githubtest.Repo) { r.Private = false })
	b.Advance(10 * time.Minute)
	if e := refusal(t, b, s.Next(yagura.OpComment)); !e.Permanent {
		t.Errorf("%v", e)
	}
}

func TestLocked(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	b.gh.Lock(repoName, 1)
	if e := refusal(t, b, s.Next(yagura.OpComment)); !e.Permanent || !strings.Contains(e.Error(), "hint: unlock it") {
		t.Errorf("%v", e)
	}
}

// TestLeftOut: what GitHub will not have of an issue is left out and said, not lost.
func TestLeftOut(t *testing.T) {
	b := newBench(t, githubtest.Options{}, func(o *github.Options) { o.People = map[string]string{"bob@example.com": "bob"} })
	s := notifytest.NewStory(b, 1)
	s.Issue().Assignee = "bob@example.com"
	o := s.Tell(t, yagura.OpOpen)
	i := b.gh.Issues(repoName)[0]
	if !strings.Contains(o.Done.Detail, "not known") || len(i.Assignees) > 0 || !strings.Contains(i.Body, "`bob@example.com` is not known here") {
		t.Errorf("detail %q, body\n%s", o.Done.Detail, i.Body)
	}
	b.gh.SetRepo(repoName, func(r *githubtest.Repo) { r.Collaborators = append(r.Collaborators, "bob") })
	s.Tell(t, yagura.OpUpdate)
	if i := b.gh.Issues(repoName)[0]; len(i.Assignees) != 1 || i.Assignees[0] != "bob" {
		t.Errorf("assignees %v", i.Assignees)
	}
	s.Issue().Assignee = "slack:U123"
	s.Tell(t, yagura.OpUpdate)
	if i := b.gh.Issues(repoName)[0]; len(i.Assignees) != 0 {
		t.Errorf("assignees %v", i.Assignees)
	}
}

// TestRepaired: what people took away by editing comes back with the next update.
func TestRepaired(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	s.Tell(t, yagura.OpUpdate)
	b.gh.EditBody(repoName, 1, "mary", "nothing here")
	b.gh.Unlabel(repoName, 1, "mary", "yagura")
	b.gh.DeleteComment(repoName, 1, "mary", b.gh.Issues(repoName)[0].Comments[0].ID)
	in := &inbox{}
	if ts := b.reconcile(in, b.Now().Add(-time.Hour), s.Ref); len(ts) != 1 || ts[0].Ref != s.Ref || ts[0].Gone {
		t.Errorf("without label and marker: %+v", ts)
	}
	s.Tell(t, yagura.OpUpdate)
	i := b.gh.Issues(repoName)[0]
	if !strings.HasPrefix(i.Body, "<!-- yagura:issue="+s.Issue().ID) || !strings.Contains(i.Body, "nothing here") || !strings.Contains(strings.Join(i.Labels, " "), "yagura") || len(i.Comments) != 1 {
		t.Errorf("issue %+v", i)
	}
}

// TestPeopleStay: labels, assignees and titles of people stay through updates.
func TestPeopleStay(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	s.Tell(t, yagura.OpUpdate)
	b.gh.Label(repoName, 1, "mary", "incident")
	b.gh.Assign(repoName, 1, "mary", "mary")
	s.Tell(t, yagura.OpRise)
	i := b.gh.Issues(repoName)[0]
	if !strings.Contains(strings.Join(i.Labels, " "), "incident") || len(i.Assignees) != 1 || !strings.HasPrefix(i.Title, "[Critical]") || strings.Contains(strings.Join(i.Labels, " "), "severity/high") {
		t.Errorf("issue %+v", i)
	}
}

// TestRoutes: the account's repository comes before the sink's.
func TestRoutes(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	b.gh.AddRepo("acme/payments", githubtest.Repo{Private: true})
	s := notifytest.NewStory(b, 1)
	s.Issue().AccountInfo.Repository = "acme/payments"
	if o := s.Tell(t, yagura.OpOpen); o.Ref != "acme/payments#1" {
		t.Errorf("filed as %s", o.Ref)
	}
	in := &inbox{}
	if ts := b.reconcile(in, time.Time{}, s.Ref); len(ts) != 1 {
		t.Errorf("tickets %+v", ts)
	}
	s = notifytest.NewStory(b, 2)
	s.Issue().AccountInfo.Repository = "../user"
	if e := refusal(t, b, s.Next(yagura.OpOpen)); !e.Permanent {
		t.Errorf("%v", e)
	}
}

// TestManyLabels: an issue at GitHub has room for 100 labels, of which people may have taken
// many; ours never make it refuse a notice, and what is ours and wanted no more makes room.
func TestManyLabels(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	s := notifytest.NewStory(b, 1)
	set := func(name string) {
		s.Issue().Labels = nil
		for k := range 60 {
			s.Issue().Labels = append(s.Issue().Labels, fmt.Sprintf("%s-%d", name, k))
		}
	}
	b.gh.SetRepo(repoName, func(r *githubtest.Repo) { r.Collaborators = []string{"mary"} })
	s.Tell(t, yagura.OpOpen)
	s.Tell(t, yagura.OpUpdate)
	for k := range 70 {
		b.gh.Label(repoName, 1, "mary", fmt.Sprintf("hers-%d", k))
	}
	for _, name := range []string{"a", "b", "c"} {
		set(name)
		o := s.Tell(t, yagura.OpUpdate)
		labels := b.gh.Issues(repoName)[0].Labels
		count := map[string]int{}
		for _, l := range labels {
			kind, _, _ := strings.Cut(l, "-")
			count[kind]++
		}
		if len(labels) != 100 || count["hers"] != 70 || count[name] == 0 || len(count) > 2+100-70-count[name] || !strings.Contains(o.Done.Detail, "had no room") {
			t.Errorf("%s: %v, %q", name, count, o.Done.Detail)
		}
	}
	s.Issue().Labels = nil
	s.Tell(t, yagura.OpUpdate)
	if labels := b.gh.Issues(repoName)[0].Labels; len(labels) > 80 || !slices.Contains(labels, "severity/high") {
		t.Errorf("at the end %v", labels)
	}
	if refused := b.gh.Refused(); len(refused) > 0 {
		t.Error(refused)
	}
}

// TestFiledWith: what an issue was filed with and what is wanted no more goes with the first
// update; what people put there stays.
func TestFiledWith(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	b.gh.SetRepo(repoName, func(r *githubtest.Repo) { r.Collaborators = []string{"mary", "bob"} })
	s := notifytest.NewStory(b, 1)
	s.Issue().Labels, s.Issue().Assignee = []string{"team/old", "kept"}, "mary"
	s.Tell(t, yagura.OpOpen)
	b.Advance(time.Minute)
	b.gh.Label(repoName, 1, "bob", "hers")
	s.Issue().Labels, s.Issue().Assignee = []string{"team/new", "kept"}, "bob"
	s.Tell(t, yagura.OpUpdate)
	i := b.gh.Issues(repoName)[0]
	for l, want := range map[string]bool{"team/old": false, "team/new": true, "kept": true, "hers": true} {
		if slices.Contains(i.Labels, l) != want {
			t.Errorf("label %s: %v, want %v", l, !want, want)
		}
	}
	if d := cmp.Diff([]string{"bob"}, i.Assignees); d != "" {
		t.Error(d)
	}
}
