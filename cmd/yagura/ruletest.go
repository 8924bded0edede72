package main

import (
	"errors"
	"fmt"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
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
	cfg.Placeholders = app.ExamplePlaceholders(cfg.Placeholders)
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
