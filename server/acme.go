package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ACME gets the server's certificate from an authority (RFC 8555), and renews it. Whoever sets
// it up has agreed to the authority's terms.
type ACME struct {
	Hosts     []string // names of the server; no other is asked for
	Email     string
	Directory string // "" is Let's Encrypt
	Dir       string // folder for the account's key and the certificates
	// HTTP is host:port of a second listener for the challenge HTTP-01, which sends everything
	// else to https; "" leaves TLS-ALPN-01 on the server's own port alone.
	HTTP   string
	CAFile string // authorities that the directory's own certificate is checked against
}

// authority is the certificate by ACME of a server.
type authority struct {
	o      Options
	m      *autocert.Manager
	base   *tls.Config
	second net.Listener // nil without HTTP
}

func newAuthority(o Options) (*authority, error) {
	a := o.ACME
	if len(a.Hosts) == 0 || a.Dir == "" {
		return nil, errors.New("acme: want names of the server and a folder")
	}
	if err := os.MkdirAll(a.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("acme: %w", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if a.CAFile != "" {
		roots, err := pool(a.CAFile)
		if err != nil {
			return nil, fmt.Errorf("acme: %w", err)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	directory := a.Directory
	if directory == "" {
		directory = acme.LetsEncryptURL
	}
	m := &autocert.Manager{Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(a.Dir), HostPolicy: autocert.HostWhitelist(a.Hosts...), Email: a.Email,
		Client: &acme.Client{DirectoryURL: directory, UserAgent: "yagura", HTTPClient: &http.Client{Transport: transport, Timeout: time.Minute}}}
	c := &tls.Config{GetCertificate: m.GetCertificate, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1", acme.ALPNProto}}
	if err := clients(c, o, nil); err != nil {
		return nil, err
	}
	out := &authority{o: o, m: m, base: c}
	if a.HTTP != "" {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", a.HTTP)
		if err != nil {
			return nil, fmt.Errorf("acme: %w", err)
		}
		out.second = limit(l, 64, 16)
		// From here on the manager answers HTTP-01.
		_ = m.HTTPHandler(nil)
	}
	return out, nil
}

// config is what the listener starts from. The authority shows no client certificate when it
// looks at the challenge, and gets no further than the handshake.
func (a *authority) config(srv *http.Server) *tls.Config {
	base := a.base.Clone()
	challenge := a.base.Clone()
	challenge.ClientAuth, challenge.ClientCAs, challenge.NextProtos = tls.NoClientCert, nil, []string{acme.ALPNProto}
	base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}) {
			return challenge, nil
		}
		return nil, nil
	}
	srv.TLSConfig = base
	return base
}

// run serves the second listener, and has the certificates be got at once, so that what is wrong
// is said at the start and not to the first visitor. It returns when ctx ends.
func (a *authority) run(ctx context.Context) {
	if a.second != nil {
		srv := &http.Server{Handler: portless(a.m.HTTPHandler(nil)), ReadHeaderTimeout: a.o.HeaderWithin, ReadTimeout: a.o.HeaderWithin, WriteTimeout: a.o.HeaderWithin,
			MaxHeaderBytes: a.o.MaxHeader, ErrorLog: quiet(a.o.Logger)}
		go func() { _ = srv.Serve(a.second) }()
		defer srv.Close() //nolint:errcheck // nothing is under way that matters
	}
	go a.warm(ctx) // an authority takes its time; the stop does not wait for it
	<-ctx.Done()
}

// warm gets the certificates of all hosts.
func (a *authority) warm(ctx context.Context) {
	for _, host := range a.o.ACME.Hosts {
		if _, err := a.m.GetCertificate(&tls.ClientHelloInfo{ServerName: host, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
			SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedCurves: []tls.CurveID{tls.CurveP256}}); err != nil && ctx.Err() == nil {
			a.o.Logger.Error("the certificate of a host cannot be got by ACME; it is tried again when somebody connects", slog.String("host", host), slog.String("error", err.Error()))
		}
	}
}

// portless drops the port that Host has where the listener's is not the usual one: the manager
// compares names alone.
func portless(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, err := net.SplitHostPort(r.Host); err == nil {
			r.Host = host
		}
		h.ServeHTTP(w, r)
	})
}

func (a *authority) close() error {
	if a.second == nil {
		return nil
	}
	return a.second.Close()
}

func pool(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: no certificate in it", file)
	}
	return p, nil
}

// clients has a configuration ask for certificates of clients, of the authorities in text, or
// where it is nil of those in the file.
func clients(c *tls.Config, o Options, text []byte) error {
	if o.ClientCAFile == "" {
		return nil
	}
	if text == nil {
		var err error
		if text, err = os.ReadFile(o.ClientCAFile); err != nil {
			return err
		}
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(text) {
		return fmt.Errorf("%s: no certificate in it", o.ClientCAFile)
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	if o.ClientOptional {
		c.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return nil
}
