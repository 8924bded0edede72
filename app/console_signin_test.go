package app

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"html"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/auth/idptest"
	"github.com/yagura-sec/yagura/config"
)

var (
	formAction = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	formField  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// TestSignInByProvider: people sign in at identity providers that are not ours, become users
// with the roles of their groups, and work with the session.
func TestSignInByProvider(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	base := "http://" + addr
	byOIDC := idptest.Start(t, "oidc.mjs", map[string]any{"client_secret": "a secret of thirty-two characters", "redirect_uris": []string{base + "/auth/oidc/oidc/callback"},
		"post_logout_redirect_uris": []string{base + "/sign-in"}})
	bySAML := func(user map[string]any) *idptest.IDP {
		return idptest.Start(t, "saml.mjs", map[string]any{"library": "samlp", "issuer": "https://idp.example.com/", "cert": text("CERTIFICATE", der), "key": text("PRIVATE KEY", keyDER),
			"acs": base + "/auth/saml/saml/acs", "audience": base + "/auth/saml/saml/metadata", "sign_response": true, "user": user})
	}
	saml := bySAML(map[string]any{"email": "Sam@example.com", "name": "Sam"})
	s := newStand(t)
	s.cfg.Server.Listen, s.cfg.Console.URL = addr, base
	s.cfg.Console.OIDC = []config.OIDC{{Name: "oidc", Issuer: byOIDC.Says["issuer"], ClientID: "yagura", ClientSecret: "a secret of thirty-two characters",
		Scopes: []string{"profile", "email", "groups"}, Private: true, SignOut: true, Roles: []config.RoleMapping{{Group: "security", Role: yagura.RoleResponder}, {Group: "other", Role: yagura.RoleAdmin}}}}
	s.cfg.Console.SAML = []config.SAML{{Name: "saml", Metadata: saml.Says["metadata"], Signed: "both", Private: true,
		Roles: []config.RoleMapping{{Email: "*@example.com", Role: yagura.RoleViewer, Accounts: []string{"123456789012"}}}}}
	serve, err := NewServe(t.Context(), ServeOptions{Config: s.cfg, Rules: s.rules, Log: slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	s.run(serve)

	signIn := func(path string) (*caller, *url.URL) {
		t.Helper()
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Jar: jar, Timeout: 30 * time.Second}
		resp, err := client.Get(base + path)
		for err == nil {
			body, readErr := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if readErr != nil {
				t.Fatal(readErr)
			}
			to := formAction.FindStringSubmatch(string(body))
			if to == nil {
				break
			}
			form := url.Values{}
			for _, f := range formField.FindAllStringSubmatch(string(body), -1) {
				form.Set(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
			}
			resp, err = client.PostForm(html.UnescapeString(to[1]), form)
		}
		if err != nil {
			t.Fatal(err)
		}
		return &caller{t: t, client: client, base: base + api.Prefix}, resp.Request.URL
	}
	var session struct {
		User        yagura.User    `json:"user"`
		Permissions []string       `json:"permissions"`
		Scopes      []yagura.Scope `json:"scopes"`
	}
	c, at := signIn("/auth/oidc/oidc/start?return=/issues")
	if at.RequestURI() != "/issues" {
		t.Fatalf("at %s", at)
	}
	c.call(200, "GET", "/session", "", &session)
	if session.User.Name != "mary@example.com" || session.User.Via != "oidc" || session.User.Display != "花子 Mary" || strings.Join(session.Permissions, " ") != "view hunt work decide" || len(session.Scopes) != 0 {
		t.Errorf("%+v", session)
	}
	first := session.User.ID
	c, _ = signIn("/auth/oidc/oidc/start")
	c.call(200, "GET", "/session", "", &session)
	if session.User.ID != first {
		t.Errorf("the same user has two ids: %s and %s", first, session.User.ID)
	}
	var token struct {
		CSRF string `json:"csrf"`
	}
	c.call(200, "GET", "/session", "", &token)
	var out api.SignedOut
	c.call(200, "POST", "/sign-out", "{}", &out, "X-CSRF-Token", token.CSRF)
	if !strings.HasPrefix(out.Provider, byOIDC.Says["issuer"]+"/") {
		t.Fatalf("sign-out goes on at %q", out.Provider)
	}
	if resp, err := c.client.Get(out.Provider); err != nil || resp.StatusCode != 200 {
		t.Errorf("the provider's sign-out: %v %v", resp, err)
	} else {
		_ = resp.Body.Close()
	}
	c.call(401, "GET", "/session", "", nil)
	session.Scopes = nil
	c, at = signIn("/auth/saml/saml/start?return=/rules")
	if at.RequestURI() != "/rules" {
		t.Fatalf("at %s", at)
	}
	c.call(200, "GET", "/session", "", &session)
	if session.User.Name != "sam@example.com" || session.User.Via != "saml" || strings.Join(session.Permissions, " ") != "view" || len(session.Scopes) != 1 || session.Scopes[0].Accounts[0] != "123456789012" {
		t.Errorf("%+v", session)
	}
	in := 0
	for _, a := range auditLines(t, serve.db) {
		if a.What == "sign_in" && a.Outcome == "done" && a.Request != "" {
			in++
		}
	}
	if in != 3 {
		t.Errorf("%d sign-ins in the audit trail", in)
	}
}
