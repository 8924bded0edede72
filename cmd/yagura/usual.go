package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/usual"
)

type usualCmd struct {
	huntFlags
	Of      []string      `placeholder:"DIMENSION" help:"Dimensions: network, country, agent, api, resource, region, account, hour, weekday; with commas, or repeated. Without it all but resource and weekday."`
	Kind    string        `enum:",actor,access_key,account,address" default:"" placeholder:"KIND" help:"What the name is: actor, access_key, account or address. Without it, whatever the lake knows by it."`
	Before  string        `placeholder:"TIME" help:"By what happened before this time: 2026-05-01, 2026-05-01T12:00:00Z or 7d. Without it, now."`
	Format  string        `enum:"table,jsonl" default:"table" placeholder:"table|jsonl" help:"table (default) or jsonl."`
	Timeout time.Duration `default:"60s" help:"Longest time of one query."`
	Entity  string        `arg:"" help:"An actor (ARN, address or name), an access key, an account or a source address."`
}

// Help is the text below the usage of usual.
func (usualCmd) Help() string {
	return `
Prints what an entity is used to do, by what the lake has of the last 90 days (usual.period): from which networks and countries it comes, with which programs, what it calls, where and when. Then it says what of the last day is unusual, and why. Values that are new for an entity that is known for less than 14 days, or by fewer than 50 events, are named as not yet known well enough.

Examples:

    yagura usual alice@example.com --data /var/lib/yagura
    yagura usual arn:aws:iam::111122223333:role/deploy --of network,agent
    yagura usual AKIAIOSFODNN7EXAMPLE --before 2026-05-01 --format jsonl
` + exitHelp
}

// Run prints.
func (c *usualCmd) Run(env *environment) error {
	dimensions, err := c.dimensions()
	if err != nil {
		return err
	}
	if err := app.HuntingEngine(); err != nil {
		return &exitError{exitUsage, err}
	}
	h, cfg, ja, done, err := c.open(env, app.HuntOptions{Timeout: c.Timeout})
	if err != nil {
		return err
	}
	defer done()
	ctx, stop := signal.NotifyContext(env.ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	before, err := parseWhen("--before", c.Before, env.now())
	if err != nil {
		return err
	}
	if before.IsZero() {
		before = env.now()
	}
	asker := app.NewUsualAsker(cfg, h)
	list, err := asker.UsualEntities(ctx, c.Entity, before)
	if err != nil {
		return err
	}
	if c.Kind != "" {
		list = slices.DeleteFunc(list, func(x usual.Candidate) bool { return usual.KindOf(x.Entity) != usual.Kind(c.Kind) })
	}
	switch {
	case len(list) == 0:
		return &exitError{exitNothing, fmt.Errorf(in(ja, "the lake has no event of %s in the %d days before %s", "%s のイベントは、%[3]s までの %[2]d 日間のレイクにありません"),
			report.Escape(c.Entity), int(asker.Bounds.Period/(24*time.Hour)), before.UTC().Format(time.RFC3339))}
	case len(list) > 1:
		names := make([]string, 0, 10)
		for _, x := range list[:min(len(list), 10)] {
			names = append(names, fmt.Sprintf("  %s %s (%d)", usual.KindOf(x.Entity), report.Escape(x.Entity.ID), x.Events))
		}
		return usage(in(ja, "%s is the name of several (hint: name one, or give --kind):\n%s", "%s に該当するものが複数あります (hint: どれか 1 つを指定するか --kind を付けてください):\n%s"), report.Escape(c.Entity), strings.Join(names, "\n"))
	}
	r, err := asker.Report(ctx, list[0].Entity, dimensions, before, 24*time.Hour)
	if err != nil {
		return err
	}
	if c.Format == "jsonl" {
		return c.lines(env, r)
	}
	return c.table(env, r, ja)
}

func (c *usualCmd) dimensions() (out []usual.Dimension, err error) {
	if len(c.Of) == 0 {
		return slices.DeleteFunc(usual.Dimensions(), func(d usual.Dimension) bool { return d == usual.Resource || d == usual.Weekday }), nil
	}
	for _, w := range c.Of {
		d, err := usual.ParseDimension(w)
		if err != nil {
			return nil, usage("--of: %w", err)
		}
		if !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out, nil
}

// usualLine is a line of jsonl: a value of the baseline, or an answer about the last day.
type usualLine struct {
	V      int           `json:"v"`
	Kind   string        `json:"kind"` // "habit" or "unusual"
	Entity yagura.Entity `json:"entity"`
	*usual.Habit
	At     time.Time     `json:"at,omitzero"`
	Answer *usual.Answer `json:"answer,omitempty"`
	Words  string        `json:"words,omitempty"`
}

func (c *usualCmd) lines(env *environment, r *app.UsualReport) error {
	var out []usualLine
	for i := range r.Habits {
		out = append(out, usualLine{V: 1, Kind: "habit", Entity: r.Entity, Habit: &r.Habits[i]})
	}
	for i := range r.Unusual {
		out = append(out, usualLine{V: 1, Kind: "unusual", Entity: r.Entity, At: r.Unusual[i].At, Answer: &r.Unusual[i].Answer, Words: r.Unusual[i].Words("en")})
	}
	return writeLines(env.stdout, out)
}

func (c *usualCmd) table(env *environment, r *app.UsualReport, ja bool) error {
	fmt.Fprintf(env.stdout, "%s %s\n", usual.KindOf(r.Entity), report.Escape(r.Entity.ID))
	rows := [][]string{strings.Split(in(ja, "OF,VALUE,TIMES,DAYS,FIRST,LAST", "観点,値,回数,日数,最初,最後"), ",")}
	for _, x := range r.Habits {
		rows = append(rows, []string{string(x.Of), report.Escape(x.Value), fmt.Sprint(x.Times), fmt.Sprint(x.Days), x.First.Format(time.RFC3339), x.Last.Format(time.RFC3339)})
	}
	err := report.WriteColumns(env.stdout, rows)
	var found, learning, restless []app.UsualNews
	for _, x := range r.Unusual {
		switch {
		case x.Learning:
			learning = append(learning, x)
		case x.Restless:
			restless = append(restless, x)
		default:
			found = append(found, x)
		}
	}
	if len(found) == 0 {
		fmt.Fprintf(env.stdout, "\n%s\n", in(ja, "nothing unusual in the last day", "直近 1 日に通常と異なるものはありません"))
	} else {
		fmt.Fprintf(env.stdout, "\n%s\n", in(ja, "unusual in the last day:", "直近 1 日で通常と異なるもの:"))
	}
	for _, x := range found {
		fmt.Fprintf(env.stdout, "  %s %s  %s\n", x.At.Format(time.RFC3339), x.Of, report.Escape(x.Words(in(ja, "en", "ja"))))
	}
	// Of what is not judged one is shown: its words say why.
	for _, list := range [][]app.UsualNews{learning, restless} {
		if len(list) > 0 {
			last := list[len(list)-1]
			fmt.Fprintf(env.stdout, in(ja, "new and not judged: %s, such as %s: %s\n", "新しいが判定しない値: %s（例 %s: %s）\n"), count(ja, len(list), "value", "values", "件"), last.Of, report.Escape(last.Words(in(ja, "en", "ja"))))
		}
	}
	if r.More > 0 {
		_, e := fmt.Fprintf(env.stdout, in(ja, "%d more values were not looked at\n", "ほか %d 件の値は確認していません\n"), r.More)
		err = errors.Join(err, e)
	}
	return err
}
