package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/store"
)

type lakeCompactCmd struct {
	lakeFlags
	Now    bool     `help:"Also what came within the last hour."`
	Type   []string `placeholder:"LOGTYPE" help:"Only this log type, such as aws.cloudtrail; may be repeated."`
	Quiet  bool     `short:"q" help:"No progress and no summary."`
	Memory int64    `default:"512" placeholder:"MB" help:"Megabytes of records that become one file, all of which are in memory meanwhile."`
}

// Help is the text below the usage of lake compact.
func (lakeCompactCmd) Help() string {
	return `
Makes few sorted files of the many that a day is written as: they are smaller, and hunts read less of them. A server does so by itself. It may run beside a server, and may be interrupted: files are replaced whole, one after the other.
`
}

// Run compacts.
func (c *lakeCompactCmd) Run(env *environment) (err error) {
	if c.Memory < 1 || c.Memory > 64<<10 {
		return usage("--memory: %d is not 1 to 65536 megabytes", c.Memory)
	}
	cfg, b, ja, err := c.open(env, store.Shared)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.DB.Close()) }()
	s := &screen{w: env.stderr}
	o, err := app.CompactOptions(env.ctx, cfg, b.DB, "compact/"+b.DB.Replica(), env.now)
	if err != nil {
		return err
	}
	o.Bytes, o.Formats = c.Memory<<20, c.Type
	if c.Now {
		o.Settled = -1
	}
	if f, ok := env.stderr.(*os.File); ok && !c.Quiet && isTerminal(f) {
		o.Progress = func(st lake.CompactStats) {
			s.line(fmt.Sprintf(in(ja, "%d files became %d, %d to go", "%d ファイルを %d 個にまとめました。残り %d 個"), st.Files, st.Into, st.Pending))
		}
	}
	k, err := lake.NewCompactor(o)
	if err != nil {
		return err
	}
	if err := k.Clean(env.ctx); err != nil {
		return err
	}
	st, err := k.Run(env.ctx)
	if !c.Quiet {
		s.line(fmt.Sprintf(in(ja, "%d files of %d days became %d: %s became %s", "%[2]d 日分の %[1]d ファイルを %[3]d 個にまとめました: %[4]s → %[5]s"),
			st.Files, st.Partitions, st.Into, bytesText(st.Before), bytesText(st.After)))
	}
	if env.ctx.Err() != nil {
		return &exitError{code: exitInterrupted}
	}
	if err != nil {
		return errors.New(report.Escape(err.Error()))
	}
	return nil
}
