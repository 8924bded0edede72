package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
)

// session is one connection with what is prepared on it. It is used by one transaction
// at a time.
type session struct {
	conn  *sql.Conn
	d     *dialect
	texts *sync.Map           // PostgreSQL: statements as it takes them, by how they are written here
	known map[known]*prepared // SQLite; pgx keeps prepared statements by itself
}

// mostKnown bounds the prepared statements of a connection. There are fewer, but lists are
// asked for in many forms.
const mostKnown = 600

type prepared struct {
	stmt *sql.Stmt
	text string
}

// known names a statement: its text as it is written here, and for how many rows.
type known struct {
	text string
	rows int
}

func (db *DB) newSession(conn *sql.Conn) *session {
	return &session{conn: conn, d: db.dialect, texts: &db.texts, known: map[known]*prepared{}}
}

// prepared returns the statement for a text, which whole writes when it is met first.
func (s *session) prepared(ctx context.Context, k known, whole func() string) (*sql.Stmt, error) {
	if p := s.known[k]; p != nil {
		return p.stmt, nil
	}
	if len(s.known) >= mostKnown {
		for k, p := range s.known {
			p.stmt.Close() //nolint:errcheck // its connection may be gone
			delete(s.known, k)
		}
	}
	text := whole()
	stmt, err := s.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s.known[k] = &prepared{stmt, text}
	return stmt, nil
}

func (s *session) text(q string) string {
	if t, ok := s.texts.Load(q); ok {
		return t.(string)
	}
	t := s.d.statement(q)
	s.texts.Store(q, t)
	return t
}

func (s *session) exec(ctx context.Context, q string, args ...any) (int64, error) {
	var res sql.Result
	var err error
	if s.d.postgres {
		res, err = s.conn.ExecContext(ctx, s.text(q), args...)
	} else {
		var stmt *sql.Stmt
		if stmt, err = s.prepared(ctx, known{q, -1}, func() string { return s.d.statement(q) }); err == nil {
			res, err = stmt.ExecContext(ctx, args...)
		}
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (s *session) query(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	if s.d.postgres {
		return s.conn.QueryContext(ctx, s.text(q), args...)
	}
	stmt, err := s.prepared(ctx, known{q, -1}, func() string { return s.d.statement(q) })
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// plain runs a text as it stands: BEGIN, COMMIT, a migration.
func (s *session) plain(ctx context.Context, q string) error {
	_, err := s.conn.ExecContext(ctx, q)
	return err
}

// discard closes the connection instead of giving it back to the pool.
func (s *session) discard() {
	s.conn.Raw(func(any) error { return driver.ErrBadConn }) //nolint:errcheck // it tells the pool not to use the connection again
	s.conn.Close()                                           //nolint:errcheck // see above
}

func (s *session) close() error {
	var errs []error
	for _, p := range s.known {
		errs = append(errs, p.stmt.Close())
	}
	errs = append(errs, s.conn.Close())
	err := errors.Join(errs...)
	if errors.Is(err, sql.ErrConnDone) {
		return nil
	}
	return err
}
