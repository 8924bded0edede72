package secret

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds an answer; a value of 64 KB in base64 within JSON fits well.
const maxAnswer = 512 << 10

// client makes a client. direct is for metadata services, which no proxy can reach.
func (r *Resolver) client(direct bool, config *tls.Config) *http.Client {
	if r.o.Client != nil {
		c := *r.o.Client
		c.CheckRedirect = stay
		return &c
	}
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second, ForceAttemptHTTP2: true, DisableKeepAlives: true, TLSClientConfig: config}
	if direct {
		t.Proxy = nil
		t.DialContext = (&net.Dialer{Timeout: 2 * time.Second}).DialContext
	}
	if config == nil {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: t, CheckRedirect: stay}
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// answerError is an answer that is not 2xx.
type answerError struct {
	status int
	text   string // what the service said, bounded
}

// Error says what was answered.
func (a *answerError) Error() string {
	if a.text == "" {
		return fmt.Sprintf("the answer is %d", a.status)
	}
	return fmt.Sprintf("the answer is %d: %s", a.status, a.text)
}

func status(err error) int {
	if a := (*answerError)(nil); errors.As(err, &a) {
		return a.status
	}
	return 0
}

// call makes one request, again when it fails in a way that passes, and reads JSON into
// into. Errors show no URL, no header and nothing of a good answer.
func (r *Resolver) call(ctx context.Context, c *http.Client, method, address string, header http.Header, body []byte, into any) error {
	var err error
	for try, wait := 0, r.o.Backoff; try < 3; try, wait = try+1, wait*3 {
		if try > 0 {
			t := time.NewTimer(wait)
			select {
			case <-t.C:
			case <-ctx.Done():
				t.Stop()
				return fmt.Errorf("%w; then %w", err, ctx.Err())
			}
		}
		if err = once(ctx, c, method, address, header, body, into); err == nil || !passing(err) {
			return err
		}
	}
	return err
}

// passing says whether an error may be gone the next time.
func passing(err error) bool {
	if s := status(err); s != 0 {
		return s == http.StatusTooManyRequests || s >= 500 || s == http.StatusRequestTimeout
	}
	if errors.Is(err, errAnswer) {
		return false
	}
	return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// errAnswer is in the error of a good answer that cannot be read.
var errAnswer = errors.New("the answer cannot be read")

func once(ctx context.Context, c *http.Client, method, address string, header http.Header, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address cannot be used")
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Accept", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err
		}
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it is only read
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return err
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return &answerError{resp.StatusCode, said(data)}
	case len(data) > maxAnswer:
		return fmt.Errorf("%w: it is larger than %d KB", errAnswer, maxAnswer>>10)
	case json.Unmarshal(data, into) != nil: // its error may quote the value
		return fmt.Errorf("%w: it is not the JSON that was expected", errAnswer)
	}
	return nil
}

// said takes the reason out of an answer that is an error, as Google, Azure, Entra and
// Vault write it. Of anything else nothing is shown.
func said(data []byte) string {
	var e struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
		Errors      []string        `json:"errors"`
	}
	if json.Unmarshal(data, &e) != nil {
		return ""
	}
	var object struct {
		Code    any    `json:"code"`
		Status  string `json:"status"`
		Message string `json:"message"`
	}
	var text string
	switch {
	case len(e.Errors) > 0:
		text = strings.Join(e.Errors, "; ")
	case json.Unmarshal(e.Error, &object) == nil && object.Message != "":
		text = object.Message
	case json.Unmarshal(e.Error, &text) == nil && e.Description != "":
		text += ": " + e.Description
	}
	text, _, _ = strings.Cut(text, "\n")
	return visible(strings.TrimSpace(text))
}

// hinted adds to an error what a person can do about it.
func hinted(err error, hint string) error { return fmt.Errorf("%w (hint: %s)", err, hint) }

func form(pairs ...string) []byte {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return []byte(v.Encode())
}

var formType = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}

// got is a variable of the environment, "" where it is not set.
func (r *Resolver) got(name string) string {
	v, _ := r.o.Env(name)
	return v
}

// gotSecret is one that may stand in a file, named by NAME_FILE.
func (r *Resolver) gotSecret(name string) (string, error) {
	if v := r.got(name); v != "" {
		return v, nil
	}
	file := r.got(name + "_FILE")
	if file == "" {
		return "", nil
	}
	v, err := readFile(file)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	return v, nil
}
