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
	// The port is held while the week is filled, so that nobody waits for it in vain.
	held, err := c.listen()
	if err != nil {
		return err
	}
	defer held.Close() //nolint:errcheck // nobody was let in
	dir := c.Data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "yagura-demo-"); err != nil {
			return usage("%w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	tuneFill(env)
	profile, err := startProfiles(env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, profile()) }()
	s := &screen{w: env.stderr}
	began := env.now()
	d, err := app.NewDemo(app.DemoOptions{Dir: dir, Listen: held.Addr().String(), Seed: c.Seed, End: began, Version: version(), Progress: progressOf(env, s, ja)})
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
	if d.Found == app.DemoInterrupted {
		s.line(fmt.Sprintf(in(ja, "the demo in %s had not been filled to its end: it is made anew", "%s のデモは途中までしか作られていないため、作り直します"), dir))
	}
	if d.Found == app.DemoFilledBefore {
		s.line(fmt.Sprintf(in(ja, "the demo in %s goes on (its week ended on %s; remove the folder to begin a new one)", "%s のデモを続けます (1 週間の終わりは %s。新しく始めるにはフォルダーを削除してください)"), dir, inTokyo(d.End(), ja)))
	} else {
		s.line(in(ja, "a week in the clouds of a shop that does not exist, through the pipeline that your logs would take:", "実在しない店のクラウドの 1 週間を、本番のログと同じパイプラインで再生します:"))
	}
	err = d.Fill(env.ctx)
	s.close()
	if err != nil && env.ctx.Err() != nil {
		err := errors.Join(log.Close(), d.Discard())
		return &exitError{exitInterrupted, errors.Join(errors.New(in(ja, "interrupted: nothing of the demo is left", "中断しました。デモは何も残っていません")), err)}
	}
	if err != nil {
		return err
	}
	if f := d.Filled; d.Found != app.DemoFilledBefore {
		s.line(fmt.Sprintf(in(ja, "  %s events in %d files, %d findings, %d issues, in %s", "  イベント %s 件 (%d ファイル)、検出結果 %d 件、課題 %d 件、所要 %s"), thousands(uint64(f.Records)), f.Files, f.Findings, f.Issues, env.now().Sub(began).Round(100*time.Millisecond))) //nolint:gosec // a count
		for _, m := range f.Missed {
			s.line(in(ja, "  something that people did found no issue: ", "  対応する課題のない操作: ") + m)
		}
	}
	if err := held.Close(); err != nil {
		return err
	}
	tuneServe(env)
	return c.serve(env, d, s, ja)
}

// serve shows a filled demo until it is interrupted.
func (c *demoCmd) serve(env *environment, d *app.Demo, s *screen, ja bool) error {
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
	if env.getenv("SSH_CONNECTION") != "" {
		s.line(fmt.Sprintf(in(ja, "from the machine in front of you, after: ssh -L %[1]s:%[1]s THIS-MACHINE", "手元のマシンで開くには、先に: ssh -L %[1]s:%[1]s このマシン"), serve.Addr()))
	}
	s.line(fmt.Sprintf(in(ja, "beside it: yagura issue list --config %s", "コマンドラインからも使えます: yagura issue list --config %s"), d.Config()))
	if c.Data == "" {
		s.line(in(ja, "Ctrl-C ends it and removes everything", "Ctrl-C で終了し、すべて削除します"))
	} else {
		s.line(fmt.Sprintf(in(ja, "Ctrl-C ends it; yagura demo --data %s goes on with it", "Ctrl-C で終了します (yagura demo --data %s で続きから始められます)"), c.Data))
	}
	if !c.NoBrowser && isTerminal(env.stdout) {
		openBrowser(ctx, env, "http://"+serve.Addr()+link)
	}
	err = serve.Run(ctx)
	cancel()
	return errors.Join(err, <-live)
}

// listen listens where the console will: at what was asked for, or at the first port that is
// free.
func (c *demoCmd) listen() (net.Listener, error) {
	if c.Listen != "" {
		host, port, err := net.SplitHostPort(c.Listen)
		if err != nil {
			return nil, usage("--listen: %w (hint: 127.0.0.1:8720)", err)
		}
		if host == "localhost" {
			host = demoHost
		}
		if a, err := netip.ParseAddr(host); err != nil || !a.IsLoopback() {
			return nil, usage("--listen: %s is not this machine alone: whoever opens the demo is its admin (hint: 127.0.0.1:8720)", c.Listen)
		}
		l, err := net.Listen("tcp", net.JoinHostPort(host, port))
		if err != nil {
			return nil, usage("--listen: %w (hint: without --listen the first free port from %d on is taken)", err, demoPort)
		}
		return l, nil
	}
	for port := demoPort; port < demoPort+demoPorts; port++ {
		if l, err := net.Listen("tcp", net.JoinHostPort(demoHost, strconv.Itoa(port))); err == nil {
			return l, nil
		}
	}
	return nil, usage("no port from %d to %d is free (hint: name one with --listen)", demoPort, demoPort+demoPorts-1)
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
		s.show(fmt.Sprintf("  [%s] %3d %%  %s", bar, 100*done/max(all, 1), inTokyo(at, ja)))
	}
}

// inTokyo writes a time as the people of the demo do.
func inTokyo(at time.Time, ja bool) string {
	return at.In(time.FixedZone("JST", 9*60*60)).Format(in(ja, "Mon 2 Jan 15:04 JST", "1 月 2 日 15:04 JST"))
}

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
