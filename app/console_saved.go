package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sentinel"
)

// SavedHunts implements [api.Hunts].
func (c *consoleHunts) SavedHunts(_ context.Context, ask api.Ask) (*api.List[api.SavedHunt], error) {
	list, err := AllHunts(c.s.o.Config)
	if err != nil {
		c.s.log.Warn("some saved hunts cannot be read", "error", err)
	}
	all := []api.SavedHunt{}
	for _, s := range list {
		all = append(all, *c.saved(s))
	}
	return page(ask, all, huntRow)
}

// saved is a hunt with what this service makes of it.
func (c *consoleHunts) saved(s *hunt.Saved) *api.SavedHunt {
	out := savedOf(s)
	out.Scheduled = slices.ContainsFunc(c.s.rules.Load().rules.All(), func(r *rule.Rule) bool { return r.ID == scheduledID(s.Name) })
	if !s.Shipped {
		if info, err := os.Stat(s.File); err == nil {
			out.Updated = info.ModTime().UTC()
		}
	}
	return out
}

// scheduledID is the id of the rule that is made of a hunt.
func scheduledID(name string) string { return "hunt-" + name }

func huntRow(x *api.SavedHunt) row {
	return row{id: x.Name, values: map[string]any{"name": x.Name, "title": []string{x.Title.En, x.Title.Ja}, "lang": x.Lang, "technique": x.Techniques, "tactic": x.Tactics,
		"shipped": x.Shipped, "scheduled": x.Scheduled, "updated": x.Updated},
		texts: []string{x.Name, x.Title.En, x.Title.Ja, x.Description.En, x.Description.Ja, x.Text}}
}

// SavedHunt implements [api.Hunts].
func (c *consoleHunts) SavedHunt(_ context.Context, name string) (*api.SavedHunt, error) {
	s, err := SavedHunt(c.s.o.Config, name)
	switch {
	case err != nil:
		return nil, api.Refuse(api.CodeUnprocessable, err.Error(), err.Error())
	case s == nil:
		return nil, api.NotFound
	}
	return c.saved(s), nil
}

func savedOf(s *hunt.Saved) *api.SavedHunt {
	out := &api.SavedHunt{Name: s.Name, Title: api.Words(s.Title), Description: api.Words(s.Description), Tactics: s.Tactics, Techniques: s.Techniques,
		Lang: string(s.Language), Range: spanText(s.Range), Text: s.Query, Shipped: s.Shipped}
	for _, p := range s.Parameters {
		x := api.HuntParam{Name: p.Name, Type: p.Type, Needed: p.Default == nil, Title: api.Words(p.Title)}
		if p.Default != nil {
			x.Default = p.Shown()
		}
		out.Params = append(out.Params, x)
	}
	return out
}

// spanText writes a span as hunts have it, "" for none.
func spanText(d time.Duration) string {
	for _, u := range []struct {
		unit string
		of   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}} {
		if d > 0 && d%u.of == 0 {
			return fmt.Sprintf("%d%s", d/u.of, u.unit)
		}
	}
	return ""
}

// SaveHunt implements [api.Hunts].
func (c *consoleHunts) SaveHunt(ctx context.Context, h api.SavedHunt, replace bool) (*api.SavedHunt, error) {
	s := &hunt.Saved{Name: h.Name, Title: hunt.Words(h.Title), Description: hunt.Words(h.Description), Tactics: h.Tactics, Techniques: h.Techniques,
		Language: hunt.Language(h.Lang), Query: h.Text}
	wrong := func(err error) error { return api.Refuse(api.CodeUnprocessable, err.Error(), err.Error()) }
	if err := hunt.CheckName(h.Name); err != nil {
		return nil, wrong(err)
	}
	if s.Language == "" {
		s.Language = hunt.Guess(h.Text)
	}
	if s.Title.En == "" && s.Title.Ja == "" {
		s.Title.En = h.Name
	}
	if h.Range != "" {
		d, err := hunt.ParseSpan(h.Range)
		if err != nil {
			return nil, wrong(fmt.Errorf("range: %w", err))
		}
		s.Range = d
	}
	for _, p := range h.Params {
		x := hunt.Parameter{Name: p.Name, Type: p.Type, Title: hunt.Words(p.Title)}
		if !p.Needed {
			v, err := x.Value(p.Default)
			if err != nil {
				return nil, wrong(fmt.Errorf("parameter %s: %w", p.Name, err))
			}
			x.Default = v
		}
		s.Parameters = append(s.Parameters, x)
	}
	have, err := SavedHunt(c.s.o.Config, h.Name)
	if err != nil && !replace {
		return nil, wrong(err)
	}
	if have != nil && !replace {
		return nil, api.Refuse(api.CodeConflict, fmt.Sprintf("there is a hunt %s", h.Name), fmt.Sprintf("ハント %s は既にあります", h.Name)).Hinted("choose another name", "別の名前にしてください")
	}
	data, err := s.YAML()
	if err == nil {
		_, err = hunt.Read(s.Name+".yaml", data)
	}
	if err != nil {
		return nil, wrong(err)
	}
	if _, err := SaveHunt(c.s.o.Config, s); err != nil {
		return nil, err
	}
	return c.SavedHunt(ctx, h.Name)
}

// DeleteHunt implements [api.Hunts].
func (c *consoleHunts) DeleteHunt(_ context.Context, name string) error {
	err := DeleteHunt(c.s.o.Config, name)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if s, _ := SavedHunt(c.s.o.Config, name); s != nil && s.Shipped {
		return api.Refuse(api.CodeConflict, "the hunt comes with the program", "このハントは製品に付属するため削除できません")
	}
	return api.NotFound
}

// scheduledFile is the file of a rule on a schedule, as Sentinel has it.
type scheduledFile struct {
	ID               string         `yaml:"id"`
	Name             string         `yaml:"name"`
	Kind             string         `yaml:"kind"`
	Description      string         `yaml:"description,omitempty"`
	Author           string         `yaml:"author,omitempty"`
	Severity         string         `yaml:"severity"`
	QueryFrequency   string         `yaml:"queryFrequency"`
	QueryPeriod      string         `yaml:"queryPeriod"`
	TriggerOperator  string         `yaml:"triggerOperator"`
	TriggerThreshold int64          `yaml:"triggerThreshold"`
	Tactics          []string       `yaml:"tactics,omitempty"`
	Techniques       []string       `yaml:"relevantTechniques,omitempty"`
	Language         string         `yaml:"language"`
	Query            string         `yaml:"query"`
	Yagura           map[string]any `yaml:"yagura,omitempty"`
}

// ScheduleHunt implements [api.Hunts].
func (c *consoleHunts) ScheduleHunt(ctx context.Context, who, name string, in api.HuntSchedule) (*api.Rule, error) {
	s, err := SavedHunt(c.s.o.Config, name)
	switch {
	case err != nil:
		return nil, api.Refuse(api.CodeUnprocessable, err.Error(), err.Error())
	case s == nil:
		return nil, api.NotFound
	}
	if len(s.Parameters) > 0 {
		return nil, api.Refuse(api.CodeUnprocessable, "a rule has no parameters: write their values into the query", "ルールにパラメーターは使えません。値をクエリに書き込んでください")
	}
	wrong := func(what string, err error) error {
		return api.Refuse(api.CodeUnprocessable, what+": "+err.Error(), what+": "+err.Error())
	}
	sev, err := yagura.ParseSeverity(in.Severity)
	if err != nil {
		return nil, wrong("severity", err)
	}
	every, err := hunt.ParseSpan(in.Every)
	if err != nil {
		return nil, wrong("every", err)
	}
	period := every
	if in.Period != "" {
		if period, err = hunt.ParseSpan(in.Period); err != nil {
			return nil, wrong("period", err)
		}
	}
	f := scheduledFile{ID: scheduledID(s.Name), Name: in.Title, Kind: "Scheduled", Description: s.Description.In(false), Author: who, QueryFrequency: spanText(every), QueryPeriod: spanText(period),
		TriggerOperator: "gt", TriggerThreshold: in.Threshold, Tactics: slices.Concat(s.Tactics, in.Tactics), Techniques: slices.Concat(s.Techniques, in.Techniques), Language: string(s.Language), Query: s.Query}
	if f.Name == "" {
		f.Name = s.Title.In(false)
	}
	slices.Sort(f.Tactics)
	slices.Sort(f.Techniques)
	f.Tactics, f.Techniques = slices.Compact(f.Tactics), slices.Compact(f.Techniques)
	f.Severity = map[yagura.Severity]string{yagura.SeverityNone: "Informational", yagura.SeverityLow: "Low", yagura.SeverityMedium: "Medium"}[sev]
	if f.Severity == "" {
		f.Severity = "High"
	}
	if sev == yagura.SeverityCritical {
		f.Yagura = map[string]any{"severity": map[string]string{"level": "critical", "reason": "chosen by " + who}}
	}
	data, err := yaml.Marshal(f)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(OwnRules(c.s.o.Config.Data), s.Name+".yaml")
	if _, refusals := sentinel.Load([]rule.File{{Path: file, Data: data}}, sentinel.Options{Check: c.s.o.Rules.Check}); len(refusals) > 0 {
		return nil, refusalProblem(refusals)
	}
	if err := c.s.edit(ctx, fileEdit{path: file, data: data}); err != nil {
		return nil, err
	}
	return (&consoleRules{s: c.s}).byID(ctx, f.ID)
}
