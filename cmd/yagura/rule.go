package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/triage"
)

// ruleCmd holds the verbs about rules.
type ruleCmd struct {
	List    ruleListCmd    `cmd:"" help:"List the rules that load."`
	Check   ruleCheckCmd   `cmd:"" help:"Say which rules cannot be honoured, and where; with logs, which fields no event carries."`
	Test    ruleTestCmd    `cmd:"" help:"Run the tests that stand beside rules."`
	Run     ruleRunCmd     `cmd:"" help:"Run rules on a schedule over a time of the lake, and print what they find."`
	Status  ruleStatusCmd  `cmd:"" help:"Say how far the rules on a schedule are."`
	Explain ruleExplainCmd `cmd:"" help:"Say in words when a rule fires."`

	Coverage ruleCoverageCmd `cmd:"" help:"Show which ATT&CK techniques or controls of a standard the rules cover."`
	Fetch    ruleFetchCmd    `cmd:"" help:"Fetch rules that others publish, pinned, with their licence."`
}

// ruleArgs are of the verbs that take rules as arguments; --rules means the same.
type ruleArgs struct {
	ruleFlags
	Config string   `placeholder:"FILE" env:"YAGURA_CONFIG" help:"Configuration file: docs/configuration.md has every key."`
	Files  []string `arg:"" optional:"" name:"rules" help:"Files and folders of rules; without them the shipped detections, which the word shipped adds to one's own."`
}

// flags are the flags with the arguments among them.
func (a *ruleArgs) flags() ruleFlags {
	f := a.ruleFlags
	f.Rules = append(f.Rules, a.Files...)
	return f
}

type ruleListCmd struct {
	ruleArgs
	Format string `enum:"table,jsonl" default:"table" placeholder:"FORMAT" help:"table (default) or jsonl."`
	Lang   string `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language of titles and headings; without it, that of LANG."`
}

// Help is the text below the usage of rule list.
func (ruleListCmd) Help() string {
	return `
A rule that only feeds a correlation makes no finding of its own; its severity is shown as -. One that its file or falco.yaml disables does not run, and is shown as disabled.

Examples:

    yagura rule list                                    # the shipped detections
    yagura rule list rules/ --format jsonl | jq -r .title
` + exitHelp
}

// Run prints the rules.
func (c *ruleListCmd) Run(env *environment) error {
	cfg, err := config.Load(c.Config, env.environ)
	if err != nil {
		return err
	}
	ja := env.japanese(c.Lang, cfg.Output.Lang)
	rules, _, err := loadRules(anyRules(c.flags()), cfg, &screen{w: env.stderr}, ja)
	if err != nil {
		return err
	}
	if c.Format == "jsonl" {
		return listJSON(env.stdout, rules.All())
	}
	heads := strings.Split(in(ja, "SEVERITY,KIND,LANGUAGE,TITLE,LOG TYPES,FILE", "重大度,種別,言語,タイトル,形式,ファイル"), ",")
	rows := [][]string{heads}
	for _, r := range rules.All() {
		severity, kind, title := r.EffectiveSeverity().String(), string(kindOf(r)), r.Title
		if ja {
			severity, title = r.EffectiveSeverity().Japanese(), rules.Japanese(yagura.RuleRef{ID: r.ID, Title: r.Title, File: r.File})
			kind = map[string]string{string(yagura.Posture): "状態", string(yagura.Behaviour): "行為"}[kind]
		}
		switch {
		case r.Silent:
			severity = "-"
		case r.Disabled:
			if severity = in(ja, "disabled", "無効"); len(r.Waits) > 0 {
				severity = in(ja, "waiting", "設定待ち")
			}
		}
		formats := "*"
		if r.Formats != nil {
			formats = strings.Join(r.Formats, ",")
		}
		rows = append(rows, []string{severity, kind, string(r.Engine), report.Escape(title), formats, report.Escape(r.File)})
	}
	return report.WriteColumns(env.stdout, rows)
}

// kindOf is the kind of a rule's findings; a rule that does not say is about behaviour.
func kindOf(r *rule.Rule) yagura.Kind { return cmp.Or(r.SideCar.Kind, yagura.Behaviour) }

// listed is one line of rule list --format jsonl.
type listed struct {
	ID               string          `json:"id"`
	Title            string          `json:"title"`
	TitleJapanese    string          `json:"title_ja,omitempty"`
	Engine           yagura.Engine   `json:"engine"`
	File             string          `json:"file"`
	Line             int             `json:"line"`
	Severity         yagura.Severity `json:"severity"`
	SeverityOriginal string          `json:"severity_original"`
	Kind             yagura.Kind     `json:"kind"`
	Mode             string          `json:"mode,omitempty"`
	Formats          []string        `json:"formats"` // null: every one
	Tags             []string        `json:"tags"`
	Correlation      string          `json:"correlation,omitempty"`
	Silent           bool            `json:"silent,omitempty"`
	Disabled         bool            `json:"disabled,omitempty"`
}

func listJSON(out io.Writer, rules []*rule.Rule) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, r := range rules {
		l := listed{ID: r.ID, Title: r.Title, TitleJapanese: r.Japanese.Title, Engine: r.Engine, File: r.File, Line: r.Line,
			Severity: r.EffectiveSeverity(), SeverityOriginal: r.SeverityOriginal, Kind: kindOf(r), Mode: r.SideCar.Mode,
			Formats: r.Formats, Tags: append([]string{}, r.Tags...), Silent: r.Silent, Disabled: r.Disabled}
		if r.Correlation != nil {
			l.Correlation = string(r.Correlation.Type)
		}
		if err := enc.Encode(l); err != nil {
			return err
		}
	}
	return nil
}

type ruleCheckCmd struct {
	ruleArgs
	Against []string `placeholder:"PATH" sep:"none" help:"Logs: say which fields of a rule no event carries; may be repeated."`
	Lang    string   `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language of messages; without it, that of LANG. Reasons and hints are in English."`
}

// Help is the text below the usage of rule check.
func (ruleCheckCmd) Help() string {
	return `
Loads rules as scan does and prints one line for every rule that cannot be honoured: file:line:column, the reason and a hint. A rule that is refused here would not run there. Exit code 2 when a rule was refused or none was found.

With --against, the rules that read a field which no event of those logs carries are named too, and whether they can fire without it: one that asks for the absence of an error code can.

Examples:

    yagura rule check rules/
    yagura rule check rules/ --against trail/     # and the fields that your logs never carry
    yagura rule check rules/ --against trail/ | grep 'cannot fire'
` + exitHelp
}

// Run prints the refusals.
func (c *ruleCheckCmd) Run(env *environment) error {
	cfg, err := config.Load(c.Config, env.environ)
	if err != nil {
		return err
	}
	rules, formats, err := readRules(c.flags(), cfg)
	if err != nil {
		return err
	}
	ja := env.japanese(c.Lang, cfg.Output.Lang)
	warnings := 0
	for i := range rules.Refusals {
		r := &rules.Refusals[i]
		if r.Warning {
			warnings++
		}
		fmt.Fprintf(env.stdout, "%s: %s\n", refusalKind(r.Warning, ja), report.Escape(r.Error()))
	}
	for _, r := range rules.All() {
		if r.Disabled {
			continue
		}
		for _, part := range triage.PassingParts(r.SideCar.CauseKey) {
			warnings++
			w := rule.Refusal{File: r.File, Line: r.Line, Column: 1, Rule: r.Title, Warning: true, Reason: fmt.Sprintf("cause_key names %s, which is another in every record", part),
				Hint: "each finding is a cause of its own; name what it is about"}
			fmt.Fprintf(env.stdout, "%s: %s\n", refusalKind(true, ja), report.Escape(w.Error()))
		}
	}
	unknown, err := rules.Unknown()
	if err != nil {
		return err
	}
	for i := range unknown {
		warnings++
		fmt.Fprintf(env.stdout, "%s: %s\n", refusalKind(true, ja), report.Escape(unknown[i].Error()))
	}
	if len(c.Against) > 0 {
		if err := c.against(env, cfg, rules, formats, ja); err != nil {
			return err
		}
	}
	fmt.Fprintf(env.stderr, in(ja, "%s in %s loaded%s, %s refused, %s\n", "ルール: 読み込み %s (ファイル %s)%s、拒否 %s 件、警告 %s\n"), count(ja, len(rules.All()), "rule", "rules", "件"),
		count(ja, rules.Files, "file", "files", "件"), disabled(ja, rules), thousands(uint64(rules.Refused())), count(ja, warnings, "warning", "warnings", "件"))
	if rules.Refused() > 0 || len(rules.All()) == 0 {
		return &exitError{code: exitUsage}
	}
	return nil
}

func (c *ruleCheckCmd) against(env *environment, cfg *config.Config, rules *app.Rules, formats []*decode.Format, ja bool) error {
	unseen, unjudged, sum, err := app.UnseenFields(env.ctx, rules.Rules, app.DecodeOptions{Formats: formats, Now: env.now,
		Problem: env.complain}, app.Sources(env.ctx, c.Against, app.SourceOptions{Stdin: env.stdin, S3: cfg.S3})...)
	if err != nil {
		return err
	}
	if sum.Interrupted {
		return &exitError{exitInterrupted, errors.New(in(ja, "interrupted: not all logs were looked at", "中断しました。すべてのログは調べていません"))}
	}
	printSummary(&screen{w: env.stderr}, sum, nil, ja)
	if sum.NothingRead() {
		return &exitError{exitNothing, nothingRead(sum, ja)}
	}
	for _, u := range unseen {
		never := ""
		if u.Never {
			never = in(ja, ", so it cannot fire", "。このルールは検知できません")
		}
		fmt.Fprintf(env.stdout, in(ja, "unseen: %[1]s:%[2]d: rule %[3]q: no event carries %[4]s (%[5]s looked at)%[6]s\n",
			"未出現: %[1]s:%[2]d: ルール %[3]q: %[4]s を持つイベントがありません (調べたイベント %[5]s)%[6]s\n"), report.Escape(u.Rule.File), max(u.Rule.Line, 1),
			u.Rule.Title, report.Escape(strings.Join(u.Fields, ", ")), count(ja, u.Events, "event", "events", "件"), never)
	}
	unasked := map[string]int{}
	for _, r := range unjudged {
		if r.Correlation == nil {
			unasked[strings.Join(r.WholeFormats(), ", ")]++
		}
	}
	for _, formats := range slices.Sorted(maps.Keys(unasked)) {
		fmt.Fprintf(env.stdout, in(ja, "unseen: there is no event of %s: %s not looked at\n", "未出現: %s のイベントがないため、ルール %sを調べていません\n"),
			cmp.Or(formats, in(ja, "any log type", "どの形式")), count(ja, unasked[formats], "rule", "rules", "件"))
	}
	return nil
}

type ruleExplainCmd struct {
	ruleFlags
	Config string `placeholder:"FILE" env:"YAGURA_CONFIG" help:"Configuration file."`
	Lang   string `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language; without it, that of LANG."`
	Rule   string `arg:"" help:"Id, name or title of a rule, or a part of its title."`
}

// Help is the text below the usage of rule explain.
func (ruleExplainCmd) Help() string {
	return `
Prints what was compiled, not what the file says: field aliases, routing and overlays are in it.

Examples:

    yagura rule explain "CloudTrail logging disabled"
    yagura rule explain --rules rules/ 8d63dadf
` + exitHelp
}

// Run prints the rule.
func (c *ruleExplainCmd) Run(env *environment) error {
	cfg, err := config.Load(c.Config, env.environ)
	if err != nil {
		return err
	}
	rules, _, err := readRules(c.ruleFlags, cfg)
	if err != nil {
		return err
	}
	ja := env.japanese(c.Lang, cfg.Output.Lang)
	found := rules.Lookup(c.Rule)
	switch {
	case len(found) == 0:
		for i := range rules.Refusals {
			if r := &rules.Refusals[i]; !r.Warning && strings.Contains(strings.ToLower(r.Rule), strings.ToLower(c.Rule)) {
				return usage(in(ja, "the rule was refused: %w", "ルールは拒否されました: %w"), r)
			}
		}
		return usage(in(ja, "there is no rule %q\nhint: see yagura rule list", "ルール %q はありません\nhint: yagura rule list で一覧を表示します"), c.Rule)
	case len(found) > 5:
		var titles []string
		for _, r := range found[:5] {
			title := r.Title
			if ja {
				title = cmp.Or(r.Japanese.Title, title)
			}
			titles = append(titles, "  "+strings.TrimSpace(r.ID+"  "+title))
		}
		return usage(in(ja, "%d rules are called so:\n%s\n  …\nhint: give the id of one", "%d 件のルールが該当します:\n%s\n  …\nhint: ID を一つ指定してください"), len(found), strings.Join(titles, "\n"))
	}
	for i, r := range found {
		if i > 0 {
			fmt.Fprintln(env.stdout)
		}
		if err := app.Explain(env.stdout, r, rules, ja); err != nil {
			return err
		}
	}
	return nil
}
