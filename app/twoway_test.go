package app

import (
	"context"
	"database/sql"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/github/githubtest"
	"github.com/yagura-sec/yagura/store"
)

// reconcileAll looks at every sink that can be read back.
func (s *stand) reconcileAll() {
	s.t.Helper()
	for _, sink := range s.serve.sinks {
		if r, ok := sink.(notify.Reader); ok {
			if err := s.serve.reconcile(s.t.Context(), sink, r, s.serve.o.Now()); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

func (s *stand) one() yagura.Issue {
	s.t.Helper()
	list := s.issues()
	if len(list) != 1 {
		s.t.Fatalf("%d issues", len(list))
	}
	return list[0]
}

// TestHumanAtGitHub: what a person does at GitHub comes back, by webhook at once, and by the
// reconciler when the webhook was lost; by both it is applied once.
func TestHumanAtGitHub(t *testing.T) {
	bothStores(t, func(t *testing.T, url string) {
		s := newStand(t)
		s.cfg.Store = config.Secret(url)
		humanAtGitHub(t, s)
	})
}

func humanAtGitHub(t *testing.T, s *stand) {
	const repo, secret = "acme/security", "hook-secret-0123456789"
	s.gh.SetRepo(repo, func(r *githubtest.Repo) { r.Collaborators = []string{"mary"} })
	s.cfg.Sinks[0].GitHub.WebhookPath = "/hooks/github"
	s.cfg.Sinks[0].GitHub.WebhookSecret = config.Secret(secret)
	s.start()
	s.gh.AddHook("http://"+s.serve.Addr()+"/hooks/github", secret)
	s.post(trail("2026-03-02T12:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`))
	s.settled()
	s.gh.DropHooks()

	s.gh.Close(repo, 1, "mary", "completed")
	s.gh.SendHooks()
	s.until("the webhook closes it", func() bool { return s.one().Status == yagura.StatusClosed })
	if is := s.one(); is.CloseReason != yagura.ClosedByHuman {
		t.Errorf("%+v", is)
	}
	s.settled()
	closed := s.story(s.one().ID)
	s.reconcileAll()
	s.settled()
	if again := s.story(s.one().ID); len(again) != len(closed) {
		t.Errorf("the reconciler applied it once more: %v, then %v", closed, again)
	}

	s.gh.Reopen(repo, 1, "mary")
	s.gh.Comment(repo, 1, "mary", "it is not done")
	s.gh.DropHooks() // lost
	s.reconcileAll()
	s.settled()
	if is := s.one(); is.Status != yagura.StatusOpen || is.Episode != 2 {
		t.Errorf("%+v", is)
	}
	if story := strings.Join(s.story(s.one().ID), " "); !strings.Contains(story, "note") {
		t.Errorf("the comment is not in the story: %s", story)
	}
	if at := s.gh.Issues(repo); len(at) != 1 || !at[0].Open {
		t.Errorf("%+v", at)
	}

	// Closed here, it is closed there, and stays so.
	is := s.one()
	if _, err := s.serve.inbox().Apply(t.Context(), yagura.Change{ID: "1", Via: "cli", IssueID: is.ID, Who: "cli:mary", What: yagura.ChangeClose, Verdict: yagura.ConcludedTruePositive}); err != nil {
		t.Fatal(err)
	}
	s.settled()
	s.reconcileAll()
	s.settled()
	if at := s.gh.Issues(repo); at[0].Open || s.one().Status != yagura.StatusClosed {
		t.Errorf("%+v", at)
	}
}

// TestWrongWebhook: a webhook with a wrong signature changes nothing.
func TestWrongWebhook(t *testing.T) {
	s := newStand(t)
	s.cfg.Sinks[0].GitHub.WebhookPath = "/hooks/github"
	s.cfg.Sinks[0].GitHub.WebhookSecret = "hook-secret-0123456789"
	s.start()
	req, err := http.NewRequest(http.MethodPost, "http://"+s.serve.Addr()+"/hooks/github", strings.NewReader(`{"action":"closed"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Hub-Signature-256", "sha256=00")
	req.Header.Set("X-GitHub-Event", "issues")
	req.Header.Set("X-GitHub-Delivery", "d")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// TestRefusedNotice: what a sink refuses for good becomes a dead letter, and the other sink
// tells of it.
func TestRefusedNotice(t *testing.T) {
	s := newStand(t)
	s.start()
	s.post(trail("2026-03-02T12:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`))
	s.settled()
	s.gh.SetRepo("acme/security", func(r *githubtest.Repo) { r.Archived = true })
	s.post(trail("2026-03-02T13:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"other"}`))
	s.settled()
	is := s.issue("A sink refused a notice")
	if is.Severity != yagura.SeverityHigh || len(is.Told) != 1 || is.Told[0] != "pagerduty" {
		t.Errorf("%+v", is)
	}
	err := s.serve.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		dead, _, err := tx.Notices(ctx, "github", "", []yagura.NoticeState{yagura.NoticeDead}, "", 10)
		if len(dead) != 1 {
			t.Errorf("%d dead notices", len(dead))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestHumanWaits: while the store cannot take what a person did at GitHub, it is not undone
// there, and it is taken once the store can.
func TestHumanWaits(t *testing.T) {
	const repo = "acme/security"
	s := newStand(t)
	s.gh.SetRepo(repo, func(r *githubtest.Repo) { r.Collaborators = []string{"mary"} })
	s.start()
	s.post(trail("2026-03-02T12:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`))
	s.settled()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.cfg.Data, "yagura.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `CREATE TRIGGER broken BEFORE INSERT ON change_seen BEGIN SELECT RAISE(ABORT, 'broken'); END`); err != nil {
		t.Fatal(err)
	}
	s.gh.Close(repo, 1, "mary", "completed")
	for _, sink := range s.serve.sinks {
		if r, ok := sink.(notify.Reader); ok {
			if err := s.serve.reconcile(t.Context(), sink, r, s.serve.o.Now()); err == nil {
				t.Error("nothing was said of it")
			}
		}
	}
	s.settled()
	if at := s.gh.Issues(repo); at[0].Open {
		t.Fatal("what a person closed was opened again")
	}
	if _, err := db.ExecContext(t.Context(), `DROP TRIGGER broken`); err != nil {
		t.Fatal(err)
	}
	s.reconcileAll()
	s.settled()
	if is := s.one(); is.Status != yagura.StatusClosed || is.CloseReason != yagura.ClosedByHuman {
		t.Errorf("%+v", is)
	}
}
