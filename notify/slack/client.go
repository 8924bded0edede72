package slack

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
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/yagura-sec/yagura/notify"
)

const (
	maxAnswer = 16 << 20 // bytes of one answer: 200 messages with blocks
	maxPages  = 500
	pageSize  = "200"
)

// client calls the Web API. It waits for its turn in a channel, believes Retry-After per
// method and channel, and sorts every outcome into a [notify.Error].
type client struct {
	o    Options
	http *http.Client
	turn *turns

	mu sync.Mutex
	me *self
}

func newClient(o Options) *client {
	hc := http.Client{Timeout: 30 * time.Second}
	if o.HTTP != nil {
		hc = *o.HTTP
	}
	// The token is in a header: nobody else gets it.
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{o: o, http: &hc, turn: newTurns(o.Every, o.Now)}
}

// paged is what answers with pages have in common.
type paged struct {
	Meta struct {
		Cursor string `json:"next_cursor"`
	} `json:"response_metadata"`
}

func (p *paged) next() string { return p.Meta.Cursor }

// answer is what all answers have in common.
type answer struct {
	OK       bool   `json:"ok"`
	Error    string `json:"error"`
	Needed   string `json:"needed"`
	Provided string `json:"provided"`
	Meta     struct {
		Messages []string `json:"messages"`
	} `json:"response_metadata"`
}

// write calls a method that takes JSON, with the bot's token, when it is channel's turn.
func (c *client) write(ctx context.Context, method, channel string, args, out any) error {
	body := encode(args)
	if channel != "" && (method == "chat.postMessage" || method == "chat.update") {
		if err := c.turn.wait(ctx, channel); err != nil {
			return err
		}
	}
	_, err := c.call(ctx, method, channel, c.o.Token, "application/json; charset=utf-8", body, out)
	return err
}

// read calls a method that takes a form.
func (c *client) read(ctx context.Context, method, channel string, args url.Values, out any) error {
	_, err := c.call(ctx, method, channel, c.o.Token, "application/x-www-form-urlencoded", []byte(args.Encode()), out)
	return err
}

// encode writes JSON as Slack wants it: its own &lt; stay as they are.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// What is encoded here are maps, strings and numbers of our own.
	_ = enc.Encode(v)
	return b.Bytes()
}

func (c *client) call(ctx context.Context, method, channel, token, contentType string, body []byte, out any) (http.Header, error) {
	if wait := c.turn.blocked(method, channel); wait > 0 {
		return nil, &notify.Error{NotSent: true, After: wait, Err: fmt.Errorf("slack: %s: Slack asked to wait for %s", method, wait.Round(time.Second))}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.o.API+method, bytes.NewReader(body))
	if err != nil {
		return nil, notify.Permanent("slack: %s: %w", method, err)
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("User-Agent", "yagura")
	res, err := c.http.Do(req)
	if err != nil {
		return nil, &notify.Error{NotSent: notSent(err), Err: fmt.Errorf("slack: %s: %w", method, err)}
	}
	defer func() { _ = res.Body.Close() }()
	after := notify.RetryAfter(res.Header, c.o.Now(), 0)
	switch {
	case res.StatusCode == http.StatusTooManyRequests:
		return nil, c.limited(method, channel, after)
	case res.StatusCode >= 500:
		return nil, &notify.Error{After: after, Err: fmt.Errorf("slack: %s: %s", method, res.Status)}
	case res.StatusCode != http.StatusOK:
		// Slack itself answers with 200; this is a proxy's word, and it may change its mind.
		return nil, &notify.Error{NotSent: res.StatusCode != http.StatusRequestTimeout, After: max(after, 30*time.Second), All: true, Err: fmt.Errorf("slack: %s: %s", method, res.Status)}
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, &notify.Error{Err: fmt.Errorf("slack: %s: answer: %w", method, err)}
	}
	if len(text) > maxAnswer {
		return nil, &notify.Error{Err: fmt.Errorf("slack: %s: the answer has more than %d bytes", method, maxAnswer)}
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, &notify.Error{Err: fmt.Errorf("slack: %s: answer: %w", method, err)}
	}
	if !a.OK {
		if a.Error == "ratelimited" || a.Error == "rate_limited" {
			return nil, c.limited(method, channel, after)
		}
		return nil, refused(method, channel, &a)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			return nil, &notify.Error{Err: fmt.Errorf("slack: %s: answer: %w", method, err)}
		}
	}
	return res.Header, nil
}

// limited remembers a limit: Slack counts messages per channel, other methods per workspace.
func (c *client) limited(method, channel string, after time.Duration) error {
	if after == 0 {
		after = 30 * time.Second
	}
	if method != "chat.postMessage" {
		channel = ""
	}
	c.turn.block(method, channel, after)
	return &notify.Error{NotSent: true, After: after, All: true, Err: fmt.Errorf("slack: %s: too many calls, wait for %s", method, after)}
}

// whoami asks once who the bot is.
func (c *client) whoami(ctx context.Context) (self, error) {
	c.mu.Lock()
	if c.me != nil {
		defer c.mu.Unlock()
		return *c.me, nil
	}
	c.mu.Unlock()
	me, _, err := c.authTest(ctx)
	if err != nil {
		return self{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.me = &me
	return me, nil
}

func (c *client) authTest(ctx context.Context) (me self, scopes []string, err error) {
	h, err := c.call(ctx, "auth.test", "", c.o.Token, "application/x-www-form-urlencoded", nil, &me)
	if err != nil {
		return self{}, nil, err
	}
	for scope := range strings.SplitSeq(h.Get("X-OAuth-Scopes"), ",") {
		if scope = strings.TrimSpace(scope); scope != "" {
			scopes = append(scopes, scope)
		}
	}
	return me, scopes, nil
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
