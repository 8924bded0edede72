package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yagura-sec/yagura/store"
)

// tally counts findings as they are filed, so that nobody has to count millions when a page is
// opened. What was counted is kept in the store, by days: all replicas go on from it.
//
// Findings of the last tallySettle are left for the next time: a transaction that began before
// another may end after it.
type tally struct {
	db  *store.DB
	now func() time.Time

	mu   sync.Mutex
	read time.Time // when what follows was read
	days map[string]*tallyDay
	head tallyHead
}

// tallyDay is what was found in one day (UTC), by when it was judged.
type tallyDay struct {
	// Rules counts by rule, account and format, with tabs between them.
	Rules map[string]int64 `json:"rules"`
	// Hours counts by hour, account, format and severity.
	Hours map[string]int64 `json:"hours"`
	// Last says when, by rule, account and format.
	Last map[string]time.Time `json:"last,omitempty"`
}

// tallyHead says how far was counted, and when rules found something last.
type tallyHead struct {
	After string               `json:"after"`
	Until time.Time            `json:"until"`
	Fired map[string]time.Time `json:"fired"`
	Days  []string             `json:"days"`
}

const (
	tallyDays    = 8
	tallyOnce    = 5000  // findings of one transaction
	tallyAtMost  = 50000 // findings that a page waits for
	tallySettle  = 2 * time.Second
	tallyFresh   = 2 * time.Second // how long a page is content with what was counted
	tallyHeadKey = "tally"
)

func tallyDayKey(day string) string { return tallyHeadKey + "/" + day }

func newTally(db *store.DB, now func() time.Time) *tally { return &tally{db: db, now: now} }

// chore counts on until all is counted.
func (t *tally) chore(ctx context.Context, _ time.Time) error { return t.count(ctx, 1<<62) }

// fresh brings the counts up to now, as far as that does not take long.
func (t *tally) fresh(ctx context.Context) error {
	t.mu.Lock()
	age := t.now().Sub(t.read)
	ok := !t.read.IsZero() && age >= 0 && age < tallyFresh
	t.mu.Unlock()
	if ok {
		return nil
	}
	return t.count(ctx, tallyAtMost)
}

func (t *tally) count(ctx context.Context, most int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for n := tallyOnce; n == tallyOnce && most > 0; most -= n {
		var head tallyHead
		var days map[string]*tallyDay
		err := t.db.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			head, days = tallyHead{}, map[string]*tallyDay{}
			n, err = t.some(ctx, tx, &head, days)
			return err
		})
		if err != nil {
			return fmt.Errorf("count findings: %w", err)
		}
		t.head, t.days, t.read = head, days, t.now()
	}
	return nil
}

// some counts the next findings.
func (t *tally) some(ctx context.Context, tx *store.Tx, head *tallyHead, days map[string]*tallyDay) (n int, err error) {
	if err := readState(ctx, tx.HoldState, tallyHeadKey, head); err != nil {
		return 0, err
	}
	for _, d := range head.Days {
		days[d] = &tallyDay{}
		if err := readState(ctx, tx.State, tallyDayKey(d), days[d]); err != nil {
			return 0, err
		}
	}
	now := t.now()
	first := now.Add(-(tallyDays - 1) * 24 * time.Hour).UTC().Truncate(24 * time.Hour)
	list, next, err := tx.FindingFacts(ctx, first, head.After, now.Add(-tallySettle), tallyOnce)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	if head.Fired == nil {
		head.Fired = map[string]time.Time{}
	}
	changed := map[string]bool{}
	for i := range list {
		f := &list[i]
		day := f.Seen.UTC().Format(time.DateOnly)
		d := days[day]
		if d == nil {
			d = &tallyDay{}
			days[day] = d
		}
		if d.Rules == nil {
			d.Rules, d.Hours = map[string]int64{}, map[string]int64{}
		}
		if d.Last == nil {
			d.Last = map[string]time.Time{}
		}
		changed[day] = true
		key := tabs(f.Rule, f.Account, f.Format)
		d.Rules[key]++
		if f.Seen.After(d.Last[key]) {
			d.Last[key] = f.Seen.UTC()
		}
		d.Hours[tabs(f.Seen.UTC().Format("15"), f.Account, f.Format, f.Severity.String())]++
		if f.Seen.After(head.Fired[f.Rule]) {
			head.Fired[f.Rule] = f.Seen.UTC()
		}
	}
	head.After, head.Until = next, list[len(list)-1].Seen.UTC()
	for day := range days {
		if day < first.Format(time.DateOnly) {
			delete(days, day)
			if err := tx.PutState(ctx, tallyDayKey(day), nil); err != nil {
				return 0, err
			}
		} else if changed[day] {
			if err := putState(ctx, tx, tallyDayKey(day), days[day]); err != nil {
				return 0, err
			}
		}
	}
	head.Days = slices.Sorted(maps.Keys(days))
	return len(list), putState(ctx, tx, tallyHeadKey, head)
}

// tabs joins the parts of a key, in which a tab is a blank.
func tabs(parts ...string) string {
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(p, "\t", " ")
	}
	return strings.Join(parts, "\t")
}

// rules counts the findings of the last seven days by rule, of accounts and formats that sees
// lets through.
func (t *tally) rules(sees func(account, format string) bool) map[string]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	since := t.now().Add(-7 * 24 * time.Hour).UTC().Format(time.DateOnly)
	out := map[string]int64{}
	for day, d := range t.days {
		if day <= since {
			continue
		}
		for k, n := range d.Rules {
			if p := strings.Split(k, "\t"); len(p) == 3 && sees(p[1], p[2]) {
				out[p[0]] += n
			}
		}
	}
	return out
}

// fired says when rules found something last, as far as was counted.
func (t *tally) fired() map[string]time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.head.Fired)
}

// firedWithin says when rules found something last in accounts and formats that sees lets
// through: as far back as the days that are kept.
func (t *tally) firedWithin(sees func(account, format string) bool) map[string]time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := map[string]time.Time{}
	for _, d := range t.days {
		for k, at := range d.Last {
			if p := strings.Split(k, "\t"); len(p) == 3 && sees(p[1], p[2]) && at.After(out[p[0]]) {
				out[p[0]] = at
			}
		}
	}
	return out
}
