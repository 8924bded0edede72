package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/report"
)

type sourceCmd struct {
	List sourceListCmd `cmd:"" help:"Show how far behind every source is, its last error and its cost."`
	Test sourceTestCmd `cmd:"" help:"Try one source: receive without acknowledging, or ask the server that it is pushed to."`
}

type sinkCmd struct {
	Test sinkTestCmd `cmd:"" help:"Try one sink: prove its credentials and permissions, then send a test notice."`
}

// trialFlags are of the verbs that try one source or sink.
type trialFlags struct {
	serverFlags
	Timeout time.Duration `default:"30s" help:"How long to try."`
	Name    string        `arg:"" help:"Its name in the configuration."`
}

// trial opens the configuration with its secrets resolved.
func (f *trialFlags) trial(env *environment) (*app.Trial, *config.Config, bool, error) {
	cfg, err := config.Load(f.Config, env.environ)
	if err != nil {
		return nil, nil, false, err
	}
	ja := env.japanese(f.Lang, cfg.Output.Lang)
	if cfg, err = app.ResolveSecrets(env.ctx, cfg); err != nil {
		return nil, nil, ja, &exitError{exitUsage, err}
	}
	return app.NewTrial(cfg, app.CheckOptions{Version: version(), Now: env.now}), cfg, ja, nil
}

type sourceTestCmd struct{ trialFlags }

// Help is the text below the usage of source test.
func (sourceTestCmd) Help() string {
	return `
A queue, bucket or folder is received from once; the beginning of what came is decoded and everything is given back: nothing is acknowledged, judged or kept. A queue counts it as one more coming of the message. Of a source that is pushed to, the running server is asked whether it listens there and takes the credential; what is sent has no body, so nothing is stored.

Examples:

    yagura source test --config yagura.yaml trail

Exit codes: 0 it works, 1 it does not, 2 usage or configuration.
`
}

// Run tries.
func (c *sourceTestCmd) Run(env *environment) error {
	t, cfg, ja, err := c.trial(env)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(cfg.Sources, func(s config.Source) bool { return s.Name == c.Name })
	if i < 0 {
		var names []string
		for _, s := range cfg.Sources {
			names = append(names, s.Name)
		}
		return usage("no source %q (hint: there are %s)", c.Name, orNothing(names))
	}
	src := &cfg.Sources[i]
	ctx, cancel := context.WithTimeout(env.ctx, c.Timeout)
	defer cancel()
	if !app.Pulled(src) {
		said, err := t.Probe(ctx, src)
		if err != nil {
			return &exitError{exitFailOn, fmt.Errorf("source %s: %w", c.Name, err)}
		}
		_, err = fmt.Fprintln(env.stdout, report.Escape(in(ja, said.Text, said.Japanese)))
		return err
	}
	said, err := t.Source(ctx, src)
	if err != nil {
		return &exitError{exitFailOn, fmt.Errorf("source %s: %w", c.Name, err)}
	}
	fmt.Fprintf(env.stdout, "%s\n", report.Escape(in(ja, said.Text, said.Japanese)))
	for _, w := range said.Warnings {
		fmt.Fprintf(env.stdout, "%s: %s\n", in(ja, "warning", "警告"), report.Escape(w))
	}
	formats, err := app.LoadMappings(cfg.Mappings)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	list, err := t.Look(ctx, src, formats)
	for _, l := range list {
		fmt.Fprintf(env.stdout, "%s %s\n", in(ja, "message", "メッセージ"), report.Escape(l.ID))
		for _, o := range l.Objects {
			fmt.Fprintf(env.stdout, "  %s %s\n", in(ja, "object", "オブジェクト"), report.Escape(o))
		}
		for _, f := range slices.Sorted(maps.Keys(l.Formats)) {
			more := ""
			if l.More {
				more = "+"
			}
			fmt.Fprintf(env.stdout, "  %s: %d%s %s\n", f, l.Formats[f], more, in(ja, "records", "レコード"))
		}
		if l.Broken > 0 {
			fmt.Fprintf(env.stdout, "  %s: %d\n", in(ja, "broken", "破損"), l.Broken)
		}
		if l.Problem != "" {
			fmt.Fprintf(env.stdout, "  %s: %s\n", in(ja, "problem", "問題"), report.Escape(l.Problem))
		}
	}
	if err != nil {
		return &exitError{exitFailOn, fmt.Errorf("source %s: %w", c.Name, err)}
	}
	if len(list) == 0 {
		_, err = fmt.Fprintln(env.stdout, in(ja, "nothing came", "何も届きませんでした"))
		return err
	}
	_, err = fmt.Fprintln(env.stdout, in(ja, "all was given back: nothing is acknowledged", "すべて返却しました (確認応答はしていません)"))
	return err
}

type sinkTestCmd struct {
	trialFlags
	Quiet bool `name:"no-notice" help:"Prove credentials and permissions only; tell nobody."`
}

// Help is the text below the usage of sink test.
func (sinkTestCmd) Help() string {
	return `
Proves the credentials and permissions of a sink, then sends it a notice that says it is a test. It is of no issue and is not in the books.

Examples:

    yagura sink test --config yagura.yaml slack
    yagura sink test --config yagura.yaml --no-notice pagerduty

Exit codes: 0 it works, 1 it does not, 2 usage or configuration.
`
}

// Run tries.
func (c *sinkTestCmd) Run(env *environment) error {
	t, cfg, ja, err := c.trial(env)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(cfg.Sinks, func(s config.Sink) bool { return s.Name == c.Name })
	if i < 0 {
		var names []string
		for _, s := range cfg.Sinks {
			names = append(names, s.Name)
		}
		return usage("no sink %q (hint: there are %s)", c.Name, orNothing(names))
	}
	ctx, cancel := context.WithTimeout(env.ctx, c.Timeout)
	defer cancel()
	sink, tested, err := t.Sink(ctx, &cfg.Sinks[i])
	if err != nil {
		return &exitError{exitFailOn, fmt.Errorf("sink %s: %w", c.Name, err)}
	}
	if tested {
		fmt.Fprintln(env.stdout, in(ja, "credentials and permissions are good", "認証と権限は問題ありません"))
	} else {
		fmt.Fprintln(env.stdout, in(ja, "this kind of sink cannot be tried without a notice", "この種類の通知先は、通知なしでは確認できません"))
	}
	if c.Quiet {
		return nil
	}
	r, err := t.Tell(ctx, sink, app.TestText(cfg.Sinks[i].Lang))
	if err != nil {
		return &exitError{exitFailOn, fmt.Errorf("sink %s: the notice: %w", c.Name, err)}
	}
	_, err = fmt.Fprintf(env.stdout, "%s %s\n", in(ja, "the test notice was sent:", "テスト通知を送信しました:"), report.Escape(strings.TrimSpace(strings.Join([]string{r.Detail, r.Ref, r.URL}, " "))))
	return err
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
