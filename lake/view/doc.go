// Package view holds the tables that a hunt sees: names, columns, types, and how each
// column is made from a lake file.
//
// A query of Microsoft Sentinel says AWSCloudTrail and EventName; a lake file has the
// head column action and the record as it was received. This room is the bridge, as data:
// [Lookup] finds a table by its name, and [Table.Select] writes the SELECT over Parquet
// files that is the table for one query.
//
//	t, _ := view.Lookup("AWSCloudTrail")
//	sql, err := t.Select([]string{"TimeGenerated", "EventName"}, files, from, to)
//
// gives, for files of the format aws.cloudtrail,
//
//	SELECT h."time" AS "TimeGenerated", h."action" AS "EventName"
//	FROM read_parquet(['…/a.head.parquet']) h
//	WHERE h."time" >= TIMESTAMP '2024-03-05 00:00:00' AND h."time" < TIMESTAMP '…'
//
// A column that the head lacks is read from the record, and only then are the raw files
// named: all wanted paths are taken in one pass over the record.
//
// # Where a table's rows come from
//
// A table has sources, one for each way a record can come to it: a format, a condition,
// and an expression for each column. A record arrives in several shapes (as an Event Hub
// has it, as a row of the table in Log Analytics, as Microsoft Graph says it); a column
// lists the places where each shape has its value, and the first that is there counts.
// A table without sources is known and empty, so that a query over several tables runs.
//
// # Types
//
// Columns have the types of KQL and come as DuckDB's: bool BOOLEAN, int INTEGER, long
// BIGINT, real DOUBLE, string VARCHAR (never NULL: ” instead), guid VARCHAR in lower case,
// datetime TIMESTAMP in UTC, timespan BIGINT in ticks of 100 ns, dynamic JSON. A value that
// is not of its column's type is null. A dynamic column whose value is text that holds JSON
// has what the text holds.
//
// # What it is not
//
// It opens no file, runs no query and knows no clock. Which files there are is the
// catalogue's matter (lake), running SQL the engine's (lake/duck), and KQL is turned into SQL
// in query/kql, which sees of a table its name and columns only.
package view
