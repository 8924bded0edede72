package pagerduty

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
	"sync"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

const (
	// maxWebhook is above the 256 KB at which PagerDuty drops a webhook.
	maxWebhook = 512 << 10
	// oldest is how old an event may be. PagerDuty tries for some twenty minutes; the
	// signature has no time of its own, so this and the change's id stop replays.
	oldest = 24 * time.Hour
	// answerIn is how long Inbox may take: PagerDuty waits for 5 s, and tries again then.
	answerIn = 4500 * time.Millisecond
)

// webhook is what PagerDuty posts (version 3): one event.
type webhook struct {
	Event struct {
		ID         string    `json:"id"`
		Type       string    `json:"event_type"`
		Resource   string    `json:"resource_type"`
		OccurredAt time.Time `json:"occurred_at"`
		Agent      *ref      `json:"agent"`
		Data       struct {
			ID          string `json:"id"`
			Type        string `json:"type"`
			IncidentKey string `json:"incident_key"`
			Assignees   []ref  `json:"assignees"`
			Incident    *ref   `json:"incident"` // of a note
			Content     string `json:"content"`  // of a note
		} `json:"data"`
	} `json:"event"`
}

type ref struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Summary string `json:"summary"`
}

// Listen returns at once: PagerDuty keeps no connection.
func (s *Sink) Listen(context.Context, notify.Inbox) error { return nil }

// Handler takes PagerDuty's webhooks; nil without a secret.
func (s *Sink) Handler(in notify.Inbox) http.Handler {
	if len(s.o.WebhookSecrets) == 0 {
		return nil
	}
	bodies := notify.NewBodies(maxWebhook, 10*time.Second)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "want POST", http.StatusMethodNotAllowed)
			return
		}
		// What cannot be a signature is refused before anything is read for it.
		marks := r.Header.Values("X-PagerDuty-Signature")
		if !strings.Contains(strings.Join(marks, ","), "v1=") {
			http.Error(w, unsigned, http.StatusForbidden)
			return
		}
		body, done, no := bodies.Read(w, r)
		if no != nil {
			http.Error(w, no.Reason, no.Status)
			return
		}
		defer done()
		if !signed(s.o.WebhookSecrets, marks, body) {
			http.Error(w, unsigned, http.StatusForbidden)
			return
		}
		if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && t != "application/json" {
			http.Error(w, "want application/json", http.StatusUnsupportedMediaType)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), answerIn)
		defer cancel()
		status, text := s.take(ctx, in, body)
		http.Error(w, text, status)
	})
}

const unsigned = "the signature is missing or wrong"

// signed says whether one of the header's signatures is that of one of the secrets. It
// compares them all, each in constant time.
func signed(secrets, headers []string, body []byte) bool {
	ok := false
	for _, h := range headers {
		if len(h) > 4096 {
			return false
		}
		for part := range strings.SplitSeq(h, ",") {
			text, v1 := strings.CutPrefix(strings.TrimSpace(part), "v1=")
			got, err := hex.DecodeString(text)
			if !v1 || err != nil {
				continue
			}
			for _, secret := range secrets {
				mac := hmac.New(sha256.New, []byte(secret))
				mac.Write(body)
				if hmac.Equal(got, mac.Sum(nil)) {
					ok = true
				}
			}
		}
	}
	return ok
}

// take applies the change that a webhook tells of. What is not for us is accepted, so that
// PagerDuty does not try again or switch the subscription off.
func (s *Sink) take(ctx context.Context, in notify.Inbox, body []byte) (status int, text string) {
	var h webhook
	if err := json.Unmarshal(body, &h); err != nil {
		return http.StatusBadRequest, "not a webhook of version 3"
	}
	e := &h.Event
	if e.Type == "pagey.ping" {
		return http.StatusAccepted, "pong"
	}
	if e.ID == "" || e.Type == "" || len(e.ID) > 200 {
		return http.StatusBadRequest, "not a webhook of version 3"
	}
	if id, ok := issueOf(e.Data.IncidentKey); ok && e.Data.Type == "incident" {
		s.incident.put(e.Data.ID, id)
	}
	now := s.o.Now()
	if e.OccurredAt.IsZero() || now.Sub(e.OccurredAt) > oldest || e.OccurredAt.Sub(now) > time.Hour {
		return http.StatusAccepted, "ignored: not of today"
	}
	// What an integration or a workflow did is not a person's word; our own events come
	// back as those of our integration.
	if e.Agent == nil || e.Agent.Type != "user_reference" && e.Agent.Type != "user" {
		return http.StatusAccepted, "ignored: not done by a person"
	}
	c := yagura.Change{ID: e.ID, Via: s.o.Name, At: e.OccurredAt, Who: who(*e.Agent)}
	c.IssueID, _ = issueOf(e.Data.IncidentKey)
	switch e.Type {
	case "incident.acknowledged":
		c.What = yagura.ChangeAck
	case "incident.resolved":
		c.What, c.Text = yagura.ChangeClose, "resolved at PagerDuty"
	case "incident.reopened":
		c.What = yagura.ChangeReopen
	case "incident.reassigned":
		if len(e.Data.Assignees) == 0 {
			return http.StatusAccepted, "ignored: assigned to nobody"
		}
		c.What, c.To = yagura.ChangeAssign, who(e.Data.Assignees[0])
	case "incident.annotated":
		c.What, c.Text = yagura.ChangeComment, e.Data.Content
		if e.Data.Incident == nil || e.Data.Content == "" {
			return http.StatusAccepted, "ignored: a note without text"
		}
		var err error
		if c.IssueID, err = s.issueOfIncident(ctx, e.Data.Incident.ID); err != nil {
			s.o.Log.WarnContext(ctx, "pagerduty: the incident of a note was not found", "sink", s.o.Name, "error", err)
			return http.StatusServiceUnavailable, "the incident could not be looked up"
		}
	default:
		return http.StatusAccepted, "ignored: nothing that changes an issue"
	}
	if c.IssueID == "" {
		return http.StatusAccepted, "ignored: not an incident of ours"
	}
	done, err := in.Apply(ctx, c)
	var unknown *notify.Unknown
	switch {
	case errors.As(err, &unknown):
		return http.StatusAccepted, "ignored: no such issue"
	case err != nil:
		s.o.Log.WarnContext(ctx, "pagerduty: a change was not applied", "sink", s.o.Name, "change", c.ID, "error", err)
		return http.StatusServiceUnavailable, "not applied, try again"
	case !done:
		return http.StatusAccepted, "applied before"
	}
	return http.StatusAccepted, "applied"
}

func who(r ref) string {
	name := "pagerduty:" + r.ID
	if r.Summary != "" {
		name += " (" + short(notify.Line(notify.Mask(r.Summary)), 100) + ")"
	}
	return name
}

// issueOfIncident finds the issue of an incident: among those whose webhooks came by, else
// at the REST API when there is a token. "" means that it is none of ours, or that there is
// no way to know.
func (s *Sink) issueOfIncident(ctx context.Context, incident string) (string, error) {
	if id, ok := s.incident.get(incident); ok {
		return id, nil
	}
	if s.o.APIToken == "" || incident == "" || strings.ContainsAny(incident, "/?#%. ") || len(incident) > 64 {
		return "", nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(s.o.API, "/")+"/incidents/"+incident, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Token token="+s.o.APIToken)
	req.Header.Set("Accept", "application/vnd.pagerduty+json;version=2")
	res, err := s.client.http.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusNotFound {
		return "", nil
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("incident %s: %s", incident, res.Status)
	}
	var got struct {
		Incident struct {
			IncidentKey string `json:"incident_key"`
		} `json:"incident"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 4<<20)).Decode(&got); err != nil {
		return "", fmt.Errorf("incident %s: %w", incident, err)
	}
	id, ok := issueOf(got.Incident.IncidentKey)
	if ok {
		s.incident.put(incident, id)
	}
	return id, nil
}

// learnt remembers which issue an incident is of, for the latest incidents.
type learnt struct {
	mu    sync.Mutex
	limit int
	issue map[string]string
	order []string
}

func newLearnt(limit int) *learnt { return &learnt{limit: limit, issue: map[string]string{}} }

func (l *learnt) put(incident, issue string) {
	if incident == "" || len(incident) > 64 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.issue[incident]; !ok {
		l.order = append(l.order, incident)
		if len(l.order) > l.limit {
			delete(l.issue, l.order[0])
			l.order = l.order[1:]
		}
	}
	l.issue[incident] = issue
}

func (l *learnt) get(incident string) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id, ok := l.issue[incident]
	return id, ok
}
