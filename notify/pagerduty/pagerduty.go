package pagerduty

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// Kind is the sink's kind in the configuration.
const Kind = "pagerduty"

// The endpoints of the two service regions.
const (
	EndpointUS = "https://events.pagerduty.com/v2/enqueue"
	EndpointEU = "https://events.eu.pagerduty.com/v2/enqueue"
)

// Options say how to reach PagerDuty.
type Options struct {
	Name string
	// RoutingKey is the integration key of a service or of event orchestration: 32 characters.
	RoutingKey string
	// Teams are the routing keys of owner teams, by the owner that the registry names.
	Teams map[string]string
	// Region is "us" (default) or "eu"; Endpoint replaces the region's URL.
	Region   string
	Endpoint string
	// Language of the texts; English where it is empty.
	Language notify.Lang
	// Zone is the team's, for times in texts; nil is UTC.
	Zone *time.Location
	// IssueURL gives the page of an issue, "" for none.
	IssueURL func(issueID string) string
	// WebhookSecrets sign the webhooks of PagerDuty's subscriptions, several while one is
	// rotated; without one there is no handler.
	WebhookSecrets []string
	// APIToken is a read-only token of PagerDuty's REST API. It serves one thing: to find
	// the issue of a note, whose webhook does not name the key.
	APIToken string
	// API is the root of the REST API; empty takes the region's.
	API  string
	HTTP *http.Client
	Now  func() time.Time
	Log  *slog.Logger
}

// Sink is a [notify.Sink], a [notify.Tester] and a [notify.Inbound].
type Sink struct {
	o        Options
	client   client
	incident *learnt
}

var (
	_ notify.Sink    = (*Sink)(nil)
	_ notify.Tester  = (*Sink)(nil)
	_ notify.Inbound = (*Sink)(nil)
)

// New checks the options and makes the sink. It sends nothing.
func New(o Options) (*Sink, error) {
	if o.Name == "" {
		return nil, fmt.Errorf("pagerduty: name: want one")
	}
	switch o.Region {
	case "", "us":
		o.Endpoint, o.API = or(o.Endpoint, EndpointUS), or(o.API, "https://api.pagerduty.com")
	case "eu":
		o.Endpoint, o.API = or(o.Endpoint, EndpointEU), or(o.API, "https://api.eu.pagerduty.com")
	default:
		return nil, fmt.Errorf("pagerduty %s: region %q: want us or eu", o.Name, o.Region)
	}
	for _, u := range []string{o.Endpoint, o.API} {
		if p, err := url.Parse(u); err != nil || p.Host == "" || p.Scheme != "https" && p.Scheme != "http" {
			return nil, fmt.Errorf("pagerduty %s: %q: want an http or https URL", o.Name, u)
		}
	}
	if err := checkKey(o.RoutingKey); err != nil {
		return nil, fmt.Errorf("pagerduty %s: routing key: %w", o.Name, err)
	}
	for team, key := range o.Teams {
		if team == "" {
			return nil, fmt.Errorf("pagerduty %s: teams: a team without a name", o.Name)
		}
		if err := checkKey(key); err != nil {
			return nil, fmt.Errorf("pagerduty %s: routing key of team %q: %w", o.Name, team, err)
		}
	}
	for _, s := range o.WebhookSecrets {
		if len(s) < 16 {
			return nil, fmt.Errorf("pagerduty %s: webhook secret: shorter than 16 characters (hint: take the secret that PagerDuty showed when the subscription was made)", o.Name)
		}
	}
	lang, err := notify.ParseLang(string(o.Language))
	if err != nil {
		return nil, fmt.Errorf("pagerduty %s: %w", o.Name, err)
	}
	o.Language = lang
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	hc := http.Client{Timeout: 30 * time.Second}
	if o.HTTP != nil {
		hc = *o.HTTP
	}
	// The key is in the body: nobody else gets it.
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Sink{o: o, client: client{http: &hc, endpoint: o.Endpoint, now: o.Now}, incident: newLearnt(4096)}, nil
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// checkKey takes what an integration key looks like. It does not repeat the key.
func checkKey(key string) error {
	if len(key) != 32 {
		return fmt.Errorf("has %d characters, want 32 (hint: the Integration Key of an Events API v2 integration)", len(key))
	}
	for _, c := range key {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return fmt.Errorf("want letters and digits only")
		}
	}
	return nil
}

// Name returns the name in the configuration.
func (s *Sink) Name() string { return s.o.Name }

// Kind returns "pagerduty".
func (s *Sink) Kind() string { return Kind }

// Deliver sends the event that a notice means, if it means one.
func (s *Sink) Deliver(ctx context.Context, n *yagura.Notice) (yagura.Receipt, error) {
	switch n.Op {
	case yagura.OpUpdate:
		return yagura.Receipt{Detail: "nothing to send: PagerDuty is told of openings, rises and states, a trigger for each count would only fill its log"}, nil
	case yagura.OpComment:
		return yagura.Receipt{Detail: "nothing to send: the Events API has no notes"}, nil
	case yagura.OpAsk:
		return yagura.Receipt{Detail: "nothing to send: PagerDuty asks nobody \"was this you?\""}, nil
	case yagura.OpDigest:
		return yagura.Receipt{Detail: "nothing to send: a digest pages nobody"}, nil
	case yagura.OpTest:
		return s.test(ctx, n)
	}
	if n.Issue == nil {
		return yagura.Receipt{}, notify.Permanent("pagerduty: notice %s (%s) has no issue", n.ID, n.Op)
	}
	dedup, team := DedupKey(n.Issue.ID), s.team(n.Issue.AccountInfo.Owner)
	if n.Ref != "" {
		dedup, team = splitRef(n.Ref)
	}
	key, gone := s.key(team)
	e := &event{RoutingKey: key, DedupKey: dedup}
	var done string
	switch n.Op {
	case yagura.OpOpen, yagura.OpReopen, yagura.OpRise:
		e.Action, done = actionTrigger, "triggered"
		s.fill(e, n)
		if n.Op == yagura.OpRise {
			done = "triggered again as " + e.Payload.Severity
			if n.Issue.Status == yagura.StatusAcknowledged {
				done += "; PagerDuty pages nobody for an incident that is acknowledged"
			}
		}
	case yagura.OpAck:
		e.Action, done = actionAcknowledge, "acknowledged"
	case yagura.OpClose:
		e.Action, done = actionResolve, "resolved"
	default:
		return yagura.Receipt{Detail: fmt.Sprintf("nothing to send: operation %q means nothing at PagerDuty", n.Op)}, nil
	}
	if gone {
		done += fmt.Sprintf("; team %q has no routing key any more, the sink's own was used", team)
	}
	if err := s.client.send(ctx, e); err != nil {
		return yagura.Receipt{}, err
	}
	return yagura.Receipt{Ref: joinRef(dedup, team), Detail: done}, nil
}

// DedupKey is the key of an issue at PagerDuty. An issue's id is a ULID, so it is far
// below the 255 characters that PagerDuty takes.
func DedupKey(issueID string) string { return dedupPrefix + issueID }

const dedupPrefix = "yagura:"

// issueOf reads the issue's id out of a key of ours.
func issueOf(key string) (string, bool) {
	id, ok := strings.CutPrefix(key, dedupPrefix)
	if !ok || id == "" || len(id) > 64 || strings.HasPrefix(id, "test:") {
		return "", false
	}
	for _, c := range id {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return "", false
		}
	}
	return id, true
}

// joinRef names the ticket: the key, and the team whose routing key was used.
func joinRef(dedup, team string) string {
	if team == "" {
		return dedup
	}
	return dedup + "@" + team
}

func splitRef(ref string) (dedup, team string) {
	dedup, team, _ = strings.Cut(ref, "@")
	return dedup, team
}

// team is the owner where it has a routing key of its own.
func (s *Sink) team(owner string) string {
	if _, ok := s.o.Teams[owner]; ok {
		return owner
	}
	return ""
}

// key is the routing key of a team; gone says that the team has none any more.
func (s *Sink) key(team string) (key string, gone bool) {
	if team == "" {
		return s.o.RoutingKey, false
	}
	if k, ok := s.o.Teams[team]; ok {
		return k, false
	}
	return s.o.RoutingKey, true
}

// test shows that an event arrives: it triggers at the lowest severity and resolves.
func (s *Sink) test(ctx context.Context, n *yagura.Notice) (yagura.Receipt, error) {
	dedup := dedupPrefix + "test:" + n.ID
	e := &event{RoutingKey: s.o.RoutingKey, DedupKey: dedup, Action: actionTrigger, Client: clientName,
		Payload: &payload{Summary: summary(notify.Words(s.o.Language).Test + ": " + n.Text), Source: "yagura", Severity: "info",
			Timestamp: stamp(s.o.Now()), Details: map[string]any{"notice_id": n.ID}}}
	if err := s.client.send(ctx, e); err != nil {
		return yagura.Receipt{}, err
	}
	if err := s.client.send(ctx, &event{RoutingKey: s.o.RoutingKey, DedupKey: dedup, Action: actionResolve}); err != nil {
		return yagura.Receipt{}, sent(err)
	}
	return yagura.Receipt{Detail: "triggered and resolved a test event"}, nil
}

// Test sends a resolve for a key that was never triggered with every routing key. PagerDuty
// drops it after it has checked the event and the key, so nobody is told.
func (s *Sink) Test(ctx context.Context) error {
	teams := []string{""}
	for t := range s.o.Teams {
		teams = append(teams, t)
	}
	sort.Strings(teams)
	for _, t := range teams {
		key, _ := s.key(t)
		if err := s.client.send(ctx, &event{RoutingKey: key, DedupKey: dedupPrefix + "test:never-triggered", Action: actionResolve}); err != nil {
			if t != "" {
				return fmt.Errorf("team %q: %w", t, err)
			}
			return err
		}
	}
	return nil
}
