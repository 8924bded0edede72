package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/detect"
	"github.com/yagura-sec/yagura/intake"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"

	"github.com/yagura-sec/yagura"
)

// generation is one load of the rules, and what follows from it.
type generation struct {
	intake.Generation
	rules *Rules
	// counters are the rules whose findings are counter-events, by id.
	counters map[string]bool
	titles   map[string]api.NamedRule
	refused  []string // files that were refused
}

// newGeneration compiles rules for every format.
func newGeneration(rules *Rules, formats []*decode.Format) (*generation, error) {
	engine, err := detect.New(rules.Rules, detect.Options{})
	if err != nil {
		return nil, err
	}
	decoder, err := decode.New(decode.Options{Formats: formats, Want: engine.Want, Detail: true})
	if err != nil {
		return nil, err
	}
	g := &generation{Generation: intake.Generation{Engine: engine, Decoder: decoder, Hash: rules.Hash}, rules: rules, counters: counterRules(rules.Rules), titles: titlesOf(rules.All())}
	for i := range rules.Refusals {
		if f := &rules.Refusals[i]; !f.Warning && !slices.Contains(g.refused, f.File) {
			g.refused = append(g.refused, f.File)
		}
	}
	return g, nil
}

// counterRules are the ids of the rules whose findings are counter-events.
func counterRules(rules []*rule.Rule) map[string]bool {
	counters, named := map[string]bool{}, byWord(rules)
	for _, r := range rules {
		for _, by := range counterEvents(r, named) {
			counters[by.ID] = true
		}
	}
	for again := true; again; { // what joins a counter-event is one
		again = false
		for _, r := range rules {
			if to := named[r.SideCar.Joins]; r.SideCar.Joins != "" && to != nil && counters[to.ID] && !counters[r.ID] {
				counters[r.ID], again = true, true
			}
		}
	}
	return counters
}

// counterEvents are the rules that find the counter-events of a rule.
func counterEvents(r *rule.Rule, named map[string]*rule.Rule) []*rule.Rule {
	var out []*rule.Rule
	for _, word := range []string{r.SideCar.ResolvedBy, r.SideCar.NotedBy} {
		if by := named[word]; word != "" && by != nil {
			out = append(out, by)
		}
	}
	return out
}

// templates is what the store remembers of the templates of cause keys, by rule: that of
// now, and those before it.
type templates map[string]*struct {
	Now    []string   `json:"now"`
	Former [][]string `json:"former,omitempty"`
}

// maxFormer bounds how many former templates of one rule are remembered.
const maxFormer = 4

// remember compares the templates of the rules with those that the store knows. Findings of
// a rule whose template changed carry the keys that they would have had, so that they meet
// their issue.
func (s *Serve) remember(ctx context.Context, rules *Rules) error {
	return s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		all := templates{}
		data, ok, err := tx.HoldState(ctx, "templates")
		if err != nil {
			return err
		}
		if ok {
			if err := json.Unmarshal(data, &all); err != nil {
				return fmt.Errorf("state templates: %w", err)
			}
		}
		for _, r := range rules.Rules {
			now := triage.TemplateOf(r)
			t := all[now.Rule]
			if t == nil {
				t = &struct {
					Now    []string   `json:"now"`
					Former [][]string `json:"former,omitempty"`
				}{Now: now.Parts}
				all[now.Rule] = t
			}
			if !slices.Equal(t.Now, now.Parts) {
				t.Former = slices.DeleteFunc(append([][]string{t.Now}, t.Former...), func(l []string) bool { return slices.Equal(l, now.Parts) })
				t.Former = t.Former[:min(len(t.Former), maxFormer)]
				t.Now = now.Parts
			}
			r.SideCar.FormerCauseKeys = t.Former
		}
		if data, err = json.Marshal(all); err != nil {
			return err
		}
		return tx.PutState(ctx, "templates", data)
	})
}

var errNoRule = errors.New("no rule could be loaded")

// loadRules reads the rules for the first time.
func (s *Serve) loadRules(ctx context.Context, o RuleOptions) error {
	rules, err := LoadRules(o)
	if err != nil {
		return err
	}
	if len(rules.Rules) == 0 && !rules.runs() {
		return errNoRule
	}
	if err := s.remember(ctx, rules); err != nil {
		return err
	}
	g, err := newGeneration(rules, o.Formats)
	if err != nil {
		return err
	}
	if o.Strict && len(g.refused) > 0 {
		return refusalErrors(rules.Refusals)
	}
	s.rules.Store(g)
	s.logRefused(rules)
	return nil
}

// maxLogged is how many refused rules are logged one by one.
const maxLogged = 20

// logRefused says which rules do not judge: none is left out in silence.
func (s *Serve) logRefused(rules *Rules) {
	n := 0
	for i := range rules.Refusals {
		r := &rules.Refusals[i]
		if r.Warning {
			continue
		}
		if n++; n <= maxLogged {
			s.log.Warn("a rule was refused: the others judge", "error", r)
		}
	}
	if n > maxLogged {
		s.log.Warn("more rules were refused: yagura rule check names them all", "refused", n)
	}
}

// reloadRule is the rule of findings about a reload that was not taken over.
var reloadRule = yagura.RuleRef{ID: "yagura-reload-refused", Title: "A reload was refused", Engine: yagura.EngineBuiltin, Tags: []string{}}

// Reload reads rules, policy and registry again. What is worse than before is not taken
// over: the old keeps judging, and a finding says so.
func (s *Serve) Reload(ctx context.Context) error {
	err := s.reload(ctx)
	if err == nil {
		s.log.Info("reloaded", "rules", len(s.rules.Load().rules.Rules), "generation", s.rules.Load().Hash)
		return nil
	}
	now := s.o.Now()
	f := builtinFinding(reloadRule, yagura.SeverityHigh, fmt.Sprint(now.UnixNano()), "reload", "the old rules and policy keep judging: "+err.Error(), now)
	return errors.Join(err, s.take(ctx, f))
}

func (s *Serve) reload(ctx context.Context) error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	cfg, o, written := s.o.Config, s.o.Rules, s.written
	if s.o.Reload != nil {
		fresh, named, err := s.o.Reload()
		if err != nil {
			return err
		}
		o, written = named, fresh
		// What listens, stores and sends needs a restart; what judges does not.
		now := *cfg
		now.Policy, now.Registry, now.Accounts, now.Targets = fresh.Policy, fresh.Registry, fresh.Accounts, fresh.Targets
		now.Digest, now.Storm = fresh.Digest, fresh.Storm
		cfg = &now
	}
	cfg, err := WithNotifications(cfg)
	if err != nil {
		return err
	}
	secrets, err := resolveSecrets(ctx, written)
	if err != nil {
		return err
	}
	o.Check, o.Data = s.o.Rules.Check, s.o.Rules.Data
	rules, err := LoadRules(o)
	if err != nil {
		return err
	}
	if len(rules.Rules) == 0 && !rules.runs() {
		return errNoRule
	}
	if err := s.remember(ctx, rules); err != nil {
		return err
	}
	g, err := newGeneration(rules, o.Formats)
	if err != nil {
		return err
	}
	old := s.rules.Load()
	for _, file := range g.refused {
		if !slices.Contains(old.refused, file) {
			return fmt.Errorf("%s is refused, and was not before: %w", file, refusalErrors(rules.Refusals))
		}
	}
	take, err := s.loadPolicy(cfg)
	if err != nil {
		return err
	}
	if err := s.renewSecrets(ctx, secrets); err != nil {
		return err
	}
	take()
	s.config.Store(cfg)
	s.rules.Store(g)
	s.logRefused(rules)
	return nil
}

// loadPolicy reads the policy and the registry of accounts; take has them hold.
func (s *Serve) loadPolicy(cfg *config.Config) (take func(), err error) {
	accounts, err := LoadAccounts(cfg)
	if err != nil {
		return nil, err
	}
	policy, err := LoadPolicy(cfg)
	if err != nil {
		return nil, err
	}
	return func() {
		s.registry.set(accounts, nil)
		s.policy.Store(policy)
	}, nil
}

// SinkNames lists the configured sinks.
func SinkNames(cfg *config.Config) []triage.SinkName {
	var out []triage.SinkName
	for i := range cfg.Sinks {
		out = append(out, triage.SinkName{Name: cfg.Sinks[i].Name, Kind: cfg.Sinks[i].Kind()})
	}
	return out
}

// PolicyFile is the file of the policy: that of the configuration, or the one that was written
// in the console; "" is the shipped one.
func PolicyFile(cfg *config.Config) string {
	if cfg.Policy != "" || cfg.Data == "" {
		return cfg.Policy
	}
	if own := OwnPolicy(cfg.Data); isFile(own) {
		return own
	}
	return ""
}

// OwnPolicy is where the console writes a policy where the configuration names none.
func OwnPolicy(data string) string { return filepath.Join(data, "policy.yaml") }

// SuppressionFile is where the console writes suppressions: a policy of clauses that come
// before those of the team.
func SuppressionFile(data string) string { return filepath.Join(data, "suppressions.yaml") }

// LoadPolicy reads the policy that holds, or the shipped one, behind the suppressions that were
// made in the console, for the configured sinks.
func LoadPolicy(cfg *config.Config) (*triage.Policy, error) {
	p := triage.DefaultPolicy()
	if file := PolicyFile(cfg); file != "" {
		var err error
		if p, err = readPolicy(file); err != nil {
			return nil, err
		}
	}
	p, err := WithSuppressions(cfg, p)
	if err != nil {
		return nil, err
	}
	return p.For(SinkNames(cfg)), nil
}

// WithSuppressions puts the suppressions that were made in the console before the clauses of a
// policy.
func WithSuppressions(cfg *config.Config, p *triage.Policy) (*triage.Policy, error) {
	if file := SuppressionFile(cfg.Data); cfg.Data != "" && isFile(file) {
		first, err := readPolicy(file)
		if err != nil {
			return nil, err
		}
		p = p.Behind(first)
	}
	return p, nil
}

func readPolicy(file string) (*triage.Policy, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p, problems := triage.ParsePolicy(file, data, triage.PolicyOptions{})
	if triage.Refused(problems) {
		errs := make([]error, len(problems))
		for i := range problems {
			errs[i] = &problems[i]
		}
		return nil, errors.Join(errs...)
	}
	return p, nil
}

// take files findings of the service about itself.
func (s *Serve) take(ctx context.Context, findings ...yagura.Finding) error {
	list := make([]triage.Found, len(findings))
	for i, f := range findings {
		list[i] = triage.Found{Finding: f, Generation: s.rules.Load().Hash}
	}
	force := false
	for {
		var taken triage.Taken
		err := s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			taken, err = s.desk.Take(ctx, bookTx{tx}, list, force)
			return err
		})
		if errors.Is(err, triage.ErrUpgrade) {
			force = true
			continue
		}
		if err == nil && taken.Notices > 0 {
			s.wake()
		}
		return err
	}
}
