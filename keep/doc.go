// Package keep makes received records durable, as they were received, before their
// delivery is acknowledged.
//
// [Keep] is the whole of what intake knows of it: hand over a [Batch], be called back
// once when it is durable. [Files] implements it with the files of a segment log; the
// lake takes its place behind the same interface, so nothing here knows of Parquet,
// of the store, or of what a record means.
//
// What is kept can be read back, record by record, with its checksum verified: by the
// [yagura.KeptRange] that Put's callback gave ([Reader.Read]), or all of it
// ([Reader.All]) for a replay of the policy, a second judgement, or `dead retry`. The
// same record may be there twice (its delivery came again after a crash that fell
// between keeping and acknowledging); (source, object, number) tells.
//
// # What a frame holds
//
// A frame holds about a megabyte of records of one object: a head in the clear (version,
// source, object, and per run of one format: first number, count, earliest and latest
// event time) and, compressed with zstd, the key, time and length of each record and
// the records' bytes. File, Offset and Length of a KeptRange name the frame's content
// within the file, and Checksum is the SHA-256 of exactly these bytes, so that
// `tail -c +$((offset+1)) file | head -c length | sha256sum` proves it.
//
// # When it is durable
//
// The first batch after a pause is fsynced at once; then at most every 200 ms, or when
// 4 MB wait. Put has copied and compressed the records when it returns, and waits while
// too many compressed bytes wait for the disk: that is the back-pressure. A batch that
// could not be written (disk full) is tried again until it is, and what comes behind it
// waits: [Files.Stats] says why. Only when the keeper is closed meanwhile does the batch get
// the error in its callback; nothing of it counts as kept then.
//
// A worked example:
//
//	k, err := keep.Open(dir, keep.Options{})
//	err = k.Put(ctx, &keep.Batch{Source: "s3", Object: "s3://b/k", Runs: runs,
//		Done: func(ranges []yagura.KeptRange, err error) { … }})
//	for e, err := range k.Read(ctx, ranges[0]) { … } // the records again
//	dropped, err := k.Drop(time.Now().Add(-30*24*time.Hour), 100<<30)
package keep
