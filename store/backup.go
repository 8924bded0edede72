package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// A backup is lines of JSON, compressed with zstd: a head, for each table its name and
// columns, its rows as arrays and how many they were, at the end the SHA-256 of all lines
// before it. Numbers are numbers, text is as columns hold it, bytes are base64. It is the
// same for both dialects.

const (
	backupFormat  = "yagura-backup"
	backupVersion = 1
)

type backupHead struct {
	Format  string    `json:"format"`
	V       int       `json:"v"`
	Schema  int       `json:"schema"` // migrations that the database had
	Dialect string    `json:"dialect"`
	At      time.Time `json:"at"`
}

type backupTable struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
	Kinds   string   `json:"kinds"` // of each column: t text, i integer, b bytes
}

type backupRows struct {
	Rows int64 `json:"rows"`
}

type backupEnd struct {
	End    bool   `json:"end"`
	Tables int    `json:"tables"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"`
}

// ours are the tables that a backup leaves out: they are of one database.
var ours = []string{"migration", "commit_mark"}

// derived are the tables that follow from others. A backup leaves them out, and a restore makes
// them again.
var derived = []string{"issue_fact", "issue_value", "issue_text", "issue_gram", "finding_new", "finding_block", "finding_piece", "finding_shelf", "finding_again", "finding_value", "finding_hour", "finding_day"}

// kept reports whether a table belongs to a backup. SQLite has tables of its own below that of
// its index of texts.
func kept(table string) bool {
	return !slices.Contains(ours, table) && !slices.Contains(derived, table) && !strings.HasPrefix(table, "issue_gram_")
}

// tables describes the tables of the database, by name.
func (tx *Tx) tables(ctx context.Context) ([]backupTable, error) {
	q := `SELECT m.name, p.name, upper(p.type) FROM sqlite_master m JOIN pragma_table_info(m.name) p
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, p.cid`
	if tx.s.d.postgres {
		q = `SELECT table_name::text, column_name::text, upper(data_type) FROM information_schema.columns
			WHERE table_schema = current_schema() ORDER BY table_name COLLATE "C", ordinal_position`
	}
	var out []backupTable
	err := tx.each(ctx, q, nil, func(rows *sql.Rows) error {
		var table, column, kind string
		if err := rows.Scan(&table, &column, &kind); err != nil {
			return err
		}
		if !kept(table) {
			return nil
		}
		if n := len(out); n == 0 || out[n-1].Table != table {
			out = append(out, backupTable{Table: table})
		}
		t := &out[len(out)-1]
		t.Columns = append(t.Columns, column)
		switch {
		case kind == "TEXT":
			t.Kinds += "t"
		case strings.Contains(kind, "INT"):
			t.Kinds += "i"
		case kind == "BLOB", kind == "BYTEA":
			t.Kinds += "b"
		default:
			return fmt.Errorf("table %s: column %s is of type %s", table, column, kind)
		}
		return nil
	})
	return out, err
}

// lineWriter writes lines, and knows the hash of what it wrote.
type lineWriter struct {
	w   *bufio.Writer
	sum hash.Hash
}

func (l *lineWriter) put(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	l.sum.Write(line)
	_, err = l.w.Write(line)
	return err
}

// Backup writes one consistent snapshot of everything. The database is used meanwhile;
// SQLite's log grows until the backup ends.
func (db *DB) Backup(ctx context.Context, w io.Writer) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	lines := &lineWriter{bufio.NewWriterSize(z, 64<<10), sha256.New()}
	err = db.View(ctx, func(ctx context.Context, tx *Tx) error { return tx.backup(ctx, lines) })
	if err == nil {
		err = lines.w.Flush()
	}
	if err != nil {
		// Without its end the stream is no backup.
		_ = z.Close()
		return fmt.Errorf("store: backup: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	return nil
}

func (tx *Tx) backup(ctx context.Context, lines *lineWriter) error {
	done, err := appliedMigrations(ctx, tx.s, tx.db.steps)
	if err != nil {
		return err
	}
	if err := lines.put(backupHead{backupFormat, backupVersion, done, tx.s.d.name, tx.now.UTC()}); err != nil {
		return err
	}
	tables, err := tx.tables(ctx)
	if err != nil {
		return err
	}
	all := int64(0)
	for _, t := range tables {
		if err := lines.put(t); err != nil {
			return err
		}
		n, err := tx.backupTable(ctx, t, lines)
		if err != nil {
			return fmt.Errorf("table %s: %w", t.Table, err)
		}
		if err := lines.put(backupRows{n}); err != nil {
			return err
		}
		all += n
	}
	return lines.put(backupEnd{true, len(tables), all, hex.EncodeToString(lines.sum.Sum(nil))})
}

func (tx *Tx) backupTable(ctx context.Context, t backupTable, lines *lineWriter) (n int64, err error) {
	values := make([]any, len(t.Columns))
	row := make([]any, len(t.Columns))
	for i, kind := range t.Kinds {
		switch kind {
		case 't':
			values[i] = new(string)
		case 'i':
			values[i] = new(int64)
		default:
			values[i] = new(sql.RawBytes)
		}
	}
	err = tx.each(ctx, `SELECT `+strings.Join(t.Columns, ", ")+` FROM `+t.Table, nil, func(rows *sql.Rows) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := rows.Scan(values...); err != nil {
			return err
		}
		for i, v := range values {
			switch v := v.(type) {
			case *string:
				row[i] = *v
			case *int64:
				row[i] = *v
			case *sql.RawBytes:
				row[i] = append([]byte{}, *v...) // never null
			}
		}
		n++
		return lines.put(row)
	})
	return n, err
}
