package app

import (
	"bytes"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/config"
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
	s.cfg.Store = ""
	s.cfg.Sources[0].Push.Tokens = []config.Secret{put("push", testToken)}
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
	put("push", "fedcba9876543210fedcba9876543210")
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
	if strings.Count(text, "sources[0].push.tokens") != 1 || strings.Contains(text, "fedcba") || strings.Contains(text, "ghp_") {
		t.Error(text)
	}
}
