package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/rule/sentinel"
	"github.com/yagura-sec/yagura/schedule"
)

// planned runs the rules on a schedule of a service.
type planned struct {
	cfg     *config.Config
	hunting *Hunting
	runner  *schedule.Runner
}

// scheduleMemory is what the engine of scheduled rules takes unless it is told otherwise.
const scheduleMemory = 512 << 20

// newPlanned makes the runner. The engine starts with the first query.
func newPlanned(ctx context.Context, s *Serve, cfg *config.Config) (*planned, error) {
	if cfg.Schedule.Off {
		return nil, nil
	}
	h, err := OpenHunting(ctx, cfg, &Books{DB: s.db, data: cfg.Data}, HuntOptions{Threads: max(cfg.Schedule.Threads, 1),
		Memory: cmp.Or(int64(cfg.Schedule.Memory), scheduleMemory), Timeout: 2 * time.Minute}, s.o.Now)
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	q := newLakeQuery(cfg, s.db, h.Hunter, LakeDir(cfg))
	q.copies = h.copies
	q.oldest = func() time.Time { return s.lake.Stats().Oldest }
	p := &planned{cfg: cfg, hunting: h}
	p.runner = schedule.New(schedule.Options{Rules: s.scheduled, Engine: q, Now: s.o.Now, Owner: s.db.Replica(), Log: s.log, Committed: s.wake,
		Store: scheduleStore{s.db, s.desk, func() string { return s.rules.Load().Hash }}, Learn: learnAll(s.desk),
		Settle: time.Duration(cfg.Schedule.Settle), Late: time.Duration(cfg.Schedule.Late), CatchUp: time.Duration(cfg.Schedule.CatchUp)})
	return p, nil
}

// scheduled are the rules of the generation that holds now.
func (s *Serve) scheduled() []*sentinel.Rule { return s.rules.Load().rules.Scheduled }

// run runs rules until ctx ends.
func (p *planned) run(ctx context.Context, s *Serve) {
	if p == nil {
		return
	}
	if !duck.Available {
		if s.rules.Load().rules.runs() {
			s.log.Error("rules on a schedule are not run", "error", duck.ErrNoEngine)
		}
		return
	}
	for _, title := range WithoutPlaces(p.cfg, s.scheduled()) {
		s.log.Warn("a rule finds nothing without a database of cities", "rule", title, "hint", "usual.city")
	}
	p.runner.Run(ctx)
}

func (p *planned) close() error {
	if p == nil {
		return nil
	}
	return p.hunting.Close()
}

// ScheduleStatus says how far the rules on a schedule are.
func (b *Books) ScheduleStatus(ctx context.Context, rules *Rules, now func() time.Time) ([]schedule.Status, error) {
	r := schedule.New(schedule.Options{Rules: func() []*sentinel.Rule { return rules.Scheduled }, Now: now,
		Store: scheduleStore{b.DB, b.desk, func() string { return rules.Hash }}})
	return r.Status(ctx)
}

// RuleChecker compiles the queries of rules on a schedule with all tables that the service
// knows: those of the lake, its watchlists, and what its store has.
func RuleChecker(cfg *config.Config) sentinel.Checker {
	if cfg.Data == "" {
		return queryChecker()
	}
	return queryChecker(hunt.Watchlists{Dir: watchlistDir(cfg)})
}

// RunRule runs the rules on a schedule among some over a time of the lake, and hands out what
// they find. Nothing is filed.
func RunRule(ctx context.Context, cfg *config.Config, b *Books, rules []*sentinel.Rule, o HuntOptions, from, to time.Time, now func() time.Time, yield func(yagura.Finding) error) (windows int, err error) {
	h, err := OpenHunting(ctx, cfg, b, o, now)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	q := newLakeQuery(cfg, b.DB, h.Hunter, cmp.Or(o.Lake, LakeDir(cfg)))
	q.copies = h.copies
	for _, r := range rules {
		if r.Schedule == nil {
			continue
		}
		n, err := schedule.Over(ctx, q, r, from, to, yield)
		windows += n
		if err != nil {
			return windows, err
		}
	}
	return windows, nil
}

// schedules collects how far the rules on a schedule are.
func (b *books) schedules(ctx context.Context, gauge, counter func(d *prometheus.Desc, v float64, labels ...string)) {
	p := b.s.planned
	if p == nil {
		return
	}
	list, err := p.runner.Status(ctx)
	if err != nil {
		b.s.log.Warn("the schedules could not be read for metrics", "error", err)
		return
	}
	for _, x := range list {
		gauge(descScheduled, x.LagS, x.Rule)
		gauge(descPending, float64(x.Waiting), x.Rule)
		counter(descRuns, float64(x.Runs), x.Rule)
		counter(descReopened, float64(x.Reopened), x.Rule)
		counter(descSkipped, float64(x.Skipped), x.Rule)
		failing := 0.0
		if x.Error != "" {
			failing = 1
		}
		gauge(descFailing, failing, x.Rule)
	}
}
