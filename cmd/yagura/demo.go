package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/demo"
	"github.com/yagura-sec/yagura/report"
)

type demoCmd struct {
	Listen    string `placeholder:"ADDR" help:"Address of the console, on this machine alone; without it 127.0.0.1:8720, or the next port that is free."`
	Data      string `placeholder:"DIR" help:"Keep the demo there, and go on with one that is there; without it a folder is made and removed at the end."`
	Seed      uint64 `default:"1" help:"Another number is another week."`
	NoBrowser bool   `help:"Do not open a browser."`
	Scan      bool   `help:"Scan the sample logs of one night in the terminal; so does a demo whose output is no terminal."`
	Lang      string `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language; without it, that of LANG."`
	Save      string `placeholder:"DIR" help:"Write the sample logs of that night there, and end."`
}

// Help is the text below the usage of demo.
func (demoCmd) Help() string {
	return `
Fills a console with a week of a company that does not exist: 160,000 events of AWS, Entra ID, Microsoft 365, Google Cloud, Kubernetes and GitHub, four break-ins among ordinary work, and what its people did about them. It goes through the pipeline that your logs would go through, on storage of its own, and goes on until it is interrupted. docs/demo.md is a walk through it.

With --scan: one night of sample logs, judged in the terminal.

Examples:

    yagura demo
    yagura demo --data ./demo --listen 127.0.0.1:9000
    yagura demo --scan --lang ja
    yagura demo --save logs/ && yagura scan --format jsonl logs/ | jq .rule.title
` + exitHelp
}

// Run shows the demo.
func (c *demoCmd) Run(env *environment) error {
	switch {
	case c.Save != "":
		return c.save(env)
	case c.Scan, c.Listen == "" && c.Data == "" && !isTerminal(env.stdout):
		return c.scan(env)
	}
	return c.console(env)
}

// scan scans the sample logs.
func (c *demoCmd) scan(env *environment) error {
	ja := env.japanese(c.Lang, "")
	s := &screen{w: env.stderr}
	rules, _, err := loadRules(ruleFlags{}, &config.Config{}, s, ja)
	if err != nil {
		return err
	}
	w, err := report.New("table", env.stdout, env.reportOptions(rules, &config.Config{}, ja, true, env.stdout))
	if err != nil {
		return err
	}
	scan, err := app.NewScan(rules, app.ScanOptions{Problem: func(err error) { s.line("yagura: " + report.Escape(err.Error())) }, Now: env.now})
	if err != nil {
		return err
	}
	s.line(in(ja, "one night in the logs of a small shop, judged by the shipped detections:", "ある小さな店の一夜のログを、同梱の検知ルールで調べます:"))
	sum, err := scan.Run(env.ctx, w, app.Embedded(demo.Logs()))
	if err != nil {
		return err
	}
	s.line("")
	printSummary(s, sum, rules, ja)
	s.line(in(ja, demoNext, demoNextJapanese))
	return verdict(sum, 0, ja)
}

const demoNext = `
what happened: a password is guessed in Entra ID at 14:26, multi-factor sign-in is switched off, the key of an AWS user makes an administrator at 15:06, the trail falls silent, secrets and invoices leave, Google Cloud is opened
next:
  yagura scan your-logs/                              your own logs, the same rules
  yagura scan --rules your-rules/ your-logs/          Sigma and Falco rules as they are
  yagura rule explain "CloudTrail logging disabled"   what a rule asks, in words
  yagura demo --save logs/                            these logs as files`

const demoNextJapanese = `
何が起きたか: 14:26 に Entra ID のパスワードが破られ、多要素認証が無効にされ、15:06 に盗まれた AWS のキーで管理者が作られ、証跡が止められ、シークレットと請求書が持ち出され、Google Cloud も外部に開放されました
次に試すこと:
  yagura scan your-logs/                              手元のログを同じルールで調べる
  yagura scan --rules your-rules/ your-logs/          Sigma と Falco のルールをそのまま使う
  yagura rule explain "CloudTrail logging disabled"   ルールの条件を言葉で表示する
  yagura demo --save logs/                            このログをファイルとして書き出す`

func (c *demoCmd) save(env *environment) error {
	if err := os.MkdirAll(c.Save, 0o755); err != nil { //nolint:gosec // invented logs, for everybody
		return usage("--save: %w", err)
	}
	entries, err := fs.ReadDir(demo.Logs(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		data, err := fs.ReadFile(demo.Logs(), e.Name())
		if err != nil {
			return err
		}
		name := filepath.Join(c.Save, e.Name())
		if err := os.WriteFile(name, data, 0o644); err != nil { //nolint:gosec // likewise
			return usage("--save: %w", err)
		}
		fmt.Fprintln(env.stdout, name)
	}
	return nil
}
