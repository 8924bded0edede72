package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The file names in Options.Dir.
const (
	sqliteFile = "yagura.db"
	lockFile   = "yagura.lock"
	lineFile   = "yagura.line"
)

// readers is how many transactions read SQLite at once.
const readers = 4

func (db *DB) openSQLite(ctx context.Context, o Options) error {
	db.dialect = sqliteDialect
	if o.Dir == "" {
		return errors.New("no directory for SQLite (hint: set the data directory, or a postgres:// URL)")
	}
	path := filepath.Join(o.Dir, sqliteFile)
	if o.Mode != Serve {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("%w (hint: `yagura serve` makes it)", err)
		}
	} else if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return err
	}
	if !o.AcceptLoss {
		for _, p := range []string{o.Dir, path} {
			if err := checkFilesystem(p); err != nil {
				return err
			}
		}
	}
	if o.Mode == Serve {
		lock, err := lockDir(filepath.Join(o.Dir, lockFile))
		if err != nil {
			return fmt.Errorf("%s: %w", o.Dir, err)
		}
		db.lock = lock
	}
	// fdatasync makes a commit as durable as fsync does, without the time stamps.
	// Where it is not to be had, fsync stays.
	_, _ = sqlite.Fdatasync(true)
	synchronous := "synchronous(FULL)"
	if o.Unsynced {
		synchronous = "synchronous(OFF)"
	}
	v := url.Values{"_pragma": {"busy_timeout(2000)", "journal_mode(WAL)", synchronous, "foreign_keys(OFF)",
		"temp_store(MEMORY)", "journal_size_limit(67108864)", "wal_autocheckpoint(4000)", "trusted_schema(OFF)"}}
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+v.Encode())
	if err != nil {
		return err
	}
	db.pool = pool
	pool.SetMaxOpenConns(1 + readers)
	pool.SetMaxIdleConns(1 + readers)
	db.turn = make(chan *session, 1)
	db.turn <- nil
	db.reads = make(chan *session, readers)
	for range readers {
		db.reads <- nil
	}
	if o.Mode != ReadOnly {
		if db.line, err = openLine(filepath.Join(o.Dir, lineFile)); err != nil {
			return err
		}
	}
	if o.Mode == Serve {
		// The database holds what nobody else should read, so it is made here. One that is
		// there is not opened: closing it would give up all locks of the process on it.
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			err = f.Close()
		}
		if err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return db.migrate(ctx)
}

// sqliteSession makes a session; a writing one has the larger cache. A page costs about
// twice its size in memory.
func (db *DB) sqliteSession(ctx context.Context, write bool) (*session, error) {
	conn, err := db.pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := db.newSession(conn)
	pragma := "PRAGMA cache_size = -2000; PRAGMA query_only = 1"
	if write {
		pragma = "PRAGMA cache_size = -8000; PRAGMA query_only = 0; PRAGMA busy_timeout = 0"
	}
	if err := s.plain(ctx, pragma); err != nil {
		s.discard()
		return nil, err
	}
	return s, nil
}

// The patience of processes with each other.
const (
	mostCourtesy = 100 * time.Millisecond // how long one that comes lets those go first who wait
	mostWaiting  = 2 * time.Second        // how long one waits before it says so
	turnPoll     = 2 * time.Millisecond
)

// beginSQLite takes the write lock. Within a process transactions take turns anyway; other
// processes (a command line verb beside the server) would hardly ever get it from one that
// writes all the time, so each lets those go first who wait.
func (db *DB) beginSQLite(ctx context.Context, s *session) error {
	pause := func(d time.Duration) error {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for start := time.Now(); db.line.others() && time.Since(start) < mostCourtesy; {
		if err := pause(2 * turnPoll); err != nil {
			return err
		}
	}
	begin := func() error { return s.plain(context.WithoutCancel(ctx), "BEGIN IMMEDIATE") }
	err := begin()
	if err == nil || classifySQLite(err) != busy {
		return err
	}
	db.line.enter()
	defer db.line.leave()
	for start := time.Now(); classifySQLite(err) == busy && time.Since(start) < mostWaiting; err = begin() {
		if err := pause(turnPoll/2 + rand.N(turnPoll)); err != nil { //nolint:gosec // chance, not a secret
			return err
		}
	}
	return err
}

func classifySQLite(err error) trouble {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return fatal
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return busy
	}
	return fatal
}
