package webhook

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/yagura-sec/yagura/notify"
)

// connect proves that the endpoint can be reached and trusted.
func (s *Sink) connect(ctx context.Context, t *http.Transport, u *url.URL) error {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	failed := func(err error) error {
		return &notify.Error{NotSent: true, All: true, Err: fmt.Errorf("webhook %s: %s: %w", s.o.Name, s.target, s.bare(err))}
	}
	conn, err := t.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return failed(err)
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	if u.Scheme != "https" {
		return nil
	}
	config := t.TLSClientConfig.Clone()
	config.ServerName = u.Hostname()
	if err := tls.Client(conn, config).HandshakeContext(ctx); err != nil {
		return failed(err)
	}
	return nil
}
