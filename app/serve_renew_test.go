package app

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/notify"
)

// TestRenewSecrets: a reload resolves secrets again. A sink and what is asked of metrics have
// the new ones at once; what needs a restart is said, and no value is.
func TestRenewSecrets(t *testing.T) {
	dir := t.TempDir()
	put := func(name, value string) config.Secret {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return config.Secret("ref+file://" + path)
	}
	s := newStand(t)
	s.cfg.Sinks[0].GitHub.Token = put("github", "ghp_nobodyknows00000")
	s.cfg.Server.MetricsToken = put("metrics", "metrics-of-before")
	s.cfg.Sources[0].Push.Tokens = []config.Secret{put("push", "fedcba9876543210fedcba9876543210")}
	s.cfg.S3.SecretAccessKey = put("s3", "s3-key-of-before")
	var logged bytes.Buffer
	serve, err := NewServe(t.Context(), ServeOptions{Config: s.cfg, Log: slog.New(slog.NewTextHandler(&logged, nil))})
	if err != nil {
		t.Fatal(err)
	}
	s.run(serve)
	metrics := func(token string) int {
		req, err := http.NewRequest(http.MethodGet, "http://"+serve.Addr()+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if a, b := metrics("metrics-of-before"), metrics("metrics-of-now"); a != http.StatusOK || b != http.StatusUnauthorized {
		t.Fatal(a, b)
	}
	put("github", "ghp_secret0123456789")
	put("metrics", "metrics-of-now")
	put("push", testToken)
	put("s3", "s3-key-of-now")
	if err := s.send("{}"); err == nil {
		t.Error("a token is taken that is not there yet")
	}
	if err := serve.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, b := metrics("metrics-of-before"), metrics("metrics-of-now"); a != http.StatusUnauthorized || b != http.StatusOK {
		t.Error(a, b)
	}
	s.post(trail("2026-03-02T12:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`))
	s.settled()
	if n := len(s.gh.Issues("acme/security")); n != 1 {
		t.Errorf("%d issues at GitHub by the new token", n)
	}
	if err := serve.Reload(t.Context()); err != nil { // nothing has changed
		t.Fatal(err)
	}
	// What cannot be resolved refuses the reload, and the secrets stay.
	if err := os.Remove(filepath.Join(dir, "metrics")); err != nil {
		t.Fatal(err)
	}
	if err := serve.Reload(t.Context()); err == nil || metrics("metrics-of-now") != http.StatusOK {
		t.Errorf("a secret that is not there: %v", err)
	}
	s.stop()
	text := logged.String()
	if strings.Count(text, "s3.secret_access_key") != 1 || strings.Contains(text, "of-now") || strings.Contains(text, "s3-key") || strings.Contains(text, "ghp_") {
		t.Error(text)
	}
}

// heard is a sink that keeps a connection and takes webhooks.
type heard struct {
	word    string
	listens chan string
}

func (h heard) Name() string { return "chat" }
func (h heard) Kind() string { return "chat" }
func (h heard) Deliver(context.Context, *yagura.Notice) (yagura.Receipt, error) {
	return yagura.Receipt{Detail: h.word}, nil
}

func (h heard) Handler(notify.Inbox) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(h.word)) })
}

func (h heard) Listen(ctx context.Context, _ notify.Inbox) error {
	h.listens <- h.word
	<-ctx.Done()
	h.listens <- "end of " + h.word
	return ctx.Err()
}

// TestRenewedInbound: what comes to a sink comes to the one that is there by then, over HTTP
// and over its own connection, and a sink has no ability that it had not.
func TestRenewedInbound(t *testing.T) {
	listens := make(chan string, 4)
	r, sink := newRenewable(heard{"old", listens})
	if _, reads := sink.(notify.Reader); reads {
		t.Error("it can be read back")
	}
	in := sink.(notify.Inbound)
	h := in.Handler(inbox{})
	says := func() string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
		return w.Body.String()
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- in.Listen(ctx, inbox{}) }()
	if a, b := <-listens, says(); a != "old" || b != "old" {
		t.Error(a, b)
	}
	r.renew(heard{"new", listens})
	if a, b, c := <-listens, <-listens, says(); a != "end of old" || b != "new" || c != "new" {
		t.Error(a, b, c)
	}
	got, err := sink.Deliver(ctx, nil)
	if err != nil || got.Detail != "new" {
		t.Error(got, err)
	}
	cancel()
	if a := <-listens; a != "end of new" {
		t.Error(a)
	}
	if err := <-done; err == nil {
		t.Error("the end of the context is no error")
	}
}
