package push

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// snsWeb fetches what messages of SNS point to: certificates and confirmations. It
// goes to the hosts of SNS and of the authority that issues its certificates, nowhere
// else, follows no redirects and reads little.
type snsWeb struct {
	client *http.Client
	roots  *x509.CertPool
	now    func() time.Time

	mu      sync.Mutex
	certs   map[string]*snsCert // by URL
	spent   int                 // fetches since
	since   time.Time
	fetches chan struct{} // how many at a time
}

type snsCert struct {
	ready chan struct{} // closed when it was fetched
	cert  *x509.Certificate
	err   error
	used  time.Time
	until time.Time // an error is asked about again, a certificate is checked again
}

// Bounds on what strangers can make us fetch: they name a certificate of their choice
// in a message that is then found not to be signed by it.
const (
	maxCerts       = 64
	fetchesAMinute = 60
	fetchBytes     = 64 << 10
	fetchWithin    = 5 * time.Second
	certFresh      = 24 * time.Hour
	certFailed     = time.Minute
)

func newSNSWeb(o SNSOptions) *snsWeb {
	dial := o.Dial
	if dial == nil {
		dial = guardedDialer(o.Private)
	}
	transport := &http.Transport{
		DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: fetchWithin, ResponseHeaderTimeout: fetchWithin, MaxResponseHeaderBytes: 16 << 10,
		MaxConnsPerHost: 4, MaxIdleConns: 4, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true,
	}
	return &snsWeb{
		client: &http.Client{Transport: transport, Timeout: fetchWithin, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		roots:  o.Roots, now: o.Now, certs: map[string]*snsCert{}, fetches: make(chan struct{}, 4),
	}
}

// wrongURL is an address that is not one of SNS.
type wrongURL struct{ reason string }

func (w *wrongURL) Error() string { return w.reason }

var certPath = regexp.MustCompile(`^/SimpleNotificationService-[0-9a-fA-F]{16,64}\.pem$`)

// pinned reads an address and holds it to the host of the topic.
func pinned(raw string, topic arn) (*url.URL, error) {
	if len(raw) > 2048 {
		return nil, &wrongURL{"it is too long"}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, &wrongURL{"it cannot be read"}
	}
	switch {
	case u.Scheme != "https":
		return nil, &wrongURL{"it is not https"}
	case u.User != nil:
		return nil, &wrongURL{"it has a user"}
	case u.Host != topic.host(): // with a port, if there were one
		return nil, &wrongURL{"its host is not " + topic.host()}
	case u.Fragment != "" || u.Opaque != "":
		return nil, &wrongURL{"it has more than a path and a query"}
	}
	return u, nil
}

// certificate returns the certificate at an address: pinned to its host, of SNS, valid
// now, and issued by an authority that is trusted.
func (w *snsWeb) certificate(ctx context.Context, raw string, topic arn) (*x509.Certificate, error) {
	u, err := pinned(raw, topic)
	if err != nil {
		return nil, err
	}
	if u.RawQuery != "" || u.ForceQuery || u.RawPath != "" || !certPath.MatchString(u.Path) {
		return nil, &wrongURL{"its path is not that of a certificate"}
	}
	address := "https://" + topic.host() + u.Path
	now := w.now()
	w.mu.Lock()
	c := w.certs[address]
	if c != nil {
		select {
		case <-c.ready:
			if now.After(c.until) {
				c = nil
			}
		default:
		}
	}
	mine := c == nil
	if mine {
		if now.Sub(w.since) >= time.Minute || now.Before(w.since) {
			w.since, w.spent = now, 0
		}
		if w.spent++; w.spent > fetchesAMinute {
			w.mu.Unlock()
			return nil, errors.New("too many certificates were asked for in this minute")
		}
		w.room()
		c = &snsCert{ready: make(chan struct{}), used: now}
		w.certs[address] = c
	}
	c.used = now
	w.mu.Unlock()
	if mine {
		// The fetch is everybody's who waits for it, so it does not end with one request.
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*fetchWithin)
			defer cancel()
			cert, err := w.fetch(ctx, address, topic)
			until := w.now().Add(certFresh)
			if err != nil {
				until = w.now().Add(certFailed)
			} else if cert.NotAfter.Before(until) {
				until = cert.NotAfter
			}
			w.mu.Lock()
			c.cert, c.err, c.until = cert, err, until
			w.mu.Unlock()
			close(c.ready)
		}()
	}
	select {
	case <-c.ready:
		return c.cert, c.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// room forgets what failed, and then what was not used for longest: a stranger's
// addresses fail, and so do not push out what is good.
func (w *snsWeb) room() {
	for len(w.certs) >= maxCerts {
		var oldest string
		var at time.Time
		failed := false
		for address, c := range w.certs {
			select {
			case <-c.ready:
			default:
				continue
			}
			bad := c.err != nil
			if oldest == "" || bad && !failed || bad == failed && c.used.Before(at) {
				oldest, at, failed = address, c.used, bad
			}
		}
		if oldest == "" {
			return // all are being fetched, and those are few
		}
		delete(w.certs, oldest)
	}
}

func (w *snsWeb) fetch(ctx context.Context, address string, topic arn) (*x509.Certificate, error) {
	select {
	case w.fetches <- struct{}{}:
		defer func() { <-w.fetches }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	body, state, err := w.get(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("fetch the certificate: %w", err)
	}
	var leaf *x509.Certificate
	between := x509.NewCertPool()
	for range 8 {
		var block *pem.Block
		if block, body = pem.Decode(body); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, errors.New("the certificate: there is something else beside it")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("the certificate: %w", err)
		}
		if leaf == nil {
			leaf = c
		} else {
			between.AddCert(c)
		}
	}
	if leaf == nil {
		return nil, errors.New("the certificate: there is none")
	}
	// The file has the certificate alone; whoever issued it has mostly issued that of the
	// server, too, and is fetched where not.
	if state != nil {
		for _, c := range state.PeerCertificates[min(1, len(state.PeerCertificates)):] {
			between.AddCert(c)
		}
	}
	if !ofSNS(leaf, topic) {
		return nil, errors.New("the certificate is not one of SNS")
	}
	return leaf, w.trust(ctx, leaf, between)
}

// ofSNS says whether a certificate is for SNS: "sns.amazonaws.com",
// "sns-us-gov-west-1.amazonaws.com" or "sns-signing.ap-east-1.amazonaws.com".
func ofSNS(leaf *x509.Certificate, topic arn) bool {
	names := leaf.DNSNames
	if len(names) == 0 {
		names = []string{leaf.Subject.CommonName}
	}
	for _, name := range names {
		head, ok := strings.CutSuffix(strings.ToLower(name), "."+snsSuffix[topic.partition])
		if !ok {
			continue
		}
		region, signing := strings.CutPrefix(head, "sns-signing.")
		if !signing {
			if region, signing = strings.CutPrefix(head, "sns-"); !signing {
				region, signing = strings.CutPrefix(head, "sns.")
			}
		}
		if head == "sns" || signing && regionForm.MatchString(region) {
			return true
		}
	}
	return false
}

// issuerHost is where Amazon's authority keeps the certificates it issues with.
var issuerHost = regexp.MustCompile(`^crt\.[a-z0-9-]{1,32}\.amazontrust\.com$`)

// trust builds the chain to an authority, fetching what is missing in between.
func (w *snsWeb) trust(ctx context.Context, leaf *x509.Certificate, between *x509.CertPool) error {
	at := leaf
	for range 3 {
		_, err := leaf.Verify(x509.VerifyOptions{Roots: w.roots, Intermediates: between, CurrentTime: w.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown {
			return err
		}
		next, ferr := w.issuer(ctx, at)
		if ferr != nil {
			return fmt.Errorf("%w; its issuer: %w", err, ferr)
		}
		between.AddCert(next)
		at = next
	}
	return errors.New("the certificate: its chain is too long")
}

func (w *snsWeb) issuer(ctx context.Context, c *x509.Certificate) (*x509.Certificate, error) {
	for _, raw := range c.IssuingCertificateURL {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || !issuerHost.MatchString(u.Host) || u.RawQuery != "" {
			continue
		}
		body, _, err := w.get(ctx, u.Scheme+"://"+u.Host+u.EscapedPath())
		if err != nil {
			return nil, err
		}
		if block, _ := pem.Decode(body); block != nil {
			body = block.Bytes
		}
		return x509.ParseCertificate(body)
	}
	return nil, errors.New("it does not say where to find it")
}

// get fetches little from an address that was judged.
func (w *snsWeb) get(ctx context.Context, address string) ([]byte, *tls.ConnectionState, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("User-Agent", "yagura")
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, nil, hideQuery(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it is only read
	if resp.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("%s answered %s", req.URL.Host, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, fetchBytes+1))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", req.URL.Host, err)
	}
	if len(body) > fetchBytes {
		return nil, nil, fmt.Errorf("%s answered more than %d bytes", req.URL.Host, fetchBytes)
	}
	return body, resp.TLS, nil
}

// hideQuery takes the address out of an error: it may have a token.
func hideQuery(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// confirm confirms a subscription. The address is made anew of what was signed.
func (w *snsWeb) confirm(ctx context.Context, m *snsMessage, topic arn) error {
	u, err := pinned(m.SubscribeURL, topic)
	if err != nil {
		return err
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil || u.Path != "" && u.Path != "/" {
		return &wrongURL{"its path or query is not that of a confirmation"}
	}
	for name, values := range q {
		want, ok := map[string]string{"Action": "ConfirmSubscription", "TopicArn": m.TopicArn, "Token": m.Token}[name]
		if !ok || len(values) != 1 || values[0] != want {
			return &wrongURL{"its query is not that of a confirmation of this topic"}
		}
	}
	if len(q) != 3 {
		return &wrongURL{"its query is not that of a confirmation"}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*fetchWithin)
	defer cancel()
	_, _, err = w.get(ctx, "https://"+topic.host()+"/?"+q.Encode())
	return err
}
