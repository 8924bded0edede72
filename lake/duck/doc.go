// Package duck asks questions of lake files with DuckDB, and is the only room
// with cgo.
//
// An Engine is one DuckDB in memory. It owns no data: a query brings the views
// it needs (SELECT statements over Parquet files, which lake/view writes) and
// one SELECT that somebody typed. Each query has a connection of its own; its
// views go when it ends.
//
// What it is not: it knows neither the lake's catalogue nor its formats, it
// picks no files and no columns, and it writes nothing. Those are lake,
// lake/view and hunt. Without cgo the package builds, Open returns ErrNoEngine,
// and everything else of the program works.
//
// # A worked example
//
//	e, err := duck.Open(duck.Options{Threads: 2, Memory: 1 << 30, Temp: tmp, Dirs: []string{lake}})
//	rows, err := e.Query(ctx, duck.Request{
//		Views: []duck.View{{Name: "events", SQL: `SELECT action FROM read_parquet(['…/1.head.parquet'])`}},
//		SQL:   "SELECT action, count(*) AS n FROM events GROUP BY action ORDER BY n DESC",
//	})
//	for rows.Next() { use(rows.Values()) }
//	err = rows.Err()
//
// # What somebody's statement may do
//
// Three fences stand one behind the other.
//
//   - Inspect parses the statement with DuckDB's own parser and walks the tree.
//     It must be one SELECT. It may name the given views and its own common
//     table expressions, and no other table; a few table functions (range,
//     unnest and their like); and functions that compute, but none that reads
//     files, settings, variables or the catalogue, runs a text as SQL, or waits.
//     What the walk does not know is refused.
//   - The engine is opened with external access off except for the lake's
//     folders and its own folder for temporary files, with extensions off, and
//     with its configuration locked.
//   - Time, memory, threads, disk for temporary files, rows and bytes of the
//     result are limited. A watch looks at the memory of the process while
//     queries run and ends them when it grows past the limit, because text that
//     a function makes is not counted by the engine.
//
// # Values
//
// A row holds nil, bool, int64, float64, string, time.Time (UTC) or json.Number
// (whole numbers that int64 cannot hold, and decimals). JSON, lists, structs and
// maps are JSON text with the column type JSON.
package duck
