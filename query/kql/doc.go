// Package kql compiles the Kusto Query Language to one SELECT of DuckDB.
//
// A query goes through four steps. The lexer and the parser make a syntax tree
// in which every node knows its place. The binder gives every expression a type
// by Kusto's rules, decides the names of columns, and builds a plan: a tree of
// operators with typed expressions in which columns are pointers. Marking then
// finds which columns are needed, from the result downwards, so that a table is
// read only for the columns that matter. At last the plan is written as SQL.
//
// What it is not: it runs nothing and reads nothing. Tables come from a Schema,
// the time comes from Options.Now. What SQL lacks is in query/kql/fn, as macros
// and functions that the engine registers.
//
// The types of Kusto in DuckDB: bool BOOLEAN, int INTEGER, long BIGINT, real
// DOUBLE, decimal DECIMAL(38,18), string VARCHAR and never NULL, guid VARCHAR in
// lower case, datetime TIMESTAMP in UTC, timespan BIGINT in ticks of 100 ns,
// dynamic JSON with NULL for null.
//
// A worked example:
//
//	AWSCloudTrail
//	| where EventName == "ConsoleLogin" and TimeGenerated > ago(1d)
//	| summarize count() by SourceIpAddress
//
// becomes
//
//	SELECT "SourceIpAddress", count(*) AS "count_"
//	FROM "AWSCloudTrail"
//	WHERE "EventName" = 'ConsoleLogin' AND "TimeGenerated" > TIMESTAMP '…'
//	GROUP BY 1
//
// and the plan says that of AWSCloudTrail the columns EventName, TimeGenerated
// and SourceIpAddress are used.
//
// # How to add a function
//
// A scalar function is one Func in a table (files funcs_*.go), an aggregate is one
// Agg (files aggs_*.go). Bind gets typed arguments and answers with a typed Expr;
// Tmpl and AggTmpl are enough for most:
//
//	Tmpl("strlen", fn.Long, "length($1)", fn.String)
//
// Keep two promises: a string is never NULL (” instead; Tmpl sees to it), and an
// error in data gives null, never an error of the engine (TRY_CAST, TRY).
package kql
