// Package repeat drops repeats. A [Window] remembers the keys of the last events of one
// run, by default ten million, in one flat table of at most 200 MB. A [Disk] remembers
// hundreds of millions of keys in files, over restarts and crashes, for a service.
//
// It is exact about what it remembers and says what it could not: an event is a
// repeat when an event with the same key and the same content hash was among the
// last events; the same key with other content is a [Conflict], never a repeat.
// It knows nothing of formats (decode makes the keys), it is not a store of events, and
// it never works by content alone.
//
// # The table of a Window
//
// An entry is 16 bytes: 96 bits of the mixed key, 24 bits of the content hash and
// an 8-bit generation. Entries stand in buckets of eight; a key may stand in two
// buckets and is put into the emptier one; where both are full one entry is moved to
// its other bucket, so that the table fills to nine tenths and more. A generation is
// 1/200 of the window: entries older than the window count as free. When both buckets
// are full of live entries the oldest of the sixteen is forgotten, and [Window.Evicted]
// counts it.
//
// The table starts small and doubles in place inside one anonymous mapping, outside
// the garbage-collected heap: a short run touches kilobytes, a long one 200 MB.
//
// A worked example:
//
//	w, err := repeat.New(repeat.DefaultWindow)
//	w.Add(key, content) // Fresh
//	w.Add(key, content) // Repeat
//	w.Add(key, other)   // Conflict: keep both, say it once
//	w.Add(key, third)   // ConflictAgain
//
// # The files of a Disk
//
// docs/adr/0007-key-window.md says why it is as it is. In a directory stand a log (see
// segment) of what is young, files of sorted keys with their filters, and MANIFEST, the
// list of those that count. The caller numbers its commits: keys that were judged under
// a mark that was never committed are forgotten at the next opening, so that a crash
// neither loses an event nor doubles one.
//
//	d, err := repeat.OpenDisk(dir, repeat.DiskOptions{Committed: markInSQL})
//	mark := markInSQL + 1
//	err = d.Judge(items, verdicts, mark) // one goroutine
//	err = d.Sync()                       // the keys are durable
//	…                                    // the SQL transaction that stores mark commits
//	d.Committed(mark)
//	for _, p := range d.Problems() { … } // damage: for the operator
package repeat
