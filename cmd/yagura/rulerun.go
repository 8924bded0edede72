package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/rule/sentinel"
	"github.com/yagura-sec/yagura/store"
)

type ruleRunCmd struct {
	ruleFlags
	huntFlags
	From    string        `placeholder:"TIME" help:"Windows that end after this time are run: 2026-05-01, 2026-05-01T12:00:00Z, or 7d before --to. Without it, one day."`
	To      string        `placeholder:"TIME" help:"Windows that end at this time or before; without it, now."`
	Format  string        `enum:"table,jsonl" default:"table" placeholder:"FORMAT" help:"table (default) or jsonl: one finding per line."`
	Timeout time.Duration `default:"120s" help:"Longest time of one query."`
	Memory  string        `default:"1GB" help:"Most memory of the engine, such as 512MB or 4GB."`
	Threads int           `placeholder:"N" help:"Processors to use; without it all, at most 8."`
	Files   []string      `arg:"" name:"rules" help:"Files and folders of rules on a schedule (Sentinel's YAML or ARM templates, or SQL rules)."`
}

// Help is the text below the usage of rule run.
func (ruleRunCmd) Help() string {
	return `
Runs rules on a schedule over a time of the lake, window by window with now() at the end of each, and prints what they find. Nothing is filed and nobody is told: yagura serve does that, and yagura retro keeps what was found in history.

Examples:

    yagura rule run rules/brute-force.yaml --from 7d
    yagura rule run rules/ --from 2026-05-01 --to 2026-05-08 --format jsonl
` + exitHelp
}

// Run runs the rules.
func (c *ruleRunCmd) Run(env *environment) (err error) {
	memory, err := bytesOf(c.Memory)
	if err != nil {
		return usage("--memory: %w", err)
	}
	cfg, ja, err := c.load(env)
	if err != nil {
		return err
	}
	flags := anyRules(c.ruleFlags)
	flags.Rules = append(flags.Rules, c.Files...)
	rules, _, err := loadRules(flags, cfg, &screen{w: env.stderr}, ja)
	if err != nil {
		return err
	}
	list := onSchedule(rules)
	if len(list) == 0 {
		return usage("%s", in(ja, "no rule on a schedule among these\nhint: rules that judge records as they come are run by yagura scan; a hunting query by yagura hunt", "定期実行のルールがありません\nhint: 届いた記録を判定するルールは yagura scan、ハンティングクエリは yagura hunt で実行します"))
	}
	for _, title := range app.WithoutPlaces(cfg, list) {
		fmt.Fprintf(env.stderr, in(ja, "yagura: rule %q finds nothing without a database of cities (hint: usual.city)\n", "yagura: ルール「%s」は都市のデータベースがないため何も検出しません (hint: usual.city)\n"), report.Escape(title))
	}
	ask := huntAskCmd{From: c.From, To: c.To}
	now, from, to, err := ask.times(env.now())
	if err != nil {
		return err
	}
	if now.IsZero() {
		now = env.now()
	}
	if to.IsZero() {
		to = now
	}
	if from.IsZero() {
		from = to.Add(-24 * time.Hour)
	}
	b, err := app.OpenBooks(env.ctx, cfg, store.ReadOnly, env.now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.DB.Close()) }()
	ctx, stop := signal.NotifyContext(env.ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	rows := [][]string{strings.Split(in(ja, "TIME,SEVERITY,RULE,FINDING,ENTITIES", "日時,重大度,ルール,内容,エンティティ"), ",")}
	found := 0
	windows, err := app.RunRule(ctx, cfg, b, list, app.HuntOptions{Lake: c.Lake, Threads: c.Threads, Memory: memory, Timeout: c.Timeout}, from, to, env.now, func(f yagura.Finding) error {
		found++
		if c.Format == "jsonl" {
			return writeLines(env.stdout, []yagura.Finding{f})
		}
		severity, title := f.Severity.String(), f.Rule.Title
		if ja {
			severity, title = f.Severity.Japanese(), rules.Japanese(f.Rule)
		}
		var names []string
		for _, e := range f.Entities {
			names = append(names, e.Type+":"+e.ID)
		}
		rows = append(rows, []string{f.Time.Format(time.RFC3339), severity, report.Escape(title), report.Escape(f.Output), report.Escape(strings.Join(names, " "))})
		return nil
	})
	if c.Format == "table" && found > 0 {
		err = errors.Join(report.WriteColumns(env.stdout, rows), err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(env.stderr, in(ja, "%s of %s run from %s until %s: %s\n", "ウィンドウ %s (ルール %s) を %s から %s まで実行: %s\n"), count(ja, windows, "window", "windows", "件"), count(ja, len(list), "rule", "rules", "件"),
		from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339), count(ja, found, "finding", "findings", "件の検出結果"))
	return nil
}

// onSchedule lists the rules that run on a schedule.
func onSchedule(rules *app.Rules) (out []*sentinel.Rule) {
	for _, x := range rules.Scheduled {
		if x.Schedule != nil && !x.Disabled {
			out = append(out, x)
		}
	}
	return out
}

type ruleStatusCmd struct {
	ruleArgs
	Data   string `placeholder:"DIR" help:"Data folder of the server, where there is no configuration."`
	Format string `enum:"table,jsonl" default:"table" placeholder:"FORMAT" help:"table (default) or jsonl."`
	Lang   string `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language; without it, that of LANG."`
}

// Help is the text below the usage of rule status.
func (ruleStatusCmd) Help() string {
	return `
Says how far each rule on a schedule is: the arrival time up to which all events are accounted for, how far that is behind, which windows wait, how many were opened again by late data or not caught up after a stop, and why the last try failed. It reads the store beside a running server.

Examples:

    yagura rule status rules/ --config yagura.yaml
    yagura rule status --config yagura.yaml --format jsonl | jq 'select(.error)'
` + exitHelp
}

// Run prints the states.
func (c *ruleStatusCmd) Run(env *environment) (err error) {
	cfg, err := config.Load(c.Config, env.environ)
	if err != nil {
		return err
	}
	if c.Data != "" {
		cfg.Data = c.Data
	}
	ja := env.japanese(c.Lang, cfg.Output.Lang)
	rules, _, err := loadRules(anyRules(c.flags()), cfg, &screen{w: env.stderr}, ja)
	if err != nil {
		return err
	}
	b, err := app.OpenBooks(env.ctx, cfg, store.ReadOnly, env.now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.DB.Close()) }()
	list, err := b.ScheduleStatus(env.ctx, rules, env.now)
	if err != nil {
		return err
	}
	if c.Format == "jsonl" {
		return writeLines(env.stdout, list)
	}
	rows := [][]string{strings.Split(in(ja, "RULE,EVERY,WATERMARK,LAG,LAST WINDOW,WAITING,RUN,REOPENED,TOO LATE,SKIPPED,FINDINGS,ERROR", "ルール,周期,到着の進み,遅れ,最後のウィンドウ,待ち,実行,再実行,期限超過,省略,検出結果,エラー"), ",")}
	for _, x := range list {
		last := ""
		if !x.LastRun.IsZero() {
			last = x.LastRun.Format(time.RFC3339)
		}
		rows = append(rows, []string{report.Escape(x.Title), x.Every, x.Watermark.Format(time.RFC3339), x.Lag.Round(time.Second).String(), last, fmt.Sprint(x.Waiting), fmt.Sprint(x.Runs),
			fmt.Sprint(x.Reopened), fmt.Sprint(x.Late), fmt.Sprint(x.Skipped), fmt.Sprint(x.Findings), report.Escape(x.Error)})
	}
	return report.WriteColumns(env.stdout, rows)
}
