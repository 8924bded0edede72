package webhook

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/yagura-sec/yagura/notify"
)

// The bodies.
const (
	OCSF          = "ocsf"
	Falcosidekick = "falcosidekick"
	Template      = "template"
)

// Options configure a sink.
type Options struct {
	Name string // in the configuration
	URL  string // https, and http where AllowHTTP is set
	// Format is one of the bodies, "" is [OCSF].
	Format string
	// Keys sign: whsec_ (HMAC-SHA256) or whsk_ (Ed25519), several while keys are rotated.
	Keys []string
	// Headers are sent with every request; their values are secrets.
	Headers map[string]string
	// ClientCert and ClientKey (PEM) are shown to the endpoint; CA (PEM) replaces the
	// authorities that its certificate may come from.
	ClientCert, ClientKey, CA []byte
	// AllowHTTP sends in the clear. AllowPrivate connects to private, loopback and
	// link-local addresses, though never to the metadata services of clouds.
	AllowHTTP, AllowPrivate bool
	// Proxy is the URL of a proxy; "" connects directly. Where a proxy looks names up, only
	// the proxy can keep requests from private addresses.
	Proxy string
	// TemplateFile holds {{define "body"}}…{{end}}, ContentType is what it makes
	// ("" application/json). What it prints of a notice is escaped for that type.
	TemplateFile, ContentType string
	MaxBody                   int // bytes (0: 512 KB)
	Lang                      notify.Lang
	Version                   string                      // of the product
	Link                      func(issueID string) string // to an issue's page; nil gives none
	Timeout                   time.Duration               // of one request (0: 20 s)
	Now                       func() time.Time            // nil: time.Now
}

const smallestBody = 16 << 10

// taken are headers that are set here.
var taken = []string{"Content-Type", "Content-Length", "User-Agent", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature",
	"Transfer-Encoding", "Connection", "Trailer", "Te", "Upgrade", "Idempotency-Key", "X-Idempotency-Key", "Expect", "Accept-Encoding"}

// check refuses what cannot work. No error shows the path of the URL, a key or a header's
// value: any of them may be a secret.
func (o *Options) check() (*url.URL, error) {
	o.Format = cmp.Or(o.Format, OCSF)
	o.ContentType = cmp.Or(o.ContentType, "application/json")
	o.MaxBody = cmp.Or(o.MaxBody, 512<<10)
	o.Timeout = cmp.Or(o.Timeout, 20*time.Second)
	o.Version = cmp.Or(o.Version, "unknown")
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Name == "" {
		return nil, errors.New("a sink needs a name")
	}
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return nil, errors.New("url: want https://host/path")
	case u.User != nil:
		return nil, errors.New("url: a password does not belong there (hint: set a header Authorization)")
	case u.Fragment != "":
		return nil, errors.New("url: the part behind # is never sent")
	case u.Scheme == "http" && !o.AllowHTTP:
		return nil, errors.New("url: http sends in the clear (hint: use https, or set allow_http)")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("url: scheme %q: want https", u.Scheme)
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		if why := refused(a, o.AllowPrivate); why != "" {
			return nil, fmt.Errorf("url: %s is %s (hint: set allow_private for an endpoint of your own)", a, why)
		}
	}
	if !slices.Contains([]string{OCSF, Falcosidekick, Template}, o.Format) {
		return nil, fmt.Errorf("format %q: want ocsf, falcosidekick or template", o.Format)
	}
	if (o.TemplateFile != "") != (o.Format == Template) {
		return nil, errors.New("a template file and format template belong together")
	}
	if o.MaxBody < smallestBody {
		return nil, fmt.Errorf("largest body %d: want at least %d bytes", o.MaxBody, smallestBody)
	}
	if !httpguts.ValidHeaderFieldValue(o.ContentType) || !httpguts.ValidHeaderFieldValue(o.Version) {
		return nil, errors.New("content type or version: not fit for a header")
	}
	for name, value := range o.Headers {
		switch canonical := http.CanonicalHeaderKey(name); {
		case !httpguts.ValidHeaderFieldName(name):
			return nil, fmt.Errorf("header %q: not a name", name)
		case slices.Contains(taken, canonical):
			return nil, fmt.Errorf("header %s is set by the sink", canonical)
		case !httpguts.ValidHeaderFieldValue(value):
			return nil, fmt.Errorf("header %s: the value has characters that do not fit a header", canonical)
		}
	}
	return u, nil
}

// transport connects as the options say.
func (o *Options) transport() (*http.Transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(o.ClientCert) > 0 || len(o.ClientKey) > 0 {
		pair, err := tls.X509KeyPair(o.ClientCert, o.ClientKey)
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if len(o.CA) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(o.CA) {
			return nil, errors.New("ca: there is no PEM certificate in it")
		}
	}
	t := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, DisableCompression: true,
		MaxIdleConnsPerHost: 8, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10}
	private := o.AllowPrivate
	if o.Proxy != "" {
		p, err := url.Parse(o.Proxy)
		if err != nil || p.Host == "" || p.Scheme != "http" && p.Scheme != "https" && p.Scheme != "socks5" && p.Scheme != "socks5h" {
			return nil, errors.New("proxy: want http://host:port, https:// or socks5://")
		}
		t.Proxy = http.ProxyURL(p)
		private = true // a proxy stands in our own network; its address was given by name
	}
	t.DialContext = guard(private).DialContext
	return t, nil
}

// secrets are texts that no error may show.
func (o *Options) secrets() []string {
	var out []string
	add := func(s string) {
		if len(s) >= 4 {
			out = append(out, s)
		}
	}
	for _, k := range o.Keys {
		add(k)
		add(strings.TrimPrefix(strings.TrimPrefix(k, "whsec_"), "whsk_"))
	}
	for _, v := range o.Headers {
		add(v)
		if _, token, ok := strings.Cut(v, " "); ok {
			add(token)
		}
	}
	if u, err := url.Parse(o.URL); err == nil {
		add(u.RequestURI())
		for part := range strings.SplitSeq(u.Path, "/") {
			if len(part) >= 16 {
				add(part)
			}
		}
		for _, values := range u.Query() {
			for _, v := range values {
				add(v)
			}
		}
	}
	if p, err := url.Parse(o.Proxy); err == nil && p.User != nil {
		password, _ := p.User.Password()
		add(password)
	}
	// The longest first, so that none is left in part.
	slices.SortFunc(out, func(a, b string) int { return len(b) - len(a) })
	return out
}
