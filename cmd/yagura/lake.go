package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/store"
)

type lakeCmd struct {
	Import    lakeImportCmd    `cmd:"" help:"Bring logs of files, folders and buckets into the lake."`
	Stats     lakeStatsCmd     `cmd:"" help:"Say what the lake holds, by log type and day."`
	DDL       lakeDDLCmd       `cmd:"" name:"ddl" help:"Print how other engines read the lake: Athena, Trino, ClickHouse, BigQuery, DuckDB."`
	Iceberg   lakeIcebergCmd   `cmd:"" help:"Publish the lake as Apache Iceberg tables, for engines that know them."`
	Compact   lakeCompactCmd   `cmd:"" help:"Make few sorted files of many small ones."`
	Retain    lakeRetainCmd    `cmd:"" help:"Drop what need not be kept any more, or say what would go."`
	Export    lakeExportCmd    `cmd:"" help:"Write records out: as lines, or as copies of their files."`
	Originals lakeOriginalsCmd `cmd:"" help:"Say which files are originals of what is in the lake, and get copies of originals back."`
	Verify    lakeVerifyCmd    `cmd:"" help:"Prove that what is kept is what was received."`
}

// lakeFlags say which lake.
type lakeFlags struct {
	Config string `placeholder:"FILE" env:"YAGURA_CONFIG" help:"Configuration of the server: docs/configuration.md has every key."`
	Data   string `placeholder:"DIR" help:"Data folder, where there is no configuration; the lake is in it."`
	Lang   string `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language of tables and messages; without it, that of LANG."`
}

// open opens the database that has the catalogue.
func (f *lakeFlags) open(env *environment, mode store.Mode) (*config.Config, *app.Books, bool, error) {
	cfg, err := config.Load(f.Config, env.environ)
	if err != nil {
		return nil, nil, false, err
	}
	if f.Data != "" {
		cfg.Data = f.Data
	}
	if cfg.Data != "" && mode == store.Shared {
		if err := f.prepare(env, cfg); err != nil {
			return nil, nil, false, err
		}
	}
	b, err := app.OpenBooks(env.ctx, cfg, mode, env.now)
	return cfg, b, env.japanese(f.Lang, cfg.Output.Lang), err
}

// prepare makes the data folder and its database where there are none: a lake needs no server.
func (f *lakeFlags) prepare(env *environment, cfg *config.Config) error {
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return err
	}
	if cfg.Store != "" {
		return nil // the database is elsewhere
	}
	if _, err := os.Stat(filepath.Join(cfg.Data, store.FileName)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	b, err := app.OpenBooks(env.ctx, cfg, store.Serve, env.now)
	if errors.Is(err, store.ErrServed) {
		return nil // a server makes it at the moment
	}
	if err != nil {
		return err
	}
	return b.DB.Close()
}

type lakeImportCmd struct {
	lakeFlags
	Mapping   []string `placeholder:"FILE" sep:"none" help:"Describes a further JSON log type; may be repeated."`
	Since     string   `placeholder:"TIME" help:"Leave out files that were written before: 2026-03-14, 36h or 7d."`
	Workers   int      `placeholder:"N" help:"Files that are read at once; without it one per processor."`
	Again     bool     `help:"Read also what an import has read before; records that are there stay as they are."`
	Originals bool     `help:"Keep a copy of each file and object as it is, also where the configuration (lake.originals) does not say so."`
	Quiet     bool     `short:"q" help:"No progress and no summary; what goes wrong is still said."`
	Paths     []string `arg:"" name:"path" help:"Files, folders, - for standard input, or s3://bucket/prefix."`
}

// Help is the text below the usage of lake import.
func (lakeImportCmd) Help() string {
	return `
Logs are recognised by content, as scan does. Records that are in the lake already are left out and counted. An import that was interrupted goes on when it is begun again: files that are in the lake with all their records are passed over. It may run beside a server.

Examples:

    yagura lake import --data /var/lib/yagura s3://org-trail/AWSLogs/
    yagura lake import --data ./d trail/ && yagura lake stats --data ./d
`
}

// Run imports.
func (c *lakeImportCmd) Run(env *environment) (err error) {
	since, err := parseSince(c.Since, env.now())
	if err != nil {
		return err
	}
	if c.Workers < 0 || c.Workers > config.MaxWorkers {
		return usage("--workers: %d is not 0 (one per processor) to %d", c.Workers, config.MaxWorkers)
	}
	cfg, b, ja, err := c.open(env, store.Shared)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.DB.Close()) }()
	lock, err := store.LockFile(filepath.Join(cfg.Data, "lake-import.lock"))
	if errors.Is(err, store.ErrServed) {
		return &exitError{exitUsage, errors.New(in(ja, "another import into this lake is running", "このレイクへの別のインポートが実行中です"))}
	}
	if err != nil {
		return err
	}
	defer lock.Close() //nolint:errcheck // closing gives the lock free
	formats, err := app.LoadMappings(append(cfg.Mappings, c.Mapping...))
	if err != nil {
		return &exitError{exitUsage, err}
	}
	l, err := app.OpenLake(env.ctx, cfg, b.DB, formats, env.now)
	if err != nil {
		return err
	}
	s := &screen{w: env.stderr}
	im, err := app.NewImport(l, l.Catalogue(), app.ImportOptions{Formats: formats, Workers: c.Workers, Again: c.Again, Originals: c.Originals || cfg.Lake.Originals, Now: env.now,
		Problem: func(err error) { s.line("yagura: " + report.Escape(err.Error())) }})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	tuneImport(env)
	profile, err := startProfiles(env)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if f, ok := env.stderr.(*os.File); ok && !c.Quiet && isTerminal(f) {
		s.watchProgress(im.Progress, terminalWidth(f), env.now, ja)
	}
	sum, err := im.Run(env.ctx, app.Sources(env.ctx, c.Paths, app.SourceOptions{Stdin: env.stdin, Since: since, S3: cfg.S3})...)
	s.close()
	if err = errors.Join(err, profile()); err != nil {
		return err
	}
	if !c.Quiet {
		printImport(s, sum, ja)
	}
	switch {
	case sum.Interrupted:
		return &exitError{code: exitInterrupted}
	case sum.Objects+sum.Skipped == 0:
		return &exitError{exitNothing, errors.New(in(ja, "nothing could be read", "読み込めるものがありませんでした"))}
	}
	return nil
}

// printImport says what an import came to.
func printImport(s *screen, sum *app.ImportSummary, ja bool) {
	seconds := max(sum.Elapsed.Seconds(), 0.001)
	l := sum.Lake
	s.line(fmt.Sprintf(in(ja, "%s records of %s files in %s (%s/s): %s new in %s lake files, %s repeats, %s broken; %s files were in the lake already, %s could not be read",
		"%[2]s ファイルの %[1]s 件を %[3]s で読み込みました (%[4]s 件/秒): 新規 %[5]s 件 (レイクのファイル %[6]s 個)、重複 %[7]s 件、破損 %[8]s 件。%[9]s ファイルは取り込み済み、%[10]s ファイルは読み込めませんでした"),
		thousands(uint64(sum.Records)), thousands(uint64(sum.Objects)), sum.Elapsed.Round(10*time.Millisecond), thousands(uint64(float64(sum.Records)/seconds)),
		thousands(uint64(l.Rows)), thousands(uint64(l.Files)), thousands(uint64(l.Repeats)), thousands(uint64(sum.Broken)),
		thousands(uint64(sum.Skipped)), thousands(uint64(sum.Unreadable))))
	s.line(fmt.Sprintf(in(ja, "%s of records became %s", "レコード %s を %s で保存しました"), bytesText(l.RawBytes), bytesText(l.Bytes)))
}

type lakeStatsCmd struct {
	lakeFlags
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// lakeTotals is the JSON form of lake stats.
type lakeTotals struct {
	Format    string    `json:"format"`
	Day       string    `json:"day"`
	Files     int64     `json:"files"`
	Rows      int64     `json:"rows"`
	Repeats   int64     `json:"repeats"`
	BytesIn   int64     `json:"bytes_in"`
	BytesHead int64     `json:"bytes_head"`
	BytesRaw  int64     `json:"bytes_raw"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	// BytesOriginals is of copies of originals, which have an entry of their own.
	BytesOriginals int64 `json:"bytes_originals,omitempty"`
	// Money, where the configuration has a price.
	MonthCost    *float64 `json:"month_cost,omitempty"`
	ReceivedCost *float64 `json:"received_cost,omitempty"`
	Currency     string   `json:"currency,omitempty"`
}

// copiesOfOriginals is in the place of a log type where copies of originals are summed up.
const copiesOfOriginals = "(originals)"

// lakeCost says what is kept, and what came in, in money.
type lakeCost struct{ config.LakePrice }

// month is what the files of a total cost in a month.
func (c lakeCost) month(t *yagura.LakeTotal) float64 {
	return float64(t.HeadSize+t.RawSize) / 1e9 * float64(c.Stored)
}

// received is what the records of a total cost once, when they came.
func (c lakeCost) received(t *yagura.LakeTotal) float64 {
	return float64(t.RawBytes) / 1e9 * float64(c.Received)
}

// headings are those of the columns that there is a price for.
func (c lakeCost) headings(ja bool) string {
	unit := ""
	if c.Currency != "" {
		unit = " (" + c.Currency + ")"
	}
	out := ""
	if c.Stored > 0 {
		out += "\t" + in(ja, "A MONTH", "月額") + unit
	}
	if c.Received > 0 {
		out += "\t" + in(ja, "RECEIVING", "受信費用") + unit
	}
	return out
}

// cells are the amounts of a total.
func (c lakeCost) cells(t *yagura.LakeTotal) string {
	out := ""
	if c.Stored > 0 {
		out += "\t" + moneyText(c.month(t))
	}
	if c.Received > 0 {
		out += "\t" + moneyText(c.received(t))
	}
	return out
}

// moneyText writes an amount so that a small one is not 0.
func moneyText(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 0.0001:
		return "<0.0001"
	case v < 1:
		return fmt.Sprintf("%.4f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// Run prints what the lake holds.
func (c *lakeStatsCmd) Run(env *environment) error {
	cfg, b, ja, err := c.open(env, store.ReadOnly)
	if err != nil {
		return err
	}
	defer b.DB.Close() //nolint:errcheck // it was only read
	catalogue, _, err := app.LakeCatalogue(env.ctx, cfg, b.DB, false)
	if err != nil {
		return err
	}
	list, err := catalogue.Totals(env.ctx)
	if err != nil {
		return err
	}
	copies, _, err := catalogue.CopyTotals(env.ctx)
	if err != nil {
		return err
	}
	cost := lakeCost{cfg.Lake.Price}
	if c.Format == "json" {
		out := []lakeTotals{}
		for i := range list {
			t := &list[i]
			one := lakeTotals{Format: t.Format, Day: t.Day, Files: t.Files, Rows: t.Rows, Repeats: t.Repeats, BytesIn: t.RawBytes,
				BytesHead: t.HeadSize, BytesRaw: t.RawSize, First: t.Min, Last: t.Max, Currency: cost.Currency}
			if cost.Stored > 0 {
				v := cost.month(t)
				one.MonthCost = &v
			}
			if cost.Received > 0 {
				v := cost.received(t)
				one.ReceivedCost = &v
			}
			out = append(out, one)
		}
		if copies.Copies > 0 {
			one := lakeTotals{Format: copiesOfOriginals, Files: copies.Copies, BytesOriginals: copies.Bytes, Currency: cost.Currency}
			if cost.Stored > 0 {
				v := cost.month(&yagura.LakeTotal{RawSize: copies.Bytes})
				one.MonthCost = &v
			}
			out = append(out, one)
		}
		enc := json.NewEncoder(env.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(out)
	}
	t := &columnWriter{w: env.stdout}
	fmt.Fprintln(t, in(ja, "LOG TYPE\tDAY\tFILES\tRECORDS\tREPEATS\tIN\tHEAD\tRAW", "ログ種別\t日\tファイル\tレコード\t重複\t元のサイズ\tヘッダー\t原文")+cost.headings(ja))
	var all yagura.LakeTotal
	for i := range list {
		x := &list[i]
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%s\t%s\t%s%s\n", report.Escape(x.Format), report.Escape(x.Day), x.Files, x.Rows, x.Repeats, bytesText(x.RawBytes), bytesText(x.HeadSize), bytesText(x.RawSize), cost.cells(x))
		all.Files, all.Rows, all.Repeats = all.Files+x.Files, all.Rows+x.Rows, all.Repeats+x.Repeats
		all.RawBytes, all.HeadSize, all.RawSize = all.RawBytes+x.RawBytes, all.HeadSize+x.HeadSize, all.RawSize+x.RawSize
	}
	if copies.Copies > 0 {
		x := yagura.LakeTotal{Files: copies.Copies, RawSize: copies.Bytes}
		fmt.Fprintf(t, "%s\t\t%d\t\t\t\t\t%s%s\n", in(ja, copiesOfOriginals, "(原本の写し)"), x.Files, bytesText(x.RawSize), cost.cells(&x))
		all.Files, all.RawSize = all.Files+x.Files, all.RawSize+x.RawSize
	}
	fmt.Fprintf(t, "%s\t\t%d\t%d\t%d\t%s\t%s\t%s%s\n", in(ja, "all", "合計"), all.Files, all.Rows, all.Repeats, bytesText(all.RawBytes), bytesText(all.HeadSize), bytesText(all.RawSize), cost.cells(&all))
	return t.Flush()
}
