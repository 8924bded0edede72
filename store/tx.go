package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura"
)

// Tx is a transaction. It is used by one goroutine, within the function it was handed to.
type Tx struct {
	db    *DB
	s     *session
	write bool
	now   time.Time
	wrote bool  // whether there is anything to commit
	err   error // of the first statement that failed: nothing can be committed any more
	late  late
	audit []yagura.Audit // lines that are written just before the commit
}

// Now returns the time at which the transaction began.
func (tx *Tx) Now() time.Time { return tx.now }

// errReadOnly is what a change within View gets.
var errReadOnly = errors.New("a change in a transaction that only reads")

// fail remembers that a statement failed.
func (tx *Tx) fail(err error) error {
	if err != nil && tx.err == nil {
		tx.err = err
	}
	return err
}

// ready says whether the next statement may run, and with which context. SQLite works in
// this process: a statement of it ends soon, and one that is broken off would cost the
// connection, so contexts are asked between statements.
func (tx *Tx) ready(ctx context.Context) (context.Context, error) {
	if tx.err != nil {
		return ctx, tx.err
	}
	if err := ctx.Err(); err != nil {
		return ctx, tx.fail(err)
	}
	if !tx.s.d.postgres {
		ctx = context.WithoutCancel(ctx)
	}
	return ctx, nil
}

// exec runs a statement and returns the number of rows that it changed.
func (tx *Tx) exec(ctx context.Context, q string, args ...any) (int64, error) {
	ctx, err := tx.ready(ctx)
	if err != nil {
		return 0, err
	}
	if !tx.write {
		return 0, tx.fail(errReadOnly)
	}
	n, err := tx.s.exec(ctx, q, args...)
	tx.wrote = tx.wrote || n > 0
	return n, tx.fail(err)
}

// one reads the one row of a query, or returns [ErrNotFound], which does not end the
// transaction.
func (tx *Tx) one(ctx context.Context, q string, args []any, dest ...any) error {
	found := false
	err := tx.each(ctx, q, args, func(rows *sql.Rows) error {
		found = true
		return rows.Scan(dest...)
	})
	if err == nil && !found {
		return ErrNotFound
	}
	return err
}

// each reads all rows of a query. scan must run no other statement.
func (tx *Tx) each(ctx context.Context, q string, args []any, scan func(*sql.Rows) error) error {
	ctx, err := tx.ready(ctx)
	if err != nil {
		return err
	}
	rows, err := tx.s.query(ctx, q, args...)
	if err != nil {
		return tx.fail(err)
	}
	return tx.fail(drain(rows, scan))
}

func drain(rows *sql.Rows, scan func(*sql.Rows) error) error {
	defer rows.Close() //nolint:errcheck // it is only read
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// Update runs fn in one write transaction and commits it durably. fn may run again and
// must have no effects outside tx. It runs again as long as ctx lives when a lock, the
// server or the connection was not to be had, and a few times when another transaction
// made the same rows first.
func (db *DB) Update(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	if db.mode == ReadOnly {
		return fmt.Errorf("store: %w", errReadOnly)
	}
	return db.again(ctx, func() error {
		return db.once(ctx, func(ctx context.Context, s *session) (bool, error) {
			tx := &Tx{db: db, s: s, write: true, now: db.now()}
			err := fn(ctx, tx)
			if tx.err == nil && err == nil {
				err = tx.flush(ctx)
			}
			if tx.err == nil && err == nil {
				err = tx.flushAudit(ctx)
			}
			if tx.err != nil {
				err = &ended{tx.err, err}
			}
			return tx.wrote, err
		})
	})
}

// ended is the error of a transaction that a statement ended: what fn made of it is what
// people read, the statement's own error is what decides whether it runs again.
type ended struct{ cause, said error }

func (e *ended) Error() string {
	if e.said != nil {
		return e.said.Error()
	}
	return e.cause.Error()
}

func (e *ended) Unwrap() []error {
	if e.said == nil {
		return []error{e.cause}
	}
	return []error{e.cause, e.said}
}

// raw runs fn in a write transaction on the bare connection, again where Update would.
func (db *DB) raw(ctx context.Context, fn func(ctx context.Context, s *session) error) error {
	return db.again(ctx, func() error {
		return db.once(ctx, func(ctx context.Context, s *session) (bool, error) { return true, fn(ctx, s) })
	})
}

// View runs fn on one snapshot of the database.
func (db *DB) View(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	if err := db.use.enter(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer db.use.leave()
	var s *session
	err := db.again(ctx, func() (err error) {
		if s, err = db.reader(ctx); err != nil {
			return err
		}
		begin := "BEGIN"
		if db.dialect.postgres {
			begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
		}
		if err = s.plain(ctx, begin); err != nil {
			db.giveReader(s, false)
		}
		return err
	})
	if err != nil {
		return err
	}
	clean := false
	defer func() { db.giveReader(s, clean) }()
	tx := &Tx{db: db, s: s, now: db.now()}
	err = fn(ctx, tx)
	clean = rollback(ctx, s) == nil
	if err == nil {
		err = tx.err
	}
	return err
}

// rollback ends a transaction whose context may be over.
func rollback(ctx context.Context, s *session) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return s.plain(ctx, "ROLLBACK")
}

// once runs fn in one write transaction, one time. fn says whether it wrote anything.
func (db *DB) once(ctx context.Context, fn func(ctx context.Context, s *session) (wrote bool, err error)) error {
	if err := db.use.enter(); err != nil {
		return err
	}
	defer db.use.leave()
	s, err := db.writer(ctx)
	if err != nil {
		return err
	}
	clean := false // whether the connection can be used again
	defer func() { db.giveWriter(s, clean) }()
	if db.dialect.postgres {
		err = s.plain(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
	} else if err = db.beginSQLite(ctx, s); err != nil {
		clean = true // nothing was begun
	}
	if err != nil {
		return err
	}
	wrote, err := fn(ctx, s)
	if err != nil {
		clean = rollback(ctx, s) == nil
		return err
	}
	if db.dialect.postgres && wrote {
		clean, err = db.commitPostgres(ctx, s)
		return err
	}
	// A commit of SQLite is not broken off half way.
	if err := s.plain(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		clean = rollback(ctx, s) == nil
		return err
	}
	clean = true
	return nil
}

// writer and reader take a session, giveWriter and giveReader give it back.

func (db *DB) writer(ctx context.Context) (*session, error) {
	if db.dialect.postgres {
		return db.postgresSession(ctx)
	}
	return db.takeSQLite(ctx, db.turn, true)
}

func (db *DB) reader(ctx context.Context) (*session, error) {
	if db.dialect.postgres {
		return db.postgresSession(ctx)
	}
	return db.takeSQLite(ctx, db.reads, false)
}

func (db *DB) giveWriter(s *session, clean bool) { db.give(db.turn, s, clean) }
func (db *DB) giveReader(s *session, clean bool) { db.give(db.reads, s, clean) }

func (db *DB) takeSQLite(ctx context.Context, from chan *session, write bool) (*session, error) {
	select {
	case s := <-from:
		if s != nil {
			return s, nil
		}
		s, err := db.sqliteSession(ctx, write)
		if err != nil {
			from <- nil
			return nil, err
		}
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (db *DB) give(to chan *session, s *session, clean bool) {
	switch {
	case !clean:
		s.discard()
		if to != nil {
			to <- nil
		}
	case db.dialect.postgres:
		s.conn.Close() //nolint:errcheck // the connection is broken already
	default:
		to <- s
	}
}
