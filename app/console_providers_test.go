package app

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
)

// TestProvidersAreServed: the configuration's identity providers have their addresses, which
// are made from console.url; one that is away keeps nobody else out, and leaves a trace.
func TestProvidersAreServed(t *testing.T) {
	s := newStand(t)
	metadata := filepath.Join(t.TempDir(), "idp.xml")
	if err := os.WriteFile(metadata, []byte("<x/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.cfg.Console.URL = "https://yagura.example.com"
	s.cfg.Console.OIDC = []config.OIDC{{Name: "away", Issuer: "http://127.0.0.1:9", ClientID: "x", Private: true}}
	s.cfg.Console.SAML = []config.SAML{{Name: "corp.x", Metadata: metadata}}
	s.start()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	c := &caller{t: t, client: client, base: "http://" + s.serve.Addr()}
	resp, body := c.do("GET", "/auth/saml/corp.x/metadata", "")
	if resp.StatusCode != 200 || !strings.Contains(string(body), `Location="https://yagura.example.com/auth/saml/corp.x/acs"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	for _, path := range []string{"/auth/oidc/away/start", "/auth/saml/corp.x/start"} {
		resp, _ = c.do("GET", path, "")
		to, id := resp.Header.Get("Location"), resp.Header.Get("X-Request-Id")
		if resp.StatusCode != 303 || !strings.HasPrefix(to, "/sign-in?problem=provider_unavailable&") || id == "" || !strings.HasSuffix(to, "&request="+id) {
			t.Errorf("%s: %d %s %s", path, resp.StatusCode, to, id)
		}
	}
	lines := 0
	for _, a := range auditLines(t, s.serve.db) {
		if a.What == "sign_in" && a.Outcome == "refused" && strings.Contains(a.Detail, "provider_unavailable") {
			lines++
		}
	}
	if lines != 2 {
		t.Errorf("%d lines in the audit trail", lines)
	}
	var key []byte
	if err := s.serve.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		key, _, err = tx.State(ctx, "auth.flow.key")
		return err
	}); err != nil || len(key) != 32 {
		t.Errorf("a key of %d bytes, %v", len(key), err)
	}
}
