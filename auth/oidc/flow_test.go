package oidc

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/yagura-sec/yagura/auth/flow"
)

// begun begins a sign-in, and returns the browser with the address that the provider sends it
// back to, not yet visited.
func begun(t *testing.T, h *house, p *idp) (*http.Client, string) {
	t.Helper()
	c := browser(t)
	c.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasSuffix(r.URL.Path, "/callback") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	resp, err := c.Get(h.server.URL + "/auth/oidc/corp/start")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	c.CheckRedirect = nil
	return c, resp.Header.Get("Location")
}

// TestAnswersThatBelongToNobody: each row carries an answer to the callback that must not let
// anybody in.
func TestAnswersThatBelongToNobody(t *testing.T) {
	edit := func(address, name, value string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set(name, value)
		if value == "" {
			q.Del(name)
		}
		u.RawQuery = q.Encode()
		return u.String()
	}
	for _, row := range []struct {
		name  string
		try   func(h *house, p *idp, c *http.Client, back string) (*http.Client, string)
		want  string
		asked int // how often the provider was asked for a token
	}{
		{"another state", func(_ *house, _ *idp, c *http.Client, back string) (*http.Client, string) {
			return c, edit(back, "state", "x")
		}, "flow_lost", 0},
		{"no state", func(_ *house, _ *idp, c *http.Client, back string) (*http.Client, string) {
			return c, edit(back, "state", "")
		}, "flow_lost", 0},
		{"state twice", func(_ *house, _ *idp, c *http.Client, back string) (*http.Client, string) {
			return c, back + "&state=x"
		}, "identity_refused", 0},
		{"another browser", func(h *house, _ *idp, _ *http.Client, back string) (*http.Client, string) {
			return browser(t), back
		}, "flow_lost", 0},
		{"another browser that began a sign-in too", func(h *house, p *idp, _ *http.Client, back string) (*http.Client, string) {
			c, _ := begun(t, h, p)
			return c, back
		}, "flow_lost", 0},
		{"an answer that is sent again", func(h *house, _ *idp, c *http.Client, back string) (*http.Client, string) {
			u, _ := url.Parse(h.server.URL)
			kept := c.Jar.Cookies(u)
			visit(t, c, back)
			if len(h.in) != 1 {
				t.Fatalf("refused: %v", h.refused)
			}
			h.in = nil
			c.Jar.SetCookies(u, kept) // the browser's cookie from before was kept by somebody
			return c, back
		}, "flow_used", 1},
		{"no code", func(_ *house, _ *idp, c *http.Client, back string) (*http.Client, string) {
			return c, edit(back, "code", "")
		}, "identity_refused", 0},
		{"a code that was used before", func(_ *house, p *idp, c *http.Client, back string) (*http.Client, string) {
			p.codes["c1"] = true
			return c, back
		}, "provider_refused", 1},
		{"a code of another sign-in: the verifier does not fit", func(h *house, p *idp, c *http.Client, back string) (*http.Client, string) {
			begun(t, h, p) // the provider's code is for this one now
			return c, back
		}, "provider_refused", 1},
		{"an answer of another issuer", func(_ *house, _ *idp, c *http.Client, back string) (*http.Client, string) {
			return c, edit(back, "iss", "https://evil.example")
		}, "identity_refused", 0},
		{"the provider says no", func(_ *house, _ *idp, c *http.Client, back string) (*http.Client, string) {
			return c, edit(edit(back, "error", "access_denied"), "error_description", "<script>alert(1)</script>")
		}, "provider_refused", 0},
		{"the provider is down at the token", func(_ *house, p *idp, c *http.Client, back string) (*http.Client, string) {
			p.down = true
			return c, back
		}, "provider_unavailable", 0},
		{"the token endpoint sends elsewhere", func(_ *house, p *idp, c *http.Client, back string) (*http.Client, string) {
			p.respond = func(w http.ResponseWriter, _ string) {
				w.Header().Set("Location", "http://169.254.169.254/latest/meta-data/")
				w.WriteHeader(http.StatusTemporaryRedirect)
			}
			return c, back
		}, "provider_unavailable", 1},
		{"a token endpoint without end", func(_ *house, p *idp, c *http.Client, back string) (*http.Client, string) {
			p.respond = func(w http.ResponseWriter, id string) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"id_token":"` + id + `","x":"` + strings.Repeat("x", 3<<20) + `"}`))
			}
			return c, back
		}, "provider_unavailable", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			now, _ := clock(1_800_000_000)
			p := newIDP(t, now)
			h := newHouse(t, p, nil)
			c, back := begun(t, h, p)
			c, back = row.try(h, p, c, back)
			end := visit(t, c, back)
			if len(h.in) != 0 || end.Path != "/sign-in" || end.Query().Get("problem") != row.want {
				t.Fatalf("let in %v, at %s, refused %v, want %s", h.in, end, h.refused, row.want)
			}
			if p.asked != row.asked {
				t.Errorf("the provider was asked for %d tokens, want %d", p.asked, row.asked)
			}
			if strings.Contains(end.String(), "script") {
				t.Errorf("the provider's text in the address: %s", end)
			}
		})
	}
}

func TestIssuerInTheAnswerIsNeededWhereItIsPromised(t *testing.T) {
	now, _ := clock(1_800_000_000)
	p := newIDP(t, now)
	p.describe = func(d map[string]any) { d["authorization_response_iss_parameter_supported"] = true }
	h := newHouse(t, p, nil)
	if end := visit(t, browser(t), h.server.URL+"/auth/oidc/corp/start"); end.Query().Get("problem") != "identity_refused" || len(h.in) != 0 {
		t.Errorf("%s %v", end, h.in)
	}
	p.answer = func(q url.Values) { q.Set("iss", p.server.URL) }
	p.codes = map[string]bool{}
	if visit(t, browser(t), h.server.URL+"/auth/oidc/corp/start"); len(h.in) != 1 {
		t.Errorf("%v", h.refused)
	}
}

func TestReturnAndHostAreNotTaken(t *testing.T) {
	now, _ := clock(1_800_000_000)
	p := newIDP(t, now)
	h := newHouse(t, p, nil)
	if end := visit(t, browser(t), h.server.URL+"/auth/oidc/corp/start?return=https%3A%2F%2Fevil.example%2F"); end.String() != h.server.URL+"/" {
		t.Errorf("at %s", end)
	}
	r := httptest.NewRequest("GET", "/auth/oidc/corp/start", nil)
	r.Host = "evil.example"
	r.Header.Set("X-Forwarded-Host", "evil.example")
	w := httptest.NewRecorder()
	h.provider.Handler().ServeHTTP(w, r)
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil || to.Query().Get("redirect_uri") != h.server.URL+"/auth/oidc/corp/callback" {
		t.Errorf("sent to %s", to)
	}
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		w := httptest.NewRecorder()
		h.provider.Handler().ServeHTTP(w, httptest.NewRequest(method, "/auth/oidc/corp/callback", nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

func TestKeysRotate(t *testing.T) {
	now, move := clock(1_800_000_000)
	p := newIDP(t, now)
	h := newHouse(t, p, nil)
	try := func(want int, why string) {
		t.Helper()
		h.in, p.codes = nil, map[string]bool{}
		if visit(t, browser(t), h.server.URL+"/auth/oidc/corp/start"); len(h.in) != want {
			t.Fatalf("%s: let in %d, refused %v", why, len(h.in), h.refused)
		}
	}
	try(1, "the first key")
	try(1, "the first key again")
	if p.fetchedKeys != 1 {
		t.Errorf("keys were fetched %d times", p.fetchedKeys)
	}
	// A second key comes: it is fetched at once, but no more often than every ten seconds.
	first := p.keys[0]
	p.keys = append(p.keys, jose.JSONWebKey{Key: otherRSA().Public(), KeyID: "k2", Use: "sig"})
	p.token = func(c map[string]any) string { return signWith(t, jose.RS256, otherRSA(), "k2", nil, c) }
	move(keysPause)
	try(1, "a new key")
	p.token = func(c map[string]any) string { return signWith(t, jose.RS256, weakRSA(), "k3", nil, c) }
	for range 5 {
		try(0, "a key that nobody published")
	}
	if p.fetchedKeys != 2 {
		t.Errorf("keys were fetched %d times", p.fetchedKeys)
	}
	// The first key is withdrawn: within an hour it ends.
	p.keys = p.keys[1:]
	p.token = func(c map[string]any) string { return signWith(t, jose.RS256, rsaKey(), first.KeyID, nil, c) }
	move(keysFresh)
	try(0, "a key that was withdrawn")
}

func TestProviderThatGoesAwayForAWhile(t *testing.T) {
	now, move := clock(1_800_000_000)
	p := newIDP(t, now)
	h := newHouse(t, p, nil)
	if err := h.provider.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.down = true
	move(2 * time.Hour)
	c, back := begun(t, h, p)
	if back != "" {
		t.Fatalf("a provider that is down answered %s", back)
	}
	_ = c
	w := httptest.NewRecorder()
	h.provider.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/auth/oidc/corp/start", nil))
	if to := w.Header().Get("Location"); !strings.HasPrefix(to, p.server.URL+"/authorize") {
		t.Errorf("after two hours: %s", to)
	}
	move(23 * time.Hour)
	w = httptest.NewRecorder()
	h.provider.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/auth/oidc/corp/start", nil))
	if to := w.Header().Get("Location"); !strings.HasPrefix(to, "/sign-in?problem=provider_unavailable") {
		t.Errorf("after 25 hours: %s", to)
	}
	p.down = false
	move(descriptionPause)
	if visit(t, browser(t), h.server.URL+"/auth/oidc/corp/start"); len(h.in) != 1 {
		t.Errorf("back again: %v", h.refused)
	}
}

func TestDescriptionsThatAreNotTaken(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*idp, map[string]any)
		want   string
	}{
		"another issuer":       {func(_ *idp, d map[string]any) { d["issuer"] = "https://evil.example" }, "calls itself"},
		"token over http":      {func(_ *idp, d map[string]any) { d["token_endpoint"] = "http://login.example.com/token" }, "token_endpoint: http://login.example.com/token is not https"},
		"keys in a file":       {func(_ *idp, d map[string]any) { d["jwks_uri"] = "file:///etc/passwd" }, "jwks_uri"},
		"keys at the metadata": {func(_ *idp, d map[string]any) { d["jwks_uri"] = "https://169.254.169.254/keys" }, "no address of an identity provider"},
		"no token endpoint":    {func(_ *idp, d map[string]any) { delete(d, "token_endpoint") }, "token_endpoint"},
		"HS256 alone":          {func(_ *idp, d map[string]any) { d["id_token_signing_alg_values_supported"] = []string{"HS256", "none"} }, "it signs tokens with"},
		"PKCE plain alone":     {func(_ *idp, d map[string]any) { d["code_challenge_methods_supported"] = []string{"plain"} }, "S256 is needed"},
		"script to sign in at": {func(_ *idp, d map[string]any) { d["authorization_endpoint"] = "javascript:alert(1)" }, "authorization_endpoint"},
		"too long":             {func(_ *idp, d map[string]any) { d["x"] = strings.Repeat("x", 2<<20) }, "more than 1048576"},
	} {
		now, _ := clock(1_800_000_000)
		p := newIDP(t, now)
		p.describe = func(d map[string]any) { c.change(p, d) }
		h := newHouse(t, p, nil)
		if err := h.provider.Check(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "oidc corp: ") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestConfigurationsThatAreNotTaken(t *testing.T) {
	for want, c := range map[string]Config{
		"not https":               {Issuer: "http://login.example.com", ClientID: "x"},
		"want an https address":   {ClientID: "x"},
		"client_id":               {Issuer: "https://login.example.com"},
		"put your tenant's id":    {Issuer: "https://login.microsoftonline.com/common/v2.0", ClientID: "x"},
		"leave /.well-known":      {Issuer: "https://login.example.com/.well-known/openid-configuration", ClientID: "x"},
		"address inside":          {Issuer: "https://127.0.0.1:8443", ClientID: "x"},
		"has no query":            {Issuer: "https://login.example.com/?a=b", ClientID: "x"},
		"want basic or post":      {Issuer: "https://login.example.com", ClientID: "x", TokenAuth: "none"},
		"a name and a password":   {Issuer: "https://a:b@login.example.com", ClientID: "x"},
		"hosted_domain *":         {Issuer: "https://accounts.google.com", ClientID: "x", HostedDomain: "*"},
		"no address of an identi": {Issuer: "https://169.254.169.254", ClientID: "x", Private: true},
	} {
		c.Name = "corp"
		u, _ := url.Parse("https://yagura.example.com")
		if _, err := New(c, flow.Options{Public: u, Key: make([]byte, 32), Once: &house{}, Door: &house{}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
}
