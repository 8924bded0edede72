package main

import (
	"cmp"
	"fmt"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/report"
)

type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Say everything that is wrong with a configuration and what it names."`
}

type configCheckCmd struct {
	serverFlags
	Resolve bool   `help:"Resolve secrets too, and try the store, every sink and every source. Nothing is changed, nobody is told."`
	File    string `arg:"" optional:"" name:"file" help:"Configuration file; without it that of --config."`
}

// Help is the text below the usage of config check.
func (configCheckCmd) Help() string {
	return `
Prints one line for everything that is wrong (file:line:column, the reason and a hint): the configuration itself, mapping files, rules that are refused, policy, registry of accounts, keys, folders that cannot be read. Warnings are about what may not be meant, such as a route that names no sink.

With --resolve every secret is resolved, every sink proves its credentials and permissions without telling anybody, every source is reached (a queue's attributes, the beginning of a bucket, a folder) and the store is opened for reading.

Examples:

    yagura config check yagura.yaml
    yagura config check --resolve yagura.yaml

Exit codes: 0 nothing is wrong (warnings do not count), 2 something is.
`
}

// Run checks.
func (c *configCheckCmd) Run(env *environment) error {
	file := cmp.Or(c.File, c.Config)
	list, err := app.CheckConfig(env.ctx, app.CheckOptions{File: file, Environ: env.environ, Resolve: c.Resolve, Version: version(), Now: env.now})
	if err != nil {
		return err
	}
	lang := ""
	if cfg, err := config.Load(file, env.environ); err == nil {
		lang = cfg.Output.Lang
	}
	ja := env.japanese(c.Lang, lang)
	faults, warnings := 0, 0
	for i := range list {
		x := &list[i]
		word := in(ja, "ok", "正常")
		switch {
		case x.Fault:
			faults++
			word = in(ja, "error", "エラー")
		case x.Warning:
			warnings++
			word = in(ja, "warning", "警告")
		}
		text := x.Text
		if ja && x.Japanese != "" {
			text = x.Japanese
		}
		if _, err := fmt.Fprintf(env.stdout, "%s: %s\n", word, report.Escape(text)); err != nil {
			return err
		}
	}
	fmt.Fprintf(env.stderr, in(ja, "%s, %s\n", "エラー %s、警告 %s\n"), count(ja, faults, "error", "errors", "件"), count(ja, warnings, "warning", "warnings", "件"))
	if faults > 0 {
		return &exitError{code: exitUsage}
	}
	return nil
}
