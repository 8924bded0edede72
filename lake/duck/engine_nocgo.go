//go:build !cgo

package duck

import "context"

// Available says whether this program has an engine.
const Available = false

// Engine cannot be had without cgo.
type Engine struct{}

// Open returns ErrNoEngine.
func Open(Options) (*Engine, error) { return nil, ErrNoEngine }

// Query returns ErrNoEngine.
func (*Engine) Query(context.Context, Request) (*Rows, error) { return nil, ErrNoEngine }

// Inspect returns ErrNoEngine.
func (*Engine) Inspect(context.Context, string) (*Outline, error) { return nil, ErrNoEngine }

// Close does nothing.
func (*Engine) Close() error { return nil }

// Rows cannot be had without cgo.
type Rows struct{}

// Columns is empty.
func (*Rows) Columns() []Column { return nil }

// Next returns false.
func (*Rows) Next() bool { return false }

// Values is empty.
func (*Rows) Values() []any { return nil }

// Err returns ErrNoEngine.
func (*Rows) Err() error { return ErrNoEngine }

// Close does nothing.
func (*Rows) Close() error { return nil }

// Stats is empty.
func (*Rows) Stats() Stats { return Stats{} }
