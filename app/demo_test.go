package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/demo/generate"
	"github.com/yagura-sec/yagura/store"
)

var demoEnd = time.Date(2026, 11, 27, 6, 30, 0, 0, time.UTC)

// newTestDemo makes a demo in a folder of the test.
func newTestDemo(t *testing.T) *Demo {
	t.Helper()
	return testDemo(t, filepath.Join(t.TempDir(), "demo"), nil)
}

func testDemo(t *testing.T, dir string, progress func(done, all int, at time.Time)) *Demo {
	t.Helper()
	d, err := NewDemo(DemoOptions{Dir: dir, Listen: "127.0.0.1:0", Seed: 1, End: demoEnd, Version: "test", Progress: progress,
		Log: slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// demoWanted are issues that the demo must have: of each story several, of more than one
// level. holds is a text that stands in an entity, the account or the cause.
var demoWanted = []struct {
	story, title, holds string
	severity            yagura.Severity
	status              yagura.Status
}{
	{"leaked key", "Repository made public", "order-worker", yagura.SeverityHigh, yagura.StatusClosed},
	{"leaked key", "Secret found in a repository", "order-worker", yagura.SeverityMedium, yagura.StatusClosed},
	{"leaked key", "AWS found an exposed access key", "ci-legacy", yagura.SeverityCritical, yagura.StatusClosed},
	{"leaked key", "All IAM permissions of the account read at once", "203.0.113.177", yagura.SeverityMedium, yagura.StatusOpen},
	{"leaked key", "Administrator policy attached", "svc-backup-02", yagura.SeverityHigh, yagura.StatusAcknowledged},
	{"leaked key", "IAM user created", "svc-backup-02", yagura.SeverityMedium, yagura.StatusClosed},
	{"leaked key", "CloudTrail logging disabled", "svc-backup-02", yagura.SeverityHigh, yagura.StatusClosed},
	{"leaked key", "VPC flow logs deleted", "203.0.113.178", yagura.SeverityHigh, yagura.StatusClosed},
	{"leaked key", "User svc-backup-02 is anomalously invoking S3 APIs.", "", yagura.SeverityHigh, yagura.StatusAcknowledged},

	{"stolen mailbox", "Wrong passwords for many users from one address", "203.0.113.201", yagura.SeverityHigh, yagura.StatusAcknowledged},
	{"stolen mailbox", "MFA denied or not answered again and again", "kimura.takumi", yagura.SeverityHigh, yagura.StatusAcknowledged},
	{"stolen mailbox", "Sign-in of high risk succeeded", "203.0.113.202", yagura.SeverityHigh, yagura.StatusOpen},
	{"stolen mailbox", "Inbox rule that hides or deletes mail", "203.0.113.202", yagura.SeverityMedium, yagura.StatusOpen},
	{"stolen mailbox", "Consent to an application with far-reaching permissions", "kimura.takumi", yagura.SeverityMedium, yagura.StatusOpen},
	{"stolen mailbox", "Credential added to an application or service principal", "kimura.takumi", yagura.SeverityMedium, yagura.StatusOpen},
	{"stolen mailbox", "Service principal signed in from outside the allowed networks", "203.0.113.202", yagura.SeverityHigh, yagura.StatusOpen},
	{"stolen mailbox", "Application reads the mail of many users", "", yagura.SeverityHigh, yagura.StatusOpen},

	{"mined machines", "Remote administration port opened to the internet", "sg-0b1c2d3e4f5a69788", yagura.SeverityHigh, yagura.StatusClosed},
	{"mined machines", "Session on an administration port from the internet", "203.0.113.144", yagura.SeverityMedium, yagura.StatusOpen},
	{"mined machines", "Credentials of an instance used from several addresses", "i-0bb7d2c49f01e3a55", yagura.SeverityMedium, yagura.StatusClosed},
	{"mined machines", "Credentials for the EC2 instance role batch-worker were used from an external IP address.", "203.0.113.144", yagura.SeverityHigh, yagura.StatusClosed},
	{"mined machines", "GPU or accelerator instances launched", "203.0.113.144", yagura.SeverityMedium, yagura.StatusClosed},
	{"mined machines", "The EC2 instance i-0dead0beef0000001 is communicating with a mining pool.", "203.0.113.150", yagura.SeverityHigh, yagura.StatusClosed},

	{"borrowed robot", "Resource opened to everyone by IAM", "kogarashi-ml-training", yagura.SeverityHigh, yagura.StatusOpen},
	{"borrowed robot", "Many secrets of Secret Manager read by one identity", "notebook@kogarashi-ml-dev", yagura.SeverityMedium, yagura.StatusOpen},
	{"borrowed robot", "Service account of a cluster used from a public address", "203.0.113.219", yagura.SeverityMedium, yagura.StatusOpen},
	{"borrowed robot", "Pod with the rights of its host created", "203.0.113.219", yagura.SeverityHigh, yagura.StatusOpen},
	{"borrowed robot", "Drop and execute new binary in container", "cart-6f7d9c8b5-x2lqp", yagura.SeverityCritical, yagura.StatusOpen},

	{"noise", "Redirect STDOUT/STDIN to Network Connection in Container", "catalog-7c9f8d6b4-q8wzk", yagura.SeverityLow, yagura.StatusOpen},
	{"noise", "Paths of a web site guessed", "192.0.2.201", yagura.SeverityLow, yagura.StatusOpen},
	{"house", "An account has fallen silent", "123456789012", yagura.SeverityHigh, yagura.StatusOpen},
	{"house", "Broken record in a log", "", yagura.SeverityLow, yagura.StatusOpen},
	{"house", "A sink refused a notice", "", yagura.SeverityHigh, yagura.StatusOpen},
}

// TestDemo fills a demo and looks at everything that a visitor is to find in it, then opens
// the console as the visitor does, and lets the demo go on for a while.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole week")
	}
	d := newTestDemo(t)
	if err := d.Fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f := d.Filled; f.Issues < 60 || f.Issues > 150 || f.Records < 150_000 || f.Records > 300_000 || f.Broken != 4 {
		t.Errorf("filled with %+v", f)
	}
	if len(d.Filled.Missed) > 0 {
		t.Errorf("acts that found no issue: %s", strings.Join(d.Filled.Missed, "; "))
	}
	t.Run("books", func(t *testing.T) { demoBooks(t, d) })
	t.Run("goes on", func(t *testing.T) { demoGoesOn(t, d) })
	t.Run("again", func(t *testing.T) { demoAgain(t, d) })
}

// demoAgain opens the folder of a demo that was filled before: it is not filled again, what
// was edited stays, and it goes on where it was left.
func demoAgain(t *testing.T, d *Demo) {
	o := DemoOptions{Dir: d.o.Dir, Listen: "127.0.0.1:0", Seed: 1, End: demoEnd.Add(30 * time.Hour)}
	if _, err := NewDemo(o); err == nil || !strings.Contains(err.Error(), "another process has this demo") {
		t.Errorf("while it is open: %v", err)
	}
	config, err := os.ReadFile(d.Config())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.Config(), append(config, "lateness: 21m # edited\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	other := o
	other.Seed = 2
	if _, err := NewDemo(other); err == nil || !strings.Contains(err.Error(), "--seed 1") {
		t.Errorf("another seed: %v", err)
	}
	again := testDemo(t, d.o.Dir, nil)
	if again.Found != DemoFilledBefore || again.Filled.Records != d.Filled.Records || !again.End().Equal(demoEnd) {
		t.Errorf("found %d, filled %+v, ended %s", again.Found, again.Filled, again.End())
	}
	if err := again.Fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(d.Config())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "# edited") || !strings.Contains(string(text), again.inbox.address) || strings.Contains(string(text), d.state.Inbox) {
		t.Errorf("the configuration:\n%s", text)
	}
	if l := newLive(again, demoEnd.Add(time.Hour)); !l.last.Equal(d.state.Last) || l.n != 1 {
		t.Errorf("it goes on from %s, %d; it was left at %s", l.last, l.n, d.state.Last)
	}
	if l, now := newLive(again, time.Now().Add(100*24*time.Hour)), time.Now().Add(99*24*time.Hour); l.last.Sub(now).Abs() > time.Minute {
		t.Errorf("after a long pause it goes on from %s", l.last)
	}
	serve, err := again.Serve(t.Context(), &DemoDoor{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.close(); err != nil {
		t.Error(err)
	}
}

// demoBooks looks at a filled demo through its configuration file, as the command line does.
func demoBooks(t *testing.T, d *Demo) {
	cfg, _, err := d.load()
	if err != nil {
		t.Fatal(err)
	}
	b, err := OpenBooks(t.Context(), cfg, store.ReadOnly, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer b.DB.Close()
	var issues []yagura.Issue
	entries := map[string][]yagura.Entry{}
	err = b.DB.View(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		if issues, _, err = latest(ctx, tx, issuesThat(), "", issuePage); err != nil {
			return err
		}
		for _, is := range issues {
			if entries[is.ID], err = tx.Entries(ctx, is.ID, 0, 1000); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	levels := map[string]map[yagura.Severity]bool{}
	for _, w := range demoWanted {
		i := slices.IndexFunc(issues, func(is yagura.Issue) bool { return is.Title == w.title && holds(&is, w.holds) })
		if i < 0 {
			t.Errorf("%s: no issue %q about %q", w.story, w.title, w.holds)
			continue
		}
		if is := issues[i]; is.Severity != w.severity || is.Status != w.status {
			t.Errorf("%s: %q is %s and %s, want %s and %s", w.story, w.title, is.Severity, is.Status, w.severity, w.status)
		}
		if levels[w.story] == nil {
			levels[w.story] = map[yagura.Severity]bool{}
		}
		levels[w.story][w.severity] = true
	}
	for story, seen := range levels {
		if story != "noise" && len(seen) < 2 {
			t.Errorf("all issues of the story %q are of one level", story)
		}
	}
	// The week looks lived in: nothing was judged before it happened or long after, people
	// came after issues, and closed ones say what they were.
	var acked, concluded, noted, japanese, flapped, episodes int
	for _, is := range issues {
		if is.Opened.Before(demoEnd.Add(-7*24*time.Hour)) || is.Opened.After(demoEnd) || is.Updated.After(demoEnd) {
			t.Errorf("%s was opened at %s and changed at %s", is.Title, is.Opened, is.Updated)
		}
		if !is.Acked.IsZero() {
			acked++
			if wait := is.Acked.Sub(is.Opened); wait <= 0 || wait > 24*time.Hour {
				t.Errorf("%s was acknowledged after %s", is.Title, wait)
			}
		}
		if is.Conclusion != "" {
			concluded++
		}
		if is.Episode > 1 {
			episodes++
		}
		for _, e := range entries[is.ID] {
			switch e.What {
			case yagura.EntryNote:
				noted++
				if strings.ContainsAny(e.Text, "権限漏洩監査") {
					japanese++
				}
			case yagura.EntryFlapping:
				flapped++
			}
		}
	}
	if acked < 8 || concluded < 12 || noted < 12 || japanese < 4 || flapped < 1 || episodes < 2 {
		t.Errorf("%d acknowledged, %d concluded, %d notes, %d of them with 権限, 漏洩 or 監査, %d flapping, %d in later episodes", acked, concluded, noted, japanese, flapped, episodes)
	}
	l, err := b.Ledger(t.Context(), demoEnd)
	if err != nil {
		t.Fatal(err)
	}
	if !l.Balanced || l.DeadAll != 4 {
		t.Errorf("the books: %+v", l)
	}
	for _, s := range l.Sinks {
		if s.Delivered == 0 || s.Waiting != 0 {
			t.Errorf("sink %+v", s)
		}
	}
	if d.inbox.taken["on-call"] == 0 || d.inbox.taken["sec-chat"] == 0 || d.inbox.refused == 0 {
		t.Errorf("the inbox took %v and refused %d", d.inbox.taken, d.inbox.refused)
	}
	err = b.DB.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		users, err := tx.Users(ctx, yagura.LockNone)
		if err != nil {
			return err
		}
		roles := map[yagura.Role]bool{}
		for _, u := range users {
			roles[u.Bindings[0].Role] = true
		}
		if len(roles) != len(yagura.Roles()) {
			t.Errorf("users have the roles %v", roles)
		}
		_, err = tx.VerifyAudit(ctx)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// demoGoesOn serves a filled demo: the link lets in once, the files of the week are known, and
// what comes after the week is judged.
func demoGoesOn(t *testing.T, d *Demo) {
	door := &DemoDoor{}
	clock := &shifted{}
	now := func() time.Time { return clock.now() }
	serve, err := d.Serve(t.Context(), door, now)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	link, err := door.Link()
	if err != nil {
		t.Fatal(err)
	}
	demoVisit(t, "http://"+serve.Addr(), link)

	before := serve.in.Stats.Records.Load()
	l := &live{d: d, last: now(), hour: 100 * generate.Hours, next: now()} // only the small things
	if err := l.upTo(now()); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for serve.in.Stats.Records.Load() == before {
		if time.Now().After(deadline) {
			t.Fatal("what comes after the week is not judged")
		}
		<-time.After(20 * time.Millisecond)
	}
	if n := serve.in.Stats.Records.Load(); n > 1000 {
		t.Errorf("%d records were judged: the week came again", n)
	}
}

// demoVisit opens the console by a link.
func demoVisit(t *testing.T, base, link string) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	follow := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	visitor, stranger := &http.Client{Jar: jar, CheckRedirect: follow}, &http.Client{CheckRedirect: follow}
	get := func(c *http.Client, path string) (*http.Response, string) {
		t.Helper()
		resp, err := c.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var b strings.Builder
		if _, err := io.Copy(&b, resp.Body); err != nil {
			t.Fatal(err)
		}
		return resp, b.String()
	}
	if resp, _ := get(stranger, DemoDoorPath+"?key="+strings.Repeat("A", 43)); !strings.HasPrefix(resp.Header.Get("Location"), "/sign-in?problem=") || len(resp.Cookies()) > 0 {
		t.Errorf("a wrong key: %d to %s", resp.StatusCode, resp.Header.Get("Location"))
	}
	resp, _ := get(visitor, link)
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" {
		t.Fatalf("the link: %d to %s", resp.StatusCode, resp.Header.Get("Location"))
	}
	if resp.Header.Get("Referrer-Policy") != "no-referrer" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the link's headers: %v", resp.Header)
	}
	if resp, _ := get(stranger, link); !strings.HasPrefix(resp.Header.Get("Location"), "/sign-in?problem=") || len(resp.Cookies()) > 0 {
		t.Errorf("the link again, by somebody else: %d to %s", resp.StatusCode, resp.Header.Get("Location"))
	}
	if resp, _ := get(visitor, link); resp.Header.Get("Location") != "/" {
		t.Errorf("the link again, by the visitor: %d to %s", resp.StatusCode, resp.Header.Get("Location"))
	}
	_, body := get(visitor, "/api/v1/session")
	var session struct {
		User   yagura.User `json:"user"`
		Server struct {
			Demo bool `json:"demo"`
		} `json:"server"`
	}
	if err := json.Unmarshal([]byte(body), &session); err != nil || session.User.Name != DemoVisitor || !session.Server.Demo {
		t.Errorf("the session: %v %s", err, body)
	}
	_, body = get(stranger, "/api/v1/sign-in")
	if strings.Contains(body, `"name":"demo"`) || !strings.Contains(body, `"demo":true`) {
		t.Errorf("what a stranger is offered: %s", body)
	}
}

// TestDemoFolder: a folder that has something in it is not written to.
func TestDemoFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewDemo(DemoOptions{Dir: dir, End: demoEnd}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a folder with something in it: %v", err)
	}
	if list, _ := os.ReadDir(dir); len(list) != 1 {
		t.Errorf("%d files", len(list))
	}
}

// TestDemoInterrupted: a demo whose filling was interrupted is made anew, or removed, and what
// somebody else put into its folder stays.
func TestDemoInterrupted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	ctx, cancel := context.WithCancel(t.Context())
	d := testDemo(t, dir, func(done, _ int, _ time.Time) {
		if done == 3 {
			cancel()
		}
	})
	if err := d.Fill(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mine", filepath.Join("data", "half")} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again := testDemo(t, dir, nil)
	if again.Found != DemoInterrupted {
		t.Errorf("found %d", again.Found)
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was half made is there: %v", err)
	}
	if err := again.Discard(); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 1 || list[0].Name() != "mine" {
		t.Errorf("what is left: %v, %v", list, err)
	}
}
