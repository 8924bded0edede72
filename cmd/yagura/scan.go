package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/report"
)

// ruleFlags say which rules are loaded.
type ruleFlags struct {
	Rules       []string `placeholder:"PATH" sep:"none" help:"File or folder of Sigma, Falco and Sentinel rules; may be repeated. Without it the shipped detections, which the word shipped adds to one's own."`
	Overlay     []string `placeholder:"PATH" sep:"none" help:"File or folder of overlays that change severity, mode or cause key of rules, the shipped ones among them; may be repeated."`
	Pipeline    []string `placeholder:"FILE" sep:"none" help:"Processing pipeline in pySigma's form, in place of the shipped ones, which the word shipped keeps; may be repeated."`
	Mapping     []string `placeholder:"FILE" sep:"none" help:"Describes a further JSON log type; may be repeated."`
	FalcoConfig string   `placeholder:"FILE" help:"An existing falco.yaml: its rules_files are loaded in its order, and its rule_matching, rules, priority and append_output hold."`
	NoRouting   bool     `help:"Judge every event by every rule, whatever log type the rule names; field names of pipelines are mapped all the same."`
	Strict      bool     `help:"End with exit code 2 when a rule is refused."`

	scheduled bool // rules on a schedule alone will do
}

// commonFlags are of every command that reads logs.
type commonFlags struct {
	Config string `placeholder:"FILE" env:"YAGURA_CONFIG" help:"Configuration file: docs/configuration.md has every key."`
	Since  string `placeholder:"TIME" help:"Leave out what happened before: 2026-03-14, 2026-03-14T09:26:53Z, 36h or 7d."`
	Output string `short:"o" placeholder:"FILE" help:"Write to a file in place of standard output."`
	Lang   string `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language of tables and messages; without it, that of LANG."`
	Quiet  bool   `short:"q" help:"No progress and no summary; what goes wrong is still said."`
}

type scanCmd struct {
	ruleFlags
	commonFlags
	Format      string   `enum:",table,jsonl,ocsf,sarif" default:"" placeholder:"FORMAT" help:"table (default), jsonl (one finding per line), ocsf (Detection Finding, one per line) or sarif."`
	FailOn      *string  `placeholder:"LEVEL" help:"End with exit code 1 when a finding is as severe: critical, high, medium, low or none."`
	MinSeverity *string  `placeholder:"LEVEL" help:"Show nothing less severe; --fail-on sees what is hidden, too."`
	Explain     bool     `short:"e" help:"Say under every row of the table why its rule fired."`
	Workers     int      `placeholder:"N" help:"Files that are judged at once; without it one per processor. It changes no result."`
	Paths       []string `arg:"" name:"path" help:"Files, folders, - for standard input, or s3://bucket/prefix."`
}

// Help is the text below the usage of scan.
func (scanCmd) Help() string {
	return `
Logs may be plain, gzip, zstd, tar or zip, one record, an array, an envelope or one record per line: format and envelope are recognised by content. Findings go to standard output, everything else to standard error.

The table has one row for every cause: findings of one rule about the same account, actor and target, or whatever parts the rule's cause key names. COUNT is how many events the row is about, each counted once whichever rules found it; where only a correlation found the cause, how often it did. The worst come first, and those of one severity in the order of time. JSON lines have every finding.

Examples:

    yagura scan trail/                               # the shipped detections
    yagura scan --rules sigma/rules/cloud trail/     # other people's rules, unmodified
    yagura scan --explain --min-severity high trail/ # and why
    yagura scan --format jsonl s3://org-trail/AWSLogs/ --since 7d | jq .rule.title
    zcat *.gz | yagura scan --fail-on high -         # exit code 1 for a pipeline

Every key of the configuration file is also an environment variable: ` + strings.Join(config.Variables(), ", ") + `. Flags win over the environment, the environment over the file.
` + exitHelp
}

// Run runs the scan.
func (c *scanCmd) Run(env *environment) error {
	cfg, err := config.Load(c.Config, env.environ)
	if err != nil {
		return err
	}
	ja := env.japanese(c.Lang, cfg.Output.Lang)
	failOn, err := level("--fail-on", c.FailOn, cfg.Output.FailOn)
	if err != nil {
		return err
	}
	least, err := level("--min-severity", c.MinSeverity, cfg.Output.MinSeverity)
	if err != nil {
		return err
	}
	since, err := parseSince(c.Since, env.now())
	if err != nil {
		return err
	}
	s := &screen{w: env.stderr}
	rules, formats, err := loadRules(c.ruleFlags, cfg, s, ja)
	if err != nil {
		return err
	}
	out, closeOut, err := env.output(c.Output)
	if err != nil {
		return err
	}
	format := cmp.Or(c.Format, cfg.Output.Format, "table")
	w, err := report.New(format, s.under(out), env.reportOptions(rules, cfg, ja, c.Explain || cfg.Output.Explain, out))
	if err != nil {
		return usage("%w", err)
	}
	if c.Workers < 0 || c.Workers > config.MaxWorkers {
		return usage("--workers: %d is not 0 (one per processor) to %d", c.Workers, config.MaxWorkers)
	}
	workers := c.Workers
	if workers == 0 {
		workers = cfg.Workers
	}
	scan, err := app.NewScan(rules, app.ScanOptions{Formats: formats, Workers: workers, Since: since, MinSeverity: least,
		RepeatWindow: cfg.RepeatWindow, Problem: func(err error) { s.line("yagura: " + report.Escape(err.Error())) }, Now: env.now})
	if err != nil {
		return &exitError{exitUsage, err}
	}
	tuneMemory(env)
	profile, err := startProfiles(env)
	if err != nil {
		return err
	}
	if f, ok := env.stderr.(*os.File); ok && !c.Quiet && isTerminal(f) && (format == "table" || !isTerminal(out)) {
		s.watch(scan, terminalWidth(f), env.now, ja)
	}
	sum, err := scan.Run(env.ctx, w, app.Sources(env.ctx, c.Paths, app.SourceOptions{Stdin: env.stdin, Since: since, S3: cfg.S3})...)
	s.close()
	err = errors.Join(err, closeOut(), profile())
	if errors.Is(err, syscall.EPIPE) && failOn != 0 && sum.Worst >= failOn {
		return &exitError{code: exitFailOn} // that the reader has enough changes nothing in it
	}
	if err != nil {
		return err
	}
	if !c.Quiet {
		printSummary(s, sum, rules, ja)
	}
	return verdict(sum, failOn, ja)
}

// verdict is the exit code of a run.
func verdict(sum *app.Summary, failOn yagura.Severity, ja bool) error {
	switch {
	case sum.Interrupted:
		return &exitError{code: exitInterrupted}
	case sum.NothingRead():
		return &exitError{exitNothing, nothingRead(sum, ja)}
	case failOn != 0 && sum.Worst >= failOn:
		return &exitError{code: exitFailOn}
	case sum.Absent > 0:
		return &exitError{exitNothing, errors.New(in(ja, "nothing could be read from a path that was given", "指定されたパスの中に読み込めないものがありました"))}
	}
	return nil
}

// level is the severity that a flag names, else the configured one. An empty name is
// refused: it may be a variable of a script that was never set, and --fail-on would
// never fail.
func level(flag string, name *string, configured yagura.Severity) (yagura.Severity, error) {
	if name == nil {
		return configured, nil
	}
	s, err := yagura.ParseSeverity(*name)
	if err != nil {
		return 0, usage("%s: %w", flag, err)
	}
	return s, nil
}

// nothingRead says why there was nothing to judge.
func nothingRead(sum *app.Summary, ja bool) error {
	switch {
	case sum.Objects+sum.Unreadable == 0:
		return errors.New(in(ja, "nothing could be read: there is no file", "読み込めるものがありません: ファイルが一つもありません"))
	case sum.Objects > 0 && sum.BytesRead == 0 && sum.Unreadable == 0:
		return errors.New(in(ja, "nothing could be read: there is not one byte in it", "読み込めるものがありません: 入力が空です"))
	}
	return errors.New(in(ja, "nothing could be read", "読み込めるものがありませんでした"))
}

// ruleOptions joins flags and configuration; flags win.
func ruleOptions(f ruleFlags, cfg *config.Config, formats []*decode.Format) (app.RuleOptions, error) {
	placeholders, err := app.Placeholders(cfg)
	if err != nil {
		return app.RuleOptions{}, &exitError{exitUsage, err}
	}
	o := app.RuleOptions{Paths: f.Rules, Overlays: slices.Concat(cfg.Overlays, f.Overlay), Pipelines: f.Pipeline, Formats: formats,
		Placeholders: placeholders, Strict: f.Strict || cfg.Strict, NoRouting: f.NoRouting || cfg.Routing != nil && !*cfg.Routing, FalcoConfig: cmp.Or(f.FalcoConfig, cfg.FalcoConfig)}
	if o.Paths == nil {
		o.Paths, o.Data = cfg.Rules, cfg.Data
	}
	if o.Pipelines == nil {
		o.Pipelines = cfg.Pipelines
	}
	return o, nil
}

// maxRefusals is how many refusals, and how many warnings, a command says that is not
// about them; rule check says all.
const maxRefusals = 20

// readRules loads what flags and configuration name, with the log types that are known.
func readRules(f ruleFlags, cfg *config.Config) (*app.Rules, []*decode.Format, error) {
	formats, err := app.LoadMappings(slices.Concat(cfg.Mappings, f.Mapping))
	if err != nil {
		return nil, nil, &exitError{exitUsage, err}
	}
	o, err := ruleOptions(f, cfg, formats)
	if err != nil {
		return nil, nil, err
	}
	// What rules are made of is garbage when they are made: collecting it meanwhile would be
	// a third of the start.
	defer debug.SetGCPercent(debug.SetGCPercent(loadPercent))
	o.Check = app.RuleChecker(cfg)
	rules, err := app.LoadRules(o)
	if err != nil {
		return nil, nil, &exitError{exitUsage, err}
	}
	return rules, formats, nil
}

// loadRules is readRules for a command that needs rules; it says what was refused.
func loadRules(f ruleFlags, cfg *config.Config, s *screen, ja bool) (*app.Rules, []*decode.Format, error) {
	rules, formats, err := readRules(f, cfg)
	if err != nil {
		return nil, nil, err
	}
	sayRefusals(rules, s, ja)
	switch refused := rules.Refused(); {
	case len(rules.Rules) == 0 && len(rules.Scheduled) > 0 && !f.scheduled:
		return nil, nil, &exitError{exitUsage, errors.New(in(ja, "no rule judges records as they come: rules on a schedule run over the lake (hint: yagura rule run FILE)", "届いた記録を判定するルールがありません。定期実行のルールはレイクに対して実行します (hint: yagura rule run FILE)"))}
	case len(rules.All()) == 0:
		return nil, nil, &exitError{exitUsage, errors.New(in(ja, "no rule could be loaded", "ルールを一つも読み込めませんでした"))}
	case refused > 0 && (f.Strict || cfg.Strict):
		return nil, nil, &exitError{exitUsage, errors.New(count(ja, refused, "rule was refused", "rules were refused", "件のルールが拒否されました"))}
	}
	return rules, formats, nil
}

// sayRefusals says what was refused and warned of. Rules whose logsource no pipeline
// knows are one line: a folder of all rules of the world has thousands of them.
func sayRefusals(rules *app.Rules, s *screen, ja bool) {
	said := map[string]int{}
	unrouted, example := 0, ""
	for i := range rules.Refusals {
		r := &rules.Refusals[i]
		if source, ok := strings.CutPrefix(r.Reason, "no pipeline knows the logsource "); ok && r.Warning {
			if unrouted++; unrouted > 1 {
				continue
			}
			example, _, _ = strings.Cut(source, ":")
		}
		kind := refusalKind(r.Warning, ja)
		if said[kind]++; said[kind] <= maxRefusals {
			s.line(kind + ": " + report.Escape(r.Error()))
		}
	}
	if unrouted > 1 {
		s.line(refusalKind(true, ja) + ": " + fmt.Sprintf(in(ja, "%s judge no log: no pipeline knows logsources such as %s (yagura rule check names them all)",
			"ほか %sはどのログも判定しません: %s などの logsource を扱うパイプラインがありません (yagura rule check ですべて表示します)"),
			count(ja, unrouted-1, "more rule", "more rules", "件のルール"), report.Escape(example)))
	}
	for _, warning := range []bool{false, true} {
		kind := refusalKind(warning, ja)
		if more := said[kind] - maxRefusals; more > 0 {
			s.line(kind + ": " + fmt.Sprintf(in(ja, "%d more (yagura rule check says all)", "ほか %d 件 (yagura rule check ですべて表示します)"), more))
		}
	}
}

func refusalKind(warning, ja bool) string {
	if warning {
		return in(ja, "warning", "警告")
	}
	return in(ja, "refused", "拒否")
}

// count writes a number with the word for one or for many, or with the Japanese one.
func count[N int | uint64](ja bool, n N, one, many, japanese string) string {
	word := many
	switch {
	case ja:
		word = japanese
	case n == 1:
		word = one
	}
	return thousands(uint64(n)) + " " + word
}

func in(ja bool, english, japanese string) string {
	if ja {
		return japanese
	}
	return english
}

// reportOptions says how findings are written to out.
func (e *environment) reportOptions(rules *app.Rules, cfg *config.Config, ja, explain bool, out io.Writer) report.Options {
	o := report.Options{Version: version(), Japanese: ja, Explain: explain, Rule: rules.Text,
		Account: func(id string) string { return cfg.Accounts[id].Name }}
	if ja {
		o.Title = rules.Japanese
	}
	if f, ok := out.(*os.File); ok {
		o.Width = terminalWidth(f)
		o.Color = e.colour(f)
	}
	return o
}

// output opens what is written to.
func (e *environment) output(name string) (io.Writer, func() error, error) {
	if name == "" || name == "-" {
		return e.stdout, func() error { return nil }, nil
	}
	f, err := os.Create(name)
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	if err != nil {
		return nil, nil, usage("--output: %w", err)
	}
	return f, f.Close, nil
}

// parseSince reads a day, a time, or a span before now.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if n := len(text); n > 1 && text[n-1] == 'd' {
		var days int
		if _, err := fmt.Sscanf(text[:n-1]+"!", "%d!", &days); err == nil && days >= 0 && days < 100_000 {
			return now.AddDate(0, 0, -days), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, usage("--since: %q is no time: write 2026-03-14, 2026-03-14T09:26:53Z, 36h or 7d", text)
}
