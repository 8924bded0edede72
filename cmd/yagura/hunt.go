package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sentinel"
	"github.com/yagura-sec/yagura/store"
)

type huntCmd struct {
	Ask    huntAskCmd    `cmd:"" default:"withargs" help:"Ask a question: a query, a file that has one, or the name of a saved hunt. This is what yagura hunt alone does."`
	Run_   huntAskCmd    `cmd:"" name:"run" help:"The same, for the name of a saved hunt."`
	Save   huntSaveCmd   `cmd:"" help:"Save a query under a name."`
	List   huntListCmd   `cmd:"" help:"List saved hunts: those that come with the program, and your own."`
	Show   huntShowCmd   `cmd:"" help:"Print a saved hunt as a file."`
	Delete huntDeleteCmd `cmd:"" help:"Delete a hunt of your own."`
	Tables huntTablesCmd `cmd:"" help:"List the tables, or the columns of one."`
}

// huntFlags say where the lake is.
type huntFlags struct {
	Config string `placeholder:"FILE" env:"YAGURA_CONFIG" help:"Configuration of the server: docs/configuration.md has every key."`
	Data   string `placeholder:"DIR" help:"Data folder, where there is no configuration; the lake is in it."`
	Lake   string `placeholder:"DIR" help:"Folder of the lake's files, where it is not the folder lake of the data folder."`
	Lang   string `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language of tables and messages; without it, that of LANG."`
}

// load reads the configuration.
func (f *huntFlags) load(env *environment) (*config.Config, bool, error) {
	cfg, err := config.Load(f.Config, env.environ)
	if err != nil {
		return nil, false, err
	}
	if f.Data != "" {
		cfg.Data = f.Data
	}
	return cfg, env.japanese(f.Lang, cfg.Output.Lang), nil
}

// open opens what a hunt needs; the database is read only, so that a server may run beside.
func (f *huntFlags) open(env *environment, o app.HuntOptions) (*app.Hunting, *config.Config, bool, func(), error) {
	cfg, ja, err := f.load(env)
	if err != nil {
		return nil, nil, false, nil, err
	}
	b, closeBooks := (*app.Books)(nil), func() error { return nil }
	if cfg.Data != "" || cfg.Store != "" { // a query that asks for no table needs no lake
		if b, err = app.OpenBooks(env.ctx, cfg, store.ReadOnly, env.now); err != nil {
			return nil, nil, false, nil, err
		}
		closeBooks = b.DB.Close
	}
	o.Lake = f.Lake
	h, err := app.OpenHunting(env.ctx, cfg, b, o, env.now)
	if err != nil {
		_ = closeBooks()
		return nil, nil, false, nil, err
	}
	return h, cfg, ja, func() {
		if err := errors.Join(h.Close(), closeBooks()); err != nil {
			env.complain(err)
		}
	}, nil
}

type huntAskCmd struct {
	huntFlags
	KQL     bool              `help:"The query is KQL. Without --kql and --sql it is looked at."`
	SQL     bool              `help:"The query is SQL."`
	From    string            `placeholder:"TIME" help:"Earliest event time: 2026-05-01, 2026-05-01T12:00:00Z, or 7d for seven days before --to. Without it 30 days, or what the query says."`
	To      string            `placeholder:"TIME" help:"End of the time range, itself not in it; without it, --now."`
	Now     string            `placeholder:"TIME" help:"Ask as of this time: what now() and ago() count from. Without it, the clock."`
	Limit   int               `default:"10000" help:"Most rows of the result."`
	Format  string            `enum:",table,jsonl,csv,chart" default:"" placeholder:"table|jsonl|csv|chart" help:"Form of the result; without it a table, or a chart where the query says render."`
	Param   map[string]string `placeholder:"NAME=VALUE" mapsep:"none" help:"Value of a parameter; may be repeated."`
	Explain bool              `help:"Print the SQL that would run, and ask nothing."`
	Timeout time.Duration     `default:"60s" help:"Longest time of the query."`
	Threads int               `placeholder:"N" help:"Processors to use; without it all, at most 8."`
	Memory  string            `default:"1GB" help:"Most memory of the engine, such as 512MB or 4GB."`
	Quiet   bool              `short:"q" help:"Say nothing of cost on standard error."`
	Query   []string          `arg:"" help:"The query, a file (.kql, .sql, .yaml), - for standard input, or the name of a saved hunt."`
}

// Help is the text below the usage of hunt.
func (huntAskCmd) Help() string {
	return `
Asks the lake a question in SQL or in KQL, beside a running server or without one. The result goes to standard output, what it cost to standard error. Ctrl-C ends the query.

Examples:

    yagura hunt "SELECT action, count(*) AS n FROM events GROUP BY action ORDER BY n DESC LIMIT 10"
    yagura hunt 'AWSCloudTrail | where EventName == "ConsoleLogin" | summarize count() by SourceIpAddress'
    yagura hunt --from 7d --param user=alice changes-by-person
    yagura hunt tables AWSCloudTrail
`
}

// asked is what was found to be asked.
type asked struct {
	text     string
	language hunt.Language
	last     time.Duration
	params   map[string]any
	file     string // where the text stands
	line     int    // the first line of it there
}

// Run asks.
func (c *huntAskCmd) Run(env *environment) error {
	if err := app.HuntingEngine(); err != nil {
		return &exitError{exitUsage, err}
	}
	memory, err := bytesOf(c.Memory)
	if err != nil {
		return usage("--memory: %w", err)
	}
	if c.KQL && c.SQL {
		return usage("--kql and --sql: give one of them")
	}
	h, cfg, ja, done, err := c.open(env, app.HuntOptions{Threads: c.Threads, Memory: memory, Timeout: c.Timeout})
	if err != nil {
		return err
	}
	defer done()
	q, err := c.find(env, cfg)
	if err != nil {
		return err
	}
	r := hunt.Request{Language: q.language, Text: q.text, Last: q.last, Params: q.params, Limit: c.Limit, Timeout: c.Timeout}
	if r.Now, r.From, r.To, err = c.times(env.now()); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(env.ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if c.Explain {
		return c.explain(ctx, env, h, r, q)
	}
	if err := limitMemory(memory); err != nil {
		return err
	}
	res, err := h.Run(ctx, r)
	if err != nil {
		return c.say(env, ctx, err, q)
	}
	err = c.write(env, res, ja)
	if err == nil {
		err = res.Err()
	}
	if err != nil {
		_ = res.Close()
		return c.say(env, ctx, err, q)
	}
	if !c.Quiet {
		tellCost(env.stderr, res, ja)
	}
	return res.Close()
}

// find decides what the words on the command line are.
func (c *huntAskCmd) find(env *environment, cfg *config.Config) (*asked, error) {
	q := &asked{params: map[string]any{}}
	for name, v := range c.Param {
		q.params[name] = v
	}
	word := strings.Join(c.Query, " ")
	switch {
	case word == "-":
		data, err := io.ReadAll(io.LimitReader(env.stdin, 1<<20+1))
		if err != nil {
			return nil, err
		}
		q.text = string(data)
	case hunt.CheckName(word) == nil:
		s, err := app.SavedHunt(cfg, word)
		if err != nil {
			return nil, &exitError{exitUsage, err}
		}
		if s == nil {
			if _, statErr := os.Stat(word); statErr == nil {
				return c.file(q, word)
			}
			// One lower-case word may be a table's name.
			q.text = word
			break
		}
		return c.saved(q, s)
	case strings.HasSuffix(word, ".kql") || strings.HasSuffix(word, ".sql") || strings.HasSuffix(word, ".yaml") || strings.HasSuffix(word, ".yml"):
		return c.file(q, word)
	default:
		q.text = word
	}
	c.language(q)
	return q, nil
}

func (c *huntAskCmd) language(q *asked) {
	switch {
	case c.KQL:
		q.language = hunt.KQL
	case c.SQL:
		q.language = hunt.SQL
	case q.language == "":
		q.language = hunt.Guess(q.text)
	}
}

func (c *huntAskCmd) file(q *asked, path string) (*asked, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, usage("%w", err)
	}
	if info.Size() > 1<<20 {
		return nil, usage("%s has %d bytes, the limit is %d", path, info.Size(), 1<<20)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, usage("%w", err)
	}
	switch ext := filepath.Ext(path); ext {
	case ".yaml", ".yml":
		s, err := hunt.Read(path, data)
		if err == nil {
			return c.saved(q, s)
		}
		// The file of a rule on a schedule, or of one of Sentinel's hunting queries, is asked by its
		// query, over the time that it looks back.
		rules, refusals := sentinel.Load([]rule.File{{Path: path, Data: data}}, sentinel.Options{})
		if len(rules) != 1 || len(refusals) > 0 {
			return nil, &exitError{exitUsage, err}
		}
		q.text, q.language = rules[0].Query, hunt.Language(rules[0].Language)
		if sch := rules[0].Schedule; sch != nil {
			q.last = sch.Period
		}
		return q, nil
	case ".kql":
		q.language = hunt.KQL
	case ".sql":
		q.language = hunt.SQL
	}
	q.text, q.file, q.line = strings.TrimPrefix(string(data), "\ufeff"), path, 1
	c.language(q)
	return q, nil
}

func (c *huntAskCmd) saved(q *asked, s *hunt.Saved) (*asked, error) {
	params, err := s.Bind(c.Param)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	q.text, q.language, q.last, q.params, q.file, q.line = s.Query, s.Language, s.Range, params, s.File, s.Line
	return q, nil
}

// times reads the flags that are times.
func (c *huntAskCmd) times(clock time.Time) (now, from, to time.Time, err error) {
	now = clock
	if c.Now != "" {
		if now, err = timeOf(c.Now, clock); err != nil {
			return now, from, to, usage("--now: %w", err)
		}
	}
	end := now
	if c.To != "" {
		if to, err = timeOf(c.To, now); err != nil {
			return now, from, to, usage("--to: %w", err)
		}
		end = to
	}
	if c.From != "" {
		if from, err = timeOf(c.From, end); err != nil {
			return now, from, to, usage("--from: %w", err)
		}
	}
	return now, from, to, nil
}

// timeOf reads a time, or a span before another.
func timeOf(text string, before time.Time) (time.Time, error) {
	if d, err := hunt.ParseSpan(text); err == nil {
		return before.Add(-d), nil
	}
	v, err := hunt.Parameter{Type: "datetime"}.Value(text)
	if err != nil {
		return time.Time{}, err
	}
	return v.(time.Time), nil
}

// bytesOf reads a size.
func bytesOf(text string) (int64, error) {
	var n float64
	var unit string
	if _, err := fmt.Sscanf(strings.ToUpper(text), "%f%s", &n, &unit); err != nil || n <= 0 {
		return 0, fmt.Errorf("%q is no size (hint: 512MB or 4GB)", text)
	}
	per, ok := map[string]float64{"MB": 1 << 20, "GB": 1 << 30, "M": 1 << 20, "G": 1 << 30, "MIB": 1 << 20, "GIB": 1 << 30}[unit]
	if !ok || n*per < 64<<20 {
		return 0, fmt.Errorf("%q is no size (hint: 512MB or 4GB, at least 64MB)", text)
	}
	return int64(n * per), nil
}

func (c *huntAskCmd) explain(ctx context.Context, env *environment, h *app.Hunting, r hunt.Request, q *asked) error {
	p, err := h.Plan(ctx, r)
	if err != nil {
		return c.say(env, ctx, err, q)
	}
	for _, v := range p.Query.Views {
		fmt.Fprintf(env.stdout, "CREATE TEMP VIEW \"%s\" AS\n%s;\n\n", report.Escape(v.Name), shortened(v.SQL))
	}
	_, err = fmt.Fprintln(env.stdout, strings.TrimRight(p.Query.SQL, "; \n")+";")
	return err
}

// shortened leaves all but the first files of long lists out.
func shortened(sql string) string {
	const some = 3
	var b strings.Builder
	for {
		head, rest, ok := strings.Cut(sql, "read_parquet([")
		b.WriteString(head)
		if !ok {
			return b.String()
		}
		list, rest, _ := strings.Cut(rest, "])")
		files := strings.Split(list, ", ")
		if len(files) > some {
			list = strings.Join(files[:some], ", ") + fmt.Sprintf(" /* and %d more */", len(files)-some)
		}
		b.WriteString("read_parquet([" + list + "])")
		sql = rest
	}
}

// say prints what is wrong with a question, with the line and a caret below its place.
func (c *huntAskCmd) say(env *environment, ctx context.Context, err error, q *asked) error {
	if ctx.Err() != nil {
		return &exitError{exitInterrupted, errors.New("ended")}
	}
	var e *hunt.Error
	if !errors.As(err, &e) {
		return err
	}
	where := ""
	if e.Line > 0 {
		where = fmt.Sprintf("%d:%d: ", e.Line, e.Col)
		if q.file != "" {
			where = fmt.Sprintf("%s:%d:%d: ", report.Escape(q.file), q.line+e.Line-1, e.Col)
		}
	}
	fmt.Fprintf(env.stderr, "yagura: %s%s\n", where, report.Escape(e.Message))
	if lines := strings.Split(q.text, "\n"); e.Line > 0 && e.Line <= len(lines) {
		line := []rune(lines[e.Line-1])
		at := min(max(e.Col-1, 0), len(line))
		begin := max(0, at-60)
		end := min(len(line), begin+100)
		shown := report.Escape(strings.ReplaceAll(string(line[begin:end]), "\t", " "))
		pad := report.Width(report.Escape(strings.ReplaceAll(string(line[begin:at]), "\t", " ")))
		fmt.Fprintf(env.stderr, "    %s\n    %s^\n", shown, strings.Repeat(" ", pad))
	}
	if e.Hint != "" {
		fmt.Fprintf(env.stderr, "yagura: hint: %s\n", report.Escape(e.Hint))
	}
	return &exitError{code: exitUsage}
}

// tellCost says what a question cost and which limits it met.
func tellCost(w io.Writer, r *hunt.Result, ja bool) {
	s := r.Stats()
	defaulted := ""
	if s.Range.Defaulted {
		defaulted = in(ja, " (default)", " (既定)")
	}
	fmt.Fprintf(w, in(ja, "%d rows in %s; scanned %s rows, %s of %d files (%s); %s … %s%s\n", "%d 行, %s; 走査 %s 行, %s, %d ファイル (%s); %s … %s%s\n"),
		s.Rows, s.Time.Round(time.Millisecond), thousands(uint64(s.RowsScanned)), sizeWord(s.BytesScanned), s.Files, sizeWord(s.FileBytes),
		s.Range.From.Format(time.RFC3339), s.Range.To.Format(time.RFC3339), defaulted)
	if len(s.Missing) > 0 {
		fmt.Fprintf(w, in(ja, "the union left out tables that are not there: %s\n", "存在しないテーブルを union から除外しました: %s\n"), report.Escape(strings.Join(s.Missing, ", ")))
	}
	switch s.Limit {
	case "rows":
		fmt.Fprintln(w, in(ja, "there are more rows: --limit cut the result", "これより多くの行があります: --limit で打ち切りました"))
	case "bytes":
		fmt.Fprintln(w, in(ja, "there are more rows: the result was cut at its limit of bytes", "これより多くの行があります: 結果のバイト数の上限で打ち切りました"))
	}
}

func sizeWord(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
