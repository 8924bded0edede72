package push

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/yagura-sec/yagura/source"
)

var _ source.Receiver = (*Endpoint)(nil)

// What messages that are out may hold in memory; beyond it a payload is read from the
// log again when it is opened.
const (
	retainEach = 256 << 10
	retainAll  = 16 << 20
)

// handle is what a message of an endpoint carries with it.
type handle struct {
	id       string
	retained int64
}

// Name returns the name of the source.
func (e *Endpoint) Name() string { return e.common.Name }

// Receive waits for requests that were stored and returns them.
func (e *Endpoint) Receive(ctx context.Context) ([]*source.Message, error) {
	poll := time.NewTimer(e.common.Poll)
	defer poll.Stop()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rows, err := e.log.Lease(ctx, e.common.Batch)
		if err != nil {
			return nil, err
		}
		if len(rows) > 0 {
			if len(rows) == e.common.Batch {
				e.nudge() // there may be more, for another that waits
			}
			return e.messages(ctx, rows)
		}
		poll.Reset(e.common.Poll)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-e.closing.Done():
			return nil, errClosed
		case <-e.wake:
		case <-poll.C:
		}
	}
}

// messages opens what was leased. When one cannot be read now, those before it are
// returned and the others given back.
func (e *Endpoint) messages(ctx context.Context, rows []Leased) ([]*source.Message, error) {
	out := make([]*source.Message, 0, len(rows))
	for i, row := range rows {
		m, err := e.message(ctx, row)
		if err == nil {
			out = append(out, m)
			continue
		}
		for _, r := range rows[i:] {
			if err := e.log.Release(context.WithoutCancel(ctx), r.ID, e.common.Poll); err != nil {
				return out, err
			}
		}
		if len(out) > 0 {
			return out, nil
		}
		return nil, err
	}
	return out, nil
}

func (e *Endpoint) message(ctx context.Context, row Leased) (*source.Message, error) {
	h := &handle{id: row.ID}
	m := &source.Message{ID: placed(row.ID), Received: e.common.Now().UTC(), Attempts: row.Attempts, Lease: row.Lease, Handle: h}
	id, payload, err := openMessage(row.Body)
	if err != nil {
		m.Refused, m.Body = err, clipBytes(row.Body)
		return m, nil
	}
	row.Body = nil // what is not held is read again
	name, tag := m.ID, ""
	if id != "" {
		m.ID = id
		name, tag = named(id)
	}
	o := opened{payload: payload, object: func() source.Object {
		held := e.hold(h, payload)
		return source.Object{
			Source: "push", Name: name, Tag: tag, Size: int64(len(payload)), Modified: row.Received,
			Open: func(ctx context.Context) (io.ReadCloser, error) { return reopen(ctx, held, row) },
		}
	}}
	m.Objects, err = e.speaks().open(ctx, o)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		m.Refused, m.Body = err, clipBytes(payload)
	}
	return m, nil
}

// hold returns payload where there is room to hold it until the message is done, and nil
// where it is to be read from the log again.
func (e *Endpoint) hold(h *handle, payload []byte) []byte {
	n := int64(len(payload))
	if n > retainEach {
		return nil
	}
	if e.retained.Add(n) > retainAll {
		e.retained.Add(-n)
		return nil
	}
	h.retained += n
	return payload
}

// reopen returns the payload: the one that is held, or the one in the log.
func reopen(ctx context.Context, held []byte, row Leased) (io.ReadCloser, error) {
	if held == nil {
		body, err := row.Again(ctx)
		if err != nil {
			return nil, err
		}
		if _, held, err = openMessage(body); err != nil {
			return nil, err
		}
	}
	return io.NopCloser(bytes.NewReader(held)), nil
}

func clipBytes(b []byte) []byte {
	return bytes.Clone(b[:min(len(b), 1<<20)])
}

func (e *Endpoint) let(m *source.Message) string {
	h, ok := m.Handle.(*handle)
	if !ok {
		return ""
	}
	e.retained.Add(-h.retained)
	h.retained = 0
	return h.id
}

// Ack forgets a message.
func (e *Endpoint) Ack(ctx context.Context, m *source.Message) error {
	return e.log.Ack(ctx, []string{e.let(m)})
}

// Extend keeps a message out.
func (e *Endpoint) Extend(ctx context.Context, m *source.Message) error {
	h, ok := m.Handle.(*handle)
	if !ok {
		return nil
	}
	return e.log.Extend(ctx, []string{h.id})
}

// Release gives a message back. There is no dead-letter queue behind a push: what comes
// too often is for whoever receives to set aside.
func (e *Endpoint) Release(ctx context.Context, m *source.Message, after time.Duration, cause error) error {
	err := e.log.Release(ctx, e.let(m), after)
	if after <= 0 {
		e.nudge()
	}
	return err
}

// Lag returns what waits in the log.
func (e *Endpoint) Lag(ctx context.Context) (source.Lag, error) { return e.log.Lag(ctx) }

// Close stores what is under way, and closes the log. Requests are answered with 503
// from then on.
func (e *Endpoint) Close() error {
	e.end()
	e.gather.close()
	return e.log.Close()
}
