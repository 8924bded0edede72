package server

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"
)

// files are the certificate, key and client authorities, as they are on disk. They are
// looked at again at most every lookAgain, when somebody connects; files that cannot be
// used leave the former ones in place.
type files struct {
	o Options

	mu      sync.Mutex
	looked  time.Time
	sum     [sha256.Size]byte
	current *tls.Config
}

const lookAgain = 10 * time.Second

func newFiles(o Options) (*files, error) {
	f := &files{o: o}
	if err := f.load(); err != nil {
		return nil, err
	}
	f.looked = o.Now()
	return f, nil
}

// load reads the files, and makes a configuration of them when they have changed.
func (f *files) load() error {
	h := sha256.New()
	read := func(path string) ([]byte, error) {
		if path == "" {
			return nil, nil
		}
		b, err := os.ReadFile(path)
		h.Write(b)
		h.Write([]byte{0})
		return b, err
	}
	cert, err1 := read(f.o.CertFile)
	key, err2 := read(f.o.KeyFile)
	authorities, err3 := read(f.o.ClientCAFile)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	sum := [sha256.Size]byte(h.Sum(nil))
	if sum == f.sum {
		return nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("%s: %w", f.o.CertFile, err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if err := clients(c, f.o, authorities); err != nil {
		return err
	}
	f.sum, f.current = sum, c
	return nil
}

func (f *files) get(*tls.ClientHelloInfo) (*tls.Config, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.o.Now()
	if d := now.Sub(f.looked); d < 0 || d >= lookAgain {
		f.looked = now
		if err := f.load(); err != nil {
			f.o.Logger.Error("the server's certificate cannot be renewed; the former one stays", slog.String("error", err.Error()))
		}
	}
	return f.current, nil
}

// config is what the listener starts from; each handshake takes the files as they are.
func (f *files) config(srv *http.Server) *tls.Config {
	f.mu.Lock()
	defer f.mu.Unlock()
	base := f.current.Clone()
	base.GetConfigForClient = f.get
	srv.TLSConfig = base
	return base
}
