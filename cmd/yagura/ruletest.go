package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/coverage"
	"github.com/yagura-sec/yagura/report"
)

type ruleTestCmd struct {
	ruleArgs
	Lang string `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language of messages; without it, that of LANG. What failed is said in English."`
}

// Help is the text below the usage of rule test.
func (ruleTestCmd) Help() string {
	return `
A test file (test.yml, or a name that ends in _test.yml) stands beside a rule: events that must make it fire, near misses that differ in one field and must not, counter-events that end what it opened. They go through the decoder and the engine that scan uses. docs/detections.md has the form. Exit code 1 when a test fails.

Examples:

    yagura rule test                 # the shipped detections
    yagura rule test my-rules/
` + exitHelp
}

// Run runs the tests.
func (c *ruleTestCmd) Run(env *environment) error {
	cfg, err := config.Load(c.Config, env.environ)
	if err != nil {
		return err
	}
	ja, flags := env.japanese(c.Lang, cfg.Output.Lang), c.flags()
	rules, formats, err := readRules(flags, cfg)
	if err != nil {
		return err
	}
	for i := range rules.Refusals {
		if r := &rules.Refusals[i]; !r.Warning {
			fmt.Fprintf(env.stdout, "%s: %s\n", refusalKind(false, ja), report.Escape(r.Error()))
		}
	}
	paths := flags.Rules
	if paths == nil {
		paths = cfg.Rules
	}
	rep, err := app.TestRules(rules, paths, formats)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	for _, f := range rep.Failures {
		fmt.Fprintf(env.stdout, "%s: %s\n", in(ja, "failed", "失敗"), report.Escape(f.String()))
	}
	fmt.Fprintf(env.stderr, in(ja, "%s tested in %s, %d failed\n", "テスト: ルール %s、ケース %s、失敗 %d 件\n"), count(ja, rep.Rules, "rule", "rules", "件"),
		count(ja, rep.Cases, "case", "cases", "件"), len(rep.Failures))
	switch {
	case len(rep.Failures) > 0:
		return &exitError{code: exitFailOn}
	case rules.Refused() > 0:
		return &exitError{code: exitUsage}
	case rep.Cases == 0:
		return &exitError{exitNothing, errors.New(in(ja, "there is no test beside these rules", "これらのルールにはテストがありません"))}
	}
	return nil
}

type ruleCoverageCmd struct {
	ruleArgs
	Format   string `enum:"table,jsonl,navigator" default:"table" placeholder:"FORMAT" help:"table (default), jsonl, or navigator: a layer for the ATT&CK Navigator."`
	Lang     string `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language of titles and headings; without it, that of LANG."`
	Standard string `placeholder:"NAME" help:"Controls of a standard in place of ATT&CK techniques: cis-aws, nist-800-53 or pci-dss."`
}

// Help is the text below the usage of rule coverage.
func (ruleCoverageCmd) Help() string {
	return `
Reads the tags of the rules: a tag is believed, and a rule without tags covers nothing.

Examples:

    yagura rule coverage
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
	rules, _, err := loadRules(c.flags(), cfg, &screen{w: env.stderr}, ja)
	if err != nil {
		return err
	}
	if c.Format == "navigator" {
		if c.Standard != "" {
			return usage("--standard: a layer of the Navigator holds techniques only")
		}
		return coverage.Navigator(env.stdout, "Yagura", rules.Rules)
	}
	rows := coverage.Table(rules.Rules)
	if c.Standard != "" {
		if rows, err = coverage.Standard(rules.Rules, c.Standard); err != nil {
			return usage("--standard: %w", err)
		}
	}
	if c.Format == "jsonl" {
		enc := json.NewEncoder(env.stdout)
		enc.SetEscapeHTML(false)
		for _, r := range rows {
			if err := enc.Encode(r); err != nil {
				return err
			}
		}
		return nil
	}
	heads := strings.Split(in(ja, "TECHNIQUE,RULES,LOG TYPES,FIRST RULES", "テクニック,ルール数,形式,主なルール"), ",")
	heads[0] = cmp.Or(strings.ToUpper(c.Standard), heads[0])
	table := [][]string{heads}
	for _, r := range rows {
		var titles []string
		for i, x := range r.Rules {
			if i == 3 {
				titles = append(titles, "…")
				break
			}
			title := x.Title
			if ja {
				title = rules.Japanese(yagura.RuleRef{ID: x.ID, Title: x.Title, File: x.File})
			}
			titles = append(titles, title)
		}
		table = append(table, []string{report.Escape(r.ID), strconv.Itoa(len(r.Rules)), strings.Join(r.Formats, ","), report.Escape(strings.Join(titles, "; "))})
	}
	return report.WriteColumns(env.stdout, table)
}
