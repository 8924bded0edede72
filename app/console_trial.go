package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/keep"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/schedule"
)

// The bounds of a test of a rule against what was stored.
const (
	trialFile    = "rule.yml" // what places in the text are said with
	trialHours   = 24
	trialMost    = 30 * 24
	trialHits    = 50
	trialMostHit = 200
	trialTime    = 20 * time.Second
	trialRecords = 2_000_000
)

// TestRule implements [api.Rules]: the text is read as the service reads its rules, and judges
// the newest of the stored records first, until time or the number of records runs out.
func (c *consoleRules) TestRule(ctx context.Context, reach api.Reach, in api.RuleTrial) (*api.RuleTried, error) {
	s := c.s
	in.Hours, in.Limit = cmp.Or(in.Hours, trialHours), cmp.Or(in.Limit, trialHits)
	if in.Hours < 1 || in.Hours > trialMost || in.Limit < 1 || in.Limit > trialMostHit {
		return nil, api.Refuse(api.CodeBadRequest, fmt.Sprintf("hours is 1 to %d, limit 1 to %d", trialMost, trialMostHit), fmt.Sprintf("hours は 1 から %d、limit は 1 から %d までです", trialMost, trialMostHit))
	}
	now := s.o.Now()
	out := &api.RuleTried{Refusals: []api.RuleRefusal{}, Hits: []api.RuleHit{}, From: now.Add(-time.Duration(in.Hours) * time.Hour).UTC(), To: now.UTC()}
	rules, err := s.trialRules(in.Text)
	if err != nil {
		return nil, err
	}
	for i := range rules.Refusals {
		if f := &rules.Refusals[i]; f.File == trialFile {
			out.Refusals = append(out.Refusals, *refusalOf(f))
		}
	}
	if len(refusalsOf(rules, trialFile)) > 0 {
		return out, nil
	}
	done, err := s.hunts.place(ctx, "")
	if err != nil {
		return nil, err
	}
	defer done()
	t := &trialRun{s: s, reach: reach, sees: s.seesOf(reach), limit: in.Limit, out: out}
	within, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	if err := t.run(within, rules); err != nil && ctx.Err() == nil && within.Err() == nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if within.Err() != nil {
		out.Cut = "time"
	}
	out.MS = s.o.Now().Sub(now).Milliseconds()
	return out, nil
}

// trialRules reads the text of a rule; alone, or beside those of the service where it names
// some of them.
func (s *Serve) trialRules(text string) (*Rules, error) {
	rules, err := LoadRules(s.trialOptions(text, trialFile, false))
	if err != nil || len(refusalsOf(rules, trialFile)) == 0 {
		return rules, err
	}
	beside, err := LoadRules(s.trialOptions(text, trialFile, true))
	if err != nil {
		return nil, err
	}
	if len(refusalsOf(beside, trialFile)) > 0 {
		return rules, nil // what is wrong with it alone is nearer to what is wrong
	}
	keep := map[*rule.Rule]bool{}
	var add func(r *rule.Rule)
	add = func(r *rule.Rule) {
		if keep[r] {
			return
		}
		keep[r] = true
		if r.Correlation != nil {
			for _, base := range r.Correlation.Rules {
				add(base)
			}
		}
	}
	for _, r := range beside.Rules {
		if r.File == trialFile {
			add(r)
		}
	}
	out := *beside
	out.Rules, out.Scheduled = nil, nil
	for _, r := range beside.Rules {
		if keep[r] {
			out.Rules = append(out.Rules, r)
		}
	}
	for _, r := range beside.Scheduled {
		if r.File == trialFile {
			out.Scheduled = append(out.Scheduled, r)
		}
	}
	return &out, nil
}

// trialRun is one test on its way. It is the writer of what the rules find.
type trialRun struct {
	s     *Serve
	reach api.Reach
	sees  func(account, format string) bool
	limit int
	out   *api.RuleTried
}

func (t *trialRun) run(ctx context.Context, rules *Rules) error {
	for _, r := range rules.Rules {
		if r.Correlation != nil && !t.reach.All {
			return api.Refuse(api.CodeForbidden, "a correlation counts the events of all accounts: testing it needs access to all of them", "相関ルールは全アカウントのイベントを集計するため、すべてへのアクセス権が必要です")
		}
	}
	if len(rules.Rules) > 0 {
		if err := t.stream(ctx, rules); err != nil {
			return err
		}
	}
	return t.scheduled(ctx, rules)
}

// stream judges records by rules that judge one after the other.
func (t *trialRun) stream(ctx context.Context, rules *Rules) error {
	s := t.s
	catalogue, blobs, err := LakeCatalogue(ctx, s.o.Config, s.db, false)
	if err != nil {
		return err
	}
	formats := RuleFormats(rules.Rules)
	pieces, err := LakePieces(ctx, catalogue, lake.NewReader(catalogue, blobs), formats, t.out.From, t.out.To)
	if err != nil {
		return err
	}
	slices.Reverse(pieces) // the newest files first
	var n atomic.Int64
	for i := range pieces {
		records := pieces[i].Records
		pieces[i].Records = func(ctx context.Context) iter.Seq2[*keep.Entry, error] {
			return func(yield func(*keep.Entry, error) bool) {
				for e, err := range records(ctx) {
					if err == nil && n.Add(1) > trialRecords {
						return
					}
					if !yield(e, err) {
						return
					}
				}
			}
		}
	}
	scan, src, _, err := NewRetro(rules, RetroOptions{From: t.out.From, To: t.out.To, Pieces: pieces,
		ScanOptions: ScanOptions{Formats: s.o.Rules.Formats, Workers: 2, RulesOnly: true, Now: s.o.Now}})
	if err != nil {
		return err
	}
	sum, err := scan.Run(ctx, t, src)
	if sum != nil && t.reach.All {
		t.out.Records = sum.Events
	}
	if n.Load() > trialRecords {
		t.out.Cut = "records"
	}
	return err
}

// scheduled runs rules that run on a schedule, over the same time.
func (t *trialRun) scheduled(ctx context.Context, rules *Rules) error {
	s := t.s
	for _, r := range rules.Scheduled {
		if r.Schedule == nil {
			continue
		}
		q := newLakeQuery(s.o.Config, s.db, s.hunts.hunting.Hunter, LakeDir(s.o.Config))
		q.copies, q.within = s.hunts.hunting.copies, s.within(t.reach)
		_, err := schedule.Over(ctx, q, r, t.out.From, t.out.To, func(f yagura.Finding) error {
			t.take(&f) // the tables had only rows within reach
			return nil
		})
		if h := (*hunt.Error)(nil); errors.As(err, &h) {
			return huntProblem(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *trialRun) found(f *yagura.Finding) {
	if t.sees(f.Event.Account, f.Format) {
		t.take(f)
	}
}

func (t *trialRun) take(f *yagura.Finding) {
	t.out.Total++
	if len(t.out.Hits) < t.limit {
		t.out.Hits = append(t.out.Hits, api.RuleHit{Finding: *f})
	}
}

// Write implements [report.Writer].
func (t *trialRun) Write(it report.Item) error {
	t.found(it.Finding)
	return nil
}

// Flush implements [report.Writer].
func (t *trialRun) Flush() error { return nil }

// Close implements [report.Writer].
func (t *trialRun) Close() error { return nil }
