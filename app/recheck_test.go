package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/recheck/rechecktest"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/store/storetest"
)

const recheckRole = "arn:aws:iam::{account}:role/yagura-recheck"

// cloud is a stand that re-checks in a fake AWS.
type cloud struct {
	*stand
	aws   *rechecktest.AWS
	clock *shifted
}

var world = rechecktest.Entry{Protocol: "tcp", From: 22, To: 22, Network: "0.0.0.0/0"}

func newCloud(t *testing.T, url string) *cloud {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAYAGURA")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	c := &cloud{stand: newStand(t), aws: rechecktest.New(t), clock: &shifted{}}
	c.stand.clock = c.clock.now
	c.cfg.Store = config.Secret(url)
	c.cfg.Accounts = map[string]config.Account{"111122223333": {Name: "shop"}}
	c.cfg.Recheck = config.Recheck{Enabled: true, Role: recheckRole, ExternalID: "shared", Region: "eu-west-1", Endpoint: c.aws.URL}
	for _, id := range []string{"111122223333", "444455556666"} {
		c.aws.Trust(strings.Replace(recheckRole, "{account}", id, 1), "shared")
	}
	return c
}

// opens posts the record of a port that is opened now, and opens it.
func (c *cloud) opens() yagura.Issue {
	c.t.Helper()
	c.aws.PutGroup("111122223333", "eu-west-1", "sg-1", world)
	c.post(trail(c.clock.now().UTC().Format(time.RFC3339), "ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", ingress("0.0.0.0/0")))
	return c.issue("Remote administration port opened to the internet")
}

// round lets time pass, looks, and returns how the issue is then.
func (c *cloud) round(later time.Duration) yagura.Issue {
	c.t.Helper()
	c.clock.advance(later)
	if err := c.serve.looks.round(c.t.Context(), c.clock.now()); err != nil {
		c.t.Fatal(err)
	}
	c.settled()
	return c.issue("Remote administration port opened to the internet")
}

// asked is how often an action was asked for.
func (c *cloud) asked(action string) (n int) {
	for _, call := range c.aws.Calls() {
		if strings.Contains(call, " "+action+" ") {
			n++
		}
	}
	return n
}

// TestRecheck: an open port closes by two good looks, at GitHub too; what is still so, and
// what has no answer, changes nothing; a later finding opens the same issue again, which
// then closes because the group is gone.
func TestRecheck(t *testing.T) {
	bothStores(t, func(t *testing.T, url string) {
		c := newCloud(t, url)
		c.start()
		opened := c.opens()
		lines := len(c.story(opened.ID))
		for range 3 {
			if is := c.round(31 * time.Minute); is.Status != yagura.StatusOpen || is.Version != opened.Version {
				t.Fatalf("it is still so: %+v", is)
			}
		}
		if n := len(c.story(opened.ID)); n != lines || c.asked("ec2:DescribeSecurityGroups") != 3 {
			t.Errorf("%d lines, were %d; asked %d times", n, lines, c.asked("ec2:DescribeSecurityGroups"))
		}
		c.aws.PutGroup("111122223333", "eu-west-1", "sg-1")
		if is := c.round(31 * time.Minute); is.Status != yagura.StatusOpen {
			t.Fatalf("one good look: %+v", is)
		}
		if c.round(time.Minute); c.asked("ec2:DescribeSecurityGroups") != 4 {
			t.Errorf("asked %d times", c.asked("ec2:DescribeSecurityGroups"))
		}
		// A look without an answer between two good ones neither counts nor undoes the first.
		c.aws.Deny("ec2:DescribeSecurityGroups", true)
		if is := c.round(10 * time.Minute); is.Status != yagura.StatusOpen {
			t.Fatalf("no answer: %+v", is)
		}
		c.aws.Deny("ec2:DescribeSecurityGroups", false)
		is := c.round(31 * time.Minute)
		if is.Status != yagura.StatusClosed || is.CloseReason != yagura.ClosedFixed {
			t.Fatalf("two good looks: %+v", is)
		}
		if l := c.serve.looks; l.open.Load() != 3 || l.fixed.Load() != 2 || l.failed.Load() != 1 || l.gone.Load() != 0 {
			t.Errorf("counted %d %d %d %d", l.open.Load(), l.fixed.Load(), l.failed.Load(), l.gone.Load())
		}
		last := c.lastEntry(is.ID)
		if last.What != yagura.EntryClosed || !strings.Contains(last.Text, "ec2:DescribeSecurityGroups sg-1: it has no entry tcp 22-22 0.0.0.0/0") {
			t.Errorf("%+v", last)
		}
		if list := c.gh.Issues("acme/security"); len(list) != 1 || list[0].Open {
			t.Errorf("at GitHub: %+v", list)
		}
		if c.round(time.Hour); c.asked("ec2:DescribeSecurityGroups") != 6 {
			t.Errorf("a closed issue was asked about")
		}

		again := c.opens()
		c.settled()
		if again.ID != is.ID || again.Status != yagura.StatusOpen || again.Episode != 2 {
			t.Fatalf("%+v", again)
		}
		c.aws.Remove("111122223333", "eu-west-1", "sg-1")
		c.clock.advance(time.Minute)
		if is := c.round(time.Minute); is.Status != yagura.StatusOpen {
			t.Fatalf("one look of the second episode: %+v", is)
		}
		if is := c.round(11 * time.Minute); is.Status != yagura.StatusClosed || is.CloseReason != yagura.ClosedGone {
			t.Errorf("gone: %+v", is)
		}
	})
}

func (s *stand) lastEntry(id string) (e yagura.Entry) {
	s.t.Helper()
	err := s.serve.db.View(s.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		list, err := tx.Entries(ctx, id, 0, 1000)
		if len(list) > 0 {
			e = list[len(list)-1]
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

// TestRecheckFails: throttling, time-outs, refusals and a role that cannot be taken on close
// nothing, and in the end are one low finding; an answer afterwards counts as before.
func TestRecheckFails(t *testing.T) {
	c := newCloud(t, "")
	c.start()
	c.clock.advance(time.Until(time.Now().UTC().Truncate(24 * time.Hour).Add(24*time.Hour + time.Minute))) // all within one day
	c.opens()
	c.aws.PutGroup("111122223333", "eu-west-1", "sg-1") // fixed, had anybody asked
	hows := []func(w http.ResponseWriter, r *http.Request, action string) bool{
		func(w http.ResponseWriter, _ *http.Request, action string) bool {
			rechecktest.Fault(w, strings.Split(action, ":")[0], 503, "RequestLimitExceeded")
			return true
		},
		func(w http.ResponseWriter, _ *http.Request, action string) bool {
			rechecktest.Fault(w, strings.Split(action, ":")[0], 403, "AccessDenied")
			return true
		},
		func(http.ResponseWriter, *http.Request, string) bool { panic(http.ErrAbortHandler) },
	}
	for i := range 14 {
		c.aws.Before(hows[i%len(hows)])
		if is := c.round(31 * time.Minute); is.Status != yagura.StatusOpen {
			t.Fatalf("look %d: %+v", i, is)
		}
	}
	if n := c.serve.looks.failed.Load(); n != 14 {
		t.Errorf("%d failed", n)
	}
	if is := c.issue(recheckRule.Title); is.Severity != yagura.SeverityLow || is.Account != "111122223333" || is.Count != 1 || strings.Contains(is.Latest.Output, "secret") {
		t.Errorf("%+v", is)
	}
	c.aws.Before(nil)
	if is := c.round(31 * time.Minute); is.Status != yagura.StatusOpen {
		t.Fatalf("the first answer: %+v", is)
	}
	if is := c.round(11 * time.Minute); is.Status != yagura.StatusClosed {
		t.Errorf("the second: %+v", is)
	}
}

// TestRecheckNever: a behaviour, an account that is not in the registry, one that the
// configuration leaves out, and a group that goes by a name are never asked about, and no
// role is taken on for them.
func TestRecheckNever(t *testing.T) {
	c := newCloud(t, "")
	c.start()
	at := c.clock.now().UTC().Format(time.RFC3339)
	c.post(trail(at, "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`),
		strings.ReplaceAll(trail(at, "ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", ingress("0.0.0.0/0")), "111122223333", "444455556666"),
		trail(at, "ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", strings.Replace(ingress("0.0.0.0/0"), `"groupId":"sg-1"`, `"groupName":"web"`, 1)))
	for range 3 {
		c.clock.advance(time.Hour)
		if err := c.serve.looks.round(t.Context(), c.clock.now()); err != nil {
			t.Fatal(err)
		}
	}
	if calls := c.aws.Calls(); len(calls) != 0 {
		t.Errorf("asked: %q", calls)
	}
	c.serve.looks.c.Accounts = []string{"999900001111"}
	c.aws.PutGroup("111122223333", "eu-west-1", "sg-1", world)
	c.post(trail(at, "ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", ingress("0.0.0.0/0")))
	look := func() int {
		c.clock.advance(time.Hour)
		if err := c.serve.looks.round(t.Context(), c.clock.now()); err != nil {
			t.Fatal(err)
		}
		return c.asked("ec2:DescribeSecurityGroups")
	}
	if n := look(); n != 0 {
		t.Errorf("an account that is left out was asked %d times", n)
	}
	c.serve.looks.c.Accounts = nil
	if n := look(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// TestRecheckRegions: each issue is asked about where its event was; a name of a database's
// snapshot that was seen in two regions is no name of one thing.
func TestRecheckRegions(t *testing.T) {
	c := newCloud(t, "")
	c.start()
	at := c.clock.now().UTC().Format(time.RFC3339)
	shared := func(name string) string {
		return trail(at, "rds.amazonaws.com", "ModifyDBSnapshotAttribute", fmt.Sprintf(`{"dBSnapshotIdentifier":%q,"attributeName":"restore","valuesToAdd":["all"]}`, name))
	}
	far := func(record string) string { return strings.ReplaceAll(record, "eu-west-1", "ap-northeast-1") }
	c.aws.Share("111122223333", "ap-northeast-1", "db:one", "all")
	c.post(far(shared("one")), shared("two"), far(shared("two")),
		far(trail(at, "ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", ingress("0.0.0.0/0"))))
	if is := c.round(time.Minute); is.Status != yagura.StatusOpen {
		t.Errorf("%+v", is)
	}
	var asked []string
	for _, call := range c.aws.Calls() {
		if !strings.HasPrefix(call, "-") {
			asked = append(asked, call)
		}
	}
	if len(asked) != 2 || !strings.Contains(strings.Join(asked, "\n"), "111122223333 ap-northeast-1 rds:DescribeDBSnapshotAttributes one") ||
		!strings.Contains(strings.Join(asked, "\n"), "111122223333 ap-northeast-1 ec2:DescribeSecurityGroups sg-1") {
		t.Errorf("asked %q", asked)
	}
}

// TestRecheckKilled: what the first of two good looks said is there after a restart, and a
// process that ended within a look has counted nothing.
func TestRecheckKilled(t *testing.T) {
	bothStores(t, func(t *testing.T, url string) {
		c := newCloud(t, url)
		c.start()
		c.opens()
		c.aws.PutGroup("111122223333", "eu-west-1", "sg-1")
		c.round(31 * time.Minute)
		c.stop()
		c.start()
		// This look ends with its process, after the question and before the answer.
		ctx, cancel := context.WithCancel(t.Context())
		c.aws.Before(func(_ http.ResponseWriter, r *http.Request, action string) bool {
			if action != "ec2:DescribeSecurityGroups" {
				return false
			}
			cancel()
			<-r.Context().Done()
			return true
		})
		c.clock.advance(11 * time.Minute)
		if err := c.serve.looks.round(ctx, c.clock.now()); err != nil {
			t.Fatal(err)
		}
		c.stop()
		c.aws.Before(nil)
		c.start()
		if is := c.round(time.Minute); is.Status != yagura.StatusOpen {
			t.Fatalf("%+v", is)
		}
		if is := c.round(31 * time.Minute); is.Status != yagura.StatusClosed || is.CloseReason != yagura.ClosedFixed {
			t.Errorf("%+v", is)
		}
	})
}

// TestRecheckReplicas: three replicas that look at once ask each question once, and the
// timeline tells of the end once.
func TestRecheckReplicas(t *testing.T) {
	c := newCloud(t, storetest.Postgres(t))
	c.start()
	replicas := []*stand{c.stand}
	for range 2 {
		cfg := *c.cfg
		cfg.Data = t.TempDir()
		s := &stand{t: t, cfg: &cfg, gh: c.gh, pd: c.pd, clock: c.clock.now}
		s.start()
		replicas = append(replicas, s)
	}
	is := c.opens()
	c.aws.PutGroup("111122223333", "eu-west-1", "sg-1")
	for range 2 {
		c.clock.advance(31 * time.Minute)
		now := c.clock.now()
		var all sync.WaitGroup
		for _, s := range replicas {
			for range 3 {
				all.Go(func() {
					if err := s.serve.looks.round(t.Context(), now); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
	}
	c.settled()
	closed := 0
	for _, what := range c.story(is.ID) {
		if what == string(yagura.EntryClosed) {
			closed++
		}
	}
	if n := c.asked("ec2:DescribeSecurityGroups"); n != 2 || closed != 1 {
		t.Errorf("asked %d times, closed %d times", n, closed)
	}
}

// TestRecheckFlapping: what opens again and again is held, as by counter-events; a look that
// finds it open undoes that it was fixed.
func TestRecheckFlapping(t *testing.T) {
	c := newCloud(t, "")
	c.start()
	var is yagura.Issue
	for range 4 {
		c.opens()
		c.clock.advance(time.Minute)
		c.aws.PutGroup("111122223333", "eu-west-1", "sg-1")
		c.round(31 * time.Minute)
		is = c.round(11 * time.Minute)
	}
	if is.Status != yagura.StatusOpen || !is.Flapping || is.Episode != 4 || is.Fixed.IsZero() {
		t.Fatalf("%+v", is)
	}
	fixed := is.Fixed
	if is = c.round(time.Hour); !is.Fixed.Equal(fixed) {
		t.Errorf("fixed moved from %s to %s", fixed, is.Fixed)
	}
	c.aws.PutGroup("111122223333", "eu-west-1", "sg-1", world)
	if is = c.round(time.Hour); !is.Fixed.IsZero() {
		t.Errorf("%+v", is)
	}
	c.round(7 * time.Hour)
	c.tick()
	c.aws.PutGroup("111122223333", "eu-west-1", "sg-1")
	c.round(time.Hour)
	if is = c.round(11 * time.Minute); is.Status != yagura.StatusOpen {
		t.Fatalf("%+v", is)
	}
	c.clock.advance(6 * time.Hour)
	c.tick()
	if is = c.issue("Remote administration port opened to the internet"); is.Status != yagura.StatusClosed || is.CloseReason != yagura.ClosedFixed {
		t.Errorf("%+v", is)
	}
}

// TestRecheckResolve: config check takes on the role of every listed account.
func TestRecheckResolve(t *testing.T) {
	c := newCloud(t, "")
	c.cfg.Accounts["777788889999"] = config.Account{Name: "without the role"}
	k := &check{cfg: c.cfg, where: func(path string) string { return path }, o: CheckOptions{Now: c.clock.now}}
	k.recheckRole(t.Context())
	if len(k.out) != 2 || !k.out[0].Fault || !strings.Contains(k.out[0].Text, "account 777788889999: the role arn:aws:iam::777788889999:role/yagura-recheck cannot be taken on: AccessDenied") ||
		k.out[1].Fault || !strings.Contains(k.out[1].Text, "the role of 1 accounts can be taken on") {
		t.Errorf("%+v", k.out)
	}
}
