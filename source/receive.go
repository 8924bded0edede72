package source

import (
	"context"
	"time"
)

// Receiver is where messages arrive: a queue, a watched folder, the log of what was
// pushed. source/sourcetest holds every Receiver to this contract.
type Receiver interface {
	// Name is the name of the source in the configuration; it is part of what a delivery is
	// known by, so a name must not change its meaning.
	Name() string
	// Receive waits until there is something, and returns it. It hands out what was handed
	// out before and not acknowledged (after a crash, after Release, after the queue's own
	// time), so that nothing is lost; whoever receives must know repeats. Nothing is handed
	// out twice while it is out and extended in time. It returns ctx's error when ctx
	// ends. Any other error is about the source (queue gone, access denied); the caller
	// says so and calls again after a while; a receiver that has an end says [ErrFinished].
	Receive(ctx context.Context) ([]*Message, error)
	// Ack says that everything in m is judged and kept. An error means that m may come again.
	Ack(ctx context.Context, m *Message) error
	// Extend says that m is still being worked on. It is called well before Lease ends.
	Extend(ctx context.Context, m *Message) error
	// Release gives m back unfinished: it is handed out again no sooner than after. cause
	// is why. A message that comes too often goes to the source's own dead-letter queue
	// where there is one, and never holds up others.
	Release(ctx context.Context, m *Message, after time.Duration, cause error) error
	// Lag says how far behind the source is, as well as it can know.
	Lag(ctx context.Context) (Lag, error)
	// Close ends the receiver; messages that are out are no longer acknowledged.
	Close() error
}

// Message is one thing that a Receiver handed out. It is acknowledged as a whole.
type Message struct {
	// ID identifies the message, the same at each coming.
	ID string
	// Objects hold the records. A message without objects (a test message, a confirmation)
	// is acknowledged at once. Object names with their Tag are identities: the same object
	// named by two messages is judged once.
	Objects []Object
	// Received is when this coming began, Attempts how often it came, from 1, as far as the
	// source knows.
	Received time.Time
	Attempts int
	// Lease is how long the message stays out without Extend; 0 is forever.
	Lease time.Duration
	// Refused says why the message names no objects although it should: it is poison, is
	// kept as a dead letter with Body, and acknowledged.
	Refused error
	Body    []byte // of the message itself, at most 1 MB
	// Handle is the receiver's own.
	Handle any
}

// Lag is how far behind a source is.
type Lag struct {
	Waiting int64     // messages that wait, -1 when unknown
	Out     int64     // messages handed out and not acknowledged, by anybody; -1 when unknown
	Oldest  time.Time // of the oldest that waits; zero when unknown or none
	Dead    int64     // messages in the source's dead-letter queue; -1 when there is none or it is unknown
}
