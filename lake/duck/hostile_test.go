//go:build cgo

package duck_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/lake/duck"
)

// refused are statements that must not run at all: what they would read, write or
// change is beyond the views.
func refusedStatements(file string) []string {
	return []string{
		// Files.
		"SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM read_blob('/etc/passwd')", "SELECT * FROM read_csv('/etc/passwd')",
		"SELECT * FROM read_csv_auto('/etc/passwd')", "SELECT * FROM read_json('x')", "SELECT * FROM read_json_auto('x')", "SELECT * FROM read_ndjson('x')",
		"SELECT * FROM read_json_objects('x')", "SELECT * FROM read_ndjson_objects('x')", "SELECT * FROM read_duckdb('x')",
		"SELECT * FROM read_parquet('" + file + "')", "SELECT * FROM parquet_scan('" + file + "')", "SELECT * FROM parquet_metadata('" + file + "')",
		"SELECT * FROM parquet_schema('" + file + "')", "SELECT * FROM parquet_file_metadata('" + file + "')", "SELECT * FROM parquet_kv_metadata('" + file + "')",
		"SELECT * FROM parquet_full_metadata('" + file + "')", "SELECT * FROM parquet_bloom_probe('" + file + "', 'a', 1)",
		"SELECT * FROM '/etc/passwd'", "SELECT * FROM '" + file + "'", `SELECT * FROM "` + file + `"`, "FROM '" + file + "'", "TABLE \"" + file + "\"",
		"SELECT * FROM glob('/*')", "SELECT * FROM sniff_csv('/etc/passwd')", "SELECT (SELECT content FROM read_text('/etc/passwd'))",
		"SELECT * FROM events WHERE EXISTS (SELECT 1 FROM read_text('/etc/passwd'))", "SELECT * FROM events, LATERAL (SELECT * FROM read_text(a)) t",
		"WITH x AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM x", "SELECT 1 UNION ALL SELECT 1 FROM read_text('/etc/passwd')",
		"SELECT 1 EXCEPT (SELECT 1 UNION SELECT 1 FROM read_text('/etc/passwd'))", "SELECT 1 ORDER BY (SELECT count(*) FROM read_text('/etc/passwd'))",
		"SELECT 1 LIMIT (SELECT count(*) FROM read_text('/etc/passwd'))", "SELECT sum(1) FILTER (WHERE EXISTS (FROM read_text('/etc/passwd'))) FROM events",
		"SELECT row_number() OVER (ORDER BY (SELECT count(*) FROM read_text('/etc/passwd'))) FROM events",
		"SELECT list_transform([1], x -> (SELECT count(*) FROM read_text('/etc/passwd')))", "SELECT CASE WHEN true THEN (SELECT content FROM read_text('/etc/passwd')) END",
		"VALUES ((SELECT content FROM read_text('/etc/passwd')))", "SELECT * FROM (VALUES ((SELECT content FROM read_text('/etc/passwd')))) t(a)",
		"SELECT * FROM range((SELECT count(*) FROM read_text('/etc/passwd')))", "SELECT * FROM events POSITIONAL JOIN read_text('/etc/passwd')",
		"SELECT * FROM (FROM events TABLESAMPLE 1%) JOIN read_text('/etc/passwd') ON true", "SELECT 1 GROUP BY (SELECT count(*) FROM read_text('/etc/passwd'))",
		"SELECT 1 HAVING (SELECT count(*) FROM read_text('/etc/passwd')) > 0", "SELECT 1 QUALIFY (SELECT count(*) FROM read_text('/etc/passwd')) > 0",
		"SELECT DISTINCT ON ((SELECT count(*) FROM read_text('/etc/passwd'))) 1", "SELECT * REPLACE ((SELECT content FROM read_text('/etc/passwd')) AS a) FROM events",
		"SELECT CAST((SELECT content FROM read_text('/etc/passwd')) AS JSON)", "FROM (UNPIVOT (SELECT content FROM read_text('/etc/passwd')) ON content)",
		"WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r, read_text('/etc/passwd')) SELECT * FROM r",
		// A name of a common table expression reaches only as far as it is seen.
		"SELECT * FROM (WITH \"" + file + "\" AS (SELECT 1) SELECT 1) t, \"" + file + "\"", "WITH \"" + file + "\" AS (SELECT * FROM \"" + file + "\") SELECT * FROM \"" + file + "\"",
		"WITH a AS (SELECT * FROM \"" + file + "\"), \"" + file + "\" AS (SELECT 1) SELECT * FROM a",
		// The catalogue, settings, the environment.
		"SELECT * FROM duckdb_settings()", "SELECT * FROM duckdb_secrets()", "SELECT * FROM duckdb_tables()", "SELECT * FROM duckdb_functions()", "SELECT * FROM duckdb_logs()",
		"SELECT * FROM duckdb_temporary_files()", "SELECT * FROM duckdb_prepared_statements()", "SELECT * FROM duckdb_external_file_cache()", "SELECT * FROM which_secret('x', 's3')",
		"SELECT * FROM sqlite_master", "SELECT * FROM information_schema.tables", "SELECT * FROM pg_catalog.pg_class", "SELECT * FROM main.events", "SELECT * FROM temp.events", "SELECT * FROM memory.main.x",
		"SELECT * FROM duckdb_views", "SELECT current_setting('memory_limit')", "SELECT getenv('HOME')", "SELECT getvariable('x')", "SELECT main.getenv('HOME')", "SELECT system.main.current_setting('x')",
		"SELECT 'HOME'.getenv()", "SELECT a.current_setting() FROM events", "SELECT * FROM pragma_version()", "SELECT * FROM pragma_table_info('events')", "SELECT * FROM pragma_database_size()",
		"SELECT current_query()", "SELECT in_search_path('a', 'b')", "SELECT * FROM checkpoint()", "SELECT * FROM force_checkpoint()", "SELECT * FROM test_all_types()", "SELECT * FROM seq_scan('x')",
		"SELECT * FROM summary((FROM events))", "SELECT * FROM truncate_duckdb_logs()", "SELECT * FROM enable_logging('QueryLog')", "SELECT write_log('x')", "SELECT nextval('x')",
		// Text run as SQL.
		"SELECT * FROM query('SELECT 1')", "SELECT * FROM query_table('events')", "SELECT * FROM json_execute_serialized_sql('x')", "SELECT json_serialize_plan('SELECT 1')", "SELECT json_deserialize_sql('x')",
		"SELECT * FROM sql_auto_complete('S')", "SELECT * FROM check_peg_parser('S')", "SELECT * FROM arrow_scan(1, 2, 3)",
		// What trusts its arguments, or makes as much memory as a number says.
		"SELECT __internal_decompress_string(123456789)", "SELECT __internal_compress_string_hugeint('x')", "SELECT bitstring('1', 2000000000)", "SELECT bitstring_agg(a, 0, 9000000000) FROM events",
		"SELECT reservoir_quantile(a, 0.5, 2000000000) FROM events", "SELECT equi_width_bins(0, 10, 2000000000, true)", "SELECT sum_no_overflow(a) FROM events",
		"SELECT list_reduce([a], lambda x, y : x || x) FROM events", "SELECT array_reduce([1], lambda x, y : x)", "SELECT reduce([1], lambda x, y : x)", "SELECT [1].reduce(lambda x, y : x)",
		"SELECT list_transform(range(1000), lambda x : list_filter(range(1000), lambda y : x = y))", "SELECT [[y FOR y IN range(1000)] FOR x IN range(1000)]", "SELECT list_transform([1], lambda x : (SELECT list_transform([1], lambda y : y)))",
		"SELECT '1'::BIGNUM", "SELECT BIGNUM '1'", "SELECT TRY_CAST(['1'] AS BIGNUM[])", "SELECT ROW('1')::STRUCT(a BIGNUM)",
		// What the bounds stand before.
		"SELECT system.main.repeat('a', 2000000000)", "SELECT system.repeat('a', 2000000000)", "SELECT SYSTEM.main.lpad('a', 2000000000, 'b')", "SELECT \"system\".main.range(2000000000)", "SELECT pg_catalog.repeat('a', 2000000000)",
		"SELECT memory.main.repeat('a', 2)", "SELECT temp.main.repeat('a', 2)",
		// Waiting.
		"SELECT sleep_ms(100000)", "SELECT pg_sleep(100)",
		// Statements that are not one SELECT.
		"COPY events TO '/tmp/x'", "COPY (SELECT 1) TO '/tmp/x'", "COPY events FROM '/tmp/x'", "ATTACH '/tmp/x.db'", "DETACH memory", "USE memory", "PRAGMA database_list", "PRAGMA enable_profiling", "SET threads = 64",
		"SET memory_limit = '100GB'", "RESET ALL", "SET VARIABLE x = 1", "INSTALL httpfs", "LOAD httpfs", "FORCE INSTALL spatial FROM community", "EXPORT DATABASE '/tmp/x'", "IMPORT DATABASE '/tmp/x'",
		"CREATE TABLE x (a INT)", "CREATE TEMP TABLE x AS SELECT 1", "CREATE VIEW x AS SELECT 1", "CREATE OR REPLACE TEMP VIEW events AS SELECT 1", "CREATE MACRO x() AS 1", "CREATE SECRET s (TYPE s3)", "CREATE SCHEMA x",
		"CREATE FUNCTION repeat(a, b) AS 1", "CREATE TYPE x AS ENUM ('a')", "CREATE SEQUENCE x", "DROP VIEW events", "DROP MACRO now", "ALTER VIEW events RENAME TO x", "INSERT INTO events VALUES (1)", "UPDATE events SET a = 1",
		"DELETE FROM events", "MERGE INTO events USING events ON true WHEN MATCHED THEN DELETE", "TRUNCATE events", "BEGIN", "COMMIT", "ROLLBACK", "CHECKPOINT", "VACUUM", "ANALYZE", "PREPARE x AS SELECT 1", "EXECUTE x", "DEALLOCATE x",
		"EXPLAIN SELECT 1", "EXPLAIN ANALYZE SELECT 1", "CALL pragma_version()", "SHOW TABLES", "SHOW ALL TABLES", "DESCRIBE events", "DESCRIBE SELECT 1", "SUMMARIZE events", "SELECT * FROM (DESCRIBE events)", "SELECT * FROM (SUMMARIZE events)",
		"SELECT * FROM (SHOW TABLES)", "COMMENT ON VIEW events IS 'x'", "WITH x AS (INSERT INTO y VALUES (1) RETURNING *) SELECT * FROM x", "SELECT 1; SELECT 2", "SELECT 1; DROP VIEW events", "SELECT 1) ; DROP VIEW events; SELECT (1",
		"SELECT 1) UNION ALL (SELECT * FROM read_text('/etc/passwd')", "SELECT 1) AS q(c0) SELECT 1 -- ", "SELECT 'x", "SELECT $$x", "; ;", "SELECT ?", "SELECT $1", "SELECT 1 INTO x", "SELECT * FROM events FOR UPDATE",
		"SELECT * FROM events AT (VERSION => 1)", "\x00SELECT 1", "SELECT " + strings.Repeat("(", 600) + "1" + strings.Repeat(")", 600), "SELECT " + strings.Repeat("-", 1<<20) + "1",
	}
}

func TestHostileStatementsAreRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "secret.parquet")
	if err := os.WriteFile(file, []byte("PAR1"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := start(t, duck.Options{Dirs: []string{dir}})
	views := []duck.View{{Name: "events", SQL: "SELECT 1 AS a"}}
	for _, sql := range refusedStatements(file) {
		_, rows, _, err := all(t, e, duck.Request{Views: views, SQL: sql})
		var why *duck.Error
		if !errors.As(err, &why) || why.Kind != duck.KindRefused && why.Kind != duck.KindSyntax {
			t.Errorf("%.200s: %d rows, %v", sql, len(rows), err)
		}
	}
	if _, err := os.Stat("/tmp/x"); err == nil {
		t.Error("something was written")
	}
	if _, rows, _, err := all(t, e, duck.Request{Views: views, SQL: "SELECT a FROM events"}); err != nil || len(rows) != 1 {
		t.Errorf("the engine does not live: %v %v", rows, err)
	}
}

// TestHostileParameters puts texts into a parameter that would be statements.
// TestListsThatAreSmallEnough keeps the bounds from being in the way.
func TestListsThatAreSmallEnough(t *testing.T) {
	e := start(t, duck.Options{})
	for _, tc := range []struct {
		sql  string
		want any
	}{
		{"SELECT len(range(5))", int64(5)}, {"SELECT len(range(2, 5))", int64(3)}, {"SELECT len(range(0, 10, 2))", int64(5)}, {"SELECT len(range(10, 0, -2))", int64(5)},
		{"SELECT len(generate_series(5))", int64(6)}, {"SELECT len(generate_series(1, 5))", int64(5)}, {"SELECT len(generate_series(10, 0, -2))", int64(6)},
		{"SELECT len(range(TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-02', INTERVAL 1 HOUR))", int64(24)},
		{"SELECT len(generate_series(DATE '2024-01-01', DATE '2024-01-31', INTERVAL 1 DAY))", int64(31)},
		{"SELECT sum(len(range(a.range))) FROM range(10) a", int64(45)},
		{"SELECT count(*) FROM range(3) a, generate_series(1, 3) b", int64(9)},
		{"SELECT repeat('ab', 3)", "ababab"}, {"SELECT lpad('a', 3, 'x') || rpad('b', 3, 'y')", "xxabyy"}, {"SELECT repeat([1], 3)", "[1,1,1]"},
		{"SELECT len(list_resize([1], 3)) + len(array_resize([1, 2], 5, 0))", int64(8)}, {"SELECT printf('%05d|%s', 12, 'x')", "00012|x"}, {"SELECT format('{:>5}|{}', 12, 'x')", "   12|x"},
		{"SELECT 'abc' LIKE 'a%' AND 'abc' NOT LIKE 'b%' AND 'abc' ILIKE '%B_' AND 'abc' NOT ILIKE '%B' AND 'a%c' LIKE 'a!%c' ESCAPE '!' AND 'abc' GLOB 'a*' AND NOT 'abc' LIKE 'A%' AND (NULL LIKE 'a') IS NULL", true},
		{"SELECT repeat('ab.', 9000) LIKE '%a_.%b%.%' AND repeat('ab.', 9000) NOT LIKE '%a%b%c%' AND repeat('ab\n', 9000) ILIKE 'A%B_A%B%\n' AND repeat('ab.', 9000) NOT ILIKE '%abc%a%b%'", true},
		{"SELECT repeat('ab.', 9000) LIKE '%' || '%a' || '_.%b%.%'", true},
		{"SELECT replace('a.b', '.', ' -> ') || regexp_replace('aab', 'a', 'x') || regexp_replace('aab', '(a)', '<\\1>', 'g')", "a -> bxab<a><a>b"},
		{"SELECT length(replace(repeat('ab', 30000), 'a', repeat('x', 20))) + length(regexp_replace(repeat('ab', 30000), 'a', repeat('x', 100), 'g')) + length(replace(repeat('ab', 30000), '', 'xxx'))", int64(3720000)},
		{"SELECT replace(NULL, 'a', 'b') IS NULL AND regexp_replace('a', NULL, 'b') IS NULL AND regexp_replace(NULL, 'a', 'b', 'g') IS NULL", true},
		{"SELECT array_push_front([2], 1) || array_prepend(0, [3]) || array_push_back([4], 5) || array_concat([6], [7], [8], [9])", "[1,2,0,3,4,5,6,7,8,9]"},
		{"SELECT [1] <@ [1, 2] AND [1, 2] @> [1] AND NOT [1, 2] <@ [1] AND [1, 2] && [2, 3]", true},
		{"SELECT list_transform([1, 2], lambda x : x + 1) || [x * 2 FOR x IN [1, 2] IF x > 1]", "[2,3,4]"},
		{"SELECT levenshtein('kitten', 'sitting') + damerau_levenshtein('ab', 'ba') + editdist3('a', 'b')", int64(5)},
		{"SELECT bar(1, 0, 2, 4)", "██  "},
	} {
		_, rows, _, err := all(t, e, duck.Request{SQL: tc.sql})
		if err != nil || len(rows) != 1 || rows[0][0] != tc.want {
			t.Errorf("%s: %v %v, want %v", tc.sql, rows, err, tc.want)
		}
	}
}

func TestHostileParameters(t *testing.T) {
	e := start(t, duck.Options{})
	for _, v := range []string{"'; DROP VIEW events; --", "$$", "') UNION SELECT content FROM read_text('/etc/passwd') --", "\\'", "'''", "$p", "/*", "--\n", "\n;", "あ"} {
		_, rows, _, err := all(t, e, duck.Request{SQL: "SELECT $p AS p, length($p) > 0 -- $p\n", Params: map[string]any{"p": v}})
		if err != nil || len(rows) != 1 || rows[0][0] != v {
			t.Errorf("%q: %v %v", v, rows, err)
		}
	}
}

// TestHostileLoad runs what is one SELECT and costs without end. Each must end
// within its time, and the engine must answer afterwards.
func TestHostileLoad(t *testing.T) {
	e := start(t, duck.Options{Memory: 128 << 20, TempSize: 64 << 20, Timeout: 2 * time.Second})
	views := []duck.View{{Name: "events", SQL: "SELECT range AS a, 'user' || range AS name, repeat('x', 500) AS raw FROM range(200000)"}}
	for _, tc := range []struct{ name, sql string }{
		{"cross join", "SELECT count(*) FROM events a, events b, events c WHERE a.a + b.a * c.a % 7 = 3"},
		{"cross join of everything, kept", "SELECT * FROM events a, events b, events c ORDER BY a.name || b.name"},
		{"10 GB sort", "SELECT count(*) FROM (SELECT r, row_number() OVER (ORDER BY hash(r), r) AS n FROM (SELECT a.raw || b.a AS r FROM events a, range(1000) b(a))) WHERE n % 7 = 1"},
		{"recursion without end", "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r"},
		{"recursion that doubles", "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r, range(2)) SELECT count(*) FROM r"},
		{"range without end", "SELECT sum(hash(range)) FROM range(9000000000000)"},
		{"regular expression", "SELECT count(*) FROM events a, events b WHERE regexp_matches(a.raw || b.raw, '(x+x+)+y')"},
		{"regular expression, large", "SELECT count(*) FROM events WHERE regexp_matches(raw, '((x{1,100}){1,100}){1,100}y')"},
		{"regular expression, many groups", "SELECT count(*) FROM events a, events b WHERE regexp_matches(a.raw || b.a, '" + strings.Repeat("(x|y)*", 200) + "z')"},
		{"group by all", "SELECT a.name, b.name, list(c.raw) FROM events a, events b, events c GROUP BY ALL"},
		{"lists", "SELECT len(list(a.raw || b.range)) FROM events a, range(1000) b"},
		{"text aggregate", "SELECT length(string_agg(a.raw, ',')) FROM events a, range(10000)"},
		{"window", "SELECT a.a, sum(b.a) OVER (ORDER BY hash(a.a, b.a) ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM events a, events b"},
		{"median", "SELECT median(hash(a.a, b.a)) FROM events a, events b"},
		{"distinct", "SELECT count(DISTINCT a.name || b.name) FROM events a, events b"},
		{"levenshtein", "SELECT max(levenshtein(a.raw, b.raw)) FROM events a, events b"},
		{"levenshtein of long texts", "SELECT levenshtein(repeat('a', 60000), repeat('b', 60000) || a) FROM events"},
		{"jaro of long texts", "SELECT jaro_similarity(repeat('a', 60000), repeat('b', 60000) || a) FROM events"},
		{"repeat", "SELECT length(repeat('x', 4000000000))"},
		{"lpad", "SELECT length(lpad('x', 2000000000, 'y'))"},
		{"rpad", "SELECT length(rpad('x', 2000000000, 'y'))"},
		{"list_resize", "SELECT len(list_resize([1], 2000000000))"},
		{"array_resize", "SELECT len(array_resize([1], 2000000000, 0))"},
		{"generate_series", "SELECT len(generate_series(1, 1000000000))"},
		{"range as a list", "SELECT len(range(1000000000))"},
		{"range as a list, in steps", "SELECT len(range(0, 1000000000, 1))"},
		{"printf", "SELECT length(printf('%1000000000d', 1))"},
		{"format", "SELECT length(format('{:1000000000}', 1))"},
		{"range over time", "SELECT len(range(TIMESTAMP '2000-01-01', TIMESTAMP '2020-01-01', INTERVAL '1 ms'))"},
		{"series over time", "SELECT len(generate_series(TIMESTAMP '2000-01-01', TIMESTAMP '2020-01-01', INTERVAL '1 second'))"},
		{"printf with a computed form", "SELECT length(printf(concat('%10000', '00000d'), 1))"},
		{"format with a computed width", "SELECT length(format('{:{}}', 1, 1000000000))"},
		{"bar", "SELECT length(bar(1, 0, 1, 1000000000))"},
		{"GLOB", "SELECT count(*) FROM events WHERE repeat(raw, 100) GLOB '*x*x*x*y'"},
		{"LIKE with ESCAPE", "SELECT count(*) FROM events WHERE repeat(raw, 100) LIKE '%x_%x%x%y' ESCAPE '!'"},
		{"LIKE with a computed pattern", "SELECT count(*) FROM events WHERE repeat(raw, 100) NOT LIKE repeat('%x', 20) || name"},
		{"range of every row", "SELECT sum(len(range(1000000 + a))) FROM events"},
		{"list_resize of every row", "SELECT sum(len(list_resize([a], 1000000))) FROM events"},
		{"list_intersect", "SELECT len(list_intersect(list(a), list(a + 1))) FROM events"},
		{"list_has_any", "WITH l AS (SELECT list(a) AS x, list(a + 1000000) AS y FROM events) SELECT count(*) FROM events, l WHERE list_has_any(x, list_append(y, a))"},
		{"list_has_any of long lists", "WITH l AS (SELECT list(a) FILTER (WHERE a < 100000) AS x, list(a) FILTER (WHERE a >= 100000) AS y FROM events) SELECT count(*) FROM events, l WHERE list_has_any(x, y)"},
		{"list_concat", "WITH l AS (SELECT list(a) AS x FROM events) SELECT sum(len(list_concat(x, [a], x))) FROM events, l"},
		{"replace", "SELECT length(replace(repeat('a', 65000), 'a', repeat('b', 65000)))"},
		{"replace in steps", "SELECT length(replace(replace(repeat('a', 65000), 'a', repeat('b', 60)), 'b', repeat('c', 60)))"},
		{"regexp_replace", "SELECT length(regexp_replace(repeat('a', 65000), 'a', repeat('b', 65000), 'g'))"},
		{"regexp_replace at every place", "SELECT length(regexp_replace(repeat('a', 65000), '', repeat('b', 65000), 'g'))"},
		{"regexp_replace with groups", "SELECT length(regexp_replace(repeat('a', 65000), '(.*)', repeat('\\1', 30000)))"},
		{"nested repeat", "SELECT sum(length(repeat(repeat(raw, 100), 1000))) FROM events"},
		{"hash join", "SELECT count(*) FROM events a JOIN events b ON a.a % 2 = b.a % 2 JOIN events c ON b.a % 2 = c.a % 2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			began := time.Now()
			_, _, _, err := all(t, e, duck.Request{Views: views, SQL: tc.sql})
			took := time.Since(began)
			if err == nil {
				t.Errorf("it came to an end in %s", took)
			}
			if took > 4*time.Second {
				t.Errorf("it took %s of 2s: %v", took, err)
			}
			t.Logf("%s: %.150s", took.Round(time.Millisecond), fmt.Sprint(err))
		})
	}
	if _, rows, _, err := all(t, e, duck.Request{Views: views, SQL: "SELECT count(*) FROM events"}); err != nil || len(rows) != 1 || rows[0][0] != int64(200000) {
		t.Errorf("the engine does not live: %v %v", rows, err)
	}
}

// TestCancelWithinASecond ends heavy queries from outside.
func TestCancelWithinASecond(t *testing.T) {
	e := start(t, duck.Options{})
	views := []duck.View{{Name: "events", SQL: "SELECT range AS a, repeat('x', 500) AS raw FROM range(100000)"}}
	for _, sql := range []string{
		"SELECT count(*) FROM events a, events b, events c WHERE a.a + b.a * c.a % 7 = 3",
		"SELECT * FROM (SELECT a.raw || b.a AS r FROM events a, range(1000) b(a)) ORDER BY hash(r), r",
		"SELECT count(*) FROM events a, events b WHERE regexp_matches(a.raw || b.raw, '(x+x+)+y')",
	} {
		ctx, cancel := context.WithCancel(t.Context())
		var at time.Time
		time.AfterFunc(300*time.Millisecond, func() { at = time.Now(); cancel() })
		rows, err := e.Query(ctx, duck.Request{Views: views, SQL: sql})
		if err == nil {
			_ = rows.Close()
			t.Fatalf("%s came to an end", sql)
		}
		if took := time.Since(at); took > time.Second && !at.IsZero() {
			t.Errorf("%s ended %s after it was cancelled", sql, took)
		}
	}
}
