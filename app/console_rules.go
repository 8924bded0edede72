package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/coverage"
	"github.com/yagura-sec/yagura/rule"
)

// consoleRules lists, tests and tunes the rules that judge.
type consoleRules struct{ s *Serve }

var _ api.Rules = (*consoleRules)(nil)

// listedRule is a rule with what is known of it.
type listedRule struct {
	api.Rule
	rule *rule.Rule // nil: it was refused
}

// ruleID is the name of a rule in addresses: its id, or its title where the language has none.
func ruleID(r *rule.Rule) string { return cmp.Or(r.ID, r.Title) }

// all lists the rules of the generation that judges, and those that were refused.
func (c *consoleRules) all(ctx context.Context, reach api.Reach) ([]listedRule, error) {
	if err := c.s.tally.fresh(ctx); err != nil {
		return nil, err
	}
	sees := c.s.seesOf(reach)
	counts, fired := c.s.tally.rules(sees), c.s.tally.fired()
	if !reach.All {
		fired = c.s.tally.firedWithin(sees)
	}
	g := c.s.rules.Load()
	tuned := c.s.tuned()
	var out []listedRule
	for _, r := range g.rules.All() {
		x := c.listed(g.rules, r, tuned)
		x.Findings, x.LastFired = counts[r.ID], fired[r.ID]
		x.PerDay = float64(x.Findings) / 7
		out = append(out, listedRule{x, r})
	}
	for i := range g.rules.Refusals {
		if f := &g.rules.Refusals[i]; !f.Warning {
			out = append(out, listedRule{api.Rule{ID: fmt.Sprintf("%s:%d", f.File, f.Line), Title: cmp.Or(f.Rule, f.File), State: "refused", File: f.File, Line: f.Line,
				Techniques: []string{}, Tactics: []string{}, Tags: []string{}, Formats: []string{}, Refusal: refusalOf(f)}, nil})
		}
	}
	return out, nil
}

func refusalOf(f *rule.Refusal) *api.RuleRefusal {
	return &api.RuleRefusal{File: f.File, Line: f.Line, Column: f.Column, Rule: f.Rule, Reason: f.Reason, Hint: f.Hint, Warning: f.Warning}
}

func (c *consoleRules) listed(rules *Rules, r *rule.Rule, tuned map[string]rule.Overlay) api.Rule {
	x := api.Rule{ID: ruleID(r), Title: r.Title, TitleJA: r.Japanese.Title, Engine: r.Engine, Kind: r.SideCar.Kind, Severity: r.EffectiveSeverity().String(), Original: r.SeverityOriginal,
		Enabled: !r.Disabled, Tags: append([]string{}, r.Tags...), Formats: append([]string{}, r.Formats...), Techniques: []string{}, Tactics: []string{},
		File: r.File, Line: r.Line, Author: r.Author, Shipped: isShipped(r.File), Own: c.s.ownRule(r.File)}
	if r.SideCar.Mode == rule.ModeCount {
		x.Mode = rule.ModeCount
	}
	switch {
	case len(r.Waits) > 0:
		x.State, x.Enabled = "waiting", false
	case r.Disabled:
		x.State, x.Enabled = "off", false
	default:
		x.State = "on"
	}
	x.Techniques, x.Tactics = coverage.Tags(r.Tags)
	if s := rules.OnSchedule(r); s != nil && s.Schedule != nil {
		x.Every = spanText(s.Schedule.Every)
	}
	if o, ok := tuned[x.ID]; ok {
		x.Tuned = tunedOf(&o)
	}
	return x
}

func tunedOf(o *rule.Overlay) *api.RuleTuned {
	t := &api.RuleTuned{By: o.Changed.By, RuleTuning: api.RuleTuning{Enabled: o.Enabled, Reason: o.Changed.Reason}}
	t.At, _ = time.Parse(time.RFC3339, o.Changed.At) // without it nobody knows
	if o.SideCar.Severity != 0 {
		s := o.SideCar.Severity.String()
		t.Severity = &s
	}
	if o.SideCar.Mode != "" {
		t.Mode = &o.SideCar.Mode
	}
	return t
}

// isShipped says whether a file comes with the program: those are not named from a folder.
func isShipped(file string) bool { return strings.HasPrefix(file, "detections/") }

// ownRule says whether a file was made in the console.
func (s *Serve) ownRule(file string) bool {
	rel, err := filepath.Rel(OwnRules(s.o.Config.Data), file)
	return err == nil && filepath.IsLocal(rel)
}

func ruleRow(x *api.Rule, r *rule.Rule) row {
	sev, _ := yagura.ParseSeverity(x.Severity)
	v := map[string]any{"id": []string{x.ID, x.Title}, "title": []string{x.Title, x.TitleJA}, "engine": string(x.Engine), "severity": sev, "kind": string(x.Kind), "technique": x.Techniques,
		"tactic": x.Tactics, "tag": x.Tags, "format": x.Formats, "state": x.State, "enabled": x.Enabled, "tuned": x.Tuned != nil, "shipped": x.Shipped, "scheduled": x.Every != "",
		"mode": cmp.Or(x.Mode, rule.ModeNotify), "fired": x.LastFired, "findings": x.Findings, "noise": x.PerDay, "file": x.File, "author": x.Author}
	texts := []string{x.ID, x.Title, x.TitleJA, x.File}
	if r != nil {
		v["description"] = []string{r.Description, r.Japanese.Description}
		texts = append(texts, r.Description, r.Japanese.Description)
	}
	return row{id: x.ID + "\x00" + x.File, values: v, texts: texts}
}

// ListRules implements [api.Rules].
func (c *consoleRules) ListRules(ctx context.Context, reach api.Reach, ask api.Ask) (*api.List[api.Rule], error) {
	all, err := c.all(ctx, reach)
	if err != nil {
		return nil, err
	}
	list, err := page(ask, all, func(x *listedRule) row { return ruleRow(&x.Rule, x.rule) })
	if err != nil {
		return nil, err
	}
	out := &api.List[api.Rule]{Items: make([]api.Rule, len(list.Items)), Next: list.Next, Total: list.Total}
	for i := range list.Items {
		out.Items[i] = list.Items[i].Rule
	}
	return out, nil
}

// Rule implements [api.Rules].
func (c *consoleRules) Rule(ctx context.Context, reach api.Reach, id string) (*api.RuleText, error) {
	all, err := c.all(ctx, reach)
	if err != nil {
		return nil, err
	}
	g := c.s.rules.Load()
	i := slices.IndexFunc(all, func(x listedRule) bool { return x.ID == id })
	if i < 0 {
		return nil, api.NotFound
	}
	x := all[i]
	text := g.rules.texts[x.File]
	out := &api.RuleText{Rule: x.Rule, Text: string(text), ETag: tagOf(fmt.Append(nil, g.Hash, x.ID))}
	if r := x.rule; r != nil {
		out.Description, out.DescriptionJA, out.References, out.FalsePositives = r.Description, r.Japanese.Description, r.References, r.FalsePositives
		out.Reason, out.Needs, out.Waits = cmp.Or(r.SideCar.SeverityReason, r.SideCar.Reason), r.SideCar.Data, r.Waits
		out.Runbook = runbookOf(r)
		if r.Correlation != nil {
			for _, base := range r.Correlation.Rules {
				out.Correlates = append(out.Correlates, ruleID(base))
			}
		}
		for j := range g.rules.Refusals {
			if f := &g.rules.Refusals[j]; f.Warning && f.File == r.File && (f.Rule == "" || f.Rule == r.Title) {
				out.Warnings = append(out.Warnings, *refusalOf(f))
			}
		}
	}
	return out, nil
}

func (c *consoleRules) byID(ctx context.Context, id string) (*api.Rule, error) {
	x, err := c.Rule(ctx, api.Reach{All: true}, id)
	if err != nil {
		return nil, err
	}
	return &x.Rule, nil
}

// Coverage implements [api.Rules].
func (c *consoleRules) Coverage(ctx context.Context, reach api.Reach) (*api.Coverage, error) {
	if err := c.s.tally.fresh(ctx); err != nil {
		return nil, err
	}
	return c.coverage(c.s.tally.rules(c.s.seesOf(reach))), nil
}

// coverage says of every technique of the matrix, and every one that a rule names beside it,
// which rules look for it and what they found.
func (c *consoleRules) coverage(counts map[string]int64) *api.Coverage {
	g := c.s.rules.Load()
	var on []*rule.Rule
	for _, r := range g.rules.All() {
		if !r.Disabled {
			on = append(on, r)
		}
	}
	out := &api.Coverage{Techniques: []api.CoveredTechnique{}, Tactics: coverage.Tactics()}
	byID := map[string]*api.CoveredTechnique{}
	for _, t := range coverage.Matrix() {
		byID[t.ID] = &api.CoveredTechnique{ID: t.ID, Name: t.Name, Tactics: t.Tactics, State: string(coverage.NoRule), Rules: []string{}}
		if slices.Contains(t.Logs, coverage.Endpoint) {
			byID[t.ID].State = coverage.Endpoint
		}
	}
	for _, r := range coverage.Table(on) {
		t := byID[r.ID]
		if t == nil {
			t = &api.CoveredTechnique{ID: r.ID, Tactics: r.Tactics, Rules: []string{}}
			byID[r.ID] = t
		}
		t.State = string(coverage.Covered)
		for _, x := range r.Rules {
			t.Rules = append(t.Rules, cmp.Or(x.ID, x.Title))
			t.Findings += counts[x.ID]
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		out.Techniques = append(out.Techniques, *byID[id])
	}
	return out
}

// runbookOf is what a rule says a person should do; nil where it says nothing.
func runbookOf(x *rule.Rule) *yagura.Runbook {
	en, ja := x.SideCar.Runbook, x.Japanese.Runbook
	if len(en.Check)+len(en.Do)+len(ja.Check)+len(ja.Do) == 0 {
		return nil
	}
	return &yagura.Runbook{Check: en.Check, Do: en.Do, CheckJA: ja.Check, DoJA: ja.Do}
}
