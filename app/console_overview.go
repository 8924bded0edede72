package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/store"
)

const (
	overviewFresh  = time.Minute
	overviewOld    = 10 * time.Minute // what is older is waited for
	overviewDays   = 7
	overviewAcked  = 30 // days
	overviewNoisy  = 10
	overviewBroken = 5000             // dead letters that are counted by the hour
	eventsFresh    = 10 * time.Minute // of the count of events, which reads the lake
	mostOverviews  = 100
)

// overviews keep what was added up, by reach: adding up costs most of a second in a large
// store, and everybody's browser asks again and again. One is made at a time. Where a service
// runs, what is a little old is answered at once and made anew behind the answer.
type overviews struct {
	mu     sync.Mutex
	kept   map[string]*summedUp
	events map[string]countedEvents
	making chan struct{}
	wanted map[string]api.Reach // what is to be made anew
	wake   chan struct{}        // nil: nobody makes anew
}

type summedUp struct {
	api.Overview
	counted bool // events too, or that was tried
}

type countedEvents struct {
	at        time.Time
	hours     map[int64]int64 // by Unix time
	known     bool
	countries []api.CountryFlow // nil where they are not known
}

// last returns what was added up last for a reach, nil for nothing, and whether somebody makes
// anew what is asked for by [overviews.want].
func (o *overviews) last(key string, now time.Time) (x *summedUp, making chan struct{}, behind bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.making == nil {
		o.making, o.kept, o.events = make(chan struct{}, 1), map[string]*summedUp{}, map[string]countedEvents{}
	}
	if x = o.kept[key]; x != nil && !within(now.Sub(x.At), overviewOld) {
		x = nil
	}
	return x, o.making, o.wake != nil
}

// within says whether something of an age may be used; a clock that went back has no age.
func within(age, most time.Duration) bool { return age >= 0 && age < most }

func (o *overviews) keep(key string, x *summedUp) {
	o.mu.Lock()
	defer o.mu.Unlock()
	maps.DeleteFunc(o.kept, func(_ string, old *summedUp) bool { return !within(x.At.Sub(old.At), overviewOld) })
	if len(o.kept) < mostOverviews {
		o.kept[key] = x
	}
}

// want asks for the sums of a reach to be made behind.
func (o *overviews) want(key string, reach api.Reach) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.wanted) < mostOverviews {
		o.wanted[key] = reach
	}
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// keepSums makes sums anew behind the answers that want them, until ctx ends.
func (c *console) keepSums(ctx context.Context) {
	o := &c.sums
	o.mu.Lock()
	o.wanted, o.wake = map[string]api.Reach{}, make(chan struct{}, 1)
	wake := o.wake
	o.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		}
		o.mu.Lock()
		wanted := o.wanted
		o.wanted = map[string]api.Reach{}
		o.mu.Unlock()
		for key, reach := range wanted {
			if err := c.makeSums(ctx, key, reach, true); err != nil && ctx.Err() == nil {
				c.log.Warn("the numbers of the overview were not added up", "error", err)
			}
		}
	}
}

// good says whether sums need not be made anew.
func (x *summedUp) good(now time.Time, events bool) bool {
	return within(now.Sub(x.At), overviewFresh) && (x.counted || !events)
}

// makeSums adds up what belongs to a reach and keeps it, unless somebody else did meanwhile.
func (c *console) makeSums(ctx context.Context, key string, reach api.Reach, events bool) error {
	_, making, _ := c.sums.last(key, c.now())
	select {
	case making <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-making }()
	if x, _, _ := c.sums.last(key, c.now()); x != nil && x.good(c.now(), events) {
		return nil
	}
	x, err := c.sumUp(ctx, reach, key, events)
	if err == nil {
		c.sums.keep(key, x)
	}
	return err
}

// Overview implements [api.Overviews].
func (c *console) Overview(ctx context.Context, reach api.Reach, since time.Time) (*api.Overview, error) {
	scopes, all := c.within(reach)
	name, err := json.Marshal(struct {
		All    bool
		Scopes []yagura.Scope
	}{all, scopes})
	if err != nil {
		return nil, err
	}
	key := string(name)
	x, _, behind := c.sums.last(key, c.now())
	if x == nil || !behind && !x.good(c.now(), true) {
		if err := c.makeSums(ctx, key, reach, !behind); err != nil {
			return nil, err
		}
		if x, _, _ = c.sums.last(key, c.now()); x == nil { // more reaches than are kept
			if x, err = c.sumUp(ctx, reach, key, false); err != nil {
				return nil, err
			}
		}
	}
	if behind && !x.good(c.now(), true) {
		c.sums.want(key, reach)
	}
	out := x.Overview
	out.Since = since
	out.NewSince.Q = "opened:>=" + since.Format(time.RFC3339)
	err = c.view(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if err := c.sumIssues(ctx, tx, scopes, all, &out); err != nil {
			return err
		}
		out.NewSince.N, err = tx.OpenedSince(ctx, scopes, all, since.Truncate(time.Second))
		return err
	})
	return &out, err
}

// sumUp adds up what there is within a reach, but for the issues, which are counted for every
// answer; the events of the lake only where it is asked for, as that may take seconds.
func (c *console) sumUp(ctx context.Context, reach api.Reach, key string, count bool) (*summedUp, error) {
	now := c.now().UTC()
	scopes, all := c.within(reach)
	x := &summedUp{Overview: api.Overview{At: now, Noisy: []api.NoisyRule{}, Acknowledge: api.Acknowledged{Days: overviewAcked, BySeverity: []api.AckedLevel{}}}, counted: count}
	to := now.Truncate(time.Hour).Add(time.Hour)
	from := to.Add(-overviewDays * 24 * time.Hour)
	findings, broken := map[int64]int64{}, map[int64]int64{}
	var rules []store.RuleCount
	err := c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := c.sumAcked(ctx, tx, scopes, all, &x.Overview); err != nil {
			return err
		}
		hours, err := tx.FindingHours(ctx, scopes, all, from, to)
		if err != nil {
			return err
		}
		for _, h := range hours {
			findings[h.At.Unix()] = h.N
		}
		if rules, err = tx.FindingRules(ctx, scopes, all, now.Truncate(24*time.Hour).Add(-(overviewDays-1)*24*time.Hour)); err != nil {
			return err
		}
		if err := c.sumNoisy(ctx, tx, scopes, all, rules, &x.Overview); err != nil {
			return err
		}
		return c.sumDead(ctx, tx, scopes, all, from, broken, &x.Overview)
	})
	if err != nil {
		return nil, err
	}
	events, err := c.eventHours(ctx, reach, key, from, to, count, addUp(findings))
	if err != nil {
		return nil, err
	}
	x.EventsKnown, x.Countries = events.known, events.countries
	for at := from; at.Before(to); at = at.Add(time.Hour) {
		x.Hours = append(x.Hours, api.HourFlow{At: at, Events: events.hours[at.Unix()], Findings: findings[at.Unix()], Broken: broken[at.Unix()]})
	}
	x.Attack = c.sumAttack(rules)
	if all {
		err = c.sumFlows(ctx, &x.Overview)
	}
	return x, err
}

const openStates = "status:open,acknowledged"

func (c *console) sumIssues(ctx context.Context, tx *store.Tx, scopes []yagura.Scope, all bool, x *api.Overview) error {
	open, err := tx.OpenCounts(ctx, scopes, all)
	if err != nil {
		return err
	}
	x.Open, x.Suppressed = []api.OpenLevel{}, api.Behind{Q: openStates + " suppressed:yes"}
	x.Unassigned = api.Behind{Q: openStates + " assignee:none"}
	for _, o := range open {
		x.Open = append(x.Open, api.OpenLevel{Severity: o.Severity, Open: o.Open, Acknowledged: o.Acknowledged, Q: "severity:" + o.Severity.String() + " " + openStates})
		x.Suppressed.N, x.Unassigned.N = x.Suppressed.N+o.Suppressed, x.Unassigned.N+o.Unassigned
	}
	return nil
}

// sumAcked adds up how long it took to take issues on.
func (c *console) sumAcked(ctx context.Context, tx *store.Tx, scopes []yagura.Scope, all bool, x *api.Overview) error {
	acked, err := tx.AckTimes(ctx, scopes, all, x.At.Add(-overviewAcked*24*time.Hour))
	if err != nil {
		return err
	}
	for _, t := range acked {
		switch median, p90 := int64(t.Median/time.Second), int64(t.P90/time.Second); {
		case t.Severity == 0:
			x.Acknowledge.N, x.Acknowledge.Median, x.Acknowledge.P90 = t.N, median, p90
		case t.N > 0:
			x.Acknowledge.BySeverity = append(x.Acknowledge.BySeverity, api.AckedLevel{Severity: t.Severity, N: t.N, Median: median, P90: p90})
		}
	}
	return nil
}

// sumNoisy lists the rules that find most. Their titles are those of the rules that are
// loaded, or else those that their newest issue has.
func (c *console) sumNoisy(ctx context.Context, tx *store.Tx, scopes []yagura.Scope, all bool, rules []store.RuleCount, x *api.Overview) error {
	for _, r := range rules {
		if r.Rule == "" || r.Findings == 0 || len(x.Noisy) == overviewNoisy {
			continue
		}
		n := api.NoisyRule{Rule: c.serve.named(r.Rule, ""), Findings: r.Findings, Issues: r.Issues, PerDay: float64(r.Findings) / overviewDays}
		q, err := askingFor(filter.Issues, "rule", r.Rule)
		if err != nil {
			return err
		}
		if n.Rule.Title == "" {
			list, _, err := tx.FindIssues(ctx, scopes, all, q.At(x.At, time.UTC), "", "", 1)
			if err != nil {
				return err
			}
			title := r.Rule
			if len(list) > 0 {
				title = cmp.Or(list[0].Rule.Title, r.Rule)
			}
			n.Rule = c.serve.named(r.Rule, title)
		}
		if q, err = askingFor(filter.Findings, "rule", r.Rule); err != nil {
			return err
		}
		n.Q = q.String() + " seen:7d"
		x.Noisy = append(x.Noisy, n)
	}
	return nil
}

// askingFor is the question to a list for a value.
func askingFor(l *filter.List, field, value string) (*filter.Query, error) {
	q, err := filter.Parse(l, "")
	if err != nil {
		return nil, err
	}
	return q.With(field, value)
}

// sumDead counts the dead letters that wait, and the newest by the hour.
func (c *console) sumDead(ctx context.Context, tx *store.Tx, scopes []yagura.Scope, all bool, from time.Time, broken map[int64]int64, x *api.Overview) error {
	x.DeadLetters.Q = "retried:no"
	counted := 0
	for after := ""; counted < overviewBroken; {
		list, next, err := tx.FindDeadLetters(ctx, scopes, all, nil, "-at", after, 500)
		if err != nil {
			return err
		}
		for i := range list {
			if list[i].At.Before(from) {
				next = ""
				continue
			}
			broken[list[i].At.Truncate(time.Hour).Unix()]++
		}
		if counted += len(list); next == "" {
			break
		}
		after = next
	}
	if all {
		var err error
		x.DeadLetters.N, _, err = tx.DeadTotals(ctx)
		return err
	}
	q, err := filter.Parse(filter.DeadLetters, x.DeadLetters.Q)
	if err != nil {
		return err
	}
	q = q.At(x.At, time.UTC)
	x.DeadLetters.N, _, err = countPages(func(after string, limit int) ([]yagura.DeadLetter, string, error) {
		return tx.FindDeadLetters(ctx, scopes, all, q, "-at", after, limit)
	})
	return err
}

func addUp(counts map[int64]int64) (sum int64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// eventHours counts the events of the lake by the hour and by country, or tells what was counted
// a short time ago. Where that takes too long, or there is no engine, it is not known.
func (c *console) eventHours(ctx context.Context, reach api.Reach, key string, from, to time.Time, count bool, findings int64) (countedEvents, error) {
	if c.serve == nil {
		return countedEvents{}, nil
	}
	now := c.now()
	c.sums.mu.Lock()
	kept, ok := c.sums.events[key]
	c.sums.mu.Unlock()
	if ok && within(now.Sub(kept.at), eventsFresh) || !count {
		return kept, nil
	}
	out := countedEvents{at: now, hours: map[int64]int64{}}
	err := c.countEvents(ctx, reach, from, to, out.hours)
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	if out.known = err == nil; err != nil && !errors.Is(err, hunt.ErrNoEngine) {
		c.log.Warn("the events of the lake were not counted", "error", err)
	}
	if out.known {
		if out.countries, err = c.eventCountries(ctx, reach, from, to, findings); ctx.Err() != nil {
			return out, ctx.Err()
		} else if err != nil {
			c.log.Warn("the events of the lake were not counted by country", "error", err)
		}
	}
	c.sums.mu.Lock()
	defer c.sums.mu.Unlock()
	maps.DeleteFunc(c.sums.events, func(_ string, old countedEvents) bool { return !within(now.Sub(old.at), eventsFresh) })
	if len(c.sums.events) < mostOverviews {
		c.sums.events[key] = out
	}
	return out, nil
}

func (c *console) countEvents(ctx context.Context, reach api.Reach, from, to time.Time, hours map[int64]int64) error {
	done, err := c.serve.hunts.place(ctx, "") // as the service itself
	if err != nil {
		return err
	}
	defer done()
	rows, err := c.askLake(ctx, reach, "SELECT CAST(epoch(date_trunc('hour', time)) AS BIGINT) AS hour, count(*) AS n FROM events GROUP BY hour", nil, from, to, consoleRows)
	if err != nil {
		return err
	}
	for _, v := range rows {
		at, ok := v[0].(int64)
		n, ok2 := v[1].(int64)
		if !ok || !ok2 {
			return fmt.Errorf("events of an hour: %T, %T", v[0], v[1])
		}
		hours[at] = n
	}
	return nil
}

// sumAttack is what the rules look for, and found; nil beside a server, which has no rules.
func (c *console) sumAttack(rules []store.RuleCount) *api.Attack {
	if c.serve == nil {
		return nil
	}
	findings, issues := map[string]int64{}, map[string]int64{}
	for _, r := range rules {
		findings[r.Rule], issues[r.Rule] = r.Findings, r.Issues
	}
	covered := (&consoleRules{c.serve}).coverage(findings)
	out := &api.Attack{Tactics: covered.Tactics, Techniques: []api.AttackTechnique{}}
	for _, t := range covered.Techniques {
		if len(t.Rules) == 0 {
			continue
		}
		x := api.AttackTechnique{ID: t.ID, Name: t.Name, Tactics: append([]string{}, t.Tactics...), Rules: len(t.Rules), Findings: t.Findings, Q: "technique:" + t.ID + " " + openStates}
		for _, r := range t.Rules {
			x.Issues += issues[r]
		}
		out.Techniques = append(out.Techniques, x)
	}
	return out
}

// sumFlows adds what belongs to the whole installation.
func (c *console) sumFlows(ctx context.Context, x *api.Overview) error {
	sources, err := c.sources(ctx)
	if err != nil {
		return err
	}
	for _, s := range sources {
		q, err := askingFor(filter.Sources, "name", s.Name)
		if err != nil {
			return err
		}
		x.Sources = append(x.Sources, api.SourceBrief{Name: s.Name, Kind: s.Kind, State: s.State, Lag: s.Lag, LastEvent: s.LastEvent, Waiting: s.Waiting, Error: s.Error, Q: q.String()})
	}
	sinks, err := c.sinks(ctx)
	if err != nil {
		return err
	}
	for _, s := range sinks {
		q, err := askingFor(filter.Sinks, "name", s.Name)
		if err != nil {
			return err
		}
		x.Sinks = append(x.Sinks, api.SinkBrief{Name: s.Name, Kind: s.Kind, State: s.State, Waiting: s.Waiting, Dead: s.Dead, Oldest: s.Oldest, Q: q.String()})
	}
	if c.serve == nil || c.serve.lake == nil {
		return nil
	}
	totals, err := c.serve.lake.Totals(ctx)
	if err != nil {
		return err
	}
	l := &api.LakeBrief{In: lakeIn(c.cfg), PerDay: growth(totals, c.now())}
	if l.RetentionDays, l.RawDays, l.MostBytes, err = keptFor(c.cfg); err != nil {
		return err
	}
	for _, t := range totals {
		l.Bytes, l.RawBytes, l.Files, l.Records = l.Bytes+t.HeadSize+t.RawSize, l.RawBytes+t.RawBytes, l.Files+t.Files, l.Records+t.Rows
		if !t.Min.IsZero() && (l.Oldest.IsZero() || t.Min.Before(l.Oldest)) {
			l.Oldest = t.Min.UTC()
		}
		l.Newest = later(l.Newest, t.Max.UTC())
	}
	x.Lake = l
	return nil
}
