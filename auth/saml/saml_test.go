package saml

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/auth/flow"
)

const (
	start     = 1_800_000_000
	public    = "https://yagura.example.com"
	acsURL    = public + "/auth/saml/corp/acs"
	ourEntity = public + "/auth/saml/corp/metadata"
	theirs    = "https://idp.example.com/entity"
)

// signer is a key with its certificate.
type signer struct {
	key         crypto.Signer
	certificate *x509.Certificate
}

func newSigner(key crypto.Signer, from, to int64) *signer {
	t := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Unix(from, 0), NotAfter: time.Unix(to, 0)}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		panic(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return &signer{key, c}
}

func rsaSigner(bits int) func() *signer {
	return sync.OnceValue(func() *signer {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		return newSigner(k, start-1000, start+1000)
	})
}

// The keys are made once: RSA keys take long to make.
var (
	idpKey, secondKey, strangerKey, ourKey, weakKey = rsaSigner(2048), rsaSigner(2048), rsaSigner(2048), rsaSigner(2048), rsaSigner(1024)
	ecKey                                           = sync.OnceValue(func() *signer {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return newSigner(k, start-1000, start+1000)
	})
	oldKey = sync.OnceValue(func() *signer { return newSigner(idpKey().key, start-1000, start-1) })
)

func (s *signer) certPEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.certificate.Raw}))
}

func (s *signer) keyPEM() string {
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// sign puts a signature into an element, after its Issuer.
func (s *signer) sign(t *testing.T, e *etree.Element) {
	t.Helper()
	s.signAs(t, e, "", dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(""))
}

func (s *signer) signAs(t *testing.T, e *etree.Element, method string, c dsig.Canonicalizer) {
	t.Helper()
	ctx, err := dsig.NewSigningContext(s.key, [][]byte{s.certificate.Raw})
	if err != nil {
		t.Fatal(err)
	}
	ctx.Canonicalizer = c
	if method != "" {
		if err := ctx.SetSignatureMethod(method); err != nil {
			t.Fatal(err)
		}
	}
	sig, err := ctx.ConstructSignature(e.Copy(), true)
	if err != nil {
		t.Fatal(err)
	}
	if _, ec := s.key.(*ecdsa.PrivateKey); ec {
		v := sig.FindElement("./SignatureValue")
		der, _ := base64.StdEncoding.DecodeString(v.Text())
		var n struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(der, &n); err != nil {
			t.Fatal(err)
		}
		v.SetText(base64.StdEncoding.EncodeToString(append(n.R.FillBytes(make([]byte, 32)), n.S.FillBytes(make([]byte, 32))...)))
	}
	e.InsertChildAt(e.ChildElements()[0].Index()+1, sig)
}

func stamp(offset int64) string {
	return time.Unix(start+offset, 0).UTC().Format("2006-01-02T15:04:05Z")
}

// response makes a response that fits, not yet signed.
func response(t *testing.T, inResponseTo string) *etree.Element {
	t.Helper()
	if inResponseTo != "" {
		inResponseTo = ` InResponseTo="` + inResponseTo + `"`
	}
	text := `<samlp:Response xmlns:samlp="` + nsProtocol + `" xmlns:saml="` + nsAssertion + `" ID="_r1" Version="2.0" IssueInstant="` + stamp(0) + `" Destination="` + acsURL + `"` + inResponseTo + `>
<saml:Issuer>` + theirs + `</saml:Issuer><samlp:Status><samlp:StatusCode Value="` + statusSuccess + `"/></samlp:Status>
<saml:Assertion xmlns:saml="` + nsAssertion + `" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="_a1" Version="2.0" IssueInstant="` + stamp(0) + `"><saml:Issuer>` + theirs + `</saml:Issuer>
<saml:Subject><saml:NameID Format="` + formatEmail + `">Mary@example.com</saml:NameID><saml:SubjectConfirmation Method="` + methodBearer + `"><saml:SubjectConfirmationData Recipient="` + acsURL + `" NotOnOrAfter="` + stamp(300) + `"` + inResponseTo + `/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="` + stamp(-60) + `" NotOnOrAfter="` + stamp(300) + `"><saml:AudienceRestriction><saml:Audience>` + ourEntity + `</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="` + stamp(-30) + `" SessionIndex="_s1"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>
<saml:AttributeStatement><saml:Attribute Name="displayName"><saml:AttributeValue xsi:type="xs:string">花子 Mary</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue>security</saml:AttributeValue><saml:AttributeValue>all</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>`
	doc := etree.NewDocument()
	if err := doc.ReadFromString(text); err != nil {
		t.Fatal(err)
	}
	return doc.Root()
}

func write(t *testing.T, e *etree.Element) string {
	t.Helper()
	doc := etree.NewDocument()
	doc.WriteSettings.CanonicalText = true
	doc.SetRoot(e.Copy())
	s, err := doc.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// metadataOf makes a provider's metadata.
func metadataOf(keys ...*signer) string {
	var b strings.Builder
	b.WriteString(`<EntityDescriptor xmlns="` + nsMetadata + `" ID="_m1" entityID="` + theirs + `"><IDPSSODescriptor protocolSupportEnumeration="` + nsProtocol + `">`)
	for _, k := range keys {
		b.WriteString(`<KeyDescriptor use="signing"><KeyInfo xmlns="` + nsSignature + `"><X509Data><X509Certificate>` + base64.StdEncoding.EncodeToString(k.certificate.Raw) + `</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`)
	}
	b.WriteString(`<SingleSignOnService Binding="` + bindingRedirect + `" Location="https://idp.example.com/sso?tenant=1"/><SingleSignOnService Binding="` + bindingPost + `" Location="https://idp.example.com/sso"/></IDPSSODescriptor></EntityDescriptor>`)
	return b.String()
}

// house is a server of ours with one provider, and what it let in and refused.
type house struct {
	t        *testing.T
	now      time.Time
	provider *Provider
	mu       sync.Mutex
	taken    map[string]bool
	in       []auth.Assertion
	refused  []string
	file     string
}

func (h *house) TakeOnce(_ context.Context, kind, id string, _ time.Time) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.taken[kind+id]
	h.taken[kind+id] = true
	return !was, nil
}

type used struct{}

func (used) Error() string   { return "the assertion was used before" }
func (used) Problem() string { return flow.FlowUsed }

// SignInExternal takes the id of an assertion once, as whoever lets people in has to.
func (h *house) SignInExternal(ctx context.Context, _ http.ResponseWriter, _ *http.Request, a auth.Assertion) error {
	if !a.Until.After(h.now) {
		h.t.Errorf("the assertion's id is kept until %s, which is over", a.Until)
	}
	if free, _ := h.TakeOnce(ctx, "assertion", a.ID, a.Until); !free {
		h.refused = append(h.refused, flow.FlowUsed+": "+used{}.Error())
		return used{}
	}
	h.in = append(h.in, a)
	return nil
}

func (h *house) RefusedExternal(_ *http.Request, via, code, detail string) {
	h.refused = append(h.refused, code+": "+detail)
}

func newHouse(t *testing.T, change func(*Config), keys ...*signer) *house {
	t.Helper()
	if len(keys) == 0 {
		keys = []*signer{idpKey()}
	}
	h := &house{t: t, now: time.Unix(start, 0), taken: map[string]bool{}, file: filepath.Join(t.TempDir(), "idp.xml")}
	if err := os.WriteFile(h.file, []byte(metadataOf(keys...)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Config{Name: "corp", Metadata: h.file}
	if change != nil {
		change(&c)
	}
	u, err := url.Parse(public)
	if err != nil {
		t.Fatal(err)
	}
	h.provider, err = New(c, flow.Options{Public: u, Key: []byte(strings.Repeat("k", 32)), Once: h, Door: h, Now: func() time.Time { return h.now }})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// begin begins a sign-in and returns the id of the request and the browser's cookies.
func (h *house) begin() (string, []*http.Cookie) {
	h.t.Helper()
	w := httptest.NewRecorder()
	h.provider.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/auth/saml/corp/start?return=/issues", nil))
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil || to.Query().Get("RelayState") == "" {
		h.t.Fatalf("start: %d %q %v %v", w.Code, to, err, h.refused)
	}
	return to.Query().Get("RelayState"), w.Result().Cookies()
}

// post posts a response, and returns where the browser is sent.
func (h *house) post(body, relay string, cookies []*http.Cookie) string {
	h.t.Helper()
	form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString([]byte(body))}, "RelayState": {relay}}
	r := httptest.NewRequest("POST", "/auth/saml/corp/acs", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://idp.example.com")
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.provider.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusSeeOther {
		h.t.Fatalf("acs: %d %s", w.Code, w.Body)
	}
	return w.Header().Get("Location")
}

// encrypt replaces the assertion of a response by an encrypted one.
func encrypt(t *testing.T, r *etree.Element, to *signer, how encryption) {
	t.Helper()
	a := r.FindElement("./Assertion")
	plain := []byte(write(t, a))
	if how.plain != nil {
		plain = how.plain(plain)
	}
	size := 32
	key := make([]byte, size)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	method := nsEncrypt11 + "aes256-gcm"
	if how.cbc {
		method = nsEncrypt + "aes256-cbc"
		n := aes.BlockSize - len(plain)%aes.BlockSize
		plain = append(plain, make([]byte, n)...)
		plain[len(plain)-1] = byte(n)
		text = make([]byte, aes.BlockSize+len(plain))
		_, _ = rand.Read(text[:aes.BlockSize])
		cipher.NewCBCEncrypter(block, text[:aes.BlockSize]).CryptBlocks(text[aes.BlockSize:], plain)
	} else {
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			t.Fatal(err)
		}
		text = aead.Seal(nil, nil, plain, nil)
	}
	if how.flip {
		text[len(text)-1] ^= 1
	}
	if how.method != "" {
		method = how.method
	}
	pub := to.key.Public().(*rsa.PublicKey)
	transport, digest := nsEncrypt+"rsa-oaep-mgf1p", `<ds:DigestMethod xmlns:ds="`+nsSignature+`" Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/>`
	var wrapped []byte
	switch {
	case how.rsa15:
		transport, digest = nsEncrypt+"rsa-1_5", ""
		wrapped, err = rsa.EncryptPKCS1v15(rand.Reader, pub, key)
	case how.oaep11:
		transport = nsEncrypt11 + "rsa-oaep"
		digest = `<ds:DigestMethod xmlns:ds="` + nsSignature + `" Algorithm="` + nsEncrypt + `sha256"/><m:MGF xmlns:m="` + nsEncrypt11 + `" Algorithm="` + nsEncrypt11 + `mgf1sha256"/>`
		wrapped, err = rsa.EncryptOAEP(crypto.SHA256.New(), rand.Reader, pub, key, nil)
	default:
		wrapped, err = rsa.EncryptOAEP(crypto.SHA1.New(), rand.Reader, pub, key, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.StdEncoding.EncodeToString
	ek := `<xenc:EncryptedKey xmlns:xenc="` + nsEncrypt + `"><xenc:EncryptionMethod Algorithm="` + transport + `">` + digest + `</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>` + b64(wrapped) + `</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>`
	inside, beside := `<ds:KeyInfo xmlns:ds="`+nsSignature+`">`+ek+`</ds:KeyInfo>`, ""
	if how.beside {
		inside, beside = "", ek
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromString(`<saml:EncryptedAssertion xmlns:saml="` + nsAssertion + `"><xenc:EncryptedData xmlns:xenc="` + nsEncrypt + `" Type="` + nsEncrypt + `Element"><xenc:EncryptionMethod Algorithm="` + method + `"/>` + inside +
		`<xenc:CipherData><xenc:CipherValue>` + b64(text) + `</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>` + beside + `</saml:EncryptedAssertion>`); err != nil {
		t.Fatal(err)
	}
	at := a.Index()
	r.RemoveChild(a)
	r.InsertChildAt(at, doc.Root())
}

type encryption struct {
	cbc, rsa15, oaep11, beside, flip bool
	method                           string
	plain                            func([]byte) []byte
}

func withKey(c *Config) { c.Key, c.Certificate = ourKey().keyPEM(), ourKey().certPEM() }

func TestSignIn(t *testing.T) {
	sha512 := dsig.RSASHA512SignatureMethod
	exc := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	for name, c := range map[string]struct {
		config func(*Config)
		keys   []*signer
		make   func(t *testing.T, r *etree.Element)
	}{
		"assertion signed": {make: func(t *testing.T, r *etree.Element) { idpKey().sign(t, r.FindElement("./Assertion")) }},
		"response signed":  {make: func(t *testing.T, r *etree.Element) { idpKey().sign(t, r) }},
		"both signed": {config: func(c *Config) { c.Signed = "both" }, make: func(t *testing.T, r *etree.Element) {
			idpKey().sign(t, r.FindElement("./Assertion"))
			idpKey().sign(t, r)
		}},
		"SHA-512": {make: func(t *testing.T, r *etree.Element) { idpKey().signAs(t, r.FindElement("./Assertion"), sha512, exc) }},
		"the second of two keys": {keys: []*signer{idpKey(), secondKey()}, make: func(t *testing.T, r *etree.Element) {
			secondKey().sign(t, r.FindElement("./Assertion"))
		}},
		"ECDSA": {keys: []*signer{idpKey(), ecKey()}, make: func(t *testing.T, r *etree.Element) {
			ecKey().signAs(t, r.FindElement("./Assertion"), dsig.ECDSASHA256SignatureMethod, exc)
		}},
		"no word about the key": {make: func(t *testing.T, r *etree.Element) {
			a := r.FindElement("./Assertion")
			idpKey().sign(t, a)
			sig := a.FindElement("./Signature")
			sig.RemoveChild(sig.FindElement("./KeyInfo"))
		}},
		"signed, then encrypted with GCM": {config: withKey, make: func(t *testing.T, r *etree.Element) {
			idpKey().sign(t, r.FindElement("./Assertion"))
			encrypt(t, r, ourKey(), encryption{})
		}},
		"OAEP with SHA-256, key beside the data": {config: withKey, make: func(t *testing.T, r *etree.Element) {
			idpKey().sign(t, r.FindElement("./Assertion"))
			encrypt(t, r, ourKey(), encryption{oaep11: true, beside: true})
		}},
		"encrypted with CBC, response signed": {config: withKey, make: func(t *testing.T, r *etree.Element) {
			encrypt(t, r, ourKey(), encryption{cbc: true})
			idpKey().sign(t, r)
		}},
		"both signed and encrypted": {config: func(c *Config) { withKey(c); c.Signed = "both" }, make: func(t *testing.T, r *etree.Element) {
			idpKey().sign(t, r.FindElement("./Assertion"))
			encrypt(t, r, ourKey(), encryption{cbc: true})
			idpKey().sign(t, r)
		}},
		"within the skew": {make: func(t *testing.T, r *etree.Element) {
			r.FindElement("./Assertion/Conditions").CreateAttr("NotBefore", stamp(119))
			r.FindElement("./Assertion/Conditions").CreateAttr("NotOnOrAfter", stamp(-119))
			idpKey().sign(t, r)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, c.config, c.keys...)
			id, cookies := h.begin()
			r := response(t, id)
			c.make(t, r)
			if to := h.post(write(t, r), id, cookies); to != "/issues" || len(h.in) != 1 {
				t.Fatalf("sent to %s, refused %v", to, h.refused)
			}
			a := h.in[0]
			if a.Via != "corp" || a.Subject != "mary@example.com" || a.Name != "mary@example.com" || a.Email != "Mary@example.com" || !a.EmailVerified || a.Display != "花子 Mary" ||
				strings.Join(a.Groups, " ") != "all security" || a.ID != "saml/corp/_a1" || !strings.HasSuffix(a.Method, "PasswordProtectedTransport") {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestIDPInitiated(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.IDPInitiated = true })
	r := response(t, "")
	idpKey().sign(t, r)
	body := write(t, r)
	if to := h.post(body, "https://evil.example/", nil); to != "/" || len(h.in) != 1 {
		t.Fatalf("sent to %s, refused %v", to, h.refused)
	}
	if to := h.post(body, "", nil); !strings.HasPrefix(to, "/sign-in?problem=flow_used&") || len(h.in) != 1 {
		t.Errorf("a second time: sent to %s, let in %v", to, h.in)
	}
	// An answer to somebody's request is no answer that nobody asked for.
	h.in = nil
	id, _ := h.begin()
	r = response(t, id)
	idpKey().sign(t, r)
	if to := h.post(write(t, r), "", nil); !strings.HasPrefix(to, "/sign-in?problem=identity_refused&") || len(h.in) != 0 {
		t.Errorf("an answer to a request of another browser: sent to %s, let in %v", to, h.in)
	}
}
