package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/store"
)

type lakeDDLCmd struct {
	lakeFlags
	Engine string `required:"" enum:"athena,bigquery,clickhouse,duckdb,trino" help:"athena, bigquery, clickhouse, duckdb or trino."`
	Place  string `placeholder:"PLACE" help:"Where the lake is, as the engine spells it: s3://bucket/prefix, gs://bucket/prefix or a folder; without it, where the configuration has it."`
}

// Help is the text below the usage of lake ddl.
func (lakeDDLCmd) Help() string {
	return `
Prints the statements by which another engine reads the lake: the tables yagura_head and yagura_raw, and the view yagura_events that joins them.

Example:

    yagura lake ddl --engine athena --place s3://acme-lake/yagura
`
}

// Run prints the statements.
func (c *lakeDDLCmd) Run(env *environment) error {
	cfg, b, _, err := c.open(env, store.ReadOnly)
	if err != nil {
		return err
	}
	defer b.DB.Close() //nolint:errcheck // it was only read
	catalogue, _, err := app.LakeCatalogue(env.ctx, cfg, b.DB, false)
	if err != nil {
		return err
	}
	totals, err := catalogue.Totals(env.ctx)
	if err != nil {
		return err
	}
	columns := map[string][]string{}
	for _, f := range decode.Formats() {
		columns[f.Name] = f.Columns()
	}
	var formats, more []string
	first := ""
	for _, t := range totals {
		if !slices.Contains(formats, t.Format) {
			formats = append(formats, t.Format)
			for _, name := range columns[t.Format] {
				if !slices.Contains(more, name) {
					more = append(more, name)
				}
			}
		}
		if _, err := time.Parse(time.DateOnly, t.Day); err == nil && (first == "" || t.Day < first) {
			first = t.Day
		}
	}
	place := c.Place
	if place == "" {
		if place, err = app.LakePlace(cfg); err != nil {
			return err
		}
	}
	text, err := lake.DDL(c.Engine, place, formats, more, first)
	if err != nil {
		return usage("%v", err)
	}
	_, err = fmt.Fprint(env.stdout, text)
	return err
}
