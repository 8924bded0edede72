package api

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/yagura-sec/yagura"
)

// The outcomes of an audit line.
const (
	outcomeDone    = "done"
	outcomeRefused = "refused"
)

// Entry is the line that a write owes the audit trail. Whoever commits the write takes it from
// the context ([EntryOf]) and writes it in the same transaction; what nobody wrote by then is
// written afterwards.
type Entry struct {
	line    yagura.Audit
	written atomic.Bool
}

// Did names what is done, to what, and whatever else people should read of it; "" leaves it.
func (e *Entry) Did(what, on, detail string) {
	if e == nil {
		return
	}
	if what != "" {
		e.line.What = what
	}
	if on != "" {
		e.line.On = on
	}
	if detail != "" {
		e.line.Detail = cutLong(detail)
	}
}

// Line is what is to be written when the write is done.
func (e *Entry) Line() yagura.Audit {
	line := e.line
	line.Outcome = outcomeDone
	return line
}

// Written says that the line is in the trail: the transaction was committed.
func (e *Entry) Written() {
	if e != nil {
		e.written.Store(true)
	}
}

func cutLong(s string) string {
	const most = 1000
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

type entryKey struct{}

// EntryOf is the line that the write of a context owes, nil where it owes none.
func EntryOf(ctx context.Context) *Entry {
	e, _ := ctx.Value(entryKey{}).(*Entry)
	if e != nil && e.written.Load() {
		return nil
	}
	return e
}

// Did names in the audit trail what the call does.
func (c *call) Did(what, on, detail string) { c.entry.Did(what, on, detail) }

// newEntry begins the line of a write.
func (c *call) newEntry(what string) *Entry {
	e := &Entry{line: yagura.Audit{At: c.now.UTC(), What: what, Request: c.Request, From: c.api.gate.From(c.r)}}
	if c.Who != nil {
		e.line.Who = c.Who.Who
	}
	return e
}

// audited runs a write with its line in the trail. A write that was refused, by us or by
// whoever should do it, gets its line too. It is the one place where lines are made.
func (c *call) audited(ctx context.Context, e *Entry, write func(ctx context.Context) error) error {
	err := write(context.WithValue(ctx, entryKey{}, e))
	if err == nil && e.written.Load() {
		return nil
	}
	line := e.Line()
	if err != nil {
		line.Outcome = outcomeRefused
		p, _ := asProblem(err)
		line.Detail = cutLong(joined(line.Detail, p.Error()))
	}
	// The line is owed even where the caller has gone meanwhile.
	if aerr := c.api.parts.Trail.Audit(context.WithoutCancel(ctx), line); aerr != nil {
		c.api.log.Error("the audit trail cannot be written", "request", c.Request, "what", line.What, "on", line.On, "outcome", line.Outcome, "error", aerr)
		if err == nil {
			err = errors.Join(errAudit, aerr)
		}
	}
	return err
}

var errAudit = errors.New("it was done, but the audit trail could not be written")

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + ": " + b
}
