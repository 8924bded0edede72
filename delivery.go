package yagura

import "time"

// Delivery is the record of one object or message that a source brought: which of its
// records are judged and which are kept. It is kept forever, and `yagura ledger` adds
// them up: received = judged + waiting.
type Delivery struct {
	Source string // name of the source in the configuration
	Object string // identity of the object or message: "s3://bucket/key#etag", "push:segment:frame"
	// Received is when it was first seen here.
	Received time.Time
	// Judged and Kept count records from the start: a replay goes on behind them.
	Judged int64
	Kept   int64
	// Total is the number of records; -1 until the end was read.
	Total    int64
	Repeats  int64
	Broken   int64
	Own      int64 // our own traffic: counted, never judged
	Findings int64
	Attempts int
	Error    string // of the last attempt
	// Sum is the SHA-256 of its bytes as they were received, in hexadecimal digits; "" where
	// it was not read to its end, or has none.
	Sum string
	// Done is when all records were judged and kept; zero before.
	Done time.Time
	// First and Last are the event times that its records span.
	First, Last time.Time
}

// DeadLetter is a record that could not be decoded, or that made a rule panic, with its
// bytes. One finding says so.
type DeadLetter struct {
	ID      string    `json:"id"`
	Source  string    `json:"source"`
	Object  string    `json:"object"`
	Record  int64     `json:"record"` // number in its file, from 0
	Offset  int64     `json:"offset"` // of its first byte in the decompressed file
	Format  string    `json:"format,omitempty"`
	Reason  string    `json:"reason"`
	Bytes   []byte    `json:"bytes"`            // at most 1 MB of it
	Size    int64     `json:"size"`             // of the whole
	At      time.Time `json:"at"`               // when it was kept
	Retried time.Time `json:"retried,omitzero"` // when a retry judged it; zero while it waits
}
