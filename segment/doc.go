// Package segment is an append-only log of byte frames in the numbered files of one
// directory. What [Log.Sync] acknowledged survives kill -9 and loss of power; what
// was not acknowledged is there whole or not at all.
//
// It knows nothing of what is in a frame. It is not a queue (who reads keeps its own
// place), not a database (a frame is found by its [Position] or by reading along), and
// it never rewrites a frame.
//
// # The files
//
// A file is a header of 32 bytes and frames one after the other. A frame is a header of
// 16 bytes (length, a random number of the file, CRC-32C of the content, CRC-32C of the
// frame header together with the file's number and the frame's offset) and its content.
// As the header's checksum holds the place and the file's number, a reader finds the
// next good frame behind a damaged stretch, and does not take an old or copied frame
// for one.
//
// # What can go wrong
//
//   - A crash leaves a torn end in the last file. [Open] cuts it and says so in
//     [Log.Recovered].
//   - A damaged stretch is a [*Damage] with its place; the frames behind it are handed
//     out all the same. A file that is missing in the middle is one, too.
//   - A write that fails (disk full) is undone by truncation, the error says what
//     happened, and the log goes on when there is room again.
//   - After a failed fsync nobody knows what the disk holds: [Log.Sync] returns the error
//     for every frame it concerns, each time it is asked, and the log goes on in a new file.
//   - A second writer of the directory is refused by a lock that dies with its process.
//
// A worked example:
//
//	l, err := segment.Open(dir, segment.Options{MaxBytes: 64 << 20})
//	span, err := l.Append([]byte("one"), []byte("two"))
//	err = l.Sync(span) // both are durable
//	for f, err := range l.Read(segment.Position{}) {
//		var d *segment.Damage
//		if errors.As(err, &d) { …; continue } // said with its place; the rest follows
//		use(f.Data)
//	}
//	removed, err := l.RemoveBefore(span.First) // whole files only
package segment
