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
	"text/tabwriter"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/rule"
)

// ruleCmd holds the verbs about rules.
type ruleCmd struct {
	List    ruleListCmd    `cmd:"" help:"List the rules that load."`
	Check   ruleCheckCmd   `cmd:"" help:"Say which rules cannot be honoured, and where; with logs, which fields no event carries."`
	Test    ruleTestCmd    `cmd:"" help:"Run the tests that stand beside rules."`
	Explain ruleExplainCmd `cmd:"" help:"Say in words when a rule fires."`

	Coverage ruleCoverageCmd `cmd:"" help:"Show which ATT&CK techniques or controls of a standard the rules cover."`
}

// readRules loads rules for a verb that speaks of refusals itself.
func readRules(f ruleFlags, file string, env *environment) (*app.Rules, *config.Config, error) {
	cfg, err := config.Load(file, env.environ)
	if err != nil {
		return nil, nil, err
	}
	rules, err := app.LoadRules(ruleOptions(f, cfg))
	if err != nil {
		return nil, nil, &exitError{exitUsage, err}
	}
	return rules, cfg, nil
}

type ruleListCmd struct {
	ruleFlags
	Config string `placeholder:"FILE" env:"YAGURA_CONFIG" help:"Configuration file."`
	Format string `enum:"table,jsonl" default:"table" placeholder:"FORMAT" help:"table (default) or jsonl."`
	Lang   string `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language of titles and headings; without it, that of LANG."`
}

// Help is the text below the usage of rule list.
func (ruleListCmd) Help() string {
	return `
Examples:

    yagura rule list                                    # the shipped detections
    yagura rule list --rules rules/ --format jsonl | jq -r .title
` + exitHelp
}

// Run prints the rules.
func (c *ruleListCmd) Run(env *environment) error {
	cfg, err := config.Load(c.Config, env.environ)
	if err != nil {
		return err
	}
	ja := env.japanese(c.Lang, cfg.Output.Lang)
	rules, err := loadRules(c.ruleFlags, cfg, &screen{w: env.stderr}, ja)
	if err != nil {
		return err
	}
	if c.Format == "jsonl" {
		return listJSON(env.stdout, rules.Rules)
	}
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, in(ja, "SEVERITY\tKIND\tLANGUAGE\tTITLE\tLOG TYPES\tFILE", "重大度\t種別\t言語\tタイトル\tログ形式\tファイル"))
	for _, r := range rules.Rules {
		severity, title := r.EffectiveSeverity().String(), r.Title
		if ja {
			severity, title = r.EffectiveSeverity().Japanese(), rules.Japanese(yagura.RuleRef{ID: r.ID, Title: r.Title, File: r.File})
		}
		formats := "*"
		if r.Formats != nil {
			formats = strings.Join(r.Formats, ",")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", severity, kindOf(r), r.Engine, report.Escape(title), formats, report.Escape(r.File))
	}
	return w.Flush()
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
}

func listJSON(out io.Writer, rules []*rule.Rule) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, r := range rules {
		l := listed{ID: r.ID, Title: r.Title, TitleJapanese: r.Japanese.Title, Engine: r.Engine, File: r.File, Line: r.Line,
			Severity: r.EffectiveSeverity(), SeverityOriginal: r.SeverityOriginal, Kind: kindOf(r), Mode: r.SideCar.Mode,
			Formats: r.Formats, Tags: append([]string{}, r.Tags...), Silent: r.Silent}
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
	Config      string   `placeholder:"FILE" env:"YAGURA_CONFIG" help:"Configuration file."`
	Pipeline    []string `placeholder:"FILE" sep:"none" help:"Processing pipeline in pySigma's form, in place of the shipped ones; may be repeated."`
	FalcoConfig string   `placeholder:"FILE" help:"An existing falco.yaml."`
	NoRouting   bool     `help:"Judge every event by every rule, whatever log type the rule names."`
	Mapping     []string `placeholder:"FILE" sep:"none" help:"Describes a further JSON log type; may be repeated."`
	Against     []string `placeholder:"PATH" sep:"none" help:"Logs: say which fields of a rule no event carries; may be repeated."`
	Rules       []string `arg:"" optional:"" name:"rules" help:"Files and folders of rules; without them the shipped detections."`
}

// Help is the text below the usage of rule check.
func (ruleCheckCmd) Help() string {
	return `
Loads rules as scan does and prints one line for every rule that cannot be honoured: file:line:column, the reason and a hint. A rule that is refused here would not run there. Exit code 2 when a rule was refused.

Examples:

    yagura rule check rules/
    yagura rule check rules/ --against trail/     # and the fields that your logs never carry
` + exitHelp
}

// Run prints the refusals.
func (c *ruleCheckCmd) Run(env *environment) error {
	rules, cfg, err := readRules(ruleFlags{Rules: c.Rules, Pipeline: c.Pipeline, FalcoConfig: c.FalcoConfig, NoRouting: c.NoRouting}, c.Config, env)
	if err != nil {
		return err
	}
	warnings := 0
	for i := range rules.Refusals {
		kind := "refused"
		if rules.Refusals[i].Warning {
			kind = "warning"
			warnings++
		}
		fmt.Fprintf(env.stdout, "%s: %s\n", kind, report.Escape(rules.Refusals[i].Error()))
	}
	if len(c.Against) > 0 {
		if err := c.against(env, cfg, rules); err != nil {
			return err
		}
	}
	fmt.Fprintf(env.stderr, "%d rules in %d files load, %d refused, %d warnings\n", len(rules.Rules), rules.Files, rules.Refused(), warnings)
	if rules.Refused() > 0 || len(rules.Rules) == 0 {
		return &exitError{code: exitUsage}
	}
	return nil
}

func (c *ruleCheckCmd) against(env *environment, cfg *config.Config, rules *app.Rules) error {
	formats, err := app.LoadMappings(append(cfg.Mappings, c.Mapping...))
	if err != nil {
		return &exitError{exitUsage, err}
	}
	unseen, unjudged, sum, err := app.UnseenFields(env.ctx, rules.Rules, app.DecodeOptions{Formats: formats, Now: env.now,
		Problem: func(err error) { env.complain(err) }}, app.Sources(env.ctx, c.Against, app.SourceOptions{Stdin: env.stdin, S3: cfg.S3})...)
	if err != nil {
		return &exitError{exitInterrupted, err}
	}
	if sum.NothingRead() {
		return &exitError{exitNothing, errors.New("nothing could be read")}
	}
	for _, u := range unseen {
		fmt.Fprintf(env.stdout, "unseen: %s:%d: rule %q: none of %d events carries %s\n", report.Escape(u.Rule.File), max(u.Rule.Line, 1),
			u.Rule.Title, u.Events, report.Escape(strings.Join(u.Fields, ", ")))
	}
	count := map[string]int{}
	for _, r := range unjudged {
		if r.Correlation == nil {
			count[strings.Join(r.Formats, ", ")]++
		}
	}
	for _, formats := range slices.Sorted(maps.Keys(count)) {
		fmt.Fprintf(env.stdout, "unseen: there is no event of %s: %d rules were not looked at\n", formats, count[formats])
	}
	return nil
}

type ruleExplainCmd struct {
	ruleFlags
	Config string `placeholder:"FILE" env:"YAGURA_CONFIG" help:"Configuration file."`
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
	rules, _, err := readRules(c.ruleFlags, c.Config, env)
	if err != nil {
		return err
	}
	found := rules.Lookup(c.Rule)
	switch {
	case len(found) == 0:
		for i := range rules.Refusals {
			if r := &rules.Refusals[i]; !r.Warning && strings.Contains(strings.ToLower(r.Rule), strings.ToLower(c.Rule)) {
				return usage("the rule was refused: %w", r)
			}
		}
		return usage("there is no rule %q\nhint: see yagura rule list", c.Rule)
	case len(found) > 5:
		var titles []string
		for _, r := range found[:5] {
			titles = append(titles, fmt.Sprintf("  %s  %s", r.ID, r.Title))
		}
		return usage("%d rules are called so:\n%s\n  …\nhint: give the id of one", len(found), strings.Join(titles, "\n"))
	}
	for i, r := range found {
		if i > 0 {
			fmt.Fprintln(env.stdout)
		}
		if err := app.Explain(env.stdout, r, rules); err != nil {
			return err
		}
	}
	return nil
}
