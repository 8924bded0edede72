package triage

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
)

// Accounts is the registry of accounts: those that a file lists, and those that a cloud
// does. It does not change once it is made and may be used by many goroutines at once.
type Accounts struct {
	byID     map[string]yagura.AccountInfo
	patterns []accountPattern
}

type accountPattern struct {
	glob string
	info yagura.AccountInfo
}

// maxAccounts bounds the accounts of one file. The largest AWS organisations have some
// ten thousand.
const (
	maxAccounts     = 200_000
	maxAccountsFile = 32 << 20
	maxPatterns     = 1000
)

var accountKeys = []string{"name", "cloud", "organisation", "owner", "environment", "tags", "channel", "repository", "pipelines"}

// NewAccounts makes a registry of entries that come from elsewhere: the section accounts
// of the configuration, or what [Accounts.Merge] takes. Of two with one id the later
// fills in what the first leaves empty.
func NewAccounts(entries []yagura.AccountInfo) *Accounts {
	return (&Accounts{byID: map[string]yagura.AccountInfo{}}).Merge(entries)
}

// ParseAccounts reads a registry from a file. All that is wrong is said at once; the
// registry is nil where one of the problems is no warning.
func ParseAccounts(file string, data []byte) (*Accounts, []Problem) {
	r := &reader{file: file}
	a := &Accounts{byID: map[string]yagura.AccountInfo{}}
	top := r.document(data, maxAccountsFile)
	if top == nil {
		if len(r.problems) > 0 {
			return nil, r.problems
		}
		return a, nil
	}
	var list, patterns *yaml.Node
	organisation := ""
	r.mapping(top, "the registry", []string{"organisation", "accounts", "patterns"}, func(key, v *yaml.Node) {
		switch key.Value {
		case "organisation":
			organisation = r.text(v, "organisation", maxText)
		case "accounts":
			list = v
		case "patterns":
			patterns = v
		}
	})
	if list != nil && list.Tag != "!!null" {
		r.accounts(a, list, organisation)
	}
	if patterns != nil && patterns.Tag != "!!null" {
		r.patterns(a, patterns, organisation)
	}
	if Refused(r.problems) {
		return nil, r.problems
	}
	return a, r.problems
}

func (r *reader) accounts(a *Accounts, n *yaml.Node, organisation string) {
	if len(n.Content)/2 > maxAccounts {
		r.fault(n, fmt.Sprintf("there are %d accounts, more than %d", len(n.Content)/2, maxAccounts), "")
		return
	}
	r.mapping(n, "accounts", nil, func(key, v *yaml.Node) {
		id := strings.TrimSpace(key.Value)
		switch {
		case id == "":
			r.fault(key, "the id of an account is empty", "")
			return
		case strings.ContainsAny(id, "*?"):
			r.fault(key, fmt.Sprintf("account %q is a pattern", id), "patterns have a list of their own: patterns: [{match: prod-*, environment: prod}]")
			return
		case r.lostZero(key, id):
			return
		}
		info := r.account(v, "account "+id, nil)
		info.ID, info.Listed = id, true
		info.Organisation = cmp.Or(info.Organisation, organisation)
		if info.Cloud == "aws" && !awsAccount.MatchString(id) {
			r.fault(key, fmt.Sprintf("account %q is not an AWS account: want 12 digits", id), "")
		}
		a.byID[id] = info
	})
}

var awsAccount = regexp.MustCompile(`^[0-9]{12}$`)

// lostZero refuses ids that were written as numbers and lost something on the way: 0123
// without quotes is a number of YAML, and of 11 digits a zero is missing.
func (r *reader) lostZero(n *yaml.Node, id string) bool {
	if len(id) == 11 && !strings.ContainsFunc(id, func(c rune) bool { return c < '0' || c > '9' }) {
		r.fault(n, fmt.Sprintf("account %s has 11 digits: a zero is missing at its front", id), fmt.Sprintf("write \"0%s\", in quotes", id))
		return true
	}
	return false
}

func (r *reader) account(n *yaml.Node, what string, more func(key, v *yaml.Node)) (info yagura.AccountInfo) {
	if n.Tag == "!!null" {
		return info
	}
	allowed := accountKeys
	if more != nil {
		allowed = append(slices.Clone(accountKeys), "match", "listed")
	}
	r.mapping(n, what, allowed, func(key, v *yaml.Node) {
		switch key.Value {
		case "name":
			info.Name = r.text(v, "name", maxText)
		case "cloud":
			info.Cloud = r.text(v, "cloud", maxText)
		case "organisation":
			info.Organisation = r.text(v, "organisation", maxText)
		case "owner":
			info.Owner = r.text(v, "owner", maxText)
		case "environment":
			info.Environment = r.text(v, "environment", maxText)
		case "tags":
			info.Tags = r.words(v, "tags").list
		case "pipelines":
			info.Pipelines = r.words(v, "pipelines").list
		case "channel":
			info.Channel = r.text(v, "channel", maxText)
		case "repository":
			if info.Repository = r.text(v, "repository", maxText); info.Repository != "" && !repositoryName.MatchString(info.Repository) {
				r.fault(v, fmt.Sprintf("repository is %q", info.Repository), "write owner/name")
			}
		default:
			more(key, v)
		}
	})
	return info
}

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$`)

func (r *reader) patterns(a *Accounts, n *yaml.Node, organisation string) {
	if n.Kind != yaml.SequenceNode || len(n.Content) > maxPatterns {
		r.fault(n, "patterns is "+kindName(n), fmt.Sprintf("write a list of at most %d, in order: the first that matches counts", maxPatterns))
		return
	}
	seen := map[string]bool{}
	for _, item := range n.Content {
		var p accountPattern
		var at *yaml.Node
		listed := false
		p.info = r.account(item, "a pattern", func(key, v *yaml.Node) {
			switch key.Value {
			case "match":
				at, p.glob = v, r.text(v, "match", maxText)
			case "listed":
				listed = r.flag(v, "listed")
			}
		})
		p.info.Listed = listed
		p.info.Organisation = cmp.Or(p.info.Organisation, organisation)
		switch {
		case at == nil:
			r.fault(item, "the pattern does not say what it matches", "write match: prod-*")
		case seen[p.glob]:
			r.fault(at, fmt.Sprintf("pattern %q is there twice", p.glob), "keep one")
		}
		seen[p.glob] = true
		a.patterns = append(a.patterns, p)
	}
}

// Merge returns a registry that also has entries from elsewhere: AWS Organizations, the
// configuration. What a has of an account stays; an entry fills in what is empty.
func (a *Accounts) Merge(entries []yagura.AccountInfo) *Accounts {
	out := &Accounts{byID: maps.Clone(a.byID), patterns: a.patterns}
	for _, e := range entries {
		if e.ID == "" {
			continue
		}
		have, ok := out.byID[e.ID]
		if !ok {
			e.Listed = true
			out.byID[e.ID] = e
			continue
		}
		out.byID[e.ID] = fill(have, &e)
	}
	return out
}

func fill(have yagura.AccountInfo, from *yagura.AccountInfo) yagura.AccountInfo {
	have.Name = cmp.Or(have.Name, from.Name)
	have.Cloud = cmp.Or(have.Cloud, from.Cloud)
	have.Organisation = cmp.Or(have.Organisation, from.Organisation)
	have.Owner = cmp.Or(have.Owner, from.Owner)
	have.Environment = cmp.Or(have.Environment, from.Environment)
	have.Channel = cmp.Or(have.Channel, from.Channel)
	have.Repository = cmp.Or(have.Repository, from.Repository)
	if len(have.Tags) == 0 {
		have.Tags = from.Tags
	}
	if len(have.Pipelines) == 0 {
		have.Pipelines = from.Pipelines
	}
	return have
}

// Pipelines lists the identities that deploy, of all accounts, and the accounts or patterns
// of accounts that name any; both sorted.
func (a *Accounts) Pipelines() (identities, accounts []string) {
	add := func(id string, info *yagura.AccountInfo) {
		if len(info.Pipelines) > 0 {
			identities, accounts = append(identities, info.Pipelines...), append(accounts, id)
		}
	}
	for id, info := range a.byID {
		add(id, &info)
	}
	for i := range a.patterns {
		add(a.patterns[i].glob, &a.patterns[i].info)
	}
	slices.Sort(identities)
	slices.Sort(accounts)
	return slices.Compact(identities), slices.Compact(accounts)
}

// Lookup returns what is known of an account. Of one that is not in the registry the
// first pattern that matches tells what it can, and Listed says whether the pattern was
// meant to list it.
func (a *Accounts) Lookup(id string) yagura.AccountInfo {
	if a == nil {
		return yagura.AccountInfo{ID: id}
	}
	info, listed := a.byID[id]
	if !listed {
		info = yagura.AccountInfo{ID: id}
	}
	if i := slices.IndexFunc(a.patterns, func(p accountPattern) bool { return id != "" && globMatch(p.glob, id) }); i >= 0 {
		info = fill(info, &a.patterns[i].info)
		info.Listed = info.Listed || a.patterns[i].info.Listed
	}
	return info
}

// List returns the listed accounts by id. An account that is listed and has not been
// heard of for long is what a watch over silence asks about.
func (a *Accounts) List() []yagura.AccountInfo {
	if a == nil {
		return nil
	}
	out := make([]yagura.AccountInfo, 0, len(a.byID))
	for _, id := range slices.Sorted(maps.Keys(a.byID)) {
		out = append(out, a.Lookup(id))
	}
	return out
}

// Empty reports whether the registry names no account at all: then none can be missing
// from it.
func (a *Accounts) Empty() bool { return a == nil || len(a.byID) == 0 && len(a.patterns) == 0 }
