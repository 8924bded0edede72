package main

import (
	"errors"
	"fmt"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/lake/iceberg"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/store"
)

type lakeIcebergCmd struct {
	lakeFlags
	Place string `placeholder:"PLACE" help:"Where the lake is, as engines spell it: s3://bucket/prefix, gs://bucket/prefix, abfss://… or a folder; without it, where the configuration has it."`
	Quiet bool   `short:"q" help:"Print the metadata files alone."`
}

// Help is the text below the usage of lake iceberg.
func (lakeIcebergCmd) Help() string {
	return `
Publishes the live files of the lake as two Apache Iceberg tables, head and raw, and prints the metadata file of each. Only metadata is written, beside the files: head/metadata and raw/metadata. A snapshot is added where something changed since the last time. It may run beside a server, which does the same by itself with lake.iceberg.

Example:

    yagura lake iceberg --config yagura.yaml
`
}

// Run publishes.
func (c *lakeIcebergCmd) Run(env *environment) (err error) {
	cfg, b, ja, err := c.open(env, store.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.DB.Close()) }()
	tables, err := app.PublishIceberg(env.ctx, cfg, b.DB, c.Place, env.now)
	s := &screen{w: env.stderr}
	for _, t := range tables {
		if !c.Quiet {
			s.line(fmt.Sprintf(in(ja, "%s: version %d: %s files with %s records, %d added, %d removed", "%s: バージョン %d: %s ファイル %s 件、追加 %d、削除 %d"),
				t.Name, t.Version, thousands(uint64(t.Files)), thousands(uint64(t.Rows)), t.Added, t.Removed))
		}
		fmt.Fprintln(env.stdout, report.Escape(t.Metadata))
	}
	if env.ctx.Err() != nil {
		return &exitError{code: exitInterrupted}
	}
	if errors.Is(err, iceberg.ErrConcurrent) {
		return fmt.Errorf("%w (hint: run it again)", err)
	}
	return err
}
