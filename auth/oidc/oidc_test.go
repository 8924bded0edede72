package oidc

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/auth/flow"
)

// The keys are made once: RSA keys take long to make.
var rsaKey, otherRSA, weakRSA = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(2048) }),
	sync.OnceValue(func() *rsa.PrivateKey { return newRSA(2048) }),
	sync.OnceValue(func() *rsa.PrivateKey { return newRSA(1024) })

func newRSA(bits int) *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return k
}

const (
	clientID     = "yagura"
	clientSecret = "a secret of thirty-two characters"
)

// idp is an identity provider on loopback that says what a test tells it to.
type idp struct {
	t      *testing.T
	server *httptest.Server
	now    func() time.Time

	describe func(map[string]any)                   // changes the description
	keys     []jose.JSONWebKey                      // what it publishes
	token    func(claims map[string]any) string     // makes the token
	claims   func(map[string]any)                   // changes what the token says
	userinfo map[string]any                         // nil: there is none
	answer   func(url.Values)                       // changes what the browser carries back
	respond  func(w http.ResponseWriter, id string) // answers at the token endpoint
	down     bool

	nonce, challenge, redirect string
	codes                      map[string]bool
	asked, fetchedKeys         int
	query                      url.Values
}

func newIDP(t *testing.T, now func() time.Time) *idp {
	p := &idp{t: t, now: now, codes: map[string]bool{}}
	p.keys = []jose.JSONWebKey{{Key: rsaKey().Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"}}
	p.token = func(c map[string]any) string { return signWith(t, jose.RS256, rsaKey(), "k1", nil, c) }
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		d := map[string]any{
			"issuer": p.server.URL, "authorization_endpoint": p.server.URL + "/authorize", "token_endpoint": p.server.URL + "/token",
			"jwks_uri": p.server.URL + "/jwks", "end_session_endpoint": p.server.URL + "/end",
			"id_token_signing_alg_values_supported": []string{"RS256"}, "code_challenge_methods_supported": []string{"S256"},
		}
		if p.userinfo != nil {
			d["userinfo_endpoint"] = p.server.URL + "/userinfo"
		}
		if p.describe != nil {
			p.describe(d)
		}
		p.write(w, d)
	})
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		p.fetchedKeys++
		p.write(w, jose.JSONWebKeySet{Keys: p.keys})
	})
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		p.query, p.nonce, p.challenge, p.redirect = q, q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri")
		out := url.Values{"code": {"c1"}, "state": {q.Get("state")}}
		if p.answer != nil {
			p.answer(out)
		}
		http.Redirect(w, r, p.redirect+"?"+out.Encode(), http.StatusFound)
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		p.asked++
		w.Header().Set("Content-Type", "application/json")
		id, secret, _ := r.BasicAuth()
		if id != clientID || secret != url.QueryEscape(clientSecret) {
			w.WriteHeader(http.StatusUnauthorized)
			p.write(w, map[string]string{"error": "invalid_client"})
			return
		}
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		code := r.FormValue("code")
		if base64.RawURLEncoding.EncodeToString(sum[:]) != p.challenge || p.codes[code] || r.FormValue("redirect_uri") != p.redirect {
			w.WriteHeader(http.StatusBadRequest)
			p.write(w, map[string]string{"error": "invalid_grant", "error_description": "no"})
			return
		}
		p.codes[code] = true
		at := sha256.Sum256([]byte("at1"))
		c := map[string]any{
			"iss": p.server.URL, "aud": clientID, "sub": "u1", "nonce": p.nonce, "at_hash": base64.RawURLEncoding.EncodeToString(at[:16]),
			"iat": p.now().Unix(), "exp": p.now().Add(5 * time.Minute).Unix(), "email": "Mary@Example.com", "email_verified": true,
			"name": "Mary 花子", "preferred_username": "Mary@Example.com", "groups": []string{"security", "all"}, "amr": []string{"mfa"},
		}
		if p.claims != nil {
			p.claims(c)
		}
		token := p.token(c)
		if p.respond != nil {
			p.respond(w, token)
			return
		}
		p.write(w, map[string]any{"access_token": "at1", "token_type": "Bearer", "id_token": token, "expires_in": 60})
	})
	mux.HandleFunc("/userinfo", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer at1" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		p.write(w, p.userinfo)
	})
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.server.Close)
	return p
}

func (p *idp) write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Error(err)
	}
}

func signWith(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string, header map[string]any, c map[string]any) string {
	t.Helper()
	o := &jose.SignerOptions{}
	o.WithType("JWT")
	for k, v := range header {
		o.WithHeader(jose.HeaderKey(k), v)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, o)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// house is a server of ours with one provider, and what it let in and refused.
type house struct {
	t        *testing.T
	server   *httptest.Server
	provider *Provider
	mu       sync.Mutex
	taken    map[string]bool
	in       []auth.Assertion
	refused  []string
}

func (h *house) TakeOnce(_ context.Context, kind, id string, _ time.Time) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.taken[kind+id]
	h.taken[kind+id] = true
	return !was, nil
}

func (h *house) SignInExternal(_ context.Context, w http.ResponseWriter, _ *http.Request, a auth.Assertion) error {
	h.in = append(h.in, a)
	http.SetCookie(w, &http.Cookie{Name: "session", Value: "1", Path: "/"})
	return nil
}

func (h *house) RefusedExternal(_ *http.Request, via, code, detail string) {
	h.refused = append(h.refused, code+": "+detail)
}

func newHouse(t *testing.T, p *idp, change func(*Config)) *house {
	t.Helper()
	h := &house{t: t, taken: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("page " + r.URL.RequestURI())) })
	h.server = httptest.NewServer(mux)
	t.Cleanup(h.server.Close)
	public, err := url.Parse(h.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Name: "corp", Issuer: p.server.URL, ClientID: clientID, ClientSecret: clientSecret, Private: true}
	if change != nil {
		change(&c)
	}
	h.provider, err = New(c, flow.Options{Public: public, Key: []byte(strings.Repeat("k", 32)), Once: h, Door: h, Now: p.now})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/auth/oidc/corp/", h.provider.Handler())
	return h
}

func browser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// visit follows an address to its end, and returns the last one.
func visit(t *testing.T, c *http.Client, address string) *url.URL {
	t.Helper()
	resp, err := c.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.Request.URL
}

func clock(start int64) (now func() time.Time, move func(time.Duration)) {
	at := time.Unix(start, 0)
	return func() time.Time { return at }, func(d time.Duration) { at = at.Add(d) }
}

func TestSignIn(t *testing.T) {
	now, _ := clock(1_800_000_000)
	p := newIDP(t, now)
	h := newHouse(t, p, nil)
	end := visit(t, browser(t), h.server.URL+"/auth/oidc/corp/start?return=%2Fissues%3Fq%3Dopen")
	if got := end.RequestURI(); got != "/issues?q=open" || len(h.in) != 1 {
		t.Fatalf("%s %+v %v", got, h.in, h.refused)
	}
	a := h.in[0]
	if a.Via != "corp" || a.Subject != "u1" || a.Name != "mary@example.com" || a.Email != "Mary@Example.com" || !a.EmailVerified ||
		a.Display != "Mary 花子" || strings.Join(a.Groups, " ") != "all security" || a.Method != "amr=[mfa]" || a.ID == "" || !a.Until.After(now()) {
		t.Errorf("%+v", a)
	}
	if p.query.Get("code_challenge_method") != "S256" || p.query.Get("scope") != "openid profile email" || p.query.Get("response_type") != "code" || len(p.query.Get("state")) < 40 || len(p.query.Get("nonce")) < 40 {
		t.Errorf("asked with %v", p.query)
	}
	if got, want := p.redirect, h.server.URL+"/auth/oidc/corp/callback"; got != want {
		t.Errorf("redirect %s, want %s", got, want)
	}
	out, err := url.Parse(h.provider.SignOut())
	if err != nil || out.Path != "/end" || out.Query().Get("client_id") != clientID || out.Query().Get("post_logout_redirect_uri") != h.server.URL+"/sign-in" {
		t.Errorf("sign-out at %v %v", out, err)
	}
}

func TestAlgorithmsThatAreTaken(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edPub, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for alg, k := range map[jose.SignatureAlgorithm]struct {
		private any
		public  crypto.PublicKey
	}{jose.RS256: {rsaKey(), rsaKey().Public()}, jose.PS256: {rsaKey(), rsaKey().Public()}, jose.ES256: {ec, ec.Public()}, jose.EdDSA: {ed, edPub}} {
		now, _ := clock(1_800_000_000)
		p := newIDP(t, now)
		p.describe = func(d map[string]any) { d["id_token_signing_alg_values_supported"] = []string{string(alg)} }
		p.keys = []jose.JSONWebKey{{Key: otherRSA().Public(), KeyID: "old"}, {Key: []byte(clientSecret), KeyID: "secret"}, {Key: k.public, KeyID: "k"}}
		p.token = func(c map[string]any) string {
			delete(c, "at_hash") // of EdDSA it is another hash
			return signWith(t, alg, k.private, "k", nil, c)
		}
		h := newHouse(t, p, nil)
		visit(t, browser(t), h.server.URL+"/auth/oidc/corp/start")
		if len(h.in) != 1 {
			t.Errorf("%s: %v", alg, h.refused)
		}
	}
}

// unsigned makes a token by hand.
func unsigned(header, c any, signature []byte) string {
	h, _ := json.Marshal(header)
	b, _ := json.Marshal(c)
	enc := base64.RawURLEncoding.EncodeToString
	return enc(h) + "." + enc(b) + "." + enc(signature)
}

func hs256(t *testing.T, key []byte, kid string, c map[string]any) string {
	return signWith(t, jose.HS256, key, kid, nil, c)
}

// TestForgedTokens: every row is one attack, or one thing that a provider did wrong. Each is
// refused, for the reason that the row says.
func TestForgedTokens(t *testing.T) {
	jwk, err := json.Marshal(jose.JSONWebKey{Key: otherRSA().Public(), KeyID: "k1"})
	if err != nil {
		t.Fatal(err)
	}
	var jwkMap map[string]any
	if err := json.Unmarshal(jwk, &jwkMap); err != nil {
		t.Fatal(err)
	}
	claim := func(name string, v any) func(*idp) {
		return func(p *idp) {
			p.claims = func(c map[string]any) {
				c[name] = v
				if v == nil {
					delete(c, name)
				}
			}
		}
	}
	token := func(f func(t *testing.T, c map[string]any) string) func(*idp) {
		return func(p *idp) { p.token = func(c map[string]any) string { return f(p.t, c) } }
	}
	const start = 1_800_000_000
	rows := []struct {
		name   string
		forge  func(*idp)
		config func(*Config)
		want   string
	}{
		{name: "algorithm none", forge: token(func(_ *testing.T, c map[string]any) string {
			return unsigned(map[string]string{"alg": "none"}, c, nil)
		}), want: `it is signed with "\"none\""`},
		{name: "algorithm nOnE", forge: token(func(_ *testing.T, c map[string]any) string {
			return unsigned(map[string]string{"alg": "nOnE", "kid": "k1"}, c, []byte("x"))
		}), want: "it is signed with"},
		{name: "no algorithm", forge: token(func(_ *testing.T, c map[string]any) string {
			return unsigned(map[string]string{"kid": "k1"}, c, []byte("x"))
		}), want: "it is signed with"},
		{name: "HS256 with the client's secret", forge: token(func(t *testing.T, c map[string]any) string {
			return hs256(t, []byte(clientSecret), "k1", c)
		}), want: "it is signed with"},
		{name: "HS256 with the public key's modulus", forge: token(func(t *testing.T, c map[string]any) string {
			return hs256(t, rsaKey().N.Bytes(), "k1", c)
		}), want: "it is signed with"},
		{name: "HS256, and the shared key published", forge: func(p *idp) {
			p.keys = append(p.keys, jose.JSONWebKey{Key: []byte(clientSecret), KeyID: "s", Algorithm: "HS256"})
			p.token = func(c map[string]any) string { return hs256(p.t, []byte(clientSecret), "s", c) }
		}, want: "it is signed with"},
		{name: "key of somebody else", forge: token(func(t *testing.T, c map[string]any) string {
			return signWith(t, jose.RS256, otherRSA(), "k1", nil, c)
		}), want: "no key of the provider"},
		{name: "key of somebody else, without a key id", forge: token(func(t *testing.T, c map[string]any) string {
			return signWith(t, jose.RS256, otherRSA(), "", nil, c)
		}), want: "no key of the provider"},
		{name: "key id that is a path", forge: token(func(t *testing.T, c map[string]any) string {
			return signWith(t, jose.RS256, otherRSA(), "../../../../dev/null", nil, c)
		}), want: "no key of the provider"},
		{name: "key id that is SQL", forge: token(func(t *testing.T, c map[string]any) string {
			return signWith(t, jose.RS256, otherRSA(), "k1' UNION SELECT 'x", nil, c)
		}), want: "no key of the provider"},
		{name: "key id of a key of another kind", forge: func(p *idp) {
			ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				p.t.Fatal(err)
			}
			p.keys = append(p.keys, jose.JSONWebKey{Key: ec.Public(), KeyID: "ec"})
			p.token = func(c map[string]any) string { return signWith(p.t, jose.RS256, rsaKey(), "ec", nil, c) }
		}, want: "no key of the provider"},
		{name: "key in the header", forge: token(func(t *testing.T, c map[string]any) string {
			return signWith(t, jose.RS256, otherRSA(), "k1", map[string]any{"jwk": jwkMap}, c)
		}), want: `its header has "jwk"`},
		{name: "address of keys in the header", forge: token(func(t *testing.T, c map[string]any) string {
			return signWith(t, jose.RS256, otherRSA(), "k1", map[string]any{"jku": "https://evil.example/jwks"}, c)
		}), want: `its header has "jku"`},
		{name: "address of certificates in the header", forge: token(func(t *testing.T, c map[string]any) string {
			return signWith(t, jose.RS256, otherRSA(), "k1", map[string]any{"x5u": "https://evil.example/x"}, c)
		}), want: `its header has "x5u"`},
		{name: "critical extension", forge: token(func(t *testing.T, c map[string]any) string {
			return signWith(t, jose.RS256, rsaKey(), "k1", map[string]any{"crit": []string{"exp"}}, c)
		}), want: `its header has "crit"`},
		{name: "token of access", forge: token(func(t *testing.T, c map[string]any) string {
			return signWith(t, jose.RS256, rsaKey(), "k1", map[string]any{"typ": "at+jwt"}, c)
		}), want: "no token of identity"},
		{name: "weak key", forge: func(p *idp) {
			p.keys = []jose.JSONWebKey{{Key: weakRSA().Public(), KeyID: "w"}}
			p.token = func(c map[string]any) string { return signWith(p.t, jose.RS256, weakRSA(), "w", nil, c) }
		}, want: "an RSA key of 1024 bits"},
		{name: "weak key beside a good one", forge: func(p *idp) {
			p.keys = append(p.keys, jose.JSONWebKey{Key: weakRSA().Public(), KeyID: "w"})
			p.token = func(c map[string]any) string { return signWith(p.t, jose.RS256, weakRSA(), "w", nil, c) }
		}, want: "no key of the provider"},
		{name: "key for encryption", forge: func(p *idp) {
			p.keys = append(p.keys, jose.JSONWebKey{Key: otherRSA().Public(), KeyID: "e", Use: "enc"})
			p.token = func(c map[string]any) string { return signWith(p.t, jose.RS256, otherRSA(), "e", nil, c) }
		}, want: "no key of the provider"},
		{name: "key for another algorithm", forge: token(func(t *testing.T, c map[string]any) string {
			return signWith(t, jose.PS256, rsaKey(), "k1", nil, c)
		}), want: "no key of the provider"},
		{name: "payload changed", forge: token(func(t *testing.T, c map[string]any) string {
			parts := strings.Split(signWith(t, jose.RS256, rsaKey(), "k1", nil, c), ".")
			c["sub"] = "admin"
			return parts[0] + "." + strings.Split(unsigned(nil, c, nil), ".")[1] + "." + parts[2]
		}), want: "no key of the provider"},
		{name: "signature taken off", forge: token(func(t *testing.T, c map[string]any) string {
			s := signWith(t, jose.RS256, rsaKey(), "k1", nil, c)
			return s[:strings.LastIndex(s, ".")+1]
		}), want: "token: "},
		{name: "cut off", forge: token(func(t *testing.T, c map[string]any) string {
			s := signWith(t, jose.RS256, rsaKey(), "k1", nil, c)
			return s[:len(s)-20]
		}), want: "token: "},
		{name: "two parts", forge: token(func(t *testing.T, c map[string]any) string {
			s := signWith(t, jose.RS256, rsaKey(), "k1", nil, c)
			return s[:strings.LastIndex(s, ".")]
		}), want: "three parts"},
		{name: "JSON with several signatures", forge: token(func(t *testing.T, c map[string]any) string {
			parts := strings.Split(signWith(t, jose.RS256, rsaKey(), "k1", nil, c), ".")
			return `{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`
		}), want: "token: "},
		{name: "encrypted", forge: token(func(t *testing.T, c map[string]any) string {
			e, err := jose.NewEncrypter(jose.A128GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: make([]byte, 16)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			o, err := e.Encrypt([]byte("{}"))
			if err != nil {
				t.Fatal(err)
			}
			s, _ := o.CompactSerialize()
			return s
		}), want: "three parts"},
		{name: "too long", forge: token(func(t *testing.T, c map[string]any) string {
			c["x"] = strings.Repeat("x", 70<<10)
			return signWith(t, jose.RS256, rsaKey(), "k1", nil, c)
		}), want: "more than 65536"},
		{name: "no token", forge: token(func(*testing.T, map[string]any) string { return "" }), want: "no id_token"},

		{name: "another issuer", forge: claim("iss", "https://evil.example"), want: "different provider"},
		{name: "issuer with a slash more", forge: func(p *idp) {
			p.claims = func(c map[string]any) { c["iss"] = p.server.URL + "/" }
		}, want: "different provider"},
		{name: "no issuer", forge: claim("iss", nil), want: "different provider"},
		{name: "another audience", forge: claim("aud", "somebody-else"), want: "expected audience"},
		{name: "no audience", forge: claim("aud", nil), want: "expected audience"},
		{name: "two audiences and no azp", forge: claim("aud", []string{clientID, "somebody-else"}), want: "made for"},
		{name: "azp of somebody else", forge: claim("azp", "somebody-else"), want: "made for"},
		{name: "two audiences and azp of the other", forge: func(p *idp) {
			p.claims = func(c map[string]any) { c["aud"], c["azp"] = []string{clientID, "x"}, "x" }
		}, want: "made for"},
		{name: "expired beyond the skew", forge: claim("exp", start-61), want: "expired"},
		{name: "no expiry", forge: claim("exp", nil), want: "expired"},
		{name: "made in the future", forge: claim("iat", start+61), want: "has not come yet"},
		{name: "made long ago", forge: claim("iat", start-601), want: "too long ago"},
		{name: "no time of making", forge: claim("iat", nil), want: "when it was made"},
		{name: "not valid yet", forge: claim("nbf", start+61), want: "not valid yet"},
		{name: "another nonce", forge: claim("nonce", "n"), want: "nonce"},
		{name: "no nonce", forge: claim("nonce", nil), want: "nonce"},
		{name: "at_hash of another token", forge: claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), want: "at_hash"},
		{name: "no subject", forge: claim("sub", nil), want: "sub is empty"},
		{name: "subject that moves the terminal", forge: claim("sub", "a\x1b[2J"), want: "not text"},
		{name: "subject too long", forge: claim("sub", strings.Repeat("x", 256)), want: "sub is empty, or longer"},
		{name: "name with a zero-width mark", forge: claim("preferred_username", "mary\u200b@example.com"), want: "no usable name"},
		{name: "no name", forge: func(p *idp) {
			p.claims = func(c map[string]any) { delete(c, "preferred_username"); delete(c, "email") }
		}, want: "no usable name"},
		{name: "address that is two", forge: claim("email", "mary@example.com,eve@evil.example"), want: "not an address"},
		{name: "address that nobody verified", forge: claim("email_verified", false), want: "email_unverified: "},
		{name: "address that nobody verified, in text", forge: claim("email_verified", "false"), want: "email_unverified: "},
		{name: "another Workspace", forge: claim("hd", "evil.example"), config: func(c *Config) { c.HostedDomain = "example.com" }, want: "wrong_domain: "},
		{name: "an address of the Workspace, but no hd", config: func(c *Config) { c.HostedDomain = "example.com" }, want: "wrong_domain: "},
		{name: "hd from userinfo alone", forge: func(p *idp) {
			p.userinfo = map[string]any{"sub": "u1", "hd": "example.com", "email": "mary@example.com"}
			p.claims = func(c map[string]any) { delete(c, "email") }
		}, config: func(c *Config) { c.HostedDomain = "example.com" }, want: "wrong_domain: "},
		{name: "groups left out: _claim_names", forge: func(p *idp) {
			p.claims = func(c map[string]any) {
				delete(c, "groups")
				c["_claim_names"] = map[string]string{"groups": "src1"}
				c["_claim_sources"] = map[string]any{"src1": map[string]string{"endpoint": "https://graph.windows.net/x"}}
			}
		}, want: "groups_overage: "},
		{name: "groups left out: hasgroups", forge: func(p *idp) {
			p.claims = func(c map[string]any) { delete(c, "groups"); c["hasgroups"] = true }
		}, want: "groups_overage: "},
		{name: "groups that are an object", forge: claim("groups", map[string]any{"a": 1}), want: "not a list of texts"},
		{name: "groups that are numbers", forge: claim("groups", []any{1}), want: "not text"},
		{name: "group with a line end", forge: claim("groups", []any{"a\nadmin"}), want: "holds the group"},
		{name: "too many groups", forge: claim("groups", strings.Split(strings.Repeat("g,", 2001)+"g", ",")), want: "more than 2000"},
		{name: "userinfo of somebody else", forge: func(p *idp) {
			p.userinfo = map[string]any{"sub": "u2", "groups": []string{"admins"}}
			p.claims = func(c map[string]any) { delete(c, "groups") }
		}, want: "userinfo speaks of"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			now, _ := clock(start)
			p := newIDP(t, now)
			if row.forge != nil {
				row.forge(p)
			}
			h := newHouse(t, p, row.config)
			end := visit(t, browser(t), h.server.URL+"/auth/oidc/corp/start")
			if len(h.in) != 0 || end.Path != "/sign-in" || len(h.refused) != 1 {
				t.Fatalf("let in: %+v, at %s, refused %v", h.in, end, h.refused)
			}
			if !strings.Contains(h.refused[0], row.want) {
				t.Errorf("refused as %q, want %q", h.refused[0], row.want)
			}
			if code, _, _ := strings.Cut(h.refused[0], ":"); end.Query().Get("problem") != code || strings.Contains(end.RawQuery, "token") {
				t.Errorf("the browser is told %s", end)
			}
			if strings.Contains(h.refused[0], clientSecret) || strings.Contains(h.refused[0], "at1") {
				t.Errorf("a secret in the trail: %q", h.refused[0])
			}
		})
	}
}

// TestNearMisses: what looks like a row above, and is right.
func TestNearMisses(t *testing.T) {
	const start = 1_800_000_000
	for name, c := range map[string]struct {
		claims   map[string]any
		userinfo map[string]any
		config   func(*Config)
		groups   string
	}{
		"expired within the skew":      {claims: map[string]any{"exp": start - 59}},
		"made a little in the future":  {claims: map[string]any{"iat": start + 59, "nbf": start + 59}},
		"two audiences and azp":        {claims: map[string]any{"aud": []string{"x", clientID}, "azp": clientID}},
		"no at_hash":                   {claims: map[string]any{"at_hash": nil}},
		"unverified, allowed":          {claims: map[string]any{"email_verified": false}, config: func(c *Config) { c.AllowUnverifiedEmail = true }},
		"the right Workspace":          {claims: map[string]any{"hd": "Example.com"}, config: func(c *Config) { c.HostedDomain = "example.com" }},
		"groups at a path":             {claims: map[string]any{"realm_access": map[string]any{"roles": []string{"b", "a", "a"}}}, config: func(c *Config) { c.GroupsClaim = "realm_access.roles" }, groups: "a b"},
		"groups under an address":      {claims: map[string]any{"https://example.com/groups": "one"}, config: func(c *Config) { c.GroupsClaim = "https://example.com/groups" }, groups: "one"},
		"roles, where groups overflow": {claims: map[string]any{"groups": nil, "hasgroups": true, "roles": []string{"r"}}, config: func(c *Config) { c.GroupsClaim = "roles" }, groups: "r"},
		"groups from userinfo":         {claims: map[string]any{"groups": nil}, userinfo: map[string]any{"sub": "u1", "groups": []string{"u"}, "name": "not this one"}, groups: "u"},
		"no groups at all":             {claims: map[string]any{"groups": nil}},
	} {
		t.Run(name, func(t *testing.T) {
			now, _ := clock(start)
			p := newIDP(t, now)
			p.userinfo = c.userinfo
			p.claims = func(all map[string]any) {
				for k, v := range c.claims {
					if all[k] = v; v == nil {
						delete(all, k)
					}
				}
			}
			h := newHouse(t, p, c.config)
			visit(t, browser(t), h.server.URL+"/auth/oidc/corp/start")
			if len(h.in) != 1 {
				t.Fatalf("refused: %v", h.refused)
			}
			if c.groups != "" && strings.Join(h.in[0].Groups, " ") != c.groups {
				t.Errorf("groups %q", h.in[0].Groups)
			}
			if h.in[0].Display != "Mary 花子" {
				t.Errorf("display %q", h.in[0].Display)
			}
		})
	}
}
