package app

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/web"
)

// openConsole makes what people and programs call: the gate, the API and its stream.
func (s *Serve) openConsole(ctx context.Context, cfg *config.Config) error {
	if cfg.Server.Listen == "" || cfg.Console.Off {
		return nil
	}
	var err error
	if s.gate, err = newGate(cfg, auth.Options{Store: gateStore{s.db}, Now: s.o.Now, Logger: s.log, Providers: s.o.Demo.providers(), Cost: s.o.cost}); err != nil {
		return err
	}
	s.hub = api.NewHub(strings.ToLower(NewID(s.o.Now)()))
	s.console = s.newConsole()
	s.console.people = s.gate
	parts := s.console.parts()
	parts.SignOutAt = s.signOutAt
	a, err := api.New(api.Options{Gate: s.gate, Parts: parts, Hub: s.hub, Log: s.log, Now: s.o.Now, NewID: NewID(s.o.Now), Zone: cfg.Timezone})
	if err != nil {
		return err
	}
	s.mux.Handle(api.Prefix+"/", a)
	if s.o.Demo != nil {
		s.mux.Handle("GET "+DemoDoorPath, s.o.Demo.handler(s.gate, s.o.Now))
	}
	pages := web.Handler()
	if s.o.Dev != "" {
		if pages, err = web.Dev(s.o.Dev); err != nil {
			return err
		}
	}
	s.mux.Handle("/", pages)
	return s.openProviders(ctx, cfg)
}

// runConsole keeps the stream fed, removes what is over, and says how the first admin is
// made, until ctx ends.
func (s *Serve) runConsole(ctx context.Context) {
	if s.gate == nil {
		return
	}
	if key, err := s.gate.SetUpKey(ctx); err != nil {
		s.log.Warn("the set-up link could not be made", "error", err)
	} else if key != "" {
		s.log.Info("nobody can sign in yet: open this link once to make the first admin", "link", s.consoleURL()+"/setup#key="+key)
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	c := s.console
	var sums sync.WaitGroup
	sums.Go(func() { c.keepSums(ctx) })
	defer sums.Wait()
	s.hub.Run(ctx, &feed{c: c, told: map[string]time.Time{}}, tick.C, func(err error) {
		s.log.Warn("the stream of news cannot look into the store", "error", err)
	})
}

// consoleURL is the beginning of the console's addresses.
func (s *Serve) consoleURL() string {
	if public := publicURL(s.o.Config); public != "" {
		return strings.TrimSuffix(public, "/")
	}
	if hosts := s.o.Config.Console.ACME.Hosts; len(hosts) > 0 {
		return "https://" + hosts[0]
	}
	scheme := "http"
	if s.o.Config.Server.TLSCert != "" {
		scheme = "https"
	}
	// Who listens everywhere is opened from this machine, where plain http may sign in.
	return scheme + "://" + strings.NewReplacer("[::]", "localhost", "0.0.0.0", "localhost").Replace(s.Addr())
}

// sweepSignIns removes sessions that are over, and what was taken once.
func (h *house) sweepSignIns(ctx context.Context, _ time.Time) error {
	if h.s.gate == nil {
		return nil
	}
	return h.s.gate.Sweep(ctx)
}
