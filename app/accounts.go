package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/accounts"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/triage"
)

// ConfiguredAccounts are the accounts that the configuration names.
func ConfiguredAccounts(cfg *config.Config) []yagura.AccountInfo {
	var entries []yagura.AccountInfo
	for id, a := range cfg.Accounts {
		entries = append(entries, yagura.AccountInfo{ID: id, Name: a.Name, Owner: a.Owner, Environment: a.Environment, Tags: a.Tags, Listed: true})
	}
	return entries
}

// LoadAccounts reads the registry of accounts: the file, and below it the accounts that the
// configuration names.
func LoadAccounts(cfg *config.Config) (*triage.Accounts, error) {
	file := RegistryFile(cfg)
	if file == "" {
		return triage.NewAccounts(ConfiguredAccounts(cfg)), nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	read, problems := triage.ParseAccounts(file, data)
	if triage.Refused(problems) {
		errs := make([]error, len(problems))
		for i := range problems {
			errs[i] = &problems[i]
		}
		return nil, errors.Join(errs...)
	}
	return read.Merge(ConfiguredAccounts(cfg)), nil
}

// KeptAccounts are the accounts of the organisation as the server listed them last; nil when
// it lists none or has not yet.
func KeptAccounts(cfg *config.Config) ([]yagura.AccountInfo, error) {
	if !cfg.Organizations.Enabled {
		return nil, nil
	}
	list, err := accounts.Kept(accountsOptions(cfg, nil))
	if err != nil || list == nil {
		return nil, err
	}
	return list.Accounts, nil
}

// registry is the registry of accounts of a running service: what files and configuration
// say, and below it what the organisation lists.
type registry struct {
	mu     sync.Mutex
	base   *triage.Accounts
	listed []yagura.AccountInfo
	whole  atomic.Pointer[triage.Accounts]
}

func (r *registry) load() *triage.Accounts { return r.whole.Load() }

// set replaces one part or both; nil leaves it as it is.
func (r *registry) set(base *triage.Accounts, listed []yagura.AccountInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if base != nil {
		r.base = base
	}
	if listed != nil {
		r.listed = listed
	}
	whole := r.base
	if len(r.listed) > 0 {
		whole = whole.Merge(r.listed)
	}
	r.whole.Store(whole)
}

// organisationEvery is how often the list of an organisation is looked at; it is read anew
// when it is older than organizations.age.
const organisationEvery = time.Hour

// firstOrganisation bounds how long the start waits for the list.
const firstOrganisation = 20 * time.Second

// accountsOptions says how the accounts of an organisation are listed. Without a folder
// nothing is kept.
func accountsOptions(cfg *config.Config, now func() time.Time) accounts.Options {
	c := &cfg.Organizations
	o := accounts.Options{Region: c.Region, Endpoint: c.Endpoint, RoleARN: c.Role, ExternalID: c.ExternalID.Reveal(), Owner: c.OwnerTags,
		Environment: c.EnvironmentTags, Channel: c.ChannelTags, Repository: c.RepositoryTags, MaxAge: time.Duration(c.Age), Now: now}
	if cfg.Data != "" {
		o.Cache = filepath.Join(cfg.Data, "accounts.json")
	}
	return o
}

// staleRule is the rule of findings about a list of accounts that cannot be read anew.
var staleRule = yagura.RuleRef{ID: "yagura-accounts-stale", Title: "The accounts of the organisation cannot be listed", Engine: yagura.EngineBuiltin, Tags: []string{}}

// staleAfter is how old the list may become before a finding says so: what a short
// outage delays is said in the log only.
const staleAfter = 24 * time.Hour

// readOrganisation lists the accounts of the organisation. An old list holds as long as
// there is no fresh one, and that is said.
func (s *Serve) readOrganisation(ctx context.Context, now time.Time) error {
	list, err := accounts.Load(ctx, accountsOptions(s.o.Config, s.o.Now))
	if err != nil {
		if ctx.Err() == nil {
			err = errors.Join(err, s.staleAccounts(ctx, s.started, "there is no list", err, now))
		}
		return err
	}
	s.registry.set(nil, list.Accounts)
	if list.Partial != nil {
		s.log.Warn("the list of accounts is not whole", "organisation", list.Organisation, "error", list.Partial)
	}
	if list.Stale == nil {
		s.log.Debug("the accounts of the organisation are listed", "organisation", list.Organisation, "accounts", len(list.Accounts), "read", list.Read)
		return nil
	}
	s.log.Warn("the list of accounts is old", "organisation", list.Organisation, "read", list.Read, "age", now.Sub(list.Read).Round(time.Minute), "error", list.Stale)
	return s.staleAccounts(ctx, list.Read, fmt.Sprintf("the list is of %s", list.Read.UTC().Format(time.RFC3339)), list.Stale, now)
}

// staleAccounts raises the finding about a list that is too old, one for each list.
func (s *Serve) staleAccounts(ctx context.Context, since time.Time, what string, cause error, now time.Time) error {
	if now.Sub(since) < staleAfter || s.db == nil || s.desk == nil {
		return nil
	}
	return s.take(ctx, builtinFinding(staleRule, yagura.SeverityMedium, since.UTC().Format(time.RFC3339), "organisation", what+": "+cause.Error(), now))
}

// firstAccounts lists the accounts before anything is judged. A service that starts while
// the list cannot be read starts all the same.
func (s *Serve) firstAccounts(ctx context.Context) {
	if !s.o.Config.Organizations.Enabled {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, firstOrganisation)
	defer cancel()
	if err := s.readOrganisation(ctx, s.o.Now()); err != nil {
		s.log.Warn("the accounts of the organisation could not be listed: it is tried again", "error", err)
	}
}
