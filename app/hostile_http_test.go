package app

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/notify/slack/slacktest"
)

const (
	hookSecret = "hook-secret-0123456789"
	signingKey = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

// locked is a buffer for a logger of several goroutines.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write takes a line.
func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// everyEndpoint serves all kinds of endpoints, and returns what is logged.
func everyEndpoint(t *testing.T) (s *stand, said *locked) {
	s, said = newStand(t), &locked{}
	chat := slacktest.New()
	t.Cleanup(chat.Close)
	s.cfg.Server.MetricsToken = testToken
	s.cfg.Sources = []config.Source{
		{Name: "in", Push: &config.PushSource{Path: "/in", Tokens: []config.Secret{testToken}, Secrets: []config.Secret{signingKey}}},
		{Name: "topic", SNS: &config.SNSSource{Path: "/sns", Topics: []string{"arn:aws:sns:eu-west-1:111122223333:trail"}}},
		{Name: "bus", EventBridge: &config.EventBridgeSource{Path: "/bus", Keys: []config.Secret{testToken}}},
		{Name: "falco", Falco: &config.FalcoSource{Path: "/falco", Tokens: []config.Secret{testToken}}},
	}
	s.cfg.Sinks[0].GitHub.WebhookPath, s.cfg.Sinks[0].GitHub.WebhookSecret = "/hooks/github", hookSecret
	s.cfg.Sinks[1].PagerDuty.WebhookPath, s.cfg.Sinks[1].PagerDuty.WebhookSecret = "/hooks/pagerduty", []config.Secret{hookSecret}
	s.cfg.Sinks = append(s.cfg.Sinks, config.Sink{Name: "slack", Slack: &config.SlackSink{Token: config.Secret(chat.Token), SigningSecret: hookSecret,
		Path: "/hooks/slack", Channel: "C000000001", URL: chat.API()}})
	serve, err := NewServe(t.Context(), ServeOptions{Config: s.cfg, Log: slog.New(slog.NewJSONHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	s.run(serve)
	return s, said
}

// endpoint is a path, and who may send what.
type endpoint struct {
	name, path string
	good       func(body []byte) http.Header // nil: nobody here can sign
	takes      string                        // a body that is taken with 2xx; "" for none
	refused    int                           // status without a credential
	unlocked   bool                          // a body is judged without a credential
}

func mac(prefix, text string, body []byte) []byte {
	m := hmac.New(sha256.New, []byte(hookSecret))
	_, _ = io.WriteString(m, text)
	_, _ = m.Write(body)
	return []byte(prefix + hex.EncodeToString(m.Sum(nil)))
}

func signedPush(id string, at time.Time) func(body []byte) http.Header {
	return func(body []byte) http.Header {
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(signingKey, "whsec_"))
		m := hmac.New(sha256.New, key)
		fmt.Fprintf(m, "%s.%d.%s", id, at.Unix(), body)
		return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {fmt.Sprint(at.Unix())}, "Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))}}
	}
}

func signedSlack(at time.Time) func(body []byte) http.Header {
	return func(body []byte) http.Header {
		stamp := fmt.Sprint(at.Unix())
		return http.Header{"X-Slack-Request-Timestamp": {stamp}, "X-Slack-Signature": {string(mac("v0=", "v0:"+stamp+":", body))}}
	}
}

func endpoints() []endpoint {
	bearer := func([]byte) http.Header { return http.Header{"Authorization": {"Bearer " + testToken}} }
	return []endpoint{
		{"push with a token", "/in", bearer, `{"a":1}`, 401, false},
		{"push that is signed", "/in", signedPush("msg_1", time.Now()), `{"a":1}`, 401, false},
		{"SNS", "/sns", nil, "", 400, true},
		{"EventBridge", "/bus", func([]byte) http.Header { return http.Header{"X-Api-Key": {testToken}} }, `{"a":1}`, 401, false},
		{"Falco", "/falco", bearer, `{"rule":"r","priority":"Notice","time":"2026-03-02T12:00:00Z","output":"o"}`, 401, false},
		{"GitHub", "/hooks/github", func(b []byte) http.Header {
			return http.Header{"X-Github-Event": {"ping"}, "X-Hub-Signature-256": {string(mac("sha256=", "", b))}}
		}, `{"zen":"x"}`, 401, false},
		{"PagerDuty", "/hooks/pagerduty", func(b []byte) http.Header { return http.Header{"X-Pagerduty-Signature": {string(mac("v1=", "", b))}} },
			`{"event":{"event_type":"pagey.ping"}}`, 403, false},
		{"Slack", "/hooks/slack", signedSlack(time.Now()), `{"type":"url_verification","challenge":"x"}`, 401, false},
	}
}

// raw writes a request as it stands and returns the answer; nil is a connection that ended
// without one.
func (s *stand) raw(request []byte) *http.Response {
	s.t.Helper()
	c, err := net.Dial("tcp", s.serve.Addr())
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(15 * time.Second))
	go func() { _, _ = c.Write(request) }()
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		if nerr, ok := err.(net.Error); ok && nerr.Timeout() {
			s.t.Errorf("no answer to %.100q", request)
		}
		return nil
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r
}

// request is a POST as text; extra are more lines of the header.
func request(path string, h http.Header, body []byte, extra ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n", path)
	_ = h.Write(&b)
	chunked := false
	for _, line := range extra {
		b.WriteString(line + "\r\n")
		chunked = chunked || strings.HasPrefix(line, "Transfer-Encoding:")
	}
	if chunked {
		fmt.Fprintf(&b, "\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	} else {
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	}
	return b.Bytes()
}

func packed(t *testing.T, b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestHostileRequests sends to every endpoint what strangers send, over TCP, and asks for the
// status that says what is wrong.
func TestHostileRequests(t *testing.T) {
	s, said := everyEndpoint(t)
	large, bomb := bytes.Repeat([]byte("x"), 11<<20), packed(t, append([]byte("["), make([]byte, 64<<20)...))
	t.Run("endpoints", func(t *testing.T) {
		for _, e := range endpoints() {
			t.Run(e.name, func(t *testing.T) {
				t.Parallel()
				want := func(what string, r *http.Response, statuses ...int) {
					t.Helper()
					if r == nil {
						t.Errorf("%s: no answer", what)
						return
					}
					if slices.Contains(statuses, r.StatusCode) {
						return
					}
					body, _ := io.ReadAll(r.Body)
					t.Errorf("%s: %d %.100s, want %d", what, r.StatusCode, body, statuses)
				}
				want("no credential", s.raw(request(e.path, nil, []byte(`{"a":1}`))), e.refused)
				if !e.unlocked {
					// The rest of the body never comes, and the answer is there.
					whole := request(e.path, nil, make([]byte, 1000))
					want("no credential, and slow", s.raw(whole[:len(whole)-10]), e.refused)
				}
				good := e.good
				if good == nil {
					good = func([]byte) http.Header { return nil }
				}
				if e.takes != "" {
					body := []byte(e.takes)
					want("well", s.raw(request(e.path, good(body), body)), 200, 202)
					h := good(body)
					for k, v := range h {
						switch k {
						case "Webhook-Id", "Webhook-Timestamp", "X-Slack-Request-Timestamp", "X-Github-Event":
						default:
							last := len(v[0]) - 4
							h[k] = []string{v[0][:last] + map[bool]string{true: "bbbb", false: "aaaa"}[v[0][last:] == "aaaa"]}
						}
					}
					want("a wrong credential", s.raw(request(e.path, h, body)), e.refused)
				}
				want("too large, and said so", s.raw(request(e.path, good(large), large)), 413)
				want("too large in chunks", s.raw(request(e.path, good(large), large, "Transfer-Encoding: chunked")), 413)
				want("a bomb", s.raw(request(e.path, good(bomb), bomb, "Content-Encoding: gzip")), 413, 415)
				broken := []byte("\x1f\x8b\x08\x00broken")
				want("no gzip", s.raw(request(e.path, good(broken), broken, "Content-Encoding: gzip")), 400, 415)
				for what, body := range map[string]string{"deep": strings.Repeat(`{"a":`, 50_000), "empty": "", "binary": "\x00\xff\xfe", "open": `{"a":`} {
					if r := s.raw(request(e.path, good([]byte(body)), []byte(body))); r == nil || r.StatusCode >= 500 {
						t.Errorf("%s: %+v", what, r)
					}
				}
				text := []byte("a=b")
				page := bytes.Replace(request(e.path, good(text), text), []byte("application/json"), []byte("text/html"), 1)
				want("a page", s.raw(page), 415)
				want("a method", s.raw(append([]byte("DELETE"), request(e.path, good(text), text)[4:]...)), 405)
				want("a large header", s.raw(request(e.path, good(text), text, "X-A: "+strings.Repeat("x", 70_000))), 431)
				want("two lengths", s.raw(request(e.path, good(text), text, "Content-Length: 7")), 400)
				want("version 9", s.raw(bytes.Replace(request(e.path, good(text), text), []byte("HTTP/1.1"), []byte("HTTP/9.9"), 1)), 505)
				if r := s.raw(bytes.Replace(request(e.path, good(text), text), []byte("HTTP/1.1"), []byte("HTTP/1.0"), 1)); r == nil || r.StatusCode >= 500 {
					t.Errorf("version 1.0: %+v", r)
				}
				if r := s.raw(append(request(e.path, good(text), text), "\x16\x03\x01garbage \r\n\r\n"...)); r == nil || r.StatusCode >= 500 {
					t.Errorf("garbage behind it: %+v", r)
				}
			})
		}
	})

	old, one := time.Now().Add(-6*time.Minute), []byte(`{"a":1}`)
	for _, c := range []struct {
		what, path string
		h          http.Header
		want       int
	}{
		{"push of six minutes ago", "/in", signedPush("msg_2", old)(one), 401},
		{"push of the future", "/in", signedPush("msg_2", time.Now().Add(6*time.Minute))(one), 401},
		{"Slack of six minutes ago", "/hooks/slack", signedSlack(old)(one), 401},
	} {
		if r := s.raw(request(c.path, c.h, one)); r == nil || r.StatusCode != c.want {
			t.Errorf("%s: %+v", c.what, r)
		}
	}
	// What came before is known, and done once: a sender that missed the answer comes again.
	body := []byte(`{"once":1}`)
	again := request("/in", signedPush("msg_3", time.Now())(body), body)
	for _, want := range []string{"stored", "known"} {
		r := s.raw(again)
		if r == nil {
			t.Fatal("no answer")
		}
		if b, _ := io.ReadAll(r.Body); r.StatusCode != 200 || !strings.Contains(string(b), want) {
			t.Errorf("%d %s, want %s", r.StatusCode, b, want)
		}
	}
	body = []byte(`{"type":"url_verification","challenge":"y"}`)
	again = request("/hooks/slack", signedSlack(time.Now())(body), body)
	for _, want := range []int{200, 409} {
		if r := s.raw(again); r == nil || r.StatusCode != want {
			t.Errorf("Slack, again: %+v, want %d", r, want)
		}
	}

	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 401, "/in/%2e%2e/%2e%2e/etc/passwd": 200} {
		r := s.raw([]byte("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"))
		if r == nil || r.StatusCode != want {
			t.Errorf("GET %s: %+v, want %d", path, r, want)
			continue
		}
		if b, _ := io.ReadAll(r.Body); len(b) > 200 || bytes.Contains(b, []byte("111122223333")) || bytes.Contains(b, []byte("trail")) {
			t.Errorf("GET %s tells a stranger %s", path, b)
		}
	}
	// Where nothing else is, there is the console's document, which is the same for everybody.
	for _, path := range []string{"/", "/debug/pprof/"} {
		r := s.raw([]byte("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"))
		if r == nil || r.StatusCode != 200 {
			t.Errorf("GET %s: %+v", path, r)
			continue
		}
		if b, _ := io.ReadAll(r.Body); len(b) > 4<<10 || !bytes.Contains(b, []byte(`<div id="root">`)) {
			t.Errorf("GET %s tells a stranger %.300s", path, b)
		}
	}
	s.stop()
	text := said.b.String()
	for _, secret := range []string{testToken, hookSecret, signingKey, testRouting, "ghp_secret0123456789", "url_verification"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log shows %q", secret)
		}
	}
	if strings.Contains(text, "panic") {
		t.Errorf("a handler panicked: %s", text)
	}
}

// TestReadiness: however many ask, the store is asked once a second.
func TestReadiness(t *testing.T) {
	var r readiness
	at, asked := time.Unix(0, 0), 0
	for range 50 {
		if !r.look(func() time.Time { return at }, func() bool { asked++; return true }) {
			t.Fatal("not ready")
		}
		at = at.Add(100 * time.Millisecond)
	}
	if asked != 5 {
		t.Errorf("asked %d times in 5 s", asked)
	}
	at = at.Add(time.Second)
	if r.look(func() time.Time { return at }, func() bool { return false }) {
		t.Error("ready, as it was before")
	}
}
