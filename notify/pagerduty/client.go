package pagerduty

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/notify"
)

// The limits of the Events API v2.
const (
	maxBody    = 512_000 // bytes of one event
	maxSummary = 1024    // characters
	maxAnswer  = 64 << 10
)

// The actions of an event.
const (
	actionTrigger     = "trigger"
	actionAcknowledge = "acknowledge"
	actionResolve     = "resolve"
)

// event is one call of the Events API v2.
type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"`
	DedupKey   string   `json:"dedup_key"`
	Client     string   `json:"client,omitempty"`
	ClientURL  string   `json:"client_url,omitempty"`
	Links      []link   `json:"links,omitempty"`
	Payload    *payload `json:"payload,omitempty"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text,omitempty"`
}

type payload struct {
	Summary   string         `json:"summary"`
	Source    string         `json:"source"`
	Severity  string         `json:"severity"`
	Timestamp string         `json:"timestamp,omitempty"`
	Component string         `json:"component,omitempty"`
	Group     string         `json:"group,omitempty"`
	Class     string         `json:"class,omitempty"`
	Details   map[string]any `json:"custom_details,omitempty"`
}

// answer is what PagerDuty says, of an event that it took and of one that it refused.
type answer struct {
	Status  string   `json:"status"`
	Message string   `json:"message"`
	Errors  []string `json:"errors"`
}

type client struct {
	http     *http.Client
	endpoint string
	now      func() time.Time
}

// encode writes the event, and leaves out details until it is within the limit.
func encode(e *event) ([]byte, error) {
	for {
		body, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		if len(body) <= maxBody || e.Payload == nil || len(e.Payload.Details) == 0 {
			return body, nil
		}
		largest, size := "", -1
		for k, v := range e.Payload.Details {
			b, _ := json.Marshal(v)
			if n := len(b); n > size || n == size && k < largest {
				largest, size = k, n
			}
		}
		if s := "left out: too large for PagerDuty"; size <= len(s)+2 {
			delete(e.Payload.Details, largest)
		} else {
			e.Payload.Details[largest] = s
		}
	}
}

// send posts one event and sorts the answer.
func (c *client) send(ctx context.Context, e *event) error {
	body, err := encode(e)
	if err != nil {
		return notify.Permanent("pagerduty: encode event: %w", err)
	}
	if len(body) > maxBody {
		return notify.Permanent("pagerduty: the event has %d bytes, PagerDuty takes %d", len(body), maxBody)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return notify.Permanent("pagerduty: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "yagura")
	res, err := c.http.Do(req)
	if err != nil {
		return &notify.Error{NotSent: notSent(err), Err: fmt.Errorf("pagerduty: %w", err)}
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	var a answer
	_ = json.Unmarshal(text, &a)
	said := strings.TrimSpace(strings.Join(append([]string{a.Status, a.Message}, a.Errors...), ": "))
	if a.Status == "" && a.Message == "" {
		said = http.StatusText(res.StatusCode)
	}
	said = short(notify.Line(notify.Mask(strings.ReplaceAll(said, e.RoutingKey, "***"))), 500)
	reason := fmt.Errorf("pagerduty: %d %s", res.StatusCode, said)
	switch {
	case res.StatusCode == http.StatusAccepted || res.StatusCode == http.StatusOK:
		return nil
	case res.StatusCode == http.StatusBadRequest || res.StatusCode == http.StatusRequestEntityTooLarge:
		return &notify.Error{Permanent: true, NotSent: true, Err: fmt.Errorf("%w (hint: compare the routing key with the integration's page)", reason)}
	case res.StatusCode == http.StatusTooManyRequests:
		// Its documentation asks for a few minutes; a page should not wait for all of them.
		return &notify.Error{NotSent: true, After: notify.RetryAfter(res.Header, c.now(), time.Minute), All: true, Err: reason}
	case res.StatusCode >= 500:
		return &notify.Error{After: notify.RetryAfter(res.Header, c.now(), 0), Err: reason}
	}
	// Anything else (a proxy's 403, a redirect) is not PagerDuty's word on the event.
	return &notify.Error{NotSent: true, After: max(notify.RetryAfter(res.Header, c.now(), 0), 30*time.Second), All: true, Err: reason}
}

// sent says of an error that the sink acted on a part of the notice already.
func sent(err error) error {
	if e, ok := errors.AsType[*notify.Error](err); ok {
		c := *e
		c.NotSent = false
		return &c
	}
	return err
}

// notSent says that a call ended before anything of it could arrive.
func notSent(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &dns) || errors.As(err, &cert) || errors.As(err, &record)
}
