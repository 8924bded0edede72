package view

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Limits of one SELECT. A hunt that needs more has its files compacted first.
const (
	maxFiles = 100_000
	maxPath  = 4096
)

// Select writes the SELECT that is the table for one query: the named columns (without
// regard to case, each once; none is all of them) of the rows in the files whose time is in
// [from, to). A zero time leaves that end open; with both ends open, rows without a time are
// there too. Files of formats that the table has no source for are passed over; a table
// without sources or files has no rows, and its columns have their types all the same.
func (t *Table) Select(columns []string, files []Pair, from, to time.Time) (string, error) {
	return t.SelectHolding(columns, files, from, to, nil)
}

// SelectHolding is [Table.Select] for a query that wants only rows that meet every one of
// holds. Other rows may be there too.
func (t *Table) SelectHolding(columns []string, files []Pair, from, to time.Time, holds []Hold) (string, error) {
	return t.sql(columns, files, selection{from: from, to: to, holds: holds})
}

// SelectWithin is [Table.SelectHolding] of the rows that may be seen; others are not there,
// and nothing of them reaches what the query does with columns.
func (t *Table) SelectWithin(columns []string, files []Pair, from, to time.Time, holds []Hold, within *Within) (string, error) {
	return t.sql(columns, files, selection{from: from, to: to, holds: holds, within: within})
}

// Row is the column of [Table.SelectRows] that says which row of which lake file it is.
const Row = "row__"

// SelectRows is [Table.Select] with the column [Row] behind the others.
func (t *Table) SelectRows(columns []string, files []Pair, from, to time.Time) (string, error) {
	return t.sql(columns, files, selection{from: from, to: to, rows: true})
}

// selection says which rows are selected, and whether which ones they are is told.
type selection struct {
	from, to time.Time
	holds    []Hold
	rows     bool
	within   *Within
}

func (t *Table) sql(columns []string, files []Pair, o selection) (string, error) {
	want, err := t.wanted(columns)
	if err != nil {
		return "", err
	}
	if len(files) > maxFiles {
		return "", fmt.Errorf("table %s: %d files, at most %d (hint: narrow the time range, or compact the lake)", t.Name, len(files), maxFiles)
	}
	var parts []string
	for i := range t.sources {
		s := &t.sources[i]
		var heads, raws []string
		for _, f := range files {
			if f.Format != "" && (f.Format != s.format && s.format != anyFormat || !o.within.Format(f.Format)) {
				continue
			}
			for _, p := range []string{f.Head, f.Raw} {
				if len(p) > maxPath || strings.ContainsRune(p, 0) {
					return "", fmt.Errorf("table %s: a path of %d bytes is no path of a lake file", t.Name, len(p))
				}
			}
			heads, raws = append(heads, f.Head), append(raws, f.Raw)
		}
		if len(heads) > 0 {
			parts = append(parts, s.sql(t, want, heads, raws, o))
		}
	}
	if len(parts) == 0 {
		return t.none(want, o), nil
	}
	return strings.Join(parts, "\nUNION ALL\n"), nil
}

// wanted finds the places of columns.
func (t *Table) wanted(columns []string) ([]int, error) {
	var want []int
	if len(columns) == 0 {
		for i := range t.Columns {
			want = append(want, i)
		}
	}
	for _, name := range columns {
		i, ok := t.index[strings.ToLower(name)]
		if !ok {
			return nil, fmt.Errorf("table %s has no column %q", t.Name, name)
		}
		if !slices.Contains(want, i) {
			want = append(want, i)
		}
	}
	return want, nil
}

// none is the SELECT of a table without rows.
func (t *Table) none(want []int, o selection) string {
	cols := make([]string, len(want))
	for i, w := range want {
		cols[i] = "CAST(NULL AS " + duckTypes[t.Columns[w].Type] + ") AS " + ident(t.Columns[w].Name)
	}
	if o.rows {
		cols = append(cols, "CAST(NULL AS BIGINT) AS "+Row)
	}
	return "SELECT " + strings.Join(cols, ", ") + " WHERE false"
}

// sql writes the SELECT over the files of one source.
func (s *source) sql(t *Table, want []int, heads, raws []string, o selection) string {
	var ps paths
	cols := make([]string, len(want))
	seen := o.within.cond()
	for i, w := range want {
		cols[i] = masked(seen, s.exprs[w].over(&ps)) + " AS " + ident(t.Columns[w].Name)
	}
	if o.rows {
		cols = append(cols, `h."row" AS `+Row)
	}
	var conds []string
	if seen != "" {
		conds = append(conds, seen)
	}
	if !o.from.IsZero() {
		conds = append(conds, `h."time" >= `+stamp(o.from))
	}
	if !o.to.IsZero() {
		conds = append(conds, `h."time" < `+stamp(o.to))
	}
	where := s.where.over(&ps)
	if s.where != "" && !s.where.raw() {
		conds = append(conds, "("+where+")")
		where = ""
	}
	var b strings.Builder
	b.WriteString("SELECT " + strings.Join(cols, ", ") + "\nFROM ")
	if ps.none() {
		b.WriteString(scan(heads) + " h")
		if len(conds) > 0 {
			b.WriteString("\nWHERE " + strings.Join(conds, " AND "))
		}
		return b.String()
	}
	// The paths are taken in a query of their own, so that each record is parsed once for all
	// columns. The record is named through both sides of the join: a condition on it would
	// else be moved below the join, and every record of the files parsed where the head
	// says that few are wanted. A record that the engine does not take for JSON loses its
	// columns and not the query.
	b.WriteString("(SELECT h.*")
	if ps.whole {
		// A search for a text in it may well be moved below the join: that is a search through
		// bytes, and cheaper than to join first.
		b.WriteString(", " + raw + " AS raw__")
	}
	if len(ps.text) > 0 {
		b.WriteString(", TRY(json_extract_string(" + record + ", " + list(ps.text) + ")) AS t__")
	}
	if len(ps.json) > 0 {
		b.WriteString(", TRY(json_extract(" + record + ", " + list(ps.json) + ")) AS j__")
	}
	for _, h := range o.holds {
		if c := s.test(t, h); c != "" {
			conds = append(conds, c)
		}
	}
	b.WriteString("\n  FROM " + scan(heads) + " h JOIN " + scan(raws) + " r ON r.\"row\" = h.\"row\"")
	if len(conds) > 0 {
		b.WriteString("\n  WHERE " + strings.Join(conds, " AND "))
	}
	b.WriteString(") h")
	if where != "" {
		b.WriteString("\nWHERE " + where)
	}
	return b.String()
}

// raw is the record, which is empty in the file where retention took it.
const raw = `nullif(r."raw", '')`

const record = `CASE WHEN h."row" = r."row" THEN ` + raw + ` END`

func scan(files []string) string { return "read_parquet(" + list(files) + ")" }

func list(texts []string) string {
	quoted := make([]string, len(texts))
	for i, s := range texts {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func stamp(t time.Time) string {
	return "TIMESTAMP '" + t.UTC().Format("2006-01-02 15:04:05.000000") + "'"
}
