package store

import (
	"context"
	"database/sql"
	"strings"
)

// column is one column of many rows that are handed to a statement.
type column struct {
	name  string
	texts []string
	ints  []int64
	blobs [][]byte
}

func textColumn(name string, v []string) column { return column{name: name, texts: v} }
func intColumn(name string, v []int64) column   { return column{name: name, ints: v} }
func blobColumn(name string, v [][]byte) column {
	for i := range v {
		if v[i] == nil {
			v[i] = []byte{} // nil would be NULL
		}
	}
	return column{name: name, blobs: v}
}

func (c *column) len() int { return max(len(c.texts), len(c.ints), len(c.blobs)) }

func (c *column) at(i int) any {
	switch {
	case c.texts != nil:
		return c.texts[i]
	case c.ints != nil:
		return c.ints[i]
	}
	return c.blobs[i]
}

// array returns the column as PostgreSQL takes it.
func (c *column) array() (string, any) {
	switch {
	case c.texts != nil:
		return "text[]", c.texts
	case c.ints != nil:
		return "bigint[]", c.ints
	}
	return "bytea[]", c.blobs
}

// chunks are the numbers of rows for which SQLite has prepared statements, so that any
// number of rows needs few of them.
var chunks = [...]int{128, 32, 8, 1}

// many runs a statement that reads the rows of cols as the table d, and scans what it
// returns; args follow. SQLite runs it several times, each time with some of the rows.
func (tx *Tx) many(ctx context.Context, q string, cols []column, scan func(*sql.Rows) error, args ...any) (changed int64, err error) {
	n := cols[0].len()
	if n == 0 {
		return 0, nil
	}
	ctx, err = tx.ready(ctx)
	if err != nil {
		return 0, err
	}
	if !strings.HasPrefix(q, "SELECT") {
		if !tx.write {
			return 0, tx.fail(errReadOnly)
		}
		defer func() { tx.wrote = tx.wrote || changed > 0 }()
	}
	if tx.s.d.postgres {
		params := make([]any, 0, len(cols)+len(args))
		kinds := make([]string, len(cols))
		for i := range cols {
			kind, v := cols[i].array()
			kinds[i] = kind
			params = append(params, v)
		}
		text, ok := tx.s.texts.Load(q)
		if !ok {
			text = tx.s.d.statement(arraySource(cols, kinds) + q)
			tx.s.texts.Store(q, text)
		}
		return tx.run(ctx, nil, text.(string), append(params, args...), scan)
	}
	for from := 0; from < n; {
		size := 1
		for _, c := range chunks {
			if c <= n-from {
				size = c
				break
			}
		}
		stmt, err := tx.s.prepared(ctx, known{q, size}, func() string { return tx.s.d.statement(valueSource(cols, size) + q) })
		if err != nil {
			return changed, tx.fail(err)
		}
		params := make([]any, 0, size*len(cols)+len(args))
		for i := from; i < from+size; i++ {
			for j := range cols {
				params = append(params, cols[j].at(i))
			}
		}
		c, err := tx.run(ctx, stmt, "", append(params, args...), scan)
		if changed += c; err != nil {
			return changed, err
		}
		from += size
	}
	return changed, nil
}

// run runs a statement, prepared or as text.
func (tx *Tx) run(ctx context.Context, stmt *sql.Stmt, text string, params []any, scan func(*sql.Rows) error) (int64, error) {
	if scan == nil {
		var res sql.Result
		var err error
		if stmt != nil {
			res, err = stmt.ExecContext(ctx, params...)
		} else {
			res, err = tx.s.conn.ExecContext(ctx, text, params...)
		}
		if err != nil {
			return 0, tx.fail(err)
		}
		n, err := res.RowsAffected()
		return n, tx.fail(err)
	}
	var rows *sql.Rows
	var err error
	if stmt != nil {
		rows, err = stmt.QueryContext(ctx, params...)
	} else {
		rows, err = tx.s.conn.QueryContext(ctx, text, params...)
	}
	if err != nil {
		return 0, tx.fail(err)
	}
	n := int64(0)
	return n, tx.fail(drain(rows, func(rows *sql.Rows) error { n++; return scan(rows) }))
}

func names(cols []column) string {
	var b strings.Builder
	for i := range cols {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(cols[i].name)
	}
	return b.String()
}

func arraySource(cols []column, kinds []string) string {
	return "WITH d(" + names(cols) + ") AS (SELECT * FROM unnest(?::" + strings.Join(kinds, ", ?::") + ")) "
}

func valueSource(cols []column, rows int) string {
	row := "(?" + strings.Repeat(", ?", len(cols)-1) + ")"
	return "WITH d(" + names(cols) + ") AS (VALUES " + row + strings.Repeat(", "+row, rows-1) + ") "
}
