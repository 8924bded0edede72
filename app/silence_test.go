package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/intake"
	"github.com/yagura-sec/yagura/notify/github/githubtest"
	"github.com/yagura-sec/yagura/store"
)

// TestAfterStorm: an issue that came under an umbrella is told of as one of its own when it
// rises, and when it is opened again: the umbrella spoke of neither.
func TestAfterStorm(t *testing.T) {
	s := newStand(t)
	s.cfg.Storm = 1
	s.start()
	user := func(at, name string) string {
		return trail(at, "iam.amazonaws.com", "CreateUser", fmt.Sprintf(`{"userName":"%s"}`, name))
	}
	s.post(user("2026-03-02T12:00:00Z", "alice"), user("2026-03-02T12:00:01Z", "mallory"), user("2026-03-02T12:00:02Z", "eve"))
	s.settled()
	at := func(name string) (is yagura.Issue) {
		for _, x := range s.issues() {
			if strings.Contains(x.CauseKey, name) {
				is = x
			}
		}
		return is
	}
	if at("mallory").Umbrella == "" || at("eve").Umbrella == "" || len(s.gh.Issues("acme/security")) != 2 || len(s.pd.Incidents()) != 0 {
		t.Fatalf("%+v\n%+v", at("mallory"), at("eve"))
	}
	s.change(yagura.Change{IssueID: at("mallory").ID, What: yagura.ChangeAnswer, Yes: false})
	s.change(yagura.Change{IssueID: at("eve").ID, What: yagura.ChangeClose, Text: "known"})
	s.post(user("2026-03-03T12:00:00Z", "eve"))
	s.settled()
	if n := len(s.pd.Incidents()); n != 1 {
		t.Errorf("%d incidents, want that of the issue that rose to high", n)
	}
	if n := len(s.gh.Issues("acme/security")); n != 4 {
		t.Errorf("%d issues at GitHub, want those of the one that rose and of the one that was opened again too", n)
	}
}

// TestOpenedWhileSuppressed: an issue that is closed and opened again while it is suppressed
// is opened again at the sinks when the suppression ends, and not only written to.
func TestOpenedWhileSuppressed(t *testing.T) {
	clock := &shifted{}
	s := newStand(t)
	s.clock = clock.now
	s.start()
	open, revoke := "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"
	s.post(trail("2026-03-02T12:00:00Z", "ec2.amazonaws.com", open, ingress("0.0.0.0/0")))
	s.settled()
	ticket := func() githubtest.Issue {
		list := s.gh.Issues("acme/security")
		if len(list) != 1 {
			t.Fatalf("%d issues at GitHub", len(list))
		}
		return list[0]
	}
	is := s.one()
	s.change(yagura.Change{IssueID: is.ID, What: yagura.ChangeSuppress, Until: clock.now().Add(24 * time.Hour), Text: "a migration"})
	s.post(trail("2026-03-02T13:00:00Z", "ec2.amazonaws.com", revoke, ingress("0.0.0.0/0")))
	s.settled()
	if is = s.one(); is.Status != yagura.StatusClosed || ticket().Open {
		t.Fatalf("%+v", is)
	}
	s.post(trail("2026-03-02T14:00:00Z", "ec2.amazonaws.com", open, ingress("0.0.0.0/0")))
	s.settled()
	if is = s.one(); is.Status != yagura.StatusOpen || ticket().Open {
		t.Fatalf("a suppressed issue was told: %+v", is)
	}
	clock.advance(25 * time.Hour)
	s.tick()
	if !ticket().Open {
		t.Error("the ticket of an open issue stayed closed after the suppression")
	}
	live := 0
	for _, i := range s.pd.Incidents() {
		if i.Status != "resolved" {
			live++
		}
	}
	if live != 1 {
		t.Errorf("%+v", s.pd.Incidents())
	}
}

// brokenStore loses the connection before its first commits.
type brokenStore struct {
	intake.Store
	left *atomic.Int64
}

func (b brokenStore) Update(ctx context.Context, fn func(ctx context.Context, tx intake.Tx) error) error {
	return b.Store.Update(ctx, func(ctx context.Context, tx intake.Tx) error {
		err := fn(ctx, tx)
		if err == nil && b.left.Add(-1) >= 0 {
			err = errors.New("connection reset by peer")
		}
		return err
	})
}

// TestNoStormOfOneIssue: a commit that has to be tried again and again is no storm.
func TestNoStormOfOneIssue(t *testing.T) {
	left := &atomic.Int64{}
	s := newStand(t)
	s.cfg.Storm = 3
	s.alter = func(serve *Serve) {
		o := serve.intakeOptions(serve.receivers, 0)
		o.Store = brokenStore{o.Store, left}
		serve.in = intake.New(o)
	}
	s.start()
	left.Store(8)
	s.post(trail("2026-03-02T12:00:00Z", "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`))
	s.settled()
	if is := s.one(); is.Umbrella != "" || len(is.Told) == 0 {
		t.Errorf("%+v", is)
	}
}

// TestReplacedInOneSecond: times of logs are seconds, and tools close a port and open it again
// in one. What comes behind the fix in the log is not from before it.
func TestReplacedInOneSecond(t *testing.T) {
	s := newStand(t)
	s.start()
	s.post(trail("2026-03-02T12:00:00Z", "ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", ingress("0.0.0.0/0")))
	s.post(trail("2026-03-02T13:00:00Z", "ec2.amazonaws.com", "RevokeSecurityGroupIngress", ingress("0.0.0.0/0")),
		trail("2026-03-02T13:00:00Z", "ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", ingress("0.0.0.0/0")))
	s.settled()
	if is := s.one(); is.Status != yagura.StatusOpen || is.Episode != 2 {
		t.Errorf("the port is open, the issue %s in episode %d", is.Status, is.Episode)
	}
}

// TestHeardDuringAnOutage: who sent while the store could not be written is not silent.
func TestHeardDuringAnOutage(t *testing.T) {
	s := newStand(t)
	s.start()
	s.post(trail("2026-03-02T12:00:00Z", "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`))
	away, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.serve.house.silence(away, time.Now()); err == nil {
		t.Fatal("nothing was written, and nobody says so")
	}
	if err := s.serve.house.silence(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	err := s.serve.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		data, _, err := tx.State(ctx, "rhythm/in")
		if !strings.Contains(string(data), "111122223333") {
			t.Errorf("%s", data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
