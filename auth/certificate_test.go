package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func clientCertificate(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCertificate: where a client's certificate is taken from, in every form that gateways
// write, and from whom it is not.
func TestCertificate(t *testing.T) {
	g := gateAt(t, func(o *Options) { o.CertificateHeader = "X-Client-Cert" })
	mine, other := clientCertificate(t, "mine"), clientCertificate(t, "other")
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mine.Raw}))
	strange := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: mine.Raw}))
	otherText := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.Raw}))
	b64, sum := base64.StdEncoding.EncodeToString(mine.Raw), sha256.Sum256(mine.Raw)
	otherSum := sha256.Sum256(other.Raw)
	hash, thumb := hex.EncodeToString(sum[:]), base64.RawURLEncoding.EncodeToString(sum[:])
	// As nginx ($ssl_client_escaped_cert), and as the load balancer of AWS, which leaves + = /.
	escaped := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	nginx := escaped(text)
	alb := strings.NewReplacer("\n", "%0A", " ", "%20").Replace(text)
	const gateway, stranger = "10.1.0.7:1", "203.0.113.7:1"
	for name, c := range map[string]struct {
		remote string
		header []string
		peer   *x509.Certificate
		want   string // "" none, "!" refused
	}{
		"TLS":                           {stranger, nil, mine, thumb},
		"no TLS":                        {stranger, nil, nil, ""},
		"a stranger's header":           {stranger, []string{nginx}, nil, ""},
		"a stranger's header under TLS": {stranger, []string{nginx}, other, Thumbprint(other.Raw)},
		"gateway without":               {gateway, nil, nil, ""},
		"gateway's own certificate":     {gateway, nil, other, ""},
		"gateway, empty":                {gateway, []string{""}, nil, ""},
		"gateway, none of nginx":        {gateway, []string{"(null)"}, nil, ""},
		"nginx":                         {gateway, []string{nginx}, other, thumb},
		"AWS":                           {gateway, []string{alb}, nil, thumb},
		"base64 of DER":                 {gateway, []string{b64}, nil, thumb},
		"Traefik, a chain":              {gateway, []string{b64 + "," + base64.StdEncoding.EncodeToString(other.Raw)}, nil, thumb},
		"RFC 9440":                      {gateway, []string{":" + b64 + ":"}, nil, thumb},
		"envoy, hash":                   {gateway, []string{"By=spiffe://x;Hash=" + hash + `;Subject="CN=a,b;c"`}, nil, thumb},
		"envoy, the last one":           {gateway, []string{"Hash=" + hex.EncodeToString(otherSum[:]) + ",By=x;Hash=" + hash}, nil, thumb},
		"envoy, certificate":            {gateway, []string{`By=x;Cert="` + escaped(text) + `"`}, nil, thumb},
		"envoy, many names":             {gateway, []string{"Hash=" + hash + ";URI=a;URI=b;DNS=c;DNS=d"}, nil, thumb},
		"two lines":                     {gateway, []string{nginx, nginx}, nil, "!"},
		"a key":                         {gateway, []string{escaped(strange)}, nil, "!"},
		"half":                          {gateway, []string{nginx[:len(nginx)/2]}, nil, "!"},
		"not base64":                    {gateway, []string{"<script>"}, nil, "!"},
		"half of RFC 9440":              {gateway, []string{":" + b64}, nil, "!"},
		"envoy, short hash":             {gateway, []string{"Hash=" + hash[:62]}, nil, "!"},
		"envoy, twice":                  {gateway, []string{"Hash=" + hash + ";Hash=" + hex.EncodeToString(otherSum[:])}, nil, "!"},
		"envoy, nothing":                {gateway, []string{"By=x;URI=y"}, nil, "!"},
		"envoy, open quote":             {gateway, []string{`Hash=` + hash + `;Subject="CN=x`}, nil, "!"},
		"more behind":                   {gateway, []string{base64.StdEncoding.EncodeToString(append(mine.Raw[:len(mine.Raw):len(mine.Raw)], 0))}, nil, "!"},
		"too long":                      {gateway, []string{strings.Repeat("A", maxCertificate+1)}, nil, "!"},
		"the client's own comes first":  {gateway, []string{escaped(text + otherText)}, nil, thumb},
	} {
		r := httptest.NewRequest("GET", "https://yagura.example.com/", nil)
		r.RemoteAddr = c.remote
		r.TLS = &tls.ConnectionState{}
		if c.peer != nil {
			r.TLS.PeerCertificates = []*x509.Certificate{c.peer}
		}
		if c.header != nil {
			r.Header["X-Client-Cert"] = c.header
		}
		got, err := g.certificate(r)
		if err != nil {
			got = "!"
		}
		if got != c.want {
			t.Errorf("%s: %q (%v), want %q", name, got, err, c.want)
		}
	}
	// Without a header in the configuration, none means anything.
	g = gateAt(t, nil)
	r := httptest.NewRequest("GET", "https://yagura.example.com/", nil)
	r.RemoteAddr = gateway
	r.Header.Set("X-Client-Cert", nginx)
	if got, err := g.certificate(r); got != "" || err != nil {
		t.Error(got, err)
	}
	for given, want := range map[string]string{text: thumb, thumb: thumb, hash: thumb, strings.ToUpper(hash): thumb, "x": "", "": "", strange: "", thumb + "=": ""} {
		if got, err := ParseThumbprint(given); got != want || (err == nil) != (want != "") {
			t.Errorf("%.20q: %q, %v", given, got, err)
		}
	}
}

func FuzzCertificateHeader(f *testing.F) {
	c := clientCertificate(f, "x")
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	sum := sha256.Sum256(c.Raw)
	for _, s := range []string{"", ":", "::", url.QueryEscape(text), text, base64.StdEncoding.EncodeToString(c.Raw), "Hash=" + hex.EncodeToString(sum[:]),
		`By=a;Hash=b;Cert="c\"d",Hash=`, "%2D", "-----BEGIN", "(null)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseCertificateHeader(s)
		if err != nil && got != "" {
			t.Errorf("%q: %q beside %v", s, got, err)
		}
		if b, derr := base64.RawURLEncoding.Strict().DecodeString(got); got != "" && (derr != nil || len(b) != 32) {
			t.Errorf("%q: %q is no thumbprint", s, got)
		}
	})
}

func FuzzToken(f *testing.F) {
	f.Add("")
	f.Add(tokenText("01JZZZZZZZZZZZZZZZZZZZZZZZ", strings.Repeat("a", tokenSecret)))
	f.Add("ygr_" + strings.Repeat("0", tokenLength-4))
	f.Fuzz(func(t *testing.T, s string) {
		id, secret, ok := parseToken(s)
		if ok && tokenText(id, secret) != s {
			t.Errorf("%q is not what %q and %q make", s, id, secret)
		}
		if !ok && id+secret != "" {
			t.Errorf("%q gives something", s)
		}
	})
}

// TestTokenText: every change of one character is noticed before the store is asked.
func TestTokenText(t *testing.T) {
	g := gateAt(t, nil)
	secret, err := g.tokenChars()
	if err != nil {
		t.Fatal(err)
	}
	text := tokenText("01JZZZZZZZZZZZZZZZZZZZZZZZ", secret)
	if _, _, ok := parseToken(text); !ok || len(text) != tokenLength {
		t.Fatalf("%q", text)
	}
	for i := range text {
		for _, c := range []byte("0Az_") {
			if text[i] == c {
				continue
			}
			if _, _, ok := parseToken(text[:i] + string(c) + text[i+1:]); ok {
				t.Errorf("a change at %d is not noticed", i)
			}
		}
	}
	if _, _, ok := parseToken(text + "0"); ok {
		t.Error("longer")
	}
}
