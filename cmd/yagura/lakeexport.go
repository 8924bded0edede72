package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/store"
)

type lakeExportCmd struct {
	lakeFlags
	Type   []string `placeholder:"LOGTYPE" help:"Only this log type, such as aws.cloudtrail; may be repeated."`
	From   string   `placeholder:"TIME" help:"Earliest event time: 2026-05-01, 36h or 7d."`
	To     string   `placeholder:"TIME" help:"End of the time range, itself not in it."`
	As     string   `enum:"ndjson,parquet" default:"ndjson" help:"ndjson: the records as they were received, one a line. parquet: copies of the files that have them."`
	Output string   `short:"o" placeholder:"PATH" help:"File for ndjson, without it standard output; a folder for parquet."`
	Quiet  bool     `short:"q" help:"No summary."`
}

// Help is the text below the usage of lake export.
func (lakeExportCmd) Help() string {
	return `
Columns as CSV come from a hunt: yagura hunt --format csv 'SELECT … FROM events'.

Examples:

    yagura lake export --type aws.cloudtrail --from 2026-05-01 --to 2026-05-02 | gzip > day.json.gz
    yagura lake export --as parquet -o copy --from 30d
`
}

// Run exports.
func (c *lakeExportCmd) Run(env *environment) (err error) {
	cfg, b, ja, err := c.open(env, store.ReadOnly)
	if err != nil {
		return err
	}
	defer b.DB.Close() //nolint:errcheck // it was only read
	now := env.now()
	f := lake.Filter{Formats: c.Type}
	if f.From, err = parseWhen("--from", c.From, now); err != nil {
		return err
	}
	if f.To, err = parseWhen("--to", c.To, now); err != nil {
		return err
	}
	catalogue, blobs, err := app.LakeCatalogue(env.ctx, cfg, b.DB, false)
	if err != nil {
		return err
	}
	var records, files int64
	if c.As == "parquet" {
		if c.Output == "" {
			return usage("--as parquet: name a folder with --output")
		}
		files, records, err = c.files(env, catalogue, blobs, f)
	} else {
		records, err = c.lines(env, lake.NewReader(catalogue, blobs), f)
	}
	if env.ctx.Err() != nil {
		return &exitError{code: exitInterrupted}
	}
	if err != nil {
		return err
	}
	if !c.Quiet {
		s := &screen{w: env.stderr}
		if c.As == "parquet" {
			s.line(fmt.Sprintf(in(ja, "%s files with %s records", "%s ファイル、%s 件"), thousands(uint64(2*files)), thousands(uint64(records))))
		} else {
			s.line(fmt.Sprintf(in(ja, "%s records", "%s 件"), thousands(uint64(records))))
		}
	}
	return nil
}

// lines writes records, one a line. A file that cannot be read is said and ends nothing; the
// exit code tells.
func (c *lakeExportCmd) lines(env *environment, r *lake.Reader, f lake.Filter) (n int64, err error) {
	out, closeOut, err := env.output(c.Output)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closeOut()) }()
	var line bytes.Buffer
	var failed error
	for e, err := range r.All(env.ctx, f) {
		if err != nil {
			failed = errors.Join(failed, errors.New(report.Escape(err.Error())))
			continue
		}
		line.Reset()
		if bytes.IndexByte(e.Raw, '\n') < 0 || json.Compact(&line, e.Raw) != nil {
			line.Reset()
			line.Write(e.Raw)
		}
		line.WriteByte('\n')
		if _, err := out.Write(line.Bytes()); err != nil {
			return n, err
		}
		n++
	}
	return n, failed
}

// files copies the halves of files, under the names that they have in the lake.
func (c *lakeExportCmd) files(env *environment, catalogue lake.Catalogue, blobs lake.Blobs, f lake.Filter) (files, rows int64, err error) {
	list, err := catalogue.Files(env.ctx, f)
	if err != nil {
		return 0, 0, err
	}
	to := lake.Disk(c.Output)
	for i := range list {
		for _, name := range []string{list[i].Head, list[i].Raw} {
			if err := env.ctx.Err(); err != nil {
				return files, rows, err
			}
			if _, err := os.Lstat(filepath.Join(c.Output, filepath.FromSlash(name))); err == nil {
				continue // an export that is begun again goes on
			}
			in, err := blobs.Get(env.ctx, name)
			if err != nil {
				return files, rows, err
			}
			data := make([]byte, in.Size())
			_, err = io.ReadFull(io.NewSectionReader(in, 0, in.Size()), data)
			if err = errors.Join(err, in.Close()); err != nil {
				return files, rows, fmt.Errorf("%s: %w", name, err)
			}
			if err := to.Put(env.ctx, name, data); err != nil {
				return files, rows, err
			}
		}
		files, rows = files+1, rows+list[i].Rows
	}
	return files, rows, nil
}
