package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
)

// serverFlags are of every command about a server.
type serverFlags struct {
	Config string `placeholder:"FILE" env:"YAGURA_CONFIG" help:"Configuration file of the server: docs/configuration.md has every key."`
	Lang   string `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language of tables and messages; without it, that of LANG."`
}

type serveCmd struct {
	ruleFlags
	serverFlags
	LogFormat  string `enum:"text,json" default:"json" help:"Logs on standard error: json (default) or text."`
	LogLevel   string `enum:"debug,info,warn,error" default:"info" help:"Least level of what is logged."`
	Dev        string `placeholder:"URL" help:"Take the console from a development server (http://127.0.0.1:5173), for work on the console itself."`
	AcceptLoss bool   `name:"i-accept-loss" help:"Let SQLite lie on a file system that may lose it (memory, network, overlay): for demonstrations."`
}

// Help is the text below the usage of serve.
func (serveCmd) Help() string {
	return `
Receives logs and alerts from the configured sources, judges every record, keeps one issue per cause and brings it to the configured sinks, until it is stopped.

SIGHUP reads mapping files, rules, policy and the registry of accounts again, those too that the configuration names by now, and resolves secrets again; what is refused then and was not before leaves the old ones judging. SIGTERM and SIGINT stop in order: what is in flight is finished or given back, what is owed stays owed.

yagura init writes a configuration to begin with; yagura config check looks at it.
`
}

// Run serves.
func (c *serveCmd) Run(env *environment) error {
	load := func() (*config.Config, app.RuleOptions, error) {
		cfg, err := config.Load(c.Config, env.environ)
		if err != nil {
			return nil, app.RuleOptions{}, err
		}
		cfg.AcceptLoss = cfg.AcceptLoss || c.AcceptLoss
		formats, err := app.LoadMappings(slices.Concat(cfg.Mappings, c.Mapping))
		if err != nil {
			return nil, app.RuleOptions{}, &exitError{exitUsage, err}
		}
		rules, err := ruleOptions(c.ruleFlags, cfg, formats)
		return cfg, rules, err
	}
	cfg, rules, err := load()
	if err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return usage("--log-level: %w", err)
	}
	var handler slog.Handler = slog.NewJSONHandler(env.stderr, &slog.HandlerOptions{Level: level})
	if c.LogFormat == "text" {
		handler = slog.NewTextHandler(env.stderr, &slog.HandlerOptions{Level: level})
	}
	tuneServe(env)
	profile, err := startProfiles(env)
	if err != nil {
		return err
	}
	s, err := app.NewServe(env.ctx, app.ServeOptions{Config: cfg, File: c.Config, Reload: load, Rules: rules, Version: version(),
		Log: slog.New(handler), Now: env.now, Dev: c.Dev})
	if err != nil {
		return &exitError{exitUsage, err}
	}
	ctx, stop := context.WithCancel(env.ctx)
	defer stop()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hup:
				if err := s.Reload(ctx); err != nil && !errors.Is(err, context.Canceled) {
					slog.New(handler).Error("the reload was refused", "error", err)
				}
			}
		}
	}()
	return errors.Join(s.Run(ctx), profile())
}
