// Package sql is the second back end of room query: it writes a [query.Expr], which
// is what every rule language is compiled to, as one SQL expression that DuckDB
// evaluates over the raw records of the lake. A rule that judges records as they
// stream by and the same condition run as SQL over the same records agree exactly.
//
// The expression has three values. TRUE and FALSE are what [query.Program] says of the
// record. NULL means that SQL cannot say it of this record: it is no JSON that DuckDB
// reads (a lone surrogate), it writes a key with its dots ("a.b" for the path a, b), or
// the answer hangs on how a number was written and DuckDB no longer knows. NULL goes
// through AND, OR and NOT as SQL's logic has it, so that nothing is guessed: who needs
// every answer reads the rows that are NULL and judges them by the Program. In the logs
// of clouds such rows do not occur; records made to provoke them have them.
//
// A condition that SQL cannot say of any record is refused with the place and the
// reason ([Refusal]): a field that is computed by Go, a test that is a Go function.
//
// [Narrow] is the coarse question beside it: a condition over columns and over the bare
// text of the record that holds for every record for which the expression holds, and for
// others. By it statistics prune, and records need not be read as JSON.
//
// The package executes nothing and imports no engine. What it writes calls the macros
// of [Macros], which whoever opens the engine creates once.
//
// A worked example, the Sigma selection `eventName: StopLogging`:
//
//	p, err := sql.Compile(expr, sql.Options{Raw: "r.raw"})
//	// p.SQL is TRUE for {"eventName":"StopLogging"} and {"eventName":["stoplogging"]},
//	// FALSE for {"eventName":null}, NULL for {"eventName":"\ud800"}
//	sql.Narrow(expr, sql.Columns{Raw: "r.raw"})
//	// (contains(lower(r.raw), 'stoplogging') OR contains(r.raw, '\u') OR …)
//
// It is not the way of KQL: a KQL query is compiled by query/kql over the columns of
// tables, whose meaning is Kusto's.
package sql
