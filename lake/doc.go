// Package lake keeps every record for years, as Parquet files that belong to whoever runs it.
//
// It takes the place of the segment files of keep behind the same interface ([keep.Keep]):
// records come in batches, and each batch is called back once its records are durable. What
// is kept is listed by [Lake.Files], read back by [Reader], and asked by any engine that
// reads Parquet.
//
// It is not an engine (lake/duck is), it does not know what a record means (its header comes
// with it), it does not decide where bytes lie ([Blobs] does) nor in which database its
// catalogue is ([Catalogue], which store implements).
//
// # Files
//
// A partition is one format on one UTC day of event time ("unknown" where records have
// none). A file of a partition is two Parquet files with the same rows in the same order:
//
//	head/log=aws.cloudtrail/day=2026-05-01/00000000002a.head.parquet   the header, a column per field: see [HeadColumns]
//	raw/log=aws.cloudtrail/day=2026-05-01/00000000002a.raw.parquet    the record as it was received
//
// The column row is the same in both: the file's number and the row's place in it.
//
// # From a record to a file
//
// Put copies the records into the column buffers of their partitions. A buffer is cut at 64 MB
// of records, when its first record waits for 60 seconds, or when all buffers together take too
// much memory and it is the largest. To cut is to
//
//  1. write a row into the catalogue that names the file, as being written;
//  2. write both Parquet files, durably;
//  3. make the file live in one transaction of the catalogue, with where the records of each
//     object are in it;
//  4. call back the batches all records of which are in live files.
//
// A crash before 3 leaves files that the catalogue names as being written: the next [Open] of
// the same writer removes them, and the records come again because nobody was called back. A
// crash after 3 finds the records in the lake: when they come again they are repeats.
//
// # Repeats
//
// A record that is in the lake is not written again: it is looked for in its partition, by its
// key and its content, before its row is added (see known.go), and other writers' files are
// searched before a commit. Two records with one key and different content are two rows. A
// record without a native id is keyed by its object and its number there, and its bytes are its
// content: a second delivery of the object is a repeat, two equal lines are two records.
//
// # Copies of originals
//
// Where it is wanted, the bytes of every object (a file, an object of a bucket; no message, and
// no part of a log that grows) are kept as they were received, once for all objects with the
// same bytes:
//
//	originals/sha256/5f/5f3a….00000000002b    named by its SHA-256, and a number as files have
//
// Whoever reads the object has it copied ([Lake.KeepCopy]) when its end is read, and says that
// the object is done after that. The bytes are not in memory: a file is copied from where it
// lies, a stream by way of a file in [Options].Temp.
//
//  1. A row of the catalogue names the copy, as being written; where there is one of these bytes
//     nothing more is done.
//  2. It is written, durably, its SHA-256 verified once more.
//  3. It becomes live, unless another one of these bytes did meanwhile: then it is removed.
//
// What a crash leaves is removed as files are: by the next [Open] of the same writer, or after a
// day by anybody. No two copies ever have one name, so that what removes one cannot meet
// another that is being written.
//
// A copy goes when the record, as it was received, of the last row from an object with its bytes
// has gone: which rows are left of an object the catalogue knows, by the ranges that commits add
// and drops and replacements take away. So retention by log type, account, age and size, and
// legal holds, hold for copies by holding for rows; there is no rule of their own. [SweepCopies]
// looks at those whose ranges went, in the same run of the [Retainer], and once at each that is
// new: where no row came from its object (all records were in the lake before) it goes too. None
// goes within a day after its bytes came last, as their records may be on their way.
//
// A worked example:
//
//	l, err := lake.Open(ctx, lake.Options{Catalogue: db.Lake(place), Blobs: lake.Disk("/var/lib/yagura/lake"), Writer: "r1"})
//	err = l.Put(ctx, &keep.Batch{Source: "s3", Object: "s3://b/k", Runs: runs, Done: done})
//	files, err := l.Files(ctx, lake.Filter{Formats: []string{"aws.cloudtrail"}, From: monday})
//	for e, err := range l.Reader().Records(ctx, files[0]) { … }
package lake
