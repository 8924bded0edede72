package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/auth"
)

func bearer(token string, peer []byte) *http.Request {
	r := newBrowser("198.51.100.30").request()
	r.Header.Set("Authorization", "Bearer "+token)
	if peer != nil {
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: peer}}}
	}
	return r
}

// TestTokens: what a token may be, who makes one, and what it can at which moment.
func TestTokens(t *testing.T) {
	h := open(t, nil)
	ctx := t.Context()
	root, _ := h.admin()
	admin, _ := h.user(root, "admin@example.com", bind(yagura.RoleAdmin))
	responder, _ := h.user(root, "responder@example.com", bind(yagura.RoleResponder))
	year := h.clock().Add(365 * 24 * time.Hour)
	add := func(by *auth.Identity, n auth.NewToken) error { _, _, err := h.AddToken(ctx, by, n); return err }
	viewer := []yagura.Binding{bind(yagura.RoleViewer)}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"by a responder": {add(responder, auth.NewToken{Name: "x", Bindings: viewer, Expires: year}), "forbidden"},
		"no name":        {add(admin, auth.NewToken{Bindings: viewer, Expires: year}), "unprocessable"},
		"no role":        {add(admin, auth.NewToken{Name: "x", Expires: year}), "unprocessable"},
		"unknown role":   {add(admin, auth.NewToken{Name: "x", Bindings: []yagura.Binding{bind("root")}, Expires: year}), "unprocessable"},
		"no end":         {add(admin, auth.NewToken{Name: "x", Bindings: viewer}), "unprocessable"},
		"two years":      {add(admin, auth.NewToken{Name: "x", Bindings: viewer, Expires: year.AddDate(1, 0, 0)}), "unprocessable"},
		"in the past":    {add(admin, auth.NewToken{Name: "x", Bindings: viewer, Expires: h.clock()}), "unprocessable"},
		"certificate":    {add(admin, auth.NewToken{Name: "x", Bindings: viewer, Expires: year, Certificate: "x"}), "unprocessable"},
	} {
		want(t, name, c.err, c.want)
	}
	tok, text, err := h.AddToken(ctx, admin, auth.NewToken{Name: "ci", Bindings: []yagura.Binding{bind(yagura.RoleAdmin), bind(yagura.RoleResponder, "1")}, Expires: year})
	if err != nil || !strings.HasPrefix(text, "ygr_"+tok.ID) {
		t.Fatal(tok, text, err)
	}
	id, err := h.Identify(bearer(text, nil))
	if err != nil || id.Who != "token:ci" || id.Session != nil || !id.Can(yagura.PermitManage) || id.CSRF != "" {
		t.Fatalf("%+v, %v", id, err)
	}
	for name, bad := range map[string]string{"nothing": "", "short": text[:40], "one more": text + "0", "another secret": strings.Replace(text, text[40:44], "0000", 1), "prefix alone": "ygr_", "rubbish": "<script>"} {
		_, err := h.Identify(bearer(bad, nil))
		want(t, name, err, "token")
	}
	// A bad token is not made good by a cookie beside it.
	r := bearer("x", nil)
	_, b := h.user(root, "c@example.com", bind(yagura.RoleViewer))
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	_, err = h.Identify(r)
	want(t, "bad token, good cookie", err, "token")
	// A token makes another one, within its own bounds.
	want(t, "longer than itself", add(id, auth.NewToken{Name: "x", Bindings: viewer, Expires: year.Add(time.Hour)}), "unprocessable")
	_, child, err := h.AddToken(ctx, id, auth.NewToken{Name: "child", Bindings: viewer, Expires: year})
	if err != nil {
		t.Fatal(err)
	}
	// Its maker's rights bound it at every moment.
	u, err := h.ChangeUser(ctx, root, admin.User.ID, auth.UserChange{Version: admin.User.Version, Bindings: &[]yagura.Binding{bind(yagura.RoleResponder, "1")}})
	if err != nil {
		t.Fatal(err)
	}
	if id, err := h.Identify(bearer(text, nil)); err != nil || id.Can(yagura.PermitManage) || len(id.Bindings) != 1 {
		t.Errorf("%+v, %v", id, err)
	}
	if id, err := h.Identify(bearer(child, nil)); err != nil || id.Can(yagura.PermitView) {
		t.Errorf("%+v, %v", id, err)
	}
	if u, err = h.ChangeUser(ctx, root, u.ID, auth.UserChange{Version: u.Version, Disabled: ptr(true)}); err != nil {
		t.Fatal(err)
	}
	_, err = h.Identify(bearer(text, nil))
	want(t, "the maker is disabled", err, "token")
	if u, err = h.ChangeUser(ctx, root, u.ID, auth.UserChange{Version: u.Version, Disabled: ptr(false)}); err != nil {
		t.Fatal(err)
	}
	if _, err = h.Identify(bearer(text, nil)); err != nil {
		t.Error(err)
	}
	want(t, "revoked by a responder", h.RevokeToken(ctx, responder, tok.ID), "forbidden")
	want(t, "revoke", h.RevokeToken(ctx, root, tok.ID), "")
	want(t, "revoke again", h.RevokeToken(ctx, root, tok.ID), "")
	want(t, "revoke what is not there", h.RevokeToken(ctx, root, "x"), "not_found")
	_, err = h.Identify(bearer(text, nil))
	want(t, "revoked", err, "token")
	want(t, "remove the maker", h.RemoveUser(ctx, root, u.ID), "")
	_, err = h.Identify(bearer(child, nil))
	want(t, "the maker is gone", err, "token")
	// The command line has no maker.
	cli := &auth.Identity{Who: "cli:root", Bindings: []yagura.Binding{{Role: yagura.RoleAdmin}}}
	_, text, err = h.AddToken(ctx, cli, auth.NewToken{Name: "probe", Bindings: viewer, Expires: h.clock().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if id, err := h.Identify(bearer(text, nil)); err != nil || !id.Can(yagura.PermitView) {
		t.Error(id, err)
	}
	h.pass(time.Hour)
	_, err = h.Identify(bearer(text, nil))
	want(t, "expired", err, "token")
}

// TestTokenLines: the first use from an address is a line, the next ones are not, nor after a
// restart; the last use is noted.
func TestTokenLines(t *testing.T) {
	h := open(t, nil)
	root, _ := h.admin()
	_, text, err := h.AddToken(t.Context(), root, auth.NewToken{Name: "ci", Bindings: []yagura.Binding{bind(yagura.RoleViewer)}, Expires: h.clock().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	use := func(addr string) yagura.Token {
		t.Helper()
		r := bearer(text, nil)
		r.RemoteAddr = addr
		id, err := h.Identify(r)
		if err != nil {
			t.Fatal(err)
		}
		h.pass(2 * time.Minute)
		return *id.Token
	}
	first := use("198.51.100.30:1")
	again := use("198.51.100.30:2")
	if !first.Used.IsZero() || again.Used.IsZero() {
		t.Errorf("%v, %v", first.Used, again.Used)
	}
	use("198.51.100.31:1")
	h.again()
	use("198.51.100.31:1")
	if n := h.lines("token.use", "done"); n != 2 {
		t.Errorf("%d lines", n)
	}
}

// TestBoundTokens: a token that is bound to a certificate is of use with it alone, whoever says
// what of it.
func TestBoundTokens(t *testing.T) {
	h := open(t, func(o *auth.Options) {
		o.Gateways = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24")}
		o.CertificateHeader = "X-Forwarded-Client-Cert"
	})
	ctx := t.Context()
	root, _ := h.admin()
	mine, other := []byte("my certificate"), []byte("another certificate")
	year := h.clock().Add(300 * 24 * time.Hour)
	n := auth.NewToken{Name: "siem", Bindings: []yagura.Binding{bind(yagura.RoleAdmin)}, Expires: year, Certificate: auth.Thumbprint(mine)}
	tok, text, err := h.AddToken(ctx, root, n)
	if err != nil || tok.Certificate != n.Certificate {
		t.Fatal(tok, err)
	}
	n.Certificate = ""
	_, free, err := h.AddToken(ctx, root, n)
	if err != nil {
		t.Fatal(err)
	}
	sum := func(der []byte) string {
		th := auth.Thumbprint(der)
		b, err := auth.ParseThumbprint(th)
		if err != nil || b != th {
			t.Fatal(err)
		}
		return th
	}
	xfcc := func(der []byte) string { return "By=x;Hash=" + hexOf(t, sum(der)) }
	for name, c := range map[string]struct {
		token, remote, header string
		peer                  []byte
		want                  string
	}{
		"with its certificate":            {text, "", "", mine, ""},
		"without":                         {text, "", "", nil, "certificate"},
		"with another":                    {text, "", "", other, "certificate"},
		"a stranger's header":             {text, "", xfcc(mine), nil, "certificate"},
		"a stranger's header over TLS":    {text, "", xfcc(mine), other, "certificate"},
		"a gateway's header":              {text, "10.1.0.7:1", xfcc(mine), nil, ""},
		"a gateway's header, another":     {text, "10.1.0.7:1", xfcc(other), nil, "certificate"},
		"a gateway that says nothing":     {text, "10.1.0.7:1", "", mine, "certificate"},
		"a gateway that says rubbish":     {text, "10.1.0.7:1", "Hash=x", mine, "certificate"},
		"what a client put before":        {text, "10.1.0.7:1", xfcc(mine) + "," + xfcc(other), nil, "certificate"},
		"not bound, without":              {free, "", "", nil, ""},
		"not bound, with any certificate": {free, "", "", other, ""},
	} {
		r := bearer(c.token, c.peer)
		if c.remote != "" {
			r.RemoteAddr = c.remote
		}
		if c.header != "" {
			r.Header.Set("X-Forwarded-Client-Cert", c.header)
		}
		_, err := h.Identify(r)
		want(t, name, err, c.want)
	}
	// It makes no token that is free of its bond.
	id, err := h.Identify(bearer(text, mine))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = h.AddToken(ctx, id, n)
	want(t, "a free token by a bound one", err, "unprocessable")
}

// TestBoundOverTLS: the same over real connections, where the key is proven by the handshake.
func TestBoundOverTLS(t *testing.T) {
	h := open(t, nil)
	root, _ := h.admin()
	pair := func(name string) tls.Certificate {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0)}
		der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	mine, other := pair("siem"), pair("siem")
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mine.Certificate[0]}))
	_, token, err := h.AddToken(t.Context(), root, auth.NewToken{Name: "siem", Bindings: []yagura.Binding{bind(yagura.RoleViewer)}, Expires: h.clock().Add(time.Hour), Certificate: text})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := h.Identify(r); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	srv.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	for name, c := range map[string]struct {
		with []tls.Certificate
		want int
	}{"none": {nil, 401}, "mine": {[]tls.Certificate{mine}, 200}, "another of the same name": {[]tls.Certificate{other}, 401},
		"mine behind another": {[]tls.Certificate{{Certificate: [][]byte{other.Certificate[0], mine.Certificate[0]}, PrivateKey: other.PrivateKey}}, 401}} {
		client := srv.Client()
		tr := client.Transport.(*http.Transport).Clone()
		tr.TLSClientConfig.Certificates = c.with
		r, err := http.NewRequest("GET", srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Client-Cert", ":"+base64.StdEncoding.EncodeToString(mine.Certificate[0])+":")
		a, err := (&http.Client{Transport: tr}).Do(r)
		if err != nil {
			t.Fatal(name, err)
		}
		_ = a.Body.Close()
		tr.CloseIdleConnections()
		if a.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", name, a.StatusCode, c.want)
		}
	}
}

// hexOf writes a thumbprint as gateways do.
func hexOf(t *testing.T, thumbprint string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(thumbprint)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b)
}
