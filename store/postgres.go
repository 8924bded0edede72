package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// oldestPostgres is the oldest version that the tests run on.
const oldestPostgres = 150000

func (db *DB) openPostgres(ctx context.Context, o Options) error {
	db.dialect = postgresDialect
	if o.Mode == Serve && o.Dir != "" {
		// The folder holds the name of this replica and its event keys: they are of one process.
		lock, err := lockDir(filepath.Join(o.Dir, lockFile))
		if err != nil {
			return fmt.Errorf("%s: %w", o.Dir, err)
		}
		db.lock = lock
	}
	config, err := pgx.ParseConfig(o.URL)
	if err != nil {
		// pgx's own text masks the password only in forms that it can read.
		return errors.New("the postgres:// URL cannot be read (hint: postgres://user:password@host:5432/database?sslmode=verify-full)")
	}
	for name, value := range map[string]string{
		"application_name": "yagura",
		// A commit is on the disk when it is answered, whatever the server's default is.
		"synchronous_commit": "on",
		// Locks of a replica that vanished are not held for the two hours of TCP.
		"idle_in_transaction_session_timeout": "60000",
		"tcp_keepalives_idle":                 "15",
		"tcp_keepalives_interval":             "5",
		"tcp_keepalives_count":                "3",
		// A plan that was made when a table was empty walks through it when it is large.
		"plan_cache_mode": "force_custom_plan",
		// Every statement looks up few rows by an index, on disks that have no arm to move.
		"random_page_cost": "1.1",
		"jit":              "off",
		"timezone":         "UTC",
	} {
		if _, set := config.RuntimeParams[name]; !set || name == "synchronous_commit" {
			config.RuntimeParams[name] = value
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	db.pool = stdlib.OpenDB(*config)
	db.pool.SetMaxOpenConns(16)
	db.pool.SetMaxIdleConns(8)
	db.pool.SetConnMaxIdleTime(5 * time.Minute)
	var version int
	var encoding, schema string
	if err := db.pool.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), coalesce(current_schema(), '')`).
		Scan(&version, &encoding, &schema); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	switch {
	case version < oldestPostgres:
		return fmt.Errorf("postgres: the server is version %d, want 15 or later", version/10000)
	case encoding != "UTF8":
		return fmt.Errorf("postgres: the database is encoded in %s (hint: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0)", encoding)
	case schema == "":
		return errors.New("postgres: search_path names no schema that exists (hint: CREATE SCHEMA yagura AUTHORIZATION …)")
	}
	if err := db.migrate(ctx); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if o.Mode == ReadOnly {
		return nil
	}
	if o.Mode == Serve {
		if err := db.takeName(ctx, o.Patience); err != nil {
			return fmt.Errorf("postgres: %w", err)
		}
	}
	return nil
}

// lockSchema makes replicas that start at once change the schema one after the other.
func (db *DB) lockSchema(ctx context.Context, s *session) error {
	if !db.dialect.postgres {
		return nil // BEGIN IMMEDIATE did
	}
	_, err := s.exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('yagura/' || current_schema(), 0))")
	return err
}

func (db *DB) postgresSession(ctx context.Context) (*session, error) {
	conn, err := db.pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return db.newSession(conn), nil
}

// commitPostgres commits. When the answer is lost it looks up what became of the
// transaction: each writer has one row that says which transaction it committed last.
// The look-up waits for the row as long as the server still works on the commit.
func (db *DB) commitPostgres(ctx context.Context, s *session) (clean bool, err error) {
	sl := db.slots.take()
	sl.last++
	n := int64(1)
	if c := db.claim; c == nil {
		_, err = s.exec(ctx, `INSERT INTO commit_mark (slot, tx, at) VALUES (?, ?, ?)
			ON CONFLICT (slot) DO UPDATE SET tx = excluded.tx, at = excluded.at`, sl.name, sl.last, ns(db.now()))
	} else {
		// Whoever takes the name waits for the share, so none commits under it afterwards.
		n, err = s.exec(ctx, `INSERT INTO commit_mark (slot, tx, at) SELECT ?::text, ?::bigint, ?::bigint
			WHERE EXISTS (SELECT 1 FROM commit_mark WHERE slot = ? AND tx = ? FOR SHARE)
			ON CONFLICT (slot) DO UPDATE SET tx = excluded.tx, at = excluded.at`, sl.name, sl.last, ns(db.now()), c.slot, c.n)
	}
	if err == nil && n == 0 {
		err = db.claim.lose()
	}
	if err != nil {
		db.slots.give(sl)
		return rollback(ctx, s) == nil, err
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	var tag pgconn.CommandTag
	err = s.conn.Raw(func(c any) (err error) {
		tag, err = c.(*stdlib.Conn).Conn().Exec(within, "COMMIT")
		return err
	})
	var e *pgconn.PgError
	switch {
	case err == nil && tag.String() == "COMMIT":
		db.slots.give(sl)
		return true, nil
	case err == nil:
		db.slots.give(sl)
		return true, fmt.Errorf("the transaction had failed: %s", tag)
	case pgconn.SafeToRetry(err), errors.As(err, &e) && e.Severity == "ERROR" && e.Code != "40003":
		db.slots.give(sl)
		return rollback(ctx, s) == nil, err
	}
	s.discard()
	done, err := db.committed(ctx, sl, err)
	if err != nil {
		return false, err // the slot is not used again
	}
	db.slots.give(sl)
	if done {
		return false, nil
	}
	return false, driver.ErrBadConn
}

// committed finds out whether the last transaction of a slot was committed.
func (db *DB) committed(ctx context.Context, sl *slot, cause error) (bool, error) {
	within, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(db.grace, cancel) })
	defer stop()
	var last int64
	err := db.again(within, func() error {
		s, err := db.postgresSession(within)
		if err != nil {
			return err
		}
		defer db.give(nil, s, false)
		if err := s.plain(within, "BEGIN"); err != nil {
			return err
		}
		rows, err := s.query(within, `INSERT INTO commit_mark (slot, tx, at) VALUES (?, 0, 0)
			ON CONFLICT (slot) DO UPDATE SET at = commit_mark.at RETURNING tx`, sl.name)
		if err != nil {
			return err
		}
		if err := drain(rows, func(rows *sql.Rows) error { return rows.Scan(&last) }); err != nil {
			return err
		}
		return s.plain(within, "ROLLBACK")
	})
	if err != nil {
		return false, fmt.Errorf("%w: %w (looked up: %w)", ErrInDoubt, cause, err)
	}
	return last == sl.last, nil
}

func classifyPostgres(err error) trouble {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch {
		case e.Code == "40001", e.Code == "40P01", e.Code == "55P03", e.Code == "23505":
			return raced
		case e.Code == "53300", // too many connections
			e.Code == "57P01", e.Code == "57P02", e.Code == "57P03", e.Code == "57P05", // shut down, starting up, idle for too long
			e.Code == "25P03", // idle in a transaction for too long
			e.Code == "25006", // a standby: the other server takes over
			strings.HasPrefix(e.Code, "08"):
			return broken
		}
		return fatal
	}
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connect):
		// A password that is refused is a PgError within it, handled above as fatal.
		return broken
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.As(err, &network),
		errors.Is(err, sql.ErrConnDone), pgconn.SafeToRetry(err):
		return broken
	case strings.Contains(err.Error(), "conn closed"): // pgx has no name for it
		return broken
	}
	return fatal
}
