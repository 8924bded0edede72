package blob

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// TokenSource gives out a bearer token and says when it ends.
type TokenSource func(ctx context.Context) (token string, ends time.Time, err error)

// HTTPOptions are common to Google Cloud Storage and Azure, which are spoken to in HTTP.
type HTTPOptions struct {
	Token    TokenSource  // nil: none
	Endpoint string       // "" is the service's own
	Client   *http.Client // nil: one that follows no redirects
	Now      func() time.Time
	Retry    Retry
}

func (o *HTTPOptions) complete(service string) (*url.URL, error) {
	if o.Endpoint == "" {
		o.Endpoint = service
	}
	u, err := url.Parse(strings.TrimSuffix(o.Endpoint, "/"))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("blob: endpoint %q is not a URL (hint: https://host)", o.Endpoint)
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, fmt.Errorf("blob: endpoint %q: a token would travel in the clear (hint: https)", o.Endpoint)
	}
	if o.Client == nil {
		t := http.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck,forcetypeassert // it is one
		t.DisableCompression = true                          // bytes as they are stored
		t.MaxIdleConnsPerHost = 16
		o.Client = &http.Client{Transport: t}
	}
	c := *o.Client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.Client = &c
	if o.Now == nil {
		o.Now = time.Now
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// caller makes requests with a token.
type caller struct {
	o    HTTPOptions
	base *url.URL

	mu    sync.Mutex
	token string
	ends  time.Time
}

// bearer is a token that lasts for another minute at least, and whether it was asked for
// just now.
func (c *caller) bearer(ctx context.Context) (string, bool, error) {
	if c.o.Token == nil {
		return "", true, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != "" && c.o.Now().Add(time.Minute).Before(c.ends) {
		return c.token, false, nil
	}
	token, ends, err := c.o.Token(ctx)
	if err != nil {
		return "", true, fmt.Errorf("access token: %w", err)
	}
	if token == "" || strings.ContainsAny(token, "\r\n") {
		return "", true, errors.New("access token: there is none")
	}
	c.token, c.ends = token, ends
	return token, true, nil
}

// forget drops a token that the service does not take any more.
func (c *caller) forget(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == token {
		c.token = ""
	}
}

// request is one request; path is escaped already.
type request struct {
	method, path string
	query        url.Values
	header       http.Header
	body         io.Reader
	size         int64
}

// do makes a request. An answer that is no success is a *statusError.
func (c *caller) do(ctx context.Context, q request) (*http.Response, error) {
	token, fresh, err := c.bearer(ctx)
	if err != nil {
		return nil, err
	}
	address := c.base.String() + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, q.method, address, nil)
	if err != nil {
		return nil, errors.New("the address of the request cannot be made")
	}
	if q.body != nil {
		if r.ContentLength = q.size; q.size == 0 {
			r.Body = http.NoBody
		} else {
			r.Body = io.NopCloser(q.body)
		}
	}
	maps.Copy(r.Header, q.header)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.o.Client.Do(r)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // the address may hold a signature
		}
		return nil, err
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(resp.Body, 16<<10))
	if err != nil {
		text = nil // the status is what counts
	}
	s := &statusError{status: resp.StatusCode, after: retryAfter(resp.Header.Get("Retry-After"))}
	if resp.StatusCode == http.StatusUnauthorized {
		c.forget(token)
		s.anew = !fresh
	}
	s.code, s.text = errorText(text)
	if code := resp.Header.Get("X-Ms-Error-Code"); code != "" {
		s.code = clip(code)
	}
	return nil, s
}

// errorText takes code and message out of an answer of Google or Azure.
func errorText(data []byte) (code, text string) {
	var g struct {
		Error struct {
			Message string
			Errors  []struct{ Reason string }
		}
	}
	if json.Unmarshal(data, &g) == nil && g.Error.Message != "" {
		if len(g.Error.Errors) > 0 {
			code = g.Error.Errors[0].Reason
		}
		return clip(code), clip(g.Error.Message)
	}
	var a struct{ Code, Message string }
	if xml.Unmarshal(data, &a) == nil {
		return clip(a.Code), clip(a.Message)
	}
	return "", ""
}

// call makes a request and reads its short answer as JSON into out (nil: none is wanted).
func (c *caller) call(ctx context.Context, q request, out any) (http.Header, error) {
	resp, err := c.do(ctx, q)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxAnswer {
		return nil, fmt.Errorf("%w: more than %d MB", errLied, maxAnswer>>20)
	}
	switch out := out.(type) {
	case nil:
	case *azureList:
		err = xml.Unmarshal(data, out)
	default:
		err = json.Unmarshal(data, out)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errLied, err)
	}
	return resp.Header, nil
}

// maxAnswer bounds a listing: 1000 objects with names of 1 KB and what is said of each.
const maxAnswer = 16 << 20
