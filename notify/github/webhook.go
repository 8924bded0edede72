package github

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// maxHook is the largest webhook that is read. GitHub's own bound is 25 MB; an issue with a
// comment, each of the greatest length and escaped, stays far below this.
const maxHook = 4 << 20

// lookback is how far before a webhook's issue was updated its events are read.
const lookback = 15 * time.Minute

// Handler takes GitHub's webhooks; nil without a secret.
func (s *Sink) Handler(in notify.Inbox) http.Handler {
	if len(s.o.WebhookSecrets) == 0 {
		return nil
	}
	bodies := notify.NewBodies(maxHook, 15*time.Second)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, text := s.hook(w, r, bodies, in)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(status)
		io.WriteString(w, text+"\n") //nolint:errcheck,gosec // plain text; the sender is gone, or all is well
	})
}

// hookPayload is the part of a webhook that is read.
type hookPayload struct {
	Action     string     `json:"action"`
	Issue      *apiIssue  `json:"issue"`
	Comment    apiComment `json:"comment"`
	Label      apiLabel   `json:"label"`
	Assignee   apiUser    `json:"assignee"`
	Sender     apiUser    `json:"sender"`
	Repository struct {
		FullName string `json:"full_name"`
	} `json:"repository"`
	Changes struct {
		NewIssue      *apiIssue `json:"new_issue"`
		NewRepository struct {
			FullName string `json:"full_name"`
		} `json:"new_repository"`
	} `json:"changes"`
}

func (s *Sink) hook(w http.ResponseWriter, r *http.Request, bodies *notify.Bodies, in notify.Inbox) (int, string) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, "want POST"
	}
	// What cannot be a signature is refused before anything is read for it.
	mark := r.Header.Get("X-Hub-Signature-256")
	if !strings.HasPrefix(mark, "sha256=") || len(mark) != len("sha256=")+hex.EncodedLen(sha256.Size) {
		return http.StatusUnauthorized, unsigned
	}
	body, done, no := bodies.Read(w, r)
	if no != nil {
		return no.Status, no.Reason
	}
	defer done()
	if !s.signed(mark, body) {
		return http.StatusUnauthorized, unsigned
	}
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != "application/json" {
		return http.StatusUnsupportedMediaType, "want application/json (hint: Content type in the webhook's settings)"
	}
	event := r.Header.Get("X-GitHub-Event")
	if event == "repository" {
		// Made public, renamed, archived: what was known of repositories is asked again.
		s.mu.Lock()
		clear(s.repos)
		s.mu.Unlock()
	}
	if event != "issues" && event != "issue_comment" {
		return http.StatusOK, "nothing to do" // ping, and what was ticked too much
	}
	var p hookPayload
	if err := json.Unmarshal(body, &p); err != nil {
		return http.StatusBadRequest, "no JSON of a webhook"
	}
	if p.Issue == nil || p.Issue.Number < 1 || !validRepo(p.Repository.FullName) {
		return http.StatusBadRequest, "no issue or repository in it"
	}
	return s.heard(r.Context(), event, &p, in)
}

const unsigned = "the signature is missing or wrong"

// signed says whether one of the secrets made the signature.
func (s *Sink) signed(header string, body []byte) bool {
	text, ok := strings.CutPrefix(header, "sha256=")
	got, err := hex.DecodeString(text)
	good := false
	for _, secret := range s.o.WebhookSecrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		good = hmac.Equal(mac.Sum(nil), got) || good
	}
	return ok && err == nil && good
}

// heard handles one event. The payload says that something happened; what did is read from
// the issue's events and comments, so that it has the same ids as for the reconciler.
func (s *Sink) heard(ctx context.Context, event string, p *hookPayload, in notify.Inbox) (int, string) {
	if p.Issue.PullRequest != nil {
		return http.StatusOK, "a pull request: nothing to do"
	}
	if _, err := s.whoami(ctx, p.Repository.FullName); err != nil {
		return http.StatusServiceUnavailable, "GitHub cannot be asked now"
	}
	if !s.ours(p.Issue.User.Login) {
		return http.StatusOK, "not an issue of ours"
	}
	if s.botOf(p.Sender.Login) {
		return http.StatusOK, "our own doing"
	}
	r := ref{repo: p.Repository.FullName, number: p.Issue.Number, refiled: readMarks(p.Issue.Body).refiled}
	m := readMarks(p.Issue.Body)
	if m.duplicate != "" {
		return http.StatusOK, "a double that was closed"
	}
	var want string // the kind of event that must be seen
	switch {
	case event == "issue_comment" && p.Action == "created":
		if mc := readMarks(p.Comment.Body); s.ours(p.Comment.User.Login) && (mc.notice != "" || mc.status != "" || mc.duplicate != "") {
			return http.StatusOK, "our own doing"
		}
		// The comment is in the payload whole, with its id.
		c := yagura.Change{ID: commentID(p.Comment.ID), Via: s.o.Name, IssueID: m.issue, Ref: r.String(), Who: who(p.Comment.User), At: p.Comment.CreatedAt,
			What: yagura.ChangeComment, Text: notify.Words(s.o.Lang).Cut(notify.Visible(p.Comment.Body), maxText)}
		return s.apply(ctx, in, []yagura.Change{c})
	case event != "issues":
		return http.StatusOK, "nothing to do"
	case p.Action == "closed", p.Action == "reopened", p.Action == "assigned", p.Action == "unassigned", p.Action == "labeled", p.Action == "unlabeled":
		want = p.Action
	case p.Action == "deleted", p.Action == "transferred":
		text := "deleted at GitHub: " + r.String()
		if n := p.Changes.NewIssue; p.Action == "transferred" && n != nil && validRepo(p.Changes.NewRepository.FullName) {
			text = "transferred at GitHub: " + r.String() + " is " + ref{repo: p.Changes.NewRepository.FullName, number: n.Number}.String() + " now"
		}
		return s.apply(ctx, in, []yagura.Change{{ID: p.Action + ":" + r.String(), Via: s.o.Name, IssueID: m.issue, Ref: r.String(),
			Who: who(p.Sender), At: p.Issue.UpdatedAt, What: yagura.ChangeComment, Text: text}})
	default:
		return http.StatusOK, "nothing to do" // edited, locked, pinned …: the next update puts right what is ours
	}
	since := p.Issue.UpdatedAt
	if !p.Issue.ClosedAt.IsZero() && p.Issue.ClosedAt.Before(since) {
		since = p.Issue.ClosedAt
	}
	if now := s.o.Now(); now.Before(since) {
		since = now
	}
	a, found, err := s.readUntil(ctx, r, p, want, since.Add(-lookback))
	if err != nil {
		return http.StatusServiceUnavailable, "GitHub cannot be read now: the reconciler will find it"
	}
	status, text := s.apply(ctx, in, a.changes)
	if status == http.StatusOK && !found {
		return http.StatusServiceUnavailable, "the event is not in GitHub's list yet: the reconciler will find it"
	}
	return status, text
}

// readUntil reads the acts until the event that the webhook tells of is among them: lists
// may lag a moment behind.
func (s *Sink) readUntil(ctx context.Context, r ref, p *hookPayload, want string, since time.Time) (a acts, found bool, err error) {
	for try := range 4 {
		if try > 0 {
			if err := s.o.Pause(ctx, time.Duration(try)*500*time.Millisecond); err != nil {
				return a, false, err
			}
		}
		i, now, gone, err := s.get(ctx, r, true)
		if err != nil {
			return a, false, err
		}
		if gone {
			return a, true, nil
		}
		if a, err = s.acts(ctx, now, i, since); err != nil {
			return a, false, err
		}
		for _, e := range a.events {
			same := e.Event == want && strings.EqualFold(e.Actor.Login, p.Sender.Login)
			switch want {
			case "labeled", "unlabeled":
				same = same && strings.EqualFold(e.Label.Name, p.Label.Name)
			case "assigned", "unassigned":
				same = same && strings.EqualFold(e.Assignee.Login, p.Assignee.Login)
			case "closed":
				same = same && e.CreatedAt.Sub(p.Issue.ClosedAt).Abs() < time.Minute
			}
			if same {
				return a, true, nil
			}
		}
	}
	return a, false, nil
}

// apply hands changes to the inbox in order.
func (s *Sink) apply(ctx context.Context, in notify.Inbox, changes []yagura.Change) (int, string) {
	n := 0
	for _, c := range changes {
		done, err := in.Apply(ctx, c)
		if _, ok := errors.AsType[*notify.Unknown](err); ok {
			continue // an issue of another installation, or of before
		}
		if err != nil {
			return http.StatusServiceUnavailable, "not taken: try again"
		}
		if done {
			n++
		}
	}
	return http.StatusOK, fmt.Sprintf("applied %d", n)
}
