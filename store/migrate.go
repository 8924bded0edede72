package store

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema. A released one never changes: its checksum is in
// every database that it made.
type migration struct {
	n        int
	name     string
	text     string
	checksum string
}

// migrations returns the steps in order.
func migrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var all []migration
	for i, name := range names { // Glob sorts
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		m := migration{n: i + 1, name: strings.TrimPrefix(name, "migrations/"), text: string(text)}
		if !strings.HasPrefix(m.name, fmt.Sprintf("%04d_", m.n)) {
			return nil, fmt.Errorf("migration %s: want number %d next", m.name, m.n)
		}
		sum := sha256.Sum256(text)
		m.checksum = hex.EncodeToString(sum[:])
		all = append(all, m)
	}
	return all, nil
}

const migrationTable = `CREATE TABLE IF NOT EXISTS migration (
	n BIGINT NOT NULL PRIMARY KEY,
	name TEXT NOT NULL,
	checksum TEXT NOT NULL,
	at BIGINT NOT NULL
)`

// migrate brings the schema up to this version. Whoever comes first does it, in one
// transaction; others wait for it and find it done.
func (db *DB) migrate(ctx context.Context) error {
	all := db.steps
	done, err := db.migrated(ctx, all)
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if done == len(all) {
		if db.mode != Serve || done < listStep {
			return nil
		}
		if err := db.catchUp(ctx); err != nil { // what an earlier process did not end
			return fmt.Errorf("lists: %w", err)
		}
		return nil
	}
	if db.mode == ReadOnly || db.mode == Shared {
		state := fmt.Sprintf("the database is of an older version (%d of %d)", done, len(all))
		if done == 0 {
			state = "the database has no tables yet"
		}
		if db.dialect.postgres || db.mode == ReadOnly {
			return fmt.Errorf("schema: %s (hint: start `yagura serve` of this version once)", state)
		}
		// Only where nobody serves may a command bring the schema up.
		lock, err := lockDir(filepath.Join(db.dir, lockFile))
		if err != nil {
			return fmt.Errorf("schema: %s: %w", state, err)
		}
		defer lock.Close() //nolint:errcheck // closing gives the lock free
	}
	err = db.raw(ctx, func(ctx context.Context, s *session) error {
		if err := db.lockSchema(ctx, s); err != nil {
			return err
		}
		if err := s.plain(ctx, migrationTable); err != nil {
			return err
		}
		done, err := appliedMigrations(ctx, s, all)
		if err != nil {
			return err
		}
		return db.apply(ctx, s, all[done:])
	})
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if len(all) >= listStep {
		if err := db.catchUp(ctx); err != nil {
			return fmt.Errorf("lists: %w", err)
		}
	}
	return nil
}

// apply runs steps of the schema in the transaction of s.
func (db *DB) apply(ctx context.Context, s *session, steps []migration) error {
	for _, m := range steps {
		for _, q := range statements(db.dialect.schema.Replace(m.text)) {
			if err := s.plain(ctx, q); err != nil {
				return fmt.Errorf("migration %s: %w", m.name, err)
			}
		}
		if _, err := s.exec(ctx, "INSERT INTO migration (n, name, checksum, at) VALUES (?, ?, ?, ?)", int64(m.n), m.name, m.checksum, ns(db.now())); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	return nil
}

// statements cuts a migration at the semicolons that end a line. Our own files hold none
// within a statement.
func statements(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ";\n") {
		lines := strings.Split(part, "\n")
		empty := true
		for _, l := range lines {
			if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "--") {
				empty = false
			}
		}
		if !empty {
			out = append(out, part)
		}
	}
	return out
}

// migrated says how many steps the database has, without writing to it.
func (db *DB) migrated(ctx context.Context, all []migration) (done int, err error) {
	err = db.View(ctx, func(ctx context.Context, tx *Tx) error {
		q := "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'migration'"
		if db.dialect.postgres {
			q = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'migration'"
		}
		var there int64
		if err := tx.one(ctx, q, nil, &there); err != nil {
			return err
		}
		if there == 0 {
			return nil
		}
		done, err = appliedMigrations(ctx, tx.s, all)
		return err
	})
	return done, err
}

// appliedMigrations says how many steps the database has, and refuses one that was made
// by other steps than ours.
func appliedMigrations(ctx context.Context, s *session, all []migration) (int, error) {
	rows, err := s.query(ctx, "SELECT n, name, checksum FROM migration ORDER BY n")
	if err != nil {
		return 0, err
	}
	defer rows.Close() //nolint:errcheck // it is only read
	done := 0
	for rows.Next() {
		var n int
		var name, checksum string
		if err := rows.Scan(&n, &name, &checksum); err != nil {
			return 0, err
		}
		done++
		switch {
		case n != done:
			return 0, fmt.Errorf("migration %d is missing from the database", done)
		case n > len(all):
			return 0, fmt.Errorf("the database is newer than this program: it has migration %s, this program knows %d (hint: use the newer version, or restore a backup)", name, len(all))
		case all[n-1].checksum != checksum:
			return 0, fmt.Errorf("migration %s is not the one that made this database (hint: a released migration was changed; use the program that made it)", name)
		}
	}
	return done, errors.Join(rows.Err(), rows.Close())
}
