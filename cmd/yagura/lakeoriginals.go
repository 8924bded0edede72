package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/store"
)

type lakeOriginalsCmd struct {
	Check lakeOriginalsCheckCmd `cmd:"" default:"withargs" help:"Say what files were received as, and whether a copy is kept. This is what yagura lake originals alone does."`
	Get   lakeOriginalsGetCmd   `cmd:"" help:"Write the copy of an original out, as it was received."`
}

type lakeOriginalsCheckCmd struct {
	lakeFlags
	Quiet  bool     `short:"q" help:"No summary."`
	Format string   `enum:"list,jsonl" default:"list" help:"list or jsonl (one file per line)."`
	Paths  []string `arg:"" name:"path" help:"Files, folders, - for standard input, or s3://bucket/prefix."`
}

// Help is the text below the usage of lake originals.
func (lakeOriginalsCheckCmd) Help() string {
	return `
The SHA-256 of every object is taken as it is received. This command takes that of files, wherever they lie now and whatever they are called, and says what each was received as, and whether the lake has a copy of it. A file of which one bit has changed since is unknown.

Examples:

    yagura lake originals --data /var/lib/yagura evidence/
    yagura lake originals --config yagura.yaml s3://org-trail/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/05/01/

Exit codes: 0 all are originals, 1 some are unknown, 2 usage, 3 nothing could be read, 130 interrupted.
`
}

// originalLine is the JSON form of lake originals.
type originalLine struct {
	Name     string     `json:"name"`
	SHA256   string     `json:"sha256"`
	Source   string     `json:"source,omitempty"`
	Object   string     `json:"object,omitempty"`
	Records  int64      `json:"records,omitempty"`
	Received *time.Time `json:"received,omitempty"`
	Copy     string     `json:"copy,omitempty"` // where it lies below the lake
}

// Run compares files with what was received.
func (c *lakeOriginalsCheckCmd) Run(env *environment) (err error) {
	cfg, b, ja, err := c.open(env, store.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.DB.Close()) }()
	catalogue, _, err := app.LakeCatalogue(env.ctx, cfg, b.DB, false)
	if err != nil {
		return err
	}
	s := &screen{w: env.stderr}
	enc := json.NewEncoder(env.stdout)
	enc.SetEscapeHTML(false)
	sources := app.Sources(env.ctx, c.Paths, app.SourceOptions{Stdin: env.stdin, S3: cfg.S3})
	var known, unknown, unread int
	for o, err := range app.Originals(env.ctx, catalogue, sources...) {
		if err != nil {
			unread++
			s.line("yagura: " + report.Escape(err.Error()))
			continue
		}
		line := originalLine{Name: o.Name, SHA256: o.Sum, Copy: o.Copy}
		kept := in(ja, ", no copy", "、写しなし")
		if o.Copy != "" {
			kept = in(ja, ", copy kept", "、写しあり")
		}
		var text string
		if len(o.Received) > 0 {
			known++
			r := o.Received[0]
			line.Source, line.Object, line.Records, line.Received = r.Source, r.Object, r.Records, &r.At
			text = fmt.Sprintf(in(ja, "received %s: %s of %s, %d records, %s", "受信済み %s: %[3]s の %[2]s、%[4]d 件、%[5]s"), o.Name, r.Object, r.Source, r.Records, r.At.UTC().Format(time.RFC3339)) + kept
		} else {
			unknown++
			text = in(ja, "unknown ", "不明 ") + o.Name + " sha256:" + o.Sum
			if o.Copy != "" { // on its way: it is not known as received yet
				text += kept
			}
		}
		if c.Format == "jsonl" {
			err = enc.Encode(line)
		} else {
			_, err = fmt.Fprintln(env.stdout, report.Escape(text))
		}
		if err != nil {
			return err
		}
	}
	if !c.Quiet {
		s.line(fmt.Sprintf(in(ja, "%d files are originals, %d are unknown, %d could not be read", "原本 %d 件、不明 %d 件、読み込めないもの %d 件"), known, unknown, unread))
	}
	switch {
	case env.ctx.Err() != nil:
		return &exitError{code: exitInterrupted}
	case known+unknown == 0:
		return &exitError{exitNothing, errors.New(in(ja, "nothing could be read", "読み込めるものがありませんでした"))}
	case unknown > 0:
		return &exitError{code: exitFailOn}
	}
	return nil
}

type lakeOriginalsGetCmd struct {
	lakeFlags
	Output string `short:"o" placeholder:"FILE" help:"File to write; without it, standard output."`
	What   string `arg:"" name:"object|sha256" help:"What lake originals prints: the name that it was received under, or its SHA-256."`
}

// Help is the text below the usage of lake originals get.
func (lakeOriginalsGetCmd) Help() string {
	return `
Copies are kept with lake.originals: true, or by lake import --originals. The SHA-256 is verified as the copy is read: a file that is not what was received is not left behind; what went to standard output by then ends with exit code 1.

Examples:

    yagura lake originals get --data /var/lib/yagura s3://org-trail/AWSLogs/…/a.json.gz -o a.json.gz
    yagura lake originals get --config yagura.yaml 8c1f… | zcat

Exit codes: 0 written, 1 it is not what was received, 2 usage, 3 there is no copy, 130 interrupted.
`
}

// Run writes a copy out.
func (c *lakeOriginalsGetCmd) Run(env *environment) (err error) {
	cfg, b, _, err := c.open(env, store.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.DB.Close()) }()
	found, err := app.FindCopy(env.ctx, cfg, b.DB, c.What)
	if err != nil {
		return &exitError{exitNothing, errors.New(report.Escape(err.Error()))}
	}
	if c.Output == "" {
		err = app.ReadCopy(env.ctx, cfg, found, env.stdout)
	} else {
		err = app.WriteWhole(env.ctx, cfg, c.Output, func(w io.Writer) error { return app.ReadCopy(env.ctx, cfg, found, w) })
	}
	if errors.Is(err, app.ErrAltered) {
		return &exitError{exitFailOn, errors.New(report.Escape(err.Error()))}
	}
	return err
}
