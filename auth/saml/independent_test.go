package saml

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/auth/flow"
	"github.com/yagura-sec/yagura/auth/idptest"
)

var (
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	action = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
)

// follow goes where a page with a form sends a browser, as the browser's script would.
func follow(t *testing.T, c *http.Client, resp *http.Response) (*http.Response, string) {
	t.Helper()
	for range 3 {
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		to := action.FindStringSubmatch(string(body))
		if to == nil {
			return resp, string(body)
		}
		form := url.Values{}
		for _, f := range hidden.FindAllStringSubmatch(string(body), -1) {
			form.Set(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
		}
		if resp, err = c.PostForm(html.UnescapeString(to[1]), form); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("one form after another")
	return nil, ""
}

func publicPEM(t *testing.T, s *signer) string {
	der, err := x509.MarshalPKIXPublicKey(s.key.Public().(*rsa.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// TestIndependentProviders signs in at providers that are not ours: samlp, whose signatures are
// xml-crypto's, and samlify.
func TestIndependentProviders(t *testing.T) {
	now := time.Now().Unix()
	theirKey, myKey, stranger := newSigner(idpKey().key, now-100, now+1000), newSigner(ourKey().key, now-100, now+1000), newSigner(strangerKey().key, now-100, now+1000)
	both := func(c *Config) { c.Signed = "both" }
	sign := func(c *Config) { c.Sign = true }
	encrypt := func(algorithm string, more map[string]any) map[string]any {
		out := map[string]any{"encryption_cert": myKey.certPEM(), "encryption_key": publicPEM(t, myKey), "encryption": algorithm}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	gcm, cbc := nsEncrypt11+"aes256-gcm", nsEncrypt+"aes256-cbc"
	for _, c := range []struct {
		name, library string
		options       map[string]any
		config        func(*Config)
		problem       string // "" is in; "stays" at the provider
		reason        string
	}{
		{name: "assertion signed", library: "samlp"},
		{name: "response signed", library: "samlp", options: map[string]any{"sign_response": true, "sign_assertion": false}, config: func(c *Config) { c.Signed = "response" }},
		{name: "both signed", library: "samlp", options: map[string]any{"sign_response": true}, config: both},
		{name: "a signature by SHA-1", library: "samlp", options: map[string]any{"signature": "rsa-sha1", "digest": "sha1"}, problem: "identity_refused", reason: "rsa-sha1"},
		{name: "a digest by SHA-1", library: "samlp", options: map[string]any{"digest": "sha1"}, problem: "identity_refused", reason: "digested with"},
		{name: "request by POST", library: "samlp", config: func(c *Config) { c.Binding = "post" }},
		{name: "signed request by redirect", library: "samlp", options: map[string]any{"sp_cert": myKey.certPEM()}, config: sign},
		{name: "signed request by POST", library: "samlp", options: map[string]any{"sp_cert": myKey.certPEM()}, config: func(c *Config) { c.Sign, c.Binding = true, "post" }},
		{name: "a request that somebody else should have signed", library: "samlp", options: map[string]any{"sp_cert": stranger.certPEM()}, config: sign, problem: "stays"},
		{name: "encrypted with GCM", library: "samlp", options: encrypt(gcm, nil)},
		{name: "encrypted with CBC, response signed", library: "samlp", options: encrypt(cbc, map[string]any{"sign_response": true})},
		{name: "encrypted with CBC alone", library: "samlp", options: encrypt(cbc, nil), problem: "identity_refused", reason: "CBC"},
		{name: "another audience", library: "samlp", options: map[string]any{"audience": "https://other.example/"}, problem: "identity_refused", reason: "audience"},
		{name: "another issuer", library: "samlp", options: map[string]any{"issuer": "https://other.example/idp"}, config: func(c *Config) { c.IDPEntityID = "https://idp.example.com/entity" }, problem: "provider_unavailable", reason: "no identity provider"},
		{name: "assertion signed", library: "samlify"},
		{name: "request signed", library: "samlify", options: map[string]any{"want_signed": true}},
		{name: "request signed, by POST", library: "samlify", options: map[string]any{"want_signed": true}, config: func(c *Config) { c.Binding = "post" }},
		{name: "encrypted with CBC in a signed response", library: "samlify", options: map[string]any{"encrypted": true, "encryption": cbc}},
	} {
		t.Run(c.library+": "+c.name, func(t *testing.T) {
			h := &house{t: t, now: time.Now(), taken: map[string]bool{}}
			mux := http.NewServeMux()
			mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page "+r.URL.RequestURI()) })
			server := httptest.NewServer(mux)
			t.Cleanup(server.Close)
			u, err := url.Parse(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			config := Config{Name: "corp", Metadata: "https://idp.example.com/", Private: true, Key: myKey.keyPEM(), Certificate: myKey.certPEM()}
			if c.config != nil {
				c.config(&config)
			}
			o := flow.Options{Public: u, Key: []byte(strings.Repeat("k", 32)), Once: h, Door: h}
			if c.options["want_signed"] == true {
				// samlify does what the metadata of the service says.
				config.Sign = true
			}
			ours, err := New(config, o)
			if err != nil {
				t.Fatal(err)
			}
			described, err := ours.metadata()
			if err != nil {
				t.Fatal(err)
			}
			options := map[string]any{"library": c.library, "issuer": theirs, "cert": theirKey.certPEM(), "key": theirKey.keyPEM(), "acs": ours.ACS(), "audience": ours.EntityID(), "sp_metadata": string(described)}
			for k, v := range c.options {
				options[k] = v
			}
			idp := idptest.Start(t, "saml.mjs", options)
			config.Metadata = idp.Says["metadata"]
			if h.provider, err = New(config, o); err != nil {
				t.Fatal(err)
			}
			mux.Handle("/auth/saml/corp/", h.provider.Handler())
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			browser := &http.Client{Jar: jar, Timeout: 30 * time.Second}
			resp, err := browser.Get(server.URL + h.provider.StartPath() + "?return=/issues%3Fq=open")
			if err != nil {
				t.Fatal(err)
			}
			resp, page := follow(t, browser, resp)
			at := resp.Request.URL
			if c.problem != "" {
				if stays := c.problem == "stays" && at.Host != u.Host && resp.StatusCode == http.StatusBadRequest; len(h.in) != 0 || !stays && at.Query().Get("problem") != c.problem || !strings.Contains(strings.Join(h.refused, " "), c.reason) {
					t.Errorf("let in %+v, at %s, refused %v\n%s", h.in, at, h.refused, page)
				}
				return
			}
			if len(h.in) != 1 || at.String() != server.URL+"/issues?q=open" {
				t.Fatalf("at %s, refused %v\n%s", at, h.refused, page)
			}
			a := h.in[0]
			if a.Subject != "mary@example.com" || a.Email != "Mary@example.com" || !a.EmailVerified || a.Display != "花子 Mary" || c.library == "samlp" && strings.Join(a.Groups, " ") != "all security" {
				t.Errorf("%+v", a)
			}
		})
	}
}
