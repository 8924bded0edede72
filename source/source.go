package source

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// Object is one thing that holds records: a file, an S3 object, standard input.
type Object struct {
	Source   string    // "file", "stdin", "s3"
	Name     string    // as people write it: a path, "-", "s3://bucket/key"
	Size     int64     // stored bytes; negative when unknown
	Modified time.Time // zero when unknown
	// Tag tells versions of one name apart (an ETag, a size and time); "" where a name never
	// changes its content.
	Tag string
	// Streaming says that a read may wait for a writer that is still at work.
	Streaming bool
	// Whole says that what is read are all the bytes of a file, or of an object of a bucket, as
	// they lie there: no message, and no part of a log that grows.
	Whole bool
	// Head returns how the text starts that the object is a later part of; nil where the object
	// is whole. Tables and some logs name their fields there. It is called after Open.
	Head func() []byte
	// Open starts reading. The caller closes the reader; cancelling ctx ends a read that waits.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Source is where objects come from.
type Source interface {
	// Objects lists the objects in a fixed order. An error is about one object or one
	// folder, is an [*Error] where it can be, and does not end the list.
	Objects(ctx context.Context) iter.Seq2[Object, error]
}

// Error is something that could not be read.
type Error struct {
	Name string // of the object, folder or prefix
	Err  error
	Hint string // what to do, "" when there is nothing to say
	// Asked says that Name is a path or prefix that was asked for, so that all that should
	// have come from there is missing.
	Asked bool
}

// Asked says of err that nothing of a path or prefix that was asked for can be read.
func Asked(name string, err error) error {
	e := (*Error)(nil)
	if !errors.As(err, &e) {
		return &Error{Name: name, Err: err, Asked: true}
	}
	e.Asked = true
	return err
}

// Error returns name: reason (hint: …).
func (e *Error) Error() string {
	s := e.Name + ": " + e.Err.Error()
	if e.Hint != "" {
		s += " (hint: " + e.Hint + ")"
	}
	return s
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }
