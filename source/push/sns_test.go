package push

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // SignatureVersion 1
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	topicARN = "arn:aws:sns:ap-northeast-1:111122223333:trail"
	snsHost  = "sns.ap-northeast-1.amazonaws.com"
	certURL  = "https://" + snsHost + "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
)

// authority issues certificates as Amazon's does: a root, one in between, and leaves.
type authority struct {
	root, mid       *x509.Certificate
	rootKey, midKey *rsa.PrivateKey
	key             *rsa.PrivateKey // of all leaves
	at              time.Time
}

var newAuthority = sync.OnceValue(func() *authority {
	a := &authority{at: newClock().now()}
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	var err error
	for _, k := range []**rsa.PrivateKey{&a.rootKey, &a.midKey, &a.key} {
		*k, err = rsa.GenerateKey(rand.Reader, 2048)
		must(err)
	}
	ca := func(name string, n int64) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(n), Subject: pkix.Name{CommonName: name}, NotBefore: a.at.AddDate(-5, 0, 0), NotAfter: a.at.AddDate(5, 0, 0),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	}
	make := func(c, parent *x509.Certificate, public *rsa.PublicKey, key *rsa.PrivateKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, c, parent, public, key)
		must(err)
		out, err := x509.ParseCertificate(der)
		must(err)
		return out
	}
	root := ca("Test Root", 1)
	a.root = make(root, root, &a.rootKey.PublicKey, a.rootKey)
	a.mid = make(ca("Test RSA 2048 M01", 2), a.root, &a.midKey.PublicKey, a.rootKey)
	return a
})

func (a *authority) leaf(change func(*x509.Certificate)) *x509.Certificate {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "sns.amazonaws.com"}, DNSNames: []string{"sns.amazonaws.com"},
		NotBefore: a.at.AddDate(0, -1, 0), NotAfter: a.at.AddDate(1, 0, 0), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IssuingCertificateURL: []string{"http://crt.r2m01.amazontrust.com/r2m01.cer"},
	}
	if change != nil {
		change(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.mid, &a.key.PublicKey, a.midKey)
	if err != nil {
		panic(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return out
}

// amazon is what the endpoint reaches in place of SNS: its host with certificates and
// confirmations over TLS, and the authority's host in the clear.
type amazon struct {
	*authority
	tls, plain *httptest.Server
	pem        atomic.Pointer[string]
	down       atomic.Bool
	moved      atomic.Bool
	fetched    atomic.Int64
	issuers    atomic.Int64
	confirmed  atomic.Pointer[url.Values]
	dialled    atomic.Pointer[string]
}

func newAmazon(t testing.TB) *amazon {
	a := &amazon{authority: newAuthority()}
	a.serve(a.leaf(nil))
	a.tls = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case a.down.Load():
			http.Error(w, "later", http.StatusServiceUnavailable)
		case a.moved.Load():
			http.Redirect(w, r, "https://169.254.169.254/latest/meta-data/", http.StatusFound)
		case strings.HasPrefix(r.URL.Path, "/SimpleNotificationService-"):
			a.fetched.Add(1)
			_, _ = fmt.Fprint(w, *a.pem.Load())
		case r.URL.Query().Get("Action") == "ConfirmSubscription":
			q := r.URL.Query()
			a.confirmed.Store(&q)
			_, _ = fmt.Fprint(w, "<ConfirmSubscriptionResponse/>")
		default:
			http.NotFound(w, r)
		}
	}))
	host := a.leaf(func(c *x509.Certificate) {
		c.DNSNames = []string{"sns.ap-northeast-1.amazonaws.com", "*.amazonaws.com.cn", "*.cn-north-1.amazonaws.com.cn"}
	})
	a.tls.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{host.Raw, a.mid.Raw}, PrivateKey: a.key}}, Time: func() time.Time { return a.at }}
	a.tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	a.tls.StartTLS()
	a.plain = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.issuers.Add(1)
		_, _ = w.Write(a.mid.Raw)
	}))
	t.Cleanup(a.tls.Close)
	t.Cleanup(a.plain.Close)
	return a
}

func (a *amazon) serve(certs ...*x509.Certificate) {
	var b strings.Builder
	for _, c := range certs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	s := b.String()
	a.pem.Store(&s)
}

func (a *amazon) dial(ctx context.Context, network, address string) (net.Conn, error) {
	a.dialled.Store(&address)
	to := a.tls.Listener.Addr().String()
	if strings.HasSuffix(address, ".amazontrust.com:80") {
		to = a.plain.Listener.Addr().String()
	}
	return (&net.Dialer{}).DialContext(ctx, network, to)
}

func (a *amazon) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.root)
	return p
}

// message makes a signed message; change may break it before or, with sign false, not
// sign it anew.
func (a *amazon) message(change func(m map[string]any)) map[string]any {
	m := map[string]any{
		"Type": "Notification", "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b", "TopicArn": topicARN, "Message": `{"records":"some"}`,
		"Timestamp": a.at.Format("2006-01-02T15:04:05.000Z"), "SignatureVersion": "2", "SigningCertURL": certURL,
		"UnsubscribeURL": "https://" + snsHost + "/?Action=Unsubscribe",
	}
	if change != nil {
		change(m)
	}
	a.sign(m)
	return m
}

func (a *amazon) sign(m map[string]any) {
	names := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if m["Type"] != "Notification" {
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	var b strings.Builder
	for _, n := range names {
		if v, ok := m[n].(string); ok {
			b.WriteString(n + "\n" + v + "\n")
		}
	}
	hash, sum := crypto.SHA256, sha256.Sum256([]byte(b.String()))
	digest := sum[:]
	if m["SignatureVersion"] == "1" {
		old := sha1.Sum([]byte(b.String())) //nolint:gosec // as above
		hash, digest = crypto.SHA1, old[:]
	}
	sig, err := rsa.SignPKCS1v15(rand.Reader, a.key, hash, digest)
	if err != nil {
		panic(err)
	}
	m["Signature"] = base64.StdEncoding.EncodeToString(sig)
}

func text(m map[string]any) string {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (a *amazon) endpoint(t testing.TB, c *clock, change func(*SNSOptions)) *Endpoint {
	t.Helper()
	o := SNSOptions{Common: Common{Name: "trail", Now: c.now}, Topics: []string{"arn:aws:sns:*:111122223333:tr*"}, Roots: a.pool(), Dial: a.dial}
	if change != nil {
		change(&o)
	}
	if o.Log == nil {
		o.Log = openLog(t, FileLogOptions{Now: c.now})
	}
	e, err := NewSNS(o)
	e = closing(t, e, err)
	// The clock of the test is also that of the handshakes.
	if tr, ok := e.speaks().(*sns).web.client.Transport.(*http.Transport); ok {
		tr.TLSClientConfig.Time = c.now
	}
	return e
}

var snsHeaders = []string{"X-Amz-Sns-Message-Type", "Notification", "X-Amz-Sns-Topic-Arn", topicARN, "Content-Type", "text/plain; charset=UTF-8"}

func TestSNS(t *testing.T) {
	a, c := newAmazon(t), newClock()
	e := a.endpoint(t, c, nil)
	good := text(a.message(nil))
	want(t, post(e, good, snsHeaders...), 200, "stored")
	want(t, post(e, good, snsHeaders...), 200, "known") // SNS tries again
	want(t, post(e, text(a.message(func(m map[string]any) { m["MessageId"] = "2"; m["SignatureVersion"] = "1"; m["Subject"] = "a\nb" })), snsHeaders...), 200, "stored")
	want(t, post(e, text(a.message(func(m map[string]any) { m["MessageId"] = "3"; m["Subject"] = "" })), snsHeaders...), 200, "stored")
	m := receive(t, e)
	if len(m) != 3 {
		t.Fatalf("%d messages", len(m))
	}
	// As it came, with the signature, so that it can be proven later.
	if got := content(t, m[0].Objects[0]); got != good || m[0].Objects[0].Name != "sns:165545c9-2a5c-472c-8df2-7ff2be2b3b1b" {
		t.Errorf("got %s %s", m[0].Objects[0].Name, got)
	}
	if a.fetched.Load() != 1 || a.issuers.Load() != 0 {
		t.Errorf("the certificate was fetched %d times, its issuer %d times", a.fetched.Load(), a.issuers.Load())
	}
	ack(t, e, m...)
}

func TestSNSRefusals(t *testing.T) {
	a, c := newAmazon(t), newClock()
	e := a.endpoint(t, c, nil)
	set := func(name string, v any) func(map[string]any) { return func(m map[string]any) { m[name] = v } }
	for _, k := range []struct {
		name   string
		signed func(map[string]any) // before it is signed
		after  func(map[string]any)
		status int
		says   string
	}{
		{"message changed", nil, set("Message", "{}"), 401, "signature"},
		{"id changed", nil, set("MessageId", "x"), 401, "signature"},
		{"subject added", nil, set("Subject", "x"), 401, "signature"},
		{"type changed", nil, func(m map[string]any) {
			m["Type"] = "UnsubscribeConfirmation"
			m["Token"] = "t"
			m["SubscribeURL"] = "u"
		}, 401, "signature"},
		{"signature cut", nil, set("Signature", "AAAA"), 401, "signature"},
		{"signature no base64", nil, set("Signature", "%%"), 401, "signature"},
		{"version downgraded", nil, set("SignatureVersion", "1"), 401, "signature"},
		{"version unknown", nil, set("SignatureVersion", "3"), 401, "signature"},
		{"topic of another account", set("TopicArn", "arn:aws:sns:ap-northeast-1:999999999999:trail"), nil, 403, "topic"},
		{"topic not listed", set("TopicArn", "arn:aws:sns:ap-northeast-1:111122223333:other"), nil, 403, "topic"},
		{"topic that is none", set("TopicArn", "arn:aws:sns:s3:111122223333:trail"), nil, 403, "topic"},
		{"too old", set("Timestamp", c.now().Add(-25*time.Hour).Format(time.RFC3339)), nil, 401, "older"},
		{"from the future", set("Timestamp", c.now().Add(time.Hour).Format(time.RFC3339)), nil, 503, "future"},
		{"no time", set("Timestamp", "yesterday"), nil, 400, "Timestamp"},
		{"type unknown", set("Type", "Other"), nil, 400, "Type"},
		{"message is an object", nil, set("Message", map[string]any{}), 400, "Message"},
		{"no certificate", nil, func(m map[string]any) { delete(m, "SigningCertURL") }, 401, "SigningCertURL"},
		{"no signature", nil, func(m map[string]any) { delete(m, "Signature") }, 401, "not signed"},
	} {
		t.Run(k.name, func(t *testing.T) {
			m := a.message(k.signed)
			if k.after != nil {
				k.after(m)
			}
			want(t, post(e, text(m)), k.status, k.says)
		})
	}
	for _, u := range []string{
		"http://" + snsHost + "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
		"https://sns.attacker.s3.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
		"https://sns.s3.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
		"https://sns.s3-ap-northeast-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
		"https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
		"https://" + snsHost + ":443/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
		"https://user@" + snsHost + "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
		"https://" + snsHost + ".example.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
		"https://" + snsHost + "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem?x=1",
		"https://" + snsHost + "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem#x",
		"https://" + snsHost + "/x/../SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
		"https://" + snsHost + "/x/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
		"https://" + snsHost + "/%53impleNotificationService-0123456789abcdef0123456789abcdef.pem",
		"https://" + snsHost + "/SimpleNotificationService-xyz.pem",
		"https://" + snsHost + "\\@evil.example/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
		"//" + snsHost + "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem", "", ":",
	} {
		want(t, post(e, text(a.message(set("SigningCertURL", u)))), 401, "SigningCertURL")
	}
	if n := a.fetched.Load(); n != 1 {
		t.Errorf("%d certificates were fetched, want the good one", n)
	}
	good := text(a.message(nil))
	for name, body := range map[string]string{
		"twice":                 strings.Replace(good, `"Message":`, `"Message":"{\"evil\":1}","Message":`, 1),
		"twice in another case": strings.Replace(good, `"Message":`, `"message":"{\"evil\":1}","Message":`, 1),
		"two objects":           good + good, "a list": "[" + good + "]", "text": "hello", "empty": "", "cut": good[:len(good)-2],
	} {
		if w := post(e, body); w.Code != 400 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	want(t, post(e, good, "X-Amz-Sns-Topic-Arn", "arn:aws:sns:ap-northeast-1:999999999999:x"), 403, "topic")
	want(t, post(e, good, "X-Amz-Sns-Rawdelivery", "true", "X-Amz-Sns-Message-Type", "Notification"), 401, "hint")
	r := httptest.NewRequest("PUT", "/", strings.NewReader(good))
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	want(t, w, 405, "POST")
	nothing(t, e)
}

// TestSNSAdded sends a signed message to which somebody has added what is not signed.
func TestSNSAdded(t *testing.T) {
	a, c := newAmazon(t), newClock()
	e := a.endpoint(t, c, nil)
	m := a.message(nil)
	m["eventVersion"], m["eventName"], m["Records"] = "1.08", "StopLogging", []any{map[string]any{"evil": 1}}
	want(t, post(e, text(m)), 200, "stored")
	got := content(t, receive(t, e)[0].Objects[0])
	if strings.Contains(got, "evil") || strings.Contains(got, "eventName") || !strings.Contains(got, `"Signature"`) {
		t.Errorf("got %s", got)
	}
}

func TestSNSCertificates(t *testing.T) {
	for _, k := range []struct {
		name   string
		serve  func(a *amazon)
		status int
		err    string
	}{
		{"of another region", func(a *amazon) {
			a.serve(a.leaf(func(c *x509.Certificate) { c.DNSNames = []string{"sns-signing.ap-northeast-1.amazonaws.com"} }))
		}, 200, ""},
		{"with its issuer", func(a *amazon) { a.serve(a.leaf(nil), a.mid) }, 200, ""},
		{"issuer fetched", func(a *amazon) { a.tls.TLS.Certificates[0].Certificate = a.tls.TLS.Certificates[0].Certificate[:1] }, 503, "authority"},
		{"not of SNS", func(a *amazon) {
			a.serve(a.leaf(func(c *x509.Certificate) { c.DNSNames = []string{"s3.amazonaws.com"} }))
		}, 503, "not one of SNS"},
		{"of a bucket", func(a *amazon) {
			a.serve(a.leaf(func(c *x509.Certificate) { c.DNSNames = []string{"sns.s3.amazonaws.com"} }))
		}, 503, "not one of SNS"},
		{"expired", func(a *amazon) { a.serve(a.leaf(func(c *x509.Certificate) { c.NotAfter = a.at.Add(-time.Minute) })) }, 503, "expired"},
		{"not yet", func(a *amazon) { a.serve(a.leaf(func(c *x509.Certificate) { c.NotBefore = a.at.Add(time.Hour) })) }, 503, "not yet valid"},
		{"self-signed", func(a *amazon) {
			c := a.leaf(nil)
			der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: c.SerialNumber, DNSNames: c.DNSNames, NotBefore: c.NotBefore, NotAfter: c.NotAfter}, c, &a.key.PublicKey, a.key)
			if err != nil {
				panic(err)
			}
			self, err := x509.ParseCertificate(der)
			if err != nil {
				panic(err)
			}
			a.serve(self)
		}, 503, "authority"},
		{"no certificate", func(a *amazon) { s := "hello"; a.pem.Store(&s) }, 503, "there is none"},
		{"a key beside it", func(a *amazon) {
			s := "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
			a.pem.Store(&s)
		}, 503, "something else"},
		{"endless", func(a *amazon) { s := strings.Repeat("x", 1<<20); a.pem.Store(&s) }, 503, "more than"},
		{"away", func(a *amazon) { a.down.Store(true) }, 503, "503"},
		{"moved", func(a *amazon) { a.moved.Store(true) }, 503, "302"},
	} {
		t.Run(k.name, func(t *testing.T) {
			a, c, said := newAmazon(t), newClock(), new(logger)
			k.serve(a)
			if k.name == "issuer fetched" {
				// The server's own chain lacks the one in between too, so TLS itself fails: then
				// nothing is taken, and nothing lost.
				k.err = "certificate"
			}
			e := a.endpoint(t, c, func(o *SNSOptions) { o.Logger = said.slog() })
			w := post(e, text(a.message(nil)))
			want(t, w, k.status, "")
			if k.status == 503 && (w.Header().Get("Retry-After") == "" || !strings.Contains(said.String(), k.err)) {
				t.Errorf("said %s, want %q", said, k.err)
			}
		})
	}
}

// TestSNSIssuer fetches what stands between the certificate and the root: the server's
// certificate was issued by another.
func TestSNSIssuer(t *testing.T) {
	a, c := newAmazon(t), newClock()
	web := newSNSWeb(SNSOptions{Common: Common{Now: c.now}, Roots: a.pool(), Dial: a.dial})
	if err := web.trust(t.Context(), a.leaf(nil), x509.NewCertPool()); err != nil {
		t.Fatal(err)
	}
	if a.issuers.Load() != 1 || !strings.HasPrefix(*a.dialled.Load(), "crt.r2m01.amazontrust.com:80") {
		t.Errorf("asked %d times, last at %s", a.issuers.Load(), *a.dialled.Load())
	}
	for _, u := range []string{"http://169.254.169.254/x", "http://crt.evil.example/x", "ftp://crt.r2m01.amazontrust.com/x", "http://crt.r2m01.amazontrust.com:8080/x"} {
		leaf := a.leaf(func(c *x509.Certificate) { c.IssuingCertificateURL = []string{u} })
		if err := web.trust(t.Context(), leaf, x509.NewCertPool()); err == nil {
			t.Errorf("%s was asked", u)
		}
	}
	if a.issuers.Load() != 1 {
		t.Errorf("asked %d times", a.issuers.Load())
	}
}

func TestSNSOutage(t *testing.T) {
	a, c := newAmazon(t), newClock()
	e := a.endpoint(t, c, nil)
	a.down.Store(true)
	want(t, post(e, text(a.message(nil))), 503, "now")
	a.down.Store(false)
	want(t, post(e, text(a.message(nil))), 503, "now") // not asked again at once
	c.add(2 * time.Minute)
	want(t, post(e, text(a.message(nil))), 200, "stored")
	// Strangers who know the topic can make it fetch only so much.
	for i := range 200 {
		w := post(e, text(a.message(func(m map[string]any) {
			m["SigningCertURL"] = fmt.Sprintf("https://%s/SimpleNotificationService-%032x.pem", snsHost, i)
		})))
		if i > 70 {
			want(t, w, 503, "")
		}
	}
	if n := a.fetched.Load(); n > fetchesAMinute+1 {
		t.Errorf("%d certificates were fetched", n)
	}
	want(t, post(e, text(a.message(func(m map[string]any) { m["MessageId"] = "after" }))), 200, "stored")
}
