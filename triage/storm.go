package triage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
)

// defaultStorm is how many new issues a minute are told one by one.
const defaultStorm = 60

// storm holds the causes whose issues were told as new in this minute. A transaction that
// runs again finds its own there, and counts them once.
type storm struct {
	minute time.Time
	told   map[string]bool
}

// calm puts the issues that are new beyond the limit of a minute under one umbrella issue
// of that hour: each is there, counted and visible, and the umbrella tells of them all.
// Nothing is dropped.
func (d *Desk) calm(ctx context.Context, b Book, turns []*turn, now time.Time) error {
	limit := 0
	if d.StormLimit != nil {
		limit = d.StormLimit()
	}
	if limit <= 0 {
		limit = defaultStorm
	}
	d.mu.Lock()
	if now.Sub(d.storm.minute) >= time.Minute {
		d.storm = storm{minute: now, told: map[string]bool{}}
	}
	var over []*turn
	for _, t := range turns {
		switch {
		case !fresh(t) || d.storm.told[t.is.CauseKey]:
		case len(d.storm.told) >= limit:
			over = append(over, t)
		default:
			d.storm.told[t.is.CauseKey] = true
		}
	}
	d.mu.Unlock()
	if len(over) == 0 {
		return nil
	}
	u, err := d.umbrella(ctx, b, over, now)
	if err != nil {
		return err
	}
	for _, t := range over {
		t.is.Umbrella = u.is.ID
		t.is.Told, t.notices = nil, nil
		t.entry(yagura.EntryStorm, "one of many new issues at once: told of by the umbrella issue "+u.is.ID)
		e := u.entry(yagura.EntryStorm, fmt.Sprintf("%s [%s] %s %s", t.is.ID, t.is.Severity, t.is.Title, t.is.CauseKey))
		e.FindingID = t.is.Latest.ID
	}
	u.settle()
	return write(ctx, b, []*turn{u})
}

// fresh reports whether a turn makes an issue that is told as new.
func fresh(t *turn) bool {
	for i := range t.notices {
		if t.notices[i].Op == yagura.OpOpen && t.is.Version == 0 {
			return true
		}
	}
	return false
}

// StormRule is the rule of umbrella issues.
var StormRule = yagura.RuleRef{ID: "yagura-storm", Title: "Many new issues at once", Engine: yagura.EngineBuiltin, Tags: []string{}}

// umbrella returns the turn of this hour's umbrella issue.
func (d *Desk) umbrella(ctx context.Context, b Book, over []*turn, now time.Time) (*turn, error) {
	worst := yagura.SeverityNone
	var routes []string
	for _, t := range over {
		worst = max(worst, t.is.Severity)
		for _, r := range t.is.Routes {
			routes = appendNew(routes, r)
		}
	}
	f := &yagura.Finding{V: 1, Kind: yagura.Behaviour, Rule: StormRule, Severity: worst, SeverityOriginal: worst.String(), Source: "yagura", Time: now,
		Event: yagura.EventRef{Time: now, Outcome: yagura.OutcomeUnknown}, Events: []string{}, Entities: []yagura.Entity{}, Why: []yagura.Why{},
		Output: fmt.Sprintf("%d more issues were opened within a minute", len(over))}
	f.CauseKey, f.ID = "- "+StormRule.ID+" hour="+now.UTC().Format("2006-01-02T15"), d.NewID()
	key := CauseKey(d.Tenant, f, "")
	x := &finding{f: f, titleJA: "短時間に多数の課題が発生", j: Judgement{Severity: worst, Routes: routes}}
	issues, err := b.IssuesByCause(ctx, []string{key}, yagura.LockChange)
	if err != nil {
		return nil, err
	}
	if is := issues[key]; is != nil {
		t := &turn{now: now, newID: d.NewID, who: "yagura", is: is}
		t.more(x)
		return t, nil
	}
	t := born(now, d.NewID, key, x)
	t.count(f)
	return t, nil
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
