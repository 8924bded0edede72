package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/notify"
)

// call is one request to the API.
type call struct {
	method string
	path   string // below the base URL
	query  url.Values
	url    string // whole, instead of path: a page or a redirect of GitHub's own
	body   any
	repo   string // that it is about, for the credential
	// content says that it creates something, which GitHub counts apart.
	content bool
	// safe says that doing it twice is no harm.
	safe bool
	// background is a read of the reconciler: it waits for budgets and leaves some over.
	background bool
	app        *appAuth // the request is signed by the App itself
	header     *http.Header
}

// maxAnswer is the most bytes of an answer that are read: a page of a hundred issues with
// bodies of the greatest length.
const maxAnswer = 64 << 20

// apiError is an answer that is none of success.
type apiError struct {
	method, path string
	status       int
	message      string
	errors       []fieldError
	location     string // of a redirect
	after        time.Duration
}

type fieldError struct {
	Resource, Field, Code, Message string
}

func (e *apiError) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s: %d", e.method, e.path, e.status)
	if e.message != "" {
		s.WriteString(" " + e.message)
	}
	for _, f := range e.errors {
		fmt.Fprintf(&s, " (%s.%s %s %s)", f.Resource, f.Field, f.Code, f.Message)
	}
	return s.String()
}

// broken is a request without an answer.
type broken struct {
	call call
	sent bool // it may have reached GitHub
	err  error
}

func (b *broken) Error() string { return b.call.method + " " + b.call.path + ": " + b.err.Error() }
func (b *broken) Unwrap() error { return b.err }

// limitWords says whether a message speaks of a limit. GitHub words its secondary limits in
// several ways and gives them no code.
func limitWords(m string) bool {
	m = strings.ToLower(m)
	return strings.Contains(m, "rate limit") || strings.Contains(m, "abuse detection") || strings.Contains(m, "submitted too quickly")
}

// do sends a request and reads the answer into out.
func (s *Sink) do(ctx context.Context, c call, out any) error {
	err := s.send(ctx, c, out)
	var e *apiError
	if errors.As(err, &e) && e.status == http.StatusUnauthorized && c.app == nil && s.auth.refused(c.repo) {
		err = s.send(ctx, c, out)
	}
	return err
}

func (s *Sink) send(ctx context.Context, c call, out any) error {
	if err := ctx.Err(); err != nil {
		return &broken{call: c, err: err}
	}
	var credential string
	var err error
	if c.app != nil {
		if credential, err = c.app.jwt(s.o.Now()); err == nil {
			credential = "Bearer " + credential
		}
	} else {
		credential, err = s.auth.header(ctx, s, c.repo)
	}
	if err != nil {
		return err
	}
	for {
		err := s.limits.take(c.method, c.content, c.background)
		var wait *limited
		if !errors.As(err, &wait) {
			break
		}
		if !c.background || wait.after > time.Minute {
			return err
		}
		if err := s.o.Pause(ctx, wait.after); err != nil {
			return &broken{call: c, err: err}
		}
	}
	target := c.url
	if target == "" {
		target = s.base.String() + c.path
		if len(c.query) > 0 {
			target += "?" + c.query.Encode()
		}
	}
	var body io.Reader
	if c.body != nil {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(c.body); err != nil {
			return notify.Permanent("%s %s: %w", c.method, c.path, err)
		}
		body = &buf
	}
	connected := false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected = true }})
	req, err := http.NewRequestWithContext(ctx, c.method, target, body)
	if err != nil {
		return notify.Permanent("%s %s: %w", c.method, c.path, err)
	}
	req.Header.Set("Authorization", credential)
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	req.Header.Set("User-Agent", "yagura")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.http.Do(req)
	if err != nil {
		// The URL is of our making; what url.Error adds is known, and a cause is what counts.
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return &broken{call: c, sent: connected, err: err}
	}
	defer resp.Body.Close() //nolint:errcheck // it is only read
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(data) > maxAnswer {
		err = fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	return s.read(c, resp, data, err, out)
}

// read judges an answer.
func (s *Sink) read(c call, resp *http.Response, data []byte, broke error, out any) error {
	if c.header != nil {
		*c.header = resp.Header
	}
	e := &apiError{method: c.method, path: c.path, status: resp.StatusCode}
	if resp.StatusCode >= 300 {
		var m struct {
			Message string
			Errors  json.RawMessage
		}
		if json.Unmarshal(data, &m) == nil {
			e.message = notify.Words(notify.English).Cut(notify.Line(notify.Mask(m.Message)), 300)
			var list []fieldError
			if json.Unmarshal(m.Errors, &list) == nil {
				e.errors = list[:min(len(list), 10)]
				for i := range e.errors {
					e.errors[i].Message = notify.Words(notify.English).Cut(notify.Line(notify.Mask(e.errors[i].Message)), 200)
				}
			} else {
				var texts []string
				if json.Unmarshal(m.Errors, &texts) == nil && len(texts) > 0 {
					e.errors = []fieldError{{Message: notify.Words(notify.English).Cut(notify.Line(notify.Mask(strings.Join(texts, "; "))), 200)}}
				}
			}
		}
	}
	var words strings.Builder
	words.WriteString(e.message)
	for _, f := range e.errors {
		words.WriteString(" " + f.Message)
	}
	if err := s.limits.answered(c.method, resp.StatusCode, resp.Header, words.String()); err != nil {
		return err
	}
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		e.location = resp.Header.Get("Location")
		return e
	case resp.StatusCode >= 400:
		e.after, _ = retryAfter(resp.Header, s.o.Now())
		return e
	case broke != nil:
		return &broken{call: c, sent: true, err: fmt.Errorf("read the answer: %w", broke)}
	}
	if out == nil || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return &broken{call: c, sent: true, err: fmt.Errorf("the answer is no JSON that is expected: %w", err)}
	}
	return nil
}

// follow repeats a read where GitHub says that the thing is now, on the same host only.
func (s *Sink) follow(ctx context.Context, c call, out any) error {
	err := s.do(ctx, c, out)
	for range 3 {
		var e *apiError
		if !errors.As(err, &e) || e.location == "" {
			return err
		}
		next, perr := s.base.Parse(e.location)
		if perr != nil || next.Host != s.base.Host || next.Scheme != s.base.Scheme {
			return notify.Permanent("%s %s: moved to another host", c.method, c.path)
		}
		c.url = next.String()
		err = s.do(ctx, c, out)
	}
	return err
}

// pages reads a list page by page until each returns false.
func pages[T any](ctx context.Context, s *Sink, c call, each func([]T) (more bool, err error)) error {
	for range 1000 {
		var head http.Header
		c.header = &head
		var list []T
		if err := s.follow(ctx, c, &list); err != nil {
			return err
		}
		more, err := each(list)
		if err != nil || !more {
			return err
		}
		next := link(head, "next")
		if next == "" {
			return nil
		}
		u, err := s.base.Parse(next)
		if err != nil || u.Host != s.base.Host || u.Scheme != s.base.Scheme {
			return notify.Permanent("GET %s: the next page is on another host", c.path)
		}
		c.url = u.String()
	}
	return fmt.Errorf("GET %s: more than 1000 pages", c.path)
}

// link returns the URL of one relation of a Link header.
func link(h http.Header, rel string) string {
	for _, line := range h.Values("Link") {
		for part := range strings.SplitSeq(line, ",") {
			target, params, ok := strings.Cut(strings.TrimSpace(part), ">")
			if ok && strings.HasPrefix(target, "<") && strings.Contains(params, `rel="`+rel+`"`) {
				return target[1:]
			}
		}
	}
	return ""
}

// verdict turns what went wrong into what it means for the next attempt; uncertain says that
// an earlier attempt ended without an answer.
func verdict(err error, uncertain bool) *notify.Error {
	out := &notify.Error{Err: fmt.Errorf("github: %w", err)}
	var (
		done *notify.Error
		lim  *limited
		api  *apiError
		brk  *broken
	)
	switch {
	case errors.As(err, &done):
		out.Permanent, out.NotSent, out.After, out.All = done.Permanent, done.NotSent, done.After, done.All
	case errors.As(err, &lim):
		out.NotSent, out.After, out.All = true, lim.after, true
	case errors.As(err, &brk):
		out.NotSent = !brk.sent || brk.call.method == http.MethodGet || brk.call.safe
	case errors.As(err, &api):
		out.After = api.after
		switch {
		case api.status == http.StatusUnauthorized:
			out.NotSent, out.All, out.After = true, true, max(out.After, 5*time.Minute)
			out.Err = fmt.Errorf("github: the credential is not taken (hint: is it expired or revoked, is the clock right?): %w", err)
		case strings.Contains(strings.ToLower(api.message), "archived"):
			out.Permanent = true
			out.Err = fmt.Errorf("github: the repository is archived (hint: unarchive it or name another): %w", err)
		case strings.Contains(strings.ToLower(api.message), "locked"):
			out.Permanent = true
			out.Err = fmt.Errorf("github: the issue is locked (hint: unlock it, or give the credential write permission): %w", err)
		case api.status == http.StatusForbidden, api.status == http.StatusNotFound:
			// Somebody can give the permission back; until then nothing is lost.
			out.NotSent, out.After = true, max(out.After, 10*time.Minute)
			out.Err = fmt.Errorf("github: not there or not permitted (hint: Issues: read and write for this repository): %w", err)
		case api.status == http.StatusGone:
			out.Permanent = true
			out.Err = fmt.Errorf("github: gone (hint: are issues switched off in this repository?): %w", err)
		case api.status == http.StatusUnprocessableEntity, api.status == http.StatusBadRequest, api.status == http.StatusRequestEntityTooLarge:
			out.Permanent = true
		case api.status >= 500, api.status == http.StatusRequestTimeout, api.status == http.StatusConflict:
			out.NotSent = api.method == http.MethodGet
		case api.location != "":
			out.NotSent, out.After = true, time.Minute
		default:
			out.Permanent = api.status < 500
		}
	}
	// What an earlier attempt left open stays open, though this one sent nothing.
	if uncertain || out.Permanent {
		out.NotSent = false
	}
	return out
}
