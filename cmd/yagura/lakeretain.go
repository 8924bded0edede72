package main

import (
	"errors"
	"fmt"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/store"
)

type lakeRetainCmd struct {
	lakeFlags
	DryRun bool `help:"Say what would go, and change nothing."`
	Quiet  bool `short:"q" help:"No table and no summary."`
}

// Help is the text below the usage of lake retain.
func (lakeRetainCmd) Help() string {
	return `
Drops what the configuration (keep, lake.retention, lake.holds) does not ask to be kept any more: whole files where all of them is due, and others are written anew without what is due. A server does so by itself. It may run beside a server, and may be interrupted.

Examples:

    yagura lake retain --config yagura.yaml --dry-run
`
}

// Run drops what is due, or says what is.
func (c *lakeRetainCmd) Run(env *environment) (err error) {
	cfg, b, ja, err := c.open(env, store.Shared)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.DB.Close()) }()
	s := &screen{w: env.stderr}
	k, r, err := app.Retainer(env.ctx, cfg, b.DB, "retain/"+b.DB.Replica(), c.DryRun, env.now)
	if err != nil {
		return err
	}
	if k == nil {
		s.line(in(ja, "everything is kept for ever: no lake.retention, keep.age or keep.size is configured", "保存期間の設定 (lake.retention、keep.age、keep.size) がないため、すべて無期限に保存されます"))
		return nil
	}
	if !c.DryRun {
		if err := k.Clean(env.ctx); err != nil {
			return err
		}
	}
	done, err := k.Run(env.ctx, *r)
	if !c.Quiet {
		if len(done.Parts) > 0 {
			t := &columnWriter{w: env.stdout}
			fmt.Fprintln(t, in(ja, "LOG TYPE\tACCOUNT\tGO\tHEADER STAYS\tON HOLD", "ログ種別\tアカウント\t削除\tヘッダーのみ残す\t保全中"))
			for _, p := range done.Parts {
				account := report.Escape(p.Account)
				if account == "" {
					account = "-"
				}
				fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\n", report.Escape(p.Format), account, p.Gone, p.Bare, p.Held)
			}
			if err := t.Flush(); err != nil {
				return err
			}
		}
		text := in(ja, "%d files dropped, %d written anew, %s freed", "%d ファイルを削除し、%d ファイルを書き直しました。空いた容量 %s")
		if c.DryRun {
			text = in(ja, "%d files would be dropped (%[3]s), %[2]d written anew; nothing was changed", "%d ファイル (%[3]s) が削除され、%[2]d ファイルが書き直されます。変更はしていません")
		}
		s.line(fmt.Sprintf(text, len(done.Dropped), done.Rewritten, bytesText(done.Freed)))
		if done.Copies.Copies > 0 {
			s.line(fmt.Sprintf(in(ja, "no record is left of %d originals: their copies (%s) go once they are a day old", "レコードがすべてなくなった原本 %d 件の写し (%s) は、受信から 1 日以上経っていれば削除されます"), done.Copies.Copies, bytesText(done.Copies.Bytes)))
		}
	}
	if env.ctx.Err() != nil {
		return &exitError{code: exitInterrupted}
	}
	if err != nil {
		return errors.New(report.Escape(err.Error()))
	}
	return nil
}
