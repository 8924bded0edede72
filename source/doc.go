// Package source is the contract of the rooms that records come from: source/file
// walks files and folders, source/s3 lists a bucket.
//
// A [Source] gives [Object]s in a fixed order (the same input, the same order), so
// that a run can be repeated and its repeats and findings come out equal. It hands
// on bytes as they are stored: decompressing and decoding are decode's work, and a
// source never sees a rule.
//
// This is the contract of reading what already lies somewhere. Receiving what
// arrives (Receive, Ack, Extend) joins it with the service.
//
// A worked example:
//
//	var src source.Source = file.New(file.Options{}, "/var/log/cloudtrail")
//	for obj, err := range src.Objects(ctx) {
//		if err != nil { …; continue } // one object that cannot be read; the rest goes on
//		body, err := obj.Open(ctx)
//	}
package source
