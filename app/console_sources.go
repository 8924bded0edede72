package app

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
)

const (
	usualLateness = 20 * time.Minute // as intake has it
	sinkLate      = 10 * time.Minute
	// A replica that said how its sources are this much before another did is taken for gone.
	staleStatus = 4 * statusEvery
)

// ListSources implements [api.Flows]: sources of the configuration, and those that the books
// know from before.
func (c *console) ListSources(ctx context.Context, ask api.Ask) (*api.List[api.Source], error) {
	list, err := c.sources(ctx)
	if err != nil {
		return nil, err
	}
	return page(ask, list, sourceRow)
}

func sourceRow(x *api.Source) row {
	var accounts []string
	for _, a := range x.Accounts {
		accounts = append(accounts, a.ID, a.Name)
	}
	return row{id: x.Name, texts: []string{x.Name, x.Kind, x.Error}, values: map[string]any{"name": x.Name, "kind": x.Kind, "state": x.State,
		"lag": time.Duration(x.Lag) * time.Second, "seen": x.LastEvent, "waiting": x.Waiting, "received": x.Received, "findings": x.Findings, "broken": x.Broken,
		"error": x.Error, "account": accounts}}
}

func (c *console) sources(ctx context.Context) ([]api.Source, error) {
	var totals []yagura.SourceTotals
	rhythms := map[string]map[string]*rhythm{}
	err := c.view(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if totals, err = tx.SourceTotals(ctx); err != nil {
			return err
		}
		for i := range c.cfg.Sources {
			all := map[string]*rhythm{}
			if err := readState(ctx, tx.State, "rhythm/"+c.cfg.Sources[i].Name, &all); err != nil {
				return err
			}
			rhythms[c.cfg.Sources[i].Name] = all
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	states, err := (&Books{DB: c.db}).SourceStates(ctx)
	if err != nil {
		return nil, err
	}
	byName := map[string]*api.Source{}
	of := func(name string) *api.Source {
		if byName[name] == nil {
			byName[name] = &api.Source{Name: name, Accounts: []api.SourceAccount{}}
		}
		return byName[name]
	}
	for i := range c.cfg.Sources {
		of(c.cfg.Sources[i].Name).Kind = c.cfg.Sources[i].Kind()
	}
	for _, t := range totals {
		x := of(t.Source)
		x.LastEvent, x.Waiting, x.Oldest, x.Error = t.LastEvent, t.Waiting, t.Oldest, t.LastError
		x.Received, x.Judged, x.Kept, x.Repeats, x.Broken, x.Own, x.Findings = t.Received, t.Judged, t.Kept, t.Repeats, t.Broken, t.Own, t.Findings
		x.Objects, x.ObjectsDone = t.Objects, t.ObjectsDone
	}
	newest := map[string]time.Time{}
	for _, s := range states {
		newest[s.Source] = later(newest[s.Source], s.At)
	}
	failing := map[string]bool{}
	for i := range states {
		s := &states[i]
		if byName[s.Source] != nil && newest[s.Source].Sub(s.At) < staleStatus {
			addState(byName[s.Source], s)
			failing[s.Source] = failing[s.Source] || s.Error != ""
		}
	}
	now := c.now()
	late := cmp.Or(time.Duration(c.cfg.Lateness), usualLateness)
	out := make([]api.Source, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		x := byName[name]
		quiet := len(rhythms[name]) > 0
		for _, id := range slices.Sorted(maps.Keys(rhythms[name])) {
			r := rhythms[name][id]
			_, silent := r.silent(now)
			quiet = quiet && silent
			x.Accounts = append(x.Accounts, api.SourceAccount{ID: id, Name: c.accounts().Lookup(id).Name, Last: r.Last.UTC(), Silent: silent})
		}
		if !x.Oldest.IsZero() {
			x.Lag = max(0, int64(now.Sub(x.Oldest)/time.Second))
		}
		x.State = sourceState(x, failing[name], quiet, late)
		out = append(out, *x)
	}
	return out, nil
}

// addState takes over how a source is at one replica.
func addState(x *api.Source, s *SourceState) {
	x.LastEvent = later(x.LastEvent, s.LastEvent)
	if s.Waiting >= 0 {
		n := s.Waiting
		if x.Queued != nil { // replicas look at one queue: it is not added up
			n = max(n, *x.Queued)
		}
		x.Queued = &n
	}
	if !s.Oldest.IsZero() && (x.Oldest.IsZero() || s.Oldest.Before(x.Oldest)) {
		x.Oldest = s.Oldest
	}
	if s.Error != "" {
		x.Error, x.ErrorAt = s.Error, s.ErrorAt
	}
}

// sourceState says how a source does, the worst of what holds.
func sourceState(x *api.Source, failing, quiet bool, late time.Duration) string {
	switch {
	case failing:
		return "failing"
	case x.Lag > 0 && time.Duration(x.Lag)*time.Second > late:
		return "late"
	case quiet:
		return "silent"
	case x.LastEvent.IsZero() && x.Received == 0:
		return "waiting"
	}
	return "ok"
}

// ListSinks implements [api.Flows]: sinks of the configuration, and those that the books know
// from before.
func (c *console) ListSinks(ctx context.Context, ask api.Ask) (*api.List[api.Sink], error) {
	list, err := c.sinks(ctx)
	if err != nil {
		return nil, err
	}
	return page(ask, list, func(x *api.Sink) row {
		return row{id: x.Name, texts: []string{x.Name, x.Kind, x.Error}, values: map[string]any{"name": x.Name, "kind": x.Kind, "state": x.State,
			"waiting": x.Waiting, "dead": x.Dead, "delivered": x.Delivered, "oldest": x.Oldest, "error": x.Error}}
	})
}

func (c *console) sinks(ctx context.Context) (out []api.Sink, err error) {
	var totals []yagura.SinkTotals
	err = c.view(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		totals, err = tx.SinkTotals(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	byName := map[string]*api.Sink{}
	for i := range c.cfg.Sinks {
		byName[c.cfg.Sinks[i].Name] = &api.Sink{Name: c.cfg.Sinks[i].Name, Kind: c.cfg.Sinks[i].Kind()}
	}
	for _, t := range totals {
		x := byName[t.Sink]
		if x == nil {
			x = &api.Sink{Name: t.Sink}
			byName[t.Sink] = x
		}
		x.Owed, x.Delivered, x.Waiting, x.Dead, x.Folded, x.Doubled = t.Owed, t.Delivered, t.Waiting, t.Dead, t.Folded, t.Doubled
		x.Oldest, x.Error = t.Oldest, t.LastError
	}
	now := c.now()
	out = make([]api.Sink, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		x := byName[name]
		switch {
		case x.Error != "":
			x.State = "failing"
		case !x.Oldest.IsZero() && now.Sub(x.Oldest) > sinkLate:
			x.State = "late"
		default:
			x.State = "ok"
		}
		out = append(out, *x)
	}
	return out, nil
}

// TestText is what a notice says that is only a test.
func TestText(lang string) string {
	if lang == "ja" {
		return "Yagura のテスト通知です。対応は不要です。"
	}
	return "This is a test of Yagura. There is nothing to do."
}

// TestSink implements [api.Flows].
func (c *console) TestSink(ctx context.Context, name string) (string, error) {
	i := slices.IndexFunc(c.cfg.Sinks, func(s config.Sink) bool { return s.Name == name })
	if i < 0 {
		return "", api.NotFound
	}
	text := TestText(c.cfg.Sinks[i].Lang)
	id := c.desk.NewID()
	err := c.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.Owe(ctx, []yagura.Notice{{ID: id, Sink: name, Op: yagura.OpTest, Created: c.now().UTC(), Text: text}})
	})
	if err == nil && c.serve != nil {
		c.serve.wake()
	}
	return id, err
}

// Ledger implements [api.Flows].
func (c *console) Ledger(ctx context.Context) (*api.Ledger, error) {
	l, err := (&Books{DB: c.db}).Ledger(ctx, c.now())
	if err != nil {
		return nil, err
	}
	out := &api.Ledger{At: l.At, Sources: []api.LedgerSource{}, Sinks: []api.LedgerSink{}, Checked: l.Balanced, Faults: l.Faults,
		DeadLetters: api.LedgerDead{N: l.DeadAll, Retried: l.DeadAll - l.DeadWaiting}}
	for _, s := range l.Sources {
		out.Sources = append(out.Sources, api.LedgerSource{Name: s.Source, Received: s.Received, Judged: s.Judged, Waiting: s.Waiting, Kept: s.Kept, Repeats: s.Repeats,
			Broken: s.Broken, Own: s.Own, Findings: s.Findings, Objects: s.Objects, ObjectsDone: s.ObjectsDone, Oldest: s.Oldest, Balanced: s.Received == s.Judged+s.Waiting})
		t := &out.Total
		t.Received, t.Judged, t.Waiting = t.Received+s.Received, t.Judged+s.Judged, t.Waiting+s.Waiting
	}
	for _, s := range l.Sinks {
		out.Sinks = append(out.Sinks, api.LedgerSink{Name: s.Sink, Owed: s.Owed, Delivered: s.Delivered, Waiting: s.Waiting, Dead: s.Dead, Folded: s.Folded, Doubled: s.Doubled,
			Oldest: s.Oldest, Balanced: s.Owed == s.Delivered+s.Waiting+s.Dead})
		t := &out.Total
		t.Owed, t.Delivered, t.WaitingNotices, t.DeadNotices = t.Owed+s.Owed, t.Delivered+s.Delivered, t.WaitingNotices+s.Waiting, t.DeadNotices+s.Dead
	}
	return out, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
