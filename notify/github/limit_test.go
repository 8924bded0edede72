package github_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/github"
	"github.com/yagura-sec/yagura/notify/github/githubtest"
	"github.com/yagura-sec/yagura/notify/notifytest"
)

// TestFlood tells a thousand issues with GitHub's limits in force: the fake refuses nothing,
// because the sink stays below them, and says to wait for the whole sink.
func TestFlood(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	start := b.Now()
	var waits int
	for k := range 1000 {
		o := notifytest.NewStory(b, k).Next(yagura.OpOpen)
		for {
			err := o.Attempt(t.Context(), b)
			if err == nil {
				break
			}
			var e *notify.Error
			if !errors.As(err, &e) || !e.NotSent || !e.All || e.After <= 0 {
				t.Fatalf("issue %d: %v", k, err)
			}
			waits++
			b.Advance(e.After)
		}
	}
	for _, r := range b.gh.Requests() {
		if r.Status == 403 || r.Status == 429 {
			t.Fatalf("GitHub refused %s %s", r.Method, r.Path)
		}
	}
	if n := len(b.gh.Issues(repoName)); n != 1000 {
		t.Errorf("%d issues", n)
	}
	took := b.Now().Sub(start)
	t.Logf("1000 issues took %s of GitHub's time, %d waits", took, waits)
	if took > 3*time.Hour {
		t.Errorf("took %s: slower than the limits want", took)
	}
}

// TestBusy tells stories as fast as it can: the points of a minute are used and no delivery
// starves.
func TestBusy(t *testing.T) {
	b := newBench(t, githubtest.Options{ContentPerMinute: -1, ContentPerHour: -1}, func(o *github.Options) { o.ContentPerMinute, o.ContentPerHour = 1e6, 1e6 })
	start := b.Now()
	for k := range 30 {
		s := notifytest.NewStory(b, k)
		for _, op := range []yagura.Op{yagura.OpOpen, yagura.OpUpdate, yagura.OpRise, yagura.OpComment, yagura.OpClose} {
			if o := s.Tell(t, op); o.Attempts > 3 {
				t.Errorf("issue %d %s: %d attempts", k, op, o.Attempts)
			}
		}
	}
	points := 0
	for _, r := range b.gh.Requests() {
		points += 1
		if r.Method != "GET" {
			points += 4
		}
	}
	minutes := b.Now().Sub(start).Minutes()
	t.Logf("%d points in %.1f minutes", points, minutes)
	if float64(points) > 900*(minutes+0.25) {
		t.Errorf("%d points in %.1f minutes", points, minutes)
	}
}

// TestRefusedByLimit: GitHub's own refusals stop the whole sink for as long as it says.
func TestRefusedByLimit(t *testing.T) {
	b := newBench(t, githubtest.Options{}, nil)
	one := notifytest.NewStory(b, 1)
	one.Tell(t, yagura.OpOpen)
	b.gh.Requests()
	// Without Retry-After: a minute, then longer each time.
	var last time.Duration
	o := one.Next(yagura.OpComment)
	for range 4 {
		b.gh.Fail(githubtest.Fault{Limit: true}, 1)
		e := refusal(t, b, o)
		if e.After < time.Minute || e.After <= last || !e.All || !e.NotSent {
			t.Errorf("after %s: %+v", last, e)
		}
		// Another issue waits too, and asks nothing.
		b.gh.Requests()
		if e := refusal(t, b, notifytest.NewStory(b, 2).Next(yagura.OpOpen)); !e.All || e.After <= 0 {
			t.Errorf("another issue: %+v", e)
		}
		if n := len(b.gh.Requests()); n != 0 {
			t.Errorf("%d requests while told to wait", n)
		}
		last = e.After
		b.Advance(e.After)
	}
	o.Deliver(t, b)
	b.gh.Fail(githubtest.Fault{Limit: true}, 1)
	if e := refusal(t, b, one.Next(yagura.OpComment)); e.After != time.Minute {
		t.Errorf("after a success the wait starts anew: %s", e.After)
	}
}

// TestPrimary: the hour's requests run out.
func TestPrimary(t *testing.T) {
	b := newBench(t, githubtest.Options{RequestsPerHour: 40}, nil)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	for range 60 {
		o := s.Next(yagura.OpUpdate)
		err := o.Attempt(t.Context(), b)
		if err == nil {
			continue
		}
		var e *notify.Error
		if !errors.As(err, &e) || !e.All || e.After < 30*time.Minute || e.After > time.Hour+time.Minute {
			t.Fatalf("%v: %+v", err, e)
		}
		// The reconciler leaves the rest to deliveries, and says so.
		if err := b.sink.Actual(t.Context(), time.Time{}, nil, func(notify.Ticket) error { return nil }); err == nil {
			t.Error("the reconciler went on")
		}
		b.Advance(e.After)
		o.Deliver(t, b)
		return
	}
	t.Error("the limit was never met")
}

func appKey(t *testing.T) (*rsa.PrivateKey, []byte, []byte) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	eight, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: eight})
}

// appBench is a bench whose sink is an App.
func appBench(t *testing.T) *bench {
	t.Helper()
	key, one, _ := appKey(t)
	b := newBench(t, githubtest.Options{}, func(o *github.Options) {
		o.Token, o.App = "", &github.App{ID: "Iv23abc", Key: one}
	})
	b.gh.AddApp(githubtest.App{ID: "Iv23abc", Slug: "yagura-acme", Key: &key.PublicKey, Owners: []string{"acme"}})
	return b
}

func TestAppConformance(t *testing.T) {
	notifytest.Run(t, notifytest.Harness{Guarantee: notifytest.ReadBack, Tickets: true, Secrets: []string{"PRIVATE KEY", "ghs_installation"},
		New: func(t *testing.T) notifytest.Bench { return appBench(t) }})
}

// TestApp: installation tokens are fetched once an hour, and again when they were revoked.
func TestApp(t *testing.T) {
	b := appBench(t)
	fetched := func() int {
		n := 0
		for _, r := range b.gh.Requests() {
			if strings.HasSuffix(r.Path, "/access_tokens") {
				n++
				if !strings.Contains(r.Body, `"issues":"write"`) {
					t.Errorf("asks for %s", r.Body)
				}
			}
		}
		return n
	}
	in := &inbox{}
	b.wire(in)
	s := notifytest.NewStory(b, 1)
	s.Tell(t, yagura.OpOpen)
	for range 10 {
		s.Tell(t, yagura.OpUpdate)
		b.Advance(5 * time.Minute)
	}
	if n := fetched(); n != 1 {
		t.Errorf("%d tokens in 50 minutes", n)
	}
	b.Advance(6 * time.Minute)
	s.Tell(t, yagura.OpUpdate)
	if n := fetched(); n != 1 {
		t.Errorf("%d tokens when the first had 4 minutes left", n)
	}
	b.gh.RevokeInstallations()
	s.Tell(t, yagura.OpUpdate)
	if n := fetched(); n != 1 {
		t.Errorf("%d tokens after the revocation", n)
	}
	if i := b.gh.Issues(repoName)[0]; i.User != "yagura-acme[bot]" {
		t.Errorf("filed by %s", i.User)
	}
	// Nobody else acts as the bot, and people do as themselves.
	b.gh.Close(repoName, 1, "mary", "completed")
	b.sendHooks()
	if got := in.take(); len(got) != 1 || !strings.Contains(got[0], "close github:mary") {
		t.Errorf("applied %q", got)
	}
	s.Tell(t, yagura.OpReopen)
	b.Advance(time.Minute)
	b.sendHooks()
	b.reconcile(in, b.Now().Add(-time.Minute), s.Ref)
	if got := in.take(); len(got) > 0 {
		t.Errorf("applied %q", got)
	}
	// An App that is not installed is asked for, and nothing is lost.
	s = notifytest.NewStory(b, 2)
	s.Issue().AccountInfo.Repository = "other/repo"
	b.gh.AddRepo("other/repo", githubtest.Repo{Private: true})
	if e := refusal(t, b, s.Next(yagura.OpOpen)); e.Permanent || !strings.Contains(e.Error(), "install the app for other/repo") {
		t.Errorf("%v", e)
	}
}

func TestOptions(t *testing.T) {
	_, one, eight := appKey(t)
	for _, c := range []struct {
		name string
		o    github.Options
		want string
	}{
		{"token", github.Options{Name: "a", Token: "x", Repository: "a/b"}, ""},
		{"app", github.Options{Name: "a", App: &github.App{ID: "1", Key: one}}, ""},
		{"app, PKCS 8", github.Options{Name: "a", App: &github.App{ID: "1", Key: eight}}, ""},
		{"GHES", github.Options{Name: "a", Token: "x", BaseURL: "https://ghe.example.com/api/v3/"}, ""},
		{"no name", github.Options{Token: "x"}, "no name"},
		{"both", github.Options{Name: "a", Token: "x", App: &github.App{ID: "1", Key: one}}, "either"},
		{"neither", github.Options{Name: "a"}, "either"},
		{"repository", github.Options{Name: "a", Token: "x", Repository: "a/b/c"}, "owner/name"},
		{"in the clear", github.Options{Name: "a", Token: "x", BaseURL: "http://ghe.example.com/api/v3"}, "in the clear"},
		{"no host", github.Options{Name: "a", Token: "x", BaseURL: "api.github.com"}, "https://HOST"},
		{"no PEM", github.Options{Name: "a", App: &github.App{ID: "1", Key: []byte("secret-key-text")}}, "want PEM"},
		{"template", github.Options{Name: "a", Token: "x", Template: "testdata/broken.tmpl"}, "broken.tmpl:3"},
	} {
		_, err := github.New(c.o)
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) || err != nil && strings.Contains(err.Error(), "secret-key-text") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestReplicas: two processes tell different issues at once.
func TestReplicas(t *testing.T) {
	b := newBench(t, githubtest.Options{ContentPerMinute: -1, ContentPerHour: -1}, func(o *github.Options) { o.ContentPerMinute, o.ContentPerHour, o.PointsPerMinute = 1e6, 1e6, 1e6 })
	other, err := github.New(b.o)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for k := range 20 {
		wg.Go(func() {
			s := notifytest.NewStory(b, k)
			for n, op := range []yagura.Op{yagura.OpOpen, yagura.OpUpdate, yagura.OpRise, yagura.OpUpdate, yagura.OpClose} {
				o := s.Next(op)
				sink := b.sink
				if n%2 == 1 {
					sink = other
				}
				r, err := sink.Deliver(t.Context(), o.Notice)
				if err != nil {
					t.Errorf("issue %d %s: %v", k, op, err)
					return
				}
				s.Ref = r.Ref
			}
		})
	}
	wg.Wait()
	is := b.gh.Issues(repoName)
	for _, i := range is {
		if i.Open || len(i.Comments) != 3 {
			t.Errorf("%s#%d: open %v, %d comments", i.Repo, i.Number, i.Open, len(i.Comments))
		}
	}
	if len(is) != 20 {
		t.Error(fmt.Sprint(len(is), " issues"))
	}
}
