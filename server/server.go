package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
)

// Options of a [Server]. The zero value listens on a free port of loopback.
type Options struct {
	// Addr is host:port; "": 127.0.0.1:0.
	Addr string
	// CertFile and KeyFile turn on TLS. They are read again when they change.
	CertFile, KeyFile string
	// ACME gets a certificate in place of these files.
	ACME *ACME
	// ClientCAFile, if it is set, asks clients for a certificate of one of its authorities.
	// With ClientOptional a client may come without one; the handler looks at
	// Request.TLS.VerifiedChains.
	ClientCAFile   string
	ClientOptional bool
	// HeaderWithin is how long a request's header may take; 0: 5 s. RequestWithin is how
	// long a request may take to come, and AnswerWithin how long until its answer is
	// written, unless the handler moves them; 0: 60 s and 90 s. IdleWithin is how long a
	// connection may wait for its next request; 0: 75 s.
	HeaderWithin, RequestWithin, AnswerWithin, IdleWithin time.Duration
	// MaxHeader is the most bytes of a header; 0: 32 KB.
	MaxHeader int
	// MaxConns is the most connections; 0: 1024. MaxConnsPerAddr is the most from one
	// address; 0: a quarter of MaxConns. Behind a proxy all come from its address: set both
	// to the same.
	MaxConns, MaxConnsPerAddr int
	// Grace is how long requests may finish after the stop; 0: 10 s.
	Grace time.Duration
	// Logger gets what the server itself has to say; nil: nothing.
	Logger *slog.Logger
	Now    func() time.Time // nil: time.Now
}

// Server listens, and serves once it is told what.
type Server struct {
	o        Options
	listener *limited
	tls      *files     // nil without files of a certificate
	acme     *authority // nil without ACME
}

// Listen opens the port. Errors of addresses and certificates are found here.
func Listen(o Options) (*Server, error) {
	defaults(&o)
	s := &Server{o: o}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return nil, errors.New("server: a certificate and its key belong together")
	}
	if o.ACME != nil && o.CertFile != "" {
		return nil, errors.New("server: a certificate comes from files or by ACME")
	}
	if o.ClientCAFile != "" && o.CertFile == "" && o.ACME == nil {
		return nil, errors.New("server: client certificates need TLS (hint: a certificate and a key of the server)")
	}
	if o.CertFile != "" {
		var err error
		if s.tls, err = newFiles(o); err != nil {
			return nil, fmt.Errorf("server: %w", err)
		}
	}
	if o.ACME != nil {
		var err error
		if s.acme, err = newAuthority(o); err != nil {
			return nil, fmt.Errorf("server: %w", err)
		}
	}
	l, err := (&net.ListenConfig{KeepAlive: 30 * time.Second}).Listen(context.Background(), "tcp", o.Addr)
	if err != nil {
		if s.acme != nil {
			err = errors.Join(err, s.acme.close())
		}
		return nil, fmt.Errorf("server: %w", err)
	}
	s.listener = limit(l, o.MaxConns, o.MaxConnsPerAddr)
	return s, nil
}

func defaults(o *Options) {
	set := func(p *time.Duration, d time.Duration) {
		if *p <= 0 {
			*p = d
		}
	}
	set(&o.HeaderWithin, 5*time.Second)
	set(&o.RequestWithin, 60*time.Second)
	set(&o.AnswerWithin, 90*time.Second)
	set(&o.IdleWithin, 75*time.Second)
	set(&o.Grace, 10*time.Second)
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.MaxHeader <= 0 {
		o.MaxHeader = 32 << 10
	}
	if o.MaxConns <= 0 {
		o.MaxConns = 1024
	}
	if o.MaxConnsPerAddr <= 0 {
		o.MaxConnsPerAddr = max(o.MaxConns/4, 1)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Addr returns where the server listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close gives the port free without having served.
func (s *Server) Close() error {
	err := s.listener.Close()
	if s.acme != nil {
		err = errors.Join(err, s.acme.close())
	}
	return err
}

// Serve serves until ctx ends, then takes no more connections, lets requests finish, and
// returns. It returns an error when serving failed, or when requests had to be cut off.
func (s *Server) Serve(ctx context.Context, h http.Handler) error {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(s.tls != nil || s.acme != nil)
	srv := &http.Server{
		Handler: guarded(h, s.o.Logger), Protocols: &protocols,
		ReadHeaderTimeout: s.o.HeaderWithin, ReadTimeout: s.o.RequestWithin, WriteTimeout: s.o.AnswerWithin, IdleTimeout: s.o.IdleWithin,
		MaxHeaderBytes: s.o.MaxHeader,
		HTTP2:          &http.HTTP2Config{MaxConcurrentStreams: 64, PingTimeout: 15 * time.Second, SendPingTimeout: 30 * time.Second},
		ErrorLog:       quiet(s.o.Logger),
		// Requests go on while the server stops: they end with their own limits.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	var l net.Listener = s.listener
	switch {
	case s.tls != nil:
		l = tls.NewListener(l, s.tls.config(srv))
	case s.acme != nil:
		l = tls.NewListener(l, s.acme.config(srv))
		over, end := context.WithCancel(ctx)
		var wg sync.WaitGroup
		wg.Go(func() { s.acme.run(over) })
		defer wg.Wait()
		defer end()
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("server: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.Grace)
	defer cancel()
	err := srv.Shutdown(grace)
	if err != nil {
		err = errors.Join(fmt.Errorf("server: requests were cut off after %s", s.o.Grace), srv.Close())
	}
	if ferr := <-failed; !errors.Is(ferr, http.ErrServerClosed) {
		err = errors.Join(err, ferr)
	}
	return err
}

// guarded turns a panic of a handler into a 500 and a line that says where.
func guarded(h http.Handler, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			logger.LogAttrs(r.Context(), slog.LevelError, "a request handler panicked", slog.Any("panic", p),
				slog.String("route", r.Pattern), slog.String("stack", string(debug.Stack())))
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusInternalServerError)
		}()
		h.ServeHTTP(w, r)
		if r.ContentLength != 0 {
			// net/http reads what is left of a body before it sends the answer, so a sender
			// that trickles would keep a refusal and the connection for RequestWithin.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(restWithin))
		}
	})
}

// restWithin is how long the rest of a body may take to come that the handler did not read.
const restWithin = time.Second

// errorLog takes the lines of net/http: handshakes that failed and the like, which
// strangers can cause at will. They are said at debug level.
func quiet(logger *slog.Logger) *log.Logger { return log.New(&errorLog{logger}, "", 0) }

type errorLog struct{ logger *slog.Logger }

// Write takes a line.
func (e *errorLog) Write(p []byte) (int, error) {
	e.logger.LogAttrs(context.Background(), slog.LevelDebug, "http", slog.String("said", string(bytes.TrimSpace(p))))
	return len(p), nil
}
