package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

// The rhythm of an account is learnt from the longest pause of each of the last days. It is
// silent when nothing came for twice the longest of them, and no less than leastSilence.
const (
	rhythmDays   = 14
	leastSilence = 40 * time.Minute
	learnFor     = 24 * time.Hour
	maxRhythms   = 100_000
)

// rhythm is how often records of one account come by one source.
type rhythm struct {
	First time.Time                 `json:"first"`
	Last  time.Time                 `json:"last"` // arrival
	Day   string                    `json:"day"`
	Pause [rhythmDays]time.Duration `json:"pause"` // the longest of each day; [0] is of Day
}

// heard notes an arrival.
func (r *rhythm) heard(at time.Time) {
	if r.First.IsZero() {
		r.First, r.Last, r.Day = at, at, day(at)
		return
	}
	if !at.After(r.Last) {
		return
	}
	if d := day(at); d != r.Day {
		for r.Day != d && r.Day < d {
			copy(r.Pause[1:], r.Pause[:rhythmDays-1])
			r.Pause[0] = 0
			t, err := time.Parse(time.DateOnly, r.Day)
			if err != nil {
				break
			}
			r.Day = day(t.Add(24 * time.Hour))
		}
		r.Day = d
	}
	r.Pause[0] = max(r.Pause[0], at.Sub(r.Last))
	r.Last = at
}

// silent reports whether the account has been quiet longer than it ever is.
func (r *rhythm) silent(now time.Time) (limit time.Duration, yes bool) {
	limit = max(2*slices.Max(r.Pause[:]), leastSilence)
	return limit, r.Last.Sub(r.First) >= learnFor && now.Sub(r.Last) > limit
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// The rules of findings about who sends.
var (
	silentRule   = yagura.RuleRef{ID: "yagura-account-silent", Title: "An account has fallen silent", Engine: yagura.EngineBuiltin, Tags: []string{}}
	unlistedRule = yagura.RuleRef{ID: "yagura-account-unlisted", Title: "An account sends that is not listed", Engine: yagura.EngineBuiltin, Tags: []string{}}
)

// silence brings the rhythm of all accounts up to date, in one commit. A listed one that has
// fallen silent, and one that sends without being listed, are findings.
func (h *house) silence(ctx context.Context, now time.Time) error {
	s := h.s
	heard := s.in.Accounts()
	var findings []yagura.Finding
	var errs []error
	var unread []string // sources whose state cannot be read
	err := s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		findings, errs, unread = nil, nil, nil
		for _, src := range s.o.Config.Sources {
			news, err := h.rhythmOf(ctx, tx, src.Name, heard[src.Name], now)
			if errors.Is(err, errRhythm) {
				errs, unread = append(errs, err), append(unread, src.Name)
				continue
			}
			if err != nil {
				return err
			}
			findings = append(findings, news...)
		}
		return nil
	})
	for source, at := range heard {
		if err != nil || slices.Contains(unread, source) {
			s.in.Heard(source, at) // or else who sent meanwhile would seem silent
		}
	}
	if err != nil {
		return err
	}
	if len(findings) > 0 {
		errs = append(errs, s.take(ctx, findings...))
	}
	return errors.Join(errs...)
}

// errRhythm says that the state of one source cannot be read; the others can.
var errRhythm = errors.New("it cannot be read")

// rhythmOf brings the rhythm of one source up to date. Where nobody was heard nothing is
// written.
func (h *house) rhythmOf(ctx context.Context, tx *store.Tx, source string, heard map[string]time.Time, now time.Time) ([]yagura.Finding, error) {
	key := "rhythm/" + source
	all := map[string]*rhythm{}
	before, ok, err := tx.HoldState(ctx, key)
	if err != nil {
		return nil, err
	}
	if ok {
		if err := json.Unmarshal(before, &all); err != nil {
			return nil, fmt.Errorf("state %s: %w: %w", key, errRhythm, err)
		}
	}
	for account, at := range heard {
		if all[account] == nil {
			if len(all) >= maxRhythms {
				continue
			}
			all[account] = &rhythm{}
		}
		all[account].heard(at)
	}
	registry := h.s.registry.load()
	news := rhythms(source, all, registry.Lookup, !registry.Empty(), now)
	after, err := json.Marshal(all)
	if err != nil || bytes.Equal(before, after) {
		return news, err
	}
	return news, tx.PutState(ctx, key, after)
}

// rhythms makes the findings about the accounts of one source. Their ids are those of the
// silence, so that one silence is one finding however often it is seen.
func rhythms(source string, all map[string]*rhythm, lookup func(string) yagura.AccountInfo, registry bool, now time.Time) []yagura.Finding {
	var out []yagura.Finding
	for account, r := range all {
		info := lookup(account)
		limit, silent := r.silent(now)
		switch {
		case info.Listed && silent:
			f := builtinFinding(silentRule, yagura.SeverityHigh, source+"/"+account+"/"+r.Last.UTC().Format(time.RFC3339Nano), "source="+source+" account="+account,
				fmt.Sprintf("nothing has come from account %s by source %s since %s; its longest pause of late was %s", account, source,
					r.Last.UTC().Format(time.RFC3339), (limit/2).Round(time.Minute)), now)
			f.Event.Account = account
			out = append(out, f)
		case registry && !info.Listed && account != "" && now.Sub(r.Last) < time.Hour:
			f := builtinFinding(unlistedRule, yagura.SeverityMedium, source+"/"+account, "source="+source+" account="+account,
				fmt.Sprintf("account %s sends by source %s and is not in the registry of accounts", account, source), now)
			f.Event.Account = account
			out = append(out, f)
		}
	}
	return out
}
