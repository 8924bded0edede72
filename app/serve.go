package app

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/intake"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/repeat"
	"github.com/yagura-sec/yagura/segment"
	"github.com/yagura-sec/yagura/server"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/s3"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

// ServeOptions are what serve is made of, beside the configuration.
type ServeOptions struct {
	Config *config.Config
	// File is the file that the configuration was read from; "" is none.
	File string
	// Reload reads the configuration again, for SIGHUP, and says which rules and mapping
	// files it names by now; nil reads the files again that were named at the start.
	Reload func() (*config.Config, RuleOptions, error)
	Rules  RuleOptions
	// Version is what /healthz and metrics name.
	Version string
	Log     *slog.Logger
	Now     func() time.Time
	// Client is used for what goes out over HTTP; nil is one with time-outs.
	Client *http.Client
	// Dev is the address of a development server that the console is fetched from; "" is the
	// console that is embedded.
	Dev string
	// Demo lets the visitor of a demo in; nil: this is none.
	Demo *DemoDoor

	// Of a playback: who stands for a source, by its name, and who is told of objects that
	// are judged. Both are nil of a service that is on the clock of the world.
	hands  map[string]source.Receiver
	judged func(source, object string, err error)
	// unsynced brings neither commits nor keys to the disk: who sets it brings the data folder
	// there once the service is closed, or throws it away.
	unsynced bool

	cost auth.Cost // of passwords; zero: the usual
}

// Serve is the running service.
type Serve struct {
	o         ServeOptions
	log       *slog.Logger
	db        *store.DB
	keys      *repeat.Disk
	lake      *lake.Lake
	desk      *triage.Desk
	in        *intake.Intake
	rules     atomic.Pointer[generation]
	policy    atomic.Pointer[triage.Policy]
	registry  registry
	sinks     []notify.Sink
	renewable []*renewable                  // the same, in the order of the configuration
	written   *config.Config                // with references in place of secrets
	secrets   atomic.Pointer[config.Config] // with the secrets as they were resolved last
	renewing  sync.Mutex
	stores    map[string]*s3.Store // by source
	receivers []source.Receiver
	senders   []*notify.Deliverer
	mux       *http.ServeMux
	server    *server.Server
	started   time.Time
	ready     atomic.Bool
	readiness readiness
	tracer    *tracer // nil: nothing is traced
	looks     *looks  // nil: nothing is re-checked
	house     *house
	planned   *planned // nil: rules on a schedule are not run here
	baselines *Baselines
	stops     stops
	gate      *auth.Gate               // nil: there is no console
	signOuts  map[string]func() string // where users sign out at providers, by the provider
	hub       *api.Hub
	console   *console
	tally     *tally
	hunts     *consoleHunts
	editing   sync.Mutex // of the files that rules and policy are read from
	reloading sync.Mutex
	// config is what was read last, with references in place of secrets; what listens, stores
	// and sends is as it was at the start.
	config atomic.Pointer[config.Config]
}

// NewID returns a ULID of now.
func NewID(now func() time.Time) func() string {
	var mu sync.Mutex
	entropy := ulid.Monotonic(rand.Reader, 0)
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		id, err := ulid.New(ulid.Timestamp(now()), entropy)
		if err != nil { // more than 2^80 in one millisecond, or the clock went back below zero
			id = ulid.MustNewDefault(now())
		}
		return id.String()
	}
}

// NewServe opens everything that serve needs. What is wrong with the configuration is all
// said at once; nothing listens and nothing is received before Run.
func NewServe(ctx context.Context, o ServeOptions) (s *Serve, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s = &Serve{o: o, log: o.Log, started: o.Now(), mux: http.NewServeMux()}
	opened := s // a return of nil takes s away
	defer func() {
		if err != nil {
			err = errors.Join(err, opened.close())
		}
	}()
	cfg := o.Config
	if cfg.Data == "" {
		return nil, &config.Fault{Where: "data", Reason: "serve needs a folder for what must survive", Hint: "data: /var/lib/yagura"}
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, err
	}
	take, err := s.loadPolicy(cfg)
	if err != nil {
		return nil, err
	}
	take()
	secrets, err := resolveSecrets(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s.written = cfg
	cfg = secrets
	s.o.Config = cfg
	s.secrets.Store(cfg)
	holds, err := WithNotifications(s.written)
	if err != nil {
		return nil, err
	}
	s.config.Store(holds)
	if s.db, err = store.Open(ctx, store.Options{URL: cfg.Store.Reveal(), Dir: cfg.Data, AcceptLoss: cfg.AcceptLoss, Unsynced: o.unsynced, Now: o.Now, Trouble: s.trouble, Progress: s.progress}); err != nil {
		return nil, err
	}
	s.o.Rules.Check, s.o.Rules.Data = RuleChecker(cfg), cfg.Data
	if err := s.loadRules(ctx, s.o.Rules); err != nil {
		return nil, err
	}
	mark, err := s.mark(ctx)
	if err != nil {
		return nil, err
	}
	disk := segment.OS
	if o.unsynced {
		disk = unsynced{disk}
	}
	s.keys, err = repeat.OpenDisk(filepath.Join(cfg.Data, "keys"), repeat.DiskOptions{Window: time.Duration(cfg.Repeats.Age), MaxKeys: int64(cfg.Repeats.Keys),
		FilterBytes: int64(cfg.Repeats.Memory), Committed: mark, Now: o.Now, FS: disk})
	if err != nil {
		return nil, err
	}
	if err := s.openServeLake(ctx, cfg); err != nil {
		return nil, err
	}
	// What the process before had out under this name is free again: it is dead, or else the
	// folder would have been locked.
	if err := s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.Reclaim(ctx, s.db.Replica()) }); err != nil {
		return nil, err
	}
	if s.tracer, err = newTracer(ctx, cfg.Tracing, o.Version, s.db.Replica(), o.Log); err != nil {
		return nil, err
	}
	s.desk = s.newDesk(cfg)
	if s.baselines, err = newServeBaselines(ctx, s, cfg); err != nil {
		return nil, err
	}
	s.firstAccounts(ctx)
	if err := s.openSinks(ctx, cfg); err != nil {
		return nil, err
	}
	receivers, err := s.openSources(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s.in = intake.New(s.intakeOptions(receivers, mark))
	if s.looks, err = newLooks(ctx, s, cfg.Recheck); err != nil {
		return nil, err
	}
	if s.planned, err = newPlanned(ctx, s, cfg); err != nil {
		return nil, err
	}
	s.tally = newTally(s.db, o.Now)
	if s.hunts, err = newConsoleHunts(ctx, s); err != nil {
		return nil, err
	}
	s.house = newHouse(s)
	s.routes()
	if err := s.openConsole(ctx, cfg); err != nil {
		return nil, err
	}
	return s, s.listen(cfg)
}

// trouble says what the store waits out.
func (s *Serve) trouble(err error, wait time.Duration) {
	s.log.Warn("the store is not there: what waits for it waits on", "error", err, "again_in", wait)
}

// intakeOptions is what the way of the data is made of.
func (s *Serve) intakeOptions(receivers []source.Receiver, mark uint64) intake.Options {
	cfg := s.o.Config
	var copies source.Copies
	if cfg.Lake.Originals {
		copies = s.lake
	}
	return intake.Options{Receivers: receivers, Copies: copies, Store: txStore{s.db}, Desk: s.desk, Keys: s.keys, Keep: s.lake, Heads: true,
		Own: newOwn(cfg, newOwnNotices(s.db, s.o.Now), func(id string) bool { return s.registry.load().Lookup(id).Listed }).look, Generation: func() *intake.Generation { return &s.rules.Load().Generation },
		Mark: mark, MarkKey: s.markKey(), Owner: s.db.Replica(), Workers: cfg.Workers, Lateness: time.Duration(cfg.Lateness), Now: s.o.Now,
		Log: s.log, Committed: s.wake, Trace: s.tracer.intake(), Stepped: s.o.hands != nil, Judged: s.o.judged}
}

func (s *Serve) markKey() string { return "mark/" + s.db.Replica() }

// mark is the last mark of the key window that the store knows.
func (s *Serve) mark(ctx context.Context) (mark uint64, err error) {
	err = s.db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		data, ok, err := tx.State(ctx, s.markKey())
		if err == nil && ok {
			if len(data) != 8 {
				return fmt.Errorf("the mark of the key window has %d bytes", len(data))
			}
			mark = binary.BigEndian.Uint64(data)
		}
		return err
	})
	return mark, err
}

// Run serves until ctx ends, then stops in order: sources first, then what is in flight,
// then the sinks. What is owed stays owed.
func (s *Serve) Run(ctx context.Context) error {
	defer s.close() //nolint:errcheck // everything that must be durable is
	failed := make(chan error, 2)
	var rest sync.WaitGroup
	hard, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	soft, cancel := context.WithCancel(ctx)
	defer cancel()
	web, stopWeb := context.WithCancel(hard)
	defer stopWeb()
	if s.server != nil {
		rest.Go(func() {
			if err := s.server.Serve(web, s.mux); err != nil {
				failed <- fmt.Errorf("http: %w", err)
				cancel()
			}
		})
	}
	senders, stopSenders := context.WithCancel(hard)
	var sending sync.WaitGroup
	for _, d := range s.senders {
		sending.Go(func() { d.Run(senders) })
	}
	for _, sink := range s.sinks {
		if in, ok := sink.(notify.Inbound); ok {
			sending.Go(func() { s.listenSink(senders, sink.Name(), in) })
		}
	}
	sending.Go(func() { s.house.run(senders) })
	sending.Go(func() { s.planned.run(senders, s) })
	sending.Go(func() { s.runConsole(senders) })
	rest.Go(func() {
		select {
		case <-s.db.Lost(): // nothing can be committed any more, so nothing is waited for
			failed <- s.db.LostName()
			cancel()
			stop()
		case <-hard.Done():
		}
	})
	s.ready.Store(true)
	s.log.Info("serving", "address", s.Addr(), "rules", len(s.rules.Load().rules.Rules), "scheduled", len(s.scheduled()), "sources", len(s.o.Config.Sources), "sinks", len(s.sinks))
	err := s.in.Run(soft)
	s.ready.Store(false)
	s.hub.Close() // streams do not end by themselves
	stopWeb()
	stopSenders()
	sending.Wait()
	stop()
	rest.Wait()
	select {
	case e := <-failed:
		err = errors.Join(err, e)
	default:
	}
	s.log.Info("stopped")
	return err
}

// Addr is where the service listens, "" when it does not.
func (s *Serve) Addr() string {
	if s.server == nil {
		return ""
	}
	return s.server.Addr()
}

func (s *Serve) close() error {
	var errs []error
	if s.server != nil {
		_ = s.server.Close() // closed already, or it never served
	}
	for _, r := range s.receivers {
		errs = append(errs, r.Close())
	}
	errs = append(errs, s.planned.close(), s.hunts.close(), s.baselines.Close())
	if s.lake != nil {
		errs = append(errs, s.lake.Close())
	}
	if s.keys != nil {
		errs = append(errs, s.keys.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	s.tracer.close()
	return errors.Join(errs...)
}

// wake tells the senders that notices were owed.
func (s *Serve) wake() {
	for _, d := range s.senders {
		d.Wake()
	}
	s.hub.Wake()
}

// listenSink keeps a sink's own connection.
func (s *Serve) listenSink(ctx context.Context, name string, in notify.Inbound) {
	pause := time.Second
	for ctx.Err() == nil {
		err := in.Listen(ctx, s.inbox())
		if err == nil || ctx.Err() != nil {
			return
		}
		s.log.Warn("the connection of a sink ended", "sink", name, "error", err, "again_in", pause)
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		pause = min(2*pause, time.Minute)
	}
}

func (s *Serve) newDesk(cfg *config.Config) *triage.Desk {
	return &triage.Desk{
		Policy:     s.policy.Load,
		Account:    func(id string) yagura.AccountInfo { return s.registry.load().Lookup(id) },
		Counter:    func(id string) bool { return s.rules.Load().counters[id] },
		Routes:     s.route,
		Japanese:   func(ref yagura.RuleRef) string { return s.rules.Load().rules.Japanese(ref) },
		Runbook:    func(ref yagura.RuleRef) *yagura.Runbook { return s.rules.Load().rules.Runbook(ref) },
		Now:        s.o.Now,
		NewID:      NewID(s.o.Now),
		Stopped:    s.stopped,
		Tenant:     cfg.Tenant,
		StormLimit: func() int { return s.config.Load().Storm },
	}
}

// route turns the words of a policy into names of sinks: a word is a sink's name, or the
// kind of all sinks of that kind. A word that names none is passed over; `policy check` says it.
func (s *Serve) route(words []string) []string {
	var out []string
	add := func(name string) {
		if slices.Contains(out, name) {
			return
		}
		out = append(out, name)
	}
	for _, w := range words {
		for _, sink := range s.sinks {
			if sink.Name() == w || sink.Kind() == w {
				add(sink.Name())
			}
		}
	}
	return out
}

// progress says how far the store has come with work that takes long at its start.
func (s *Serve) progress(what string, done, left int64) {
	s.log.Info("the database is brought up to this version", "what", what, "done", done, "left", left)
}
