//go:build cgo

package lake_test

import (
	"database/sql"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/yagura-sec/yagura/lake"
)

// TestDDL has DuckDB read a lake by the statements that are made for it.
func TestDDL(t *testing.T) {
	h := newHouse(t)
	l := h.open(h.Blobs)
	h.put(l, "o", 0, 30)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := lake.DDL("duckdb", string(h.Blobs.(lake.Disk)), []string{"aws.cloudtrail"}, []string{"event_type"}, "2026-05-01")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	var n, days int
	var least string
	err = db.QueryRowContext(t.Context(), `SELECT count(*), count(DISTINCT day), min(raw) FROM yagura_events WHERE log = 'aws.cloudtrail' AND action IN ('GetObject', 'AssumeRole')`).Scan(&n, &days, &least)
	if err != nil || n != 30 || days != 3 || least != `{"object":"o","n":0}` {
		t.Errorf("%d rows of %d days, %s, %v", n, days, least, err)
	}
}

// TestDDLTypes holds what vendors' references say of types against what is written.
func TestDDLTypes(t *testing.T) {
	for engine, list := range map[string][]string{
		"athena":     {"`key` binary", "`time` timestamp", "`size` int", "`row` bigint", "PARTITIONED BY (log string, day string)"},
		"trino":      {`"key" varbinary`, `"time" timestamp(6)`, "SET SESSION hive.timestamp_precision = 'MICROSECONDS'", `"day" varchar`},
		"clickhouse": {"`key` UUID", "`time` Nullable(DateTime64(6, ", "`day` String"},
		"bigquery":   {"WITH PARTITION COLUMNS (log STRING, day STRING)", "SELECT h.*, r.raw"},
	} {
		text, err := lake.DDL(engine, "gs://b/p", []string{"gcp.audit"}, nil, "2026-05-01")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range list {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %s in\n%s", engine, want, text)
			}
		}
	}
}

func TestDDLOfEngines(t *testing.T) {
	for _, engine := range lake.Engines() {
		text, err := lake.DDL(engine, "gs://b/p/", []string{"gcp.audit", "aws.cloudtrail", "x/y'z"}, nil, "2026-05-01")
		if err != nil {
			t.Errorf("%s: %v", engine, err)
		}
		for _, want := range []string{"yagura_head", "yagura_raw", "yagura_events"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %s in\n%s", engine, want, text)
			}
		}
		if strings.Contains(text, "y'z") || strings.Contains(text, "p//") {
			t.Errorf("%s: a name is not safe in\n%s", engine, text)
		}
	}
	for _, c := range [][2]string{{"mysql", "/lake"}, {"athena", "s3://b/'; DROP TABLE x; --"}, {"duckdb", ""}, {"bigquery", "s3://b/p"}} {
		if text, err := lake.DDL(c[0], c[1], nil, nil, ""); err == nil {
			t.Errorf("%v was taken: %s", c, text)
		}
	}
}
