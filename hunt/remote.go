package hunt

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/lake/view"
)

// Rows are looked for in steps of so many: what is fetched of records are row groups, which
// are larger. More steps than maxSteps are all of them.
const (
	stepRows = 16
	maxSteps = 200_000
)

// files lists the files of a table in the range, and those of them that are to be read. They
// are the same unless records are far away: then the head is asked first which rows are
// needed, by the conditions that need no record, and of the records only those are fetched
// that have them.
func (h *Hunter) files(ctx context.Context, p *Plan, t *view.Table, u Use, rng Range, raw bool) (list, read []File, err error) {
	far, ok := h.Lake.(Remote)
	if !raw || !ok || !far.Remote() {
		list, err = h.Lake.Files(ctx, formatsOf(t), rng.From, rng.To, raw)
		return list, list, err
	}
	if list, err = h.Lake.Files(ctx, formatsOf(t), rng.From, rng.To, false); err != nil {
		return nil, nil, err
	}
	read, err = h.fetch(ctx, far, p, t, u, list, rng)
	return list, read, err
}

// fetch gives files the records that are needed of them; files of which none are needed are
// left out.
func (h *Hunter) fetch(ctx context.Context, far Remote, p *Plan, t *view.Table, u Use, list []File, rng Range) (read []File, err error) {
	rows, ok := h.rows(ctx, p, t, u, list, rng)
	if !ok {
		rows = map[int64][]Span{}
		for _, f := range list {
			rows[f.Number] = []Span{{f.Number << lake.RowBits, (f.Number + 1) << lake.RowBits}}
		}
	}
	for _, f := range list {
		if len(rows[f.Number]) > 0 {
			read = append(read, f)
		}
	}
	return far.Records(ctx, read, rows)
}

// rows asks the head files which rows are needed, by the numbers of the files. It is not ok
// where that cannot be said, or where it would be too many.
func (h *Hunter) rows(ctx context.Context, p *Plan, t *view.Table, u Use, list []File, rng Range) (map[int64][]Span, bool) {
	if needsRaw(t) {
		return nil, false
	}
	var conds, columns []string
	for _, c := range u.Where {
		if slices.ContainsFunc(c.Columns, func(name string) bool {
			have, ok := t.Column(name)
			return !ok || have.Raw
		}) {
			continue
		}
		conds = append(conds, "("+c.SQL+")")
		columns = append(columns, c.Columns...)
	}
	within := !slices.ContainsFunc(list, func(f File) bool { return f.Min.Before(rng.From) || !f.Max.Before(rng.To) })
	if len(conds) == 0 && within {
		return nil, false // all rows are needed
	}
	if len(columns) == 0 {
		columns = []string{cheapest(t)}
	}
	var pairs []view.Pair
	for _, f := range list {
		pairs = append(pairs, view.Pair{Format: f.Format, Head: f.HeadPath})
	}
	sql, err := t.SelectRows(columns, pairs, rng.From, rng.To)
	if err != nil {
		return nil, false
	}
	q := Query{Views: []View{{u.Table, sql}}, Now: p.Query.Now, Timeout: p.Query.Timeout, MaxRows: maxSteps,
		SQL: "SELECT DISTINCT " + view.Row + " // " + strconv.Itoa(stepRows) + ` AS step FROM "` + strings.ReplaceAll(u.Table, `"`, `""`) + `"`}
	if len(conds) > 0 {
		q.SQL += " WHERE " + strings.Join(conds, " AND ")
	}
	rows, err := h.Engine.Query(ctx, q)
	if err != nil {
		return nil, false
	}
	defer rows.Close() //nolint:errcheck // what was read is all there
	out := map[int64][]Span{}
	for rows.Next() {
		step, ok := rows.Values()[0].(int64)
		if !ok {
			return nil, false
		}
		first := step * stepRows
		out[first>>lake.RowBits] = append(out[first>>lake.RowBits], Span{first, first + stepRows})
	}
	if rows.Err() != nil || rows.EngineStats().Limit != "" {
		return nil, false
	}
	return out, true
}
