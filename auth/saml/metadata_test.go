package saml

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/yagura-sec/yagura/auth/flow"
)

func parsed(t *testing.T, body string) *etree.Element {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(body); err != nil {
		t.Fatal(err)
	}
	return doc.Root()
}

func TestMetadataOfProviders(t *testing.T) {
	good := metadataOf(idpKey(), secondKey())
	signed := func(by *signer) string {
		root := parsed(t, good)
		ctx, err := dsig.NewSigningContext(by.key, [][]byte{by.certificate.Raw})
		if err != nil {
			t.Fatal(err)
		}
		ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
		sig, err := ctx.ConstructSignature(root.Copy(), true)
		if err != nil {
			t.Fatal(err)
		}
		root.InsertChildAt(0, sig)
		return write(t, root)
	}
	group := func(entities ...string) string {
		return `<EntitiesDescriptor xmlns="` + nsMetadata + `">` + strings.Join(entities, "") + `</EntitiesDescriptor>`
	}
	other := strings.ReplaceAll(strings.ReplaceAll(good, theirs, "https://other.example/idp"), `ID="_m1"`, `ID="_m2"`)
	for _, row := range []struct {
		name, body, entity string
		pinned             *x509.Certificate
		want               string // "" is good
	}{
		{"one provider", good, "", nil, ""},
		{"one of two, by its name", group(good, other), theirs, nil, ""},
		{"deeper", group(group(good), other), theirs, nil, ""},
		{"two, and no word which", group(good, other), "", nil, "idp_entity_id"},
		{"another one", group(other), theirs, nil, "no identity provider"},
		{"signed as pinned", signed(strangerKey()), "", strangerKey().certificate, ""},
		{"signed by another", signed(secondKey()), "", strangerKey().certificate, "the signature of"},
		{"not signed, and pinned", good, "", strangerKey().certificate, "not signed"},
		{"signed, then changed", strings.Replace(signed(strangerKey()), "https://idp.example.com/sso\"", "https://evil.example/sso\"", 1), "", strangerKey().certificate, "the signature of"},
		{"signed inside what is not", group(signed(strangerKey())), "", strangerKey().certificate, "not signed"},
		{"comments beside it", strings.Replace(good, "<SingleSignOnService", "<!-- of ours --><SingleSignOnService", 1), "", nil, ""},
		{"a comment in a certificate", strings.Replace(good, "<X509Certificate>MII", "<X509Certificate>M<!-- x -->II", 1), "", nil, "not text"},
		{"a comment after the mark of an end", strings.Replace(good, "<SingleSignOnService", "<!-- --- --><SingleSignOnService", 1), "", nil, "well-formed"},
		{"weak key alone", metadataOf(weakKey()), "", nil, "RSA key of 1024 bits"},
		{"no key", metadataOf(), "", nil, "no certificate"},
		{"key for encryption alone", strings.ReplaceAll(good, `use="signing"`, `use="encryption"`), "", nil, "no certificate"},
		{"metadata of a service", strings.ReplaceAll(good, "IDPSSODescriptor", "SPSSODescriptor"), "", nil, "no identity provider"},
		{"SAML 1.1", strings.ReplaceAll(good, nsProtocol, "urn:oasis:names:tc:SAML:1.1:protocol"), "", nil, "does not speak SAML 2.0"},
		{"sign-in over http", strings.ReplaceAll(good, "https://idp.example.com/sso", "http://idp.example.com/sso"), "", nil, "not https"},
		{"sign-in by script", strings.ReplaceAll(good, "https://idp.example.com/sso", "javascript:alert(1)"), "", nil, "SingleSignOnService"},
		{"sign-in at the machine's metadata", strings.ReplaceAll(good, "https://idp.example.com/sso", "https://169.254.169.254/sso"), "", nil, "no address of an identity provider"},
		{"artifact alone", strings.NewReplacer(bindingRedirect, "urn:x", bindingPost, "urn:y").Replace(good), "", nil, "by redirect or POST"},
		{"a document type", "<!DOCTYPE x>" + good, "", nil, "document type"},
		{"a page of HTML", "<html><body/></html>", "", nil, "no metadata"},
		{"no name", strings.Replace(good, ` entityID="`+theirs+`"`, "", 1), "", nil, "entityID"},
		{"a certificate that is none", strings.Replace(good, "<X509Certificate>MII", "<X509Certificate>AII", 1), "", nil, "X509Certificate"},
	} {
		d, err := parseMetadata([]byte(row.body), row.entity, row.pinned, false, time.Unix(start, 0))
		switch {
		case row.want == "" && err != nil:
			t.Errorf("%s: %v", row.name, err)
		case row.want == "" && (d.entityID != theirs || len(d.certificates) != 2 || d.redirect != "https://idp.example.com/sso?tenant=1" || d.post != "https://idp.example.com/sso"):
			t.Errorf("%s: %+v", row.name, d)
		case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
}

func TestMetadataIsFetchedAgain(t *testing.T) {
	body, down := metadataOf(idpKey()), false
	fetched := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if fetched++; down {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		_, _ = io.WriteString(w, body)
	}))
	defer server.Close()
	h := newHouse(t, func(c *Config) { c.Metadata, c.Private = server.URL+"/metadata", true })
	try := func(by *signer, want bool, why string) {
		t.Helper()
		h.in, h.refused = nil, nil
		id, cookies := h.begin()
		r := parsed(t, strings.ReplaceAll(write(t, response(t, id)), `ID="_a1"`, `ID="_a`+id+`"`))
		moved := func(path, name string, offset time.Duration) {
			r.FindElement(path).CreateAttr(name, h.now.Add(offset).UTC().Format(time.RFC3339))
		}
		r.CreateAttr("IssueInstant", h.now.UTC().Format(time.RFC3339))
		moved(inAssertion, "IssueInstant", 0)
		moved(confirmData, "NotOnOrAfter", time.Minute)
		moved(conditions, "NotBefore", 0)
		moved(conditions, "NotOnOrAfter", time.Minute)
		by.sign(t, r.FindElement(inAssertion))
		if h.post(write(t, r), id, cookies); (len(h.in) == 1) != want {
			t.Errorf("%s: let in %v, refused %v", why, h.in, h.refused)
		}
	}
	// The certificates of the test are good for a thousand seconds; these for longer.
	first, second := newSigner(idpKey().key, start-1, start+1_000_000), newSigner(secondKey().key, start-1, start+1_000_000)
	body = metadataOf(first)
	try(first, true, "the first key")
	try(second, false, "a key that is not there")
	if fetched != 1 {
		t.Errorf("fetched %d times", fetched)
	}
	body = metadataOf(first, second)
	h.now = h.now.Add(metadataFresh)
	try(second, true, "a new key")
	try(first, true, "the old key beside it")
	body = metadataOf(second)
	h.now = h.now.Add(metadataFresh)
	try(first, false, "the old key, taken out")
	down = true
	h.now = h.now.Add(metadataStale - time.Minute)
	try(second, true, "while the provider is away")
	h.now = h.now.Add(2 * time.Minute)
	w := httptest.NewRecorder()
	h.provider.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/auth/saml/corp/start", nil))
	if to := w.Header().Get("Location"); !strings.HasPrefix(to, "/sign-in?problem=provider_unavailable&") {
		t.Errorf("away for more than a day: %s", to)
	}
	if err := h.provider.Check(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "saml corp: metadata "+server.URL+"/metadata: ") {
		t.Errorf("check: %v", err)
	}
}

func TestMetadataThatEnds(t *testing.T) {
	h := newHouse(t, nil)
	until := func(offset int64) {
		body := strings.Replace(metadataOf(idpKey()), "<EntityDescriptor ", `<EntityDescriptor validUntil="`+stamp(offset)+`" `, 1)
		if err := os.WriteFile(h.file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	until(-1)
	if err := h.provider.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "valid until") {
		t.Errorf("%v", err)
	}
	until(30)
	h.now = h.now.Add(metadataPause)
	if err := h.provider.Check(t.Context()); err != nil {
		t.Errorf("%v", err)
	}
	h.now = h.now.Add(30 * time.Second)
	if err := h.provider.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "valid until") {
		t.Errorf("after its end: %v", err)
	}
}

func TestRequestByRedirect(t *testing.T) {
	for _, signed := range []bool{false, true} {
		h := newHouse(t, func(c *Config) {
			if signed {
				withKey(c)
				c.Sign = true
			}
		})
		r := httptest.NewRequest("GET", "/auth/saml/corp/start", nil)
		r.Host = "evil.example"
		r.Header.Set("X-Forwarded-Host", "evil.example")
		w := httptest.NewRecorder()
		h.provider.Handler().ServeHTTP(w, r)
		to, err := url.Parse(w.Header().Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		q := to.Query()
		if to.Host != "idp.example.com" || to.Path != "/sso" || q.Get("tenant") != "1" || len(q.Get("RelayState")) > 80 {
			t.Errorf("sent to %s", to)
		}
		raw, err := base64.StdEncoding.DecodeString(q.Get("SAMLRequest"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(flate.NewReader(bytes.NewReader(raw)))
		if err != nil {
			t.Fatal(err)
		}
		e := parsed(t, string(body))
		if e.Tag != "AuthnRequest" || attr(e, "ID") != q.Get("RelayState") || attr(e, "AssertionConsumerServiceURL") != acsURL || attr(e, "Destination") != "https://idp.example.com/sso?tenant=1" ||
			e.FindElement("./Issuer").Text() != ourEntity || attr(e.FindElement("./NameIDPolicy"), "Format") != formatEmail || attr(e, "IssueInstant") != stamp(0) {
			t.Errorf("%s", body)
		}
		if !signed {
			if q.Has("Signature") {
				t.Error("signed")
			}
			continue
		}
		_, query, _ := strings.Cut(to.RawQuery, "&") // what the binding signs begins after what was there
		text, signature, ok := strings.Cut(query, "&Signature=")
		if !ok || !strings.HasPrefix(text, "SAMLRequest=") {
			t.Fatalf("query %s", to.RawQuery)
		}
		signature, err = url.QueryUnescape(signature)
		if err != nil {
			t.Fatal(err)
		}
		value, err := base64.StdEncoding.DecodeString(signature)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(text))
		if err := rsa.VerifyPKCS1v15(ourKey().key.Public().(*rsa.PublicKey), crypto.SHA256, sum[:], value); err != nil {
			t.Error(err)
		}
	}
}

func TestRequestByPost(t *testing.T) {
	h := newHouse(t, func(c *Config) { withKey(c); c.Sign, c.Binding = true, "post" })
	w := httptest.NewRecorder()
	h.provider.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/auth/saml/corp/start", nil))
	page := w.Body.String()
	found := regexp.MustCompile(`name="SAMLRequest" value="([^"]*)"`).FindStringSubmatch(page)
	if found == nil || !strings.Contains(page, `action="https://idp.example.com/sso"`) {
		t.Fatal(page)
	}
	body, err := base64.StdEncoding.DecodeString(html.UnescapeString(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	root, err := parse(body, responseBounds)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := verify(root, []*x509.Certificate{ourKey().certificate}, h.now)
	if err != nil || attr(signed, "AssertionConsumerServiceURL") != acsURL {
		t.Errorf("%v\n%s", err, body)
	}
	script := regexp.MustCompile(`<script>(.*)</script>`).FindStringSubmatch(page)
	sum := sha256.Sum256([]byte(script[1]))
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || !strings.Contains(policy, "form-action https: https://idp.example.com;") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
}

func TestOurMetadata(t *testing.T) {
	h := newHouse(t, func(c *Config) { withKey(c); c.Sign, c.Signed = true, "both" })
	r := httptest.NewRequest("GET", "/auth/saml/corp/metadata", nil)
	r.Host = "evil.example"
	w := httptest.NewRecorder()
	h.provider.Handler().ServeHTTP(w, r)
	e, err := parse(w.Body.Bytes(), metadataBounds)
	if err != nil {
		t.Fatalf("%v\n%s", err, w.Body)
	}
	sp := e.FindElement("./SPSSODescriptor")
	acs := sp.FindElement("./AssertionConsumerService")
	if attr(e, "entityID") != ourEntity || attr(sp, "AuthnRequestsSigned") != "true" || attr(sp, "WantAssertionsSigned") != "true" || attr(acs, "Location") != acsURL || attr(acs, "Binding") != bindingPost ||
		len(sp.FindElements("./KeyDescriptor")) != 2 || strings.Contains(w.Body.String(), "PRIVATE") || strings.Contains(w.Body.String(), "evil") {
		t.Errorf("%s", w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/samlmetadata+xml" {
		t.Errorf("type %s", got)
	}
}

func TestProviderThatWantsSignedRequests(t *testing.T) {
	for _, key := range []bool{false, true} {
		h := newHouse(t, func(c *Config) {
			if key {
				withKey(c)
			}
		})
		body := strings.Replace(metadataOf(idpKey()), "<IDPSSODescriptor ", `<IDPSSODescriptor WantAuthnRequestsSigned="true" `, 1)
		if err := os.WriteFile(h.file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		err := h.provider.Check(t.Context())
		w := httptest.NewRecorder()
		h.provider.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/auth/saml/corp/start", nil))
		to := w.Header().Get("Location")
		if key && (err != nil || !strings.Contains(to, "&Signature=")) || !key && (err == nil || !strings.Contains(err.Error(), "signed requests") || !strings.HasPrefix(to, "/sign-in?problem=not_configured&")) {
			t.Errorf("key %v: %v, sent to %s", key, err, to)
		}
	}
}

func TestConfigurationsThatAreNotTaken(t *testing.T) {
	good := Config{Name: "corp", Metadata: "https://idp.example.com/metadata"}
	for want, change := range map[string]func(*Config){
		"metadata: the address":      func(c *Config) { c.Metadata = "" },
		"not https":                  func(c *Config) { c.Metadata = "http://idp.example.com/metadata" },
		"address inside":             func(c *Config) { c.Metadata = "https://10.0.0.1/metadata" },
		"binding \"artifact\"":       func(c *Config) { c.Binding = "artifact" },
		"signed \"none\"":            func(c *Config) { c.Signed = "none" },
		"name_id \"transient\"":      func(c *Config) { c.NameID = "transient" },
		"belong together":            func(c *Config) { c.Key = ourKey().keyPEM() },
		"a certificate are needed":   func(c *Config) { c.Sign = true },
		"too weak":                   func(c *Config) { c.Key, c.Certificate = weakKey().keyPEM(), weakKey().certPEM() },
		"want an RSA key":            func(c *Config) { c.Key, c.Certificate = ecKey().keyPEM(), ecKey().certPEM() },
		"key and certificate: ":      func(c *Config) { c.Key, c.Certificate = ourKey().keyPEM(), strangerKey().certPEM() },
		"one certificate in PEM":     func(c *Config) { c.MetadataCertificate = "x" },
		"entity_id":                  func(c *Config) { c.EntityID = "a b" },
		"metadata_certificate: a ce": func(c *Config) { c.MetadataCertificate = weakKey().certPEM() },
	} {
		c := good
		change(&c)
		u, _ := url.Parse(public)
		if _, err := New(c, flow.Options{Public: u, Key: make([]byte, 32), Once: &house{}, Door: &house{}}); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "saml corp: ") {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// FuzzResponse: whatever is changed in the bytes of a signed response, it is refused, or it says
// what the provider signed.
func FuzzResponse(f *testing.F) {
	d := &idp{entityID: theirs, certificates: []*x509.Certificate{idpKey().certificate}}
	x := expected{idp: d, entityID: ourEntity, acs: acsURL, request: "y1", key: ourKey().key.(*rsa.PrivateKey), now: time.Unix(start, 0)}
	t := &testing.T{}
	for _, make := range []func(r *etree.Element){
		func(r *etree.Element) { idpKey().sign(t, r.FindElement(inAssertion)) },
		func(r *etree.Element) { idpKey().sign(t, r) },
		func(r *etree.Element) {
			idpKey().sign(t, r.FindElement(inAssertion))
			encrypt(t, r, ourKey(), encryption{})
		},
	} {
		r := response(t, "y1")
		make(r)
		f.Add([]byte(write(t, r)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := check(body, x)
		if err != nil {
			return
		}
		if s.nameID != "Mary@example.com" || s.id != "_a1" || strings.Join(s.attributes["groups"], " ") != "security all" {
			t.Errorf("believed: %+v", s)
		}
	})
}
