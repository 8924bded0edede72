package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/hunts"
	"github.com/yagura-sec/yagura/report"
)

// workbookCmd holds the verbs about workbooks.
type workbookCmd struct {
	List workbookListCmd `cmd:"" help:"List the workbooks."`
	Show workbookShowCmd `cmd:"" help:"Ask all hunts of a workbook and print their results."`
}

type workbookListCmd struct {
	huntFlags
}

// Run lists.
func (c *workbookListCmd) Run(env *environment) error {
	_, ja, err := c.load(env)
	if err != nil {
		return err
	}
	rows := [][]string{strings.Split(in(ja, "NAME,HUNTS,PARAMETER,TITLE", "名前,ハント,パラメータ,タイトル"), ",")}
	for _, b := range hunts.Workbooks() {
		needs := b.Required
		if needs == "" {
			needs = "-"
		}
		rows = append(rows, []string{b.Name, fmt.Sprint(len(b.Hunts)), needs, in(ja, b.En, b.Ja)})
	}
	return report.WriteColumns(env.stdout, rows)
}

type workbookShowCmd struct {
	huntFlags
	From    string            `placeholder:"TIME" help:"Earliest event time: 2026-05-01, 2026-05-01T12:00:00Z, or 7d for seven days before --to. Without it, what each hunt says."`
	To      string            `placeholder:"TIME" help:"End of the time range, itself not in it; without it, now."`
	Limit   int               `default:"20" help:"Most rows of each hunt."`
	Format  string            `enum:"table,jsonl,csv" default:"table" placeholder:"table|jsonl|csv" help:"Form of the results."`
	Param   map[string]string `placeholder:"NAME=VALUE" mapsep:"none" help:"Value of a parameter, for every hunt that has it; may be repeated."`
	Timeout time.Duration     `default:"60s" help:"Longest time of each hunt."`
	Name    string            `arg:"" help:"Name of the workbook."`
}

// Help is the text below the usage of workbook show.
func (workbookShowCmd) Help() string {
	return `
Every hunt is printed under its title. A hunt that cannot be asked says why, and the others go on; the exit code is then 2.

Examples:

    yagura workbook show sign-ins --data /var/lib/yagura --from 7d
    yagura workbook show user --param who=alice@example.com
`
}

// Run asks.
func (c *workbookShowCmd) Run(env *environment) error {
	var book *hunts.Workbook
	var names []string
	for _, b := range hunts.Workbooks() {
		if names = append(names, b.Name); b.Name == c.Name {
			book = &b
		}
	}
	if book == nil {
		return usage("there is no workbook %s (hint: %s)", c.Name, strings.Join(names, ", "))
	}
	if _, given := c.Param[book.Required]; book.Required != "" && !given {
		return usage("the workbook %s needs --param %s=VALUE", book.Name, book.Required)
	}
	h, cfg, ja, done, err := c.open(env, app.HuntOptions{Timeout: c.Timeout})
	if err != nil {
		return err
	}
	defer done()
	ctx, stop := signal.NotifyContext(env.ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	var failed []error
	for i, name := range book.Hunts {
		s, err := app.SavedHunt(cfg, name)
		if err != nil || s == nil {
			return errors.Join(err, fmt.Errorf("the hunt %s of the workbook is not there", name))
		}
		ask := &huntAskCmd{huntFlags: c.huntFlags, From: c.From, To: c.To, Format: c.Format, Param: ofHunt(s, c.Param)}
		q, err := ask.saved(&asked{}, s)
		if err != nil {
			return err
		}
		r := hunt.Request{Language: q.language, Text: q.text, Last: q.last, Params: q.params, Limit: c.Limit, Timeout: c.Timeout}
		if r.Now, r.From, r.To, err = ask.times(env.now()); err != nil {
			return err
		}
		if c.Format == "table" {
			if i > 0 {
				fmt.Fprintln(env.stdout)
			}
			fmt.Fprintf(env.stdout, "# %s (%s)\n", report.Escape(s.Title.In(ja)), s.Name)
		}
		err = func() error {
			res, err := h.Run(ctx, r)
			if err != nil {
				return ask.say(env, ctx, err, q)
			}
			err = errors.Join(ask.write(env, res, ja), res.Err())
			return errors.Join(err, res.Close())
		}()
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", name, err))
		}
	}
	if len(failed) > 0 {
		return &exitError{exitUsage, errors.Join(failed...)}
	}
	return nil
}

// ofHunt are the values of parameters that a hunt has.
func ofHunt(s *hunt.Saved, given map[string]string) map[string]string {
	out := map[string]string{}
	for _, p := range s.Parameters {
		if v, ok := given[p.Name]; ok {
			out[p.Name] = v
		}
	}
	return out
}
