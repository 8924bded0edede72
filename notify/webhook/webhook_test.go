package webhook_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/webhook"
	"github.com/yagura-sec/yagura/notify/webhook/webhooktest"
)

var start = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

func key(n byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune('a'+n)), 32)))
}

func receiver(t *testing.T, check func([]byte) string, keys ...string) *webhooktest.Server {
	t.Helper()
	srv := webhooktest.New(func() time.Time { return start }, check, keys...)
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

func sink(t *testing.T, o webhook.Options) *webhook.Sink {
	t.Helper()
	o.Name, o.Now = "soc", func() time.Time { return start }
	s, err := webhook.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func local(url string) webhook.Options {
	return webhook.Options{URL: url + "/hook", AllowHTTP: true, AllowPrivate: true}
}

func deliver(t *testing.T, s *webhook.Sink, n *yagura.Notice) yagura.Receipt {
	t.Helper()
	r, err := s.Deliver(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var ops = []yagura.Op{yagura.OpOpen, yagura.OpUpdate, yagura.OpRise, yagura.OpAck, yagura.OpClose, yagura.OpReopen,
	yagura.OpComment, yagura.OpAsk, yagura.OpDigest, yagura.OpTest}

// TestFormats: every kind of notice in every form is what its receivers take.
func TestFormats(t *testing.T) {
	for format, check := range map[string]func([]byte) string{webhook.OCSF: webhooktest.CheckOCSF, webhook.Falcosidekick: webhooktest.CheckFalco} {
		srv := receiver(t, check, key(0))
		o := local(srv.URL)
		o.Format, o.Keys, o.Version = format, []string{key(0)}, "1.2.3"
		o.Link = func(id string) string { return "https://yagura.example/" + id }
		s := sink(t, o)
		for _, op := range ops {
			deliver(t, s, notify.Sample(op))
		}
		if got := srv.Requests(); len(got) != len(ops) || got[0].Header.Get("User-Agent") != "yagura/1.2.3" || got[0].Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d requests, %q", format, len(got), srv.Refused())
		}
	}
}

// TestOCSF looks at what an opened issue says.
func TestOCSF(t *testing.T) {
	srv := receiver(t, webhooktest.CheckOCSF)
	s := sink(t, local(srv.URL))
	n := notify.Sample(yagura.OpOpen)
	deliver(t, s, n)
	deliver(t, s, notify.Sample(yagura.OpClose))
	got := func(i int, path ...string) any {
		var v any
		if err := json.Unmarshal([]byte(srv.Requests()[i].Body), &v); err != nil {
			t.Fatal(err)
		}
		for _, p := range path {
			v = v.(map[string]any)[p]
		}
		return v
	}
	for _, x := range []struct {
		i    int
		path string
		want any
	}{
		{0, "type_uid", 200501.0}, {0, "severity", "High"}, {0, "status", "New"}, {0, "priority", "High"}, {0, "message", "Trail stopped"},
		{0, "metadata.uid", n.ID}, {0, "metadata.product.vendor_name", "Yagura"}, {0, "unmapped.issue", n.Issue.ID},
		{0, "unmapped.finding.class_uid", 2004.0}, {0, "unmapped.finding.finding_info.uid", "sample-finding"}, {0, "cloud.account.name", "payments"},
		{1, "type_uid", 200503.0}, {1, "status", "Closed"}, {1, "verdict", "True Positive"},
	} {
		if v := got(x.i, strings.Split(x.path, ".")...); v != x.want {
			t.Errorf("%d %s: %v, want %v", x.i, x.path, v, x.want)
		}
	}
}

// TestSignatures: old and new key at once, and an Ed25519 key.
func TestSignatures(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ ours, theirs []string }{
		{[]string{key(0)}, []string{key(0)}},
		{[]string{key(0), key(1)}, []string{key(1)}},
		{[]string{key(1), "whsk_" + base64.StdEncoding.EncodeToString(private)}, []string{"whpk_" + base64.StdEncoding.EncodeToString(public)}},
		{[]string{"whsk_" + base64.StdEncoding.EncodeToString(private.Seed())}, []string{"whpk_" + base64.StdEncoding.EncodeToString(public)}},
	} {
		srv := receiver(t, nil, x.theirs...)
		o := local(srv.URL)
		o.Keys = x.ours
		deliver(t, sink(t, o), notify.Sample(yagura.OpOpen))
		o.Keys = []string{key(7)}
		_, err := sink(t, o).Deliver(t.Context(), notify.Sample(yagura.OpOpen))
		if e := (*notify.Error)(nil); !errors.As(err, &e) || !e.Permanent {
			t.Errorf("another key: %v", err)
		}
		if len(srv.Requests()) != 1 {
			t.Errorf("%d taken", len(srv.Requests()))
		}
	}
}

// TestSpecVector is the example of the specification's libraries: a known key, id and time.
func TestSpecVector(t *testing.T) {
	body, id := `{"test": 2432232314}`, "msg_p5jXN8AQM9LWM0D4loKWxJek"
	got := webhook.Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", id, time.Unix(1614265330, 0), []byte(body))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestAnswers says what each answer means for the next attempt.
func TestAnswers(t *testing.T) {
	date := start.Add(90 * time.Second).Format(http.TimeFormat)
	for _, x := range []struct {
		fault webhooktest.Fault
		want  notify.Error
		says  string
	}{
		{webhooktest.Fault{Status: 408}, notify.Error{}, "408"},
		{webhooktest.Fault{Status: 425}, notify.Error{NotSent: true}, ""},
		{webhooktest.Fault{Status: 429, RetryAfter: "30"}, notify.Error{NotSent: true, All: true, After: 30 * time.Second}, ""},
		{webhooktest.Fault{Status: 429, RetryAfter: date}, notify.Error{NotSent: true, All: true, After: 90 * time.Second}, ""},
		{webhooktest.Fault{Status: 429}, notify.Error{NotSent: true, All: true, After: time.Second}, ""},
		{webhooktest.Fault{Status: 429, RetryAfter: "99999999999999"}, notify.Error{NotSent: true, All: true, After: time.Hour}, ""},
		{webhooktest.Fault{Status: 429, RetryAfter: "soon"}, notify.Error{NotSent: true, All: true, After: time.Second}, ""},
		{webhooktest.Fault{Status: 500, Body: "oh \x1b[31mno"}, notify.Error{}, `oh \x1b[31mno`},
		{webhooktest.Fault{Status: 503, RetryAfter: "7"}, notify.Error{All: true, After: 7 * time.Second}, ""},
		{webhooktest.Fault{Status: 403}, notify.Error{NotSent: true, All: true, After: 5 * time.Minute}, "headers"},
		{webhooktest.Fault{Status: 401}, notify.Error{NotSent: true, All: true, After: 5 * time.Minute}, ""},
		{webhooktest.Fault{Status: 400, Body: "bad"}, notify.Error{Permanent: true, NotSent: true}, "bad"},
		{webhooktest.Fault{Status: 404}, notify.Error{Permanent: true, NotSent: true}, ""},
		{webhooktest.Fault{Status: 410}, notify.Error{Permanent: true, NotSent: true}, "take the sink out"},
		{webhooktest.Fault{Status: 301, Location: "https://elsewhere.example/"}, notify.Error{Permanent: true, NotSent: true}, "set url"},
		{webhooktest.Fault{Status: 307, Location: "/login"}, notify.Error{NotSent: true, All: true, After: time.Minute}, "not followed"},
		{webhooktest.Fault{Cut: true}, notify.Error{}, ""},
		{webhooktest.Fault{Lose: true}, notify.Error{}, ""},
	} {
		srv := receiver(t, nil)
		srv.SetFault(func() webhooktest.Fault { return x.fault })
		s := sink(t, local(srv.URL))
		_, err := s.Deliver(t.Context(), notify.Sample(yagura.OpOpen))
		e := (*notify.Error)(nil)
		if !errors.As(err, &e) || e.NotSent != x.want.NotSent || e.All != x.want.All || e.After != x.want.After || e.Permanent != x.want.Permanent {
			t.Errorf("%+v: %+v", x.fault, e)
		}
		if err != nil && !strings.Contains(err.Error(), x.says) {
			t.Errorf("%q does not say %q", err, x.says)
		}
	}
	// 2xx of any kind is taken.
	for _, code := range []int{200, 201, 202, 204, 299} {
		srv := receiver(t, nil)
		srv.SetFault(func() webhooktest.Fault { return webhooktest.Fault{Status: code, Body: strings.Repeat("x", 1<<20)} })
		deliver(t, sink(t, local(srv.URL)), notify.Sample(yagura.OpOpen))
	}
}

// TestSameID: every attempt has the notice's id, and one after an attempt without an answer
// is counted.
func TestSameID(t *testing.T) {
	srv := receiver(t, nil, key(0))
	o := local(srv.URL)
	o.Keys = []string{key(0)}
	s := sink(t, o)
	n := notify.Sample(yagura.OpOpen)
	srv.SetFault(func() webhooktest.Fault { return webhooktest.Fault{Lose: true} })
	if _, err := s.Deliver(t.Context(), n); err == nil {
		t.Fatal("no error")
	}
	srv.SetFault(nil)
	n.Uncertain = true
	if r := deliver(t, s, n); !r.Doubled {
		t.Error("the possible double is not counted")
	}
	if ids := srv.IDs(); len(ids) != 1 || ids[n.ID] != 2 {
		t.Errorf("%v", ids)
	}
	if q := srv.Requests(); q[0].Body != q[1].Body {
		t.Error("two attempts say different things")
	}
}

// TestGuard: nothing but public addresses, whatever a name resolves to, and no redirect or
// proxy of the environment around it.
func TestGuard(t *testing.T) {
	srv := receiver(t, nil)
	t.Setenv("HTTP_PROXY", srv.URL)
	t.Setenv("HTTPS_PROXY", srv.URL)
	for _, host := range []string{"localhost", "localhost.", "ip6-localhost"} {
		o := local("http://" + host + ":" + srv.URL[strings.LastIndex(srv.URL, ":")+1:])
		o.AllowPrivate = false
		_, err := sink(t, o).Deliver(t.Context(), notify.Sample(yagura.OpOpen))
		if e := (*notify.Error)(nil); !errors.As(err, &e) || !e.NotSent || e.Permanent {
			t.Errorf("%s: %v", host, err)
		}
		if host == "localhost" && !strings.Contains(err.Error(), "allow_private") {
			t.Errorf("%v", err)
		}
	}
	for _, host := range []string{"127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "169.254.1.1", "100.64.1.1", "0.0.0.0", "224.0.0.1",
		"255.255.255.255", "[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]",
		"[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[::127.0.0.1]", "198.18.0.1", "203.0.113.1", "[2001:db8::1]", "168.63.129.16", "[ff02::1]"} {
		if _, err := webhook.New(webhook.Options{Name: "x", URL: "https://" + host + "/"}); err == nil {
			t.Errorf("%s is allowed", host)
		}
	}
	for _, host := range []string{"8.8.8.8", "[2606:4700::1111]", "1.1.1.1", "hooks.example.com", "192.0.1.1", "[2a00:1450::1]"} {
		if _, err := webhook.New(webhook.Options{Name: "x", URL: "https://" + host + "/"}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []string{"169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "168.63.129.16", "0.0.0.0"} {
		if _, err := webhook.New(webhook.Options{Name: "x", URL: "https://" + host + "/", AllowPrivate: true}); err == nil {
			t.Errorf("%s is allowed to those who may go to private addresses", host)
		}
	}
	if n := len(srv.Requests()); n != 0 {
		t.Errorf("%d requests came through", n)
	}
}

// TestProxy: asked for, it is used.
func TestProxy(t *testing.T) {
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.String())
	}))
	defer proxy.Close()
	o := webhook.Options{URL: "http://hooks.example.com/a", AllowHTTP: true, Proxy: proxy.URL}
	deliver(t, sink(t, o), notify.Sample(yagura.OpOpen))
	if len(asked) != 1 || asked[0] != "http://hooks.example.com/a" {
		t.Errorf("%q", asked)
	}
}

// TestSecrets: no error shows the path, the headers or the keys, even if the endpoint does.
func TestSecrets(t *testing.T) {
	srv := receiver(t, nil)
	o := local(srv.URL)
	o.URL = srv.URL + "/services/T0000000AAAAAAAA/XXXXXXXXXXXXXXXXXXXX?code=very-secret-code"
	o.Keys, o.Headers = []string{key(3)}, map[string]string{"Authorization": "Bearer token-of-mine", "X-Key": "another-key"}
	s := sink(t, o)
	secrets := []string{"T0000000AAAAAAAA", "XXXXXXXXXXXXXXXXXXXX", "very-secret-code", "token-of-mine", "another-key", key(3)[6:]}
	srv.SetFault(func() webhooktest.Fault {
		return webhooktest.Fault{Status: 500, Body: strings.Join(secrets, " ") + o.URL}
	})
	var texts []string
	_, err := s.Deliver(t.Context(), notify.Sample(yagura.OpOpen))
	texts = append(texts, err.Error())
	srv.SetFault(func() webhooktest.Fault { return webhooktest.Fault{Cut: true} })
	_, err = s.Deliver(t.Context(), notify.Sample(yagura.OpOpen))
	texts = append(texts, err.Error())
	srv.Close()
	_, err = s.Deliver(t.Context(), notify.Sample(yagura.OpOpen))
	texts = append(texts, err.Error())
	if e := (*notify.Error)(nil); !errors.As(err, &e) || !e.NotSent {
		t.Errorf("nobody listens: %v", err)
	}
	for _, text := range texts {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %s", text, secret)
			}
		}
	}
}

// TestHeaders: the user's own come along, ours cannot be replaced.
func TestHeaders(t *testing.T) {
	srv := receiver(t, nil)
	o := local(srv.URL)
	o.Headers = map[string]string{"authorization": "Bearer x", "X-Team": "soc"}
	deliver(t, sink(t, o), notify.Sample(yagura.OpOpen))
	if h := srv.Requests()[0].Header; h.Get("Authorization") != "Bearer x" || h.Get("X-Team") != "soc" {
		t.Errorf("%v", h)
	}
	for name, value := range map[string]string{"Webhook-ID": "x", "content-type": "x", "A B": "x", "X": "a\r\nb: c", "Idempotency-Key": "x"} {
		o.Headers, o.Name = map[string]string{name: value}, "x"
		if _, err := webhook.New(o); err == nil || strings.Contains(err.Error(), "b: c") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRefusedOptions names what is wrong and shows no secret.
func TestRefusedOptions(t *testing.T) {
	for _, x := range []struct {
		o    webhook.Options
		want string
	}{
		{webhook.Options{}, "url"},
		{webhook.Options{URL: "http://a.example/"}, "allow_http"},
		{webhook.Options{URL: "ftp://a.example/"}, "scheme"},
		{webhook.Options{URL: "https://user:hunter2@a.example/"}, "Authorization"},
		{webhook.Options{URL: "https://a.example/#x"}, "#"},
		{webhook.Options{URL: "https://a.example/", Format: "xml"}, "falcosidekick"},
		{webhook.Options{URL: "https://a.example/", Format: "template"}, "template file"},
		{webhook.Options{URL: "https://a.example/", Keys: []string{"hunter2"}}, "whsec_"},
		{webhook.Options{URL: "https://a.example/", Keys: []string{"whsec_aGk="}}, "24 to 64"},
		{webhook.Options{URL: "https://a.example/", CA: []byte("x")}, "PEM"},
		{webhook.Options{URL: "https://a.example/", ClientKey: []byte("x")}, "client certificate"},
		{webhook.Options{URL: "https://a.example/", Proxy: "nowhere"}, "proxy"},
		{webhook.Options{URL: "https://a.example/", MaxBody: 5}, "largest body"},
	} {
		x.o.Name = "x"
		_, err := webhook.New(x.o)
		if err == nil || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%+v: %v", x.o, err)
		}
	}
}

// TestTemplate: values are escaped for the type, and what does not work is found at load.
func TestTemplate(t *testing.T) {
	dir := t.TempDir()
	file := func(text string) string {
		f := filepath.Join(dir, fmt.Sprint(len(text), ".tmpl"))
		if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return f
	}
	srv := receiver(t, nil)
	n := notify.Sample(yagura.OpOpen)
	n.Issue.Title = `a "b" \ <c> & d`
	for _, x := range []struct{ template, contentType, want string }{
		{`{{define "body"}}{"t":"{{.Title}}","n":{{.Count}},"l":[{{range $i, $e := .Entities}}{{if $i}},{{end}}"{{$e.ID}}"{{end}}]}{{end}}`, "",
			`{"t":"a \"b\" \\ \u003cc\u003e \u0026 d","n":3,"l":["mary","arn:aws:cloudtrail:eu-central-1:111122223333:trail/main"]}`},
		{`{{define "body"}}title={{.Title}}{{end}}`, "application/x-www-form-urlencoded", `title=a+%22b%22+%5C+%3Cc%3E+%26+d`},
		{`{{define "body"}}<t>{{.Title}}</t>{{end}}`, "application/xml", `<t>a &#34;b&#34; \ &lt;c&gt; &amp; d</t>`},
		{`{{define "body"}}{{.Title}}{{end}}`, "text/plain; charset=utf-8", `a "b" \ <c> & d`},
	} {
		o := local(srv.URL)
		o.Format, o.TemplateFile, o.ContentType = webhook.Template, file(x.template), x.contentType
		deliver(t, sink(t, o), n)
		q := srv.Requests()
		if got := q[len(q)-1]; got.Body != x.want || x.contentType != "" && got.Header.Get("Content-Type") != x.contentType {
			t.Errorf("%s: got %s", x.template, got.Body)
		}
	}
	for _, x := range []struct{ template, want string }{
		{`{{define "body"}}{"t":{{.Title}}}{{end}}`, "between quotes"},
		{`{{define "body"}}{"t":"{{.Titel}}"}{{end}}`, "Titel"},
		{`{{define "bodi"}}{}{{end}}`, "bodi"},
		{`{{define "body"}}{{`, "tmpl"},
	} {
		_, err := webhook.New(webhook.Options{Name: "x", URL: "https://a.example/", Format: webhook.Template, TemplateFile: file(x.template)})
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v", x.template, err)
		}
	}
}

// TestTLS: an authority of one's own, a client certificate, and neither where they are not
// given.
func TestTLS(t *testing.T) {
	certPEM, keyPEM, cert := certificate(t)
	srv := webhooktest.New(func() time.Time { return start }, nil)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	srv.Config.ErrorLog = discard()
	srv.StartTLS()
	defer srv.Close()
	o := webhook.Options{URL: srv.URL + "/", AllowPrivate: true, CA: certPEM, ClientCert: certPEM, ClientKey: keyPEM}
	s := sink(t, o)
	deliver(t, s, notify.Sample(yagura.OpOpen))
	if err := s.Test(t.Context()); err != nil {
		t.Error(err)
	}
	for _, bad := range []webhook.Options{{URL: o.URL, AllowPrivate: true, ClientCert: certPEM, ClientKey: keyPEM}, {URL: o.URL, AllowPrivate: true, CA: certPEM}} {
		if _, err := sink(t, bad).Deliver(t.Context(), notify.Sample(yagura.OpOpen)); err == nil {
			t.Error("delivered without the certificates")
		}
	}
	if n := len(srv.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
	bad := webhook.Options{URL: o.URL, AllowPrivate: true}
	if err := sink(t, bad).Test(t.Context()); err == nil {
		t.Error("an unknown authority passed the test")
	}
}

func certificate(t *testing.T) (certPEM, keyPEM []byte, cert *x509.Certificate) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IPAddresses: loopback, DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	cert, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), cert
}

// TestSlow: an endpoint that does not answer ends with the time-out, and an answer without
// end is not read to it.
func TestSlow(t *testing.T) {
	srv := receiver(t, nil)
	srv.SetFault(func() webhooktest.Fault { return webhooktest.Fault{Hang: true} })
	o := local(srv.URL)
	o.Timeout = 50 * time.Millisecond
	_, err := sink(t, o).Deliver(t.Context(), notify.Sample(yagura.OpOpen))
	if e := (*notify.Error)(nil); !errors.As(err, &e) || e.NotSent || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	deliver(t, sink(t, local(endless.URL)), notify.Sample(yagura.OpOpen))
}

// TestHuge: an issue of any size is a body within the bound, in both forms.
func TestHuge(t *testing.T) {
	n := notify.Sample(yagura.OpOpen)
	for i := range 20000 {
		n.Issue.Entities = append(n.Issue.Entities, yagura.Entity{Type: "ip", ID: fmt.Sprint(i, strings.Repeat("<", 80))})
	}
	n.Finding.Output = strings.Repeat("あ", 1<<20)
	for format, check := range map[string]func([]byte) string{webhook.OCSF: webhooktest.CheckOCSF, webhook.Falcosidekick: webhooktest.CheckFalco} {
		srv := receiver(t, check)
		o := local(srv.URL)
		o.Format, o.MaxBody = format, 16<<10
		deliver(t, sink(t, o), n)
		if q := srv.Requests(); len(q) != 1 || len(q[0].Body) > 16<<10 {
			t.Errorf("%s: %q", format, srv.Refused())
		}
	}
}

// FuzzBody holds all forms to what their receivers take, and to the bound.
func FuzzBody(f *testing.F) {
	f.Add("title", "output", int64(1), uint8(3))
	f.Add("\x00\xff\u202e", strings.Repeat("\x01", 5000), int64(1)<<40, uint8(0))
	f.Add(`"}],{`, "<>&{{.X}}", int64(-1)<<60, uint8(200))
	file := filepath.Join(f.TempDir(), "t.tmpl")
	if err := os.WriteFile(file, []byte(`{{define "body"}}{"t":"{{.Title}}","w":"{{.What}}","c":"{{.Comment}}","e":[{{range $i, $e := .Entities}}{{if $i}},{{end}}"{{$e.ID}}"{{end}}]}{{end}}`), 0o600); err != nil {
		f.Fatal(err)
	}
	var sinks []*webhook.Sink
	for _, o := range []webhook.Options{{Format: webhook.OCSF}, {Format: webhook.Falcosidekick}, {Format: webhook.Template, TemplateFile: file}} {
		o.Name, o.URL, o.MaxBody = "x", "https://a.example/", 256<<10
		s, err := webhook.New(o)
		if err != nil {
			f.Fatal(err)
		}
		sinks = append(sinks, s)
	}
	checks := []func([]byte) string{webhooktest.CheckOCSF, webhooktest.CheckFalco, func(b []byte) string {
		if !json.Valid(b) {
			return "not JSON"
		}
		return ""
	}}
	f.Fuzz(func(t *testing.T, a, b string, at int64, n uint8) {
		a, b = a[:min(len(a), 300)], b[:min(len(b), 300)] // sizes have a test of their own
		no := notify.Sample(yagura.OpComment)
		no.Issue.Title, no.Issue.CauseKey, no.Entry.Text, no.Text, no.Finding.Output, no.Issue.Account = a, b, a, b, a+b, b
		no.Issue.Rule.Title, no.Issue.Conclusion, no.Issue.Assignee = a, yagura.Conclusion(b), a
		no.Issue.LastSeen, no.Finding.Time, no.Created = time.Unix(at, 0), time.Unix(at, 0), time.Unix(at, 0)
		for range n % 20 {
			no.Issue.Entities = append(no.Issue.Entities, yagura.Entity{Type: a, ID: b})
			no.Finding.Why = append(no.Finding.Why, yagura.Why{Field: a, Actual: b})
		}
		for i, s := range sinks {
			body, err := s.Body(no)
			if err != nil || len(body) > 256<<10 {
				t.Fatalf("%d bytes: %v", len(body), err)
			}
			if why := checks[i](body); why != "" {
				t.Fatalf("%s: %.500s", why, body)
			}
		}
	})
}
