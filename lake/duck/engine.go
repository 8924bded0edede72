//go:build cgo

package duck

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// Available says whether this program has an engine.
const Available = true

// Engine is one DuckDB in memory with its limits set and its configuration
// locked. It is safe for use by several goroutines.
type Engine struct {
	o     Options
	db    *sql.DB
	free  chan *sql.Conn
	watch *watch
	end   ending
	once  sync.Once
}

// Open starts an engine.
func Open(o Options) (*Engine, error) {
	if o.Threads <= 0 {
		o.Threads = min(runtime.NumCPU(), 8)
	}
	o.Memory = positive(o.Memory, DefaultMemory)
	o.TempSize = positive(o.TempSize, DefaultTempSize)
	o.Queries = positive(o.Queries, DefaultQueries)
	o.Timeout = positive(o.Timeout, DefaultTimeout)
	// A query that meets a fault of the engine ends alone: there is no database that it
	// could have left half written.
	connector, err := duckdb.NewConnector("?disable_database_invalidation=true", nil)
	if err != nil {
		return nil, fmt.Errorf("open the hunting engine: %w", err)
	}
	e := &Engine{o: o, db: sql.OpenDB(connector), free: make(chan *sql.Conn, o.Queries), watch: &watch{limit: o.Memory}}
	if err := e.start(context.Background()); err != nil {
		_ = e.db.Close()
		return nil, fmt.Errorf("open the hunting engine: %w", err)
	}
	return e, nil
}

func positive[T int | int64 | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// start sets limits, registers functions, opens the connections, and locks the
// configuration last: profiling is a setting of a connection, so connections
// cannot be opened later.
func (e *Engine) start(ctx context.Context) error {
	conns := make([]*sql.Conn, e.o.Queries)
	for i := range conns {
		c, err := e.db.Conn(ctx)
		if err != nil {
			return err
		}
		conns[i] = c
	}
	settings := []string{
		fmt.Sprintf("SET threads = %d", e.o.Threads),
		fmt.Sprintf("SET memory_limit = '%dB'", e.o.Memory),
		fmt.Sprintf("SET max_temp_directory_size = '%dB'", e.o.TempSize),
		"SET temp_directory = " + quote(e.o.Temp),
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET allow_community_extensions = false",
		"SET allow_persistent_secrets = false",
		// The page cache of the system does what these would, and counts to nobody.
		"SET enable_external_file_cache = false",
		// Lake files never change under their names.
		"SET parquet_metadata_cache = true",
		"SET GLOBAL TimeZone = 'UTC'",
	}
	for _, q := range settings {
		if _, err := conns[0].ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, plain(err))
		}
	}
	if err := register(ctx, conns[0], e.o.Functions, &e.end); err != nil {
		return err
	}
	for _, c := range conns {
		for _, q := range []string{"PRAGMA enable_profiling = 'no_output'", "SET TimeZone = 'UTC'", "SET errors_as_json = true"} {
			if _, err := c.ExecContext(ctx, q); err != nil {
				return fmt.Errorf("%s: %w", q, plain(err))
			}
		}
	}
	dirs := make([]string, 0, len(e.o.Dirs))
	for _, d := range e.o.Dirs {
		abs, err := filepath.Abs(d)
		if err != nil {
			return err
		}
		dirs = append(dirs, quote(strings.TrimSuffix(filepath.ToSlash(abs), "/")+"/"))
	}
	fence := []string{
		"SET allowed_directories = [" + strings.Join(dirs, ", ") + "]",
		"SET enable_external_access = false",
		"SET lock_configuration = true",
	}
	for _, q := range fence {
		if _, err := conns[0].ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, plain(err))
		}
	}
	for _, c := range conns {
		e.free <- c
	}
	return nil
}

// Close ends the engine. Queries that run are waited for.
func (e *Engine) Close() error {
	var err error
	e.once.Do(func() {
		for range e.o.Queries {
			c := <-e.free
			err = errors.Join(err, c.Close())
		}
		err = errors.Join(err, e.db.Close())
	})
	return err
}

// take waits for a connection.
func (e *Engine) take(ctx context.Context) (*sql.Conn, error) {
	select {
	case c := <-e.free:
		return c, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a free place among %d queries: %w", e.o.Queries, context.Cause(ctx))
	}
}

// Inspect says what a statement reads, without tables being there.
func (e *Engine) Inspect(ctx context.Context, text string) (*Outline, error) {
	c, err := e.take(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { e.free <- c }()
	body, err := trim(text)
	if err != nil {
		return nil, err
	}
	tree, err := serialize(ctx, c, body)
	if err != nil {
		return nil, err
	}
	return outline(tree, body, nil)
}

func serialize(ctx context.Context, c *sql.Conn, text string) ([]byte, error) {
	// json() keeps the driver from reading it into Go values: ::VARCHAR says so.
	var tree string
	if err := c.QueryRowContext(ctx, "SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", text).Scan(&tree); err != nil {
		return nil, explain(err, text, 0)
	}
	return []byte(tree), nil
}

// Query inspects and runs one SELECT. The rows are to be closed.
func (e *Engine) Query(ctx context.Context, r Request) (rows *Rows, err error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	typed, err := trim(r.SQL)
	if err != nil {
		return nil, err
	}
	b, err := bind(typed, r.Params)
	if err != nil {
		return nil, err
	}
	body := b.text
	defer func() {
		// Places are told in what was typed.
		var e *Error
		if errors.As(err, &e) && e.offset > 0 {
			e.Line, e.Col = place(typed, b.original(e.offset-1))
		}
	}()
	limit := e.o.Timeout
	if r.Timeout > 0 {
		limit = min(limit, r.Timeout)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, &Error{Kind: KindLimit, Message: fmt.Sprintf("the query was ended after %s", limit), Hint: "take a shorter time range or fewer columns"})
	ctx, kill := context.WithCancelCause(ctx)
	c, err := e.take(ctx)
	if err != nil {
		kill(nil)
		cancel()
		return nil, err
	}
	q := &running{engine: e, conn: c, views: r.Views, now: !r.Now.IsZero()}
	rows = &Rows{max: positive(r.MaxRows, DefaultMaxRows), maxBytes: positive(r.MaxBytes, DefaultMaxBytes)}
	done, ended := e.watch.enter(kill), e.end.enter(ctx)
	before := e.watch.begin()
	start := time.Now()
	defer func() {
		done()
		ended()
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			err = errors.Join(err, q.end())
			rows = nil
		}
		kill(nil)
		cancel()
	}()
	if err := q.prepare(ctx, r); err != nil {
		return nil, err
	}
	if err := q.inspect(ctx, body, r.Views); err != nil {
		return nil, err
	}
	var columns []Column
	for again := true; again; {
		begun := e.end.begun()
		var wrapped string
		if wrapped, columns, err = q.wrap(ctx, body, rows.max); err == nil {
			err = c.Raw(func(driverConn any) error {
				// The driver's rows, not those of database/sql: the result is complete when
				// they are there, and shall not end with the time that the query had.
				rows.res, err = driverConn.(*duckdb.Conn).QueryContext(ctx, wrapped, nil)
				return err
			})
			if err != nil {
				err = explain(err, body, len(open))
			}
		}
		again = e.end.again(ctx, err, begun)
	}
	if err != nil {
		return nil, err
	}
	rows.q, rows.columns, rows.raw = q, columns, make([]driver.Value, len(columns))
	rows.stats.Time = time.Since(start)
	rows.stats.profile(c)
	rows.stats.BytesScanned = -1
	if n, alone := e.watch.end(before); alone {
		rows.stats.BytesScanned = n
	}
	return rows, nil
}

// check holds a request to its limits.
func (r *Request) check() error {
	if len(r.Views) > maxViews {
		return &Error{Kind: KindRefused, Message: fmt.Sprintf("%d views, the limit is %d", len(r.Views), maxViews)}
	}
	for name, v := range r.Params {
		if s, ok := v.(string); ok && len(s) > maxParam {
			return &Error{Kind: KindRefused, Message: fmt.Sprintf("the parameter %s has %d bytes, the limit is %d", name, len(s), maxParam)}
		}
	}
	return nil
}

// running is a query on its connection.
type running struct {
	engine *Engine
	conn   *sql.Conn
	views  []View
	made   []string // statements that undo what was made
	now    bool
}

// prepare makes the views and binds the clock.
func (q *running) prepare(ctx context.Context, r Request) error {
	if q.now {
		at := quote(r.Now.UTC().Format("2006-01-02 15:04:05.999999"))
		for _, m := range []struct{ name, expr string }{
			{"now", "TIMESTAMP " + at}, {"today", "CAST(TIMESTAMP " + at + " AS DATE)"}, {"get_current_timestamp", "TIMESTAMP " + at},
			{"transaction_timestamp", "TIMESTAMP " + at}, {"current_date", "CAST(TIMESTAMP " + at + " AS DATE)"},
			{"current_localtimestamp", "TIMESTAMP " + at},
		} {
			if _, err := q.conn.ExecContext(ctx, fmt.Sprintf("CREATE TEMP MACRO %s() AS %s", ident(m.name), m.expr)); err != nil {
				return fmt.Errorf("bind the clock: %w", plain(err))
			}
			q.made = append(q.made, "DROP MACRO IF EXISTS temp."+ident(m.name))
		}
	}
	for _, v := range r.Views {
		if _, err := q.conn.ExecContext(ctx, "CREATE TEMP VIEW "+ident(v.Name)+" AS "+v.SQL); err != nil {
			return fmt.Errorf("view %s: %w", v.Name, plain(err))
		}
		q.made = append(q.made, "DROP VIEW IF EXISTS temp."+ident(v.Name))
	}
	return nil
}

// What a statement is put into: it stands on lines of its own, and its rows are
// counted out. What is inspected is the whole text that runs.
const (
	open    = "FROM (\n"
	closing = "\n)"
)

func (q *running) inspect(ctx context.Context, body string, views []View) error {
	known := func(name string) bool {
		return slices.ContainsFunc(views, func(v View) bool { return strings.EqualFold(v.Name, name) })
	}
	// Text that is one SELECT by itself is also what it seems to be in brackets.
	for _, text := range []string{body, open + body + closing} {
		tree, err := serialize(ctx, q.conn, text)
		if err != nil {
			return err
		}
		if _, err := outline(tree, text, known); err != nil {
			return err
		}
	}
	return nil
}

// wrap puts a statement into what turns its values into values of Go and counts
// its rows out.
func (q *running) wrap(ctx context.Context, body string, rows int) (string, []Column, error) {
	var columns []Column
	err := q.conn.Raw(func(driverConn any) error {
		stmt, err := driverConn.(*duckdb.Conn).PrepareContext(ctx, body)
		if err != nil {
			return err
		}
		defer stmt.Close() //nolint:errcheck // nothing was written
		s, ok := stmt.(*duckdb.Stmt)
		if !ok {
			return fmt.Errorf("the driver's statement is a %T", stmt)
		}
		n, err := s.ColumnCount()
		if err != nil {
			return err
		}
		for i := range n {
			name, err := s.ColumnName(i)
			if err != nil {
				return err
			}
			// A column of nothing but NULL has a type that the driver has no name for.
			typ := "NULL"
			if info, err := s.ColumnTypeInfo(i); err == nil {
				typ = typeName(info)
			}
			columns = append(columns, Column{Name: name, Type: typ})
		}
		return nil
	})
	if err != nil {
		return "", nil, explain(err, body, 0)
	}
	// The brackets around the statement make doubled names different; its own
	// names are what people are shown, so columns are taken by their place.
	var sel, names strings.Builder
	for i, c := range columns {
		if i > 0 {
			sel.WriteString(", ")
			names.WriteString(", ")
		}
		name := fmt.Sprintf("c%d", i)
		names.WriteString(name)
		expr, typ := shown(name, c.Type)
		columns[i].Type = typ
		sel.WriteString(expr)
	}
	return fmt.Sprintf("%s%s%s AS q(%s) SELECT %s LIMIT %d", open, body, closing, names.String(), sel.String(), rows+1), columns, nil
}

// shown is the expression that turns a column into something with a value in Go,
// and the type that is told.
func shown(name, typ string) (expr, told string) {
	switch {
	case typ == "JSON":
		return name + "::VARCHAR", "JSON"
	case strings.HasSuffix(typ, "]") || strings.HasPrefix(typ, "STRUCT") || strings.HasPrefix(typ, "MAP") || strings.HasPrefix(typ, "UNION") || typ == "LIST" || typ == "ARRAY" || typ == "VARIANT":
		return "to_json(" + name + ")::VARCHAR", "JSON"
	case typ == "TIMESTAMPTZ":
		return "(" + name + " AT TIME ZONE 'UTC')", "TIMESTAMP"
	case strings.HasPrefix(typ, "TIMESTAMP"):
		return name + "::TIMESTAMP", "TIMESTAMP"
	case strings.HasPrefix(typ, "DECIMAL"), typ == "HUGEINT", typ == "UHUGEINT", typ == "BIGNUM":
		return name + "::VARCHAR", typ
	case typ == "BOOLEAN", typ == "VARCHAR", typ == "DOUBLE", typ == "FLOAT", strings.HasSuffix(typ, "INT"), typ == "INTEGER":
		return name, typ
	case typ == "BLOB":
		return "to_base64(" + name + ")", "BLOB"
	}
	return name + "::VARCHAR", typ
}

// end gives the connection back with nothing of the query on it.
func (q *running) end() error {
	var err error
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, s := range slices.Backward(q.made) {
		if _, dropErr := q.conn.ExecContext(ctx, s); dropErr != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", s, plain(dropErr)))
		}
	}
	q.engine.free <- q.conn
	return err
}
