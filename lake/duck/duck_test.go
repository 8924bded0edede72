//go:build cgo

package duck_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/query/kql/fn"
)

// start opens an engine with little memory.
func start(t testing.TB, o duck.Options) *duck.Engine {
	t.Helper()
	if o.Memory == 0 {
		o.Memory = 256 << 20
	}
	if o.Threads == 0 {
		o.Threads = 2
	}
	if o.Temp == "" {
		o.Temp = t.TempDir()
	}
	if o.TempSize == 0 {
		o.TempSize = 64 << 20
	}
	e, err := duck.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// all reads a result.
func all(t testing.TB, e *duck.Engine, r duck.Request) ([]duck.Column, [][]any, duck.Stats, error) {
	t.Helper()
	rows, err := e.Query(t.Context(), r)
	if err != nil {
		return nil, nil, duck.Stats{}, err
	}
	defer func() {
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}()
	var out [][]any
	for rows.Next() {
		out = append(out, rows.Values())
	}
	return rows.Columns(), out, rows.Stats(), rows.Err()
}

func TestValues(t *testing.T) {
	e := start(t, duck.Options{})
	columns, rows, _, err := all(t, e, duck.Request{SQL: `
		-- a comment; with a semicolon
		SELECT 1 AS a, 2 AS a, 'x;y' AS s, TIMESTAMP '2024-05-06 07:08:09.123456' AS t, TRUE AS b, 1.5::DOUBLE AS d,
			sum(x)::HUGEINT AS h, 12345678901234567890123::HUGEINT AS big, 1.10::DECIMAL(9,2) AS dec,
			'{"b": 12345678901234567, "a": 1}'::JSON AS j, [1,2] AS l, {'z': 1, 'a': 'x'} AS st, NULL AS n,
			'00000000-0000-0000-0000-00000000000a'::UUID AS u, DATE '2024-05-06' AS da, $who AS w
		FROM range(3) r(x); -- the end
		;`, Params: map[string]any{"who": "alice", "unused": 1}})
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, c := range columns {
		names += c.Name + ":" + c.Type + " "
	}
	if want := "a:INTEGER a:INTEGER s:VARCHAR t:TIMESTAMP b:BOOLEAN d:DOUBLE h:HUGEINT big:HUGEINT dec:DECIMAL j:JSON l:JSON st:JSON n:INTEGER u:UUID da:DATE w:VARCHAR "; names != want {
		t.Errorf("columns\n got %s\nwant %s", names, want)
	}
	want := [][]any{{int64(1), int64(2), "x;y", time.Date(2024, 5, 6, 7, 8, 9, 123456000, time.UTC), true, 1.5,
		int64(3), json.Number("12345678901234567890123"), json.Number("1.10"), `{"b": 12345678901234567, "a": 1}`, "[1,2]", `{"z":1,"a":"x"}`, nil,
		"00000000-0000-0000-0000-00000000000a", "2024-05-06", "alice"}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}

func TestClockIsBound(t *testing.T) {
	e := start(t, duck.Options{Queries: 1})
	at := time.Date(2023, 1, 2, 3, 4, 5, 0, time.UTC)
	for range 2 {
		_, rows, _, err := all(t, e, duck.Request{SQL: "SELECT now() AS a, today() AS b, current_date AS c, current_timestamp AS d", Now: at})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([][]any{{at, "2023-01-02", "2023-01-02", at}}, rows); diff != "" {
			t.Error(diff)
		}
	}
	_, rows, _, err := all(t, e, duck.Request{SQL: "SELECT now() > TIMESTAMP '2024-01-01' AS a"})
	if err != nil || rows[0][0] != true {
		t.Errorf("the clock stays bound for the next query: %v %v", rows, err)
	}
}

func TestLimits(t *testing.T) {
	e := start(t, duck.Options{})
	_, rows, stats, err := all(t, e, duck.Request{SQL: "FROM range(100)", MaxRows: 7})
	if err != nil || len(rows) != 7 || stats.Limit != "rows" {
		t.Errorf("rows: %d, %+v, %v", len(rows), stats, err)
	}
	_, rows, stats, err = all(t, e, duck.Request{SQL: "FROM range(7)", MaxRows: 7})
	if err != nil || len(rows) != 7 || stats.Limit != "" {
		t.Errorf("exactly as many: %d, %+v, %v", len(rows), stats, err)
	}
	_, rows, stats, err = all(t, e, duck.Request{SQL: "SELECT repeat('x', 1000) AS x FROM range(100)", MaxBytes: 5500})
	if err != nil || len(rows) != 5 || stats.Limit != "bytes" {
		t.Errorf("bytes: %d, %+v, %v", len(rows), stats, err)
	}
	_, rows, _, err = all(t, e, duck.Request{SQL: "SELECT range AS r FROM range(5000) ORDER BY r DESC", MaxRows: 3})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]any{{int64(4999)}, {int64(4998)}, {int64(4997)}}, rows); diff != "" {
		t.Errorf("the order is kept: %s", diff)
	}
}

func TestErrorsHaveTheirPlace(t *testing.T) {
	e := start(t, duck.Options{})
	for _, tc := range []struct{ sql, want string }{
		{"SELECT 1,\n  nothing FROM range(3)", "2:3: "},
		{"SELECT 1\nFORM x", "2:6: "},
		{"SELECT\n  fooo(1)", "2:3: "},
		{"SELECT 1\nFROM nowhere", "2:6: there is no table nowhere"},
		{"SELECT 'あ',\n 'い', read_text('x')", "2:7: the function read_text is not for hunts"},
		{"", "1:1: there is no statement"},
		{"-- nothing\n;", "1:1: there is no statement"},
		{"SELECT\n 'あ\xff'", "2:4: the byte 0xff, which is no character of UTF-8"},
		{"SELECT '\ufffd', nothing", "1:13: "},
		{"SELECT $p", "1:8: the parameter $p has no value"},
		{"SELECT '$no', $$ $no $$, $a, nothing", "1:30: "},
	} {
		_, _, _, err := all(t, e, duck.Request{SQL: tc.sql, Params: map[string]any{"a": "it's a longer text"}})
		if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%q: got %v, want %s…", tc.sql, err, tc.want)
		}
	}
}

// TestTexts: a parameter holds any text that a log may have brought.
func TestTexts(t *testing.T) {
	e := start(t, duck.Options{})
	texts := []string{"", "it's", "a\x00b", "\x00", "\x00'\x00", "\xff\xfeb\xff", "\ufffd", "$a"}
	for _, s := range texts {
		_, rows, _, err := all(t, e, duck.Request{SQL: "SELECT $a, $l[1], length($l)", Params: map[string]any{"a": s, "l": []string{s, "x"}}})
		want := strings.ToValidUTF8(s, "\ufffd")
		if err != nil || rows[0][0] != want || rows[0][1] != want || rows[0][2] != int64(2) {
			t.Errorf("%q: %q, %v", s, rows, err)
		}
	}
}

func TestViewsAreOfOneQuery(t *testing.T) {
	e := start(t, duck.Options{Queries: 1})
	view := duck.View{Name: "events", SQL: "SELECT 1 AS a"}
	if _, rows, _, err := all(t, e, duck.Request{Views: []duck.View{view}, SQL: `SELECT a FROM "Events"`}); err != nil || len(rows) != 1 {
		t.Errorf("%v %v", rows, err)
	}
	_, _, _, err := all(t, e, duck.Request{SQL: "SELECT a FROM events"})
	var refused *duck.Error
	if !errors.As(err, &refused) || refused.Kind != duck.KindRefused {
		t.Errorf("a view outlives its query: %v", err)
	}
	view.SQL = "SELECT 2 AS b"
	if _, rows, _, err := all(t, e, duck.Request{Views: []duck.View{view}, SQL: "SELECT b FROM events"}); err != nil || len(rows) != 1 {
		t.Errorf("%v %v", rows, err)
	}
}

func TestFilesOutsideAreClosed(t *testing.T) {
	dir := t.TempDir()
	e := start(t, duck.Options{Dirs: []string{dir}})
	other := filepath.Join(t.TempDir(), "x.parquet")
	for _, sql := range []string{"SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM read_parquet('" + other + "')", "SELECT * FROM '" + other + "'",
		"SELECT * FROM read_text('" + dir + "/../../../../etc/passwd')"} {
		_, _, _, err := all(t, e, duck.Request{Views: []duck.View{{Name: "v", SQL: sql}}, SQL: "FROM v"})
		if err == nil || !strings.Contains(err.Error(), "disabled by configuration") {
			t.Errorf("the engine reads outside its folders: %s: %v", sql, err)
		}
	}
}

func TestInspect(t *testing.T) {
	e := start(t, duck.Options{})
	o, err := e.Inspect(t.Context(), `WITH a AS (SELECT Account, src_ip FROM events WHERE raw->>'$.x' = $p) SELECT count(*) FROM a JOIN findings f USING (id)`)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"account", "id", "raw", "src_ip"}
	want := &duck.Outline{Tables: []duck.Use{{Table: "events", Columns: names}, {Table: "findings", Columns: names}}}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Error(diff)
	}
	o, err = e.Inspect(t.Context(), "SELECT e.action, x.n FROM events e JOIN (SELECT id, count(*) AS n FROM findings f WHERE f.kind = 'a' GROUP BY ALL) x ON x.id = e.id")
	if names := []string{"action", "e", "f", "id", "kind", "n", "x"}; err != nil || len(o.Tables) != 2 || o.Tables[0].Star || !cmp.Equal(o.Tables[0].Columns, names) {
		t.Errorf("what is before a dot was taken for a row: %+v %v", o, err)
	}
	for _, star := range []string{"FROM events", "SELECT e FROM events e", "SELECT e.action, to_json(e) FROM events e", "SELECT e.to_json() FROM events e", "SELECT events FROM events", "SELECT e.* EXCLUDE (raw) FROM events e",
		"SELECT * FROM events NATURAL JOIN findings", "SELECT a FROM events AS e(a,b)", "SELECT COLUMNS('a.*') FROM events", "FROM (PIVOT events ON a IN (1, 2) USING count(*))"} {
		o, err := e.Inspect(t.Context(), star)
		if err != nil || len(o.Tables) == 0 || !o.Tables[0].Star {
			t.Errorf("%s: %+v %v", star, o, err)
		}
	}
}

func TestCancel(t *testing.T) {
	e := start(t, duck.Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("the person left")
	time.AfterFunc(100*time.Millisecond, func() { cancel(stop) })
	began := time.Now()
	_, err := e.Query(ctx, duck.Request{SQL: "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range % 7 = 3"})
	if !errors.Is(err, stop) {
		t.Errorf("got %v, want the reason", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %s to cancel", took)
	}
}

// TestCancelWithinAVector: functions of Go end in the midst of the rows that they were given,
// and a query beside comes to the same as ever.
func TestCancelWithinAVector(t *testing.T) {
	slow := fn.Func{Name: "slow", Args: []fn.Type{fn.Long}, Result: fn.Long, Call: func(args []any) (any, error) {
		sum := sha256.Sum256(nil)
		for range 10_000 { // some milliseconds
			sum = sha256.Sum256(sum[:])
		}
		return int64(sum[0]), nil
	}}
	quick := fn.Func{Name: "quick", Args: []fn.Type{fn.Long}, Result: fn.Long, Call: func(args []any) (any, error) { return args[0], nil }}
	e := start(t, duck.Options{Functions: []fn.Func{slow, quick}})
	stop := make(chan struct{})
	var beside sync.WaitGroup
	runs := 0
	beside.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			runs++
			rows, err := e.Query(t.Context(), duck.Request{SQL: "SELECT sum(quick(range)) FROM range(300000)"})
			if err != nil {
				t.Errorf("run %d beside: %v", runs, err)
				return
			}
			if !rows.Next() || rows.Values()[0] != int64(300000*299999/2) {
				t.Errorf("run %d beside gives %v", runs, rows.Values())
			}
			_ = rows.Close()
		}
	})
	for range 3 {
		began := time.Now()
		_, err := e.Query(t.Context(), duck.Request{SQL: "SELECT sum(slow(range)) FROM range(200000)", Timeout: 200 * time.Millisecond})
		var limit *duck.Error
		if took := time.Since(began); !errors.As(err, &limit) || limit.Kind != duck.KindLimit || took > 2*time.Second {
			t.Errorf("%s: %v", took, err)
		}
	}
	close(stop)
	beside.Wait()
	if runs < 2 {
		t.Errorf("%d runs beside", runs)
	}
	// Whoever writes the text of such an end is not taken for one.
	if _, err := e.Query(t.Context(), duck.Request{SQL: "SELECT error('rows were given up because a query is ended')"}); err == nil {
		t.Error("an error that was asked for is none")
	}
}
