package keep

import (
	"context"
	"errors"
	"time"

	"github.com/yagura-sec/yagura"
)

// Keep makes batches durable.
type Keep interface {
	// Put takes b over: when it returns nil, b.Done is called exactly once, later and from
	// another goroutine, and the records' bytes may be used again. It waits while too much
	// waits for the disk, until ctx ends. When it returns an error, Done is not called.
	Put(ctx context.Context, b *Batch) error
	// Close makes durable what was put, calls back, and ends. Put then returns [ErrClosed].
	Close() error
}

// Batch is records of one object that become durable together.
type Batch struct {
	Source, Object string
	Runs           []Run
	// Seen is when the records arrived; zero: when they are taken in. Who reads a long object,
	// or may have to wait for room, leaves it zero: what looks at arrivals must not have passed
	// the time already.
	Seen time.Time
	// Done tells where the runs are kept: one or more ranges for each run, in their order, or
	// none where the keeper has written that down itself. The batches of one object are called
	// back in the order in which they were put.
	// With an error nothing of the batch counts as kept. It must return soon and must not
	// call Put.
	Done func(ranges []yagura.KeptRange, err error)
}

// Run is records of one format that follow one another in their object.
type Run struct {
	Format  string
	First   int64 // number of the first record in the object
	Records []Record
}

// Record is one record as it was received.
type Record struct {
	Raw  []byte
	Time time.Time // event time; zero when the record does not say
	Key  yagura.Key
	// Event is the record's header, for a keeper that keeps it beside the record; nil: there
	// is none. It may be used again when Put has returned.
	Event *yagura.Event
	// Keyed says that Key was made from the record, by its format's recipe.
	Keyed bool
}

// Entry is one record as it is read back. Raw is valid until the next one is asked for.
type Entry struct {
	Source, Object, Format string
	Number                 int64
	Record
}

// ErrClosed is returned by Put after Close.
var ErrClosed = errors.New("keep is closed")

// ErrChecksum is wrapped by the error for stored bytes that are not what was kept.
var ErrChecksum = errors.New("the checksum is wrong")
