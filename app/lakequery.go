package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/lake/view"
	"github.com/yagura-sec/yagura/rule/sentinel"
	"github.com/yagura-sec/yagura/schedule"
)

// lakeQuery answers the queries of rules on a schedule from lake files.
type lakeQuery struct {
	engine *duck.Engine
	files  func(ctx context.Context, f yagura.LakeFilter) ([]yagura.LakeFile, error)
	path   func(name string) (string, error) // where a lake file lies on this machine
	// oldest is when the record came that waits longest to be written, zero for none.
	oldest func() time.Time
}

var _ schedule.Engine = (*lakeQuery)(nil)

// compiled is a query as the engine takes it.
type compiled struct {
	sql     string
	columns []schedule.Column // nil: as the engine names them
	uses    []duck.Use
}

// compile turns a rule's query into one SELECT and the tables that it reads.
func (l *lakeQuery) compile(ctx context.Context, q schedule.QueryRequest) (*compiled, error) {
	if q.Language == sentinel.KQL {
		return compileKQL(q.Text, q.Now)
	}
	o, err := l.engine.Inspect(ctx, q.Text)
	if err != nil {
		return nil, err
	}
	return &compiled{sql: q.Text, uses: o.Tables}, nil
}

// Query runs a query over the events of one window.
func (l *lakeQuery) Query(ctx context.Context, q schedule.QueryRequest) (*schedule.Rows, error) {
	c, err := l.compile(ctx, q)
	if err != nil {
		return nil, err
	}
	views, err := l.views(ctx, c.uses, q.From, q.To)
	if err != nil {
		return nil, err
	}
	rows, err := l.engine.Query(ctx, duck.Request{Views: views, SQL: c.sql, Now: q.Now, MaxRows: q.MaxRows})
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its rows are read
	out := &schedule.Rows{Columns: c.columns}
	if out.Columns == nil {
		for _, x := range rows.Columns() {
			out.Columns = append(out.Columns, schedule.Column{Name: x.Name, Type: kustoType(x.Type)})
		}
	}
	for rows.Next() {
		values := slices.Clone(rows.Values())
		for i, v := range values {
			if n, ok := v.(json.Number); ok {
				values[i] = string(n)
			}
		}
		out.Values = append(out.Values, values)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if limit := rows.Stats().Limit; limit != "" {
		out.Cut = fmt.Sprintf("rows: the query was cut at %d (limit of %s)", len(out.Values), limit)
	}
	return out, nil
}

// views are the tables of a query over the lake files of a time.
func (l *lakeQuery) views(ctx context.Context, uses []duck.Use, from, to time.Time) ([]duck.View, error) {
	var views []duck.View
	for _, u := range uses {
		t, ok := view.Lookup(u.Table)
		if !ok {
			continue // a common table expression, or the engine says that there is none
		}
		pairs, err := l.pairs(ctx, formatsOf(t), from, to)
		if err != nil {
			return nil, err
		}
		columns := slices.DeleteFunc(slices.Clone(u.Columns), func(c string) bool {
			_, ok := t.Column(c)
			return !ok
		})
		if u.Star || len(columns) == 0 {
			columns = nil
			if !u.Star && t.Time != "" { // count() reads no column
				columns = []string{t.Time}
			}
		}
		text, err := t.Select(columns, pairs, from, to)
		if err != nil {
			return nil, err
		}
		views = append(views, duck.View{Name: u.Table, SQL: text})
	}
	return views, nil
}

// anyFormat stands for every format.
const anyFormat = "*"

// formatsOf lists the formats that have rows of a table. Our own tables have rows of all, where
// they name none.
func formatsOf(t *view.Table) []string {
	if len(t.Formats) == 0 && t.Group == "house" {
		return []string{anyFormat}
	}
	return t.Formats
}

func (l *lakeQuery) list(ctx context.Context, formats []string, f yagura.LakeFilter) ([]yagura.LakeFile, error) {
	if len(formats) == 0 {
		return nil, nil
	}
	if !slices.Contains(formats, anyFormat) {
		f.Formats = formats
	}
	return l.files(ctx, f)
}

func (l *lakeQuery) pairs(ctx context.Context, formats []string, from, to time.Time) ([]view.Pair, error) {
	files, err := l.list(ctx, formats, yagura.LakeFilter{From: from, To: to})
	if err != nil {
		return nil, err
	}
	pairs := make([]view.Pair, len(files))
	for i, f := range files {
		p := view.Pair{Format: f.Format}
		if p.Head, err = l.path(f.Head); err == nil {
			p.Raw, err = l.path(f.Raw)
		}
		if err != nil {
			return nil, err
		}
		pairs[i] = p
	}
	return pairs, nil
}

// Arrived returns the times of the events that arrived in a time, cut to the grain.
func (l *lakeQuery) Arrived(ctx context.Context, a schedule.ArrivalRequest) ([]time.Time, error) {
	var formats []string
	for _, name := range a.Tables {
		if t, ok := view.Lookup(name); ok {
			formats = append(formats, formatsOf(t)...)
		}
	}
	if a.Tables == nil { // nobody knows which tables the query reads
		formats = []string{anyFormat}
	}
	slices.Sort(formats)
	files, err := l.list(ctx, slices.Compact(formats), yagura.LakeFilter{})
	if err != nil {
		return nil, err
	}
	var heads []string
	for _, f := range files {
		if f.SeenMax.After(a.From) && !f.SeenMin.After(a.To) && !f.Max.IsZero() {
			name, err := l.path(f.Head)
			if err != nil {
				return nil, err
			}
			heads = append(heads, "'"+strings.ReplaceAll(name, "'", "''")+"'")
		}
	}
	if len(heads) == 0 {
		return nil, nil
	}
	micro := func(t time.Time) int64 { return t.UnixMicro() }
	text := fmt.Sprintf(`SELECT DISTINCT epoch_us("time") // %d AS t FROM read_parquet([%s]) WHERE "time" IS NOT NULL AND epoch_us("seen") > %d AND epoch_us("seen") <= %d`,
		a.Grain.Microseconds(), strings.Join(heads, ", "), micro(a.From), micro(a.To))
	rows, err := l.engine.Query(ctx, duck.Request{Views: []duck.View{{Name: "arrived", SQL: text}}, SQL: "SELECT t FROM arrived ORDER BY t", MaxRows: 1_000_000})
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its rows are read
	var out []time.Time
	for rows.Next() {
		n, ok := rows.Values()[0].(int64)
		if !ok {
			return nil, errors.New("a time of the lake is no number")
		}
		out = append(out, time.UnixMicro(n*a.Grain.Microseconds()).UTC())
	}
	return out, rows.Err()
}

// Settled is before the oldest record that waits to be written.
func (l *lakeQuery) Settled(_ context.Context, now time.Time) (time.Time, error) {
	if l.oldest != nil {
		if t := l.oldest(); !t.IsZero() && t.Before(now) {
			return t.Add(-time.Microsecond), nil
		}
	}
	return now, nil
}

// kustoType is what a type of the engine is in KQL.
func kustoType(t string) string {
	switch {
	case t == "JSON":
		return "dynamic"
	case t == "BOOLEAN":
		return "bool"
	case strings.HasPrefix(t, "TIMESTAMP"), t == "DATE":
		return "datetime"
	case strings.Contains(t, "INT"):
		return "long"
	case t == "DOUBLE", t == "FLOAT":
		return "real"
	case strings.HasPrefix(t, "DECIMAL"):
		return "decimal"
	}
	return "string"
}
