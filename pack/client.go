package pack

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/yagura-sec/yagura/bound"
	"oras.land/oras-go/v2/registry/remote/retry"
)

// maxRedirects is how many redirects are followed: a repository that moved answers with one.
const maxRedirects = 5

// newClient makes the client of all requests: it tries again what may pass, does not go
// from HTTPS to HTTP, and reads no more than a pack may have.
func newClient() *http.Client {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.ResponseHeaderTimeout = 2 * time.Minute
	return &http.Client{
		Transport: guard{retry.NewTransport(base)},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			switch {
			case len(via) > maxRedirects:
				return fmt.Errorf("more than %d redirects", maxRedirects)
			case via[0].URL.Scheme == "https" && req.URL.Scheme != "https":
				return errors.New("a redirect from https to " + req.URL.Scheme)
			}
			return nil
		},
	}
}

// guard speaks HTTPS, plain HTTP to this machine alone, and bounds what an answer may have.
type guard struct{ next http.RoundTripper }

func (g guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" && !thisMachine(req.URL.Host) {
		return nil, fmt.Errorf("%s is asked over plain HTTP, where anybody may change what it says (hint: use https)", req.URL.Host)
	}
	resp, err := g.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = bound.Body(resp.Body, maxDownload)
	return resp, nil
}

// thisMachine says whether a host, with a port or without, is a loopback address.
func thisMachine(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
