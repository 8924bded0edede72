package github_test

import (
	"context"
	"html"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/github"
	"github.com/yagura-sec/yagura/notify/github/githubtest"
	"github.com/yagura-sec/yagura/notify/notifytest"
)

const (
	repoName = "acme/security"
	token    = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"
	selfName = "yagura-user"
	secret   = "hook-secret"
)

// clock is moved by hand, and by whoever waits.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func (c *clock) Pause(ctx context.Context, d time.Duration) error {
	c.Advance(d)
	return ctx.Err()
}

// bench is a sink on a fake GitHub.
type bench struct {
	*clock
	t    *testing.T
	gh   *githubtest.Server
	sink *github.Sink
	o    github.Options
}

func newBench(t *testing.T, fake githubtest.Options, change func(*github.Options)) *bench {
	t.Helper()
	b := &bench{clock: newClock(), t: t}
	fake.Now = b.Now
	b.gh = githubtest.New(t, fake)
	b.gh.AddRepo(repoName, githubtest.Repo{Private: true, Collaborators: []string{"mary"}})
	b.gh.AddToken(token, selfName)
	b.o = github.Options{Name: "issues", Repository: repoName, BaseURL: b.gh.URL, Token: token, WebhookSecrets: []string{secret}, Now: b.Now, Pause: b.Pause}
	if change != nil {
		change(&b.o)
	}
	b.restart()
	return b
}

// restart makes a new sink, as a new process would: it remembers nothing.
func (b *bench) restart() {
	b.t.Helper()
	var err error
	if b.sink, err = github.New(b.o); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) Sink() notify.Sink { return b.sink }

var markOf = regexp.MustCompile(`^(?:<!-- yagura:(?:issue|status|duplicate)=\w+[^>]* -->)?(?:<!-- yagura:notice=(\w+) -->)?`)

func (b *bench) Made() []notifytest.Thing {
	var out []notifytest.Thing
	for _, i := range b.gh.Issues(repoName) {
		ref := i.Repo + "#" + itoa(i.Number)
		out = append(out, notifytest.Thing{Ref: ref, Notice: markOf.FindStringSubmatch(i.Body)[1], Text: "title: " + i.Title + "\n" + i.Body + "\nlabels: " + strings.Join(i.Labels, ",")})
		for _, c := range i.Comments {
			out = append(out, notifytest.Thing{Ref: ref, Notice: markOf.FindStringSubmatch(c.Body)[1], Text: c.Body})
		}
	}
	return out
}

func (b *bench) Refusals() []string { return b.gh.Refused() }

func (b *bench) Ticket(ref string) (open, ok bool) {
	for _, i := range b.gh.Issues(repoName) {
		if i.Repo+"#"+itoa(i.Number) == ref {
			return i.Open, true
		}
	}
	return false, false
}

func (b *bench) Fail(f notifytest.Fault, n int) bool {
	switch f.Kind {
	case 0:
		b.gh.Fail(githubtest.Fault{}, 0)
	case notifytest.Answer:
		b.gh.Fail(githubtest.Fault{Status: f.Status, RetryAfter: f.RetryAfter}, n)
	case notifytest.Lose:
		b.gh.Fail(githubtest.Fault{Lose: true, Pass: f.Pass}, n)
	case notifytest.Hang:
		b.gh.Fail(githubtest.Fault{Hang: true, Pass: f.Pass}, n)
	case notifytest.Refuse:
		// Labels come before the issue; a refusal of those is no refusal of it.
		b.gh.Fail(githubtest.Fault{Status: 422, Only: "/issues"}, n)
	case notifytest.Limit:
		b.gh.Fail(githubtest.Fault{Limit: true, RetryAfter: f.RetryAfter}, n)
	}
	return true
}

func TestConformance(t *testing.T) {
	notifytest.Run(t, notifytest.Harness{
		Guarantee: notifytest.ReadBack, Tickets: true, Secrets: []string{token},
		New:       func(t *testing.T) notifytest.Bench { return newBench(t, githubtest.Options{}, nil) },
		CheckText: checkHostile,
	})
}

// TestConformanceSlowLists is the same with lists that lag 20 seconds behind.
func TestConformanceSlowLists(t *testing.T) {
	notifytest.Run(t, notifytest.Harness{
		Guarantee: notifytest.ReadBack, Tickets: true, Secrets: []string{token},
		New: func(t *testing.T) notifytest.Bench {
			return newBench(t, githubtest.Options{ListDelay: 20 * time.Second}, nil)
		},
	})
}

// checkHostile looks for what GitHub would make of hostile text outside of code.
func checkHostile(t *testing.T, text string) {
	t.Helper()
	for line := range strings.SplitSeq(stripCode(text), "\n") {
		if strings.HasPrefix(line, "title: ") {
			// GitHub shows titles as they are; other programs may read a mention in them.
			if regexp.MustCompile(`@[A-Za-z0-9]`).MatchString(line) {
				t.Errorf("mention in %q", line)
			}
			continue
		}
		if strings.HasPrefix(line, "labels: ") {
			continue
		}
		if regexp.MustCompile(`<(script|/details|!-- yagura:issue=01HACKED)`).MatchString(line) {
			t.Errorf("html in %q", line)
		}
		line = html.UnescapeString(line)
		for name, re := range map[string]*regexp.Regexp{
			"mention":   regexp.MustCompile(`(^|[^A-Za-z0-9_])@[A-Za-z0-9]`),
			"link":      regexp.MustCompile(`(?i)(https?://|www\.)evil`),
			"mail":      regexp.MustCompile(`\w@\w`),
			"reference": regexp.MustCompile(`(#|GH-)\d`),
		} {
			if re.MatchString(line) {
				t.Errorf("%s in %q", name, line)
			}
		}
	}
}

// stripCode takes code blocks and code spans out, as CommonMark reads them.
func stripCode(text string) string {
	var out []string
	fence := ""
	for line := range strings.SplitSeq(text, "\n") {
		run := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		switch {
		case fence != "":
			if len(run) >= len(fence) && strings.Trim(line, "` ") == "" {
				fence = ""
			}
		case len(run) >= 3 && !strings.Contains(line[len(run):], "`"):
			fence = run
		default:
			out = append(out, stripSpans(line))
		}
	}
	return strings.Join(out, "\n")
}

func stripSpans(line string) string {
	var b strings.Builder
	for i := 0; i < len(line); {
		if line[i] == '\\' && i+1 < len(line) {
			b.WriteString(line[i : i+2])
			i += 2
			continue
		}
		if line[i] != '`' {
			b.WriteByte(line[i])
			i++
			continue
		}
		run := 0
		for i+run < len(line) && line[i+run] == '`' {
			run++
		}
		end := -1
		for k := i + run; k < len(line); {
			if line[k] != '`' {
				k++
				continue
			}
			n := 0
			for k+n < len(line) && line[k+n] == '`' {
				n++
			}
			if n == run {
				end = k + n
				break
			}
			k += n
		}
		if end < 0 {
			b.WriteString(line[i : i+run])
			i += run
			continue
		}
		i = end
	}
	return b.String()
}

func itoa(n int) string {
	if n >= 10 {
		return itoa(n/10) + string(rune('0'+n%10))
	}
	return string(rune('0' + n))
}
