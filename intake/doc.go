// Package intake takes what receivers bring from the first byte to the acknowledgement:
// it has every record judged and kept, in that order of promises and no other.
//
// It is not a source (it only calls Receive, Ack and Extend), it does not decide what a
// finding is worth (triage does), and it talks to no sink (triage writes to the outbox).
//
// # Two commits, one acknowledgement
//
// Workers read objects and match their records. What they found goes in pieces (a run of
// records of one object) to one committer. For every handful of pieces the committer
//
//  1. asks the key window which records are repeats, and has the keys of this commit made
//     durable under a mark, a number that only grows;
//  2. writes, in one transaction of the store: how far each object is judged, findings,
//     issues, notices, base matches of correlations, dead letters, and the mark.
//
// A crash between 1 and 2 leaves keys with a mark that the store does not know: they are
// dropped when the window is opened again, so an event that was never judged is never
// taken for a repeat. A crash after 2 finds the object's judged records counted: they are
// passed over when it comes again. Meanwhile the keeper makes the same records durable; a
// message is acknowledged when all records of all its objects are judged and kept. Where
// copies of whole objects are wanted, each is durable before the last piece of its object is
// handed on: an object whose copy cannot be kept comes again, as one that cannot be reached.
//
// A store that is away is waited for, and so is a disk that is full. A store that takes
// other things and refuses a finding for good is not: what it refuses becomes a dead letter
// with a finding that says so, whether a record or a window made it. So does a panic while a
// finding is judged, or while a window is evaluated; the group is put off then.
//
// A worked example:
//
//	in := intake.New(intake.Options{Receivers: …, Store: …, Desk: …, Keys: …, Keep: …})
//	err := in.Run(ctx) // until ctx ends; what is in flight is finished or given back
package intake
