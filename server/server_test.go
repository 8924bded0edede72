package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// start serves until the test ends, or stop is called; stop returns what Serve says.
func start(t *testing.T, o Options, h http.Handler) (*Server, func() error) {
	t.Helper()
	s, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, h) }()
	stop := sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return s, stop
}

var ok = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })

func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSlowHeader(t *testing.T) {
	s, _ := start(t, Options{HeaderWithin: 100 * time.Millisecond}, ok)
	c := dial(t, s)
	if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nX-A: "); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(c); err != nil || bytes.Contains(b, []byte(" 200 ")) {
		t.Errorf("got %q, %v; want the connection to be closed", b, err)
	}
}

// TestUnreadBody: a request that is answered without its body gets the answer at once, though
// its body trickles on; one whose body is there keeps its connection.
func TestUnreadBody(t *testing.T) {
	s, _ := start(t, Options{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	for _, length := range []string{"Content-Length: 1000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n3e8\r\n"} {
		c := dial(t, s)
		if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\n"+length+"{"); err != nil {
			t.Fatal(err)
		}
		r, err := http.ReadResponse(bufio.NewReader(c), nil) // within the 10 s of dial
		if err != nil || r.StatusCode != http.StatusUnauthorized || !r.Close {
			t.Errorf("%q: %+v, %v", length, r, err)
		}
	}
	c := dial(t, s)
	in := bufio.NewReader(c)
	for range 2 {
		if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
			t.Fatal(err)
		}
		if r, err := http.ReadResponse(in, nil); err != nil || r.StatusCode != http.StatusUnauthorized || r.Close {
			t.Fatalf("a whole body: %+v, %v", r, err)
		}
		// The connection stays for longer than the rest of a body may take.
		_ = c.SetReadDeadline(time.Now().Add(restWithin + 100*time.Millisecond))
		if _, err := in.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the connection ended: %v", err)
		}
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	}
}

func TestLargeHeader(t *testing.T) {
	s, _ := start(t, Options{}, ok)
	c := dial(t, s)
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX-A: "+strings.Repeat("x", 64<<10)+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || r.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %v, %v", r, err)
	}
}

func TestConnections(t *testing.T) {
	s, _ := start(t, Options{MaxConns: 3, MaxConnsPerAddr: 2}, ok)
	get := func(c net.Conn) error {
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return err
		}
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil {
			_, err = io.Copy(io.Discard, r.Body)
		}
		return err
	}
	a, b := dial(t, s), dial(t, s)
	if err := errors.Join(get(a), get(b)); err != nil {
		t.Fatal(err)
	}
	if err := get(dial(t, s)); err == nil {
		t.Error("a third connection from one address is served")
	}
	if err := errors.Join(get(a), a.Close()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); ; {
		if get(dial(t, s)) == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no room after one has left")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestPanic(t *testing.T) {
	var said bytes.Buffer
	s, stop := start(t, Options{Logger: slog.New(slog.NewTextHandler(&said, nil))}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh") }))
	r, err := http.Get("http://" + s.Addr())
	if err != nil || r.StatusCode != 500 {
		t.Errorf("got %v, %v", r, err)
	}
	if err := stop(); err != nil || !strings.Contains(said.String(), "panicked") || !strings.Contains(said.String(), "server_test.go") {
		t.Errorf("%v: said %s", err, &said)
	}
}

// TestStop lets a request finish that is under way, and takes no other.
func TestStop(t *testing.T) {
	in, out := make(chan struct{}), make(chan struct{})
	s, stop := start(t, Options{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(in)
		<-out
		if r.Context().Err() != nil {
			w.WriteHeader(500)
		}
	}))
	got := make(chan int, 1)
	go func() {
		r, err := http.Get("http://" + s.Addr())
		if err != nil {
			got <- 0
			return
		}
		got <- r.StatusCode
	}()
	<-in
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for {
		c, err := net.Dial("tcp", s.Addr())
		if err != nil {
			break
		}
		_ = c.Close()
		time.Sleep(time.Millisecond)
	}
	close(out)
	if status, err := <-got, <-stopped; status != 200 || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
}

func TestStopCutsOff(t *testing.T) {
	in := make(chan struct{})
	s, stop := start(t, Options{Grace: 50 * time.Millisecond}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(in)
		<-r.Context().Done()
	}))
	go func() { _, _ = http.Get("http://" + s.Addr()) }()
	<-in
	if err := stop(); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("got %v", err)
	}
}

func certificate(t *testing.T, dir, name string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: der}, "tls.key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	first := certificate(t, dir, "first")
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	o := Options{CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key"), Now: func() time.Time { return time.Unix(0, now.Load()) }}
	s, _ := start(t, o, ok)
	ask := func(ca *x509.Certificate) (string, error) {
		roots := x509.NewCertPool()
		roots.AddCert(ca)
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
		defer tr.CloseIdleConnections()
		r, err := (&http.Client{Transport: tr}).Get("https://" + s.Addr())
		if err != nil {
			return "", err
		}
		b, err := io.ReadAll(r.Body)
		return string(b), err
	}
	if got, err := ask(first); got != "HTTP/2.0" || err != nil {
		t.Errorf("%s %v", got, err)
	}
	second := certificate(t, dir, "second")
	now.Add(int64(time.Minute))
	if _, err := ask(second); err != nil {
		t.Errorf("renewed: %v", err)
	}
	if _, err := ask(first); err == nil {
		t.Error("the former certificate is still served")
	}
	if err := os.WriteFile(o.CertFile, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	now.Add(int64(time.Minute))
	if _, err := ask(second); err != nil {
		t.Errorf("files that cannot be used took the good one's place: %v", err)
	}
	conn, err := tls.Dial("tcp", s.Addr(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}) //nolint:gosec // an old client
	if err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
}

func TestClientCertificates(t *testing.T) {
	dir, ours := t.TempDir(), t.TempDir()
	serverCA := certificate(t, dir, "server")
	certificate(t, ours, "client")
	stranger := t.TempDir()
	certificate(t, stranger, "stranger")
	for _, optional := range []bool{false, true} {
		s, _ := start(t, Options{CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key"), ClientCAFile: filepath.Join(ours, "tls.crt"), ClientOptional: optional}, ok)
		for name, want := range map[string]bool{"": optional, ours: true, stranger: false} {
			roots := x509.NewCertPool()
			roots.AddCert(serverCA)
			c := &tls.Config{RootCAs: roots}
			if name != "" {
				pair, err := tls.LoadX509KeyPair(filepath.Join(name, "tls.crt"), filepath.Join(name, "tls.key"))
				if err != nil {
					t.Fatal(err)
				}
				c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
			}
			r, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: c}}).Get("https://" + s.Addr())
			if got := err == nil && r.StatusCode == 200; got != want {
				t.Errorf("optional %v, certificate %q: %v %v", optional, filepath.Base(name), got, err)
			}
		}
	}
}

func TestOptions(t *testing.T) {
	dir := t.TempDir()
	certificate(t, dir, "x")
	for _, o := range []Options{
		{CertFile: "x"}, {ClientCAFile: "x"}, {CertFile: "none", KeyFile: "none"}, {Addr: "256.0.0.1:1"},
		{CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key"), ClientCAFile: filepath.Join(dir, "tls.key")},
	} {
		if s, err := Listen(o); err == nil {
			_ = s.Close()
			t.Errorf("%+v is taken", o)
		}
	}
}
