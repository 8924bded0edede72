package pagerdutytest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Incident is one alert and its incident, which are one to one here.
type Incident struct {
	ID       string
	Key      string // dedup_key
	Routing  string
	Status   string // triggered, acknowledged, resolved
	Severity string
	Urgency  string // high for critical and error, else low: what a service with dynamic notifications does
	Summary  string
	Triggers int // trigger events, of which the first made it
	Pages    int
	Details  map[string]any
	Notice   string // notice_id of the trigger that made it
	Body     []byte // of the last trigger
}

// Server is the fake.
type Server struct {
	http *httptest.Server

	mu        sync.Mutex
	keys      []string
	incidents []*Incident
	accepted  int
	dropped   int // events that were accepted and meant nothing
	refused   []string
	status    int // answered instead, while fail is above 0
	fail      int
	lose      int
	hang      int
	retry     string
	token     string
	events    int // numbers the webhooks
	now       func() time.Time
}

// New starts a PagerDuty that knows these routing keys.
func New(keys ...string) *Server {
	s := &Server{keys: keys, now: time.Now}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/enqueue", s.enqueue)
	mux.HandleFunc("GET /incidents/{id}", s.incident)
	s.http = httptest.NewServer(mux)
	return s
}

// Close ends it.
func (s *Server) Close() { s.http.Close() }

// URL is the root of the REST API.
func (s *Server) URL() string { return s.http.URL }

// Endpoint is where events go.
func (s *Server) Endpoint() string { return s.http.URL + "/v2/enqueue" }

// Token makes the REST API ask for a token.
func (s *Server) Token(t string) { s.with(func() { s.token = t }) }

// Fail answers the next n events with a status and takes none of them; retryAfter may be "".
func (s *Server) Fail(n, status int, retryAfter string) {
	s.with(func() { s.fail, s.status, s.retry = n, status, retryAfter })
}

// Lose takes the next n events and ends the connection without an answer.
func (s *Server) Lose(n int) { s.with(func() { s.lose = n }) }

// Hang takes the next n events and never answers.
func (s *Server) Hang(n int) { s.with(func() { s.hang = n }) }

// Heal forgets all faults.
func (s *Server) Heal() { s.with(func() { s.fail, s.lose, s.hang = 0, 0, 0 }) }

// Clock sets the clock of the webhooks.
func (s *Server) Clock(now func() time.Time) { s.with(func() { s.now = now }) }

func (s *Server) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Incidents are all incidents, oldest first.
func (s *Server) Incidents() (all []Incident) {
	s.with(func() {
		for _, i := range s.incidents {
			all = append(all, *i)
		}
	})
	return all
}

// Accepted counts the events that were taken, Dropped those of them that meant nothing.
func (s *Server) Accepted() (n int) { s.with(func() { n = s.accepted }); return n }

// Dropped counts acknowledges and resolves that found no open alert of their key.
func (s *Server) Dropped() (n int) { s.with(func() { n = s.dropped }); return n }

// Refused are the reasons of all answers with status 400.
func (s *Server) Refused() (all []string) {
	s.with(func() { all = slices.Clone(s.refused) })
	return all
}

type event struct {
	RoutingKey string `json:"routing_key"`
	Action     string `json:"event_action"`
	Key        string `json:"dedup_key"`
	Client     string `json:"client"`
	ClientURL  string `json:"client_url"`
	Links      []struct {
		Href *string `json:"href"`
		Text string  `json:"text"`
	} `json:"links"`
	Images []struct {
		Src  *string `json:"src"`
		Href string  `json:"href"`
		Alt  string  `json:"alt"`
	} `json:"images"`
	Payload *struct {
		Summary   *string        `json:"summary"`
		Source    *string        `json:"source"`
		Severity  *string        `json:"severity"`
		Timestamp string         `json:"timestamp"`
		Component string         `json:"component"`
		Group     string         `json:"group"`
		Class     string         `json:"class"`
		Details   map[string]any `json:"custom_details"`
	} `json:"payload"`
}

func (s *Server) enqueue(w http.ResponseWriter, r *http.Request) {
	if s.take(w, r) {
		<-r.Context().Done()
	}
}

// take answers an event, or says that nobody ever will.
func (s *Server) take(w http.ResponseWriter, r *http.Request) (hang bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail > 0 {
		s.fail--
		if s.retry != "" {
			w.Header().Set("Retry-After", s.retry)
		}
		say(w, s.status, map[string]any{"status": "error", "message": http.StatusText(s.status)})
		return false
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return false
	}
	if len(body) > 512_000 {
		s.refuse(w, http.StatusRequestEntityTooLarge, "the event is too large")
		return false
	}
	if problems := s.check(r, body); len(problems) > 0 {
		s.refuse(w, http.StatusBadRequest, problems...)
		return false
	}
	var e event
	_ = json.Unmarshal(body, &e)
	s.accepted++
	s.apply(&e, body)
	if s.lose > 0 {
		s.lose--
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
		return false
	}
	if s.hang > 0 {
		s.hang--
		return true
	}
	say(w, http.StatusAccepted, map[string]any{"status": "success", "message": "Event processed", "dedup_key": e.Key})
	return false
}

func (s *Server) refuse(w http.ResponseWriter, status int, problems ...string) {
	s.refused = append(s.refused, problems...)
	say(w, status, map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": problems})
}

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// check holds an event to the published schema.
func (s *Server) check(r *http.Request, body []byte) (problems []string) {
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if ct := r.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/json") {
		bad("Content-Type is %q", ct)
	}
	if !utf8.Valid(body) {
		bad("the body is not UTF-8")
	}
	var e event
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields() // the schema names no others; what nobody reads is a mistake of ours
	if err := dec.Decode(&e); err != nil {
		bad("JSON: %v", err)
		return problems
	}
	if len(e.RoutingKey) != 32 {
		bad("Length of 'routing_key' is incorrect (should be 32 characters)")
	} else if !slices.Contains(s.keys, e.RoutingKey) {
		bad("Invalid routing key")
	}
	switch e.Action {
	case "trigger":
		if e.Payload == nil {
			bad("'payload' is missing or blank")
			break
		}
		p := e.Payload
		if p.Summary == nil || *p.Summary == "" {
			bad("'payload.summary' is missing or blank")
		} else if n := utf8.RuneCountInString(*p.Summary); n > 1024 {
			bad("'payload.summary' has %d characters, at most 1024", n)
		}
		if p.Source == nil || *p.Source == "" {
			bad("'payload.source' is missing or blank")
		}
		if p.Severity == nil || !slices.Contains([]string{"critical", "error", "warning", "info"}, *p.Severity) {
			bad("'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')")
		}
		if p.Timestamp != "" {
			if _, err := time.Parse(time.RFC3339Nano, p.Timestamp); err != nil || len(p.Timestamp) > 35 {
				bad("'payload.timestamp' is no ISO 8601 time")
			}
		}
	case "acknowledge", "resolve":
		if e.Key == "" {
			bad("'dedup_key' is missing or blank")
		}
	default:
		bad("'event_action' is missing or invalid")
	}
	if n := utf8.RuneCountInString(e.Key); n > 255 {
		bad("'dedup_key' has %d characters, at most 255", n)
	}
	if e.ClientURL != "" && !isURL(e.ClientURL) {
		bad("'client_url' is no URL")
	}
	for _, l := range e.Links {
		if l.Href == nil || !isURL(*l.Href) {
			bad("a link's 'href' is missing or no URL")
		}
	}
	for _, i := range e.Images {
		if i.Src == nil || !isURL(*i.Src) || !strings.HasPrefix(*i.Src, "https://") || i.Href != "" && !isURL(i.Href) {
			bad("an image's 'src' is missing or not https, or its 'href' no URL")
		}
	}
	return problems
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// open is the alert that an event is applied to: the same key through the same routing key.
func (s *Server) open(routing, key string) *Incident {
	for _, v := range slices.Backward(s.incidents) {
		if in := v; in.Key == key && in.Routing == routing && in.Status != "resolved" {
			return in
		}
	}
	return nil
}

func (s *Server) apply(e *event, body []byte) {
	in := s.open(e.RoutingKey, e.Key)
	switch e.Action {
	case "trigger":
		urgency := "low"
		if sev := *e.Payload.Severity; sev == "critical" || sev == "error" {
			urgency = "high"
		}
		if in == nil || e.Key == "" {
			in = &Incident{ID: fmt.Sprintf("Q%06d", len(s.incidents)+1), Key: e.Key, Routing: e.RoutingKey, Status: "triggered", Pages: 1, Urgency: urgency, Summary: *e.Payload.Summary}
			if in.Key == "" {
				in.Key = fmt.Sprintf("made-up-%d", len(s.incidents))
			}
			in.Notice, _ = e.Payload.Details["notice_id"].(string)
			s.incidents = append(s.incidents, in)
		} else if urgency == "high" && in.Urgency == "low" {
			in.Urgency = "high"
			if in.Status == "triggered" {
				in.Pages++
			}
		}
		in.Triggers++
		in.Severity, in.Details, in.Body = *e.Payload.Severity, e.Payload.Details, body
	case "acknowledge":
		if in == nil {
			s.dropped++
			return
		}
		in.Status = "acknowledged"
	case "resolve":
		if in == nil {
			s.dropped++
			return
		}
		in.Status = "resolved"
	}
}

func (s *Server) incident(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == "" || r.Header.Get("Authorization") != "Token token="+s.token {
		say(w, http.StatusUnauthorized, map[string]any{"error": map[string]any{"message": "Authentication required", "code": 2006}})
		return
	}
	for _, in := range s.incidents {
		if in.ID == r.PathValue("id") {
			say(w, http.StatusOK, map[string]any{"incident": s.data(in)})
			return
		}
	}
	say(w, http.StatusNotFound, map[string]any{"error": map[string]any{"message": "Not Found", "code": 2100}})
}

func (s *Server) data(in *Incident) map[string]any {
	return map[string]any{"id": in.ID, "type": "incident", "status": in.Status, "incident_key": in.Key, "title": in.Summary, "urgency": in.Urgency,
		"html_url": s.http.URL + "/incidents/" + in.ID, "assignees": []any{}}
}

// User is a person who acts at PagerDuty.
type User struct{ ID, Name string }

// Webhook changes an incident as a person would, and returns the webhook that tells of it.
// kind is "acknowledged", "resolved", "reopened", "reassigned" or "annotated"; text is the
// note. A nil user is an integration.
func (s *Server) Webhook(kind string, incident int, by *User, text string) (body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.incidents[incident]
	switch kind {
	case "acknowledged", "resolved":
		in.Status = kind
	case "reopened":
		in.Status = "triggered"
	}
	s.events++
	agent := map[string]any{"id": "PINTEG1", "type": "events_api_v2_inbound_integration_reference", "summary": "Yagura"}
	if by != nil {
		agent = map[string]any{"id": by.ID, "type": "user_reference", "summary": by.Name}
	}
	data := s.data(in)
	switch kind {
	case "reassigned":
		data["assignees"] = []any{map[string]any{"id": by.ID, "type": "user_reference", "summary": by.Name}}
	case "annotated":
		data = map[string]any{"id": "PNOTE01", "type": "incident_note", "content": text, "trimmed": false,
			"incident": map[string]any{"id": in.ID, "type": "incident_reference", "summary": in.Summary}}
	}
	body, _ = json.Marshal(map[string]any{"event": map[string]any{
		"id": fmt.Sprintf("01EVENT%08d", s.events), "event_type": "incident." + kind, "resource_type": "incident",
		"occurred_at": s.now().UTC().Format(time.RFC3339Nano), "agent": agent, "client": nil, "data": data,
	}})
	return body
}

// Sign is the header X-PagerDuty-Signature of a webhook, with one signature per secret.
func Sign(body []byte, secrets ...string) string {
	var all []string
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		all = append(all, "v1="+hex.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, ",")
}
