package main

import (
	"cmp"
	"errors"
	"slices"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/report"
)

type decodeCmd struct {
	Config  string   `placeholder:"FILE" env:"YAGURA_CONFIG" help:"Configuration file."`
	Mapping []string `placeholder:"FILE" sep:"none" help:"Describes a further JSON log type; may be repeated."`
	Output  string   `short:"o" placeholder:"FILE" help:"Write to a file in place of standard output."`
	Lang    string   `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language of messages; without it, that of LANG."`
	Quiet   bool     `short:"q" help:"No summary; what goes wrong is still said."`
	Format  string   `enum:"jsonl,ocsf" default:"jsonl" placeholder:"FORMAT" help:"jsonl (default, one event per line) or ocsf (one OCSF event per line, in the class that the schema has for it)."`
	Paths   []string `arg:"" name:"path" help:"Files, folders, - for standard input, or s3://bucket/prefix."`
}

// Help is the text below the usage of decode.
func (decodeCmd) Help() string {
	return `
Shows what Yagura makes of logs: log type, key, time, account, actor, action, targets, address and outcome of every record, with the record itself. Repeats are printed too. A record that cannot be decoded is named on standard error with its file, place and reason, and the rest goes on.

Examples:

    yagura decode trail.json.gz | jq -r '[.time, .actor.name, .action] | @tsv'
    yagura decode --format ocsf s3://org-trail/AWSLogs/ -o events.ocsf.jsonl
` + exitHelp
}

// Run prints the events.
func (c *decodeCmd) Run(env *environment) error {
	cfg, err := config.Load(c.Config, env.environ)
	if err != nil {
		return err
	}
	formats, err := app.LoadMappings(slices.Concat(cfg.Mappings, c.Mapping))
	if err != nil {
		return &exitError{exitUsage, err}
	}
	out, closeOut, err := env.output(c.Output)
	if err != nil {
		return err
	}
	w, err := report.NewEvents(cmp.Or(c.Format, "jsonl"), out, report.Options{Version: version(),
		Account: func(id string) string { return cfg.Accounts[id].Name }})
	if err != nil {
		return usage("%w", err)
	}
	s, ja := &screen{w: env.stderr}, env.japanese(c.Lang, cfg.Output.Lang)
	sum, err := app.Decode(env.ctx, w, app.DecodeOptions{Formats: formats, Now: env.now,
		Problem: func(err error) { s.line("yagura: " + report.Escape(err.Error())) }},
		app.Sources(env.ctx, c.Paths, app.SourceOptions{Stdin: env.stdin, S3: cfg.S3})...)
	if err = errors.Join(err, closeOut()); err != nil {
		return err
	}
	if !c.Quiet {
		printSummary(s, sum, nil, ja)
	}
	return verdict(sum, 0, ja)
}
