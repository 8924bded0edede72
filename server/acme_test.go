package server

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"golang.org/x/net/dns/dnsmessage"
)

// names answers every question for an address with 127.0.0.1, over TCP.
func names(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close() //nolint:errcheck // the question is answered
				for answer(c) == nil {
				}
			}()
		}
	}()
	return l.Addr().String()
}

func answer(c net.Conn) error {
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return err
	}
	buf := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(c, buf); err != nil {
		return err
	}
	var m dnsmessage.Message
	if err := m.Unpack(buf); err != nil {
		return err
	}
	m.Response, m.Additionals = true, nil
	for _, q := range m.Questions {
		if q.Type == dnsmessage.TypeA {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}})
		}
	}
	out, err := m.Pack()
	if err != nil {
		return err
	}
	_, err = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...))
	return err
}

// pebble is Let's Encrypt's own ACME server for tests. It looks at challenges on the ports that
// follow says, once they are known.
type pebble struct {
	directory, ca string
	handler       atomic.Pointer[http.Handler]
	root          func() *x509.CertPool
	follow        func(httpPort, tlsPort int)
	mu            sync.Mutex
	asked         []string
}

func newPebble(t *testing.T) *pebble {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0") // it rejects some by chance, and the client waits
	p := &pebble{}
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked = append(p.asked, r.URL.Path)
		p.mu.Unlock()
		(*p.handler.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	p.directory = web.URL + wfe.DirectoryPath
	p.ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(p.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	quiet := log.New(io.Discard, "", 0)
	memory := db.NewMemoryStore()
	authority := ca.New(quiet, memory, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "default"}})
	p.root = func() *x509.CertPool {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(authority.GetRootCert(0).PEM())
		return pool
	}
	resolver := names(t)
	p.follow = func(httpPort, tlsPort int) {
		front := wfe.New(quiet, memory, va.New(quiet, httpPort, tlsPort, true, resolver, memory), authority, []string{"pebble.letsencrypt.org"}, true, false, 0, 0)
		h := front.Handler()
		p.handler.Store(&h)
	}
	return p
}

func (p *pebble) orders() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, path := range p.asked {
		if strings.HasSuffix(path, "/order-plz") {
			n++
		}
	}
	return n
}

func port(t *testing.T, addr string) int {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return a.Port
}

// patience is for the first visitor, whose handshake waits for the certificate.
const patience = time.Minute

// visit asks the server for a page under a name, and trusts the test's authority alone.
func visit(s *Server, roots *x509.CertPool, name string) (string, error) {
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name}, ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	r, err := (&http.Client{Transport: tr}).Get("https://" + s.Addr())
	if err != nil {
		return "", err
	}
	defer r.Body.Close() //nolint:errcheck // it is read
	b, err := io.ReadAll(r.Body)
	return string(b), err
}

// TestACME: a certificate comes from an authority on the server's own port, is kept over a
// restart, and no other name gets one; also where the server asks clients for certificates.
func TestACME(t *testing.T) {
	p := newPebble(t)
	dir, clientCA := filepath.Join(t.TempDir(), "acme"), t.TempDir()
	certificate(t, clientCA, "clients")
	o := Options{HeaderWithin: patience, ACME: &ACME{Hosts: []string{"yagura.example.com"}, Email: "ops@example.com", Directory: p.directory, Dir: dir, CAFile: p.ca},
		ClientCAFile: filepath.Join(clientCA, "tls.crt"), ClientOptional: true}
	s, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	p.follow(1, port(t, s.Addr())) // nothing answers on port 1
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	o.Addr = s.Addr()
	s, stop := start(t, o, ok)
	if got, err := visit(s, p.root(), "yagura.example.com"); err != nil || got != "HTTP/2.0" {
		t.Fatalf("%q, %v", got, err)
	}
	if _, err := visit(s, p.root(), "evil.example.com"); err == nil {
		t.Error("a name that nobody set up has a certificate")
	}
	if _, err := visit(s, x509.NewCertPool(), "yagura.example.com"); err == nil {
		t.Error("the certificate is trusted by everybody")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	before := p.orders()
	if before == 0 {
		t.Fatalf("nothing was ordered: %q", p.asked)
	}
	s, _ = start(t, o, ok)
	if _, err := visit(s, p.root(), "yagura.example.com"); err != nil {
		t.Error(err)
	}
	if p.orders() != before {
		t.Error("the certificate was ordered again after a restart")
	}
}

// TestACMEOverHTTP: where the TLS port cannot be reached by the authority, the second listener
// answers its challenge; everybody else is sent to https.
func TestACMEOverHTTP(t *testing.T) {
	p := newPebble(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	second := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p.follow(port(t, second), 1)
	s, _ := start(t, Options{HeaderWithin: patience, ACME: &ACME{Hosts: []string{"yagura.example.com"}, Directory: p.directory, Dir: t.TempDir(), CAFile: p.ca, HTTP: second}}, ok)
	if got, err := visit(s, p.root(), "yagura.example.com"); err != nil || got != "HTTP/2.0" {
		t.Fatalf("%q, %v", got, err)
	}
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := http.NewRequest("GET", "http://"+second+"/issues?q=x", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "yagura.example.com"
	a, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close() //nolint:errcheck // it is not read
	if a.StatusCode != http.StatusFound || a.Header.Get("Location") != "https://yagura.example.com/issues?q=x" {
		t.Errorf("%s %s", a.Status, a.Header.Get("Location"))
	}
}

// TestACMEOptions: what cannot work is refused before anything listens.
func TestACMEOptions(t *testing.T) {
	for i, o := range []Options{
		{ACME: &ACME{}},
		{ACME: &ACME{Hosts: []string{"a.example.com"}}},
		{ACME: &ACME{Hosts: []string{"a.example.com"}, Dir: t.TempDir(), CAFile: "none"}},
		{ACME: &ACME{Hosts: []string{"a.example.com"}, Dir: t.TempDir(), HTTP: "256.0.0.1:1"}},
		{ACME: &ACME{Hosts: []string{"a.example.com"}, Dir: t.TempDir()}, ClientCAFile: "none"},
		{ACME: &ACME{Hosts: []string{"a.example.com"}, Dir: t.TempDir()}, CertFile: "a", KeyFile: "b"},
		{ACME: &ACME{Hosts: []string{"a.example.com"}, Dir: filepath.Join(os.DevNull, "x")}},
	} {
		if s, err := Listen(o); err == nil {
			_ = s.Close()
			t.Error(fmt.Sprint(i, " is taken"))
		}
	}
}
