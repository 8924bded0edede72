package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/rule/sentinel"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

type retroCmd struct {
	ruleFlags
	lakeFlags
	Rule      []string `placeholder:"FILE|ID|all" sep:"none" help:"Rules that judge the past: a file or folder, the id or title of a rule, or all; may be repeated."`
	Indicator []string `placeholder:"VALUE|FILE" sep:"none" help:"Addresses, domains, hashes, keys and names to look for in all records, or a file with one a line; may be repeated."`
	Policy    string   `placeholder:"FILE" help:"Show what the findings come to under this severity policy, beside that of the configuration."`
	From      string   `placeholder:"TIME" help:"Begin of the past: 2026-03-14, 2026-03-14T09:26:53Z, 36h or 7d. Without it, all that the lake has."`
	To        string   `placeholder:"TIME" help:"End of the past, not within it; without it, now."`
	Keep      bool     `help:"File what was found: the policy judges it, and issues are opened. Without it nothing is kept."`
	Notify    bool     `help:"With --keep: tell the sinks, too. Without it nobody is told."`
	Format    string   `enum:"preview,table,jsonl,ocsf,sarif" default:"preview" placeholder:"FORMAT" help:"preview (default: how many, by rule, account and day), table, jsonl, ocsf or sarif."`
	Output    string   `short:"o" placeholder:"FILE" help:"Write to a file in place of standard output."`
	Workers   int      `placeholder:"N" help:"Lake files that are judged at once; without it one per processor. It changes no result."`
	Quiet     bool     `short:"q" help:"No progress and no summary; what goes wrong is still said."`
}

// Help is the text below the usage of retro.
func (retroCmd) Help() string {
	return `
Runs rules over the records that the lake keeps, as they were when they came. First comes a preview: how many findings, by rule, account and day. Nothing is kept unless --keep is given; then the findings are filed as retrospective ones ("retro": true), and nobody is told of them unless --notify is given, too. What was found before is not found anew: findings have the same ids.

Examples:

    yagura retro --data /var/lib/yagura --rule all --from 30d
    yagura retro --data ./d --rule new.yml --from 2026-01-01 --to 2026-04-01 --format jsonl
    yagura retro --config yagura.yaml --rule "Trail stopped" --from 90d --keep
    yagura retro --data ./d --indicator 192.0.2.7 --indicator bad.txt
    yagura retro --config yagura.yaml --policy edited.yaml --from 30d
` + exitHelp
}

// maxPreview is how many lines a preview prints; the rest is counted.
const maxPreview = 500

// Run judges the past.
func (c *retroCmd) Run(env *environment) (err error) {
	mode := store.ReadOnly
	if c.Keep {
		mode = store.Shared
	}
	cfg, books, ja, err := c.open(env, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, books.DB.Close()) }()
	s := &screen{w: env.stderr}
	now := env.now()
	from, to, err := c.past(now)
	if err != nil {
		return err
	}
	rules, formats, wanted, may, err := c.rules(env, cfg, s, ja)
	if err != nil {
		return err
	}
	catalogue, blobs, err := app.LakeCatalogue(env.ctx, cfg, books.DB, false)
	if err != nil {
		return err
	}
	pieces, err := app.LakePieces(env.ctx, catalogue, lake.NewReader(catalogue, blobs), app.RuleFormats(rules.Rules), from, to)
	if err != nil {
		return err
	}
	planned := onSchedule(rules)
	if len(rules.Rules) == 0 {
		pieces = nil
	}
	if len(pieces) == 0 && len(planned) == 0 {
		return &exitError{exitNothing, errors.New(in(ja, "the lake has no records of these log types in that time (hint: yagura lake stats says what it has)",
			"その期間にこの形式のレコードはレイクにありません (hint: yagura lake stats で内容を確認できます)"))}
	}
	if c.Workers < 0 || c.Workers > config.MaxWorkers {
		return usage("--workers: %d is not 0 (one per processor) to %d", c.Workers, config.MaxWorkers)
	}
	var scan *app.Scan
	var past source.Source
	var left []string
	if len(rules.Rules) > 0 {
		scan, past, left, err = app.NewRetro(rules, app.RetroOptions{From: from, To: to, Pieces: pieces, May: may, ScanOptions: app.ScanOptions{
			Formats: formats, Workers: cmp.Or(c.Workers, cfg.Workers), RepeatWindow: cfg.RepeatWindow, RulesOnly: true, Now: env.now,
			Problem: func(err error) { s.line("yagura: " + report.Escape(err.Error())) }}})
		if err != nil {
			return &exitError{exitUsage, err}
		}
	}
	for _, title := range left {
		s.line("yagura: " + fmt.Sprintf(in(ja, "rule %q counts the records of a file, which the lake has in another order: left out",
			"ルール「%s」はファイル内のレコード番号を使います。レイクでは順序が異なるため除外しました"), report.Escape(title)))
	}
	out, closeOut, err := env.output(c.Output)
	if err != nil {
		return err
	}
	r := &app.Retro{Keep: c.Keep || c.Policy != "", Wanted: wanted, Counter: rules.Counter()}
	if c.Format != "preview" {
		if r.Next, err = report.New(c.Format, s.under(out), env.reportOptions(rules, cfg, ja, false, out)); err != nil {
			return usage("%w", err)
		}
	}
	tuneMemory(env)
	if f, ok := env.stderr.(*os.File); ok && !c.Quiet && isTerminal(f) && scan != nil {
		s.watch(scan, terminalWidth(f), env.now, ja)
	}
	windows, err := c.scheduled(env, cfg, books, planned, r, from, to)
	if err != nil {
		return err
	}
	if windows > 0 && !c.Quiet {
		s.line(fmt.Sprintf(in(ja, "%s of %s on a schedule", "定期実行: ウィンドウ %s、ルール %s"), count(ja, windows, "window", "windows", "件"), count(ja, len(planned), "rule", "rules", "件")))
	}
	sum := &app.Summary{}
	if scan != nil {
		sum, err = scan.Run(env.ctx, r, past)
	} else {
		err = errors.Join(r.Flush(), r.Close())
	}
	s.close()
	if err == nil && c.Format == "preview" && c.Policy == "" {
		err = writePreview(out, r, rules, ja)
	}
	if err = errors.Join(err, closeOut()); err != nil {
		return err
	}
	if !c.Quiet {
		s.line(fmt.Sprintf(in(ja, "%s judged in %s: %s", "%s を %s で判定: 検出結果 %s"), count(ja, int(sum.Events), "record", "records", "件のレコード"),
			sum.Elapsed.Round(time.Millisecond), count(ja, r.Total, "finding", "findings", "件")))
	}
	if sum.Interrupted {
		return &exitError{code: exitInterrupted}
	}
	if sum.Unreadable > 0 {
		return &exitError{exitNothing, errors.New(in(ja, "not all of the past could be read: nothing was kept", "読み込めなかった部分があるため、何も保存していません"))}
	}
	if c.Policy != "" {
		if err := c.rejudge(env, cfg, books, r, ja); err != nil {
			return err
		}
	}
	return c.keep(env, books, rules, r, s, ja)
}

// scheduled runs rules on a schedule over the past, window by window with now() at the end of
// each.
func (c *retroCmd) scheduled(env *environment, cfg *config.Config, books *app.Books, rules []*sentinel.Rule, r *app.Retro, from, to time.Time) (windows int, err error) {
	if len(rules) == 0 {
		return 0, nil
	}
	catalogue, _, err := app.LakeCatalogue(env.ctx, cfg, books.DB, false)
	if err != nil {
		return 0, err
	}
	files, err := catalogue.Files(env.ctx, lake.Filter{})
	if err != nil {
		return 0, err
	}
	var first, last time.Time
	for _, f := range files {
		if !f.Min.IsZero() && (first.IsZero() || f.Min.Before(first)) {
			first = f.Min
		}
		if f.Max.After(last) {
			last = f.Max
		}
	}
	if last.IsZero() {
		return 0, nil
	}
	if from.IsZero() {
		from = first
	}
	if to.IsZero() {
		to = last
	}
	return app.RunRule(env.ctx, cfg, books, rules, app.HuntOptions{Timeout: 10 * time.Minute}, from, to, env.now, func(f yagura.Finding) error {
		return r.Write(report.Item{Finding: &f, File: f.Rule.File, Offset: -1})
	})
}

// past reads the bounds.
func (c *retroCmd) past(now time.Time) (from, to time.Time, err error) {
	if from, err = parseWhen("--from", c.From, now); err != nil {
		return from, to, err
	}
	if to, err = parseWhen("--to", c.To, now); err != nil {
		return from, to, err
	}
	if to.IsZero() && !from.IsZero() {
		to = now
	}
	if !from.IsZero() && !from.Before(to) {
		return from, to, usage("--from is not before --to")
	}
	return from, to, nil
}

// parseWhen reads a time of a flag.
func parseWhen(flag, text string, now time.Time) (time.Time, error) {
	t, err := parseSince(text, now)
	if err != nil {
		return t, usage("%s: %q is no time: write 2026-03-14, 2026-03-14T09:26:53Z, 36h or 7d", flag, text)
	}
	return t, nil
}

// rules are those that are asked for, whether a finding's rule is one of them, and whether
// a record may be one that they find (nil: it may).
func (c *retroCmd) rules(env *environment, cfg *config.Config, s *screen, ja bool) (_ *app.Rules, _ []*decode.Format, wanted func(yagura.RuleRef) bool, may func([]byte) bool, err error) {
	switch {
	case len(c.Indicator) > 0 && len(c.Rule) > 0:
		return nil, nil, nil, nil, usage("--rule and --indicator are two questions: ask one")
	case c.Notify && !c.Keep:
		return nil, nil, nil, nil, usage("--notify tells of what is kept: give --keep, too")
	case len(c.Indicator) > 0:
		indicators, err := app.ReadIndicators(c.Indicator)
		if err != nil {
			return nil, nil, nil, nil, &exitError{exitUsage, err}
		}
		formats, err := app.LoadMappings(slices.Concat(cfg.Mappings, c.Mapping))
		return app.IndicatorRules(indicators), formats, nil, app.IndicatorMay(indicators), err
	case len(c.Rule) == 0 && c.Policy == "":
		return nil, nil, nil, nil, usage("say what judges the past: --rule FILE, ID or all, --indicator or --policy")
	}
	flags := c.ruleFlags
	var names []string
	for _, w := range c.Rule {
		if _, err := os.Stat(w); err == nil && !slices.Contains(names, w) {
			flags.Rules = append(flags.Rules, w)
			continue
		}
		names = append(names, w)
	}
	if len(names) > 0 && len(flags.Rules) > len(c.Rules) && !slices.Contains(names, "all") {
		return nil, nil, nil, nil, usage("--rule %s: files and names do not go together (hint: load the file with --rules, and name its rule)", names[0])
	}
	rules, formats, err := loadRules(anyRules(flags), cfg, s, ja)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	rules, wanted, err = rules.Only(names)
	if err != nil {
		return nil, nil, nil, nil, &exitError{exitUsage, err}
	}
	return rules, formats, wanted, nil, nil
}

// writePreview prints how many findings there are, and where.
func writePreview(w io.Writer, r *app.Retro, rules *app.Rules, ja bool) error {
	if r.Total == 0 {
		_, err := fmt.Fprintln(w, in(ja, "nothing was found", "検出結果はありません"))
		return err
	}
	rows := [][]string{strings.Split(in(ja, "SEVERITY,FINDINGS,DAY,ACCOUNT,RULE", "重大度,検出結果,日,アカウント,ルール"), ",")}
	list := r.Sorted()
	for i, x := range list {
		if i == maxPreview {
			break
		}
		name, title := x.Severity.String(), cmp.Or(x.Rule.Title, x.Rule.ID)
		if ja {
			name, title = x.Severity.Japanese(), rules.Japanese(yagura.RuleRef{ID: x.Rule.ID, Title: x.Rule.Title, File: x.Rule.File})
		}
		rows = append(rows, []string{name, strconv.Itoa(r.Rows[x]), cmp.Or(x.Day, "-"), cmp.Or(report.Escape(x.Account), "-"), report.Escape(title)})
	}
	if err := report.WriteColumns(w, rows); err != nil {
		return err
	}
	if more := len(list) - maxPreview; more > 0 || r.Unlisted > 0 {
		fmt.Fprintf(w, in(ja, "… and %d more lines, %d findings of lines that are not told apart\n", "… ほか %d 行、内訳のない検出結果 %d 件\n"), max(more, 0), r.Unlisted)
	}
	return nil
}

// filedNow hands findings to a replay.
type filedNow []yagura.Finding

// Filed yields the findings.
func (l filedNow) Filed(ctx context.Context, yield func(yagura.Filed) error) error {
	for _, f := range l {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := yield(yagura.Filed{Finding: f, Severity: f.Severity, Seen: f.Time}); err != nil {
			return err
		}
	}
	return nil
}

// rejudge compares what two policies say of the findings.
func (c *retroCmd) rejudge(env *environment, cfg *config.Config, books *app.Books, r *app.Retro, ja bool) error {
	args := policyArgs{Config: c.Config, Accounts: cfg.Registry, Lang: c.Lang}
	before, err := args.policy(env, cfg, "", ja)
	if err != nil {
		return err
	}
	after, err := args.policy(env, cfg, c.Policy, ja)
	if err != nil {
		return err
	}
	accounts, err := args.registry(env, cfg, ja)
	if err != nil {
		return err
	}
	if r.Unheld > 0 {
		fmt.Fprintf(env.stderr, in(ja, "yagura: %d findings are too many to hold and are not compared (hint: ask for less time)\n", "yagura: 検出結果のうち %d 件は多すぎるため比較していません (hint: 期間を短くしてください)\n"), r.Unheld)
	}
	return replay(env, books, filedNow(r.Findings), before, after, triage.ReplayOptions{Accounts: accounts, Tenant: cfg.Tenant}, c.Format == "jsonl", ja)
}

// keep files the findings, or says that nothing was kept.
func (c *retroCmd) keep(env *environment, books *app.Books, rules *app.Rules, r *app.Retro, s *screen, ja bool) error {
	switch {
	case !c.Keep:
		if r.Total > 0 && !c.Quiet && c.Policy == "" {
			s.line(in(ja, "nothing was kept: --keep files the findings", "何も保存していません。--keep で検出結果を登録します"))
		}
		return nil
	case r.Unheld > 0:
		return &exitError{exitUsage, fmt.Errorf(in(ja, "%d findings are more than are kept at once: nothing was kept (hint: ask for less time, or for fewer rules)",
			"検出結果が %d 件多すぎるため、何も保存していません (hint: 期間かルールを絞ってください)"), r.Unheld)}
	}
	baselines, err := books.Baselines(env.ctx)
	if err != nil {
		return err
	}
	defer baselines.Close() //nolint:errcheck // it was only asked
	kept, err := books.Keep(env.ctx, r.Findings, r.Counters, rules, c.Notify)
	if !c.Quiet {
		s.line(fmt.Sprintf(in(ja, "kept %d findings (%d were there already), %d issues changed, %d notices owed",
			"検出結果 %d 件を登録 (既存 %d 件)、課題 %d 件を更新、通知 %d 件"), kept.Fresh, kept.Known, kept.Issues, kept.Notices))
	}
	return err
}
