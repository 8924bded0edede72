package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/lake/view"
	"github.com/yagura-sec/yagura/schedule"
	"github.com/yagura-sec/yagura/store"
)

// lakeQuery answers the queries of rules on a schedule: a hunter runs them over the lake, and
// the catalogue says which files have what arrived.
type lakeQuery struct {
	hunter *hunt.Hunter
	files  func(ctx context.Context, f yagura.LakeFilter) ([]yagura.LakeFile, error)
	path   func(name string) (string, error) // where a lake file lies on this machine
	copies *lakeCopies                       // of an object store's files; nil: they are in a folder
	// oldest is when the record came that waits longest to be written, zero for none.
	oldest func() time.Time
	within *view.Within // what may be seen; nil: all
	most   int          // times that Arrived returns; 0: maxArrived
}

var _ schedule.Engine = (*lakeQuery)(nil)

// newLakeQuery makes one for the lake of a configuration.
func newLakeQuery(cfg *config.Config, db *store.DB, h *hunt.Hunter, dir string) *lakeQuery {
	return &lakeQuery{hunter: h, files: func(ctx context.Context, f yagura.LakeFilter) ([]yagura.LakeFile, error) {
		catalogue, _, err := LakeCatalogue(ctx, cfg, db, false)
		if err != nil {
			return nil, err
		}
		return catalogue.Files(ctx, f)
	}, path: func(name string) (string, error) {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return "", fmt.Errorf("the catalogue names %q, which is not below the lake", name)
		}
		return filepath.Abs(filepath.Join(dir, filepath.FromSlash(name)))
	}}
}

// Query runs a query over the events of one window.
func (l *lakeQuery) Query(ctx context.Context, q schedule.QueryRequest) (*schedule.Rows, error) {
	rows, err := l.hunter.Run(ctx, hunt.Request{Language: hunt.Language(q.Language), Text: q.Text, From: q.From, To: q.To, Now: q.Now, Limit: q.MaxRows, Within: l.within})
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its rows are read
	out := &schedule.Rows{}
	for _, x := range rows.Columns() {
		out.Columns = append(out.Columns, schedule.Column{Name: x.Name, Type: kustoType(x.Type)})
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
	files = slices.DeleteFunc(files, func(f yagura.LakeFile) bool {
		return !f.SeenMax.After(a.From) || f.SeenMin.After(a.To) || f.Max.IsZero()
	})
	heads := make([]string, len(files))
	quoted := func(i int, name string) { heads[i] = "'" + strings.ReplaceAll(name, "'", "''") + "'" }
	if l.copies != nil {
		if err := l.copies.fetch(ctx, files, false, func(i int, head, _ string) { quoted(i, head) }); err != nil {
			return nil, err
		}
	} else {
		for i, f := range files {
			name, err := l.path(f.Head)
			if err != nil {
				return nil, err
			}
			quoted(i, name)
		}
	}
	if len(heads) == 0 {
		return nil, nil
	}
	micro := func(t time.Time) int64 { return t.UnixMicro() }
	bounds := ""
	if !a.EventFrom.IsZero() {
		bounds += fmt.Sprintf(` AND epoch_us("time") >= %d`, micro(a.EventFrom))
	}
	if !a.EventTo.IsZero() {
		bounds += fmt.Sprintf(` AND epoch_us("time") < %d`, micro(a.EventTo))
	}
	text := fmt.Sprintf(`SELECT DISTINCT epoch_us("time") // %d AS t FROM read_parquet([%s]) WHERE "time" IS NOT NULL AND epoch_us("seen") > %d AND epoch_us("seen") <= %d`,
		a.Grain.Microseconds(), strings.Join(heads, ", "), micro(a.From), micro(a.To)) + bounds
	rows, err := l.hunter.Engine.Query(ctx, hunt.Query{Views: []hunt.View{{Name: "arrived", SQL: text}}, SQL: "SELECT t FROM arrived ORDER BY t DESC", MaxRows: l.maxArrived()})
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
	slices.Reverse(out)
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if rows.EngineStats().Limit != "" && bounds != "" {
		return nil, fmt.Errorf("there are events at more than %d times (hint: a shorter time)", len(out))
	}
	return out, nil
}

// maxArrived bounds the times of one look: a year by the minute. The latest are taken: when
// years come in at once, what happened lately is among them.
const maxArrived = 600_000

func (l *lakeQuery) maxArrived() int {
	if l.most > 0 {
		return l.most
	}
	return maxArrived
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
	case t == strings.ToLower(t): // it is one of KQL's
		return t
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
