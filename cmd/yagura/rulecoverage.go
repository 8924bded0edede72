package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/coverage"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/rule"
)

type ruleCoverageCmd struct {
	ruleArgs
	Format   string   `enum:"table,jsonl,navigator" default:"table" placeholder:"FORMAT" help:"table (default), jsonl, or navigator: a layer for the ATT&CK Navigator."`
	Lang     string   `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language of titles and headings; without it, that of LANG."`
	Standard string   `placeholder:"NAME" help:"Controls of a standard in place of ATT&CK techniques: cis-aws, nist-800-53, nist-800-190 or pci-dss."`
	Against  []string `placeholder:"PATH" help:"Logs: a rule counts only where they hold what it judges. Files, folders, s3:// or -."`
	Missing  bool     `help:"Only the techniques that would not be found."`
}

// Help is the text below the usage of rule coverage.
func (ruleCoverageCmd) Help() string {
	return `
Lays the rules over ATT&CK's matrix for clouds, software as a service, identity providers, office suites and containers, and says which logs are missing for the rest. It reads the tags of the rules: a tag is believed, and a rule without tags covers nothing.

Examples:

    yagura rule coverage
    yagura rule coverage --against logs/ --missing    # what these logs do not show
    yagura rule coverage --format navigator > layer.json
    yagura rule coverage --standard nist-800-53
` + exitHelp
}

// Run prints the coverage.
func (c *ruleCoverageCmd) Run(env *environment) error {
	cfg, err := config.Load(c.Config, env.environ)
	if err != nil {
		return err
	}
	ja := env.japanese(c.Lang, cfg.Output.Lang)
	rules, formats, err := loadRules(anyRules(c.flags()), cfg, &screen{w: env.stderr}, ja)
	if err != nil {
		return err
	}
	title := func(r coverage.Rule) string {
		if ja {
			return rules.Japanese(yagura.RuleRef{ID: r.ID, Title: r.Title, File: r.File})
		}
		return r.Title
	}
	switch {
	case c.Format == "navigator" && (c.Standard != "" || c.Missing || c.Against != nil):
		return usage("--format navigator: a layer of the Navigator holds what rules cover, and techniques only")
	case c.Format == "navigator":
		return coverage.Navigator(env.stdout, "Yagura", running(rules))
	case c.Standard != "" && (c.Missing || c.Against != nil):
		return usage("--standard: --missing and --against are about ATT&CK")
	case c.Standard != "":
		rows, err := coverage.Standard(running(rules), c.Standard)
		if err != nil {
			return usage("--standard: %w", err)
		}
		if c.Format == "jsonl" {
			return writeLines(env.stdout, rows)
		}
		heads := strings.Split(in(ja, "CONTROL,RULES,LOG TYPES,FIRST RULES", "管理策,ルール数,形式,主なルール"), ",")
		heads[0] = strings.ToUpper(c.Standard)
		table := [][]string{heads}
		for _, r := range rows {
			table = append(table, []string{report.Escape(r.ID), strconv.Itoa(len(r.Rules)), strings.Join(r.Formats, ","), firstRules(r.Rules, title)})
		}
		return report.WriteColumns(env.stdout, table)
	}
	var have []string
	if c.Against != nil {
		var sum *app.Summary
		have, sum, err = app.FormatsIn(env.ctx, app.DecodeOptions{Formats: formats, Now: env.now, Problem: env.complain},
			app.Sources(env.ctx, c.Against, app.SourceOptions{Stdin: env.stdin, S3: cfg.S3})...)
		if err != nil {
			return err
		}
		if sum.Interrupted {
			return &exitError{exitInterrupted, errors.New(in(ja, "interrupted: not all logs were looked at", "中断しました。すべてのログは調べていません"))}
		}
		if sum.NothingRead() {
			return &exitError{exitNothing, nothingRead(sum, ja)}
		}
	}
	all := coverage.Cloud(running(rules), have)
	cells := all
	if c.Missing {
		cells = slices.DeleteFunc(slices.Clone(all), func(x coverage.Cell) bool { return x.State == coverage.Covered })
	}
	if c.Format == "jsonl" {
		return writeLines(env.stdout, cells)
	}
	if err := report.WriteColumns(env.stdout, matrixRows(cells, title, ja)); err != nil {
		return err
	}
	printTactics(env.stderr, all, ja)
	return nil
}

// writeLines writes each of list as a line of JSON.
func writeLines[T any](w io.Writer, list []T) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, x := range list {
		if err := enc.Encode(x); err != nil {
			return err
		}
	}
	return nil
}

// firstRules names the first three rules.
func firstRules(rules []coverage.Rule, title func(coverage.Rule) string) string {
	var titles []string
	for i, x := range rules {
		if i == 3 {
			titles = append(titles, "…")
			break
		}
		titles = append(titles, title(x))
	}
	return report.Escape(strings.Join(titles, "; "))
}

// matrixRows makes the table of the matrix: what would be found first, then what would
// not, each in the order of ids.
func matrixRows(cells []coverage.Cell, title func(coverage.Rule) string, ja bool) [][]string {
	table := [][]string{strings.Split(in(ja, "TECHNIQUE,NAME,RULES,HIGHEST,LOG TYPES,FIRST RULES OR WHAT IS MISSING", "テクニック,名前,ルール数,最高重大度,形式,主なルール・不足しているもの"), ",")}
	for _, found := range []bool{true, false} {
		for _, x := range cells {
			if (x.State == coverage.Covered) != found {
				continue
			}
			highest, last := "-", firstRules(x.Rules, title)
			if s := coverage.Highest(x.Rules); s != 0 {
				if highest = s.String(); ja {
					highest = s.Japanese()
				}
			}
			number := strconv.Itoa(len(x.Rules))
			switch {
			case x.State == coverage.NoData:
				number = "0/" + number
				last = in(ja, "no such log: ", "ログがない: ") + strings.Join(x.Missing, ", ")
			case x.State == coverage.NoRule && slices.Equal(x.Missing, []string{coverage.Endpoint}):
				last = in(ja, "no rule; no log of a cloud shows it", "ルールなし。クラウドのログには現れない")
			case x.State == coverage.NoRule && len(x.Missing) == 0:
				last = in(ja, "no rule; your logs would show it", "ルールなし。手元のログに現れうる")
			case x.State == coverage.NoRule:
				last = in(ja, "no rule; would show in ", "ルールなし。現れうるログ: ") + strings.Join(x.Missing, ", ")
			}
			table = append(table, []string{report.Escape(x.ID), nameOf(x), number, highest, cmp.Or(strings.Join(x.Formats, ","), "-"), last})
		}
	}
	return table
}

// nameOf is the name of a technique. One that is not of the cloud matrix, whose name is not
// known here, is shown by the tactics that its rules name.
func nameOf(x coverage.Cell) string {
	if x.Name == "" && len(x.Tactics) > 0 {
		return "(" + report.Escape(strings.Join(x.Tactics, ", ")) + ")"
	}
	return cmp.Or(x.Name, "-")
}

// printTactics says how much of the matrix is covered, by tactic.
func printTactics(w io.Writer, cells []coverage.Cell, ja bool) {
	covered, all := 0, 0
	byTactic := map[string][2]int{}
	for _, x := range cells {
		if len(x.Platforms) == 0 {
			continue // not of the matrix
		}
		all++
		hit := 0
		if x.State == coverage.Covered {
			hit = 1
		}
		covered += hit
		for _, t := range x.Tactics {
			n := byTactic[t]
			byTactic[t] = [2]int{n[0] + hit, n[1] + 1}
		}
	}
	fmt.Fprintf(w, in(ja, "%d of the %d techniques of ATT&CK's cloud matrix would be found\n", "ATT&CK クラウドマトリクスのテクニック %[2]d 件のうち %[1]d 件を検知できます\n"), covered, all)
	var parts []string
	for _, t := range coverage.Tactics() {
		if n := byTactic[t]; n[1] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d/%d", t, n[0], n[1]))
		}
	}
	fmt.Fprintf(w, "  %s\n", strings.Join(parts, " · "))
}

// running lists the rules that run: those that judge records and those on a schedule. A
// hunting query covers nothing until somebody runs it.
func running(rules *app.Rules) []*rule.Rule {
	out := slices.Clone(rules.Rules)
	for _, x := range rules.Scheduled {
		if x.Schedule != nil && !x.Disabled {
			out = append(out, &x.Rule)
		}
	}
	return out
}

// anyRules takes rules on a schedule alone too.
func anyRules(f ruleFlags) ruleFlags {
	f.scheduled = true
	return f
}
