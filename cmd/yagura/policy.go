package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

// policyCmd holds the verbs about the severity policy.
type policyCmd struct {
	Default policyDefaultCmd `cmd:"" help:"Print the policy that holds without a file, for editing."`
	Check   policyCheckCmd   `cmd:"" help:"Say what is wrong with a policy, and what in it cannot be what was meant."`
	Test    policyTestCmd    `cmd:"" help:"Run the tests that stand beside a policy."`
	Replay  policyReplayCmd  `cmd:"" help:"Show what past findings would have come to under an edited policy."`
}

// policyArgs are of the verbs that judge.
type policyArgs struct {
	Config   string            `placeholder:"FILE" env:"YAGURA_CONFIG" help:"Configuration file: docs/configuration.md has every key."`
	Accounts string            `placeholder:"FILE" help:"Registry of accounts (docs/accounts.md) in place of that of the configuration, over the accounts there."`
	Sink     map[string]string `placeholder:"NAME=KIND" help:"A sink that routes may name; may be repeated. Without any, those of the configuration; without these the words of routes are taken as they are."`
	Lang     string            `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language of messages; without it, that of LANG. Decisions, reasons and hints are in English."`
}

// maxPolicyFile bounds a file that is read whole; the parsers have their own bounds below it.
const maxPolicyFile = 64 << 20

func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it is only read
	data, err := io.ReadAll(io.LimitReader(f, maxPolicyFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxPolicyFile {
		return nil, fmt.Errorf("%s: more than %d bytes", file, maxPolicyFile)
	}
	return data, nil
}

// load reads the configuration. What its policy, registry and sinks are holds where no flag
// says otherwise.
func (a *policyArgs) load(env *environment) (cfg *config.Config, ja bool, err error) {
	if cfg, err = config.Load(a.Config, env.environ); err != nil {
		return nil, false, err
	}
	a.Accounts = cmp.Or(a.Accounts, cfg.Registry)
	return cfg, env.japanese(a.Lang, cfg.Output.Lang), nil
}

// sinks are those of the flags, else those of the configuration.
func (a *policyArgs) sinks(cfg *config.Config) []triage.SinkName {
	if len(a.Sink) == 0 {
		return app.SinkNames(cfg)
	}
	var out []triage.SinkName
	for name, kind := range a.Sink {
		out = append(out, triage.SinkName{Name: name, Kind: kind})
	}
	slices.SortFunc(out, func(x, y triage.SinkName) int { return cmp.Compare(x.Name, y.Name) })
	return out
}

// policy reads a policy; "" is that of the configuration, or else the shipped one. Its
// problems are printed.
func (a *policyArgs) policy(env *environment, cfg *config.Config, file string, ja bool) (*triage.Policy, error) {
	sinks := a.sinks(cfg)
	if file = cmp.Or(file, app.PolicyFile(cfg)); file == "" {
		return triage.DefaultPolicy().For(sinks), nil
	}
	data, err := readBounded(file)
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("read the policy: %w", err)}
	}
	p, problems := triage.ParsePolicy(file, data, triage.PolicyOptions{Now: env.now(), Sinks: sinks})
	printProblems(env.stdout, problems, ja)
	if p == nil {
		return nil, &exitError{code: exitUsage}
	}
	return p, nil
}

// registry is the accounts of the file, over those of the configuration, over what the
// server listed of the organisation.
func (a *policyArgs) registry(env *environment, cfg *config.Config, ja bool) (*triage.Accounts, error) {
	accounts := triage.NewAccounts(nil)
	if a.Accounts != "" {
		data, err := readBounded(a.Accounts)
		if err != nil {
			return nil, &exitError{exitUsage, fmt.Errorf("read the accounts: %w", err)}
		}
		read, problems := triage.ParseAccounts(a.Accounts, data)
		printProblems(env.stdout, problems, ja)
		if read == nil {
			return nil, &exitError{code: exitUsage}
		}
		accounts = read
	}
	listed, err := app.KeptAccounts(cfg)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return accounts.Merge(app.ConfiguredAccounts(cfg)).Merge(listed), nil
}

func printProblems(w io.Writer, problems []triage.Problem, ja bool) {
	for i := range problems {
		kind := in(ja, "error", "エラー")
		if problems[i].Warning {
			kind = in(ja, "warning", "警告")
		}
		fmt.Fprintf(w, "%s: %s\n", kind, report.Escape(problems[i].Error()))
	}
}

type policyDefaultCmd struct{}

// Run prints the shipped policy.
func (policyDefaultCmd) Run(env *environment) error {
	_, err := io.WriteString(env.stdout, triage.DefaultPolicyText())
	return err
}

type policyCheckCmd struct {
	policyArgs
	File string `arg:"" optional:"" name:"policy" help:"Policy; without it that of the configuration, or the shipped one."`
}

// Help is the text below the usage of policy check.
func (policyCheckCmd) Help() string {
	return `
Prints one line for every fault (file:line:column, the reason and a hint) and one for everything that cannot be what was meant: clauses that can never match, or not yet, or are never asked; suppressions that end soon or have ended; routes that name no sink; accounts that the registry does not have. Exit code 2 when the policy is refused; warnings do not change it.

Examples:

    yagura policy check policy.yaml
    yagura policy check --config yagura.yaml       # with its sinks and accounts
    yagura policy check policy.yaml --accounts accounts.yaml --sink issues=github --sink oncall=pagerduty
` + exitHelp
}

// Run prints what is wrong.
func (c *policyCheckCmd) Run(env *environment) error {
	cfg, ja, err := c.load(env)
	if err != nil {
		return err
	}
	p, err := c.policy(env, cfg, c.File, ja)
	if err != nil {
		return err
	}
	o := triage.CheckOptions{Now: env.now(), Sinks: c.sinks(cfg)}
	if c.Config != "" || cfg.Data != "" { // or else it is not known where it will hold
		o.Unusual = app.NoBaselines(cfg)
	}
	accounts, err := c.registry(env, cfg, ja)
	if err != nil {
		return err
	}
	if !accounts.Empty() && !cfg.Organizations.Enabled { // an organisation may list more by then
		o.Accounts = accounts
	}
	problems := p.Check(o)
	printProblems(env.stdout, problems, ja)
	if triage.Refused(problems) {
		return &exitError{code: exitUsage}
	}
	fmt.Fprintf(env.stderr, in(ja, "%s, %s\n", "条項 %s、警告 %s\n"), count(ja, len(p.Counts()), "clause", "clauses", "件"), count(ja, len(problems), "warning", "warnings", "件"))
	return nil
}

type policyTestCmd struct {
	policyArgs
	Policy string   `placeholder:"FILE" help:"Policy; without it that of the configuration, or the shipped one."`
	Format string   `enum:"table,jsonl" default:"table" placeholder:"FORMAT" help:"table (default) or jsonl."`
	Files  []string `arg:"" name:"tests" help:"Files of cases: docs/policy.md has the form."`
}

// Help is the text below the usage of policy test.
func (policyTestCmd) Help() string {
	return `
Prints every case, and under one that fails what came out otherwise, with the line of what was expected, and all that was decided. Exit code 1 when a case fails.

Examples:

    yagura policy test --policy policy.yaml policy_test.yaml
    yagura policy test --policy policy.yaml --accounts accounts.yaml tests/*.yaml
` + exitHelp
}

// Run runs the cases.
func (c *policyTestCmd) Run(env *environment) error {
	cfg, ja, err := c.load(env)
	if err != nil {
		return err
	}
	p, err := c.policy(env, cfg, c.Policy, ja)
	if err != nil {
		return err
	}
	accounts, err := c.registry(env, cfg, ja)
	if err != nil {
		return err
	}
	var results []triage.CaseResult
	for _, file := range c.Files {
		data, err := readBounded(file)
		if err != nil {
			return &exitError{exitUsage, fmt.Errorf("read the tests: %w", err)}
		}
		cases, problems := triage.ParseCases(file, data)
		printProblems(env.stdout, problems, ja)
		if cases == nil {
			return &exitError{code: exitUsage}
		}
		for i := range cases {
			known := cases[i].Input.Finding.Usual
			for k := range known {
				if known[k].Text == "" && known[k].Unknown == "" {
					known[k].Text = app.UsualWords(&known[k])
				}
			}
		}
		results = append(results, p.Test(cases, accounts)...)
	}
	failed := 0
	enc := json.NewEncoder(env.stdout)
	enc.SetEscapeHTML(false)
	for _, r := range results {
		if len(r.Differences) > 0 {
			failed++
		}
		if c.Format == "jsonl" {
			if err := enc.Encode(r); err != nil {
				return err
			}
			continue
		}
		printCase(env.stdout, &r, ja)
	}
	fmt.Fprintf(env.stderr, in(ja, "%s, %d failed\n", "ケース %s、失敗 %d 件\n"), count(ja, len(results), "case", "cases", "件"), failed)
	if failed > 0 {
		return &exitError{code: exitFailOn}
	}
	return nil
}

func printCase(w io.Writer, r *triage.CaseResult, ja bool) {
	if len(r.Differences) == 0 {
		fmt.Fprintf(w, "%s: %s\n", in(ja, "ok", "成功"), report.Escape(r.Name))
		return
	}
	fmt.Fprintf(w, "%s: %s: %s\n", in(ja, "failed", "失敗"), report.Escape(r.Place), report.Escape(r.Name))
	for _, d := range r.Differences {
		fmt.Fprintf(w, in(ja, "  %s: %s is %q, want %q\n", "  %s: %s は %q です (期待値 %q)\n"), report.Escape(d.Place), d.What, d.Got, d.Want)
	}
	for _, d := range r.Decisions {
		fmt.Fprintf(w, "  · %s\n", report.Escape(d))
	}
}

type policyReplayCmd struct {
	policyArgs
	Findings string `placeholder:"FILE" help:"Findings as JSON lines: those of yagura scan --format jsonl, or - for standard input. Without it those of the server whose configuration --config names."`
	Days     int    `default:"30" help:"How many days of the server's findings."`
	Policy   string `placeholder:"FILE" help:"The policy in force; without it that of the configuration, or the shipped one."`
	Format   string `enum:"table,json" default:"table" placeholder:"FORMAT" help:"table (default) or json."`
	Edited   string `arg:"" help:"The edited policy."`
}

// Help is the text below the usage of policy replay.
func (policyReplayCmd) Help() string {
	return `
Judges findings by two policies and prints how many of each level there would have been, which causes move, and how many first tickets and rises each sink would have had. Nothing is sent or changed.

Examples:

    yagura scan --format jsonl trail/ > findings.jsonl
    yagura policy replay edited.yaml --findings findings.jsonl
    yagura policy replay edited.yaml --config yagura.yaml --days 7   # what a server found
    yagura policy replay edited.yaml --policy policy.yaml --findings findings.jsonl --format json
` + exitHelp
}

// filedLines reads findings from JSON lines. When they were judged they do not say: it is
// the time of the finding.
type filedLines struct {
	name string
	r    io.Reader
}

const maxFindingLine = 16 << 20

// Filed yields the findings.
func (l filedLines) Filed(ctx context.Context, yield func(yagura.Filed) error) error {
	sc := bufio.NewScanner(l.r)
	sc.Buffer(nil, maxFindingLine)
	for n := 1; sc.Scan(); n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		line := bytes.TrimSpace(sc.Bytes())
		if len(line) == 0 {
			continue
		}
		var f yagura.Finding
		if err := json.Unmarshal(line, &f); err != nil {
			return fmt.Errorf("%s:%d: %w", l.name, n, err)
		}
		if f.V != 1 || f.Severity == 0 {
			return fmt.Errorf("%s:%d: not a finding of version 1", l.name, n)
		}
		if err := yield(yagura.Filed{Finding: f, Severity: f.Severity, Seen: f.Time}); err != nil {
			return err
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	return nil
}

// Run prints the comparison.
func (c *policyReplayCmd) Run(env *environment) error {
	cfg, ja, err := c.load(env)
	if err != nil {
		return err
	}
	before, err := c.policy(env, cfg, c.Policy, ja)
	if err != nil {
		return err
	}
	after, err := c.policy(env, cfg, c.Edited, ja)
	if err != nil {
		return err
	}
	accounts, err := c.registry(env, cfg, ja)
	if err != nil {
		return err
	}
	o := triage.ReplayOptions{Accounts: accounts, Tenant: cfg.Tenant}
	if c.Findings == "" { // the server's findings are judged behind the suppressions that were made in its console
		if before, err = app.WithSuppressions(cfg, before); err != nil {
			return &exitError{exitUsage, err}
		}
		if after, err = app.WithSuppressions(cfg, after); err != nil {
			return &exitError{exitUsage, err}
		}
		b, err := app.OpenBooks(env.ctx, cfg, store.ReadOnly, env.now)
		if err != nil {
			return err
		}
		defer b.DB.Close() //nolint:errcheck // it was only read
		past := b.Since(env.now().AddDate(0, 0, -c.Days))
		if before.ReadsEvent() || after.ReadsEvent() || app.UsualOf(before, after) != nil {
			if o.Event, err = past.Records(env.ctx); err != nil {
				return err
			}
		}
		return replay(env, b, past, before, after, o, c.Format == "json", ja)
	}
	var b *app.Books
	if cfg.Data != "" && app.UsualOf(before, after) != nil {
		if b, err = app.OpenBooks(env.ctx, cfg, store.ReadOnly, env.now); err != nil {
			return err
		}
		defer b.DB.Close() //nolint:errcheck // it was only read
	}
	from := filedLines{name: "-", r: env.stdin}
	if c.Findings != "-" {
		f, err := os.Open(filepath.Clean(c.Findings))
		if err != nil {
			return &exitError{exitUsage, fmt.Errorf("read the findings: %w", err)}
		}
		defer f.Close() //nolint:errcheck // it is only read
		from = filedLines{name: c.Findings, r: f}
	}
	return replay(env, b, from, before, after, o, c.Format == "json", ja)
}

// replay compares two policies on findings and prints what it came to. What is usual is asked
// of the lake of the books; nil: there is none.
func replay(env *environment, b *app.Books, from app.FiledReader, before, after *triage.Policy, o triage.ReplayOptions, asJSON, ja bool) error {
	if of := app.UsualOf(before, after); of != nil && b != nil {
		baselines, err := b.OpenBaselines(env.ctx)
		if err != nil {
			return err
		}
		defer baselines.Close() //nolint:errcheck // it was only asked
		from = app.Learning{From: from, Baselines: baselines, Of: of, Event: o.Event}
	} else if of != nil {
		fmt.Fprintln(env.stderr, in(ja, "yagura: a policy asks usual, which is empty without a lake (hint: --config FILE of the server)",
			"yagura: ポリシーが usual を参照していますが、レイクがないため空です (hint: サーバーの設定を --config で指定してください)"))
	}
	got, err := triage.Replay(func(yield func(yagura.Filed) error) error { return from.Filed(env.ctx, yield) }, before, after, o)
	switch {
	case errors.Is(err, context.Canceled):
		return &exitError{exitInterrupted, errors.New(in(ja, "interrupted", "中断しました"))}
	case err != nil:
		return &exitError{exitUsage, err}
	case got.Findings == 0:
		return &exitError{exitNothing, errors.New(in(ja, "there are no findings", "検出結果がありません"))}
	}
	if asJSON {
		enc := json.NewEncoder(env.stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(got)
	}
	return writeComparison(env.stdout, got, ja)
}

// writeComparison prints a comparison as tables.
func writeComparison(w io.Writer, c *triage.Comparison, ja bool) error {
	fmt.Fprintf(w, in(ja, "%s, judged %s to %s\n\n", "検出結果 %s (%s から %s)\n\n"), count(ja, c.Findings, "finding", "findings", "件"),
		c.First.UTC().Format(time.DateTime), c.Last.UTC().Format(time.DateTime))
	num := func(x triage.Change) []string {
		sign := ""
		if d := x.After - x.Before; d != 0 {
			sign = fmt.Sprintf("%+d", d)
		}
		return []string{strconv.Itoa(x.Before), strconv.Itoa(x.After), sign}
	}
	rows := [][]string{strings.Split(in(ja, "SEVERITY,FINDINGS,EDITED,,CAUSES,EDITED,", "重大度,検出結果,変更後,,原因,変更後,"), ",")}
	for _, l := range c.Levels {
		name := l.Severity.String()
		if ja {
			name = l.Severity.Japanese()
		}
		rows = append(rows, trimRow(slices.Concat([]string{name}, num(l.Findings), num(l.Causes))))
	}
	rows = append(rows, trimRow(slices.Concat([]string{in(ja, "suppressed", "抑止")}, num(c.Suppressed), []string{"", "", ""})))
	rows = append(rows, trimRow(slices.Concat([]string{in(ja, "issues", "課題")}, []string{"", "", ""}, num(c.Causes))))
	if err := report.WriteColumns(w, rows); err != nil {
		return err
	}
	if len(c.Sinks) > 0 {
		rows = [][]string{strings.Split(in(ja, "SINK,TICKETS,EDITED,,RISES,EDITED,", "通知先,チケット,変更後,,引き上げ通知,変更後,"), ",")}
		for _, s := range c.Sinks {
			rows = append(rows, trimRow(slices.Concat([]string{report.Escape(s.Sink)}, num(s.Tickets), num(s.Rises))))
		}
		fmt.Fprintln(w)
		if err := report.WriteColumns(w, rows); err != nil {
			return err
		}
	}
	if len(c.Moves) == 0 {
		fmt.Fprintf(w, "\n%s\n", in(ja, "no finding moves", "重大度が変わる検出結果はありません"))
	}
	for _, m := range c.Moves {
		fmt.Fprintf(w, in(ja, "\n%s → %s: %s of %s\n", "\n%s → %s: 検出結果 %s (原因 %s)\n"), stateName(m.From, ja), stateName(m.To, ja),
			count(ja, m.Findings, "finding", "findings", "件"), count(ja, m.Causes, "cause", "causes", "件"))
		for _, x := range m.Examples {
			fmt.Fprintf(w, "  %s  %s\n", report.Escape(x.Rule), report.Escape(x.CauseKey))
			for _, d := range x.Clauses {
				fmt.Fprintf(w, "    · %s\n", report.Escape(d))
			}
		}
		if more := m.Causes - len(m.Examples); more > 0 {
			fmt.Fprintf(w, in(ja, "  … and %s more\n", "  … ほか %s\n"), count(ja, more, "cause", "causes", "件"))
		}
	}
	if c.NoRecord > 0 {
		fmt.Fprintf(w, in(ja, "\n%s judged without a record: clauses over event did not match\n", "\n%s は元のレコードなしで判定しました。event の条件は一致しません\n"), count(ja, c.NoRecord, "finding was", "findings were", "件"))
	}
	if c.NoUsual > 0 {
		fmt.Fprintf(w, in(ja, "\n%s judged without knowing what is usual: usual was empty for them\n", "\n%s は平常時の情報なしで判定しました (usual は空)\n"), count(ja, c.NoUsual, "finding was", "findings were", "件"))
	}
	if c.Errors > 0 {
		fmt.Fprintf(w, in(ja, "\n%s of the edited policy could not be evaluated\n", "\n変更後のポリシーで評価できない条件が %s ありました\n"), count(ja, c.Errors, "condition", "conditions", "件"))
	}
	for _, s := range c.Caps {
		fmt.Fprintf(w, "\n%s\n", s)
	}
	return nil
}

// trimRow drops empty cells at the end of a row, so that no line ends in spaces.
func trimRow(row []string) []string {
	for len(row) > 0 && row[len(row)-1] == "" {
		row = row[:len(row)-1]
	}
	return row
}

func stateName(s string, ja bool) string {
	if !ja {
		return s
	}
	level, rest, _ := strings.Cut(s, " ")
	if sev, err := yagura.ParseSeverity(level); err == nil {
		level = sev.Japanese()
	}
	if rest != "" {
		level += " (抑止)"
	}
	return level
}
