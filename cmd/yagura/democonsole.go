package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/yagura-sec/yagura/app"
)

// The address of the demo's console, and how many ports are tried after it.
const (
	demoHost  = "127.0.0.1"
	demoPort  = 8720
	demoPorts = 20
)

// console fills a demo, serves it, and removes it at the end.
func (c *demoCmd) console(env *environment) (err error) {
	ja := env.japanese(c.Lang, "")
	address, err := c.address()
	if err != nil {
		return err
	}
	dir, remove := c.Data, false
	if dir == "" {
		if dir, err = os.MkdirTemp("", "yagura-demo-"); err != nil {
			return usage("%w", err)
		}
		remove = true
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	tuneServe(env)
	s := &screen{w: env.stderr}
	s.line(in(ja, "a week in the clouds of a shop that does not exist, through the pipeline that your logs would take:", "実在しない店のクラウドの 1 週間を、本番のログと同じパイプラインで再生します:"))
	began := env.now()
	o := app.DemoOptions{Dir: dir, Listen: address, Seed: c.Seed, End: began, Version: version(), Progress: progressOf(env, s, ja)}
	d, err := app.NewDemo(o)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	log, err := os.OpenFile(filepath.Join(dir, "yagura.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return usage("%w", err)
	}
	defer log.Close() //nolint:errcheck // what it says is for people, and there is nobody left
	d.Log(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err := d.Fill(env.ctx); err != nil {
		if env.ctx.Err() != nil {
			return nil // it was interrupted, and there is nothing to show
		}
		return err
	}
	s.close()
	f := d.Filled
	s.line(fmt.Sprintf(in(ja, "  %d events in %d files, %d findings, %d issues, in %s", "  イベント %d 件 (%d ファイル)、検出結果 %d 件、課題 %d 件、所要 %s"), f.Records, f.Files, f.Findings, f.Issues, env.now().Sub(began).Round(100*time.Millisecond)))
	for _, m := range f.Missed {
		s.line(in(ja, "  something that people did found no issue: ", "  対応する課題のない操作: ") + m)
	}
	return c.serve(env, d, s, ja, remove)
}

// serve shows a filled demo until it is interrupted.
func (c *demoCmd) serve(env *environment, d *app.Demo, s *screen, ja, remove bool) error {
	door := &app.DemoDoor{}
	serve, err := d.Serve(env.ctx, door, env.now)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	link, err := door.Link()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(env.ctx)
	defer cancel()
	live := make(chan error, 1)
	go func() { live <- d.Live(ctx, env.now) }()
	s.line("")
	s.line(in(ja, "the console, signed in by this link, once:", "コンソール (このリンクは 1 回だけ使えます。パスワードは不要です):"))
	fmt.Fprintln(env.stdout, "  http://"+serve.Addr()+link)
	s.line(fmt.Sprintf(in(ja, "beside it: yagura issue list --config %s", "コマンドラインからも使えます: yagura issue list --config %s"), d.Config()))
	if remove {
		s.line(in(ja, "Ctrl-C ends it and removes everything", "Ctrl-C で終了し、すべて削除します"))
	} else {
		s.line(in(ja, "Ctrl-C ends it; its folder stays", "Ctrl-C で終了します (フォルダーは残ります)"))
	}
	if !c.NoBrowser && isTerminal(env.stdout) {
		openBrowser(ctx, env, "http://"+serve.Addr()+link)
	}
	err = serve.Run(ctx)
	cancel()
	return errors.Join(err, <-live)
}

// address is where the console listens: what was asked for, or the first port that is free.
func (c *demoCmd) address() (string, error) {
	if c.Listen != "" {
		host, port, err := net.SplitHostPort(c.Listen)
		if err != nil {
			return "", usage("--listen: %w (hint: 127.0.0.1:8720)", err)
		}
		if host == "localhost" {
			host = demoHost
		}
		if a, err := netip.ParseAddr(host); err != nil || !a.IsLoopback() {
			return "", usage("--listen: %s is not this machine alone: whoever opens the demo is its admin (hint: 127.0.0.1:8720)", c.Listen)
		}
		return net.JoinHostPort(host, port), nil
	}
	for port := demoPort; port < demoPort+demoPorts; port++ {
		address := net.JoinHostPort(demoHost, strconv.Itoa(port))
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", usage("no port from %d to %d is free (hint: name one with --listen)", demoPort, demoPort+demoPorts-1)
}

// progressOf shows how far the week is, where somebody looks.
func progressOf(env *environment, s *screen, ja bool) func(done, all int, at time.Time) {
	f, ok := env.stderr.(*os.File)
	if !ok || terminalWidth(f) == 0 {
		return nil
	}
	var last time.Time
	return func(done, all int, at time.Time) {
		now := env.now()
		if done < all && now.Sub(last) < 100*time.Millisecond {
			return
		}
		last = now
		const width = 30
		n := width * done / max(all, 1)
		bar := make([]byte, width)
		for i := range bar {
			bar[i] = '.'
			if i < n {
				bar[i] = '#'
			}
		}
		s.show(fmt.Sprintf("  [%s] %3d %%  %s", bar, 100*done/max(all, 1), at.In(tokyo).Format(in(ja, "Mon 2 Jan 15:04 JST", "1 月 2 日 15:04 JST"))))
	}
}

var tokyo = time.FixedZone("JST", 9*60*60)

// openBrowser shows an address to a person, where there is a display and a program for it.
func openBrowser(ctx context.Context, env *environment, address string) {
	var cmd *exec.Cmd
	switch {
	case runtime.GOOS == "darwin":
		cmd = exec.CommandContext(ctx, "open", address) //nolint:gosec // our own address
	case runtime.GOOS == "windows":
		cmd = exec.CommandContext(ctx, "rundll32", "url.dll,FileProtocolHandler", address) //nolint:gosec // likewise
	case env.getenv("DISPLAY") != "" || env.getenv("WAYLAND_DISPLAY") != "":
		cmd = exec.CommandContext(ctx, "xdg-open", address) //nolint:gosec // likewise
	default:
		return
	}
	if err := cmd.Start(); err == nil {
		go func() { _ = cmd.Wait() }() // the link is on the screen in any case
	}
}
