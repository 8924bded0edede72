package flow

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/yagura-sec/yagura/bound"
)

// Bounds of what is fetched from a provider.
const (
	FetchWithin = 10 * time.Second
	MaxDocument = 1 << 20
)

// FetchOptions say where a provider may be.
type FetchOptions struct {
	// Private lets a provider be on loopback or in a private network. Without it a document
	// of the provider can send this server to no address inside.
	Private bool
	Roots   *x509.CertPool // nil: those of the system
}

// Client returns a client for documents of providers: https alone (http on loopback, where
// that is allowed), no redirects, no more than [MaxDocument] bytes, no longer than
// [FetchWithin], and no address inside unless the options say so.
func Client(o FetchOptions) *http.Client {
	var proxies sync.Map
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	t := &http.Transport{
		Proxy: func(r *http.Request) (*url.URL, error) {
			u, err := http.ProxyFromEnvironment(r)
			if u != nil {
				proxies.Store(u.Hostname(), true)
			}
			return u, err
		},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			d := *dialer
			if _, ok := proxies.Load(host); !ok {
				// The address is looked at after the name was resolved, so that a name
				// cannot mean one thing to the check and another to the connection.
				d.Control = func(_, address string, _ syscall.RawConn) error {
					to, err := netip.ParseAddrPort(address)
					if err != nil {
						return err
					}
					return mayDial(to.Addr(), o.Private)
				}
			}
			return d.DialContext(ctx, network, addr)
		},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots},
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    5 * time.Second,
		ResponseHeaderTimeout:  FetchWithin,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConns:           4,
		IdleConnTimeout:        30 * time.Second,
	}
	return &http.Client{
		Transport: &bounded{next: t, private: o.Private},
		Timeout:   FetchWithin,
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			return fmt.Errorf("it sends elsewhere, to %s://%s (hint: enter the address that it is at)", r.URL.Scheme, r.URL.Host)
		},
	}
}

// CheckURL says whether an address of a provider may be spoken to, as far as its text tells.
func CheckURL(u *url.URL, private bool) error {
	host := u.Hostname()
	switch {
	case host == "":
		return fmt.Errorf("%q is not the address of a server", u.String())
	case u.User != nil:
		return errors.New("an address with a name and a password in it is not used")
	case u.Scheme == "https":
	case u.Scheme == "http" && private && loopbackName(host):
	case u.Scheme == "http":
		return fmt.Errorf("%s is not https", u.Redacted())
	default:
		return fmt.Errorf("%q is not an https address", u.Redacted())
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return mayDial(a, private)
	}
	return nil
}

type bounded struct {
	next    http.RoundTripper
	private bool
}

// RoundTrip checks the address, and bounds the answer.
func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := CheckURL(r.URL, b.private); err != nil {
		return nil, err
	}
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.ContentLength > MaxDocument {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("the answer has %d bytes, more than %d", resp.ContentLength, MaxDocument)
	}
	resp.Body = bound.Body(resp.Body, MaxDocument)
	return resp, nil
}

var (
	shared = netip.MustParsePrefix("100.64.0.0/10")
	imds6  = netip.MustParseAddr("fd00:ec2::254")
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
)

// mayDial says whether an address may be spoken to. What gives out credentials of the machine
// is never spoken to.
func mayDial(a netip.Addr, private bool) error {
	a = a.Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	switch {
	case !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || a == imds6 || a == netip.MustParseAddr("100.100.100.200"):
		return fmt.Errorf("%s is no address of an identity provider", a)
	case !private && (a.IsLoopback() || a.IsPrivate() || shared.Contains(a)):
		return fmt.Errorf("%s is an address inside (hint: allow_private: true, where the provider is in your own network)", a)
	}
	return nil
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// Fetch gets a document.
func Fetch(ctx context.Context, c *http.Client, address, accept string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	resp, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", resp.Request.URL.Redacted(), resp.Status)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", resp.Request.URL.Redacted(), err)
	}
	return body, nil
}
