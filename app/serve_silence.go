package app

import (
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

// silence brings the rhythm of all accounts up to date. A listed one that has fallen
// silent, and one that sends without being listed, are findings.
func (h *house) silence(ctx context.Context, now time.Time) error {
	s := h.s
	heard := s.in.Accounts()
	var findings []yagura.Finding
	var errs []error
	for _, src := range s.o.Config.Sources {
		var news []yagura.Finding
		err := s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
			key := "rhythm/" + src.Name
			all := map[string]*rhythm{}
			data, ok, err := tx.HoldState(ctx, key)
			if err != nil {
				return err
			}
			if ok {
				if err := json.Unmarshal(data, &all); err != nil {
					return fmt.Errorf("state %s: %w", key, err)
				}
			}
			for account, at := range heard[src.Name] {
				if all[account] == nil {
					if len(all) >= maxRhythms {
						continue
					}
					all[account] = &rhythm{}
				}
				all[account].heard(at)
			}
			news = rhythms(src.Name, all, s.registry.load().Lookup, !s.registry.load().Empty(), now)
			if data, err = json.Marshal(all); err != nil {
				return err
			}
			return tx.PutState(ctx, key, data)
		})
		if err != nil {
			s.in.Heard(src.Name, heard[src.Name]) // or else who sent meanwhile would seem silent
			errs = append(errs, err)
			continue
		}
		findings = append(findings, news...)
	}
	if len(findings) > 0 {
		errs = append(errs, s.take(ctx, findings...))
	}
	return errors.Join(errs...)
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
