package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/server"
	"github.com/yagura-sec/yagura/store"
)

// listen opens the address of the service. There is none when the configuration says none
// and nothing needs one.
func (s *Serve) listen(cfg *config.Config) error {
	if cfg.Server.Listen == "" {
		return nil
	}
	var authority *server.ACME
	if a := &cfg.Console.ACME; len(a.Hosts) > 0 {
		authority = &server.ACME{Hosts: a.Hosts, Email: a.Email, Directory: a.Directory, Dir: filepath.Join(cfg.Data, "acme"), HTTP: a.HTTP, CAFile: a.CA}
	}
	var err error
	s.server, err = server.Listen(server.Options{Addr: cfg.Server.Listen, CertFile: cfg.Server.TLSCert, KeyFile: cfg.Server.TLSKey, ACME: authority,
		ClientCAFile: cmp.Or(cfg.Server.ClientCA, cfg.Console.ClientCA), ClientOptional: cfg.Server.ClientCA == "",
		MaxConns: cfg.Server.Connections, MaxConnsPerAddr: cfg.Server.PerAddress, Logger: s.log, Now: s.o.Now})
	if err != nil {
		return &config.Fault{Where: "server.listen", Reason: err.Error()}
	}
	return nil
}

// routes are all paths of the service but those of sources and sinks, which are named in
// the configuration.
func (s *Serve) routes() {
	s.mux.HandleFunc("GET /healthz", s.healthz)
	s.mux.HandleFunc("GET /readyz", s.readyz)
	s.mux.Handle("GET /metrics", s.metrics())
}

// healthz answers as long as the process can answer.
func (s *Serve) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"status": "ok", "version": s.o.Version, "since": s.started.UTC()})
}

// readyz answers 200 when what comes in can be judged and kept. Anybody may ask, and
// often, so the store is asked once a second at most.
func (s *Serve) readyz(w http.ResponseWriter, r *http.Request) {
	if !s.ready.Load() || !s.readiness.look(s.o.Now, func() bool { return s.isWell(context.WithoutCancel(r.Context())) }) {
		writeJSON(w, http.StatusServiceUnavailable, map[string]any{"status": "not ready"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"status": "ready"})
}

func (s *Serve) isWell(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := s.well(ctx)
	if err != nil {
		s.log.Warn("not ready", "error", err)
	}
	return err == nil
}

// readiness is what was found last, and when.
type readiness struct {
	mu sync.Mutex
	at time.Time
	ok bool
}

func (r *readiness) look(now func() time.Time, find func() bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if age := now().Sub(r.at); age < 0 || age >= time.Second {
		r.ok = find()
		r.at = now() // those who waited meanwhile take what was found
	}
	return r.ok
}

// well says why what comes in cannot be judged and kept at the moment.
func (s *Serve) well(ctx context.Context) error {
	if err := s.db.View(ctx, func(context.Context, *store.Tx) error { return nil }); err != nil {
		return err
	}
	if err := s.in.Stuck(); err != nil {
		return err
	}
	return s.unkept()
}

// unkept says why records are not kept at the moment.
func (s *Serve) unkept() error {
	if reason := s.lake.Stats().LastError; reason != "" {
		return fmt.Errorf("records cannot be kept: %s", reason)
	}
	return nil
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the reader is gone, or all is well
}

// mountSink gives a sink's webhooks their path.
func (s *Serve) mountSink(path string, sink notify.Sink) {
	in, ok := sink.(notify.Inbound)
	if !ok || path == "" {
		return
	}
	if h := in.Handler(s.inbox()); h != nil {
		s.mux.Handle(path, h)
	}
}

// loopback reports whether a request came from this machine.
func loopback(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback() && r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
}

func bearer(r *http.Request) string {
	word, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(word, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
