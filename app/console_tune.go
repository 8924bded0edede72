package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/rule"
)

// tuned are the overlays that the console wrote, by the rule that each is of.
func (s *Serve) tuned() map[string]rule.Overlay {
	out := map[string]rule.Overlay{}
	file := TunedRules(s.o.Config.Data)
	list, _ := rule.ParseOverlay(rule.File{Path: file, Data: s.rules.Load().rules.texts[file]}) // what is refused in it is among the refusals
	for _, o := range list {
		if len(o.Rules) == 1 {
			out[o.Rules[0]] = o
		}
	}
	return out
}

// tunedDocument is one overlay as the console writes it.
type tunedDocument struct {
	Overlay struct {
		Rules    []string          `yaml:"rules,flow"`
		Enabled  *bool             `yaml:"enabled,omitempty"`
		Severity map[string]string `yaml:"severity,omitempty"`
		Mode     string            `yaml:"mode,omitempty"`
		Changed  struct {
			By     string `yaml:"by"`
			At     string `yaml:"at"`
			Reason string `yaml:"reason,omitempty"`
		} `yaml:"changed"`
	} `yaml:"overlay"`
}

const tunedHead = "# What was tuned in the console. It is laid over the rules after all other overlays; the console\n# writes the whole file anew, so comments of yours would go. Take a document out to undo it.\n"

// tunedText writes overlays as a file.
func tunedText(all map[string]rule.Overlay) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(tunedHead)
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	for _, id := range slices.Sorted(maps.Keys(all)) {
		o := all[id]
		var d tunedDocument
		d.Overlay.Rules, d.Overlay.Enabled, d.Overlay.Mode = []string{id}, o.Enabled, o.SideCar.Mode
		if o.SideCar.Severity != 0 {
			d.Overlay.Severity = map[string]string{"level": o.SideCar.Severity.String(), "reason": o.SideCar.SeverityReason}
		}
		d.Overlay.Changed.By, d.Overlay.Changed.At, d.Overlay.Changed.Reason = o.Changed.By, o.Changed.At, o.Changed.Reason
		if err := enc.Encode(&d); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), enc.Close()
}

// maxReason bounds what people write as a reason.
const maxReason = 500

// TuneRule implements [api.Rules].
func (c *consoleRules) TuneRule(ctx context.Context, who, id string, t api.RuleTuning) (*api.RuleText, error) {
	s := c.s
	reason := strings.Join(strings.Fields(t.Reason), " ")
	if len(reason) > maxReason {
		return nil, api.Refuse(api.CodeUnprocessable, fmt.Sprintf("the reason has more than %d bytes", maxReason), fmt.Sprintf("理由は %d バイトまでです", maxReason))
	}
	s.editing.Lock()
	defer s.editing.Unlock()
	g := s.rules.Load()
	all := g.rules.All()
	i := slices.IndexFunc(all, func(r *rule.Rule) bool { return ruleID(r) == id })
	if i < 0 {
		return nil, api.NotFound
	}
	r := all[i]
	tuned := s.tuned()
	o := tuned[id]
	if t.Enabled != nil {
		if *t.Enabled && len(r.Waits) > 0 {
			return nil, api.Refuse(api.CodeConflict, "its placeholders have no value: "+strings.Join(r.Waits, ", "), "プレースホルダーの値がありません: "+strings.Join(r.Waits, ", ")).
				Hinted("give them one under placeholders in the configuration", "設定の placeholders で値を指定してください")
		}
		o.Enabled = t.Enabled
	}
	if t.Severity != nil {
		o.SideCar.Severity, o.SideCar.SeverityReason = 0, ""
		if *t.Severity != "" {
			sev, err := yagura.ParseSeverity(*t.Severity)
			if err != nil {
				return nil, api.Refuse(api.CodeUnprocessable, "severity: "+err.Error(), fmt.Sprintf("重大度 %q はありません", *t.Severity))
			}
			if reason == "" {
				return nil, api.Refuse(api.CodeUnprocessable, "another severity needs a reason", "重大度の変更には理由が必要です")
			}
			o.SideCar.Severity, o.SideCar.SeverityReason = sev, reason
		}
	}
	if t.Mode != nil {
		if !slices.Contains([]string{"", rule.ModeCount, rule.ModeNotify}, *t.Mode) {
			return nil, api.Refuse(api.CodeUnprocessable, fmt.Sprintf("mode: %q is not count or notify", *t.Mode), fmt.Sprintf("mode: %q は count でも notify でもありません", *t.Mode))
		}
		o.SideCar.Mode = *t.Mode
	}
	o.Rules = []string{id}
	o.Changed = rule.Changed{By: who, At: s.o.Now().UTC().Format(time.RFC3339), Reason: reason}
	if tuned[id] = o; o.Enabled == nil && o.SideCar.Severity == 0 && o.SideCar.Mode == "" {
		delete(tuned, id)
	}
	edit := fileEdit{path: TunedRules(s.o.Config.Data), gone: len(tuned) == 0}
	if !edit.gone {
		var err error
		if edit.data, err = tunedText(tuned); err != nil {
			return nil, err
		}
	}
	if err := s.editLocked(ctx, edit); err != nil {
		return nil, err
	}
	return c.Rule(ctx, api.Reach{All: true}, id)
}

var ownName = regexp.MustCompile(`[^a-z0-9]+`)

// PutRule implements [api.Rules]: the file of a rule that is the team's own is replaced, and
// where there is no rule of the id a file of that name is made.
func (c *consoleRules) PutRule(ctx context.Context, _, id, text string) (*api.RuleText, error) {
	s := c.s
	file := filepath.Join(OwnRules(s.o.Config.Data), strings.Trim(ownName.ReplaceAllString(strings.ToLower(id), "-"), "-")+".yaml")
	if have, err := c.Rule(ctx, api.Reach{All: true}, id); err == nil {
		if !have.Own {
			return nil, api.Refuse(api.CodeConflict, "the rule stands in "+have.File+", which is not the console's to change", have.File+" のルールはコンソールから変更できません").
				Hinted("tune it, or write one of your own with another id", "調整するか、別の ID で独自のルールを作成してください")
		}
		file = have.File
	} else if _, err := os.Stat(file); err == nil {
		return nil, api.Refuse(api.CodeConflict, "there is a file for another rule of nearly this id", "よく似た ID のルールが既にあります")
	}
	if len(text) > 1<<20 || strings.TrimSpace(text) == "" || filepath.Base(file) == ".yaml" {
		return nil, api.Refuse(api.CodeUnprocessable, "the text or the id is empty, or too long", "本文または ID が空か、長すぎます")
	}
	rules, err := LoadRules(s.trialOptions(text, file, false))
	if err != nil {
		return nil, err
	}
	if rules.Refused() > 0 {
		if rules, err = LoadRules(s.trialOptions(text, file, true)); err != nil { // a correlation names rules of other files
			return nil, err
		}
	}
	if bad := refusalsOf(rules, file); len(bad) > 0 {
		return nil, refusalProblem(bad)
	}
	found := slices.ContainsFunc(rules.All(), func(r *rule.Rule) bool { return r.File == file && ruleID(r) == id })
	if !found {
		return nil, api.Refuse(api.CodeUnprocessable, fmt.Sprintf("no rule of the text has the id %q", id), fmt.Sprintf("本文に ID %q のルールがありません", id))
	}
	if err := s.edit(ctx, fileEdit{path: file, data: []byte(text)}); err != nil {
		return nil, err
	}
	return c.Rule(ctx, api.Reach{All: true}, id)
}

// DeleteRule implements [api.Rules].
func (c *consoleRules) DeleteRule(ctx context.Context, _, id string) error {
	have, err := c.Rule(ctx, api.Reach{All: true}, id)
	switch {
	case err != nil:
		return err
	case !have.Own:
		return api.Refuse(api.CodeConflict, "the rule was not made in the console", "コンソールで作成したルールではありません").Hinted("switch it off", "無効にしてください")
	}
	if _, err := os.Stat(have.File); errors.Is(err, fs.ErrNotExist) {
		return api.NotFound
	}
	return c.s.edit(ctx, fileEdit{path: have.File, gone: true})
}

// trialOptions say how the text of a rule is read: as the service reads its own.
func (s *Serve) trialOptions(text, file string, beside bool) RuleOptions {
	o := s.o.Rules
	o.Files, o.Strict = []rule.File{{Path: file, Data: []byte(text)}}, false
	if !beside {
		o.Paths, o.Overlays, o.Data, o.FalcoConfig = nil, nil, "", ""
	} else if len(o.Paths) == 0 && o.FalcoConfig == "" {
		o.Paths = []string{Shipped}
	}
	return o
}

// refusalsOf are the refusals of one file that are no warnings.
func refusalsOf(rules *Rules, file string) (out []rule.Refusal) {
	for _, r := range rules.Refusals {
		if !r.Warning && r.File == file {
			out = append(out, r)
		}
	}
	return out
}
