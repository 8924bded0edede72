package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/lake/view"
	"github.com/yagura-sec/yagura/rule/sentinel"
)

// noEngine is the engine of a hunter that only checks.
type noEngine struct{}

// Inspect implements hunt.Engine.
func (noEngine) Inspect(context.Context, string) ([]hunt.Use, error) { return nil, hunt.ErrNoEngine }

// Query implements hunt.Engine.
func (noEngine) Query(context.Context, hunt.Query) (hunt.Rows, error) { return nil, hunt.ErrNoEngine }

// schemaOnly are tables of which nothing but the columns is asked.
type schemaOnly struct{ hunt.Extra }

// Tables implements hunt.Extra.
func (s schemaOnly) Tables(ctx context.Context, now time.Time) ([]hunt.ExtraTable, error) {
	list, err := s.Extra.Tables(ctx, now)
	for i := range list {
		columns := list[i].Columns
		list[i].Select = func(context.Context, time.Time, time.Time, *view.Within) (string, error) {
			return emptyTable(columns), nil
		}
	}
	return list, err
}

// checkedAt is what now() is while a query is only checked.
var checkedAt = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// queryChecker compiles the queries of rules on a schedule, for the tables of the lake and more.
// SQL is checked by the engine when it runs; of it the names of tables are found.
func queryChecker(more ...hunt.Extra) sentinel.Checker {
	extra := []hunt.Extra{schemaOnly{storeTables{}}}
	for _, x := range more {
		extra = append(extra, schemaOnly{x})
	}
	h := &hunt.Hunter{Engine: noEngine{}, Lake: emptyLake{}, Extra: extra, Now: func() time.Time { return checkedAt }}
	return func(language sentinel.Language, text string) (sentinel.Checked, *sentinel.Fault) {
		if language == sentinel.SQL {
			return checkSQL(text), nil
		}
		p, err := h.Plan(context.Background(), hunt.Request{Language: hunt.KQL, Text: text, From: checkedAt.Add(-24 * time.Hour), To: checkedAt})
		if err != nil {
			fault := &sentinel.Fault{Line: 1, Column: 1, Reason: err.Error()}
			if e := (*hunt.Error)(nil); errors.As(err, &e) {
				fault = &sentinel.Fault{Line: e.Line, Column: e.Col, Reason: e.Message, Hint: e.Hint}
			}
			return sentinel.Checked{}, fault
		}
		out := sentinel.Checked{Tables: append([]string{}, p.Stats.Tables...), Columns: []string{}}
		for _, x := range p.Columns {
			out.Columns = append(out.Columns, x.Name)
		}
		out.Formats = tableFormats(out.Tables)
		return out, nil
	}
}

// tableFormats lists the formats of tables, nil where one of them has rows of every format.
func tableFormats(tables []string) []string {
	var out []string
	for _, name := range tables {
		t, ok := view.Lookup(name)
		if !ok {
			continue
		}
		formats := formatsOf(t)
		if slices.Contains(formats, anyFormat) {
			return nil
		}
		out = append(out, formats...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// checkSQL finds the tables that a statement may read: every name of a table in it.
func checkSQL(text string) sentinel.Checked {
	out := sentinel.Checked{Tables: []string{}}
	words := strings.FieldsFunc(text, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	for _, t := range view.All() {
		if slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, t.Name) }) {
			out.Tables = append(out.Tables, t.Name)
		}
	}
	out.Formats = tableFormats(out.Tables)
	return out
}

// emptyLake has no files: a query is checked without records.
type emptyLake struct{}

// Files implements hunt.Lake.
func (emptyLake) Files(context.Context, []string, time.Time, time.Time, bool) ([]hunt.File, error) {
	return nil, nil
}
