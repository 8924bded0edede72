package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"strings"
	"time"
)

// OpenWith opens a database with the migrations of files instead of the program's own.
func OpenWith(ctx context.Context, o Options, files fs.FS) (*DB, error) {
	steps, err := migrations(files)
	if err != nil {
		return nil, err
	}
	return open(ctx, o, steps)
}

// MigrationFiles are the program's own.
var MigrationFiles fs.FS = migrationFiles

// Checksums returns the checksums of the program's migrations by name.
func Checksums() (map[string]string, error) {
	steps, err := migrations(migrationFiles)
	out := map[string]string{}
	for _, m := range steps {
		out[m.name] = m.checksum
	}
	return out, err
}

// Explain calls yield with the plan of every statement that fn runs. SQLite only.
func (db *DB) Explain(ctx context.Context, fn func(ctx context.Context, tx *Tx) error, yield func(statement, step string)) error {
	return db.Update(ctx, func(ctx context.Context, tx *Tx) error {
		if err := fn(ctx, tx); err != nil {
			return err
		}
		if err := tx.flush(ctx); err != nil {
			return err
		}
		for k, p := range tx.s.known {
			rows, err := tx.s.conn.QueryContext(ctx, "EXPLAIN QUERY PLAN "+p.text, make([]any, strings.Count(p.text, "?"))...)
			if err != nil {
				return err
			}
			for rows.Next() {
				var id, parent, unused int
				var step string
				if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
					return err
				}
				yield(k.text, step)
			}
			if err := rows.Err(); err != nil {
				return err
			}
			rows.Close()
		}
		return nil
	})
}

// SetGrace sets how long a commit without an answer is looked up after the context ended.
func (db *DB) SetGrace(d time.Duration) { db.grace = d }

// TryRestore reads the lines of a backup as Restore does, and takes everything back.
func (db *DB) TryRestore(ctx context.Context, r io.Reader) (err error) {
	back := errors.New("taken back")
	if got := db.once(ctx, func(ctx context.Context, s *session) (bool, error) {
		tx := &Tx{db: db, s: s, write: true, now: db.now()}
		err = tx.restore(ctx, &lineReader{r: bufio.NewReader(r), sum: sha256.New()})
		return false, back
	}); got != back {
		return got
	}
	return err
}

// Beat has the lock on the replica's name looked after now.
func (db *DB) Beat() {
	select {
	case db.claim.wake <- struct{}{}:
	default:
	}
}

// Meddle runs a statement as somebody would who has the database in hand.
func (tx *Tx) Meddle(ctx context.Context, q string) error {
	_, err := tx.exec(ctx, q)
	return err
}
