// Package store keeps what Yagura knows: delivery records, findings, the rows of windows,
// issues with their timelines, the outbox, and of the console users, sessions, tokens, views
// and the audit trail. It is database/sql over SQLite (in the
// binary, the default) or PostgreSQL 15 and later, with one schema and the same tests for
// both.
//
// It keeps no raw events (those are in files), and it decides nothing: what an issue's
// life is and who is told is triage's work. It implements the small interfaces that its
// consumers declare, all on [Tx].
//
// # Transactions
//
// [DB.Update] runs a function in one write transaction and returns when it is durable.
// The function may run again (another replica was faster, the connection broke before
// the commit): it must have no effects outside its transaction. A commit whose answer was
// lost is looked up, so that it is neither done twice nor taken for lost. [DB.View] reads
// one snapshot and never holds up a writer.
//
//   - SQLite has one writer at a time, WAL, synchronous=FULL: on return the commit is on
//     the disk. PostgreSQL runs READ COMMITTED with row locks and synchronous_commit.
//   - An error of any statement ends the transaction: it cannot be committed any more,
//     whatever the function returns.
//   - To be fast, hand over many rows at a time; whoever calls groups commits.
//
// # What is counted
//
// Books ([Tx.SourceTotals], [Tx.SinkTotals], [Tx.DeadTotals]) are sums of a few counters,
// which change in the transaction of the change itself; they are written last, just before
// the commit, so that replicas do not wait for each other. Findings of an issue are
// counted by [Tx.AddCounts] alone: the Count, FirstSeen and LastSeen of an issue are kept
// apart from its row, and [Tx.PutIssue] takes them only when the issue is new.
//
// # The audit trail
//
// Lines of [Tx.AddAudit] belong to the transaction of what they tell of. They are numbered and
// linked by a chain of SHA-256 as the last thing before the commit, under one lock: so their
// numbers are in the order of commits and have no gaps. [Tx.VerifyAudit] finds a line that was
// changed or taken out.
//
// # Lists
//
// [Tx.FindIssues], [Tx.FindFindings] and their like answer queries of package filter. What they
// ask follows from bodies and is no part of a backup. It is made behind the write by
// [Tx.IndexFindings] and [Tx.IndexIssues], which whoever serves calls now and then; lists are
// right without, and slower. Scopes are a condition of the statement that reads bodies.
//
// # Locks
//
// With PostgreSQL, rows are locked until the commit. Do it in this order, and transactions
// do not wait for each other in a circle: deliveries, findings, rows of windows, issues
// (which [Tx.IssuesByCause] locks in the order of cause keys; ask for all of them, with
// the strongest lock, in one call), timelines, the outbox. Groups of windows and counters
// come last by themselves. A circle that happens all the same is ended by PostgreSQL and
// the function runs again. Transactions must not be nested: SQLite has one writer.
//
// # Who may open a SQLite directory
//
// One process serves ([Serve], the zero mode): it holds yagura.lock and a second one is
// refused. Command line verbs beside it open with [Shared]: they read, and write
// small changes in turn with the server (WAL lets them, each waits for the other's
// commits). [ReadOnly] refuses every change. Neither migrates a database that is served.
//
// # What text may hold
//
// Strings come from logs. NUL bytes and invalid UTF-8, which PostgreSQL refuses, are kept
// in an escaped form and come back as they were; names longer than an index takes are
// indexed by their beginning and a hash. Times are nanoseconds since 1970 in UTC; times
// outside the years 1678 to 2261 are cut to that range in columns (not in JSON bodies).
//
// A worked example:
//
//	db, err := store.Open(ctx, store.Options{Dir: "/var/lib/yagura"})
//	err = db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
//		states, err := tx.PutFindings(ctx, filed)
//		…
//		return tx.Owe(ctx, notices)
//	})
//	// here the findings and their notices are on the disk, or none of them is
package store
