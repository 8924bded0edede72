package yagura

import "time"

// Filed is a finding as it is kept, with what triage made of it.
type Filed struct {
	Finding    Finding
	IssueID    string // "" for a finding that opened nothing (mode count)
	Episode    int
	Severity   Severity // as judged by the policy
	Suppressed bool
	Generation string    // hash of the loaded rules
	Seen       time.Time // when it was judged, by our clock
	Clauses    []string  // what the policy decided, in order
}

// FiledState is what filing a finding came to.
type FiledState uint8

// The states.
const (
	FiledNew     FiledState = iota // it was not there
	FiledKnown                     // the same was there
	FiledChanged                   // the window of the same finding has grown: it was updated
)

// Lock says how rows are held while a transaction decides.
type Lock uint8

// The locks. Rows are always locked in the order of their cause keys.
const (
	LockNone   Lock = iota
	LockShare       // nobody changes them meanwhile
	LockChange      // they will be changed
)

// Count adds findings to an issue without touching its row: counts of a hot issue are
// appended and folded later.
type Count struct {
	IssueID     string
	Findings    uint64
	First, Last time.Time // event times
}

// SourceTotals are the books of one source: Received = Judged + Waiting, in records of
// objects that were read to their end once, and in objects.
type SourceTotals struct {
	Source                 string
	Objects, ObjectsDone   int64
	Received, Judged, Kept int64
	Waiting                int64
	Repeats, Broken, Own   int64
	Findings               int64
	LastEvent              time.Time
	Oldest                 time.Time // received time of the oldest object that waits
	LastError              string
}

// SinkTotals are the books of one sink: Owed = Delivered + Waiting + Dead.
type SinkTotals struct {
	Sink                           string
	Owed, Delivered, Waiting, Dead int64
	Folded                         int64 // updates that were folded into one that waited: never owed
	Doubled                        int64 // messages that may be, or are, there twice
	Oldest                         time.Time
	LastError                      string
}

// WindowRow is one base match of a correlation. (Corr, Group, Sort) is unique: the same
// row may be added again and counts once.
type WindowRow struct {
	Corr   Key    // hash of the correlation rule
	Group  []byte // values of group-by
	Sort   []byte // time, event key and base; rows of a group are read in the order of it
	Origin string // id of the finding that made it, for a correlation over correlations
	Body   []byte
	// Arrived is when it was added first; it is no part of what the row is.
	Arrived time.Time
}

// WindowGroup is a group of a correlation that has to be evaluated.
type WindowGroup struct {
	Corr   Key
	Group  []byte
	Rows   int64  // since the start of the open window, about
	Sealed []byte // rows up to this Sort are judged for good; nil: none
	// Stamp changes with every added row: a group whose stamp moved while it was
	// evaluated stays dirty.
	Stamp int64
}

// KeptRange says where a run of records of one object is kept.
type KeptRange struct {
	Source, Object string
	Format         string
	First, Count   int64 // records
	File           string
	Offset, Length int64
	Min, Max       time.Time // event times
	Checksum       [32]byte  // SHA-256 of the stored bytes
}

// TicketRef is what a sink calls the ticket of an issue.
type TicketRef struct {
	IssueID, Sink, Ref, URL string
}
