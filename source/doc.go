// Package source is the contract of the rooms that records come from: source/file
// walks files and folders, source/s3 lists a bucket.
//
// A [Source] gives [Object]s in a fixed order (the same input, the same order), so
// that a run can be repeated and its repeats and findings come out equal. It hands
// on bytes as they are stored: decompressing and decoding are decode's work, and a
// source never sees a rule.
//
// This is the contract of reading what already lies somewhere. A [Receiver] is that of
// what arrives: a queue, a watched folder, a bucket that is listed again and again.
// source/sourcetest holds every receiver to it.
//
// A worked example:
//
//	var src source.Source = file.New(file.Options{}, "/var/log/cloudtrail")
//	for obj, err := range src.Objects(ctx) {
//		if err != nil { …; continue } // one object that cannot be read; the rest goes on
//		body, err := obj.Open(ctx)
//	}
//
// And of receiving:
//
//	for {
//		messages, err := receiver.Receive(ctx)
//		if errors.Is(err, source.ErrFinished) { break }
//		for _, m := range messages {
//			… // judge and keep what is in m.Objects; Extend meanwhile
//			err := receiver.Ack(ctx, m)
//		}
//	}
package source
