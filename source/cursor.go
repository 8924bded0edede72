package source

import (
	"context"
	"errors"
)

// ErrGone is what opening or reading an object says, among its reasons, when that version
// of it no longer exists: deleted, or replaced by another, before it was read. Asking again
// brings nothing; whoever receives says so and acknowledges.
var ErrGone = errors.New("it is gone")

// ErrFinished is what Receive says when a receiver that has an end (the backfill of a bucket)
// has handed out everything and everything is acknowledged.
var ErrFinished = errors.New("everything was received")

// Cursor keeps how far a receiver got, so that a restart goes on from there. What is kept
// is the receiver's own and small (well below 1 MB, unless thousands of files are followed).
type Cursor interface {
	// Load returns what was saved last, nil when nothing was.
	Load(ctx context.Context) ([]byte, error)
	// Save replaces it whole or not at all; when it returns nil, it survives a crash.
	Save(ctx context.Context, state []byte) error
}

// Identity is what the object is known by in the record of deliveries: its name with its
// tag. The same object named by two messages, or listed twice, has the same.
func (o *Object) Identity() string {
	if o.Tag == "" {
		return o.Name
	}
	return o.Name + "#" + o.Tag
}
