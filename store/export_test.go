package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
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

// PutOldIssue and PutOldFinding write rows as they were before there were tables for lists.
func (tx *Tx) PutOldIssue(ctx context.Context, x *yagura.Issue, note string) error {
	cols, err := issueColumns([]*yagura.Issue{x})
	if err != nil {
		return err
	}
	if _, err := tx.many(ctx, `INSERT INTO issue (id, cause_key, version, status, severity, account, rule_id, umbrella, updated, search, body)
		SELECT id, cause_key, version, status, severity, account, rule_id, umbrella, updated, search, body FROM d`, cols, nil); err != nil {
		return err
	}
	body, err := json.Marshal(yagura.Entry{IssueID: x.ID, Seq: 1, What: yagura.EntryNote, Text: note})
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `INSERT INTO entry (issue_id, seq, body) VALUES (?, 1, ?)`, x.ID, body); err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO issue_tally (issue_id, findings, first_seen, last_seen, entries) VALUES (?, 1, 1, 1, 1)`, x.ID)
	return err
}

func (tx *Tx) PutOldFinding(ctx context.Context, f yagura.Filed) error {
	r, err := newFindingRow(f.Finding.ID, 0, &f)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO finding (id, issue_id, episode, severity, rule_id, suppressed, generation, seen, clauses, digest, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, r.id, f.IssueID, f.Episode, int64(f.Severity), f.Finding.Rule.ID, 0, f.Generation, ns(f.Seen), r.clauses, r.digest, r.body)
	return err
}
