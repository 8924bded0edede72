package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// Sink is a [notify.Sink].
type Sink struct {
	o         Options
	client    *http.Client
	target    string // scheme and host, for people
	signers   []signer
	templates *notify.Templates
	hide      *strings.Replacer
}

var _ notify.Sink = (*Sink)(nil)

// New makes a sink. It calls nobody; a template is read and tried.
func New(o Options) (*Sink, error) {
	wrap := func(err error) error { return fmt.Errorf("webhook %s: %w", o.Name, err) }
	u, err := o.check()
	if err != nil {
		return nil, wrap(err)
	}
	t, err := o.transport()
	if err != nil {
		return nil, wrap(err)
	}
	s := &Sink{o: o, target: u.Scheme + "://" + u.Host,
		client: &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	for i, k := range o.Keys {
		sg, err := newSigner(k)
		if err != nil {
			return nil, wrap(fmt.Errorf("key %d: %w", i+1, err))
		}
		s.signers = append(s.signers, sg)
	}
	var pairs []string
	for _, secret := range o.secrets() {
		pairs = append(pairs, secret, "***")
	}
	s.hide = strings.NewReplacer(pairs...)
	if o.Format == Template {
		if err := s.load(); err != nil {
			return nil, wrap(err)
		}
	}
	return s, nil
}

// Name is the sink's name in the configuration.
func (s *Sink) Name() string { return s.o.Name }

// Kind is "webhook", or "falcosidekick" where that is what it posts.
func (s *Sink) Kind() string {
	if s.o.Format == Falcosidekick {
		return Falcosidekick
	}
	return "webhook"
}

// Close ends idle connections.
func (s *Sink) Close() { s.client.CloseIdleConnections() }

// Deliver posts a notice once.
func (s *Sink) Deliver(ctx context.Context, n *yagura.Notice) (yagura.Receipt, error) {
	if n.ID == "" || strings.Contains(n.ID, ".") || !httpguts.ValidHeaderFieldValue(n.ID) {
		return yagura.Receipt{}, notify.Permanent("webhook %s: the id of the notice cannot be signed", s.o.Name)
	}
	body, contentType, err := s.body(n)
	if err == nil && len(body) > s.o.MaxBody {
		err = fmt.Errorf("the body has %d bytes, and %d are allowed", len(body), s.o.MaxBody)
	}
	if err != nil {
		return yagura.Receipt{}, notify.Permanent("webhook %s: notice %s: %w", s.o.Name, n.ID, err)
	}
	status, err := s.post(ctx, n.ID, contentType, body)
	if err != nil {
		return yagura.Receipt{}, err
	}
	r := yagura.Receipt{Detail: fmt.Sprintf("%s answered %d", s.target, status)}
	if n.Uncertain {
		r.Doubled, r.Detail = true, r.Detail+"; it may have an earlier attempt too"
	}
	return r, nil
}

// answerBytes is as much of an answer as is read.
const answerBytes = 64 << 10

func (s *Sink) post(ctx context.Context, id, contentType string, body []byte) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	var sent atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	req, err := http.NewRequestWithContext(traced, http.MethodPost, s.o.URL, bytes.NewReader(body))
	if err != nil {
		return 0, notify.Permanent("webhook %s: %w", s.o.Name, s.bare(err))
	}
	for name, value := range s.o.Headers {
		if http.CanonicalHeaderKey(name) == "Host" {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	now := s.o.Now()
	timestamp, signatures := sign(s.signers, id, now, body)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("User-Agent", Marker+"/"+s.o.Version)
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", timestamp)
	if signatures != "" {
		req.Header.Set("webhook-signature", signatures)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, &notify.Error{NotSent: !sent.Load(), All: !sent.Load(), Err: fmt.Errorf("webhook %s: %s: %w", s.o.Name, s.target, s.bare(err))}
	}
	defer resp.Body.Close() //nolint:errcheck // nothing depends on it
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, answerBytes))
	return resp.StatusCode, s.judge(resp, answer, now)
}

// judge says what an answer means; nil is that the endpoint has the notice.
func (s *Sink) judge(resp *http.Response, answer []byte, now time.Time) error {
	code := resp.StatusCode
	if code >= 200 && code < 300 {
		return nil
	}
	e := &notify.Error{After: notify.RetryAfter(resp.Header, now, 0)}
	hint := ""
	switch {
	case code == http.StatusTooManyRequests:
		e.NotSent, e.All = true, true
		e.After = max(e.After, time.Second)
	case code == http.StatusRequestTimeout || code >= 500:
		e.All = e.After > 0
	case code == http.StatusTooEarly:
		e.NotSent = true
	case code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusProxyAuthRequired:
		// About us and not about the notice: people have to give the permission.
		e.NotSent, e.All, e.After = true, true, max(e.After, 5*time.Minute)
		hint = " (hint: are the headers, the keys and the client certificate those that it wants?)"
	case code == http.StatusFound || code == http.StatusSeeOther || code == http.StatusTemporaryRedirect || code < 200:
		e.NotSent, e.All, e.After = true, true, max(e.After, time.Minute)
		hint = " (hint: redirects are not followed)"
	case code < 400:
		e.Permanent, e.NotSent = true, true
		hint = " (hint: redirects are not followed: set url to where it moved)"
	case code == http.StatusGone:
		e.Permanent, e.NotSent = true, true
		hint = " (hint: the endpoint wants no more; take the sink out of the configuration)"
	default:
		e.Permanent, e.NotSent = true, true
	}
	said := notify.Words(s.o.Lang).Cut(notify.Line(notify.Mask(s.hide.Replace(string(answer)))), 300)
	if said != "" {
		said = ": " + said
	}
	e.Err = fmt.Errorf("webhook %s: %s answered %d%s%s", s.o.Name, s.target, code, said, hint)
	return e
}

// bare is an error of the client without the URL.
func (s *Sink) bare(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	return hidden{err, s.hide.Replace(err.Error())}
}

// hidden is an error whose text shows no secrets.
type hidden struct {
	err  error
	text string
}

// Error returns the text.
func (h hidden) Error() string { return h.text }

// Unwrap returns the error itself, for errors.Is.
func (h hidden) Unwrap() error { return h.err }

// Test connects to the endpoint, with TLS where it is https, and sends nothing: whatever
// was posted would tell somebody.
func (s *Sink) Test(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	t := s.client.Transport.(*http.Transport)
	if t.Proxy != nil {
		return nil // a connection to the proxy says nothing about the endpoint
	}
	u, err := url.Parse(s.o.URL)
	if err != nil {
		return s.bare(err)
	}
	return s.connect(ctx, t, u)
}
