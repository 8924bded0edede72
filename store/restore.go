package store

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// The bounds of what a restore takes.
const (
	mostLine      = 64 << 20 // one row
	restoreRows   = 500      // rows that are written at once
	restoreBytes  = 4 << 20
	restoreMemory = 64 << 20
)

// lineReader reads lines, and knows the hash of what it read.
type lineReader struct {
	r   *bufio.Reader
	sum hash.Hash
	n   int
	buf []byte
}

// next returns the next line, which stands until the one after it is read.
func (l *lineReader) next() ([]byte, error) {
	l.buf = l.buf[:0]
	l.n++
	for {
		part, err := l.r.ReadSlice('\n')
		if len(l.buf)+len(part) > mostLine {
			return nil, fmt.Errorf("line %d is longer than %d MB", l.n, mostLine>>20)
		}
		l.buf = append(l.buf, part...)
		if err == nil {
			return l.buf, nil
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("line %d: %w (hint: the backup is cut short)", l.n, err)
	}
}

// take reads a line into v, strictly.
func (l *lineReader) take(v any) error {
	line, err := l.next()
	if err != nil {
		return err
	}
	l.sum.Write(line)
	return l.decode(line, v)
}

func (l *lineReader) decode(line []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("line %d: %w", l.n, err)
	}
	return nil
}

// Restore reads a backup, of either dialect, into an empty database: all of it or, after
// an error, nothing. Notices that wait are uncertain afterwards, since they may have
// been delivered after the backup was made; leases are gone.
func (db *DB) Restore(ctx context.Context, r io.Reader) error {
	if db.mode != Serve {
		return errors.New("store: restore: the database is not opened to serve it")
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(restoreMemory), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return fmt.Errorf("store: restore: %w", err)
	}
	defer z.Close()
	lines := &lineReader{r: bufio.NewReaderSize(z, 64<<10), sum: sha256.New()}
	// The stream can be read once, so the transaction cannot run again.
	err = db.once(ctx, func(ctx context.Context, s *session) (bool, error) {
		tx := &Tx{db: db, s: s, write: true, now: db.now()}
		return true, tx.restore(ctx, lines)
	})
	if err == nil && len(db.steps) >= listStep {
		err = db.catchUp(ctx)
	}
	if err != nil {
		return fmt.Errorf("store: restore: %w", err)
	}
	return nil
}

func (tx *Tx) restore(ctx context.Context, lines *lineReader) error {
	if err := tx.db.lockSchema(ctx, tx.s); err != nil {
		return err
	}
	var head backupHead
	if err := lines.take(&head); err != nil {
		return err
	}
	steps := tx.db.steps
	switch {
	case head.Format != backupFormat:
		return errors.New("it is no backup of Yagura")
	case head.V != backupVersion:
		return fmt.Errorf("its format is version %d, want %d (hint: use the program that made it)", head.V, backupVersion)
	case head.Schema < 1 || head.Schema > len(steps):
		return fmt.Errorf("it has %d migrations, this program knows %d (hint: use the program that made it, or a newer one)", head.Schema, len(steps))
	}
	if err := tx.empty(ctx); err != nil {
		return err
	}
	older := head.Schema < len(steps)
	if older {
		// The rows go into the tables as they were, and the later steps find them there.
		if err := tx.rebuild(ctx, steps[:head.Schema]); err != nil {
			return err
		}
	}
	if err := tx.restoreTables(ctx, lines); err != nil {
		return err
	}
	if err := tx.numberOn(ctx); err != nil {
		return err
	}
	if older {
		if err := tx.db.apply(ctx, tx.s, steps[head.Schema:]); err != nil {
			return tx.fail(err)
		}
	}
	if !older {
		// The step that made these tables puts all findings there for an older backup.
		if _, err := tx.exec(ctx, `INSERT INTO finding_new (id, again) SELECT id, 0 FROM finding ORDER BY seen, id`); err != nil {
			return err
		}
	}
	if c := tx.db.claim; c != nil && older {
		if err := c.write(ctx, tx); err != nil { // it went with its table
			return err
		}
	}
	return tx.loosen(ctx)
}

// empty refuses a database that holds something.
func (tx *Tx) empty(ctx context.Context) error {
	tables, err := tx.tables(ctx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		var one int64
		err := tx.one(ctx, `SELECT 1 FROM `+t.Table+` LIMIT 1`, nil, &one)
		if err == nil {
			return fmt.Errorf("the database is not empty: table %s has rows (hint: restore into a new directory or database)", t.Table)
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// rebuild makes the schema anew, by some of its steps.
func (tx *Tx) rebuild(ctx context.Context, steps []migration) error {
	tables, err := tx.tables(ctx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := tx.s.plain(ctx, `DROP TABLE `+t.Table); err != nil {
			return tx.fail(err)
		}
	}
	for _, t := range append([]string{"commit_mark"}, derived...) {
		if err := tx.s.plain(ctx, `DROP TABLE IF EXISTS `+t); err != nil {
			return tx.fail(err)
		}
	}
	if _, err := tx.exec(ctx, `DELETE FROM migration`); err != nil {
		return err
	}
	return tx.fail(tx.db.apply(ctx, tx.s, steps))
}

func (tx *Tx) restoreTables(ctx context.Context, lines *lineReader) error {
	have, err := tx.tables(ctx)
	if err != nil {
		return err
	}
	var end backupEnd
	done := map[string]bool{}
	all := int64(0)
	for {
		before := hex.EncodeToString(lines.sum.Sum(nil))
		line, err := lines.next()
		if err != nil {
			return err
		}
		lines.sum.Write(line)
		if bytes.HasPrefix(line, []byte(`{"end":`)) {
			if err := lines.decode(line, &end); err != nil {
				return err
			}
			if end.SHA256 != before || end.Tables != len(done) || end.Rows != all {
				return errors.New("its checksum is wrong (hint: the backup was damaged)")
			}
			break
		}
		var t backupTable
		if err := lines.decode(line, &t); err != nil {
			return err
		}
		i := slices.IndexFunc(have, func(h backupTable) bool { return h.Table == t.Table })
		if i < 0 || done[t.Table] {
			return fmt.Errorf("line %d: table %q is not of this schema, or is there twice", lines.n, cut(t.Table, 64))
		}
		columns, kinds := slices.Clone(have[i].Columns), have[i].Kinds
		for j, c := range t.Columns {
			k := slices.Index(columns, c)
			if k < 0 || j >= len(t.Kinds) || kinds[k] != t.Kinds[j] || slices.Index(t.Columns, c) != j {
				return fmt.Errorf("line %d: column %q of table %s is not of this schema", lines.n, cut(c, 64), t.Table)
			}
		}
		if len(t.Columns) != len(columns) || len(t.Kinds) != len(columns) {
			return fmt.Errorf("line %d: table %s: want columns %s", lines.n, t.Table, strings.Join(columns, ", "))
		}
		done[t.Table] = true
		n, err := tx.restoreTable(ctx, t, lines)
		if err != nil {
			return fmt.Errorf("table %s: %w", t.Table, err)
		}
		all += n
	}
	if len(done) != len(have) {
		return fmt.Errorf("it has %d tables, want %d", len(done), len(have))
	}
	if _, err := lines.r.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind its end")
	}
	return nil
}

func (tx *Tx) restoreTable(ctx context.Context, t backupTable, lines *lineReader) (n int64, err error) {
	q := `INSERT INTO ` + t.Table + ` (` + strings.Join(t.Columns, ", ") + `) SELECT ` + strings.Join(t.Columns, ", ") + ` FROM d`
	cols, size := newRows(t), 0
	write := func() error {
		for i := range cols {
			if cols[i].blobs != nil {
				cols[i] = blobColumn(cols[i].name, cols[i].blobs)
			}
		}
		_, err := tx.many(ctx, q, cols, nil)
		cols, size = newRows(t), 0
		return err
	}
	var fields []json.RawMessage
	for {
		line, err := lines.next()
		if err != nil {
			return n, err
		}
		lines.sum.Write(line)
		if line[0] == '{' {
			var end backupRows
			if err := lines.decode(line, &end); err != nil {
				return n, err
			}
			if end.Rows != n {
				return n, fmt.Errorf("line %d: %d rows, want %d", lines.n, n, end.Rows)
			}
			return n, write()
		}
		fields = fields[:0]
		if err := lines.decode(line, &fields); err != nil {
			return n, err
		}
		if len(fields) != len(cols) {
			return n, fmt.Errorf("line %d: %d values, want %d", lines.n, len(fields), len(cols))
		}
		for i := range cols {
			if err := cols[i].parse(t.Kinds[i], fields[i]); err != nil {
				return n, fmt.Errorf("line %d: column %s: %w", lines.n, t.Columns[i], err)
			}
		}
		n++
		if size += len(line); cols[0].len() == restoreRows || size > restoreBytes {
			if err := write(); err != nil {
				return n, err
			}
		}
	}
}

func newRows(t backupTable) []column {
	cols := make([]column, len(t.Columns))
	for i, name := range t.Columns {
		cols[i].name = name
	}
	return cols
}

// parse adds a value of a backup to a column.
func (c *column) parse(kind byte, text json.RawMessage) error {
	switch kind {
	case 't':
		var s string
		if err := json.Unmarshal(text, &s); err != nil {
			return err
		}
		if strings.IndexByte(s, 0) >= 0 {
			return errors.New("a text column holds no NUL")
		}
		c.texts = append(c.texts, s)
	case 'i':
		var n int64
		if err := json.Unmarshal(text, &n); err != nil {
			return err
		}
		c.ints = append(c.ints, n)
	default:
		b := []byte{}
		if err := json.Unmarshal(text, &b); err != nil {
			return err
		}
		c.blobs = append(c.blobs, b)
	}
	return nil
}

// numberOn makes the numbers that PostgreSQL gives go on behind those that were restored.
// SQLite does by itself.
func (tx *Tx) numberOn(ctx context.Context) error {
	if !tx.s.d.postgres {
		return nil
	}
	var tables, columns []string
	err := tx.each(ctx, `SELECT table_name::text, column_name::text FROM information_schema.columns
		WHERE table_schema = current_schema() AND is_identity = 'YES'`, nil, func(rows *sql.Rows) error {
		var table, column string
		err := rows.Scan(&table, &column)
		tables, columns = append(tables, table), append(columns, column)
		return err
	})
	for i := range tables {
		if err != nil {
			break
		}
		var n int64
		err = tx.one(ctx, `SELECT setval(pg_get_serial_sequence('`+tables[i]+`', '`+columns[i]+`'), (SELECT coalesce(max(`+columns[i]+`), 0) + 1 FROM `+tables[i]+`), false)`, nil, &n)
	}
	return err
}

// loosen gives back what was leased when the backup was made, and makes the sinks look
// before they deliver what waits.
func (tx *Tx) loosen(ctx context.Context) error {
	now := ns(tx.now)
	for _, q := range []string{
		`UPDATE notice SET owner = '', due = {least}(due, ?), unsure = unsure + 1,
			first_tried = CASE WHEN first_tried = 0 THEN created ELSE first_tried END WHERE state = 0`,
		`UPDATE window_group SET owner = '', due = {least}(due, ?) WHERE owner <> ''`,
		`UPDATE received SET owner = '', due = {least}(due, ?)`,
	} {
		if _, err := tx.exec(ctx, q, now); err != nil {
			return err
		}
	}
	// Browsers that were signed out since the backup must not be signed in again.
	_, err := tx.exec(ctx, `DELETE FROM console_session`)
	return err
}
