// Package fn holds the functions of the Kusto Query Language that SQL lacks, as
// DuckDB macros where SQL can say them and as Go functions where it cannot.
//
// It is data and arithmetic: no engine, no files, no network, no clock. The
// engine (lake/duck) registers what Macros and Funcs return; the binder of
// query/kql decides types and writes calls. Nothing here knows a table.
//
// What it is not: a place for types or for conversions that depend on the type
// of an argument. tostring(x) is one name in Kusto and one macro for each type
// here; the binder picks.
//
// # Values
//
// bool is BOOLEAN, int INTEGER, long BIGINT, real DOUBLE, string and guid
// VARCHAR, datetime TIMESTAMP (UTC, microseconds), timespan BIGINT in ticks of
// 100 ns, dynamic JSON. A string is never NULL: the empty string stands for it,
// and macros that return a string never return NULL. The null of dynamic is SQL
// NULL, never the JSON text null, except inside arrays and objects.
//
// # A worked example
//
//	where UserAgent has "aws-cli"
//
// becomes
//
//	kql_has(UserAgent, 'aws-cli')
//
// which the macro opens into a search for the text without regard to case, and
// only where that hits, into an expression that looks at the characters beside
// it. Both have a constant pattern, which the engine compiles once.
//
//	extend p = parse_url(Uri)
//
// becomes kql_parse_url(Uri), a macro over the Go function kqlg_parse_url: it
// casts its answer, a JSON text, to JSON.
//
// # Limits
//
// A record comes from outside. A Go function takes at most 16 MB of text, parses
// JSON to a depth of 64, builds at most 1,048,576 elements or 16 MB of text, and
// inflates at most 16 MB; beyond a limit the answer is null (the empty string
// for a string), which is what Kusto itself does with its limits.
package fn
