package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/report"
)

type huntSaveCmd struct {
	huntFlags
	KQL       bool              `help:"The query is KQL."`
	SQL       bool              `help:"The query is SQL."`
	Title     string            `placeholder:"TEXT" help:"What it finds, in a few words."`
	Tactic    []string          `placeholder:"NAME" help:"Tactic of ATT&CK, such as initial-access; may be repeated."`
	Technique []string          `placeholder:"ID" help:"Technique of ATT&CK, such as T1078; may be repeated."`
	Range     string            `placeholder:"SPAN" help:"How far back when --from is not given, such as 30d."`
	Param     map[string]string `placeholder:"NAME[:TYPE]=DEFAULT" mapsep:"none" help:"A parameter ($NAME in SQL) with its type (string, int, real, bool, datetime, timespan, list) and default; may be repeated."`
	Replace   bool              `help:"Take the place of a hunt of the same name."`
	Name      string            `arg:"" help:"Name: lower case, digits, hyphens."`
	Query     string            `arg:"" help:"The query, a file, or - for standard input."`
}

// Run saves.
func (c *huntSaveCmd) Run(env *environment) error {
	cfg, ja, err := c.load(env)
	if err != nil {
		return err
	}
	if cfg.Data == "" {
		return usage("there is no data folder to save in (hint: --data or --config)")
	}
	if err := hunt.CheckName(c.Name); err != nil {
		return &exitError{exitUsage, err}
	}
	ask := &huntAskCmd{KQL: c.KQL, SQL: c.SQL, Query: []string{c.Query}}
	q := &asked{text: c.Query}
	switch {
	case c.Query == "-":
		data, err := io.ReadAll(io.LimitReader(env.stdin, 1<<20))
		if err != nil {
			return err
		}
		q.text = string(data)
	case strings.HasSuffix(c.Query, ".kql") || strings.HasSuffix(c.Query, ".sql"):
		if _, err := ask.file(q, c.Query); err != nil {
			return err
		}
	}
	ask.language(q)
	s := &hunt.Saved{Name: c.Name, Title: hunt.Words{En: c.Title}, Tactics: c.Tactic, Techniques: c.Technique, Language: q.language, Query: q.text}
	if c.Title == "" {
		s.Title.En = c.Name
	}
	if c.Range != "" {
		if s.Range, err = hunt.ParseSpan(c.Range); err != nil {
			return usage("--range: %w", err)
		}
	}
	for spec, text := range c.Param {
		p := hunt.Parameter{Name: spec, Type: "string"}
		if name, typ, ok := strings.Cut(spec, ":"); ok {
			p.Name, p.Type = name, typ
		}
		if p.Default, err = p.Value(text); err != nil {
			return usage("--param %s: %w", spec, err)
		}
		s.Parameters = append(s.Parameters, p)
	}
	if _, err := os.Stat(filepath.Join(app.HuntsDir(cfg), c.Name+".yaml")); err == nil && !c.Replace {
		return usage("there is a hunt %s (hint: --replace)", c.Name)
	}
	path, err := app.SaveHunt(cfg, s)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	fmt.Fprintf(env.stderr, in(ja, "saved as %s\n", "%s に保存しました\n"), path)
	return nil
}

type huntListCmd struct {
	huntFlags
	Tactic string `placeholder:"NAME" help:"Those of one tactic of ATT&CK."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Run lists.
func (c *huntListCmd) Run(env *environment) error {
	cfg, ja, err := c.load(env)
	if err != nil {
		return err
	}
	list, err := app.AllHunts(cfg)
	if c.Format == "json" {
		for _, s := range list {
			if c.Tactic != "" && !strings.Contains(" "+strings.Join(s.Tactics, " ")+" ", " "+c.Tactic+" ") {
				continue
			}
			line, jsonErr := json.Marshal(map[string]any{"name": s.Name, "title": s.Title.In(ja), "language": s.Language, "tactics": s.Tactics, "techniques": s.Techniques, "shipped": s.Shipped})
			if jsonErr != nil {
				return jsonErr
			}
			fmt.Fprintln(env.stdout, string(line))
		}
	} else {
		t := &columnWriter{w: env.stdout}
		fmt.Fprintln(t, in(ja, "NAME\tLANGUAGE\tTACTICS\tPARAMETERS\tTITLE", "名前\t言語\t戦術\tパラメータ\tタイトル"))
		for _, s := range list {
			if c.Tactic != "" && !strings.Contains(" "+strings.Join(s.Tactics, " ")+" ", " "+c.Tactic+" ") {
				continue
			}
			var params []string
			for _, p := range s.Parameters {
				params = append(params, p.Name)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", s.Name, s.Language, strings.Join(s.Tactics, ","), strings.Join(params, ","), report.Escape(s.Title.In(ja)))
		}
		if flushErr := t.Flush(); flushErr != nil {
			return flushErr
		}
	}
	if err != nil {
		return &exitError{exitUsage, err}
	}
	return nil
}

type huntShowCmd struct {
	huntFlags
	Name string `arg:"" help:"Name of the hunt."`
}

// Run prints.
func (c *huntShowCmd) Run(env *environment) error {
	cfg, _, err := c.load(env)
	if err != nil {
		return err
	}
	s, err := app.SavedHunt(cfg, c.Name)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if s == nil {
		return usage("there is no hunt %s (hint: yagura hunt list)", c.Name)
	}
	data, err := s.YAML()
	if err != nil {
		return err
	}
	_, err = env.stdout.Write(data)
	return err
}

type huntDeleteCmd struct {
	huntFlags
	Name string `arg:"" help:"Name of the hunt."`
}

// Run deletes.
func (c *huntDeleteCmd) Run(env *environment) error {
	cfg, _, err := c.load(env)
	if err != nil {
		return err
	}
	if err := hunt.CheckName(c.Name); err != nil {
		return &exitError{exitUsage, err}
	}
	err = app.DeleteHunt(cfg, c.Name)
	if errors.Is(err, fs.ErrNotExist) {
		if s, _ := app.SavedHunt(cfg, c.Name); s != nil && s.Shipped {
			return usage("the hunt %s comes with the program (hint: save one of the same name to have your own in its place)", c.Name)
		}
		return usage("there is no hunt %s (hint: yagura hunt list)", c.Name)
	}
	return err
}

type huntTablesCmd struct {
	huntFlags
	Name string `arg:"" optional:"" help:"A table, to list its columns."`
}

// Run lists tables.
func (c *huntTablesCmd) Run(env *environment) error {
	cfg, ja, err := c.load(env)
	if err != nil {
		return err
	}
	h, _, _, done, err := c.open(env, app.HuntOptions{})
	if noServer := cfg.Data == "" && cfg.Store == ""; noServer || errors.Is(err, fs.ErrNotExist) {
		// The tables are known where there is no lake yet.
		h, err = app.OpenHunting(env.ctx, cfg, nil, app.HuntOptions{}, env.now)
		done = func() {}
	}
	if err != nil {
		return err
	}
	defer done()
	list, err := h.Tables(env.ctx)
	if err != nil {
		return err
	}
	t := &columnWriter{w: env.stdout}
	if c.Name != "" {
		for _, x := range list {
			if strings.EqualFold(x.Name, c.Name) {
				fmt.Fprintln(t, in(ja, "COLUMN\tTYPE", "列\t型"))
				for _, col := range x.Columns {
					fmt.Fprintf(t, "%s\t%s\n", report.Escape(col.Name), col.Type)
				}
				return t.Flush()
			}
		}
		return usage("there is no table %s (hint: yagura hunt tables)", c.Name)
	}
	fmt.Fprintln(t, in(ja, "TABLE\tGROUP\tCOLUMNS\tROWS ARE", "テーブル\t分類\t列数\t内容"))
	for _, x := range list {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", report.Escape(x.Name), x.Group, len(x.Columns), report.Escape(x.Title))
	}
	return t.Flush()
}

type watchlistCmd struct {
	Import watchlistImportCmd `cmd:"" help:"Bring a watchlist from CSV or JSON."`
	List   watchlistListCmd   `cmd:"" help:"List watchlists."`
	Delete watchlistDeleteCmd `cmd:"" help:"Delete a watchlist."`
}

type watchlistImportCmd struct {
	huntFlags
	Key     string   `placeholder:"COLUMN" help:"Column that is looked up; without it the first."`
	Expires string   `placeholder:"TIME" help:"When it ends: a time, or a span from now such as 90d. From then on it is empty."`
	Columns []string `placeholder:"NAME,…" help:"Names of the columns of CSV that has no line of names; with one name each line is a value as it stands."`
	Address []string `placeholder:"URL" sep:"none" help:"Address in externaldata of KQL that the list stands for; may be repeated."`
	Name    string   `arg:"" help:"Name: lower case, digits, hyphens; of BreakGlass_Accounts it is breakglass-accounts."`
	File    string   `arg:"" help:"CSV with a line of names, JSON (an array of objects, or one on each line), or - for standard input."`
}

// Help is the text below the usage of watchlist import.
func (watchlistImportCmd) Help() string {
	return `
A watchlist is a table of your own. It is watchlist_NAME in SQL (hyphens become underscores) and _GetWatchlist('NAME') in KQL, where the key is the column SearchKey as well. Importing under a name that there is replaces it.

Nothing is ever fetched: a KQL query that reads an address by externaldata is refused, unless a list was imported for that address.

Examples:

    yagura watchlist import --key user --expires 90d vip people.csv
    yagura watchlist import --columns ip --address https://lists.example.com/bad.txt bad-addresses bad.txt
`
}

// Run imports.
func (c *watchlistImportCmd) Run(env *environment) error {
	cfg, ja, err := c.load(env)
	if err != nil {
		return err
	}
	if cfg.Data == "" {
		return usage("there is no data folder to keep it in (hint: --data or --config)")
	}
	now := env.now().UTC()
	l := hunt.Watchlist{Name: c.Name, Key: c.Key, Origin: filepath.Base(c.File), Imported: now, Columns: c.Columns, Addresses: c.Address}
	if c.Expires != "" {
		if d, err := hunt.ParseSpan(c.Expires); err == nil {
			l.Expires = now.Add(d)
		} else if l.Expires, err = timeOf(c.Expires, now); err != nil {
			return usage("--expires: %w", err)
		}
	}
	from := env.stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return usage("%w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		from = f
	}
	l, err = hunt.Watchlists{Dir: filepath.Join(cfg.Data, "watchlists")}.Import(l, from)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	fmt.Fprintf(env.stderr, in(ja, "%d rows, key %s\n", "%d 行, キー %s\n"), l.Rows, report.Escape(l.Key))
	return nil
}

type watchlistListCmd struct {
	huntFlags
}

// Run lists.
func (c *watchlistListCmd) Run(env *environment) error {
	cfg, ja, err := c.load(env)
	if err != nil {
		return err
	}
	list, err := hunt.Watchlists{Dir: filepath.Join(cfg.Data, "watchlists")}.List()
	if err != nil {
		return err
	}
	t := &columnWriter{w: env.stdout}
	fmt.Fprintln(t, in(ja, "NAME\tROWS\tKEY\tCOLUMNS\tIMPORTED\tEXPIRES", "名前\t行数\tキー\t列\t取込\t期限"))
	for _, l := range list {
		expires := "-"
		if !l.Expires.IsZero() {
			expires = l.Expires.UTC().Format(time.RFC3339)
			if !env.now().Before(l.Expires) {
				expires += in(ja, " (expired)", " (期限切れ)")
			}
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\n", l.Name, l.Rows, report.Escape(l.Key), report.Escape(strings.Join(l.Columns, ",")), l.Imported.UTC().Format(time.RFC3339), expires)
	}
	return t.Flush()
}

type watchlistDeleteCmd struct {
	huntFlags
	Name string `arg:"" help:"Name of the watchlist."`
}

// Run deletes.
func (c *watchlistDeleteCmd) Run(env *environment) error {
	cfg, _, err := c.load(env)
	if err != nil {
		return err
	}
	if err := (hunt.Watchlists{Dir: filepath.Join(cfg.Data, "watchlists")}).Delete(c.Name); err != nil {
		return &exitError{exitUsage, err}
	}
	return nil
}
