// Package iceberg publishes the live files of a lake as two Apache Iceberg tables, head and
// raw, so that engines that know Iceberg see exactly what the catalogue sees: no file that was
// merged away, none that a crash left.
//
// It writes metadata alone: the Parquet files of the lake are named where they are. It is not
// a catalogue server and needs none: the newest metadata of a table is found by its version
// hint, as engines do that read tables by their path. It reads no Iceberg tables but those that
// it wrote, and nobody else may commit to them.
//
// # What lies where
//
//	head/metadata/version-hint.text       the number of the newest version
//	head/metadata/v7.metadata.json        format version 2: schema, partition spec, snapshots
//	head/metadata/snap-<id>.avro          the manifest list of a snapshot
//	head/metadata/<id>-m0.avro            a manifest: the files of one log type and month
//	head/log=…/day=…/….head.parquet       the lake's own
//
// and the same below raw. The files have no field ids: the property schema.name-mapping.default
// gives columns theirs, which stay what they are for ever.
//
// head is partitioned by its column format, and the bounds of its column time leave out what a
// question does not ask for. raw is partitioned by log and day, the names of the folders. Those
// two are in no file: the specification has readers take them from the metadata, and not all
// do (docs/lake.md names them), which is why head does without.
//
// # From one version to the next
//
// [Publish] compares the newest snapshot with the live files and adds a snapshot where they
// differ: append where files were added, overwrite where some are gone. What was known of a
// file is copied from the old manifest; of new files the footers are read, for their bounds.
// The manifest of a month in which nothing changed is used again. The metadata file of the next
// version is written only where there is none of that name, so of two who publish at once one
// fails with [ErrConcurrent], and the hint is replaced last. The last ten snapshots stay, and
// the metadata files of ten versions, for readers that have begun.
//
// A worked example:
//
//	files, err := catalogue.Files(ctx, lake.Filter{})
//	tables, err := iceberg.Publish(ctx, iceberg.Options{Files: files, Place: lake.Disk(dir), Location: dir})
//	// tables[0] is head: its metadata file, its snapshot, how many files were added and removed
package iceberg
