//go:build cgo

package view_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/lake/view"
)

// testLake is a lake of a few records: one pair of Parquet files for each format, in the
// columns that the lake writes.
type testLake struct {
	db    *sql.DB
	dir   string
	rows  map[string][]headRow
	n     int64
	files []view.Pair
}

type headRow struct {
	row   int64
	event yagura.Event
	raw   string
}

var seenAt = time.Date(2024, 3, 6, 0, 0, 0, 0, time.UTC)

func newLake(t testing.TB) *testLake {
	t.Helper()
	return &testLake{db: openDuck(t), dir: t.TempDir(), rows: map[string][]headRow{}}
}

func openDuck(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(context.Background(), "SET threads = 2"); err != nil {
		t.Fatal(err)
	}
	return db
}

func (l *testLake) exec(t testing.TB, q string) {
	t.Helper()
	if _, err := l.db.ExecContext(context.Background(), q); err != nil {
		t.Fatalf("%v\n%s", err, q)
	}
}

// add decodes a log and adds its records.
func (l *testLake) add(t testing.TB, r io.Reader, name string) (formats []string) {
	t.Helper()
	d, err := decode.New(decode.Options{Detail: true})
	if err != nil {
		t.Fatal(err)
	}
	rd := d.NewReader(r, name)
	for {
		rec, err := rd.Next()
		var bad *decode.RecordError
		switch {
		case errors.Is(err, io.EOF):
			return formats
		case errors.As(err, &bad):
			continue
		case err != nil:
			t.Fatalf("%s: %v", name, err)
		}
		var e yagura.Event
		rec.Head(&e)
		e.Format, e.Source = rec.Format.Name, "file"
		e.Detail.More = append([]yagura.Column(nil), e.Detail.More...)
		formats = append(formats, e.Format)
		l.n++
		l.rows[e.Format] = append(l.rows[e.Format], headRow{row: 1<<24 | l.n, event: e, raw: string(rec.Raw())})
	}
}

func (l *testLake) addFile(t testing.TB, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return l.add(t, f, filepath.Base(path))
}

// headNames are the columns that head files of every format begin with.
const headNames = "id format source object account region service action actor_type actor_id actor_name session_of " +
	"access_key src_ip user_agent outcome error target_type target_id targets"

// write writes the files.
func (l *testLake) write(t testing.TB) {
	t.Helper()
	for _, f := range decode.Formats() {
		rows := l.rows[f.Name]
		if len(rows) == 0 {
			continue
		}
		names := strings.Fields(headNames)
		for _, d := range f.Detail {
			switch d.Column {
			case "service", "user_agent", "access_key", "error", "src_host":
			default:
				names = append(names, d.Column)
			}
		}
		head, raw := l.path(f.Name+".head"), l.path(f.Name+".raw")
		hw, rw := newLines(t, head+".json"), newLines(t, raw+".json")
		for _, r := range rows {
			hw.put(headLine(r))
			rw.put(map[string]any{"row": r.row, "raw": r.raw})
		}
		hw.close()
		rw.close()
		cols := `"row": 'BIGINT', "time": 'TIMESTAMP', "seen": 'TIMESTAMP', "key": 'UUID', "number": 'BIGINT', "size": 'INTEGER'`
		for _, n := range names {
			cols += fmt.Sprintf(`, %q: 'VARCHAR'`, n)
		}
		order := `"row", "time", seen, "key", "number", "size"`
		for _, n := range names {
			order += fmt.Sprintf(`, coalesce(%q, '') AS %q`, n, n)
		}
		l.exec(t, fmt.Sprintf(`COPY (SELECT %s FROM read_json('%s', format='newline_delimited', columns={%s}, maximum_object_size=67108864) ORDER BY "row")
			TO '%s' (FORMAT parquet, COMPRESSION zstd)`, order, head+".json", cols, head))
		l.exec(t, fmt.Sprintf(`COPY (SELECT "row", "raw" FROM read_json('%s', format='newline_delimited', columns={"row": 'BIGINT', "raw": 'VARCHAR'}, maximum_object_size=67108864) ORDER BY "row")
			TO '%s' (FORMAT parquet, COMPRESSION zstd)`, raw+".json", raw))
		l.files = append(l.files, view.Pair{Format: f.Name, Head: head, Raw: raw})
	}
}

func (l *testLake) path(name string) string { return filepath.Join(l.dir, name+".parquet") }

// headLine is the head of a record.
func headLine(r headRow) map[string]any {
	e := &r.event
	m := map[string]any{
		"row": r.row, "seen": seenAt.Format("2006-01-02 15:04:05"), "key": uuid(e.Key), "number": r.row & 0xffffff, "size": len(r.raw),
		"id": e.ID, "format": e.Format, "source": e.Source, "object": "test", "account": e.Account, "region": e.Region,
		"service": e.Detail.Service, "action": e.Action, "actor_type": e.Actor.Type, "actor_id": e.Actor.ID, "actor_name": e.Actor.Name,
		"session_of": e.Actor.SessionOf, "access_key": e.Detail.AccessKey, "src_ip": e.SrcIP, "user_agent": e.Detail.UserAgent,
		"outcome": e.Outcome, "error": e.Detail.Error,
	}
	if !e.Time.IsZero() {
		m["time"] = e.Time.UTC().Format("2006-01-02 15:04:05.000000")
	}
	if e.Detail.SrcHost != "" {
		m["src_ip"] = e.Detail.SrcHost
	}
	if len(e.Targets) > 0 {
		m["target_type"], m["target_id"] = e.Targets[0].Type, e.Targets[0].ID
	}
	targets, err := json.Marshal(e.Targets)
	if err == nil && len(e.Targets) > 0 {
		m["targets"] = string(targets)
	}
	for _, c := range e.Detail.More {
		m[c.Name] = c.Value
	}
	return m
}

func uuid(k yagura.Key) string {
	s := k.String()
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

type lineWriter struct {
	t testing.TB
	f *os.File
	e *json.Encoder
}

func newLines(t testing.TB, path string) *lineWriter {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	return &lineWriter{t, f, json.NewEncoder(f)}
}

func (w *lineWriter) put(v any) {
	w.t.Helper()
	if err := w.e.Encode(v); err != nil {
		w.t.Fatal(err)
	}
}

func (w *lineWriter) close() {
	w.t.Helper()
	if err := w.f.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// query runs a SELECT and returns its rows, each a map of the columns that are not empty.
func (l *testLake) query(t testing.TB, q string) ([]map[string]any, error) {
	t.Helper()
	rows, err := l.db.QueryContext(context.Background(), q)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out []map[string]any
	for rows.Next() {
		vals := make([]any, len(names))
		at := make([]any, len(names))
		for i := range vals {
			at[i] = &vals[i]
		}
		if err := rows.Scan(at...); err != nil {
			return nil, err
		}
		m := map[string]any{}
		for i, n := range names {
			switch v := vals[i].(type) {
			case nil:
			case string:
				if v != "" {
					m[n] = v
				}
			case time.Time:
				m[n] = v.UTC().Format(time.RFC3339Nano)
			default:
				m[n] = v
			}
		}
		out = append(out, m)
	}
	return out, rows.Err()
}
