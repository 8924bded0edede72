package oidc

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/auth/flow"
	"github.com/yagura-sec/yagura/auth/idptest"
)

// TestIndependentProvider signs in at a provider that is not ours.
func TestIndependentProvider(t *testing.T) {
	for _, c := range []struct {
		name    string
		options map[string]any
		config  func(*Config)
		problem string
	}{
		{name: "RS256", options: map[string]any{}},
		{name: "little in the token, the rest at userinfo", options: map[string]any{"thin": true}},
		{name: "ES256", options: map[string]any{"alg": "ES256"}},
		{name: "PS256", options: map[string]any{"alg": "PS256"}},
		{name: "EdDSA", options: map[string]any{"alg": "EdDSA"}},
		{name: "secret in the form", options: map[string]any{"token_auth": "client_secret_post"}, config: func(c *Config) { c.TokenAuth = "post" }},
		{name: "the wrong secret", config: func(c *Config) { c.ClientSecret = "another" }, problem: "provider_refused"},
		{name: "the provider says no", options: map[string]any{"deny": true}, problem: "provider_refused"},
		{name: "an address that was not verified", options: map[string]any{"user": map[string]any{"email_verified": false}}, problem: "email_unverified"},
		{name: "another client's id", config: func(c *Config) { c.ClientID = "somebody" }, problem: "stays at the provider"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &house{t: t, taken: map[string]bool{}}
			mux := http.NewServeMux()
			mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page") })
			h.server = httptest.NewServer(mux)
			t.Cleanup(h.server.Close)
			options := map[string]any{
				"client_secret": clientSecret, "redirect_uris": []string{h.server.URL + "/auth/oidc/corp/callback"},
				"post_logout_redirect_uris": []string{h.server.URL + "/sign-in"},
			}
			for k, v := range c.options {
				options[k] = v
			}
			idp := idptest.Start(t, "oidc.mjs", options)
			config := Config{Name: "corp", Issuer: idp.Says["issuer"], ClientID: clientID, ClientSecret: clientSecret, Scopes: []string{"profile", "email", "groups"}, Private: true}
			if c.config != nil {
				c.config(&config)
			}
			public, err := url.Parse(h.server.URL)
			if err != nil {
				t.Fatal(err)
			}
			h.provider, err = New(config, flow.Options{Public: public, Key: []byte(strings.Repeat("k", 32)), Once: h, Door: h})
			if err != nil {
				t.Fatal(err)
			}
			mux.Handle("/auth/oidc/corp/", h.provider.Handler())
			if err := h.provider.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			b := browser(t)
			b.Timeout = 30 * time.Second
			end := visit(t, b, h.server.URL+"/auth/oidc/corp/start?return=/issues")
			if c.problem != "" {
				if len(h.in) != 0 || c.problem != end.Query().Get("problem") && !(c.problem == "stays at the provider" && end.Host != public.Host) {
					t.Errorf("let in %+v, at %s, refused %v", h.in, end, h.refused)
				}
				return
			}
			if len(h.in) != 1 || end.String() != h.server.URL+"/issues" {
				t.Fatalf("at %s, refused %v", end, h.refused)
			}
			a := h.in[0]
			if a.Subject != "user-1" || a.Name != "mary@example.com" || a.Email != "Mary@example.com" || !a.EmailVerified || a.Display != "花子 Mary" || strings.Join(a.Groups, " ") != "all security" {
				t.Errorf("%+v", a)
			}
			out := h.provider.SignOut()
			resp, err := b.Get(out)
			if err != nil {
				t.Fatal(err)
			}
			page, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK || !strings.Contains(string(page), "<form") {
				t.Errorf("sign-out at %s: %d %s", out, resp.StatusCode, page)
			}
		})
	}
}
